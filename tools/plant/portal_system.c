/* portal_system.c - the plant's supplier portal: its tables and seed, its doors, its audit views (see portal.h) */
#include <stdio.h>
#include <string.h>

#include "tools/plant/portal.h"
#include "tools/plant/systems.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS suppliers(supplier TEXT PRIMARY KEY, name TEXT, country TEXT);"
    "CREATE TABLE IF NOT EXISTS approved(item TEXT, supplier TEXT, supplier_item TEXT, PRIMARY KEY(item, supplier));"
    "CREATE TABLE IF NOT EXISTS items(item TEXT PRIMARY KEY, unit TEXT, revision TEXT, lots TEXT);"
    "CREATE TABLE IF NOT EXISTS order_lines(po TEXT, line TEXT, supplier TEXT, plant TEXT, item TEXT, quantity TEXT,"
    " unit TEXT, due TEXT, shipped TEXT, answered TEXT, PRIMARY KEY(po, line));"
    "CREATE TABLE IF NOT EXISTS forecasts(supplier TEXT, id TEXT, t TEXT, times INTEGER, PRIMARY KEY(supplier, id));"
    "CREATE TABLE IF NOT EXISTS needs(supplier TEXT, id TEXT, item TEXT, day TEXT, quantity TEXT, firmness TEXT);"
    "CREATE INDEX IF NOT EXISTS needs_of ON needs(supplier, id);"
    "CREATE TABLE IF NOT EXISTS changes(supplier TEXT, id TEXT, t TEXT, title TEXT, PRIMARY KEY(supplier, id));"
    "CREATE TABLE IF NOT EXISTS acknowledgements(n INTEGER PRIMARY KEY, supplier TEXT, control TEXT, outcome TEXT);"
    "CREATE TABLE IF NOT EXISTS submissions(key TEXT PRIMARY KEY, partner TEXT, kind TEXT, asked TEXT, status INTEGER,"
    " media TEXT, answer TEXT, id TEXT);"
    "CREATE TABLE IF NOT EXISTS messages(n INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT, partner TEXT, kind TEXT, media TEXT,"
    " body TEXT, correlation TEXT);"
    "CREATE TABLE IF NOT EXISTS quality(id TEXT PRIMARY KEY, supplier TEXT, item TEXT, plant TEXT, status TEXT);"
    "DROP VIEW IF EXISTS audit; DROP VIEW IF EXISTS audit_scope;"
    "CREATE VIEW audit(kind, plant, key, value) AS SELECT 'revision', '*', item, revision FROM items;"
    "CREATE VIEW audit_scope(kind, plant, like) AS VALUES('revision', '*', 'RM-%'), ('revision', '*', 'PK-%');";

/* What is bought, from whom, and what is on order. */
static const char seed[] =
    "INSERT INTO suppliers SELECT supplier, name, country FROM factory.supplier;"
    "INSERT OR IGNORE INTO approved SELECT item, supplier, supplier_item FROM factory.approved ORDER BY plant;"
    "INSERT INTO items SELECT item, unit, revision, lots FROM factory.item WHERE item LIKE 'RM-%' OR item LIKE 'PK-%';"
    "INSERT INTO order_lines SELECT po, line, supplier, plant, item, quantity, unit, due, '', '' FROM factory.po_line"
    " JOIN factory.purchase_order USING(po) WHERE milli(quantity) > 0;";

bool portal_refuse(struct plant_call *c, struct portal_refusal *why, const char *code, const char *fmt, ...)
{
    char text[400];
    va_list a;
    va_start(a, fmt);
    vsnprintf(text, sizeof text, fmt, a);
    va_end(a);
    *why = (struct portal_refusal){code, plant_mem_printf(&c->mem, "%s", text)};
    return false;
}

void portal_problem(struct plant_call *c, int status, const char *code, const char *text)
{
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    plant_putf(&b, "{\"type\":\"about:blank\",\"title\":\"Refused\",\"status\":%d,\"code\":\"%s\",\"detail\":", status, code);
    plant_put_json(&b, text);
    plant_puts(&b, "}");
    plant_call_answer(c, status, "application/problem+json", b.p);
}

static void refuse(struct plant_call *c, const char *what)
{
    if (strcmp(what, "lock") == 0) {
        portal_problem(c, 423, "SP-024", "The partner's data are being maintained");
    } else if (strcmp(what, "etag") == 0) {
        portal_problem(c, 412, "SP-012", "Somebody was faster");
    } else {
        plant_puts(&c->head, "WWW-Authenticate: Bearer realm=\"portal\"\r\n");
        portal_problem(c, 401, "SP-401", "The access token is missing, wrong or has run out");
    }
}

static const struct plant_route routes[] = {{"POST", "/oauth2/token", plant_token_take, true},
                                            {"POST", "/v1/partners/", portal_post_take, false},
                                            {"GET", "/v1/submissions/", portal_submission_show, false},
                                            {"GET", "/v1/messages", portal_messages_show, false},
                                            {0}};

const struct plant_kind plant_portal_kind = {.name = "portal", .schema = schema, .seed = seed, .routes = routes,
                                             .refuse = refuse, .actions = portal_actions,
                                             .event_source = "/plant/portal"};
