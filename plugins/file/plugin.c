/*
 * plugin.c - the connector `file`: the table that the host calls, and the loop
 *
 * Thread: [ctl] throughout; no thread of its own. Ownership: the instance owns source and sink.
 */
#include "file.h"

#include <poll.h>
#include <stdlib.h>

#include "manifest.h"

struct bb_inst {
    struct bb_ctx ctx;
    struct config config;
    struct source *source;
    struct sink *sink;
};

#define HOST_FDS 32

static bb_status file_create(bb_host *h, const struct bb_host_api *api,
                             const struct bb_bytes *config, bb_inst **out, struct bb_error *err)
{
    const struct bb_ext_instance *ext = api->extension(h, BB_EXT_INSTANCE);
    struct bb_instance self;
    bb_inst *i = calloc(1, sizeof *i);
    if (!i)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    i->ctx.host = h;
    i->ctx.api = api;
    memset(&self, 0, sizeof self);
    self.size = (uint32_t)sizeof self;
    if (ext)
        ext->describe(h, &self);
    else /* what it is told to be is then the config's matter */
        self.roles = (bb_conf_str(*config, "/directory", NULL).ptr ? BB_ROLE_SOURCE : 0u) |
                     (bb_conf_str(*config, "/path", NULL).ptr ? BB_ROLE_SINK : 0u);
    if (config_read(*config, self.roles, &i->config, err) != 0) {
        free(i);
        return BB_E_CONFIG;
    }
    if (self.roles & BB_ROLE_SOURCE)
        i->source = source_new(&i->ctx, &i->config, self.endpoint);
    if (self.roles & BB_ROLE_SINK)
        i->sink = sink_new(&i->ctx, &i->config);
    if (((self.roles & BB_ROLE_SOURCE) && !i->source) || ((self.roles & BB_ROLE_SINK) && !i->sink)) {
        source_free(&i->source);
        sink_free(&i->sink);
        config_free(&i->config);
        free(i);
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    }
    *out = i;
    return BB_OK;
}

static bb_status file_start(bb_inst *i, struct bb_error *err)
{
    bb_status s = BB_OK;
    if (i->source)
        s = source_start(i->source, err);
    if (s == BB_OK && i->sink)
        s = sink_start(i->sink, err);
    return s;
}

static bb_status file_stop(bb_inst *i, uint32_t budget_ms)
{
    (void)budget_ms;
    if (i->source)
        source_stop(i->source);
    return BB_OK;
}

static void file_destroy(bb_inst *i)
{
    source_free(&i->source);
    sink_free(&i->sink);
    config_free(&i->config);
    free(i);
}

static bb_status file_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    bb_status s = BB_E_UNSUP;
    struct bb_error mine = bb_error_none();
    (void)t;
    if (!i->sink)
        return bb_error_set(err, s, "this endpoint has no path to write to");
    sink_write(i->sink, &m, 1, &s, &mine);
    if (s != BB_OK)
        bb_error_set(err, s, "%s", mine.text);
    return s;
}

static bb_status file_batch(bb_inst *i, const bb_msg *const *m, const bb_token *t, size_t n,
                            struct bb_error *err)
{
    bb_status *status = calloc(n, sizeof *status);
    struct bb_error *errs = calloc(n, sizeof *errs);
    bb_status rc = BB_PENDING;
    if (!i->sink || !status || !errs) {
        rc = i->sink ? bb_error_set(err, BB_E_RETRY, "out of memory")
                     : bb_error_set(err, BB_E_UNSUP, "this endpoint has no path to write to");
        goto out;
    }
    for (size_t k = 0; k < n; k++)
        errs[k].size = (uint32_t)sizeof errs[k];
    sink_write(i->sink, m, n, status, errs);
    for (size_t k = 0; k < n; k++)
        i->ctx.api->done(i->ctx.host, t[k], status[k], NULL, status[k] == BB_OK ? NULL : &errs[k]);
out:
    free(status);
    free(errs);
    return rc;
}

static bb_status file_probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    (void)t;
    return i->sink ? sink_probe(i->sink, m, err) : BB_E_UNSUP;
}

static void file_cancel(bb_inst *i, bb_token t)
{
    (void)i; /* nothing is ever open: each call ends what it was given */
    (void)t;
}

static void file_acked(bb_inst *i, uint64_t cookie, bb_status s, const struct bb_receipt *r)
{
    if (i->source)
        source_acked(i->source, cookie, s, r);
}

static void file_resume(bb_inst *i)
{
    if (i->source)
        source_resume(i->source);
}

static bb_status file_health(bb_inst *i, struct bb_error *why)
{
    bb_status st = i->source ? source_health(i->source, why) : BB_OK;

    return st == BB_OK && i->sink ? sink_health(i->sink, why) : st;
}

static void file_wait(bb_inst *i, struct bb_pollfd *host, size_t n, uint32_t timeout_ms)
{
    struct pollfd fds[HOST_FDS + 1];
    int64_t ms = i->source ? source_work(i->source) : -1;
    nfds_t all;
    int rc;
    if (n > HOST_FDS)
        n = HOST_FDS; /* a host has one or two */
    for (size_t k = 0; k < n; k++) {
        fds[k].fd = host[k].fd;
        fds[k].events = POLLIN;
        fds[k].revents = 0;
    }
    all = (nfds_t)n;
    if (i->source && source_fd(i->source) >= 0) {
        fds[all].fd = source_fd(i->source);
        fds[all].events = POLLIN;
        fds[all++].revents = 0;
    }
    if (ms < 0 || ms > timeout_ms)
        ms = timeout_ms;
    rc = poll(fds, all, (int)(ms > 3600000 ? 3600000 : ms));
    for (size_t k = 0; k < n; k++)
        host[k].revents = rc > 0 && fds[k].revents ? BB_POLL_IN : 0;
}

static const void *file_extension(bb_inst *i, const char *id)
{
    static const struct bb_ext_wait wait = {sizeof wait, 0, file_wait};
    static const struct bb_ext_batch batch = {sizeof batch, 0, file_batch};
    static const struct bb_ext_probe probe = {sizeof probe, 0, file_probe};
    static const struct bb_ext_health health = {sizeof health, 0, file_health};
    static const struct {
        const char *id;
        const void *table;
    } rows[] = {{BB_EXT_WAIT, &wait},
                {BB_EXT_BATCH, &batch},
                {BB_EXT_PROBE, &probe},
                {BB_EXT_HEALTH, &health}};
    (void)i;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        if (strcmp(id, rows[k].id) == 0)
            return rows[k].table;
    return NULL;
}

static const struct bb_connector connector = {
    sizeof connector, 0,           "file",      file_create, file_start,  file_stop,     file_destroy,
    file_deliver,     file_cancel, file_acked, file_resume, file_extension,
};
static const struct bb_connector *const connectors[] = {&connector};
static const struct bb_module module = {sizeof module, BB_ABI, 1, 0, connectors};

BB_EXPORT const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    return host_abi == BB_ABI ? &module : NULL;
}
