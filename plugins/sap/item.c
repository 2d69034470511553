/*
 * item.c - mfg.item.* and mfg.work-order.*: items and production orders as they shall be
 *
 * Both read what is there and write what differs. An item's plants and units are entities of their own:
 * made with a new item in one deep insert, changed in one changeset otherwise. An order is made, changed
 * (under its ETag, as $metadata asks), released or completed by its functions. An order that the system
 * numbers cannot be found again by our number: so an order is created only with its number.
 *
 * Thread: the instance's.
 */
#include <stdio.h>
#include "sap.h"

static struct bb_bytes want_of(const struct job *j)
{
    return (struct bb_bytes){j->want.ptr, j->want.len};
}

/* ---- items ------------------------------------------------------------------------------------------------- */
static const struct {
    const char *kind, *type;
} types[] = {{"finished", "FERT"}, {"semi-finished", "HALB"}, {"component", "ROH"}, {"raw", "ROH"},
             {"consumable", "HIBE"}, {"packaging", "VERP"}, {"spare", "ERSA"}, {"trading", "HAWA"}};

static struct bb_bytes unit_plain(struct job *j, const char *pointer, struct bb_error *err)
{
    struct bb_bytes unit = data_text(j, pointer), none = {NULL, 0};
    struct bb_buf b;
    struct map_put m;

    if (!unit.len)
        return none;
    bb_buf_init(&b, 256);
    m = map_open(&b);
    map_text(&m, "unit", unit);
    map_close(&m);
    unit = unit_out(j->i, (struct bb_bytes){b.ptr, b.len}, err); /* points into the config or a table */
    bb_buf_free(&b);
    return unit;
}

static void plants_put(struct job *j, struct map_put *m, const char *nav)
{
    struct bb_bytes list = data_value(j, "/plants"), one, how;
    struct map_put l, e;
    struct bb_iter it;

    if (!list.len || !bb_iter_of(list, &it))
        return;
    map_key(m, nav);
    l = list_open(m->b);
    while (bb_iter_next(&it, NULL, &one)) {
        e = map_open(m->b);
        map_text(&e, "Plant", field(one, "plant"));
        how = field(one, "procurement");
        map_text(&e, "ProcurementType", bb_str(bb_str_is(how, "make") ? "E" : bb_str_is(how, "buy") ? "F"
                                                                           : bb_str_is(how, "both") ? "X" : NULL));
        map_text(&e, "MRPType", field(member(one, "planning"), "type"));
        map_text(&e, "MRPResponsible", field(member(one, "planning"), "controller"));
        map_text(&e, "PurchasingGroup", field(one, "purchasingGroup"));
        map_close(&e);
        l.n++;
    }
    map_close(&l);
}

static bb_status item_prepare(struct job *j, struct bb_buf *path, struct bb_error *err)
{
    struct bb_bytes base = unit_plain(j, "/baseUnit", err), status = data_text(j, "/status"), name = data_text(j, "/name");
    struct map_put m, l, e;

    if (!base.len)
        return err->text[0] ? BB_E_REJECT : bb_error_set(err, BB_E_REJECT, "the item has no baseUnit");
    m = map_open(&j->want);
    map_text(&m, "Product", data_text(j, "/item/id"));
    for (size_t k = 0; k < sizeof types / sizeof types[0]; k++)
        if (bb_str_is(data_text(j, "/kind"), types[k].kind))
            map_text(&m, "ProductType", data_text(j, "/sourceKind").len == 4 ? data_text(j, "/sourceKind")
                                                                             : bb_str(types[k].type));
    map_text(&m, "BaseUnit", base);
    map_value(&m, "GrossWeight", data_value(j, "/grossWeight/value"));
    map_value(&m, "NetWeight", data_value(j, "/netWeight/value"));
    if (data_value(j, "/grossWeight/value").len)
        map_text(&m, "WeightUnit", unit_plain(j, "/grossWeight/unit", err));
    map_value(&m, "IsBatchManagementRequired", data_value(j, "/lotManaged"));
    map_key(&m, "IsMarkedForDeletion");
    bb_put_bool(&j->want, bb_str_is(j->e.type, "mfg.item.obsoleted") || bb_str_is(status, "deleted"));
    map_text(&m, "MaterialRevisionLevel", data_text(j, "/item/revision").len <= 2 ? data_text(j, "/item/revision")
                                                                                 : (struct bb_bytes){NULL, 0});
    if (!name.len)
        name = data_text(j, "/description");
    if (name.len) {
        map_key(&m, "to_Description");
        l = list_open(&j->want);
        e = map_open(&j->want);
        map_text(&e, "Language", bb_conf_str(j->i->conf, "/language", "EN"));
        map_text(&e, "ProductDescription", name);
        map_close(&e);
        l.n = 1;
        map_close(&l);
    }
    plants_put(j, &m, "to_Plant");
    map_close(&m);
    bb_status st = key_put(j->s->edm, j->set, want_of(j), path, err);
    bb_buf_put(path, "?$expand=to_Description,to_Plant", 32);
    return st;
}

/* A child with the parent's key; the one there that has the same second key. */
static bb_status children_plan(struct job *j, const char *nav, const char *set, const char *key, struct bb_error *err)
{
    const struct edm_set *s = job_set(j, set, err);
    struct bb_bytes want, have = member(job_now(j, 0), nav), one, other, k, v, found, a, b;
    struct bb_iter it, in;
    struct map_put m;
    struct bb_buf buf;
    bb_status st = s ? BB_OK : BB_E_CONFIG;

    want = member(want_of(j), nav);
    if (!want.len || !bb_iter_of(want, &it))
        return BB_OK;
    while (st == BB_OK && bb_iter_next(&it, NULL, &one)) {
        found = (struct bb_bytes){NULL, 0};
        a = field(one, key);
        if (have.len && bb_iter_of(have, &in))
            while (bb_iter_next(&in, NULL, &other)) {
                b = field(other, key);
                if (a.len == b.len && a.len && memcmp(a.ptr, b.ptr, a.len) == 0)
                    found = other;
            }
        bb_buf_init(&buf, 65536);
        m = map_open(&buf);
        map_text(&m, "Product", data_text(j, "/item/id"));
        if (bb_iter_of(one, &in))
            while (bb_iter_next(&in, &k, &v)) {
                bb_put_str(&buf, k.ptr, k.len);
                bb_put_raw(&buf, v);
                m.n++;
            }
        map_close(&m);
        st = job_write(j, s, (struct bb_bytes){buf.ptr, buf.len}, found, err);
        bb_buf_free(&buf);
    }
    return st;
}

static bb_status item_plan(struct job *j, struct bb_error *err)
{
    struct bb_bytes now = job_now(j, 0);
    bb_status st = job_write(j, j->set, want_of(j), now, err);

    j->did = now.len ? "changed" : "created";
    if (st == BB_OK && now.len)
        st = children_plan(j, "to_Description", "A_ProductDescription", "Language", err);
    if (st == BB_OK && now.len)
        st = children_plan(j, "to_Plant", "A_ProductPlant", "Plant", err);
    if (!j->n_rq)
        j->did = "unchanged";
    return st;
}

const struct op op_item = {.type = "mfg.item.*", .service = "product", .set = "A_Product", .prepare = item_prepare,
                           .plan = item_plan};

/* ---- production orders --------------------------------------------------------------------------------------- */
static bb_status order_prepare(struct job *j, struct bb_buf *path, struct bb_error *err)
{
    struct bb_bytes start = data_text(j, "/schedule/planned/start"), end = data_text(j, "/schedule/planned/end");
    struct bb_bytes plant = data_text(j, "/plant"), unit = unit_out(j->i, data_value(j, "/quantity"), err);
    struct map_put m;

    if (!unit.len)
        return BB_E_REJECT;
    m = map_open(&j->want);
    map_text(&m, "ManufacturingOrder", data_text(j, "/id"));
    map_text(&m, "Material", data_text(j, "/item/id"));
    map_text(&m, "ProductionPlant", plant.len ? plant : j->e.plant);
    map_value(&m, "TotalQuantity", data_value(j, "/quantity/value"));
    map_text(&m, "ProductionUnit", unit);
    map_text(&m, "ProductionVersion", data_text(j, "/productionVersion"));
    if (start.len >= 10)
        map_text(&m, "MfgOrderPlannedStartDate", (struct bb_bytes){start.ptr, 10});
    if (end.len >= 10)
        map_text(&m, "MfgOrderPlannedEndDate", (struct bb_bytes){end.ptr, 10});
    map_close(&m);
    return key_put(j->s->edm, j->set, want_of(j), path, err);
}

static bb_status order_call(struct job *j, const char *function, const char *done_flag, struct bb_error *err)
{
    if (field(job_now(j, 0), done_flag).len)
        return BB_OK; /* it is so already */
    j->did = "called";
    return job_call(j, function, want_of(j), j->set->etag, err);
}

static bb_status order_plan(struct job *j, struct bb_error *err)
{
    struct bb_bytes now = job_now(j, 0);
    int call = bb_str_is(j->e.type, "mfg.work-order.released") || bb_str_is(j->e.type, "mfg.work-order.completed");
    bb_status st;

    if (!now.len && !bb_str_is(j->e.type, "mfg.work-order.created"))
        return bb_error_set(err, BB_E_REJECT, "order %.*s is not there", (int)data_text(j, "/id").len,
                            (const char *)data_text(j, "/id").ptr);
    if (bb_str_is(j->e.type, "mfg.work-order.released"))
        return order_call(j, "ReleaseOrder", "OrderIsReleased", err);
    if (call)
        return order_call(j, "TechlyCmpltOrder", "OrderIsTechnicallyCompleted", err);
    if (bb_str_is(j->e.type, "mfg.work-order.cancelled"))
        return bb_error_set(err, BB_E_UNSUP, "an order is not cancelled here: complete it");
    st = job_write(j, j->set, want_of(j), now, err);
    j->did = !now.len ? "created" : j->n_rq ? "changed" : "unchanged";
    return st;
}

const struct op op_order = {.type = "mfg.work-order.*", .service = "order", .set = "A_ProductionOrder_2",
                            .prepare = order_prepare, .plan = order_plan};
