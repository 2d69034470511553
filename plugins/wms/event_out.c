/*
 * event_out.c - an inventory movement as an EPCIS 2.0 ObjectEvent
 *
 * from and to become sourceList and destinationList, the item with its lot an epcClass with quantity (each serial
 * an epc of its own), orders bizTransactions. What EPCIS has no word for goes along as extensions: wms:kind,
 * wms:stockType, wms:stockTypeTo, wms:difference, wms:reversal. The eventID is made of the idempotency key, so the
 * same message always is the same event.
 *
 * Thread: any. Memory: the buffer's.
 */
#include <string.h>
#include "wms.h"

struct making {
    const struct wms_conf *c;
    struct bb_bytes data, plant;
    struct open *o;
    struct bb_buf text;
};

static const struct {
    const char *pointer, *type;
} documents[] = {{"/purchaseOrder", "po"}, {"/workOrder", "prodorder"}, {"/delivery", "desadv"}};

static struct bb_bytes text_of(struct making *m)
{
    struct bb_bytes out = {m->text.ptr, m->text.len};
    return out;
}

static void pair_put(struct bb_buf *b, const char *type, const char *name, struct bb_bytes uri)
{
    struct open o = map_open(b);

    map_text(&o, "type", bb_str(type));
    map_text(&o, name, uri);
    open_end(&o);
}

static void documents_put(struct making *m)
{
    struct bb_bytes v;
    struct open list;
    size_t n = 0;

    for (size_t k = 0; k < sizeof documents / sizeof *documents; k++) {
        if (bb_conf_find(m->data, documents[k].pointer, &v) != 1)
            continue;
        if (n++ == 0) {
            map_key(m->o, "bizTransactionList");
            list = list_open(m->o->b);
        }
        bb_buf_reset(&m->text);
        document_uri(m->c, v, &m->text);
        pair_put(m->o->b, documents[k].type, "bizTransaction", text_of(m));
        list.n++;
    }
    if (n)
        open_end(&list);
}

/* A side's place as a list of one; its URI stays in m->text. */
static int side_put(struct making *m, const char *side, const char *list_name, const char *name)
{
    struct bb_bytes v;
    struct open list;

    bb_buf_reset(&m->text);
    if (bb_conf_find(m->data, side, &v) != 1 || !place_uri(m->c, v, m->plant, &m->text))
        return 0;
    map_key(m->o, list_name);
    list = list_open(m->o->b);
    pair_put(m->o->b, "location", name, text_of(m));
    list.n = 1;
    open_end(&list);
    return 1;
}

static void place_key(struct making *m, const char *key)
{
    struct open o;

    if (!m->text.len)
        return;
    map_key(m->o, key);
    o = map_open(m->o->b);
    map_text(&o, "id", text_of(m));
    open_end(&o);
}

/* A count's loss comes from the bin, a gain goes to it, whichever side the message named. */
static void sides_put(struct making *m, const char *difference)
{
    static const char *const both[] = {"/from/location", "/to/location"};
    const char *from = both[0], *to = both[1];
    struct bb_bytes v;

    if (*difference) {
        const char *one = bb_conf_find(m->data, from, &v) == 1 ? from : to;
        from = *difference == '-' ? one : "/-";
        to = *difference == '-' ? "/-" : one;
    }
    side_put(m, from, "sourceList", "source");
    if (side_put(m, to, "destinationList", "destination") || m->text.len) {
        place_key(m, "bizLocation");
        return;
    }
    if (bb_conf_find(m->data, from, &v) == 1 && place_uri(m->c, v, m->plant, &m->text))
        place_key(m, "bizLocation");
}

static int things_put(struct making *m, const char *difference, struct bb_error *err)
{
    struct epc e = {.item = bb_conf_str(m->data, "/item/id", NULL), .lot = bb_conf_str(m->data, "/lot/id", NULL)};
    struct bb_bytes serials, one;
    struct bb_iter it;
    char number[64];
    struct open list, o;

    if (bb_conf_find(m->data, "/serials", &serials) == 1 && bb_iter_of(serials, &it)) {
        map_key(m->o, "epcList");
        list = list_open(m->o->b);
        while (bb_iter_next(&it, NULL, &one) && bb_as_str(one, &e.serial) == 1) {
            bb_buf_reset(&m->text);
            epc_put(m->c, &e, &m->text);
            bb_put_str(m->o->b, (const char *)m->text.ptr, m->text.len);
            list.n++;
        }
        open_end(&list);
        return 0;
    }
    number_text(m->data, "/quantity/value", number);
    if (!*number && *difference)
        bb_str_copy(bb_str(difference + (*difference == '-')), number, sizeof number);
    if (!*number) {
        bb_error_set(err, BB_E_REJECT, "the movement has no quantity, difference or serials: the warehouse needs one");
        return -1;
    }
    bb_buf_reset(&m->text);
    epc_put(m->c, &e, &m->text);
    map_key(m->o, "quantityList");
    list = list_open(m->o->b);
    o = map_open(m->o->b);
    map_text(&o, "epcClass", text_of(m));
    map_key(&o, "quantity");
    bb_put_decimal(m->o->b, number, strlen(number));
    map_text(&o, "uom", bb_conf_str(m->data, *difference ? "/difference/unit" : "/quantity/unit", NULL));
    open_end(&o);
    list.n = 1;
    open_end(&list);
    return 0;
}

static void extensions_put(struct making *m, struct bb_bytes kind)
{
    map_text(m->o, "wms:kind", kind);
    map_text(m->o, "wms:stockType", bb_conf_str(m->data, "/from/stockType", NULL).len
                                        ? bb_conf_str(m->data, "/from/stockType", NULL)
                                        : bb_conf_str(m->data, "/to/stockType", NULL));
    map_value(m->o, "wms:stockTypeTo", m->data, "/to/stockType");
    map_value(m->o, "wms:difference", m->data, "/difference/value");
    map_value(m->o, "wms:reversal", m->data, "/reversal");
    map_value(m->o, "wms:movement", m->data, "/id");
}

bb_status event_put(const struct wms_conf *c, const struct bb_msg_view *v, struct bb_buf *out, struct bb_error *err)
{
    struct making m = {.c = c, .data = v->data};
    struct bb_bytes kind = bb_conf_str(v->data, "/kind", NULL), at = bb_conf_str(v->data, "/at", NULL), x;
    char difference[64];
    bb_status st = BB_OK;

    m.plant = bb_conf_str(v->data, "/plant", c->plant);
    if (!kind_known(kind))
        return bb_error_set(err, BB_E_REJECT, "kind \"%.*s\": the warehouse has no event for it; the README lists those it "
                                              "has", (int)(kind.len > 40 ? 40 : kind.len), kind.len ? (const char *)kind.ptr : "");
    if (!at.len || !bb_conf_str(v->data, "/item/id", NULL).len)
        return bb_error_set(err, BB_E_REJECT, "the movement lacks %s", at.len ? "item.id" : "at");
    bb_buf_init(&m.text, 64u << 10);
    struct open o = map_open(out);
    m.o = &o;
    bb_buf_put(&m.text, WMS_OWN_EVENT, strlen(WMS_OWN_EVENT));
    bb_buf_put(&m.text, v->key.ptr, v->key.len);
    map_text(&o, "eventID", text_of(&m));
    map_text(&o, "type", bb_str("ObjectEvent"));
    x = bb_conf_str(v->data, "/action", "OBSERVE");
    map_text(&o, "action", x);
    map_text(&o, "eventTime", at);
    map_text(&o, "eventTimeZoneOffset", bb_str("+00:00"));
    x = bb_conf_str(v->data, "/businessStep", kind_step(kind));
    map_text(&o, "bizStep", x);
    map_value(&o, "disposition", v->data, "/disposition");
    documents_put(&m);
    number_text(v->data, "/difference/value", difference);
    sides_put(&m, difference);
    if (bb_conf_find(v->data, "/readPoint", &x) == 1) {
        bb_buf_reset(&m.text);
        if (place_uri(c, x, m.plant, &m.text))
            place_key(&m, "readPoint");
    }
    extensions_put(&m, kind);
    if (things_put(&m, difference, err) != 0)
        st = BB_E_REJECT;
    open_end(&o);
    if (st == BB_OK && (out->failed || m.text.failed))
        st = bb_error_set(err, BB_E_REJECT, "the movement is too large for an event");
    bb_buf_free(&m.text);
    return st;
}
