/*
 * require.h - a compiled require and the check of a message, for the files of this folder alone
 */
#ifndef BB_TRANSFORM_REQUIRE_H
#define BB_TRANSFORM_REQUIRE_H

#include "core/transform/ref.h"
#include "core/transform/require/window.h"

#define BB_REQUIRE_MAX 64 /* of a kind */

enum bb_require_way { BB_WAY_CURRENT, BB_WAY_FUTURE, BB_WAY_NOT_PAST };
struct bb_paths {
    struct bb_path *v;
    uint32_t n;
};
struct bb_asks { /* of a message, or of an entry */
    struct bb_paths present;
    struct bb_cond **that;
    uint32_t n_that;
};
struct bb_each_entry {
    struct bb_path at;
    struct bb_cond *when; /* NULL: all entries */
    struct bb_asks asks;
    struct bb_paths unique, by;
    struct bb_path window;
    bool ask_windows, gaps; /* gaps: allowed */
};
struct bb_require_schema;
/* A finding: where in the data, what, and the value as shown. */
typedef void (*bb_require_finding)(void *arg, const char *pointer, const char *rule, const char *value);

/* ---- schema.c: 0, -1 said; *out is to be freed also then */
int bb_require_schema_read(struct bb_compile *c, struct bb_bytes v, struct bb_require_schema **out);
void bb_require_schema_free(struct bb_require_schema *s);
/* Says at most max findings, and one without text for each that is more. -1: no memory. */
int bb_require_schema_check(struct bb_require_schema *s, struct bb_bytes data, size_t max,
                            bb_require_finding say, void *arg);

struct bb_require {
    struct bb_require_schema *schema; /* NULL: none */
    bool ask_approval, ask_effectivity, skip;
    struct bb_path approval, effectivity;
    struct bb_buf states; /* a list */
    enum bb_require_way way;
    struct bb_zone *zone;
    struct bb_asks asks;
    struct bb_each_entry *each;
    uint32_t n_each;
    char *failure; /* NULL: by what does not hold */
};

#define BB_CHECK_SHOWN 20  /* findings in a report */
#define BB_CHECK_BYTES 4000 /* of its text */

struct bb_check {
    struct bb_apply *a;
    const struct bb_require *q;
    struct bb_ref_message m;
    const struct bb_each_entry *each; /* whose entries are looked at */
    uint32_t entry;                   /* from 0 */
    uint32_t found;
    const char *failure; /* of the first */
    const char *kind; /* of the one at hand */
    char text[BB_CHECK_BYTES];
    size_t len;
    bool no_memory;
};

/* ---- check.c: a finding, at a pointer of the message or of the entry that is looked at */
void bb_check_say(struct bb_check *k, const char *failure, const struct bb_path *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void bb_check_asks(struct bb_check *k, const struct bb_asks *asks);
void bb_check_cond(struct bb_check *k, struct bb_cond *cond);

/* ---- lists.c */
void bb_check_each(struct bb_check *k, const struct bb_each_entry *e);

bb_status bb_require_apply(const void *self, struct bb_apply *a, struct bb_bytes whole, struct bb_buf *out);

#endif
