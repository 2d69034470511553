/*
 * message_rig.h - what the tests of values and messages share: an output made anew for each test
 */
#ifndef MESSAGE_RIG_H
#define MESSAGE_RIG_H

#include <busbar/message.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct bb_buf out;
static struct bb_fault fault;

static inline void setup(void)
{
    bb_buf_init(&out, 64u << 20);
    memset(&fault, 0, sizeof(fault));
}

static inline void teardown(void)
{
    bb_buf_free(&out);
}

static inline struct bb_bytes held(void)
{
    struct bb_bytes v = {out.ptr, out.len};
    return v;
}

static inline struct bb_bytes lit(const char *s)
{
    struct bb_bytes v = {s, strlen(s)};
    return v;
}

static inline int is(struct bb_bytes b, const char *s)
{
    return b.ptr && b.len == strlen(s) && memcmp(b.ptr, s, b.len) == 0;
}

static inline int run_case(TCase *t)
{
    Suite *s = suite_create("message");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
#endif
