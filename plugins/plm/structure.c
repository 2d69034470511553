/*
 * structure.c - the rows of a structure, page by page, put together to assemblies
 *
 * A row is a line with its parent's number; the row of an assembly that the PLM opened has the assembly's header in it.
 * An assembly that is used twice comes twice: a line is taken once for each parent. At the end every assembly is handed
 * out with its lines in the order they came, the deepest level first, so that a receiver has the parts of a thing before
 * the thing.
 *
 * Thread: the instance's. Ownership: rows are copied into `arena`, up to its end; offsets until all is there.
 * Invariant: at most lines_max rows, whatever the PLM sends.
 */
#include <stdlib.h>
#include "plm.h"

#define ARENA_MAX (128u << 20)

struct row {
    struct bb_bytes v, parent, id; /* v.ptr is an offset until assemblies_make() */
    size_t nth;
};
struct head {
    struct bb_bytes v, item;
    int64_t level;
};
struct structure {
    const bb_inst *i;
    struct bb_buf arena;
    struct row *rows;
    struct head *heads;
    size_t n_rows, cap_rows, n_heads, cap_heads;
};

struct structure *structure_new(const bb_inst *i)
{
    struct structure *s = calloc(1, sizeof *s);

    if (s) {
        s->i = i;
        bb_buf_init(&s->arena, ARENA_MAX);
    }
    return s;
}

void structure_free(struct structure **sp)
{
    struct structure *s = *sp;

    if (!s)
        return;
    bb_buf_free(&s->arena);
    free(s->rows);
    free(s->heads);
    free(s);
    *sp = NULL;
}

static int fail(struct bb_error *err, bb_status st, const char *text)
{
    bb_error_set(err, st, "%s", text);
    return -1;
}

/* Room for one more of a growing array; NULL without memory. */
static void *room(void **array, size_t n, size_t *cap, size_t width)
{
    if (n == *cap) {
        size_t more = *cap ? *cap * 2 : 64;
        void *p = reallocarray(*array, more, width);
        if (!p)
            return NULL;
        *array = p;
        *cap = more;
    }
    return (char *)*array + n * width;
}

static int head_add(struct structure *s, size_t at, size_t len, int64_t level)
{
    struct head *h = room((void **)&s->heads, s->n_heads, &s->cap_heads, sizeof *h);

    if (!h)
        return -1;
    *h = (struct head){.v = {(const void *)at, len}, .level = level};
    s->n_heads++;
    return 0;
}

static int row_add(struct structure *s, struct bb_bytes row, struct bb_error *err)
{
    struct bb_bytes assembly = field(s->i, row, "assembly");
    struct row *r = room((void **)&s->rows, s->n_rows, &s->cap_rows, sizeof *r);
    size_t at = s->arena.len;
    char level[64];

    if ((int64_t)s->n_rows >= s->i->conf.lines_max) {
        bb_error_set(err, BB_E_REJECT, "the structure has more than %lld lines: raise structure.lines, or lower structure.levels",
                     (long long)s->i->conf.lines_max);
        return -1;
    }
    if (!r)
        return fail(err, BB_E_RETRY, "out of memory");
    bb_buf_put(&s->arena, row.ptr, row.len);
    if (s->arena.failed)
        return fail(err, BB_E_REJECT, "the structure is larger than 128 MiB");
    *r = (struct row){.v = {(const void *)at, row.len}, .nth = s->n_rows};
    s->n_rows++;
    if (!assembly.len)
        return 0;
    size_t in = (size_t)((const uint8_t *)assembly.ptr - (const uint8_t *)row.ptr);
    if (field_number(s->i, row, "level", level) != 1)
        *level = 0;
    return head_add(s, at + in, assembly.len, *level ? strtoll(level, NULL, 10) : 1) == 0 ? 0 : fail(err, BB_E_RETRY, "out of memory");
}

int structure_page(struct structure *s, struct bb_bytes page, struct bb_bytes *next, struct bb_error *err)
{
    int first = s->n_heads == 0, odata = s->i->conf.odata;
    struct bb_bytes list = field(s->i, page, "lines"), one;
    struct bb_iter it;

    if (odata && !first) /* what follows is the list alone */
        list = bb_map_get(page, "value", &one) == 1 ? one : (struct bb_bytes){NULL, 0};
    if (!list.len || !bb_iter_of(list, &it) || it.map)
        return fail(err, BB_E_CONFIG, "what the PLM answered is no structure: it has no list of lines; mend paths.structure, or say "
                                      "what the list is called, names: {lines: ...}");
    if (first) { /* the root's header is the page itself */
        bb_buf_put(&s->arena, page.ptr, page.len);
        if (s->arena.failed)
            return fail(err, BB_E_RETRY, "out of memory");
        if (head_add(s, 0, page.len, 0) != 0)
            return fail(err, BB_E_RETRY, "out of memory");
    }
    while (bb_iter_next(&it, NULL, &one))
        if (row_add(s, one, err) != 0)
            return -1;
    *next = bb_str("");
    if (!odata)
        *next = field_text(s->i, page, "next");
    else if (bb_map_get(page, "Lines@odata.nextLink", &one) == 1 || bb_map_get(page, "@odata.nextLink", &one) == 1)
        (void)bb_as_str(one, next);
    return 0;
}

/* ---- putting together ------------------------------------------------------------------------------------------ */
static int bytes_order(struct bb_bytes a, struct bb_bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int by_line(const void *x, const void *y)
{
    const struct row *a = x, *b = y;
    int c = bytes_order(a->parent, b->parent);

    c = c ? c : bytes_order(a->id, b->id);
    return c ? c : (a->nth > b->nth) - (a->nth < b->nth);
}

static int by_coming(const void *x, const void *y)
{
    const struct row *a = x, *b = y;
    int c = bytes_order(a->parent, b->parent);

    return c ? c : (a->nth > b->nth) - (a->nth < b->nth);
}

static int by_item(const void *x, const void *y)
{
    const struct head *a = x, *b = y;
    int c = bytes_order(a->item, b->item);

    return c ? c : (a->level < b->level) - (a->level > b->level); /* the deepest place first */
}

static int by_depth(const void *x, const void *y)
{
    const struct head *a = x, *b = y;
    int c = (a->level < b->level) - (a->level > b->level);

    return c ? c : bytes_order(a->item, b->item);
}

static int parent_order(const void *key, const void *y)
{
    return bytes_order(*(const struct bb_bytes *)key, ((const struct row *)y)->parent);
}

static void assemblies_make(struct structure *s)
{
    const uint8_t *base = s->arena.ptr;
    size_t n = 0;

    for (size_t k = 0; k < s->n_heads; k++) {
        s->heads[k].v.ptr = base + (uintptr_t)s->heads[k].v.ptr;
        s->heads[k].item = field_text(s->i, s->heads[k].v, "item");
    }
    for (size_t k = 0; k < s->n_rows; k++) {
        struct row *r = &s->rows[k];
        r->v.ptr = base + (uintptr_t)r->v.ptr;
        r->parent = field_text(s->i, r->v, "parent");
        if (!r->parent.len)
            r->parent = s->heads[0].item;
        r->id = field_text(s->i, r->v, "line");
    }
    if (s->n_rows) /* no array yet without */
        qsort(s->rows, s->n_rows, sizeof *s->rows, by_line);
    for (size_t k = 0; k < s->n_rows; k++) {
        struct row *r = &s->rows[k], *last = n ? &s->rows[n - 1] : NULL;
        if (!last || !r->id.len || bytes_order(last->parent, r->parent) != 0 || bytes_order(last->id, r->id) != 0)
            s->rows[n++] = *r;
    }
    s->n_rows = n;
    if (n)
        qsort(s->rows, s->n_rows, sizeof *s->rows, by_coming);
    qsort(s->heads, s->n_heads, sizeof *s->heads, by_item);
    n = 0;
    for (size_t k = 0; k < s->n_heads; k++)
        if (!n || bytes_order(s->heads[n - 1].item, s->heads[k].item) != 0)
            s->heads[n++] = s->heads[k];
    s->n_heads = n;
    qsort(s->heads, s->n_heads, sizeof *s->heads, by_depth);
}

int structure_each(struct structure *s, int (*put)(void *arg, struct bb_bytes header, const struct bb_bytes *lines, size_t n,
                                                   struct bb_error *err),
                   void *arg, struct bb_error *err)
{
    struct bb_bytes *lines = calloc(s->n_rows + 1, sizeof *lines);
    size_t placed = 0;
    int rc = lines ? 0 : fail(err, BB_E_RETRY, "out of memory");

    if (rc == 0 && s->n_heads)
        assemblies_make(s);
    for (size_t k = 0; rc == 0 && k < s->n_heads; k++) {
        struct row *r = s->n_rows ? bsearch(&s->heads[k].item, s->rows, s->n_rows, sizeof *r, parent_order) : NULL;
        size_t n = 0;
        while (r && r > s->rows && bytes_order(r[-1].parent, r->parent) == 0)
            r--;
        for (; r && r < s->rows + s->n_rows && bytes_order(r->parent, s->heads[k].item) == 0; r++)
            lines[n++] = r->v;
        placed += n;
        rc = put(arg, s->heads[k].v, lines, n, err);
    }
    if (rc == 0 && placed != s->n_rows)
        rc = fail(err, BB_E_REJECT, "a line names a parent that the structure does not have");
    free(lines);
    return rc;
}
