/*
 * test.h - the tests of a condition: equals, in, exists, ...; for test.c and cond.c alone
 */
#ifndef BB_TRANSFORM_TEST_H
#define BB_TRANSFORM_TEST_H

#include <regex.h>
#include "core/transform/map/map.h"

struct bb_test_kind;
struct bb_test {
    struct bb_test *next;
    const struct bb_test_kind *kind;
    struct bb_bytes value; /* msgpack, owned */
    regex_t pattern;
    bool compiled;
};
struct bb_test_kind {
    const char *name;
    /* What is wrong with the value, NULL. */
    const char *(*check)(struct bb_test *t);
    /* 1 holds, 0 not, -1 with why. s NULL: there is no value. */
    int (*holds)(const struct bb_test *t, const struct bb_tok *s, const char **why);
};
#define BB_TESTS 9
extern const struct bb_test_kind bb_tests[BB_TESTS];
void bb_test_free(struct bb_test *t);
bool bb_test_equals(const struct bb_test *t); /* whether it is an equals */
/* Why the tests of one condition can never hold together, NULL. */
const char *bb_tests_contradict(const struct bb_test *first);

#endif
