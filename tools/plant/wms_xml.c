/*
 * wms_xml.c - EPCIS XML at the WMS's door: to the JSON that it keeps, and back (see wms.h)
 *
 * The two forms differ in names alone: lists have their elements' names, words of the CBV are URNs, what JSON has as
 * members of an object are attributes and text. Extensions of namespace urn:plant:wms: keep their local names.
 */
#include <string.h>

#include "tools/plant/wms.h"
#include "tools/plant/xml.h"

static const struct {
    const char *list, *element;
    char form; /* t: texts; p: type and text; o: objects */
    const char *member;
} lists[] = {{"epcList", "epc", 't', ""},
             {"childEPCs", "epc", 't', ""},
             {"inputEPCList", "epc", 't', ""},
             {"outputEPCList", "epc", 't', ""},
             {"bizTransactionList", "bizTransaction", 'p', "bizTransaction"},
             {"sourceList", "source", 'p', "source"},
             {"destinationList", "destination", 'p', "destination"},
             {"quantityList", "quantityElement", 'o', ""},
             {"childQuantityList", "quantityElement", 'o', ""},
             {"inputQuantityList", "quantityElement", 'o', ""},
             {"outputQuantityList", "quantityElement", 'o', ""}};
#define LISTS (sizeof lists / sizeof *lists)

/* "urn:epcglobal:cbv:bizstep:receiving" is receiving; others stay whole. */
static const char *word_of(const char *s)
{
    static const char cbv[] = "urn:epcglobal:cbv:";
    const char *colon = strncmp(s, cbv, sizeof cbv - 1) == 0 ? strchr(s + sizeof cbv - 1, ':') : NULL;
    return colon ? colon + 1 : s;
}

static bool is_number(const char *name)
{
    return strcmp(name, "quantity") == 0 || strcmp(name, "difference") == 0;
}

static void value_put(struct plant_buf *b, const char *name, const char *text)
{
    int64_t milli;
    if (is_number(name) && plant_qty_read(text, &milli))
        plant_puts(b, text);
    else
        plant_put_json(b, text);
}

static void list_put(struct plant_call *c, struct plant_buf *b, xmlNode *list, size_t k)
{
    xmlNode *n = NULL, *m;
    plant_puts(b, "[");
    for (int i = 0; (n = plant_xml_child(list, lists[k].element, n)); i++) {
        plant_puts(b, i ? "," : "");
        if (lists[k].form == 't') {
            plant_put_json(b, plant_xml_text(&c->mem, n, ""));
        } else if (lists[k].form == 'p') {
            plant_puts(b, "{\"type\":");
            plant_put_json(b, word_of(plant_xml_attribute(&c->mem, n, "type")));
            plant_putf(b, ",\"%s\":", lists[k].member);
            plant_put_json(b, plant_xml_text(&c->mem, n, ""));
            plant_puts(b, "}");
        } else {
            plant_puts(b, "{");
            m = NULL;
            for (int j = 0; (m = plant_xml_child(n, NULL, m)); j++) {
                plant_putf(b, "%s\"%s\":", j ? "," : "", (const char *)m->name);
                value_put(b, (const char *)m->name, plant_xml_text(&c->mem, m, ""));
            }
            plant_puts(b, "}");
        }
    }
    plant_puts(b, "]");
}

static size_t list_find(const char *name)
{
    size_t k = 0;
    while (k < LISTS && strcmp(lists[k].list, name) != 0)
        k++;
    return k;
}

static void event_read(struct plant_call *c, struct plant_buf *b, xmlNode *event)
{
    xmlNode *n = NULL;
    plant_puts(b, "{\"type\":");
    plant_put_json(b, (const char *)event->name);
    while ((n = plant_xml_child(event, NULL, n))) {
        const char *name = (const char *)n->name;
        bool own = n->ns && n->ns->href && strcmp((const char *)n->ns->href, "urn:plant:wms:") == 0;
        size_t k = own ? LISTS : list_find(name);
        plant_putf(b, ",\"%s%s\":", own ? "wms:" : "", name);
        if (k < LISTS) {
            list_put(c, b, n, k);
        } else if (plant_xml_child(n, "id", NULL)) {
            plant_puts(b, "{\"id\":");
            plant_put_json(b, plant_xml_text(&c->mem, n, "id"));
            plant_puts(b, "}");
        } else {
            value_put(b, name, word_of(plant_xml_text(&c->mem, n, "")));
        }
    }
    plant_puts(b, "}\n");
}

const char *wms_xml_events(struct plant_call *c, const char **why)
{
    struct plant_buf b;
    xmlDoc *doc = plant_xml_read(&c->mem, c->rq->body, why);
    if (!doc)
        return NULL;
    xmlNode *list = plant_xml_at(xmlDocGetRootElement(doc), "EPCISBody/EventList"), *n = NULL;
    plant_buf_init(&b, &c->mem);
    while ((n = plant_xml_child(list, NULL, n)))
        event_read(c, &b, n);
    xmlFreeDoc(doc);
    *why = "no EPCISBody/EventList with events";
    return b.n ? b.p : NULL;
}

/* ---- JSON to XML ----------------------------------------------------------------------------------------- */
static void items_write(struct plant_call *c, struct plant_buf *b, struct plant_text value, size_t k)
{
    struct plant_items it, members;
    struct plant_text one, key, v;
    const char *e = lists[k].element;
    plant_items_of(value, false, &it);
    while (plant_items_next(&it, &one)) {
        plant_putf(b, "<%s", e);
        if (lists[k].form == 'p') {
            plant_puts(b, " type=\"urn:epcglobal:cbv:");
            plant_puts(b, strcmp(e, "bizTransaction") == 0 ? "btt:" : "sdt:");
            plant_put_xml(b, wms_at(c, one, "/type"));
            plant_puts(b, "\">");
            plant_put_xml(b, wms_at(c, one, plant_mem_printf(&c->mem, "/%s", lists[k].member)));
        } else if (lists[k].form == 't') {
            plant_puts(b, ">");
            plant_put_xml(b, plant_json_text(&c->mem, one));
        } else {
            plant_puts(b, ">");
            if (plant_members_of(one, &members))
                while (plant_members_next(&members, &key, &v)) {
                    const char *name = plant_mem_text(&c->mem, key), *text = plant_json_text(&c->mem, v);
                    plant_putf(b, "<%s>", name);
                    plant_put_xml(b, text ? text : "");
                    plant_putf(b, "</%s>", name);
                }
        }
        plant_putf(b, "</%s>", e);
    }
}

void wms_xml_put(struct plant_call *c, struct plant_buf *b, struct plant_text ev)
{
    struct plant_items it;
    struct plant_text key, v;
    const char *type = wms_at(c, ev, "/type");
    plant_putf(b, "<%s>", type);
    if (plant_members_of(ev, &it))
        while (plant_members_next(&it, &key, &v)) {
            const char *name = plant_mem_text(&c->mem, key), *text;
            size_t k = list_find(name);
            if (strcmp(name, "type") == 0)
                continue;
            plant_putf(b, "<%s>", name);
            if (k < LISTS) {
                items_write(c, b, v, k);
            } else if (*v.p == '{') {
                plant_puts(b, "<id>");
                plant_put_xml(b, wms_at(c, v, "/id"));
                plant_puts(b, "</id>");
            } else {
                text = plant_json_text(&c->mem, v);
                if (strcmp(name, "bizStep") == 0 || strcmp(name, "disposition") == 0)
                    plant_puts(b, text && strchr(text, ':') ? "" : *name == 'b' ? "urn:epcglobal:cbv:bizstep:"
                                                                               : "urn:epcglobal:cbv:disp:");
                plant_put_xml(b, text ? text : "");
            }
            plant_putf(b, "</%s>", name);
        }
    plant_putf(b, "</%s>", type);
}
