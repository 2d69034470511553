/*
 * internal.h - what the files of core/transform share: compiled pointers and rules, and a message
 * seen as spans of its own bytes
 *
 * A message is never unpacked. Its two roots start as one span each; a rule that goes into a map or
 * an array splits that one into spans of its entries; one of more than SPLIT_MAX entries is not
 * listed, only the entry looked for is cut out of its run. All bytes stay where they are in the
 * input, and what no rule touches is copied as one piece. So the memory used depends on the rules
 * and not on the message.
 *
 * Thread: a compiled transform is read-only; a pool belongs to one apply.
 * Ownership: spans point into the message, the compiled transform or the pool.
 */
#ifndef BB_TRANSFORM_INTERNAL_H
#define BB_TRANSFORM_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include "core/base/base.h"
#include "core/transform/transform.h"

#define BB_POINTER_MAX 32 /* segments of one pointer */
#define BB_POINTER_BYTES 4096
#define BB_RULES_MAX 1024 /* rules of one route */
#define BB_SPAN_SPLIT_MAX 64 /* entries listed one by one */
#define BB_SPANS_MAX 65536 /* of one apply: only a rule that copies a message into itself, again and
                              again, comes near */

/* ---- path.c: compiled pointers --------------------------------------------------------------- */
#define BB_NO_INDEX UINT32_MAX
#define BB_INDEX_END (UINT32_MAX - 1) /* "-" */

struct bb_seg {
    struct bb_bytes text; /* unescaped */
    struct bb_bytes raw;  /* text as a msgpack string: the key of a new entry */
    uint32_t index;       /* what it is in an array */
};
struct bb_path {
    bool attributes; /* else data */
    bool fixed;      /* id, type, source or specversion: every message has one */
    uint32_t n;
    struct bb_seg *segs;
    char *pointer; /* as written; also holds the segments' bytes */
};
/* Compiles pointer, which starts with /data or /attributes: 0, -1 with err->text. */
int bb_path_compile(struct bb_bytes pointer, struct bb_path *path, struct bb_fault *err);
void bb_path_free(struct bb_path *path);
/* Whether inner is outer or lies inside it. */
bool bb_path_within(const struct bb_path *inner, const struct bb_path *outer);

/* ---- compile.c: rules ------------------------------------------------------------------------ */
enum { BB_RULE_COPY, BB_RULE_RENAME, BB_RULE_CONSTANT, BB_RULE_DROP, BB_RULES };
extern const char *const bb_rule_names[BB_RULES];

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
    bool deepens; /* a moved map or array may come to lie deeper than it was */
};

/* ---- span.c ---------------------------------------------------------------------------------- */
enum {
    BB_SPAN_LEAF, /* a value's bytes */
    BB_SPAN_RUN,  /* the bytes of `count` neighbours, keys and all */
    BB_SPAN_MAP,  /* split: its entries and runs of entries are its children */
    BB_SPAN_ARRAY
};
struct bb_span {
    struct bb_span *next, *child;
    struct bb_bytes key; /* text; ptr NULL in an array */
    struct bb_bytes raw; /* the key's msgpack bytes */
    struct bb_bytes value;
    uint32_t kind, count; /* count: of a RUN */
};

#define BB_SPAN_LOCAL 192
struct bb_span_block {
    struct bb_span_block *next;
    struct bb_span spans[BB_SPAN_LOCAL];
};
struct bb_spans { /* the pool: the first block is on the caller's stack */
    struct bb_span_block *blocks, first;
    uint32_t used, total;
    const char *why; /* set by what returns NULL or -1 */
};
void bb_spans_init(struct bb_spans *p);
void bb_spans_free(struct bb_spans *p);
/* A zeroed span, NULL when out of memory or past BB_SPANS_MAX. */
struct bb_span *bb_span_new(struct bb_spans *p);
/* What a value's first byte says: BB_T_*. */
uint32_t bb_span_type(const struct bb_span *s);
/* The link to the span at path, below root; *link is the span, and what it is set to takes its
 * place. NULL when there is none (why NULL) or on bad bytes. */
struct bb_span **bb_span_find(struct bb_spans *p, struct bb_span **root,
                              const struct bb_path *path);
/* The span at path, made if it is not there, with the maps on the way: NULL with why. */
struct bb_span *bb_span_make(struct bb_spans *p, struct bb_span *root, const struct bb_path *path);
/* Makes `to` hold what from holds; to keeps its place and key. */
void bb_span_move(struct bb_span *to, const struct bb_span *from);
/* The same with a copy; the two change apart from then on. 0, -1 with why. */
int bb_span_copy(struct bb_spans *p, struct bb_span *to, const struct bb_span *from);
/* Entries of a MAP or ARRAY. */
uint32_t bb_span_count(const struct bb_span *s);

#endif
