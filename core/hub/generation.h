/*
 * generation.h - one configuration, checked against the plugins it names, ready to run
 *
 * Made by bb_generation_load() for `busbar check` and `busbar run` alike, so that what check passes,
 * run accepts. No plugin code runs. Immutable afterwards; any thread reads.
 */
#ifndef BB_GENERATION_H
#define BB_GENERATION_H

#include "core/config/config.h"
#include "core/host/host.h"
#include "core/transform/transform.h"

struct bb_gen_endpoint {
    const struct bb_endpoint_config *config;
    struct bb_manifest manifest;
    struct bb_buf plugin_config; /* checked and defaulted, for create() */
    struct bb_buf accept_program; /* for its host; empty: everything is accepted */
    struct bb_transform *accept;  /* the same, compiled, or NULL */
};
struct bb_gen_query { /* a route's step that asks: who may ask whom for what */
    const struct bb_route_config *route; /* its sink's host asks */
    size_t step;
    size_t asker, asked; /* into endpoints */
    char op[64];
};
struct bb_generation {
    struct bb_config *config;
    struct bb_gen_endpoint *endpoints; /* in the order of config->endpoints */
    bool *emits;  /* in the order of config->routes: a message follows each delivery */
    bool *splits; /* in the order of config->routes: the last step makes messages of a delivery */
    struct bb_buf *programs; /* in the order of config->routes: steps and their files, for the host */
    bool *impure; /* as programs: its body is kept before the first send (transform.h) */
    struct bb_gen_query *queries;
    size_t n_queries;
};
/* folders of the plugins: config's plugin_path, then $BUSBAR_PLUGIN_PATH (colon-separated), then the
 * installed one. NULL when there is an error; every finding is in diags. Checks: connector found and
 * loadable (ABI, machine), its keys, that it offers the roles the routes use, workers, transform
 * steps compile (shown at the step's own line), on_unknown: probe needs a probe, questions name an
 * operation that there is and do not go round in a circle. */
struct bb_generation *bb_generation_load(const char *conf_dir, struct bb_diags *diags);
/* The same for a rehearsal (core/host/host.h): routes and transforms as they are; of endpoints only
 * what the core itself uses, so neither plugins nor secrets need to be there. */
struct bb_generation *bb_generation_rehearse(const char *conf_dir, struct bb_diags *diags);
/* What the host of the route's sink compiles (transform.h); empty: no transform. */
struct bb_bytes bb_generation_program(const struct bb_generation *g, const struct bb_route_config *r);
/* May hosts of asker put this question to asked? */
bool bb_generation_may_ask(const struct bb_generation *g, const char *asker, const char *asked,
                           struct bb_bytes op);
/* What messages of that endpoint are checked against before they are taken in (bb_transform_check()), or NULL. */
const struct bb_transform *bb_generation_accept(const struct bb_generation *g, const char *endpoint);
bool bb_generation_splits(const struct bb_generation *g, const struct bb_route_config *r);
void bb_generation_free(struct bb_generation **gp);

#endif
