/*
 * deliver.c - the transform before a sink, and the hand-over
 *
 * A transform that is not pure (it asks other endpoints) ends a delivery as rendered: the hub keeps the
 * body and sends it back as it is. A step that asks keeps this thread until its answer comes, at most as
 * long as the question's time-out and the delivery's own time; STOP ends it (ask.c). Those behind it wait.
 *
 * Deliveries of one lane that come together (a run: the first, and those marked as behind) are handed
 * over in one call of the batch extension. When one of them ends before that, those behind it are not
 * handed over either: they end with CANCEL.
 *
 * Thread: the instance's. deliver.h shows the whole way.
 */
#include "core/host/deliver.h"

#include <stdio.h>

static bool bb_same(const void *p, size_t n, struct bb_bytes b)
{
    return n == b.len && (!n || memcmp(p, b.ptr, n) == 0);
}

struct bb_rehearsed {
    const struct bb_rehearsal *by;
    uint32_t route;
};

static void bb_rehearsed_ran(void *arg, uint32_t step, const char *rule)
{
    const struct bb_rehearsed *r = arg;

    r->by->ran(r->by->arg, r->route, step, rule);
}

/* transform.h: a message that m became. */
static int bb_deliver_child(void *arg, struct bb_bytes whole, struct bb_fault *err)
{
    struct bb_msg *m = ((struct bb_asker *)arg)->m;

    if (m->n_children == BB_WIRE_CHILDREN_MAX)
        return bb_host_fault(err, 0, "it would become more than %u messages", BB_WIRE_CHILDREN_MAX);
    bb_put_bin(&m->children, whole.ptr, whole.len);
    if (m->children.failed)
        return bb_host_fault(err, 0, "the messages that it would become have more than %zu bytes "
                                     "(max_message) together", m->children.max);
    m->n_children++;
    return 0;
}

/* BB_OK: m shows what the sink gets, or what it became. BB_WIRE_RENDERED: the hub keeps that first.
 * BB_E_CANCEL: a step cannot tell now. Else how the delivery ends, and why. */
static bb_status bb_deliver_render(struct bb_host *h, struct bb_msg *m, uint32_t op, struct bb_ending *e)
{
    struct bb_asker asker = {h, m};
    struct bb_transform_run run = {.ask = bb_ask, .child = bb_deliver_child,
                                   .plugin = bb_step_run, .arg = &asker,
                                   .report = &e->report, .keep_partial = true};
    struct bb_rehearsed rehearsed = {h->run->spec.rehearsal, m->route};
    const struct bb_route_steps *r;
    bb_status s;

    if (rehearsed.by) {
        run.now_ns = rehearsed.by->now_ns(rehearsed.by->arg);
        run.ran = bb_rehearsed_ran;
        run.ran_arg = &rehearsed;
    }
    if (m->flags & BB_DELIVER_RENDERED || op != BB_DELIVER_OP)
        return BB_OK;
    r = bb_route_steps_of(h, m->route);
    if (!r || !r->steps)
        return BB_OK; /* WELCOME names only routes with steps */
    s = bb_transform_apply(r->steps, m->whole, &m->rendered, &run, &e->why);
    memcpy(m->note, run.note, sizeof(m->note));
    m->n_children = s == BB_OK ? m->n_children : 0;
    switch (s) {
    case BB_OK:
        if (run.children)
            return BB_OK;
        if (m->rendered.failed || m->rendered.len > h->max_message) {
            bb_host_fault(&e->why, 0, "the transformed message is larger than %zu bytes",
                          h->max_message);
            return BB_E_REJECT;
        }
        m->whole.ptr = m->rendered.ptr;
        m->whole.len = m->rendered.len;
        m->has_body = true;
        return r->keep ? BB_WIRE_RENDERED : BB_OK;
    case BB_E_CANCEL:
        e->failure = run.failure;
        return BB_NOT_APPLIED; /* skipped */
    case BB_E_REJECT:
        e->failure = run.failure;
        e->quarantine = run.quarantine;
        if (!m->rendered.failed && !bb_same(m->rendered.ptr, m->rendered.len, m->whole))
            e->partial = (struct bb_bytes){m->rendered.ptr, m->rendered.len};
        return BB_E_REJECT;
    default:
        return BB_E_CANCEL;
    }
}

struct bb_chunk {
    uint32_t n, op;
    bb_token token[BB_BATCH_CAP];
    const bb_msg *msg[BB_BATCH_CAP]; /* one ref each, for the time of the call */
};

/* How many belong to the run that begins here. */
static uint32_t bb_run_length(const struct bb_tokens *t, uint32_t i)
{
    uint32_t n = 1;

    for (i = t->v[i].next; i != BB_SLOT_NONE && t->v[i].behind; i = t->v[i].next)
        n++;
    return n;
}

/* The next deliveries of one kind, in order. A run stays together; of one that is longer than a call
 * may be the rest is not delivered now. */
static void bb_chunk_take(struct bb_host *h, struct bb_chunk *k)
{
    struct bb_tokens *t = &h->tokens;
    uint32_t max = 1, i;

    k->n = 0;
    pthread_mutex_lock(&h->lock);
    i = t->first;
    if (i != BB_SLOT_NONE) {
        k->op = t->v[i].op;
        if (k->op == BB_DELIVER_OP && h->batch)
            max = h->batch_max;
    }
    for (; i != BB_SLOT_NONE && k->n < max && t->v[i].op == k->op; i = t->v[i].next) {
        if (k->n && !t->v[i].behind && bb_run_length(t, i) > max - k->n)
            break;
        k->token[k->n] = t->v[i].token;
        k->msg[k->n++] = bb_msg_hold(t->v[i].msg);
    }
    if (i != BB_SLOT_NONE && t->v[i].behind)
        t->v[i].dropped = true;
    pthread_mutex_unlock(&h->lock);
}

/* Was it behind one that is not delivered? */
static bool bb_chunk_dropped(struct bb_host *h, bb_token t)
{
    bool dropped;
    uint32_t slot;

    pthread_mutex_lock(&h->lock);
    slot = bb_tokens_find(&h->tokens, t);
    dropped = slot != BB_SLOT_NONE && h->tokens.v[slot].dropped;
    pthread_mutex_unlock(&h->lock);
    return dropped;
}

/* Renders each and drops from the chunk what ends here. A step may wait for an answer meanwhile: what
 * comes then may end others of the chunk. */
static void bb_chunk_render(struct bb_host *h, struct bb_chunk *k)
{
    struct bb_ending e;
    uint32_t n = 0;

    bb_buf_init(&e.report, BB_REPORT_MAX);

    for (uint32_t i = 0; i < k->n; i++) {
        struct bb_msg *m = (struct bb_msg *)(uintptr_t)k->msg[i];
        bb_status s = BB_OK;

        e.failure = NULL;
        e.quarantine = e.later = false;
        e.partial = (struct bb_bytes){NULL, 0};
        e.why.text[0] = '\0';
        bb_buf_reset(&e.report);
        if (bb_chunk_dropped(h, k->token[i])) {
            s = BB_E_CANCEL;
            bb_host_fault(&e.why, 0, "%s", BB_BEHIND);
        } else if (m->deadline <= bb_host_now()) {
            s = BB_E_RETRY;
            bb_host_fault(&e.why, 0, "its deadline passed before the plugin took it");
        } else {
            s = bb_deliver_render(h, m, k->op, &e);
            e.later = s == BB_E_CANCEL;
        }
        if (s == BB_OK && !m->n_children) {
            k->token[n] = k->token[i];
            k->msg[n++] = k->msg[i];
            continue;
        }
        bb_deliver_end_here(h, k->token[i], s, &e);
        bb_msg_drop(m);
    }
    bb_buf_free(&e.report);
    k->n = n;
}

/* What has ended while another one was rendered (CANCEL, STOP) is not handed over, nor what is behind. */
static void bb_chunk_hand(struct bb_host *h, struct bb_chunk *k)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < k->n; i++) {
        uint32_t slot;
        bool hand, dropped;

        pthread_mutex_lock(&h->lock);
        slot = bb_tokens_find(&h->tokens, k->token[i]);
        dropped = slot != BB_SLOT_NONE && h->tokens.v[slot].dropped;
        hand = slot != BB_SLOT_NONE && !dropped;
        if (hand)
            bb_tokens_hand(&h->tokens, slot);
        pthread_mutex_unlock(&h->lock);
        if (dropped)
            bb_deliver_end_text(h, k->token[i], BB_E_CANCEL, BB_BEHIND);
        if (hand) {
            k->token[n] = k->token[i];
            k->msg[n++] = k->msg[i];
        } else {
            bb_msg_drop(k->msg[i]);
        }
    }
    k->n = n;
}

static bb_status bb_query_call(struct bb_host *h, const struct bb_chunk *k, struct bb_error *err)
{
    const struct bb_msg *m = k->msg[0];
    char op[64];

    if (!h->query || m->query.len >= sizeof(op))
        return BB_E_UNSUP;
    memcpy(op, m->query.ptr, m->query.len);
    op[m->query.len] = '\0';
    return h->query->query(h->inst, op, m, k->token[0], err);
}

static bb_status bb_chunk_call(struct bb_host *h, struct bb_chunk *k, struct bb_error *err)
{
    const struct bb_connector *c = &h->plugin.c;

    if (k->op == BB_DELIVER_QUERY)
        return bb_query_call(h, k, err);
    if (k->op == BB_DELIVER_PROBE)
        return h->probe ? h->probe->probe(h->inst, k->msg[0], k->token[0], err) : BB_E_UNSUP;
    if (k->n > 1)
        return h->batch->deliver(h->inst, k->msg, k->token, k->n, err);
    return c->deliver ? c->deliver(h->inst, k->msg[0], k->token[0], err) : BB_E_UNSUP;
}

static void bb_chunk_deliver(struct bb_host *h, struct bb_chunk *k)
{
    bool many = k->n > 1;
    struct bb_error err;
    bb_status s;

    memset(&err, 0, sizeof(err));
    err.size = sizeof(err);
    bb_host_call_begin(h);
    s = bb_chunk_call(h, k, &err);
    bb_host_call_end(h);
    err.size = sizeof(err);
    if (s == BB_PENDING || (many && s == BB_OK))
        return; /* a batch's members end one by one */
    if (!many) {
        bb_deliver_end(h, k->token[0], s, NULL, &err, true);
        return;
    }
    if (!bb_answer_ok(BB_DELIVER_OP, s))
        s = BB_E_UNKNOWN;
    for (uint32_t i = 0; i < k->n; i++)
        bb_deliver_end(h, k->token[i], s, NULL, &err, false);
}

void bb_deliver_work(struct bb_host *h, uint64_t until)
{
    struct bb_chunk k;

    do {
        bb_chunk_take(h, &k);
        if (k.n == 0)
            return;
        bb_chunk_render(h, &k);
        if (k.n == 0)
            continue;
        bb_chunk_hand(h, &k);
        if (k.n == 0)
            continue;
        bb_chunk_deliver(h, &k);
        for (uint32_t i = 0; i < k.n; i++)
            bb_msg_drop(k.msg[i]);
    } while (bb_host_now() < until);
}

bool bb_deliver_waits(struct bb_host *h)
{
    bool waits;

    pthread_mutex_lock(&h->lock);
    waits = h->tokens.first != BB_SLOT_NONE;
    pthread_mutex_unlock(&h->lock);
    return waits;
}
