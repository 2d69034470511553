/*
 * deliver.c - deliveries: their arrival, the transform before a sink, the hand-over, their end
 *
 *   DELIVER -> waiting -> (transform) -> handed -> ended, one RESULT
 *                 |            |            |
 *            RETRY, CANCEL  REJECT, skip,  the plugin's status
 *                           rendered, became others
 *
 * A transform that is not pure (it asks other endpoints) ends a delivery as rendered: the hub keeps the
 * body and sends it back as it is. A QUERY goes the same way without a transform.
 *
 * Deliveries of one lane that come together (a run: the first, and those marked as behind) are handed
 * over in one call of the batch extension. When one of them ends before that, those behind it are not
 * handed over either: they end with CANCEL.
 *
 * What was never handed over is surely not applied, so its end says RETRY or CANCEL; what was handed
 * over and got no answer is UNKNOWN. A token ends once: a later done() finds no slot and is
 * counted. Thread: the instance's, but for bb_deliver_end(), which any thread may call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/host/internal.h"

#define REPORT_MAX 4096 /* bytes of what a transform may say */

/* What a plugin may answer; anything else breaks the contract and becomes UNKNOWN. */
static const struct bb_answer {
    bb_status status;
    bool of[3]; /* by operation: deliver, probe, query */
} bb_answers[] = {
    {BB_OK, {true, true, true}},        {BB_NOT_APPLIED, {false, true, false}},
    {BB_E_RETRY, {true, true, true}},   {BB_E_REJECT, {true, false, true}},
    {BB_E_DOWN, {true, true, true}},    {BB_E_CONFIG, {true, true, true}},
    {BB_E_UNSUP, {true, true, true}},   {BB_E_BUSY, {false, false, true}},
    {BB_E_CANCEL, {true, false, true}}, {BB_E_UNKNOWN, {true, true, true}},
};

static bool bb_answer_ok(uint32_t op, bb_status s)
{
    for (size_t i = 0; i < sizeof(bb_answers) / sizeof(bb_answers[0]); i++) {
        if (bb_answers[i].status == s)
            return op <= BB_DELIVER_QUERY && bb_answers[i].of[op];
    }
    return false;
}

/* May the message be sent again, so that the hub must keep what the transform made? */
static bool bb_answer_keeps_body(uint32_t op, bb_status s)
{
    return s != BB_OK && s != BB_E_REJECT && (s != BB_NOT_APPLIED || op == BB_DELIVER_PROBE);
}

static const char bb_behind[] = "one before it in its lane was not delivered";

static struct bb_bytes bb_text(const char *s)
{
    struct bb_bytes b = {s, strlen(s)};

    return b;
}

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
            bb_deliver_refuse(h, d.token, BB_E_CANCEL, bb_behind);
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

/* ---- ends --------------------------------------------------------------------------------------- */

/* What the transform wants on the record, behind what the sink said. */
static void bb_deliver_note(struct bb_w_result *r, const char *note, char *out, size_t cap)
{
    size_t had = r->has_error ? r->text.len : 0;

    snprintf(out, cap, "%.*s%s%s", (int)had, had ? (const char *)r->text.ptr : "", had ? "; " : "", note);
    if (!r->has_error)
        r->vendor_code = bb_text("");
    r->has_error = true;
    r->text = bb_text(out);
}

static int bb_route_compare(const void *key, const void *item)
{
    uint32_t a = *(const uint32_t *)key, b = ((const struct bb_route_steps *)item)->number;

    return a < b ? -1 : a > b;
}

static const struct bb_route_steps *bb_route_steps_of(const struct bb_host *h, uint32_t route)
{
    return h->n_routes ? bsearch(&route, h->routes, h->n_routes, sizeof(*h->routes), bb_route_compare) : NULL;
}

#define EMIT_HEAD 16u /* of a bin value around it */
/* The message that follows, where the route says so: with the sink's reply, or without if that is too
 * much. When there is no memory for it the delivery has not ended as far as the hub may know. */
static void bb_deliver_emit(const struct bb_host *h, struct bb_msg *m, struct bb_w_result *r, char *text, size_t cap)
{
    const struct bb_route_steps *steps = bb_route_steps_of(h, m->route);
    struct bb_bytes none = {NULL, 0};
    struct bb_buf whole;
    struct bb_fault why;
    int rc;

    if (!steps || !steps->steps || !bb_transform_emits(steps->steps))
        return;
    bb_buf_init(&whole, h->max_message - EMIT_HEAD);
    rc = bb_transform_emit(steps->steps, m->accepted, r->reply, &whole, &why);
    if (rc < 0) {
        bb_buf_reset(&whole);
        rc = bb_transform_emit(steps->steps, m->accepted, none, &whole, &why);
    }
    bb_put_bin(&m->children, whole.ptr, rc == 0 ? whole.len : 0);
    if (rc < 0 || m->children.failed) {
        bb_host_fault(&why, 0, "it was applied, but there is no room for the message that follows");
        r->status = BB_E_UNKNOWN;
    }
    if (rc == 0 && !m->children.failed)
        m->n_children = 1;
    m->emitted = true;
    bb_buf_free(&whole);
    if (m->n_children)
        return;
    snprintf(text, cap, "%s", why.text);
    r->has_error = true;
    r->vendor_code = bb_text("");
    r->text = bb_text(text);
}

/* r says how, but for what the host knows of the message itself. bad_reply: it was left out. */
static bool bb_deliver_ends(struct bb_host *h, struct bb_w_result *r, bool by_plugin, bool bad_reply)
{
    struct bb_msg *m;
    char noted[512], reason[400];
    uint32_t slot;

    pthread_mutex_lock(&h->lock);
    slot = h->closed ? BB_SLOT_NONE : bb_tokens_find(&h->tokens, r->token);
    if (slot != BB_SLOT_NONE && by_plugin && !h->tokens.v[slot].handed)
        slot = BB_SLOT_NONE; /* a guess: the plugin has not been given it */
    if (slot == BB_SLOT_NONE) {
        h->late += by_plugin;
        pthread_mutex_unlock(&h->lock);
        return false;
    }
    m = h->tokens.v[slot].msg;
    if (by_plugin && !bb_answer_ok(h->tokens.v[slot].op, r->status)) {
        h->breaches++;
        r->status = BB_E_UNKNOWN;
        r->has_error = true;
        r->vendor_code = bb_text("");
        r->text = bb_text("the plugin gave a status that a delivery cannot end with");
    }
    if (bad_reply && h->tokens.v[slot].op == BB_DELIVER_QUERY) { /* nothing is no answer */
        h->breaches++;
        r->status = BB_E_UNKNOWN;
        r->has_error = true;
        r->vendor_code = bb_text("");
        r->text = bb_text("the answer is not canonical or too long");
    }
    if (m->has_body && bb_answer_keeps_body(h->tokens.v[slot].op, r->status))
        r->body = m->whole;
    if (r->status == BB_OK && !m->n_children && h->tokens.v[slot].op != BB_DELIVER_QUERY)
        bb_deliver_emit(h, m, r, reason, sizeof(reason));
    if (r->status == BB_OK && m->n_children) {
        r->children = (struct bb_bytes){m->children.ptr, m->children.len};
        r->n_children = m->n_children;
    }
    if (m->note[0])
        bb_deliver_note(r, m->note, noted, sizeof(noted));
    bb_out_result_locked(h, r, m->emitted ? BB_E_UNKNOWN : BB_E_RETRY);
    bb_tokens_ends(&h->tokens, slot, r->status);
    bb_tokens_remove(&h->tokens, slot);
    pthread_mutex_unlock(&h->lock);
    bb_msg_drop(m);
    return true;
}

bool bb_deliver_end(struct bb_host *h, bb_token t, bb_status s, const struct bb_bytes *reply,
                    const struct bb_error *err, bool by_plugin)
{
    struct bb_w_result r = {.token = t, .status = s};
    char text[sizeof(err->text)], code[sizeof(err->vendor_code)];
    bool bad_reply = false, ended;

    if (s != BB_OK && err && err->size >= sizeof(*err)) {
        bb_out_text(h, err->text, strnlen(err->text, sizeof(err->text)), text, sizeof(text));
        bb_out_text(h, err->vendor_code, strnlen(err->vendor_code, sizeof(err->vendor_code)), code,
                    sizeof(code));
        r.has_error = true;
        r.text = bb_text(text);
        r.vendor_code = bb_text(code);
        r.retry_after_ms = err->retry_after_ms;
    }
    if (reply && reply->ptr) {
        bad_reply = reply->len > BB_REPLY_MAX || bb_value_check(*reply, NULL) < 0;
        if (!bad_reply)
            r.reply = *reply;
    }
    ended = bb_deliver_ends(h, &r, by_plugin, bad_reply);
    if (ended && bad_reply)
        bb_out_say(h, BB_LOG_WARN, "the plugin's reply of %zu bytes is not canonical or too long "
                                   "and is left out", reply->len);
    return ended;
}

/* What a transform says of a message it does not let go on. */
struct bb_ending {
    const char *failure; /* its class, or NULL */
    bool quarantine;
    bool later; /* nothing is known now: it is asked again in a while */
    struct bb_fault why;
    struct bb_buf report; /* when there is more to say than why holds */
    struct bb_bytes partial; /* what the steps before the one that failed made; in the message */
};

/* Not by the plugin: it was never given it. */
static void bb_deliver_end_here(struct bb_host *h, bb_token t, bb_status s, const struct bb_ending *e)
{
    struct bb_w_result r = {.token = t, .status = s, .has_error = s != BB_OK && s != BB_WIRE_RENDERED};
    bool more = e->report.len && !e->report.failed;
    const char *said = more ? (const char *)e->report.ptr : e->why.text;
    char text[REPORT_MAX];

    if (r.has_error) {
        bb_out_text(h, said, more ? e->report.len : strlen(said), text, sizeof(text));
        r.text = bb_text(text);
        r.vendor_code = bb_text(e->failure ? e->failure : "");
        r.error_flags = BB_ERROR_UNASKED | (e->quarantine ? BB_ERROR_QUARANTINE : 0);
        r.retry_after_ms = e->later ? BB_ASK_AGAIN_MS : 0;
        r.body = e->partial;
    }
    bb_deliver_ends(h, &r, false, false);
}

static void bb_deliver_end_text(struct bb_host *h, bb_token t, bb_status s, const char *text)
{
    struct bb_error e;

    memset(&e, 0, sizeof(e));
    e.size = sizeof(e);
    strncpy(e.text, text, sizeof(e.text) - 1);
    bb_deliver_end(h, t, s, NULL, &e, false);
}

void bb_deliver_end_all(struct bb_host *h, bool only_waiting, const char *text)
{
    uint32_t i = 0; /* slots below have been seen; no new ones come once the endpoint stops */

    for (;;) {
        uint64_t token = 0;
        bool handed = false, found = false;

        pthread_mutex_lock(&h->lock);
        if (h->tokens.first != BB_SLOT_NONE) {
            token = h->tokens.v[h->tokens.first].token;
            found = true;
        }
        for (; !found && !only_waiting && i < h->tokens.n; i++) {
            if (h->tokens.v[i].msg) {
                token = h->tokens.v[i].token;
                found = handed = true;
            }
        }
        pthread_mutex_unlock(&h->lock);
        if (!found)
            return;
        bb_deliver_end_text(h, token, handed ? BB_E_UNKNOWN : BB_E_RETRY, text);
    }
}

/* ---- hand-over ------------------------------------------------------------------------------------ */

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

    bb_buf_init(&e.report, REPORT_MAX);

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
            bb_host_fault(&e.why, 0, "%s", bb_behind);
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
            bb_deliver_end_text(h, k->token[i], BB_E_CANCEL, bb_behind);
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
