/*
 * move.c - mfg.inventory.movement: a material document, posted once in effect
 *
 * The document's reference (ReferenceDocument, 16 characters) is the delivery's short key, the same over
 * all attempts. The system does not look for doubles, so whoever may have sent it before looks first: a
 * document with that reference says that it was posted, and its number is the answer. A movement is a fact,
 * so there is nothing to compare.
 *
 * Thread: the instance's. What a kind becomes is the table here, and the config's movements before it;
 * move_in.c reads the table the other way.
 */
#include <stdio.h>
#include "sap.h"

const struct move sap_moves[SAP_MOVES] = {
    {"purchase-receipt", NULL, NULL, "101", "102", "01", '+'},
    {"production-receipt", NULL, NULL, "101", "102", "02", '+'},
    {"by-product-receipt", NULL, NULL, "531", "532", "05", '+'},
    {"other-receipt", NULL, NULL, "501", "502", "05", '+'},
    {"initial-entry", NULL, NULL, "561", "562", "05", '+'},
    {"issue-to-order", NULL, NULL, "261", "262", "03", '-'},
    {"issue-to-cost-center", NULL, NULL, "201", "202", "03", '-'},
    {"issue-to-project", NULL, NULL, "221", "222", "03", '-'},
    {"scrap", NULL, NULL, "551", "552", "03", '-'},
    {"vendor-return", NULL, NULL, "122", "123", "01", '-'},
    {"order-return", NULL, NULL, "262", "261", "03", '+'},
    {"transfer-plant", NULL, NULL, "301", "302", "04", '='},
    {"transfer-location", NULL, NULL, "311", "312", "04", '='},
    {"stock-type-change", "quality", "unrestricted", "321", "322", "04", '='},
    {"stock-type-change", "unrestricted", "quality", "322", "321", "04", '='},
    {"stock-type-change", "blocked", "unrestricted", "343", "344", "04", '='},
    {"stock-type-change", "unrestricted", "blocked", "344", "343", "04", '='},
    {"count-adjustment", NULL, "", "701", "702", "05", '+'}, /* to: found */
    {"count-adjustment", "", NULL, "702", "701", "05", '-'},
};

static int side_fits(const char *want, struct bb_bytes has, int there)
{
    return !want || (*want ? bb_str_is(has, want) || (!has.len && strcmp(want, "unrestricted") == 0) : there);
}

static const struct move *move_find(const struct job *j)
{
    struct bb_bytes kind = data_text(j, "/kind");
    struct bb_bytes from = data_text(j, "/from/stockType"), to = data_text(j, "/to/stockType");

    for (size_t k = 0; k < SAP_MOVES; k++)
        if (bb_str_is(kind, sap_moves[k].kind) && side_fits(sap_moves[k].from, from, data_value(j, "/from").len > 0) &&
            side_fits(sap_moves[k].to, to, data_value(j, "/to").len > 0))
            return &sap_moves[k];
    return NULL;
}

/* The movement type and the code that goes with it: the message's own type, the config's, the table's. */
static bb_status type_of(const struct job *j, char type[8], char code[8], struct bb_error *err)
{
    const struct move *m = move_find(j);
    struct bb_bytes kind = data_text(j, "/kind"), own = data_text(j, "/sourceKind"), row;
    char at[128];
    int back = 0;

    if (data_value(j, "/reversal").len)
        (void)bb_as_bool(data_value(j, "/reversal"), &back);
    snprintf(at, sizeof at, "/movements/%.*s", (int)(kind.len > 60 ? 60 : kind.len), kind.len ? (const char *)kind.ptr : "");
    if (bb_conf_find(j->i->conf, at, &row)) {
        bb_str_copy(bb_conf_str(row, back ? "/reverse" : "/type", ""), type, 8);
        bb_str_copy(bb_conf_str(row, "/code", ""), code, 8);
    } else if (m) {
        snprintf(type, 8, "%s", back ? m->reverse : m->type);
        snprintf(code, 8, "%s", m->code);
    } else {
        return bb_error_set(err, BB_E_REJECT, "no movement type for kind %.*s: give one in movements",
                            (int)(kind.len > 60 ? 60 : kind.len), kind.len ? (const char *)kind.ptr : "");
    }
    if (own.len == 3 && m)
        bb_str_copy(own, type, 8);
    return *type ? BB_OK : bb_error_set(err, BB_E_REJECT, "movements: this kind has no reverse");
}

/* The lasting side: where it goes to for a receipt, where it comes from otherwise; the other one beside it. */
static void places(struct job *j, struct map_put *m, const char *type)
{
    int two = *type == '3', receipt = !data_value(j, "/from").len || (*type == '1' && !two);
    const char *own = receipt && data_value(j, "/to").len ? "/to" : "/from";
    char at[80];
    struct bb_bytes plant = data_text(j, "/plant"), other;
    static const struct {
        const char *model, *sap;
    } stock[] = {{"unrestricted", "01"}, {"quality", "02"}, {"blocked", "07"}};

    snprintf(at, sizeof at, "%s/location/plant", own);
    if (data_text(j, at).len)
        plant = data_text(j, at);
    map_text(m, "Plant", plant.len ? plant : j->e.plant);
    snprintf(at, sizeof at, "%s/location/storageLocation", own);
    map_text(m, "StorageLocation", data_text(j, at));
    snprintf(at, sizeof at, "%s/stockType", own);
    for (size_t k = 0; !two && k < sizeof stock / sizeof stock[0]; k++)
        if (bb_str_is(data_text(j, at), stock[k].model))
            map_text(m, "InventoryStockType", bb_str(stock[k].sap));
    if (!two)
        return;
    other = data_text(j, "/to/location/plant");
    if (strncmp(type, "30", 2) == 0 || strncmp(type, "31", 2) == 0) {
        map_text(m, "IssuingOrReceivingPlant", other.len ? other : plant.len ? plant : j->e.plant);
        map_text(m, "IssuingOrReceivingStorageLoc", data_text(j, "/to/location/storageLocation"));
    }
}

static bb_status item_put(struct job *j, struct map_put *m, const char *type, struct bb_error *err)
{
    struct bb_bytes q = data_value(j, "/entered"), unit;

    if (!q.len)
        q = data_value(j, "/quantity");
    if (!q.len)
        return bb_error_set(err, BB_E_REJECT, "the movement has no quantity");
    unit = unit_out(j->i, q, err);
    if (!unit.len)
        return BB_E_REJECT;
    map_text(m, "Material", data_text(j, "/item/id"));
    map_text(m, "GoodsMovementType", bb_str(type));
    places(j, m, type);
    map_value(m, "QuantityInEntryUnit", member(q, "value"));
    map_text(m, "EntryUnit", unit);
    map_text(m, "Batch", data_text(j, "/lot/id"));
    map_text(m, "ManufacturingOrder", data_text(j, "/workOrder/id"));
    map_text(m, "PurchaseOrder", data_text(j, "/purchaseOrder/id"));
    map_text(m, "PurchaseOrderItem", data_text(j, "/purchaseOrder/line"));
    map_text(m, "Supplier", data_text(j, "/supplier/id"));
    map_text(m, "CostCenter", bb_str_is(data_text(j, "/cost/kind"), "cost-center") ? data_text(j, "/cost/id")
                                                                                      : (struct bb_bytes){NULL, 0});
    map_text(m, "GoodsMovementReasonCode", data_text(j, "/reason/code"));
    if (strcmp(type, "101") == 0 || strcmp(type, "102") == 0)
        map_text(m, "GoodsMovementRefDocType", bb_str(data_text(j, "/workOrder/id").len ? "F" : "B"));
    return BB_OK;
}

static bb_status prepare(struct job *j, struct bb_buf *path, struct bb_error *err)
{
    struct bb_bytes at = data_text(j, "/at"), day = data_text(j, "/postedOn"), doc = data_text(j, "/documentDate");
    char type[8] = "", code[8] = "";
    struct map_put m, list, item;
    bb_status st = type_of(j, type, code, err);

    if (st != BB_OK)
        return st;
    if (!day.len && at.len >= 10)
        day = (struct bb_bytes){at.ptr, 10};
    m = map_open(&j->want);
    map_text(&m, "GoodsMovementCode", bb_str(code));
    map_text(&m, "PostingDate", day);
    map_text(&m, "DocumentDate", doc.len ? doc : day);
    map_text(&m, "ReferenceDocument", j->v.short_key);
    map_key(&m, "to_MaterialDocumentItem");
    list = list_open(&j->want);
    item = map_open(&j->want);
    st = item_put(j, &item, type, err);
    map_close(&item);
    list.n = 1;
    map_close(&list);
    map_close(&m);
    if (st != BB_OK)
        return st;
    bb_buf_put(path, "A_MaterialDocumentHeader?$filter=", 33);
    return filter_put(j, path, "ReferenceDocument", j->v.short_key, err);
}

static bb_status plan(struct job *j, struct bb_error *err)
{
    struct bb_bytes none = {NULL, 0};

    if (j->n_now) {
        j->did = "found";
        return BB_OK;
    }
    j->did = "posted";
    return job_write(j, j->set, (struct bb_bytes){j->want.ptr, j->want.len}, none, err);
}

const struct op op_move = {.type = "mfg.inventory.movement", .service = "document", .set = "A_MaterialDocumentHeader",
                           .read_in_doubt = 1, .prepare = prepare, .plan = plan};
