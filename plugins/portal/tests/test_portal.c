/*
 * test_portal.c - the portal connector's calls against a scripted portal, its feed, its signatures
 */
#include <check.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include <busbar/web.h>
#include "plugins/http/tests/faults.h"
#include "plugins/portal/portal.h"
#include "tests/plugins/fakehost.h"

#define WAIT_MS 10000
#define MESSAGE                                                                                                                    \
    "[{\"specversion\":\"1.0\",\"id\":\"m1\",\"source\":\"/erp\",\"type\":\"mfg.forecast.issued\",\"time\":\"2026-11-28T08:00:00Z\"," \
    "\"correlationid\":\"c-1\"},{\"id\":\"F-1\",\"seller\":{\"id\":\"17300001\"},\"lines\":[{\"item\":{\"id\":\"RM-1\"},\"periods\":[{"  \
    "\"from\":\"2026-12-01\",\"quantity\":{\"value\":4,\"unit\":\"H87\"}}]}]}]"
#define PROBLEM(code) "{\"type\":\"about:blank\",\"code\":\"" code "\",\"detail\":\"not so\"}"

static struct faults server;
static struct fake_journal journal;
static struct fake_host *host;
static struct fake_result result;

static void has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text);
}

static void portal_start(const struct step *steps, unsigned n, uint32_t roles, const char *scheme, const char *more)
{
    char text[2048];
    struct bb_error err = bb_error_none();

    faults_start(&server, steps, n);
    fake_journal_init(&journal);
    journal.keep = 1;
    snprintf(text, sizeof text, "{\"base_url\":\"%s://127.0.0.1:%u\",\"timeout\":1000%s}", scheme, server.port, more);
    host = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], text, roles, &err);
    ck_assert_msg(host != NULL, "%s", err.text);
    ck_assert_int_eq(fake_host_start(host, &err), BB_OK);
}

static void portal_end(void)
{
    ck_assert_int_eq(fake_host_stop(host, 3000), BB_OK);
    fake_host_free(&host);
    fake_journal_free(&journal);
    faults_end(&server);
}

/* ---- the fault table: what comes back, what it comes to ----------------------------------------------------------------- */
static const struct {
    struct step step;
    bb_status status;
    const char *vendor, *text, *more; /* more: config */
} cases[] = {
    {{F_ANSWER, 201, "", "{\"id\":\"1\",\"status\":\"accepted\"}"}, BB_OK, "", "", ""},
    {{F_ANSWER, 204, "", ""}, BB_OK, "", "", ""},
    {{F_ANSWER, 202, "", "thanks"}, BB_OK, "", "", ""},
    {{F_ANSWER, 200, "", "{\"status\":\"rejected\",\"code\":\"Z1\",\"detail\":\"not so\"}"}, BB_E_REJECT, "Z1", "Z1: not so", ""},
    {{F_ANSWER, 422, "", PROBLEM("SP-011")}, BB_E_REJECT, "SP-011", "the portal says SP-011: not so", ""},
    {{F_ANSWER, 400, "", "{\"errors\":[{\"code\":\"InvalidInput\",\"message\":\"not so\"}]}"}, BB_E_REJECT, "InvalidInput", "not so", ""},
    {{F_ANSWER, 422, "", PROBLEM("SP-011")}, BB_E_RETRY, "SP-011", "", ",\"faults\":{\"SP-011\":\"retry\"}"},
    {{F_ANSWER, 404, "", PROBLEM("SP-010")}, BB_E_REJECT, "SP-010", "not so", ""},
    {{F_ANSWER, 404, "", "nothing here"}, BB_E_CONFIG, "404", "mend base_url or paths", ""},
    {{F_ANSWER, 404, "", "{\"error\":\"no such path\"}"}, BB_E_CONFIG, "404", "mend base_url or paths", ""},
    {{F_ANSWER, 404, "", "{\"type\":\"https://x/errors#NO_PATH\",\"detail\":\"not so\"}"}, BB_E_CONFIG, "NO_PATH", "mend base_url", ""},
    {{F_ANSWER, 422, "", "{\"type\":\"urn:x:closed\",\"detail\":\"not so\"}"}, BB_E_REJECT, "closed", "closed: not so", ""},
    {{F_ANSWER, 405, "", ""}, BB_E_CONFIG, "405", "mend base_url or paths", ""},
    {{F_ANSWER, 401, "", PROBLEM("SP-401")}, BB_E_DOWN, "SP-401", "mend auth", ""},
    {{F_ANSWER, 403, "", PROBLEM("SP-403")}, BB_E_CONFIG, "SP-403", "ask for its rights", ""},
    {{F_ANSWER, 415, "", ""}, BB_E_CONFIG, "415", "mend formats", ""},
    {{F_ANSWER, 409, "", PROBLEM("SP-009")}, BB_E_UNKNOWN, "SP-009", "not so", ""},
    {{F_ANSWER, 409, "", PROBLEM("SP-009")}, BB_E_RETRY, "SP-009", "not so", ",\"idempotent\":true"},
    {{F_ANSWER, 423, "", PROBLEM("SP-024")}, BB_E_RETRY, "SP-024", "not so", ""},
    {{F_ANSWER, 429, "Retry-After: 2\r\n", PROBLEM("SP-429")}, BB_E_RETRY, "SP-429", "not so", ""},
    {{F_ANSWER, 503, "Retry-After: 2\r\n", ""}, BB_E_RETRY, "503", "", ""},
    {{F_ANSWER, 500, "", PROBLEM("X")}, BB_E_UNKNOWN, "X", "not so", ""},
    {{F_ANSWER, 500, "", ""}, BB_E_RETRY, "500", "", ",\"idempotent\":true"},
    {{F_RESET, 0, "", ""}, BB_E_UNKNOWN, "", "", ""},
    {{F_RESET, 0, "", ""}, BB_E_RETRY, "", "", ",\"idempotent\":true"},
    {{F_HANG, 0, "", ""}, BB_E_UNKNOWN, "", "", ""},
    {{F_CUT, 201, "", "{\"id\":\"1\",\"status\":\"accepted\"}"}, BB_E_UNKNOWN, "", "", ""},
    {{F_ANSWER, 302, "Location: /x\r\n", ""}, BB_E_DOWN, "302", "", ""},
};

START_TEST(fault_table)
{
    bb_msg *m = fake_msg(MESSAGE, "key-1", 0);

    portal_start(&cases[_i].step, 1, BB_ROLE_SINK, "http", cases[_i].more);
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_msg(result.status == cases[_i].status, "case %d: %d, %s", _i, result.status, result.err.text);
    if (*cases[_i].vendor)
        ck_assert_str_eq(result.err.vendor_code, cases[_i].vendor);
    has(result.err.text, cases[_i].text);
    if (cases[_i].step.status == 429)
        ck_assert_uint_eq(result.err.retry_after_ms, 2000);
    if (_i == 0)
        has(result.reply, "\"status\":\"accepted\"");
    has(server.head, "POST /v1/partners/17300001/forecasts HTTP");
    has(server.head, "Idempotency-Key: key-1\r\n");
    has(server.head, "X-Correlation-ID: c-1\r\n");
    portal_end();
    fake_msg_free(m);
}
END_TEST

/* A 997 in the answer decides; %u is our group's number. */
#define ISA "ISA*00*          *00*          *ZZ*17300001       *ZZ*BUSBAR         *261128*0800*U*00401*000000007*0*P*>~"
#define R997(group, ak5, ak9, n)                                                                                                   \
    ISA "GS*FA*17300001*BUSBAR*20261128*0800*7*X*004010~ST*997*0001~AK1*PS*" group "~AK2*830*0001~AK5*" ak5 "~AK9*" ak9 "*1*1*1~SE*" n \
        "*0001~GE*1*7~IEA*1*000000007~"
static const struct {
    unsigned code;
    const char *body;
    bb_status status;
    const char *vendor, *text;
} acks[] = {
    {201, R997("%u", "A", "A", "6"), BB_OK, "", ""},
    {200, R997("%u", "E*5", "E", "6"), BB_OK, "", ""},
    {200, R997("%u", "R*5", "R", "6"), BB_E_REJECT, "997/AK5/5", "translator refuses"},
    {422, R997("%u", "R*4", "R", "6"), BB_E_REJECT, "997/AK5/4", "translator refuses"},
    {422, R997("%u", "A", "A", "6"), BB_E_REJECT, "422", ""}, /* the status counts where the 997 is no refusal */
    {201, R997("1%u", "A", "A", "6"), BB_E_UNKNOWN, "", "another group"},
    {201, R997("%u", "A", "A", "5"), BB_E_UNKNOWN, "", "no 997"},
    {201, "ISA*cut", BB_E_UNKNOWN, "", "no 997"},
    {202, "{\"status\":\"received\"}", BB_OK, "", ""},
    {500, R997("%u", "A", "A", "6"), BB_E_UNKNOWN, "500", ""},
};

START_TEST(acknowledged)
{
    char body[1024];
    bb_msg *m = fake_msg(MESSAGE, "key-1", 0);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(body, sizeof body, acks[_i].body, x12_control(bb_str("key-1")));
#pragma GCC diagnostic pop
    struct step step = {F_ANSWER, acks[_i].code, *body == 'I' ? "Content-Type: application/edi-x12\r\n" : "", body};
    portal_start(&step, 1, BB_ROLE_SINK, "http", ",\"formats\":{\"forecast\":\"x12\"}");
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_msg(result.status == acks[_i].status, "case %d: %d, %s", _i, result.status, result.err.text);
    has(result.err.text, acks[_i].text);
    if (*acks[_i].vendor)
        ck_assert_str_eq(result.err.vendor_code, acks[_i].vendor);
    if (acks[_i].status == BB_OK && *body == 'I')
        has(result.reply, "\"outcome\":\"accepted");
    if (acks[_i].code == 202)
        has(result.reply, "\"answer\":{\"status\":\"received\"}}");
    if (acks[_i].code == 202)
        has(result.reply, "{\"group\":\"");
    has(server.head, "Content-Type: application/edi-x12");
    has(server.body, "~ST*830*0001~");
    portal_end();
    fake_msg_free(m);
}
END_TEST

static const struct {
    struct step step;
    bb_status status;
} probes[] = {{{F_ANSWER, 200, "", "{\"status\":\"accepted\",\"reference\":\"F-1\"}"}, BB_OK},
              {{F_ANSWER, 200, "", "{\"status\":\"rejected\",\"code\":\"Z\"}"}, BB_NOT_APPLIED},
              {{F_ANSWER, 200, "", "{\"status\":\"processing\"}"}, BB_E_RETRY},
              {{F_ANSWER, 200, "", "<html>"}, BB_E_RETRY},
              {{F_ANSWER, 404, "", PROBLEM("SP-004")}, BB_NOT_APPLIED},
              {{F_ANSWER, 404, "", "{\"error\":\"no such path\"}"}, BB_E_RETRY}, /* a wrong path proves nothing */
              {{F_ANSWER, 404, "", "{\"type\":\"https://x/errors#NO_PATH\"}"}, BB_E_RETRY},
              {{F_ANSWER, 404, "", ""}, BB_E_RETRY},
              {{F_ANSWER, 401, "", PROBLEM("SP-401")}, BB_E_RETRY},
              {{F_ANSWER, 500, "", ""}, BB_E_RETRY},
              {{F_RESET, 0, "", ""}, BB_E_RETRY}};

START_TEST(probe)
{
    bb_msg *m = fake_msg(MESSAGE, "key/1", BB_MSG_REDELIVERY);

    portal_start(&probes[_i].step, 1, BB_ROLE_SINK, "http", ",\"api_key\":{\"key\":\"k-17\"}");
    fake_host_probe(host, m, WAIT_MS, &result);
    ck_assert_msg(result.status == probes[_i].status, "case %d: %d, %s", _i, result.status, result.err.text);
    has(server.head, "GET /v1/submissions/key%2F1 HTTP");
    has(server.head, "X-API-KEY: k-17\r\n");
    portal_end();
    fake_msg_free(m);
}
END_TEST

START_TEST(no_probe)
{
    struct step step = {F_ANSWER, 200, "", ""};

    portal_start(&step, 1, BB_ROLE_SINK, "http", ",\"paths\":{\"submissions\":\"\"}");
    ck_assert_ptr_null(bb_module_v1(BB_ABI)->connectors[0]->extension(fake_host_inst(host), BB_EXT_PROBE));
    portal_end();
}
END_TEST

START_TEST(certificate)
{
    struct step step = {F_ANSWER, 201, "", "{}"};
    bb_msg *m = fake_msg(MESSAGE, "key-1", 0);
    char pem[64];

    faults_tls(&server, pem);
    portal_start(&step, 1, BB_ROLE_SINK, "https", ""); /* signed by nobody whom we trust */
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_int_eq(result.status, BB_E_DOWN);
    has(result.err.text, "look at tls.ca and at the certificates' dates");
    portal_end();
    fake_msg_free(m);
    remove(pem);
}
END_TEST

/* ---- signatures ------------------------------------------------------------------------------------------------------------ */
static const char *header_of(const char *name)
{
    static char text[256];
    const char *at = strstr(server.head, name);

    ck_assert_msg(at != NULL, "no %s in: %s", name, server.head);
    snprintf(text, sizeof text, "%.*s", (int)strcspn(at + strlen(name), "\r\n"), at + strlen(name));
    return text;
}

#define LONG_SECRET "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2NzAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc="
#define LONG_KEY "0123456789abcdef0123456789abcdef01234567"
START_TEST(signature)
{
    /* the same key as text and as whsec_ base64 */
    static const char *const secrets[] = {"0123456789abcdef", "whsec_MDEyMzQ1Njc4OWFiY2RlZg==",
                                          LONG_SECRET}; /* longer than a block: its padding would count */
    static const char *const keys[] = {"0123456789abcdef", "0123456789abcdef", LONG_KEY LONG_KEY};
    struct step step = {F_ANSWER, 201, "", "{}"};
    bb_msg *m = fake_msg(MESSAGE, "key-1", 0);
    char more[256], at[64];
    unsigned char mac[32];
    unsigned n = sizeof mac;
    struct bb_buf text, want;

    snprintf(more, sizeof more, ",\"sign\":{\"secret\":\"%s\"},\"api_key\":{\"key\":\"k-19\"}", secrets[_i]);
    portal_start(&step, 1, BB_ROLE_SINK, "http", more);
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_int_eq(result.status, BB_OK);
    ck_assert_str_eq(header_of("webhook-id: "), "key-1");
    ck_assert_str_eq(header_of("X-API-KEY: "), "k-19");
    snprintf(at, sizeof at, "%s", header_of("webhook-timestamp: "));
    bb_buf_init(&text, 1 << 16), bb_buf_init(&want, 256);
    bb_buf_put(&text, "key-1.", 6), bb_buf_put(&text, at, strlen(at)), bb_buf_put(&text, ".", 1);
    bb_buf_put(&text, server.body, strlen(server.body));
    ck_assert_ptr_nonnull(HMAC(EVP_sha256(), keys[_i], (int)strlen(keys[_i]), text.ptr, text.len, mac, &n));
    bb_buf_put(&want, "v1,", 3);
    bb_base64_put(&want, (struct bb_bytes){mac, n});
    ck_assert(bb_str_is((struct bb_bytes){want.ptr, want.len}, header_of("webhook-signature: ")));
    bb_buf_free(&text), bb_buf_free(&want);
    portal_end();
    fake_msg_free(m);
}
END_TEST

START_TEST(bad_secret)
{
    static const char *const secrets[] = {"short", "whsec_!!!!", "whsec_MDEy"};
    struct bb_error err = bb_error_none();
    char text[256];

    fake_journal_init(&journal);
    snprintf(text, sizeof text, "{\"base_url\":\"http://127.0.0.1:1\",\"sign\":{\"secret\":\"%s\"}}", secrets[_i]);
    ck_assert_ptr_null(fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], text, BB_ROLE_SINK, &err));
    has(err.text, "sign.secret is no key");
    fake_journal_free(&journal);
}
END_TEST

/* ---- the feed ------------------------------------------------------------------------------------------------------------------ */
#define SHIP(line)                                                                                                                 \
    ISA "GS*SH*17300001*BUSBAR*20261128*0800*7*X*004010~ST*856*0001~BSN*00*ASN-1*20261128*0815*0001~HL*1**S~HL*2*1*O~PRF*45~HL*3*2*I~" \
        "LIN*1*BP*RM-1~" line "~SE*9*0001~ST*856*0002~BSN*00*ASN-2*20261128*0815*0001~HL*1**S~SE*4*0002~GE*2*7~IEA*1*000000007~"
#define ENTRY(n, rest) "{\"sequence\":" n ",\"id\":\"SP-" n "\",\"partner\":\"17300001\"," rest "}"

static struct {
    const char *type, *id;
} const wanted[] = {{"mfg.shipment.announced", "SP-3/1"}, {"mfg.shipment.announced", "SP-3/2"}, {"mfg.portal.acknowledge", "SP-3/ack-1"},
                    {"mfg.portal.unreadable", "SP-4/1"},  {"mfg.shipment.announced", "SP-4/2"}, {"mfg.portal.acknowledge", "SP-4/ack-1"},
                    {"mfg.quality.changed", "SP-5"},      {"mfg.commitment.changed", "SP-6"},   {"mfg.shipment.cancelled", "SP-7"},
                    {"mfg.portal.unreadable", "SP-8"},    {"mfg.portal.unreadable", "SP-9"},
                    {"mfg.portal.acknowledged", "SP-10/1"},   {"mfg.portal.unreadable", "SP-11/1"},
                    {"mfg.portal.acknowledge", "SP-11/ack-1"}};

START_TEST(feed)
{
    static const char page[] = "{\"messages\":[" ENTRY("3", "\"contentType\":\"application/edi-x12\",\"text\":\"" SHIP("SN1**5*PC") "\"") ","
        ENTRY("4", "\"contentType\":\"application/edi-x12\",\"text\":\"" SHIP("SN1**5*QQ") "\"") ","
        ENTRY("5", "\"kind\":\"quality\",\"correlation\":\"c-5\",\"body\":{\"id\":\"NC-1\",\"kind\":\"hold\",\"status\":\"contained\","
                   "\"plant\":\"1000\","
                   "\"item\":{\"id\":\"RM-2\"}}") ","
        ENTRY("6", "\"kind\":\"commitment\",\"body\":{\"id\":\"OA-1\",\"purpose\":\"replace\",\"answers\":{\"id\":\"45\"}}") ","
        ENTRY("7", "\"kind\":\"ship-notice\",\"body\":{\"id\":\"ASN-3\",\"purpose\":\"cancel\"}") ","
        ENTRY("8", "\"kind\":\"invoice\",\"body\":{\"id\":\"I-1\"}") ","
        ENTRY("9", "\"kind\":\"ship-notice\",\"body\":{\"number\":\"ASN-3\"}") ","
        ENTRY("10", "\"contentType\":\"application/edi-x12\",\"text\":\"" R997("42", "R*5", "R", "6") "\"") ","
        ENTRY("11", "\"contentType\":\"application/edi-x12\",\"text\":\"" ISA
              "GS*PO*17300001*BUSBAR*20261128*0800*7*X*004010~ST*850*0001~SE*2*0001~GE*1*7~IEA*1*000000007~\"") "]}";
    struct step step = {F_ANSWER, 200, "", page};

    portal_start(&step, 1, BB_ROLE_SOURCE, "http", ",\"receive\":{\"interval\":60000,\"acknowledge\":true},"
                                                            "\"api_key\":{\"header\":\"X-Key\",\"key\":\"k-18\"}");
    ck_assert_int_eq(fake_host_run(host, sizeof wanted / sizeof *wanted, WAIT_MS), 0);
    has(server.head, "GET /v1/messages?limit=100 HTTP");
    has(server.head, "X-Key: k-18\r\n");
    for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++) {
        ck_assert_str_eq(fake_attribute(&journal, k, "id"), wanted[k].id);
        ck_assert_str_eq(fake_attribute(&journal, k, "type"), wanted[k].type);
    }
    ck_assert_str_eq(fake_attribute(&journal, 0, "item"), "RM-1");
    ck_assert_str_eq(fake_attribute(&journal, 0, "subject"), "ASN-1");
    ck_assert_str_eq(fake_attribute(&journal, 0, "correlationid"), "45");
    ck_assert_str_eq(fake_attribute(&journal, 6, "correlationid"), "c-5");
    ck_assert_str_eq(fake_attribute(&journal, 6, "plant"), "1000");
    ck_assert_str_eq(fake_attribute(&journal, 7, "correlationid"), "45");
    has(fake_data(&journal, 2), "{\"partner\":\"17300001\",\"function\":\"SH\",\"group\":\"7\",\"sets\":[{\"set\":\"856\",\"control\":\"0001\","
                                "\"outcome\":\"accepted\"},{\"set\":\"856\",\"control\":\"0002\",\"outcome\":\"accepted\"}]}");
    has(fake_data(&journal, 3), "unit \\\"QQ\\\" is not known here");
    has(fake_data(&journal, 3), "SN1**5*QQ"); /* with the document */
    has(fake_data(&journal, 5), "\"outcome\":\"rejected\",\"code\":\"5\"");
    has(fake_data(&journal, 9), "the kind is not");
    has(fake_data(&journal, 10), "no id");
    has(fake_data(&journal, 12), "none of 855, 856, 997");
    has(fake_data(&journal, 13), "\"set\":\"850\",\"control\":\"0001\",\"outcome\":\"rejected\",\"code\":\"1\"");
    portal_end();
}
END_TEST

/* Pages that hold the feed: nothing is taken, and health says why. */
static const struct {
    const char *page, *why;
} holding[] = {{"{}", "no list /messages"},
               {"{\"messages\":[{\"id\":\"a\",\"body\":{}}]}", "no sequence"},
               {"{\"messages\":[{\"sequence\":1,\"body\":{}}]}", "no id"},
               {"<html>", ""}};

START_TEST(feed_held)
{
    struct step step = {F_ANSWER, 200, "", holding[_i].page};
    struct bb_error why = bb_error_none();
    const struct bb_ext_health *h;

    portal_start(&step, 1, BB_ROLE_SOURCE, "http", ",\"receive\":{\"interval\":60000}");
    h = bb_module_v1(BB_ABI)->connectors[0]->extension(fake_host_inst(host), BB_EXT_HEALTH);
    for (int k = 0; k < 100 && h->health(fake_host_inst(host), &why) == BB_OK; k++)
        fake_host_pump(host, 50);
    has(why.text, holding[_i].why);
    ck_assert_int_ne(h->health(fake_host_inst(host), &why), BB_OK);
    ck_assert_uint_eq(journal.n, 0);
    portal_end();
}
END_TEST

START_TEST(no_receive)
{
    struct bb_error err = bb_error_none();

    fake_journal_init(&journal);
    ck_assert_ptr_null(fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], "{\"base_url\":\"http://127.0.0.1:1\"}",
                                     BB_ROLE_SOURCE, &err));
    has(err.text, "it needs receive");
    fake_journal_free(&journal);
}
END_TEST

#define LOOP(test, rows) tcase_add_loop_test(t, test, 0, sizeof rows / sizeof *rows)
int main(void)
{
    Suite *s = suite_create("portal");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);

    tcase_set_timeout(t, 60);
    LOOP(fault_table, cases);
    LOOP(acknowledged, acks);
    LOOP(probe, probes);
    tcase_add_test(t, no_probe);
    tcase_add_test(t, certificate);
    tcase_add_loop_test(t, signature, 0, 3);
    tcase_add_loop_test(t, bad_secret, 0, 3);
    tcase_add_test(t, feed);
    LOOP(feed_held, holding);
    tcase_add_test(t, no_receive);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
