/*
 * faults.h - what the test plugins that misbehave share: a sink with the settings "at" and "heed"
 */
#ifndef BB_TEST_FAULTS_H
#define BB_TEST_FAULTS_H

#include <stdlib.h>
#include <string.h>
#include <busbar/plugin.h>

struct bb_inst {
    struct bb_ctx ctx;
    uint64_t at, n;
    int heed; /* asks cancelled() */
    bb_token last;
};

static bb_status fault_create(bb_host *h, const struct bb_host_api *api,
                              const struct bb_bytes *config, bb_inst **out, struct bb_error *err)
{
    struct bb_inst *i = calloc(1, sizeof(*i));

    if (!i)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    i->ctx.host = h;
    i->ctx.api = api;
    i->at = (uint64_t)bb_conf_int(*config, "/at", 1);
    i->heed = bb_conf_bool(*config, "/heed", 0);
    *out = i;
    return BB_OK;
}

static inline bb_status fault_start(bb_inst *i, struct bb_error *err)
{
    (void)i;
    (void)err;
    return BB_OK;
}

static bb_status fault_stop(bb_inst *i, uint32_t budget_ms)
{
    (void)i;
    (void)budget_ms;
    return BB_OK;
}

static void fault_destroy(bb_inst *i)
{
    free(i);
}

/* The rest of a file: its connector and the one symbol. */
#define FAULT_MODULE(connector)                                                                    \
    static const struct bb_connector *const all[] = {&connector};                                  \
    static const struct bb_module module = {sizeof(module), BB_ABI, 1, 0, all};                    \
    const struct bb_module *bb_module_v1(uint32_t host_abi)                                        \
    {                                                                                              \
        return host_abi == BB_ABI ? &module : NULL;                                                \
    }                                                                                              \
    _Static_assert(1, "ends with a semicolon")

#endif
