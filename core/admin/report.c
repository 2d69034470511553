/*
 * report.c - lists of open deliveries, and one delivery whole
 *
 * A view's call is one short transaction and its callback must not call the view again, so rows
 * are gathered first (bounded) and looked up afterwards. What was there may have gone meanwhile.
 */
#include "core/admin/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/base.h"
#include "core/config/config.h"

#define ROUTES_MAX 65536u
#define HISTORY_MAX 256u

/* ---- pieces ---------------------------------------------------------------------------------- */
void bb_rows_begin(struct bb_rows *l)
{
    bb_buf_init(&l->b, BB_REPORT_BYTES);
    l->n = 0;
}

void bb_rows_end(struct bb_rows *l, struct bb_buf *out)
{
    bb_put_array(out, l->n);
    if (l->b.failed)
        out->failed = 1;
    else if (l->n)
        bb_buf_put(out, l->b.ptr, l->b.len);
    bb_buf_free(&l->b);
}

void bb_report_text(struct bb_buf *b, const char *key, const char *value)
{
    bb_put_cstr(b, key);
    bb_put_cstr(b, value);
}

static void put_number(struct bb_buf *b, const char *key, uint64_t v)
{
    bb_put_cstr(b, key);
    bb_put_uint(b, v);
}

static void put_flag(struct bb_buf *b, const char *key, bool v)
{
    bb_put_cstr(b, key);
    bb_put_bool(b, v);
}

void bb_report_time(struct bb_buf *b, const char *key, uint64_t ms)
{
    char text[BB_TIME_TEXT];

    bb_put_cstr(b, key);
    if (ms)
        bb_put_cstr(b, bb_time_text(ms, text));
    else
        bb_put_nil(b);
}

static const char *state_name(unsigned state)
{
    return state < BB_D_STATES ? bb_dstate_names[state] : "?";
}

/* ---- routes' names ----------------------------------------------------------------------------- */
static int add_route(void *arg, const char *name, const struct bb_route_state *s)
{
    struct bb_report *r = arg;

    if (r->n == ROUTES_MAX)
        return 1;
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        struct bb_report_name *v = reallocarray(r->routes, cap, sizeof(*v));

        if (!v)
            return 1;
        r->routes = v;
        r->cap = cap;
    }
    r->routes[r->n].id = s->id;
    snprintf(r->routes[r->n++].name, sizeof(r->routes->name), "%s", name);
    return 0;
}

int bb_report_begin(struct bb_report *r, struct bb_view *view, struct bb_fault *err)
{
    *r = (struct bb_report){.view = view};
    if (bb_view_routes(view, add_route, r) < 0) {
        bb_report_end(r);
        return bb_fail(err, "cannot read the routes from the journal");
    }
    return 0;
}

void bb_report_end(struct bb_report *r)
{
    free(r->routes);
    *r = (struct bb_report){0};
}

const char *bb_report_route(const struct bb_report *r, uint32_t id, char out[64])
{
    for (size_t i = 0; i < r->n; i++)
        if (r->routes[i].id == id && *r->routes[i].name)
            return r->routes[i].name;
    if (id == BB_ROUTE_UNMATCHED)
        return "unmatched";
    snprintf(out, 64, "route %" PRIu32, id);
    return out;
}

int bb_report_route_id(const struct bb_report *r, const char *name, uint32_t *id,
                       struct bb_fault *err)
{
    const char **names;
    const char *near = NULL;

    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->routes[i].name, name) == 0) {
            *id = r->routes[i].id;
            return 0;
        }
    if (strcmp(name, "unmatched") == 0) {
        *id = BB_ROUTE_UNMATCHED;
        return 0;
    }
    names = calloc(r->n + 1, sizeof(*names));
    for (size_t i = 0; names && i < r->n; i++)
        names[i] = r->routes[i].name;
    if (names)
        near = bb_nearest(name, names, r->n);
    if (near)
        bb_fail(err, "no route \"%.60s\" in the journal (did you mean \"%s\"?)", name, near);
    else
        bb_fail(err, "no route \"%.60s\" in the journal", name);
    free(names);
    return -1;
}

/* ---- messages ------------------------------------------------------------------------------------ */
void bb_report_event(struct bb_bytes whole, struct bb_buf *out)
{
    struct bb_envelope e;
    struct bb_cur c;
    struct bb_tok t;

    if (bb_message_check(whole, NULL) < 0 || bb_envelope_read(whole, &e, NULL) < 0) {
        bb_put_nil(out);
        return;
    }
    c = bb_cur_of(e.attributes);
    if (bb_cur_next(&c, &t) < 0 || t.kind != BB_T_MAP) {
        bb_put_nil(out);
        return;
    }
    bb_put_map(out, t.n + 1);
    bb_buf_put(out, c.p, (size_t)(c.end - c.p));
    bb_put_cstr(out, "data");
    bb_put_raw(out, e.data);
}

struct message { /* what a list shows of a message */
    bool found, bad, conflict;
    uint64_t accept_ms;
    uint32_t endpoint;
    struct bb_buf event;   /* whole, when asked for */
    struct bb_buf members; /* the pairs of its keys */
    uint32_t n;
    bool want_event;
};

static int take_message(void *arg, const struct bb_record *rec)
{
    static const char *const shown[] = {"id", "source", "type", "item", "plant", "revision",
                                        "change", "correlationid"};
    struct message *m = arg;
    struct bb_envelope e;
    struct bb_bytes v;

    m->found = true;
    m->bad = rec->bad;
    m->conflict = rec->conflict;
    m->accept_ms = rec->accept_ms;
    m->endpoint = rec->endpoint;
    if (rec->bad || bb_envelope_read(rec->whole, &e, NULL) < 0)
        return 0;
    for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
        if (bb_envelope_get(&e, shown[i], &v) == 1) {
            bb_put_cstr(&m->members, shown[i]);
            bb_put_str(&m->members, v.ptr, v.len);
            m->n++;
        }
    if (m->want_event)
        bb_report_event(rec->whole, &m->event);
    return 0;
}

static void message_read(struct bb_report *r, uint64_t seq, bool want_event, struct message *m)
{
    *m = (struct message){.want_event = want_event};
    bb_buf_init(&m->event, BB_REPORT_BYTES);
    bb_buf_init(&m->members, 1u << 20);
    bb_view_message(r->view, seq, take_message, m);
}

static void message_free(struct message *m)
{
    bb_buf_free(&m->event);
    bb_buf_free(&m->members);
}

/* ---- history --------------------------------------------------------------------------------------- */
struct history {
    struct bb_rows rows;
    uint64_t last_ms;
    char reason[160]; /* of the last: its text, or its reason */
};

static void reason_of(struct history *h, struct bb_bytes detail)
{
    struct bb_bytes v, code = {"", 0}, text;

    h->reason[0] = '\0';
    if (bb_map_get(detail, "code", &v) == 1)
        bb_as_str(v, &code);
    if ((bb_map_get(detail, "text", &v) == 1 || bb_map_get(detail, "reason", &v) == 1) &&
        bb_as_str(v, &text))
        snprintf(h->reason, sizeof(h->reason), "%.*s%s%.*s", (int)(code.len < 40 ? code.len : 40),
                 (const char *)code.ptr, code.len ? ": " : "",
                 (int)(text.len < 110 ? text.len : 110), (const char *)text.ptr);
}

static int take_event(void *arg, const struct bb_event *ev)
{
    struct history *h = arg;
    /* what a plugin said is only passed on when it is canonical */
    bool detail = ev->detail.len && bb_value_check(ev->detail, NULL) == 0;

    h->last_ms = ev->time_ms;
    if (detail)
        reason_of(h, ev->detail);
    if (h->rows.n == HISTORY_MAX)
        return 1;
    h->rows.n++;
    bb_put_map(&h->rows.b, detail ? 3 : 2);
    bb_report_time(&h->rows.b, "at", ev->time_ms);
    bb_report_text(&h->rows.b, "state", state_name(ev->to));
    if (detail) {
        bb_put_cstr(&h->rows.b, "detail");
        bb_put_raw(&h->rows.b, ev->detail);
    }
    return 0;
}

static void history_read(struct bb_report *r, uint32_t route, uint64_t seq, struct history *h)
{
    *h = (struct history){0};
    bb_rows_begin(&h->rows);
    bb_view_history(r->view, route, seq, take_event, h);
}

void bb_report_history(struct bb_report *r, uint32_t route, uint64_t seq, struct bb_buf *out)
{
    struct history h;

    history_read(r, route, seq, &h);
    bb_put_cstr(out, "history");
    bb_rows_end(&h.rows, out);
}

/* ---- the list --------------------------------------------------------------------------------------- */
struct found {
    uint32_t route;
    uint64_t seq;
    struct bb_row row;
};
struct gather {
    const struct bb_report_filter *f;
    struct found *v;
    size_t n, max;
    uint64_t next;
    bool more;
};

static int gather_row(void *arg, uint32_t route, uint64_t seq, uint64_t lane,
                      const struct bb_row *row)
{
    struct gather *g = arg;

    (void)lane;
    if (!(row->state == BB_D_HELD && g->f->held) &&
        !(row->state == BB_D_QUARANTINED && g->f->quarantined))
        return 0;
    if (g->n == g->max) {
        g->more = true;
        g->next = seq;
        return 1;
    }
    g->v[g->n++] = (struct found){route, seq, *row};
    return 0;
}

static void put_row(struct bb_report *r, const struct found *f, struct bb_rows *out)
{
    char name[64], endpoint[64] = "";
    struct message m;
    struct history h;

    message_read(r, f->seq, false, &m);
    history_read(r, f->route, f->seq, &h);
    bb_view_name(r->view, m.endpoint, endpoint);
    out->n++;
    bb_put_map(&out->b, 10 + m.n);
    bb_report_text(&out->b, "route", bb_report_route(r, f->route, name));
    put_number(&out->b, "seq", f->seq);
    bb_report_text(&out->b, "state", state_name(f->row.state));
    bb_report_time(&out->b, "accepted", m.accept_ms);
    bb_report_time(&out->b, "since", h.last_ms);
    bb_report_text(&out->b, "endpoint", endpoint);
    put_number(&out->b, "attempts", f->row.attempts);
    put_flag(&out->b, "maybe_sent", f->row.flags & BB_ROW_MAYBE_SENT);
    put_flag(&out->b, "overtaken", f->row.flags & BB_ROW_OVERTAKEN);
    bb_report_text(&out->b, "reason", *h.reason ? h.reason : m.bad ? "its record is damaged"
                                      : m.conflict ? "same id as an earlier message, other content"
                                      : f->route == BB_ROUTE_UNMATCHED ? "no route matched" : "");
    if (m.n)
        bb_buf_put(&out->b, m.members.ptr, m.members.len);
    message_free(&m);
    bb_buf_free(&h.rows.b);
}

int bb_report_open(struct bb_report *r, const struct bb_report_filter *f, struct bb_buf *out,
                   struct bb_fault *err)
{
    struct gather g = {.f = f, .max = f->max ? f->max : 100};
    uint32_t route = UINT32_MAX;
    struct bb_rows rows;
    int rc = -1;

    if (f->route && bb_report_route_id(r, f->route, &route, err) < 0)
        return -1;
    if (g.max > BB_REPORT_MAX)
        g.max = BB_REPORT_MAX;
    g.v = calloc(g.max, sizeof(*g.v));
    if (!g.v)
        return bb_fail(err, "out of memory");
    if (bb_view_open_rows(r->view, route, f->from_seq, SIZE_MAX, gather_row, &g) < 0) {
        bb_fail(err, "cannot read the deliveries from the journal");
        goto end;
    }
    bb_rows_begin(&rows);
    for (size_t i = 0; i < g.n; i++)
        put_row(r, &g.v[i], &rows);
    bb_put_map(out, 2);
    bb_put_cstr(out, "deliveries");
    bb_rows_end(&rows, out);
    bb_put_cstr(out, "next");
    if (g.more)
        bb_put_uint(out, g.next);
    else
        bb_put_nil(out);
    rc = out->failed ? bb_fail(err, "the answer is too large: ask for fewer") : 0;
end:
    free(g.v);
    return rc;
}

/* ---- one delivery -------------------------------------------------------------------------------------- */
struct mend {
    uint8_t state, flags; /* all of these */
    const char *text;     /* %1$s route, %2$llu seq */
};
static const struct mend unmatched_mends[] = {
    {BB_D_QUARANTINED, 0,
     "No route took it, or its id came before with other content. Add a route or correct the sender, "
     "and let the sender send it again under an id of its own."},
    {BB_D_QUARANTINED, 0, "Then put this one away: busbar quarantine discard %1$s/%2$llu"},
};
static const struct mend mends[] = {
    {BB_D_QUARANTINED, BB_ROW_MAYBE_SENT,
     "It may have been applied: look into the target system before anything else."},
    {BB_D_QUARANTINED, BB_ROW_OVERTAKEN,
     "A later message of its lane went out since: an old state would land on a new one. Replay it "
     "with --overtaken only if that is right."},
    {BB_D_QUARANTINED, 0,
     "Correct the cause (in the target system, the message's sender or the route's mapping), then: "
     "busbar quarantine replay %1$s/%2$llu"},
    {BB_D_QUARANTINED, 0, "To give it up for good: busbar quarantine discard %1$s/%2$llu"},
    {BB_D_HELD, BB_ROW_MAYBE_SENT,
     "It may have been applied: look into the target system before anything else."},
    {BB_D_HELD, 0,
     "It holds its lane: later messages of the same key wait. Correct the cause, then: busbar hold "
     "release %1$s/%2$llu"},
    {BB_D_HELD, 0, "To give it up and let the lane go on: busbar quarantine discard %1$s/%2$llu"},
    {BB_D_RETRYING, 0, "Nothing to do: it is sent again by itself at the time shown."},
    {BB_D_PROBING, 0, "Nothing to do: the target is asked whether it was applied."},
};

static void put_mends(struct bb_buf *out, const char *route, uint32_t id, uint64_t seq,
                      const struct bb_row *row)
{
    bool matched = id != BB_ROUTE_UNMATCHED;
    size_t n = matched ? sizeof(mends) / sizeof(*mends)
                       : sizeof(unmatched_mends) / sizeof(*unmatched_mends);
    struct bb_rows l;
    char text[512];

    bb_rows_begin(&l);
    for (size_t i = 0; i < n; i++) {
        const struct mend *m = matched ? &mends[i] : &unmatched_mends[i];

        if (m->state != row->state || (row->flags & m->flags) != m->flags)
            continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof(text), m->text, route, (unsigned long long)seq);
#pragma GCC diagnostic pop
        bb_put_cstr(&l.b, text);
        l.n++;
    }
    bb_put_cstr(out, "mend");
    bb_rows_end(&l, out);
}

int bb_report_delivery(struct bb_report *r, uint32_t route, uint64_t seq, struct bb_buf *out,
                       struct bb_fault *err)
{
    char name[64], endpoint[64] = "";
    const char *route_name = bb_report_route(r, route, name);
    struct bb_row row = {0};
    struct message m;
    int rc = bb_view_delivery(r->view, route, seq, &row);

    if (rc <= 0)
        return rc < 0 ? bb_fail(err, "cannot read the delivery from the journal") : 0;
    message_read(r, seq, true, &m);
    bb_view_name(r->view, m.endpoint, endpoint);
    bb_put_map(out, 16);
    bb_report_text(out, "route", route_name);
    put_number(out, "seq", seq);
    bb_report_text(out, "state", state_name(row.state));
    bb_report_text(out, "endpoint", endpoint);
    bb_report_time(out, "accepted", m.accept_ms);
    put_number(out, "attempts", row.attempts);
    put_number(out, "sends", row.sends);
    put_number(out, "epoch", row.epoch);
    bb_report_time(out, "due", row.due_ms);
    bb_report_time(out, "sent", row.sent_ms);
    put_flag(out, "maybe_sent", row.flags & BB_ROW_MAYBE_SENT);
    put_flag(out, "overtaken", row.flags & BB_ROW_OVERTAKEN);
    put_flag(out, "conflict", m.conflict);
    put_mends(out, route_name, route, seq, &row);
    bb_report_history(r, route, seq, out);
    bb_put_cstr(out, "message");
    if (m.event.len && !m.event.failed)
        bb_put_raw(out, (struct bb_bytes){m.event.ptr, m.event.len});
    else
        bb_put_nil(out);
    message_free(&m);
    return out->failed ? bb_fail(err, "the answer is too large") : 1;
}
