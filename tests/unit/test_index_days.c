/*
 * test_index_days.c - the index over two days: ranges of numbers, and events that come before the
 * turn of their messages
 *
 * The first day's messages come from a child process, whose clock says today; this one's begins a
 * day later.
 */
#define _GNU_SOURCE 1
#include <sys/wait.h>
#include "tests/unit/index_rig.h"

#define DAY_MS UINT64_C(86400000)
#define YESTERDAYS 25000u /* more than the index takes in one turn */

/* Today's messages, which no route takes, from a child; this process goes on tomorrow. */
static void two_days(unsigned n)
{
    pid_t child;
    int status;

    make_dir();
    child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) {
        setup();
        append(0, n, 0);
        bb_journal_close(&journal);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    bb_axis_floor(bb_wall_ms() + DAY_MS);
    setup();
}

START_TEST(an_event_waits_for_its_message)
{
    uint64_t last, messages, events;

    two_days(YESTERDAYS);
    last = append(YESTERDAYS, 2, 1);
    settle(0, last - 1, BB_TO_QUARANTINED, true);
    start_index();
    caught_up();
    state_is(last - 1, "m25000", "quarantined");
    ck_assert_uint_eq(files(".db"), 2 + files(".db-")); /* one a day */
    do
        bb_index_lag(idx, &messages, &events);
    while (events);
    state_is(last - 1, "m25000", "quarantined"); /* and stays so when all is projected */
    state_is(last, "m25001", "waiting");
}
END_TEST

START_TEST(a_search_goes_over_the_days_newest_first)
{
    struct seen s;
    uint64_t last;

    two_days(30);
    last = append(30, 5, 1);
    start_index();
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 35);
    for (unsigned k = 0; k < 35; k++)
        ck_assert_uint_eq(s.seqs[k], last - k);
    ck_assert_int_eq(search(&(struct bb_search){.item = "I3"}, &s), 4); /* 3, 13, 23 and 33 */
    ck_assert_int_eq(search(&(struct bb_search){.item = "I3", .max = 2}, &s), 2);
    ck_assert_uint_eq(s.seqs[0], last - 1);
    ck_assert_uint_eq(s.seqs[1], last - 11);
    bb_index_stop(&idx); /* and goes on in the right file */
    last = append(35, 1, 1);
    settle(4, last - 1, BB_TO_SKIPPED, true);
    start_index();
    state_is(last - 1, "m34", "skipped");
    state_is(last, "m35", "waiting");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("index, two days");
    TCase *t = tcase_create("days");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 240);
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, an_event_waits_for_its_message);
    tcase_add_test(t, a_search_goes_over_the_days_newest_first);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
