/*
 * test_cli.c - parsing of commands and options
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "core/cli/cli.h"

static struct bb_args got;
static int runs;

static int run(const struct bb_args *a)
{
    got = *a;
    runs++;
    return 42;
}

static const struct bb_command commands[] = {
    {"quarantine", "COMMAND", "", 0, 0, NULL, 0, "q", NULL},
    {"quarantine list", "", "snJ", 0, 0, run, 0, "list", NULL},
    {"quarantine show", "ROUTE/SEQ", "srS", 0, 1, run, 0, "show", NULL},
    {"send", "FILE...", "sec", 1, -1, run, 7, "send", NULL},
    {"version", "", "", 0, 0, run, 0, "version", NULL},
    {0}};

static int parse(const char *line)
{
    static char copy[512];
    static char *argv[32]; /* got.rest points into it */
    char *save = NULL;
    int argc = 1;

    argv[0] = (char[]){"busbar"};
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *w = strtok_r(copy, " ", &save); w && argc < 31; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    argv[argc] = NULL;
    runs = 0;
    memset(&got, 0, sizeof(got));
    return bb_cli_main(commands, argc, argv);
}

START_TEST(options_reach_the_command)
{
    unsetenv("BUSBAR_STATE");
    ck_assert_int_eq(parse("send -e erp --state /s a b"), 42);
    ck_assert_str_eq(got.endpoint, "erp");
    ck_assert_int_eq(got.command->what, 7);
    ck_assert_str_eq(got.state, "/s");
    ck_assert_str_eq(got.conf, BB_CONFDIR);
    ck_assert_int_eq(got.n, 2);
    ck_assert_str_eq(got.rest[1], "b");
    ck_assert_int_eq(parse("send a -e erp -- -b"), 42); /* in any order; -- ends the options */
    ck_assert_int_eq(got.n, 2);
    ck_assert_str_eq(got.rest[1], "-b");
    ck_assert_str_eq(got.state, BB_STATEDIR);
    ck_assert_int_eq(parse("quarantine list --max 7 --json"), 42);
    ck_assert_uint_eq(got.max, 7);
    ck_assert(got.json);
    ck_assert_int_eq(parse("quarantine show --route r --seq 0"), 42);
    ck_assert_uint_eq(got.seq, 0);
    ck_assert_int_eq(parse("quarantine show r/1"), 42);
    ck_assert(got.seq == BB_NO_SEQ && got.n == 1);
    ck_assert_int_eq(parse("--version"), 42);
}
END_TEST

START_TEST(the_environment_gives_defaults)
{
    setenv("BUSBAR_STATE", "/from/env", 1);
    setenv("BUSBAR_CONF", "", 1); /* empty is as not set */
    ck_assert_int_eq(parse("send x"), 42);
    ck_assert_str_eq(got.state, "/from/env");
    ck_assert_str_eq(got.conf, BB_CONFDIR);
    ck_assert_int_eq(parse("send --state=/given x"), 42);
    ck_assert_str_eq(got.state, "/given");
    unsetenv("BUSBAR_STATE");
    unsetenv("BUSBAR_CONF");
}
END_TEST

START_TEST(wrong_usage_is_2_and_runs_nothing)
{
    static const char *const lines[] = {
        "", "nothing", "quarantine", "quarantine lst", "quarantine list extra", "send",
        "quarantine list --max", "quarantine list --max x", "quarantine list --max -1",
        "quarantine list --max 18446744073709551616", "quarantine list --nope",
        "quarantine list -e erp", /* an option of another command's */
        "quarantine list -x", "version -c x"};

    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        ck_assert_msg(parse(lines[i]) == BB_EXIT_USAGE, "%s", lines[i]);
        ck_assert_int_eq(runs, 0);
    }
}
END_TEST

START_TEST(help_is_0_and_runs_nothing)
{
    static const char *const lines[] = {"--help", "help", "-h", "help send", "send --help",
                                        "send -h", "quarantine --help", "quarantine list --help"};

    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        ck_assert_msg(parse(lines[i]) == BB_EXIT_OK, "%s", lines[i]);
        ck_assert_int_eq(runs, 0);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cli");
    TCase *t = tcase_create("cli");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, options_reach_the_command);
    tcase_add_test(t, the_environment_gives_defaults);
    tcase_add_test(t, wrong_usage_is_2_and_runs_nothing);
    tcase_add_test(t, help_is_0_and_runs_nothing);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
