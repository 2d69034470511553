/* spoil.c - see spoil.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/json.h"
#include "tools/plant/kit.h"

static const struct {
    const char *name;
    enum plant_spoil_kind kind;
} kinds[] = {{"latency", SPOIL_LATENCY}, {"reset", SPOIL_RESET}, {"late", SPOIL_LATE},
             {"lock", SPOIL_LOCK}, {"token", SPOIL_TOKEN}, {"csrf", SPOIL_CSRF},
             {"etag", SPOIL_ETAG}, {"truncate", SPOIL_TRUNCATE}, {"drip", SPOIL_DRIP},
             {"down", SPOIL_DOWN}};

const char *plant_spoil_name(enum plant_spoil_kind kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return "status";
}

static char *get(struct plant_mem *m, struct plant_text json, const char *pointer)
{
    struct plant_text v;
    return plant_json_find(json, pointer, &v) ? plant_json_text(m, v) : NULL;
}

static bool text_fits(char *out, size_t cap, const char *s)
{
    return !s || snprintf(out, cap, "%s", s) < (int)cap;
}

static const char *rule_read(struct plant_spoil *r, struct plant_text json, struct plant_mem *m)
{
    char *fault = get(m, json, "/fault"), *s;
    *r = (struct plant_spoil){.parts = 10000, .ms = 1500, .chunk = 64, .count = -1,
                              .retry_after = "1"};
    if (!fault)
        return "each rule needs a \"fault\"";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(fault, kinds[i].name) == 0)
            r->kind = kinds[i].kind;
    if (r->kind == SPOIL_NONE) {
        r->kind = SPOIL_STATUS;
        r->status = atoi(fault);
        if (r->status < 400 || r->status > 599)
            return "\"fault\" is a status 400..599 or one of latency, reset, late, lock, token, csrf, "
                   "etag, truncate, drip, down";
    }
    if ((s = get(m, json, "/percent")))
        r->parts = (uint32_t)(strtod(s, NULL) * 100 + 0.5);
    if ((s = get(m, json, "/ms")))
        r->ms = (uint32_t)strtoul(s, NULL, 10);
    if ((s = get(m, json, "/chunk")))
        r->chunk = (uint32_t)strtoul(s, NULL, 10);
    if ((s = get(m, json, "/count")))
        r->count = strtoll(s, NULL, 10);
    if ((s = get(m, json, "/when")))
        r->after = strcmp(s, "after") == 0;
    if (!text_fits(r->retry_after, sizeof r->retry_after, get(m, json, "/retry_after")) ||
        !text_fits(r->method, sizeof r->method, get(m, json, "/method")) ||
        !text_fits(r->match, sizeof r->match, get(m, json, "/match")))
        return "\"retry_after\", \"method\" or \"match\" is too long";
    return r->parts > 10000 ? "\"percent\" is 0 to 100" : NULL;
}

bool plant_spoils_read(struct plant_spoils *s, struct plant_text json, struct plant_mem *m, const char **why)
{
    struct plant_spoils fresh = {.seed = s->seed};
    struct plant_items it;
    struct plant_text rules, one;
    char *seed = get(m, json, "/seed");
    if (seed)
        fresh.seed = strtoull(seed, NULL, 10) * 0x9e3779b97f4a7c15u;
    *why = "send {\"seed\":1,\"rules\":[{\"fault\":\"429\",\"percent\":10}]}";
    if (!plant_json_find(json, "/rules", &rules) || rules.n == 0 || rules.p[0] != '[')
        return false;
    plant_items_of(rules, false, &it);
    while (plant_items_next(&it, &one)) {
        *why = "at most 32 rules";
        if (fresh.n == sizeof fresh.v / sizeof *fresh.v)
            return false;
        *why = rule_read(&fresh.v[fresh.n++], one, m);
        if (*why)
            return false;
    }
    plant_table_free(&s->seen);
    *s = fresh;
    return true;
}

void plant_spoils_show(const struct plant_spoils *s, struct plant_buf *out)
{
    plant_puts(out, "{\"rules\":[");
    for (size_t i = 0; i < s->n; i++) {
        const struct plant_spoil *r = &s->v[i];
        plant_putf(out, "%s{\"fault\":\"", i ? "," : "");
        if (r->kind == SPOIL_STATUS)
            plant_putf(out, "%d", r->status);
        else
            plant_puts(out, plant_spoil_name(r->kind));
        plant_putf(out, "\",\"percent\":%g,\"count\":%lld,\"when\":\"%s\",\"met\":%llu}", r->parts / 100.0,
                   (long long)r->count, r->after ? "after" : "before", (unsigned long long)r->met);
    }
    plant_puts(out, "]}");
}

static bool rule_fits(const struct plant_spoil *r, const struct plant_request *rq)
{
    if (r->count == 0)
        return false;
    if (r->method[0] && !plant_text_is(rq->method, r->method))
        return false;
    return !r->match[0] || memmem(rq->path.p, rq->path.n, r->match, strlen(r->match));
}

struct plant_spoil *plant_spoils_pick(struct plant_spoils *s, const struct plant_request *rq)
{
    uint64_t h[2], b[2], x;
    if (s->n == 0)
        return NULL;
    plant_hash(rq->path, h);
    plant_hash(rq->body, b);
    h[0] = (h[0] ^ b[0] * 31) | 1;
    h[1] ^= b[1] ^ rq->method.n;
    struct plant_key *k = plant_key_find(&s->seen, h, true);
    x = s->seed ^ h[0] ^ (uint64_t)(k ? ++k->attempts : 1) * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < s->n; i++) {
        struct plant_spoil *r = &s->v[i];
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        x ^= x >> 31;
        if (!rule_fits(r, rq) || (uint32_t)(x >> 16) % 10000u >= r->parts)
            continue;
        r->met++;
        r->count -= r->count > 0;
        return r;
    }
    return NULL;
}
