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

struct bb_gen_endpoint {
    const struct bb_endpoint_config *config;
    struct bb_manifest manifest;
    struct bb_buf plugin_config; /* checked and defaulted, for create() */
};
struct bb_generation {
    struct bb_config *config;
    struct bb_gen_endpoint *endpoints; /* in the order of config->endpoints */
    struct bb_buf *programs; /* in the order of config->routes: steps and their files, for the host */
};
/* folders of the plugins: config's plugin_path, then $BUSBAR_PLUGIN_PATH (colon-separated), then the
 * installed one. NULL when there is an error; every finding is in diags. Checks: connector found and
 * loadable (ABI, machine), its keys, that it offers the roles the routes use, workers, transform
 * steps compile (shown at the step's own line), on_unknown: probe needs a probe. */
struct bb_generation *bb_generation_load(const char *conf_dir, struct bb_diags *diags);
/* What the host of the route's sink compiles (transform.h); empty: no transform. */
struct bb_bytes bb_generation_program(const struct bb_generation *g, const struct bb_route_config *r);
void bb_generation_free(struct bb_generation **gp);

#endif
