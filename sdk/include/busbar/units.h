/*
 * units.h - units of measure and exact conversion
 *
 * Units are the codes of UN/ECE Recommendation 20. A code of another scheme is translated only
 * when the caller says which scheme it is: "ST" is SAP's piece and Rec 20's deleted sheet. Units
 * convert when their dimension and their kind of quantity are the same (a newton metre of torque
 * is no joule, a normalised cubic metre no cubic metre), and when Rec 20's factor is exact. What
 * an item's own units are worth (1 BOX = 12 EA) is the caller's table. There is no default factor:
 * what cannot be converted is an error that names the item and both units.
 *
 * A conversion multiplies first, divides once and rounds once; see decimal.h. Temperatures are
 * points on their scales, not differences. Thread: any; the tables are constant, a caller's table
 * must not change during a call. Nothing allocates. Errors: -1 with err filled, the result
 * untouched. Programs that use it link -lgmp.
 */
#ifndef BUSBAR_UNITS_H
#define BUSBAR_UNITS_H

#include <busbar/decimal.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BB_UNIT_EXACT 0
#define BB_UNIT_ROUNDED 1      /* Rec 20 prints a rounding and no definition is known */
#define BB_UNIT_CONTRADICTED 2 /* what Rec 20 prints is not what the unit is defined to be */
#define BB_UNIT_ALONE 3        /* Rec 20 gives no factor that is a number: jobs, tests, pH */
#define BB_UNIT_DELETED 4      /* never given out by bb_unit_get() */

struct bb_unit {
    char code[4]; /* and a NUL */
    const char *name;
    const char *dimension; /* "kg.m2.s-2#torque": equal where units convert; "" if not exact */
    const char *point;     /* a temperature's: kelvins = (x + point) * factor; else NULL */
    const char *instead;   /* what Rec 20 says to use instead, "Rec 21" for packages, or NULL */
    uint64_t num, den;     /* 1 of it is num / den * 10^exponent of the SI base units */
    int16_t exponent;
    uint8_t status;     /* BB_UNIT_... */
    uint8_t deprecated; /* still good, Rec 20 wants it gone */
};

#define BB_SCHEME_REC20 0
#define BB_SCHEME_SAP 1 /* SAP's internal codes (T006-MSEHI): ST, KG, TAG */
#define BB_SCHEME_ISO 2 /* the ISO codes of SAP and of old EDIFACT: Rec 20 and PCE */
/* "rec20", "sap", "iso": the scheme, or -1. */
int bb_unit_scheme(const char *name);
/* The unit a code of that scheme means. 0 and *unit, or -1: unknown, deleted. */
int bb_unit_get(const char *code, size_t len, int scheme, const struct bb_unit **unit,
                struct bb_fault *err);
/* All of Rec 20, deleted ones too, in the order of their codes; NULL from i = their number on. */
const struct bb_unit *bb_unit_at(size_t i);

/* ---- an item's own units ----------------------------------------------------------------------
 */

#define BB_ITEM_UNITS_MAX 64   /* rows for one item */
#define BB_ITEM_UNIT_LENGTH 32 /* bytes in a unit's name */
struct bb_item_factor {        /* den of unit are num of base: 1 BOX = 12 EA is 12, 1 */
    const char *item;
    const char *unit, *base; /* Rec 20 codes, or names that only these rows know */
    const char *num, *den;   /* decimals above 0 */
};
struct bb_item_factors {
    const struct bb_item_factor *row; /* in the order of bb_item_factors_sort() */
    size_t rows;
};
void bb_item_factors_sort(struct bb_item_factor *row, size_t rows);
/* Refuses rows out of order, numbers that are none, deleted codes, and rows that say a second
 * time, in whatever way round, what Rec 20 or the item's other rows say: there is then one way
 * from unit to unit at most, and no order in which rows are looked at matters. err->offset is the
 * row. To be called once before a table is used. */
int bb_item_factors_check(const struct bb_item_factors *t, struct bb_fault *err);

/* ---- converting ------------------------------------------------------------------------------ */

struct bb_unit_rule { /* NULL for all of it: exact, by Rec 20 alone */
    int scale;        /* decimal places, or BB_SCALE_EXACT */
    int mode;         /* BB_ROUND_... */
    const char *item; /* its number, for its rows and for errors; may be NULL */
    const struct bb_item_factors *factors; /* may be NULL */
};
/* quantity of from, in to: both Rec 20 codes or names that the item's rows know. */
int bb_unit_convert(struct bb_decimal *out, const struct bb_decimal *quantity, const char *from,
                    const char *to, const struct bb_unit_rule *rule, struct bb_fault *err);
/* The factor alone, num / den, for one who converts many: not for temperatures. */
int bb_unit_factor(struct bb_decimal *num, struct bb_decimal *den, const char *from, const char *to,
                   const struct bb_unit_rule *rule, struct bb_fault *err);

#ifdef __cplusplus
}
#endif
#endif
