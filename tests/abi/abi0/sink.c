/*
 * sink.c - test-abi0: a sink built from the frozen header of ABI 0 and nothing else
 *
 * It stands for the binary that a vendor shipped: today's core must go on loading it. It uses every
 * host service that a plain sink uses and says in a reply what it saw.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "connector.h"
#include "tests/abi/abi0_sink-manifest.h"

struct bb_inst {
    bb_host *host;
    const struct bb_host_api *api;
    uint32_t metric;
};

static bb_status sink_create(bb_host *h, const struct bb_host_api *api,
                             const struct bb_bytes *config, bb_inst **out, struct bb_error *err)
{
    const struct bb_ext_instance *e;
    struct bb_instance me = {.size = sizeof(me)};
    bb_inst *i;

    (void)config;
    if (api->abi != BB_ABI || !BB_HAS(api, secret)) {
        snprintf(err->text, sizeof(err->text), "the host's table is not one of ABI %u", BB_ABI);
        return BB_E_CONFIG;
    }
    e = api->extension(h, BB_EXT_INSTANCE);
    if (!e || api->extension(h, "no.such/1"))
        return BB_E_CONFIG;
    e->describe(h, &me);
    i = calloc(1, sizeof(*i));
    if (!i || !me.endpoint[0] || !(me.roles & BB_ROLE_SINK)) {
        free(i);
        return BB_E_CONFIG;
    }
    i->host = h;
    i->api = api;
    i->metric = api->metric(h, BB_METRIC_GAUGE, "open");
    *out = i;
    return BB_OK;
}

static bb_status sink_start(bb_inst *i, struct bb_error *err)
{
    (void)err;
    i->api->log(i->host, BB_LOG_INFO, "abi0 starts", 11, NULL);
    return BB_OK;
}

static bb_status sink_stop(bb_inst *i, uint32_t budget_ms)
{
    (void)budget_ms;
    i->api->stopped(i->host);
    return BB_PENDING;
}

static void sink_destroy(bb_inst *i)
{
    free(i);
}

static bb_status sink_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof(v)};
    struct bb_bytes reply;
    char text[1 + 31];
    size_t n;

    (void)err;
    i->api->metric_add(i->host, i->metric, 1);
    i->api->msg_view(i->api->msg_ref(m), &v);
    n = v.type.len < 31 ? v.type.len : 31;
    text[0] = (char)(0xa0 + n); /* a msgpack string: the type that it saw */
    memcpy(text + 1, v.type.ptr, n);
    reply.ptr = text;
    reply.len = n + 1;
    i->api->done(i->host, t, i->api->cancelled(i->host, t) ? BB_E_CANCEL : BB_OK, &reply, NULL);
    i->api->msg_unref(m);
    return BB_PENDING;
}

static const struct bb_connector sink = {
    .size = sizeof(sink), .id = "test-abi0", .create = sink_create, .start = sink_start,
    .stop = sink_stop, .destroy = sink_destroy, .deliver = sink_deliver,
};
static const struct bb_connector *const all[] = {&sink};
static const struct bb_module module = {sizeof(module), BB_ABI, 1, 0, all};

const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    return host_abi == BB_ABI ? &module : NULL;
}
