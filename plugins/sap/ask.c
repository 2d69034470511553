/*
 * ask.c - questions: item.readiness, vendor.approved, orders.open, stock.on-hand, bom.current, entity.read
 *
 * A question is a read, all of its pages, and an answer made from what came. Nothing found is an answer too
 * ("exists": false, an empty list), never an error: whoever asked decides.
 *
 * Thread: the instance's.
 */
#include <stdio.h>
#include <busbar/decimal.h>
#include <busbar/web.h>
#include "sap.h"

static void today(char out[11])
{
    char now[40];

    bb_time_now(now);
    memcpy(out, now, 10);
    out[10] = 0;
}

static int later(struct bb_bytes date, const char *day) /* not over on that day */
{
    return !date.len || (date.len >= 10 && memcmp(date.ptr, day, 10) >= 0);
}

struct part { /* a filter's name and where its value is asked for */
    const char *name, *pointer;
    int needed;
};

static bb_status filter(struct job *j, struct bb_buf *path, const struct part *parts, size_t n, struct bb_error *err)
{
    bb_status st = BB_OK;

    bb_uri_put(path, bb_str(j->set->name));
    bb_buf_put(path, "?$filter=", 9);
    for (size_t k = 0; st == BB_OK && k < n; k++) {
        struct bb_bytes v = data_text(j, parts[k].pointer);
        if (!v.len && parts[k].needed)
            return bb_error_set(err, BB_E_REJECT, "%s: %s is wanted, a text", j->ask->name, parts[k].pointer + 1);
        if (v.len)
            st = filter_put(j, path, parts[k].name, v, err);
    }
    return st;
}

/* ---- item.readiness {item, plant}: may it be used there? ---------------------------------------------------- */
static bb_status readiness_ask(struct job *j, struct bb_buf *path, struct bb_error *err)
{
    struct map_put m;
    bb_status st;

    if (!data_text(j, "/item").len)
        return bb_error_set(err, BB_E_REJECT, "item.readiness: item is wanted, a text");
    m = map_open(&j->want);
    map_text(&m, "Product", data_text(j, "/item"));
    map_close(&m);
    st = key_put(j->s->edm, j->set, (struct bb_bytes){j->want.ptr, j->want.len}, path, err);
    bb_buf_put(path, "?$expand=to_Plant,to_Description", 32);
    return st;
}

static struct bb_bytes plant_find(struct bb_bytes item, struct bb_bytes plant)
{
    struct bb_bytes one, p;
    struct bb_iter it;

    if (member(item, "to_Plant").len && bb_iter_of(member(item, "to_Plant"), &it))
        while (bb_iter_next(&it, NULL, &one)) {
            p = field(one, "Plant");
            if (p.len == plant.len && p.len && memcmp(p.ptr, plant.ptr, p.len) == 0)
                return one;
        }
    return (struct bb_bytes){NULL, 0};
}

static void put_bool(struct map_put *m, const char *key, int v)
{
    map_key(m, key);
    bb_put_bool(m->b, v);
}

static bb_status readiness_answer(struct job *j, struct bb_buf *out, struct bb_error *err)
{
    struct bb_bytes x = job_now(j, 0), plant = data_text(j, "/plant"), at = plant_find(x, plant);
    int active = x.len && !flag(x, "IsMarkedForDeletion") && !field(x, "CrossPlantStatus").len;
    int there = at.len && !flag(at, "IsMarkedForDeletion") && !field(at, "ProfileCode").len;
    struct map_put m = map_open(out), l;
    const struct {
        int bad;
        const char *text;
    } why[] = {{!x.len, "the item does not exist"},
               {x.len && !active, "the item is inactive or marked for deletion"},
               {x.len && plant.len && !at.len, "the item is not extended to the plant"},
               {at.len && !there, "the item is inactive in the plant"}};
    (void)err;

    put_bool(&m, "exists", x.len > 0);
    put_bool(&m, "active", active);
    put_bool(&m, "extended", at.len > 0);
    put_bool(&m, "ready", active && (!plant.len || there));
    map_key(&m, "why");
    l = list_open(out);
    for (size_t k = 0; k < sizeof why / sizeof why[0]; k++)
        if (why[k].bad) {
            bb_put_cstr(out, why[k].text);
            l.n++;
        }
    map_close(&l);
    if (x.len) {
        map_key(&m, "item");
        model_item(j->i, x, out);
    }
    map_close(&m);
    return BB_OK;
}

/* ---- vendor.approved {item, plant, supplier?} ---------------------------------------------------------------- */
static const struct part vendor_parts[] = {{"Material", "/item", 1}, {"Plant", "/plant", 1}, {"Supplier", "/supplier", 0}};

static bb_status vendor_ask(struct job *j, struct bb_buf *path, struct bb_error *err)
{
    return filter(j, path, vendor_parts, 3, err);
}

static bb_status vendor_answer(struct job *j, struct bb_buf *out, struct bb_error *err)
{
    struct map_put m = map_open(out), l;
    char day[11];
    (void)err;

    today(day);
    map_key(&m, "suppliers");
    l = list_open(out);
    for (uint32_t k = 0; k < j->n_now; k++) {
        struct bb_bytes x = job_now(j, k), from = field(x, "ValidityStartDate");
        if (flag(x, "SourceOfSupplyIsBlocked") || !later(field(x, "ValidityEndDate"), day) ||
            (from.len >= 10 && memcmp(from.ptr, day, 10) > 0))
            continue;
        bb_put_str(out, field(x, "Supplier").ptr, field(x, "Supplier").len);
        l.n++;
    }
    map_close(&l);
    put_bool(&m, "approved", l.n > 0);
    map_close(&m);
    return BB_OK;
}

/* ---- orders.open {item, plant?} --------------------------------------------------------------------------------- */
static const struct part order_parts[] = {{"Material", "/item", 1}, {"ProductionPlant", "/plant", 0}};

static bb_status orders_ask(struct job *j, struct bb_buf *path, struct bb_error *err)
{
    return filter(j, path, order_parts, 2, err);
}

static bb_status orders_answer(struct job *j, struct bb_buf *out, struct bb_error *err)
{
    struct map_put m = map_open(out), l;
    (void)err;

    map_key(&m, "orders");
    l = list_open(out);
    for (uint32_t k = 0; k < j->n_now; k++) {
        struct bb_bytes x = job_now(j, k);
        if (flag(x, "OrderIsTechnicallyCompleted") || flag(x, "OrderIsClosed"))
            continue;
        model_order(j->i, x, out);
        l.n++;
    }
    map_close(&l);
    map_close(&m);
    return BB_OK;
}

/* ---- stock.on-hand {item, plant?, location?} --------------------------------------------------------------------- */
static const struct part stock_parts[] = {{"Material", "/item", 1}, {"Plant", "/plant", 0}, {"StorageLocation", "/location", 0}};

static bb_status stock_ask(struct job *j, struct bb_buf *path, struct bb_error *err)
{
    return filter(j, path, stock_parts, 3, err);
}

static bb_status stock_answer(struct job *j, struct bb_buf *out, struct bb_error *err)
{
    static const struct {
        const char *sap, *model;
    } stock[] = {{"01", "unrestricted"}, {"02", "quality"}, {"07", "blocked"}};
    struct map_put m = map_open(out), l, e;
    (void)err;

    map_key(&m, "stock");
    l = list_open(out);
    for (uint32_t k = 0; k < j->n_now; k++) {
        struct bb_bytes x = job_now(j, k), type = field(x, "InventoryStockType");
        e = map_open(out);
        map_text(&e, "item", field(x, "Material"));
        map_text(&e, "plant", field(x, "Plant"));
        map_text(&e, "storageLocation", field(x, "StorageLocation"));
        map_text(&e, "lot", field(x, "Batch"));
        for (size_t n = 0; n < 3; n++)
            if (bb_str_is(type, stock[n].sap))
                map_text(&e, "stockType", bb_str(stock[n].model));
        map_text(&e, "sourceStockType", type);
        quantity_in(j->i, &e, "quantity", member(x, "MatlWrhsStkQtyInMatlBaseUnit"), field(x, "MaterialBaseUnit"));
        map_close(&e);
        l.n++;
    }
    map_close(&l);
    map_close(&m);
    return BB_OK;
}

/* ---- bom.current {item, plant} ------------------------------------------------------------------------------------ */
static const struct part bom_parts[] = {{"Material", "/item", 1}, {"Plant", "/plant", 1}};

static bb_status bom_ask(struct job *j, struct bb_buf *path, struct bb_error *err)
{
    bb_status st = filter(j, path, bom_parts, 2, err);

    bb_buf_put(path, "&$expand=to_BillOfMaterialItem", 30);
    return st;
}

static bb_status bom_answer(struct job *j, struct bb_buf *out, struct bb_error *err)
{
    struct map_put m = map_open(out), l;
    (void)err;

    map_key(&m, "boms");
    l = list_open(out);
    for (uint32_t k = 0; k < j->n_now; k++) {
        model_bom(j->i, job_now(j, k), out);
        l.n++;
    }
    map_close(&l);
    map_close(&m);
    return BB_OK;
}

/* ---- entity.read {service, set, key, expand?}: what an event's keys stand for --------------------------------------- */
static bb_status entity_ask(struct job *j, struct bb_buf *path, struct bb_error *err)
{
    struct bb_bytes expand = data_text(j, "/expand");
    bb_status st = key_put(j->s->edm, j->set, data_value(j, "/key"), path, err);

    if (expand.len) {
        bb_buf_put(path, "?$expand=", 9);
        bb_uri_put_keep(path, expand, ",/");
    }
    return st;
}

static bb_status entity_answer(struct job *j, struct bb_buf *out, struct bb_error *err)
{
    struct map_put m = map_open(out);
    (void)err;

    put_bool(&m, "found", j->n_now > 0);
    map_value(&m, "entity", job_now(j, 0));
    map_close(&m);
    return BB_OK;
}

const struct ask *ask_find(const char *name)
{
    static const struct ask all[] = {
        {"item.readiness", "product", "A_Product", readiness_ask, readiness_answer},
        {"vendor.approved", "source", "A_PurchasingSource", vendor_ask, vendor_answer},
        {"orders.open", "order", "A_ProductionOrder_2", orders_ask, orders_answer},
        {"stock.on-hand", "stock", "A_MatlStkInAcctMod", stock_ask, stock_answer},
        {"bom.current", "bom", "MaterialBOM", bom_ask, bom_answer},
        {"entity.read", NULL, NULL, entity_ask, entity_answer},
    };

    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        if (strcmp(name, all[k].name) == 0)
            return &all[k];
    return NULL;
}
