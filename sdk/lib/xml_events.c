/*
 * xml_events.c - what the parser meets, as nodes of one record
 *
 * A record that does not fit the mapping or a limit is passed over to its end and queued as a bad
 * one. White space between elements is dropped when the next element, or the end, shows what it is.
 *
 * Thread: the reader's, inside xmlParseChunk().
 */
#include "xml_read.h"
#include <stdlib.h>
#include <strings.h>

/* ---- faults ------------------------------------------------------------------------------------
 */

/* The record is no good; reading goes on. */
static void bad(struct bb_xml *x, const char *text)
{
    if (x->record_bad)
        return;
    x->record_bad = 1;
    bb_fault_set(&x->record_fault, 0, "line %d, column %d: %s", xmlSAX2GetLineNumber(x->p),
                 xmlSAX2GetColumnNumber(x->p), text);
}

/* The same at the place of the record: where a limit is passed depends on the pieces. */
static void too_large(struct bb_xml *x, const char *text)
{
    const struct xml_open *o = &x->open[x->record_depth - 1];

    if (x->record_bad)
        return;
    x->record_bad = 1;
    bb_fault_set(&x->record_fault, 0, "line %u, column %u: %s", o->line, o->column, text);
}

static void on_error(void *ctx, xmlErrorPtr e)
{
    struct bb_xml *x = ctx;
    char text[160];
    size_t n;

    if (e->level < XML_ERR_ERROR || x->broken)
        return;
    snprintf(text, sizeof(text), "%s", e->message ? e->message : "no XML");
    n = strcspn(text, "\n");
    text[n] = 0;
    if (e->code == XML_ERR_DOCUMENT_END && x->depth) /* the parser speaks of extra content */
        n = (size_t)snprintf(text, sizeof(text), "the document ends inside an element: it is cut off");
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f)
            text[i] = '?';
    bb_xml_stop_at(x, e->line, e->int2, text);
}

/* ---- nodes -------------------------------------------------------------------------------------
 */

static uint32_t node_add(struct bb_xml *x, uint32_t up, uint32_t kind, uint32_t name)
{
    struct xml_tree *t = &x->t;
    struct xml_node *n;
    uint32_t at = t->n;

    if (t->text.len + 8 * (size_t)t->n > x->limits.record_max) {
        too_large(x, "the record is too large");
        return XML_NONE;
    }
    if (t->n == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 256;
        n = realloc(t->nodes, cap * sizeof(*n));
        if (!n) {
            too_large(x, "no memory for the record");
            return XML_NONE;
        }
        t->nodes = n;
        t->cap = cap;
    }
    n = &t->nodes[at];
    memset(n, 0, sizeof(*n));
    n->kind = kind;
    n->name = name;
    n->first = n->last = n->next = n->same = XML_NONE;
    n->line = (uint32_t)xmlSAX2GetLineNumber(x->p);
    n->column = (uint32_t)xmlSAX2GetColumnNumber(x->p);
    n->text = t->text.len;
    if (up != XML_NONE) {
        if (t->nodes[up].last == XML_NONE)
            t->nodes[up].first = at;
        else
            t->nodes[t->nodes[up].last].next = at;
        t->nodes[up].last = at;
    }
    t->n++;
    return at;
}

static int text_add(struct bb_xml *x, uint32_t node, const void *s, size_t len)
{
    struct xml_tree *t = &x->t;

    if (len > x->limits.record_max || t->text.len + len > x->limits.record_max) {
        too_large(x, "the record is too large");
        return -1;
    }
    bb_buf_put(&t->text, s, len);
    if (t->text.failed) {
        too_large(x, "no memory for the record");
        return -1;
    }
    t->nodes[node].len += len;
    return 0;
}

/* Text that just ended at the element on top: may it stand beside elements? */
static void text_settle(struct bb_xml *x, uint32_t at, int beside)
{
    struct xml_tree *t = &x->t;
    uint32_t last = t->nodes[at].last, flags = t->names[t->nodes[at].name].flags;
    struct xml_node *n;

    if (last == XML_NONE || t->nodes[last].kind != XML_TEXT || (flags & XML_MIXED))
        return;
    n = &t->nodes[last];
    if (!beside && !(flags & XML_ORDERED))
        return;
    if (n->len && !bb_xml_blank(t->text.ptr + n->text, n->len)) {
        bad(x, "text beside elements: declare the path under mixed to keep it");
        return;
    }
    t->text.len -= n->len; /* it is the latest text */
    n->len = 0;            /* an empty text node is none */
}

/* ---- events ------------------------------------------------------------------------------------
 */

static void record_begin(struct bb_xml *x)
{
    x->t.seen += x->t.n;
    x->t.n = 0;
    bb_buf_reset(&x->t.text);
    x->record_bad = 0;
    x->in_record = 1;
}

static void record_end(struct bb_xml *x, uint32_t line, uint32_t column)
{
    struct xml_done d = {x->out.len, 0, line, column, 0, {0, ""}};

    x->in_record = 0;
    if (!x->record_bad && bb_xml_emit(&x->t, &x->out, &x->record_fault) != 0)
        x->record_bad = 1;
    if (x->record_bad) {
        x->out.len = d.at;
        x->out.failed = 0;
        d.bad = 1;
        d.fault = x->record_fault;
        d.fault.offset = (size_t)xmlByteConsumed(x->p);
    }
    d.len = x->out.len - d.at;
    if (x->n_done == x->done_cap) {
        size_t cap = x->done_cap ? x->done_cap * 2 : 16;
        struct xml_done *v = realloc(x->done, cap * sizeof(*v));
        if (!v) {
            bb_xml_stop(x, "no memory for a record");
            return;
        }
        x->done = v;
        x->done_cap = cap;
    }
    x->done[x->n_done++] = d;
    if (x->t.text.cap > x->limits.record_max / 4 && x->t.text.cap > (1u << 20))
        bb_buf_free(&x->t.text); /* one large record does not keep its memory */
}

static void attributes_add(struct bb_xml *x, uint32_t element, int n, const xmlChar **a)
{
    for (int i = 0; i < n && !x->record_bad; i++, a += 5) {
        uint32_t name = bb_xml_name(x, x->t.nodes[element].name, a[0], a[2], XML_ATTRIBUTE), node;
        if (name == XML_NONE)
            return;
        node = node_add(x, element, XML_ATTRIBUTE, name);
        if (node != XML_NONE)
            (void)text_add(x, node, a[3], (size_t)(a[4] - a[3]));
    }
}

static void on_start(void *ctx, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
                     int n_spaces, const xmlChar **spaces, int n_attributes, int n_defaulted,
                     const xmlChar **attributes)
{
    struct bb_xml *x = ctx;
    struct xml_open *o;
    uint32_t up = x->depth ? x->open[x->depth - 1].name : XML_NONE, name;
    uint32_t around = x->depth ? x->open[x->depth - 1].node : XML_NONE;

    (void)prefix;
    (void)n_spaces;
    (void)spaces;
    (void)n_defaulted;
    if (x->broken)
        return;
    if (x->depth == x->limits.depth_max) {
        bb_xml_stop(x, "elements are nested too deep");
        return;
    }
    if ((uint32_t)n_attributes > x->limits.attributes_max) {
        bb_xml_stop(x, "an element with too many attributes");
        return;
    }
    name = bb_xml_name(x, up, local, uri, XML_ELEMENT);
    if (name == XML_NONE)
        return;
    o = &x->open[x->depth++];
    o->name = name;
    o->node = XML_NONE;
    o->elements = 0;
    o->line = (uint32_t)xmlSAX2GetLineNumber(x->p);
    o->column = (uint32_t)xmlSAX2GetColumnNumber(x->p);
    if (!x->in_record) {
        if (!x->t.names[name].is_record)
            return;
        record_begin(x);
        x->record_depth = x->depth;
    } else if (!x->record_bad) {
        text_settle(x, around, 1);
    }
    if (x->record_bad)
        return;
    o->node = node_add(x, around, XML_ELEMENT, name);
    if (o->node != XML_NONE)
        attributes_add(x, o->node, n_attributes, attributes);
}

static void on_end(void *ctx, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
    struct bb_xml *x = ctx;
    struct xml_open *o;

    (void)local;
    (void)prefix;
    (void)uri;
    if (x->broken || !x->depth)
        return;
    o = &x->open[x->depth - 1];
    if (x->in_record && !x->record_bad && o->node != XML_NONE)
        text_settle(x, o->node, o->elements);
    if (x->in_record && x->depth == x->record_depth)
        record_end(x, o->line, o->column);
    x->depth--;
    x->closed = x->depth == 0;
    if (x->depth)
        x->open[x->depth - 1].elements = 1;
}

static void on_text(void *ctx, const xmlChar *s, int len)
{
    struct bb_xml *x = ctx;
    uint32_t at, last;

    if (x->broken || !x->in_record || x->record_bad || len <= 0)
        return;
    at = x->open[x->depth - 1].node;
    last = x->t.nodes[at].last;
    if (last == XML_NONE || x->t.nodes[last].kind != XML_TEXT || !x->t.nodes[last].len)
        last = node_add(x, at, XML_TEXT, x->t.nodes[at].name);
    if (last != XML_NONE)
        (void)text_add(x, last, s, (size_t)len);
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *external,
                       const xmlChar *system)
{
    (void)name;
    (void)external;
    (void)system;
    bb_xml_stop(ctx, "a DOCTYPE is refused: it could declare entities; remove it");
}

static void on_document(void *ctx)
{
    static const char *const known[] = {"UTF-8",      "UTF-16",      "UTF-16LE",     "UTF-16BE",
                                        "US-ASCII",   "ASCII",       "ISO-8859-1",   "ISO-8859-15",
                                        "ISO8859-1",  "ISO8859-15",  "windows-1252", "CP1252",
                                        "ISO_8859-1", "ISO_8859-15", "latin1"};
    struct bb_xml *x = ctx;
    const char *named = (const char *)x->p->encoding;
    char text[120], quoted[44];

    if (!named && x->p->input)
        named = (const char *)x->p->input->encoding;
    if (!named)
        return;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcasecmp(named, known[i]) == 0)
            return;
    snprintf(text, sizeof(text), "the encoding %s is not read; write the file as UTF-8",
             bb_fault_quote(quoted, named, strlen(named)));
    bb_xml_stop(x, text);
}

const xmlSAXHandler bb_xml_events = {.initialized = XML_SAX2_MAGIC,
                                     .internalSubset = on_doctype,
                                     .startDocument = on_document,
                                     .startElementNs = on_start,
                                     .endElementNs = on_end,
                                     .characters = on_text,
                                     .ignorableWhitespace = on_text,
                                     .cdataBlock = on_text,
                                     .serror = (xmlStructuredErrorFunc)on_error};
