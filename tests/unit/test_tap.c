/*
 * test_tap.c - what `busbar tap` hides and which messages it chooses
 */
#include "core/cli/tap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct bb_buf value_of(const char *json)
{
    struct bb_fault err = {0};
    struct bb_buf b;

    bb_buf_init(&b, 1u << 20);
    ck_assert_msg(bb_json_read((struct bb_bytes){json, strlen(json)}, &b, &err) == 0, "%s", err.text);
    return b;
}

static void masked(const char *json, const char *pointers, const char *expected)
{
    struct bb_buf v = value_of(json), out, text;

    bb_buf_init(&out, 1u << 20);
    bb_buf_init(&text, 1u << 20);
    ck_assert_int_eq(tap_mask(bb_bytes_of(&v), pointers, &out), 0);
    ck_assert_int_eq(bb_json_write(bb_bytes_of(&out), &text, NULL), 0);
    bb_buf_put(&text, "", 1);
    ck_assert_str_eq((const char *)text.ptr, expected);
    bb_buf_free(&v);
    bb_buf_free(&out);
    bb_buf_free(&text);
}

START_TEST(secrets_are_hidden)
{
    masked("{\"id\":\"1\",\"data\":{\"a\":1.50,\"list\":[1,null,{\"x\":true}]}}", NULL,
           "{\"id\":\"1\",\"data\":{\"a\":1.50,\"list\":[1,null,{\"x\":true}]}}");
    masked("{\"Password\":\"p\",\"api_key\":{\"k\":[1]},\"token_url\":\"https://x\",\"accessToken\":7}", NULL,
           "{\"Password\":\"***\",\"api_key\":\"***\",\"token_url\":\"https://x\",\"accessToken\":\"***\"}");
    masked("{\"data\":[{\"deep\":{\"clientSecret\":\"s\"}}]}", NULL, "{\"data\":[{\"deep\":{\"clientSecret\":\"***\"}}]}");
}
END_TEST

START_TEST(pointers_are_hidden)
{
    masked("{\"a\":{\"b\":[1,{\"c\":2}]},\"d/e~f\":3,\"ab\":4}", "/a/b/1/c,/d~1e~0f,/b",
           "{\"a\":{\"b\":[1,{\"c\":\"***\"}]},\"d/e~f\":\"***\",\"ab\":4}");
    masked("{\"a\":{\"b\":[1]}}", "/a", "{\"a\":\"***\"}");
    masked("{\"a\":1}", "", "{\"a\":1}");
    masked("{\"a\":1,\"aa\":2}", "/aa", "{\"a\":1,\"aa\":\"***\"}");
}
END_TEST

START_TEST(conditions_choose)
{
    static const char *const all[] = {"/item=4711", "/data/qty=2.50", "/data/ok=true", "/data/l/1=b"};
    static const char *const none[] = {"/item=4711", "/data/qty=2.5"};
    static const char *const gone[] = {"/data/nothing="};
    struct bb_buf v = value_of("{\"item\":\"4711\",\"data\":{\"qty\":2.50,\"ok\":true,\"l\":[\"a\",\"b\"]}}");

    ck_assert(tap_where(bb_bytes_of(&v), NULL, 0));
    ck_assert(tap_where(bb_bytes_of(&v), all, 4));
    ck_assert(!tap_where(bb_bytes_of(&v), none, 2));
    ck_assert(!tap_where(bb_bytes_of(&v), gone, 1));
    bb_buf_free(&v);
    ck_assert_ptr_null(tap_condition_check("/a=b=c"));
    ck_assert_ptr_nonnull(tap_condition_check("a=b"));
    ck_assert_ptr_nonnull(tap_condition_check("/a"));
}
END_TEST

START_TEST(damaged_bytes_are_not_shown)
{
    static const uint8_t cut[] = {0x82, 0xa1, 'a', 0x01, 0xa1}, number_key[] = {0x81, 0x01, 0x01};
    struct bb_buf out;

    bb_buf_init(&out, 1u << 16);
    ck_assert_int_eq(tap_mask((struct bb_bytes){cut, sizeof(cut)}, NULL, &out), -1);
    ck_assert_int_eq(tap_mask((struct bb_bytes){number_key, sizeof(number_key)}, NULL, &out), -1);
    bb_buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tap");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, secrets_are_hidden);
    tcase_add_test(t, pointers_are_hidden);
    tcase_add_test(t, conditions_choose);
    tcase_add_test(t, damaged_bytes_are_not_shown);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
