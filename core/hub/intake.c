/*
 * intake.c - messages from a source: matched once, appended, answered after the commit
 *
 * The received frame is kept until its commit, and the journal copies from it: the hub itself does
 * not. A route that is caught up gets the message from there too, without reading it back.
 * What a route's last step made of a delivery comes in here as well, as messages of the endpoint that
 * the delivery came from; their append is part of its settlement (settle.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

#define REFUSALS 2000.0 /* a second, of one host */

struct intake {
    struct bb_op op;
    struct hub_endpoint *ep;
    struct hub_peer *peer; /* NULL: an ask */
    uint64_t session, cookie;
    uint64_t messages, bytes; /* of the peer's credit */
    struct bb_ask *ask;
    void *copy; /* of an ask's message: the asker may be gone before the journal has read it */
    zmq_msg_t frame;
    char *state_key;
    uint32_t skipped, echoes;
    bool derived;  /* it comes from what was accepted: nobody is asked whether he may say it */
    char why[440]; /* set: refused before the journal saw it */
};

static struct intake *intake_new(struct hub_endpoint *e, size_t n)
{
    size_t most = n * (e->n_routes ? e->n_routes : 1);
    struct intake *in = hub_must(
        malloc(sizeof *in + n * sizeof(struct bb_append_msg) + most * sizeof(struct bb_match)));

    memset(in, 0, sizeof *in);
    in->op.kind = BB_OP_APPEND;
    in->op.arg = in;
    in->ep = e;
    in->op.append.endpoint = e->id;
    in->op.append.msgs = (struct bb_append_msg *)(in + 1);
    in->op.append.matches = (struct bb_match *)(in->op.append.msgs + n);
    return in;
}

static void intake_free(struct intake *in)
{
    if (in->peer)
        zmq_msg_close(&in->frame);
    free(in->copy);
    free(in->state_key);
    free(in);
}

/* Adds one message: its claim, and the routes it matches under this configuration. */
static int intake_add(struct bb_hub *h, struct intake *in, struct bb_bytes whole)
{
    struct hub_endpoint *e = in->ep;
    struct bb_append_msg *m = &in->op.append.msgs[in->op.append.n];
    const struct bb_owned *owned;
    struct bb_envelope env;
    struct bb_fault bad;

    if (whole.len > h->gen->config->journal.max_message) {
        snprintf(in->why, sizeof in->why, "message %zu has %zu bytes, more than max_message (%llu)",
                 in->op.append.n, whole.len,
                 (unsigned long long)h->gen->config->journal.max_message);
        return -1;
    }
    if (bb_envelope_read(whole, &env, &bad) != 0) {
        snprintf(in->why, sizeof in->why, "message %zu, byte %zu: %.100s", in->op.append.n,
                 bad.offset, bad.text);
        return -1;
    }
    if (!in->derived && e->gen->config->n_echo && hub_is_echo(h, e, &env)) {
        in->echoes++;
        return 0;
    }
    owned = in->derived ? NULL : bb_owners_foreign(h->owners, e->name, &env);
    if (owned && owned->rule->foreign == BB_FOREIGN_REFUSE) {
        snprintf(in->why, sizeof in->why, "message %zu: %s", in->op.append.n, owned->brief);
        if (hub_bucket_take(&h->foreign_said, h->now, 1, 1, 1))
            bb_logf(BB_LOG_WARN, "endpoint \"%s\": a message of type \"%.*s\" is refused: %s", e->name,
                    (int)(env.type.len < 60 ? env.type.len : 60), (const char *)env.type.ptr, owned->text);
        return -1;
    }
    memset(m, 0, sizeof *m);
    m->whole = whole;
    m->match = (uint32_t)in->op.append.n_matches;
    m->why = owned ? owned->text : NULL;
    for (size_t i = 0; i < e->n_routes && !owned; i++) {
        struct hub_route *r = e->routes[i];
        if (!bb_matcher_test(&r->matcher, &env))
            continue;
        in->op.append.matches[in->op.append.n_matches++] =
            (struct bb_match){r->id, 0, bb_matcher_lane(&r->matcher, &env)};
        m->n_match++;
    }
    if (!m->n_match && !owned && e->gen->config->unmatched == BB_UNMATCHED_REFUSE &&
        !in->op.append.owed) {
        snprintf(in->why, sizeof in->why, "message %zu of type \"%.*s\" matches no route",
                 in->op.append.n, (int)(env.type.len < 60 ? env.type.len : 60),
                 (const char *)env.type.ptr);
        return -1;
    }
    if (!m->n_match && !owned && e->gen->config->unmatched == BB_UNMATCHED_SKIP) {
        in->skipped++;
        return 0;
    }
    if (e->gen->config->claims)
        bb_journal_fingerprint(h->journal, e->id, env.source, env.id, m->claim);
    in->op.append.n++;
    return 0;
}

/* The endpoint's figures; how many were new. */
static size_t count(struct intake *in, uint32_t *duplicates, size_t *conflicts)
{
    const struct bb_append_msg *m = in->op.append.msgs;
    size_t fresh;

    for (size_t i = 0; i < in->op.append.n; i++) {
        *duplicates += m[i].duplicate;
        *conflicts += m[i].conflict;
    }
    fresh = in->op.append.n - *duplicates - *conflicts;
    in->ep->accepted += fresh;
    in->ep->duplicates += *duplicates;
    in->ep->conflicts += *conflicts;
    in->ep->skipped += in->skipped;
    in->ep->echoes += in->echoes;
    return fresh;
}

static void acknowledge(struct bb_hub *h, struct intake *in, bb_status s, const char *text)
{
    const struct bb_append_msg *m = in->op.append.msgs;
    struct bb_w_acked a = {.cookie = in->cookie, .status = s, .text = {text, strlen(text)}};
    size_t fresh = 0, conflicts = 0;

    if (s == BB_OK) {
        fresh = count(in, &a.duplicates, &conflicts);
        if (in->op.append.n) {
            a.first = m[0].seq;
            a.last = m[in->op.append.n - 1].seq;
        }
        a.state_version = in->op.append.state_version;
    } else if (s == BB_E_BUSY) {
        in->ep->busy++;
    } else {
        in->ep->refused++;
    }
    if (in->peer) {
        if (in->peer->session != in->session)
            return;
        in->peer->submitted -= in->messages;
        in->peer->submitted_bytes -= in->bytes;
        hub_peer_ack(h, in->peer, &a);
        return;
    }
    char json[200];
    int n = snprintf(
        json, sizeof json,
        "{\"accepted\":%zu,\"duplicates\":%u,\"conflicts\":%zu,\"first\":%llu,\"last\":%llu}", fresh,
        a.duplicates, conflicts, (unsigned long long)a.first, (unsigned long long)a.last);
    bb_buf_put(&in->ask->out, json, (size_t)n);
    hub_ask_answer(h, in->ask, s, "%s", text);
}

/* What is refused brings nothing, and its sender may send as fast as it is told so: then the hub would
 * work for it alone. Beyond this rate the answer, and with it the credit, comes later. */
static bool may_refuse(struct bb_hub *h, struct hub_peer *p)
{
    return hub_bucket_take(&p->refusals, h->now, 1, REFUSALS, REFUSALS / 4);
}

static void intake_post(struct bb_hub *h, struct intake *in)
{
    if (!in->why[0] && (in->op.append.n || in->state_key)) {
        hub_post(h, &in->op);
        return;
    }
    if (in->why[0] && in->peer && !may_refuse(h, in->peer)) {
        zmq_msg_close(&in->frame);
        zmq_msg_init(&in->frame);
        if (!h->refused)
            h->refused_tail = &h->refused;
        in->op.next = NULL;
        *h->refused_tail = &in->op;
        h->refused_tail = &in->op.next;
        return;
    }
    acknowledge(h, in, in->why[0] ? BB_E_REJECT : BB_OK, in->why);
    intake_free(in);
}

void hub_intake_tick(struct bb_hub *h)
{
    struct bb_op *list = h->refused, *next;

    h->refused = NULL;
    h->refused_tail = &h->refused;
    for (; list; list = next) {
        struct intake *in = list->arg;

        next = list->next;
        if (in->peer->session == in->session && !may_refuse(h, in->peer)) {
            list->next = NULL;
            *h->refused_tail = list;
            h->refused_tail = &list->next;
            continue;
        }
        acknowledge(h, in, BB_E_REJECT, in->why);
        intake_free(in);
    }
}

void hub_intake_end(struct bb_hub *h)
{
    for (struct bb_op *op = h->refused, *next; op; op = next) {
        next = op->next;
        intake_free(op->arg);
    }
    h->refused = NULL;
}

/* A host keeps to its credit by itself; one that does not would fill the core's memory. */
static bool within_credit(struct bb_hub *h, const struct hub_peer *p, uint64_t messages,
                          uint64_t bytes)
{
    uint64_t most = h->gen->config->journal.max_message;

    if (most < HUB_GRANT_BYTES)
        most = HUB_GRANT_BYTES;
    return p->submitted + messages <= HUB_GRANT_MESSAGES && p->submitted_bytes + bytes <= 2 * most;
}

void hub_intake_submit(struct bb_hub *h, struct hub_peer *p, struct bb_frame *f, zmq_msg_t *frame)
{
    const void *was = zmq_msg_data(frame);
    uint64_t messages = f->n ? f->n : 1, bytes = zmq_msg_size(frame);
    struct intake *in;
    struct bb_bytes whole;
    struct bb_fault bad;
    int rc;

    if (!within_credit(h, p, messages, bytes)) {
        h->frames_bad++;
        hub_peer_cut(h, p, "it submits beyond its credit of %u messages and %u bytes",
                     HUB_GRANT_MESSAGES, HUB_GRANT_BYTES);
        return;
    }
    in = intake_new(p->ep, f->n);
    in->peer = p;
    in->session = p->session;
    in->messages = messages;
    in->bytes = bytes;
    p->submitted += messages;
    p->submitted_bytes += bytes;
    in->cookie = f->submit.cookie;
    zmq_msg_init(&in->frame);
    zmq_msg_move(&in->frame, frame);
    if (zmq_msg_data(&in->frame) != was && /* a short frame lies inside its zmq_msg_t and moved */
        bb_frame_read((struct bb_bytes){zmq_msg_data(&in->frame), bytes}, f, &bad) != 0)
        snprintf(in->why, sizeof in->why, "the frame is malformed");
    if (f->submit.has_state) {
        size_t n = strlen(p->ep->name) + 8;
        in->state_key = hub_must(malloc(n));
        snprintf(in->state_key, n, "source/%s", p->ep->name);
        in->op.append.state_key = in->state_key;
        in->op.append.state_expected = f->submit.state_expected;
        in->op.append.state = f->submit.state;
    }
    while ((rc = bb_frame_next_message(f, &whole)) == 1 && !in->why[0])
        intake_add(h, in, whole);
    if (rc < 0)
        snprintf(in->why, sizeof in->why, "the frame is malformed");
    intake_post(h, in);
}

void hub_intake_ask(struct bb_hub *h, struct bb_ask *a)
{
    struct intake *in;

    for (size_t i = 0; i < h->n_eps; i++)
        if (a->endpoint && strcmp(h->eps[i].name, a->endpoint) == 0) {
            in = intake_new(&h->eps[i], 1);
            in->ask = a;
            if (a->body.len && a->body.len <= h->gen->config->journal.max_message) {
                in->copy = hub_must(malloc(a->body.len));
                memcpy(in->copy, a->body.ptr, a->body.len);
            }
            intake_add(h, in, in->copy ? (struct bb_bytes){in->copy, a->body.len} : a->body);
            intake_post(h, in);
            return;
        }
    hub_ask_answer(h, a, BB_E_UNSUP, "there is no endpoint \"%s\"", a->endpoint ? a->endpoint : "");
}

/* Committed: the routes' tails move as the journal moved them, and who is caught up gets it now. */
static void offer_committed(struct bb_hub *h, struct intake *in)
{
    for (size_t i = 0; i < in->op.append.n; i++) {
        const struct bb_append_msg *m = &in->op.append.msgs[i];

        if (m->duplicate || m->conflict)
            continue;
        for (uint32_t k = 0; k < m->n_match; k++) {
            const struct bb_match *match = &in->op.append.matches[m->match + k];
            struct hub_route *r = hub_route_by_id(h, match->route);
            bool now = hub_route_caught_up(r);
            struct bb_read_item it = {.ord = r->tail++,
                                      .seq = m->seq,
                                      .lane = match->lane,
                                      .accept_ms = in->op.append.commit_ms,
                                      .whole = m->whole};
            if (now)
                hub_route_offer(h, r, &it);
        }
    }
}

void hub_intake_done(struct bb_hub *h, struct bb_op *op)
{
    struct intake *in = op->arg;

    if (op->status == BB_OK)
        offer_committed(h, in);
    acknowledge(h, in, op->status, op->text); /* last: an ask ends with its answer */
    intake_free(in);
}

/* ---- what a delivery became ----------------------------------------------------------------------- */
struct bb_op *hub_intake_children(struct bb_hub *h, struct hub_endpoint *from,
                                  const struct bb_w_result *w, bool owed, char why[160])
{
    struct intake *in = intake_new(from, w->n_children);
    struct bb_bytes whole, copy = {hub_must(malloc(w->children.len)), w->children.len};
    struct bb_cur c = bb_cur_of(copy);

    in->op.append.owed = owed;
    in->derived = true;
    in->copy = (void *)(uintptr_t)copy.ptr;
    memcpy(in->copy, w->children.ptr, copy.len);
    if (copy.len > h->gen->config->journal.max_message)
        snprintf(in->why, sizeof in->why, "messages: %zu bytes together are more than max_message", copy.len);
    while (!in->why[0] && bb_result_next_child(&c, &whole))
        intake_add(h, in, whole);
    snprintf(why, 160, "%s%.140s", in->why[0] ? "child " : "", in->why);
    if (!in->why[0])
        return &in->op;
    intake_free(in);
    return NULL;
}

void hub_intake_children_done(struct bb_hub *h, struct bb_op *op, bool stored)
{
    struct intake *in = op->arg;
    uint32_t duplicates = 0;
    size_t conflicts = 0;

    if (stored) {
        offer_committed(h, in);
        count(in, &duplicates, &conflicts);
    }
    if (conflicts && hub_bucket_take(&h->conflicts_said, h->now, 1, 1, 1))
        bb_logf(BB_LOG_WARN, "endpoint \"%s\": %zu of the messages that a delivery became have ids that other "
                "messages have; they are quarantined under no route: %s?", in->ep->name, conflicts,
                in->op.append.owed ? "was the same message accepted twice (claims: false, or its window)"
                                   : "do two routes split the same message without a different `as`");
    intake_free(in);
}
