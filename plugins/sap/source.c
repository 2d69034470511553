/*
 * source.c - what changed in the system, asked for again and again
 *
 * One kind of thing an endpoint (poll: {of: items}): all that changed since the highest LastChangeDateTime
 * seen, page by page, through the SDK's feed, which keeps its place with the messages. "ge" and not "gt":
 * two changes of one second are never half seen; what comes twice has the same id and is dropped by the
 * endpoint's claims. The feed begins when $metadata is there, because values are read by it.
 *
 * Material documents never change and have no such time, but a day and a time of day of their making: each of
 * their lines is a record with both as one moment. A document may be seen only after its moment, so each round
 * begins `overlap` before the place reached.
 *
 * Thread: the instance's. Ownership: the instance's; the feed borrows its client.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/json.h>
#include <busbar/poll.h>
#include <busbar/web.h>
#include "sap.h"

#define SINCE "$filter=LastChangeDateTime%20ge%20datetimeoffset'{cursor}'"
#define MADE_SINCE "&made-since=" /* never sent: becomes a filter by day and time */

struct kind {
    const char *of, *service, *set, *query, *type, *key;
    void (*model)(const bb_inst *i, struct bb_bytes entity, struct bb_buf *out);
    const char *lines; /* a navigation: a record for each of these, with its header's members */
};
static const struct kind kinds[] = {
    {"items", "product", "A_Product", SINCE "&$expand=to_Plant,to_Description", "mfg.item.changed", "Product",
     model_item, NULL},
    {"orders", "order", "A_ProductionOrder_2", SINCE, "mfg.work-order.changed", "ManufacturingOrder", model_order,
     NULL},
    {"boms", "bom", "MaterialBOM", SINCE "&$expand=to_BillOfMaterialItem", "mfg.bom.changed", "BillOfMaterial",
     model_bom, NULL},
    {"movements", "document", "A_MaterialDocumentHeader", "$expand=to_MaterialDocumentItem" MADE_SINCE "{cursor}",
     "mfg.inventory.movement", "Key", model_movement, "to_MaterialDocumentItem"},
};
struct source {
    bb_inst *i;
    const struct kind *kind;
    struct service *service;
    struct bb_buf data, id;
    int64_t overlap_ms;
    char name[128];
};

static int message_make(void *arg, struct bb_bytes x, struct bb_buf *out, struct bb_error *err)
{
    struct source *s = arg;
    struct bb_bytes key = field(x, s->kind->key), at = field(x, MOMENT), item = field(x, "Material");
    struct bb_draft d;
    const char *const more[] = {"/", "@"};

    if (!key.len)
        return bb_error_set(err, BB_E_DOWN, "%s without %s", s->kind->set, s->kind->key), -1;
    bb_buf_reset(&s->data);
    s->kind->model(s->i, x, &s->data);
    bb_buf_reset(&s->id);
    bb_buf_put(&s->id, key.ptr, key.len);
    bb_buf_put(&s->id, more[0], 1);
    bb_buf_put(&s->id, field(x, "Plant").ptr, field(x, "Plant").len);
    bb_buf_put(&s->id, field(x, "BillOfMaterialVariant").ptr, field(x, "BillOfMaterialVariant").len);
    bb_buf_put(&s->id, more[1], 1);
    bb_buf_put(&s->id, at.ptr, at.len);
    bb_draft_init(&d, s->name, s->kind->type);
    d.e.id = (struct bb_bytes){s->id.ptr, s->id.len};
    d.e.item = item.len ? item : key;
    d.e.plant = field(x, "Plant").len ? field(x, "Plant") : field(x, "ProductionPlant");
    if (at.len)
        d.e.time = at;
    d.e.data = (struct bb_bytes){s->data.ptr, s->data.len};
    if (!s->data.failed && !s->id.failed && bb_draft_put(&d, out) == 0)
        return 1;
    bb_error_set(err, BB_E_DOWN, "%s %.*s is too large for a message", s->kind->set, (int)key.len, (const char *)key.ptr);
    return -1;
}

/* All of a map's members but those that are maps, lists or in other. */
static void members_put(struct map_put *m, struct bb_bytes map, struct bb_bytes other)
{
    struct bb_bytes k, v, seen;
    struct bb_iter it, sub;
    char name[128];

    for (bb_iter_of(map, &it); bb_iter_next(&it, &k, &v);) {
        if (bb_iter_of(v, &sub) || bb_str_copy(k, name, sizeof name) != 0 ||
            (other.len && bb_map_get(other, name, &seen) == 1))
            continue;
        map_value(m, name, v);
    }
}

/* The lines of a document as records; what the system made by itself beside a line says nothing new. */
static void lines_put(struct map_put *list, struct bb_bytes header, const char *nav)
{
    struct bb_bytes all = member(header, nav), line, day = field(header, "CreationDate");
    struct bb_bytes clock = field(header, "CreationTime"), doc, year, no;
    struct map_put m;
    struct bb_iter it;
    char text[64];

    if (!all.len || !bb_iter_of(all, &it))
        return;
    while (bb_iter_next(&it, NULL, &line)) {
        if (flag(line, "IsAutomaticallyCreated"))
            continue;
        m = map_open(list->b);
        members_put(&m, line, (struct bb_bytes){NULL, 0});
        members_put(&m, header, line);
        doc = field(header, "MaterialDocument"), year = field(header, "MaterialDocumentYear");
        no = field(line, "MaterialDocumentItem");
        snprintf(text, sizeof text, "%.*s-%.*s-%.*s", (int)doc.len, (const char *)doc.ptr, (int)year.len,
                 (const char *)year.ptr, (int)no.len, (const char *)no.ptr);
        map_text(&m, "Key", bb_str(text));
        snprintf(text, sizeof text, "%.*sT%.*sZ", 10, day.len == 10 ? (const char *)day.ptr : "1970-01-01", 8,
                 clock.len >= 8 ? (const char *)clock.ptr : "00:00:00");
        map_text(&m, MOMENT, bb_str(text));
        map_close(&m);
        list->n++;
    }
}

/* "made-since" becomes a filter, overlap before the moment in it. */
static void since_put(void *arg, struct bb_http_call *call)
{
    const struct source *s = arg;
    char *url = (char *)call->url.ptr, *at = memmem(url, call->url.len, MADE_SINCE, sizeof MADE_SINCE - 1);
    struct bb_buf cursor;
    char day[32], filter[320];
    int64_t ms = 0;

    if (!at)
        return;
    bb_buf_init(&cursor, 4096);
    size_t from = (size_t)(at - url), moment = from + sizeof MADE_SINCE - 1;
    (void)bb_uri_decode((struct bb_bytes){url + moment, call->url.len - moment}, &cursor);
    if (cursor.failed || bb_date_iso_read((struct bb_bytes){cursor.ptr, cursor.len}, &ms) != 0)
        ms = 0;
    bb_buf_free(&cursor);
    ms = ms > s->overlap_ms ? ms - s->overlap_ms : 0;
    (void)bb_date_iso_write(ms, day);
    int n = snprintf(filter, sizeof filter,
                     "&$filter=CreationDate%%20gt%%20datetime'%.10sT00:00:00'%%20or%%20(CreationDate%%20eq%%20datetime'"
                     "%.10sT00:00:00'%%20and%%20CreationTime%%20ge%%20time'PT%.2sH%.2sM%.2sS')", day, day, day + 11,
                     day + 14, day + 17);
    call->url.len = from;
    bb_buf_put(&call->url, filter, (size_t)n);
}

/* The page with its values as the model has them: the cursor is a date that sorts. */
static int body_read(void *arg, const struct bb_http_answer *a, struct bb_buf *out, struct bb_fault *err)
{
    struct source *s = arg;
    const struct edm_set *set = s->service->edm ? edm_set_find(s->service->edm, bb_str(s->kind->set)) : NULL;
    struct bb_bytes d, list, one, next;
    struct map_put m, l;
    struct bb_iter it;
    struct bb_buf json;
    int rc = -1;

    bb_buf_init(&json, JOB_BODY_MAX);
    snprintf(err->text, sizeof err->text, "no OData answer, or no entity set %s in $metadata", s->kind->set);
    if (set && bb_json_read(a->body, &json, NULL) == 0 &&
        bb_map_get((struct bb_bytes){json.ptr, json.len}, "d", &d) == 1 && bb_map_get(d, "results", &list) == 1 &&
        bb_iter_of(list, &it)) {
        m = map_open(out);
        map_key(&m, "results");
        l = list_open(out);
        while (bb_iter_next(&it, NULL, &one)) {
            bb_buf_reset(&s->data);
            if (!s->kind->lines)
                l.n += entity_read(s->service->edm, set->type, one, out) == 0;
            else if (entity_read(s->service->edm, set->type, one, &s->data) == 0)
                lines_put(&l, (struct bb_bytes){s->data.ptr, s->data.len}, s->kind->lines);
        }
        map_close(&l);
        if (bb_map_get(d, "__next", &next) == 1 && bb_as_str(next, &next) == 1)
            map_text(&m, "__next", service_link(s->service, next));
        map_close(&m);
        rc = out->failed ? -1 : 0;
    }
    bb_buf_free(&json);
    return rc;
}

static const struct kind *kind_find(struct bb_bytes of)
{
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (bb_str_is(of, kinds[k].of))
            return &kinds[k];
    return NULL;
}

static bb_status feed_new(struct source *s, struct bb_bytes poll, struct bb_error *err)
{
    char url[1024], *start = bb_conf_dup(poll, "/from", "1970-01-01T00:00:00Z");
    struct bb_poll_conf f = {.ctx = &s->i->ctx, .client = s->i->client, .url = url, .records = "/results",
                             .next = BB_NEXT_POINTER, .next_pointer = "/__next", .cursor_pointer = "/" MOMENT,
                             .cursor_start = start, .message = message_make, .body = body_read, .arg = s};
    bb_status st = BB_E_CONFIG;

    f.interval_ms = bb_conf_int(poll, "/interval", 60000);
    f.jitter = 10;
    f.max_messages = (size_t)bb_conf_int(poll, "/max_messages", 500);
    f.request = s->kind->lines ? since_put : NULL;
    s->overlap_ms = bb_conf_int(poll, "/overlap", 60000);
    if (!start || snprintf(url, sizeof url, "%s/%s?%s", s->service->path, s->kind->set, s->kind->query) >= (int)sizeof url)
        bb_error_set(err, st, "services: the path of %s is too long", s->service->name);
    else
        st = bb_poll_new(&f, &s->i->poll, err);
    free(start);
    return st;
}

bb_status source_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err)
{
    struct bb_ext_instance const *e = i->ctx.api->extension(i->ctx.host, BB_EXT_INSTANCE);
    struct bb_instance who = {.size = sizeof who};
    struct bb_bytes poll;
    struct source *s;

    if (!bb_conf_find(conf, "/poll", &poll) || !(bb_instance_roles(&i->ctx) & BB_ROLE_SOURCE))
        return BB_OK;
    s = calloc(1, sizeof *s);
    if (!s)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    i->source = s;
    s->i = i;
    bb_buf_init(&s->data, JOB_BODY_MAX);
    bb_buf_init(&s->id, 4096);
    if (e && BB_HAS(e, describe))
        e->describe(i->ctx.host, &who);
    snprintf(s->name, sizeof s->name, "/%s", who.endpoint[0] ? who.endpoint : "sap");
    s->kind = kind_find(bb_conf_str(poll, "/of", ""));
    s->service = s->kind ? service_find(i, bb_str(s->kind->service)) : NULL;
    if (!s->service)
        return bb_error_set(err, BB_E_CONFIG, "poll: of is one of items, orders, boms, movements");
    return feed_new(s, poll, err);
}

int source_ready(bb_inst *i)
{
    if (!i->source)
        return 0;
    service_load(i->source->service, i);
    return i->source->service->edm != NULL;
}

void source_free(bb_inst *i)
{
    bb_poll_free(&i->poll);
    if (i->source) {
        bb_buf_free(&i->source->data);
        bb_buf_free(&i->source->id);
    }
    free(i->source);
    i->source = NULL;
}
