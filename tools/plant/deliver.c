/*
 * deliver.c - the simulated ERP takes a call: its items, their keys, the fault that it meets
 *
 * A call's fate is drawn once, from its first item's key. Each item of it gets one line in the log,
 * also when the call is refused, so that a test can tell every arrival from every effect.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/plant/erp.h"
#include "tools/plant/json.h"

struct call { /* one call, for the length of its handling */
    struct plant_erp *e;
    const struct plant_request *rq;
    bool lines, many, redelivery;
    struct plant_text header_key;
    int status; /* as it will be answered, 0: not at all */
};
struct item {
    struct plant_text json, key, id, lane;
    char lane_text[256]; /* when it is put together from several values */
    uint64_t hash[2];
    int64_t seq;
    bool has_seq, redelivery;
};

static bool pick_from(struct call *c, struct plant_text json, const char *where,
                      struct plant_text *out)
{
    if (strncmp(where, "header:", 7) == 0)
        return plant_header(c->rq, where + 7, out);
    return plant_json_get(json, where, out);
}

/* "/type,/item": a lane named by more than one value. */
static void lane_read(struct call *c, struct item *it)
{
    const char *p = c->e->o.lane;
    char one[128];
    size_t len = 0;
    while (*p) {
        struct plant_text t;
        size_t n = strcspn(p, ",");
        if (n < sizeof one) {
            memcpy(one, p, n);
            one[n] = '\0';
            if (pick_from(c, it->json, one, &t) && len + t.n + 1 < sizeof it->lane_text) {
                if (len)
                    it->lane_text[len++] = ' ';
                memcpy(it->lane_text + len, t.p, t.n);
                len += t.n;
            }
        }
        p += n + (p[n] == ',');
    }
    it->lane = (struct plant_text){it->lane_text, len};
}

static void item_read(struct call *c, struct plant_text json, struct item *it)
{
    struct plant_erp *e = c->e;
    struct plant_text t;
    memset(it, 0, offsetof(struct item, lane_text));
    it->has_seq = false;
    it->hash[0] = it->hash[1] = 0;
    it->json = json;
    if (!pick_from(c, json, e->o.id, &it->id))
        it->id = (struct plant_text){"", 0};
    if (c->many || !c->header_key.n) {
        if (!pick_from(c, json, e->o.key, &it->key))
            it->key = it->id;
    } else {
        it->key = c->header_key;
    }
    lane_read(c, it);
    if (pick_from(c, json, e->o.seq, &t) && t.n > 0 && t.n < 20) {
        char num[20], *end;
        memcpy(num, t.p, t.n);
        num[t.n] = '\0';
        it->seq = strtoll(num, &end, 10);
        it->has_seq = *end == '\0';
    }
    it->redelivery = c->redelivery || (plant_json_get(json, "/redelivery", &t) &&
                                       plant_text_is(t, "true"));
    if (it->key.n)
        plant_hash(it->key, it->hash);
}

static void log_text(FILE *f, const char *name, struct plant_text t)
{
    fprintf(f, "\"%s\":\"", name);
    for (size_t i = 0; i < t.n && i < 512; i++) /* it comes out of JSON, but a header may be odd */
        putc_unlocked((unsigned char)t.p[i] < 0x20 || t.p[i] == '"' ? '_' : t.p[i], f);
    fputs("\",", f);
}

static void log_item(struct call *c, const struct item *it, uint32_t attempt, const char *outcome)
{
    struct timespec ts;
    FILE *f = c->e->log;
    if (!f)
        return;
    clock_gettime(CLOCK_REALTIME, &ts);
    fprintf(f, "{\"t\":%lld.%03ld,\"n\":%llu,", (long long)ts.tv_sec, ts.tv_nsec / 1000000,
            (unsigned long long)c->e->n.items);
    log_text(f, "key", it->key);
    log_text(f, "id", it->id);
    log_text(f, "lane", it->lane);
    if (it->has_seq)
        fprintf(f, "\"seq\":%lld,", (long long)it->seq);
    fprintf(f, "\"attempt\":%u,\"redelivery\":%s,\"status\":%d,\"outcome\":\"%s\"}\n", attempt,
            it->redelivery ? "true" : "false", c->status, outcome);
}

/* The item's effect: its lane moves on. */
static void lane_move(struct plant_erp *e, const struct item *it)
{
    uint64_t h[2];
    if (!it->has_seq)
        return;
    plant_hash(it->lane, h);
    struct plant_lane *l = plant_lane_find(&e->lanes, h, true);
    if (!l)
        return;
    if (l->keyh && l->keyh != it->hash[0] && it->seq <= l->last)
        e->n.violations++;
    if (!l->keyh || it->seq > l->last)
        l->last = it->seq;
    l->keyh = it->hash[0] ? it->hash[0] : 1;
}

static void latency_note(struct call *c, struct plant_text json)
{
    struct plant_text t;
    struct timespec ts;
    char num[24];
    if (!c->e->o.latency || !pick_from(c, json, c->e->o.latency, &t) || t.n >= sizeof num)
        return;
    memcpy(num, t.p, t.n);
    num[t.n] = '\0';
    clock_gettime(CLOCK_REALTIME, &ts);
    int64_t us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 - strtoll(num, NULL, 10);
    bench_hist_add(&c->e->latency, us > 0 ? (uint64_t)us : 0);
}

static void item_take(struct call *c, struct plant_text json, bool apply, const char *why_not)
{
    struct plant_erp *e = c->e;
    struct item it;
    const char *outcome = why_not;
    e->n.items++;
    if (apply)
        latency_note(c, json);
    if (e->o.forget) {
        e->n.applied += apply;
        e->n.refused += !apply;
        return;
    }
    item_read(c, json, &it);
    struct plant_key *k = it.key.n ? plant_key_find(&e->keys, it.hash, true) : NULL;
    uint32_t attempt = k ? ++k->attempts : 1;
    e->n.keyless += !k;
    if (k && k->applied && !it.redelivery)
        e->n.unmarked++;
    if (!apply) {
        e->n.refused++;
    } else if (k && k->applied && e->o.dedupe) {
        e->n.repeats++;
        outcome = "repeat";
    } else {
        outcome = k && k->applied ? "double" : "applied";
        e->n.doubles += k && k->applied;
        e->n.applied++;
        if (!k || !k->applied) /* a double is counted as that, not as disorder too */
            lane_move(e, &it);
        if (k)
            k->applied++;
    }
    log_item(c, &it, attempt, outcome);
}

static void items_take(struct call *c, bool apply, const char *why_not)
{
    struct plant_items all;
    struct plant_text one;
    if (!c->many && c->e->o.forget) {
        item_take(c, c->rq->body, apply, why_not);
        return;
    }
    plant_items_of(c->rq->body, c->lines, &all);
    bool any = false;
    while (plant_items_next(&all, &one)) {
        item_take(c, one, apply, why_not);
        any = true;
    }
    if (!any) /* not JSON: the body as it is */
        item_take(c, c->rq->body, apply, why_not);
}

/* The first item's key and how often it has come: what the fault is drawn from. */
static uint64_t call_mark(struct call *c, uint32_t *attempt)
{
    struct plant_items all;
    struct plant_text one;
    struct item it;
    *attempt = 0;
    if (c->e->faults.n == 0 || c->e->o.forget)
        return c->e->n.calls * 0x9e3779b97f4a7c15u;
    plant_items_of(c->rq->body, c->lines, &all);
    item_read(c, plant_items_next(&all, &one) ? one : c->rq->body, &it);
    if (!it.key.n)
        return c->e->n.calls * 0x9e3779b97f4a7c15u;
    struct plant_key *k = plant_key_find(&c->e->keys, it.hash, false);
    *attempt = k ? k->attempts + 1 : 1;
    return it.hash[0];
}

static bool refused_for_good(struct call *c)
{
    struct plant_items all;
    struct plant_text one, v;
    if (!c->e->o.reject)
        return false;
    plant_items_of(c->rq->body, c->lines, &all);
    while (plant_items_next(&all, &one))
        if (plant_json_get(one, c->e->o.reject, &v) && plant_text_is(v, c->e->o.reject_value))
            return true;
    return false;
}

static void answer_ok(struct call *c, struct plant_conn *conn)
{
    char body[96];
    int n = snprintf(body, sizeof body, "{\"document\":\"%010llu\"}",
                     (unsigned long long)(5000000000u + c->e->n.calls));
    plant_reply(conn, c->rq->method.n == 3 ? 200 : 201, "", body, (size_t)n);
}

static void answer_status(struct call *c, struct plant_conn *conn, int status)
{
    char extra[48] = "", body[120];
    if (status == 429 || status == 503)
        snprintf(extra, sizeof extra, "Retry-After: %u\r\n", c->e->o.retry_after_s);
    int n = snprintf(body, sizeof body, "{\"error\":{\"code\":\"ERP/%d\",\"message\":\"%s\"}}", status,
                     status == 422 ? "refused: the record is not acceptable" : "simulated fault");
    plant_reply(conn, status, extra, body, (size_t)n);
}

static void call_spoil(struct call *c, struct plant_conn *conn, struct plant_fault *f, bool applies)
{
    static const char *const not_made = "refused";
    c->status = f->kind == PLANT_STATUS ? f->status : 0;
    if (f->kind == PLANT_SLOW) {
        plant_wait(conn, c->e->o.late_ms, PLANT_SLOW);
        return;
    }
    if (f->kind == PLANT_LATE)
        c->status = 201;
    items_take(c, applies, not_made);
    switch (f->kind) {
    case PLANT_STATUS:
        answer_status(c, conn, f->status);
        break;
    case PLANT_RESET:
        plant_reset(conn);
        break;
    case PLANT_LATE:
        plant_wait(conn, c->e->o.late_ms, PLANT_LATE);
        break;
    default:
        plant_hang(conn);
    }
}

static bool header_says(const struct plant_request *rq, const char *name, const char *value)
{
    struct plant_text t;
    return plant_header(rq, name, &t) && plant_text_is(t, value);
}

static void call_take(struct plant_erp *e, struct plant_conn *conn, const struct plant_request *rq)
{
    struct call c = {.e = e, .rq = rq, .status = 201};
    struct plant_text type = {"", 0};
    uint32_t attempt;
    bool applies = true;
    plant_header(rq, "content-type", &type);
    c.lines = memmem(type.p, type.n, "jsonl", 5) || memmem(type.p, type.n, "ndjson", 6);
    struct plant_items all;
    plant_items_of(rq->body, c.lines, &all);
    c.many = all.kind != PLANT_ONE;
    c.redelivery = header_says(rq, "busbar-redelivery", "true");
    if (!plant_header(rq, "idempotency-key", &c.header_key))
        c.header_key = (struct plant_text){"", 0};
    if (rq->woken) {
        if (rq->note == PLANT_SLOW)
            items_take(&c, true, NULL);
        answer_ok(&c, conn);
        return;
    }
    e->n.calls++;
    e->n.bytes += rq->body.n;
    if (refused_for_good(&c)) {
        c.status = 422;
        e->n.rejected++;
        items_take(&c, false, "rejected");
        answer_status(&c, conn, 422);
        return;
    }
    uint64_t mark = call_mark(&c, &attempt);
    struct plant_fault *f = plant_faults_pick(&e->faults, mark, attempt, &applies);
    if (f) {
        call_spoil(&c, conn, f, applies);
        return;
    }
    items_take(&c, true, NULL);
    answer_ok(&c, conn);
}

/* GET /applied/KEY: was that key's effect made? */
static void probe_take(struct plant_erp *e, struct plant_conn *conn, struct plant_text raw)
{
    char key[512];
    size_t n = 0;
    uint64_t h[2];
    for (size_t i = 0; i < raw.n && n < sizeof key; i++) {
        char hex[3] = {0};
        if (raw.p[i] == '%' && i + 2 < raw.n) {
            memcpy(hex, raw.p + i + 1, 2);
            key[n++] = (char)strtol(hex, NULL, 16);
            i += 2;
        } else {
            key[n++] = raw.p[i];
        }
    }
    uint64_t probes = e->n.probes_applied + e->n.probes_not + e->n.probes_failed;
    if (e->o.probe_fault && probes * e->o.probe_fault % 100 >= 100 - e->o.probe_fault) {
        e->n.probes_failed++;
        plant_reply(conn, 503, "Retry-After: 0\r\n", "{}", 2);
        return;
    }
    plant_hash((struct plant_text){key, n}, h);
    struct plant_key *k = plant_key_find(&e->keys, h, false);
    bool applied = k && k->applied;
    e->n.probes_applied += applied;
    e->n.probes_not += !applied;
    const char *body = applied ? "{\"applied\":true}" : "{\"applied\":false}";
    plant_reply(conn, applied ? 200 : 404, "", body, strlen(body));
}

void plant_erp_handle(void *arg, struct plant_conn *c, const struct plant_request *rq)
{
    static const char probe[] = "/applied/";
    struct plant_erp *e = arg;
    char buf[4096];
    struct plant_text p = rq->path;
    if (plant_text_is(rq->method, "GET") || plant_text_is(rq->method, "HEAD")) {
        if (p.n > sizeof probe - 1 && memcmp(p.p, probe, sizeof probe - 1) == 0)
            probe_take(e, c, (struct plant_text){p.p + sizeof probe - 1, p.n - sizeof probe + 1});
        else if (plant_text_is(p, "/summary"))
            plant_reply(c, 200, "", buf, plant_erp_summary(e, buf, sizeof buf));
        else
            plant_reply(c, plant_text_is(p, "/health") ? 200 : 404, "", "{}", 2);
    } else if (plant_text_is(p, "/control/faults") && rq->body.n < 200) {
        memcpy(buf, rq->body.p, rq->body.n);
        buf[rq->body.n] = '\0';
        int bad = plant_faults_read(&e->faults, buf);
        plant_reply(c, bad ? 400 : 200, "", "{}", 2);
    } else if (plant_text_is(p, "/control/zero")) { /* counts anew, keys and lanes stay */
        memset(&e->n, 0, sizeof e->n);
        memset(&e->latency, 0, sizeof e->latency);
        plant_reply(c, 200, "", "{}", 2);
    } else if (plant_text_is(rq->method, "POST") || plant_text_is(rq->method, "PUT")) {
        call_take(e, c, rq);
    } else {
        plant_reply(c, 405, "", "{}", 2);
    }
}
