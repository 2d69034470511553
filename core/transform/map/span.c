/*
 * span.c - a message, or an entry of a list, as spans of its own bytes
 *
 * Thread: one apply. Ownership: the level owns all spans, the bytes belong to others or to it.
 * Invariant: values of spans are whole msgpack values (RUN: a whole number of entries).
 */
#include "core/transform/map/map.h"

#include <string.h>

static const char damaged[] = "the message's bytes are damaged";

uint32_t bb_span_type(const struct bb_span *s)
{
    struct bb_cur c = bb_cur_of(bb_span_bytes(s));
    struct bb_tok t;

    if (s->kind == BB_SPAN_MAP)
        return BB_T_MAP;
    if (s->kind == BB_SPAN_ARRAY)
        return BB_T_ARRAY;
    return bb_cur_next(&c, &t) == 0 ? t.kind : BB_T_EXT;
}

uint32_t bb_span_count(const struct bb_span *s)
{
    uint32_t n = 0;

    for (const struct bb_span *e = s->child; e; e = e->next)
        n += e->kind == BB_SPAN_RUN ? e->count : 1;
    return n;
}

/* ---- going down ------------------------------------------------------------------------------ */
/* Past one value at p: most are small and are seen at a glance. NULL: damaged. */
static inline const uint8_t *value_end(const uint8_t *p, const uint8_t *end)
{
    struct bb_cur c = {p, end};
    size_t n;

    if (p == end)
        return NULL;
    n = *p < 0x80 || *p >= 0xe0 ? 1
        : *p >= 0xa0 && *p < 0xc0 ? 1u + (*p & 0x1f)
        : *p == 0xd9 && end - p > 1 ? 2u + p[1] : 0;
    if (n)
        return n <= (size_t)(end - p) ? p + n : NULL;
    return bb_cur_skip(&c) == 0 ? c.p : NULL;
}

/* Reads one entry of a map (or element of an array) at c into s, all members: 0, -1. */
static inline int entry_read(struct bb_cur *c, bool map, struct bb_span *s)
{
    const uint8_t *from = c->p, *end = c->end, *p = from;
    struct bb_tok t;

    s->next = s->child = NULL;
    s->count = 1;
    s->kind = BB_SPAN_LEAF;
    s->head = 0;
    s->sig = 0;
    if (map) {
        size_t n = from < end && (*from & 0xe0) == 0xa0 ? *from & 0x1f : SIZE_MAX;

        if (n < (size_t)(end - from)) { /* nearly every key */
            s->head = 1;
            p = from + 1 + n;
        } else {
            if (bb_cur_next(c, &t) != 0 || t.kind != BB_T_STR)
                return -1;
            p = c->p;
            n = t.s.len;
            s->head = (uint8_t)((const uint8_t *)t.s.ptr - from);
        }
        s->sig = bb_key_sig(from + s->head, n);
    }
    s->raw = map ? from : NULL;
    s->raw_len = (uint32_t)(p - from);
    s->value = p;
    c->p = value_end(p, end);
    if (!c->p)
        return -1;
    s->value_len = (uint32_t)(c->p - p);
    return 0;
}

/* Turns a leaf that holds a map or an array into its entries, or one run of them when there are
 * many. 1 done (or was), 0 it is neither, -1 with why. */
static int split(struct bb_level *l, struct bb_span *s)
{
    struct bb_cur c = bb_cur_of(bb_span_bytes(s));
    struct bb_span **link = &s->child;
    struct bb_tok t;
    bool map;

    if (s->kind == BB_SPAN_MAP || s->kind == BB_SPAN_ARRAY)
        return 1;
    if (bb_cur_next(&c, &t) != 0 || (t.kind != BB_T_MAP && t.kind != BB_T_ARRAY))
        return 0;
    map = t.kind == BB_T_MAP;
    if (t.n > BB_SPAN_SPLIT_MAX) {
        *link = bb_span_new(l);
        if (!*link)
            return -1;
        (*link)->kind = BB_SPAN_RUN;
        (*link)->count = t.n;
        (*link)->value = c.p;
        (*link)->value_len = (uint32_t)(c.end - c.p);
        t.n = 0;
    }
    for (uint32_t k = 0; k < t.n; k++) {
        struct bb_span *e = bb_span_raw(l);

        *link = NULL;
        if (!e)
            return -1;
        if (entry_read(&c, map, e) != 0) {
            l->why = damaged;
            return -1;
        }
        *link = e;
        link = &e->next;
    }
    s->kind = map ? BB_SPAN_MAP : BB_SPAN_ARRAY;
    return 1;
}

static inline bool key_is(const struct bb_span *s, const struct bb_seg *seg)
{
    return s->sig == seg->sig && s->raw && s->raw_len - s->head == seg->text.len &&
           memcmp(s->raw + s->head, seg->text.ptr, seg->text.len) == 0;
}

/* Cuts entry number k, whose bytes are from..to, out of the run at link; what it was stays around
 * it. The link to the entry. */
static struct bb_span **cut(struct bb_level *l, struct bb_span **link, uint32_t k,
                            const struct bb_span *entry, const uint8_t *from, const uint8_t *to)
{
    struct bb_span *run = *link, *e = bb_span_new(l), *after = NULL;
    const uint8_t *start = run->value, *end = start + run->value_len;

    if (!e)
        return NULL;
    *e = *entry;
    e->next = run->next;
    if (k + 1 < run->count) {
        after = k ? bb_span_new(l) : run; /* the first one: the run itself goes on behind it */
        if (!after)
            return NULL;
        after->kind = BB_SPAN_RUN;
        after->count = run->count - k - 1;
        after->value = to;
        after->value_len = (uint32_t)(end - to);
        after->next = run->next;
        e->next = after;
    }
    if (!k) {
        *link = e;
        return link;
    }
    run->count = k;
    run->value_len = (uint32_t)(from - start);
    run->next = e;
    return &run->next;
}

/* Looks for seg among the entries of a run, whose first is number `at`; NULL when it is not there
 * (why NULL) or on bad bytes. */
static struct bb_span **run_find(struct bb_level *l, struct bb_span **link, bool map,
                                 const struct bb_seg *seg, uint32_t at)
{
    struct bb_cur c = bb_cur_of(bb_span_bytes(*link));
    struct bb_span e;

    for (uint32_t k = 0; k < (*link)->count; k++) {
        const uint8_t *from = c.p;

        if (entry_read(&c, map, &e) != 0) {
            l->why = damaged;
            return NULL;
        }
        if (map ? key_is(&e, seg) : at + k == seg->index)
            return cut(l, link, k, &e, from, c.p);
    }
    return NULL;
}

/* The link to seg's entry; to nothing, at the end, when it is not there; NULL on bad bytes. */
static struct bb_span **child_find(struct bb_level *l, struct bb_span *parent,
                                   const struct bb_seg *seg)
{
    bool map = parent->kind == BB_SPAN_MAP;
    struct bb_span **link = &parent->child, **found;

    for (uint32_t at = 0; *link; link = &(*link)->next) {
        const struct bb_span *s = *link;

        if (s->kind != BB_SPAN_RUN) {
            if (map ? key_is(s, seg) : at == seg->index)
                return link;
            at++;
        } else {
            if (map || seg->index - at < s->count) {
                found = run_find(l, link, map, seg, at);
                if (found || l->why)
                    return found;
            }
            at += s->count;
        }
    }
    return link;
}

struct bb_span **bb_span_find(struct bb_level *l, struct bb_span **root, const struct bb_path *path)
{
    struct bb_span **link = root;

    for (uint32_t k = 0; link && *link && k < path->n; k++)
        link = split(l, *link) == 1 ? child_find(l, *link, &path->segs[k]) : NULL;
    return link && *link ? link : NULL;
}

static struct bb_span *child_new(struct bb_level *l, const struct bb_span *parent,
                                 const struct bb_seg *seg)
{
    struct bb_span *e;

    if (parent->kind == BB_SPAN_ARRAY && seg->index != BB_INDEX_END) {
        l->why = "an array has no such index (\"-\" appends)";
        return NULL;
    }
    e = bb_span_new(l);
    if (e && parent->kind == BB_SPAN_MAP) {
        e->raw = seg->raw.ptr;
        e->raw_len = (uint32_t)seg->raw.len;
        e->head = (uint8_t)(seg->raw.len - seg->text.len);
        e->sig = seg->sig;
    }
    return e;
}

struct bb_span *bb_span_make(struct bb_level *l, struct bb_span *root, const struct bb_path *path)
{
    struct bb_span *s = root, **link;

    for (uint32_t k = 0; s && k < path->n; k++, s = *link) {
        int rc = split(l, s);

        /* what was just made, and null, become a map; anything else is in the way */
        if (rc == 0 && s->value && bb_span_type(s) != BB_T_NIL) {
            l->why = "the way leads through a value that is no map or array";
            return NULL;
        }
        if (rc == 0)
            s->kind = BB_SPAN_MAP;
        link = rc < 0 ? NULL : child_find(l, s, &path->segs[k]);
        if (!link)
            return NULL;
        if (!*link)
            *link = child_new(l, s, &path->segs[k]);
    }
    return s;
}

/* ---- moving ---------------------------------------------------------------------------------- */
void bb_span_move(struct bb_span *to, const struct bb_span *from)
{
    to->kind = from->kind;
    to->count = from->count;
    to->value = from->value;
    to->value_len = from->value_len;
    to->child = from->child;
}

static int clone(struct bb_level *l, struct bb_span *to, const struct bb_span *from, unsigned depth)
{
    struct bb_span **link = &to->child;

    if (depth > BB_DEPTH_MAX) {
        l->why = "the message would nest deeper than 64 levels";
        return -1;
    }
    bb_span_move(to, from);
    *link = NULL;
    for (const struct bb_span *s = from->child; s; s = s->next) {
        struct bb_span *e = bb_span_raw(l);

        if (!e)
            return -1;
        *e = *s;
        e->next = NULL;
        *link = e;
        link = &e->next;
        if (clone(l, e, s, depth + 1) != 0)
            return -1;
    }
    return 0;
}

int bb_span_copy(struct bb_level *l, struct bb_span *to, const struct bb_span *from)
{
    return clone(l, to, from, 1);
}

/* ---- writing --------------------------------------------------------------------------------- */
struct writer {
    struct bb_buf *out;
    const uint8_t *from; /* bytes not yet written: neighbours that stayed neighbours go as one piece */
    size_t len;
};

static void flush(struct writer *w)
{
    if (w->len)
        bb_buf_put(w->out, w->from, w->len);
    w->len = 0;
}

static inline void put(struct writer *w, const uint8_t *p, uint32_t len)
{
    if (!w->len || p != w->from + w->len) {
        flush(w);
        w->from = p;
    }
    w->len += len;
}

static int span_put(struct writer *w, const struct bb_span *s, unsigned depth)
{
    if (s->kind == BB_SPAN_LEAF || s->kind == BB_SPAN_RUN) {
        put(w, s->value, s->value_len);
        return 0;
    }
    if (depth > BB_DEPTH_MAX)
        return -1;
    flush(w);
    (s->kind == BB_SPAN_MAP ? bb_put_map : bb_put_array)(w->out, bb_span_count(s));
    for (const struct bb_span *e = s->child; e; e = e->next) {
        if (e->raw)
            put(w, e->raw, e->raw_len);
        if (e->kind == BB_SPAN_LEAF)
            put(w, e->value, e->value_len);
        else if (span_put(w, e, depth + 1) != 0)
            return -1;
    }
    return 0;
}

int bb_span_write(const struct bb_span *s, unsigned depth, struct bb_buf *out)
{
    struct writer w = {out, NULL, 0};
    int rc = span_put(&w, s, depth);

    flush(&w);
    return rc;
}
