/*
 * arrive.c - deliveries and questions come in: into the table of tokens, or refused
 *
 * A QUERY goes the way of a delivery, without a transform. What never gets a slot was surely not applied:
 * its RESULT says RETRY, or CANCEL where one before it in its run was refused.
 *
 * Thread: the instance's. Ownership: a message holds its frame; the table holds the message.
 */
#include "core/host/deliver.h"

/* Under lock: a result for a token that never got a slot. */
static void bb_deliver_refuse(struct bb_host *h, uint64_t token, bb_status s, const char *text)
{
    struct bb_w_result r = {.token = token, .status = s, .has_error = true,
                            .vendor_code = {"", 0}, .text = bb_text(text)};

    bb_out_result_locked(h, &r, s);
}

/* Under lock: into the table. False: it is refused, and so is what comes behind it. */
static bool bb_deliver_take(struct bb_host *h, struct bb_inframe *in, const struct bb_w_deliver *d)
{
    struct bb_msg *m;
    uint32_t slot;

    if (h->stopping || h->closed || !h->started) {
        bb_deliver_refuse(h, d->token, BB_E_RETRY,
                          h->stopping ? "the endpoint stops" : "the endpoint has not started");
        return false;
    }
    if (bb_tokens_find(&h->tokens, d->token) != BB_SLOT_NONE) {
        h->refused_frames++; /* open already: an answer would end the other one */
        return false;
    }
    m = d->op <= BB_DELIVER_PROBE ? bb_msg_new(in) : NULL;
    if (!m) {
        bb_deliver_refuse(h, d->token, d->op <= BB_DELIVER_PROBE ? BB_E_RETRY : BB_E_UNSUP,
                          d->op <= BB_DELIVER_PROBE ? "out of memory" : "unknown operation");
        return false;
    }
    m->whole = m->accepted = d->whole;
    m->attributes = d->attributes;
    m->key = d->key;
    m->short_key = d->short_key;
    m->attempt = d->attempt;
    m->flags = d->flags & ~BB_DELIVER_BEHIND;
    m->route = d->route;
    m->deadline = d->budget_ms ? in->arrived + (uint64_t)d->budget_ms * 1000000 : UINT64_MAX;
    slot = bb_tokens_add(&h->tokens, d->token, d->op, m);
    if (slot == BB_SLOT_NONE) {
        bb_msg_drop(m);
        bb_deliver_refuse(h, d->token, BB_E_RETRY, "too many deliveries are open");
        return false;
    }
    h->tokens.v[slot].behind = d->flags & BB_DELIVER_BEHIND;
    return true;
}

/* Under lock: a question, into the table like a delivery that is no delivery. */
static void bb_query_take(struct bb_host *h, struct bb_inframe *in, const struct bb_w_query *q)
{
    struct bb_msg *m;

    if (h->stopping || h->closed || !h->started || !(h->roles & BB_ROLE_QUERY)) {
        bb_deliver_refuse(h, q->token, BB_E_DOWN,
                          h->stopping ? "the endpoint stops" : "the endpoint has not started");
        return;
    }
    if (bb_tokens_find(&h->tokens, q->token) != BB_SLOT_NONE) {
        h->refused_frames++;
        return;
    }
    m = bb_msg_new(in);
    if (m) {
        static const struct bb_bytes none = {"", 0};

        m->whole = q->request;
        m->key = m->short_key = none;
        m->query = q->op;
        m->attempt = 1;
        m->flags = 0;
        m->route = 0;
        m->deadline = in->arrived + (uint64_t)q->budget_ms * 1000000;
    }
    if (m && bb_tokens_add(&h->tokens, q->token, BB_DELIVER_QUERY, m) != BB_SLOT_NONE)
        return;
    bb_msg_drop(m);
    bb_deliver_refuse(h, q->token, BB_E_BUSY, "too many questions are open");
}

void bb_deliver_asked(struct bb_host *h, struct bb_inframe *in, struct bb_frame *f)
{
    struct bb_w_query q;
    int rc;

    pthread_mutex_lock(&h->lock);
    while ((rc = bb_frame_next_query(f, &q)) > 0)
        bb_query_take(h, in, &q);
    pthread_mutex_unlock(&h->lock);
    if (rc < 0)
        h->refused_frames++;
}

void bb_deliver_arrived(struct bb_host *h, struct bb_inframe *in, struct bb_frame *f)
{
    struct bb_w_deliver d;
    bool taken = true;
    int rc;

    pthread_mutex_lock(&h->lock);
    while ((rc = bb_frame_next_deliver(f, &d)) > 0) {
        if (!taken && d.flags & BB_DELIVER_BEHIND)
            bb_deliver_refuse(h, d.token, BB_E_CANCEL, BB_BEHIND);
        else
            taken = bb_deliver_take(h, in, &d);
    }
    pthread_mutex_unlock(&h->lock);
    if (rc < 0) {
        h->refused_frames++;
        bb_out_say(h, BB_LOG_ERROR, "a DELIVER frame of the hub's is malformed; what follows in "
                                    "it is left to the deadline");
    }
}
