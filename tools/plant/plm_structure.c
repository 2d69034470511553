/*
 * plm_structure.c - the PLM shows items and structures, a revision of each (see plm.h)
 *
 * A structure is told line by line, depth first, as many levels as were asked for, in pages. An assembly that is used
 * twice is told twice, as such systems do. The row of an assembly that is opened has its header in `assembly`.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/plant/plm.h"

#define HEADER "s:item s:revision s:plant s:alternative s:usage s:status n:base u:unit s:from s:to n:lotFrom n:lotTo s:note" \
               " s:change s:released s:correlation"
#define HEADER_N 16
#define HEADER_SQL(t) t ".item, " t ".revision, " t ".plant, " t ".alternative, " t ".usage, CASE " t ".status WHEN '3' THEN" \
                      " 'released-with-history' ELSE 'released' END, " t ".base, " t ".unit, " t ".valid_from, " t ".valid_to, " \
                      t ".lot_from, " t ".lot_to, " t ".text, " t ".change, " t ".released, " t ".correlation"
#define LINE "s:parent i:level s:line s:position s:category s:component n:quantity u:unit b:fixed n:scrap n:operationScrap" \
             " b:netScrap s:alternateGroup s:alternatePriority s:alternateStrategy n:alternateShare s:discontinuationGroup" \
             " s:followUpGroup s:output b:bulk b:phantom s:explosion s:location s:operation s:from s:to s:change s:changeTo" \
             " s:sort s:note s:document n:length"
#define LINE_N 32

void plm_item_show(struct plm_form *f)
{
    struct plant_call *c = f->c;
    const char *item = f->odata ? plm_key(f, "number") : f->arg, *revision = plm_key(f, "revision");
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT item, revision, text, CASE type WHEN 'FERT' THEN 'product' WHEN 'HALB' THEN"
                                    " 'assembly' WHEN 'VERP' THEN 'packaging' ELSE 'part' END, unit, grp, weight, status,"
                                    " procurement, lots, serials, phantom, change, released, correlation FROM items"
                                    " WHERE item = ?1 AND CASE ?2 WHEN '' THEN current = '1' ELSE revision = ?2 END", 2,
                                    item, revision);
    if (!plant_db_row(&st)) {
        plm_problem(c, 404, "PLM-404", "item %.60s revision %.20s does not exist", item, *revision ? revision : "(current)");
        return;
    }
    c->status = 200;
    c->type = "application/json";
    plant_puts(&c->body, "{");
    plm_row_put(f, &c->body, st, 0, "s:number s:revision s:name s:type u:unit s:group n:weight s:status s:procurement b:lots"
                                    " b:serials b:phantom s:change s:released s:correlation");
    sqlite3_finalize(st);
    static const struct {
        const char *name, *spec, *sql;
    } lists[] = {{"units", "u:unit n:numerator n:denominator",
                  "SELECT unit, num, den FROM item_units WHERE item = ?1 AND (num != '1' OR den != '1') ORDER BY unit"},
                 {"plants", "s:plant", "SELECT plant FROM item_plants WHERE item = ?1 ORDER BY plant"}};
    for (int k = 0; k < 2; k++) {
        plant_puts(&c->body, ",");
        plm_name_put(f, &c->body, lists[k].name);
        st = plant_db_ask(c->db, lists[k].sql, 1, item);
        for (const char *sep = "["; plant_db_row(&st); sep = ",") {
            plant_putf(&c->body, "%s{", sep);
            plm_row_put(f, &c->body, st, 0, lists[k].spec);
            plant_puts(&c->body, "}");
        }
        plant_puts(&c->body, c->body.p[c->body.n - 1] == ':' ? "[]" : "]");
    }
    plant_puts(&c->body, "}");
}

static void designators_put(struct plm_form *f, struct plant_buf *b, const char *bom, const char *line)
{
    sqlite3_stmt *st = plant_db_ask(f->c->db, "SELECT designator FROM designators WHERE bom = CAST(?1 AS INTEGER) AND line = ?2"
                                              " ORDER BY seq", 2, bom, line);
    bool any = false;
    while (plant_db_row(&st)) {
        plant_puts(b, ",");
        if (!any) {
            plm_name_put(f, b, "designators");
            plant_puts(b, "[");
        }
        plant_put_json(b, plant_db_col(st, 0));
        any = true;
    }
    plant_puts(b, any ? "]" : "");
}

static const char lines_sql[] =
    "WITH RECURSIVE tree(bom, level, path) AS (SELECT CAST(?1 AS INTEGER), 1, '' UNION ALL SELECT c.bom, t.level + 1,"
    " t.path || l.line || '/' FROM tree t JOIN lines l ON l.bom = t.bom JOIN boms c ON c.item = l.component AND c.plant = ?2"
    " AND c.usage = ?3 AND c.alternative = '01' AND c.current = '1' WHERE t.level < CAST(?4 AS INTEGER) LIMIT 20000)"
    " SELECT p.item, t.level, l.line, l.position, l.category, l.component, l.quantity, l.unit, l.fixed, l.scrap, l.op_scrap,"
    " l.net_scrap, l.alt_group, l.alt_priority, CASE l.alt_strategy WHEN '1' THEN 'probability' WHEN '2' THEN 'priority' WHEN '3'"
    " THEN 'manual' ELSE '' END, l.alt_share, l.disc_group, l.follow_group, l.output, l.bulk,"
    " l.phantom, l.explosion, l.location, l.operation, l.valid_from, l.valid_to, l.change, l.change_to, l.sort, l.text,"
    " l.document, l.size1, " HEADER_SQL("c") ", t.bom FROM tree t JOIN boms p ON p.bom = t.bom JOIN lines l ON l.bom = t.bom"
    " LEFT JOIN boms c ON c.item = l.component AND c.plant = ?2 AND c.usage = ?3 AND c.alternative = '01' AND c.current = '1'"
    " AND t.level < CAST(?4 AS INTEGER) ORDER BY t.path || l.line LIMIT CAST(?5 AS INTEGER) + 1 OFFSET CAST(?6 AS INTEGER)";

/* The lines from `at`, at most a page; *more: there are others behind them. */
static void lines_put(struct plm_form *f, const char *bom, const char *plant, const char *usage, const char *levels,
                      int64_t at, bool *more)
{
    struct plant_call *c = f->c;
    int64_t page = plm_page(f), n = 0;
    sqlite3_stmt *st = plant_db_ask(c->db, lines_sql, 6, bom, plant, usage, levels,
                                    plant_mem_printf(&c->mem, "%lld", (long long)page),
                                    plant_mem_printf(&c->mem, "%lld", (long long)at));
    *more = false;
    plant_puts(&c->body, "[");
    while (plant_db_row(&st)) {
        if (n == page) {
            *more = true;
            sqlite3_finalize(st);
            break;
        }
        plant_puts(&c->body, n++ ? ",{" : "{");
        plm_row_put(f, &c->body, st, 0, LINE);
        designators_put(f, &c->body, plant_db_col(st, LINE_N + HEADER_N), plant_db_col(st, 2));
        if (*plant_db_col(st, LINE_N)) {
            plant_puts(&c->body, ",");
            plm_name_put(f, &c->body, "assembly");
            plant_puts(&c->body, "{");
            plm_row_put(f, &c->body, st, LINE_N, HEADER);
            plant_puts(&c->body, "}");
        }
        plant_puts(&c->body, "}");
    }
    plant_puts(&c->body, "]");
}

static void next_put(struct plm_form *f, const char *levels, int64_t at)
{
    struct plant_call *c = f->c;
    long long next = (long long)(at + plm_page(f)), page = (long long)plm_page(f);
    if (f->odata && *f->tail) /* relative to what was asked */
        plant_putf(&c->body, ",\"@odata.nextLink\":\"Lines?levels=%s&$top=%lld&$skiptoken=%lld\"", levels, page, next);
    else if (f->odata)
        plant_putf(&c->body, ",\"Lines@odata.nextLink\":\"%s/Lines?levels=%s&$top=%lld&$skiptoken=%lld\"",
                   strrchr(c->path, '/') + 1, levels, page, next);
    else
        plant_putf(&c->body, ",\"next\":\"?plant=%s&alternative=%s&usage=%s&revision=%s&levels=%s&limit=%lld&skip=%lld\"",
                   plm_key(f, "plant"), plm_key(f, "alternative"), plm_key(f, "usage"), plm_key(f, "revision"), levels, page, next);
}

void plm_structure_show(struct plm_form *f)
{
    struct plant_call *c = f->c;
    const char *item = f->odata ? plm_key(f, "item") : f->arg, *plant = plm_key(f, "plant"), *usage = plm_key(f, "usage");
    const char *alternative = plm_key(f, "alternative"), *revision = plm_key(f, "revision");
    char *levels = plant_call_query(c, "levels"), *skip = plant_call_query(c, f->odata ? "$skiptoken" : "skip");
    int64_t at = skip ? atoll(skip) : 0;
    bool more, lines_only = f->odata && strcmp(f->tail, "Lines") == 0;
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT bom, " HEADER_SQL("b") " FROM boms b WHERE item = ?1 AND plant = ?2 AND"
                                    " usage = ?3 AND alternative = ?4 AND CASE ?5 WHEN '' THEN current = '1' ELSE"
                                    " revision = ?5 END", 5, item, plant, *usage ? usage : "production",
                                    *alternative ? alternative : "01", revision);
    if (*f->tail && !lines_only) {
        sqlite3_finalize(st);
        plm_problem(c, 404, "PLM-404", "a structure has no %.60s", f->tail);
        return;
    }
    if (!plant_db_row(&st)) {
        plm_problem(c, 404, "PLM-404", "item %.60s has no structure %.10s/%.10s revision %.20s in plant %.20s", item, alternative,
                    usage, revision, plant);
        return;
    }
    char *bom = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 0));
    levels = plant_mem_printf(&c->mem, "%lld", levels && atoll(levels) > 0 ? atoll(levels) : 1);
    c->status = 200;
    c->type = "application/json";
    plant_puts(&c->body, "{");
    if (!lines_only) {
        plm_row_put(f, &c->body, st, 1, HEADER);
        plant_puts(&c->body, ",");
    }
    sqlite3_finalize(st);
    plm_name_put(f, &c->body, "lines");
    if (lines_only) {
        c->body.n -= strlen("\"Lines\":");
        plant_puts(&c->body, "\"value\":");
    }
    lines_put(f, bom, plant, *usage ? usage : "production", levels, at, &more);
    if (more)
        next_put(f, levels, at);
    plant_puts(&c->body, "}");
}
