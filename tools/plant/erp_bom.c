/*
 * erp_bom.c - the ERP's rules for products, BOMs and change masters
 *
 * A BOM, new or changed, holds only products that are there, active and known in its plant; no cycle, no
 * position twice at one time, no quantity of zero. A BOM with history (status 3) changes under a change
 * number only, and a change number that is released is frozen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/erp_model.h"

bool erp_locked(struct odata_ctx *x, const char *object, const char *code)
{
    char *user = plant_db_text(&x->c->mem, x->c->db, "SELECT user FROM locks WHERE object = ?1 AND until > unixepoch()",
                               1, object);
    if (!user)
        return false;
    odata_fail(x, x->s->version == 2 ? 400 : 423, code, NULL,
               strcmp(code, "BOM206") == 0 ? "BOM of material %s is locked by user %s"
                                           : "Material data for %s is locked by user %s", object, user);
    return true;
}

char *erp_base_unit(struct odata_ctx *x, const char *item)
{
    return plant_db_text(&x->c->mem, x->c->db, "SELECT BaseUnit FROM A_ProductType WHERE Product = ?1", 1, item);
}

bool erp_product_fits(struct odata_ctx *x, const char *item, const char *plant, const char *target)
{
    struct plant_mem *m = &x->c->mem;
    char *status = plant_db_text(m, x->c->db, "SELECT CrossPlantStatus || IsMarkedForDeletion FROM A_ProductType"
                                              " WHERE Product = ?1", 1, item);
    if (!status)
        return odata_fail(x, 400, "M3/305", target, "Material %s does not exist", item);
    if (strcmp(status, "false") != 0)
        return odata_fail(x, 400, "29/066", target, "Material %s is inactive or marked for deletion", item);
    status = plant_db_text(m, x->c->db, "SELECT ProfileCode || IsMarkedForDeletion FROM A_ProductPlantType"
                                        " WHERE Product = ?1 AND Plant = ?2", 2, item, plant);
    if (!status)
        return odata_fail(x, 400, "M3/351", target, "Material %s is not maintained in plant %s", item, plant);
    if (strcmp(status, "false") != 0)
        return odata_fail(x, 400, "29/066", target, "Material %s is inactive in plant %s", item, plant);
    return true;
}

bool erp_to_base(struct odata_ctx *x, const char *item, const char *unit, int64_t milli, int64_t *out)
{
    struct plant_mem *m = &x->c->mem;
    const char *base = erp_base_unit(x, item);
    char *num, *den;
    *out = milli;
    if (!base || !*unit || strcmp(unit, base) == 0)
        return true;
    num = plant_db_text(m, x->c->db, "SELECT QuantityNumerator FROM A_ProductUnitsOfMeasureType WHERE Product = ?1"
                                     " AND AlternativeUnit = ?2", 2, item, unit);
    den = plant_db_text(m, x->c->db, "SELECT QuantityDenominator FROM A_ProductUnitsOfMeasureType WHERE Product = ?1"
                                     " AND AlternativeUnit = ?2", 2, item, unit);
    if (!num || !den || atoll(den) <= 0)
        return odata_fail(x, 400, "M3/230", NULL, "Unit %s has no conversion to %s for material %s", unit, base, item);
    __int128 v = (__int128)milli * atoll(num) * 2 / atoll(den);
    *out = (int64_t)((v + (v < 0 ? -1 : 1)) / 2);
    return true;
}

void erp_event(struct odata_ctx *x, const char *object, const char *what, const char *keys)
{
    plant_event(x->c, plant_mem_printf(&x->c->mem, "sap.s4.beh.%s.v1.%s.v1", object, what),
                "application/json", keys);
}

bool erp_product_rule(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    if (op->after) {
        const char *keys = plant_mem_printf(&x->c->mem, "{\"Product\":\"%s\"}", odata_get(op->row, "Product"));
        plant_effect(x->c, "product", odata_get(op->row, "Product"), NULL);
        erp_event(x, "product", op->verb == 'C' ? "Product.Created" : "Product.Changed", keys);
        return true;
    }
    if (op->verb == 'C') {
        if (odata_is(op->row, "Product", "") || odata_is(op->row, "BaseUnit", ""))
            return odata_fail(x, 400, "M3/036", "BaseUnit", "Enter the product and its base unit of measure");
        odata_put(op->row, "CreationDate", plant_today(x->c));
        plant_db_do(x->c->db, "INSERT OR IGNORE INTO A_ProductUnitsOfMeasureType VALUES(?1, ?2, '1', '1', ?2, 1)", 2,
                    odata_get(op->row, "Product"), odata_get(op->row, "BaseUnit"));
    }
    odata_put(op->row, "LastChangeDate", plant_today(x->c));
    return !erp_locked(x, odata_get(op->row, "Product"), "M3/024");
}

/* ---- BOM -------------------------------------------------------------------------------------- */

static char *bom_keys(struct odata_ctx *x, const struct odata_row *r)
{
    return plant_mem_printf(&x->c->mem, "{\"BillOfMaterial\":\"%s\",\"BillOfMaterialCategory\":\"M\","
                                        "\"BillOfMaterialVariant\":\"%s\",\"Material\":\"%s\",\"Plant\":\"%s\"}",
                            odata_get(r, "BillOfMaterial"), odata_get(r, "BillOfMaterialVariant"),
                            odata_get(r, "Material"), odata_get(r, "Plant"));
}

static void put_default(struct odata_row *r, const char *prop, const char *value)
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
    put_default(r, "BillOfMaterialCategory", "M");
    put_default(r, "BillOfMaterialVariant", "01");
    put_default(r, "BillOfMaterialVariantUsage", "1");
    put_default(r, "BillOfMaterialStatus", "1");
    put_default(r, "BOMHeaderQuantityInBaseUnit", "1");
    put_default(r, "HeaderValidityStartDate", plant_today(x->c));
    put_default(r, "HeaderValidityEndDate", "9999-12-31");
    put_default(r, "RecordCreationDate", plant_today(x->c));
    if (!erp_product_fits(x, item, odata_get(r, "Plant"), "Material"))
        return false;
    put_default(r, "BOMHeaderBaseUnit", erp_base_unit(x, item));
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
static bool bom_may_change(struct odata_ctx *x, const struct odata_row *header, const char *change)
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
                  bom_keys(x, r));
        return true;
    }
    if (op->verb == 'C' && (erp_locked(x, odata_get(r, "Material"), "BOM206") || !bom_create(op)))
        return false;
    if (op->verb != 'C' && !bom_may_change(x, op->old ? op->old : r, odata_get(r, "EngineeringChangeDocForEdit")))
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

static bool item_fits(struct odata_op *op)
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
    put_default(r, "BillOfMaterialItemUnit", erp_base_unit(x, item));
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

static struct odata_row *header_of(struct odata_ctx *x, const struct odata_row *r)
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

static char *node_new(struct odata_ctx *x, const struct odata_row *r)
{
    int64_t n = plant_db_int(x->c->db, "SELECT max(CAST(BillOfMaterialItemNodeNumber AS INTEGER)) FROM"
                                       " MaterialBOMItemType WHERE BillOfMaterial = ?1 AND BillOfMaterialVariant = ?2",
                             2, odata_get(r, "BillOfMaterial"), odata_get(r, "BillOfMaterialVariant"));
    return plant_mem_printf(&x->c->mem, "%08lld", (long long)n + 1);
}

bool erp_bom_item_rule(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    struct odata_row *r = op->row, *header = op->parent;
    if (op->after) {
        if (!op->parent || op->verb != 'C') {
            plant_effect(x->c, "bom-item", plant_mem_printf(&x->c->mem, "%s/%s/%s", odata_get(r, "Material"),
                                                            odata_get(r, "Plant"), odata_get(r, "BillOfMaterialItemNumber")),
                         NULL);
            erp_event(x, "billofmaterial", "BillOfMaterial.Changed", bom_keys(x, r));
        }
        return true;
    }
    if (op->verb == 'C') {
        put_default(r, "BillOfMaterialCategory", "M");
        put_default(r, "BillOfMaterialItemCategory", "L");
        put_default(r, "ValidityStartDate", header ? odata_get(header, "HeaderValidityStartDate") : plant_today(x->c));
        put_default(r, "ValidityEndDate", "9999-12-31");
        put_default(r, "BillOfMaterialItemNodeNumber", node_new(x, r));
        put_default(r, "InheritedNodeNumberForBOMItem", odata_get(r, "BillOfMaterialItemNodeNumber"));
        if (!header && !(header = header_of(x, r)))
            return odata_fail(x, 400, "29/001", NULL, "BOM %s does not exist", odata_get(r, "BillOfMaterial"));
    }
    if (!(header && op->verb == 'C' && op->parent)) { /* not in a deep insert: the header's rule has not looked */
        struct odata_row *h = header_of(x, r);
        if (h && !bom_may_change(x, h, op->verb == 'C' ? odata_get(r, "EngineeringChangeDocument") : ""))
            return false;
    }
    if (op->verb == 'D')
        return true;
    if (!item_fits(op))
        return false;
    return !position_twice(x, r) ||
           odata_fail(x, 400, "29/129", "BillOfMaterialItemNumber", "Item number %s is there already at that time",
                      odata_get(r, "BillOfMaterialItemNumber"));
}

/* ---- under a change number -------------------------------------------------------------------- */

#define ITEM_KEYS \
    "*BillOfMaterial:s8 *BillOfMaterialCategory:s1 *BillOfMaterialVariant:s2 BillOfMaterialVersion:s4 " \
    "*BillOfMaterialItemNodeNumber:s8 HeaderChangeDocument:s12 *Material:s40 *Plant:s4 *EngineeringChangeDocument:s12 "

static struct odata_row *ecn_item(struct odata_ctx *x, char **a, const char **from)
{
    struct plant_mem *m = &x->c->mem;
    const char *where = plant_mem_printf(m, "BillOfMaterial = %s AND BillOfMaterialVariant = %s AND Material = %s AND"
                                            " Plant = %s AND BillOfMaterialItemNodeNumber = %s",
                                         odata_quote(m, a[0]), odata_quote(m, a[2]), odata_quote(m, a[6]),
                                         odata_quote(m, a[7]), odata_quote(m, a[4]));
    struct odata_row *r = odata_row_by(x, "MaterialBOMItem", where), *h;
    if (!r) {
        odata_fail(x, 404, "29/002", NULL, "BOM item %s does not exist", a[4]);
        return NULL;
    }
    h = header_of(x, r);
    if (!h || !bom_may_change(x, h, a[8]))
        return NULL;
    *from = plant_db_text(m, x->c->db, "SELECT ChangeNumberValidFromDate FROM A_ChangeMasterType WHERE ChangeNumber = ?1",
                          1, a[8]);
    return r;
}

static void ecn_done(struct odata_ctx *x, const struct odata_row *r, const char *change, const char *kind)
{
    plant_db_do(x->c->db, "INSERT OR IGNORE INTO A_ChangeObjectRecordType VALUES(?1, '2', ?2, ?3, ?4, 1)", 4, change,
                odata_get(r, "Material"), odata_get(r, "Plant"), odata_get(r, "BillOfMaterialVariant"));
    plant_effect(x->c, kind, plant_mem_printf(&x->c->mem, "%s/%s/%s@%s", odata_get(r, "Material"), odata_get(r, "Plant"),
                                              odata_get(r, "BillOfMaterialItemNumber"), change), NULL);
    erp_event(x, "billofmaterial", "BillOfMaterial.Changed", bom_keys(x, r));
}

/* The old item ends the day before the change's, a new one begins; the same change again mends its own. */
static bool item_update_ecn(struct odata_ctx *x, char **a, struct odata_row **out)
{
    static const char *const given[] = {"BillOfMaterialComponent", "BillOfMaterialItemQuantity", "BillOfMaterialItemUnit",
                                        "BillOfMaterialItemNumber"};
    const char *from;
    struct odata_row *old = ecn_item(x, a, &from), *r;
    if (!old)
        return false;
    r = plant_mem_take(&x->c->mem, sizeof *r);
    *r = *old;
    for (int i = 0; i < 4; i++)
        if (a[9 + i])
            odata_put(r, given[i], a[9 + i]);
    if (odata_is(old, "EngineeringChangeDocument", a[8]) && strcmp(odata_get(old, "ValidityStartDate"), from) == 0) {
        if (!item_fits(&(struct odata_op){.x = x, .verb = 'U', .row = r, .old = old}))
            return false;
        odata_store(x, r);
    } else {
        char *end = plant_db_text(&x->c->mem, x->c->db, "SELECT date(?1, '-1 day')", 1, from);
        odata_put(r, "BillOfMaterialItemNodeNumber", node_new(x, old));
        odata_put(r, "ValidityStartDate", from);
        odata_put(r, "EngineeringChangeDocument", a[8]);
        odata_put(old, "ValidityEndDate", end);
        odata_put(old, "ChgToEngineeringChgDocument", a[8]);
        odata_store(x, old);
        if (!item_fits(&(struct odata_op){.x = x, .verb = 'U', .row = r, .old = old}))
            return false;
        if (!odata_insert(x, r))
            return odata_fail(x, 500, "SQL/301", NULL, "unique constraint violated: Table(STPO)");
    }
    ecn_done(x, r, a[8], "bom-item-ecn");
    *out = r;
    return true;
}

static bool item_delete_ecn(struct odata_ctx *x, char **a, struct odata_row **out)
{
    const char *from;
    struct odata_row *r = ecn_item(x, a, &from);
    if (!r)
        return false;
    odata_put(r, "ValidityEndDate", plant_db_text(&x->c->mem, x->c->db, "SELECT date(?1, '-1 day')", 1, from));
    odata_put(r, "ChgToEngineeringChgDocument", a[8]);
    odata_store(x, r);
    ecn_done(x, r, a[8], "bom-item-ecn-delete");
    *out = r;
    return true;
}

const struct odata_function erp_bom_functions[] = {
    {"UpdateBOMItemWithECN", "POST",
     ITEM_KEYS "BillOfMaterialComponent:s40 BillOfMaterialItemQuantity:d13.3 BillOfMaterialItemUnit:s3 "
               "BillOfMaterialItemNumber:s4",
     "MaterialBOMItem", item_update_ecn},
    {"DeleteBOMItemWithECN", "POST", ITEM_KEYS, "MaterialBOMItem", item_delete_ecn},
    {0}};

/* ---- change master ---------------------------------------------------------------------------- */

bool erp_change_rule(struct odata_op *op)
{
    if (op->after) {
        plant_effect(op->x->c, "change", odata_get(op->row, "ChangeNumber"), NULL);
        return true;
    }
    if (op->old && *odata_get(op->old, "ChangeNumberReleaseKey"))
        return odata_fail(op->x, 400, "CZ/050", "ChangeNumber", "Change number %s is released and frozen",
                          odata_get(op->row, "ChangeNumber"));
    put_default(op->row, "ChangeNumberStatus", "01");
    if (odata_is(op->row, "ChangeNumberValidFromDate", ""))
        return odata_fail(op->x, 400, "CZ/010", "ChangeNumberValidFromDate", "Enter the date from which it is valid");
    return true;
}

static bool change_release(struct odata_ctx *x, char **a, struct odata_row **out)
{
    struct odata_row *r = odata_row_by(x, "A_ChangeMaster",
                                       plant_mem_printf(&x->c->mem, "ChangeNumber = %s", odata_quote(&x->c->mem, a[0])));
    if (!r)
        return odata_fail(x, 404, "CZ/001", NULL, "Change number %s does not exist", a[0]);
    odata_put(r, "ChangeNumberReleaseKey", "01");
    odata_store(x, r);
    plant_effect(x->c, "change-release", a[0], NULL);
    *out = r;
    return true;
}

const struct odata_function erp_change_functions[] = {
    {"ReleaseChangeNumber", "POST", "*ChangeNumber:s12", "A_ChangeMaster", change_release}, {0}};
