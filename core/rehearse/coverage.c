/*
 * coverage.c - what could run and what ran: routes, transform steps, rules of maps
 *
 * The list is made by compiling each route's program once more, which names all of it; a run then only
 * counts. Thread: one at a time (play.c's lock).
 */
#include "core/rehearse/internal.h"

#include <stdlib.h>
#include <string.h>
#include "core/transform/transform.h"

struct bb_coverage {
    struct bb_coverage_item *v;
    size_t n, cap;
    const char *route; /* while its program is compiled */
    bool failed;
};

static void item_add(struct bb_coverage *c, uint32_t step, const char *rule, const char *name)
{
    struct bb_coverage_item *more;

    if (c->n == c->cap) {
        more = realloc(c->v, (c->cap ? 2 * c->cap : 64) * sizeof(*more));
        c->failed |= !more;
        if (!more)
            return;
        c->v = more;
        c->cap = c->cap ? 2 * c->cap : 64;
    }
    c->v[c->n++] = (struct bb_coverage_item){.route = c->route, .step = step, .name = name,
                                             .rule = rule ? strdup(rule) : NULL};
}

static void on_rule(void *arg, uint32_t step, const char *number, const char *name)
{
    item_add(arg, step, number, name);
}

struct bb_coverage *bb_coverage_new(const struct bb_generation *g)
{
    struct bb_coverage *c = calloc(1, sizeof(*c));

    for (size_t i = 0; c && i < g->config->n_routes; i++) {
        c->route = g->config->routes[i].name;
        item_add(c, 0, NULL, "route");
        bb_transform_list(bb_generation_program(g, &g->config->routes[i]), on_rule, c);
    }
    if (c && c->failed)
        bb_coverage_free(&c);
    return c;
}

void bb_coverage_free(struct bb_coverage **cp)
{
    for (size_t i = 0; *cp && i < (*cp)->n; i++)
        free((void *)(uintptr_t)(*cp)->v[i].rule);
    if (*cp)
        free((*cp)->v);
    free(*cp);
    *cp = NULL;
}

void bb_coverage_ran(struct bb_coverage *c, const char *route, uint32_t step, const char *rule)
{
    for (size_t i = 0; i < c->n; i++) {
        struct bb_coverage_item *k = &c->v[i];

        if (k->step == step && strcmp(k->route, route) == 0 && !k->rule == !rule &&
            (!rule || strcmp(k->rule, rule) == 0))
            k->ran++;
    }
}

void bb_coverage_set(struct bb_coverage *c, size_t item, uint64_t ran)
{
    if (c && item < c->n)
        c->v[item].ran = ran;
}

size_t bb_coverage_items(const struct bb_coverage *c, const struct bb_coverage_item **v)
{
    *v = c->v;
    return c->n;
}
