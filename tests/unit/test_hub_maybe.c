/*
 * test_hub_maybe.c - a send whose answer was lost stays "maybe sent", whatever comes after it
 *
 * A redelivery that ends without an effect says nothing of the send before it: the mark stays until
 * the target answered. What only is rendered takes none of the sink's rate, and no more is rendered
 * than can be sent.
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/hub_rig.h"

static struct rig rig;
static struct rig_host dst, src;
static zmq_msg_t in;
static struct bb_frame frame;
static const struct bb_bytes none;

static void result(uint64_t token, int32_t status, struct bb_bytes body)
{
    struct bb_w_result r = {.token = token, .status = status, .body = body};
    struct bb_list l;
    struct bb_buf b;

    bb_buf_init(&b, 1 << 20);
    l = bb_list_begin(&b, BB_F_RESULT, dst.session);
    bb_list_result(&b, &l, &r);
    bb_list_end(&b, &l);
    rig_send(&dst, &b);
}

static void submit(int n)
{
    static uint64_t cookie;
    char id[16];
    struct bb_buf b, m;

    snprintf(id, sizeof id, "%d", n);
    m = rig_message(id, id, 100);
    bb_buf_init(&b, 4096);
    bb_put_submit(&b, src.session, ++cookie, NULL, 1);
    bb_put_bin(&b, m.ptr, m.len);
    rig_send(&src, &b);
    bb_buf_free(&m);
}

static struct bb_w_deliver delivery(void)
{
    struct bb_w_deliver d;

    zmq_msg_close(&in);
    rig_receive(&dst, BB_F_DELIVER, &in, &frame);
    ck_assert_int_eq(bb_frame_next_deliver(&frame, &d), 1);
    return d;
}

/* The route's count of a state comes to n. */
static void until_count(enum bb_dstate what, uint64_t n)
{
    struct bb_route_state st = {0};
    int64_t end = bb_mono_ms() + 20000;

    do {
        poll(NULL, 0, 10);
        ck_assert_int_eq(bb_journal_route(rig.journal, 1, &st), 0);
    } while (st.counts[what] != n && bb_mono_ms() < end);
    ck_assert_uint_eq(st.counts[what], n);
}

static const int32_t later[] = {BB_E_RETRY, BB_E_CANCEL, BB_E_DOWN, BB_E_REJECT, BB_NOT_APPLIED};

START_TEST(an_earlier_send_is_not_forgotten)
{
    int32_t status = later[_i];
    struct bb_w_deliver d;

    zmq_msg_init(&in);
    rig_configure(&rig);
    rig.route.on_unknown = BB_UNKNOWN_RETRY;
    rig.route.on_failure = BB_FAIL_SKIP;
    rig_start(&rig);
    dst = rig_up(&rig, "dst");
    src = rig_up(&rig, "src");
    submit(1);
    d = delivery();
    ck_assert_uint_eq(d.flags & BB_MSG_REDELIVERY, 0);
    result(d.token, BB_E_UNKNOWN, none);
    d = delivery();
    ck_assert_uint_eq(d.flags & BB_MSG_REDELIVERY, BB_MSG_REDELIVERY);
    result(d.token, status, none);
    if (status == BB_E_REJECT || status == BB_NOT_APPLIED) { /* not skipped: it may have been applied */
        until_count(BB_D_QUARANTINED, 1);
    } else {
        d = delivery();
        ck_assert_uint_eq(d.flags & BB_MSG_REDELIVERY, BB_MSG_REDELIVERY);
        result(d.token, BB_OK, none);
        until_count(BB_D_DELIVERED, 1);
    }
    zmq_msg_close(&in);
    rig_close(&src);
    rig_close(&dst);
    rig_stop(&rig);
}
END_TEST

START_TEST(what_is_rendered_can_be_sent)
{
    struct bb_buf made = rig_message("made", "x", 50);
    unsigned renders = 0, sends = 0;
    int64_t end;

    rig_configure(&rig);
    rig.impure = true;
    rig.route.order_by = NULL;
    rig.eps[1].limit.in_flight = 8;
    rig.eps[1].limit.rate = 20;
    rig.eps[1].limit.burst = 1;
    rig_start(&rig);
    src = rig_up(&rig, "src");
    for (int k = 0; k < 1000; k++)
        submit(k);
    dst = rig_up(&rig, "dst");
    end = bb_mono_ms() + 60000;
    while (sends < 30 && bb_mono_ms() < end) {
        zmq_pollitem_t it = {.socket = dst.sock, .events = ZMQ_POLLIN};
        zmq_msg_t m;

        zmq_poll(&it, 1, 100);
        zmq_msg_init(&m);
        if (zmq_msg_recv(&m, dst.sock, ZMQ_DONTWAIT) >= 0) {
            struct bb_w_deliver d;
            struct bb_frame g;

            bb_frame_read((struct bb_bytes){zmq_msg_data(&m), zmq_msg_size(&m)}, &g, NULL);
            while (g.kind == BB_F_DELIVER && bb_frame_next_deliver(&g, &d) == 1) {
                bool sent = d.flags & BB_DELIVER_RENDERED;

                sends += sent;
                renders += !sent;
                result(d.token, sent ? BB_OK : BB_WIRE_RENDERED, sent ? none : (struct bb_bytes){made.ptr, made.len});
            }
        }
        zmq_msg_close(&m);
    }
    ck_assert_uint_eq(sends, 30);
    ck_assert_uint_lt(renders, 500); /* not the whole backlog */
    rig_close(&src);
    rig_close(&dst);
    rig_stop(&rig);
    bb_buf_free(&made);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hub_maybe");
    TCase *t = tcase_create("maybe");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 90);
    tcase_add_loop_test(t, an_earlier_send_is_not_forgotten, 0, sizeof later / sizeof *later);
    tcase_add_test(t, what_is_rendered_can_be_sent);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
