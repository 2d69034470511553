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
#include "body.h"
#include "http.h"

#define BATCH_MAX 4096
#define HEADERS_MAX 24

struct header {
    char *name;
    struct bb_http_template *value;
};
struct job { /* one request */
    struct sink *sink;
    struct job *next, *prev;
    struct bb_http_call *call;
    int probe;
    size_t n, cap;
    bb_token *t;
    const bb_msg **m; /* referenced; only in a batch */
    bb_token one;
};
struct sink {
    bb_inst *inst;
    struct bb_http *client;
    struct bb_http_template *path, *probe_path;
    char *method, *probe_method, *content_type;
    struct header headers[HEADERS_MAX];
    size_t n_headers;
    enum body_form body;
    enum batch_form batch;
    size_t batch_max, batch_bytes; /* batch_max 0: one request a message */
    int idempotent;
    uint32_t timeout_ms;
    int64_t applied[16], not_applied[16];
    size_t n_applied, n_not_applied;
    struct job *open, *unused;
    struct bb_buf reply;
    bb_status last; /* outcome of the last request, for health() */
    char last_text[160];
};

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

/* ---- config ----------------------------------------------------------------------------------------- */
static bb_status secret_at(struct sink *s, struct bb_bytes conf, const char *pointer, char *buf,
                           const char **out, struct bb_error *err)
{
    size_t len;
    bb_status st = bb_conf_secret(&s->inst->ctx, conf, pointer, buf, HTTP_SECRET_MAX, &len, err);

    *out = st == BB_OK ? buf : NULL;
    return st == BB_E_UNSUP ? BB_OK : st; /* absent is fine, unreadable is not */
}

/* Splits "https://host:1/path" into what bb_http_config.base holds and the path's template. */
static int url_split(const char *url, char *base, size_t cap, const char **path,
                     struct bb_error *err)
{
    const char *p = strstr(url, "://");
    size_t n;

    p = p ? p + 3 : url;
    n = (size_t)(p - url) + strcspn(p, "/?#");
    if (n >= cap || memchr(url, '{', n)) {
        bb_error_set(err, BB_E_CONFIG, "url: values in { } may stand after the host only");
        return -1;
    }
    memcpy(base, url, n);
    base[n] = 0;
    *path = url[n] ? url + n : "/";
    return 0;
}

static bb_status client_new(struct sink *s, struct bb_bytes conf, const char *base,
                            struct bb_error *err)
{
    static const struct {
        const char *pointer;
        size_t at;
    } strings[] = {
        {"/auth/basic/user", offsetof(struct bb_http_config, user)},
        {"/tls/ca", offsetof(struct bb_http_config, ca_file)},
        {"/tls/cert", offsetof(struct bb_http_config, cert_file)},
        {"/tls/key", offsetof(struct bb_http_config, key_file)},
        {"/proxy", offsetof(struct bb_http_config, proxy)},
    };
    struct bb_http_config f = {.base = base};
    char *copy[5] = {NULL};
    char *secret = calloc(3, HTTP_SECRET_MAX);
    struct bb_bytes rows;
    bb_status st = BB_E_CONFIG;

    if (!secret)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    for (size_t k = 0; k < 5; k++) {
        copy[k] = bb_conf_dup(conf, strings[k].pointer, NULL);
        memcpy((char *)&f + strings[k].at, &copy[k], sizeof copy[k]);
    }
    if (secret_at(s, conf, "/auth/basic/password", secret, &f.password, err) != BB_OK ||
        secret_at(s, conf, "/auth/bearer", secret + HTTP_SECRET_MAX, &f.bearer, err) != BB_OK ||
        secret_at(s, conf, "/tls/key_password", secret + 2 * HTTP_SECRET_MAX, &f.key_password,
                  err) != BB_OK)
        goto done;
    f.agent = "busbar-http/1";
    f.connect_ms = (uint32_t)bb_conf_int(conf, "/connect_timeout", 5000);
    f.timeout_ms = s->timeout_ms = (uint32_t)bb_conf_int(conf, "/timeout", 30000);
    f.connections = (uint32_t)bb_conf_int(conf, "/connections", 64);
    f.pause_ms = (uint32_t)bb_conf_int(conf, "/pause", 2000);
    f.max_response = (size_t)bb_conf_int(conf, "/max_response", 1 << 20);
    if (bb_conf_find(conf, "/outcomes", &rows) &&
        bb_http_outcomes_read(rows, &f.outcomes, err) != 0)
        goto done;
    s->client = bb_http_new(&f, err);
    st = s->client ? BB_OK : BB_E_CONFIG;
done:
    for (size_t k = 0; k < 5; k++)
        free(copy[k]);
    explicit_bzero(secret, 3 * HTTP_SECRET_MAX);
    free(secret);
    return st;
}

static size_t list_read(struct bb_bytes conf, const char *pointer, int64_t *out, int64_t def)
{
    struct bb_iter it;
    struct bb_bytes v;
    size_t n = 0;

    if (bb_conf_find(conf, pointer, &v) && bb_iter_of(v, &it))
        while (n < 16 && bb_iter_next(&it, NULL, &v))
            n += bb_as_int(v, &out[n]) == 1;
    if (!n)
        out[n++] = def;
    return n;
}

static int headers_read(struct sink *s, struct bb_bytes conf, struct bb_error *err)
{
    struct bb_iter it;
    struct bb_bytes v, key, text;

    if (!bb_conf_find(conf, "/headers", &v) || !bb_iter_of(v, &it))
        return 0;
    while (bb_iter_next(&it, &key, &v)) {
        struct header *h = &s->headers[s->n_headers];
        char *t;
        if (s->n_headers == HEADERS_MAX || bb_as_str(v, &text) != 1) {
            bb_error_set(err, BB_E_CONFIG, "headers: at most %d names with a text each",
                         HEADERS_MAX);
            return -1;
        }
        s->n_headers++;
        h->name = bb_str_dup(key);
        t = bb_str_dup(text);
        h->value = t ? bb_http_template_new(t, err) : NULL;
        free(t);
        if (!h->name || !h->value)
            return -1;
    }
    return 0;
}

static int word_read(struct bb_bytes conf, const char *pointer, const char *const *words, int def,
                     struct bb_error *err)
{
    struct bb_bytes v = bb_conf_str(conf, pointer, words[def]);

    for (int k = 0; words[k]; k++)
        if (bb_str_is(v, words[k]))
            return k;
    bb_error_set(err, BB_E_CONFIG, "%s: \"%.*s\" is not known here", pointer + 1,
                 (int)(v.len > 40 ? 40 : v.len), (const char *)v.ptr);
    return -1;
}

static int forms_read(struct sink *s, struct bb_bytes conf, struct bb_error *err)
{
    static const char *const bodies[] = {"event", "data", "binary", NULL};
    static const char *const batches[] = {"json-array", "jsonl", "cloudevents", NULL};
    struct bb_bytes v;
    int body = word_read(conf, "/body", bodies, 0, err);
    int batch = word_read(conf, "/batch/format", batches, 0, err);

    if (body < 0 || batch < 0)
        return -1;
    s->body = (enum body_form)body;
    s->batch = (enum batch_form)batch;
    if (bb_conf_find(conf, "/batch", &v)) {
        int64_t max = bb_conf_int(conf, "/batch/max", 500);
        s->batch_max = (size_t)(max < 1 ? 1 : max > BATCH_MAX ? BATCH_MAX : max);
        s->batch_bytes = (size_t)bb_conf_int(conf, "/batch/bytes", 4 << 20);
        if (s->body == BODY_BINARY) {
            bb_error_set(err, BB_E_CONFIG, "body: binary has one event a request and does not go "
                                           "with batch: use event or data");
            return -1;
        }
    }
    return 0;
}

static int probe_read(struct sink *s, struct bb_bytes conf, struct bb_error *err)
{
    char *path = bb_conf_dup(conf, "/probe/path", NULL);

    if (!path)
        return 0;
    s->probe_method = bb_conf_dup(conf, "/probe/method", "GET");
    s->n_applied = list_read(conf, "/probe/applied", s->applied, 200);
    s->n_not_applied = list_read(conf, "/probe/not_applied", s->not_applied, 404);
    if (*path == '/')
        s->probe_path = bb_http_template_new(path, err);
    else
        bb_error_set(err, BB_E_CONFIG, "probe: path begins with \"/\" and is added to url's host");
    free(path);
    return s->probe_path && s->probe_method ? 0 : -1;
}

struct sink *sink_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err, bb_status *why)
{
    struct sink *s = calloc(1, sizeof *s);
    char *url = bb_conf_dup(conf, "/url", NULL), base[512];
    const char *path;

    *why = BB_E_CONFIG;
    if (!s || !url) {
        *why = bb_error_set(err, BB_E_RETRY, "out of memory");
        goto fail;
    }
    s->inst = i;
    bb_buf_init(&s->reply, 8u << 20);
    s->method = bb_conf_dup(conf, "/method", "POST");
    s->content_type = bb_conf_dup(conf, "/content_type", NULL);
    s->idempotent = bb_conf_bool(conf, "/idempotent", 0);
    if (!s->method || url_split(url, base, sizeof base, &path, err) != 0 ||
        forms_read(s, conf, err) != 0 || headers_read(s, conf, err) != 0 ||
        probe_read(s, conf, err) != 0)
        goto fail;
    s->path = bb_http_template_new(path, err);
    if (!s->path)
        goto fail;
    *why = client_new(s, conf, base, err);
    if (*why != BB_OK)
        goto fail;
    free(url);
    return s;
fail:
    free(url);
    sink_free(&s);
    return NULL;
}

void sink_free(struct sink **sp)
{
    struct sink *s = *sp;

    if (!s)
        return;
    bb_http_free(&s->client); /* ends every job */
    while (s->unused) {
        struct job *j = s->unused;
        s->unused = j->next;
        free(j);
    }
    for (size_t k = 0; k < s->n_headers; k++) {
        free(s->headers[k].name);
        bb_http_template_free(&s->headers[k].value);
    }
    bb_http_template_free(&s->path);
    bb_http_template_free(&s->probe_path);
    free(s->method);
    free(s->probe_method);
    free(s->content_type);
    bb_buf_free(&s->reply);
    free(s);
    *sp = NULL;
}
