/*
 * gen.c - test-gen: a source that makes messages as fast as credit allows, or at a rate
 *
 * Message n has id and item of fixed width, so a message is a template in which digits are
 * overwritten: the bench measures the core, not this. Without a rate it submits in start() and in
 * resume(), on the instance's thread; with one, a thread of its own keeps the pace.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <busbar/plugin.h>
#include "tests/plugins/gen-manifest.h"

#define DIGITS 12
#define BATCH_MAX 256

struct template {
    uint8_t *ptr;
    size_t len, id, item; /* where the digits stand */
};
struct bb_inst {
    struct bb_ctx ctx;
    uint64_t count, next, acked, failed;
    unsigned size, items, batch, rate;
    char type[64];
    struct template t[BATCH_MAX];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int threaded, stop, room;
};

static void digits(uint8_t *p, uint64_t v)
{
    for (int i = DIGITS - 1; i >= 0; i--, v /= 10)
        p[i] = (uint8_t)('0' + v % 10);
}

static int template_make(struct bb_inst *g, struct template *t)
{
    struct bb_draft d;
    struct bb_buf b, data;
    size_t pad = g->size > 320 ? g->size - 320 : 0;
    uint8_t *at;
    int rc = -1;

    bb_buf_init(&b, 4u << 20);
    bb_buf_init(&data, 4u << 20);
    bb_put_map(&data, 3);
    bb_put_cstr(&data, "quantity");
    bb_put_decimal(&data, "12.50", 5);
    bb_put_cstr(&data, "unit");
    bb_put_cstr(&data, "KGM");
    bb_put_cstr(&data, "text");
    at = malloc(pad + 1);
    if (!at)
        goto out;
    memset(at, 'x', pad);
    bb_put_str(&data, (char *)at, pad);
    free(at);
    bb_draft_init(&d, "/test/gen", g->type);
    d.e.id = bb_str("gen-000000000000");
    d.e.item = bb_str("item-000000000000");
    d.e.plant = bb_str("1000");
    d.e.data.ptr = data.ptr;
    d.e.data.len = data.len;
    if (data.failed || bb_draft_put(&d, &b) != 0)
        goto out;
    at = memmem(b.ptr, b.len, "gen-000000000000", 16);
    t->id = (size_t)(at - b.ptr) + 4;
    at = memmem(b.ptr, b.len, "item-000000000000", 17);
    t->item = (size_t)(at - b.ptr) + 5;
    t->ptr = b.ptr;
    t->len = b.len;
    bb_buf_init(&b, 0);
    rc = 0;
out:
    bb_buf_free(&b);
    bb_buf_free(&data);
    return rc;
}

static void gen_destroy(bb_inst *g)
{
    for (unsigned i = 0; i < BATCH_MAX; i++)
        free(g->t[i].ptr);
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->cond);
    free(g);
}

static bb_status gen_create(bb_host *h, const struct bb_host_api *api, const struct bb_bytes *config,
                            bb_inst **out, struct bb_error *err)
{
    struct bb_inst *g = calloc(1, sizeof(*g));

    if (!g)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    g->ctx.host = h;
    g->ctx.api = api;
    g->count = (uint64_t)bb_conf_int(*config, "/count", 1000);
    g->size = (unsigned)bb_conf_int(*config, "/size", 1024);
    g->items = (unsigned)bb_conf_int(*config, "/items", 100);
    g->batch = (unsigned)bb_conf_int(*config, "/batch", 64);
    g->rate = (unsigned)bb_conf_int(*config, "/rate", 0);
    g->next = (uint64_t)bb_conf_int(*config, "/first", 0);
    if (g->count)
        g->count += g->next;
    if (g->batch > BATCH_MAX)
        g->batch = BATCH_MAX;
    bb_str_copy(bb_conf_str(*config, "/type", "mfg.inventory.movement"), g->type, sizeof(g->type));
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->cond, NULL);
    for (unsigned i = 0; i < g->batch; i++) {
        if (template_make(g, &g->t[i]) != 0) {
            gen_destroy(g);
            return bb_error_set(err, BB_E_RETRY, "out of memory");
        }
    }
    *out = g;
    return BB_OK;
}

/* Submits up to n in one call: how many, 0 when there is no room or nothing left. */
static unsigned gen_some(struct bb_inst *g, unsigned n)
{
    struct bb_bytes m[BATCH_MAX];

    if (n > g->batch)
        n = g->batch;
    if (g->count && g->count - g->next < n)
        n = (unsigned)(g->count - g->next);
    for (unsigned i = 0; i < n; i++) {
        digits(g->t[i].ptr + g->t[i].id, g->next + i);
        digits(g->t[i].ptr + g->t[i].item, (g->next + i) % g->items);
        m[i].ptr = g->t[i].ptr;
        m[i].len = g->t[i].len;
    }
    if (n == 0 || g->ctx.api->submit(g->ctx.host, m, n, NULL, g->next, NULL) != BB_PENDING)
        return 0;
    g->next += n;
    return n;
}

static void *gen_thread(void *arg)
{
    struct bb_inst *g = arg;
    struct timespec at;
    uint64_t due = 0;

    clock_gettime(CLOCK_MONOTONIC, &at);
    pthread_mutex_lock(&g->lock);
    while (!g->stop && (!g->count || g->next < g->count)) {
        unsigned n = 0;

        pthread_mutex_unlock(&g->lock);
        at.tv_nsec += 10000000;
        if (at.tv_nsec >= 1000000000) {
            at.tv_sec++;
            at.tv_nsec -= 1000000000;
        }
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
            ;
        /* hundredths of a message, so that a low rate is kept too */
        for (due += g->rate; due >= 100; due -= 100u * n) {
            n = gen_some(g, (unsigned)(due / 100));
            if (n == 0)
                break;
        }
        pthread_mutex_lock(&g->lock);
        if (due >= 100) { /* no room: wait for it and do not catch up */
            while (!g->stop && !g->room)
                pthread_cond_wait(&g->cond, &g->lock);
            due = 0;
            clock_gettime(CLOCK_MONOTONIC, &at);
        }
        g->room = 0;
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

static void gen_resume(bb_inst *g)
{
    if (!g->rate) {
        while (gen_some(g, g->batch))
            ;
        return;
    }
    pthread_mutex_lock(&g->lock);
    g->room = 1;
    pthread_cond_signal(&g->cond);
    pthread_mutex_unlock(&g->lock);
}

static bb_status gen_start(bb_inst *g, struct bb_error *err)
{
    g->stop = 0;
    if (!g->rate) {
        gen_resume(g);
        return BB_OK;
    }
    if (pthread_create(&g->thread, NULL, gen_thread, g) != 0)
        return bb_error_set(err, BB_E_RETRY, "cannot start a thread");
    g->threaded = 1;
    return BB_OK;
}

static bb_status gen_stop(bb_inst *g, uint32_t budget_ms)
{
    (void)budget_ms;
    pthread_mutex_lock(&g->lock);
    g->stop = 1;
    pthread_cond_signal(&g->cond);
    pthread_mutex_unlock(&g->lock);
    if (g->threaded)
        pthread_join(g->thread, NULL);
    g->threaded = 0;
    return BB_OK;
}

static void gen_acked(bb_inst *g, uint64_t cookie, bb_status s, const struct bb_receipt *r)
{
    g->acked++;
    if (s == BB_OK)
        return;
    if (g->failed++ == 0)
        bb_host_log(&g->ctx, BB_LOG_WARN, "submit from message %llu: status %d, %.*s",
                    (unsigned long long)cookie, s, (int)r->error.len, (const char *)r->error.ptr);
}

static const struct bb_connector gen = {
    .size = sizeof(gen), .id = "test-gen", .create = gen_create, .start = gen_start,
    .stop = gen_stop, .destroy = gen_destroy, .acked = gen_acked, .resume = gen_resume,
};
static const struct bb_connector *const all[] = {&gen};
static const struct bb_module module = {sizeof(module), BB_ABI, 1, 0, all};

const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    return host_abi == BB_ABI ? &module : NULL;
}
