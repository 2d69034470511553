/*
 * redo.c - what a transaction changed, as the bytes of its log record
 *
 * Each put and delete is noted as it is done in LMDB. A value is built in the record first and
 * copied to the page from there: once for both. Doing a record again gives the same tables,
 * whatever part of it is there already. Thread: the writer's, or the opener's.
 */
#include <errno.h>
#include <stdlib.h>
#include "core/journal/internal.h"

void bb_redo_begin(struct bb_wal *l)
{
    if (l->rec.cap > BB_WAL_MAX) { /* one giant message need not be paid for ever after */
        free(l->rec.p);
        l->rec = (struct bb_vec){0};
    }
    l->rec.len = 0;
}

static int note(struct bb_wal *l, const struct bb_wal_change *c, const void *key)
{
    static const struct bb_wal_rec head;
    int rc = l->rec.len ? 0 : bb_vec_put(&l->rec, &head, sizeof head);

    if (!rc)
        rc = bb_vec_put(&l->rec, c, sizeof *c);
    return rc ? rc : bb_vec_put(&l->rec, key, c->key);
}

uint8_t *bb_redo_put(struct bb_wal *l, enum bb_table t, MDB_val k, size_t n)
{
    struct bb_wal_change c = {(uint8_t)t, 0, (uint16_t)k.mv_size, (uint32_t)n};

    if (note(l, &c, k.mv_data) != 0 || bb_vec_room(&l->rec, n) != 0)
        return NULL;
    l->rec.len += n;
    return l->rec.p + l->rec.len - n;
}

int bb_redo_del(struct bb_wal *l, enum bb_table t, MDB_val k)
{
    struct bb_wal_change c = {(uint8_t)t, 1, (uint16_t)k.mv_size, 0};

    return note(l, &c, k.mv_data);
}

int bb_redo_apply(const uint8_t *p, size_t n, const struct bb_store *s, MDB_txn *txn)
{
    struct bb_wal_change c;
    int rc = 0;

    for (; n && !rc; p += c.key + (size_t)c.value, n -= c.key + (size_t)c.value) {
        MDB_val k, v;
        if (n < sizeof c)
            return EBADMSG;
        memcpy(&c, p, sizeof c);
        p += sizeof c;
        n -= sizeof c;
        if (c.table >= BB_TABS || !c.key || c.key + (size_t)c.value > n)
            return EBADMSG;
        k = (MDB_val){c.key, (void *)p};
        v = (MDB_val){c.value, (void *)(p + c.key)};
        rc = c.del ? mdb_del(txn, s->dbi[c.table], &k, NULL)
                   : mdb_put(txn, s->dbi[c.table], &k, &v, 0);
        if (c.del && rc == MDB_NOTFOUND)
            rc = 0;
    }
    return rc;
}
