/*
 * config_faults.c - what is wrong with keys and values, and where it is said
 */
#include "tests/unit/config_rig.h"

#include <stdlib.h>
#include <string.h>

START_TEST(twenty_faults_give_twenty_diagnostics)
{
    write_file("10.yaml", "endpoints:\n"                                   /* 1 */
                          "  erp:\n"                                       /* 2 */
                          "    connectr: sap\n"                            /* 3: 2 */
                          "    isolation: remote\n"                        /* 4 */
                          "    workers: 0\n"                               /* 5 */
                          "    limit: {rate: 50, in_flight: many}\n"       /* 6: 2 */
                          "    probe_after:\n"                             /* 7 */
                          "    memory_max: 16MB\n"                         /* 8 */
                          "    claims: yes\n"                              /* 9 */
                          "    accept: {}\n"                               /* 10 */
                          "  Bad_Name: {connector: x}\n"                   /* 11 */
                          "  plm: {connector: plm, breaker: {open: 2m}}\n" /* 12 */
                          "routes:\n"                                      /* 13 */
                          "  bom-to-erp:\n"                                /* 14 */
                          "    from: plmm\n"                               /* 15 */
                          "    to: erp\n"                                  /* 16 */
                          "    match: {type: a*b}\n"                       /* 17 */
                          "    transform: {map: x}\n"                      /* 18 */
                          "    retry: {max_attemps: 3, initial: 10m}\n"    /* 19: 2 */
                          "    on_failure: hold-lane\n"                    /* 20 */
                          "    sla: fast\n"                               /* 21 */
                          "processes: {}\n");                              /* 22 */
    load();
    ck_assert_ptr_null(conf);
    EXPECT("10.yaml:2:3: endpoint \"erp\": \"connector\" is missing (which connector this "
           "endpoint is one of)",
           "10.yaml:3:5: endpoint \"erp\": unknown key \"connectr\" (did you mean \"connector\"?)",
           "10.yaml:4:16: endpoint \"erp\": isolation: \"remote\" is not supported by this version",
           "10.yaml:5:14: endpoint \"erp\": workers: \"0\" is out of range: 1 to 64",
           "10.yaml:6:19: endpoint \"erp\": limit.rate: \"50\" has no unit; write 50/s, 10/m or "
           "1000/h",
           "10.yaml:6:34: endpoint \"erp\": limit.in_flight: expected a whole number, found a "
           "text",
           "10.yaml:7:5: endpoint \"erp\": probe_after: expected a duration such as 500ms, 2m or "
           "3d, found nothing",
           "10.yaml:8:17: endpoint \"erp\": memory_max: \"16MB\" has an unknown unit; units are B, "
           "KiB, MiB, GiB and TiB",
           "10.yaml:9:13: endpoint \"erp\": claims: expected true or false, found a text",
           "10.yaml:10:5: endpoint \"erp\": accept: expected a list, found a map",
           "10.yaml:11:3: endpoint: \"Bad_Name\" is not a name: a letter, then up to 62 of a-z, "
           "0-9 and -",
           "10.yaml:12:41: endpoint \"plm\": breaker.open is longer than breaker.max",
           "10.yaml:15:11: route \"bom-to-erp\": from: there is no endpoint \"plmm\" (did you mean "
           "\"plm\"?)",
           "10.yaml:17:19: route \"bom-to-erp\": match.type: \"a*b\" is no prefix: \"*\" may only "
           "stand "
           "at the end: \"mfg.bom.*\"",
           "10.yaml:18:5: route \"bom-to-erp\": transform: expected a list, found a map",
           "10.yaml:19:13: route \"bom-to-erp\": retry: unknown key \"max_attemps\" (did you mean "
           "\"attempts\"?)",
           "10.yaml:19:38: route \"bom-to-erp\": retry.initial (10m) is longer than retry.max (5m "
           "by default)",
           "10.yaml:20:17: route \"bom-to-erp\": on_failure: hold-lane needs order_by, which says "
           "what a lane is",
           "10.yaml:21:5: route \"bom-to-erp\": \"sla\" is not supported by this version",
           "10.yaml:22:1: \"processes\" is not supported by this version");
    ck_assert_uint_eq(diags.errors, 20);
}
END_TEST

START_TEST(duplicates_show_both_places)
{
    char want[400];

    write_file("10.yaml", "endpoints:\n  erp: {connector: x}\n  erp: {connector: y}\n"
                          "routes:\n  r: {from: erp, from: erp, to: erp}\njournal: {}\n");
    write_file("20.yaml", "endpoints:\n  erp: {connector: z}\njournal: {}\nroutes:\n"
                          "  r: {from: erp, to: erp}\nroutes: {}\n");
    load();
    ck_assert_ptr_null(conf);
    ck_assert_uint_eq(diags.n, 6);
    snprintf(want, sizeof(want), "key \"erp\" is given twice; first at %s/10.yaml:2:3", dir);
    ck_assert_str_eq(diags.v[0].text, want);
    ck_assert_uint_eq(diags.v[0].line, 3);
    snprintf(want, sizeof(want), "key \"from\" is given twice; first at %s/10.yaml:5:7", dir);
    ck_assert_str_eq(diags.v[1].text, want);
    ck_assert_uint_eq(diags.v[1].col, 18);
    snprintf(want, sizeof(want), "endpoint \"erp\" is given twice; first at %s/10.yaml:2:3", dir);
    ck_assert_str_eq(diags.v[2].text, want);
    ck_assert_ptr_nonnull(strstr(diags.v[2].file, "20.yaml"));
    snprintf(want, sizeof(want), "section \"journal\" is given twice; first at %s/10.yaml:6:1",
             dir);
    ck_assert_str_eq(diags.v[3].text, want);
    snprintf(want, sizeof(want), "route \"r\" is given twice; first at %s/10.yaml:5:3", dir);
    ck_assert_str_eq(diags.v[4].text, want);
    ck_assert_ptr_nonnull(strstr(diags.v[5].text, "key \"routes\" is given twice"));
}
END_TEST

START_TEST(the_caret_stands_below)
{
    char *p;

    write_file("10.yaml",
               "endpoints:\n  a: {connector: x}\nroutes:\n"
               "  r:\n    from: a\n    to: a\n    m\xc3\xa9: 3\n    order_by: \"\xc3\xa4 b\"\n");
    load();
    p = printed();
    ck_assert_ptr_nonnull(strstr(p, "10.yaml:7:5: error: route \"r\": unknown key \"m\xc3\xa9\"\n"
                                    "    7 |     m\xc3\xa9: 3\n"
                                    "      |     ^~\n"));
    ck_assert_ptr_nonnull(strstr(p, "    8 |     order_by: \"\xc3\xa4 b\"\n"
                                    "      |               ^~~~~\n"));
    ck_assert_ptr_nonnull(strstr(p, "{\"errors\":2,\"diagnostics\":[{\"file\":\""));
    ck_assert_ptr_nonnull(
        strstr(p, "\"line\":7,\"column\":5,\"severity\":\"error\",\"message\":\"route "
                  "\\\"r\\\": unknown key"));
    free(p);
}
END_TEST

START_TEST(columns_count_characters)
{
    write_file(
        "10.yaml",
        "endpoints:\n  a: {connector: x, config: {\"\xc3\xa4\xe2\x82\xac\": 1}, wrkers: 2}\n");
    load();
    EXPECT("10.yaml:2:40: endpoint \"a\": unknown key \"wrkers\" (did you mean \"workers\"?)");
}
END_TEST

START_TEST(missing_and_empty_folders_are_reported)
{
    load();
    ck_assert_ptr_null(conf);
    ck_assert_str_eq(diags.v[0].text, "there is no *.yaml file in this folder");
    bb_diags_free(&diags);
    ck_assert_ptr_null(bb_config_load("/nowhere/conf.d", &diags));
    ck_assert_str_eq(diags.v[0].text, "cannot be read: No such file or directory");
    bb_diags_free(&diags);
    write_file("10.yaml", "journal: {}\n");
    load();
    ck_assert_ptr_null(conf);
    ck_assert_str_eq(diags.v[0].text, "no endpoint is configured: nothing would run");
}
END_TEST

START_TEST(later_diagnostics_find_their_place)
{
    struct bb_where w;
    char *p;

    load_good("endpoints:\n  a: {connector: x}\nroutes:\n  r:\n    from: a\n    to: a\n"
              "    transform:\n      - map:\n          set:\n            - {a/b: 1, c: 2}\n");
    w = bb_config_locate(conf->routes[0].steps[0].where, "/map/set/0/a~1b");
    ck_assert_uint_eq(w.line, 10);
    ck_assert_uint_eq(w.col, 21);
    bb_config_diag(&diags, BB_SEV_ERROR, w, "no %s", "good");
    w = bb_config_locate(conf->routes[0].steps[0].where, "/map/set/7/x");
    ck_assert_uint_eq(w.line, 9); /* the nearest parent */
    ck_assert_uint_eq(w.col, 11);
    w = bb_config_locate(conf->routes[0].steps[0].where, "");
    ck_assert_uint_eq(w.line, 8);
    p = printed();
    ck_assert_ptr_nonnull(strstr(p, "10.yaml:10:21: error: no good\n"
                                    "   10 |             - {a/b: 1, c: 2}\n"
                                    "      |                     ^\n"));
    free(p);
}
END_TEST

TCase *config_faults(void)
{
    TCase *t = config_case("config_faults");

    tcase_add_test(t, twenty_faults_give_twenty_diagnostics);
    tcase_add_test(t, duplicates_show_both_places);
    tcase_add_test(t, the_caret_stands_below);
    tcase_add_test(t, columns_count_characters);
    tcase_add_test(t, missing_and_empty_folders_are_reported);
    tcase_add_test(t, later_diagnostics_find_their_place);
    return t;
}
