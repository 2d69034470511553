/*
 * run.c - one case: its messages go in, the core comes to rest, the journal says what became of them
 *
 * What is reported is read from the journal, as `busbar trace` reads it; only what endpoints got comes
 * from the play. Endpoints are up before the first message goes in, and the clock stands until the last
 * one is accepted: so each run of a case has the same order of events.
 */
#include "core/rehearse/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 60000u
#define INPUT_MAX (64u << 20)
#define MESSAGES_MAX 100000u

struct accepted { /* a message of the input */
    uint64_t seq;     /* 0: it is in no journal */
    const char *state; /* then: why not */
    char error[200];
};
struct run {
    const struct bb_case *c;
    const struct bb_case_input *input; /* whose messages go in */
    struct bb_stage stage;
    struct bb_play play;
    struct bb_coverage *cov; /* or NULL */
    struct accepted *v;
    size_t n, cap;
    size_t seen; /* of v, while the journal is read beside it: both ascend, but for duplicates */
    struct bb_rows results;
};

/* ---- in ------------------------------------------------------------------------------------------ */
static struct accepted *accepted_new(struct run *r, struct bb_fault *err)
{
    struct accepted *more;

    if (r->n == MESSAGES_MAX) {
        bb_fail(err, "more than %u messages in one test", MESSAGES_MAX);
        return NULL;
    }
    if (r->n == r->cap) {
        more = realloc(r->v, (r->cap ? 2 * r->cap : 16) * sizeof(*more));
        if (!more) {
            bb_fail(err, "out of memory");
            return NULL;
        }
        r->v = more;
        r->cap = r->cap ? 2 * r->cap : 16;
    }
    r->v[r->n] = (struct accepted){0};
    return &r->v[r->n++];
}

static int submit(void *arg, size_t offset, struct bb_bytes whole, struct bb_fault *err)
{
    struct run *r = arg;
    const char *from = r->input->from ? r->input->from : r->c->from;
    struct bb_ask a = {.kind = BB_ASK_SUBMIT, .endpoint = from, .who = "test", .body = whole};
    struct accepted *m = accepted_new(r, err);
    struct bb_buf receipt;
    int rc;

    (void)offset;
    if (!m)
        return -1;
    bb_buf_init(&a.out, 4096);
    bb_buf_init(&receipt, 4096);
    rc = bb_hub_ask(r->stage.hub, &a, ASK_MS);
    if (rc != 0) {
        bb_fail(err, "the message was not taken in: %.150s", a.text);
    } else if (a.status != BB_OK) {
        m->state = "refused";
        snprintf(m->error, sizeof(m->error), "%s", a.text);
    } else if (bb_json_read(bb_bytes_of(&a.out), &receipt, err) == 0) {
        m->seq = (uint64_t)bb_member_int(bb_bytes_of(&receipt), "first", 0);
        if (bb_member_int(bb_bytes_of(&receipt), "duplicates", 0) > 0)
            m->state = "duplicate";
        else if (!m->seq)
            m->state = "skipped"; /* unmatched: skip */
    } else {
        rc = -1;
    }
    bb_buf_free(&receipt);
    bb_buf_free(&a.out);
    return rc;
}

/* An event of the test file; what CloudEvents asks for and a test seldom cares about is added. */
static int event_submit(struct run *r, struct bb_bytes event, struct bb_fault *err)
{
    const struct { const char *key, *value; } defaults[] = {
        {"specversion", "1.0"}, {"source", "/test"}, {"id", NULL}};
    struct bb_buf map, json, whole;
    struct bb_items w = bb_pairs_of(event);
    struct bb_rows all;
    struct bb_bytes k, v;
    char key[300], id[32];
    int rc = -1;

    snprintf(id, sizeof(id), "test-%zu", r->n + 1);
    bb_rows_begin(&all);
    while (bb_pairs_next(&w, &k, &v)) {
        snprintf(key, sizeof(key), "%.*s", (int)(k.len < 299 ? k.len : 299), (const char *)k.ptr);
        bb_put_raw(bb_rows_pair(&all, key), v);
    }
    for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
        if (!bb_member(event, defaults[i].key).len)
            bb_rows_text(&all, defaults[i].key, defaults[i].value ? defaults[i].value : id);
    bb_buf_init(&map, INPUT_MAX);
    bb_buf_init(&json, INPUT_MAX);
    bb_buf_init(&whole, INPUT_MAX);
    bb_rows_end_map(&all, &map);
    if (bb_json_write(bb_bytes_of(&map), &json, err) == 0 &&
        bb_event_read(bb_bytes_of(&json), &whole, err) == 0)
        rc = submit(r, 0, bb_bytes_of(&whole), err);
    bb_buf_free(&map);
    bb_buf_free(&json);
    bb_buf_free(&whole);
    return rc;
}

static int file_submit(struct run *r, const char *path, struct bb_fault *err)
{
    FILE *in = fopen(path, "re");
    struct bb_fault why = {0};
    struct bb_buf b;
    uint8_t *p;
    size_t n = 1;
    int rc;

    if (!in)
        return bb_fail(err, "%.180s cannot be opened: %m", path);
    bb_buf_init(&b, INPUT_MAX);
    while (n && (p = bb_buf_room(&b, 65536))) {
        n = fread(p, 1, 65536, in);
        b.len += n;
    }
    rc = b.failed || ferror(in) ? bb_fail(&why, "cannot be read, or is larger than 64 MiB")
                                : bb_input_each(bb_bytes_of(&b), submit, r, &why);
    if (rc != 0)
        bb_fail(err, "%.120s: byte %zu: %.100s", path, why.offset, why.text);
    fclose(in);
    bb_buf_free(&b);
    return rc;
}

/* ---- the hub ------------------------------------------------------------------------------------- */
/* 0, also when there is more to come after until_ms. */
static int rest(struct run *r, uint64_t until_ms, struct bb_fault *err)
{
    struct bb_ask a = {.kind = BB_ASK_REST, .until_ms = until_ms, .who = "test"};

    if (bb_hub_ask(r->stage.hub, &a, ASK_MS) != 0) {
        const char *why = bb_hub_failed(r->stage.hub);

        return bb_fail(err, "the core ended: %.180s", why ? why : a.text);
    }
    if (a.status == BB_OK || a.status == BB_E_BUSY)
        return 0;
    return bb_fail(err, "the core does not come to rest: %.150s", a.text);
}

/* ---- out ----------------------------------------------------------------------------------------- */
static uint32_t route_number(struct run *r, struct bb_bytes name)
{
    const struct bb_config *c = &r->stage.config;

    for (size_t i = 0; i < c->n_routes; i++)
        if (bb_bytes_are(name, c->routes[i].name))
            return (uint32_t)i + 1;
    return 0;
}

static void put_calls(struct run *r, uint64_t seq, uint32_t route, struct bb_rows *m)
{
    const struct bb_play_call *v, *last = NULL;
    const char *unused;
    size_t n = bb_play_calls(&r->play, &v, &unused);
    uint64_t sends = 0, probes = 0;

    for (size_t i = 0; i < n; i++) {
        if (v[i].seq != seq || v[i].route != route)
            continue;
        sends += !v[i].probe;
        probes += v[i].probe;
        last = v[i].probe ? last : &v[i];
    }
    bb_rows_number(m, "sends", sends);
    bb_rows_number(m, "probes", probes);
    if (last)
        bb_report_event(bb_bytes_of(&last->whole), bb_rows_pair(m, "sent"));
}

static bool ended(struct bb_bytes state)
{
    return bb_bytes_are(state, "delivered") || bb_bytes_are(state, "skipped") ||
           bb_bytes_are(state, "discarded");
}

static void put_error(struct bb_bytes event, struct bb_rows *m)
{
    struct bb_bytes detail = bb_member(event, "detail"), text = bb_member(detail, "text"), s;

    if (!text.len || !bb_as_str(text, &s) || !s.len)
        text = bb_member(detail, "reason");
    if (text.len && bb_as_str(text, &s) && s.len)
        bb_put_raw(bb_rows_pair(m, "error"), text);
}

/* A row of bb_report()'s trace: {route, state, history: [{state, detail}]} */
static void put_delivery(struct run *r, size_t message, uint64_t seq, struct bb_bytes row)
{
    struct bb_items w = bb_items_of(bb_member(row, "history"));
    struct bb_bytes route = {"", 0}, state = {"", 0}, event, last = {NULL, 0}, s;
    struct bb_rows one, before;
    uint32_t left = w.left;

    bb_as_str(bb_member(row, "route"), &route);
    bb_as_str(bb_member(row, "state"), &state);
    bb_rows_begin(&one);
    bb_rows_begin(&before);
    while (bb_items_next(&w, &event)) {
        last = event;
        if (--left && bb_as_str(bb_member(event, "state"), &s))
            bb_put_str(bb_rows_item(&before), s.ptr, s.len);
    }
    /* of one that has ended, the last event knows how; a plain success has none of its own */
    if (last.len && bb_as_str(bb_member(last, "state"), &s)) {
        if (ended(state) && ended(s))
            state = s;
        else if (!(s.len == state.len && memcmp(s.ptr, state.ptr, s.len) == 0))
            bb_put_str(bb_rows_item(&before), s.ptr, s.len);
    }
    bb_rows_number(&one, "message", message);
    if (!bb_bytes_are(route, "unmatched"))
        bb_put_str(bb_rows_pair(&one, "route"), route.ptr, route.len);
    bb_put_str(bb_rows_pair(&one, "state"), state.ptr, state.len);
    if (last.len && !bb_bytes_are(state, "delivered"))
        put_error(last, &one);
    if (before.n)
        bb_rows_end_array(&before, bb_rows_pair(&one, "history"));
    else
        bb_buf_free(&before.b);
    if (!bb_bytes_are(route, "unmatched")) {
        put_calls(r, seq, route_number(r, route), &one);
        if (r->cov)
            bb_coverage_ran(r->cov, r->stage.config.routes[route_number(r, route) - 1].name, 0, NULL);
    }
    bb_rows_end_map(&one, bb_rows_item(&r->results));
}

/* What the journal says of message number `message`. */
static int put_message(struct run *r, struct bb_view *view, size_t message, uint64_t seq,
                       struct bb_fault *err)
{
    struct bb_query q = {.kind = BB_REPORT_TRACE, .seq = seq};
    struct bb_items messages, routes;
    struct bb_bytes m, row;
    struct bb_buf out;
    int rc;

    bb_buf_init(&out, BB_REPORT_BYTES);
    rc = bb_report(view, &q, &out, err);
    messages = bb_items_of(bb_member(bb_bytes_of(&out), "messages"));
    while (rc >= 0 && bb_items_next(&messages, &m))
        for (routes = bb_items_of(bb_member(m, "routes")); bb_items_next(&routes, &row);)
            put_delivery(r, message, seq, row);
    bb_buf_free(&out);
    return rc < 0 ? -1 : 0;
}

/* Messages that no input was: a step made them of one. They get the numbers behind the input's. */
static int on_stored(void *arg, const struct bb_record *rec)
{
    struct run *r = arg;
    struct bb_fault unused;
    struct accepted *made;

    while (r->seen < r->n && (r->v[r->seen].state || r->v[r->seen].seq < rec->seq))
        r->seen++;
    if (r->seen < r->n && r->v[r->seen].seq == rec->seq)
        return 0;
    made = accepted_new(r, &unused);
    if (made)
        made->seq = rec->seq;
    return !made;
}

static int results_read(struct run *r, struct bb_fault *err)
{
    struct bb_view *view = bb_view_of(r->stage.journal);
    struct bb_rows one;
    int rc = view ? 0 : bb_fail(err, "the journal cannot be read");

    if (view && bb_view_messages(view, 0, SIZE_MAX, on_stored, r) != 0)
        rc = bb_fail(err, "the journal cannot be read, or holds more than %u messages", MESSAGES_MAX);
    for (size_t i = 0; i < r->n && rc == 0; i++) {
        struct accepted *m = &r->v[i];

        if (!m->state) {
            rc = put_message(r, view, i + 1, m->seq, err);
            continue;
        }
        bb_rows_begin(&one);
        bb_rows_number(&one, "message", i + 1);
        bb_rows_text(&one, "state", m->state);
        if (*m->error)
            bb_rows_text(&one, "error", m->error);
        bb_rows_end_map(&one, bb_rows_item(&r->results));
    }
    if (view)
        bb_view_close(&view);
    return rc;
}

/* ---- a case -------------------------------------------------------------------------------------- */
static int inputs_submit(struct run *r, struct bb_fault *err)
{
    int rc = 0;

    for (size_t i = 0; i < r->c->n_inputs && rc == 0; i++) {
        r->input = &r->c->inputs[i];
        rc = r->input->file ? file_submit(r, r->input->file, err)
                            : event_submit(r, r->input->event, err);
    }
    return rc;
}

int bb_rehearse(const struct bb_generation *g, const struct bb_case *c, struct bb_coverage *cov,
                struct bb_buf *result, struct bb_fault *err)
{
    struct run r = {.c = c, .cov = cov};
    const struct bb_play_call *calls;
    const char *unanswered = NULL;
    int rc = -1;

    bb_rows_begin(&r.results);
    if (bb_play_begin(&r.play, &r.stage.g, c, cov) != 0)
        bb_fail(err, "out of memory");
    else if (bb_stage_open(&r.stage, g, c, &r.play.rehearsal, err) == 0 &&
             rest(&r, c->clock_ms, err) == 0 && inputs_submit(&r, err) == 0 &&
             rest(&r, c->until_ms, err) == 0)
        rc = results_read(&r, err);
    if (rc == 0)
        bb_play_calls(&r.play, &calls, &unanswered);
    if (rc == 0 && unanswered)
        rc = bb_fail(err, "%s", unanswered);
    bb_stage_close(&r.stage);
    bb_play_end(&r.play);
    bb_rows_end_array(&r.results, result);
    free(r.v);
    return rc;
}
