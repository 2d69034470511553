/*
 * order.c - a work order as an OperationsSchedule with one OperationsRequest
 *
 * One segment requirement holds what is made (Produced) and what is taken (Consumed). The schedule's ID is the
 * correlation id: performances of the floor quote it, so that they can be traced. The planned dates go, else
 * those that were asked for.
 *
 * Thread: the instance's. Memory: the transaction's buffer.
 */
#include "mes.h"

static void place_put(struct bod *d, struct bb_bytes place)
{
    if (!place.len)
        return;
    xml_open(&d->x, "StorageLocation");
    xml_put(&d->x, "Location", place);
    xml_put(&d->x, "LocationType", bb_str("Operational Location"));
    xml_close(&d->x, "StorageLocation");
}

static void material_put(struct bod *d, struct bb_bytes id, struct bb_bytes of, const char *place, const char *quantity,
                         const char *use)
{
    xml_open(&d->x, "MaterialRequirement");
    xml_put(&d->x, "ID", id);
    xml_put(&d->x, "MaterialDefinitionID", bb_conf_str(of, "/item/id", NULL));
    xml_put(&d->x, "MaterialLotID", bb_conf_str(of, "/lot/id", NULL));
    xml_put(&d->x, "MaterialUse", bb_str(use));
    place_put(d, bb_conf_str(of, place, NULL));
    bod_quantity(d, of, quantity);
    xml_close(&d->x, "MaterialRequirement");
}

static const char *use_of(struct bb_bytes component)
{
    struct bb_bytes role = bb_conf_str(component, "/role", "component");

    return bb_str_is(role, "co-product")   ? "Co-product Produced"
           : bb_str_is(role, "by-product") ? "By-product Produced"
                                           : "Consumed";
}

static bb_status materials_put(struct bod *d)
{
    struct bb_bytes list, c;
    struct bb_iter it;

    material_put(d, bb_str("0"), d->v->data, "/to/storageLocation", "/quantity", "Produced");
    if (!bb_conf_find(d->v->data, "/components", &list))
        return BB_OK;
    if (!bb_iter_of(list, &it) || it.map || it.n > MES_LINES_MAX)
        return bb_error_set(d->err, BB_E_REJECT, "components: a list of at most %u", MES_LINES_MAX);
    while (bb_iter_next(&it, NULL, &c))
        if (!bb_conf_bool(c, "/deleted", 0))
            material_put(d, bb_conf_str(c, "/id", NULL), c, "/from/storageLocation", "/required", use_of(c));
    return BB_OK;
}

static void dates_put(struct bod *d)
{
    struct bb_bytes data = d->v->data, any;
    int planned = bb_conf_find(data, "/schedule/planned", &any);

    bod_time(d, "StartTime", data, planned ? "/schedule/planned/start" : "/schedule/required/start");
    bod_time(d, "EndTime", data, planned ? "/schedule/planned/end" : "/schedule/required/end");
}

bb_status order_put(struct bod *d)
{
    struct bb_bytes data = d->v->data, id = bb_conf_str(data, "/id", NULL);
    struct bb_bytes item = bb_conf_str(data, "/item/id", NULL), definition = bb_conf_str(data, "/routing/id", NULL);
    int cancelled = strcmp(d->verb, "Cancel") == 0;
    bb_status st;

    if (!id.len || !item.len)
        return bb_error_set(d->err, BB_E_REJECT, "the work order has no id or no item");
    definition = definition.len ? definition : item;
    xml_put(&d->x, "ID", d->e.correlationid.len ? d->e.correlationid : d->e.id);
    bod_scope(d);
    xml_put(&d->x, "OperationsType", bb_str("Production"));
    xml_open(&d->x, "OperationsRequest");
    xml_put(&d->x, "ID", id);
    xml_put(&d->x, "Description", bb_conf_str(data, "/title", NULL));
    dates_put(d);
    bod_scope(d);
    xml_put(&d->x, "OperationsType", bb_str("Production"));
    xml_put(&d->x, "RequestState", bb_str(cancelled ? "Cancelled" : "Released"));
    xml_put(&d->x, "OperationsDefinitionID", definition);
    xml_open(&d->x, "SegmentRequirement");
    xml_put(&d->x, "ID", id);
    xml_put(&d->x, "ProcessSegmentID", definition); /* the schema wants all three */
    xml_put(&d->x, "OperationsDefinitionID", definition);
    xml_put(&d->x, "OperationsSegmentID", definition);
    st = materials_put(d);
    xml_close(&d->x, "SegmentRequirement");
    xml_close(&d->x, "OperationsRequest");
    return st;
}
