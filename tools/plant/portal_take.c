/*
 * portal_take.c - the portal's doors: posts for a partner, what became of one, the feed (see portal.h)
 *
 * A post's answer is kept under its key beside what was asked, so that the same again is answered the same and
 * another body under the key is refused. A refusal keeps nothing. With option idempotency = off keys are only noted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/portal.h"

/* ---- what is posted ------------------------------------------------------------------------------------------ */
bool portal_forecast_begin(struct plant_call *c, const char *partner, const char *id, struct portal_refusal *why)
{
    if (!id || !*id)
        return portal_refuse(c, why, "SP-020", "A forecast needs an id");
    plant_db_do(c->db, "DELETE FROM needs WHERE supplier = ?1 AND id = ?2", 2, partner, id);
    plant_db_do(c->db, "INSERT INTO forecasts VALUES(?1, ?2, ?3, 1) ON CONFLICT(supplier, id) DO UPDATE SET t = ?3,"
                       " times = times + 1", 3, partner, id, plant_now(c));
    return true;
}

bool portal_need_take(struct plant_call *c, const char *partner, const char *id, const struct portal_need *n,
                      struct portal_refusal *why)
{
    int64_t milli;
    if (plant_db_int(c->db, "SELECT count(*) FROM approved WHERE item = ?1 AND supplier = ?2", 2, n->item, partner) == 0)
        return portal_refuse(c, why, "SP-011", "Partner %s is not approved for item %s", partner, n->item);
    if (!plant_qty_read(n->quantity, &milli) || milli < 0)
        return portal_refuse(c, why, "SP-021", "Item %s: %s is no quantity", n->item, n->quantity);
    if (strlen(n->day) != 10)
        return portal_refuse(c, why, "SP-021", "Item %s: a need is without its day", n->item);
    plant_db_do(c->db, "INSERT INTO needs VALUES(?1, ?2, ?3, ?4, ?5, ?6)", 6, partner, id, n->item, n->day, n->quantity,
                n->firmness);
    return true;
}

static const char *at(struct plant_call *c, struct plant_text json, const char *pointer)
{
    struct plant_text t;
    char *s = plant_json_find(json, pointer, &t) ? plant_json_text(&c->mem, t) : NULL;
    return s ? s : "";
}

static bool forecast_take(struct plant_call *c, const char *partner, const char **id, struct portal_refusal *why)
{
    struct plant_text lines, line, periods, one;
    struct plant_items it, in;
    *id = at(c, c->rq->body, "/id");
    if (!portal_forecast_begin(c, partner, *id, why))
        return false;
    if (!plant_json_find(c->rq->body, "/lines", &lines))
        return portal_refuse(c, why, "SP-020", "A forecast needs lines");
    plant_items_of(lines, false, &it);
    while (plant_items_next(&it, &line)) {
        if (!plant_json_find(line, "/periods", &periods))
            return portal_refuse(c, why, "SP-020", "A forecast's line needs periods");
        plant_items_of(periods, false, &in);
        while (plant_items_next(&in, &one)) {
            struct portal_need n = {at(c, line, "/item/id"), at(c, one, "/from"), at(c, one, "/quantity/value"),
                                    at(c, one, "/firmness")};
            if (!portal_need_take(c, partner, *id, &n, why))
                return false;
        }
    }
    return true;
}

static bool change_take(struct plant_call *c, const char *partner, const char **id, struct portal_refusal *why)
{
    struct plant_text list, one;
    struct plant_items it;
    *id = at(c, c->rq->body, "/id");
    if (!**id || !plant_json_find(c->rq->body, "/affected", &list))
        return portal_refuse(c, why, "SP-020", "A change notice needs id and affected");
    plant_db_do(c->db, "INSERT OR REPLACE INTO changes VALUES(?1, ?2, ?3, ?4)", 4, partner, *id, plant_now(c),
                at(c, c->rq->body, "/title"));
    plant_items_of(list, false, &it);
    while (plant_items_next(&it, &one))
        if (strcmp(at(c, one, "/object"), "item") == 0 && *at(c, one, "/toRevision"))
            plant_db_do(c->db, "UPDATE items SET revision = ?2 WHERE item = ?1", 2, at(c, one, "/item/id"),
                        at(c, one, "/toRevision"));
    return true;
}

/* What the partner's path ends with. */
static const struct {
    const char *kind, *effect;
    bool (*json)(struct plant_call *c, const char *partner, const char **id, struct portal_refusal *why);
} kinds[] = {{"forecasts", "forecast", forecast_take}, {"changes", "change", change_take},
             {"acknowledgements", "acknowledgement", NULL}};

static void keep(struct plant_call *c, const char *partner, const char *kind, const char *id)
{
    char status[16];
    snprintf(status, sizeof status, "%d", c->status);
    if (*c->key)
        plant_db_do(c->db, "INSERT OR REPLACE INTO submissions VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", 8, c->key, partner,
                    kind, plant_mem_text(&c->mem, c->rq->body), status, c->type, c->body.p, id);
}

/* The key came before: true, and it is answered. */
static bool again(struct plant_call *c)
{
    sqlite3_stmt *st;
    if (!*c->key || strcmp(plant_option(c, "idempotency", "on"), "off") == 0)
        return false;
    st = plant_db_ask(c->db, "SELECT asked, status, media, answer FROM submissions WHERE key = ?1", 1, c->key);
    if (!plant_db_row(&st))
        return false;
    if (strcmp(plant_db_col(st, 0), plant_mem_text(&c->mem, c->rq->body)) != 0) {
        portal_problem(c, 422, "SP-022", "This Idempotency-Key was used for something else");
    } else {
        plant_puts(&c->head, "Idempotent-Replayed: true\r\n");
        plant_call_answer(c, atoi(plant_db_col(st, 1)), plant_mem_printf(&c->mem, "%s", plant_db_col(st, 2)),
                          plant_db_col(st, 3));
    }
    sqlite3_finalize(st);
    return true;
}

static void post_do(struct plant_call *c, size_t k, const char *partner)
{
    bool x12 = strncmp(plant_call_header(c, "content-type"), PORTAL_X12, strlen(PORTAL_X12)) == 0, good;
    struct portal_refusal why = {0};
    struct portal_x12 x = {0};
    struct plant_buf b;
    const char *id = "";
    plant_buf_init(&b, &c->mem);
    if (x12 && k == 0)
        good = portal_x12_forecast(c, partner, &x, &why);
    else if (x12 && k == 2)
        good = portal_x12_acknowledgement(c, partner, &why);
    else if (x12 || !kinds[k].json)
        good = portal_refuse(c, &why, "SP-015", "%s are not taken in this form", kinds[k].kind);
    else
        good = kinds[k].json(c, partner, &id, &why);
    if (x12 && k == 0 && x.control) {
        portal_x12_997(c, partner, &x, &b);
        plant_call_answer(c, good ? 201 : 422, PORTAL_X12, b.p);
        id = x.id ? x.id : "";
    } else if (!good) {
        portal_problem(c, strcmp(why.code, "SP-015") == 0 ? 415 : 422, why.code, why.text);
    } else {
        plant_putf(&b, "{\"id\":\"%s\",\"status\":\"accepted\",\"reference\":", plant_number(c, "receipt", 1000001, 7));
        plant_put_json(&b, id);
        plant_puts(&b, "}");
        plant_call_answer(c, 201, "application/json", b.p);
    }
    if (!good)
        return;
    plant_effect(c, kinds[k].effect, plant_mem_printf(&c->mem, "%s/%s", partner, id), id);
    keep(c, partner, kinds[k].effect, id);
}

void portal_post_take(struct plant_call *c)
{
    const char *from = c->path + strlen("/v1/partners/"), *slash = strchr(from, '/');
    struct portal_refusal why = {0};
    size_t k = 0;
    while (slash && k < sizeof kinds / sizeof *kinds && strcmp(slash + 1, kinds[k].kind) != 0)
        k++;
    if (!slash || k == sizeof kinds / sizeof *kinds) {
        plant_call_answer(c, 404, "text/plain", "no such resource");
        return;
    }
    char *partner = plant_url_decode(&c->mem, (struct plant_text){from, (size_t)(slash - from)}, false);
    if (!portal_signed(c, &why))
        portal_problem(c, 401, why.code, why.text);
    else if (plant_db_int(c->db, "SELECT count(*) FROM suppliers WHERE supplier = ?1", 1, partner) == 0)
        portal_problem(c, 404, "SP-010", plant_mem_printf(&c->mem, "There is no partner %.40s", partner));
    else if (!portal_rate_left(c, partner)) {
        plant_puts(&c->head, "Retry-After: 1\r\n");
        portal_problem(c, 429, "SP-429", plant_mem_printf(&c->mem, "Partner %s takes no more this second", partner));
    } else if (!again(c))
        post_do(c, k, partner);
}

/* ---- what is asked ------------------------------------------------------------------------------------------- */
void portal_submission_show(struct plant_call *c)
{
    const char *from = c->path + strlen("/v1/submissions/");
    char *key = plant_url_decode(&c->mem, (struct plant_text){from, strlen(from)}, false);
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT partner, kind, id FROM submissions WHERE key = ?1", 1, key);
    if (!plant_db_row(&st)) {
        portal_problem(c, 404, "SP-004", "There is no submission with this key");
        return;
    }
    c->status = 200;
    c->type = "application/json";
    plant_puts(&c->body, "{\"key\":");
    plant_put_json(&c->body, key);
    plant_putf(&c->body, ",\"partner\":\"%s\",\"kind\":\"%s\",\"status\":\"accepted\",\"reference\":", plant_db_col(st, 0),
               plant_db_col(st, 1));
    plant_put_json(&c->body, plant_db_col(st, 2));
    plant_puts(&c->body, "}");
    sqlite3_finalize(st);
}

static void message_put(struct plant_call *c, sqlite3_stmt *st)
{
    bool x12 = strcmp(plant_db_col(st, 4), PORTAL_X12) == 0;
    plant_putf(&c->body, "{\"sequence\":%s,\"id\":\"SP-%08ld\",\"time\":\"%s\",\"partner\":\"%s\",\"kind\":\"%s\","
                         "\"contentType\":\"%s\",\"correlation\":", plant_db_col(st, 0), atol(plant_db_col(st, 0)),
               plant_db_col(st, 1), plant_db_col(st, 2), plant_db_col(st, 3), plant_db_col(st, 4));
    plant_put_json(&c->body, *plant_db_col(st, 6) ? plant_db_col(st, 6) : NULL);
    plant_puts(&c->body, x12 ? ",\"text\":" : ",\"body\":");
    if (x12)
        plant_put_json(&c->body, plant_db_col(st, 5));
    else
        plant_puts(&c->body, plant_db_col(st, 5));
    plant_puts(&c->body, "}");
}

void portal_messages_show(struct plant_call *c)
{
    char *after = plant_call_query(c, "after"), *per = plant_call_query(c, "limit"), *last = NULL;
    int64_t limit = per ? atoll(per) : 50, n = 0;
    bool more = false;
    if (limit < 1 || limit > 500)
        limit = 500;
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT n, t, partner, kind, media, body, correlation FROM messages"
                                           " WHERE n > CAST(?1 AS INTEGER) ORDER BY n", 1, after ? after : "0");
    c->status = 200;
    c->type = "application/json";
    plant_puts(&c->body, "{\"messages\":[");
    while (plant_db_row(&st)) {
        if (n == limit) {
            more = true;
            sqlite3_finalize(st);
            break;
        }
        plant_puts(&c->body, n++ ? "," : "");
        message_put(c, st);
        last = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 0));
    }
    plant_puts(&c->body, "]}");
    if (more)
        plant_putf(&c->head, "Link: </v1/messages?after=%s&limit=%lld>; rel=\"next\"\r\n", last, (long long)limit);
}
