/*
 * query.c - questions of one endpoint's hosts to another endpoint
 *
 *   ASK  (host of the asker) -> QUERY (query host of the asked) -> RESULT -> ANSWER
 *
 * The asked endpoint has a host of its own for this (peer.c), so a question neither waits for its
 * deliveries nor keeps them waiting; and that host asks nobody, so no two can wait for each other.
 * What may be open is bounded: of one asker (its credit, else it is cut), to one endpoint, and in all.
 * A question ends once for its asker: with the answer, at its deadline, or when the other host dies.
 * One that is past its deadline keeps its place until its host has answered: what is busy stays counted.
 *
 * Thread: the hub's. Ownership: the hub's; nothing of a question's bytes is kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

#define LATE_MS 10000 /* past its deadline: the host that holds it hangs */
#define BUDGET_MAX 3600000u

int hub_queries_init(struct bb_hub *h)
{
    h->queries = calloc(HUB_QUERIES, sizeof *h->queries);
    if (!h->queries)
        return -1;
    for (size_t i = HUB_QUERIES; i-- > 0;) {
        h->queries[i].gen = 1;
        h->queries[i].next = h->free_queries;
        h->free_queries = &h->queries[i];
    }
    return 0;
}

void hub_queries_free(struct bb_hub *h)
{
    free(h->queries);
}

static uint64_t token_of(const struct bb_hub *h, const struct hub_query *q)
{
    return (uint64_t)q->gen << 32 | (uint64_t)(q - h->queries);
}

static struct hub_query *query_of(struct bb_hub *h, uint64_t token)
{
    uint32_t slot = (uint32_t)token;

    if (slot >= HUB_QUERIES || !h->queries[slot].open || h->queries[slot].gen != token >> 32)
        return NULL;
    return &h->queries[slot];
}

static void query_end(struct bb_hub *h, struct hub_query *q)
{
    q->open = false;
    q->gen = q->gen == UINT32_MAX ? 1 : q->gen + 1;
    q->worker->ep->queries--;
    h->n_queries--;
    q->next = h->free_queries;
    h->free_queries = q;
}

/* One item in a frame of its own: a question is rare beside deliveries, and its asker waits. */
static void answer_send(struct bb_hub *h, struct hub_peer *to, const struct bb_w_result *r)
{
    struct bb_list l;
    struct bb_buf b;

    if (r->status != BB_OK)
        h->queries_failed++;
    bb_buf_init(&b, r->reply.len + r->text.len + r->vendor_code.len + 256);
    l = bb_list_begin(&b, BB_F_ANSWER, to->session);
    bb_list_result(&b, &l, r);
    bb_list_end(&b, &l);
    if (hub_peer_send(h, to, &b) != 0)
        hub_endpoint_lost(h, to->ep, "its instance cannot be reached");
    bb_buf_free(&b);
}

static void refuse(struct bb_hub *h, struct hub_peer *p, uint64_t id, int32_t status, const char *text)
{
    struct bb_w_result r = {
        .token = id, .status = status, .has_error = true, .text = {text, strlen(text)}};

    answer_send(h, p, &r);
}

/* Its asker hears of it, unless it has heard already or has ended. */
static void query_answer(struct bb_hub *h, struct hub_query *q, const struct bb_w_result *from)
{
    struct bb_w_result r = *from;

    r.token = q->id;
    r.body = (struct bb_bytes){0};
    if (!q->late && q->asker->session == q->asker_session) {
        q->asker->asks--;
        answer_send(h, q->asker, &r);
    }
    q->late = true;
}

static struct hub_endpoint *asked_of(struct bb_hub *h, struct bb_bytes name)
{
    for (size_t i = 0; i < h->n_eps; i++)
        if (h->eps[i].query && bb_bytes_are(name, h->eps[i].gen->config->name))
            return &h->eps[i];
    return NULL;
}

static int query_send(struct bb_hub *h, struct hub_query *q, const struct bb_w_query *ask)
{
    struct bb_w_query out = *ask;
    struct bb_list l;
    struct bb_buf b;
    int rc;

    out.token = token_of(h, q);
    out.endpoint = (struct bb_bytes){"", 0};
    bb_buf_init(&b, ask->request.len + ask->op.len + 256);
    l = bb_list_begin(&b, BB_F_QUERY, q->worker->session);
    bb_list_query(&b, &l, &out);
    bb_list_end(&b, &l);
    rc = hub_peer_send(h, q->worker, &b);
    bb_buf_free(&b);
    return rc;
}

/* NULL: it may go; else why there is no answer now. */
static const char *cannot(const struct bb_hub *h, const struct hub_endpoint *e)
{
    if (e->paused)
        return "it is paused";
    if (e->state != EP_UP || e->killed || !e->peers[0].up)
        return e->state == EP_STARTING ? "it is starting" : "it is down";
    if (e->queries >= HUB_QUERIES_OF || !h->free_queries)
        return "too many questions wait there";
    return NULL;
}

static void ask(struct bb_hub *h, struct hub_peer *p, const struct bb_w_query *a)
{
    struct hub_endpoint *e = asked_of(h, a->endpoint);
    const char *why;
    struct hub_query *q;
    char text[160];

    if (!e || p->ep->query ||
        !bb_generation_may_ask(h->gen, p->ep->gen->config->name, e->gen->config->name, a->op)) {
        hub_peer_noise(h, p, 1);
        refuse(h, p, a->token, BB_E_REJECT, "no step of its routes asks that");
        return;
    }
    h->queries_asked++;
    why = cannot(h, e);
    if (why) {
        snprintf(text, sizeof text, "it does not answer: %s", why);
        refuse(h, p, a->token, BB_E_DOWN, text);
        return;
    }
    q = h->free_queries;
    h->free_queries = q->next;
    h->n_queries++;
    e->queries++;
    p->asks++;
    q->open = true;
    q->late = false;
    q->asker = p;
    q->worker = &e->peers[0];
    q->asker_session = p->session;
    q->id = a->token;
    q->deadline = h->now + (a->budget_ms < BUDGET_MAX ? a->budget_ms : BUDGET_MAX);
    if (query_send(h, q, a) != 0)
        hub_endpoint_lost(h, e, "its instance cannot be reached"); /* its end answers */
}

void hub_query_ask(struct bb_hub *h, struct hub_peer *p, struct bb_frame *f)
{
    struct bb_w_query a;
    int rc;

    while ((rc = bb_frame_next_query(f, &a)) == 1) {
        if (p->asks >= HUB_ASKS) {
            hub_peer_cut(h, p, "it asks beyond its credit of %u questions", HUB_ASKS);
            return;
        }
        ask(h, p, &a);
    }
    if (rc < 0) {
        h->frames_bad++;
        hub_peer_cut(h, p, "it sent a malformed ASK");
    }
}

void hub_query_results(struct bb_hub *h, struct hub_peer *p, struct bb_frame *f)
{
    uint32_t stale = f->n == 0;
    struct bb_w_result w;
    struct hub_query *q;
    int rc;

    while ((rc = bb_frame_next_result(f, &w)) == 1) {
        q = query_of(h, w.token);
        if (!q || q->worker != p) {
            stale++;
            continue;
        }
        query_answer(h, q, &w);
        query_end(h, q);
    }
    h->tokens_stale += stale;
    if (stale)
        hub_peer_noise(h, p, stale);
    if (rc < 0) {
        h->frames_bad++;
        hub_peer_cut(h, p, "it sent a malformed RESULT");
    }
}

void hub_query_host_ended(struct bb_hub *h, struct hub_endpoint *e)
{
    static const char why[] = "the host of the asked endpoint ended before it answered";
    struct bb_w_result r = {.status = BB_E_DOWN, .has_error = true, .text = {why, sizeof why - 1}};

    for (size_t i = 0; e->queries && i < HUB_QUERIES; i++) {
        struct hub_query *q = &h->queries[i];

        if (q->open && q->worker->ep == e) {
            query_answer(h, q, &r);
            query_end(h, q);
        }
    }
}

static void query_late(struct bb_hub *h, struct hub_query *q)
{
    static const char why[] = "no answer in time";
    struct bb_w_result r = {.status = BB_E_UNKNOWN, .has_error = true, .text = {why, sizeof why - 1}};
    struct bb_list l;
    struct bb_buf b;

    query_answer(h, q, &r);
    if (!q->worker->session)
        return;
    bb_buf_init(&b, 256);
    l = bb_list_begin(&b, BB_F_CANCEL, q->worker->session);
    bb_list_token(&b, &l, token_of(h, q));
    bb_list_end(&b, &l);
    (void)hub_peer_send(h, q->worker, &b); /* one that cannot be reached is found by its PING */
    bb_buf_free(&b);
}

/* At the core's start the asked one may come up later than the asker, and that is no failure. */
bool hub_query_hosts_start(struct bb_hub *h, const struct hub_route *r)
{
    bool any = false;

    for (size_t i = 0; !h->asked_settled && i < h->n_eps; i++) {
        const struct hub_endpoint *e = &h->eps[i];

        if (!e->query || e->restarts || (e->state != EP_DOWN && e->state != EP_STARTING))
            continue;
        any = true;
        for (size_t k = 0; k < h->gen->n_queries; k++)
            if (h->gen->queries[k].route == r->config &&
                &h->gen->endpoints[h->gen->queries[k].asked] == e->gen)
                return true;
    }
    h->asked_settled |= !any;
    return false;
}

void hub_queries_tick(struct bb_hub *h)
{
    uint32_t seen = 0, n = h->n_queries;

    for (size_t i = 0; seen < n && i < HUB_QUERIES; i++) {
        struct hub_query *q = &h->queries[i];

        if (!q->open)
            continue;
        seen++;
        if (q->deadline <= h->now && !q->late)
            query_late(h, q);
        if (q->deadline + LATE_MS <= h->now)
            hub_endpoint_lost(h, q->worker->ep,
                              "a question is past its deadline and the plugin does not answer");
    }
}
