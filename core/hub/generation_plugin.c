/*
 * generation_plugin.c - steps that a connector's transform makes: found and checked without running them
 *
 * The connector's manifest has to name the role transform; its schema checks the step's config, as an
 * endpoint's. What the host needs, the file's path and the checked config, goes into the route's program.
 *
 * Thread: any, before the hub starts. Ownership: the compiling's, until its program is written.
 */
#include "core/hub/generation_internal.h"

#include <string.h>

#define CONFIG_MAX (1u << 20)

/* Whether a schema asks for a secret anywhere: a step has nobody who would keep it. */
static bool asks_secret(struct bb_bytes schema)
{
    struct bb_cur c = bb_cur_of(schema);
    bool format = false;
    struct bb_tok t;

    while (bb_cur_next(&c, &t) == 0) {
        if (format && t.kind == BB_T_STR && bb_bytes_are(t.s, "secret"))
            return true;
        format = t.kind == BB_T_STR && bb_bytes_are(t.s, "format");
    }
    return false;
}

static int fits(const struct bb_manifest *m, const char *connector, struct bb_fault *err)
{
    if (!m->transform)
        return bb_fail(err, "connector \"%.40s\" has no transform: its roles are others", connector);
    if (asks_secret(m->schema))
        return bb_fail(err, "connector \"%.40s\" takes a secret, which a step cannot give", connector);
    return 0;
}

int gen_step_plugin(void *arg, uint32_t step, const char *connector, struct bb_bytes *value, const char **key,
                    struct bb_fault *err)
{
    struct gen_compiling *c = arg;
    struct bb_where at = bb_config_locate(c->steps[step - 1].where, "/plugin");
    struct bb_buf config, *b = &c->plugins[c->n_plugins];
    struct bb_manifest m;
    int rc = -1;

    *key = "connector";
    if (c->n_plugins == BB_GEN_PLUGINS)
        return bb_fail(err, "more than %d plugins in one route", BB_GEN_PLUGINS);
    if (bb_manifest_find(connector, c->folders, &m, err) < 0)
        return -1;
    bb_buf_init(&config, CONFIG_MAX);
    if (fits(&m, connector, err) == 0 &&
        bb_config_check_step(c->g->config, c->name, at, m.schema, &config, c->diags) == 0) {
        bb_buf_init(b, 2 * CONFIG_MAX);
        bb_put_map(b, 2);
        bb_put_cstr(b, "path");
        bb_put_cstr(b, m.path);
        bb_put_cstr(b, "config");
        bb_put_bin(b, config.ptr, config.len);
        c->n_plugins++;
        *value = (struct bb_bytes){b->ptr, b->len};
        rc = b->failed ? bb_fail(err, "out of memory") : 0;
    }
    bb_buf_free(&config);
    bb_manifest_free(&m);
    return rc;
}

void gen_plugins_free(struct gen_compiling *c)
{
    while (c->n_plugins)
        bb_buf_free(&c->plugins[--c->n_plugins]);
}
