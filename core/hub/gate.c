/*
 * gate.c - a route whose questions (enrich) get no answer asks less and less often
 *
 * Each delivery that waits for an answer would ask again every two seconds, all night, each in vain. So
 * after GATE_FAILS in a row that could not be rendered the route's gate is closed: in each period one may
 * try, and the period doubles up to GATE_MAX_MS. One that can be rendered opens it again. There are two of
 * them, one for what waits in rows and one for what comes from the feed: what is answered from the cache
 * (and opens its own) neither waits for the rows nor lets all of them ask again. Whoever tried in vain is
 * due behind the others, so that one that never gets an answer keeps no other from trying.
 *
 * Thread: the hub's. In a rehearsal a gate's opening is one of the events that time goes to.
 */
#include "core/hub/internal.h"

#define GATE_FAILS 3u
#define GATE_MAX_MS 30000u

static bool closed(const struct hub_gate *g)
{
    return g->failed >= GATE_FAILS;
}

bool hub_gate_open(const struct bb_hub *h, const struct hub_gate *g)
{
    return !closed(g) || g->at <= h->now;
}

void hub_gate_took(const struct bb_hub *h, struct hub_gate *g)
{
    if (!closed(g))
        return;
    g->ms = 2 * g->ms < GATE_MAX_MS ? 2 * g->ms : GATE_MAX_MS;
    g->at = h->now + g->ms;
}

uint32_t hub_gate_wait(const struct bb_hub *h, const struct hub_gate *g)
{
    return closed(g) && g->at > h->now ? (uint32_t)(g->at - h->now) : 0;
}

void hub_gate_failed(const struct bb_hub *h, struct hub_gate *g, uint32_t retry_ms)
{
    if (closed(g))
        return;
    if (++g->failed < GATE_FAILS)
        return;
    g->ms = retry_ms < GATE_MAX_MS ? retry_ms : GATE_MAX_MS;
    g->at = h->now + g->ms;
}

void hub_gate_rendered(struct hub_gate *g)
{
    g->failed = 0;
}
