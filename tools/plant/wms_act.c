/*
 * wms_act.c - what the WMS's own people do: receive, pick, move, count (see wms.h)
 *
 * Each takes {"plant","item","quantity"}, any of them left out, chooses the rest from what is expected or there, and
 * becomes an EPCIS event. What is chosen hangs on a number that counts up, so a run can be repeated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/wms.h"

struct act { /* one event being made */
    const char *kind, *step, *plant, *item, *lot, *quantity, *uom, *type, *document_type, *document;
    const char *from, *to; /* bins; "" none */
    bool loss;
};

static void place_put(struct plant_buf *b, const char *plant, const char *bin)
{
    plant_puts(b, "\"" WMS_PLACE);
    plant_put_url(b, plant);
    plant_puts(b, ":" WMS_LOCATION ":");
    plant_put_url(b, bin);
    plant_puts(b, "\"");
}

static const char *event_make(struct plant_call *c, const struct act *a, const char *id)
{
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    plant_putf(&b, "{\"eventID\":\"%s\",\"type\":\"ObjectEvent\",\"action\":\"OBSERVE\",\"bizStep\":\"%s\",\"eventTime\":\"%s\","
                   "\"eventTimeZoneOffset\":\"+00:00\",\"wms:kind\":\"%s\",\"wms:stockType\":\"%s\",", id, a->step,
               plant_now(c), a->kind, a->type);
    if (strcmp(a->kind, "count-adjustment") == 0)
        plant_putf(&b, "\"wms:difference\":%s%s,", a->loss ? "-" : "", a->quantity);
    if (*a->document)
        plant_putf(&b, "\"bizTransactionList\":[{\"type\":\"%s\",\"bizTransaction\":\"" WMS_DOCUMENT "%s\"}],",
                   a->document_type, a->document);
    plant_puts(&b, "\"bizLocation\":{\"id\":");
    place_put(&b, a->plant, *a->to ? a->to : a->from);
    plant_puts(&b, "},");
    if (*a->from) {
        plant_puts(&b, "\"sourceList\":[{\"type\":\"location\",\"source\":");
        place_put(&b, a->plant, a->from);
        plant_puts(&b, "}],");
    }
    if (*a->to) {
        plant_puts(&b, "\"destinationList\":[{\"type\":\"location\",\"destination\":");
        place_put(&b, a->plant, a->to);
        plant_puts(&b, "}],");
    }
    plant_puts(&b, "\"quantityList\":[{\"epcClass\":\"" WMS_ITEM);
    plant_put_url(&b, a->item);
    if (*a->lot) {
        plant_puts(&b, ":");
        plant_put_url(&b, a->lot);
    }
    plant_putf(&b, "\",\"quantity\":%s,\"uom\":\"%s\"}]}", a->quantity, a->uom);
    return b.p;
}

static void act_end(struct plant_call *c, const struct act *a)
{
    struct wms_refusal why = {0};
    const char *id = plant_mem_printf(&c->mem, "urn:plant:event:%s", plant_number(c, "event", 1, 1));
    const char *event = event_make(c, a, id);
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    if (wms_event_take(c, (struct plant_text){event, strlen(event)}, &why)) {
        plant_event(c, "wms.event", "application/json", event);
        plant_putf(&b, "{\"event\":\"%s\",\"kind\":\"%s\",\"plant\":\"%s\",\"item\":\"%s\",\"quantity\":%s}", id, a->kind,
                   a->plant, a->item, a->quantity);
        plant_call_answer(c, 200, "application/json", b.p);
    } else {
        plant_putf(&b, "{\"code\":\"%s\",\"text\":", why.code);
        plant_put_json(&b, why.text);
        plant_puts(&b, "}");
        plant_call_answer(c, 422, "application/json", b.p);
    }
}

static const char *asked(struct plant_call *c, const char *pointer, const char *otherwise)
{
    char *s = plant_call_json(c, pointer);
    return s ? s : otherwise;
}

static char *copy(struct plant_call *c, sqlite3_stmt *st, int i)
{
    return plant_mem_printf(&c->mem, "%s", plant_db_col(st, i));
}

/* One row of sql, chosen by a number that counts up; its columns are document, plant, item, lot, quantity, unit, bin.
 * Its ?1 and ?2 are the plant and item that were asked for. */
static bool choose(struct plant_call *c, struct act *a, const char *range, const char *sql)
{
    const char *plant = asked(c, "/plant", ""), *item = asked(c, "/item", "");
    const char *rows = plant_mem_printf(&c->mem, "SELECT count(*) FROM (%s) WHERE ?1 IS NOT NULL AND ?2 IS NOT NULL", sql);
    int64_t n = plant_db_int(c->db, rows, 2, plant, item);
    if (n == 0) {
        plant_call_answer(c, 409, "application/json", "{\"text\":\"nothing to do\"}");
        return false;
    }
    int64_t at = atoll(plant_number(c, range, 1, 1)) * 7919 % n;
    sqlite3_stmt *st = plant_db_ask(c->db, plant_mem_printf(&c->mem, "%s LIMIT 1 OFFSET CAST(?3 AS INTEGER)", sql), 3, plant,
                                    item, plant_mem_printf(&c->mem, "%lld", (long long)at));
    if (!plant_db_row(&st))
        return false;
    a->document = copy(c, st, 0);
    a->plant = copy(c, st, 1);
    a->item = copy(c, st, 2);
    a->lot = copy(c, st, 3);
    a->quantity = asked(c, "/quantity", copy(c, st, 4));
    a->uom = wms_unit_out(copy(c, st, 5));
    a->from = copy(c, st, 6);
    a->to = "";
    a->type = "unrestricted";
    sqlite3_finalize(st);
    return true;
}

static void receive(struct plant_call *c)
{
    struct act a = {.kind = "purchase-receipt", .step = "receiving", .document_type = "po"};
    if (!choose(c, &a, "receive", "SELECT po || ':' || line, plant, item, lot, quantity, unit, '' FROM receipts"
                " WHERE (?1 = '' OR plant = ?1) AND (?2 = '' OR item = ?2) ORDER BY po, line"))
        return;
    a.to = asked(c, "/bin", plant_db_text(&c->mem, c->db, "SELECT bin FROM bins WHERE plant = ?1 ORDER BY bin LIMIT 1", 1,
                                          a.plant));
    plant_db_do(c->db, "DELETE FROM receipts WHERE po || ':' || line = ?1", 1, a.document);
    act_end(c, &a);
}

static void pick(struct plant_call *c)
{
    struct act a = {.kind = "issue-to-order", .step = "picking", .document_type = "prodorder"};
    if (!choose(c, &a, "pick", "SELECT p.wo || ':' || p.line, s.plant, s.item, s.lot, min(p.quantity), s.unit, s.bin"
                " FROM picks p JOIN stock s USING(item, plant) WHERE s.stock_type = 'unrestricted'"
                " AND milli(s.quantity) >= milli(p.quantity) AND (?1 = '' OR s.plant = ?1) AND (?2 = '' OR s.item = ?2)"
                " GROUP BY p.wo, p.line ORDER BY p.wo, p.line"))
        return;
    plant_db_do(c->db, "DELETE FROM picks WHERE wo || ':' || line = ?1", 1, a.document);
    act_end(c, &a);
}

static void move(struct plant_call *c)
{
    struct act a = {.kind = "transfer-bin", .step = "storing", .document_type = ""};
    if (!choose(c, &a, "move", "SELECT '', plant, item, lot, '1', unit, bin FROM stock WHERE stock_type = 'unrestricted'"
                " AND milli(quantity) >= 1000 AND (?1 = '' OR plant = ?1) AND (?2 = '' OR item = ?2)"
                " ORDER BY plant, item, bin, lot"))
        return;
    a.to = asked(c, "/bin", plant_db_text(&c->mem, c->db, "SELECT bin FROM bins WHERE plant = ?1 AND bin != ?2 ORDER BY bin"
                                          " LIMIT 1", 2, a.plant, a.from));
    act_end(c, &a);
}

/* A bin is counted and one less, or more, is found. */
static void count(struct plant_call *c)
{
    struct act a = {.kind = "count-adjustment", .step = "cycle_counting", .document_type = ""};
    if (!choose(c, &a, "count", "SELECT '', plant, item, lot, '1', unit, bin FROM stock WHERE stock_type = 'unrestricted'"
                " AND milli(quantity) >= 1000 AND (?1 = '' OR plant = ?1) AND (?2 = '' OR item = ?2)"
                " ORDER BY plant, item, bin, lot"))
        return;
    a.loss = strcmp(asked(c, "/found", "less"), "more") != 0;
    if (!a.loss) {
        a.to = a.from;
        a.from = "";
    }
    act_end(c, &a);
}

const struct plant_action wms_actions[] = {{"receive", receive, 3}, {"pick", pick, 5}, {"move", move, 2},
                                           {"count", count, 1}, {"take-files", wms_drop_take, 0},
                                           {"give-files", wms_drop_give, 0}, {0}};
