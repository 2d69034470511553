/*
 * erp_product.c - the ERP's products, and what every rule asks: is it there, active, known in the plant,
 * locked by somebody, and how its units convert (never with a factor that nobody gave)
 */
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

char *erp_keys(struct odata_ctx *x, int n, ...)
{
    struct plant_buf b;
    va_list a;
    va_start(a, n);
    plant_buf_init(&b, &x->c->mem);
    for (int i = 0; i < n; i++) {
        plant_puts(&b, i ? "," : "{");
        plant_put_json(&b, va_arg(a, const char *));
        plant_puts(&b, ":");
        plant_put_json(&b, va_arg(a, const char *));
    }
    plant_puts(&b, "}");
    va_end(a);
    return b.p;
}

bool erp_product_rule(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    if (op->after) {
        const char *keys = erp_keys(x, 1, "Product", odata_get(op->row, "Product"));
        plant_effect(x->c, "product", odata_get(op->row, "Product"), NULL);
        erp_event(x, "product", op->verb == 'C' ? "Product.Created" : "Product.Changed", keys);
        erp_idoc_item(x, op->row);
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

/* A description, a plant's view or a unit: with its product, or alone, then the product has changed too. */
bool erp_product_part_rule(struct odata_op *op)
{
    struct odata_ctx *x = op->x;
    const char *item = odata_get(op->row, "Product");
    if (!op->after)
        return (op->parent && op->verb == 'C') || !erp_locked(x, item, "M3/024");
    if (op->parent && op->verb == 'C')
        return true;
    plant_db_do(x->c->db, "UPDATE A_ProductType SET LastChangeDateTime = ?2, LastChangeDate = ?3, _v = _v + 1 WHERE"
                          " Product = ?1", 3, item, plant_now(x->c), plant_today(x->c));
    plant_effect(x->c, "product-part", item, NULL);
    erp_event(x, "product", "Product.Changed", erp_keys(x, 1, "Product", item));
    return true;
}
