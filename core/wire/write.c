/*
 * write.c - frames between the hub and its hosts: writing
 *
 * Thread: any; a frame grows in the caller's buffer, whose sticky `failed` is the only error: look
 * at it once, before the frame is sent. A list's count stands as array32 so that it can be patched
 * when the list ends.
 */
#include <string.h>

#include "core/wire/wire.h"

static void bb_put_head(struct bb_buf *b, uint32_t members, uint32_t kind, uint64_t session)
{
    bb_put_array(b, members);
    bb_put_uint(b, kind);
    bb_put_uint(b, session);
}

static void bb_put_text(struct bb_buf *b, struct bb_bytes text)
{
    bb_put_str(b, text.ptr ? text.ptr : "", text.ptr ? text.len : 0);
}

static void bb_put_bin_or_nil(struct bb_buf *b, struct bb_bytes v)
{
    if (v.ptr)
        bb_put_bin(b, v.ptr, v.len);
    else
        bb_put_nil(b);
}

static void bb_put_value_or_nil(struct bb_buf *b, struct bb_bytes v)
{
    if (v.ptr)
        bb_put_raw(b, v);
    else
        bb_put_nil(b);
}

void bb_put_hello(struct bb_buf *b, const char *endpoint, uint32_t worker, struct bb_bytes secret,
                  int64_t pid, struct bb_bytes info)
{
    bb_put_head(b, 8, BB_F_HELLO, 0);
    bb_put_uint(b, BB_WIRE_VERSION);
    bb_put_cstr(b, endpoint);
    bb_put_uint(b, worker);
    bb_put_bin(b, secret.ptr, secret.len);
    bb_put_int(b, pid);
    bb_put_value_or_nil(b, info);
}

void bb_put_ready(struct bb_buf *b, uint64_t session, int32_t status, const char *text)
{
    bb_put_head(b, 4, BB_F_READY, session);
    bb_put_int(b, status);
    bb_put_cstr(b, text ? text : "");
}

void bb_put_submit(struct bb_buf *b, uint64_t session, uint64_t cookie,
                   const struct bb_state *state, uint32_t n)
{
    bb_put_head(b, 5, BB_F_SUBMIT, session);
    bb_put_uint(b, cookie);
    if (state) {
        bb_put_array(b, 2);
        bb_put_uint(b, state->expected_version);
        bb_put_bin(b, state->value.ptr ? state->value.ptr : "", state->value.len);
    } else {
        bb_put_nil(b);
    }
    bb_put_array(b, n);
}

void bb_put_alive(struct bb_buf *b, uint64_t session, uint32_t busy_ms, int32_t status,
                  const char *text)
{
    bb_put_head(b, 5, BB_F_ALIVE, session);
    bb_put_uint(b, busy_ms);
    bb_put_int(b, status);
    bb_put_cstr(b, text ? text : "");
}

void bb_put_log(struct bb_buf *b, uint64_t session, uint32_t level, struct bb_bytes text,
                struct bb_bytes attrs)
{
    bb_put_head(b, 5, BB_F_LOG, session);
    bb_put_uint(b, level);
    bb_put_text(b, text);
    bb_put_value_or_nil(b, attrs);
}

void bb_put_stopped(struct bb_buf *b, uint64_t session)
{
    bb_put_head(b, 2, BB_F_STOPPED, session);
}

void bb_put_welcome(struct bb_buf *b, uint64_t session, struct bb_bytes map)
{
    bb_put_head(b, 3, BB_F_WELCOME, session);
    bb_put_raw(b, map);
}

void bb_put_credit(struct bb_buf *b, uint64_t session, uint64_t messages, uint64_t bytes)
{
    bb_put_head(b, 4, BB_F_CREDIT, session);
    bb_put_uint(b, messages);
    bb_put_uint(b, bytes);
}

void bb_put_stop(struct bb_buf *b, uint64_t session, uint32_t budget_ms)
{
    bb_put_head(b, 3, BB_F_STOP, session);
    bb_put_uint(b, budget_ms);
}

void bb_put_ping(struct bb_buf *b, uint64_t session)
{
    bb_put_head(b, 2, BB_F_PING, session);
}

void bb_put_intake(struct bb_buf *b, uint64_t session, bool open, uint32_t retry_after_s,
                   const char *text)
{
    bb_put_head(b, 5, BB_F_INTAKE, session);
    bb_put_bool(b, open);
    bb_put_uint(b, retry_after_s);
    bb_put_cstr(b, text ? text : "");
}

/* ---- lists ------------------------------------------------------------------------------------ */

struct bb_list bb_list_begin(struct bb_buf *b, uint32_t kind, uint64_t session)
{
    static const uint8_t empty[5] = {0xdd, 0, 0, 0, 0};
    struct bb_list l = {0, 0};

    bb_put_head(b, 3, kind, session);
    l.at = b->len + 1;
    bb_buf_put(b, empty, sizeof(empty));
    return l;
}

void bb_list_end(struct bb_buf *b, const struct bb_list *l)
{
    if (b->failed || l->at + 4 > b->len)
        return;
    for (int i = 0; i < 4; i++)
        b->ptr[l->at + (size_t)i] = (uint8_t)(l->n >> (24 - 8 * i));
}

void bb_list_deliver(struct bb_buf *b, struct bb_list *l, const struct bb_w_deliver *d)
{
    bb_put_array(b, d->attributes.len ? 10 : 9);
    bb_put_uint(b, d->token);
    bb_put_uint(b, d->op);
    bb_put_uint(b, d->route);
    bb_put_uint(b, d->attempt);
    bb_put_uint(b, d->flags);
    bb_put_uint(b, d->budget_ms);
    bb_put_text(b, d->key);
    bb_put_text(b, d->short_key);
    bb_put_bin(b, d->whole.ptr, d->whole.len);
    if (d->attributes.len)
        bb_put_bin(b, d->attributes.ptr, d->attributes.len);
    l->n++;
}

void bb_list_result(struct bb_buf *b, struct bb_list *l, const struct bb_w_result *r)
{
    bb_put_array(b, r->n_children ? 6 : 5);
    bb_put_uint(b, r->token);
    bb_put_int(b, r->status);
    bb_put_bin_or_nil(b, r->reply);
    if (r->has_error) {
        bb_put_array(b, r->error_flags ? 4 : 3);
        bb_put_text(b, r->vendor_code);
        bb_put_text(b, r->text);
        bb_put_uint(b, r->retry_after_ms);
        if (r->error_flags)
            bb_put_uint(b, r->error_flags);
    } else {
        bb_put_nil(b);
    }
    bb_put_bin_or_nil(b, r->body);
    if (r->n_children) {
        bb_put_array(b, r->n_children);
        bb_put_raw(b, r->children);
    }
    l->n++;
}

void bb_list_query(struct bb_buf *b, struct bb_list *l, const struct bb_w_query *q)
{
    bb_put_array(b, 5);
    bb_put_uint(b, q->token);
    bb_put_text(b, q->endpoint);
    bb_put_text(b, q->op);
    bb_put_uint(b, q->budget_ms);
    bb_put_bin(b, q->request.ptr, q->request.len);
    l->n++;
}

void bb_list_acked(struct bb_buf *b, struct bb_list *l, const struct bb_w_acked *a)
{
    bb_put_array(b, 7);
    bb_put_uint(b, a->cookie);
    bb_put_int(b, a->status);
    bb_put_uint(b, a->first);
    bb_put_uint(b, a->last);
    bb_put_uint(b, a->duplicates);
    bb_put_uint(b, a->state_version);
    bb_put_text(b, a->text);
    l->n++;
}

void bb_list_token(struct bb_buf *b, struct bb_list *l, uint64_t token)
{
    bb_put_uint(b, token);
    l->n++;
}

void bb_list_metric(struct bb_buf *b, struct bb_list *l, const char *name, uint32_t kind, double v)
{
    uint64_t bits;
    uint8_t f64[9] = {0xcb};

    bb_put_array(b, 3);
    bb_put_cstr(b, name);
    bb_put_uint(b, kind);
    memcpy(&bits, &v, sizeof(bits));
    for (int i = 0; i < 8; i++)
        f64[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
    bb_buf_put(b, f64, sizeof(f64));
    l->n++;
}
