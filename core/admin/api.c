/*
 * api.c - what each path answers
 *
 * Runs on a connection's thread. What changes something goes to the hub, which journals it; what
 * only looks reads the journal in short transactions of its own.
 */
#define _GNU_SOURCE 1
#include "core/admin/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>

#define ASK_MS 15000
#define BEAT_MAX_MS 5000 /* a hub that has not turned for this long is not well */
#define ANSWER_MAX BB_REPORT_BYTES

static void put(struct bb_buf *b, const char *text)
{
    bb_buf_put(b, text, strlen(text));
}

static void put_json_text(struct bb_buf *b, const char *key, const char *value)
{
    put(b, "\"");
    put(b, key);
    put(b, "\":");
    bb_json_write_str(b, value, strlen(value));
}

static const struct { unsigned status; const char *title; } titles[] = {
    {400, "Bad request"},      {404, "Not found"},           {405, "Method not allowed"},
    {409, "Conflict"},         {413, "Content too large"},   {422, "Refused"},
    {500, "Internal error"},   {503, "Service unavailable"},
};

void bb_admin_problem(struct bb_call *c, unsigned status, const char *fmt, ...)
{
    const char *title = "Error";
    char text[512], number[32];
    va_list ap;

    for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
        if (titles[i].status == status)
            title = titles[i].title;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    bb_buf_reset(&c->out);
    c->status = status;
    c->type = "application/problem+json";
    put(&c->out, "{\"type\":\"about:blank\",");
    put_json_text(&c->out, "title", title);
    snprintf(number, sizeof(number), ",\"status\":%u,", status);
    put(&c->out, number);
    put_json_text(&c->out, "detail", text);
    put(&c->out, "}");
}

/* ---- asking the hub ----------------------------------------------------------------------------- */
static const struct { bb_status status; unsigned http; } answers[] = {
    {BB_E_REJECT, 422}, {BB_E_BUSY, 503}, {BB_E_UNSUP, 404}, {BB_E_RETRY, 503},
    {BB_E_DOWN, 503},   {BB_E_BUG, 400},
};

/* 0 when the hub did it; else the problem is the answer. reject: status for a refusal. */
static int ask(struct bb_call *c, struct bb_ask *a, unsigned reject)
{
    unsigned http = 500;

    a->who = c->who;
    bb_buf_init(&a->out, ANSWER_MAX);
    if (bb_hub_ask(c->admin->o.hub, a, ASK_MS) < 0) {
        bb_admin_problem(c, 503, "%s", *a->text ? a->text : "the core did not answer in time");
        c->retry_after_s = 5;
        return -1;
    }
    if (a->status >= 0)
        return 0;
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
        if (answers[i].status == a->status)
            http = a->status == BB_E_REJECT ? reject : answers[i].http;
    bb_admin_problem(c, http, "%s", *a->text ? a->text : "refused");
    if (http == 503) {
        uint32_t after = 5;

        bb_journal_intake(c->admin->o.journal, &after);
        c->retry_after_s = after ? after : 5;
    }
    return -1;
}

static void operate(struct bb_call *c, struct bb_ask *a)
{
    if (ask(c, a, 409) == 0) {
        put(&c->out, "{");
        put_json_text(&c->out, "text", a->text);
        put(&c->out, "}");
    }
    bb_buf_free(&a->out);
}

static void on_pause(struct bb_call *c)
{
    struct bb_ask a = {.kind = BB_ASK_PAUSE, .endpoint = c->name};
    operate(c, &a);
}

static void on_resume(struct bb_call *c)
{
    struct bb_ask a = {.kind = BB_ASK_RESUME, .endpoint = c->name};
    operate(c, &a);
}

static void on_route_pause(struct bb_call *c)
{
    struct bb_ask a = {.kind = BB_ASK_PAUSE, .route = c->name};
    operate(c, &a);
}

static void on_route_resume(struct bb_call *c)
{
    struct bb_ask a = {.kind = BB_ASK_RESUME, .route = c->name};
    operate(c, &a);
}

static void on_replay(struct bb_call *c)
{
    struct bb_ask a = {.kind = BB_ASK_REPLAY, .route = c->name, .seq = c->seq,
                       .overtaken = c->overtaken};
    operate(c, &a);
}

static void on_discard(struct bb_call *c)
{
    struct bb_ask a = {.kind = BB_ASK_DISCARD, .route = c->name, .seq = c->seq};
    operate(c, &a);
}

static void on_release(struct bb_call *c)
{
    struct bb_ask a = {.kind = BB_ASK_RELEASE, .route = c->name, .seq = c->seq};
    operate(c, &a);
}

/* One event, answered after the commit: 202 and its receipt. */
static void on_message(struct bb_call *c)
{
    struct bb_ask a = {.kind = BB_ASK_SUBMIT, .endpoint = c->name};
    struct bb_fault err;
    struct bb_buf whole;
    int rc;

    bb_buf_init(&whole, c->admin->o.max_message + (64u << 10));
    if (c->packed) {
        rc = bb_message_check(c->body, &err);
        a.body = c->body;
    } else {
        rc = bb_event_read(c->body, &whole, &err);
        a.body = (struct bb_bytes){whole.ptr, whole.len};
    }
    if (rc < 0) {
        bb_admin_problem(c, 400, "byte %zu: %s", err.offset, err.text);
    } else if (a.body.len > c->admin->o.max_message) {
        bb_admin_problem(c, 413, "the message has %zu bytes, at most %llu are taken "
                                 "(journal: max_message)", a.body.len,
                         (unsigned long long)c->admin->o.max_message);
    } else {
        if (ask(c, &a, 422) == 0) {
            c->status = 202;
            bb_buf_put(&c->out, a.out.len ? a.out.ptr : (const void *)"{}",
                       a.out.len ? a.out.len : 2);
        }
        bb_buf_free(&a.out);
    }
    bb_buf_free(&whole);
}

/* ---- looking -------------------------------------------------------------------------------------- */
static int status_read(struct bb_call *c, struct bb_buf *out)
{
    struct bb_ask a = {.kind = BB_ASK_STATUS};
    uint64_t messages = 0, events = 0;
    char head[256];
    int rc = ask(c, &a, 500);

    if (rc == 0) {
        if (c->admin->o.index)
            bb_index_lag(c->admin->o.index, &messages, &events);
        snprintf(head, sizeof(head),
                 "{\"version\":\"%s\",\"uptime_ms\":%lld,\"index\":{\"on\":%s,"
                 "\"messages_behind\":%llu,\"events_behind\":%llu},", c->admin->o.version,
                 (long long)(bb_mono_ms() - c->admin->started_ms),
                 c->admin->o.index ? "true" : "false", (unsigned long long)messages,
                 (unsigned long long)events);
        put(out, head);
        if (a.out.len > 1)
            bb_buf_put(out, a.out.ptr + 1, a.out.len - 1); /* past its brace */
    }
    bb_buf_free(&a.out);
    return rc;
}

static void on_status(struct bb_call *c)
{
    status_read(c, &c->out);
}

static void on_metrics(struct bb_call *c)
{
    struct bb_buf json, value;
    struct bb_fault err;

    bb_buf_init(&json, ANSWER_MAX);
    bb_buf_init(&value, ANSWER_MAX);
    if (status_read(c, &json) == 0) {
        if (bb_json_read((struct bb_bytes){json.ptr, json.len}, &value, &err) < 0) {
            bb_admin_problem(c, 500, "the status cannot be read: %s", err.text);
        } else {
            c->type = "text/plain; version=0.0.4; charset=utf-8";
            bb_admin_metrics((struct bb_bytes){value.ptr, value.len}, &c->out);
        }
    }
    bb_buf_free(&json);
    bb_buf_free(&value);
}

static void on_health(struct bb_call *c)
{
    const char *failed = bb_hub_failed(c->admin->o.hub);
    int64_t age = bb_mono_ms() - bb_hub_beat(c->admin->o.hub);

    if (failed)
        bb_admin_problem(c, 503, "%s", failed);
    else if (age > BEAT_MAX_MS)
        bb_admin_problem(c, 503, "the hub has not turned for %lld ms", (long long)age);
    else
        put(&c->out, "{\"status\":\"ok\"}");
}

/* Runs one report on a view of its own and writes it as JSON. 0 from the report: 404. */
static void report(struct bb_call *c,
                   int (*fn)(struct bb_call *, struct bb_report *, struct bb_buf *,
                             struct bb_fault *))
{
    struct bb_view *view = bb_view_of(c->admin->o.journal);
    struct bb_report r = {0};
    struct bb_fault err = {0, "out of memory"};
    struct bb_buf value;
    int rc = -1;

    bb_buf_init(&value, ANSWER_MAX);
    if (view && bb_report_begin(&r, view, &err) == 0)
        rc = fn(c, &r, &value, &err);
    if (rc > 0 && bb_json_write((struct bb_bytes){value.ptr, value.len}, &c->out, &err) < 0)
        rc = -1;
    if (rc == 0)
        bb_admin_problem(c, 404, "%s", "there is no such thing in the journal");
    else if (rc < 0)
        bb_admin_problem(c, strncmp(err.text, "no route", 8) == 0 ? 404 : 500, "%s", err.text);
    bb_report_end(&r);
    if (view)
        bb_view_close(&view);
    bb_buf_free(&value);
}

static int open_report(struct bb_call *c, struct bb_report *r, struct bb_buf *out,
                       struct bb_fault *err, bool held)
{
    struct bb_report_filter f = {.route = *c->route ? c->route : NULL, .from_seq = c->from,
                                 .max = c->max, .held = held, .quarantined = !held};

    return bb_report_open(r, &f, out, err) < 0 ? -1 : 1;
}

static int quarantine_report(struct bb_call *c, struct bb_report *r, struct bb_buf *out,
                             struct bb_fault *err)
{
    return open_report(c, r, out, err, false);
}

static int held_report(struct bb_call *c, struct bb_report *r, struct bb_buf *out,
                       struct bb_fault *err)
{
    return open_report(c, r, out, err, true);
}

static int delivery_report(struct bb_call *c, struct bb_report *r, struct bb_buf *out,
                           struct bb_fault *err)
{
    uint32_t route;

    return bb_report_route_id(r, c->name, &route, err) < 0
               ? -1 : bb_report_delivery(r, route, c->seq, out, err);
}

static int trace_report(struct bb_call *c, struct bb_report *r, struct bb_buf *out,
                        struct bb_fault *err)
{
    return bb_report_trace(r, c->admin->o.state_dir, c->name, out, err);
}

static void on_quarantine(struct bb_call *c)
{
    report(c, quarantine_report);
}

static void on_held(struct bb_call *c)
{
    report(c, held_report);
}

static void on_delivery(struct bb_call *c)
{
    report(c, delivery_report);
}

static void on_trace(struct bb_call *c)
{
    report(c, trace_report);
}

/* {"folder": "/absolute/path"}: a folder that does not exist yet or is empty. */
static void on_backup(struct bb_call *c)
{
    struct bb_buf value;
    struct bb_fault err;
    struct bb_bytes v, text;
    char *folder = NULL;

    bb_buf_init(&value, 1u << 16);
    if (bb_json_read(c->body, &value, &err) < 0)
        bb_admin_problem(c, 400, "byte %zu: %s", err.offset, err.text);
    else if (bb_map_get((struct bb_bytes){value.ptr, value.len}, "folder", &v) != 1 ||
             !bb_as_str(v, &text) || !text.len || *(const char *)text.ptr != '/' ||
             memchr(text.ptr, 0, text.len))
        bb_admin_problem(c, 400, "\"folder\" must be an absolute path");
    else if (!(folder = strndup(text.ptr, text.len)))
        bb_admin_problem(c, 500, "out of memory");
    else if (bb_journal_backup(c->admin->o.state_dir, folder, &err) < 0)
        bb_admin_problem(c, 409, "%s", err.text);
    else {
        put(&c->out, "{");
        put_json_text(&c->out, "folder", folder);
        put(&c->out, "}");
    }
    free(folder);
    bb_buf_free(&value);
}

const struct bb_path bb_admin_paths[] = {
    {"GET", "/healthz", on_health},
    {"GET", "/metrics", on_metrics},
    {"GET", "/v1/status", on_status},
    {"POST", "/v1/endpoints/{endpoint}/messages", on_message},
    {"POST", "/v1/endpoints/{endpoint}/pause", on_pause},
    {"POST", "/v1/endpoints/{endpoint}/resume", on_resume},
    {"POST", "/v1/routes/{route}/pause", on_route_pause},
    {"POST", "/v1/routes/{route}/resume", on_route_resume},
    {"GET", "/v1/quarantine", on_quarantine},
    {"GET", "/v1/held", on_held},
    {"GET", "/v1/deliveries/{route}/{seq}", on_delivery},
    {"POST", "/v1/deliveries/{route}/{seq}/replay", on_replay},
    {"POST", "/v1/deliveries/{route}/{seq}/discard", on_discard},
    {"POST", "/v1/deliveries/{route}/{seq}/release", on_release},
    {"GET", "/v1/trace/{id}", on_trace},
    {"POST", "/v1/journal/backup", on_backup},
    {NULL, NULL, NULL},
};
