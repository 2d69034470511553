/*
 * table.h - tables for lookups; for table.c and lookup.c alone
 */
#ifndef BB_TRANSFORM_TABLE_H
#define BB_TRANSFORM_TABLE_H

#include "core/transform/map/map.h"

#define BB_KEYS_MAX 4
#define BB_KEY_BYTES 1024 /* of all parts of a key, with their lengths */

struct bb_columns { /* names of columns */
    char *v[BB_KEYS_MAX];
    uint32_t n;
};
struct bb_table_source {
    struct bb_bytes value;
    const char *file; /* NULL: it stands in the rule */
};
struct bb_table_slot;
struct bb_table {
    struct bb_table_source source; /* until it is compiled */
    struct bb_columns key, column; /* column: one */
    struct bb_table_slot *slots;
    uint32_t cap, n; /* cap a power of two */
    struct bb_buf block;
};
struct bb_table_key {
    uint32_t len;
    uint8_t bytes[BB_KEY_BYTES];
};
extern const struct bb_arg_kind bb_arg_table, bb_arg_columns; /* a source; columns */
/* The source as a table, with every mistake said at its row: 0, -1. */
int bb_table_compile(struct bb_map_compile *m, struct bb_table *t);
void bb_table_free(struct bb_table *t); /* but for the arguments */
/* Adds a part to a key; false: it is no text or number, or too long. */
bool bb_table_key_add(struct bb_table_key *k, const struct bb_tok *t);
bool bb_table_get(const struct bb_table *t, const struct bb_table_key *k, struct bb_bytes *value);

#endif
