/*
 * test_recode.c - encodings both ways, cut at every byte
 */
#include <busbar/recode.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct bb_fault fault;

/* All of in through name in chunks of step: 0 with the result in out, or -1. */
static int through(const char *name, int writing, const char *in, size_t len, size_t step,
                   struct bb_buf *out)
{
    struct bb_recode *r = bb_recode_new((struct bb_bytes){name, strlen(name)}, writing, &fault);
    int rc = 0;

    ck_assert_ptr_nonnull(r);
    bb_buf_init(out, 1u << 20);
    for (size_t at = 0; at < len && rc == 0; at += step) {
        size_t n = len - at < step ? len - at : step;
        char *copy = malloc(n);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, in + at, n);
        rc = bb_recode_put(r, (struct bb_bytes){copy, n}, 0, out, &fault);
        free(copy);
    }
    if (rc == 0)
        rc = bb_recode_put(r, (struct bb_bytes){"", 0}, 1, out, &fault);
    bb_recode_free(&r);
    return rc;
}

static const struct {
    const char *name, *bytes;
    size_t len;
    const char *text;
} good[] = {{"utf-8", "\xef\xbb\xbf\xe2\x82\xac!", 7, "\u20ac!"},
            {"UTF-8", "", 0, ""},
            {"UTF-8", "a", 1, "a"},
            {"iso-8859-1", "\xe4\xf6", 2, "\u00e4\u00f6"},
            {"ISO-8859-15", "\xe4\xa4", 2, "\u00e4\u20ac"},
            {"windows-1252", "\x80\x84", 2, "\u20ac\u201e"},
            {"UTF-16LE", "a\0\xac\x20\x3d\xd8\x00\xde", 8, "a\u20ac\U0001f600"},
            {"UTF-16LE", "\xff\xfe" "a\0", 4, "a"},
            {"UTF-16BE", "\0a\x20\xac\xd8\x3d\xde\x00", 8, "a\u20ac\U0001f600"},
            {"utf-16", "\xff\xfe" "a\0\xac\x20", 6, "a\u20ac"},
            {"UTF-16", "\xfe\xff\0a\x20\xac", 6, "a\u20ac"},
            {"UTF-16", "a\0", 2, "a"},
            {"UTF-16", "", 0, ""}};

START_TEST(reads)
{
    for (size_t step = 1; step < 12; step++) {
        struct bb_buf out;
        ck_assert_msg(through(good[_i].name, 0, good[_i].bytes, good[_i].len, step, &out) == 0,
                      "%s", fault.text);
        ck_assert_uint_eq(out.len, strlen(good[_i].text));
        ck_assert(!out.len || memcmp(out.ptr, good[_i].text, out.len) == 0);
        bb_buf_free(&out);
    }
}
END_TEST

START_TEST(writes)
{
    for (size_t step = 1; step < 12; step++) {
        struct bb_buf out, back;
        ck_assert_int_eq(
            through(good[_i].name, 1, good[_i].text, strlen(good[_i].text), step, &out), 0);
        ck_assert_int_eq(through(good[_i].name, 0, (const char *)out.ptr, out.len, step, &back), 0);
        ck_assert_uint_eq(back.len, strlen(good[_i].text));
        ck_assert(!back.len || memcmp(back.ptr, good[_i].text, back.len) == 0);
        bb_buf_free(&out);
        bb_buf_free(&back);
    }
}
END_TEST

START_TEST(refused)
{
    static const struct {
        const char *name;
        int writing;
        const char *in;
        size_t len;
        const char *part;
    } v[] = {{"UTF-8", 0, "ab\xff", 3, "byte 2: this is not UTF-8"},
             {"UTF-8", 0, "a\xe2\x82", 3, "ends inside a character"},
             {"windows-1252", 0, "abc\x81", 4, "byte 3: this is not windows-1252"},
             {"UTF-16LE", 0, "\xfe\xff\0a", 4, "the other order"},
             {"UTF-16BE", 0, "\xff\xfe" "a\0", 4, "the other order"},
             {"UTF-16LE", 0, "a\0b", 3, "ends inside a character"},
             {"UTF-16LE", 0, "a\0\x00\xde" "b\0", 6, "this is not UTF-16LE"},
             {"ISO-8859-1", 1, "a\xe2\x82\xac", 4, "a character that ISO-8859-1 has not"},
             {"UTF-16", 1, "a\xff", 2, "byte 1"}};

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
        for (size_t step = 1; step < 8; step++) {
            struct bb_buf out;
            ck_assert_msg(through(v[i].name, v[i].writing, v[i].in, v[i].len, step, &out) == -1,
                          "%s", v[i].part);
            ck_assert_msg(strstr(fault.text, v[i].part) != NULL, "%s: %s", v[i].part, fault.text);
            bb_buf_free(&out);
        }
    ck_assert_ptr_null(bb_recode_new((struct bb_bytes){"UTF-7", 5}, 0, &fault));
    ck_assert_ptr_nonnull(strstr(fault.text, "UTF-7"));
    ck_assert_int_eq(bb_recode_known((struct bb_bytes){"utf-16le", 8}), 1);
    ck_assert_int_eq(bb_recode_known((struct bb_bytes){"utf-16l", 7}), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("recode");
    TCase *t = tcase_create("recode");
    SRunner *r;
    int failed, n = (int)(sizeof(good) / sizeof(good[0]));

    tcase_add_loop_test(t, reads, 0, n);
    tcase_add_loop_test(t, writes, 0, n);
    tcase_add_test(t, refused);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
