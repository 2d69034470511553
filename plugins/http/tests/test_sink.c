/*
 * test_sink.c - deliveries against a server that fails in every way it can
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "faults.h"
#include "tests/plugins/fakehost.h"

#define WAIT_MS 10000
#define MESSAGE(id, data)                                                                          \
    "[{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/plm\",\"type\":\"mfg.bom.released\"," \
    "\"item\":\"M 1/2\",\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}," \
    data "]"

static struct faults server;
static struct fake_journal journal;
static struct fake_host *host;
static struct fake_result result;

static void sink_start(const char *more)
{
    char conf[2048];
    struct bb_error err;

    fake_journal_init(&journal);
    snprintf(conf, sizeof conf, "{\"url\": \"%s://127.0.0.1:%u/in/{item}?q={data:/q}\"%s%s}",
             server.tls ? "https" : "http", server.port, *more ? ", " : "", more);
    host = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], conf, BB_ROLE_SINK, &err);
    ck_assert_msg(host != NULL, "%s", err.text);
    ck_assert_int_eq(fake_host_start(host, &err), BB_OK);
}

static void sink_end(void)
{
    ck_assert_int_eq(fake_host_stop(host, 2000), BB_OK);
    fake_host_free(&host);
    fake_journal_free(&journal);
}

static bb_status send_one(uint32_t flags)
{
    bb_msg *m = fake_msg(MESSAGE("e1", "{\"q\":1.50}"), "key-1", flags);

    fake_host_deliver(host, m, WAIT_MS, &result);
    fake_msg_free(m);
    return result.status;
}

static void has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text);
}

START_TEST(plain)
{
    faults_start(&server, (struct step[]){{F_ANSWER, 201, "Content-Type: application/json\r\n",
                                           "{\"doc\": \"4711\", \"q\": 1.50}"}}, 1);
    sink_start("\"auth\": {\"bearer\": \"s3cret\"}, \"headers\": {\"X-Item\": \"i={item}\"}");
    ck_assert_int_eq(send_one(0), BB_OK);
    ck_assert_str_eq(result.reply, "{\"doc\":\"4711\",\"q\":1.50}");
    has(server.head, "POST /in/M%201%2F2?q=1.50 HTTP/1.1\r\n");
    has(server.head, "\r\nAuthorization: Bearer s3cret\r\n");
    has(server.head, "\r\nIdempotency-Key: key-1\r\n");
    has(server.head, "\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
    has(server.head, "\r\nContent-Type: application/cloudevents+json\r\n");
    has(server.head, "\r\nX-Item: i=M 1/2\r\n");
    ck_assert_ptr_null(strcasestr(server.head, "expect:"));
    has(server.body, "\"data\":{\"q\":1.50}");
    for (int k = 0; k < 20; k++)
        ck_assert_int_eq(send_one(0), BB_OK);
    ck_assert_uint_eq(server.connections, 1); /* kept alive */
    sink_end();
    faults_end(&server);
}
END_TEST

START_TEST(bodies)
{
    faults_start(&server, (struct step[]){{F_ANSWER, 204, "", ""}}, 1);
    sink_start("\"body\": \"data\", \"method\": \"PUT\", \"auth\": {\"basic\": {\"user\": "
               "\"aladdin\", \"password\": \"opensesame\"}}");
    ck_assert_int_eq(send_one(0), BB_OK);
    ck_assert_str_eq(result.reply, "");
    ck_assert_str_eq(server.body, "{\"q\":1.50}");
    has(server.head, "PUT /in/");
    has(server.head, "Authorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l\r\n");
    sink_end();
    sink_start("\"body\": \"binary\"");
    ck_assert_int_eq(send_one(0), BB_OK);
    ck_assert_str_eq(server.body, "{\"q\":1.50}");
    has(server.head, "ce-item: M%201/2\r\n");
    has(server.head, "ce-specversion: 1.0\r\n");
    has(server.head, "Content-Type: application/json\r\n");
    sink_end();
    faults_end(&server);
}
END_TEST

/* Each row: what the server does, and what it means for a POST and for a request that may be
 * repeated. */
static const struct {
    struct step step;
    bb_status once, again;
    uint32_t retry_after_ms;
    const char *text;
} rows[] = {
    {{F_ANSWER, 500, "", "{\"error\": \"lock\"}"}, BB_E_UNKNOWN, BB_E_RETRY, 0, "answered 500: {\"error\": \"lock\"}"},
    {{F_ANSWER, 502, "", ""}, BB_E_UNKNOWN, BB_E_RETRY, 0, "502"},
    {{F_ANSWER, 504, "", ""}, BB_E_UNKNOWN, BB_E_RETRY, 0, "504"},
    {{F_ANSWER, 503, "Retry-After: 7\r\n", ""}, BB_E_RETRY, BB_E_RETRY, 7000, "503"},
    {{F_ANSWER, 503, "", ""}, BB_E_RETRY, BB_E_RETRY, 2000, "503"},
    {{F_ANSWER, 429, "Retry-After: 120\r\n", ""}, BB_E_RETRY, BB_E_RETRY, 120000, "429"},
    {{F_ANSWER, 408, "", ""}, BB_E_RETRY, BB_E_RETRY, 0, "408"},
    {{F_ANSWER, 400, "", "no such plant"}, BB_E_REJECT, BB_E_REJECT, 0, "no such plant"},
    {{F_ANSWER, 403, "", ""}, BB_E_REJECT, BB_E_REJECT, 0, "403"},
    {{F_ANSWER, 409, "", ""}, BB_E_REJECT, BB_E_REJECT, 0, "409"},
    {{F_ANSWER, 428, "", ""}, BB_E_REJECT, BB_E_REJECT, 0, "428"},
    {{F_ANSWER, 401, "WWW-Authenticate: Basic\r\n", ""}, BB_E_DOWN, BB_E_DOWN, 0, "check auth"},
    {{F_ANSWER, 301, "Location: https://new.example/\r\n", ""}, BB_E_DOWN, BB_E_DOWN, 0, "https://new.example/"},
    {{F_RESET, 0, "", ""}, BB_E_UNKNOWN, BB_E_RETRY, 0, "answer was lost"},
    {{F_CLOSE, 0, "", ""}, BB_E_UNKNOWN, BB_E_RETRY, 0, "answer was lost"},
    {{F_GARBAGE, 0, "", ""}, BB_E_UNKNOWN, BB_E_RETRY, 0, "answer was lost"},
    {{F_CUT, 200, "", "half"}, BB_E_UNKNOWN, BB_E_RETRY, 0, "answer was lost"},
    {{F_HANG, 0, "", ""}, BB_E_UNKNOWN, BB_E_RETRY, 0, "no answer in time"},
    {{F_TRICKLE, 200, "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", ""},
     BB_E_UNKNOWN, BB_E_RETRY, 0, "no answer in time"},
    {{F_HUGE, 200, "", ""}, BB_OK, BB_OK, 0, ""},
};

START_TEST(outcomes)
{
    static const char *const how[] = {"\"timeout\": 300", "\"timeout\": 300, \"idempotent\": true",
                                      "\"timeout\": 300, \"method\": \"PUT\""};
    char name[32];

    for (int k = 0; k < 3; k++) {
        faults_start(&server, &rows[_i].step, 1);
        sink_start(how[k]);
        bb_status want = k ? rows[_i].again : rows[_i].once, got = send_one(0);
        ck_assert_msg(got == want, "row %d, %s: %d (%s), not %d", _i, how[k], got, result.err.text,
                      want);
        if (got != BB_OK) {
            ck_assert_uint_eq(result.err.retry_after_ms, rows[_i].retry_after_ms);
            has(result.err.text, rows[_i].text);
            /* what came out of the query may be nobody's business */
            ck_assert_ptr_null(strstr(result.err.text, "q=1.50"));
        }
        if (rows[_i].step.status && rows[_i].step.status != 200) {
            snprintf(name, sizeof name, "%u", rows[_i].step.status);
            ck_assert_str_eq(result.err.vendor_code, name);
        }
        sink_end();
        faults_end(&server);
    }
}
END_TEST

START_TEST(down)
{
    server.port = faults_port_closed();
    sink_start("");
    ck_assert_int_eq(send_one(0), BB_E_DOWN);
    has(result.err.text, "no connection");
    const struct bb_connector *c = bb_module_v1(BB_ABI)->connectors[0];
    const struct bb_ext_health *h = c->extension(fake_host_inst(host), BB_EXT_HEALTH);
    struct bb_error why = bb_error_none();
    ck_assert_int_eq(h->health(fake_host_inst(host), &why), BB_E_DOWN);
    sink_end();
}
END_TEST

START_TEST(override)
{
    faults_start(&server, (struct step[]){{F_ANSWER, 409, "", ""}, {F_ANSWER, 500, "", ""},
                                          {F_ANSWER, 418, "", ""}}, 3);
    sink_start("\"outcomes\": {\"4xx\": \"unknown\", \"409\": \"ok\", \"5xx\": \"retry\"}");
    ck_assert_int_eq(send_one(0), BB_OK);
    ck_assert_int_eq(send_one(0), BB_E_RETRY);
    ck_assert_int_eq(send_one(0), BB_E_UNKNOWN);
    sink_end();
    faults_end(&server);
}
END_TEST

/* A kept connection that ends under the second request: the first copy may have done its work, so
 * nothing may be sent again behind our back, unless it does no harm. */
START_TEST(no_silent_resend)
{
    static const struct step steps[] = {{F_ANSWER, 200, "", ""}, {F_CLOSE, 0, "", ""},
                                        {F_ANSWER, 200, "", ""}};

    faults_start(&server, steps, 3);
    sink_start("");
    ck_assert_int_eq(send_one(0), BB_OK);
    ck_assert_int_eq(send_one(0), BB_E_UNKNOWN);
    ck_assert_uint_eq(faults_requests(&server), 2);
    sink_end();
    faults_end(&server);
    faults_start(&server, steps, 3);
    sink_start("\"method\": \"PUT\"");
    ck_assert_int_eq(send_one(0), BB_OK);
    ck_assert_int_eq(send_one(0), BB_OK);
    ck_assert_uint_eq(faults_requests(&server), 3);
    sink_end();
    faults_end(&server);
}
END_TEST

START_TEST(missing_value)
{
    bb_msg *m = fake_msg(MESSAGE("e1", "{\"z\":1}"), "key-1", 0);

    faults_start(&server, (struct step[]){{F_ANSWER, 200, "", ""}}, 1);
    sink_start("");
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_int_eq(result.status, BB_E_REJECT);
    has(result.err.text, "\"/q\"");
    ck_assert_uint_eq(faults_requests(&server), 0);
    fake_msg_free(m);
    sink_end();
    faults_end(&server);
}
END_TEST

START_TEST(probing)
{
    static const struct {
        unsigned status;
        bb_status want;
    } answers[] = {{200, BB_OK}, {404, BB_NOT_APPLIED}, {500, BB_E_RETRY}, {401, BB_E_RETRY}};
    bb_msg *m = fake_msg(MESSAGE("e1", "{\"q\":1}"), "k/1", 0);

    for (int k = 0; k < 4; k++) {
        faults_start(&server, (struct step[]){{F_ANSWER, answers[k].status,
                                               "Content-Type: application/json\r\n", "{\"doc\":1}"}}, 1);
        sink_start("\"probe\": {\"path\": \"/done/{key}\", \"applied\": [200], \"not_applied\": [404]}");
        fake_host_probe(host, m, WAIT_MS, &result);
        ck_assert_int_eq(result.status, answers[k].want);
        has(server.head, "GET /done/k%2F1 HTTP/1.1\r\n");
        if (k == 0)
            ck_assert_str_eq(result.reply, "{\"doc\":1}");
        sink_end();
        faults_end(&server);
    }
    server.port = faults_port_closed();
    sink_start("\"probe\": {\"path\": \"/done/{key}\"}");
    fake_host_probe(host, m, WAIT_MS, &result);
    ck_assert_int_eq(result.status, BB_E_RETRY);
    sink_end();
    sink_start("");
    fake_host_probe(host, m, WAIT_MS, &result);
    ck_assert_int_eq(result.status, BB_E_UNSUP);
    sink_end();
    fake_msg_free(m);
}
END_TEST

#define MANY 200
static bb_msg *many[MANY];
static struct fake_result results[MANY];

static void many_make(unsigned poison)
{
    for (unsigned k = 0; k < MANY; k++) {
        char key[32], text[400];
        snprintf(key, sizeof key, "k%u", k);
        snprintf(text, sizeof text, MESSAGE("e%u", "{\"q\":%u,\"x\":\"%s\"}"), k, k,
                 k == poison ? "poison" : "good");
        many[k] = fake_msg(text, key, 0);
    }
}

static void many_free(void)
{
    for (unsigned k = 0; k < MANY; k++)
        fake_msg_free(many[k]);
}

START_TEST(in_flight)
{
    many_make(MANY);
    faults_start(&server, (struct step[]){{F_ANSWER, 200, "", ""}}, 1);
    sink_start("\"connections\": 8");
    fake_host_batch(host, many, MANY, WAIT_MS, results);
    for (unsigned k = 0; k < MANY; k++)
        ck_assert_int_eq(results[k].status, BB_OK);
    ck_assert_uint_eq(faults_requests(&server), MANY);
    ck_assert_uint_le(server.connections, 8);
    sink_end();
    faults_end(&server);
    many_free();
}
END_TEST

START_TEST(gathered)
{
    static const struct {
        const char *conf, *type, *begin, *end;
    } forms[] = {
        {"\"batch\": {\"format\": \"json-array\"}, \"body\": \"data\"", "application/json\r\n",
         "[{\"q\":0,", "\"}]"},
        {"\"batch\": {\"format\": \"jsonl\"}, \"body\": \"data\"", "application/x-ndjson",
         "{\"q\":0,", "\"}\n"},
        {"\"batch\": {\"format\": \"cloudevents\"}", "application/cloudevents-batch+json",
         "[{\"idempotencykey\":\"k0\",\"specversion\":\"1.0\",", "}]"},
    };

    many_make(MANY);
    for (int k = 0; k < 3; k++) {
        faults_start(&server, (struct step[]){{F_ANSWER, 200, "", ""}}, 1);
        sink_start(forms[k].conf);
        fake_host_batch(host, many, MANY, WAIT_MS, results);
        for (unsigned q = 0; q < MANY; q++)
            ck_assert_int_eq(results[q].status, BB_OK);
        ck_assert_uint_eq(faults_requests(&server), 1);
        has(server.head, forms[k].type);
        has(server.head, "Idempotency-Key: batch-");
        ck_assert_int_eq(strncmp(server.body, forms[k].begin, strlen(forms[k].begin)), 0);
        ck_assert_str_eq(server.body + strlen(server.body) - strlen(forms[k].end), forms[k].end);
        sink_end();
        faults_end(&server);
    }
    /* all that was sent is unknown when the answer is lost; max cuts into several requests */
    faults_start(&server, (struct step[]){{F_CLOSE, 0, "", ""}}, 1);
    sink_start("\"batch\": {\"max\": 60}");
    fake_host_batch(host, many, MANY, WAIT_MS, results);
    for (unsigned q = 0; q < MANY; q++)
        ck_assert_int_eq(results[q].status, BB_E_UNKNOWN);
    ck_assert_uint_eq(faults_requests(&server), 4);
    sink_end();
    faults_end(&server);
    many_free();
}
END_TEST

/* One refused member never fails its neighbours. */
START_TEST(poison)
{
    many_make(77);
    server.poison = "poison";
    faults_start(&server, (struct step[]){{F_ANSWER, 200, "", ""}}, 1);
    sink_start("\"batch\": {}");
    fake_host_batch(host, many, MANY, WAIT_MS, results);
    for (unsigned k = 0; k < MANY; k++)
        ck_assert_msg(results[k].status == (k == 77 ? BB_E_REJECT : BB_OK), "%u: %d", k,
                      results[k].status);
    has(results[77].err.text, "bad member");
    ck_assert_uint_le(faults_requests(&server), 20);
    sink_end();
    faults_end(&server);
    many_free();
}
END_TEST

START_TEST(tls)
{
    char pem[64], conf[256], other[64];
    struct faults unused = {0};

    faults_tls(&server, pem);
    faults_start(&server, (struct step[]){{F_ANSWER, 200, "", ""}}, 1);
    snprintf(conf, sizeof conf, "\"tls\": {\"ca\": \"%s\"}", pem);
    sink_start(conf);
    ck_assert_int_eq(send_one(0), BB_OK);
    sink_end();
    /* an authority that nobody named */
    sink_start("");
    ck_assert_int_eq(send_one(0), BB_E_DOWN);
    has(result.err.text, "TLS");
    sink_end();
    faults_tls(&unused, other);
    snprintf(conf, sizeof conf, "\"tls\": {\"ca\": \"%s\"}", other);
    sink_start(conf);
    ck_assert_int_eq(send_one(0), BB_E_DOWN);
    sink_end();
    ck_assert_uint_eq(faults_requests(&server), 1);
    faults_end(&server);
    SSL_CTX_free(unused.tls);
    unlink(pem);
    unlink(other);
}
END_TEST

START_TEST(stop_with_open)
{
    bb_msg *m = fake_msg(MESSAGE("e1", "{\"q\":1}"), "key-1", 0);

    faults_start(&server, (struct step[]){{F_HANG, 0, "", ""}}, 1);
    sink_start("");
    fake_host_deliver(host, m, 200, &result);
    ck_assert_int_eq(result.status, BB_PENDING);
    ck_assert_uint_eq(faults_requests(&server), 1);
    ck_assert_int_eq(fake_host_stop(host, 300), BB_OK);
    fake_host_free(&host);
    fake_journal_free(&journal);
    faults_end(&server);
    fake_msg_free(m);
}
END_TEST

START_TEST(bad_config)
{
    static const struct {
        const char *conf, *part;
    } bad[] = {
        {"{\"listen\": \"127.0.0.1:0\"}", "needs url"},
        {"{\"url\": \"ftp://h/\"}", "http://"},
        {"{\"url\": \"http://user:pw@h/\"}", "auth"},
        {"{\"url\": \"http://{item}.example/\"}", "after the host"},
        {"{\"url\": \"http://h/{item\"}", "{ and }"},
        {"{\"url\": \"http://h/{data:q}\"}", "data:"},
        {"{\"url\": \"http://h/\", \"outcomes\": {\"600\": \"ok\"}}", "\"600\""},
        {"{\"url\": \"http://h/\", \"outcomes\": {\"409\": \"fine\"}}", "\"409\""},
        {"{\"url\": \"http://h/\", \"tls\": {\"ca\": \"/nonexistent\"}}", "/nonexistent"},
        {"{\"url\": \"http://h/\", \"probe\": {\"path\": \"http://other/\"}}", "probe"},
        {"{\"url\": \"http://h/\", \"body\": \"binary\", \"batch\": {}}", "batch"},
        {"{\"url\": \"http://h/\", \"body\": \"xml\"}", "xml"},
    };
    struct bb_error err;

    fake_journal_init(&journal);
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        host = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], bad[k].conf,
                             BB_ROLE_SINK, &err);
        ck_assert_msg(host == NULL, "%s", bad[k].conf);
        has(err.text, bad[k].part);
        ck_assert_ptr_null(strstr(err.text, "user:pw"));
    }
    fake_journal_free(&journal);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http sink");
    TCase *t = tcase_create("deliveries");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_test(t, plain);
    tcase_add_test(t, bodies);
    tcase_add_loop_test(t, outcomes, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(t, down);
    tcase_add_test(t, override);
    tcase_add_test(t, no_silent_resend);
    tcase_add_test(t, missing_value);
    tcase_add_test(t, probing);
    tcase_add_test(t, in_flight);
    tcase_add_test(t, gathered);
    tcase_add_test(t, poison);
    tcase_add_test(t, tls);
    tcase_add_test(t, stop_with_open);
    tcase_add_test(t, bad_config);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
