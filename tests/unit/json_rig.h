/*
 * json_rig.h - what the tests of JSON share: buffers made anew for each test, exact copies, a
 * runner
 */
#ifndef JSON_RIG_H
#define JSON_RIG_H

#include <busbar/json.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct bb_buf out, text;
static struct bb_fault fault;

static inline void setup(void)
{
    bb_buf_init(&out, 64u << 20);
    bb_buf_init(&text, 64u << 20);
    memset(&fault, 0, sizeof(fault));
}

static inline void teardown(void)
{
    bb_buf_free(&out);
    bb_buf_free(&text);
}

static inline struct bb_bytes bytes(const char *s)
{
    struct bb_bytes b = {s, strlen(s)};
    return b;
}

static inline struct bb_bytes held(const struct bb_buf *b)
{
    struct bb_bytes v = {b->ptr, b->len};
    return v;
}

/* A copy that ends where its memory ends, so that a sanitizer sees a read past it. */
static inline struct bb_bytes exact(const char *s, size_t len)
{
    struct bb_bytes b = {malloc(len ? len : 1), len};
    ck_assert_ptr_nonnull(b.ptr);
    memcpy((void *)(uintptr_t)b.ptr, s, len);
    return b;
}

static inline void drop(struct bb_bytes b)
{
    free((void *)(uintptr_t)b.ptr);
}

/* n times open, inner, n times close (or NULL: left open) */
static inline void nest(struct bb_buf *b, const char *open, const char *inner, const char *close,
                        int n)
{
    bb_buf_reset(b);
    for (int i = 0; i < n; i++)
        bb_buf_put(b, open, strlen(open));
    bb_buf_put(b, inner, strlen(inner));
    for (int i = 0; i < n && close; i++)
        bb_buf_put(b, close, strlen(close));
}

static inline int run_case(TCase *t)
{
    Suite *s = suite_create("json");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
#endif
