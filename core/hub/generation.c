/*
 * generation.c - one configuration checked against the plugins it names
 *
 * Thread: any, before the hub starts; immutable afterwards. No plugin code runs: manifests are read
 * from the files. Every finding goes to diags at its own place, and all are found in one run; only
 * then is it decided whether there is a generation.
 */
#include "core/hub/generation_internal.h"
#include "core/hub/carries.h"
#include "core/policy/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/transform/transform.h"

#define FOLDERS_MAX 64
#define EMIT_TYPE_MAX 255u
#define PLUGIN_CONFIG_MAX (4u << 20)
#define PROGRAMS_MAX (32u << 20) /* of all routes to one endpoint */

struct folders {
    char *v[FOLDERS_MAX + 1];
    size_t n;
    bool failed;
};

static void folder_add(struct folders *f, const char *path, size_t len)
{
    if (!len || f->n == FOLDERS_MAX || f->failed)
        return;
    f->v[f->n] = strndup(path, len);
    if (f->v[f->n])
        f->n++;
    else
        f->failed = true;
}

static void folders_make(struct folders *f, const struct bb_config *c)
{
    const char *env = getenv("BUSBAR_PLUGIN_PATH");

    for (char **p = c->plugin_path; p && *p; p++)
        folder_add(f, *p, strlen(*p));
    while (env && *env) {
        size_t len = strcspn(env, ":");

        folder_add(f, env, len);
        env += len + (env[len] == ':');
    }
    folder_add(f, BB_PLUGINDIR, strlen(BB_PLUGINDIR));
}

static void folders_free(struct folders *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->v[i]);
}

/* ---- endpoints ------------------------------------------------------------------------------- */
static void endpoint_check(struct bb_generation *g, size_t i, const struct folders *folders,
                           struct bb_diags *d)
{
    struct bb_gen_endpoint *e = &g->endpoints[i];
    const struct bb_endpoint_config *c = &g->config->endpoints[i];
    struct bb_fault err = {0};

    e->config = c;
    bb_buf_init(&e->plugin_config, PLUGIN_CONFIG_MAX);
    if (bb_manifest_find(c->connector, folders->v, &e->manifest, &err) < 0) {
        bb_config_diag(d, BB_SEV_ERROR,
                       bb_config_locate(c->where, "/connector"),
                       "endpoint \"%s\": %s", c->name, err.text);
        return;
    }
    if (e->manifest.workers_max && c->workers > e->manifest.workers_max)
        bb_config_diag(d, BB_SEV_ERROR,
                       bb_config_locate(c->where, "/workers"),
                       "endpoint \"%s\": workers is %" PRIu32 ", but connector \"%s\" allows at "
                       "most %" PRIu32, c->name, c->workers, c->connector,
                       e->manifest.workers_max);
    bb_config_check_endpoint(g->config, c, e->manifest.schema, &e->plugin_config, d);
}

/* Its plugin may be missing, and its keys and secrets are not looked at: a rehearsal uses none of it.
 * What a manifest says of batches holds, where there is one. */
static void endpoint_rehearse(struct bb_generation *g, size_t i, const struct folders *folders)
{
    struct bb_gen_endpoint *e = &g->endpoints[i];
    const struct bb_endpoint_config *c = &g->config->endpoints[i];
    struct bb_fault unused;

    e->config = c;
    bb_buf_init(&e->plugin_config, 16);
    bb_put_map(&e->plugin_config, 0);
    if (bb_manifest_find(c->connector, folders->v, &e->manifest, &unused) < 0)
        memset(&e->manifest, 0, sizeof(e->manifest));
    e->manifest.blocking = false;
}

static struct bb_gen_endpoint *endpoint_of(struct bb_generation *g, const char *name)
{
    for (size_t i = 0; i < g->config->n_endpoints; i++)
        if (strcmp(g->config->endpoints[i].name, name) == 0)
            return &g->endpoints[i];
    return NULL;
}

/* ---- routes ------------------------------------------------------------------------------------ */
/* Is there a route for what r emits, as far as its type says? */
static bool emit_taken(const struct bb_generation *g, const struct bb_route_config *r)
{
    for (size_t i = 0; i < g->config->n_routes; i++)
        if (strcmp(g->config->routes[i].from, r->to) == 0 &&
            bb_route_may_match(&g->config->routes[i], "type", r->emit.type))
            return true;
    return false;
}

static void emit_check(const struct bb_generation *g, const struct bb_route_config *r, struct bb_diags *d)
{
    struct bb_where at;

    if (!r->emit.type)
        return;
    at = bb_config_locate(r->where, "/emit/type");
    if (!*r->emit.type || strlen(r->emit.type) > EMIT_TYPE_MAX)
        bb_config_diag(d, BB_SEV_ERROR, at, "route \"%s\": emit: a type has 1 to %u bytes", r->name, EMIT_TYPE_MAX);
    else if (strchr(r->emit.type, '*'))
        bb_config_diag(d, BB_SEV_ERROR, at, "route \"%s\": emit: \"%s\" is a pattern; a message has one type", r->name,
                       r->emit.type);
    else if (gen_ends_in_split(r))
        bb_config_diag(d, BB_SEV_ERROR, at,
                       "route \"%s\": its last step makes other messages of each, so that nothing is delivered "
                       "that emit could follow; let the routes of those messages emit", r->name);
    else if (!emit_taken(g, r))
        bb_config_diag(d, BB_SEV_ERROR, at,
                       "route \"%s\": emit: no route takes \"%s\" from endpoint \"%s\": write one with from: %s "
                       "and match: {type: %s}", r->name, r->emit.type, r->to, r->to, r->emit.type);
}

static void roles_check(struct bb_generation *g, const struct bb_route_config *r,
                        struct bb_diags *d)
{
    const struct bb_gen_endpoint *from = endpoint_of(g, r->from), *to = endpoint_of(g, r->to);

    emit_check(g, r, d);
    /* without a manifest the endpoint's own error has been said */
    if (from && *from->manifest.id && !from->manifest.source && from->config->is_source)
        bb_config_diag(d, BB_SEV_ERROR, r->where,
                       "route \"%s\": connector \"%s\" of endpoint \"%s\" only receives, so the "
                       "route cannot come from it", r->name, from->config->connector, r->from);
    if (!to || !*to->manifest.id)
        return;
    if (!to->manifest.sink)
        bb_config_diag(d, BB_SEV_ERROR, r->where,
                       "route \"%s\": connector \"%s\" of endpoint \"%s\" only sends, so the route "
                       "cannot go to it", r->name, to->config->connector, r->to);
    else if (r->on_unknown == BB_UNKNOWN_PROBE && !to->manifest.probe && !bb_generation_splits(g, r))
        bb_config_diag(d, BB_SEV_ERROR, r->where,
                       "route \"%s\": on_unknown is \"probe\" (the default), but connector \"%s\" of "
                       "endpoint \"%s\" cannot be asked what it applied: say on_unknown: quarantine, "
                       "or retry where the target tolerates a second delivery",
                       r->name, to->config->connector, r->to);
}

static int step_file(void *arg, const char *name, struct bb_bytes *value, struct bb_fault *err)
{
    struct gen_compiling *c = arg;

    return bb_extras_get(c->files, name, value, c->diags, err);
}

/* pointer begins with the step: "/0/map/2/to". Its kind alone is the step. */
static void step_say(void *arg, const char *file, const char *pointer, const char *text)
{
    struct gen_compiling *c = arg;
    struct bb_where at = c->where;
    unsigned long step;
    char *end;

    if (file) {
        at = bb_extras_where(c->files, file, pointer);
    } else {
        step = strtoul(pointer + (*pointer == '/'), &end, 10);
        if (*pointer == '/' && step < c->n_steps)
            at = bb_config_locate(c->steps[step].where,
                                  *end && strchr(end + 1, '/') ? end : "");
    }
    bb_config_diag(c->diags, BB_SEV_ERROR, at, "%s \"%s\": %s", c->noun, c->name, text);
}

static void step_put(struct bb_buf *steps, const char *kind, struct bb_bytes config)
{
    bb_put_map(steps, 1);
    bb_put_cstr(steps, kind);
    bb_put_raw(steps, config);
}

static void emit_put(struct bb_buf *steps, const struct bb_route_config *r)
{
    bb_put_map(steps, 1);
    bb_put_cstr(steps, "emit");
    bb_put_map(steps, 2);
    bb_put_cstr(steps, "type");
    bb_put_cstr(steps, r->emit.type);
    bb_put_cstr(steps, "route");
    bb_put_cstr(steps, r->name);
}

/* carries: NULL, or the config of a step that goes behind the others. */
static struct bb_transform *steps_compile(struct gen_compiling *c, const struct bb_buf *carries,
                                          struct bb_buf *program)
{
    struct bb_transform_source source = {c, step_file, step_say, program, gen_step_query, !c->route,
                                         gen_step_plugin};
    struct bb_transform *t;
    bool emits = c->route && c->route->emit.type && c->route->emit.on && !gen_ends_in_split(c->route);
    struct bb_fault err = {0};
    struct bb_buf steps;

    bb_buf_init(&steps, BB_PROGRAM_MAX);
    bb_buf_init(program, BB_PROGRAM_MAX);
    bb_put_array(&steps, (uint32_t)c->n_steps + (carries != NULL) + emits);
    for (size_t k = 0; k < c->n_steps; k++) {
        if (strcmp(c->steps[k].kind, "emit") == 0 || strcmp(c->steps[k].kind, "bom_carries") == 0)
            bb_config_diag(c->diags, BB_SEV_ERROR, c->steps[k].where, "%s \"%s\": \"%s\" is no step that can be written: "
                           "the core puts it behind the others", c->noun, c->name, c->steps[k].kind);
        step_put(&steps, c->steps[k].kind, c->steps[k].config);
    }
    if (carries)
        step_put(&steps, "bom_carries", (struct bb_bytes){carries->ptr, carries->len});
    if (emits)
        emit_put(&steps, c->route);
    if (steps.failed)
        step_say(c, NULL, "", "its steps are too large");
    t = bb_transform_compile((struct bb_bytes){steps.ptr, steps.failed ? 0 : steps.len}, &source, &err);
    bb_buf_free(&steps);
    gen_plugins_free(c);
    return t;
}

static void accept_check(struct bb_generation *g, size_t i, struct bb_extras *files, struct bb_diags *d)
{
    const struct bb_endpoint_config *e = &g->config->endpoints[i];
    struct gen_compiling c = {.g = g, .noun = "endpoint", .name = e->name, .where = e->where,
                              .steps = e->accept, .n_steps = e->n_accept, .files = files, .diags = d};

    if (!e->n_accept)
        return;
    g->endpoints[i].accept = steps_compile(&c, NULL, &g->endpoints[i].accept_program);
    if (*g->endpoints[i].manifest.id && !g->endpoints[i].manifest.source)
        bb_config_diag(d, BB_SEV_ERROR, bb_config_locate(e->where, "/accept"),
                       "endpoint \"%s\": connector \"%s\" only receives: there is nothing to accept from it",
                       e->name, e->connector);
}

static void steps_check(struct bb_generation *g, size_t i, struct bb_extras *files,
                        const struct folders *folders, struct bb_features *features, struct bb_diags *d)
{
    const struct bb_route_config *r = &g->config->routes[i];
    struct gen_compiling c = {.g = g, .route = r, .noun = "route", .name = r->name, .where = r->where,
                              .steps = r->steps, .n_steps = r->n_steps, .files = files, .diags = d,
                              .folders = folders->v};
    const struct bb_gen_endpoint *from = endpoint_of(g, r->from), *to = endpoint_of(g, r->to);
    struct bb_transform *t;
    struct bb_buf carries;
    bool guarded;

    bb_buf_init(&carries, BB_PROGRAM_MAX);
    guarded = from && to && *from->manifest.id && *to->manifest.id &&
              bb_carries_check(features, r, &from->manifest, &to->manifest, &carries, d) > 0;
    t = steps_compile(&c, guarded ? &carries : NULL, &g->programs[i]);
    bb_buf_free(&carries);

    g->impure[i] = t && !bb_transform_is_pure(t);
    g->splits[i] = t && bb_transform_splits(t);
    g->emits[i] = t && bb_transform_emits(t);
    if (t && bb_transform_is_foreign(t) && to && to->config->isolation != BB_ISO_PROCESS)
        bb_config_diag(d, BB_SEV_ERROR, r->where,
                       "route \"%s\": a jq program may hang or end the process that it runs in, so its "
                       "endpoint \"%s\" needs isolation: process, or the route a map", r->name, r->to);
    bb_transform_free(&t);
}

/* All programs of a sink travel in one WELCOME. */
static void programs_check(const struct bb_generation *g, struct bb_diags *d)
{
    const struct bb_config *c = g->config;

    for (size_t e = 0; e < c->n_endpoints; e++) {
        size_t total = g->endpoints[e].accept_program.len;

        for (size_t i = 0; i < c->n_routes; i++)
            if (strcmp(c->routes[i].to, c->endpoints[e].name) == 0)
                total += g->programs[i].len;
        if (total > PROGRAMS_MAX)
            bb_config_diag(d, BB_SEV_ERROR, c->endpoints[e].where,
                           "endpoint \"%s\": the transforms of all routes to it, with the files "
                           "that they name, are %zu MiB; at most %u MiB are allowed",
                           c->endpoints[e].name, total >> 20, PROGRAMS_MAX >> 20);
    }
}

/* ---- the whole ----------------------------------------------------------------------------------- */
static struct bb_generation *load(const char *conf_dir, bool rehearse, struct bb_diags *diags)
{
    struct bb_generation *g = calloc(1, sizeof(*g));
    struct bb_extras *files = NULL;
    struct bb_features features = {.loaded = false};
    struct folders folders = {0};
    size_t before = diags->errors;

    if (!g)
        goto memory;
    g->config = bb_config_load(conf_dir, diags);
    if (!g->config) {
        bb_config_diag(diags, BB_SEV_WARNING, (struct bb_where){0},
                       "connectors' own keys and the steps of transforms are looked at when these errors are mended");
        goto fail;
    }
    g->endpoints = calloc(g->config->n_endpoints + 1, sizeof(*g->endpoints));
    folders_make(&folders, g->config);
    g->programs = calloc(g->config->n_routes + 1, sizeof(*g->programs));
    g->impure = calloc(g->config->n_routes + 1, sizeof(*g->impure));
    files = bb_extras_new(conf_dir);
    g->splits = calloc(g->config->n_routes + 1, sizeof(*g->splits));
    g->emits = calloc(g->config->n_routes + 1, sizeof(*g->emits));
    if (!g->endpoints || !g->programs || !g->impure || !g->splits || !g->emits || !files || folders.failed)
        goto memory;
    for (size_t i = 0; i < g->config->n_endpoints; i++)
        if (rehearse)
            endpoint_rehearse(g, i, &folders);
        else
            endpoint_check(g, i, &folders, diags);
    for (size_t i = 0; i < g->config->n_endpoints; i++)
        accept_check(g, i, files, diags);
    for (size_t i = 0; i < g->config->n_routes; i++) {
        steps_check(g, i, files, &folders, &features, diags);
        roles_check(g, &g->config->routes[i], diags);
    }
    programs_check(g, diags);
    gen_circles_check(g, diags);
    gen_splits_check(g, diags);
    if (diags->errors > before)
        goto fail;
    bb_extras_free(&files);
    bb_features_free(&features);
    folders_free(&folders);
    return g;
memory:
    bb_config_diag(diags, BB_SEV_ERROR, (struct bb_where){0},
                   "out of memory");
fail:
    bb_extras_free(&files);
    bb_features_free(&features);
    folders_free(&folders);
    bb_generation_free(&g);
    return NULL;
}

struct bb_generation *bb_generation_load(const char *conf_dir, struct bb_diags *diags)
{
    return load(conf_dir, false, diags);
}

struct bb_generation *bb_generation_rehearse(const char *conf_dir, struct bb_diags *diags)
{
    return load(conf_dir, true, diags);
}

struct bb_bytes bb_generation_program(const struct bb_generation *g, const struct bb_route_config *r)
{
    const struct bb_buf *b = g->programs ? &g->programs[r - g->config->routes] : NULL;

    return b ? (struct bb_bytes){b->ptr, b->len} : (struct bb_bytes){NULL, 0};
}

const struct bb_transform *bb_generation_accept(const struct bb_generation *g, const char *endpoint)
{
    for (size_t i = 0; i < g->config->n_endpoints; i++)
        if (strcmp(g->config->endpoints[i].name, endpoint) == 0)
            return g->endpoints[i].accept;
    return NULL;
}

bool bb_generation_splits(const struct bb_generation *g, const struct bb_route_config *r)
{
    return g->splits && g->splits[r - g->config->routes];
}

void bb_generation_free(struct bb_generation **gp)
{
    struct bb_generation *g = *gp;

    if (!g)
        return;
    *gp = NULL;
    for (size_t i = 0; g->endpoints && i < g->config->n_endpoints; i++) {
        bb_manifest_free(&g->endpoints[i].manifest);
        bb_buf_free(&g->endpoints[i].plugin_config);
        bb_buf_free(&g->endpoints[i].accept_program);
        bb_transform_free(&g->endpoints[i].accept);
    }
    for (size_t i = 0; g->programs && i < g->config->n_routes; i++)
        bb_buf_free(&g->programs[i]);
    free(g->programs);
    free(g->impure);
    free(g->queries);
    free(g->splits);
    free(g->emits);
    free(g->endpoints);
    bb_config_free(g->config);
    free(g);
}
