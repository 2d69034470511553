/*
 * trace.c - "where is ECO 4711?": every message of a correlation id and what became of it
 *
 * The index finds the messages, the journal says the rest. What the index does not cover yet (or
 * all, when it is off) is looked for in the journal itself, at most SCAN_MAX of the newest
 * messages, and the answer says so.
 */
#include "core/admin/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/base.h"
#include "core/index/index.h"

#define TRACE_MAX 200u   /* messages in one trace */
#define HITS_MAX 1000u   /* deliveries of them that the index names */
#define SCAN_MAX 200000u /* messages looked through without the index */
#define SCAN_BATCH 2000u /* a read transaction's share */

struct hit {
    uint64_t seq, ended_ms; /* plain successes have no event of their own: the index knows when */
    char route[64];
};
struct trace {
    struct bb_report *r;
    const char *id;
    size_t id_len;
    struct hit hits[HITS_MAX];
    size_t n;
    uint64_t last; /* looked at while scanning */
    struct bb_rows notes;
};

static void add(struct trace *t, uint64_t seq, const char *route, uint64_t ended_ms)
{
    struct hit *h = &t->hits[t->n];

    if (t->n == HITS_MAX)
        return;
    t->n++;
    h->seq = seq;
    h->ended_ms = ended_ms;
    snprintf(h->route, sizeof(h->route), "%s", route);
}

static bool has_ended(const char *state)
{
    for (unsigned i = BB_D_DELIVERED; i < BB_D_STATES; i++)
        if (strcmp(state, bb_dstate_names[i]) == 0)
            return true;
    return false;
}

static int on_hit(void *arg, const struct bb_hit *h)
{
    add(arg, h->seq, h->route, has_ended(h->state) ? h->state_ms : 0);
    return 0;
}

static bool is_id(const struct trace *t, struct bb_bytes v)
{
    return v.len == t->id_len && v.len && memcmp(v.ptr, t->id, v.len) == 0;
}

static int on_scanned(void *arg, const struct bb_record *rec)
{
    struct trace *t = arg;
    struct bb_envelope e;

    t->last = rec->seq;
    if (!rec->bad && bb_envelope_read(rec->whole, &e, NULL) == 0 &&
        (is_id(t, e.correlationid) || is_id(t, e.id)))
        add(t, rec->seq, "", 0);
    return 0;
}

static int on_any(void *arg, const struct bb_record *rec)
{
    *(uint64_t *)arg = rec->seq;
    return 1;
}

/* One more than the highest number in the journal, by halving: a view does not say it. */
static uint64_t end_of(struct bb_view *v)
{
    uint64_t low = 0, high = UINT64_C(1) << 62, seq;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2;

        seq = 0;
        if (bb_view_messages(v, mid, 1, on_any, &seq) < 0)
            break;
        if (seq)
            low = seq + 1; /* there is one at or after mid */
        else
            high = mid;
    }
    return low;
}

static void note(struct trace *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct trace *t, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    bb_put_cstr(bb_rows_item(&t->notes), text);
}

static void look(struct trace *t, const char *state_dir)
{
    struct bb_search by[] = {{.correlation = t->id, .max = HITS_MAX},
                             {.id = t->id, .max = TRACE_MAX}};
    uint64_t from = 0, end = end_of(t->r->view), seq;
    bool indexed = bb_index_position(state_dir, &from) == 0;
    struct bb_fault err;

    if (bb_u64_parse(t->id, &seq) == 0 && seq)
        add(t, seq, "", 0); /* whether there is such a number shows below */
    for (size_t i = 0; indexed && i < 2; i++)
        if (bb_index_search(state_dir, &by[i], on_hit, t, &err) < 0) {
            note(t, "the index could not be read (%.150s)", err.text);
            indexed = false;
            from = 0;
        }
    if (end > from && end - from > SCAN_MAX) {
        from = end - SCAN_MAX;
        note(t, "%s: looked only through the newest %u messages of the journal beyond it; "
                "there may be more", indexed ? "the index lags" : "there is no index", SCAN_MAX);
    } else if (end > from && !indexed) {
        note(t, "there is no index: looked through the journal");
    }
    for (; from < end && t->n < HITS_MAX; from = t->last + 1) {
        t->last = 0;
        if (bb_view_messages(t->r->view, from, SCAN_BATCH, on_scanned, t) < 0 || !t->last)
            break;
    }
}

/* ---- the answer ------------------------------------------------------------------------------ */
/* hits: those of the message, up to end. */
static void put_route(const struct trace *t, uint32_t route, const struct hit *hits,
                      const struct hit *end, struct bb_rows *routes)
{
    struct bb_row row = {.state = BB_D_STATES};
    uint64_t since = 0;
    struct bb_rows one;
    char number[64];
    const char *name = bb_report_route(t->r, route, number);
    int there = bb_view_delivery(t->r->view, route, hits->seq, &row);

    if (there != 1)
        row = (struct bb_row){.state = BB_D_STATES};
    else if (row.state >= BB_D_DELIVERED) /* the index may lag, or be ahead of a replay */
        for (const struct hit *h = hits; h < end; h++)
            if (h->ended_ms && strcmp(h->route, name) == 0)
                since = h->ended_ms;
    bb_rows_begin(&one);
    bb_rows_text(&one, "route", name);
    bb_rows_time(&one, "since", since);
    bb_report_row(&one, &row);
    bb_report_history(t->r, route, hits->seq, &one);
    bb_rows_end_map(&one, bb_rows_item(routes));
}

static void put_message(const struct trace *t, const struct hit *hits, const struct hit *end,
                        struct bb_rows *messages)
{
    struct bb_report_message m = {0};
    struct bb_rows one, routes;

    bb_rows_begin(&one);
    m.keys = &one;
    bb_report_message(t->r, hits->seq, &m);
    if (!m.found) {
        bb_buf_free(&one.b);
        return;
    }
    bb_rows_number(&one, "seq", hits->seq);
    bb_rows_time(&one, "accepted", m.accept_ms);
    bb_rows_text(&one, "endpoint", m.endpoint);
    bb_rows_flag(&one, "conflict", m.conflict);
    bb_rows_flag(&one, "damaged", m.bad);
    bb_rows_begin(&routes);
    for (size_t i = 0; i < m.n_routes; i++)
        put_route(t, m.routes[i], hits, end, &routes);
    bb_rows_end_array(&routes, bb_rows_pair(&one, "routes"));
    bb_rows_end_map(&one, bb_rows_item(messages));
}

static int by_seq(const void *a, const void *b)
{
    uint64_t x = ((const struct hit *)a)->seq, y = ((const struct hit *)b)->seq;

    return (x > y) - (x < y);
}

int bb_report_trace(struct bb_report *r, const struct bb_query *q, struct bb_buf *out,
                    struct bb_fault *err)
{
    struct trace *t = calloc(1, sizeof(*t));
    struct bb_rows answer, messages;
    const struct hit *h, *next, *end;
    int found;

    if (!t)
        return bb_fail(err, "out of memory");
    t->r = r;
    t->id = q->id ? q->id : "";
    t->id_len = strlen(t->id);
    bb_rows_begin(&t->notes);
    bb_rows_begin(&messages);
    bb_rows_begin(&answer);
    if (!q->id)
        add(t, q->seq, "", 0);
    else
        look(t, q->state_dir);
    qsort(t->hits, t->n, sizeof(*t->hits), by_seq);
    end = t->hits + t->n;
    for (h = t->hits; h < end && messages.n < TRACE_MAX; h = next) {
        for (next = h; next < end && next->seq == h->seq; next++)
            ;
        put_message(t, h, next, &messages);
    }
    if (h < end || t->n == HITS_MAX)
        note(t, "more than %u messages have this id: these are some of them", messages.n);
    found = messages.n > 0;
    if (!found)
        bb_fail(err, "no message with correlation id, event id or number \"%.120s\"", t->id);
    bb_rows_text(&answer, "id", t->id);
    bb_rows_end_array(&t->notes, bb_rows_pair(&answer, "notes"));
    bb_rows_end_array(&messages, bb_rows_pair(&answer, "messages"));
    bb_rows_end_map(&answer, out);
    free(t);
    return found;
}
