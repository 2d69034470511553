/*
 * mes_floor.c - the plant's shop floor: orders are worked on, and what was made, used and lost is told
 *
 * Action produce {"plant", "count"}: each of the next staged or running orders makes a half of its quantity
 * (at least one), uses components in proportion and loses a piece in every tenth order. Each report is a
 * performance: for the feed, and as an event (type b2mml.performance) to whoever subscribed.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/plant/mes.h"

struct work { /* thousandths */
    const char *id, *plant, *item, *unit, *correlation;
    int64_t quantity, done, make, scrap;
    bool last;
};

static void actual_put(struct plant_buf *b, const char *item, const char *lot, const char *use, const char *location,
                       int64_t milli, const char *unit)
{
    char qty[24];
    plant_qty_write(milli, qty);
    plant_puts(b, "<MaterialActual><ID>1</ID><MaterialDefinitionID>");
    plant_put_xml(b, item);
    plant_puts(b, "</MaterialDefinitionID>");
    if (lot && *lot) {
        plant_puts(b, "<MaterialLotID>");
        plant_put_xml(b, lot);
        plant_puts(b, "</MaterialLotID>");
    }
    plant_putf(b, "%s<StorageLocation><Location>%s</Location><LocationType>Operational Location</LocationType>"
                  "</StorageLocation>", use, *location ? location : "0002");
    mes_quantity_put(b, qty, unit);
    plant_puts(b, "</MaterialActual>");
}

static void components_put(struct plant_call *c, struct plant_buf *b, const struct work *w)
{
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT o.item, quantity, unit, location, lot FROM order_components o LEFT JOIN"
                                           " lots l ON l.item = o.item AND l.plant = ?2 WHERE order_id = ?1 ORDER BY line", 2,
                                    w->id, w->plant);
    while (plant_db_row(&st)) {
        int64_t need = 0;
        (void)plant_qty_read(plant_db_col(st, 1), &need);
        need = need * (w->make / 1000) / (w->quantity / 1000 ? w->quantity / 1000 : 1);
        if (need > 0)
            actual_put(b, plant_db_col(st, 0), plant_db_col(st, 4), "<MaterialUse>Consumed</MaterialUse>",
                       plant_db_col(st, 3), need, plant_db_col(st, 2));
    }
}

static void report(struct plant_call *c, struct work *w)
{
    const char *now = plant_now(c), *n = plant_number(c, "performance", 1, 10);
    const char *lot = plant_mem_printf(&c->mem, "L%s", n + 2);
    struct plant_buf b;
    char done[24];
    plant_buf_init(&b, &c->mem);
    plant_putf(&b, "<OperationsPerformance><ID>%s</ID><PublishedDate>%s</PublishedDate>", n, now);
    mes_scope_put(&b, w->plant);
    if (*w->correlation) {
        plant_puts(&b, "<OperationsScheduleID>");
        plant_put_xml(&b, w->correlation);
        plant_puts(&b, "</OperationsScheduleID>");
    }
    plant_putf(&b, "<OperationsResponse><ID>R%s</ID><OperationsRequestID>%s</OperationsRequestID><ResponseState>%s"
                   "</ResponseState><SegmentResponse><ID>0010</ID><ActualStartTime>%s</ActualStartTime><ActualEndTime>%s"
                   "</ActualEndTime>", n, w->id, w->last ? "Completed" : "Running", now, now);
    components_put(c, &b, w);
    actual_put(&b, w->item, lot, "<MaterialUse>Produced</MaterialUse>", "0003", w->make - w->scrap, w->unit);
    if (w->scrap)
        actual_put(&b, w->item, NULL, "<MaterialUse OtherValue=\"Scrap\">Other</MaterialUse>", "", w->scrap, w->unit);
    plant_puts(&b, "</SegmentResponse></OperationsResponse></OperationsPerformance>");
    plant_db_do(c->db, "INSERT INTO performances VALUES(?1 + 0, ?2, ?3, ?4)", 4, n, now, w->id, b.p);
    plant_qty_write(w->done + w->make, done);
    plant_db_do(c->db, "UPDATE orders SET state = ?2, done = ?3, scrap = qty(milli(scrap) + ?4) WHERE id = ?1", 4, w->id,
                w->last ? "completed" : "running", done, plant_mem_printf(&c->mem, "%lld", (long long)w->scrap));
    plant_effect(c, "performance", w->id, n);
    plant_event(c, "b2mml.performance", "application/xml",
                plant_mem_printf(&c->mem, "<ShowOperationsPerformance xmlns=\"" MES_NS "\" releaseID=\"7.0\"><ApplicationArea>"
                                          "<CreationDateTime>%s</CreationDateTime></ApplicationArea><DataArea><Show/>%s"
                                          "</DataArea></ShowOperationsPerformance>", now, b.p));
}

static bool work_read(struct plant_call *c, const char *plant, const char *order, struct work *w)
{
    bool found = false;
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT id, plant, item, unit, quantity, done, correlation FROM orders WHERE state"
                                           " IN ('staged', 'running') AND plant LIKE ?1 AND id LIKE ?2"
                                           " ORDER BY state DESC, start, id LIMIT 1", 2, plant, order);
    while (plant_db_row(&st)) {
        found = true;
        w->id = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 0));
        w->plant = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 1));
        w->item = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 2));
        w->unit = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 3));
        w->correlation = *c->correlation ? c->correlation : plant_mem_printf(&c->mem, "%s", plant_db_col(st, 6));
        (void)plant_qty_read(plant_db_col(st, 4), &w->quantity);
        (void)plant_qty_read(plant_db_col(st, 5), &w->done);
    }
    w->make = w->quantity / 2000 * 1000;
    if (w->make <= 0 || w->done + w->make + 999 >= w->quantity)
        w->make = w->quantity - w->done;
    w->last = w->done + w->make >= w->quantity;
    w->scrap = found && w->make > 1000 && atoll(w->id) % 10 == 0 ? 1000 : 0;
    return found;
}

static void produce(struct plant_call *c)
{
    const char *plant = plant_call_json(c, "/plant"), *count = plant_call_json(c, "/count");
    const char *order = plant_call_json(c, "/order");
    int max = count ? atoi(count) : 1, n = 0;
    struct plant_buf b;
    struct work w = {0};
    plant_buf_init(&b, &c->mem);
    plant_puts(&b, "{\"orders\":[");
    for (; n < max && n < 1000 && work_read(c, plant ? plant : "%", order ? order : "%", &w); n++) {
        report(c, &w);
        plant_putf(&b, "%s\"%s\"", n ? "," : "", w.id);
    }
    plant_puts(&b, "]}");
    plant_call_answer(c, 200, "application/json", b.p);
}

const struct plant_action mes_actions[] = {{"produce", produce, 3}, {0}};
