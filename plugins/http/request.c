/*
 * request.c - one request: its headers judged, its body gathered, its answer given
 *
 * libmicrohttpd calls request_on() with the headers, then with pieces of the body, then once more
 * at its end. A body that arrives whole in one piece is read where it lies; any other is gathered
 * up to max_body, and no byte past it. The answer is 202 only after the host's acked() said OK.
 *
 * Thread: the instance's. Ownership: a request belongs to its source and is reused, under a new
 * generation each time, so that an answer which comes after the client has gone meets nobody.
 */
#include <stdlib.h>
#include <strings.h>
#include "source.h"

#define PARK_MS 2000

const char *request_header(const struct request *r, const char *name)
{
    return r->conn ? MHD_lookup_connection_value(r->conn->mhd, MHD_HEADER_KIND, name) : NULL;
}

/* ---- slots ------------------------------------------------------------------------------------- */
static struct request *request_new(struct source *s)
{
    struct request *r = s->unused;

    if (r) {
        s->unused = r->next;
    } else {
        if (s->n_slots == s->cap_slots) {
            uint32_t cap = s->cap_slots ? s->cap_slots * 2 : 64;
            struct request **v = realloc(s->slots, cap * sizeof(*v));
            if (!v)
                return NULL;
            s->slots = v;
            s->cap_slots = cap;
        }
        r = calloc(1, sizeof *r);
        if (!r)
            return NULL;
        r->slot = s->n_slots;
        s->slots[s->n_slots++] = r;
        bb_buf_init(&r->body, s->max_body);
    }
    r->state = RQ_READING;
    r->generation = ++s->generation; /* never one of a life before, also after a restart */
    r->response = NULL;
    r->messages = 0;
    r->parked_ms = 0;
    return r;
}

static void body_drop(struct source *s, struct request *r)
{
    s->held -= r->body.cap;
    bb_buf_free(&r->body);
}

/* Takes r out of the parked. */
static void unlink_parked(struct source *s, struct request *r)
{
    struct request **at = &s->parked;

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    if (!*at)
        s->parked_end = at;
    r->state = RQ_READING;
}

static void request_release(struct source *s, struct request *r)
{
    if (r->state == RQ_WAITING || r->state == RQ_PARKED)
        s->waiting--;
    if (r->state == RQ_PARKED)
        unlink_parked(s, r);
    body_drop(s, r);
    if (r->response)
        MHD_destroy_response(r->response);
    r->response = NULL;
    r->state = RQ_GONE;
    r->conn = NULL;
    r->next = s->unused;
    s->unused = r;
}

void request_free_all(struct source *s)
{
    for (uint32_t k = 0; k < s->n_slots; k++)
        free(s->slots[k]);
    free(s->slots);
    s->slots = NULL;
    s->n_slots = s->cap_slots = 0;
    s->unused = NULL;
}

/* ---- answers ------------------------------------------------------------------------------------ */
static void refuse(struct source *s, struct request *r, const struct problems *p)
{
    r->status = p->status;
    r->response = answer_problem(s, p);
    r->state = RQ_ANSWER;
}

/* An answer while the body is still on its way, which nobody will read. */
static void refuse_now(struct source *s, struct request *r, const struct problems *p)
{
    body_drop(s, r);
    answer_bare(s, r->conn->fd, p);
    r->state = RQ_GONE;
    conn_phase(r->conn, PH_LINGER);
}

static enum MHD_Result reply(struct request *r)
{
    enum MHD_Result ok;

    if (!r->response)
        return MHD_NO; /* no memory for an answer: the client sees a cut and tries again */
    conn_phase(r->conn, PH_REPLY);
    ok = MHD_queue_response(r->conn->mhd, r->status, r->response);
    MHD_destroy_response(r->response);
    r->response = NULL;
    return ok;
}

/* ---- headers ---------------------------------------------------------------------------------------- */
static int type_is(const char *type, const char *want)
{
    size_t n = strlen(want);

    return strncasecmp(type, want, n) == 0 && strchr("; \t", type[n]) != NULL;
}

static enum content content_of(const struct request *r)
{
    const char *type = request_header(r, MHD_HTTP_HEADER_CONTENT_TYPE);
    size_t n;

    if (!type)
        return request_header(r, "ce-specversion") ? CT_BINARY : CT_NONE;
    if (type_is(type, "application/cloudevents+json"))
        return CT_EVENT;
    if (type_is(type, "application/cloudevents-batch+json"))
        return CT_BATCH;
    n = strcspn(type, "; \t");
    if (!type_is(type, "application/json") &&
        (n < 5 || strncasecmp(type + n - 5, "+json", 5) != 0))
        return CT_NONE;
    return request_header(r, "ce-specversion") ? CT_BINARY : CT_JSON;
}

static enum MHD_Result length_count(void *arg, enum MHD_ValueKind kind, const char *key,
                                    const char *value)
{
    unsigned *n = arg;
    (void)kind, (void)value;

    *n += strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ||
          strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
    return MHD_YES;
}

/* How long the body is, UINT64_MAX when it comes in chunks. 0; -1 with p. A body with two lengths
 * is refused: a proxy before us may have gone by the other one, and a part would be taken for it. */
static int length_read(struct request *r, struct problems *p)
{
    const char *v = request_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    unsigned n = 0;
    char *end;

    r->length = UINT64_MAX;
    MHD_get_connection_values(r->conn->mhd, MHD_HEADER_KIND, length_count, &n);
    if (n > 1) {
        problem_set(p, 400, "Content-Length and Transfer-Encoding: only one of them, and once");
        return -1;
    }
    if (v && *v >= '0' && *v <= '9') {
        r->length = strtoull(v, &end, 10); /* too long for it: UINT64_MAX, refused by its count */
        if (!*end)
            return 0;
    }
    if (n && !v)
        return 0;
    problem_set(p, 411, "Content-Length, or chunked transfer coding, is needed");
    return -1;
}

/* What the headers alone forbid. 0, -1 with p. */
static int headers_judge(struct source *s, struct request *r, const char *url, const char *method,
                         struct problems *p)
{
    const char *coding;

    if (s->quiet) {
        problem_set(p, 503, "this endpoint is being stopped");
        p->retry_after_s = 1;
    } else if (strcmp(url, s->path) != 0) {
        problem_set(p, 404, "webhooks are taken at another path of this server");
    } else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0) {
        problem_set(p, 405, "only POST is taken here");
    } else if (guard_auth(s, r, p) != 0) {
        return -1;
    } else if (length_read(r, p) != 0) {
        return -1;
    } else if ((coding = request_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING)) &&
               strcasecmp(coding, "identity") != 0) {
        problem_set(p, 415, "compressed bodies are not taken: send it without Content-Encoding");
    } else if ((r->content = content_of(r)) == CT_NONE) {
        problem_set(p, 415, "Content-Type must be application/json, application/cloudevents+json "
                            "or application/cloudevents-batch+json");
    }
    return p->status ? -1 : 0;
}

static enum MHD_Result request_begin(struct source *s, struct MHD_Connection *mhd, const char *url,
                                     const char *method, void **slot)
{
    struct problems p = {0};
    struct conn *c = conn_of(mhd);
    struct request *r = c ? request_new(s) : NULL;

    if (!r)
        return MHD_NO;
    *slot = r;
    r->conn = c;
    r->length = UINT64_MAX;
    conn_phase(c, PH_BODY);
    if (headers_judge(s, r, url, method, &p) != 0) {
        if (p.status == 400) { /* where its body ends, and the next request begins, nobody knows */
            refuse_now(s, r, &p);
            return MHD_YES;
        }
        refuse(s, r, &p);
    }
    if (r->length != UINT64_MAX && r->length > s->max_body) {
        /* also after another refusal: the body is not worth reading to its end */
        if (!p.status)
            problem_set(&p, 413, "a body here has at most %llu bytes",
                        (unsigned long long)s->max_body);
        refuse_now(s, r, &p);
    }
    return MHD_YES;
}

/* ---- body ---------------------------------------------------------------------------------------------- */
/* Maps what submit() says to a problem; 0 when the message is on its way. */
static int submit_judge(bb_status st, const struct bb_error *e, struct problems *p)
{
    switch (st) {
    case BB_PENDING:
        return 0;
    case BB_E_REJECT:
        problem_set(p, strcasestr(e->text, "conflict") ? 409 : 422, "%s",
                    e->text[0] ? e->text : "refused");
        return -1;
    case BB_E_BUSY:
    case BB_E_RETRY:
    case BB_E_DOWN:
    case BB_E_CANCEL:  /* the endpoint stops */
    case BB_E_UNKNOWN: /* sent again it is found to be a duplicate, or it is new */
        problem_set(p, 503, "%s", e->text[0] ? e->text : "no room at the moment: try again");
        p->retry_after_s = e->retry_after_ms ? (int)((e->retry_after_ms + 999) / 1000) : 1;
        return -1;
    default:
        problem_set(p, 500, "%s", e->text[0] ? e->text : "the message could not be handed in");
        return -1;
    }
}

/* No credit at the moment: keep the body and try again at resume(), which takes milliseconds as a
 * rule. 1, or 0 when that may not be. */
static int park(struct source *s, struct request *r, struct bb_bytes body, const struct bb_error *e)
{
    size_t before = r->body.cap;

    if (e->retry_after_ms || s->quiet || s->held + body.len > s->max_held)
        return 0; /* intake is closed for longer, or there is no room here either */
    if (!r->body.len)
        bb_buf_put(&r->body, body.ptr, body.len);
    s->held += r->body.cap - before;
    if (r->body.failed)
        return 0;
    if (!s->parked)
        s->parked_end = &s->parked;
    r->next = NULL;
    *s->parked_end = r;
    s->parked_end = &r->next;
    if (!r->parked_ms)
        r->parked_ms = s->now_ms;
    r->state = RQ_PARKED;
    s->waiting++;
    return 1;
}

/* Everything that the endpoint's accept found, not only what fits into an error's text. */
static void refusal_read(struct source *s, struct problems *p)
{
    const struct bb_ctx *x = &s->inst->ctx;
    const struct bb_ext_refusal *ext = x->api->extension(x->host, BB_EXT_REFUSAL);
    struct bb_bytes whole, v;
    size_t len = 0;

    if (!ext || !BB_HAS(ext, last) || ext->last(x->host, NULL, 0, &len) != BB_E_BUSY)
        return;
    bb_buf_reset(&s->refusal);
    if (!bb_buf_room(&s->refusal, len) || ext->last(x->host, s->refusal.ptr, len, &len) != BB_OK)
        return;
    whole = (struct bb_bytes){s->refusal.ptr, len};
    if (bb_map_get(whole, "errors", &p->errors) != 1)
        p->errors.len = 0;
    if (bb_map_get(whole, "more", &v) == 1)
        (void)bb_as_int(v, &p->errors_more);
}

static void body_take(struct source *s, struct request *r, struct bb_bytes body)
{
    struct problems p = {0};
    struct bb_error e = bb_error_none();
    struct bb_ctx *x = &s->inst->ctx;
    bb_status st;

    if (guard_signature(s, r, body, &p) == 0 && messages_make(s, r, body, &p) == 0) {
        st = x->api->submit(x->host, s->parts, r->messages, NULL,
                            (uint64_t)r->generation << 32 | r->slot, &e);
        if (st == BB_E_BUSY && park(s, r, body, &e))
            return;
        if (submit_judge(st, &e, &p) == 0) {
            r->state = RQ_WAITING;
            s->waiting++;
        } else if (st == BB_E_REJECT) {
            refusal_read(s, &p);
        }
    }
    body_drop(s, r);
    if (p.status)
        refuse(s, r, &p);
}

static void body_piece(struct source *s, struct request *r, const char *data, size_t n)
{
    struct problems p = {0};
    size_t before = r->body.cap;

    if (!r->body.len && n == r->length) {
        body_take(s, r, (struct bb_bytes){data, n});
        return;
    }
    if (r->body.len + n > s->max_body) {
        problem_set(&p, 413, "a body here has at most %llu bytes", (unsigned long long)s->max_body);
        refuse_now(s, r, &p);
        return;
    }
    /* grown by what came, never by what Content-Length promises */
    bb_buf_put(&r->body, data, n);
    s->held += r->body.cap - before;
    if (r->body.failed || s->held > s->max_held) {
        problem_set(&p, 503, "too many large bodies at once: try again");
        p.retry_after_s = 1;
        refuse_now(s, r, &p);
    }
}

enum MHD_Result request_on(void *arg, struct MHD_Connection *mhd, const char *url,
                           const char *method, const char *version, const char *data,
                           size_t *size, void **slot)
{
    struct source *s = arg;
    struct request *r = *slot;
    (void)version;

    if (!r)
        return request_begin(s, mhd, url, method, slot);
    if (*size) {
        if (r->state == RQ_READING)
            body_piece(s, r, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (r->state == RQ_READING)
        body_take(s, r, (struct bb_bytes){r->body.ptr, r->body.len});
    switch (r->state) {
    case RQ_PARKED:
    case RQ_WAITING:
        conn_phase(r->conn, PH_WAIT);
        MHD_suspend_connection(mhd);
        return MHD_YES;
    case RQ_ANSWER:
        return reply(r);
    default:
        return MHD_NO;
    }
}

void request_over(void *arg, struct MHD_Connection *mhd, void **slot,
                  enum MHD_RequestTerminationCode why)
{
    struct source *s = arg;
    struct request *r = *slot;
    (void)mhd, (void)why;

    if (!r)
        return;
    if (r->conn && r->conn->phase != PH_CUT)
        conn_phase(r->conn, PH_IDLE);
    request_release(s, r);
    *slot = NULL;
}

/* ---- after the wait ------------------------------------------------------------------------------------ */
/* r has its answer: let libmicrohttpd come for it. */
static void resume(struct source *s, struct request *r)
{
    r->state = RQ_ANSWER;
    if (r->conn->phase != PH_WAIT)
        return; /* not suspended yet: request_on() comes by once more and answers */
    s->resumed = 1;
    MHD_resume_connection(r->conn->mhd);
}

void request_acked(struct source *s, uint64_t cookie, bb_status st, const struct bb_receipt *got)
{
    uint32_t slot = (uint32_t)cookie;
    struct request *r = slot < s->n_slots ? s->slots[slot] : NULL;
    struct problems p = {0};
    struct bb_error e = bb_error_none();

    if (!r || r->generation != (uint32_t)(cookie >> 32) || r->state != RQ_WAITING)
        return;
    s->waiting--;
    if (st == BB_OK) {
        r->status = 202;
        r->response = answer_receipt(s, r, got);
    } else {
        if (got && got->error.len)
            bb_error_set(&e, st, "%.*s", (int)(got->error.len > 200 ? 200 : got->error.len),
                         (const char *)got->error.ptr);
        submit_judge(st == BB_PENDING ? BB_E_RETRY : st, &e, &p);
        refuse(s, r, &p);
    }
    resume(s, r);
}

void request_unpark(struct source *s)
{
    struct request *r;

    while ((r = s->parked)) {
        unlink_parked(s, r);
        s->waiting--;
        body_take(s, r, (struct bb_bytes){r->body.ptr, r->body.len});
        if (r->state == RQ_PARKED)
            break; /* no room again */
        if (r->state == RQ_ANSWER)
            resume(s, r);
    }
}

static void give_up(struct source *s, struct request *r, const char *why)
{
    struct problems p = {0};

    s->waiting--;
    if (r->state == RQ_PARKED)
        unlink_parked(s, r);
    problem_set(&p, 503, "%s", why);
    p.retry_after_s = 1;
    body_drop(s, r);
    refuse(s, r, &p);
    resume(s, r);
}

uint32_t request_parked_expire(struct source *s)
{
    while (s->parked) {
        int64_t left = s->parked->parked_ms + PARK_MS - s->now_ms;
        if (left > 0)
            return (uint32_t)left;
        give_up(s, s->parked, "no room at the moment: try again");
    }
    return UINT32_MAX;
}

void request_refuse_all(struct source *s)
{
    for (uint32_t k = 0; k < s->n_slots; k++)
        if (s->slots[k]->state == RQ_WAITING || s->slots[k]->state == RQ_PARKED)
            give_up(s, s->slots[k], "this endpoint was stopped before the message was stored for "
                                    "sure: send it again with the same id");
}
