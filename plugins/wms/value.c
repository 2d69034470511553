/*
 * value.c - maps and lists of msgpack whose length is not known when they begin
 *
 * The head is the widest one and its count is set at the end; wider heads than needed are allowed in messages.
 * Thread: any. Memory: the buffer's.
 */
#include <stdio.h>
#include "wms.h"

static struct open open_at(struct bb_buf *b, uint8_t head)
{
    struct open o = {b, b->len, 0};
    const uint8_t bytes[5] = {head};

    bb_buf_put(b, bytes, sizeof bytes);
    return o;
}

struct open map_open(struct bb_buf *b)
{
    return open_at(b, 0xdf);
}

struct open list_open(struct bb_buf *b)
{
    return open_at(b, 0xdd);
}

void open_end(struct open *o)
{
    if (o->b->failed)
        return;
    for (int k = 0; k < 4; k++)
        o->b->ptr[o->at + 1 + (size_t)k] = (uint8_t)(o->n >> (24 - 8 * k));
}

void map_key(struct open *o, const char *key)
{
    bb_put_cstr(o->b, key);
    o->n++;
}

void map_text(struct open *o, const char *key, struct bb_bytes text)
{
    if (!text.len)
        return;
    map_key(o, key);
    bb_put_str(o->b, text.ptr, text.len);
}

void map_value(struct open *o, const char *key, struct bb_bytes data, const char *pointer)
{
    struct bb_bytes v;

    if (bb_conf_find(data, pointer, &v) != 1)
        return;
    map_key(o, key);
    bb_put_raw(o->b, v);
}

const char *number_text(struct bb_bytes data, const char *pointer, char out[64])
{
    struct bb_bytes v;
    struct bb_tok t = {0};

    *out = 0;
    if (bb_conf_find(data, pointer, &v) != 1)
        return out;
    struct bb_cur cur = bb_cur_of(v);
    if (bb_cur_next(&cur, &t) != 0)
        return out;
    if (t.kind == BB_T_INT)
        snprintf(out, 64, "%lld", (long long)t.i);
    else if (t.kind == BB_T_UINT)
        snprintf(out, 64, "%llu", (unsigned long long)t.u);
    else if ((t.kind == BB_T_DECIMAL || t.kind == BB_T_STR) && t.s.len < 64)
        bb_str_copy(t.s, out, 64);
    return out;
}
