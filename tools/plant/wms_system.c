/* wms_system.c - the plant's WMS: its tables and seed, its doors, its audit views (see wms.h) */
#include <string.h>

#include "tools/plant/systems.h"
#include "tools/plant/wms.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS items(item TEXT PRIMARY KEY, unit TEXT, lots TEXT);"
    "CREATE TABLE IF NOT EXISTS bins(plant TEXT, bin TEXT, PRIMARY KEY(plant, bin));"
    "CREATE TABLE IF NOT EXISTS stock(item TEXT, plant TEXT, bin TEXT, lot TEXT, stock_type TEXT, quantity TEXT, unit TEXT,"
    " PRIMARY KEY(item, plant, bin, lot, stock_type));"
    "CREATE INDEX IF NOT EXISTS stock_bin ON stock(plant, bin);"
    "CREATE TABLE IF NOT EXISTS epcis(n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, t TEXT, correlation TEXT, json TEXT);"
    "CREATE INDEX IF NOT EXISTS event_id ON epcis(id);"
    "CREATE INDEX IF NOT EXISTS event_time ON epcis(t);"
    "CREATE TABLE IF NOT EXISTS captures(id TEXT PRIMARY KEY, t TEXT, ready INTEGER, code TEXT, text TEXT);"
    "CREATE TABLE IF NOT EXISTS snapshots(id TEXT PRIMARY KEY, watermark TEXT, t TEXT);"
    "CREATE TABLE IF NOT EXISTS snapshot_rows(id TEXT, n INTEGER, item TEXT, plant TEXT, bin TEXT, lot TEXT,"
    " stock_type TEXT, unit TEXT, quantity TEXT, PRIMARY KEY(id, n));"
    "CREATE TABLE IF NOT EXISTS receipts(po TEXT, line TEXT, item TEXT, plant TEXT, lot TEXT, quantity TEXT, unit TEXT,"
    " PRIMARY KEY(po, line));"
    "CREATE TABLE IF NOT EXISTS picks(wo TEXT, line TEXT, item TEXT, plant TEXT, quantity TEXT, PRIMARY KEY(wo, line));"
    "DROP VIEW IF EXISTS audit; DROP VIEW IF EXISTS audit_scope;"
    "CREATE VIEW audit(kind, plant, key, value) AS SELECT 'stock', plant, item || '/0001/' || lot || '/' ||"
    " CASE stock_type WHEN 'unrestricted' THEN '01' WHEN 'quality' THEN '02' WHEN 'blocked' THEN '07' ELSE stock_type END"
    " || '/' || unit, qty(sum(milli(quantity))) FROM stock GROUP BY item, plant, lot, stock_type, unit;"
    "CREATE VIEW audit_scope(kind, plant, like) AS VALUES('stock', '*', '%/0001/%');";

/* What lies in its bins, what is expected from suppliers, what orders need: as the factory has it. */
static const char seed[] =
    "INSERT INTO items SELECT item, unit, lots FROM factory.item;"
    "INSERT INTO bins SELECT DISTINCT plant, bin FROM factory.bin WHERE location = '0001';"
    "INSERT INTO stock SELECT item, plant, bin, lot, CASE stock_type WHEN '01' THEN 'unrestricted' WHEN '02' THEN 'quality'"
    " WHEN '07' THEN 'blocked' ELSE stock_type END, quantity, unit FROM factory.stock WHERE location = '0001';"
    "INSERT INTO receipts SELECT po, line, l.item, p.plant, coalesce((SELECT min(lot) FROM factory.lot t WHERE t.item = l.item"
    " AND t.plant = p.plant), ''), quantity, l.unit FROM factory.po_line l JOIN factory.purchase_order p USING(po)"
    " JOIN factory.item_plant x ON x.item = l.item AND x.plant = p.plant"
    " JOIN factory.item i ON i.item = l.item WHERE i.lots = '' OR EXISTS(SELECT 1 FROM factory.lot t"
    "  WHERE t.item = l.item AND t.plant = p.plant);"
    "INSERT INTO picks SELECT wo, line, c.item, plant, c.quantity FROM factory.wo_component c JOIN factory.work_order USING(wo)"
    " WHERE status LIKE 'REL%' AND status NOT LIKE '%DLV' AND milli(c.quantity) > 0;";

static void refuse(struct plant_call *c, const char *what)
{
    bool lock = strcmp(what, "lock") == 0;
    if (!lock && strcmp(what, "auth") == 0)
        plant_puts(&c->head, "WWW-Authenticate: Bearer realm=\"wms\"\r\n");
    plant_call_answer(c, lock ? 423 : strcmp(what, "etag") == 0 ? 412 : 401, "application/problem+json",
                      lock ? "{\"type\":\"epcisException:ImplementationException\",\"code\":\"WMS-024\",\"detail\":"
                             "\"Locked: a count is going on\"}"
                           : "{\"type\":\"epcisException:SecurityException\",\"code\":\"WMS-401\",\"detail\":"
                             "\"The credentials are wrong or have run out\"}");
}

static const struct plant_route routes[] = {{"POST", "/oauth2/token", plant_token_take, true},
                                            {"*", "/epcis/v2/", wms_epcis_take, false},
                                            {"GET", "/stock/", wms_stock_show, false},
                                            {0}};

const struct plant_kind plant_wms_kind = {.name = "wms", .schema = schema, .seed = seed, .routes = routes,
                                          .refuse = refuse, .actions = wms_actions};
