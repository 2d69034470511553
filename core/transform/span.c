/*
 * span.c - a message as spans of its own bytes
 *
 * Thread: one apply. Ownership: the pool owns all spans, the bytes belong to others.
 * Invariant: values of spans are whole msgpack values (RUN: a whole number of entries).
 */
#include "core/transform/internal.h"

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

uint32_t bb_span_count(const struct bb_span *s)
{
    uint32_t n = 0;

    for (const struct bb_span *e = s->child; e; e = e->next)
        n += e->kind == BB_SPAN_RUN ? e->count : 1;
    return n;
}

/* ---- going down ------------------------------------------------------------------------------ */
/* Reads one entry of a map (or element of an array) at c into s: 0, -1 with why. */
static int entry_read(struct bb_spans *p, struct bb_cur *c, bool map, struct bb_span *s)
{
    const uint8_t *from = c->p;
    size_t n = from < c->end && (*from & 0xe0) == 0xa0 ? *from & 0x1f : SIZE_MAX;
    struct bb_tok t;

    if (map && n < (size_t)(c->end - from)) { /* nearly every key */
        s->key.ptr = from + 1;
        s->key.len = n;
        c->p += 1 + n;
    } else if (map) {
        if (bb_cur_next(c, &t) != 0 || t.kind != BB_T_STR)
            goto bad;
        s->key = t.s;
    }
    s->raw.ptr = map ? from : NULL;
    s->raw.len = (size_t)(c->p - from);
    if (bb_cur_value(c, &s->value) == 0)
        return 0;
bad:
    p->why = "the message's bytes are damaged";
    return -1;
}

/* Turns a leaf that holds a map or an array into its entries, or one run of them when there are
 * many. 1 done (or was), 0 it is neither, -1 with why. */
static int split(struct bb_spans *p, struct bb_span *s)
{
    struct bb_cur c = bb_cur_of(s->value);
    struct bb_span **link = &s->child;
    struct bb_tok t;

    if (s->kind == BB_SPAN_MAP || s->kind == BB_SPAN_ARRAY)
        return 1;
    if (bb_cur_next(&c, &t) != 0 || (t.kind != BB_T_MAP && t.kind != BB_T_ARRAY))
        return 0;
    for (uint32_t k = 0; k < t.n; k += (*link)->count, link = &(*link)->next) {
        *link = bb_span_new(p);
        if (!*link)
            return -1;
        (*link)->count = 1;
        if (t.n > BB_SPAN_SPLIT_MAX) {
            (*link)->kind = BB_SPAN_RUN;
            (*link)->count = t.n;
            (*link)->value = (struct bb_bytes){c.p, (size_t)(c.end - c.p)};
        } else if (entry_read(p, &c, t.kind == BB_T_MAP, *link) != 0) {
            return -1;
        }
    }
    s->kind = t.kind == BB_T_MAP ? BB_SPAN_MAP : BB_SPAN_ARRAY;
    return 1;
}

static bool key_is(const struct bb_span *s, const struct bb_seg *seg)
{
    return s->key.len == seg->text.len && s->key.ptr &&
           memcmp(s->key.ptr, seg->text.ptr, seg->text.len) == 0;
}

/* Cuts entry number k, whose bytes are from..to, out of the run at link; what it was stays around
 * it. The link to the entry. */
static struct bb_span **cut(struct bb_spans *p, struct bb_span **link, uint32_t k,
                            const struct bb_span *entry, const uint8_t *from, const uint8_t *to)
{
    struct bb_span *run = *link, *e = bb_span_new(p), *after = NULL;
    const uint8_t *start = run->value.ptr, *end = start + run->value.len;

    if (!e)
        return NULL;
    *e = *entry;
    e->next = run->next;
    if (k + 1 < run->count) {
        after = k ? bb_span_new(p) : run; /* the first one: the run itself goes on behind it */
        if (!after)
            return NULL;
        after->kind = BB_SPAN_RUN;
        after->count = run->count - k - 1;
        after->value.ptr = to;
        after->value.len = (size_t)(end - to);
        after->next = run->next;
        e->next = after;
    }
    if (!k) {
        *link = e;
        return link;
    }
    run->count = k;
    run->value.len = (size_t)(from - start);
    run->next = e;
    return &run->next;
}

/* Looks for seg among the entries of a run, whose first is number `at`; NULL when it is not there
 * (why NULL) or on bad bytes. */
static struct bb_span **run_find(struct bb_spans *p, struct bb_span **link, bool map,
                                 const struct bb_seg *seg, uint32_t at)
{
    struct bb_cur c = bb_cur_of((*link)->value);
    struct bb_span e = {0};

    for (uint32_t k = 0; k < (*link)->count; k++) {
        const uint8_t *from = c.p;

        if (entry_read(p, &c, map, &e) != 0)
            return NULL;
        if (map ? key_is(&e, seg) : at + k == seg->index)
            return cut(p, link, k, &e, from, c.p);
    }
    return NULL;
}

/* The link to seg's entry; to nothing, at the end, when it is not there; NULL on bad bytes. */
static struct bb_span **child_find(struct bb_spans *p, struct bb_span *parent,
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
                found = run_find(p, link, map, seg, at);
                if (found || p->why)
                    return found;
            }
            at += s->count;
        }
    }
    return link;
}

struct bb_span **bb_span_find(struct bb_spans *p, struct bb_span **root, const struct bb_path *path)
{
    struct bb_span **link = root;

    for (uint32_t k = 0; link && *link && k < path->n; k++)
        link = split(p, *link) == 1 ? child_find(p, *link, &path->segs[k]) : NULL;
    return link && *link ? link : NULL;
}

static struct bb_span *child_new(struct bb_spans *p, const struct bb_span *parent,
                                 const struct bb_seg *seg)
{
    struct bb_span *e;

    if (parent->kind == BB_SPAN_ARRAY && seg->index != BB_INDEX_END) {
        p->why = "an array has no such index (\"-\" appends)";
        return NULL;
    }
    e = bb_span_new(p);
    if (e && parent->kind == BB_SPAN_MAP) {
        e->key = seg->text;
        e->raw = seg->raw;
    }
    return e;
}

struct bb_span *bb_span_make(struct bb_spans *p, struct bb_span *root, const struct bb_path *path)
{
    struct bb_span *s = root, **link;

    for (uint32_t k = 0; s && k < path->n; k++, s = *link) {
        int rc = split(p, s);

        /* what was just made, and null, become a map; anything else is in the way */
        if (rc == 0 && s->value.ptr && bb_span_type(s) != BB_T_NIL) {
            p->why = "the way leads through a value that is no map or array";
            return NULL;
        }
        if (rc == 0)
            s->kind = BB_SPAN_MAP;
        link = rc < 0 ? NULL : child_find(p, s, &path->segs[k]);
        if (!link)
            return NULL;
        if (!*link)
            *link = child_new(p, s, &path->segs[k]);
    }
    return s;
}

/* ---- moving ---------------------------------------------------------------------------------- */
void bb_span_move(struct bb_span *to, const struct bb_span *from)
{
    to->kind = from->kind;
    to->count = from->count;
    to->value = from->value;
    to->child = from->child;
}

static int clone(struct bb_spans *p, struct bb_span *to, const struct bb_span *from, unsigned depth)
{
    struct bb_span **link = &to->child;

    if (depth > BB_DEPTH_MAX) {
        p->why = "the message would nest deeper than 64 levels";
        return -1;
    }
    bb_span_move(to, from);
    *link = NULL;
    for (const struct bb_span *s = from->child; s; s = s->next) {
        struct bb_span *e = bb_span_new(p);

        if (!e)
            return -1;
        e->key = s->key;
        e->raw = s->raw;
        *link = e;
        link = &e->next;
        if (clone(p, e, s, depth + 1) != 0)
            return -1;
    }
    return 0;
}

int bb_span_copy(struct bb_spans *p, struct bb_span *to, const struct bb_span *from)
{
    return clone(p, to, from, 1);
}
