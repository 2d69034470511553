/*
 * cross.c - what can only be seen when every file is read
 *
 * Names that routes use, values that must fit together, endpoints that nothing uses. When a file
 * could not be parsed, the names in it are unknown through no fault of the routes: then nothing is
 * said about names.
 */
#include "core/config/internal.h"

#define SUGGESTIONS_MAX 50u

static struct bb_hint name_hint(struct bb_load *l, const char *name)
{
    struct bb_hint h = {""};
    const char **names;
    size_t i;

    if (l->suggestions++ >= SUGGESTIONS_MAX || !l->c->n_endpoints)
        return h;
    if (!(names = bb_arena_get(&l->p->arena, l->c->n_endpoints * sizeof(*names))))
        return h;
    for (i = 0; i < l->c->n_endpoints; i++)
        names[i] = l->c->endpoints[i].name;
    return bb_hint_for(name, names, l->c->n_endpoints);
}

/* The endpoint that key names; NULL (reported) when there is none. */
static struct bb_endpoint_config *endpoint_find(struct bb_load *l, const struct bb_names *found,
                                                const struct bb_route_config *r, const char *key,
                                                const char *name, const struct bb_ynode *at)
{
    struct bb_endpoint_config *e;

    if (!name || l->broken)
        return NULL;
    if ((e = bb_names_get(found, name)))
        return e;
    if (!bb_names_get(&l->endpoint_names, name)) /* else it was there, and was faulty */
        bb_diag_node(l->d, BB_SEV_ERROR, at, "route \"%s\": %s: there is no endpoint \"%s\"%s",
                     r->name, key, bb_ynode_shown(at).text, name_hint(l, name).text);
    return NULL;
}

static void retry_check(struct bb_load *l, const struct bb_route_config *r,
                        const struct bb_route_nodes *n)
{
    const struct bb_ynode *initial = n->retry ? bb_ynode_get(n->retry, "initial") : NULL;
    const struct bb_ynode *max = n->retry ? bb_ynode_get(n->retry, "max") : NULL;
    char a[32], b[32];

    if (r->retry.initial_ms <= r->retry.max_ms || (!r->retry.exponential && !max))
        return;
    bb_format_duration(r->retry.initial_ms, a);
    bb_format_duration(r->retry.max_ms, b);
    bb_diag_node(l->d, BB_SEV_ERROR,
                 initial ? initial
                 : max   ? max
                         : n->name,
                 "route \"%s\": retry.initial (%s) is longer than retry.max (%s%s)", r->name, a, b,
                 max ? "" : " by default");
}

static void route_check(struct bb_load *l, const struct bb_names *found, struct bb_route_config *r,
                        const struct bb_route_nodes *n)
{
    struct bb_endpoint_config *e;

    if ((e = endpoint_find(l, found, r, "from", r->from, n->from)))
        e->is_source = true;
    if ((e = endpoint_find(l, found, r, "to", r->to, n->to)))
        e->is_sink = true;
    retry_check(l, r, n);
    if (r->on_failure == BB_FAIL_HOLD_LANE && !n->order_by)
        bb_diag_node(l->d, BB_SEV_ERROR, n->on_failure,
                     "route \"%s\": on_failure: hold-lane needs order_by, which says what a lane "
                     "is",
                     r->name);
    if (r->on_failure == BB_FAIL_DEFAULT)
        r->on_failure = r->order_by ? BB_FAIL_HOLD_LANE : BB_FAIL_QUARANTINE;
}

void bb_load_cross(struct bb_load *l)
{
    struct bb_names found = {0};
    const struct bb_endpoint_config *e;
    size_t i;

    if (l->p->arena.failed) /* names may be missing; load_end() says so */
        return;
    for (i = 0; i < l->c->n_endpoints; i++)
        (void)bb_names_add(&found, &l->p->arena, l->c->endpoints[i].name, &l->c->endpoints[i]);
    for (i = 0; i < l->c->n_routes; i++)
        route_check(l, &found, &l->c->routes[i], &l->route_nodes[i]);
    if (l->broken || l->d->errors)
        return; /* a faulty route may be the one that uses it */
    for (i = 0; i < l->c->n_endpoints; i++) {
        e = &l->c->endpoints[i];
        if (!e->is_source && !e->is_sink)
            bb_diag_node(l->d, BB_SEV_WARNING, l->p->nodes[i].name,
                         "endpoint \"%s\" is not used by any route", e->name);
    }
}
