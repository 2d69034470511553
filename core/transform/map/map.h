/*
 * map.h - what the files of the map step share: rules, compiled pointers, and a message seen as
 * spans of its own bytes
 *
 * A message is never unpacked. Its two roots start as one span each; a rule that goes into a map or
 * an array splits that one into spans of its entries; one of more than SPLIT_MAX entries is not
 * listed, only the entry looked for is cut out of its run. All bytes stay where they are in the
 * input, and what no rule touches is copied as one piece. What a rule computes lives in the level's
 * own bytes. A list that rules go over entry by entry is written entry by entry, each with a level
 * of its own that is used again for the next one. So the memory used depends on the rules and on
 * what they make, and not on the message.
 *
 * Thread: a compiled map is read-only; a level belongs to one apply.
 * Ownership: spans point into the message, the compiled map or their level's bytes.
 */
#ifndef BB_TRANSFORM_MAP_H
#define BB_TRANSFORM_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include "core/transform/step.h"

#define BB_POINTER_MAX 32 /* segments of one pointer */
#define BB_POINTER_BYTES 4096
#define BB_RULES_MAX 1024 /* rules of one map */
#define BB_RULES_NEST 8   /* lists of rules inside rules */
#define BB_SPAN_SPLIT_MAX 64 /* entries listed one by one */
#define BB_SPANS_MAX 65536 /* of one level: only a rule that copies a message into itself, again and
                              again, comes near */

/* ---- path.c: compiled pointers --------------------------------------------------------------- */
#define BB_NO_INDEX UINT32_MAX
#define BB_INDEX_END (UINT32_MAX - 1) /* "-" */

enum bb_root { /* where a pointer starts */
    BB_ROOT_DATA, /* /data */
    BB_ROOT_ATTRIBUTES,
    BB_ROOT_ENTRY /* "." or "./qty": the entry of the list that the rules go over */
};
struct bb_seg {
    struct bb_bytes text; /* unescaped */
    struct bb_bytes raw;  /* text as a msgpack string: the key of a new entry */
    uint32_t index;       /* what it is in an array */
    uint32_t sig;         /* of the text: bb_key_sig() */
};
struct bb_path {
    enum bb_root root;
    bool fixed; /* id, type, source or specversion: every message has one */
    uint32_t n;
    struct bb_seg *segs;
    char *pointer; /* as written; also holds the segments' bytes; NULL: not given */
};
/* Compiles pointer: 0, -1 with err->text. */
int bb_path_compile(struct bb_bytes pointer, struct bb_path *path, struct bb_fault *err);
void bb_path_free(struct bb_path *path);
/* Whether inner is outer or lies inside it. */
bool bb_path_within(const struct bb_path *inner, const struct bb_path *outer);

/* Equal keys have equal ones. */
static inline uint32_t bb_key_sig(const void *key, size_t len)
{
    const uint8_t *p = key;

    return len ? (uint32_t)(len << 24) ^ (uint32_t)p[0] << 16 ^ (uint32_t)p[len >> 1] << 8 ^ p[len - 1]
               : 0;
}

/* ---- span.c ---------------------------------------------------------------------------------- */
enum {
    BB_SPAN_LEAF, /* a value's bytes */
    BB_SPAN_RUN,  /* the bytes of `count` neighbours, keys and all */
    BB_SPAN_MAP,  /* split: its entries and runs of entries are its children */
    BB_SPAN_ARRAY
};
struct bb_span {
    struct bb_span *next, *child;
    const uint8_t *raw;   /* the key's msgpack bytes; NULL in an array */
    const uint8_t *value; /* of a LEAF or RUN; NULL: nothing yet */
    uint32_t raw_len, value_len;
    uint32_t count; /* of a RUN */
    uint32_t sig;   /* of the key */
    uint8_t kind, head; /* head: bytes of raw before the key's text */
};
static inline struct bb_bytes bb_span_bytes(const struct bb_span *s)
{
    return (struct bb_bytes){s->value, s->value_len};
}
static inline void bb_span_set(struct bb_span *s, struct bb_bytes v)
{
    s->kind = BB_SPAN_LEAF;
    s->child = NULL;
    s->value = v.ptr;
    s->value_len = (uint32_t)v.len;
}

#define BB_SPAN_LOCAL 192
#define BB_BYTES_LOCAL 1024
struct bb_span_block {
    struct bb_span_block *next;
    struct bb_span spans[BB_SPAN_LOCAL];
};
struct bb_byte_block {
    struct bb_byte_block *next;
    size_t used, cap;
    uint8_t bytes[];
};
struct bb_level { /* spans and computed bytes of a message or of one entry */
    struct bb_span_block *blocks;
    uint32_t used, total;
    const char *why; /* set by what returns NULL or -1 */
    struct bb_byte_block *more; /* what first_bytes could not take */
    size_t bytes_used, bytes_max; /* max: all together */
    struct bb_span_block first;
    uint8_t first_bytes[BB_BYTES_LOCAL];
};
void bb_level_init(struct bb_level *l, size_t bytes_max);
/* Ready for the next entry: spans and bytes are gone, some memory is kept. */
void bb_level_reset(struct bb_level *l);
void bb_level_free(struct bb_level *l);
/* n bytes that live as long as the level's spans; NULL with why. */
uint8_t *bb_level_bytes(struct bb_level *l, size_t n);
/* A zeroed span, NULL when out of memory or past BB_SPANS_MAX. */
struct bb_span *bb_span_new(struct bb_level *l);
/* What a value's first byte says: BB_T_*. */
uint32_t bb_span_type(const struct bb_span *s);
/* The link to the span at path, below root; *link is the span, and what it is set to takes its
 * place. NULL when there is none (why NULL) or on bad bytes. */
struct bb_span **bb_span_find(struct bb_level *l, struct bb_span **root,
                              const struct bb_path *path);
/* The span at path, made if it is not there, with the maps on the way: NULL with why. */
struct bb_span *bb_span_make(struct bb_level *l, struct bb_span *root, const struct bb_path *path);
/* Makes `to` hold what from holds; to keeps its place and key. */
void bb_span_move(struct bb_span *to, const struct bb_span *from);
/* The same with a copy; the two change apart from then on. 0, -1 with why. */
int bb_span_copy(struct bb_level *l, struct bb_span *to, const struct bb_span *from);
/* Entries of a MAP or ARRAY. */
uint32_t bb_span_count(const struct bb_span *s);
/* Appends the value to out: 0, -1 when it nests deeper than a message may at depth. */
int bb_span_write(const struct bb_span *s, unsigned depth, struct bb_buf *out);

/* ---- rules ----------------------------------------------------------------------------------- */
struct bb_rule { /* the head of every rule's own struct */
    const struct bb_rule_ops *ops;
    struct bb_rule *next;
    char number[24]; /* "3", "3.2" inside rule 3 */
};
struct bb_rules { /* a list of rules, in order */
    struct bb_rule *first, **last;
    uint32_t n;
};
struct bb_work;
struct bb_map_compile;
struct bb_arg;
struct bb_arg_kind { /* how an argument is read, and how what it made is freed (NULL: nothing) */
    int (*read)(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member);
    void (*free)(void *member);
};
struct bb_arg {
    const char *name;
    const struct bb_arg_kind *kind;
    size_t offset;
    bool needed;
};
#define BB_ARGS_MAX 16
struct bb_rule_ops {
    const char *name;
    size_t size;
    const struct bb_arg *args; /* ended by a name NULL */
    const char *alone;         /* the argument that a value which is no map stands for, or NULL */
    /* What the arguments are to one another, when each is right by itself; may be NULL. */
    int (*check)(struct bb_map_compile *m, struct bb_rule *r);
    bb_status (*run)(struct bb_work *w, const struct bb_rule *r);
};
extern const struct bb_rule_ops bb_rule_copy, bb_rule_rename, bb_rule_constant, bb_rule_drop;

struct bb_map { /* the compiled step */
    struct bb_rules rules;
    size_t grows; /* bytes that the rules may add, a guess for the buffer */
    bool deepens; /* a moved map or array may come to lie deeper than it was */
};
struct bb_map_compile {
    struct bb_compile *c;
    struct bb_map *map;
    uint32_t n_rules, nest;
    bool entry;         /* inside a list's rules: "./qty" is known, the message can only be read */
    const char *number; /* of the rule around these, NULL */
};
/* ---- rule.c ---------------------------------------------------------------------------------- */
/* Reads a list of rules into r; number: prefix of theirs. 0, -1 said. */
int bb_rules_read(struct bb_map_compile *m, struct bb_bytes list, struct bb_rules *r);
void bb_rules_free(struct bb_rules *r);
extern const struct bb_arg_kind bb_arg_from, bb_arg_to, bb_arg_away, bb_arg_value, bb_arg_truth;

/* ---- run.c ----------------------------------------------------------------------------------- */
struct bb_work { /* one apply */
    struct bb_apply *a;
    const struct bb_map *map;
    const struct bb_rule *rule; /* the one that runs */
    struct bb_level *message, *level; /* level: the entry's, or the message's */
    struct bb_span *root[3];
    size_t bytes_max;
    bool check_data; /* something with entries of its own moved: look at the depth */
};
bb_status bb_rules_run(struct bb_work *w, const struct bb_rules *r);
/* Ends with "step 2 (map) rule 3 (copy): why at /data/x". */
bb_status bb_work_reject(struct bb_work *w, const char *why, const struct bb_path *at);
/* The link to what is at path: NULL when it is not there, and then *s is BB_OK, or how it ends when
 * it is needed or the bytes are bad. */
struct bb_span **bb_work_find(struct bb_work *w, const struct bb_path *path, bool needed,
                              bb_status *s);
/* Moves what v holds to path; from: where it came from, for the error. */
bb_status bb_work_put(struct bb_work *w, const struct bb_path *to, struct bb_span *v,
                      const struct bb_path *from);

#endif
