/*
 * read.c - frames between the hub and its hosts: reading
 *
 * Thread: any; nothing is kept, nothing is allocated, everything that a reader gives points into
 * the frame. A frame comes from another process, so each member's kind and range is checked before
 * it is used and a count is believed only as far as the bytes left can hold it. Arrays may be
 * longer than known here: they grow at their end, and what is past the known members is skipped.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/wire/wire.h"

/* Reads the members of one array in order. */
struct bb_members {
    struct bb_cur c;
    uint32_t left;             /* members not yet read */
    const uint8_t *start;      /* of the whole frame, for offsets; may be NULL */
    const char *frame;         /* "RESULT", for texts */
    struct bb_fault *err;
};

static int bb_members_fail(struct bb_members *m, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int bb_members_fail(struct bb_members *m, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (!m->err)
        return -1;
    m->err->offset = m->start ? (size_t)(m->c.p - m->start) : 0;
    n = snprintf(m->err->text, sizeof(m->err->text), "%s frame: ", m->frame);
    if (n < 0 || (size_t)n >= sizeof(m->err->text))
        return -1;
    va_start(ap, fmt);
    vsnprintf(m->err->text + n, sizeof(m->err->text) - (size_t)n, fmt, ap);
    va_end(ap);
    return -1;
}

static int bb_members_open(struct bb_members *m, uint32_t least, const char *what)
{
    struct bb_tok t;

    if (bb_cur_next(&m->c, &t) < 0 || t.kind != BB_T_ARRAY)
        return bb_members_fail(m, "%s is not an array", what);
    if (t.n < least)
        return bb_members_fail(m, "%s has %u members, at least %u are needed", what, t.n, least);
    m->left = t.n;
    return 0;
}

static int bb_members_token(struct bb_members *m, const char *what, struct bb_tok *t)
{
    if (m->left == 0 || bb_cur_next(&m->c, t) < 0)
        return bb_members_fail(m, "ends before %s", what);
    m->left--;
    return 0;
}

static int bb_members_u64(struct bb_members *m, const char *what, uint64_t *out)
{
    struct bb_tok t;

    if (bb_members_token(m, what, &t) < 0)
        return -1;
    if (t.kind == BB_T_UINT)
        *out = t.u;
    else if (t.kind == BB_T_INT && t.i >= 0)
        *out = (uint64_t)t.i;
    else
        return bb_members_fail(m, "%s is not a whole number from 0", what);
    return 0;
}

static int bb_members_u32(struct bb_members *m, const char *what, uint32_t *out)
{
    uint64_t v;

    if (bb_members_u64(m, what, &v) < 0)
        return -1;
    if (v > UINT32_MAX)
        return bb_members_fail(m, "%s is above 4294967295", what);
    *out = (uint32_t)v;
    return 0;
}

static int bb_members_i64(struct bb_members *m, const char *what, int64_t *out)
{
    struct bb_tok t;

    if (bb_members_token(m, what, &t) < 0)
        return -1;
    if (t.kind != BB_T_INT)
        return bb_members_fail(m, "%s is not a whole number", what);
    *out = t.i;
    return 0;
}

static int bb_members_status_to(struct bb_members *m, int32_t most, int32_t *out)
{
    int64_t v = 0;

    if (bb_members_i64(m, "the status", &v) < 0)
        return -1;
    if (v < BB_E_UNKNOWN || v > most)
        return bb_members_fail(m, "the status is outside -9..%d", most);
    *out = (int32_t)v;
    return 0;
}

static int bb_members_status(struct bb_members *m, int32_t *out)
{
    return bb_members_status_to(m, BB_NOT_APPLIED, out);
}

/* kind: BB_T_STR or BB_T_BIN; nil gives ptr NULL. A present value never has ptr NULL. */
static int bb_members_bytes(struct bb_members *m, const char *what, uint32_t kind, bool nil,
                            struct bb_bytes *out)
{
    struct bb_tok t;

    if (bb_members_token(m, what, &t) < 0)
        return -1;
    if (t.kind == BB_T_NIL && nil) {
        out->ptr = NULL;
        out->len = 0;
        return 0;
    }
    if (t.kind != kind)
        return bb_members_fail(m, "%s is not %s%s", what, kind == BB_T_BIN ? "bin" : "a string",
                               nil ? " or nil" : "");
    *out = t.s;
    if (!out->ptr)
        out->ptr = "";
    return 0;
}

static int bb_members_value(struct bb_members *m, const char *what, uint32_t kind,
                            struct bb_bytes *out)
{
    struct bb_cur look = m->c;
    struct bb_tok t;

    if (m->left == 0 || bb_cur_next(&look, &t) < 0 || bb_cur_value(&m->c, out) < 0)
        return bb_members_fail(m, "ends before %s", what);
    m->left--;
    if (t.kind != kind && t.kind != BB_T_NIL)
        return bb_members_fail(m, "%s is not a map", what);
    if (t.kind == BB_T_NIL) {
        out->ptr = NULL;
        out->len = 0;
    }
    return 0;
}

/* Skips what a newer writer put behind the known members. */
static int bb_members_close(struct bb_members *m)
{
    for (; m->left > 0; m->left--) {
        if (bb_cur_skip(&m->c) < 0)
            return bb_members_fail(m, "is cut short");
    }
    return 0;
}

static int bb_head_list(struct bb_members *m, struct bb_frame *f)
{
    struct bb_tok t;

    if (bb_members_token(m, "the list", &t) < 0)
        return -1;
    if (t.kind != BB_T_ARRAY)
        return bb_members_fail(m, "its list is not an array");
    if (t.n > BB_WIRE_BATCH_MAX)
        return bb_members_fail(m, "its list has %u items, at most %d are allowed", t.n,
                               BB_WIRE_BATCH_MAX);
    f->n = t.n;
    f->list = m->c;
    return 0;
}

static int bb_head_hello(struct bb_members *m, struct bb_frame *f)
{
    if (bb_members_u32(m, "the protocol", &f->hello.protocol) < 0 ||
        bb_members_bytes(m, "the endpoint", BB_T_STR, false, &f->hello.endpoint) < 0 ||
        bb_members_u32(m, "the worker", &f->hello.worker) < 0 ||
        bb_members_bytes(m, "the secret", BB_T_BIN, false, &f->hello.secret) < 0 ||
        bb_members_i64(m, "the pid", &f->hello.pid) < 0 ||
        bb_members_value(m, "the plugin's description", BB_T_MAP, &f->hello.info) < 0)
        return -1;
    return bb_members_close(m);
}

static int bb_head_ready(struct bb_members *m, struct bb_frame *f)
{
    if (bb_members_status(m, &f->ready.status) < 0 ||
        bb_members_bytes(m, "the text", BB_T_STR, true, &f->ready.text) < 0)
        return -1;
    return bb_members_close(m);
}

static int bb_head_submit(struct bb_members *m, struct bb_frame *f)
{
    struct bb_tok t;

    if (bb_members_u64(m, "the cookie", &f->submit.cookie) < 0 ||
        bb_members_token(m, "the state", &t) < 0)
        return -1;
    if (t.kind == BB_T_ARRAY && t.n >= 2) {
        struct bb_members s = *m;

        s.left = t.n;
        f->submit.has_state = true;
        if (bb_members_u64(&s, "the state's version", &f->submit.state_expected) < 0 ||
            bb_members_bytes(&s, "the state", BB_T_BIN, false, &f->submit.state) < 0 ||
            bb_members_close(&s) < 0)
            return -1;
        m->c = s.c;
    } else if (t.kind != BB_T_NIL) {
        return bb_members_fail(m, "the state is neither nil nor [version, bin]");
    }
    return bb_head_list(m, f);
}

static int bb_head_alive(struct bb_members *m, struct bb_frame *f)
{
    if (bb_members_u32(m, "busy_ms", &f->alive.busy_ms) < 0 ||
        bb_members_status(m, &f->alive.status) < 0 ||
        bb_members_bytes(m, "the text", BB_T_STR, true, &f->alive.text) < 0)
        return -1;
    return bb_members_close(m);
}

static int bb_head_log(struct bb_members *m, struct bb_frame *f)
{
    if (bb_members_u32(m, "the level", &f->log.level) < 0 ||
        bb_members_bytes(m, "the text", BB_T_STR, false, &f->log.text) < 0 ||
        bb_members_value(m, "the attributes", BB_T_MAP, &f->log.attrs) < 0)
        return -1;
    return bb_members_close(m);
}

static int bb_head_welcome(struct bb_members *m, struct bb_frame *f)
{
    if (bb_members_value(m, "its map", BB_T_MAP, &f->welcome.map) < 0)
        return -1;
    if (!f->welcome.map.ptr)
        return bb_members_fail(m, "its map is nil");
    return bb_members_close(m);
}

static int bb_head_credit(struct bb_members *m, struct bb_frame *f)
{
    if (bb_members_u64(m, "the messages", &f->credit.messages) < 0 ||
        bb_members_u64(m, "the bytes", &f->credit.bytes) < 0)
        return -1;
    return bb_members_close(m);
}

static int bb_head_stop(struct bb_members *m, struct bb_frame *f)
{
    if (bb_members_u32(m, "the budget", &f->stop.budget_ms) < 0)
        return -1;
    return bb_members_close(m);
}

static int bb_head_intake(struct bb_members *m, struct bb_frame *f)
{
    struct bb_tok t;

    if (bb_members_token(m, "open", &t) < 0)
        return -1;
    if (t.kind != BB_T_BOOL)
        return bb_members_fail(m, "open is neither true nor false");
    f->intake.open = t.i != 0;
    if (bb_members_u32(m, "retry_after_s", &f->intake.retry_after_s) < 0 ||
        bb_members_bytes(m, "the text", BB_T_STR, true, &f->intake.text) < 0)
        return -1;
    return bb_members_close(m);
}

static int bb_head_bare(struct bb_members *m, struct bb_frame *f)
{
    (void)f;
    return bb_members_close(m);
}

static const struct bb_head {
    uint32_t kind, members; /* members: the least, with kind and session */
    const char *name;
    int (*read)(struct bb_members *m, struct bb_frame *f);
} bb_heads[] = {
    {BB_F_HELLO, 8, "HELLO", bb_head_hello},
    {BB_F_READY, 4, "READY", bb_head_ready},
    {BB_F_SUBMIT, 5, "SUBMIT", bb_head_submit},
    {BB_F_RESULT, 3, "RESULT", bb_head_list},
    {BB_F_ALIVE, 5, "ALIVE", bb_head_alive},
    {BB_F_LOG, 5, "LOG", bb_head_log},
    {BB_F_STOPPED, 2, "STOPPED", bb_head_bare},
    {BB_F_METRIC, 3, "METRIC", bb_head_list},
    {BB_F_ASK, 3, "ASK", bb_head_list},
    {BB_F_WELCOME, 3, "WELCOME", bb_head_welcome},
    {BB_F_DELIVER, 3, "DELIVER", bb_head_list},
    {BB_F_ACKED, 3, "ACKED", bb_head_list},
    {BB_F_CREDIT, 4, "CREDIT", bb_head_credit},
    {BB_F_CANCEL, 3, "CANCEL", bb_head_list},
    {BB_F_STOP, 3, "STOP", bb_head_stop},
    {BB_F_PING, 2, "PING", bb_head_bare},
    {BB_F_INTAKE, 5, "INTAKE", bb_head_intake},
    {BB_F_QUERY, 3, "QUERY", bb_head_list},
    {BB_F_ANSWER, 3, "ANSWER", bb_head_list},
};

int bb_frame_read(struct bb_bytes bytes, struct bb_frame *f, struct bb_fault *err)
{
    struct bb_members m = {bb_cur_of(bytes), 0, bytes.ptr, "a", err};
    const struct bb_head *h = NULL;

    memset(f, 0, sizeof(*f));
    if (bb_members_open(&m, 2, "it") < 0 || bb_members_u32(&m, "the kind", &f->kind) < 0 ||
        bb_members_u64(&m, "the session", &f->session) < 0)
        return -1;
    for (size_t i = 0; i < sizeof(bb_heads) / sizeof(bb_heads[0]); i++) {
        if (bb_heads[i].kind == f->kind)
            h = &bb_heads[i];
    }
    if (!h)
        return 0; /* the caller counts kinds that it does not know */
    m.frame = h->name;
    if (m.left + 2 < h->members)
        return bb_members_fail(&m, "has %u members, at least %u are needed", m.left + 2,
                               h->members);
    return h->read(&m, f);
}

/* ---- items ------------------------------------------------------------------------------------ */

static struct bb_members bb_item(const struct bb_frame *f)
{
    struct bb_members m = {f->list, 1, NULL, "", NULL};

    return m;
}

/* Ends an item: what it read counts only when all of it was good. */
static int bb_item_done(struct bb_frame *f, const struct bb_members *m)
{
    f->list = m->c;
    f->n--;
    return 1;
}

int bb_frame_next_deliver(struct bb_frame *f, struct bb_w_deliver *out)
{
    struct bb_members m = bb_item(f);

    if (f->n == 0)
        return 0;
    memset(out, 0, sizeof(*out));
    if (bb_members_open(&m, 9, "an item") < 0 || bb_members_u64(&m, "", &out->token) < 0 ||
        bb_members_u32(&m, "", &out->op) < 0 || bb_members_u32(&m, "", &out->route) < 0 ||
        bb_members_u32(&m, "", &out->attempt) < 0 || bb_members_u32(&m, "", &out->flags) < 0 ||
        bb_members_u32(&m, "", &out->budget_ms) < 0 ||
        bb_members_bytes(&m, "", BB_T_STR, false, &out->key) < 0 ||
        bb_members_bytes(&m, "", BB_T_STR, false, &out->short_key) < 0 ||
        bb_members_bytes(&m, "", BB_T_BIN, false, &out->whole) < 0 ||
        (m.left && bb_members_bytes(&m, "", BB_T_BIN, true, &out->attributes) < 0) || bb_members_close(&m) < 0)
        return -1;
    return bb_item_done(f, &m);
}

static int bb_result_error(struct bb_members *m, struct bb_w_result *out)
{
    struct bb_members e = *m;
    struct bb_tok t;

    if (bb_members_token(&e, "", &t) < 0)
        return -1;
    if (t.kind == BB_T_NIL) {
        *m = e;
        return 0;
    }
    if (t.kind != BB_T_ARRAY || t.n < 3)
        return -1;
    e.left = t.n;
    out->has_error = true;
    if (bb_members_bytes(&e, "", BB_T_STR, true, &out->vendor_code) < 0 ||
        bb_members_bytes(&e, "", BB_T_STR, true, &out->text) < 0 ||
        bb_members_u32(&e, "", &out->retry_after_ms) < 0 ||
        (e.left && bb_members_u32(&e, "", &out->error_flags) < 0) || bb_members_close(&e) < 0)
        return -1;
    m->c = e.c;
    m->left--;
    return 0;
}

/* nil, or an array of messages; absent in frames of hosts that know none. */
static int bb_result_children(struct bb_members *m, struct bb_w_result *out)
{
    struct bb_bytes message;
    struct bb_members e;
    struct bb_tok t;

    if (m->left == 0)
        return 0;
    if (bb_members_token(m, "", &t) < 0)
        return -1;
    if (t.kind == BB_T_NIL)
        return 0;
    if (t.kind != BB_T_ARRAY || t.n > BB_WIRE_CHILDREN_MAX)
        return -1;
    e = *m;
    e.left = t.n;
    while (e.left)
        if (bb_members_bytes(&e, "", BB_T_BIN, false, &message) < 0)
            return -1;
    out->children = (struct bb_bytes){m->c.p, (size_t)(e.c.p - m->c.p)};
    out->n_children = t.n;
    m->c = e.c;
    return 0;
}

int bb_frame_next_result(struct bb_frame *f, struct bb_w_result *out)
{
    struct bb_members m = bb_item(f);

    if (f->n == 0)
        return 0;
    memset(out, 0, sizeof(*out));
    if (bb_members_open(&m, 5, "an item") < 0 || bb_members_u64(&m, "", &out->token) < 0 ||
        bb_members_status_to(&m, BB_WIRE_RENDERED, &out->status) < 0 ||
        bb_members_bytes(&m, "", BB_T_BIN, true, &out->reply) < 0 ||
        bb_result_error(&m, out) < 0 ||
        bb_members_bytes(&m, "", BB_T_BIN, true, &out->body) < 0 ||
        bb_result_children(&m, out) < 0 || bb_members_close(&m) < 0)
        return -1;
    return bb_item_done(f, &m);
}

int bb_frame_next_query(struct bb_frame *f, struct bb_w_query *out)
{
    struct bb_members m = bb_item(f);

    if (f->n == 0)
        return 0;
    memset(out, 0, sizeof(*out));
    if (bb_members_open(&m, 5, "an item") < 0 || bb_members_u64(&m, "", &out->token) < 0 ||
        bb_members_bytes(&m, "", BB_T_STR, false, &out->endpoint) < 0 ||
        bb_members_bytes(&m, "", BB_T_STR, false, &out->op) < 0 ||
        bb_members_u32(&m, "", &out->budget_ms) < 0 ||
        bb_members_bytes(&m, "", BB_T_BIN, false, &out->request) < 0 || bb_members_close(&m) < 0)
        return -1;
    return bb_item_done(f, &m);
}

bool bb_result_next_child(struct bb_cur *c, struct bb_bytes *whole)
{
    struct bb_tok t;

    if (bb_cur_next(c, &t) < 0 || t.kind != BB_T_BIN)
        return false;
    *whole = t.s;
    return true;
}

int bb_frame_next_acked(struct bb_frame *f, struct bb_w_acked *out)
{
    struct bb_members m = bb_item(f);

    if (f->n == 0)
        return 0;
    memset(out, 0, sizeof(*out));
    if (bb_members_open(&m, 7, "an item") < 0 || bb_members_u64(&m, "", &out->cookie) < 0 ||
        bb_members_status(&m, &out->status) < 0 || bb_members_u64(&m, "", &out->first) < 0 ||
        bb_members_u64(&m, "", &out->last) < 0 || bb_members_u32(&m, "", &out->duplicates) < 0 ||
        bb_members_u64(&m, "", &out->state_version) < 0 ||
        bb_members_bytes(&m, "", BB_T_STR, true, &out->text) < 0 || bb_members_close(&m) < 0)
        return -1;
    return bb_item_done(f, &m);
}

int bb_frame_next_message(struct bb_frame *f, struct bb_bytes *out)
{
    struct bb_members m = bb_item(f);

    if (f->n == 0)
        return 0;
    if (bb_members_bytes(&m, "", BB_T_BIN, false, out) < 0)
        return -1;
    return bb_item_done(f, &m);
}

int bb_frame_next_token(struct bb_frame *f, uint64_t *out)
{
    struct bb_members m = bb_item(f);

    if (f->n == 0)
        return 0;
    if (bb_members_u64(&m, "", out) < 0)
        return -1;
    return bb_item_done(f, &m);
}

int bb_frame_next_metric(struct bb_frame *f, struct bb_bytes *name, uint32_t *kind, double *v)
{
    struct bb_members m = bb_item(f);
    struct bb_tok t;

    if (f->n == 0)
        return 0;
    if (bb_members_open(&m, 3, "an item") < 0 ||
        bb_members_bytes(&m, "", BB_T_STR, false, name) < 0 || bb_members_u32(&m, "", kind) < 0 ||
        bb_members_token(&m, "", &t) < 0)
        return -1;
    if (t.kind == BB_T_FLOAT)
        *v = t.f;
    else if (t.kind == BB_T_INT)
        *v = (double)t.i;
    else if (t.kind == BB_T_UINT)
        *v = (double)t.u;
    else
        return -1;
    /* one NaN would poison every later sum */
    if (!isfinite(*v) || bb_members_close(&m) < 0)
        return -1;
    return bb_item_done(f, &m);
}
