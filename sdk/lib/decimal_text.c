/*
 * decimal_text.c - decimals from and to text and msgpack values
 *
 * The grammar is number.c's; here its digits become a coefficient. Up to 19 digits are collected
 * in one word, which is nearly every number there is; more go through GMP.
 *
 * Thread: any; no state. Invariant: a text of BB_DECIMAL_MAX bytes is the most that is looked at.
 */
#include "limbs.h"

#define EXPONENT_FAR 100000 /* past every limit; no use in counting on */

struct number {   /* the parts of a number whose grammar is right */
    uint64_t low; /* the coefficient while it has 19 digits at most */
    uint32_t n;   /* digits from the first that is not 0 on */
    int32_t scale;
    int negative;
    uint8_t digit[BB_DECIMAL_MAX]; /* their values */
};

static void number_read(struct number *x, const uint8_t *p, const uint8_t *end)
{
    int places = 0, after = 0, minus = 0, exponent = 0;

    x->low = 0;
    x->n = 0;
    x->negative = *p == '-';
    for (p += x->negative; p < end && (*p | 0x20) != 'e'; p++) {
        if (*p == '.') {
            after = 1;
            continue;
        }
        uint8_t d = (uint8_t)(*p - '0');
        places += after;
        if (!x->n && !d)
            continue;
        if (x->n < 19)
            x->low = x->low * 10 + d;
        x->digit[x->n++] = d;
    }
    if (p < end && ++p < end) {
        minus = *p == '-';
        for (p += minus || *p == '+'; p < end; p++)
            if (exponent < EXPONENT_FAR)
                exponent = exponent * 10 + (*p - '0');
    }
    x->scale = places - (minus ? -exponent : exponent);
}

static int number_take(struct bb_decimal *d, const struct number *x, struct bb_fault *err)
{
    struct bb_nat c;

    if (x->scale > BB_SCALE_MAX || (x->n && x->scale < -BB_DECIMAL_MAX))
        return bb_fault_set(err, 0,
                            "the number is out of range: at most 4,084 digits and %d "
                            "decimal places when written without an exponent",
                            BB_SCALE_MAX);
    if (x->n <= 19) {
        bb_nat_small(&c, x->low);
    } else {
        c.n = (uint32_t)mpn_set_str(c.v, x->digit, x->n, 10);
        c.n = bb_limbs_trim(c.v, c.n);
    }
    if (x->scale < 0)
        bb_nat_tens(&c, (uint32_t)-x->scale);
    return bb_decimal_keep(d, &c, x->negative, x->scale < 0 ? 0 : (uint32_t)x->scale, err);
}

int bb_decimal_parse(struct bb_decimal *d, const char *text, size_t len, struct bb_fault *err)
{
    const uint8_t *p = (const uint8_t *)text;
    struct number x;
    struct bb_num n;
    char quoted[44];
    int kind;

    if (!len || len > BB_DECIMAL_MAX)
        return bb_fault_set(err, 0, "a number has 1 to %d characters, not %zu", BB_DECIMAL_MAX,
                            len);
    kind = bb_num_read(p, p + len, &n);
    if (kind == BB_NUM_BAD || n.at != p + len)
        return bb_fault_set(err, (size_t)(n.at - p),
                            "\"%s\" is no number: it goes wrong at its "
                            "character %zu",
                            bb_fault_quote(quoted, text, len), (size_t)(n.at - p) + 1);
    if (kind == BB_NUM_INT) {
        bb_decimal_set_int(d, n.i);
        return 0;
    }
    if (kind == BB_NUM_UINT) {
        bb_decimal_set_uint(d, n.u);
        return 0;
    }
    number_read(&x, p, p + len);
    return number_take(d, &x, err);
}

/* The digits of the coefficient; *digits points at them, in room. */
static size_t digits_write(const struct bb_decimal *d, uint8_t room[BB_DECIMAL_TEXT],
                           const uint8_t **digits)
{
    uint64_t work[BB_DECIMAL_LIMBS + 1];
    uint8_t *w = room + BB_DECIMAL_TEXT;

    if (d->n < 2) {
        for (uint64_t v = d->n ? d->limb[0] : 0; v; v /= 10)
            *--w = (uint8_t)('0' + v % 10);
        *digits = w;
        return (size_t)(room + BB_DECIMAL_TEXT - w);
    }
    memcpy(work, d->limb, d->n * sizeof(*work));
    size_t n = mpn_get_str(room, 10, work, d->n), skip = 0;
    while (skip < n && !room[skip])
        skip++;
    for (size_t i = skip; i < n; i++)
        room[i] = (uint8_t)(room[i] + '0');
    *digits = room + skip;
    return n - skip;
}

size_t bb_decimal_format(const struct bb_decimal *d, char out[BB_DECIMAL_TEXT])
{
    uint8_t room[BB_DECIMAL_TEXT];
    const uint8_t *digits;
    size_t n = digits_write(d, room, &digits), whole = n > d->scale ? n - d->scale : 0;
    char *w = out;

    if (d->negative)
        *w++ = '-';
    if (whole)
        memcpy(w, digits, whole);
    else
        *w = '0';
    w += whole ? whole : 1;
    if (d->scale) {
        size_t zeros = d->scale - (n - whole);
        *w++ = '.';
        memset(w, '0', zeros);
        memcpy(w + zeros, digits + whole, n - whole);
        w += d->scale;
    }
    *w = 0;
    return (size_t)(w - out);
}

/* ---- msgpack values -------------------------------------------------------------------------- */

int bb_as_decimal(struct bb_bytes value, struct bb_decimal *d, struct bb_fault *err)
{
    struct bb_cur c = bb_cur_of(value);
    struct bb_tok t;

    if (bb_cur_read(&c, &t) != 0)
        return 0;
    switch (t.kind) {
    case BB_T_INT:
        bb_decimal_set_int(d, t.i);
        return 1;
    case BB_T_UINT:
        bb_decimal_set_uint(d, t.u);
        return 1;
    case BB_T_DECIMAL:
        return bb_decimal_parse(d, t.s.ptr, t.s.len, err) == 0 ? 1 : -1;
    default:
        return 0;
    }
}

void bb_decimal_put(struct bb_buf *b, const struct bb_decimal *d)
{
    char text[BB_DECIMAL_TEXT];

    if (!d->scale && d->n < 2 && (!d->negative || d->limb[0] <= (uint64_t)INT64_MAX + 1)) {
        uint64_t v = d->n ? d->limb[0] : 0;
        if (d->negative)
            bb_put_int(b, (int64_t)(0 - v));
        else
            bb_put_uint(b, v);
        return;
    }
    bb_put_decimal(b, text, bb_decimal_format(d, text));
}

/* Both as integers of 64 bits, the quick way: 1, or 0. */
static int both_int(struct bb_bytes a, struct bb_bytes b, int64_t *x, int64_t *y)
{
    struct bb_cur ca = bb_cur_of(a), cb = bb_cur_of(b);
    struct bb_tok ta, tb;

    if (bb_cur_read(&ca, &ta) != 0 || bb_cur_read(&cb, &tb) != 0 || ta.kind != BB_T_INT ||
        tb.kind != BB_T_INT)
        return 0;
    *x = ta.i;
    *y = tb.i;
    return 1;
}

int bb_number_compare(struct bb_bytes a, struct bb_bytes b, int *order)
{
    struct bb_decimal da, db;
    int64_t x, y;

    if (both_int(a, b, &x, &y)) {
        *order = x < y ? -1 : x > y;
        return 0;
    }
    if (bb_as_decimal(a, &da, NULL) != 1 || bb_as_decimal(b, &db, NULL) != 1)
        return -1;
    *order = bb_decimal_compare(&da, &db);
    return 0;
}

int bb_number_is_multiple(struct bb_bytes a, struct bb_bytes b)
{
    struct bb_decimal da, db;
    int64_t x, y;

    if (both_int(a, b, &x, &y))
        return y == 0 || y == -1 ? y != 0 || x == 0 : x % y == 0; /* INT64_MIN % -1 traps */
    if (bb_as_decimal(a, &da, NULL) != 1 || bb_as_decimal(b, &db, NULL) != 1)
        return -1;
    return bb_decimal_is_multiple(&da, &db);
}

int bb_number_is_integer(struct bb_bytes a)
{
    struct bb_cur c = bb_cur_of(a);
    struct bb_decimal d;
    struct bb_tok t;

    if (bb_cur_read(&c, &t) == 0 && (t.kind == BB_T_INT || t.kind == BB_T_UINT))
        return 1;
    return bb_as_decimal(a, &d, NULL) == 1 ? bb_decimal_is_integer(&d) : -1;
}
