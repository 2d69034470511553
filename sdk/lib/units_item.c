/*
 * units_item.c - an item's own units, and the chain from one unit to another
 *
 * Between exact Rec 20 units of one dimension there is a link; each row of the item is one more.
 * Rows that would make a second way are refused when the table is checked, so the first chain
 * found, going outwards from the unit that is there, is the only one.
 *
 * Thread: any; no state. Bound: BB_ITEM_UNITS_MAX rows of one item are looked at, each once.
 */
#include "codec.h"
#include "units_table.h"
#include <stdlib.h>

const struct bb_unit *bb_unit_alive(const char *code)
{
    const struct bb_unit *u = bb_unit_row(code, strlen(code));
    return u && u->status != BB_UNIT_DELETED ? u : NULL;
}

int bb_unit_alike(const struct bb_unit *u, const struct bb_unit *v)
{
    return u->status == BB_UNIT_EXACT && v->status == BB_UNIT_EXACT && !u->point && !v->point &&
           strcmp(u->dimension, v->dimension) == 0;
}

int bb_unit_linked(const char *a, const char *b)
{
    const struct bb_unit *u, *v;

    if (strcmp(a, b) == 0)
        return 1;
    u = bb_unit_alive(a);
    v = u ? bb_unit_alive(b) : NULL;
    return v && bb_unit_alike(u, v);
}

int bb_unit_chain(struct bb_unit_step step[BB_ITEM_UNITS_MAX], const struct bb_item_factor *row,
                  size_t rows, const char *from, const char *to)
{
    uint8_t seen[BB_ITEM_UNITS_MAX] = {0};
    int n = 0;

    for (int head = -1; head < n; head++) {
        const char *at = head < 0 ? from : bb_unit_step_end(&step[head]);
        for (size_t i = 0; i < rows; i++) {
            int back = 0;
            if (seen[i])
                continue;
            if (!bb_unit_linked(at, row[i].unit)) {
                back = 1;
                if (!bb_unit_linked(at, row[i].base))
                    continue;
            }
            seen[i] = 1;
            step[n] = (struct bb_unit_step){&row[i], back, head};
            if (bb_unit_linked(bb_unit_step_end(&step[n]), to))
                return n;
            n++;
        }
    }
    return -1;
}

int bb_item_factor_read(struct bb_decimal *d, const char *text, struct bb_fault *err)
{
    if (!text || bb_decimal_parse(d, text, strlen(text), err) != 0)
        return text ? -1 : bb_fault_set(err, 0, "a factor is missing");
    return bb_decimal_sign(d) > 0 ? 0 : bb_fault_set(err, 0, "a factor must be above 0");
}

/* ---- an item's rows -------------------------------------------------------------------------- */

static int row_order(const void *a, const void *b)
{
    const struct bb_item_factor *x = a, *y = b;
    int order = strcmp(x->item, y->item);

    if (!order)
        order = strcmp(x->unit, y->unit);
    return order ? order : strcmp(x->base, y->base);
}

void bb_item_factors_sort(struct bb_item_factor *row, size_t rows)
{
    if (rows)
        qsort(row, rows, sizeof(*row), row_order);
}

const struct bb_item_factor *bb_item_rows(const struct bb_unit_rule *rule, size_t *n)
{
    size_t low = 0, high, end;
    const struct bb_item_factors *t = rule ? rule->factors : NULL;

    *n = 0;
    if (!t || !rule->item)
        return NULL;
    for (high = t->rows; low < high;) {
        size_t middle = (low + high) / 2;
        if (strcmp(t->row[middle].item, rule->item) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < t->rows && strcmp(t->row[end].item, rule->item) == 0; end++)
        if (++*n == BB_ITEM_UNITS_MAX)
            break;
    return t->row + low;
}

static int name_check(const char *unit, struct bb_fault *err)
{
    const struct bb_unit *u = NULL;
    size_t n = unit ? strlen(unit) : 0;

    if (!n || n > BB_ITEM_UNIT_LENGTH)
        return bb_fault_set(err, 0, "a unit's name has 1 to %d characters", BB_ITEM_UNIT_LENGTH);
    u = bb_unit_row(unit, n);
    return u && u->status == BB_UNIT_DELETED ? bb_unit_get(unit, n, BB_SCHEME_REC20, &u, err) : 0;
}

static int row_check(const struct bb_item_factor *first, size_t before, struct bb_fault *err)
{
    const struct bb_item_factor *row = first + before;
    struct bb_unit_step step[BB_ITEM_UNITS_MAX];
    struct bb_decimal d;

    if (before >= BB_ITEM_UNITS_MAX)
        return bb_fault_set(err, 0, "more than %d rows", BB_ITEM_UNITS_MAX);
    if (name_check(row->unit, err) != 0 || name_check(row->base, err) != 0 ||
        bb_item_factor_read(&d, row->num, err) != 0 || bb_item_factor_read(&d, row->den, err) != 0)
        return -1;
    if (bb_unit_linked(row->unit, row->base))
        return bb_fault_set(err, 0, "%s and %s convert already, by Rec 20", row->unit, row->base);
    if (bb_unit_chain(step, first, before, row->unit, row->base) >= 0)
        return bb_fault_set(err, 0, "%s and %s convert already, by the item's other rows",
                            row->unit, row->base);
    return 0;
}

int bb_item_factors_check(const struct bb_item_factors *t, struct bb_fault *err)
{
    struct bb_fault why;
    char item[44];
    size_t first = 0;

    for (size_t i = 0; i < t->rows; i++) {
        const struct bb_item_factor *row = &t->row[i];
        int status = 0;
        if (!row->item || !*row->item)
            return bb_fault_set(err, i, "a row without an item");
        if (i && strcmp(row->item, t->row[i - 1].item) != 0)
            first = i;
        status = row_check(t->row + first, i - first, &why);
        if (status == 0 && i && row_order(row, &t->row[i - 1]) <= 0)
            status = bb_fault_set(&why, i, "the rows are not sorted");
        if (status != 0)
            return bb_fault_set(err, i, "item %s: %.140s",
                                bb_fault_quote(item, row->item, strlen(row->item)), why.text);
    }
    return 0;
}
