/*
 * span.h - what the files of core/transform share: compiled pointers and rules, and a message seen
 * as spans of its own bytes
 *
 * A message is never unpacked. Its two roots start as one span each; a rule that goes into a map or
 * an array splits that one into spans of its entries, whose bytes stay where they are in the input.
 * What no rule touches is copied as one piece. A map or array of more than SPLIT_MAX entries is not
 * listed: only the entry looked for is cut out of its run, so the memory used depends on the rules
 * and not on the message.
 *
 * Thread: a compiled transform is read-only; a pool belongs to one apply.
 * Ownership: spans point into the message, the compiled transform or the pool.
 */
#ifndef BB_TRANSFORM_SPAN_H
#define BB_TRANSFORM_SPAN_H

#include <busbar/message.h>
#include <stdint.h>

#define BB_POINTER_MAX 32    /* segments of one pointer */
#define BB_RULES_MAX 1024    /* rules of one route */
#define BB_SPAN_SPLIT_MAX 64 /* entries listed one by one */
#define BB_SPANS_MAX 65536   /* of one apply: only a rule that copies a message into itself, again
                                and again, comes near */

/* ---- compiled --------------------------------------------------------------------------------- */
#define BB_NO_INDEX UINT32_MAX
#define BB_INDEX_END (UINT32_MAX - 1) /* "-" */

struct bb_seg {
    struct bb_bytes text; /* unescaped */
    struct bb_bytes raw;  /* text as a msgpack string: the key of a new entry */
    uint32_t index;       /* what it is in an array */
};
struct bb_path {
    int attributes; /* else data */
    uint32_t n;
    struct bb_seg *segs;
    char *pointer; /* as written; also holds the segments' bytes */
};
/* Compiles pointer, which starts with /data or /attributes: 0, -1 with err->text. */
int bb_path_compile(struct bb_bytes pointer, struct bb_path *path, struct bb_fault *err);
void bb_path_free(struct bb_path *path);
/* Whether inner is outer or lies inside it. */
int bb_path_within(const struct bb_path *inner, const struct bb_path *outer);

/* ---- spans ------------------------------------------------------------------------------------ */
#define BB_SPAN_LEAF 0 /* a value's bytes */
#define BB_SPAN_RUN 1  /* the bytes of `count` neighbours, keys and all */
#define BB_SPAN_MAP 2  /* split into its entries */
#define BB_SPAN_ARRAY 3

struct bb_span {
    struct bb_span *next, *child, *last;
    struct bb_bytes key; /* text; ptr NULL in an array */
    struct bb_bytes raw; /* the key's msgpack bytes */
    struct bb_bytes value;
    uint32_t kind;
    uint32_t count; /* RUN: entries in it; MAP, ARRAY: entries of all its children */
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
/* One whole value at c becomes s, a LEAF: 0, -1 on bad bytes. */
int bb_span_read(struct bb_cur *c, struct bb_span *s);
/* What a LEAF's first byte says: BB_T_*. MAP and ARRAY as they are. */
uint32_t bb_span_type(const struct bb_span *s);
/* The span at path from root: NULL when there is none (why NULL) or on bad bytes. *parent (may be
 * NULL) gets its container. */
struct bb_span *bb_span_find(struct bb_spans *p, struct bb_span *root, const struct bb_path *path,
                             struct bb_span **parent);
/* The span at path, made if it is not there, with the maps on the way: NULL with why. */
struct bb_span *bb_span_make(struct bb_spans *p, struct bb_span *root, const struct bb_path *path);
void bb_span_unlink(struct bb_span *parent, struct bb_span *s);
/* Makes `to` a copy of what from holds; the two change apart from then on. 0, -1 with why. */
int bb_span_copy(struct bb_spans *p, struct bb_span *to, const struct bb_span *from);

#endif
