/*
 * json_read.c - JSON text to canonical msgpack, without a tree between
 *
 * The reader writes each token as it meets it. An array's or map's head is written as one byte
 * and corrected when its count is known; only 16 elements or more need a wider head, and then the
 * contents move up. The stack of open containers is fixed, so no depth can exhaust it.
 *
 * Offsets: a fault that more input could mend has the offset json.len, any other a smaller one.
 * Thread: any. Memory: the buffer given, and the set of keys (keys.c).
 * Invariant: w <= limit, both inside b's memory; r->p <= r->end.
 */
#include "codec.h"

#define SLACK 17 /* a head byte and 16 copied at once */

static size_t offset_of(const struct bb_json *r, const uint8_t *where)
{
    return (size_t)(where - r->start);
}

int bb_json_fault(struct bb_json *r, const uint8_t *where, const char *expected)
{
    if (where >= r->end)
        return bb_fault_set(r->err, offset_of(r, r->end), "the text ends: expected %s", expected);
    if (*where > 0x20 && *where < 0x7f)
        return bb_fault_set(r->err, offset_of(r, where), "unexpected '%c': expected %s", *where,
                            expected);
    return bb_fault_set(r->err, offset_of(r, where), "unexpected byte 0x%02x: expected %s", *where,
                        expected);
}

int bb_json_begin(struct bb_json *r, struct bb_bytes json, struct bb_buf *b, struct bb_fault *err)
{
    static const uint8_t nothing[1];
    size_t likely = json.len + json.len / 8 + 64;

    r->start = r->p = json.len ? json.ptr : nothing;
    r->end = r->start + json.len;
    r->b = b;
    r->base = b->len;
    r->prefix = 0;
    r->err = err;
    bb_keys_init(&r->keys);
    if (b->failed)
        return bb_fault_set(err, 0, "the buffer has failed before");
    if (json.len > INT32_MAX)
        return bb_fault_set(err, 0, "more than 2 GiB of JSON in one text");
    if (likely > b->max - b->len)
        likely = b->max - b->len;
    if (!bb_buf_room(b, likely))
        return bb_json_end(r, bb_fault_set(err, 0, "no memory for the message"));
    r->w = b->ptr + b->len;
    r->limit = b->ptr + b->cap;
    return 0;
}

int bb_json_end(struct bb_json *r, int status)
{
    bb_keys_free(&r->keys);
    if (status == 0) {
        r->b->len = (size_t)(r->w - r->b->ptr);
    } else {
        r->b->len = r->base;
        r->b->failed = 0;
    }
    return status;
}

static int room_slow(struct bb_json *r, size_t n, const uint8_t *where)
{
    r->b->len = (size_t)(r->w - r->b->ptr);
    if (!bb_buf_room(r->b, n))
        return bb_fault_set(r->err, offset_of(r, where),
                            n > r->b->max - r->b->len ? "the message is larger than %zu bytes"
                                                      : "no memory for %zu bytes",
                            r->b->max);
    r->w = r->b->ptr + r->b->len;
    r->limit = r->b->ptr + r->b->cap;
    return 0;
}

int bb_json_room(struct bb_json *r, size_t n, const uint8_t *where)
{
    return (size_t)(r->limit - r->w) >= n ? 0 : room_slow(r, n, where);
}

/* ---- strings -----------------------------------------------------------------------------------
 */

/* Four hex digits at p: their value, -1 wrong, -2 cut off. */
static int hex4(const uint8_t *p, const uint8_t *end)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        int c;
        if (p + i == end)
            return -2;
        c = p[i];
        if (c >= '0' && c <= '9')
            c -= '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            c = (c | 0x20) - 'a' + 10;
        else
            return -1;
        v = v << 4 | c;
    }
    return v;
}

/* The character that \b, \n and so on stand for, or 0. */
static uint8_t short_escape(uint8_t c)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *at = c ? strchr(names, c) : NULL;
    return at ? (uint8_t)values[at - names] : 0;
}

/* The escape at p (a backslash): moves p past it and gives the code point. */
static int escape_read(struct bb_json *r, const uint8_t **at, uint32_t *code)
{
    const uint8_t *p = *at, *end = r->end;
    int hi, lo;

    if (p + 1 == end)
        return bb_json_fault(r, end, "an escape");
    if (p[1] != 'u') {
        *code = short_escape(p[1]);
        *at = p + 2;
        return *code ? 0 : bb_json_fault(r, p + 1, "one of \"\\/bfnrtu after a backslash");
    }
    hi = hex4(p + 2, end);
    if (hi < 0)
        return bb_json_fault(r, hi == -2 ? end : p, "four hex digits after \\u");
    *code = (uint32_t)hi;
    *at = p + 6;
    if (hi < 0xd800 || hi > 0xdfff)
        return 0;
    if (hi <= 0xdbff) {
        if (p + 6 == end || (p[6] == '\\' && p + 7 == end))
            return bb_json_fault(r, end, "the second half of a surrogate pair");
        lo = p[6] == '\\' && p[7] == 'u' ? hex4(p + 8, end) : -1;
        if (lo == -2)
            return bb_json_fault(r, end, "the second half of a surrogate pair");
        if (lo >= 0xdc00 && lo <= 0xdfff) {
            *code = 0x10000 + (((uint32_t)hi - 0xd800) << 10) + ((uint32_t)lo - 0xdc00);
            *at = p + 12;
            return 0;
        }
    }
    return bb_fault_set(r->err, offset_of(r, p), "\\u%04x is half of a surrogate pair", hi);
}

static uint8_t *utf8_put(uint8_t *w, uint32_t c)
{
    if (c < 0x80) {
        *w++ = (uint8_t)c;
        return w;
    }
    if (c < 0x800) {
        *w++ = (uint8_t)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *w++ = (uint8_t)(0xe0 | c >> 12);
        } else {
            *w++ = (uint8_t)(0xf0 | c >> 18);
            *w++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        }
        *w++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    }
    *w++ = (uint8_t)(0x80 | (c & 0x3f));
    return w;
}

static size_t utf8_size(uint32_t c)
{
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

/* Checks the string whose text begins at s: where its closing quote is, the length of what it
 * stands for, and whether it has escapes. */
static int string_scan(struct bb_json *r, const uint8_t *s, const uint8_t **quote, size_t *len,
                       int *escapes)
{
    const uint8_t *p = s, *end = r->end;
    size_t n = 0;

    *escapes = 0;
    for (;;) {
        const uint8_t *run = p;
        p = bb_text_run(p, end);
        n += (size_t)(p - run);
        if (p == end)
            return bb_json_fault(r, end, "the closing quote of a string");
        if (*p == '"')
            break;
        if (*p == '\\') {
            uint32_t code;
            if (escape_read(r, &p, &code) != 0)
                return -1;
            n += utf8_size(code);
            *escapes = 1;
        } else if (*p < 0x20) {
            return bb_fault_set(r->err, offset_of(r, p),
                                "control character 0x%02x in a string: write it as \\u%04x", *p,
                                *p);
        } else {
            int k = bb_utf8_seq(p, end);
            if (k <= 0)
                return k ? bb_json_fault(r, end, "the rest of a UTF-8 character")
                         : bb_fault_set(r->err, offset_of(r, p), "byte 0x%02x is not UTF-8", *p);
            p += k;
            n += (size_t)k;
        }
    }
    *quote = p;
    *len = n;
    return 0;
}

/* Decodes text that string_scan() has found good. */
static uint8_t *string_decode(struct bb_json *r, uint8_t *w, const uint8_t *p, const uint8_t *quote)
{
    while (p < quote) {
        const uint8_t *bs = memchr(p, '\\', (size_t)(quote - p));
        size_t n = (size_t)((bs ? bs : quote) - p);
        uint32_t code;
        memcpy(w, p, n);
        w += n;
        p += n;
        if (bs && escape_read(r, &p, &code) == 0)
            w = utf8_put(w, code);
    }
    return w;
}

static int string_slow(struct bb_json *r)
{
    const uint8_t *s = r->p + 1, *quote = s;
    size_t len = 0;
    int escapes = 0;

    if (string_scan(r, s, &quote, &len, &escapes) != 0)
        return -1;
    if (bb_json_room(r, len + (len < 32 ? 1 : len <= 0xff ? 2 : len <= 0xffff ? 3 : 5), r->p) != 0)
        return -1;
    r->w = bb_head_str(r->w, (uint32_t)len);
    if (escapes) {
        r->w = string_decode(r, r->w, s, quote);
    } else {
        memcpy(r->w, s, len);
        r->w += len;
    }
    r->p = quote + 1;
    return 0;
}

/* Most strings are short and plain: found and copied in one step. */
static inline int string_read(struct bb_json *r)
{
    const uint8_t *s = r->p + 1;

    if (r->end - s >= 16 && r->limit - r->w >= SLACK) {
        unsigned n = bb_text_copy16(r->w + 1, s);
        if (n < 16 && s[n] == '"') {
            *r->w = (uint8_t)(0xa0 | n);
            r->w += 1 + n;
            r->p = s + n + 1;
            return 0;
        }
    }
    return string_slow(r);
}

int bb_json_string(struct bb_json *r)
{
    return string_read(r);
}

/* ---- numbers and names
 * --------------------------------------------------------------------------- */

static int number_read(struct bb_json *r, unsigned open)
{
    struct bb_num n;
    const uint8_t *s = r->p;
    int kind = bb_num_read(s, r->end, &n);
    size_t len = (size_t)(n.at - s);

    if (kind == BB_NUM_BAD) {
        if (n.at < r->end && n.at > s && n.at[-1] == '0' && *n.at >= '0' && *n.at <= '9')
            return bb_fault_set(r->err, offset_of(r, n.at), "a number may not begin with 0");
        return bb_json_fault(r, n.at, "a digit");
    }
    if (kind == BB_NUM_DECIMAL && len > BB_DECIMAL_MAX)
        return bb_fault_set(r->err, offset_of(r, s), "a number of %zu characters: at most %d", len,
                            BB_DECIMAL_MAX);
    if (r->prefix && !open && n.at == r->end)
        return bb_json_fault(r, r->end, "the end of a number");
    if (kind == BB_NUM_DECIMAL) {
        uint8_t head[BB_HEAD_MAX];
        size_t h = (size_t)(bb_head_decimal(head, (uint32_t)len) - head);
        if (bb_json_room(r, h + len, s) != 0)
            return -1;
        memcpy(r->w, head, h);
        memcpy(r->w + h, s, len);
        r->w += h + len;
    } else if (r->limit - r->w >= BB_HEAD_MAX) {
        r->w = kind == BB_NUM_INT ? bb_head_int(r->w, n.i) : bb_head_uint(r->w, n.u);
    } else {
        uint8_t head[BB_HEAD_MAX];
        uint8_t *e = kind == BB_NUM_INT ? bb_head_int(head, n.i) : bb_head_uint(head, n.u);
        if (bb_json_room(r, (size_t)(e - head), s) != 0)
            return -1;
        memcpy(r->w, head, (size_t)(e - head));
        r->w += e - head;
    }
    r->p = n.at;
    return 0;
}

static int name_read(struct bb_json *r)
{
    static const struct {
        const char *text;
        uint8_t len, code;
    } names[] = {{"true", 4, 0xc3}, {"false", 5, 0xc2}, {"null", 4, 0xc0}};
    size_t left = (size_t)(r->end - r->p);

    for (size_t i = 0; i < 3; i++) {
        size_t n = left < names[i].len ? left : names[i].len;
        if (memcmp(r->p, names[i].text, n) != 0)
            continue;
        if (n < names[i].len)
            return bb_json_fault(r, r->end, names[i].text);
        if (bb_json_room(r, 1, r->p) != 0)
            return -1;
        *r->w++ = names[i].code;
        r->p += n;
        return 0;
    }
    return bb_json_fault(r, r->p, "a value");
}

/* ---- arrays and maps
 * ------------------------------------------------------------------------------ */

static int key_read(struct bb_json *r, const struct bb_frame *f)
{
    uint32_t src, at;
    struct bb_key dup = {0, 0, 0};
    int found;

    bb_json_space(r);
    if (r->p == r->end || *r->p != '"')
        return bb_json_fault(r, r->p, "a key in quotes");
    src = (uint32_t)offset_of(r, r->p);
    at = (uint32_t)(r->w - bb_json_base(r));
    if (string_read(r) != 0)
        return -1;
    found = bb_keys_add(&r->keys, bb_json_base(r), f->first, at, src);
    if (found) {
        dup.at = at;
        dup.src = src;
        return found > 0 ? bb_keys_fault(r->err, bb_json_base(r), dup)
                         : bb_fault_set(r->err, src, "no memory for the keys of a map");
    }
    bb_json_space(r);
    if (r->p == r->end || *r->p != ':')
        return bb_json_fault(r, r->p, "':' after a key");
    r->p++;
    return 0;
}

/* p is at the bracket. */
static int group_open(struct bb_json *r, struct bb_frame *f, unsigned left)
{
    if (!left)
        return bb_fault_set(r->err, offset_of(r, r->p), "nested deeper than %d", BB_DEPTH_MAX);
    if (bb_json_room(r, 1, r->p) != 0)
        return -1;
    f->at = (uint32_t)(r->w - bb_json_base(r));
    f->map = *r->p == '{';
    f->n = 0;
    f->first = (uint32_t)r->keys.n;
    r->w++;
    r->p++;
    return 0;
}

/* p is after the bracket. */
static int group_close(struct bb_json *r, const struct bb_frame *f)
{
    unsigned size = bb_head_size(f->n);
    uint8_t *head;

    if (f->map) {
        struct bb_key dup;
        int found = bb_keys_close(&r->keys, bb_json_base(r), f->first, &dup);
        if (found > 0)
            return bb_keys_fault(r->err, bb_json_base(r), dup);
        if (found < 0)
            return bb_fault_set(r->err, offset_of(r, r->p - 1), "no memory for the keys of a map");
    }
    if (size > 1 && bb_json_room(r, size - 1, r->p - 1) != 0)
        return -1;
    head = bb_json_base(r) + f->at;
    if (size > 1) {
        memmove(head + size, head + 1, (size_t)(r->w - head - 1));
        r->w += size - 1;
    }
    bb_head_group(head, (int)f->map, f->n);
    return 0;
}

/* Reads one value's first token; 1 when it opened a container that is not empty. */
static int token_read(struct bb_json *r, struct bb_frame *frames, unsigned *open, unsigned max)
{
    struct bb_frame *f;

    bb_json_space(r);
    if (r->p == r->end)
        return bb_json_fault(r, r->end, "a value");
    switch (*r->p) {
    case '"':
        return string_read(r);
    case '{':
    case '[':
        f = &frames[*open];
        if (group_open(r, f, max - *open) != 0)
            return -1;
        bb_json_space(r);
        if (r->p < r->end && *r->p == (f->map ? '}' : ']')) {
            r->p++;
            return group_close(r, f);
        }
        ++*open;
        return f->map && key_read(r, f) != 0 ? -1 : 1;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return number_read(r, *open);
    default:
        return name_read(r);
    }
}

int bb_json_value(struct bb_json *r, unsigned depth)
{
    struct bb_frame frames[BB_DEPTH_MAX];
    unsigned open = 0, max = BB_DEPTH_MAX - depth;

    for (;;) {
        int opened = token_read(r, frames, &open, max);
        if (opened < 0)
            return -1;
        while (open && !opened) { /* after a value: the next one, or the end of its container */
            struct bb_frame *f = &frames[open - 1];
            bb_json_space(r);
            f->n++;
            if (r->p < r->end && *r->p == ',') {
                r->p++;
                if (f->map && key_read(r, f) != 0)
                    return -1;
                break;
            }
            if (r->p == r->end || *r->p != (f->map ? '}' : ']'))
                return bb_json_fault(r, r->p, f->map ? "',' or '}'" : "',' or ']'");
            r->p++;
            if (group_close(r, f) != 0)
                return -1;
            open--;
        }
        if (!open)
            return 0;
    }
}

int bb_json_after(struct bb_json *r)
{
    bb_json_space(r);
    return r->p == r->end ? 0 : bb_json_fault(r, r->p, "the end of the text");
}

int bb_json_read(struct bb_bytes json, struct bb_buf *b, struct bb_fault *err)
{
    struct bb_json r;
    int status;

    if (bb_json_begin(&r, json, b, err) != 0)
        return -1;
    status = bb_json_value(&r, 0);
    if (status == 0)
        status = bb_json_after(&r);
    return bb_json_end(&r, status);
}

int bb_json_read_prefix(struct bb_bytes json, size_t *used, struct bb_buf *b, struct bb_fault *err)
{
    struct bb_json r;
    int status;

    if (bb_json_begin(&r, json, b, err) != 0)
        return -1;
    r.prefix = 1;
    status = bb_json_value(&r, 0);
    if (status == 0)
        *used = offset_of(&r, r.p);
    return bb_json_end(&r, status);
}
