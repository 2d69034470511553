/*
 * finish.c - a node's parts, when all its keywords are read
 *
 * The properties and the required names become one table; the first 64 required names have a bit in
 * a mask, so that one comparison says whether all were there; what never needs a look at the value
 * gets no part. Thread: the compilation's.
 */
#include "core/schema/internal.h"

#define REQUIRED_BITS 64

static void *part(struct bb_draft *d, unsigned has, const void *from, size_t size)
{
    void *p = d->has & has ? bb_sarena_get(&d->b->s->arena, size) : NULL;

    if (p)
        memcpy(p, from, size);
    return p;
}

static const char *text_keep(struct bb_draft *d, struct bb_bytes s)
{
    return bb_sarena_text(&d->b->s->arena, s.ptr, s.len);
}

static uint32_t count_of(struct bb_bytes v)
{
    struct bb_cur c = bb_cur_of(v);
    struct bb_tok t = {0};

    if (v.len)
        bb_cur_next(&c, &t);
    return t.n;
}

/* Entries for "properties"; each name may be there once, as the JSON reader made sure. */
static void properties_add(struct bb_draft *d, struct bb_stable *t)
{
    struct bb_cur c = bb_cur_of(d->properties);
    struct bb_tok head, key;
    struct bb_bytes one;

    if (!d->properties.len || bb_cur_next(&c, &head) != 0)
        return;
    while (head.n-- && bb_cur_next(&c, &key) == 0 && bb_cur_value(&c, &one) == 0) {
        struct bb_sentry *e = &t->v[t->n++];
        e->key = text_keep(d, key.s);
        e->len = (uint32_t)key.s.len;
        e->bit = -1;
        e->node = bb_build_node(d->b, d, one.ptr, d->b->made[d->at].resource, false,
                                bb_build_at(d, "properties", &key.s));
        if (!e->key)
            return;
    }
}

static void required_add(struct bb_draft *d, struct bb_stable *t)
{
    struct bb_cur c = bb_cur_of(d->required);
    struct bb_tok head, key;
    uint32_t bit = 0;

    if (!d->required.len || bb_cur_next(&c, &head) != 0)
        return;
    d->obj.late = bb_sarena_get(&d->b->s->arena, (head.n + 1) * sizeof(*d->obj.late));
    for (; d->obj.late && head.n; head.n--) {
        struct bb_sentry *e;
        const uint8_t *at = c.p;
        if (bb_cur_next(&c, &key) != 0)
            return;
        if (key.kind != BB_T_STR) {
            bb_draft_say(d, true, at, "\"required\" takes a list of names");
            return;
        }
        if (bit == REQUIRED_BITS) {
            d->obj.late[d->obj.n_late].ptr = text_keep(d, key.s);
            d->obj.late[d->obj.n_late++].len = key.s.len;
            continue;
        }
        e = (struct bb_sentry *)(uintptr_t)bb_stable_find(t, key.s);
        if (!e) {
            e = &t->v[t->n++];
            e->key = text_keep(d, key.s);
            e->len = (uint32_t)key.s.len;
            e->bit = -1;
            if (!e->key || bb_stable_build(t, &d->b->s->arena) != 0)
                return;
        }
        if (e->bit < 0)
            e->bit = (int8_t)bit++;
        d->obj.required |= (uint64_t)1 << e->bit;
    }
}

static void keys_make(struct bb_draft *d)
{
    size_t max = (size_t)count_of(d->properties) + count_of(d->required);
    struct bb_stable *t;

    if (!max)
        return;
    if (max > BB_TABLE_MAX) {
        bb_draft_say(d, true, d->node->source, "more than %d properties in one schema",
                     BB_TABLE_MAX);
        return;
    }
    t = bb_sarena_get(&d->b->s->arena, sizeof(*t));
    if (!t || !(t->v = bb_sarena_get(&d->b->s->arena, max * sizeof(*t->v))))
        return;
    properties_add(d, t);
    if (d->b->s->arena.failed || bb_stable_build(t, &d->b->s->arena) != 0)
        return;
    required_add(d, t);
    d->obj.keys = t;
}

/* minimum and maximum alone, both integers: two comparisons say it. */
static void range_make(struct bb_snum *n)
{
    n->min = INT64_MIN;
    n->max = INT64_MAX;
    n->plain = !n->above.len && !n->below.len && !n->multiple.len &&
               (!n->minimum.len || bb_as_int(n->minimum, &n->min)) &&
               (!n->maximum.len || bb_as_int(n->maximum, &n->max));
}

/* An absent maximum is 0 until here, a given one is one too high: 0 - 1 is the highest. */
void bb_draft_finish(struct bb_draft *d)
{
    struct bb_snode *n = d->node;

    keys_make(d);
    range_make(&d->num);
    d->str.max--;
    d->arr.max--;
    d->obj.max--;
    d->arr.contains_max--;
    if (!(d->has & BB_HAS_CONTAINS_MIN))
        d->arr.contains_min = 1;
    n->num = part(d, BB_HAS_NUM, &d->num, sizeof(d->num));
    n->str = part(d, BB_HAS_STR, &d->str, sizeof(d->str));
    n->arr = part(d, BB_HAS_ARR, &d->arr, sizeof(d->arr));
    n->obj = part(d, BB_HAS_OBJ, &d->obj, sizeof(d->obj));
    n->logic = part(d, BB_HAS_LOGIC, &d->logic, sizeof(d->logic));
    if (d->arr.prefix || d->arr.items || d->arr.contains || d->arr.unique)
        n->flags |= BB_NODE_CHILDREN;
    if (d->arr.unevaluated || d->obj.unevaluated)
        n->flags |= BB_NODE_UNEVALUATED;
}
