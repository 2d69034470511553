/*
 * test_rest.c - the example against a small server: a delivery, a refusal, a feed, a stop
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "plugins/http/tests/server.h"
#include "tests/plugins/fakehost.h"

static struct server server;
static struct fake_journal journal;

static struct fake_host *host_new(uint32_t roles)
{
    char conf[1024];
    struct bb_error err = bb_error_none();

    snprintf(conf, sizeof conf,
             "{\"base_url\":\"%s/api\",\"csrf\":true,\"auth\":{\"oauth2\":{\"token_url\":\"%s/token\",\"client_id\":"
             "\"plant 7\",\"client_secret\":\"s3cr%%t:+/x\"}},\"poll\":{\"url\":\"/feed\",\"interval\":50,"
             "\"records\":\"/d/results\",\"next\":\"link\",\"cursor\":{\"pointer\":\"/seq\",\"param\":\"after\"}}}",
             server.base, server.base);
    struct fake_host *h = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], conf, roles, &err);
    ck_assert_msg(h != NULL, "%s", err.text);
    ck_assert_int_eq(fake_host_start(h, &err), BB_OK);
    return h;
}

START_TEST(both_ways)
{
    struct fake_result r;
    bb_msg *m = fake_msg("[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"t\",\"type\":\"mfg.item.changed\","
                         "\"item\":\"A 1/2\"},{\"x\":1.50}]", "key-1", 0);
    bb_msg *bad = fake_msg("[{\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"t\",\"type\":\"mfg.item.changed\"},1]",
                           "key-2", 0);

    ck_assert_int_eq(server_start(&server), 0);
    fake_journal_init(&journal);
    server_set(&server, "{\"oauth\":true,\"csrf\":true,\"records\":25,\"next\":\"link\"}");
    struct fake_host *h = host_new(BB_ROLE_SINK);
    fake_host_deliver(h, m, 5000, &r);
    ck_assert_msg(r.status == BB_OK, "%s", r.err.text);
    ck_assert_ptr_nonnull(strstr(r.reply, "\"ok\":true"));
    fake_host_deliver(h, bad, 5000, &r);
    ck_assert_int_eq(r.status, BB_E_REJECT);
    ck_assert_int_eq(server_count(&server, "done"), 1);
    ck_assert_int_eq(server_count(&server, "feed"), 0); /* it is no source */
    ck_assert_int_eq(fake_host_stop(h, 1000), BB_OK);
    fake_host_free(&h);
    h = host_new(BB_ROLE_SOURCE);
    ck_assert_int_eq(fake_host_run(h, 25, 10000), 0);
    ck_assert_str_eq(fake_attribute(&journal, 24, "id"), "R-000025");
    ck_assert_int_eq(fake_host_stop(h, 1000), BB_OK);
    fake_host_free(&h);
    fake_msg_free(m);
    fake_msg_free(bad);
    fake_journal_free(&journal);
    server_end(&server);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rest example");
    TCase *t = tcase_create("rest");
    SRunner *r;
    int failed;

    if (access("/usr/bin/python3", X_OK) != 0) {
        puts("skip: no python3 for the server");
        return 77;
    }
    tcase_set_timeout(t, 60);
    tcase_add_test(t, both_ways);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
