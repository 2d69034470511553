/*
 * shelf.c - the BOMs beside the message's own, by item; cycles over any number of levels
 *
 * Thread: one apply. Ownership: a shelf owns its entries' lists of lines; items and revisions point
 * into the message. Invariant: every BOM is gone through once, whatever contains it.
 */
#include "core/transform/bom/bom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_item(const void *x, const void *y)
{
    const struct bom_entry *a = x, *b = y;

    return bom_compare(a->item, b->item);
}

void bom_shelf_free(struct bom_shelf *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        bom_doc_free(&s->e[i].doc);
    free(s->e);
    *s = (struct bom_shelf){0};
}

bool bom_shelf_read(struct bom_work *w, struct bb_bytes boms, struct bom_shelf *s)
{
    struct bb_cur c;
    struct bb_bytes v;
    char what[64];
    uint32_t n;

    *s = (struct bom_shelf){0};
    if (!boms.len)
        return true;
    if (!bb_group_of(boms, BB_T_ARRAY, &c, &n))
        return bom_fail(w, "boms is %s, not a list of BOMs", bb_kind_of(boms));
    if (n > BOM_DOCS_MAX)
        return bom_fail(w, "%u BOMs beside the message's own, more than %u", n, BOM_DOCS_MAX);
    s->e = calloc(n ? n : 1, sizeof *s->e);
    if (!s->e)
        return bom_fail(w, "no memory for %u BOMs", n);
    for (uint32_t i = 0; i < n; i++) {
        struct bom_entry *e = &s->e[s->n++];

        snprintf(what, sizeof what, "BOM %u of boms", i + 1);
        if (bb_cur_value(&c, &v) != 0 || !bom_doc_read(w, v, what, &e->doc))
            return bom_fail(w, "%s cannot be read", what);
        e->item = bom_text(v, "/item/id");
        e->revision = bom_text(v, "/item/revision");
        if (!e->item.len)
            return bom_fail(w, "%s has no text at /item/id", what);
    }
    qsort(s->e, s->n, sizeof *s->e, by_item);
    return true;
}

/* The BOM of a line's item, in the revision that the line names if it names one. NULL without. */
struct bom_entry *bom_shelf_find(struct bom_work *w, struct bom_shelf *s, struct bb_bytes line)
{
    struct bom_entry want = {.item = bom_text(line, "/item/id")}, *at, *found = NULL;
    struct bb_bytes revision = bom_text(line, "/item/revision");
    char name[48];

    if (!s->n || !want.item.len)
        return NULL;
    at = bsearch(&want, s->e, s->n, sizeof *at, by_item);
    while (at && at > s->e && by_item(at - 1, &want) == 0)
        at--;
    for (; at && at < s->e + s->n && by_item(at, &want) == 0; at++) {
        if (revision.len && at->revision.len && !bom_same(revision, at->revision))
            continue;
        if (found) {
            bom_fail(w, "line %s: there are several BOMs of item %.*s among boms",
                     bom_name(name, line), (int)(want.item.len < 40 ? want.item.len : 40),
                     (const char *)want.item.ptr);
            return NULL;
        }
        found = at;
    }
    return found;
}

/* ---- cycles ------------------------------------------------------------------------------------
 */
struct visit {
    const struct bom_doc *doc;
    struct bom_entry *of; /* NULL: the message's own */
    struct bb_bytes item;
    uint32_t next;
};

static bool cycle(struct bom_work *w, const struct visit *way, uint32_t n, struct bb_bytes item)
{
    char text[120];
    size_t len = 0;
    uint32_t from = 0;

    while (from < n && !bom_same(way[from].item, item))
        from++;
    for (uint32_t i = from; i < n && len < sizeof text; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%.*s > ",
                                (int)(way[i].item.len < 24 ? way[i].item.len : 24),
                                (const char *)way[i].item.ptr);
    return bom_fail(w, "a BOM contains itself: %s%.*s", text, (int)(item.len < 24 ? item.len : 24),
                    (const char *)item.ptr);
}

bool bom_acyclic(struct bom_work *w, const struct bom_doc *d, struct bb_bytes boms)
{
    struct bom_shelf s;
    struct visit *way;
    uint32_t n = 1;
    bool ok = bom_shelf_read(w, boms, &s);

    way = ok ? calloc(s.n + 2, sizeof *way) : NULL;
    if (ok && !way)
        ok = bom_fail(w, "no memory");
    if (ok)
        way[0] = (struct visit){.doc = d, .item = bom_text(d->raw, "/item/id")};
    while (ok && n) {
        struct visit *v = &way[n - 1];
        struct bb_bytes line, item;
        struct bom_entry *e;

        if (v->next == v->doc->n) {
            if (v->of)
                v->of->seen = 2;
            n--;
            continue;
        }
        line = bom_bytes(w, &v->doc->lines[v->next++]);
        item = bom_text(line, "/item/id");
        if (item.len && bom_same(item, way[0].item)) {
            ok = cycle(w, way, n, item);
            break;
        }
        e = bom_shelf_find(w, &s, line);
        if (w->failed || (e && e->seen == 1)) {
            ok = w->failed ? false : cycle(w, way, n, item);
        } else if (e && !e->seen) {
            e->seen = 1;
            way[n++] = (struct visit){.doc = &e->doc, .of = e, .item = item};
        }
    }
    free(way);
    bom_shelf_free(&s);
    return ok;
}
