/*
 * plm_change.c - change packages: the feed of them, one as a whole, and what other systems say of them (see plm.h)
 *
 * The feed is in the order of its numbers; a package that changes moves to its end with a new number and version. A
 * status is kept under the reference that came with it and is not looked at for doubles. When each plant of a package's
 * structures has said "implemented", the package is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/plm.h"

#define PACKAGE "i:seq s:number i:version s:state s:kind s:title s:reason s:priority s:from s:strategy s:owner s:changed" \
                " s:released s:correlation"
#define PACKAGE_SQL "SELECT seq, number, version, state, kind, title, reason, priority, valid_from, strategy, owner, changed," \
                    " released, correlation FROM changes "
#define STATUS "s:reference s:system s:plant s:item s:revision s:state s:at s:note"

void plm_change_move(struct plant_call *c, const char *number, const char *state)
{
    struct plant_buf b;
    const char *now = plant_now(c);
    plant_db_do(c->db, "UPDATE changes SET state = ?2, version = version + 1, seq = (SELECT coalesce(max(seq), 0) + 1 FROM"
                       " changes), changed = ?3, released = CASE ?2 WHEN 'released' THEN ?3 ELSE released END,"
                       " correlation = CASE ?4 WHEN '' THEN correlation ELSE ?4 END WHERE number = ?1", 4, number, state, now,
                c->correlation);
    plant_buf_init(&b, &c->mem);
    plant_puts(&b, "{\"number\":");
    plant_put_json(&b, number);
    plant_putf(&b, ",\"version\":%lld,\"state\":\"%s\"}",
               (long long)plant_db_int(c->db, "SELECT version FROM changes WHERE number = ?1", 1, number), state);
    plant_event(c, plant_mem_printf(&c->mem, "plm.change.%s", state), "application/json", b.p);
}

/* "Seq gt 12": the number of it. */
static int64_t since_read(struct plm_form *f)
{
    char *q = plant_call_query(f->c, f->odata ? "$skiptoken" : "since"), *filter;
    if (q || !f->odata)
        return q ? atoll(q) : 0;
    filter = plant_call_query(f->c, "$filter");
    q = filter ? strstr(filter, "Seq gt ") : NULL;
    return q ? atoll(q + 7) : 0;
}

static void feed_show(struct plm_form *f)
{
    struct plant_call *c = f->c;
    int64_t page = plm_page(f), n = 0;
    char *last = plant_mem_printf(&c->mem, "%lld", (long long)since_read(f));
    sqlite3_stmt *st = plant_db_ask(c->db, PACKAGE_SQL "WHERE seq > CAST(?1 AS INTEGER) ORDER BY seq LIMIT CAST(?2 AS INTEGER)"
                                    " + 1", 2, last, plant_mem_printf(&c->mem, "%lld", (long long)page));
    c->status = 200;
    c->type = "application/json";
    plant_puts(&c->body, f->odata ? "{\"value\":[" : "{\"changes\":[");
    while (plant_db_row(&st)) {
        if (n == page) {
            sqlite3_finalize(st);
            n++;
            break;
        }
        plant_puts(&c->body, n++ ? ",{" : "{");
        plm_row_put(f, &c->body, st, 0, PACKAGE);
        plant_puts(&c->body, "}");
        last = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 0));
    }
    plant_puts(&c->body, "]");
    if (n > page)
        plant_putf(&c->body, f->odata ? ",\"@odata.nextLink\":\"Changes?$top=%lld&$skiptoken=%s\""
                                      : ",\"next\":\"/plm/changes?limit=%lld&since=%s\"", (long long)page, last);
    plant_puts(&c->body, "}");
}

static bool package_show(struct plm_form *f)
{
    struct plant_call *c = f->c;
    sqlite3_stmt *st = plant_db_ask(c->db, PACKAGE_SQL "WHERE number = ?1", 1, f->arg);
    if (!plant_db_row(&st))
        return false;
    c->status = 200;
    c->type = "application/json";
    plant_puts(&c->body, "{");
    plm_row_put(f, &c->body, st, 0, PACKAGE);
    sqlite3_finalize(st);
    plant_puts(&c->body, ",");
    plm_name_put(f, &c->body, "affected");
    plant_puts(&c->body, "[");
    st = plant_db_ask(c->db, "SELECT n, object, action, item, from_revision, revision, plant, alternative, usage, replacement"
                             " FROM affected WHERE number = ?1 ORDER BY n", 1, f->arg);
    for (const char *sep = ""; plant_db_row(&st); sep = ",") {
        plant_putf(&c->body, "%s{", sep);
        plm_row_put(f, &c->body, st, 0, "s:line s:object s:action s:item s:fromRevision s:revision s:plant s:alternative s:usage"
                                        " s:replacement");
        plant_puts(&c->body, "}");
    }
    plant_puts(&c->body, "]}");
    return true;
}

/* ---- what other systems say of it ------------------------------------------------------------------------- */
static void status_show(struct plm_form *f)
{
    struct plant_call *c = f->c;
    char *q = plant_call_query(c, f->odata ? "$filter" : "reference");
    if (q && f->odata) { /* Reference eq 'KEY' */
        char *from = strchr(q, '\'');
        q = from ? plant_mem_copy(&c->mem, from + 1, strcspn(from + 1, "'")) : NULL;
    }
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT reference, system, plant, item, revision, state, at, note FROM status WHERE"
                                    " number = ?1 AND (?2 IS NULL OR reference = ?2) ORDER BY n LIMIT 1000", 2, f->arg, q);
    c->status = 200;
    c->type = "application/json";
    plant_puts(&c->body, f->odata ? "{\"value\":[" : "{\"entries\":[");
    for (const char *sep = ""; plant_db_row(&st); sep = ",") {
        plant_putf(&c->body, "%s{", sep);
        plm_row_put(f, &c->body, st, 0, STATUS);
        plant_puts(&c->body, "}");
    }
    plant_puts(&c->body, "]}");
}

static void status_take(struct plm_form *f, const char *package)
{
    static const char *const states[] = {"planned", "released", "implemented", "rejected", "not-applicable"};
    struct plant_call *c = f->c;
    const char *state = plm_body(f, "state"), *plant = plm_body(f, "plant"), *reference = plm_body(f, "reference");
    size_t k = 0;
    while (k < sizeof states / sizeof *states && strcmp(states[k], state) != 0)
        k++;
    if (k == sizeof states / sizeof *states) {
        plm_problem(c, 400, "PLM-400", "state \"%.40s\" is none of planned, released, implemented, rejected, not-applicable", state);
        return;
    }
    if (strcmp(package, "released") != 0 && strcmp(package, "implemented") != 0) {
        plm_problem(c, 409, "PLM-409", "change %.40s is %s, not released: it takes no status", f->arg, package);
        return;
    }
    if (plant_db_int(c->db, "SELECT count(*) FROM locks WHERE object = ?1 AND until > unixepoch()", 1, f->arg)) {
        plm_problem(c, 423, "PLM-423", "change %.40s is checked out", f->arg);
        return;
    }
    plant_db_do(c->db, "INSERT INTO status(number, reference, system, plant, item, revision, state, at, note)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", 9, f->arg, reference, plm_body(f, "system"), plant,
                plm_body(f, "item"), plm_body(f, "revision"), state, plm_body(f, "at"), plm_body(f, "note"));
    plant_effect(c, "status", f->arg, reference);
    if (strcmp(package, "released") == 0 && strcmp(state, "implemented") == 0 &&
        plant_db_int(c->db, "SELECT count(DISTINCT plant) FROM affected WHERE number = ?1 AND object = 'bom' AND plant NOT IN"
                            " (SELECT plant FROM status WHERE number = ?1 AND state = 'implemented')", 1, f->arg) == 0)
        plm_change_move(c, f->arg, "implemented");
    plant_call_answer(c, 201, "application/json", plant_mem_printf(&c->mem, f->odata ? "{\"Entry\":\"%lld\"}" : "{\"entry\":\"%lld\"}",
                      (long long)plant_db_int(c->db, "SELECT max(n) FROM status", 0)));
}

void plm_change_take(struct plm_form *f)
{
    struct plant_call *c = f->c;
    bool get = strcmp(c->method, "GET") == 0;
    if (!*f->arg && get) {
        feed_show(f);
        return;
    }
    char *state = plant_db_text(&c->mem, c->db, "SELECT state FROM changes WHERE number = ?1", 1, f->arg);
    if (!state)
        plm_problem(c, 404, "PLM-404", "change %.60s does not exist", f->arg);
    else if (!*f->tail && get)
        package_show(f);
    else if (strcmp(f->tail, f->odata ? "Status" : "status") != 0)
        plm_problem(c, 404, "PLM-404", "a change has no %.40s", f->tail);
    else if (get)
        status_show(f);
    else if (strcmp(c->method, "POST") == 0)
        status_take(f, state);
    else
        plm_problem(c, 405, "PLM-405", "a status is posted or got");
}
