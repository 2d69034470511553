/*
 * internal.h - what the files of config/ share and nobody else sees
 *
 * A file is read whole, parsed by libfyaml's event parser and kept as our own tree of bb_ynode:
 * that way aliases are never expanded, depth and node count are bounded while reading, and every
 * node knows its bytes in the source. Trees, names and strings live in one arena that belongs to
 * the bb_config.
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
#define BB_CONF_DIAGS_MAX 1000u /* kept; further ones are only counted */
#define BB_SECRET_MAX (64u << 10)
#define BB_EXPANDED_MAX (64u << 10) /* bytes of one string after ${VAR} */

/* ---- arena.c ------------------------------------------------------------------------------- */
struct bb_arena_chunk;
struct bb_arena {
    struct bb_arena_chunk *head;
    size_t total, max;
    bool failed; /* sticky: no memory or past max */
};
void *bb_arena_get(struct bb_arena *a, size_t n); /* zeroed; NULL and failed without memory */
char *bb_arena_str(struct bb_arena *a, const char *s, size_t len);
void *bb_arena_grow(struct bb_arena *a, void *v, size_t n, size_t *cap, size_t size);
void bb_arena_free(struct bb_arena *a); /* wipes: expanded variables may be in it */

struct bb_name { /* a slot of bb_names */
    const char *name;
    void *value;
};
struct bb_names { /* a set of names, open addressing; zero it to start */
    struct bb_name *v;
    size_t n, cap;
};
/* The value already under name, or NULL after having stored this one. Value is never NULL. */
void *bb_names_add(struct bb_names *s, struct bb_arena *a, const char *name, void *value);
void *bb_names_get(const struct bb_names *s, const char *name);

/* ---- yaml.c: one file as a tree -------------------------------------------------------------- */
enum bb_ykind {
    BB_Y_SCALAR,
    BB_Y_SEQ,
    BB_Y_MAP,
    BB_Y_BAD /* reported already: nobody says more about it */
};
struct bb_ynode;
struct bb_ypair {
    struct bb_ynode *key, *value;
    struct bb_ynode *first; /* the key that came first when this one is given twice */
};
struct bb_ynode {
    enum bb_ykind kind;
    bool quoted;           /* scalar in quotes or a block scalar: a string whatever it looks like */
    bool expanded;         /* text holds a variable's value: show the source's bytes, never text */
    struct bb_yfile *file; /* NULL: made from a schema's default */
    uint32_t start, end;   /* bytes in the source, quotes included */
    uint32_t len;          /* of text */
    const char *text;      /* scalar, NUL-terminated, no NUL inside */
    struct bb_ynode *at;   /* where to report: itself, or the key of a list, map or null */
    size_t n;
    union {
        struct bb_ypair *pairs;
        struct bb_ynode **items;
    };
};
struct bb_mask { /* bytes of the source that no excerpt may show */
    uint32_t start, end;
};
struct bb_yfile {
    char *name; /* as shown to the user */
    char *dir;  /* absolute folder: relative paths in the file start here */
    char *text;
    uint32_t len;
    uint32_t *lines; /* start of each line */
    size_t n_lines;
    struct bb_mask *masks;
    size_t n_masks, cap_masks;
    struct bb_ynode *root; /* NULL: nothing in it */
    bool parsed;           /* false: excerpts are dropped where a secret is likely */
    struct bb_arena *arena;
};
/* Parses f->text. 0, or -1 when the tree is not whole (reported). */
int bb_yaml_parse(struct bb_yfile *f, struct bb_arena *a, struct bb_diags *d);
/* Sets up f from bytes, which are copied. */
int bb_yaml_text(struct bb_yfile *f, struct bb_arena *a, const char *name, const char *text,
                 size_t len);
/* Reads a regular file of at most BB_CONF_FILE_MAX bytes into f. 0 or -1 (reported). */
int bb_yaml_file(struct bb_yfile *f, struct bb_arena *a, const char *name, struct bb_diags *d);
/* Where s stops being UTF-8 without NUL; len when it does not. */
size_t bb_utf8_fault(const char *s, size_t len);
bool bb_ynode_is_null(const struct bb_ynode *n);
struct bb_ynode *bb_ynode_get(const struct bb_ynode *map, const char *key);
/* The value as the user wrote it, at most 60 bytes: fit for a message, never an expanded one. */
struct bb_shown {
    char text[72];
};
struct bb_shown bb_ynode_shown(const struct bb_ynode *n);
const char *bb_ynode_noun(const struct bb_ynode *n); /* "a list", "a map", "nothing", "a text" */
struct bb_where bb_ynode_where(const struct bb_ynode *n);
void bb_yfile_mask(struct bb_yfile *f, const struct bb_ynode *n);
bool bb_text_sounds_secret(const char *text, size_t len);

/* ---- diag.c ---------------------------------------------------------------------------------- */
/* At a node (its ->at), with its line and a caret. */
void bb_diag_node(struct bb_diags *d, enum bb_severity s, const struct bb_ynode *n, const char *fmt,
                  ...) __attribute__((format(printf, 4, 5)));
/* At a byte range of a file. */
void bb_diag_bytes(struct bb_diags *d, enum bb_severity s, struct bb_yfile *f, uint32_t start,
                   uint32_t end, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Without a line: name may be NULL. */
void bb_diag_plain(struct bb_diags *d, enum bb_severity s, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void bb_yfile_place(const struct bb_yfile *f, uint32_t pos, unsigned *line, unsigned *col);
/* Places diagnostic text: ` (did you mean "x"?)` or "". */
struct bb_hint {
    char text[128];
};
struct bb_hint bb_hint_for(const char *name, const char *const *names, size_t n);

/* ---- values.c: text to numbers; 0, or -1 with why ("has no unit; ...") ----------------------- */
struct bb_why {
    char text[160];
};
int bb_value_duration(const char *s, uint64_t *ms, struct bb_why *why);
int bb_value_size(const char *s, uint64_t *bytes, struct bb_why *why);
int bb_value_rate(const char *s, double *per_second, struct bb_why *why);
int bb_value_uint(const char *s, uint64_t *v, struct bb_why *why);
int bb_value_bool(const char *s, bool *v);
void bb_format_duration(uint64_t ms, char out[32]);
void bb_format_size(uint64_t bytes, char out[32]);
bool bb_value_is_name(const char *s);      /* [a-z][a-z0-9-]{0,62} */
bool bb_value_is_attribute(const char *s); /* [a-z0-9]{1,20} */

enum bb_core { BB_CORE_NULL, BB_CORE_BOOL, BB_CORE_INT, BB_CORE_NUMBER, BB_CORE_STR };
/* What YAML 1.2's core schema makes of a plain scalar. */
enum bb_core bb_core_kind(const char *s, size_t len);

/* ---- emit.c: a tree as msgpack --------------------------------------------------------------- */
/* what: 'endpoint "erp"', for diagnostics. 0 or -1 (reported). */
int bb_emit_node(struct bb_buf *b, const struct bb_ynode *n, const char *what, struct bb_diags *d);
/* One plain scalar as an integer or a decimal; -1 when it is neither or not exact. */
int bb_emit_number(struct bb_buf *b, const char *text, size_t len, struct bb_why *why);
/* A msgpack value (a schema's default) as a tree without places; NULL: malformed, no memory. */
struct bb_ynode *bb_ynode_from(struct bb_arena *a, struct bb_bytes value);

/* ---- expand.c -------------------------------------------------------------------------------- */
/* Replaces ${NAME} in every value below n; reports what is missing. */
void bb_expand_tree(struct bb_ynode *n, struct bb_arena *a, struct bb_diags *d);

/* ---- secrets.c ------------------------------------------------------------------------------- */
struct bb_secret {
    struct bb_secret *next;
    char *endpoint, *handle;
    size_t len;
    char *value; /* NUL-terminated, on its own pages' worth of malloc, wiped at the end */
};
/* Reads what a {file|env|credential: ...} map names. Reports and returns -1 on any fault. */
int bb_secret_read(struct bb_config *c, const char *endpoint, const char *handle,
                   const struct bb_ynode *n, const char *what, const char *path,
                   struct bb_diags *d);
/* True for a map that has the shape of a secret. */
bool bb_secret_shape(const struct bb_ynode *n);
void bb_secrets_free(struct bb_secret *list);

/* ---- schema.c: the words of JSON Schema that a manifest may use ------------------------------ */
#define BB_S_STRING 1u
#define BB_S_INTEGER 2u
#define BB_S_NUMBER 4u
#define BB_S_BOOLEAN 8u
#define BB_S_ARRAY 16u
#define BB_S_OBJECT 32u
#define BB_S_NULL 64u
enum bb_format {
    BB_F_NONE,
    BB_F_DURATION,
    BB_F_SIZE,
    BB_F_SECRET,
    BB_F_POINTER,
    BB_F_URI,
    BB_F_PATH,
    BB_F_UINT_LIST
};
struct bb_schema {  /* one level of a schema; parts that are absent have ptr NULL */
    unsigned types; /* BB_S_*, 0: any */
    enum bb_format format;
    struct bb_bytes properties, required, items, enums, fallback, description;
    struct bb_bytes additional; /* the schema of further keys */
    bool any_key;               /* additionalProperties: true */
    bool has_min, has_max;
    double min, max;
    uint64_t min_length, max_length, min_items, max_items; /* max: UINT64_MAX when absent */
};
/* Reads one level. 0, or -1 with why. */
int bb_schema_read(struct bb_bytes value, struct bb_schema *s, struct bb_why *why);
/* Reads all levels. 0, or -1 with why and the pointer of the faulty part. */
int bb_schema_check(struct bb_bytes value, char *pointer, size_t cap, struct bb_why *why);

/* ---- load.c ---------------------------------------------------------------------------------- */
struct bb_root { /* what bb_config_locate() starts from */
    struct bb_where where;
    struct bb_ynode *node;
};
struct bb_endpoint_nodes {
    struct bb_ynode *name, *connector, *config;
};
struct bb_priv {
    struct bb_arena arena;
    struct bb_yfile **files;
    size_t n_files, cap_files;
    struct bb_root *roots;
    size_t n_roots, cap_roots;
    struct bb_endpoint_nodes *nodes; /* one for each of endpoints */
    struct bb_secret *secrets;
};
struct bb_load { /* one run of the loader */
    struct bb_config *c;
    struct bb_priv *p;
    struct bb_diags *d;
    bool broken;     /* a file could not be parsed: names may be missing through no fault */
    char what[96];   /* what is being read: 'route "bom-to-erp"' */
    char prefix[32]; /* path of the table inside it, "retry." */
    struct bb_names endpoint_names, route_names;
    size_t cap_endpoints, cap_nodes, cap_routes;
    struct bb_route_nodes *route_nodes;
    size_t cap_route_nodes;
    struct bb_ynode *journal_key, *plugins_key;
    unsigned suggestions; /* names searched for, bounded: a hostile file has many */
};
struct bb_route_nodes {
    struct bb_ynode *from, *to, *order_by, *on_failure, *retry, *name;
};
/* The same as bb_config_load() for one file's text from memory. */
struct bb_config *bb_config_load_text(const char *name, const char *text, size_t len,
                                      struct bb_diags *diags);
void bb_load_root(struct bb_load *l, struct bb_where where, struct bb_ynode *node);

/* ---- table.c: keys are data ------------------------------------------------------------------ */
enum bb_kind {
    BB_K_NAME,      /* char *, an endpoint's or connector's name */
    BB_K_ATTRIBUTE, /* char *, an attribute of a message */
    BB_K_BOOL,      /* bool */
    BB_K_U32,
    BB_K_U64,
    BB_K_DURATION, /* uint64_t, ms */
    BB_K_SIZE,     /* uint64_t, bytes */
    BB_K_RATE,     /* double, a second */
    BB_K_ENUM,     /* an enum; more: struct bb_choice, ended by a NULL name */
    BB_K_CHOICE,   /* a bool; more as above */
    BB_K_TABLE,    /* a struct inside; more: struct bb_table */
    BB_K_READ,     /* read() does it */
    BB_K_RESERVED  /* a word of a later version */
};
#define BB_KEY_REQUIRED 1u
#define BB_KEY_ZERO 2u /* 0 is allowed below min: it means "none" */
struct bb_choice {
    const char *name;
    int value; /* -1: a word of a later version */
};
struct bb_key {
    const char *name;
    enum bb_kind kind;
    unsigned flags;
    size_t offset;
    uint64_t min, max;
    const void *more;
    void (*read)(struct bb_load *l, struct bb_ynode *value, void *to);
};
struct bb_table {
    const struct bb_key *keys;
    size_t n;
};
/* Reads map into the struct at base. prefix: "" or "retry.". at: where missing keys are said. */
void bb_table_read(struct bb_load *l, const struct bb_table *t, const struct bb_ynode *map,
                   const struct bb_ynode *at, const char *prefix, void *base);

/* ---- tables.c -------------------------------------------------------------------------------- */
extern const struct bb_table bb_table_endpoint, bb_table_route, bb_table_journal, bb_table_plugins;
extern const struct bb_endpoint_config bb_endpoint_defaults;
extern const struct bb_route_config bb_route_defaults;
void bb_load_journal_defaults(struct bb_journal_config *j);

/* ---- shapes.c: to is the endpoint, route or configuration -------------------------------------
 */
void bb_read_config(struct bb_load *l, struct bb_ynode *v, void *to);
void bb_read_match(struct bb_load *l, struct bb_ynode *v, void *to);
void bb_read_transform(struct bb_load *l, struct bb_ynode *v, void *to);
void bb_read_connector(struct bb_load *l, struct bb_ynode *v, void *to);
void bb_read_path(struct bb_load *l, struct bb_ynode *v, void *to);
/* Warns of a name that looks like a misspelt standard attribute. */
void bb_attribute_hint(struct bb_load *l, const struct bb_ynode *n, const char *key);

/* ---- sections.c ------------------------------------------------------------------------------ */
void bb_load_endpoints(struct bb_load *l, struct bb_ynode *map);
void bb_load_routes(struct bb_load *l, struct bb_ynode *map);
void bb_load_journal(struct bb_load *l, struct bb_ynode *map);
void bb_load_plugins(struct bb_load *l, struct bb_ynode *map);
/* ---- cross.c: what can only be seen when every file is read -----------------------------------
 */
void bb_load_cross(struct bb_load *l);

#endif
