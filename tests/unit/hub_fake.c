/*
 * hub_fake.c - hosts for test_hub_flow: a source that resends what was not acknowledged, and sinks
 * that apply, refuse, lose answers, answer late and out of order, and die
 *
 * A thread an instance, each with a DEALER on the hub's own context. A sink checks what it receives
 * against the plant: order within a lane, one open delivery a lane (or one batch, of which nothing is
 * tried after a failure), redeliveries marked, no doubled effect where it can be probed.
 */
#include "tests/unit/hub_fake.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include <busbar/plugin.h>
#include "core/base/base.h"
#include "core/host/host.h"
#include "core/wire/wire.h"

#define LATE_MAX 512

struct late { /* an answer that waits */
    uint64_t token;
    int64_t at;
    int route;
    uint32_t id, lane;
    int32_t status;
    uint32_t retry_after;
    bool body, probe, cancelled;
};
struct fake {
    struct bb_child *child;
    pthread_t thread;
    void *sock;
    uint64_t session;
    bool source, up, end;
    unsigned rng;
    struct late late[LATE_MAX];
    unsigned n_late;
    struct bb_buf out;
    /* source */
    uint32_t resend, unacked;
};
struct bb_child {
    uint8_t secret[16];
    char endpoint[64];
    void *zmq;
    uint32_t workers;
    _Atomic uint32_t ended;
    _Atomic bool kill;
    struct fake fakes[4];
};

struct plant *plant;
unsigned plant_seed;
_Atomic uint32_t plant_route_id[PLANT_ROUTES];
const char *const plant_lane_key[PLANT_ROUTES] = {
    [PLAIN] = NULL, [LANED] = "item", [HELD_LANES] = "item", [SHARED] = "item"};

void plant_wrong(const char *fmt, ...)
{
    va_list ap;

    if (atomic_exchange(&plant->wrong, 1))
        return; /* the first is the one to look at */
    va_start(ap, fmt);
    vsnprintf(plant->text, sizeof plant->text, fmt, ap);
    va_end(ap);
}

uint32_t plant_lane(uint32_t id)
{
    return id * 2654435761u / 7 % 100 < 30 ? 0 : id * 2654435761u % PLANT_LANES; /* one is hot */
}

static unsigned dice(struct fake *f, unsigned n)
{
    f->rng = f->rng * 1103515245u + 12345u;
    return (f->rng >> 8) % n;
}

static void say(struct fake *f)
{
    if (f->out.failed || zmq_send(f->sock, f->out.ptr, f->out.len, ZMQ_DONTWAIT) < 0)
        f->end = true;
    bb_buf_reset(&f->out);
}

/* ---- sinks -------------------------------------------------------------------------------------- */
static uint32_t id_of(struct bb_bytes whole)
{
    struct bb_envelope e;
    char text[16] = "";

    if (bb_envelope_read(whole, &e, NULL) != 0 || e.id.len >= sizeof text)
        return UINT32_MAX;
    memcpy(text, e.id.ptr, e.id.len);
    return (uint32_t)strtoul(text, NULL, 10);
}

static void answer(struct fake *f, const struct late *l)
{
    struct bb_w_result r = {.token = l->token, .status = l->status};
    struct bb_list list;

    if (l->status < 0) {
        r.has_error = true;
        r.text = (struct bb_bytes){"as thrown", 9};
        r.retry_after_ms = l->retry_after;
    }
    if (plant_lane_key[l->route])
        plant->open[l->route][l->lane]--;
    if (!l->probe && !l->cancelled &&
        (l->status == BB_E_RETRY || l->status == BB_E_DOWN || l->status == BB_E_REJECT ||
         l->status == BB_E_CANCEL))
        atomic_store(&plant->cell[l->route][l->id].maybe, 0);
    list = bb_list_begin(&f->out, BB_F_RESULT, f->session);
    bb_list_result(&f->out, &list, &r);
    bb_list_end(&f->out, &list);
    say(f);
}

static void check_received(const struct bb_w_deliver *d, int route, uint32_t id, uint32_t lane)
{
    struct plant_cell *c = &plant->cell[route][id];
    bool again = d->flags & BB_DELIVER_REDELIVERY;
    uint32_t before;

    if (again)
        plant->redeliveries++;
    if (atomic_load(&c->maybe) && !again)
        plant_wrong("route %d: message %u was maybe sent before, and comes without its mark", route, id);
    if (!plant_lane_key[route])
        return;
    before = atomic_load(&plant->last[route][lane]);
    /* of a batch whose answers were lost with a core or a host the first comes again, once */
    if (before > id + 1 && plant->ordered && again && plant->seen[route][lane] != plant->deaths)
        before = 0;
    if (before > id + 1)
        plant_wrong("route %d lane %u: message %u comes after %u", route, lane, id, before - 1);
    atomic_store(&plant->last[route][lane], id + 1);
    plant->seen[route][lane] = plant->deaths;
}

/* Is the lane free for it? Only those that come behind another one may find others there. */
static void check_lane(const struct bb_w_deliver *d, const struct late *l, const struct late *before)
{
    bool same = before->route == l->route && before->lane == l->lane;
    bool behind = d->flags & BB_DELIVER_BEHIND;

    if (behind && (!plant->ordered || !same || before->probe || before->id >= l->id))
        plant_wrong("route %d: message %u is behind %u", l->route, l->id, before->id);
    plant->behind += behind;
    if (plant->open[l->route][l->lane]++ && !behind && !(plant->ordered && same && before->probe && l->probe))
        plant_wrong("route %d lane %u: message %u comes while another one is open", l->route, l->lane,
                    l->id);
}

static void operate(struct fake *f, const struct bb_w_deliver *d, struct late *l)
{
    struct plant_cell *c = &plant->cell[l->route][l->id];
    unsigned roll = atomic_load(&plant->calm) ? 999 : dice(f, 1000);

    plant->deliveries++;
    check_received(d, l->route, l->id, l->lane);
    atomic_store(&c->maybe, 1);
    atomic_store(&c->asked, 0);
    if (roll < 80) {
        l->status = BB_E_RETRY;
        l->retry_after = roll < 10 ? 5 : 0;
        l->body = roll % 2;
    } else if (roll < 90) {
        l->status = BB_E_DOWN;
    } else if (roll < 110) {
        l->status = BB_E_REJECT;
    } else if (roll < 130) {
        l->status = BB_E_UNKNOWN; /* and it was not applied */
        plant->lost_answers++;
    } else {
        if (atomic_fetch_add(&c->applied, 1) && l->route != SHARED)
            plant_wrong("route %d: message %u took effect twice", l->route, l->id);
        if (roll < 160) {
            l->status = BB_E_UNKNOWN;
            plant->lost_answers++;
        }
    }
}

static void probe(struct late *l)
{
    struct plant_cell *c = &plant->cell[l->route][l->id];

    plant->probes++;
    if (atomic_load(&c->applied)) {
        l->status = BB_OK;
        return;
    }
    l->status = BB_NOT_APPLIED;
    if (atomic_fetch_add(&c->asked, 1) >= 1)
        atomic_store(&c->maybe, 0);
}

static void deliver(struct fake *f, struct bb_frame *frame)
{
    struct bb_w_deliver d;
    struct late before = {.route = -1};
    bool failed = false; /* one of this batch */

    while (bb_frame_next_deliver(frame, &d) == 1) {
        struct late l = {.token = d.token, .route = -1, .status = BB_OK, .id = id_of(d.whole),
                         .probe = d.op == BB_DELIVER_PROBE};

        for (int i = 0; i < (int)PLANT_ROUTES; i++)
            if (plant_route_id[i] == d.route)
                l.route = i;
        if (l.route < 0 || l.id >= PLANT_IDS) {
            plant_wrong("a delivery of no route or no message: %u", l.id);
            return;
        }
        l.lane = plant_lane(l.id);
        if (plant_lane_key[l.route])
            check_lane(&d, &l, &before);
        failed = failed && d.flags & BB_DELIVER_BEHIND;
        l.cancelled = failed;
        if (l.probe)
            probe(&l);
        else if (failed)
            l.status = BB_E_CANCEL;
        else
            operate(f, &d, &l);
        plant->cancelled += failed;
        failed = failed || l.status != BB_OK;
        before = l;
        if (l.route == PLAIN && l.id < atomic_load(&plant->stuck))
            continue;
        l.at = bb_mono_ms() + (dice(f, 4) ? 0 : dice(f, 12));
        if (f->n_late == LATE_MAX) {
            plant_wrong("more deliveries in flight than the endpoint's limit");
            return;
        }
        if (l.at <= bb_mono_ms() && !f->n_late)
            answer(f, &l);
        else
            f->late[f->n_late++] = l;
        if (!atomic_load(&plant->calm) && dice(f, 1500) == 0) {
            plant->crashes++;
            f->end = true;
            return;
        }
    }
}

static void answer_late(struct fake *f)
{
    int64_t now = bb_mono_ms();

    for (unsigned i = 0; i < f->n_late;) {
        if (f->late[i].at > now) {
            i++;
            continue;
        }
        struct late l = f->late[i];
        f->late[i] = f->late[--f->n_late];
        answer(f, &l);
    }
}

/* ---- the source ----------------------------------------------------------------------------------- */
static void submit(struct fake *f, uint32_t id)
{
    struct bb_draft d;
    struct bb_buf m;
    char text[16], item[16];

    bb_buf_init(&m, 65536);
    bb_draft_init(&d, "/plant", "mfg.test");
    d.e.id = (struct bb_bytes){text, (size_t)snprintf(text, sizeof text, "%u", id)};
    d.e.item = (struct bb_bytes){item, (size_t)snprintf(item, sizeof item, "i%u", plant_lane(id))};
    d.e.time = (struct bb_bytes){"2026-01-01T00:00:00Z", 20};
    bb_draft_put(&d, &m);
    bb_put_submit(&f->out, f->session, id, NULL, 1);
    bb_put_bin(&f->out, m.ptr, m.len);
    bb_buf_free(&m);
    f->unacked++;
    say(f);
}

static void source_turn(struct fake *f)
{
    uint32_t most = atomic_load(&plant->stop_at);

    while (f->unacked < PLANT_BURST && f->resend < most && !f->end) {
        if (f->resend >= atomic_load(&plant->next_id))
            atomic_store(&plant->next_id, f->resend + 1);
        if (!atomic_load(&plant->seq[f->resend]) || dice(f, 50) == 0)
            submit(f, f->resend);
        f->resend++;
        if (dice(f, 30) == 0)
            return; /* in bursts */
    }
}

static void acked(struct fake *f, struct bb_frame *frame)
{
    struct bb_w_acked a;

    while (bb_frame_next_acked(frame, &a) == 1) {
        f->unacked--;
        if (a.status != BB_OK || a.cookie >= PLANT_IDS || !a.first) {
            plant_wrong("submit of %u: status %d %.*s", (unsigned)a.cookie, a.status, (int)a.text.len,
                        (const char *)a.text.ptr);
            continue;
        }
        uint64_t was = atomic_exchange(&plant->seq[a.cookie], a.first);
        plant->duplicates += a.duplicates;
        if (was && was != a.first)
            plant_wrong("message %u was acknowledged as %u, now as %u", (unsigned)a.cookie,
                        (unsigned)was, (unsigned)a.first);
    }
}

/* ---- an instance ------------------------------------------------------------------------------------- */
static void receive(struct fake *f, struct bb_bytes bytes)
{
    struct bb_frame frame;
    struct bb_fault bad;

    if (bb_frame_read(bytes, &frame, &bad) != 0) {
        plant_wrong("the hub sent a malformed frame: %s", bad.text);
        return;
    }
    switch (frame.kind) {
    case BB_F_WELCOME:
        f->session = frame.session;
        bb_put_ready(&f->out, f->session, BB_OK, "");
        say(f);
        f->up = true;
        break;
    case BB_F_DELIVER:
        deliver(f, &frame);
        break;
    case BB_F_ACKED:
        acked(f, &frame);
        break;
    case BB_F_PING:
        bb_put_alive(&f->out, f->session, 0, BB_OK, "");
        say(f);
        break;
    case BB_F_STOP:
        while (f->n_late) { /* a good host says how all of it ended */
            struct late l = f->late[--f->n_late];
            answer(f, &l);
        }
        bb_put_stopped(&f->out, f->session);
        say(f);
        f->end = true;
        break;
    default:
        break;
    }
}

static void hello(struct fake *f, uint32_t worker)
{
    static const uint8_t nothing = 0x80;
    char name[80];
    int zero = 0, linger = 200;

    f->sock = zmq_socket(f->child->zmq, ZMQ_DEALER);
    snprintf(name, sizeof name, "%s/%u", f->child->endpoint, worker);
    zmq_setsockopt(f->sock, ZMQ_ROUTING_ID, name, strlen(name));
    zmq_setsockopt(f->sock, ZMQ_RCVHWM, &zero, sizeof zero);
    zmq_setsockopt(f->sock, ZMQ_SNDHWM, &zero, sizeof zero);
    zmq_setsockopt(f->sock, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_connect(f->sock, BB_WIRE_INPROC) != 0)
        plant_wrong("connect: %s", zmq_strerror(zmq_errno()));
    bb_put_hello(&f->out, f->child->endpoint, worker, (struct bb_bytes){f->child->secret, 16}, 1,
                 (struct bb_bytes){&nothing, 1});
    say(f);
}

static void *instance(void *arg)
{
    struct fake *f = arg;
    zmq_msg_t m;

    bb_buf_init(&f->out, 1u << 24);
    if (!atomic_load(&plant->calm) && dice(f, 3) == 0)
        usleep(dice(f, 30000)); /* slow to start */
    while (atomic_load(&plant->silent) && !f->source && !atomic_load(&f->child->kill))
        usleep(1000);
    hello(f, (uint32_t)(f - f->child->fakes));
    while (!f->end && !atomic_load(&f->child->kill)) {
        zmq_pollitem_t it = {.socket = f->sock, .events = ZMQ_POLLIN};

        zmq_poll(&it, 1, f->n_late ? 1 : 2);
        for (int i = 0; i < 200 && !f->end && !atomic_load(&f->child->kill); i++) {
            zmq_msg_init(&m);
            if (zmq_msg_recv(&m, f->sock, ZMQ_DONTWAIT) < 0)
                break;
            receive(f, (struct bb_bytes){zmq_msg_data(&m), zmq_msg_size(&m)});
            zmq_msg_close(&m);
        }
        if (f->up)
            answer_late(f);
        if (f->up && f->source)
            source_turn(f);
    }
    for (unsigned i = 0; i < f->n_late; i++) /* died with it: the lane is free for the next host */
        if (plant_lane_key[f->late[i].route])
            plant->open[f->late[i].route][f->late[i].lane]--;
    plant->deaths++;
    zmq_close(f->sock);
    bb_buf_free(&f->out);
    atomic_store(&f->child->kill, true); /* one instance's crash is its host's */
    f->child->ended++;
    return NULL;
}

/* ---- what the hub calls ---------------------------------------------------------------------------- */
struct bb_child *bb_child_start(const struct bb_child_spec *s, struct bb_fault *err)
{
    struct bb_child *c = calloc(1, sizeof *c);

    (void)err;
    c->zmq = s->zmq;
    c->workers = s->workers;
    snprintf(c->endpoint, sizeof c->endpoint, "%s", s->endpoint);
    for (uint32_t i = 0; i < c->workers; i++) {
        struct fake *f = &c->fakes[i];
        f->child = c;
        f->source = strcmp(c->endpoint, "src") == 0;
        f->rng = plant_seed * 31u + i * 7u + (unsigned)bb_mono_us();
        pthread_create(&f->thread, NULL, instance, f);
    }
    return c;
}

const uint8_t *bb_child_secret(const struct bb_child *c)
{
    return c->secret;
}

pid_t bb_child_pid(const struct bb_child *c)
{
    (void)c;
    return 1; /* "a process": the hub may kill it */
}

int bb_child_fd(const struct bb_child *c)
{
    (void)c;
    return -1;
}

bool bb_child_ended(struct bb_child *c, char *how, size_t cap)
{
    if (atomic_load(&c->ended) < c->workers)
        return false;
    snprintf(how, cap, "crashed as thrown");
    return true;
}

void bb_child_kill(struct bb_child *c)
{
    atomic_store(&c->kill, true);
}

void bb_child_free(struct bb_child **cp)
{
    struct bb_child *c = *cp;

    *cp = NULL;
    atomic_store(&c->kill, true);
    for (uint32_t i = 0; i < c->workers; i++)
        pthread_join(c->fakes[i].thread, NULL);
    free(c);
}
