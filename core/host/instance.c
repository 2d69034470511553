/*
 * instance.c - the thread of one instance
 *
 *   HELLO --WELCOME--> RUN (create, start, READY) --STOP--> STOP --stopped or budget--> END
 *
 * A turn: read all frames (pump), handle those whose answer calls the plugin (inbox), hand waiting
 * deliveries over for a few milliseconds, send what lies in the outbox; then wait. The pump never
 * calls the plugin, but for its health when no other call runs: that is why a blocking call may run
 * it from cancelled().
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/host/internal.h"

#define TURN_NS (5u * 1000000u)
#define GATHER_NS (3u * 1000000u)
#define GATHER_MIN 64u /* waiting, before it is worth to wait for more */
#define SECOND_NS 1000000000u
#define WAIT_MS 1000u
#define PUMP_NS (100u * 1000000u) /* looks at the link so often, whatever a plugin's wait() says */

_Thread_local struct bb_host *bb_host_here;

void bb_host_call_begin(struct bb_host *h)
{
    h->call_started = bb_host_now();
}

void bb_host_call_end(struct bb_host *h)
{
    h->call_started = 0;
}

/* ---- frames in ------------------------------------------------------------------------------------ */

static void bb_host_alive(struct bb_host *h)
{
    uint64_t now = bb_host_now();
    struct bb_out *o;

    if (!h->call_started && h->started && h->health && now - h->health_at >= SECOND_NS) {
        struct bb_error why;

        memset(&why, 0, sizeof(why));
        why.size = sizeof(why);
        h->health_at = now;
        bb_host_call_begin(h);
        h->health_status = h->health->health(h->inst, &why);
        bb_host_call_end(h);
        if (h->health_status > BB_OK || h->health_status < BB_E_UNKNOWN)
            h->health_status = BB_E_UNKNOWN;
        bb_out_text(h, why.text, strnlen(why.text, sizeof(why.text)), h->health_text,
                    sizeof(h->health_text));
        if (h->health_status == BB_OK)
            h->health_text[0] = '\0';
    }
    pthread_mutex_lock(&h->lock);
    o = bb_out_new_locked(h, 1024);
    if (o) {
        uint64_t busy = h->call_started ? (now - h->call_started) / 1000000 : 0;

        bb_put_alive(&o->buf, h->session, busy > UINT32_MAX ? UINT32_MAX : (uint32_t)busy,
                     h->ready < 0 ? h->ready : h->health_status, h->health_text);
        bb_out_put_locked(h, o);
    }
    pthread_mutex_unlock(&h->lock);
    if (now - h->metrics_at >= SECOND_NS) {
        h->metrics_at = now;
        bb_out_metrics(h);
    }
}

/* What waits is given back at once; what the plugin holds is only marked, it hears of it later. */
static void bb_host_cancel_mark(struct bb_host *h, struct bb_frame f)
{
    static const char why[] = "cancelled before the plugin took it";
    struct bb_error e = {.size = sizeof(e)};
    uint64_t token;

    memcpy(e.text, why, sizeof(why));
    while (bb_frame_next_token(&f, &token) > 0) {
        uint32_t slot;
        bool waits = false;

        pthread_mutex_lock(&h->lock);
        slot = bb_tokens_find(&h->tokens, token);
        if (slot != BB_SLOT_NONE) {
            h->tokens.v[slot].cancelled = true;
            waits = !h->tokens.v[slot].handed;
        }
        pthread_mutex_unlock(&h->lock);
        if (waits)
            bb_deliver_end(h, token, BB_E_CANCEL, NULL, &e, false);
    }
}

static void bb_host_cancel_call(struct bb_host *h, struct bb_frame *f)
{
    uint64_t token;

    while (bb_frame_next_token(f, &token) > 0) {
        bool open;

        pthread_mutex_lock(&h->lock);
        open = bb_tokens_find(&h->tokens, token) != BB_SLOT_NONE;
        pthread_mutex_unlock(&h->lock);
        if (!open || !h->plugin.c.cancel || !h->inst)
            continue;
        bb_host_call_begin(h);
        h->plugin.c.cancel(h->inst, token);
        bb_host_call_end(h);
    }
}

static void bb_host_keep(struct bb_host *h, struct bb_inframe *in)
{
    in->next = NULL;
    if (h->inbox_last)
        h->inbox_last->next = in;
    else
        h->inbox = in;
    h->inbox_last = in;
}

/* One frame as it comes, without the plugin. Takes over the caller's ref. */
static void bb_host_frame(struct bb_host *h, struct bb_inframe *in)
{
    struct bb_bytes b = {zmq_msg_data(&in->msg), zmq_msg_size(&in->msg)};
    struct bb_frame f;

    if (bb_frame_read(b, &f, NULL) < 0 ||
        (h->phase == BB_PHASE_HELLO ? f.kind != BB_F_WELCOME : f.session != h->session)) {
        h->refused_frames++;
        bb_inframe_unref(in);
        return;
    }
    switch (f.kind) {
    case BB_F_DELIVER:
        in->arrived = bb_host_now();
        bb_deliver_arrived(h, in, &f);
        break;
    case BB_F_QUERY:
        in->arrived = bb_host_now();
        bb_deliver_asked(h, in, &f);
        break;
    case BB_F_ANSWER:
        bb_ask_answered(h, &f);
        break;
    case BB_F_PING:
        bb_host_alive(h);
        break;
    case BB_F_STOP:
        pthread_mutex_lock(&h->lock);
        h->stopping = true;
        pthread_mutex_unlock(&h->lock);
        bb_deliver_end_all(h, true, "the endpoint stops");
        bb_host_keep(h, in);
        return;
    case BB_F_CANCEL:
        bb_host_cancel_mark(h, f);
        bb_host_keep(h, in);
        return;
    case BB_F_WELCOME:
    case BB_F_ACKED:
    case BB_F_CREDIT:
    case BB_F_INTAKE:
        bb_host_keep(h, in);
        return;
    default:
        h->refused_frames++;
    }
    bb_inframe_unref(in);
}

void bb_host_pump(struct bb_host *h)
{
    /* before WELCOME gives the sizes, frames come from a pool of the host's own */
    struct bb_pool *p = h->pool ? h->pool : h->first_pool;

    while (h->phase != BB_PHASE_END) {
        struct bb_inframe *in = bb_inframe_new(p);
        int rc;

        if (!in)
            break;
        rc = bb_link_recv(&h->link, &in->msg);
        if (rc <= 0) {
            bb_inframe_unref(in);
            if (rc < 0)
                h->phase = BB_PHASE_END;
            h->readable = false;
            break;
        }
        bb_host_frame(h, in);
        if (h->phase == BB_PHASE_HELLO)
            break; /* WELCOME decides which session the next frames must have */
    }
    h->pumped_at = bb_host_now();
    if (h->call_started)
        bb_out_flush(h);
}

/* ---- what calls the plugin ------------------------------------------------------------------------ */

static const void *bb_host_offer(struct bb_host *h, const char *id)
{
    const struct bb_connector *c = &h->plugin.c;

    return c->extension ? c->extension(h->inst, id) : NULL;
}

static void bb_host_offers(struct bb_host *h)
{
    const struct bb_manifest *m = &h->plugin.manifest;

    h->batch = m->batch ? bb_host_offer(h, BB_EXT_BATCH) : NULL;
    h->probe = bb_host_offer(h, BB_EXT_PROBE);
    h->health = bb_host_offer(h, BB_EXT_HEALTH);
    h->wait = bb_host_offer(h, BB_EXT_WAIT);
    h->query = bb_host_offer(h, BB_EXT_QUERY);
    if (h->batch && !BB_HAS(h->batch, deliver))
        h->batch = NULL;
    if (h->probe && !BB_HAS(h->probe, probe))
        h->probe = NULL;
    if (h->health && !BB_HAS(h->health, health))
        h->health = NULL;
    if (h->wait && !BB_HAS(h->wait, wait))
        h->wait = NULL;
    if (h->query && !BB_HAS(h->query, query))
        h->query = NULL;
}

static bb_status bb_host_broken(struct bb_error *err, const char *text)
{
    strncpy(err->text, text, sizeof(err->text) - 1);
    return BB_E_CONFIG;
}

static bb_status bb_host_create(struct bb_host *h, struct bb_bytes config, struct bb_error *err)
{
    bb_status s = bb_steps_start(h, err);

    if (s != BB_OK)
        return s;
    bb_host_call_begin(h);
    s = h->plugin.c.create(h, &bb_host_table, &config, &h->inst, err);
    bb_host_call_end(h);
    if (s == BB_OK && !h->inst)
        s = BB_E_BUG;
    if (s != BB_OK) {
        h->inst = NULL;
        return s > 0 ? BB_E_BUG : s;
    }
    bb_host_offers(h);
    if (h->plugin.manifest.ordered_batch && !h->batch)
        return bb_host_broken(err, "its manifest says \"batch\": \"ordered\", and it has no " BB_EXT_BATCH);
    if (h->roles & BB_ROLE_QUERY && !h->query)
        return bb_host_broken(err, "its manifest lists queries, and it has no " BB_EXT_QUERY);
    bb_host_call_begin(h);
    s = h->plugin.c.start(h->inst, err);
    bb_host_call_end(h);
    if (s > 0)
        s = BB_E_BUG; /* start() has no later answer */
    h->started = s == BB_OK;
    return s;
}

static void bb_host_ready(struct bb_host *h, const char *text)
{
    char clean[512];
    struct bb_out *o;

    bb_out_text(h, text, strlen(text), clean, sizeof(clean));
    pthread_mutex_lock(&h->lock);
    o = bb_out_new_locked(h, 2048);
    if (o) {
        bb_put_ready(&o->buf, h->session, h->ready, clean);
        bb_out_put_locked(h, o);
    }
    pthread_mutex_unlock(&h->lock);
}

static void bb_host_welcome(struct bb_host *h, const struct bb_frame *f, struct bb_inframe *in)
{
    struct bb_fault why = {0, ""};
    struct bb_error err;
    struct bb_bytes config;
    const char *text = "";

    if (h->phase != BB_PHASE_HELLO) {
        h->refused_frames++;
        return;
    }
    memset(&err, 0, sizeof(err));
    err.size = sizeof(err);
    h->session = f->session;
    h->phase = BB_PHASE_RUN;
    if (bb_welcome_read(h, f->welcome.map, &config, &why) < 0) {
        h->ready = BB_E_CONFIG;
        text = why.text;
    } else {
        h->ready = bb_host_create(h, config, &err);
        err.text[sizeof(err.text) - 1] = '\0';
        if (h->ready != BB_OK)
            text = err.text[0] ? err.text : "the plugin gave no reason";
    }
    /* it held the secrets */
    explicit_bzero(zmq_msg_data(&in->msg), zmq_msg_size(&in->msg));
    bb_host_ready(h, text);
}

static void bb_host_stop(struct bb_host *h, uint32_t budget_ms)
{
    bool pending = false;

    if (h->phase != BB_PHASE_RUN)
        return;
    h->phase = BB_PHASE_STOP;
    h->stop_deadline = bb_host_now() + (uint64_t)budget_ms * 1000000;
    if (h->started) {
        bb_host_call_begin(h);
        pending = h->plugin.c.stop(h->inst, budget_ms) == BB_PENDING;
        bb_host_call_end(h);
    }
    if (!pending) {
        pthread_mutex_lock(&h->lock);
        h->stopped = true;
        pthread_mutex_unlock(&h->lock);
    }
}

static void bb_host_inbox(struct bb_host *h)
{
    struct bb_inframe *in;

    while ((in = h->inbox)) {
        struct bb_bytes b = {zmq_msg_data(&in->msg), zmq_msg_size(&in->msg)};
        struct bb_frame f;

        h->inbox = in->next;
        if (!h->inbox)
            h->inbox_last = NULL;
        if (bb_frame_read(b, &f, NULL) == 0) {
            switch (f.kind) {
            case BB_F_WELCOME: bb_host_welcome(h, &f, in); break;
            case BB_F_ACKED: bb_credit_acked(h, &f); break;
            case BB_F_CREDIT: bb_credit_raise(h, f.credit.messages, f.credit.bytes); break;
            case BB_F_INTAKE: bb_credit_intake(h, &f); break;
            case BB_F_CANCEL: bb_host_cancel_call(h, &f); break;
            case BB_F_STOP: bb_host_stop(h, f.stop.budget_ms); break;
            default: break;
            }
        }
        bb_inframe_unref(in);
    }
}

/* The end of STOP: nothing is open afterwards, whatever the plugin does. */
static void bb_host_finish(struct bb_host *h)
{
    uint64_t late, breaches;
    struct bb_out *o;
    bool stopped;

    pthread_mutex_lock(&h->lock);
    stopped = h->stopped;
    late = h->late;
    breaches = h->breaches;
    pthread_mutex_unlock(&h->lock);
    if (!stopped && bb_host_now() < h->stop_deadline)
        return;
    bb_deliver_end_all(h, false, "the endpoint stopped before the plugin answered");
    if (!stopped)
        bb_out_say(h, BB_LOG_ERROR, "%s did not stop within its budget and is left behind; its "
                                    "threads may still run", h->plugin.manifest.id);
    if (late || breaches)
        bb_out_say(h, BB_LOG_WARN, "%s ended %llu deliveries late or twice and %llu with a status "
                                   "that none can end with", h->plugin.manifest.id,
                   (unsigned long long)late, (unsigned long long)breaches);
    bb_out_metrics(h);
    pthread_mutex_lock(&h->lock);
    o = bb_out_new_locked(h, 64);
    if (o) {
        bb_put_stopped(&o->buf, h->session);
        bb_out_put_locked(h, o);
    }
    h->closed = true;
    pthread_mutex_unlock(&h->lock);
    bb_out_flush(h);
    h->abandoned = !stopped;
    if (stopped && h->inst) {
        bb_host_call_begin(h);
        h->plugin.c.destroy(h->inst);
        bb_host_call_end(h);
        h->inst = NULL;
    }
    if (stopped)
        bb_steps_stop(h, 0);
    h->phase = BB_PHASE_END;
}

/* ---- the loop --------------------------------------------------------------------------------------- */

static bool bb_host_work_waits(struct bb_host *h)
{
    bool waits;

    h->readable |= bb_link_holds(&h->link);
    if (h->readable || h->inbox || bb_deliver_waits(h))
        return true;
    pthread_mutex_lock(&h->lock);
    waits = h->out.first != NULL;
    pthread_mutex_unlock(&h->lock);
    return waits;
}

static uint32_t bb_host_timeout(struct bb_host *h)
{
    uint64_t now, left;

    if (bb_host_work_waits(h))
        return 0;
    if (h->phase != BB_PHASE_STOP)
        return WAIT_MS;
    now = bb_host_now();
    left = now < h->stop_deadline ? (h->stop_deadline - now) / 1000000 + 1 : 0;
    return left < WAIT_MS ? (uint32_t)left : WAIT_MS;
}

void bb_host_unmark(struct bb_host *h)
{
    uint64_t count;

    pthread_mutex_lock(&h->lock);
    if (h->out.signalled) {
        while (read(h->wake, &count, sizeof(count)) < 0 && errno == EINTR)
            ;
        h->out.signalled = false;
    }
    pthread_mutex_unlock(&h->lock);
}

static void bb_host_wait(struct bb_host *h)
{
    uint32_t ms = bb_host_timeout(h);

    if (h->started && h->wait && h->phase != BB_PHASE_END) {
        struct bb_pollfd fds[2] = {{bb_link_fd(&h->link), BB_POLL_IN, 0}, {h->wake, BB_POLL_IN, 0}};

        bb_host_call_begin(h);
        h->wait->wait(h->inst, fds, 2, ms);
        bb_host_call_end(h);
        h->readable |= fds[0].revents != 0;
    } else {
        struct pollfd fds[2] = {{bb_link_fd(&h->link), POLLIN, 0}, {h->wake, POLLIN, 0}};

        h->readable |= poll(fds, 2, (int)ms) > 0 && fds[0].revents;
    }
    bb_host_unmark(h); /* first unmark, then look: what comes in between is marked anew */
}

static int bb_host_connect(struct bb_host *h)
{
    const struct bb_host_spec *s = &h->run->spec;
    struct bb_bytes secret = {s->secret, sizeof(s->secret)}, info = {"\x80", 1};
    struct bb_buf b;
    char id[96];
    int rc;

    bb_buf_init(&b, 1024);
    snprintf(id, sizeof(id), "%s/%u", h->endpoint, h->worker);
    if (bb_link_open(&h->link, s->zmq, h->run->address, id) < 0)
        return -1;
    bb_put_hello(&b, h->endpoint, h->worker, secret, (int64_t)getpid(), info);
    rc = b.failed ? -1 : 0;
    bb_link_send(&h->link, &b);
    rc |= bb_link_flush(&h->link);
    if (b.ptr)
        explicit_bzero(b.ptr, b.len);
    bb_buf_free(&b);
    return rc;
}

static void bb_host_close(struct bb_host *h)
{
    while (h->inbox) {
        struct bb_inframe *in = h->inbox;

        h->inbox = in->next;
        bb_inframe_unref(in);
    }
    h->inbox_last = NULL;
    bb_link_close(&h->link);
}

/* The hub sends frames of some hundred messages, one behind the other; a batch (a file's sync, a
 * request) costs the same for many. So when a frame has come, those right behind it are waited for:
 * shortly, and never for the sake of a few. */
static void bb_host_gather(struct bb_host *h)
{
    static const struct timespec pause = {0, 200000};
    uint64_t until = bb_host_now() + GATHER_NS;
    uint32_t waiting;

    while (h->batch && h->phase == BB_PHASE_RUN && bb_host_now() < until) {
        struct pollfd fd = {bb_link_fd(&h->link), POLLIN, 0};

        pthread_mutex_lock(&h->lock);
        waiting = h->tokens.waiting; /* what has been handed over joins no batch */
        pthread_mutex_unlock(&h->lock);
        if (waiting < GATHER_MIN || waiting >= h->batch_max ||
            (!bb_link_holds(&h->link) && ppoll(&fd, 1, &pause, NULL) <= 0))
            return;
        bb_host_pump(h);
    }
}

void *bb_host_thread(void *arg)
{
    struct bb_host *h = arg;

    bb_host_here = h;
    h->phase = BB_PHASE_HELLO;
    if (bb_host_connect(h) < 0)
        h->phase = BB_PHASE_END;
    while (h->phase != BB_PHASE_END) {
        if (h->readable || bb_host_now() - h->pumped_at > PUMP_NS)
            bb_host_pump(h);
        bb_host_gather(h);
        bb_host_inbox(h);
        if (h->started)
            bb_deliver_work(h, bb_host_now() + TURN_NS);
        bb_out_flush(h);
        if (h->phase == BB_PHASE_STOP)
            bb_host_finish(h);
        if (h->phase != BB_PHASE_END)
            bb_host_wait(h);
    }
    /* a plugin that was not stopped (the core went away) may still have threads */
    if (h->inst)
        h->abandoned = true;
    pthread_mutex_lock(&h->lock);
    h->closed = true;
    pthread_mutex_unlock(&h->lock);
    bb_host_close(h);
    bb_host_here = NULL;
    bb_host_run_ended(h->run);
    return NULL;
}
