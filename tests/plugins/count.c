/*
 * count.c - test-count: a sink that counts, and fails where it is told to
 *
 * Alone or in batches, at once or from a thread of its own ("pending"). With "file" each key that
 * it takes is a line there, so a test can tell doubles and order. A probe answers from the keys
 * taken in this life. Its metric "deliveries" counts all calls.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <busbar/plugin.h>
#include "tests/plugins/count-manifest.h"

#define QUEUE 4096

struct bb_inst {
    struct bb_ctx ctx;
    uint64_t n, every;
    bb_status fail;
    int fd, reply, fail_start, pending, swallow;
    uint32_t metric;
    char last_key[128];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int stop, threaded;
    struct {
        const bb_msg *m;
        bb_token t;
    } queue[QUEUE];
    unsigned head, tail;
};

static bb_status count_status(struct bb_bytes name)
{
    if (bb_str_is(name, "reject"))
        return BB_E_REJECT;
    if (bb_str_is(name, "down"))
        return BB_E_DOWN;
    return bb_str_is(name, "unknown") ? BB_E_UNKNOWN : BB_E_RETRY;
}

static bb_status count_create(bb_host *h, const struct bb_host_api *api,
                              const struct bb_bytes *config, bb_inst **out, struct bb_error *err)
{
    struct bb_inst *c = calloc(1, sizeof(*c));
    char *file, secret[64];
    size_t len;

    if (!c)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    c->ctx.host = h;
    c->ctx.api = api;
    c->every = (uint64_t)bb_conf_int(*config, "/fail_every", 0);
    c->fail = count_status(bb_conf_str(*config, "/fail_with", "retry"));
    c->pending = bb_conf_bool(*config, "/pending", 0);
    c->reply = bb_conf_bool(*config, "/reply", 0);
    c->swallow = bb_conf_bool(*config, "/swallow", 0);
    c->fail_start = bb_conf_bool(*config, "/fail_start", 0);
    c->metric = api->metric(h, BB_METRIC_COUNTER, "deliveries");
    c->fd = -1;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->cond, NULL);
    if (bb_conf_secret(&c->ctx, *config, "/token", secret, sizeof(secret), &len, NULL) == BB_OK)
        bb_host_log(&c->ctx, BB_LOG_INFO, "the token is \"%s\", %zu bytes", secret, len);
    file = bb_conf_dup(*config, "/file", NULL);
    if (file) {
        c->fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (c->fd < 0) {
            bb_error_set(err, BB_E_CONFIG, "cannot open %s", file);
            free(file);
            free(c);
            return BB_E_CONFIG;
        }
    }
    free(file);
    *out = c;
    return BB_OK;
}

/* One delivery: its status; counts and writes under the lock, for there may be two threads. */
static bb_status count_one(bb_inst *c, const bb_msg *m, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof(v)};
    char line[256];
    int n;

    c->ctx.api->metric_add(c->ctx.host, c->metric, 1);
    c->n++;
    if (c->every && c->n % c->every == 0) {
        bb_error_vendor(err, "T/001");
        return bb_error_set(err, c->fail, "delivery %llu fails as configured",
                            (unsigned long long)c->n);
    }
    c->ctx.api->msg_view(m, &v);
    bb_str_copy(v.key, c->last_key, sizeof(c->last_key));
    if (c->fd < 0)
        return BB_OK;
    n = snprintf(line, sizeof(line), "%.*s %u %u\n", (int)v.key.len, (const char *)v.key.ptr,
                 v.attempt, v.flags);
    return write(c->fd, line, (size_t)n) == n ? BB_OK
                                               : bb_error_set(err, BB_E_UNKNOWN, "cannot write");
}

static void count_done(bb_inst *c, bb_token t, bb_status s, const struct bb_error *err)
{
    struct bb_bytes b = {NULL, 0};
    struct bb_buf buf;

    bb_buf_init(&buf, 64);
    if (c->reply && s == BB_OK) {
        bb_put_map(&buf, 1);
        bb_put_cstr(&buf, "count");
        bb_put_uint(&buf, c->n);
        b.ptr = buf.ptr;
        b.len = buf.len;
    }
    c->ctx.api->done(c->ctx.host, t, s, b.ptr ? &b : NULL, s == BB_OK ? NULL : err);
    bb_buf_free(&buf);
}

static void *count_thread(void *arg)
{
    struct bb_inst *c = arg;

    pthread_mutex_lock(&c->lock);
    while (!c->stop || c->head != c->tail) {
        struct bb_error err = bb_error_none();
        unsigned at = c->head % QUEUE;
        bb_status s;

        if (c->head == c->tail) {
            pthread_cond_wait(&c->cond, &c->lock);
            continue;
        }
        c->head++;
        s = count_one(c, c->queue[at].m, &err);
        c->ctx.api->msg_unref(c->queue[at].m);
        count_done(c, c->queue[at].t, s, &err);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static bb_status count_start(bb_inst *c, struct bb_error *err)
{
    if (c->fail_start)
        return bb_error_set(err, BB_E_CONFIG, "fails to start as configured");
    if (c->pending && pthread_create(&c->thread, NULL, count_thread, c) != 0)
        return bb_error_set(err, BB_E_RETRY, "cannot start a thread");
    c->threaded = c->pending;
    return BB_OK;
}

static bb_status count_stop(bb_inst *c, uint32_t budget_ms)
{
    (void)budget_ms;
    pthread_mutex_lock(&c->lock);
    c->stop = 1;
    pthread_cond_signal(&c->cond);
    pthread_mutex_unlock(&c->lock);
    if (c->threaded)
        pthread_join(c->thread, NULL);
    c->threaded = 0;
    return BB_OK;
}

static void count_destroy(bb_inst *c)
{
    if (c->fd >= 0)
        close(c->fd);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->cond);
    free(c);
}

static bb_status count_deliver(bb_inst *c, const bb_msg *m, bb_token t, struct bb_error *err)
{
    bb_status s;

    if (c->swallow)
        return BB_PENDING;
    if (!c->pending) {
        s = count_one(c, m, err);
        if (s != BB_OK || !c->reply)
            return s;
        count_done(c, t, s, NULL);
        return BB_PENDING;
    }
    pthread_mutex_lock(&c->lock);
    if (c->tail - c->head == QUEUE) {
        pthread_mutex_unlock(&c->lock);
        return bb_error_set(err, BB_E_RETRY, "queue full");
    }
    c->queue[c->tail % QUEUE].m = c->ctx.api->msg_ref(m);
    c->queue[c->tail++ % QUEUE].t = t;
    pthread_cond_signal(&c->cond);
    pthread_mutex_unlock(&c->lock);
    return BB_PENDING;
}

static bb_status count_batch(bb_inst *c, const bb_msg *const *m, const bb_token *t, size_t n,
                             struct bb_error *err)
{
    (void)err;
    for (size_t i = 0; i < n; i++) {
        struct bb_error e = bb_error_none();
        bb_status s = count_deliver(c, m[i], t[i], &e);

        if (s != BB_PENDING)
            count_done(c, t[i], s, &e);
    }
    return BB_PENDING;
}

static bb_status count_probe(bb_inst *c, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof(v)};

    (void)t;
    (void)err;
    c->ctx.api->msg_view(m, &v);
    return bb_str_is(v.key, c->last_key) ? BB_OK : BB_NOT_APPLIED;
}

static bb_status count_health(bb_inst *c, struct bb_error *why)
{
    return c->fail == BB_E_DOWN && c->every == 1 ? bb_error_set(why, BB_E_DOWN, "as configured")
                                                 : BB_OK;
}

static const void *count_extension(bb_inst *c, const char *id)
{
    static const struct bb_ext_batch batch = {sizeof(batch), 0, count_batch};
    static const struct bb_ext_probe probe = {sizeof(probe), 0, count_probe};
    static const struct bb_ext_health health = {sizeof(health), 0, count_health};

    (void)c;
    return strcmp(id, BB_EXT_BATCH) == 0    ? (const void *)&batch
           : strcmp(id, BB_EXT_PROBE) == 0  ? (const void *)&probe
           : strcmp(id, BB_EXT_HEALTH) == 0 ? (const void *)&health
                                            : NULL;
}

static const struct bb_connector count = {
    .size = sizeof(count), .id = "test-count", .create = count_create, .start = count_start,
    .stop = count_stop, .destroy = count_destroy, .deliver = count_deliver,
    .extension = count_extension,
};
static const struct bb_connector *const all[] = {&count};
static const struct bb_module module = {sizeof(module), BB_ABI, 1, 0, all};

const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    return host_abi == BB_ABI ? &module : NULL;
}
