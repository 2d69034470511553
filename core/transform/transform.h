/*
 * transform.h - a route's steps, compiled once, applied to msgpack bytes next to the sink
 *
 * The core compiles the steps when it checks or loads a configuration, with the files that they name
 * (maps, tables), and packs all of it into a program: msgpack that stands alone. The program goes to
 * the host in WELCOME and is compiled there again, without any file: a host may not see the core's
 * files, and a running generation does not change when one of them does. What steps there are:
 * step.h.
 *
 * Thread: a compiled transform is immutable; bb_transform_apply() may run on any thread with its
 * own buffer and context.
 */
#ifndef BB_TRANSFORM_H
#define BB_TRANSFORM_H

#include <stdbool.h>
#include <busbar/message.h>

#define BB_PROGRAM_MAX (16u << 20) /* bytes of one route's steps with their files */

struct bb_transform;

struct bb_transform_source { /* what compiling in the core adds; every member may be NULL */
    void *arg;
    /* The value of a file: YAML as it is, CSV as an array of rows of texts, the header first. It
     * stays valid until the compile ends. -1: err->text says why not; empty: it has been reported. */
    int (*file)(void *arg, const char *name, struct bb_bytes *value, struct bb_fault *err);
    /* Every mistake: file NULL in the steps themselves; pointer is a JSON pointer into that value. */
    void (*say)(void *arg, const char *file, const char *pointer, const char *text);
    struct bb_buf *program; /* filled when there is no mistake */
    /* Whether a step (from 1) may put question op to that endpoint: 0; -1: err->text says why not, and
     * *key which of the step's words is wrong. */
    int (*query)(void *arg, uint32_t step, const char *endpoint, const char *op, const char **key,
                 struct bb_fault *err);
    bool accept; /* these are an endpoint's: they may only look */
    /* The step (from 1) that a connector's transform makes: *value becomes {"path": of the .so, "config": bin,
     * checked, for create()}, valid until the compile ends. 0; -1 as query, empty text: it has been said. */
    int (*plugin)(void *arg, uint32_t step, const char *connector, struct bb_bytes *value, const char **key,
                  struct bb_fault *err);
};

/* steps: msgpack array of one-key maps [{"map": [...]}, ...], a program, or empty. NULL with
 * err->text "" when there is nothing to do; NULL with the first mistake and its place otherwise. */
struct bb_transform *bb_transform_compile(struct bb_bytes steps,
                                          const struct bb_transform_source *source,
                                          struct bb_fault *err);
void bb_transform_free(struct bb_transform **tp);
/* For coverage: calls fn for each step of a program (number NULL) and each rule in it, by its number
 * there ("3.1"). */
typedef void bb_transform_rule_fn(void *arg, uint32_t step, const char *number, const char *name);
void bb_transform_list(struct bb_bytes program, bb_transform_rule_fn *fn, void *arg);
/* Whether the same message always gives the same bytes: no clock, no question to others. What is not
 * pure is kept before its first send. */
bool bb_transform_is_pure(const struct bb_transform *t);

/* Whether a step of it (jq) may hang or end its process. */
bool bb_transform_is_foreign(const struct bb_transform *t);
struct bb_question { /* what a step asks of another endpoint */
    const char *endpoint, *op;
    struct bb_bytes request; /* a whole message */
    struct bb_bytes key;     /* its data: equal ones get equal answers */
    uint64_t timeout_ms;
    uint64_t ttl_ms; /* how long an answer may serve again; 0: not */
    uint32_t max;    /* answers that are remembered */
};

/* Whether its last step makes other messages of the message (split, explode), and it ends with that. */
bool bb_transform_splits(const struct bb_transform *t);

/* Whether a message of its own follows each that the sink has (a route's emit). */
bool bb_transform_emits(const struct bb_transform *t);
#define BB_EMIT_HEAD 16u /* that a message of max_message bytes has left for what stands around it */
/* That message, put into out: attributes are the accepted message's, a map; reply the sink's (empty: none, or
 * not to be kept), now_ns as in a run. 0; 1: it cannot be made, err->text says why; -1: no memory. The step lets no message
 * through whose follower, without a reply, cannot be made or has more than out->max - BB_EMIT_HEAD bytes. */
int bb_transform_emit(const struct bb_transform *t, struct bb_bytes attributes, struct bb_bytes reply,
                      int64_t now_ns, struct bb_buf *out, struct bb_fault *err);

struct bb_plugin_step { /* a step that a connector's transform makes (busbar.transform/1) */
    uint32_t step; /* its number */
    char *connector, *path;
    struct bb_bytes config; /* for create() */
    void *inst;             /* its host's, set before the first apply */
};
/* Calls fn for each such step until it returns something else than 0, which is returned. */
int bb_transform_plugins(struct bb_transform *t, int (*fn)(void *arg, struct bb_plugin_step *p), void *arg);

struct bb_transform_run { /* what one apply may know; all zero is fine */
    int64_t now_ns;             /* the clock, since 1970 in UTC; 0: the wall's */
    struct bb_bytes correlation; /* the correlation id, for steps that ask others */
    /* Asks and waits. BB_OK: the answer, one value, is put into answer. BB_E_REJECT, BB_E_UNSUP: it is
     * refused for good. Anything else: there is none now. err->text says why. NULL: nobody is asked. */
    bb_status (*ask)(void *arg, const struct bb_question *q, struct bb_buf *answer, struct bb_fault *err);
    /* Takes a message that this one became (split, explode): 0, -1 with err->text. NULL: they are only
     * counted. */
    int (*child)(void *arg, struct bb_bytes whole, struct bb_fault *err);
    /* Each thing that does not hold: where (a pointer into the message), its failure class, and why. */
    void (*found)(void *arg, const char *pointer, const char *failure, const char *why);
    /* Runs a connector's transform: BB_OK, out holds the new whole message; BB_E_REJECT with err->text.
     * NULL: no plugin runs here. */
    bb_status (*plugin)(void *arg, const struct bb_plugin_step *p, struct bb_bytes whole, struct bb_buf *out,
                        struct bb_fault *err);
    void *arg;
    struct bb_buf *report; /* NULL, or filled with all that a step found, where that is more than err holds */
    /* For coverage: what bb_transform_list() names runs now. May be NULL. */
    void (*ran)(void *arg, uint32_t step, const char *number);
    void *ran_arg;
    bool keep_partial; /* on BB_E_REJECT, out holds what the step that failed was given */
    /* answers */
    const char *failure; /* on BB_E_REJECT: the failure class, "mapping" unless the step says so;
                          * it is the transform's */
    uint32_t step;       /* the step that ended it, from 1 */
    char note[200];      /* on BB_OK: what the delivery's record should say, else empty */
    bool quarantine;     /* on BB_E_REJECT: it does not hold its lane, whatever the route says of failures */
    uint32_t children;   /* on BB_OK: how many messages it became; then out is as it was */
};

/* BB_OK: out holds the new whole message behind what it held, or run->children says how many it
 * became; on any other status what child() took is void. BB_E_CANCEL: the route skips it (err
 * says why). BB_E_RETRY: it cannot be told now; later it may. BB_E_REJECT: a step failed; err->text is
 * `step 2 (map) rule 3 (rename): no value at /data/qty`. run may be NULL. */
bb_status bb_transform_apply(const struct bb_transform *t, struct bb_bytes whole, struct bb_buf *out,
                             struct bb_transform_run *run, struct bb_fault *err);

/* An endpoint's accept: every step looks, also behind one that found something. BB_OK; BB_E_REJECT
 * with what the first of them said, and run->found heard of all; BB_E_RETRY: no memory. */
bb_status bb_transform_check(const struct bb_transform *t, struct bb_bytes whole,
                             struct bb_transform_run *run, struct bb_fault *err);

#endif
