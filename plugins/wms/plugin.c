/*
 * plugin.c - the wms connector's life: config, start, stop, its loop (see wms.h)
 *
 * Thread: the instance's. Ownership: create() makes all of an instance, destroy() frees it; the feed goes before
 * its client.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include "drop.h"
#include "wms-manifest.h"

static const struct {
    const char *pointer, *otherwise;
    size_t at;
} texts[] = {
#define AT(m) offsetof(struct wms_conf, m)
    {"/base_url", NULL, AT(base)},
    {"/paths/capture", "/epcis/v2/capture", AT(capture)},
    {"/paths/events", "/epcis/v2/events", AT(events)},
    {"/paths/snapshot", "/stock/snapshot", AT(snapshot)},
    {"/paths/bins", "/stock/bins", AT(bins)},
    {"/uris/item", "urn:plant:item:", AT(item)},
    {"/uris/location", "urn:plant:loc:", AT(location)},
    {"/uris/document", "urn:plant:doc:", AT(document)},
    {"/uris/extensions", "urn:plant:wms:", AT(ns)},
    {"/plant", NULL, AT(plant)},
    {"/storage_location", NULL, AT(storage)},
    {"/source", "/wms", AT(source)},
    {"/files/out", NULL, AT(out)},
#undef AT
};
#define TEXTS (sizeof texts / sizeof *texts)

static char **text_at(struct wms_conf *c, size_t k)
{
    return (char **)(void *)((char *)c + texts[k].at);
}

static bb_status conf_read(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    for (size_t k = 0; k < TEXTS; k++) {
        char **p = text_at(&i->conf, k);
        *p = bb_conf_dup(conf, texts[k].pointer, texts[k].otherwise);
        if (!*p && (texts[k].otherwise || bb_conf_str(conf, texts[k].pointer, NULL).len))
            return bb_error_set(err, BB_E_RETRY, "out of memory");
    }
    i->conf.xml = bb_str_is(bb_conf_str(conf, "/format", "json"), "xml");
    i->conf.timeout_ms = (uint32_t)bb_conf_int(conf, "/timeout", 30000);
    return bb_conf_keep(conf, &i->raw) == 0 ? BB_OK : bb_error_set(err, BB_E_RETRY, "out of memory");
}

static void feed_request(void *arg, struct bb_http_call *call)
{
    bb_inst *i = arg;
    bb_http_call_header(call, "GS1-EPCIS-Version", bb_str("2.0.0"));
    bb_http_call_header(call, "Accept", bb_str(i->conf.xml ? "application/xml" : "application/ld+json, application/json"));
}

static bb_status feed_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    char url[1024], start[128];
    struct bb_bytes poll;
    struct bb_poll_conf p = {.ctx = &i->ctx, .client = i->client, .url = url, .records = "/records", .next = BB_NEXT_LINK,
                             .cursor_pointer = "/recordTime", .cursor_param = "GE_recordTime", .message = record_message,
                             .request = feed_request, .body = page_read, .arg = i};

    if (!(bb_instance_roles(&i->ctx) & BB_ROLE_SOURCE) || bb_conf_find(conf, "/poll", &poll) != 1)
        return BB_OK;
    if (snprintf(url, sizeof url, "%s?perPage=%d", i->conf.events, (int)bb_conf_int(poll, "/page", 200)) >= (int)sizeof url)
        return bb_error_set(err, BB_E_CONFIG, "paths.events: too long");
    if (bb_str_copy(bb_conf_str(poll, "/start", ""), start, sizeof start) != 0)
        return bb_error_set(err, BB_E_CONFIG, "poll.start: too long");
    p.cursor_start = *start ? start : NULL;
    p.interval_ms = bb_conf_int(poll, "/interval", 10000);
    p.jitter = (uint32_t)bb_conf_int(poll, "/jitter", 10);
    p.backoff_max_ms = bb_conf_int(poll, "/backoff_max", 300000);
    return bb_poll_new(&p, &i->poll, err);
}

static void destroy(bb_inst *i)
{
    drop_free(&i->drop);
    bb_poll_free(&i->poll);
    bb_http_free(&i->client); /* ends its calls: their jobs go with them */
    while (i->jobs)
        job_free(i->jobs);
    for (size_t k = 0; k < TEXTS; k++)
        free(*text_at(&i->conf, k));
    free((void *)(uintptr_t)i->raw.ptr);
    free(i);
}

static bb_status create(bb_host *h, const struct bb_host_api *api, const struct bb_bytes *conf, bb_inst **out,
                        struct bb_error *err)
{
    bb_inst *i = calloc(1, sizeof *i);
    bb_status st = i ? BB_OK : bb_error_set(err, BB_E_RETRY, "out of memory");

    if (st == BB_OK) {
        i->ctx = (struct bb_ctx){h, api};
        st = conf_read(i, *conf, err);
    }
    if (st == BB_OK)
        st = drop_new(i, *conf, &i->drop, err);
    if (st == BB_OK && i->conf.base) {
        struct bb_http_config f = {.base = i->conf.base, .agent = "busbar-wms/1", .outcomes = wms_outcomes};
        st = bb_http_from_conf(&i->ctx, *conf, &f, &i->client, err);
    }
    if (st == BB_OK && i->client)
        st = feed_new(i, *conf, err);
    if (st == BB_OK)
        *out = i;
    else if (i)
        destroy(i);
    return st;
}

static bb_status start(bb_inst *i, struct bb_error *err)
{
    return i->poll ? bb_poll_start(i->poll, err) : BB_OK;
}

static bb_status stop(bb_inst *i, uint32_t budget_ms)
{
    (void)budget_ms; /* a job ends by its own time-out */
    drop_stop(i->drop);
    if (!i->client)
        return BB_OK;
    bb_poll_stop(i->poll);
    i->stopping = i->jobs != NULL || bb_http_open(i->client) > 0;
    return i->stopping ? BB_PENDING : BB_OK;
}

/* Without a client there is nothing to wait for but the host. */
static void host_wait(struct bb_pollfd *host, size_t n, uint32_t timeout_ms)
{
    struct pollfd fds[16];
    size_t k;

    for (k = 0; k < n && k < sizeof fds / sizeof *fds; k++)
        fds[k] = (struct pollfd){host[k].fd, POLLIN, 0};
    if (poll(fds, k, (int)(timeout_ms > 60000 ? 60000 : timeout_ms)) < 0)
        return;
    for (size_t m = 0; m < k; m++)
        host[m].revents = fds[m].revents ? BB_POLL_IN : 0;
}

static void wait(bb_inst *i, struct bb_pollfd *host, size_t n, uint32_t timeout_ms)
{
    timeout_ms = drop_before(i->drop, timeout_ms);
    drop_after(i->drop);
    if (!i->client) {
        host_wait(host, n, timeout_ms);
        return;
    }
    bb_http_wait(i->client, host, n, jobs_before(i, bb_poll_before(i->poll, timeout_ms)));
    bb_poll_after(i->poll);
    jobs_after(i);
    if (i->stopping && !i->jobs && !bb_http_open(i->client)) {
        i->stopping = 0;
        i->ctx.api->stopped(i->ctx.host);
    }
}

static void cancel(bb_inst *i, bb_token t)
{
    struct job *j = i->jobs;
    struct bb_error err = bb_error_none();

    while (j && j->t != t)
        j = j->next;
    if (j && j->call)
        bb_http_cancel(j->call);
    else if (j) {
        bb_error_set(&err, BB_E_UNKNOWN, "cancelled while the capture job was awaited");
        job_end(j, BB_E_UNKNOWN, NULL, &err);
    }
}

static bb_status health(bb_inst *i, struct bb_error *why)
{
    bb_status st = i->poll ? bb_poll_health(i->poll, why) : BB_OK;

    if (st == BB_OK)
        st = drop_health(i->drop, why);
    return st != BB_OK || i->last == BB_OK ? st : bb_error_set(why, i->last, "%s", i->last_text);
}

static void acked(bb_inst *i, uint64_t cookie, bb_status s, const struct bb_receipt *r)
{
    if (!drop_acked(i->drop, cookie, s, r))
        bb_poll_acked(i->poll, cookie, s, r);
}

static void resume(bb_inst *i)
{
    drop_resume(i->drop);
    bb_poll_resume(i->poll);
}

static const void *extension(bb_inst *i, const char *id)
{
    static const struct bb_ext_wait wait_table = {.size = sizeof wait_table, .wait = wait};
    static const struct bb_ext_health health_table = {.size = sizeof health_table, .health = health};
    static const struct bb_ext_probe probe_table = {.size = sizeof probe_table, .probe = sink_probe};
    static const struct bb_ext_query query_table = {.size = sizeof query_table, .query = query_ask};
    static const struct {
        const char *id;
        const void *table;
    } all[] = {{BB_EXT_WAIT, &wait_table}, {BB_EXT_HEALTH, &health_table}, {BB_EXT_PROBE, &probe_table},
               {BB_EXT_QUERY, &query_table}};

    (void)i;
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (strcmp(all[k].id, id) == 0)
            return all[k].table;
    return NULL;
}

static const struct bb_connector connector = {
    .size = sizeof connector, .id = "wms", .create = create, .start = start, .stop = stop, .destroy = destroy,
    .deliver = sink_deliver, .cancel = cancel, .acked = acked, .resume = resume, .extension = extension};

const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    static const struct bb_connector *const list[] = {&connector};
    static const struct bb_module module = {sizeof module, BB_ABI, 1, 0, list};
    return host_abi == BB_ABI ? &module : NULL;
}
