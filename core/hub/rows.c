/*
 * rows.c - deliveries that left the plain path: due again, next of their lane, asleep
 *
 * A row is read, recorded as sent (MARK, or the settlement that took it for its lane), and only
 * then dispatched. A lane has an entry in the hub's table from the moment its row is posted to be
 * marked until its settlement is committed, so that it is never handed out twice.
 */
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

#define DUE_ITEMS 256u
#define DUE_PACE_MS 100u
#define DUE_ANYWAY_MS 60000u /* "nothing is due" may have been a read that failed */

struct mark_op {
    struct bb_op op;
    struct hub_route *route;
    struct bb_read *read; /* keeps the items' bytes until they are dispatched */
    size_t item[DUE_ITEMS];
    struct bb_mark v[DUE_ITEMS];
};
struct fetch { /* rows that a settlement took for their lanes */
    struct bb_read read;
    struct hub_route *route;
    struct bb_read_item *items; /* as asked, with the rows before the taking */
};

void hub_route_due(struct hub_route *r, uint64_t due_ms)
{
    if (!r->due_next_ms || due_ms < r->due_next_ms)
        r->due_next_ms = due_ms ? due_ms : 1;
}

/* Each read has the journal move into its store what stands only in its log, and meanwhile nothing is
 * accepted: a route that fails all the time, a few deliveries a millisecond, reads for many at once. */
void hub_route_retry(const struct bb_hub *h, struct hub_route *r, uint64_t due_ms)
{
    uint64_t least = h->rehearsal ? 0 : r->due_read_ms + DUE_PACE_MS;

    hub_route_due(r, due_ms > least ? due_ms : least);
}

/* Behind rows of busy lanes others may be due, however many those are: a sweep reads on until it is
 * through with all that was due when it began. */
void hub_rows_due(struct bb_hub *h, struct hub_route *r, uint32_t room)
{
    struct hub_sweep *s = &r->sweep;
    struct bb_read *rd = hub_read_new(r, BB_READ_DUE, s->upto ? s->upto : h->wall, DUE_ITEMS, HUB_READ_BYTES);

    s->room = room < DUE_ITEMS ? room : DUE_ITEMS;
    if (s->upto) {
        rd->after_ms = s->ms;
        rd->after_lane = s->lane;
        rd->after_seq = s->seq;
    } else {
        rd->max_items = s->room;
    }
    r->due = DUE_READING;
    r->due_next_ms = 0;
    r->due_read_ms = h->wall;
    bb_journal_read(h->journal, rd);
}

/* A kept body may be whole where its record is not; but what follows is made of the record. */
static bool is_damaged(const struct hub_route *r, const struct bb_read_item *it)
{
    return it->bad || (r->emits && !it->done && it->row.flags & BB_ROW_BODY && !it->attributes.len);
}

/* Will its host ask before it can be sent? */
static bool asks(const struct hub_route *r, const struct bb_read_item *it)
{
    return r->impure && it->row.state != BB_D_PROBING && hub_renders(r, &it->row);
}

/* When to read again. seen: of its items; busy: of these, in busy lanes. */
static void due_again(struct bb_hub *h, struct hub_route *r, const struct bb_read *rd, size_t seen, size_t busy)
{
    bool more = seen < rd->n || (rd->next_due_ms && rd->next_due_ms <= rd->from), swept = r->sweep.upto != 0;

    r->sweep.upto = 0;
    if (more && busy) {
        const struct bb_read_item *last = &rd->items[seen - 1];

        r->sweep.upto = rd->from;
        r->sweep.ms = last->row.due_ms;
        r->sweep.lane = last->lane;
        r->sweep.seq = last->seq;
    }
    if (more)
        hub_route_due(r, h->wall);
    else if (swept) /* a lane that it passed may be free now */
        hub_route_retry(h, r, h->wall);
    else
        hub_route_retry(h, r, rd->next_due_ms ? rd->next_due_ms : h->wall + DUE_ANYWAY_MS);
}

/* A lane's next delivery sleeps until the one before it is settled; a crash may come between. Once
 * everything that the earlier run may have sent stands in rows, and the scan is past the newest row (a route
 * that splits or renders records nothing as sent), no earlier delivery of a lane is hidden in the feed,
 * and every sleeping head may be woken. */
void hub_rows_heads(struct bb_hub *h, struct hub_route *r)
{
    r->heads = HEADS_READING;
    bb_journal_read(h->journal, hub_read_new(r, BB_READ_HEADS, r->heads_from, DUE_ITEMS, SIZE_MAX));
}

void hub_rows_recover(struct bb_hub *h, struct hub_route *r)
{
    bb_journal_read(h->journal, hub_read_new(r, BB_READ_INFLIGHT, 0, BB_WINDOW, SIZE_MAX));
}

void hub_route_run_max(struct hub_route *r, uint32_t n)
{
    /* one is rendered, one is sent; and what follows one is stored with its end alone */
    bool batches = r->to->gen->manifest.ordered_batch && !r->emits && !r->renders;
    uint32_t most = batches ? r->to->gen->config->batch_max : 1;

    if (most > HUB_RUN_MAX)
        most = HUB_RUN_MAX;
    r->run_max = n < most ? n : most;
}

void hub_route_kick(struct bb_hub *h, struct hub_route *r, uint64_t lane)
{
    struct bb_op *kick = hub_must(calloc(1, sizeof *kick));

    kick->kind = BB_OP_KICK;
    kick->kick.route = r->id;
    kick->kick.lane = lane;
    hub_post(h, kick);
}

void hub_route_lane_free(struct bb_hub *h, struct hub_route *r, uint64_t lane, bool wake)
{
    struct hub_lane *l = lane ? hub_lanes_find(&h->lanes, r->index, lane) : NULL;
    bool late = l && l->late_spill;

    if (l)
        hub_lanes_remove(&h->lanes, r->index, lane);
    if (late && wake)
        hub_route_kick(h, r, lane);
}

static void heads_done(struct bb_hub *h, struct hub_route *r, struct bb_read *rd)
{
    for (size_t i = 0; i < rd->n; i++) {
        struct hub_lane *busy = hub_lanes_find(&h->lanes, r->index, rd->items[i].lane);
        if (busy)
            busy->late_spill = 1; /* its settlement wakes the lane */
        else
            hub_route_kick(h, r, rd->items[i].lane);
    }
    r->heads_from = rd->next_lane;
    r->heads = rd->next_lane ? HEADS_TO_DO : HEADS_DONE;
    hub_read_free(rd);
}

static void mark_add(struct mark_op *m, size_t i, bool behind)
{
    const struct bb_read_item *it = &m->read->items[i];

    m->item[m->op.mark.n] = i;
    m->v[m->op.mark.n++] =
        (struct bb_mark){.route = m->route->id, .seq = it->seq, .lane = it->lane, .behind = behind,
                         .renders = m->route->renders && it->row.state != BB_D_PROBING};
}

/* Goes the i-th with the last of m? What failed together is due together: asked about in one batch,
 * or sent again in one. */
static bool joins(const struct hub_route *r, const struct mark_op *m, size_t i)
{
    const struct bb_read_item *it = &m->read->items[i], *before = it - 1;
    uint32_t n = 1;

    if (!m->op.mark.n || m->item[m->op.mark.n - 1] + 1 != i || before->lane != it->lane ||
        it->bad || before->row.state != it->row.state || it->row.state == BB_D_SPILLED)
        return false;
    for (size_t k = m->op.mark.n - 1; m->v[k].behind; k--)
        n++;
    return n < r->run_max;
}

static void due_done(struct bb_hub *h, struct hub_route *r, struct bb_read *rd)
{
    struct mark_op *m = hub_must(malloc(sizeof *m));
    size_t i, busy = 0;

    memset(&m->op, 0, sizeof m->op);
    m->op.kind = BB_OP_MARK;
    m->op.arg = m;
    m->op.mark.v = m->v;
    m->route = r;
    m->read = rd;
    for (i = 0; i < rd->n && m->op.mark.n < r->sweep.room; i++) {
        struct bb_read_item *it = &rd->items[i];

        it->ord = BB_ORD_NONE;
        if (it->lane && hub_lanes_find(&h->lanes, r->index, it->lane)) {
            if (joins(r, m, i))
                mark_add(m, i, true);
            else
                busy++;
            continue;
        }
        if (it->lane)
            hub_lanes_add(&h->lanes, r->index, it->lane);
        /* settled without a send: the lane is kept until the commit, for a read before it would
         * find the row as it was and settle it twice */
        if (is_damaged(r, it)) {
            hub_route_damaged(h, r, it);
            h->settling->release_lane[h->settling->op.settle.n - 1] = it->lane != 0;
            continue;
        }
        if (it->row.state == BB_D_SPILLED && it->row.flags & BB_ROW_MAYBE_SENT &&
            !(it->row.flags & BB_ROW_RELEASED)) {
            hub_outcome_recovered(h, r, it);
            h->settling->release_lane[h->settling->op.settle.n - 1] = it->lane != 0;
            continue;
        }
        if (asks(r, it)) {
            if (!hub_gate_open(h, &r->waiting)) {
                hub_settle_put_back(h, r, it, h->wall + hub_gate_wait(h, &r->waiting));
                continue;
            }
            hub_gate_took(h, &r->waiting);
        }
        mark_add(m, i, false);
    }
    due_again(h, r, rd, i, busy);
    if (!m->op.mark.n) {
        r->due = DUE_IDLE;
        hub_read_free(rd);
        free(m);
        return;
    }
    r->to->taking += (uint32_t)m->op.mark.n;
    r->due = DUE_MARKING;
    hub_post(h, &m->op);
}

static uint64_t later(struct bb_hub *h, const struct hub_route *r)
{
    int64_t wake = hub_endpoint_wake(h, r->to);

    if (hub_route_lacks_room(h, r))
        return h->wall + 1000;
    return h->wall + (wake > h->now ? (uint64_t)(wake - h->now) : 50);
}

static bool can_send(struct bb_hub *h, struct hub_route *r)
{
    return hub_route_room(h, r) > 0;
}

static uint32_t op_of(const struct bb_read_item *it)
{
    return it->row.state == BB_D_PROBING ? BB_DELIVER_PROBE : BB_DELIVER_OP;
}

/* One that was taken for its lane; marked: it has been looked at. */
static void one_done(struct bb_hub *h, struct hub_route *r, struct bb_read_item *it, bool marked)
{
    if (is_damaged(r, it)) {
        hub_route_damaged(h, r, it);
        h->settling->release_lane[h->settling->op.settle.n - 1] = true;
    } else if (!marked && it->row.sends && it->row.flags & BB_ROW_MAYBE_SENT &&
               !(it->row.flags & BB_ROW_RELEASED)) {
        hub_outcome_recovered(h, r, it);
        h->settling->release_lane[h->settling->op.settle.n - 1] = true;
    } else if (it->done) { /* too many bytes at once */
        hub_settle_put_back(h, r, it, h->wall + 1);
    } else if (can_send(h, r)) {
        hub_dispatch(h, r, it, &it->row, op_of(it));
    } else {
        hub_settle_put_back(h, r, it, later(h, r));
    }
}

/* How many of a lane's rows may go out together now. */
static size_t run_fits(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *v,
                       size_t n)
{
    uint32_t room = hub_route_room(h, r);
    size_t k = 0, bytes = 0;

    while (k < n && k < room && !v[k].bad && !v[k].done && (!k || bytes <= HUB_RUN_BYTES)) {
        bytes += v[k].whole.len;
        k++;
    }
    if (k < n && k < room && !v[k].bad) /* too many bytes: the next step asks for fewer */
        r->run_max = k ? (uint32_t)k : 1;
    else if (k == n && k == r->run_max)
        hub_route_run_max(r, 2 * r->run_max);
    return k;
}

/* A lane's rows, in its order. What is not sent goes back to wait behind what is; the lane stays
 * taken until the last of those that are is settled, which is posted after these. */
static void run_done(struct bb_hub *h, struct hub_route *r, struct bb_read_item *v, size_t n,
                     bool marked)
{
    size_t sent, fits;

    fits = run_fits(h, r, v, n); /* of one alone, too: what shrank to one must grow again */
    sent = fits > 1 ? hub_dispatch_run(h, r, v, fits, op_of(v)) : 0;
    for (size_t i = sent ? sent : 1; i < n; i++)
        hub_settle_wait_again(h, r, &v[i]);
    if (!sent)
        one_done(h, r, &v[0], marked);
}

void hub_route_mark_done(struct bb_hub *h, struct bb_op *op)
{
    struct mark_op *m = op->arg;
    struct hub_route *r = m->route;
    size_t run, ok;

    r->due = DUE_IDLE;
    for (size_t k = 0; k < op->mark.n; k += run) {
        struct bb_read_item *v = &m->read->items[m->item[k]];

        for (run = ok = 0; k + run < op->mark.n && (!run || m->v[k + run].behind); run++) {
            ok += op->status == BB_OK && m->v[k + run].ok;
            r->to->taking--;
        }
        if (ok) {
            run_done(h, r, v, ok, true);
        } else {
            hub_route_lane_free(h, r, v->lane, true);
            hub_route_due(r, h->wall); /* the journal may have woken the lane's head instead */
        }
        if (ok && ok < run)
            hub_route_due(r, h->wall);
    }
    bb_journal_read_free(m->read);
    free(m->read);
    free(m);
}

void hub_route_fetch(struct bb_hub *h, struct hub_route *r, struct bb_read_item *items, size_t n)
{
    struct fetch *f = hub_must(calloc(1, sizeof *f));

    f->items = items;
    f->route = r;
    f->read.kind = BB_READ_ROWS;
    f->read.arg = f;
    f->read.route = r->id;
    f->read.max_items = n;
    f->read.max_bytes = 4 * HUB_READ_BYTES; /* small ones may have large ones behind them */
    f->read.n = n;
    f->read.items = hub_must(malloc(n * sizeof *items));
    memcpy(f->read.items, items, n * sizeof *items);
    bb_journal_read(h->journal, &f->read);
}

static void fetch_free(struct fetch *f)
{
    struct bb_read_item *got = f->read.items;

    free(f->items);
    bb_journal_read_free(&f->read);
    free(got);
    free(f);
}

static void fetch_done(struct bb_hub *h, struct fetch *f)
{
    struct bb_read_item *got = f->read.items;
    size_t n = f->read.n, run;

    for (size_t i = 0; i < n; i += run) {
        for (run = 0; i + run < n && (!run || (got[i].lane && got[i + run].lane == got[i].lane));
             run++) {
            got[i + run].row = f->items[i + run].row;
            got[i + run].ord = BB_ORD_NONE;
            f->route->to->taking--;
        }
        run_done(h, f->route, &got[i], run, false);
    }
    fetch_free(f);
}

static void inflight_done(struct bb_hub *h, struct hub_route *r, struct bb_read *rd)
{
    for (size_t i = 0; i < rd->n; i++) {
        rd->items[i].ord = BB_ORD_NONE;
        if (rd->items[i].bad)
            hub_route_damaged(h, r, &rd->items[i]);
        else if (!(rd->items[i].row.flags & BB_ROW_MAYBE_SENT)) /* it was only to be rendered */
            hub_settle_put_back(h, r, &rd->items[i], h->wall + 1);
        else
            hub_outcome_recovered(h, r, &rd->items[i]);
    }
    r->recovered = true;
    hub_route_due(r, h->wall);
    hub_read_free(rd);
}

void hub_rows_read_drop(struct bb_read *rd)
{
    if (rd->kind == BB_READ_ROWS)
        fetch_free(rd->arg);
    else
        hub_read_free(rd);
}

void hub_rows_read_done(struct bb_hub *h, struct bb_read *rd)
{
    switch (rd->kind) {
    case BB_READ_ROWS:
        fetch_done(h, rd->arg);
        break;
    case BB_READ_DUE:
        due_done(h, rd->arg, rd);
        break;
    case BB_READ_INFLIGHT:
        inflight_done(h, rd->arg, rd);
        break;
    default:
        heads_done(h, rd->arg, rd);
    }
}
