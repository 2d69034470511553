/*
 * config_yaml.c - files that are not YAML, or more YAML than conf.d takes
 */
#include "tests/unit/config_rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

START_TEST(syntax_errors_are_diagnostics)
{
    char *p;

    write_file("10.yaml", "endpoints:\n  a: b\n   c: d\n");
    write_file("20.yaml", "routes:\n  r: {from: nobody, to: nobody}\n  s: {from: nobody}\n");
    write_file("30.yaml", "routes:\n  r: {from: ${X}, to: nobody}\n");
    write_file("40.yaml", "routes:\n  password: \"hunter2\n");
    load();
    ck_assert_ptr_null(conf);
    /* names are not judged while a file is missing, the rest is */
    EXPECT("10.yaml:2:6: not valid YAML: invalid multiline plain key",
           "20.yaml:3:3: route \"s\": \"to\" is missing (the endpoint that they go to)",
           "30.yaml:2:14: not valid YAML: missing comma in flow mapping (inside {} and [], write "
           "\"${NAME}\" in quotes)",
           "40.yaml:2:14: not valid YAML: double-quoted scalar without closing quote");
    p = printed();
    ck_assert_ptr_null(strstr(p, "hunter2"));
    free(p);
}
END_TEST

START_TEST(input_of_every_wrong_kind_is_reported)
{
    char path[128];

    write_file("10.yaml", "");
    write_file("20.yaml", "# only words\n");
    write_file("30.yaml", "a: 1\n---\nb: 2\n");
    write_file("40.yaml", "endpoints:\n  \xff: 1\n");
    write_file("50.yaml", "[1, 2]\n");
    write_file("60.yml", "endpoints: {}\n");
    snprintf(path, sizeof(path), "%s/70.yaml", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/80.yaml", dir);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    load();
    ck_assert_ptr_null(conf);
    EXPECT("10.yaml:0:0: the file is empty", "20.yaml:0:0: the file is empty",
           "30.yaml:2:1: a second document in one file: put it into a file of its own",
           "40.yaml:2:3: not UTF-8 from here on: save the file as UTF-8",
           "50.yaml:1:1: expected a map, found a list",
           "60.yml:0:0: is not read: the name has to end in .yaml",
           "70.yaml:0:0: cannot be read: it is a folder",
           "80.yaml:0:0: cannot be read: it is not a regular file");
}
END_TEST

START_TEST(billion_laughs_are_refused_quickly)
{
    char text[2048] = "a: &a [x, x, x, x, x, x, x, x, x]\n";
    struct timespec from, to;
    struct rusage use;
    size_t len = strlen(text);
    char c;

    for (c = 'b'; c <= 'i'; c++)
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c,
                                c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
    write_file("10.yaml", text);
    clock_gettime(CLOCK_MONOTONIC, &from);
    load();
    clock_gettime(CLOCK_MONOTONIC, &to);
    ck_assert_ptr_null(conf);
    ck_assert_ptr_nonnull(strstr(diags.v[1].text, "anchors and aliases"));
    ck_assert_int_lt(to.tv_sec - from.tv_sec, 2);
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &use), 0);
    ck_assert_int_lt(use.ru_maxrss, 512 << 10);
}
END_TEST

START_TEST(depth_and_size_are_bounded)
{
    char *text = malloc(3u << 20);

    ck_assert_ptr_nonnull(text);
    memset(text, '[', 1u << 20);
    text[1u << 20] = 0;
    ck_assert_ptr_null(bb_config_load_text("deep", text, 1u << 20, &diags));
    ck_assert_str_eq(diags.v[0].text, "nested deeper than 32 levels");
    bb_diags_free(&diags);
    text[0] = '[';
    for (size_t i = 1; i < 3u << 20; i++)
        text[i] = i % 2 ? 'a' : ',';
    ck_assert_ptr_null(bb_config_load_text("wide", text, 3u << 20, &diags));
    ck_assert_str_eq(diags.v[0].text, "more than 200000 values in one file: split it");
    free(text);
}
END_TEST

START_TEST(merge_keys_and_tags_are_refused)
{
    write_file("10.yaml", "endpoints:\n  a:\n    <<: {connector: x}\n    connector: !!str x\n");
    load();
    EXPECT("10.yaml:3:5: merge keys (<<) are not supported: write the keys out",
           "10.yaml:4:22: tags (!name) are not supported: put a text in quotes, write the rest "
           "plain");
}
END_TEST

TCase *config_yaml(void)
{
    TCase *t = config_case("config_yaml");

    tcase_add_test(t, syntax_errors_are_diagnostics);
    tcase_add_test(t, input_of_every_wrong_kind_is_reported);
    tcase_add_test(t, billion_laughs_are_refused_quickly);
    tcase_add_test(t, depth_and_size_are_bounded);
    tcase_add_test(t, merge_keys_and_tags_are_refused);
    return t;
}
