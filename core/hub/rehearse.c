/*
 * rehearse.c - time in a rehearsal: it stands still until nothing moves, then goes to the next event
 *
 * A rehearsal (`busbar test`) runs this hub, the journal and the hosts as they are; only the sinks are
 * played. What a plant would wait for in minutes, a retry's backoff, a probe, a pause, must cost no
 * time here, and must come in the same order each run. So the axis is held, and it is moved in one
 * place, here, when the hub can see that no other thread has anything under way: no operation, no
 * read, no delivery but those that the played sink will never answer. As all of that is counted by
 * the hub itself, there is no race with what the others do.
 *
 * A jump is no silence: the instances' signs of life move along with it.
 * Thread: the hub's.
 */
#include <stdio.h>

#include "core/hub/internal.h"

#define REST_MS 20000 /* real time in which two events follow each other, or something is wrong */

/* What is under way at this endpoint, or NULL. *left: flights that no answer was seen of. */
static const char *endpoint_moves(const struct hub_endpoint *e, uint32_t *left)
{
    if (e->state != EP_UP)
        return "an endpoint is starting";
    if (e->taking)
        return "a lane's next delivery is fetched";
    *left += e->in_flight;
    return NULL;
}

static const char *route_moves(const struct hub_route *r)
{
    if (!r->recovered || r->heads != HEADS_DONE)
        return "a route is starting";
    if (r->reading || r->due != DUE_IDLE || r->spills_out)
        return "a route reads what is next";
    return NULL;
}

static const char *moves(struct bb_hub *h)
{
    const char *what = h->ops_out || h->settling ? "the journal writes" : NULL;
    uint32_t left = 0;

    if (h->refused)
        what = "a refusal is to be told";
    pthread_mutex_lock(&h->lock);
    if (h->asks)
        what = "a question is to be answered";
    pthread_mutex_unlock(&h->lock);
    for (size_t i = 0; i < h->n_eps && !what; i++)
        what = endpoint_moves(&h->eps[i], &left);
    for (size_t i = 0; i < h->n_routes && !what; i++)
        what = route_moves(&h->routes[i]);
    if (!what && left > h->rehearsal->unanswered(h->rehearsal->arg))
        what = "a delivery is with its endpoint";
    return what;
}

/* When the route goes on by itself; 0: never. What the hub looks at once a minute, in case a read has
 * failed, is no event: only rows that wait for a time are. */
static uint64_t route_next(struct bb_hub *h, const struct hub_route *r)
{
    struct bb_route_state st = {0};
    int64_t wake;
    uint64_t at = 0;

    if (r->paused || r->to->paused || bb_journal_route(h->journal, r->id, &st) != 0)
        return 0;
    if (st.counts[BB_D_RETRYING] || st.counts[BB_D_PROBING])
        at = r->due_next_ms;
    if (r->scan < r->tail && (!r->impure || r->ahead < hub_endpoint_cap(r->to)) && (!at || at > h->wall + hub_gate_wait(h, &r->fresh)))
        at = h->wall + hub_gate_wait(h, &r->fresh);
    if (!at || hub_endpoint_room(h, r->to))
        return at;
    wake = hub_endpoint_wake(h, r->to); /* 0: full of what is never answered, whose deadline counts */
    return !wake ? 0 : (uint64_t)wake > at ? (uint64_t)wake : at;
}

static uint64_t next_event(struct bb_hub *h)
{
    uint64_t next = 0, at;

    for (size_t i = 0; i < h->n_routes; i++)
        if ((at = route_next(h, &h->routes[i])) && (!next || at < next))
            next = at;
    for (size_t i = 0; i < h->n_eps; i++) {
        const struct hub_flight *f = h->eps[i].oldest; /* a rehearsal's clocks are one */
        if (f && (!next || (uint64_t)f->deadline < next))
            next = (uint64_t)f->deadline; /* one that is over holds time until its flight ends */
    }
    return next;
}

static void jump(struct bb_hub *h, uint64_t to)
{
    int64_t by = (int64_t)(to - h->wall);

    bb_axis_hold(to);
    h->wall = to;
    h->now = (int64_t)to;
    h->tick_at = h->now;
    for (size_t i = 0; i < h->n_eps; i++)
        for (uint32_t w = 0; w < h->eps[i].workers; w++) {
            h->eps[i].peers[w].heard_ms += by;
            h->eps[i].peers[w].pinged_ms += by;
        }
}

static void rested(struct bb_hub *h, bb_status s, const char *text)
{
    struct bb_ask *a = h->rest;

    h->rest = NULL;
    hub_ask_answer(h, a, s, "%s", text);
}

void hub_rest_ask(struct bb_hub *h, struct bb_ask *a)
{
    if (!h->rehearsal || h->rest) {
        hub_ask_answer(h, a, BB_E_UNSUP, "%s", h->rest ? "somebody waits already" : "not a rehearsal");
        return;
    }
    h->rest = a;
    h->rest_until = bb_mono_ms() + REST_MS;
}

void hub_rest_turn(struct bb_hub *h)
{
    const char *what = moves(h);
    uint64_t next;

    if (what && bb_mono_ms() < h->rest_until)
        return;
    if (what) {
        rested(h, BB_E_RETRY, what);
        return;
    }
    next = next_event(h);
    if (!next) {
        rested(h, BB_OK, "");
    } else if (next > h->rest->until_ms) {
        rested(h, BB_E_BUSY, "there is more to come");
    } else if (next > h->wall) {
        jump(h, next);
        h->rest_until = bb_mono_ms() + REST_MS;
    } /* else the next turn begins it; should it not, rest_until tells */
    else if (bb_mono_ms() >= h->rest_until) {
        rested(h, BB_E_RETRY, "a delivery is due and nothing takes it up");
    }
}
