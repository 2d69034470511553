/*
 * internal.h - a compiled transform, for compile.c and apply.c alone
 */
#ifndef BB_TRANSFORM_INTERNAL_H
#define BB_TRANSFORM_INTERNAL_H

#include "core/transform/step.h"

struct bb_step {
    const struct bb_step_ops *ops;
    void *self;
    uint32_t number; /* in the configuration, from 1: steps with nothing to do are left out */
};
struct bb_transform {
    struct bb_step *steps;
    uint32_t n;
    bool impure;
};

#endif
