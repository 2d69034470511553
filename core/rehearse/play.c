/*
 * play.c - the connector that stands for every endpoint of a rehearsal
 *
 * It keeps each call, and answers as the case says, call by call and endpoint by endpoint; what the case
 * does not script is applied. A probe that is not scripted has no good answer: it says "cannot tell",
 * and the case fails with that. A "silent" delivery is answered when its deadline has it cancelled.
 *
 * Threads: the instances' (one an endpoint), under one lock; the caller reads when the hub rests.
 * There is one rehearsal at a time in a process, because a connector is told nothing of its own but
 * its endpoint's name.
 */
#include "core/rehearse/internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MAX 100000u /* kept; a case that comes near goes round in circles */

struct script { /* how far an endpoint's answers are used up */
    const struct bb_case_script *of;
    size_t at;
    uint64_t used; /* of the answer at `at` */
};
struct bb_play_state {
    pthread_mutex_t lock;
    struct bb_play *play;
    struct bb_coverage *cov;
    struct script *scripts;
    struct bb_play_call *calls;
    size_t n, cap;
    uint32_t silent; /* open, and not to be answered */
    char unanswered[320];
    uint64_t *mocks; /* how often each was used */
};
struct open_silent { /* a delivery that is not answered */
    struct open_silent *next;
    bb_token token;
};
struct bb_inst {
    bb_host *host;
    const struct bb_host_api *api;
    char endpoint[64];
    bool ordered; /* stops a batch at its first failure */
    struct open_silent *silent;
};
static struct bb_play_state *here;

/* ---- a call -------------------------------------------------------------------------------------- */
static const struct bb_case_answer *answer_next(struct bb_play_state *s, const char *endpoint, bool probe)
{
    for (size_t i = 0; i < s->play->c->n_scripts; i++) {
        struct script *p = &s->scripts[i];

        if (p->of->probe != probe || strcmp(p->of->endpoint, endpoint) != 0)
            continue;
        while (p->at < p->of->n && p->used >= p->of->v[p->at].times) {
            p->at++;
            p->used = 0;
        }
        if (p->at == p->of->n)
            continue;
        if (p->of->v[p->at].times != UINT64_MAX)
            p->used++;
        return &p->of->v[p->at];
    }
    return NULL;
}

/* The key is "TAG-ROUTE-SEQ-EPOCH", in hexadecimal. */
static void call_keep(struct bb_play_state *s, const struct bb_msg_view *v, bool probe)
{
    unsigned route = 0, epoch;
    unsigned long long seq = 0;
    struct bb_play_call *more, *c;
    char key[80];

    snprintf(key, sizeof(key), "%.*s", (int)v->key.len, (const char *)v->key.ptr);
    if (s->n == CALLS_MAX || sscanf(key, "%*8[0-9a-f]-%x-%llx-%x", &route, &seq, &epoch) != 3)
        return;
    if (s->n == s->cap) {
        more = realloc(s->calls, (s->cap ? 2 * s->cap : 64) * sizeof(*more));
        if (!more)
            return;
        s->calls = more;
        s->cap = s->cap ? 2 * s->cap : 64;
    }
    c = &s->calls[s->n++];
    *c = (struct bb_play_call){.seq = seq, .route = route, .probe = probe};
    bb_buf_init(&c->whole, v->whole.len + 1);
    bb_buf_put(&c->whole, v->whole.ptr, v->whole.len);
}

static void error_fill(struct bb_error *err, const struct bb_case_answer *a)
{
    static const struct { bb_status status; const char *text; } texts[] = {
        {BB_E_RETRY, "the test says: retry"},     {BB_E_REJECT, "the test says: reject"},
        {BB_E_DOWN, "the test says: down"},       {BB_E_UNKNOWN, "the test says: unknown"}};

    err->size = sizeof(*err);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (texts[i].status == a->status)
            snprintf(err->text, sizeof(err->text), "%s", texts[i].text);
    if (a->text)
        snprintf(err->text, sizeof(err->text), "%s", a->text);
    if (a->code)
        snprintf(err->vendor_code, sizeof(err->vendor_code), "%s", a->code);
    err->retry_after_ms = a->after_ms < UINT32_MAX ? (uint32_t)a->after_ms : UINT32_MAX;
}

static void silent_add(struct bb_inst *i, bb_token t)
{
    struct open_silent *o = malloc(sizeof(*o));

    if (!o)
        abort();
    *o = (struct open_silent){i->silent, t};
    i->silent = o;
    here->silent++;
}

/* One call: its final status, or PENDING. *reply: what done() is to say with OK, or NULL. */
static bb_status play(struct bb_inst *i, const bb_msg *m, bb_token t, bool probe, struct bb_error *err)
{
    static const struct bb_case_answer applied = {.status = BB_OK, .times = 1};
    const struct bb_case_answer *a;
    struct bb_msg_view v = {.size = sizeof(v)};

    i->api->msg_view(m, &v);
    pthread_mutex_lock(&here->lock);
    call_keep(here, &v, probe);
    a = answer_next(here, i->endpoint, probe);
    if (!a && probe && !*here->unanswered)
        snprintf(here->unanswered, sizeof(here->unanswered),
                 "endpoint \"%s\" was asked what it applied, and \"probes\" does not say (any more)",
                 i->endpoint);
    if (a && a->silent)
        silent_add(i, t);
    pthread_mutex_unlock(&here->lock);
    if (!a && probe)
        return BB_E_RETRY;
    a = a ? a : &applied;
    if (a->silent)
        return BB_PENDING;
    if (a->status < 0)
        error_fill(err, a);
    if (!a->reply.len)
        return a->status;
    i->api->done(i->host, t, a->status, &a->reply, NULL);
    return BB_PENDING;
}

/* ---- the contract -------------------------------------------------------------------------------- */
static bb_status create(bb_host *h, const struct bb_host_api *api, const struct bb_bytes *config,
                        bb_inst **out, struct bb_error *err)
{
    const struct bb_ext_instance *ext = api->extension(h, BB_EXT_INSTANCE);
    struct bb_instance self = {.size = sizeof(self)};
    const struct bb_generation *g = here->play->g;
    struct bb_inst *i = calloc(1, sizeof(*i));

    (void)config;
    (void)err;
    if (!i || !ext) {
        free(i);
        return BB_E_CONFIG;
    }
    ext->describe(h, &self);
    i->host = h;
    i->api = api;
    snprintf(i->endpoint, sizeof(i->endpoint), "%s", self.endpoint);
    for (size_t k = 0; k < g->config->n_endpoints; k++)
        if (strcmp(g->config->endpoints[k].name, i->endpoint) == 0)
            i->ordered = g->endpoints[k].manifest.ordered_batch;
    *out = i;
    return BB_OK;
}

static bb_status start(bb_inst *i, struct bb_error *err)
{
    (void)i;
    (void)err;
    return BB_OK;
}

/* Ends those that are silent: one, or all with token 0. */
static void silent_end(bb_inst *i, bb_token t)
{
    struct bb_error err = {.size = sizeof(err), .text = "the test says: silent, no answer in time"};

    for (struct open_silent **at = &i->silent, *o; (o = *at);) {
        if (t && o->token != t) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        pthread_mutex_lock(&here->lock);
        here->silent--;
        pthread_mutex_unlock(&here->lock);
        i->api->done(i->host, o->token, BB_E_UNKNOWN, NULL, &err);
        free(o);
    }
}

static bb_status stop(bb_inst *i, uint32_t budget_ms)
{
    (void)budget_ms;
    silent_end(i, 0);
    return BB_OK;
}

static void destroy(bb_inst *i)
{
    free(i);
}

static bb_status deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    return play(i, m, t, false, err);
}

static bb_status deliver_many(bb_inst *i, const bb_msg *const *m, const bb_token *t, size_t n,
                              struct bb_error *err)
{
    bool failed = false;

    (void)err;
    for (size_t k = 0; k < n; k++) {
        struct bb_error e = {.size = sizeof(e)};
        bb_status s = failed && i->ordered ? BB_E_CANCEL : play(i, m[k], t[k], false, &e);

        failed = failed || s < 0;
        if (s != BB_PENDING)
            i->api->done(i->host, t[k], s, NULL, s < 0 ? &e : NULL);
    }
    return BB_PENDING;
}

static bb_status probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    return play(i, m, t, true, err);
}

static const void *extension(bb_inst *i, const char *id)
{
    static const struct bb_ext_batch batch = {sizeof(batch), 0, deliver_many};
    static const struct bb_ext_probe probes = {sizeof(probes), 0, probe};

    (void)i;
    return strcmp(id, BB_EXT_BATCH) == 0 ? (const void *)&batch
           : strcmp(id, BB_EXT_PROBE) == 0 ? (const void *)&probes : NULL;
}

static const struct bb_connector connector = {
    .size = sizeof(connector), .id = "rehearsal", .create = create, .start = start, .stop = stop,
    .destroy = destroy, .deliver = deliver, .cancel = silent_end, .extension = extension};

/* ---- for the hub and the hosts ------------------------------------------------------------------- */
static uint32_t unanswered(void *arg)
{
    struct bb_play_state *s = arg;
    uint32_t n;

    pthread_mutex_lock(&s->lock);
    n = s->silent;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static bb_status ask(void *arg, const struct bb_question *q, struct bb_buf *answer, struct bb_fault *err)
{
    struct bb_play_state *s = arg;
    bb_status st;

    pthread_mutex_lock(&s->lock);
    st = bb_mock_answer(s->play->c, s->mocks, q, answer, err, s->unanswered, sizeof(s->unanswered));
    pthread_mutex_unlock(&s->lock);
    return st;
}

static int64_t now_ns(void *arg)
{
    (void)arg;
    return (int64_t)bb_axis_ms() * 1000000;
}

/* In a journal that begins with this case, routes have the numbers of their order, from 1. */
static void ran(void *arg, uint32_t route, uint32_t step, const char *rule)
{
    struct bb_play_state *s = arg;
    const struct bb_config *c = s->play->g->config;

    pthread_mutex_lock(&s->lock);
    if (s->cov && route && route <= c->n_routes)
        bb_coverage_ran(s->cov, c->routes[route - 1].name, step, rule);
    pthread_mutex_unlock(&s->lock);
}

/* ---- life ---------------------------------------------------------------------------------------- */
int bb_play_begin(struct bb_play *p, const struct bb_generation *g, const struct bb_case *c,
                  struct bb_coverage *cov)
{
    struct bb_play_state *s = calloc(1, sizeof(*s));

    *p = (struct bb_play){.c = c, .g = g, .state = s};
    if (s)
        s->scripts = calloc(c->n_scripts + 1, sizeof(*s->scripts));
    if (s)
        s->mocks = calloc(c->n_mocks + 1, sizeof(*s->mocks));
    if (!s || !s->scripts || !s->mocks || pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s ? s->scripts : NULL);
        free(s ? s->mocks : NULL);
        free(s);
        p->state = NULL;
        return -1;
    }
    for (size_t i = 0; i < c->n_scripts; i++)
        s->scripts[i].of = &c->scripts[i];
    s->play = p;
    s->cov = cov;
    p->rehearsal = (struct bb_rehearsal){.connector = &connector, .ran = ran, .now_ns = now_ns, .ask = ask,
                                         .unanswered = unanswered, .arg = s};
    here = s;
    return 0;
}

void bb_play_end(struct bb_play *p)
{
    struct bb_play_state *s = p->state;

    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        bb_buf_free(&s->calls[i].whole);
    free(s->calls);
    free(s->scripts);
    free(s->mocks);
    pthread_mutex_destroy(&s->lock);
    free(s);
    here = NULL;
    p->state = NULL;
}

size_t bb_play_calls(const struct bb_play *p, const struct bb_play_call **v, const char **why)
{
    const struct bb_case_mock *unused = bb_mock_unused(p->c, p->state->mocks);

    *v = p->state->calls;
    if (unused && !*p->state->unanswered)
        snprintf(p->state->unanswered, sizeof(p->state->unanswered),
                 "%s:%d: nobody asked endpoint \"%s\" for \"%s\" so: this answer tests nothing", unused->where.file,
                 unused->where.line, unused->endpoint, unused->op);
    *why = *p->state->unanswered ? p->state->unanswered : NULL;
    return p->state->n;
}
