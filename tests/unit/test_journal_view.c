/*
 * test_journal_view.c - views of a journal beside its writer
 */
#include "tests/unit/journal_filled.h"

START_TEST(view_messages)
{
    struct rig r;
    struct bb_view *v;
    struct bb_fault err;
    struct seen s = {0};

    rig_init(&r);
    fill(&r);
    v = bb_view_open(r.dir, &err); /* beside the writer */
    ck_assert_msg(v != NULL, "%s", err.text);
    ck_assert_int_eq(bb_view_messages(v, 1, SIZE_MAX, see_message, &s), 0);
    ck_assert_uint_eq(s.n, N + 1);
    ck_assert_uint_eq(s.bad, 0);
    s = (struct seen){0};
    ck_assert_int_eq(bb_view_messages(v, 5, 3, see_message, &s), 0);
    ck_assert_uint_eq(s.n, 3);
    ck_assert_uint_eq(s.last, 7);
    s = (struct seen){.stop_at = 2};
    ck_assert_int_eq(bb_view_messages(v, 0, SIZE_MAX, see_message, &s), 77);
    ck_assert_uint_eq(s.n, 2);
    s = (struct seen){0};
    ck_assert_int_eq(bb_view_message(v, 7, see_message, &s), 1);
    ck_assert_int_eq(bb_view_message(v, 999, see_message, &s), 0);
    ck_assert_uint_eq(s.n, 1);
    /* what is appended later is seen by the same view */
    ck_assert_int_eq(rig_append_to(&r, plain, 0, "later", NULL, "later", false, NULL), BB_OK);
    for (uint64_t end = bb_mono_us() + 10000000; s.n < 2 && bb_mono_us() < end;)
        ck_assert_int_eq(bb_view_messages(v, N + 2, 9, see_message, &s), 0);
    ck_assert_uint_eq(s.n, 2);
    bb_view_close(&v);
    ck_assert_ptr_null(v);
    rig_end(&r);
}
END_TEST

static int see_event(void *arg, const struct bb_event *e)
{
    struct seen *s = arg;

    s->n++;
    s->ranges += e->range;
    s->notes += e->count == 0;
    s->details += !e->range && e->count == 1;
    s->last = e->eseq;
    if (e->count) {
        ck_assert_uint_ge(e->first, 1);
        ck_assert_uint_le(e->first + e->count, N + 2);
        s->covered[e->to] += e->count;
    }
    if (!e->range)
        ck_assert_uint_gt(e->detail.len, 0);
    return s->n == s->stop_at ? 77 : 0;
}

START_TEST(view_events)
{
    struct rig r;
    struct bb_view *v;
    struct seen s = {0};
    uint64_t from;

    rig_init(&r);
    fill(&r);
    v = bb_view_of(r.j);
    ck_assert_int_eq(bb_view_events(v, 0, SIZE_MAX, see_event, &s), 0);
    ck_assert_uint_eq(s.notes, 1);
    ck_assert_uint_eq(s.ranges, 3);  /* each its own commit */
    ck_assert_uint_eq(s.details, 8); /* 7 of lanes, 1 unmatched */
    ck_assert_uint_eq(s.covered[BB_D_DELIVERED], 3);
    ck_assert_uint_eq(s.covered[BB_D_QUARANTINED], 3);
    ck_assert_uint_eq(s.covered[BB_D_SKIPPED], 1);
    ck_assert_uint_eq(s.covered[BB_D_DISCARDED], 1);
    from = s.last;
    s = (struct seen){0};
    ck_assert_int_eq(bb_view_events(v, from, SIZE_MAX, see_event, &s), 0);
    ck_assert_uint_eq(s.n, 1);
    s = (struct seen){.stop_at = 3};
    ck_assert_int_eq(bb_view_events(v, 0, SIZE_MAX, see_event, &s), 77);
    s = (struct seen){0};
    ck_assert_int_eq(bb_view_events(v, 0, 4, see_event, &s), 0);
    ck_assert_uint_eq(s.n, 4);
    bb_view_close(&v);
    rig_end(&r);
}
END_TEST

START_TEST(view_history)
{
    struct rig r;
    struct bb_view *v;
    struct seen s = {0};
    struct bb_row row = {.state = BB_D_RETRYING};

    rig_init(&r);
    fill(&r);
    for (int i = 0; i < 300; i++) { /* more than are kept in view */
        struct bb_settle t = {.route = lanes, .to = BB_TO_RETRYING, .ord = BB_ORD_NONE, .seq = 2,
                              .lane = 2, .row = row, .event = {"\x80", 1}};
        struct bb_op op = {.kind = BB_OP_SETTLE, .settle = {.v = &t, .n = 1}};
        ck_assert_int_eq(rig_do(&r, &op), BB_OK);
    }
    v = bb_view_of(r.j);
    ck_assert_int_eq(bb_view_history(v, lanes, 2, see_event, &s), 0);
    ck_assert_uint_eq(s.n, 256);
    ck_assert_uint_eq(s.covered[BB_D_RETRYING], 256);
    s = (struct seen){0};
    ck_assert_int_eq(bb_view_history(v, lanes, 3, see_event, &s), 0);
    ck_assert_uint_eq(s.n, 1);
    ck_assert_uint_eq(s.covered[BB_D_HELD], 1);
    s = (struct seen){0};
    ck_assert_int_eq(bb_view_history(v, lanes, 1, see_event, &s), 0); /* plain: none */
    ck_assert_int_eq(bb_view_history(v, plain, 999, see_event, &s), 0);
    ck_assert_int_eq(bb_view_history(v, 77, 2, see_event, &s), 0);
    ck_assert_uint_eq(s.n, 0);
    bb_view_close(&v);
    rig_end(&r);
}
END_TEST

START_TEST(view_delivery)
{
    static const uint8_t want[] = {[1] = BB_D_DELIVERED, [2] = BB_D_RETRYING,    [3] = BB_D_HELD,
                                   [4] = BB_D_SKIPPED,   [5] = BB_D_QUARANTINED, [6] = BB_D_DISCARDED,
                                   [7] = BB_D_PROBING,   [8] = BB_D_QUARANTINED, [9] = BB_D_WAITING};
    struct rig r;
    struct bb_view *v;
    struct bb_row row;
    struct bb_buf body;
    char name[64];

    rig_init(&r);
    fill(&r);
    v = bb_view_of(r.j);
    for (uint64_t seq = 1; seq < sizeof want; seq++) {
        ck_assert_int_eq(bb_view_delivery(v, lanes, seq, &row), 1);
        ck_assert_msg(row.state == want[seq], "message %d is %s", (int)seq, bb_dstate_names[row.state]);
        ck_assert_int_eq(bb_view_delivery(v, plain, seq, &row), 1);
        ck_assert_uint_eq(row.state, seq == 1 || seq == 5 ? BB_D_DELIVERED : BB_D_WAITING);
    }
    ck_assert_int_eq(bb_view_delivery(v, BB_ROUTE_UNMATCHED, N + 1, &row), 1);
    ck_assert_uint_eq(row.state, BB_D_QUARANTINED);
    ck_assert_int_eq(bb_view_delivery(v, lanes, N + 1, &row), 0);
    ck_assert_int_eq(bb_view_delivery(v, lanes, 999, &row), 0);
    bb_buf_init(&body, 1000);
    ck_assert_int_eq(bb_view_body(v, lanes, 2, &body), 1);
    ck_assert_uint_eq(body.len, 4);
    ck_assert_mem_eq(body.ptr, "kept", 4);
    ck_assert_int_eq(bb_view_body(v, lanes, 3, &body), 0);
    bb_buf_free(&body);
    ck_assert_int_eq(bb_view_name(v, 1, name), 0);
    ck_assert_str_eq(name, "erp");
    ck_assert_int_eq(bb_view_name(v, 9, name), 0);
    ck_assert_str_eq(name, "");
    bb_view_close(&v);
    rig_end(&r);
}
END_TEST

struct listed { unsigned n; uint32_t route[64]; uint64_t seq[64], lane[64]; uint8_t state[64]; };

static int list_open(void *arg, uint32_t route, uint64_t seq, uint64_t lane, const struct bb_row *row)
{
    struct listed *l = arg;

    ck_assert_uint_lt(l->n, 64);
    l->route[l->n] = route;
    l->lane[l->n] = lane;
    l->state[l->n] = row->state;
    l->seq[l->n++] = seq;
    return 0;
}

static int list_row(void *arg, uint64_t lane, uint64_t seq, const struct bb_row *row)
{
    return list_open(arg, 0, seq, lane, row);
}

static int list_route(void *arg, const char *name, const struct bb_route_state *st)
{
    unsigned *n = arg;
    static const char *const names[] = {"unmatched", "lanes", "plain"};
    static const uint64_t pending[] = {0, N - 5, N - 2}, frontier[] = {1, 8, 1};

    ck_assert_uint_lt(*n, 3);
    ck_assert_str_eq(name, names[*n]);
    ck_assert_uint_eq(st->pending, pending[*n]);
    ck_assert_uint_eq(st->frontier, frontier[*n]);
    (*n)++;
    return 0;
}

START_TEST(view_rows_and_routes)
{
    struct rig r;
    struct bb_view *v;
    struct listed l = {0};
    unsigned n = 0;

    rig_init(&r);
    fill(&r);
    v = bb_view_of(r.j);
    ck_assert_int_eq(bb_view_open_rows(v, lanes, 0, SIZE_MAX, list_open, &l), 0);
    ck_assert_uint_eq(l.n, 3);
    ck_assert_uint_eq(l.seq[0], 3);
    ck_assert_uint_eq(l.lane[0], 3);
    ck_assert_uint_eq(l.state[0], BB_D_HELD);
    ck_assert_uint_eq(l.seq[2], 8);
    l.n = 0;
    ck_assert_int_eq(bb_view_open_rows(v, lanes, 4, 1, list_open, &l), 0);
    ck_assert_uint_eq(l.n, 1);
    ck_assert_uint_eq(l.seq[0], 5);
    l.n = 0;
    ck_assert_int_eq(bb_view_open_rows(v, UINT32_MAX, 0, SIZE_MAX, list_open, &l), 0);
    ck_assert_uint_eq(l.n, 4);
    ck_assert_uint_eq(l.route[0], BB_ROUTE_UNMATCHED);
    ck_assert_uint_eq(l.seq[0], N + 1);
    l.n = 0;
    ck_assert_int_eq(bb_view_open_rows(v, plain, 0, SIZE_MAX, list_open, &l), 0);
    ck_assert_int_eq(bb_view_rows(v, plain, list_row, &l), 0);
    ck_assert_uint_eq(l.n, 0);
    ck_assert_int_eq(bb_view_rows(v, lanes, list_row, &l), 0);
    ck_assert_uint_eq(l.n, 5);
    ck_assert_uint_eq(l.seq[0], 2);
    ck_assert_uint_eq(l.state[0], BB_D_RETRYING);
    ck_assert_int_eq(bb_view_routes(v, list_route, &n), 0);
    ck_assert_uint_eq(n, 3);
    bb_view_close(&v);
    rig_end(&r);
}
END_TEST

START_TEST(view_refuses)
{
    struct rig r;
    struct bb_fault err = {0};
    char path[128];
    int fd;

    ck_assert_ptr_null(bb_view_open("/nonexistent/journal", &err));
    ck_assert(strstr(err.text, "/nonexistent/journal") != NULL);
    rig_init(&r);
    bb_journal_close(&r.j);
    snprintf(path, sizeof path, "%s/data.mdb", r.dir);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    ck_assert_int_eq(write(fd, "no journal", 10), 10);
    close(fd);
    ck_assert_ptr_null(bb_view_open(r.dir, &err));
    ck_assert(strstr(err.text, r.dir) != NULL);
    rig_end(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal views");
    TCase *t = tcase_create("journal views");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, view_messages);
    tcase_add_test(t, view_events);
    tcase_add_test(t, view_history);
    tcase_add_test(t, view_delivery);
    tcase_add_test(t, view_rows_and_routes);
    tcase_add_test(t, view_refuses);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
