/*
 * test_hub_peer.c - hosts that misbehave: floods, broken credit, frames out of order or too large
 *
 * The hub is real; the hosts are the test's own sockets (hub_rig.h). What is asked of the hub: it
 * says so in clear words, cuts who breaks the protocol, and the others keep their turn.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/hub_rig.h"

static struct rig rig;

static void setup(void)
{
    rig_configure(&rig);
    rig_start(&rig);
}

static void teardown(void)
{
    rig_stop(&rig);
}

static void send_log(struct rig_host *h, const char *text)
{
    static const uint8_t nothing = 0x80;
    struct bb_buf b;

    bb_buf_init(&b, 65536);
    bb_put_log(&b, h->session, BB_LOG_WARN, (struct bb_bytes){text, strlen(text)},
               (struct bb_bytes){&nothing, 1});
    rig_send(h, &b);
}

static void send_result(struct rig_host *h, uint64_t token, uint32_t n, size_t body)
{
    char *fill = calloc(1, body + 1);
    struct bb_w_result r = {.token = token};
    struct bb_list l;
    struct bb_buf b;

    ck_assert_ptr_nonnull(fill);
    if (body)
        r.reply = (struct bb_bytes){fill, body};
    bb_buf_init(&b, 1u << 26);
    l = bb_list_begin(&b, BB_F_RESULT, h->session);
    for (uint32_t i = 0; i < n; i++)
        bb_list_result(&b, &l, &r);
    bb_list_end(&b, &l);
    rig_send(h, &b);
    free(fill);
}

static void submit(struct rig_host *h, uint64_t cookie, unsigned n, size_t size)
{
    struct bb_buf b, m = rig_message("1", "i", size);

    bb_buf_init(&b, 1u << 28);
    bb_put_submit(&b, h->session, cookie, NULL, n);
    for (unsigned i = 0; i < n; i++)
        bb_put_bin(&b, m.ptr, m.len);
    rig_send(h, &b);
    bb_buf_free(&m);
}

START_TEST(log_lines_are_bounded_and_the_loss_is_said)
{
    struct rig_host h = rig_up(&rig, "dst");

    for (int i = 0; i < 4000; i++)
        send_log(&h, "over and over");
    send_log(&h, "the last");
    rig_wait_log(&rig, "lines of its host were dropped");
    ck_assert_uint_ge(rig_logged(&rig, "over and over"), 500);
    ck_assert_uint_le(rig_logged(&rig, "over and over"), 2500);
    ck_assert_uint_eq(rig_kills("dst"), 0); /* noisy, not hostile */
    rig_wait_status(&rig, "\"state\":\"up\"");
    rig_close(&h);
}
END_TEST

START_TEST(a_flood_of_wrong_hellos_does_not_fill_the_log)
{
    static const uint8_t wrong[16] = "not the secret.";
    struct rig_host h = rig_connect(&rig, "dst"), good;

    for (int i = 0; i < 4000; i++)
        rig_hello(&h, "dst", wrong);
    rig_wait_log(&rig, "lines of its host were dropped");
    ck_assert_uint_ge(rig_logged(&rig, "without the right secret"), 1);
    ck_assert_uint_le(rig_logged(&rig, "without the right secret"), 2500);
    rig_close(&h);
    good = rig_up(&rig, "dst"); /* who has it is welcome */
    rig_close(&good);
}
END_TEST

/* ---- cut ---------------------------------------------------------------------------------------- */

static void unknown_kind(struct rig_host *h)
{
    struct bb_buf b;

    bb_buf_init(&b, 256);
    bb_put_array(&b, 2);
    bb_put_uint(&b, 50);
    bb_put_uint(&b, h->session);
    rig_send(h, &b);
}

static void stale_result(struct rig_host *h)
{
    send_result(h, 12345, 4096, 0);
}

static void big_log(struct rig_host *h)
{
    static char text[60001];

    memset(text, 'x', sizeof text - 1);
    send_log(h, text);
}

static void unasked_alive(struct rig_host *h)
{
    struct bb_buf b;

    bb_buf_init(&b, 256);
    bb_put_alive(&b, h->session, 0, BB_OK, "");
    rig_send(h, &b);
}

static void malformed(struct rig_host *h)
{
    struct bb_buf b;

    bb_buf_init(&b, 256);
    bb_put_array(&b, 2);
    bb_put_uint(&b, BB_F_RESULT);
    bb_put_uint(&b, h->session);
    rig_send(h, &b);
}

static void ready_again(struct rig_host *h)
{
    struct bb_buf b;

    bb_buf_init(&b, 256);
    bb_put_ready(&b, h->session, BB_OK, "");
    rig_send(h, &b);
}

static void sinks_submit(struct rig_host *h)
{
    submit(h, 1, 1, 10);
}

static void many_messages(struct rig_host *h)
{
    submit(h, 1, 4000, 1);
}

static const struct {
    const char *endpoint;
    void (*misbehave)(struct rig_host *h);
    unsigned times; /* until it is cut, at most */
    const char *why;
} cuts[] = {
    {"dst", unknown_kind, 1000000, "floods the core"},
    {"dst", stale_result, 1000, "floods the core"},
    {"dst", big_log, 100000, "floods the core"},
    {"dst", unasked_alive, 1000000, "floods the core"},
    {"dst", malformed, 1, "malformed frame: RESULT frame: has 2 members"},
    {"dst", ready_again, 1, "READY twice"},
    {"dst", sinks_submit, 1, "no route takes from it"},
    {"src", many_messages, 1000, "beyond its credit"},
};

START_TEST(who_breaks_the_protocol_is_cut_and_told_why)
{
    struct rig_host h = rig_up(&rig, cuts[_i].endpoint);
    bool source = strcmp(cuts[_i].endpoint, "src") == 0;
    struct rig_host other = rig_up(&rig, source ? "dst" : "src");
    struct bb_frame f;
    zmq_msg_t m;

    rig_wait_status(&rig, "\"state\":\"up\"");
    for (unsigned i = 0; i < cuts[_i].times && !rig_kills(cuts[_i].endpoint); i++) {
        cuts[_i].misbehave(&h);
    }
    rig_wait_log(&rig, cuts[_i].why);
    rig_wait_status(&rig, cuts[_i].why); /* it is started again; the reason stays readable */
    ck_assert_uint_ge(rig_kills(cuts[_i].endpoint), 1);
    ck_assert_uint_eq(rig_kills(source ? "dst" : "src"), 0);
    if (!source) { /* and the other is served as ever */
        submit(&other, 7, 1, 100);
        rig_receive(&other, BB_F_ACKED, &m, &f);
        zmq_msg_close(&m);
    }
    rig_close(&h);
    rig_close(&other);
}
END_TEST

/* ---- refused -------------------------------------------------------------------------------------- */

/* Each is answered, but not as fast as it could be sent: the others would wait behind it. */
START_TEST(a_flood_of_refused_messages_is_answered_slowly)
{
    enum { N = 4000, WINDOW = 1000 };
    struct rig_host h = rig_up(&rig, "src");
    struct bb_buf b;
    int64_t began = bb_mono_ms();
    unsigned sent = 0, told = 0;

    bb_buf_init(&b, 1 << 16);
    while (told < N) {
        zmq_msg_t frame;
        struct bb_frame f;
        struct bb_w_acked a;

        for (; sent < N && sent - told < WINDOW; sent++) {
            bb_put_submit(&b, h.session, sent, NULL, 1);
            bb_put_bin(&b, "no message", 10);
            rig_send(&h, &b);
        }
        rig_receive(&h, BB_F_ACKED, &frame, &f);
        while (bb_frame_next_acked(&f, &a) == 1) {
            ck_assert_int_eq(a.status, BB_E_REJECT);
            told++;
        }
        zmq_msg_close(&frame);
    }
    ck_assert_int_ge(bb_mono_ms() - began, 1000); /* 2,000 a second, some at once */
    ck_assert_uint_eq(rig_kills("src"), 0);
    rig_close(&h);
}
END_TEST

/* ---- without the hub's thread, so that its socket and its turns can be looked at --------------- */

static struct bb_hub bare;
static struct rig_host bare_hosts[2];

static void bare_setup(void)
{
    static const char *const names[] = {"src/0", "dst/0"};
    struct bb_fault err = {0};
    int one = 1;

    rig_configure(&rig);
    bare.gen = &rig.gen;
    bare.now = 1000;
    snprintf(bare.run_dir, sizeof bare.run_dir, "%s", rig.run);
    snprintf(bare.address, sizeof bare.address, "ipc://%s/hub.sock", rig.run);
    ck_assert_int_eq(hub_peers_init(&bare), 0);
    ck_assert_msg(hub_frames_open(&bare, &err) == 0, "%s", err.text);
    rig.zmq = zmq_ctx_new();
    for (int i = 0; i < 2; i++) {
        bare_hosts[i] = (struct rig_host){.rig = &rig, .session = 5};
        bare_hosts[i].sock = zmq_socket(rig.zmq, ZMQ_DEALER);
        zmq_setsockopt(bare_hosts[i].sock, ZMQ_ROUTING_ID, names[i], 5);
        zmq_setsockopt(bare_hosts[i].sock, ZMQ_SNDHWM, i ? &one : &(int){1000}, sizeof one);
        zmq_setsockopt(bare_hosts[i].sock, ZMQ_LINGER, &(int){0}, sizeof one);
        ck_assert_int_eq(zmq_connect(bare_hosts[i].sock, bare.address), 0);
        bare.eps[i].peers[0].session = 5;
        bare.eps[i].state = EP_UP;
    }
}

static void bare_teardown(void)
{
    for (int i = 0; i < 2; i++) {
        zmq_close(bare_hosts[i].sock);
        free(bare.eps[i].peers);
    }
    free(bare.eps);
    zmq_close(bare.router);
    zmq_ctx_term(bare.zmq);
    rig_stop(&rig);
}

/* Two hosts, one with a long queue of large frames: a turn takes its share of that and all of the
 * other's. */
START_TEST(a_turn_ends_when_one_peer_has_had_its_share)
{
    uint64_t handled = 0;
    int turns = 0;

    for (int i = 0; i < 40; i++)
        send_result(&bare_hosts[0], 1, 1, 1u << 20);
    for (int i = 0; i < 10; i++)
        send_result(&bare_hosts[1], 1, 1, 10);
    for (; handled < 50; turns++) {
        zmq_pollitem_t it = {.socket = bare.router, .events = ZMQ_POLLIN};

        ck_assert_int_eq(zmq_poll(&it, 1, 5000), 1);
        bare.turns++;
        hub_frames(&bare);
        for (int i = 0; i < 2; i++) {
            struct hub_share *s = &bare.eps[i].peers[0].share;
            if (s->turn != bare.turns)
                continue;
            ck_assert_uint_le(s->bytes, 6u << 20);
            handled += s->frames;
        }
    }
    ck_assert_int_ge(turns, 8);
}
END_TEST

/* Who sends faster than the hub looks waits at its own end. */
START_TEST(few_frames_wait_in_the_core)
{
    static uint8_t frame[65536];
    int sent = 0;

    for (; sent < 5000; sent++) {
        zmq_pollitem_t it = {.socket = bare_hosts[1].sock, .events = ZMQ_POLLOUT};

        if (zmq_poll(&it, 1, 1000) <= 0)
            break;
        ck_assert_int_ge(zmq_send(bare_hosts[1].sock, frame, sizeof frame, ZMQ_DONTWAIT), 0);
    }
    ck_assert_int_ge(sent, 256);
    ck_assert_int_le(sent, 400);
}
END_TEST

START_TEST(a_frame_above_every_credit_is_not_read)
{
    struct rig_host h = rig_up(&rig, "src"), honest;
    void *monitor = zmq_socket(rig.zmq, ZMQ_PAIR);
    uint16_t event = 0;
    struct bb_frame f;
    zmq_msg_t m;

    rig_close(&h);
    honest = rig_connect(&rig, "src"); /* the same instance, its connection watched */
    honest.session = h.session;
    ck_assert_int_eq(zmq_socket_monitor(honest.sock, "inproc://events", ZMQ_EVENT_DISCONNECTED), 0);
    ck_assert_int_eq(zmq_connect(monitor, "inproc://events"), 0);
    submit(&honest, 1, 15, 1000000); /* about all of its credit */
    rig_receive(&honest, BB_F_ACKED, &m, &f);
    zmq_msg_close(&m);
    submit(&honest, 2, 24, 1000000);
    zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &(int){10000}, sizeof(int));
    zmq_msg_init(&m);
    ck_assert_int_ge(zmq_msg_recv(&m, monitor, 0), 0);
    memcpy(&event, zmq_msg_data(&m), sizeof event);
    ck_assert_uint_eq(event, ZMQ_EVENT_DISCONNECTED);
    zmq_msg_close(&m);
    zmq_close(monitor);
    ck_assert_uint_eq(rig_kills("src"), 0);
    rig_close(&honest);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hub-peer");
    TCase *t = tcase_create("misbehaving"), *bare_case = tcase_create("bare");
    SRunner *run;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, log_lines_are_bounded_and_the_loss_is_said);
    tcase_add_test(t, a_flood_of_wrong_hellos_does_not_fill_the_log);
    tcase_add_test(t, a_flood_of_refused_messages_is_answered_slowly);
    tcase_add_loop_test(t, who_breaks_the_protocol_is_cut_and_told_why, 0,
                        (int)(sizeof cuts / sizeof *cuts));
    suite_add_tcase(s, t);
    tcase_add_test(t, a_frame_above_every_credit_is_not_read);
    tcase_set_timeout(bare_case, 60);
    tcase_add_checked_fixture(bare_case, bare_setup, bare_teardown);
    tcase_add_test(bare_case, few_frames_wait_in_the_core);
    tcase_add_test(bare_case, a_turn_ends_when_one_peer_has_had_its_share);
    suite_add_tcase(s, bare_case);
    run = srunner_create(s);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed ? 1 : 0;
}
