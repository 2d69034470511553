/*
 * equal.c - equality as JSON has it: 1 is 1.0, the members of an object have no order
 *
 * Two of many are found by a hash that equal values share; elements with the same hash are
 * compared. Whoever chooses values with one hash pays from the run's work, not with our time.
 * Thread: the run's.
 */
#include "core/schema/internal.h"

#include <busbar/decimal.h>

#define NEST_MAX 128

static bool number(const struct bb_tok *t)
{
    return t->kind == BB_T_INT || t->kind == BB_T_UINT || t->kind == BB_T_DECIMAL;
}

static int malformed(struct bb_schema_run *r)
{
    bb_run_fault(r, "the bytes are no canonical value");
    return -1;
}

static int equal(struct bb_schema_run *r, struct bb_cur *a, struct bb_cur *b, unsigned depth);

/* Each member of a in b; both have n. b is left at its first key. */
static int maps_equal(struct bb_schema_run *r, struct bb_cur *a, struct bb_cur *b, uint32_t n,
                      unsigned depth)
{
    struct bb_tok x, y;
    uint32_t i, k;
    int rc = 1;

    for (i = 0; i < n && rc == 1; i++) {
        struct bb_cur at = *b;
        if (bb_cur_read(a, &x) != 0 || x.kind != BB_T_STR)
            return malformed(r);
        rc = 0;
        for (k = 0; k < n; k++) {
            if (!bb_run_work(r, 1))
                return -1;
            if (bb_cur_read(&at, &y) != 0 || y.kind != BB_T_STR)
                return malformed(r);
            if (x.s.len == y.s.len && memcmp(x.s.ptr, y.s.ptr, x.s.len) == 0) {
                rc = equal(r, a, &at, depth + 1);
                break;
            }
            if (bb_cur_skip(&at) != 0)
                return malformed(r);
        }
    }
    return rc;
}

static int equal(struct bb_schema_run *r, struct bb_cur *a, struct bb_cur *b, unsigned depth)
{
    struct bb_cur a0 = *a, b0 = *b, end;
    struct bb_tok x, y;
    int order, rc = 1;

    if (!bb_run_work(r, 1))
        return -1;
    if (depth > NEST_MAX || bb_cur_read(a, &x) != 0 || bb_cur_read(b, &y) != 0)
        return malformed(r);
    if (number(&x) && number(&y)) {
        if (bb_number_compare((struct bb_bytes){a0.p, (size_t)(a->p - a0.p)},
                              (struct bb_bytes){b0.p, (size_t)(b->p - b0.p)}, &order) != 0) {
            bb_run_fault(r, "a number is past the limits of exact arithmetic");
            return -1;
        }
        return order == 0;
    }
    if (x.kind != y.kind)
        return 0;
    switch (x.kind) {
    case BB_T_NIL:
        return 1;
    case BB_T_BOOL:
        return x.i == y.i;
    case BB_T_STR:
        return x.s.len == y.s.len && memcmp(x.s.ptr, y.s.ptr, x.s.len) == 0;
    case BB_T_ARRAY:
        rc = x.n == y.n;
        while (rc == 1 && x.n--)
            rc = equal(r, a, b, depth + 1);
        return rc;
    case BB_T_MAP:
        if (x.n != y.n)
            return 0;
        rc = maps_equal(r, a, b, x.n, depth);
        end = b0;
        if (rc == 1 && bb_cur_skip(&end) != 0)
            return malformed(r);
        *b = end; /* whole, for what comes after it */
        return rc;
    default:
        return malformed(r);
    }
}

int bb_values_equal(struct bb_schema_run *r, struct bb_bytes a, struct bb_bytes b)
{
    struct bb_cur x = bb_cur_of(a), y = bb_cur_of(b);

    return equal(r, &x, &y, 0);
}

/* ---- hashes ------------------------------------------------------------------------------------- */
static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
    const uint8_t *s = p;
    uint64_t v;

    for (; n >= 8; n -= 8, s += 8) {
        memcpy(&v, s, 8);
        h = mix(h, v);
    }
    v = n;
    while (n--)
        v = v << 8 | *s++;
    return mix(h, v);
}

static bool number_hash(struct bb_bytes v, const struct bb_tok *t, uint64_t *h)
{
    struct bb_decimal d;
    int64_t i = t->i;

    if (t->kind != BB_T_INT) {
        if (bb_as_decimal(v, &d, NULL) != 1)
            return false;
        bb_decimal_trim(&d);
        if (!bb_decimal_to_int(&d, &i)) {
            *h = hash_bytes(mix(5, d.scale << 1 | (uint64_t)(d.negative != 0)), d.limb,
                            d.n * sizeof(*d.limb));
            return true;
        }
    }
    *h = mix(4, (uint64_t)i);
    return true;
}

static bool hash(struct bb_schema_run *r, struct bb_cur *c, unsigned depth, uint64_t *h)
{
    const uint8_t *p = c->p;
    struct bb_tok t, key;
    uint64_t one, sum = 0;
    uint32_t n;

    if (!bb_run_work(r, 1))
        return false;
    if (depth > NEST_MAX || bb_cur_read(c, &t) != 0)
        return malformed(r) > 0;
    switch (t.kind) {
    case BB_T_NIL:
    case BB_T_BOOL:
        *h = mix(t.kind, (uint64_t)(t.kind == BB_T_BOOL && t.i));
        return true;
    case BB_T_STR:
        *h = hash_bytes(3, t.s.ptr, t.s.len);
        return bb_run_work(r, t.s.len / 8);
    case BB_T_ARRAY:
        for (n = t.n, sum = 6; n--; sum = mix(sum, one))
            if (!hash(r, c, depth + 1, &one))
                return false;
        *h = sum;
        return true;
    case BB_T_MAP: /* a sum: members have no order */
        for (n = t.n; n--; sum += mix(one, hash_bytes(7, key.s.ptr, key.s.len)))
            if (bb_cur_read(c, &key) != 0 || key.kind != BB_T_STR)
                return malformed(r) > 0;
            else if (!hash(r, c, depth + 1, &one))
                return false;
        *h = mix(8, sum + t.n);
        return true;
    default:
        if (!number(&t))
            return malformed(r) > 0;
        if (number_hash((struct bb_bytes){p, (size_t)(c->p - p)}, &t, h))
            return true;
        bb_run_fault(r, "a number is past the limits of exact arithmetic");
        return false;
    }
}

struct element {
    uint64_t hash;
    const uint8_t *p;
};

int bb_values_twice(struct bb_schema_run *r, struct bb_cur c, uint32_t count, uint32_t pair[2])
{
    size_t scratch = r->scratch_used, mask = 3, at;
    struct element *v;
    uint32_t *slots, i;
    int rc = 0;

    if (count < 2)
        return 0;
    while (mask < 2 * (size_t)count)
        mask = mask * 2 + 1;
    v = bb_run_get(r, count * sizeof(*v));
    slots = bb_run_get(r, (mask + 1) * sizeof(*slots));
    if (!v || !slots)
        return -1;
    for (i = 0; i < count && !rc; i++) {
        v[i].p = c.p;
        if (!hash(r, &c, 0, &v[i].hash))
            return -1;
        for (at = v[i].hash >> 7 & mask; slots[at] && !rc; at = (at + 1) & mask) {
            struct element *old = &v[slots[at] - 1];
            if (!bb_run_work(r, 1))
                return -1;
            if (old->hash == v[i].hash) {
                struct bb_cur x = {old->p, r->end}, y = {v[i].p, r->end};
                rc = equal(r, &x, &y, 0);
                pair[0] = slots[at] - 1;
                pair[1] = i;
            }
        }
        if (!rc)
            slots[at] = i + 1;
    }
    r->scratch_used = scratch;
    return rc;
}
