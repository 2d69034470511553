/*
 * submit.c - what a source hands in: credit, frames, receipts, its state
 *
 * Credit is taken before the frame is built and comes back with ACKED. The wire's cookie is a
 * number of our own, so a plugin may use any cookie, also the same one twice. After the first BUSY
 * every submit is BUSY until resume() has been called, so order holds. Any thread may submit; the
 * functions that call the plugin run on the instance's thread.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/host/internal.h"

#define DEAF_MAX 1000u /* submits after a BUSY that are answered at once */

#define RING_MIN 64u
#define RING_MAX (1u << 20)

static bb_status bb_submit_error(struct bb_error *err, bb_status s, uint32_t retry_after_ms,
                                 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static bb_status bb_submit_error(struct bb_error *err, bb_status s, uint32_t retry_after_ms,
                                 const char *fmt, ...)
{
    va_list ap;

    if (!err || err->size < sizeof(*err))
        return s;
    err->retry_after_ms = retry_after_ms;
    err->vendor_code[0] = '\0';
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return s;
}

int bb_credit_init(struct bb_host *h, uint64_t messages, uint64_t bytes)
{
    struct bb_credit *c = &h->credit;
    uint64_t cap = RING_MIN;

    while (cap <= messages && cap < RING_MAX)
        cap *= 2;
    c->ring = calloc(cap, sizeof(*c->ring));
    if (!c->ring)
        return -1;
    c->cap = cap;
    c->base = c->next = 1;
    c->messages = c->grant_messages = messages;
    c->bytes = c->grant_bytes = bytes;
    return 0;
}

void bb_credit_free(struct bb_host *h)
{
    struct bb_credit *c = &h->credit;

    for (uint64_t i = 0; i < c->cap; i++)
        free(c->ring[i].state);
    free(c->ring);
    free(c->state);
    memset(c, 0, sizeof(*c));
}

/* Under lock: may anything be submitted now? */
static bb_status bb_submit_gate(struct bb_host *h, struct bb_error *err)
{
    struct bb_credit *c = &h->credit;

    if (h->closed || h->stopping)
        return bb_submit_error(err, BB_E_CANCEL, 0, "the endpoint stops");
    if (!(h->roles & BB_ROLE_SOURCE) || !c->ring)
        return bb_submit_error(err, BB_E_UNSUP, 0, "no route uses this instance as a source");
    if (c->closed) {
        uint32_t s = c->retry_after_s > 86400 ? 86400 : c->retry_after_s;

        c->busy = true;
        return bb_submit_error(err, BB_E_BUSY, s * 1000, "intake is closed%s%s",
                               c->why[0] ? ": " : "", c->why);
    }
    if (c->busy)
        return bb_submit_error(err, BB_E_BUSY, 0, "no room yet: wait for resume()");
    return BB_OK;
}

/* Everything that can be said of the call without knowing the credit. */
static bb_status bb_submit_check(struct bb_host *h, const struct bb_bytes *messages, size_t n,
                                 const struct bb_state *state, uint64_t *bytes,
                                 struct bb_error *err)
{
    struct bb_fault why = {0, ""};

    *bytes = 0;
    if (n > BB_WIRE_BATCH_MAX)
        return bb_submit_error(err, BB_E_REJECT, 0, "%zu messages at once, at most %d are allowed",
                               n, BB_WIRE_BATCH_MAX);
    if ((n == 0 && !state) || (n > 0 && !messages))
        return bb_submit_error(err, BB_E_REJECT, 0, "neither a message nor a state");
    if (state && (state->size < sizeof(*state) || state->value.len > BB_STATE_MAX ||
                  (state->value.len && !state->value.ptr)))
        return bb_submit_error(err, BB_E_REJECT, 0,
                               "the state has %zu bytes, at most %u are allowed", state->value.len,
                               BB_STATE_MAX);
    for (size_t i = 0; i < n; i++) {
        if (messages[i].len > h->max_message)
            return bb_submit_error(err, BB_E_REJECT, 0,
                                   "message %zu has %zu bytes, at most %zu are allowed", i,
                                   messages[i].len, h->max_message);
        if (!messages[i].ptr || bb_message_check(messages[i], &why) < 0)
            return bb_submit_error(err, BB_E_REJECT, 0, "message %zu is not canonical: %s (byte "
                                   "%zu)", i, why.text, why.offset);
        *bytes += messages[i].len;
    }
    if (state)
        *bytes += state->value.len;
    return BB_OK;
}

/* Under lock: takes the credit; *sent is the record. */
static bb_status bb_submit_reserve(struct bb_host *h, uint64_t messages, uint64_t bytes,
                                   struct bb_sent **sent, uint64_t *number, struct bb_error *err)
{
    struct bb_credit *c = &h->credit;
    uint64_t most = c->grant_bytes > h->max_message ? c->grant_bytes : h->max_message;

    if ((c->grant_messages && messages > c->grant_messages) || bytes > most + BB_STATE_MAX)
        return bb_submit_error(err, BB_E_REJECT, 0,
                               "%llu messages of %llu bytes at once are above this endpoint's "
                               "credit of %llu and %llu: submit fewer at once",
                               (unsigned long long)messages, (unsigned long long)bytes,
                               (unsigned long long)c->grant_messages, (unsigned long long)most);
    if (messages > c->messages || (bytes > c->bytes && c->open > 0) ||
        c->next - c->base >= c->cap) {
        c->busy = true;
        return bb_submit_error(err, BB_E_BUSY, 0, "no room: wait for resume()");
    }
    *number = c->next++;
    *sent = &c->ring[*number % c->cap];
    /* a single message above the bytes left takes what there is */
    **sent = (struct bb_sent){.messages = messages, .bytes = bytes < c->bytes ? bytes : c->bytes,
                              .open = true};
    c->messages -= (*sent)->messages;
    c->bytes -= (*sent)->bytes;
    c->open++;
    return BB_OK;
}

/* Under lock: gives the credit of one record back. */
static void bb_credit_return(struct bb_credit *c, struct bb_sent *s)
{
    c->messages += s->messages;
    c->bytes += s->bytes;
    s->open = false;
    c->open--;
    while (c->base < c->next && !c->ring[c->base % c->cap].open)
        c->base++;
}

static bool bb_submit_build(struct bb_host *h, struct bb_out *o, const struct bb_bytes *messages,
                            size_t n, const struct bb_state *state, uint64_t number,
                            uint64_t bytes)
{
    bb_buf_room(&o->buf, bytes + 5 * n + 64); /* once, not in steps */
    bb_put_submit(&o->buf, h->session, number, state, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        bb_put_bin(&o->buf, messages[i].ptr, messages[i].len);
    return !o->buf.failed;
}

bb_status bb_submit(bb_host *h, const struct bb_bytes *messages, size_t n,
                    const struct bb_state *state, uint64_t cookie, struct bb_error *err)
{
    struct bb_out *o = NULL;
    struct bb_sent *sent = NULL;
    uint64_t bytes, number = 0;
    void *copy = NULL;
    bb_status s;
    bool built, deaf;

    pthread_mutex_lock(&h->lock);
    if (h->refusal.len && pthread_equal(h->refused_thread, pthread_self()))
        bb_buf_reset(&h->refusal); /* of an earlier one */
    s = bb_submit_gate(h, err);
    deaf = s == BB_E_BUSY && ++h->credit.deaf > DEAF_MAX;
    pthread_mutex_unlock(&h->lock);
    if (deaf) /* it takes no BUSY for an answer: then it takes no CPU from the others either */
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    if (s != BB_OK)
        return s;
    s = bb_submit_check(h, messages, n, state, &bytes, err);
    if (s == BB_OK && h->accept)
        s = bb_accept_check(h, messages, n, err);
    if (s != BB_OK)
        return s;
    if (state) {
        copy = malloc(state->value.len ? state->value.len : 1);
        if (!copy)
            return bb_submit_error(err, BB_E_RETRY, 0, "out of memory");
        if (state->value.len)
            memcpy(copy, state->value.ptr, state->value.len);
    }
    pthread_mutex_lock(&h->lock);
    s = bb_submit_gate(h, err); /* it may have closed meanwhile */
    if (s == BB_OK)
        s = bb_submit_reserve(h, n ? n : 1, bytes, &sent, &number, err);
    if (s == BB_OK) {
        sent->cookie = cookie;
        sent->state = copy;
        sent->state_len = state ? state->value.len : 0;
        copy = NULL;
        o = bb_out_new_locked(h, bytes + 5 * n + 128);
    }
    pthread_mutex_unlock(&h->lock);
    free(copy);
    if (s != BB_OK)
        return s;
    built = o && bb_submit_build(h, o, messages, n, state, number, bytes);
    pthread_mutex_lock(&h->lock);
    if (built) {
        bb_out_put_locked(h, o);
    } else {
        sent = &h->credit.ring[number % h->credit.cap];
        free(sent->state);
        sent->state = NULL;
        bb_credit_return(&h->credit, sent);
    }
    pthread_mutex_unlock(&h->lock);
    if (built)
        return BB_PENDING;
    bb_out_drop(o);
    return bb_submit_error(err, BB_E_RETRY, 0, "out of memory");
}

/* ---- the hub's answers, on the instance's thread ------------------------------------------------ */

/* Takes one receipt into the books; false when it belongs to no SUBMIT. */
static bool bb_credit_settle(struct bb_host *h, const struct bb_w_acked *a, uint64_t *cookie)
{
    struct bb_credit *c = &h->credit;
    struct bb_sent *s;
    bool found;

    pthread_mutex_lock(&h->lock);
    s = c->ring ? &c->ring[a->cookie % c->cap] : NULL;
    found = s && a->cookie >= c->base && a->cookie < c->next && s->open;
    if (found) {
        *cookie = s->cookie;
        if (s->state && a->status == BB_OK) {
            free(c->state);
            c->state = s->state;
            c->state_len = s->state_len;
            c->state_version = a->state_version;
        } else {
            free(s->state);
        }
        s->state = NULL;
        bb_credit_return(c, s);
    }
    pthread_mutex_unlock(&h->lock);
    return found;
}

void bb_credit_acked(struct bb_host *h, struct bb_frame *f)
{
    struct bb_w_acked a;
    uint64_t cookie;
    int rc;

    while ((rc = bb_frame_next_acked(f, &a)) > 0) {
        struct bb_receipt r = {.size = sizeof(r), .duplicates = a.duplicates, .first = a.first,
                               .last = a.last, .state_version = a.state_version};

        if (!bb_credit_settle(h, &a, &cookie)) {
            h->refused_frames++;
            continue;
        }
        if (a.status != BB_OK)
            r.error = a.text;
        if (!h->plugin.c.acked || !h->inst)
            continue;
        bb_host_call_begin(h);
        h->plugin.c.acked(h->inst, cookie, a.status, &r);
        bb_host_call_end(h);
    }
    if (rc < 0)
        h->refused_frames++;
    bb_credit_resume(h);
}

void bb_credit_raise(struct bb_host *h, uint64_t messages, uint64_t bytes)
{
    struct bb_credit *c = &h->credit;
    uint64_t most = UINT64_MAX / 4;

    pthread_mutex_lock(&h->lock);
    if (messages < most && bytes < most && c->grant_messages < most && c->grant_bytes < most) {
        c->messages += messages;
        c->grant_messages += messages;
        c->bytes += bytes;
        c->grant_bytes += bytes;
    }
    pthread_mutex_unlock(&h->lock);
    bb_credit_resume(h);
}

void bb_credit_intake(struct bb_host *h, const struct bb_frame *f)
{
    struct bb_credit *c = &h->credit;

    pthread_mutex_lock(&h->lock);
    c->closed = !f->intake.open;
    c->retry_after_s = f->intake.retry_after_s;
    snprintf(c->why, sizeof(c->why), "%.*s",
             (int)(f->intake.text.len < sizeof(c->why) ? f->intake.text.len : sizeof(c->why) - 1),
             f->intake.text.ptr ? (const char *)f->intake.text.ptr : "");
    pthread_mutex_unlock(&h->lock);
    bb_credit_resume(h);
}

void bb_credit_resume(struct bb_host *h)
{
    struct bb_credit *c = &h->credit;
    bool now;

    pthread_mutex_lock(&h->lock);
    now = c->busy && !c->closed && !h->stopping && c->messages > 0 &&
          c->messages >= c->grant_messages / 2 && c->bytes >= c->grant_bytes / 2 &&
          c->next - c->base <= c->cap / 2;
    if (now) {
        c->busy = false;
        c->deaf = 0;
    }
    pthread_mutex_unlock(&h->lock);
    if (!now || !h->inst || !h->started || !h->plugin.c.resume)
        return;
    bb_host_call_begin(h);
    h->plugin.c.resume(h->inst);
    bb_host_call_end(h);
}
