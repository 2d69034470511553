/*
 * sink.c - deliveries and probes: capture, then the capture job until it has ended
 *
 * A capture that was answered 202 may take effect later, so nothing after it is RETRY: the job is asked for again
 * and again while the delivery's time lasts, and then the end is UNKNOWN. A probe asks for the event by its eventID,
 * which the idempotency key makes; only an answer that is the list of that query, and empty, says "not applied".
 *
 *     deliver -> POST capture -> 202 -> GET job -> running: again after a pause
 *                             -> 2xx: OK            -> success: OK, errors: fault.c
 *                             -> else: fault.c
 *
 * Thread: the instance's. Ownership: a job is in i->jobs from its making to its end, which frees it; its call is the
 * client's. Invariant: each token that was given PENDING is ended once.
 */
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include <busbar/web.h>
#include "drop.h"

#define JOB_FIRST_MS 50
#define JOB_MOST_MS 2000
#define DOCUMENT_MAX (4u << 20)

/* ---- jobs --------------------------------------------------------------------------------------------------- */
struct job *job_new(bb_inst *i, bb_token t, uint32_t budget_ms)
{
    struct job *j = calloc(1, sizeof *j);

    if (!j)
        return NULL;
    j->i = i;
    j->t = t;
    j->end_ms = bb_clock_ms() + (budget_ms && budget_ms < i->conf.timeout_ms ? budget_ms : i->conf.timeout_ms);
    bb_buf_init(&j->event_id, 4096);
    j->next = i->jobs;
    j->back = &i->jobs;
    if (j->next)
        j->next->back = &j->next;
    i->jobs = j;
    return j;
}

void job_free(struct job *j)
{
    *j->back = j->next;
    if (j->next)
        j->next->back = j->back;
    bb_buf_free(&j->event_id);
    free(j->url);
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

int job_ask(struct job *j, const char *method, const char *path, struct bb_buf *more, struct bb_buf *body)
{
    struct bb_http_call *call = bb_http_call_new(j->i->client, method, path);
    int64_t left = j->end_ms - bb_clock_ms();
    int xml = j->i->conf.xml && body;

    if (!call)
        return -1;
    if (more)
        bb_buf_put(&call->url, more->ptr, more->len);
    bb_http_call_header(call, "GS1-EPCIS-Version", bb_str("2.0.0"));
    bb_http_call_header(call, "Accept", bb_str("application/json, application/ld+json"));
    if (body) {
        bb_buf_put(&call->body, body->ptr, body->len);
        bb_http_call_header(call, "Content-Type", bb_str(xml ? "application/xml" : "application/ld+json"));
        bb_http_call_header(call, "GS1-Capture-Error-Behaviour", bb_str("rollback"));
    }
    call->timeout_ms = left > 1 ? (uint32_t)left : 1;
    call->done = on_answer;
    call->arg = j;
    j->call = call;
    j->due_ms = 0;
    if (bb_http_send(call) == 0)
        return 0;
    j->call = NULL;
    return -1;
}

uint32_t jobs_before(bb_inst *i, uint32_t timeout_ms)
{
    int64_t now = bb_clock_ms();

    for (struct job *j = i->jobs; j; j = j->next)
        if (j->due_ms && j->due_ms - now < (int64_t)timeout_ms)
            timeout_ms = j->due_ms > now ? (uint32_t)(j->due_ms - now) : 0;
    return timeout_ms;
}

/* ---- deliveries ------------------------------------------------------------------------------------------------ */
static void unknown_end(struct job *j, const char *why, struct bb_error *err)
{
    if (!err->text[0])
        bb_error_set(err, BB_E_UNKNOWN, "%s", why);
    job_end(j, BB_E_UNKNOWN, NULL, err);
}

static void later(struct job *j)
{
    int64_t pause = bb_backoff_ms(++j->tries, JOB_FIRST_MS, JOB_MOST_MS), now = bb_clock_ms();
    struct bb_error err = bb_error_none();

    j->due_ms = now + pause;
    if (j->due_ms >= j->end_ms)
        unknown_end(j, "the event was handed over, but its capture job did not end in time: raise timeout", &err);
}

static void delivered(struct job *j)
{
    struct bb_buf reply;

    bb_buf_init(&reply, 8192);
    struct open o = map_open(&reply);
    map_text(&o, "eventID", (struct bb_bytes){j->event_id.ptr, j->event_id.len});
    if (j->url)
        map_text(&o, "captureJob", bb_str(j->url));
    open_end(&o);
    job_end(j, BB_OK, &reply, NULL);
    bb_buf_free(&reply);
}

static void job_answer(struct job *j, const struct bb_http_answer *a)
{
    struct bb_error err = bb_error_none();
    struct bb_buf v;
    struct bb_bytes one, list;
    struct bb_iter it;

    if (a->code == BB_HTTP_E_CANCELLED || a->code / 100 == 4) {
        answer_fault(j->i, a, &err); /* for its text: the event may be there all the same */
        if (a->code == 429)
            later(j);
        else
            unknown_end(j, "cancelled", &err);
        return;
    }
    bb_buf_init(&v, 1u << 20);
    one = (struct bb_bytes){NULL, 0};
    if (a->code == 200 && bb_json_read(a->body, &v, NULL) == 0)
        one = (struct bb_bytes){v.ptr, v.len};
    if (!one.len || bb_conf_bool(one, "/running", 1)) {
        later(j);
    } else if (bb_conf_bool(one, "/success", 0)) {
        delivered(j);
    } else {
        bb_error_set(&err, BB_E_REJECT, "the capture job failed without saying why");
        bb_status st = BB_E_REJECT;
        if (bb_conf_find(one, "/errors", &list) == 1 && bb_iter_of(list, &it) && bb_iter_next(&it, NULL, &one))
            st = fault_read(j->i, st, one, &err);
        job_end(j, st, NULL, &err);
    }
    bb_buf_free(&v);
}

static void capture_answer(struct job *j, const struct bb_http_answer *a)
{
    struct bb_error err = bb_error_none();
    struct bb_bytes where;
    struct bb_buf url;

    if (a->outcome != BB_OK) {
        bb_status st = answer_fault(j->i, a, &err);
        job_end(j, st, NULL, &err);
        return;
    }
    if (a->code != 202) {
        delivered(j);
        return;
    }
    bb_buf_init(&url, 8192);
    if (bb_http_answer_header(a, "Location", &where) == 1 &&
        bb_uri_resolve(bb_str(bb_http_answer_url(a)), where, &url) == 0)
        j->url = bb_str_dup((struct bb_bytes){url.ptr, url.len});
    bb_buf_free(&url);
    if (j->url && !bb_http_is_home(j->i->client, j->url))
        unknown_end(j, "the capture job is at another host, which is not asked: mend base_url", &err);
    else if (!j->url)
        unknown_end(j, "202 without a Location: the capture job cannot be asked", &err);
    else {
        j->answer = job_answer;
        if (job_ask(j, "GET", j->url, NULL, NULL) != 0)
            later(j);
    }
}

void jobs_after(bb_inst *i)
{
    int64_t now = bb_clock_ms();

    for (struct job *j = i->jobs, *next; j; j = next) {
        next = j->next;
        if (j->due_ms && j->due_ms <= now && job_ask(j, "GET", j->url, NULL, NULL) != 0)
            later(j);
    }
}

static void document_put(const struct wms_conf *c, struct bb_bytes event, struct bb_buf *out)
{
    char now[40];

    bb_time_now(now);
    now[23] = 'Z', now[24] = 0; /* milliseconds */
    if (c->xml) {
        xml_document_put(c, event, out);
        return;
    }
    static const char head[] = "{\"@context\":[\"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld\",{\"wms\":";
    bb_buf_put(out, head, sizeof head - 1);
    bb_json_write_str(out, c->ns, strlen(c->ns));
    static const char type[] = "}],\"type\":\"EPCISDocument\",\"schemaVersion\":\"2.0\",\"creationDate\":\"";
    bb_buf_put(out, type, sizeof type - 1);
    bb_buf_put(out, now, strlen(now));
    bb_buf_put(out, "\",\"epcisBody\":{\"eventList\":[", 28);
    bb_json_write(event, out, NULL);
    bb_buf_put(out, "]}}", 3);
}

bb_status sink_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof v};
    struct bb_buf event, body;
    struct bb_bytes value;
    struct job *j = NULL;
    bb_status st;

    i->ctx.api->msg_view(m, &v);
    if (i->conf.out)
        return drop_deliver(i, &v, err);
    if (!i->client)
        return bb_error_set(err, BB_E_CONFIG, "there is no base_url and no files.out: nowhere to send to");
    bb_buf_init(&event, DOCUMENT_MAX);
    bb_buf_init(&body, DOCUMENT_MAX);
    st = event_put(&i->conf, &v, &event, err);
    if (st == BB_OK) {
        value = (struct bb_bytes){event.ptr, event.len};
        document_put(&i->conf, value, &body);
        st = body.failed ? bb_error_set(err, BB_E_REJECT, "the event is larger than 4 MiB") : BB_PENDING;
        j = st == BB_PENDING ? job_new(i, t, v.budget_ms) : NULL;
    }
    if (j) {
        struct bb_bytes id = bb_conf_str(value, "/eventID", NULL);
        bb_buf_put(&j->event_id, id.ptr, id.len);
        j->answer = capture_answer;
    }
    if (st == BB_PENDING && (!j || job_ask(j, "POST", i->conf.capture, NULL, &body) != 0)) {
        if (j)
            job_free(j);
        st = bb_error_set(err, BB_E_RETRY, "out of memory");
    }
    bb_buf_free(&event);
    bb_buf_free(&body);
    return st;
}

/* ---- probes ------------------------------------------------------------------------------------------------------ */
/* 1 the event is in the answer, 0 the list is empty, -1 it is no such answer, with err. */
static int event_found(struct job *j, struct bb_bytes body, struct bb_buf *v, struct bb_error *err)
{
    struct bb_bytes list, one, id;
    struct bb_iter it;

    if (bb_json_read(body, v, NULL) != 0 ||
        bb_conf_find((struct bb_bytes){v->ptr, v->len}, "/epcisBody/queryResults/resultsBody/eventList", &list) != 1 ||
        !bb_iter_of(list, &it) || it.map) {
        bb_error_set(err, BB_E_RETRY, "the events interface gave no list of events: mend paths.events");
        return -1;
    }
    if (it.n == 0)
        return 0;
    while (bb_iter_next(&it, NULL, &one)) {
        id = bb_conf_str(one, "/eventID", NULL);
        if (id.len == j->event_id.len && memcmp(id.ptr, j->event_id.ptr, id.len) == 0)
            return 1;
    }
    bb_error_set(err, BB_E_RETRY, "asked for one eventID, the warehouse gave others: it does not honour EQ_eventID");
    return -1;
}

static void probe_answer(struct job *j, const struct bb_http_answer *a)
{
    struct bb_error err = bb_error_none();
    struct bb_buf v;
    int found = -1;

    bb_buf_init(&v, 4u << 20);
    if (a->code == 200)
        found = event_found(j, a->body, &v, &err);
    else
        answer_fault(j->i, a, &err);
    bb_buf_free(&v);
    if (found == 1)
        delivered(j);
    else
        job_end(j, found == 0 ? BB_NOT_APPLIED : BB_E_RETRY, NULL, &err);
}

bb_status sink_probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof v};
    struct bb_buf query;
    struct job *j;
    int sent;

    i->ctx.api->msg_view(m, &v);
    if (i->conf.out || !i->client)
        return i->conf.out ? drop_probe(i, &v, err) : BB_NOT_APPLIED;
    j = job_new(i, t, v.budget_ms);
    if (!j)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    bb_buf_put(&j->event_id, WMS_OWN_EVENT, strlen(WMS_OWN_EVENT));
    bb_buf_put(&j->event_id, v.key.ptr, v.key.len);
    j->answer = probe_answer;
    bb_buf_init(&query, 16384);
    bb_buf_put(&query, "?EQ_eventID=", 12);
    bb_uri_put(&query, (struct bb_bytes){j->event_id.ptr, j->event_id.len});
    sent = job_ask(j, "GET", i->conf.events, &query, NULL);
    bb_buf_free(&query);
    if (sent == 0)
        return BB_PENDING;
    job_free(j);
    return bb_error_set(err, BB_E_RETRY, "out of memory");
}
