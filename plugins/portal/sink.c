/*
 * sink.c - deliveries and probes as HTTP calls
 *
 *     deliver -> POST with Idempotency-Key -> 2xx, or a 997 that accepts: OK     else: fault.c
 *     probe   -> GET paths.submissions     -> 200: OK, 404 in the portal's own words: not applied, all else: retry
 *
 * A post is not repeated blindly, unless the config says that the portal honours the key (idempotent): an answer that was
 * lost is asked for first.
 *
 * Thread: the instance's. Ownership: a job is in i->jobs from its making to its answer, which frees it. Invariant: each
 * token given PENDING is ended once, by its job's answer.
 */
#include <stdlib.h>
#include <time.h>
#include <busbar/json.h>
#include "portal.h"

#define BODY_MAX (8u << 20)

static struct job *job_new(bb_inst *i, bb_token t)
{
    struct job *j = calloc(1, sizeof *j);

    if (!j)
        return NULL;
    j->i = i;
    j->t = t;
    j->next = i->jobs;
    j->back = &i->jobs;
    if (j->next)
        j->next->back = &j->next;
    i->jobs = j;
    return j;
}

static void job_free(struct job *j)
{
    *j->back = j->next;
    if (j->next)
        j->next->back = j->back;
    free(j);
}

static void job_end(struct job *j, bb_status st, const struct bb_buf *reply, const struct bb_error *err)
{
    bb_inst *i = j->i;
    struct bb_bytes r = {reply->ptr, reply->len};

    i->last = st == BB_E_DOWN || st == BB_E_CONFIG ? st : BB_OK;
    if (i->last != BB_OK)
        memcpy(i->last_text, err->text, sizeof i->last_text);
    i->ctx.api->done(i->ctx.host, j->t, st, st == BB_OK && r.len && !reply->failed ? &r : NULL, st < 0 ? err : NULL);
}

static void on_answer(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct job *j = call->arg;

    j->answer(j, a);
    job_free(j);
}

static bb_status job_send(struct job *j, struct bb_http_call *call, const struct bb_msg_view *v, struct bb_error *err)
{
    uint32_t most = j->i->conf.timeout_ms;

    call->timeout_ms = v->budget_ms && v->budget_ms < most ? v->budget_ms : most;
    call->done = on_answer;
    call->arg = j;
    j->call = call;
    if (bb_http_send(call) == 0)
        return BB_PENDING;
    job_free(j);
    return bb_error_set(err, BB_E_RETRY, "no memory for the request, or it is too long");
}

/* ---- deliveries ---------------------------------------------------------------------------------------------------- */
static void deliver_answer(struct job *j, const struct bb_http_answer *a)
{
    struct bb_error err = bb_error_none();
    struct bb_buf reply;
    bb_status st;

    bb_buf_init(&reply, 1u << 20);
    st = answer_read(j->i, a, j->set, j->control, &reply, &err);
    job_end(j, st, &reply, &err);
    bb_buf_free(&reply);
}

/* The call for a message, ready but for its sending. */
static bb_status post_call(bb_inst *i, const struct bb_msg_view *v, struct bb_http_call **out, const char **set, struct bb_error *err)
{
    struct bb_http_call *call = bb_http_call_new(i->client, "POST", "");
    struct post p = {.conf = &i->conf, .v = v, .err = err};
    int bad;
    bb_status st;

    if (!call)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    call->body.max = BODY_MAX;
    p.url = &call->url;
    p.body = &call->body;
    st = post_make(&p);
    if (st == BB_OK) {
        call->repeatable = i->conf.idempotent;
        bad = bb_http_call_header(call, "Content-Type", bb_str(p.media));
        bad |= bb_http_call_header(call, "Accept", bb_str("application/json, application/problem+json, " PORTAL_X12 ", */*;q=0.1"));
        bad |= bb_http_call_header(call, "Idempotency-Key", v->key);
        if (p.e.correlationid.len)
            bad |= bb_http_call_header(call, "X-Correlation-ID", p.e.correlationid);
        if (p.e.traceparent.len)
            bad |= bb_http_call_header(call, "traceparent", p.e.traceparent);
        bad |= key_put(i, call) | sign_put(i, call, v->key, time(NULL));
        if (bad)
            st = bb_error_set(err, BB_E_REJECT, "an attribute of the message cannot be a header, or there is no memory");
    }
    *set = p.set;
    *out = call;
    if (st != BB_OK)
        bb_http_call_drop(call);
    return st;
}

bb_status sink_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof v};
    struct bb_http_call *call = NULL;
    struct job *j;
    const char *set = NULL;
    bb_status st;

    i->ctx.api->msg_view(m, &v);
    st = post_call(i, &v, &call, &set, err);
    if (st != BB_OK)
        return st;
    j = job_new(i, t);
    if (!j) {
        bb_http_call_drop(call);
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    }
    j->answer = deliver_answer;
    j->set = set;
    j->control = x12_control(v.key);
    return job_send(j, call, &v, err);
}

/* ---- probes ------------------------------------------------------------------------------------------------------------ */
static void probe_answer(struct job *j, const struct bb_http_answer *a)
{
    struct bb_error err = bb_error_none();
    struct bb_bytes status;
    struct bb_buf reply;
    bb_status st;

    bb_buf_init(&reply, 1u << 20);
    st = answer_read(j->i, a, NULL, 0, &reply, &err);
    status = bb_conf_str((struct bb_bytes){reply.ptr, reply.len}, "/status", NULL);
    if (a->code == 404 && answer_own(a))
        st = BB_NOT_APPLIED;
    else if (st == BB_E_REJECT && a->code == 200)
        st = BB_NOT_APPLIED; /* it is known, and was refused: the next attempt gets the refusal */
    else if (st != BB_OK)
        st = BB_E_RETRY;
    else if (!bb_str_is(status, "accepted") && !bb_str_is(status, "done") && !bb_str_is(status, "Success"))
        st = bb_error_set(&err, BB_E_RETRY, "the portal does not say yet what became of it (status \"%.*s\")",
                          (int)(status.len > 40 ? 40 : status.len), status.len ? (const char *)status.ptr : "");
    job_end(j, st, &reply, &err);
    bb_buf_free(&reply);
}

bb_status sink_probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof v};
    struct bb_http_call *call;
    struct job *j;

    i->ctx.api->msg_view(m, &v);
    call = bb_http_call_new(i->client, "GET", "");
    j = call ? job_new(i, t) : NULL;
    if (!j) {
        if (call)
            bb_http_call_drop(call);
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    }
    path_put(&call->url, i->conf.submissions, (struct bb_bytes){NULL, 0}, v.key);
    bb_http_call_header(call, "Accept", bb_str("application/json, application/problem+json, */*;q=0.1"));
    key_put(i, call);
    j->answer = probe_answer;
    return job_send(j, call, &v, err);
}
