/*
 * units_table.h - the tables behind units.h; not installed
 *
 * units_table.c is made by tools/units/rec20.py; units_scheme.c holds what other schemes call the
 * same units. Constant data: any thread.
 */
#ifndef BB_SDK_UNITS_TABLE_H
#define BB_SDK_UNITS_TABLE_H

#include <busbar/units.h>

extern const struct bb_unit bb_unit_table[];
extern const size_t bb_unit_count;

/* The row of that code, whatever its status, or NULL. */
const struct bb_unit *bb_unit_row(const char *code, size_t len);
/* The Rec 20 code that a code of another scheme stands for, or NULL. */
const char *bb_unit_alias(const char *code, size_t len, int scheme);

/* ---- chains: units_item.c -------------------------------------------------------------------- */

struct bb_unit_step { /* one row of a chain */
    const struct bb_item_factor *row;
    int back; /* from base to unit */
    int before;
};
static inline const char *bb_unit_step_end(const struct bb_unit_step *s)
{
    return s->back ? s->row->unit : s->row->base;
}
static inline const char *bb_unit_step_start(const struct bb_unit_step *s)
{
    return s->back ? s->row->base : s->row->unit;
}
/* The unit of that code unless it was deleted. */
const struct bb_unit *bb_unit_alive(const char *code);
/* Do two units convert by Rec 20 with a factor? */
int bb_unit_alike(const struct bb_unit *u, const struct bb_unit *v);
/* Are both codes or names the same, or of units that are alike? */
int bb_unit_linked(const char *a, const char *b);
/* The chain of rows from one unit to another: its last step, or -1. */
int bb_unit_chain(struct bb_unit_step step[BB_ITEM_UNITS_MAX], const struct bb_item_factor *row,
                  size_t rows, const char *from, const char *to);
/* The item's rows of the rule's table, at most BB_ITEM_UNITS_MAX. */
const struct bb_item_factor *bb_item_rows(const struct bb_unit_rule *rule, size_t *n);
int bb_item_factor_read(struct bb_decimal *d, const char *text, struct bb_fault *err);

#endif
