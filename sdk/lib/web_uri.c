/*
 * web_uri.c - percent-encoding, links against their base, Basic
 *
 * Thread: any. Memory: the bb_buf given.
 */
#include <strings.h>
#include <busbar/plugin.h>
#include <busbar/web.h>

#define URI_MAX 8192

static int unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void bb_uri_put_keep(struct bb_buf *b, struct bb_bytes text, const char *keep)
{
    static const char hex[] = "0123456789ABCDEF";
    const uint8_t *p = text.ptr;

    for (size_t k = 0; k < text.len; k++) {
        char coded[3] = {'%', hex[p[k] >> 4], hex[p[k] & 15]};
        if (unreserved(p[k]) || (p[k] && strchr(keep, p[k])))
            bb_buf_put(b, p + k, 1);
        else
            bb_buf_put(b, coded, 3);
    }
}

void bb_uri_put(struct bb_buf *b, struct bb_bytes text)
{
    bb_uri_put_keep(b, text, "");
}

static int hex_of(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

int bb_uri_decode(struct bb_bytes text, struct bb_buf *b)
{
    const uint8_t *p = text.ptr;
    size_t before = b->len;

    for (size_t k = 0; k < text.len; k++) {
        uint8_t c = p[k];
        if (c == '%') {
            int whole = text.len - k > 2, hi = whole ? hex_of(p[k + 1]) : -1, lo = whole ? hex_of(p[k + 2]) : -1;
            if (hi < 0 || lo < 0) {
                b->len = before;
                return -1;
            }
            c = (uint8_t)(hi << 4 | lo);
            k += 2;
        }
        bb_buf_put(b, &c, 1);
    }
    return b->failed ? -1 : 0;
}

/* ---- links ------------------------------------------------------------------------------------------ */
struct uri { /* http(s) only; n: bytes from the beginning up to the end of that part */
    size_t scheme, authority, path, query;
};

static size_t until(const char *p, size_t from, size_t len, const char *stop)
{
    while (from < len && !strchr(stop, p[from]))
        from++;
    return from;
}

static int uri_cut(struct bb_bytes text, struct uri *u)
{
    const char *p = text.ptr;

    if (text.len >= 8 && strncasecmp(p, "https://", 8) == 0)
        u->scheme = 6;
    else if (text.len >= 7 && strncasecmp(p, "http://", 7) == 0)
        u->scheme = 5;
    else
        return -1;
    u->authority = until(p, u->scheme + 2, text.len, "/?#");
    u->path = until(p, u->authority, text.len, "?#");
    u->query = until(p, u->path, text.len, "#");
    return u->authority > u->scheme + 2 ? 0 : -1;
}

/* Appends path without its "." and ".." segments (RFC 3986, 5.2.4); the first byte is "/". */
static void path_put(struct bb_buf *b, const char *p, size_t len)
{
    size_t root = b->len;

    for (size_t k = 0; k < len;) { /* p[k] is "/" */
        size_t end = until(p, k + 1, len, "/"), n = end - k - 1;
        const char *segment = p + k + 1;
        int up = n == 2 && segment[0] == '.' && segment[1] == '.', stay = n == 1 && segment[0] == '.';
        if (up)
            while (b->len > root && b->ptr[--b->len] != '/')
                ;
        if (!up && !stay)
            bb_buf_put(b, p + k, end - k);
        else if (end == len)
            bb_buf_put(b, "/", 1);
        k = end;
    }
    if (b->len == root)
        bb_buf_put(b, "/", 1);
}

int bb_uri_resolve(struct bb_bytes base, struct bb_bytes link, struct bb_buf *b)
{
    const char *p = base.ptr, *l = link.ptr;
    char merged[URI_MAX * 2];
    size_t before = b->len, path, query, dir;
    struct uri u, own;

    if (base.len > URI_MAX || link.len > URI_MAX || uri_cut(base, &u) != 0)
        return -1;
    for (size_t k = 0; k < link.len; k++)
        if ((uint8_t)l[k] <= ' ' || l[k] == 0x7f)
            return -1;
    link.len = until(l, 0, link.len, "#");
    if (uri_cut(link, &own) == 0) {
        bb_buf_put(b, l, link.len);
        return b->failed ? -1 : 0;
    }
    path = until(l, 0, link.len, ":/?"); /* another scheme: "mailto:x" */
    if (path < link.len && l[path] == ':')
        return -1;
    if (link.len >= 2 && l[0] == '/' && l[1] == '/') {
        bb_buf_put(b, p, u.scheme);
        bb_buf_put(b, l, link.len);
        return b->failed ? -1 : 0;
    }
    bb_buf_put(b, p, u.authority);
    path = until(l, 0, link.len, "?");
    query = link.len - path;
    if (!path) { /* "?query" or nothing: base's path stays */
        path_put(b, p + u.authority, u.path - u.authority);
        if (query)
            bb_buf_put(b, l, query);
        else
            bb_buf_put(b, p + u.path, u.query - u.path);
        return b->failed ? -1 : 0;
    }
    dir = 0;
    if (*l != '/') { /* relative to base's folder */
        for (dir = u.path; dir > u.authority && p[dir - 1] != '/'; dir--)
            ;
        dir -= u.authority;
        if (!dir)
            merged[dir++] = '/';
        else
            memcpy(merged, p + u.authority, dir);
    }
    memcpy(merged + dir, l, path);
    path_put(b, merged, dir + path);
    bb_buf_put(b, l + path, query);
    if (!b->failed)
        return 0;
    b->len = before;
    return -1;
}

/* host and port, the port said always */
static void authority_of(struct bb_bytes text, const struct uri *u, struct bb_bytes *host, struct bb_bytes *port)
{
    const char *p = (const char *)text.ptr + u->scheme + 2;
    size_t n = u->authority - u->scheme - 2, colon = n;

    while (colon && p[colon - 1] >= '0' && p[colon - 1] <= '9')
        colon--;
    if (colon && p[colon - 1] == ':') {
        *host = (struct bb_bytes){p, colon - 1};
        *port = (struct bb_bytes){p + colon, n - colon};
    } else {
        *host = (struct bb_bytes){p, n};
        *port = bb_str("");
    }
    if (!port->len)
        *port = bb_str(u->scheme == 6 ? "443" : "80");
}

int bb_uri_same_origin(struct bb_bytes a, struct bb_bytes b)
{
    struct uri ua, ub;
    struct bb_bytes ha, hb, pa, pb;

    if (uri_cut(a, &ua) != 0 || uri_cut(b, &ub) != 0 || ua.scheme != ub.scheme)
        return 0;
    authority_of(a, &ua, &ha, &pa);
    authority_of(b, &ub, &hb, &pb);
    return ha.len == hb.len && strncasecmp(ha.ptr, hb.ptr, ha.len) == 0 && pa.len == pb.len &&
           memcmp(pa.ptr, pb.ptr, pa.len) == 0;
}

/* ---- Link: <a>; rel="next", <b>; rel=first ------------------------------------------------------------ */
/* Is `next` among the words of a rel= at p? */
static int rel_next(const char *p, const char *end)
{
    int quoted = p < end && *p == '"';

    for (p += quoted; p < end;) {
        size_t n = until(p, 0, (size_t)(end - p), quoted ? "\" \t" : "\";, \t");
        if (n == 4 && strncasecmp(p, "next", 4) == 0)
            return 1;
        p += n;
        if (!quoted || p == end || *p == '"')
            return 0;
        p++;
    }
    return 0;
}

int bb_link_next(struct bb_bytes header, struct bb_bytes *out)
{
    const char *p = header.ptr, *end = p;

    if (header.len)
        end += header.len;
    while (p < end) {
        const char *open = memchr(p, '<', (size_t)(end - p)), *close, *stop;
        if (!open || !(close = memchr(open, '>', (size_t)(end - open))))
            return 0;
        stop = memchr(close, '<', (size_t)(end - close));
        stop = stop ? stop : end;
        for (const char *rel = close + 1; stop - rel > 4; rel++)
            if (strncasecmp(rel, "rel=", 4) == 0 && strchr("; \t>", rel[-1]) && rel_next(rel + 4, stop)) {
                *out = (struct bb_bytes){open + 1, (size_t)(close - open - 1)};
                return 1;
            }
        p = stop;
    }
    return 0;
}

/* ---- base64, Basic ----------------------------------------------------------------------------------- */
void bb_base64_put(struct bb_buf *b, struct bb_bytes data)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = data.ptr;

    for (size_t k = 0; k < data.len; k += 3) {
        size_t n = data.len - k < 3 ? data.len - k : 3;
        unsigned v = (unsigned)p[k] << 16 | (n > 1 ? (unsigned)p[k + 1] << 8 : 0) | (n > 2 ? p[k + 2] : 0u);
        char out[4] = {digits[v >> 18], digits[v >> 12 & 63], n > 1 ? digits[v >> 6 & 63] : '=',
                       n > 2 ? digits[v & 63] : '='};
        bb_buf_put(b, out, 4);
    }
}

int bb_basic_put(struct bb_buf *b, struct bb_bytes user, struct bb_bytes password)
{
    struct bb_buf tmp;

    if (user.len && memchr(user.ptr, ':', user.len))
        return -1;
    bb_buf_init(&tmp, 1u << 16);
    bb_buf_put(&tmp, user.ptr, user.len);
    bb_buf_put(&tmp, ":", 1);
    bb_buf_put(&tmp, password.ptr, password.len);
    if (tmp.failed)
        b->failed = 1;
    bb_buf_put(b, "Basic ", 6);
    bb_base64_put(b, (struct bb_bytes){tmp.ptr, tmp.len});
    if (tmp.ptr)
        explicit_bzero(tmp.ptr, tmp.cap);
    bb_buf_free(&tmp);
    return b->failed ? -1 : 0;
}
