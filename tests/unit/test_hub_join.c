/*
 * test_hub_join.c - start: oldest: what a new route takes, in which order, and when it does not
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/hub_rig.h"

static struct rig rig;
static struct bb_route_config routes[2];
static char late[] = "late", a_star[] = "A*", b_star[] = "B*", item[] = "item";
static char *a_values[] = {a_star}, *b_values[] = {b_star};
static struct bb_match_rule only_a = {.attribute = item, .values = a_values, .n = 1},
                            only_b = {.attribute = item, .values = b_values, .n = 1};

static void setup(void)
{
    rig_configure(&rig);
    routes[0] = rig.route; /* of items A.. alone, so that others go to no route */
    routes[0].match = &only_a;
    routes[0].n_match = 1;
    routes[1] = rig.route;
    routes[1].name = late;
    routes[1].start = BB_START_OLDEST;
    rig.config.routes = routes;
    rig_start(&rig);
}

static void teardown(void)
{
    rig_stop(&rig);
}

static void submit(const char *id, const char *of, size_t size)
{
    struct bb_buf m = rig_message(id, of, size);
    struct bb_ask a = {.kind = BB_ASK_SUBMIT, .endpoint = "src", .who = "test", .body = {m.ptr, m.len}};

    bb_buf_init(&a.out, 4096);
    ck_assert_int_eq(bb_hub_ask(rig.hub, &a, 10000), 0);
    ck_assert_msg(a.status == BB_OK, "%s", a.text);
    bb_buf_free(&a.out);
    bb_buf_free(&m);
}

/* The hub again on the same journal, with so many of the routes. */
static void again(size_t n)
{
    struct bb_fault err = {0};

    bb_hub_stop(&rig.hub, 0);
    rig.config.n_routes = n;
    ck_assert_msg(rig_hub(&rig, &err) == 0, "%s", err.text);
}

static void feed_is(uint32_t route, const char *want)
{
    struct bb_read rd = {.kind = BB_READ_FEED, .route = route, .max_items = 99, .max_bytes = 8 << 20};
    struct bb_read *done;
    char text[400] = "";

    bb_hub_stop(&rig.hub, 0); /* so that the answer is ours */
    bb_journal_read(rig.journal, &rd);
    while ((done = bb_journal_read_take(rig.journal)) != &rd)
        ck_assert_ptr_null(done);
    for (size_t i = 0; i < rd.n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%llu", i ? " " : "",
                 (unsigned long long)rd.items[i].seq);
    bb_journal_read_free(&rd);
    ck_assert_str_eq(text, want);
}

START_TEST(it_takes_what_matches_and_then_what_is_new)
{
    submit("1", "A1", 10);
    submit("2", "B1", 10); /* unmatched */
    submit("3", "A1", 10);
    submit("3", "A1", 20); /* a conflict: 4 */
    again(2);
    ck_assert_uint_eq(rig_logged(&rig, "route \"late\" begins with the stored messages from 1 up to 4"), 1);
    ck_assert_uint_eq(rig_logged(&rig, "route \"late\": through with the stored messages: took 3 of 4"), 1);
    submit("5", "A1", 10);
    rig_wait_status(&rig, "\"name\":\"late\",\"from\":\"src\",\"to\":\"dst\",\"id\":2,");
    rig_wait_status(&rig, "\"accepted\":4,\"pending\":4,\"waiting\":4,");
    rig_wait_status(&rig, "\"unmatched\":{\"accepted\":2,\"pending\":0,");
    feed_is(2, "1 2 3 5");
}
END_TEST

START_TEST(its_own_match_says_which)
{
    submit("1", "A1", 10);
    submit("2", "B1", 10);
    submit("3", "B2", 10);
    routes[1].match = &only_b;
    routes[1].n_match = 1;
    again(2);
    feed_is(2, "2 3");
}
END_TEST

START_TEST(a_route_that_is_known_ignores_it)
{
    submit("1", "A1", 10);
    routes[0].start = BB_START_OLDEST;
    again(1);
    ck_assert_uint_eq(rig_logged(&rig, "the stored messages"), 0);
    routes[1].start = BB_START_NOW;
    again(2);
    routes[1].start = BB_START_OLDEST; /* it has begun */
    again(2);
    ck_assert_uint_eq(rig_logged(&rig, "the stored messages"), 0);
    feed_is(2, "");
}
END_TEST

static unsigned goes_on;
static bool go_on(void *arg)
{
    (void)arg;
    return goes_on && goes_on--;
}

static int hub_asked_to_end(struct bb_fault *err)
{
    rig.hub = bb_hub_start(&(struct bb_hub_options){.generation = &rig.gen, .journal = rig.journal,
                                                    .program = "/nowhere", .run_dir = rig.run,
                                                    .go_on = go_on}, err);
    return rig.hub ? 0 : -1;
}

/* Three messages of 600,000 bytes are two pieces: the first is through. */
static void half_way(void)
{
    struct bb_fault err = {0};

    submit("1", "A1", 600000);
    submit("2", "A2", 600000);
    submit("3", "A1", 600000);
    bb_hub_stop(&rig.hub, 0);
    rig.config.n_routes = 2;
    ck_assert_int_eq(hub_asked_to_end(&err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "route \"late\": asked to end at stored message 1:"));
    goes_on = 1;
    ck_assert_int_eq(hub_asked_to_end(&err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "asked to end at stored message 3:"));
}

START_TEST(asked_to_end_it_goes_on_at_the_next_start)
{
    half_way();
    routes[1].start = BB_START_NOW; /* too late to say so */
    again(2);
    ck_assert_uint_eq(rig_logged(&rig, "route \"late\" goes on with the stored messages from 3 up to 3"), 1);
    submit("4", "A2", 10);
    feed_is(2, "1 2 3 4");
}
END_TEST

START_TEST(taken_out_half_way_it_ends_there)
{
    half_way();
    again(1);
    ck_assert_uint_eq(rig_logged(&rig, "route \"late\" is not in conf.d any more and was not through"), 1);
    ck_assert_uint_eq(rig_logged(&rig, "route \"late\" is not in conf.d any more, but 2 of its"), 1);
    submit("4", "A1", 10); /* while it is out */
    again(2);
    ck_assert_uint_eq(rig_logged(&rig, "goes on with the stored messages"), 0);
    submit("5", "A2", 10);
    feed_is(2, "1 2 5");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hub-join");
    TCase *t = tcase_create("join");
    SRunner *run;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, it_takes_what_matches_and_then_what_is_new);
    tcase_add_test(t, its_own_match_says_which);
    tcase_add_test(t, a_route_that_is_known_ignores_it);
    tcase_add_test(t, asked_to_end_it_goes_on_at_the_next_start);
    tcase_add_test(t, taken_out_half_way_it_ends_there);
    suite_add_tcase(s, t);
    run = srunner_create(s);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed ? 1 : 0;
}
