/*
 * web_multipart.c - multipart/mixed read in place and written; application/http parts
 *
 * A part ends where a line begins with "--" and the boundary (RFC 2046, 5.1.1); the line end before
 * it belongs to the boundary. CRLF and bare LF are both read, CRLF is written. Nothing recurses: a
 * part that is multipart itself (a changeset) is for the caller to read the same way.
 *
 * Thread: any. Memory: none; parts point into the text. Invariant: no byte outside of text is read,
 * and each call moves *at on, so any text ends.
 */
#include <stdio.h>
#include <strings.h>
#include <busbar/plugin.h>
#include <busbar/web.h>
#include "codec.h"

#define BOUNDARY_MAX 70

/* The line at p: its bytes without the line end; returns where the next begins. */
static const char *line_at(const char *p, const char *end, size_t *len)
{
    const char *nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    const char *stop = nl ? nl : end;

    *len = (size_t)(stop - p);
    if (nl && *len && stop[-1] == '\r')
        --*len;
    return nl ? nl + 1 : end;
}

/* 0 no boundary line, 1 one, 2 the closing one. */
static int boundary_line(const char *p, size_t len, struct bb_bytes boundary)
{
    int closing = 0;

    if (len < boundary.len + 2 || p[0] != '-' || p[1] != '-' ||
        memcmp(p + 2, boundary.ptr, boundary.len) != 0)
        return 0;
    p += boundary.len + 2;
    len -= boundary.len + 2;
    if (len >= 2 && p[0] == '-' && p[1] == '-') {
        closing = 1;
        p += 2;
        len -= 2;
    }
    while (len && (*p == ' ' || *p == '\t'))
        p++, len--;
    return len ? 0 : 1 + closing;
}

/* Headers up to the empty line: 0 with both, -1 when there is none. */
static int head_cut(const char *p, const char *end, struct bb_bytes *head, struct bb_bytes *body)
{
    const char *at = p, *next;
    size_t len;

    while (at < end) {
        next = line_at(at, end, &len);
        if (!len && next > at) {
            *head = (struct bb_bytes){p, (size_t)(at - p)};
            *body = (struct bb_bytes){next, (size_t)(end - next)};
            return head->len > BB_PART_HEAD_MAX ? -1 : 0;
        }
        at = next;
    }
    return -1;
}

int bb_multipart_next(struct bb_bytes text, struct bb_bytes boundary, size_t *at, struct bb_part *out,
                      struct bb_fault *err)
{
    const char *start = text.ptr, *end = start, *p, *from = NULL, *next;
    size_t len;

    if (!text.len || !boundary.len || boundary.len > BOUNDARY_MAX)
        return bb_fault_set(err, 0, "no multipart text, or no boundary of 1 to %d characters", BOUNDARY_MAX);
    end += text.len;
    if (*at > text.len)
        return 0; /* the closing boundary was seen */
    for (p = start + *at; p < end; p = next) {
        next = line_at(p, end, &len);
        int kind = boundary_line(p, len, boundary);
        if (!kind)
            continue;
        if (from) { /* the line end before the boundary is not the part's */
            const char *stop = p > from && p[-1] == '\n' ? p - 1 : p;
            if (stop > from && p[-1] == '\n' && stop[-1] == '\r')
                stop--;
            *at = (size_t)(p - start);
            if (head_cut(from, stop, &out->head, &out->body) == 0)
                return 1;
            /* no headers and no body: "--b CRLF CRLF --b" leaves only the blank line */
            if (stop == from || (p - from <= 2 && *from != '-')) {
                out->head = (struct bb_bytes){from, 0};
                out->body = (struct bb_bytes){stop, 0};
                return 1;
            }
            return bb_fault_set(err, (size_t)(from - start),
                                "a part has no blank line after its headers, or too long ones");
        }
        if (kind == 2) {
            *at = text.len + 1;
            return 0;
        }
        from = next;
    }
    return bb_fault_set(err, text.len, from ? "the closing boundary is missing: the text was cut off"
                                            : "the boundary does not occur");
}

int bb_part_header(struct bb_bytes head, const char *name, struct bb_bytes *out)
{
    const char *p = head.ptr, *end = p, *next;
    size_t len, n = strlen(name);

    if (!head.len)
        return 0;
    for (end += head.len; p < end; p = next) {
        next = line_at(p, end, &len);
        if (len <= n || p[n] != ':' || strncasecmp(p, name, n) != 0)
            continue;
        for (p += n + 1, len -= n + 1; len && (*p == ' ' || *p == '\t'); p++)
            len--;
        while (len && (p[len - 1] == ' ' || p[len - 1] == '\t'))
            len--;
        *out = (struct bb_bytes){p, len};
        return 1;
    }
    return 0;
}

int bb_multipart_boundary(struct bb_bytes type, struct bb_bytes *boundary)
{
    const char *p = type.ptr, *end = p, *stop;

    if (type.len < 10 || strncasecmp(p, "multipart/", 10) != 0)
        return 0;
    for (end += type.len; p < end; p++) {
        if (*p != ';')
            continue;
        while (p + 1 < end && (p[1] == ' ' || p[1] == '\t'))
            p++;
        if (end - p <= 10 || strncasecmp(p + 1, "boundary=", 9) != 0)
            continue;
        p += 10;
        if (*p == '"') {
            stop = memchr(p + 1, '"', (size_t)(end - p - 1));
            if (!stop)
                return 0;
            p++;
        } else {
            for (stop = p; stop < end && *stop != ';' && *stop != ' ' && *stop != '\t';)
                stop++;
        }
        *boundary = (struct bb_bytes){p, (size_t)(stop - p)};
        return boundary->len > 0 && boundary->len <= BOUNDARY_MAX;
    }
    return 0;
}

int bb_part_http_read(struct bb_bytes body, struct bb_part_http *out, struct bb_fault *err)
{
    const char *p = body.ptr, *end = p, *next;
    size_t len;

    memset(out, 0, sizeof *out);
    if (body.len)
        end += body.len;
    next = line_at(p, end, &len);
    if (!len)
        return bb_fault_set(err, 0, "a part without an HTTP request or status line");
    out->line = (struct bb_bytes){p, len};
    if (len >= 12 && memcmp(p, "HTTP/1.", 7) == 0) {
        const char *s = p + 9;
        if (p[8] != ' ' || s[0] < '1' || s[0] > '5' || s[1] < '0' || s[1] > '9' || s[2] < '0' ||
            s[2] > '9' || (len > 12 && s[3] != ' '))
            return bb_fault_set(err, 0, "a status line that is none");
        out->status = (unsigned)((s[0] - '0') * 100 + (s[1] - '0') * 10 + s[2] - '0');
    }
    if (head_cut(next, end, &out->head, &out->body) == 0)
        return 0;
    if (end - next > BB_PART_HEAD_MAX)
        return bb_fault_set(err, len, "the headers of a part are too long");
    out->head = (struct bb_bytes){next, (size_t)(end - next)}; /* no blank line: nothing follows */
    out->body = (struct bb_bytes){end, 0};
    return 0;
}

/* ---- writing ---------------------------------------------------------------------------------------- */
void bb_multipart_part(struct bb_buf *b, const char *boundary, const char *head)
{
    if (b->len)
        bb_buf_put(b, "\r\n", 2);
    bb_buf_put(b, "--", 2);
    bb_buf_put(b, boundary, strlen(boundary));
    bb_buf_put(b, "\r\n", 2);
    bb_buf_put(b, head, strlen(head));
    bb_buf_put(b, "\r\n", 2);
}

void bb_multipart_end(struct bb_buf *b, const char *boundary)
{
    if (b->len)
        bb_buf_put(b, "\r\n", 2);
    bb_buf_put(b, "--", 2);
    bb_buf_put(b, boundary, strlen(boundary));
    bb_buf_put(b, "--\r\n", 4);
}

void bb_boundary_make(const char *prefix, char out[64])
{
    char id[37];

    bb_id_make(id);
    snprintf(out, 64, "%.20s_%s", prefix, id);
}
