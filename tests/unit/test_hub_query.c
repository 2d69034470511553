/*
 * test_hub_query.c - questions between endpoints, and bodies that are kept before they are sent
 *
 * The hub is real; the hosts are the test's own sockets (hub_rig.h): dst asks, src/query answers.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/hub_rig.h"

static struct rig rig;
static struct rig_host dst, tells;
static zmq_msg_t in;
static struct bb_frame f;

static void setup(void)
{
    rig_configure(&rig);
    rig_asks(&rig);
    rig_start(&rig);
    dst = rig_up(&rig, "dst");
}

static void teardown(void)
{
    rig_close(&dst);
    rig_stop(&rig);
}

static struct bb_bytes text(const char *s)
{
    return (struct bb_bytes){s, strlen(s)};
}

static void ask(uint64_t id, const char *endpoint, const char *op, uint32_t budget_ms, unsigned n)
{
    struct bb_w_query q = {.token = id, .endpoint = text(endpoint), .op = text(op),
                           .request = text("request"), .budget_ms = budget_ms};
    struct bb_list l;
    struct bb_buf b;

    bb_buf_init(&b, 1 << 20);
    l = bb_list_begin(&b, BB_F_ASK, dst.session);
    for (; n; n--, q.token++)
        bb_list_query(&b, &l, &q);
    bb_list_end(&b, &l);
    rig_send(&dst, &b);
}

static void result(struct rig_host *h, uint64_t token, int32_t status, struct bb_bytes reply, struct bb_bytes body)
{
    struct bb_w_result r = {.token = token, .status = status, .reply = reply, .body = body};
    struct bb_list l;
    struct bb_buf b;

    bb_buf_init(&b, 1 << 20);
    l = bb_list_begin(&b, BB_F_RESULT, h->session);
    bb_list_result(&b, &l, &r);
    bb_list_end(&b, &l);
    rig_send(h, &b);
}

static uint64_t question(void) /* the next that src/query gets */
{
    struct bb_w_query q;

    rig_receive(&tells, BB_F_QUERY, &in, &f);
    ck_assert_int_eq(bb_frame_next_query(&f, &q), 1);
    ck_assert(bb_bytes_are(q.op, "item"));
    ck_assert(bb_bytes_are(q.request, "request"));
    zmq_msg_close(&in);
    return q.token;
}

static struct bb_w_result answer(void) /* the next that dst gets; its bytes live until the next call */
{
    struct bb_w_result r;

    zmq_msg_close(&in);
    rig_receive(&dst, BB_F_ANSWER, &in, &f);
    ck_assert_int_eq(bb_frame_next_result(&f, &r), 1);
    return r;
}

static const struct bb_bytes none, reply = {"\x07", 1};

START_TEST(a_question_goes_and_its_answer_comes_back)
{
    struct bb_w_result r;
    uint64_t token;

    tells = rig_up(&rig, "src/query");
    rig_wait_log(&rig, "\"src/query\" is up");
    ask(41, "src", "item", 5000, 1);
    token = question();
    result(&tells, token, BB_OK, reply, none);
    r = answer();
    ck_assert_uint_eq(r.token, 41);
    ck_assert_int_eq(r.status, BB_OK);
    ck_assert_uint_eq(r.reply.len, 1);
    result(&tells, token, BB_OK, reply, none); /* a second time: it answers nothing */
    rig_wait_status(&rig, "\"tokens_stale\":1");
    ck_assert_uint_eq(rig_kills("dst") + rig_kills("src/query"), 0);
    zmq_msg_close(&in);
    rig_close(&tells);
}
END_TEST

START_TEST(only_what_a_step_asks_may_be_asked)
{
    tells = rig_up(&rig, "src/query");
    rig_wait_log(&rig, "\"src/query\" is up");
    ask(1, "src", "salary", 5000, 1);
    ck_assert_int_eq(answer().status, BB_E_REJECT);
    ask(2, "dst", "item", 5000, 1);
    ck_assert_int_eq(answer().status, BB_E_REJECT);
    ask(3, "nobody", "item", 5000, 1);
    ck_assert_int_eq(answer().status, BB_E_REJECT);
    zmq_msg_close(&in);
    rig_close(&tells);
}
END_TEST

START_TEST(who_is_not_up_answers_down_at_once)
{
    struct bb_w_result r;

    ask(5, "src", "item", 60000, 1);
    r = answer();
    ck_assert_int_eq(r.status, BB_E_DOWN);
    ck_assert(bb_bytes_are(r.text, "it does not answer: it is starting"));
    zmq_msg_close(&in);
}
END_TEST

START_TEST(a_late_answer_is_no_answer)
{
    uint64_t token;

    tells = rig_up(&rig, "src/query");
    rig_wait_log(&rig, "\"src/query\" is up");
    ask(6, "src", "item", 50, 1);
    token = question();
    ck_assert_int_eq(answer().status, BB_E_UNKNOWN);
    zmq_msg_close(&in);
    rig_receive(&tells, BB_F_CANCEL, &in, &f);
    zmq_msg_close(&in);
    result(&tells, token, BB_OK, reply, none); /* still due, and nobody hears it */
    ask(7, "src", "item", 5000, 1);
    result(&tells, question(), BB_E_REJECT, none, none);
    ck_assert_int_eq(answer().status, BB_E_REJECT);
    zmq_msg_close(&in);
    rig_close(&tells);
}
END_TEST

START_TEST(who_asks_beyond_the_credit_is_cut)
{
    tells = rig_up(&rig, "src/query");
    rig_wait_log(&rig, "\"src/query\" is up");
    ask(1, "src", "item", 60000, HUB_ASKS + 1);
    rig_wait_log(&rig, "it asks beyond its credit of 64 questions");
    ck_assert_uint_eq(rig_kills("dst"), 1);
    rig_close(&tells);
}
END_TEST

START_TEST(a_malformed_question_cuts_its_sender)
{
    struct bb_buf b;

    bb_buf_init(&b, 64);
    bb_put_array(&b, 3);
    bb_put_uint(&b, BB_F_ASK);
    bb_put_uint(&b, dst.session);
    bb_put_array(&b, 1);
    bb_put_uint(&b, 3);
    rig_send(&dst, &b);
    rig_wait_log(&rig, "it sent a malformed ASK");
    ck_assert_uint_eq(rig_kills("dst"), 1);
}
END_TEST

START_TEST(the_end_of_the_asked_host_answers)
{
    tells = rig_up(&rig, "src/query");
    rig_wait_log(&rig, "\"src/query\" is up");
    ask(9, "src", "item", 60000, 1);
    question();
    for (int k = 0; k < 2; k++) { /* READY again is against the protocol */
        struct bb_buf b;

        bb_buf_init(&b, 256);
        bb_put_ready(&b, tells.session, BB_OK, "");
        rig_send(&tells, &b);
    }
    ck_assert_int_eq(answer().status, BB_E_DOWN);
    zmq_msg_close(&in);
    ck_assert_uint_eq(rig_kills("src/query"), 1);
    ck_assert_uint_eq(rig_kills("dst") + rig_kills("src"), 0);
    rig_close(&tells);
}
END_TEST

/* ---- kept before sent ------------------------------------------------------------------------------------ */
static struct rig_host src;

static void setup_impure(void)
{
    rig_configure(&rig);
    rig.impure = true;
    rig_start(&rig);
    dst = rig_up(&rig, "dst");
    src = rig_up(&rig, "src");
}

static void teardown_impure(void)
{
    rig_close(&src);
    teardown();
}

static void submit(const char *id)
{
    struct bb_buf b, m = rig_message(id, "i", 100);

    bb_buf_init(&b, 4096);
    bb_put_submit(&b, src.session, 1, NULL, 1);
    bb_put_bin(&b, m.ptr, m.len);
    rig_send(&src, &b);
    bb_buf_free(&m);
}

static struct bb_w_deliver delivery(void) /* its bytes live until the next call */
{
    struct bb_w_deliver d;

    zmq_msg_close(&in);
    rig_receive(&dst, BB_F_DELIVER, &in, &f);
    ck_assert_int_eq(bb_frame_next_deliver(&f, &d), 1);
    return d;
}

static struct bb_bytes body_of(const struct bb_buf *b)
{
    return (struct bb_bytes){b->ptr, b->len};
}

START_TEST(a_body_is_kept_and_sent_as_it_is)
{
    struct bb_buf made = rig_message("made", "of it", 50);
    struct bb_w_deliver d;

    submit("1");
    d = delivery();
    ck_assert_uint_eq(d.flags, 0);
    result(&dst, d.token, BB_WIRE_RENDERED, none, body_of(&made));
    for (int k = 0; k < 3; k++) { /* and as often as it is sent */
        d = delivery();
        ck_assert_uint_eq(d.flags, BB_DELIVER_RENDERED);
        ck_assert_uint_eq(d.attempt, (uint32_t)k + 1);
        ck_assert_uint_eq(d.whole.len, made.len);
        ck_assert_mem_eq(d.whole.ptr, made.ptr, made.len);
        result(&dst, d.token, k < 2 ? BB_E_RETRY : BB_OK, none, none);
    }
    rig_wait_status(&rig, "\"delivered\":1");
    zmq_msg_close(&in);
    bb_buf_free(&made);
}
END_TEST

START_TEST(a_host_that_dies_before_the_body_is_kept_has_sent_nothing)
{
    struct bb_w_deliver d;

    submit("1");
    d = delivery();
    for (int k = 0; k < 2; k++) {
        struct bb_buf b;

        bb_buf_init(&b, 256);
        bb_put_ready(&b, dst.session, BB_OK, "");
        rig_send(&dst, &b);
    }
    rig_wait_log(&rig, "\"dst\": its host killed");
    rig_close(&dst);
    rig_wait_status(&rig, "\"state\":\"starting\"");
    dst = rig_up(&rig, "dst");
    d = delivery();
    ck_assert_uint_eq(d.flags, 0); /* no redelivery, and rendered anew */
    result(&dst, d.token, BB_NOT_APPLIED, none, none);
    rig_wait_status(&rig, "\"skipped\":1");
    zmq_msg_close(&in);
}
END_TEST

START_TEST(rendered_says_nothing_without_a_body_or_twice)
{
    struct bb_buf made = rig_message("made", "of it", 50);
    struct bb_w_deliver d;

    submit("1");
    d = delivery();
    result(&dst, d.token, BB_WIRE_RENDERED, none, none);
    rig_wait_status(&rig, "\"quarantined\":1"); /* on_unknown */
    submit("2");
    d = delivery();
    result(&dst, d.token, BB_WIRE_RENDERED, none, body_of(&made));
    d = delivery();
    result(&dst, d.token, BB_WIRE_RENDERED, none, body_of(&made));
    rig_wait_status(&rig, "\"quarantined\":2");
    zmq_msg_close(&in);
    bb_buf_free(&made);
}
END_TEST

START_TEST(a_step_without_an_answer_spends_no_attempt)
{
    static const char why[] = "step 1 (enrich): no answer";
    struct bb_w_deliver d;

    submit("1");
    for (int k = 0; k < 8; k++) { /* more than the route's attempts */
        struct bb_w_result r = {.status = BB_E_CANCEL, .has_error = true, .retry_after_ms = 5,
                                .text = {why, sizeof why - 1}};
        struct bb_list l;
        struct bb_buf b;

        d = delivery();
        ck_assert_uint_eq(d.attempt, 1);
        ck_assert_uint_eq(d.flags, 0);
        r.token = d.token;
        bb_buf_init(&b, 4096);
        l = bb_list_begin(&b, BB_F_RESULT, dst.session);
        bb_list_result(&b, &l, &r);
        bb_list_end(&b, &l);
        rig_send(&dst, &b);
    }
    d = delivery();
    result(&dst, d.token, BB_NOT_APPLIED, none, none);
    rig_wait_status(&rig, "\"skipped\":1");
    zmq_msg_close(&in);
}
END_TEST

/* ---- asked in vain ------------------------------------------------------------------------------------------ */
static void result_later(uint64_t token)
{
    static const char why[] = "step 1 (enrich): no answer";
    struct bb_w_result r = {.token = token, .status = BB_E_CANCEL, .has_error = true, .retry_after_ms = 100,
                            .text = {why, sizeof why - 1}};
    struct bb_list l;
    struct bb_buf b;

    bb_buf_init(&b, 4096);
    l = bb_list_begin(&b, BB_F_RESULT, dst.session);
    bb_list_result(&b, &l, &r);
    bb_list_end(&b, &l);
    rig_send(&dst, &b);
}

/* Until then: "later" to all, or with late to that one alone, to the others a body. How often "later". */
static unsigned in_vain(int64_t until, const char *late, unsigned *seen)
{
    struct bb_buf made = rig_message("made", "of it", 50);
    unsigned n = 0;

    while (bb_mono_ms() < until) {
        zmq_pollitem_t it = {.socket = dst.sock, .events = ZMQ_POLLIN};
        struct bb_w_deliver d;
        struct bb_envelope e;
        zmq_msg_t m;

        zmq_poll(&it, 1, 20);
        zmq_msg_init(&m);
        if (zmq_msg_recv(&m, dst.sock, ZMQ_DONTWAIT) >= 0) {
            bb_frame_read((struct bb_bytes){zmq_msg_data(&m), zmq_msg_size(&m)}, &f, NULL);
            while (f.kind == BB_F_DELIVER && bb_frame_next_deliver(&f, &d) == 1) {
                ck_assert_int_eq(bb_envelope_read(d.whole, &e, NULL), 0);
                if (d.flags & BB_DELIVER_RENDERED) {
                    result(&dst, d.token, BB_OK, none, none);
                } else if (late && !bb_bytes_are(e.id, late)) {
                    result(&dst, d.token, BB_WIRE_RENDERED, none, body_of(&made));
                } else {
                    if (seen && e.id.len <= 2)
                        seen[strtoul((const char[3]){((const char *)e.id.ptr)[0],
                                                     e.id.len > 1 ? ((const char *)e.id.ptr)[1] : '\0', '\0'},
                                     NULL, 10)]++;
                    result_later(d.token);
                    n++;
                }
            }
        }
        zmq_msg_close(&m);
    }
    bb_buf_free(&made);
    return n;
}

static void submit_many(void)
{
    char id[8];

    rig.route.order_by = NULL;
    rig_start(&rig);
    dst = rig_up(&rig, "dst");
    src = rig_up(&rig, "src");
    for (unsigned k = 0; k < 40; k++) {
        snprintf(id, sizeof id, "%u", k);
        submit(id);
    }
}

static void setup_vain(void)
{
    rig_configure(&rig);
    rig.impure = true;
}

/* One of each kind a period, which doubles from 100 ms: not each of them every 100 ms. */
START_TEST(who_asks_in_vain_asks_seldom)
{
    unsigned seen[100] = {0}, n;

    submit_many();
    n = in_vain(bb_mono_ms() + 6000, NULL, seen);
    ck_assert_uint_ge(n, 8);
    ck_assert_uint_lt(n, 45); /* 11 at once, some 10 later; without a gate hundreds */
    for (unsigned k = 0; k < 40; k++)
        ck_assert_uint_le(seen[k], 6); /* and not one of them all the time */
}
END_TEST

START_TEST(one_without_an_answer_keeps_no_other)
{
    submit_many();
    in_vain(bb_mono_ms() + 1500, NULL, NULL);
    in_vain(bb_mono_ms() + 6000, "3", NULL); /* the asked one is back, but for 3 */
    rig_wait_status(&rig, "\"delivered\":39,");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hub_query");
    TCase *t = tcase_create("questions"), *k = tcase_create("kept"), *v = tcase_create("vain");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_question_goes_and_its_answer_comes_back);
    tcase_add_test(t, only_what_a_step_asks_may_be_asked);
    tcase_add_test(t, who_is_not_up_answers_down_at_once);
    tcase_add_test(t, a_late_answer_is_no_answer);
    tcase_add_test(t, who_asks_beyond_the_credit_is_cut);
    tcase_add_test(t, a_malformed_question_cuts_its_sender);
    tcase_add_test(t, the_end_of_the_asked_host_answers);
    suite_add_tcase(s, t);
    tcase_add_checked_fixture(k, setup_impure, teardown_impure);
    tcase_set_timeout(k, 60);
    tcase_add_test(k, a_body_is_kept_and_sent_as_it_is);
    tcase_add_test(k, a_host_that_dies_before_the_body_is_kept_has_sent_nothing);
    tcase_add_test(k, rendered_says_nothing_without_a_body_or_twice);
    tcase_add_test(k, a_step_without_an_answer_spends_no_attempt);
    suite_add_tcase(s, k);
    tcase_add_checked_fixture(v, setup_vain, teardown_impure);
    tcase_set_timeout(v, 60);
    tcase_add_test(v, who_asks_in_vain_asks_seldom);
    tcase_add_test(v, one_without_an_answer_keeps_no_other);
    suite_add_tcase(s, v);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
