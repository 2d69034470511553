/*
 * txn.c - the open transaction: its changes, its record in the log, and LMDB's commit behind that
 *
 * With the log on, what is durable and answered is LMDB's only later: its transaction stays open over
 * many records and is committed ("settled") a few times a second, when it is large, or when a reader
 * asks. So a page that changes with every record is written once for many. The records since
 * the last settling are kept in memory, the window: a transaction that must be aborted takes earlier
 * records with it, which are then done again from there. With the log off each one is LMDB's own.
 * What cannot be settled has no room (the reserve is given up, once more) or has failed for good.
 * Thread: the writer; bb_journal_fresh any.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/journal/internal.h"

#define SETTLE_BYTES (1u << 20) /* of records */

int bb_vec_room(struct bb_vec *v, size_t n)
{
    size_t cap = v->cap ? v->cap * 2 : 1024;
    uint8_t *q;

    if (v->len + n <= v->cap)
        return 0;
    while (cap < v->len + n)
        cap *= 2;
    q = realloc(v->p, cap);
    if (!q)
        return ENOMEM;
    v->p = q;
    v->cap = cap;
    return 0;
}

int bb_vec_put(struct bb_vec *v, const void *p, size_t n)
{
    int rc = bb_vec_room(v, n);

    if (!rc && n)
        memcpy(v->p + v->len, p, n);
    v->len += rc ? 0 : n;
    return rc;
}

MDB_cursor *bb_cur(struct bb_journal *j, enum bb_table t, int *rc)
{
    if (!j->cur[t])
        *rc = mdb_cursor_open(j->txn, j->store.dbi[t], &j->cur[t]);
    return j->cur[t];
}

int bb_put(struct bb_journal *j, enum bb_table t, MDB_val k, const void *p, size_t n)
{
    MDB_val v = {n, bb_redo_put(&j->wal, t, k, n)};
    if (!v.mv_data)
        return ENOMEM;
    if (n)
        memcpy(v.mv_data, p, n);
    return mdb_put(j->txn, j->store.dbi[t], &k, &v, 0);
}

uint8_t *bb_new(struct bb_journal *j, enum bb_table t, MDB_val k, size_t n)
{
    return bb_redo_put(&j->wal, t, k, n);
}

int bb_new_put(struct bb_journal *j, enum bb_table t, MDB_val k, const uint8_t *p, size_t n)
{
    MDB_val v = {n, (void *)p};
    int rc = 0;
    MDB_cursor *c = bb_cur(j, t, &rc);
    return rc ? rc : mdb_cursor_put(c, &k, &v, MDB_APPEND);
}

int bb_del(struct bb_journal *j, enum bb_table t, MDB_val k)
{
    int rc = mdb_del(j->txn, j->store.dbi[t], &k, NULL);
    return rc == MDB_NOTFOUND ? 0 : rc ? rc : bb_redo_del(&j->wal, t, k);
}

int bb_del_at(struct bb_journal *j, enum bb_table t, MDB_cursor *c, const MDB_val *k)
{
    int rc = bb_redo_del(&j->wal, t, *k); /* first: the key lies in the page */
    return rc ? rc : mdb_cursor_del(c, 0);
}

int bb_get(struct bb_journal *j, enum bb_table t, MDB_val k, MDB_val *v)
{
    return mdb_get(j->txn, j->store.dbi[t], &k, v);
}

/* ---- failing -------------------------------------------------------------------------------------- */
/* LMDB calls a short write EIO, and that is what the last write before a full disk is. Trying
 * again is sound even then: the new transaction writes all of its pages anew, and those of earlier
 * commits were synced, or the log has them; a failed write of the root page makes LMDB refuse every
 * transaction. */
bool bb_no_space(struct bb_journal *j, int rc)
{
    return rc == ENOSPC || rc == EDQUOT || rc == MDB_MAP_FULL || rc == MDB_TXN_FULL ||
           (rc == EIO && bb_disk_is_full(j));
}

void bb_no_room(struct bb_journal *j, int rc)
{
    bb_reserve_release(j);
    bb_intake_close(j, rc == MDB_MAP_FULL || rc == MDB_TXN_FULL
                           ? "disk full: the journal has reached its map_size"
                           : "disk full: the file system of the journal is full");
    bb_space_look(j);
}

int bb_final(struct bb_journal *j, int rc)
{
    if (!rc)
        return 0;
    snprintf(j->pub.failed_text, sizeof j->pub.failed_text,
             "the journal could not commit (%s): what was not acknowledged may be lost, the core "
             "must end", mdb_strerror(rc));
    atomic_store(&j->failed, j->pub.failed_text);
    bb_journal_say(j, BB_LOG_ERROR, "journal %s: %s", j->dir, j->pub.failed_text);
    return BB_RC_FAILED;
}

/* ---- LMDB's transaction ----------------------------------------------------------------------------- */
static void lmdb_abort(struct bb_journal *j)
{
    if (j->txn)
        mdb_txn_abort(j->txn);
    j->txn = NULL;
    memset(j->cur, 0, sizeof j->cur);
}

/* Open, with all that was logged since the last settling. */
static int lmdb_begin(struct bb_journal *j)
{
    int rc;
    if (j->txn)
        return 0;
    memset(j->cur, 0, sizeof j->cur);
    rc = mdb_txn_begin(j->store.env, NULL, 0, &j->txn);
    if (rc)
        j->txn = NULL;
    else if (j->win.records.len)
        rc = bb_redo_apply(j->win.records.p, j->win.records.len, &j->store, j->txn);
    if (rc)
        lmdb_abort(j);
    return rc;
}

static int lmdb_commit(struct bb_journal *j)
{
    int rc = lmdb_begin(j);
    if (!rc)
        rc = mdb_txn_commit(j->txn);
    else
        return rc;
    j->txn = NULL;
    memset(j->cur, 0, sizeof j->cur);
    return rc;
}

/* ---- settling ---------------------------------------------------------------------------------------- */
static void settled(struct bb_journal *j)
{
    j->win.records.len = 0;
    if (j->win.records.cap > 2 * SETTLE_BYTES) {
        free(j->win.records.p);
        j->win.records = (struct bb_vec){0};
    }
    pthread_mutex_lock(&j->in.lock);
    j->in.settled = j->in.logged;
    j->in.fresh_wanted = false;
    pthread_cond_broadcast(&j->in.fresh);
    pthread_mutex_unlock(&j->in.lock);
}

int bb_txn_settle(struct bb_journal *j)
{
    size_t n = j->win.records.len;
    int rc;
    if (!n) {
        lmdb_abort(j);
        settled(j);
        return 0;
    }
    rc = lmdb_commit(j);
    if (bb_no_space(j, rc)) {
        bb_no_room(j, rc);
        rc = lmdb_commit(j);
    }
    if (bb_final(j, rc) != 0)
        return BB_RC_FAILED;
    settled(j);
    bb_wal_nudge(&j->wal, n);
    j->wal.commits++;
    return bb_final(j, bb_wal_tend(&j->wal, &j->store));
}

bool bb_txn_settle_due(struct bb_journal *j)
{
    /* what is not settled is not seen by those who look for room */
    uint64_t most = j->o.reserve / 8 < SETTLE_BYTES ? j->o.reserve / 8 : SETTLE_BYTES;
    bool wanted;
    pthread_mutex_lock(&j->in.lock);
    wanted = j->in.fresh_wanted;
    pthread_mutex_unlock(&j->in.lock);
    return wanted || (j->win.records.len && (j->win.records.len >= most ||
                                             bb_mono_us() - j->win.since_us >= BB_SETTLE_MS * 1000u));
}

int bb_txn_settle_ms(const struct bb_journal *j)
{
    uint64_t age = j->win.records.len ? (bb_mono_us() - j->win.since_us) / 1000 : 0;
    return !j->win.records.len ? 1 << 30 : age >= BB_SETTLE_MS ? 0 : (int)(BB_SETTLE_MS - age);
}

void bb_journal_fresh(struct bb_journal *j)
{
    uint64_t want;
    pthread_mutex_lock(&j->in.lock);
    want = j->in.logged;
    while (j->in.settled < want && !j->in.fresh_ended) {
        j->in.fresh_wanted = true;
        pthread_cond_signal(&j->in.wake);
        pthread_cond_wait(&j->in.fresh, &j->in.lock);
    }
    pthread_mutex_unlock(&j->in.lock);
}

void bb_txn_fresh_end(struct bb_journal *j)
{
    pthread_mutex_lock(&j->in.lock);
    j->in.fresh_ended = true;
    j->in.fresh_wanted = false;
    pthread_cond_broadcast(&j->in.fresh);
    pthread_mutex_unlock(&j->in.lock);
}

int bb_wal_yield(struct bb_journal *j)
{
    j->wal_off_us = bb_mono_us();
    if (bb_txn_settle(j) != 0)
        return BB_RC_FAILED;
    return bb_final(j, bb_wal_off(&j->wal, &j->store));
}

/* ---- one transaction of the writer's ------------------------------------------------------------------- */
int bb_txn_begin(struct bb_journal *j)
{
    bb_redo_begin(&j->wal);
    j->m_saved = j->m;
    j->n_routes_saved = j->n_routes;
    j->claim_new.len = j->claim_gone.len = 0;
    j->now_ms = bb_axis_ms();
    return lmdb_begin(j);
}

int bb_txn_room(struct bb_journal *j)
{
    size_t body = j->wal.rec.len;
    if (!j->wal.on || !body)
        return 0;
    return bb_wal_room(&j->wal) ? bb_wal_room(&j->wal) : bb_vec_room(&j->win.records, body);
}

int bb_txn_turn(struct bb_journal *j)
{
    int rc = bb_txn_settle(j);
    return rc ? rc : bb_final(j, bb_wal_turn(&j->wal, &j->store));
}

int bb_txn_commit(struct bb_journal *j)
{
    struct bb_wal *l = &j->wal;
    int rc;
    if (!l->on)
        return lmdb_commit(j);
    if (!l->rec.len)
        return 0;
    rc = bb_wal_write(l);
    if (rc)
        return rc < 0 ? bb_final(j, -rc) : rc;
    if (!j->win.records.len)
        j->win.since_us = bb_mono_us();
    (void)bb_vec_put(&j->win.records, l->rec.p + sizeof(struct bb_wal_rec),
                     l->body_len); /* there is room: bb_txn_room */
    pthread_mutex_lock(&j->in.lock);
    j->in.logged++;
    pthread_mutex_unlock(&j->in.lock);
    return 0;
}

void bb_txn_abort(struct bb_journal *j)
{
    const struct bb_rec_claim *e = (const void *)j->claim_new.p;
    lmdb_abort(j);
    for (size_t i = 0; i < j->claim_new.len / sizeof *e; i++)
        bb_claims_del(&j->claims, e[i].fingerprint, e[i].seq);
    j->claim_new.len = j->claim_gone.len = 0;
    while (j->n_routes > j->n_routes_saved)
        bb_wroute_free(j->routes[--j->n_routes]);
    for (size_t i = 0; i < j->n_routes; i++) {
        struct bb_wroute *r = j->routes[i];
        if (!r || !r->touched)
            continue;
        if (r->saved.bits)
            memcpy(r->window, r->saved_window, BB_WINDOW_WORDS * 8);
        else
            memset(r->window, 0, BB_WINDOW_WORDS * 8);
        r->s = r->saved;
        r->touched = false;
        r->due_changed = true; /* looked up again with the next change, as is the oldest */
        r->oldest = 0;
    }
    j->m = j->m_saved;
    pthread_mutex_lock(&j->pub.lock);
    if (j->pub.n_names > j->m.next_name)
        j->pub.n_names = j->m.next_name;
    pthread_mutex_unlock(&j->pub.lock);
    memset(j->hints, 0, sizeof j->hints);
}
