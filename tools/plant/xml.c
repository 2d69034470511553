/* xml.c - see xml.h */
#include <libxml/parser.h>
#include <string.h>

#include "tools/plant/xml.h"

xmlDoc *plant_xml_read(struct plant_mem *m, struct plant_text body, const char **why)
{
    xmlParserCtxt *ctxt = xmlNewParserCtxt();
    xmlDoc *doc = NULL;
    *why = "not read";
    if (!ctxt || body.n > INT32_MAX)
        goto out;
    doc = xmlCtxtReadMemory(ctxt, body.p, (int)body.n, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!doc) {
        const xmlError *e = xmlCtxtGetLastError(ctxt);
        *why = plant_mem_printf(m, "line %d: %s", e ? e->line : 0, e && e->message ? e->message : "no XML");
    } else if (doc->intSubset || !xmlDocGetRootElement(doc)) {
        *why = "a DTD is not taken";
        xmlFreeDoc(doc);
        doc = NULL;
    }
out:
    xmlFreeParserCtxt(ctxt);
    return doc;
}

xmlNode *plant_xml_child(const xmlNode *parent, const char *name, const xmlNode *after)
{
    xmlNode *n = after ? after->next : parent ? parent->children : NULL;
    while (n && (n->type != XML_ELEMENT_NODE || (name && strcmp((const char *)n->name, name) != 0)))
        n = n->next;
    return n;
}

xmlNode *plant_xml_at(xmlNode *node, const char *path)
{
    char name[128];
    while (node && *path) {
        size_t n = strcspn(path, "/");
        if (n >= sizeof name)
            return NULL;
        memcpy(name, path, n);
        name[n] = '\0';
        node = plant_xml_child(node, name, NULL);
        path += n + (path[n] == '/');
    }
    return node;
}

static char *trimmed(struct plant_mem *m, xmlChar *s)
{
    static const char blank[] = " \t\r\n";
    const char *p = s ? (const char *)s : "";
    p += strspn(p, blank);
    size_t n = strlen(p);
    while (n && strchr(blank, p[n - 1]))
        n--;
    char *out = plant_mem_copy(m, p, n);
    xmlFree(s);
    return out;
}

char *plant_xml_text(struct plant_mem *m, xmlNode *node, const char *path)
{
    node = plant_xml_at(node, path);
    return trimmed(m, node ? xmlNodeGetContent(node) : NULL);
}

char *plant_xml_attribute(struct plant_mem *m, const xmlNode *node, const char *name)
{
    return trimmed(m, xmlGetProp(node, (const xmlChar *)name));
}
