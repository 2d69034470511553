/*
 * ask.c - what other threads ask of the hub
 *
 * An asker puts its bb_ask (on its own stack) into the mailbox and waits; the hub answers in its
 * turn, or after the journal's commit for what changes something. An asker whose patience ends must
 * not leave its struct behind: so after a time-out it takes the ask back from the mailbox, and if the
 * hub has it already, waits for the answer that is then sure to come.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/hub/internal.h"

struct ask_op {
    struct bb_op op;
    struct bb_ask *ask;
    struct hub_route *route;
    char *who;
};

void hub_ask_answer(struct bb_hub *h, struct bb_ask *a, bb_status s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(a->text, sizeof a->text, fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&h->lock);
    a->status = s;
    a->done = 1;
    pthread_cond_broadcast(&h->answered);
    pthread_mutex_unlock(&h->lock);
}

static struct hub_route *route_named(struct bb_hub *h, const char *name)
{
    for (size_t i = 0; name && i < h->n_routes; i++)
        if (strcmp(h->routes[i].config->name, name) == 0)
            return &h->routes[i];
    return NULL;
}

static void pause_or_resume(struct bb_hub *h, struct bb_ask *a)
{
    bool pause = a->kind == BB_ASK_PAUSE;
    struct hub_route *r = route_named(h, a->route);

    if (r) {
        r->paused = pause;
        hub_ask_answer(h, a, BB_OK, "route \"%s\" %s", a->route, pause ? "paused" : "resumed");
        return;
    }
    for (size_t i = 0; a->endpoint && i < h->n_eps; i++) {
        struct hub_endpoint *e = &h->eps[i];
        if (strcmp(e->name, a->endpoint) != 0)
            continue;
        e->paused = pause;
        if (!pause) { /* an operator says it is well again */
            e->paused_until = 0;
            e->open_until = 0;
            e->open_ms = 0;
            e->failures = 0;
            if (e->state == EP_FAILED && !e->child) {
                e->state = EP_DOWN;
                e->restart_at = h->now;
            }
        }
        hub_ask_answer(h, a, BB_OK, "endpoint \"%s\" %s", e->name, pause ? "paused" : "resumed");
        return;
    }
    hub_ask_answer(h, a, BB_E_UNSUP, "there is no endpoint or route \"%s\"",
                   a->route ? a->route : a->endpoint ? a->endpoint : "");
}

static void operate(struct bb_hub *h, struct bb_ask *a)
{
    struct hub_route *r = route_named(h, a->route);
    bool unmatched = a->route && strcmp(a->route, "unmatched") == 0;
    struct ask_op *o;

    if (!r && !unmatched) {
        hub_ask_answer(h, a, BB_E_UNSUP, "there is no route \"%s\"", a->route ? a->route : "");
        return;
    }
    o = calloc(1, sizeof *o);
    if (!o || !(o->who = strdup(a->who ? a->who : "operator"))) {
        free(o);
        hub_ask_answer(h, a, BB_E_RETRY, "no memory");
        return;
    }
    o->op.kind = BB_OP_OPERATOR;
    o->op.arg = o;
    o->ask = a;
    o->route = r;
    o->op.oper.what = a->kind == BB_ASK_RELEASE  ? BB_OPER_RELEASE
                      : a->kind == BB_ASK_REPLAY ? BB_OPER_REPLAY
                                                 : BB_OPER_DISCARD;
    o->op.oper.route = r ? r->id : BB_ROUTE_UNMATCHED;
    o->op.oper.seq = a->seq;
    o->op.oper.overtaken_ok = a->overtaken || (r && r->config->commutative);
    o->op.oper.who = o->who;
    hub_post(h, &o->op);
}

void hub_ask_done(struct bb_hub *h, struct bb_op *op)
{
    struct ask_op *o = op->arg;
    static const char *const done[] = {"released", "replayed", "discarded"};

    if (op->status == BB_OK) {
        if (o->route) {
            hub_route_due(o->route, h->wall);
            if (op->oper.what == BB_OPER_DISCARD && op->oper.lane)
                --*hub_filter_at(&h->filter, o->route->index, op->oper.lane);
        }
        hub_ask_answer(h, o->ask, BB_OK, "%s/%llu %s", o->route ? o->route->config->name : "unmatched",
                       (unsigned long long)op->oper.seq, done[op->oper.what]);
    } else {
        hub_ask_answer(h, o->ask, op->status, "%s", op->text);
    }
    free(o->who);
    free(o);
}

void hub_ask_serve(struct bb_hub *h, struct bb_ask *a)
{
    if (atomic_load(&h->ended)) {
        hub_ask_answer(h, a, BB_E_DOWN, "the core is stopping");
        return;
    }
    switch (a->kind) {
    case BB_ASK_STATUS:
        hub_status_write(h, &a->out);
        hub_ask_answer(h, a, BB_OK, "%s", "");
        break;
    case BB_ASK_SUBMIT:
        hub_intake_ask(h, a);
        break;
    case BB_ASK_PAUSE:
    case BB_ASK_RESUME:
        pause_or_resume(h, a);
        break;
    case BB_ASK_REST:
        hub_rest_ask(h, a);
        break;
    default:
        operate(h, a);
    }
}

/* True when the ask was still in the mailbox and is out of it now. */
static bool take_back(struct bb_hub *h, struct bb_ask *a)
{
    struct bb_ask **at = &h->asks, *last = NULL;

    for (; *at && *at != a; at = &(*at)->next)
        last = *at;
    if (!*at)
        return false;
    *at = a->next;
    if (h->asks_last == a)
        h->asks_last = last;
    return true;
}

int bb_hub_ask(struct bb_hub *h, struct bb_ask *a, uint32_t timeout_ms)
{
    struct timespec until;
    uint64_t one = 1;
    int rc = 0;

    a->next = NULL;
    a->done = 0;
    a->text[0] = '\0';
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&h->lock);
    if (h->gone) {
        pthread_mutex_unlock(&h->lock);
        snprintf(a->text, sizeof a->text, "the core is stopping");
        return -1;
    }
    if (h->asks_last)
        h->asks_last->next = a;
    else
        h->asks = a;
    h->asks_last = a;
    if (write(h->wake_fd, &one, sizeof one) < 0)
        rc = -1;
    while (!a->done && rc == 0 && !h->gone) /* not before: the hub may be writing to it */
        if (pthread_cond_timedwait(&h->answered, &h->lock, &until) != 0) {
            rc = take_back(h, a) ? -1 : 0;
            until.tv_sec++; /* the hub has it: its answer, or its end, is sure to come */
        }
    if (!a->done) {
        take_back(h, a);
        rc = -1;
        snprintf(a->text, sizeof a->text, "the hub did not answer in time");
    }
    pthread_mutex_unlock(&h->lock);
    return rc;
}
