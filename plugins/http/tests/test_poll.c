/*
 * test_poll.c - the http connector as a source that polls, with a journal that outlives it
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "plugins/http/http.h"
#include "server.h"
#include "tests/plugins/fakehost.h"

static struct server server;
static struct fake_journal journal;

static void setup(void)
{
    ck_assert_int_eq(server_start(&server), 0);
    fake_journal_init(&journal);
}

static void teardown(void)
{
    fake_journal_free(&journal);
    server_end(&server);
}

static struct fake_host *host_new(const char *next, const char *more)
{
    char conf[1024];
    struct bb_error err = bb_error_none();

    snprintf(conf, sizeof conf,
             "{\"poll\":{\"url\":\"%s/feed\",\"interval\":50,\"jitter\":0,\"records\":\"/d/results\",\"next\":%s,"
             "\"cursor\":{\"pointer\":\"/seq\",\"param\":\"after\"}%s},"
             "\"envelope\":{\"type\":\"mfg.test.record\",\"id\":{\"pointer\":\"/id\"}}}",
             server.base, next, more);
    struct fake_host *h = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], conf, BB_ROLE_SOURCE, &err);
    ck_assert_msg(h != NULL, "%s", err.text);
    ck_assert_int_eq(fake_host_start(h, &err), BB_OK);
    return h;
}

static bb_status health(struct fake_host *h, struct bb_error *why)
{
    const struct bb_ext_health *e = bb_module_v1(BB_ABI)->connectors[0]->extension(fake_host_inst(h),
                                                                                  BB_EXT_HEALTH);
    *why = bb_error_none();
    return e->health(fake_host_inst(h), why);
}

static void pump_for(struct fake_host *h, int64_t ms)
{
    for (int64_t until = bb_clock_ms() + ms; bb_clock_ms() < until;) {
        if (fake_host_pending(h))
            (void)fake_host_ack(h, BB_OK, NULL);
        fake_host_pump(h, 10);
    }
}

/* All that were asked for, each once and in order. */
static void whole(uint64_t n)
{
    char want[16];

    ck_assert_uint_eq(journal.n, n);
    for (uint64_t k = 0; k < n; k++) {
        snprintf(want, sizeof want, "R-%06d", (int)k + 1);
        ck_assert_str_eq(fake_attribute(&journal, k, "id"), want);
    }
}

START_TEST(pages)
{
    static const char *const next[] = {"{\"pointer\":\"/next\"}", "\"link\"", "\"odata\""};
    static const char *const set[] = {"{\"records\":95,\"next\":\"pointer\"}", "{\"records\":95,\"next\":\"link\"}",
                                      "{\"records\":95,\"next\":\"odata\"}"};

    server_set(&server, set[_i]);
    struct fake_host *h = host_new(next[_i], "");
    ck_assert_int_eq(fake_host_run(h, 95, 10000), 0);
    ck_assert_int_eq(server_count(&server, "feed"), 10);
    pump_for(h, 200);
    server_set(&server, "{\"records\":120}");
    ck_assert_int_eq(fake_host_run(h, 120, 10000), 0);
    whole(120);
    ck_assert_uint_eq(journal.duplicates, 0); /* the cursor: nothing was read twice */
    ck_assert_int_eq(fake_host_stop(h, 1000), BB_OK);
    fake_host_free(&h);
    /* a new instance goes on behind them */
    server_set(&server, "{\"records\":121}");
    h = host_new(next[_i], "");
    ck_assert_int_eq(fake_host_run(h, 121, 10000), 0);
    ck_assert_uint_eq(journal.duplicates, 0);
    whole(121);
    fake_host_stop(h, 1000);
    fake_host_free(&h);
}
END_TEST

/* Killed at any moment, again and again, while the feed grows: with an answer on its way, with a
 * submit that is committed but not acked, with half of a page submitted. */
START_TEST(killed)
{
    unsigned records = 0, seed = 4711;
    char set[64];

    for (int round = 0; round < 150; round++) {
        records += (unsigned)rand_r(&seed) % 12;
        snprintf(set, sizeof set, "{\"records\":%u,\"page\":%d}", records, 3 + round % 5);
        server_set(&server, set);
        struct fake_host *h = host_new("{\"pointer\":\"/next\"}", ",\"max_messages\":2");
        for (int k = rand_r(&seed) % 12; k; k--) {
            if (fake_host_pending(h) && rand_r(&seed) % 4)
                (void)fake_host_ack(h, BB_OK, NULL);
            fake_host_pump(h, (unsigned)rand_r(&seed) % 3);
        }
        fake_host_free(&h); /* no stop() */
    }
    struct fake_host *h = host_new("{\"pointer\":\"/next\"}", ",\"max_messages\":2");
    ck_assert_int_eq(fake_host_run(h, records, 20000), 0);
    pump_for(h, 200);
    whole(records);
    ck_assert_uint_gt(records, 500);
    fake_host_free(&h);
}
END_TEST

START_TEST(no_room)
{
    server_set(&server, "{\"records\":40}");
    struct fake_host *h = host_new("{\"pointer\":\"/next\"}", "");
    for (int k = 0; k < 3; k++) {
        fake_host_busy(h, 1);
        for (int64_t until = bb_clock_ms() + 200; bb_clock_ms() < until;)
            fake_host_pump(h, 10);
        ck_assert_uint_eq(fake_host_pending(h), 0);
        do {
            fake_host_resume(h);
            fake_host_pump(h, 10);
        } while (!fake_host_pending(h));
        ck_assert_int_eq(fake_host_ack(h, k == 1 ? BB_E_RETRY : BB_OK, NULL), k == 1 ? BB_E_RETRY : BB_OK);
    }
    ck_assert_int_eq(fake_host_run(h, 40, 10000), 0);
    whole(40);
    ck_assert_uint_eq(journal.duplicates, 0);
    fake_host_free(&h);
}
END_TEST

START_TEST(errors_wait)
{
    struct bb_error why;
    long asked;

    server_set(&server, "{\"records\":5,\"feed_status\":503,\"retry_after\":\"1\"}");
    struct fake_host *h = host_new("{\"pointer\":\"/next\"}", "");
    pump_for(h, 700);
    ck_assert_int_eq(server_count(&server, "feed"), 1); /* Retry-After, not the interval */
    ck_assert_int_eq(health(h, &why), BB_E_DOWN);
    ck_assert_msg(strstr(why.text, "503"), "%s", why.text);
    server_set(&server, "{\"retry_after\":\"\",\"feed_status\":500}");
    pump_for(h, 2500);
    asked = server_count(&server, "feed");
    ck_assert_int_ge(asked, 2);
    ck_assert_int_le(asked, 4);
    server_set(&server, "{\"feed_status\":200}");
    ck_assert_int_eq(fake_host_run(h, 5, 10000), 0);
    ck_assert_int_eq(health(h, &why), BB_OK);
    fake_host_free(&h);
}
END_TEST

START_TEST(refused_page_is_held)
{
    struct bb_error why;

    server_set(&server, "{\"records\":5}");
    struct fake_host *h = host_new("{\"pointer\":\"/next\"}", "");
    while (!fake_host_pending(h))
        fake_host_pump(h, 10);
    fake_host_ack(h, BB_E_REJECT, "message 3: no plant");
    ck_assert_int_eq(health(h, &why), BB_E_DOWN);
    ck_assert_msg(strstr(why.text, "message 3: no plant"), "%s", why.text);
    ck_assert_uint_eq(journal.n, 0);
    ck_assert_int_eq(fake_host_run(h, 5, 10000), 0); /* asked for again */
    whole(5);
    fake_host_free(&h);
}
END_TEST

START_TEST(next_page_gone)
{
    server_set(&server, "{\"records\":30,\"gone\":true}");
    struct fake_host *h = host_new("{\"pointer\":\"/next\"}", "");
    ck_assert_int_eq(fake_host_run(h, 30, 10000), 0);
    whole(30);
    ck_assert_uint_eq(journal.duplicates, 10); /* the first page came twice */
    fake_host_free(&h);
}
END_TEST

START_TEST(next_elsewhere)
{
    struct bb_error why;

    server_set(&server, "{\"records\":30,\"foreign\":\"http://localhost:1\"}");
    struct fake_host *h = host_new("{\"pointer\":\"/next\"}", "");
    pump_for(h, 300);
    ck_assert_uint_eq(journal.n, 0);
    ck_assert_int_eq(health(h, &why), BB_E_DOWN);
    ck_assert_msg(strstr(why.text, "another host"), "%s", why.text);
    fake_host_free(&h);
}
END_TEST

/* The config names another host than the stored next page: the round begins again at the cursor. */
START_TEST(host_moved)
{
    static const char *const place[] = {"cursor", "10", "seen", "20", "next", "http://127.0.0.1:1/feed?skip=20"};
    struct bb_buf b;

    bb_buf_init(&b, 1024);
    bb_put_map(&b, 3);
    for (int k = 0; k < 6; k++)
        bb_put_cstr(&b, place[k]);
    memcpy(journal.state, b.ptr, b.len);
    journal.state_len = b.len;
    journal.version = 1;
    bb_buf_free(&b);
    server_set(&server, "{\"records\":30}");
    struct fake_host *h = host_new("{\"pointer\":\"/next\"}", "");
    ck_assert_int_eq(fake_host_run(h, 20, 10000), 0);
    ck_assert_str_eq(fake_attribute(&journal, 0, "id"), "R-000011");
    ck_assert_str_eq(fake_attribute(&journal, 19, "id"), "R-000030");
    fake_host_free(&h);
}
END_TEST

START_TEST(page_too_large)
{
    struct bb_error why;

    server_set(&server, "{\"records\":100,\"page\":100}");
    struct fake_host *h = host_new("{\"pointer\":\"/next\"}", ",\"max_page\":1024");
    pump_for(h, 300);
    ck_assert_uint_eq(journal.n, 0);
    ck_assert_int_eq(health(h, &why), BB_E_DOWN);
    ck_assert_msg(strstr(why.text, "more than 1024 bytes"), "%s", why.text);
    server_set(&server, "{\"page\":5}");
    ck_assert_int_eq(fake_host_run(h, 100, 10000), 0);
    whole(100);
    fake_host_free(&h);
}
END_TEST

/* A journal that was made by another kind of source under this name. */
START_TEST(foreign_state)
{
    struct bb_error err = bb_error_none();
    struct fake_host *h;

    journal.version = 3;
    journal.state_len = 5;
    memcpy(journal.state, "hello", 5);
    h = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0],
                      "{\"poll\":{\"url\":\"http://h/f\"},\"envelope\":{\"type\":\"t\",\"id\":{\"pointer\":\"/i\"}}}",
                      BB_ROLE_SOURCE, &err);
    ck_assert_ptr_nonnull(h);
    ck_assert_int_eq(fake_host_start(h, &err), BB_E_CONFIG);
    ck_assert_msg(strstr(err.text, "new name"), "%s", err.text);
    fake_host_free(&h);
}
END_TEST

START_TEST(stops_at_once)
{
    int64_t from;

    server_set(&server, "{\"records\":30,\"feed_delay\":5}");
    struct fake_host *h = host_new("{\"pointer\":\"/next\"}", "");
    pump_for(h, 300);
    ck_assert_int_eq(server_count(&server, "feed"), 1);
    from = bb_clock_ms();
    ck_assert_int_eq(fake_host_stop(h, 10000), BB_OK);
    ck_assert_int_lt(bb_clock_ms() - from, 300);
    fake_host_free(&h);
}
END_TEST

START_TEST(config)
{
    static const struct {
        const char *conf, *says;
    } rows[] = {
        {"{\"poll\":{\"url\":\"http://h/f\"},\"envelope\":{\"type\":\"t\"}}", "needs envelope with id"},
        {"{\"poll\":{\"url\":\"http://h/f\"},\"envelope\":{\"type\":\"t\",\"id\":{\"header\":\"X\"}}}", "no headers"},
        {"{\"poll\":{\"url\":\"http://h/f\"},\"url\":\"http://h\",\"envelope\":{\"type\":\"t\",\"id\":{\"pointer\":\"/i\"}}}",
         "two endpoints"},
        {"{\"poll\":{\"url\":\"http://h/f\",\"cursor\":{\"pointer\":\"/s\"}},\"envelope\":{\"type\":\"t\",\"id\":{\"pointer\":\"/i\"}}}",
         "no place in the request"},
        {"{\"poll\":{\"url\":\"http://h/f?a={cursor}\"},\"envelope\":{\"type\":\"t\",\"id\":{\"pointer\":\"/i\"}}}", "start"},
    };

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct bb_error err = bb_error_none();
        ck_assert_ptr_null(fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], rows[k].conf,
                                         BB_ROLE_SOURCE, &err));
        ck_assert_msg(strstr(err.text, rows[k].says), "%s", err.text);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http poll");
    TCase *t = tcase_create("poll");
    SRunner *r;
    int failed;

    if (access("/usr/bin/python3", X_OK) != 0) {
        puts("skip: no python3 for the feed");
        return 77;
    }
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, pages, 0, 3);
    tcase_add_test(t, killed);
    tcase_add_test(t, no_room);
    tcase_add_test(t, errors_wait);
    tcase_add_test(t, refused_page_is_held);
    tcase_add_test(t, next_page_gone);
    tcase_add_test(t, next_elsewhere);
    tcase_add_test(t, host_moved);
    tcase_add_test(t, page_too_large);
    tcase_add_test(t, foreign_state);
    tcase_add_test(t, stops_at_once);
    tcase_add_test(t, config);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
