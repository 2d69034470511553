/*
 * phantom.c - phantoms give way to the lines of their own BOMs
 *
 * A phantom's line for q units, whose BOM is for b units, turns each line of that BOM for c into
 * one for c * q / b: over all levels multiplied first, divided once, rounded once. Scrap of the
 * phantom is passed on, its effectivity cut with the line's. What would be lost on the way
 * (substitutes of the phantom, it being an alternate, scrap of another kind) is refused with the
 * line's name.
 *
 * Thread: one apply. Invariant: no level lies within itself, so the work ends.
 */
#include "core/transform/bom/bom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VISITS_MAX                                                                                 \
    (4 * BOM_LINES_MAX) /* also of lines that hold at no time and come to nothing                  \
                         */

/* ---- explosion ------------------------------------------------------------------------------- */
struct level { /* one phantom that is being exploded */
    struct bb_bytes line, id, effect;
    const struct bom_entry *of;
    struct bb_decimal num, den, scrap; /* scrap: 1 + s/100, of all levels */
    bool fixed;
    struct bb_buf effect_bytes;
};
struct explosion {
    struct bom_work *w;
    struct bom_shelf shelf;
    const struct bom_rounding *r;
    struct bom_doc *out;
    struct level *at[BOM_LEVELS_MAX];
    uint32_t n, visits;
};

static bool truth(struct bb_bytes map, const char *pointer)
{
    struct bb_bytes v = bom_get(map, pointer);
    int yes = 0;

    return v.len && bb_as_bool(v, &yes) == 1 && yes;
}

/* 1 + percent / 100 at pointer, times d. */
static bool scrap_times(struct bom_work *w, struct bb_decimal *d, struct bb_bytes map,
                        const char *pointer)
{
    struct bb_bytes v = bom_get(map, pointer);
    struct bb_decimal p, hundred;
    struct bb_fault f;

    if (!v.len)
        return true;
    bb_decimal_set_int(&hundred, 100);
    if (bb_as_decimal(v, &p, &f) != 1 || bb_decimal_add(&p, &p, &hundred, &f) != 0 ||
        bb_decimal_multiply(d, d, &p, &f) != 0 ||
        bb_decimal_scale(d, d, &(struct bb_decimal){.n = 1, .limb = {1}}, &hundred, BB_SCALE_EXACT,
                         0, &f) != 0)
        return bom_fail(w, "scrap at %s cannot be passed on: %s", pointer, f.text);
    return true;
}

/* What a phantom's line says that its components' lines could not. */
static bool passes_on(struct bom_work *w, struct bb_bytes line)
{
    static const char *const lost[] = {"/substitutes", "/alternate",       "/discontinuation",
                                       "/scrap/fixed", "/scrap/operation", "/scrap/yield",
                                       "/condition"};
    char name[48];

    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
        if (bom_get(line, lost[i]).len)
            return bom_fail(
                w, "line %s: a phantom with %s cannot be exploded without losing it: keep it",
                bom_name(name, line), lost[i]);
    if (bom_text(line, "/role").len && !bb_bytes_are(bom_text(line, "/role"), "component"))
        return bom_fail(w, "line %s: a phantom that is no component cannot be exploded",
                        bom_name(name, line));
    return true;
}

/* Enters the phantom: quantities, scrap and effectivity from here on. */
static bool enter(struct explosion *x, struct bb_bytes line, const struct bom_entry *of)
{
    const struct level *up = x->n ? x->at[x->n - 1] : NULL;
    struct bb_bytes base = bom_get(of->doc.raw, "/baseQuantity/value"), own;
    struct bb_bytes unit = bom_text(line, "/quantity/unit");
    struct bb_bytes base_unit = bom_text(of->doc.raw, "/baseQuantity/unit");
    struct bb_fault f = {0, "no number"};
    struct level *l;
    char name[48];
    bool none = false;

    own = bom_get(line, "/quantity/value");
    bom_name(name, line);
    for (uint32_t i = 0; i < x->n; i++)
        if (x->at[i]->of == of)
            return bom_fail(x->w, "line %s: item %.*s contains itself", name,
                            (int)(of->item.len < 40 ? of->item.len : 40),
                            (const char *)of->item.ptr);
    if (x->n == BOM_LEVELS_MAX)
        return bom_fail(x->w, "line %s: phantoms in more than %u levels", name, BOM_LEVELS_MAX);
    if (!passes_on(x->w, line))
        return false;
    if (!bom_same(unit, base_unit))
        return bom_fail(
            x->w, "line %s is in %.*s, its BOM for a base quantity in %.*s: convert one first",
            name, (int)(unit.len < 8 ? unit.len : 8), (const char *)unit.ptr,
            (int)(base_unit.len < 8 ? base_unit.len : 8), (const char *)base_unit.ptr);
    l = calloc(1, sizeof *l);
    if (!l)
        return bom_fail(x->w, "no memory");
    bb_buf_init(&l->effect_bytes, 1 << 20);
    x->at[x->n++] = l;
    l->line = line;
    l->of = of;
    l->fixed = truth(line, "/fixedQuantity") || (up && up->fixed);
    if (up) {
        l->num = up->num;
        l->den = up->den;
        l->scrap = up->scrap;
    } else {
        bb_decimal_set_int(&l->num, 1);
        bb_decimal_set_int(&l->den, 1);
        bb_decimal_set_int(&l->scrap, 1);
    }
    struct bb_decimal q, b;
    if (bb_as_decimal(own, &q, &f) != 1 || bb_as_decimal(base, &b, &f) != 1 || !b.n ||
        bb_decimal_multiply(&l->num, &l->num, &q, &f) != 0 ||
        bb_decimal_multiply(&l->den, &l->den, &b, &f) != 0)
        return bom_fail(x->w, "line %s: quantity over base quantity cannot be worked out: %s", name,
                        f.text);
    if (!scrap_times(x->w, &l->scrap, line, "/scrap/component") ||
        !scrap_times(x->w, &l->scrap, of->doc.raw, "/assemblyScrap") ||
        !bom_effect_both(x->w, up ? up->effect : (struct bb_bytes){NULL, 0},
                         bom_get(line, "/effectivity"), line, &l->effect_bytes, &none))
        return false;
    l->effect = (struct bb_bytes){l->effect_bytes.ptr, l->effect_bytes.len};
    if (none)
        l->of = NULL; /* at no time: nothing of it is needed */
    return true;
}

static void leave(struct explosion *x)
{
    struct level *l = x->at[--x->n];

    bb_buf_free(&l->effect_bytes);
    free(l);
}

static void put_number(struct bb_buf *b, const struct bb_decimal *d)
{
    bb_decimal_put(b, d);
}

/* "P-10/C-20" */
static void put_path(const struct explosion *x, struct bb_buf *b, struct bb_bytes line,
                     const char *key, char between)
{
    struct bb_buf t;
    char pointer[24];

    snprintf(pointer, sizeof pointer, "/%s", key);
    bb_buf_init(&t, 1 << 16);
    for (uint32_t i = 0; i <= x->n; i++) {
        struct bb_bytes id = bom_text(i < x->n ? x->at[i]->line : line, pointer);

        if (t.len && id.len)
            bb_buf_put(&t, &between, 1);
        bb_buf_put(&t, id.ptr, id.len);
    }
    if (t.len)
        bb_put_str(b, (char *)t.ptr, t.len);
    bb_buf_free(&t);
}

/* A quantity object with another value, in b. */
static bool quantity(struct explosion *x, struct bb_bytes line, struct bb_buf *b)
{
    const struct level *l = x->at[x->n - 1];
    struct bb_bytes had = bom_get(line, "/quantity"), value = bom_get(line, "/quantity/value");
    struct bb_decimal q;
    struct bb_fault f = {0, "no number"};
    struct bb_buf n;
    char name[48];

    if (!had.len)
        return true; /* a text line */
    if (truth(line, "/fixedQuantity") && !l->fixed) {
        bb_put_raw(b, had);
        return true;
    }
    if (bb_as_decimal(value, &q, &f) != 1 ||
        bb_decimal_scale(&q, &q, &l->num, &l->den, x->r->scale, x->r->mode, &f) != 0)
        return bom_fail(x->w, "line %s, for the assembly: %s", bom_name(name, line), f.text);
    bb_decimal_trim(&q);
    bb_buf_init(&n, 1 << 13);
    put_number(&n, &q);
    bom_edit_put(b, had, &(struct bom_edit){"value", {n.ptr, n.len}}, 1);
    bb_buf_free(&n);
    return true;
}

static bool scrap(struct explosion *x, struct bb_bytes line, struct bb_buf *b)
{
    struct bb_decimal d = x->at[x->n - 1]->scrap, one, hundred;
    struct bb_bytes had = bom_get(line, "/scrap");
    struct bb_fault f;
    struct bb_buf n;

    bb_decimal_set_int(&one, 1);
    bb_decimal_set_int(&hundred, 100);
    if (bb_decimal_compare(&d, &one) == 0) {
        bb_put_raw(b, had);
        return true;
    }
    if (!scrap_times(x->w, &d, line, "/scrap/component"))
        return false;
    if (bb_decimal_subtract(&d, &d, &one, &f) != 0 ||
        bb_decimal_multiply(&d, &d, &hundred, &f) != 0)
        return bom_fail(x->w, "scrap cannot be passed on: %s", f.text);
    bb_decimal_trim(&d);
    bb_buf_init(&n, 1 << 13);
    put_number(&n, &d);
    bom_edit_put(b, had.len ? had : (struct bb_bytes){"\x80", 1},
                 &(struct bom_edit){"component", {n.ptr, n.len}}, 1);
    bb_buf_free(&n);
    return true;
}

static bool component(struct explosion *x, struct bb_bytes line)
{
    static const char *const from_above[] = {"operation", "issueLocation"};
    enum { ID, POSITION, QUANTITY, SCRAP, EFFECT, GROUP, OPERATION, LOCATION, FIXED, EDITS };
    static const char *const keys[EDITS] = {"id",        "position",      "quantity",
                                            "scrap",     "effectivity",   "alternate",
                                            "operation", "issueLocation", "fixedQuantity"};
    struct level *l = x->at[x->n - 1];
    struct bb_buf v[EDITS];
    struct bom_edit e[EDITS];
    uint32_t n = 0;
    bool none = false, ok;

    for (int i = 0; i < EDITS; i++)
        bb_buf_init(&v[i], 1 << 20);
    put_path(x, &v[ID], line, "id", '/');
    put_path(x, &v[POSITION], line, "position", '.');
    ok = quantity(x, line, &v[QUANTITY]) && scrap(x, line, &v[SCRAP]) &&
         bom_effect_both(x->w, l->effect, bom_get(line, "/effectivity"), line, &v[EFFECT], &none);
    if (ok && bom_get(line, "/alternate/group").len) { /* a group is one phantom's */
        struct bb_buf g;

        bb_buf_init(&g, 1 << 16);
        for (uint32_t i = 0; i < x->n; i++) {
            struct bb_bytes id = bom_text(x->at[i]->line, "/id");
            bb_buf_put(&g, id.ptr, id.len);
            bb_buf_put(&g, "/", 1);
        }
        struct bb_bytes own = bom_text(line, "/alternate/group");
        bb_buf_put(&g, own.ptr, own.len);
        struct bb_buf text;
        bb_buf_init(&text, 1 << 16);
        bb_put_str(&text, (char *)g.ptr, g.len);
        bom_edit_put(&v[GROUP], bom_get(line, "/alternate"),
                     &(struct bom_edit){"group", {text.ptr, text.len}}, 1);
        bb_buf_free(&text);
        bb_buf_free(&g);
    }
    for (size_t i = 0; ok && i < sizeof from_above / sizeof *from_above; i++) {
        char pointer[32];

        snprintf(pointer, sizeof pointer, "/%s", from_above[i]);
        for (uint32_t k = x->n; k-- && !bom_get(line, pointer).len && !v[OPERATION + i].len;)
            bb_put_raw(&v[OPERATION + i], bom_get(x->at[k]->line, pointer));
    }
    if (l->fixed)
        bb_put_bool(&v[FIXED], 1);
    for (int i = 0; ok && !none && i < EDITS; i++) {
        if (v[i].failed)
            ok = bom_fail(x->w, "a line's %s is too large", keys[i]);
        if (v[i].len)
            e[n++] = (struct bom_edit){keys[i], {v[i].ptr, v[i].len}};
    }
    if (ok && !none)
        ok = bom_doc_add(x->w, x->out, bom_line_edit(x->w, line, e, n));
    for (int i = 0; i < EDITS; i++)
        bb_buf_free(&v[i]);
    return ok;
}

static bool lines(struct explosion *x, const struct bom_doc *d)
{
    char name[48];

    for (uint32_t i = 0; i < d->n && !x->w->failed; i++) {
        struct bb_bytes line = bom_bytes(x->w, &d->lines[i]);
        struct bom_entry *of;

        if (++x->visits > VISITS_MAX)
            return bom_fail(x->w, "the phantoms come to more than %u lines", VISITS_MAX);
        if (!truth(line, "/phantom")) {
            if (x->n ? !component(x, line) : !bom_doc_add(x->w, x->out, d->lines[i]))
                return false;
            continue;
        }
        of = bom_shelf_find(x->w, &x->shelf, line);
        if (!of)
            return bom_fail(x->w, "line %s is a phantom, and the BOM of its item is not among boms",
                            bom_name(name, line));
        if (!enter(x, line, of) || (x->at[x->n - 1]->of && !lines(x, &of->doc)))
            return false;
        leave(x);
    }
    return !x->w->failed;
}

bool bom_explode(struct bom_work *w, const struct bom_doc *d, struct bb_bytes boms,
                 const struct bom_rounding *r, struct bom_doc *out)
{
    struct explosion x = {.w = w, .r = r, .out = out};
    bool ok = bom_shelf_read(w, boms, &x.shelf) && lines(&x, d);

    while (x.n)
        leave(&x);
    bom_shelf_free(&x.shelf);
    return ok;
}
