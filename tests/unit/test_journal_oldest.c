/*
 * test_journal_oldest.c - since when the oldest pending delivery waits: at the frontier, or in a row
 */
#include "core/journal/internal.h"
#include "tests/unit/journal_rig.h"

#define N 6

static struct rig R;
static uint32_t a;
static uint64_t q[N], stamp[N + 1]; /* message i was accepted at stamp[i] or later, before stamp[i + 1] */

static uint64_t tick(void)
{
    uint64_t before = bb_axis_ms(), now;
    while ((now = bb_axis_ms()) == before)
        ;
    return now;
}

static void setup(void)
{
    rig_init(&R);
    a = rig_route(&R, "a");
    for (int i = 0; i < N; i++) {
        stamp[i] = tick();
        q[i] = rig_append(&R, a, 9, "m");
    }
    stamp[N] = tick();
}

static void teardown(void)
{
    rig_end(&R);
}

/* i < 0: nothing is pending */
static void is_oldest(int i)
{
    for (int again = 0; again < 2; again++) { /* as the writer has it, and as it is found at a start */
        uint64_t ms = rig_state(&R, a).oldest_ms;
        if (i < 0)
            ck_assert_uint_eq(ms, 0);
        else
            ck_assert_msg(ms >= stamp[i] && ms < stamp[i + 1], "not message %d but %lld ms from it, start %d", i,
                          (long long)(ms - stamp[i]), again);
        rig_again(&R);
    }
}

static void settle(int i, int to)
{
    uint64_t ord = (uint64_t)i < rig_state(&R, a).frontier ? BB_ORD_NONE : (uint64_t)i;
    rig_settle(&R, rig_plain(a, ord, q[i], 9, to));
}

START_TEST(rows_count)
{
    is_oldest(0);
    settle(0, BB_TO_HELD);
    is_oldest(0); /* its row, though the frontier is at the next */
    for (int i = 1; i < N; i++)
        settle(i, BB_TO_SPILLED);
    ck_assert_uint_eq(rig_state(&R, a).frontier, N); /* nothing is left in the feed */
    is_oldest(0);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, a, q[0], false, NULL), BB_OK);
    is_oldest(1);
    ck_assert(rig_mark(&R, a, 9, q[1]));
    is_oldest(1);
    settle(1, BB_TO_QUARANTINED); /* open, not pending */
    is_oldest(2);
    ck_assert(rig_mark(&R, a, 9, q[2]));
    settle(2, BB_TO_DELIVERED);
    is_oldest(3);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, a, q[1], true, NULL), BB_OK);
    is_oldest(1); /* back among those that wait */
    ck_assert(rig_mark(&R, a, 9, q[1]));
    settle(1, BB_TO_DELIVERED);
    for (int i = 3; i < N; i++) {
        is_oldest(i);
        ck_assert(rig_mark(&R, a, 9, q[i]));
        settle(i, BB_TO_DELIVERED);
    }
    is_oldest(-1);
}
END_TEST

/* Rows on both sides of the frontier. */
START_TEST(rows_and_frontier)
{
    settle(1, BB_TO_HELD);
    settle(3, BB_TO_SPILLED);
    is_oldest(0);
    settle(0, BB_TO_DELIVERED);
    is_oldest(1);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, a, q[1], false, NULL), BB_OK);
    is_oldest(2);
    settle(2, BB_TO_DELIVERED);
    is_oldest(3);
    ck_assert(rig_mark(&R, a, 9, q[3]));
    settle(3, BB_TO_DELIVERED);
    is_oldest(4);
}
END_TEST

/* More messages of others in between than are looked at in one commit: too old for a while, then right. */
START_TEST(far_apart)
{
    enum { BETWEEN = 10000 };
    uint32_t b = rig_route(&R, "b");
    struct bb_append_msg *m = calloc(BETWEEN, sizeof *m);
    struct bb_match match[1] = {{.route = b}};
    struct bb_op op = {.kind = BB_OP_APPEND,
                       .append = {.msgs = m, .n = BETWEEN, .matches = match, .n_matches = 1}};
    uint64_t last, then;
    struct bb_buf buf;
    ck_assert(m != NULL);
    for (int i = 0; i < BETWEEN; i++)
        m[i] = (struct bb_append_msg){.whole = i ? m[0].whole : rig_message(&buf, "m", NULL, "d", 0), .n_match = 1};
    for (int i = 0; i < N; i++)
        settle(i, i ? BB_TO_DELIVERED : BB_TO_HELD);
    ck_assert_int_eq(rig_do(&R, &op), BB_OK);
    then = tick();
    last = rig_append(&R, a, 3, "m");
    rig_settle(&R, rig_plain(a, N, last, 3, BB_TO_HELD));
    ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, a, q[0], false, NULL), BB_OK);
    ck_assert_uint_ge(rig_state(&R, a).oldest_ms, stamp[0]);
    ck_assert_uint_lt(rig_state(&R, a).oldest_ms, then);
    for (int i = 0; i < 4; i++) { /* each a commit */
        rig_append(&R, a, 4, "m");
        rig_settle(&R, rig_plain(a, (uint64_t)(N + 1 + i), last + 1 + (uint64_t)i, 4, BB_TO_DELIVERED));
    }
    ck_assert_uint_ge(rig_state(&R, a).oldest_ms, then);
    bb_buf_free(&buf);
    free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal oldest");
    TCase *t = tcase_create("journal oldest");
    SRunner *r;
    int failed;
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, rows_count);
    tcase_add_test(t, rows_and_frontier);
    tcase_add_test(t, far_apart);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
