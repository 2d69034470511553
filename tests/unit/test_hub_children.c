/*
 * test_hub_children.c - what a delivery became comes with its result: taken, refused, put off
 *
 * The hub is real; source and sink are played by the test (hub_rig.h). The one route matches
 * everything, so children come back on it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/hub_rig.h"

static struct rig rig;
static struct rig_host src, dst;

static void setup(void)
{
    rig_configure(&rig);
    rig.splits = true;
}

static void teardown(void)
{
    rig_close(&src);
    rig_close(&dst);
    rig_stop(&rig);
}

static void up(void)
{
    rig_start(&rig);
    src = rig_up(&rig, "src");
    dst = rig_up(&rig, "dst");
}

/* The ACKED's status. */
static int32_t submit(const char *id, size_t size)
{
    struct bb_buf b, m = rig_message(id, "i", size);
    struct bb_w_acked a = {.status = BB_E_BUG};
    struct bb_frame f;
    zmq_msg_t ack;

    bb_buf_init(&b, size + 4096);
    bb_put_submit(&b, src.session, 1, NULL, 1);
    bb_put_bin(&b, m.ptr, m.len);
    rig_send(&src, &b);
    bb_buf_free(&m);
    rig_receive(&src, BB_F_ACKED, &ack, &f);
    ck_assert_int_eq(bb_frame_next_acked(&f, &a), 1);
    zmq_msg_close(&ack);
    return a.status;
}

/* The next delivery is of this message: its token. */
static uint64_t expect(const char *id, uint32_t attempt)
{
    struct bb_w_deliver d;
    struct bb_envelope e;
    struct bb_frame f;
    uint64_t token;
    zmq_msg_t m;

    rig_receive(&dst, BB_F_DELIVER, &m, &f);
    ck_assert_int_eq(bb_frame_next_deliver(&f, &d), 1);
    ck_assert_int_eq(bb_envelope_read(d.whole, &e, NULL), 0);
    ck_assert_msg(bb_bytes_are(e.id, id), "message %.*s, expected %s", (int)e.id.len, (const char *)e.id.ptr,
                  id);
    ck_assert_uint_eq(d.attempt, attempt);
    ck_assert_uint_eq(d.op, BB_DELIVER_OP);
    ck_assert_int_eq(bb_frame_next_deliver(&f, &d), 0);
    token = d.token;
    zmq_msg_close(&m);
    return token;
}

static void answer(uint64_t token, bb_status s, const char *const *ids)
{
    struct bb_w_result r = {.token = token, .status = s};
    struct bb_buf b, c, m;
    struct bb_list l;

    bb_buf_init(&c, 1 << 20);
    for (; ids && *ids; ids++, r.n_children++) {
        m = rig_message(*ids, "i", 10);
        bb_put_bin(&c, m.ptr, m.len - (**ids == '!')); /* cut off */
        bb_buf_free(&m);
    }
    r.children = (struct bb_bytes){c.ptr, c.len};
    bb_buf_init(&b, 1 << 20);
    l = bb_list_begin(&b, BB_F_RESULT, dst.session);
    bb_list_result(&b, &l, &r);
    bb_list_end(&b, &l);
    rig_send(&dst, &b);
    bb_buf_free(&c);
}

static void refuse(uint64_t token, uint32_t flags)
{
    struct bb_w_result r = {.token = token, .status = BB_E_REJECT, .has_error = true, .vendor_code = {"schema", 6},
                            .text = {"no", 2}, .error_flags = flags};
    struct bb_list l;
    struct bb_buf b;

    bb_buf_init(&b, 4096);
    l = bb_list_begin(&b, BB_F_RESULT, dst.session);
    bb_list_result(&b, &l, &r);
    bb_list_end(&b, &l);
    rig_send(&dst, &b);
}

static const char *const two[] = {"p/1", "p/2", NULL}, *const bad[] = {"p/1", "!cut", NULL};

START_TEST(they_are_messages_like_others)
{
    up();
    submit("p", 10);
    answer(expect("p", 1), BB_OK, two);
    answer(expect("p/1", 1), BB_OK, NULL);
    answer(expect("p/2", 1), BB_OK, NULL);
    rig_wait_status(&rig, "\"delivered\":3,");
    rig_wait_status(&rig, "\"balanced\":true");
    rig_wait_status(&rig, "\"accepted\":3,\"duplicates\":0"); /* of the source */
}
END_TEST

/* Their lane goes on behind them, in the order in which all were stored. */
START_TEST(the_lane_goes_on)
{
    rig.gen_eps[1].manifest.ordered_batch = _i == 1; /* one after the other all the same */
    up();
    submit("p", 10);
    submit("q", 10);
    submit("r", 10);
    answer(expect("p", 1), BB_OK, two);
    answer(expect("q", 1), BB_OK, NULL);
    answer(expect("r", 1), BB_OK, NULL);
    answer(expect("p/1", 1), BB_OK, NULL);
    answer(expect("p/2", 1), BB_OK, NULL);
    rig_wait_status(&rig, "\"delivered\":5,");
}
END_TEST

/* Ids that other messages have: nothing is lost, nothing goes on, and it is told. */
START_TEST(taken_ids_are_conflicts)
{
    up();
    submit("p", 10);
    submit("p/1", 50);
    answer(expect("p", 1), BB_OK, two);
    answer(expect("p/1", 1), BB_OK, NULL);
    answer(expect("p/2", 1), BB_OK, NULL);
    rig_wait_status(&rig, "\"delivered\":3,");
    rig_wait_status(&rig, "\"conflicts\":1");
    rig_wait_status(&rig, "\"quarantined\":1,");
    rig_wait_log(&rig, "1 of the messages that a delivery became have ids that other messages have");
}
END_TEST

START_TEST(one_that_cannot_be_refuses_all)
{
    up();
    submit("p", 10);
    answer(expect("p", 1), BB_OK, bad);
    rig_wait_status(&rig, "\"quarantined\":1,");
    rig_wait_status(&rig, "\"accepted\":1,\"duplicates\":0");
}
END_TEST

static char only_p[] = "p", of_id[] = "id";
static char *only_p_values[] = {only_p};
static struct bb_match_rule p_alone = {.attribute = of_id, .values = only_p_values, .n = 1};

/* No route wants them: what the source's endpoint says of such messages. */
static void unwanted(enum bb_unmatched how)
{
    rig.eps[0].unmatched = how;
    rig.route.match = &p_alone;
    rig.route.n_match = 1;
    up();
    submit("p", 10);
    answer(expect("p", 1), BB_OK, two);
}

START_TEST(unmatched_ones_are_quarantined)
{
    unwanted(BB_UNMATCHED_QUARANTINE);
    rig_wait_status(&rig, "\"quarantined\":2,");
    rig_wait_status(&rig, "\"delivered\":1,");
    rig_wait_status(&rig, "\"accepted\":3,\"duplicates\":0");
}
END_TEST

START_TEST(unmatched_ones_are_skipped)
{
    unwanted(BB_UNMATCHED_SKIP);
    rig_wait_status(&rig, "\"delivered\":1,");
    rig_wait_status(&rig, "\"skipped\":2,");
}
END_TEST

START_TEST(unmatched_ones_refuse_their_parent)
{
    unwanted(BB_UNMATCHED_REFUSE);
    rig_wait_status(&rig, "\"quarantined\":1,");
    rig_wait_status(&rig, "\"delivered\":0,");
    rig_wait_status(&rig, "\"accepted\":1,\"duplicates\":0");
}
END_TEST

START_TEST(more_than_a_message_may_have)
{
    rig.config.journal.max_message = 200;
    up();
    submit("p", 10);
    answer(expect("p", 1), BB_OK, (const char *const[]){"p/1", "p/2", "p/3", "p/4", NULL});
    rig_wait_status(&rig, "\"quarantined\":1,");
    rig_wait_status(&rig, "\"accepted\":1,\"duplicates\":0");
}
END_TEST

/* The plugin is never asked there: without an answer it was surely not applied. */
START_TEST(no_answer_is_no_riddle)
{
    up();
    submit("p", 10);
    answer(expect("p", 1), BB_E_UNKNOWN, NULL);
    answer(expect("p", 2), BB_OK, two);
    answer(expect("p/1", 1), BB_OK, NULL);
    answer(expect("p/2", 1), BB_OK, NULL);
    rig_wait_status(&rig, "\"delivered\":3,");
}
END_TEST

/* Nor after a stop of the core with it in flight. */
START_TEST(nor_is_a_stop)
{
    struct bb_fault err = {0};

    up();
    submit("p", 10);
    expect("p", 1);
    rig_close(&src);
    rig_close(&dst);
    bb_hub_stop(&rig.hub, 0);
    ck_assert_int_eq(rig_hub(&rig, &err), 0);
    src = rig_up(&rig, "src");
    dst = rig_up(&rig, "dst");
    answer(expect("p", 1), BB_OK, two);
    answer(expect("p/1", 1), BB_OK, NULL);
    answer(expect("p/2", 1), BB_OK, NULL);
    rig_wait_status(&rig, "\"delivered\":3,");
}
END_TEST

/* The core stops with p in flight, and the configuration changes. */
static void restart_as(bool splits)
{
    struct bb_fault err = {0};

    up();
    submit("p", 10);
    expect("p", 1);
    rig_close(&src);
    rig_close(&dst);
    bb_hub_stop(&rig.hub, 0);
    rig.splits = splits;
    ck_assert_int_eq(rig_hub(&rig, &err), 0);
    src = rig_up(&rig, "src");
    dst = rig_up(&rig, "dst");
}

/* It went to the plugin: to split it now could apply it twice. */
START_TEST(what_was_sent_before_the_route_split_is_not_split)
{
    rig.splits = false;
    restart_as(true);
    rig_wait_status(&rig, "\"quarantined\":1,\"delivered\":0,");
}
END_TEST

START_TEST(it_is_asked_about)
{
    static const bb_status answers[] = {BB_NOT_APPLIED, BB_NOT_APPLIED, BB_OK};
    unsigned n = _i ? 2 : 1;

    rig.splits = false;
    rig.route.on_unknown = BB_UNKNOWN_PROBE;
    rig.eps[1].probe_after_ms = 1;
    restart_as(true);
    for (unsigned k = 0; k < n; k++) {
        struct bb_w_deliver d;
        struct bb_frame f;
        zmq_msg_t m;

        rig_receive(&dst, BB_F_DELIVER, &m, &f);
        ck_assert_int_eq(bb_frame_next_deliver(&f, &d), 1);
        ck_assert_uint_eq(d.op, BB_DELIVER_PROBE);
        answer(d.token, answers[_i ? k : 2], NULL);
        zmq_msg_close(&m);
    }
    if (_i) { /* asked twice, it was not applied: it is split */
        answer(expect("p", 2), BB_OK, two);
        answer(expect("p/1", 1), BB_OK, NULL);
        answer(expect("p/2", 1), BB_OK, NULL);
    }
    rig_wait_status(&rig, _i ? "\"delivered\":3," : "\"delivered\":1,");
}
END_TEST

START_TEST(what_was_to_be_split_was_sent_to_nobody)
{
    restart_as(false);
    answer(expect("p", 1), BB_OK, NULL);
    rig_wait_status(&rig, "\"quarantined\":0,\"delivered\":1,");
}
END_TEST

/* With others of its lane behind it, which are rows: they stay behind it, though nothing tells that it was
 * handed over. */
START_TEST(and_its_lane_keeps_its_order)
{
    struct bb_fault err = {0};

    up();
    submit("p", 10);
    expect("p", 1);
    submit("q", 10);
    submit("r", 10);
    rig_wait_status(&rig, "\"spilled\":2,");
    rig_close(&src);
    rig_close(&dst);
    bb_hub_stop(&rig.hub, 0);
    ck_assert_int_eq(rig_hub(&rig, &err), 0);
    src = rig_up(&rig, "src");
    dst = rig_up(&rig, "dst");
    answer(expect("p", 1), BB_OK, (const char *const[]){"p/1", NULL});
    answer(expect("q", 1), BB_OK, (const char *const[]){"q/1", NULL});
    answer(expect("r", 1), BB_OK, (const char *const[]){"r/1", NULL});
}
END_TEST

static void expect_cut(bb_status s)
{
    up();
    submit("p", 10);
    answer(expect("p", 1), s, two);
    rig_wait_log(&rig, "it gave messages for a delivery that can become none");
    rig_wait_status(&rig, "\"accepted\":1,\"duplicates\":0");
    ck_assert_uint_eq(rig_kills("dst"), 1);
}

START_TEST(a_route_that_makes_none_takes_none)
{
    rig.splits = false;
    expect_cut(BB_OK);
}
END_TEST

START_TEST(a_failure_makes_none)
{
    expect_cut(BB_E_RETRY);
}
END_TEST

START_TEST(with_a_full_journal_they_wait)
{
    char id[16];
    unsigned n = 0;
    uint64_t p;

    rig.map_size = 16 << 20;
    up();
    submit("p", 10);
    p = expect("p", 1);
    do
        snprintf(id, sizeof id, "%u", ++n);
    while (submit(id, 100000) == BB_OK && n < 1000);
    ck_assert_uint_lt(n, 1000);
    answer(p, BB_OK, two);
    rig_wait_status(&rig, "\"retrying\":1,");
    rig_wait_status(&rig, "\"delivered\":0,");
    p = expect("p", 1); /* and nothing of its lane before it; no attempt is spent */
    answer(p, BB_OK, NULL);
    expect("1", 1);
}
END_TEST

/* What a require refused is quarantined, whatever the route says of failures; its lane goes on. */
START_TEST(quarantined_is_not_held_and_not_skipped)
{
    static const enum bb_on_failure ways[] = {BB_FAIL_HOLD_LANE, BB_FAIL_SKIP, BB_FAIL_QUARANTINE};

    rig.route.on_failure = ways[_i];
    up();
    submit("p", 10);
    submit("q", 10);
    refuse(expect("p", 1), BB_ERROR_QUARANTINE);
    answer(expect("q", 1), BB_OK, NULL);
    rig_wait_status(&rig, "\"quarantined\":1,\"delivered\":1,\"skipped\":0");
}
END_TEST

START_TEST(without_that_the_route_says)
{
    rig.route.on_failure = BB_FAIL_HOLD_LANE;
    up();
    submit("p", 10);
    submit("q", 10);
    refuse(expect("p", 1), 0);
    rig_wait_status(&rig, "\"held\":1,\"quarantined\":0,\"delivered\":0");
}
END_TEST

/* Only an answer of the sink says that it is well. */
static void unwell(void)
{
    rig.route.retry.attempts = 9;
    rig.eps[1].breaker = (struct bb_breaker){.failures = 2, .open_ms = 60000, .max_ms = 60000};
    up();
    submit("p", 10);
    submit("q", 10);
    answer(expect("p", 1), BB_E_UNKNOWN, NULL);
}

START_TEST(what_asks_no_sink_closes_no_breaker)
{
    uint64_t p;

    unwell();
    p = expect("p", 2);
    if (_i == 0)
        answer(p, BB_OK, two);
    else if (_i == 1)
        answer(p, BB_OK, bad);
    else if (_i == 2)
        answer(p, BB_NOT_APPLIED, NULL);
    else
        refuse(p, BB_ERROR_UNASKED | (_i == 4 ? BB_ERROR_QUARANTINE : 0));
    answer(expect("q", 1), BB_E_UNKNOWN, NULL);
    rig_wait_status(&rig, "\"breaker\":\"open\"");
}
END_TEST

START_TEST(a_refusal_of_the_sink_does)
{
    unwell();
    refuse(expect("p", 2), 0);
    answer(expect("q", 1), BB_E_UNKNOWN, NULL);
    answer(expect("q", 2), BB_OK, NULL);
    rig_wait_status(&rig, "\"delivered\":1,");
}
END_TEST

/* ---- what follows a delivery (emit): it comes from the sink's endpoint, where no route takes it */
static const char *const follows[] = {"p/r", NULL};

static void emits(void)
{
    rig.splits = false;
    rig.emits = true;
    up();
    submit("p", 10);
}

START_TEST(one_follows_the_delivery)
{
    emits();
    answer(expect("p", 1), BB_OK, follows);
    rig_wait_status(&rig, "\"quarantined\":1,\"delivered\":0,"); /* of dst: unmatched */
    rig_wait_status(&rig, "\"quarantined\":0,\"delivered\":1,");
}
END_TEST

/* It was applied: that no route wants what follows is no reason to say otherwise. */
START_TEST(unwanted_it_is_kept)
{
    rig.eps[1].unmatched = BB_UNMATCHED_REFUSE;
    emits();
    answer(expect("p", 1), BB_OK, follows);
    rig_wait_status(&rig, "\"quarantined\":0,\"delivered\":1,");
    rig_wait_status(&rig, "\"quarantined\":1,\"delivered\":0,");
}
END_TEST

START_TEST(a_failure_has_nothing_to_follow)
{
    emits();
    answer(expect("p", 1), BB_E_RETRY, NULL);
    answer(expect("p", 2), BB_OK, follows);
    rig_wait_status(&rig, "\"quarantined\":1,\"delivered\":0,");
}
END_TEST

START_TEST(without_it_a_delivery_has_not_ended)
{
    emits();
    answer(expect("p", 1), BB_OK, NULL);
    rig_wait_log(&rig, "it gave no message for a delivery that one must follow");
    ck_assert_uint_eq(rig_kills("dst"), 1);
}
END_TEST

/* Applied and answered while intake is closed: never sent again, and what follows is stored. */
START_TEST(it_is_stored_in_a_full_journal)
{
    char id[16];
    unsigned n = 0;
    uint64_t p;

    rig.map_size = 16 << 20;
    emits();
    p = expect("p", 1);
    do
        snprintf(id, sizeof id, "%u", ++n);
    while (submit(id, 100000) == BB_OK && n < 1000);
    ck_assert_uint_lt(n, 1000);
    answer(p, BB_OK, follows);
    rig_wait_status(&rig, "\"lacks_room\":true"); /* and the next of its lane waits: what would follow it has none */
    rig_wait_status(&rig, "\"retrying\":0,");
    rig_wait_status(&rig, "\"quarantined\":1,\"delivered\":0,");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hub-children");
    TCase *t = tcase_create("children");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, they_are_messages_like_others);
    tcase_add_loop_test(t, the_lane_goes_on, 0, 2);
    tcase_add_test(t, taken_ids_are_conflicts);
    tcase_add_test(t, one_that_cannot_be_refuses_all);
    tcase_add_test(t, unmatched_ones_are_quarantined);
    tcase_add_test(t, unmatched_ones_are_skipped);
    tcase_add_test(t, unmatched_ones_refuse_their_parent);
    tcase_add_test(t, more_than_a_message_may_have);
    tcase_add_test(t, no_answer_is_no_riddle);
    tcase_add_test(t, nor_is_a_stop);
    tcase_add_loop_test(t, and_its_lane_keeps_its_order, 0, 5);
    tcase_add_test(t, what_was_sent_before_the_route_split_is_not_split);
    tcase_add_loop_test(t, it_is_asked_about, 0, 2);
    tcase_add_test(t, what_was_to_be_split_was_sent_to_nobody);
    tcase_add_test(t, one_follows_the_delivery);
    tcase_add_test(t, unwanted_it_is_kept);
    tcase_add_test(t, a_failure_has_nothing_to_follow);
    tcase_add_test(t, without_it_a_delivery_has_not_ended);
    tcase_add_test(t, it_is_stored_in_a_full_journal);
    tcase_add_test(t, a_route_that_makes_none_takes_none);
    tcase_add_test(t, a_failure_makes_none);
    tcase_add_loop_test(t, quarantined_is_not_held_and_not_skipped, 0, 3);
    tcase_add_test(t, without_that_the_route_says);
    tcase_add_loop_test(t, what_asks_no_sink_closes_no_breaker, 0, 5);
    tcase_add_test(t, a_refusal_of_the_sink_does);
    tcase_add_test(t, with_a_full_journal_they_wait);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
