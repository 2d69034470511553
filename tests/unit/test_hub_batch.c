/*
 * test_hub_batch.c - several of one lane in one batch, and every way that it can end
 *
 * The hub is real; source and sink are played by the test (hub_rig.h). Messages 1 to 5 are of one
 * lane: the first goes alone, the others wait and then come together.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/hub_rig.h"

#define N 5

static struct rig rig;
static struct rig_host src, dst;
static uint64_t token[N + 2]; /* of the message's open delivery; one test has one more */

static void setup(void)
{
    rig_configure(&rig);
    rig.gen_eps[1].manifest.ordered_batch = true;
    rig.eps[1].probe_after_ms = 1;
}

static void teardown(void)
{
    rig_close(&src);
    rig_close(&dst);
    rig_stop(&rig);
}

static void submit_to(unsigned id, const char *lane, size_t size)
{
    char text[16];
    struct bb_buf b, m;
    struct bb_frame f;
    zmq_msg_t ack;

    snprintf(text, sizeof text, "%u", id);
    m = rig_message(text, lane, size);
    bb_buf_init(&b, size + (1u << 20));
    bb_put_submit(&b, src.session, id, NULL, 1);
    bb_put_bin(&b, m.ptr, m.len);
    rig_send(&src, &b);
    bb_buf_free(&m);
    rig_receive(&src, BB_F_ACKED, &ack, &f);
    zmq_msg_close(&ack);
}

static void submit_of(unsigned id, size_t size)
{
    submit_to(id, "i", size);
}

static void submit(unsigned id)
{
    submit_of(id, 10);
}

/* The next frame must hold just first..last, in order, as one run. */
static void expect(unsigned first, unsigned last, uint32_t op, uint32_t attempt, uint32_t flags)
{
    struct bb_w_deliver d;
    struct bb_envelope e;
    struct bb_frame f;
    zmq_msg_t m;

    rig_receive(&dst, BB_F_DELIVER, &m, &f);
    for (unsigned id = first; id <= last; id++) {
        uint32_t behind = id > first && op == BB_DELIVER_OP ? BB_DELIVER_BEHIND : 0;

        ck_assert_int_eq(bb_frame_next_deliver(&f, &d), 1);
        ck_assert_int_eq(bb_envelope_read(d.whole, &e, NULL), 0);
        ck_assert_msg(e.id.len == 1 && *(const char *)e.id.ptr == (char)('0' + id),
                      "message %.*s, expected %u", (int)e.id.len, (const char *)e.id.ptr, id);
        ck_assert_uint_eq(d.op, op);
        ck_assert_uint_eq(d.flags, flags | behind);
        ck_assert_uint_eq(d.attempt, attempt);
        token[id] = d.token;
    }
    ck_assert_int_eq(bb_frame_next_deliver(&f, &d), 0);
    zmq_msg_close(&m);
}

static void answer(unsigned id, bb_status s)
{
    struct bb_w_result r = {.token = token[id], .status = s};
    struct bb_list l;
    struct bb_buf b;

    bb_buf_init(&b, 4096);
    l = bb_list_begin(&b, BB_F_RESULT, dst.session);
    bb_list_result(&b, &l, &r);
    bb_list_end(&b, &l);
    rig_send(&dst, &b);
}

/* Starts all, and brings 2 to 5 out in one batch. */
static void batch_out(void)
{
    rig_start(&rig);
    src = rig_up(&rig, "src");
    dst = rig_up(&rig, "dst");
    submit(1);
    expect(1, 1, BB_DELIVER_OP, 1, 0);
    for (unsigned id = 2; id <= N; id++)
        submit(id);
    answer(1, BB_OK);
    expect(2, N, BB_DELIVER_OP, 1, 0);
}

static void all_delivered(void)
{
    rig_wait_status(&rig, "\"pending\":0,");
    rig_wait_status(&rig, "\"delivered\":5,");
    rig_wait_status(&rig, "\"balanced\":true");
}

START_TEST(the_first_failure_is_the_head_and_the_rest_waits_behind_it)
{
    batch_out();
    answer(5, BB_E_CANCEL); /* in whatever order the answers come */
    answer(4, BB_E_CANCEL);
    answer(2, BB_OK);
    answer(3, BB_E_RETRY);
    expect(3, 3, BB_DELIVER_OP, 2, 0);
    answer(3, BB_OK);
    expect(4, 5, BB_DELIVER_OP, 1, 0); /* no attempt of theirs is spent */
    answer(4, BB_OK);
    answer(5, BB_OK);
    all_delivered();
}
END_TEST

START_TEST(a_refused_one_lets_the_rest_go_on)
{
    batch_out();
    answer(2, BB_E_REJECT);
    for (unsigned id = 3; id <= N; id++)
        answer(id, BB_E_CANCEL);
    expect(3, 5, BB_DELIVER_OP, 1, 0);
    for (unsigned id = 3; id <= N; id++)
        answer(id, BB_OK);
    rig_wait_status(&rig, "\"quarantined\":1,\"delivered\":4,");
    rig_wait_status(&rig, "\"balanced\":true");
}
END_TEST

START_TEST(or_holds_the_lane)
{
    struct bb_ask a = {.kind = BB_ASK_RELEASE, .route = "to-dst", .seq = 3, .who = "test"};

    rig.route.on_failure = BB_FAIL_HOLD_LANE;
    batch_out();
    answer(2, BB_OK);
    answer(3, BB_E_REJECT);
    answer(4, BB_E_CANCEL);
    answer(5, BB_E_CANCEL);
    rig_wait_status(&rig, "\"spilled\":2,\"retrying\":0,\"probing\":0,\"held\":1,");
    bb_buf_init(&a.out, 4096);
    ck_assert_int_eq(bb_hub_ask(rig.hub, &a, 10000), 0);
    ck_assert_int_eq(a.status, BB_OK);
    bb_buf_free(&a.out);
    expect(3, 3, BB_DELIVER_OP, 1, 0);
    answer(3, BB_OK);
    expect(4, 5, BB_DELIVER_OP, 1, 0);
    answer(4, BB_OK);
    answer(5, BB_OK);
    all_delivered();
}
END_TEST

START_TEST(what_a_host_took_with_it_is_asked_about_together)
{
    struct bb_buf b;

    rig.route.on_unknown = BB_UNKNOWN_PROBE;
    batch_out();
    answer(2, BB_OK); /* and no word about the others */
    bb_buf_init(&b, 256);
    bb_put_ready(&b, dst.session, BB_OK, ""); /* twice: it is cut */
    rig_send(&dst, &b);
    rig_wait_status(&rig, "\"probing\":3,");
    rig_wait_status(&rig, "\"state\":\"starting\"");
    rig_close(&dst);
    dst = rig_up(&rig, "dst");
    expect(3, 5, BB_DELIVER_PROBE, 1, BB_DELIVER_REDELIVERY);
    answer(3, BB_OK); /* applied; the others not, but they may be on their way */
    answer(5, BB_NOT_APPLIED);
    answer(4, BB_NOT_APPLIED);
    expect(4, 5, BB_DELIVER_PROBE, 1, BB_DELIVER_REDELIVERY);
    answer(4, BB_NOT_APPLIED);
    answer(5, BB_NOT_APPLIED);
    expect(4, 5, BB_DELIVER_OP, 2, BB_DELIVER_REDELIVERY);
    answer(4, BB_OK);
    answer(5, BB_OK);
    all_delivered();
}
END_TEST

START_TEST(who_goes_on_after_a_failure_is_believed_and_named)
{
    batch_out();
    answer(2, BB_E_RETRY);
    answer(3, BB_OK);
    answer(4, BB_E_CANCEL);
    answer(5, BB_E_RETRY); /* surely not applied either */
    expect(2, 2, BB_DELIVER_OP, 2, 0);
    answer(2, BB_OK);
    expect(4, 5, BB_DELIVER_OP, 1, 0);
    answer(4, BB_OK);
    answer(5, BB_OK);
    all_delivered();
    rig_wait_log(&rig, "promises ordered batches, and went on after a failure: 1 of");
}
END_TEST

/* It is one call that had no answer, not four. */
START_TEST(a_batch_without_an_answer_is_one_failure)
{
    rig.eps[1].breaker = (struct bb_breaker){.failures = 2, .open_ms = 60000, .max_ms = 60000};
    batch_out();
    for (unsigned id = 2; id <= N; id++)
        answer(id, BB_E_UNKNOWN);
    rig_wait_status(&rig, "\"quarantined\":4,");
    submit(6);
    expect(6, 6, BB_DELIVER_OP, 1, 0); /* the endpoint may be given more */
    answer(6, BB_E_UNKNOWN);
    rig_wait_status(&rig, "\"breaker\":\"open\"");
}
END_TEST

START_TEST(a_large_one_does_not_end_the_batches)
{
    rig.config.journal.max_message = 4u << 20;
    rig_start(&rig);
    src = rig_up(&rig, "src");
    dst = rig_up(&rig, "dst");
    submit(1);
    expect(1, 1, BB_DELIVER_OP, 1, 0);
    submit_of(2, 2u << 20);
    for (unsigned id = 3; id <= N; id++)
        submit(id);
    answer(1, BB_OK);
    expect(2, 2, BB_DELIVER_OP, 1, 0); /* fills a batch by itself, and the next step is careful */
    answer(2, BB_OK);
    expect(3, 3, BB_DELIVER_OP, 1, 0);
    answer(3, BB_OK);
    expect(4, 5, BB_DELIVER_OP, 1, 0);
    answer(4, BB_OK);
    answer(5, BB_OK);
    all_delivered();
}
END_TEST

START_TEST(no_promise_no_batch)
{
    rig.gen_eps[1].manifest.ordered_batch = false;
    rig_start(&rig);
    src = rig_up(&rig, "src");
    dst = rig_up(&rig, "dst");
    for (unsigned id = 1; id <= N; id++)
        submit(id);
    for (unsigned id = 1; id <= N; id++) {
        expect(id, id, BB_DELIVER_OP, 1, 0);
        answer(id, BB_OK);
    }
    all_delivered();
}
END_TEST

#define DEEP 200u /* of a lane, due at once: two lanes fill a read of what is due */

/* Takes n deliveries and answers each with UNKNOWN. */
static void lose(unsigned n)
{
    while (n) {
        struct bb_w_deliver d;
        struct bb_frame f;
        zmq_msg_t m;

        rig_receive(&dst, BB_F_DELIVER, &m, &f);
        for (; n && bb_frame_next_deliver(&f, &d) == 1; n--) {
            token[0] = d.token;
            answer(0, BB_E_UNKNOWN);
        }
        zmq_msg_close(&m);
    }
}

/* Two lanes have many that are due, of each goes one at a time: who is due behind them goes, too. */
START_TEST(busy_lanes_starve_nobody)
{
    static const char *const lanes[] = {"a", "c"};
    struct bb_fault err = {0};
    char waits[40];

    rig.eps[1].limit.in_flight = 512;
    rig.eps[1].batch_max = 256;
    rig.route.on_unknown = BB_UNKNOWN_RETRY;
    rig.route.retry = (struct bb_retry){.attempts = 9, .initial_ms = 3000, .max_ms = 3000};
    rig_start(&rig);
    src = rig_up(&rig, "src");
    dst = rig_up(&rig, "dst");
    for (unsigned k = 0; k < 2; k++) {
        struct bb_w_deliver d;
        struct bb_frame f;
        zmq_msg_t m;

        submit_to(1000 * k, lanes[k], 10);
        rig_receive(&dst, BB_F_DELIVER, &m, &f);
        ck_assert_int_eq(bb_frame_next_deliver(&f, &d), 1);
        token[0] = d.token;
        zmq_msg_close(&m);
        for (unsigned id = 1; id <= DEEP; id++)
            submit_to(1000 * k + id, lanes[k], 10);
        snprintf(waits, sizeof waits, "\"spilled\":%u,", DEEP);
        rig_wait_status(&rig, waits);
        answer(0, BB_OK);
        lose(DEEP);
    }
    submit_to(9999, "b", 10);
    lose(1);
    snprintf(waits, sizeof waits, "\"retrying\":%u,", 2 * DEEP + 1);
    rig_wait_status(&rig, waits);
    rig_close(&src);
    rig_close(&dst);
    bb_hub_stop(&rig.hub, 0);
    rig.gen_eps[1].manifest.ordered_batch = false;
    rig.eps[1].limit.in_flight = 4;
    ck_assert_int_eq(rig_hub(&rig, &err), 0);
    src = rig_up(&rig, "src");
    dst = rig_up(&rig, "dst");
    for (unsigned n = 0; n < 3; n++) { /* one of each lane, and none is answered */
        struct bb_w_deliver d;
        struct bb_envelope e;
        struct bb_frame f;
        zmq_msg_t m;

        rig_receive(&dst, BB_F_DELIVER, &m, &f);
        while (bb_frame_next_deliver(&f, &d) == 1) {
            ck_assert_int_eq(bb_envelope_read(d.whole, &e, NULL), 0);
            n += bb_bytes_are(e.id, "9999") ? 3 : 0;
        }
        zmq_msg_close(&m);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hub-batch");
    TCase *t = tcase_create("batch");
    SRunner *run;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_first_failure_is_the_head_and_the_rest_waits_behind_it);
    tcase_add_test(t, a_refused_one_lets_the_rest_go_on);
    tcase_add_test(t, or_holds_the_lane);
    tcase_add_test(t, what_a_host_took_with_it_is_asked_about_together);
    tcase_add_test(t, who_goes_on_after_a_failure_is_believed_and_named);
    tcase_add_test(t, a_batch_without_an_answer_is_one_failure);
    tcase_add_test(t, a_large_one_does_not_end_the_batches);
    tcase_add_test(t, no_promise_no_batch);
    tcase_add_test(t, busy_lanes_starve_nobody);
    suite_add_tcase(s, t);
    run = srunner_create(s);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed ? 1 : 0;
}
