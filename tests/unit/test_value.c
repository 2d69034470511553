/*
 * test_value.c - buffers, values built and read, cursor, lookups, what is canonical; msgpack-c is
 * the oracle
 */
#include "message_rig.h"
#include <msgpack.h>

START_TEST(buffer)
{
    struct bb_buf b;
    uint8_t *w;

    bb_buf_init(&b, 10);
    bb_buf_put(&b, "12345678", 8);
    w = bb_buf_room(&b, 2);
    ck_assert_ptr_nonnull(w);
    ck_assert_ptr_eq(w, b.ptr + 8);
    bb_buf_put(&b, "abc", 3);
    ck_assert_int_eq(b.failed, 1);
    ck_assert_uint_eq(b.len, 8);
    bb_buf_put(&b, "a", 1); /* sticky */
    ck_assert_uint_eq(b.len, 8);
    ck_assert_ptr_null(bb_buf_room(&b, 1));
    bb_buf_reset(&b);
    bb_buf_put(&b, "0123456789", 10);
    ck_assert_int_eq(b.failed, 0);
    ck_assert_ptr_null(bb_buf_room(&b, SIZE_MAX));
    bb_buf_free(&b);
    ck_assert_uint_eq(b.max, 10);
}
END_TEST

/* ---- the oracle packs the same, and reads what we pack -------------------------------------- */
static const int64_t ints[] = {
    0,  1,   127, 128,  255,  256,    65535,  65536,         4294967295,    4294967296, INT64_MAX,
    -1, -32, -33, -128, -129, -32768, -32769, -2147483648LL, -2147483649LL, INT64_MIN};
static const uint32_t lengths[] = {0,  1,   15,  16,  17,    31,    32,
                                   33, 255, 256, 257, 65535, 65536, 70000};

START_TEST(oracle)
{
    char *s = malloc(70000);
    msgpack_sbuffer theirs;
    msgpack_packer k;

    ck_assert_ptr_nonnull(s);
    memset(s, 'x', 70000);
    msgpack_sbuffer_init(&theirs);
    msgpack_packer_init(&k, &theirs, msgpack_sbuffer_write);
    for (size_t i = 0; i < COUNT(ints); i++) {
        bb_put_int(&out, ints[i]);
        msgpack_pack_int64(&k, ints[i]);
        bb_put_uint(&out, (uint64_t)ints[i]);
        msgpack_pack_uint64(&k, (uint64_t)ints[i]);
    }
    for (size_t i = 0; i < COUNT(lengths); i++) {
        uint32_t n = lengths[i];
        bb_put_str(&out, s, n);
        msgpack_pack_str_with_body(&k, s, n);
        bb_put_bin(&out, s, n);
        msgpack_pack_bin_with_body(&k, s, n);
        bb_put_array(&out, n);
        msgpack_pack_array(&k, n);
        bb_put_map(&out, n);
        msgpack_pack_map(&k, n);
    }
    s[1] = '.';
    s[0] = '0';
    memset(s + 2, '1', 4094);
    for (uint32_t n = 3; n <= 4096; n = n < 20 ? n + 1 : n * 2 > 4096 && n < 4096 ? 4096 : n * 2) {
        bb_put_decimal(&out, s, n);
        msgpack_pack_ext(&k, n, BB_EXT_DECIMAL);
        msgpack_pack_ext_body(&k, s, n);
    }
    bb_put_nil(&out);
    msgpack_pack_nil(&k);
    bb_put_bool(&out, 1);
    msgpack_pack_true(&k);
    bb_put_bool(&out, 0);
    msgpack_pack_false(&k);
    ck_assert_int_eq(out.failed, 0);
    ck_assert_uint_eq(out.len, theirs.size);
    ck_assert(memcmp(out.ptr, theirs.data, out.len) == 0);
    msgpack_sbuffer_destroy(&theirs);
    free(s);
}
END_TEST

START_TEST(cursor_kinds)
{
    static const char in[] =
        "\x05\xff\xcc\xc8\xcd\x01\x00\xce\x00\x01\x00\x00"
        "\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xd0\x80\xd1\x80\x00\xd2\x80\x00\x00\x00"
        "\xd3\x80\x00\x00\x00\x00\x00\x00\x00\xa2hi\xd9\x01x\xc0\xc2\xc3"
        "\xca\x3f\xc0\x00\x00\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xc4\x02zz\xd6\x01"
        "-1.5"
        "\xd6\xff"
        "1234\xc7\x00\x09\x92\x01\x81\xa1k\x02";
    struct bb_bytes all = {in, sizeof(in) - 1};
    struct bb_cur c = bb_cur_of(all);
    struct bb_tok t;
    static const int64_t want[] = {5, -1, 200, 256, 65536};

    for (size_t i = 0; i < COUNT(want); i++) {
        ck_assert_int_eq(bb_cur_next(&c, &t), 0);
        ck_assert_uint_eq(t.kind, BB_T_INT);
        ck_assert_int_eq(t.i, want[i]);
    }
    ck_assert_int_eq(bb_cur_next(&c, &t), 0);
    ck_assert_uint_eq(t.kind, BB_T_UINT);
    ck_assert(t.u == UINT64_MAX);
    static const int64_t low[] = {INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN};
    for (size_t i = 0; i < COUNT(low); i++) {
        ck_assert_int_eq(bb_cur_next(&c, &t), 0);
        ck_assert_int_eq(t.i, low[i]);
    }
    ck_assert_int_eq(bb_cur_next(&c, &t), 0);
    ck_assert(t.kind == BB_T_STR && is(t.s, "hi"));
    ck_assert_int_eq(bb_cur_next(&c, &t), 0);
    ck_assert(t.kind == BB_T_STR && is(t.s, "x"));
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_NIL);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_BOOL && t.i == 0);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_BOOL && t.i == 1);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_FLOAT && t.f == 1.5);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_FLOAT && t.f == 1.5);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_BIN && is(t.s, "zz"));
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_DECIMAL && is(t.s, "-1.5"));
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_EXT && t.i == -1 && is(t.s, "1234"));
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_EXT && t.i == 9 && t.s.len == 0);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_ARRAY && t.n == 2);
    ck_assert_int_eq(bb_cur_skip(&c), 0);
    ck_assert_int_eq(bb_cur_skip(&c), 0);
    ck_assert_ptr_eq(c.p, c.end);
    ck_assert_int_eq(bb_cur_next(&c, &t), -1);
}
END_TEST

START_TEST(cursor_hostile)
{
    static const struct {
        const char *p;
        size_t len;
    } bad[] = {{"\xc1", 1},
               {"\xdd\x0f\xff\xff\xff", 5},
               {"\xdf\x80\x00\x00\x00\x00\x00", 7},
               {"\x91", 1},
               {"\x82\x01\x02\x03", 4},
               {"\xdb\xff\xff\xff\xff"
                "a",
                6},
               {"\xc9\xff\xff\xff\xff\x01", 6},
               {"\xd9", 1},
               {"\xcf\x00\x00", 3},
               {"\xc7\x01", 2},
               {"\xd8\x01"
                "123",
                5},
               {"\xa5"
                "1234",
                5},
               {"", 0},
               {"\x92\x91\x91\x01", 4}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        char *copy = malloc(bad[i].len + !bad[i].len);
        struct bb_bytes in = {copy, bad[i].len};
        struct bb_cur c = bb_cur_of(in);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, bad[i].p, bad[i].len);
        ck_assert_msg(bb_cur_skip(&c) == -1, "case %zu", i);
        ck_assert_ptr_eq(c.p, copy);
        ck_assert_int_eq(bb_value_check(in, &fault), -1);
        free(copy);
    }
    /* a million levels cost no stack to skip, and the check stops at its limit */
    for (int i = 0; i < 1000000; i++)
        bb_buf_put(&out, "\x91", 1);
    bb_put_nil(&out);
    struct bb_cur c = bb_cur_of(held());
    ck_assert_int_eq(bb_cur_skip(&c), 0);
    ck_assert_int_eq(bb_value_check(held(), &fault), -1);
    ck_assert_uint_eq(fault.offset, BB_DEPTH_MAX);
}
END_TEST

START_TEST(lookups)
{
    /* {"a/b": 1, "m~n": [10, {"x": true}], "": "e"} */
    static const char in[] = "\x83\xa3"
                             "a/b\x01\xa3m~n\x92\x0a\x81\xa1x\xc3\xa0\xa1"
                             "e";
    struct bb_bytes v = {in, sizeof(in) - 1}, got, s;
    int64_t i;
    int b;

    ck_assert_int_eq(bb_map_get(v, "a/b", &got), 1);
    ck_assert(bb_as_int(got, &i) == 1 && i == 1);
    ck_assert(bb_as_str(got, &s) == 0 && bb_as_bool(got, &b) == 0);
    ck_assert_int_eq(bb_map_get(v, "zz", &got), 0);
    ck_assert_int_eq(bb_map_get(lit("\x01"), "zz", &got), -1);
    ck_assert(bb_pointer_get(v, "", &got) == 1 && got.len == v.len);
    ck_assert(bb_pointer_get(v, "/a~1b", &got) == 1 && bb_as_int(got, &i) && i == 1);
    ck_assert(bb_pointer_get(v, "/m~0n/0", &got) == 1 && bb_as_int(got, &i) && i == 10);
    ck_assert(bb_pointer_get(v, "/m~0n/1/x", &got) == 1 && bb_as_bool(got, &b) && b == 1);
    ck_assert(bb_pointer_get(v, "/", &got) == 1 && bb_as_str(got, &s) && is(s, "e"));
    ck_assert_int_eq(bb_pointer_get(v, "/m~0n/2", &got), 0);
    ck_assert_int_eq(bb_pointer_get(v, "/m~0n/-", &got), 0);
    ck_assert_int_eq(bb_pointer_get(v, "/m~0n/01", &got), 0);
    ck_assert_int_eq(bb_pointer_get(v, "/m~0n/4294967296", &got), 0);
    ck_assert_int_eq(bb_pointer_get(v, "/m~0n/", &got), 0);
    ck_assert_int_eq(bb_pointer_get(v, "/a~1b/x", &got), 0);
    ck_assert_int_eq(bb_pointer_get(v, "a", &got), -1);
    ck_assert_int_eq(bb_pointer_get(v, "/zz~2", &got), -1);
    ck_assert_int_eq(bb_pointer_get(v, "/zz~", &got), -1);
    v.len--;
    ck_assert_int_eq(bb_pointer_get(v, "/", &got), -1);
}
END_TEST

START_TEST(value_checks)
{
    static const struct {
        const char *p;
        size_t len;
        const char *says; /* NULL: canonical */
        size_t offset;
    } cases[] = {
        {"\xcd\x00\x01", 3, NULL, 0},
        {"\xde\x00\x01\xd9\x01x\xdc\x00\x00", 9, NULL, 0},
        {"\xd6\x01"
         "-1.5",
         6, NULL, 0},
        {"\xc7\x02\x01"
         "-0",
         5, NULL, 0},
        {"\x92\x01\xca\x00\x00\x00\x00", 7, "float", 2},
        {"\xc4\x00", 2, "bin", 0},
        {"\x91\xd4\xff"
         "1",
         4, "ext", 1},
        {"\xd4\x01"
         "5",
         3, "fits an integer", 0},
        {"\xd5\x01"
         "1.",
         4, "not a JSON number", 0},
        {"\xd6\x01"
         "01.5",
         6, "not a JSON number", 0},
        {"\xd6\x01"
         "1.5 ",
         6, "not a JSON number", 0},
        {"\xc7\x00\x01", 3, "not a JSON number", 0},
        {"\xd5\x01"
         "In",
         4, "not a JSON number", 0},
        {"\xa3"
         "ab\xff",
         4, "UTF-8", 3},
        {"\xa3\x61\xff\x62", 4, "UTF-8", 2},
        {"\xa9\x61\xff\x62\x63\x64\x65\x66\x67\x68", 10, "UTF-8", 2},
        {"\xa6\x61\x62\x63\x64\xff\x66", 7, "UTF-8", 5},
        {"\xb1\xff\x62\x63\x64\x65\x66\x67\x68\x61\x62\x63\x64\x65\x66\x67\x68\x69", 18, "UTF-8",
         1},
        {"\xa2\xc3", 2, "token", 0},
        {"\x81\x01\x02", 3, "key must be a string", 1},
        {"\x81\xa1\xff\x02", 4, "UTF-8", 2},
        {"\x82\xa1"
         "a\x01\xa1"
         "a\x02",
         7, "duplicate key \"a\"", 4},
        {"\x82\xa1"
         "a\x01\xd9\x01"
         "a\x02",
         8, "duplicate key \"a\"", 4},
        {"\x82\xa1"
         "a\x81\xa1"
         "a\x01\xa1"
         "b\x02",
         10, NULL, 0},
        {"\x01\x01", 2, "after the end", 1},
        {"\x92\x01", 2, "token", 0},
        {"\x92\x01\x91", 3, "token", 2},
        {"\xc1", 1, "not msgpack", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bb_bytes v = {cases[i].p, cases[i].len};
        int status = bb_value_check(v, &fault);
        ck_assert_msg(status == (cases[i].says ? -1 : 0), "case %zu: %s", i, fault.text);
        ck_assert_int_eq(bb_value_check(v, NULL), status);
        if (status == 0)
            continue;
        ck_assert_msg(strstr(fault.text, cases[i].says) != NULL, "case %zu: %s", i, fault.text);
        ck_assert_msg(fault.offset == cases[i].offset, "case %zu: %zu", i, fault.offset);
    }
}
END_TEST

START_TEST(decimals)
{
    static const struct {
        const char *text, *packed; /* NULL: refused */
    } cases[] = {{"1.50", "\xd6\x01"
                          "1.50"},
                 {"7", "\x07"},
                 {"-0", "\xd5\x01"
                        "-0"},
                 {"-7", "\xf9"},
                 {"1.", NULL},
                 {"", NULL},
                 {"abc", NULL},
                 {"1e5", "\xc7\x03\x01"
                         "1e5"},
                 {"18446744073709551615", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"},
                 {" 1", NULL},
                 {"1 ", NULL},
                 {"+1", NULL}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        bb_buf_reset(&out);
        bb_put_decimal(&out, cases[i].text, strlen(cases[i].text));
        ck_assert_int_eq(out.failed, cases[i].packed == NULL);
        if (cases[i].packed)
            ck_assert(is(held(), cases[i].packed));
    }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("message");

    tcase_add_test(t, buffer);
    tcase_add_test(t, oracle);
    tcase_add_test(t, cursor_kinds);
    tcase_add_test(t, cursor_hostile);
    tcase_add_test(t, lookups);
    tcase_add_test(t, value_checks);
    tcase_add_test(t, decimals);
    return run_case(t);
}
