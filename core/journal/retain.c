/*
 * retain.c - what is old and done leaves the store, a bounded piece with each commit
 *
 * A message goes when it is older than the retention and every delivery of it is terminal; pinned
 * ones are passed over, never deleted. Events stay as long as the oldest message. Claims go by
 * time and count. A pass costs at most a twentieth of the time. Thread: the writer.
 */
#include "core/journal/internal.h"

#define PIECE 2000u
#define PASS_MIN_US 1000000u
#define PASS_MAX_US 60000000u

bool bb_retain_due(struct bb_journal *j)
{
    return bb_mono_us() >= (j->ret.active ? j->ret.again_us : j->ret.next_us);
}

/* 1: nothing of it is pending or open, and no new route may take it yet. */
static int finished(struct bb_journal *j, const struct bb_rec_msg *h, const uint8_t *matches, int *rc)
{
    if (bb_join_wants(j, h->seq))
        return 0;
    for (unsigned i = 0; i < h->n_matches; i++) {
        const struct bb_wroute *r;
        struct bb_match m;
        struct bb_row row;
        memcpy(&m, matches + i * sizeof m, sizeof m);
        r = bb_wroute_get(j, m.route);
        if (!r) /* removed: it had nothing pending or open then */
            continue;
        if (r->s.frontier < r->s.tail && h->seq >= r->s.frontier_seq)
            return 0;
        *rc = bb_row_get(j, m.route, m.lane, h->seq, &row);
        if (*rc != MDB_NOTFOUND)
            return 0;
        *rc = 0;
    }
    return 1;
}

/* *left: records that may still be looked at. 0 with *left > 0: the pass is through. */
static int messages(struct bb_journal *j, size_t *left)
{
    uint64_t seq = j->ret.msg;
    MDB_val k = {8, &seq}, v;
    int rc = 0;
    MDB_cursor *c = bb_cur(j, BB_TAB_MSG, &rc);
    if (rc)
        return rc;
    for (rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE); !rc && *left;
         rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
        struct bb_rec_msg h;
        (*left)--;
        j->ret.msg = bb_le64(k.mv_data) + 1;
        if (bb_record_head(&v, &h) != 0)
            continue; /* damaged: kept for who looks into it */
        if (h.accept_ms + j->o.retention_ms > j->now_ms)
            return 0;
        if (finished(j, &h, (const uint8_t *)v.mv_data + sizeof h, &rc) && !rc)
            rc = bb_del_at(j, BB_TAB_MSG, c, &k);
        if (rc)
            return rc;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static uint64_t oldest_message(struct bb_journal *j, int *rc)
{
    struct bb_rec_msg h;
    MDB_val k, v;
    MDB_cursor *c = bb_cur(j, BB_TAB_MSG, rc);
    if (!*rc)
        *rc = mdb_cursor_get(c, &k, &v, MDB_FIRST);
    if (*rc == 0)
        return bb_record_head(&v, &h) == 0 ? h.accept_ms : 0;
    if (*rc == MDB_NOTFOUND)
        *rc = 0;
    return UINT64_MAX;
}

static int events(struct bb_journal *j, size_t *left)
{
    uint64_t floor = j->now_ms > j->o.retention_ms ? j->now_ms - j->o.retention_ms : 0, oldest;
    struct bb_key kb;
    MDB_val k, v;
    int rc = 0;
    MDB_cursor *c;
    oldest = oldest_message(j, &rc);
    if (oldest < floor)
        floor = oldest;
    c = bb_cur(j, BB_TAB_EVENT, &rc);
    if (rc)
        return rc;
    for (rc = mdb_cursor_get(c, &k, &v, MDB_FIRST); !rc && *left;
         rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
        struct bb_rec_event h;
        (*left)--;
        if (v.mv_size >= sizeof h) {
            memcpy(&h, v.mv_data, sizeof h);
            if (h.time_ms >= floor)
                return 0;
            if (h.kind == BB_EV_DETAIL && v.mv_size >= sizeof h + 8)
                rc = bb_del(j, BB_TAB_HIST,
                            bb_key_of(&kb, h.route, 2, bb_le64((uint8_t *)v.mv_data + sizeof h),
                                      bb_le64(k.mv_data), 0));
        }
        if (!rc)
            rc = bb_del_at(j, BB_TAB_EVENT, c, &k);
        if (rc)
            return rc;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int bb_retain_claims(struct bb_journal *j, bool by_time)
{
    MDB_cursor *c;
    MDB_val k, v;
    int rc = 0, rows = 0;
    if (j->rebuild.on || (!by_time && j->claims.n <= j->o.claims_max))
        return 0;
    c = bb_cur(j, BB_TAB_CLAIM, &rc);
    if (rc)
        return rc;
    for (rc = mdb_cursor_get(c, &k, &v, MDB_FIRST); !rc && rows < 64;
         rc = mdb_cursor_get(c, &k, &v, MDB_NEXT), rows++) {
        size_t gone = j->claim_gone.len / sizeof(struct bb_rec_claim);
        bool old = v.mv_size >= 8 && bb_le64(v.mv_data) + j->o.claims_window_ms < j->now_ms;
        if (!(by_time && old) && j->claims.n - gone <= j->o.claims_max)
            return 0;
        if (v.mv_size > 8)
            rc = bb_vec_put(&j->claim_gone, (uint8_t *)v.mv_data + 8,
                            (v.mv_size - 8) / sizeof(struct bb_rec_claim) *
                                sizeof(struct bb_rec_claim));
        if (!rc)
            rc = bb_del_at(j, BB_TAB_CLAIM, c, &k);
        if (rc)
            return rc;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

void bb_retain_went(struct bb_journal *j, bool well)
{
    j->ret.piece = !well ? j->ret.piece / 8 : j->ret.piece < PIECE / 2 ? 2 * j->ret.piece + 1 : PIECE;
}

int bb_retain(struct bb_journal *j)
{
    size_t left = (j->ret.piece + 1) + 2 * (size_t)(j->m.next_seq - j->m_saved.next_seq);
    uint64_t now = bb_mono_us(), pause;
    int rc = 0;
    if (!j->ret.active) {
        j->ret.active = true;
        j->ret.events = false;
        j->ret.msg = 0;
        j->ret.started_us = now;
        rc = bb_retain_claims(j, true);
    }
    if (!rc && !j->ret.events) {
        rc = messages(j, &left);
        j->ret.events = left > 0;
    }
    if (!rc && j->ret.events) {
        rc = events(j, &left);
        if (left > 0) {
            j->ret.active = false;
            pause = 20 * (now - j->ret.started_us);
            pause = pause < PASS_MIN_US ? PASS_MIN_US : pause > PASS_MAX_US ? PASS_MAX_US : pause;
            j->ret.next_us = now + pause;
        }
    }
    return rc;
}
