/*
 * fuzz_web.c - any multipart text, part, link, date
 *
 * The first byte chooses the boundary's length; the boundary stands first. Asserted: reading ends;
 * parts lie inside the text and in order; parts that are written again read back the same; a date that
 * was read is written and read as the same value; a resolved link resolves to itself.
 */
#include <stdlib.h>
#include <string.h>
#include <busbar/plugin.h>
#include <busbar/web.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

static void inside(struct bb_bytes whole, struct bb_bytes v)
{
    const uint8_t *p = v.ptr, *w = whole.ptr;

    MUST(v.len == 0 || (p >= w && p + v.len <= w + whole.len));
}

static void multipart(struct bb_bytes text, struct bb_bytes boundary)
{
    static const char fresh[] = "fuzz_019b0000-0000-7000-8000-000000000000";
    struct bb_part p, again;
    struct bb_part_http h;
    struct bb_bytes v;
    struct bb_fault f;
    struct bb_buf b;
    size_t at = 0, last = 0, n = 0;

    while (bb_multipart_next(text, boundary, &at, &p, &f) == 1) {
        MUST(at > last && at <= text.len);
        last = at;
        inside(text, p.head);
        inside(text, p.body);
        n++;
        if (bb_part_header(p.head, "content-type", &v)) {
            inside(p.head, v);
            if (bb_multipart_boundary(v, &v))
                inside(p.head, v);
        }
        if (bb_part_http_read(p.body, &h, &f) == 0) {
            inside(p.body, h.line);
            inside(p.body, h.head);
            inside(p.body, h.body);
        }
        if (n > 1 || memmem(p.body.ptr, p.body.len, fresh, strlen(fresh)))
            continue;
        bb_buf_init(&b, 1u << 22);
        bb_multipart_part(&b, fresh, "A: b\r\n");
        bb_buf_put(&b, p.body.ptr, p.body.len);
        bb_multipart_end(&b, fresh);
        size_t from = 0;
        MUST(bb_multipart_next((struct bb_bytes){b.ptr, b.len}, bb_str(fresh), &from, &again, &f) == 1);
        MUST(again.body.len == p.body.len &&
             (!p.body.len || memcmp(again.body.ptr, p.body.ptr, p.body.len) == 0));
        bb_buf_free(&b);
    }
}

static void dates(struct bb_bytes text)
{
    int64_t ms, back;
    char out[48];
    int offset;

    if (bb_date_iso_read(text, &ms) == 0)
        MUST(bb_date_iso_write(ms, out) == 0 && bb_date_iso_read(bb_str(out), &back) == 0 && back == ms);
    if (bb_date_odata_read(text, &ms, &offset) == 0)
        MUST(bb_date_odata_write(ms, "", out) == 0 && bb_date_odata_read(bb_str(out), &back, NULL) == 0 &&
             back == ms);
    if (bb_time_odata_read(text, &ms) == 0)
        MUST(bb_time_odata_write(ms, out) == 0 && bb_time_odata_read(bb_str(out), &back) == 0 && back == ms);
    if (bb_date_http_read(text, &ms) == 0 && bb_date_http_write(ms, out) == 0)
        MUST(bb_date_http_read(bb_str(out), &back) == 0 && back == ms);
}

static void links(struct bb_bytes text)
{
    struct bb_buf a, b;
    struct bb_bytes next;

    if (bb_link_next(text, &next))
        inside(text, next);
    bb_buf_init(&a, 1u << 20);
    bb_buf_init(&b, 1u << 20);
    if (bb_uri_resolve(bb_str("http://h:1/a/b?c"), text, &a) == 0) {
        struct bb_bytes whole = {a.ptr, a.len};
        if (bb_uri_same_origin(whole, bb_str("http://h:1/")) && bb_uri_resolve(whole, bb_str(""), &b) == 0)
            MUST(bb_uri_same_origin((struct bb_bytes){b.ptr, b.len}, whole));
    }
    bb_buf_reset(&b);
    bb_uri_put(&b, text);
    bb_buf_reset(&a);
    if (!b.failed)
        MUST(bb_uri_decode((struct bb_bytes){b.ptr, b.len}, &a) == 0 && a.len == text.len &&
             (!a.len || memcmp(a.ptr, text.ptr, a.len) == 0));
    bb_buf_reset(&a);
    (void)bb_uri_decode(text, &a);
    bb_buf_reset(&a);
    (void)bb_uri_resolve(text, bb_str("../x"), &a);
    bb_buf_free(&a);
    bb_buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n;

    if (size < 2)
        return 0;
    n = data[0] % 8u;
    if (n > size - 1)
        n = size - 1;
    multipart((struct bb_bytes){data + 1 + n, size - 1 - n}, (struct bb_bytes){data + 1, n});
    dates((struct bb_bytes){data + 1, size - 1});
    links((struct bb_bytes){data + 1, size - 1});
    return 0;
}
