/*
 * test_move.c - lines of material documents as movements: kinds, sides, reversals, counts, own movement types
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include "plugins/sap/sap.h"

/* What every line here has; the rows add to it. Without document, references and dates: the whole text is one row's. */
static const char common[] = "\"Key\":\"50-2026-1\",\"MaterialDocument\":\"50\",\"MaterialDocumentYear\":\"2026\","
                             "\"MaterialDocumentItem\":\"1\",\"Material\":\"FG-1\",\"Plant\":\"1000\",\"StorageLocation\":\"0001\","
                             "\"QuantityInBaseUnit\":2.50,\"MaterialBaseUnit\":\"PC\",\"EntryUnit\":\"PC\",\"Batch\":\"\"";
#define HERE "{\"location\":{\"plant\":\"1000\",\"storageLocation\":\"0001\"},\"stockType\":\"unrestricted\"}"
#define QUALITY "{\"location\":{\"plant\":\"1000\",\"storageLocation\":\"0001\"},\"stockType\":\"quality\"}"
#define THERE "{\"location\":{\"plant\":\"2000\",\"storageLocation\":\"0002\"},\"stockType\":\"unrestricted\"}"

static const struct {
    const char *line, *kind, *from, *to, *difference;
    int reversal;
} rows[] = {
    {"\"GoodsMovementType\":\"101\"", "purchase-receipt", NULL, HERE, NULL, 0},
    {"\"GoodsMovementType\":\"102\"", "purchase-receipt", HERE, NULL, NULL, 1},
    {"\"GoodsMovementType\":\"101\",\"InventoryStockType\":\"02\"", "purchase-receipt", NULL, QUALITY, NULL, 0},
    {"\"GoodsMovementType\":\"261\"", "issue-to-order", HERE, NULL, NULL, 0},
    {"\"GoodsMovementType\":\"262\"", "order-return", NULL, HERE, NULL, 0},
    {"\"GoodsMovementType\":\"562\"", "initial-entry", HERE, NULL, NULL, 1},
    {"\"GoodsMovementType\":\"552\"", "scrap", NULL, HERE, NULL, 1},
    {"\"GoodsMovementType\":\"301\",\"IssuingOrReceivingPlant\":\"2000\",\"IssuingOrReceivingStorageLoc\":\"0002\"",
     "transfer-plant", HERE, THERE, NULL, 0},
    {"\"GoodsMovementType\":\"302\",\"IssuingOrReceivingPlant\":\"2000\",\"IssuingOrReceivingStorageLoc\":\"0002\"",
     "transfer-plant", THERE, HERE, NULL, 1},
    {"\"GoodsMovementType\":\"321\"", "stock-type-change", QUALITY, HERE, NULL, 0},
    {"\"GoodsMovementType\":\"322\"", "stock-type-change", HERE, QUALITY, NULL, 0},
    {"\"GoodsMovementType\":\"701\"", "count-adjustment", NULL, HERE, "2.50", 0},
    {"\"GoodsMovementType\":\"702\"", "count-adjustment", HERE, NULL, "-2.50", 0},
    {"\"GoodsMovementType\":\"Z61\"", "issue-to-order", HERE, NULL, NULL, 0}, /* the config's own */
    {"\"GoodsMovementType\":\"Z62\"", "issue-to-order", NULL, HERE, NULL, 1},
    {"\"GoodsMovementType\":\"999\"", "observation", "{\"location\":{\"plant\":\"1000\",\"storageLocation\":\"0001\"}}", NULL,
     NULL, 0},
};

static struct bb_bytes json_value(struct bb_buf *b, const char *text)
{
    bb_buf_init(b, 1 << 16);
    ck_assert_msg(bb_json_read(bb_str(text), b, NULL) == 0, "%s", text);
    return (struct bb_bytes){b->ptr, b->len};
}

/* The member at name as JSON is want; NULL: it is absent. */
static void has(struct bb_bytes map, const char *name, const char *want, const char *row)
{
    struct bb_bytes v;
    struct bb_buf text;

    if (!want) {
        ck_assert_msg(bb_map_get(map, name, &v) != 1, "%s: %s is there", row, name);
        return;
    }
    ck_assert_msg(bb_map_get(map, name, &v) == 1, "%s: no %s", row, name);
    bb_buf_init(&text, 1 << 16);
    ck_assert_int_eq(bb_json_write(v, &text, NULL), 0);
    bb_buf_put(&text, "", 1);
    ck_assert_msg(strcmp((char *)text.ptr, want) == 0, "%s: %s is %s, not %s", row, name, (char *)text.ptr, want);
    bb_buf_free(&text);
}

START_TEST(lines)
{
    struct bb_inst i = {0};
    struct bb_buf conf, in, out;
    char text[1024], want[256];

    i.conf = json_value(&conf, "{\"movements\":{\"issue-to-order\":{\"type\":\"Z61\",\"reverse\":\"Z62\",\"code\":\"03\"}}}");
    bb_buf_init(&out, 1 << 16);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        snprintf(text, sizeof text, "{%s,%s}", common, rows[k].line);
        bb_buf_reset(&out);
        model_movement(&i, json_value(&in, text), &out);
        struct bb_bytes m = {out.ptr, out.len};
        snprintf(want, sizeof want, "\"%s\"", rows[k].kind);
        has(m, "kind", want, rows[k].line);
        has(m, "from", rows[k].from, rows[k].line);
        has(m, "to", rows[k].to, rows[k].line);
        has(m, "reversal", rows[k].reversal ? "true" : NULL, rows[k].line);
        has(m, "quantity", "{\"value\":2.50,\"unit\":\"H87\",\"sourceUnit\":\"PC\"}", rows[k].line);
        snprintf(want, sizeof want, "{\"value\":%s,\"unit\":\"H87\",\"sourceUnit\":\"PC\"}",
                 rows[k].difference ? rows[k].difference : "");
        has(m, "difference", rows[k].difference ? want : NULL, rows[k].line);
        has(m, "entered", NULL, rows[k].line);
        has(m, "lot", NULL, rows[k].line);
        has(m, "extensions", NULL, rows[k].line);
        bb_buf_free(&in);
    }
    bb_buf_free(&out);
    bb_buf_free(&conf);
}
END_TEST

START_TEST(references)
{
    struct bb_inst i = {0};
    struct bb_buf in, out;
    char text[1024];

    snprintf(text, sizeof text, "{%s,\"GoodsMovementType\":\"101\",\"PurchaseOrder\":\"45\",\"PurchaseOrderItem\":\"10\","
             "\"ManufacturingOrder\":\"77\",\"ReferenceDocument\":\"4R1P008000000KM0\",\"PostingDate\":\"2026-11-28\","
             "\"" MOMENT "\":\"2026-11-28T09:08:07Z\",\"QuantityInEntryUnit\":1}", common);
    char *unit = strstr(text, "\"EntryUnit\":\"PC\"");
    memcpy(unit, "\"EntryUnit\":\"EA\"", 16);
    bb_buf_init(&out, 1 << 16);
    model_movement(&i, json_value(&in, text), &out);
    struct bb_bytes m = {out.ptr, out.len};
    has(m, "id", "\"50-2026-1\"", "references");
    has(m, "purchaseOrder", "{\"kind\":\"purchase-order\",\"id\":\"45\",\"line\":\"10\"}", "references");
    has(m, "workOrder", "{\"kind\":\"work-order\",\"id\":\"77\"}", "references");
    has(m, "document", "{\"id\":\"50\",\"year\":2026,\"line\":\"1\"}", "references");
    has(m, "extensions", "{\"sap\":{\"referenceDocument\":\"4R1P008000000KM0\"}}", "references");
    has(m, "entered", "{\"value\":1,\"unit\":\"C62\",\"sourceUnit\":\"EA\"}", "references");
    has(m, "at", "\"2026-11-28T09:08:07Z\"", "references");
    has(m, "postedOn", "\"2026-11-28\"", "references");
    bb_buf_free(&in);
    bb_buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sap-move");
    TCase *t = tcase_create("movements");
    SRunner *r;
    int failed;

    tcase_add_test(t, lines);
    tcase_add_test(t, references);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
