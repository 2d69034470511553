/*
 * portal_act.c - what the suppliers do: ship, answer orders, report quality events (see portal.h)
 *
 * ship and commit {"partner","po","plant","format"} take the next order line that is left; format json or x12, else in
 * turn. commit's "answer" is IA, IQ, DR or IR, else in turn. quality {"partner","item","id"}: a new event with its D0 to
 * D3, or with the id of one the rest of its 8D, which closes it. What is chosen hangs on numbers that count up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/portal.h"

const char *portal_unit(const char *unit, bool x12)
{
    static const struct {
        const char *own, *model, *x12;
    } units[] = {{"PC", "H87", "PC"}, {"KG", "KGM", "KG"}, {"M", "MTR", "MR"}, {"L", "LTR", "LT"}};
    for (size_t k = 0; k < sizeof units / sizeof *units; k++)
        if (strcmp(unit, units[k].own) == 0)
            return x12 ? units[k].x12 : units[k].model;
    return x12 ? "EA" : "C62";
}

void portal_say(struct plant_call *c, const char *partner, const char *kind, const char *type, const char *media,
                const char *body)
{
    plant_db_do(c->db, "INSERT INTO messages(t, partner, kind, media, body, correlation) VALUES(?1, ?2, ?3, ?4, ?5, ?6)", 6,
                plant_now(c), partner, kind, media, body, c->correlation);
    if (strcmp(media, "application/json") == 0)
        plant_event(c, type, media, body);
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

static bool x12_now(struct plant_call *c, const char *range)
{
    const char *format = asked(c, "/format", "");
    bool odd = atol(plant_number(c, range, 1, 1)) % 2 == 1;
    return *format ? strcmp(format, "x12") == 0 : !odd;
}

/* The next order line of which column says nothing yet: po, line, supplier, plant, item, quantity, unit, due,
 * supplier's item. */
static sqlite3_stmt *line_next(struct plant_call *c, const char *column)
{
    const char *sql = plant_mem_printf(&c->mem, "SELECT po, line, o.supplier, plant, o.item, quantity, o.unit, due,"
                                       " coalesce(supplier_item, 'V-' || o.item), coalesce(lots, '') FROM order_lines o LEFT JOIN approved a"
                                       " ON a.item = o.item AND a.supplier = o.supplier LEFT JOIN items i ON i.item = o.item"
                                       " WHERE %s = '' AND (?1 = '' OR o.supplier = ?1) AND (?2 = '' OR po = ?2)"
                                       " AND (?3 = '' OR plant = ?3) ORDER BY po, line LIMIT 1", column);
    sqlite3_stmt *st = plant_db_ask(c->db, sql, 3, asked(c, "/partner", ""), asked(c, "/po", ""), asked(c, "/plant", ""));
    if (plant_db_row(&st))
        return st;
    plant_call_answer(c, 409, "application/json", "{\"text\":\"no order line is left\"}");
    return NULL;
}

static void done(struct plant_call *c, const char *kind, const char *id, const char *partner, bool x12)
{
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    plant_putf(&b, "{\"%s\":\"%s\",\"partner\":\"%s\",\"format\":\"%s\"}", kind, id, partner, x12 ? "x12" : "json");
    plant_call_answer(c, 200, "application/json", b.p);
}

static void ship_json(struct plant_call *c, const struct portal_shipment *s, struct plant_buf *b)
{
    const char *unit = portal_unit(s->unit, false);
    plant_putf(b, "{\"id\":\"%s\",\"purpose\":\"original\",\"structure\":[\"shipment\",\"order\",\"tare\",\"item\"],"
                  "\"status\":\"shipped\",\"issuedAt\":\"%s\",\"shipped\":\"%s\",\"seller\":{\"id\":\"%s\"},\"shipTo\":{\"id\":"
                  "\"%s\"},\"plant\":\"%s\",", s->id, plant_now(c), plant_today(c), s->partner, s->plant, s->plant);
    plant_putf(b, "\"transport\":{\"mode\":\"road\",\"scac\":\"LANG\",\"billOfLading\":\"BOL-%s\"},\"packageCount\":1,"
                  "\"packages\":[{\"id\":\"%s\",\"level\":\"tare\"}],", s->id, s->sscc);
    plant_putf(b, "\"lines\":[{\"line\":\"%s\",\"item\":{\"id\":\"%s\",\"identifiers\":[{\"scheme\":\"vendor\",\"id\":\"%s\"}]},"
                  "\"quantity\":{\"value\":%s,\"unit\":\"%s\"},\"ordered\":{\"value\":%s,\"unit\":\"%s\"},", s->line, s->item,
               s->supplier_item, s->quantity, unit, s->ordered, unit);
    plant_putf(b, "\"order\":{\"kind\":\"purchase-order\",\"id\":\"%s\",\"line\":\"%s\"},", s->po, s->line);
    if (*s->lot)
        plant_putf(b, "\"lots\":[{\"lot\":{\"id\":\"%s\"}}],", s->lot);
    plant_putf(b, "\"packages\":[{\"package\":\"%s\"}]}]}", s->sscc);
}

static void ship(struct plant_call *c)
{
    sqlite3_stmt *st = line_next(c, "shipped");
    struct plant_buf b;
    if (!st)
        return;
    const char *n = plant_number(c, "asn", 1, 6);
    struct portal_shipment s = {copy(c, st, 2), plant_mem_printf(&c->mem, "ASN-%s", n), copy(c, st, 0), copy(c, st, 1),
                                copy(c, st, 3), copy(c, st, 4), copy(c, st, 8), copy(c, st, 5), copy(c, st, 5), copy(c, st, 6),
                                *plant_db_col(st, 9) ? plant_mem_printf(&c->mem, "SL%s", n) : "",
                                plant_mem_printf(&c->mem, "34012345%s8", plant_mem_printf(&c->mem, "%09ld", atol(n)))};
    bool x12 = x12_now(c, "ship");
    sqlite3_finalize(st);
    plant_buf_init(&b, &c->mem);
    if (x12)
        portal_x12_856(c, &s, &b);
    else
        ship_json(c, &s, &b);
    plant_db_do(c->db, "UPDATE order_lines SET shipped = ?3 WHERE po = ?1 AND line = ?2", 3, s.po, s.line, s.id);
    portal_say(c, s.partner, "ship-notice", "mfg.shipment.announced", x12 ? PORTAL_X12 : "application/json", b.p);
    done(c, "shipment", s.id, s.partner, x12);
}

static void commit_json(struct plant_call *c, const struct portal_answer *a, struct plant_buf *b)
{
    static const char *const names[][2] = {{"IA", "accepted"}, {"IQ", "quantity-changed"}, {"DR", "date-changed"},
                                           {"IR", "rejected"}};
    const char *unit = portal_unit(a->unit, false), *name = names[0][1];
    for (size_t k = 0; k < 4; k++)
        if (strcmp(a->code, names[k][0]) == 0)
            name = names[k][1];
    plant_putf(b, "{\"id\":\"%s\",\"purpose\":\"original\",\"kind\":\"order\",\"answers\":{\"kind\":\"purchase-order\",\"id\":"
                  "\"%s\"},\"outcome\":\"%s\",\"at\":\"%s\",\"seller\":{\"id\":\"%s\"},\"lines\":[{\"line\":\"%s\",", a->id, a->po,
               strcmp(a->code, "IA") == 0 ? "accepted" : "accepted-with-changes", plant_now(c), a->partner, a->line);
    plant_putf(b, "\"outcomes\":[\"%s\"],\"sourceOutcome\":\"%s\",\"item\":{\"id\":\"%s\"},\"asked\":{\"value\":%s,\"unit\":\"%s\"},"
                  "\"quantity\":{\"value\":%s,\"unit\":\"%s\"}}]}", name, a->code, a->item, a->asked, unit, a->quantity, unit);
}

static void commit(struct plant_call *c)
{
    static const char *const codes[] = {"IA", "IQ", "DR", "IR"};
    sqlite3_stmt *st = line_next(c, "answered");
    struct plant_buf b;
    if (!st)
        return;
    const char *n = plant_number(c, "commitment", 1, 6);
    struct portal_answer a = {copy(c, st, 2), plant_mem_printf(&c->mem, "OA-%s", n), copy(c, st, 0), copy(c, st, 1),
                              copy(c, st, 4), copy(c, st, 8), copy(c, st, 5), copy(c, st, 5), copy(c, st, 6), copy(c, st, 7),
                              asked(c, "/answer", codes[atol(n) % 4])};
    bool x12 = x12_now(c, "commit");
    int64_t milli = 0;
    char half[24];
    sqlite3_finalize(st);
    if (plant_qty_read(a.asked, &milli) && strcmp(a.code, "IQ") == 0) {
        plant_qty_write(milli > 2000 ? milli / 2000 * 1000 : milli, half);
        a.quantity = half;
    } else if (strcmp(a.code, "IR") == 0) {
        a.quantity = "0";
    }
    plant_buf_init(&b, &c->mem);
    if (x12)
        portal_x12_855(c, &a, &b);
    else
        commit_json(c, &a, &b);
    plant_db_do(c->db, "UPDATE order_lines SET answered = ?3 WHERE po = ?1 AND line = ?2", 3, a.po, a.line, a.id);
    portal_say(c, a.partner, "commitment", "mfg.commitment.given", x12 ? PORTAL_X12 : "application/json", b.p);
    done(c, "commitment", a.id, a.partner, x12);
}

static void quality_put(struct plant_call *c, struct plant_buf *b, sqlite3_stmt *st, bool closed)
{
    const char *id = copy(c, st, 0), *now = plant_now(c);
    plant_putf(b, "{\"id\":\"%s\",\"kind\":\"supplier-complaint\",\"title\":\"Porous castings\",\"status\":\"%s\",\"severity\":\"major\","
                  "\"where\":\"supplier\",\"plant\":\"%s\",\"at\":\"%s\",\"item\":{\"id\":\"%s\"},\"supplier\":{\"id\":\"%s\"},", id,
               closed ? "closed" : "new", plant_db_col(st, 3), now, plant_db_col(st, 2), plant_db_col(st, 1));
    plant_puts(b, "\"eightD\":{\"d0\":{\"text\":\"Lot stopped\"},\"d1\":{\"leader\":{\"id\":\"qm-2\"}},\"d2\":{\"text\":\"Leaks at the"
                  " flange\"},\"d3\":{\"actions\":[{\"id\":\"A1\",\"text\":\"Sort all stock\",\"state\":\"done\"}]}");
    if (closed)
        plant_puts(b, ",\"d4\":{\"causes\":[{\"kind\":\"occurrence\",\"text\":\"degassing skipped\",\"verified\":true}]},\"d5\":{"
                      "\"actions\":[{\"id\":\"A2\",\"text\":\"Interlock on degassing\",\"state\":\"verified\"}]},\"d6\":{\"text\":"
                      "\"in force\"},\"d7\":{\"text\":\"FMEA updated\"},\"d8\":{\"note\":\"thanks to the foundry\"}");
    plant_puts(b, "}}");
}

static void quality(struct plant_call *c)
{
    const char *id = asked(c, "/id", NULL);
    bool closed = id != NULL;
    struct plant_buf b;
    if (!id) {
        id = plant_mem_printf(&c->mem, "NC-%s", plant_number(c, "quality", 1, 6));
        plant_db_do(c->db, "INSERT INTO quality SELECT ?1, supplier, item, plant, 'new' FROM order_lines WHERE (?2 = '' OR"
                           " supplier = ?2) AND (?3 = '' OR item = ?3) ORDER BY po, line LIMIT 1", 3, id,
                    asked(c, "/partner", ""), asked(c, "/item", ""));
    } else {
        plant_db_do(c->db, "UPDATE quality SET status = 'closed' WHERE id = ?1", 1, id);
    }
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT id, supplier, item, plant FROM quality WHERE id = ?1", 1, id);
    if (!plant_db_row(&st)) {
        plant_call_answer(c, 409, "application/json", "{\"text\":\"there is no such thing to complain of\"}");
        return;
    }
    plant_buf_init(&b, &c->mem);
    quality_put(c, &b, st, closed);
    const char *partner = copy(c, st, 1);
    sqlite3_finalize(st);
    portal_say(c, partner, "quality", closed ? "mfg.quality.closed" : "mfg.quality.reported", "application/json", b.p);
    done(c, "quality", id, partner, false);
}

/* {"partner","kind","contentType","text"}: puts anything into the feed, so that bad documents can be shown. */
static void say(struct plant_call *c)
{
    portal_say(c, asked(c, "/partner", "17300001"), asked(c, "/kind", "ship-notice"), "", asked(c, "/contentType", PORTAL_X12),
               asked(c, "/text", ""));
    plant_call_answer(c, 200, "application/json", "{}");
}

const struct plant_action portal_actions[] = {{"ship", ship, 3}, {"commit", commit, 2}, {"quality", quality, 1},
                                              {"say", say, 0}, {0}};
