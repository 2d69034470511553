/*
 * test_sap.c - descriptions from $metadata, values by them both ways, differences, and what errors mean
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <busbar/json.h>
#include "plugins/sap/sap.h"

static const char v2_text[] =
    "<?xml version=\"1.0\"?><edmx:Edmx Version=\"1.0\" xmlns:edmx=\"http://schemas.microsoft.com/ado/2007/06/edmx\">"
    "<edmx:DataServices xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\" "
    "m:DataServiceVersion=\"2.0\"><Schema Namespace=\"API\" xmlns=\"http://schemas.microsoft.com/ado/2008/09/edm\">"
    "<EntityType Name=\"OrderType\"><Key><PropertyRef Name=\"Id\"/><PropertyRef Name=\"Plant\"/></Key>"
    "<Property Name=\"Id\" Type=\"Edm.String\" MaxLength=\"4\"/><Property Name=\"Plant\" Type=\"Edm.String\"/>"
    "<Property Name=\"Qty\" Type=\"Edm.Decimal\" Precision=\"13\" Scale=\"3\"/>"
    "<Property Name=\"Day\" Type=\"Edm.DateTime\"/><Property Name=\"Open\" Type=\"Edm.Boolean\"/>"
    "<Property Name=\"Clock\" Type=\"Edm.Time\"/>"
    "<Property Name=\"Changed\" Type=\"Edm.DateTimeOffset\" ConcurrencyMode=\"Fixed\"/>"
    "<NavigationProperty Name=\"to_Item\" Relationship=\"API.OI\" FromRole=\"From\" ToRole=\"To\"/></EntityType>"
    "<EntityType Name=\"ItemType\"><Key><PropertyRef Name=\"No\"/></Key><Property Name=\"No\" Type=\"Edm.String\"/>"
    "<Property Name=\"Qty\" Type=\"Edm.Decimal\" Precision=\"13\" Scale=\"3\"/></EntityType>"
    "<Association Name=\"OI\"><End Type=\"API.OrderType\" Multiplicity=\"1\" Role=\"From\"/>"
    "<End Type=\"API.ItemType\" Multiplicity=\"*\" Role=\"To\"/></Association>"
    "<EntityContainer Name=\"API\"><EntitySet Name=\"Orders\" EntityType=\"API.OrderType\"/>"
    "<EntitySet Name=\"Items\" EntityType=\"API.ItemType\"/>"
    "<FunctionImport Name=\"Release\" m:HttpMethod=\"POST\"><Parameter Name=\"Id\" Type=\"Edm.String\"/></FunctionImport>"
    "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>";
static const char v4_text[] =
    "<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\"><edmx:DataServices>"
    "<Schema Namespace=\"n.s\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\"><EntityType Name=\"T\"><Key>"
    "<PropertyRef Name=\"Id\"/></Key><Property Name=\"Id\" Type=\"Edm.String\"/>"
    "<Property Name=\"Qty\" Type=\"Edm.Decimal\" Precision=\"13\" Scale=\"3\"/><Property Name=\"Day\" Type=\"Edm.Date\"/>"
    "<NavigationProperty Name=\"_Sub\" Type=\"Collection(n.s.T)\"/></EntityType><EntityContainer Name=\"C\">"
    "<EntitySet Name=\"S\" EntityType=\"n.s.T\"><Annotation Term=\"Org.OData.Core.V1.OptimisticConcurrency\"/></EntitySet>"
    "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>";

static struct edm *v2, *v4;
static struct bb_buf json, out, now;

static void setup(void)
{
    struct bb_fault f;

    v2 = edm_read(bb_str(v2_text), &f);
    ck_assert_msg(v2 != NULL, "%s", f.text);
    v4 = edm_read(bb_str(v4_text), &f);
    ck_assert_msg(v4 != NULL, "%s", f.text);
    bb_buf_init(&json, 1 << 20);
    bb_buf_init(&out, 1 << 20);
    bb_buf_init(&now, 1 << 20);
}

static void teardown(void)
{
    edm_free(&v2);
    edm_free(&v4);
    bb_buf_free(&json);
    bb_buf_free(&out);
    bb_buf_free(&now);
}

static struct bb_bytes value(struct bb_buf *b, const char *text)
{
    bb_buf_reset(b);
    ck_assert_int_eq(bb_json_read(bb_str(text), b, NULL), 0);
    return (struct bb_bytes){b->ptr, b->len};
}

static const char *text_of(struct bb_buf *b)
{
    bb_buf_put(b, "", 1);
    return (const char *)b->ptr;
}

START_TEST(descriptions)
{
    const struct edm_set *s = edm_set_find(v2, bb_str("Orders"));

    ck_assert_int_eq(v2->version, 2);
    ck_assert_ptr_nonnull(s);
    ck_assert_int_eq(s->etag, 1);
    ck_assert_int_eq(edm_set_find(v2, bb_str("Items"))->etag, 0);
    ck_assert_int_eq(edm_prop_find(s->type, bb_str("Plant"))->key, 1);
    ck_assert_int_eq(edm_prop_find(s->type, bb_str("Qty"))->scale, 3);
    ck_assert_str_eq(edm_nav_find(s->type, bb_str("to_Item"))->type->name, "ItemType");
    ck_assert_int_eq(edm_nav_find(s->type, bb_str("to_Item"))->many, 1);
    ck_assert_str_eq(edm_function_find(v2, "Release")->method, "POST");
    ck_assert_int_eq(v4->version, 4);
    ck_assert_int_eq(edm_set_find(v4, bb_str("S"))->etag, 1);
    ck_assert_int_eq(edm_nav_find(v4->types, bb_str("_Sub"))->many, 1);
}
END_TEST

START_TEST(bad_descriptions)
{
    static const char *const bad[] = {"", "<a/>", "{}", "<edmx:Edmx Version=\"1.0\" xmlns:edmx=\"x\"/>",
                                      "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"};
    struct bb_fault f;

    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        ck_assert_ptr_null(edm_read(bb_str(bad[k]), &f));
        ck_assert_int_ne(f.text[0], 0);
    }
    for (size_t n = 0; n + 1 < sizeof v2_text; n += 7) { /* cut anywhere */
        struct edm *e = edm_read((struct bb_bytes){v2_text, n}, &f);
        ck_assert_ptr_null(e);
    }
}
END_TEST

static const struct {
    const char *in, *v2, *why; /* why: a word of the refusal */
} writes[] = {
    {"{\"Id\":\"A\",\"Qty\":1.500}", "{\"Id\":\"A\",\"Qty\":\"1.5\"}", NULL},
    {"{\"Qty\":9999999999.123}", "{\"Qty\":\"9999999999.123\"}", NULL},
    {"{\"Qty\":\"2.125\"}", "{\"Qty\":\"2.125\"}", NULL},
    {"{\"Qty\":1.2345}", NULL, "nothing is rounded"},
    {"{\"Qty\":12345678901}", NULL, "does not fit"},
    {"{\"Id\":\"ABCDE\"}", NULL, "5 characters"},
    {"{\"Day\":\"2026-01-01\"}", "{\"Day\":\"/Date(1767225600000)/\"}", NULL},
    {"{\"Day\":\"9999-12-31\"}", "{\"Day\":\"/Date(253402214400000)/\"}", NULL},
    {"{\"Day\":\"soon\"}", NULL, "a date"},
    {"{\"Changed\":\"2026-01-01T00:00:00Z\"}", "{\"Changed\":\"/Date(1767225600000+0000)/\"}", NULL},
    {"{\"Clock\":\"08:30:00\"}", "{\"Clock\":\"PT08H30M00S\"}", NULL},
    {"{\"Open\":true,\"Day\":null}", "{\"Open\":true,\"Day\":null}", NULL},
    {"{\"to_Item\":[{\"No\":\"1\",\"Qty\":2}]}", "{\"to_Item\":[{\"No\":\"1\",\"Qty\":\"2\"}]}", NULL},
    {"{\"Nope\":1}", NULL, "no property Nope"},
    {"{\"to_Item\":[{\"Nope\":1}]}", NULL, "no property Nope in ItemType"},
};

START_TEST(writing)
{
    const struct edm_type *t = edm_set_find(v2, bb_str("Orders"))->type;

    for (size_t k = 0; k < sizeof writes / sizeof writes[0]; k++) {
        struct bb_error err = bb_error_none();
        size_t n;
        bb_buf_reset(&out);
        bb_status st = entity_json(v2, t, value(&json, writes[k].in), (struct bb_bytes){NULL, 0}, &out, &n, &err);
        ck_assert_msg((st == BB_OK) == (writes[k].v2 != NULL), "%s: %s", writes[k].in, err.text);
        if (st == BB_OK)
            ck_assert_str_eq(text_of(&out), writes[k].v2);
        else
            ck_assert_msg(strstr(err.text, writes[k].why) != NULL, "%s: %s", writes[k].in, err.text);
    }
    struct bb_error err = bb_error_none();
    size_t n;
    bb_buf_reset(&out);
    ck_assert_int_eq(entity_json(v4, v4->types, value(&json, "{\"Qty\":1.50,\"Day\":\"2026-01-01\"}"),
                                 (struct bb_bytes){NULL, 0}, &out, &n, &err), BB_OK);
    ck_assert_str_eq(text_of(&out), "{\"Qty\":1.5,\"Day\":\"2026-01-01\"}");
}
END_TEST

START_TEST(reading)
{
    const struct edm_type *t = edm_set_find(v2, bb_str("Orders"))->type;

    bb_buf_reset(&now);
    ck_assert_int_eq(entity_read(v2, t, value(&json, "{\"__metadata\":{\"etag\":\"W/x\"},\"Id\":\"A\",\"Qty\":\"1.50\","
                                                     "\"Day\":\"/Date(253402214400000)/\",\"Clock\":\"PT08H30M00S\","
                                                     "\"Changed\":\"/Date(1767225600000+0000)/\",\"Strange\":1,"
                                                     "\"to_Item\":{\"results\":[{\"No\":\"1\",\"Qty\":\"0.125\"}]}}"),
                                 &now), 0);
    ck_assert_int_eq(bb_json_write((struct bb_bytes){now.ptr, now.len}, &out, NULL), 0);
    ck_assert_str_eq(text_of(&out), "{\"Id\":\"A\",\"Qty\":1.50,\"Day\":\"9999-12-31\",\"Clock\":\"08:30:00\","
                                    "\"Changed\":\"2026-01-01T00:00:00Z\",\"to_Item\":[{\"No\":\"1\",\"Qty\":0.125}]}");
    ck_assert(bb_str_is(entity_etag((struct bb_bytes){json.ptr, json.len}), "W/x"));
}
END_TEST

START_TEST(differences)
{
    static const struct {
        const char *want, *now, *out;
    } rows[] = {
        {"{\"Id\":\"A\",\"Qty\":1.500}", "{\"Id\":\"A\",\"Qty\":1.5}", "{}"},
        {"{\"Id\":\"A\",\"Qty\":0}", "{\"Id\":\"A\"}", "{}"},
        {"{\"Open\":false,\"Plant\":\"\"}", "{}", "{}"},
        {"{\"Qty\":2,\"Open\":true}", "{\"Qty\":1,\"Open\":false}", "{\"Qty\":\"2\",\"Open\":true}"},
        {"{\"Day\":\"2026-01-01\"}", "{\"Day\":\"2026-01-01T00:00:00Z\"}", "{}"},
        {"{\"to_Item\":[]}", "{}", "{}"},
    };
    const struct edm_type *t = edm_set_find(v2, bb_str("Orders"))->type;

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct bb_error err = bb_error_none();
        size_t n;
        bb_buf_reset(&out);
        ck_assert_int_eq(entity_json(v2, t, value(&json, rows[k].want), value(&now, rows[k].now), &out, &n, &err), BB_OK);
        ck_assert_str_eq(text_of(&out), rows[k].out);
        ck_assert_int_eq(n != 0, strcmp(rows[k].out, "{}") != 0);
    }
}
END_TEST

START_TEST(keys)
{
    struct bb_error err = bb_error_none();

    ck_assert_int_eq(key_put(v2, edm_set_find(v2, bb_str("Orders")), value(&json, "{\"Id\":\"A'bc/\",\"Plant\":\"1 0\"}"),
                             &out, &err), BB_E_REJECT); /* five characters */
    bb_buf_reset(&out);
    ck_assert_int_eq(key_put(v2, edm_set_find(v2, bb_str("Orders")), value(&json, "{\"Id\":\"A'/\",\"Plant\":\"1 0\"}"),
                             &out, &err), BB_OK);
    ck_assert_str_eq(text_of(&out), "Orders(Id='A''%2F',Plant='1%200')");
    bb_buf_reset(&out);
    ck_assert_int_eq(key_put(v2, edm_set_find(v2, bb_str("Items")), value(&json, "{\"No\":\"7\"}"), &out, &err), BB_OK);
    ck_assert_str_eq(text_of(&out), "Items('7')");
}
END_TEST

START_TEST(errors)
{
    static const struct {
        unsigned status;
        const char *body, *code, *text;
        bb_status st;
    } rows[] = {
        {400, "{\"error\":{\"code\":\"M7/021\",\"message\":{\"lang\":\"en\",\"value\":\"Deficit\"}}}", "M7/021", "Deficit",
         BB_E_REJECT},
        {400, "{\"error\":{\"code\":\"M3/024\",\"message\":{\"value\":\"locked\"}}}", "M3/024", "locked", BB_E_RETRY},
        {423, "{\"error\":{\"code\":\"X/1\",\"message\":\"locked\",\"details\":[]}}", "X/1", "locked", BB_E_RETRY},
        {500, "{\"error\":{\"code\":\"SQL/301\",\"message\":\"dup\"}}", "SQL/301", "dup", BB_E_REJECT},
        {500, "{\"error\":{\"code\":\"ZZ/1\",\"message\":\"?\"}}", "ZZ/1", "?", BB_E_UNKNOWN},
        {500, "{\"error\":{\"code\":\"ZOWN/7\",\"message\":\"own\"}}", "ZOWN/7", "own", BB_E_RETRY},
        {400, "{\"error\":{\"code\":\"/IWBEP/CM_MGW_RT/022\",\"message\":{\"value\":\"x\"},\"innererror\":{\"errordetails\":"
              "[{\"code\":\"BOM206\",\"message\":{\"value\":\"locked by user\"}}]}}}", "BOM206", "locked by user", BB_E_RETRY},
        {400, "plain words", "", "", BB_E_REJECT},
        {404, "", "", "answered 404", BB_E_REJECT},
    };
    struct faults own = {.n = 1, .v = {{"ZOWN/*", BB_E_RETRY}}};

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct bb_error err = bb_error_none();
        bb_status st = fault_judge(&own, rows[k].status, bb_str(rows[k].body), NULL, &err);
        ck_assert_msg(st == rows[k].st, "%s: %d", rows[k].body, st);
        ck_assert_str_eq(err.vendor_code, rows[k].code);
        ck_assert_msg(strstr(err.text, rows[k].text) != NULL, "%s: %s", rows[k].body, err.text);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sap");
    TCase *t = tcase_create("values");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, descriptions);
    tcase_add_test(t, bad_descriptions);
    tcase_add_test(t, writing);
    tcase_add_test(t, reading);
    tcase_add_test(t, differences);
    tcase_add_test(t, keys);
    tcase_add_test(t, errors);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
