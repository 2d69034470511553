/*
 * split.h - the compiled steps split and explode, for read.c (compiling) and split.c (applying) alone
 */
#ifndef BB_TRANSFORM_SPLIT_H
#define BB_TRANSFORM_SPLIT_H

#include "core/transform/ref.h"

#define BB_SPLIT_WORD_MAX 40 /* bytes of as */

struct bb_split_pair { /* of header or attributes: what the value at ref is called in the child */
    char *name;
    struct bb_path ref;
};
struct bb_split_pairs {
    struct bb_split_pair *v;
    uint32_t n;
};
struct bb_split_rule {
    struct bb_path at;
    bool each; /* at is a list, each entry a child */
    char *type, *schema, *under;
    struct bb_split_pairs header, attributes;
    struct bb_cond *when;
};
struct bb_split {
    const char *name; /* of the step */
    struct bb_split_rule *rules;
    uint32_t n;
    char *as;
    bool empty_fails;
};
int bb_split_compile(struct bb_compile *c, struct bb_bytes config, void **self);
int bb_explode_compile(struct bb_compile *c, struct bb_bytes config, void **self);
void bb_split_free(void *self);

#endif
