/*
 * api.c - the table that a plugin calls
 *
 * Every function here may be called with anything a plugin can come up with, most of them on any
 * thread: arguments are checked, nothing blocks but on the instance's short lock, and nothing of
 * the plugin is called back. The table is constant and outlives every instance.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/host/internal.h"

#define PUMP_NS (5u * 1000000u) /* a blocking call's cancelled() reads the socket at most so often */

static void bb_api_describe(bb_host *h, struct bb_instance *out)
{
    struct bb_instance d = {.size = sizeof(d), .roles = h->roles, .worker = h->worker,
                            .workers = h->workers};
    uint32_t size = out->size;

    /* a host for questions is the endpoint's as well */
    snprintf(d.endpoint, sizeof(d.endpoint), "%.*s", (int)strcspn(h->endpoint, "/"), h->endpoint);
    if (size < sizeof(out->size))
        return;
    memcpy(out, &d, size < sizeof(d) ? size : sizeof(d));
    out->size = size;
}

static const void *bb_api_extension(bb_host *h, const char *id)
{
    static const struct bb_ext_instance instance = {sizeof(instance), 0, bb_api_describe};
    static const struct bb_ext_refusal refusal = {sizeof(refusal), 0, bb_accept_refusal};

    (void)h;
    if (id && strcmp(id, BB_EXT_REFUSAL) == 0)
        return &refusal;
    return id && strcmp(id, BB_EXT_INSTANCE) == 0 ? &instance : NULL;
}

static void bb_api_log(bb_host *h, uint32_t level, const char *text, size_t len,
                       const struct bb_bytes *attrs)
{
    struct bb_bytes t = {text, len}, none = {NULL, 0};

    if (level < BB_LOG_ERROR)
        level = BB_LOG_ERROR;
    else if (level > BB_LOG_DEBUG)
        level = BB_LOG_DEBUG;
    bb_out_log(h, level, t, attrs ? *attrs : none);
}

static uint32_t bb_api_metric(bb_host *h, uint32_t kind, const char *name)
{
    uint32_t id = 0;
    size_t len = name ? strlen(name) : 0;

    if ((kind != BB_METRIC_COUNTER && kind != BB_METRIC_GAUGE) || len == 0 ||
        len >= sizeof(h->metrics[0].name) || name[0] < 'a' || name[0] > 'z' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != len)
        return 0;
    pthread_mutex_lock(&h->lock);
    for (unsigned i = 0; i < h->n_metrics && !id; i++) {
        if (strcmp(h->metrics[i].name, name) == 0)
            id = h->metrics[i].kind == kind ? i + 1 : UINT32_MAX;
    }
    if (!id && h->n_metrics < BB_METRICS_MAX) {
        struct bb_metric *m = &h->metrics[h->n_metrics];

        memcpy(m->name, name, len + 1);
        m->kind = kind;
        id = ++h->n_metrics;
    }
    pthread_mutex_unlock(&h->lock);
    return id == UINT32_MAX ? 0 : id;
}

static void bb_api_metric_add(bb_host *h, uint32_t id, double v)
{
    if (!isfinite(v))
        return;
    pthread_mutex_lock(&h->lock);
    if (id >= 1 && id <= h->n_metrics) {
        struct bb_metric *m = &h->metrics[id - 1];

        /* a counter never falls */
        if (m->kind == BB_METRIC_GAUGE || v >= 0) {
            m->v = isfinite(m->v + v) ? m->v + v : m->v;
            m->dirty = true;
        }
    }
    pthread_mutex_unlock(&h->lock);
}

static void bb_api_done(bb_host *h, bb_token t, bb_status s, const struct bb_bytes *reply,
                        const struct bb_error *err)
{
    bb_deliver_end(h, t, s, reply, err, true);
}

static bb_status bb_api_state(bb_host *h, void *buf, size_t cap, size_t *len, uint64_t *version)
{
    const struct bb_credit *c = &h->credit;
    bb_status s = BB_OK;

    pthread_mutex_lock(&h->lock);
    if (len)
        *len = c->state_len;
    if (version)
        *version = c->state_version;
    if (c->state_len > cap || (c->state_len && !buf))
        s = BB_E_BUSY;
    else if (c->state_len)
        memcpy(buf, c->state, c->state_len);
    pthread_mutex_unlock(&h->lock);
    return s;
}

static int32_t bb_api_cancelled(bb_host *h, bb_token t)
{
    int32_t yes;

    if (bb_host_here == h && h->call_started && bb_host_now() - h->pumped_at > PUMP_NS)
        bb_host_pump(h);
    pthread_mutex_lock(&h->lock);
    yes = h->stopping || h->closed;
    if (!yes && t) {
        uint32_t slot = bb_tokens_find(&h->tokens, t);
        const struct bb_slot *s = slot == BB_SLOT_NONE ? NULL : &h->tokens.v[slot];

        yes = !s || s->cancelled ||
              (s->msg->deadline != UINT64_MAX && s->msg->deadline <= bb_host_now());
    }
    pthread_mutex_unlock(&h->lock);
    return yes;
}

static void bb_api_stopped(bb_host *h)
{
    static const uint64_t one = 1;

    pthread_mutex_lock(&h->lock);
    h->stopped = true;
    if (bb_host_here != h && !h->out.signalled)
        h->out.signalled = write(h->wake, &one, sizeof(one)) == (ssize_t)sizeof(one);
    pthread_mutex_unlock(&h->lock);
}

static bb_status bb_api_secret(bb_host *h, const char *handle, char *buf, size_t cap, size_t *len)
{
    struct bb_cur c = bb_cur_of(h->secrets);
    struct bb_tok t, k;
    size_t n = handle ? strlen(handle) : 0;

    if (len)
        *len = 0;
    if (!handle || !h->secrets.ptr || bb_cur_next(&c, &t) < 0 || t.kind != BB_T_MAP)
        return BB_E_UNSUP;
    /* handles may hold any character, so no pointer syntax here */
    for (uint32_t i = 0, pairs = t.n; i < pairs; i++) {
        if (bb_cur_next(&c, &k) < 0 || bb_cur_next(&c, &t) < 0)
            return BB_E_UNSUP;
        if (k.kind != BB_T_STR || k.s.len != n || memcmp(k.s.ptr, handle, n) != 0 ||
            (t.kind != BB_T_STR && t.kind != BB_T_BIN))
            continue;
        if (len)
            *len = t.s.len;
        if (!buf || cap <= t.s.len)
            return BB_E_BUSY;
        if (t.s.len)
            memcpy(buf, t.s.ptr, t.s.len);
        buf[t.s.len] = '\0';
        return BB_OK;
    }
    return BB_E_UNSUP;
}

/* ---- a transform is given a message and makes another one of it; nothing else ----------------------- */
static void bb_step_done(bb_host *h, bb_token t, bb_status s, const struct bb_bytes *reply,
                         const struct bb_error *err)
{
    (void)h, (void)t, (void)s, (void)reply, (void)err;
}

static bb_status bb_step_submit(bb_host *h, const struct bb_bytes *messages, size_t n,
                                const struct bb_state *state, uint64_t cookie, struct bb_error *err)
{
    (void)h, (void)messages, (void)n, (void)state, (void)cookie, (void)err;
    return BB_E_UNSUP;
}

static bb_status bb_step_state(bb_host *h, void *buf, size_t cap, size_t *len, uint64_t *version)
{
    (void)h, (void)buf, (void)cap;
    if (len)
        *len = 0;
    if (version)
        *version = 0;
    return BB_E_UNSUP;
}

static void bb_step_stopped(bb_host *h)
{
    (void)h;
}

static bb_status bb_step_secret(bb_host *h, const char *handle, char *buf, size_t cap, size_t *len)
{
    (void)h, (void)handle, (void)buf, (void)cap;
    if (len)
        *len = 0;
    return BB_E_UNSUP;
}

const struct bb_host_api bb_host_step_table = {
    .size = sizeof(bb_host_step_table),
    .abi = BB_ABI,
    .extension = bb_api_extension,
    .log = bb_api_log,
    .metric = bb_api_metric,
    .metric_add = bb_api_metric_add,
    .msg_view = bb_msg_look,
    .msg_ref = bb_msg_hold,
    .msg_unref = bb_msg_drop,
    .done = bb_step_done,
    .submit = bb_step_submit,
    .state = bb_step_state,
    .cancelled = bb_api_cancelled,
    .stopped = bb_step_stopped,
    .secret = bb_step_secret,
};

const struct bb_host_api bb_host_table = {
    .size = sizeof(bb_host_table),
    .abi = BB_ABI,
    .extension = bb_api_extension,
    .log = bb_api_log,
    .metric = bb_api_metric,
    .metric_add = bb_api_metric_add,
    .msg_view = bb_msg_look,
    .msg_ref = bb_msg_hold,
    .msg_unref = bb_msg_drop,
    .done = bb_api_done,
    .submit = bb_submit,
    .state = bb_api_state,
    .cancelled = bb_api_cancelled,
    .stopped = bb_api_stopped,
    .secret = bb_api_secret,
};
