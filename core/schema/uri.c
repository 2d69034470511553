/*
 * uri.c - references resolved against a base, as RFC 3986 section 5.2 says
 *
 * Only what schemas need: strings in, a string out, no normalising but the dots of a path, so two
 * spellings of one URI are two URIs. Thread: any; no memory but the caller's.
 */
#include "core/schema/internal.h"

struct parts { /* ptr NULL: not there */
    struct bb_bytes scheme, authority, path, query, fragment;
};

static bool is_scheme(const char *s, size_t n)
{
    size_t i;

    if (!n || !((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z'))
        return false;
    for (i = 1; i < n; i++)
        if (!((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z') && !(s[i] >= '0' && s[i] <= '9') &&
            s[i] != '+' && s[i] != '-' && s[i] != '.')
            return false;
    return true;
}

static struct bb_bytes cut(const char *from, const char *to)
{
    struct bb_bytes b = {from, (size_t)(to - from)};

    return b;
}

static const char *first_of(const char *p, const char *end, const char *set)
{
    while (p < end && !(*p && strchr(set, *p)))
        p++;
    return p;
}

static void split(struct bb_bytes uri, struct parts *u)
{
    const char *p = uri.len ? uri.ptr : "", *end = p + uri.len, *at;

    memset(u, 0, sizeof(*u));
    at = first_of(p, end, ":/?#");
    if (at < end && *at == ':' && is_scheme(p, (size_t)(at - p))) {
        u->scheme = cut(p, at);
        p = at + 1;
    }
    if (end - p >= 2 && p[0] == '/' && p[1] == '/') {
        at = first_of(p + 2, end, "/?#");
        u->authority = cut(p + 2, at);
        p = at;
    }
    at = first_of(p, end, "?#");
    u->path = cut(p, at);
    p = at;
    if (p < end && *p == '?') {
        at = first_of(p, end, "#");
        u->query = cut(p + 1, at);
        p = at;
    }
    if (p < end)
        u->fragment = cut(p + 1, end);
}

struct text { /* bounded */
    char *p;
    size_t n;
    bool cut;
};

static void put(struct text *t, const char *s, size_t n)
{
    if (n > BB_URI_MAX - 1 - t->n) {
        t->cut = true;
        return;
    }
    memcpy(t->p + t->n, s, n);
    t->n += n;
}

/* Segments "." and ".." taken out; from: where the path begins in t. */
static void put_path(struct text *t, const char *p, size_t len)
{
    size_t from = t->n;
    const char *end = p + len, *at;

    while (p < end) {
        const char *s = p + (*p == '/');
        size_t n;

        at = first_of(s, end, "/");
        n = (size_t)(at - s);
        if ((n == 1 && *s == '.') || (n == 2 && s[0] == '.' && s[1] == '.')) {
            if (n == 2) {
                while (t->n > from && t->p[t->n - 1] != '/')
                    t->n--;
                t->n -= t->n > from;
            }
            if (at == end && (t->n > from ? t->p[t->n - 1] != '/' : *p == '/'))
                put(t, "/", 1);
        } else if (*p == '/' || t->n == from) {
            put(t, p, (size_t)(at - p));
        } else {
            put(t, s, n);
        }
        p = at;
    }
}

/* The base's path up to its last slash, then the reference's. */
static void merge(struct text *t, const struct parts *base, struct bb_bytes path)
{
    char joined[2 * BB_URI_MAX];
    const char *b = base->path.ptr;
    size_t n = base->path.len;

    while (n && b[n - 1] != '/')
        n--;
    if (n + 1 + path.len > sizeof(joined)) {
        t->cut = true;
        return;
    }
    if (n)
        memcpy(joined, b, n);
    else if (base->authority.ptr)
        joined[n++] = '/';
    if (path.len)
        memcpy(joined + n, path.ptr, path.len);
    put_path(t, joined, n + path.len);
}

int bb_uri_resolve(const char *base, struct bb_bytes ref, char out[BB_URI_MAX],
                   struct bb_bytes *fragment)
{
    struct parts b, u, *head;
    struct text t = {out, 0, false};
    struct bb_bytes query;

    split((struct bb_bytes){base, strlen(base)}, &b);
    split(ref, &u);
    *fragment = u.fragment;
    head = u.scheme.ptr ? &u : &b;
    query = u.query;
    if (head->scheme.ptr) {
        put(&t, head->scheme.ptr, head->scheme.len);
        put(&t, ":", 1);
    }
    head = u.scheme.ptr || u.authority.ptr ? &u : &b;
    if (head->authority.ptr) {
        put(&t, "//", 2);
        put(&t, head->authority.ptr, head->authority.len);
    }
    if (head == &u) {
        put_path(&t, u.path.ptr, u.path.len);
    } else if (!u.path.len) {
        put(&t, b.path.ptr, b.path.len);
        if (!u.query.ptr)
            query = b.query;
    } else if (*(const char *)u.path.ptr == '/') {
        put_path(&t, u.path.ptr, u.path.len);
    } else {
        merge(&t, &b, u.path);
    }
    if (query.ptr) {
        put(&t, "?", 1);
        put(&t, query.ptr, query.len);
    }
    out[t.n] = '\0';
    return t.cut || memchr(out, '\0', t.n) ? -1 : 0;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

size_t bb_uri_decode(char *s, size_t len)
{
    size_t i, n = 0;

    for (i = 0; i < len; i++, n++)
        if (s[i] == '%' && i + 2 < len && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
            s[n] = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
            i += 2;
        } else {
            s[n] = s[i];
        }
    return n;
}
