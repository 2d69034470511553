/*
 * sections.c - what the sections of a file say, added to the configuration
 *
 * Thread: the loader's. Memory: the arena.
 */
#include "core/config/internal.h"

#include <string.h>

/* The name of an endpoint or route; false when it is not one or is taken (reported). */
static bool name_take(struct bb_load *l, struct bb_names *names, const char *noun,
                      struct bb_ynode *key)
{
    struct bb_where w;
    struct bb_ynode *first;

    if (!bb_value_is_name(key->text)) {
        bb_diag_node(l->d, BB_SEV_ERROR, key,
                     "\"%s\" is no name for %s %s: a letter, then up to 62 of a-z, 0-9 and -",
                     bb_ynode_shown(key).text, *noun == 'e' ? "an" : "a", noun);
        return false;
    }
    first = bb_names_add(names, &l->p->arena, key->text, key);
    if (!first)
        return true;
    w = bb_ynode_where(first);
    bb_diag_node(l->d, BB_SEV_ERROR, key, "%s \"%s\" is defined twice; first at %s:%u:%u", noun,
                 key->text, w.file, w.line, w.col);
    return false;
}

/* True when the body of a named thing is a map; an empty one is reported as what it lacks. */
static bool body_check(struct bb_load *l, const struct bb_ynode *v)
{
    if (v->kind == BB_Y_MAP)
        return true;
    if (v->kind != BB_Y_BAD)
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: expected a map, found %s", l->what,
                     bb_ynode_noun(v));
    return false;
}

/* Where to say that the two do not fit together. */
static const struct bb_ynode *breaker_place(const struct bb_ynode *body, const struct bb_ynode *key)
{
    const struct bb_ynode *b = bb_ynode_get(body, "breaker"), *v;

    if ((v = bb_ynode_get(b, "open")) || (v = bb_ynode_get(b, "max")))
        return v;
    return key;
}

static void load_endpoint(struct bb_load *l, struct bb_ynode *key, struct bb_ynode *body)
{
    struct bb_config *c = l->c;
    struct bb_endpoint_config *e;
    struct bb_endpoint_nodes *n;
    const struct bb_ynode *limit = bb_ynode_get(body, "limit");
    struct bb_buf b;
    void *ev, *nv;

    snprintf(l->what, sizeof(l->what), "endpoint \"%s\"", key->text);
    if (!body_check(l, body))
        return;
    if (c->n_endpoints == BB_CONF_ENDPOINTS_MAX) {
        bb_diag_node(l->d, BB_SEV_ERROR, key, "more than %u endpoints", BB_CONF_ENDPOINTS_MAX);
        return;
    }
    ev = bb_arena_grow(&l->p->arena, c->endpoints, c->n_endpoints, &l->cap_endpoints, sizeof(*e));
    nv = bb_arena_grow(&l->p->arena, l->p->nodes, c->n_endpoints, &l->cap_nodes, sizeof(*n));
    if (!ev || !nv)
        return;
    c->endpoints = ev;
    l->p->nodes = nv;
    e = &c->endpoints[c->n_endpoints];
    n = &l->p->nodes[c->n_endpoints++];
    *e = bb_endpoint_defaults;
    e->name = bb_arena_str(&l->p->arena, key->text, key->len);
    e->where = e->config_where = bb_ynode_where(key);
    bb_load_root(l, e->where, body);
    n->name = key;
    n->connector = bb_ynode_get(body, "connector");
    n->config = bb_ynode_get(body, "config");
    bb_table_read(l, &bb_table_endpoint, body, key, "", e);
    if (!e->config.ptr) { /* an empty map is a map */
        bb_buf_init(&b, 16);
        bb_put_map(&b, 0);
        if (!b.failed && (e->config.ptr = bb_arena_str(&l->p->arena, (const char *)b.ptr, b.len)))
            e->config.len = b.len;
        bb_buf_free(&b);
    }
    if (e->limit.rate > 0 && e->limit.burst == 0) {
        e->limit.burst = (uint32_t)e->limit.rate;
        e->limit.burst += (double)e->limit.burst < e->limit.rate;
    }
    if (bb_ynode_get(limit, "burst") && !bb_ynode_get(limit, "rate"))
        bb_diag_node(l->d, BB_SEV_WARNING, bb_ynode_get(limit, "burst"),
                     "%s: limit.burst does nothing without limit.rate", l->what);
    if (e->breaker.open_ms > e->breaker.max_ms)
        bb_diag_node(l->d, BB_SEV_ERROR, breaker_place(body, key),
                     "%s: breaker.open is longer than breaker.max", l->what);
}

void bb_load_endpoints(struct bb_load *l, struct bb_ynode *map)
{
    size_t i;

    for (i = 0; i < map->n; i++)
        if (name_take(l, &l->endpoint_names, "endpoint", map->pairs[i].key))
            load_endpoint(l, map->pairs[i].key, map->pairs[i].value);
}

static void load_route(struct bb_load *l, struct bb_ynode *key, struct bb_ynode *v)
{
    struct bb_config *c = l->c;
    struct bb_route_config *r;
    struct bb_route_nodes *n;
    void *rv, *nv;

    snprintf(l->what, sizeof(l->what), "route \"%s\"", key->text);
    if (!body_check(l, v))
        return;
    if (c->n_routes == BB_CONF_ROUTES_MAX) {
        bb_diag_node(l->d, BB_SEV_ERROR, key, "more than %u routes", BB_CONF_ROUTES_MAX);
        return;
    }
    rv = bb_arena_grow(&l->p->arena, c->routes, c->n_routes, &l->cap_routes, sizeof(*r));
    nv = bb_arena_grow(&l->p->arena, l->route_nodes, c->n_routes, &l->cap_route_nodes, sizeof(*n));
    if (!rv || !nv)
        return;
    c->routes = rv;
    l->route_nodes = nv;
    r = &c->routes[c->n_routes];
    n = &l->route_nodes[c->n_routes++];
    *r = bb_route_defaults;
    r->name = bb_arena_str(&l->p->arena, key->text, key->len);
    r->where = bb_ynode_where(key);
    *n = (struct bb_route_nodes){.name = key,
                                 .from = bb_ynode_get(v, "from"),
                                 .to = bb_ynode_get(v, "to"),
                                 .order_by = bb_ynode_get(v, "order_by"),
                                 .on_failure = bb_ynode_get(v, "on_failure"),
                                 .retry = bb_ynode_get(v, "retry")};
    bb_table_read(l, &bb_table_route, v, key, "", r);
    if (r->order_by)
        bb_attribute_hint(l, n->order_by, "order_by");
}

void bb_load_routes(struct bb_load *l, struct bb_ynode *map)
{
    size_t i;

    for (i = 0; i < map->n; i++)
        if (name_take(l, &l->route_names, "route", map->pairs[i].key))
            load_route(l, map->pairs[i].key, map->pairs[i].value);
}

void bb_load_journal(struct bb_load *l, struct bb_ynode *map)
{
    struct bb_journal_config *j = &l->c->journal;
    struct bb_ynode *at;

    snprintf(l->what, sizeof(l->what), "journal");
    bb_table_read(l, &bb_table_journal, map, map->at, "", j);
    at = bb_ynode_get(map, "reserve");
    at = at ? at : bb_ynode_get(map, "map_size");
    if (at && j->reserve > j->map_size / 2)
        bb_diag_node(l->d, BB_SEV_ERROR, at,
                     "journal: reserve may be at most half of map_size, or nothing fits");
}

void bb_load_plugins(struct bb_load *l, struct bb_ynode *map)
{
    snprintf(l->what, sizeof(l->what), "plugins");
    bb_table_read(l, &bb_table_plugins, map, map->at, "", l->c);
}
