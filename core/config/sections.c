/*
 * sections.c - endpoints, routes, journal and plugins: their keys, defaults and shapes
 *
 * The tables here are the reference that docs/configuration.md describes: a key, its kind, its
 * range. What needs more than a table (match, transform, a list of folders, a connector's own
 * keys) has a reader of its own.
 *
 * Thread: the loader's. Memory: the arena.
 */
#include "core/config/internal.h"

#include <limits.h>
#include <string.h>

#define MS 1u
#define SEC 1000u
#define MINUTE 60000u
#define HOUR 3600000ull
#define DAY (24 * HOUR)
#define KIB 1024ull
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TABLE(keys)                                                                                \
    {                                                                                              \
        keys, COUNT(keys)                                                                          \
    }

static void read_config(struct bb_load *l, struct bb_ynode *v, void *to);
static void read_match(struct bb_load *l, struct bb_ynode *v, void *to);
static void read_transform(struct bb_load *l, struct bb_ynode *v, void *to);
static void read_connector(struct bb_load *l, struct bb_ynode *v, void *to);
static void read_path(struct bb_load *l, struct bb_ynode *v, void *to);

static const struct bb_choice isolations[] = {
    {"process", BB_ISO_PROCESS}, {"thread", BB_ISO_THREAD}, {"remote", -1}, {NULL, 0}};
static const struct bb_choice unmatcheds[] = {{"quarantine", BB_UNMATCHED_QUARANTINE},
                                              {"refuse", BB_UNMATCHED_REFUSE},
                                              {"skip", BB_UNMATCHED_SKIP},
                                              {NULL, 0}};
static const struct bb_choice on_unknowns[] = {{"probe", BB_UNKNOWN_PROBE},
                                               {"retry", BB_UNKNOWN_RETRY},
                                               {"quarantine", BB_UNKNOWN_QUARANTINE},
                                               {NULL, 0}};
static const struct bb_choice on_failures[] = {{"hold-lane", BB_FAIL_HOLD_LANE},
                                               {"quarantine", BB_FAIL_QUARANTINE},
                                               {"skip", BB_FAIL_SKIP},
                                               {NULL, 0}};
static const struct bb_choice starts[] = {
    {"now", BB_START_NOW}, {"oldest", BB_START_OLDEST}, {NULL, 0}};
static const struct bb_choice backoffs[] = {{"exponential", 1}, {"fixed", 0}, {NULL, 0}};
static const struct bb_choice jitters[] = {{"full", 1}, {"none", 0}, {NULL, 0}};

#define AT(m) offsetof(struct bb_limit, m)
static const struct bb_key limit_keys[] = {
    {"rate", BB_K_RATE, 0, AT(rate), 0, 0, NULL, NULL},
    {"burst", BB_K_U32, 0, AT(burst), 1, 1000000, NULL, NULL},
    {"in_flight", BB_K_U32, 0, AT(in_flight), 1, 65536, NULL, NULL},
};
#undef AT
static const struct bb_table limit_table = TABLE(limit_keys);

#define AT(m) offsetof(struct bb_breaker, m)
static const struct bb_key breaker_keys[] = {
    {"failures", BB_K_U32, BB_KEY_ZERO, AT(failures), 1, 10000, NULL, NULL},
    {"open", BB_K_DURATION, 0, AT(open_ms), 10 * MS, HOUR, NULL, NULL},
    {"max", BB_K_DURATION, 0, AT(max_ms), 10 * MS, DAY, NULL, NULL},
};
#undef AT
static const struct bb_table breaker_table = TABLE(breaker_keys);

#define AT(m) offsetof(struct bb_endpoint_config, m)
static const struct bb_key endpoint_keys[] = {
    {"connector", BB_K_READ, BB_KEY_REQUIRED, AT(connector), 0, 0, NULL, read_connector},
    {"isolation", BB_K_ENUM, 0, AT(isolation), 0, 0, isolations, NULL},
    {"workers", BB_K_U32, 0, AT(workers), 1, 64, NULL, NULL},
    {"limit", BB_K_TABLE, 0, AT(limit), 0, 0, &limit_table, NULL},
    {"breaker", BB_K_TABLE, 0, AT(breaker), 0, 0, &breaker_table, NULL},
    {"probe_after", BB_K_DURATION, BB_KEY_ZERO, AT(probe_after_ms), 1 * MS, 7 * DAY, NULL, NULL},
    {"timeout", BB_K_DURATION, 0, AT(timeout_ms), 10 * MS, DAY, NULL, NULL},
    {"unmatched", BB_K_ENUM, 0, AT(unmatched), 0, 0, unmatcheds, NULL},
    {"claims", BB_K_BOOL, 0, AT(claims), 0, 0, NULL, NULL},
    {"batch_max", BB_K_U32, 0, AT(batch_max), 1, 4096, NULL, NULL},
    {"memory_max", BB_K_SIZE, BB_KEY_ZERO, AT(memory_max), 16 * MIB, 1024 * GIB, NULL, NULL},
    {"config", BB_K_READ, 0, AT(config), 0, 0, NULL, read_config},
    {"accept", BB_K_RESERVED, 0, 0, 0, 0, NULL, NULL},
};
#undef AT
const struct bb_table bb_table_endpoint = TABLE(endpoint_keys);

#define AT(m) offsetof(struct bb_retry, m)
static const struct bb_key retry_keys[] = {
    {"attempts", BB_K_U32, 0, AT(attempts), 1, 1000000, NULL, NULL},
    {"backoff", BB_K_CHOICE, 0, AT(exponential), 0, 0, backoffs, NULL},
    {"initial", BB_K_DURATION, 0, AT(initial_ms), 1 * MS, DAY, NULL, NULL},
    {"max", BB_K_DURATION, 0, AT(max_ms), 1 * MS, 7 * DAY, NULL, NULL},
    {"jitter", BB_K_CHOICE, 0, AT(full_jitter), 0, 0, jitters, NULL},
    {"retry_after_max", BB_K_DURATION, 0, AT(retry_after_max_ms), 1 * SEC, 7 * DAY, NULL, NULL},
    {"max_age", BB_K_DURATION, BB_KEY_ZERO, AT(max_age_ms), 1 * SEC, 3650 * DAY, NULL, NULL},
};
#undef AT
static const struct bb_table retry_table = TABLE(retry_keys);

#define AT(m) offsetof(struct bb_route_config, m)
static const struct bb_key route_keys[] = {
    {"from", BB_K_NAME, BB_KEY_REQUIRED, AT(from), 0, 0, NULL, NULL},
    {"match", BB_K_READ, 0, 0, 0, 0, NULL, read_match},
    {"transform", BB_K_READ, 0, 0, 0, 0, NULL, read_transform},
    {"to", BB_K_NAME, BB_KEY_REQUIRED, AT(to), 0, 0, NULL, NULL},
    {"order_by", BB_K_ATTRIBUTE, 0, AT(order_by), 0, 0, NULL, NULL},
    {"retry", BB_K_TABLE, 0, AT(retry), 0, 0, &retry_table, NULL},
    {"on_unknown", BB_K_ENUM, 0, AT(on_unknown), 0, 0, on_unknowns, NULL},
    {"on_failure", BB_K_ENUM, 0, AT(on_failure), 0, 0, on_failures, NULL},
    {"start", BB_K_ENUM, 0, AT(start), 0, 0, starts, NULL},
    {"commutative", BB_K_BOOL, 0, AT(commutative), 0, 0, NULL, NULL},
    {"paused", BB_K_BOOL, 0, AT(paused), 0, 0, NULL, NULL},
    {"emit", BB_K_RESERVED, 0, 0, 0, 0, NULL, NULL},
    {"sla", BB_K_RESERVED, 0, 0, 0, 0, NULL, NULL},
};
#undef AT
const struct bb_table bb_table_route = TABLE(route_keys);

#define AT(m) offsetof(struct bb_journal_config, m)
static const struct bb_key journal_keys[] = {
    {"map_size", BB_K_SIZE, 0, AT(map_size), 16 * MIB, 65536 * GIB, NULL, NULL},
    {"reserve", BB_K_SIZE, 0, AT(reserve), 1 * MIB, 1024 * GIB, NULL, NULL},
    {"retention", BB_K_DURATION, 0, AT(retention_ms), 1 * SEC, 36500 * DAY, NULL, NULL},
    {"claims_window", BB_K_DURATION, 0, AT(claims_window_ms), 1 * SEC, 36500 * DAY, NULL, NULL},
    {"claims_max", BB_K_U64, 0, AT(claims_max), 1, 1000000000, NULL, NULL},
    {"max_message", BB_K_SIZE, 0, AT(max_message), 1 * KIB, 64 * MIB, NULL, NULL},
    {"index", BB_K_BOOL, 0, AT(index), 0, 0, NULL, NULL},
};
#undef AT
const struct bb_table bb_table_journal = TABLE(journal_keys);

static const struct bb_key plugins_keys[] = {
    {"path", BB_K_READ, BB_KEY_REQUIRED, offsetof(struct bb_config, plugin_path), 0, 0, NULL,
     read_path},
};
const struct bb_table bb_table_plugins = TABLE(plugins_keys);

static const struct bb_endpoint_config endpoint_defaults = {
    .isolation = BB_ISO_PROCESS,
    .workers = 1,
    .limit = {.in_flight = 256},
    .breaker = {.failures = 5, .open_ms = SEC, .max_ms = MINUTE},
    .probe_after_ms = 2 * MINUTE,
    .timeout_ms = 30 * SEC,
    .unmatched = BB_UNMATCHED_QUARANTINE,
    .claims = true,
    .batch_max = 64,
    .memory_max = 512 * MIB,
};
static const struct bb_route_config route_defaults = {
    .retry = {.attempts = 10,
              .exponential = true,
              .initial_ms = 500,
              .max_ms = 5 * MINUTE,
              .full_jitter = true,
              .retry_after_max_ms = 10 * MINUTE,
              .max_age_ms = 3 * DAY},
    .on_unknown = BB_UNKNOWN_PROBE,
    .on_failure = BB_FAIL_DEFAULT,
    .start = BB_START_NOW,
};

/* ---- values with a shape of their own ------------------------------------------------------- */

/* A manifest's id: wider than a name, because a vendor may want a dot in it. */
static void read_connector(struct bb_load *l, struct bb_ynode *v, void *to)
{
    struct bb_endpoint_config *e = to;

    if (v->kind != BB_Y_SCALAR || bb_ynode_is_null(v)) {
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: connector: expected a connector's id, found %s",
                     l->what, bb_ynode_noun(v));
        return;
    }
    if (v->len > 63 || strspn(v->text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != v->len ||
        v->text[0] < 'a' || v->text[0] > 'z') {
        bb_diag_node(l->d, BB_SEV_ERROR, v,
                     "%s: connector: \"%s\" is not a connector's id: a letter, then a-z, 0-9, "
                     "\"-\", \"_\" and \".\"",
                     l->what, bb_ynode_shown(v).text);
        return;
    }
    e->connector = bb_arena_str(&l->p->arena, v->text, v->len);
}

/* A tree as msgpack in the arena. */
static struct bb_bytes tree_bytes(struct bb_load *l, const struct bb_ynode *n)
{
    struct bb_bytes out = {NULL, 0};
    struct bb_buf b;

    bb_buf_init(&b, 4 * BB_CONF_FILE_MAX);
    if (bb_emit_node(&b, n, l->what, l->d) == 0 && b.failed)
        bb_diag_node(l->d, BB_SEV_ERROR, n, "%s: too large", l->what);
    else if (!b.failed && (out.ptr = bb_arena_str(&l->p->arena, (const char *)b.ptr, b.len)))
        out.len = b.len;
    bb_buf_free(&b);
    return out;
}

static void read_config(struct bb_load *l, struct bb_ynode *v, void *to)
{
    struct bb_endpoint_config *e = to;

    if (v->kind == BB_Y_SCALAR && bb_ynode_is_null(v))
        return; /* "config:" with every key in a comment */
    if (v->kind != BB_Y_MAP) {
        bb_diag_node(l->d, BB_SEV_ERROR, v,
                     "%s: config: expected a map of the connector's keys, found %s", l->what,
                     bb_ynode_noun(v));
        return;
    }
    e->config = tree_bytes(l, v);
    e->config_where = bb_ynode_where(v);
    bb_load_root(l, e->config_where, v);
}

/* Standard attributes, for "did you mean"; any other valid name may be matched too. */
static const char *const attributes[] = {
    "specversion",   "id",          "source",       "type",        "subject",
    "time",          "dataschema",  "partitionkey", "traceparent", "datacontenttype",
    "correlationid", "causationid", "plant",        "item",        "revision",
    "change"};

static bool is_standard(const char *name)
{
    size_t i;

    for (i = 0; i < COUNT(attributes); i++)
        if (strcmp(attributes[i], name) == 0)
            return true;
    return false;
}

static void attribute_check(struct bb_load *l, const struct bb_ynode *n, const char *key)
{
    const char *near;

    if (is_standard(n->text) || !(near = bb_nearest(n->text, attributes, COUNT(attributes))))
        return;
    bb_diag_node(l->d, BB_SEV_WARNING, n,
                 "%s: %s: \"%s\" is no standard attribute (did you mean \"%s\"?)", l->what, key,
                 n->text, near);
}

static char *match_value(struct bb_load *l, const struct bb_ynode *v, const char *name)
{
    const char *star;

    if (v->kind == BB_Y_BAD)
        return NULL;
    if (v->kind != BB_Y_SCALAR || bb_ynode_is_null(v)) {
        bb_diag_node(l->d, BB_SEV_ERROR, v,
                     "%s: match.%s: expected a text or a list of texts, found %s", l->what, name,
                     bb_ynode_noun(v));
        return NULL;
    }
    star = strchr(v->text, '*');
    if (v->len == 0 || (star && star[1])) {
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: match.%s: %s", l->what, name,
                     v->len ? "\"*\" may only stand at the end: \"mfg.bom.*\""
                            : "an empty text matches nothing");
        return NULL;
    }
    return bb_arena_str(&l->p->arena, v->text, v->len); /* as written: 0010 stays 0010 */
}

static void read_rule(struct bb_load *l, const struct bb_ypair *p, struct bb_match_rule *r)
{
    struct bb_ynode *v = p->value;
    size_t i, n = v->kind == BB_Y_SEQ ? v->n : 1;

    if (!bb_value_is_attribute(p->key->text)) {
        bb_diag_node(l->d, BB_SEV_ERROR, p->key,
                     "%s: match: \"%s\" is not the name of an attribute: 1 to 20 of a-z and 0-9",
                     l->what, bb_ynode_shown(p->key).text);
        return;
    }
    attribute_check(l, p->key, "match");
    if (n == 0) {
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: match.%s: an empty list matches nothing", l->what,
                     p->key->text);
        return;
    }
    r->attribute = bb_arena_str(&l->p->arena, p->key->text, p->key->len);
    if (!(r->values = bb_arena_get(&l->p->arena, n * sizeof(*r->values))))
        return;
    for (i = 0; i < n; i++)
        if ((r->values[r->n] = match_value(l, v->kind == BB_Y_SEQ ? v->items[i] : v, p->key->text)))
            r->n++;
}

static void read_match(struct bb_load *l, struct bb_ynode *v, void *to)
{
    struct bb_route_config *r = to;
    size_t i;

    if (v->kind != BB_Y_MAP) {
        bb_diag_node(l->d, BB_SEV_ERROR, v,
                     "%s: match: expected a map of attributes and their values, found %s", l->what,
                     bb_ynode_noun(v));
        return;
    }
    if (!(r->match = bb_arena_get(&l->p->arena, (v->n + 1) * sizeof(*r->match))))
        return;
    for (i = 0; i < v->n; i++)
        if (!v->pairs[i].first)
            read_rule(l, &v->pairs[i], &r->match[r->n_match++]);
}

static void read_step(struct bb_load *l, struct bb_ynode *item, struct bb_route_config *r)
{
    struct bb_step_config *s = &r->steps[r->n_steps];
    struct bb_ypair *p = item->kind == BB_Y_MAP && item->n == 1 ? &item->pairs[0] : NULL;

    if (item->kind == BB_Y_BAD)
        return;
    if (!p) {
        bb_diag_node(l->d, BB_SEV_ERROR, item,
                     "%s: transform: a step is a map of one key, \"- kind: ...\"", l->what);
        return;
    }
    if (!bb_value_is_name(p->key->text)) {
        bb_diag_node(l->d, BB_SEV_ERROR, p->key, "%s: transform: \"%s\" is not a step's name",
                     l->what, bb_ynode_shown(p->key).text);
        return;
    }
    s->kind = bb_arena_str(&l->p->arena, p->key->text, p->key->len);
    s->config = tree_bytes(l, p->value);
    s->where = bb_ynode_where(p->key);
    bb_load_root(l, s->where, p->value);
    r->n_steps++;
}

static void read_transform(struct bb_load *l, struct bb_ynode *v, void *to)
{
    struct bb_route_config *r = to;
    size_t i;

    if (v->kind != BB_Y_SEQ) {
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: transform: expected a list of steps, found %s",
                     l->what, bb_ynode_noun(v));
        return;
    }
    if (!(r->steps = bb_arena_get(&l->p->arena, (v->n + 1) * sizeof(*r->steps))))
        return;
    for (i = 0; i < v->n; i++)
        read_step(l, v->items[i], r);
}

static void read_path(struct bb_load *l, struct bb_ynode *v, void *to)
{
    struct bb_config *c = to;
    size_t i, n = 0, count = v->kind == BB_Y_SEQ ? v->n : 1;
    const struct bb_ynode *x;
    char path[PATH_MAX];

    if (!(c->plugin_path = bb_arena_get(&l->p->arena, (count + 1) * sizeof(char *))))
        return;
    for (i = 0; i < count; i++) {
        x = v->kind == BB_Y_SEQ ? v->items[i] : v;
        if (x->kind == BB_Y_BAD)
            continue;
        if (x->kind != BB_Y_SCALAR || bb_ynode_is_null(x) || !x->len) {
            bb_diag_node(l->d, BB_SEV_ERROR, x, "%s: path: expected a folder, found %s", l->what,
                         bb_ynode_noun(x));
            continue;
        }
        if (snprintf(path, sizeof(path), "%s%s%s", x->text[0] == '/' ? "" : x->file->dir,
                     x->text[0] == '/' ? "" : "/", x->text) >= (int)sizeof(path)) {
            bb_diag_node(l->d, BB_SEV_ERROR, x, "%s: path: too long", l->what);
            continue;
        }
        if ((c->plugin_path[n] = bb_arena_str(&l->p->arena, path, strlen(path))))
            n++;
    }
}

/* ---- sections ------------------------------------------------------------------------------- */

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
    *e = endpoint_defaults;
    e->name = bb_arena_str(&l->p->arena, key->text, key->len);
    e->where = e->config_where = bb_ynode_where(key);
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
    *r = route_defaults;
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
        attribute_check(l, n->order_by, "order_by");
}

void bb_load_routes(struct bb_load *l, struct bb_ynode *map)
{
    size_t i;

    for (i = 0; i < map->n; i++)
        if (name_take(l, &l->route_names, "route", map->pairs[i].key))
            load_route(l, map->pairs[i].key, map->pairs[i].value);
}

void bb_load_journal_defaults(struct bb_journal_config *j)
{
    *j = (struct bb_journal_config){.map_size = 64 * GIB,
                                    .reserve = 64 * MIB,
                                    .retention_ms = 7 * DAY,
                                    .claims_window_ms = 7 * DAY,
                                    .claims_max = 5000000,
                                    .max_message = 16 * MIB,
                                    .index = true};
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
