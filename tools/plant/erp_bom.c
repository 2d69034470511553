/*
 * erp_bom.c - the ERP's rules for BOMs
 *
 * A BOM, new or changed, holds only products that are there, active and known in its plant; no cycle, no
 * position twice at one time, no quantity of zero. A BOM with history (status 3) changes under a change
 * number only (erp_change.c), and one that is released is frozen.
 */
#include <stdio.h>
#include <string.h>

#include "tools/plant/erp_model.h"

char *erp_bom_keys(struct odata_ctx *x, const struct odata_row *r)
{
    return erp_keys(x, 5, "BillOfMaterial", odata_get(r, "BillOfMaterial"), "BillOfMaterialCategory", "M",
                    "BillOfMaterialVariant", odata_get(r, "BillOfMaterialVariant"), "Material",
                    odata_get(r, "Material"), "Plant", odata_get(r, "Plant"));
}

void erp_put_default(struct odata_row *r, const char *prop, const char *value)
{
    if (odata_is(r, prop, ""))
        odata_put(r, prop, value);
}

/* Is the change number there and not frozen? "" is no change number. */
static bool change_open(struct odata_ctx *x, const char *change)
{
    char *key = plant_db_text(&x->c->mem, x->c->db, "SELECT ChangeNumberReleaseKey FROM A_ChangeMasterType WHERE"
                                                    " ChangeNumber = ?1", 1, change);
    if (!key)
        return odata_fail(x, 400, "CZ/001", "EngineeringChangeDocument", "Change number %s does not exist", change);
    if (*key)
        return odata_fail(x, 400, "CZ/050", "EngineeringChangeDocument",
                          "Change number %s is released and frozen: later changes need a new number", change);
    return true;
}

static bool bom_create(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    struct odata_row *r = op->row;
    const char *item = odata_get(r, "Material");
    erp_put_default(r, "BillOfMaterialCategory", "M");
    erp_put_default(r, "BillOfMaterialVariant", "01");
    erp_put_default(r, "BillOfMaterialVariantUsage", "1");
    erp_put_default(r, "BillOfMaterialStatus", "1");
    erp_put_default(r, "BOMHeaderQuantityInBaseUnit", "1");
    erp_put_default(r, "HeaderValidityStartDate", plant_today(x->c));
    erp_put_default(r, "HeaderValidityEndDate", "9999-12-31");
    erp_put_default(r, "RecordCreationDate", plant_today(x->c));
    if (!erp_product_fits(x, item, odata_get(r, "Plant"), "Material"))
        return false;
    erp_put_default(r, "BOMHeaderBaseUnit", erp_base_unit(x, item));
    if (odata_is(r, "BillOfMaterial", "")) {
        char *same = plant_db_text(&x->c->mem, x->c->db,
                                   "SELECT BillOfMaterial FROM MaterialBOMType WHERE Material = ?1 AND Plant = ?2 AND"
                                   " BillOfMaterialVariantUsage = ?3", 3, item, odata_get(r, "Plant"),
                                   odata_get(r, "BillOfMaterialVariantUsage"));
        odata_put(r, "BillOfMaterial", same ? same : plant_number(x->c, "bom", 50000000, 8));
    }
    return !*odata_get(r, "EngineeringChangeDocForEdit") ||
           change_open(x, odata_get(r, "EngineeringChangeDocForEdit"));
}

/* With history, a change number; and nobody else at it. */
bool erp_bom_may_change(struct odata_ctx *x, const struct odata_row *header, const char *change)
{
    if (erp_locked(x, odata_get(header, "Material"), "BOM206"))
        return false;
    if (*change)
        return change_open(x, change);
    if (odata_is(header, "BillOfMaterialStatus", "3"))
        return odata_fail(x, 400, "29/112", "EngineeringChangeDocument",
                          "BOM %s has history: enter a change number", odata_get(header, "BillOfMaterial"));
    return true;
}

bool erp_bom_rule(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    struct odata_row *r = op->row;
    if (op->after) {
        const char *object = plant_mem_printf(&x->c->mem, "%s/%s/%s", odata_get(r, "Material"), odata_get(r, "Plant"),
                                              odata_get(r, "BillOfMaterialVariant"));
        plant_effect(x->c, op->verb == 'D' ? "bom-delete" : op->verb == 'C' ? "bom-create" : "bom-change", object, NULL);
        erp_event(x, "billofmaterial", op->verb == 'C' ? "BillOfMaterial.Created" : "BillOfMaterial.Changed",
                  erp_bom_keys(x, r));
        return true;
    }
    if (op->verb == 'C' && (erp_locked(x, odata_get(r, "Material"), "BOM206") || !bom_create(op)))
        return false;
    if (op->verb != 'C' && !erp_bom_may_change(x, op->old ? op->old : r, odata_get(r, "EngineeringChangeDocForEdit")))
        return false;
    if (op->verb != 'D') {
        const char *usage = odata_get(r, "BillOfMaterialVariantUsage"), *status = odata_get(r, "BillOfMaterialStatus");
        if (strlen(usage) != 1 || !strchr("123456", *usage))
            return odata_fail(x, 400, "29/004", "BillOfMaterialVariantUsage", "BOM usage %s is not defined", usage);
        if (strlen(status) != 1 || !strchr("123", *status))
            return odata_fail(x, 400, "29/005", "BillOfMaterialStatus", "BOM status %s is not defined", status);
        if (odata_qty(r, "BOMHeaderQuantityInBaseUnit") <= 0)
            return odata_fail(x, 400, "29/011", "BOMHeaderQuantityInBaseUnit", "The base quantity must be above 0");
    }
    odata_put(r, "LastChangeDate", plant_today(x->c));
    return true;
}

static bool cycle(struct odata_ctx *x, const char *parent, const char *component, const char *plant)
{
    return plant_db_int(x->c->db,
                        "WITH RECURSIVE below(item, depth) AS (SELECT ?2, 0 UNION SELECT BillOfMaterialComponent,"
                        " depth + 1 FROM below JOIN MaterialBOMItemType ON Material = item AND Plant = ?3 WHERE"
                        " depth < 50) SELECT count(*) FROM below WHERE item = ?1 AND item != ''", 3, parent, component,
                        plant) > 0;
}

bool erp_bom_item_fits(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    struct odata_row *r = op->row;
    const char *category = odata_get(r, "BillOfMaterialItemCategory"), *item = odata_get(r, "BillOfMaterialComponent");
    int64_t base;
    if (strlen(category) != 1 || !strchr("LNRTDKM", *category))
        return odata_fail(x, 400, "29/007", "BillOfMaterialItemCategory", "Item category %s is not defined", category);
    if (strchr("TDK", *category))
        return true;
    if (!erp_product_fits(x, item, odata_get(r, "Plant"), "BillOfMaterialComponent"))
        return false;
    if (odata_qty(r, "BillOfMaterialItemQuantity") == 0)
        return odata_fail(x, 400, "29/027", "BillOfMaterialItemQuantity", "Item %s: the quantity must not be 0",
                          odata_get(r, "BillOfMaterialItemNumber"));
    if (odata_qty(r, "BillOfMaterialItemQuantity") > 0 && odata_is(r, "MaterialIsCoProduct", "true"))
        return odata_fail(x, 400, "29/149", "MaterialIsCoProduct", "A co-product has a quantity below 0");
    erp_put_default(r, "BillOfMaterialItemUnit", erp_base_unit(x, item));
    if (!erp_to_base(x, item, odata_get(r, "BillOfMaterialItemUnit"), 1000, &base))
        return false;
    if (cycle(x, odata_get(r, "Material"), item, odata_get(r, "Plant")))
        return odata_fail(x, 400, "29/021", "BillOfMaterialComponent", "BOM is recursive: %s contains %s", item,
                          odata_get(r, "Material"));
    return true;
}

static bool position_twice(struct odata_ctx *x, const struct odata_row *r)
{
    return plant_db_int(x->c->db,
                        plant_mem_printf(&x->c->mem,
                                         "SELECT count(*) FROM MaterialBOMItemType WHERE BillOfMaterial = ?1 AND"
                                         " BillOfMaterialVariant = ?2 AND Material = ?3 AND Plant = ?4 AND"
                                         " BillOfMaterialItemNumber = ?5 AND BillOfMaterialItemNodeNumber != ?6 AND"
                                         " ValidityStartDate <= ?8 AND ValidityEndDate >= ?7"), 8,
                        odata_get(r, "BillOfMaterial"), odata_get(r, "BillOfMaterialVariant"), odata_get(r, "Material"),
                        odata_get(r, "Plant"), odata_get(r, "BillOfMaterialItemNumber"),
                        odata_get(r, "BillOfMaterialItemNodeNumber"), odata_get(r, "ValidityStartDate"),
                        odata_get(r, "ValidityEndDate")) > 0;
}

struct odata_row *erp_bom_header(struct odata_ctx *x, const struct odata_row *r)
{
    struct plant_mem *m = &x->c->mem;
    return odata_row_by(x, "MaterialBOM",
                        plant_mem_printf(m, "BillOfMaterial = %s AND BillOfMaterialVariant = %s AND Material = %s AND"
                                            " Plant = %s AND EngineeringChangeDocument = %s",
                                         odata_quote(m, odata_get(r, "BillOfMaterial")),
                                         odata_quote(m, odata_get(r, "BillOfMaterialVariant")),
                                         odata_quote(m, odata_get(r, "Material")), odata_quote(m, odata_get(r, "Plant")),
                                         odata_quote(m, odata_get(r, "HeaderChangeDocument"))));
}

char *erp_bom_node(struct odata_ctx *x, const struct odata_row *r)
{
    int64_t n = plant_db_int(x->c->db, "SELECT max(CAST(BillOfMaterialItemNodeNumber AS INTEGER)) FROM"
                                       " MaterialBOMItemType WHERE BillOfMaterial = ?1 AND BillOfMaterialVariant = ?2",
                             2, odata_get(r, "BillOfMaterial"), odata_get(r, "BillOfMaterialVariant"));
    return plant_mem_printf(&x->c->mem, "%08lld", (long long)n + 1);
}

/* An item's change is its BOM's too: the effect, the event, and the time that a poll looks at. */
void erp_bom_touched(struct odata_ctx *x, const struct odata_row *item, const char *kind, const char *change)
{
    struct plant_mem *m = &x->c->mem;
    plant_effect(x->c, kind, plant_mem_printf(m, "%s/%s/%s%s%s", odata_get(item, "Material"), odata_get(item, "Plant"),
                                              odata_get(item, "BillOfMaterialItemNumber"), change ? "@" : "",
                                              change ? change : ""), NULL);
    plant_db_do(x->c->db, "UPDATE MaterialBOMType SET LastChangeDateTime = ?4, LastChangeDate = ?5, _v = _v + 1 WHERE"
                          " BillOfMaterial = ?1 AND Material = ?2 AND Plant = ?3", 5, odata_get(item, "BillOfMaterial"),
                odata_get(item, "Material"), odata_get(item, "Plant"), plant_now(x->c), plant_today(x->c));
    erp_event(x, "billofmaterial", "BillOfMaterial.Changed", erp_bom_keys(x, item));
}

bool erp_bom_item_rule(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    struct odata_row *r = op->row, *header = op->parent;
    if (op->after) {
        if (!op->parent || op->verb != 'C')
            erp_bom_touched(x, r, "bom-item", NULL);
        return true;
    }
    if (op->verb == 'C') {
        erp_put_default(r, "BillOfMaterialCategory", "M");
        erp_put_default(r, "BillOfMaterialItemCategory", "L");
        erp_put_default(r, "ValidityStartDate", header ? odata_get(header, "HeaderValidityStartDate") : plant_today(x->c));
        erp_put_default(r, "ValidityEndDate", "9999-12-31");
        erp_put_default(r, "BillOfMaterialItemNodeNumber", erp_bom_node(x, r));
        erp_put_default(r, "InheritedNodeNumberForBOMItem", odata_get(r, "BillOfMaterialItemNodeNumber"));
        if (!header && !(header = erp_bom_header(x, r)))
            return odata_fail(x, 400, "29/001", NULL, "BOM %s does not exist", odata_get(r, "BillOfMaterial"));
    }
    if (!(header && op->verb == 'C' && op->parent)) { /* not in a deep insert: the header's rule has not looked */
        struct odata_row *h = erp_bom_header(x, r);
        if (h && !erp_bom_may_change(x, h, op->verb == 'C' ? odata_get(r, "EngineeringChangeDocument") : ""))
            return false;
    }
    if (op->verb == 'D')
        return true;
    if (!erp_bom_item_fits(op))
        return false;
    return !position_twice(x, r) ||
           odata_fail(x, 400, "29/129", "BillOfMaterialItemNumber", "Item number %s is there already at that time",
                      odata_get(r, "BillOfMaterialItemNumber"));
}
