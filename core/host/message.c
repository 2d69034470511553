/*
 * message.c - bb_msg: what a sink reads of a delivery
 *
 * A message points into the frame that it came in, or into what a transform rendered; both live as
 * long as someone holds the message. Structs come from the instance's pool and keep their render
 * buffer, so a delivery in the steady state allocates nothing.
 * Thread: any. The pool's lock guards its free lists; counts are atomic. The pool itself outlives
 * the instance when a plugin keeps a message past destroy().
 */
#include <stdlib.h>
#include <string.h>

#include "core/host/internal.h"

#define POOL_KEEP 4096              /* free messages that are kept */
#define POOL_FRAMES 256             /* free frames that are kept */
#define RENDER_KEEP (64u << 10)     /* a larger render buffer is given back */

struct bb_pool {
    pthread_mutex_t lock;
    struct bb_msg *msgs;
    struct bb_inframe *frames;
    unsigned n_msgs, n_frames; /* in the free lists */
    unsigned out;              /* frames in use; a message holds its frame */
    size_t max_message;
    bool ended;
};

struct bb_pool *bb_pool_new(size_t max_message)
{
    struct bb_pool *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    if (pthread_mutex_init(&p->lock, NULL) != 0) {
        free(p);
        return NULL;
    }
    p->max_message = max_message;
    return p;
}

static void bb_pool_free(struct bb_pool *p)
{
    while (p->msgs) {
        struct bb_msg *m = p->msgs;

        p->msgs = m->next;
        bb_buf_free(&m->rendered);
        bb_buf_free(&m->children);
        free(m);
    }
    while (p->frames) {
        struct bb_inframe *f = p->frames;

        p->frames = f->next;
        free(f);
    }
    pthread_mutex_destroy(&p->lock);
    free(p);
}

unsigned bb_pool_end(struct bb_pool *p)
{
    unsigned held;

    if (!p)
        return 0;
    pthread_mutex_lock(&p->lock);
    p->ended = true;
    held = p->out;
    pthread_mutex_unlock(&p->lock);
    if (held == 0)
        bb_pool_free(p);
    return held;
}

struct bb_inframe *bb_inframe_new(struct bb_pool *p)
{
    struct bb_inframe *f;

    pthread_mutex_lock(&p->lock);
    f = p->frames;
    if (f) {
        p->frames = f->next;
        p->n_frames--;
    }
    p->out++;
    pthread_mutex_unlock(&p->lock);
    if (!f) {
        f = malloc(sizeof(*f));
        if (!f) {
            pthread_mutex_lock(&p->lock);
            p->out--;
            pthread_mutex_unlock(&p->lock);
            return NULL;
        }
    }
    atomic_init(&f->refs, 1);
    f->pool = p;
    f->next = NULL;
    f->arrived = 0;
    zmq_msg_init(&f->msg);
    return f;
}

void bb_inframe_unref(struct bb_inframe *f)
{
    struct bb_pool *p = f->pool;
    bool last;

    if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    zmq_msg_close(&f->msg);
    pthread_mutex_lock(&p->lock);
    p->out--;
    last = p->ended && p->out == 0;
    if (p->n_frames < POOL_FRAMES) {
        f->next = p->frames;
        p->frames = f;
        p->n_frames++;
        f = NULL;
    }
    pthread_mutex_unlock(&p->lock);
    free(f);
    if (last)
        bb_pool_free(p);
}

struct bb_msg *bb_msg_new(struct bb_inframe *f)
{
    struct bb_pool *p = f->pool;
    struct bb_msg *m;

    pthread_mutex_lock(&p->lock);
    m = p->msgs;
    if (m) {
        p->msgs = m->next;
        p->n_msgs--;
    }
    pthread_mutex_unlock(&p->lock);
    if (!m) {
        m = calloc(1, sizeof(*m));
        if (!m)
            return NULL;
        bb_buf_init(&m->rendered, p->max_message);
        bb_buf_init(&m->children, p->max_message);
    }
    atomic_init(&m->refs, 1);
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    m->frame = f;
    m->has_body = false;
    m->n_children = 0;
    m->emitted = false;
    m->next = NULL;
    return m;
}

const bb_msg *bb_msg_hold(const bb_msg *m)
{
    bb_msg *w = (bb_msg *)(uintptr_t)m;

    if (w)
        atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
    return m;
}

void bb_msg_drop(const bb_msg *cm)
{
    bb_msg *m = (bb_msg *)(uintptr_t)cm;
    struct bb_inframe *f;
    struct bb_pool *p;

    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    f = m->frame;
    p = f->pool;
    if (m->rendered.cap > RENDER_KEEP)
        bb_buf_free(&m->rendered);
    bb_buf_reset(&m->rendered);
    m->note[0] = '\0';
    bb_buf_free(&m->children);
    pthread_mutex_lock(&p->lock);
    if (p->n_msgs < POOL_KEEP) {
        m->next = p->msgs;
        p->msgs = m;
        p->n_msgs++;
        m = NULL;
    }
    pthread_mutex_unlock(&p->lock);
    if (m) {
        bb_buf_free(&m->rendered);
        bb_buf_free(&m->children);
        free(m);
    }
    bb_inframe_unref(f); /* last: it may free the pool */
}

/* type and data of [attributes, data], in one pass over the attributes. */
static void bb_msg_parts(struct bb_bytes whole, struct bb_bytes *type, struct bb_bytes *data)
{
    struct bb_cur c = bb_cur_of(whole);
    struct bb_tok t, k;

    type->ptr = data->ptr = NULL;
    type->len = data->len = 0;
    if (bb_cur_next(&c, &t) < 0 || t.kind != BB_T_ARRAY || t.n != 2 || bb_cur_next(&c, &t) < 0 ||
        t.kind != BB_T_MAP)
        return;
    for (uint32_t i = 0, n = t.n; i < n; i++) {
        if (bb_cur_next(&c, &k) < 0 || bb_cur_next(&c, &t) < 0)
            return;
        if (k.kind == BB_T_STR && t.kind == BB_T_STR && k.s.len == 4 &&
            memcmp(k.s.ptr, "type", 4) == 0)
            *type = t.s;
    }
    data->ptr = c.p;
    data->len = (size_t)(c.end - c.p);
}

void bb_msg_look(const bb_msg *m, struct bb_msg_view *out)
{
    struct bb_msg_view v = {.size = sizeof(v), .attempt = m->attempt, .flags = m->flags,
                            .whole = m->whole, .key = m->key, .short_key = m->short_key};
    size_t n = out->size < sizeof(v) ? out->size : sizeof(v);
    uint32_t size = out->size;

    if (m->deadline != UINT64_MAX) {
        uint64_t now = bb_host_now();

        /* 0 would say that there is no limit */
        v.budget_ms = now + 1000000 < m->deadline ? (uint32_t)((m->deadline - now) / 1000000) : 1;
    }
    bb_msg_parts(m->whole, &v.type, &v.data);
    if (n < sizeof(out->size))
        return;
    memcpy(out, &v, n);
    out->size = size;
}
