/*
 * decimal.h - exact decimal numbers
 *
 * A decimal is coefficient / 10^scale, so 1.50 (150, 2) and 1.5 (15, 1) are equal and still two
 * spellings. Nothing here rounds unless it is told the scale and the mode; what cannot be exact
 * without them is an error. A decimal lies wholly in its struct (1.7 KiB, for the stack; only the
 * part in use is ever touched or copied): nothing allocates, nothing is to be freed.
 *
 * Limits: coefficient below 2^13568 (4,084 digits), scale at most BB_SCALE_MAX; the plain text of
 * every decimal therefore fits a message (4,096 bytes). An exponent is worked out when it is read,
 * so 1e400 is fine and 1e999999999 an error.
 *
 * Thread: any; no function keeps state. Arguments may be the same struct. Errors: -1 with err
 * filled (err may be NULL) and the result untouched. Programs that use it link -lgmp; the rest of
 * the library does not need it.
 */
#ifndef BUSBAR_DECIMAL_H
#define BUSBAR_DECIMAL_H

#include <busbar/message.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BB_DECIMAL_LIMBS 212
#define BB_SCALE_MAX 4080
#define BB_SCALE_EXACT (-1)  /* no rounding: the smallest scale that holds the value, or an error  \
                              */
#define BB_DECIMAL_TEXT 4096 /* bytes that hold any decimal's text and its NUL */

struct bb_decimal {
    uint32_t n; /* limbs in use, 0: zero */
    uint32_t scale;
    int32_t negative;
    uint32_t unused;
    uint64_t limb[BB_DECIMAL_LIMBS]; /* least significant first */
};

#define BB_ROUND_HALF_EVEN 0
#define BB_ROUND_HALF_UP 1   /* a tie goes away from zero */
#define BB_ROUND_HALF_DOWN 2 /* a tie goes towards zero */
#define BB_ROUND_UP 3        /* away from zero */
#define BB_ROUND_DOWN 4      /* towards zero */
#define BB_ROUND_CEILING 5   /* towards +infinity */
#define BB_ROUND_FLOOR 6     /* towards -infinity */
/* "half-even", "half-up", "half-down", "up", "down", "ceiling", "floor": the mode, or -1. */
int bb_round_mode(const char *name);
/* The name of a mode, or NULL. */
const char *bb_round_name(int mode);

/* ---- in and out ------------------------------------------------------------------------------ */
void bb_decimal_set_int(struct bb_decimal *d, int64_t v);
void bb_decimal_set_uint(struct bb_decimal *d, uint64_t v);
void bb_decimal_copy(struct bb_decimal *to, const struct bb_decimal *from);
/* A number in JSON's grammar, all of text, at most 4,096 bytes. -0 is 0, 1e3 is 1000, and 1.50
 * keeps its scale of 2. */
int bb_decimal_parse(struct bb_decimal *d, const char *text, size_t len, struct bb_fault *err);
/* Plain text without an exponent, with as many places as the scale says, and a NUL; its length. */
size_t bb_decimal_format(const struct bb_decimal *d, char out[BB_DECIMAL_TEXT]);
/* A msgpack value: 1 read, 0 another kind than integer and decimal, -1 past the limits. */
int bb_as_decimal(struct bb_bytes value, struct bb_decimal *d, struct bb_fault *err);
/* Writes it as a message holds it: an integer without places that fits 64 bits becomes one. */
void bb_decimal_put(struct bb_buf *b, const struct bb_decimal *d);
/* 1 and *out when it is an integer by value (3.00 is) that fits, else 0. */
int bb_decimal_to_int(const struct bb_decimal *d, int64_t *out);

/* ---- questions ------------------------------------------------------------------------------- */
static inline int bb_decimal_sign(const struct bb_decimal *d) /* -1, 0, 1 */
{
    return !d->n ? 0 : d->negative ? -1 : 1;
}
int bb_decimal_compare(const struct bb_decimal *a, const struct bb_decimal *b); /* -1, 0, 1 */
int bb_decimal_is_integer(const struct bb_decimal *d);
/* Is there an integer k with a = k * b? Only 0 is a multiple of 0. */
int bb_decimal_is_multiple(const struct bb_decimal *a, const struct bb_decimal *b);

/* The same on msgpack values, quick where both are integers of 64 bits.
 * -1: one of them is no number, or past the limits. */
int bb_number_compare(struct bb_bytes a, struct bb_bytes b, int *order); /* 0; *order -1, 0, 1 */
int bb_number_is_multiple(struct bb_bytes a, struct bb_bytes b);         /* 1, 0, -1 */
int bb_number_is_integer(struct bb_bytes a);                             /* by value: 1, 0, -1 */

/* ---- arithmetic: -1 only past the limits, or as said ------------------------------------------
 */
/* Scale of the sum: the larger of both; of the product: their sum. */
int bb_decimal_add(struct bb_decimal *out, const struct bb_decimal *a, const struct bb_decimal *b,
                   struct bb_fault *err);
int bb_decimal_subtract(struct bb_decimal *out, const struct bb_decimal *a,
                        const struct bb_decimal *b, struct bb_fault *err);
int bb_decimal_multiply(struct bb_decimal *out, const struct bb_decimal *a,
                        const struct bb_decimal *b, struct bb_fault *err);
/* To exactly scale places; more than it has are filled with zeros. */
int bb_decimal_round(struct bb_decimal *out, const struct bb_decimal *a, int scale, int mode,
                     struct bb_fault *err);
/* a * num / den: multiplied first, divided once, rounded once to scale. With BB_SCALE_EXACT (mode
 * is not used) a quotient that no decimal holds is an error. den 0 is an error. */
int bb_decimal_scale(struct bb_decimal *out, const struct bb_decimal *a,
                     const struct bb_decimal *num, const struct bb_decimal *den, int scale,
                     int mode, struct bb_fault *err);
/* Drops the zeros at the end of the places: 1.50 becomes 1.5, 2.00 becomes 2. */
void bb_decimal_trim(struct bb_decimal *d);

#ifdef __cplusplus
}
#endif
#endif
