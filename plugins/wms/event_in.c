/*
 * event_in.c - EPCIS events as inventory movements: one for each thing that an event names
 *
 * An event with wms:kind is that movement; any other one is an observation, for a step such as "receiving" does not
 * say whether stock is to be posted. Instants are brought to UTC with every digit of the second; quantities keep
 * theirs. An event that names nothing is an observation of its place, or is left out where it has none.
 *
 * Thread: the instance's. Memory: the page's value, and texts of the event being read.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <busbar/json.h>
#include <busbar/web.h>
#include "wms.h"

struct reading {
    const struct wms_conf *c;
    struct bb_bytes event, id, kind;
    struct open *list;
    struct bb_buf texts;
    size_t things; /* in the event */
    size_t done;
    struct bb_bytes plant;
    char at[48], recorded[48], made_id[80];
};

static const char *const epc_lists[] = {"/epcList", "/childEPCs", "/outputEPCList", "/inputEPCList"};
static const char *const quantity_lists[] = {"/quantityList", "/childQuantityList", "/outputQuantityList", "/inputQuantityList"};

/* "2005-04-03T20:33:31.116000-06:00" to UTC, fraction as it is (nine digits at most): 0, -1. */
static int instant_read(struct bb_bytes text, char out[48])
{
    char whole[48], fraction[16] = "", utc[32];
    size_t n = text.len;
    int64_t ms;

    if (!n || bb_str_copy(text, whole, sizeof whole) != 0)
        return -1;
    char *dot = strchr(whole, '.');
    if (dot) {
        size_t digits = strspn(dot + 1, "0123456789"), kept = digits > 9 ? 9 : digits;
        snprintf(fraction, sizeof fraction, ".%.*s", (int)kept, dot + 1);
        memmove(dot, dot + 1 + digits, strlen(dot + 1 + digits) + 1);
        if (!digits)
            return -1;
    }
    if (bb_date_iso_read(bb_str(whole), &ms) != 0 || bb_date_iso_write(ms, utc) != 0)
        return -1;
    utc[strlen(utc) - 1] = 0; /* its Z */
    snprintf(out, 48, "%s%sZ", utc, fraction);
    return 0;
}

static size_t length(struct bb_bytes event, const char *pointer)
{
    struct bb_bytes v;
    struct bb_iter it;
    return bb_conf_find(event, pointer, &v) == 1 && bb_iter_of(v, &it) && !it.map ? it.n : 0;
}

static void references_put(struct reading *r, struct open *d)
{
    static const char *const known[][2] = {{"po", "purchaseOrder"}, {"prodorder", "workOrder"}, {"desadv", "delivery"}};
    static const char *const kinds[] = {"purchase-order", "work-order", "delivery"};
    int seen[3] = {0};
    struct bb_bytes list, one, id, line;
    struct bb_iter it;

    if (bb_conf_find(r->event, "/bizTransactionList", &list) != 1 || !bb_iter_of(list, &it))
        return;
    while (bb_iter_next(&it, NULL, &one)) {
        struct bb_bytes type = bb_conf_str(one, "/type", NULL), uri = bb_conf_str(one, "/bizTransaction", NULL);
        for (size_t k = 0; k < 3; k++) {
            if (!uri.len || seen[k] || !bb_str_is(type, known[k][0]))
                continue;
            seen[k] = 1;
            document_read(r->c, uri, &r->texts, &id, &line);
            map_key(d, known[k][1]);
            struct open o = map_open(d->b);
            map_text(&o, "kind", bb_str(kinds[k]));
            map_text(&o, "id", id);
            map_text(&o, "line", line);
            open_end(&o);
        }
    }
}

static void side_put(struct reading *r, struct open *d, const char *key, const char *pointer, const char *type_pointer)
{
    struct bb_bytes uri = bb_conf_str(r->event, pointer, NULL), type = bb_conf_str(r->event, type_pointer, NULL);

    if (!uri.len)
        return;
    map_key(d, key);
    struct open o = map_open(d->b);
    map_key(&o, "location");
    place_put(r->c, uri, d->b, &r->texts, &r->plant);
    map_text(&o, "stockType", type);
    open_end(&o);
}

static void quantity_put(struct open *d, const char *key, const char *number, struct bb_bytes unit)
{
    map_key(d, key);
    struct open o = map_open(d->b);
    map_key(&o, "value");
    bb_put_decimal(d->b, number, strlen(number));
    map_text(&o, "unit", unit);
    open_end(&o);
}

static void place_key(struct reading *r, struct open *d, const char *key, const char *pointer)
{
    struct bb_bytes uri = bb_conf_str(r->event, pointer, NULL);

    if (!uri.len)
        return;
    map_key(d, key);
    place_put(r->c, uri, d->b, &r->texts, &r->plant);
}

/* The movement's own number: the key when the event is one that we captured, so that `echo` can know it. */
static struct bb_bytes own_id(struct bb_bytes id)
{
    size_t n = strlen(WMS_OWN_EVENT);

    if (id.len > n && memcmp(id.ptr, WMS_OWN_EVENT, n) == 0)
        return (struct bb_bytes){(const char *)id.ptr + n, id.len - n};
    return id;
}

static void data_put(struct reading *r, const struct epc *e, struct bb_bytes thing, struct bb_buf *b)
{
    struct open d = map_open(b);
    struct bb_bytes unit = bb_conf_str(thing, "/uom", "H87"); /* without uom EPCIS counts pieces */
    char number[64];

    map_text(&d, "id", own_id(r->id));
    map_text(&d, "kind", r->kind);
    map_key(&d, "item");
    struct open o = map_open(b);
    map_text(&o, "id", e->item);
    open_end(&o);
    number_text(thing, "/quantity", number);
    if (strspn(number, "0.") != strlen(number) && *number != '-')
        quantity_put(&d, "quantity", number, unit);
    number_text(r->event, "/wms:difference", number);
    if (*number)
        quantity_put(&d, "difference", number, unit);
    side_put(r, &d, "from", "/sourceList/0/source", "/wms:stockType");
    side_put(r, &d, "to", "/destinationList/0/destination",
             bb_conf_str(r->event, "/wms:stockTypeTo", NULL).len ? "/wms:stockTypeTo" : "/wms:stockType");
    if (e->lot.len) {
        map_key(&d, "lot");
        o = map_open(b);
        map_text(&o, "id", e->lot);
        open_end(&o);
    }
    if (e->serial.len) {
        map_key(&d, "serials");
        o = list_open(b);
        bb_put_str(b, e->serial.ptr, e->serial.len);
        o.n = 1;
        open_end(&o);
    }
    map_text(&d, "at", bb_str(r->at));
    map_text(&d, "recordedAt", bb_str(r->recorded));
    references_put(r, &d);
    map_text(&d, "businessStep", bb_conf_str(r->event, "/bizStep", NULL));
    map_text(&d, "disposition", bb_conf_str(r->event, "/disposition", NULL));
    map_text(&d, "action", bb_conf_str(r->event, "/action", NULL));
    place_key(r, &d, "readPoint", "/readPoint/id");
    map_value(&d, "reversal", r->event, "/wms:reversal");
    if (!r->plant.len) /* an event without sides happened where its bizLocation is */
        place_put(r->c, bb_conf_str(r->event, "/bizLocation/id", "-"), &(struct bb_buf){.failed = 1}, &r->texts, &r->plant);
    map_text(&d, "plant", r->plant);
    open_end(&d);
}

static void record_put(struct reading *r, const struct epc *e, struct bb_bytes thing)
{
    struct bb_buf *b = r->list->b;
    char id[300];

    r->done++;
    r->plant = (struct bb_bytes){NULL, 0};
    struct open o = map_open(b);
    r->list->n++;
    if (r->things > 1 && r->id.len < 256)
        snprintf(id, sizeof id, "%.*s#%zu", (int)r->id.len, (const char *)r->id.ptr, r->done);
    map_text(&o, "id", r->things > 1 && r->id.len < 256 ? bb_str(id) : r->id);
    map_text(&o, "recordTime", bb_conf_str(r->event, "/recordTime", NULL));
    map_text(&o, "item", e->item);
    map_text(&o, "correlation", bb_conf_str(r->event, "/wms:correlation", NULL));
    map_key(&o, "data");
    data_put(r, e, thing, b);
    map_text(&o, "plant", r->plant);
    open_end(&o);
}

static void list_read(struct reading *r, const char *pointer, int quantities)
{
    struct bb_bytes list, one, uri;
    struct bb_iter it;
    struct epc e;

    if (bb_conf_find(r->event, pointer, &list) != 1 || !bb_iter_of(list, &it))
        return;
    while (bb_iter_next(&it, NULL, &one)) {
        uri = quantities ? bb_conf_str(one, "/epcClass", NULL) : (struct bb_bytes){NULL, 0};
        if (!quantities && bb_as_str(one, &uri) != 1)
            continue;
        epc_read(r->c, uri, &r->texts, &e);
        if (e.item.len)
            record_put(r, &e, quantities ? one : (struct bb_bytes){NULL, 0});
    }
}

static int event_fault(struct bb_fault *err, struct bb_bytes id, const char *what)
{
    if (err)
        snprintf(err->text, sizeof err->text, "event %.*s: %s", (int)(id.len > 100 ? 100 : id.len),
                 id.len ? (const char *)id.ptr : "without eventID", what);
    return -1;
}

/* An event without an id of its own is known by its content: the same one each time it is read. */
static int id_make(struct reading *r)
{
    unsigned char sum[32];
    unsigned int n = 0;
    int at = snprintf(r->made_id, sizeof r->made_id, "sha256:");

    if (EVP_Digest(r->event.ptr, r->event.len, sum, &n, EVP_sha256(), NULL) != 1 || n != sizeof sum)
        return -1;
    for (size_t k = 0; k < sizeof sum; k++)
        at += snprintf(r->made_id + at, sizeof r->made_id - (size_t)at, "%02x", sum[k]);
    r->id = bb_str(r->made_id);
    return 0;
}

int event_records(const struct wms_conf *c, struct bb_bytes event, struct open *list, struct bb_fault *err)
{
    struct reading r = {.c = c, .event = event, .list = list};

    r.id = bb_conf_str(event, "/eventID", NULL);
    r.kind = bb_conf_str(event, "/wms:kind", "observation");
    if (r.id.len > 1024 || (!r.id.len && id_make(&r) != 0))
        return event_fault(err, r.id, "its eventID is longer than 1024 bytes");
    if (!kind_known(r.kind))
        return event_fault(err, r.id, "its wms:kind is none of the model's");
    if (instant_read(bb_conf_str(event, "/eventTime", NULL), r.at) != 0)
        return event_fault(err, r.id, "its eventTime is no instant");
    if (instant_read(bb_conf_str(event, "/recordTime", NULL), r.recorded) != 0)
        r.recorded[0] = 0;
    for (size_t k = 0; k < 4; k++)
        r.things += length(event, epc_lists[k]) + length(event, quantity_lists[k]);
    if (r.things > WMS_THINGS_MAX)
        return event_fault(err, r.id, "it names more than 10,000 things");
    bb_buf_init(&r.texts, 64u << 20);
    bb_buf_room(&r.texts, 2 * event.len + 1024); /* texts must not move */
    for (size_t k = 0; k < 4; k++)
        list_read(&r, quantity_lists[k], 1);
    for (size_t k = 0; k < 4; k++)
        list_read(&r, epc_lists[k], 0);
    if (!r.things && bb_conf_str(event, "/parentID", NULL).len) {
        struct epc e = {.item = bb_conf_str(event, "/parentID", NULL)};
        record_put(&r, &e, (struct bb_bytes){NULL, 0});
    }
    int failed = r.texts.failed;
    bb_buf_free(&r.texts);
    return failed ? event_fault(err, r.id, "out of memory") : 0;
}

int page_read(void *arg, const struct bb_http_answer *a, struct bb_buf *out, struct bb_fault *err)
{
    bb_inst *i = arg;
    struct bb_bytes page, list, event;
    struct bb_buf tmp;
    struct bb_iter it;
    int rc = -1;

    bb_buf_init(&tmp, 64u << 20);
    int xml = a->body.len && memchr("<\xef", *(const char *)a->body.ptr, 2) != NULL;
    if (xml ? xml_events_read(&i->conf, a->body, &tmp, err) : bb_json_read(a->body, &tmp, err))
        goto out;
    page = list = (struct bb_bytes){tmp.ptr, tmp.len};
    if (!xml && bb_conf_find(page, "/epcisBody/queryResults/resultsBody/eventList", &list) != 1) {
        snprintf(err->text, sizeof err->text, "no epcisBody.queryResults.resultsBody.eventList: is %.100s EPCIS 2.0's events "
                                              "interface?", i->conf.events);
        goto out;
    }
    struct open whole = map_open(out);
    map_key(&whole, "records");
    struct open records = list_open(out);
    rc = bb_iter_of(list, &it) ? 0 : -1;
    while (rc == 0 && bb_iter_next(&it, NULL, &event))
        rc = event_records(&i->conf, event, &records, err);
    open_end(&records);
    open_end(&whole);
    if (out->failed)
        rc = event_fault(err, bb_str("page"), "too large");
out:
    bb_buf_free(&tmp);
    return rc;
}

int record_message(void *arg, struct bb_bytes record, struct bb_buf *out, struct bb_error *err)
{
    bb_inst *i = arg;
    struct bb_draft d;

    bb_draft_init(&d, i->conf.source, "mfg.inventory.movement");
    d.e.id = bb_conf_str(record, "/id", NULL);
    d.e.item = bb_conf_str(record, "/item", NULL);
    d.e.plant = bb_conf_str(record, "/plant", NULL);
    d.e.correlationid = bb_conf_str(record, "/correlation", NULL);
    d.e.time = bb_conf_str(record, "/data/at", NULL);
    if (bb_conf_find(record, "/data", &d.e.data) == 1 && bb_draft_put(&d, out) == 0)
        return 1;
    bb_error_set(err, BB_E_DOWN, "an event that is too large for a message");
    return -1;
}
