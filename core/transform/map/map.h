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
#include <busbar/decimal.h>
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
    uint32_t sig;         /* of the text: bb_seg_sig() */
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
static inline uint32_t bb_seg_sig(const void *key, size_t len)
{
    const uint8_t *p = key;

    return len ? (uint32_t)(len << 24) ^ (uint32_t)p[0] << 16 ^ (uint32_t)p[len >> 1] << 8 ^ p[len - 1]
               : 0;
}

/* ---- level.c, span.c ---------------------------------------------------------------------------------- */
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
    uint8_t bytes[] __attribute__((aligned(16)));
};
struct bb_kept { /* in the level's bytes */
    struct bb_kept *next;
    void *p;
};
struct bb_level { /* spans and computed bytes of a message or of one entry */
    struct bb_span_block *blocks;
    uint32_t used, total;
    const char *why; /* set by what returns NULL or -1 */
    struct bb_byte_block *more; /* what first_bytes could not take */
    struct bb_kept *kept;
    size_t kept_bytes;
    size_t bytes_used, bytes_max; /* max: all together */
    struct bb_span_block first;
    uint8_t first_bytes[BB_BYTES_LOCAL] __attribute__((aligned(16)));
};
void bb_level_init(struct bb_level *l, size_t bytes_max);
/* Ready for the next entry: spans and bytes are gone, some memory is kept. */
void bb_level_reset(struct bb_level *l);
void bb_level_free(struct bb_level *l);
/* Takes over malloc()ed memory that lives as long as the level's spans: 0, -1 with why, freed. */
int bb_level_keep(struct bb_level *l, void *p, size_t size);
/* n bytes that live as long as the level's spans; NULL with why. */
uint8_t *bb_level_bytes(struct bb_level *l, size_t n);
/* A zeroed span, NULL when out of memory or past BB_SPANS_MAX. */
struct bb_span *bb_span_new(struct bb_level *l);
struct bb_span *bb_span_raw(struct bb_level *l); /* the same, not zeroed */
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
    struct bb_cond *when; /* NULL: always */
    char number[24];      /* "3", "3.2" inside rule 3 */
};
struct bb_rules { /* a list of rules, in order */
    struct bb_rule *first, **last;
    uint32_t n;
};
struct bb_work;
struct bb_map_compile;
struct bb_arg;
/* What a rule does to what a pointer names; bits. */
#define BB_READS 1u
#define BB_WRITES 2u
#define BB_REMOVES 4u
typedef void (*bb_path_visit)(void *arg, const struct bb_path *path, unsigned effect);
struct bb_arg_kind { /* how an argument is read; how what it made is freed (NULL: nothing to free); */
    int (*read)(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member);
    void (*free)(void *member);
    /* the pointers in it, for lint.c (NULL: none); also those of rules inside it */
    void (*paths)(const void *member, bb_path_visit visit, void *arg);
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
    void (*free)(struct bb_rule *r); /* what is not an argument's; may be NULL */
    /* Whether it may leave its target alone, for lint.c; NULL: only when it is optional. */
    bool (*maybe)(const struct bb_rule *r);
};
extern const struct bb_rule_ops bb_rule_copy, bb_rule_rename, bb_rule_constant, bb_rule_default,
    bb_rule_drop, bb_rule_when, bb_rule_skip, bb_rule_reject, bb_rule_for_each, bb_rule_filter,
    bb_rule_number, bb_rule_sort, bb_rule_merge, bb_rule_split, bb_rule_join, bb_rule_template,
    bb_rule_cast, bb_rule_lookup, bb_rule_date, bb_rule_instant, bb_rule_scale, bb_rule_round,
    bb_rule_convert, bb_rule_prune, bb_rule_gather;

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
/* ---- rule.c, arg.c --------------------------------------------------------------------------- */
/* Reads a list of rules into r; number: prefix of theirs. 0, -1 said. */
int bb_rules_read(struct bb_map_compile *m, struct bb_bytes list, struct bb_rules *r);
void bb_rules_free(struct bb_rules *r);
extern const struct bb_arg_kind bb_arg_from, bb_arg_to, bb_arg_away, bb_arg_drop, bb_arg_at, bb_arg_value,
    bb_arg_truth, bb_arg_text, bb_arg_whole, bb_arg_cond, bb_arg_rules, bb_arg_entry_rules,
    bb_arg_entry_cond, bb_arg_entry_from, bb_arg_entry_to;
/* Every pointer in the rule and in the rules inside it. */
void bb_rule_paths(const struct bb_rule *r, bb_path_visit visit, void *arg);
/* A rule whose `to` was not given writes where it reads. 0, -1 said. */
int bb_to_default(struct bb_map_compile *m, const struct bb_path *from, struct bb_path *to);

/* ---- run.c ----------------------------------------------------------------------------------- */
struct bb_each { /* the entry that rules run on */
    const struct bb_each *around; /* of the list that it lies in, NULL */
    const struct bb_path *list;
    uint32_t n; /* from 1 */
};
struct bb_work { /* one apply */
    struct bb_apply *a;
    const struct bb_map *map;
    const struct bb_rule *rule; /* the one that runs */
    struct bb_level *message, *level; /* level: the entry's, or the message's */
    struct bb_level *spare[BB_RULES_NEST + 1]; /* of entries, by depth, made when needed */
    uint32_t depth;
    struct bb_span *root[3];
    const struct bb_each *each;
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

bb_status bb_work_put_value(struct bb_work *w, const struct bb_path *to, struct bb_bytes v,
                            const struct bb_path *from);
bb_status bb_work_put_text(struct bb_work *w, const struct bb_path *to, const void *s, size_t n,
                           const struct bb_path *from);

/* ---- list.c ---------------------------------------------------------------------------------- */
/* The bytes of the list at path, as one array value, and its span: BB_OK, with *list NULL when it is
 * not there and optional. */
bb_status bb_list_find(struct bb_work *w, const struct bb_path *path, bool optional,
                       struct bb_span **list, struct bb_bytes *bytes);
/* Puts n entries, which out holds behind LIST_HEAD bytes, in the place of list; out is taken over. */
#define BB_LIST_HEAD 5
bb_status bb_list_set(struct bb_work *w, const struct bb_path *path, struct bb_span *list,
                      struct bb_buf *out, uint32_t n);

/* ---- value.c --------------------------------------------------------------------------------- */
/* Whether it is a text, number, truth value or nil, and which. */
bool bb_span_scalar(const struct bb_span *s, struct bb_tok *t);
bool bb_scalar_of(struct bb_bytes v, struct bb_tok *t);
bool bb_scalar_number(const struct bb_tok *t);
/* As people write it; false: nil. small may be used. */
bool bb_scalar_text(const struct bb_tok *t, char small[32], struct bb_bytes *out);
/* The number: 0, -1 it is none, or past decimal.h's limits. */
int bb_scalar_decimal(const struct bb_tok *t, struct bb_decimal *d);
int bb_scalar_compare(const struct bb_tok *a, const struct bb_tok *b, int *order); /* 0, -1 as above */
bool bb_scalar_equal(const struct bb_tok *a, const struct bb_tok *b);
/* A new value that lives as long as the level: 0, -1 with why. */
int bb_level_str(struct bb_level *l, const void *s, size_t n, struct bb_bytes *v);
int bb_level_number(struct bb_level *l, const char *s, size_t n, struct bb_bytes *v);

/* ---- cond.c ---------------------------------------------------------------------------------- */
struct bb_cond;
void bb_cond_free(struct bb_cond *c);
/* 1 holds, 0 not, -1 with *s. */
int bb_cond_holds(struct bb_work *w, const struct bb_cond *c, bb_status *s);
/* The same as far as it is known beforehand: 1, 0, -1 not known. fact: 1 with the value, 0 there is
 * none, -1 not known. */
typedef int (*bb_cond_fact)(void *arg, const struct bb_path *path, struct bb_bytes *value);
int bb_cond_known(const struct bb_cond *c, bb_cond_fact fact, void *arg);

/* ---- table.c --------------------------------------------------------------------------------- */
/* Column name of a row: of a map by key, of a list by the header's order. 1, 0. */
int bb_table_cell(struct bb_bytes row, struct bb_bytes header, const char *name, struct bb_bytes *v);

/* ---- calc.c ---------------------------------------------------------------------------------- */
extern const struct bb_arg_kind bb_arg_rounding; /* an int, the mode plus one */
bb_status bb_work_put_decimal(struct bb_work *w, const struct bb_path *to, const struct bb_decimal *d,
                              const struct bb_path *from);

/* ---- zone.c: time zones, and days --------------------------------------------------------------
 */
struct bb_zone;
/* "UTC", "+09:00" or a name such as Europe/Berlin, whose rules are asked for as the file
 * zone:Europe/Berlin. NULL: said. */
struct bb_zone *bb_zone_new(struct bb_map_compile *m, struct bb_bytes name);
void bb_zone_free(struct bb_zone *z);
extern const struct bb_arg_kind bb_arg_zone;
/* Seconds east of Greenwich at that instant. */
int32_t bb_zone_offset(const struct bb_zone *z, int64_t utc);
/* The instant of a local time: 0, -1 the clocks jump over it. The first of two. */
int bb_zone_instant(const struct bb_zone *z, int64_t local, int64_t *utc);
int64_t bb_days_of(int year, int month, int day); /* since 1970 */
void bb_days_date(int64_t days, int *year, int *month, int *day);

/* ---- moment.c: dates and times as texts ---------------------------------------------------------
 */
struct bb_moment {
    int year, month, day, hour, minute, second;
    int32_t nano;
    uint8_t digits; /* of the fraction, as written */
    bool has_time, has_offset;
    int32_t offset; /* seconds east, when it has one */
};
struct bb_pattern;
extern const struct bb_arg_kind bb_arg_pattern;
void bb_pattern_free(struct bb_pattern *p);
/* Whether what it stands for always has, or never has, a time of day; NULL and iso: as it comes. */
bool bb_pattern_time(const struct bb_pattern *p);
bool bb_pattern_date(const struct bb_pattern *p);
/* 0, -1 with why. p NULL: iso. */
int bb_moment_read(const struct bb_pattern *p, struct bb_bytes text, struct bb_moment *m,
                   const char **why);
/* At most 128 bytes; how many, 0: the pattern asks for what is not there. */
size_t bb_moment_write(const struct bb_pattern *p, const struct bb_moment *m, char out[128]);

/* ---- lint.c ---------------------------------------------------------------------------------- */
/* What the rules of a list, at whose place m is, are to one another. */
void bb_rules_lint(struct bb_map_compile *m, const struct bb_rules *r);

#endif
