/*
 * number.c - RFC 8259's number: is it one, and is it an integer of 64 bits?
 *
 * The only place that knows the grammar; the JSON reader, the decimal builder and the check of
 * canonical bytes all ask here. Thread: any; no state.
 */
#include "codec.h"

static inline int is_digit(const uint8_t *p, const uint8_t *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

/* The part after an integer: NULL on success with *p moved, else where it goes wrong. */
static const uint8_t *fraction(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;

    if (p < end && *p == '.') {
        p++;
        if (!is_digit(p, end))
            return p;
        while (is_digit(p, end))
            p++;
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (!is_digit(p, end))
            return p;
        while (is_digit(p, end))
            p++;
    }
    *at = p;
    return NULL;
}

int bb_num_read(const uint8_t *p, const uint8_t *end, struct bb_num *n)
{
    const uint8_t *first, *bad;
    int neg = p < end && *p == '-', wide = 0;
    uint64_t v = 0;

    p += neg;
    first = p;
    n->at = p;
    if (!is_digit(p, end))
        return BB_NUM_BAD;
    for (; is_digit(p, end); p++) {
        unsigned d = *p - '0';
        if (v >= UINT64_MAX / 10 && (v > UINT64_MAX / 10 || d > UINT64_MAX % 10))
            wide = 1;
        v = v * 10 + d;
    }
    n->at = p;
    if (*first == '0' && p - first > 1) {
        n->at = first + 1;
        return BB_NUM_BAD;
    }
    if (p < end && (*p == '.' || (*p | 0x20) == 'e')) {
        bad = fraction(&p, end);
        n->at = bad ? bad : p;
        return bad ? BB_NUM_BAD : BB_NUM_DECIMAL;
    }
    if (wide || (neg && (v == 0 || v > (uint64_t)INT64_MAX + 1)))
        return BB_NUM_DECIMAL;
    n->u = v;
    n->i = neg ? (int64_t)(0 - v) : (int64_t)v;
    return neg || v <= INT64_MAX ? BB_NUM_INT : BB_NUM_UINT;
}
