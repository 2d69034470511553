/*
 * hub.c - the hub's thread: its turn, its start and its end
 *
 * A turn: frames from hosts; operations and reads that the journal finished; asks; ticks (hosts,
 * deadlines, intake); then every route moves on, and what gathered is sent: settlements to the
 * journal, DELIVER and ACKED to hosts. Everything is bounded a turn, so no peer starves another.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/hub/internal.h"

#define TURN_MS 250 /* longest wait: the watchdog's evidence */
#define SLOW_FLIGHTS_A_TICK 4096

void *hub_must(void *p)
{
    if (!p) {
        fprintf(stderr, "busbar: no memory left: the core ends, the journal has what was accepted\n");
        abort();
    }
    return p;
}

void hub_post(struct bb_hub *h, struct bb_op *op)
{
    /* what looks at rows must come after the settlements that this turn has gathered: a KICK that
     * overtook the spill it is for would find nothing, and the lane would sleep for ever */
    if (op->kind != BB_OP_SETTLE && op->kind != BB_OP_RESERVE)
        hub_settle_flush(h); /* with an append they share its commit */
    h->ops_out++;
    bb_journal_post(h->journal, op);
}

/* ---- a turn's parts ---------------------------------------------------------------------------------- */

static void op_done(struct bb_hub *h, struct bb_op *op)
{
    switch (op->kind) {
    case BB_OP_APPEND:
        hub_intake_done(h, op);
        break;
    case BB_OP_SETTLE:
        hub_settle_done(h, op);
        break;
    case BB_OP_MARK:
        hub_route_mark_done(h, op);
        break;
    case BB_OP_RESERVE:
        hub_route_reserve_done(op);
        break;
    case BB_OP_KICK: {
        struct hub_route *r = hub_route_by_id(h, op->kick.route);
        if (r)
            hub_route_due(r, h->wall);
        free(op);
        break;
    }
    default:
        hub_ask_done(h, op);
    }
}

static void journal_done(struct bb_hub *h)
{
    struct bb_op *op = bb_journal_take(h->journal);
    struct bb_read *rd;

    while (op) {
        struct bb_op *next = op->next;
        h->ops_out--;
        op_done(h, op);
        op = next;
    }
    rd = bb_journal_read_take(h->journal);
    while (rd) {
        struct bb_read *next = rd->next;
        hub_route_read_done(h, rd);
        rd = next;
    }
}

static void asks(struct bb_hub *h)
{
    struct bb_ask *a;
    uint64_t n;

    if (read(h->wake_fd, &n, sizeof n) < 0 && errno != EAGAIN)
        bb_logf(BB_LOG_WARN, "hub: eventfd: %s", strerror(errno));
    pthread_mutex_lock(&h->lock);
    a = h->asks;
    h->asks = h->asks_last = NULL;
    pthread_mutex_unlock(&h->lock);
    while (a) {
        struct bb_ask *next = a->next;
        hub_ask_serve(h, a);
        a = next;
    }
}

/* A delivery that takes very long must not hold the frontier, and with it the scan: it becomes a
 * row, and its flight goes on. */
static void pass_slow(struct bb_hub *h, struct hub_route *r)
{
    int seen = 0;

    for (struct hub_flight *f = r->to->oldest; f && seen < SLOW_FLIGHTS_A_TICK; f = f->next, seen++) {
        if (f->route != r || f->ord == BB_ORD_NONE)
            continue;
        struct bb_settle *s = hub_settle(h, r, NULL, BB_TO_INFLIGHT, f->ord, f->seq, f->lane);
        s->row = f->row;
        s->renders = r->impure;
        f->ord = BB_ORD_NONE;
    }
}

static void ticks(struct bb_hub *h)
{
    bool open;

    if (h->now < h->tick_at && !h->rehearsal)
        return;
    h->tick_at = h->now + HUB_TICK_MS;
    for (size_t i = 0; i < h->n_eps; i++) {
        hub_endpoint_tick(h, &h->eps[i]);
        for (uint32_t w = 0; w < h->eps[i].workers; w++)
            hub_peer_dropped_say(h, &h->eps[i].peers[w]);
    }
    hub_intake_tick(h);
    hub_queries_tick(h);
    for (size_t i = 0; i < h->n_routes; i++)
        if (h->routes[i].scan - h->routes[i].frontier > BB_WINDOW / 2)
            pass_slow(h, &h->routes[i]);
    open = bb_journal_intake(h->journal, NULL) == NULL;
    if (open != h->intake_open) {
        h->intake_open = open;
        hub_intake_announce(h);
    }
}

/* ---- the end, in phases --------------------------------------------------------------------------------- */

/* Who only submits. Who answers questions is needed as long as anything is delivered. */
static bool stops_first(const struct hub_endpoint *e)
{
    return !e->query && !e->gen->config->is_sink;
}

static bool all_stopped(struct bb_hub *h, bool sources_only)
{
    for (size_t i = 0; i < h->n_eps; i++) {
        struct hub_endpoint *e = &h->eps[i];
        if (sources_only && !stops_first(e))
            continue;
        if (e->child)
            return false;
    }
    return true;
}

static bool nothing_in_flight(const struct bb_hub *h)
{
    for (size_t i = 0; i < h->n_eps; i++)
        if (h->eps[i].in_flight || h->eps[i].taking) /* taken: would look as if maybe sent */
            return false;
    return h->ops_out == 0 && !h->settling;
}

static void stop_step(struct bb_hub *h)
{
    int budget = atomic_load(&h->stop_budget);
    uint32_t left;

    if (budget >= 0 && h->phase == HUB_RUN) {
        h->phase = HUB_STOP_SOURCES;
        h->phase_until = h->now + budget;
        for (size_t i = 0; i < h->n_eps; i++)
            if (stops_first(&h->eps[i]))
                hub_endpoint_stop(h, &h->eps[i], (uint32_t)budget);
    }
    if (h->phase == HUB_RUN)
        return;
    left = h->phase_until > h->now ? (uint32_t)(h->phase_until - h->now) : 0;
    if (h->phase == HUB_STOP_SOURCES && (all_stopped(h, true) || !left))
        h->phase = HUB_DRAIN;
    if (h->phase == HUB_DRAIN && (nothing_in_flight(h) || !left)) {
        h->phase = HUB_STOP_SINKS;
        h->phase_until = (h->phase_until > h->now ? h->phase_until : h->now) + 2000;
        left = (uint32_t)(h->phase_until - h->now); /* what is open may yet say how it ended */
        for (size_t i = 0; i < h->n_eps; i++)
            hub_endpoint_stop(h, &h->eps[i], left - 1000);
    }
    if (h->phase == HUB_STOP_SINKS && ((all_stopped(h, false) && nothing_in_flight(h)) || !left)) {
        for (size_t i = 0; i < h->n_eps; i++)
            if (h->eps[i].child)
                bb_child_kill(h->eps[i].child);
        h->phase = HUB_END;
    }
}

/* ---- the thread -------------------------------------------------------------------------------------------- */

static void clocks(struct bb_hub *h)
{
    h->wall = bb_axis_ms();
    h->now = h->rehearsal ? (int64_t)h->wall : bb_mono_ms(); /* a rehearsal has only one clock */
    atomic_store(&h->beat, h->now);
}

static long wait_ms(const struct bb_hub *h)
{
    long ms = h->tick_at > h->now ? (long)(h->tick_at - h->now) : 0;

    if ((h->settling || h->rehearsal) && ms > 1)
        ms = 1;

    for (size_t i = 0; i < h->n_routes; i++) {
        const struct hub_route *r = &h->routes[i];
        if (r->due == DUE_IDLE && r->due_next_ms > h->wall && (long)(r->due_next_ms - h->wall) < ms)
            ms = (long)(r->due_next_ms - h->wall);
    }
    return ms > TURN_MS ? TURN_MS : ms;
}

/* Does the ROUTER hold a frame? Its descriptor is edge-triggered and any send may take the edge, so
 * this is asked before each wait. zmq_poll() would ask twice, and poll twice. */
static bool router_holds(struct bb_hub *h)
{
    int events = 0;
    size_t size = sizeof events;

    return zmq_getsockopt(h->router, ZMQ_EVENTS, &events, &size) != 0 || events & ZMQ_POLLIN;
}

static void turn(struct bb_hub *h, struct pollfd *fds, size_t fixed)
{
    size_t n = fixed;
    bool held = router_holds(h);

    for (size_t i = 0; i < h->n_eps; i++)
        if (h->eps[i].child && bb_child_fd(h->eps[i].child) >= 0)
            fds[n++] = (struct pollfd){.fd = bb_child_fd(h->eps[i].child), .events = POLLIN};
    if (poll(fds, n, held ? 0 : (int)wait_ms(h)) < 0) {
        if (errno != EINTR)
            bb_logf(BB_LOG_WARN, "hub: poll: %s", strerror(errno));
        for (size_t i = 0; i < n; i++)
            fds[i].revents = 0;
    }
    clocks(h);
    for (size_t i = fixed; i < n; i++)
        if (fds[i].revents)
            h->tick_at = h->now; /* a host has ended: it would wake us until it is dealt with */
    if (held || fds[0].revents)
        hub_frames(h);
    journal_done(h);
    if (fds[3].revents)
        asks(h);
    ticks(h);
    stop_step(h);
    for (size_t i = 0; i < h->n_routes; i++) /* routes that share an endpoint take turns at its room */
        hub_route_pump(h, &h->routes[(h->turns + i) % h->n_routes]);
    h->turns++;
    hub_settle_turn(h);
    hub_peers_flush(h);
    if (h->rest)
        hub_rest_turn(h);
}

static void *hub_thread(void *arg)
{
    struct bb_hub *h = arg;
    struct pollfd *fds = calloc(4 + h->n_eps, sizeof *fds);
    size_t size = sizeof fds->fd;

    pthread_setname_np(pthread_self(), "hub");
    if (fds && zmq_getsockopt(h->router, ZMQ_FD, &fds[0].fd, &size) == 0) {
        fds[1].fd = bb_journal_fd(h->journal);
        fds[2].fd = bb_journal_read_fd(h->journal);
        fds[3].fd = h->wake_fd;
        for (size_t i = 0; i < 4; i++)
            fds[i].events = POLLIN;
        clocks(h);
        for (size_t i = 0; i < h->n_routes; i++)
            hub_rows_recover(h, &h->routes[i]);
        while (h->phase != HUB_END && !h->failed[0] && !bb_journal_failed(h->journal))
            turn(h, fds, 4);
        hub_settle_flush(h); /* answers that came last are kept, though nobody waits for the commit */
    }
    if (bb_journal_failed(h->journal))
        snprintf(h->failed, sizeof h->failed, "%s", bb_journal_failed(h->journal));
    if (h->failed[0]) {
        for (size_t i = 0; i < h->n_eps; i++)
            if (h->eps[i].child)
                bb_child_kill(h->eps[i].child);
    }
    free(fds);
    atomic_store(&h->ended, true);
    asks(h); /* what came meanwhile is answered with what there is */
    pthread_mutex_lock(&h->lock);
    h->gone = true;
    pthread_cond_broadcast(&h->answered);
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void hub_free(struct bb_hub *h)
{
    hub_intake_end(h);
    for (size_t i = 0; i < h->n_eps; i++) {
        if (h->eps[i].child)
            bb_child_free(&h->eps[i].child);
        for (uint32_t w = 0; h->eps[i].peers && w < h->eps[i].workers; w++) {
            bb_buf_free(&h->eps[i].peers[w].out);
            bb_buf_free(&h->eps[i].peers[w].acks);
        }
        free(h->eps[i].peers);
        free(h->eps[i].routes);
        hub_metrics_free(&h->eps[i]);
    }
    free(h->eps);
    bb_owners_free(&h->owners);
    hub_queries_free(h);
    for (size_t i = 0; i < h->n_routes; i++) {
        bb_matcher_free(&h->routes[i].matcher);
        free(h->routes[i].window);
        if (h->routes[i].feed) {
            bb_journal_read_free(h->routes[i].feed);
            free(h->routes[i].feed);
        }
    }
    free(h->routes);
    for (size_t i = 0; i < h->n_flights / 256; i++)
        free(h->flights[i]);
    free(h->flights);
    while (h->batches)
        hub_batch_free(h, h->batches);
    while (h->free_settles) {
        struct hub_settle_op *o = h->free_settles;
        h->free_settles = o->next_free;
        free(o);
    }
    hub_lanes_free(&h->lanes);
    free(h->filter.count);
    if (h->router)
        zmq_close(h->router);
    if (h->zmq)
        zmq_ctx_term(h->zmq);
    if (h->wake_fd >= 0)
        close(h->wake_fd);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->answered);
    free(h);
}

struct bb_hub *bb_hub_start(const struct bb_hub_options *o, struct bb_fault *err)
{
    struct bb_hub *h = calloc(1, sizeof *h);
    pthread_condattr_t ca;

    if (!h) {
        bb_fail(err, "no memory for the hub");
        return NULL;
    }
    h->gen = o->generation;
    h->journal = o->journal;
    h->go_on = o->go_on;
    h->go_on_arg = o->arg;
    h->rehearsal = o->rehearsal;
    snprintf(h->program, sizeof h->program, "%s", o->program);
    snprintf(h->run_dir, sizeof h->run_dir, "%s", o->run_dir);
    snprintf(h->address, sizeof h->address, "ipc://%s/hub.sock", o->run_dir);
    h->intake_open = true;
    h->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    atomic_init(&h->stop_budget, -1);
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&ca);
    pthread_condattr_setclock(&ca, CLOCK_MONOTONIC);
    pthread_cond_init(&h->answered, &ca);
    pthread_condattr_destroy(&ca);
    h->rng = h->rehearsal ? 1 : bb_mono_us() | 1;
    memcpy(h->short_tag, bb_journal_id(h->journal), sizeof h->short_tag);
    snprintf(h->tag, sizeof h->tag, "%02x%02x%02x%02x", h->short_tag[0], h->short_tag[1],
             h->short_tag[2], h->short_tag[3]);
    h->next_session = bb_axis_ms() << 16; /* never a number of an earlier run */
    h->filter.count = calloc(1u << HUB_FILTER_BITS, sizeof *h->filter.count);
    clocks(h);
    if (h->wake_fd < 0 || !h->filter.count || hub_lanes_init(&h->lanes) != 0 ||
        hub_peers_init(h) != 0 || bb_owners_new(h->gen->config, &h->owners) != 0) {
        bb_fail(err, "no memory for the hub");
        goto fail;
    }
    for (size_t i = 0; i < h->n_eps; i++)
        if (bb_journal_name_id(h->journal, h->eps[i].gen->config->name, &h->eps[i].id, err) != 0)
            goto fail;
    if (hub_routes_init(h, err) != 0 || hub_frames_open(h, err) != 0)
        goto fail;
    if (pthread_create(&h->thread, NULL, hub_thread, h) != 0) {
        bb_fail(err, "cannot start the hub's thread");
        goto fail;
    }
    return h;
fail:
    hub_free(h);
    return NULL;
}

void bb_hub_stop(struct bb_hub **hp, uint32_t budget_ms)
{
    struct bb_hub *h = *hp;
    uint64_t one = 1;

    if (!h)
        return;
    *hp = NULL;
    atomic_store(&h->stop_budget, (int)(budget_ms < INT32_MAX ? budget_ms : INT32_MAX));
    if (write(h->wake_fd, &one, sizeof one) < 0)
        bb_logf(BB_LOG_WARN, "hub: eventfd: %s", strerror(errno));
    pthread_join(h->thread, NULL);
    hub_free(h);
}

const char *bb_hub_failed(const struct bb_hub *h)
{
    return atomic_load(&h->ended) && h->failed[0] ? h->failed : NULL;
}

int64_t bb_hub_beat(const struct bb_hub *h)
{
    return atomic_load(&h->beat);
}
