/*
 * number.c - positions that stay what they are
 *
 * A line that was in the BOM before, found by its id, keeps its position; without a BOM before, a
 * line keeps its own if that is a number nobody else has. The others get the next free multiple
 * behind the highest, in the order of the lines: a new line never moves an old one.
 *
 * Thread: one apply.
 */
#include "core/transform/bom/bom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct known { /* of the BOM before */
    struct bb_bytes id;
    uint64_t position;
};

static int by_id(const void *x, const void *y)
{
    const struct known *a = x, *b = y;

    return bom_compare(a->id, b->id);
}

static int by_number(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

    return a < b ? -1 : a > b;
}

/* Its position as a number, 0 when it is none. */
static uint64_t number_of(struct bb_bytes line)
{
    struct bb_bytes t = bom_text(line, "/position");
    uint64_t v = 0;

    for (size_t i = 0; i < t.len; i++) {
        uint8_t c = ((const uint8_t *)t.ptr)[i];

        if (c < '0' || c > '9' || t.len > 9)
            return 0;
        v = v * 10 + c - '0';
    }
    return v;
}

/* What each line keeps, 0: nothing. */
static bool kept(struct bom_work *w, const struct bom_doc *d, struct bb_bytes previous,
                 uint64_t *own)
{
    struct bom_doc before = {0};
    struct known *k = NULL, want, *at;
    uint64_t *sorted;
    bool ok = true;

    if (previous.len)
        ok = bom_doc_read(w, previous, "the BOM before", &before) &&
             ((k = malloc((before.n + 1) * sizeof *k)) || bom_fail(w, "no memory"));
    for (uint32_t i = 0; ok && i < before.n; i++) {
        struct bb_bytes line = bom_bytes(w, &before.lines[i]);

        k[i] = (struct known){bom_text(line, "/id"), number_of(line)};
    }
    if (ok && before.n)
        qsort(k, before.n, sizeof *k, by_id);
    sorted = malloc((d->n + 1) * sizeof *sorted);
    if (ok && !sorted)
        ok = bom_fail(w, "no memory");
    for (uint32_t i = 0; ok && i < d->n; i++) {
        struct bb_bytes line = bom_bytes(w, &d->lines[i]);

        want.id = bom_text(line, "/id");
        at = before.n ? bsearch(&want, k, before.n, sizeof *k, by_id) : NULL;
        own[i] = previous.len ? (at ? at->position : 0) : number_of(line);
        sorted[i] = own[i];
    }
    if (ok)
        qsort(sorted, d->n, sizeof *sorted, by_number);
    for (uint32_t i = 0; ok && i < d->n; i++) { /* one that several have is nobody's */
        const uint64_t *s = bsearch(&own[i], sorted, d->n, sizeof *sorted, by_number);

        if (own[i] && ((s > sorted && s[-1] == *s) || (s + 1 < sorted + d->n && s[1] == *s)))
            own[i] = 0;
    }
    free(sorted);
    free(k);
    bom_doc_free(&before);
    return ok;
}

bool bom_number(struct bom_work *w, struct bom_doc *d, const struct bom_numbers *p,
                struct bb_bytes previous)
{
    uint64_t *own = calloc(d->n + 1, sizeof *own), next = 0, limit = 1;
    bool ok = own ? kept(w, d, previous, own) : bom_fail(w, "no memory");
    char text[24], name[48];
    struct bb_buf b;

    for (uint32_t i = 0; i < p->digits; i++)
        limit *= 10;
    for (uint32_t i = 0; ok && i < d->n; i++)
        if (own[i] > next)
            next = own[i];
    next = next < p->start ? p->start : (next - p->start) / p->step * p->step + p->start + p->step;
    for (uint32_t i = 0; ok && i < d->n; i++) {
        struct bb_bytes line = bom_bytes(w, &d->lines[i]);

        if (!own[i]) {
            own[i] = next;
            next += p->step;
        }
        if (own[i] >= limit) {
            ok = bom_fail(w, "line %s: position %llu has more than %u digits", bom_name(name, line),
                          (unsigned long long)own[i], p->digits);
            break;
        }
        snprintf(text, sizeof text, "%0*llu", (int)p->digits, (unsigned long long)own[i]);
        bb_buf_init(&b, 64);
        bb_put_cstr(&b, text);
        if (!bom_same(bom_get(line, "/position"), (struct bb_bytes){b.ptr, b.len}))
            d->lines[i] = bom_line_edit(w, line, &(struct bom_edit){"position", {b.ptr, b.len}}, 1);
        bb_buf_free(&b);
    }
    free(own);
    return ok && !w->failed;
}
