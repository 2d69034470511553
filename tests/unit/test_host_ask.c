/* test_host_ask.c - a host that asks while it renders, and one that answers: what comes meanwhile, what
 * comes late, what is no answer */
#include "tests/unit/host_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char steps[] = "[{\"enrich\":{\"from\":\"plm\",\"query\":\"item\",\"with\":{\"i\":\"/attributes/item\"},"
                            "\"into\":\"/data/master\",\"timeout\":\"20s\"}}]",
                  hasty[] = "[{\"enrich\":{\"from\":\"plm\",\"query\":\"item\",\"into\":\"/data/master\","
                            "\"timeout\":\"50ms\"}}]",
                  cached[] = "[{\"enrich\":{\"from\":\"plm\",\"query\":\"item\",\"with\":{\"i\":\"/attributes/item\"},"
                             "\"into\":\"/data/master\",\"cache\":{\"ttl\":\"1h\",\"max\":2}}}]";
static struct rig h;

static void up(bool process, const char *s)
{
    struct rig_welcome w = {.plugin = "count", .steps = s};

    rig_up(&h, process, &w);
}

static void down(void)
{
    rig_stop(&h);
    rig_want(&h, BB_F_STOPPED);
    rig_close(&h);
}

static uint64_t asked(void)
{
    struct bb_w_query q;

    rig_want(&h, BB_F_ASK);
    ck_assert_int_eq(bb_frame_next_query(&h.f, &q), 1);
    ck_assert(rig_says(q.endpoint, "plm") && rig_says(q.op, "item"));
    ck_assert_int_eq(bb_message_check(q.request, NULL), 0);
    return q.token;
}

static void answer(uint64_t id, int32_t status, struct bb_bytes reply)
{
    struct bb_list l = bb_list_begin(&h.out, BB_F_ANSWER, h.session);
    struct bb_w_result r = {.token = id, .status = status, .reply = reply};

    bb_list_result(&h.out, &l, &r);
    bb_list_end(&h.out, &l);
    rig_send(&h);
}

static const struct bb_bytes seven = {"\x07", 1}, none;

static void deliver_rendered(uint64_t token, struct bb_bytes body)
{
    struct bb_list l = bb_list_begin(&h.out, BB_F_DELIVER, h.session);
    struct bb_w_deliver d = {.token = token, .route = 1, .attempt = 1, .budget_ms = 10000, .whole = body,
                             .flags = BB_DELIVER_RENDERED, .key = {"k", 1}, .short_key = {"k", 1}};

    bb_list_deliver(&h.out, &l, &d);
    bb_list_end(&h.out, &l);
    rig_send(&h);
}

static void asks_and_renders(bool process)
{
    struct bb_w_result r;
    struct bb_bytes v;
    uint8_t body[4096];

    up(process, steps);
    rig_deliver(&h, 1, 1, BB_DELIVER_OP, 10000);
    answer(asked(), BB_OK, seven);
    r = rig_result(&h);
    ck_assert_uint_eq(r.token, 1);
    ck_assert_int_eq(r.status, BB_WIRE_RENDERED);
    ck_assert(!r.has_error);
    ck_assert_int_eq(bb_pointer_get(r.body, "/1/master", &v), 1);
    ck_assert_uint_eq(v.len, 1);
    ck_assert_uint_lt(r.body.len, sizeof body);
    memcpy(body, r.body.ptr, r.body.len);
    deliver_rendered(2, (struct bb_bytes){body, r.body.len}); /* nobody is asked again */
    r = rig_result(&h);
    ck_assert_uint_eq(r.token, 2);
    ck_assert_int_eq(r.status, BB_OK);
    down();
}

START_TEST(asks_and_renders_in_a_thread)
{
    asks_and_renders(false);
}
END_TEST

START_TEST(asks_and_renders_in_a_process)
{
    asks_and_renders(true);
}
END_TEST

START_TEST(no_answer_in_time_comes_again_later)
{
    struct bb_w_result r;
    uint64_t late;

    up(false, hasty);
    rig_deliver(&h, 1, 1, BB_DELIVER_OP, 10000);
    late = asked();
    r = rig_result(&h);
    ck_assert_int_eq(r.status, BB_E_CANCEL);
    ck_assert_uint_eq(r.retry_after_ms, 2000);
    ck_assert_msg(rig_says(r.text, "step 1 (enrich)") && rig_says(r.text, "no answer in time"), "%.*s",
                  (int)r.text.len, (const char *)r.text.ptr);
    answer(late, BB_OK, seven); /* nobody waits any more */
    rig_deliver(&h, 2, 1, BB_DELIVER_OP, 10000);
    answer(asked(), BB_OK, seven);
    ck_assert_int_eq(rig_result(&h).status, BB_WIRE_RENDERED);
    down();
}
END_TEST

START_TEST(a_deliverys_own_time_ends_the_wait)
{
    up(false, steps);
    rig_deliver(&h, 1, 1, BB_DELIVER_OP, 80);
    asked();
    ck_assert_int_eq(rig_result(&h).status, BB_E_CANCEL);
    down();
}
END_TEST

START_TEST(an_answer_that_is_no_value_is_none)
{
    struct bb_w_result r;

    up(true, steps);
    rig_deliver(&h, 1, 1, BB_DELIVER_OP, 10000);
    answer(asked(), BB_OK, (struct bb_bytes){"\x81\xc1", 2});
    r = rig_result(&h);
    ck_assert_int_eq(r.status, BB_E_CANCEL);
    ck_assert(rig_says(r.text, "its answer is not canonical"));
    rig_deliver(&h, 2, 1, BB_DELIVER_OP, 10000);
    answer(asked(), BB_OK, none); /* nothing is known */
    r = rig_result(&h);
    ck_assert_int_eq(r.status, BB_E_REJECT);
    ck_assert(rig_says(r.text, "knows nothing of it") && rig_says(r.vendor_code, "enrich"));
    down();
}
END_TEST

START_TEST(ping_is_answered_meanwhile)
{
    uint64_t id;

    up(false, steps);
    rig_deliver(&h, 1, 1, BB_DELIVER_OP, 10000);
    id = asked();
    bb_put_ping(&h.out, h.session);
    rig_send(&h);
    rig_want(&h, BB_F_ALIVE);
    answer(id, BB_OK, seven);
    ck_assert_int_eq(rig_result(&h).status, BB_WIRE_RENDERED);
    down();
}
END_TEST

START_TEST(cancel_and_stop_end_the_wait)
{
    struct bb_w_result r;
    uint64_t id;

    up(false, steps);
    rig_deliver(&h, 1, 2, BB_DELIVER_OP, 15000);
    id = asked();
    rig_cancel(&h, 1);
    r = rig_result(&h);
    ck_assert_uint_eq(r.token, 1);
    ck_assert_int_eq(r.status, BB_E_CANCEL);
    answer(id, BB_OK, seven); /* the first is over; the second asks */
    asked();
    rig_stop(&h);
    r = rig_result(&h);
    ck_assert_uint_eq(r.token, 2);
    ck_assert_int_eq(r.status, BB_E_RETRY);
    rig_want(&h, BB_F_STOPPED);
    rig_close(&h);
}
END_TEST

/* A question keeps the instance's thread. What bounds it: its time-out, its delivery's time, STOP (above). */
START_TEST(who_waits_behind_a_question_waits_no_longer_than_that)
{
    struct bb_w_result r;
    uint64_t from = rig_now();
    struct bb_buf m;

    up(false, _i ? hasty : steps); /* 50 ms, 20 s */
    rig_message(&m, 1);
    rig_deliver(&h, 1, 1, BB_DELIVER_OP, _i ? 15000 : 200);
    deliver_rendered(2, (struct bb_bytes){m.ptr, m.len});
    asked();
    r = rig_result(&h);
    ck_assert_uint_eq(r.token, 1);
    ck_assert_int_eq(r.status, BB_E_CANCEL);
    r = rig_result(&h);
    ck_assert_uint_eq(r.token, 2);
    ck_assert_int_eq(r.status, BB_OK);
    ck_assert_uint_lt(rig_now() - from, 9000);
    bb_buf_free(&m);
    down();
}
END_TEST

START_TEST(a_cache_asks_once)
{
    up(false, cached);
    rig_deliver(&h, 1, 3, BB_DELIVER_OP, 15000);
    answer(asked(), BB_OK, seven);
    for (int k = 0; k < 3; k++)
        ck_assert_int_eq(rig_result(&h).status, BB_WIRE_RENDERED);
    down();
}
END_TEST

/* ---- who answers ----------------------------------------------------------------------------------------- */
static void query(uint64_t token, const char *op, uint32_t budget_ms)
{
    struct bb_list l = bb_list_begin(&h.out, BB_F_QUERY, h.session);
    struct bb_w_query q = {.token = token, .endpoint = {"", 0}, .op = {op, strlen(op)}, .budget_ms = budget_ms};
    struct bb_buf m;

    rig_message(&m, 1);
    q.request = (struct bb_bytes){m.ptr, m.len};
    bb_list_query(&h.out, &l, &q);
    bb_list_end(&h.out, &l);
    rig_send(&h);
    bb_buf_free(&m);
}

static const struct {
    const char *op, *text;
    int32_t status;
    bool reply;
} answers[] = {
    {"item", NULL, BB_OK, true},
    {"later", NULL, BB_OK, true},
    {"slow", NULL, BB_OK, true},
    {"nothing", NULL, BB_OK, false},
    {"refuse", "no such item", BB_E_REJECT, false},
    {"down", "its peer is gone", BB_E_DOWN, false},
    {"lie", "the answer is not canonical or too long", BB_E_UNKNOWN, false},
    {"an operation whose name is longer than any that a manifest could ever list", NULL, BB_E_UNSUP, false},
};

static void answers_of(bool process)
{
    struct rig_welcome w = {.plugin = "teller", .config = "{\"delay_ms\":20}", .roles = BB_ROLE_QUERY};

    rig_up(&h, process, &w);
    for (size_t k = 0; k < sizeof answers / sizeof *answers; k++) {
        struct bb_w_result r;

        query(k + 1, answers[k].op, 10000);
        r = rig_result(&h);
        ck_assert_uint_eq(r.token, k + 1);
        ck_assert_msg(r.status == answers[k].status, "%s: %d", answers[k].op, r.status);
        ck_assert_int_eq(r.reply.ptr != NULL, answers[k].reply);
        ck_assert(!answers[k].text || rig_says(r.text, answers[k].text));
    }
    query(50, "silent", 10000);
    query(51, "item", 10000); /* one that never ends keeps nobody waiting */
    ck_assert_uint_eq(rig_result(&h).token, 51);
    rig_deliver(&h, 60, 1, BB_DELIVER_OP, 10000);
    ck_assert_uint_eq(rig_result(&h).token, 60);
    rig_stop(&h);
    ck_assert_int_eq(rig_result(&h).status, BB_E_UNKNOWN); /* the silent one */
    rig_want(&h, BB_F_STOPPED);
    rig_close(&h);
}

START_TEST(answers_from_a_thread)
{
    answers_of(false);
}
END_TEST

START_TEST(answers_from_a_process)
{
    answers_of(true);
}
END_TEST

START_TEST(who_has_no_answers_does_not_start)
{
    struct rig_welcome w = {.plugin = "count", .roles = BB_ROLE_QUERY};

    rig_open(&h, false);
    rig_start(&h, 0);
    rig_welcome(&h, &w);
    rig_want(&h, BB_F_READY);
    ck_assert_int_eq(h.f.ready.status, BB_E_CONFIG);
    ck_assert(rig_says(h.f.ready.text, "busbar.query/1"));
    down();
}
END_TEST

START_TEST(a_sink_answers_no_question)
{
    up(false, NULL);
    query(1, "item", 1000);
    ck_assert_int_eq(rig_result(&h).status, BB_E_DOWN);
    down();
}
END_TEST

static void fill(TCase *t)
{
    tcase_add_test(t, asks_and_renders_in_a_thread);
    tcase_add_test(t, asks_and_renders_in_a_process);
    tcase_add_test(t, no_answer_in_time_comes_again_later);
    tcase_add_test(t, a_deliverys_own_time_ends_the_wait);
    tcase_add_test(t, an_answer_that_is_no_value_is_none);
    tcase_add_test(t, ping_is_answered_meanwhile);
    tcase_add_test(t, cancel_and_stop_end_the_wait);
    tcase_add_loop_test(t, who_waits_behind_a_question_waits_no_longer_than_that, 0, 2);
    tcase_add_test(t, a_cache_asks_once);
    tcase_add_test(t, answers_from_a_thread);
    tcase_add_test(t, answers_from_a_process);
    tcase_add_test(t, who_has_no_answers_does_not_start);
    tcase_add_test(t, a_sink_answers_no_question);
}

int main(int argc, char **argv)
{
    return rig_main(argc, argv, fill);
}
