/*
 * jq.h - the step jq, for its own files: program.c (compiling), value.c (values in and out), jq.c
 */
#ifndef BB_TRANSFORM_JQ_H
#define BB_TRANSFORM_JQ_H

#include <jq.h>
#include <pthread.h>
#include "core/transform/ref.h"

#define BB_JQ_TEXT_MAX 160 /* bytes of a reason */

struct bb_jq_program {
    struct bb_jq_program *next;
    jq_state *jq;
};
struct bb_jq {
    pthread_mutex_t lock;
    struct bb_jq_program *idle; /* under lock */
    char *text;
    bool whole, texts, collect;
};

/* ---- program.c */
int bb_jq_compile(struct bb_compile *c, struct bb_bytes config, void **self);
void bb_jq_free(void *self);
/* One that nobody else runs; NULL: no memory. And back. */
struct bb_jq_program *bb_jq_take(struct bb_jq *q);
void bb_jq_give(struct bb_jq *q, struct bb_jq_program *p);

/* ---- value.c */
struct bb_jq_way { /* one conversion */
    const struct bb_jq *q;
    char why[BB_JQ_TEXT_MAX]; /* "": no memory */
};

/* The next value of c: invalid, with why (or without: no memory). depth: how deep it lies. */
jv bb_jq_in(struct bb_jq_way *w, struct bb_cur *c, unsigned depth);
/* Appends v, which it consumes: 0, -1 with why. */
int bb_jq_out(struct bb_jq_way *w, jv v, unsigned depth, struct bb_buf *out);

#endif
