/*
 * config.h - conf.d as typed values
 *
 * bb_config_load() reads every *.yaml of a folder in name order, checks everything it can without
 * running a connector, and either gives a whole configuration or only diagnostics: never half of
 * one. All of it is immutable afterwards and may be read from any thread; bb_config_free() ends
 * it. Secrets are never resolved into these structures: a connector's config holds handles, and
 * bb_config_secret() alone gives a value.
 */
#ifndef BB_CONFIG_H
#define BB_CONFIG_H

#include <stdbool.h>
#include <stdio.h>
#include <busbar/message.h>
#include "core/base/base.h"

enum bb_severity { BB_SEV_ERROR, BB_SEV_WARNING };

struct bb_diag { /* one finding; strings are the list's */
    enum bb_severity severity;
    char *file; /* as given by the user, NULL when there is no place */
    unsigned line, col; /* from 1; 0: none */
    char *text;         /* route "r": retry: unknown key "max" (did you mean ...) */
    char *source;       /* the line's text, for the caret; may be NULL */
    unsigned width;     /* columns to underline */
};
struct bb_diags {
    struct bb_diag *v;
    size_t n, cap, errors;
};
/* Human form: file:line:col: error: text, the line, a caret; colour only on a terminal. */
void bb_diags_print(const struct bb_diags *d, FILE *out);
/* {"errors":N,"diagnostics":[{file,line,column,severity,message}]} */
void bb_diags_print_json(const struct bb_diags *d, FILE *out);
void bb_diags_free(struct bb_diags *d);

struct bb_where { /* where something stands, for later diagnostics (manifest checks) */
    const char *file;
    unsigned line, col;
    const struct bb_node *node; /* config/'s own: what stands there */
};

enum bb_isolation { BB_ISO_PROCESS, BB_ISO_THREAD };
enum bb_unmatched { BB_UNMATCHED_QUARANTINE, BB_UNMATCHED_REFUSE, BB_UNMATCHED_SKIP };
enum bb_on_unknown { BB_UNKNOWN_PROBE, BB_UNKNOWN_RETRY, BB_UNKNOWN_QUARANTINE };
enum bb_on_failure { BB_FAIL_DEFAULT, BB_FAIL_HOLD_LANE, BB_FAIL_QUARANTINE, BB_FAIL_SKIP };
enum bb_start { BB_START_NOW, BB_START_OLDEST };

struct bb_limit {      /* 0: no limit */
    double rate;       /* messages a second ("50/s", "10/m") */
    uint32_t burst;    /* default: rate rounded up */
    uint32_t in_flight; /* unsettled deliveries, default 256 */
};
struct bb_breaker {         /* opens after this many failed (down, unknown) in a row */
    uint32_t failures;      /* default 5; 0: off */
    uint64_t open_ms;       /* first pause, default 1s, doubled up to max */
    uint64_t max_ms;        /* default 1m */
};
struct bb_step_config;
struct bb_endpoint_config {
    char *name;      /* [a-z][a-z0-9-]{0,62} */
    char *connector; /* manifest id */
    enum bb_isolation isolation;
    uint32_t workers; /* 1..64, default 1 */
    struct bb_limit limit;
    struct bb_breaker breaker;
    uint64_t probe_after_ms; /* default 2m */
    uint64_t timeout_ms;     /* deadline of a delivery, default 30s */
    enum bb_unmatched unmatched;
    bool claims;             /* protect against duplicates at intake, default true */
    uint32_t batch_max;      /* most deliveries handed over in one call, default 64 */
    uint64_t memory_max;     /* isolated host's limit in bytes, default 512 MiB, 0: none */
    uint32_t nice;           /* isolated host's nice value, 0..19, default 0 */
    struct bb_bytes config;  /* the connector's own keys as written, a msgpack map: not for
                                create(), see bb_config_check_endpoint() */
    char **echo; /* pointers at which a message that reports an effect of ours has its key */
    size_t n_echo;
    struct bb_step_config *accept; /* what a message is checked against before it is taken in */
    size_t n_accept;
    struct bb_where where, config_where;
    bool is_source, is_sink; /* used by routes as such; only what routes to it emit makes it no source */
    bool is_asked;           /* a step of a route puts questions to it */
};

struct bb_match_rule { /* attribute in any of the values; "*" at the end of a value is a prefix */
    char *attribute;
    char **values;
    size_t n;
};
struct bb_retry {
    uint32_t attempts;          /* default 10; counts sends */
    bool exponential;           /* else fixed */
    uint64_t initial_ms, max_ms; /* 500ms, 5m */
    bool full_jitter;           /* default true */
    uint64_t retry_after_max_ms; /* 10m */
    uint64_t max_age_ms;        /* 3d; 0: none */
};
struct bb_step_config { /* one transform step, not yet compiled */
    char *kind;             /* "map", or a plugin's */
    struct bb_bytes config; /* its value as msgpack */
    struct bb_where where; /* the map of one key, its kind */
};
struct bb_waiver { /* of a BOM feature that the sink cannot carry */
    char *feature, *owner;
    char *until; /* the last day, "2026-12-31" */
};
enum bb_emit_on { BB_EMIT_NEVER, BB_EMIT_DELIVERED };
struct bb_emit { /* a message of the route's own when its sink has the other */
    char *type;
    enum bb_emit_on on;
};
struct bb_route_config {
    char *name;
    char *from, *to; /* endpoint names */
    struct bb_match_rule *match;
    size_t n_match;
    struct bb_step_config *steps;
    size_t n_steps;
    char *order_by; /* attribute name or NULL */
    struct bb_retry retry;
    enum bb_on_unknown on_unknown; /* default probe */
    enum bb_on_failure on_failure; /* resolved: hold-lane with order_by, else quarantine */
    enum bb_start start;
    bool commutative, paused;
    struct bb_waiver *waive;
    size_t n_waive;
    struct bb_emit emit;
    struct bb_where where;
};
enum bb_foreign { BB_FOREIGN_QUARANTINE, BB_FOREIGN_REFUSE };
struct bb_ownership { /* "policies: {ownership: {NAME: ...}}": who alone may say what */
    char *name;
    struct bb_match_rule *match;
    size_t n_match;
    char **fields; /* pointers into the message ("/data/..."); none: all of it */
    size_t n_fields;
    char **owners; /* endpoints */
    size_t n_owners;
    enum bb_foreign foreign;
    struct bb_where where;
};
struct bb_journal_config { /* top-level "journal:" */
    uint64_t map_size;       /* most bytes on disk, default 64 GiB, sparse */
    uint64_t reserve;        /* default 64 MiB */
    uint64_t retention_ms;   /* default 7d */
    uint64_t claims_window_ms; /* default 7d */
    uint64_t claims_max;     /* default 5,000,000 */
    uint64_t max_message;    /* default 16 MiB, 1 KiB .. 64 MiB */
    bool index;              /* build the SQLite index, default true */
};
struct bb_config {
    struct bb_endpoint_config *endpoints;
    size_t n_endpoints;
    struct bb_route_config *routes;
    size_t n_routes;
    struct bb_ownership *ownership;
    size_t n_ownership;
    struct bb_journal_config journal;
    char **plugin_path; /* folders to look for plugins in, "plugins: {path: [...]}"; NULL-ended */
    void *priv;         /* secrets and source text, config/'s own */
};

/* Loads the *.yaml of dir. NULL when there was an error; diags says what and where, warnings
 * too. */
struct bb_config *bb_config_load(const char *dir, struct bb_diags *diags);
void bb_config_free(struct bb_config *c);
const struct bb_endpoint_config *bb_config_endpoint(const struct bb_config *c, const char *name);

/* Checks one endpoint's own keys against the manifest's schema (msgpack, see docs/plugins.md),
 * adds defaults and turns secrets into handles; *out is a msgpack map for create(). Errors go to
 * diags at the key's own line and column. Keeps the secrets in c: call it before c is shared
 * between threads. 0 or -1. */
int bb_config_check_endpoint(struct bb_config *c, const struct bb_endpoint_config *e,
                             struct bb_bytes schema, struct bb_buf *out, struct bb_diags *diags);
/* The same for a step of a route that is a connector's: where is the map that holds connector and config.
 * Not for a schema with secrets. */
int bb_config_check_step(struct bb_config *c, const char *route, struct bb_where where,
                         struct bb_bytes schema, struct bb_buf *out, struct bb_diags *diags);
/* The value behind a handle of endpoint e: *out lives as long as c. 0, -1 unknown. */
int bb_config_secret(const struct bb_config *c, const char *endpoint, const char *handle,
                     struct bb_bytes *out);
/* Adds a diagnostic at w (file, line, column), with the source line for the caret. */
void bb_config_diag(struct bb_diags *d, enum bb_severity s, struct bb_where w, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Place of a value inside an endpoint, its config or a step, by JSON pointer; the nearest parent
 * when it has none. root: the struct's where or config_where. */
struct bb_where bb_config_locate(struct bb_where root, const char *pointer);

/* Whether a key by its name holds something private: "password", "api_key". */
bool bb_config_sounds_secret(const char *name, size_t len);

/* "1h30m", "500ms", "0" in milliseconds: NULL, or why it is none ("has no unit; ..."). */
const char *bb_config_duration(const char *text, uint64_t *ms);

/* ---- extra.c: files that steps name, maps and tables -------------------------------------------
 * Each is read once. A YAML file's value is what its text says, variables expanded; a CSV file's is
 * a list of rows, lists of texts, the header first. */
struct bb_extras;
struct bb_extras *bb_extras_new(const char *dir); /* relative names start there; NULL: no memory */
void bb_extras_free(struct bb_extras **xp);
/* The value, as long as x: 0. -1: err->text says why; empty: it is in d, at the file's own lines. */
int bb_extras_get(struct bb_extras *x, const char *name, struct bb_bytes *value, struct bb_diags *d,
                  struct bb_fault *err);
/* Place of a value inside that file, as bb_config_locate(); of a table only its rows have one. */
struct bb_where bb_extras_where(struct bb_extras *x, const char *name, const char *pointer);

#endif
