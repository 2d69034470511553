/*
 * match.c - from a method and a path to who answers
 *
 * Pure: any thread, no state. A path is split before it is decoded, so an encoded slash stays part
 * of its segment.
 */
#include "core/admin/internal.h"

#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int bb_admin_decode(const char *in, size_t len, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = in[i];

        if (c == '%') {
            int hi = i + 2 < len ? hex(in[i + 1]) : -1, lo = hi >= 0 ? hex(in[i + 2]) : -1;

            if (lo < 0)
                return -1;
            c = (char)(hi << 4 | lo);
            i += 2;
        }
        if (!c || n + 1 >= cap)
            return -1;
        out[n++] = c;
    }
    out[n] = '\0';
    return 0;
}

/* One segment against the pattern's: 1 fits, 0 not, -1 fits but its value is wrong. */
static int segment(const char *pattern, size_t plen, const char *text, size_t len,
                   struct bb_call *c)
{
    char number[24];

    if (pattern[0] != '{')
        return plen == len && memcmp(pattern, text, len) == 0;
    if (!len)
        return 0;
    if (strncmp(pattern, "{seq}", plen) != 0)
        return bb_admin_decode(text, len, c->name, sizeof(c->name)) == 0 ? 1 : -1;
    if (bb_admin_decode(text, len, number, sizeof(number)) < 0 ||
        bb_u64_parse(number, &c->seq) < 0)
        return -1;
    return 1;
}

static int fits(const char *pattern, const char *url, struct bb_call *c)
{
    while (*pattern == '/' && *url == '/') {
        size_t plen = strcspn(++pattern, "/"), len = strcspn(++url, "/");
        int rc = segment(pattern, plen, url, len, c);

        if (rc <= 0)
            return rc;
        pattern += plen;
        url += len;
    }
    return !*pattern && !*url;
}

const struct bb_path *bb_admin_match(const struct bb_path *table, const char *method,
                                     const char *url, struct bb_call *c)
{
    c->status = 404;
    for (const struct bb_path *p = table; p->method; p++) {
        int rc = fits(p->pattern, url, c);

        if (rc == 0)
            continue;
        if (strcmp(p->method, method) != 0) {
            if (c->status == 404) {
                c->status = 405;
                c->allow = p->method;
            }
            continue;
        }
        c->status = rc > 0 ? 200 : 400;
        return rc > 0 ? p : NULL;
    }
    return NULL;
}
