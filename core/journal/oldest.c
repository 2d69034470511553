/*
 * oldest.c - since when a route's oldest pending delivery waits
 *
 * It is the one at the frontier or, where that is older, the first row that blocks. Rows lie by lane,
 * so the first by number is not looked for each time: `low` is a number below which no row blocks.
 * A new row lowers it at once. When the row there ends, the messages behind it are asked in turn
 * whether this route still has a blocking row of them, as far as the frontier and a few thousand a
 * commit: over time each message is asked once. Until that is through, what is told is too old, never
 * too young.
 *
 * Thread: the writer, and the opener's to load. Invariant: every blocking row's seq is at least low;
 * unless low_gone, low is such a row's seq, or UINT64_MAX for none.
 */
#include "core/journal/internal.h"

#define STEPS 4096u

static uint64_t blocking(const struct bb_wroute *r)
{
    uint64_t n = 0;
    for (int i = BB_D_SPILLED; i <= BB_D_HELD; i++)
        n += r->s.counts[i];
    return n;
}

void bb_oldest_row(struct bb_wroute *r, uint64_t seq, const struct bb_row *row)
{
    if (row && bb_row_blocks(row)) {
        if (seq <= r->s.low) {
            r->s.low = seq;
            r->s.low_gone = false;
        }
    } else if (seq == r->s.low) {
        r->s.low_gone = true;
    }
}

/* The first blocking row of each lane; rows of lane 0 are in order among themselves. */
int bb_oldest_load(struct bb_journal *j, struct bb_wroute *r)
{
    struct bb_key kb;
    struct bb_row row;
    MDB_cursor *c;
    MDB_val k, v;
    int rc = 0;
    if (!blocking(r))
        return 0;
    c = bb_cur(j, BB_TAB_ROW, &rc);
    if (rc)
        return rc;
    k = bb_key_of(&kb, r->id, 2, 0, 0, 0);
    rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
    while (!rc && bb_key_in(&k, r->id, 20)) {
        uint64_t lane = bb_rd64((uint8_t *)k.mv_data + 4);
        if (v.mv_size != sizeof row)
            return MDB_CORRUPTED;
        memcpy(&row, v.mv_data, sizeof row);
        if (!bb_row_blocks(&row)) {
            rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
            continue;
        }
        bb_oldest_row(r, bb_rd64((uint8_t *)k.mv_data + 12), &row);
        if (lane == UINT64_MAX)
            break;
        k = bb_key_of(&kb, r->id, 2, lane + 1, 0, 0);
        rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* 1: the route has a blocking row of this message; 0, or -code. */
static int blocks(struct bb_journal *j, const struct bb_wroute *r, const MDB_val *v, uint64_t seq)
{
    struct bb_rec_msg h;
    struct bb_match m;
    struct bb_row row;
    int rc;
    if (bb_record_head(v, &h) != 0)
        return 0;
    for (unsigned i = 0; i < h.n_matches; i++) {
        memcpy(&m, (const uint8_t *)v->mv_data + sizeof h + i * sizeof m, sizeof m); /* unaligned */
        if (m.route != r->id)
            continue;
        rc = bb_row_get(j, r->id, m.lane, seq, &row);
        return rc == MDB_NOTFOUND ? 0 : rc ? -1 : bb_row_blocks(&row);
    }
    return 0;
}

static int low_find(struct bb_journal *j, struct bb_wroute *r, uint64_t end)
{
    MDB_val k = {8, &r->s.low}, v;
    uint64_t seq;
    MDB_cursor *c;
    int rc = 0;
    if (!blocking(r)) {
        r->s.low = UINT64_MAX;
        r->s.low_gone = false;
        return 0;
    }
    if (r->s.low >= end)
        return 0; /* the frontier's is older; looked for once that has gone on */
    c = bb_cur(j, BB_TAB_MSG, &rc);
    if (rc)
        return rc;
    rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
    for (unsigned n = 0; !rc && n < STEPS; n++) {
        seq = bb_le64(k.mv_data);
        r->s.low = seq;
        rc = seq < end ? blocks(j, r, &v, seq) : 0;
        r->s.low_gone = rc != 1;
        if (rc || seq >= end)
            return rc < 0 ? MDB_CORRUPTED : 0;
        rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int bb_oldest_flush(struct bb_journal *j, struct bb_wroute *r)
{
    uint64_t end = r->s.frontier < r->s.tail ? r->s.frontier_seq : UINT64_MAX, seq;
    struct bb_rec_msg h;
    MDB_val v;
    int rc = r->s.low_gone ? low_find(j, r, end) : 0;
    seq = r->s.low < end ? r->s.low : end;
    if (rc || seq == r->oldest)
        return rc;
    r->oldest_ms = 0;
    r->oldest = seq;
    if (seq == UINT64_MAX)
        return 0;
    rc = bb_get(j, BB_TAB_MSG, (MDB_val){8, &seq}, &v);
    if (!rc && bb_record_head(&v, &h) == 0)
        r->oldest_ms = h.accept_ms;
    return rc == MDB_NOTFOUND ? 0 : rc;
}
