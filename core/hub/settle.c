/*
 * settle.c - settlements on their way to the journal and back
 *
 * A turn's settlements go in as few operations as they fit. A flight and its lane stay busy until
 * the commit: were the next of the lane sent before, a crash would send the earlier one again after
 * it. When a settlement frees its lane, the journal hands back the lane's next delivery, already
 * recorded as dispatched (take_next), so that a lane costs one commit a step. To a sink that takes
 * ordered batches it hands back those behind it, too: they go out together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hub/internal.h"

#define REPLY_MAX 65536u
#define SETTLES_ENOUGH 256u
#define PUT_OFF_MS 5000
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

/* The lane will be free: asks for its next delivery, as far as the sink has room for it. */
static void ask_next(struct bb_hub *h, struct hub_route *r, struct bb_settle *s)
{
    uint32_t room = hub_route_room(h, r);

    if (!*hub_filter_at(&h->filter, r->index, s->lane) || !room)
        return;
    s->take_next = 1;
    s->renders = r->renders;
    r->to->taking++;
    if (room > r->run_max)
        room = r->run_max;
    if (room > 1)
        s->more = malloc((room - 1) * sizeof *s->more);
    if (!s->more) /* without memory it goes alone */
        return;
    s->max_more = room - 1;
    r->to->taking += s->max_more;
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
    bool last = f && (!f->batch || !--f->batch->unposted); /* of the lane in the hub */

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
    s->lane_in_flight = f && !last;
    if (last && (frees_lane(s->to) || s->to == BB_TO_SPILLED))
        ask_next(h, r, s);
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
    if (h->settling && (h->settle_urgent || h->rehearsal || h->settling->op.settle.n >= SETTLES_ENOUGH ||
                        h->now - h->settle_since >= SETTLE_WAIT_MS))
        hub_settle_flush(h);
}

void hub_settle_wait_again(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it)
{
    enum bb_settle_to to = it->row.state == BB_D_RETRYING  ? BB_TO_RETRYING
                           : it->row.state == BB_D_PROBING ? BB_TO_PROBING
                                                           : BB_TO_SPILLED;
    struct bb_settle *s = hub_settle(h, r, NULL, to, BB_ORD_NONE, it->seq, it->lane);

    s->row = it->row;
    s->lane_in_flight = 1;
}

/* What the journal handed back for lanes, to be fetched: runs of one route. */
struct handed {
    struct hub_route *route;
    struct bb_read_item *v;
    size_t n, cap;
};

static void handed_fetch(struct bb_hub *h, struct handed *d)
{
    if (d->n)
        hub_route_fetch(h, d->route, d->v, d->n);
    *d = (struct handed){0};
}

static void next_of(struct bb_read_item *it, const struct bb_settle *s)
{
    memset(it, 0, sizeof *it);
    it->ord = BB_ORD_NONE;
    it->seq = s->next_seq;
    it->lane = s->lane;
    it->row = s->next_row;
    it->row.state = BB_D_SPILLED;
    if (it->row.sends && !(s->renders && !(it->row.flags & BB_ROW_BODY)))
        it->row.sends--; /* as before the journal took it */
    if (!it->row.sends)
        it->row.flags &= (uint8_t)~BB_ROW_MAYBE_SENT;
}

static void handed_add(struct bb_hub *h, struct handed *d, struct hub_route *r,
                       const struct bb_settle *s)
{
    size_t n = 1u + s->n_more;

    if (d->route != r || d->n + n > d->cap)
        handed_fetch(h, d);
    if (!d->v) {
        d->cap = n > HUB_SETTLES ? n : HUB_SETTLES;
        d->v = hub_must(calloc(d->cap, sizeof *d->v));
        d->route = r;
    }
    next_of(&d->v[d->n++], s);
    for (uint32_t i = 0; i < s->n_more; i++)
        d->v[d->n++] = (struct bb_read_item){.ord = BB_ORD_NONE, .seq = s->more[i].seq,
                                             .lane = s->lane, .row = s->more[i].row};
    r->to->taking -= s->max_more - s->n_more;
}

/* What the commit of one means for its lane. */
static void lane_settled(struct bb_hub *h, struct hub_route *r, const struct bb_settle *s,
                         struct hub_flight *f, bool release)
{
    bool waits = frees_lane(s->to) || s->to == BB_TO_SPILLED || s->to == BB_TO_HELD;

    if (s->take_next)
        r->to->taking -= 1 + s->max_more;
    if (!s->lane)
        return;
    if (release || (f && hub_batch_settled(h, f)))
        hub_route_lane_free(h, r, s->lane, frees_lane(s->to));
    if (waits && *hub_filter_at(&h->filter, r->index, s->lane))
        hub_route_due(r, h->wall); /* what waited behind may be due now */
}

static void settled(struct bb_hub *h, struct hub_settle_op *o, size_t i, struct handed *d)
{
    struct bb_settle *s = &o->v[i];
    struct hub_flight *f = o->flight[i];
    struct hub_route *r = hub_route_by_id(h, s->route);

    if (o->op.status != BB_OK || !r) /* the journal has failed: the hub is about to end */
        return;
    if (s->ord != BB_ORD_NONE)
        hub_route_account(r, s->ord);
    else if (s->lane && is_terminal(s->to))
        --*hub_filter_at(&h->filter, r->index, s->lane);
    if (s->to == BB_TO_SPILLED && s->ord != BB_ORD_NONE && r->spills_out)
        r->spills_out--;
    if (s->to == BB_TO_PROBING || (s->to == BB_TO_RETRYING && s->row.attempts))
        hub_route_retry(h, r, s->row.due_ms); /* a read before this commit did not see the row */
    else if (s->to == BB_TO_RETRYING) /* rendered, or put back unsent */
        hub_route_due(r, s->row.due_ms);
    if (s->has_next) {
        hub_batch_settled(h, f); /* and the lane stays taken */
        handed_add(h, d, r, s);
    } else {
        lane_settled(h, r, s, f, o->release_lane[i]);
    }
}

void hub_settle_children(struct bb_hub *h, struct bb_op *children)
{
    h->settling->op.settle.children = children;
    hub_settle_flush(h);
}

/* Intake is closed: what the delivery became is made again when it may be open. It was sent to nobody,
 * and this is no failure of its own. */
static void put_off(struct bb_hub *h, struct hub_settle_op *o)
{
    struct hub_flight *f = o->flight[0];
    const struct bb_settle *was = &o->v[0];
    struct bb_settle *s;

    if (was->take_next)
        f->route->to->taking -= 1 + was->max_more;
    s = hub_settle(h, f->route, f, BB_TO_RETRYING, was->ord, was->seq, was->lane);
    s->parked = was->parked;
    s->row.flags &= (uint8_t)~BB_ROW_MAYBE_SENT;
    s->row.last_status = BB_E_BUSY;
    s->row.due_ms = h->wall + PUT_OFF_MS;
    hub_route_due(f->route, s->row.due_ms);
    o->flight[0] = NULL;
    o->op.status = BB_OK;
    o->op.settle.n = 0;
    free(o->owned[0][0]);
    free(o->owned[0][1]);
    free(o->v[0].more);
}

void hub_settle_done(struct bb_hub *h, struct bb_op *op)
{
    struct hub_settle_op *o = (struct hub_settle_op *)op;
    struct bb_op *children = op->settle.children;
    struct handed next = {0};
    bool stored = op->status == BB_OK;

    if (children && op->status == BB_E_BUSY)
        put_off(h, o);
    if (op->status != BB_OK && !h->failed[0] && !bb_journal_failed(h->journal)) {
        /* the hub's picture and the journal's differ: going on would keep lanes busy for ever */
        snprintf(h->failed, sizeof h->failed, "the journal refused settlements: %.150s", op->text);
        bb_logf(BB_LOG_ERROR, "hub: %s", h->failed);
    }
    for (size_t i = 0; i < op->settle.n; i++) {
        settled(h, o, i, &next);
        free(o->owned[i][0]);
        free(o->owned[i][1]);
        free(o->v[i].more);
        if (o->flight[i])
            hub_flight_free(h, o->flight[i]);
    }
    handed_fetch(h, &next);
    if (children)
        hub_intake_children_done(h, children, stored);
    o->next_free = h->free_settles;
    h->free_settles = o;
}
