/*
 * end.c - a delivery's end: one RESULT, whoever says it
 *
 * What was never handed over is surely not applied, so its end says RETRY or CANCEL; what was handed
 * over and got no answer is UNKNOWN. A token ends once: a later done() finds no slot and is
 * counted. What the plugin says is not trusted: a status that the operation does not know becomes UNKNOWN.
 * The message that follows a delivery (emit) is made here, once the sink has said that it was applied.
 *
 * Thread: the instance's, but for bb_deliver_end(), which any thread may call.
 */
#include "core/host/deliver.h"

#include <stdio.h>
#include <stdlib.h>

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

bool bb_answer_ok(uint32_t op, bb_status s)
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

const struct bb_route_steps *bb_route_steps_of(const struct bb_host *h, uint32_t route)
{
    return h->n_routes ? bsearch(&route, h->routes, h->n_routes, sizeof(*h->routes), bb_route_compare) : NULL;
}

/* The message that follows, where the route says so: with the sink's reply, or without if that is too
 * much. That it can be made was seen to before the sink got anything, but for a body that was kept when the
 * route did not emit yet: that one is told, not taken back. */
static void bb_deliver_emit(const struct bb_host *h, struct bb_msg *m, struct bb_w_result *r, char *text, size_t cap)
{
    const struct bb_route_steps *steps = bb_route_steps_of(h, m->route);
    struct bb_bytes replies[2] = {r->reply, {NULL, 0}}, attributes = m->attributes;
    struct bb_fault why = {0};
    struct bb_envelope e;
    const struct bb_rehearsal *by = h->run->spec.rehearsal;
    int64_t now_ns = by ? by->now_ns(by->arg) : 0;
    struct bb_buf whole;
    int rc = 1;

    if (!steps || !steps->steps || !bb_transform_emits(steps->steps))
        return;
    if (!attributes.len && bb_envelope_read(m->accepted, &e, NULL) == 0)
        attributes = e.attributes;
    bb_buf_init(&whole, 2 * h->max_message + BB_REPLY_MAX);
    for (size_t i = 0; i < 2 && !m->n_children && rc >= 0; i++) {
        bb_buf_reset(&whole);
        rc = bb_transform_emit(steps->steps, attributes, replies[i], now_ns, &whole, &why);
        if (rc == 0 && whole.len + BB_EMIT_HEAD > h->max_message) {
            bb_host_fault(&why, 0, "it would have more than %zu bytes (max_message)", h->max_message);
            rc = 1;
        } else if (rc == 0) {
            bb_put_bin(&m->children, whole.ptr, whole.len);
            m->n_children = !m->children.failed;
            rc = m->children.failed ? -1 : 0;
        }
    }
    m->emitted = true;
    bb_buf_free(&whole);
    if (m->n_children)
        return;
    if (rc < 0) /* no memory: it has not ended as far as the hub may know */
        r->status = BB_E_UNKNOWN;
    snprintf(text, cap, "not emitted: %s", rc < 0 ? "out of memory" : why.text);
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

/* Not by the plugin: it was never given it. */
void bb_deliver_end_here(struct bb_host *h, bb_token t, bb_status s, const struct bb_ending *e)
{
    struct bb_w_result r = {.token = t, .status = s, .has_error = s != BB_OK && s != BB_WIRE_RENDERED};
    bool more = e->report.len && !e->report.failed;
    const char *said = more ? (const char *)e->report.ptr : e->why.text;
    char text[BB_REPORT_MAX];

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

void bb_deliver_end_text(struct bb_host *h, bb_token t, bb_status s, const char *text)
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
