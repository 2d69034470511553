/*
 * rule.h - a compiled transform: what compile.c makes and apply.c runs
 */
#ifndef BB_TRANSFORM_RULE_H
#define BB_TRANSFORM_RULE_H

#include "core/transform/span.h"
#include "core/transform/transform.h"

#define BB_RULE_COPY 0
#define BB_RULE_RENAME 1
#define BB_RULE_CONSTANT 2
#define BB_RULE_DROP 3

struct bb_rule {
    uint32_t op;
    uint32_t step, number; /* from 1, as people count */
    int optional;
    struct bb_path from, to; /* drop has only from, constant only to */
    struct bb_bytes value;   /* constant's, owned */
};
struct bb_transform {
    struct bb_rule *rules;
    uint32_t n, cap;
    size_t grows; /* bytes that the rules may add, a guess for the buffer */
    int deepens;  /* a copied map or array may come to lie deeper than it was */
};

extern const char *const bb_rule_names[4];

#endif
