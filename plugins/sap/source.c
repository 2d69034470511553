/*
 * source.c - what changed in the system, asked for again and again
 *
 * One kind of thing an endpoint (poll: {of: items}): all that changed since the highest LastChangeDateTime
 * seen, page by page, through the SDK's feed, which keeps its place with the messages. "ge" and not "gt":
 * two changes of one second are never half seen; what comes twice has the same id and is dropped by the
 * endpoint's claims. The feed begins when $metadata is there, because values are read by it.
 *
 * Thread: the instance's. Ownership: the instance's; the feed borrows its client.
 */
#include <stdio.h>
#include <stdlib.h>
#include <busbar/json.h>
#include <busbar/poll.h>
#include "sap.h"

#define SINCE "$filter=LastChangeDateTime%20ge%20datetimeoffset'{cursor}'"

struct kind {
    const char *of, *service, *set, *query, *type, *key;
    void (*model)(const bb_inst *i, struct bb_bytes entity, struct bb_buf *out);
};
static const struct kind kinds[] = {
    {"items", "product", "A_Product", SINCE "&$expand=to_Plant,to_Description", "mfg.item.changed", "Product",
     model_item},
    {"orders", "order", "A_ProductionOrder_2", SINCE, "mfg.work-order.changed", "ManufacturingOrder", model_order},
    {"boms", "bom", "MaterialBOM", SINCE "&$expand=to_BillOfMaterialItem", "mfg.bom.changed", "BillOfMaterial",
     model_bom},
};
struct source {
    bb_inst *i;
    const struct kind *kind;
    struct service *service;
    struct bb_buf data, id;
    char name[128];
};

static int message_make(void *arg, struct bb_bytes x, struct bb_buf *out, struct bb_error *err)
{
    struct source *s = arg;
    struct bb_bytes key = field(x, s->kind->key), at = field(x, "LastChangeDateTime"), item = field(x, "Material");
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
        while (bb_iter_next(&it, NULL, &one))
            l.n += entity_read(s->service->edm, set->type, one, out) == 0;
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
                             .next = BB_NEXT_POINTER, .next_pointer = "/__next", .cursor_pointer = "/LastChangeDateTime",
                             .cursor_start = start, .message = message_make, .body = body_read, .arg = s};
    bb_status st = BB_E_CONFIG;

    f.interval_ms = bb_conf_int(poll, "/interval", 60000);
    f.jitter = 10;
    f.max_messages = (size_t)bb_conf_int(poll, "/max_messages", 500);
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
        return bb_error_set(err, BB_E_CONFIG, "poll: of is one of items, orders, boms");
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
