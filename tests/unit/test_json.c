/*
 * test_json.c - JSON in and out: by the grammar's rules, prefixes, offsets, limits
 */
#include "json_rig.h"
#include "json_rules.h"
#include <stdbool.h>

START_TEST(accepts)
{
    const struct json_text *c = &derived[_i];
    struct bb_bytes in = exact(c->text, c->len);
    const char *back = c->back ? c->back : c->text;

    ck_assert_msg(bb_json_read(in, &out, &fault) == 0, "%s: %s: %s", c->rule, c->text, fault.text);
    ck_assert_msg(bb_value_check(held(&out), &fault) == 0, "%s: %s", c->text, fault.text);
    ck_assert_int_eq(bb_json_write(held(&out), &text, &fault), 0);
    ck_assert_msg(text.len == strlen(back) && !memcmp(text.ptr, back, text.len), "%s: %s: %.*s",
                  c->rule, c->text, (int)text.len, (const char *)text.ptr);
    drop(in);
}
END_TEST

START_TEST(rejects)
{
    const struct json_text *c = &refused[_i];
    struct bb_bytes in = exact(c->text, c->len);

    bb_put_nil(&out);
    ck_assert_msg(bb_json_read(in, &out, &fault) == -1, "%s: %s was accepted", c->rule, c->text);
    ck_assert_uint_eq(out.len, 1);
    ck_assert_int_eq(out.failed, 0);
    ck_assert_uint_le(fault.offset, c->len);
    ck_assert_int_ne(fault.text[0], 0);
    drop(in);
}
END_TEST

/* Where one value may stand any may, and what is none may stand nowhere. */
START_TEST(places)
{
    static const char *const around[][2] = {{"[", "]"},
                                            {"[1,", "]"},
                                            {"[", ",1]"},
                                            {"{\"k\":", "}"},
                                            {"{\"k\":", ",\"l\":1}"},
                                            {"[[{\"k\":[", "]}]]"}};
    bool good = _i < COUNT(derived);
    const struct json_text *c = good ? &derived[_i] : &refused[_i - COUNT(derived)];

    if (!good && strcmp(c->rule, "array") != 0 && strcmp(c->rule, "number") != 0 &&
        strcmp(c->rule, "literal") != 0 && strcmp(c->rule, "string") != 0)
        return; /* others may be mended by what stands around them */
    if (!good && (strpbrk(c->text, "\",[]{}: ") || strlen(c->text) != c->len))
        return;
    for (int i = 0; i < COUNT(around); i++) {
        bb_buf_reset(&text);
        bb_buf_put(&text, around[i][0], strlen(around[i][0]));
        bb_buf_put(&text, c->text, c->len);
        bb_buf_put(&text, around[i][1], strlen(around[i][1]));
        struct bb_bytes in = exact((const char *)text.ptr, text.len);
        bb_buf_reset(&out);
        ck_assert_msg(bb_json_read(in, &out, &fault) == (good ? 0 : -1), "%s: %s in %s %s", c->rule,
                      c->text, around[i][0], around[i][1]);
        drop(in);
    }
}
END_TEST

/* Cut anywhere, a text is an error that more input could mend, and says so by its offset. */
START_TEST(prefixes)
{
    const struct json_text *c = &derived[_i];
    size_t used, end = c->len;

    while (end && strchr(" \t\r\n", c->text[end - 1]))
        end--;
    for (size_t n = 0; n < end; n++) {
        struct bb_bytes in = exact(c->text, n);
        if (bb_json_read_prefix(in, &used, &out, &fault) == 0)
            ck_abort_msg("%.*s is not whole", (int)n, c->text);
        ck_assert_msg(fault.offset == n, "%.*s: offset %zu: %s", (int)n, c->text, fault.offset,
                      fault.text);
        drop(in);
    }
    bb_buf_put(&text, c->text, end);
    bb_buf_put(&text, " ]", 2);
    ck_assert_int_eq(bb_json_read_prefix(held(&text), &used, &out, &fault), 0);
    ck_assert_uint_eq(used, end);
}
END_TEST

START_TEST(prefix_faults)
{
    /* what no input can mend has an offset before the end */
    static const char *const bad[] = {"[1,,", "{\"a\" 1", "[\"\\ud800x",    "tra",
                                      "[01",  "\"\x01",   "{\"a\":1,\"a\"", "[1 2",
                                      "}",    "\"\\x",    "\"\xff"};
    size_t used;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(bb_json_read_prefix(bytes(bad[i]), &used, &out, &fault), -1);
        ck_assert_msg(fault.offset < strlen(bad[i]), "%s: %zu", bad[i], fault.offset);
    }
    ck_assert_int_eq(bb_json_read_prefix(bytes(" {\"a\":1}{\"b\":2}"), &used, &out, &fault), 0);
    ck_assert_uint_eq(used, 8);
}
END_TEST

START_TEST(offsets)
{
    static const struct {
        const char *json;
        size_t offset;
        const char *says;
    } cases[] = {
        {"{\"id\":1,\"b\":2,\"id\":3}", 14, "duplicate key \"id\""},
        {"{\"a\":tru}", 5, "value"},
        {"[1,2,]", 5, "unexpected ']'"},
        {"[1] x", 4, "end of the text"},
        {"{\"a\":\"b\xff\"}", 7, "UTF-8"},
        {"[\"ab\tc\"]", 4, "\\u0009"},
        {"[007]", 2, "begin with 0"},
        {"[\"ok\",\"\\ud800\"]", 7, "surrogate"},
        {"[1", 2, "the text ends"},
        {"\xef\xbb\xbf[]", 0, "0xef"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_int_eq(bb_json_read(bytes(cases[i].json), &out, &fault), -1);
        ck_assert_msg(fault.offset == cases[i].offset, "%s: %zu", cases[i].json, fault.offset);
        ck_assert_msg(strstr(fault.text, cases[i].says) != NULL, "%s", fault.text);
    }
}
END_TEST

START_TEST(nesting)
{
    nest(&text, "[", "1", "]", BB_DEPTH_MAX);
    ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), 0);
    nest(&text, "[", "", "]", BB_DEPTH_MAX + 1);
    ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), -1);
    ck_assert_uint_eq(fault.offset, BB_DEPTH_MAX);
    nest(&text, "{\"a\":", "1", "}", BB_DEPTH_MAX + 1);
    ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), -1);
    ck_assert_uint_eq(fault.offset, BB_DEPTH_MAX * 5);
    nest(&text, "[", "", NULL, 100000);
    ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), -1);
    ck_assert_uint_eq(fault.offset, BB_DEPTH_MAX);
    nest(&text, "[{\"\":", "\n", NULL, 50000);
    ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), -1);
}
END_TEST

START_TEST(long_numbers)
{
    char *s = malloc(5002);
    struct bb_bytes in = {s, 4096};

    ck_assert_ptr_nonnull(s);
    memset(s, '7', 5002);
    ck_assert_int_eq(bb_json_read(in, &out, &fault), 0);
    ck_assert_int_eq(bb_json_write(held(&out), &text, &fault), 0);
    ck_assert_uint_eq(text.len, 4096);
    in.len = 4097;
    ck_assert_int_eq(bb_json_read(in, &out, &fault), -1);
    ck_assert_ptr_nonnull(strstr(fault.text, "at most 4096"));
    free(s);
}
END_TEST

static void keys_text(struct bb_buf *b, unsigned n, const char *last)
{
    char key[40];

    bb_buf_reset(b);
    bb_buf_put(b, "{", 1);
    for (unsigned i = 0; i < n; i++)
        bb_buf_put(b, key, (size_t)snprintf(key, sizeof(key), "\"key-%u\":0,", i * 7919 % n));
    bb_buf_put(b, last, strlen(last));
    bb_buf_put(b, ":1}", 3);
}

START_TEST(many_keys)
{
    static const unsigned sizes[] = {14, 15, 30, 31, 32, 33, 34, 100, 65535, 100000};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        bb_buf_reset(&out);
        keys_text(&text, sizes[i], "\"other\"");
        ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), 0);
        ck_assert_int_eq(bb_value_check(held(&out), &fault), 0);
        keys_text(&text, sizes[i], "\"key-7\"");
        ck_assert_int_eq(bb_json_read(held(&text), &out, &fault), -1);
        ck_assert_ptr_nonnull(strstr(fault.text, "duplicate key \"key-7\""));
        ck_assert_uint_eq(fault.offset, text.len - 10);
    }
}
END_TEST

/* A limit of the buffer is a limit of the output, to the byte. */
START_TEST(buffer_limit)
{
    static const char json[] =
        "{\"a\":[1,2.5,\"x\\n\",300,-70000,\"0123456789abcdefghijklmnopqrstuv\","
        "0,0,0,0,0,0,0,0,0,0,0,0],\"b\":{\"c\":null}}";
    struct bb_buf small;

    ck_assert_int_eq(bb_json_read(bytes(json), &out, &fault), 0);
    for (size_t max = 0; max <= out.len; max++) {
        bb_buf_init(&small, max);
        ck_assert_int_eq(bb_json_read(bytes(json), &small, &fault), max == out.len ? 0 : -1);
        if (max < out.len)
            ck_assert_uint_lt(fault.offset, strlen(json));
        ck_assert_uint_eq(small.len, max == out.len ? max : 0);
        bb_buf_free(&small);
    }
    ck_assert_int_eq(bb_json_write(held(&out), &text, &fault), 0);
    for (size_t max = 0; max <= text.len; max++) {
        bb_buf_init(&small, max);
        ck_assert_int_eq(bb_json_write(held(&out), &small, &fault), max == text.len ? 0 : -1);
        bb_buf_free(&small);
    }
}
END_TEST

START_TEST(pretty)
{
    ck_assert_int_eq(
        bb_json_read(bytes("{\"a\":[1,{}],\"b\":[],\"c\":{\"d\":null}}"), &out, &fault), 0);
    ck_assert_int_eq(bb_json_write_pretty(held(&out), &text, &fault), 0);
    bb_buf_put(&text, "", 1);
    ck_assert_str_eq((char *)text.ptr, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": [],\n"
                                       "  \"c\": {\n    \"d\": null\n  }\n}");
}
END_TEST

START_TEST(write_str)
{
    bb_json_write_str(&text, "a\"\xff\n\xc3\xa4", 6);
    bb_buf_put(&text, "", 1);
    ck_assert_str_eq((char *)text.ptr, "\"a\\\"\xef\xbf\xbd\\n\xc3\xa4\"");
}
END_TEST

START_TEST(write_refuses)
{
    static const struct {
        const char *p;
        size_t len;
    } bad[] = {{"", 0},
               {"\xc1", 1},
               {"\xcb\0\0\0\0\0\0\0\0", 9},
               {"\xc4\x01x", 3},
               {"\xa2\xff\xff", 3},
               {"\x91", 1},
               {"\x81\x01\x02", 3},
               {"\xd5\x01"
                "1.",
                4},
               {"\xd4\x02"
                "1",
                3},
               {"\x01\x02", 2},
               {"\xdd\xff\xff\xff\xff", 5}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bb_bytes in = exact(bad[i].p, bad[i].len);
        ck_assert_msg(bb_json_write(in, &text, &fault) == -1, "case %zu", i);
        ck_assert_uint_eq(text.len, 0);
        drop(in);
    }
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("json");

    tcase_add_loop_test(t, accepts, 0, COUNT(derived));
    tcase_add_loop_test(t, rejects, 0, COUNT(refused));
    tcase_add_loop_test(t, places, 0, COUNT(derived) + COUNT(refused));
    tcase_add_loop_test(t, prefixes, 0, COUNT(derived));
    tcase_add_test(t, prefix_faults);
    tcase_add_test(t, offsets);
    tcase_add_test(t, nesting);
    tcase_add_test(t, long_numbers);
    tcase_add_test(t, many_keys);
    tcase_add_test(t, buffer_limit);
    tcase_add_test(t, pretty);
    tcase_add_test(t, write_str);
    tcase_add_test(t, write_refuses);
    return run_case(t);
}
