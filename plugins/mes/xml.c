/*
 * xml.c - elements out, trees in, maps whose length is not known before
 *
 * Thread: the instance's. Memory: the buffers given, each with its maximum. Out: five characters are escaped;
 * a control character or U+FFFE/U+FFFF has no place in XML at all and sets `bad`, which the caller turns into
 * a refusal of the message. In: bb_xml does the reading and its limits.
 */
#include <stdio.h>
#include "mes.h"

static void puts_(struct xml *x, const char *s)
{
    bb_buf_put(x->b, s, strlen(s));
}

static void text_put(struct xml *x, struct bb_bytes t)
{
    const uint8_t *p = t.ptr, *from = p, *end = p + t.len;

    for (; p < end; p++) {
        const char *as = *p == '&' ? "&amp;" : *p == '<' ? "&lt;" : *p == '>' ? "&gt;" : *p == '\r' ? "&#13;" : NULL;
        if (*p == '"')
            as = "&quot;";
        if ((*p < ' ' && *p != '\t' && *p != '\n' && *p != '\r') ||
            (end - p >= 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe))
            x->bad = 1;
        if (!as)
            continue;
        bb_buf_put(x->b, from, (size_t)(p - from));
        puts_(x, as);
        from = p + 1;
    }
    bb_buf_put(x->b, from, (size_t)(end - from));
}

void xml_open(struct xml *x, const char *name)
{
    puts_(x, "<");
    puts_(x, name);
    puts_(x, ">");
}

void xml_close(struct xml *x, const char *name)
{
    puts_(x, "</");
    puts_(x, name);
    puts_(x, ">");
}

void xml_put(struct xml *x, const char *name, struct bb_bytes text)
{
    if (!text.len)
        return;
    xml_open(x, name);
    text_put(x, text);
    xml_close(x, name);
}

void xml_attr_put(struct xml *x, const char *name, const char *attr, const char *value, struct bb_bytes text)
{
    puts_(x, "<");
    puts_(x, name);
    puts_(x, " ");
    puts_(x, attr);
    puts_(x, "=\"");
    text_put(x, bb_str(value));
    puts_(x, "\">");
    text_put(x, text);
    xml_close(x, name);
}

/* ---- trees ------------------------------------------------------------------------------------------- */
struct bb_bytes tree_text(struct bb_bytes value, const char *pointer)
{
    struct bb_bytes v, s = {NULL, 0};
    struct tree_iter w;

    tree_walk(value, pointer, &w);
    if (tree_next(&w, &v) && bb_as_str(v, &s) != 1 && bb_map_get(v, "#text", &value) == 1)
        bb_as_str(value, &s);
    return s;
}

void tree_walk(struct bb_bytes value, const char *pointer, struct tree_iter *w)
{
    struct bb_bytes v;

    memset(w, 0, sizeof *w);
    if (bb_pointer_get(value, pointer, &v) != 1)
        return;
    if (bb_iter_of(v, &w->it) && !w->it.map)
        w->many = 1;
    else
        w->one = v;
}

int tree_next(struct tree_iter *w, struct bb_bytes *out)
{
    if (w->many)
        return bb_iter_next(&w->it, NULL, out);
    *out = w->one;
    w->one.len = 0;
    return out->len > 0;
}

int tree_read(const struct bb_xml_map *map, struct bb_bytes text, struct bb_buf *b, struct bb_fault *err)
{
    struct bb_xml_limits limits = {.record_max = 16u << 20, .depth_max = 48};
    struct bb_xml *x = bb_xml_new(map, &limits);
    struct bb_xml_record r;
    size_t used = 0;
    int rc;

    if (!x) {
        snprintf(err->text, sizeof err->text, "out of memory");
        return -1;
    }
    rc = bb_xml_read(x, text, &used, &r, err);
    if (rc == 0)
        rc = bb_xml_end(x, &r, err);
    if (rc == 1) {
        bb_buf_put(b, r.value.ptr, r.value.len);
        text.ptr = (const char *)text.ptr + used; /* what follows must be the document's end */
        text.len -= used;
        rc = bb_xml_read(x, text, &used, &r, err);
        rc = rc == 0 ? bb_xml_end(x, &r, err) : rc;
        rc = rc == 0 ? 1 : -1;
    } else if (rc == 0) {
        snprintf(err->text, sizeof err->text, "the document is empty");
    }
    bb_xml_free(&x);
    return rc == 1 && !b->failed ? 0 : -1;
}

/* ---- maps and lists ---------------------------------------------------------------------------------- */
static struct open open_begin(struct bb_buf *b, uint8_t head)
{
    struct open o = {b, b->len, 0};
    uint8_t wide[5] = {head, 0, 0, 0, 0};

    bb_buf_put(b, wide, sizeof wide);
    return o;
}

struct open map_open(struct bb_buf *b)
{
    return open_begin(b, 0xdf);
}

struct open list_open(struct bb_buf *b)
{
    return open_begin(b, 0xdd);
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
    o->n++;
    bb_put_cstr(o->b, key);
}

void map_text(struct open *o, const char *key, struct bb_bytes text)
{
    if (!text.len)
        return;
    map_key(o, key);
    bb_put_str(o->b, text.ptr, text.len);
}
