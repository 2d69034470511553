/*
 * rebuild.c - the claims' table at a start, from the store, while deliveries go on already
 *
 * Millions of claims take seconds to read from a cold disk, and only intake needs them. So a thread
 * reads them, from a read transaction of its own, and meanwhile the writer puts aside what needs
 * them: appends, settlements with children, and what a source may have sent behind one. All else is
 * done at once.
 * Threads: "rebuild" fills j->claims, which is the writer's again once it has joined that thread.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/journal/internal.h"

#define AHEAD (16 * sizeof(struct bb_rec_claim)) /* the table is far larger than any cache */

static int read_row(struct bb_claims *c, const MDB_val *v)
{
    const uint8_t *p = v->mv_data;
    struct bb_rec_claim e;
    int rc;
    for (size_t at = 8; at + sizeof e <= v->mv_size; at += sizeof e) {
        if (at + AHEAD + sizeof e <= v->mv_size) {
            memcpy(&e, p + at + AHEAD, sizeof e);
            bb_claims_prefetch(c, e.fingerprint);
        }
        memcpy(&e, p + at, sizeof e);
        if (e.seq && (rc = bb_claims_add(c, e.fingerprint, e.seq)) != 0)
            return rc;
    }
    return 0;
}

/* Large rows lie apart, each behind its commit's messages, and on a cold disk one after the other
 * would be a seek each: all are asked for at once. */
static void ask_ahead(const MDB_val *v)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)v->mv_data / page * page;

    if (v->mv_size >= page)
        (void)posix_madvise((void *)from, (uintptr_t)v->mv_data + v->mv_size - from, POSIX_MADV_WILLNEED);
}

/* What lies around them is messages, which nobody wants here. LMDB does not say where its map is, but
 * each of its pages begins with its own number. v: a value in it. */
static void read_around(MDB_env *env, const MDB_val *v, int advice)
{
    MDB_envinfo info;
    MDB_stat st;
    uint64_t pgno;
    uintptr_t page;

    if (mdb_env_info(env, &info) != 0 || mdb_env_stat(env, &st) != 0)
        return;
    page = (uintptr_t)v->mv_data & ~((uintptr_t)st.ms_psize - 1);
    memcpy(&pgno, (const void *)page, sizeof pgno);
    if (pgno <= info.me_last_pgno)
        (void)posix_madvise((void *)(page - pgno * st.ms_psize), info.me_mapsize, advice);
}

static int read_all(struct bb_journal *j, MDB_cursor *c)
{
    MDB_val k, v, first;
    uint64_t n;
    int rc = mdb_cursor_get(c, &k, &first, MDB_FIRST);
    if (rc)
        return rc;
    /* at most one claim a message since the oldest: room for all at once, nothing is moved twice */
    n = j->rebuild.next_seq - bb_le64(k.mv_data);
    rc = bb_claims_expect(&j->claims, n < j->o.claims_max ? n : j->o.claims_max);
    if (rc)
        return rc;
    read_around(j->store.env, &first, POSIX_MADV_RANDOM);
    for (v = first; !rc && !atomic_load(&j->rebuild.stop); rc = mdb_cursor_get(c, &k, &v, MDB_NEXT))
        ask_ahead(&v);
    rc = mdb_cursor_get(c, &k, &v, MDB_FIRST);
    while (!rc && !atomic_load(&j->rebuild.stop)) {
        rc = read_row(&j->claims, &v);
        if (!rc)
            rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
    }
    read_around(j->store.env, &first, POSIX_MADV_NORMAL);
    return rc;
}

static void *rebuild(void *arg)
{
    struct bb_journal *j = arg;
    MDB_cursor *c = NULL;
    int rc = mdb_cursor_open(j->rebuild.txn, j->store.dbi[BB_TAB_CLAIM], &c);
    if (!rc)
        rc = read_all(j, c);
    if (c)
        mdb_cursor_close(c);
    mdb_txn_abort(j->rebuild.txn);
    j->rebuild.rc = rc == MDB_NOTFOUND ? 0 : rc;
    pthread_mutex_lock(&j->in.lock);
    j->rebuild.done = true;
    pthread_cond_signal(&j->in.wake);
    pthread_mutex_unlock(&j->in.lock);
    return NULL;
}

int bb_rebuild_start(struct bb_journal *j)
{
    int rc = mdb_txn_begin(j->store.env, NULL, MDB_RDONLY, &j->rebuild.txn);
    if (rc)
        return rc;
    j->rebuild.tail = &j->rebuild.head;
    j->rebuild.next_seq = j->m.next_seq;
    rc = pthread_create(&j->rebuild.thread, NULL, rebuild, j);
    if (rc)
        mdb_txn_abort(j->rebuild.txn);
    j->rebuild.on = rc == 0;
    return rc;
}

bool bb_rebuild_end(struct bb_journal *j, bool stop)
{
    if (!j->rebuild.on)
        return true;
    atomic_store(&j->rebuild.stop, stop);
    pthread_join(j->rebuild.thread, NULL);
    j->rebuild.on = false;
    return stop || bb_final(j, j->rebuild.rc) == 0;
}

/* To the front of the queue: it may be far more than one transaction should hold. */
static bool queue_again(struct bb_journal *j)
{
    if (!j->rebuild.head)
        return false;
    pthread_mutex_lock(&j->in.lock);
    *j->rebuild.tail = j->in.head;
    if (!j->in.head)
        j->in.tail = j->rebuild.tail;
    j->in.head = j->rebuild.head;
    pthread_mutex_unlock(&j->in.lock);
    j->rebuild.head = NULL;
    return true;
}

struct bb_op *bb_rebuild_sort(struct bb_journal *j, struct bb_op *list, bool *stop)
{
    struct bb_op *now = NULL, **tail = &now;
    bool done;
    if (!j->rebuild.on)
        return list;
    pthread_mutex_lock(&j->in.lock);
    done = j->rebuild.done;
    pthread_mutex_unlock(&j->in.lock);
    for (struct bb_op *op = list, *next; op; op = next) {
        bool later = op->kind == BB_OP_APPEND || op->kind == BB_OP_STATE ||
                     (op->kind == BB_OP_SETTLE && op->settle.children);
        next = op->next;
        op->next = NULL;
        *(later ? j->rebuild.tail : tail) = op;
        *(later ? &j->rebuild.tail : &tail) = &op->next;
    }
    if (!done && !(*stop && j->rebuild.head))
        return now;
    (void)bb_rebuild_end(j, false);
    if (queue_again(j))
        *stop = false;
    return now;
}
