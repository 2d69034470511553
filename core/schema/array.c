/*
 * array.c - the items of an array, in one walk, and the marks of children
 *
 * Thread: the run's. Marks lie in the run's scratch and go with the node that made them.
 */
#include "core/schema/internal.h"

bool bb_marks_new(struct bb_schema_run *r, struct bb_smarks *m, uint32_t n)
{
    size_t words = ((size_t)n + 63) / 64;

    m->n = n;
    m->all = false;
    if (!bb_run_work(r, words))
        return false;
    m->bits = bb_run_get(r, words * sizeof(*m->bits));
    return m->bits != NULL;
}

void bb_marks_add(struct bb_smarks *to, const struct bb_smarks *from)
{
    size_t i, words = ((size_t)(to->n < from->n ? to->n : from->n) + 63) / 64;

    to->all |= from->all;
    for (i = 0; i < words; i++)
        to->bits[i] |= from->bits[i];
}

struct contained {
    uint32_t n;
    bool enough; /* no more need be counted */
};

static bool item_check(struct bb_schema_run *r, const struct bb_sarr *a, const uint8_t *p,
                       uint32_t i, const uint8_t **end, struct bb_smarks *marks,
                       struct contained *in)
{
    const struct bb_snode *child = i < a->n_prefix ? a->prefix[i] : a->items;
    const uint8_t *at;

    *end = NULL;
    if (child) {
        *end = bb_node_check(r, child, p, NULL);
        if (!*end)
            return false;
        if (marks)
            bb_marks_set(marks, i);
    }
    if (!a->contains || in->enough)
        return true;
    at = bb_node_holds(r, a->contains, p, NULL);
    if (r->faulted)
        return false;
    if (at) {
        *end = at;
        in->n++;
        if (marks)
            bb_marks_set(marks, i);
        in->enough = !marks && in->n >= a->contains_min && a->contains_max == UINT32_MAX;
    }
    return true;
}

static bool contained_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                            const struct contained *in)
{
    const struct bb_sarr *a = n->arr;

    if (!a->contains)
        return true;
    if (in->n < a->contains_min &&
        !bb_run_fail(r, n, a->contains_min == 1 ? "contains" : "minContains", p,
                     "%u items are of the kind that must be among them: at least %u", in->n,
                     a->contains_min))
        return false;
    return in->n <= a->contains_max ||
           bb_run_fail(r, n, "maxContains", p,
                       "%u items are of the kind that must be among them: at most %u", in->n,
                       a->contains_max);
}

static bool unique_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                         struct bb_cur c, uint32_t count)
{
    uint32_t pair[2];
    int twice = bb_values_twice(r, c, count, pair);

    if (twice <= 0)
        return twice == 0;
    return bb_run_fail(r, n, "uniqueItems", p, "the items %u and %u are equal", pair[0], pair[1]);
}

const uint8_t *bb_array_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                              struct bb_cur c, uint32_t count, struct bb_smarks *marks)
{
    const struct bb_sarr *a = n->arr;
    struct bb_spath path = {r->path, {NULL, 0}, 0};
    struct bb_cur first = c;
    struct contained in = {0, false};
    const uint8_t *end;
    uint32_t i;
    bool good;

    if (count < a->min &&
        !bb_run_fail(r, n, "minItems", p, "has %u items: at least %u", count, a->min))
        return NULL;
    if (count > a->max &&
        !bb_run_fail(r, n, "maxItems", p, "has %u items: at most %u", count, a->max))
        return NULL;
    if (!bb_run_work(r, count))
        return NULL;
    in.enough = a->contains && !marks && !a->contains_min && a->contains_max == UINT32_MAX;
    for (i = 0; i < count; i++) {
        path.index = i;
        r->path = &path;
        good = item_check(r, a, c.p, i, &end, marks, &in);
        r->path = path.up;
        if (!good)
            return NULL;
        if (end)
            c.p = end;
        else if (bb_cur_skip(&c) != 0)
            return bb_run_fault(r, "the bytes are no canonical value");
    }
    if (!contained_check(r, n, p, &in) || (a->unique && !unique_check(r, n, p, first, count)))
        return NULL;
    return c.p;
}
