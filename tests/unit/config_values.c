/*
 * config_values.c - variables, durations, sizes, rates, and names that are nearly right
 */
#include "tests/unit/config_rig.h"

#include <stdlib.h>
#include <string.h>

START_TEST(variables_are_text)
{
    char *j;

    setenv("BB_TEST_HOST", "erp: {x: 1}\n# \"not yaml\"", 1);
    setenv("BB_TEST_N", "3", 1);
    load_good("endpoints:\n  a:\n    connector: x\n    workers: ${BB_TEST_N}\n    config:\n"
              "      url: \"https://${BB_TEST_HOST}/$$5/$x/$\"\n      n: ${BB_TEST_N}\n"
              "      ${BB_TEST_N}: key\n"
              "routes:\n  r: {from: a, to: a}\n");
    ck_assert_uint_eq(conf->endpoints[0].workers, 3);
    j = json_of(conf->endpoints[0].config);
    ck_assert_str_eq(j, "{\"url\":\"https://erp: {x: 1}\\n# \\\"not yaml\\\"/$5/$x/$\",\"n\":\"3\","
                        "\"${BB_TEST_N}\":\"key\"}");
    free(j);
}
END_TEST

START_TEST(missing_variables_are_fatal_and_values_never_shown)
{
    char *p;

    unsetenv("BB_TEST_NONE");
    setenv("BB_TEST_SECRET", "hunter2", 1);
    write_file("10.yaml", "endpoints:\n  a:\n    connector: ${BB_TEST_SECRET}!\n"
                          "    workers: ${BB_TEST_SECRET}\n    timeout: ${BB_TEST_SECRET}\n"
                          "    isolation: \"${BB_TEST_SECRET}\"\n"
                          "    config: {u: \"a ${BB_TEST_NONE} b\", v: \"${bad-name}\"}\n"
                          "routes:\n  r: {from: \"${BB_TEST_SECRET}\", to: a}\n");
    load();
    ck_assert_ptr_null(conf);
    p = printed();
    ck_assert_ptr_null(strstr(p, "hunter2"));
    ck_assert_ptr_nonnull(
        strstr(p, "10.yaml:7:20: error: environment variable \"BB_TEST_NONE\" is not set"));
    ck_assert_ptr_nonnull(strstr(p, "10.yaml:7:44: error: a variable is written ${NAME}"));
    ck_assert_ptr_nonnull(strstr(p, "workers: expected a whole number, found a text"));
    ck_assert_uint_ge(diags.errors, 6);
    free(p);
}
END_TEST

START_TEST(nearest_names)
{
    static const char *const names[] = {"attempts", "max", "max_age", "initial", "backoff"};

    ck_assert_str_eq(bb_nearest("max_attemps", names, 5), "attempts");
    ck_assert_str_eq(bb_nearest("intial", names, 5), "initial");
    ck_assert_str_eq(bb_nearest("maxage", names, 5), "max_age");
    ck_assert_str_eq(bb_nearest("bakcoff", names, 5), "backoff");
    ck_assert_ptr_null(bb_nearest("workers", names, 5));
    ck_assert_ptr_null(bb_nearest("", names, 5));
}
END_TEST

START_TEST(values_are_exact)
{
    static const char *const faulty[] = {
        "0.0001s", "-1s", "1sx", "1", "99999999999999999999d", "18446744073709551615w"};
    struct bb_buf b;
    size_t i;
    double v;

    ck_assert_ptr_null(bb_value_read("1h30m", BB_UNIT_DURATION, &v));
    ck_assert_double_eq(v, 5400000);
    ck_assert_ptr_null(bb_value_read("0.1s", BB_UNIT_DURATION, &v));
    ck_assert_double_eq(v, 100);
    ck_assert_ptr_null(bb_value_read("0", BB_UNIT_DURATION, &v));
    for (i = 0; i < BB_COUNT(faulty); i++)
        ck_assert_msg(bb_value_read(faulty[i], BB_UNIT_DURATION, &v) != NULL, "%s", faulty[i]);
    ck_assert_ptr_null(bb_value_read("1.5KiB", BB_UNIT_SIZE, &v));
    ck_assert_double_eq(v, 1536);
    ck_assert_ptr_nonnull(bb_value_read("0.3B", BB_UNIT_SIZE, &v));
    ck_assert_ptr_nonnull(bb_value_read("3KiBs", BB_UNIT_SIZE, &v));
    ck_assert_ptr_null(bb_value_read("30/m", BB_UNIT_RATE, &v));
    ck_assert_double_eq(v, 0.5);
    ck_assert_ptr_nonnull(bb_value_read("30/s2", BB_UNIT_RATE, &v));
    bb_buf_init(&b, 100);
    ck_assert_ptr_nonnull(bb_value_put(&b, "007"));
    ck_assert_ptr_nonnull(bb_value_put(&b, ".nan"));
    ck_assert_uint_eq(b.len, 0);
    bb_buf_free(&b);
    ck_assert_uint_eq(bb_value_type("1_000"), BB_TYPE_STR);
    ck_assert_uint_eq(bb_value_type("-.5e+3"), BB_TYPE_NUM);
    ck_assert_uint_eq(bb_value_type("1e"), BB_TYPE_STR);
    ck_assert_uint_eq(bb_value_type("."), BB_TYPE_STR);
    ck_assert_uint_eq(bb_value_type("0x1G"), BB_TYPE_STR);
    ck_assert_uint_eq(bb_value_type("no"), BB_TYPE_STR);
    ck_assert_uint_eq(bb_value_type(".inf"), BB_TYPE_NUM);
}
END_TEST

TCase *config_values(void)
{
    TCase *t = config_case("config_values");

    tcase_add_test(t, variables_are_text);
    tcase_add_test(t, missing_variables_are_fatal_and_values_never_shown);
    tcase_add_test(t, nearest_names);
    tcase_add_test(t, values_are_exact);
    return t;
}
