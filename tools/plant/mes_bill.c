/*
 * mes_bill.c - the plant's MES takes bills of material and definitions
 *
 * In this order: own plant, status in the allowed set, usage production, not recursive, then materials: header
 * first, then each component. Text items (no material) are skipped. What is there is updated, what is new is
 * added, items that the bill no longer has are deleted.
 */
#include <string.h>

#include "tools/plant/mes.h"

static bool word_in(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; n && *p; p += strcspn(p, ","), p += *p == ',')
        if (strcspn(p, ",") == n && strncmp(p, word, n) == 0)
            return true;
    return false;
}

struct bill {
    const char *plant, *item, *alternative, *id;
    int64_t row;
};

/* The item that the bill makes: its line of use Produced, that comes first. */
static xmlNode *header_find(struct mes_call *m, xmlNode *noun)
{
    for (xmlNode *n = mes_node(noun, "OperationsMaterialBillItem"); n; n = mes_next(n))
        if (strcmp(mes_text(m, n, "UseType"), "Produced") == 0)
            return n;
    return NULL;
}

static bool recursive(struct mes_call *m, const struct bill *b, const char *component)
{
    return strcmp(b->item, component) == 0 ||
           plant_db_int(m->c->db,
                        "WITH RECURSIVE below(item) AS (SELECT ?1 UNION SELECT i.component FROM below JOIN bills b"
                        " ON b.item = below.item AND b.plant = ?2 JOIN bill_items i USING(bill) WHERE i.use = 'Consumed')"
                        " SELECT count(*) FROM below WHERE item = ?3", 3, component, b->plant, b->item) > 0;
}

static bool items_judge(struct mes_call *m, xmlNode *noun, const struct bill *b)
{
    for (xmlNode *n = mes_node(noun, "OperationsMaterialBillItem"); n; n = mes_next(n)) {
        const char *c = mes_text(m, n, "MaterialSpecificationID");
        if (*c && strcmp(mes_text(m, n, "UseType"), "Consumed") == 0 && recursive(m, b, c))
            return mes_refuse(m, "MES/013", "the bill of %s is recursive through %s", b->item, c);
    }
    if (!mes_material(m, b->item, b->plant))
        return mes_refuse(m, "MES/014", "material %s is not known in plant %s", b->item, b->plant);
    for (xmlNode *n = mes_node(noun, "OperationsMaterialBillItem"); n; n = mes_next(n)) {
        const char *c = mes_text(m, n, "MaterialSpecificationID");
        int64_t milli;
        if (*c && !mes_material(m, c, b->plant))
            return mes_refuse(m, "MES/015", "component %s of %s is not known in plant %s", c, b->item, b->plant);
        if (*c && !plant_qty_read(mes_text(m, n, "Quantity/QuantityString"), &milli))
            return mes_refuse(m, "MES/016", "item %s of %s has no quantity", mes_text(m, n, "ID"), b->item);
    }
    return true;
}

static const char *day(struct mes_call *m, xmlNode *n, const char *path, const char *otherwise)
{
    const char *s = mes_text(m, n, path);
    return strlen(s) >= 10 ? plant_mem_copy(&m->c->mem, s, 10) : otherwise;
}

static void items_put(struct mes_call *m, xmlNode *noun, xmlNode *header, const struct bill *b)
{
    const char *row = plant_mem_printf(&m->c->mem, "%lld", (long long)b->row);
    const char *from = day(m, noun, "EffectiveStartDate", plant_today(m->c));
    unsigned skipped = 0;
    plant_db_script(m->c->db, "CREATE TEMP TABLE IF NOT EXISTS kept(id TEXT, valid_from TEXT); DELETE FROM kept");
    for (xmlNode *n = mes_node(noun, "OperationsMaterialBillItem"); n; n = mes_next(n)) {
        const char *c = mes_text(m, n, "MaterialSpecificationID"), *id = mes_text(m, n, "ID");
        const char *use = mes_text(m, n, "UseType"), *valid = day(m, n, "EffectiveStartDate", from);
        char qty[24];
        int64_t milli = 0;
        if (n == header)
            continue;
        if (!*c) {
            skipped++;
            continue;
        }
        (void)plant_qty_read(mes_text(m, n, "Quantity/QuantityString"), &milli);
        plant_qty_write(strcmp(use, "Consumed") == 0 ? milli : -milli, qty);
        plant_db_do(m->c->db, "INSERT INTO bill_items VALUES(?1 + 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET"
                              " component = ?3, quantity = ?4, unit = ?5, use = ?6, valid_to = ?8", 8, row, id, c, qty,
                    mes_unit_in(mes_text(m, n, "Quantity/UnitOfMeasure")), use, valid,
                    day(m, n, "EffectiveEndDate", "9999-12-31"));
        plant_db_do(m->c->db, "INSERT INTO temp.kept VALUES(?1, ?2)", 2, id, valid);
    }
    plant_db_do(m->c->db, "DELETE FROM bill_items WHERE bill = ?1 + 0 AND NOT EXISTS (SELECT 1 FROM temp.kept k"
                          " WHERE k.id = bill_items.id AND k.valid_from = bill_items.valid_from)", 1, row);
    if (skipped)
        snprintf(m->skipped, sizeof m->skipped, "taken; %u items without material skipped", skipped);
}

bool mes_bill_take(struct mes_call *m, xmlNode *noun)
{
    struct plant_call *c = m->c;
    xmlNode *header = header_find(m, noun);
    struct bill b = {.plant = mes_text(m, noun, "HierarchyScope/EquipmentID"), .id = mes_text(m, noun, "ID"),
                     .item = mes_text(m, header, "MaterialSpecificationID")};
    const char *status = mes_text(m, m->root, "DataArea/Sync/ActionCriteria/ChangeStatus/Code"), *slash;
    size_t n = strlen(b.item);
    slash = strncmp(b.id, b.item, n) == 0 && b.id[n] == '/' ? b.id + n + 1 : "01";
    b.alternative = slash;
    if (!mes_own_plant(m, b.plant))
        return false;
    if (strcmp(m->verb, "Cancel") == 0) {
        plant_db_do(c->db, "DELETE FROM bill_items WHERE bill IN (SELECT bill FROM bills WHERE plant = ?1 AND item = ?2"
                           " AND alternative = ?3)", 3, b.plant, b.item, b.alternative);
        plant_db_do(c->db, "DELETE FROM bills WHERE plant = ?1 AND item = ?2 AND alternative = ?3", 3, b.plant, b.item,
                    b.alternative);
        plant_effect(c, "bill", plant_mem_printf(&c->mem, "%s/%s", b.plant, b.id), m->bod);
        return true;
    }
    if (!word_in(plant_option(c, "statuses", "active,active-with-history"), status))
        return mes_refuse(m, "MES/011", "a bill of status %s is not taken", *status ? status : "(none)");
    if (strcmp(mes_text(m, noun, "UseType"), "Production") != 0)
        return mes_refuse(m, "MES/012", "usage %s is not for production", mes_text(m, noun, "UseType"));
    if (!items_judge(m, noun, &b))
        return false;
    plant_db_do(c->db, "INSERT INTO bills(plant, item, alternative, version, status, base, unit)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(item, plant, alternative) DO UPDATE SET"
                       " version = ?4, status = ?5, base = ?6, unit = ?7", 7, b.plant, b.item, b.alternative,
                mes_text(m, noun, "Version"), status, mes_text(m, header, "Quantity/QuantityString"),
                mes_unit_in(mes_text(m, header, "Quantity/UnitOfMeasure")));
    b.row = plant_db_int(c->db, "SELECT bill FROM bills WHERE plant = ?1 AND item = ?2 AND alternative = ?3", 3, b.plant,
                         b.item, b.alternative);
    items_put(m, noun, header, &b);
    plant_effect(c, "bill", plant_mem_printf(&c->mem, "%s/%s", b.plant, b.id), m->bod);
    return true;
}

bool mes_definition_take(struct mes_call *m, xmlNode *noun)
{
    struct plant_call *c = m->c;
    const char *plant = mes_text(m, noun, "HierarchyScope/EquipmentID"), *id = mes_text(m, noun, "ID");
    const char *item = mes_text(m, noun, "OperationsSegment/MaterialSpecification/MaterialDefinitionID");
    if (!mes_own_plant(m, plant))
        return false;
    if (!*item || !mes_material(m, item, plant))
        return mes_refuse(m, "MES/014", "material %s is not known in plant %s", item, plant);
    plant_db_do(c->db, "DELETE FROM segments WHERE plant = ?1 AND definition IN (?2, ?3)", 3, plant, id, item);
    for (xmlNode *n = mes_node(noun, "OperationsSegment"); n && strcmp(m->verb, "Cancel") != 0; n = mes_next(n))
        plant_db_do(c->db, "INSERT OR REPLACE INTO segments VALUES(?1, ?2, ?3, ?4, ?5, ?6)", 6, item, plant, id,
                    mes_text(m, n, "ID"), mes_text(m, n, "Description"),
                    mes_text(m, n, "EquipmentSpecification/EquipmentID"));
    plant_effect(c, "definition", plant_mem_printf(&c->mem, "%s/%s", plant, id), m->bod);
    return true;
}
