/*
 * span.c - a message as spans of its own bytes
 *
 * Thread: one apply. Ownership: the pool owns all spans, the bytes belong to others.
 * Invariants: a MAP's or ARRAY's count is the sum over its children; last is its last child;
 * values of spans are whole msgpack values (RUN: a whole number of entries).
 */
#include "core/transform/span.h"

#include <stdlib.h>
#include <string.h>

void bb_spans_init(struct bb_spans *p)
{
    p->blocks = &p->first;
    p->first.next = NULL;
    p->used = p->total = 0;
    p->why = NULL;
}

void bb_spans_free(struct bb_spans *p)
{
    while (p->blocks != &p->first) {
        struct bb_span_block *next = p->blocks->next;
        free(p->blocks);
        p->blocks = next;
    }
}

struct bb_span *bb_span_new(struct bb_spans *p)
{
    struct bb_span *s;
    if (p->total == BB_SPANS_MAX) {
        p->why = "the rules copy the message into itself too many times";
        return NULL;
    }
    if (p->used == BB_SPAN_LOCAL) {
        struct bb_span_block *b = malloc(sizeof *b);
        if (!b) {
            p->why = "out of memory";
            return NULL;
        }
        b->next = p->blocks;
        p->blocks = b;
        p->used = 0;
    }
    s = &p->blocks->spans[p->used++];
    p->total++;
    memset(s, 0, sizeof *s);
    return s;
}

/* msgpack's first bytes 0xc0 to 0xdf: how many bytes tell a length, how many follow besides it, and
 * how many values each unit of the length stands for (0: the unit is a byte). */
static const struct {
    uint8_t length, fixed, values;
} forms[32] = {
    {0, 0, 0}, {9, 0, 0}, {0, 0, 0}, {0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {4, 0, 0},  {1, 1, 0},
    {2, 1, 0}, {4, 1, 0}, {0, 4, 0}, {0, 8, 0}, {0, 1, 0}, {0, 2, 0}, {0, 4, 0},  {0, 8, 0},
    {0, 1, 0}, {0, 2, 0}, {0, 4, 0}, {0, 8, 0}, {0, 2, 0}, {0, 3, 0}, {0, 5, 0},  {0, 9, 0},
    {0, 17, 0}, {1, 0, 0}, {2, 0, 0}, {4, 0, 0}, {2, 0, 1}, {4, 0, 1}, {2, 0, 2}, {4, 0, 2},
};

/* bb_cur_skip() without reading the tokens: most of a transform's time is walking past what no
 * rule wants. NULL on bad bytes. */
static const uint8_t *skip(const uint8_t *p, const uint8_t *end)
{
    uint64_t due = 1;
    while (due) {
        uint64_t n = 0, bytes;
        uint8_t b;
        if (p == end)
            return NULL;
        b = *p++;
        due--;
        if (b < 0x80 || b >= 0xe0)
            continue;
        if (b >= 0xa0 && b < 0xc0) {
            bytes = b & 0x1f;
        } else if (b < 0xa0) {
            due += b < 0x90 ? 2u * (b & 0xf) : (b & 0xf);
            continue;
        } else {
            uint8_t length = forms[b & 0x1f].length;
            if (length > 4 || length > end - p) /* 9 marks 0xc1, which msgpack never uses */
                return NULL;
            while (length--)
                n = n << 8 | *p++;
            bytes = forms[b & 0x1f].fixed + (forms[b & 0x1f].values ? 0 : n);
            due += n * forms[b & 0x1f].values;
        }
        if (bytes > (uint64_t)(end - p))
            return NULL;
        p += bytes;
    }
    return p;
}

int bb_span_read(struct bb_cur *c, struct bb_span *s)
{
    const uint8_t *from = c->p, *to = skip(c->p, c->end);
    if (!to)
        return -1;
    s->value.ptr = from;
    s->value.len = (size_t)(to - from);
    c->p = to;
    return 0;
}

uint32_t bb_span_type(const struct bb_span *s)
{
    struct bb_cur c = bb_cur_of(s->value);
    struct bb_tok t;
    if (s->kind == BB_SPAN_MAP)
        return BB_T_MAP;
    if (s->kind == BB_SPAN_ARRAY)
        return BB_T_ARRAY;
    return bb_cur_next(&c, &t) == 0 ? t.kind : BB_T_EXT;
}

static void append(struct bb_span *parent, struct bb_span *s)
{
    if (parent->last)
        parent->last->next = s;
    else
        parent->child = s;
    parent->last = s;
}

/* Reads one entry of a map (or element of an array) at c into s. */
static int entry_read(struct bb_spans *p, struct bb_cur *c, int map, struct bb_span *s)
{
    if (map) {
        size_t n = c->p < c->end && (*c->p & 0xe0) == 0xa0 ? *c->p & 0x1f : SIZE_MAX;
        s->raw.ptr = c->p;
        if (n < (size_t)(c->end - c->p)) { /* nearly every key */
            s->key.ptr = c->p + 1;
            s->key.len = n;
            c->p += 1 + n;
        } else {
            struct bb_tok t;
            if (bb_cur_next(c, &t) != 0 || t.kind != BB_T_STR)
                goto bad;
            s->key = t.s;
        }
        s->raw.len = (size_t)(c->p - (const uint8_t *)s->raw.ptr);
    }
    s->value.ptr = c->p;
    c->p = skip(c->p, c->end);
    if (!c->p)
        goto bad;
    s->value.len = (size_t)(c->p - (const uint8_t *)s->value.ptr);
    return 0;
bad:
    p->why = "the message's bytes are damaged";
    return -1;
}

/* Turns a leaf that holds a map or an array into its entries. 1 done (or was), 0 it is neither. */
static int split(struct bb_spans *p, struct bb_span *s)
{
    struct bb_cur c = {s->value.ptr, NULL};
    struct bb_span *e;
    struct bb_tok t;
    if (c.p)
        c.end = c.p + s->value.len;
    if (s->kind == BB_SPAN_MAP || s->kind == BB_SPAN_ARRAY)
        return 1;
    if (!c.p || bb_cur_next(&c, &t) != 0 || (t.kind != BB_T_MAP && t.kind != BB_T_ARRAY))
        return 0;
    if (t.n > BB_SPAN_SPLIT_MAX) {
        e = bb_span_new(p);
        if (!e)
            return -1;
        e->kind = BB_SPAN_RUN;
        e->count = t.n;
        e->value.ptr = c.p;
        e->value.len = (size_t)(c.end - c.p);
        append(s, e);
    } else {
        for (uint32_t k = 0; k < t.n; k++) {
            e = bb_span_new(p);
            if (!e || entry_read(p, &c, t.kind == BB_T_MAP, e) != 0)
                return -1;
            append(s, e);
        }
    }
    s->kind = t.kind == BB_T_MAP ? BB_SPAN_MAP : BB_SPAN_ARRAY;
    s->count = t.n;
    return 1;
}

/* Cuts entry number k, whose bytes are from..to, out of run; what it was stays around it. */
static struct bb_span *cut(struct bb_spans *p, struct bb_span *parent, struct bb_span *run,
                           uint32_t k, const struct bb_span *entry, const uint8_t *from,
                           const uint8_t *to)
{
    const uint8_t *end = (const uint8_t *)run->value.ptr + run->value.len;
    struct bb_span *e = run, *before = NULL, *after = NULL;
    uint32_t count = run->count;
    struct bb_span *next = run->next;
    if (k > 0) {
        before = run;
        e = bb_span_new(p);
    }
    if (e && k + 1 < count) {
        after = bb_span_new(p);
        if (!after)
            return NULL;
        after->kind = BB_SPAN_RUN;
        after->count = count - k - 1;
        after->value.ptr = to;
        after->value.len = (size_t)(end - to);
    }
    if (!e)
        return NULL;
    if (before) {
        before->count = k;
        before->value.len = (size_t)(from - (const uint8_t *)before->value.ptr);
        before->next = e;
    }
    *e = *entry;
    e->next = after ? after : next;
    if (after)
        after->next = next;
    if (parent->last == run)
        parent->last = after ? after : e;
    return e;
}

static int key_is(const struct bb_span *s, const struct bb_seg *seg)
{
    return s->key.len == seg->text.len && s->key.ptr &&
           memcmp(s->key.ptr, seg->text.ptr, seg->text.len) == 0;
}

/* Looks for seg among the entries of a run; NULL when it is not there (why NULL) or on bad bytes. */
static struct bb_span *run_find(struct bb_spans *p, struct bb_span *parent, struct bb_span *run,
                                const struct bb_seg *seg, uint32_t at)
{
    struct bb_cur c = bb_cur_of(run->value);
    struct bb_span e;
    int map = parent->kind == BB_SPAN_MAP;
    for (uint32_t k = 0; k < run->count; k++) {
        const uint8_t *from = c.p;
        memset(&e, 0, sizeof e);
        if (entry_read(p, &c, map, &e) != 0)
            return NULL;
        if (map ? key_is(&e, seg) : at + k == seg->index)
            return cut(p, parent, run, k, &e, from, c.p);
    }
    return NULL;
}

static struct bb_span *child_find(struct bb_spans *p, struct bb_span *parent,
                                  const struct bb_seg *seg)
{
    int map = parent->kind == BB_SPAN_MAP;
    uint32_t at = 0;
    if (!map && seg->index >= parent->count)
        return NULL;
    for (struct bb_span *s = parent->child; s; s = s->next) {
        uint32_t n = s->kind == BB_SPAN_RUN ? s->count : 1;
        if (s->kind == BB_SPAN_RUN) {
            if (map || seg->index - at < n) {
                struct bb_span *e = run_find(p, parent, s, seg, at);
                if (e || p->why)
                    return e;
            }
        } else if (map ? key_is(s, seg) : at == seg->index) {
            return s;
        }
        at += n;
    }
    return NULL;
}

struct bb_span *bb_span_find(struct bb_spans *p, struct bb_span *root, const struct bb_path *path,
                             struct bb_span **parent)
{
    struct bb_span *s = root;
    for (uint32_t k = 0; k < path->n; k++) {
        if (split(p, s) != 1)
            return NULL;
        if (parent)
            *parent = s;
        s = child_find(p, s, &path->segs[k]);
        if (!s)
            return NULL;
    }
    return s;
}

struct bb_span *bb_span_make(struct bb_spans *p, struct bb_span *root, const struct bb_path *path)
{
    struct bb_span *s = root;
    for (uint32_t k = 0; k < path->n; k++) {
        const struct bb_seg *seg = &path->segs[k];
        struct bb_span *e;
        int rc = split(p, s);
        if (rc < 0)
            return NULL;
        if (rc == 0) {
            /* what was just made, and null, become a map; anything else is in the way */
            if (s->value.ptr && bb_span_type(s) != BB_T_NIL) {
                p->why = "the way leads through a value that is no map or array";
                return NULL;
            }
            s->kind = BB_SPAN_MAP;
        }
        e = child_find(p, s, seg);
        if (p->why)
            return NULL;
        if (!e) {
            if (s->kind == BB_SPAN_ARRAY && seg->index != BB_INDEX_END) {
                p->why = "an array has no such index (\"-\" appends)";
                return NULL;
            }
            e = bb_span_new(p);
            if (!e)
                return NULL;
            if (s->kind == BB_SPAN_MAP) {
                e->key = seg->text;
                e->raw = seg->raw;
            }
            append(s, e);
            s->count++;
        }
        s = e;
    }
    return s;
}

void bb_span_unlink(struct bb_span *parent, struct bb_span *s)
{
    struct bb_span *before = NULL, *e = parent->child;
    for (; e && e != s; e = e->next)
        before = e;
    if (!e)
        return;
    if (before)
        before->next = s->next;
    else
        parent->child = s->next;
    if (parent->last == s)
        parent->last = before;
    parent->count--;
}

static int clone(struct bb_spans *p, struct bb_span *to, const struct bb_span *from, unsigned depth)
{
    if (depth > BB_DEPTH_MAX) {
        p->why = "the message would nest deeper than 64 levels";
        return -1;
    }
    to->kind = from->kind;
    to->count = from->count;
    to->value = from->value;
    to->child = to->last = NULL;
    for (const struct bb_span *s = from->child; s; s = s->next) {
        struct bb_span *e = bb_span_new(p);
        if (!e)
            return -1;
        e->key = s->key;
        e->raw = s->raw;
        if (clone(p, e, s, depth + 1) != 0)
            return -1;
        append(to, e);
    }
    return 0;
}

int bb_span_copy(struct bb_spans *p, struct bb_span *to, const struct bb_span *from)
{
    /* from may lie inside to, or be to: read it whole before to changes */
    struct bb_span whole;
    memset(&whole, 0, sizeof whole);
    if (clone(p, &whole, from, 1) != 0)
        return -1;
    to->kind = whole.kind;
    to->count = whole.count;
    to->value = whole.value;
    to->child = whole.child;
    to->last = whole.last;
    return 0;
}
