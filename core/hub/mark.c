/*
 * mark.c - the dispatch mark: how far a route may have handed deliveries to its sink
 *
 * Below it, after a crash, everything unsettled is "maybe sent". It runs ahead of the scan so that
 * a dispatch seldom waits for a commit of its own, and goes back when the endpoint takes nothing. A
 * route whose bodies are kept before their first send has none, nor one that splits: what comes from
 * its feed is sent to nobody, and what is sent has a row. So what is below a mark, or in a row as maybe
 * sent, was sent, whatever the route does today.
 */
#include <stdlib.h>

#include "core/hub/internal.h"

struct reserve_op {
    struct bb_op op;
    struct hub_route *route;
    uint32_t lowered;
};

static void reserve_post(struct bb_hub *h, struct hub_route *r, uint64_t mark)
{
    struct reserve_op *o = hub_must(calloc(1, sizeof *o));

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
    if (r->renders || r->paused || hub_endpoint_wake(h, r->to) || r->to->state != EP_UP || r->to->paused) {
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
