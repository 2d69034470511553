/*
 * value.h - values between the model and OData, by the type that $metadata gives
 *
 * An entity is a map from property and navigation names to values: texts, numbers (integers and
 * decimals, never floats), booleans, dates as ISO texts, and for a navigation a map or a list of maps.
 * Writing checks length, digits and places and never rounds or cuts; reading keeps every digit, makes
 * ISO texts of V2's /Date()/ and PT texts, numbers of V2's decimals in quotes, and drops what is OData's
 * own (__metadata, deferred, @odata.*).
 *
 * Thread: any. Errors: -1 with err's text, which names the property.
 */
#ifndef BB_SAP_VALUE_H
#define BB_SAP_VALUE_H

#include <busbar/plugin.h>
#include "edm.h"

/* ---- a map whose count is known at its end only ------------------------------------------------------ */
struct map_put {
    struct bb_buf *b;
    size_t at;
    uint32_t n;
};
struct map_put map_open(struct bb_buf *b);
struct map_put list_open(struct bb_buf *b);
void map_close(struct map_put *m); /* also a list's */
void map_key(struct map_put *m, const char *key);
void map_text(struct map_put *m, const char *key, struct bb_bytes text); /* nothing when text is empty */
void map_value(struct map_put *m, const char *key, struct bb_bytes value); /* nothing when it is absent */

/* ---- out -------------------------------------------------------------------------------------------- */
/* One value as JSON. */
int value_json(const struct edm *e, const struct edm_prop *p, struct bb_bytes value, struct bb_buf *out,
               struct bb_error *err);
/* A literal in a key, a filter, a function's parameter; not percent-encoded. */
int value_literal(const struct edm *e, const struct edm_prop *p, struct bb_bytes value, struct bb_buf *out,
                  struct bb_error *err);
/* An entity as JSON, its navigations too. now: as entity_read() gave it; then only what differs, without keys
 * and navigations; *changes says how many. CONFIG: the service lacks a property; REJECT: a value is wrong. */
bb_status entity_json(const struct edm *e, const struct edm_type *t, struct bb_bytes want, struct bb_bytes now,
                      struct bb_buf *out, size_t *changes, struct bb_error *err);
/* "Set(Key='x',Other='y')" with values from entity, percent-encoded. */
bb_status key_put(const struct edm *e, const struct edm_set *s, struct bb_bytes entity, struct bb_buf *out,
                  struct bb_error *err);

/* ---- in ---------------------------------------------------------------------------------------------- */
/* An entity of an answer (without V2's "d") as a map; lists of navigations too. -1: it is none. */
int entity_read(const struct edm *e, const struct edm_type *t, struct bb_bytes json, struct bb_buf *out);
/* An entity's ETag, or {NULL, 0}. */
struct bb_bytes entity_etag(struct bb_bytes json);
/* 1: both values mean the same for the property; 0. */
int value_same(const struct edm_prop *p, struct bb_bytes a, struct bb_bytes b);

#endif
