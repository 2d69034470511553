/*
 * internal.h - what the files of config/ share and nobody else sees
 *
 * A file is read whole, parsed by libfyaml's event parser and kept as a tree of bb_node whose every
 * node knows its bytes in the source. What may stand in it is said by bb_spec: rows of tables for
 * conf.d's own sections (keys.c), levels of a manifest's schema for a connector's keys (schema.c).
 * One reader (read.c) holds a node against its key and puts the value into a struct or a msgpack
 * map. Trees, names and texts live in one arena that belongs to the bb_config.
 *
 * Thread: any one at a time until the configuration is handed out; then read only.
 */
#ifndef BB_CONFIG_INTERNAL_H
#define BB_CONFIG_INTERNAL_H

#include "core/config/config.h"

#define BB_CONF_FILE_MAX (4u << 20) /* bytes in one file */
#define BB_CONF_FILES_MAX 1024u     /* files in conf.d */
#define BB_CONF_NODES_MAX 200000u   /* scalars, lists and maps in one file */
#define BB_CONF_DEPTH_MAX 32u       /* nesting in a file and in a schema */
#define BB_CONF_ARENA_MAX (512u << 20)
#define BB_CONF_ENDPOINTS_MAX 4096u
#define BB_CONF_ROUTES_MAX 16384u
#define BB_CONF_OWNERSHIPS_MAX 1024u
#define BB_CONF_DIAGS_MAX 1000u /* kept; further ones are only counted */
#define BB_SECRET_MAX (64u << 10)
#define BB_EXPANDED_MAX (64u << 10) /* bytes of one text after ${VAR} */
#define BB_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- arena.c ------------------------------------------------------------------------ */
struct bb_arena {
    struct bb_arena_chunk *head;
    size_t total, max;
    bool failed; /* sticky: no memory or past max */
};
void *bb_arena_get(struct bb_arena *a, size_t n); /* zeroed; NULL and failed without memory */
char *bb_arena_str(struct bb_arena *a, const char *s, size_t len);
/* Room for one more after n elements: v or its larger copy. Start with NULL and 0. */
void *bb_arena_grow(struct bb_arena *a, void *v, size_t n, size_t size);
void bb_arena_free(struct bb_arena *a); /* wipes: expanded variables may be in it */

/* ---- node.c: a file's tree ---------------------------------------------------------- */
enum bb_kind {
    BB_SCALAR,
    BB_LIST,
    BB_MAP,
    BB_BAD /* reported already: nobody says more about it */
};
struct bb_node {
    enum bb_kind kind;
    bool quoted;           /* in quotes or a block scalar: a text whatever it looks like */
    bool expanded;         /* text holds a variable's value: show the source's bytes, never text */
    bool again;            /* its key came before in the same map: reported */
    struct bb_file *file;  /* NULL: from a manifest */
    uint32_t start, end;   /* bytes in the source, quotes included */
    uint32_t len;          /* of text */
    const char *text;      /* a scalar's, NUL-terminated, no NUL inside */
    struct bb_node *key;   /* of a map's member: always a scalar */
    struct bb_node *next;  /* in the same list or map */
    struct bb_node *child; /* the first one */
    size_t n;              /* children */
};
struct bb_mask { /* bytes of the source that no excerpt may show */
    uint32_t start, end;
};
struct bb_file {
    char *name; /* as shown to the user */
    char *dir;  /* absolute folder: relative paths in the file start here */
    char *text;
    uint32_t len;
    uint32_t *lines; /* start of each line */
    size_t n_lines;
    struct bb_mask *masks;
    size_t n_masks, n_lasting; /* some hold only while the file is loaded */
    struct bb_node *root;      /* NULL: nothing in it */
    bool parsed;               /* false: excerpts show only what cannot be a secret */
    struct bb_arena *arena;
};
bool bb_node_is_null(const struct bb_node *n);
struct bb_node *bb_node_get(const struct bb_node *map, const char *key); /* map may be NULL */
unsigned bb_node_type(const struct bb_node *n);                          /* BB_TYPE_*, a bit */
/* The value as the user wrote it, at most 60 bytes: fit for a message, never an expanded one. */
struct bb_shown {
    char text[72];
};
struct bb_shown bb_node_shown(const struct bb_node *n);
/* The node to report at: itself, or the key of a list, map or null. */
const struct bb_node *bb_node_place(const struct bb_node *n);
struct bb_where bb_node_where(const struct bb_node *n);
/* A scalar as a path: relative ones start at dir. 0, -1 too long for out. */
int bb_node_path(const struct bb_node *n, const char *dir, char *out, size_t cap);
/* A msgpack value as a tree without places; NULL: malformed, no memory. */
struct bb_node *bb_node_from(struct bb_arena *a, struct bb_bytes value);
/* Keeps every scalar at and below n out of excerpts. */
void bb_node_mask(const struct bb_node *n);
/* A key that by its name holds something private. */
bool bb_sounds_secret(const struct bb_node *key);

/* ---- file.c ------------------------------------------------------------------------- */
/* Appends a regular file of at most max bytes to out without ever waiting for it: 0, -1. */
struct stat;
int bb_file_slurp(const char *path, size_t max, struct bb_buf *out, struct stat *st,
                  struct bb_fault *err);
/* A file in a from these bytes, which are copied; NULL without memory. */
struct bb_file *bb_file_new(struct bb_arena *a, const char *name, const char *dir, const char *text,
                            size_t len);
void bb_file_place(const struct bb_file *f, uint32_t pos, unsigned *line, unsigned *col);
uint32_t bb_file_pos(const struct bb_file *f, unsigned line, unsigned col);
/* A line without what is secret, malloc()ed; NULL when it cannot be shown. */
char *bb_file_excerpt(const struct bb_file *f, unsigned line);

/* ---- yaml.c, expand.c --------------------------------------------------------------- */
/* Parses f->text. 0, or -1 when the tree is not whole (reported). */
int bb_yaml_parse(struct bb_file *f, struct bb_diags *d);
/* Replaces ${NAME} in a scalar; reports what is missing. */
void bb_expand(struct bb_node *n, struct bb_arena *a, struct bb_diags *d);

/* ---- diag.c ------------------------------------------------------------------------- */
struct bb_span { /* bytes of a file; f NULL: only a name, or nothing */
    const char *name;
    const struct bb_file *f;
    uint32_t start, end;
};
#define BB_AT_NAME(n) ((struct bb_span){.name = (n)})
struct bb_span bb_at(const struct bb_node *n); /* at its place */
void bb_diag(struct bb_diags *d, enum bb_severity s, struct bb_span at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- values.c: text to numbers; NULL, or why not ("has no unit; ...") --------------- */
enum bb_unit { BB_UNIT_NONE, BB_UNIT_DURATION, BB_UNIT_SIZE, BB_UNIT_RATE };
/* In milliseconds, bytes, or a second. */
const char *bb_value_read(const char *s, enum bb_unit unit, double *v);
char *bb_value_format(double v, enum bb_unit unit, char out[32]);

/* What YAML 1.2's core schema makes of a plain scalar; bits, as a schema's types. */
#define BB_TYPE_STR 1u
#define BB_TYPE_INT 2u
#define BB_TYPE_NUM 4u
#define BB_TYPE_BOOL 8u
#define BB_TYPE_LIST 16u
#define BB_TYPE_MAP 32u
#define BB_TYPE_NULL 64u
unsigned bb_value_type(const char *s);
/* A plain number as an integer or an exact decimal. */
const char *bb_value_put(struct bb_buf *b, const char *s);

/* ---- read.c: the one reader --------------------------------------------------------- */
enum bb_format {
    BB_F_NONE,
    BB_F_DURATION,
    BB_F_SIZE,
    BB_F_SECRET,
    BB_F_POINTER,
    BB_F_URI,
    BB_F_HTTP_URL,
    BB_F_PATH,
    BB_F_UINT_LIST,
    BB_F_ADDRESS,
    BB_F_RATE, /* from here on conf.d's own */
    BB_F_NAME,
    BB_F_ATTRIBUTE,
    BB_F_PREFIX,
    BB_F_CONNECTOR
};
struct bb_choice {
    const char *name; /* NULL ends the list */
    int value;        /* -1: a word of a later version */
};
#define BB_SPEC_REQUIRED 1u
#define BB_SPEC_ZERO 2u   /* 0 is allowed below min: it means "none" */
#define BB_SPEC_OPEN 4u   /* a map with any further keys */
#define BB_SPEC_LATER 8u  /* a word of a later version */
#define BB_SPEC_NODE 16u  /* the member takes the node itself */
#define BB_SPEC_NOTES 32u /* further keys that begin with "x-" are not looked at */
struct bb_read;
struct bb_spec { /* what one value may be */
    const char *name;
    unsigned types; /* BB_TYPE_*, 0: any */
    unsigned flags;
    int format;                              /* enum bb_format */
    size_t offset, size;                     /* of the member that takes it; size 0: none */
    double min, max;                         /* of a number */
    double initial;                          /* the member's value when the key is not given */
    uint64_t min_len, max_len, min_n, max_n; /* characters; members; max 0: no limit */
    const char *text;                        /* what it is, for people */
    const char *pattern;                     /* POSIX extended regular expression */
    const struct bb_choice *choices;
    const struct bb_spec *keys; /* of a map */
    size_t n_keys;
    const struct bb_spec *more, *names; /* any further key's value; what every key must be */
    const struct bb_spec *items;        /* of a list */
    const struct bb_node *any_of;       /* [{required: [a]}, {required: [b]}] */
    const struct bb_node *fallback;
    bool secret; /* it is one, or holds one */
    /* Instead of storing it, once its kind is right. */
    void (*read)(struct bb_read *x, const struct bb_node *n, void *to);
};
struct bb_read { /* one run of the reader */
    struct bb_config *c;
    struct bb_diags *d;
    struct bb_arena *arena;
    struct bb_load *load;            /* loading conf.d */
    const struct bb_node *endpoint;  /* else this endpoint's config is read, */
    const struct bb_node *connector; /* and what has no place is this one's fault */
    char what[96];                   /* 'route "bom-to-erp"', may be empty */
    char path[400];                  /* auth.oauth2.scopes[1] */
    unsigned hints;                  /* names searched for, bounded: a hostile file has many */
    bool bad;
};
/* Reads n as k says: into the struct at to, or behind what is in buf; both NULL: only checks. */
void bb_read(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k, void *to,
             struct bb_buf *buf);
/* An error at n, after what and path. */
void bb_say(struct bb_read *x, const struct bb_node *n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* ` (did you mean "x"?)` or "", of n things of size stride whose first member is their name. */
struct bb_hint {
    char text[128];
};
struct bb_hint bb_hint(struct bb_read *x, const char *name, const void *things, size_t n,
                       size_t stride);
/* "expected a list, found a map" */
void bb_say_kind(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k);
/* Adds a step to path: a key, or an index when name is NULL. What to cut path back to. */
size_t bb_path_enter(struct bb_read *x, const char *name, size_t index);
extern const struct bb_spec bb_spec_any;

/* ---- scalar.c ----------------------------------------------------------------------- */
/* Sets the members of the struct at to as if no key were given. */
void bb_read_none(const struct bb_spec *k, void *to);
enum bb_unit bb_unit_of(const struct bb_spec *k);
/* The type that n has, 0 when it has none of those allowed (0: any). */
unsigned bb_type_of(const struct bb_node *n, unsigned allowed);
/* bb_read() of a scalar of that type; to is the member itself. */
void bb_read_scalar(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k,
                    unsigned type, void *to, struct bb_buf *buf);

/* ---- format.c: what a text must look like ------------------------------------------- */
extern const struct bb_choice bb_formats[]; /* those that a schema may use */
/* NULL, or what is wrong with it; *hide: the value must not be shown. */
const char *bb_format_check(enum bb_format format, const char *text, bool *hide);
/* NULL, or what is wrong with the pattern or the text (may be NULL). */
const char *bb_pattern_check(const char *pattern, const char *text);

/* ---- schema.c ----------------------------------------------------------------------- */
/* A manifest's schema as a key in x's arena; x->bad when there is a fault (reported). */
struct bb_spec *bb_schema_read(struct bb_read *x, struct bb_bytes schema);

/* ---- secrets.c ---------------------------------------------------------------------- */
struct bb_secret;
/* Reads what a {file|env|credential: ...} map names and keeps it under handle. */
void bb_secret_read(struct bb_read *x, const struct bb_node *n, const char *handle);
bool bb_secret_shape(const struct bb_node *n); /* a map of that shape */
void bb_secrets_free(struct bb_secret *list);

/* ---- keys.c: conf.d's own keys ------------------------------------------------------ */
extern const struct bb_spec bb_spec_root, bb_spec_endpoint, bb_spec_route, bb_spec_waiver, bb_spec_ownership;
bool bb_spec_known(const char *name, size_t len); /* any of them */

/* ---- sections.c: what the tables cannot say ----------------------------------------- */
struct bb_priv {
    struct bb_arena arena;
    struct bb_secret *secrets;
};
struct bb_load { /* one run of the loader */
    struct bb_file **files;
    size_t n_files;
    bool broken; /* a file could not be parsed: names may be missing through no fault */
    const struct bb_node *journal;
    void *endpoints, *routes, *ownership, *once; /* tsearch() trees of the nodes of names */
};
/* True when no node with this text was in the tree; else it is reported as one noun too many. */
bool bb_name_take(struct bb_read *x, void **tree, const struct bb_node *n, const char *noun);
void bb_read_endpoints(struct bb_read *x, const struct bb_node *map, void *to);
void bb_read_routes(struct bb_read *x, const struct bb_node *map, void *to);
void bb_read_config(struct bb_read *x, const struct bb_node *n, void *to);
void bb_read_match(struct bb_read *x, const struct bb_node *n, void *to);
void bb_read_accept(struct bb_read *x, const struct bb_node *n, void *to);
void bb_read_transform(struct bb_read *x, const struct bb_node *n, void *to);
void bb_read_waive(struct bb_read *x, const struct bb_node *n, void *to);
void bb_read_echo(struct bb_read *x, const struct bb_node *n, void *to);
void bb_read_ownership(struct bb_read *x, const struct bb_node *map, void *to);
void bb_read_ownership_match(struct bb_read *x, const struct bb_node *n, void *to);
void bb_read_ownership_fields(struct bb_read *x, const struct bb_node *n, void *to);
void bb_read_ownership_owner(struct bb_read *x, const struct bb_node *n, void *to);
/* sections.c, for policies.c */
struct bb_match_rule *bb_match_read(struct bb_read *x, const struct bb_node *n, size_t *count);
char **bb_texts_read(struct bb_read *x, const struct bb_node *list, const struct bb_spec *k, size_t *n);
bool bb_thing_begin(struct bb_read *x, void **names, const char *noun, const struct bb_node *c, size_t n, size_t max);
void bb_ownership_cross(struct bb_read *x); /* policies.c */
void bb_read_plugin_path(struct bb_read *x, const struct bb_node *n, void *to);
/* A tree as msgpack in the arena; NULL when it is too large (reported). */
struct bb_bytes bb_tree_bytes(struct bb_read *x, const struct bb_node *n);
/* Expands variables; marks and reports keys given twice. */
void bb_load_prepare(struct bb_read *x, struct bb_node *n);
/* What can only be seen when every file is read. */
void bb_load_cross(struct bb_read *x);
/* The same as bb_config_load() for one file's text from memory. */
struct bb_config *bb_config_load_text(const char *name, const char *text, size_t len,
                                      struct bb_diags *diags);

#endif
