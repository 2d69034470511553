/*
 * dispatch.c - hands one delivery to an instance of the route's sink
 *
 * The caller has seen to it that the dispatch is recorded (the mark for feed items, the row for
 * others) and that there is room.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/hub/internal.h"

static struct hub_peer *least_busy(struct hub_endpoint *e)
{
    struct hub_peer *best = NULL;

    for (uint32_t i = 0; i < e->workers; i++)
        if (e->peers[i].up && (!best || e->peers[i].in_flight < best->in_flight))
            best = &e->peers[i];
    return best;
}

/* A laned delivery stays with one instance while it lives: nothing depends on it, but a plugin's
 * connection and cache do. */
static struct hub_peer *choose(struct hub_endpoint *e, uint64_t lane)
{
    if (lane && e->workers > 1 && e->peers[lane % e->workers].up)
        return &e->peers[lane % e->workers];
    return least_busy(e);
}

/* Into the flights and into the frame. False without memory: as if nothing had been asked. */
static bool launch(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it,
                   const struct bb_row *row, uint32_t op, struct hub_peer *p,
                   struct hub_batch *batch)
{
    struct hub_endpoint *e = r->to;
    struct hub_flight *f = hub_flight_new(h);
    char key[HUB_KEY_MAX], brief[17];
    uint64_t timeout = e->gen->config->timeout_ms;

    if (!f)
        return false;
    f->route = r;
    f->peer = p;
    f->ord = it->ord;
    f->seq = it->seq;
    f->lane = it->lane;
    f->bytes = it->whole.len + it->attributes.len;
    f->accept_ms = it->accept_ms;
    f->row = *row;
    f->op = op;
    f->sent = h->now;
    f->deadline = h->now + (int64_t)timeout;
    if (op == BB_DELIVER_OP && !hub_renders(r, row)) {
        f->row.sends = row->sends + 1;
        f->row.sent_ms = h->wall;
        r->attempts++;
    }
    if (hub_flight_renders(f))
        r->ahead++;
    else
        hub_route_goes_out(r, row);
    if (batch)
        hub_batch_join(batch, f);
    if (f->lane)
        hub_lanes_add(&h->lanes, r->index, f->lane);
    hub_flight_open(e, f);
    if (!hub_flight_renders(f)) /* that asks nothing of the target */
        hub_endpoint_took(e);
    if (!p->building) {
        bb_buf_reset(&p->out);
        p->list = bb_list_begin(&p->out, BB_F_DELIVER, p->session);
        p->building = true;
    }
    hub_key_short(h, r->id, f->seq, f->row.epoch, brief);
    struct bb_w_deliver d = {
        .token = hub_flight_token(f),
        .op = op,
        .route = r->id,
        .attempt = f->row.attempts + 1,
        .flags = (row->flags & (BB_ROW_MAYBE_SENT | BB_ROW_PROBED) ? BB_DELIVER_REDELIVERY : 0) |
                 (row->flags & BB_ROW_BODY ? BB_DELIVER_RENDERED : 0) |
                 (batch && f->at && op == BB_DELIVER_OP ? BB_DELIVER_BEHIND : 0),
        .budget_ms = (uint32_t)timeout,
        .key = {key, hub_key_long(h, r->id, f->seq, f->row.epoch, key)},
        .short_key = {brief, 16},
        .whole = it->whole,
        .attributes = r->emits && row->flags & BB_ROW_BODY ? it->attributes : (struct bb_bytes){NULL, 0},
    };
    bb_list_deliver(&p->out, &p->list, &d);
    return true;
}

static void frame_send(struct bb_hub *h, struct hub_peer *p)
{
    bb_list_end(&p->out, &p->list);
    p->building = false;
    if (hub_peer_send(h, p, &p->out) != 0)
        hub_endpoint_lost(h, p->ep, "its instance cannot be reached");
}

/* What was added may have filled it. */
static void frame_look(struct bb_hub *h, struct hub_peer *p)
{
    if (p->out.failed)
        hub_endpoint_lost(h, p->ep, "no memory for a frame");
    else if (p->out.len > HUB_FRAME_SOFT || p->list.n >= BB_WIRE_BATCH_MAX)
        frame_send(h, p);
}

void hub_dispatch(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it,
                  const struct bb_row *row, uint32_t op)
{
    struct hub_peer *p = choose(r->to, it->lane);
    struct bb_settle *s;

    if (p && launch(h, r, it, row, op, p, NULL)) {
        frame_look(h, p);
        return;
    }
    /* no memory, or no instance: as if its host had been lost before the send */
    if (it->ord == BB_ORD_NONE) { /* its lane is taken, and a probe stays a probe */
        hub_settle_put_back(h, r, it, h->wall + 1000);
        return;
    }
    s = hub_settle(h, r, NULL, BB_TO_RETRYING, it->ord, it->seq, it->lane);
    s->row = *row;
    s->row.due_ms = h->wall + 1000;
    hub_route_due(r, s->row.due_ms);
}

/* A run stands in one frame, without others in between: its host hands it over in one call. Probes
 * only ask, each for itself. */
size_t hub_dispatch_run(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *items,
                        size_t n, uint32_t op)
{
    struct hub_peer *p = choose(r->to, items[0].lane);
    struct hub_batch *b = p ? hub_batch_new(h, n) : NULL;
    size_t sent = 0;

    if (!b)
        return 0;
    if (p->building && p->list.n + n > BB_WIRE_BATCH_MAX)
        frame_send(h, p);
    while (sent < n && launch(h, r, &items[sent], &items[sent].row, op, p, b))
        sent++;
    if (!sent)
        hub_batch_free(h, b);
    else
        frame_look(h, p);
    return sent;
}
