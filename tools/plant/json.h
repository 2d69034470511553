/*
 * json.h - just enough JSON for the simulated plant: find a value by pointer, walk an array
 *
 * Reads text in place, allocates nothing, never past the end. It does not check the text's grammar
 * beyond what it needs to find its way: the plant takes what any lenient ERP takes.
 */
#ifndef PLANT_JSON_H
#define PLANT_JSON_H

#include "tools/plant/http.h"

/* Skips blanks and one value at p: its end, NULL when the text ends before it does. */
const char *plant_json_skip(const char *p, const char *end, struct plant_text *value);
/* The value at an RFC 6901 pointer; a string comes without its quotes, escapes as they stand. */
bool plant_json_get(struct plant_text json, const char *pointer, struct plant_text *out);
/* The same, a string with its quotes: so that "null" and null stay two things. */
bool plant_json_find(struct plant_text json, const char *pointer, struct plant_text *out);
/* The items of a body: of an array, of lines, or the one value that it is. */
struct plant_items {
    const char *p, *end;
    enum { PLANT_ONE, PLANT_ARRAY, PLANT_LINES } kind;
};
void plant_items_of(struct plant_text body, bool lines, struct plant_items *it);
bool plant_items_next(struct plant_items *it, struct plant_text *item);
/* The members of an object, keys without quotes; false: it is none. */
bool plant_members_of(struct plant_text json, struct plant_items *it);
bool plant_members_next(struct plant_items *it, struct plant_text *key, struct plant_text *value);

#endif
