/*
 * decimal.c - arithmetic and questions on decimals
 *
 * Everything is done on whole coefficients brought to one scale; see limbs.h for the room that
 * this takes at most. The short cuts for one limb are what nearly every quantity takes.
 * Thread: any; no state.
 */
#include "limbs.h"

static const char *const round_names[] = {"half-even", "half-up", "half-down", "up",
                                          "down",      "ceiling", "floor"};
#define ROUND_MODES (int)(sizeof(round_names) / sizeof(round_names[0]))

int bb_round_mode(const char *name)
{
    for (int i = 0; i < ROUND_MODES; i++)
        if (strcmp(name, round_names[i]) == 0)
            return i;
    return -1;
}

const char *bb_round_name(int mode)
{
    return mode >= 0 && mode < ROUND_MODES ? round_names[mode] : NULL;
}

void bb_decimal_set_uint(struct bb_decimal *d, uint64_t v)
{
    d->n = v != 0;
    d->scale = 0;
    d->negative = 0;
    d->unused = 0;
    d->limb[0] = v;
}

void bb_decimal_set_int(struct bb_decimal *d, int64_t v)
{
    bb_decimal_set_uint(d, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
    d->negative = v < 0;
}

void bb_decimal_copy(struct bb_decimal *to, const struct bb_decimal *from)
{
    to->n = from->n;
    to->scale = from->scale;
    to->negative = from->negative;
    to->unused = 0;
    memmove(to->limb, from->limb, from->n * sizeof(*to->limb));
}

/* ---- questions ------------------------------------------------------------------------------- */

/* Both coefficients at the larger scale. */
static void align(struct bb_nat *x, struct bb_nat *y, const struct bb_decimal *a,
                  const struct bb_decimal *b)
{
    bb_nat_of(x, a);
    bb_nat_of(y, b);
    if (a->scale < b->scale)
        bb_nat_tens(x, b->scale - a->scale);
    else
        bb_nat_tens(y, a->scale - b->scale);
}

static int magnitude_compare(const struct bb_decimal *a, const struct bb_decimal *b)
{
    struct bb_nat x, y;

    if (a->scale == b->scale && a->n == b->n && a->n) {
        int order = mpn_cmp(a->limb, b->limb, a->n);
        return order < 0 ? -1 : order > 0;
    }
    align(&x, &y, a, b);
    return bb_nat_compare(&x, &y);
}

int bb_decimal_compare(const struct bb_decimal *a, const struct bb_decimal *b)
{
    int x = bb_decimal_sign(a), y = bb_decimal_sign(b);

    if (x != y)
        return x < y ? -1 : 1;
    return x * magnitude_compare(a, b);
}

/* How many zeros at the end of d's places, at most its scale. x: its coefficient without them. */
static uint32_t zeros_drop(struct bb_nat *x, const struct bb_decimal *d)
{
    struct bb_nat y;
    uint32_t gone = 0, step = 16; /* by sixteens, then less */

    bb_nat_of(x, d);
    if (!x->n)
        return d->scale;
    while (step) {
        if (gone + step > d->scale) {
            step >>= 1;
            continue;
        }
        y.n = x->n;
        memcpy(y.v, x->v, x->n * sizeof(*y.v));
        if (bb_nat_divide_small(&y, bb_tens[step])) {
            step >>= 1;
            continue;
        }
        x->n = y.n;
        memcpy(x->v, y.v, y.n * sizeof(*y.v));
        gone += step;
    }
    return gone;
}

void bb_decimal_trim(struct bb_decimal *d)
{
    struct bb_nat x;

    if (!d->scale)
        return;
    d->scale -= zeros_drop(&x, d);
    d->n = x.n;
    memcpy(d->limb, x.v, x.n * sizeof(*x.v));
}

int bb_decimal_is_integer(const struct bb_decimal *d)
{
    struct bb_nat x;

    return !d->scale || zeros_drop(&x, d) == d->scale;
}

int bb_decimal_to_int(const struct bb_decimal *d, int64_t *out)
{
    struct bb_nat x;

    if (zeros_drop(&x, d) != d->scale || x.n > 1)
        return 0;
    if (!x.n)
        x.v[0] = 0;
    if (x.v[0] > (uint64_t)INT64_MAX + (d->negative != 0))
        return 0;
    *out = d->negative ? (int64_t)(0 - x.v[0]) : (int64_t)x.v[0];
    return 1;
}

int bb_decimal_is_multiple(const struct bb_decimal *a, const struct bb_decimal *b)
{
    struct bb_nat x, y, q, r;

    if (!b->n || !a->n)
        return !a->n;
    align(&x, &y, a, b);
    bb_nat_divide(&q, &r, &x, &y);
    return !r.n;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static int add(struct bb_decimal *out, const struct bb_decimal *a, const struct bb_decimal *b,
               int b_negative, struct bb_fault *err)
{
    uint32_t scale = a->scale > b->scale ? a->scale : b->scale;
    struct bb_nat x, y, *wide = &x, *narrow = &y;
    int negative = a->negative;
    uint64_t carry;

    align(&x, &y, a, b);
    if (bb_nat_compare(wide, narrow) < 0) {
        wide = &y;
        narrow = &x;
        negative = b_negative;
    }
    if (!narrow->n)
        return bb_decimal_keep(out, wide, negative, scale, err);
    if (a->negative == b_negative) {
        carry = mpn_add(wide->v, wide->v, wide->n, narrow->v, narrow->n);
        if (carry)
            wide->v[wide->n++] = carry;
    } else {
        mpn_sub(wide->v, wide->v, wide->n, narrow->v, narrow->n);
        wide->n = bb_limbs_trim(wide->v, wide->n);
    }
    return bb_decimal_keep(out, wide, negative, scale, err);
}

int bb_decimal_add(struct bb_decimal *out, const struct bb_decimal *a, const struct bb_decimal *b,
                   struct bb_fault *err)
{
    return add(out, a, b, b->negative, err);
}

int bb_decimal_subtract(struct bb_decimal *out, const struct bb_decimal *a,
                        const struct bb_decimal *b, struct bb_fault *err)
{
    return add(out, a, b, b->n && !b->negative, err);
}

int bb_decimal_multiply(struct bb_decimal *out, const struct bb_decimal *a,
                        const struct bb_decimal *b, struct bb_fault *err)
{
    struct bb_nat x;

    bb_nat_times(&x, a, b);
    return bb_decimal_keep(out, &x, a->negative != b->negative, a->scale + b->scale, err);
}

static int scale_check(int scale, int mode, struct bb_fault *err)
{
    if (scale < 0 || scale > BB_SCALE_MAX)
        return bb_fault_set(err, 0, "a scale of %d decimal places: it must be 0 to %d", scale,
                            BB_SCALE_MAX);
    if (!bb_round_name(mode))
        return bb_fault_set(err, 0, "there is no rounding mode %d", mode);
    return 0;
}

int bb_decimal_round(struct bb_decimal *out, const struct bb_decimal *a, int scale, int mode,
                     struct bb_fault *err)
{
    struct bb_nat x, d;

    if (scale_check(scale, mode, err) != 0)
        return -1;
    bb_nat_of(&x, a);
    if ((uint32_t)scale >= a->scale) {
        bb_nat_tens(&x, (uint32_t)scale - a->scale);
        return bb_decimal_keep(out, &x, a->negative, (uint32_t)scale, err);
    }
    bb_nat_small(&d, 1);
    bb_nat_tens(&d, a->scale - (uint32_t)scale);
    return bb_decimal_quotient(out, &x, &d, a->negative, (uint32_t)scale, mode, err);
}

/* How often 5 divides x, which is not 0. */
static int fives_count(const struct bb_nat *x)
{
    static const struct {
        uint64_t power;
        int of;
    } step[] = {{7450580596923828125u, 27}, {390625u, 8}, {25u, 2}, {5u, 1}};
    struct bb_nat a, b;
    int fives = 0;

    a.n = x->n;
    memcpy(a.v, x->v, x->n * sizeof(*a.v));
    for (unsigned i = 0; i < sizeof(step) / sizeof(step[0]);) {
        b.n = a.n;
        memcpy(b.v, a.v, a.n * sizeof(*b.v));
        if (bb_nat_divide_small(&b, step[i].power)) {
            i++;
            continue;
        }
        a.n = b.n;
        memcpy(a.v, b.v, b.n * sizeof(*a.v));
        fives += step[i].of;
    }
    return fives;
}

/* n / d, which stands for as many places as has says, at the smallest scale that holds it: the 2s
 * and 5s that d has more of than n become places, and the other way round. */
static int quotient_exact(struct bb_decimal *out, struct bb_nat *n, struct bb_nat *d, int negative,
                          int has, struct bb_fault *err)
{
    struct bb_nat q, r;
    int scale;

    if (!n->n)
        return bb_decimal_keep(out, n, 0, 0, err);
    int twos = (int)mpn_scan1(d->v, 0) - (int)mpn_scan1(n->v, 0);
    int fives = fives_count(d) - fives_count(n);
    scale = has + (twos > fives ? twos : fives);
    if (scale < 0)
        scale = 0;
    if (scale > BB_SCALE_MAX)
        return bb_fault_set(err, 0, "the quotient has more than %d decimal places", BB_SCALE_MAX);
    if (scale >= has)
        bb_nat_tens(n, (uint32_t)(scale - has));
    else
        bb_nat_tens(d, (uint32_t)(has - scale));
    bb_nat_divide(&q, &r, n, d);
    if (r.n)
        return bb_fault_set(err, 0,
                            "the quotient has no end: say to how many places it is to be "
                            "rounded, and how");
    return bb_decimal_keep(out, &q, negative, (uint32_t)scale, err);
}

int bb_decimal_scale(struct bb_decimal *out, const struct bb_decimal *a,
                     const struct bb_decimal *num, const struct bb_decimal *den, int scale,
                     int mode, struct bb_fault *err)
{
    int has = (int)a->scale + (int)num->scale - (int)den->scale;
    int negative = (a->negative != num->negative) != den->negative;
    struct bb_nat n, d;

    if (scale != BB_SCALE_EXACT && scale_check(scale, mode, err) != 0)
        return -1;
    if (!den->n)
        return bb_fault_set(err, 0, "division by zero");
    bb_nat_times(&n, a, num);
    bb_nat_of(&d, den);
    if (scale == BB_SCALE_EXACT)
        return quotient_exact(out, &n, &d, negative, has, err);
    if (scale >= has)
        bb_nat_tens(&n, (uint32_t)(scale - has));
    else
        bb_nat_tens(&d, (uint32_t)(has - scale));
    return bb_decimal_quotient(out, &n, &d, negative, (uint32_t)scale, mode, err);
}
