/*
 * sink.c - deliveries and probes as HTTP calls
 *
 * A post is never repeated blindly, although a MES updates what it has: an answer that was lost is asked for by
 * the BODID first, so that nothing is taken twice.
 *
 * Thread: the instance's. Ownership: a job is in i->jobs from its making to its answer, which frees it.
 * Invariant: each token given PENDING is ended once, by its job's answer.
 */
#include <stdlib.h>
#include <stdio.h>
#include <busbar/web.h>
#include "mes.h"

static void unlink_free(struct job *j)
{
    *j->back = j->next;
    if (j->next)
        j->next->back = j->back;
    free(j);
}

static void on_answer(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct job *j = call->arg;

    j->i->last = a->outcome;
    j->answer(j, a);
    unlink_free(j);
}

struct job *job_new(bb_inst *i, bb_token t, const char *method, const char *path)
{
    struct job *j = calloc(1, sizeof *j);

    if (!j)
        return NULL;
    j->call = bb_http_call_new(i->client, method, path);
    if (!j->call) {
        free(j);
        return NULL;
    }
    j->i = i;
    j->t = t;
    j->call->done = on_answer;
    j->call->arg = j;
    bb_http_call_header(j->call, "Accept", bb_str("application/xml"));
    j->next = i->jobs;
    j->back = &i->jobs;
    if (j->next)
        j->next->back = &j->next;
    i->jobs = j;
    return j;
}

void job_drop(struct job *j)
{
    bb_http_call_drop(j->call);
    unlink_free(j);
}

bb_status job_send(struct job *j, uint32_t budget_ms, struct bb_error *err)
{
    j->call->timeout_ms = j->i->conf.timeout_ms;
    if (budget_ms && budget_ms < j->call->timeout_ms)
        j->call->timeout_ms = budget_ms;
    if (bb_http_send(j->call) == 0)
        return BB_PENDING;
    unlink_free(j);
    return bb_error_set(err, BB_E_RETRY, "no memory for the request, or it is too long");
}

static void job_end(struct job *j, bb_status st, const struct bb_error *err)
{
    bb_inst *i = j->i;
    struct bb_bytes reply = {i->reply.ptr, i->reply.len};

    i->last = st == BB_E_DOWN ? st : BB_OK;
    if (st == BB_E_DOWN)
        snprintf(i->last_text, sizeof i->last_text, "%.199s", err->text);
    i->ctx.api->done(i->ctx.host, j->t, st, st == BB_OK && reply.len ? &reply : NULL, st < 0 ? err : NULL);
}

static void deliver_answer(struct job *j, const struct bb_http_answer *a)
{
    struct bb_error e = bb_error_none();
    bb_status st = confirm_read(j->i, a, &e);

    job_end(j, st, &e);
}

static struct bb_msg_view view_of(bb_inst *i, const bb_msg *m)
{
    struct bb_msg_view v = {.size = sizeof v};

    i->ctx.api->msg_view(m, &v);
    return v;
}

bb_status sink_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct job *j = job_new(i, t, "POST", i->conf.post);
    struct bb_msg_view v = view_of(i, m);
    struct bb_envelope e;
    bb_status st;

    if (!j)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    j->answer = deliver_answer;
    j->call->body.max = MES_DOCUMENT_MAX;
    st = bod_make(&i->conf, &v, &j->call->body, err);
    if (st != BB_OK) {
        job_drop(j);
        return st;
    }
    bb_http_call_header(j->call, "Content-Type", bb_str("application/xml"));
    bb_http_call_header(j->call, "Idempotency-Key", v.key);
    if (bb_envelope_read(v.whole, &e, NULL) == 0) {
        if (e.correlationid.len)
            bb_http_call_header(j->call, "X-Correlation-ID", e.correlationid);
        if (e.traceparent.len)
            bb_http_call_header(j->call, "traceparent", e.traceparent);
    }
    return job_send(j, v.budget_ms, err);
}

/* 200 with the confirmation: it was taken. 404 with one: the MES does not know it. All else: ask again. */
static void probe_answer(struct job *j, const struct bb_http_answer *a)
{
    struct bb_error e = bb_error_none();
    bb_status st = confirm_read(j->i, a, &e);

    if (a->code == 404 && st == BB_E_REJECT)
        st = BB_NOT_APPLIED;
    else if (st != BB_OK || !j->i->reply.len)
        st = BB_E_RETRY;
    j->i->ctx.api->done(j->i->ctx.host, j->t, st,
                        st == BB_OK ? &(struct bb_bytes){j->i->reply.ptr, j->i->reply.len} : NULL, st < 0 ? &e : NULL);
}

bb_status sink_probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct job *j = job_new(i, t, "GET", i->conf.confirmations);
    struct bb_msg_view v = view_of(i, m);

    if (!j)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    j->answer = probe_answer;
    bb_buf_put(&j->call->url, "/", 1);
    bb_uri_put(&j->call->url, v.key);
    return job_send(j, v.budget_ms, err);
}
