/*
 * feed.c - a page of the portal's feed as records, a record as a message
 *
 * An entry: {sequence, id, partner, kind, contentType, correlation, body or text}. JSON has the model's shape and is one
 * record; an X12 interchange is one for each transaction set (ID/1, ID/2) and, with `acknowledge`, one for each group's
 * 997 (ID/ack-1). What cannot be read becomes mfg.portal.unreadable with the reason and the document: no route takes that
 * by itself, so it waits in quarantine and holds up nobody. An entry without sequence or id holds the feed, because it
 * could not be known when it comes again.
 *
 * Thread: the instance's. Memory: a page, as values and as records.
 */
#include <stdio.h>
#include <stdlib.h>
#include <busbar/json.h>
#include "portal.h"

#define RECORDS_MAX 4096u

struct entry {
    const struct portal_conf *c;
    struct bb_bytes value, cursor, id, partner, correlation;
    struct open *list;
    struct bb_buf name; /* of the record being written */
};

/* JSON bodies: kind, then what the data say of themselves. The last row of a kind is for all else. */
static const struct {
    const char *kind, *pointer, *value, *type;
} types[] = {
    {"ship-notice", "/purpose", "cancel", "mfg.shipment.cancelled"},
    {"ship-notice", "/purpose", "replace", "mfg.shipment.changed"},
    {"ship-notice", "/purpose", "change", "mfg.shipment.changed"},
    {"ship-notice", NULL, NULL, "mfg.shipment.announced"},
    {"commitment", "/purpose", "replace", "mfg.commitment.changed"},
    {"commitment", "/purpose", "change", "mfg.commitment.changed"},
    {"commitment", NULL, NULL, "mfg.commitment.given"},
    {"quality", "/status", "closed", "mfg.quality.closed"},
    {"quality", "/status", "new", "mfg.quality.reported"},
    {"quality", NULL, NULL, "mfg.quality.changed"},
};

static struct open record_open(struct entry *e, const char *type, const char *suffix)
{
    struct open m = map_open(e->list->b);

    bb_buf_reset(&e->name);
    bb_buf_put(&e->name, e->id.ptr, e->id.len);
    bb_buf_put(&e->name, suffix, strlen(suffix));
    map_key(&m, "cursor");
    bb_put_raw(m.b, e->cursor);
    map_text(&m, "id", (struct bb_bytes){e->name.ptr, e->name.len});
    map_text(&m, "type", bb_str(type));
    return m;
}

static void attribute_put(struct open *m, const char *name, struct bb_bytes value)
{
    if (text_clean(value))
        map_text(m, name, value);
}

static void record_end(struct entry *e, struct open *m)
{
    open_end(m);
    e->list->n++;
}

static void unreadable_put(struct entry *e, const char *suffix, const char *why)
{
    struct open m = record_open(e, PORTAL_UNREADABLE, suffix), d;

    map_key(&m, "data");
    d = map_open(m.b);
    map_text(&d, "error", bb_str(why));
    map_key(&d, "document");
    bb_put_raw(m.b, e->value);
    open_end(&d);
    attribute_put(&m, "correlation", e->correlation);
    record_end(e, &m);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */
static struct bb_bytes item_of(struct bb_bytes body)
{
    struct bb_bytes lines, one, item = bb_conf_str(body, "/item/id", NULL);
    struct bb_iter it;

    if (!item.len && bb_conf_find(body, "/lines", &lines) == 1 && bb_iter_of(lines, &it) && !it.map && it.n == 1 &&
        bb_iter_next(&it, NULL, &one))
        item = bb_conf_str(one, "/item/id", NULL);
    return item;
}

static void json_records(struct entry *e, struct bb_bytes kind, struct bb_bytes body)
{
    const char *type = NULL;
    struct open m;

    for (size_t k = 0; k < sizeof types / sizeof *types && !type; k++)
        if (bb_str_is(kind, types[k].kind) &&
            (!types[k].pointer || bb_str_is(bb_conf_str(body, types[k].pointer, ""), types[k].value)))
            type = types[k].type;
    if (!type || !bb_conf_str(body, "/id", NULL).len) {
        unreadable_put(e, "", type ? "the body has no id" : "the kind is not ship-notice, commitment or quality");
        return;
    }
    m = record_open(e, type, "");
    attribute_put(&m, "item", item_of(body));
    attribute_put(&m, "plant", bb_conf_str(body, "/plant", NULL));
    attribute_put(&m, "subject", bb_conf_str(body, "/id", NULL));
    attribute_put(&m, "correlation", e->correlation.len ? e->correlation : bb_conf_str(body, "/answers/id", NULL));
    map_key(&m, "data");
    bb_put_raw(m.b, body);
    record_end(e, &m);
}

/* ---- X12 ------------------------------------------------------------------------------------------------------- */
/* One set as a record; its code for the 997, NULL: accepted. */
static const char *set_record(struct entry *e, const struct x12_set *set, unsigned nth)
{
    struct bb_fault f = {0, ""};
    struct bb_buf data;
    struct found found;
    x12_get *get = x12_reader(set->id);
    char suffix[16];
    const char *code = set->code;

    snprintf(suffix, sizeof suffix, "/%u", nth);
    if (!get || code) {
        unreadable_put(e, suffix, code ? "the transaction set's trailer does not fit it (SE missing, count or control number)"
                                       : "transaction set is none of 855, 856, 997");
        return code ? code : "1";
    }
    bb_buf_init(&data, 8u << 20);
    if (get(e->c, set, &data, &found, &f) != 0 || data.failed) {
        unreadable_put(e, suffix, data.failed ? "the document is too large" : f.text);
        code = "5";
    } else {
        struct open m = record_open(e, found.type, suffix);
        attribute_put(&m, "item", found.item);
        attribute_put(&m, "plant", found.plant);
        attribute_put(&m, "subject", found.id);
        attribute_put(&m, "correlation", e->correlation.len ? e->correlation : found.order);
        map_key(&m, "data");
        bb_put_raw(m.b, (struct bb_bytes){data.ptr, data.len});
        record_end(e, &m);
    }
    bb_buf_free(&data);
    return code;
}

/* The 997 that a group wants; a group of 997s wants none. */
static void ack_record(struct entry *e, const struct x12_set *sets, const char *const *codes, uint32_t n)
{
    char suffix[24];
    struct open m, d, list, in;

    if (!e->c->acknowledge || bb_str_is(sets->function, "FA"))
        return;
    snprintf(suffix, sizeof suffix, "/ack-%u", sets->nth_group);
    m = record_open(e, PORTAL_ACKNOWLEDGE, suffix);
    attribute_put(&m, "correlation", e->correlation);
    map_key(&m, "data");
    d = map_open(m.b);
    map_text(&d, "partner", e->partner.len ? e->partner : sets->sender);
    map_text(&d, "function", sets->function);
    map_text(&d, "group", sets->group);
    map_key(&d, "sets");
    list = list_open(m.b);
    for (uint32_t k = 0; k < n; k++) {
        in = map_open(m.b);
        map_text(&in, "set", sets[k].id);
        map_text(&in, "control", sets[k].control);
        map_text(&in, "outcome", bb_str(codes[k] ? "rejected" : "accepted"));
        if (codes[k])
            map_text(&in, "code", bb_str(codes[k]));
        open_end(&in);
        list.n++;
    }
    open_end(&list);
    open_end(&d);
    record_end(e, &m);
}

static void x12_records(struct entry *e, struct bb_bytes text)
{
    struct x12_set *sets = calloc(X12_SETS_MAX, sizeof *sets);
    const char *codes[X12_SETS_MAX];
    struct bb_fault f = {0, "out of memory"};
    uint32_t n = 0, from = 0;

    if (!sets || x12_read(text, sets, &n, &f) != 0) {
        unreadable_put(e, "", f.text);
    } else {
        for (uint32_t k = 0; k < n; k++) {
            codes[k] = set_record(e, &sets[k], k + 1);
            if (k + 1 == n || sets[k + 1].nth_group != sets[k].nth_group) {
                ack_record(e, sets + from, codes + from, k + 1 - from);
                from = k + 1;
            }
        }
    }
    free(sets);
}

/* ---- entries, pages, messages ------------------------------------------------------------------------------------ */
int entry_records(const struct portal_conf *c, struct bb_bytes value, struct open *list, struct bb_fault *err)
{
    struct entry e = {.c = c, .value = value, .list = list};
    struct bb_bytes text, body, media = bb_conf_str(value, "/contentType", "application/json");
    int64_t sequence;

    e.id = bb_conf_str(value, "/id", NULL);
    e.partner = bb_conf_str(value, "/partner", NULL);
    e.correlation = bb_conf_str(value, "/correlation", NULL);
    if (!text_clean(e.id) || bb_conf_find(value, "/sequence", &e.cursor) != 1 || bb_as_int(e.cursor, &sequence) != 1 || sequence < 0) {
        snprintf(err->text, sizeof err->text, "an entry of the feed has no id (at most 512 printable bytes) or no sequence (an integer): "
                                              "it cannot be known when it comes again");
        return -1;
    }
    bb_buf_init(&e.name, 2048);
    text = bb_conf_str(value, "/text", NULL);
    if (media.len >= strlen(PORTAL_X12) && memcmp(media.ptr, PORTAL_X12, strlen(PORTAL_X12)) == 0)
        x12_records(&e, text.ptr ? text : bb_str(""));
    else if (bb_conf_find(value, "/body", &body) == 1)
        json_records(&e, bb_conf_str(value, "/kind", ""), body);
    else
        unreadable_put(&e, "", "the entry has neither a body nor an X12 text");
    bb_buf_free(&e.name);
    return 0;
}

int feed_body(void *arg, const struct bb_http_answer *a, struct bb_buf *out, struct bb_fault *err)
{
    bb_inst *i = arg;
    struct bb_bytes entries, one;
    struct bb_iter it;
    struct bb_buf page;
    struct open list;
    int rc;

    bb_buf_init(&page, 64u << 20);
    rc = bb_json_read(a->body, &page, err);
    if (rc == 0 && (bb_conf_find((struct bb_bytes){page.ptr, page.len}, "/messages", &entries) != 1 || !bb_iter_of(entries, &it) ||
                    it.map)) {
        snprintf(err->text, sizeof err->text, "the answer has no list /messages: check receive.path");
        rc = -1;
    }
    list = list_open(out);
    while (rc == 0 && bb_iter_next(&it, NULL, &one)) {
        rc = entry_records(&i->conf, one, &list, err);
        if (rc == 0 && list.n > RECORDS_MAX) {
            snprintf(err->text, sizeof err->text, "a page of more than %u documents: ask for less at once (receive.page)", RECORDS_MAX);
            rc = -1;
        }
    }
    open_end(&list);
    bb_buf_free(&page);
    return rc == 0 && !out->failed ? 0 : -1;
}

int feed_message(void *arg, struct bb_bytes record, struct bb_buf *out, struct bb_error *err)
{
    bb_inst *i = arg;
    struct bb_draft d;
    char type[64] = PORTAL_UNREADABLE;

    (void)bb_str_copy(bb_conf_str(record, "/type", NULL), type, sizeof type);
    bb_draft_init(&d, i->conf.source, type);
    d.e.id = bb_conf_str(record, "/id", NULL);
    d.e.item = bb_conf_str(record, "/item", NULL);
    d.e.plant = bb_conf_str(record, "/plant", NULL);
    d.e.subject = bb_conf_str(record, "/subject", NULL);
    d.e.correlationid = bb_conf_str(record, "/correlation", NULL);
    if (bb_conf_find(record, "/data", &d.e.data) == 1 && bb_draft_put(&d, out) == 0)
        return 1;
    bb_error_set(err, BB_E_DOWN, "a document is too large for a message");
    return -1;
}
