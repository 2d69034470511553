/*
 * units.c - conversion: by Rec 20, by an item's rows, by both in turn
 *
 * A conversion is a chain of fractions that are multiplied up before anything is divided; rounding
 * comes once, at the end. The chain itself is found in units_item.c. Thread: any; no state.
 */
#include "codec.h"
#include "units_table.h"
#include <stdio.h>

/* ---- fractions ------------------------------------------------------------------------------- */

static int times(struct bb_decimal *num, struct bb_decimal *den, const struct bb_decimal *by,
                 const struct bb_decimal *over, struct bb_fault *err)
{
    return bb_decimal_multiply(num, num, by, err) == 0 ? bb_decimal_multiply(den, den, over, err)
                                                       : -1;
}

/* Two alike units: u.num * v.den / (u.den * v.num), tens as places of one of them. */
static int times_units(struct bb_decimal *num, struct bb_decimal *den, const struct bb_unit *u,
                       const struct bb_unit *v, struct bb_fault *err)
{
    int tens = u->exponent - v->exponent;
    struct bb_decimal a, b;

    bb_decimal_set_uint(&a, u->num);
    bb_decimal_set_uint(&b, u->den);
    if (times(num, den, &a, &b, err) != 0)
        return -1;
    bb_decimal_set_uint(&a, v->den);
    bb_decimal_set_uint(&b, v->num);
    if (times(num, den, &a, &b, err) != 0)
        return -1;
    num->scale += tens < 0 ? (uint32_t)-tens : 0;
    den->scale += tens > 0 ? (uint32_t)tens : 0;
    if (num->scale > BB_SCALE_MAX || den->scale > BB_SCALE_MAX)
        return bb_fault_set(err, 0, "the factor has too many decimal places");
    return 0;
}

static int times_link(struct bb_decimal *num, struct bb_decimal *den, const char *from,
                      const char *to, struct bb_fault *err)
{
    if (strcmp(from, to) == 0)
        return 0;
    return times_units(num, den, bb_unit_alive(from), bb_unit_alive(to), err);
}

static int times_chain(struct bb_decimal *num, struct bb_decimal *den,
                       const struct bb_unit_step *step, int last, const char *from, const char *to,
                       struct bb_fault *err)
{
    struct bb_decimal a, b;

    for (int i = last; i >= 0; i = step[i].before) {
        const struct bb_unit_step *s = &step[i];
        if (times_link(num, den, bb_unit_step_end(s), to, err) != 0 ||
            bb_item_factor_read(&a, s->back ? s->row->den : s->row->num, err) != 0 ||
            bb_item_factor_read(&b, s->back ? s->row->num : s->row->den, err) != 0 ||
            times(num, den, &a, &b, err) != 0)
            return -1;
        to = bb_unit_step_start(s);
    }
    return times_link(num, den, from, to, err);
}

/* ---- converting ------------------------------------------------------------------------------ */

/* The error that names the item and both units. */
static int refuse(const char *from, const char *to, const struct bb_unit_rule *rule,
                  const char *why, struct bb_fault *err)
{
    char item[44], a[44], b[44];
    const char *name = rule && rule->item ? rule->item : NULL;

    if (name)
        bb_fault_quote(item, name, strlen(name));
    bb_fault_quote(a, from, strlen(from));
    bb_fault_quote(b, to, strlen(to));
    return bb_fault_set(err, 0, "%s%s%s%.20s to %.20s: %s", name ? "item " : "", name ? item : "",
                        name ? ": " : "", a, b, why);
}

static int item_knows(const struct bb_item_factor *row, size_t rows, const char *unit)
{
    for (size_t i = 0; i < rows; i++)
        if (strcmp(row[i].unit, unit) == 0 || strcmp(row[i].base, unit) == 0)
            return 1;
    return 0;
}

/* Why there is no link and no chain. */
static int no_way(const char *from, const char *to, const struct bb_unit_rule *rule,
                  const struct bb_item_factor *row, size_t rows, struct bb_fault *err)
{
    static const char *const has[] = {"", "only a rounded", "a wrong", "no"}; /* by status */
    const char *names[2] = {from, to};
    const struct bb_unit *u;
    struct bb_fault why;
    char text[160];

    for (int i = 0; i < 2; i++) {
        if (item_knows(row, rows, names[i]))
            continue;
        if (bb_unit_get(names[i], strlen(names[i]), BB_SCHEME_REC20, &u, &why) != 0)
            return refuse(from, to, rule, why.text, err);
        if (u->status == BB_UNIT_EXACT)
            continue;
        snprintf(text, sizeof(text),
                 "Rec 20 has %s factor for %s: it converts only to itself, or "
                 "by a factor of the item",
                 has[u->status], u->code);
        return refuse(from, to, rule, text, err);
    }
    return refuse(from, to, rule, "there is no factor: add one for this item", err);
}

/* By the item's rows: num and den are 1 each when it begins. */
static int factor_chain(struct bb_decimal *num, struct bb_decimal *den, const char *from,
                        const char *to, const struct bb_unit_rule *rule, struct bb_fault *err)
{
    struct bb_unit_step step[BB_ITEM_UNITS_MAX];
    const struct bb_item_factor *row;
    struct bb_fault why;
    size_t rows;
    int last;

    row = bb_item_rows(rule, &rows);
    if (strcmp(from, to) == 0)
        return bb_unit_alive(from) || item_knows(row, rows, from)
                   ? 0
                   : no_way(from, to, rule, row, rows, err);
    last = bb_unit_chain(step, row, rows, from, to);
    if (last < 0)
        return no_way(from, to, rule, row, rows, err);
    return times_chain(num, den, step, last, from, to, &why) == 0
               ? 0
               : refuse(from, to, rule, why.text, err);
}

/* u and v: the units from and to are in Rec 20, or NULL. */
static int factor_of(struct bb_decimal *num, struct bb_decimal *den, const char *from,
                     const char *to, const struct bb_unit *u, const struct bb_unit *v,
                     const struct bb_unit_rule *rule, struct bb_fault *err)
{
    bb_decimal_set_uint(num, 1);
    bb_decimal_set_uint(den, 1);
    if (u && v && u != v && bb_unit_alike(u, v))
        return times_units(num, den, u, v, err);
    return factor_chain(num, den, from, to, rule, err);
}

int bb_unit_factor(struct bb_decimal *num, struct bb_decimal *den, const char *from, const char *to,
                   const struct bb_unit_rule *rule, struct bb_fault *err)
{
    struct bb_decimal n, d;

    if (factor_of(&n, &d, from, to, bb_unit_alive(from), bb_unit_alive(to), rule, err) != 0)
        return -1;
    bb_decimal_copy(num, &n);
    bb_decimal_copy(den, &d);
    return 0;
}

/* Points of temperature: ((x + here) * num - there * den) / den */
static int convert_point(struct bb_decimal *out, const struct bb_decimal *x,
                         const struct bb_unit *u, const struct bb_unit *v, int scale, int mode,
                         struct bb_fault *err)
{
    struct bb_decimal num, den, here, there, sum, one;

    bb_decimal_set_uint(&one, 1);
    bb_decimal_set_uint(&num, u->num * v->den); /* 5 / 9 at most */
    bb_decimal_set_uint(&den, u->den * v->num);
    if (bb_decimal_parse(&here, u->point, strlen(u->point), err) != 0 ||
        bb_decimal_parse(&there, v->point, strlen(v->point), err) != 0 ||
        bb_decimal_add(&sum, x, &here, err) != 0 ||
        bb_decimal_multiply(&sum, &sum, &num, err) != 0 ||
        bb_decimal_multiply(&there, &there, &den, err) != 0 ||
        bb_decimal_subtract(&sum, &sum, &there, err) != 0)
        return -1;
    return bb_decimal_scale(out, &sum, &one, &den, scale, mode, err);
}

int bb_unit_convert(struct bb_decimal *out, const struct bb_decimal *quantity, const char *from,
                    const char *to, const struct bb_unit_rule *rule, struct bb_fault *err)
{
    int scale = rule ? rule->scale : BB_SCALE_EXACT, mode = rule ? rule->mode : 0, status;
    const struct bb_unit *u = bb_unit_alive(from), *v = bb_unit_alive(to);
    struct bb_decimal num, den;
    struct bb_fault why;

    if (u && v && u != v && u->point && v->point) {
        status = convert_point(out, quantity, u, v, scale, mode, &why);
        return status == 0 ? 0 : refuse(from, to, rule, why.text, err);
    }
    if (factor_of(&num, &den, from, to, u, v, rule, err) != 0)
        return -1;
    if (strcmp(from, to) == 0 && scale == BB_SCALE_EXACT) { /* as it is written */
        bb_decimal_copy(out, quantity);
        return 0;
    }
    status = bb_decimal_scale(out, quantity, &num, &den, scale, mode, &why);
    return status == 0 ? 0 : refuse(from, to, rule, why.text, err);
}
