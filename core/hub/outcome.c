/*
 * outcome.c - what an answer means for its delivery and its endpoint
 *
 *   ok            delivered                     skipped (2)  skipped by the transform
 *   retry         again after a backoff, costs an attempt; with Retry-After: the endpoint pauses
 *                 and no attempt is spent
 *   down          the endpoint pauses; again after that, no attempt is spent
 *   cancelled     again soon, or when its host says: it was never sent
 *   reject        the route's on_failure
 *   rendered (3)  not sent: kept, then sent as it is kept
 *   unknown       probe, and twice "not applied" before it is sent again; or on_unknown says
 *
 * Of several of one lane that went out together, those behind one that failed were not to be sent:
 * what was surely not applied goes back to wait, and no attempt is spent (batch.c).
 *
 * A route whose last step splits ends a delivery with the messages that it became, in one operation.
 * Its sink's plugin is never asked, so what has no answer there was surely not applied; and none is
 * ever recorded as sent: what was maybe sent was so under another configuration, and is unknown.
 *
 * max_age bounds all of it. RETRY, DOWN and CANCEL assert "surely not applied" and clear the mark
 * "maybe sent"; nothing else does.
 */
#include <stdio.h>
#include <string.h>

#include "core/hub/internal.h"

struct answer { /* what is known, whoever said it */
    int32_t status;
    const char *reason;
    struct bb_bytes code, text, reply, body;
    uint32_t retry_after_ms;
    bool quarantine; /* whatever the route says of failures */
    bool unasked;    /* the host's own: it says nothing of the sink */
};

/* The delivery: with its flight, or one that an earlier run left. */
struct subject {
    struct hub_route *r;
    struct hub_flight *f; /* NULL: recovered */
    uint64_t ord, seq, lane, accept_ms;
    struct bb_row row;
    bool overtaken;       /* a later one of its batch may have been applied */
    bool behind;          /* one before it in the same call failed, and has been counted */
    uint64_t *not_before; /* of its batch, or NULL */
};

static struct bb_bytes text_of(const char *s)
{
    return (struct bb_bytes){s, strlen(s)};
}

/* This send was surely not applied; that says nothing about an earlier one whose answer was lost. Who
 * was only to be rendered was not sent at all. */
static void surely_not(struct subject *u)
{
    if (!u->f || (!hub_flight_renders(u->f) && !(u->f->row.flags & BB_ROW_MAYBE_SENT)))
        u->row.flags &= (uint8_t)~BB_ROW_MAYBE_SENT;
}

static uint64_t hub_random(struct bb_hub *h)
{
    h->rng ^= h->rng << 13;
    h->rng ^= h->rng >> 7;
    h->rng ^= h->rng << 17;
    return h->rng;
}

static uint64_t backoff(struct bb_hub *h, const struct bb_retry *p, uint32_t attempts)
{
    uint64_t ms = p->initial_ms ? p->initial_ms : 1;

    if (p->exponential)
        for (uint32_t i = 1; i < attempts && ms < p->max_ms; i++)
            ms *= 2;
    if (p->max_ms && ms > p->max_ms)
        ms = p->max_ms;
    if (p->full_jitter)
        ms = 1 + hub_random(h) % ms;
    return ms;
}

static bool fits(const struct bb_hub *h, struct bb_bytes body)
{
    return body.len && body.len <= h->gen->config->journal.max_message;
}

static void settle(struct bb_hub *h, struct subject *u, enum bb_settle_to to,
                   const struct answer *a)
{
    bool body = fits(h, a->body) && (to == BB_TO_RETRYING || to == BB_TO_PROBING || to == BB_TO_HELD ||
                 to == BB_TO_QUARANTINED) && !(u->row.flags & BB_ROW_BODY);
    /* an operation of its own while the disk is full: it may have to wait for room */
    bool alone = body && u->row.flags & BB_ROW_MAYBE_SENT && bb_journal_intake(h->journal, NULL);
    struct bb_settle *s;

    if (alone)
        hub_settle_flush(h);
    s = hub_settle(h, u->r, u->f, to, u->ord, u->seq, u->lane);
    s->row = u->row;
    s->row.last_status = a->status;
    if (u->overtaken && (to == BB_TO_HELD || to == BB_TO_QUARANTINED))
        s->row.flags |= BB_ROW_OVERTAKEN;
    if (body)
        hub_settle_body(h, s, a->body);
    if (body && a->status == BB_E_REJECT) /* a sink's own refusal brings none */
        s->row.flags |= BB_ROW_PARTIAL;
    /* one waits for a question's answer again and again: the first time is told */
    if (a->status != BB_E_CANCEL || u->row.last_status != BB_E_CANCEL || to != BB_TO_RETRYING)
        hub_settle_event(h, s, a->reason, a->status, a->code, a->text, a->reply);
    if (alone)
        hub_settle_flush(h);
}

static void give_up(struct bb_hub *h, struct subject *u, const struct answer *a)
{
    u->row.due_ms = 0;
    switch (a->quarantine ? BB_FAIL_QUARANTINE : u->r->config->on_failure) {
    case BB_FAIL_SKIP: /* what may have been applied is for a person to decide */
        settle(h, u, u->row.flags & BB_ROW_MAYBE_SENT ? BB_TO_QUARANTINED : BB_TO_SKIPPED, a);
        break;
    case BB_FAIL_HOLD_LANE:
        settle(h, u, u->lane ? BB_TO_HELD : BB_TO_QUARANTINED, a);
        break;
    default:
        settle(h, u, BB_TO_QUARANTINED, a);
    }
}

static bool too_old(const struct bb_hub *h, const struct subject *u)
{
    uint64_t max = u->r->config->retry.max_age_ms;

    /* a delivery that an operator released counts from its release: due_ms was set then */
    return max && !(u->row.flags & BB_ROW_RELEASED) && u->accept_ms && h->wall > u->accept_ms + max;
}

static void again(struct bb_hub *h, struct subject *u, const struct answer *a,
                  enum bb_settle_to to, uint64_t in_ms)
{
    if (too_old(h, u)) {
        struct answer old = *a;
        old.reason = "older than the route's max_age";
        give_up(h, u, &old);
        return;
    }
    u->row.due_ms = h->wall + (in_ms ? in_ms : 1);
    if (u->not_before && u->row.due_ms < *u->not_before)
        u->row.due_ms = *u->not_before; /* before the one ahead of it it would find the lane closed */
    if (u->not_before)
        *u->not_before = u->row.due_ms;
    hub_route_retry(h, u->r, u->row.due_ms);
    settle(h, u, to, a);
}

static void on_unknown(struct bb_hub *h, struct subject *u, struct answer *a)
{
    uint64_t wait = u->r->to->gen->config->probe_after_ms;

    u->row.flags |= BB_ROW_MAYBE_SENT;
    switch (u->r->config->on_unknown) {
    case BB_UNKNOWN_PROBE:
        u->row.flags &= (uint8_t)~BB_ROW_PROBED;
        again(h, u, a, BB_TO_PROBING, wait);
        break;
    case BB_UNKNOWN_RETRY:
        u->row.attempts++;
        if (u->row.attempts >= u->r->config->retry.attempts) {
            a->reason = "no attempts left";
            give_up(h, u, a);
        } else {
            again(h, u, a, BB_TO_RETRYING, backoff(h, &u->r->config->retry, u->row.attempts));
        }
        break;
    default:
        give_up(h, u, a);
    }
}

/* Retry-After as far as the route believes it. */
static uint32_t capped(const struct bb_retry *p, uint32_t ms)
{
    return p->retry_after_max_ms && ms > p->retry_after_max_ms ? (uint32_t)p->retry_after_max_ms : ms;
}

static void on_retry(struct bb_hub *h, struct subject *u, struct answer *a)
{
    const struct bb_retry *p = &u->r->config->retry;

    surely_not(u);
    if (a->retry_after_ms) {
        uint32_t ms = capped(p, a->retry_after_ms);
        hub_endpoint_pause(h, u->r->to, ms);
        again(h, u, a, BB_TO_RETRYING, ms);
        return;
    }
    u->row.attempts++;
    if (u->row.attempts >= p->attempts) {
        a->reason = "no attempts left";
        give_up(h, u, a);
    } else {
        again(h, u, a, BB_TO_RETRYING, backoff(h, p, u->row.attempts));
    }
}

static void on_down(struct bb_hub *h, struct subject *u, struct answer *a)
{
    struct hub_endpoint *e = u->r->to;
    uint64_t pause = e->gen->config->breaker.open_ms;
    char why[200];

    surely_not(u);
    snprintf(why, sizeof why, "%.*s", (int)(a->text.len < 190 ? a->text.len : 190),
             a->text.len ? (const char *)a->text.ptr : "down");
    if (a->status == BB_E_DOWN) {
        const struct bb_breaker *b = &e->gen->config->breaker;
        if (b->failures && e->failures + 1 < b->failures)
            e->failures = b->failures - 1; /* nothing got through: no need to count further */
        hub_endpoint_failure(h, e, why);
        if (!b->failures)
            hub_endpoint_pause(h, e, (uint32_t)(pause ? pause : 1000));
    }
    int64_t wake = hub_endpoint_wake(h, e);
    if (a->status == BB_E_CANCEL && a->retry_after_ms) { /* behind those that wait for the gate */
        uint32_t ms = capped(&u->r->config->retry, a->retry_after_ms), gate = hub_gate_wait(h, &u->r->waiting);
        wake = h->now + (gate >= ms ? gate + 1 : ms);
    }
    again(h, u, a, BB_TO_RETRYING, wake > h->now ? (uint64_t)(wake - h->now) : 100);
}

static void on_probe(struct bb_hub *h, struct subject *u, struct answer *a)
{
    uint64_t wait = u->r->to->gen->config->probe_after_ms;

    switch (a->status) {
    case BB_OK:
        a->reason = "probe: it was applied";
        settle(h, u, BB_TO_DELIVERED, a);
        return;
    case BB_NOT_APPLIED:
        if (!(u->row.flags & BB_ROW_PROBED)) { /* it may still be on its way: ask twice */
            u->row.flags |= BB_ROW_PROBED;
            a->reason = "probe: not applied, asked once";
            again(h, u, a, BB_TO_PROBING, wait);
            return;
        }
        u->row.flags &= (uint8_t)~BB_ROW_MAYBE_SENT; /* PROBED stays: it comes again, and says so */
        u->row.attempts++;
        if (u->row.attempts >= u->r->config->retry.attempts) {
            a->reason = "probe: not applied, and no attempts left";
            give_up(h, u, a);
            return;
        }
        a->reason = "probe: not applied, asked twice";
        again(h, u, a, BB_TO_RETRYING, 1);
        return;
    case BB_E_UNSUP:
        a->reason = "the connector cannot probe";
        give_up(h, u, a);
        return;
    default:
        a->reason = "probe: cannot tell yet";
        if (a->retry_after_ms)
            hub_endpoint_pause(h, u->r->to, capped(&u->r->config->retry, a->retry_after_ms));
        if (a->status == BB_E_DOWN)
            hub_endpoint_failure(h, u->r->to, "down");
        again(h, u, a, BB_TO_PROBING, wait < 1000 ? 1000 : wait);
    }
}

/* Nothing goes out before its body is on disk, so that a crash cannot make another one of it. */
static void rendered(struct bb_hub *h, struct subject *u, const struct answer *a)
{
    bool alone = bb_journal_intake(h->journal, NULL); /* it may have to wait for room */
    struct bb_settle *s;

    if (alone)
        hub_settle_flush(h);
    s = hub_settle(h, u->r, u->f, BB_TO_RETRYING, u->ord, u->seq, u->lane);
    s->row = u->row;
    s->row.due_ms = 1; /* before all that has yet to be rendered: what is made is sent */
    u->r->ahead++;
    s->keep_body = 1;
    hub_settle_body(h, s, a->body);
    hub_route_due(u->r, h->wall);
    if (alone)
        hub_settle_flush(h);
}

/* Was it never for the plugin? A body that an earlier configuration rendered is. */
static bool splits(const struct subject *u)
{
    return u->r->splits && hub_flight_renders(u->f);
}

static void decide(struct bb_hub *h, struct subject *u, struct answer *a)
{
    struct hub_endpoint *e = u->r->to;

    switch (a->status) {
    case BB_OK:
    case BB_E_REJECT: /* the transform's skip and refusal are no answers of the sink */
        if (!a->unasked)
            hub_endpoint_ok(e);
        break;
    case BB_E_RETRY:
        if (a->retry_after_ms)
            e->failures = 0;
        break;
    default:
        break;
    }
    if (a->status == BB_WIRE_RENDERED && hub_flight_renders(u->f) && fits(h, a->body)) {
        rendered(h, u, a);
        return;
    }
    switch (a->status) {
    case BB_OK:
        a->reason = "delivered";
        settle(h, u, BB_TO_DELIVERED, a);
        break;
    case BB_NOT_APPLIED:
        a->reason = "skipped by the transform";
        if (u->f && u->f->row.flags & BB_ROW_MAYBE_SENT) { /* an earlier send may have been applied */
            a->reason = "skipped by today's transform, and maybe sent before";
            settle(h, u, BB_TO_QUARANTINED, a);
        } else {
            settle(h, u, BB_TO_SKIPPED, a);
        }
        break;
    case BB_E_RETRY:
        a->reason = "failed for now";
        on_retry(h, u, a);
        break;
    case BB_E_DOWN:
    case BB_E_CONFIG:
    case BB_E_BUSY:
    case BB_E_CANCEL:
        a->reason = a->status == BB_E_CANCEL ? "not sent" : "the endpoint is down";
        if (a->status == BB_E_CONFIG)
            hub_endpoint_pause(h, e, 60000); /* an operator must act; it is asked again each minute */
        on_down(h, u, a);
        break;
    case BB_E_REJECT:
    case BB_E_UNSUP:
        surely_not(u);
        a->reason = "refused";
        give_up(h, u, a);
        break;
    default:
        if (!u->behind) /* one call, one failure */
            hub_endpoint_failure(h, e, "no answer");
        if (splits(u)) {
            a->reason = "not split: answer lost";
            on_retry(h, u, a);
            break;
        }
        a->reason = "unknown: sent, answer lost";
        on_unknown(h, u, a);
    }
}

/* All of them are stored with its end, or it has not ended. */
static void on_children(struct bb_hub *h, struct subject *u, const struct bb_w_result *w,
                        struct answer *a)
{
    char why[160], reason[64];
    struct bb_op *children = hub_intake_children(h, u->r->from, w, false, why);

    if (!children) {
        a->status = BB_E_REJECT;
        a->unasked = true;
        a->text = text_of(why);
        decide(h, u, a);
        return;
    }
    snprintf(reason, sizeof reason, "became %u message%s", w->n_children, w->n_children > 1 ? "s" : "");
    a->reason = reason;
    hub_settle_flush(h);
    settle(h, u, BB_TO_DELIVERED, a);
    hub_settle_children(h, children);
}

/* It was applied, and what follows from that is stored with its end; what cannot be stored is told. */
static void on_emit(struct bb_hub *h, struct subject *u, const struct bb_w_result *w, struct answer *a)
{
    char why[160], said[200];
    struct bb_op *child = hub_intake_children(h, u->r->to, w, true, why);

    a->reason = u->f->op == BB_DELIVER_PROBE ? "probe: it was applied" : "delivered";
    hub_endpoint_ok(u->r->to);
    if (!child) {
        snprintf(said, sizeof said, "not emitted: %s", why);
        a->text = text_of(said);
        bb_logf(BB_LOG_ERROR, "route \"%s\": message %llu is delivered, but %s", u->r->config->name,
                (unsigned long long)u->seq, said);
        settle(h, u, BB_TO_DELIVERED, a);
        return;
    }
    hub_settle_flush(h);
    settle(h, u, BB_TO_DELIVERED, a);
    hub_settle_children(h, child);
}

static void outcome(struct bb_hub *h, struct subject *u, const struct bb_w_result *w)
{
    struct hub_flight *f = u->f;
    struct answer a = {.status = w->status, .reply = w->reply, .body = w->body};

    if (w->has_error) {
        a.code = w->vendor_code;
        a.text = w->text;
        a.retry_after_ms = w->retry_after_ms;
        a.quarantine = w->status == BB_E_REJECT && w->error_flags & BB_ERROR_QUARANTINE;
        a.unasked = w->error_flags & BB_ERROR_UNASKED;
    }
    if (w->n_children) {
        (u->r->emits ? on_emit : on_children)(h, u, w, &a);
        return;
    }
    if (u->r->emits && w->status == BB_OK)
        bb_logf(BB_LOG_ERROR, "route \"%s\": message %llu is delivered, but %.*s", u->r->config->name,
                (unsigned long long)u->seq, (int)(a.text.len < 200 ? a.text.len : 200), (const char *)a.text.ptr);
    /* the ordinary case, kept short: first send, delivered, nothing to tell */
    if (w->status == BB_OK && f->op == BB_DELIVER_OP && f->ord != BB_ORD_NONE && !w->reply.len &&
        !w->has_error &&
        !(f->row.flags & BB_ROW_MAYBE_SENT)) {
        hub_endpoint_ok(f->route->to);
        hub_settle(h, f->route, f, BB_TO_DELIVERED, f->ord, f->seq, f->lane);
        return;
    }
    if (f->op == BB_DELIVER_PROBE) {
        if (w->status == BB_OK || w->status == BB_NOT_APPLIED)
            hub_endpoint_ok(f->route->to);
        on_probe(h, u, &a);
    } else {
        decide(h, u, &a);
    }
}

/* It comes back from being rendered. */
static void render_ends(struct bb_hub *h, const struct hub_flight *f, const struct bb_w_result *w)
{
    struct hub_route *r = f->route;
    struct hub_gate *g = f->ord == BB_ORD_NONE ? &r->waiting : &r->fresh;

    r->ahead--;
    if (w->status == BB_E_CANCEL && w->has_error && w->retry_after_ms)
        hub_gate_failed(h, g, w->retry_after_ms);
    else if (w->status == BB_WIRE_RENDERED || w->status == BB_OK)
        hub_gate_rendered(g);
    if (g == &r->waiting && w->status == BB_WIRE_RENDERED)
        hub_gate_rendered(&r->fresh); /* the asked one is back */
}

void hub_outcome(struct bb_hub *h, struct hub_flight *f, const struct bb_w_result *w)
{
    struct subject u = {.r = f->route, .f = f, .ord = f->ord, .seq = f->seq, .lane = f->lane,
                        .accept_ms = f->accept_ms, .row = f->row};

    if (f->batch) {
        hub_batch_answer(h, f, w);
        return;
    }
    hub_flight_close(f->route->to, f);
    if (hub_flight_renders(f))
        render_ends(h, f, w);
    outcome(h, &u, w);
}

/* It waits again, as it did before. */
static void back_behind(struct bb_hub *h, struct subject *u)
{
    bool timed = u->f->row.state == BB_D_RETRYING;
    struct bb_settle *s = hub_settle(h, u->r, u->f, timed ? BB_TO_RETRYING : BB_TO_SPILLED, u->ord,
                                     u->seq, u->lane);

    s->row.sends--;
    if (timed) {
        s->row.due_ms = *u->not_before ? *u->not_before : h->wall + 1;
        hub_route_due(u->r, s->row.due_ms);
    }
}

void hub_outcome_member(struct bb_hub *h, struct hub_flight *f, const struct bb_w_result *w,
                        bool failed, bool overtaken, uint64_t *not_before)
{
    struct subject u = {.r = f->route, .f = f, .ord = f->ord, .seq = f->seq, .lane = f->lane,
                        .accept_ms = f->accept_ms, .row = f->row, .overtaken = overtaken,
                        .behind = failed, .not_before = not_before};

    switch (failed ? w->status : BB_OK) {
    case BB_E_RETRY:
    case BB_E_DOWN:
    case BB_E_CONFIG:
    case BB_E_BUSY:
    case BB_E_CANCEL:
        back_behind(h, &u);
        break;
    default:
        outcome(h, &u, w);
    }
}

void hub_outcome_recovered(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it)
{
    struct subject u = {.r = r, .ord = it->ord, .seq = it->seq, .lane = it->lane,
                        .accept_ms = it->accept_ms, .row = it->row};
    struct answer a = {.status = BB_E_UNKNOWN,
                       .reason = "maybe sent before the last stop",
                       .text = text_of("the core stopped before the answer was recorded")};

    if (!u.row.sends)
        u.row.sends = 1;
    on_unknown(h, &u, &a);
}
