/*
 * test_wire.c - every frame survives a round trip, and no broken one is believed
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/wire.h"

static struct bb_bytes bytes(const char *s)
{
    struct bb_bytes b = {s, strlen(s)};

    return b;
}

static int same(struct bb_bytes b, const char *s)
{
    return b.ptr && b.len == strlen(s) && memcmp(b.ptr, s, b.len) == 0;
}

static struct bb_bytes whole(const struct bb_buf *b)
{
    struct bb_bytes v = {b->ptr, b->len};

    ck_assert(!b->failed);
    return v;
}

/* Every kind of frame, by number, into b. */
static uint32_t frame_make(struct bb_buf *b, int which)
{
    struct bb_state st = {sizeof(st), 0, 7, {"cursor", 6}};
    struct bb_bytes map = {"\x81\xa1k\x01", 4}, none = {NULL, 0};
    struct bb_w_deliver d = {11, 1, 3, 2, 3, 9000, bytes("key"), bytes("short"), bytes("body"), bytes("map")};
    struct bb_w_result r = {12, -3, bytes("reply"), true, bytes("M7/021"), bytes("gone"), 250, 1,
                            bytes("rendered"), {"\xc4\x01" "a\xc4\x02" "bc", 7}, 2};
    struct bb_w_result plain = {.token = 13};
    struct bb_w_acked a = {1, 100, 101, 5, -2, 1, bytes("no route")};
    struct bb_w_query q = {14, bytes("plm"), bytes("item"), bytes("request"), 5000};
    struct bb_list l;

    switch (which) {
    case 0: bb_put_hello(b, "erp", 2, bytes("0123456789abcdef"), 4711, map); return BB_F_HELLO;
    case 1: bb_put_ready(b, 9, -4, "no such host"); return BB_F_READY;
    case 2:
        bb_put_submit(b, 9, 77, &st, 2);
        bb_put_bin(b, "one", 3);
        bb_put_bin(b, "", 0);
        return BB_F_SUBMIT;
    case 3:
        bb_put_submit(b, 9, 78, NULL, 1);
        bb_put_bin(b, "one", 3);
        return BB_F_SUBMIT;
    case 4:
        l = bb_list_begin(b, BB_F_RESULT, 9);
        bb_list_result(b, &l, &r);
        bb_list_result(b, &l, &plain);
        bb_list_end(b, &l);
        return BB_F_RESULT;
    case 5: bb_put_alive(b, 9, 120, -3, "peer down"); return BB_F_ALIVE;
    case 6: bb_put_log(b, 9, 2, bytes("slow"), map); return BB_F_LOG;
    case 7: bb_put_log(b, 9, 3, bytes("fine"), none); return BB_F_LOG;
    case 8: bb_put_stopped(b, 9); return BB_F_STOPPED;
    case 9:
        l = bb_list_begin(b, BB_F_METRIC, 9);
        bb_list_metric(b, &l, "rows", 1, 2.5);
        bb_list_end(b, &l);
        return BB_F_METRIC;
    case 10: bb_put_welcome(b, UINT64_MAX, map); return BB_F_WELCOME;
    case 11:
        l = bb_list_begin(b, BB_F_DELIVER, 9);
        bb_list_deliver(b, &l, &d);
        bb_list_end(b, &l);
        return BB_F_DELIVER;
    case 12:
        l = bb_list_begin(b, BB_F_ACKED, 9);
        bb_list_acked(b, &l, &a);
        bb_list_end(b, &l);
        return BB_F_ACKED;
    case 13: bb_put_credit(b, 9, 1000, UINT64_C(1) << 40); return BB_F_CREDIT;
    case 14:
        l = bb_list_begin(b, BB_F_CANCEL, 9);
        bb_list_token(b, &l, UINT64_MAX);
        bb_list_end(b, &l);
        return BB_F_CANCEL;
    case 15: bb_put_stop(b, 9, 5000); return BB_F_STOP;
    case 16: bb_put_ping(b, 9); return BB_F_PING;
    case 17: bb_put_intake(b, 9, false, 30, "disk full"); return BB_F_INTAKE;
    case 18:
        l = bb_list_begin(b, BB_F_ASK, 9);
        bb_list_query(b, &l, &q);
        bb_list_end(b, &l);
        return BB_F_ASK;
    case 19:
        l = bb_list_begin(b, BB_F_QUERY, 9);
        bb_list_query(b, &l, &q);
        bb_list_query(b, &l, &q);
        bb_list_end(b, &l);
        return BB_F_QUERY;
    case 20:
        l = bb_list_begin(b, BB_F_ANSWER, 9);
        bb_list_result(b, &l, &plain);
        bb_list_end(b, &l);
        return BB_F_ANSWER;
    default: return 0;
    }
}
#define FRAMES 21

/* Reads head and items; how many items, -1 when anything was malformed. */
static int frame_walk(struct bb_bytes v, struct bb_frame *f, struct bb_fault *err)
{
    struct bb_w_deliver d;
    struct bb_w_result r;
    struct bb_w_acked a;
    struct bb_w_query q;
    struct bb_bytes s;
    uint64_t t;
    uint32_t k;
    double x;
    int n = 0, rc;

    if (bb_frame_read(v, f, err) < 0)
        return -1;
    for (;; n++) {
        switch (f->kind) {
        case BB_F_SUBMIT: rc = bb_frame_next_message(f, &s); break;
        case BB_F_ANSWER:
        case BB_F_RESULT: rc = bb_frame_next_result(f, &r); break;
        case BB_F_ASK:
        case BB_F_QUERY: rc = bb_frame_next_query(f, &q); break;
        case BB_F_METRIC: rc = bb_frame_next_metric(f, &s, &k, &x); break;
        case BB_F_DELIVER: rc = bb_frame_next_deliver(f, &d); break;
        case BB_F_ACKED: rc = bb_frame_next_acked(f, &a); break;
        case BB_F_CANCEL: rc = bb_frame_next_token(f, &t); break;
        default: rc = 0;
        }
        if (rc <= 0)
            return rc < 0 ? -1 : n;
    }
}

static void frame_load(struct bb_buf *b, int which, struct bb_frame *f)
{
    struct bb_fault err = {0, ""};
    uint32_t kind;

    bb_buf_reset(b);
    kind = frame_make(b, which);
    ck_assert_msg(bb_frame_read(whole(b), f, &err) == 0, "frame %d: %s", which, err.text);
    ck_assert_uint_eq(f->kind, kind);
}

START_TEST(round_trip_of_questions)
{
    struct bb_frame f;
    struct bb_w_query q;
    struct bb_buf b;

    bb_buf_init(&b, 4096);
    frame_load(&b, 18, &f);
    ck_assert_int_eq(bb_frame_next_query(&f, &q), 1);
    ck_assert_uint_eq(q.token, 14);
    ck_assert(same(q.endpoint, "plm") && same(q.op, "item") && same(q.request, "request"));
    ck_assert_uint_eq(q.budget_ms, 5000);
    ck_assert_int_eq(bb_frame_next_query(&f, &q), 0);
    bb_buf_free(&b);
}
END_TEST

START_TEST(round_trip_of_heads)
{
    struct bb_buf b;
    struct bb_frame f;

    bb_buf_init(&b, 1 << 16);
    frame_load(&b, 0, &f);
    ck_assert_uint_eq(f.session, 0);
    ck_assert_uint_eq(f.hello.protocol, BB_WIRE_VERSION);
    ck_assert(same(f.hello.endpoint, "erp") && same(f.hello.secret, "0123456789abcdef"));
    ck_assert(f.hello.worker == 2 && f.hello.pid == 4711 && f.hello.info.len == 4);
    frame_load(&b, 1, &f);
    ck_assert(f.session == 9 && f.ready.status == -4 && same(f.ready.text, "no such host"));
    frame_load(&b, 2, &f);
    ck_assert(f.submit.cookie == 77 && f.submit.has_state && f.submit.state_expected == 7);
    ck_assert(same(f.submit.state, "cursor") && f.n == 2);
    frame_load(&b, 3, &f);
    ck_assert(f.submit.cookie == 78 && !f.submit.has_state && f.n == 1);
    frame_load(&b, 5, &f);
    ck_assert(f.alive.busy_ms == 120 && f.alive.status == -3 && same(f.alive.text, "peer down"));
    frame_load(&b, 6, &f);
    ck_assert(f.log.level == 2 && same(f.log.text, "slow") && f.log.attrs.len == 4);
    frame_load(&b, 7, &f);
    ck_assert_ptr_null(f.log.attrs.ptr);
    frame_load(&b, 10, &f);
    ck_assert(f.session == UINT64_MAX && f.welcome.map.len == 4);
    frame_load(&b, 13, &f);
    ck_assert(f.credit.messages == 1000 && f.credit.bytes == UINT64_C(1) << 40);
    frame_load(&b, 15, &f);
    ck_assert_uint_eq(f.stop.budget_ms, 5000);
    frame_load(&b, 17, &f);
    ck_assert(!f.intake.open && f.intake.retry_after_s == 30 && same(f.intake.text, "disk full"));
    bb_buf_free(&b);
}
END_TEST

START_TEST(round_trip_of_items)
{
    struct bb_buf b;
    struct bb_frame f;
    struct bb_w_deliver d;
    struct bb_w_result r;
    struct bb_w_acked a;
    struct bb_cur c;
    struct bb_bytes s;
    uint64_t t;
    uint32_t k;
    double x;

    bb_buf_init(&b, 1 << 16);
    frame_load(&b, 2, &f);
    ck_assert_int_eq(bb_frame_next_message(&f, &s), 1);
    ck_assert(same(s, "one"));
    ck_assert_int_eq(bb_frame_next_message(&f, &s), 1);
    ck_assert(s.ptr && s.len == 0);
    ck_assert_int_eq(bb_frame_next_message(&f, &s), 0);
    frame_load(&b, 4, &f);
    ck_assert_int_eq(bb_frame_next_result(&f, &r), 1);
    ck_assert(r.token == 12 && r.status == -3 && same(r.reply, "reply") && r.has_error);
    ck_assert(same(r.vendor_code, "M7/021") && same(r.text, "gone") && r.retry_after_ms == 250 && r.error_flags == 1);
    ck_assert(same(r.body, "rendered"));
    ck_assert_uint_eq(r.n_children, 2);
    c = bb_cur_of(r.children);
    ck_assert(bb_result_next_child(&c, &s) && same(s, "a"));
    ck_assert(bb_result_next_child(&c, &s) && same(s, "bc"));
    ck_assert(!bb_result_next_child(&c, &s));
    ck_assert_int_eq(bb_frame_next_result(&f, &r), 1);
    ck_assert(r.token == 13 && r.status == 0 && !r.reply.ptr && !r.has_error && !r.body.ptr);
    ck_assert(!r.n_children && !r.children.ptr);
    ck_assert_int_eq(bb_frame_next_result(&f, &r), 0);
    frame_load(&b, 9, &f);
    ck_assert_int_eq(bb_frame_next_metric(&f, &s, &k, &x), 1);
    ck_assert(same(s, "rows") && k == 1 && x == 2.5);
    frame_load(&b, 11, &f);
    ck_assert_int_eq(bb_frame_next_deliver(&f, &d), 1);
    ck_assert(d.token == 11 && d.op == 1 && d.route == 3 && d.attempt == 2 && d.flags == 3);
    ck_assert(d.budget_ms == 9000 && same(d.key, "key") && same(d.short_key, "short"));
    ck_assert(same(d.whole, "body"));
    frame_load(&b, 12, &f);
    ck_assert_int_eq(bb_frame_next_acked(&f, &a), 1);
    ck_assert(a.cookie == 1 && a.status == -2 && a.first == 100 && a.last == 101);
    ck_assert(a.duplicates == 1 && a.state_version == 5 && same(a.text, "no route"));
    frame_load(&b, 14, &f);
    ck_assert_int_eq(bb_frame_next_token(&f, &t), 1);
    ck_assert_uint_eq(t, UINT64_MAX);
    bb_buf_free(&b);
}
END_TEST

/* A frame cut anywhere is malformed; the copy has exactly the bytes, so that ASan sees a read past
 * them. */
START_TEST(cut_at_every_byte)
{
    struct bb_buf b;
    struct bb_frame f;
    struct bb_fault err;

    bb_buf_init(&b, 1 << 16);
    frame_make(&b, _i);
    ck_assert_int_ge(frame_walk(whole(&b), &f, &err), 0);
    for (size_t n = 0; n < b.len; n++) {
        void *p = malloc(n ? n : 1);
        struct bb_bytes v = {p, n};

        ck_assert_ptr_nonnull(p);
        memcpy(p, b.ptr, n);
        memset(&err, 0, sizeof(err));
        ck_assert_msg(frame_walk(v, &f, &err) < 0, "frame %d cut at %zu of %zu was read", _i, n,
                      b.len);
        free(p);
    }
    bb_buf_free(&b);
}
END_TEST

/* Any byte replaced by any value must never make a reader leave the frame (ASan judges). */
START_TEST(every_byte_changed)
{
    struct bb_buf b;
    struct bb_frame f;

    bb_buf_init(&b, 1 << 16);
    frame_make(&b, _i);
    for (size_t n = 0; n < b.len; n++) {
        for (unsigned x = 1; x < 256; x++) {
            uint8_t *p = malloc(b.len);
            struct bb_bytes v = {p, b.len};

            ck_assert_ptr_nonnull(p);
            memcpy(p, b.ptr, b.len);
            p[n] = (uint8_t)(p[n] ^ x);
            (void)frame_walk(v, &f, NULL);
            free(p);
        }
    }
    bb_buf_free(&b);
}
END_TEST

START_TEST(members_of_tomorrow_are_skipped)
{
    /* [CANCEL, 9, [5], "more"] and [ACKED, 9, [[..7.., {}]], 1] */
    static const uint8_t cancel[] = "\x94\x45\x09\x91\x05\xa4more";
    static const uint8_t acked[] = "\x94\x43\x09\x91\x98\x01\x00\x02\x03\x00\x04\xa0\x80\x01";
    static const uint8_t stop[] = "\x95\x46\x09\x64\x91\x01\xc0";
    struct bb_bytes v = {cancel, sizeof(cancel) - 1};
    struct bb_frame f;

    ck_assert_int_eq(frame_walk(v, &f, NULL), 1);
    v.ptr = acked;
    v.len = sizeof(acked) - 1;
    ck_assert_int_eq(frame_walk(v, &f, NULL), 1);
    v.ptr = stop;
    v.len = sizeof(stop) - 1;
    ck_assert_int_eq(frame_walk(v, &f, NULL), 0);
    ck_assert_uint_eq(f.stop.budget_ms, 100);
}
END_TEST

START_TEST(hostile)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *says;
    } bad[] = {
        {"", 0, "not an array"},
        {"\xc0", 1, "not an array"},
        {"\x91\x04", 2, "members"},
        {"\x93\x04\xff\x90", 4, "session is not"},                      /* session -1 */
        {"\x93\xa1" "4\x09\x90", 5, "kind is not"},                    /* kind a string */
        {"\x93\xcf\x00\x00\x00\x01\x00\x00\x00\x04\x09\x90", 12, "above"}, /* kind past 32 bits */
        {"\x92\x04\x09", 3, "RESULT frame: has 2 members"},
        {"\x93\x04\x09\xdd\xff\xff\xff\xff", 8, "list"},               /* 4 G items in no bytes */
        {"\x93\x04\x09\x80", 4, "list is not an array"},
        {"\x94\x02\x09\x03\xa0", 5, "status is outside"},
        {"\x94\x02\x09\xf6\xa0", 5, "status is outside"},
        {"\x94\x02\x09\x00\x01", 5, "text is not"},
        {"\x95\x03\x09\x01\x91\x01\x90", 7, "state is neither"},
        {"\x95\x03\x09\x01\x92\x01\xa0\x90", 8, "state is not bin"},
        {"\x95\x48\x09\x01\x00\xa0", 6, "neither true nor false"},
        {"\x93\x41\x09\xc0", 4, "map is nil"},
        {"\x93\x41\x09\x90", 4, "not a map"},
    };
    struct bb_frame f;
    struct bb_fault err;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bb_bytes v = {bad[i].bytes, bad[i].len};

        memset(&err, 0, sizeof(err));
        ck_assert_msg(bb_frame_read(v, &f, &err) < 0, "bad frame %zu was read", i);
        ck_assert_msg(strstr(err.text, bad[i].says) != NULL, "frame %zu: \"%s\"", i, err.text);
    }
}
END_TEST

START_TEST(too_many_items)
{
    struct bb_buf b;
    struct bb_frame f;
    struct bb_fault err;
    struct bb_list l;

    bb_buf_init(&b, 1 << 16);
    l = bb_list_begin(&b, BB_F_CANCEL, 1);
    for (int i = 0; i < BB_WIRE_BATCH_MAX; i++)
        bb_list_token(&b, &l, 1);
    bb_list_end(&b, &l);
    ck_assert_int_eq(frame_walk(whole(&b), &f, &err), BB_WIRE_BATCH_MAX);
    bb_list_token(&b, &l, 1);
    bb_list_end(&b, &l);
    ck_assert_int_eq(frame_walk(whole(&b), &f, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "at most 4096"));
    bb_buf_free(&b);
}
END_TEST

START_TEST(metric_must_be_finite)
{
    struct bb_buf b;
    struct bb_frame f;
    struct bb_list l;
    struct bb_bytes s;
    uint32_t k;
    double v;

    bb_buf_init(&b, 1 << 10);
    l = bb_list_begin(&b, BB_F_METRIC, 1);
    bb_list_metric(&b, &l, "x", 1, 0.0 / strtod("0", NULL));
    bb_list_end(&b, &l);
    ck_assert_int_eq(bb_frame_read(whole(&b), &f, NULL), 0);
    ck_assert_int_eq(bb_frame_next_metric(&f, &s, &k, &v), -1);
    bb_buf_free(&b);
}
END_TEST

START_TEST(unknown_kind_is_not_an_error)
{
    struct bb_bytes v = {"\x92\x63\x05", 3};
    struct bb_frame f;

    ck_assert_int_eq(bb_frame_read(v, &f, NULL), 0);
    ck_assert(f.kind == 99 && f.session == 5 && f.n == 0);
}
END_TEST

START_TEST(full_buffer_never_yields_a_frame)
{
    struct bb_buf b;

    for (size_t max = 0; max < 12; max++) {
        bb_buf_init(&b, max);
        frame_make(&b, 11);
        ck_assert(b.failed);
        bb_buf_free(&b);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("wire");
    TCase *t = tcase_create("wire");
    SRunner *r;
    int failed;

    tcase_add_test(t, round_trip_of_heads);
    tcase_add_test(t, round_trip_of_questions);
    tcase_add_test(t, round_trip_of_items);
    tcase_add_loop_test(t, cut_at_every_byte, 0, FRAMES);
    tcase_add_loop_test(t, every_byte_changed, 0, FRAMES);
    tcase_add_test(t, members_of_tomorrow_are_skipped);
    tcase_add_test(t, hostile);
    tcase_add_test(t, too_many_items);
    tcase_add_test(t, metric_must_be_finite);
    tcase_add_test(t, unknown_kind_is_not_an_error);
    tcase_add_test(t, full_buffer_never_yields_a_frame);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
