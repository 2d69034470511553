/*
 * setup.c - routes as conf.d and the journal have them, before the hub's thread runs
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

static int count_row(void *arg, uint64_t lane, uint64_t seq, const struct bb_row *row)
{
    struct hub_route *r = ((void **)arg)[0];
    struct bb_hub *h = ((void **)arg)[1];

    if (lane && seq > r->rows_to)
        r->rows_to = seq;
    r->ahead += r->impure && row->state == BB_D_RETRYING && hub_route_is_ahead(row);
    if (lane)
        ++*hub_filter_at(&h->filter, r->index, lane);
    return 0;
}

/* A route that is new and begins with the oldest has that begun in the operation that makes it known. */
static int route_register(struct bb_hub *h, struct hub_route *r, struct bb_view *v, struct bb_fault *err)
{
    struct bb_op op = {.kind = BB_OP_ROUTE};

    op.route.name = r->config->name;
    op.route.oldest = r->config->start == BB_START_OLDEST;
    hub_start_op(h, &op);
    if (op.status != BB_OK)
        return bb_fail(err, "route \"%s\": the journal does not take it: %s", r->config->name,
                       op.text);
    r->id = op.route.id;
    if (bb_matcher_init(&r->matcher, r->config->match, r->config->n_match, r->config->order_by) != 0)
        return bb_fail(err, "no memory for route \"%s\"", r->config->name);
    if (hub_route_unchanged(h, r, err) != 0)
        return -1;
    return op.route.join ? hub_route_join(h, r, v, op.route.join, op.route.join_end, err) : 0;
}

static int route_place(struct bb_hub *h, struct hub_route *r, struct bb_fault *err)
{
    struct bb_route_state st;

    if (bb_journal_route(h->journal, r->id, &st) != 0)
        return bb_fail(err, "route \"%s\": the journal does not show it", r->config->name);
    r->scan = r->frontier = st.frontier;
    r->tail = st.tail;
    r->mark = r->mark_asked = st.mark;
    r->recover = st.mark < st.tail ? st.mark : st.tail;
    r->due_next_ms = st.due_min_ms ? st.due_min_ms : 1;
    r->window = calloc(BB_WINDOW / 64, sizeof *r->window);
    if (!r->window)
        return bb_fail(err, "no memory for route \"%s\"", r->config->name);
    return 0;
}

static struct hub_endpoint *endpoint_named(struct bb_hub *h, const char *name)
{
    for (size_t i = 0; i < h->n_eps; i++)
        if (strcmp(h->eps[i].name, name) == 0)
            return &h->eps[i];
    return NULL;
}

static int route_init(struct bb_hub *h, size_t i, struct bb_view *v, struct bb_fault *err)
{
    struct hub_route *r = &h->routes[i];
    void *arg[2] = {r, h};

    r->index = (uint32_t)i;
    r->config = &h->gen->config->routes[i];
    r->paused = r->config->paused;
    r->impure = h->gen->impure && h->gen->impure[i];
    r->from = endpoint_named(h, r->config->from);
    r->to = endpoint_named(h, r->config->to);
    if (!r->from || !r->to)
        return bb_fail(err, "route \"%s\" names an endpoint that is not there", r->config->name);
    r->splits = bb_generation_splits(h->gen, r->config);
    r->renders = r->impure || r->splits;
    r->emits = h->gen->emits && h->gen->emits[i];
    hub_route_run_max(r, HUB_RUN_MAX);
    if (route_register(h, r, v, err) != 0 || route_place(h, r, err) != 0)
        return -1;
    if (bb_view_rows(v, r->id, count_row, arg) != 0)
        return bb_fail(err, "route \"%s\": its rows cannot be read", r->config->name);
    r->from->routes = hub_must(realloc(r->from->routes, (r->from->n_routes + 1) * sizeof(void *)));
    r->from->routes[r->from->n_routes++] = r;
    return 0;
}

int hub_routes_init(struct bb_hub *h, struct bb_fault *err)
{
    size_t n = h->gen->config->n_routes;
    struct bb_view *v = bb_view_of(h->journal);
    int rc = 0;

    if (!v)
        return bb_fail(err, "the journal cannot be read: no memory");
    h->n_routes = n;
    h->routes = hub_must(calloc(n ? n : 1, sizeof *h->routes));
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = route_init(h, i, v, err);
    if (rc == 0)
        hub_joins_give_up(h, v);
    bb_view_close(&v);
    if (rc == 0)
        hub_removed_say(h);
    return rc;
}
