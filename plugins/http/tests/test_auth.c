/*
 * test_auth.c - the SDK's client with OAuth2 tokens and CSRF sessions, against a server of its own
 *
 * Each test has a fresh server that counts what it was asked.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <busbar/http.h>
#include "faults.h"
#include "server.h"

#define SECRET "s3cr%t:+/x"

static struct server server;

struct tally {
    int n, ok, down, auth, other;
    unsigned code;
    int32_t sent;
    uint32_t retry_after_ms;
    char text[240];
};

static void on_done(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct tally *t = call->arg;

    t->n++;
    t->ok += a->outcome == BB_OK;
    t->down += a->outcome == BB_E_DOWN;
    t->other += a->outcome != BB_OK && a->outcome != BB_E_DOWN;
    t->auth += a->code == BB_HTTP_E_AUTH;
    t->code = a->code;
    t->sent = a->sent;
    t->retry_after_ms = a->retry_after_ms;
    snprintf(t->text, sizeof t->text, "%s", a->text);
}

static void setup(void)
{
    ck_assert_int_eq(server_start(&server), 0);
}

static void teardown(void)
{
    server_end(&server);
}

static struct bb_http *client_new(int oauth, int csrf)
{
    char url[96];
    struct bb_error err = bb_error_none();
    struct bb_http_config f = {.base = server.base, .connections = 4};

    snprintf(url, sizeof url, "%s/token", server.base);
    if (oauth)
        f.oauth = (struct bb_http_oauth){.token_url = url, .client_id = "plant 7", .client_secret = SECRET};
    f.oauth.in_body = oauth == 2 || oauth == 4;
    if (oauth >= 3)
        f.oauth.client_secret = "wrong-" SECRET;
    if (csrf)
        f.csrf_path = "/api/session";
    struct bb_http *c = bb_http_new(&f, &err);
    ck_assert_msg(c != NULL, "%s", err.text);
    return c;
}

static void send_one(struct bb_http *c, const char *method, const char *path, struct tally *t)
{
    static unsigned serial;
    struct bb_http_call *call = bb_http_call_new(c, method, path);
    char key[32];

    ck_assert_ptr_nonnull(call);
    snprintf(key, sizeof key, "key-%u", __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED));
    bb_http_call_header(call, "Idempotency-Key", bb_str(key));
    call->done = on_done;
    call->arg = t;
    ck_assert_int_eq(bb_http_send(call), 0);
}

static void finish(struct bb_http *c)
{
    int64_t until = bb_clock_ms() + 20000;

    while (bb_http_open(c)) {
        bb_http_wait(c, NULL, 0, 100);
        ck_assert_int_lt(bb_clock_ms(), until);
    }
}

static void many(struct bb_http *c, const char *method, int n, struct tally *t)
{
    memset(t, 0, sizeof *t);
    for (int k = 0; k < n; k++)
        send_one(c, method, "/api/x", t);
    finish(c);
    ck_assert_int_eq(t->n, n);
}

/* ---- tokens --------------------------------------------------------------------------------------- */
static void *worker(void *arg)
{
    struct tally *t = arg;
    struct bb_http *c = client_new(1, 0);

    many(c, "POST", 25, t);
    bb_http_free(&c);
    return NULL;
}

START_TEST(workers_share_one_token)
{
    struct bb_http *keeper = client_new(1, 0); /* the token lives as long as somebody wants it */
    struct tally t[4];
    pthread_t id[4];

    server_set(&server, "{\"oauth\":true,\"token_delay\":0.3}");
    for (int k = 0; k < 4; k++)
        ck_assert_int_eq(pthread_create(&id[k], NULL, worker, &t[k]), 0);
    for (int k = 0; k < 4; k++) {
        pthread_join(id[k], NULL);
        ck_assert_msg(t[k].ok == 25, "%d: %s", k, t[k].text);
    }
    ck_assert_int_eq(server_count(&server, "token"), 1);
    ck_assert_int_eq(server_count(&server, "done"), 100);
    ck_assert_int_eq(server_count(&server, "api_401"), 0);
    bb_http_free(&keeper);
}
END_TEST

/* The one that fetches goes away in the middle of it: the next takes over. */
START_TEST(fetcher_goes_away)
{
    struct bb_http *first = client_new(1, 0), *second = client_new(1, 0);
    struct tally a = {0}, b = {0};

    server_set(&server, "{\"oauth\":true,\"token_delay\":0.5}");
    send_one(first, "POST", "/api/x", &a);
    bb_http_wait(first, NULL, 0, 50);
    send_one(second, "POST", "/api/x", &b);
    bb_http_wait(second, NULL, 0, 50);
    bb_http_free(&first);
    finish(second);
    ck_assert_int_eq(a.n, 1);
    ck_assert_int_eq(a.sent, 0);
    ck_assert_msg(b.ok == 1, "%s", b.text);
    bb_http_free(&second);
}
END_TEST

START_TEST(renewed_before_its_end)
{
    struct bb_http *c = client_new(2, 0);
    struct tally t;
    int64_t until, from, longest = 0;

    /* a fifth of its life before its end, so that the 700 ms that a token takes are not waited for */
    server_set(&server, "{\"oauth\":true,\"expires_in\":5,\"token_delay\":0.7}");
    many(c, "POST", 1, &t);
    until = bb_clock_ms() + 5500;
    while (bb_clock_ms() < until) {
        struct tally one = {0};
        from = bb_clock_ms();
        send_one(c, "POST", "/api/x", &one);
        while (!one.n)
            bb_http_wait(c, NULL, 0, 20);
        ck_assert_msg(one.ok == 1, "%s", one.text);
        longest = bb_clock_ms() - from > longest ? bb_clock_ms() - from : longest;
        bb_http_wait(c, NULL, 0, 20);
    }
    finish(c);
    ck_assert_msg(longest < 500, "%lld ms", (long long)longest);
    ck_assert_int_eq(server_count(&server, "api_401"), 0);
    ck_assert_int_eq(server_count(&server, "token"), 2);
    ck_assert_int_eq(server_count(&server, "token_at_once"), 1);
    bb_http_free(&c);
}
END_TEST

START_TEST(ends_in_the_middle)
{
    struct bb_http *c = client_new(1, 0);
    struct tally t = {0};

    server_set(&server, "{\"oauth\":true}");
    for (int k = 0; k < 200; k++)
        send_one(c, "POST", "/api/x", &t);
    while (t.n < 50)
        bb_http_wait(c, NULL, 0, 100);
    server_set(&server, "{\"forget_tokens\":true}");
    finish(c);
    ck_assert_msg(t.ok == 200, "%d: %s", t.ok, t.text);
    ck_assert_int_eq(server_count(&server, "done"), 200);
    ck_assert_int_eq(server_count(&server, "doubles"), 0);
    ck_assert_int_eq(server_count(&server, "token"), 2);
    ck_assert_int_ge(server_count(&server, "api_401"), 1);
    bb_http_free(&c);
}
END_TEST

START_TEST(no_storm)
{
    struct bb_http *c = client_new(1, 0);
    struct tally t;
    long asked;

    server_set(&server, "{\"oauth\":true,\"refuse_all\":true}");
    many(c, "POST", 50, &t);
    ck_assert_int_eq(t.down, 50);
    asked = server_count(&server, "token");
    ck_assert_int_le(asked, 2);
    many(c, "POST", 50, &t);
    ck_assert_int_eq(t.auth, 50);
    ck_assert_int_eq(t.down, 50);
    ck_assert_int_eq(t.sent, 0);
    ck_assert_int_le(server_count(&server, "token"), asked + 1);
    ck_assert_msg(strstr(t.text, "401 to a new token"), "%s", t.text);
    bb_http_free(&c);
}
END_TEST

START_TEST(wrong_credentials) /* as Basic, and in the body */
{
    struct bb_http *c = client_new(_i, 0);
    struct tally t;

    server_set(&server, "{\"oauth\":true,\"echo\":true}");
    many(c, "POST", 20, &t);
    ck_assert_int_eq(t.down, 20);
    ck_assert_int_eq(t.auth, 20);
    ck_assert_int_eq(server_count(&server, "token"), 1);
    ck_assert_int_eq(server_count(&server, "api"), 0);
    ck_assert_msg(strstr(t.text, "no OAuth2 token") && strstr(t.text, "no such client"), "%s", t.text);
    ck_assert_msg(!strstr(t.text, "s3cr") && !strstr(t.text, "wrong") && !strstr(t.text, "cGxhbnQ"), "%s", t.text);
    ck_assert_msg(strstr(t.text, "****"), "%s", t.text);
    ck_assert_uint_gt(t.retry_after_ms, 0);
    bb_http_free(&c);
    /* the endpoint's own word, where it has one */
    server_set(&server, "{\"echo\":false}");
    c = client_new(_i, 0);
    many(c, "POST", 2, &t);
    ck_assert_msg(strstr(t.text, "no OAuth2 token: invalid_client: check client_id"), "%s", t.text);
    bb_http_free(&c);
}
END_TEST

START_TEST(token_endpoint_is_busy)
{
    struct bb_http *c = client_new(1, 0);
    struct tally t;

    server_set(&server, "{\"oauth\":true,\"token_status\":503,\"retry_after\":\"7\"}");
    many(c, "GET", 3, &t);
    ck_assert_int_eq(t.auth, 3);
    ck_assert_int_eq(server_count(&server, "token"), 1);
    ck_assert_uint_gt(t.retry_after_ms, 6000);
    ck_assert_uint_le(t.retry_after_ms, 7000);
    bb_http_free(&c);
}
END_TEST

START_TEST(waits_no_longer_than_the_call)
{
    struct bb_http *c = client_new(1, 0);
    struct bb_http_call *call = bb_http_call_new(c, "POST", "/api/x");
    struct tally t = {0};
    int64_t from = bb_clock_ms();

    server_set(&server, "{\"oauth\":true,\"token_delay\":3}");
    call->timeout_ms = 300;
    call->done = on_done;
    call->arg = &t;
    ck_assert_int_eq(bb_http_send(call), 0);
    while (!t.n)
        bb_http_wait(c, NULL, 0, 1000);
    ck_assert_int_lt(bb_clock_ms() - from, 1500);
    ck_assert_int_eq(t.auth, 1);
    ck_assert_int_eq(t.down, 1);
    bb_http_free(&c);
}
END_TEST

/* ---- sessions --------------------------------------------------------------------------------------- */
START_TEST(one_session)
{
    struct bb_http *c = client_new(0, 1);
    struct tally t;

    server_set(&server, "{\"csrf\":true}");
    many(c, "GET", 5, &t);
    ck_assert_int_eq(t.ok, 5);
    ck_assert_int_eq(server_count(&server, "csrf_fetch"), 0); /* reads need none */
    many(c, "POST", 20, &t);
    ck_assert_msg(t.ok == 20, "%s", t.text);
    ck_assert_int_eq(server_count(&server, "csrf_fetch"), 1);
    server_set(&server, "{\"forget_sessions\":true}");
    many(c, "PATCH", 20, &t);
    ck_assert_msg(t.ok == 20, "%s", t.text);
    ck_assert_int_eq(server_count(&server, "csrf_fetch"), 2);
    ck_assert_int_ge(server_count(&server, "csrf_403"), 1);
    ck_assert_int_eq(server_count(&server, "done"), 40);
    ck_assert_int_eq(server_count(&server, "doubles"), 0);
    bb_http_free(&c);
}
END_TEST

START_TEST(session_behind_oauth)
{
    struct bb_http *c = client_new(1, 1);
    struct tally t;

    server_set(&server, "{\"csrf\":true,\"oauth\":true}");
    many(c, "POST", 10, &t);
    ck_assert_msg(t.ok == 10, "%s", t.text);
    server_set(&server, "{\"forget_sessions\":true,\"forget_tokens\":true}");
    many(c, "POST", 10, &t);
    ck_assert_msg(t.ok == 10, "%s", t.text);
    ck_assert_int_eq(server_count(&server, "token"), 2);
    ck_assert_int_eq(server_count(&server, "csrf_fetch"), 2);
    bb_http_free(&c);
}
END_TEST

START_TEST(session_refused)
{
    struct bb_http *c = client_new(0, 1);
    struct tally t;

    server_set(&server, "{\"csrf\":true,\"lease_status\":503}");
    many(c, "POST", 10, &t);
    ck_assert_int_eq(t.auth, 10);
    ck_assert_int_eq(t.down, 10);
    ck_assert_int_eq(server_count(&server, "csrf_fetch"), 1);
    ck_assert_msg(strstr(t.text, "no CSRF session") && strstr(t.text, "503"), "%s", t.text);
    bb_http_free(&c);
    /* without csrf in the config the answer says what is missing, and blames no message */
    c = client_new(0, 0);
    many(c, "POST", 1, &t);
    ck_assert_int_eq(t.down, 1);
    ck_assert_uint_eq(t.code, 403);
    ck_assert_msg(strstr(t.text, "give csrf"), "%s", t.text);
    bb_http_free(&c);
}
END_TEST

/* ---- what stays secret ---------------------------------------------------------------------------------- */
START_TEST(nothing_is_quoted)
{
    static const struct {
        const char *set, *hidden;
    } rows[] = {
        {"{\"echo\":\"Authorization\"}", "tok-1"},
        {"{\"echo\":\"x-csrf-token\"}", "csrf-1"},
        {"{\"echo\":\"Cookie\"}", "sess1"},
        {"{\"echo\":\"Cookie\"}", "node1"},
        {"{\"echo\":\"User-Agent\"}", ""}, /* what is no secret is quoted */
    };
    struct bb_http *c = client_new(1, 1);
    struct tally t;

    server_set(&server, "{\"csrf\":true,\"oauth\":true}");
    many(c, "POST", 1, &t);
    ck_assert_int_eq(t.ok, 1);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        server_set(&server, rows[k].set);
        many(c, "POST", 1, &t);
        ck_assert_uint_eq(t.code, 422);
        if (rows[k].hidden[0])
            ck_assert_msg(!strstr(t.text, rows[k].hidden) && strstr(t.text, "****"), "%s", t.text);
        else
            ck_assert_msg(strstr(t.text, "bad busbar"), "%s", t.text);
    }
    bb_http_free(&c);
}
END_TEST

START_TEST(credentials_stay_at_home)
{
    static struct faults other;
    struct bb_http *c = client_new(1, 1);
    struct tally t = {0};
    char url[64];

    server_set(&server, "{\"csrf\":true,\"oauth\":true}");
    many(c, "POST", 1, &t);
    ck_assert_int_eq(t.ok, 1);
    faults_start(&other, (struct step[]){{F_ANSWER, 200, "", "{}"}}, 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/api/x", other.port);
    send_one(c, "POST", url, &t);
    finish(c);
    ck_assert_int_eq(t.ok, 2);
    bb_http_free(&c);
    faults_end(&other);
    ck_assert_ptr_nonnull(strstr(other.head, "POST /api/x"));
    ck_assert_ptr_null(strstr(other.head, "Authorization"));
    ck_assert_ptr_null(strstr(other.head, "Cookie"));
    ck_assert_ptr_null(strstr(other.head, "csrf"));
}
END_TEST

START_TEST(too_many_headers)
{
    static struct faults other;
    struct bb_http_config f = {.max_headers = 300};
    struct tally t = {0};
    char url[64], big[400];

    snprintf(big, sizeof big, "X-Big: %0300d\r\n", 1);
    faults_start(&other, (struct step[]){{F_ANSWER, 200, "X-Small: 1\r\n", "{}"}, {F_ANSWER, 200, big, "{}"}},
                 2);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", other.port);
    f.base = url;
    struct bb_http *c = bb_http_new(&f, NULL);
    send_one(c, "POST", "/x", &t);
    finish(c);
    ck_assert_int_eq(t.ok, 1);
    send_one(c, "POST", "/x", &t);
    finish(c);
    ck_assert_uint_eq(t.code, BB_HTTP_E_BROKEN);
    bb_http_free(&c);
    faults_end(&other);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http auth");
    TCase *t = tcase_create("auth");
    SRunner *r;
    int failed;

    if (access("/usr/bin/python3", X_OK) != 0) {
        puts("skip: no python3 for the token server");
        return 77;
    }
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, workers_share_one_token);
    tcase_add_test(t, fetcher_goes_away);
    tcase_add_test(t, renewed_before_its_end);
    tcase_add_test(t, ends_in_the_middle);
    tcase_add_test(t, no_storm);
    tcase_add_loop_test(t, wrong_credentials, 3, 5);
    tcase_add_test(t, token_endpoint_is_busy);
    tcase_add_test(t, waits_no_longer_than_the_call);
    tcase_add_test(t, one_session);
    tcase_add_test(t, session_behind_oauth);
    tcase_add_test(t, session_refused);
    tcase_add_test(t, nothing_is_quoted);
    tcase_add_test(t, credentials_stay_at_home);
    tcase_add_test(t, too_many_headers);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
