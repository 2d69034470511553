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

#define TRACE_MAX 200u     /* messages in one trace */
#define SCAN_MAX 200000u   /* messages looked through without the index */
#define SCAN_BATCH 2000u   /* a read transaction's share */

/* When a delivery reached its state: plain successes have no event of their own, the index knows. */
struct since {
    uint64_t seq, ms;
    char route[64];
};
#define SINCE_MAX (TRACE_MAX * 4)

struct trace {
    struct bb_report *r;
    const char *id;
    size_t id_len;
    uint64_t seqs[TRACE_MAX];
    size_t n;
    bool cut;
    uint64_t last;
    struct since since[SINCE_MAX];
    size_t n_since;
};

static void add(struct trace *t, uint64_t seq)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->seqs[i] == seq)
            return;
    if (t->n == TRACE_MAX)
        t->cut = true;
    else
        t->seqs[t->n++] = seq;
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
    struct trace *t = arg;

    add(t, h->seq);
    if (t->n_since < SINCE_MAX && has_ended(h->state)) { /* the index may lag */
        struct since *s = &t->since[t->n_since++];

        s->seq = h->seq;
        s->ms = h->state_ms;
        snprintf(s->route, sizeof(s->route), "%s", h->route);
    }
    return 0;
}

static uint64_t since_of(const struct trace *t, uint64_t seq, const char *route)
{
    for (size_t i = 0; i < t->n_since; i++)
        if (t->since[i].seq == seq && strcmp(t->since[i].route, route) == 0)
            return t->since[i].ms;
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
        add(t, rec->seq);
    return 0;
}

static int on_any(void *arg, const struct bb_record *rec)
{
    *(uint64_t *)arg = rec->seq;
    return 1;
}

/* The highest number in the journal, by halving: a view has no direct way to say it. */
static uint64_t newest(struct bb_view *v)
{
    uint64_t low = 0, high = UINT64_C(1) << 62, seq;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2;

        seq = 0;
        if (bb_view_messages(v, mid, 1, on_any, &seq) < 0)
            return low;
        if (seq)
            low = seq + 1; /* there is one at or after mid */
        else
            high = mid;
    }
    return low ? low - 1 : 0;
}

static void scan(struct trace *t, uint64_t from, uint64_t end)
{
    while (from < end && t->n < TRACE_MAX) {
        t->last = 0;
        if (bb_view_messages(t->r->view, from, SCAN_BATCH, on_scanned, t) < 0 || !t->last)
            break;
        from = t->last + 1;
    }
}

static void note(struct bb_rows *notes, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct bb_rows *notes, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    bb_put_cstr(&notes->b, text);
    notes->n++;
}

static void look(struct trace *t, const char *state_dir, struct bb_rows *notes)
{
    struct bb_search by_correlation = {.correlation = t->id, .max = TRACE_MAX * 4};
    struct bb_search by_id = {.id = t->id, .max = TRACE_MAX};
    uint64_t from = 0, end = newest(t->r->view) + 1, seq;
    struct bb_fault err;
    bool indexed = bb_index_position(state_dir, &from) == 0;

    if (bb_u64_parse(t->id, &seq) == 0 && seq) {
        uint64_t found = 0;

        bb_view_message(t->r->view, seq, on_any, &found);
        if (found == seq)
            add(t, seq);
    }
    if (indexed && (bb_index_search(state_dir, &by_correlation, on_hit, t, &err) < 0 ||
                    bb_index_search(state_dir, &by_id, on_hit, t, &err) < 0)) {
        note(notes, "the index could not be read (%.150s)", err.text);
        indexed = false;
        from = 0;
    }
    if (from >= end)
        return;
    if (end - from > SCAN_MAX) {
        from = end - SCAN_MAX;
        note(notes, "%s: looked only through the newest %u messages of the journal beyond it; "
                    "there may be more", indexed ? "the index lags" : "there is no index", SCAN_MAX);
    } else if (!indexed) {
        note(notes, "there is no index: looked through the journal");
    }
    scan(t, from, end);
}

/* ---- the answer --------------------------------------------------------------------------------- */
struct one {
    struct trace *t;
    struct bb_buf head; /* the pairs of the message's own keys */
    uint32_t n;
    uint32_t endpoint;
    uint64_t accept_ms;
    uint32_t routes[64];
    size_t n_routes;
    bool found, conflict, bad;
};

static int on_record(void *arg, const struct bb_record *rec)
{
    static const char *const shown[] = {"id", "source", "type", "subject", "item", "plant",
                                        "revision", "change", "correlationid", "causationid"};
    struct one *o = arg;
    struct bb_envelope e;
    struct bb_bytes v;

    o->found = true;
    o->bad = rec->bad;
    o->conflict = rec->conflict;
    o->endpoint = rec->endpoint;
    o->accept_ms = rec->accept_ms;
    for (size_t i = 0; i < rec->n_matches && o->n_routes < 64; i++)
        o->routes[o->n_routes++] = rec->matches[i].route;
    if (!rec->n_matches)
        o->routes[o->n_routes++] = BB_ROUTE_UNMATCHED;
    if (rec->bad || bb_envelope_read(rec->whole, &e, NULL) < 0)
        return 0;
    for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
        if (bb_envelope_get(&e, shown[i], &v) == 1) {
            bb_put_cstr(&o->head, shown[i]);
            bb_put_str(&o->head, v.ptr, v.len);
            o->n++;
        }
    return 0;
}

static void put_route(const struct trace *t, uint32_t route, uint64_t seq, struct bb_rows *out)
{
    struct bb_report *r = t->r;
    struct bb_row row = {0};
    char number[64];
    const char *name = bb_report_route(r, route, number);
    int there = bb_view_delivery(r->view, route, seq, &row);
    bool ended = there == 1 && row.state >= BB_D_DELIVERED;

    out->n++;
    bb_put_map(&out->b, 9);
    bb_report_text(&out->b, "route", name);
    bb_report_time(&out->b, "since", ended ? since_of(t, seq, name) : 0);
    bb_report_text(&out->b, "state", there == 1 && row.state < BB_D_STATES
                                         ? bb_dstate_names[row.state] : "unknown");
    bb_put_cstr(&out->b, "attempts");
    bb_put_uint(&out->b, row.attempts);
    bb_put_cstr(&out->b, "sends");
    bb_put_uint(&out->b, row.sends);
    bb_put_cstr(&out->b, "maybe_sent");
    bb_put_bool(&out->b, row.flags & BB_ROW_MAYBE_SENT);
    bb_report_time(&out->b, "due", row.due_ms);
    bb_report_time(&out->b, "sent", row.sent_ms);
    bb_report_history(r, route, seq, &out->b);
}

static void put_message(struct trace *t, uint64_t seq, struct bb_rows *out)
{
    struct one o = {.t = t};
    char endpoint[64] = "";
    struct bb_rows routes;

    bb_buf_init(&o.head, 1u << 20);
    bb_view_message(t->r->view, seq, on_record, &o);
    if (o.found) {
        bb_view_name(t->r->view, o.endpoint, endpoint);
        out->n++;
        bb_put_map(&out->b, 6 + o.n);
        bb_put_cstr(&out->b, "seq");
        bb_put_uint(&out->b, seq);
        bb_report_time(&out->b, "accepted", o.accept_ms);
        bb_report_text(&out->b, "endpoint", endpoint);
        bb_put_cstr(&out->b, "conflict");
        bb_put_bool(&out->b, o.conflict);
        bb_put_cstr(&out->b, "damaged");
        bb_put_bool(&out->b, o.bad);
        if (o.head.len)
            bb_buf_put(&out->b, o.head.ptr, o.head.len);
        bb_rows_begin(&routes);
        for (size_t i = 0; i < o.n_routes; i++)
            put_route(t, o.routes[i], seq, &routes);
        bb_put_cstr(&out->b, "routes");
        bb_rows_end(&routes, &out->b);
    }
    bb_buf_free(&o.head);
}

static int by_seq(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

int bb_report_trace(struct bb_report *r, const char *state_dir, const char *id, struct bb_buf *out,
                    struct bb_fault *err)
{
    struct trace *t = calloc(1, sizeof(*t));
    struct bb_rows notes, messages;
    int rc;

    if (!t)
        return bb_fail(err, "out of memory");
    t->r = r;
    t->id = id;
    t->id_len = strlen(id);
    bb_rows_begin(&notes);
    bb_rows_begin(&messages);
    look(t, state_dir, &notes);
    if (t->cut)
        note(&notes, "more than %u messages have this id: these are some of them", TRACE_MAX);
    qsort(t->seqs, t->n, sizeof(*t->seqs), by_seq);
    for (size_t i = 0; i < t->n; i++)
        put_message(t, t->seqs[i], &messages);
    rc = messages.n > 0;
    bb_put_map(out, 3);
    bb_report_text(out, "id", id);
    bb_put_cstr(out, "notes");
    bb_rows_end(&notes, out);
    bb_put_cstr(out, "messages");
    bb_rows_end(&messages, out);
    free(t);
    return out->failed ? bb_fail(err, "the answer is too large") : rc;
}
