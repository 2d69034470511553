/*
 * model.c - what was read from the system, as the canonical model has it
 *
 * Blank texts, zeros of optional numbers and the open end 9999-12-31 are left out. A quantity whose unit is
 * not known has its sourceUnit alone.
 *
 * Thread: any. Memory: the buffer given; entities as entity_read() gives them.
 */
#include <busbar/decimal.h>
#include "sap.h"

struct bb_bytes member(struct bb_bytes entity, const char *name)
{
    struct bb_bytes v;

    return entity.len && bb_map_get(entity, name, &v) == 1 ? v : (struct bb_bytes){NULL, 0};
}

struct bb_bytes field(struct bb_bytes entity, const char *name)
{
    struct bb_bytes v = member(entity, name), s = {NULL, 0};

    if (v.len)
        (void)bb_as_str(v, &s);
    return s.len ? s : (struct bb_bytes){NULL, 0};
}

int flag(struct bb_bytes entity, const char *name)
{
    struct bb_bytes v = member(entity, name), s;
    int b = 0;

    if (v.len && bb_as_bool(v, &b) != 1 && bb_as_str(v, &s) == 1)
        b = bb_str_is(s, "X") || bb_str_is(s, "true");
    return b;
}

static struct bb_bytes positive(struct bb_bytes number)
{
    struct bb_decimal d;

    return number.len && bb_as_decimal(number, &d, NULL) == 1 && bb_decimal_sign(&d) > 0 ? number
                                                                                       : (struct bb_bytes){NULL, 0};
}

static void ref(struct map_put *m, const char *key, struct bb_bytes id, struct bb_bytes revision)
{
    struct map_put r;

    if (!id.len)
        return;
    map_key(m, key);
    r = map_open(m->b);
    map_text(&r, "id", id);
    map_text(&r, "revision", revision);
    map_close(&r);
}

static void yes(struct map_put *m, const char *key, int there)
{
    if (!there)
        return;
    map_key(m, key);
    bb_put_bool(m->b, 1);
}

/* ---- items --------------------------------------------------------------------------------------------------- */
static void item_plants(struct map_put *m, struct bb_bytes list)
{
    struct bb_bytes one, how;
    struct map_put l, e;
    struct bb_iter it;

    if (!list.len || !bb_iter_of(list, &it) || !it.n)
        return;
    map_key(m, "plants");
    l = list_open(m->b);
    while (bb_iter_next(&it, NULL, &one)) {
        e = map_open(m->b);
        map_text(&e, "plant", field(one, "Plant"));
        how = field(one, "ProcurementType");
        map_text(&e, "procurement", bb_str(bb_str_is(how, "E") ? "make" : bb_str_is(how, "F") ? "buy"
                                                                     : bb_str_is(how, "X") ? "both" : NULL));
        map_text(&e, "status", bb_str(flag(one, "IsMarkedForDeletion") ? "deleted"
                                      : field(one, "ProfileCode").len ? "blocked" : "active"));
        map_text(&e, "purchasingGroup", field(one, "PurchasingGroup"));
        map_close(&e);
        l.n++;
    }
    map_close(&l);
}

void model_item(const bb_inst *i, struct bb_bytes x, struct bb_buf *out)
{
    static const struct {
        const char *sap, *model;
    } kinds[] = {{"FERT", "finished"}, {"HALB", "semi-finished"}, {"ROH", "raw"}, {"HIBE", "consumable"},
                 {"VERP", "packaging"}, {"ERSA", "spare"}, {"HAWA", "trading"}};
    struct map_put m = map_open(out), base;
    struct bb_buf b;
    struct bb_bytes one;
    struct bb_iter it;

    ref(&m, "item", field(x, "Product"), field(x, "MaterialRevisionLevel"));
    if (member(x, "to_Description").len && bb_iter_of(member(x, "to_Description"), &it) &&
        bb_iter_next(&it, NULL, &one))
        map_text(&m, "name", field(one, "ProductDescription"));
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (bb_str_is(field(x, "ProductType"), kinds[k].sap))
            map_text(&m, "kind", bb_str(kinds[k].model));
    map_text(&m, "sourceKind", field(x, "ProductType"));
    map_text(&m, "status", bb_str(flag(x, "IsMarkedForDeletion") ? "deleted"
                                  : field(x, "CrossPlantStatus").len ? "blocked" : "active"));
    map_text(&m, "sourceStatus", field(x, "CrossPlantStatus"));
    bb_buf_init(&b, 4096);
    base = map_open(&b);
    quantity_in(i, &base, "q", (struct bb_bytes){"\x01", 1}, field(x, "BaseUnit"));
    map_close(&base);
    map_text(&m, "baseUnit", field(member((struct bb_bytes){b.ptr, b.len}, "q"), "unit"));
    bb_buf_free(&b);
    yes(&m, "lotManaged", flag(x, "IsBatchManagementRequired"));
    quantity_in(i, &m, "grossWeight", positive(member(x, "GrossWeight")), field(x, "WeightUnit"));
    quantity_in(i, &m, "netWeight", positive(member(x, "NetWeight")), field(x, "WeightUnit"));
    map_text(&m, "changed", field(x, "LastChangeDateTime"));
    item_plants(&m, member(x, "to_Plant"));
    map_close(&m);
}

/* ---- orders -------------------------------------------------------------------------------------------------- */
void model_order(const bb_inst *i, struct bb_bytes x, struct bb_buf *out)
{
    static const struct {
        const char *sap, *model;
    } flags[] = {{"OrderIsCreated", "created"}, {"OrderIsReleased", "released"}, {"OrderIsConfirmed", "confirmed"},
                 {"OrderIsPartiallyConfirmed", "partially-confirmed"}, {"OrderIsDelivered", "delivered"},
                 {"OrderIsPartiallyDelivered", "partially-delivered"}, {"OrderIsLocked", "locked"},
                 {"OrderIsTechnicallyCompleted", "technically-completed"}, {"OrderIsClosed", "closed"},
                 {"MaterialAvailyIsNotChecked", "material-shortage"}};
    struct map_put m = map_open(out), l;
    struct bb_bytes unit = field(x, "ProductionUnit");

    map_text(&m, "id", field(x, "ManufacturingOrder"));
    map_text(&m, "sourceKind", field(x, "ManufacturingOrderType"));
    ref(&m, "item", field(x, "Material"), field(x, "MaterialRevisionLevel"));
    map_text(&m, "plant", field(x, "ProductionPlant"));
    quantity_in(i, &m, "quantity", positive(member(x, "TotalQuantity")), unit);
    quantity_in(i, &m, "yield", positive(member(x, "MfgOrderConfirmedYieldQty")), unit);
    quantity_in(i, &m, "delivered", positive(member(x, "ActualDeliveredQuantity")), unit);
    map_key(&m, "status");
    l = list_open(out);
    for (size_t k = 0; k < sizeof flags / sizeof flags[0]; k++)
        if (flag(x, flags[k].sap)) {
            bb_put_cstr(out, flags[k].model);
            l.n++;
        }
    map_close(&l);
    map_text(&m, "productionVersion", field(x, "ProductionVersion"));
    map_text(&m, "changed", field(x, "LastChangeDateTime"));
    map_close(&m);
}

/* ---- BOMs ---------------------------------------------------------------------------------------------------- */
static void effectivity(struct map_put *m, struct bb_bytes from, struct bb_bytes to)
{
    struct map_put e;
    int open = !to.len || bb_str_is(to, "9999-12-31");

    if (!from.len && open)
        return;
    map_key(m, "effectivity");
    e = map_open(m->b);
    map_text(&e, "from", from);
    map_text(&e, "to", open ? (struct bb_bytes){NULL, 0} : to);
    map_close(&e);
}

static void line_model(const bb_inst *i, struct bb_bytes x, struct bb_buf *out)
{
    struct map_put m = map_open(out), s;
    struct bb_bytes kind = field(x, "BillOfMaterialItemCategory"), q = member(x, "BillOfMaterialItemQuantity");
    struct bb_decimal d;
    struct bb_buf b;

    bb_buf_init(&b, BB_DECIMAL_TEXT + 16);
    map_text(&m, "id", field(x, "BillOfMaterialItemNodeNumber"));
    map_text(&m, "position", field(x, "BillOfMaterialItemNumber"));
    map_text(&m, "kind", bb_str(bb_str_is(kind, "N") ? "non-stock" : bb_str_is(kind, "T") ? "text"
                                : bb_str_is(kind, "R") ? "variable-size" : bb_str_is(kind, "D") ? "document"
                                : bb_str_is(kind, "K") ? "class" : "stock"));
    ref(&m, "item", field(x, "BillOfMaterialComponent"), (struct bb_bytes){NULL, 0});
    if (q.len && bb_as_decimal(q, &d, NULL) == 1 && bb_decimal_sign(&d) < 0) {
        map_text(&m, "role", bb_str(flag(x, "MaterialIsCoProduct") ? "co-product" : "by-product"));
        d.negative = 0;
        bb_decimal_put(&b, &d);
        q = (struct bb_bytes){b.ptr, b.len};
    }
    quantity_in(i, &m, "quantity", positive(q), field(x, "BillOfMaterialItemUnit"));
    yes(&m, "fixedQuantity", flag(x, "FixedQuantity"));
    if (positive(member(x, "ComponentScrapInPercent")).len || positive(member(x, "OperationScrapInPercent")).len) {
        map_key(&m, "scrap");
        s = map_open(out);
        map_value(&s, "component", positive(member(x, "ComponentScrapInPercent")));
        map_value(&s, "operation", positive(member(x, "OperationScrapInPercent")));
        yes(&s, "net", flag(x, "IsNetScrap"));
        map_close(&s);
    }
    yes(&m, "phantom", bb_str_is(field(x, "SpecialProcurementType"), "50"));
    yes(&m, "bulk", flag(x, "IsBulkMaterial"));
    if (field(x, "AlternativeItemGroup").len) {
        map_key(&m, "alternate");
        s = map_open(out);
        map_text(&s, "group", field(x, "AlternativeItemGroup"));
        map_value(&s, "probability", positive(member(x, "UsageProbabilityPercent")));
        map_close(&s);
    }
    effectivity(&m, field(x, "ValidityStartDate"), field(x, "ValidityEndDate"));
    map_text(&m, "change", field(x, "EngineeringChangeDocument"));
    map_close(&m);
    bb_buf_free(&b);
}

void model_bom(const bb_inst *i, struct bb_bytes x, struct bb_buf *out)
{
    static const char *const usage[] = {"manufacturing", "engineering", "universal", "service", "sales", "costing"};
    struct map_put m = map_open(out), l;
    struct bb_bytes code = field(x, "BillOfMaterialVariantUsage"), status = field(x, "BillOfMaterialStatus"), one;
    int n = code.len == 1 ? *(const char *)code.ptr - '1' : -1;
    struct bb_iter it;

    map_text(&m, "id", field(x, "BillOfMaterial"));
    ref(&m, "item", field(x, "Material"), (struct bb_bytes){NULL, 0});
    map_text(&m, "plant", field(x, "Plant"));
    map_text(&m, "usage", bb_str(n >= 0 && n < 6 ? usage[n] : "other"));
    map_text(&m, "alternative", field(x, "BillOfMaterialVariant"));
    map_text(&m, "status", bb_str(flag(x, "IsMarkedForDeletion") ? "deleted" : bb_str_is(status, "1") ? "active"
                                  : bb_str_is(status, "3") ? "active-with-history" : "inactive"));
    map_text(&m, "sourceStatus", status);
    effectivity(&m, field(x, "HeaderValidityStartDate"), field(x, "HeaderValidityEndDate"));
    quantity_in(i, &m, "baseQuantity", positive(member(x, "BOMHeaderQuantityInBaseUnit")), field(x, "BOMHeaderBaseUnit"));
    map_text(&m, "description", field(x, "BOMHeaderText"));
    map_key(&m, "lines");
    l = list_open(out);
    if (member(x, "to_BillOfMaterialItem").len && bb_iter_of(member(x, "to_BillOfMaterialItem"), &it))
        while (bb_iter_next(&it, NULL, &one)) {
            if (flag(one, "IsDeleted"))
                continue;
            line_model(i, one, out);
            l.n++;
        }
    map_close(&l);
    map_close(&m);
}
