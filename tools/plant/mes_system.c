/* mes_system.c - the plant's MES: its tables and seed, its door for B2MML, its confirmations (see mes.h) */
#include <libxml/parser.h>
#include <string.h>

#include "tools/plant/mes.h"
#include "tools/plant/systems.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS materials(item TEXT, plant TEXT, unit TEXT, revision TEXT, PRIMARY KEY(item, plant));"
    "CREATE TABLE IF NOT EXISTS bills(bill INTEGER PRIMARY KEY, plant TEXT, item TEXT, alternative TEXT, version TEXT,"
    " status TEXT, base TEXT, unit TEXT, UNIQUE(item, plant, alternative));"
    "CREATE TABLE IF NOT EXISTS bill_items(bill INTEGER, id TEXT, component TEXT, quantity TEXT, unit TEXT, use TEXT,"
    " valid_from TEXT, valid_to TEXT, PRIMARY KEY(bill, id, valid_from));"
    "CREATE INDEX IF NOT EXISTS bill_component ON bill_items(component);"
    "CREATE TABLE IF NOT EXISTS segments(item TEXT, plant TEXT, definition TEXT, segment TEXT, text TEXT, work_center TEXT,"
    " PRIMARY KEY(plant, definition, segment));"
    "CREATE TABLE IF NOT EXISTS orders(id TEXT PRIMARY KEY, plant TEXT, item TEXT, quantity TEXT, unit TEXT, state TEXT,"
    " done TEXT, scrap TEXT, start TEXT, correlation TEXT);"
    "CREATE TABLE IF NOT EXISTS order_components(order_id TEXT, line TEXT, item TEXT, quantity TEXT, unit TEXT,"
    " location TEXT, PRIMARY KEY(order_id, line));"
    "CREATE TABLE IF NOT EXISTS lots(item TEXT, plant TEXT, lot TEXT, PRIMARY KEY(item, plant));"
    "CREATE TABLE IF NOT EXISTS performances(n INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT, order_id TEXT, xml TEXT);"
    "CREATE TABLE IF NOT EXISTS confirmations(bod TEXT PRIMARY KEY, t TEXT, body TEXT);"
    "DROP VIEW IF EXISTS audit; DROP VIEW IF EXISTS audit_scope;"
    "CREATE VIEW audit(kind, plant, key, value) AS SELECT 'bom', plant, item || '/1/' || alternative || '/' || id || '@' ||"
    " valid_from, component || ' ' || quantity || ' ' || i.unit FROM bills JOIN bill_items i USING(bill);"
    "CREATE VIEW audit_scope(kind, plant, like) AS VALUES('bom', '1000', '%/1/%'), ('bom', '2000', '%/1/%');";

/* What it would know: materials, production BOMs and released orders of its own plants. */
static const char seed[] =
    "INSERT INTO materials SELECT item, plant, unit, revision FROM factory.item JOIN factory.item_plant USING(item)"
    " WHERE status = 'active' AND plant IN ('1000', '2000');"
    "INSERT INTO bills(plant, item, alternative, version, status, base, unit) SELECT plant, item, alternative, revision,"
    " 'active', base, b.unit FROM factory.bom b JOIN factory.item USING(item) WHERE usage = '1'"
    " AND plant IN ('1000', '2000');"
    "INSERT INTO bill_items SELECT b.bill, position, component, l.quantity, l.unit, CASE WHEN milli(l.quantity) < 0 THEN"
    " 'Produced' ELSE 'Consumed' END, l.valid_from, l.valid_to FROM bills b JOIN factory.bom f ON f.item = b.item"
    " AND f.plant = b.plant AND f.alternative = b.alternative AND f.usage = '1' JOIN factory.bom_line l"
    " ON l.bom = f.bom AND l.alternative = f.alternative WHERE component != '';"
    "INSERT INTO segments SELECT item, plant, item, operation, text, work_center FROM factory.operation"
    " WHERE plant IN ('1000', '2000');"
    "INSERT INTO orders SELECT wo, plant, item, quantity, unit, 'staged', '0', '0', start, '' FROM factory.work_order"
    " WHERE status = 'REL' AND plant IN ('1000', '2000');"
    "INSERT INTO order_components SELECT wo, line, c.item, c.quantity, c.unit, location FROM factory.wo_component c"
    " JOIN orders ON id = wo;"
    "INSERT INTO lots SELECT item, plant, min(lot) FROM factory.lot WHERE plant IN ('1000', '2000') GROUP BY item, plant;";

/* ---- trees ------------------------------------------------------------------------------------------- */
xmlNode *mes_node(xmlNode *n, const char *path)
{
    while (n && *path) {
        size_t len = strcspn(path, "/");
        xmlNode *at = n->children;
        while (at && (at->type != XML_ELEMENT_NODE || strlen((const char *)at->name) != len ||
                      strncmp((const char *)at->name, path, len) != 0))
            at = at->next;
        n = at;
        path += len + (path[len] == '/');
    }
    return n;
}

xmlNode *mes_next(xmlNode *n)
{
    xmlNode *at = n->next;
    while (at && (at->type != XML_ELEMENT_NODE || strcmp((const char *)at->name, (const char *)n->name) != 0))
        at = at->next;
    return at;
}

const char *mes_text(struct mes_call *m, xmlNode *n, const char *path)
{
    xmlChar *s = (n = mes_node(n, path)) ? xmlNodeGetContent(n) : NULL;
    const char *from = s ? (const char *)s : "";
    from += strspn(from, " \t\r\n");
    size_t len = strlen(from);
    while (len && strchr(" \t\r\n", from[len - 1]))
        len--;
    const char *out = plant_mem_copy(&m->c->mem, from, len);
    xmlFree(s);
    return out;
}

/* ---- answers ----------------------------------------------------------------------------------------- */
void mes_confirm(struct plant_call *c, int status, const char *bod, const char *state, const char *code,
                 const char *text)
{
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    plant_putf(&b, "<ConfirmBOD xmlns=\"" MES_NS "\"><ApplicationArea><CreationDateTime>%s</CreationDateTime>"
                   "</ApplicationArea><DataArea><Confirm><OriginalApplicationArea><CreationDateTime>%s"
                   "</CreationDateTime><BODID>", plant_now(c), plant_now(c));
    plant_put_xml(&b, bod);
    plant_putf(&b, "</BODID></OriginalApplicationArea><ResponseCriteria><ChangeStatus><Code>%s</Code><ReasonCode>%s"
                   "</ReasonCode><Reason>", state, code);
    plant_put_xml(&b, text);
    plant_puts(&b, "</Reason></ChangeStatus></ResponseCriteria></Confirm><BOD/></DataArea></ConfirmBOD>\n");
    plant_call_answer(c, status, "application/xml", b.p);
}

bool mes_refuse(struct mes_call *m, const char *code, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    mes_confirm(m->c, 422, m->bod, "Rejected", code, text);
    return false;
}

/* ---- what all transactions ask ----------------------------------------------------------------------- */
static const char *const units[][2] = {{"H87", "PC"}, {"C62", "PC"}, {"KGM", "KG"}, {"MTR", "M"}, {"LTR", "L"}};

const char *mes_unit_in(const char *code)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i][0], code) == 0)
            return units[i][1];
    return code;
}

const char *mes_unit_out(const char *unit)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i][1], unit) == 0)
            return units[i][0];
    return unit;
}

bool mes_own_plant(struct mes_call *m, const char *plant)
{
    const char *own = plant_option(m->c, "plants", "1000,2000");
    for (const char *p = own; *p; p += strcspn(p, ","), p += *p == ',')
        if (strlen(plant) == strcspn(p, ",") && strncmp(p, plant, strlen(plant)) == 0)
            return true;
    return mes_refuse(m, "MES/010", "plant %s is not run by this system, which has %s", *plant ? plant : "(none)", own);
}

bool mes_material(struct mes_call *m, const char *item, const char *plant)
{
    return plant_db_int(m->c->db, "SELECT count(*) FROM materials WHERE item = ?1 AND plant = ?2", 2, item, plant) > 0;
}

static const struct {
    const char *noun;
    bool (*take)(struct mes_call *m, xmlNode *noun);
} nouns[] = {{"OperationsMaterialBill", mes_bill_take},
             {"OperationsDefinition", mes_definition_take},
             {"OperationsSchedule", mes_schedule_take}};

static const char *const verbs[] = {"Sync", "Process", "Change", "Cancel"};

static bool noun_take(struct mes_call *m)
{
    const char *name = (const char *)m->root->name;
    for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++) {
        size_t len = strlen(verbs[v]);
        for (size_t i = 0; strncmp(name, verbs[v], len) == 0 && i < sizeof nouns / sizeof *nouns; i++) {
            xmlNode *n;
            if (strcmp(name + len, nouns[i].noun) != 0)
                continue;
            m->verb = verbs[v];
            m->noun = nouns[i].noun;
            n = mes_node(mes_node(m->root, "DataArea"), m->noun);
            return n ? nouns[i].take(m, n) : mes_refuse(m, "MES/002", "%s without %s", name, m->noun);
        }
    }
    return mes_refuse(m, "MES/003", "transaction %.80s is not served here", name);
}

static void transaction_take(struct plant_call *c)
{
    xmlDoc *doc = xmlReadMemory(c->rq->body.p, (int)c->rq->body.n, NULL, NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    struct mes_call m = {.c = c, .root = doc ? xmlDocGetRootElement(doc) : NULL, .bod = ""};
    if (!m.root || !m.root->ns || strcmp((const char *)m.root->ns->href, MES_NS) != 0) {
        mes_confirm(c, 400, "", "Rejected", "MES/001", "the body is no B2MML document");
    } else {
        m.bod = mes_text(&m, m.root, "ApplicationArea/BODID");
        if (noun_take(&m)) {
            mes_confirm(c, 200, m.bod, "Accepted", "MES/000", m.skipped[0] ? m.skipped : "taken");
            plant_db_do(c->db, "INSERT INTO confirmations VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET t = ?2, body = ?3",
                        3, m.bod, plant_now(c), c->body.p);
        }
    }
    xmlFreeDoc(doc);
}

static void refuse(struct plant_call *c, const char *what)
{
    if (strcmp(what, "auth") == 0) {
        plant_puts(&c->head, "WWW-Authenticate: Basic realm=\"MES\"\r\n");
        mes_confirm(c, 401, "", "Rejected", "MES/401", "user or password is wrong, or the token has run out");
    } else {
        mes_confirm(c, strcmp(what, "lock") == 0 ? 423 : 412, "", "Rejected", "MES/423",
                    "the object is being changed at workstation 7");
    }
}

static const struct plant_route routes[] = {{"POST", "/oauth2/token", plant_token_take, true},
                                            {"POST", "/b2mml", transaction_take, false},
                                            {"GET", "/b2mml/", mes_show_take, false},
                                            {0}};

const struct plant_kind plant_mes_kind = {.name = "mes", .schema = schema, .seed = seed, .routes = routes,
                                          .refuse = refuse, .actions = mes_actions};
