/*
 * test_client.c - the SDK's HTTP client: tables, Retry-After, templates, calls
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/http.h>
#include <busbar/json.h>
#include "faults.h"

static struct faults server;

struct seen {
    int n;
    unsigned code;
    bb_status outcome;
    int32_t sent, truncated;
    char body[256], etag[32], text[256];
};

static void on_done(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct seen *s = call->arg;
    struct bb_bytes v;

    s->n++;
    s->code = a->code;
    s->outcome = a->outcome;
    s->sent = a->sent;
    s->truncated = a->truncated;
    snprintf(s->body, sizeof s->body, "%.*s", (int)a->body.len, (const char *)a->body.ptr);
    snprintf(s->text, sizeof s->text, "%s", a->text);
    s->etag[0] = 0;
    if (bb_http_answer_header(a, "etag", &v))
        ck_assert_int_eq(bb_str_copy(v, s->etag, sizeof s->etag), 0);
}

static struct bb_http *client_new(const struct bb_http_config *more)
{
    struct bb_http_config f = more ? *more : (struct bb_http_config){0};
    char base[64];
    struct bb_error err = bb_error_none();

    snprintf(base, sizeof base, "http://127.0.0.1:%u/api", server.port);
    f.base = base;
    struct bb_http *c = bb_http_new(&f, &err);
    ck_assert_msg(c != NULL, "%s", err.text);
    return c;
}

static struct bb_http_call *call_new(struct bb_http *c, const char *method, struct seen *s)
{
    struct bb_http_call *call = bb_http_call_new(c, method, "/x");

    ck_assert_ptr_nonnull(call);
    memset(s, 0, sizeof *s);
    call->done = on_done;
    call->arg = s;
    return call;
}

static void finish(struct bb_http *c)
{
    int64_t until = bb_clock_ms() + 10000;

    while (bb_http_open(c)) {
        bb_http_wait(c, NULL, 0, 100);
        ck_assert_int_lt(bb_clock_ms(), until);
    }
}

START_TEST(table)
{
    static const struct {
        unsigned code;
        bb_status once, again;
    } rows[] = {
        {200, BB_OK, BB_OK}, {299, BB_OK, BB_OK}, {302, BB_E_DOWN, BB_E_DOWN},
        {400, BB_E_REJECT, BB_E_REJECT}, {404, BB_E_REJECT, BB_E_REJECT},
        {425, BB_E_RETRY, BB_E_RETRY}, {500, BB_E_UNKNOWN, BB_E_RETRY},
        {501, BB_E_REJECT, BB_E_REJECT}, {503, BB_E_RETRY, BB_E_RETRY},
        {599, BB_E_UNKNOWN, BB_E_RETRY}, {100, BB_E_UNKNOWN, BB_E_UNKNOWN},
        {BB_HTTP_E_DNS, BB_E_DOWN, BB_E_DOWN}, {BB_HTTP_E_TLS, BB_E_DOWN, BB_E_DOWN},
        {BB_HTTP_E_TIMEOUT, BB_E_UNKNOWN, BB_E_RETRY}, {BB_HTTP_E_BROKEN, BB_E_UNKNOWN, BB_E_RETRY},
    };
    struct bb_http_outcomes own;
    struct bb_buf b;

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        ck_assert_int_eq(bb_http_outcome(NULL, rows[k].code, 0), rows[k].once);
        ck_assert_int_eq(bb_http_outcome(NULL, rows[k].code, 1), rows[k].again);
    }
    bb_buf_init(&b, 4096);
    ck_assert_int_eq(bb_json_read(bb_str("{\"4xx\":\"down\",\"404\":\"ok\",\"timeout\":\"retry\"}"), &b,
                                  NULL), 0);
    ck_assert_int_eq(bb_http_outcomes_read((struct bb_bytes){b.ptr, b.len}, &own, NULL), 0);
    ck_assert_int_eq(bb_http_outcome(&own, 404, 0), BB_OK);
    ck_assert_int_eq(bb_http_outcome(&own, 405, 0), BB_E_DOWN);
    ck_assert_int_eq(bb_http_outcome(&own, BB_HTTP_E_TIMEOUT, 0), BB_E_RETRY);
    ck_assert_int_eq(bb_http_outcome(&own, 500, 0), BB_E_UNKNOWN);
    bb_buf_free(&b);
}
END_TEST

START_TEST(retry_after)
{
    static const struct {
        const char *text;
        uint32_t ms;
    } rows[] = {
        {"120", 120000}, {" 7 ", 7000}, {"0", 0}, {"", 0}, {"-5", 0}, {"soon", 0},
        {"99999999999999999999", 86400000}, {"Fri, 31 Dec 1999 23:59:59 GMT", 59000},
        {"Friday, 31-Dec-99 23:59:59 GMT", 59000}, {"Fri, 31 Dec 1999 23:00:00 GMT", 0},
        {"Sat, 01 Jan 2050 00:00:00 GMT", 86400000},
    };

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) /* now: 23:59:00 of that day */
        ck_assert_msg(bb_http_retry_after(bb_str(rows[k].text), 946684740) == rows[k].ms, "%s: %u",
                      rows[k].text, bb_http_retry_after(bb_str(rows[k].text), 946684740));
}
END_TEST

START_TEST(templates)
{
    static const struct {
        const char *text, *want; /* NULL: the message has no such value */
    } rows[] = {
        {"/plain", "/plain"},
        {"/i/{item}/{plant}", "/i/M%20%2F%25%C3%BC/1000"},
        {"/{data:/a/0}?x={data:/b}&y={data:/c}", "/1?x=1.50&y=true"},
        {"/{key}/{short_key}", "/erp%2F1/ABC"},
        {"/{change}", NULL},
        {"/{data:/nothing}", NULL},
        {"/{data:/a}", NULL},
        {"/{data:/dots}/x", NULL}, /* would name another resource */
    };
    struct bb_msg_view v = {.size = sizeof v};
    struct bb_error err = bb_error_none();
    struct bb_buf m, out;

    bb_buf_init(&m, 4096);
    bb_buf_init(&out, 4096);
    ck_assert_int_eq(bb_json_read(bb_str("[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\","
                                         "\"type\":\"t\",\"item\":\"M /%\xc3\xbc\",\"plant\":\"1000\"},"
                                         "{\"a\":[1],\"b\":1.50,\"c\":true,\"dots\":\"..\"}]"),
                                  &m, NULL), 0);
    v.whole = (struct bb_bytes){m.ptr, m.len};
    v.key = bb_str("erp/1");
    v.short_key = bb_str("ABC");
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct bb_http_template *t = bb_http_template_new(rows[k].text, &err);
        ck_assert_ptr_nonnull(t);
        bb_buf_reset(&out);
        ck_assert_int_eq(bb_http_template_put(t, &v, &out, &err), rows[k].want ? 0 : -1);
        if (rows[k].want) {
            ck_assert_uint_eq(out.len, strlen(rows[k].want));
            ck_assert_int_eq(memcmp(out.ptr, rows[k].want, out.len), 0);
        }
        bb_http_template_free(&t);
    }
    for (const char *const *bad = (const char *const[]){"{", "}", "{}", "{a b}", "{data:x}", "{{a}}",
                                                        NULL}; *bad; bad++)
        ck_assert_ptr_null(bb_http_template_new(*bad, &err));
    bb_buf_free(&m);
    bb_buf_free(&out);
}
END_TEST

START_TEST(calls)
{
    struct seen a, b;
    struct bb_http *c;
    struct bb_http_call *call;

    faults_start(&server, (struct step[]){{F_ANSWER, 200, "ETag: \"v1\"\r\n", "hello"}}, 1);
    c = client_new(NULL);
    call = call_new(c, "GET", &a);
    ck_assert_int_eq(bb_http_call_header(call, "X-Empty", bb_str("")), 0);
    ck_assert_int_eq(bb_http_call_header(call, "X-Bad", bb_str("a\r\nX-Injected: 1")), -1);
    ck_assert_int_eq(bb_http_call_header(call, "X Bad", bb_str("a")), -1);
    ck_assert_int_eq(bb_http_send(call), 0);
    finish(c);
    ck_assert_uint_eq(a.code, 200);
    ck_assert_str_eq(a.body, "hello");
    ck_assert_str_eq(a.etag, "\"v1\"");
    ck_assert_ptr_nonnull(strstr(server.head, "GET /api/x HTTP/1.1"));
    ck_assert_ptr_nonnull(strstr(server.head, "X-Empty:\r\n"));
    ck_assert_ptr_null(strstr(server.head, "Injected"));
    ck_assert_ptr_null(strcasestr(server.head, "Accept-Encoding"));
    /* a handle that was GET is a POST next, and a HEAD, and a DELETE */
    call = call_new(c, "POST", &b);
    bb_buf_put(&call->body, "{}", 2);
    ck_assert_int_eq(bb_http_send(call), 0);
    finish(c);
    ck_assert_uint_eq(b.code, 200);
    ck_assert_str_eq(server.body, "{}");
    ck_assert_int_eq(bb_http_send(call_new(c, "DELETE", &b)), 0);
    finish(c);
    ck_assert_uint_eq(b.code, 200);
    ck_assert_ptr_nonnull(strstr(server.head, "DELETE /api/x"));
    ck_assert_str_eq(server.body, "");
    call = call_new(c, "GET", &a);
    bb_http_call_drop(call);
    ck_assert_uint_eq(server.connections, 1);
    bb_http_free(&c);
    faults_end(&server);
}
END_TEST

START_TEST(cancelling)
{
    struct seen a, b;
    struct bb_http *c;
    struct bb_http_call *call;

    faults_start(&server, (struct step[]){{F_HANG, 0, "", ""}}, 1);
    c = client_new(NULL);
    call = call_new(c, "POST", &a);
    ck_assert_int_eq(bb_http_send(call), 0);
    bb_http_cancel(call); /* nothing was sent */
    ck_assert_int_eq(a.n, 1);
    ck_assert_int_eq(a.outcome, BB_E_CANCEL);
    call = call_new(c, "POST", &b);
    ck_assert_int_eq(bb_http_send(call), 0);
    while (!faults_requests(&server))
        bb_http_wait(c, NULL, 0, 10);
    bb_http_cancel(call);
    ck_assert_int_eq(b.outcome, BB_E_UNKNOWN);
    ck_assert_int_eq(b.sent, 1);
    /* free() ends what is open */
    ck_assert_int_eq(bb_http_send(call_new(c, "POST", &a)), 0);
    bb_http_free(&c);
    ck_assert_int_eq(a.n, 1);
    ck_assert_int_eq(a.outcome, BB_E_CANCEL);
    faults_end(&server);
}
END_TEST

START_TEST(more_calls_than_connections)
{
    struct bb_http_call *call[4];
    struct seen a[12];
    struct bb_http *c;

    faults_start(&server, (struct step[]){{F_ANSWER, 200, "", ""}}, 1);
    c = client_new(&(struct bb_http_config){.connections = 2});
    for (int k = 0; k < 12; k++)
        ck_assert_int_eq(bb_http_send(call_new(c, "POST", &a[k])), 0);
    ck_assert_uint_eq(bb_http_open(c), 12);
    finish(c);
    for (int k = 0; k < 12; k++)
        ck_assert_msg(a[k].n == 1 && a[k].outcome == BB_OK, "%d: %d, %s", k, a[k].n, a[k].text);
    ck_assert_uint_le(server.connections, 2);
    bb_http_free(&c);
    faults_end(&server);

    /* the time of one that waits runs, and it can be cancelled; nothing of either was sent */
    faults_start(&server, (struct step[]){{F_HANG, 0, "", ""}, {F_ANSWER, 200, "", ""}}, 2);
    c = client_new(&(struct bb_http_config){.connections = 1});
    for (int k = 0; k < 4; k++) {
        call[k] = call_new(c, "POST", &a[k]);
        call[k]->timeout_ms = k == 0 ? 300 : k == 1 ? 200 : 10000;
        ck_assert_int_eq(bb_http_send(call[k]), 0);
    }
    bb_http_cancel(call[2]);
    ck_assert_int_eq(a[2].n, 1);
    ck_assert_int_eq(a[2].outcome, BB_E_CANCEL);
    finish(c);
    ck_assert_int_eq(a[0].outcome, BB_E_UNKNOWN);
    ck_assert_int_eq(a[0].sent, 1);
    ck_assert_int_eq(a[1].outcome, BB_E_DOWN);
    ck_assert_int_eq(a[1].sent, 0);
    ck_assert_msg(a[3].outcome == BB_OK, "%s", a[3].text);

    /* the last of the queue leaves it, and one that comes then is not lost */
    for (int k = 0; k < 3; k++)
        ck_assert_int_eq(bb_http_send(call[k] = call_new(c, "POST", &a[k])), 0);
    bb_http_cancel(call[2]);
    bb_http_cancel(call[0]);
    ck_assert_int_eq(bb_http_send(call_new(c, "POST", &a[3])), 0);
    finish(c);
    ck_assert_int_eq(a[1].outcome, BB_OK);
    ck_assert_int_eq(a[3].outcome, BB_OK);
    for (int k = 0; k < 3; k++)
        ck_assert_int_eq(bb_http_send(call_new(c, "POST", &a[k])), 0);
    bb_http_free(&c);
    for (int k = 0; k < 3; k++)
        ck_assert_int_eq(a[k].n, 1);
    faults_end(&server);
}
END_TEST

START_TEST(limits)
{
    struct seen a;
    struct bb_http *c;
    struct bb_http_call *call;

    faults_start(&server, (struct step[]){{F_ANSWER, 200, "", "0123456789"}, {F_HUGE, 0, "", ""},
                                          {F_ANSWER, 200, "", "01234567890"}}, 3);
    c = client_new(&(struct bb_http_config){.max_response = 10, .max_request = 100});
    ck_assert_int_eq(bb_http_send(call_new(c, "GET", &a)), 0);
    finish(c);
    ck_assert_int_eq(a.truncated, 0);
    ck_assert_str_eq(a.body, "0123456789");
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(bb_http_send(call_new(c, "GET", &a)), 0);
        finish(c);
        ck_assert_int_eq(a.outcome, BB_OK);
        ck_assert_int_eq(a.truncated, 1);
        ck_assert_str_eq(a.body, "");
    }
    call = call_new(c, "POST", &a);
    for (int k = 0; k < 101; k++)
        bb_buf_put(&call->body, "x", 1);
    ck_assert_int_eq(bb_http_send(call), -1);
    ck_assert_int_eq(a.n, 0);
    ck_assert_uint_eq(bb_http_open(c), 0);
    bb_http_free(&c);
    faults_end(&server);
}
END_TEST

START_TEST(unreachable)
{
    static const struct {
        const char *url;
        unsigned code;
        bb_status outcome;
    } rows[] = {
        {"http://no-such-host.invalid/", BB_HTTP_E_DNS, BB_E_DOWN},
        {"ftp://127.0.0.1/", BB_HTTP_E_LOCAL, BB_E_RETRY},
        {"http://127.0.0.1:99999/", BB_HTTP_E_LOCAL, BB_E_RETRY},
    };
    struct bb_http_config f = {.connect_ms = 3000};
    struct bb_http *c = bb_http_new(&f, NULL);
    struct seen a;

    ck_assert_ptr_nonnull(c);
    for (size_t k = 0; k < 3; k++) {
        struct bb_http_call *call = bb_http_call_new(c, "POST", rows[k].url);
        call->done = on_done;
        call->arg = &a;
        memset(&a, 0, sizeof a);
        ck_assert_int_eq(bb_http_send(call), 0);
        finish(c);
        ck_assert_msg(a.code == rows[k].code || (k == 0 && a.code == BB_HTTP_E_CONNECT), "%s: %u %s",
                      rows[k].url, a.code, a.text);
        ck_assert_int_eq(a.outcome, rows[k].outcome);
        ck_assert_int_eq(a.sent, 0);
    }
    bb_http_free(&c);
}
END_TEST

/* What we sent as credentials is quoted back, also where the text is cut in the middle of it. */
START_TEST(quoted)
{
    static const char dots[] = "......................................................................."
                               "....................";
    static const struct {
        struct bb_http_config f;
        const char *says, *hidden;
    } rows[] = {
        {{.user = "erp", .password = "hunter2-hunter2"}, "bad password hunter2-hunter2", "hunter"},
        {{.user = "erp", .password = "hunter2-hunter2"}, "Basic ZXJwOmh1bnRlcjItaHVudGVyMg==", "ZXJw"},
        {{.user = "erp", .password = "hunter2-hunter"}, "Basic ZXJwOmh1bnRlcjItaHVudGVy", "ZXJw"},
        {{.bearer = "tok-hunter2"}, "unknown token tok-hunter2", "hunter"},
    };

    for (size_t k = 0; k < 2 * sizeof rows / sizeof rows[0]; k++) {
        char body[256];
        struct bb_http *c;
        struct seen a;

        snprintf(body, sizeof body, "%s %s", k % 2 ? dots + 11 : "", rows[k / 2].says);
        faults_start(&server, (struct step[]){{F_ANSWER, 422, "", body}}, 1);
        c = client_new(&rows[k / 2].f);
        ck_assert_int_eq(bb_http_send(call_new(c, "POST", &a)), 0);
        finish(c);
        ck_assert_int_eq(a.outcome, BB_E_REJECT);
        ck_assert_msg(!strstr(a.text, rows[k / 2].hidden), "%s", a.text);
        ck_assert_msg(k % 2 || strstr(a.text, "****"), "%s", a.text);
        bb_http_free(&c);
        faults_end(&server);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http client");
    TCase *t = tcase_create("client");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, table);
    tcase_add_test(t, retry_after);
    tcase_add_test(t, templates);
    tcase_add_test(t, calls);
    tcase_add_test(t, cancelling);
    tcase_add_test(t, more_calls_than_connections);
    tcase_add_test(t, limits);
    tcase_add_test(t, quoted);
    tcase_add_test(t, unreachable);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
