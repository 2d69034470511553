/*
 * xml_write.c - a record's canonical value as XML text
 *
 * The mapping's namespaces are declared on the root (xml never, xsi where an attribute of it may be:
 * always). A "{uri}name" gets a declaration of its own, with prefixes that a mapping
 * cannot have: bbns0 for elements, inherited by what is inside, bbns1 and up for attributes.
 *
 * Thread: any. Recursion: as deep as the value, BB_DEPTH_MAX at most. Nothing is kept.
 */
#include "xml_map.h"
#include <stdio.h>

#define OWN_PREFIX "bbns" /* a mapping cannot have it */

struct writer {
    const struct bb_xml_map *m;
    struct bb_buf *b;
    struct bb_fault *err;
    struct bb_bytes default_uri; /* of the mapping; ptr NULL: none */
};
struct scope {               /* what is declared around an element */
    struct bb_bytes uri;     /* of the own prefix 0 */
    struct bb_bytes default_uri;
};
static int fault_at(struct writer *w, struct bb_bytes key, const char *text)
{
    char quoted[44];

    return bb_fault_set(w->err, 0, "\"%s\" %s", bb_fault_quote(quoted, key.ptr, key.len), text);
}

static int same(struct bb_bytes a, struct bb_bytes b)
{
    return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ---- text --------------------------------------------------------------------------------------
 */

static const char *escape_of(uint8_t c, int attribute)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\r':
        return "&#13;";
    case '"':
        return attribute ? "&quot;" : NULL;
    case '\n':
        return attribute ? "&#10;" : NULL;
    case '\t':
        return attribute ? "&#9;" : NULL;
    default:
        return NULL;
    }
}

/* 0, -1 when it holds what XML has no way to say. */
static int text_write(struct writer *w, struct bb_bytes s, int attribute)
{
    const uint8_t *p = s.ptr, *end = s.len ? p + s.len : p, *run = p;

    if (!s.len)
        return 0;
    if (bb_utf8_check(s.ptr, s.len) != s.len)
        return bb_fault_set(w->err, 0, "a text that is not UTF-8");
    for (; p < end; p++) {
        const char *e;
        if (*p > '>' && *p != 0xef)
            continue;
        if ((*p < 0x20 && *p != '\t' && *p != '\n' && *p != '\r') ||
            (*p == 0xef && p[1] == 0xbf && (p[2] == 0xbe || p[2] == 0xbf)))
            return bb_fault_set(w->err, 0, "the character U+%04X cannot be in XML",
                                *p < 0x20 ? *p : 0xff00u + p[2] + 0x40u);
        e = escape_of(*p, attribute);
        if (!e)
            continue;
        bb_buf_put(w->b, run, (size_t)(p - run));
        bb_buf_put(w->b, e, strlen(e));
        run = p + 1;
    }
    bb_buf_put(w->b, run, (size_t)(end - run));
    return 0;
}

/* A value that is text in XML: 0, -1. */
static int scalar_write(struct writer *w, struct bb_bytes key, struct bb_bytes value, int attribute)
{
    struct bb_cur c = bb_cur_of(value);
    struct bb_tok t;

    if (bb_cur_next(&c, &t) != 0)
        return fault_at(w, key, "is cut off");
    switch (t.kind) {
    case BB_T_NIL:
        return 0;
    case BB_T_STR:
    case BB_T_DECIMAL:
        return text_write(w, t.s, attribute);
    case BB_T_BOOL:
        bb_buf_put(w->b, t.i ? "true" : "false", t.i ? 4 : 5);
        return 0;
    case BB_T_INT:
    case BB_T_UINT:
        return bb_json_write(value, w->b, w->err);
    default:
        return fault_at(w, key, "is an array or a map where text must be");
    }
}

/* ---- names -------------------------------------------------------------------------------------
 */

static void put(struct writer *w, const char *s)
{
    bb_buf_put(w->b, s, strlen(s));
}

static void put_bytes(struct writer *w, struct bb_bytes s)
{
    bb_buf_put(w->b, s.ptr, s.len);
}

/* The name as it stands in a tag; own: the number of its own prefix, or -1. */
static void name_put(struct writer *w, const struct xml_qname *q, int own)
{
    char prefix[24];

    if (q->prefix.ptr) {
        put_bytes(w, q->prefix);
        put(w, ":");
    } else if (own >= 0) {
        snprintf(prefix, sizeof(prefix), OWN_PREFIX "%d:", own);
        put(w, prefix);
    }
    put_bytes(w, q->local);
}

static int declare(struct writer *w, int own, struct bb_bytes uri)
{
    char text[40];

    if (own >= 0)
        snprintf(text, sizeof(text), " xmlns:" OWN_PREFIX "%d=\"", own);
    else
        snprintf(text, sizeof(text), " xmlns=\"");
    put(w, text);
    if (text_write(w, uri, 1) != 0)
        return -1;
    put(w, "\"");
    return 0;
}

/* ---- elements ----------------------------------------------------------------------------------
 */

static int element_write(struct writer *w, struct bb_bytes key, struct bb_bytes value,
                         const struct xml_chain *up, const struct scope *around, unsigned depth);

/* The mapping's namespaces, at the root; the default one where it is first needed. */
static int spaces_put(struct writer *w)
{
    for (uint32_t i = 0; i < w->m->n_spaces; i++) {
        const struct xml_space *s = &w->m->spaces[i];
        struct bb_bytes uri = {s->uri, strlen(s->uri)};
        if (strcmp(s->prefix, "xml") == 0 || !*s->prefix)
            continue;
        put(w, " xmlns:");
        put(w, s->prefix);
        put(w, "=\"");
        if (text_write(w, uri, 1) != 0)
            return -1;
        put(w, "\"");
    }
    return 0;
}

static struct bb_cur map_cur(struct bb_bytes value, uint32_t *n)
{
    struct bb_cur c = bb_cur_of(value);
    struct bb_tok t = {0};

    *n = bb_cur_next(&c, &t) == 0 && t.kind == BB_T_MAP ? t.n : 0;
    return c;
}

/* The next pair: 0, -1. */
static int pair_next(struct writer *w, struct bb_cur *c, struct bb_bytes *key,
                     struct bb_bytes *value)
{
    struct bb_tok t;

    if (bb_cur_next(c, &t) != 0 || t.kind != BB_T_STR || bb_cur_value(c, value) != 0)
        return bb_fault_set(w->err, 0, "these bytes are no canonical map");
    *key = t.s;
    return 0;
}

static int starts(struct bb_bytes key, char c)
{
    return key.len && *(const char *)key.ptr == c;
}

static int attributes_write(struct writer *w, struct bb_bytes value)
{
    struct bb_bytes key, v;
    struct xml_qname q;
    uint32_t n;
    int own = 0;

    for (struct bb_cur c = map_cur(value, &n); n; n--) {
        if (pair_next(w, &c, &key, &v) != 0)
            return -1;
        if (!starts(key, '@'))
            continue;
        if (bb_xml_qname_read(w->m, key, 1, &q, w->err) != 0)
            return -1;
        if (!q.prefix.ptr && !q.uri.ptr && q.local.len == 5 && memcmp(q.local.ptr, "xmlns", 5) == 0)
            return fault_at(w, key, "declares a namespace: the mapping does that");
        if (!q.prefix.ptr && q.uri.ptr && declare(w, ++own, q.uri) != 0)
            return -1;
        put(w, " ");
        name_put(w, &q, q.uri.ptr ? own : -1);
        put(w, "=\"");
        if (scalar_write(w, key, v, 1) != 0)
            return -1;
        put(w, "\"");
    }
    return 0;
}

/* One entry: an element, or an array of them. */
static int entry_write(struct writer *w, struct bb_bytes key, struct bb_bytes value,
                       const struct xml_chain *up, const struct scope *around, unsigned depth)
{
    struct bb_cur c = bb_cur_of(value);
    struct bb_bytes v;
    struct bb_tok t;

    if (bb_cur_next(&c, &t) != 0)
        return fault_at(w, key, "is cut off");
    if (t.kind != BB_T_ARRAY)
        return element_write(w, key, value, up, around, depth);
    for (uint32_t i = 0; i < t.n; i++) {
        struct bb_cur one;
        struct bb_tok first;
        if (bb_cur_value(&c, &v) != 0)
            return fault_at(w, key, "is cut off");
        one = bb_cur_of(v);
        if (bb_cur_next(&one, &first) != 0 || first.kind == BB_T_ARRAY)
            return fault_at(w, key, "holds an array in an array, which XML cannot say");
        if (element_write(w, key, v, up, around, depth + 1) != 0)
            return -1;
    }
    return 0;
}

static int content_write(struct writer *w, struct bb_bytes list, const struct xml_chain *up,
                         const struct scope *around, unsigned depth)
{
    static const struct bb_bytes name = {"#content", 8};
    struct bb_cur c = bb_cur_of(list);
    struct bb_bytes v, key, inner;
    struct bb_tok t, first;

    if (bb_cur_next(&c, &t) != 0 || t.kind != BB_T_ARRAY)
        return fault_at(w, name, "is no array");
    for (uint32_t i = 0; i < t.n; i++) {
        struct bb_cur one;
        if (bb_cur_value(&c, &v) != 0)
            return fault_at(w, name, "is cut off");
        one = bb_cur_of(v);
        if (bb_cur_next(&one, &first) != 0)
            return fault_at(w, name, "is cut off");
        if (first.kind != BB_T_MAP) {
            if (scalar_write(w, name, v, 0) != 0)
                return -1;
            continue;
        }
        if (first.n != 1 || pair_next(w, &one, &key, &inner) != 0)
            return fault_at(w, name, "holds texts and maps of one element each");
        if (element_write(w, key, inner, up, around, depth + 2) != 0)
            return -1;
    }
    return 0;
}

static int listed(const struct xml_rule *r, struct bb_bytes key)
{
    for (uint32_t i = 0; r && i < r->n_order; i++)
        if (strlen(r->order[i]) == key.len && memcmp(r->order[i], key.ptr, key.len) == 0)
            return 1;
    return 0;
}

/* What is between the tags of an element that is a map: elements, or text. */
static int children_write(struct writer *w, struct bb_bytes value, const struct xml_chain *at,
                          const struct scope *in, unsigned depth)
{
    const struct xml_rule *order;
    struct bb_bytes key, v, text = {NULL, 0}, content = {NULL, 0};
    uint32_t n, elements = 0;

    (void)bb_xml_rules(w->m, at, &order);
    for (uint32_t i = 0; order && i < order->n_order; i++)
        if (bb_map_get(value, order->order[i], &v) == 1) {
            key.ptr = order->order[i];
            key.len = strlen(order->order[i]);
            elements++;
            if (entry_write(w, key, v, at, in, depth) != 0)
                return -1;
        }
    for (struct bb_cur c = map_cur(value, &n); n; n--) {
        if (pair_next(w, &c, &key, &v) != 0)
            return -1;
        if (starts(key, '@') || listed(order, key))
            continue;
        if (starts(key, '#')) {
            if (key.len == 5 && memcmp(key.ptr, "#text", 5) == 0)
                text = v;
            else if (key.len == 8 && memcmp(key.ptr, "#content", 8) == 0)
                content = v;
            else
                return fault_at(w, key, "is not #text or #content");
            continue;
        }
        elements++;
        if (entry_write(w, key, v, at, in, depth) != 0)
            return -1;
    }
    if ((text.ptr != NULL) + (content.ptr != NULL) + (elements > 0) > 1)
        return fault_at(w, at->key, "has text beside elements: use #content for both");
    if (text.ptr)
        return scalar_write(w, at->key, text, 0);
    return content.ptr ? content_write(w, content, at, in, depth) : 0;
}

/* Namespaces that this element needs and that are not declared around it. */
static int scope_open(struct writer *w, const struct xml_qname *q, const struct scope *around,
                      struct scope *in)
{
    *in = *around;
    if (q->prefix.ptr)
        return 0;
    if (!q->uri.ptr || (w->default_uri.ptr && same(q->uri, w->default_uri))) {
        if (same(q->uri, around->default_uri))
            return 0;
        in->default_uri = q->uri;
        return declare(w, -1, q->uri);
    }
    if (around->uri.ptr && same(q->uri, around->uri))
        return 0;
    in->uri = q->uri;
    return declare(w, 0, q->uri);
}

static int element_write(struct writer *w, struct bb_bytes key, struct bb_bytes value,
                         const struct xml_chain *up, const struct scope *around, unsigned depth)
{
    struct xml_chain at = {up, key};
    struct bb_cur c = bb_cur_of(value);
    struct bb_tok t;
    struct xml_qname q;
    struct scope in;
    size_t open;
    int own;

    if (depth > BB_DEPTH_MAX)
        return fault_at(w, key, "is nested too deep");
    if (bb_cur_next(&c, &t) != 0)
        return fault_at(w, key, "is cut off");
    if (bb_xml_qname_read(w->m, key, 0, &q, w->err) != 0)
        return -1;
    own = !q.prefix.ptr && q.uri.ptr && !(w->default_uri.ptr && same(q.uri, w->default_uri)) ? 0 : -1;
    put(w, "<");
    name_put(w, &q, own);
    if (!up && spaces_put(w) != 0)
        return -1;
    if (scope_open(w, &q, around, &in) != 0 ||
        (t.kind == BB_T_MAP && attributes_write(w, value) != 0))
        return -1;
    open = w->b->len;
    put(w, ">");
    if (t.kind == BB_T_MAP ? children_write(w, value, &at, &in, depth + 1) != 0
                           : scalar_write(w, key, value, 0) != 0)
        return -1;
    if (w->b->failed)
        return fault_at(w, key, "does not fit: no memory, or the document is too large");
    if (w->b->len == open + 1) {
        w->b->len = open;
        put(w, "/>");
        return 0;
    }
    put(w, "</");
    name_put(w, &q, own);
    put(w, ">");
    return 0;
}

int bb_xml_write(const struct bb_xml_map *m, struct bb_bytes value, struct bb_buf *b,
                 struct bb_fault *err)
{
    static const struct bb_bytes none = {"", 0};
    struct writer w = {m, b, err, {NULL, 0}};
    struct scope in = {{NULL, 0}, {NULL, 0}};
    struct bb_bytes key, inner;
    const char *uri = bb_xml_uri(m, none);
    size_t before = b->len;
    uint32_t n;
    int failed = b->failed, rc = -1;
    struct bb_cur c = map_cur(value, &n);

    if (uri) {
        w.default_uri.ptr = uri;
        w.default_uri.len = strlen(uri);
    }
    if (n != 1)
        bb_fault_set(err, 0, "a document is a map of one key, its root element's name");
    else if (pair_next(&w, &c, &key, &inner) == 0)
        rc = element_write(&w, key, inner, NULL, &in, 2);
    if (rc == 0 && b->failed)
        rc = bb_fault_set(err, 0, "no memory, or the document is larger than %zu bytes", b->max);
    if (rc == 0)
        return 0;
    b->len = before;
    b->failed = failed;
    return -1;
}
