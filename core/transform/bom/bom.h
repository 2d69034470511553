/*
 * bom.h - what the BOM steps share: a BOM as its lines' bytes, edits of maps, the rules
 *
 * The steps work on data of the schema mfg.bom/1. A document is not unpacked: its lines are spans
 * of the message until a rule changes one, whose new bytes then lie in the work's own buffer. What
 * a rule does not touch goes out as it came in.
 *
 * Thread: a compiled step is read-only; a work belongs to one apply.
 * Ownership: lines point into the message or are offsets into the work's made bytes, so that these
 * may move while they grow.
 */
#ifndef BB_TRANSFORM_BOM_H
#define BB_TRANSFORM_BOM_H

#include <stdbool.h>
#include <stdint.h>
#include <busbar/decimal.h>
#include "core/transform/step.h"

#define BOM_LINES_MAX 1000000u /* of one document, also once its phantoms are exploded */
#define BOM_LEVELS_MAX 32u     /* of phantoms in phantoms */
#define BOM_DOCS_MAX 10000u    /* BOMs beside the message's own */
#define BOM_MADE_MAX (256u << 20)
#define BOM_FAILURE "bom" /* the failure class */

struct bom_line {
    const void *ptr; /* NULL: at offset in made */
    size_t offset, len;
};
struct bom_doc {
    struct bb_bytes raw; /* the whole map */
    struct bom_line *lines;
    uint32_t n, cap;
};
struct bom_work { /* one apply */
    struct bb_apply *a;
    const char *step; /* its name, for errors */
    struct bb_buf made;
    bool failed; /* rejected: the text is said */
};

/* ---- doc.c ----------------------------------------------------------------------------------- */
void bom_work_init(struct bom_work *w, struct bb_apply *a, const char *step);
void bom_work_free(struct bom_work *w);
/* Says why, the first time; false. */
bool bom_fail(struct bom_work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The lines of a BOM; what: "the BOM", for errors. */
bool bom_doc_read(struct bom_work *w, struct bb_bytes raw, const char *what, struct bom_doc *d);
void bom_doc_free(struct bom_doc *d);
bool bom_doc_add(struct bom_work *w, struct bom_doc *d, struct bom_line l);
struct bb_bytes bom_bytes(const struct bom_work *w, const struct bom_line *l);
/* A text at pointer, or len 0. */
struct bb_bytes bom_text(struct bb_bytes map, const char *pointer);
/* The value at pointer, or len 0. */
struct bb_bytes bom_get(struct bb_bytes map, const char *pointer);
bool bom_same(struct bb_bytes a, struct bb_bytes b);
/* Below, at or above 0: byte by byte, the shorter first. */
int bom_compare(struct bb_bytes a, struct bb_bytes b);
/* The line's id for errors, cut short. */
const char *bom_name(char out[48], struct bb_bytes line);

/* One key of a map that gets another value, or goes (value.len 0). */
struct bom_edit {
    const char *key;
    struct bb_bytes value;
};
/* Appends the map with its edits to b; keys that it had not come last, in the edits' order. */
void bom_edit_put(struct bb_buf *b, struct bb_bytes map, const struct bom_edit *e, uint32_t n);
/* The same as a line of the work. */
struct bom_line bom_line_edit(struct bom_work *w, struct bb_bytes map, const struct bom_edit *e,
                              uint32_t n);
/* The value of a key of any length: whether it is there. */
bool bom_find(struct bb_bytes map, struct bb_bytes key, struct bb_bytes *value);
/* Whether two values say the same: maps in any order of their keys, numbers digit by digit. */
bool bom_equal(struct bb_bytes a, struct bb_bytes b);

/* ---- shelf.c ----------------------------------------------------------------------------------
 */
struct bom_entry { /* a BOM beside the message's */
    struct bb_bytes item, revision;
    struct bom_doc doc;
    uint8_t seen; /* of bom_acyclic: 0, 1 on the way, 2 done */
};
struct bom_shelf {
    struct bom_entry *e;
    uint32_t n;
};
/* boms: an array of BOMs, or empty. */
bool bom_shelf_read(struct bom_work *w, struct bb_bytes boms, struct bom_shelf *s);
void bom_shelf_free(struct bom_shelf *s);
/* The BOM of a line's item, in the revision that the line names if it names one. NULL when there is
 * none, or several (then w has failed). */
struct bom_entry *bom_shelf_find(struct bom_work *w, struct bom_shelf *s, struct bb_bytes line);
/* Rejects when a BOM among boms and d contains itself over any number of levels; names the way. */
bool bom_acyclic(struct bom_work *w, const struct bom_doc *d, struct bb_bytes boms);

/* ---- phantom.c ------------------------------------------------------------------------------- */
struct bom_rounding {
    int scale, mode; /* BB_SCALE_EXACT: must come out exactly */
};
/* out: the lines of d with those of its phantoms in their place, from boms (an array of BOMs). */
bool bom_explode(struct bom_work *w, const struct bom_doc *d, struct bb_bytes boms,
                 const struct bom_rounding *r, struct bom_doc *out);

/* ---- effect.c: effectivity by date -------------------------------------------------------------
 */
struct bom_span { /* days since 1970, both inside; open: INT64_MIN, INT64_MAX */
    int64_t from, to;
};
/* of: the line, for errors. */
bool bom_span_read(struct bom_work *w, struct bb_bytes effect, struct bb_bytes of,
                   struct bom_span *s);
/* effect with the days of s; nothing at all when that says nothing. */
void bom_span_put(struct bb_buf *b, struct bb_bytes effect, const struct bom_span *s);
void bom_date_of(int64_t day, char out[16]);
bool bom_day_read(struct bb_bytes text, int64_t *day); /* "2026-04-01", a day that there is */
/* The intersection of two effectivities, either may be empty; *none when no time is left. */
bool bom_effect_both(struct bom_work *w, struct bb_bytes a, struct bb_bytes b, struct bb_bytes line,
                     struct bb_buf *out, bool *none);
/* Lines of one position may follow each other without gap and overlap. */
bool bom_effect_check(struct bom_work *w, const struct bom_doc *d);
/* Leaves out what does not hold on that day ("2026-04-01"). */
bool bom_effect_at(struct bom_work *w, struct bom_doc *d, struct bb_bytes day);

/* ---- times.c --------------------------------------------------------------------------------- */
/* One BOM for each time without a change: appends the array to b. */
bool bom_split(struct bom_work *w, const struct bom_doc *d, struct bb_buf *b);
/* Back: one BOM from an array of them, whose times must follow each other. */
bool bom_merge(struct bom_work *w, struct bb_bytes boms, struct bb_buf *b);

/* ---- number.c -------------------------------------------------------------------------------- */
struct bom_numbers {
    uint32_t start, step, digits;
};
/* Positions for d's lines; previous (may be empty): the BOM before, whose lines keep theirs. */
bool bom_number(struct bom_work *w, struct bom_doc *d, const struct bom_numbers *p,
                struct bb_bytes previous);

/* ---- diff.c ---------------------------------------------------------------------------------- */
/* The change (mfg.change/1) from before to after; either may be empty: created, obsolete. */
bool bom_diff(struct bom_work *w, struct bb_bytes before, struct bb_bytes after, struct bb_bytes id,
              struct bb_buf *b);
/* The BOM that change makes of bom; forward false: the one that it was made from. */
bool bom_apply(struct bom_work *w, struct bb_bytes bom, struct bb_bytes change, bool forward,
               struct bb_buf *b);
/* Appends d with other lines. */
void bom_doc_put(struct bom_work *w, struct bb_buf *b, const struct bom_doc *d,
                 const struct bom_edit *more, uint32_t n);

/* ---- step.c: as configured; run.c -------------------------------------------------------------
 */
enum bom_text_at {
    BOM_AT_USAGE_FROM,
    BOM_AT_USAGE_TO,
    BOM_AT_PLANT,
    BOM_AT_BOMS,
    BOM_AT_PHANTOMS,
    BOM_AT_EFFECT,
    BOM_AT_AT,
    BOM_AT_PREVIOUS,
    BOM_AT_INTO,
    BOM_AT_BEFORE,
    BOM_AT_AFTER,
    BOM_AT_ID,
    BOM_AT_BOM,
    BOM_AT_CHANGE,
    BOM_AT_DIRECTION,
    BOM_AT_ROUNDING,
    BOM_TEXTS
};
struct bom_step {
    char *text[BOM_TEXTS]; /* as configured; NULL: not */
    struct bom_rounding rounding;
    struct bom_numbers numbers;
    bool number;
};
bb_status bom_run_rules(const void *self, struct bb_apply *a, struct bb_bytes whole,
                        struct bb_buf *out);
bb_status bom_run_split(const void *self, struct bb_apply *a, struct bb_bytes whole,
                        struct bb_buf *out);
bb_status bom_run_merge(const void *self, struct bb_apply *a, struct bb_bytes whole,
                        struct bb_buf *out);
bb_status bom_run_diff(const void *self, struct bb_apply *a, struct bb_bytes whole,
                       struct bb_buf *out);
bb_status bom_run_apply(const void *self, struct bb_apply *a, struct bb_bytes whole,
                        struct bb_buf *out);

#endif
