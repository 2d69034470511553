/*
 * erp_post.c - the ERP's material documents: movements against stock, orders and purchase orders
 *
 * A movement type is a row in moves[]: which stock type it takes from and gives to, and whether the other
 * side is another location, plant or none. Stock never goes below zero. Quantities are thousandths, so
 * that a million postings still add up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/erp_model.h"

struct move {
    const char *type, *from, *to; /* stock types; NULL: none on that side */
    bool other;                   /* the other side is the issuing or receiving plant and location */
    const char *codes;            /* GoodsMovementCodes that may have it */
    const char *reverse;
};
static const struct move moves[] = {
    {"101", NULL, "01", false, "0102", "102"}, {"102", "01", NULL, false, "0102", "101"},
    {"122", "01", NULL, false, "01", "123"},   {"123", NULL, "01", false, "01", "122"},
    {"261", "01", NULL, false, "03", "262"},   {"262", NULL, "01", false, "03", "261"},
    {"301", "01", "01", true, "04", "302"},    {"302", "01", "01", true, "04", "301"},
    {"311", "01", "01", true, "04", "312"},    {"312", "01", "01", true, "04", "311"},
    {"321", "02", "01", false, "04", "322"},   {"322", "01", "02", false, "04", "321"},
    {"343", "07", "01", false, "04", "344"},   {"344", "01", "07", false, "04", "343"},
    {"551", "01", NULL, false, "03", "552"},   {"552", NULL, "01", false, "03", "551"},
    {"561", NULL, "01", false, "05", "562"},   {"562", "01", NULL, false, "05", "561"},
    {"701", NULL, "01", false, "0305", "702"}, {"702", "01", NULL, false, "0305", "701"},
};

struct place {
    const char *item, *plant, *location, *lot, *type, *unit;
};

static const struct move *move_find(const char *type)
{
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (strcmp(moves[i].type, type) == 0)
            return &moves[i];
    return NULL;
}

static bool stock_add(struct odata_ctx *x, const struct place *p, int64_t milli)
{
    static const char *const names[] = {"Unrestricted-use", "Stock in quality inspection", "Blocked stock"};
    char have[24], qty[24];
    char *now = plant_db_text(&x->c->mem, x->c->db,
                              "SELECT MatlWrhsStkQtyInMatlBaseUnit FROM A_MatlStkInAcctModType WHERE Material = ?1 AND"
                              " Plant = ?2 AND StorageLocation = ?3 AND Batch = ?4 AND InventoryStockType = ?5", 5,
                              p->item, p->plant, p->location, p->lot, p->type);
    int64_t had = 0;
    if (now)
        plant_qty_read(now, &had);
    if (had + milli < 0) {
        plant_qty_write(-(had + milli), qty);
        return odata_fail(x, 400, "M7/021", "QuantityInEntryUnit", "Deficit of SL %s %s %s : %s %s %s",
                          names[p->type[1] == '2' ? 1 : p->type[1] == '7' ? 2 : 0], qty, p->unit, p->item, p->plant,
                          p->location);
    }
    plant_qty_write(had + milli, have);
    plant_db_do(x->c->db,
                "INSERT INTO A_MatlStkInAcctModType VALUES(?1, ?2, ?3, ?4, '', '', '', '', '', '', ?5, ?6, ?7, 1)"
                " ON CONFLICT DO UPDATE SET MatlWrhsStkQtyInMatlBaseUnit = ?7, _v = _v + 1", 7,
                p->item, p->plant, p->location, p->lot, p->type, p->unit, have);
    return true;
}

static bool place_there(struct odata_ctx *x, const char *plant, const char *location)
{
    return plant_db_int(x->c->db, "SELECT count(*) FROM locations WHERE plant = ?1 AND location = ?2", 2, plant,
                        location) > 0 ||
           odata_fail(x, 400, "M7/001", "StorageLocation", "Storage location %s does not exist in plant %s", location,
                      plant);
}

/* Both sides of a movement, in base units. */
static bool stock_move(struct odata_ctx *x, const struct odata_row *r, const struct move *m, int64_t milli)
{
    const char *type = odata_get(r, "InventoryStockType");
    struct place p = {odata_get(r, "Material"), odata_get(r, "Plant"), odata_get(r, "StorageLocation"),
                      odata_get(r, "Batch"), m->from, odata_get(r, "MaterialBaseUnit")};
    bool back = m->other && m->type[2] == '2'; /* 302 and 312 go the other way round */
    struct place q = p;
    q.type = m->to;
    if (m->other) {
        q.plant = *odata_get(r, "IssuingOrReceivingPlant") ? odata_get(r, "IssuingOrReceivingPlant") : p.plant;
        q.location = odata_get(r, "IssuingOrReceivingStorageLoc");
        if (*odata_get(r, "IssgOrRcvgBatch"))
            q.lot = odata_get(r, "IssgOrRcvgBatch");
        if (!place_there(x, q.plant, q.location) || !erp_product_fits(x, q.item, q.plant, "IssuingOrReceivingPlant"))
            return false;
    }
    if (*type && !(m->from && m->to)) { /* a receipt into inspection, a count of blocked stock */
        p.type = p.type ? type : NULL;
        q.type = q.type ? type : NULL;
    }
    if (back) {
        struct place t = p;
        p = q;
        q = t;
    }
    return (!m->from || stock_add(x, &p, -milli)) && (!m->to || stock_add(x, &q, milli));
}

static bool document_fits(struct odata_ctx *x, struct odata_row *r)
{
    const char *open = plant_option(x->c, "period_open_from", "2000-01-01"), *date = odata_get(r, "PostingDate");
    const char *code = odata_get(r, "GoodsMovementCode");
    if (strlen(code) != 2 || code[0] != '0' || !strchr("123456", code[1]))
        return odata_fail(x, 400, "M7/110", "GoodsMovementCode", "Goods movement code %s is not defined", code);
    if (strcmp(date, open) < 0)
        return odata_fail(x, 400, "M7/053", "PostingDate", "Posting only possible in periods from %s: %s is closed",
                          open, date);
    if (strcmp(date, plant_today(x->c)) < 0)
        odata_warn(x, "M7/089", "Posting takes place in the past");
    return true;
}

bool erp_document_rule(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    struct odata_row *r = op->row;
    if (!op->after) {
        if (odata_is(r, "PostingDate", ""))
            odata_put(r, "PostingDate", plant_today(x->c));
        if (odata_is(r, "DocumentDate", ""))
            odata_put(r, "DocumentDate", odata_get(r, "PostingDate"));
        odata_put(r, "MaterialDocumentYear", plant_mem_copy(&x->c->mem, odata_get(r, "PostingDate"), 4));
        odata_put(r, "MaterialDocument", plant_number(x->c, "material-document", 5000000001, 10));
        odata_put(r, "CreationDate", plant_today(x->c));
        odata_put(r, "CreationTime", plant_mem_copy(&x->c->mem, plant_now(x->c) + 11, 8));
        odata_put(r, "InventoryTransactionType", "WA");
        return document_fits(x, r);
    }
    if (plant_db_int(x->c->db, "SELECT count(*) FROM A_MaterialDocumentItemType WHERE MaterialDocument = ?1", 1,
                     odata_get(r, "MaterialDocument")) == 0)
        return odata_fail(x, 400, "M7/002", NULL, "The document has no items");
    plant_effect(x->c, "material-document", odata_get(r, "MaterialDocument"), odata_get(r, "ReferenceDocument"));
    erp_event(x, "materialdocument", "MaterialDocument.Created",
              erp_keys(x, 2, "MaterialDocumentYear", odata_get(r, "MaterialDocumentYear"), "MaterialDocument",
                       odata_get(r, "MaterialDocument")));
    return true;
}

static bool item_fits(struct odata_op *op, const struct move *m)
{
    struct odata_ctx *x = op->x;
    struct odata_row *r = op->row;
    const char *item = odata_get(r, "Material"), *code = op->parent ? odata_get(op->parent, "GoodsMovementCode") : "";
    if (!m)
        return odata_fail(x, 400, "M7/030", "GoodsMovementType", "Movement type %s is not defined",
                          odata_get(r, "GoodsMovementType"));
    if (*code && !strstr(m->codes, code))
        return odata_fail(x, 400, "M7/031", "GoodsMovementType", "Movement type %s does not go with code %s", m->type,
                          code);
    if (odata_qty(r, "QuantityInEntryUnit") <= 0)
        return odata_fail(x, 400, "M7/003", "QuantityInEntryUnit", "Enter a quantity above 0");
    if (!erp_product_fits(x, item, odata_get(r, "Plant"), "Material") ||
        !place_there(x, odata_get(r, "Plant"), odata_get(r, "StorageLocation")) || erp_locked(x, item, "M3/024"))
        return false;
    bool lots = plant_db_int(x->c->db, "SELECT IsBatchManagementRequired = 'true' FROM A_ProductType WHERE Product = ?1",
                             1, item);
    if (lots && odata_is(r, "Batch", ""))
        return odata_fail(x, 400, "M7/018", "Batch", "Enter Batch: material %s is managed in batches", item);
    return true;
}

/* A line's quantity reaches its order or purchase order too. */
static bool references_move(struct odata_ctx *x, const struct odata_row *r, const struct move *m, int64_t milli)
{
    const char *order = odata_get(r, "ManufacturingOrder"), *po = odata_get(r, "PurchaseOrder");
    if (strcmp(m->codes, "03") == 0 && m->type[0] == '2' && !*order)
        return odata_fail(x, 400, "M7/121", "ManufacturingOrder", "Movement type %s needs an order", m->type);
    if (*order && !erp_order_may_move(x, order, m->type, odata_get(r, "Material"), milli))
        return false;
    return !*po || erp_purchase_receive(x, po, odata_get(r, "PurchaseOrderItem"), m->to ? milli : -milli);
}

bool erp_document_item_rule(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    struct odata_row *r = op->row;
    const struct move *m = move_find(odata_get(r, "GoodsMovementType"));
    int64_t base;
    char qty[24];
    if (op->after)
        return true;
    if (!item_fits(op, m))
        return false;
    int64_t n = plant_db_int(x->c->db, "SELECT count(*) FROM A_MaterialDocumentItemType WHERE MaterialDocument = ?1", 1,
                             odata_get(r, "MaterialDocument"));
    if (odata_is(r, "MaterialDocumentItem", ""))
        odata_put(r, "MaterialDocumentItem", plant_mem_printf(&x->c->mem, "%lld", (long long)n + 1));
    odata_put(r, "MaterialBaseUnit", erp_base_unit(x, odata_get(r, "Material")));
    if (odata_is(r, "EntryUnit", ""))
        odata_put(r, "EntryUnit", odata_get(r, "MaterialBaseUnit"));
    if (!erp_to_base(x, odata_get(r, "Material"), odata_get(r, "EntryUnit"), odata_qty(r, "QuantityInEntryUnit"), &base))
        return false;
    plant_qty_write(base, qty);
    odata_put(r, "QuantityInBaseUnit", plant_mem_printf(&x->c->mem, "%s", qty));
    return references_move(x, r, m, base) && stock_move(x, r, m, base);
}

/* ---- Cancel: the same document with the reversing movement types ------------------------------- */

static bool item_cancel(struct odata_ctx *x, struct odata_row *old, struct odata_row *header)
{
    struct odata_row *r = plant_mem_take(&x->c->mem, sizeof *r);
    const struct move *m = move_find(odata_get(old, "GoodsMovementType"));
    *r = *old;
    odata_put(r, "MaterialDocumentYear", odata_get(header, "MaterialDocumentYear"));
    odata_put(r, "MaterialDocument", odata_get(header, "MaterialDocument"));
    odata_put(r, "GoodsMovementType", m->reverse);
    odata_put(r, "ReversedMaterialDocumentYear", odata_get(old, "MaterialDocumentYear"));
    odata_put(r, "ReversedMaterialDocument", odata_get(old, "MaterialDocument"));
    odata_put(r, "ReversedMaterialDocumentItem", odata_get(old, "MaterialDocumentItem"));
    if (!erp_document_item_rule(&(struct odata_op){.x = x, .verb = 'C', .row = r}) || !odata_insert(x, r))
        return false;
    odata_put(old, "GoodsMovementIsCancelled", "true");
    odata_store(x, old);
    return true;
}

static bool cancel(struct odata_ctx *x, char **a, struct odata_row **out)
{
    struct plant_mem *m = &x->c->mem;
    struct odata_row *items[200], *h, *r = plant_mem_take(m, sizeof *r);
    const char *where = plant_mem_printf(m, "MaterialDocumentYear = %s AND MaterialDocument = %s", odata_quote(m, a[0]),
                                         odata_quote(m, a[1]));
    h = odata_row_by(x, "A_MaterialDocumentHeader", where);
    if (!h)
        return odata_fail(x, 404, "M7/008", NULL, "Document %s does not exist", a[1]);
    *r = *h;
    odata_put(r, "PostingDate", a[2]);
    odata_put(r, "ReferenceDocument", a[3] ? a[3] : "");
    struct odata_op op = {.x = x, .verb = 'C', .row = r};
    if (!erp_document_rule(&op) || !odata_insert(x, r))
        return false;
    int n = odata_rows(x, odata_set_find(x->s, "A_MaterialDocumentItem"), where, items, 200);
    for (int i = 0; i < n; i++) {
        if (odata_is(items[i], "GoodsMovementIsCancelled", "true"))
            return odata_fail(x, 400, "M7/066", NULL, "Document %s is cancelled already", a[1]);
        if (!item_cancel(x, items[i], r))
            return false;
    }
    op.after = true;
    *out = r;
    return erp_document_rule(&op);
}

const struct odata_function erp_document_functions[] = {
    {"Cancel", "POST", "*MaterialDocumentYear:s4 *MaterialDocument:s10 PostingDate:D ReferenceDocument:s16",
     "A_MaterialDocumentHeader", cancel},
    {0}};
