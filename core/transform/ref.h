/*
 * ref.h - pointers and conditions as in a map, looked up in a message's bytes
 *
 * For steps that only read. They are written and compiled as in the map step, so that there is one
 * language; here nothing is cut into spans: looking up walks the bytes.
 *
 * Thread: compiled things are read-only; looking up on any thread.
 */
#ifndef BB_TRANSFORM_REF_H
#define BB_TRANSFORM_REF_H

#include "core/transform/map/map.h"

struct bb_ref_message { /* what is looked into */
    struct bb_envelope e;
    struct bb_bytes entry; /* what "." is; len 0: there is none */
};

/* Reads a pointer of the configuration: 0, -1 said. entry: may it begin with "."? */
int bb_ref_read(struct bb_compile *c, struct bb_bytes v, bool entry, struct bb_path *path);
/* Reads a condition: 0, -1 said. */
int bb_ref_cond_read(struct bb_compile *c, struct bb_bytes v, bool entry, struct bb_cond **cond);
/* The value (an attribute's with its msgpack head): 1, 0 when there is none, -1 bad bytes. */
int bb_ref_get(const struct bb_path *path, const struct bb_ref_message *m, struct bb_bytes *out);
/* 1 holds, 0 not, -1 it cannot be said: a comparison of what is no number, or bad bytes. NULL holds. */
int bb_ref_holds(const struct bb_cond *cond, const struct bb_ref_message *m);
/* A text of the configuration, 1 to max bytes: 0, -1 said. To be freed. */
int bb_ref_text_read(struct bb_compile *c, struct bb_bytes v, size_t max, char **out);
/* A value for an error, cut short: "released", 12, a list. */
void bb_ref_show(struct bb_bytes v, char *out, size_t cap);

#define BB_GENERATIONS_MAX 8 /* of messages made of messages: a route that feeds itself ends here */
int64_t bb_ref_generation(const struct bb_envelope *e); /* 0: it came from outside; at most that */

#endif
