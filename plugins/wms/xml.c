/*
 * xml.c - EPCIS events as XML: the JSON form's value to a document, and documents and answers to such values
 *
 * The two forms differ in names alone (EPCIS 2.0, 9 and 10): a list's elements have names of their own, words of the
 * CBV are URNs, and what JSON has as members of an object are an attribute and text. Elements of the system's own
 * namespace (uris.extensions) are members "wms:..."; elements of other namespaces, ilmd and sensor data are dropped.
 *
 * Thread: any. Memory: the buffers given; SDK's reader refuses DOCTYPEs and bounds depth and size.
 */
#include <string.h>
#include <stdio.h>
#include <busbar/web.h>
#include <busbar/xml.h>
#include "wms.h"

static const struct list_form {
    const char *list, *element;
    char form; /* t: texts; p: type and text; o: objects */
    const char *member, *vocabulary;
} lists[] = {{"epcList", "epc", 't', NULL, NULL},
             {"childEPCs", "epc", 't', NULL, NULL},
             {"inputEPCList", "epc", 't', NULL, NULL},
             {"outputEPCList", "epc", 't', NULL, NULL},
             {"bizTransactionList", "bizTransaction", 'p', "bizTransaction", "btt"},
             {"sourceList", "source", 'p', "source", "sdt"},
             {"destinationList", "destination", 'p', "destination", "sdt"},
             {"quantityList", "quantityElement", 'o', NULL, NULL},
             {"childQuantityList", "quantityElement", 'o', NULL, NULL},
             {"inputQuantityList", "quantityElement", 'o', NULL, NULL},
             {"outputQuantityList", "quantityElement", 'o', NULL, NULL}};
static const char *const places[] = {"readPoint", "bizLocation"};
static const struct {
    const char *name, *vocabulary; /* NULL: it is kept as it is */
} plain[] = {{"eventTime", NULL}, {"recordTime", NULL}, {"eventTimeZoneOffset", NULL}, {"eventID", NULL},
             {"parentID", NULL}, {"transformationID", NULL}, {"action", NULL}, {"bizStep", "bizstep"}, {"disposition", "disp"}};
static const char *const own[] = {"kind", "stockType", "stockTypeTo", "difference", "reversal", "movement", "correlation"};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- to XML -------------------------------------------------------------------------------------------------- */
static void puts_(struct bb_buf *b, const char *s)
{
    bb_buf_put(b, s, strlen(s));
}

static void escaped(struct bb_buf *b, struct bb_bytes text)
{
    const char *p = text.ptr;
    for (size_t k = 0; k < text.len; k++) {
        if (p[k] == '<')
            puts_(b, "&lt;");
        else if (p[k] == '&')
            puts_(b, "&amp;");
        else if (p[k] == '"')
            puts_(b, "&quot;");
        else if (p[k] == '>')
            puts_(b, "&gt;");
        else if ((unsigned char)p[k] < 0x20)
            b->failed = 1; /* XML has no such character */
        else
            bb_buf_put(b, p + k, 1);
    }
}

static void element(struct bb_buf *b, const char *prefix, const char *name, const char *vocabulary, struct bb_bytes text)
{
    puts_(b, "<"), puts_(b, prefix), puts_(b, name), puts_(b, ">");
    if (vocabulary && text.len && !memchr(text.ptr, ':', text.len))
        puts_(b, "urn:epcglobal:cbv:"), puts_(b, vocabulary), puts_(b, ":");
    escaped(b, text);
    puts_(b, "</"), puts_(b, prefix), puts_(b, name), puts_(b, ">");
}

/* A text or a number as text. */
static struct bb_bytes text_of(struct bb_bytes map, const char *pointer, char number[64])
{
    struct bb_bytes s = bb_conf_str(map, pointer, NULL);
    int truth = bb_conf_bool(map, pointer, -1);

    if (truth >= 0)
        return bb_str(truth ? "true" : "false");
    return s.len ? s : bb_str(number_text(map, pointer, number));
}

static void pair_element(struct bb_buf *b, const struct list_form *f, struct bb_bytes one)
{
    char pointer[32];
    struct bb_bytes type = bb_conf_str(one, "/type", NULL);

    snprintf(pointer, sizeof pointer, "/%s", f->member);
    puts_(b, "<"), puts_(b, f->element);
    if (type.len) {
        puts_(b, " type=\"");
        if (!memchr(type.ptr, ':', type.len))
            puts_(b, "urn:epcglobal:cbv:"), puts_(b, f->vocabulary), puts_(b, ":");
        escaped(b, type);
        puts_(b, "\"");
    }
    puts_(b, ">");
    escaped(b, bb_conf_str(one, pointer, NULL));
    puts_(b, "</"), puts_(b, f->element), puts_(b, ">");
}

static void list_element(struct bb_buf *b, const struct list_form *f, struct bb_bytes list)
{
    static const char *const members[] = {"epcClass", "quantity", "uom"};
    struct bb_bytes one, text;
    struct bb_iter it;
    char number[64], pointer[32];

    if (!bb_iter_of(list, &it))
        return;
    puts_(b, "<"), puts_(b, f->list), puts_(b, ">");
    while (bb_iter_next(&it, NULL, &one)) {
        if (f->form == 't' && bb_as_str(one, &text) == 1) {
            element(b, "", f->element, NULL, text);
        } else if (f->form == 'p') {
            pair_element(b, f, one);
        } else if (f->form == 'o') {
            puts_(b, "<quantityElement>");
            for (size_t k = 0; k < COUNT(members); k++) {
                snprintf(pointer, sizeof pointer, "/%s", members[k]);
                text = text_of(one, pointer, number);
                if (text.len)
                    element(b, "", members[k], NULL, text);
            }
            puts_(b, "</quantityElement>");
        }
    }
    puts_(b, "</"), puts_(b, f->list), puts_(b, ">");
}

/* The schema wants an order: when, id, what, action, why, where, from and to, and extensions last. */
static void event_element(struct bb_buf *b, struct bb_bytes event)
{
    static const char *const order[] = {"eventTime", "recordTime", "eventTimeZoneOffset", "eventID", "parentID", "epcList",
                                        "childEPCs", "inputEPCList", "inputQuantityList", "outputEPCList",
                                        "outputQuantityList", "transformationID", "action", "bizStep", "disposition", "readPoint",
                                        "bizLocation", "bizTransactionList", "quantityList", "childQuantityList", "sourceList",
                                        "destinationList"};
    struct bb_bytes v, type = bb_conf_str(event, "/type", "ObjectEvent");
    char pointer[40], number[64];

    puts_(b, "<"), escaped(b, type), puts_(b, ">");
    for (size_t k = 0; k < COUNT(order); k++) {
        snprintf(pointer, sizeof pointer, "/%s", order[k]);
        if (bb_conf_find(event, pointer, &v) != 1)
            continue;
        for (size_t n = 0; n < COUNT(lists); n++)
            if (strcmp(lists[n].list, order[k]) == 0)
                list_element(b, &lists[n], v);
        for (size_t n = 0; n < COUNT(plain); n++)
            if (strcmp(plain[n].name, order[k]) == 0)
                element(b, "", order[k], plain[n].vocabulary, text_of(event, pointer, number));
        for (size_t n = 0; n < COUNT(places); n++)
            if (strcmp(places[n], order[k]) == 0) {
                puts_(b, "<"), puts_(b, order[k]), puts_(b, ">");
                element(b, "", "id", NULL, bb_conf_str(v, "/id", NULL));
                puts_(b, "</"), puts_(b, order[k]), puts_(b, ">");
            }
    }
    for (size_t k = 0; k < COUNT(own); k++) {
        snprintf(pointer, sizeof pointer, "/wms:%s", own[k]);
        if (bb_conf_find(event, pointer, &v) == 1)
            element(b, "wms:", own[k], NULL, text_of(event, pointer, number));
    }
    puts_(b, "</"), escaped(b, type), puts_(b, ">");
}

void xml_document_put(const struct wms_conf *c, struct bb_bytes event, struct bb_buf *b)
{
    char now[40];

    bb_time_now(now);
    puts_(b, "<epcis:EPCISDocument xmlns:epcis=\"urn:epcglobal:epcis:xsd:2\" xmlns:wms=\"");
    escaped(b, bb_str(c->ns));
    puts_(b, "\" schemaVersion=\"2.0\" creationDate=\""), puts_(b, now), puts_(b, "\"><EPCISBody><EventList>");
    event_element(b, event);
    puts_(b, "</EventList></EPCISBody></epcis:EPCISDocument>");
}

/* ---- from XML ---------------------------------------------------------------------------------------------------- */
static struct bb_bytes word_of(struct bb_bytes text)
{
    static const char cbv[] = "urn:epcglobal:cbv:";
    size_t n = sizeof cbv - 1;

    if (text.len <= n || memcmp(text.ptr, cbv, n) != 0)
        return text;
    const char *colon = memchr((const char *)text.ptr + n, ':', text.len - n);
    return colon ? (struct bb_bytes){colon + 1, text.len - (size_t)(colon + 1 - (const char *)text.ptr)} : text;
}

/* An element's text, with attributes or without. */
static struct bb_bytes content(struct bb_bytes v)
{
    struct bb_bytes s;
    const char *p;

    if (bb_as_str(v, &s) != 1)
        s = bb_conf_str(v, "/#text", NULL);
    for (p = s.ptr; s.len && strchr(" \t\r\n", *p); p++, s.len--)
        ;
    s.ptr = p;
    while (s.len && strchr(" \t\r\n", p[s.len - 1]))
        s.len--;
    return s;
}

static void quantity_read(struct open *o, struct bb_bytes e)
{
    static const char *const members[] = {"epcClass", "uom"};
    struct bb_bytes v;
    char pointer[32];

    for (size_t k = 0; k < COUNT(members); k++) {
        snprintf(pointer, sizeof pointer, "/%s", members[k]);
        if (bb_conf_find(e, pointer, &v) == 1)
            map_text(o, members[k], content(v));
    }
    if (bb_conf_find(e, "/quantity", &v) == 1 && content(v).len)
        map_text(o, "quantity", content(v)); /* a text: number_text() takes it, digits and all */
}

static void one_read(struct open *list, const struct list_form *f, struct bb_bytes e)
{
    struct bb_bytes text = content(e);

    list->n++;
    if (f->form == 't') {
        bb_put_str(list->b, text.ptr ? text.ptr : "", text.len);
        return;
    }
    struct open o = map_open(list->b);
    if (f->form == 'p') {
        map_text(&o, "type", word_of(bb_conf_str(e, "/@type", NULL)));
        map_text(&o, f->member, text);
    } else {
        quantity_read(&o, e);
    }
    open_end(&o);
}

static void list_read(struct open *o, const struct list_form *f, struct bb_bytes v)
{
    struct bb_bytes inner, one;
    struct bb_iter it;
    char pointer[32];

    snprintf(pointer, sizeof pointer, "/%s", f->element);
    map_key(o, f->list);
    struct open list = list_open(o->b);
    if (bb_conf_find(v, pointer, &inner) == 1) {
        if (bb_iter_of(inner, &it) && !it.map)
            while (bb_iter_next(&it, NULL, &one))
                one_read(&list, f, one);
        else
            one_read(&list, f, inner);
    }
    open_end(&list);
}

static void event_read(struct bb_buf *out, struct bb_bytes type, struct bb_bytes event)
{
    struct open o = map_open(out);
    struct bb_bytes v;
    char pointer[40], key[40];

    map_text(&o, "type", type);
    for (size_t k = 0; k < COUNT(plain); k++) {
        snprintf(pointer, sizeof pointer, "/%s", plain[k].name);
        if (bb_conf_find(event, pointer, &v) == 1)
            map_text(&o, plain[k].name, plain[k].vocabulary ? word_of(content(v)) : content(v));
    }
    for (size_t k = 0; k < COUNT(lists); k++) {
        snprintf(pointer, sizeof pointer, "/%s", lists[k].list);
        if (bb_conf_find(event, pointer, &v) == 1)
            list_read(&o, &lists[k], v);
    }
    for (size_t k = 0; k < COUNT(places); k++) {
        snprintf(pointer, sizeof pointer, "/%s/id", places[k]);
        if (bb_conf_find(event, pointer, &v) != 1)
            continue;
        map_key(&o, places[k]);
        struct open in = map_open(out);
        map_text(&in, "id", content(v));
        open_end(&in);
    }
    for (size_t k = 0; k < COUNT(own); k++) {
        snprintf(pointer, sizeof pointer, "/wms:%s", own[k]);
        snprintf(key, sizeof key, "wms:%s", own[k]);
        if (bb_conf_find(event, pointer, &v) != 1)
            continue;
        if (strcmp(own[k], "reversal") == 0) {
            map_key(&o, key);
            bb_put_bool(out, bb_str_is(content(v), "true"));
        } else {
            map_text(&o, key, content(v));
        }
    }
    open_end(&o);
}

/* The mapping: records are the events; wms is the namespace of the config. */
static struct bb_xml_map *map_new(const struct wms_conf *c, const char *record, struct bb_fault *err)
{
    struct bb_buf conf;
    struct bb_xml_map *m;

    bb_buf_init(&conf, 4096);
    struct open o = map_open(&conf);
    map_text(&o, "record", bb_str(record));
    map_key(&o, "namespaces");
    struct open in = map_open(&conf);
    map_text(&in, "wms", bb_str(c->ns));
    map_text(&in, "epcis", bb_str("urn:epcglobal:epcis:xsd:2"));
    map_text(&in, "epcisq", bb_str("urn:epcglobal:epcis-query:xsd:2"));
    open_end(&in);
    open_end(&o);
    m = bb_xml_map_new((struct bb_bytes){conf.ptr, conf.len}, err);
    bb_buf_free(&conf);
    return m;
}

int xml_events_read(const struct wms_conf *c, struct bb_bytes text, struct bb_buf *out, struct bb_fault *err)
{
    int answer = memmem(text.ptr, text.len, "QueryResults", 12) != NULL, rc = -1, got;
    struct bb_xml_map *m = map_new(c, answer ? "/*/EPCISBody/epcisq:QueryResults/resultsBody/EventList/*"
                                             : "/*/EPCISBody/EventList/*", err);
    struct bb_xml *x = m ? bb_xml_new(m, &(struct bb_xml_limits){0}) : NULL;
    struct bb_xml_record r = {0};
    struct open list = list_open(out);
    struct bb_bytes type, event;
    struct bb_iter it;
    size_t used;

    while (x) {
        got = text.len ? bb_xml_read(x, text, &used, &r, err) : bb_xml_end(x, &r, err);
        if (text.len) {
            text.ptr = (const char *)text.ptr + used;
            text.len -= used;
        } else if (got == 0) {
            rc = 0;
            break;
        }
        if (got < 0)
            break;
        if (got == 1 && bb_iter_of(r.value, &it) && bb_iter_next(&it, &type, &event)) {
            event_read(out, type, event);
            list.n++;
        }
    }
    open_end(&list);
    bb_xml_free(&x);
    bb_xml_map_free(&m);
    return rc;
}
