/*
 * route.c - walks each route's deliveries: the feed in order, once
 *
 * The scan position looks at every ordinal once. An item whose lane is free goes to the sink; one
 * whose lane is busy spills to a row and the scan goes on, so a hot or held lane never costs the
 * others their turn. While a route is caught up, messages go from the append straight to the sink
 * without being read back. The scan stays within BB_WINDOW of the frontier. Rows are rows.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

#define FEED_ITEMS 1024u
#define SPILLS_MAX 4096u
#define OPS_MANY 1024u

struct hub_route *hub_route_by_id(struct bb_hub *h, uint32_t id)
{
    for (size_t i = 0; i < h->n_routes; i++)
        if (h->routes[i].id == id)
            return &h->routes[i];
    return NULL;
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

bool hub_route_is_ahead(const struct bb_row *row)
{
    return row->flags & BB_ROW_BODY && !(row->flags & BB_ROW_PARTIAL) && !row->sends;
}

void hub_route_goes_out(struct hub_route *r, const struct bb_row *row)
{
    if (r->ahead && hub_route_is_ahead(row))
        r->ahead--;
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

void hub_route_damaged(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it)
{
    static const char why[] =
        "its record in the journal is damaged; `busbar journal check` tells more";
    struct bb_settle *s = hub_settle(h, r, NULL, BB_TO_QUARANTINED, it->ord, it->seq, it->lane);

    hub_route_goes_out(r, &it->row);
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

/* May one from the feed be rendered? What waits to be sent goes first, and no more than the sink may
 * have at once is made before it is wanted. */
static bool renders_now(struct bb_hub *h, const struct hub_route *r)
{
    return !r->impure || (!hub_query_hosts_start(h, r) && r->due == DUE_IDLE &&
                          !(r->due_next_ms && r->due_next_ms <= h->wall) && hub_gate_open(h, &r->fresh) && r->ahead < hub_endpoint_cap(r->to));
}

/* May it be handed out, as far as the mark is concerned? */
static bool recorded(const struct hub_route *r, uint64_t ord)
{
    return r->renders || ord < r->mark;
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
        hub_route_damaged(h, r, it);
    } else if (blocked) {
        /* where nothing goes out it need not move aside: a lane's backlog stays in the feed */
        if (r->spills_out >= SPILLS_MAX || (it->ord >= r->recover && hub_endpoint_room(h, r->to) == 0))
            return false;
        spill(h, r, it, it->ord < r->recover);
    } else if (it->ord < r->recover) {
        hub_outcome_recovered(h, r, it);
    } else {
        if (!recorded(r, it->ord) || hub_route_room(h, r) == 0 || !renders_now(h, r))
            return false;
        hub_gate_took(h, &r->fresh);
        hub_dispatch(h, r, it, &fresh, BB_DELIVER_OP);
    }
    r->scan++;
    if (it->seq >= r->rows_to)
        r->rows_to = 0;
    return true;
}

struct bb_read *hub_read_new(struct hub_route *r, enum bb_read_kind kind, uint64_t from,
                             size_t max_items, size_t max_bytes)
{
    struct bb_read *rd = hub_must(calloc(1, sizeof *rd));

    rd->kind = kind;
    rd->arg = r;
    rd->route = r->id;
    rd->from = from;
    rd->max_items = max_items;
    rd->max_bytes = max_bytes;
    return rd;
}

void hub_read_free(struct bb_read *rd)
{
    bb_journal_read_free(rd);
    free(rd);
}

static void feed_read(struct bb_hub *h, struct hub_route *r)
{
    r->reading = true;
    bb_journal_read(h->journal, hub_read_new(r, BB_READ_FEED, r->scan, FEED_ITEMS, HUB_READ_BYTES));
}

static void feed_done(struct bb_hub *h, struct hub_route *r, struct bb_read *rd)
{
    struct bb_route_state st;

    r->reading = false;
    r->feed = rd;
    r->feed_at = 0;
    if (!rd->n && bb_journal_route(h->journal, r->id, &st) == 0)
        scan_to(r, st.frontier < r->tail ? st.frontier : r->tail);
}

void hub_route_pump(struct bb_hub *h, struct hub_route *r)
{
    uint32_t room;

    if (!r->recovered || h->phase >= HUB_DRAIN || (r->impure && hub_query_hosts_start(h, r)))
        return;
    if (r->to->state == EP_UP || r->mark_asked > r->scan)
        hub_route_reserve(h, r);
    if (r->scan >= r->tail)
        r->rows_to = 0;
    if (r->heads == HEADS_TO_DO && r->scan >= r->recover && !r->rows_to && !r->spills_out &&
        h->ops_out < OPS_MANY) /* a million sleeping lanes are not woken in one queue */
        hub_rows_heads(h, r);
    room = hub_route_room(h, r);
    if (room && r->due == DUE_IDLE && r->due_next_ms && r->due_next_ms <= h->wall)
        hub_rows_due(h, r, room);
    while (r->feed && r->feed_at < r->feed->n) {
        if (!hub_route_offer(h, r, &r->feed->items[r->feed_at]))
            return;
        r->feed_at++;
    }
    if (r->feed) {
        hub_read_free(r->feed);
        r->feed = NULL;
    }
    if (!r->reading && r->scan < r->tail && r->spills_out < SPILLS_MAX &&
        r->scan < r->frontier + BB_WINDOW && ((room && recorded(r, r->scan)) || r->scan < r->recover))
        feed_read(h, r);
}

/* What could not be read is not what is not there: to go on would lose deliveries, or send one that
 * was sent before as if it were new. */
static void read_failed(struct bb_hub *h, struct bb_read *rd)
{
    struct hub_route *r = hub_route_by_id(h, rd->route);

    if (h->failed[0])
        return;
    snprintf(h->failed, sizeof h->failed,
             "route \"%.40s\": its deliveries cannot be read (%.60s): look at the disk, then run "
             "`busbar journal check`", r ? r->config->name : "?", rd->failed);
    bb_logf(BB_LOG_ERROR, "hub: %s", h->failed);
}

void hub_route_read_done(struct bb_hub *h, struct bb_read *rd)
{
    if (rd->failed[0]) {
        read_failed(h, rd);
        hub_rows_read_drop(rd);
        return;
    }
    if (rd->kind == BB_READ_FEED)
        feed_done(h, rd->arg, rd);
    else
        hub_rows_read_done(h, rd);
}
