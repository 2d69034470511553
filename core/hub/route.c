/*
 * route.c - walks each route's deliveries: the feed in order, then rows when they are due
 *
 * The scan position looks at every ordinal once. An item whose lane is free goes to the sink; one
 * whose lane is busy spills to a row and the scan goes on, so a hot or held lane never costs the
 * others their turn. While a route is caught up, messages go from the append straight to the sink
 * without being read back. The scan stays within BB_WINDOW of the frontier.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

#define FEED_ITEMS 1024u
#define FEED_BYTES (2u << 20)
#define DUE_ITEMS 256u
#define SPILLS_MAX 4096u
#define OPS_MANY 1024u
#define DUE_ANYWAY_MS 60000u /* "nothing is due" may have been a read that failed */

struct mark_op {
    struct bb_op op;
    struct hub_route *route;
    struct bb_read *read; /* keeps the items' bytes until they are dispatched */
    size_t item[DUE_ITEMS];
    struct bb_mark v[DUE_ITEMS];
};
struct reserve_op {
    struct bb_op op;
    struct hub_route *route;
    uint32_t lowered;
};
struct fetch { /* rows that a settlement took for their lanes */
    struct bb_read read;
    struct hub_route *route;
    struct bb_read_item *items; /* as asked, with the rows before the taking */
};

static void *must(void *p)
{
    if (!p) {
        fprintf(stderr, "busbar: no memory to dispatch deliveries\n");
        abort();
    }
    return p;
}

struct hub_route *hub_route_by_id(struct bb_hub *h, uint32_t id)
{
    for (size_t i = 0; i < h->n_routes; i++)
        if (h->routes[i].id == id)
            return &h->routes[i];
    return NULL;
}

void hub_route_due(struct hub_route *r, uint64_t due_ms)
{
    if (!r->due_next_ms || due_ms < r->due_next_ms)
        r->due_next_ms = due_ms ? due_ms : 1;
}

bool hub_route_caught_up(const struct hub_route *r)
{
    return r->recovered && r->scan == r->tail && !r->feed && !r->reading;
}

/* Keeps the hub's picture of the frontier, which bounds the scan. */
void hub_route_account(struct hub_route *r, uint64_t ord)
{
    uint64_t bit = ord % BB_WINDOW;

    if (ord < r->frontier)
        return;
    r->window[bit / 64] |= 1ull << bit % 64;
    for (;;) {
        bit = r->frontier % BB_WINDOW;
        if (!(r->window[bit / 64] & 1ull << bit % 64))
            return;
        r->window[bit / 64] &= ~(1ull << bit % 64);
        r->frontier++;
    }
}

static void reserve_post(struct bb_hub *h, struct hub_route *r, uint64_t mark)
{
    struct reserve_op *o = must(calloc(1, sizeof *o));

    o->op.kind = BB_OP_RESERVE;
    o->op.arg = o;
    o->op.reserve.route = r->id;
    o->op.reserve.mark = mark;
    o->route = r;
    o->lowered = r->lowered;
    r->mark_asked = mark;
    hub_post(h, &o->op);
}

/* The mark runs ahead of the scan by what may be in flight, so that a dispatch seldom waits for a
 * commit of its own. While the endpoint takes nothing the mark goes back to the scan: what was
 * never sent must not look as if it might have been. */
void hub_route_reserve(struct bb_hub *h, struct hub_route *r)
{
    uint32_t ahead = r->to->gen->config->limit.in_flight;
    /* what an earlier run may have sent stays below the mark until it has been looked at: a second
     * crash must find it there */
    uint64_t low = r->scan > r->recover ? r->scan : r->recover;

    if (!ahead)
        ahead = 256;
    if (r->paused || hub_endpoint_wake(h, r->to) || r->to->state != EP_UP || r->to->paused) {
        if (r->mark_asked > low && h->now - r->lowered_ms > 200) {
            r->lowered_ms = h->now;
            r->lowered++;
            r->mark = low;
            reserve_post(h, r, low);
        }
        return;
    }
    r->lowered_ms = h->now;
    if (r->mark_asked < r->scan + ahead / 2 || r->mark_asked == r->scan)
        reserve_post(h, r, r->scan + ahead);
}

/* A lowered mark holds from the moment it is posted, a raised one only when it is on disk. */
void hub_route_reserve_done(struct bb_op *op)
{
    struct reserve_op *o = op->arg;
    struct hub_route *r = o->route;

    if (op->status == BB_OK && o->lowered == r->lowered && op->reserve.mark > r->mark)
        r->mark = op->reserve.mark;
    free(o);
}

static void spill(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it, bool maybe)
{
    struct hub_lane *busy = hub_lanes_find(&h->lanes, r->index, it->lane);
    struct bb_settle *s = hub_settle(h, r, NULL, BB_TO_SPILLED, it->ord, it->seq, it->lane);

    s->lane_in_flight = busy != NULL;
    if (busy)
        busy->late_spill = 1;
    if (maybe) {
        s->row.flags = BB_ROW_MAYBE_SENT;
        s->row.sends = 1;
    }
    r->spills_out++;
}

static void damaged(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it)
{
    static const char why[] = "its record in the journal is damaged; `busbar journal check` tells more";
    struct bb_settle *s =
        hub_settle(h, r, NULL, BB_TO_QUARANTINED, it->ord, it->seq, it->lane);

    s->row = it->row;
    s->row.last_status = BB_E_BUG;
    hub_settle_event(h, s, "damaged record", BB_E_BUG, (struct bb_bytes){0},
                     (struct bb_bytes){why, sizeof why - 1}, (struct bb_bytes){0});
    bb_logf(BB_LOG_ERROR, "route \"%s\": message %llu: %s", r->config->name,
            (unsigned long long)it->seq, why);
}

/* Everything below ord that the scan has not seen was settled by an earlier run: the journal drops
 * such stretches of the feed as soon as its frontier passes them. */
static void scan_to(struct hub_route *r, uint64_t ord)
{
    while (r->scan < ord)
        hub_route_account(r, r->scan++);
}

bool hub_route_offer(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it)
{
    static const struct bb_row fresh;
    bool blocked = it->lane && (hub_lanes_find(&h->lanes, r->index, it->lane) ||
                                *hub_filter_at(&h->filter, r->index, it->lane));

    if (it->ord < r->scan)
        return true; /* looked at already */
    scan_to(r, it->ord);
    if (it->ord >= r->frontier + BB_WINDOW)
        return false;
    if (it->done) {
        hub_route_account(r, it->ord);
    } else if (it->bad) {
        damaged(h, r, it);
    } else if (blocked) {
        if (r->spills_out >= SPILLS_MAX)
            return false;
        spill(h, r, it, it->ord < r->recover);
    } else if (it->ord < r->recover) {
        hub_outcome_recovered(h, r, it);
    } else {
        if (r->paused || it->ord >= r->mark || hub_endpoint_room(h, r->to) == 0)
            return false;
        hub_dispatch(h, r, it, &fresh, BB_DELIVER_OP);
    }
    r->scan++;
    return true;
}

static void feed_read(struct bb_hub *h, struct hub_route *r)
{
    struct bb_read *rd = must(calloc(1, sizeof *rd));

    rd->kind = BB_READ_FEED;
    rd->arg = r;
    rd->route = r->id;
    rd->from = r->scan;
    rd->max_items = FEED_ITEMS;
    rd->max_bytes = FEED_BYTES;
    r->reading = true;
    bb_journal_read(h->journal, rd);
}

static void due_read(struct bb_hub *h, struct hub_route *r, uint32_t room)
{
    struct bb_read *rd = must(calloc(1, sizeof *rd));

    rd->kind = BB_READ_DUE;
    rd->arg = r;
    rd->route = r->id;
    rd->from = h->wall;
    room += r->due_busy;
    rd->max_items = room < DUE_ITEMS ? room : DUE_ITEMS;
    rd->max_bytes = FEED_BYTES;
    r->due = DUE_READING;
    r->due_next_ms = 0;
    bb_journal_read(h->journal, rd);
}

/* A lane's next delivery sleeps until the one before it is settled; a crash may come between. Once
 * everything that the earlier run may have sent stands in rows, no earlier delivery of a lane is
 * hidden in the feed, and every sleeping head may be woken. */
static void heads_read(struct bb_hub *h, struct hub_route *r)
{
    struct bb_read *rd = must(calloc(1, sizeof *rd));

    rd->kind = BB_READ_HEADS;
    rd->arg = r;
    rd->route = r->id;
    rd->from = r->heads_from;
    rd->max_items = DUE_ITEMS;
    rd->max_bytes = SIZE_MAX;
    r->heads = HEADS_READING;
    bb_journal_read(h->journal, rd);
}

void hub_route_kick(struct bb_hub *h, struct hub_route *r, uint64_t lane)
{
    struct bb_op *kick = must(calloc(1, sizeof *kick));

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
    bb_journal_read_free(rd);
    free(rd);
}

void hub_route_pump(struct bb_hub *h, struct hub_route *r)
{
    uint32_t room;

    if (!r->recovered || h->phase >= HUB_DRAIN)
        return;
    if (r->to->state == EP_UP || r->mark_asked > r->scan)
        hub_route_reserve(h, r);
    if (r->heads == HEADS_TO_DO && r->scan >= r->recover && !r->spills_out &&
        h->ops_out < OPS_MANY) /* a million sleeping lanes are not woken in one queue */
        heads_read(h, r);
    room = r->paused ? 0 : hub_endpoint_room(h, r->to);
    if (room && r->due == DUE_IDLE && r->due_next_ms && r->due_next_ms <= h->wall)
        due_read(h, r, room);
    while (r->feed && r->feed_at < r->feed->n) {
        if (!hub_route_offer(h, r, &r->feed->items[r->feed_at]))
            return;
        r->feed_at++;
    }
    if (r->feed) {
        bb_journal_read_free(r->feed);
        free(r->feed);
        r->feed = NULL;
    }
    if (!r->reading && r->scan < r->tail && r->spills_out < SPILLS_MAX &&
        r->scan < r->frontier + BB_WINDOW && ((room && r->scan < r->mark) || r->scan < r->recover))
        feed_read(h, r);
}

static void due_done(struct bb_hub *h, struct hub_route *r, struct bb_read *rd)
{
    struct mark_op *m = must(malloc(sizeof *m));

    memset(&m->op, 0, sizeof m->op);
    m->op.kind = BB_OP_MARK;
    m->op.arg = m;
    m->op.mark.v = m->v;
    m->route = r;
    m->read = rd;
    r->due_busy = 0;
    if (rd->n && rd->n >= rd->max_items)
        hub_route_due(r, h->wall);
    else
        hub_route_due(r, rd->next_due_ms ? rd->next_due_ms : h->wall + DUE_ANYWAY_MS);
    for (size_t i = 0; i < rd->n && m->op.mark.n < DUE_ITEMS; i++) {
        struct bb_read_item *it = &rd->items[i];

        it->ord = BB_ORD_NONE;
        if (it->lane && hub_lanes_find(&h->lanes, r->index, it->lane)) {
            r->due_busy++;
            continue;
        }
        if (it->lane)
            hub_lanes_add(&h->lanes, r->index, it->lane);
        /* settled without a send: the lane is kept until the commit, for a read before it would
         * find the row as it was and settle it twice */
        if (it->bad) {
            damaged(h, r, it);
            h->settling->release_lane[h->settling->op.settle.n - 1] = it->lane != 0;
            continue;
        }
        if (it->row.state == BB_D_SPILLED && it->row.flags & BB_ROW_MAYBE_SENT &&
            !(it->row.flags & BB_ROW_RELEASED)) {
            hub_outcome_recovered(h, r, it);
            h->settling->release_lane[h->settling->op.settle.n - 1] = it->lane != 0;
            continue;
        }
        m->item[m->op.mark.n] = i;
        m->v[m->op.mark.n++] = (struct bb_mark){.route = r->id, .seq = it->seq, .lane = it->lane};
    }
    if (!m->op.mark.n) {
        r->due = DUE_IDLE;
        bb_journal_read_free(rd);
        free(rd);
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

    return h->wall + (wake > h->now ? (uint64_t)(wake - h->now) : 50);
}

static bool can_send(struct bb_hub *h, struct hub_route *r)
{
    return !r->paused && hub_endpoint_room(h, r->to) > 0;
}

void hub_route_mark_done(struct bb_hub *h, struct bb_op *op)
{
    struct mark_op *m = op->arg;
    struct hub_route *r = m->route;

    r->due = DUE_IDLE;
    for (size_t k = 0; k < op->mark.n; k++) {
        const struct bb_read_item *it = &m->read->items[m->item[k]];

        r->to->taking--;
        if (op->status != BB_OK || !m->v[k].ok) {
            hub_route_lane_free(h, r, it->lane, true);
            hub_route_due(r, h->wall); /* the journal may have woken the lane's head instead */
        } else if (can_send(h, r)) {
            hub_dispatch(h, r, it, &it->row,
                         it->row.state == BB_D_PROBING ? BB_DELIVER_PROBE : BB_DELIVER_OP);
        } else {
            hub_settle_put_back(h, r, it, later(h, r));
        }
    }
    bb_journal_read_free(m->read);
    free(m->read);
    free(m);
}

void hub_route_fetch(struct bb_hub *h, struct hub_route *r, struct bb_read_item *items, size_t n)
{
    struct fetch *f = must(calloc(1, sizeof *f));

    f->items = items;
    f->route = r;
    f->read.kind = BB_READ_ROWS;
    f->read.arg = f;
    f->read.route = r->id;
    f->read.max_items = n;
    f->read.max_bytes = 4 * FEED_BYTES; /* small ones may have large ones behind them */
    f->read.n = n;
    f->read.items = must(malloc(n * sizeof *items));
    memcpy(f->read.items, items, n * sizeof *items);
    bb_journal_read(h->journal, &f->read);
}

static void fetch_done(struct bb_hub *h, struct fetch *f)
{
    struct hub_route *r = f->route;
    struct bb_read_item *got = f->read.items;

    for (size_t i = 0; i < f->read.n; i++) {
        struct bb_read_item *it = &got[i];

        r->to->taking--;
        it->row = f->items[i].row;
        it->ord = BB_ORD_NONE;
        if (it->bad) {
            damaged(h, r, it);
            h->settling->release_lane[h->settling->op.settle.n - 1] = true;
        } else if (it->row.sends && it->row.flags & BB_ROW_MAYBE_SENT &&
                   !(it->row.flags & BB_ROW_RELEASED)) {
            hub_outcome_recovered(h, r, it);
            h->settling->release_lane[h->settling->op.settle.n - 1] = true;
        } else if (it->done) { /* too many bytes at once */
            hub_settle_put_back(h, r, it, h->wall + 1);
        } else if (can_send(h, r)) {
            hub_dispatch(h, r, it, &it->row, BB_DELIVER_OP);
        } else {
            hub_settle_put_back(h, r, it, later(h, r));
        }
    }
    free(f->items);
    bb_journal_read_free(&f->read);
    free(got);
    free(f);
}

static void inflight_done(struct bb_hub *h, struct hub_route *r, struct bb_read *rd)
{
    for (size_t i = 0; i < rd->n; i++) {
        rd->items[i].ord = BB_ORD_NONE;
        if (rd->items[i].bad)
            damaged(h, r, &rd->items[i]);
        else
            hub_outcome_recovered(h, r, &rd->items[i]);
    }
    r->recovered = true;
    hub_route_due(r, h->wall);
    bb_journal_read_free(rd);
    free(rd);
}

void hub_route_read_done(struct bb_hub *h, struct bb_read *rd)
{
    struct hub_route *r;

    if (rd->kind == BB_READ_ROWS) {
        fetch_done(h, rd->arg);
        return;
    }
    r = rd->arg;
    if (rd->kind == BB_READ_DUE) {
        due_done(h, r, rd);
    } else if (rd->kind == BB_READ_INFLIGHT) {
        inflight_done(h, r, rd);
    } else if (rd->kind == BB_READ_HEADS) {
        heads_done(h, r, rd);
    } else {
        struct bb_route_state st;

        r->reading = false;
        r->feed = rd;
        r->feed_at = 0;
        if (!rd->n && bb_journal_route(h->journal, r->id, &st) == 0)
            scan_to(r, st.frontier < r->tail ? st.frontier : r->tail);
    }
}

static int count_row(void *arg, uint64_t lane, uint64_t seq, const struct bb_row *row)
{
    struct hub_route *r = ((void **)arg)[0];
    struct bb_hub *h = ((void **)arg)[1];

    (void)seq;
    (void)row;
    if (lane)
        ++*hub_filter_at(&h->filter, r->index, lane);
    return 0;
}

static int route_register(struct bb_hub *h, struct hub_route *r, struct bb_fault *err)
{
    struct bb_op op = {.kind = BB_OP_ROUTE};
    struct bb_route_state st;

    op.route.name = r->config->name;
    hub_start_op(h, &op);
    if (op.status != BB_OK || bb_journal_route(h->journal, op.route.id, &st) != 0)
        return bb_fail(err, "route \"%s\": the journal does not take it: %s", r->config->name, op.text);
    r->id = op.route.id;
    r->scan = r->frontier = st.frontier;
    r->tail = st.tail;
    r->mark = r->mark_asked = st.mark;
    r->recover = st.mark < st.tail ? st.mark : st.tail;
    r->due_next_ms = st.due_min_ms ? st.due_min_ms : 1;
    r->window = calloc(BB_WINDOW / 64, sizeof *r->window);
    if (!r->window || hub_matcher_init(&r->matcher, r->config) != 0)
        return bb_fail(err, "no memory for route \"%s\"", r->config->name);
    return 0;
}

static struct hub_endpoint *endpoint_named(struct bb_hub *h, const char *name)
{
    for (size_t i = 0; i < h->n_eps; i++)
        if (strcmp(h->eps[i].name, name) == 0)
            return &h->eps[i];
    return NULL;
}

int hub_routes_init(struct bb_hub *h, struct bb_fault *err)
{
    const struct bb_config *c = h->gen->config;
    struct bb_view *v = bb_view_of(h->journal);

    h->n_routes = c->n_routes;
    h->routes = must(calloc(c->n_routes ? c->n_routes : 1, sizeof *h->routes));
    for (size_t i = 0; i < c->n_routes; i++) {
        struct hub_route *r = &h->routes[i];
        void *arg[2] = {r, h};

        r->index = (uint32_t)i;
        r->config = &c->routes[i];
        r->paused = r->config->paused;
        r->from = endpoint_named(h, r->config->from);
        r->to = endpoint_named(h, r->config->to);
        if (!r->from || !r->to)
            return bb_fail(err, "route \"%s\" names an endpoint that is not there", r->config->name);
        if (route_register(h, r, err) != 0 || hub_route_unchanged(h, r, err) != 0)
            return -1;
        if (!v || bb_view_rows(v, r->id, count_row, arg) != 0)
            return bb_fail(err, "route \"%s\": its rows cannot be read", r->config->name);
        r->from->routes = must(realloc(r->from->routes, (r->from->n_routes + 1) * sizeof(void *)));
        r->from->routes[r->from->n_routes++] = r;

        struct bb_read *rd = must(calloc(1, sizeof *rd));
        rd->kind = BB_READ_INFLIGHT;
        rd->arg = r;
        rd->route = r->id;
        rd->max_items = BB_WINDOW;
        rd->max_bytes = SIZE_MAX;
        bb_journal_read(h->journal, rd);
    }
    bb_view_close(&v);
    hub_removed_say(h);
    return 0;
}
