/*
 * step.c - transforms of other connectors (busbar.transform/1), run as steps before this sink
 *
 * Each step has an instance of its own in each instance of the sink, on the same thread, so its calls never
 * overlap either. It knows the sink's host, by a table that lets it log, count and read messages: it can hand
 * nothing in and end nothing. It is not trusted to keep the contract: what it makes is looked at like what
 * comes over the wire. What it breaks (a crash, a hang) costs the endpoint that it was configured for.
 *
 * Thread: the instance's. Ownership: the list is the host's; a plugin's file stays loaded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/host/internal.h"

#define ROOM 4096 /* more than the message had, at first */
#define TRIES 3   /* it may ask for more room so often */

struct bb_step_plugin {
    struct bb_step_plugin *next;
    struct bb_plugin plugin;
    bb_inst *inst;
    bool started;
    const struct bb_ext_transform *ext;
};

struct starting {
    struct bb_host *h;
    uint32_t route;
    struct bb_error *err;
};

static int step_fail(const struct starting *s, const struct bb_plugin_step *p, const char *why)
{
    snprintf(s->err->text, sizeof(s->err->text), "route %u, step %u (plugin %.40s): %.150s", s->route, p->step,
             p->connector, why);
    return -1;
}

static int step_open(void *arg, struct bb_plugin_step *p)
{
    const struct starting *s = arg;
    struct bb_step_plugin *x = calloc(1, sizeof(*x));
    struct bb_error e = {.size = sizeof(e)};
    struct bb_fault why = {0, ""};
    bb_status rc;

    if (!x)
        return step_fail(s, p, "out of memory");
    if (bb_plugin_load(p->path, &x->plugin, &why) < 0) {
        free(x);
        return step_fail(s, p, why.text);
    }
    x->next = s->h->step_plugins;
    s->h->step_plugins = x;
    bb_host_call_begin(s->h);
    rc = x->plugin.c.create(s->h, &bb_host_step_table, &p->config, &x->inst, &e);
    if (rc != BB_OK || !x->inst)
        x->inst = NULL;
    else if (x->plugin.c.extension)
        x->ext = x->plugin.c.extension(x->inst, BB_EXT_TRANSFORM);
    if (x->inst && x->ext && BB_HAS(x->ext, apply)) {
        rc = x->plugin.c.start(x->inst, &e);
        x->started = rc == BB_OK;
    }
    bb_host_call_end(s->h);
    e.text[sizeof(e.text) - 1] = '\0';
    if (x->inst && (!x->ext || !BB_HAS(x->ext, apply)))
        return step_fail(s, p, "it has no " BB_EXT_TRANSFORM);
    if (!x->started)
        return step_fail(s, p, e.text[0] ? e.text : "it does not start and gave no reason");
    p->inst = x;
    return 0;
}

bb_status bb_steps_start(struct bb_host *h, struct bb_error *err)
{
    for (size_t i = 0; i < h->n_routes; i++) {
        struct starting s = {h, h->routes[i].number, err};

        if (h->routes[i].steps && bb_transform_plugins(h->routes[i].steps, step_open, &s) != 0)
            return BB_E_CONFIG;
    }
    return BB_OK;
}

void bb_steps_stop(struct bb_host *h, uint32_t budget_ms)
{
    while (h->step_plugins) {
        struct bb_step_plugin *x = h->step_plugins;

        h->step_plugins = x->next;
        bb_host_call_begin(h);
        if (x->started)
            x->plugin.c.stop(x->inst, budget_ms);
        if (x->inst)
            x->plugin.c.destroy(x->inst);
        bb_host_call_end(h);
        bb_manifest_free(&x->plugin.manifest);
        free(x);
    }
}

/* A message that the plugin may keep: with its own bytes. */
static struct bb_msg *step_message(const struct bb_msg *of, struct bb_bytes whole)
{
    struct bb_msg *m = bb_msg_new(of->frame);

    if (!m)
        return NULL;
    bb_put_raw(&m->rendered, whole);
    if (m->rendered.failed) {
        bb_msg_drop(m);
        return NULL;
    }
    m->whole = (struct bb_bytes){m->rendered.ptr, m->rendered.len};
    m->key = of->key;
    m->short_key = of->short_key;
    m->attempt = of->attempt;
    m->flags = of->flags & BB_MSG_REDELIVERY;
    m->deadline = of->deadline;
    return m;
}

static bb_status step_ended(bb_status s, struct bb_error *e, struct bb_fault *err)
{
    e->text[sizeof(e->text) - 1] = '\0';
    if (s == BB_E_REJECT)
        bb_host_fault(err, 0, "%.160s", e->text[0] ? e->text : "refused, without a reason");
    else if (s == BB_E_UNSUP)
        bb_host_fault(err, 0, "it does not know such a message%s%.120s", e->text[0] ? ": " : "", e->text);
    else
        bb_host_fault(err, 0, "it ended with status %d, which no transform may", s);
    return BB_E_REJECT;
}

/* What it wrote behind what out holds. */
static bb_status step_take(struct bb_buf *out, size_t len, size_t cap, struct bb_fault *err)
{
    struct bb_fault why = {0, ""};
    struct bb_bytes made = {out->ptr + out->len, len};

    if (len > cap) {
        bb_host_fault(err, 0, "it says that it wrote %zu bytes where %zu had room", len, cap);
        return BB_E_REJECT;
    }
    if (bb_message_check(made, &why) < 0) {
        bb_host_fault(err, 0, "what it made is no message: %.100s (byte %zu)", why.text, why.offset);
        return BB_E_REJECT;
    }
    out->len += len;
    return BB_OK;
}

bb_status bb_step_run(void *arg, const struct bb_plugin_step *p, struct bb_bytes whole, struct bb_buf *out,
                      struct bb_fault *err)
{
    struct bb_host *h = ((struct bb_asker *)arg)->h;
    const struct bb_step_plugin *x = p->inst;
    struct bb_msg *m = step_message(((struct bb_asker *)arg)->m, whole);
    size_t cap = whole.len + ROOM, len = 0;
    bb_status s = BB_E_BUSY;

    if (!m) {
        bb_host_fault(err, 0, "out of memory");
        return BB_E_REJECT;
    }
    for (unsigned k = 0; k < TRIES && s == BB_E_BUSY; k++) {
        struct bb_error e = {.size = sizeof(e)};
        uint8_t *to;

        cap = cap > out->max - out->len ? out->max - out->len : cap;
        to = bb_buf_room(out, cap);
        if (!to) {
            bb_host_fault(err, 0, "out of memory");
            s = BB_E_REJECT;
            break;
        }
        len = 0;
        bb_host_call_begin(h);
        s = x->ext->apply(x->inst, m, to, cap, &len, &e);
        bb_host_call_end(h);
        if (s == BB_OK)
            s = step_take(out, len, cap, err);
        else if (s != BB_E_BUSY)
            s = step_ended(s, &e, err);
        else if (len <= cap || len > out->max - out->len)
            break;
        cap = len;
    }
    bb_msg_drop(m);
    if (s != BB_E_BUSY)
        return s;
    bb_host_fault(err, 0, "what it makes is larger than the largest message that is allowed (%zu bytes)", len);
    return BB_E_REJECT;
}
