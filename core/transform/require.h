/*
 * require.h - a compiled require, for require.c (compiling) and check.c (checking) alone
 */
#ifndef BB_TRANSFORM_REQUIRE_H
#define BB_TRANSFORM_REQUIRE_H

#include "core/transform/ref.h"
#include "core/transform/window.h"

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
struct bb_require {
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

bb_status bb_require_apply(const void *self, struct bb_apply *a, struct bb_bytes whole, struct bb_buf *out);

#endif
