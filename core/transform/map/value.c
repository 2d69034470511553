/*
 * value.c - single values for rules: their text, their order, their equality, new ones
 *
 * Numbers are compared by value, exactly: 1, 1.0 and 1e0 are equal.
 *
 * Thread: any. Ownership: new values live in the level that is given.
 */
#include "core/transform/map/map.h"

#include <stdio.h>
#include <string.h>

bool bb_span_scalar(const struct bb_span *s, struct bb_tok *t)
{
    struct bb_cur c = bb_cur_of(bb_span_bytes(s));

    t->kind = BB_T_MAP; /* until it is known: callers look at it */
    return s->kind == BB_SPAN_LEAF && bb_cur_next(&c, t) == 0 && t->kind != BB_T_ARRAY &&
           t->kind != BB_T_MAP;
}

bool bb_scalar_of(struct bb_bytes v, struct bb_tok *t)
{
    struct bb_cur c = bb_cur_of(v);

    return bb_cur_next(&c, t) == 0 && t->kind != BB_T_ARRAY && t->kind != BB_T_MAP;
}

bool bb_scalar_number(const struct bb_tok *t)
{
    return t->kind == BB_T_INT || t->kind == BB_T_UINT || t->kind == BB_T_DECIMAL;
}

bool bb_scalar_text(const struct bb_tok *t, char small[32], struct bb_bytes *out)
{
    int n;

    switch (t->kind) {
    case BB_T_STR:
    case BB_T_DECIMAL:
        *out = t->s;
        return true;
    case BB_T_INT:
        n = snprintf(small, 32, "%lld", (long long)t->i);
        break;
    case BB_T_UINT:
        n = snprintf(small, 32, "%llu", (unsigned long long)t->u);
        break;
    case BB_T_BOOL:
        n = snprintf(small, 32, "%s", t->i ? "true" : "false");
        break;
    default:
        return false;
    }
    *out = (struct bb_bytes){small, (size_t)n};
    return true;
}

/* ---- order ------------------------------------------------------------------------------------- */
int bb_scalar_decimal(const struct bb_tok *t, struct bb_decimal *d)
{
    if (t->kind == BB_T_INT)
        bb_decimal_set_int(d, t->i);
    else if (t->kind == BB_T_UINT)
        bb_decimal_set_uint(d, t->u);
    else if (t->kind != BB_T_DECIMAL || bb_decimal_parse(d, t->s.ptr, t->s.len, NULL) != 0)
        return -1;
    return 0;
}

int bb_scalar_compare(const struct bb_tok *a, const struct bb_tok *b, int *order)
{
    struct bb_decimal x, y;

    if (a->kind == BB_T_INT && b->kind == BB_T_INT) {
        *order = (a->i > b->i) - (a->i < b->i);
        return 0;
    }
    if (bb_scalar_decimal(a, &x) != 0 || bb_scalar_decimal(b, &y) != 0)
        return -1;
    *order = bb_decimal_compare(&x, &y);
    return 0;
}

bool bb_scalar_equal(const struct bb_tok *a, const struct bb_tok *b)
{
    int order;

    if (bb_scalar_number(a) && bb_scalar_number(b))
        return bb_scalar_compare(a, b, &order) == 0 && order == 0;
    if (a->kind != b->kind)
        return false;
    if (a->kind == BB_T_STR)
        return a->s.len == b->s.len && memcmp(a->s.ptr, b->s.ptr, a->s.len) == 0;
    return a->kind == BB_T_NIL || (a->kind == BB_T_BOOL && a->i == b->i);
}

/* ---- new values -------------------------------------------------------------------------------- */
static int level_put(struct bb_level *l, size_t max, void (*put)(struct bb_buf *b, const char *s, size_t n),
                     const char *s, size_t n, struct bb_bytes *v)
{
    struct bb_buf b;

    bb_buf_init(&b, max);
    b.ptr = bb_level_bytes(l, max);
    b.cap = max; /* it never grows */
    if (!b.ptr)
        return -1;
    put(&b, s, n);
    if (b.failed) {
        l->why = "not a number";
        return -1;
    }
    *v = (struct bb_bytes){b.ptr, b.len};
    return 0;
}

int bb_level_str(struct bb_level *l, const void *s, size_t n, struct bb_bytes *v)
{
    if (n > UINT32_MAX - 5) {
        l->why = "the text is too long";
        return -1;
    }
    return level_put(l, n + 5, bb_put_str, s, n, v);
}

int bb_level_number(struct bb_level *l, const char *s, size_t n, struct bb_bytes *v)
{
    return level_put(l, n + 9, bb_put_decimal, s, n, v);
}

bb_status bb_work_put_value(struct bb_work *w, const struct bb_path *to, struct bb_bytes v,
                            const struct bb_path *from)
{
    struct bb_span s = {0};

    bb_span_set(&s, v);
    return bb_work_put(w, to, &s, from);
}

bb_status bb_work_put_text(struct bb_work *w, const struct bb_path *to, const void *s, size_t n,
                           const struct bb_path *from)
{
    struct bb_bytes v;

    if (bb_level_str(w->level, s, n, &v) != 0)
        return bb_work_reject(w, w->level->why, to);
    return bb_work_put_value(w, to, v, from);
}
