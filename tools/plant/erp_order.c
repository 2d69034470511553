/*
 * erp_order.c - the ERP's production and purchase orders
 *
 * A production order has several statuses at once; flags ("X") and status rows are written together, from
 * the table of statuses. What a status forbids is asked before anything moves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/erp_model.h"

static const struct {
    const char *name, *code, *text, *flag;
} statuses[] = {{"CRTD", "I0001", "Created", "OrderIsCreated"},
                {"REL", "I0002", "Released", "OrderIsReleased"},
                {"CNF", "I0009", "Confirmed", "OrderIsConfirmed"},
                {"PCNF", "I0010", "Partially confirmed", "OrderIsPartiallyConfirmed"},
                {"DLV", "I0012", "Delivered", "OrderIsDelivered"},
                {"PDLV", "I0013", "Partially delivered", "OrderIsPartiallyDelivered"},
                {"TECO", "I0045", "Technically completed", "OrderIsTechnicallyCompleted"},
                {"CLSD", "I0046", "Closed", "OrderIsClosed"},
                {"LKD", "I0043", "Locked", "OrderIsLocked"},
                {"MSPT", "I0340", "Material shortage", "MaterialAvailyIsNotChecked"}};

static void status_set(struct odata_ctx *x, const char *order, const char *name, bool on)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (strcmp(statuses[i].name, name) != 0)
            continue;
        plant_db_do(x->c->db,
                    on ? "INSERT OR IGNORE INTO A_ProductionOrderStatus_2Type VALUES(?1, ?2, 'false', ?3, ?4, 1)"
                       : "DELETE FROM A_ProductionOrderStatus_2Type WHERE ManufacturingOrder = ?1 AND StatusCode = ?2",
                    on ? 4 : 2, order, statuses[i].code, name, statuses[i].text);
        plant_db_do(x->c->db,
                    plant_mem_printf(&x->c->mem, "UPDATE A_ProductionOrder_2Type SET %s = ?2, _v = _v + 1,"
                                                 " LastChangeDateTime = ?3 WHERE ManufacturingOrder = ?1",
                                     statuses[i].flag), 3, order, on ? "X" : "", plant_now(x->c));
    }
}

static bool status_is(struct odata_ctx *x, const char *order, const char *name)
{
    return plant_db_int(x->c->db, "SELECT count(*) FROM A_ProductionOrderStatus_2Type WHERE ManufacturingOrder = ?1 AND"
                                  " StatusShortName = ?2", 2, order, name) > 0;
}

static void order_event(struct odata_ctx *x, const char *order, const char *what)
{
    erp_event(x, "productionorder", what, erp_keys(x, 1, "ManufacturingOrder", order));
}

/* Its components, from the BOM that holds on its first day. */
static bool order_explode(struct odata_ctx *x, struct odata_row *r)
{
    return plant_db_do(
        x->c->db,
        "INSERT INTO A_ProductionOrderComponent_2Type SELECT ?1, substr('0000' || row_number() OVER (ORDER BY"
        " BillOfMaterialItemNumber), -4), BillOfMaterialComponent, i.Plant, ?1, '0010', BillOfMaterialItemNumber,"
        " ProdOrderIssueLocation, '', '261', BillOfMaterialItemUnit, qty(milli(BillOfMaterialItemQuantity) *"
        " CASE FixedQuantity WHEN 'true' THEN 1000 ELSE milli(?5) END * 1000 /"
        " milli(BOMHeaderQuantityInBaseUnit) / 1000), '0', CASE SpecialProcurementType WHEN '50' THEN 'true' ELSE 'false'"
        " END, 'false', 1 FROM MaterialBOMItemType i JOIN MaterialBOMType h USING(BillOfMaterial, BillOfMaterialVariant,"
        " Material, Plant) WHERE Material = ?2 AND Plant = ?3 AND BillOfMaterialVariantUsage = '1' AND"
        " BillOfMaterialVariant = '01' AND BillOfMaterialItemCategory IN ('L','N','R') AND IsBulkMaterial != 'true' AND"
        " ValidityStartDate <= ?4 AND ValidityEndDate >= ?4", 5,
        odata_get(r, "ManufacturingOrder"), odata_get(r, "Material"), odata_get(r, "ProductionPlant"),
        odata_get(r, "MfgOrderPlannedStartDate"), odata_get(r, "TotalQuantity"));
}

static bool order_create(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    struct odata_row *r = op->row;
    if (!erp_product_fits(x, odata_get(r, "Material"), odata_get(r, "ProductionPlant"), "Material"))
        return false;
    if (odata_is(r, "ManufacturingOrder", ""))
        odata_put(r, "ManufacturingOrder", plant_number(x->c, "order", 2000001, 7));
    if (odata_is(r, "MfgOrderPlannedStartDate", ""))
        odata_put(r, "MfgOrderPlannedStartDate", plant_today(x->c));
    if (odata_is(r, "ProductionUnit", ""))
        odata_put(r, "ProductionUnit", erp_base_unit(x, odata_get(r, "Material")));
    odata_put(r, "ManufacturingOrderType", "PP01");
    odata_put(r, "ManufacturingOrderCategory", "10");
    return order_explode(x, r);
}

bool erp_order_rule(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    const char *order = odata_get(op->row, "ManufacturingOrder");
    if (op->after) {
        if (op->verb == 'C')
            status_set(x, order, "CRTD", true);
        plant_effect(x->c, op->verb == 'C' ? "order-create" : "order-change", order, NULL);
        order_event(x, order, op->verb == 'C' ? "ProductionOrder.Created" : "ProductionOrder.Changed");
        return true;
    }
    if (odata_qty(op->row, "TotalQuantity") <= 0)
        return odata_fail(x, 400, "CO/070", "TotalQuantity", "Enter a total quantity above 0");
    if (op->verb == 'C')
        return order_create(op);
    if (status_is(x, order, "TECO") || status_is(x, order, "CLSD"))
        return odata_fail(x, 400, "CO/688", NULL, "Order %s is completed: it cannot be changed", order);
    return !erp_locked(x, order, "CO/469");
}

bool erp_order_may_move(struct odata_ctx *x, const char *order, const char *type, const char *item, int64_t milli)
{
    bool out = strcmp(type, "261") == 0 || strcmp(type, "262") == 0;
    char *qty = plant_db_text(&x->c->mem, x->c->db, "SELECT ActualDeliveredQuantity FROM A_ProductionOrder_2Type WHERE"
                                                    " ManufacturingOrder = ?1", 1, order), text[24];
    int64_t have = 0;
    if (!qty)
        return odata_fail(x, 400, "M7/068", "ManufacturingOrder", "Order %s does not exist", order);
    if (!status_is(x, order, "REL") || status_is(x, order, "TECO") || status_is(x, order, "CLSD"))
        return odata_fail(x, 400, "M7/069", "ManufacturingOrder", "Order %s is not released, or completed", order);
    if (out) {
        plant_qty_write(type[2] == '1' ? milli : -milli, text);
        plant_db_do(x->c->db, "UPDATE A_ProductionOrderComponent_2Type SET WithdrawnQuantity ="
                              " qty(milli(WithdrawnQuantity) + milli(?3)) WHERE Reservation = ?1 AND Material = ?2", 3,
                    order, item, text);
        plant_db_do(x->c->db, "UPDATE A_ProductionOrder_2Type SET LastChangeDateTime = ?2, _v = _v + 1 WHERE"
                              " ManufacturingOrder = ?1", 2, order, plant_now(x->c));
        return true;
    }
    plant_qty_read(qty, &have);
    have += strcmp(type, "102") == 0 ? -milli : milli;
    plant_qty_write(have, text);
    plant_db_do(x->c->db, "UPDATE A_ProductionOrder_2Type SET ActualDeliveredQuantity = ?2 WHERE ManufacturingOrder = ?1",
                2, order, text);
    bool done = have >= 0 && plant_db_int(x->c->db, "SELECT milli(TotalQuantity) <= milli(?2) FROM A_ProductionOrder_2Type"
                                                    " WHERE ManufacturingOrder = ?1", 2, order, text);
    status_set(x, order, "DLV", done);
    status_set(x, order, "PDLV", !done && have > 0);
    order_event(x, order, "ProductionOrder.Changed");
    return true;
}

/* A status that a function import sets, and what must be there before. */
static bool status_take(struct odata_ctx *x, const char *order, const char *set, const char *needs, const char *bars,
                        struct odata_row **out)
{
    char *where = plant_mem_printf(&x->c->mem, "ManufacturingOrder = %s", odata_quote(&x->c->mem, order));
    if (!odata_row_by(x, "A_ProductionOrder_2", where))
        return odata_fail(x, 404, "CO/017", NULL, "Order %s does not exist", order);
    if (erp_locked(x, order, "CO/469"))
        return false;
    if ((*needs && !status_is(x, order, needs)) || status_is(x, order, bars))
        return odata_fail(x, 400, "BS/007", NULL, "Status %s does not allow \"%s\" (order %s)",
                          status_is(x, order, bars) ? bars : "of the order", set, order);
    status_set(x, order, set, true);
    if (strcmp(set, "REL") == 0) {
        status_set(x, order, "CRTD", false);
        plant_db_do(x->c->db, "UPDATE A_ProductionOrder_2Type SET MfgOrderActualReleaseDate = ?2 WHERE"
                              " ManufacturingOrder = ?1", 2, order, plant_today(x->c));
    }
    plant_effect(x->c, plant_mem_printf(&x->c->mem, "order-%s", set), order, NULL);
    order_event(x, order, "ProductionOrder.Changed");
    *out = odata_row_by(x, "A_ProductionOrder_2", where);
    return true;
}

static bool release(struct odata_ctx *x, char **a, struct odata_row **out)
{
    return status_take(x, a[0], "REL", "CRTD", "REL", out);
}

static bool complete(struct odata_ctx *x, char **a, struct odata_row **out)
{
    return status_take(x, a[0], "TECO", "REL", "TECO", out);
}

static bool close_order(struct odata_ctx *x, char **a, struct odata_row **out)
{
    return status_take(x, a[0], "CLSD", "TECO", "CLSD", out);
}

const struct odata_function erp_order_functions[] = {
    {"ReleaseOrder", "POST", "*ManufacturingOrder:s12", "A_ProductionOrder_2", release},
    {"TechlyCmpltOrder", "POST", "*ManufacturingOrder:s12", "A_ProductionOrder_2", complete},
    {"CloseOrder", "POST", "*ManufacturingOrder:s12", "A_ProductionOrder_2", close_order},
    {0}};

/* ---- purchase orders -------------------------------------------------------------------------- */

bool erp_purchase_rule(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    struct odata_row *r = op->row;
    if (op->after) {
        plant_effect(x->c, op->verb == 'C' ? "purchase-create" : "purchase-change", odata_get(r, "PurchaseOrder"),
                     odata_get(r, "CorrespncExternalReference"));
        erp_event(x, "purchaseorder", op->verb == 'C' ? "PurchaseOrder.Created" : "PurchaseOrder.Changed",
                  erp_keys(x, 1, "PurchaseOrder", odata_get(r, "PurchaseOrder")));
        return true;
    }
    if (op->verb == 'C' && odata_is(r, "PurchaseOrder", ""))
        odata_put(r, "PurchaseOrder", plant_number(x->c, "purchase", 4600000001, 10));
    if (plant_db_int(x->c->db, "SELECT count(*) FROM suppliers WHERE supplier = ?1", 1, odata_get(r, "Supplier")) == 0)
        return odata_fail(x, 400, "06/321", "Supplier", "Supplier %s does not exist", odata_get(r, "Supplier"));
    return !erp_locked(x, odata_get(r, "PurchaseOrder"), "06/006");
}

bool erp_purchase_item_rule(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    struct odata_row *r = op->row;
    if (op->after || op->verb == 'D')
        return true;
    if (!erp_product_fits(x, odata_get(r, "Material"), odata_get(r, "Plant"), "Material"))
        return false;
    if (odata_qty(r, "OrderQuantity") <= 0)
        return odata_fail(x, 400, "06/436", "OrderQuantity", "Enter a quantity above 0");
    if (plant_db_int(x->c->db,
                     "SELECT count(*) FROM A_PurchasingSourceType s JOIN A_PurchaseOrderType o ON"
                     " s.Supplier = o.Supplier WHERE PurchaseOrder = ?1 AND Material = ?2 AND Plant = ?3 AND"
                     " SourceOfSupplyIsBlocked != 'true' AND s.ValidityEndDate >= ?4", 4, odata_get(r, "PurchaseOrder"),
                     odata_get(r, "Material"), odata_get(r, "Plant"), plant_today(x->c)) == 0 && op->verb == 'C')
        return odata_fail(x, 400, "06/722", "Material", "Source not included in list despite source list requirement"
                                                        " (material %s, plant %s)", odata_get(r, "Material"),
                          odata_get(r, "Plant"));
    return true;
}

bool erp_purchase_receive(struct odata_ctx *x, const char *po, const char *line, int64_t milli)
{
    char *ordered = plant_db_text(&x->c->mem, x->c->db, "SELECT OrderQuantity FROM A_PurchaseOrderItemType WHERE"
                                                        " PurchaseOrder = ?1 AND PurchaseOrderItem = ?2", 2, po, line);
    char *got = plant_db_text(&x->c->mem, x->c->db, "SELECT qty(sum(milli(RoughGoodsReceiptQty))) FROM"
                                                    " A_PurchaseOrderScheduleLineType WHERE PurchasingDocument = ?1 AND"
                                                    " PurchasingDocumentItem = ?2", 2, po, line), text[24];
    int64_t want = 0, have = 0;
    if (!ordered)
        return odata_fail(x, 400, "M7/036", "PurchaseOrder", "Purchase order %s has no item %s", po, line);
    plant_qty_read(ordered, &want);
    plant_qty_read(got ? got : "0", &have);
    have += milli;
    if (have < 0 || have > want + want / 10)
        return odata_fail(x, 400, "M7/022", "QuantityInEntryUnit", "PU Ordered quantity exceeded: purchase order %s item %s",
                          po, line);
    if (have > want)
        odata_warn(x, "M7/022", "Ordered quantity exceeded within the tolerance");
    plant_qty_write(have, text);
    plant_db_do(x->c->db, "UPDATE A_PurchaseOrderScheduleLineType SET RoughGoodsReceiptQty = ?3, _v = _v + 1 WHERE"
                          " PurchasingDocument = ?1 AND PurchasingDocumentItem = ?2", 3, po, line, text);
    plant_db_do(x->c->db, "UPDATE A_PurchaseOrderType SET LastChangeDateTime = ?2, _v = _v + 1 WHERE PurchaseOrder = ?1",
                2, po, plant_now(x->c));
    plant_db_do(x->c->db, "UPDATE A_PurchaseOrderItemType SET IsCompletelyDelivered = ?3, _v = _v + 1 WHERE"
                          " PurchaseOrder = ?1 AND PurchaseOrderItem = ?2", 3, po, line, have >= want ? "true" : "false");
    return true;
}

/* ---- what the ERP's own people do ------------------------------------------------------------- */

/* {"plant":"1000","count":1}: releases the next created orders (any plant as without). */
void erp_release_orders(struct plant_call *c)
{
    const struct odata_service *s = plant_erp_services;
    struct odata_ctx x = {.c = c, .in_batch = true};
    struct odata_row *rows[100];
    struct plant_buf b;
    const char *plant = plant_call_json(c, "/plant"), *count = plant_call_json(c, "/count");
    int max = count ? atoi(count) : 1;
    while (s->functions != erp_order_functions)
        s++;
    x.s = s;
    char *where = plant_mem_printf(&c->mem, "OrderIsCreated = 'X' AND ProductionPlant LIKE %s",
                                   odata_quote(&c->mem, plant ? plant : "%"));
    int n = odata_rows(&x, odata_set_find(s, "A_ProductionOrder_2"), where, rows, max < 1 ? 1 : max > 100 ? 100 : max);
    plant_buf_init(&b, &c->mem);
    plant_puts(&b, "{\"orders\":[");
    for (int i = 0; i < n; i++) {
        char *order = (char *)odata_get(rows[i], "ManufacturingOrder");
        struct odata_row *out;
        if (!release(&x, &order, &out))
            return;
        plant_puts(&b, i ? "," : "");
        plant_put_json(&b, order);
    }
    plant_puts(&b, "]}");
    plant_call_answer(c, 200, "application/json", b.p);
}
