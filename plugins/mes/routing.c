/*
 * routing.c - a routing as an OperationsDefinition, an operation each segment
 *
 * Each segment says which material comes of it. Where, by its work center; standard times are not carried yet
 * (see README.md).
 *
 * Thread: the instance's. Memory: the transaction's buffer.
 */
#include "mes.h"

static struct bb_bytes first_of(struct bb_bytes value, const char *const *pointers)
{
    struct bb_bytes v = {NULL, 0};

    for (; *pointers && !v.len; pointers++)
        v = bb_conf_str(value, *pointers, NULL);
    return v;
}

static void segment_put(struct bod *d, struct bb_bytes op)
{
    static const char *const where[] = {"/workCenter/workCenter", "/workCenter/workUnit", "/workCenter/id", NULL};
    struct bb_bytes center = first_of(op, where);

    xml_open(&d->x, "OperationsSegment");
    xml_put(&d->x, "ID", bb_conf_str(op, "/operation", NULL));
    xml_put(&d->x, "Description", bb_conf_str(op, "/description", NULL));
    xml_put(&d->x, "OperationsType", bb_str("Production"));
    xml_put(&d->x, "ProcessSegmentID", bb_conf_str(op, "/segment", NULL));
    if (center.len) {
        xml_open(&d->x, "EquipmentSpecification");
        xml_put(&d->x, "ID", bb_str("1"));
        xml_put(&d->x, "EquipmentID", center);
        xml_close(&d->x, "EquipmentSpecification");
    }
    xml_open(&d->x, "MaterialSpecification");
    xml_put(&d->x, "ID", bb_str("0"));
    xml_put(&d->x, "MaterialDefinitionID", bb_conf_str(d->v->data, "/item/id", NULL));
    xml_put(&d->x, "MaterialUse", bb_str("Produced"));
    xml_close(&d->x, "MaterialSpecification");
    xml_close(&d->x, "OperationsSegment");
}

bb_status routing_put(struct bod *d)
{
    static const char *const version[] = {"/revision", "/item/revision", NULL};
    struct bb_bytes data = d->v->data, ops, op;
    struct bb_iter it;

    if (!bb_conf_str(data, "/item/id", NULL).len || !bb_conf_find(data, "/operations", &ops) || !bb_iter_of(ops, &it) ||
        it.map || it.n > MES_LINES_MAX)
        return bb_error_set(d->err, BB_E_REJECT, "the routing has no item, or operations that are no list of at most %u",
                            MES_LINES_MAX);
    xml_put(&d->x, "ID", bb_conf_str(data, "/id", NULL));
    xml_put(&d->x, "Description", bb_conf_str(data, "/description", NULL));
    xml_put(&d->x, "Version", first_of(data, version));
    bod_time(d, "EffectiveStartDate", data, "/effectivity/from");
    bod_time(d, "EffectiveEndDate", data, "/effectivity/to");
    bod_scope(d);
    xml_put(&d->x, "OperationsType", bb_str("Production"));
    while (bb_iter_next(&it, NULL, &op))
        segment_put(d, op);
    return BB_OK;
}
