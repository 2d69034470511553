/*
 * doc.c - reading BOMs and making lines, for the BOM steps
 *
 * Thread: one apply. Ownership: a document owns its list of lines, the work the bytes it made.
 */
#include "core/transform/bom/bom.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EQUAL_KEYS_MAX 1024u /* looked up one by one; a larger map is equal only byte for byte */

void bom_work_init(struct bom_work *w, struct bb_apply *a, const char *step)
{
    *w = (struct bom_work){.a = a, .step = step};
    bb_buf_init(&w->made, BOM_MADE_MAX);
}

void bom_work_free(struct bom_work *w)
{
    bb_buf_free(&w->made);
}

bool bom_fail(struct bom_work *w, const char *fmt, ...)
{
    char text[160];
    va_list ap;

    if (w->failed)
        return false;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    w->failed = true;
    bb_apply_reject(w->a, BOM_FAILURE, "step %u (%s): %s", w->a->step, w->step, text);
    return false;
}

struct bb_bytes bom_get(struct bb_bytes map, const char *pointer)
{
    struct bb_bytes v = {NULL, 0};

    return bb_pointer_get(map, pointer, &v) == 1 ? v : (struct bb_bytes){NULL, 0};
}

struct bb_bytes bom_text(struct bb_bytes map, const char *pointer)
{
    struct bb_bytes v = bom_get(map, pointer), s;

    return v.len && bb_as_str(v, &s) == 1 ? s : (struct bb_bytes){NULL, 0};
}

bool bom_same(struct bb_bytes a, struct bb_bytes b)
{
    return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int bom_compare(struct bb_bytes a, struct bb_bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int r = n ? memcmp(a.ptr, b.ptr, n) : 0;

    return r ? r : a.len < b.len ? -1 : a.len > b.len;
}

const char *bom_name(char out[48], struct bb_bytes line)
{
    struct bb_bytes id = bom_text(line, "/position"), other = bom_text(line, "/id");

    if (!id.len)
        id = other;
    snprintf(out, 48, "%.*s", (int)(id.len < 40 ? id.len : 40),
             id.len ? (const char *)id.ptr : "?");
    return out;
}

struct bb_bytes bom_bytes(const struct bom_work *w, const struct bom_line *l)
{
    return (struct bb_bytes){l->ptr ? l->ptr : w->made.ptr + l->offset, l->len};
}

bool bom_doc_add(struct bom_work *w, struct bom_doc *d, struct bom_line l)
{
    if (w->failed)
        return false;
    if (d->n == BOM_LINES_MAX)
        return bom_fail(w, "the BOM comes to more than %u lines", BOM_LINES_MAX);
    if (d->n == d->cap) {
        uint32_t cap = d->cap ? 2 * d->cap : 64;
        struct bom_line *p = realloc(d->lines, cap * sizeof *p);

        if (!p)
            return bom_fail(w, "no memory for %u lines", cap);
        d->lines = p;
        d->cap = cap;
    }
    d->lines[d->n++] = l;
    return true;
}

bool bom_doc_read(struct bom_work *w, struct bb_bytes raw, const char *what, struct bom_doc *d)
{
    struct bb_bytes lines = bom_get(raw, "/lines"), v;
    struct bb_cur c;
    uint32_t n;

    *d = (struct bom_doc){.raw = raw};
    if (!bb_group_of(raw, BB_T_MAP, &c, &n))
        return bom_fail(w, "%s is %s, not a BOM", what, bb_kind_of(raw));
    if (!lines.len || !bb_group_of(lines, BB_T_ARRAY, &c, &n))
        return bom_fail(w, "%s has no list at /lines", what);
    for (uint32_t i = 0; i < n; i++) {
        struct bb_bytes id;

        if (bb_cur_value(&c, &v) != 0)
            return bom_fail(w, "%s: line %u cannot be read", what, i + 1);
        id = bom_text(v, "/id");
        if (!id.len)
            return bom_fail(w, "%s: line %u has no text at /id", what, i + 1);
        if (!bom_doc_add(w, d, (struct bom_line){.ptr = v.ptr, .len = v.len}))
            return false;
    }
    return true;
}

void bom_doc_free(struct bom_doc *d)
{
    free(d->lines);
    *d = (struct bom_doc){0};
}

void bom_edit_put(struct bb_buf *b, struct bb_bytes map, const struct bom_edit *e, uint32_t n)
{
    struct bb_cur c;
    struct bb_bytes key, value;
    uint32_t pairs, left = 0, fresh = 0;
    bool had[16] = {false};

    if (!bb_group_of(map, BB_T_MAP, &c, &pairs))
        pairs = 0;
    for (uint32_t i = 0; i < n; i++) {
        had[i] = pairs && bb_map_get(map, e[i].key, &value) == 1;
        left += had[i] && !e[i].value.len;
        fresh += !had[i] && e[i].value.len;
    }
    bb_put_map(b, pairs - left + fresh);
    for (uint32_t k = 0; k < pairs && bb_pair_next(&c, &key, &value) == 0; k++) {
        const struct bom_edit *at = NULL;

        for (uint32_t i = 0; i < n && !at; i++)
            if (bb_bytes_are(key, e[i].key))
                at = &e[i];
        if (at && !at->value.len)
            continue;
        bb_put_str(b, key.ptr, key.len);
        bb_put_raw(b, at ? at->value : value);
    }
    for (uint32_t i = 0; i < n; i++)
        if (!had[i] && e[i].value.len) {
            bb_put_cstr(b, e[i].key);
            bb_put_raw(b, e[i].value);
        }
}

struct bom_line bom_line_edit(struct bom_work *w, struct bb_bytes map, const struct bom_edit *e,
                              uint32_t n)
{
    struct bb_buf b; /* of its own: map and the edits may lie in made, which moves when it grows */
    struct bom_line l = {.offset = w->made.len};

    bb_buf_init(&b, BOM_MADE_MAX);
    bom_edit_put(&b, map, e, n);
    bb_put_raw(&w->made, (struct bb_bytes){b.ptr, b.len});
    if (b.failed || w->made.failed)
        bom_fail(w, "the BOM's lines come to more than %u MiB", BOM_MADE_MAX >> 20);
    l.len = b.len;
    bb_buf_free(&b);
    return l;
}

void bom_doc_put(struct bom_work *w, struct bb_buf *b, const struct bom_doc *d,
                 const struct bom_edit *more, uint32_t n)
{
    struct bom_edit e[16];
    struct bb_buf lines;

    bb_buf_init(&lines, BOM_MADE_MAX);
    bb_put_array(&lines, d->n);
    for (uint32_t i = 0; i < d->n; i++)
        bb_put_raw(&lines, bom_bytes(w, &d->lines[i]));
    if (n)
        memcpy(e, more, n * sizeof *e);
    e[n] = (struct bom_edit){"lines", {lines.ptr, lines.len}};
    bom_edit_put(b, d->raw, e, n + 1);
    if (lines.failed || b->failed)
        bom_fail(w, "the BOM is larger than a message may be");
    bb_buf_free(&lines);
}

bool bom_find(struct bb_bytes map, struct bb_bytes key, struct bb_bytes *value)
{
    struct bb_bytes k;
    struct bb_cur c;
    uint32_t n;

    if (!map.len || !bb_group_of(map, BB_T_MAP, &c, &n))
        return false;
    while (n-- && bb_pair_next(&c, &k, value) == 0)
        if (bom_same(k, key))
            return true;
    return false;
}

bool bom_equal(struct bb_bytes a, struct bb_bytes b)
{
    struct bb_cur x, y;
    struct bb_bytes key, u, v;
    uint32_t n, m;

    if (bom_same(a, b))
        return true;
    if (bb_group_of(a, BB_T_ARRAY, &x, &n)) {
        if (!bb_group_of(b, BB_T_ARRAY, &y, &m) || n != m)
            return false;
        while (n--)
            if (bb_cur_value(&x, &u) != 0 || bb_cur_value(&y, &v) != 0 || !bom_equal(u, v))
                return false;
        return true;
    }
    if (!bb_group_of(a, BB_T_MAP, &x, &n) || !bb_group_of(b, BB_T_MAP, &y, &m) || n != m ||
        n > EQUAL_KEYS_MAX)
        return false;
    while (n--) {
        if (bb_pair_next(&x, &key, &u) != 0 || !bom_find(b, key, &v) || !bom_equal(u, v))
            return false;
    }
    return true;
}
