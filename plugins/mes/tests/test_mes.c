/*
 * test_mes.c - what the mes connector writes and reads, document by document, without a network
 *
 * With BUSBAR_MES_DUMP=DIR it writes the transactions of all its messages there, for a check against B2MML's
 * schemas (tests/real/b2mml.sh).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <busbar/json.h>
#include "plugins/mes/mes.h"
#include "tests/plugins/fakehost.h"

static struct fake_journal journal;
static struct fake_host *host;
static bb_inst *inst;
static struct bb_buf out;

static void host_make(const char *more)
{
    char conf[512];
    struct bb_error err = bb_error_none();

    fake_journal_init(&journal);
    snprintf(conf, sizeof conf, "{\"base_url\":\"http://127.0.0.1:9\"%s}", more);
    host = fake_host_new(&journal, bb_module_v1(BB_ABI)->connectors[0], conf, BB_ROLE_SINK, &err);
    ck_assert_msg(host != NULL, "%s", err.text);
    inst = fake_host_inst(host);
    bb_buf_init(&out, 1 << 24);
}

static void setup(void)
{
    host_make("");
}

static void teardown(void)
{
    bb_buf_free(&out);
    fake_host_free(&host);
    fake_journal_free(&journal);
}

/* ---- out --------------------------------------------------------------------------------------------- */
#define HEAD(type) "[{\"specversion\":\"1.0\",\"id\":\"m\",\"source\":\"t\",\"type\":\"" type "\"," \
                   "\"time\":\"2026-11-28T10:00:00Z\",\"correlationid\":\"ECO-1\"},"
#define BILL(lines) HEAD("mfg.bom.released") "{\"id\":\"00000199\",\"item\":{\"id\":\"FG-1\",\"revision\":\"B\"}," \
    "\"plant\":\"1000\",\"usage\":\"manufacturing\",\"alternative\":\"01\",\"status\":\"active\",\"effectivity\":" \
    "{\"from\":\"2027-01-01\"},\"baseQuantity\":{\"value\":100,\"unit\":\"H87\",\"sourceUnit\":\"PC\"},\"lines\":[" lines "]}]"
#define ORDER(type, status) HEAD(type) "{\"id\":\"4711\",\"item\":{\"id\":\"FG-1\"},\"plant\":\"1000\",\"status\":[\"" status \
    "\"],\"quantity\":{\"value\":10,\"unit\":\"H87\"},\"schedule\":{\"planned\":{\"start\":\"2026-12-01T06:00:00Z\"," \
    "\"end\":\"2026-12-02\"}},\"components\":[{\"id\":\"1\",\"item\":{\"id\":\"RM-1\"},\"required\":{\"value\":4.50," \
    "\"unit\":\"KGM\"},\"from\":{\"storageLocation\":\"0002\"}},{\"id\":\"2\",\"item\":{\"id\":\"X\"},\"deleted\":true}]}]"

static const char bill_json[] = BILL(
    "{\"id\":\"a\",\"position\":\"0010\",\"item\":{\"id\":\"RM-1\"},\"quantity\":{\"value\":1.250,\"unit\":\"KGM\"}},"
    "{\"id\":\"b\",\"item\":{\"id\":\"RM-2\"},\"role\":\"by-product\",\"quantity\":{\"value\":3,\"unit\":\"H87\"}},"
    "{\"id\":\"c\",\"position\":\"0030\",\"kind\":\"text\",\"description\":\"A < B & \\\"C\\\"\"},"
    "{\"id\":\"d\",\"position\":\"0040\",\"item\":{\"id\":\"RM-4\"},\"deleted\":true}");
static const char withdrawn_json[] = HEAD("mfg.bom.withdrawn") "{\"item\":{\"id\":\"FG-1\"},\"plant\":\"1000\",\"usage\":"
    "\"manufacturing\",\"baseQuantity\":{\"value\":1,\"unit\":\"H87\"},\"lines\":[]}]";
static const char routing_json[] = HEAD("mfg.routing.released") "{\"id\":\"40001\",\"item\":{\"id\":\"FG-1\"},\"plant\":\"1000\","
    "\"operations\":[{\"id\":\"1\",\"operation\":\"0010\",\"description\":\"Assemble\",\"workCenter\":{\"workCenter\":"
    "\"ASSY1\"}},{\"id\":\"2\",\"operation\":\"0020\"}]}]";
static const char *const messages[][2] = {
    {"bill", bill_json},
    {"bill-withdrawn", withdrawn_json},
    {"routing", routing_json},
    {"order", ORDER("mfg.work-order.released", "released")},
    {"order-changed", ORDER("mfg.work-order.changed", "released")},
    {"order-cancelled", ORDER("mfg.work-order.cancelled", "cancelled")},
};

/* The transaction as a text in out; its status, err filled. */
static bb_status make(const char *json, struct bb_error *err)
{
    bb_msg *m = fake_msg(json, "route-1-0", 0);
    struct bb_msg_view v = {.size = sizeof v};
    bb_status st;

    ck_assert_msg(m != NULL, "%s", json);
    *err = bb_error_none();
    inst->ctx.api->msg_view(m, &v);
    bb_buf_reset(&out);
    st = bod_make(&inst->conf, &v, &out, err);
    bb_buf_put(&out, "", 1);
    fake_msg_free(m);
    return st;
}

#define SCOPE "<HierarchyScope><EquipmentID>1000</EquipmentID><EquipmentLevel>Site</EquipmentLevel></HierarchyScope>"

START_TEST(a_bill)
{
    struct bb_error err;

    ck_assert_int_eq(make(bill_json, &err), BB_OK);
    ck_assert_str_eq((char *)out.ptr,
        "<SyncOperationsMaterialBill xmlns=\"" MES_NS "\" releaseID=\"7.0\"><ApplicationArea><Sender><LogicalID>busbar</LogicalID>"
        "<ReferenceID>ECO-1</ReferenceID></Sender><CreationDateTime>2026-11-28T10:00:00Z</CreationDateTime>"
        "<BODID>route-1-0</BODID></ApplicationArea><DataArea><Sync><ActionCriteria><ChangeStatus><Code>active</Code>"
        "</ChangeStatus></ActionCriteria></Sync><OperationsMaterialBill><ID>FG-1/01</ID><Version>B</Version>"
        "<EffectiveStartDate>2027-01-01T00:00:00</EffectiveStartDate>" SCOPE "<UseType>Production</UseType>"
        "<OperationsMaterialBillItem><ID>0</ID><UseType>Produced</UseType><MaterialSpecificationID>FG-1"
        "</MaterialSpecificationID><Quantity><QuantityString>100</QuantityString><UnitOfMeasure>H87</UnitOfMeasure>"
        "</Quantity></OperationsMaterialBillItem>"
        "<OperationsMaterialBillItem><ID>0010</ID><UseType>Consumed</UseType><MaterialSpecificationID>RM-1"
        "</MaterialSpecificationID><Quantity><QuantityString>1.250</QuantityString><UnitOfMeasure>KGM</UnitOfMeasure>"
        "</Quantity></OperationsMaterialBillItem>"
        "<OperationsMaterialBillItem><ID>b</ID><UseType>By-product Produced</UseType><MaterialSpecificationID>RM-2"
        "</MaterialSpecificationID><Quantity><QuantityString>3</QuantityString><UnitOfMeasure>H87</UnitOfMeasure>"
        "</Quantity></OperationsMaterialBillItem>"
        "<OperationsMaterialBillItem><ID>0030</ID><Description>A &lt; B &amp; &quot;C&quot;</Description><UseType>Consumed"
        "</UseType></OperationsMaterialBillItem><BillOfMaterialsID>00000199</BillOfMaterialsID></OperationsMaterialBill>"
        "</DataArea></SyncOperationsMaterialBill>");
}
END_TEST

START_TEST(an_order)
{
    struct bb_error err;

    ck_assert_int_eq(make(messages[3][1], &err), BB_OK);
    ck_assert_ptr_nonnull(strstr((char *)out.ptr, "<OperationsSchedule><ID>ECO-1</ID>"));
    ck_assert_ptr_nonnull(strstr((char *)out.ptr, "<OperationsRequest><ID>4711</ID><StartTime>2026-12-01T06:00:00Z</StartTime>"
                                                  "<EndTime>2026-12-02T00:00:00</EndTime>"));
    ck_assert_ptr_nonnull(strstr((char *)out.ptr, "<RequestState>Released</RequestState>"));
    ck_assert_ptr_nonnull(strstr((char *)out.ptr, "<MaterialUse>Consumed</MaterialUse><StorageLocation><Location>0002</Location>"
        "<LocationType>Operational Location</LocationType></StorageLocation><Quantity><QuantityString>4.50</QuantityString>"));
    ck_assert_ptr_null(strstr((char *)out.ptr, ">X<")); /* it is marked as deleted */
    ck_assert_int_eq(make(messages[5][1], &err), BB_OK);
    ck_assert_ptr_nonnull(strstr((char *)out.ptr, "<CancelOperationsSchedule "));
}
END_TEST

static const struct {
    const char *json, *says;
} bad[] = {
    {HEAD("mfg.bom.changed") "{}]", "are not published to a MES"},
    {HEAD("mfg.bom.released") "{\"item\":{\"id\":\"A\"},\"lines\":[]}]", "names no plant"},
    {HEAD("mfg.bom.released") "{\"plant\":\"1\",\"lines\":[]}]", "no item or no lines"},
    {HEAD("mfg.routing.released") "{\"plant\":\"1\",\"item\":{\"id\":\"A\"},\"operations\":{}}]", "no list"},
    {HEAD("mfg.work-order.released") "{\"plant\":\"1\",\"item\":{\"id\":\"A\"}}]", "no id or no item"},
    {BILL("{\"id\":\"a\",\"position\":\"0010\"},{\"id\":\"b\",\"position\":\"0010\"}"), "two lines have position 0010"},
    {BILL("{\"id\":\"a\",\"description\":\"bell \\u0007\"}"), "control character"},
    {BILL("{\"id\":\"a\",\"description\":\"\\uffff\"}"), "control character"},
};

START_TEST(refusals)
{
    struct bb_error err;

    ck_assert_int_eq(make(bad[_i].json, &err), BB_E_REJECT);
    ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "%s", err.text);
}
END_TEST

START_TEST(same_position_on_other_days)
{
    struct bb_error err;

    ck_assert_int_eq(make(BILL("{\"id\":\"a\",\"position\":\"0010\",\"effectivity\":{\"from\":\"2026-01-01\"}},"
                               "{\"id\":\"b\",\"position\":\"0010\",\"effectivity\":{\"from\":\"2027-01-01\"}}"), &err), BB_OK);
}
END_TEST

/* ---- in ---------------------------------------------------------------------------------------------- */
#define PAGE(inner) "<ShowOperationsPerformance xmlns=\"" MES_NS "\"><DataArea><Show/>" inner "</DataArea></ShowOperationsPerformance>"
#define ONE(segment) PAGE("<OperationsPerformance><ID>17</ID>" SCOPE "<OperationsScheduleID>ECO-1</OperationsScheduleID>" \
    "<OperationsResponse><ID>R</ID><OperationsRequestID>4711</OperationsRequestID><ResponseState>Running</ResponseState>" \
    "<SegmentResponse><ID>0010</ID>" segment "</SegmentResponse></OperationsResponse></OperationsPerformance>")
#define END_TIME "<ActualEndTime>2026-11-28T10:00:00Z</ActualEndTime>"
#define ACTUAL(item, use, n, unit) "<MaterialActual><MaterialDefinitionID>" item "</MaterialDefinitionID>" use \
    "<Quantity><QuantityString>" n "</QuantityString><UnitOfMeasure>" unit "</UnitOfMeasure></Quantity></MaterialActual>"
#define MADE "<MaterialUse>Produced</MaterialUse>"
#define USED "<MaterialUse>Consumed</MaterialUse>"

static int page_read(const char *xml, struct bb_fault *f)
{
    struct bb_http_answer a = {.code = 200, .outcome = BB_OK, .body = bb_str(xml)};

    bb_buf_reset(&out);
    memset(f, 0, sizeof *f);
    return performance_body(inst, &a, &out, f);
}

/* The n-th record of a page as a message's JSON. */
static const char *record(const char *xml, int n)
{
    static struct bb_buf json, message;
    struct bb_fault f;
    struct bb_error err = bb_error_none();
    struct bb_iter it;
    struct bb_bytes rec;

    bb_buf_free(&json);
    bb_buf_free(&message);
    bb_buf_init(&json, 1 << 20);
    bb_buf_init(&message, 1 << 20);
    ck_assert_msg(page_read(xml, &f) == 0, "%s", f.text);
    ck_assert_int_eq(bb_value_check((struct bb_bytes){out.ptr, out.len}, &f), 0);
    ck_assert_int_eq(bb_iter_of((struct bb_bytes){out.ptr, out.len}, &it), 1);
    do
        ck_assert_int_eq(bb_iter_next(&it, NULL, &rec), 1);
    while (n--);
    ck_assert_msg(performance_message(inst, rec, &message, &err) == 1, "%s", err.text);
    ck_assert_int_eq(bb_message_check((struct bb_bytes){message.ptr, message.len}, &f), 0);
    ck_assert_int_eq(bb_json_write((struct bb_bytes){message.ptr, message.len}, &json, &f), 0);
    bb_buf_put(&json, "", 1);
    return (const char *)json.ptr;
}

static void has(const char *json, const char *part)
{
    ck_assert_msg(strstr(json, part) != NULL, "%s is not in %s", part, json);
}

START_TEST(a_report)
{
    const char *j = record(ONE(
        "<ActualStartTime>2026-11-28T09:00:00.1234567+01:00</ActualStartTime><ActualEndTime>2026-11-28T11:30:00+01:00"
        "</ActualEndTime><MaterialActual><MaterialDefinitionID>RM-1</MaterialDefinitionID><MaterialLotID>L1</MaterialLotID>"
        "<MaterialSubLotID>S1</MaterialSubLotID>" USED "<StorageLocation>0002</StorageLocation><Quantity><QuantityString>4.50"
        "</QuantityString><UnitOfMeasure>KGM</UnitOfMeasure></Quantity></MaterialActual>" ACTUAL("FG-1", MADE, "9", "H87")
        ACTUAL("FG-1", "<MaterialUse OtherValue=\"Scrap\">Other</MaterialUse>", "1", "H87")
        ACTUAL("FG-1", "<MaterialUse>Retained Sample</MaterialUse>", "1", "H87")), 0);

    has(j, "\"id\":\"17/R/0-0010\"");
    has(j, "\"type\":\"mfg.production.reported\"");
    has(j, "\"correlationid\":\"ECO-1\"");
    has(j, "\"plant\":\"1000\"");
    has(j, "\"item\":\"FG-1\"");
    has(j, "{\"id\":\"17/R/0-0010\",\"plant\":\"1000\",\"state\":\"running\",\"kind\":\"partial\",\"workOrder\":{\"kind\":"
           "\"work-order\",\"id\":\"4711\"},\"operation\":{\"operation\":\"0010\"},\"at\":\"2026-11-28T10:30:00Z\","
           "\"startedAt\":\"2026-11-28T08:00:00.1234567Z\",\"item\":{\"id\":\"FG-1\"},\"note\":\"1 material actuals of a use "
           "that has no place here were left out\",\"yield\":{\"value\":9,\"unit\":\"H87\"},\"scrap\":[{\"quantity\":{"
           "\"value\":1,\"unit\":\"H87\"}}],\"consumed\":[{\"item\":{\"id\":\"RM-1\"},\"from\":{\"storageLocation\":\"0002\"},"
           "\"lot\":{\"id\":\"L1\",\"subLot\":\"S1\"},\"quantity\":{\"value\":4.50,\"unit\":\"KGM\"}}],\"produced\":[{\"item\":"
           "{\"id\":\"FG-1\"},\"quantity\":{\"value\":9,\"unit\":\"H87\"}}]}");
}
END_TEST

static const struct {
    const char *xml, *says;
} odd[] = {
    {ONE(END_TIME ACTUAL("A", MADE, "many", "H87")), "no number"},
    {ONE(END_TIME ACTUAL("A", USED, "-3", "H87")), "below zero"},
    {ONE(END_TIME ACTUAL("A", MADE, "3", "BUCKETS")), "is not known (see units"},
    {ONE("<ActualEndTime>yesterday</ActualEndTime>"), "is no instant"},
    {ONE(""), "nothing says when"},
    {ONE(END_TIME ACTUAL("A\nB", MADE, "3", "H87")), "has a line break"},
};

START_TEST(a_report_that_cannot_be_read)
{
    const char *j = record(odd[_i].xml, 0);

    has(j, "\"type\":\"mfg.mes.unreadable\"");
    has(j, "\"id\":\"17/R/0-0010\"");
    has(j, odd[_i].says);
    has(j, "\"document\":{");
}
END_TEST

START_TEST(several)
{
    struct bb_fault f;
    static const char two[] = PAGE(
        "<OperationsPerformance><ID>0009</ID><PublishedDate>2026-11-28T10:00:00Z</PublishedDate><OperationsResponse>"
        "<SegmentResponse/><SegmentResponse><ID>0020</ID></SegmentResponse></OperationsResponse><OperationsResponse>"
        "<ResponseState>Held</ResponseState><SegmentResponse/></OperationsResponse></OperationsPerformance>");

    has(record(two, 0), "\"id\":\"0009//0\"");
    has(record(two, 1), "\"id\":\"0009//1-0020\"");
    has(record(two, 2), "\"state\":\"interrupted\",\"kind\":\"interruption\"");
    ck_assert_int_eq(page_read(PAGE(""), &f), 0);
    ck_assert_uint_eq(out.len, 5); /* an empty list */
}
END_TEST

static const char *const pages[][2] = {
    {"", "empty"},
    {"nothing", ""},
    {PAGE("<OperationsPerformance/>"), "has no ID"},
    {PAGE("<OperationsPerformance><ID>a\nb</ID></OperationsPerformance>"), "a line break"},
    {"<Other xmlns=\"" MES_NS "\"/>", "no ShowOperationsPerformance"},
    {"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><ShowOperationsPerformance xmlns=\"" MES_NS "\">&x;"
     "</ShowOperationsPerformance>", "DOCTYPE"},
};

START_TEST(a_page_that_holds_the_feed)
{
    struct bb_fault f;

    ck_assert_int_eq(page_read(pages[_i][0], &f), -1);
    ck_assert_msg(strstr(f.text, pages[_i][1]) != NULL, "%s", f.text);
}
END_TEST

START_TEST(units_and_zone_by_config)
{
    teardown();
    host_make(",\"units\":\"sap\",\"utc_offset\":\"-06:00\",\"plant\":\"2000\"");
    const char *j = record(ONE("<ActualEndTime>2026-11-28T10:00:00.5</ActualEndTime>" ACTUAL("A", MADE, "3", "ST")), 0);
    has(j, "\"at\":\"2026-11-28T16:00:00.5Z\"");
    has(j, "{\"value\":3,\"unit\":\"H87\",\"sourceUnit\":\"ST\"}");
}
END_TEST

/* ---- answers ------------------------------------------------------------------------------------------ */
#define CONFIRM(code, reason, text) "<ConfirmBOD xmlns=\"" MES_NS "\"><DataArea><Confirm><OriginalApplicationArea><BODID>k</BODID>" \
    "</OriginalApplicationArea><ResponseCriteria><ChangeStatus><Code>" code "</Code><ReasonCode>" reason "</ReasonCode><Reason>" \
    text "</Reason></ChangeStatus></ResponseCriteria></Confirm></DataArea></ConfirmBOD>"

static const struct {
    unsigned code;
    const char *body;
    bb_status status;
    const char *vendor, *text;
} answers[] = {
    {200, CONFIRM("Accepted", "MES/000", "taken"), BB_OK, "", ""},
    {200, CONFIRM("Rejected", "MES/010", "not mine"), BB_E_REJECT, "MES/010", "not mine"},
    {200, "", BB_OK, "", ""},
    {200, "<html>login</html>", BB_E_UNKNOWN, "", "no ConfirmBOD"},
    {422, CONFIRM("Rejected", "MES/015", "no RM-1"), BB_E_REJECT, "MES/015", "no RM-1"},
    {404, CONFIRM("Unknown", "MES/004", "not here"), BB_E_REJECT, "MES/004", "not here"},
    {404, "nothing here", BB_E_DOWN, "", "check base_url and paths"},
    {401, CONFIRM("Rejected", "MES/401", "wrong"), BB_E_DOWN, "MES/401", "wrong (check auth"},
    {403, "", BB_E_DOWN, "", "ask for its rights"},
    {423, CONFIRM("Rejected", "MES/423", "locked"), BB_E_RETRY, "MES/423", "locked"},
    {500, "", BB_E_UNKNOWN, "", ""},
    {503, "", BB_E_RETRY, "", ""},
};

START_TEST(an_answer)
{
    unsigned code = answers[_i].code;
    struct bb_http_answer a = {.code = code, .outcome = bb_http_outcome(&mes_outcomes, code, 0),
                               .body = bb_str(answers[_i].body), .text = "HTTP"};
    struct bb_error err = bb_error_none();

    ck_assert_int_eq(confirm_read(inst, &a, &err), answers[_i].status);
    if (*answers[_i].vendor)
        ck_assert_str_eq(err.vendor_code, answers[_i].vendor);
    ck_assert_msg(strstr(err.text, answers[_i].text) != NULL, "%s", err.text);
    ck_assert_int_eq(inst->reply.len > 0, answers[_i].status == BB_OK && *answers[_i].body);
}
END_TEST

START_TEST(every_transaction)
{
    const char *dir = getenv("BUSBAR_MES_DUMP");
    char name[512];
    struct bb_error err;

    ck_assert_msg(make(messages[_i][1], &err) == BB_OK, "%s", err.text);
    if (!dir)
        return;
    snprintf(name, sizeof name, "%s/%s.xml", dir, messages[_i][0]);
    FILE *f = fopen(name, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs((char *)out.ptr, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}
END_TEST

#define ROWS(a) ((int)(sizeof(a) / sizeof *(a)))

int main(void)
{
    Suite *s = suite_create("mes");
    TCase *t = tcase_create("mes");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_bill);
    tcase_add_test(t, an_order);
    tcase_add_loop_test(t, refusals, 0, ROWS(bad));
    tcase_add_test(t, same_position_on_other_days);
    tcase_add_test(t, a_report);
    tcase_add_loop_test(t, a_report_that_cannot_be_read, 0, ROWS(odd));
    tcase_add_test(t, several);
    tcase_add_loop_test(t, a_page_that_holds_the_feed, 0, ROWS(pages));
    tcase_add_test(t, units_and_zone_by_config);
    tcase_add_loop_test(t, an_answer, 0, ROWS(answers));
    tcase_add_loop_test(t, every_transaction, 0, ROWS(messages));
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
