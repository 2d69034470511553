/*
 * erp_change.c - the ERP's change master, and BOM items under a change number
 *
 * A change ends the old item the day before it is valid and begins a new one; releasing the number freezes
 * it.
 */
#include <string.h>

#include "tools/plant/erp_model.h"

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
    h = erp_bom_header(x, r);
    if (!h || !erp_bom_may_change(x, h, a[8]))
        return NULL;
    *from = plant_db_text(m, x->c->db, "SELECT ChangeNumberValidFromDate FROM A_ChangeMasterType WHERE ChangeNumber = ?1",
                          1, a[8]);
    return r;
}

static void ecn_done(struct odata_ctx *x, const struct odata_row *r, const char *change, const char *kind)
{
    plant_db_do(x->c->db, "INSERT OR IGNORE INTO A_ChangeObjectRecordType VALUES(?1, '2', ?2, ?3, ?4, 1)", 4, change,
                odata_get(r, "Material"), odata_get(r, "Plant"), odata_get(r, "BillOfMaterialVariant"));
    erp_bom_touched(x, r, kind, change);
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
        if (!erp_bom_item_fits(&(struct odata_op){.x = x, .verb = 'U', .row = r, .old = old}))
            return false;
        odata_store(x, r);
    } else {
        char *end = plant_db_text(&x->c->mem, x->c->db, "SELECT date(?1, '-1 day')", 1, from);
        odata_put(r, "BillOfMaterialItemNodeNumber", erp_bom_node(x, old));
        odata_put(r, "ValidityStartDate", from);
        odata_put(r, "EngineeringChangeDocument", a[8]);
        odata_put(old, "ValidityEndDate", end);
        odata_put(old, "ChgToEngineeringChgDocument", a[8]);
        odata_store(x, old);
        if (!erp_bom_item_fits(&(struct odata_op){.x = x, .verb = 'U', .row = r, .old = old}))
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
    erp_put_default(op->row, "ChangeNumberStatus", "01");
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
