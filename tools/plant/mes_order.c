/*
 * mes_order.c - the plant's MES takes operations schedules: work orders, staged until somebody begins
 *
 * Process brings an order or a new state of one that is staged; an order that runs is not changed any more.
 * Cancel takes back what is staged.
 */
#include <string.h>

#include "tools/plant/mes.h"

struct order {
    const char *id, *plant, *item, *quantity, *unit, *state;
};

static xmlNode *made_find(struct mes_call *m, xmlNode *segment)
{
    for (xmlNode *n = mes_node(segment, "MaterialRequirement"); n; n = mes_next(n))
        if (strcmp(mes_text(m, n, "MaterialUse"), "Produced") == 0)
            return n;
    return NULL;
}

static bool components_put(struct mes_call *m, xmlNode *request, const struct order *o)
{
    struct plant_call *c = m->c;
    unsigned line = 0;
    plant_db_do(c->db, "DELETE FROM order_components WHERE order_id = ?1", 1, o->id);
    for (xmlNode *s = mes_node(request, "SegmentRequirement"); s; s = mes_next(s))
        for (xmlNode *n = mes_node(s, "MaterialRequirement"); n; n = mes_next(n)) {
            const char *item = mes_text(m, n, "MaterialDefinitionID");
            if (strcmp(mes_text(m, n, "MaterialUse"), "Consumed") != 0)
                continue;
            if (!mes_material(m, item, o->plant))
                return mes_refuse(m, "MES/015", "component %s of order %s is not known in plant %s", item, o->id, o->plant);
            plant_db_do(c->db, "INSERT OR REPLACE INTO order_components VALUES(?1, ?2, ?3, ?4, ?5, ?6)", 6, o->id,
                        plant_mem_printf(&c->mem, "%04u", ++line * 10), item, mes_text(m, n, "Quantity/QuantityString"),
                        mes_unit_in(mes_text(m, n, "Quantity/UnitOfMeasure")), mes_text(m, n, "StorageLocation/Location"));
        }
    return true;
}

static bool request_take(struct mes_call *m, xmlNode *request, const char *scope)
{
    struct plant_call *c = m->c;
    xmlNode *made = made_find(m, mes_node(request, "SegmentRequirement"));
    const char *own = mes_text(m, request, "HierarchyScope/EquipmentID");
    struct order o = {.id = mes_text(m, request, "ID"), .plant = *own ? own : scope,
                      .item = mes_text(m, made, "MaterialDefinitionID"),
                      .quantity = mes_text(m, made, "Quantity/QuantityString"),
                      .unit = mes_unit_in(mes_text(m, made, "Quantity/UnitOfMeasure"))};
    int64_t milli;
    if (!mes_own_plant(m, o.plant))
        return false;
    o.state = plant_db_text(&c->mem, c->db, "SELECT state FROM orders WHERE id = ?1", 1, o.id);
    if (o.state && strcmp(o.state, "staged") != 0)
        return mes_refuse(m, "MES/021", "order %s is %s and not changed any more", o.id, o.state);
    if (strcmp(m->verb, "Cancel") == 0) {
        plant_db_do(c->db, "UPDATE orders SET state = 'cancelled' WHERE id = ?1", 1, o.id);
    } else {
        if (!mes_material(m, o.item, o.plant))
            return mes_refuse(m, "MES/014", "material %s is not known in plant %s", o.item, o.plant);
        if (!plant_qty_read(o.quantity, &milli) || milli <= 0)
            return mes_refuse(m, "MES/022", "order %s has no quantity", o.id);
        plant_db_do(c->db, "INSERT INTO orders VALUES(?1, ?2, ?3, ?4, ?5, 'staged', '0', '0', ?6, ?7) ON CONFLICT DO UPDATE"
                           " SET plant = ?2, item = ?3, quantity = ?4, unit = ?5, start = ?6, correlation = ?7", 7, o.id,
                    o.plant, o.item, o.quantity, o.unit, mes_text(m, request, "StartTime"), m->correlation);
        if (!components_put(m, request, &o))
            return false;
    }
    plant_effect(c, "order", o.id, m->bod);
    return true;
}

bool mes_schedule_take(struct mes_call *m, xmlNode *noun)
{
    const char *plant = mes_text(m, noun, "HierarchyScope/EquipmentID");
    m->correlation = mes_text(m, noun, "ID");
    for (xmlNode *n = mes_node(noun, "OperationsRequest"); n; n = mes_next(n))
        if (!request_take(m, n, plant))
            return false;
    return mes_node(noun, "OperationsRequest") ? true : mes_refuse(m, "MES/002", "a schedule without a request");
}
