/*
 * query.c - what others may ask the MES: work-orders.staged, definition.current
 *
 * work-orders.staged {plant, item}: {orders: [{id, plant, item, quantity, state}]}. definition.current {plant,
 * item}: {id, version, plant, item, baseQuantity, lines: [{id, item, use, quantity, from}]}; nothing (OK without
 * a reply) when the MES has none. Quantities are texts with their unit as the MES has it.
 *
 * Thread: the instance's. Memory: i->tmp for the tree, i->reply for the answer.
 */
#include <busbar/web.h>
#include "mes.h"

static void quantity_put(struct open *m, const char *key, struct bb_bytes of)
{
    struct bb_bytes n = tree_text(of, "/Quantity/QuantityString");
    struct open q;

    if (!n.len)
        return;
    map_key(m, key);
    q = map_open(m->b);
    map_text(&q, "value", n);
    map_text(&q, "unit", tree_text(of, "/Quantity/UnitOfMeasure"));
    open_end(&q);
}

static void orders_put(struct bb_bytes tree, struct bb_buf *out)
{
    struct bb_bytes request, made;
    struct tree_iter w;
    struct open m = map_open(out), list, o;

    map_key(&m, "orders");
    list = list_open(out);
    tree_walk(tree, "/ShowOperationsSchedule/DataArea/OperationsSchedule/OperationsRequest", &w);
    while (tree_next(&w, &request)) {
        list.n++;
        o = map_open(out);
        map_text(&o, "id", tree_text(request, "/ID"));
        map_text(&o, "plant", tree_text(request, "/HierarchyScope/EquipmentID"));
        map_text(&o, "state", tree_text(request, "/RequestState"));
        if (bb_pointer_get(request, "/SegmentRequirement/MaterialRequirement", &made) == 1) {
            map_text(&o, "item", tree_text(made, "/MaterialDefinitionID"));
            quantity_put(&o, "quantity", made);
        }
        open_end(&o);
    }
    open_end(&list);
    open_end(&m);
}

static void line_put(struct open *list, struct bb_bytes line)
{
    struct open o = map_open(list->b);

    list->n++;
    map_text(&o, "id", tree_text(line, "/ID"));
    map_text(&o, "item", tree_text(line, "/MaterialSpecificationID"));
    map_text(&o, "use", tree_text(line, "/UseType"));
    map_text(&o, "from", tree_text(line, "/EffectiveStartDate"));
    quantity_put(&o, "quantity", line);
    open_end(&o);
}

static void bill_put_reply(struct bb_bytes tree, struct bb_buf *out)
{
    static const char at[] = "/ShowOperationsMaterialBill/DataArea/OperationsMaterialBill";
    struct bb_bytes bill, line, header = {NULL, 0};
    struct tree_iter w;
    struct open m = map_open(out), list;

    tree_walk(tree, at, &w);
    if (tree_next(&w, &bill)) {
        map_text(&m, "id", tree_text(bill, "/ID"));
        map_text(&m, "version", tree_text(bill, "/Version"));
        map_text(&m, "plant", tree_text(bill, "/HierarchyScope/EquipmentID"));
        map_key(&m, "lines");
        list = list_open(out);
        tree_walk(bill, "/OperationsMaterialBillItem", &w);
        while (tree_next(&w, &line))
            if (!header.len && bb_str_is(tree_text(line, "/UseType"), "Produced"))
                header = line;
            else
                line_put(&list, line);
        open_end(&list);
        map_text(&m, "item", tree_text(header, "/MaterialSpecificationID"));
        quantity_put(&m, "baseQuantity", header);
    }
    open_end(&m);
}

static void answer(struct job *j, const struct bb_http_answer *a, const struct bb_xml_map *map,
                   void (*put)(struct bb_bytes tree, struct bb_buf *out))
{
    bb_inst *i = j->i;
    struct bb_error e = bb_error_none();
    struct bb_fault f = {0, ""};
    bb_status st = a->outcome == BB_OK ? BB_OK : confirm_read(i, a, &e);
    struct bb_bytes reply;

    if (a->code == 404 && st == BB_E_REJECT) { /* nothing is known of it */
        i->ctx.api->done(i->ctx.host, j->t, BB_OK, NULL, NULL);
        return;
    }
    bb_buf_reset(&i->reply);
    bb_buf_reset(&i->tmp);
    if (st == BB_OK && tree_read(map, a->body, &i->tmp, &f) != 0)
        st = bb_error_set(&e, BB_E_RETRY, "the MES's answer cannot be read: %s", f.text);
    if (st == BB_OK)
        put((struct bb_bytes){i->tmp.ptr, i->tmp.len}, &i->reply);
    if (st == BB_OK && i->reply.failed)
        st = bb_error_set(&e, BB_E_REJECT, "the answer is too long: ask for one item");
    reply = (struct bb_bytes){i->reply.ptr, i->reply.len};
    i->ctx.api->done(i->ctx.host, j->t, st, st == BB_OK ? &reply : NULL, st < 0 ? &e : NULL);
}

static void orders_answer(struct job *j, const struct bb_http_answer *a)
{
    answer(j, a, j->i->order_map, orders_put);
}

static void bills_answer(struct job *j, const struct bb_http_answer *a)
{
    answer(j, a, j->i->bill_map, bill_put_reply);
}

static void parameter_put(struct job *j, char first, const char *name, struct bb_bytes value)
{
    if (!value.len)
        return;
    bb_buf_put(&j->call->url, &first, 1);
    bb_buf_put(&j->call->url, name, strlen(name));
    bb_buf_put(&j->call->url, "=", 1);
    bb_uri_put(&j->call->url, value);
}

bb_status query_ask(bb_inst *i, const char *op, const bb_msg *m, bb_token t, struct bb_error *err)
{
    int staged = strcmp(op, "work-orders.staged") == 0;
    struct bb_msg_view v = {.size = sizeof v};
    struct bb_bytes item, plant;
    struct job *j;

    if (!staged && strcmp(op, "definition.current") != 0)
        return bb_error_set(err, BB_E_UNSUP, "this connector answers work-orders.staged and definition.current");
    i->ctx.api->msg_view(m, &v);
    item = bb_conf_str(v.data, "/item", NULL);
    plant = bb_conf_str(v.data, "/plant", i->conf.plant);
    if (!staged && (!item.len || !plant.len))
        return bb_error_set(err, BB_E_REJECT, "definition.current asks for an item and a plant: with: {item: ..., plant: ...}");
    j = job_new(i, t, "GET", staged ? i->conf.orders : i->conf.bills);
    if (!j)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    j->answer = staged ? orders_answer : bills_answer;
    parameter_put(j, '?', staged ? "state" : "item", staged ? bb_str("staged") : item);
    parameter_put(j, '&', "item", staged ? item : (struct bb_bytes){NULL, 0});
    parameter_put(j, '&', "plant", plant);
    return job_send(j, v.budget_ms, err);
}
