/*
 * pack.c - building msgpack, always in the smallest form
 *
 * One value has one spelling, so the same content gives the same bytes wherever it was built.
 * Thread: the buffer's owner. A failure is kept in the buffer.
 */
#include "codec.h"

static void put_byte(struct bb_buf *b, uint8_t v)
{
    bb_buf_put(b, &v, 1);
}

/* A head is at most BB_HEAD_MAX bytes, but the buffer may have room for less and still for it:
 * build it aside. */
static void put_head(struct bb_buf *b, const uint8_t *head, const uint8_t *end)
{
    bb_buf_put(b, head, (size_t)(end - head));
}

void bb_put_nil(struct bb_buf *b)
{
    put_byte(b, 0xc0);
}

void bb_put_bool(struct bb_buf *b, int v)
{
    put_byte(b, v ? 0xc3 : 0xc2);
}

void bb_put_int(struct bb_buf *b, int64_t v)
{
    uint8_t h[BB_HEAD_MAX];
    put_head(b, h, bb_head_int(h, v));
}

void bb_put_uint(struct bb_buf *b, uint64_t v)
{
    uint8_t h[BB_HEAD_MAX];
    put_head(b, h, bb_head_uint(h, v));
}

/* Lengths are 32 bits in msgpack: what is longer cannot be said. */
static int too_long(struct bb_buf *b, size_t len)
{
    if (len > UINT32_MAX)
        b->failed = 1;
    return len > UINT32_MAX;
}

void bb_put_str(struct bb_buf *b, const char *s, size_t len)
{
    uint8_t h[BB_HEAD_MAX];
    if (too_long(b, len))
        return;
    put_head(b, h, bb_head_str(h, (uint32_t)len));
    bb_buf_put(b, s, len);
}

void bb_put_cstr(struct bb_buf *b, const char *s)
{
    bb_put_str(b, s, strlen(s));
}

void bb_put_bin(struct bb_buf *b, const void *p, size_t len)
{
    uint8_t h[BB_HEAD_MAX];
    unsigned form = len <= 0xff ? 0 : len <= 0xffff ? 1 : 2;
    if (too_long(b, len))
        return;
    h[0] = (uint8_t)(0xc4 + form);
    put_head(b, h, bb_be_put(h + 1, len, 1u << form));
    bb_buf_put(b, p, len);
}

void bb_put_decimal(struct bb_buf *b, const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *)text;
    struct bb_num n;
    uint8_t h[BB_HEAD_MAX];
    int kind = len && len <= BB_DECIMAL_MAX ? bb_num_read(p, p + len, &n) : BB_NUM_BAD;

    if (kind == BB_NUM_BAD || n.at != p + len) {
        b->failed = 1;
    } else if (kind == BB_NUM_INT) {
        bb_put_int(b, n.i);
    } else if (kind == BB_NUM_UINT) {
        bb_put_uint(b, n.u);
    } else {
        put_head(b, h, bb_head_decimal(h, (uint32_t)len));
        bb_buf_put(b, text, len);
    }
}

void bb_put_array(struct bb_buf *b, uint32_t n)
{
    uint8_t h[BB_HEAD_MAX];
    put_head(b, h, bb_head_group(h, 0, n));
}

void bb_put_map(struct bb_buf *b, uint32_t n)
{
    uint8_t h[BB_HEAD_MAX];
    put_head(b, h, bb_head_group(h, 1, n));
}

void bb_put_raw(struct bb_buf *b, struct bb_bytes value)
{
    bb_buf_put(b, value.ptr, value.len);
}
