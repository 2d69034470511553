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

/* The map, with its end, as the answer's JSON. */
static void put_map(struct bb_call *c, struct bb_rows *m)
{
    struct bb_buf value;

    bb_buf_init(&value, BB_REPORT_BYTES);
    bb_rows_end_map(m, &value);
    if (bb_json_write(bb_bytes_of(&value), &c->out, NULL) < 0)
        c->out.failed = 1;
    bb_buf_free(&value);
}

static void put_pair(struct bb_call *c, const char *key, const char *text)
{
    struct bb_rows m;

    bb_rows_begin(&m);
    bb_rows_text(&m, key, text);
    put_map(c, &m);
}

static const struct { unsigned status; const char *title; } titles[] = {
    {400, "Bad request"}, {404, "Not found"},         {405, "Method not allowed"},
    {409, "Conflict"},    {413, "Content too large"}, {422, "Refused"},
    {500, "Internal error"}, {503, "Service unavailable"},
};

void bb_admin_problem(struct bb_call *c, unsigned status, const char *fmt, ...)
{
    const char *title = "Error";
    struct bb_rows m;
    char text[4608]; /* a refusal lists what it found */
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
    bb_rows_begin(&m);
    bb_rows_text(&m, "type", "about:blank");
    bb_rows_text(&m, "title", title);
    bb_rows_number(&m, "status", status);
    bb_rows_text(&m, "detail", text);
    put_map(c, &m);
}

/* ---- asking the hub -------------------------------------------------------------------------- */
static unsigned http_of(bb_status s, unsigned reject)
{
    return s == BB_E_REJECT ? reject
           : s == BB_E_UNSUP ? 404
           : s == BB_E_BUG   ? 400
           : s == BB_E_BUSY || s == BB_E_RETRY || s == BB_E_DOWN ? 503 : 500;
}

/* 0 when the hub did it; else the problem is the answer. reject: status for a refusal. */
static int ask(struct bb_call *c, struct bb_ask *a, unsigned reject)
{
    unsigned http;

    a->who = c->who;
    bb_buf_init(&a->out, BB_REPORT_BYTES);
    if (bb_hub_ask(c->o->hub, a, ASK_MS) < 0) {
        bb_admin_problem(c, 503, "%s", *a->text ? a->text : "the core did not answer in time");
        c->retry_after_s = 5;
        return -1;
    }
    if (a->status >= 0)
        return 0;
    http = http_of(a->status, reject);
    bb_admin_problem(c, http, "%s", *a->text ? a->text : "refused");
    if (http == 503) {
        bb_journal_intake(c->o->journal, &c->retry_after_s);
        c->retry_after_s = c->retry_after_s ? c->retry_after_s : 5;
    }
    return -1;
}

static void operate(struct bb_call *c, struct bb_ask *a)
{
    if (ask(c, a, 409) == 0)
        put_pair(c, "text", a->text);
    bb_buf_free(&a->out);
}

static void on_endpoint(struct bb_call *c, int what)
{
    operate(c, &(struct bb_ask){.kind = (enum bb_ask_kind)what, .endpoint = c->name});
}

static void on_route(struct bb_call *c, int what)
{
    operate(c, &(struct bb_ask){.kind = (enum bb_ask_kind)what, .route = c->name, .seq = c->seq,
                                .overtaken = c->overtaken});
}

/* One event, answered after the commit: 202 and its receipt. */
/* What comes from an endpoint's host has been looked at there. */
static bool accepts(struct bb_call *c, struct bb_bytes whole)
{
    const struct bb_transform *t =
        c->o->generation ? bb_generation_accept(c->o->generation, c->name) : NULL;
    struct bb_fault why = {0, ""};
    struct bb_buf report;
    struct bb_transform_run run = {.report = &report};
    bb_status s = BB_OK;

    bb_buf_init(&report, BB_REPORT_BYTES);
    if (t)
        s = bb_transform_check(t, whole, &run, &why);
    if (s == BB_E_RETRY)
        bb_admin_problem(c, 503, "no memory to look at the message");
    else if (s != BB_OK)
        bb_admin_problem(c, 422, "not accepted: %.*s", (int)(report.len ? report.len : strlen(why.text)),
                         report.len ? (const char *)report.ptr : why.text);
    bb_buf_free(&report);
    return s == BB_OK;
}

static void on_message(struct bb_call *c, int what)
{
    uint64_t max = c->o->max_message;
    struct bb_ask a = {.kind = (enum bb_ask_kind)what, .endpoint = c->name};
    struct bb_fault err;
    struct bb_buf whole;
    int rc;

    bb_buf_init(&whole, max + (64u << 10));
    rc = c->packed ? bb_message_check(bb_bytes_of(&c->body), &err)
                   : bb_event_read(bb_bytes_of(&c->body), &whole, &err);
    a.body = bb_bytes_of(c->packed ? &c->body : &whole);
    if (rc < 0) {
        bb_admin_problem(c, 400, "byte %zu: %s", err.offset, err.text);
    } else if (a.body.len > max) {
        bb_admin_problem(c, 413, "the message has %zu bytes, at most %llu are taken "
                                 "(journal: max_message)", a.body.len, (unsigned long long)max);
    } else if (accepts(c, a.body)) {
        if (ask(c, &a, 422) == 0) {
            c->status = 202;
            bb_buf_put(&c->out, a.out.len ? a.out.ptr : (const void *)"{}",
                       a.out.len ? a.out.len : 2);
        }
        bb_buf_free(&a.out);
    }
    bb_buf_free(&whole);
}

/* ---- looking --------------------------------------------------------------------------------- */
static int status_read(struct bb_call *c, struct bb_buf *out)
{
    struct bb_ask a = {.kind = BB_ASK_STATUS};
    uint64_t messages = 0, events = 0;
    char head[256];
    int rc = ask(c, &a, 500), n;

    if (rc == 0) {
        if (c->o->index)
            bb_index_lag(c->o->index, &messages, &events);
        n = snprintf(head, sizeof(head),
                     "{\"version\":\"%s\",\"uptime_ms\":%lld,\"index\":{\"on\":%s,"
                     "\"messages_behind\":%llu,\"events_behind\":%llu},", c->o->version,
                     (long long)(bb_mono_ms() - c->started_ms), c->o->index ? "true" : "false",
                     (unsigned long long)messages, (unsigned long long)events);
        bb_buf_put(out, head, (size_t)n);
        if (a.out.len > 1)
            bb_buf_put(out, a.out.ptr + 1, a.out.len - 1); /* past its brace */
    }
    bb_buf_free(&a.out);
    return rc;
}

static void on_status(struct bb_call *c, int what)
{
    (void)what;
    status_read(c, &c->out);
}

static void on_metrics(struct bb_call *c, int what)
{
    struct bb_buf json, value;
    struct bb_fault err;

    (void)what;
    bb_buf_init(&json, BB_REPORT_BYTES);
    bb_buf_init(&value, BB_REPORT_BYTES);
    if (status_read(c, &json) == 0) {
        c->type = "text/plain; version=0.0.4; charset=utf-8";
        if (bb_json_read(bb_bytes_of(&json), &value, &err) < 0)
            bb_admin_problem(c, 500, "the status cannot be read: %s", err.text);
        else
            bb_admin_metrics(bb_bytes_of(&value), &c->out);
    }
    bb_buf_free(&json);
    bb_buf_free(&value);
}

static void on_health(struct bb_call *c, int what)
{
    struct bb_hub *hub = c->o->hub;
    const char *failed = bb_hub_failed(hub);
    int64_t age = bb_mono_ms() - bb_hub_beat(hub);

    (void)what;
    if (failed)
        bb_admin_problem(c, 503, "%s", failed);
    else if (age > BEAT_MAX_MS)
        bb_admin_problem(c, 503, "the hub has not turned for %lld ms", (long long)age);
    else
        put_pair(c, "status", "ok");
}

static void on_report(struct bb_call *c, int what)
{
    struct bb_query q = {.kind = (enum bb_report_kind)what, .state_dir = c->o->state_dir,
                         .id = c->name, .seq = c->from, .max = c->max};
    struct bb_view *view = bb_view_of(c->o->journal);
    struct bb_fault err = {0, "out of memory"};
    struct bb_buf value;
    int rc = -1;

    if (q.kind == BB_REPORT_DELIVERY) {
        q.route = c->name;
        q.seq = c->seq;
    } else if (*c->route) {
        q.route = c->route;
    }
    bb_buf_init(&value, BB_REPORT_BYTES);
    if (view)
        rc = bb_report(view, &q, &value, &err);
    if (rc > 0 && bb_json_write(bb_bytes_of(&value), &c->out, &err) < 0)
        rc = -1;
    if (rc <= 0)
        bb_admin_problem(c, rc ? 500 : 404, "%s", err.text);
    if (view)
        bb_view_close(&view);
    bb_buf_free(&value);
}

/* {"folder": "/absolute/path"}: a folder that does not exist yet or is empty. */
static void on_backup(struct bb_call *c, int what)
{
    struct bb_fault err;
    struct bb_bytes v, text;
    struct bb_buf value;
    char *folder = NULL;

    (void)what;
    bb_buf_init(&value, 1u << 16);
    if (bb_json_read(bb_bytes_of(&c->body), &value, &err) < 0)
        bb_admin_problem(c, 400, "byte %zu: %s", err.offset, err.text);
    else if (bb_map_get(bb_bytes_of(&value), "folder", &v) != 1 || !bb_as_str(v, &text) ||
             !text.len || *(const char *)text.ptr != '/' || memchr(text.ptr, 0, text.len))
        bb_admin_problem(c, 400, "\"folder\" must be an absolute path");
    else if (!(folder = strndup(text.ptr, text.len)))
        bb_admin_problem(c, 500, "out of memory");
    else if (bb_journal_backup_of(c->o->journal, folder, &err) < 0)
        bb_admin_problem(c, 409, "%s", err.text);
    else
        put_pair(c, "folder", folder);
    free(folder);
    bb_buf_free(&value);
}

const struct bb_path bb_admin_paths[] = {
    {"GET", "/healthz", on_health, 0},
    {"GET", "/metrics", on_metrics, 0},
    {"GET", "/v1/status", on_status, 0},
    {"POST", "/v1/endpoints/{endpoint}/messages", on_message, BB_ASK_SUBMIT},
    {"POST", "/v1/endpoints/{endpoint}/pause", on_endpoint, BB_ASK_PAUSE},
    {"POST", "/v1/endpoints/{endpoint}/resume", on_endpoint, BB_ASK_RESUME},
    {"POST", "/v1/routes/{route}/pause", on_route, BB_ASK_PAUSE},
    {"POST", "/v1/routes/{route}/resume", on_route, BB_ASK_RESUME},
    {"GET", "/v1/quarantine", on_report, BB_REPORT_QUARANTINE},
    {"GET", "/v1/held", on_report, BB_REPORT_HELD},
    {"GET", "/v1/deliveries/{route}/{seq}", on_report, BB_REPORT_DELIVERY},
    {"POST", "/v1/deliveries/{route}/{seq}/replay", on_route, BB_ASK_REPLAY},
    {"POST", "/v1/deliveries/{route}/{seq}/discard", on_route, BB_ASK_DISCARD},
    {"POST", "/v1/deliveries/{route}/{seq}/release", on_route, BB_ASK_RELEASE},
    {"GET", "/v1/trace/{id}", on_report, BB_REPORT_TRACE},
    {"POST", "/v1/journal/backup", on_backup, 0},
    {NULL, NULL, NULL, 0},
};
