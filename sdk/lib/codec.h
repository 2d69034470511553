/*
 * codec.h - what the files of sdk/lib share; not installed
 *
 * Small inline parts on the hot paths: UTF-8 sequences, plain runs of text, the canonical (that
 * is, smallest) msgpack heads, the token reader. And the set of keys that finds a duplicate key
 * without a hash: pairwise in a small map, by sorting in a large one, so no choice of keys makes
 * it slow and no seed has to be kept.
 *
 * Thread: any; no state outside the caller's structs.
 * Invariant: a function that takes end never reads at or past it.
 */
#ifndef BB_SDK_CODEC_H
#define BB_SDK_CODEC_H

#include <busbar/json.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BB_DECIMAL_MAX 4096 /* bytes in one decimal's text */

/* ---- faults ---------------------------------------------------------------------------------- */
/* Fills err if there is one; returns -1. */
int bb_fault_set(struct bb_fault *err, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* At most 40 bytes of s, cut at a character, controls as '?': safe inside a fault's text. */
const char *bb_fault_quote(char out[44], const void *s, size_t len);

/* ---- UTF-8 (RFC 3629) --------------------------------------------------------------------------
 */
/* Length of the sequence at p, whose first byte is not ASCII: 2 to 4; 0 when it is wrong, -1 when
 * it is right as far as it goes but end cuts it. */
static inline int bb_utf8_seq(const uint8_t *p, const uint8_t *end)
{
    uint8_t c = *p, lo = 0x80, hi = 0xbf;
    int need;

    if (c >= 0xc2 && c <= 0xdf) {
        need = 1;
    } else if ((c & 0xf0) == 0xe0) {
        need = 2;
        lo = c == 0xe0 ? 0xa0 : 0x80; /* no overlong form */
        hi = c == 0xed ? 0x9f : 0xbf; /* no surrogate */
    } else if (c >= 0xf0 && c <= 0xf4) {
        need = 3;
        lo = c == 0xf0 ? 0x90 : 0x80;
        hi = c == 0xf4 ? 0x8f : 0xbf; /* nothing past U+10FFFF */
    } else {
        return 0;
    }
    for (int i = 1; i <= need; i++) {
        if (p + i == end)
            return -1;
        if (p[i] < lo || p[i] > hi)
            return 0;
        lo = 0x80;
        hi = 0xbf;
    }
    return need + 1;
}
/* Offset of the first byte that is not UTF-8, or len. */
size_t bb_utf8_check(const void *s, size_t len);

/* ---- runs of plain text ------------------------------------------------------------------------
 */
/* Plain: printable ASCII (and DEL) but the quote and the backslash. */
static inline int bb_text_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}
#ifdef __SSE2__
/* A bit for each of the 16 bytes that is not plain. */
static inline unsigned bb_text_mask(__m128i v)
{
    __m128i odd = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20)); /* signed: also 0x80 to 0xff */
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    return (unsigned)_mm_movemask_epi8(odd);
}
/* Copies 16 bytes and returns how many of them, from the first on, are plain. */
static inline unsigned bb_text_copy16(uint8_t *to, const uint8_t *from)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);
    _mm_storeu_si128((__m128i *)(void *)to, v);
    return (unsigned)__builtin_ctz(bb_text_mask(v) | 0x10000u);
}
#else
static inline unsigned bb_text_copy16(uint8_t *to, const uint8_t *from)
{
    unsigned n = 0;
    memcpy(to, from, 16);
    while (n < 16 && bb_text_plain(from[n]))
        n++;
    return n;
}
#endif
/* First byte from p on that is not plain, or end. */
static inline const uint8_t *bb_text_run(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
    while (end - p >= 16) {
        unsigned m = bb_text_mask(_mm_loadu_si128((const __m128i *)(const void *)p));
        if (m)
            return p + __builtin_ctz(m);
        p += 16;
    }
    if (end - p >= 8) {
        unsigned m = bb_text_mask(_mm_loadl_epi64((const __m128i *)(const void *)p)) & 0xff;
        if (m)
            return p + __builtin_ctz(m);
        p += 8;
    }
#endif
    while (p < end && bb_text_plain(*p))
        p++;
    return p;
}

/* Has s any byte above 0x7f? */
static inline int bb_text_high(const void *s, size_t len)
{
    const uint64_t high = 0x8080808080808080u;
    const uint8_t *p = s, *end = p + len;
    uint64_t all = 0, v = 0;
    uint32_t x, y;

    if (len >= 8) {
        for (; end - p > 8; p += 8) {
            memcpy(&v, p, 8);
            all |= v;
        }
        memcpy(&v, end - 8, 8);
    } else if (len >= 4) {
        memcpy(&x, p, 4);
        memcpy(&y, end - 4, 4);
        v = x | y;
    } else if (len) {
        v = p[0] | p[len >> 1] | p[len - 1];
    }
    return ((all | v) & high) != 0;
}

/* ---- big-endian
 * ---------------------------------------------------------------------------------- */
static inline uint64_t bb_be_get(const uint8_t *p, unsigned wide)
{
    uint16_t a;
    uint32_t b;
    uint64_t c;

    switch (wide) {
    case 1:
        return *p;
    case 2:
        memcpy(&a, p, 2);
        return __builtin_bswap16(a);
    case 4:
        memcpy(&b, p, 4);
        return __builtin_bswap32(b);
    default:
        memcpy(&c, p, 8);
        return __builtin_bswap64(c);
    }
}
static inline uint8_t *bb_be_put(uint8_t *w, uint64_t v, unsigned wide)
{
    v = __builtin_bswap64(v << (64 - 8 * wide));
    memcpy(w, &v, wide);
    return w + wide;
}
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bb_be_get and bb_be_put swap: they are written for little-endian machines"
#endif

/* ---- canonical heads: the caller has made room; each returns where the next byte goes ----------
 */
#define BB_HEAD_MAX 9 /* bytes in the longest head or number */
static inline uint8_t *bb_head_uint(uint8_t *w, uint64_t v)
{
    if (v < 0x80) {
        *w = (uint8_t)v;
        return w + 1;
    }
    unsigned form = v <= 0xff ? 0 : v <= 0xffff ? 1 : v <= 0xffffffff ? 2 : 3;
    *w = (uint8_t)(0xcc + form);
    return bb_be_put(w + 1, v, 1u << form);
}
static inline uint8_t *bb_head_int(uint8_t *w, int64_t v)
{
    if (v >= 0)
        return bb_head_uint(w, (uint64_t)v);
    if (v >= -32) {
        *w = (uint8_t)v;
        return w + 1;
    }
    unsigned form = v >= INT8_MIN ? 0 : v >= INT16_MIN ? 1 : v >= INT32_MIN ? 2 : 3;
    *w = (uint8_t)(0xd0 + form);
    return bb_be_put(w + 1, (uint64_t)v, 1u << form);
}
static inline uint8_t *bb_head_str(uint8_t *w, uint32_t n)
{
    if (n < 32) {
        *w = (uint8_t)(0xa0 | n);
        return w + 1;
    }
    unsigned form = n <= 0xff ? 0 : n <= 0xffff ? 1 : 2;
    *w = (uint8_t)(0xd9 + form);
    return bb_be_put(w + 1, n, 1u << form);
}
/* Bytes that the head of an array or map of n takes: 1, 3 or 5. */
static inline unsigned bb_head_size(uint32_t n)
{
    return n < 16 ? 1 : n <= 0xffff ? 3 : 5;
}
static inline uint8_t *bb_head_group(uint8_t *w, int map, uint32_t n)
{
    if (n < 16) {
        *w = (uint8_t)((map ? 0x80 : 0x90) | n);
        return w + 1;
    }
    unsigned form = n <= 0xffff ? 0 : 1;
    *w = (uint8_t)((map ? 0xde : 0xdc) + form);
    return bb_be_put(w + 1, n, 2u << form);
}
static inline uint8_t *bb_head_decimal(uint8_t *w, uint32_t n)
{
    if (n <= 16 && (n & (n - 1)) == 0 && n) {
        *w = (uint8_t)(0xd4 + __builtin_ctz(n));
        w++;
    } else {
        unsigned form = n <= 0xff ? 0 : n <= 0xffff ? 1 : 2;
        *w = (uint8_t)(0xc7 + form);
        w = bb_be_put(w + 1, n, 1u << form);
    }
    *w = BB_EXT_DECIMAL;
    return w + 1;
}

/* ---- numbers
 * ------------------------------------------------------------------------------------- */
#define BB_NUM_BAD 0     /* not RFC 8259's grammar: at says where */
#define BB_NUM_INT 1     /* fits int64: i */
#define BB_NUM_UINT 2    /* above INT64_MAX, fits uint64: u */
#define BB_NUM_DECIMAL 3 /* anything else, also -0 */
struct bb_num {
    const uint8_t *at; /* the first byte after the number, or the one that is wrong */
    int64_t i;
    uint64_t u;
};
/* Reads the number at p as far as it goes. */
int bb_num_read(const uint8_t *p, const uint8_t *end, struct bb_num *n);

/* ---- tokens
 * -------------------------------------------------------------------------------------- */
struct bb_form { /* what a first byte of 0xc0 to 0xdf stands for */
    uint8_t kind;
    uint8_t wide; /* bytes of the number or length that follow, fixext: of the payload */
};
#define BB_T_BAD 0xff
#define BB_T_FIXEXT 0xfe
extern const struct bb_form bb_forms[32];
int bb_cur_form(struct bb_cur *c, struct bb_tok *t); /* a token of such a first byte */

static inline int bb_cur_read(struct bb_cur *c, struct bb_tok *t)
{
    const uint8_t *p = c->p;
    if (p == c->end)
        return -1;
    size_t left = (size_t)(c->end - p) - 1;
    uint8_t h = *p;

    if (h < 0x80 || h >= 0xe0) {
        t->kind = BB_T_INT;
        t->i = (int8_t)h;
    } else if (h >= 0xc0) {
        return bb_cur_form(c, t);
    } else if (h >= 0xa0) {
        h &= 0x1f;
        if (h > left)
            return -1;
        t->kind = BB_T_STR;
        t->s.ptr = p + 1;
        t->s.len = h;
        c->p = p + 1 + h;
        return 0;
    } else {
        t->n = h & 0x0f;
        t->kind = h < 0x90 ? BB_T_MAP : BB_T_ARRAY;
        if ((size_t)t->n << (h < 0x90) > left)
            return -1;
    }
    c->p = p + 1;
    return 0;
}

/* ---- the keys of the maps that are open -------------------------------------------------------
 */
#define BB_KEYS_PAIRWISE 32 /* above it a map's keys are sorted when it closes */
struct bb_key {
    uint64_t sig; /* of the bytes: equal keys have equal ones */
    uint32_t at;  /* where its token is, from base on */
    uint32_t src; /* where a fault shows it */
};
struct bb_keys {
    struct bb_key *v;
    size_t n, cap;
    struct bb_key small[48];
};
static inline void bb_keys_init(struct bb_keys *k)
{
    k->v = k->small;
    k->n = 0;
    k->cap = sizeof(k->small) / sizeof(k->small[0]);
}
void bb_keys_free(struct bb_keys *k);
/* Adds the key whose string token is at base + at, to a map whose first key has the index first.
 * 0, 1 when the map has it already, -1 when there is no memory. */
int bb_keys_add(struct bb_keys *k, const uint8_t *base, size_t first, uint32_t at, uint32_t src);
/* Ends that map. 0, 1 with *dup set to a duplicate, -1 when there is no memory. */
int bb_keys_close(struct bb_keys *k, const uint8_t *base, size_t first, struct bb_key *dup);
/* Length, first and last bytes: tells most keys apart, equal keys never. */
static inline uint64_t bb_key_mark(struct bb_bytes s)
{
    const uint8_t *p = s.ptr;
    uint64_t a = 0, b = 0;
    uint32_t x, y;

    if (s.len >= 8) {
        memcpy(&a, p, 8);
        memcpy(&b, p + s.len - 8, 8);
    } else if (s.len >= 4) {
        memcpy(&x, p, 4);
        memcpy(&y, p + s.len - 4, 4);
        a = (uint64_t)x << 32 | y;
    } else if (s.len) {
        a = (uint64_t)p[0] << 16 | (uint64_t)p[s.len >> 1] << 8 | p[s.len - 1];
    }
    return a * 0x9e3779b97f4a7c15u ^ b * 0xc2b2ae3d27d4eb4fu ^ (uint64_t)s.len << 56;
}
/* The bytes of the string token at p, which has been checked. */
struct bb_bytes bb_key_bytes(const uint8_t *p);
/* The fault for a duplicate: its name and place. */
int bb_keys_fault(struct bb_fault *err, const uint8_t *base, struct bb_key dup);

/* ---- parts that two files use -----------------------------------------------------------------
 */
/* One value from c on, of canonical kinds only, in a place that is depth containers deep. */
int bb_check_value(struct bb_cur *c, const uint8_t *base, unsigned depth, struct bb_fault *err);
/* The head of a message: e without data, c at the data. */
int bb_envelope_head(struct bb_cur *c, struct bb_envelope *e, struct bb_fault *err);
/* Is this attribute allowed? *slot: its member of bb_envelope, or -1. Text says why not. */
int bb_attribute_check(struct bb_bytes name, const struct bb_tok *v, int *slot, char text[200]);
#define BB_SLOTS 16
struct bb_bytes *bb_envelope_slot(struct bb_envelope *e, int slot);
/* The first missing attribute that every message needs, or NULL. */
const char *bb_envelope_missing(const struct bb_envelope *e);
#define BB_TEXT_MISSING                                                                            \
    "attribute \"%s\" is missing: every message needs "                                            \
    "specversion, id, source and type"

struct bb_frame { /* an open array or map of the JSON reader */
    uint32_t at;  /* its head, from base on */
    uint32_t n;
    uint32_t first; /* index of its first key */
    uint32_t map;
};
struct bb_json { /* one reading; json_read.c and event.c */
    const uint8_t *start, *p, *end;
    struct bb_buf *b;
    uint8_t *w, *limit;
    size_t base; /* b->len when it began */
    int prefix;  /* the text may go on past end */
    struct bb_fault *err;
    struct bb_keys keys;
};
int bb_json_begin(struct bb_json *r, struct bb_bytes json, struct bb_buf *b, struct bb_fault *err);
int bb_json_end(struct bb_json *r, int status); /* keeps what was written, or takes it back */
int bb_json_room(struct bb_json *r, size_t n, const uint8_t *where);
int bb_json_string(struct bb_json *r); /* p is at the quote */
int bb_json_value(struct bb_json *r, unsigned depth);
int bb_json_after(struct bb_json *r); /* only space may follow */
int bb_json_fault(struct bb_json *r, const uint8_t *where, const char *expected);
static inline void bb_json_space(struct bb_json *r)
{
    const uint8_t *p = r->p;
    while (p < r->end && *p <= 0x20 && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    r->p = p;
}
static inline uint8_t *bb_json_base(const struct bb_json *r)
{
    return r->b->ptr + r->base;
}
/* One value of c as JSON text; indent 0: compact. */
int bb_json_emit(struct bb_cur *c, const uint8_t *base, struct bb_buf *b, int pretty,
                 struct bb_fault *err);

#endif
