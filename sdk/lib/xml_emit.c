/*
 * xml_emit.c - a record's nodes as canonical msgpack
 *
 * Children of one name are chained first, in one pass over them, with two fields of the name as
 * scratch; so a map's keys are never searched, whatever the document does.
 *
 * Thread: the reader's. Recursion: as deep as the value, XML_DEEPEST at most.
 */
#include "xml_tree.h"

#define XML_DEEPEST (BB_DEPTH_MAX - 2) /* a message puts its array around the value */

struct emit {
    struct xml_tree *t;
    struct bb_buf *b;
    struct bb_fault *err;
};

static int fault_of(struct emit *e, const struct xml_node *n, const char *text)
{
    char quoted[44];
    struct bb_bytes key = bb_xml_key(e->t, n->name);

    return bb_fault_set(e->err, 0, "line %u, column %u, %s: %s", n->line, n->column,
                        bb_fault_quote(quoted, key.ptr, key.len), text);
}

/* ---- typed text --------------------------------------------------------------------------------
 */

static int digits(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return 0;
    return 1;
}

/* xs:decimal and xs:integer allow what JSON's grammar does not: a plus, zeros in front, no digit on
 * one side of the point. The value and its digits behind the point stay. An exponent (xs:double) is
 * a decimal too. */
static int number_put(struct bb_buf *b, const char *s, size_t len, int integer)
{
    char text[BB_DECIMAL_MAX];
    const char *end = s + len, *dot, *stop = s;
    size_t n = 0, whole, rest;

    if (len >= BB_DECIMAL_MAX)
        return -1;
    while (stop < end && *stop != 'e' && *stop != 'E')
        stop++;
    if (*s == '+' || *s == '-') {
        if (*s == '-')
            text[n++] = '-';
        s++;
    }
    dot = memchr(s, '.', (size_t)(stop - s));
    whole = (size_t)((dot ? dot : stop) - s);
    rest = dot ? (size_t)(stop - dot - 1) : 0;
    if (!digits(s, whole) || (dot && !digits(dot + 1, rest)) || !(whole + rest) ||
        (integer && (dot || stop < end)))
        return -1;
    while (whole > 1 && *s == '0') {
        s++;
        whole--;
    }
    if (whole)
        memcpy(text + n, s, whole);
    else
        text[n] = '0';
    n += whole ? whole : 1;
    if (rest) {
        memcpy(text + n, dot, rest + 1);
        n += rest + 1;
    }
    if (stop < end) {
        size_t sign = (size_t)(stop + 1 < end && (stop[1] == '+' || stop[1] == '-'));
        if (stop + 1 + sign == end || !digits(stop + 1 + sign, (size_t)(end - stop) - 1 - sign))
            return -1;
        memcpy(text + n, stop, (size_t)(end - stop));
        n += (size_t)(end - stop);
    }
    if (integer && n == 2 && memcmp(text, "-0", 2) == 0)
        bb_put_int(b, 0);
    else
        bb_put_decimal(b, text, n);
    return 0;
}

static int date_good(const char *s, size_t n)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned y, m, d;

    if (n != 10 || s[4] != '-' || s[7] != '-' || !digits(s, 4) || !digits(s + 5, 2) ||
        !digits(s + 8, 2))
        return 0;
    y = (unsigned)((s[0] - '0') * 1000 + (s[1] - '0') * 100 + (s[2] - '0') * 10 + (s[3] - '0'));
    m = (unsigned)((s[5] - '0') * 10 + (s[6] - '0'));
    d = (unsigned)((s[8] - '0') * 10 + (s[9] - '0'));
    return m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1] &&
           !(m == 2 && d == 29 && (y % 4 || (y % 100 == 0 && y % 400)));
}

static int typed_put(struct emit *e, const struct xml_node *at, const char *s, size_t len,
                     uint32_t type)
{
    int one;

    while (len && bb_xml_blank(s, 1)) {
        s++;
        len--;
    }
    while (len && bb_xml_blank(s + len - 1, 1))
        len--;
    if (!len) {
        bb_put_nil(e->b);
        return 0;
    }
    switch (type) {
    case XML_INTEGER:
    case XML_DECIMAL:
        return number_put(e->b, s, len, type == XML_INTEGER) == 0
                   ? 0
                   : fault_of(e, at, type == XML_INTEGER ? "is declared integer and is none"
                                                         : "is declared decimal and is none");
    case XML_BOOLEAN:
        one = (len == 4 && memcmp(s, "true", 4) == 0) || (len == 1 && *s == '1');
        if (!one && !(len == 5 && memcmp(s, "false", 5) == 0) && !(len == 1 && *s == '0'))
            return fault_of(e, at, "is declared boolean and is not true, false, 1 or 0");
        bb_put_bool(e->b, one);
        return 0;
    default:
        if (!date_good(s, len))
            return fault_of(e, at, "is declared date and is no date such as 2026-01-31");
        bb_put_str(e->b, s, len);
        return 0;
    }
}

/* The parser lets bytes through in CDATA that are no characters of XML: not on to the message. */
static int text_good(const char *s, size_t len)
{
    const uint8_t *p = (const uint8_t *)s, *end = p + len;

    for (; p < end; p++) {
        if (*p >= 0x20 && *p != 0xef)
            continue;
        if (*p < 0x20 ? !bb_xml_blank(p, 1)
                      : end - p > 2 && p[1] == 0xbf && (p[2] == 0xbe || p[2] == 0xbf))
            return 0;
    }
    return bb_utf8_check(s, len) == len;
}

static int text_put(struct emit *e, const struct xml_node *at, size_t text, size_t len)
{
    const char *s = len ? (const char *)e->t->text.ptr + text : "";
    uint32_t type = e->t->names[at->name].flags & XML_TYPES;

    if (!text_good(s, len))
        return fault_of(e, at, "holds bytes that are no characters of XML");
    if (type)
        return typed_put(e, at, s, len, type);
    bb_put_str(e->b, s, len);
    return 0;
}

static void key_put(struct emit *e, uint32_t name)
{
    struct bb_bytes k = bb_xml_key(e->t, name);
    bb_put_str(e->b, k.ptr, k.len);
}

/* ---- elements ----------------------------------------------------------------------------------
 */

struct kin { /* what an element has in it */
    uint32_t attributes, elements, names; /* names: different ones of elements */
};

/* Counts the element's children and chains those of one name. */
static struct kin group(struct xml_tree *t, uint32_t at)
{
    struct kin k = {0, 0, 0};

    for (uint32_t i = t->nodes[at].first; i != XML_NONE; i = t->nodes[i].next) {
        struct xml_node *n = &t->nodes[i];
        struct xml_name *name = &t->names[n->name];
        if (n->kind == XML_ATTRIBUTE)
            k.attributes++;
        if (n->kind != XML_ELEMENT)
            continue;
        k.elements++;
        n->same = XML_NONE;
        n->chained = name->owner == t->seen + at;
        if (n->chained)
            t->nodes[name->last].same = i;
        else
            k.names++;
        name->owner = t->seen + at;
        name->last = i;
    }
    return k;
}

static int element_put(struct emit *e, uint32_t at, unsigned depth);

/* All children of the name whose first one is i. */
static int named_put(struct emit *e, uint32_t i, unsigned depth)
{
    struct xml_tree *t = e->t;
    uint32_t n = 0, flags = t->names[t->nodes[i].name].flags;

    key_put(e, t->nodes[i].name);
    for (uint32_t k = i; k != XML_NONE; k = t->nodes[k].same)
        n++;
    if (n == 1 && !(flags & XML_ARRAY))
        return element_put(e, i, depth);
    bb_put_array(e->b, n);
    for (uint32_t k = i; k != XML_NONE; k = t->nodes[k].same)
        if (element_put(e, k, depth + 1) != 0)
            return -1;
    return 0;
}

/* Children in the document's order, text too where it is kept. */
static int content_put(struct emit *e, uint32_t at, int mixed, unsigned depth)
{
    struct xml_tree *t = e->t;
    uint32_t n = 0;

    for (uint32_t i = t->nodes[at].first; i != XML_NONE; i = t->nodes[i].next)
        n += t->nodes[i].kind == XML_ELEMENT || (mixed && t->nodes[i].kind == XML_TEXT && t->nodes[i].len);
    bb_put_cstr(e->b, "#content");
    bb_put_array(e->b, n);
    for (uint32_t i = t->nodes[at].first; i != XML_NONE; i = t->nodes[i].next) {
        const struct xml_node *c = &t->nodes[i];
        if (c->kind == XML_ELEMENT) {
            bb_put_map(e->b, 1);
            key_put(e, c->name);
            if (element_put(e, i, depth + 2) != 0)
                return -1;
        } else if (c->kind == XML_TEXT && mixed && c->len) {
            const char *s = (const char *)t->text.ptr + c->text;
            if (!text_good(s, c->len))
                return fault_of(e, c, "holds bytes that are no characters of XML");
            bb_put_str(e->b, s, c->len);
        }
    }
    return 0;
}

/* The text of an element without elements: its one text node, or nothing. */
static const struct xml_node *only_text(const struct xml_tree *t, uint32_t at)
{
    uint32_t last = t->nodes[at].last;
    const struct xml_node *n = last == XML_NONE ? NULL : &t->nodes[last];
    return n && n->kind == XML_TEXT && n->len ? n : NULL;
}

static int attributes_put(struct emit *e, uint32_t at)
{
    const struct xml_tree *t = e->t;

    for (uint32_t i = t->nodes[at].first; i != XML_NONE; i = t->nodes[i].next) {
        const struct xml_node *n = &t->nodes[i];
        if (n->kind != XML_ATTRIBUTE)
            continue;
        key_put(e, n->name);
        if (text_put(e, n, n->text, n->len) != 0)
            return -1;
    }
    return 0;
}

static int element_put(struct emit *e, uint32_t at, unsigned depth)
{
    struct xml_tree *t = e->t;
    const struct xml_node *n = &t->nodes[at], *text;
    uint32_t flags = t->names[n->name].flags;
    int in_order = (flags & (XML_ORDERED | XML_MIXED)) != 0;
    struct kin k;

    if (depth > XML_DEEPEST)
        return fault_of(e, n, "is nested too deep");
    if (e->b->failed)
        return fault_of(e, n, "the record is too large");
    k = group(t, at);
    text = k.elements ? NULL : only_text(t, at);
    if (!k.attributes && !k.elements && !in_order)
        return text_put(e, n, text ? text->text : 0, text ? text->len : 0);
    if (k.elements && (flags & XML_TYPES))
        return fault_of(e, n, "is declared with a type and has elements");
    bb_put_map(e->b, k.attributes + (in_order || text ? 1 : k.names));
    if (attributes_put(e, at) != 0)
        return -1;
    if (in_order)
        return content_put(e, at, (flags & XML_MIXED) != 0, depth + 1);
    if (text) {
        bb_put_cstr(e->b, "#text");
        return text_put(e, n, text->text, text->len);
    }
    for (uint32_t i = n->first; i != XML_NONE; i = t->nodes[i].next)
        if (t->nodes[i].kind == XML_ELEMENT && !t->nodes[i].chained &&
            named_put(e, i, depth + 1) != 0)
            return -1;
    return 0;
}

int bb_xml_emit(struct xml_tree *t, struct bb_buf *b, struct bb_fault *err)
{
    struct emit e = {t, b, err};

    bb_put_map(b, 1);
    key_put(&e, t->nodes[0].name);
    if (element_put(&e, 0, 1) != 0)
        return -1;
    return b->failed ? fault_of(&e, &t->nodes[0], "the record is too large") : 0;
}
