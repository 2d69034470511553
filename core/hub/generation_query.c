/*
 * generation_query.c - questions between endpoints: who asks whom, and that nobody asks himself
 *
 * A step of a route makes the host of the route's sink ask another endpoint. Each question is looked
 * up in the asked endpoint's manifest while the step is compiled; when all are known, circles are
 * refused: endpoints that wait for each other's answers would all stand still when one of them is slow.
 *
 * Thread: any, before the hub starts. Ownership: the generation's.
 */
#include "core/hub/generation_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPS_MAX 256 /* of one manifest, for "did you mean" */
#define CIRCLE_SHOWN 8

static size_t endpoint_at(const struct bb_generation *g, const char *name)
{
    size_t i = 0;

    while (i < g->config->n_endpoints && strcmp(g->config->endpoints[i].name, name) != 0)
        i++;
    return i;
}

static int no_endpoint(const struct bb_generation *g, const char *name, struct bb_fault *err)
{
    const char **names = calloc(g->config->n_endpoints + 1, sizeof *names), *near;

    if (!names)
        return bb_fail(err, "out of memory");
    for (size_t i = 0; i < g->config->n_endpoints; i++)
        names[i] = g->config->endpoints[i].name;
    near = bb_nearest(name, names, g->config->n_endpoints);
    if (near)
        bb_fail(err, "there is no endpoint \"%.64s\" (did you mean \"%.64s\"?)", name, near);
    else
        bb_fail(err, "there is no endpoint \"%.64s\"", name);
    free(names);
    return -1;
}

struct ops { /* of a manifest */
    char text[OPS_MAX][64];
    const char *names[OPS_MAX];
    size_t n;
};

static void ops_read(struct ops *o, const struct bb_manifest *m)
{
    struct bb_bytes list;
    struct bb_cur c;
    struct bb_tok t;

    o->n = 0;
    if (bb_map_get(m->raw, "queries", &list) != 1)
        return;
    c = bb_cur_of(list);
    if (bb_cur_next(&c, &t) < 0 || t.kind != BB_T_ARRAY)
        return;
    for (uint32_t n = t.n; n && o->n < OPS_MAX && bb_cur_next(&c, &t) == 0; n--) {
        if (t.kind != BB_T_STR || t.s.len >= sizeof o->text[0])
            continue;
        memcpy(o->text[o->n], t.s.ptr, t.s.len);
        o->text[o->n][t.s.len] = '\0';
        o->names[o->n] = o->text[o->n];
        o->n++;
    }
}

static int no_op(const struct bb_gen_endpoint *e, const char *op, const struct ops *o, struct bb_fault *err)
{
    const char *near = bb_nearest(op, o->names, o->n), *name = e->config->name;
    char list[100] = "";
    size_t len = 0;

    if (!o->n || !e->manifest.query)
        return bb_fail(err, "connector \"%.40s\" of endpoint \"%.40s\" answers no queries",
                       e->config->connector, name);
    if (near)
        return bb_fail(err, "endpoint \"%.40s\" has no query \"%.40s\" (did you mean \"%.40s\"?)", name, op,
                       near);
    for (size_t i = 0; i < o->n && len < sizeof list; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "", o->names[i]);
    return bb_fail(err, "endpoint \"%.40s\" has no query \"%.40s\"; it has %s", name, op, list);
}

static int query_add(struct gen_compiling *c, size_t step, size_t asked, const char *op, struct bb_fault *err)
{
    struct bb_generation *g = c->g;
    struct bb_gen_query *v = realloc(g->queries, (g->n_queries + 1) * sizeof *v), *q;

    if (!v)
        return bb_fail(err, "out of memory");
    g->queries = v;
    q = &v[g->n_queries++];
    *q = (struct bb_gen_query){
        .route = c->route, .step = step, .asker = endpoint_at(g, c->route->to), .asked = asked};
    snprintf(q->op, sizeof q->op, "%s", op);
    return 0;
}

int gen_step_query(void *arg, uint32_t step, const char *endpoint, const char *op, const char **key,
                   struct bb_fault *err)
{
    struct gen_compiling *c = arg;
    size_t asked = endpoint_at(c->g, endpoint);
    const struct bb_gen_endpoint *e;
    struct ops *o;
    size_t i = 0;
    int rc;

    *key = "from";
    if (asked == c->g->config->n_endpoints)
        return no_endpoint(c->g, endpoint, err);
    e = &c->g->endpoints[asked];
    *key = "query";
    if (!*e->manifest.id) /* the endpoint's own error has been said */
        return query_add(c, step, asked, op, err);
    o = calloc(1, sizeof *o);
    if (!o)
        return bb_fail(err, "out of memory");
    ops_read(o, &e->manifest);
    while (i < o->n && strcmp(o->names[i], op) != 0)
        i++;
    rc = i < o->n && e->manifest.query ? query_add(c, step, asked, op, err) : no_op(e, op, o, err);
    free(o);
    return rc;
}

/* ---- circles ---------------------------------------------------------------------------------------- */
static bool stands(const struct bb_generation *g, const struct bb_gen_query *q, const bool *gone)
{
    return q->asker < g->config->n_endpoints && !gone[q->asker] && !gone[q->asked];
}

/* Takes away who asks nobody and who is asked by nobody, until only circles and what joins them is left. */
static void peel(const struct bb_generation *g, bool *gone, uint8_t *ends)
{
    bool more = true;

    while (more) {
        more = false;
        memset(ends, 0, g->config->n_endpoints);
        for (size_t k = 0; k < g->n_queries; k++)
            if (stands(g, &g->queries[k], gone)) {
                ends[g->queries[k].asker] |= 1;
                ends[g->queries[k].asked] |= 2;
            }
        for (size_t i = 0; i < g->config->n_endpoints; i++)
            if (!gone[i] && ends[i] != 3)
                more = gone[i] = true;
    }
}

static const struct bb_gen_query *next_of(const struct bb_generation *g, size_t asker, const bool *gone)
{
    for (size_t k = 0; k < g->n_queries; k++)
        if (g->queries[k].asker == asker && stands(g, &g->queries[k], gone))
            return &g->queries[k];
    return NULL;
}

/* Follows the questions until an endpoint comes again: from there on it is a circle. */
static void circle_say(const struct bb_generation *g, const bool *gone, const struct bb_gen_query *first,
                       struct bb_diags *d)
{
    const struct bb_gen_query *q = first, *at;
    const char *name = "";
    char text[CIRCLE_SHOWN * 70] = "";
    size_t len = 0, n = 0;

    for (size_t i = 0; q && i < g->config->n_endpoints; i++)
        q = next_of(g, q->asked, gone); /* into the circle, whatever led there */
    q = q ? q : first;
    at = q;
    do {
        name = g->config->endpoints[at->asker].name;
        if (n < CIRCLE_SHOWN)
            len += (size_t)snprintf(text + len, sizeof text - len, "\"%s\" asks ", name);
        at = next_of(g, at->asked, gone);
    } while (at && at->asker != q->asker && n++ < g->config->n_endpoints);
    bb_config_diag(d, BB_SEV_ERROR,
                   bb_config_locate(q->route->steps[q->step - 1].where, "/enrich/from"),
                   "route \"%s\": endpoints ask each other in a circle: %s%s\"%s\": while one of them is slow "
                   "none of them would go on",
                   q->route->name, text, n >= CIRCLE_SHOWN ? "... asks " : "",
                   g->config->endpoints[q->asker].name);
}

void gen_circles_check(const struct bb_generation *g, struct bb_diags *d)
{
    size_t n = g->config->n_endpoints;
    bool *gone = calloc(n + 1, sizeof *gone);
    uint8_t *ends = calloc(n + 1, 1);

    if (gone && ends) {
        peel(g, gone, ends);
        for (size_t k = 0; k < g->n_queries; k++)
            if (stands(g, &g->queries[k], gone)) {
                circle_say(g, gone, &g->queries[k], d);
                break;
            }
    } else {
        bb_config_diag(d, BB_SEV_ERROR, (struct bb_where){0}, "out of memory");
    }
    free(gone);
    free(ends);
}

bool bb_generation_may_ask(const struct bb_generation *g, const char *asker, const char *asked,
                           struct bb_bytes op)
{
    for (size_t k = 0; k < g->n_queries; k++) {
        const struct bb_gen_query *q = &g->queries[k];

        if (q->asker < g->config->n_endpoints && strcmp(g->config->endpoints[q->asker].name, asker) == 0 &&
            strcmp(g->config->endpoints[q->asked].name, asked) == 0 && bb_bytes_are(op, q->op))
            return true;
    }
    return false;
}
