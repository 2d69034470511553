/*
 * limbs.c - wide naturals on GMP's mpn functions
 *
 * One limb is the usual case and is done in line; the rest is GMP's. See limbs.h for why nothing
 * here can overflow. Thread: any; no state.
 */
#include "limbs.h"

const uint64_t bb_tens[20] = {1u,
                              10u,
                              100u,
                              1000u,
                              10000u,
                              100000u,
                              1000000u,
                              10000000u,
                              100000000u,
                              1000000000u,
                              10000000000u,
                              100000000000u,
                              1000000000000u,
                              10000000000000u,
                              100000000000000u,
                              1000000000000000u,
                              10000000000000000u,
                              100000000000000000u,
                              1000000000000000000u,
                              10000000000000000000u};

static void nat_times_small(struct bb_nat *x, uint64_t m)
{
    if (!x->n)
        return;
    uint64_t carry = mpn_mul_1(x->v, x->v, x->n, m);
    if (carry)
        x->v[x->n++] = carry;
}

void bb_nat_tens(struct bb_nat *x, uint32_t k)
{
    for (; k > 19; k -= 19)
        nat_times_small(x, bb_tens[19]);
    if (k)
        nat_times_small(x, bb_tens[k]);
}

void bb_nat_times(struct bb_nat *x, const struct bb_decimal *a, const struct bb_decimal *b)
{
    if (a->n < b->n) {
        const struct bb_decimal *wide = b;
        b = a;
        a = wide;
    }
    if (b->n < 2) {
        bb_nat_of(x, a);
        if (b->n)
            nat_times_small(x, b->limb[0]);
        else
            x->n = 0;
        return;
    }
    mpn_mul(x->v, a->limb, a->n, b->limb, b->n);
    x->n = bb_limbs_trim(x->v, a->n + b->n);
}

uint64_t bb_nat_divide_small(struct bb_nat *x, uint64_t d)
{
    uint64_t rest;

    if (!x->n)
        return 0;
    if (x->n == 1) {
        rest = x->v[0] % d;
        x->v[0] /= d;
    } else {
        rest = mpn_divrem_1(x->v, 0, x->v, x->n, d);
    }
    x->n = bb_limbs_trim(x->v, x->n);
    return rest;
}

void bb_nat_divide(struct bb_nat *q, struct bb_nat *r, const struct bb_nat *n,
                   const struct bb_nat *d)
{
    if (d->n == 1) {
        q->n = n->n;
        memcpy(q->v, n->v, n->n * sizeof(*q->v));
        bb_nat_small(r, bb_nat_divide_small(q, d->v[0]));
    } else if (n->n < d->n) {
        q->n = 0;
        r->n = n->n;
        memcpy(r->v, n->v, n->n * sizeof(*r->v));
    } else {
        mpn_tdiv_qr(q->v, r->v, 0, n->v, n->n, d->v, d->n);
        q->n = bb_limbs_trim(q->v, n->n - d->n + 1);
        r->n = bb_limbs_trim(r->v, d->n);
    }
}

void bb_nat_next(struct bb_nat *x)
{
    if (!x->n) {
        bb_nat_small(x, 1);
        return;
    }
    uint64_t carry = mpn_add_1(x->v, x->v, x->n, 1);
    if (carry)
        x->v[x->n++] = carry;
}

int bb_decimal_keep(struct bb_decimal *out, const struct bb_nat *x, int negative, uint32_t scale,
                    struct bb_fault *err)
{
    if (scale > BB_SCALE_MAX)
        return bb_fault_set(err, 0, "the number has %u decimal places, the most is %d", scale,
                            BB_SCALE_MAX);
    if (x->n > BB_DECIMAL_LIMBS)
        return bb_fault_set(err, 0, "the number has more than 4,084 digits");
    out->n = x->n;
    out->scale = scale;
    out->negative = negative && x->n;
    out->unused = 0;
    memcpy(out->limb, x->v, x->n * sizeof(*x->v));
    return 0;
}

/* Is a quotient that was cut off to be made one larger? half: the rest against a half of one. */
static int away(int mode, int negative, int odd, int half)
{
    switch (mode) {
    case BB_ROUND_HALF_EVEN:
        return half > 0 || (half == 0 && odd);
    case BB_ROUND_HALF_UP:
        return half >= 0;
    case BB_ROUND_HALF_DOWN:
        return half > 0;
    case BB_ROUND_UP:
        return 1;
    case BB_ROUND_CEILING:
        return !negative;
    case BB_ROUND_FLOOR:
        return negative;
    default:
        return 0;
    }
}

int bb_decimal_quotient(struct bb_decimal *out, const struct bb_nat *n, const struct bb_nat *d,
                        int negative, uint32_t scale, int mode, struct bb_fault *err)
{
    struct bb_nat q, r;

    bb_nat_divide(&q, &r, n, d);
    if (r.n) {
        uint64_t carry = mpn_lshift(r.v, r.v, r.n, 1); /* 2 r against d */
        if (carry)
            r.v[r.n++] = carry;
        if (away(mode, negative, q.n && q.v[0] & 1, bb_nat_compare(&r, d)))
            bb_nat_next(&q);
    }
    return bb_decimal_keep(out, &q, negative, scale, err);
}
