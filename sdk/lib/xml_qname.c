/*
 * xml_qname.c - a key of a record as an XML name: "local", "p:local", "{uri}local"
 *
 * Thread: any. Nothing is kept; what is given points into the key or the mapping.
 */
#include "xml_map.h"

static int wrong(struct bb_fault *err, struct bb_bytes key, const char *text)
{
    char quoted[44];

    return bb_fault_set(err, 0, "\"%s\" %s", bb_fault_quote(quoted, key.ptr, key.len), text);
}

/* NameStartChar and NameChar of XML 1.0, fifth edition, without the colon. */
static int char_good(uint32_t c, int inside)
{
    static const struct {
        uint32_t from, to, inside;
    } ranges[] = {{'A', 'Z', 0},         {'_', '_', 0},         {'a', 'z', 0},
                  {0xc0, 0xd6, 0},       {0xd8, 0xf6, 0},       {0xf8, 0x2ff, 0},
                  {0x370, 0x37d, 0},     {0x37f, 0x1fff, 0},    {0x200c, 0x200d, 0},
                  {0x2070, 0x218f, 0},   {0x2c00, 0x2fef, 0},   {0x3001, 0xd7ff, 0},
                  {0xf900, 0xfdcf, 0},   {0xfdf0, 0xfffd, 0},   {0x10000, 0xeffff, 0},
                  {'-', '.', 1},         {'0', '9', 1},         {0xb7, 0xb7, 1},
                  {0x300, 0x36f, 1},     {0x203f, 0x2040, 1}};

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (c >= ranges[i].from && c <= ranges[i].to && (inside || !ranges[i].inside))
            return 1;
    return 0;
}

static int name_good(struct bb_bytes s)
{
    const uint8_t *p = s.ptr, *end = s.len ? p + s.len : p;

    while (p < end) {
        int n = *p < 0x80 ? 1 : bb_utf8_seq(p, end);
        uint32_t c = *p;
        if (n <= 0)
            return 0;
        if (n > 1)
            c &= 0x7fu >> n;
        for (int i = 1; i < n; i++)
            c = c << 6 | (p[i] & 0x3fu);
        if (!char_good(c, p > (const uint8_t *)s.ptr))
            return 0;
        p += n;
    }
    return s.len > 0;
}

/* Takes a key apart. 0, -1. */
int bb_xml_qname_read(const struct bb_xml_map *m, struct bb_bytes key, int attribute,
                      struct xml_qname *q, struct bb_fault *err)
{
    const char *s = key.ptr, *end = s + key.len, *cut;

    memset(q, 0, sizeof(*q));
    if (attribute)
        s++;
    q->local.ptr = s;
    q->local.len = (size_t)(end - s);
    if (s < end && *s == '{') {
        cut = memrchr(s, '}', (size_t)(end - s));
        if (!cut)
            return wrong(err, key, "has no \"}\" after its namespace");
        q->uri.ptr = cut > s + 1 ? s + 1 : NULL;
        q->uri.len = (size_t)(cut - s - 1);
        q->local.ptr = cut + 1;
    } else if ((cut = memchr(s, ':', (size_t)(end - s))) != NULL) {
        const char *uri;
        q->prefix.ptr = s;
        q->prefix.len = (size_t)(cut - s);
        uri = q->prefix.len ? bb_xml_uri(m, q->prefix) : NULL;
        if (!uri)
            return wrong(err, key, "has a prefix without a namespace: add it to namespaces");
        q->local.ptr = cut + 1;
    } else if (!attribute) {
        const char *uri = bb_xml_uri(m, (struct bb_bytes){"", 0});
        q->uri.ptr = uri;
        q->uri.len = uri ? strlen(uri) : 0;
    }
    q->local.len = (size_t)(end - (const char *)q->local.ptr);
    return name_good(q->local) ? 0 : wrong(err, key, "is no name that XML knows");
}
