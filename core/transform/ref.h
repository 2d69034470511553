/*
 * ref.h - where a step's option points in a message, and what is asked of the value there
 *
 * A reference is written as in a map: /data/..., /attributes/NAME, or . and ./... for the entry of a
 * list that a step goes over. It is checked once; looking it up walks the bytes.
 *
 * Thread: compiled things are read-only; looking up on any thread.
 */
#ifndef BB_TRANSFORM_REF_H
#define BB_TRANSFORM_REF_H

#include "core/transform/step.h"

enum bb_ref_root { BB_REF_DATA, BB_REF_ATTRIBUTE, BB_REF_ENTRY };
struct bb_ref {
    enum bb_ref_root root;
    char *text;       /* as written; owned */
    const char *rest; /* a JSON pointer into the root, or the attribute's name */
};
struct bb_ref_message { /* what references are looked up in */
    struct bb_envelope e;
    struct bb_bytes entry; /* len 0: there is none */
};

/* Reads a reference of the configuration: 0, -1 said. entry: may it begin with "."? */
int bb_ref_read(struct bb_compile *c, struct bb_bytes v, bool entry, struct bb_ref *r);
void bb_ref_free(struct bb_ref *r);
/* The value (an attribute's with its msgpack head): 1, 0 when there is none, -1 bad bytes. */
int bb_ref_get(const struct bb_ref *r, const struct bb_ref_message *m, struct bb_bytes *out);

/* Equal as values: texts and numbers by their text (1.50 is not 1.5), true and false, null. Lists and
 * maps are equal to nothing. */
bool bb_scalar_same(struct bb_bytes a, struct bb_bytes b);
/* A value for an error, cut short: "released", 12, a list. */
void bb_scalar_text(struct bb_bytes v, char *out, size_t cap);

/* ---- conditions: {reference: value or list of values, ...} ---------------------------------------- */
struct bb_cond {
    struct bb_ref ref;
    struct bb_bytes values; /* a copy; a list */
};
struct bb_conds {
    struct bb_cond *v;
    uint32_t n;
};
int bb_conds_read(struct bb_compile *c, struct bb_bytes config, bool entry, struct bb_conds *out);
void bb_conds_free(struct bb_conds *c);
/* Has the reference one of the values? null stands for: nothing there. -1: bad bytes. */
int bb_cond_test(const struct bb_cond *c, const struct bb_ref_message *m, struct bb_bytes *found);
int bb_conds_test(const struct bb_conds *c, const struct bb_ref_message *m);

#endif
