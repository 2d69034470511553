/*
 * move_in.c - a material document's line as a movement of the model: move.c's table, read backwards
 *
 * A reversing type is its kind with `reversal`, and flows the other way. A type that neither the config's
 * movements nor the table knows is an observation with its sourceKind, which moves no stock anywhere: a route may
 * say what it is. The document's reference, where Busbar puts its key, goes to extensions for `echo`.
 *
 * Thread: any. Memory: the buffer given; lines as the feed gives them (source.c).
 */
#include <stdlib.h>
#include <string.h>
#include <busbar/decimal.h>
#include "sap.h"

static int same(struct bb_bytes a, struct bb_bytes b)
{
    return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The kind of a movement type: the config's, the table's. *back: it takes one back. NULL: nobody knows it. */
static const struct move *move_of_type(const bb_inst *i, struct bb_bytes type, int *back)
{
    struct bb_bytes map, kind, row;
    struct bb_iter it;

    for (*back = 0; bb_conf_find(i->conf, "/movements", &map) && *back < 2; ++*back)
        for (bb_iter_of(map, &it); bb_iter_next(&it, &kind, &row);)
            for (size_t k = 0; k < SAP_MOVES; k++)
                if (bb_str_is(kind, sap_moves[k].kind) && type.len &&
                    same(bb_conf_str(row, *back ? "/reverse" : "/type", ""), type))
                    return &sap_moves[k];
    for (*back = 0; *back < 2; ++*back)
        for (size_t k = 0; k < SAP_MOVES; k++)
            if (bb_str_is(type, *back ? sap_moves[k].reverse : sap_moves[k].type))
                return &sap_moves[k];
    return NULL;
}

static void side_model(struct map_put *m, const char *side, struct bb_bytes plant, struct bb_bytes location,
                       struct bb_bytes type)
{
    struct map_put s, l;

    map_key(m, side);
    s = map_open(m->b);
    map_key(&s, "location");
    l = map_open(m->b);
    map_text(&l, "plant", plant);
    map_text(&l, "storageLocation", location);
    map_close(&l);
    map_text(&s, "stockType", type);
    map_close(&s);
}

/* The side that the line names, and for a transfer the other one; a reversal flows the other way. */
static void sides_model(struct map_put *m, struct bb_bytes x, const struct move *mv, int back)
{
    static const struct {
        const char *sap, *model;
    } stock[] = {{"01", "unrestricted"}, {"02", "quality"}, {"07", "blocked"}};
    struct bb_bytes plant = field(x, "Plant"), location = field(x, "StorageLocation"), there = plant, to = location;
    struct bb_bytes code = field(x, "InventoryStockType"), type = code.len ? (struct bb_bytes){NULL, 0}
                                                                           : bb_str("unrestricted");
    const char *own = (mv->flow == '+') != back ? "to" : "from", *other = back ? "from" : "to";

    for (size_t k = 0; k < sizeof stock / sizeof stock[0]; k++)
        if (bb_str_is(code, stock[k].sap))
            type = bb_str(stock[k].model);
    if (mv->flow != '=') {
        side_model(m, own, plant, location, type);
        return;
    }
    if (field(x, "IssuingOrReceivingPlant").len)
        there = field(x, "IssuingOrReceivingPlant");
    if (field(x, "IssuingOrReceivingStorageLoc").len)
        to = field(x, "IssuingOrReceivingStorageLoc");
    side_model(m, back ? "to" : "from", plant, location, mv->from ? bb_str(mv->from) : type);
    side_model(m, other, there, to, mv->to ? bb_str(mv->to) : type);
}

static void reference_model(struct map_put *m, const char *key, const char *kind, struct bb_bytes id, struct bb_bytes line)
{
    struct map_put r;

    if (!id.len)
        return;
    map_key(m, key);
    r = map_open(m->b);
    map_text(&r, "kind", bb_str(kind));
    map_text(&r, "id", id);
    map_text(&r, "line", line);
    map_close(&r);
}

/* A count's difference: what was found less what was booked. */
static void difference_model(const bb_inst *i, struct map_put *m, struct bb_bytes q, struct bb_bytes unit, int loss)
{
    struct bb_decimal d;
    struct bb_buf b;

    bb_buf_init(&b, BB_DECIMAL_TEXT + 16);
    if (q.len && bb_as_decimal(q, &d, NULL) == 1) {
        d.negative = loss && bb_decimal_sign(&d) != 0;
        bb_decimal_put(&b, &d);
        quantity_in(i, m, "difference", (struct bb_bytes){b.ptr, b.len}, unit);
    }
    bb_buf_free(&b);
}

static void document_model(struct map_put *m, struct bb_bytes x)
{
    struct map_put d;
    char year[8];

    map_key(m, "document");
    d = map_open(m->b);
    map_text(&d, "id", field(x, "MaterialDocument"));
    if (bb_str_copy(field(x, "MaterialDocumentYear"), year, sizeof year) == 0 && *year) {
        map_key(&d, "year");
        bb_put_int(m->b, atoi(year));
    }
    map_text(&d, "line", field(x, "MaterialDocumentItem"));
    map_close(&d);
    if (!field(x, "ReferenceDocument").len)
        return;
    map_key(m, "extensions"); /* whose key it may be: the endpoint's echo looks here */
    d = map_open(m->b);
    map_key(&d, "sap");
    struct map_put own = map_open(m->b);
    map_text(&own, "referenceDocument", field(x, "ReferenceDocument"));
    map_close(&own);
    map_close(&d);
}

/* x: a line with its header's members beside its own, and its number and moment as the feed made them. */
void model_movement(const bb_inst *i, struct bb_bytes x, struct bb_buf *out)
{
    static const struct move unknown = {.kind = "observation", .flow = '='};
    int back = 0;
    const struct move *mv = move_of_type(i, field(x, "GoodsMovementType"), &back);
    struct map_put m = map_open(out), o;
    struct bb_bytes base = member(x, "QuantityInBaseUnit"), unit = field(x, "MaterialBaseUnit");
    const char *const ones[][2] = {{"item", "Material"}, {"lot", "Batch"}};

    if (!mv)
        mv = &unknown, back = 0;
    map_text(&m, "id", field(x, "Key"));
    map_text(&m, "kind", bb_str(mv->kind));
    map_text(&m, "sourceKind", field(x, "GoodsMovementType"));
    for (size_t k = 0; k < 2; k++) {
        if (!field(x, ones[k][1]).len)
            continue;
        map_key(&m, ones[k][0]);
        o = map_open(out);
        map_text(&o, "id", field(x, ones[k][1]));
        map_close(&o);
    }
    quantity_in(i, &m, "quantity", base, unit);
    if (field(x, "EntryUnit").len && !same(field(x, "EntryUnit"), unit))
        quantity_in(i, &m, "entered", member(x, "QuantityInEntryUnit"), field(x, "EntryUnit"));
    if (bb_str_is(bb_str(mv->kind), "count-adjustment"))
        difference_model(i, &m, base, unit, (mv->flow == '-') != back);
    map_text(&m, "plant", field(x, "Plant"));
    if (mv == &unknown)
        side_model(&m, "from", field(x, "Plant"), field(x, "StorageLocation"), (struct bb_bytes){NULL, 0});
    else
        sides_model(&m, x, mv, back);
    if (back) {
        map_key(&m, "reversal");
        bb_put_bool(out, 1);
    }
    reference_model(&m, "workOrder", "work-order", field(x, "ManufacturingOrder"), (struct bb_bytes){NULL, 0});
    reference_model(&m, "purchaseOrder", "purchase-order", field(x, "PurchaseOrder"), field(x, "PurchaseOrderItem"));
    map_text(&m, "at", field(x, MOMENT));
    map_text(&m, "postedOn", field(x, "PostingDate"));
    map_text(&m, "documentDate", field(x, "DocumentDate"));
    document_model(&m, x);
    map_close(&m);
}
