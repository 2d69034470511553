/*
 * sections.c - what the tables of keys cannot say: things with a name, match, transform, a
 * connector's keys, folders; and what can only be seen when every file is read
 *
 * When a file could not be parsed, the names in it are unknown through no fault of the routes: then
 * nothing is said about names.
 *
 * Thread: the loader's. Memory: the arena.
 */
#include "core/config/internal.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* ---- things with a name ------------------------------------------------------------- */
static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct bb_node *)a)->text, ((const struct bb_node *)b)->text);
}

bool bb_name_take(struct bb_read *x, void **tree, const struct bb_node *n, const char *noun)
{
    const struct bb_node *const *first = tsearch(n, tree, by_text);
    struct bb_where w;

    x->arena->failed |= !first;
    if (!first || *first == n)
        return first != NULL;
    w = bb_node_where(*first);
    bb_diag(x->d, BB_SEV_ERROR, bb_at(n), "%s \"%s\" is given twice; first at %s:%u:%u", noun,
            bb_node_shown(n).text, w.file, w.line, w.col);
    return false;
}

/* True when the thing at c can be read into a place of its own. */
bool bb_thing_begin(struct bb_read *x, void **names, const char *noun, const struct bb_node *c,
                        size_t n, size_t max)
{
    static const struct bb_spec name = {.types = BB_TYPE_STR, .format = BB_F_NAME};
    bool bad = x->bad, good;

    snprintf(x->what, sizeof(x->what), "%s", noun);
    x->path[0] = 0;
    x->bad = false;
    bb_read(x, c->key, &name, NULL, NULL);
    good = !x->bad && !c->again && bb_name_take(x, names, c->key, noun);
    x->bad |= bad;
    snprintf(x->what, sizeof(x->what), "%s \"%s\"", noun, c->key->text);
    if (good && n == max)
        bb_say(x, c->key, "is one too many: at most %zu", max);
    else if (good && c->kind != BB_MAP && c->kind != BB_BAD)
        bb_say_kind(x, c, &bb_spec_endpoint);
    return good && n < max && c->kind == BB_MAP;
}

static void endpoint_read(struct bb_read *x, const struct bb_node *c, struct bb_endpoint_config *e)
{
    const struct bb_node *limit = bb_node_get(c, "limit"), *breaker = bb_node_get(c, "breaker");
    const struct bb_node *at = bb_node_get(breaker, "open");

    bb_read_none(&bb_spec_endpoint, e);
    e->name = bb_arena_str(x->arena, c->key->text, c->key->len);
    e->where = e->config_where = bb_node_where(c);
    e->config = (struct bb_bytes){"\x80", 1}; /* an empty map */
    bb_read(x, c, &bb_spec_endpoint, e, NULL);
    if (e->limit.rate > 0 && e->limit.burst == 0) {
        e->limit.burst = (uint32_t)e->limit.rate;
        e->limit.burst += (double)e->limit.burst < e->limit.rate;
    }
    if (bb_node_get(limit, "burst") && !bb_node_get(limit, "rate"))
        bb_diag(x->d, BB_SEV_WARNING, bb_at(bb_node_get(limit, "burst")),
                "%s: limit.burst does nothing without limit.rate", x->what);
    at = at ? at : bb_node_get(breaker, "max");
    if (at && e->breaker.open_ms > e->breaker.max_ms)
        bb_say(x, at, "breaker.open is longer than breaker.max");
}

void bb_read_endpoints(struct bb_read *x, const struct bb_node *map, void *to)
{
    struct bb_config *c = to;
    const struct bb_node *n;
    void *v;

    for (n = map->child; n; n = n->next) {
        if (!bb_thing_begin(x, &x->load->endpoints, "endpoint", n, c->n_endpoints,
                         BB_CONF_ENDPOINTS_MAX))
            continue;
        if (!(v = bb_arena_grow(x->arena, c->endpoints, c->n_endpoints, sizeof(*c->endpoints))))
            return;
        c->endpoints = v;
        endpoint_read(x, n, &c->endpoints[c->n_endpoints++]);
    }
    x->what[0] = 0;
}

/* Standard attributes, for "did you mean"; any other valid name may be used too. */
static void attribute_hint(struct bb_read *x, const struct bb_node *n, const char *key)
{
    static const char *const attributes[] = {
        "specversion",   "id",          "source",       "type",        "subject",
        "time",          "dataschema",  "partitionkey", "traceparent", "datacontenttype",
        "correlationid", "causationid", "plant",        "item",        "revision",
        "change"};
    const char *near = bb_nearest(n->text, attributes, BB_COUNT(attributes));

    if (near && strcmp(near, n->text) != 0)
        bb_diag(x->d, BB_SEV_WARNING, bb_at(n),
                "%s: %s: \"%s\" is no standard attribute (did you mean \"%s\"?)", x->what, key,
                n->text, near);
}

void bb_read_routes(struct bb_read *x, const struct bb_node *map, void *to)
{
    struct bb_config *c = to;
    struct bb_route_config *r;
    const struct bb_node *n;
    void *v;

    for (n = map->child; n; n = n->next) {
        if (!bb_thing_begin(x, &x->load->routes, "route", n, c->n_routes, BB_CONF_ROUTES_MAX))
            continue;
        if (!(v = bb_arena_grow(x->arena, c->routes, c->n_routes, sizeof(*c->routes))))
            return;
        c->routes = v;
        r = &c->routes[c->n_routes++];
        bb_read_none(&bb_spec_route, r);
        r->name = bb_arena_str(x->arena, n->key->text, n->key->len);
        r->where = bb_node_where(n);
        bb_read(x, n, &bb_spec_route, r, NULL);
        if (r->order_by)
            attribute_hint(x, bb_node_get(n, "order_by"), "order_by");
    }
    x->what[0] = 0;
}

/* ---- values with a shape of their own ----------------------------------------------- */
struct bb_bytes bb_tree_bytes(struct bb_read *x, const struct bb_node *n)
{
    struct bb_bytes out = {NULL, 0};
    struct bb_buf b;

    bb_buf_init(&b, 4 * BB_CONF_FILE_MAX);
    bb_read(x, n, &bb_spec_any, NULL, &b);
    if (b.failed)
        bb_say(x, n, "is too large");
    else if ((out.ptr = bb_arena_str(x->arena, (const char *)b.ptr, b.len)))
        out.len = b.len;
    bb_buf_free(&b);
    return out;
}

void bb_read_config(struct bb_read *x, const struct bb_node *n, void *to)
{
    struct bb_endpoint_config *e = to;

    if (n->kind != BB_MAP)
        return; /* "config:" with every key in a comment */
    e->config = bb_tree_bytes(x, n);
    e->config_where = bb_node_where(n);
}

/* A text, or a list of texts, as n pointers and NULL. */
char **bb_texts_read(struct bb_read *x, const struct bb_node *list, const struct bb_spec *k,
                         size_t *n)
{
    const struct bb_node *one = list->kind == BB_LIST ? list->child : list;
    char **v = bb_arena_get(x->arena, (list->n + 2) * sizeof(*v));

    if (!one)
        bb_say(x, list, "the list is empty");
    for (*n = 0; v && one; one = list->kind == BB_LIST ? one->next : NULL) {
        bb_read(x, one, k, &v[*n], NULL);
        *n += v[*n] != NULL;
    }
    return v;
}

struct bb_match_rule *bb_match_read(struct bb_read *x, const struct bb_node *n, size_t *count)
{
    static const struct bb_spec name = {.types = BB_TYPE_STR, .format = BB_F_ATTRIBUTE};
    static const struct bb_spec value = {
        .types = BB_TYPE_STR, .format = BB_F_PREFIX, .size = sizeof(char *)};
    struct bb_match_rule *v = bb_arena_get(x->arena, (n->n + 1) * sizeof(*v)), *rule;
    const struct bb_node *c;
    size_t len;

    *count = 0;
    if (!v)
        return NULL;
    for (c = n->child; c; c = c->next) {
        bb_read(x, c->key, &name, NULL, NULL);
        attribute_hint(x, c->key, "match");
        rule = &v[*count];
        len = bb_path_enter(x, c->key->text, 0);
        rule->attribute = bb_arena_str(x->arena, c->key->text, c->key->len);
        rule->values = bb_texts_read(x, c, &value, &rule->n); /* as written: 0010 stays 0010 */
        *count += !c->again;
        x->path[len] = 0;
    }
    return v;
}

void bb_read_match(struct bb_read *x, const struct bb_node *n, void *to)
{
    struct bb_route_config *r = to;

    r->match = bb_match_read(x, n, &r->n_match);
}

static struct bb_step_config *steps_read(struct bb_read *x, const struct bb_node *n, size_t *count)
{
    static const struct bb_spec kind = {.types = BB_TYPE_STR, .format = BB_F_NAME};
    struct bb_step_config *v = bb_arena_get(x->arena, (n->n + 1) * sizeof(*v)), *s;
    const struct bb_node *c;

    if (!v)
        return NULL;
    for (c = n->child; c; c = c->next) {
        if (c->kind != BB_MAP || c->n != 1) {
            bb_say(x, c, "a step is a map of one key, \"- kind: ...\"");
            continue;
        }
        bb_read(x, c->child->key, &kind, NULL, NULL);
        s = &v[(*count)++];
        s->kind = bb_arena_str(x->arena, c->child->key->text, c->child->key->len);
        s->config = bb_tree_bytes(x, c->child);
        s->where = bb_node_where(c);
    }
    return v;
}

void bb_read_transform(struct bb_read *x, const struct bb_node *n, void *to)
{
    struct bb_route_config *r = to;

    r->steps = steps_read(x, n, &r->n_steps);
}

void bb_read_accept(struct bb_read *x, const struct bb_node *n, void *to)
{
    struct bb_endpoint_config *e = to;

    e->accept = steps_read(x, n, &e->n_accept);
}

void bb_read_waive(struct bb_read *x, const struct bb_node *n, void *to)
{
    struct bb_route_config *r = to;
    const struct bb_node *c;

    if (!(r->waive = bb_arena_get(x->arena, (n->n + 1) * sizeof(*r->waive))))
        return;
    for (c = n->child; c; c = c->next) {
        if (c->kind == BB_MAP)
            bb_read(x, c, &bb_spec_waiver, &r->waive[r->n_waive++], NULL);
        else
            bb_say(x, c, "a waiver is a map, {feature: alternates, owner: \"...\", until: \"2026-12-31\"}");
    }
}

void bb_read_plugin_path(struct bb_read *x, const struct bb_node *n, void *to)
{
    static const struct bb_spec folder = {
        .types = BB_TYPE_STR, .format = BB_F_PATH, .size = sizeof(char *)};
    size_t count;

    ((struct bb_config *)to)->plugin_path = bb_texts_read(x, n, &folder, &count);
}

/* ---- all of it together ------------------------------------------------------------- */
/* Does the route take nothing but what routes to its `from` emit? Then that one need not be a source. */
static bool only_emitted(const struct bb_config *c, const struct bb_route_config *r)
{
    for (size_t m = 0; m < r->n_match; m++) {
        size_t known = 0;

        if (!r->match[m].attribute || strcmp(r->match[m].attribute, "type") != 0)
            continue;
        for (size_t k = 0; k < r->match[m].n; k++)
            for (size_t i = 0; i < c->n_routes; i++)
                if (c->routes[i].emit.type && c->routes[i].to && strcmp(c->routes[i].to, r->from) == 0 &&
                    strcmp(c->routes[i].emit.type, r->match[m].values[k]) == 0) {
                    known++;
                    break;
                }
        return known == r->match[m].n;
    }
    return false;
}

/* Marks the endpoint that a route's key names as used so, or reports that there is none. */
static void endpoint_use(struct bb_read *x, const struct bb_route_config *r, const char *key,
                         const char *name, bool sink)
{
    const struct bb_node *at = bb_node_get(r->where.node, key);
    struct bb_node wanted = {.text = name};
    struct bb_config *c = x->c;
    size_t i;

    if (!name || x->load->broken)
        return;
    for (i = 0; i < c->n_endpoints && strcmp(c->endpoints[i].name, name) != 0; i++)
        ;
    if (i < c->n_endpoints) {
        c->endpoints[i].is_sink |= sink;
        c->endpoints[i].is_source |= !sink && !only_emitted(c, r);
    } else if (!tfind(&wanted, &x->load->endpoints, by_text)) { /* else it was faulty */
        bb_say(x, at, "%s: there is no endpoint \"%s\"%s", key, bb_node_shown(at).text,
               bb_hint(x, name, c->endpoints, c->n_endpoints, sizeof(*c->endpoints)).text);
    }
}

/* Endpoints that the route's steps ask: whether they may is for those who know the manifests. */
static void endpoints_ask(struct bb_config *c, const struct bb_route_config *r)
{
    struct bb_bytes v, name;

    for (size_t k = 0; k < r->n_steps; k++) {
        if (!r->steps[k].kind || strcmp(r->steps[k].kind, "enrich") != 0 ||
            bb_map_get(r->steps[k].config, "from", &v) != 1 || bb_as_str(v, &name) != 1)
            continue;
        for (size_t i = 0; i < c->n_endpoints; i++)
            c->endpoints[i].is_asked |= bb_bytes_are(name, c->endpoints[i].name);
    }
}

static void retry_check(struct bb_read *x, const struct bb_route_config *r)
{
    const struct bb_node *retry = bb_node_get(r->where.node, "retry");
    const struct bb_node *initial = bb_node_get(retry, "initial"), *max = bb_node_get(retry, "max");
    char a[32], b[32];

    if (r->retry.initial_ms <= r->retry.max_ms || (!r->retry.exponential && !max))
        return;
    bb_say(x, initial ? initial : max, "retry.initial (%s) is longer than retry.max (%s%s)",
           bb_value_format((double)r->retry.initial_ms, BB_UNIT_DURATION, a),
           bb_value_format((double)r->retry.max_ms, BB_UNIT_DURATION, b), max ? "" : " by default");
}

void bb_load_cross(struct bb_read *x)
{
    const struct bb_node *at = bb_node_get(x->load->journal, "reserve");
    struct bb_config *c = x->c;
    struct bb_route_config *r;
    size_t i;

    for (i = 0; i < c->n_routes && !x->arena->failed; i++) {
        r = &c->routes[i];
        snprintf(x->what, sizeof(x->what), "route \"%s\"", r->name);
        endpoint_use(x, r, "from", r->from, false);
        endpoint_use(x, r, "to", r->to, true);
        retry_check(x, r);
        endpoints_ask(c, r);
        if (r->on_failure == BB_FAIL_HOLD_LANE && !bb_node_get(r->where.node, "order_by"))
            bb_say(x, bb_node_get(r->where.node, "on_failure"),
                   "on_failure: hold-lane needs order_by, which says what a lane is");
        if (r->on_failure == BB_FAIL_DEFAULT)
            r->on_failure = r->order_by ? BB_FAIL_HOLD_LANE : BB_FAIL_QUARANTINE;
    }
    bb_ownership_cross(x);
    at = at ? at : bb_node_get(x->load->journal, "map_size");
    if (at && c->journal.reserve > c->journal.map_size / 2)
        bb_diag(x->d, BB_SEV_ERROR, bb_at(at),
                "journal: reserve may be at most half of map_size, or nothing fits");
    for (i = 0; i < c->n_endpoints && !x->load->broken && !x->d->errors; i++)
        if (!c->endpoints[i].is_source && !c->endpoints[i].is_sink && !c->endpoints[i].is_asked)
            bb_diag(x->d, BB_SEV_WARNING, bb_at(c->endpoints[i].where.node),
                    "endpoint \"%s\" is not used by any route", c->endpoints[i].name);
}
