/* test_host_sink.c - a host and its sink: deliveries, probes, transforms, deadlines, cancels,
 * secrets */
#include "tests/unit/host_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void deliver_and_stop(bool process, const char *config)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "count", .config = config};

    rig_up(&h, process, &w);
    rig_deliver(&h, 100, 300, BB_DELIVER_OP, 10000);
    for (unsigned i = 0; i < 300; i++) {
        struct bb_w_result r = rig_result(&h);

        ck_assert_uint_eq(r.token, 100 + i);
        ck_assert_int_eq(r.status, BB_OK);
        ck_assert(!r.has_error && !r.body.ptr);
    }
    rig_stop(&h);
    rig_want(&h, BB_F_STOPPED);
    rig_close(&h);
}

START_TEST(sink_in_a_thread)
{
    deliver_and_stop(false, NULL);
}
END_TEST

START_TEST(sink_in_a_process)
{
    deliver_and_stop(true, NULL);
}
END_TEST

START_TEST(sink_that_answers_from_its_own_thread)
{
    deliver_and_stop(false, "{\"pending\": true, \"reply\": true}");
}
END_TEST

START_TEST(results_of_a_turn_share_a_frame)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "count"};
    struct bb_w_result r;

    rig_up(&h, false, &w);
    rig_deliver(&h, 1, 200, BB_DELIVER_OP, 0);
    rig_want(&h, BB_F_RESULT);
    ck_assert_uint_gt(h.f.n, 50);
    while (bb_frame_next_result(&h.f, &r) == 1)
        ;
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

START_TEST(transform_runs_before_the_sink)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "count",
                            .config = "{\"fail_every\": 1, \"fail_with\": \"unknown\"}",
                            .steps = "[{\"map\":[{\"rename\":{\"from\":\"/data/qty\",\"to\":"
                                     "\"/data/menge\"}}]}]"};
    struct bb_w_result r;

    rig_up(&h, false, &w);
    rig_deliver(&h, 7, 1, BB_DELIVER_OP, 0);
    r = rig_result(&h);
    ck_assert_int_eq(r.status, BB_E_UNKNOWN);
    ck_assert(rig_says(r.vendor_code, "T/001") && rig_says(r.text, "fails as configured"));
    ck_assert_msg(rig_says(r.body, "menge") && !rig_says(r.body, "qty"), "no rendered body");
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

START_TEST(transform_that_fails_rejects)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "count",
                            .steps = "[{\"map\":[{\"rename\":{\"from\":\"/data/none\",\"to\":"
                                     "\"/data/x\"}}]}]"};
    struct bb_w_result r;

    rig_up(&h, false, &w);
    rig_deliver(&h, 7, 1, BB_DELIVER_OP, 0);
    r = rig_result(&h);
    ck_assert_int_eq(r.status, BB_E_REJECT);
    ck_assert(rig_says(r.text, "/data/none") && rig_says(r.vendor_code, "mapping") && !r.body.ptr);
    ck_assert_uint_eq(r.error_flags, BB_ERROR_UNASKED);
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

/* What it became comes with the result; the plugin sees none of it. */
static void becomes_others(bool process)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "count",
                            .config = "{\"fail_every\": 1}",
                            .steps = "[{\"explode\":[{\"data\":\"/data/qty\",\"type\":\"q\"},"
                                     "{\"data\":\"/data\",\"type\":\"all\"}]}]"};
    struct bb_bytes whole;
    struct bb_w_result r;
    struct bb_envelope e;
    struct bb_cur c;

    rig_up(&h, process, &w);
    rig_deliver(&h, 7, 2, BB_DELIVER_OP, 0);
    for (unsigned i = 0; i < 2; i++) {
        r = rig_result(&h);
        ck_assert_uint_eq(r.token, 7 + i);
        ck_assert_int_eq(r.status, BB_OK);
        ck_assert(!r.body.ptr && !r.reply.ptr && !r.has_error);
        ck_assert_uint_eq(r.n_children, 2);
        c = bb_cur_of(r.children);
        ck_assert(bb_result_next_child(&c, &whole) && bb_envelope_read(whole, &e, NULL) == 0);
        ck_assert(rig_says(e.type, "q") && rig_says(e.id, "/1"));
        ck_assert(bb_result_next_child(&c, &whole) && bb_envelope_read(whole, &e, NULL) == 0);
        ck_assert(rig_says(e.type, "all") && rig_says(e.id, "/2") && rig_says(e.data, "qty"));
    }
    rig_stop(&h);
    rig_want(&h, BB_F_STOPPED);
    rig_close(&h);
}

START_TEST(a_message_becomes_others_in_a_thread)
{
    becomes_others(false);
}
END_TEST

START_TEST(a_message_becomes_others_in_a_process)
{
    becomes_others(true);
}
END_TEST

START_TEST(probe)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "count"};

    rig_up(&h, false, &w);
    rig_deliver(&h, 7, 1, BB_DELIVER_OP, 0);
    ck_assert_int_eq(rig_result(&h).status, BB_OK);
    rig_deliver(&h, 7, 1, BB_DELIVER_PROBE, 0);
    ck_assert_int_eq(rig_result(&h).status, BB_OK);
    rig_deliver(&h, 8, 1, BB_DELIVER_PROBE, 0);
    ck_assert_int_eq(rig_result(&h).status, BB_NOT_APPLIED);
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

START_TEST(probe_without_the_extension)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "late"};

    rig_up(&h, false, &w);
    rig_deliver(&h, 7, 1, BB_DELIVER_PROBE, 0);
    ck_assert_int_eq(rig_result(&h).status, BB_E_UNSUP);
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

START_TEST(late_and_double_done)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "late", .config = "{\"at\": 3}"};
    bool counted = false;

    rig_up(&h, false, &w);
    rig_deliver(&h, 1, 20, BB_DELIVER_OP, 0);
    for (unsigned i = 0; i < 20; i++) {
        struct bb_w_result r = rig_result(&h);

        ck_assert_uint_eq(r.token, 1 + i);
        ck_assert_int_eq(r.status, BB_OK); /* the first answer counts */
    }
    rig_stop(&h);
    rig_want(&h, BB_F_LOG);
    /* 2 more done() each, 19 for the one before, 20 for the next, not yet given, 20 by returning */
    counted = rig_says(h.f.log.text, "ended 99 deliveries late or twice");
    ck_assert_msg(counted, "%.*s", (int)h.f.log.text.len, (const char *)h.f.log.text.ptr);
    ck_assert_msg(!rig_next(&h, BB_F_RESULT, 200), "a token ended twice");
    rig_close(&h);
}
END_TEST

START_TEST(open_tokens_end_unknown_at_stop)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "count", .config = "{\"swallow\": true}"};

    rig_up(&h, false, &w);
    rig_deliver(&h, 1, 5, BB_DELIVER_OP, 0);
    ck_assert(!rig_next(&h, BB_F_RESULT, 100));
    rig_stop(&h);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_int_eq(rig_result(&h).status, BB_E_UNKNOWN);
    rig_want(&h, BB_F_STOPPED);
    rig_close(&h);
}
END_TEST

/* A blocking plugin that asks cancelled() keeps answering, gives back what it never took, and
 * comes back when it is cancelled. */
START_TEST(cancel_during_a_blocking_call)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "hang", .config = "{\"heed\": true}"};
    struct bb_w_result r;

    rig_up(&h, false, &w);
    rig_deliver(&h, 1, 3, BB_DELIVER_OP, 0);
    for (uint64_t end = rig_now() + WAIT_MS; h.f.kind != BB_F_ALIVE || h.f.alive.busy_ms < 20;) {
        ck_assert(rig_now() < end);
        bb_put_ping(&h.out, h.session);
        rig_send(&h);
        rig_want(&h, BB_F_ALIVE);
    }
    rig_cancel(&h, 2); /* waits behind the first */
    r = rig_result(&h);
    ck_assert(r.token == 2 && r.status == BB_E_CANCEL);
    rig_cancel(&h, 1);
    r = rig_result(&h);
    ck_assert(r.token == 1 && r.status == BB_E_CANCEL);
    rig_stop(&h); /* the third is in the call by now, or was never handed over */
    r = rig_result(&h);
    ck_assert_uint_eq(r.token, 3);
    ck_assert(r.status == BB_E_CANCEL || r.status == BB_E_RETRY);
    rig_want(&h, BB_F_STOPPED);
    rig_close(&h);
}
END_TEST

START_TEST(deadline_before_the_hand_over)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "hang", .config = "{\"heed\": true}"};
    struct bb_w_result r;

    rig_up(&h, false, &w);
    rig_deliver(&h, 1, 2, BB_DELIVER_OP,
                50); /* the first heeds its deadline, then the second's passed */
    r = rig_result(&h);
    ck_assert(r.token == 1 && r.status == BB_E_CANCEL);
    r = rig_result(&h);
    ck_assert(r.token == 2 && r.status == BB_E_RETRY && rig_says(r.text, "deadline"));
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

/* One that never reached the plugin takes those behind it along, and no others. */
START_TEST(a_run_ends_where_one_of_it_ends)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "hang", .config = "{\"heed\": true}"};
    struct bb_w_result r;

    rig_up(&h, false, &w);
    rig_deliver(&h, 1, 1, BB_DELIVER_OP, 500); /* heeds its deadline; that of the run is over long before */
    rig_deliver_run(&h, 2, 3, 20);
    r = rig_result(&h);
    ck_assert(r.token == 1 && r.status == BB_E_CANCEL);
    r = rig_result(&h);
    ck_assert(r.token == 2 && r.status == BB_E_RETRY && rig_says(r.text, "deadline"));
    for (unsigned i = 3; i <= 4; i++) {
        r = rig_result(&h);
        ck_assert_uint_eq(r.token, i);
        ck_assert_int_eq(r.status, BB_E_CANCEL);
        ck_assert(rig_says(r.text, "before it in its lane"));
    }
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

START_TEST(a_run_is_one_call)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "order", .config = "{\"file\": \"/dev/null\", \"retry\": 10000}"};
    struct bb_w_result r;

    rig_up(&h, false, &w);
    rig_deliver_run(&h, 1, 5, 0);
    for (unsigned i = 1; i <= 5; i++) {
        r = rig_result(&h);
        ck_assert_uint_eq(r.token, i);
        ck_assert_int_eq(r.status, i == 1 ? BB_E_RETRY : BB_E_CANCEL);
        ck_assert(rig_says(r.text, i == 1 ? "as thrown" : "one before it failed"));
    }
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

START_TEST(secrets_never_reach_the_log)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "count", .config = "{\"token\": \"handle-1\"}"};

    rig_open(&h, false);
    rig_start(&h, 0);
    rig_welcome(&h, &w);
    rig_want(&h, BB_F_LOG);
    ck_assert_msg(rig_says(h.f.log.text, "\"**************\", 14 bytes"), "%.*s",
                  (int)h.f.log.text.len, (const char *)h.f.log.text.ptr);
    rig_want(&h, BB_F_READY);
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

static void refused(const char *plugin, const char *config, const char *steps, const char *why)
{
    struct rig h;
    struct rig_welcome w = {.plugin = plugin, .config = config, .steps = steps};
    struct bb_w_result r;

    rig_open(&h, false);
    rig_start(&h, 0);
    rig_welcome(&h, &w);
    rig_want(&h, BB_F_READY);
    ck_assert_int_eq(h.f.ready.status, BB_E_CONFIG);
    ck_assert_msg(rig_says(h.f.ready.text, why), "%.*s", (int)h.f.ready.text.len,
                  (const char *)h.f.ready.text.ptr);
    rig_deliver(&h, 1, 1, BB_DELIVER_OP, 0);
    r = rig_result(&h);
    ck_assert_int_eq(r.status, BB_E_RETRY);
    rig_stop(&h);
    rig_want(&h, BB_F_STOPPED);
    rig_close(&h);
}

START_TEST(start_that_fails_says_why_and_waits_for_stop)
{
    refused("count", "{\"fail_start\": true}", NULL, "fails to start as configured");
    refused("no-such", NULL, NULL, "No such file");
    refused("count", NULL, "[{\"nap\":{}}]", "transform of route 1");
}
END_TEST

START_TEST(frames_of_another_session_and_noise)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "count"};

    rig_up(&h, false, &w);
    h.session += 5;
    rig_deliver(&h, 1, 1, BB_DELIVER_OP, 0);
    rig_stop(&h);
    h.session -= 5;
    bb_buf_put(&h.out, "\xff\xff noise", 8);
    rig_send(&h);
    bb_put_welcome(&h.out, h.session, (struct bb_bytes){"\x80", 1}); /* a second one */
    rig_send(&h);
    rig_deliver(&h, 2, 1, BB_DELIVER_OP, 0);
    ck_assert_uint_eq(rig_result(&h).token, 2);
    rig_deliver(&h, 3, 1, 9, 0); /* an operation of tomorrow */
    ck_assert_int_eq(rig_result(&h).status, BB_E_UNSUP);
    rig_stop(&h);
    rig_want(&h, BB_F_STOPPED);
    rig_close(&h);
}
END_TEST

START_TEST(metrics_come_as_sums)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "count"};
    struct bb_bytes name;
    uint32_t kind;
    double v;

    rig_up(&h, false, &w);
    rig_deliver(&h, 1, 42, BB_DELIVER_OP, 0);
    ck_assert_int_eq(rig_result(&h).status, BB_OK);
    rig_stop(&h);
    rig_want(&h, BB_F_METRIC);
    ck_assert_int_eq(bb_frame_next_metric(&h.f, &name, &kind, &v), 1);
    ck_assert(rig_says(name, "deliveries") && kind == BB_METRIC_COUNTER && v == 42);
    rig_close(&h);
}
END_TEST

/* A plugin built from the frozen header runs in today's host, in the core and out of it. */
START_TEST(plugin_of_abi_0)
{
    struct rig h;
    struct rig_welcome w = {.plugin = TEST_ABI0};
    struct bb_w_result r;

    rig_up(&h, _i == 1, &w);
    rig_deliver(&h, 1, 2, BB_DELIVER_OP, 10000);
    for (int i = 0; i < 2; i++) {
        r = rig_result(&h);
        ck_assert_int_eq(r.status, BB_OK);
        ck_assert(rig_says(r.reply, "mfg.t"));
    }
    rig_stop(&h);
    rig_want(&h, BB_F_METRIC);
    rig_want(&h, BB_F_STOPPED);
    rig_close(&h);
}
END_TEST

static void fill(TCase *t)
{
    tcase_add_test(t, sink_in_a_thread);
    tcase_add_test(t, sink_in_a_process);
    tcase_add_test(t, sink_that_answers_from_its_own_thread);
    tcase_add_test(t, results_of_a_turn_share_a_frame);
    tcase_add_test(t, transform_runs_before_the_sink);
    tcase_add_test(t, transform_that_fails_rejects);
    tcase_add_test(t, a_message_becomes_others_in_a_thread);
    tcase_add_test(t, a_message_becomes_others_in_a_process);
    tcase_add_test(t, probe);
    tcase_add_test(t, probe_without_the_extension);
    tcase_add_test(t, late_and_double_done);
    tcase_add_test(t, open_tokens_end_unknown_at_stop);
    tcase_add_test(t, cancel_during_a_blocking_call);
    tcase_add_test(t, deadline_before_the_hand_over);
    tcase_add_test(t, a_run_ends_where_one_of_it_ends);
    tcase_add_test(t, a_run_is_one_call);
    tcase_add_test(t, secrets_never_reach_the_log);
    tcase_add_test(t, start_that_fails_says_why_and_waits_for_stop);
    tcase_add_test(t, frames_of_another_session_and_noise);
    tcase_add_test(t, metrics_come_as_sums);
    tcase_add_loop_test(t, plugin_of_abi_0, 0, 2);
}

int main(int argc, char **argv)
{
    return rig_main(argc, argv, fill);
}
