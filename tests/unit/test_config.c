/*
 * test_config.c - conf.d that is right: every key, every default; and the program's main()
 */
#include "tests/unit/config_rig.h"

#include <stdlib.h>
#include <string.h>

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

static void in_docs(const char *docs, const struct bb_spec *s, const char *prefix)
{
    char want[100];
    size_t i;

    for (i = 0; i < s->n_keys; i++) {
        if (s->keys[i].n_keys) {
            snprintf(want, sizeof(want), "%s.", s->keys[i].name);
            in_docs(docs, &s->keys[i], want);
            continue;
        }
        snprintf(want, sizeof(want), "`%s%s`", prefix, s->keys[i].name);
        ck_assert_msg(strstr(docs, want) != NULL, "docs/configuration.md lacks %s", want);
    }
}

START_TEST(every_key_is_documented)
{
    const char *src = getenv("srcdir");
    char path[512], *docs = calloc(1, 1 << 20);
    size_t i;
    FILE *f;

    snprintf(path, sizeof(path), "%s/docs/configuration.md", src ? src : ".");
    f = fopen(path, "re");
    ck_assert_msg(f != NULL && docs != NULL, "%s", path);
    ck_assert_uint_gt(fread(docs, 1, (1 << 20) - 1, f), 0);
    fclose(f);
    in_docs(docs, &bb_spec_endpoint, "");
    in_docs(docs, &bb_spec_route, "");
    for (i = 0; i < bb_spec_root.n_keys; i++)
        in_docs(docs, &bb_spec_root.keys[i], "");
    free(docs);
}
END_TEST

static TCase *config_good(void)
{
    TCase *t = config_case("config_good");

    tcase_add_test(t, every_key_is_read);
    tcase_add_test(t, defaults_are_filled);
    tcase_add_test(t, unused_endpoint_is_a_warning);
    tcase_add_test(t, every_key_is_documented);
    return t;
}

int main(void)
{
    static TCase *(*const cases[])(void) = {config_good,   config_faults, config_yaml,
                                            config_values, config_schema, config_secrets,
                                            config_check};
    Suite *s = suite_create("config");
    SRunner *r;
    int failed;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        suite_add_tcase(s, cases[i]());
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
