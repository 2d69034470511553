/*
 * settle.c - settlements on their way to the journal and back
 *
 * A turn's settlements go in as few operations as they fit. A flight and its lane stay busy until
 * the commit: were the next of the lane sent before, a crash would send the earlier one again after
 * it. When a settlement frees its lane, the journal hands back the lane's next delivery, already
 * recorded as dispatched (take_next), so that a lane costs one commit a step.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

#define REPLY_MAX 65536u
#define SETTLES_ENOUGH 256u
#define SETTLE_WAIT_MS 3 /* how long a plain success may wait for company */

static bool frees_lane(uint8_t to)
{
    return to == BB_TO_DELIVERED || to == BB_TO_SKIPPED || to == BB_TO_DISCARDED ||
           to == BB_TO_QUARANTINED;
}

static bool is_terminal(uint8_t to)
{
    return to == BB_TO_DELIVERED || to == BB_TO_SKIPPED || to == BB_TO_DISCARDED;
}

static struct hub_settle_op *settle_op(struct bb_hub *h)
{
    struct hub_settle_op *o = h->free_settles;

    if (o)
        h->free_settles = o->next_free;
    else
        o = hub_must(malloc(sizeof *o));
    memset(&o->op, 0, sizeof o->op);
    o->op.kind = BB_OP_SETTLE;
    o->op.settle.v = o->v;
    return o;
}

struct bb_settle *hub_settle(struct bb_hub *h, struct hub_route *r, struct hub_flight *f,
                             enum bb_settle_to to, uint64_t ord, uint64_t seq, uint64_t lane)
{
    if (h->settling && h->settling->op.settle.n == HUB_SETTLES)
        hub_settle_flush(h);
    if (!h->settling) {
        h->settling = settle_op(h);
        h->settle_since = h->now;
        h->settle_urgent = false;
    }
    /* a plain success of no lane keeps nobody waiting: it may share the next append's commit */
    if (to != BB_TO_DELIVERED || lane || h->phase != HUB_RUN)
        h->settle_urgent = true;

    struct hub_settle_op *o = h->settling;
    size_t i = o->op.settle.n++;
    struct bb_settle *s = &o->v[i];

    memset(s, 0, sizeof *s);
    o->flight[i] = f;
    o->owned[i][0] = o->owned[i][1] = NULL;
    o->release_lane[i] = false;
    s->route = r->id;
    s->to = (uint8_t)to;
    s->ord = ord;
    s->seq = seq;
    s->lane = lane;
    if (f)
        s->row = f->row;
    if (!lane)
        return s;
    if (ord != BB_ORD_NONE && !is_terminal(s->to))
        ++*hub_filter_at(&h->filter, r->index, lane);
    if (frees_lane(s->to) && f && *hub_filter_at(&h->filter, r->index, lane) && !r->paused &&
        hub_endpoint_room(h, r->to) > 0) {
        s->take_next = 1;
        r->to->taking++;
    }
    return s;
}

static void put_text(struct bb_buf *b, const char *key, struct bb_bytes v)
{
    bb_put_cstr(b, key);
    bb_put_str(b, v.ptr, v.len);
}

static const struct {
    int32_t status;
    const char *name;
} status_names[] = {
    {BB_OK, "ok"},
    {BB_NOT_APPLIED, "not-applied"},
    {BB_E_RETRY, "retry"},
    {BB_E_REJECT, "reject"},
    {BB_E_DOWN, "down"},
    {BB_E_CONFIG, "config"},
    {BB_E_UNSUP, "unsupported"},
    {BB_E_BUSY, "busy"},
    {BB_E_CANCEL, "cancelled"},
    {BB_E_BUG, "bug"},
    {BB_E_UNKNOWN, "unknown"},
};

static const char *status_name(int32_t s)
{
    for (size_t i = 0; i < sizeof status_names / sizeof *status_names; i++)
        if (status_names[i].status == s)
            return status_names[i].name;
    return "?";
}

/* What happened, for people and for trace: the attempt, its outcome, the peer's own words. */
void hub_settle_event(struct bb_hub *h, struct bb_settle *s, const char *reason, int32_t status,
                      struct bb_bytes code, struct bb_bytes text, struct bb_bytes reply)
{
    struct hub_settle_op *o = h->settling;
    size_t i = (size_t)(s - o->v);
    const struct hub_flight *f = o->flight[i];
    /* only these go on at a time of their own; the row may still hold that of an earlier wait */
    bool waits = s->to == BB_TO_RETRYING || s->to == BB_TO_PROBING;
    struct bb_buf b;

    bb_buf_init(&b, REPLY_MAX * 2);
    if (reply.len > REPLY_MAX)
        reply = (struct bb_bytes){0};
    bb_put_map(&b, 4u + (code.len > 0) + (text.len > 0) + (reply.len > 0) + waits +
                       (f ? 3u : 0u));
    put_text(&b, "reason", (struct bb_bytes){reason, strlen(reason)});
    put_text(&b, "status", (struct bb_bytes){status_name(status), strlen(status_name(status))});
    bb_put_cstr(&b, "attempts");
    bb_put_uint(&b, s->row.attempts);
    bb_put_cstr(&b, "sends");
    bb_put_uint(&b, s->row.sends);
    if (f) {
        put_text(&b, "to", (struct bb_bytes){f->peer->identity, strlen(f->peer->identity)});
        bb_put_cstr(&b, "ms");
        bb_put_int(&b, h->now - f->sent);
        bb_put_cstr(&b, "redelivery");
        bb_put_bool(&b, (f->row.flags & BB_ROW_MAYBE_SENT) != 0);
    }
    if (code.len)
        put_text(&b, "code", code);
    if (text.len)
        put_text(&b, "text", text);
    if (waits) {
        bb_put_cstr(&b, "due");
        bb_put_uint(&b, s->row.due_ms);
    }
    if (reply.len) {
        bb_put_cstr(&b, "reply");
        bb_put_raw(&b, reply);
    }
    if (b.failed) { /* without memory the outcome still counts; its words are lost */
        bb_buf_free(&b);
        return;
    }
    o->owned[i][0] = b.ptr;
    s->event = (struct bb_bytes){b.ptr, b.len};
}

void hub_settle_body(struct bb_hub *h, struct bb_settle *s, struct bb_bytes body)
{
    struct hub_settle_op *o = h->settling;
    size_t i = (size_t)(s - o->v);
    void *copy = body.len ? malloc(body.len) : NULL;

    if (!copy)
        return;
    memcpy(copy, body.ptr, body.len);
    o->owned[i][1] = copy;
    s->body = (struct bb_bytes){copy, body.len};
    s->row.flags |= BB_ROW_BODY;
}

void hub_settle_put_back(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it,
                         uint64_t at)
{
    struct bb_settle *s = hub_settle(h, r, NULL, BB_TO_RETRYING, BB_ORD_NONE, it->seq, it->lane);

    if (it->row.state == BB_D_PROBING)
        s->to = BB_TO_PROBING;
    s->row = it->row;
    s->row.due_ms = at;
    h->settling->release_lane[s - h->settling->v] = it->lane != 0;
    hub_route_due(r, at);
}

void hub_settle_flush(struct bb_hub *h)
{
    if (!h->settling)
        return;
    hub_post(h, &h->settling->op);
    h->settling = NULL;
}

void hub_settle_turn(struct bb_hub *h)
{
    if (h->settling && (h->settle_urgent || h->settling->op.settle.n >= SETTLES_ENOUGH ||
                        h->now - h->settle_since >= SETTLE_WAIT_MS))
        hub_settle_flush(h);
}

static void next_of(struct bb_read_item *it, const struct bb_settle *s)
{
    memset(it, 0, sizeof *it);
    it->ord = BB_ORD_NONE;
    it->seq = s->next_seq;
    it->lane = s->lane;
    it->row = s->next_row;
    it->row.state = BB_D_SPILLED;
    if (it->row.sends)
        it->row.sends--; /* as before the journal took it */
    if (!it->row.sends)
        it->row.flags &= (uint8_t)~BB_ROW_MAYBE_SENT;
}

void hub_settle_done(struct bb_hub *h, struct bb_op *op)
{
    struct hub_settle_op *o = (struct hub_settle_op *)op;
    struct bb_read_item *next = NULL;
    size_t n_next = 0;
    struct hub_route *next_route = NULL;

    if (op->status != BB_OK && !h->failed[0] && !bb_journal_failed(h->journal)) {
        /* the hub's picture and the journal's differ: going on would keep lanes busy for ever */
        snprintf(h->failed, sizeof h->failed, "the journal refused settlements: %.150s", op->text);
        bb_logf(BB_LOG_ERROR, "hub: %s", h->failed);
    }
    for (size_t i = 0; i < op->settle.n; i++) {
        struct bb_settle *s = &o->v[i];
        struct hub_flight *f = o->flight[i];
        struct hub_route *r = hub_route_by_id(h, s->route);

        free(o->owned[i][0]);
        free(o->owned[i][1]);
        if (op->status != BB_OK || !r) { /* the journal has failed: the hub is about to end */
            if (f)
                hub_flight_free(h, f);
            continue;
        }
        if (s->ord != BB_ORD_NONE)
            hub_route_account(r, s->ord);
        else if (s->lane && is_terminal(s->to))
            --*hub_filter_at(&h->filter, r->index, s->lane);
        if (s->to == BB_TO_SPILLED && r->spills_out)
            r->spills_out--;
        if (s->to == BB_TO_RETRYING || s->to == BB_TO_PROBING)
            hub_route_due(r, s->row.due_ms); /* a read before this commit did not see the row */
        if (s->has_next) {
            if (next_route != r && n_next) {
                hub_route_fetch(h, next_route, next, n_next);
                next = NULL;
                n_next = 0;
            }
            next_route = r;
            if (!next)
                next = hub_must(calloc(HUB_SETTLES, sizeof *next));
            next_of(&next[n_next++], s);
        } else {
            if (s->take_next)
                r->to->taking--;
            if (s->lane && (f || o->release_lane[i]))
                hub_route_lane_free(h, r, s->lane, frees_lane(s->to));
            if (s->lane && (frees_lane(s->to) || s->to == BB_TO_SPILLED || s->to == BB_TO_HELD) &&
                *hub_filter_at(&h->filter, r->index, s->lane))
                hub_route_due(r, h->wall); /* what waited behind may be due now */
        }
        if (f)
            hub_flight_free(h, f);
    }
    if (n_next)
        hub_route_fetch(h, next_route, next, n_next);
    o->next_free = h->free_settles;
    h->free_settles = o;
}
