/*
 * test_journal_lanes.c - deliveries: the window, spilled lanes, hold, release, discard and replay
 */
#include "core/journal/internal.h"
#include "tests/unit/journal_rig.h"

static struct rig R;

static void setup(void)
{
    rig_init(&R);
}

static void teardown(void)
{
    rig_end(&R);
}

START_TEST(window_out_of_turn)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_read rd = {.kind = BB_READ_FEED, .route = a, .max_items = 100, .max_bytes = 1 << 20};
    struct bb_settle twice[2];
    struct bb_op op = {.kind = BB_OP_SETTLE};
    for (int i = 0; i < 200; i++)
        rig_append(&R, a, 0, "m");
    rig_settle(&R, rig_plain(a, 3, 4, 0, BB_TO_DELIVERED));
    rig_settle(&R, rig_plain(a, 1, 2, 0, BB_TO_DELIVERED));
    ck_assert_uint_eq(rig_state(&R, a).frontier, 0);
    rig_again(&R);
    rig_read(&R, &rd);
    ck_assert_uint_eq(rd.n, 100);
    for (uint64_t i = 0; i < rd.n; i++)
        ck_assert_int_eq(rd.items[i].done, i == 1 || i == 3);
    bb_journal_read_free(&rd);
    twice[0] = rig_plain(a, 1, 2, 0, BB_TO_DELIVERED);
    op.settle.v = twice;
    op.settle.n = 1;
    ck_assert_int_eq(rig_do(&R, &op), BB_E_REJECT); /* settled already */
    twice[0].ord = 200;
    ck_assert_int_eq(rig_do(&R, &op), BB_E_REJECT); /* past the tail */
    rig_settle(&R, rig_plain(a, 0, 1, 0, BB_TO_DELIVERED));
    ck_assert_uint_eq(rig_state(&R, a).frontier, 2);
    twice[0] = twice[1] = rig_plain(a, 2, 3, 0, BB_TO_SKIPPED);
    op.settle.n = 2;
    ck_assert_int_eq(rig_do(&R, &op), BB_OK); /* the second is ignored */
    ck_assert_uint_eq(rig_state(&R, a).frontier, 4);
    ck_assert_uint_eq(rig_state(&R, a).counts[BB_D_SKIPPED], 1);
    ck_assert_uint_eq(rig_state(&R, a).counts[BB_D_DELIVERED], 3);
    ck_assert_uint_eq(rig_state(&R, a).pending, 196);
    rd.from = 0; /* below the oldest chunk */
    rig_read(&R, &rd);
    ck_assert_uint_eq(rd.items[0].ord, 4);
    bb_journal_read_free(&rd);
}
END_TEST

START_TEST(lane_spills_and_goes_on)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_settle s;
    uint64_t q[6];
    for (int i = 0; i < 6; i++)
        q[i] = rig_append(&R, a, 9, "m");
    s = rig_plain(a, 1, q[1], 9, BB_TO_SPILLED); /* 0 is in flight in the hub */
    s.lane_in_flight = 1;
    rig_settle(&R, s);
    s.ord = 2, s.seq = q[2];
    rig_settle(&R, s);
    ck_assert_uint_eq(rig_row(&R, a, 9, q[1]).due_ms, 0);
    ck_assert(!rig_mark(&R, a, 9, q[2])); /* not the head */
    s = rig_plain(a, 0, q[0], 9, BB_TO_DELIVERED);
    s.take_next = 1;
    s = rig_settle(&R, s);
    ck_assert_int_eq(s.has_next, 1);
    ck_assert_uint_eq(s.next_seq, q[1]);
    ck_assert_int_eq(s.next_row.state, BB_D_INFLIGHT);
    ck_assert_uint_eq(s.next_row.sends, 1);
    ck_assert(s.next_row.flags & BB_ROW_MAYBE_SENT);
    rig_again(&R); /* the crash: it is found among those in flight */
    {
        struct bb_read rd = {.kind = BB_READ_INFLIGHT, .route = a, .max_items = 9,
                             .max_bytes = 1 << 20};
        rig_read(&R, &rd);
        ck_assert_uint_eq(rd.n, 1);
        ck_assert_uint_eq(rd.items[0].seq, q[1]);
        ck_assert_uint_ne(rd.items[0].whole.len, 0);
        bb_journal_read_free(&rd);
    }
    s = rig_plain(a, BB_ORD_NONE, q[1], 9, BB_TO_RETRYING);
    s.row.due_ms = 12345;
    s.row.attempts = 1;
    s = rig_settle(&R, s);
    ck_assert_int_eq(rig_row(&R, a, 9, q[2]).state, BB_D_SPILLED);
    ck_assert_uint_eq(rig_row(&R, a, 9, q[2]).due_ms, 0);
    ck_assert_uint_eq(rig_state(&R, a).due_min_ms, 12345);
    {
        struct bb_read rd = {.kind = BB_READ_DUE, .route = a, .from = 12344, .max_items = 9,
                             .max_bytes = 1 << 20};
        rig_read(&R, &rd);
        ck_assert_uint_eq(rd.n, 0);
        ck_assert_uint_eq(rd.next_due_ms, 12345);
        rd.from = 12345;
        rig_read(&R, &rd);
        ck_assert_uint_eq(rd.n, 1);
        ck_assert_uint_eq(rd.items[0].row.attempts, 1);
        ck_assert_uint_eq(rd.next_due_ms, 0);
        bb_journal_read_free(&rd);
    }
    ck_assert(rig_mark(&R, a, 9, q[1]));
    ck_assert(!rig_mark(&R, a, 9, q[1])); /* it is in flight now */
    rig_settle(&R, rig_plain(a, BB_ORD_NONE, q[1], 9, BB_TO_DELIVERED)); /* no take: the next is due */
    ck_assert_uint_ne(rig_row(&R, a, 9, q[2]).due_ms, 0);
    ck_assert(rig_mark(&R, a, 9, q[2]));
    rig_settle(&R, rig_plain(a, BB_ORD_NONE, q[2], 9, BB_TO_DELIVERED));
    ck_assert_uint_eq(rig_state(&R, a).frontier, 3);
    s = rig_plain(a, 3, q[3], 9, BB_TO_SPILLED); /* late: nothing of the lane is in flight any more */
    rig_settle(&R, s);
    ck_assert_uint_ne(rig_row(&R, a, 9, q[3]).due_ms, 0);
    s = rig_plain(a, 4, q[4], 9, BB_TO_SPILLED);
    rig_settle(&R, s);
    ck_assert_uint_eq(rig_row(&R, a, 9, q[4]).due_ms, 0); /* not the head */
    ck_assert_uint_eq(rig_state(&R, a).counts[BB_D_SPILLED], 2);
}
END_TEST

START_TEST(kick_wakes_the_head)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_op kick = {.kind = BB_OP_KICK, .kick = {.route = a, .lane = 4}};
    struct bb_settle s;
    uint64_t q = rig_append(&R, a, 4, "m");
    s = rig_plain(a, 0, q, 4, BB_TO_SPILLED);
    s.lane_in_flight = 1;
    rig_settle(&R, s);
    ck_assert_uint_eq(rig_state(&R, a).due_min_ms, 0);
    ck_assert_int_eq(rig_do(&R, &kick), BB_OK);
    ck_assert_uint_ne(rig_state(&R, a).due_min_ms, 0);
    ck_assert_uint_ne(rig_row(&R, a, 4, q).due_ms, 0);
}
END_TEST

static int count_event(void *arg, const struct bb_event *e)
{
    ck_assert(!e->range);
    (*(int *)arg)++;
    return 0;
}

START_TEST(held_released_discarded)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_settle s;
    struct bb_op op;
    struct bb_view *v;
    int n = 0;
    uint64_t q0 = rig_append(&R, a, 4, "m"), q1 = rig_append(&R, a, 4, "m");
    s = rig_plain(a, 1, q1, 4, BB_TO_SPILLED);
    s.lane_in_flight = 1;
    rig_settle(&R, s);
    s = rig_plain(a, 0, q0, 4, BB_TO_HELD);
    s.row.attempts = 5;
    s.event = (struct bb_bytes){"\x80", 1};
    s.body = (struct bb_bytes){"rendered", 8};
    rig_settle(&R, s);
    ck_assert_uint_eq(rig_row(&R, a, 4, q1).due_ms, 0); /* the lane stands */
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, a, q0, false, &op), BB_E_REJECT);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_RELEASE, a, q0, false, &op), BB_OK);
    ck_assert_int_eq(op.oper.row.state, BB_D_RETRYING);
    ck_assert_uint_eq(op.oper.row.attempts, 0);
    ck_assert(op.oper.row.flags & BB_ROW_RELEASED);
    {
        struct bb_read rd = {.kind = BB_READ_DUE, .route = a, .from = UINT64_MAX, .max_items = 9,
                             .max_bytes = 1 << 20};
        rig_read(&R, &rd);
        ck_assert_uint_eq(rd.n, 1);
        ck_assert_uint_eq(rd.items[0].whole.len, 8); /* the kept body, unchanged */
        ck_assert_mem_eq(rd.items[0].whole.ptr, "rendered", 8);
        bb_journal_read_free(&rd);
    }
    ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, a, q0, false, &op), BB_E_REJECT);
    ck_assert(rig_mark(&R, a, 4, q0));
    s = rig_plain(a, BB_ORD_NONE, q0, 4, BB_TO_HELD);
    s.row = rig_row(&R, a, 4, q0);
    rig_settle(&R, s);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, a, q0, false, &op), BB_OK);
    ck_assert_int_eq(op.oper.row.state, BB_D_DISCARDED);
    ck_assert_uint_ne(rig_row(&R, a, 4, q1).due_ms, 0); /* and goes on */
    ck_assert_uint_eq(rig_state(&R, a).counts[BB_D_DISCARDED], 1);
    v = bb_view_of(R.j);
    ck_assert_int_eq(bb_view_history(v, a, q0, count_event, &n), 0);
    ck_assert_int_eq(n, 4); /* held, released, held, discarded */
    bb_view_close(&v);
}
END_TEST

START_TEST(replay_guards_order)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_settle s;
    struct bb_op op;
    uint64_t q[4];
    for (int i = 0; i < 4; i++)
        q[i] = rig_append(&R, a, 4, "m");
    s = rig_plain(a, 0, q[0], 4, BB_TO_QUARANTINED);
    s.row.last_status = BB_E_REJECT;
    s.body = (struct bb_bytes){"b", 1};
    rig_settle(&R, s);
    ck_assert(!(rig_row(&R, a, 4, q[0]).flags & BB_ROW_OVERTAKEN));
    ck_assert_int_eq(rig_oper(&R, BB_OPER_RELEASE, a, q[0], false, &op), BB_E_REJECT);
    s = rig_plain(a, 1, q[1], 4, BB_TO_HELD); /* it stands behind: nothing went out since */
    rig_settle(&R, s);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, a, q[0], false, &op), BB_OK);
    ck_assert_int_eq(op.oper.row.state, BB_D_SPILLED); /* the lane has a blocking row: it goes first */
    ck_assert_uint_ne(op.oper.row.due_ms, 0);
    ck_assert_uint_eq(op.oper.row.epoch, 1); /* surely not applied: a new key */
    ck_assert(!(op.oper.row.flags & BB_ROW_BODY));
    ck_assert(rig_mark(&R, a, 4, q[0]));
    s = rig_plain(a, BB_ORD_NONE, q[0], 4, BB_TO_QUARANTINED);
    s.row = rig_row(&R, a, 4, q[0]);
    s.row.last_status = BB_E_UNKNOWN;
    rig_settle(&R, s);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, a, q[1], false, &op), BB_OK);
    rig_settle(&R, rig_plain(a, 2, q[2], 4, BB_TO_DELIVERED)); /* now a later one went out */
    ck_assert(rig_row(&R, a, 4, q[0]).flags & BB_ROW_OVERTAKEN);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, a, q[0], false, &op), BB_E_REJECT);
    ck_assert_msg(strstr(op.text, "overtaken") != NULL, "%s", op.text);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, a, q[0], true, &op), BB_OK);
    ck_assert_int_eq(op.oper.row.state, BB_D_RETRYING);
    ck_assert_uint_eq(op.oper.row.epoch, 1); /* in doubt: the key stays */
}
END_TEST

START_TEST(replay_behind_one_in_flight)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_settle s;
    struct bb_op op;
    uint64_t q0 = rig_append(&R, a, 4, "m"), q1 = rig_append(&R, a, 4, "m");
    rig_settle(&R, rig_plain(a, 0, q0, 4, BB_TO_QUARANTINED));
    rig_settle(&R, rig_plain(a, 1, q1, 4, BB_TO_INFLIGHT));
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, a, q0, true, &op), BB_OK);
    ck_assert_uint_eq(op.oper.row.due_ms, 0); /* not two of a lane at once */
    s = rig_plain(a, BB_ORD_NONE, q1, 4, BB_TO_RETRYING);
    s.row.due_ms = 5;
    rig_settle(&R, s);
    ck_assert_uint_ne(rig_row(&R, a, 4, q0).due_ms, 0); /* the older one's turn */
    ck_assert(!rig_mark(&R, a, 4, q1));
    ck_assert_uint_gt(rig_row(&R, a, 4, q1).due_ms, 5); /* put off, not read as due for ever */
    ck_assert(rig_mark(&R, a, 4, q0));
}
END_TEST

START_TEST(unmatched_is_not_replayed)
{
    struct bb_op op;
    uint64_t q = rig_append(&R, 0, 0, "m");
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, 0, q, false, &op), BB_E_REJECT);
    ck_assert_msg(strstr(op.text, "no route") != NULL, "%s", op.text);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, 0, q, false, &op), BB_OK);
    ck_assert_uint_eq(rig_state(&R, 0).counts[BB_D_QUARANTINED], 0);
    ck_assert_uint_eq(rig_state(&R, 0).counts[BB_D_DISCARDED], 1);
}
END_TEST

START_TEST(routes_are_removed_empty)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_op rm = {.kind = BB_OP_ROUTE, .route = {.name = "a", .remove = true}};
    struct bb_append_msg m;
    uint64_t q = rig_append(&R, a, 0, "m");
    ck_assert_int_eq(rig_do(&R, &rm), BB_E_REJECT);
    ck_assert_msg(strstr(rm.text, "1 pending") != NULL, "%s", rm.text);
    rig_settle(&R, rig_plain(a, 0, q, 0, BB_TO_DELIVERED));
    ck_assert_int_eq(rig_do(&R, &rm), BB_OK);
    ck_assert_int_eq(rig_append_to(&R, a, 0, "n", NULL, "d", false, &m), BB_E_REJECT);
    rig_again(&R);
    ck_assert_uint_eq(rig_route(&R, "b"), a + 1); /* never given twice */
    ck_assert_uint_eq(rig_route(&R, "a"), a);
    ck_assert_uint_eq(rig_state(&R, a).tail, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal lanes");
    TCase *t = tcase_create("journal lanes");
    SRunner *r;
    int failed;
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, window_out_of_turn);
    tcase_add_test(t, lane_spills_and_goes_on);
    tcase_add_test(t, kick_wakes_the_head);
    tcase_add_test(t, held_released_discarded);
    tcase_add_test(t, replay_guards_order);
    tcase_add_test(t, replay_behind_one_in_flight);
    tcase_add_test(t, unmatched_is_not_replayed);
    tcase_add_test(t, routes_are_removed_empty);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
