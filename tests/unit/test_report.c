/*
 * test_report.c - lists page by page, names, and a delivery whole, from a real journal
 */
#define _GNU_SOURCE 1
#include "core/admin/report.h"
#include "tests/unit/journal_rig.h"

#define N 30 /* messages; every third matches no route, the others one of two */

static struct rig rig;
static struct bb_view *view;
static struct bb_fault err;
static uint64_t first;

static void setup(void)
{
    uint64_t ord[2] = {0, 0};
    uint32_t routes[2];
    char id[16];

    rig_init(&rig);
    routes[0] = rig_route(&rig, "bom-to-erp");
    routes[1] = rig_route(&rig, "bom-to-mes");
    for (unsigned i = 0; i < N; i++) {
        unsigned k = i % 3;
        uint64_t seq;

        snprintf(id, sizeof(id), "m%u", i);
        seq = rig_append(&rig, k < 2 ? routes[k] : 0, 0, id);
        if (!i)
            first = seq;
        if (k < 2)
            rig_settle(&rig, (struct bb_settle){.route = routes[k], .to = BB_TO_QUARANTINED,
                                                .ord = ord[k]++, .seq = seq});
    }
    view = bb_view_of(rig.j);
    ck_assert_ptr_nonnull(view);
}

static void teardown(void)
{
    bb_view_close(&view);
    rig_end(&rig);
}

static int64_t number(struct bb_bytes map, const char *key)
{
    struct bb_bytes v;
    int64_t i = 0;

    ck_assert_int_eq(bb_map_get(map, key, &v), 1);
    bb_as_int(v, &i);
    return i;
}

/* The list's numbers into seqs; where the next page begins. */
static uint64_t page(const struct bb_query *q, uint64_t *seqs, unsigned *n)
{
    struct bb_bytes list, item, all;
    struct bb_buf out;
    struct bb_cur c;
    struct bb_tok t;
    uint64_t next;

    bb_buf_init(&out, 1 << 20);
    ck_assert_msg(bb_report(view, q, &out, &err) == 1, "%s", err.text);
    all = (struct bb_bytes){out.ptr, out.len};
    ck_assert_int_eq(bb_value_check(all, &err), 0);
    ck_assert_int_eq(bb_map_get(all, "deliveries", &list), 1);
    c = bb_cur_of(list);
    ck_assert(bb_cur_next(&c, &t) == 0 && t.kind == BB_T_ARRAY);
    while (t.n--) {
        ck_assert_int_eq(bb_cur_value(&c, &item), 0);
        seqs[(*n)++] = (uint64_t)number(item, "seq");
    }
    next = (uint64_t)number(all, "next");
    bb_buf_free(&out);
    return next;
}

START_TEST(pages_go_on_in_order_of_acceptance)
{
    static const size_t sizes[] = {1, 3, 4, N - 1, N, N + 1, 0};

    for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
        struct bb_query q = {.kind = BB_REPORT_QUARANTINE, .max = sizes[k]};
        uint64_t seqs[4 * N];
        unsigned n = 0, pages = 0;

        do {
            ck_assert_uint_lt(n, 2 * N);
            q.seq = page(&q, seqs, &n);
            pages++;
        } while (q.seq);
        ck_assert_uint_eq(n, N); /* each once, whatever its route */
        for (unsigned i = 0; i < N; i++)
            ck_assert_uint_eq(seqs[i], first + i);
        if (sizes[k])
            ck_assert_uint_eq(pages, (N + sizes[k] - 1) / sizes[k]);
    }
}
END_TEST

START_TEST(one_route_alone)
{
    struct bb_query q = {.kind = BB_REPORT_QUARANTINE, .route = "bom-to-mes", .max = 4};
    uint64_t seqs[2 * N];
    unsigned n = 0;

    q.seq = page(&q, seqs, &n);
    ck_assert_uint_eq(n, 4);
    while (q.seq)
        q.seq = page(&q, seqs, &n);
    ck_assert_uint_eq(n, N / 3);
    q.route = "unmatched";
    page(&q, seqs, &n);
    ck_assert_uint_eq(n, N / 3 + 4);
    ck_assert_uint_eq(seqs[N / 3], first + 2);
    q = (struct bb_query){.kind = BB_REPORT_HELD};
    page(&q, seqs, &n);
    ck_assert_uint_eq(n, N / 3 + 4); /* nothing is held */
}
END_TEST

START_TEST(what_is_not_there_is_named)
{
    const struct { struct bb_query q; const char *text; } cases[] = {
        {{.kind = BB_REPORT_QUARANTINE, .route = "bom-to-erb"}, "did you mean \"bom-to-erp\"?"},
        {{.kind = BB_REPORT_DELIVERY, .route = "nowhere", .seq = first}, "no route \"nowhere\""},
        {{.kind = BB_REPORT_DELIVERY, .route = "bom-to-mes", .seq = first}, "is not a delivery"},
        {{.kind = BB_REPORT_DELIVERY, .route = "bom-to-mes", .seq = 1u << 30}, "is not a delivery"},
        {{.kind = BB_REPORT_TRACE, .id = "ECO 1", .state_dir = rig.dir}, "\"ECO 1\""},
        {{.kind = BB_REPORT_TRACE, .id = "99999999", .state_dir = rig.dir}, "\"99999999\""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct bb_buf out;

        bb_buf_init(&out, 1 << 20);
        ck_assert_int_eq(bb_report(view, &cases[i].q, &out, &err), 0);
        ck_assert_msg(strstr(err.text, cases[i].text), "%zu: %s", i, err.text);
        bb_buf_free(&out);
    }
}
END_TEST

START_TEST(one_delivery_whole)
{
    struct bb_query q = {.kind = BB_REPORT_DELIVERY, .route = "bom-to-erp", .seq = first};
    struct bb_bytes all, v, s, message;
    struct bb_buf out;

    bb_buf_init(&out, 1 << 20);
    ck_assert_int_eq(bb_report(view, &q, &out, &err), 1);
    all = (struct bb_bytes){out.ptr, out.len};
    ck_assert_int_eq(bb_value_check(all, &err), 0);
    ck_assert_int_eq(bb_map_get(all, "state", &v), 1);
    ck_assert(bb_as_str(v, &s));
    ck_assert_mem_eq(s.ptr, "quarantined", 11);
    ck_assert_int_eq(bb_map_get(all, "message", &message), 1);
    ck_assert_int_eq(bb_map_get(message, "id", &v), 1);
    ck_assert(bb_as_str(v, &s));
    ck_assert_mem_eq(s.ptr, "m0", 2);
    ck_assert_int_eq(bb_map_get(all, "mend", &v), 1);
    ck_assert_ptr_nonnull(memmem(v.ptr, v.len, "replay bom-to-erp/", 18));
    bb_buf_free(&out);
    bb_buf_init(&out, 64); /* an answer that does not fit is said, not cut */
    ck_assert_int_eq(bb_report(view, &q, &out, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "too large"));
    bb_buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("report");
    TCase *t = tcase_create("report");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, pages_go_on_in_order_of_acceptance);
    tcase_add_test(t, one_route_alone);
    tcase_add_test(t, what_is_not_there_is_named);
    tcase_add_test(t, one_delivery_whole);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
