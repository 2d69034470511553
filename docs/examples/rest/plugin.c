/*
 * plugin.c - a small REST system as an endpoint, on the SDK's client and feed
 *
 * Sink: each message's data is PUT as JSON to items/{item}; the answer is the reply. Source: the feed
 * that `poll` names is asked page by page, a record becomes a message. Credentials, TLS, CSRF,
 * paging and the cursor are the SDK's, and so is their part of the config. One thread, no lock.
 */
#include <stdlib.h>
#include <busbar/json.h>
#include <busbar/poll.h>
#include <busbar/web.h>
#include "rest-manifest.h"

struct bb_inst {
    struct bb_ctx ctx;
    struct bb_http *client;
    struct bb_poll *poll; /* NULL: nothing to ask */
    int stopping;
};

/* ---- out: a message is a PUT ------------------------------------------------------------------------ */
static void on_answer(struct bb_http_call *call, const struct bb_http_answer *a)
{
    bb_inst *i = call->arg;
    bb_http_finish(&i->ctx, call->tag, a);
}

static bb_status deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    struct bb_msg_view v = {.size = sizeof v};
    struct bb_envelope e;

    i->ctx.api->msg_view(m, &v);
    if (bb_envelope_read(v.whole, &e, NULL) != 0 || !e.item.len)
        return bb_error_set(err, BB_E_REJECT, "the message has no item");
    struct bb_http_call *call = bb_http_call_new(i->client, "PUT", "/items/");
    if (!call)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    bb_uri_put(&call->url, e.item);
    bb_json_write(v.data, &call->body, NULL);
    bb_http_call_header(call, "Content-Type", bb_str("application/json"));
    bb_http_call_header(call, "Idempotency-Key", v.key);
    call->timeout_ms = v.budget_ms;
    call->done = on_answer;
    call->arg = i;
    call->tag = t;
    return bb_http_send(call) == 0 ? BB_PENDING
                                   : bb_error_set(err, BB_E_REJECT, "the request is too long");
}

/* ---- in: a record is a message ---------------------------------------------------------------------- */
static int record_message(void *arg, struct bb_bytes record, struct bb_buf *out, struct bb_error *err)
{
    struct bb_draft d;
    (void)arg;

    bb_draft_init(&d, "/acme/items", "mfg.item.changed");
    d.e.id = bb_conf_str(record, "/id", NULL); /* the same whenever it is read: doubles are known by it */
    d.e.item = bb_conf_str(record, "/item", NULL);
    d.e.data = record;
    if (d.e.id.len && bb_draft_put(&d, out) == 0)
        return 1;
    bb_error_set(err, BB_E_DOWN, "a record without an id, or too large");
    return -1;
}

/* ---- life ------------------------------------------------------------------------------------------- */
static void destroy(bb_inst *i)
{
    bb_poll_free(&i->poll);
    bb_http_free(&i->client);
    free(i);
}

static bb_status create(bb_host *h, const struct bb_host_api *api, const struct bb_bytes *conf, bb_inst **out,
                        struct bb_error *err)
{
    bb_inst *i = calloc(1, sizeof *i);
    char *base = bb_conf_dup(*conf, "/base_url", NULL);
    struct bb_http_config f = {.base = base, .agent = "acme-rest/1"};
    bb_status st = i && base ? BB_OK : bb_error_set(err, BB_E_RETRY, "out of memory");

    if (st == BB_OK) {
        i->ctx = (struct bb_ctx){h, api};
        st = bb_http_from_conf(&i->ctx, *conf, &f, &i->client, err);
    }
    if (st == BB_OK) {
        struct bb_poll_conf p = {.ctx = &i->ctx, .client = i->client, .message = record_message};
        st = bb_poll_from_conf(*conf, &p, &i->poll, err);
    }
    free(base);
    if (st == BB_OK)
        *out = i;
    else if (i)
        destroy(i);
    return st;
}

static bb_status start(bb_inst *i, struct bb_error *err)
{
    return bb_poll_start(i->poll, err);
}

static bb_status stop(bb_inst *i, uint32_t budget_ms)
{
    (void)budget_ms; /* a request ends by its own time-out */
    bb_poll_stop(i->poll);
    i->stopping = bb_http_open(i->client) > 0;
    return i->stopping ? BB_PENDING : BB_OK;
}

static void wait(bb_inst *i, struct bb_pollfd *host, size_t n, uint32_t timeout_ms)
{
    bb_http_wait(i->client, host, n, bb_poll_before(i->poll, timeout_ms));
    bb_poll_after(i->poll);
    if (i->stopping && !bb_http_open(i->client)) {
        i->stopping = 0;
        i->ctx.api->stopped(i->ctx.host);
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

static const void *extension(bb_inst *i, const char *id)
{
    static const struct bb_ext_wait table = {.size = sizeof table, .wait = wait};
    (void)i;
    return strcmp(id, BB_EXT_WAIT) == 0 ? &table : NULL;
}

static const struct bb_connector connector = {
    .size = sizeof connector, .id = "acme-rest", .create = create, .start = start, .stop = stop,
    .destroy = destroy, .deliver = deliver, .acked = acked, .resume = resume, .extension = extension};

const struct bb_module *bb_module_v1(uint32_t host_abi)
{
    static const struct bb_connector *const list[] = {&connector};
    static const struct bb_module module = {sizeof module, BB_ABI, 1, 0, list};
    return host_abi == BB_ABI ? &module : NULL;
}
