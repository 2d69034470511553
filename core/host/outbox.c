/*
 * outbox.c - frames on their way from an instance to the hub
 *
 * Any thread of the plugin may put a frame here; only the instance's thread sends. All results of a
 * turn share one RESULT frame. Another thread wakes the instance through its eventfd, once until
 * the instance has looked: a burst costs one write. What may lie here is bounded: submits by
 * credit, results by open tokens, log lines by a rate.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/host/internal.h"

#define OUT_SPARE 64              /* free frames that are kept */
#define OUT_KEEP (256u << 10)     /* a larger buffer is given back */
#define OUT_RESULTS 1024          /* results in one frame */
#define OUT_RESULT_BYTES (1u << 20)
#define LOG_BURST 500.0           /* lines */
#define LOG_RATE 100.0            /* lines a second */
#define LOG_ATTRS_MAX 4096u

struct bb_out *bb_out_new_locked(struct bb_host *h, size_t room)
{
    struct bb_out *o = h->out.spare;

    if (o) {
        h->out.spare = o->next;
        h->out.n_spare--;
    } else {
        o = calloc(1, sizeof(*o));
        if (!o)
            return NULL;
    }
    o->next = NULL;
    o->open = false;
    o->buf.max = room;
    bb_buf_reset(&o->buf);
    return o;
}

void bb_out_drop(struct bb_out *o)
{
    if (!o)
        return;
    bb_buf_free(&o->buf);
    free(o);
}

static void bb_out_wake_locked(struct bb_host *h)
{
    static const uint64_t one = 1;

    if (bb_host_here == h || h->out.signalled)
        return;
    h->out.signalled = true;
    while (write(h->wake, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

static void bb_out_close(struct bb_out *o)
{
    if (o->open)
        bb_list_end(&o->buf, &o->list);
    o->open = false;
}

void bb_out_put_locked(struct bb_host *h, struct bb_out *o)
{
    if (h->out.last) {
        bb_out_close(h->out.last); /* order holds: what comes later stands in a later frame */
        h->out.last->next = o;
    } else {
        h->out.first = o;
    }
    h->out.last = o;
    h->out.n++;
    bb_out_wake_locked(h);
}

static int bb_out_add_result(struct bb_out *o, const struct bb_w_result *r)
{
    size_t len = o->buf.len;
    uint32_t n = o->list.n;

    bb_list_result(&o->buf, &o->list, r);
    if (!o->buf.failed)
        return 0;
    o->buf.len = len; /* the items before it must not be lost */
    o->buf.failed = 0;
    o->list.n = n;
    return -1;
}

void bb_out_result_locked(struct bb_host *h, const struct bb_w_result *r, bb_status without)
{
    struct bb_out *o = h->out.last;
    struct bb_w_result bare = *r;

    if (!o || !o->open || o->list.n >= OUT_RESULTS || o->buf.len >= OUT_RESULT_BYTES) {
        o = bb_out_new_locked(h, 2 * h->max_message + BB_REPLY_MAX + 2 * OUT_RESULT_BYTES);
        if (!o)
            return; /* out of memory: the hub's deadline makes it UNKNOWN */
        o->list = bb_list_begin(&o->buf, BB_F_RESULT, h->session);
        o->open = true;
        bb_out_put_locked(h, o);
    }
    bare.body.ptr = bare.reply.ptr = NULL;
    if (r->n_children || r->status == BB_WIRE_RENDERED) { /* without them it has not ended */
        bare.n_children = 0;
        bare.status = without;
    }
    if (bb_out_add_result(o, r) < 0)
        bb_out_add_result(o, &bare);
    bb_out_wake_locked(h);
}

void bb_out_flush(struct bb_host *h)
{
    struct bb_out *o, *next, *list;

    pthread_mutex_lock(&h->lock);
    list = h->out.first;
    h->out.first = h->out.last = NULL;
    h->out.n = 0;
    pthread_mutex_unlock(&h->lock);
    for (o = list; o; o = o->next) {
        bb_out_close(o);
        bb_link_send(&h->link, &o->buf);
    }
    if (bb_link_flush(&h->link) < 0)
        h->phase = BB_PHASE_END;
    if (!list)
        return;
    pthread_mutex_lock(&h->lock);
    for (o = list; o; o = next) {
        next = o->next;
        if (h->out.n_spare >= OUT_SPARE || o->buf.cap > OUT_KEEP) {
            bb_out_drop(o);
            continue;
        }
        o->next = h->out.spare;
        h->out.spare = o;
        h->out.n_spare++;
    }
    pthread_mutex_unlock(&h->lock);
}

void bb_out_free(struct bb_host *h)
{
    struct bb_out **lists[] = {&h->out.first, &h->out.spare};

    for (size_t i = 0; i < 2; i++) {
        while (*lists[i]) {
            struct bb_out *o = *lists[i];

            *lists[i] = o->next;
            bb_out_drop(o);
        }
    }
    h->out.last = NULL;
}

/* ---- texts of the plugin's ---------------------------------------------------------------------- */

/* How many bytes of the secret stand at text, where control characters are ' ' or '?' by now. */
static size_t bb_secret_at(const char *text, size_t len, struct bb_bytes secret)
{
    const uint8_t *s = secret.ptr;
    size_t n = 0;

    while (n < len && n < secret.len &&
           ((uint8_t)text[n] == s[n] ||
            ((s[n] < 0x20 || s[n] == 0x7f) && (text[n] == ' ' || text[n] == '?'))))
        n++;
    return n;
}

void bb_out_redact(const struct bb_host *h, char *text, size_t len)
{
    struct bb_cur c = bb_cur_of(h->secrets);
    struct bb_tok t;

    if (!h->secrets.ptr || bb_cur_next(&c, &t) < 0 || t.kind != BB_T_MAP)
        return;
    for (uint32_t i = 0, n = t.n; i < n; i++) {
        if (bb_cur_skip(&c) < 0 || bb_cur_next(&c, &t) < 0)
            return;
        if ((t.kind != BB_T_STR && t.kind != BB_T_BIN) || t.s.len < 4)
            continue; /* a shorter one would turn plain words into asterisks */
        for (size_t at = 0; at < len; at++) {
            size_t m = bb_secret_at(text + at, len - at, t.s);

            if (m < t.s.len && (m < 4 || at + m < len))
                continue; /* none, nor one that the text's end cuts */
            memset(text + at, '*', m);
            at += m - 1;
        }
    }
}

/* How many bytes the UTF-8 character at p takes, 0 when it is none. */
static size_t bb_utf8_step(const uint8_t *p, size_t left)
{
    size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : (*p & 0xf0) == 0xe0 ? 3
             : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;

    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
        (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

void bb_out_text(const struct bb_host *h, const char *in, size_t len, char *out, size_t cap)
{
    const uint8_t *p = (const uint8_t *)in;
    size_t at = 0, i = 0;

    while (i < len && p[i]) {
        size_t n = bb_utf8_step(p + i, len - i);

        if (at + (n ? n : 1) >= cap)
            break;
        if (n == 0 || (n == 1 && (p[i] < 0x20 || p[i] == 0x7f))) {
            /* one line stays one line */
            out[at++] = p[i] == '\t' || p[i] == '\n' || p[i] == '\r' ? ' ' : '?';
            i++;
            continue;
        }
        memcpy(out + at, p + i, n);
        at += n;
        i += n;
    }
    out[at] = '\0';
    bb_out_redact(h, out, at);
}

static void bb_out_line(struct bb_host *h, uint32_t level, struct bb_bytes text,
                        struct bb_bytes attrs)
{
    struct bb_out *o;

    pthread_mutex_lock(&h->lock);
    o = h->closed ? NULL : bb_out_new_locked(h, text.len + attrs.len + 64);
    if (o) {
        bb_put_log(&o->buf, h->session, level, text, attrs);
        bb_out_put_locked(h, o);
    }
    pthread_mutex_unlock(&h->lock);
}

void bb_out_say(struct bb_host *h, uint32_t level, const char *fmt, ...)
{
    char text[512], clean[512];
    struct bb_bytes b = {clean, 0}, none = {NULL, 0};
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    bb_out_text(h, text, strlen(text), clean, sizeof(clean));
    b.len = strlen(clean);
    bb_out_line(h, level, b, none);
}

/* True when the line may go; a bucket, so that a plugin in a loop cannot flood the log. */
static bool bb_out_log_admit(struct bb_host *h, uint64_t *dropped)
{
    uint64_t now = bb_host_now();
    bool ok;

    pthread_mutex_lock(&h->lock);
    if (h->log_at == 0)
        h->log_tokens = LOG_BURST;
    else
        h->log_tokens += (double)(now - h->log_at) / 1e9 * LOG_RATE;
    if (h->log_tokens > LOG_BURST)
        h->log_tokens = LOG_BURST;
    h->log_at = now;
    ok = h->log_tokens >= 1.0;
    if (ok) {
        h->log_tokens -= 1.0;
        *dropped = h->log_dropped;
        h->log_dropped = 0;
    } else {
        h->log_dropped++;
    }
    pthread_mutex_unlock(&h->lock);
    return ok;
}

void bb_out_log(struct bb_host *h, uint32_t level, struct bb_bytes text, struct bb_bytes attrs)
{
    char clean[BB_LOG_TEXT_MAX];
    struct bb_bytes b = {clean, 0};
    struct bb_cur c = bb_cur_of(attrs);
    struct bb_tok t;
    uint64_t dropped = 0;

    if (!text.ptr || !bb_out_log_admit(h, &dropped))
        return;
    if (dropped)
        bb_out_say(h, BB_LOG_WARN, "%llu log lines were dropped: more than %.0f a second",
                   (unsigned long long)dropped, LOG_RATE);
    bb_out_text(h, text.ptr, text.len, clean, sizeof(clean));
    b.len = strlen(clean);
    /* attributes that are not what they should be are left out, the line is not */
    if (!attrs.ptr || attrs.len > LOG_ATTRS_MAX || bb_value_check(attrs, NULL) < 0 ||
        bb_cur_next(&c, &t) < 0 || t.kind != BB_T_MAP) {
        attrs.ptr = NULL;
        attrs.len = 0;
        bb_out_line(h, level, b, attrs);
    } else {
        char copy[LOG_ATTRS_MAX];

        memcpy(copy, attrs.ptr, attrs.len);
        bb_out_redact(h, copy, attrs.len);
        attrs.ptr = copy;
        bb_out_line(h, level, b, attrs);
    }
}

void bb_out_metrics(struct bb_host *h)
{
    struct bb_out *o = NULL;

    pthread_mutex_lock(&h->lock);
    for (unsigned i = 0; i < h->n_metrics; i++) {
        struct bb_metric *m = &h->metrics[i];

        if (!m->dirty)
            continue;
        if (!o) {
            o = bb_out_new_locked(h, BB_METRICS_MAX * 96 + 64);
            if (!o)
                break;
            o->list = bb_list_begin(&o->buf, BB_F_METRIC, h->session);
        }
        bb_list_metric(&o->buf, &o->list, m->name, m->kind, m->v);
        m->dirty = false;
        if (m->kind == BB_METRIC_COUNTER)
            m->v = 0;
    }
    if (o) {
        bb_list_end(&o->buf, &o->list);
        bb_out_put_locked(h, o);
    }
    pthread_mutex_unlock(&h->lock);
}
