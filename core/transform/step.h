/*
 * step.h - what a transform step is, for those who write one
 *
 * A step is one file with a struct bb_step_ops and one row in the table of steps.c. compile() turns
 * the step's value in the configuration into whatever apply() needs; every mistake is said at its
 * place with bb_compile_say(), and compiling goes on, so that one check shows all of them. apply()
 * gets a whole message and writes a whole message; it may not keep a pointer to either.
 *
 * Thread: compile() one at a time for a given bb_compile; apply() on any thread, on several at once.
 * Ownership: self is the step's, freed by free(), also when compile() failed halfway.
 */
#ifndef BB_TRANSFORM_STEP_H
#define BB_TRANSFORM_STEP_H

#include "core/base/base.h"
#include "core/transform/transform.h"

#define BB_STEPS_MAX 64     /* of one route */
#define BB_PLACE_DEPTH 128  /* keys and indices from the top to a value */
#define BB_PLACE_BYTES 1024 /* of a pointer as text */
#define BB_FILES_MAX 64     /* that one route's steps name */

struct bb_compile_file { /* a file that has been asked for */
    char *name;
    struct bb_bytes value;
};
struct bb_compile { /* one compile of a route's steps */
    const struct bb_transform_source *source;
    struct bb_fault *err; /* the first mistake */
    uint32_t mistakes;
    uint32_t step; /* the step that is compiled, from 1 */
    uint32_t ends; /* the step that splits; 0: none so far */
    const char *ends_with;
    bb_transform_rule_fn *rule; /* who wants to hear of steps and rules, or NULL */
    void *rule_arg;
    bool impure;   /* set by a step that is pure by its kind but not as it is configured */
    /* where we are */
    const char *file; /* NULL: in the steps themselves */
    struct bb_bytes part[BB_PLACE_DEPTH];
    char numbers[BB_PLACE_DEPTH][12];
    uint32_t n, base;     /* base: the first part inside file */
    struct bb_bytes packed; /* a program's files */
    struct bb_compile_file files[BB_FILES_MAX];
    uint32_t n_files;
};

struct bb_apply { /* one apply */
    struct bb_transform_run *run;
    struct bb_fault *err;
    uint32_t step; /* the one that runs, from 1 */
    struct bb_bytes original; /* what the first step was given */
};

struct bb_step_ops {
    const char *name; /* its key in the configuration */
    bool pure;
    bool foreign; /* it may hang or end its process: only where that is a sink's own */
    bool checks; /* apply() writes nothing: the message goes on as it is; so it may stand in accept */
    bool splits; /* apply() writes nothing: the message ends as bb_apply_child()s. Only as the last step */
    /* 0, or -1 with every mistake said. *self may be NULL after 0: then there is nothing to do. */
    int (*compile)(struct bb_compile *c, struct bb_bytes config, void **self);
    /* As bb_transform_apply(). On anything but BB_OK out is cut back by the caller. */
    bb_status (*apply)(const void *self, struct bb_apply *a, struct bb_bytes whole,
                       struct bb_buf *out);
    void (*free)(void *self);
};
extern const struct bb_step_ops bb_step_map, bb_step_jq, bb_step_require, bb_step_enrich, bb_step_plugin,
    bb_step_split, bb_step_explode, bb_step_bom, bb_step_bom_split, bb_step_bom_merge, bb_step_bom_diff,
    bb_step_bom_apply, bb_step_bom_carries, bb_step_emit;

/* ---- compile.c: for compile() -------------------------------------------------------------------
 */
/* Reports a mistake where we are; -1. */
int bb_compile_say(struct bb_compile *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for a word that is none of n words, with the nearest one if it is near, else with all. */
int bb_compile_unknown(struct bb_compile *c, const char *what, struct bb_bytes word,
                       const char *const *words, size_t n);
/* Goes down to a key (whose bytes stay where they are) or an index, and up again. */
void bb_compile_down(struct bb_compile *c, struct bb_bytes key);
void bb_compile_down_n(struct bb_compile *c, uint32_t index);
void bb_compile_up(struct bb_compile *c);
/* A mistake at key below where we are. */
int bb_compile_say_at(struct bb_compile *c, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The value of the file that the value here names, and *name as kept: 0, -1 said. */
int bb_compile_file(struct bb_compile *c, struct bb_bytes name, struct bb_bytes *value,
                    const char **kept);
/* What a program needs to run a connector's transform as this step: 0, -1 said. */
int bb_compile_plugin(struct bb_compile *c, const char *connector, struct bb_bytes *value);
/* From now on places are in that file (NULL: in the steps) from its top. What to go back to. */
struct bb_compile_place {
    const char *file;
    uint32_t n, base;
};
struct bb_compile_place bb_compile_enter(struct bb_compile *c, const char *file);
void bb_compile_leave(struct bb_compile *c, struct bb_compile_place before);

/* ---- reading configuration values ----------------------------------------------------------------
 */
/* Whether v is an array or map (kind); its members are read from *c on. */
bool bb_group_of(struct bb_bytes v, uint32_t kind, struct bb_cur *c, uint32_t *n);
int bb_pair_next(struct bb_cur *c, struct bb_bytes *key, struct bb_bytes *value);
/* Whether v is a map with one key. */
bool bb_one_pair(struct bb_bytes v, struct bb_bytes *key, struct bb_bytes *value);
/* The word's place among n words, n when it is none of them. */
uint32_t bb_word_of(struct bb_bytes word, const char *const *words, uint32_t n);
/* What v is, for people: "a text", "a list". */
const char *bb_kind_of(struct bb_bytes v);

/* ---- apply.c: for apply() ------------------------------------------------------------------------
 */
/* The clock: the run's, or the wall's as it was when first asked in this run. */
int64_t bb_apply_now(struct bb_apply *a);
/* A message that this one became. */
bb_status bb_apply_child(struct bb_apply *a, struct bb_bytes whole);
/* Ends with BB_E_REJECT and this class and text. */
bb_status bb_apply_reject(struct bb_apply *a, const char *failure, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
