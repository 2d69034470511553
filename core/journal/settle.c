/*
 * settle.c - what became of deliveries: settlements, marks before a send, the feed's mark
 *
 * A delivery from the feed (ord) leaves it by its bit in the window; the frontier runs over set
 * bits. One that has a row (ord BB_ORD_NONE) changes the row. At most one delivery of a lane is
 * unsettled in the hub, or one batch of its rows: those are INFLIGHT, so that the first of them is
 * the lane's head until the last of them ends. So whatever ends here may wake the lane's next.
 * A delivery that became other messages ends in the operation that appends them. Thread: the writer.
 */
#include "core/journal/internal.h"

static const uint8_t becomes[] = {
    [BB_TO_DELIVERED] = BB_D_DELIVERED, [BB_TO_SKIPPED] = BB_D_SKIPPED,
    [BB_TO_DISCARDED] = BB_D_DISCARDED, [BB_TO_SPILLED] = BB_D_SPILLED,
    [BB_TO_RETRYING] = BB_D_RETRYING,   [BB_TO_PROBING] = BB_D_PROBING,
    [BB_TO_HELD] = BB_D_HELD,           [BB_TO_QUARANTINED] = BB_D_QUARANTINED,
    [BB_TO_INFLIGHT] = BB_D_INFLIGHT};

static bool terminal(unsigned to)
{
    return to <= BB_TO_DISCARDED;
}

static bool bit(const struct bb_wroute *r, uint64_t ord)
{
    return r->window[ord % BB_WINDOW / 64] >> (ord % 64) & 1;
}

static bool check(struct bb_journal *j, struct bb_op *op)
{
    if (op->settle.children && (op->settle.n != 1 || op->settle.v[0].to != BB_TO_DELIVERED)) {
        bb_op_refuse(op, BB_E_REJECT, "children come with one delivery that ends");
        return false;
    }
    for (size_t i = 0; i < op->settle.n; i++) {
        const struct bb_settle *s = &op->settle.v[i];
        const struct bb_wroute *r = bb_wroute_get(j, s->route);
        if (s->to >= sizeof becomes || !r) {
            bb_op_refuse(op, BB_E_REJECT, "settlement %zu: no such route (%u) or state (%u)", i,
                         s->route, s->to);
            return false;
        }
        if (s->ord == BB_ORD_NONE || s->parked)
            continue;
        if (s->route == BB_ROUTE_UNMATCHED || s->ord < r->s.frontier || s->ord >= r->s.tail ||
            s->ord - r->s.frontier >= BB_WINDOW || bit(r, s->ord)) {
            bb_op_refuse(op, BB_E_REJECT,
                         "settlement %zu: ordinal %llu of route %s is not open (frontier %llu, "
                         "tail %llu)", i, (unsigned long long)s->ord, r->name,
                         (unsigned long long)r->s.frontier, (unsigned long long)r->s.tail);
            return false;
        }
    }
    return true;
}

/* The ordinal is accounted for. False: it was already (twice in one operation). */
static bool account(struct bb_wroute *r, uint64_t ord)
{
    if (ord < r->s.frontier || bit(r, ord))
        return false;
    if (ord == r->s.frontier && !r->s.bits) {
        r->s.frontier++;
        return true;
    }
    r->window[ord % BB_WINDOW / 64] |= 1ull << (ord % 64);
    r->s.bits++;
    for (; r->s.bits && bit(r, r->s.frontier); r->s.frontier++, r->s.bits--)
        r->window[r->s.frontier % BB_WINDOW / 64] &= ~(1ull << (r->s.frontier % 64));
    return true;
}

static int event(struct bb_journal *j, struct bb_wroute *r, const struct bb_settle *s)
{
    uint8_t to = becomes[s->to];
    if (j->space.tight && (to == BB_D_RETRYING || to == BB_D_PROBING))
        return 0; /* a row changes in place, but each attempt's event would take more room */
    if (!s->event.len && terminal(s->to))
        return bb_vec_put(&r->done[to - BB_D_DELIVERED], &s->seq, 8);
    if (!s->event.len && to != BB_D_HELD && to != BB_D_QUARANTINED)
        return 0;
    return bb_event_detail(j, r->id, s->seq, (enum bb_dstate)to, s->event);
}

#define ROW_BYTES 256u /* a new row with its keys, generously */

/* Does it make the store grow, and is there room for that? Plain ends and rows that change in place
 * need none. */
static int afford(struct bb_journal *j, const struct bb_settle *s, const struct bb_row *old)
{
    uint8_t to = becomes[s->to];
    uint64_t bytes = old || terminal(s->to) ? 0 : ROW_BYTES;
    if (!(j->space.tight && (to == BB_D_RETRYING || to == BB_D_PROBING)))
        bytes += s->event.len;
    if (s->keep_body || s->row.flags & BB_ROW_MAYBE_SENT)
        bytes += s->body.len;
    return bb_space_afford(j, bytes);
}

/* While intake is closed what is left of the disk is for settling: a body that was surely not
 * applied is not kept. Its transform runs again then; nobody has seen the first rendering. */
static int body(struct bb_journal *j, const struct bb_settle *s, const struct bb_row *old,
                struct bb_row *row)
{
    struct bb_key kb;
    if (!s->body.len || (!s->keep_body && !(row->flags & BB_ROW_MAYBE_SENT) && atomic_load(&j->intake))) {
        if (!old || !(old->flags & BB_ROW_BODY))
            row->flags &= (uint8_t)~BB_ROW_BODY; /* there is none to send */
        return 0;
    }
    row->flags |= BB_ROW_BODY;
    return bb_put(j, BB_TAB_BODY, bb_key_of(&kb, s->route, 1, s->seq, 0, 0), s->body.ptr,
                  s->body.len);
}

/* SPILLED: does its own turn come now? */
static int spilled_due(struct bb_journal *j, struct bb_wroute *r, const struct bb_settle *s,
                       struct bb_row *row)
{
    struct bb_row h;
    uint64_t head;
    int rc;
    row->due_ms = 0;
    if (s->lane_in_flight)
        return 0;
    rc = bb_lane_head(j, r, s->lane, &head, &h);
    if (rc == MDB_NOTFOUND || (!rc && head >= s->seq))
        row->due_ms = j->now_ms;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static bool only_rendered(bool renders, const struct bb_row *row)
{
    return renders && !(row->flags & BB_ROW_BODY);
}

/* In flight: maybe sent from now on, unless all that can come is its body. */
static void launched(struct bb_row *row, uint64_t now_ms, bool renders)
{
    row->state = BB_D_INFLIGHT;
    row->due_ms = 0;
    if (only_rendered(renders, row))
        return;
    row->flags |= BB_ROW_MAYBE_SENT;
    row->sends++;
    row->sent_ms = now_ms;
}

static int take(struct bb_journal *j, struct bb_wroute *r, uint64_t lane, uint64_t seq,
                const struct bb_row *was, struct bb_row *now, bool renders)
{
    *now = *was;
    launched(now, j->now_ms, renders);
    return bb_row_set(j, r, lane, seq, was, now);
}

/* The first row of the lane that blocks and stands after seq. */
static int lane_after(struct bb_journal *j, struct bb_wroute *r, uint64_t lane, uint64_t seq,
                      uint64_t *next, struct bb_row *row)
{
    struct bb_key kb;
    MDB_val k, v;
    int rc = 0;
    MDB_cursor *c = bb_cur(j, BB_TAB_ROW, &rc);
    if (rc)
        return rc;
    k = bb_key_of(&kb, r->id, 2, lane, seq + 1, 0);
    for (rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE); !rc;
         rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
        if (!bb_key_in(&k, r->id, 20) || bb_rd64((uint8_t *)k.mv_data + 4) != lane)
            return MDB_NOTFOUND;
        if (v.mv_size != sizeof *row)
            return MDB_CORRUPTED;
        memcpy(row, v.mv_data, sizeof *row);
        *next = bb_rd64((uint8_t *)k.mv_data + 12);
        if (bb_row_blocks(row))
            return 0;
    }
    return rc;
}

/* The rows behind the head that may go with it: none is left out, so their order is the lane's. */
static int more_of_lane(struct bb_journal *j, struct bb_wroute *r, struct bb_settle *s)
{
    uint64_t at = s->next_seq;
    struct bb_row now;
    int rc = 0;
    while (!rc && s->n_more < s->max_more) {
        struct bb_more *m = &s->more[s->n_more];
        rc = lane_after(j, r, s->lane, at, &m->seq, &m->row);
        if (rc || m->row.state != BB_D_SPILLED ||
            m->row.flags & (BB_ROW_MAYBE_SENT | BB_ROW_RELEASED))
            break;
        at = m->seq;
        s->n_more++;
        rc = take(j, r, s->lane, at, &m->row, &now, s->renders);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* The lane is free: its next delivery goes to the hub at once, or becomes due. */
static int next_of_lane(struct bb_journal *j, struct bb_wroute *r, struct bb_settle *s)
{
    struct bb_row h, now;
    uint64_t seq;
    int rc;
    if (!s->take_next)
        return bb_lane_wake(j, r, s->lane);
    rc = bb_lane_head(j, r, s->lane, &seq, &h);
    if (rc || h.state != BB_D_SPILLED)
        return rc == MDB_NOTFOUND ? 0 : rc;
    rc = take(j, r, s->lane, seq, &h, &now, s->renders);
    s->has_next = 1;
    s->next_seq = seq;
    s->next_row = now;
    if (!rc && s->max_more && !(h.flags & BB_ROW_MAYBE_SENT))
        rc = more_of_lane(j, r, s);
    if (!rc && !only_rendered(s->renders, &now))
        rc = bb_lane_overtake(j, r, s->lane, s->n_more ? s->more[s->n_more - 1].seq : seq);
    return rc;
}

/* There is no room for what became of it. So that the frontier passes it, and retention with that
 * can make room, it gets a row as of now: in flight, as a crash would find it. */
static int park(struct bb_journal *j, struct bb_settle *s)
{
    struct bb_wroute *r = bb_wroute_get(j, s->route);
    struct bb_row row = s->row;
    int rc = bb_wroute_touch(j, r);
    if (rc || s->ord == BB_ORD_NONE || s->parked || !account(r, s->ord))
        return rc;
    row.state = BB_D_INFLIGHT;
    row.flags &= (uint8_t)~BB_ROW_BODY;
    if (!s->keep_body) /* what was only rendered was not sent */
        row.flags |= BB_ROW_MAYBE_SENT;
    row.due_ms = 0;
    return bb_row_set(j, r, s->lane, s->seq, NULL, &row);
}

static int settle_one(struct bb_journal *j, struct bb_settle *s)
{
    struct bb_wroute *r = bb_wroute_get(j, s->route);
    struct bb_row was, row = s->row, *old = NULL;
    int rc = bb_wroute_touch(j, r);
    s->has_next = 0;
    s->n_more = 0;
    if (!rc && (s->ord == BB_ORD_NONE || s->parked)) {
        rc = bb_row_get(j, r->id, s->lane, s->seq, &was);
        if (rc == MDB_NOTFOUND) {
            bb_journal_say(j, BB_LOG_WARN, "journal: route %s, message %llu: settled, but its row "
                           "is gone", r->name, (unsigned long long)s->seq);
            return 0;
        }
        old = &was;
    } else if (!rc && !account(r, s->ord)) {
        bb_journal_say(j, BB_LOG_WARN, "journal: route %s, message %llu: settled twice", r->name,
                       (unsigned long long)s->seq);
        return 0;
    }
    if (!rc)
        rc = afford(j, s, old);
    if (rc)
        return rc;
    row.state = becomes[s->to];
    if (s->to == BB_TO_SPILLED)
        rc = spilled_due(j, r, s, &row);
    else if (s->to == BB_TO_INFLIGHT && !only_rendered(s->renders, &row))
        row.flags |= BB_ROW_MAYBE_SENT;
    if (!rc && !terminal(s->to))
        rc = body(j, s, old, &row);
    if (!rc && terminal(s->to))
        r->s.counts[row.state]++;
    if (!rc && (old || !terminal(s->to)))
        rc = bb_row_set(j, r, s->lane, s->seq, old, terminal(s->to) ? NULL : &row);
    if (!rc)
        rc = event(j, r, s);
    if (rc || !s->lane)
        return rc;
    if (s->to == BB_TO_DELIVERED)
        rc = bb_lane_overtake(j, r, s->lane, s->seq);
    if (!rc && (terminal(s->to) || s->to == BB_TO_QUARANTINED))
        return next_of_lane(j, r, s);
    /* the last of a batch goes back behind one that failed: who is the head now may go on */
    if (!rc && old && s->to == BB_TO_SPILLED && !s->lane_in_flight)
        return next_of_lane(j, r, s);
    /* it is not in flight any more: an older one, replayed meanwhile, may go first */
    if (!rc && old && s->to != BB_TO_SPILLED && s->to != BB_TO_INFLIGHT)
        rc = bb_lane_wake(j, r, s->lane);
    return rc;
}

/* What a delivery became, before it ends: the messages go in with it. One that has ended already
 * brings nothing a second time. */
static int children(struct bb_journal *j, struct bb_op *op)
{
    struct bb_op *c = op->settle.children;
    const struct bb_settle *s = op->settle.v;
    struct bb_row row;
    int rc = s->ord == BB_ORD_NONE || s->parked ? bb_row_get(j, s->route, s->lane, s->seq, &row) : 0;
    if (rc == MDB_NOTFOUND)
        c->append.n = 0;
    if (rc)
        return rc == MDB_NOTFOUND ? 0 : rc;
    c->status = BB_OK;
    c->text[0] = 0;
    rc = bb_op_append(j, c);
    if (!rc && c->status != BB_OK) /* before it wrote anything */
        bb_op_refuse(op, c->status, "%.150s", c->text);
    return rc;
}

int bb_op_settle(struct bb_journal *j, struct bb_op *op)
{
    int rc = 0;
    if (!check(j, op))
        return 0;
    if (op->settle.children && !j->held.parking) {
        rc = children(j, op);
        if (rc || op->status != BB_OK)
            return rc;
    }
    for (size_t i = 0; i < op->settle.n && !rc; i++)
        rc = j->held.parking ? park(j, &op->settle.v[i]) : settle_one(j, &op->settle.v[i]);
    return rc;
}

/* ---- marks: recorded before the send ---------------------------------------------------------------- */
/* A due row that is not its lane's head: put off until the head's own time comes (the earlier of two
 * with one time is read first), else for a while, so that it is not read as due for ever; and the
 * head woken unless one between is in flight. */
static int not_head(struct bb_journal *j, struct bb_wroute *r, const struct bb_mark *m,
                    const struct bb_row *row, const struct bb_row *first)
{
    struct bb_row later = *row, h;
    struct bb_key kb;
    MDB_cursor *c;
    MDB_val k, v;
    uint64_t head;
    int rc, steps = 0;
    bool timed = first->state == BB_D_RETRYING || first->state == BB_D_PROBING;
    later.due_ms = row->state == BB_D_SPILLED ? 0 : j->now_ms + 1000;
    if (later.due_ms && timed)
        later.due_ms = first->due_ms > j->now_ms ? first->due_ms : j->now_ms + 10;
    rc = bb_row_set(j, r, m->lane, m->seq, row, &later);
    if (!rc)
        rc = bb_lane_head(j, r, m->lane, &head, &h);
    if (rc || h.state != BB_D_SPILLED || h.due_ms)
        return rc == MDB_NOTFOUND ? 0 : rc;
    c = bb_cur(j, BB_TAB_ROW, &rc);
    k = bb_key_of(&kb, r->id, 2, m->lane, head, 0);
    for (rc = rc ? rc : mdb_cursor_get(c, &k, &v, MDB_SET_RANGE); !rc && steps < 256; steps++) {
        if (!bb_key_in(&k, r->id, 20) || bb_rd64((uint8_t *)k.mv_data + 4) != m->lane ||
            bb_rd64((uint8_t *)k.mv_data + 12) > m->seq)
            break;
        if (v.mv_size != sizeof h)
            return MDB_CORRUPTED;
        memcpy(&h, v.mv_data, sizeof h);
        if (h.state == BB_D_INFLIGHT)
            return 0;
        rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
    }
    if ((rc && rc != MDB_NOTFOUND) || steps == 256)
        return rc;
    return bb_lane_wake(j, r, m->lane);
}

/* Is it the next of its lane after the one marked before it? */
static int mark_behind(struct bb_journal *j, struct bb_wroute *r, const struct bb_mark *m,
                       bool *is)
{
    const struct bb_mark *before = m - 1;
    struct bb_row row;
    uint64_t next = 0;
    int rc;
    *is = false;
    if (!before->ok || before->route != m->route || before->lane != m->lane)
        return 0;
    rc = lane_after(j, r, m->lane, before->seq, &next, &row);
    *is = !rc && next == m->seq;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int mark_one(struct bb_journal *j, struct bb_mark *m)
{
    bool next;
    struct bb_wroute *r = bb_wroute_get(j, m->route);
    struct bb_row row, h;
    uint64_t head;
    int rc;
    m->ok = 0;
    if (!r)
        return 0;
    rc = bb_row_get(j, r->id, m->lane, m->seq, &row);
    if (rc)
        return rc == MDB_NOTFOUND ? 0 : rc;
    m->row = row;
    if (row.state != BB_D_SPILLED && row.state != BB_D_RETRYING && row.state != BB_D_PROBING)
        return 0;
    if (m->lane && m->behind) {
        rc = mark_behind(j, r, m, &next);
        if (rc || !next)
            return rc;
    } else if (m->lane) {
        rc = bb_lane_head(j, r, m->lane, &head, &h);
        if (rc)
            return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
        if (head != m->seq)
            return not_head(j, r, m, &row, &h);
    }
    launched(&m->row, j->now_ms, m->renders);
    rc = bb_row_set(j, r, m->lane, m->seq, &row, &m->row);
    if (!rc && !only_rendered(m->renders, &m->row))
        rc = bb_lane_overtake(j, r, m->lane, m->seq);
    m->ok = 1;
    return rc;
}

int bb_op_mark(struct bb_journal *j, struct bb_op *op)
{
    int rc = 0;
    if (op->mark.n)
        op->mark.v[0].behind = 0;
    for (size_t i = 0; i < op->mark.n && !rc; i++)
        rc = mark_one(j, &op->mark.v[i]);
    return rc;
}

int bb_op_reserve(struct bb_journal *j, struct bb_op *op)
{
    struct bb_wroute *r = bb_wroute_get(j, op->reserve.route);
    int rc;
    if (!r || !r->id) {
        bb_op_refuse(op, BB_E_REJECT, "no route has the number %u", op->reserve.route);
        return 0;
    }
    rc = bb_wroute_touch(j, r);
    r->s.mark = op->reserve.mark;
    return rc;
}

int bb_op_kick(struct bb_journal *j, struct bb_op *op)
{
    struct bb_wroute *r = bb_wroute_get(j, op->kick.route);
    if (r)
        return bb_lane_wake(j, r, op->kick.lane);
    bb_op_refuse(op, BB_E_REJECT, "no route has the number %u", op->kick.route);
    return 0;
}
