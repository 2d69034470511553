/*
 * json_write.c - canonical msgpack to JSON text
 *
 * One pass over the tokens; strings are checked for UTF-8 while they are copied, so bytes that
 * were never checked give an error, not bad JSON. Duplicate keys are bb_value_check()'s matter.
 * Thread: any. Memory: the buffer given; the stack of open containers is fixed.
 */
#include "codec.h"

struct level {
    uint32_t due; /* values still to come, keys counted apart */
    int map;
};
struct writer {
    struct bb_cur *c;
    const uint8_t *base;
    struct bb_fault *err;
    struct bb_buf *b;
    unsigned open;
    int pretty;
    struct level levels[BB_DEPTH_MAX];
};

static inline void put(struct bb_buf *b, const void *p, size_t n)
{
    if (b->failed || b->cap - b->len < n) {
        bb_buf_put(b, p, n); /* grows, or fails */
        return;
    }
    memcpy(b->ptr + b->len, p, n);
    b->len += n;
}

/* ---- strings -----------------------------------------------------------------------------------
 */

static void escape_put(struct bb_buf *b, uint8_t c)
{
    static const char hex[] = "0123456789abcdef", names[] = "\"\\bfnrt",
                      values[] = "\"\\\b\f\n\r\t";
    const char *at = c ? strchr(values, c) : NULL;
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (at)
        text[1] = names[at - values];
    put(b, text, at ? 2 : 6);
}

/* The text of a string between its quotes. Gives the offset of a byte that is not UTF-8, or len. */
static size_t text_put(struct bb_buf *b, const uint8_t *s, size_t len)
{
    const uint8_t *p = s, *end = s + len, *from = s;

    for (;;) {
        int n;
        p = bb_text_run(p, end);
        if (p == end)
            break;
        if (*p >= 0x80) {
            n = bb_utf8_seq(p, end);
            if (n <= 0)
                return (size_t)(p - s);
            p += n;
            continue;
        }
        put(b, from, (size_t)(p - from));
        escape_put(b, *p++);
        from = p;
    }
    put(b, from, (size_t)(p - from));
    return len;
}

/* input_end: how far s may be read, past its own end. after: a byte that follows the quote, or 0.
 */
static inline size_t str_put(struct bb_buf *b, const uint8_t *s, size_t len,
                             const uint8_t *input_end, uint8_t after)
{
    size_t good;

    if (len <= 16 && input_end - s >= 16 && b->cap - b->len >= 19 && !b->failed) {
        uint8_t *w = b->ptr + b->len;
        if (bb_text_copy16(w + 1, s) >= len) {
            w[0] = '"';
            w[len + 1] = '"';
            w[len + 2] = after;
            b->len += len + 2 + (after != 0);
            return len;
        }
    }
    put(b, "\"", 1);
    good = text_put(b, s, len);
    put(b, "\"", 1);
    if (after)
        put(b, &after, 1);
    return good;
}

void bb_json_write_str(struct bb_buf *b, const char *s, size_t len)
{
    const uint8_t *p = (const uint8_t *)s;

    /* what is not UTF-8 becomes U+FFFD: this one has no way to say no */
    put(b, "\"", 1);
    for (;;) {
        size_t good = bb_utf8_check(p, len);
        text_put(b, p, good);
        if (good == len)
            break;
        put(b, "\xef\xbf\xbd", 3);
        p += good + 1;
        len -= good + 1;
    }
    put(b, "\"", 1);
}

/* ---- numbers
 * ------------------------------------------------------------------------------------- */

static void uint_put(struct bb_buf *b, uint64_t v, int neg)
{
    char text[21], *p = text + sizeof(text);

    do {
        *--p = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    if (neg)
        *--p = '-';
    put(b, p, (size_t)(text + sizeof(text) - p));
}

static int decimal_put(struct writer *k, const struct bb_tok *t, size_t at)
{
    const uint8_t *p = t->s.ptr;
    struct bb_num n;

    if (t->s.len > BB_DECIMAL_MAX || bb_num_read(p, p + t->s.len, &n) == BB_NUM_BAD ||
        n.at != p + t->s.len)
        return bb_fault_set(k->err, at, "a decimal's text is not a JSON number");
    put(k->b, p, t->s.len);
    return 0;
}

/* ---- structure
 * ------------------------------------------------------------------------------------ */

static void line_put(struct writer *k)
{
    static const char spaces[] = "\n                                ";
    unsigned n = k->open * 2;

    if (!k->pretty)
        return;
    put(k->b, spaces, 1);
    while (n) {
        unsigned some = n < 32 ? n : 32;
        put(k->b, spaces + 1, some);
        n -= some;
    }
}

static int group_put(struct writer *k, const struct bb_tok *t, size_t at)
{
    int map = t->kind == BB_T_MAP;

    if (!t->n) {
        if (k->open == BB_DEPTH_MAX)
            return bb_fault_set(k->err, at, "nested deeper than %d", BB_DEPTH_MAX);
        put(k->b, map ? "{}" : "[]", 2);
        return 0;
    }
    if (k->open == BB_DEPTH_MAX)
        return bb_fault_set(k->err, at, "nested deeper than %d", BB_DEPTH_MAX);
    put(k->b, map ? "{" : "[", 1);
    k->levels[k->open].map = map;
    k->levels[k->open].due = t->n;
    k->open++;
    line_put(k);
    return 0;
}

static int str_emit(struct writer *k, const struct bb_tok *t, uint8_t after)
{
    size_t good = str_put(k->b, t->s.ptr, t->s.len, k->c->end, after);

    if (good == t->s.len)
        return 0;
    return bb_fault_set(k->err, (size_t)((const uint8_t *)t->s.ptr - k->base) + good,
                        "a string is not UTF-8");
}

static int token_put(struct writer *k, const struct bb_tok *t, size_t at)
{
    switch (t->kind) {
    case BB_T_NIL:
        put(k->b, "null", 4);
        return 0;
    case BB_T_BOOL:
        put(k->b, t->i ? "true" : "false", t->i ? 4 : 5);
        return 0;
    case BB_T_INT:
        uint_put(k->b, t->i < 0 ? 0 - (uint64_t)t->i : (uint64_t)t->i, t->i < 0);
        return 0;
    case BB_T_UINT:
        uint_put(k->b, t->u, 0);
        return 0;
    case BB_T_STR:
        return str_emit(k, t, 0);
    case BB_T_DECIMAL:
        return decimal_put(k, t, at);
    case BB_T_ARRAY:
    case BB_T_MAP:
        return group_put(k, t, at);
    default:
        return bb_fault_set(k->err, at,
                            "bin, float and ext values other than decimals have no "
                            "place in JSON");
    }
}

static int key_put(struct writer *k)
{
    size_t at = (size_t)(k->c->p - k->base);
    struct bb_tok t;

    if (bb_cur_read(k->c, &t) != 0 || t.kind != BB_T_STR)
        return bb_fault_set(k->err, at, "a map's key must be a string");
    if (str_emit(k, &t, ':') != 0)
        return -1;
    if (k->pretty)
        put(k->b, " ", 1);
    return 0;
}

/* After a value: what stands between it and the next, and the ends of what is complete. */
static void after_value(struct writer *k)
{
    while (k->open) {
        struct level *l = &k->levels[k->open - 1];
        if (--l->due) {
            put(k->b, ",", 1);
            line_put(k);
            return;
        }
        k->open--;
        line_put(k);
        put(k->b, l->map ? "}" : "]", 1);
    }
}

static int emit_run(struct writer *k)
{
    struct bb_tok t;

    do {
        unsigned open = k->open;
        size_t at;
        if (open && k->levels[open - 1].map && key_put(k) != 0)
            return -1;
        at = (size_t)(k->c->p - k->base);
        if (bb_cur_read(k->c, &t) != 0)
            return bb_fault_set(k->err, at, "not msgpack, or cut off");
        if (token_put(k, &t, at) != 0)
            return -1;
        if (k->open == open)
            after_value(k);
        if (k->b->failed)
            return bb_fault_set(k->err, at, "no memory, or the text is larger than %zu bytes",
                                k->b->max);
    } while (k->open);
    return 0;
}

int bb_json_emit(struct bb_cur *c, const uint8_t *base, struct bb_buf *b, int pretty,
                 struct bb_fault *err)
{
    struct writer k;

    k.c = c;
    k.base = base;
    k.err = err;
    k.b = b;
    k.open = 0;
    k.pretty = pretty;
    return emit_run(&k);
}

static int write_whole(struct bb_bytes value, struct bb_buf *b, int pretty, struct bb_fault *err)
{
    struct bb_cur c = bb_cur_of(value);
    const uint8_t *base = c.p;
    size_t before = b->len;

    if (b->failed)
        return bb_fault_set(err, 0, "the buffer has failed before");
    if (bb_json_emit(&c, base, b, pretty, err) != 0)
        goto fail;
    if (c.p != c.end) {
        bb_fault_set(err, (size_t)(c.p - base), "bytes after the end of the value");
        goto fail;
    }
    return 0;
fail:
    b->len = before;
    b->failed = 0;
    return -1;
}

int bb_json_write(struct bb_bytes value, struct bb_buf *b, struct bb_fault *err)
{
    return write_whole(value, b, 0, err);
}

int bb_json_write_pretty(struct bb_bytes value, struct bb_buf *b, struct bb_fault *err)
{
    return write_whole(value, b, 1, err);
}
