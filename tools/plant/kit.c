/* kit.c - see kit.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/plant/json.h"
#include "tools/plant/kit.h"

#define NOTE_PASS 1u /* the call has had its fault and is handled now */

static const char base_schema[] =
    "CREATE TABLE IF NOT EXISTS options(name TEXT PRIMARY KEY, value TEXT);"
    "CREATE TABLE IF NOT EXISTS numbers(name TEXT PRIMARY KEY, last INTEGER);"
    "CREATE TABLE IF NOT EXISTS tokens(token TEXT PRIMARY KEY, client TEXT, until INTEGER);"
    "CREATE TABLE IF NOT EXISTS sessions(token TEXT PRIMARY KEY, cookie TEXT, until INTEGER);"
    "CREATE TABLE IF NOT EXISTS locks(object TEXT PRIMARY KEY, user TEXT, until INTEGER);"
    "CREATE TABLE IF NOT EXISTS effects(n INTEGER PRIMARY KEY, t TEXT, kind TEXT, key TEXT, object TEXT,"
    " correlation TEXT);"
    "CREATE INDEX IF NOT EXISTS effects_key ON effects(kind, key);"
    "CREATE TABLE IF NOT EXISTS events(n INTEGER PRIMARY KEY, t TEXT, type TEXT, media TEXT, body TEXT,"
    " correlation TEXT);"
    "CREATE TABLE IF NOT EXISTS subscriptions(url TEXT PRIMARY KEY, types TEXT, secret TEXT, done INTEGER);";

void plant_system_open(struct plant_system *s, const struct plant_kind *k, const char *dir)
{
    struct plant_mem m = {0};
    *s = (struct plant_system){.kind = k, .dir = dir};
    s->db = plant_db_open(plant_mem_printf(&m, "%s/%s.db", dir, k->name));
    plant_db_script(s->db, base_schema);
    if (k->make)
        k->make(s->db);
    plant_db_script(s->db, k->schema);
    if (plant_db_int(s->db, "SELECT count(*) FROM options WHERE name = 'seeded'", 0) == 0) {
        plant_db_do(s->db, "ATTACH ?1 AS factory", 1, plant_mem_printf(&m, "%s/factory.db", dir));
        plant_db_script(s->db, "BEGIN");
        plant_db_script(s->db, k->seed);
        plant_db_script(s->db, "INSERT INTO options VALUES('seeded','1'); COMMIT; DETACH factory");
    }
    plant_mem_free(&m);
}

void plant_system_close(struct plant_system *s)
{
    plant_system_sync(s);
    plant_server_free(&s->server);
    plant_table_free(&s->spoils.seen);
    sqlite3_close(s->db);
    s->db = NULL;
}

void plant_system_sync(void *arg)
{
    struct plant_system *s = arg;
    if (!sqlite3_get_autocommit(s->db))
        plant_db_script(s->db, "COMMIT");
}

/* ---- a call ----------------------------------------------------------------------------------- */

static void call_init(struct plant_call *c, struct plant_system *s, const struct plant_request *rq)
{
    memset(c, 0, sizeof *c);
    c->sys = s;
    c->db = s->db;
    c->rq = rq;
    c->type = "application/json";
    plant_buf_init(&c->head, &c->mem);
    plant_buf_init(&c->body, &c->mem);
    c->method = plant_mem_text(&c->mem, rq->method);
    char *path = plant_mem_text(&c->mem, rq->path), *q = strchr(path, '?');
    if (q)
        *q++ = '\0';
    c->path = path;
    c->query = q ? q : "";
    c->key = plant_call_header(c, "idempotency-key");
    c->correlation = plant_call_header(c, "x-correlation-id");
}

static void refuse(struct plant_call *c, const char *what, int status, const char *text)
{
    if (c->sys->kind->refuse) {
        c->sys->kind->refuse(c, what);
        return;
    }
    plant_call_answer(c, status, "application/json", plant_mem_printf(&c->mem, "{\"error\":\"%s\"}", text));
}

/* More calls in this second than option rate allows. */
static bool too_many(struct plant_call *c)
{
    int64_t rate = plant_option_int(c, "rate", 0), second = plant_now_ms() / 1000;
    if (c->sys->second != second)
        c->sys->taken = 0;
    c->sys->second = second;
    return rate > 0 && ++c->sys->taken > rate;
}

static void dispatch(struct plant_call *c)
{
    if (too_many(c)) {
        plant_puts(&c->head, "Retry-After: 1\r\n");
        plant_call_answer(c, 429, "application/json", "{\"error\":\"too many calls\"}");
        return;
    }
    for (const struct plant_route *r = c->sys->kind->routes; r->method; r++) {
        if ((r->method[0] != '*' && strcmp(r->method, c->method) != 0) ||
            strncmp(c->path, r->prefix, strlen(r->prefix)) != 0)
            continue;
        if (!r->open && !plant_call_allowed(c))
            refuse(c, "auth", 401, "credentials are missing or wrong");
        else
            r->take(c);
        return;
    }
    plant_call_answer(c, 404, "application/json", "{\"error\":\"no such path\"}");
}

/* What a fault does before the call's own rules: true when the call is answered with that. */
static bool spoil_before(struct plant_call *c, struct plant_conn *conn, struct plant_spoil *f)
{
    switch (f->kind) {
    case SPOIL_LATENCY:
        plant_wait(conn, f->ms, NOTE_PASS);
        return true;
    case SPOIL_DOWN:
        plant_reset(conn);
        return true;
    case SPOIL_RESET:
        if (!f->after)
            plant_reset(conn);
        return !f->after;
    case SPOIL_TOKEN:
        plant_db_do(c->db, "DELETE FROM tokens", 0);
        return false;
    case SPOIL_CSRF:
        plant_db_do(c->db, "DELETE FROM sessions", 0);
        return false;
    default:
        return false;
    }
}

static void retry_after(struct plant_call *c, const struct plant_spoil *f)
{
    char date[64];
    struct tm tm;
    if (!f->retry_after[0] || (f->status != 429 && f->status != 503))
        return;
    if (strncmp(f->retry_after, "date:", 5) != 0) {
        plant_putf(&c->head, "Retry-After: %s\r\n", f->retry_after);
        return;
    }
    time_t t = time(NULL) + atoi(f->retry_after + 5);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
    plant_putf(&c->head, "Retry-After: %s\r\n", date);
}

static void status_spoil(struct plant_call *c, const struct plant_spoil *f)
{
    plant_buf_init(&c->head, &c->mem);
    retry_after(c, f);
    plant_call_answer(c, f->status, "application/json",
                      plant_mem_printf(&c->mem, "{\"error\":{\"code\":\"SIM/%d\",\"message\":"
                                                "{\"lang\":\"en\",\"value\":\"simulated fault\"}}}", f->status));
}

static void call_take(struct plant_call *c, const struct plant_spoil *f)
{
    plant_db_script(c->db, "SAVEPOINT call");
    if (strncmp(c->path, "/control/", 9) == 0)
        plant_control_take(c);
    else if (f && f->kind == SPOIL_STATUS && !f->after)
        status_spoil(c, f);
    else if (f && f->kind == SPOIL_LOCK)
        refuse(c, "lock", 423, "locked by user MILLER");
    else if (f && f->kind == SPOIL_ETAG)
        refuse(c, "etag", 412, "somebody was faster");
    else
        dispatch(c);
    if (c->status >= 400)
        plant_db_script(c->db, "ROLLBACK TO call");
    plant_db_script(c->db, "RELEASE call");
    if (f && f->kind == SPOIL_STATUS && f->after)
        status_spoil(c, f);
}

static void call_send(struct plant_call *c, struct plant_conn *conn, const struct plant_spoil *f)
{
    if (*c->correlation && strlen(c->correlation) < 200)
        plant_putf(&c->head, "X-Correlation-ID: %s\r\n", c->correlation);
    if (f && f->kind == SPOIL_RESET) {
        plant_reset(conn);
        return;
    }
    plant_answer(conn, c->status, c->type, c->head.p, c->body.p, c->body.n);
    if (!f)
        return;
    if (f->kind == SPOIL_TRUNCATE)
        plant_cut(conn);
    if (f->kind == SPOIL_LATE)
        plant_slow(conn, f->ms, 0);
    if (f->kind == SPOIL_DRIP)
        plant_slow(conn, 100, f->chunk);
}

void plant_system_call(struct plant_system *s, const struct plant_request *rq, struct plant_call *c)
{
    call_init(c, s, rq);
    call_take(c, NULL);
}

void plant_system_handle(void *arg, struct plant_conn *conn, const struct plant_request *rq)
{
    struct plant_system *s = arg;
    struct plant_call c;
    struct plant_spoil *f = NULL;
    call_init(&c, s, rq);
    if (sqlite3_get_autocommit(s->db))
        plant_db_script(s->db, "BEGIN");
    if (strncmp(c.path, "/control/", 9) == 0) {
        call_take(&c, NULL);
        call_send(&c, conn, NULL);
    } else {
        if (!rq->woken) {
            s->calls++;
            f = plant_spoils_pick(&s->spoils, rq);
        }
        if (!f || !spoil_before(&c, conn, f)) {
            call_take(&c, f);
            call_send(&c, conn, f);
        }
    }
    plant_mem_free(&c.mem);
}

/* ---- for a system's code ---------------------------------------------------------------------- */

const char *plant_call_header(struct plant_call *c, const char *name)
{
    struct plant_text t;
    return plant_header(c->rq, name, &t) ? plant_mem_text(&c->mem, t) : "";
}

char *plant_call_query(struct plant_call *c, const char *name)
{
    for (const char *p = c->query; *p;) {
        size_t n = strcspn(p, "&");
        const char *eq = memchr(p, '=', n);
        char *k = plant_url_decode(&c->mem, (struct plant_text){p, eq ? (size_t)(eq - p) : n}, false);
        if (strcmp(k, name) == 0)
            return plant_url_decode(&c->mem, eq ? (struct plant_text){eq + 1, n - (size_t)(eq + 1 - p)}
                                                : (struct plant_text){"", 0}, false);
        p += n + (p[n] == '&');
    }
    return NULL;
}

void plant_call_answer(struct plant_call *c, int status, const char *type, const char *body)
{
    c->status = status;
    c->type = type;
    plant_buf_init(&c->body, &c->mem);
    plant_puts(&c->body, body);
}

char *plant_call_json(struct plant_call *c, const char *pointer)
{
    struct plant_text v;
    return plant_json_find(c->rq->body, pointer, &v) ? plant_json_text(&c->mem, v) : NULL;
}

void plant_effect(struct plant_call *c, const char *kind, const char *object, const char *ref)
{
    plant_db_do(c->db, "INSERT INTO effects(t, kind, key, object, correlation) VALUES(?1, ?2, ?3, ?4, ?5)", 5,
                plant_now(c), kind, *c->key ? c->key : ref ? ref : "", object, c->correlation);
}

char *plant_option(struct plant_call *c, const char *name, const char *otherwise)
{
    char *s = plant_db_text(&c->mem, c->db, "SELECT value FROM options WHERE name = ?1", 1, name);
    return s ? s : plant_mem_printf(&c->mem, "%s", otherwise);
}

int64_t plant_option_int(struct plant_call *c, const char *name, int64_t otherwise)
{
    char *s = plant_db_text(&c->mem, c->db, "SELECT value FROM options WHERE name = ?1", 1, name);
    return s ? strtoll(s, NULL, 10) : otherwise;
}

char *plant_number(struct plant_call *c, const char *range, int64_t first, int width)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)first);
    plant_db_do(c->db, "INSERT INTO numbers VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET last = last + 1", 2,
                range, text);
    return plant_mem_printf(&c->mem, "%0*lld", width,
                            (long long)plant_db_int(c->db, "SELECT last FROM numbers WHERE name = ?1", 1, range));
}

char *plant_now(struct plant_call *c)
{
    char text[32];
    struct tm tm;
    time_t t = time(NULL) + (time_t)plant_option_int(c, "clock_offset", 0);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    return plant_mem_printf(&c->mem, "%s", text);
}

char *plant_today(struct plant_call *c)
{
    char *s = plant_now(c);
    s[10] = '\0';
    return s;
}

void plant_event(struct plant_call *c, const char *type, const char *media, const char *body)
{
    const char *now = plant_now(c);
    if (c->sys->kind->event_source && strcmp(media, "application/json") == 0) {
        media = "application/cloudevents+json";
        body = plant_mem_printf(&c->mem, "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"%s\",\"type\":\"%s\","
                                         "\"time\":\"%s\",\"datacontenttype\":\"application/json\",\"data\":%s}",
                                plant_db_text(&c->mem, c->db, "SELECT lower(hex(randomblob(16)))", 0),
                                c->sys->kind->event_source, type, now, body);
    }
    plant_db_do(c->db, "INSERT INTO events(t, type, media, body, correlation) VALUES(?1, ?2, ?3, ?4, ?5)", 5, now, type,
                media, body, c->correlation);
}
