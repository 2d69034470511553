/*
 * bod.c - a message as a B2MML transaction: which verb and noun, the envelope around the noun
 *
 * The BODID is the delivery's idempotency key: the confirmation can be asked for by it later (probe), and a
 * system that looks for doubles finds them by it. The correlation id goes into a schedule's ID (order.c), which
 * performances quote, so that a report from the floor can be traced to the change that caused it.
 *
 * Thread: the instance's. Memory: the buffer given.
 */
#include <stdio.h>
#include <busbar/web.h>
#include "mes.h"

static const struct {
    const char *type, *verb, *noun;
    bb_status (*put)(struct bod *d);
} rows[] = {
    {"mfg.bom.released", "Sync", "OperationsMaterialBill", bill_put},
    {"mfg.bom.withdrawn", "Cancel", "OperationsMaterialBill", bill_put},
    {"mfg.routing.released", "Sync", "OperationsDefinition", routing_put},
    {"mfg.routing.withdrawn", "Cancel", "OperationsDefinition", routing_put},
    {"mfg.work-order.released", "Process", "OperationsSchedule", order_put},
    {"mfg.work-order.changed", "Change", "OperationsSchedule", order_put},
    {"mfg.work-order.cancelled", "Cancel", "OperationsSchedule", order_put},
};

void bod_scope(struct bod *d)
{
    xml_open(&d->x, "HierarchyScope");
    xml_put(&d->x, "EquipmentID", d->plant);
    xml_put(&d->x, "EquipmentLevel", bb_str("Site"));
    xml_close(&d->x, "HierarchyScope");
}

void bod_quantity(struct bod *d, struct bb_bytes value, const char *pointer)
{
    struct bb_bytes q, v, unit = {NULL, 0};
    struct bb_cur cur;
    struct bb_tok t;
    char text[24];

    if (!bb_conf_find(value, pointer, &q) || bb_map_get(q, "value", &v) != 1)
        return;
    cur = bb_cur_of(v);
    if (bb_cur_next(&cur, &t) != 0)
        return;
    if (t.kind == BB_T_INT)
        t.s = (struct bb_bytes){text, (size_t)snprintf(text, sizeof text, "%lld", (long long)t.i)};
    else if (t.kind == BB_T_UINT)
        t.s = (struct bb_bytes){text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)t.u)};
    else if (t.kind != BB_T_DECIMAL)
        return;
    if (d->conf->scheme != 0)
        unit = bb_conf_str(q, "/sourceUnit", NULL);
    if (!unit.len)
        unit = bb_conf_str(q, "/unit", NULL);
    xml_open(&d->x, "Quantity");
    xml_put(&d->x, "QuantityString", t.s);
    xml_put(&d->x, "UnitOfMeasure", unit);
    xml_close(&d->x, "Quantity");
}

void bod_time(struct bod *d, const char *name, struct bb_bytes value, const char *pointer)
{
    struct bb_bytes s = bb_conf_str(value, pointer, NULL);
    char day[24];

    if (s.len == 10) {
        snprintf(day, sizeof day, "%.10sT00:00:00", (const char *)s.ptr);
        s = bb_str(day);
    }
    xml_put(&d->x, name, s);
}

/* <Sync><ActionCriteria>...: the status of what is sent stands in the verb. */
static void verb_put(struct bod *d)
{
    struct bb_bytes status = bb_conf_str(d->v->data, "/status", NULL);

    xml_open(&d->x, d->verb);
    if (status.len) { /* an order's is a list, and stands in the noun */
        xml_open(&d->x, "ActionCriteria");
        xml_open(&d->x, "ChangeStatus");
        xml_put(&d->x, "Code", status);
        xml_close(&d->x, "ChangeStatus");
        xml_close(&d->x, "ActionCriteria");
    }
    xml_close(&d->x, d->verb);
}

static bb_status bod_write(struct bod *d, size_t row)
{
    char root[160], now[32];
    int64_t ms;
    bb_status st;

    snprintf(root, sizeof root, "%s%s xmlns=\"" MES_NS "\" releaseID=\"7.0\"", rows[row].verb, rows[row].noun);
    if (bb_date_iso_read(d->e.time, &ms) != 0 || bb_date_iso_write(ms, now) != 0)
        snprintf(now, sizeof now, "%.*s", d->e.time.len < sizeof now ? (int)d->e.time.len : 0, (const char *)d->e.time.ptr);
    xml_open(&d->x, root);
    xml_open(&d->x, "ApplicationArea");
    xml_open(&d->x, "Sender");
    xml_put(&d->x, "LogicalID", bb_str("busbar"));
    xml_put(&d->x, "ReferenceID", d->e.correlationid);
    xml_close(&d->x, "Sender");
    xml_put(&d->x, "CreationDateTime", bb_str(*now ? now : "1970-01-01T00:00:00Z"));
    xml_put(&d->x, "BODID", d->v->key);
    xml_close(&d->x, "ApplicationArea");
    xml_open(&d->x, "DataArea");
    verb_put(d);
    xml_open(&d->x, rows[row].noun);
    st = rows[row].put(d);
    xml_close(&d->x, rows[row].noun);
    xml_close(&d->x, "DataArea");
    snprintf(root, sizeof root, "%s%s", rows[row].verb, rows[row].noun);
    xml_close(&d->x, root);
    return st;
}

bb_status bod_make(const struct mes_conf *conf, const struct bb_msg_view *v, struct bb_buf *b, struct bb_error *err)
{
    struct bod d = {.conf = conf, .v = v, .x = {b, 0}, .err = err};
    bb_status st;

    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        if (!bb_str_is(v->type, rows[k].type))
            continue;
        if (bb_envelope_read(v->whole, &d.e, NULL) != 0)
            return bb_error_set(err, BB_E_REJECT, "the message has no readable attributes");
        d.verb = rows[k].verb;
        d.plant = bb_conf_str(v->data, "/plant", NULL);
        d.plant = d.plant.len ? d.plant : d.e.plant.len ? d.e.plant : bb_str(conf->plant);
        if (!d.plant.len)
            return bb_error_set(err, BB_E_REJECT, "the message names no plant: map one to /data/plant, or give plant in "
                                                  "the endpoint's config");
        st = bod_write(&d, k);
        if (st == BB_OK && d.x.bad)
            return bb_error_set(err, BB_E_REJECT, "a text has a control character, which XML cannot carry");
        return st == BB_OK && b->failed
                   ? bb_error_set(err, BB_E_REJECT, "the transaction is longer than %u bytes", MES_DOCUMENT_MAX)
                   : st;
    }
    return bb_error_set(err, BB_E_REJECT, "messages of type %.*s are not published to a MES: released and withdrawn BOMs "
                                          "and routings and work orders are", (int)(v->type.len > 60 ? 60 : v->type.len),
                        (const char *)v->type.ptr);
}
