/*
 * plugin.c - the sap connector: an SAP-style ERP over OData, as sink, source and answerer (sap.h)
 *
 * Thread: the instance's alone: the host calls wait() in place of poll(), and that runs the SDK's client.
 */
#include <stdlib.h>
#include <busbar/poll.h>
#include "sap.h"
#include "sap-manifest.h"

static void inst_destroy(bb_inst *i)
{
    source_free(i);
    job_cancel(i, 0);
    bb_http_free(&i->client);
    services_free(i);
    free((void *)(uintptr_t)i->conf.ptr);
    free(i);
}

static bb_status client_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    char *base = bb_conf_dup(conf, "/base_url", NULL);
    size_t n = base ? strlen(base) : 0;
    struct bb_http_config f = {.base = base, .agent = "busbar-sap/1",
                               .csrf_path = service_find(i, bb_str("product"))->path};
    bb_status st;

    while (n && base[n - 1] == '/')
        base[--n] = 0;
    st = base ? bb_http_from_conf(&i->ctx, conf, &f, &i->client, err)
              : bb_error_set(err, BB_E_CONFIG, "base_url is missing");
    free(base);
    return st;
}

static bb_status inst_create(bb_host *h, const struct bb_host_api *api, const struct bb_bytes *config, bb_inst **out,
                             struct bb_error *err)
{
    bb_inst *i = calloc(1, sizeof *i);
    bb_status st;

    if (!i || bb_conf_keep(*config, &i->conf) != 0) {
        free(i);
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    }
    i->ctx = (struct bb_ctx){h, api};
    i->changes = bb_conf_bool(*config, "/change_numbers", 1);
    i->tunnel = bb_conf_bool(*config, "/tunnel", 0);
    st = faults_read(*config, &i->faults, err) == 0 ? services_new(i, *config, err) : BB_E_CONFIG;
    if (st == BB_OK)
        st = client_new(i, *config, err);
    if (st == BB_OK)
        st = source_new(i, *config, err);
    if (st == BB_OK)
        *out = i;
    else
        inst_destroy(i);
    return st;
}

static bb_status inst_start(bb_inst *i, struct bb_error *err)
{
    (void)i;
    (void)err;
    return BB_OK; /* the feed starts when its service is described */
}

static bb_status inst_stop(bb_inst *i, uint32_t budget_ms)
{
    (void)budget_ms; /* what is open ends by its own time-out, or as unknown with the client */
    if (i->poll)
        bb_poll_stop(i->poll);
    i->stopping = i->jobs != NULL;
    return i->stopping ? BB_PENDING : BB_OK;
}

static bb_status inst_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    return job_new(i, JOB_DELIVER, m, t, NULL, err);
}

static bb_status inst_probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    return job_new(i, JOB_PROBE, m, t, NULL, err);
}

static bb_status inst_query(bb_inst *i, const char *op, const bb_msg *req, bb_token t, struct bb_error *err)
{
    const struct ask *a = ask_find(op);

    return a ? job_new(i, JOB_QUERY, req, t, a, err) : bb_error_set(err, BB_E_UNSUP, "%s is not answered here", op);
}

static bb_status inst_health(bb_inst *i, struct bb_error *why)
{
    if (i->last != BB_OK)
        return bb_error_set(why, i->last, "%s", i->last_text);
    return i->poll ? bb_poll_health(i->poll, why) : BB_OK;
}

static void inst_cancel(bb_inst *i, bb_token t)
{
    job_cancel(i, t);
}

static void inst_wait(bb_inst *i, struct bb_pollfd *host, size_t n, uint32_t timeout_ms)
{
    struct bb_error err = bb_error_none();

    if (i->source && !i->feeding && !i->stopping) {
        timeout_ms = timeout_ms > 500 ? 500 : timeout_ms;
        if (source_ready(i))
            i->feeding = bb_poll_start(i->poll, &err) == BB_OK;
    }
    if (i->feeding)
        timeout_ms = bb_poll_before(i->poll, timeout_ms);
    bb_http_wait(i->client, host, n, timeout_ms);
    if (i->feeding)
        bb_poll_after(i->poll);
    if (i->stopping && !i->jobs) {
        i->stopping = 0;
        i->ctx.api->stopped(i->ctx.host);
    }
}

static void inst_acked(bb_inst *i, uint64_t cookie, bb_status s, const struct bb_receipt *r)
{
    if (i->poll)
        bb_poll_acked(i->poll, cookie, s, r);
}

static void inst_resume(bb_inst *i)
{
    if (i->poll)
        bb_poll_resume(i->poll);
}

static const void *inst_extension(bb_inst *i, const char *id)
{
    static const struct bb_ext_probe probe = {.size = sizeof probe, .probe = inst_probe};
    static const struct bb_ext_query query = {.size = sizeof query, .query = inst_query};
    static const struct bb_ext_health health = {.size = sizeof health, .health = inst_health};
    static const struct bb_ext_wait wait = {.size = sizeof wait, .wait = inst_wait};
    static const struct {
        const char *id;
        const void *table;
    } rows[] = {{BB_EXT_PROBE, &probe}, {BB_EXT_QUERY, &query}, {BB_EXT_HEALTH, &health}, {BB_EXT_WAIT, &wait}};
    (void)i;

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        if (strcmp(id, rows[k].id) == 0)
            return rows[k].table;
    return NULL;
}

static const struct bb_connector connector = {
    .size = sizeof connector,
    .id = "sap",
    .create = inst_create,
    .start = inst_start,
    .stop = inst_stop,
    .destroy = inst_destroy,
    .deliver = inst_deliver,
    .cancel = inst_cancel,
    .acked = inst_acked,
    .resume = inst_resume,
    .extension = inst_extension,
};

const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    static const struct bb_connector *const list[] = {&connector};
    static const struct bb_module module = {.size = sizeof module, .abi = BB_ABI, .count = 1, .connectors = list};
    (void)host_abi;

    return &module;
}
