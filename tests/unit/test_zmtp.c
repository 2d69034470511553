/*
 * test_zmtp.c - the DEALER of our own against libzmq's ROUTER, and against peers that break the rules
 */
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/wire/zmtp.h"

#define WAIT_MS 10000

static char folder[64], path[128];
static struct bb_zmtp *z;

static void setup(void)
{
    strcpy(folder, "/tmp/bb-zmtp-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    z = NULL;
}

static void teardown(void)
{
    bb_zmtp_close(&z, 1000);
    unlink(path);
    rmdir(folder);
}

static void connect_ok(void)
{
    struct bb_fault err = {0, ""};

    z = bb_zmtp_connect(path, "erp/0", &err);
    ck_assert_msg(z != NULL, "%s", err.text);
}

/* The next frame, or what recv says at its end or at the deadline. */
static int next(zmq_msg_t *m)
{
    int64_t until = bb_mono_ms() + WAIT_MS;
    int rc;

    while ((rc = bb_zmtp_recv(z, m)) == 0 && bb_mono_ms() < until) {
        struct pollfd p = {.fd = bb_zmtp_fd(z), .events = POLLIN};
        ck_assert_int_eq(bb_zmtp_flush(z), 0);
        poll(&p, 1, 100);
    }
    return rc;
}

/* ---- libzmq's ROUTER --------------------------------------------------------------------------- */
static void *ctx, *router;

static void router_open(void)
{
    char address[160];
    int wait = WAIT_MS, zero = 0;

    snprintf(address, sizeof address, "ipc://%s", path);
    ctx = zmq_ctx_new();
    router = zmq_socket(ctx, ZMQ_ROUTER);
    zmq_setsockopt(router, ZMQ_RCVTIMEO, &wait, sizeof wait);
    zmq_setsockopt(router, ZMQ_LINGER, &zero, sizeof zero);
    ck_assert_int_eq(zmq_bind(router, address), 0);
}

static void router_close(void)
{
    zmq_close(router);
    zmq_ctx_term(ctx);
}

static const size_t sizes[] = {0,     1,     2,     255,   256,   257,     8191,    16384,
                               16385, 65525, 65526, 65527, 65528, 65536,   65537,   131072,
                               0,     9,     1000,  70000, 3,     1 << 20, 3 << 20, 5};
#define SIZES (sizeof sizes / sizeof sizes[0])

static void fill(uint8_t *p, size_t n, size_t seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)((i * 31 + seed * 7 + (i >> 8)) & 0xff);
}

static void same(zmq_msg_t *m, size_t which)
{
    uint8_t *want = malloc(sizes[which] + 1);

    ck_assert_ptr_nonnull(want);
    fill(want, sizes[which], which);
    ck_assert_uint_eq(zmq_msg_size(m), sizes[which]);
    ck_assert(sizes[which] == 0 || memcmp(zmq_msg_data(m), want, sizes[which]) == 0);
    free(want);
}

START_TEST(frames_of_every_size_to_a_router)
{
    router_open();
    connect_ok();
    for (size_t k = 0; k < SIZES; k++) { /* also before the handshake is over */
        uint8_t *p = malloc(sizes[k] + 1);
        ck_assert_ptr_nonnull(p);
        fill(p, sizes[k], k);
        ck_assert_int_eq(bb_zmtp_send(z, p, sizes[k]), 0);
        free(p);
    }
    for (size_t k = 0; k < SIZES; k++) {
        zmq_msg_t id, m;
        int64_t until = bb_mono_ms() + WAIT_MS;
        int rc;

        zmq_msg_init(&id);
        zmq_msg_init(&m);
        while ((rc = zmq_msg_recv(&id, router, ZMQ_DONTWAIT)) < 0 && bb_mono_ms() < until) {
            zmq_msg_t none; /* the handshake and stuck output go on only here */
            struct pollfd p = {.fd = bb_zmtp_fd(z), .events = POLLIN};
            zmq_msg_init(&none);
            ck_assert_int_eq(bb_zmtp_recv(z, &none), 0);
            ck_assert_int_eq(bb_zmtp_flush(z), 0);
            poll(&p, 1, 1);
        }
        ck_assert_int_eq(rc, 5);
        ck_assert(memcmp(zmq_msg_data(&id), "erp/0", 5) == 0);
        ck_assert_int_ge(zmq_msg_recv(&m, router, 0), 0);
        ck_assert_int_eq(zmq_msg_more(&m), 0);
        same(&m, k);
        zmq_msg_close(&id);
        zmq_msg_close(&m);
    }
    router_close();
}
END_TEST

START_TEST(frames_of_every_size_from_a_router)
{
    uint8_t *p = malloc(3 << 20);
    zmq_msg_t m;
    char id[16];

    ck_assert_ptr_nonnull(p);
    router_open();
    connect_ok();
    zmq_msg_init(&m);
    ck_assert_int_eq(bb_zmtp_send(z, "hello", 5), 0);
    for (int64_t until = bb_mono_ms() + WAIT_MS; zmq_recv(router, id, sizeof id, ZMQ_DONTWAIT) < 0;) {
        ck_assert(bb_mono_ms() < until);
        ck_assert_int_eq(bb_zmtp_recv(z, &m), 0);
    }
    ck_assert_int_eq(zmq_recv(router, id, sizeof id, 0), 5);
    for (size_t k = 0; k < SIZES; k++) {
        fill(p, sizes[k], k);
        ck_assert_int_eq(zmq_send(router, "erp/0", 5, ZMQ_SNDMORE), 5);
        ck_assert_int_eq(zmq_send(router, p, sizes[k], 0), (int)sizes[k]);
    }
    for (size_t k = 0; k < SIZES; k++) {
        zmq_msg_init(&m);
        ck_assert_int_eq(next(&m), 1);
        same(&m, k);
        zmq_msg_close(&m);
    }
    free(p);
    router_close();
}
END_TEST

START_TEST(the_last_frames_leave_at_the_close)
{
    static uint8_t p[300000];
    char id[16];

    router_open();
    connect_ok();
    ck_assert_int_eq(bb_zmtp_send(z, "a", 1), 0);
    for (int64_t until = bb_mono_ms() + WAIT_MS; zmq_recv(router, id, sizeof id, ZMQ_DONTWAIT) < 0;) {
        zmq_msg_t none;
        ck_assert(bb_mono_ms() < until);
        zmq_msg_init(&none);
        ck_assert_int_eq(bb_zmtp_recv(z, &none), 0);
    }
    ck_assert_int_eq(zmq_recv(router, id, sizeof id, 0), 1);
    for (int k = 0; k < 10; k++)
        ck_assert_int_eq(bb_zmtp_send(z, p, sizeof p), 0);
    bb_zmtp_close(&z, WAIT_MS);
    for (int k = 0; k < 10; k++) {
        ck_assert_int_eq(zmq_recv(router, id, sizeof id, 0), 5);
        ck_assert_int_eq(zmq_recv(router, p, sizeof p, 0), (int)sizeof p);
    }
    router_close();
}
END_TEST

/* ---- a peer of our own making -------------------------------------------------------------------- */
static const uint8_t greeting[64] = {0xff, [9] = 0x7f, [10] = 3, 1, 'N', 'U', 'L', 'L'};
static int listener = -1, peer = -1;

static void peer_open(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    strcpy(a.sun_path, path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    connect_ok();
    peer = accept(listener, NULL, NULL);
    ck_assert_int_ge(peer, 0);
}

static void peer_close(void)
{
    close(peer);
    close(listener);
}

static void say(const void *p, size_t n)
{
    ck_assert_int_eq(send(peer, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

static const struct {
    const char *bytes;
    size_t n;
    int rc;
    bool greet;
} breaches[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nUser-Agent: someone/1.0\r\n\r\n", 64, -1, false},
    {"\4\6\5ERROR", 8, -1, true},
    {"\2\xff\xff\xff\xff\xff\xff\xff\xff", 9, -1, true},
    {"\2\0\0\0\0\x40\0\0\1", 9, -1, true}, /* a byte above what a frame may have */
    {"\4\5\4PING\0\3abc", 12, 1, true},    /* a command that means nothing, then a frame */
};

START_TEST(who_breaks_the_rules_is_left)
{
    zmq_msg_t m;

    peer_open();
    zmq_msg_init(&m);
    if (breaches[_i].greet)
        say(greeting, sizeof greeting);
    say(breaches[_i].bytes, breaches[_i].n);
    ck_assert_int_eq(next(&m), breaches[_i].rc);
    zmq_msg_close(&m);
    peer_close();
}
END_TEST

START_TEST(a_frame_byte_by_byte_and_the_end)
{
    static const char ready[] = "\4\51\5READY\13Socket-Type\0\0\0\6ROUTER\10Identity\0\0\0\0";
    static const char frame[] = "\2\0\0\0\0\0\0\0\5hello";
    zmq_msg_t m;

    peer_open();
    zmq_msg_init(&m);
    for (size_t k = 0; k < sizeof greeting; k++) {
        ck_assert_int_eq(bb_zmtp_recv(z, &m), 0);
        say(greeting + k, 1);
    }
    for (size_t k = 0; k < sizeof ready - 1; k++) {
        ck_assert_int_eq(bb_zmtp_recv(z, &m), 0);
        say(ready + k, 1);
    }
    for (size_t k = 0; k < sizeof frame - 1; k++) {
        ck_assert_int_eq(bb_zmtp_recv(z, &m), 0);
        say(frame + k, 1);
    }
    ck_assert_int_eq(next(&m), 1);
    ck_assert_uint_eq(zmq_msg_size(&m), 5);
    ck_assert(memcmp(zmq_msg_data(&m), "hello", 5) == 0);
    zmq_msg_close(&m);
    zmq_msg_init(&m);
    shutdown(peer, SHUT_WR);
    ck_assert_int_eq(next(&m), -1);
    peer_close();
}
END_TEST

START_TEST(output_that_is_stuck_goes_on)
{
    static uint8_t big[4 << 20], back[1 << 16];
    size_t n = 0;
    zmq_msg_t m;
    int before;

    peer_open();
    zmq_msg_init(&m);
    say(greeting, sizeof greeting);
    say("\4\6\5READY", 8);
    ck_assert_int_eq(bb_zmtp_recv(z, &m), 0);
    before = bb_zmtp_fd(z);
    fill(big, sizeof big, 1);
    ck_assert_int_eq(bb_zmtp_send(z, big, sizeof big), 0);
    ck_assert_int_eq(bb_zmtp_send(z, "end", 3), 0);
    ck_assert_int_eq(bb_zmtp_flush(z), 0);
    ck_assert_int_ne(bb_zmtp_fd(z), before);
    ck_assert_int_eq(recv(peer, back, 112, MSG_WAITALL), 112); /* the handshake's */
    while (n < 9 + sizeof big + 5) {
        struct pollfd p = {.fd = bb_zmtp_fd(z), .events = POLLIN};
        ssize_t got = recv(peer, back, sizeof back, MSG_DONTWAIT);
        if (got > 0) {
            size_t skip = n < 9 ? 9 - n : 0; /* the head */
            size_t at = n + skip - 9, len = (size_t)got > skip ? (size_t)got - skip : 0;
            if (at + len > sizeof big)
                len = at < sizeof big ? sizeof big - at : 0;
            ck_assert(len == 0 || memcmp(back + skip, big + at, len) == 0);
            n += (size_t)got;
            continue;
        }
        ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1); /* the descriptor says that there is room */
        ck_assert_int_eq(bb_zmtp_flush(z), 0);
    }
    ck_assert_int_eq(bb_zmtp_fd(z), before);
    peer_close();
}
END_TEST

START_TEST(no_peer)
{
    struct bb_fault err = {0, ""};
    char lengthy[200];

    ck_assert_ptr_null(bb_zmtp_connect(path, "erp/0", &err));
    ck_assert_ptr_nonnull(strstr(err.text, path));
    memset(lengthy, 'a', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = 0;
    ck_assert_ptr_null(bb_zmtp_connect(lengthy, "erp/0", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "107 characters"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("zmtp");
    TCase *t = tcase_create("zmtp");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, frames_of_every_size_to_a_router);
    tcase_add_test(t, frames_of_every_size_from_a_router);
    tcase_add_test(t, the_last_frames_leave_at_the_close);
    tcase_add_loop_test(t, who_breaks_the_rules_is_left, 0,
                        (int)(sizeof breaches / sizeof breaches[0]));
    tcase_add_test(t, a_frame_byte_by_byte_and_the_end);
    tcase_add_test(t, output_that_is_stuck_goes_on);
    tcase_add_test(t, no_peer);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
