/*
 * order.c - test-order: a sink that takes ordered batches, applies them in order and fails by
 * chance
 *
 * "file" holds a line for each effect: the message's id, its attempt, 1 for a redelivery, and
 * "late" when its answer was then withheld as unknown. Written in one piece, before the answer:
 * what is in the file after a kill was applied, what is not was not. Ids end in a number; which
 * were applied is read from the file at the start, so that probe() is exact over lives. With
 * "goes_on" it breaks its promise and does not stop at a failure. Its metric "in_batches" counts
 * what came together with others.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <busbar/plugin.h>
#include "tests/plugins/order-manifest.h"

#define IDS (1u << 20)

struct bb_inst {
    struct bb_ctx ctx;
    unsigned rng;
    unsigned retry, reject, unknown, crash; /* of 10000 */
    int fd, goes_on;
    uint32_t metric;
    uint8_t applied[IDS / 8];
};

static unsigned dice(bb_inst *o, unsigned n)
{
    o->rng = o->rng * 1103515245u + 12345u;
    return (o->rng >> 8) % n;
}

static uint32_t number(const char *id, size_t len)
{
    uint32_t v = 0;

    for (size_t i = 0; i < len; i++)
        v = id[i] >= '0' && id[i] <= '9' ? v * 10 + (uint32_t)(id[i] - '0') : 0;
    return v % IDS;
}

static int load(bb_inst *o, const char *file)
{
    char line[256];
    FILE *f = fopen(file, "re");

    while (f && fgets(line, sizeof(line), f)) {
        uint32_t n = number(line, strcspn(line, " "));

        o->applied[n / 8] |= (uint8_t)(1u << n % 8);
    }
    if (f)
        fclose(f);
    o->fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return o->fd;
}

static bb_status order_create(bb_host *h, const struct bb_host_api *api,
                              const struct bb_bytes *config, bb_inst **out, struct bb_error *err)
{
    struct bb_inst *o = calloc(1, sizeof(*o));
    char *file = bb_conf_dup(*config, "/file", NULL);

    if (!o || !file) {
        free(o);
        free(file);
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    }
    o->ctx.host = h;
    o->ctx.api = api;
    o->retry = (unsigned)bb_conf_int(*config, "/retry", 0);
    o->reject = (unsigned)bb_conf_int(*config, "/reject", 0);
    o->unknown = (unsigned)bb_conf_int(*config, "/unknown", 0);
    o->crash = (unsigned)bb_conf_int(*config, "/crash", 0);
    o->goes_on = bb_conf_bool(*config, "/goes_on", 0);
    o->rng = (unsigned)bb_conf_int(*config, "/seed", 1) + (unsigned)getpid();
    o->metric = api->metric(h, BB_METRIC_COUNTER, "in_batches");
    if (load(o, file) < 0) {
        bb_error_set(err, BB_E_CONFIG, "cannot open %s", file);
        free(file);
        free(o);
        return BB_E_CONFIG;
    }
    free(file);
    *out = o;
    return BB_OK;
}

static bb_status order_start(bb_inst *o, struct bb_error *err)
{
    (void)o;
    (void)err;
    return BB_OK;
}

static bb_status order_stop(bb_inst *o, uint32_t budget_ms)
{
    (void)o;
    (void)budget_ms;
    return BB_OK;
}

static void order_destroy(bb_inst *o)
{
    close(o->fd);
    free(o);
}

static bb_status apply(bb_inst *o, const struct bb_msg_view *v, struct bb_bytes id, int late,
                       struct bb_error *err)
{
    uint32_t n = number(id.ptr, id.len);
    char line[256];
    int len = snprintf(line, sizeof(line), "%.*s %u %u%s\n", (int)id.len, (const char *)id.ptr,
                       v->attempt, v->flags & BB_MSG_REDELIVERY ? 1 : 0, late ? " late" : "");

    if (write(o->fd, line, (size_t)len) != len)
        return bb_error_set(err, BB_E_UNKNOWN, "cannot write");
    o->applied[n / 8] |= (uint8_t)(1u << n % 8);
    return late ? bb_error_set(err, BB_E_UNKNOWN, "applied, and not said") : BB_OK;
}

static bb_status order_one(bb_inst *o, const bb_msg *m, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof(v)};
    struct bb_envelope e;
    unsigned roll = dice(o, 10000);

    o->ctx.api->msg_view(m, &v);
    if (bb_envelope_read(v.whole, &e, NULL) != 0)
        return bb_error_set(err, BB_E_REJECT, "no message");
    if (roll < o->crash) {
        if (dice(o, 2))
            apply(o, &v, e.id, 0, err);
        abort();
    }
    if ((roll -= o->crash) < o->retry)
        return bb_error_set(err, BB_E_RETRY, "as thrown");
    if ((roll -= o->retry) < o->reject)
        return bb_error_set(err, BB_E_REJECT, "as thrown");
    if ((roll -= o->reject) < o->unknown && dice(o, 2))
        return bb_error_set(err, BB_E_UNKNOWN, "not applied, and not said");
    return apply(o, &v, e.id, roll < o->unknown, err);
}

static bb_status order_deliver(bb_inst *o, const bb_msg *m, bb_token t, struct bb_error *err)
{
    (void)t;
    return order_one(o, m, err);
}

static bb_status order_batch(bb_inst *o, const bb_msg *const *m, const bb_token *t, size_t n,
                             struct bb_error *err)
{
    int failed = 0;

    (void)err;
    o->ctx.api->metric_add(o->ctx.host, o->metric, n);
    for (size_t i = 0; i < n; i++) {
        struct bb_error e = bb_error_none();
        bb_status s = failed && !o->goes_on ? bb_error_set(&e, BB_E_CANCEL, "one before it failed")
                                            : order_one(o, m[i], &e);

        failed |= s != BB_OK;
        o->ctx.api->done(o->ctx.host, t[i], s, NULL, s == BB_OK ? NULL : &e);
    }
    return BB_PENDING;
}

static bb_status order_probe(bb_inst *o, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof(v)};
    struct bb_envelope e;
    uint32_t n;

    (void)t;
    o->ctx.api->msg_view(m, &v);
    if (bb_envelope_read(v.whole, &e, NULL) != 0)
        return bb_error_set(err, BB_E_RETRY, "no message");
    n = number(e.id.ptr, e.id.len);
    return o->applied[n / 8] >> n % 8 & 1 ? BB_OK : BB_NOT_APPLIED;
}

static const void *order_extension(bb_inst *o, const char *id)
{
    static const struct bb_ext_batch batch = {sizeof(batch), 0, order_batch};
    static const struct bb_ext_probe probe = {sizeof(probe), 0, order_probe};

    (void)o;
    return strcmp(id, BB_EXT_BATCH) == 0   ? (const void *)&batch
           : strcmp(id, BB_EXT_PROBE) == 0 ? (const void *)&probe
                                           : NULL;
}

static const struct bb_connector order = {
    .size = sizeof(order),
    .id = "test-order",
    .create = order_create,
    .start = order_start,
    .stop = order_stop,
    .destroy = order_destroy,
    .deliver = order_deliver,
    .extension = order_extension,
};
static const struct bb_connector *const all[] = {&order};
static const struct bb_module module = {sizeof(module), BB_ABI, 1, 0, all};

const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    return host_abi == BB_ABI ? &module : NULL;
}
