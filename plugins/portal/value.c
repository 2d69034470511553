/*
 * value.c - maps and lists of msgpack whose length is not known when they begin
 *
 * The head is the widest one and its count is set at the end; wider heads than needed are allowed in messages.
 * Thread: any. Memory: the buffer's.
 */
#include <stdio.h>
#include "portal.h"

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

void map_int(struct open *o, const char *key, int64_t v)
{
    map_key(o, key);
    bb_put_int(o->b, v);
}

void map_decimal(struct open *o, const char *key, const char *json)
{
    map_key(o, key);
    bb_put_decimal(o->b, json, strlen(json));
}

void map_id(struct open *o, const char *key, struct bb_bytes id)
{
    struct open in;

    if (!id.len)
        return;
    map_key(o, key);
    in = map_open(o->b);
    map_text(&in, "id", id);
    open_end(&in);
}

void map_quantity(struct open *o, const char *key, const char *number, const char *unit)
{
    struct open in;

    map_key(o, key);
    in = map_open(o->b);
    map_decimal(&in, "value", number);
    map_text(&in, "unit", bb_str(unit));
    open_end(&in);
}

const char *number_text(struct bb_bytes data, const char *pointer, char out[64])
{
    struct bb_bytes v;
    struct bb_tok t = {0};
    struct bb_cur cur;

    *out = 0;
    if (bb_conf_find(data, pointer, &v) != 1)
        return out;
    cur = bb_cur_of(v);
    if (bb_cur_next(&cur, &t) != 0)
        return out;
    if (t.kind == BB_T_INT)
        snprintf(out, 64, "%lld", (long long)t.i);
    else if (t.kind == BB_T_UINT)
        snprintf(out, 64, "%llu", (unsigned long long)t.u);
    else if (t.kind == BB_T_DECIMAL && t.s.len < 64)
        bb_str_copy(t.s, out, 64);
    return out;
}

int text_clean(struct bb_bytes s)
{
    const uint8_t *p = s.ptr;

    for (size_t k = 0; k < s.len; k++)
        if (p[k] < ' ' || p[k] == 0x7f)
            return 0;
    return s.len > 0 && s.len <= 512;
}
