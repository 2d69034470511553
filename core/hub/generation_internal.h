/*
 * generation_internal.h - what generation.c and generation_query.c share
 */
#ifndef BB_GENERATION_INTERNAL_H
#define BB_GENERATION_INTERNAL_H

#include <string.h>
#include "core/hub/generation.h"

#define BB_GEN_PLUGINS 64 /* steps of one route */

struct gen_compiling { /* a route's or an endpoint's steps, for the reports of bb_transform_compile() */
    struct bb_generation *g;
    const struct bb_route_config *route; /* NULL: an endpoint's */
    const char *noun, *name;
    struct bb_where where;
    const struct bb_step_config *steps;
    size_t n_steps;
    struct bb_extras *files;
    struct bb_diags *diags;
    char *const *folders;                     /* of the plugins */
    struct bb_buf plugins[BB_GEN_PLUGINS];    /* what steps that are plugins need in a program */
    uint32_t n_plugins;
};

/* generation_plugin.c: bb_transform_source's plugin */
int gen_step_plugin(void *arg, uint32_t step, const char *connector, struct bb_bytes *value, const char **key,
                    struct bb_fault *err);
void gen_plugins_free(struct gen_compiling *c);

/* generation_query.c: bb_transform_source's query; what is asked is kept in g->queries. */
int gen_step_query(void *arg, uint32_t step, const char *endpoint, const char *op, const char **key,
                   struct bb_fault *err);
/* Endpoints may not ask each other in a circle. */
void gen_circles_check(const struct bb_generation *g, struct bb_diags *d);

/* generation_split.c: two routes may not make different messages of the same ids. */
void gen_splits_check(const struct bb_generation *g, struct bb_diags *d);

/* Does its last step make other messages of each, so that its sink gets none? */
static inline bool gen_ends_in_split(const struct bb_route_config *r)
{
    const char *last = r->n_steps ? r->steps[r->n_steps - 1].kind : "";

    return strcmp(last, "split") == 0 || strcmp(last, "explode") == 0;
}

#endif
