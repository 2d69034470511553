/*
 * control.c - /control/... of every system: faults, effects, options, locks, subscriptions, events
 *
 * No credentials and no faults here: it is the test's own door. Answers are JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/plant/json.h"
#include "tools/plant/kit.h"

static void faults_get(struct plant_call *c)
{
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    plant_spoils_show(&c->sys->spoils, &b);
    plant_call_answer(c, 200, "application/json", b.p);
}

static void bad(struct plant_call *c, const char *why)
{
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    plant_puts(&b, "{\"error\":");
    plant_put_json(&b, why);
    plant_puts(&b, "}");
    plant_call_answer(c, 400, "application/json", b.p);
}

static void faults_put(struct plant_call *c)
{
    const char *why;
    if (!plant_spoils_read(&c->sys->spoils, c->rq->body, &c->mem, &why))
        bad(c, why);
    else
        faults_get(c);
}

char *plant_json_text(struct plant_mem *m, struct plant_text v)
{
    static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
    if (v.n == 4 && memcmp(v.p, "null", 4) == 0)
        return NULL;
    if (v.n < 2 || v.p[0] != '"')
        return plant_mem_text(m, v);
    char *out = plant_mem_take(m, v.n);
    size_t n = 0;
    for (size_t i = 1; i + 1 < v.n; i++) {
        if (v.p[i] != '\\') {
            out[n++] = v.p[i];
            continue;
        }
        const char *f = strchr(from, v.p[++i]);
        if (v.p[i] == 'u' && i + 5 < v.n) {
            char hex[5] = {v.p[i + 1], v.p[i + 2], v.p[i + 3], v.p[i + 4], 0};
            unsigned long u = strtoul(hex, NULL, 16);
            i += 4;
            if (u == 0)
                continue;
            if (u < 0x80) {
                out[n++] = (char)u;
            } else if (u < 0x800) {
                out[n++] = (char)(0xc0 | u >> 6);
                out[n++] = (char)(0x80 | (u & 0x3f));
            } else {
                out[n++] = (char)(0xe0 | u >> 12);
                out[n++] = (char)(0x80 | (u >> 6 & 0x3f));
                out[n++] = (char)(0x80 | (u & 0x3f));
            }
        } else {
            out[n++] = f ? to[f - from] : v.p[i];
        }
    }
    return out;
}

/* ?kind=K&key=K&object=O&doubles=1&after=N&limit=N */
static void effects_get(struct plant_call *c)
{
    struct plant_buf b;
    const char *kind = plant_call_query(c, "kind"), *key = plant_call_query(c, "key");
    const char *after = plant_call_query(c, "after"), *limit = plant_call_query(c, "limit");
    plant_buf_init(&b, &c->mem);
    plant_putf(&b, "{\"effects\":%lld,\"keyless\":%lld,\"doubles\":%lld,\"calls\":%llu,\"rows\":[",
               (long long)plant_db_int(c->db, "SELECT count(*) FROM effects", 0),
               (long long)plant_db_int(c->db, "SELECT count(*) FROM effects WHERE key = ''", 0),
               (long long)plant_db_int(c->db, "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM"
                                              " effects WHERE key != '' GROUP BY kind, key HAVING n > 1)", 0),
               (unsigned long long)c->sys->calls);
    sqlite3_stmt *st = plant_db_ask(
        c->db, plant_call_query(c, "doubles")
                   ? "SELECT e.n, t, e.kind, e.key, object, correlation FROM effects e JOIN (SELECT kind, key FROM"
                     " effects WHERE key != '' GROUP BY kind, key HAVING count(*) > 1) d USING(kind, key)"
                     " WHERE (?1 IS NULL OR e.kind = ?1) AND (?2 IS NULL OR e.key = ?2)"
                     " AND e.n > coalesce(?3, 0) + 0 ORDER BY e.n LIMIT coalesce(?4, 1000) + 0"
                   : "SELECT n, t, kind, key, object, correlation FROM effects WHERE (?1 IS NULL OR kind = ?1)"
                     " AND (?2 IS NULL OR key = ?2) AND n > coalesce(?3, 0) + 0 ORDER BY n"
                     " LIMIT coalesce(?4, 1000) + 0",
        4, kind, key, after, limit);
    for (bool first = true; plant_db_row(&st); first = false) {
        static const char *const names[] = {"t", "kind", "key", "object", "correlation"};
        plant_putf(&b, "%s{\"n\":%s", first ? "" : ",", plant_db_col(st, 0));
        for (int i = 0; i < 5; i++) {
            plant_putf(&b, ",\"%s\":", names[i]);
            plant_put_json(&b, plant_db_col(st, i + 1));
        }
        plant_puts(&b, "}");
    }
    plant_puts(&b, "]}");
    plant_call_answer(c, 200, "application/json", b.p);
}

static void events_get(struct plant_call *c)
{
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    plant_puts(&b, "{\"events\":[");
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT n, t, type, media, body FROM events WHERE n > coalesce(?1, 0) + 0"
                                           " ORDER BY n LIMIT 1000", 1, plant_call_query(c, "after"));
    for (bool first = true; plant_db_row(&st); first = false) {
        plant_putf(&b, "%s{\"n\":%s,\"t\":\"%s\",\"type\":", first ? "" : ",", plant_db_col(st, 0),
                   plant_db_col(st, 1));
        plant_put_json(&b, plant_db_col(st, 2));
        plant_puts(&b, ",\"raw\":"); /* to the byte, as it was signed */
        plant_put_json(&b, plant_db_col(st, 4));
        if (strstr(plant_db_col(st, 3), "json"))
            plant_putf(&b, ",\"body\":%s", plant_db_col(st, 4));
        plant_puts(&b, "}");
    }
    plant_puts(&b, "]}");
    plant_call_answer(c, 200, "application/json", b.p);
}

static void options_put(struct plant_call *c)
{
    struct plant_items it;
    struct plant_text k, v;
    if (!plant_members_of(c->rq->body, &it)) {
        bad(c, "send an object of options, such as {\"page\":50}");
        return;
    }
    while (plant_members_next(&it, &k, &v))
        plant_db_do(c->db, "INSERT INTO options VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = ?2", 2,
                    plant_mem_text(&c->mem, k), plant_json_text(&c->mem, v));
    plant_call_answer(c, 200, "application/json", "{}");
}

/* {"object":"FG-1","user":"MILLER","seconds":60}; seconds 0 ends it. */
static void locks_put(struct plant_call *c)
{
    char *object = plant_call_json(c, "/object"), *user = plant_call_json(c, "/user");
    char *seconds = plant_call_json(c, "/seconds");
    if (!object) {
        bad(c, "send {\"object\":\"...\",\"user\":\"MILLER\",\"seconds\":60}");
        return;
    }
    plant_db_do(c->db, "INSERT INTO locks VALUES(?1, ?2, unixepoch() + ?3) ON CONFLICT(object) DO UPDATE SET"
                       " user = ?2, until = unixepoch() + ?3", 3, object, user ? user : "MILLER",
                seconds ? seconds : "60");
    plant_call_answer(c, 200, "application/json", "{}");
}

/* {"url":"http://127.0.0.1:1234/x","types":"","secret":"..."}: events from now on. */
static void subscriptions_put(struct plant_call *c)
{
    char *url = plant_call_json(c, "/url"), *types = plant_call_json(c, "/types");
    if (!url) {
        bad(c, "send {\"url\":\"http://127.0.0.1:PORT/PATH\",\"types\":\"a prefix or nothing\",\"secret\":\"...\"}");
        return;
    }
    plant_db_do(c->db, "INSERT INTO subscriptions VALUES(?1, ?2, ?3, (SELECT coalesce(max(n), 0) FROM events))"
                       " ON CONFLICT(url) DO UPDATE SET types = ?2, secret = ?3", 3, url, types ? types : "",
                plant_call_json(c, "/secret"));
    plant_call_answer(c, 200, "application/json", "{}");
}

/* With what it can do and how often plant load chooses that. */
static void health_get(struct plant_call *c)
{
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    plant_putf(&b, "{\"system\":\"%s\",\"ok\":true,\"actions\":{", c->sys->kind->name);
    for (const struct plant_action *a = c->sys->kind->actions; a && a->name; a++)
        plant_putf(&b, "%s\"%s\":%u", a == c->sys->kind->actions ? "" : ",", a->name, a->weight);
    plant_puts(&b, "}}");
    plant_call_answer(c, 200, "application/json", b.p);
}

static bool action_take(struct plant_call *c)
{
    if (strcmp(c->method, "POST") != 0 || strncmp(c->path, "/control/do/", 12) != 0)
        return false;
    for (const struct plant_action *a = c->sys->kind->actions; a && a->name; a++)
        if (strcmp(a->name, c->path + 12) == 0) {
            a->take(c);
            return true;
        }
    return false;
}

void plant_control_take(struct plant_call *c)
{
    static const struct {
        const char *method, *path;
        void (*take)(struct plant_call *c);
    } doors[] = {{"GET", "faults", faults_get}, {"PUT", "faults", faults_put},
                 {"GET", "effects", effects_get}, {"GET", "events", events_get},
                 {"PUT", "options", options_put}, {"PUT", "lock", locks_put},
                 {"PUT", "subscriptions", subscriptions_put}, {"GET", "health", health_get}};
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++)
        if (strcmp(c->method, doors[i].method) == 0 && strcmp(c->path + 9, doors[i].path) == 0) {
            doors[i].take(c);
            return;
        }
    if (!action_take(c))
        plant_call_answer(c, 404, "application/json",
                          "{\"error\":\"/control/ has faults, effects, events, options, lock, subscriptions,"
                          " do/ACTION and health, which lists the actions\"}");
}
