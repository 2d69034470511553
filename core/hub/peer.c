/*
 * peer.c - endpoints' hosts and their instances: start, HELLO, frames, health, death, restart
 *
 * An endpoint's host is a process or threads of this one; the hub treats both alike through
 * bb_child and the wire. A dead host's open deliveries are UNKNOWN: nobody knows whether they were
 * applied. A host is killed when a delivery is past its deadline and the host does not answer, or
 * when an idle one does not answer PING; threads cannot be killed: their lanes wait, and say so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "core/hub/internal.h"

#define PING_MS 1000
#define HANG_MS 10000       /* an idle instance that answers no PING for so long hangs */
#define GRACE_MS 2000       /* after a deadline, before the host is killed */
#define START_MS 20000      /* from the start of a host to READY of all its instances */
#define LATE_STOP_MS 1000   /* for one that comes up when all are stopping */
#define BACKOFF_MIN_MS 200
#define BACKOFF_MAX_MS 30000
#define STEADY_MS 60000 /* up for so long: the next restart begins at the shortest backoff */

const char *const hub_ep_state_names[] = {"down", "starting", "up", "failed", "stopping", "stopped"};

static int endpoint_init(struct hub_endpoint *e, const struct bb_gen_endpoint *gen)
{
    e->gen = gen;
    if (!e->name)
        e->name = gen->config->name;
    e->workers = gen->config->is_source || e->query ? 1 : gen->config->workers;
    if (!e->workers)
        e->workers = 1;
    e->peers = calloc(e->workers, sizeof *e->peers);
    if (!e->peers)
        return -1;
    for (uint32_t w = 0; w < e->workers; w++) {
        struct hub_peer *p = &e->peers[w];
        p->ep = e;
        p->worker = w;
        snprintf(p->identity, sizeof p->identity, "%s/%u", e->name, w);
        bb_buf_init(&p->out, 1u << 30);
        bb_buf_init(&p->acks, 1u << 26);
    }
    return 0;
}

/* An endpoint that is asked has a host of its own for that: what hangs or dies there costs no delivery,
 * and waits for none. It is called after it, "erp/query", unless there is no other host of it. */
int hub_peers_init(struct bb_hub *h)
{
    size_t n = h->gen->config->n_endpoints;

    h->eps = calloc(2 * n + 1, sizeof *h->eps);
    if (!h->eps)
        return -1;
    h->n_eps = n;
    for (size_t i = 0; i < n; i++) {
        const struct bb_endpoint_config *c = h->gen->endpoints[i].config;
        struct hub_endpoint *e = &h->eps[i];

        e->query = c->is_asked && !c->is_source && !c->is_sink;
        if (endpoint_init(e, &h->gen->endpoints[i]) != 0)
            return -1;
        if (!c->is_asked || e->query)
            continue;
        e = &h->eps[h->n_eps++];
        e->query = true;
        snprintf(e->query_name, sizeof e->query_name, "%s" BB_QUERY_HOST, c->name);
        e->name = e->query_name;
        if (endpoint_init(e, &h->gen->endpoints[i]) != 0)
            return -1;
    }
    return hub_queries_init(h);
}

struct hub_peer *hub_peer_find(struct bb_hub *h, const void *identity, size_t len)
{
    for (size_t i = 0; i < h->n_eps; i++)
        for (uint32_t w = 0; w < h->eps[i].workers; w++) {
            struct hub_peer *p = &h->eps[i].peers[w];
            if (strlen(p->identity) == len && memcmp(p->identity, identity, len) == 0)
                return p;
        }
    return NULL;
}

static void give_back(void *data, void *hint)
{
    (void)hint;
    free(data);
}

/* Sends the frame; a large one is handed over without a copy, so the buffer is then empty. */
int hub_peer_send(struct bb_hub *h, struct hub_peer *p, struct bb_buf *frame)
{
    zmq_msg_t m;

    if (frame->failed)
        return -1;
    if (zmq_send(h->router, p->identity, strlen(p->identity), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return -1;
    if (frame->len < 4096) {
        zmq_msg_init_size(&m, frame->len);
        memcpy(zmq_msg_data(&m), frame->ptr, frame->len);
    } else {
        zmq_msg_init_data(&m, frame->ptr, frame->len, give_back, NULL);
        frame->ptr = NULL;
        frame->len = frame->cap = 0;
    }
    if (zmq_msg_send(&m, h->router, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&m);
        return -1;
    }
    return 0;
}

static int send_small(struct bb_hub *h, struct hub_peer *p, struct bb_buf *b)
{
    int rc = p->session ? hub_peer_send(h, p, b) : -1;

    bb_buf_free(b);
    return rc;
}

bool hub_peer_is_source(const struct hub_peer *p)
{
    return p->worker == 0 && !p->ep->query && p->ep->gen->config->is_source;
}

void hub_peer_ack(struct bb_hub *h, struct hub_peer *p, const struct bb_w_acked *a)
{
    (void)h;
    if (!p->acking) {
        bb_buf_reset(&p->acks);
        p->ack_list = bb_list_begin(&p->acks, BB_F_ACKED, p->session);
        p->acking = true;
    }
    bb_list_acked(&p->acks, &p->ack_list, a);
}

void hub_peers_flush(struct bb_hub *h)
{
    for (size_t i = 0; i < h->n_eps; i++)
        for (uint32_t w = 0; w < h->eps[i].workers; w++) {
            struct hub_peer *p = &h->eps[i].peers[w];
            int rc = 0;

            if (p->acking) {
                bb_list_end(&p->acks, &p->ack_list);
                p->acking = false;
                rc |= hub_peer_send(h, p, &p->acks);
            }
            if (p->building) {
                bb_list_end(&p->out, &p->list);
                p->building = false;
                rc |= hub_peer_send(h, p, &p->out);
            }
            if (rc)
                hub_endpoint_lost(h, p->ep, "its instance cannot be reached");
        }
}

/* ---- the first frames of an instance ------------------------------------------------------------ */

/* The values behind the handles that stand in the endpoint's config: nothing else crosses. */
static void put_secrets(struct bb_hub *h, struct hub_endpoint *e, struct bb_buf *b)
{
    struct bb_bytes all = {e->gen->plugin_config.ptr, e->gen->plugin_config.len}, v;
    struct bb_buf pairs;
    struct bb_tok t;
    char handle[512];
    uint32_t n = 0;

    bb_buf_init(&pairs, 1u << 22);
    for (struct bb_cur c = bb_cur_of(all); bb_cur_next(&c, &t) == 0;) {
        if (t.kind != BB_T_STR || t.s.len >= sizeof handle)
            continue;
        memcpy(handle, t.s.ptr, t.s.len);
        handle[t.s.len] = '\0';
        if (bb_config_secret(h->gen->config, e->gen->config->name, handle, &v) != 0)
            continue;
        bb_put_cstr(&pairs, handle);
        bb_put_bin(&pairs, v.ptr, v.len);
        n++;
    }
    bb_put_map(b, n);
    bb_buf_put(b, pairs.ptr, pairs.len);
    if (pairs.ptr)
        OPENSSL_cleanse(pairs.ptr, pairs.cap);
    bb_buf_free(&pairs);
}

static void put_state(struct bb_hub *h, struct hub_endpoint *e, struct bb_buf *b)
{
    struct bb_buf value;
    uint64_t version = 0;
    char key[80];

    bb_buf_init(&value, 1u << 17);
    snprintf(key, sizeof key, "source/%s", e->name);
    if (e->query || bb_journal_source_state(h->journal, key, &value, &version) != 0 || !version) {
        bb_put_nil(b);
    } else {
        bb_put_array(b, 2);
        bb_put_uint(b, version);
        bb_put_bin(b, value.ptr, value.len);
    }
    bb_buf_free(&value);
}

static void put_steps(struct bb_hub *h, struct hub_endpoint *e, struct bb_buf *b)
{
    uint32_t n = 0;

    for (size_t i = 0; i < h->n_routes; i++)
        n += h->routes[i].to == e && bb_generation_program(h->gen, h->routes[i].config).len;
    bb_put_map(b, n);
    for (size_t i = 0; i < h->n_routes; i++) {
        struct bb_bytes program = bb_generation_program(h->gen, h->routes[i].config);

        if (h->routes[i].to != e || !program.len)
            continue;
        bb_put_uint(b, h->routes[i].id);
        bb_put_bin(b, program.ptr, program.len);
    }
}

static int welcome(struct bb_hub *h, struct hub_peer *p)
{
    struct hub_endpoint *e = p->ep;
    const struct bb_endpoint_config *c = e->gen->config;
    bool source = hub_peer_is_source(p);
    struct bb_buf map, frame;
    int rc;

    bb_buf_init(&map, 1u << 26);
    bb_buf_init(&frame, 1u << 26);
    bb_put_map(&map, 13);
    bb_put_cstr(&map, "config");
    bb_put_bin(&map, e->gen->plugin_config.ptr, e->gen->plugin_config.len);
    bb_put_cstr(&map, "secrets");
    put_secrets(h, e, &map);
    bb_put_cstr(&map, "roles");
    bb_put_uint(&map, e->query ? BB_ROLE_QUERY
                       : (source ? BB_ROLE_SOURCE : 0u) | (c->is_sink ? BB_ROLE_SINK : 0u));
    bb_put_cstr(&map, "workers");
    bb_put_uint(&map, e->workers);
    bb_put_cstr(&map, "plugin");
    bb_put_cstr(&map, e->gen->manifest.path);
    bb_put_cstr(&map, "messages");
    bb_put_uint(&map, HUB_GRANT_MESSAGES);
    bb_put_cstr(&map, "bytes");
    bb_put_uint(&map, HUB_GRANT_BYTES);
    bb_put_cstr(&map, "state");
    put_state(h, e, &map);
    bb_put_cstr(&map, "routes");
    put_steps(h, e, &map);
    bb_put_cstr(&map, "accept");
    bb_put_bin(&map, source ? e->gen->accept_program.ptr : NULL, source ? e->gen->accept_program.len : 0);
    bb_put_cstr(&map, "timeout_ms");
    bb_put_uint(&map, c->timeout_ms);
    bb_put_cstr(&map, "batch");
    bb_put_uint(&map, c->batch_max);
    bb_put_cstr(&map, "max_message");
    bb_put_uint(&map, h->gen->config->journal.max_message);
    bb_put_welcome(&frame, p->session, (struct bb_bytes){map.ptr, map.len});
    if (map.ptr)
        OPENSSL_cleanse(map.ptr, map.len);
    rc = map.failed ? -1 : hub_peer_send(h, p, &frame);
    bb_buf_free(&map);
    bb_buf_free(&frame);
    return rc;
}

bool hub_peer_hello(struct bb_hub *h, struct hub_peer *p, const struct bb_frame *f)
{
    struct hub_endpoint *e = p->ep;
    const uint8_t *secret = e->child ? bb_child_secret(e->child) : NULL;

    if (!secret || p->session || f->hello.secret.len != 16 ||
        CRYPTO_memcmp(secret, f->hello.secret.ptr, 16) != 0) {
        if (hub_peer_line(h, p))
            bb_logf(BB_LOG_WARN, "endpoint \"%s\": HELLO without the right secret refused", e->name);
        return false;
    }
    if (f->hello.protocol != BB_WIRE_VERSION) {
        snprintf(e->text, sizeof e->text, "its host speaks protocol %u, this core %d",
                 f->hello.protocol, BB_WIRE_VERSION);
        return false;
    }
    p->session = ++h->next_session;
    p->submitted = p->submitted_bytes = 0;
    p->asks = 0;
    p->heard_ms = h->now;
    p->pinged_ms = h->now;
    if (welcome(h, p) != 0) {
        hub_endpoint_lost(h, e, "WELCOME could not be sent");
    } else if (e->state == EP_STOPPING) { /* it was starting when the others were told */
        struct bb_buf b;

        bb_buf_init(&b, 256);
        bb_put_stop(&b, p->session, LATE_STOP_MS);
        send_small(h, p, &b);
    }
    return true;
}

static void ready(struct bb_hub *h, struct hub_peer *p, const struct bb_frame *f)
{
    struct hub_endpoint *e = p->ep;
    uint32_t up = 0;

    if (p->said_ready) {
        hub_peer_cut(h, p, "it says READY twice");
        return;
    }
    p->said_ready = true;
    if (f->ready.status < 0) {
        snprintf(e->text, sizeof e->text, "%.*s",
                 (int)(f->ready.text.len < 190 ? f->ready.text.len : 190),
                 (const char *)f->ready.text.ptr);
        bb_logf(BB_LOG_ERROR, "endpoint \"%s\" does not start: %s", e->name, e->text);
        hub_endpoint_stop(h, e, 1000);
        /* a mistake in its config waits for the operator; anything else may pass */
        e->state = f->ready.status == BB_E_CONFIG ? EP_FAILED : EP_STARTING;
        return;
    }
    p->up = true;
    for (uint32_t w = 0; w < e->workers; w++)
        up += e->peers[w].up;
    if (up == e->workers && e->state == EP_STARTING) {
        e->state = EP_UP;
        e->text[0] = '\0';
        bb_logf(BB_LOG_INFO, "endpoint \"%s\" is up (%s %s)", e->name, e->gen->manifest.id,
                e->gen->manifest.version);
    }
    if (!h->intake_open)
        hub_intake_announce(h);
}

/* Messages are taken from a sink's host only where its route says so, and there they must come: but
 * for one that cannot be made, of which the host says why. */
static const char *children_misfit(const struct hub_flight *f, const struct bb_w_result *w)
{
    bool delivered = f->route->emits && w->status == BB_OK;
    bool split = f->route->splits && f->op == BB_DELIVER_OP && !(f->row.flags & BB_ROW_BODY);

    if (delivered && !w->n_children && !w->has_error)
        return "it gave no message for a delivery that one must follow";
    if (w->n_children > 1 && delivered)
        return "it gave messages for a delivery that one follows";
    if (w->n_children && (f->batch || w->status != BB_OK || (!split && !delivered)))
        return "it gave messages for a delivery that can become none";
    return NULL;
}

static void results(struct bb_hub *h, struct hub_peer *p, struct bb_frame *f)
{
    struct bb_w_result w;
    uint32_t stale = f->n == 0; /* an empty one answers nothing either */
    int rc;

    while ((rc = bb_frame_next_result(f, &w)) == 1) {
        struct hub_flight *fl = hub_flight_of(h, w.token);
        const char *misfit = fl && fl->peer == p ? children_misfit(fl, &w) : NULL;
        if (misfit) {
            h->frames_bad++;
            hub_peer_cut(h, p, "%s", misfit);
            return; /* what was open has no answer, as after any death of a host */
        }
        if (fl && fl->peer == p)
            hub_outcome(h, fl, &w);
        else
            stale++;
    }
    h->tokens_stale += stale;
    if (stale)
        hub_peer_noise(h, p, stale);
    if (rc < 0) {
        h->frames_bad++;
        hub_peer_cut(h, p, "it sent a malformed RESULT");
    }
}

/* What its plugin says of itself, as long as it says so. */
static void health(struct hub_peer *p, const struct bb_frame *f)
{
    struct bb_bytes text = f->alive.text;
    bool unwell = f->alive.status < 0 && text.len;

    if (text.len > 190)
        for (text.len = 190; text.len && (((const uint8_t *)text.ptr)[text.len] & 0xc0) == 0x80;)
            text.len--; /* whole characters */

    if (unwell)
        snprintf(p->ep->text, sizeof p->ep->text, "%.*s", (int)text.len, (const char *)text.ptr);
    else if (p->unwell)
        p->ep->text[0] = '\0';
    p->unwell = unwell;
}

static void plugin_log(struct bb_hub *h, struct hub_peer *p, const struct bb_frame *f)
{
    uint32_t level = f->log.level < BB_LOG_ERROR || f->log.level > BB_LOG_DEBUG ? BB_LOG_INFO
                                                                                : f->log.level;
    if (!hub_peer_line(h, p))
        return;
    bb_logf((int)level, "%s: %.*s", p->identity, (int)(f->log.text.len < 1000 ? f->log.text.len : 1000),
            (const char *)f->log.text.ptr);
}

void hub_peer_receive(struct bb_hub *h, struct hub_peer *p, struct bb_frame *f)
{
    p->heard_ms = h->now;
    switch (f->kind) {
    case BB_F_READY:
        ready(h, p, f);
        break;
    case BB_F_RESULT:
        if (p->ep->query)
            hub_query_results(h, p, f);
        else
            results(h, p, f);
        break;
    case BB_F_ASK:
        hub_query_ask(h, p, f);
        break;
    case BB_F_ALIVE:
        if (p->pings)
            p->pings--;
        else
            hub_peer_noise(h, p, 1);
        if (p->ep->state == EP_UP)
            health(p, f);
        break;
    case BB_F_LOG:
        plugin_log(h, p, f);
        break;
    case BB_F_STOPPED:
        if (p->up && p->ep->state == EP_UP)
            hub_endpoint_lost(h, p->ep, "its instance stopped unasked");
        p->stopped = true;
        p->up = false;
        break;
    case BB_F_METRIC:
        if (hub_peer_metric(h, p))
            hub_metrics_take(h, p, f);
        break;
    default: /* unknown kinds are for later versions */
        hub_peer_noise(h, p, 1);
    }
}

/* ---- life and death -------------------------------------------------------------------------------- */

static void start(struct bb_hub *h, struct hub_endpoint *e)
{
    const struct bb_endpoint_config *c = e->gen->config;
    struct bb_fault err = {0};
    struct bb_child_spec s = {
        .program = c->isolation == BB_ISO_PROCESS ? h->program : NULL,
        .endpoint = e->name,
        .address = c->isolation == BB_ISO_PROCESS ? h->address : BB_WIRE_INPROC,
        .zmq = h->zmq,
        .workers = e->workers,
        .memory_max = c->memory_max,
        .nice = (int)c->nice,
        .rehearsal = h->rehearsal,
    };

    for (uint32_t w = 0; w < e->workers; w++) {
        struct hub_peer *p = &e->peers[w];
        p->session = 0;
        p->up = p->stopped = p->building = p->acking = p->said_ready = p->cut = false;
        p->pings = 0;
    }
    e->killed = false;
    e->child = bb_child_start(&s, &err);
    if (!e->child) {
        snprintf(e->text, sizeof e->text, "cannot start its host: %s", err.text);
        bb_logf(BB_LOG_ERROR, "endpoint \"%s\": %s", e->name, e->text);
        e->backoff_ms = !e->backoff_ms                       ? BACKOFF_MIN_MS
                        : e->backoff_ms < BACKOFF_MAX_MS / 2 ? e->backoff_ms * 2
                                                             : BACKOFF_MAX_MS;
        e->restart_at = h->now + e->backoff_ms;
        return;
    }
    e->state = EP_STARTING;
    e->started_at = h->now;
}

/* Its answers are not to be waited for any more: a process is killed, and its end settles what it
 * had; what it had is UNKNOWN, because it may have been sent. */
void hub_endpoint_lost(struct bb_hub *h, struct hub_endpoint *e, const char *why)
{
    (void)h;
    if (e->killed || !e->child)
        return;
    snprintf(e->text, sizeof e->text, "%s", why);
    bb_logf(BB_LOG_ERROR, "endpoint \"%s\": %s; its host is %s", e->name, why,
            bb_child_pid(e->child) ? "killed" : "a thread and cannot be ended: its lanes wait");
    e->killed = true;
    bb_child_kill(e->child);
}

static void ended(struct bb_hub *h, struct hub_endpoint *e, const char *how)
{
    static const char lost[] = "the host of the endpoint ended before it answered";
    bool wanted = e->state == EP_STOPPING || e->state == EP_FAILED || h->phase >= HUB_STOP_SOURCES;
    char why[160] = "";
    struct hub_flight *f;

    for (uint32_t w = 0; w < e->workers; w++) {
        e->peers[w].session = 0;
        e->peers[w].up = e->peers[w].building = e->peers[w].acking = false;
        e->peers[w].stopped = true;
    }
    hub_metrics_host_ended(e);
    hub_query_host_ended(h, e);
    while ((f = e->oldest)) {
        bool sure = f->op == BB_DELIVER_PROBE || hub_flight_renders(f);
        struct bb_w_result r = {.status = sure ? BB_E_RETRY : BB_E_UNKNOWN,
                                .has_error = true,
                                .text = {lost, sizeof lost - 1}};
        hub_outcome(h, f, &r);
    }
    bb_child_free(&e->child);
    if (e->state == EP_FAILED)
        return;
    if (wanted) {
        e->state = EP_STOPPED;
        return;
    }
    e->restarts++;
    if (h->now - e->started_at > STEADY_MS || !e->backoff_ms)
        e->backoff_ms = BACKOFF_MIN_MS;
    else if (e->backoff_ms < BACKOFF_MAX_MS)
        e->backoff_ms = e->backoff_ms * 2 < BACKOFF_MAX_MS ? e->backoff_ms * 2 : BACKOFF_MAX_MS;
    e->restart_at = h->now + e->backoff_ms;
    e->state = EP_DOWN;
    if (e->killed) /* what it was killed for is in the text */
        snprintf(why, sizeof why, ", for %.150s", e->text);
    snprintf(e->text, sizeof e->text, "its host %.40s%s; started again in %u ms", how, why,
             e->backoff_ms);
    bb_logf(BB_LOG_WARN, "endpoint \"%s\": %s", e->name, e->text);
}

static void ping(struct bb_hub *h, struct hub_peer *p)
{
    struct bb_buf b;

    p->pinged_ms = h->now;
    p->pings++;
    bb_buf_init(&b, 256);
    bb_put_ping(&b, p->session);
    if (send_small(h, p, &b) != 0)
        hub_endpoint_lost(h, p->ep, "its instance cannot be reached");
}

/* Deadlines: all flights of an endpoint have the same time-out, so the list is in their order. */
static void deadlines(struct bb_hub *h, struct hub_endpoint *e)
{
    for (struct hub_flight *f = e->oldest; f && f->deadline <= h->now; f = f->next) {
        if (!f->cancelled) {
            struct bb_buf b;
            struct bb_list l;
            f->cancelled = true;
            bb_buf_init(&b, 256);
            l = bb_list_begin(&b, BB_F_CANCEL, f->peer->session);
            bb_list_token(&b, &l, hub_flight_token(f));
            bb_list_end(&b, &l);
            send_small(h, f->peer, &b);
        }
    }
    if (e->oldest && e->oldest->deadline + GRACE_MS < h->now)
        hub_endpoint_lost(h, e, "a delivery is past its deadline and the plugin does not answer");
}

void hub_endpoint_tick(struct bb_hub *h, struct hub_endpoint *e)
{
    char how[100];

    if (e->child && bb_child_ended(e->child, how, sizeof how))
        ended(h, e, how);
    if (!e->child) {
        if (e->state == EP_DOWN && h->phase == HUB_RUN && e->restart_at <= h->now)
            start(h, e);
        return;
    }
    if ((e->state == EP_STARTING || e->state == EP_FAILED) && h->now - e->started_at > START_MS)
        hub_endpoint_lost(h, e, "it was not ready in time");
    deadlines(h, e);
    if (e->state != EP_UP || e->killed)
        return;
    for (uint32_t w = 0; w < e->workers; w++) {
        struct hub_peer *p = &e->peers[w];
        if (h->now - p->pinged_ms >= PING_MS)
            ping(h, p);
        if (!p->in_flight && !e->queries && h->now - p->heard_ms > HANG_MS)
            hub_endpoint_lost(h, e, "its instance has not answered for 10 seconds");
    }
}

void hub_endpoint_stop(struct bb_hub *h, struct hub_endpoint *e, uint32_t budget_ms)
{
    if (e->state == EP_STOPPING || e->state == EP_STOPPED)
        return;
    if (!e->child) {
        e->state = EP_STOPPED;
        return;
    }
    e->state = EP_STOPPING;
    for (uint32_t w = 0; w < e->workers; w++) {
        struct bb_buf b;
        bb_buf_init(&b, 256);
        bb_put_stop(&b, e->peers[w].session, budget_ms);
        send_small(h, &e->peers[w], &b);
    }
}

void hub_intake_announce(struct bb_hub *h)
{
    uint32_t after = 0;
    const char *why = bb_journal_intake(h->journal, &after);

    for (size_t i = 0; i < h->n_eps; i++) {
        struct hub_peer *p = &h->eps[i].peers[0];
        struct bb_buf b;
        if (!p->session || !hub_peer_is_source(p))
            continue;
        bb_buf_init(&b, 512);
        bb_put_intake(&b, p->session, why == NULL, after, why ? why : "");
        send_small(h, p, &b);
    }
}
