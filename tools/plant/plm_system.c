/* plm_system.c - the plant's PLM: its tables and seed, its two doors, its audit views (see plm.h) */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/plm.h"
#include "tools/plant/systems.h"


static const char schema[] =
    "CREATE TABLE IF NOT EXISTS items(item TEXT, revision TEXT, text TEXT, type TEXT, unit TEXT, grp TEXT, weight TEXT,"
    " status TEXT, lots TEXT, serials TEXT, procurement TEXT, phantom TEXT, change TEXT, released TEXT, correlation TEXT,"
    " current TEXT, PRIMARY KEY(item, revision));"
    "CREATE INDEX IF NOT EXISTS item_current ON items(item, current);"
    "CREATE TABLE IF NOT EXISTS item_units(item TEXT, unit TEXT, num TEXT, den TEXT, PRIMARY KEY(item, unit));"
    "CREATE TABLE IF NOT EXISTS item_plants(item TEXT, plant TEXT, PRIMARY KEY(item, plant));"
    "CREATE TABLE IF NOT EXISTS boms(bom INTEGER PRIMARY KEY, item TEXT, plant TEXT, alternative TEXT, usage TEXT,"
    " revision TEXT, status TEXT, base TEXT, unit TEXT, valid_from TEXT, valid_to TEXT, lot_from TEXT, lot_to TEXT,"
    " text TEXT, change TEXT, released TEXT, correlation TEXT, current TEXT,"
    " UNIQUE(item, plant, alternative, usage, revision));"
    "CREATE INDEX IF NOT EXISTS bom_current ON boms(item, plant, usage, current);"
    "CREATE TABLE IF NOT EXISTS lines(bom INTEGER, line TEXT, position TEXT, category TEXT, component TEXT, quantity TEXT,"
    " unit TEXT, fixed TEXT, scrap TEXT, op_scrap TEXT, net_scrap TEXT, alt_group TEXT, alt_priority TEXT,"
    " alt_strategy TEXT, alt_share TEXT, disc_group TEXT, follow_group TEXT, output TEXT, bulk TEXT, phantom TEXT,"
    " explosion TEXT, location TEXT, operation TEXT, valid_from TEXT, valid_to TEXT, change TEXT, change_to TEXT,"
    " sort TEXT, text TEXT, document TEXT, size1 TEXT, PRIMARY KEY(bom, line));"
    "CREATE INDEX IF NOT EXISTS line_component ON lines(component);"
    "CREATE TABLE IF NOT EXISTS designators(bom INTEGER, line TEXT, seq TEXT, designator TEXT, PRIMARY KEY(bom, line, seq));"
    "CREATE TABLE IF NOT EXISTS changes(number TEXT PRIMARY KEY, seq INTEGER, version INTEGER, state TEXT, kind TEXT,"
    " title TEXT, reason TEXT, priority TEXT, valid_from TEXT, strategy TEXT, owner TEXT, changed TEXT, released TEXT,"
    " correlation TEXT);"
    "CREATE UNIQUE INDEX IF NOT EXISTS change_seq ON changes(seq);"
    "CREATE TABLE IF NOT EXISTS affected(number TEXT, n INTEGER, object TEXT, action TEXT, item TEXT, from_revision TEXT,"
    " revision TEXT, plant TEXT, alternative TEXT, usage TEXT, replacement TEXT, PRIMARY KEY(number, n));"
    "CREATE TABLE IF NOT EXISTS status(n INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT, reference TEXT, system TEXT,"
    " plant TEXT, item TEXT, revision TEXT, state TEXT, at TEXT, note TEXT);"
    "CREATE INDEX IF NOT EXISTS status_reference ON status(number, reference);"
    "DROP VIEW IF EXISTS audit; DROP VIEW IF EXISTS audit_scope;"
    "CREATE VIEW audit(kind, plant, key, value) AS SELECT 'revision', '*', item, revision FROM items WHERE current = '1'"
    " UNION ALL SELECT 'bom', plant, item || '/' || CASE usage WHEN 'engineering' THEN '2' ELSE '1' END || '/' ||"
    "  alternative || '/' || position || '@' || l.valid_from, component || ' ' || quantity || ' ' || l.unit"
    "  FROM boms b JOIN lines l USING(bom) WHERE b.current = '1' AND component != '';"
    "CREATE VIEW audit_scope(kind, plant, like) AS VALUES('revision', '*', '%'), ('bom', '*', '%');";

/* Everything is there in a released revision, as the ERP has it, of changes that are no longer kept. */
static const char seed[] =
    "INSERT INTO items SELECT item, revision, text, type, unit, grp, weight, status, lots, serials, procurement, phantom, '',"
    " '2025-01-01T00:00:00Z', '', '1' FROM factory.item;"
    "INSERT INTO item_units SELECT item, unit, num, den FROM factory.item_unit;"
    "INSERT INTO item_plants SELECT item, plant FROM factory.item_plant;"
    "INSERT INTO boms(item, plant, alternative, usage, revision, status, base, unit, valid_from, valid_to, lot_from, lot_to,"
    " text, change, released, correlation, current) SELECT item, plant, alternative, CASE usage WHEN '2' THEN 'engineering'"
    " ELSE 'production' END, revision, b.status, base, b.unit, valid_from, valid_to, lot_from, lot_to, b.text, '',"
    " '2025-01-01T00:00:00Z', '', '1' FROM factory.bom b JOIN factory.item USING(item);"
    "INSERT INTO lines SELECT b.bom, node, position, CASE category WHEN 'N' THEN 'non-stock' WHEN 'R' THEN 'cut' WHEN 'T' THEN"
    " 'text' WHEN 'D' THEN 'document' ELSE 'part' END, component, quantity, l.unit, fixed, scrap, op_scrap, net_scrap, alt_group,"
    " alt_priority, alt_strategy, alt_share, disc_group, follow_group, CASE WHEN co_product = 'true' THEN 'co-product' WHEN"
    " quantity LIKE '-%' THEN 'by-product' ELSE '' END, bulk, CASE special WHEN '50' THEN 'true' ELSE '' END,"
    " explosion, location, operation, l.valid_from, l.valid_to, l.change, change_to, sort, l.text, document, size1"
    " FROM factory.bom_line l JOIN factory.bom f ON f.bom = l.bom AND f.alternative = l.alternative JOIN boms b ON"
    " b.item = f.item AND b.plant = f.plant AND b.alternative = f.alternative AND b.usage = CASE f.usage WHEN '2' THEN"
    " 'engineering' ELSE 'production' END;"
    "INSERT INTO designators SELECT b.bom, node, seq, designator FROM factory.bom_sub s JOIN factory.bom f ON f.bom = s.bom"
    " AND f.alternative = s.alternative JOIN boms b ON b.item = f.item AND b.plant = f.plant AND b.alternative = f.alternative"
    " AND b.usage = CASE f.usage WHEN '2' THEN 'engineering' ELSE 'production' END;";

/* ---- answers ------------------------------------------------------------------------------------------- */
void plm_problem(struct plant_call *c, int status, const char *code, const char *fmt, ...)
{
    struct plant_buf b;
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    plant_buf_init(&b, &c->mem);
    plant_putf(&b, "{\"error\":{\"code\":\"%s\",\"message\":", code);
    plant_put_json(&b, text);
    plant_puts(&b, "}}");
    plant_call_answer(c, status, "application/json", b.p);
}

static void name_put(struct plm_form *f, struct plant_buf *b, const char *name, size_t n)
{
    plant_putf(b, "\"%c%.*s\":", f->odata ? toupper((unsigned char)name[0]) : name[0], (int)n - 1, name + 1);
}

void plm_name_put(struct plm_form *f, struct plant_buf *b, const char *name)
{
    name_put(f, b, name, strlen(name));
}

static const char *unit_out(const char *unit)
{
    static const char *const units[][2] = {{"PC", "ea"}, {"KG", "kg"}, {"M", "m"}, {"L", "l"}, {"BX", "box"}, {"CR", "crate"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i][0], unit) == 0)
            return units[i][1];
    return unit;
}

void plm_row_put(struct plm_form *f, struct plant_buf *b, sqlite3_stmt *st, int from, const char *spec)
{
    bool first = true;
    for (int i = from; *spec; i++) {
        size_t n = strcspn(spec + 2, " ");
        const char *v = plant_db_col(st, i);
        bool flag = *spec == 'b';
        if (flag ? strcmp(v, "true") == 0 || strcmp(v, "1") == 0 : *v != '\0') {
            plant_puts(b, first ? "" : ",");
            name_put(f, b, spec + 2, n);
            first = false;
            if (flag)
                plant_puts(b, "true");
            else if (*spec == 'i' || (*spec == 'n' && !f->odata))
                plant_puts(b, v);
            else
                plant_put_json(b, *spec == 'u' ? unit_out(v) : v);
        }
        spec += 2 + n;
        spec += *spec == ' ';
    }
}

/* ---- what was asked ------------------------------------------------------------------------------------- */
const char *plm_key(struct plm_form *f, const char *name)
{
    struct plant_buf out;
    const char *p = f->arg;
    size_t n = strlen(name);
    if (!f->odata) {
        char *q = plant_call_query(f->c, name);
        return q ? q : "";
    }
    while ((p = strstr(p, "='")) != NULL) {
        if ((size_t)(p - f->arg) >= n && strncmp(p - n + 1, name + 1, n - 1) == 0 && tolower((unsigned char)p[-(int)n]) == *name)
            break;
        p += 2;
    }
    if (!p)
        return "";
    plant_buf_init(&out, &f->c->mem);
    for (p += 2; *p && (*p != '\'' || p[1] == '\''); p++) {
        p += *p == '\'';
        plant_put(&out, p, 1);
    }
    return out.n ? out.p : "";
}

const char *plm_body(struct plm_form *f, const char *name)
{
    char *pointer = plant_mem_printf(&f->c->mem, "/%s", name), *v;
    if (f->odata)
        pointer[1] = (char)toupper((unsigned char)pointer[1]);
    v = plant_call_json(f->c, pointer);
    return v ? v : "";
}

int64_t plm_page(struct plm_form *f)
{
    char *q = plant_call_query(f->c, f->odata ? "$top" : "limit");
    int64_t n = q ? atoll(q) : 0, most = plant_option_int(f->c, "page", 100);
    return n < 1 || n > most ? most : n;
}

/* The path's pieces: "changes/ECO-1/status", or "Changes('ECO-1')/Status". */
static void path_read(struct plm_form *f, const char *path)
{
    struct plant_call *c = f->c;
    size_t n = strcspn(path, f->odata ? "(" : "/");
    const char *rest = path + n, *slash;
    f->rest = plant_mem_copy(&c->mem, path, n);
    f->arg = f->tail = "";
    if (!*rest)
        return;
    slash = f->odata ? strstr(rest, ")/") : strchr(rest + 1, '/');
    size_t end = slash ? (size_t)(slash - rest) + (f->odata ? 1 : 0) : strlen(rest);
    f->tail = slash ? plant_mem_printf(&c->mem, "%s", slash + (f->odata ? 2 : 1)) : "";
    f->arg = plant_url_decode(&c->mem, (struct plant_text){rest + 1, end - 1}, false);
    if (f->odata && f->arg[0] == '\'') { /* one key, not named */
        char *q = strchr(f->arg + 1, '\'');
        f->arg = plant_mem_copy(&c->mem, f->arg + 1, q ? (size_t)(q - f->arg) - 1 : strlen(f->arg + 1));
    }
}

static void call_take(struct plant_call *c)
{
    static const struct {
        const char *rest, *odata;
        void (*take)(struct plm_form *f);
    } doors[] = {{"changes", "Changes", plm_change_take},
                 {"items", "Items", plm_item_show},
                 {"structures", "Structures", plm_structure_show}};
    struct plm_form f = {.c = c, .odata = strncmp(c->path, "/odata/", 7) == 0};
    path_read(&f, c->path + (f.odata ? 7 : 5));
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++)
        if (strcmp(f.rest, f.odata ? doors[i].odata : doors[i].rest) == 0) {
            doors[i].take(&f);
            return;
        }
    plm_problem(c, 404, "PLM-404", "there is no %.60s here", f.rest);
}

static void refuse(struct plant_call *c, const char *what)
{
    if (strcmp(what, "auth") == 0) {
        plant_puts(&c->head, "WWW-Authenticate: Bearer realm=\"PLM\"\r\n");
        plm_problem(c, 401, "PLM-401", "The session is not valid: sign in again");
    } else if (strcmp(what, "lock") == 0) {
        plm_problem(c, 423, "PLM-423", "The object is checked out by MILLER");
    } else {
        plm_problem(c, 412, "PLM-412", "The object was changed meanwhile");
    }
}

static const struct plant_route routes[] = {{"POST", "/oauth2/token", plant_token_take, true},
                                            {"*", "/plm/", call_take, false},
                                            {"*", "/odata/", call_take, false},
                                            {0}};

const struct plant_kind plant_plm_kind = {.name = "plm", .schema = schema, .seed = seed, .routes = routes, .refuse = refuse,
                                          .actions = plm_actions, .event_source = "/plant/plm"};
