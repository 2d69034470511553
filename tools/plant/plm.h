/*
 * plm.h - what the files of the plant's PLM share
 *
 * It keeps items and structures by revision and change packages by number, and tells of them in two styles: plain
 * REST below /plm/ (lowerCamel names, numbers as numbers) and OData below /odata/ (PascalCase, numbers as texts).
 * What is released is frozen: a change makes new revisions. Each change of a package's content gives it a new
 * version and the next number of the feed.
 *
 * Thread: the system's own. Memory: the call's.
 */
#ifndef PLANT_PLM_H
#define PLANT_PLM_H

#include "tools/plant/json.h"
#include "tools/plant/kit.h"

struct plm_form { /* how a call wants its answer */
    struct plant_call *c;
    bool odata;
    const char *rest; /* of the path, decoded, behind the style's prefix */
    const char *arg;  /* its first segment's argument: "X" of changes/X/status or of Changes('X')/Status */
    const char *tail; /* the segment after that, or "" */
};

/* Members of an object from a row's columns: spec is "s:number i:seq n:base u:unit b:fixed": texts, whole numbers, decimals (texts in
 * OData), units and flags; what is
 * empty is left out. The row's first column is `from`. */
void plm_row_put(struct plm_form *f, struct plant_buf *b, sqlite3_stmt *st, int from, const char *spec);
void plm_name_put(struct plm_form *f, struct plant_buf *b, const char *name); /* "name": */
/* A key of the object asked for: of the query in REST (or the path), of the parentheses in OData; "" absent. */
const char *plm_key(struct plm_form *f, const char *name);
/* A member of the body; "" absent. */
const char *plm_body(struct plm_form *f, const char *name);
void plm_problem(struct plant_call *c, int status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int64_t plm_page(struct plm_form *f); /* how many rows the caller wants: ours at most */

/* plm_change.c, plm_structure.c, plm_act.c */
void plm_change_take(struct plm_form *f);
void plm_item_show(struct plm_form *f);
void plm_structure_show(struct plm_form *f);
/* A new state: the next version and feed number, an event. */
void plm_change_move(struct plant_call *c, const char *number, const char *state);
extern const struct plant_action plm_actions[];

#endif
