/*
 * plugin.c - the http connector: webhooks in (`listen`), a feed (`poll`), requests out (`url`)
 *
 * Thread: the instance's alone; see http.h. The host's extension busbar.instance/1 says which of
 * the two sides the routes use; without it both that are configured run.
 */
#include <poll.h>
#include <stdlib.h>
#include <busbar/poll.h>
#include "http.h"
#include "http-manifest.h"

#define WAIT_FDS 16

/* ---- life -------------------------------------------------------------------------------------- */
static void inst_destroy(bb_inst *i)
{
    if (i->source)
        source_free(&i->source);
    if (i->sink)
        sink_free(&i->sink);
    if (i->feed)
        feed_free(&i->feed);
    free(i);
}

static void who_read(bb_inst *i, int listens, int sends)
{
    const struct bb_ext_instance *e = i->ctx.api->extension(i->ctx.host, BB_EXT_INSTANCE);

    i->who.size = sizeof i->who;
    if (e && BB_HAS(e, describe))
        e->describe(i->ctx.host, &i->who);
    else
        i->who.roles = (listens ? BB_ROLE_SOURCE : 0) | (sends ? BB_ROLE_SINK : 0);
    i->who.endpoint[sizeof i->who.endpoint - 1] = 0;
}

static bb_status roles_check(const bb_inst *i, int listens, int sends, int polls, int auth,
                             struct bb_error *err)
{
    if (!listens && !sends && !polls)
        return bb_error_set(err, BB_E_CONFIG, "give listen (to take webhooks), poll (to ask) or url (to "
                                              "send)");
    if (polls && (listens || sends))
        return bb_error_set(err, BB_E_CONFIG, "poll goes with neither listen nor url: make two endpoints");
    if (!listens && !polls && (i->who.roles & BB_ROLE_SOURCE))
        return bb_error_set(err, BB_E_CONFIG, "a route comes from this endpoint: it needs listen, "
                                              "for example listen: 127.0.0.1:8080, or poll");
    if (!sends && (i->who.roles & BB_ROLE_SINK))
        return bb_error_set(err, BB_E_CONFIG, "a route goes to this endpoint: it needs url, "
                                              "for example url: https://mes.example/api/events");
    if (listens && sends && auth)
        return bb_error_set(err, BB_E_CONFIG, "with listen and url together auth would be for "
                                              "both directions: make two endpoints");
    return BB_OK;
}

static bb_status inst_create(bb_host *h, const struct bb_host_api *api,
                             const struct bb_bytes *config, bb_inst **out, struct bb_error *err)
{
    bb_inst *i = calloc(1, sizeof *i);
    struct bb_bytes v;
    bb_status st;
    int listens, sends, polls;

    if (!i)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    i->ctx = (struct bb_ctx){h, api};
    listens = bb_conf_find(*config, "/listen", &v);
    sends = bb_conf_find(*config, "/url", &v);
    polls = bb_conf_find(*config, "/poll", &v);
    who_read(i, listens || polls, sends);
    st = roles_check(i, listens, sends, polls, bb_conf_find(*config, "/auth", &v), err);
    if (st == BB_OK && polls && (i->who.roles & BB_ROLE_SOURCE))
        i->feed = feed_new(i, *config, err, &st);
    else if (st == BB_OK && (i->who.roles & BB_ROLE_SOURCE))
        i->source = source_new(i, *config, err, &st);
    if (st == BB_OK && (i->who.roles & BB_ROLE_SINK))
        i->sink = sink_new(i, *config, err, &st);
    if (st != BB_OK) {
        inst_destroy(i);
        return st;
    }
    *out = i;
    return BB_OK;
}

static bb_status inst_start(bb_inst *i, struct bb_error *err)
{
    i->stopping = 0;
    if (i->feed)
        return bb_poll_start(feed_poll(i->feed), err);
    return i->source ? source_start(i->source, err) : BB_OK;
}

static int busy(const bb_inst *i)
{
    return (i->source && source_waits(i->source)) ||
           (i->sink && bb_http_open(sink_client(i->sink)));
}

static bb_status inst_stop(bb_inst *i, uint32_t budget_ms)
{
    i->stopping = 1;
    i->stop_at_ms = bb_clock_ms() + budget_ms - budget_ms / 8;
    if (i->source)
        source_quiesce(i->source);
    if (i->feed)
        bb_poll_stop(feed_poll(i->feed));
    if (busy(i))
        return BB_PENDING;
    if (i->source)
        source_close(i->source);
    return BB_OK;
}

static void stop_on(bb_inst *i)
{
    if (busy(i) && bb_clock_ms() < i->stop_at_ms)
        return;
    if (i->source)
        source_close(i->source);
    if (i->sink)
        sink_end(i->sink);
    i->stopping = 0;
    i->ctx.api->stopped(i->ctx.host);
}

/* ---- waiting --------------------------------------------------------------------------------------- */
static void poll_plain(struct bb_pollfd *fds, size_t n, uint32_t timeout_ms)
{
    struct pollfd p[WAIT_FDS + 1];

    for (size_t k = 0; k < n; k++)
        p[k] = (struct pollfd){.fd = fds[k].fd, .events = POLLIN};
    if (poll(p, (nfds_t)n, (int)timeout_ms) < 0)
        for (size_t k = 0; k < n; k++)
            p[k].revents = 0; /* a signal: the host looks for itself */
    for (size_t k = 0; k < n; k++)
        fds[k].revents = p[k].revents ? BB_POLL_IN : 0;
}

static void inst_wait(bb_inst *i, struct bb_pollfd *host, size_t n, uint32_t timeout_ms)
{
    struct bb_pollfd all[WAIT_FDS + 1];
    size_t most = n > WAIT_FDS - 1 ? WAIT_FDS - 1 : n, own = most;
    struct bb_http *client = i->sink ? sink_client(i->sink) : i->feed ? feed_client(i->feed) : NULL;

    if (most < n || i->stopping)
        timeout_ms = timeout_ms < 20 ? timeout_ms : 20;
    if (timeout_ms > 60000)
        timeout_ms = 60000;
    if (most)
        memcpy(all, host, most * sizeof *all);
    if (i->feed)
        timeout_ms = bb_poll_before(feed_poll(i->feed), timeout_ms);
    if (i->source) {
        timeout_ms = source_before(i->source, timeout_ms);
        if (source_fd(i->source) >= 0)
            all[own++] = (struct bb_pollfd){.fd = source_fd(i->source), .events = BB_POLL_IN};
    }
    if (client && bb_http_open(client))
        bb_http_wait(client, all, own, timeout_ms);
    else
        poll_plain(all, own, timeout_ms);
    if (i->source)
        source_after(i->source);
    if (i->feed)
        bb_poll_after(feed_poll(i->feed));
    for (size_t k = 0; k < n; k++)
        host[k].revents = k < most ? all[k].revents : 0;
    if (i->stopping)
        stop_on(i);
}

/* ---- the contract's calls -------------------------------------------------------------------------- */
static bb_status inst_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    return i->sink ? sink_deliver(i->sink, m, t, err)
                   : bb_error_set(err, BB_E_UNSUP, "this endpoint has no url");
}

static bb_status inst_batch(bb_inst *i, const bb_msg *const *m, const bb_token *t, size_t n,
                            struct bb_error *err)
{
    return i->sink ? sink_batch(i->sink, m, t, n, err)
                   : bb_error_set(err, BB_E_UNSUP, "this endpoint has no url");
}

static bb_status inst_probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    return i->sink ? sink_probe(i->sink, m, t, err)
                   : bb_error_set(err, BB_E_UNSUP, "this endpoint has no url");
}

static bb_status inst_health(bb_inst *i, struct bb_error *why)
{
    bb_status st = i->source ? source_health(i->source, why)
                   : i->feed ? bb_poll_health(feed_poll(i->feed), why) : BB_OK;
    return st == BB_OK && i->sink ? sink_health(i->sink, why) : st;
}

static void inst_cancel(bb_inst *i, bb_token t)
{
    if (i->sink)
        sink_cancel(i->sink, t);
}

static void inst_acked(bb_inst *i, uint64_t cookie, bb_status s, const struct bb_receipt *r)
{
    if (i->feed)
        bb_poll_acked(feed_poll(i->feed), cookie, s, r);
    if (i->source)
        source_acked(i->source, cookie, s, r);
}

static void inst_resume(bb_inst *i)
{
    if (i->feed)
        bb_poll_resume(feed_poll(i->feed));
    if (i->source)
        source_resume(i->source);
}

static const void *inst_extension(bb_inst *i, const char *id)
{
    static const struct bb_ext_batch batch = {.size = sizeof batch, .deliver = inst_batch};
    static const struct bb_ext_probe probe = {.size = sizeof probe, .probe = inst_probe};
    static const struct bb_ext_health health = {.size = sizeof health, .health = inst_health};
    static const struct bb_ext_wait wait = {.size = sizeof wait, .wait = inst_wait};
    static const struct {
        const char *id;
        const void *table;
    } rows[] = {{BB_EXT_BATCH, &batch},
                {BB_EXT_PROBE, &probe},
                {BB_EXT_HEALTH, &health},
                {BB_EXT_WAIT, &wait}};
    (void)i;

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        if (strcmp(id, rows[k].id) == 0)
            return rows[k].table;
    return NULL;
}

static const struct bb_connector connector = {
    .size = sizeof connector,
    .id = "http",
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
    static const struct bb_module module = {
        .size = sizeof module, .abi = BB_ABI, .count = 1, .connectors = list};
    (void)host_abi;

    return &module;
}
