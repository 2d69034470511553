/*
 * test_web.c - percent-encoding, links, dates, Basic, multipart
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <busbar/plugin.h>
#include <busbar/web.h>

static struct bb_buf b;

static void setup(void)
{
    bb_buf_init(&b, 1u << 20);
}

static void teardown(void)
{
    bb_buf_free(&b);
}

static const char *text(void)
{
    bb_buf_put(&b, "", 1);
    return (char *)b.ptr;
}

START_TEST(uris)
{
    static const struct {
        const char *plain, *coded;
    } rows[] = {
        {"", ""}, {"a b", "a%20b"}, {"100% / +", "100%25%20%2F%20%2B"}, {"M\xc3\xbcller", "M%C3%BCller"},
        {"a-._~Z9", "a-._~Z9"}, {"'O''Neil'", "%27O%27%27Neil%27"}, {"\x7f\x01", "%7F%01"},
    };
    static const char *const bad[] = {"%", "%4", "%4g", "a%2", "%g4"};

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        bb_buf_reset(&b);
        bb_uri_put(&b, bb_str(rows[k].plain));
        ck_assert_str_eq(text(), rows[k].coded);
        bb_buf_reset(&b);
        ck_assert_int_eq(bb_uri_decode(bb_str(rows[k].coded), &b), 0);
        ck_assert_str_eq(text(), rows[k].plain);
    }
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        bb_buf_reset(&b);
        ck_assert_int_eq(bb_uri_decode(bb_str(bad[k]), &b), -1);
        ck_assert_uint_eq(b.len, 0);
    }
    bb_buf_reset(&b);
    bb_uri_put_keep(&b, bb_str("A_B(Key='x y',N=1)/to_I"), "/$(),='");
    ck_assert_str_eq(text(), "A_B(Key='x%20y',N=1)/to_I");
}
END_TEST

START_TEST(links)
{
    static const struct {
        const char *base, *link, *want; /* RFC 3986, 5.4, and what OData servers send */
    } rows[] = {
        {"http://a/b/c/d;p?q", "g", "http://a/b/c/g"},
        {"http://a/b/c/d;p?q", "./g", "http://a/b/c/g"},
        {"http://a/b/c/d;p?q", "g/", "http://a/b/c/g/"},
        {"http://a/b/c/d;p?q", "/g", "http://a/g"},
        {"http://a/b/c/d;p?q", "//g", "http://g"},
        {"http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y"},
        {"http://a/b/c/d;p?q", "g?y", "http://a/b/c/g?y"},
        {"http://a/b/c/d;p?q", "#s", "http://a/b/c/d;p?q"},
        {"http://a/b/c/d;p?q", "g#s", "http://a/b/c/g"},
        {"http://a/b/c/d;p?q", "", "http://a/b/c/d;p?q"},
        {"http://a/b/c/d;p?q", ".", "http://a/b/c/"},
        {"http://a/b/c/d;p?q", "..", "http://a/b/"},
        {"http://a/b/c/d;p?q", "../g", "http://a/b/g"},
        {"http://a/b/c/d;p?q", "../..", "http://a/"},
        {"http://a/b/c/d;p?q", "../../../g", "http://a/g"},
        {"http://a/b/c/d;p?q", "/./g", "http://a/g"},
        {"http://a/b/c/d;p?q", "g..", "http://a/b/c/g.."},
        {"http://a/b/c/d;p?q", "g?y/../x", "http://a/b/c/g?y/../x"},
        {"http://a", "x?y", "http://a/x?y"},
        {"https://erp:443/odata/API/", "Items?%24skiptoken=%27a%27", "https://erp:443/odata/API/Items?%24skiptoken=%27a%27"},
        {"https://erp/odata/API/Items?$top=5", "https://erp/odata/API/Items?$skip=5",
         "https://erp/odata/API/Items?$skip=5"},
        {"http://a/", "mailto:x", NULL}, {"http://a/", "a b", NULL}, {"ftp://a/", "b", NULL},
        {"http://a/", "b\r\nX: y", NULL}, {"http:///x", "b", NULL},
    };
    static const struct {
        const char *a, *b;
        int same;
    } origins[] = {
        {"http://a/x", "http://a:80/y", 1}, {"https://A:443", "https://a/", 1},
        {"http://a/", "https://a/", 0}, {"http://a/", "http://a.evil/", 0},
        {"http://a/", "http://a@evil/", 0}, {"http://a:8080/", "http://a/", 0}, {"http://a/", "/x", 0},
        {"http://a:1/", "http://a:1?x", 1},
    };

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        bb_buf_reset(&b);
        int rc = bb_uri_resolve(bb_str(rows[k].base), bb_str(rows[k].link), &b);
        ck_assert_msg(rc == (rows[k].want ? 0 : -1), "%s", rows[k].link);
        if (rows[k].want)
            ck_assert_str_eq(text(), rows[k].want);
    }
    for (size_t k = 0; k < sizeof origins / sizeof origins[0]; k++)
        ck_assert_msg(bb_uri_same_origin(bb_str(origins[k].a), bb_str(origins[k].b)) == origins[k].same,
                      "%s %s", origins[k].a, origins[k].b);
}
END_TEST

START_TEST(link_headers)
{
    static const struct {
        const char *header, *want;
    } rows[] = {
        {"</a?skip=1>; rel=\"next\"", "/a?skip=1"}, {"</a>;rel=next", "/a"},
        {"</f>; rel=\"first\", </b>; title=\"x\"; REL=\"prev NEXT\", </l>; rel=last", "/b"},
        {"</a>; rel=nextish", NULL}, {"</a>; xrel=next", NULL}, {"</a>", NULL}, {"", NULL}, {"</a", NULL},
        {"</a>; rel=\"first\"; note=next", NULL}, {"</a>; rel=", NULL}, {"</a>; rel=\"", NULL},
    };
    struct bb_bytes v;

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        int rc = bb_link_next(bb_str(rows[k].header), &v);
        ck_assert_msg(rc == (rows[k].want != NULL), "%s", rows[k].header);
        ck_assert(!rc || (v.len == strlen(rows[k].want) && memcmp(v.ptr, rows[k].want, v.len) == 0));
    }
}
END_TEST

START_TEST(basic)
{
    ck_assert_int_eq(bb_basic_put(&b, bb_str("Aladdin"), bb_str("open sesame")), 0); /* RFC 7617 */
    ck_assert_str_eq(text(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    bb_buf_reset(&b);
    ck_assert_int_eq(bb_basic_put(&b, bb_str("test"), bb_str("123\xc2\xa3")), 0);
    ck_assert_str_eq(text(), "Basic dGVzdDoxMjPCow==");
    ck_assert_int_eq(bb_basic_put(&b, bb_str("a:b"), bb_str("c")), -1);
}
END_TEST

START_TEST(iso_dates)
{
    static const struct {
        const char *text;
        int64_t ms;
        const char *back; /* NULL: as it was */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, NULL}, {"1969-12-31T23:59:59.999Z", -1, NULL},
        {"2026-01-01", 1767225600000, "2026-01-01T00:00:00Z"},
        {"2026-01-01T00:00:00", 1767225600000, "2026-01-01T00:00:00Z"},
        {"2026-01-01t01:30:00+01:30", 1767225600000, "2026-01-01T00:00:00Z"},
        {"2025-12-31 19:00:00.000000-0500", 1767225600000, "2026-01-01T00:00:00Z"},
        {"2024-02-29T12:00Z", 1709208000000, "2024-02-29T12:00:00Z"},
        {"9999-12-31T23:59:59.999Z", 253402300799999, NULL}, {"0001-01-01T00:00:00Z", -62135596800000, NULL},
        {"2000-02-29T00:00:00.120Z", 951782400120, NULL},
    };
    static const char *const bad[] = {"", "2026", "2026-13-01", "2025-02-29", "1900-02-29", "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:00:00.0001Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:60Z",
                                      "2026-01-01Z", "2026-01-01T", "2026-01-01T00:00:00+", "2026-01-01T00:00:00Zx",
                                      "0000-01-01", "0001-01-01T00:00:00+00:01", " 2026-01-01"};
    int64_t ms;
    char out[32];

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        ck_assert_msg(bb_date_iso_read(bb_str(rows[k].text), &ms) == 0 && ms == rows[k].ms, "%s: %lld",
                      rows[k].text, (long long)ms);
        ck_assert_int_eq(bb_date_iso_write(ms, out), 0);
        ck_assert_str_eq(out, rows[k].back ? rows[k].back : rows[k].text);
    }
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        ck_assert_msg(bb_date_iso_read(bb_str(bad[k]), &ms) == -1, "%s", bad[k]);
    ck_assert_int_eq(bb_date_iso_write(253402300800000, out), -1);
    /* a walk through all years */
    for (int64_t at = -62135596800000; at < 253402300799999; at += 86400000 * INT64_C(7) + 3661001)
        if (bb_date_iso_write(at, out) != 0 || bb_date_iso_read(bb_str(out), &ms) != 0 || ms != at)
            ck_abort_msg("%s is not %lld", out, (long long)at);
}
END_TEST

START_TEST(odata_dates)
{
    static const struct {
        const char *text;
        int64_t ms;
        int offset;
        const char *zone;
    } rows[] = {
        {"/Date(1767225600000)/", 1767225600000, 0, ""}, {"/Date(-1)/", -1, 0, ""},
        {"/Date(253402214400000)/", 253402214400000, 0, ""},
        {"/Date(1767225600123+0000)/", 1767225600123, 0, "+0000"},
        {"/Date(0-0330)/", 0, -330, "-0330"},
    };
    static const char *const bad[] = {"", "/Date()/", "/Date(1)", "/Date(1)/x", "Date(1)", "/Date(--1)/",
                                      "/Date(1+)/", "/Date(99999999999999999999)/", "/Date(1+00)/", "/Date( 1)/"};
    static const struct {
        const char *text;
        int64_t ms;
        const char *back;
    } times[] = {
        {"PT08H30M00S", 30600000, NULL}, {"PT00H00M00S", 0, NULL}, {"P0D", 0, "PT00H00M00S"},
        {"P0DT1H", 3600000, "PT01H00M00S"}, {"PT8H30M", 30600000, "PT08H30M00S"},
        {"PT23H59M59.999S", 86399999, NULL}, {"PT24H00M00S", 86400000, NULL}, {"PT90M", 5400000, "PT01H30M00S"},
        {"PT1.5S", 1500, "PT00H00M01.500S"},
    };
    static const char *const bad_times[] = {"", "P", "PT", "P0DT", "PT1", "PTH", "PT1.5H", "PT1M1H", "PT25H", "P1D",
                                            "PT1S ", "PT1.0001S", "PT1.S", "08:30"};
    int64_t ms;
    int offset;
    char out[48];

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        ck_assert_msg(bb_date_odata_read(bb_str(rows[k].text), &ms, &offset) == 0 && ms == rows[k].ms &&
                      offset == rows[k].offset, "%s", rows[k].text);
        ck_assert_int_eq(bb_date_odata_write(ms, rows[k].zone, out), 0);
        ck_assert_str_eq(out, rows[k].text);
    }
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        ck_assert_msg(bb_date_odata_read(bb_str(bad[k]), &ms, NULL) == -1, "%s", bad[k]);
    for (size_t k = 0; k < sizeof times / sizeof times[0]; k++) {
        ck_assert_msg(bb_time_odata_read(bb_str(times[k].text), &ms) == 0 && ms == times[k].ms, "%s: %lld",
                      times[k].text, (long long)ms);
        ck_assert_int_eq(bb_time_odata_write(ms, out), 0);
        ck_assert_str_eq(out, times[k].back ? times[k].back : times[k].text);
    }
    for (size_t k = 0; k < sizeof bad_times / sizeof bad_times[0]; k++)
        ck_assert_msg(bb_time_odata_read(bb_str(bad_times[k]), &ms) == -1, "%s", bad_times[k]);
}
END_TEST

START_TEST(http_dates)
{
    static const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    static const char *const bad[] = {"", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
                                      "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "120"};
    int64_t s;
    char out[40];

    for (size_t k = 0; k < 3; k++) {
        ck_assert_int_eq(bb_date_http_read(bb_str(same[k]), &s), 0);
        ck_assert_int_eq(s, 784111777);
    }
    ck_assert_int_eq(bb_date_http_write(s, out), 0);
    ck_assert_str_eq(out, same[0]);
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        ck_assert_msg(bb_date_http_read(bb_str(bad[k]), &s) == -1, "%s", bad[k]);
}
END_TEST

static int is(struct bb_bytes v, const char *want)
{
    return v.len == strlen(want) && memcmp(v.len ? v.ptr : "", want, v.len) == 0;
}

START_TEST(multipart_read)
{
    /* as an OData V2 service answers: a changeset inside, LF here and there, a preamble */
    static const char whole[] =
        "preamble\r\n--b1\r\nContent-Type: multipart/mixed; boundary=c1\r\n\r\n"
        "--c1\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\n"
        "HTTP/1.1 201 Created\r\nContent-Length: 8\r\n\r\n{\"a\":1}\n\r\n--c1--\r\n\r\n"
        "--b1  \nContent-Type: application/http\n\nHTTP/1.1 204 No Content\r\n\r\n\r\n--b1x is no boundary\r\n"
        "--b1--\r\nepilogue";
    struct bb_bytes b1, c1, v;
    struct bb_part p;
    struct bb_part_http h;
    struct bb_fault f;
    size_t at = 0, in = 0;

    ck_assert_int_eq(bb_multipart_boundary(bb_str("multipart/mixed; charset=x; Boundary=\"b1\""), &b1), 1);
    ck_assert_int_eq(bb_multipart_next(bb_str(whole), b1, &at, &p, &f), 1);
    ck_assert_int_eq(bb_part_header(p.head, "content-type", &v), 1);
    ck_assert_int_eq(bb_multipart_boundary(v, &c1), 1);
    ck_assert(is(c1, "c1"));
    struct bb_part inner;
    ck_assert_int_eq(bb_multipart_next(p.body, c1, &in, &inner, &f), 1);
    ck_assert_int_eq(bb_part_header(inner.head, "Content-ID", &v), 1);
    ck_assert(is(v, "1"));
    ck_assert_int_eq(bb_part_http_read(inner.body, &h, &f), 0);
    ck_assert_uint_eq(h.status, 201);
    ck_assert(is(h.body, "{\"a\":1}\n"));
    ck_assert_int_eq(bb_multipart_next(p.body, c1, &in, &inner, &f), 0);
    ck_assert_int_eq(bb_multipart_next(p.body, c1, &in, &inner, &f), 0);
    ck_assert_int_eq(bb_multipart_next(bb_str(whole), b1, &at, &p, &f), 1);
    ck_assert_int_eq(bb_part_http_read(p.body, &h, &f), 0);
    ck_assert_uint_eq(h.status, 204);
    ck_assert(is(h.body, "\r\n--b1x is no boundary"));
    ck_assert_int_eq(bb_multipart_next(bb_str(whole), b1, &at, &p, &f), 0);
}
END_TEST

START_TEST(multipart_bad)
{
    static const struct {
        const char *text;
        int parts; /* then -1 */
    } rows[] = {
        {"--b\r\nA: 1\r\n\r\nx", 0},                    /* cut off */
        {"--b\r\nA: 1\r\n\r\nx\r\n--b\r\nA: 2\r\n\r\n", 1}, /* the second is */
        {"nothing", 0},
        {"--b\r\nno blank line\r\n--b--", 0},
        {"--b\r\n\r\n--b", 1},
    };
    static const char *const types[] = {"", "text/plain; boundary=b", "multipart/mixed", "multipart/mixed; boundary=",
                                        "multipart/mixed; boundary=\"b"};
    struct bb_bytes v;

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct bb_part p;
        struct bb_fault f = {0, ""};
        size_t at = 0;
        int n = 0, rc;
        while ((rc = bb_multipart_next(bb_str(rows[k].text), bb_str("b"), &at, &p, &f)) == 1)
            n++;
        ck_assert_msg(rc == -1 && n == rows[k].parts && f.text[0], "%zu: %d %d", k, rc, n);
    }
    for (size_t k = 0; k < sizeof types / sizeof types[0]; k++)
        ck_assert_msg(bb_multipart_boundary(bb_str(types[k]), &v) == 0, "%s", types[k]);
    struct bb_part_http h;
    ck_assert_int_eq(bb_part_http_read(bb_str("HTTP/1.1 9 x\r\n\r\n"), &h, NULL), -1);
    ck_assert_int_eq(bb_part_http_read(bb_str(""), &h, NULL), -1);
}
END_TEST

START_TEST(multipart_write)
{
    char boundary[64];
    struct bb_part p;
    struct bb_bytes v;
    size_t at = 0;

    bb_boundary_make("batch", boundary);
    ck_assert_uint_eq(strlen(boundary), 42);
    for (int k = 0; k < 3; k++) {
        char head[64];
        snprintf(head, sizeof head, "Content-Type: application/http\r\nContent-ID: %d\r\n", k);
        bb_multipart_part(&b, boundary, head);
        bb_buf_put(&b, "line\r\n\r\n", k == 1 ? 0 : (size_t)(4 + 2 * k));
    }
    bb_multipart_end(&b, boundary);
    struct bb_bytes whole = {b.ptr, b.len};
    for (int k = 0; k < 3; k++) {
        ck_assert_int_eq(bb_multipart_next(whole, bb_str(boundary), &at, &p, NULL), 1);
        ck_assert_int_eq(bb_part_header(p.head, "Content-ID", &v), 1);
        ck_assert_int_eq(*(const char *)v.ptr, '0' + k);
        ck_assert(is(p.body, k == 0 ? "line" : k == 1 ? "" : "line\r\n\r\n"));
    }
    ck_assert_int_eq(bb_multipart_next(whole, bb_str(boundary), &at, &p, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("web");
    TCase *t = tcase_create("web");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, uris);
    tcase_add_test(t, links);
    tcase_add_test(t, link_headers);
    tcase_add_test(t, basic);
    tcase_add_test(t, iso_dates);
    tcase_add_test(t, odata_dates);
    tcase_add_test(t, http_dates);
    tcase_add_test(t, multipart_read);
    tcase_add_test(t, multipart_bad);
    tcase_add_test(t, multipart_write);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
