/*
 * plugin.c - the portal connector's life: config, start, stop, its loop (see portal.h)
 *
 * Thread: the instance's. Ownership: create() makes all of an instance, destroy() frees it; the feed goes before its
 * client. The host's roles say what this instance is for: only the source polls.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include "portal.h"
#include "portal-manifest.h"

/* ---- config ------------------------------------------------------------------------------------------------------- */
static const struct {
    const char *pointer, *otherwise;
    size_t at;
} texts[] = {
#define AT(m) offsetof(struct portal_conf, m)
    {"/base_url", NULL, AT(base)},
    {"/paths/forecasts", "/v1/partners/{partner}/forecasts", AT(forecasts)},
    {"/paths/changes", "/v1/partners/{partner}/changes", AT(changes)},
    {"/paths/acknowledgements", "/v1/partners/{partner}/acknowledgements", AT(acknowledgements)},
    {"/paths/submissions", "/v1/submissions/{key}", AT(submissions)},
    {"/receive/path", "/v1/messages", AT(messages)},
    {"/partner", NULL, AT(partner)},
    {"/source", "/portal", AT(source)},
    {"/api_key/header", "X-API-KEY", AT(key_header)},
    {"/x12/utc_offset", "Z", AT(zone)},
    {"/x12/sender", "BUSBAR", AT(sender)},
    {"/x12/sender_qualifier", "ZZ", AT(sender_qualifier)},
    {"/x12/receiver_qualifier", "ZZ", AT(receiver_qualifier)},
    {"/x12/usage", "P", AT(usage)},
#undef AT
};
#define TEXTS (sizeof texts / sizeof *texts)

static char **text_at(struct portal_conf *c, size_t k)
{
    return (char **)(void *)((char *)c + texts[k].at);
}

static bb_status conf_read(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    for (size_t k = 0; k < TEXTS; k++) {
        char **p = text_at(&i->conf, k);
        *p = bb_conf_dup(conf, texts[k].pointer, texts[k].otherwise);
        if (!*p && (texts[k].otherwise || bb_conf_str(conf, texts[k].pointer, NULL).len))
            return bb_error_set(err, BB_E_RETRY, "out of memory, or a text of the config holds a NUL");
    }
    i->conf.forecast_x12 = bb_str_is(bb_conf_str(conf, "/formats/forecast", "json"), "x12");
    i->conf.acknowledge = bb_conf_bool(conf, "/receive/acknowledge", 0);
    i->conf.idempotent = bb_conf_bool(conf, "/idempotent", 0);
    i->conf.timeout_ms = (uint32_t)bb_conf_int(conf, "/timeout", 30000);
    if (!i->conf.base)
        return bb_error_set(err, BB_E_CONFIG, "base_url is missing: where the portal's paths begin");
    return bb_conf_keep(conf, &i->raw) == 0 ? sign_read(i, conf, err) : bb_error_set(err, BB_E_RETRY, "out of memory");
}

static void feed_request(void *arg, struct bb_http_call *call)
{
    key_put(arg, call);
}

static bb_status feed_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    char url[1024];
    struct bb_bytes any;
    struct bb_poll_conf p = {.ctx = &i->ctx, .client = i->client, .url = url, .records = "", .next = BB_NEXT_LINK,
                             .cursor_pointer = "/cursor", .cursor_param = "after", .message = feed_message, .body = feed_body,
                             .request = feed_request, .arg = i, .max_messages = 4096};

    if (!(bb_instance_roles(&i->ctx) & BB_ROLE_SOURCE))
        return BB_OK;
    if (bb_conf_find(conf, "/receive", &any) != 1)
        return bb_error_set(err, BB_E_CONFIG, "a route comes from this endpoint: it needs receive, for example "
                                              "receive: {interval: 10s}");
    if (snprintf(url, sizeof url, "%s?limit=%lld", i->conf.messages, (long long)bb_conf_int(conf, "/receive/page", 100)) >=
        (int)sizeof url)
        return bb_error_set(err, BB_E_CONFIG, "receive.path: too long");
    p.interval_ms = bb_conf_int(conf, "/receive/interval", 10000);
    p.jitter = (uint32_t)bb_conf_int(conf, "/receive/jitter", 10);
    p.backoff_max_ms = bb_conf_int(conf, "/receive/backoff_max", 300000);
    p.max_page = (size_t)bb_conf_int(conf, "/receive/max_page", 8 << 20);
    return bb_poll_new(&p, &i->poll, err);
}

/* ---- life ------------------------------------------------------------------------------------------------------------- */
static void destroy(bb_inst *i)
{
    bb_poll_free(&i->poll);
    bb_http_free(&i->client); /* ends its calls: their jobs go with them */
    for (size_t k = 0; k < TEXTS; k++)
        free(*text_at(&i->conf, k));
    free((void *)(uintptr_t)i->raw.ptr);
    OPENSSL_cleanse(i->secret, sizeof i->secret);
    OPENSSL_cleanse(i->api_key, sizeof i->api_key);
    free(i);
}

static bb_status create(bb_host *h, const struct bb_host_api *api, const struct bb_bytes *conf, bb_inst **out,
                        struct bb_error *err)
{
    bb_inst *i = calloc(1, sizeof *i);
    struct bb_http_config f = {.agent = "busbar-portal/1", .outcomes = portal_outcomes};
    bb_status st;

    if (!i)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    i->ctx = (struct bb_ctx){h, api};
    st = conf_read(i, *conf, err);
    f.base = i->conf.base;
    if (st == BB_OK)
        st = bb_http_from_conf(&i->ctx, *conf, &f, &i->client, err);
    if (st == BB_OK)
        st = feed_new(i, *conf, err);
    if (st == BB_OK)
        *out = i;
    else
        destroy(i);
    return st;
}

static bb_status start(bb_inst *i, struct bb_error *err)
{
    i->stopping = 0;
    return bb_poll_start(i->poll, err);
}

static bb_status stop(bb_inst *i, uint32_t budget_ms)
{
    bb_poll_stop(i->poll);
    i->stop_at_ms = bb_clock_ms() + budget_ms - budget_ms / 8;
    i->stopping = i->jobs != NULL;
    return i->stopping ? BB_PENDING : BB_OK;
}

static void wait(bb_inst *i, struct bb_pollfd *host, size_t n, uint32_t timeout_ms)
{
    if (i->stopping && timeout_ms > 20)
        timeout_ms = 20;
    bb_http_wait(i->client, host, n, bb_poll_before(i->poll, timeout_ms));
    bb_poll_after(i->poll);
    if (!i->stopping || (i->jobs && bb_clock_ms() < i->stop_at_ms))
        return;
    while (i->jobs)
        bb_http_cancel(i->jobs->call);
    i->stopping = 0;
    i->ctx.api->stopped(i->ctx.host);
}

/* ---- the contract's calls ------------------------------------------------------------------------------------------ */
static void cancel(bb_inst *i, bb_token t)
{
    for (struct job *j = i->jobs; j; j = j->next)
        if (j->t == t) {
            bb_http_cancel(j->call);
            return;
        }
}

static void acked(bb_inst *i, uint64_t cookie, bb_status s, const struct bb_receipt *r)
{
    bb_poll_acked(i->poll, cookie, s, r);
}

static void resume(bb_inst *i)
{
    bb_poll_resume(i->poll);
}

static bb_status health(bb_inst *i, struct bb_error *why)
{
    bb_status st = bb_poll_health(i->poll, why);

    return st != BB_OK || i->last == BB_OK ? st : bb_error_set(why, i->last, "%s", i->last_text);
}

static const void *extension(bb_inst *i, const char *id)
{
    static const struct bb_ext_probe probe_table = {.size = sizeof probe_table, .probe = sink_probe};
    static const struct bb_ext_health health_table = {.size = sizeof health_table, .health = health};
    static const struct bb_ext_wait wait_table = {.size = sizeof wait_table, .wait = wait};
    static const struct {
        const char *id;
        const void *table;
    } all[] = {{BB_EXT_PROBE, &probe_table}, {BB_EXT_HEALTH, &health_table}, {BB_EXT_WAIT, &wait_table}};

    if (strcmp(id, BB_EXT_PROBE) == 0 && !*i->conf.submissions)
        return NULL; /* this portal cannot be asked: the route's on_unknown decides */
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (strcmp(id, all[k].id) == 0)
            return all[k].table;
    return NULL;
}

static const struct bb_connector connector = {
    .size = sizeof connector, .id = "portal", .create = create, .start = start, .stop = stop, .destroy = destroy,
    .deliver = sink_deliver, .cancel = cancel, .acked = acked, .resume = resume, .extension = extension,
};

const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    static const struct bb_connector *const list[] = {&connector};
    static const struct bb_module module = {.size = sizeof module, .abi = BB_ABI, .count = 1, .connectors = list};
    (void)host_abi;

    return &module;
}
