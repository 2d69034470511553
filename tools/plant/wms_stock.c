/*
 * wms_stock.c - the WMS's bins: what an event does to them, stock never negative, snapshots with a watermark
 *
 * A side without a bin is the WMS's own choice: goods come into the bin that has the item already, else into the
 * first of the location; they are taken from the fullest bin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/wms.h"

static const char *const units[][2] = {{"PC", "H87"}, {"KG", "KGM"}, {"M", "MTR"}, {"L", "LTR"}, {"G", "GRM"}};

const char *wms_unit_out(const char *unit)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i][0], unit) == 0)
            return units[i][1];
    return unit;
}

bool wms_refuse(struct plant_call *c, struct wms_refusal *why, const char *code, const char *fmt, ...)
{
    char text[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    why->code = code;
    why->text = plant_mem_printf(&c->mem, "%s", text);
    return false;
}

/* "urn:plant:loc:1000:0001:A-01" behind its prefix into up to three texts. */
static bool parts_read(struct plant_call *c, const char *uri, const char *prefix, const char *out[3])
{
    size_t n = strlen(prefix);
    out[0] = out[1] = out[2] = "";
    if (strncmp(uri, prefix, n) != 0)
        return false;
    for (int k = 0; k < 3 && uri[n]; k++) {
        size_t len = strcspn(uri + n, ":");
        out[k] = plant_url_decode(&c->mem, (struct plant_text){uri + n, len}, false);
        n += len + (uri[n + len] == ':');
    }
    return *out[0] != '\0';
}

static bool place_read(struct plant_call *c, const char *uri, struct wms_place *p)
{
    const char *part[3];
    if (!parts_read(c, uri, WMS_PLACE, part))
        return false;
    *p = (struct wms_place){part[0], part[1], part[2]};
    return strcmp(p->location, WMS_LOCATION) == 0; /* other places are somebody else's stock */
}

static const char *bin_choose(struct plant_call *c, const struct wms_move *m, bool out)
{
    const struct wms_place *p = out ? &m->from : &m->to;
    char *bin = plant_db_text(&c->mem, c->db, "SELECT bin FROM stock WHERE item = ?1 AND plant = ?2 AND lot = ?3"
                              " AND stock_type = ?4 ORDER BY milli(quantity) DESC, bin LIMIT 1", 4, m->item, p->plant,
                              m->lot, out ? m->type : m->type_to);
    if (!bin)
        bin = plant_db_text(&c->mem, c->db, "SELECT bin FROM bins WHERE plant = ?1 ORDER BY bin LIMIT 1", 1, p->plant);
    return bin ? bin : "";
}

static bool side_move(struct plant_call *c, const struct wms_move *m, bool out, int64_t milli, struct wms_refusal *why)
{
    const struct wms_place *p = out ? &m->from : &m->to;
    const char *bin = *p->bin ? p->bin : bin_choose(c, m, out), *type = out ? m->type : m->type_to;
    char qty[24];
    if (!plant_db_int(c->db, "SELECT count(*) FROM bins WHERE plant = ?1 AND bin = ?2", 2, p->plant, bin))
        return wms_refuse(c, why, "WMS-011", "Bin %s is not in warehouse %s", bin, p->plant);
    int64_t now = plant_db_int(c->db, "SELECT milli(quantity) FROM stock WHERE item = ?1 AND plant = ?2 AND bin = ?3"
                               " AND lot = ?4 AND stock_type = ?5", 5, m->item, p->plant, bin, m->lot, type);
    int64_t then = out ? now - milli : now + milli;
    if (then < 0) {
        plant_qty_write(now, qty);
        return wms_refuse(c, why, "WMS-021", "Bin %s holds %s of item %s lot '%s' as %s, not %s", bin, qty, m->item,
                          m->lot, type, m->quantity);
    }
    plant_qty_write(then, qty);
    if (then == 0)
        return plant_db_do(c->db, "DELETE FROM stock WHERE item = ?1 AND plant = ?2 AND bin = ?3 AND lot = ?4"
                           " AND stock_type = ?5", 5, m->item, p->plant, bin, m->lot, type);
    return plant_db_do(c->db, "INSERT INTO stock(item, plant, bin, lot, stock_type, quantity, unit) SELECT ?1, ?2, ?3,"
                       " ?4, ?5, ?6, unit FROM items WHERE item = ?1 ON CONFLICT DO UPDATE SET quantity = ?6", 6,
                       m->item, p->plant, bin, m->lot, type, qty);
}

static bool move_apply(struct plant_call *c, const struct wms_move *m, struct wms_refusal *why)
{
    int64_t milli;
    char *unit = plant_db_text(&c->mem, c->db, "SELECT unit FROM items WHERE item = ?1", 1, m->item);
    if (!unit)
        return wms_refuse(c, why, "WMS-010", "Item %s is not in the item master", m->item);
    if (!plant_qty_read(m->quantity, &milli) || milli <= 0)
        return wms_refuse(c, why, "WMS-003", "Quantity %s: it must be above 0, with three decimals at most", m->quantity);
    if (strcmp(m->uom, wms_unit_out(unit)) != 0)
        return wms_refuse(c, why, "WMS-012", "Item %s is kept in %s, not in %s", m->item, wms_unit_out(unit), m->uom);
    if (!*m->lot && plant_db_int(c->db, "SELECT lots = '1' FROM items WHERE item = ?1", 1, m->item))
        return wms_refuse(c, why, "WMS-018", "Item %s is kept in lots: none was given", m->item);
    if (plant_db_int(c->db, "SELECT until > unixepoch() FROM locks WHERE object = ?1", 1, m->item))
        return wms_refuse(c, why, "WMS-024", "Item %s is being counted: locked", m->item);
    return (!m->has_from || side_move(c, m, true, milli, why)) && (!m->has_to || side_move(c, m, false, milli, why));
}

static const char *type_or(const char *s, const char *otherwise)
{
    return *s ? s : otherwise;
}

bool wms_stock_apply(struct plant_call *c, struct plant_text ev, struct wms_refusal *why)
{
    struct wms_move m = {0};
    struct plant_text list, one;
    struct plant_items it;
    m.type = type_or(wms_at(c, ev, "/wms:stockType"), "unrestricted");
    m.type_to = type_or(wms_at(c, ev, "/wms:stockTypeTo"), m.type);
    m.has_from = place_read(c, wms_at(c, ev, "/sourceList/0/source"), &m.from);
    m.has_to = place_read(c, wms_at(c, ev, "/destinationList/0/destination"), &m.to);
    if ((!m.has_from && !m.has_to) || !plant_json_find(ev, "/quantityList", &list))
        return true; /* seen, nothing moved */
    plant_items_of(list, false, &it);
    while (plant_items_next(&it, &one)) {
        const char *part[3];
        if (!parts_read(c, wms_at(c, one, "/epcClass"), WMS_ITEM, part))
            return wms_refuse(c, why, "WMS-010", "%s is no item of ours", wms_at(c, one, "/epcClass"));
        m.item = part[0], m.lot = part[1];
        m.quantity = wms_at(c, one, "/quantity"), m.uom = wms_at(c, one, "/uom");
        if (!move_apply(c, &m, why))
            return false;
    }
    return true;
}

/* ---- what is there ------------------------------------------------------------------------------------ */
static void rows_put(struct plant_call *c, sqlite3_stmt *st, int64_t limit, char **next)
{
    plant_puts(&c->body, "\"entries\":[");
    for (int64_t n = 0; plant_db_row(&st); n++) {
        if (n == limit) {
            *next = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 7));
            sqlite3_finalize(st);
            break;
        }
        plant_puts(&c->body, n ? ",{" : "{");
        static const char *const names[] = {"item", "plant", "bin", "lot", "stockType", "uom"};
        for (int k = 0; k < 6; k++) {
            plant_putf(&c->body, "\"%s\":", names[k]);
            plant_put_json(&c->body, k == 5 ? wms_unit_out(plant_db_col(st, k)) : plant_db_col(st, k));
            plant_puts(&c->body, ",");
        }
        plant_putf(&c->body, "\"location\":\"" WMS_LOCATION "\",\"quantity\":%s}", plant_db_col(st, 6));
    }
    plant_puts(&c->body, "]");
}

/* A snapshot is taken once and read page by page: what is posted meanwhile is not in it. */
static const char *snapshot_make(struct plant_call *c, const char *plant)
{
    char *mark = plant_db_text(&c->mem, c->db, "SELECT coalesce(max(n), 0) FROM epcis", 0);
    const char *id = plant_number(c, "snapshot", 1, 1);
    plant_db_do(c->db, "INSERT INTO snapshots(id, watermark, t) VALUES(?1, ?2, ?3)", 3, id, mark, plant_now(c));
    plant_db_do(c->db, "INSERT INTO snapshot_rows SELECT ?1, row_number() OVER (ORDER BY plant, item, bin, lot,"
                " stock_type), item, plant, bin, lot, stock_type, unit, quantity FROM stock WHERE ?2 = '' OR plant = ?2",
                2, id, plant);
    plant_db_do(c->db, "DELETE FROM snapshot_rows WHERE CAST(id AS INTEGER) < CAST(?1 AS INTEGER) - 8", 1, id);
    plant_db_do(c->db, "DELETE FROM snapshots WHERE CAST(id AS INTEGER) < CAST(?1 AS INTEGER) - 8", 1, id);
    return id;
}

static void snapshot_show(struct plant_call *c)
{
    char *plant = plant_call_query(c, "plant"), *token = plant_call_query(c, "next"), *per = plant_call_query(c, "perPage");
    char *next = NULL, *colon = token ? strchr(token, ':') : NULL;
    int64_t limit = per ? atoll(per) : 200;
    const char *from = colon ? colon + 1 : "1";
    const char *id = colon ? plant_mem_copy(&c->mem, token, (size_t)(colon - token)) : snapshot_make(c, plant ? plant : "");
    char *mark = plant_db_text(&c->mem, c->db, "SELECT watermark FROM snapshots WHERE id = ?1", 1, id);
    if (!mark || limit < 1 || limit > 1000) {
        plant_call_answer(c, mark ? 400 : 410, "application/problem+json",
                          mark ? "{\"code\":\"WMS-002\",\"detail\":\"perPage is 1 to 1000\"}"
                               : "{\"code\":\"WMS-040\",\"detail\":\"That snapshot is gone: begin again\"}");
        return;
    }
    c->status = 200;
    c->type = "application/json";
    plant_putf(&c->body, "{\"watermark\":\"%s\",\"asOf\":\"%s\",", mark,
               plant_db_text(&c->mem, c->db, "SELECT t FROM snapshots WHERE id = ?1", 1, id));
    rows_put(c, plant_db_ask(c->db, "SELECT item, plant, bin, lot, stock_type, unit, quantity, n FROM snapshot_rows"
                             " WHERE id = ?1 AND n >= CAST(?2 AS INTEGER) ORDER BY n", 2, id, from), limit, &next);
    if (next)
        plant_putf(&c->body, ",\"next\":\"%s:%s\"", id, next);
    plant_puts(&c->body, "}");
}

void wms_stock_show(struct plant_call *c)
{
    char *plant = plant_call_query(c, "plant"), *bin = plant_call_query(c, "bin"), *item = plant_call_query(c, "item");
    char *next = NULL;
    if (strcmp(c->path, "/stock/snapshot") == 0) {
        snapshot_show(c);
        return;
    }
    if (bin && !plant_db_int(c->db, "SELECT count(*) FROM bins WHERE bin = ?1 AND (?2 = '' OR plant = ?2)", 2, bin,
                             plant ? plant : "")) {
        plant_call_answer(c, 404, "application/problem+json", "{\"code\":\"WMS-011\",\"detail\":\"No such bin\"}");
        return;
    }
    c->status = 200;
    c->type = "application/json";
    plant_putf(&c->body, "{\"watermark\":\"%lld\",\"asOf\":\"%s\",",
               (long long)plant_db_int(c->db, "SELECT max(n) FROM epcis", 0), plant_now(c));
    rows_put(c, plant_db_ask(c->db, "SELECT item, plant, bin, lot, stock_type, unit, quantity, 0 FROM stock WHERE"
                             " (?1 = '' OR plant = ?1) AND (?2 = '' OR bin = ?2) AND (?3 = '' OR item = ?3)"
                             " ORDER BY plant, item, bin, lot, stock_type LIMIT 5000", 3, plant ? plant : "",
                             bin ? bin : "", item ? item : ""), INT64_MAX, &next);
    plant_puts(&c->body, "}");
}
