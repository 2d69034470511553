/*
 * store.c - the LMDB environment: opening, creating, its format
 *
 * Thread: the opener's. Without sync only while the log stands for what was committed (wal.h), and
 * never WRITEMAP: a stray write of ours cannot reach the file. NOTLS: read transactions are objects,
 * not threads'.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/base/base.h"
#include "core/journal/wal.h"

static int meta_get(struct bb_store *s, MDB_txn *txn, const char *name, void *out, size_t n)
{
    MDB_val k = {strlen(name), (void *)name}, v;
    int rc = mdb_get(txn, s->dbi[BB_TAB_META], &k, &v);
    if (rc)
        return rc;
    if (v.mv_size != n)
        return MDB_CORRUPTED;
    memcpy(out, v.mv_data, n);
    return 0;
}

static int meta_put(struct bb_store *s, MDB_txn *txn, const char *name, const void *p, size_t n)
{
    MDB_val k = {strlen(name), (void *)name}, v = {n, (void *)p};
    return mdb_put(txn, s->dbi[BB_TAB_META], &k, &v, 0);
}

static int tables_open(struct bb_store *s, MDB_txn *txn, bool create)
{
    for (int t = 0; t < BB_TABS; t++) {
        int rc = mdb_dbi_open(txn, bb_tables[t].name,
                              bb_tables[t].flags | (create ? MDB_CREATE : 0), &s->dbi[t]);
        if (rc)
            return rc;
    }
    return 0;
}

/* Format and identity; an empty store gets them. */
static int identity(struct bb_store *s, MDB_txn *txn, bool create, const char *dir,
                    struct bb_fault *err)
{
    uint32_t format = BB_FORMAT;
    int rc = meta_get(s, txn, "format", &format, sizeof format);
    if (rc == MDB_NOTFOUND && create) {
        if (getrandom(s->id, sizeof s->id, 0) != sizeof s->id ||
            getrandom(s->key, sizeof s->key, 0) != sizeof s->key)
            return bb_fail(err, "journal %s: no random bytes from the kernel", dir);
        rc = meta_put(s, txn, "format", &format, sizeof format);
        if (!rc)
            rc = meta_put(s, txn, "id", s->id, sizeof s->id);
        if (!rc)
            rc = meta_put(s, txn, "key", s->key, sizeof s->key);
        return rc ? bb_fail(err, "journal %s: cannot create it: %s", dir, mdb_strerror(rc)) : 0;
    }
    if (!rc && format != BB_FORMAT)
        return bb_fail(err,
                       "journal %s: has format %u, this program knows format %u: use the program "
                       "that wrote it, or a newer one",
                       dir, format, BB_FORMAT);
    if (!rc)
        rc = meta_get(s, txn, "id", s->id, sizeof s->id);
    if (!rc)
        rc = meta_get(s, txn, "key", s->key, sizeof s->key);
    return rc ? bb_fail(err, "journal %s: not a journal, or damaged: %s", dir, mdb_strerror(rc)) : 0;
}

/* LMDB found a page that cannot be and will end the process: say what that means. */
static void page_damaged(MDB_env *env, const char *text)
{
    const char *dir = "";

    (void)mdb_env_get_path(env, &dir);
    bb_logf(BB_LOG_ERROR,
            "journal %s: a page of its store is damaged (%s); this process ends. Keep a copy of the "
            "folder; `busbar journal salvage` exports what reads", dir, text);
}

int bb_store_open(struct bb_store *s, const char *dir, uint64_t map_size, struct bb_wal *wal,
                  struct bb_fault *err)
{
    bool create = wal != NULL, again = wal && wal->crashed;
    MDB_txn *txn = NULL;
    int rc;

    memset(s, 0, sizeof *s);
    rc = mdb_env_create(&s->env);
    if (rc)
        goto fail;
    (void)mdb_env_set_assert(s->env, page_damaged);
    if (map_size)
        rc = mdb_env_set_mapsize(s->env, map_size);
    if (!rc)
        rc = mdb_env_set_maxdbs(s->env, BB_TABS);
    if (!rc)
        rc = mdb_env_open(s->env, dir, MDB_NOTLS | (create ? 0 : MDB_RDONLY) | (again ? MDB_NOSYNC : 0),
                          0600);
    if (!rc && again) /* a second crash must find the same again */
        rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &wal->pin);
    if (!rc)
        rc = mdb_txn_begin(s->env, NULL, create ? 0 : MDB_RDONLY, &txn);
    if (!rc)
        rc = tables_open(s, txn, create);
    if (rc == MDB_NOTFOUND) {
        bb_fail(err, "journal %s: holds no journal", dir);
        goto out;
    }
    if (rc)
        goto fail;
    if (identity(s, txn, create, dir, err) != 0)
        goto out;
    if (again && memcmp(s->id, wal->id, sizeof s->id) != 0) {
        bb_fail(err, "journal %s: wal.0 and wal.1 are another journal's: put its own back. Where a backup was "
                "put back, remove these two instead", dir);
        goto out;
    }
    rc = mdb_txn_commit(txn);
    txn = NULL;
    if (!rc && again)
        rc = bb_wal_replay(wal, s);
    if (again && rc == EBADMSG) {
        bb_fail(err, "journal %s: its log (wal.0, wal.1) has a damaged record before others: "
                "`busbar journal salvage` exports what reads", dir);
        goto out;
    }
    if (rc)
        goto fail;
    return 0;
fail:
    bb_fail(err, "journal %s: cannot open the store: %s", dir, mdb_strerror(rc));
out:
    if (txn)
        mdb_txn_abort(txn);
    if (wal)
        bb_wal_unpin(wal);
    bb_store_close(s);
    return -1;
}

void bb_store_close(struct bb_store *s)
{
    if (s->env)
        mdb_env_close(s->env);
    s->env = NULL;
}

int bb_store_free_pages(MDB_txn *txn, uint64_t before, uint64_t *pages)
{
    MDB_cursor *c;
    MDB_val k, v;
    int rc = mdb_cursor_open(txn, 0, &c); /* table 0: the free list, as LMDB's own tools read it */
    *pages = 0;
    if (rc)
        return rc;
    while ((rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0)
        if (v.mv_size >= sizeof(size_t) && bb_le64(k.mv_data) < before)
            *pages += bb_le64(v.mv_data);
    mdb_cursor_close(c);
    return rc == MDB_NOTFOUND ? 0 : rc;
}
