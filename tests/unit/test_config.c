/*
 * test_config.c - conf.d: values, places, refusals, secrets, the manifest's schema
 *
 * Every test writes real files into a folder of its own. Expected diagnostics are written as
 * file:line:col: text, so a wrong column fails.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memmem */
#endif
#include "core/config/internal.h"

#include <busbar/json.h>
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char dir[64];
static struct bb_diags diags;
static struct bb_config *conf;

static void write_file(const char *name, const char *text)
{
    char path[256];
    size_t len = strlen(text);
    int fd;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
    ck_assert_int_eq(close(fd), 0);
}

static void setup(void)
{
    strcpy(dir, "/tmp/bb-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    memset(&diags, 0, sizeof(diags));
    conf = NULL;
}

static void teardown(void)
{
    char cmd[128];

    bb_config_free(conf);
    bb_diags_free(&diags);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    ck_assert_int_eq(system(cmd), 0);
}

/* Everything that the printers show, in one text. */
static char *printed(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(f);
    bb_diags_print(&diags, f);
    bb_diags_print_json(&diags, f);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

static void load(void)
{
    conf = bb_config_load(dir, &diags);
}

static void load_good(const char *text)
{
    char *p;

    write_file("10.yaml", text);
    load();
    if (conf)
        return;
    p = printed();
    ck_abort_msg("%s", p);
}

/* Compares all diagnostics with "name:line:col: text", in order; NULL ends the list. */
static void expect(const char *const *want)
{
    char got[1200];
    size_t i;

    for (i = 0; want[i] && i < diags.n; i++) {
        const struct bb_diag *x = &diags.v[i];
        const char *name = x->file ? strrchr(x->file, '/') + 1 : "-";

        snprintf(got, sizeof(got), "%s:%u:%u: %s", name, x->line, x->col, x->text);
        ck_assert_str_eq(got, want[i]);
    }
    if (i < diags.n)
        ck_abort_msg("not expected: %u:%u %s", diags.v[i].line, diags.v[i].col, diags.v[i].text);
    ck_assert_msg(!want[i], "missing: %s", want[i]);
}

#define EXPECT(...) expect((const char *const[]){__VA_ARGS__, NULL})

/* A msgpack value as JSON text. */
static char *json_of(struct bb_bytes v)
{
    struct bb_buf b;
    struct bb_fault err;

    bb_buf_init(&b, 1 << 20);
    ck_assert_msg(bb_json_write(v, &b, &err) == 0, "%s", err.text);
    bb_buf_put(&b, "", 1);
    ck_assert_int_eq(b.failed, 0);
    return (char *)b.ptr;
}

/* ---- good ----------------------------------------------------------------------------------- */

START_TEST(every_key_is_read)
{
    const struct bb_endpoint_config *e;
    const struct bb_route_config *r;
    char *j, path[128];

    load_good("endpoints:\n"
              "  erp:\n"
              "    connector: sap\n"
              "    isolation: thread\n"
              "    workers: 4\n"
              "    limit: {rate: 2.5/s, burst: 100, in_flight: 16}\n"
              "    breaker: {failures: 0, open: 2s, max: 1m30s}\n"
              "    probe_after: 3m\n"
              "    timeout: 45s\n"
              "    unmatched: refuse\n"
              "    claims: false\n"
              "    batch_max: 8\n"
              "    memory_max: 64MiB\n"
              "    config:\n"
              "      text: \"12\"\n"
              "      list: [1, -2, 18446744073709551615, 1.50, true, null, ~, 0x1f, .5, 1e3]\n"
              "      client: busbar\n"
              "  plm: {connector: plm}\n"
              "routes:\n"
              "  bom-to-erp:\n"
              "    from: plm\n"
              "    match: {type: mfg.bom.*, plant: [1000, 0010]}\n"
              "    transform:\n"
              "      - map: {file: a.yaml}\n"
              "      - jq: .x\n"
              "    to: erp\n"
              "    order_by: item\n"
              "    retry: {attempts: 12, backoff: fixed, initial: 1s, max: 5m, jitter: none,\n"
              "            retry_after_max: 11m, max_age: 0}\n"
              "    on_unknown: quarantine\n"
              "    on_failure: skip\n"
              "    start: now\n"
              "    commutative: true\n"
              "    paused: true\n"
              "  back: {from: erp, to: plm}\n"
              "journal: {map_size: 1GiB, reserve: 2MiB, retention: 30d, claims_window: 2d,\n"
              "          claims_max: 10, max_message: 1MiB, index: false}\n"
              "plugins: {path: [/opt/a, b]}\n");
    EXPECT(NULL);
    ck_assert_uint_eq(conf->n_endpoints, 2);
    e = bb_config_endpoint(conf, "erp");
    ck_assert_ptr_nonnull(e);
    ck_assert_str_eq(e->connector, "sap");
    ck_assert_int_eq(e->isolation, BB_ISO_THREAD);
    ck_assert_uint_eq(e->workers, 4);
    ck_assert_double_eq(e->limit.rate, 2.5);
    ck_assert_uint_eq(e->limit.burst, 100);
    ck_assert_uint_eq(e->limit.in_flight, 16);
    ck_assert_uint_eq(e->breaker.failures, 0);
    ck_assert_uint_eq(e->breaker.open_ms, 2000);
    ck_assert_uint_eq(e->breaker.max_ms, 90000);
    ck_assert_uint_eq(e->probe_after_ms, 180000);
    ck_assert_uint_eq(e->timeout_ms, 45000);
    ck_assert_int_eq(e->unmatched, BB_UNMATCHED_REFUSE);
    ck_assert(!e->claims);
    ck_assert_uint_eq(e->batch_max, 8);
    ck_assert_uint_eq(e->memory_max, 64 << 20);
    ck_assert(e->is_source && e->is_sink);
    j = json_of(e->config);
    ck_assert_str_eq(j, "{\"text\":\"12\",\"list\":[1,-2,18446744073709551615,1.50,true,null,null,"
                        "31,0.5,1e3],\"client\":\"busbar\"}");
    free(j);
    ck_assert_uint_eq(e->where.line, 2);
    ck_assert_uint_eq(e->where.col, 3);
    ck_assert_uint_eq(e->config_where.line, 14);
    r = &conf->routes[0];
    ck_assert_uint_eq(r->n_match, 2);
    ck_assert_str_eq(r->match[0].attribute, "type");
    ck_assert_str_eq(r->match[0].values[0], "mfg.bom.*");
    ck_assert_uint_eq(r->match[1].n, 2);
    ck_assert_str_eq(r->match[1].values[1], "0010"); /* a code, not ten */
    ck_assert_uint_eq(r->n_steps, 2);
    ck_assert_str_eq(r->steps[1].kind, "jq");
    j = json_of(r->steps[0].config);
    ck_assert_str_eq(j, "{\"file\":\"a.yaml\"}");
    free(j);
    ck_assert_str_eq(r->order_by, "item");
    ck_assert_uint_eq(r->retry.attempts, 12);
    ck_assert(!r->retry.exponential && !r->retry.full_jitter);
    ck_assert_uint_eq(r->retry.retry_after_max_ms, 660000);
    ck_assert_uint_eq(r->retry.max_age_ms, 0);
    ck_assert_int_eq(r->on_unknown, BB_UNKNOWN_QUARANTINE);
    ck_assert_int_eq(r->on_failure, BB_FAIL_SKIP);
    ck_assert_int_eq(r->start, BB_START_NOW);
    ck_assert(r->commutative && r->paused);
    ck_assert_uint_eq(conf->journal.map_size, 1 << 30);
    ck_assert_uint_eq(conf->journal.reserve, 2 << 20);
    ck_assert_uint_eq(conf->journal.retention_ms, 30ull * 86400000);
    ck_assert_uint_eq(conf->journal.claims_max, 10);
    ck_assert(!conf->journal.index);
    snprintf(path, sizeof(path), "%s/b", dir);
    ck_assert_str_eq(conf->plugin_path[0], "/opt/a");
    ck_assert_str_eq(conf->plugin_path[1], path);
    ck_assert_ptr_null(conf->plugin_path[2]);
}
END_TEST

START_TEST(defaults_are_filled)
{
    const struct bb_endpoint_config *e;

    load_good("endpoints:\n  a: {connector: x, limit: {rate: 90/m}, config: }\n"
              "routes:\n  r: {from: a, to: a, order_by: item}\n  s: {from: a, to: a}\n");
    EXPECT(NULL);
    e = &conf->endpoints[0];
    ck_assert_int_eq(e->isolation, BB_ISO_PROCESS);
    ck_assert_uint_eq(e->workers, 1);
    ck_assert_uint_eq(e->limit.burst, 2); /* 1.5 a second, rounded up */
    ck_assert_uint_eq(e->limit.in_flight, 256);
    ck_assert_uint_eq(e->breaker.failures, 5);
    ck_assert_uint_eq(e->probe_after_ms, 120000);
    ck_assert(e->claims);
    ck_assert_uint_eq(e->config.len, 1); /* an empty map */
    ck_assert_int_eq(conf->routes[0].on_failure, BB_FAIL_HOLD_LANE);
    ck_assert_int_eq(conf->routes[1].on_failure, BB_FAIL_QUARANTINE);
    ck_assert_uint_eq(conf->routes[0].retry.attempts, 10);
    ck_assert_uint_eq(conf->routes[0].retry.max_age_ms, 3ull * 86400000);
    ck_assert_uint_eq(conf->journal.max_message, 16 << 20);
    ck_assert_ptr_null(conf->plugin_path);
}
END_TEST

START_TEST(unused_endpoint_is_a_warning)
{
    load_good("endpoints:\n  a: {connector: x}\n  b: {connector: x}\n"
              "routes:\n  r: {from: a, to: a}\n");
    EXPECT("10.yaml:3:3: endpoint \"b\" is not used by any route");
    ck_assert_uint_eq(diags.errors, 0);
}
END_TEST

/* ---- faults --------------------------------------------------------------------------------- */

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
                          "    emit: {}\n"                                 /* 21 */
                          "policies: {}\n");                               /* 22 */
    load();
    ck_assert_ptr_null(conf);
    EXPECT("10.yaml:2:3: endpoint \"erp\": \"connector\" is missing: a value is required",
           "10.yaml:3:5: endpoint \"erp\": unknown key \"connectr\" (did you mean \"connector\"?)",
           "10.yaml:4:16: endpoint \"erp\": isolation: \"remote\" is not supported by this version",
           "10.yaml:5:14: endpoint \"erp\": workers: \"0\" is out of range: 1 to 64",
           "10.yaml:6:19: endpoint \"erp\": limit.rate: \"50\" has no unit; write 50/s, 10/m or "
           "1000/h",
           "10.yaml:6:34: endpoint \"erp\": limit.in_flight: \"many\" is not a whole number",
           "10.yaml:7:5: endpoint \"erp\": probe_after: expected a duration such as 500ms, 2m or "
           "3d, found nothing",
           "10.yaml:8:17: endpoint \"erp\": memory_max: \"16MB\" has an unknown unit; units are B, "
           "KiB, MiB, GiB and TiB",
           "10.yaml:9:13: endpoint \"erp\": claims: \"yes\" is not true or false",
           "10.yaml:10:5: endpoint \"erp\": \"accept\" is not supported by this version",
           "10.yaml:11:3: \"Bad_Name\" is no name for an endpoint: a letter, then up to 62 of a-z, "
           "0-9 and -",
           "10.yaml:12:41: endpoint \"plm\": breaker.open is longer than breaker.max",
           "10.yaml:15:11: route \"bom-to-erp\": from: there is no endpoint \"plmm\" (did you mean "
           "\"plm\"?)",
           "10.yaml:17:19: route \"bom-to-erp\": match.type: \"*\" may only stand at the end: "
           "\"mfg.bom.*\"",
           "10.yaml:18:5: route \"bom-to-erp\": transform: expected a list of steps, found a map",
           "10.yaml:19:13: route \"bom-to-erp\": unknown key \"max_attemps\" (did you mean "
           "\"attempts\"?)",
           "10.yaml:19:38: route \"bom-to-erp\": retry.initial (10m) is longer than retry.max (5m "
           "by default)",
           "10.yaml:20:17: route \"bom-to-erp\": on_failure: hold-lane needs order_by, which says "
           "what a lane is",
           "10.yaml:21:5: route \"bom-to-erp\": \"emit\" is not supported by this version",
           "10.yaml:22:1: \"policies\" is not supported by this version");
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
    snprintf(want, sizeof(want), "endpoint \"erp\" is defined twice; first at %s/10.yaml:2:3", dir);
    ck_assert_str_eq(diags.v[0].text, want);
    ck_assert_uint_eq(diags.v[0].line, 3);
    snprintf(want, sizeof(want), "key \"from\" is given twice; first at %s/10.yaml:5:7", dir);
    ck_assert_str_eq(diags.v[1].text, want);
    ck_assert_uint_eq(diags.v[1].col, 18);
    snprintf(want, sizeof(want), "endpoint \"erp\" is defined twice; first at %s/10.yaml:2:3", dir);
    ck_assert_str_eq(diags.v[2].text, want);
    ck_assert_ptr_nonnull(strstr(diags.v[2].file, "20.yaml"));
    snprintf(want, sizeof(want), "\"journal\" is defined twice; first at %s/10.yaml:6:1", dir);
    ck_assert_str_eq(diags.v[3].text, want);
    snprintf(want, sizeof(want), "route \"r\" is defined twice; first at %s/10.yaml:5:3", dir);
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
           "20.yaml:3:3: route \"s\": \"to\" is missing: a name is required",
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
           "50.yaml:1:1: expected sections (endpoints:, routes:, ...), found a list",
           "60.yml:0:0: is not read: the name has to end in .yaml",
           "70.yaml:0:0: is a folder: a file was expected",
           "80.yaml:0:0: is not a regular file: a file was expected");
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

START_TEST(columns_count_characters)
{
    write_file(
        "10.yaml",
        "endpoints:\n  a: {connector: x, config: {\"\xc3\xa4\xe2\x82\xac\": 1}, wrkers: 2}\n");
    load();
    EXPECT("10.yaml:2:40: endpoint \"a\": unknown key \"wrkers\" (did you mean \"workers\"?)");
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

/* ---- variables ------------------------------------------------------------------------------ */

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
    ck_assert_ptr_nonnull(strstr(p, "workers: \"${BB_TEST_SECRET}\" is not a whole number"));
    ck_assert_uint_ge(diags.errors, 6);
    free(p);
}
END_TEST

/* ---- a connector's own keys ----------------------------------------------------------------- */

static const char schema_text[] =
    "{\"type\":\"object\",\"required\":[\"base_url\",\"password\"],\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"format\":\"uri\",\"description\":\"where the ERP is\"},"
    "\"password\":{\"format\":\"secret\"},"
    "\"timeout\":{\"type\":\"string\",\"format\":\"duration\",\"default\":\"30s\","
    "\"minimum\":1000,\"maximum\":60000},"
    "\"chunk\":{\"type\":\"string\",\"format\":\"size\",\"default\":65536},"
    "\"mode\":{\"type\":\"string\",\"enum\":[\"json\",\"jsonl\",\"csv\"],\"default\":\"json\"},"
    "\"client\":{\"type\":\"string\",\"minLength\":3,\"maxLength\":3},"
    "\"port\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535},"
    "\"factor\":{\"type\":\"number\"},"
    "\"records\":{\"type\":\"string\",\"format\":\"pointer\"},"
    "\"ok\":{\"format\":\"uint-list\",\"default\":[200,201]},"
    "\"dir\":{\"type\":\"string\",\"format\":\"path\"},"
    "\"headers\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"tls\":{\"type\":\"object\",\"default\":{},\"properties\":{"
    "\"verify\":{\"type\":\"boolean\",\"default\":true}}},"
    "\"tags\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}},"
    "\"auth\":{\"type\":\"object\",\"required\":[\"key\"],\"properties\":{"
    "\"key\":{\"format\":\"secret\"},\"user\":{\"type\":\"string\"}}},"
    "\"any\":{\"additionalProperties\":true}}}";

static int check_with(const char *json, struct bb_buf *out)
{
    struct bb_buf schema;
    struct bb_fault err;
    int rc;

    bb_buf_init(&schema, 1 << 20);
    bb_buf_init(out, 1 << 20);
    ck_assert_msg(bb_json_read((struct bb_bytes){json, strlen(json)}, &schema, &err) == 0, "%s",
                  err.text);
    rc = bb_config_check_endpoint(conf, &conf->endpoints[0],
                                  (struct bb_bytes){schema.ptr, schema.len}, out, &diags);
    bb_buf_free(&schema);
    return rc;
}

static void load_config(const char *config)
{
    char text[4096];

    snprintf(text, sizeof(text),
             "endpoints:\n  erp:\n    connector: sap\n    config:\n%s"
             "routes:\n  r: {from: erp, to: erp}\n",
             config);
    load_good(text);
}

START_TEST(a_good_config_is_converted_and_filled)
{
    struct bb_buf out;
    struct bb_bytes secret;
    char *j, want[800];

    write_file("pw", "hunter2\n");
    setenv("BB_TEST_KEY", "s3cret", 1);
    setenv("BB_TEST_PORT", "8443", 1);
    load_config("      base_url: https://erp.example/x\n"
                "      password: {file: pw}\n"
                "      timeout: 1m\n"
                "      client: 100\n"
                "      port: ${BB_TEST_PORT}\n"
                "      factor: 1.50\n"
                "      records: /a~1b/0\n"
                "      dir: in\n"
                "      headers: {X-A: b}\n"
                "      tags: [a, b]\n"
                "      auth: {key: {env: BB_TEST_KEY}, user: u}\n"
                "      any: {x: [1, {y: null}]}\n");
    ck_assert_int_eq(check_with(schema_text, &out), 0);
    EXPECT(NULL);
    j = json_of((struct bb_bytes){out.ptr, out.len});
    snprintf(want, sizeof(want),
             "{\"base_url\":\"https://erp.example/x\",\"password\":\"erp/password\","
             "\"timeout\":60000,\"client\":\"100\",\"port\":8443,\"factor\":1.50,"
             "\"records\":\"/a~1b/0\",\"dir\":\"%s/in\",\"headers\":{\"X-A\":\"b\"},"
             "\"tags\":[\"a\",\"b\"],\"auth\":{\"key\":\"erp/auth/key\",\"user\":\"u\"},"
             "\"any\":{\"x\":[1,{\"y\":null}]},\"chunk\":65536,\"mode\":\"json\",\"ok\":[200,201],"
             "\"tls\":{\"verify\":true}}",
             dir);
    ck_assert_str_eq(j, want);
    ck_assert_int_eq(bb_config_secret(conf, "erp", "erp/password", &secret), 0);
    ck_assert_uint_eq(secret.len, 7);
    ck_assert_mem_eq(secret.ptr, "hunter2", 8);
    ck_assert_int_eq(bb_config_secret(conf, "erp", "erp/auth/key", &secret), 0);
    ck_assert_mem_eq(secret.ptr, "s3cret", 7);
    ck_assert_int_eq(bb_config_secret(conf, "plm", "erp/auth/key", &secret), -1);
    free(j);
    bb_buf_free(&out);
}
END_TEST

START_TEST(faults_in_a_config_have_their_place)
{
    struct bb_buf out;
    char *p;

    load_config("      base_ulr: https://erp.example/x\n" /* 5 */
                "      password: hunter2\n"               /* 6 */
                "      timeout: 30\n"                     /* 7 */
                "      chunk: 4XB\n"                      /* 8 */
                "      mode: jsn\n"                       /* 9 */
                "      client: 12\n"                      /* 10 */
                "      port: 70000\n"                     /* 11 */
                "      factor: abc\n"                     /* 12 */
                "      records: a\n"                      /* 13 */
                "      ok: [200, x]\n"                    /* 14 */
                "      headers: {a: [1]}\n"               /* 15 */
                "      tls:\n"                            /* 16 */
                "        verfy: true\n"                   /* 17 */
                "      tags: []\n"                        /* 18 */
                "      auth: {user: true}\n");            /* 19 */
    ck_assert_int_eq(check_with(schema_text, &out), -1);
    ck_assert_uint_eq(out.len, 0);
    EXPECT(
        "10.yaml:4:5: endpoint \"erp\": \"base_url\" is missing (where the ERP is)",
        "10.yaml:5:7: endpoint \"erp\": unknown key \"base_ulr\" (did you mean \"base_url\"?)",
        "10.yaml:6:17: endpoint \"erp\": password: secrets are given as {file: ...}, {env: ...} "
        "or {credential: ...}",
        "10.yaml:7:16: endpoint \"erp\": timeout: \"30\" has no unit; write 500ms, 30s, 2m, 1h "
        "or 3d",
        "10.yaml:8:14: endpoint \"erp\": chunk: \"4XB\" has an unknown unit; units are B, KiB, "
        "MiB, GiB and TiB",
        "10.yaml:9:13: endpoint \"erp\": mode: \"jsn\" is not allowed; it is one of json, jsonl, "
        "csv (did you mean \"json\"?)",
        "10.yaml:10:15: endpoint \"erp\": client: is shorter than 3 characters",
        "10.yaml:11:13: endpoint \"erp\": port: \"70000\" is out of range: 1 to 65535",
        "10.yaml:12:15: endpoint \"erp\": factor: expected a number, found a text",
        "10.yaml:13:16: endpoint \"erp\": records: \"a\" is not a JSON pointer: it starts with "
        "\"/\"",
        "10.yaml:14:17: endpoint \"erp\": ok[1]: \"x\" is not a whole number",
        "10.yaml:15:17: endpoint \"erp\": headers.a: expected a text, found a list",
        "10.yaml:17:9: endpoint \"erp\": unknown key \"verfy\" (did you mean \"verify\"?)",
        "10.yaml:18:7: endpoint \"erp\": tags: holds 0 values; at least 1 are needed",
        "10.yaml:19:7: endpoint \"erp\": auth: \"key\" is missing",
        "10.yaml:19:20: endpoint \"erp\": auth.user: expected a text, found true or false");
    p = printed();
    ck_assert_ptr_null(strstr(p, "hunter2")); /* refused, and not shown */
    ck_assert_ptr_nonnull(strstr(p, "password: *******"));
    free(p);
    bb_buf_free(&out);
}
END_TEST

START_TEST(secrets_never_leak)
{
    struct bb_buf out;
    char *p, *big = calloc(1, 70000);
    char path[128];

    ck_assert_ptr_nonnull(big);
    memset(big, 'x', 69999);
    write_file("big", big);
    free(big);
    write_file("open", "hunter2\n");
    snprintf(path, sizeof(path), "%s/open", dir);
    ck_assert_int_eq(chmod(path, 0644), 0);
    unsetenv("CREDENTIALS_DIRECTORY");
    unsetenv("BB_TEST_NONE");
    write_file("10.yaml",
               "endpoints:\n"
               "  erp: {connector: sap, wrokers: 3, config: {token: hunter2, a: {file: open}, "
               "b: {file: gone}, c: {file: big}, d: {credential: x}, e: {env: BB_TEST_NONE}, "
               "f: {file: [hunter2]}, u: \"http://u:hunter2@h/\"}}\n");
    load();
    ck_assert_ptr_null(conf); /* wrokers: the excerpt shows the whole line */
    p = printed();
    ck_assert_ptr_nonnull(strstr(p, "wrokers"));
    ck_assert_ptr_null(strstr(p, "token: hunter2"));
    free(p);
    bb_diags_free(&diags);
    load_config("      token: hunter2\n      a: {file: open}\n      b: {file: gone}\n"
                "      c: {file: big}\n      d: {credential: x}\n      e: {env: BB_TEST_NONE}\n"
                "      f: {value: hunter2}\n      u: \"http://u:hunter2@h/\"\n");
    ck_assert_int_eq(
        check_with("{\"properties\":{\"token\":{\"format\":\"secret\"},\"u\":{\"format\":\"uri\"}},"
                   "\"additionalProperties\":{\"format\":\"secret\"}}",
                   &out),
        -1);
    EXPECT(
        "10.yaml:5:14: endpoint \"erp\": token: secrets are given as {file: ...}, {env: ...} or "
        "{credential: ...}",
        "10.yaml:6:17: endpoint \"erp\": a: secret file \"open\" can be read by everyone: chmod "
        "o-r",
        "10.yaml:7:17: endpoint \"erp\": b: secret file \"gone\" cannot be read: No such file or "
        "directory",
        "10.yaml:8:17: endpoint \"erp\": c: \"big\" is larger than 64 KiB",
        "10.yaml:9:23: endpoint \"erp\": d: credentials come from systemd, and "
        "CREDENTIALS_DIRECTORY is not set: add LoadCredential= to the unit",
        "10.yaml:10:16: endpoint \"erp\": e: environment variable \"BB_TEST_NONE\" is not set",
        "10.yaml:11:7: endpoint \"erp\": f: secrets are given as {file: ...}, {env: ...} or "
        "{credential: ...}",
        "10.yaml:12:10: endpoint \"erp\": u: a URI may not hold a password: give it as a secret "
        "of its own");
    p = printed();
    ck_assert_ptr_null(strstr(p, "hunter2"));
    free(p);
    ck_assert_ptr_null(memmem(out.ptr, out.cap, "hunter2", 7));
    bb_buf_free(&out);
}
END_TEST

START_TEST(systemd_credentials_are_read)
{
    struct bb_buf out;
    struct bb_bytes secret;

    write_file("erp-pw", "hunter2");
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
    load_config("      k: {credential: erp-pw}\n");
    ck_assert_int_eq(check_with("{\"properties\":{\"k\":{\"format\":\"secret\"}}}", &out), 0);
    ck_assert_int_eq(bb_config_secret(conf, "erp", "erp/k", &secret), 0);
    ck_assert_mem_eq(secret.ptr, "hunter2", 8);
    bb_buf_free(&out);
    bb_config_free(conf);
    load_config("      k: {credential: x/../erp-pw}\n");
    ck_assert_int_eq(check_with("{\"properties\":{\"k\":{\"format\":\"secret\"}}}", &out), -1);
    EXPECT("10.yaml:5:23: endpoint \"erp\": k: a credential is a name without \"/\", as in "
           "LoadCredential=");
    bb_buf_free(&out);
}
END_TEST

START_TEST(faulty_schemas_name_the_connector)
{
    static const char *const faulty[][2] = {
        {"[]", "connector \"sap\" has a faulty schema at \"\": is not a map"},
        {"{\"properties\":{\"a\":{\"type\":\"strng\"}}}",
         "connector \"sap\" has a faulty schema at \"/a\": \"type\" is not a type or a list of "
         "types"},
        {"{\"properties\":{\"a\":{\"oneOf\":[]}}}",
         "connector \"sap\" has a faulty schema at \"/a\": the word \"oneOf\" is not supported"},
        {"{\"properties\":{\"a\":{\"items\":{\"format\":\"email\"}}}}",
         "connector \"sap\" has a faulty schema at \"/a/items\": \"format\" is none of duration, "
         "size, secret, pointer, uri, path and uint-list"},
        {"{\"required\":[1]}",
         "connector \"sap\" has a faulty schema at \"\": \"required\" is not a list of texts"},
        {"{\"properties\":{\"a\":{\"type\":\"integer\",\"default\":\"x\"}}}",
         "connector \"sap\" has a faulty schema: the default of \"a\": expected a whole number, "
         "found a text"},
    };
    struct bb_buf out;
    size_t i;

    load_config("      {}\n");
    for (i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
        ck_assert_int_eq(check_with(faulty[i][0], &out), -1);
        ck_assert_uint_eq(diags.n, 1);
        ck_assert_str_eq(diags.v[0].text, faulty[i][1]);
        ck_assert_uint_eq(diags.v[0].line, 3);
        bb_buf_free(&out);
        bb_diags_free(&diags);
    }
}
END_TEST

START_TEST(later_diagnostics_find_their_place)
{
    struct bb_where w;
    char *p;

    load_good("endpoints:\n  a: {connector: x}\nroutes:\n  r:\n    from: a\n    to: a\n"
              "    transform:\n      - map:\n          set:\n            - {a/b: 1, c: 2}\n");
    w = bb_config_locate(conf, conf->routes[0].steps[0].where, "/set/0/a~1b");
    ck_assert_uint_eq(w.line, 10);
    ck_assert_uint_eq(w.col, 21);
    bb_config_diag(conf, &diags, BB_SEV_ERROR, w, "no %s", "good");
    w = bb_config_locate(conf, conf->routes[0].steps[0].where, "/set/7/x");
    ck_assert_uint_eq(w.line, 9); /* the nearest parent */
    ck_assert_uint_eq(w.col, 11);
    w = bb_config_locate(conf, conf->routes[0].steps[0].where, "");
    ck_assert_uint_eq(w.line, 8);
    p = printed();
    ck_assert_ptr_nonnull(strstr(p, "10.yaml:10:21: error: no good\n"
                                    "   10 |             - {a/b: 1, c: 2}\n"
                                    "      |                     ^\n"));
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
    struct bb_why why;
    uint64_t v;
    double r;

    ck_assert_int_eq(bb_value_duration("1h30m", &v, &why), 0);
    ck_assert_uint_eq(v, 5400000);
    ck_assert_int_eq(bb_value_duration("0.1s", &v, &why), 0);
    ck_assert_uint_eq(v, 100);
    ck_assert_int_eq(bb_value_duration("0.0001s", &v, &why), -1);
    ck_assert_int_eq(bb_value_duration("-1s", &v, &why), -1);
    ck_assert_int_eq(bb_value_duration("1sx", &v, &why), -1);
    ck_assert_int_eq(bb_value_duration("99999999999999999999d", &v, &why), -1);
    ck_assert_int_eq(bb_value_duration("18446744073709551615w", &v, &why), -1);
    ck_assert_int_eq(bb_value_size("1.5KiB", &v, &why), 0);
    ck_assert_uint_eq(v, 1536);
    ck_assert_int_eq(bb_value_size("0.3B", &v, &why), -1);
    ck_assert_int_eq(bb_value_rate("30/m", &r, &why), 0);
    ck_assert_double_eq(r, 0.5);
    ck_assert_int_eq(bb_value_rate("30/s2", &r, &why), -1);
    ck_assert_int_eq(bb_value_uint("007", &v, &why), -1);
    ck_assert_int_eq(bb_core_kind("1_000", 5), BB_CORE_STR);
    ck_assert_int_eq(bb_core_kind("-.5e+3", 6), BB_CORE_NUMBER);
    ck_assert_int_eq(bb_core_kind("no", 2), BB_CORE_STR);
    ck_assert_int_eq(bb_core_kind(".inf", 4), BB_CORE_NUMBER);
}
END_TEST

static void in_docs(const char *docs, const struct bb_table *t, const char *prefix)
{
    char want[100];
    size_t i;

    for (i = 0; i < t->n; i++) {
        if (t->keys[i].kind == BB_K_TABLE) {
            snprintf(want, sizeof(want), "%s.", t->keys[i].name);
            in_docs(docs, t->keys[i].more, want);
            continue;
        }
        snprintf(want, sizeof(want), "`%s%s`", prefix, t->keys[i].name);
        ck_assert_msg(strstr(docs, want) != NULL, "docs/configuration.md lacks %s", want);
    }
}

START_TEST(every_key_is_documented)
{
    const char *src = getenv("srcdir");
    char path[512], *docs = calloc(1, 1 << 20);
    FILE *f;

    snprintf(path, sizeof(path), "%s/docs/configuration.md", src ? src : ".");
    f = fopen(path, "re");
    ck_assert_msg(f != NULL && docs != NULL, "%s", path);
    ck_assert_uint_gt(fread(docs, 1, (1 << 20) - 1, f), 0);
    fclose(f);
    in_docs(docs, &bb_table_endpoint, "");
    in_docs(docs, &bb_table_route, "");
    in_docs(docs, &bb_table_journal, "");
    in_docs(docs, &bb_table_plugins, "");
    free(docs);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("config");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, every_key_is_read);
    tcase_add_test(t, defaults_are_filled);
    tcase_add_test(t, unused_endpoint_is_a_warning);
    tcase_add_test(t, twenty_faults_give_twenty_diagnostics);
    tcase_add_test(t, duplicates_show_both_places);
    tcase_add_test(t, the_caret_stands_below);
    tcase_add_test(t, syntax_errors_are_diagnostics);
    tcase_add_test(t, input_of_every_wrong_kind_is_reported);
    tcase_add_test(t, missing_and_empty_folders_are_reported);
    tcase_add_test(t, billion_laughs_are_refused_quickly);
    tcase_add_test(t, depth_and_size_are_bounded);
    tcase_add_test(t, columns_count_characters);
    tcase_add_test(t, merge_keys_and_tags_are_refused);
    tcase_add_test(t, variables_are_text);
    tcase_add_test(t, missing_variables_are_fatal_and_values_never_shown);
    tcase_add_test(t, a_good_config_is_converted_and_filled);
    tcase_add_test(t, faults_in_a_config_have_their_place);
    tcase_add_test(t, secrets_never_leak);
    tcase_add_test(t, systemd_credentials_are_read);
    tcase_add_test(t, faulty_schemas_name_the_connector);
    tcase_add_test(t, later_diagnostics_find_their_place);
    tcase_add_test(t, nearest_names);
    tcase_add_test(t, values_are_exact);
    tcase_add_test(t, every_key_is_documented);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
