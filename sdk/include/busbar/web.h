/*
 * web.h - small texts of the web: percent-encoding, dates, Basic, multipart/mixed
 *
 * Everything is bounded and strict: a text that is not exactly of its kind is refused, and what is
 * written can be read back to the same value. Instants are milliseconds since 1970-01-01T00:00Z;
 * years 0001 to 9999.
 *
 * Thread: any; no function keeps state. Memory: the bb_buf given; parts of a multipart text point
 * into it. Sources: RFC 3986 (URIs), RFC 3339 and RFC 9110 5.6.7 (dates), OData V2 (/Date()/),
 * RFC 7617 (Basic), RFC 2046 5.1 (multipart).
 */
#ifndef BUSBAR_WEB_H
#define BUSBAR_WEB_H

#include <busbar/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- URIs ------------------------------------------------------------------------------------------ */
/* Appends text with all but RFC 3986's unreserved characters percent-encoded: a key in a path, a
 * name or value in a query or a form. A space becomes %20, never "+". */
void bb_uri_put(struct bb_buf *b, struct bb_bytes text);
/* The same, but the characters of `keep` stay as they are ("/$(),='" for an OData path). */
void bb_uri_put_keep(struct bb_buf *b, struct bb_bytes text, const char *keep);
/* Appends the decoded bytes; "+" stays a plus. 0, or -1 at a "%" without two hex digits. */
int bb_uri_decode(struct bb_bytes text, struct bb_buf *b);
/* Resolves `link` as an answer gives it against the absolute URL that it came from (RFC 3986, 5.2: absolute,
 * "//host", "/path", "?query" or relative with dots) and appends the absolute URL, without a fragment.
 * 0, or -1: base is no http(s) URL, link has a control character or a space. */
int bb_uri_resolve(struct bb_bytes base, struct bb_bytes link, struct bb_buf *b);
/* The target with rel=next in a Link header (RFC 8288): 1 found (points into it), 0. */
int bb_link_next(struct bb_bytes header, struct bb_bytes *out);
/* 1: both http(s) URLs have the same scheme, host and port (80 and 443 implied); 0. */
int bb_uri_same_origin(struct bb_bytes a, struct bb_bytes b);
/* Appends "Basic dXNlcjpwYXNz". -1: a colon in user. */
int bb_basic_put(struct bb_buf *b, struct bb_bytes user, struct bb_bytes password);
void bb_base64_put(struct bb_buf *b, struct bb_bytes data); /* with padding */

/* ---- dates ----------------------------------------------------------------------------------------- */
/* RFC 3339 "2026-01-31T08:15:00.123Z", also with an offset, also without any (then it is taken as
 * UTC), or a date alone (its midnight). 0, or -1: it is none, or finer than a millisecond. */
int bb_date_iso_read(struct bb_bytes text, int64_t *ms);
/* "2026-01-31T08:15:00Z", with ".123" only when there are milliseconds. 0, -1: no year 1 to 9999. */
int bb_date_iso_write(int64_t ms, char out[32]);
/* "/Date(1767225600000)/", "/Date(-1)/", "/Date(1767225600000+0000)/": the number is UTC, the offset (in
 * minutes) says how to show it; NULL when it is not wanted. 0, -1. */
int bb_date_odata_read(struct bb_bytes text, int64_t *ms, int *offset_minutes);
/* zone: "" or "+0000" as the field's type has it. 0, -1. */
int bb_date_odata_write(int64_t ms, const char *zone, char out[48]);
/* "PT08H30M00S" (also with fractions of a second, "PT8H30M", "P0D") to milliseconds of the day: 0, -1. */
int bb_time_odata_read(struct bb_bytes text, int64_t *ms);
/* "PT08H30M00S", ".123" before the S only when needed. 0, -1: not within a day. */
int bb_time_odata_write(int64_t ms, char out[32]);
/* An HTTP date in its three forms to seconds since 1970: 0, -1. */
int bb_date_http_read(struct bb_bytes text, int64_t *s);
int bb_date_http_write(int64_t s, char out[40]); /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* ---- multipart/mixed ------------------------------------------------------------------------------- */
#define BB_PARTS_MAX 2000   /* of one text, nested ones not counted */
#define BB_PART_HEAD_MAX 16384
struct bb_part {
    struct bb_bytes head; /* its header lines, as they are */
    struct bb_bytes body;
};
/* The value of `name` in header lines ("Name: value" by CRLF or LF): 1 found (without blanks around),
 * 0. */
int bb_part_header(struct bb_bytes head, const char *name, struct bb_bytes *out);
/* The boundary in a Content-Type such as multipart/mixed; boundary="b": 1, 0. */
int bb_multipart_boundary(struct bb_bytes content_type, struct bb_bytes *boundary);
/* Gives part after part: start with *at 0. 1 a part, 0 the end, -1 with err: no closing boundary, a
 * part without its blank line, too many. A part that is multipart itself is read the same way. */
int bb_multipart_next(struct bb_bytes text, struct bb_bytes boundary, size_t *at, struct bb_part *out,
                      struct bb_fault *err);
/* An application/http part: status line or request line, headers, body. 0, or -1 with err. */
struct bb_part_http {
    unsigned status; /* of an answer, else 0 */
    struct bb_bytes line, head, body;
};
int bb_part_http_read(struct bb_bytes body, struct bb_part_http *out, struct bb_fault *err);
/* Writing: begin a part with its header lines (each ends with CRLF), add its bytes to b, and so on;
 * end closes. The boundary must not occur in what is written: take one of bb_boundary_make(). */
void bb_multipart_part(struct bb_buf *b, const char *boundary, const char *head);
void bb_multipart_end(struct bb_buf *b, const char *boundary);
void bb_boundary_make(const char *prefix, char out[64]); /* "batch_<36 characters>" */

#ifdef __cplusplus
}
#endif
#endif
