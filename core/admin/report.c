/*
 * report.c - lists of open deliveries, and one delivery whole
 *
 * A list gathers its rows first (bounded) and looks up what belongs to them afterwards, each in a
 * short transaction of its own: what was there may have gone meanwhile.
 */
#include "core/admin/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/base.h"

#define ROUTES_MAX 65536u
#define HISTORY_MAX 256u

/* ---- arrays and maps ---------------------------------------------------------------------------- */
void bb_rows_begin(struct bb_rows *l)
{
    bb_buf_init(&l->b, BB_REPORT_BYTES);
    l->n = 0;
}

struct bb_buf *bb_rows_item(struct bb_rows *l)
{
    l->n++;
    return &l->b;
}

struct bb_buf *bb_rows_pair(struct bb_rows *m, const char *key)
{
    bb_put_cstr(&m->b, key);
    return bb_rows_item(m);
}

void bb_rows_text(struct bb_rows *m, const char *key, const char *value)
{
    bb_put_cstr(bb_rows_pair(m, key), value);
}

void bb_rows_number(struct bb_rows *m, const char *key, uint64_t v)
{
    bb_put_uint(bb_rows_pair(m, key), v);
}

void bb_rows_flag(struct bb_rows *m, const char *key, bool v)
{
    bb_put_bool(bb_rows_pair(m, key), v);
}

void bb_rows_time(struct bb_rows *m, const char *key, uint64_t ms)
{
    char text[BB_TIME_TEXT];

    if (ms)
        bb_rows_text(m, key, bb_time_text(ms, text));
    else
        bb_put_nil(bb_rows_pair(m, key));
}

static void rows_end(struct bb_rows *l, struct bb_buf *out)
{
    if (l->b.failed)
        out->failed = 1;
    else if (l->b.len)
        bb_buf_put(out, l->b.ptr, l->b.len);
    bb_buf_free(&l->b);
}

void bb_rows_end_array(struct bb_rows *l, struct bb_buf *out)
{
    bb_put_array(out, l->n);
    rows_end(l, out);
}

void bb_rows_end_map(struct bb_rows *m, struct bb_buf *out)
{
    bb_put_map(out, m->n);
    rows_end(m, out);
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

/* The route's number: 1; 0 with err naming the nearest. */
static int route_id(const struct bb_report *r, const char *name, uint32_t *id, struct bb_fault *err)
{
    const char **names, *near = NULL;

    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->routes[i].name, name) == 0) {
            *id = r->routes[i].id;
            return 1;
        }
    *id = BB_ROUTE_UNMATCHED;
    if (strcmp(name, "unmatched") == 0)
        return 1;
    names = calloc(r->n + 1, sizeof(*names));
    for (size_t i = 0; names && i < r->n; i++)
        names[i] = r->routes[i].name;
    if (names)
        near = bb_nearest(name, names, r->n);
    bb_fail(err, "no route \"%.60s\" in the journal%s%s%s", name, near ? " (did you mean \"" : "",
            near ? near : "", near ? "\"?)" : "");
    free(names);
    return 0;
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

struct reading {
    struct bb_report_message *m;
    uint32_t endpoint;
};

static int on_record(void *arg, const struct bb_record *rec)
{
    static const char *const shown[] = {"id", "source", "type", "subject", "item", "plant",
                                        "revision", "change", "correlationid", "causationid"};
    struct reading *g = arg;
    struct bb_report_message *m = g->m;
    struct bb_envelope e;
    struct bb_bytes v;

    m->found = true;
    m->bad = rec->bad;
    m->conflict = rec->conflict;
    m->accept_ms = rec->accept_ms;
    g->endpoint = rec->endpoint;
    for (size_t i = 0; i < rec->n_matches && m->n_routes < BB_REPORT_ROUTES; i++)
        m->routes[m->n_routes++] = rec->matches[i].route;
    if (!rec->n_matches)
        m->routes[m->n_routes++] = BB_ROUTE_UNMATCHED;
    if (rec->bad || bb_envelope_read(rec->whole, &e, NULL) < 0)
        return 0;
    for (size_t i = 0; m->keys && i < sizeof(shown) / sizeof(*shown); i++)
        if (bb_envelope_get(&e, shown[i], &v) == 1)
            bb_put_str(bb_rows_pair(m->keys, shown[i]), v.ptr, v.len);
    if (m->event)
        bb_report_event(rec->whole, m->event);
    return 0;
}

void bb_report_message(struct bb_report *r, uint64_t seq, struct bb_report_message *m)
{
    struct reading g = {.m = m};

    bb_view_message(r->view, seq, on_record, &g);
    if (m->found)
        bb_view_name(r->view, g.endpoint, m->endpoint);
}

/* ---- rows and history --------------------------------------------------------------------------- */
static const char *state_name(unsigned state)
{
    return state < BB_D_STATES ? bb_dstate_names[state] : "unknown";
}

void bb_report_row(struct bb_rows *m, const struct bb_row *row)
{
    bool waits = row->state == BB_D_RETRYING || row->state == BB_D_PROBING;

    bb_rows_text(m, "state", state_name(row->state));
    bb_rows_number(m, "attempts", row->attempts);
    bb_rows_number(m, "sends", row->sends);
    bb_rows_number(m, "epoch", row->epoch);
    bb_rows_flag(m, "maybe_sent", row->flags & BB_ROW_MAYBE_SENT);
    bb_rows_flag(m, "overtaken", row->flags & BB_ROW_OVERTAKEN);
    bb_rows_time(m, "due", waits ? row->due_ms : 0);
    bb_rows_time(m, "sent", row->sent_ms);
}

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
    struct bb_rows one;
    /* what a plugin said is only passed on when it is canonical */
    bool detail = ev->detail.len && bb_value_check(ev->detail, NULL) == 0;

    h->last_ms = ev->time_ms;
    if (detail)
        reason_of(h, ev->detail);
    if (h->rows.n == HISTORY_MAX)
        return 1;
    bb_rows_begin(&one);
    bb_rows_time(&one, "at", ev->time_ms);
    bb_rows_text(&one, "state", state_name(ev->to));
    if (detail)
        bb_put_raw(bb_rows_pair(&one, "detail"), ev->detail);
    bb_rows_end_map(&one, bb_rows_item(&h->rows));
    return 0;
}

static void history_read(struct bb_report *r, uint32_t route, uint64_t seq, struct history *h)
{
    *h = (struct history){0};
    bb_rows_begin(&h->rows);
    bb_view_history(r->view, route, seq, take_event, h);
}

void bb_report_history(struct bb_report *r, uint32_t route, uint64_t seq, struct bb_rows *m)
{
    struct history h;

    history_read(r, route, seq, &h);
    bb_rows_end_array(&h.rows, bb_rows_pair(m, "history"));
}

/* ---- the list --------------------------------------------------------------------------------------- */
struct found {
    uint32_t route;
    uint64_t seq;
    struct bb_row row;
};
struct gather { /* the max that were accepted first, in that order, and the last one's own others */
    struct found *v;
    size_t n, max;
    enum bb_dstate state;
    bool more;
};

static int gather_row(void *arg, uint32_t route, uint64_t seq, uint64_t lane,
                      const struct bb_row *row)
{
    struct gather *g = arg;
    size_t at = g->n;

    (void)lane;
    if (row->state != g->state)
        return 0;
    while (at && g->v[at - 1].seq > seq)
        at--;
    if (at >= g->max && g->v[g->max - 1].seq < seq) {
        g->more = true;
        return 1; /* and so are the others of this route */
    }
    memmove(&g->v[at + 1], &g->v[at], (g->n++ - at) * sizeof(*g->v));
    g->v[at] = (struct found){route, seq, *row};
    for (; g->n > g->max && g->v[g->n - 1].seq > g->v[g->max - 1].seq; g->n--)
        g->more = true;
    return 0;
}

/* Route by route, since that is how they lie in the journal. */
static int gather(struct bb_report *r, const struct bb_query *q, uint32_t route, struct gather *g)
{
    int rc = 0;

    if (route != UINT32_MAX)
        return bb_view_open_rows(r->view, route, q->seq, SIZE_MAX, gather_row, g);
    for (size_t i = 0; i < r->n && rc >= 0; i++)
        if (r->routes[i].id != BB_ROUTE_UNMATCHED)
            rc = bb_view_open_rows(r->view, r->routes[i].id, q->seq, SIZE_MAX, gather_row, g);
    return rc < 0 ? rc
                  : bb_view_open_rows(r->view, BB_ROUTE_UNMATCHED, q->seq, SIZE_MAX, gather_row, g);
}

static void put_found(struct bb_report *r, const struct found *f, struct bb_rows *list)
{
    struct bb_report_message m = {0};
    struct bb_rows one;
    struct history h;
    char name[64];

    bb_rows_begin(&one);
    m.keys = &one;
    bb_report_message(r, f->seq, &m);
    history_read(r, f->route, f->seq, &h);
    bb_buf_free(&h.rows.b);
    bb_rows_text(&one, "route", bb_report_route(r, f->route, name));
    bb_rows_number(&one, "seq", f->seq);
    bb_rows_time(&one, "accepted", m.accept_ms);
    bb_rows_time(&one, "since", h.last_ms);
    bb_rows_text(&one, "endpoint", m.endpoint);
    bb_rows_text(&one, "reason", *h.reason ? h.reason : m.bad ? "its record is damaged"
                                 : m.conflict ? "same id as an earlier message, other content"
                                 : f->route == BB_ROUTE_UNMATCHED ? "no route matched" : "");
    bb_report_row(&one, &f->row);
    bb_rows_end_map(&one, bb_rows_item(list));
}

static int report_list(struct bb_report *r, const struct bb_query *q, struct bb_buf *out,
                       struct bb_fault *err)
{
    struct gather g = {.max = q->max ? q->max : 100,
                       .state = q->kind == BB_REPORT_HELD ? BB_D_HELD : BB_D_QUARANTINED};
    uint32_t route = UINT32_MAX;
    struct bb_rows list, answer;

    if (q->route && !route_id(r, q->route, &route, err))
        return 0;
    if (g.max > BB_REPORT_MAX)
        g.max = BB_REPORT_MAX;
    g.v = calloc(g.max + r->n + 2, sizeof(*g.v)); /* one message on every route, and one more */
    if (!g.v)
        return bb_fail(err, "out of memory");
    if (gather(r, q, route, &g) < 0) {
        free(g.v);
        return bb_fail(err, "cannot read the deliveries from the journal");
    }
    bb_rows_begin(&list);
    bb_rows_begin(&answer);
    for (size_t i = 0; i < g.n; i++)
        put_found(r, &g.v[i], &list);
    bb_rows_end_array(&list, bb_rows_pair(&answer, "deliveries"));
    if (g.more)
        bb_rows_number(&answer, "next", g.v[g.n - 1].seq + 1);
    else
        bb_put_nil(bb_rows_pair(&answer, "next"));
    bb_rows_end_map(&answer, out);
    free(g.v);
    return 1;
}

/* ---- one delivery -------------------------------------------------------------------------------------- */
static const struct mend {
    bool unmatched;
    uint8_t state, flags; /* all of these */
    bool named;           /* the delivery's name follows */
    const char *text;
} mends[] = {
    {true, BB_D_QUARANTINED, 0, false,
     "No route took it, or its id came before with other content. Add a route or correct the sender, "
     "and let the sender send it again under an id of its own."},
    {true, BB_D_QUARANTINED, 0, true, "Then put this one away: busbar quarantine discard"},
    {false, BB_D_QUARANTINED, BB_ROW_MAYBE_SENT, false,
     "It may have been applied: look into the target system before anything else."},
    {false, BB_D_QUARANTINED, BB_ROW_OVERTAKEN, false,
     "A later message of its lane went out since: an old state would land on a new one. Replay it "
     "with --overtaken only if that is right."},
    {false, BB_D_QUARANTINED, 0, true,
     "Correct the cause (in the target system, the message's sender or the route's mapping), then: "
     "busbar quarantine replay"},
    {false, BB_D_QUARANTINED, 0, true, "To give it up for good: busbar quarantine discard"},
    {false, BB_D_HELD, BB_ROW_MAYBE_SENT, false,
     "It may have been applied: look into the target system before anything else."},
    {false, BB_D_HELD, 0, true,
     "It holds its lane: later messages of the same key wait. Correct the cause, then: busbar hold "
     "release"},
    {false, BB_D_HELD, 0, true, "To give it up and let the lane go on: busbar quarantine discard"},
    {false, BB_D_RETRYING, 0, false, "Nothing to do: it is sent again by itself at the time shown."},
    {false, BB_D_PROBING, 0, false, "Nothing to do: the target is asked whether it was applied."},
};

static void put_mends(struct bb_rows *m, uint32_t route, const char *name, uint64_t seq,
                      const struct bb_row *row)
{
    struct bb_rows l;
    char text[512];

    bb_rows_begin(&l);
    for (const struct mend *p = mends; p < mends + sizeof(mends) / sizeof(*mends); p++) {
        if (p->unmatched != (route == BB_ROUTE_UNMATCHED) || p->state != row->state ||
            (row->flags & p->flags) != p->flags)
            continue;
        if (p->named)
            snprintf(text, sizeof(text), "%s %s/%" PRIu64, p->text, name, seq);
        bb_put_cstr(bb_rows_item(&l), p->named ? text : p->text);
    }
    bb_rows_end_array(&l, bb_rows_pair(m, "mend"));
}

static int report_delivery(struct bb_report *r, const struct bb_query *q, struct bb_buf *out,
                           struct bb_fault *err)
{
    struct bb_report_message m = {0};
    struct bb_row row = {0};
    struct bb_rows one;
    struct bb_buf event;
    uint32_t route;
    int rc;

    if (!route_id(r, q->route, &route, err))
        return 0;
    rc = bb_view_delivery(r->view, route, q->seq, &row);
    if (rc <= 0) {
        bb_fail(err, rc ? "cannot read message %" PRIu64 " of route \"%s\" from the journal"
                        : "message %" PRIu64 " is not a delivery of route \"%s\"", q->seq, q->route);
        return rc;
    }
    bb_buf_init(&event, BB_REPORT_BYTES);
    m.event = &event;
    bb_report_message(r, q->seq, &m);
    bb_rows_begin(&one);
    bb_rows_text(&one, "route", q->route);
    bb_rows_number(&one, "seq", q->seq);
    bb_rows_text(&one, "endpoint", m.endpoint);
    bb_rows_time(&one, "accepted", m.accept_ms);
    bb_report_row(&one, &row);
    bb_rows_flag(&one, "conflict", m.conflict);
    put_mends(&one, route, q->route, q->seq, &row);
    bb_report_history(r, route, q->seq, &one);
    if (event.len && !event.failed)
        bb_put_raw(bb_rows_pair(&one, "message"), (struct bb_bytes){event.ptr, event.len});
    else
        bb_put_nil(bb_rows_pair(&one, "message"));
    bb_rows_end_map(&one, out);
    bb_buf_free(&event);
    return 1;
}

int bb_report(struct bb_view *view, const struct bb_query *q, struct bb_buf *out,
              struct bb_fault *err)
{
    static int (*const reports[])(struct bb_report *, const struct bb_query *, struct bb_buf *,
                                  struct bb_fault *) = {
        [BB_REPORT_QUARANTINE] = report_list, [BB_REPORT_HELD] = report_list,
        [BB_REPORT_DELIVERY] = report_delivery, [BB_REPORT_TRACE] = bb_report_trace};
    struct bb_report r = {.view = view};
    int rc = bb_view_routes(view, add_route, &r);

    if (rc < 0)
        bb_fail(err, "cannot read the routes from the journal");
    else
        rc = reports[q->kind](&r, q, out, err);
    if (out->failed)
        rc = bb_fail(err, "the answer is too large: ask for less");
    free(r.routes);
    return rc;
}
