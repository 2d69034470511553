/*
 * sink.c - deliveries as HTTP requests
 *
 * One request a message, or with `batch` one for many. A gathered request has one answer for all
 * its members; when that answer is a refusal, the members are sent again in halves until the one
 * at fault stands alone, so that it never fails its neighbours. That is safe: REJECT says that
 * nothing of the request was applied.
 *
 * Thread: the instance's. Ownership: a job belongs to its sink from the send to the answer and
 * holds a reference to each message of a batch (for the halves). Invariant: every token given to
 * deliver() with PENDING is ended exactly once, by job_done().
 */
#include <stdlib.h>
#include <stdio.h>
#include "sink.h"

/* ---- jobs -------------------------------------------------------------------------------------- */
static struct job *job_new(struct sink *s, size_t n)
{
    struct job *j = s->unused;

    if (j)
        s->unused = j->next;
    else if (!(j = calloc(1, sizeof *j)))
        return NULL;
    j->sink = s;
    j->probe = 0;
    j->n = n;
    j->call = NULL;
    j->t = &j->one;
    j->m = NULL;
    if (n > 1) {
        j->t = malloc(n * sizeof *j->t);
        j->m = malloc(n * sizeof *j->m);
        if (!j->t || !j->m) {
            free(j->t);
            free(j->m);
            free(j);
            return NULL;
        }
    }
    j->prev = NULL;
    j->next = s->open;
    if (s->open)
        s->open->prev = j;
    s->open = j;
    return j;
}

static void job_free(struct job *j)
{
    struct sink *s = j->sink;

    if (j->prev)
        j->prev->next = j->next;
    else
        s->open = j->next;
    if (j->next)
        j->next->prev = j->prev;
    for (size_t k = 0; j->m && k < j->n; k++)
        s->inst->ctx.api->msg_unref(j->m[k]);
    free(j->m);
    if (j->t != &j->one)
        free(j->t);
    j->next = s->unused;
    s->unused = j;
}

static bb_status batch_send(struct sink *s, const bb_msg *const *m, const bb_token *t, size_t n,
                            struct bb_error *err);

/* A refusal of several: try each half. */
static void job_split(struct job *j, const struct bb_error *whole)
{
    struct sink *s = j->sink;
    struct bb_ctx *x = &s->inst->ctx;
    size_t half = j->n / 2, at[3] = {0, half, j->n};

    for (int k = 0; k < 2; k++) {
        struct bb_error e = bb_error_none();
        size_t from = at[k], n = at[k + 1] - from;
        bb_status st = s->inst->stopping ? BB_E_CANCEL
                                         : batch_send(s, j->m + from, j->t + from, n, &e);
        if (st == BB_PENDING)
            continue;
        for (size_t q = from; q < from + n; q++)
            x->api->done(x->host, j->t[q], st, NULL, st == BB_E_CANCEL ? whole : &e);
    }
}

static int in_list(const int64_t *list, size_t n, unsigned code)
{
    for (size_t k = 0; k < n; k++)
        if (list[k] == (int64_t)code)
            return 1;
    return 0;
}

static bb_status probe_outcome(const struct sink *s, const struct bb_http_answer *a)
{
    if (in_list(s->applied, s->n_applied, a->code))
        return BB_OK;
    if (in_list(s->not_applied, s->n_not_applied, a->code))
        return BB_NOT_APPLIED;
    return BB_E_RETRY;
}

/* The answer's JSON body as canonical data, or nothing. */
static const struct bb_bytes *reply_of(struct sink *s, const struct bb_http_answer *a,
                                       struct bb_bytes *out)
{
    if (!a->body.len || !a->type.ptr || !memmem(a->type.ptr, a->type.len, "json", 4))
        return NULL;
    bb_buf_reset(&s->reply);
    if (bb_json_read(a->body, &s->reply, NULL) != 0 || s->reply.failed)
        return NULL;
    *out = (struct bb_bytes){s->reply.ptr, s->reply.len};
    return out;
}

static void remember(struct sink *s, const struct bb_http_answer *a)
{
    s->last = a->outcome;
    if (a->outcome != BB_OK)
        snprintf(s->last_text, sizeof s->last_text, "%s", a->text);
}

static void job_done(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct job *j = call->arg;
    struct sink *s = j->sink;
    struct bb_ctx *x = &s->inst->ctx;
    struct bb_error e = bb_error_none();
    struct bb_bytes buf;
    const struct bb_bytes *reply = NULL;
    bb_status st = bb_http_answer_error(a, &e);

    remember(s, a);
    if (j->probe)
        st = probe_outcome(s, a);
    if (st == BB_OK)
        reply = reply_of(s, a, &buf);
    if (st == BB_E_REJECT && j->n > 1) {
        job_split(j, &e);
    } else {
        for (size_t k = 0; k < j->n; k++)
            x->api->done(x->host, j->t[k], st, reply, st < 0 ? &e : NULL);
    }
    job_free(j);
}

/* ---- building a request --------------------------------------------------------------------------- */
static int headers_put(struct sink *s, struct bb_http_call *call, const struct bb_msg_view *v,
                       struct bb_error *err)
{
    struct bb_buf tmp;
    int rc = 0;

    bb_buf_init(&tmp, 8192);
    for (size_t k = 0; rc == 0 && k < s->n_headers; k++) {
        bb_buf_reset(&tmp);
        rc = bb_http_template_text(s->headers[k].value, v, &tmp, err);
        if (rc == 0 && bb_http_call_header(call, s->headers[k].name,
                                           (struct bb_bytes){tmp.ptr, tmp.len}) != 0) {
            bb_error_set(err, BB_E_REJECT, "header \"%.60s\": the value cannot be sent",
                         s->headers[k].name);
            rc = -1;
        }
    }
    bb_buf_free(&tmp);
    return rc;
}

static void trace_put(struct bb_http_call *call, const struct bb_msg_view *v)
{
    struct bb_envelope e;

    if (bb_envelope_read(v->whole, &e, NULL) == 0 && e.traceparent.ptr)
        bb_http_call_header(call, "traceparent", e.traceparent);
}

/* Tells the system that it may have had this before. */
static void redelivery_put(struct bb_http_call *call, uint32_t flags)
{
    if (flags & BB_MSG_REDELIVERY)
        bb_http_call_header(call, "Busbar-Redelivery", bb_str("true"));
}

static void view_of(struct sink *s, const bb_msg *m, struct bb_msg_view *v)
{
    memset(v, 0, sizeof *v);
    v->size = sizeof *v;
    s->inst->ctx.api->msg_view(m, v);
}

static bb_status job_send(struct job *j, struct bb_http_call *call, const struct bb_msg_view *v,
                          struct bb_error *err)
{
    call->timeout_ms = j->sink->timeout_ms;
    if (v->budget_ms && v->budget_ms < call->timeout_ms)
        call->timeout_ms = v->budget_ms;
    call->done = job_done;
    call->arg = j;
    j->call = call;
    if (bb_http_send(call) == 0)
        return BB_PENDING;
    return bb_error_set(err, BB_E_RETRY, "no memory for the request, or it is too long");
}

bb_status sink_deliver(struct sink *s, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_http_call *call = bb_http_call_new(s->client, s->method, "");
    struct job *j = job_new(s, 1);
    struct bb_msg_view v;
    bb_status st;

    if (!call || !j) {
        st = bb_error_set(err, BB_E_RETRY, "out of memory");
        goto fail;
    }
    view_of(s, m, &v);
    j->t[0] = t;
    if (bb_http_template_put(s->path, &v, &call->url, err) != 0 ||
        body_put(call, s->body, &v, err) != 0 ||
        body_headers(call, s->body, s->content_type, &v, err) != 0 ||
        headers_put(s, call, &v, err) != 0) {
        st = BB_E_REJECT;
        goto fail;
    }
    bb_http_call_header(call, "Idempotency-Key", v.key);
    redelivery_put(call, v.flags);
    if (s->body != BODY_BINARY) /* there it is ce-traceparent, and this one too */
        trace_put(call, &v);
    call->repeatable |= s->idempotent;
    st = job_send(j, call, &v, err);
    if (st == BB_PENDING)
        return st;
    call = NULL; /* send() took it back */
fail:
    if (call)
        bb_http_call_drop(call);
    if (j)
        job_free(j);
    return st;
}

/* FNV-1a over the members' keys, twice: the same members give the same key. */
static void batch_key(struct bb_http_call *call, uint64_t h[2])
{
    char text[40];
    int n = snprintf(text, sizeof text, "batch-%016llx%016llx", (unsigned long long)h[0],
                     (unsigned long long)h[1]);
    bb_http_call_header(call, "Idempotency-Key", (struct bb_bytes){text, (size_t)n});
}

static void key_mix(uint64_t h[2], struct bb_bytes key)
{
    const uint8_t *p = key.ptr;

    for (size_t k = 0; k <= key.len; k++) {
        uint8_t c = k < key.len ? p[k] : 0xff;
        h[0] = (h[0] ^ c) * 0x100000001b3u;
        h[1] = (h[1] + c) * 0x9e3779b97f4a7c15u;
    }
}

/* One request for as many as fit; *taken says how many. */
static bb_status batch_part(struct sink *s, const bb_msg *const *m, const bb_token *t, size_t n,
                            size_t *taken, struct bb_error *err)
{
    struct bb_http_call *call = bb_http_call_new(s->client, s->method, "");
    struct job *j = n ? job_new(s, n) : NULL;
    struct bb_msg_view v, first;
    uint64_t h[2] = {0xcbf29ce484222325u, 0x243f6a8885a308d3u};
    uint32_t flags = 0;
    size_t k;
    bb_status st = BB_E_REJECT;

    *taken = 1;
    if (!call || !j) {
        st = bb_error_set(err, BB_E_RETRY, "out of memory");
        goto fail;
    }
    j->n = 0;
    for (k = 0; k < n && (k == 0 || call->body.len < s->batch_bytes); k++) {
        size_t before = call->body.len;
        view_of(s, m[k], &v);
        if (k == 0) {
            first = v;
            if (bb_http_template_put(s->path, &v, &call->url, err) != 0)
                goto fail;
        }
        if (body_member(call, s->batch, s->body, &v, k, err) != 0) {
            if (k == 0 || call->body.failed)
                goto fail;
            call->body.len = before; /* that one comes first next time, and fails alone */
            break;
        }
        if (v.budget_ms && v.budget_ms < first.budget_ms)
            first.budget_ms = v.budget_ms;
        key_mix(h, v.key);
        flags |= v.flags;
        j->t[k] = t[k];
        if (j->m)
            j->m[k] = s->inst->ctx.api->msg_ref(m[k]);
        j->n = k + 1;
    }
    body_end(call, s->batch);
    if (bb_http_call_header(call, "Content-Type",
                            bb_str(s->content_type ? s->content_type
                                                   : body_batch_type(s->batch, s->body))) != 0 ||
        headers_put(s, call, &first, err) != 0)
        goto fail;
    if (s->body == BODY_DATA && s->batch != BATCH_EVENTS)
        redelivery_put(call, flags); /* an event says it itself */
    if (j->n == 1)
        bb_http_call_header(call, "Idempotency-Key", first.key);
    else
        batch_key(call, h);
    call->repeatable |= s->idempotent;
    *taken = j->n;
    st = job_send(j, call, &first, err);
    if (st == BB_PENDING)
        return st;
    call = NULL;
fail:
    if (call)
        bb_http_call_drop(call);
    if (j)
        job_free(j);
    return st;
}

static bb_status batch_send(struct sink *s, const bb_msg *const *m, const bb_token *t, size_t n,
                            struct bb_error *err)
{
    struct bb_ctx *x = &s->inst->ctx;
    size_t at = 0, taken;

    while (at < n) {
        size_t want = n - at > s->batch_max ? s->batch_max : n - at;
        bb_status st = batch_part(s, m + at, t + at, want, &taken, err);
        if (st != BB_PENDING)
            for (size_t k = at; k < at + taken; k++)
                x->api->done(x->host, t[k], st, NULL, err);
        at += taken;
    }
    return BB_PENDING;
}

bb_status sink_batch(struct sink *s, const bb_msg *const *m, const bb_token *t, size_t n,
                     struct bb_error *err)
{
    struct bb_ctx *x = &s->inst->ctx;

    if (s->batch_max)
        return batch_send(s, m, t, n, err);
    for (size_t k = 0; k < n; k++) {
        struct bb_error e = bb_error_none();
        bb_status st = sink_deliver(s, m[k], t[k], &e);
        if (st != BB_PENDING)
            x->api->done(x->host, t[k], st, NULL, &e);
    }
    return BB_PENDING;
}

bb_status sink_probe(struct sink *s, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_http_call *call;
    struct job *j;
    struct bb_msg_view v;
    bb_status st;

    if (!s->probe_path)
        return bb_error_set(err, BB_E_UNSUP, "this endpoint has no probe");
    call = bb_http_call_new(s->client, s->probe_method, "");
    j = job_new(s, 1);
    if (!call || !j) {
        st = bb_error_set(err, BB_E_RETRY, "out of memory");
        goto fail;
    }
    view_of(s, m, &v);
    j->t[0] = t;
    j->probe = 1;
    if (bb_http_template_put(s->probe_path, &v, &call->url, err) != 0 ||
        headers_put(s, call, &v, err) != 0) {
        st = BB_E_RETRY;
        goto fail;
    }
    call->repeatable = 1;
    st = job_send(j, call, &v, err);
    if (st == BB_PENDING)
        return st;
    call = NULL;
fail:
    if (call)
        bb_http_call_drop(call);
    if (j)
        job_free(j);
    return st;
}

void sink_cancel(struct sink *s, bb_token t)
{
    for (struct job *j = s->open; j; j = j->next)
        if (j->n == 1 && j->t[0] == t) { /* a batch goes on: its other members are wanted */
            bb_http_cancel(j->call);
            return;
        }
}

void sink_end(struct sink *s)
{
    while (s->open)
        bb_http_cancel(s->open->call);
}

bb_status sink_health(const struct sink *s, struct bb_error *why)
{
    return s->last == BB_E_DOWN ? bb_error_set(why, BB_E_DOWN, "%s", s->last_text) : BB_OK;
}

struct bb_http *sink_client(struct sink *s)
{
    return s->client;
}
