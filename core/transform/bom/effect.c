/*
 * effect.c - effectivity by date: days, intersections, gaps and overlaps
 *
 * Only pure dates are compared here, and only as the days that they are: from and to both lie
 * inside, as mfg.common/1 says. An instant where a day is needed is refused, for only a rule can
 * say which day it is. Effectivity by serial, lot or customer goes on unchanged; where it would
 * have to be cut with another one it is refused.
 *
 * Thread: one apply. Days are counted from 1970-01-01; open ends are INT64_MIN and INT64_MAX.
 */
#include "core/transform/bom/bom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t day_of(int y, int m, int d)
{
    int64_t era, yoe, doy;

    y -= m <= 2; /* years begin in March: the leap day comes last */
    era = (y >= 0 ? y : y - 399) / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void bom_date_of(int64_t day, char out[16])
{
    int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int m = (int)(mp < 10 ? mp + 3 : mp - 9);

    snprintf(out, 16, "%04d-%02d-%02d", (int)(yoe + era * 400 + (m <= 2)), m,
             (int)(doy - (153 * mp + 2) / 5 + 1));
}

/* "2026-04-01" */
bool bom_day_read(struct bb_bytes t, int64_t *day)
{
    const char *p = t.ptr;
    char again[16];
    int v[3] = {0, 0, 0}, k = 0;

    if (t.len != 10 || p[4] != '-' || p[7] != '-')
        return false;
    for (int i = 0; i < 10; i++) {
        if (i == 4 || i == 7)
            k++;
        else if (p[i] >= '0' && p[i] <= '9')
            v[k] = v[k] * 10 + p[i] - '0';
        else
            return false;
    }
    if (v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31)
        return false;
    *day = day_of(v[0], v[1], v[2]);
    bom_date_of(*day, again); /* 31 April is not */
    return memcmp(again, p, 10) == 0;
}

bool bom_span_read(struct bom_work *w, struct bb_bytes effect, struct bb_bytes line,
                   struct bom_span *s)
{
    struct bb_bytes from = effect.len ? bom_text(effect, "/from") : effect;
    struct bb_bytes to = effect.len ? bom_text(effect, "/to") : effect;
    char name[48];

    *s = (struct bom_span){INT64_MIN, INT64_MAX};
    if ((from.len && !bom_day_read(from, &s->from)) || (to.len && !bom_day_read(to, &s->to)))
        return bom_fail(
            w, "line %s: its effectivity says an instant or no date, where a day is needed",
            bom_name(name, line));
    if (s->from > s->to)
        return bom_fail(w, "line %s: its effectivity ends before it begins", bom_name(name, line));
    return true;
}

static void day_put(struct bb_buf *b, int64_t day)
{
    char text[16];

    bom_date_of(day, text);
    bb_put_cstr(b, text);
}

void bom_span_put(struct bb_buf *b, struct bb_bytes effect, const struct bom_span *s)
{
    struct bb_buf from, to;
    struct bb_cur c;
    uint32_t n = 0;

    bb_buf_init(&from, 64);
    bb_buf_init(&to, 64);
    if (s->from != INT64_MIN)
        day_put(&from, s->from);
    if (s->to != INT64_MAX)
        day_put(&to, s->to);
    if (effect.len && bb_group_of(effect, BB_T_MAP, &c, &n)) {
        n -= bom_get(effect, "/from").len != 0;
        n -= bom_get(effect, "/to").len != 0;
    }
    if (n || from.len || to.len)
        bom_edit_put(b, effect.len ? effect : (struct bb_bytes){"\x80", 1},
                     (struct bom_edit[]){{"from", {from.ptr, from.len}}, {"to", {to.ptr, to.len}}},
                     2);
    bb_buf_free(&from);
    bb_buf_free(&to);
}

bool bom_effect_both(struct bom_work *w, struct bb_bytes a, struct bb_bytes b, struct bb_bytes line,
                     struct bb_buf *out, bool *none)
{
    struct bb_cur c;
    struct bb_bytes key, value, other;
    struct bom_span x, y, both;
    char name[48], k[32];
    uint32_t n;

    if (!a.len || !b.len) {
        bb_put_raw(out, a.len ? a : b);
        return true;
    }
    if (!bom_span_read(w, a, line, &x) || !bom_span_read(w, b, line, &y))
        return false;
    both = (struct bom_span){x.from > y.from ? x.from : y.from, x.to < y.to ? x.to : y.to};
    *none = both.from > both.to;
    if (bb_group_of(a, BB_T_MAP, &c, &n))
        while (n-- && bb_pair_next(&c, &key, &value) == 0) {
            snprintf(k, sizeof k, "%.*s", (int)(key.len < 31 ? key.len : 31),
                     (const char *)key.ptr);
            if (strcmp(k, "from") == 0 || strcmp(k, "to") == 0)
                continue;
            if (bb_map_get(b, k, &other) != 1 || !bom_equal(value, other))
                return bom_fail(
                    w, "line %s: effectivity by %s of the phantom cannot be cut with the line's",
                    bom_name(name, line), k);
        }
    bom_span_put(out, b, &both);
    return true;
}

bool bom_effect_at(struct bom_work *w, struct bom_doc *d, struct bb_bytes day)
{
    struct bom_span s;
    int64_t at;
    uint32_t kept = 0;

    if (!bom_day_read(day, &at))
        return bom_fail(w, "\"%.*s\" is no date", (int)(day.len < 20 ? day.len : 20),
                        (const char *)day.ptr);
    for (uint32_t i = 0; i < d->n; i++) {
        struct bb_bytes line = bom_bytes(w, &d->lines[i]);

        if (!bom_span_read(w, bom_get(line, "/effectivity"), line, &s))
            return false;
        if (s.from <= at && at <= s.to)
            d->lines[kept++] = d->lines[i];
    }
    d->n = kept;
    return true;
}

/* ---- gaps and overlaps -------------------------------------------------------------------------
 */
struct slot {
    struct bb_bytes position, line;
    struct bom_span s;
};

static int by_position(const void *x, const void *y)
{
    const struct slot *a = x, *b = y;
    size_t n = a->position.len < b->position.len ? a->position.len : b->position.len;
    int r = n ? memcmp(a->position.ptr, b->position.ptr, n) : 0;

    if (r || a->position.len != b->position.len)
        return r ? r : a->position.len < b->position.len ? -1 : 1;
    return a->s.from < b->s.from ? -1 : a->s.from > b->s.from;
}

bool bom_effect_check(struct bom_work *w, const struct bom_doc *d)
{
    struct slot *v = malloc((d->n + 1) * sizeof *v);
    char x[48], y[48], from[16], to[16];
    uint32_t n = 0;

    if (!v)
        return bom_fail(w, "no memory for %u lines", d->n);
    for (uint32_t i = 0; i < d->n && !w->failed; i++) {
        struct bb_bytes line = bom_bytes(w, &d->lines[i]), effect = bom_get(line, "/effectivity");
        struct bb_bytes position = bom_text(line, "/position");

        /* alternates stand beside each other; other effectivity than by date tells lines apart */
        if (!position.len || bom_get(line, "/alternate").len ||
            (effect.len &&
             (bom_get(effect, "/serials").len || bom_get(effect, "/lots").len ||
              bom_get(effect, "/customers").len || bom_get(effect, "/parameters").len)))
            continue;
        v[n] = (struct slot){.position = position, .line = line};
        if (bom_span_read(w, effect, line, &v[n].s))
            n++;
    }
    qsort(v, n, sizeof *v, by_position);
    for (uint32_t i = 1; i < n && !w->failed; i++) {
        const struct slot *a = &v[i - 1], *b = &v[i];
        struct bb_bytes ia = bom_text(a->line, "/id"), ib = bom_text(b->line, "/id");

        if (!bom_same(a->position, b->position))
            continue;
        snprintf(x, sizeof x, "%.*s", (int)(ia.len < 40 ? ia.len : 40), (const char *)ia.ptr);
        snprintf(y, sizeof y, "%.*s", (int)(ib.len < 40 ? ib.len : 40), (const char *)ib.ptr);
        if (a->s.to == INT64_MAX || b->s.from <= a->s.to) {
            bom_fail(w, "position %.*s: lines %s and %s hold at the same time",
                     (int)(a->position.len < 20 ? a->position.len : 20),
                     (const char *)a->position.ptr, x, y);
        } else if (b->s.from > a->s.to + 1) {
            bom_date_of(a->s.to + 1, from);
            bom_date_of(b->s.from - 1, to);
            bom_fail(w, "position %.*s: nothing holds from %s to %s, between lines %s and %s",
                     (int)(a->position.len < 20 ? a->position.len : 20),
                     (const char *)a->position.ptr, from, to, x, y);
        }
    }
    free(v);
    return !w->failed;
}
