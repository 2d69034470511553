/*
 * test_wms.c - the wms connector's mapping, its calls against a scripted warehouse, its files
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <busbar/json.h>
#include "plugins/http/tests/faults.h"
#include "plugins/wms/drop.h"
#include "tests/plugins/fakehost.h"

#define WAIT_MS 10000
#define DATA "{\"id\":\"m1\",\"kind\":\"issue-to-order\",\"item\":{\"id\":\"A 1:2\"},\"quantity\":{\"value\":1.50,\"unit\":\"KGM\"}," \
             "\"from\":{\"location\":{\"plant\":\"1000\",\"storageLocation\":\"0001\",\"bin\":\"A-01\"},\"stockType\":\"unrestricted\"}," \
             "\"lot\":{\"id\":\"L/7\"},\"at\":\"2026-11-28T08:00:00.125Z\",\"workOrder\":{\"kind\":\"work-order\",\"id\":\"4711\"," \
             "\"line\":\"10\"},\"plant\":\"1000\"}"
#define MESSAGE "[{\"specversion\":\"1.0\",\"id\":\"m1\",\"source\":\"/erp\",\"type\":\"mfg.inventory.movement\",\"item\":\"A 1:2\"}," \
                DATA "]"
#define LIST(events) "{\"epcisBody\":{\"queryResults\":{\"resultsBody\":{\"eventList\":[" events "]}}}}"

static struct wms_conf conf = {.item = (char *)"urn:plant:item:", .location = (char *)"urn:plant:loc:",
                               .document = (char *)"urn:plant:doc:", .ns = (char *)"urn:plant:wms:", .source = (char *)"/wms",
                               .storage = (char *)"0001", .plant = (char *)"1000"};
static struct faults server;
static struct fake_journal journal;
static struct fake_host *host;
static struct fake_result result;

static void has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text);
}

static const char *json_of(const struct bb_buf *b)
{
    static struct bb_buf out;
    struct bb_fault f;

    bb_buf_free(&out);
    bb_buf_init(&out, 1 << 20);
    ck_assert_msg(bb_json_write((struct bb_bytes){b->ptr, b->len}, &out, &f) == 0, "%s", f.text);
    bb_buf_put(&out, "", 1);
    return (const char *)out.ptr;
}

static void json_in(const char *text, struct bb_buf *b)
{
    struct bb_fault f;
    bb_buf_init(b, 1 << 20);
    ck_assert_msg(bb_json_read(bb_str(text), b, &f) == 0, "%s in %s", f.text, text);
}

/* The records of an event as JSON. */
static const char *records_of(struct bb_bytes event)
{
    static char text[16384];
    struct bb_fault f;
    struct bb_buf b;

    bb_buf_init(&b, 1 << 20);
    struct open list = list_open(&b);
    ck_assert_msg(event_records(&conf, event, &list, &f) == 0, "%s", f.text);
    open_end(&list);
    snprintf(text, sizeof text, "%s", json_of(&b));
    bb_buf_free(&b);
    return text;
}

static void event_of(const char *data, struct bb_buf *event)
{
    struct bb_msg_view v = {.size = sizeof v, .key = bb_str("k-1"), .short_key = bb_str("K1")};
    struct bb_error err = bb_error_none();
    struct bb_buf d;

    json_in(data, &d);
    v.data = (struct bb_bytes){d.ptr, d.len};
    bb_buf_init(event, 1 << 20);
    ck_assert_msg(event_put(&conf, &v, event, &err) == BB_OK, "%s", err.text);
    bb_buf_free(&d);
}

/* ---- mapping ------------------------------------------------------------------------------------------------- */
START_TEST(there_and_back)
{
    static const char *const same[] = {
        "\"kind\":\"issue-to-order\"", "\"item\":{\"id\":\"A 1:2\"}", "\"quantity\":{\"value\":1.50,\"unit\":\"KGM\"}",
        "\"from\":{\"location\":{\"plant\":\"1000\",\"storageLocation\":\"0001\",\"bin\":\"A-01\"},\"stockType\":\"unrestricted\"}",
        "\"lot\":{\"id\":\"L/7\"}", "\"at\":\"2026-11-28T08:00:00.125Z\"", "\"id\":\"4711\",\"line\":\"10\"", "\"id\":\"k-1\"",
        "\"plant\":\"1000\""};
    struct bb_buf event, xml, back;
    struct bb_fault f;

    event_of(DATA, &event);
    has(json_of(&event), "\"eventID\":\"urn:busbar:event:k-1\"");
    has(json_of(&event), "\"epcClass\":\"urn:plant:item:A%201%3A2:L%2F7\"");
    const char *got = records_of((struct bb_bytes){event.ptr, event.len});
    for (size_t k = 0; k < sizeof same / sizeof *same; k++)
        has(got, same[k]);
    char json[16384];
    snprintf(json, sizeof json, "%s", got);
    bb_buf_init(&xml, 1 << 20);
    bb_buf_init(&back, 1 << 20);
    xml_document_put(&conf, (struct bb_bytes){event.ptr, event.len}, &xml);
    ck_assert_int_eq(xml.failed, 0);
    ck_assert_msg(xml_events_read(&conf, (struct bb_bytes){xml.ptr, xml.len}, &back, &f) == 0, "%s", f.text);
    struct bb_bytes one;
    struct bb_iter it;
    ck_assert(bb_iter_of((struct bb_bytes){back.ptr, back.len}, &it) && it.n == 1 && bb_iter_next(&it, NULL, &one));
    ck_assert_str_eq(records_of(one), json);
    bb_buf_free(&event), bb_buf_free(&xml), bb_buf_free(&back);
}
END_TEST

START_TEST(counts)
{
    struct bb_buf e;

    event_of("{\"kind\":\"count-adjustment\",\"item\":{\"id\":\"A\"},\"difference\":{\"value\":-2.5,\"unit\":\"KGM\"},"
             "\"to\":{\"location\":{\"bin\":\"B\"}},\"at\":\"2026-01-01T00:00:00Z\"}", &e);
    has(json_of(&e), "\"sourceList\":[{\"type\":\"location\",\"source\":\"urn:plant:loc:1000:0001:B\"}]");
    has(json_of(&e), "\"quantity\":2.5");
    ck_assert_ptr_null(strstr(json_of(&e), "destinationList"));
    has(records_of((struct bb_bytes){e.ptr, e.len}), "\"difference\":{\"value\":-2.5,\"unit\":\"KGM\"}");
    bb_buf_free(&e);
}
END_TEST

START_TEST(uris)
{
    static const struct {
        const char *uri, *item, *lot, *serial;
    } all[] = {{"urn:epc:class:lgtin:4012345.012345.99:8", "urn:epc:idpat:sgtin:4012345.012345.*", "99:8", ""},
               {"urn:epc:id:sgtin:0614141.107346.2017", "urn:epc:idpat:sgtin:0614141.107346.*", "", "2017"},
               {"urn:epc:idpat:sgtin:4012345.066666.*", "urn:epc:idpat:sgtin:4012345.066666.*", "", ""},
               {"https://id.gs1.org/01/04012345123456/10/L1/21/S2", "https://id.gs1.org/01/04012345123456", "L1", "S2"},
               {"urn:epc:id:sscc:0614141.1234567890", "urn:epc:id:sscc:0614141.1234567890", "", ""},
               {"urn:plant:item:X%2F1::S9", "X/1", "", "S9"},
               {"urn:plant:item:A:L:S", "A", "L", "S"},
               {"urn:epc:id:sgtin:broken", "urn:epc:id:sgtin:broken", "", ""}};

    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        struct bb_buf texts, out;
        struct epc e;
        bb_buf_init(&texts, 4096), bb_buf_init(&out, 4096);
        bb_buf_room(&texts, 1024);
        epc_read(&conf, bb_str(all[k].uri), &texts, &e);
        ck_assert_msg(bb_str_is(e.item, all[k].item), "%s: item %.*s", all[k].uri, (int)e.item.len, (const char *)e.item.ptr);
        ck_assert_uint_eq(e.lot.len, strlen(all[k].lot));
        ck_assert_uint_eq(e.serial.len, strlen(all[k].serial));
        epc_put(&conf, &e, &out);
        ck_assert_msg(bb_str_is((struct bb_bytes){out.ptr, out.len}, all[k].uri), "%s came back as %.*s", all[k].uri,
                      (int)out.len, (const char *)out.ptr);
        bb_buf_free(&texts), bb_buf_free(&out);
    }
}
END_TEST

START_TEST(foreign_events)
{
    struct bb_buf e;
    struct bb_fault f;

    json_in("{\"eventID\":\"e\",\"type\":\"ObjectEvent\",\"action\":\"OBSERVE\",\"bizStep\":\"receiving\",\"eventTime\":"
            "\"2005-04-03T20:33:31.116000-06:00\",\"epcList\":[\"urn:epc:id:sgtin:1.2.3\",\"urn:epc:id:sgtin:1.2.4\"],"
            "\"readPoint\":{\"id\":\"urn:epc:id:sgln:1.2.3\"}}", &e);
    const char *got = records_of((struct bb_bytes){e.ptr, e.len});
    has(got, "\"id\":\"e#1\""), has(got, "\"id\":\"e#2\"");
    has(got, "\"kind\":\"observation\""); /* receiving alone posts nothing */
    has(got, "\"at\":\"2005-04-04T02:33:31.116000Z\"");
    has(got, "\"readPoint\":{\"id\":\"urn:epc:id:sgln:1.2.3\"}");
    bb_buf_free(&e);
    json_in("{\"eventTime\":\"2005-04-03T20:33:31Z\",\"epcList\":[\"urn:x\"]}", &e); /* no eventID: known by its content */
    has(records_of((struct bb_bytes){e.ptr, e.len}), "\"id\":\"sha256:");
    bb_buf_free(&e);
    static const char *const bad[] = {"{\"eventID\":\"x\"}", "{\"eventID\":\"x\",\"eventTime\":\"yesterday\"}",
                                      "{\"eventID\":\"x\",\"eventTime\":\"2005-04-03T20:33:31Z\",\"wms:kind\":\"theft\"}"};
    for (size_t k = 0; k < 3; k++) {
        struct bb_buf out;
        json_in(bad[k], &e);
        bb_buf_init(&out, 4096);
        struct open list = list_open(&out);
        ck_assert_int_eq(event_records(&conf, (struct bb_bytes){e.ptr, e.len}, &list, &f), -1);
        bb_buf_free(&e), bb_buf_free(&out);
    }
}
END_TEST

START_TEST(percent_signs)
{
    static const char *const all[] = {"%83", "%0A", "%zz", "%00x"}; /* no text: they stay as they are */

    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        char uri[64];
        struct bb_buf texts;
        struct epc e;
        snprintf(uri, sizeof uri, "urn:plant:item:%s", all[k]);
        bb_buf_init(&texts, 4096);
        bb_buf_room(&texts, 1024);
        epc_read(&conf, bb_str(uri), &texts, &e);
        ck_assert_msg(bb_str_is(e.item, all[k]), "%s", all[k]);
        bb_buf_free(&texts);
    }
}
END_TEST

/* ---- calls ----------------------------------------------------------------------------------------------------- */
static void sink_start(const struct step *steps, unsigned n, const char *more)
{
    char text[1024];
    struct bb_error err = bb_error_none();

    faults_start(&server, steps, n);
    fake_journal_init(&journal);
    snprintf(text, sizeof text, "{\"base_url\":\"http://127.0.0.1:%u\",\"timeout\":1500%s}", server.port, more);
    host = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], text, BB_ROLE_SINK, &err);
    ck_assert_msg(host != NULL, "%s", err.text);
    ck_assert_int_eq(fake_host_start(host, &err), BB_OK);
}

static void sink_end(void)
{
    ck_assert_int_eq(fake_host_stop(host, 3000), BB_OK);
    fake_host_free(&host);
    fake_journal_free(&journal);
    faults_end(&server);
}

#define ACCEPTED {F_ANSWER, 202, "Location: /epcis/v2/capture/1\r\n", ""}
#define GOOD {F_ANSWER, 200, "", "{\"running\":false,\"success\":true,\"errors\":[]}"}
#define RUNNING {F_ANSWER, 200, "", "{\"running\":true,\"success\":true,\"errors\":[]}"}
#define PROBLEM(code) "{\"type\":\"epcisException:ValidationException\",\"code\":\"" code "\",\"detail\":\"no such bin\"}"
#define FAILED(code) {F_ANSWER, 200, "", "{\"running\":false,\"success\":false,\"errors\":[" PROBLEM(code) "]}"}

/* The fault table: what comes back, what it comes to. */
static const struct {
    struct step steps[3];
    unsigned n;
    bb_status status;
    const char *vendor, *text;
} cases[] = {
    {{ACCEPTED, GOOD}, 2, BB_OK, "", ""},
    {{ACCEPTED, RUNNING, GOOD}, 3, BB_OK, "", ""},
    {{{F_ANSWER, 201, "", ""}}, 1, BB_OK, "", ""},
    {{ACCEPTED, FAILED("WMS-011")}, 2, BB_E_REJECT, "WMS-011", "no such bin"},
    {{ACCEPTED, FAILED("WMS-024")}, 2, BB_E_RETRY, "WMS-024", "no such bin"},
    {{ACCEPTED, {F_RESET, 0, "", ""}, GOOD}, 3, BB_OK, "", ""},
    {{ACCEPTED, RUNNING}, 2, BB_E_UNKNOWN, "", "did not end in time"},
    {{ACCEPTED, {F_ANSWER, 404, "", ""}}, 2, BB_E_UNKNOWN, "404", ""},
    {{ACCEPTED, {F_ANSWER, 401, "", ""}}, 2, BB_E_UNKNOWN, "401", ""},
    {{{F_ANSWER, 202, "", ""}}, 1, BB_E_UNKNOWN, "", "without a Location"},
    {{{F_ANSWER, 202, "Location: http://127.0.0.2:9/x\r\n", ""}}, 1, BB_E_UNKNOWN, "", "another host"},
    {{{F_RESET, 0, "", ""}}, 1, BB_E_UNKNOWN, "", ""},
    {{{F_HANG, 0, "", ""}}, 1, BB_E_UNKNOWN, "", ""},
    {{{F_ANSWER, 500, "", ""}}, 1, BB_E_UNKNOWN, "500", ""},
    {{{F_ANSWER, 429, "Retry-After: 2\r\n", ""}}, 1, BB_E_RETRY, "429", ""},
    {{{F_ANSWER, 423, "", ""}}, 1, BB_E_RETRY, "423", ""},
    {{{F_ANSWER, 401, "", ""}}, 1, BB_E_DOWN, "401", "mend auth"},
    {{{F_ANSWER, 404, "", ""}}, 1, BB_E_CONFIG, "404", "mend base_url or paths"},
    {{{F_ANSWER, 400, "", PROBLEM("WMS-001")}}, 1, BB_E_REJECT, "WMS-001", "no such bin"}};

START_TEST(fault_table)
{
    bb_msg *m = fake_msg(MESSAGE, "key-1", 0);

    sink_start(cases[_i].steps, cases[_i].n, ",\"faults\":{\"WMS-024\":\"retry\"}");
    fake_host_deliver(host, m, WAIT_MS, &result);
    ck_assert_msg(result.status == cases[_i].status, "case %d: %d, %s", _i, result.status, result.err.text);
    if (*cases[_i].vendor)
        ck_assert_str_eq(result.err.vendor_code, cases[_i].vendor);
    has(result.err.text, cases[_i].text);
    if (result.status == BB_OK)
        has(result.reply, "\"eventID\":\"urn:busbar:event:key-1\"");
    sink_end();
    fake_msg_free(m);
}
END_TEST

static const struct {
    struct step step;
    bb_status status;
} probes[] = {{{F_ANSWER, 200, "", LIST("{\"eventID\":\"urn:busbar:event:key-1\"}")}, BB_OK},
              {{F_ANSWER, 200, "", LIST("")}, BB_NOT_APPLIED},
              {{F_ANSWER, 200, "", LIST("{\"eventID\":\"urn:other\"}")}, BB_E_RETRY}, /* the filter was not honoured */
              {{F_ANSWER, 200, "", "{}"}, BB_E_RETRY},
              {{F_ANSWER, 404, "", ""}, BB_E_RETRY}, /* a wrong path proves nothing */
              {{F_RESET, 0, "", ""}, BB_E_RETRY}};

START_TEST(probe)
{
    bb_msg *m = fake_msg(MESSAGE, "key-1", BB_MSG_REDELIVERY);

    sink_start(&probes[_i].step, 1, "");
    fake_host_probe(host, m, WAIT_MS, &result);
    ck_assert_msg(result.status == probes[_i].status, "case %d: %d, %s", _i, result.status, result.err.text);
    has(server.head, "EQ_eventID=urn%3Abusbar%3Aevent%3Akey-1");
    sink_end();
    fake_msg_free(m);
}
END_TEST

START_TEST(feed)
{
    static const char page[] = LIST("{\"eventID\":\"e1\",\"type\":\"ObjectEvent\",\"eventTime\":\"2026-01-01T00:00:00Z\",\"recordTime\":"
                                    "\"2026-01-01T00:00:01Z\",\"wms:kind\":\"scrap\",\"sourceList\":[{\"type\":\"location\",\"source\":"
                                    "\"urn:plant:loc:2000:0001\"}],\"quantityList\":[{\"epcClass\":\"urn:plant:item:A\",\"quantity\":3}]}");
    struct bb_error err = bb_error_none();
    char text[256];

    faults_start(&server, (struct step[]){{F_ANSWER, 200, "", page}}, 1);
    fake_journal_init(&journal);
    journal.keep = 1;
    snprintf(text, sizeof text, "{\"base_url\":\"http://127.0.0.1:%u\",\"poll\":{\"interval\":60000}}", server.port);
    host = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], text, BB_ROLE_SOURCE, &err);
    ck_assert_msg(host != NULL, "%s", err.text);
    ck_assert_int_eq(fake_host_start(host, &err), BB_OK);
    ck_assert_int_eq(fake_host_run(host, 1, WAIT_MS), 0);
    ck_assert_str_eq(fake_attribute(&journal, 0, "plant"), "2000");
    has(fake_data(&journal, 0), "\"kind\":\"scrap\"");
    has(fake_data(&journal, 0), "\"quantity\":{\"value\":3,\"unit\":\"H87\"}");
    sink_end();
}
END_TEST

/* ---- files ------------------------------------------------------------------------------------------------------- */
START_TEST(files)
{
    char dir[] = "/tmp/busbar-wms-XXXXXX", text[512], why[240];
    struct bb_error err = bb_error_none();
    bb_msg *m = fake_msg(MESSAGE, "key-1", 0);
    struct bb_buf file, messages, ends;
    struct bb_msg_view v = {.size = sizeof v, .key = bb_str("key-1"), .short_key = bb_str("K1")};
    struct bb_buf d;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    fake_journal_init(&journal);
    snprintf(text, sizeof text, "{\"files\":{\"out\":\"%s\"}}", dir);
    host = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], text, BB_ROLE_SINK, &err);
    ck_assert_msg(host != NULL, "%s", err.text);
    fake_host_probe(host, m, 1000, &result);
    ck_assert_int_eq(result.status, BB_NOT_APPLIED);
    fake_host_deliver(host, m, 1000, &result);
    ck_assert_msg(result.status == BB_OK, "%s", result.err.text);
    fake_host_probe(host, m, 1000, &result);
    ck_assert_int_eq(result.status, BB_OK);
    fake_host_free(&host);
    snprintf(text, sizeof text, "{\"files\":{\"out\":\"%s/none\"}}", dir);
    host = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], text, BB_ROLE_SINK, &err);
    fake_host_deliver(host, m, 1000, &result);
    ck_assert_int_eq(result.status, BB_E_DOWN);
    has(result.err.text, "see to files.out");
    fake_host_free(&host);
    fake_msg_free(m);
    fake_journal_free(&journal);
    snprintf(text, sizeof text, "rm -r '%s'", dir);
    ck_assert_int_eq(system(text), 0);

    json_in(DATA, &d);
    v.data = (struct bb_bytes){d.ptr, d.len};
    bb_buf_init(&file, 65536), bb_buf_init(&messages, 65536), bb_buf_init(&ends, 65536);
    ck_assert_int_eq(drop_file_put(&conf, &v, &file, &err), BB_OK);
    struct bb_bytes whole = {file.ptr, file.len};
    ck_assert_msg(drop_file_read(&conf, "f.csv", whole, &messages, &ends, why) == 0, "%s", why);
    ck_assert_uint_eq(ends.len, sizeof(size_t));
    struct bb_envelope e;
    ck_assert_int_eq(bb_envelope_read((struct bb_bytes){messages.ptr, messages.len}, &e, NULL), 0);
    struct bb_buf data = {.ptr = (uint8_t *)(uintptr_t)e.data.ptr, .len = e.data.len};
    has(json_of(&data), "\"quantity\":{\"value\":1.50,\"unit\":\"KGM\"}");
    has(json_of(&data), "\"bin\":\"A-01\"");
    for (size_t k = 0; k < file.len; k++) { /* whatever byte is changed, it is refused */
        uint8_t was = file.ptr[k];
        if (k + 1 == file.len)
            break; /* the last line end says nothing */
        file.ptr[k] = was == 'x' ? 'y' : 'x';
        bb_buf_reset(&messages), bb_buf_reset(&ends);
        ck_assert_msg(drop_file_read(&conf, "f.csv", whole, &messages, &ends, why) == -1, "byte %zu was changed unseen", k);
        file.ptr[k] = was;
    }
    bb_buf_free(&d), bb_buf_free(&file), bb_buf_free(&messages), bb_buf_free(&ends);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("wms");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);

    tcase_set_timeout(t, 60);
    tcase_add_test(t, there_and_back);
    tcase_add_test(t, counts);
    tcase_add_test(t, uris);
    tcase_add_test(t, foreign_events);
    tcase_add_test(t, percent_signs);
    tcase_add_loop_test(t, fault_table, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(t, probe, 0, sizeof probes / sizeof *probes);
    tcase_add_test(t, feed);
    tcase_add_test(t, files);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
