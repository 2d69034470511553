/*
 * job.c - tokens that are open, and which of the two things a delivery is
 *
 * Thread: the instance's. Ownership: a job is in i->jobs from its making to its end, which frees it; its call is the
 * client's. Invariant: each token that was given PENDING is ended once.
 */
#include <stdio.h>
#include <stdlib.h>
#include "plm.h"

struct job *job_new(bb_inst *i, bb_token t, uint32_t budget_ms)
{
    struct job *j = calloc(1, sizeof *j);

    if (!j)
        return NULL;
    j->i = i;
    j->t = t;
    j->end_ms = bb_clock_ms() + (budget_ms ? (int64_t)budget_ms : (int64_t)i->conf.timeout_ms);
    j->back = i->last_job;
    *j->back = j;
    i->last_job = &j->next;
    return j;
}

void job_free(struct job *j)
{
    *j->back = j->next;
    if (j->next)
        j->next->back = j->back;
    else
        j->i->last_job = j->back;
    pack_free(&j->pack);
    free(j);
}

void job_end(struct job *j, bb_status st, struct bb_buf *reply, const struct bb_error *err)
{
    bb_inst *i = j->i;
    struct bb_bytes r = {reply ? reply->ptr : NULL, reply ? reply->len : 0};

    i->last = st == BB_E_DOWN || st == BB_E_CONFIG ? st : BB_OK;
    if (i->last != BB_OK && err)
        memcpy(i->last_text, err->text, sizeof i->last_text);
    i->ctx.api->done(i->ctx.host, j->t, st, st == BB_OK && r.len && !reply->failed ? &r : NULL, st < 0 ? err : NULL);
    job_free(j);
}

static void on_answer(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct job *j = call->arg;

    j->call = NULL;
    j->answer(j, a);
}

int job_ask(struct job *j, const char *method, const char *url, struct bb_bytes key, struct bb_buf *body)
{
    struct bb_http_call *call = bb_http_call_new(j->i->client, method, url);
    int64_t left = j->end_ms - bb_clock_ms();

    if (!call)
        return -1;
    bb_http_call_header(call, "Accept", bb_str("application/json"));
    if (key.len)
        bb_http_call_header(call, "Idempotency-Key", key);
    if (j->correlation[0])
        bb_http_call_header(call, "X-Correlation-ID", bb_str(j->correlation));
    if (body) {
        bb_buf_put(&call->body, body->ptr, body->len);
        bb_http_call_header(call, "Content-Type", bb_str("application/json"));
    }
    left = left < (int64_t)j->i->conf.timeout_ms ? left : (int64_t)j->i->conf.timeout_ms;
    call->timeout_ms = left > 1 ? (uint32_t)left : 1;
    call->done = on_answer;
    call->arg = j;
    j->call = call;
    if (bb_http_send(call) == 0)
        return 0;
    j->call = NULL;
    return -1;
}

static int is_notice(const struct bb_msg_view *v)
{
    return v->type.len > 11 && memcmp(v->type.ptr, "plm.change.", 11) == 0;
}

bb_status sink_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof v};

    i->ctx.api->msg_view(m, &v);
    return is_notice(&v) ? pack_deliver(i, &v, t, err) : status_deliver(i, &v, t, err);
}

bb_status sink_probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof v};

    i->ctx.api->msg_view(m, &v);
    return is_notice(&v) ? BB_NOT_APPLIED /* reading again does no harm */ : status_probe(i, &v, t, err);
}
