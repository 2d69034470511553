/*
 * test_source.c - webhooks: bodies, envelopes, answers, credentials and signatures
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "ask.h"

#define CE "Content-Type: application/cloudevents+json\r\n"
#define BATCH "Content-Type: application/cloudevents-batch+json\r\n"
#define JSON "Content-Type: application/json\r\n"

static struct plant plant;
static struct answer a;

static void has(const char *text, const char *part)
{
    ck_assert_msg(strcasestr(text, part) != NULL, "no \"%s\" in: %s", part, text);
}

static void say(int fd, const char *text)
{
    tell(&plant, fd, text, strlen(text));
}

START_TEST(structured)
{
    plant_start(&plant, "");
    post(&plant, "/", CE, "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/plm\",\"type\":"
         "\"mfg.bom.released\",\"item\":\"M-1\",\"data\":{\"q\":1.50}}", &a);
    ck_assert_uint_eq(a.status, 202);
    ck_assert_str_eq(a.body, "{\"accepted\":1,\"duplicates\":0,\"first\":1,\"last\":1}\n");
    has(a.head, "Content-Type: application/json\r\n");
    ck_assert_str_eq(fake_attribute(&plant.journal, 0, "item"), "M-1");
    ck_assert_str_eq(fake_data(&plant.journal, 0), "{\"q\":1.50}");
    post(&plant, "/", CE, "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/plm\",\"type\":"
         "\"mfg.bom.released\",\"data\":{\"q\":1.50}}", &a);
    has(a.body, "\"accepted\":0,\"duplicates\":1");
    /* application/json with no envelope: the body is an event itself */
    post(&plant, "/", JSON, " {\"specversion\":\"1.0\",\"id\":\"e2\",\"source\":\"/plm\",\"type\":"
         "\"a.b\"}", &a);
    ck_assert_uint_eq(a.status, 202);
    plant_end(&plant);
}
END_TEST

START_TEST(binary)
{
    plant_start(&plant, "");
    post(&plant, "/", JSON "CE-SpecVersion: 1.0\r\nce-id: 7\r\nce-source: /wms\r\nce-type: a.b\r\n"
         "ce-subject: Gr%C3%BC%C3%9Fe%20100%25\r\n", "{\"n\":12345678901234567890.5}", &a);
    ck_assert_uint_eq(a.status, 202);
    ck_assert_str_eq(fake_attribute(&plant.journal, 0, "subject"), "Gr\xc3\xbc\xc3\x9f" "e 100%");
    ck_assert_str_eq(fake_data(&plant.journal, 0), "{\"n\":12345678901234567890.5}");
    post(&plant, "/", JSON "ce-specversion: 1.0\r\nce-id: 8\r\n", "{}", &a);
    ck_assert_uint_eq(a.status, 422);
    has(a.body, "ce-source is missing");
    has(a.body, "ce-type is missing");
    post(&plant, "/", JSON "ce-specversion: 1.0\r\nce-id: 8\r\nce-id: 9\r\nce-source: /a\r\n"
         "ce-type: a\r\n", "{}", &a);
    ck_assert_uint_eq(a.status, 422);
    post(&plant, "/", JSON "ce-specversion: 1.0\r\nce-id: 8\r\nce-source: /a\r\nce-type: a\r\n",
         "{", &a);
    ck_assert_uint_eq(a.status, 400);
    ck_assert_uint_eq(plant.journal.n, 1);
    plant_end(&plant);
}
END_TEST

START_TEST(batch)
{
    plant_start(&plant, "");
    post(&plant, "/", BATCH,
         "[ {\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data\":\"}]\\\"\"} ,\n"
         "{\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"/s\",\"type\":\"t\",\"data\":[[1],[2]]}, "
         "{\"specversion\":\"1.0\",\"id\":\"3\",\"source\":\"/s\",\"type\":\"t\"} ] ", &a);
    ck_assert_uint_eq(a.status, 202);
    has(a.body, "\"accepted\":3");
    ck_assert_str_eq(fake_data(&plant.journal, 0), "\"}]\\\"\"");
    ck_assert_str_eq(fake_attribute(&plant.journal, 2, "id"), "3");
    /* whole or not at all, and every fault is told */
    post(&plant, "/", BATCH,
         "[{\"specversion\":\"1.0\",\"id\":\"4\",\"source\":\"/s\",\"type\":\"t\"},"
         "{\"specversion\":\"1.0\",\"id\":\"5\",\"source\":\"/s\"},"
         "{\"specversion\":\"1.0\",\"source\":\"/s\",\"type\":\"t\"}]", &a);
    ck_assert_uint_eq(a.status, 422);
    has(a.body, "message 1");
    has(a.body, "message 2");
    has(a.body, "\\\"type\\\"");
    has(a.body, "\\\"id\\\"");
    post(&plant, "/", BATCH, "[]", &a);
    ck_assert_uint_eq(a.status, 422);
    post(&plant, "/", BATCH, "[{\"specversion\":\"1.0\",}]", &a);
    ck_assert_uint_eq(a.status, 400);
    has(a.body, "byte 22");
    has(a.head, "application/problem+json");
    post(&plant, "/", BATCH, "[{\"specversion\":\"1.0\",\"id\":\"6\",\"source\":\"/s\",\"type\":\"t\"}] x", &a);
    ck_assert_uint_eq(a.status, 400);
    post(&plant, "/", BATCH, "{\"id\":\"6\"}", &a);
    ck_assert_uint_eq(a.status, 422);
    ck_assert_uint_eq(plant.journal.n, 3);
    plant_end(&plant);
}
END_TEST

START_TEST(envelope)
{
    plant_start(&plant, "\"envelope\": {\"type\": {\"pointer\": \"/kind\", \"prefix\": \"mfg.\"}, "
                        "\"item\": {\"pointer\": \"/part/no\"}, \"plant\": {\"header\": \"X-Plant\"}, "
                        "\"source\": \"/acme\", \"id\": {\"pointer\": \"/nr\"}}, ");
    post(&plant, "/", JSON "X-Plant: 1000\r\n",
         "{\"kind\":\"quality.event\",\"part\":{\"no\":4711},\"nr\":1.50}", &a);
    ck_assert_uint_eq(a.status, 202);
    ck_assert_ptr_null(strstr(a.body, "unprotected"));
    ck_assert_str_eq(fake_attribute(&plant.journal, 0, "type"), "mfg.quality.event");
    ck_assert_str_eq(fake_attribute(&plant.journal, 0, "item"), "4711");
    ck_assert_str_eq(fake_attribute(&plant.journal, 0, "plant"), "1000");
    ck_assert_str_eq(fake_attribute(&plant.journal, 0, "source"), "/acme");
    ck_assert_str_eq(fake_attribute(&plant.journal, 0, "id"), "1.50");
    post(&plant, "/", JSON, "[{\"kind\":\"a\",\"nr\":2},{\"kind\":\"b\",\"nr\":3}]", &a);
    has(a.body, "\"accepted\":2");
    post(&plant, "/", JSON, "[{\"kind\":\"a\",\"nr\":4},{\"nr\":5},{\"kind\":{}}]", &a);
    ck_assert_uint_eq(a.status, 422);
    has(a.body, "message 1: no type");
    has(a.body, "message 2: no type");
    has(a.body, "message 2: no id");
    post(&plant, "/", JSON, "[]", &a);
    ck_assert_uint_eq(a.status, 422);
    ck_assert_uint_eq(plant.journal.n, 3);
    plant_end(&plant);
}
END_TEST

START_TEST(ids)
{
    plant_start(&plant, "\"envelope\": {\"type\": \"a.b\"}, \"records\": \"/rows\", ");
    post(&plant, "/", JSON, "{\"rows\":[{}, {}]}", &a);
    ck_assert_uint_eq(a.status, 202);
    has(a.body, "\"unprotected\":true");
    has(a.body, "\"accepted\":2");
    post(&plant, "/", JSON "Idempotency-Key: k-1\r\n", "{\"rows\":[{}, {}]}", &a);
    ck_assert_ptr_null(strstr(a.body, "unprotected"));
    ck_assert_str_eq(fake_attribute(&plant.journal, 2, "id"), "k-1/0");
    ck_assert_str_eq(fake_attribute(&plant.journal, 3, "id"), "k-1/1");
    post(&plant, "/", JSON "Idempotency-Key: k-1\r\n", "{\"rows\":[{}, {}]}", &a);
    has(a.body, "\"duplicates\":2");
    post(&plant, "/", JSON "webhook-id: w-1\r\nIdempotency-Key: k-2\r\n", "{\"rows\":{}}", &a);
    ck_assert_str_eq(fake_attribute(&plant.journal, 4, "id"), "w-1");
    post(&plant, "/", JSON, "{}", &a);
    ck_assert_uint_eq(a.status, 422);
    has(a.body, "/rows");
    plant_end(&plant);
}
END_TEST

START_TEST(statuses)
{
    int fd;

    plant_start(&plant, "\"path\": \"/hooks\", \"max_body\": 1000, ");
    post(&plant, "/", CE, "{}", &a);
    ck_assert_uint_eq(a.status, 404);
    post(&plant, "/hooks", "Content-Type: text/xml\r\n", "<a/>", &a);
    ck_assert_uint_eq(a.status, 415);
    has(a.head, "Accept-Post:");
    post(&plant, "/hooks", "", "{}", &a);
    ck_assert_uint_eq(a.status, 415);
    post(&plant, "/hooks", CE "Content-Encoding: gzip\r\n", "x", &a);
    ck_assert_uint_eq(a.status, 415);
    post(&plant, "/hooks", CE, "", &a);
    ck_assert_uint_eq(a.status, 400);
    post(&plant, "/hooks", CE, "{\"a\":nul}", &a);
    ck_assert_uint_eq(a.status, 400);
    has(a.body, "byte 5");
    has(a.body, "\"status\":400");
    post(&plant, "/hooks", CE, "{\"specversion\":\"1.0\"}", &a);
    ck_assert_uint_eq(a.status, 422);
    fd = dial(&plant);
    say(fd, "GET /hooks HTTP/1.1\r\nHost: t\r\n\r\n");
    ck_assert_int_eq(hear(&plant, fd, &a), 0);
    ck_assert_uint_eq(a.status, 405);
    has(a.head, "Allow: POST");
    /* the connection is kept after an error */
    say(fd, "POST /hooks HTTP/1.1\r\nHost: t\r\n" CE "\r\n");
    ck_assert_int_eq(hear(&plant, fd, &a), 0);
    ck_assert_uint_eq(a.status, 411);
    close(fd);
    ck_assert_uint_eq(fake_host_submits(plant.host), 0);
    plant_end(&plant);
}
END_TEST

static const char event[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}";

START_TEST(acknowledgements)
{
    int fd;
    char head[256], byte;

    plant_start(&plant, "");
    plant.ack = BB_E_REJECT;
    plant.ack_text = "no route takes it";
    post(&plant, "/", CE, event, &a);
    ck_assert_uint_eq(a.status, 422);
    has(a.body, "no route takes it");
    plant.ack_text = "conflict: the same id came with another body";
    post(&plant, "/", CE, event, &a);
    ck_assert_uint_eq(a.status, 409);
    plant.ack = BB_E_RETRY;
    post(&plant, "/", CE, event, &a);
    ck_assert_uint_eq(a.status, 503);
    has(a.head, "Retry-After: 1");
    plant.ack = BB_E_BUSY;
    post(&plant, "/", CE, event, &a);
    ck_assert_uint_eq(a.status, 503);
    plant.ack = BB_OK;
    fake_host_busy(plant.host, 1);
    post(&plant, "/", CE, event, &a);
    ck_assert_uint_eq(a.status, 503);
    has(a.head, "Retry-After:"); /* after a wait for room */
    /* room in time: nobody hears of it */
    fd = dial(&plant);
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: t\r\n" CE "Content-Length: %zu\r\n\r\n%s",
             strlen(event), event);
    unsigned before = fake_host_submits(plant.host);
    tell(&plant, fd, head, strlen(head));
    while (fake_host_submits(plant.host) == before)
        plant_turn(&plant, 5);
    ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    fake_host_resume(plant.host);
    ck_assert_int_eq(hear(&plant, fd, &a), 0);
    ck_assert_uint_eq(a.status, 202);
    close(fd);
    /* no answer before the commit */
    plant.hold = 1;
    fd = dial(&plant);
    tell(&plant, fd, head, strlen(head));
    for (int k = 0; k < 20 || !fake_host_pending(plant.host); k++)
        plant_turn(&plant, 5);
    ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    plant.hold = 0;
    ck_assert_int_eq(hear(&plant, fd, &a), 0);
    ck_assert_uint_eq(a.status, 202);
    close(fd);
    plant_end(&plant);
}
END_TEST

START_TEST(client_gone)
{
    char head[256];
    int fd;

    plant_start(&plant, "");
    plant.hold = 1;
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: t\r\n" CE "Content-Length: %zu\r\n\r\n%s",
             strlen(event), event);
    for (int k = 0; k < 10; k++) {
        fd = dial(&plant);
        tell(&plant, fd, head, strlen(head));
        while (fake_host_pending(plant.host) <= (unsigned)k)
            plant_turn(&plant, 5);
        close(fd);
    }
    plant.hold = 0;
    post(&plant, "/", CE, event, &a);
    ck_assert_uint_eq(a.status, 202);
    has(a.body, "\"duplicates\":1");
    plant_end(&plant);
}
END_TEST

START_TEST(pipelining)
{
    char two[512];
    int fd;

    plant_start(&plant, "");
    fd = dial(&plant);
    snprintf(two, sizeof two, "POST / HTTP/1.1\r\nHost: t\r\n" CE "Content-Length: %zu\r\n\r\n%s"
             "POST /nowhere HTTP/1.1\r\nHost: t\r\n" CE "Content-Length: 2\r\n\r\n{}", strlen(event),
             event);
    for (int k = 0; k < 3; k++) {
        tell(&plant, fd, two, strlen(two));
        ck_assert_int_eq(hear(&plant, fd, &a), 0);
        ck_assert_uint_eq(a.status, 202);
        ck_assert_int_eq(hear(&plant, fd, &a), 0);
        ck_assert_uint_eq(a.status, 404);
    }
    close(fd);
    plant_end(&plant);
}
END_TEST

START_TEST(auth)
{
    plant_start(&plant, "\"auth\": {\"bearer\": \"s3cret\"}, ");
    post(&plant, "/", CE, event, &a);
    ck_assert_uint_eq(a.status, 401);
    has(a.head, "WWW-Authenticate: Bearer");
    post(&plant, "/", CE "Authorization: Bearer s3creT\r\n", event, &a);
    ck_assert_uint_eq(a.status, 401);
    ck_assert_ptr_null(strstr(a.body, "s3creT"));
    post(&plant, "/", CE "Authorization: bearer s3cret\r\n", event, &a);
    ck_assert_uint_eq(a.status, 202);
    plant_end(&plant);
    plant_start(&plant, "\"auth\": {\"basic\": {\"user\": \"aladdin\", \"password\": \"opensesame\"}}, ");
    post(&plant, "/", CE "Authorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l\r\n", event, &a);
    ck_assert_uint_eq(a.status, 202);
    post(&plant, "/", CE "Authorization: Basic YWxhZGRpbjpvcGVuc2VzYW1m\r\n", event, &a);
    ck_assert_uint_eq(a.status, 401);
    has(a.head, "WWW-Authenticate: Basic");
    plant_end(&plant);
}
END_TEST

static void signed_post(const char *key, size_t key_len, time_t when, const char *before,
                        const char *body)
{
    unsigned char mac[32], text[48];
    char data[1024], headers[1024];
    unsigned n = sizeof mac;

    snprintf(data, sizeof data, "msg_1.%lld.%s", (long long)when, body);
    HMAC(EVP_sha256(), key, (int)key_len, (unsigned char *)data, strlen(data), mac, &n);
    EVP_EncodeBlock(text, mac, 32);
    snprintf(headers, sizeof headers, CE "webhook-id: msg_1\r\nwebhook-timestamp: %lld\r\n"
             "webhook-signature: %sv1,%s\r\n", (long long)when, before, text);
    post(&plant, "/", headers, body, &a);
}

START_TEST(signatures)
{
    time_t now = time(NULL);

    plant_start(&plant, "\"signature\": {\"secrets\": [\"old\", \"whsec_bmV3LXNlY3JldA==\"], "
                        "\"tolerance\": 300000}, ");
    signed_post("old", 3, now, "", event);
    ck_assert_uint_eq(a.status, 202);
    signed_post("new-secret", 10, now, "v1,AAAA v1a,BBBB ", event);
    ck_assert_uint_eq(a.status, 202);
    signed_post("other", 5, now, "", event);
    ck_assert_uint_eq(a.status, 401);
    has(a.head, "WWW-Authenticate");
    signed_post("old", 3, now - 301, "", event);
    ck_assert_uint_eq(a.status, 401);
    has(a.body, "timestamp");
    signed_post("old", 3, now + 302, "", event);
    ck_assert_uint_eq(a.status, 401);
    post(&plant, "/", CE, event, &a);
    ck_assert_uint_eq(a.status, 401);
    has(a.body, "webhook-signature");
    plant_end(&plant);
    /* a vector made by another implementation, the one that the specification's text shows */
    plant_start(&plant, "\"envelope\": {\"type\": \"a.b\"}, \"signature\": {\"secrets\": "
                        "[\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"], "
                        "\"tolerance\": 3000000000000}, ");
    post(&plant, "/", JSON "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\n"
         "webhook-timestamp: 1614265330\r\n"
         "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\r\n",
         "{\"test\": 2432232314}", &a);
    ck_assert_uint_eq(a.status, 202);
    plant_end(&plant);
}
END_TEST

START_TEST(bad_config)
{
    static const struct {
        const char *conf, *part;
    } rows[] = {
        {"{}", "listen"},
        {"{\"url\": \"http://h/\"}", "needs listen"},
        {"{\"listen\": \"127.0.0.1:0\", \"envelope\": {\"item\": \"x\"}}", "type is missing"},
        {"{\"listen\": \"127.0.0.1:0\", \"envelope\": {\"type\": {\"pointer\": \"x\"}}}", "pointer"},
        {"{\"listen\": \"127.0.0.1:0\", \"signature\": {\"secrets\": [\"whsec_?\"]}}", "base64"},
        {"{\"listen\": \"127.0.0.1:0\", \"url\": \"http://h/\", \"auth\": {\"bearer\": \"x\"}}",
         "both directions"},
    };
    struct fake_journal j;
    struct bb_error err;

    fake_journal_init(&j);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct fake_host *h = fake_host_new(&j, bb_module_v1(BB_ABI)->connectors[0], rows[k].conf,
                                            BB_ROLE_SOURCE, &err);
        ck_assert_msg(h == NULL, "%s", rows[k].conf);
        has(err.text, rows[k].part);
    }
    for (int k = 0; k < 3; k++) {
        static const char *const bad[] = {"{\"listen\": \"nowhere\"}", "{\"listen\": \"::1:80\"}",
                                          "{\"listen\": \"192.0.2.1:1\"}"};
        struct fake_host *h = fake_host_new(&j, bb_module_v1(BB_ABI)->connectors[0], bad[k],
                                            BB_ROLE_SOURCE, &err);
        ck_assert_ptr_nonnull(h);
        ck_assert_int_eq(fake_host_start(h, &err), BB_E_CONFIG);
        ck_assert_int_gt(strlen(err.text), 10);
        fake_host_free(&h);
    }
    fake_journal_free(&j);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http source");
    TCase *t = tcase_create("webhooks");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, structured);
    tcase_add_test(t, binary);
    tcase_add_test(t, batch);
    tcase_add_test(t, envelope);
    tcase_add_test(t, ids);
    tcase_add_test(t, statuses);
    tcase_add_test(t, acknowledgements);
    tcase_add_test(t, client_gone);
    tcase_add_test(t, pipelining);
    tcase_add_test(t, auth);
    tcase_add_test(t, signatures);
    tcase_add_test(t, bad_config);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
