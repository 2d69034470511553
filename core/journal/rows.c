/*
 * rows.c - deliveries that left the plain path: their rows, and the order of a lane
 *
 * A row is in step with due, open, body and the route's counts after every bb_row_set. The head of
 * a lane is its first row that blocks; QUARANTINED rows do not. Hints keep a lane with many
 * quarantined rows from being searched from its start each time. Thread: the writer.
 */
#include "core/journal/internal.h"

bool bb_row_blocks(const struct bb_row *row)
{
    return row->state >= BB_D_SPILLED && row->state <= BB_D_HELD;
}

static struct bb_hint *hint(struct bb_journal *j, uint32_t route, uint64_t lane, bool make)
{
    uint64_t h = (lane ^ (uint64_t)route << 40) * 0x9e3779b97f4a7c15u;
    struct bb_hint *p = &j->hints[h >> 54 & (BB_HINTS - 1)];
    if (p->used && p->route == route && p->lane == lane)
        return p;
    if (!make)
        return NULL;
    *p = (struct bb_hint){.route = route, .used = true, .lane = lane};
    return p;
}

int bb_row_get(struct bb_journal *j, uint32_t route, uint64_t lane, uint64_t seq, struct bb_row *row)
{
    struct bb_key kb;
    MDB_val v;
    int rc = bb_get(j, BB_TAB_ROW, bb_key_of(&kb, route, 2, lane, seq, 0), &v);
    if (!rc && v.mv_size != sizeof *row)
        return MDB_CORRUPTED;
    if (!rc)
        memcpy(row, v.mv_data, sizeof *row);
    return rc;
}

static bool is_open(const struct bb_row *row)
{
    return row && (row->state == BB_D_HELD || row->state == BB_D_QUARANTINED);
}

static int due_step(struct bb_journal *j, struct bb_wroute *r, uint64_t lane, uint64_t seq,
                    const struct bb_row *old, const struct bb_row *row)
{
    uint64_t was = 0, is = 0;
    bool had = old && bb_row_due(old, &was), has = row && bb_row_due(row, &is);
    struct bb_key kb;
    int rc = 0;
    if (had == has && (!had || was == is))
        return 0;
    r->due_changed = true;
    if (had)
        rc = bb_del(j, BB_TAB_DUE, bb_key_of(&kb, r->id, 3, was, lane, seq));
    if (!rc && has)
        rc = bb_put(j, BB_TAB_DUE, bb_key_of(&kb, r->id, 3, is, lane, seq), "", 0);
    return rc;
}

int bb_row_set(struct bb_journal *j, struct bb_wroute *r, uint64_t lane, uint64_t seq,
               const struct bb_row *old, const struct bb_row *row)
{
    struct bb_hint *h;
    struct bb_key kb;
    int rc = bb_wroute_touch(j, r);
    if (!rc)
        rc = due_step(j, r, lane, seq, old, row);
    if (!rc && is_open(old) != is_open(row)) {
        MDB_val k = bb_key_of(&kb, r->id, 1, seq, 0, 0);
        rc = is_open(row) ? bb_put(j, BB_TAB_OPEN, k, &lane, 8) : bb_del(j, BB_TAB_OPEN, k);
    }
    if (!rc && old && old->flags & BB_ROW_BODY && !(row && row->flags & BB_ROW_BODY))
        rc = bb_del(j, BB_TAB_BODY, bb_key_of(&kb, r->id, 1, seq, 0, 0));
    if (!rc) {
        MDB_val k = bb_key_of(&kb, r->id, 2, lane, seq, 0);
        rc = row ? bb_put(j, BB_TAB_ROW, k, row, sizeof *row) : bb_del(j, BB_TAB_ROW, k);
    }
    if (rc)
        return rc;
    bb_oldest_row(r, seq, row);
    if (old)
        r->s.counts[old->state]--;
    if (!row)
        return 0;
    r->s.counts[row->state]++;
    h = lane ? hint(j, r->id, lane, false) : NULL;
    if (h && row->state == BB_D_QUARANTINED && h->over > seq)
        h->over = seq;
    if (h && bb_row_blocks(row) && h->low > seq)
        h->low = seq;
    return 0;
}

/* Is the cursor's key in this lane? */
static bool in_lane(const MDB_val *k, uint32_t route, uint64_t lane)
{
    return bb_key_in(k, route, 20) && bb_rd64((uint8_t *)k->mv_data + 4) == lane;
}

int bb_lane_head(struct bb_journal *j, struct bb_wroute *r, uint64_t lane, uint64_t *seq,
                 struct bb_row *row)
{
    const uint64_t *n = r->s.counts;
    struct bb_hint *h;
    struct bb_key kb;
    MDB_cursor *c;
    MDB_val k, v;
    int rc = 0;
    if (!lane || !(n[BB_D_SPILLED] + n[BB_D_INFLIGHT] + n[BB_D_RETRYING] + n[BB_D_PROBING] +
                   n[BB_D_HELD]))
        return MDB_NOTFOUND;
    c = bb_cur(j, BB_TAB_ROW, &rc);
    if (rc)
        return rc;
    h = hint(j, r->id, lane, true);
    k = bb_key_of(&kb, r->id, 2, lane, h->low, 0);
    for (rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE); rc == 0 && in_lane(&k, r->id, lane);
         rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
        if (v.mv_size != sizeof *row)
            return MDB_CORRUPTED;
        memcpy(row, v.mv_data, sizeof *row);
        *seq = bb_rd64((uint8_t *)k.mv_data + 12);
        h->low = *seq;
        if (bb_row_blocks(row))
            return 0;
    }
    return rc ? rc : MDB_NOTFOUND;
}

int bb_lane_wake(struct bb_journal *j, struct bb_wroute *r, uint64_t lane)
{
    struct bb_row row, now;
    uint64_t seq;
    int rc = bb_lane_head(j, r, lane, &seq, &row);
    if (rc || row.state != BB_D_SPILLED || row.due_ms)
        return rc == MDB_NOTFOUND ? 0 : rc;
    now = row;
    now.due_ms = j->now_ms;
    return bb_row_set(j, r, lane, seq, &row, &now);
}

int bb_lane_overtake(struct bb_journal *j, struct bb_wroute *r, uint64_t lane, uint64_t seq)
{
    struct bb_hint *h;
    struct bb_key kb;
    MDB_cursor *c;
    MDB_val k, v;
    int rc = 0;
    if (!lane || !r->s.counts[BB_D_QUARANTINED])
        return 0;
    h = hint(j, r->id, lane, true);
    if (h->over >= seq)
        return 0;
    c = bb_cur(j, BB_TAB_ROW, &rc);
    if (rc)
        return rc;
    k = bb_key_of(&kb, r->id, 2, lane, h->over, 0);
    for (rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
         rc == 0 && in_lane(&k, r->id, lane) && bb_rd64((uint8_t *)k.mv_data + 12) < seq;
         rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
        struct bb_row row;
        if (v.mv_size != sizeof row)
            return MDB_CORRUPTED;
        memcpy(&row, v.mv_data, sizeof row);
        if (row.state != BB_D_QUARANTINED || row.flags & BB_ROW_OVERTAKEN)
            continue;
        row.flags |= BB_ROW_OVERTAKEN;
        memcpy(kb.b, k.mv_data, k.mv_size); /* the page moves under the put */
        k = (MDB_val){20, kb.b};
        rc = bb_put(j, BB_TAB_ROW, k, &row, sizeof row);
        if (rc)
            return rc;
    }
    if (rc && rc != MDB_NOTFOUND)
        return rc;
    h->over = seq;
    return 0;
}
