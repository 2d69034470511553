/*
 * diff.c - two states of a BOM to the change between them, and a change to the state after or
 * before
 *
 * Lines are the same line when their ids are. A field is the same when it says the same with the
 * same digits: 1.50 to 1.5 is a change, so that what is made of a change is what was there, byte
 * for byte but for the order of lines (by position, then id) and of keys. Only header fields that
 * differ are in the change, lines that differ are there whole, with the names of the fields.
 *
 * Thread: one apply.
 */
#include "core/transform/bom/bom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sorted { /* a document's lines by id */
    struct bb_bytes id, line;
};

static int by_id(const void *x, const void *y)
{
    return bom_compare(((const struct sorted *)x)->id, ((const struct sorted *)y)->id);
}

static int by_place(const void *x, const void *y)
{
    const struct sorted *a = x, *b = y;
    int r = bom_compare(bom_text(a->line, "/position"), bom_text(b->line, "/position"));

    return r ? r : by_id(x, y);
}

/* NULL when w failed; also when an id is there twice. */
static struct sorted *sorted_of(struct bom_work *w, const struct bom_doc *d, const char *what)
{
    struct sorted *s = malloc((d->n + 1) * sizeof *s);

    if (!s) {
        bom_fail(w, "no memory for %u lines", d->n);
        return NULL;
    }
    for (uint32_t i = 0; i < d->n; i++) {
        s[i].line = bom_bytes(w, &d->lines[i]);
        s[i].id = bom_text(s[i].line, "/id");
    }
    qsort(s, d->n, sizeof *s, by_id);
    for (uint32_t i = 1; i < d->n; i++)
        if (bom_same(s[i - 1].id, s[i].id)) {
            bom_fail(w, "%s has two lines with the id %.*s", what,
                     (int)(s[i].id.len < 40 ? s[i].id.len : 40), (const char *)s[i].id.ptr);
            free(s);
            return NULL;
        }
    return s;
}

/* ---- diff ------------------------------------------------------------------------------------ */
static void put_pair(struct bb_buf *b, const char *key, struct bb_bytes v)
{
    bb_put_cstr(b, key);
    bb_put_raw(b, v);
}

static struct bb_bytes of(const struct bb_buf *b)
{
    return (struct bb_bytes){b->ptr, b->len};
}

/* The entries of map that other has not or has otherwise, but "lines"; how many. */
static uint32_t differing(struct bb_bytes map, struct bb_bytes other, struct bb_buf *b, bool names)
{
    struct bb_bytes key, value, there;
    struct bb_cur c;
    uint32_t n = 0, found = 0;

    if (!map.len || !bb_group_of(map, BB_T_MAP, &c, &n))
        return 0;
    while (n-- && bb_pair_next(&c, &key, &value) == 0) {
        if (bb_bytes_are(key, "lines"))
            continue;
        if (bom_find(other, key, &there) && (names || bom_equal(value, there)))
            continue; /* names: what differs on both sides is named by the other side's turn */
        bb_put_str(b, key.ptr, key.len);
        if (!names)
            bb_put_raw(b, value);
        found++;
    }
    return found;
}

static void put_line(struct bb_buf *b, const char *action, struct bb_bytes id,
                     struct bb_bytes before, struct bb_bytes after)
{
    struct bb_buf fields;
    uint32_t n;

    bb_put_map(b, before.len && after.len ? 5 : 3);
    bb_put_cstr(b, "action");
    bb_put_cstr(b, action);
    bb_put_cstr(b, "line");
    bb_put_str(b, id.ptr, id.len);
    if (before.len)
        put_pair(b, "before", before);
    if (after.len)
        put_pair(b, "after", after);
    if (!before.len || !after.len)
        return;
    struct bb_buf pairs;
    struct bb_bytes key, value;
    struct bb_cur c;

    bb_buf_init(&fields, BOM_MADE_MAX);
    bb_buf_init(&pairs, BOM_MADE_MAX);
    n = differing(before, after, &pairs, false);
    c = bb_cur_of(of(&pairs));
    for (uint32_t i = 0; i < n && bb_pair_next(&c, &key, &value) == 0; i++)
        bb_put_str(&fields, key.ptr, key.len);
    n += differing(after, before, &fields, true);
    bb_put_cstr(b, "fields");
    bb_put_array(b, n);
    bb_put_raw(b, of(&fields));
    b->failed |= fields.failed | pairs.failed;
    bb_buf_free(&fields);
    bb_buf_free(&pairs);
}

static bool put_lines(struct bom_work *w, const struct bom_doc *x, const struct bom_doc *y,
                      struct bb_buf *b, uint32_t *n)
{
    static const struct bb_bytes no = {NULL, 0};
    struct sorted *u = sorted_of(w, x, "before"), *v = u ? sorted_of(w, y, "after") : NULL;
    uint32_t i = 0, k = 0;

    while (v && (i < x->n || k < y->n)) {
        int r = i == x->n ? 1 : k == y->n ? -1 : bom_compare(u[i].id, v[k].id);

        if (r < 0) {
            put_line(b, "removed", u[i].id, u[i].line, no);
            i++;
        } else if (r > 0) {
            put_line(b, "added", v[k].id, no, v[k].line);
            k++;
        } else {
            if (!bom_equal(u[i].line, v[k].line))
                put_line(b, "changed", u[i].id, u[i].line, v[k].line);
            else
                --*n;
            i++;
            k++;
        }
        ++*n;
    }
    free(u);
    free(v);
    return v != NULL;
}

static void put_affected(struct bb_buf *b, struct bb_bytes before, struct bb_bytes after,
                         const struct bb_buf *lines, uint32_t n_lines)
{
    struct bb_bytes doc = after.len ? after : before, item = bom_get(doc, "/item");
    struct bb_bytes plant = bom_get(doc, "/plant"), from = bom_get(before, "/item/revision");
    struct bb_bytes to = bom_get(after, "/item/revision");
    struct bb_buf x, y;
    uint32_t n, m;
    bool whole = !before.len || !after.len;

    bb_buf_init(&x, BOM_MADE_MAX);
    bb_buf_init(&y, BOM_MADE_MAX);
    n = differing(before, whole ? (struct bb_bytes){NULL, 0} : after, &x, false);
    m = differing(after, whole ? (struct bb_bytes){NULL, 0} : before, &y, false);
    bb_put_map(b, 4 + (item.len != 0) + (plant.len != 0) + (before.len && from.len) +
                      (after.len && to.len));
    bb_put_cstr(b, "object");
    bb_put_cstr(b, "bom");
    bb_put_cstr(b, "action");
    bb_put_cstr(b, !before.len ? "create" : !after.len ? "obsolete" : "change");
    if (item.len)
        put_pair(b, "item", item);
    if (before.len && from.len)
        put_pair(b, "fromRevision", from);
    if (after.len && to.len)
        put_pair(b, "toRevision", to);
    if (plant.len)
        put_pair(b, "plant", plant);
    bb_put_cstr(b, "header");
    bb_put_map(b, 2);
    bb_put_cstr(b, "before");
    bb_put_map(b, n);
    bb_put_raw(b, of(&x));
    bb_put_cstr(b, "after");
    bb_put_map(b, m);
    bb_put_raw(b, of(&y));
    bb_put_cstr(b, "lines");
    bb_put_array(b, n_lines);
    bb_put_raw(b, of(lines));
    b->failed |= x.failed | y.failed | lines->failed;
    bb_buf_free(&x);
    bb_buf_free(&y);
}

bool bom_diff(struct bom_work *w, struct bb_bytes before, struct bb_bytes after, struct bb_bytes id,
              struct bb_buf *b)
{
    struct bom_doc x = {0}, y = {0};
    struct bb_bytes approval = bom_get(after.len ? after : before, "/approval");
    struct bb_buf lines;
    uint32_t n = 0;
    bool ok =
        before.len || after.len ? true : bom_fail(w, "there is neither a BOM before nor one after");

    bb_buf_init(&lines, BOM_MADE_MAX);
    ok = ok && (!before.len || bom_doc_read(w, before, "before", &x)) &&
         (!after.len || bom_doc_read(w, after, "after", &y)) && put_lines(w, &x, &y, &lines, &n);
    if (ok && before.len && after.len &&
        !bom_same(bom_text(before, "/item/id"), bom_text(after, "/item/id")))
        ok = bom_fail(w, "before and after are BOMs of different items");
    if (ok) {
        bb_put_map(b, 4);
        bb_put_cstr(b, "id");
        bb_put_str(b, id.ptr, id.len);
        bb_put_cstr(b, "kind");
        bb_put_cstr(b, "difference");
        bb_put_cstr(b, "approval");
        if (approval.len) {
            bb_put_raw(b, approval);
        } else {
            bb_put_map(b, 1);
            bb_put_cstr(b, "state");
            bb_put_cstr(b, "draft");
        }
        bb_put_cstr(b, "affected");
        bb_put_array(b, 1);
        put_affected(b, before, after, &lines, n);
        if (b->failed)
            ok = bom_fail(w, "the change is larger than a message may be");
    }
    bb_buf_free(&lines);
    bom_doc_free(&x);
    bom_doc_free(&y);
    return ok;
}

/* ---- apply ----------------------------------------------------------------------------------- */
/* The header with what one side of the change has in place of what the other has. */
static void header(struct bb_buf *b, struct bb_bytes raw, struct bb_bytes old, struct bb_bytes new,
                   struct bb_bytes lines)
{
    struct bb_bytes key, value, there;
    struct bb_buf pairs;
    struct bb_cur c;
    uint32_t n = 0, all = 1;

    bb_buf_init(&pairs, BOM_MADE_MAX);
    if (raw.len && bb_group_of(raw, BB_T_MAP, &c, &n))
        while (n-- && bb_pair_next(&c, &key, &value) == 0) {
            if (bb_bytes_are(key, "lines"))
                continue;
            if (bom_find(old, key, &there) || bom_find(new, key, &there))
                continue;
            bb_put_str(&pairs, key.ptr, key.len);
            bb_put_raw(&pairs, value);
            all++;
        }
    if (bb_group_of(new, BB_T_MAP, &c, &n))
        while (n-- && bb_pair_next(&c, &key, &value) == 0) {
            bb_put_str(&pairs, key.ptr, key.len);
            bb_put_raw(&pairs, value);
            all++;
        }
    bb_put_map(b, all);
    bb_put_raw(b, of(&pairs));
    put_pair(b, "lines", lines);
    b->failed |= pairs.failed;
    bb_buf_free(&pairs);
}

/* Whether the header says what the change says that it does. */
static bool header_fits(struct bom_work *w, struct bb_bytes raw, struct bb_bytes old)
{
    struct bb_bytes key, value, there;
    struct bb_cur c;
    uint32_t n = 0;

    if (!old.len || !bb_group_of(old, BB_T_MAP, &c, &n))
        return true;
    while (n-- && bb_pair_next(&c, &key, &value) == 0) {
        if (!bom_find(raw, key, &there) || !bom_equal(there, value))
            return bom_fail(
                w,
                "the BOM's %.*s is not what the change says that it is: it was made for another "
                "state",
                (int)(key.len < 40 ? key.len : 40), (const char *)key.ptr);
    }
    return true;
}

/* One line of the change into s, which is sorted by id up to n0; *n grows with what is added. */
static bool one_change(struct bom_work *w, struct bb_bytes change, bool forward, struct sorted *s,
                       uint32_t n0, uint32_t *n)
{
    struct bb_bytes was = bom_get(change, forward ? "/before" : "/after");
    struct bb_bytes becomes = bom_get(change, forward ? "/after" : "/before");
    struct sorted want = {.id = bom_text(change, "/line")}, *at;

    at = n0 ? bsearch(&want, s, n0, sizeof *s, by_id) : NULL;
    if (!want.id.len || (!was.len && !becomes.len))
        return bom_fail(w, "a line of the change says no line, or neither before nor after");
    if (was.len && (!at || !at->line.len || !bom_equal(at->line, was)))
        return bom_fail(
            w, "line %.*s is not %s the change says that it is: it was made for another state",
            (int)(want.id.len < 40 ? want.id.len : 40), (const char *)want.id.ptr,
            at ? "what" : "there, where");
    if (!was.len && at)
        return bom_fail(w, "line %.*s is there already, and the change adds it",
                        (int)(want.id.len < 40 ? want.id.len : 40), (const char *)want.id.ptr);
    if (at)
        at->line = becomes; /* empty: it goes */
    else
        s[(*n)++] = (struct sorted){want.id, becomes};
    return true;
}

bool bom_apply(struct bom_work *w, struct bb_bytes bom, struct bb_bytes change, bool forward,
               struct bb_buf *b)
{
    struct bb_bytes at = bom_get(change, "/affected/0"), lines = bom_get(at, "/lines"), v;
    struct bom_doc d = {0};
    struct sorted *s = NULL, *more;
    struct bb_buf list;
    struct bb_cur c;
    uint32_t n, changes = 0, put = 0;
    bool ok = (!bom.len || bom_doc_read(w, bom, "the BOM", &d));

    if (ok && (!lines.len || !bb_group_of(lines, BB_T_ARRAY, &c, &changes) ||
               bom_get(change, "/affected/1").len))
        ok = bom_fail(w, "the change is not one of a single BOM's lines, at /affected/0/lines");
    if (ok && bb_bytes_are(bom_text(at, "/action"), forward ? "obsolete" : "create"))
        ok = bom_fail(w, "the change %s the BOM: there is none %s it", forward ? "ends" : "creates",
                      forward ? "after" : "before");
    ok = ok && header_fits(w, bom, bom_get(at, forward ? "/header/before" : "/header/after"));
    s = ok ? sorted_of(w, &d, "the BOM") : NULL;
    n = d.n;
    more = s ? realloc(s, ((size_t)n + changes + 1) * sizeof *s) : NULL;
    if (!more) {
        free(s);
        bom_doc_free(&d);
        return bom_fail(w, "no memory for %u lines", changes);
    }
    s = more;
    for (uint32_t i = 0; ok && i < changes; i++)
        ok = (bb_cur_value(&c, &v) == 0 || bom_fail(w, "the change cannot be read")) &&
             one_change(w, v, forward, s, d.n, &n);
    bb_buf_init(&list, BOM_MADE_MAX);
    for (uint32_t i = 0; i < n; i++)
        put += s[i].line.len != 0;
    bb_put_array(&list, put);
    qsort(s, n, sizeof *s, by_id);
    for (uint32_t i = 1; ok && i < n; i++)
        if (bom_same(s[i - 1].id, s[i].id))
            ok = bom_fail(w, "the change adds line %.*s twice",
                          (int)(s[i].id.len < 40 ? s[i].id.len : 40), (const char *)s[i].id.ptr);
    qsort(s, n, sizeof *s, by_place);
    for (uint32_t i = 0; i < n; i++)
        bb_put_raw(&list, s[i].line);
    if (ok)
        header(b, bom, bom_get(at, forward ? "/header/before" : "/header/after"),
               bom_get(at, forward ? "/header/after" : "/header/before"), of(&list));
    if (ok && (b->failed || list.failed))
        ok = bom_fail(w, "the BOM is larger than a message may be");
    bb_buf_free(&list);
    free(s);
    bom_doc_free(&d);
    return ok;
}
