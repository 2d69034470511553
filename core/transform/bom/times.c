/*
 * times.c - a BOM with dates in its lines to one BOM for each time without a change, and back
 *
 * Split for a target whose lines have no dates, merged for one that wants a single BOM. Splitting
 * cuts at each day on which a line begins or has ended; merging wants BOMs that follow each other
 * without gap or overlap, and a line that stays the same stays one.
 *
 * Thread: one apply. Ownership: lines are the work's or the message's.
 */
#include "core/transform/bom/bom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_day(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

    return a < b ? -1 : a > b;
}

#define TIMES_MAX 1000u /* BOMs that one is split into */
#define LOOKS_MAX 16000000u

/* The BOM as it is in time t, whose lines say no dates any more. */
static bool time_put(struct bom_work *w, const struct bom_doc *d, const struct bom_span *t,
                     struct bb_buf *b)
{
    static const struct bom_span always = {INT64_MIN, INT64_MAX};
    struct bom_doc part = {.raw = d->raw};
    struct bb_buf effect;
    bool ok = true;

    for (uint32_t i = 0; ok && i < d->n; i++) {
        struct bb_bytes line = bom_bytes(w, &d->lines[i]), had = bom_get(line, "/effectivity");
        struct bom_line l = d->lines[i];
        struct bom_span s;

        ok = bom_span_read(w, had, line, &s);
        if (!ok || s.from > t->from || s.to < t->to)
            continue;
        if (had.len) {
            bb_buf_init(&effect, 1 << 20);
            bom_span_put(&effect, had, &always);
            l = bom_line_edit(w, line, &(struct bom_edit){"effectivity", {effect.ptr, effect.len}},
                              1);
            bb_buf_free(&effect);
        }
        ok = bom_doc_add(w, &part, l);
    }
    bb_buf_init(&effect, 1 << 20);
    bom_span_put(&effect, bom_get(d->raw, "/effectivity"), t);
    if (ok)
        bom_doc_put(w, b, &part, &(struct bom_edit){"effectivity", {effect.ptr, effect.len}}, 1);
    bb_buf_free(&effect);
    bom_doc_free(&part);
    return ok && !w->failed;
}

bool bom_split(struct bom_work *w, const struct bom_doc *d, struct bb_buf *b)
{
    int64_t *cuts = malloc((2 * (size_t)d->n + 1) * sizeof *cuts);
    struct bom_span whole, s;
    uint32_t n = 0, unique = 0;

    if (!cuts)
        return bom_fail(w, "no memory for %u lines", d->n);
    bom_span_read(w, bom_get(d->raw, "/effectivity"), d->raw, &whole);
    for (uint32_t i = 0; i < d->n && !w->failed; i++) { /* cuts: days on which something begins */
        struct bb_bytes line = bom_bytes(w, &d->lines[i]);

        if (!bom_span_read(w, bom_get(line, "/effectivity"), line, &s))
            break;
        if (s.from > whole.from && s.from <= whole.to)
            cuts[n++] = s.from;
        if (s.to < whole.to && s.to >= whole.from)
            cuts[n++] = s.to + 1;
    }
    qsort(cuts, n, sizeof *cuts, by_day);
    for (uint32_t i = 0; i < n; i++)
        if (!unique || cuts[unique - 1] != cuts[i])
            cuts[unique++] = cuts[i];
    if (!w->failed && unique >= TIMES_MAX)
        bom_fail(w, "the BOM changes on %u days, more than %u", unique, TIMES_MAX - 1);
    if (!w->failed && (uint64_t)(unique + 1) * d->n > LOOKS_MAX)
        bom_fail(w, "%u lines at %u times are too much to go through", d->n, unique + 1);
    if (!w->failed)
        bb_put_array(b, unique + 1);
    for (uint32_t i = 0; i <= unique && !w->failed; i++) {
        s.from = i ? cuts[i - 1] : whole.from;
        s.to = i < unique ? cuts[i] - 1 : whole.to;
        time_put(w, d, &s, b);
    }
    free(cuts);
    return !w->failed;
}

/* ---- and back ----------------------------------------------------------------------------------
 */
struct time {
    struct bom_doc doc;
    struct bom_span s;
};
struct stay { /* a line over the times that it stays the same */
    struct bb_bytes id, line;
    struct bom_span s;
    uint32_t first, order; /* first: the time it came in */
};

static int by_time(const void *x, const void *y)
{
    const struct time *a = x, *b = y;

    return a->s.from < b->s.from ? -1 : a->s.from > b->s.from;
}

static int by_id(const void *x, const void *y)
{
    const struct stay *a = x, *b = y;
    int r = bom_compare(a->id, b->id);

    return r ? r : a->s.from < b->s.from ? -1 : a->s.from > b->s.from;
}

static int by_place(const void *x, const void *y)
{
    const struct stay *a = x, *b = y;
    int r = bom_compare(bom_text(a->line, "/position"), bom_text(b->line, "/position"));

    return r ? r : by_id(x, y);
}

static bool times_read(struct bom_work *w, struct bb_bytes boms, struct time **out, uint32_t *n)
{
    struct bb_cur c;
    struct bb_bytes v;
    struct time *t;
    char what[32], day[16];
    uint32_t all;

    if (!bb_group_of(boms, BB_T_ARRAY, &c, &all) || !all || all > TIMES_MAX)
        return bom_fail(w, "boms is no list of 1 to %u BOMs", TIMES_MAX);
    *out = t = calloc(all, sizeof *t);
    if (!t)
        return bom_fail(w, "no memory");
    while (*n < all) {
        struct time *at = &t[(*n)++];

        snprintf(what, sizeof what, "BOM %u", *n);
        if (bb_cur_value(&c, &v) != 0 || !bom_doc_read(w, v, what, &at->doc) ||
            !bom_span_read(w, bom_get(v, "/effectivity"), v, &at->s))
            return bom_fail(w, "%s cannot be read", what);
        if (!bom_equal(bom_get(v, "/item"), bom_get(t[0].doc.raw, "/item")))
            return bom_fail(w, "%s is of another item than BOM 1", what);
    }
    qsort(t, all, sizeof *t, by_time);
    for (uint32_t i = 1; i < all; i++) {
        if (t[i - 1].s.to == INT64_MAX || t[i].s.from <= t[i - 1].s.to)
            return bom_fail(w, "two of the BOMs hold at the same time");
        if (t[i].s.from != t[i - 1].s.to + 1) {
            bom_date_of(t[i - 1].s.to + 1, day);
            return bom_fail(w, "none of the BOMs holds on %s", day);
        }
    }
    return true;
}

/* Lines of time k that were there in the same form just before go on. */
static bool time_merge(struct bom_work *w, const struct time *t, struct stay *v, uint32_t *n)
{
    uint32_t before = *n;

    qsort(v, before, sizeof *v, by_id);
    for (uint32_t i = 0; i < t->doc.n; i++) {
        struct bb_bytes line = bom_bytes(w, &t->doc.lines[i]), id = bom_text(line, "/id");
        struct bom_span own;
        uint32_t lo = 0, hi = before;

        if (!bom_span_read(w, bom_get(line, "/effectivity"), line, &own))
            return false;
        if (own.from != INT64_MIN || own.to != INT64_MAX)
            return bom_fail(w,
                            "a line says dates of its own: only BOMs without them can be merged");
        while (lo < hi) { /* behind the last of that id */
            uint32_t mid = (lo + hi) / 2;

            if (bom_compare(v[mid].id, id) <= 0)
                lo = mid + 1;
            else
                hi = mid;
        }
        if (lo && bom_same(v[lo - 1].id, id) && v[lo - 1].s.to == t->s.from - 1 &&
            bom_equal(v[lo - 1].line, line))
            v[lo - 1].s.to = t->s.to;
        else
            v[(*n)++] = (struct stay){.id = id, .line = line, .s = t->s};
    }
    return true;
}

static bool stay_put(struct bom_work *w, struct bom_doc *d, const struct stay *s, bool again,
                     const struct bom_span *whole)
{
    struct bom_span part = {s->s.from == whole->from ? INT64_MIN : s->s.from,
                            s->s.to == whole->to ? INT64_MAX : s->s.to};
    struct bb_buf effect, id;
    struct bom_edit e[2] = {{"effectivity", {NULL, 0}}};
    uint32_t n = 1;
    char day[16], text[300];
    bool ok;

    bb_buf_init(&effect, 1 << 20);
    bb_buf_init(&id, 1 << 10);
    bom_span_put(&effect, bom_get(s->line, "/effectivity"), &part);
    e[0].value = (struct bb_bytes){effect.ptr, effect.len};
    if (again) { /* a later form of a line: one id is one line */
        bom_date_of(s->s.from, day);
        snprintf(text, sizeof text, "%.*s@%s", (int)(s->id.len < 250 ? s->id.len : 250),
                 (const char *)s->id.ptr, day);
        bb_put_cstr(&id, text);
        e[n++] = (struct bom_edit){"id", {id.ptr, id.len}};
    }
    ok = bom_doc_add(w, d, bom_line_edit(w, s->line, e, n));
    bb_buf_free(&effect);
    bb_buf_free(&id);
    return ok;
}

bool bom_merge(struct bom_work *w, struct bb_bytes boms, struct bb_buf *b)
{
    struct time *t = NULL;
    struct stay *v = NULL;
    struct bom_doc out = {0};
    struct bb_buf effect;
    uint32_t times = 0, n = 0, most = 0;
    bool ok = times_read(w, boms, &t, &times);

    bb_buf_init(&effect, 1 << 20);
    for (uint32_t i = 0; ok && i < times; i++)
        most += t[i].doc.n;
    if (ok && !(v = calloc(most + 1, sizeof *v)))
        ok = bom_fail(w, "no memory for %u lines", most);
    for (uint32_t i = 0; ok && i < times; i++)
        ok = time_merge(w, &t[i], v, &n);
    if (ok) {
        struct bom_span whole = {t[0].s.from, t[times - 1].s.to};

        qsort(v, n, sizeof *v, by_id);
        for (uint32_t i = 0; i < n; i++)
            v[i].order = i && bom_same(v[i - 1].id, v[i].id);
        qsort(v, n, sizeof *v, by_place);
        out.raw = t[times - 1].doc.raw; /* the header of the last time */
        for (uint32_t i = 0; ok && i < n; i++)
            ok = stay_put(w, &out, &v[i], v[i].order, &whole);
        bom_span_put(&effect, bom_get(out.raw, "/effectivity"), &whole);
        if (ok)
            bom_doc_put(w, b, &out, &(struct bom_edit){"effectivity", {effect.ptr, effect.len}}, 1);
    }
    for (uint32_t i = 0; i < times; i++)
        bom_doc_free(&t[i].doc);
    free(t);
    free(v);
    bom_doc_free(&out);
    bb_buf_free(&effect);
    return ok && !w->failed;
}
