/*
 * generation.c - one configuration checked against the plugins it names
 *
 * Thread: any, before the hub starts; immutable afterwards. No plugin code runs: manifests are read
 * from the files. Every finding goes to diags at its own place, and all are found in one run; only
 * then is it decided whether there is a generation.
 */
#include "core/hub/generation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/transform/transform.h"

#define FOLDERS_MAX 64
#define PLUGIN_CONFIG_MAX (4u << 20)
#define STEPS_MAX (16u << 20)

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

static struct bb_gen_endpoint *endpoint_of(struct bb_generation *g, const char *name)
{
    for (size_t i = 0; i < g->config->n_endpoints; i++)
        if (strcmp(g->config->endpoints[i].name, name) == 0)
            return &g->endpoints[i];
    return NULL;
}

/* ---- routes ------------------------------------------------------------------------------------ */
static void roles_check(struct bb_generation *g, const struct bb_route_config *r,
                        struct bb_diags *d)
{
    const struct bb_gen_endpoint *from = endpoint_of(g, r->from), *to = endpoint_of(g, r->to);

    /* without a manifest the endpoint's own error has been said */
    if (from && *from->manifest.id && !from->manifest.source)
        bb_config_diag(d, BB_SEV_ERROR, r->where,
                       "route \"%s\": connector \"%s\" of endpoint \"%s\" only receives, so the "
                       "route cannot come from it", r->name, from->config->connector, r->from);
    if (!to || !*to->manifest.id)
        return;
    if (!to->manifest.sink)
        bb_config_diag(d, BB_SEV_ERROR, r->where,
                       "route \"%s\": connector \"%s\" of endpoint \"%s\" only sends, so the route "
                       "cannot go to it", r->name, to->config->connector, r->to);
    else if (r->on_unknown == BB_UNKNOWN_PROBE && !to->manifest.probe)
        bb_config_diag(d, BB_SEV_ERROR, r->where,
                       "route \"%s\": on_unknown is \"probe\" (the default), but connector \"%s\" of "
                       "endpoint \"%s\" cannot be asked what it applied: say on_unknown: quarantine, "
                       "or retry where the target tolerates a second delivery",
                       r->name, to->config->connector, r->to);
}

/* "/0/map/2/to", a pointer into steps that begin with step first: that step, and the pointer in it. */
static const char *step_pointer(const char *pointer, const struct bb_route_config *r, size_t *step)
{
    char *end;
    unsigned long i;

    if (pointer[0] != '/')
        return "";
    i = strtoul(pointer + 1, &end, 10);
    if (end == pointer + 1 || i >= r->n_steps - *step)
        return "";
    *step += i;
    return *end && strchr(end + 1, '/') ? end : ""; /* its kind alone: the step */
}

/* Compiles n steps from first on: 0, or -1 with the first mistake among them reported. */
static int steps_compile(const struct bb_route_config *r, size_t first, size_t n,
                         struct bb_diags *d)
{
    struct bb_transform *t = NULL;
    struct bb_fault err = {0};
    struct bb_buf steps;
    char pointer[256] = "";
    const char *inside;
    size_t at = first;

    bb_buf_init(&steps, STEPS_MAX);
    bb_put_array(&steps, (uint32_t)n);
    for (size_t i = first; i < first + n; i++) {
        bb_put_map(&steps, 1);
        bb_put_cstr(&steps, r->steps[i].kind);
        bb_put_raw(&steps, r->steps[i].config);
    }
    if (steps.failed)
        snprintf(err.text, sizeof(err.text), "the transform is too large");
    else
        t = bb_transform_compile((struct bb_bytes){steps.ptr, steps.len}, pointer, sizeof(pointer),
                                 &err);
    bb_buf_free(&steps);
    if (!t && *err.text) {
        inside = step_pointer(pointer, r, &at);
        bb_config_diag(d, BB_SEV_ERROR,
                       bb_config_locate(r->steps[at].where, inside),
                       "route \"%s\": %s", r->name, err.text);
        return -1;
    }
    bb_transform_free(&t);
    return 0;
}

/* Each step alone, so that every faulty one is reported; then all, which have limits together. */
static void steps_check(const struct bb_route_config *r, struct bb_diags *d)
{
    int bad = 0;

    for (size_t i = 0; i < r->n_steps; i++)
        bad |= steps_compile(r, i, 1, d);
    if (!bad && r->n_steps > 1)
        steps_compile(r, 0, r->n_steps, d);
}

/* ---- the whole ----------------------------------------------------------------------------------- */
struct bb_generation *bb_generation_load(const char *conf_dir, struct bb_diags *diags)
{
    struct bb_generation *g = calloc(1, sizeof(*g));
    struct folders folders = {0};
    size_t before = diags->errors;

    if (!g)
        goto memory;
    g->config = bb_config_load(conf_dir, diags);
    if (!g->config)
        goto fail;
    g->endpoints = calloc(g->config->n_endpoints + 1, sizeof(*g->endpoints));
    folders_make(&folders, g->config);
    if (!g->endpoints || folders.failed)
        goto memory;
    for (size_t i = 0; i < g->config->n_endpoints; i++)
        endpoint_check(g, i, &folders, diags);
    for (size_t i = 0; i < g->config->n_routes; i++) {
        roles_check(g, &g->config->routes[i], diags);
        steps_check(&g->config->routes[i], diags);
    }
    if (diags->errors > before)
        goto fail;
    folders_free(&folders);
    return g;
memory:
    bb_config_diag(diags, BB_SEV_ERROR, (struct bb_where){0},
                   "out of memory");
fail:
    folders_free(&folders);
    bb_generation_free(&g);
    return NULL;
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
    }
    free(g->endpoints);
    bb_config_free(g->config);
    free(g);
}
