/*
 * plugin.c - the connector @NAME@
 *
 * It works as it stands: as a source it submits a message every `interval`, as a sink it writes
 * each message's id to the log. Put your system in two places: source_tick() and
 * deliver(). Everything else is how a connector lives.
 *
 * Thread: all calls come from the instance's own thread and never overlap ([ctl] in connector.h).
 * Ownership: what an argument points to is gone after the return; bb_conf_keep() keeps the config.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <busbar/json.h>
#include <busbar/plugin.h>

#include "manifest.h" /* made from manifest.json by busbar-manifest */

struct bb_inst {
    struct bb_ctx ctx;
    struct bb_instance self; /* our name in conf.d, and what the routes use us for */
    char *greeting;
    int64_t interval_ms, next_ms;
    int running;
    /* source: one submit is out at a time; its state is how many ticks are in the journal */
    uint64_t ticks, version, cookie;
    int waiting; /* for acked() or resume() */
};

/* ---- life ------------------------------------------------------------------------------------ */

/* The host has checked config against manifest.json and filled in the defaults. Connect nowhere. */
static bb_status create(bb_host *h, const struct bb_host_api *api, const struct bb_bytes *config,
                        bb_inst **out, struct bb_error *err)
{
    const struct bb_ext_instance *ext = api->extension(h, BB_EXT_INSTANCE);
    bb_inst *i = calloc(1, sizeof *i);
    if (!i)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    i->ctx.host = h;
    i->ctx.api = api;
    i->self.size = (uint32_t)sizeof i->self;
    if (ext)
        ext->describe(h, &i->self);
    i->interval_ms = bb_conf_int(*config, "/interval", 10000);
    i->greeting = bb_conf_dup(*config, "/greeting", "hello");
    if (!i->greeting) {
        free(i);
        return bb_error_set(err, BB_E_CONFIG, "config.greeting: must be a text without NUL");
    }
    *out = i;
    return BB_OK;
}

/* OK with your system down too: deliver() answers DOWN, and the host tries again. */
static bb_status start(bb_inst *i, struct bb_error *err)
{
    uint8_t buf[64];
    size_t len = 0;
    int64_t n;
    struct bb_bytes state = {buf, 0};
    if (i->ctx.api->state(i->ctx.host, buf, sizeof buf, &len, &i->version) != BB_OK)
        return bb_error_set(err, BB_E_RETRY, "the host does not give the state");
    state.len = len;
    if (len && bb_as_int(state, &n) == 1)
        i->ticks = (uint64_t)n;
    i->running = 1;
    return BB_OK;
}

static bb_status stop(bb_inst *i, uint32_t budget_ms)
{
    (void)budget_ms;
    i->running = 0;
    return BB_OK; /* with work still open: BB_PENDING, and api->stopped() when it is done */
}

static void destroy(bb_inst *i)
{
    free(i->greeting);
    free(i);
}

/* ---- source ---------------------------------------------------------------------------------- */

/* Hands one message to the host, with our new state: both are committed, or neither. */
static void source_tick(bb_inst *i)
{
    struct bb_draft d;
    struct bb_buf message, value;
    struct bb_bytes whole;
    struct bb_state state = {sizeof state, 0, i->version, {NULL, 0}};
    struct bb_error err = bb_error_none();
    char id[96];
    bb_status s;

    bb_buf_init(&message, 65536);
    bb_buf_init(&value, 65536);
    bb_put_map(&value, 2); /* the data: {"greeting": ..., "tick": ...} */
    bb_put_cstr(&value, "greeting");
    bb_put_cstr(&value, i->greeting);
    bb_put_cstr(&value, "tick");
    bb_put_uint(&value, i->ticks + 1);
    bb_draft_init(&d, "/@NAME@", "mfg.test.tick");
    /* an id that is the same when we read the same thing again: the host drops duplicates by it */
    snprintf(id, sizeof id, "%s-%llu", i->self.endpoint, (unsigned long long)i->ticks + 1);
    d.e.id = bb_str(id);
    d.e.data.ptr = value.ptr;
    d.e.data.len = value.len;
    if (value.failed || bb_draft_put(&d, &message) != 0) {
        bb_host_log(&i->ctx, BB_LOG_ERROR, "out of memory");
        goto out;
    }
    whole.ptr = message.ptr;
    whole.len = message.len;
    bb_buf_reset(&value);
    bb_put_uint(&value, i->ticks + 1);
    state.value.ptr = value.ptr;
    state.value.len = value.len;
    s = i->ctx.api->submit(i->ctx.host, &whole, 1, &state, ++i->cookie, &err);
    i->waiting = s == BB_PENDING || s == BB_E_BUSY;
    if (!i->waiting)
        bb_host_log(&i->ctx, BB_LOG_ERROR, "submit was refused: %s", err.text);
out:
    bb_buf_free(&message);
    bb_buf_free(&value);
}

/* It is in the journal (OK), or it is not and comes again with the next tick. Only now would you
 * tell your system that the message was taken. */
static void acked(bb_inst *i, uint64_t cookie, bb_status s, const struct bb_receipt *r)
{
    if (cookie != i->cookie)
        return;
    i->waiting = 0;
    if (s == BB_OK) {
        i->ticks++;
        i->version = r->state_version;
    } else {
        bb_host_log(&i->ctx, BB_LOG_WARN, "a tick was not taken (status %d)", (int)s);
    }
}

static void resume(bb_inst *i)
{
    i->waiting = 0;
}

/* busbar.wait/1: called in place of poll(). Add your own descriptors to fds. A sink alone needs no
 * such thing. */
static void wait_for(bb_inst *i, struct bb_pollfd *host, size_t n, uint32_t timeout_ms)
{
    struct pollfd fds[16];
    int64_t now = bb_clock_ms(), ms = timeout_ms;
    int rc;
    if (i->running && (i->self.roles & BB_ROLE_SOURCE) && !i->waiting) {
        if (now >= i->next_ms) {
            i->next_ms = now + i->interval_ms;
            source_tick(i);
            ms = 0; /* what was submitted leaves when the host has its thread back */
        } else if (i->next_ms - now < ms) {
            ms = i->next_ms - now;
        }
    }
    if (n > 16)
        n = 16;
    for (size_t k = 0; k < n; k++) {
        fds[k].fd = host[k].fd;
        fds[k].events = POLLIN;
        fds[k].revents = 0;
    }
    rc = poll(fds, (nfds_t)n, (int)ms);
    for (size_t k = 0; k < n; k++)
        host[k].revents = rc > 0 && fds[k].revents ? BB_POLL_IN : 0;
}

/* ---- sink ------------------------------------------------------------------------------------ */

/* Bring one message into your system. Answer OK only when it is there for good; RETRY and DOWN only
 * when it surely is not; REJECT when it never will be; BB_E_UNKNOWN when you cannot tell. Send v.key
 * along if your system knows idempotency keys: a second delivery has the same one. */
static bb_status deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v;
    struct bb_envelope e;
    struct bb_fault fault;
    struct bb_bytes greeting;
    (void)t; /* for BB_PENDING: answer later with bb_host_done() */
    memset(&v, 0, sizeof v);
    v.size = (uint32_t)sizeof v;
    i->ctx.api->msg_view(m, &v);
    if (bb_envelope_read(v.whole, &e, &fault) != 0)
        return bb_error_set(err, BB_E_REJECT, "no message: %s", fault.text);
    greeting = bb_conf_str(e.data, "/greeting", ""); /* works on any msgpack map */
    bb_host_log(&i->ctx, BB_LOG_INFO, "%s: message %.*s of type %.*s, attempt %u, \"%.*s\"",
                i->greeting, (int)e.id.len, (const char *)e.id.ptr, (int)e.type.len,
                (const char *)e.type.ptr, v.attempt, (int)greeting.len,
                (const char *)greeting.ptr);
    return BB_OK;
}

static void cancel(bb_inst *i, bb_token t)
{
    (void)i; /* deliver() answers at once, so nothing is ever open */
    (void)t;
}

/* ---- the table that the host calls ------------------------------------------------------------- */

static const void *extension(bb_inst *i, const char *id)
{
    static const struct bb_ext_wait wait = {sizeof wait, 0, wait_for};
    (void)i;
    return strcmp(id, BB_EXT_WAIT) == 0 ? &wait : NULL;
}

static const struct bb_connector connector = {
    .size = sizeof connector,
    .id = "@NAME@",
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
    .deliver = deliver,
    .cancel = cancel,
    .acked = acked,
    .resume = resume,
    .extension = extension,
};
static const struct bb_connector *const connectors[] = {&connector};
static const struct bb_module module = {sizeof module, BB_ABI, 1, 0, connectors};

BB_EXPORT const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    return host_abi == BB_ABI ? &module : NULL;
}
