/*
 * test_index.c - the index follows a real journal, survives deletion and damage
 */
#define _GNU_SOURCE 1
#include "tests/unit/index_rig.h"

/* ---- tests ----------------------------------------------------------------------------------- */
START_TEST(messages_are_found_by_their_keys)
{
    struct seen s;

    append(0, 100, 1);
    start_index();
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.correlation = "ECO-4"}, &s), 10);
    ck_assert_uint_gt(s.seqs[0], s.seqs[9]); /* newest first */
    ck_assert_str_eq(s.routes[0], "to-erp");
    ck_assert_str_eq(s.endpoint, "plm");
    ck_assert_int_eq(search(&(struct bb_search){.correlation = "ECO-4", .item = "I3"}, &s), 1);
    ck_assert_int_eq(search(&(struct bb_search){.item = "I3"}, &s), 10);
    ck_assert_int_eq(search(&(struct bb_search){.item = "I3", .max = 4}, &s), 4);
    ck_assert_int_eq(search(&(struct bb_search){.id = "m77"}, &s), 1);
    ck_assert_int_eq(search(&(struct bb_search){.state = "waiting", .max = 1000}, &s), 100);
    ck_assert_int_eq(search(&(struct bb_search){.route = "to-erp", .plant = "1000",
                                                .type = "mfg.item.changed", .max = 1000}, &s), 100);
    ck_assert_int_eq(search(&(struct bb_search){.item = "I3' OR 1=1 --"}, &s), 0);
    ck_assert_int_eq(search(&(struct bb_search){.route = "nowhere"}, &s), 0);
}
END_TEST

START_TEST(states_follow_the_events)
{
    uint64_t last = append(0, 4, 1);

    start_index();
    state_is(last, "m3", "waiting");
    settle(0, last - 3, BB_TO_DELIVERED, false);
    settle(1, last - 2, BB_TO_QUARANTINED, true);
    settle(2, last - 1, BB_TO_SKIPPED, true);
    state_is(last - 3, "m0", "delivered");
    state_is(last - 2, "m1", "quarantined");
    state_is(last - 1, "m2", "skipped");
    state_is(last, "m3", "waiting");
}
END_TEST

START_TEST(what_no_route_took_is_shown)
{
    struct seen s;

    append(0, 3, 0);
    start_index();
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.state = "quarantined"}, &s), 3);
    ck_assert_str_eq(s.routes[0], "unmatched");
}
END_TEST

START_TEST(it_goes_on_where_it_stopped)
{
    struct seen s;

    append(0, 50, 1);
    start_index();
    caught_up();
    bb_index_stop(&idx);
    append(50, 50, 1);
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 50);
    start_index();
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 100);
}
END_TEST

static void cut_off(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
}

START_TEST(deleted_it_is_built_again)
{
    uint64_t last = append(0, 60, 1);
    struct seen s;

    settle(0, last - 59, BB_TO_DELIVERED, false);
    start_index();
    state_is(last - 59, "m0", "delivered");
    bb_index_stop(&idx);
    each_file(".db", cut_off);
    each_file("-wal", cut_off);
    each_file("-shm", cut_off);
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 0);
    start_index();
    state_is(last - 59, "m0", "delivered");
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 60);
}
END_TEST

static void spoil(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)pwrite(fd, "this is no database", 19, 0), 19);
    close(fd);
}

static void found_are(const char *of, const char *state, int n)
{
    int64_t end = bb_mono_ms() + DEADLINE_MS;
    struct timespec t = {0, 5000000};
    struct seen s;

    while (search(&(struct bb_search){.route = of, .state = state}, &s) != n) {
        ck_assert_msg(bb_mono_ms() < end, "%u are %s, not %d", s.n, state, n);
        nanosleep(&t, NULL);
    }
}

/* The index is past those messages when a new route takes them; and when it is built again. */
START_TEST(what_a_new_route_took_is_shown)
{
    struct bb_op op = {.kind = BB_OP_ROUTE, .route = {.name = "late", .oldest = true}};
    struct bb_join v[] = {{1, 0}, {3, 0}};

    append(0, 2, 1);
    append(2, 1, 0); /* unmatched */
    start_index();
    caught_up();
    operation(&op);
    route = op.route.id;
    op = (struct bb_op){.kind = BB_OP_JOIN, .join = {.route = route, .v = v, .n = 2, .next = 4}};
    operation(&op);
    found_are("late", "waiting", 2);
    found_are("unmatched", "quarantined", 1);
    settle(0, 1, BB_TO_DELIVERED, false);
    found_are("late", "delivered", 1);
    bb_index_stop(&idx);
    each_file(".db", cut_off);
    each_file("-wal", cut_off);
    each_file("-shm", cut_off);
    start_index();
    found_are("late", "delivered", 1);
    found_are("late", "waiting", 1);
    found_are("to-erp", "waiting", 2);
}
END_TEST

START_TEST(a_damaged_file_is_set_aside)
{
    uint64_t last = append(0, 60, 1);
    struct seen s;

    settle(0, last - 59, BB_TO_QUARANTINED, true);
    start_index();
    state_is(last - 59, "m0", "quarantined");
    bb_index_stop(&idx);
    each_file(".db", spoil);
    start_index();
    state_is(last - 59, "m0", "quarantined");
    ck_assert_uint_ge(files("damaged-"), 1);
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 60);
}
END_TEST

START_TEST(another_journals_index_is_not_taken)
{
    struct seen s;
    char from[128], to[128];

    append(0, 60, 1);
    start_index();
    caught_up();
    bb_index_stop(&idx);
    bb_journal_close(&journal);
    snprintf(from, sizeof(from), "%s/index", dir);
    snprintf(to, sizeof(to), "%s-index", dir);
    ck_assert_int_eq(rename(from, to), 0);
    teardown();
    setup();
    snprintf(from, sizeof(from), "%s/index", dir);
    ck_assert_int_eq(rename(to, from), 0);
    append(0, 5, 1);
    start_index();
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 5);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("index");
    TCase *t = tcase_create("index");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 240);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, messages_are_found_by_their_keys);
    tcase_add_test(t, states_follow_the_events);
    tcase_add_test(t, what_no_route_took_is_shown);
    tcase_add_test(t, what_a_new_route_took_is_shown);
    tcase_add_test(t, it_goes_on_where_it_stopped);
    tcase_add_test(t, deleted_it_is_built_again);
    tcase_add_test(t, a_damaged_file_is_set_aside);
    tcase_add_test(t, another_journals_index_is_not_taken);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
