/*
 * xml_read.c - XML documents to records, through libxml2's push parser
 *
 * bytes --pieces--> libxml2 --SAX2 events--> nodes of one record --emit--> queue --> the caller
 *
 * The push interface and not xmlTextReader: it builds no tree of its own, takes bytes as they come
 * and keeps at most one tag; so every limit is ours. It cannot stop in the middle of a piece, so
 * what a piece completes waits in a queue; pieces are small.
 *
 * A record that does not fit the mapping or a limit is passed over to its end and reported in its
 * turn. What is no XML, and a document that must not be read (DOCTYPE, limits of the document),
 * ends the reader. libxml2's dictionary gives one address to one name, so that a path's name is
 * found by a hash of addresses.
 *
 * Thread: the owner's. libxml2's state of a thread is as it was after each call.
 */
#include "xml_read.h"
#include <libxml/parserInternals.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#define PIECE 4096
#define TAG_LOOK (4u * PIECE) /* unparsed bytes that are worth a look */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void set_up(void)
{
    xmlInitParser();
}

/* ---- faults ------------------------------------------------------------------------------------
 */

/* The document cannot be read on. The first reason stands. */
static void stop_at(struct bb_xml *x, int line, int column, const char *text)
{
    if (x->broken)
        return;
    x->broken = 1;
    bb_fault_set(&x->end_fault, (size_t)xmlByteConsumed(x->p), "line %d, column %d: %s", line,
                 column, text);
    xmlStopParser(x->p);
}

static void stop(struct bb_xml *x, const char *text)
{
    stop_at(x, xmlSAX2GetLineNumber(x->p), xmlSAX2GetColumnNumber(x->p), text);
}

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
    stop_at(x, e->line, e->int2, text);
}

/* ---- names -------------------------------------------------------------------------------------
 */

static uint32_t hash_of(uint32_t up, const void *local, const void *uri, uint32_t kind)
{
    uint64_t h = (uint64_t)(uintptr_t)local * 0x9e3779b97f4a7c15u;

    h ^= h >> 29;
    h = (h + (uint64_t)(uintptr_t)uri) * 0xbf58476d1ce4e5b9u;
    h ^= h >> 32;
    h = (h + up * 2u + kind) * 0x94d049bb133111ebu;
    return (uint32_t)(h >> 32);
}

static int index_grow(struct bb_xml *x)
{
    uint32_t cap = x->index_cap ? x->index_cap * 2 : 256, *v = malloc(cap * sizeof(*v));

    if (!v)
        return -1;
    memset(v, 0xff, cap * sizeof(*v));
    for (uint32_t i = 0; i < x->t.n_names; i++) {
        const struct xml_name *n = &x->t.names[i];
        uint32_t at = hash_of(n->up, n->local, n->uri, n->kind) & (cap - 1);
        while (v[at] != XML_NONE)
            at = (at + 1) & (cap - 1);
        v[at] = i;
    }
    free(x->index);
    x->index = v;
    x->index_cap = cap;
    return 0;
}

/* Writes the key of a new name. 0, -1 when it is too long. */
static int key_make(struct bb_xml *x, struct xml_name *n)
{
    struct bb_buf *k = &x->t.keys;
    const char *uri = n->uri, *prefix = uri ? bb_xml_prefix(x->map, uri) : NULL;

    n->key = k->len;
    if (n->kind == XML_ATTRIBUTE)
        bb_buf_put(k, "@", 1);
    if (prefix && *prefix) {
        bb_buf_put(k, prefix, strlen(prefix));
        bb_buf_put(k, ":", 1);
    } else if (uri && !prefix) {
        bb_buf_put(k, "{", 1);
        bb_buf_put(k, uri, strlen(uri));
        bb_buf_put(k, "}", 1);
    } else if (uri ? n->kind == XML_ATTRIBUTE : n->kind == XML_ELEMENT && x->default_space) {
        /* a name in no namespace beside a default one; an attribute never has the default one */
        bb_buf_put(k, "{", 1);
        bb_buf_put(k, uri ? uri : "", uri ? strlen(uri) : 0);
        bb_buf_put(k, "}", 1);
    }
    bb_buf_put(k, n->local, strlen(n->local));
    n->key_len = (uint32_t)(k->len - n->key);
    return n->key_len > x->limits.name_max ? -1 : 0;
}

/* Whether the name is the record's element, and what the mapping says of it. */
static void rules_find(struct bb_xml *x, struct xml_name *n)
{
    struct xml_chain chain[BB_XML_DEPTH_MAX + 2];
    const struct xml_name *at = n, *all = x->t.names;
    uint32_t k = 0;

    for (; k < BB_XML_DEPTH_MAX + 2; k++) {
        chain[k].key.ptr = x->t.keys.ptr + at->key;
        chain[k].key.len = at->key_len;
        chain[k].up = NULL;
        if (k)
            chain[k - 1].up = &chain[k];
        if (at->up == XML_NONE || (n->in_record && at->is_record))
            break;
        at = &all[at->up];
    }
    if (n->in_record)
        n->flags = bb_xml_rules(x->map, chain, NULL);
    else if (n->kind == XML_ELEMENT && bb_xml_path_matches(&x->record_path, chain))
        n->is_record = 1;
}

static uint32_t name_new(struct bb_xml *x, uint32_t up, const void *local, const void *uri,
                         uint32_t kind)
{
    struct xml_tree *t = &x->t;
    struct xml_name *n;

    if (t->n_names == x->limits.paths_max) {
        stop(x, "too many different names on different paths");
        return XML_NONE;
    }
    if (t->n_names == t->names_cap) {
        uint32_t cap = t->names_cap ? t->names_cap * 2 : 128;
        n = realloc(t->names, cap * sizeof(*n));
        if (!n) {
            stop(x, "no memory for a name");
            return XML_NONE;
        }
        t->names = n;
        t->names_cap = cap;
    }
    n = &t->names[t->n_names];
    memset(n, 0, sizeof(*n));
    n->local = local;
    n->uri = uri;
    n->up = up;
    n->kind = kind;
    n->owner = UINT64_MAX;
    if (key_make(x, n) != 0 || t->keys.failed) {
        stop(x, t->keys.failed ? "no memory for a name" : "a name is too long");
        return XML_NONE;
    }
    if (up == XML_NONE && !x->record_path.n)
        n->is_record = 1;
    n->in_record = up != XML_NONE && (t->names[up].in_record || t->names[up].is_record);
    if (!n->is_record)
        rules_find(x, n);
    if (n->is_record) { /* it has rules too: a path of its own name alone */
        n->in_record = 1;
        rules_find(x, n);
    }
    return t->n_names++;
}

static uint32_t name_of(struct bb_xml *x, uint32_t up, const void *local, const void *uri,
                        uint32_t kind)
{
    uint32_t at;

    if (x->t.n_names * 2 >= x->index_cap && index_grow(x) != 0) {
        stop(x, "no memory for a name");
        return XML_NONE;
    }
    at = hash_of(up, local, uri, kind) & (x->index_cap - 1);
    for (; x->index[at] != XML_NONE; at = (at + 1) & (x->index_cap - 1)) {
        const struct xml_name *n = &x->t.names[x->index[at]];
        if (n->local == local && n->uri == uri && n->up == up && n->kind == kind)
            return x->index[at];
    }
    x->index[at] = name_new(x, up, local, uri, kind);
    return x->index[at];
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
            stop(x, "no memory for a record");
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
        uint32_t name = name_of(x, x->t.nodes[element].name, a[0], a[2], XML_ATTRIBUTE), node;
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
        stop(x, "elements are nested too deep");
        return;
    }
    if ((uint32_t)n_attributes > x->limits.attributes_max) {
        stop(x, "an element with too many attributes");
        return;
    }
    name = name_of(x, up, local, uri, XML_ELEMENT);
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
    stop(ctx, "a DOCTYPE is refused: it could declare entities; remove it");
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
    stop(x, text);
}

/* ---- bytes -------------------------------------------------------------------------------------
 */

/* What the parser has kept because a tag (or comment) has no end yet must stay small, and one
 * start tag must not hold so many attributes that comparing them takes long. */
static void tag_check(struct bb_xml *x)
{
    const xmlChar *p = x->p->input ? x->p->input->cur : NULL;
    const xmlChar *end = p ? x->p->input->end : NULL;
    uint32_t equals = 0;

    if (x->broken || !p || end - p < (ptrdiff_t)TAG_LOOK)
        return;
    if ((size_t)(end - p) > x->limits.tag_max) {
        stop(x, "a tag, comment or instruction is too long");
        return;
    }
    if (*p != '<' || p[1] == '!' || p[1] == '?')
        return;
    for (; p < end; p++)
        equals += *p == '=';
    if (equals > 8 * x->limits.attributes_max)
        stop(x, "an element with too many attributes");
}

static void silent(void *ctx, const char *format, ...)
{
    (void)ctx;
    (void)format;
}

/* Errors of the encoders go past the handler, to standard error, unless this thread's printer is
 * another one; it is so for the time of a call only. */
struct printer {
    xmlGenericErrorFunc print;
    void *context;
};
static struct printer printer_off(void)
{
    struct printer was = {xmlGenericError, xmlGenericErrorContext};

    xmlSetGenericErrorFunc(NULL, silent);
    return was;
}

static void piece_push(struct bb_xml *x, const char *p, size_t n, int last)
{
    struct printer was = printer_off();
    int rc = xmlParseChunk(x->p, p, (int)n, last);

    xmlSetGenericErrorFunc(was.context, was.print);
    if (!x->broken && (!x->p->wellFormed || rc == XML_ERR_INVALID_ENCODING ||
                       rc == XML_I18N_CONV_FAILED || x->p->instate == XML_PARSER_EOF) &&
        (!last || rc != 0))
        stop(x, "these bytes are no text in the document's encoding");
    if (!x->broken && last && !x->closed)
        stop(x, "the document ends too early");
    tag_check(x);
}

/* Whether the first bytes are those of an encoding that is read: NULs are UTF-16's "<" or none. */
static int head_good(const char *h, size_t n)
{
    static const char *const good[] = {"<\0?\0", "\0<\0?"};

    if (n == 4 && memcmp(h, "\x4c\x6f\xa7\x94", 4) == 0)
        return 0; /* EBCDIC */
    if (!memchr(h, 0, n) || memcmp(h, "\xff\xfe", 2) == 0 || memcmp(h, "\xfe\xff", 2) == 0)
        return 1;
    return n == 4 && (memcmp(h, good[0], 4) == 0 || memcmp(h, good[1], 4) == 0);
}

/* The first four bytes say which encoding it is: they go in together. */
static int parser_open(struct bb_xml *x)
{
    static xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
                                .internalSubset = on_doctype,
                                .startDocument = on_document,
                                .startElementNs = on_start,
                                .endElementNs = on_end,
                                .characters = on_text,
                                .ignorableWhitespace = on_text,
                                .cdataBlock = on_text,
                                .serror = (xmlStructuredErrorFunc)on_error};
    struct printer was;

    if (!head_good(x->head, x->head_len)) {
        x->broken = 1;
        return bb_fault_set(&x->end_fault, 0, "line 1, column 1: this encoding is not read; write "
                                              "the file as UTF-8");
    }
    was = printer_off();
    x->p = xmlCreatePushParserCtxt(&sax, x, x->head, (int)x->head_len, NULL);
    xmlSetGenericErrorFunc(was.context, was.print);
    if (!x->p) {
        x->broken = 1;
        return bb_fault_set(&x->end_fault, 0, "no memory for the XML parser");
    }
    /* NOENT only makes &amp; in attributes one character: no other entity can be there */
    (void)xmlCtxtUseOptions(x->p, XML_PARSE_NOENT | XML_PARSE_NONET);
    return 0;
}

static int done_next(struct bb_xml *x, struct bb_xml_record *r, struct bb_fault *err)
{
    const struct xml_done *d = &x->done[x->given++];

    x->number++;
    r->number = x->number;
    r->line = d->line;
    r->column = d->column;
    r->value.ptr = d->len ? x->out.ptr + d->at : NULL;
    r->value.len = d->len;
    if (!d->bad)
        return 1;
    if (err)
        *err = d->fault;
    return -1;
}

static int broken_say(struct bb_xml *x, struct bb_xml_record *r, struct bb_fault *err)
{
    x->told = 1;
    r->number = x->number + 1;
    if (err)
        *err = x->end_fault;
    return -1;
}

int bb_xml_read(struct bb_xml *x, struct bb_bytes chunk, size_t *used, struct bb_xml_record *r,
                struct bb_fault *err)
{
    const char *p = chunk.ptr;

    *used = 0;
    memset(r, 0, sizeof(*r));
    if (x->given < x->n_done)
        return done_next(x, r, err);
    x->given = x->n_done = 0;
    bb_buf_reset(&x->out);
    while (!x->broken && !x->n_done && *used < chunk.len) {
        size_t n = chunk.len - *used;
        if (!x->p) {
            x->head[x->head_len++] = p[(*used)++];
            if (x->head_len == sizeof(x->head) && parser_open(x) != 0)
                break;
            continue;
        }
        n = n < PIECE ? n : PIECE;
        piece_push(x, p + *used, n, 0);
        *used += n;
    }
    if (x->n_done)
        return done_next(x, r, err);
    return x->broken ? broken_say(x, r, err) : 0;
}

int bb_xml_end(struct bb_xml *x, struct bb_xml_record *r, struct bb_fault *err)
{
    memset(r, 0, sizeof(*r));
    if (x->given < x->n_done)
        return done_next(x, r, err);
    if (!x->broken && !x->ended) {
        if (!x->p && !x->head_len) {
            x->broken = 1;
            bb_fault_set(&x->end_fault, 0, "line 1, column 1: the document is empty");
        }
        if (x->broken || (!x->p && parser_open(x) != 0))
            return broken_say(x, r, err);
        x->given = x->n_done = 0;
        bb_buf_reset(&x->out);
        piece_push(x, "", 0, 1);
        x->ended = 1;
        if (x->n_done)
            return done_next(x, r, err);
    }
    return x->broken ? broken_say(x, r, err) : 0;
}

int bb_xml_broken(const struct bb_xml *x)
{
    return x->told;
}

struct bb_xml *bb_xml_new(const struct bb_xml_map *m, const struct bb_xml_limits *limits)
{
    struct bb_xml *x = calloc(1, sizeof(*x));
    struct bb_xml_limits *l;

    if (!x)
        return NULL;
    (void)pthread_once(&once, set_up);
    x->map = m;
    x->record_path = m->record;
    x->default_space = bb_xml_uri(m, (struct bb_bytes){"", 0}) != NULL;
    l = &x->limits;
    if (limits)
        *l = *limits;
    l->record_max = l->record_max ? l->record_max : 16u << 20;
    l->tag_max = l->tag_max ? l->tag_max : 1u << 20;
    l->tag_max = l->tag_max < (8u << 20) ? l->tag_max : 8u << 20;
    l->depth_max = l->depth_max && l->depth_max < BB_XML_DEPTH_MAX ? l->depth_max : BB_XML_DEPTH_MAX;
    l->attributes_max = l->attributes_max ? l->attributes_max : 256;
    l->paths_max = l->paths_max ? l->paths_max : 65536;
    l->name_max = l->name_max ? l->name_max : 1024;
    bb_buf_init(&x->t.text, l->record_max);
    bb_buf_init(&x->t.keys, (size_t)l->paths_max * l->name_max);
    bb_buf_init(&x->out, 2 * l->record_max + (4u << 20));
    return x;
}

void bb_xml_free(struct bb_xml **xp)
{
    struct bb_xml *x = *xp;

    if (!x)
        return;
    if (x->p)
        xmlFreeParserCtxt(x->p);
    bb_buf_free(&x->t.text);
    bb_buf_free(&x->t.keys);
    bb_buf_free(&x->out);
    free(x->t.nodes);
    free(x->t.names);
    free(x->index);
    free(x->done);
    free(x);
    *xp = NULL;
}
