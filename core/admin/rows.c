/*
 * rows.c - arrays and maps whose length is known at their end
 *
 * Any thread, no state. Each grows in a buffer of its own and is copied, with its head before it,
 * into what it is a part of.
 */
#include "core/admin/report.h"

#include "core/base/base.h"

void bb_rows_begin(struct bb_rows *l)
{
    bb_buf_init(&l->b, BB_REPORT_BYTES);
    l->n = 0;
}

struct bb_buf *bb_rows_item(struct bb_rows *l)
{
    l->n++;
    return &l->b;
}

struct bb_buf *bb_rows_pair(struct bb_rows *m, const char *key)
{
    bb_put_cstr(&m->b, key);
    return bb_rows_item(m);
}

void bb_rows_text(struct bb_rows *m, const char *key, const char *value)
{
    bb_put_cstr(bb_rows_pair(m, key), value);
}

void bb_rows_number(struct bb_rows *m, const char *key, uint64_t v)
{
    bb_put_uint(bb_rows_pair(m, key), v);
}

void bb_rows_flag(struct bb_rows *m, const char *key, bool v)
{
    bb_put_bool(bb_rows_pair(m, key), v);
}

void bb_rows_time(struct bb_rows *m, const char *key, uint64_t ms)
{
    char text[BB_TIME_TEXT];

    if (ms)
        bb_rows_text(m, key, bb_time_text(ms, text));
    else
        bb_put_nil(bb_rows_pair(m, key));
}

static void rows_end(struct bb_rows *l, struct bb_buf *out)
{
    if (l->b.failed)
        out->failed = 1;
    else if (l->b.len)
        bb_buf_put(out, l->b.ptr, l->b.len);
    bb_buf_free(&l->b);
}

void bb_rows_end_array(struct bb_rows *l, struct bb_buf *out)
{
    bb_put_array(out, l->n);
    rows_end(l, out);
}

void bb_rows_end_map(struct bb_rows *m, struct bb_buf *out)
{
    bb_put_map(out, m->n);
    rows_end(m, out);
}
