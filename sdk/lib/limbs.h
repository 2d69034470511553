/*
 * limbs.h - the wide naturals under a decimal; not installed
 *
 * A struct bb_nat is wide enough for whatever one step of decimal arithmetic makes out of
 * decimals within their limits: the product of two, moved by the largest difference of scales.
 * So no function here can run out of room, and none allocates: GMP's mpn level works on the
 * memory it is given (its scratch space is on the stack at these sizes). 7 KiB each: locals only,
 * never zeroed as a whole.
 *
 * Invariant: v[n - 1] is not 0; n is 0 for zero. Thread: any; no state.
 */
#ifndef BB_SDK_LIMBS_H
#define BB_SDK_LIMBS_H

#include "codec.h"
#include <busbar/decimal.h>
#include <gmp.h>

_Static_assert(GMP_NUMB_BITS == 64, "decimals are written for GMP's limbs of 64 bits");

/* 10^k takes at most this many limbs: log2(10) / 64 is below 0.0520 */
#define BB_LIMBS_OF_TENS(k) ((k)*52 / 1000 + 1)
/* a * num at 10^(scale - (a.scale - den.scale)) */
#define BB_NAT_LIMBS (2 * BB_DECIMAL_LIMBS + BB_LIMBS_OF_TENS(2 * BB_SCALE_MAX + 20) + 8)

struct bb_nat {
    uint32_t n;
    uint64_t v[BB_NAT_LIMBS];
};

extern const uint64_t bb_tens[20]; /* 10^0 to 10^19 */

static inline uint32_t bb_limbs_trim(const uint64_t *v, uint32_t n)
{
    while (n && !v[n - 1])
        n--;
    return n;
}
static inline void bb_nat_of(struct bb_nat *x, const struct bb_decimal *d)
{
    x->n = d->n;
    memcpy(x->v, d->limb, d->n * sizeof(*x->v));
}
static inline void bb_nat_small(struct bb_nat *x, uint64_t v)
{
    x->n = v != 0;
    x->v[0] = v;
}
static inline int bb_nat_compare(const struct bb_nat *a, const struct bb_nat *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    int order = a->n ? mpn_cmp(a->v, b->v, a->n) : 0;
    return order < 0 ? -1 : order > 0;
}
void bb_nat_tens(struct bb_nat *x, uint32_t k); /* x * 10^k */
void bb_nat_times(struct bb_nat *x, const struct bb_decimal *a, const struct bb_decimal *b);
/* q and r of n / d, d not 0; all four are different structs. */
void bb_nat_divide(struct bb_nat *q, struct bb_nat *r, const struct bb_nat *n,
                   const struct bb_nat *d);
uint64_t bb_nat_divide_small(struct bb_nat *x, uint64_t d); /* x / d, the remainder returned */
void bb_nat_next(struct bb_nat *x);                         /* x + 1 */

/* n / d at scale with a sign, rounded as mode says, into out: -1 when it is too wide. */
int bb_decimal_quotient(struct bb_decimal *out, const struct bb_nat *n, const struct bb_nat *d,
                        int negative, uint32_t scale, int mode, struct bb_fault *err);
/* x at scale into out: -1 when it is too wide. */
int bb_decimal_keep(struct bb_decimal *out, const struct bb_nat *x, int negative, uint32_t scale,
                    struct bb_fault *err);

#endif
