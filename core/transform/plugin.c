/*
 * plugin.c - the step that a connector's transform makes: plugin: {connector: acme-map, config: {...}}
 *
 * Here it is only read and passed on: the core looks up the connector and checks its configuration
 * (bb_transform_source's plugin), the host loads it and runs it (bb_transform_run's). A transform is pure by
 * the contract, so what it makes is not kept before it is sent.
 *
 * Thread: compile() one at a time; apply() the one that its host runs the instance on.
 * Ownership: a step owns its texts and its configuration's bytes; the instance is the host's.
 */
#include "core/transform/internal.h"

#include <stdlib.h>
#include <string.h>
#include <busbar/plugin.h> /* bb_str_dup() */

static void plugin_free(void *self)
{
    struct bb_plugin_step *p = self;

    if (!p)
        return;
    free(p->connector);
    free(p->path);
    free((void *)(uintptr_t)p->config.ptr);
    free(p);
}

static int options_read(struct bb_compile *c, struct bb_bytes config, struct bb_plugin_step *p)
{
    static const char *const names[] = {"connector", "config"};
    struct bb_bytes key, val, s;
    struct bb_cur cur;
    uint32_t n;
    int rc = 0;

    if (!bb_group_of(config, BB_T_MAP, &cur, &n))
        return bb_compile_say(c, "plugin takes a map: {connector: acme-map, config: {...}}");
    for (; n && bb_pair_next(&cur, &key, &val) == 0; n--) {
        bb_compile_down(c, key);
        if (bb_bytes_are(key, "connector") && !p->connector) {
            if (bb_as_str(val, &s) != 1 || !s.len || s.len > 63 || !(p->connector = bb_str_dup(s)))
                rc = bb_compile_say(c, "must be the name of a connector");
        } else if (!bb_bytes_are(key, "config")) {
            rc = bb_compile_unknown(c, "option", key, names, 2);
        }
        bb_compile_up(c);
    }
    if (rc == 0 && !p->connector)
        rc = bb_compile_say(c, "plugin needs \"connector\"");
    return rc;
}

static int plugin_compile(struct bb_compile *c, struct bb_bytes config, void **self)
{
    struct bb_plugin_step *p = calloc(1, sizeof *p);
    struct bb_bytes value, path, s;
    struct bb_cur cur;
    struct bb_tok t;
    void *copy;

    *self = p;
    if (!p)
        return bb_compile_say(c, "out of memory");
    p->step = c->step;
    if (options_read(c, config, p) != 0 || bb_compile_plugin(c, p->connector, &value) != 0)
        return -1;
    if (bb_map_get(value, "path", &path) != 1 || bb_as_str(path, &s) != 1 ||
        bb_map_get(value, "config", &path) != 1)
        return bb_compile_say(c, "damaged program");
    cur = bb_cur_of(path);
    if (bb_cur_next(&cur, &t) != 0 || t.kind != BB_T_BIN)
        return bb_compile_say(c, "damaged program");
    p->path = bb_str_dup(s);
    copy = malloc(t.s.len + 1);
    if (!p->path || !copy) {
        free(copy);
        return bb_compile_say(c, "out of memory");
    }
    if (t.s.len)
        memcpy(copy, t.s.ptr, t.s.len);
    p->config = (struct bb_bytes){copy, t.s.len};
    return 0;
}

static bb_status plugin_apply(const void *self, struct bb_apply *a, struct bb_bytes whole, struct bb_buf *out)
{
    const struct bb_plugin_step *p = self;
    struct bb_fault why = {0, "no plugin runs here"};
    bb_status s = a->run->plugin ? a->run->plugin(a->run->arg, p, whole, out, &why) : BB_E_REJECT;

    if (s == BB_OK)
        return s;
    return bb_apply_reject(a, "plugin", "step %u (plugin %s): %s", a->step, p->connector, why.text);
}

int bb_transform_plugins(struct bb_transform *t, int (*fn)(void *arg, struct bb_plugin_step *p), void *arg)
{
    int rc = 0;

    for (uint32_t k = 0; k < t->n && rc == 0; k++)
        if (t->steps[k].ops == &bb_step_plugin)
            rc = fn(arg, t->steps[k].self);
    return rc;
}

const struct bb_step_ops bb_step_plugin = {
    .name = "plugin", .pure = true, .compile = plugin_compile, .apply = plugin_apply, .free = plugin_free};
