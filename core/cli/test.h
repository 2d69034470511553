/*
 * test.h - what the files of `busbar test` share: the tests' results, and who reports them
 *
 * Main thread; results live until the command ends.
 */
#ifndef BB_CLI_TEST_H
#define BB_CLI_TEST_H

#include "core/cli/cli.h"
#include "core/rehearse/rehearse.h"

struct test_difference {
    size_t delivery; /* from 1, in the order of messages and routes */
    char *what;      /* "state", "/data/quantity"; "": the delivery or the message as a whole */
    struct bb_bytes expected, got; /* empty: nothing */
};
struct test {
    const struct bb_case *c;
    bool passed;
    char error[300]; /* it could not be run */
    struct bb_buf result;
    struct test_difference *v;
    size_t n;
    int64_t us;
};
struct test_run {
    const struct bb_args *a;
    struct bb_cases cases;
    struct test *v;
    size_t n, passed;
    struct bb_coverage *coverage;
};

/* test_text.c: for people, and TAP: both as the tests end */
void test_text_begin(const struct test_run *r);
void test_text_one(const struct test_run *r, const struct test *t, size_t number);
void test_text_end(const struct test_run *r);
/* A value in one line, cut short, with its control characters made visible. */
void test_text_value(FILE *out, struct bb_bytes v);
/* test_report.c */
int test_report_json(const struct test_run *r);
int test_report_junit(const struct test_run *r, const char *path);
/* test_update.c: makes failing tests expect what came out. 0 or an exit status; *n: how many */
int test_update(const struct test_run *r, size_t *n);

#endif
