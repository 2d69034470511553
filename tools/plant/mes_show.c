/*
 * mes_show.c - what the plant's MES tells: GET /b2mml/confirmations/BODID, performances, orders, bills
 *
 * performances: ?after=N (a performance's ID, 10 digits) &limit=N; the header Link has the next page.
 * orders: ?state= &plant= &item= ; bills: ?plant= &item= (404: there is none).
 */
#include <stdlib.h>
#include <string.h>

#include "tools/plant/mes.h"

void mes_scope_put(struct plant_buf *b, const char *plant)
{
    plant_puts(b, "<HierarchyScope><EquipmentID>");
    plant_put_xml(b, plant);
    plant_puts(b, "</EquipmentID><EquipmentLevel>Site</EquipmentLevel></HierarchyScope>");
}

void mes_quantity_put(struct plant_buf *b, const char *quantity, const char *unit)
{
    plant_putf(b, "<Quantity><QuantityString>%s</QuantityString><UnitOfMeasure>", quantity);
    plant_put_xml(b, mes_unit_out(unit));
    plant_puts(b, "</UnitOfMeasure></Quantity>");
}

static void show_begin(struct plant_call *c, struct plant_buf *b, const char *noun)
{
    plant_buf_init(b, &c->mem);
    plant_putf(b, "<Show%s xmlns=\"" MES_NS "\" releaseID=\"7.0\"><ApplicationArea><CreationDateTime>%s</CreationDateTime>"
                  "</ApplicationArea><DataArea><Show/>", noun, plant_now(c));
}

static void show_end(struct plant_call *c, struct plant_buf *b, const char *noun)
{
    plant_putf(b, "</DataArea></Show%s>\n", noun);
    plant_call_answer(c, 200, "application/xml", b->p);
}

static const char *query(struct plant_call *c, const char *name, const char *otherwise)
{
    const char *s = plant_call_query(c, name);
    return s && *s ? s : otherwise;
}

static void confirmation_show(struct plant_call *c, const char *rest)
{
    char *bod = plant_url_decode(&c->mem, (struct plant_text){rest, strlen(rest)}, false);
    char *body = plant_db_text(&c->mem, c->db, "SELECT body FROM confirmations WHERE bod = ?1", 1, bod);
    if (body)
        plant_call_answer(c, 200, "application/xml", body);
    else
        mes_confirm(c, 404, bod, "Unknown", "MES/004", "no transaction of this BODID was taken");
}

static void performances_show(struct plant_call *c, const char *rest)
{
    struct plant_buf b;
    int limit = atoi(query(c, "limit", "100")), n = 0;
    const char *last = "";
    (void)rest;
    limit = limit < 1 || limit > 500 ? 100 : limit;
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT n, xml FROM performances WHERE n > ?1 + 0 ORDER BY n LIMIT ?2 + 0", 2,
                                    query(c, "after", "0"), plant_mem_printf(&c->mem, "%d", limit + 1));
    show_begin(c, &b, "OperationsPerformance");
    while (plant_db_row(&st)) {
        if (n++ == limit) {
            plant_putf(&c->head, "Link: </b2mml/performances?after=%s&limit=%d>; rel=\"next\"\r\n", last, limit);
            sqlite3_finalize(st);
            break;
        }
        last = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 0));
        plant_puts(&b, plant_db_col(st, 1));
    }
    show_end(c, &b, "OperationsPerformance");
}

static void orders_show(struct plant_call *c, const char *rest)
{
    struct plant_buf b;
    (void)rest;
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT id, plant, item, quantity, unit, state FROM orders WHERE state LIKE ?1"
                                           " AND plant LIKE ?2 AND item LIKE ?3 ORDER BY id LIMIT 500", 3,
                                    query(c, "state", "%"), query(c, "plant", "%"), query(c, "item", "%"));
    show_begin(c, &b, "OperationsSchedule");
    plant_puts(&b, "<OperationsSchedule><ID>staged</ID>");
    while (plant_db_row(&st)) {
        plant_putf(&b, "<OperationsRequest><ID>%s</ID>", plant_db_col(st, 0));
        mes_scope_put(&b, plant_db_col(st, 1));
        plant_putf(&b, "<RequestState>%s</RequestState><SegmentRequirement><ID>%s</ID><ProcessSegmentID>0010</ProcessSegmentID>"
                       "<OperationsDefinitionID>0010</OperationsDefinitionID><OperationsSegmentID>0010"
                       "</OperationsSegmentID><MaterialRequirement><ID>0</ID><MaterialDefinitionID>",
                   strcmp(plant_db_col(st, 5), "staged") == 0 ? "Ready" : "Running", plant_db_col(st, 0));
        plant_put_xml(&b, plant_db_col(st, 2));
        plant_puts(&b, "</MaterialDefinitionID><MaterialUse>Produced</MaterialUse>");
        mes_quantity_put(&b, plant_db_col(st, 3), plant_db_col(st, 4));
        plant_puts(&b, "</MaterialRequirement></SegmentRequirement></OperationsRequest>");
    }
    plant_puts(&b, "</OperationsSchedule>");
    show_end(c, &b, "OperationsSchedule");
}

static void bills_show(struct plant_call *c, const char *rest)
{
    struct plant_buf b;
    const char *row = NULL;
    (void)rest;
    show_begin(c, &b, "OperationsMaterialBill");
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT bill, plant, item, alternative, version, base, unit FROM bills WHERE"
                                           " plant = ?1 AND item = ?2 ORDER BY alternative LIMIT 1", 2,
                                    query(c, "plant", ""), query(c, "item", ""));
    while (plant_db_row(&st)) {
        row = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 0));
        plant_puts(&b, "<OperationsMaterialBill><ID>");
        plant_put_xml(&b, plant_db_col(st, 2));
        plant_putf(&b, "/%s</ID><Version>%s</Version>", plant_db_col(st, 3), plant_db_col(st, 4));
        mes_scope_put(&b, plant_db_col(st, 1));
        plant_puts(&b, "<UseType>Production</UseType><OperationsMaterialBillItem><ID>0</ID><UseType>Produced</UseType>"
                       "<MaterialSpecificationID>");
        plant_put_xml(&b, plant_db_col(st, 2));
        plant_puts(&b, "</MaterialSpecificationID>");
        mes_quantity_put(&b, plant_db_col(st, 5), plant_db_col(st, 6));
        plant_puts(&b, "</OperationsMaterialBillItem>");
    }
    if (!row) {
        mes_confirm(c, 404, "", "Unknown", "MES/005", "there is no bill of this material in this plant");
        return;
    }
    st = plant_db_ask(c->db, "SELECT id, component, CASE WHEN milli(quantity) < 0 THEN qty(-milli(quantity)) ELSE quantity"
                             " END, unit, use, valid_from FROM bill_items WHERE bill = ?1 + 0 ORDER BY id, valid_from", 1, row);
    while (plant_db_row(&st)) {
        plant_putf(&b, "<OperationsMaterialBillItem><ID>%s</ID><EffectiveStartDate>%sT00:00:00</EffectiveStartDate>"
                       "<UseType>%s</UseType><MaterialSpecificationID>", plant_db_col(st, 0), plant_db_col(st, 5),
                   plant_db_col(st, 4));
        plant_put_xml(&b, plant_db_col(st, 1));
        plant_puts(&b, "</MaterialSpecificationID>");
        mes_quantity_put(&b, plant_db_col(st, 2), plant_db_col(st, 3));
        plant_puts(&b, "</OperationsMaterialBillItem>");
    }
    plant_puts(&b, "</OperationsMaterialBill>");
    show_end(c, &b, "OperationsMaterialBill");
}

static const struct {
    const char *path;
    void (*show)(struct plant_call *c, const char *rest);
} shows[] = {{"/b2mml/confirmations/", confirmation_show},
             {"/b2mml/performances", performances_show},
             {"/b2mml/orders", orders_show},
             {"/b2mml/bills", bills_show}};

void mes_show_take(struct plant_call *c)
{
    for (size_t i = 0; i < sizeof shows / sizeof *shows; i++)
        if (strncmp(c->path, shows[i].path, strlen(shows[i].path)) == 0) {
            shows[i].show(c, c->path + strlen(shows[i].path));
            return;
        }
    mes_confirm(c, 404, "", "Unknown", "MES/006", "no such path");
}
