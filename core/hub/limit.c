/*
 * limit.c - how much an endpoint may be given now: in-flight cap, rate, pauses, circuit breaker
 *
 * Breaker: closed, until `failures` in a row (down, unknown) open it; open for a time that doubles
 * up to a maximum; then half open: one delivery tries, and its outcome closes or opens it again. A
 * peer that says DOWN opens it at once: nothing was applied, and the next one would fail as well.
 * What the transform ended says nothing of the peer; a batch that failed is one failure.
 */
#include <stdio.h>

#include "core/hub/internal.h"

static void refill(const struct bb_hub *h, struct hub_endpoint *e)
{
    const struct bb_limit *l = &e->gen->config->limit;
    int64_t us = h->rehearsal ? h->now * 1000 : (int64_t)bb_mono_us();
    double most = l->burst ? l->burst : (l->rate < 1 ? 1 : l->rate);

    e->tokens += (double)(us - e->refilled_us) * l->rate / 1e6;
    if (e->tokens > most || e->refilled_us == 0)
        e->tokens = most;
    e->refilled_us = us;
}

uint32_t hub_endpoint_cap(const struct hub_endpoint *e)
{
    const struct bb_limit *l = &e->gen->config->limit;
    uint32_t cap = l->in_flight ? l->in_flight : 256;

    /* one call at a time an instance: what waits behind it would spend its deadline in a queue */
    return e->gen->manifest.blocking && cap > 2 * e->workers ? 2 * e->workers : cap;
}

uint32_t hub_endpoint_room(struct bb_hub *h, struct hub_endpoint *e)
{
    const struct bb_limit *l = &e->gen->config->limit;
    uint32_t cap = hub_endpoint_cap(e), room;

    if (e->state != EP_UP || (e->killed && bb_child_pid(e->child)) || e->paused ||
        h->phase >= HUB_DRAIN || e->paused_until > h->now || e->open_until > h->now ||
        e->in_flight + e->taking >= cap || (e->in_flight && e->bytes >= HUB_FLIGHT_BYTES))
        return 0;
    if (e->open_until) { /* its time is over: one may try */
        return e->in_flight + e->taking == 0;
    }
    room = cap - e->in_flight - e->taking;
    if (l->rate > 0) {
        refill(h, e);
        if (e->tokens < room) /* below zero after a half-open breaker's tries */
            room = e->tokens >= 1 ? (uint32_t)e->tokens : 0;
    }
    return room;
}

void hub_endpoint_took(struct hub_endpoint *e)
{
    if (e->gen->config->limit.rate > 0)
        e->tokens -= 1;
}

void hub_endpoint_ok(struct hub_endpoint *e)
{
    e->failures = 0;
    if (e->open_until) {
        bb_logf(BB_LOG_INFO, "endpoint \"%s\": back, breaker closed", e->name);
        e->open_until = 0;
        e->open_ms = 0;
        e->text[0] = '\0';
    }
}

static void breaker_open(struct bb_hub *h, struct hub_endpoint *e, const char *why)
{
    const struct bb_breaker *b = &e->gen->config->breaker;
    uint64_t ms = e->open_ms ? (uint64_t)e->open_ms * 2 : b->open_ms;

    if (ms > b->max_ms)
        ms = b->max_ms;
    if (ms == 0)
        ms = 1;
    if (!e->open_until)
        bb_logf(BB_LOG_WARN, "endpoint \"%s\": breaker open for %llu ms: %s", e->name,
                (unsigned long long)ms, why);
    e->open_ms = (uint32_t)ms;
    e->open_until = h->now + (int64_t)ms;
    snprintf(e->text, sizeof e->text, "%s", why);
}

void hub_endpoint_failure(struct bb_hub *h, struct hub_endpoint *e, const char *why)
{
    const struct bb_breaker *b = &e->gen->config->breaker;

    e->failures++;
    if (!b->failures)
        return;
    if (e->open_until ? e->open_until <= h->now : e->failures >= b->failures)
        breaker_open(h, e, why);
}

void hub_endpoint_pause(struct bb_hub *h, struct hub_endpoint *e, uint32_t ms)
{
    int64_t until = h->now + (ms ? ms : 1);

    if (until > e->paused_until)
        e->paused_until = until;
}

int64_t hub_endpoint_wake(const struct bb_hub *h, const struct hub_endpoint *e)
{
    const struct bb_limit *l = &e->gen->config->limit;
    int64_t at = 0;

    if (e->paused_until > h->now)
        at = e->paused_until;
    if (e->open_until > h->now && e->open_until > at)
        at = e->open_until;
    if (!at && l->rate > 0 && e->tokens < 1)
        at = h->now + 1 + (int64_t)((1 - e->tokens) * 1000 / l->rate);
    return at;
}

/* What follows each delivery is stored with its end, out of the room that is kept for endings. While that is
 * all there is, an emitting route begins no more of them: else it would take the room of everybody's. */
bool hub_route_lacks_room(const struct bb_hub *h, const struct hub_route *r)
{
    return r->emits && bb_journal_intake(h->journal, NULL);
}

uint32_t hub_route_room(struct bb_hub *h, const struct hub_route *r)
{
    return r->paused || hub_route_lacks_room(h, r) ? 0 : hub_endpoint_room(h, r->to);
}
