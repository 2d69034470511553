/*
 * cursor.c - reading msgpack in place
 *
 * Every byte may be hostile. A token is given only when all of it is there; a count is believed
 * only when the bytes left could hold that many values, so no reader can be made to reserve
 * memory. Skipping counts the values still due instead of recursing: the stack is constant and
 * the time linear, however deep the nesting.
 * Thread: any; no state, no memory.
 */
#include "codec.h"

const struct bb_form bb_forms[32] = {
    {BB_T_NIL, 0},     {BB_T_BAD, 0},    {BB_T_BOOL, 0},   {BB_T_BOOL, 0},   /* c0 */
    {BB_T_BIN, 1},     {BB_T_BIN, 2},    {BB_T_BIN, 4},    {BB_T_EXT, 1},    /* c4 */
    {BB_T_EXT, 2},     {BB_T_EXT, 4},    {BB_T_FLOAT, 4},  {BB_T_FLOAT, 8},  /* c8 */
    {BB_T_UINT, 1},    {BB_T_UINT, 2},   {BB_T_UINT, 4},   {BB_T_UINT, 8},   /* cc */
    {BB_T_INT, 1},     {BB_T_INT, 2},    {BB_T_INT, 4},    {BB_T_INT, 8},    /* d0 */
    {BB_T_FIXEXT, 1},  {BB_T_FIXEXT, 2}, {BB_T_FIXEXT, 4}, {BB_T_FIXEXT, 8}, /* d4 */
    {BB_T_FIXEXT, 16}, {BB_T_STR, 1},    {BB_T_STR, 2},    {BB_T_STR, 4},    /* d8 */
    {BB_T_ARRAY, 2},   {BB_T_ARRAY, 4},  {BB_T_MAP, 2},    {BB_T_MAP, 4},    /* dc */
};

static void read_float(struct bb_tok *t, uint64_t v, unsigned wide)
{
    if (wide == 4) {
        uint32_t narrow = (uint32_t)v;
        float f;
        memcpy(&f, &narrow, 4);
        t->f = (double)f;
    } else {
        memcpy(&t->f, &v, 8);
    }
}

static int read_payload(struct bb_cur *c, struct bb_tok *t, const uint8_t *p, uint64_t len)
{
    if (len > (uint64_t)(c->end - p))
        return -1;
    t->s.ptr = p;
    t->s.len = (size_t)len;
    c->p = p + len;
    return 0;
}

/* p is at the ext's type byte. */
static int read_ext(struct bb_cur *c, struct bb_tok *t, const uint8_t *p, uint64_t len)
{
    if (p == c->end)
        return -1;
    t->i = (int8_t)*p;
    t->kind = t->i == BB_EXT_DECIMAL ? BB_T_DECIMAL : BB_T_EXT;
    return read_payload(c, t, p + 1, len);
}

int bb_cur_form(struct bb_cur *c, struct bb_tok *t)
{
    const uint8_t *p = c->p;
    struct bb_form f = bb_forms[*p & 0x1f];
    uint64_t v;

    t->kind = f.kind;
    if (f.kind == BB_T_FIXEXT)
        return read_ext(c, t, p + 1, f.wide);
    if (f.kind == BB_T_BAD || f.wide > c->end - p - 1)
        return -1;
    v = f.wide ? bb_be_get(p + 1, f.wide) : *p & 1;
    p += 1 + f.wide;
    switch (f.kind) {
    case BB_T_BIN:
    case BB_T_STR:
        return read_payload(c, t, p, v);
    case BB_T_EXT:
        return read_ext(c, t, p, v);
    case BB_T_ARRAY:
    case BB_T_MAP:
        if ((f.kind == BB_T_MAP ? v * 2 : v) > (uint64_t)(c->end - p))
            return -1;
        t->n = (uint32_t)v;
        break;
    case BB_T_INT: {
        unsigned shift = 64 - 8u * f.wide;
        t->i = (int64_t)(v << shift) >> shift;
        break;
    }
    case BB_T_UINT:
        t->u = v;
        t->i = (int64_t)v;
        t->kind = v > INT64_MAX ? BB_T_UINT : BB_T_INT;
        break;
    case BB_T_FLOAT:
        read_float(t, v, f.wide);
        break;
    default: /* nil and bool */
        t->i = (int64_t)v;
        break;
    }
    c->p = p;
    return 0;
}

int bb_cur_next(struct bb_cur *c, struct bb_tok *t)
{
    memset(t, 0, sizeof(*t));
    return bb_cur_read(c, t);
}

/* The first bytes 0xc0 to 0xdf: how many bytes tell a length, how many follow besides it, and how
 * many values each unit of the length stands for (0: the unit is a byte). */
static const struct {
    uint8_t length, fixed, values;
} forms[32] = {
    {0, 0, 0}, {9, 0, 0}, {0, 0, 0}, {0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {4, 0, 0},  {1, 1, 0},
    {2, 1, 0}, {4, 1, 0}, {0, 4, 0}, {0, 8, 0}, {0, 1, 0}, {0, 2, 0}, {0, 4, 0},  {0, 8, 0},
    {0, 1, 0}, {0, 2, 0}, {0, 4, 0}, {0, 8, 0}, {0, 2, 0}, {0, 3, 0}, {0, 5, 0},  {0, 9, 0},
    {0, 17, 0}, {1, 0, 0}, {2, 0, 0}, {4, 0, 0}, {2, 0, 1}, {4, 0, 1}, {2, 0, 2}, {4, 0, 2},
};

/* Without reading the tokens: most of a transform's time is walking past what no rule wants. */
int bb_cur_skip(struct bb_cur *c)
{
    const uint8_t *p = c->p, *end = c->end;
    uint64_t due = 1; /* values still to come; each takes a byte at least */

    while (due) {
        uint64_t n = 0, bytes;
        uint8_t b;

        if (due > (uint64_t)(end - p))
            return -1;
        b = *p++;
        due--;
        if (b < 0x80 || b >= 0xe0)
            continue;
        if (b >= 0xa0 && b < 0xc0) {
            bytes = b & 0x1f;
        } else if (b < 0xa0) {
            due += b < 0x90 ? 2u * (b & 0xf) : (b & 0xf);
            continue;
        } else {
            uint8_t length = forms[b & 0x1f].length;

            if (length > 4 || length > end - p) /* 9 marks 0xc1, which msgpack never uses */
                return -1;
            while (length--)
                n = n << 8 | *p++;
            bytes = forms[b & 0x1f].fixed + (forms[b & 0x1f].values ? 0 : n);
            due += n * forms[b & 0x1f].values;
        }
        if (bytes > (uint64_t)(end - p))
            return -1;
        p += bytes;
    }
    c->p = p;
    return 0;
}

int bb_cur_value(struct bb_cur *c, struct bb_bytes *value)
{
    const uint8_t *start = c->p;

    if (bb_cur_skip(c) != 0)
        return -1;
    value->ptr = start;
    value->len = (size_t)(c->p - start);
    return 0;
}
