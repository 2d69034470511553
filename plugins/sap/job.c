/*
 * job.c - a delivery, a probe or a question from its start to done() (sap.h)
 *
 *   new -> service_wait -> go_on -> prepare -> [read, page by page] -> plan -> [send] -> end
 *
 * Reads may be repeated, so what they fail with is RETRY or DOWN. A write's lost answer is UNKNOWN, also where
 * writing again would do no harm: it could land behind a newer state of the same thing.
 *
 * Thread: the instance's. Ownership: see sap.h. done() is called once, in job_end(), and the job is gone.
 */
#include <stdlib.h>
#include <busbar/json.h>
#include <busbar/web.h>
#include "sap.h"

/* ---- life ------------------------------------------------------------------------------------------------ */
static void job_free(struct job *j)
{
    bb_inst *i = j->i;

    if (j->prev)
        j->prev->next = j->next;
    else if (i->jobs == j)
        i->jobs = j->next;
    if (j->next)
        j->next->prev = j->prev;
    struct bb_buf *all[] = {&j->want, &j->now, &j->text, &j->notes, &j->result, &j->etag};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        bb_buf_free(all[k]);
    free(j->rq);
    if (j->uses)
        j->s->users--;
    i->ctx.api->msg_unref(j->m);
    free(j);
}

void job_remember(bb_inst *i, bb_status st, const struct bb_error *err)
{
    int whole = st == BB_E_DOWN || st == BB_E_CONFIG;

    if (whole && err && (i->last != st || strcmp(i->last_text, err->text) != 0))
        bb_host_log(&i->ctx, BB_LOG_ERROR, "%s", err->text);
    if (!whole && st < 0)
        return; /* of one message only: says nothing about the system */
    i->last = whole ? st : BB_OK;
    bb_str_copy(whole && err ? bb_str(err->text) : bb_str(""), i->last_text, sizeof i->last_text);
}

/* What the delivery's record keeps: what was done, the entity's own fields, the system's messages. */
static void reply_make(struct job *j, struct bb_buf *out)
{
    struct bb_bytes one = {j->result.ptr, j->result.len}, k, v;
    struct map_put m = map_open(out), e;
    struct bb_iter it, sub;

    map_text(&m, "did", bb_str(j->did ? j->did : "sent"));
    if (!one.len)
        one = job_now(j, 0);
    if (one.len && bb_iter_of(one, &it) && it.map) {
        map_key(&m, "entity");
        e = map_open(out);
        while (bb_iter_next(&it, &k, &v)) {
            if (bb_iter_of(v, &sub))
                continue;
            bb_put_str(out, k.ptr, k.len);
            bb_put_raw(out, v);
            e.n++;
        }
        map_close(&e);
    }
    if (j->n_notes) {
        map_key(&m, "messages");
        bb_put_array(out, j->n_notes);
        bb_put_raw(out, (struct bb_bytes){j->notes.ptr, j->notes.len});
    }
    map_close(&m);
}

void job_end(struct job *j, bb_status st, const struct bb_error *err)
{
    struct bb_error own = bb_error_none();
    struct bb_bytes reply;
    struct bb_buf b;

    bb_buf_init(&b, 1u << 20); /* the most that done() takes */
    job_remember(j->i, st, err);
    if (j->what == JOB_PROBE && (st == BB_E_REJECT || st == BB_E_CANCEL))
        st = BB_E_RETRY; /* a refused look tells nothing */
    if (st == BB_OK && j->what == JOB_QUERY) {
        st = j->ask->answer(j, &b, &own);
        if (st == BB_OK && b.failed)
            st = bb_error_set(&own, BB_E_REJECT, "%s: the answer has more than 1 MiB: ask for less", j->ask->name);
        err = &own;
    } else if (st == BB_OK) {
        reply_make(j, &b);
    }
    reply = (struct bb_bytes){b.ptr, b.len};
    j->i->ctx.api->done(j->i->ctx.host, j->t, st, st == BB_OK && !b.failed ? &reply : NULL,
                        st == BB_OK || st == BB_NOT_APPLIED ? NULL : err);
    bb_buf_free(&b);
    job_free(j);
}

void job_cancel(bb_inst *i, bb_token t)
{
    struct bb_error err = bb_error_none();
    struct job *next;

    bb_error_set(&err, BB_E_CANCEL, "cancelled before it was sent");
    for (struct job *j = i->jobs; j; j = next) {
        next = j->next;
        if (t && j->t != t)
            continue;
        if (j->call) {
            bb_http_cancel(j->call); /* ends it by its answer */
            continue;
        }
        for (struct job **at = &j->s->waiting; *at; at = &(*at)->behind)
            if (*at == j) {
                *at = j->behind;
                break;
            }
        job_end(j, BB_E_CANCEL, &err);
    }
}

/* ---- calls ------------------------------------------------------------------------------------------------- */
static void on_read(struct bb_http_call *call, const struct bb_http_answer *a);
static void on_sent(struct bb_http_call *call, const struct bb_http_answer *a);

static struct bb_http_call *call_make(struct job *j, const char *method, const char *path, int whole,
                                      void (*done)(struct bb_http_call *, const struct bb_http_answer *))
{
    struct bb_http_call *c = bb_http_call_new(j->i->client, method, whole ? path : j->s->path);
    struct bb_bytes id = j->e.correlationid.len ? j->e.correlationid : j->e.id;
    int64_t left = j->until_ms ? j->until_ms - bb_clock_ms() : 0;

    if (!c)
        return NULL;
    if (!whole) {
        bb_buf_put(&c->url, "/", 1);
        bb_buf_put(&c->url, path, strlen(path));
    }
    if (bb_http_call_header(c, "Accept", bb_str("application/json")) != 0 ||
        (id.len && id.len < 256 && bb_http_call_header(c, "X-Correlation-ID", id) != 0)) {
        bb_http_call_drop(c);
        return NULL;
    }
    if (j->until_ms)
        c->timeout_ms = left < 1 ? 1 : (uint32_t)left;
    c->max_response = 8u << 20;
    c->done = done;
    c->arg = j;
    return c;
}

static void call_send(struct job *j, struct bb_http_call *c)
{
    struct bb_error err = bb_error_none();

    j->call = c;
    if (c && bb_http_send(c) == 0)
        return;
    j->call = NULL;
    bb_error_set(&err, BB_E_REJECT, c ? "the request is too long" : "out of memory, or an id that no header can carry");
    job_end(j, BB_E_REJECT, &err);
}

/* ---- reading ------------------------------------------------------------------------------------------------- */
/* The last one said counts; one that no header can carry is none. */
static void etag_keep(struct job *j, struct bb_bytes etag)
{
    for (size_t k = 0; k < etag.len; k++)
        if (((const uint8_t *)etag.ptr)[k] < ' ')
            return;
    if (!etag.len)
        return;
    bb_buf_reset(&j->etag);
    bb_buf_put(&j->etag, etag.ptr, etag.len);
}

/* The entities of an answer behind j->now; the next page's link. 0, -1: it is no OData answer. */
static int page_take(struct job *j, struct bb_bytes json, struct bb_bytes *next)
{
    struct bb_bytes d = json, list, v;
    struct bb_iter it;

    *next = (struct bb_bytes){NULL, 0};
    if (bb_map_get(json, "@odata.nextLink", &v) == 1)
        (void)bb_as_str(v, next);
    if (j->s->edm->version == 2 && bb_map_get(json, "d", &d) != 1)
        return -1;
    if (bb_map_get(d, "__next", &v) == 1)
        (void)bb_as_str(v, next);
    if (bb_map_get(d, "results", &list) != 1 && bb_map_get(d, "value", &list) != 1)
        list = d;
    if (!bb_iter_of(list, &it))
        return -1;
    if (it.map) {
        etag_keep(j, entity_etag(list));
        j->n_now += entity_read(j->s->edm, j->set->type, list, &j->now) == 0;
        return 0;
    }
    while (bb_iter_next(&it, NULL, &v)) {
        if (!j->n_now)
            etag_keep(j, entity_etag(v));
        j->n_now += entity_read(j->s->edm, j->set->type, v, &j->now) == 0;
    }
    return j->now.failed ? -1 : 0;
}

struct bb_bytes job_now(const struct job *j, uint32_t k)
{
    struct bb_cur c = bb_cur_of((struct bb_bytes){j->now.ptr, j->now.len});
    struct bb_bytes v = {NULL, 0};

    while (k < j->n_now && bb_cur_value(&c, &v) == 0)
        if (k-- == 0)
            return v;
    return (struct bb_bytes){NULL, 0};
}

static void planned(struct job *j);

static void page_next(struct job *j, const char *from, struct bb_bytes link)
{
    struct bb_error err = bb_error_none();
    struct bb_buf url;

    link = service_link(j->s, link);
    bb_buf_init(&url, 8192);
    if (++j->pages >= JOB_PAGES_MAX || bb_uri_resolve(bb_str(from), link, &url) != 0 || !bb_buf_room(&url, 1)) {
        bb_error_set(&err, BB_E_REJECT, "more than %d pages, or a link to the next that is no URL", JOB_PAGES_MAX);
        job_end(j, BB_E_REJECT, &err);
    } else {
        url.ptr[url.len] = 0;
        if (bb_http_is_home(j->i->client, (const char *)url.ptr)) {
            call_send(j, call_make(j, "GET", (const char *)url.ptr, 1, on_read));
        } else {
            bb_error_set(&err, BB_E_CONFIG, "the next page is at another host than base_url: %.120s",
                         (const char *)url.ptr);
            job_end(j, BB_E_CONFIG, &err);
        }
    }
    bb_buf_free(&url);
}

static void on_read(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct job *j = call->arg;
    struct bb_error err = bb_error_none();
    struct bb_bytes next = {NULL, 0}, v;
    struct bb_buf json;
    bb_status st;

    j->call = NULL;
    if (a->code == 404 && !j->pages) {
        planned(j);
        return;
    }
    if (a->outcome != BB_OK) {
        st = fault_judge(&j->i->faults, a->code, a->body, a, &err);
        job_end(j, st == BB_E_UNKNOWN ? BB_E_RETRY : st, &err);
        return;
    }
    if (bb_http_answer_header(a, "ETag", &v))
        etag_keep(j, v);
    bb_buf_init(&json, JOB_BODY_MAX);
    if (bb_json_read(a->body, &json, NULL) != 0 || page_take(j, (struct bb_bytes){json.ptr, json.len}, &next) != 0) {
        bb_error_set(&err, BB_E_RETRY, "GET %.100s: the answer is cut off, too long or not OData", bb_http_answer_url(a));
        job_end(j, BB_E_RETRY, &err);
    } else if (next.len) {
        page_next(j, bb_http_answer_url(a), next);
    } else {
        planned(j);
    }
    bb_buf_free(&json);
}

/* ---- planning and sending ---------------------------------------------------------------------------------- */
bb_status job_request(struct job *j, const char *method, struct bb_bytes path, struct bb_bytes body, int etag,
                      struct bb_error *err)
{
    struct request *r;

    if (j->n_rq == j->cap_rq) {
        size_t cap = j->cap_rq ? j->cap_rq * 2 : 8;
        r = j->n_rq < JOB_REQUESTS_MAX ? realloc(j->rq, cap * sizeof *r) : NULL;
        if (!r)
            return bb_error_set(err, BB_E_REJECT, "more than %d changes at once", JOB_REQUESTS_MAX);
        j->rq = r;
        j->cap_rq = cap;
    }
    r = &j->rq[j->n_rq++];
    *r = (struct request){.method = method, .path = j->text.len, .etag = etag};
    bb_buf_put(&j->text, path.ptr, path.len);
    bb_buf_put(&j->text, "", 1);
    r->body = j->text.len;
    r->body_len = body.len;
    bb_buf_put(&j->text, body.ptr, body.len);
    return j->text.failed ? bb_error_set(err, BB_E_REJECT, "the requests are too long") : BB_OK;
}

bb_status job_write(struct job *j, const struct edm_set *s, struct bb_bytes want, struct bb_bytes now,
                    struct bb_error *err)
{
    struct bb_buf path, body;
    size_t changes;
    bb_status st;

    bb_buf_init(&path, 8192);
    bb_buf_init(&body, JOB_BODY_MAX);
    st = entity_json(j->s->edm, s->type, want, now, &body, &changes, err);
    if (st == BB_OK && now.len)
        st = key_put(j->s->edm, s, now, &path, err);
    else if (st == BB_OK)
        bb_uri_put(&path, bb_str(s->name));
    if (st == BB_OK && changes)
        st = job_request(j, !now.len ? "POST" : j->s->edm->version == 2 ? "MERGE" : "PATCH",
                         (struct bb_bytes){path.ptr, path.len}, (struct bb_bytes){body.ptr, body.len},
                         now.len && s->etag, err);
    bb_buf_free(&path);
    bb_buf_free(&body);
    return st;
}

bb_status job_call(struct job *j, const char *name, struct bb_bytes params, int etag, struct bb_error *err)
{
    const struct edm_function *f = edm_function_find(j->s->edm, name);
    struct bb_buf path, text;
    struct bb_bytes v;
    bb_status st = BB_OK;
    int n = 0;

    if (!f)
        return bb_error_set(err, BB_E_CONFIG, "service %s has no function %s: see services", j->s->name, name);
    bb_buf_init(&path, 8192);
    bb_buf_init(&text, 8192);
    bb_uri_put(&path, bb_str(name));
    for (size_t k = 0; st == BB_OK && k < f->n_params; k++) {
        if (bb_map_get(params, f->params[k].name, &v) != 1)
            continue;
        bb_buf_reset(&text);
        bb_buf_put(&path, n++ ? "&" : "?", 1);
        bb_uri_put(&path, bb_str(f->params[k].name));
        bb_buf_put(&path, "=", 1);
        st = value_literal(j->s->edm, &f->params[k], v, &text, err) == 0 ? BB_OK : BB_E_REJECT;
        bb_uri_put_keep(&path, (struct bb_bytes){text.ptr, text.len}, "'");
    }
    if (st == BB_OK)
        st = job_request(j, strcmp(f->method, "GET") == 0 ? "GET" : "POST", (struct bb_bytes){path.ptr, path.len},
                         (struct bb_bytes){NULL, 0}, etag, err);
    bb_buf_free(&path);
    bb_buf_free(&text);
    return st;
}

static void on_sent(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct job *j = call->arg;
    struct bb_error err = bb_error_none();
    struct bb_buf json;
    struct bb_bytes v, d;
    bb_status st;

    j->call = NULL;
    if (bb_http_answer_header(a, "sap-message", &v) || bb_http_answer_header(a, "sap-messages", &v))
        notes_take(j, v);
    if (a->outcome != BB_OK) {
        job_end(j, fault_judge(&j->i->faults, a->code, a->body, a, &err), &err);
        return;
    }
    if (j->n_rq > 1) {
        st = batch_read(j, a, &err);
        job_end(j, st, &err);
        return;
    }
    bb_buf_init(&json, JOB_BODY_MAX);
    if (a->body.len && bb_json_read(a->body, &json, NULL) == 0) {
        d = (struct bb_bytes){json.ptr, json.len};
        if (bb_map_get(d, "d", &v) == 1)
            d = v;
        if (entity_read(j->s->edm, j->set->type, d, &j->result) != 0)
            bb_buf_reset(&j->result);
    }
    bb_buf_free(&json);
    job_end(j, BB_OK, NULL);
}

static struct bb_http_call *request_call(struct job *j)
{
    const struct request *r = &j->rq[0];
    int merge = strcmp(r->method, "MERGE") == 0;
    struct bb_http_call *c = call_make(j, merge && j->i->tunnel ? "POST" : r->method,
                                       (const char *)j->text.ptr + r->path, 0, on_sent);
    int bad = 0;

    if (!c)
        return NULL;
    c->repeatable = 0;
    if (merge && j->i->tunnel)
        bad |= bb_http_call_header(c, "X-HTTP-Method", bb_str("MERGE"));
    if (r->etag && j->etag.len)
        bad |= bb_http_call_header(c, "If-Match", (struct bb_bytes){j->etag.ptr, j->etag.len});
    if (r->body_len)
        bad |= bb_http_call_header(c, "Content-Type", bb_str("application/json"));
    bad |= bb_http_call_header(c, "Idempotency-Key", j->v.key);
    bb_buf_put(&c->body, j->text.ptr + r->body, r->body_len);
    if (bad) {
        bb_http_call_drop(c);
        return NULL;
    }
    return c;
}

static struct bb_http_call *batch_call(struct job *j)
{
    struct bb_http_call *c = call_make(j, "POST", "$batch", 0, on_sent);
    char type[128] = "multipart/mixed; boundary=";

    if (!c)
        return NULL;
    bb_boundary_make("batch", j->boundary);
    memcpy(type + strlen(type), j->boundary, strlen(j->boundary) + 1);
    if (bb_http_call_header(c, "Content-Type", bb_str(type)) != 0) {
        bb_http_call_drop(c);
        return NULL;
    }
    c->repeatable = 0;
    batch_write(j, &c->body);
    return c;
}

/* What is there is known: the rest is what differs. */
/* What cannot be written was not applied: sending it again says why, and sends nothing. */
static bb_status never_sent(const struct job *j, bb_status st)
{
    return j->what == JOB_PROBE && st == BB_E_REJECT ? BB_NOT_APPLIED : st;
}

static void planned(struct job *j)
{
    struct bb_error err = bb_error_none();
    bb_status st = j->what == JOB_QUERY ? BB_OK : j->op->plan(j, &err);

    if (st != BB_OK || j->what == JOB_QUERY) {
        job_end(j, never_sent(j, st), &err);
    } else if (!j->n_rq) {
        if (!j->did)
            j->did = "unchanged";
        job_end(j, BB_OK, NULL);
    } else if (j->what == JOB_PROBE) {
        job_end(j, BB_NOT_APPLIED, NULL);
    } else {
        call_send(j, j->n_rq == 1 ? request_call(j) : batch_call(j));
    }
}

void job_go_on(struct job *j)
{
    struct bb_error err = bb_error_none();
    struct bb_buf path;
    bb_status st;
    int doubt = j->what == JOB_PROBE || j->v.flags & BB_MSG_REDELIVERY;
    const char *set = j->what == JOB_QUERY ? j->ask->set : j->op->set;
    struct bb_bytes own = data_text(j, "/set");
    char named[128];

    j->uses = 1;
    j->s->users++;
    bb_buf_init(&path, 8192);
    if (!set)
        set = bb_str_copy(own, named, sizeof named) == 0 ? named : "";
    j->set = job_set(j, set, &err);
    st = !j->set ? BB_E_CONFIG
                 : j->what == JOB_QUERY ? j->ask->prepare(j, &path, &err)
                                        : j->op->prepare(j, &path, &err);
    if (st != BB_OK || (path.len && !bb_buf_room(&path, 1))) {
        job_end(j, never_sent(j, st), &err);
    } else if (j->what == JOB_PROBE && !path.len) {
        bb_error_set(&err, BB_E_UNSUP, "what this message makes cannot be looked up: a person must");
        job_end(j, BB_E_UNSUP, &err);
    } else if (!path.len || (j->what == JOB_DELIVER && j->op->read_in_doubt && !doubt)) {
        planned(j);
    } else {
        path.ptr[path.len] = 0;
        call_send(j, call_make(j, "GET", (const char *)path.ptr, 0, on_read));
    }
    bb_buf_free(&path);
}

bb_status job_new(bb_inst *i, enum job_what what, const bb_msg *m, bb_token t, const struct ask *ask,
                  struct bb_error *err)
{
    struct job *j = calloc(1, sizeof *j);
    const char *name;

    if (!j)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    j->i = i;
    j->what = what;
    j->t = t;
    j->ask = ask;
    j->m = i->ctx.api->msg_ref(m);
    struct bb_buf *all[] = {&j->want, &j->now, &j->text, &j->notes, &j->result};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        bb_buf_init(all[k], JOB_BODY_MAX);
    bb_buf_init(&j->etag, 1024);
    j->v.size = sizeof j->v;
    i->ctx.api->msg_view(j->m, &j->v);
    j->until_ms = j->v.budget_ms ? bb_clock_ms() + j->v.budget_ms : 0;
    if (what == JOB_QUERY)
        j->e.data = j->v.data;
    else if (bb_envelope_read(j->v.whole, &j->e, NULL) == 0)
        j->op = op_find(j->e.type);
    name = what == JOB_QUERY ? ask->service : j->op ? j->op->service : NULL;
    j->s = service_find(i, name ? bb_str(name) : data_text(j, "/service"));
    if ((what != JOB_QUERY && !j->op) || !j->s) {
        bb_status st = !j->s && (j->op || ask)
                           ? bb_error_set(err, BB_E_REJECT, "there is no service \"%.*s\": give its path in services",
                                          (int)data_text(j, "/service").len, (const char *)data_text(j, "/service").ptr)
                           : bb_error_set(err, BB_E_UNSUP, "messages of type %.*s are not known here",
                                          (int)(j->e.type.len > 60 ? 60 : j->e.type.len), (const char *)j->e.type.ptr);
        job_free(j);
        return st;
    }
    j->next = i->jobs;
    if (i->jobs)
        i->jobs->prev = j;
    i->jobs = j;
    service_wait(j->s, j);
    return BB_PENDING;
}

/* ---- what operations share ----------------------------------------------------------------------------------- */
const struct edm_set *job_set(const struct job *j, const char *name, struct bb_error *err)
{
    const struct edm_set *s = edm_set_find(j->s->edm, bb_str(name));

    if (!s)
        bb_error_set(err, BB_E_CONFIG, "service %s (%s) has no entity set %.60s: see its $metadata, and services",
                     j->s->name, j->s->path, name);
    return s;
}

bb_status filter_put(const struct job *j, struct bb_buf *path, const char *name, struct bb_bytes text,
                     struct bb_error *err)
{
    const struct edm_prop *p = edm_prop_find(j->set->type, bb_str(name));
    struct bb_buf value, lit;
    bb_status st = BB_OK;

    if (!p)
        return bb_error_set(err, BB_E_CONFIG, "the service's $metadata has no property %s in %s: see services", name,
                            j->set->type->name);
    bb_buf_init(&value, 4096);
    bb_buf_init(&lit, 8192);
    bb_put_str(&value, text.ptr, text.len);
    if (value_literal(j->s->edm, p, (struct bb_bytes){value.ptr, value.len}, &lit, err) != 0) {
        st = BB_E_REJECT;
    } else {
        const char *and = path->len && path->ptr[path->len - 1] != '=' ? "%20and%20" : "";
        bb_buf_put(path, and, strlen(and));
        bb_uri_put(path, bb_str(name));
        bb_buf_put(path, "%20eq%20", 8);
        bb_uri_put_keep(path, (struct bb_bytes){lit.ptr, lit.len}, "'");
    }
    bb_buf_free(&value);
    bb_buf_free(&lit);
    return st;
}

struct bb_bytes data_value(const struct job *j, const char *pointer)
{
    struct bb_bytes v;

    return bb_pointer_get(j->e.data, pointer, &v) == 1 ? v : (struct bb_bytes){NULL, 0};
}

struct bb_bytes data_text(const struct job *j, const char *pointer)
{
    struct bb_bytes v = data_value(j, pointer), s = {NULL, 0};

    if (v.len)
        (void)bb_as_str(v, &s);
    return s;
}
