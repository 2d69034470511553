/*
 * internal.h - what the files of core/schema share: the compiled program and its makers
 *
 * uri.c, place.c, library.c, locate.c and meta.c find documents; compile.c, the keyword files and
 * finish.c make nodes of them, link.c finds short ways through; check.c, object.c, array.c and
 * logic.c run nodes over a value; report.c says what did not hold.
 *
 * A node is one subschema, split by the kind of value it speaks of: a check looks only at the part
 * for the value in hand. Nodes refer to each other by pointer and may form cycles that go deeper
 * into the value at each turn; the others are refused when compiled.
 *
 * Thread: a program is read-only once compiled; a library and a build belong to one compilation, a
 * run to one check. Ownership: all of a program lies in its arena, but for its patterns and texts.
 */
#ifndef BB_SCHEMA_INTERNAL_H
#define BB_SCHEMA_INTERNAL_H

#include "core/base/base.h"
#include "core/schema/schema.h"
#include "sdk/lib/codec.h"

/* ---- arena.c: memory that is freed as a whole -------------------------------------------------- */
struct bb_sarena {
    struct bb_schunk *chunks;
    size_t used, cap; /* of the newest chunk */
    size_t total, max;
    bool failed;
};
void *bb_sarena_get(struct bb_sarena *a, size_t n); /* zeroed; NULL sets failed */
char *bb_sarena_text(struct bb_sarena *a, const void *s, size_t len);
void bb_sarena_free(struct bb_sarena *a);

/* ---- uri.c: RFC 3986 ---------------------------------------------------------------------------- */
#define BB_URI_MAX 2048
/* ref against base, dots removed; without its fragment, which *fragment points to inside ref (NULL:
 * none). 0, or -1 when it is too long. */
int bb_uri_resolve(const char *base, struct bb_bytes ref, char out[BB_URI_MAX],
                   struct bb_bytes *fragment);
/* %41 decoded, in place; the new length. */
size_t bb_uri_decode(char *s, size_t len);

/* ---- place.c: where in a text, and notes ------------------------------------------------------- */
struct bb_sdoc {
    char *uri, *file;
    struct bb_buf text, value; /* JSON, and the msgpack of it */
    bool own;                  /* the compiled schema itself or one of the folder: notes may be said */
};
/* The byte of the JSON text where the value (or key) at p, inside d->value, begins. */
size_t bb_place_of(const struct bb_sdoc *d, const uint8_t *p);
void bb_place_line(struct bb_bytes text, size_t offset, unsigned *line, unsigned *col);
void bb_note(struct bb_schema_notes *notes, bool error, const char *file, struct bb_bytes text,
             size_t offset, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* ---- library.c: documents, resources and anchors ----------------------------------------------- */
#define BB_VOCAB_CORE 1u
#define BB_VOCAB_APPLICATOR 2u
#define BB_VOCAB_UNEVALUATED 4u
#define BB_VOCAB_VALIDATION 8u
#define BB_VOCAB_META 16u
#define BB_VOCAB_FORMAT 32u /* as an annotation */
#define BB_VOCAB_ASSERT 64u /* format as an assertion */
#define BB_VOCAB_CONTENT 128u
#define BB_VOCAB_DRAFT (0xffu & ~BB_VOCAB_ASSERT)

struct bb_sresource { /* a schema with a base URI of its own */
    const char *uri;
    const uint8_t *at; /* its value */
    uint32_t doc;
    uint32_t vocab;
};
struct bb_sanchor {
    const char *name;
    uint32_t len;
    uint32_t resource;
    const uint8_t *at;
    bool dynamic;
};
struct bb_library {
    const struct bb_schema_options *options;
    struct bb_schema_notes *notes;
    struct bb_sarena *arena;
    struct bb_sdoc *docs;
    size_t n_docs, cap_docs;
    struct bb_sresource *resources;
    size_t n_resources, cap_resources;
    struct bb_sanchor *anchors;
    size_t n_anchors, cap_anchors;
    size_t bytes; /* of all texts */
    unsigned metas; /* metaschemas being looked at: one that is its own ends here */
};
#define BB_NO_RESOURCE UINT32_MAX
/* Takes json as a document; its resource, or BB_NO_RESOURCE. */
uint32_t bb_library_add(struct bb_library *l, const char *uri, const char *file,
                        struct bb_bytes json, bool own);
void bb_library_free(struct bb_library *l);
const struct bb_sanchor *bb_library_anchor(const struct bb_library *l, uint32_t resource,
                                           struct bb_bytes name);
/* The resource whose root is at p, or BB_NO_RESOURCE. */
uint32_t bb_library_root(const struct bb_library *l, const uint8_t *p);
struct bb_bytes bb_sdoc_rest(const struct bb_sdoc *d, const uint8_t *p); /* from p to its end */

/* ---- locate.c: what a reference means ----------------------------------------------------------- */
/* The resource of that URI, its document added when it is not there yet; BB_NO_RESOURCE with why. */
uint32_t bb_library_resource(struct bb_library *l, const char *uri, char why[200]);
/* The schema that ref means in a resource: its value, and the resource it belongs to. NULL: not
 * there, why says so. anchor: the one it went by, or NULL. */
const uint8_t *bb_library_find(struct bb_library *l, uint32_t from, struct bb_bytes ref,
                               uint32_t *resource, const struct bb_sanchor **anchor,
                               char why[200]);
/* All of a file, to be freed; false: no such file, or larger than a schema may be. */
bool bb_sfile_read(const char *path, struct bb_buf *b);
/* meta.c: the text of a metaschema of the draft, or NULL. */
const char *bb_meta_text(const char *uri);

/* ---- table.c: short names to what is known of them --------------------------------------------- */
struct bb_snode;
/* All of a name of up to 16 bytes, beside its length; its ends when it is longer. */
struct bb_smark {
    uint64_t a, b;
};
static inline uint64_t bb_smark_load8(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
    return v;
}
static inline uint64_t bb_smark_load4(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return v;
}
static inline struct bb_smark bb_smark_of(struct bb_bytes s)
{
    const uint8_t *p = s.ptr;

    if (s.len >= 8)
        return (struct bb_smark){bb_smark_load8(p), bb_smark_load8(p + s.len - 8)};
    if (s.len >= 4)
        return (struct bb_smark){bb_smark_load4(p) << 32 | bb_smark_load4(p + s.len - 4), 0};
    if (s.len)
        return (struct bb_smark){
            (uint64_t)p[0] << 16 | (uint64_t)p[s.len >> 1] << 8 | p[s.len - 1], 0};
    return (struct bb_smark){0, 0};
}
struct bb_sentry {
    const char *key;
    uint32_t len;
    int8_t bit;    /* in the mask of required names, -1: none */
    uint8_t watch; /* the name's number + 1, 0: none */
    struct bb_smark mark;
    const struct bb_snode *node;
};
struct bb_stable {
    uint64_t factor;
    uint32_t shift, mask, n;
    uint16_t *slots; /* index + 1, 0: empty */
    struct bb_sentry *v;
};
#define BB_TABLE_MAX 32000
/* Places t->v[0 .. n) into slots; 0 or -1 without memory. Of equal keys the first counts. */
int bb_stable_build(struct bb_stable *t, struct bb_sarena *arena);
static inline uint32_t bb_stable_slot(const struct bb_stable *t, struct bb_smark m, size_t len)
{
    uint64_t h = m.a * 0x9e3779b97f4a7c15u ^ m.b * 0xc2b2ae3d27d4eb4fu ^ (uint64_t)len << 56;

    return (uint32_t)(h * t->factor >> t->shift);
}
static inline const struct bb_sentry *bb_stable_find(const struct bb_stable *t, struct bb_bytes key)
{
    struct bb_smark mark = bb_smark_of(key);
    uint32_t at = bb_stable_slot(t, mark, key.len);

    for (; t->slots[at]; at = (at + 1) & t->mask) {
        const struct bb_sentry *e = &t->v[t->slots[at] - 1];
        if (e->len == key.len && e->mark.a == mark.a && e->mark.b == mark.b &&
            (key.len <= 16 || memcmp(e->key, key.ptr, key.len) == 0))
            return e;
    }
    return NULL;
}

/* ---- pattern.c ---------------------------------------------------------------------------------- */
struct bb_spattern { /* compiled; code is pcre2_code */
    void *code;
    const char *text;
    struct bb_spattern *next; /* of the program's */
};
/* 0, or -1 with why and the byte of text that is wrong. */
int bb_spattern_compile(struct bb_spattern *p, struct bb_bytes text, size_t *offset,
                        char why[200]);
void bb_spattern_free(struct bb_spattern *p);
/* data: pcre2_match_data, context: pcre2_match_context. 1, 0, or -1: past the limit. */
int bb_spattern_match(const struct bb_spattern *p, struct bb_bytes s, void *data, void *context);

/* ---- format.c ----------------------------------------------------------------------------------- */
struct bb_sformat {
    const char *name;
    bool (*holds)(const char *s, size_t len); /* NULL: only a note to people */
    const char *rule;                         /* "is no date (2026-01-31)" */
};
const struct bb_sformat *bb_sformat_find(struct bb_bytes name);
const char *bb_sformat_nearest(const char *name);
bool bb_sformat_uri(const char *s, size_t len);

/* ---- the program -------------------------------------------------------------------------------- */
#define BB_K_NULL 1u
#define BB_K_BOOL 2u
#define BB_K_STR 4u
#define BB_K_ARRAY 8u
#define BB_K_OBJECT 16u
#define BB_K_INT 32u /* a number whose value is an integer */
#define BB_K_NUMBER 64u
#define BB_K_ALL 127u

#define BB_NODE_NEVER 1u
#define BB_NODE_SECRET 2u
#define BB_NODE_CHILDREN 4u    /* its array or object part looks at the children */
#define BB_NODE_UNEVALUATED 8u /* has unevaluatedItems or unevaluatedProperties */

struct bb_snum {
    struct bb_bytes minimum, maximum, above, below, multiple; /* msgpack; len 0: absent */
    int64_t min, max; /* the inclusive range where it is one of int64 */
    bool plain;       /* only minimum and maximum, integers: min and max say all */
};
struct bb_sstr {
    uint32_t min, max;
    const struct bb_spattern *pattern;
    const struct bb_sformat *format;
};
struct bb_sarr {
    const struct bb_snode **prefix;
    uint32_t n_prefix;
    const struct bb_snode *items, *contains, *unevaluated;
    uint32_t min, max, contains_min, contains_max;
    bool unique;
};
struct bb_skeyed { /* patternProperties */
    const struct bb_spattern *pattern;
    const struct bb_snode *node;
};
struct bb_sdepend { /* dependentRequired, dependentSchemas */
    struct bb_bytes key;
    struct bb_bytes *names;
    uint32_t n;
    const struct bb_snode *node;
};
struct bb_sobj {
    const struct bb_stable *keys; /* properties, and the required names beside them; or NULL */
    uint64_t required;            /* the bits to be seen */
    uint64_t watch;               /* names whose members are noted for others; link.c */
    uint64_t need;                /* names that are all it asks for, 0: it asks for more */
    struct bb_bytes *late;        /* required names past 64 */
    uint32_t n_late;
    uint32_t min, max;
    struct bb_skeyed *patterns;
    uint32_t n_patterns;
    struct bb_sdepend *depends;
    uint32_t n_depends;
    const struct bb_snode *additional, *names, *unevaluated;
};
struct bb_slogic {
    const struct bb_snode *ref, *dynamic;
    const char *anchor; /* of $dynamicRef, NULL when it is like $ref */
    const struct bb_snode **all, **any, **one;
    uint32_t n_all, n_any, n_one;
    const struct bb_snode *no, *cond, *then, *other;
};
struct bb_svalues { /* const, enum */
    struct bb_stable *strings; /* or NULL */
    struct bb_bytes *others;
    uint32_t n;
    const char *rule; /* "must be one of ..." */
    bool single;      /* const */
};
/* What accepts most values of a node at once; see link.c. */
#define BB_SWIFT_NONE 0
#define BB_SWIFT_TEXT 1 /* a short text of so many bytes, in a format */
#define BB_SWIFT_ENUM 2 /* a short text out of the node's values */
#define BB_SWIFT_BOOL 3
struct bb_snode {
    uint8_t types, flags, swift;
    uint32_t resource;
    uint32_t swift_min, swift_max; /* bytes */
    const struct bb_sformat *swift_format;
    const char *at; /* URI and pointer */
    const struct bb_snum *num;
    const struct bb_sstr *str;
    const struct bb_sarr *arr;
    const struct bb_sobj *obj;
    const struct bb_slogic *logic;
    const struct bb_svalues *values, *constant;
    const uint8_t *source; /* while compiling */
};
struct bb_sdynamic {
    const char *name;
    uint32_t resource;
    const struct bb_snode *node;
};
struct bb_schema {
    struct bb_sarena arena;
    const struct bb_snode *root;
    struct bb_spattern *patterns;
    struct bb_sdynamic *dynamics;
    size_t n_dynamics;
    size_t n_nodes;
    size_t n_watch; /* numbers of names that were given */
    struct bb_stable secrets; /* names of properties that are not shown */
    bool has_secrets, all_secret;
};

/* ---- link.c ------------------------------------------------------------------------------------- */
#define BB_WATCH_MAX 64
struct bb_build;
void bb_program_link(struct bb_build *b); /* after all nodes, before their sources go */

/* ---- compile.c, keywords.c ---------------------------------------------------------------------- */
struct bb_sedge { /* from looks at the very value that to looks at */
    uint32_t from, to;
};
struct bb_smade {
    struct bb_snode *node;
    uint32_t resource;
};
struct bb_build {
    struct bb_library lib;
    struct bb_schema *s;
    const struct bb_schema_options *options;
    struct bb_smade *made; /* all nodes, in the order they are to be compiled */
    size_t n_made, cap_made;
    struct bb_sedge *edges;
    size_t n_edges, cap_edges;
    uint32_t *index; /* hash of source to made + 1 */
    size_t cap_index;
};
struct bb_draft { /* a node being compiled */
    struct bb_build *b;
    uint32_t at; /* index in made */
    struct bb_snode *node;
    uint32_t vocab;
    const uint8_t *key, *value; /* of the keyword in hand */
    struct bb_bytes key_text;
    struct bb_snum num;
    struct bb_sstr str;
    struct bb_sarr arr;
    struct bb_sobj obj;
    struct bb_slogic logic;
    struct bb_bytes properties, required, formats; /* the values of those keywords */
    unsigned has; /* BB_HAS_... */
};
#define BB_HAS_NUM 1u
#define BB_HAS_STR 2u
#define BB_HAS_ARR 4u
#define BB_HAS_OBJ 8u
#define BB_HAS_LOGIC 16u
#define BB_HAS_CONTAINS_MIN 32u

struct bb_skeyword {
    const char *name;
    uint32_t vocab;
    uint8_t holds; /* schemas: 0 none, else BB_HOLDS_ */
    void (*read)(struct bb_draft *d, struct bb_bytes value); /* NULL: nothing to check */
};
#define BB_HOLDS_ONE 1
#define BB_HOLDS_LIST 2
#define BB_HOLDS_MAP 3
#define BB_HOLDS_MIXED 4 /* dependencies: schemas among lists */
const struct bb_skeyword *bb_skeyword_find(struct bb_bytes name);
const char *bb_skeyword_nearest(const char *name);
/* The node of the subschema at p, compiled now or later; NULL past a limit (said). same: it looks
 * at the same value as d's. */
struct bb_snode *bb_build_node(struct bb_build *b, const struct bb_draft *d, const uint8_t *p,
                               uint32_t resource, bool same, const char *at);
void bb_draft_say(struct bb_draft *d, bool error, const uint8_t *p, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* at, then "/" and the escaped part. */
const char *bb_build_at(struct bb_draft *d, const char *keyword, struct bb_bytes *part);
void bb_draft_finish(struct bb_draft *d); /* object.c's table, and the parts to the arena */
int bb_grow(void *v_p, size_t n, size_t *cap, size_t size); /* room for one more */

/* ---- a run -------------------------------------------------------------------------------------- */
#define BB_RUN_DEPTH 400 /* nodes inside each other */

struct bb_spath { /* where in the value, inner first */
    const struct bb_spath *up;
    struct bb_bytes key; /* ptr NULL: index */
    uint32_t index;
};
struct bb_sscope { /* resources that were entered, inner first */
    const struct bb_sscope *up;
    uint32_t resource;
};
struct bb_smarks { /* children that a subschema has looked at; they lie in the scratch */
    uint64_t *bits;
    uint32_t n;
    bool all;
};
struct bb_sframe { /* where members of an object are that was walked, by the names' numbers */
    const uint8_t *p, *end;
    uint64_t known, seen; /* names that were looked for, that are there */
    const uint8_t *at[];
};
struct bb_schema_run {
    const struct bb_schema *s;
    const uint8_t *end;
    const struct bb_spath *path;
    const struct bb_sscope *scope;
    const struct bb_sframe *frame; /* of the object looked at last, NULL: none */
    int64_t work;
    uint64_t work_given;
    unsigned depth;
    bool gather;  /* note what fails and go on */
    bool faulted; /* fault says why; nothing is true or false any more */
    unsigned secret;
    size_t failed; /* errors so far */
    size_t max_errors;
    uint8_t *scratch; /* a stack, one block that does not move while a check runs */
    size_t scratch_used, scratch_cap, scratch_max, scratch_want;
    void *match, *context; /* PCRE2's */
    struct bb_sarena texts;
    struct bb_schema_error *errors;
    size_t n_errors, cap_errors;
    char fault[200];
};
/* Runs n over the value at p: where the value ends, or NULL: it does not hold, or a fault. When
 * gathering, NULL means a fault only. marks: of the value's children, or NULL. */
const uint8_t *bb_node_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                             struct bb_smarks *marks);
/* The end of the value at p if it is short and surely holds; NULL says nothing. */
static inline const uint8_t *bb_node_swift(const struct bb_snode *n, const uint8_t *p,
                                           const uint8_t *end)
{
    size_t len = p < end ? *p & 0x1f : 0;
    const uint8_t *next = p + 1 + len;

    if (n->swift == BB_SWIFT_NONE || p == end)
        return NULL;
    if (n->swift == BB_SWIFT_BOOL)
        return (*p & 0xfe) == 0xc2 ? p + 1 : NULL;
    if ((*p & 0xe0) != 0xa0 || len >= (size_t)(end - p))
        return NULL;
    if (n->swift == BB_SWIFT_ENUM)
        return bb_stable_find(n->values->strings, (struct bb_bytes){p + 1, len}) ? next : NULL;
    return len >= n->swift_min && len <= n->swift_max &&
                   (!n->swift_format || n->swift_format->holds((const char *)p + 1, len))
               ? next
               : NULL;
}
/* The same without gathering: NULL when it does not hold or faulted. */
const uint8_t *bb_node_holds(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                             struct bb_smarks *marks);
/* Whether a pattern matches; false: a fault. */
bool bb_run_pattern(struct bb_schema_run *r, const struct bb_spattern *pattern, struct bb_bytes s,
                    bool *holds);
const uint8_t *bb_array_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                              struct bb_cur c, uint32_t count, struct bb_smarks *marks);
const uint8_t *bb_object_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                               struct bb_cur c, uint32_t count, struct bb_smarks *marks);
/* After all others of the node: children that no mark covers. */
bool bb_unevaluated_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                          struct bb_smarks *marks);
bool bb_logic_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                    struct bb_smarks *marks, const uint8_t **end);
/* Notes a failure: true to go on (gathering). */
bool bb_run_fail(struct bb_schema_run *r, const struct bb_snode *n, const char *keyword,
                 const uint8_t *p, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
const void *bb_run_fault(struct bb_schema_run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* NULL */
bool bb_run_work(struct bb_schema_run *r, uint64_t steps); /* false: used up, a fault */
void *bb_run_get(struct bb_schema_run *r, size_t n);       /* scratch, zeroed; NULL a fault */
bool bb_marks_new(struct bb_schema_run *r, struct bb_smarks *m, uint32_t n);
static inline void bb_marks_set(struct bb_smarks *m, uint32_t i)
{
    m->bits[i >> 6] |= (uint64_t)1 << (i & 63);
}
static inline bool bb_marks_get(const struct bb_smarks *m, uint32_t i)
{
    return m->all || (m->bits[i >> 6] >> (i & 63) & 1);
}
void bb_marks_add(struct bb_smarks *to, const struct bb_smarks *from);
/* A text for a rule: a short form of the value at p. */
const char *bb_run_show(char *out, size_t cap, const uint8_t *p, const uint8_t *end);

/* ---- equal.c: equality of values as JSON has it ------------------------------------------------ */
/* 1, 0, or -1 a fault. */
int bb_values_equal(struct bb_schema_run *r, struct bb_bytes a, struct bb_bytes b);
/* The first two of count elements from c on that are equal: 1 with their indexes, 0, -1. */
int bb_values_twice(struct bb_schema_run *r, struct bb_cur c, uint32_t count, uint32_t pair[2]);

#endif
