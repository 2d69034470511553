/*
 * uri.c - items, lots, serials, places and documents as the URIs that EPCIS wants, and back
 *
 * Our form is a prefix and up to three percent-encoded parts with colons between: item:lot:serial,
 * plant:location:bin, number:line. GS1's forms of an item are known too: an item's number is then its class
 * (urn:epc:idpat:sgtin:C.I.*, or the digital link up to the GTIN), and writing puts lot or serial back where they
 * stood. Any other URI is kept whole, so nothing is lost on the way there and back.
 *
 * Thread: any. Memory: decoded parts are appended to `texts`, which must not move afterwards: it is made with room.
 */
#include <string.h>
#include <busbar/web.h>
#include "wms.h"

static int begins(struct bb_bytes s, const char *with)
{
    size_t n = strlen(with);
    return s.len > n && memcmp(s.ptr, with, n) == 0;
}

static struct bb_bytes sub(struct bb_bytes s, size_t from, size_t to)
{
    struct bb_bytes out = {(const char *)s.ptr + from, to - from};
    return out;
}

static size_t find(struct bb_bytes s, size_t from, char c)
{
    const char *p = s.ptr;
    while (from < s.len && p[from] != c)
        from++;
    return from;
}

/* Text that a message can hold: UTF-8 without control characters. */
static int is_text(struct bb_bytes s)
{
    struct bb_buf b;
    int good;

    for (size_t k = 0; k < s.len; k++)
        if (((const unsigned char *)s.ptr)[k] < 0x20)
            return 0;
    bb_buf_init(&b, s.len + 16);
    bb_put_str(&b, s.ptr, s.len);
    good = !b.failed && bb_value_check((struct bb_bytes){b.ptr, b.len}, NULL) == 0;
    bb_buf_free(&b);
    return good;
}

/* A part without its percent signs; kept as it is when they make no text. */
static struct bb_bytes decoded(struct bb_bytes part, struct bb_buf *texts)
{
    struct bb_bytes out;
    size_t at = texts->len;

    if (!part.len || !memchr(part.ptr, '%', part.len) || texts->cap - texts->len < part.len ||
        bb_uri_decode(part, texts) != 0)
        return part;
    out = (struct bb_bytes){texts->ptr + at, texts->len - at};
    if (is_text(out))
        return out;
    texts->len = at;
    return part;
}

static void parts_read(struct bb_bytes s, size_t at, struct bb_buf *texts, struct bb_bytes out[3])
{
    for (int k = 0; k < 3; k++) {
        size_t end = k == 2 ? s.len : find(s, at, ':');
        out[k] = at < s.len ? decoded(sub(s, at, end), texts) : (struct bb_bytes){NULL, 0};
        at = end + 1 < s.len ? end + 1 : s.len;
    }
}

static void part_put(struct bb_buf *out, struct bb_bytes text, int colon)
{
    if (colon)
        bb_buf_put(out, ":", 1);
    bb_uri_put(out, text);
}

/* ---- items ---------------------------------------------------------------------------------------------- */
/* "urn:epc:id:sgtin:C.I." and what is behind: the class's pattern is written to texts. */
static void gs1_read(struct bb_bytes uri, size_t prefix, struct bb_buf *texts, struct epc *out, struct bb_bytes *rest)
{
    static const char pattern[] = "urn:epc:idpat:sgtin:";
    size_t one = find(uri, prefix, '.'), two = find(uri, one + 1 < uri.len ? one + 1 : uri.len, '.');
    size_t at = texts->len;

    out->item = uri;
    if (two + 1 >= uri.len || texts->cap - texts->len < uri.len + sizeof pattern)
        return;
    bb_buf_put(texts, pattern, sizeof pattern - 1);
    bb_buf_put(texts, (const char *)uri.ptr + prefix, two + 1 - prefix);
    bb_buf_put(texts, "*", 1);
    out->item = (struct bb_bytes){texts->ptr + at, texts->len - at};
    *rest = sub(uri, two + 1, uri.len);
}

/* https://id.gs1.org/01/GTIN/10/LOT/21/SERIAL */
static void link_read(struct bb_bytes uri, struct epc *out)
{
    static const char mark[] = "/01/";
    const char *p = memmem(uri.ptr, uri.len, mark, 4);
    size_t at = p ? (size_t)(p - (const char *)uri.ptr) + 4 : uri.len, end = find(uri, at, '/');

    out->item = p ? sub(uri, 0, end) : uri;
    while (p && end + 4 < uri.len) {
        struct bb_bytes name = sub(uri, end + 1, end + 3);
        size_t from = end + 4;
        end = find(uri, from, '/');
        if (bb_str_is(name, "10"))
            out->lot = sub(uri, from, end);
        else if (bb_str_is(name, "21"))
            out->serial = sub(uri, from, end);
        else
            *out = (struct epc){.item = uri};
    }
}

void epc_read(const struct wms_conf *c, struct bb_bytes uri, struct bb_buf *texts, struct epc *out)
{
    static const char lgtin[] = "urn:epc:class:lgtin:", sgtin[] = "urn:epc:id:sgtin:";
    struct bb_bytes part[3];

    memset(out, 0, sizeof *out);
    if (begins(uri, c->item)) {
        parts_read(uri, strlen(c->item), texts, part);
        *out = (struct epc){part[0], part[1], part[2]};
    } else if (begins(uri, lgtin)) {
        gs1_read(uri, sizeof lgtin - 1, texts, out, &out->lot);
    } else if (begins(uri, sgtin)) {
        gs1_read(uri, sizeof sgtin - 1, texts, out, &out->serial);
    } else if (begins(uri, "https://") || begins(uri, "http://")) {
        link_read(uri, out);
    } else {
        out->item = uri;
    }
}

void epc_put(const struct wms_conf *c, const struct epc *e, struct bb_buf *out)
{
    static const char pattern[] = "urn:epc:idpat:sgtin:";
    const char *item = e->item.ptr;
    size_t n = e->item.len;

    if (begins(e->item, pattern) && item[n - 1] == '*' && (e->serial.len || e->lot.len)) {
        const char *head = e->serial.len ? "urn:epc:id:sgtin:" : "urn:epc:class:lgtin:";
        struct bb_bytes rest = e->serial.len ? e->serial : e->lot;
        bb_buf_put(out, head, strlen(head));
        bb_buf_put(out, item + sizeof pattern - 1, n - sizeof pattern);
        bb_buf_put(out, rest.ptr, rest.len);
    } else if (begins(e->item, "http://") || begins(e->item, "https://")) {
        bb_buf_put(out, item, n);
        if (e->lot.len)
            bb_buf_put(out, "/10/", 4), bb_buf_put(out, e->lot.ptr, e->lot.len);
        if (e->serial.len)
            bb_buf_put(out, "/21/", 4), bb_buf_put(out, e->serial.ptr, e->serial.len);
    } else if (begins(e->item, "urn:")) {
        bb_buf_put(out, item, n);
    } else {
        bb_buf_put(out, c->item, strlen(c->item));
        part_put(out, e->item, 0);
        if (e->lot.len || e->serial.len)
            part_put(out, e->lot, 1);
        if (e->serial.len)
            part_put(out, e->serial, 1);
    }
}

/* ---- places and documents --------------------------------------------------------------------------------- */
void place_put(const struct wms_conf *c, struct bb_bytes uri, struct bb_buf *out, struct bb_buf *texts, struct bb_bytes *plant)
{
    struct open o = map_open(out);
    struct bb_bytes part[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};

    if (begins(uri, c->location))
        parts_read(uri, strlen(c->location), texts, part);
    else
        map_text(&o, "id", uri); /* a foreign place is kept whole */
    map_text(&o, "plant", part[0]);
    map_text(&o, "storageLocation", part[1]);
    map_text(&o, "bin", part[2]);
    open_end(&o);
    if (part[0].len)
        *plant = part[0];
}

int place_uri(const struct wms_conf *c, struct bb_bytes location, struct bb_bytes plant, struct bb_buf *out)
{
    struct bb_bytes own = bb_conf_str(location, "/plant", NULL), bin = bb_conf_str(location, "/bin", NULL);
    struct bb_bytes storage = bb_conf_str(location, "/storageLocation", c->storage);
    struct bb_bytes id = bb_conf_str(location, "/id", NULL);

    if (own.len)
        plant = own;
    if (begins(id, "urn:") || begins(id, "http")) {
        bb_buf_put(out, id.ptr, id.len);
        return 1;
    }
    if (!plant.len)
        return 0;
    bb_buf_put(out, c->location, strlen(c->location));
    part_put(out, plant, 0);
    if (storage.len || bin.len)
        part_put(out, storage, 1);
    if (bin.len)
        part_put(out, bin, 1);
    return 1;
}

void document_uri(const struct wms_conf *c, struct bb_bytes reference, struct bb_buf *out)
{
    struct bb_bytes id = bb_conf_str(reference, "/id", NULL), line = bb_conf_str(reference, "/line", NULL);

    if (begins(id, "urn:") || begins(id, "http")) {
        bb_buf_put(out, id.ptr, id.len);
        return;
    }
    bb_buf_put(out, c->document, strlen(c->document));
    part_put(out, id, 0);
    if (line.len)
        part_put(out, line, 1);
}

void document_read(const struct wms_conf *c, struct bb_bytes uri, struct bb_buf *texts, struct bb_bytes *id,
                   struct bb_bytes *line)
{
    struct bb_bytes part[3];

    *id = uri;
    *line = (struct bb_bytes){NULL, 0};
    if (!begins(uri, c->document))
        return;
    parts_read(uri, strlen(c->document), texts, part);
    *id = part[0];
    *line = part[1];
}
