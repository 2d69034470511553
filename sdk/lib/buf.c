/*
 * buf.c - the growing buffer, and the text of a fault
 *
 * Thread: the owner's. Memory: the buffer owns ptr. Invariant: len <= cap <= max; after the first
 * failure nothing is written until a reset, so a caller may check once, at the end.
 */
#include "codec.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST 256

void bb_buf_init(struct bb_buf *b, size_t max)
{
    memset(b, 0, sizeof(*b));
    b->max = max;
}

void bb_buf_free(struct bb_buf *b)
{
    free(b->ptr);
    bb_buf_init(b, b->max);
}

void bb_buf_reset(struct bb_buf *b)
{
    b->len = 0;
    b->failed = 0;
}

static uint8_t *buf_grow(struct bb_buf *b, size_t n)
{
    size_t cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap;
    uint8_t *p;

    if (n > b->max - b->len)
        goto fail;
    while (cap - b->len < n)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    if (cap > b->max)
        cap = b->max;
    p = realloc(b->ptr, cap);
    if (!p)
        goto fail;
    b->ptr = p;
    b->cap = cap;
    return p + b->len;
fail:
    b->failed = 1;
    return NULL;
}

uint8_t *bb_buf_room(struct bb_buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (b->ptr && b->cap - b->len >= n)
        return b->ptr + b->len;
    return buf_grow(b, n);
}

void bb_buf_put(struct bb_buf *b, const void *p, size_t n)
{
    uint8_t *w = bb_buf_room(b, n);
    if (!w || !n)
        return;
    memcpy(w, p, n);
    b->len += n;
}

int bb_fault_set(struct bb_fault *err, size_t offset, const char *format, ...)
{
    va_list ap;

    if (!err)
        return -1;
    err->offset = offset;
    va_start(ap, format);
    vsnprintf(err->text, sizeof(err->text), format, ap);
    va_end(ap);
    return -1;
}

const char *bb_fault_quote(char out[44], const void *s, size_t len)
{
    const uint8_t *p = s;
    size_t n = len < 40 ? len : 40;

    if (len > n)
        while (n && (p[n] & 0xc0) == 0x80)
            n--;
    for (size_t i = 0; i < n; i++)
        out[i] = p[i] < 0x20 || p[i] == 0x7f ? '?' : (char)p[i];
    strcpy(out + n, len > n ? "..." : "");
    return out;
}
