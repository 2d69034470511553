/*
 * wms_epcis.c - the WMS's EPCIS 2.0 door: capture, capture jobs, event queries (see wms.h)
 *
 * A capture answers 202 and says in Location where its job is; the job says whether its events were taken, all or
 * none. The repository does not look for doubles, as many do not: the same eventID again is a second effect.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/wms.h"

const char *wms_at(struct plant_call *c, struct plant_text event, const char *pointer)
{
    struct plant_text t;
    char *s = plant_json_find(event, pointer, &t) ? plant_json_text(&c->mem, t) : NULL;
    return s ? s : "";
}

bool wms_event_take(struct plant_call *c, struct plant_text ev, struct wms_refusal *why)
{
    const char *id = wms_at(c, ev, "/eventID"), *time = wms_at(c, ev, "/eventTime");
    if (!*time || !*wms_at(c, ev, "/type"))
        return wms_refuse(c, why, "WMS-001", "An event needs type and eventTime");
    if (!*id)
        id = plant_mem_printf(&c->mem, "urn:plant:event:%s", plant_number(c, "event", 1, 1));
    if (!wms_stock_apply(c, ev, why))
        return false;
    plant_db_do(c->db, "INSERT INTO epcis(id, t, correlation, json) VALUES(?1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),"
                " ?2, ?3)", 3, id, c->correlation, plant_mem_text(&c->mem, ev));
    plant_effect(c, "event", id, id);
    return true;
}

static void problem(struct plant_call *c, int status, const char *kind, const char *code, const char *text)
{
    struct plant_buf b;
    plant_buf_init(&b, &c->mem);
    plant_putf(&b, "{\"type\":\"epcisException:%s\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\",\"detail\":", kind,
               kind, status, code);
    plant_put_json(&b, text);
    plant_puts(&b, "}");
    plant_call_answer(c, status, "application/problem+json", b.p);
}

static bool events_take(struct plant_call *c, struct plant_text list, bool lines, struct wms_refusal *why)
{
    struct plant_items it;
    struct plant_text one;
    bool good = true;
    plant_db_script(c->db, "SAVEPOINT capture");
    plant_items_of(list, lines, &it);
    while (good && plant_items_next(&it, &one))
        good = wms_event_take(c, one, why);
    plant_db_script(c->db, good ? "RELEASE capture" : "ROLLBACK TO capture; RELEASE capture");
    return good;
}

static void capture(struct plant_call *c)
{
    struct plant_text list;
    struct wms_refusal why = {0};
    const char *bad = "no events", *text = NULL;
    bool xml = strstr(plant_call_header(c, "content-type"), "xml") != NULL;
    if (xml)
        text = wms_xml_events(c, &bad);
    if (xml ? text == NULL : !plant_json_find(c->rq->body, "/epcisBody/eventList", &list)) {
        problem(c, 400, "ValidationException", "WMS-001", plant_mem_printf(&c->mem, "Not an EPCIS document: %s", bad));
        return;
    }
    if (xml)
        list = (struct plant_text){text, strlen(text)};
    events_take(c, list, xml, &why);
    const char *id = plant_number(c, "capture", 1000001, 7);
    int64_t ms = plant_option_int(c, "capture_ms", 0);
    plant_db_do(c->db, "INSERT INTO captures(id, t, ready, code, text) VALUES(?1, ?2,"
                " CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) + CAST(?3 AS INTEGER), ?4, ?5)", 5, id,
                plant_now(c), plant_mem_printf(&c->mem, "%lld", (long long)ms), why.code ? why.code : "",
                why.text ? why.text : "");
    plant_putf(&c->head, "Location: /epcis/v2/capture/%s\r\n", id);
    plant_call_answer(c, 202, "text/plain", "");
}

static void capture_show(struct plant_call *c, const char *id)
{
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT t, ready > CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),"
                                    " code, text FROM captures WHERE id = ?1", 1, id);
    if (!plant_db_row(&st)) {
        problem(c, 404, "NoSuchResourceException", "WMS-004", "No such capture job");
        return;
    }
    bool running = *plant_db_col(st, 1) == '1', good = !*plant_db_col(st, 2);
    c->status = 200;
    c->type = "application/json";
    plant_putf(&c->body, "{\"captureID\":\"%s\",\"createdAt\":\"%s\",\"running\":%s,\"success\":%s,"
                         "\"captureErrorBehaviour\":\"rollback\",\"errors\":[", id, plant_db_col(st, 0),
               running ? "true" : "false", good && !running ? "true" : "false");
    if (!running && !good) {
        plant_putf(&c->body, "{\"type\":\"epcisException:ValidationException\",\"title\":\"Refused\",\"code\":\"%s\","
                             "\"detail\":", plant_db_col(st, 2));
        plant_put_json(&c->body, plant_db_col(st, 3));
        plant_puts(&c->body, "}");
    }
    plant_puts(&c->body, "]}");
    sqlite3_finalize(st);
}

/* The event as it was, with what the repository adds: its id and the time it was recorded. */
static void event_put(struct plant_call *c, sqlite3_stmt *st, struct plant_buf *b)
{
    struct plant_text json = {plant_db_col(st, 3), strlen(plant_db_col(st, 3))}, key, value;
    struct plant_items it;
    plant_puts(b, "{\"eventID\":");
    plant_put_json(b, plant_db_col(st, 1));
    plant_putf(b, ",\"recordTime\":\"%s\"", plant_db_col(st, 2));
    if (*plant_db_col(st, 4)) {
        plant_puts(b, ",\"wms:correlation\":");
        plant_put_json(b, plant_db_col(st, 4));
    }
    if (plant_members_of(json, &it))
        while (plant_members_next(&it, &key, &value)) {
            const char *name = plant_mem_text(&c->mem, key);
            if (strcmp(name, "eventID") == 0 || strcmp(name, "recordTime") == 0 || strcmp(name, "wms:correlation") == 0)
                continue;
            plant_putf(b, ",\"%s\":%s", name, plant_mem_text(&c->mem, value));
        }
    plant_puts(b, "}");
}

static const char context[] = "[\"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld\",{\"wms\":\"urn:plant:wms:\"}]";

static void events_show(struct plant_call *c)
{
    char *since = plant_call_query(c, "GE_recordTime"), *id = plant_call_query(c, "EQ_eventID");
    char *token = plant_call_query(c, "nextPageToken"), *per = plant_call_query(c, "perPage"), *more = NULL;
    int64_t limit = per ? atoll(per) : 30, n = 0;
    bool xml = strstr(plant_call_header(c, "accept"), "xml") != NULL;
    if (limit < 1 || limit > 1000)
        limit = 1000;
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT n, id, t, json, correlation FROM epcis WHERE t >= ?1 AND (?2 = '' OR"
                                    " id = ?2) AND n >= CAST(?3 AS INTEGER) ORDER BY n", 3, since ? since : "",
                                    id ? id : "", token ? token : "0");
    c->status = 200;
    c->type = xml ? "application/xml" : "application/ld+json";
    if (xml)
        plant_putf(&c->body, "<epcisq:EPCISQueryDocument xmlns:epcisq=\"urn:epcglobal:epcis-query:xsd:2\" xmlns:wms=\""
                             "urn:plant:wms:\" schemaVersion=\"2.0\" creationDate=\"%s\"><EPCISBody><epcisq:QueryResults>"
                             "<queryName>q</queryName><resultsBody><EventList>", plant_now(c));
    else
        plant_putf(&c->body, "{\"@context\":%s,\"type\":\"EPCISQueryDocument\",\"schemaVersion\":\"2.0\",\"creationDate\":"
                             "\"%s\",\"epcisBody\":{\"queryResults\":{\"queryName\":\"q\",\"resultsBody\":{\"eventList\":[",
                   context, plant_now(c));
    while (plant_db_row(&st)) {
        if (n == limit) {
            more = plant_mem_printf(&c->mem, "%s", plant_db_col(st, 0));
            sqlite3_finalize(st);
            break;
        }
        struct plant_buf b;
        plant_buf_init(&b, &c->mem);
        event_put(c, st, &b);
        if (xml)
            wms_xml_put(c, &c->body, (struct plant_text){b.p, b.n});
        else
            plant_putf(&c->body, "%s%s", n ? "," : "", b.p);
        n++;
    }
    plant_puts(&c->body, xml ? "</EventList></resultsBody></epcisq:QueryResults></EPCISBody></epcisq:EPCISQueryDocument>"
                             : "]}}}}");
    if (more) {
        plant_putf(&c->head, "Link: </epcis/v2/events?perPage=%lld&nextPageToken=%s", (long long)limit, more);
        if (since) {
            plant_puts(&c->head, "&GE_recordTime=");
            plant_put_url(&c->head, since);
        }
        plant_puts(&c->head, ">; rel=\"next\"\r\n");
    }
}

static void event_show(struct plant_call *c, const char *id)
{
    sqlite3_stmt *st = plant_db_ask(c->db, "SELECT n, id, t, json, correlation FROM epcis WHERE id = ?1", 1, id);
    if (!plant_db_row(&st)) {
        problem(c, 404, "NoSuchResourceException", "WMS-005", "No such event");
        return;
    }
    c->status = 200;
    c->type = "application/ld+json";
    event_put(c, st, &c->body);
    sqlite3_finalize(st);
}

void wms_epcis_take(struct plant_call *c)
{
    static const char jobs[] = "/epcis/v2/capture/", events[] = "/epcis/v2/events/";
    bool get = strcmp(c->method, "GET") == 0;
    if (!get && strcmp(c->path, "/epcis/v2/capture") == 0)
        capture(c);
    else if (get && strncmp(c->path, jobs, sizeof jobs - 1) == 0)
        capture_show(c, c->path + sizeof jobs - 1);
    else if (get && strcmp(c->path, "/epcis/v2/events") == 0)
        events_show(c);
    else if (get && strncmp(c->path, events, sizeof events - 1) == 0)
        event_show(c, plant_url_decode(&c->mem, (struct plant_text){c->path + sizeof events - 1,
                                                                     strlen(c->path) - (sizeof events - 1)}, false));
    else
        problem(c, 404, "NoSuchResourceException", "WMS-004", "No such resource");
}
