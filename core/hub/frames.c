/*
 * frames.c - frames from hosts: whose they are, and how much of the hub they get
 *
 * A host process is not trusted: a plugin in it may speak for itself. So each instance has
 *   a share of a turn    frames and bytes. The ROUTER takes from its peers in rotation: when one has
 *                        had its share, the others have had as much, and the turn ends
 *   a rate of log lines  what is above is dropped, counted, and said once a second
 *   a rate of noise      frames that nobody asked for: unknown kinds, other sessions, answers to
 *                        nothing, lines above their rate. Who goes on is cut
 * Cut: its process is killed, and nothing that is still on its way from it is read any more.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/hub/internal.h"

#define FRAMES_A_TURN 512 /* of all together */
#define SHARE_FRAMES 256
#define SHARE_BYTES (4u << 20) /* the frame that passes it is the last */
#define LINES_RATE 200         /* a second; a host of Busbar's own lets 100 through */
#define LINES_BURST 1000
#define METRICS_RATE 2
#define METRICS_BURST 10
#define NOISE_RATE 2000
#define NOISE_BURST 10000
#define NOISE_BYTES 4096 /* so many count as one frame more */
#define SAY_MS 1000
#define QUEUE_FRAMES 256 /* of one peer, read from its connection and not yet looked at */
#define FRAME_ROOM (3u << 20) /* beside a message: a RESULT's reply and other items, a source's state */

bool hub_bucket_take(struct hub_bucket *b, int64_t now, double n, double rate, double burst)
{
    b->left = b->at ? b->left + (double)(now - b->at) * rate / 1000 : burst;
    if (b->left > burst)
        b->left = burst;
    b->at = now;
    if (b->left < n)
        return false;
    b->left -= n;
    return true;
}

void hub_peer_cut(struct bb_hub *h, struct hub_peer *p, const char *fmt, ...)
{
    char why[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    p->cut = p->ep->child && bb_child_pid(p->ep->child); /* a thread's answers are still good */
    hub_endpoint_lost(h, p->ep, why);
}

void hub_peer_noise(struct bb_hub *h, struct hub_peer *p, uint32_t items)
{
    h->frames_noise++;
    if (!hub_bucket_take(&p->noise, h->now, items + (double)p->share.last / NOISE_BYTES, NOISE_RATE, NOISE_BURST))
        hub_peer_cut(h, p, "it floods the core with frames that nobody asked for");
}

bool hub_peer_line(struct bb_hub *h, struct hub_peer *p)
{
    if (hub_bucket_take(&p->lines, h->now, 1, LINES_RATE, LINES_BURST))
        return true;
    p->lines_dropped++;
    hub_peer_noise(h, p, 1);
    return false;
}

bool hub_peer_metric(struct bb_hub *h, struct hub_peer *p)
{
    if (hub_bucket_take(&p->metrics, h->now, 1, METRICS_RATE, METRICS_BURST))
        return true;
    hub_peer_noise(h, p, 1);
    return false;
}

void hub_peer_dropped_say(struct bb_hub *h, struct hub_peer *p)
{
    if (p->lines_dropped == p->lines_said || h->now - p->said_ms < SAY_MS)
        return;
    bb_logf(BB_LOG_WARN, "%s: %llu log lines of its host were dropped: more than %d a second",
            p->identity, (unsigned long long)(p->lines_dropped - p->lines_said), LINES_RATE);
    p->lines_said = p->lines_dropped;
    p->said_ms = h->now;
}

/* ---- one frame ---------------------------------------------------------------------------------- */

static void frame_in(struct bb_hub *h, struct hub_peer *p, zmq_msg_t *m)
{
    struct bb_frame f;
    struct bb_fault bad;

    if (bb_frame_read((struct bb_bytes){zmq_msg_data(m), zmq_msg_size(m)}, &f, &bad) != 0) {
        h->frames_bad++;
        hub_peer_cut(h, p, "it sent a malformed frame: %s", bad.text);
        return;
    }
    if (f.kind == BB_F_HELLO) {
        hub_peer_hello(h, p, &f);
    } else if (!p->session || f.session != p->session) {
        h->frames_stale++;
        hub_peer_noise(h, p, 1);
    } else if (f.kind == BB_F_SUBMIT) {
        p->heard_ms = h->now;
        if (hub_peer_is_source(p))
            hub_intake_submit(h, p, &f, m);
        else
            hub_peer_cut(h, p, "it submits, but no route takes from it");
    } else {
        hub_peer_receive(h, p, &f);
    }
}

/* The rest of a message of several parts. */
static void parts_drop(struct bb_hub *h, zmq_msg_t *m)
{
    while (zmq_msg_more(m)) {
        zmq_msg_close(m);
        zmq_msg_init(m);
        if (zmq_msg_recv(m, h->router, ZMQ_DONTWAIT) < 0)
            return;
    }
}

/* True when the peer has had its share of this turn. */
static bool share_used(struct bb_hub *h, struct hub_share *s, size_t bytes)
{
    if (s->turn != h->turns || !s->frames)
        *s = (struct hub_share){.turn = h->turns};
    s->frames++;
    s->bytes += bytes;
    s->last = bytes;
    return s->frames >= SHARE_FRAMES || s->bytes >= SHARE_BYTES;
}

void hub_frames(struct bb_hub *h)
{
    bool used = false;

    for (int i = 0; i < FRAMES_A_TURN && !used; i++) {
        struct hub_peer *p;
        zmq_msg_t m;

        zmq_msg_init(&m);
        if (zmq_msg_recv(&m, h->router, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&m);
            return;
        }
        p = hub_peer_find(h, zmq_msg_data(&m), zmq_msg_size(&m));
        if (zmq_msg_more(&m)) {
            zmq_msg_close(&m);
            zmq_msg_init(&m);
            if (zmq_msg_recv(&m, h->router, ZMQ_DONTWAIT) < 0) {
                zmq_msg_close(&m);
                return;
            }
            used = share_used(h, p ? &p->share : &h->strangers, zmq_msg_size(&m));
            if (zmq_msg_more(&m)) {
                parts_drop(h, &m);
                h->frames_bad++;
                if (p && !p->cut)
                    hub_peer_cut(h, p, "it sent a frame of several parts");
            } else if (!p || p->cut) {
                h->frames_stale++;
            } else {
                frame_in(h, p, &m);
            }
        }
        zmq_msg_close(&m);
    }
}

/* ---- the socket --------------------------------------------------------------------------------- */

int hub_frames_open(struct bb_hub *h, struct bb_fault *err)
{
    int one = 1, zero = 0, out = 1000000, in = QUEUE_FRAMES;
    uint64_t message = h->gen->config->journal.max_message;
    /* a frame takes memory before it can be judged: the largest that an honest host sends */
    int64_t most = (int64_t)(message > HUB_GRANT_BYTES ? message : HUB_GRANT_BYTES) + FRAME_ROOM;

    h->zmq = zmq_ctx_new();
    h->router = h->zmq ? zmq_socket(h->zmq, ZMQ_ROUTER) : NULL;
    if (!h->router)
        return bb_fail(err, "zmq: %s", zmq_strerror(errno));
    /* mandatory, and a high-water mark above all that is ever sent: nothing is dropped in silence.
     * What comes in waits at its sender beyond a few frames. Handover: a host that is started again
     * has the routing id of the one that died. */
    if (zmq_setsockopt(h->router, ZMQ_ROUTER_MANDATORY, &one, sizeof one) != 0 ||
        zmq_setsockopt(h->router, ZMQ_ROUTER_HANDOVER, &one, sizeof one) != 0 ||
        zmq_setsockopt(h->router, ZMQ_LINGER, &zero, sizeof zero) != 0 ||
        zmq_setsockopt(h->router, ZMQ_SNDHWM, &out, sizeof out) != 0 ||
        zmq_setsockopt(h->router, ZMQ_RCVHWM, &in, sizeof in) != 0 ||
        zmq_setsockopt(h->router, ZMQ_MAXMSGSIZE, &most, sizeof most) != 0)
        return bb_fail(err, "zmq: cannot set up the hub's socket: %s", zmq_strerror(errno));
    if (zmq_bind(h->router, BB_WIRE_INPROC) != 0)
        return bb_fail(err, "%s: %s", BB_WIRE_INPROC, zmq_strerror(errno));
    if (bb_mkdirs(h->run_dir, 0700) != 0)
        return bb_fail(err, "%s: %s", h->run_dir, strerror(errno));
    if (zmq_bind(h->router, h->address) != 0)
        return bb_fail(err, "%s (a socket's path holds at most 107 characters): %s",
                       zmq_strerror(errno), h->address);
    return 0;
}
