/*
 * report.c - lists of open deliveries, and what all reports need: names and messages
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

/* ---- routes' names --------------------------------------------------------------------------- */
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

int bb_report_route_id(const struct bb_report *r, const char *name, uint32_t *id,
                       struct bb_fault *err)
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

/* ---- messages -------------------------------------------------------------------------------- */
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

/* ---- the list -------------------------------------------------------------------------------- */
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
    struct bb_report_story h;
    char name[64];

    bb_rows_begin(&one);
    m.keys = &one;
    bb_report_message(r, f->seq, &m);
    bb_report_history_read(r, f->route, f->seq, &h);
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

    if (q->route && !bb_report_route_id(r, q->route, &route, err))
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

int bb_report(struct bb_view *view, const struct bb_query *q, struct bb_buf *out,
              struct bb_fault *err)
{
    static int (*const reports[])(struct bb_report *, const struct bb_query *, struct bb_buf *,
                                  struct bb_fault *) = {
        [BB_REPORT_QUARANTINE] = report_list, [BB_REPORT_HELD] = report_list,
        [BB_REPORT_DELIVERY] = bb_report_delivery, [BB_REPORT_TRACE] = bb_report_trace};
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
