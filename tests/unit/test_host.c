/*
 * test_host.c - real hosts, as threads and as processes, against a hub that the test plays
 *
 * The program is also the host: `test_host host --endpoint ...` is what bb_child_start() runs.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>
#include <busbar/json.h>

#include "core/host/host.h"
#include "core/wire/wire.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#define WAIT_MS 20000 /* a deadline for what should take milliseconds */

static char self[4096];
static const char *plugins(void)
{
    const char *p = getenv("BB_TEST_PLUGINS");

    return p ? p : TEST_PLUGINS;
}

/* ---- the hub's part ------------------------------------------------------------------------------ */

struct hub {
    void *zmq, *router;
    struct bb_child *child;
    char address[128], folder[64], peer[64];
    uint64_t session;
    zmq_msg_t in;
    struct bb_frame f;
    struct bb_buf out;
};

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void hub_open(struct hub *h, bool process)
{
    memset(h, 0, sizeof(*h));
    h->zmq = zmq_ctx_new();
    h->router = zmq_socket(h->zmq, ZMQ_ROUTER);
    ck_assert_ptr_nonnull(h->router);
    if (process) {
        strcpy(h->folder, "/tmp/bb-host-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(h->folder));
        snprintf(h->address, sizeof(h->address), "ipc://%s/hub.sock", h->folder);
    } else {
        strcpy(h->address, BB_WIRE_INPROC);
    }
    ck_assert_int_eq(zmq_bind(h->router, h->address), 0);
    bb_buf_init(&h->out, 64u << 20);
    zmq_msg_init(&h->in);
}

static void hub_start(struct hub *h, uint64_t memory_max)
{
    struct bb_child_spec s = {.program = h->folder[0] ? self : NULL, .endpoint = "erp",
                              .address = h->address, .zmq = h->zmq, .workers = 1,
                              .memory_max = memory_max};
    struct bb_fault err = {0, ""};

    h->child = bb_child_start(&s, &err);
    ck_assert_msg(h->child != NULL, "%s", err.text);
}

static void hub_close(struct hub *h)
{
    char how[96];

    for (uint64_t end = now_ms() + WAIT_MS; h->child && !bb_child_ended(h->child, how, 96);) {
        ck_assert_msg(now_ms() < end, "the host does not end");
        poll(NULL, 0, 1);
    }
    bb_child_free(&h->child);
    zmq_msg_close(&h->in);
    zmq_close(h->router);
    ck_assert_int_eq(zmq_ctx_term(h->zmq), 0);
    bb_buf_free(&h->out);
    if (h->folder[0]) {
        unlink(h->address + 6);
        rmdir(h->folder);
    }
}

/* Next frame of this kind, others are passed over; false at the deadline. */
static bool hub_next(struct hub *h, uint32_t kind, uint64_t ms)
{
    uint64_t end = now_ms() + ms;

    for (;;) {
        zmq_pollitem_t p = {h->router, 0, ZMQ_POLLIN, 0};
        uint64_t now = now_ms();
        struct bb_bytes b;
        int n;

        if (now >= end || zmq_poll(&p, 1, (long)(end - now)) <= 0)
            return false;
        n = zmq_recv(h->router, h->peer, sizeof(h->peer) - 1, 0);
        ck_assert_int_gt(n, 0);
        h->peer[n] = '\0';
        zmq_msg_close(&h->in);
        zmq_msg_init(&h->in);
        ck_assert_int_ge(zmq_msg_recv(&h->in, h->router, 0), 0);
        b.ptr = zmq_msg_data(&h->in);
        b.len = zmq_msg_size(&h->in);
        ck_assert_int_eq(bb_frame_read(b, &h->f, NULL), 0);
        if (h->f.kind == kind)
            return true;
    }
}

static void hub_want(struct hub *h, uint32_t kind)
{
    ck_assert_msg(hub_next(h, kind, WAIT_MS), "no frame of kind %u came", kind);
}

static void hub_send(struct hub *h)
{
    ck_assert(!h->out.failed);
    ck_assert_int_ge(zmq_send(h->router, "erp/0", 5, ZMQ_SNDMORE), 0);
    ck_assert_int_ge(zmq_send(h->router, h->out.ptr, h->out.len, 0), 0);
    bb_buf_reset(&h->out);
}

static void json(struct bb_buf *b, const char *text)
{
    struct bb_bytes in = {text, strlen(text)};

    bb_buf_init(b, 1 << 20);
    ck_assert_int_eq(bb_json_read(in, b, NULL), 0);
}

struct welcome {
    const char *plugin, *config, *steps; /* steps: JSON of route 1 */
    uint64_t messages, bytes;
    uint32_t roles, batch;
};

static void hub_welcome(struct hub *h, const struct welcome *w)
{
    struct bb_buf map, v;
    char path[4096];

    hub_want(h, BB_F_HELLO);
    ck_assert_str_eq(h->peer, "erp/0");
    ck_assert_uint_eq(h->f.hello.secret.len, 16);
    ck_assert(memcmp(h->f.hello.secret.ptr, bb_child_secret(h->child), 16) == 0);
    if (w->plugin[0] == '/')
        snprintf(path, sizeof(path), "%s", w->plugin);
    else
        snprintf(path, sizeof(path), "%s/%s.so", plugins(), w->plugin);
    bb_buf_init(&map, 1 << 20);
    bb_put_map(&map, 10);
    bb_put_cstr(&map, "config");
    json(&v, w->config ? w->config : "{}");
    bb_put_bin(&map, v.ptr, v.len);
    bb_buf_free(&v);
    bb_put_cstr(&map, "secrets");
    bb_put_map(&map, 1);
    bb_put_cstr(&map, "handle-1");
    bb_put_cstr(&map, "hunter2hunter2");
    bb_put_cstr(&map, "roles");
    bb_put_uint(&map, w->roles ? w->roles : BB_ROLE_SINK);
    bb_put_cstr(&map, "workers");
    bb_put_uint(&map, 1);
    bb_put_cstr(&map, "plugin");
    bb_put_cstr(&map, path);
    bb_put_cstr(&map, "messages");
    bb_put_uint(&map, w->messages);
    bb_put_cstr(&map, "bytes");
    bb_put_uint(&map, w->bytes);
    bb_put_cstr(&map, "state");
    bb_put_nil(&map);
    bb_put_cstr(&map, "routes");
    bb_put_map(&map, w->steps ? 1 : 0);
    if (w->steps) {
        json(&v, w->steps);
        bb_put_uint(&map, 1);
        bb_put_bin(&map, v.ptr, v.len);
        bb_buf_free(&v);
    }
    bb_put_cstr(&map, "batch");
    bb_put_uint(&map, w->batch ? w->batch : 64);
    ck_assert(!map.failed);
    h->session++;
    bb_put_welcome(&h->out, h->session, (struct bb_bytes){map.ptr, map.len});
    hub_send(h);
    bb_buf_free(&map);
}

static void hub_up(struct hub *h, bool process, const struct welcome *w)
{
    hub_open(h, process);
    hub_start(h, 0);
    hub_welcome(h, w);
    if (!(w->roles & BB_ROLE_SOURCE)) {
        hub_want(h, BB_F_READY);
        ck_assert_msg(h->f.ready.status == 0, "not ready: %.*s", (int)h->f.ready.text.len,
                      (const char *)h->f.ready.text.ptr);
    }
}

static void hub_stop(struct hub *h)
{
    bb_put_stop(&h->out, h->session, 5000);
    hub_send(h);
}

static void message(struct bb_buf *b, unsigned n)
{
    char text[300];

    snprintf(text, sizeof(text),
             "[{\"specversion\":\"1.0\",\"id\":\"m-%u\",\"source\":\"/t\",\"type\":\"mfg.t\","
             "\"item\":\"i\"},{\"n\":%u,\"qty\":1.50}]", n, n);
    json(b, text);
}

/* n deliveries with tokens first.., on route 1, in one frame. */
static void hub_deliver(struct hub *h, uint64_t first, unsigned n, uint32_t op, uint32_t budget_ms)
{
    struct bb_list l = bb_list_begin(&h->out, BB_F_DELIVER, h->session);

    for (unsigned i = 0; i < n; i++) {
        struct bb_w_deliver d = {.token = first + i, .op = op, .route = 1, .attempt = 1,
                                 .budget_ms = budget_ms};
        char key[32];
        struct bb_buf m;

        snprintf(key, sizeof(key), "key-%u", (unsigned)(first + i));
        message(&m, i);
        d.key = d.short_key = (struct bb_bytes){key, strlen(key)};
        d.whole = (struct bb_bytes){m.ptr, m.len};
        bb_list_deliver(&h->out, &l, &d);
        bb_buf_free(&m);
    }
    bb_list_end(&h->out, &l);
    hub_send(h);
}

/* The next result, from whatever frame it comes in. */
static struct bb_w_result hub_result(struct hub *h)
{
    struct bb_w_result r;
    int rc = 0;

    while (h->f.kind != BB_F_RESULT || (rc = bb_frame_next_result(&h->f, &r)) == 0)
        hub_want(h, BB_F_RESULT);
    ck_assert_int_eq(rc, 1);
    return r;
}

static bool says(struct bb_bytes b, const char *text)
{
    return b.ptr && memmem(b.ptr, b.len, text, strlen(text)) != NULL;
}

static void hub_cancel(struct hub *h, uint64_t token)
{
    struct bb_list l = bb_list_begin(&h->out, BB_F_CANCEL, h->session);

    bb_list_token(&h->out, &l, token);
    bb_list_end(&h->out, &l);
    hub_send(h);
}

static void hub_acked(struct hub *h, uint64_t cookie, int32_t status)
{
    struct bb_list l = bb_list_begin(&h->out, BB_F_ACKED, h->session);
    struct bb_w_acked a = {.cookie = cookie, .status = status};

    bb_list_acked(&h->out, &l, &a);
    bb_list_end(&h->out, &l);
    hub_send(h);
}

/* ---- sinks --------------------------------------------------------------------------------------- */

static void deliver_and_stop(bool process, const char *config)
{
    struct hub h;
    struct welcome w = {.plugin = "count", .config = config};

    hub_up(&h, process, &w);
    hub_deliver(&h, 100, 300, BB_DELIVER_OP, 10000);
    for (unsigned i = 0; i < 300; i++) {
        struct bb_w_result r = hub_result(&h);

        ck_assert_uint_eq(r.token, 100 + i);
        ck_assert_int_eq(r.status, BB_OK);
        ck_assert(!r.has_error && !r.body.ptr);
    }
    hub_stop(&h);
    hub_want(&h, BB_F_STOPPED);
    hub_close(&h);
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
    struct hub h;
    struct welcome w = {.plugin = "count"};
    struct bb_w_result r;

    hub_up(&h, false, &w);
    hub_deliver(&h, 1, 200, BB_DELIVER_OP, 0);
    hub_want(&h, BB_F_RESULT);
    ck_assert_uint_gt(h.f.n, 50);
    while (bb_frame_next_result(&h.f, &r) == 1)
        ;
    hub_stop(&h);
    hub_close(&h);
}
END_TEST

START_TEST(transform_runs_before_the_sink)
{
    struct hub h;
    struct welcome w = {.plugin = "count",
                        .config = "{\"fail_every\": 1, \"fail_with\": \"unknown\"}",
                        .steps = "[{\"map\":[{\"rename\":{\"from\":\"/data/qty\",\"to\":"
                                 "\"/data/menge\"}}]}]"};
    struct bb_w_result r;

    hub_up(&h, false, &w);
    hub_deliver(&h, 7, 1, BB_DELIVER_OP, 0);
    r = hub_result(&h);
    ck_assert_int_eq(r.status, BB_E_UNKNOWN);
    ck_assert(says(r.vendor_code, "T/001") && says(r.text, "fails as configured"));
    ck_assert_msg(says(r.body, "menge") && !says(r.body, "qty"), "no rendered body");
    hub_stop(&h);
    hub_close(&h);
}
END_TEST

START_TEST(transform_that_fails_rejects)
{
    struct hub h;
    struct welcome w = {.plugin = "count",
                        .steps = "[{\"map\":[{\"rename\":{\"from\":\"/data/none\",\"to\":"
                                 "\"/data/x\"}}]}]"};
    struct bb_w_result r;

    hub_up(&h, false, &w);
    hub_deliver(&h, 7, 1, BB_DELIVER_OP, 0);
    r = hub_result(&h);
    ck_assert_int_eq(r.status, BB_E_REJECT);
    ck_assert(says(r.text, "/data/none") && r.vendor_code.len == 0 && !r.body.ptr);
    hub_stop(&h);
    hub_close(&h);
}
END_TEST

START_TEST(probe)
{
    struct hub h;
    struct welcome w = {.plugin = "count"};

    hub_up(&h, false, &w);
    hub_deliver(&h, 7, 1, BB_DELIVER_OP, 0);
    ck_assert_int_eq(hub_result(&h).status, BB_OK);
    hub_deliver(&h, 7, 1, BB_DELIVER_PROBE, 0);
    ck_assert_int_eq(hub_result(&h).status, BB_OK);
    hub_deliver(&h, 8, 1, BB_DELIVER_PROBE, 0);
    ck_assert_int_eq(hub_result(&h).status, BB_NOT_APPLIED);
    hub_stop(&h);
    hub_close(&h);
}
END_TEST

START_TEST(probe_without_the_extension)
{
    struct hub h;
    struct welcome w = {.plugin = "late"};

    hub_up(&h, false, &w);
    hub_deliver(&h, 7, 1, BB_DELIVER_PROBE, 0);
    ck_assert_int_eq(hub_result(&h).status, BB_E_UNSUP);
    hub_stop(&h);
    hub_close(&h);
}
END_TEST

START_TEST(late_and_double_done)
{
    struct hub h;
    struct welcome w = {.plugin = "late", .config = "{\"at\": 3}"};
    bool counted = false;

    hub_up(&h, false, &w);
    hub_deliver(&h, 1, 20, BB_DELIVER_OP, 0);
    for (unsigned i = 0; i < 20; i++) {
        struct bb_w_result r = hub_result(&h);

        ck_assert_uint_eq(r.token, 1 + i);
        ck_assert_int_eq(r.status, BB_OK); /* the first answer counts */
    }
    hub_stop(&h);
    hub_want(&h, BB_F_LOG);
    /* 2 more done() each, 19 for the one before, 20 for the next, not yet given, 20 by returning */
    counted = says(h.f.log.text, "ended 99 deliveries late or twice");
    ck_assert_msg(counted, "%.*s", (int)h.f.log.text.len, (const char *)h.f.log.text.ptr);
    ck_assert_msg(!hub_next(&h, BB_F_RESULT, 200), "a token ended twice");
    hub_close(&h);
}
END_TEST

START_TEST(open_tokens_end_unknown_at_stop)
{
    struct hub h;
    struct welcome w = {.plugin = "count", .config = "{\"swallow\": true}"};

    hub_up(&h, false, &w);
    hub_deliver(&h, 1, 5, BB_DELIVER_OP, 0);
    ck_assert(!hub_next(&h, BB_F_RESULT, 100));
    hub_stop(&h);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_int_eq(hub_result(&h).status, BB_E_UNKNOWN);
    hub_want(&h, BB_F_STOPPED);
    hub_close(&h);
}
END_TEST

/* A blocking plugin that asks cancelled() keeps answering, gives back what it never took, and
 * comes back when it is cancelled. */
START_TEST(cancel_during_a_blocking_call)
{
    struct hub h;
    struct welcome w = {.plugin = "hang", .config = "{\"heed\": true}"};
    struct bb_w_result r;

    hub_up(&h, false, &w);
    hub_deliver(&h, 1, 3, BB_DELIVER_OP, 0);
    for (uint64_t end = now_ms() + WAIT_MS; h.f.kind != BB_F_ALIVE || h.f.alive.busy_ms < 20;) {
        ck_assert(now_ms() < end);
        bb_put_ping(&h.out, h.session);
        hub_send(&h);
        hub_want(&h, BB_F_ALIVE);
    }
    hub_cancel(&h, 2); /* waits behind the first */
    r = hub_result(&h);
    ck_assert(r.token == 2 && r.status == BB_E_CANCEL);
    hub_cancel(&h, 1);
    r = hub_result(&h);
    ck_assert(r.token == 1 && r.status == BB_E_CANCEL);
    hub_stop(&h); /* the third is in the call by now, or was never handed over */
    r = hub_result(&h);
    ck_assert_uint_eq(r.token, 3);
    ck_assert(r.status == BB_E_CANCEL || r.status == BB_E_RETRY);
    hub_want(&h, BB_F_STOPPED);
    hub_close(&h);
}
END_TEST

START_TEST(deadline_before_the_hand_over)
{
    struct hub h;
    struct welcome w = {.plugin = "hang", .config = "{\"heed\": true}"};
    struct bb_w_result r;

    hub_up(&h, false, &w);
    hub_deliver(&h, 1, 2, BB_DELIVER_OP, 50); /* the first heeds its deadline, then the second's passed */
    r = hub_result(&h);
    ck_assert(r.token == 1 && r.status == BB_E_CANCEL);
    r = hub_result(&h);
    ck_assert(r.token == 2 && r.status == BB_E_RETRY && says(r.text, "deadline"));
    hub_stop(&h);
    hub_close(&h);
}
END_TEST

START_TEST(secrets_never_reach_the_log)
{
    struct hub h;
    struct welcome w = {.plugin = "count", .config = "{\"token\": \"handle-1\"}"};

    hub_open(&h, false);
    hub_start(&h, 0);
    hub_welcome(&h, &w);
    hub_want(&h, BB_F_LOG);
    ck_assert_msg(says(h.f.log.text, "\"**************\", 14 bytes"), "%.*s",
                  (int)h.f.log.text.len, (const char *)h.f.log.text.ptr);
    hub_want(&h, BB_F_READY);
    hub_stop(&h);
    hub_close(&h);
}
END_TEST

static void refused(const char *plugin, const char *config, const char *steps, const char *why)
{
    struct hub h;
    struct welcome w = {.plugin = plugin, .config = config, .steps = steps};
    struct bb_w_result r;

    hub_open(&h, false);
    hub_start(&h, 0);
    hub_welcome(&h, &w);
    hub_want(&h, BB_F_READY);
    ck_assert_int_eq(h.f.ready.status, BB_E_CONFIG);
    ck_assert_msg(says(h.f.ready.text, why), "%.*s", (int)h.f.ready.text.len,
                  (const char *)h.f.ready.text.ptr);
    hub_deliver(&h, 1, 1, BB_DELIVER_OP, 0);
    r = hub_result(&h);
    ck_assert_int_eq(r.status, BB_E_RETRY);
    hub_stop(&h);
    hub_want(&h, BB_F_STOPPED);
    hub_close(&h);
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
    struct hub h;
    struct welcome w = {.plugin = "count"};

    hub_up(&h, false, &w);
    h.session += 5;
    hub_deliver(&h, 1, 1, BB_DELIVER_OP, 0);
    hub_stop(&h);
    h.session -= 5;
    bb_buf_put(&h.out, "\xff\xff noise", 8);
    hub_send(&h);
    bb_put_welcome(&h.out, h.session, (struct bb_bytes){"\x80", 1}); /* a second one */
    hub_send(&h);
    hub_deliver(&h, 2, 1, BB_DELIVER_OP, 0);
    ck_assert_uint_eq(hub_result(&h).token, 2);
    hub_deliver(&h, 3, 1, 9, 0); /* an operation of tomorrow */
    ck_assert_int_eq(hub_result(&h).status, BB_E_UNSUP);
    hub_stop(&h);
    hub_want(&h, BB_F_STOPPED);
    hub_close(&h);
}
END_TEST

START_TEST(metrics_come_as_sums)
{
    struct hub h;
    struct welcome w = {.plugin = "count"};
    struct bb_bytes name;
    uint32_t kind;
    double v;

    hub_up(&h, false, &w);
    hub_deliver(&h, 1, 42, BB_DELIVER_OP, 0);
    ck_assert_int_eq(hub_result(&h).status, BB_OK);
    hub_stop(&h);
    hub_want(&h, BB_F_METRIC);
    ck_assert_int_eq(bb_frame_next_metric(&h.f, &name, &kind, &v), 1);
    ck_assert(says(name, "deliveries") && kind == BB_METRIC_COUNTER && v == 42);
    hub_close(&h);
}
END_TEST

/* A plugin built from the frozen header runs in today's host, in the core and out of it. */
START_TEST(plugin_of_abi_0)
{
    struct hub h;
    struct welcome w = {.plugin = TEST_ABI0};
    struct bb_w_result r;

    hub_up(&h, _i == 1, &w);
    hub_deliver(&h, 1, 2, BB_DELIVER_OP, 10000);
    for (int i = 0; i < 2; i++) {
        r = hub_result(&h);
        ck_assert_int_eq(r.status, BB_OK);
        ck_assert(says(r.reply, "mfg.t"));
    }
    hub_stop(&h);
    hub_want(&h, BB_F_METRIC);
    hub_want(&h, BB_F_STOPPED);
    hub_close(&h);
}
END_TEST

/* ---- sources --------------------------------------------------------------------------------------- */

START_TEST(credit_busy_and_resume)
{
    struct hub h;
    struct welcome w = {.plugin = "gen", .roles = BB_ROLE_SOURCE, .messages = 12, .bytes = 1 << 20,
                        .config = "{\"count\": 100, \"batch\": 5, \"size\": 400}"};
    uint64_t cookies[64], got = 0, open = 0, acked = 0;

    hub_up(&h, false, &w);
    while (got < 100) {
        struct bb_bytes m;

        if (!hub_next(&h, BB_F_SUBMIT, open == acked ? WAIT_MS : 20)) {
            ck_assert_msg(open > acked, "it submits no more after %llu", (unsigned long long)got);
            hub_acked(&h, cookies[acked++ % 64], BB_OK);
            continue;
        }
        cookies[open++ % 64] = h.f.submit.cookie;
        while (bb_frame_next_message(&h.f, &m) == 1) {
            char id[32];

            snprintf(id, sizeof(id), "gen-%012llu", (unsigned long long)got++);
            ck_assert_int_eq(bb_message_check(m, NULL), 0);
            ck_assert_msg(says(m, id), "message %s out of order", id);
        }
        /* 12 messages of credit: at most two submits of 5 may be out */
        ck_assert_uint_le(open - acked, 2);
    }
    ck_assert_uint_eq(got, 100);
    hub_stop(&h);
    hub_close(&h);
}
END_TEST

START_TEST(closed_intake_is_busy)
{
    struct hub h;
    struct welcome w = {.plugin = "gen", .roles = BB_ROLE_SOURCE, .messages = 0, .bytes = 0,
                        .config = "{\"count\": 10, \"batch\": 5}"};

    hub_open(&h, false);
    hub_start(&h, 0);
    hub_welcome(&h, &w);
    hub_want(&h, BB_F_READY);
    bb_put_intake(&h.out, h.session, false, 30, "disk full");
    hub_send(&h);
    bb_put_credit(&h.out, h.session, 100, 1 << 20);
    hub_send(&h);
    ck_assert(!hub_next(&h, BB_F_SUBMIT, 100));
    bb_put_intake(&h.out, h.session, true, 0, "");
    hub_send(&h);
    /* nothing was refused for lack of room but for the grant of 0, which is no room either */
    if (!hub_next(&h, BB_F_SUBMIT, 1000))
        ck_abort_msg("no submit after the intake opened");
    hub_stop(&h);
    hub_close(&h);
}
END_TEST

START_TEST(flood_stays_within_credit)
{
    struct hub h;
    struct welcome w = {.plugin = "flood", .roles = BB_ROLE_SOURCE, .messages = 50,
                        .bytes = 1 << 20};
    unsigned n = 0;

    hub_up(&h, false, &w);
    while (hub_next(&h, BB_F_SUBMIT, n < 50 ? WAIT_MS : 200))
        n++;
    ck_assert_uint_eq(n, 50);
    hub_stop(&h);
    hub_want(&h, BB_F_STOPPED);
    hub_close(&h);
}
END_TEST

START_TEST(a_paced_source)
{
    struct hub h;
    struct welcome w = {.plugin = "gen", .roles = BB_ROLE_SOURCE, .messages = 1000,
                        .bytes = 1 << 20, .config = "{\"count\": 20, \"rate\": 1000, \"size\": 400}"};
    unsigned n = 0;

    hub_up(&h, false, &w);
    while (n < 20) {
        hub_want(&h, BB_F_SUBMIT);
        n += h.f.n;
        hub_acked(&h, h.f.submit.cookie, BB_OK);
    }
    ck_assert_uint_eq(n, 20);
    hub_stop(&h);
    hub_want(&h, BB_F_STOPPED);
    hub_close(&h);
}
END_TEST

/* ---- processes ---------------------------------------------------------------------------------------- */

static void ends(struct hub *h, const char *how)
{
    struct pollfd p = {bb_child_fd(h->child), POLLIN, 0};
    char text[96] = "";

    ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
    ck_assert(bb_child_ended(h->child, text, sizeof(text)));
    ck_assert_msg(strstr(text, how) != NULL, "it ended otherwise: %s", text);
    bb_child_free(&h->child);
}

START_TEST(crash_kill_restart)
{
    struct hub h;
    struct welcome crash = {.plugin = "crash", .config = "{\"at\": 3}"};
    struct welcome hang = {.plugin = "hang"}, count = {.plugin = "count"};

    hub_up(&h, true, &crash);
    ck_assert_int_gt(bb_child_pid(h.child), 0);
    hub_deliver(&h, 1, 2, BB_DELIVER_OP, 0);
    ck_assert_int_eq(hub_result(&h).status, BB_OK);
    ck_assert_int_eq(hub_result(&h).status, BB_OK);
    hub_deliver(&h, 3, 1, BB_DELIVER_OP, 0);
    ends(&h, SANITIZED ? "" : "killed by signal 11 (SIGSEGV)");

    hub_start(&h, 0);
    hub_welcome(&h, &hang);
    hub_want(&h, BB_F_READY);
    hub_deliver(&h, 1, 1, BB_DELIVER_OP, 0);
    ck_assert(!hub_next(&h, BB_F_RESULT, 50));
    ck_assert(!bb_child_ended(h.child, NULL, 0));
    bb_child_kill(h.child);
    ends(&h, "killed by signal 9 (SIGKILL)");

    hub_start(&h, 0);
    hub_welcome(&h, &count);
    hub_want(&h, BB_F_READY);
    hub_deliver(&h, 1, 1, BB_DELIVER_OP, 0);
    ck_assert_int_eq(hub_result(&h).status, BB_OK);
    hub_stop(&h);
    hub_want(&h, BB_F_STOPPED);
    ends(&h, "exited with status 0");
    hub_close(&h);
}
END_TEST

START_TEST(leak_hits_its_limit)
{
    struct hub h;
    struct welcome w = {.plugin = "leak", .config = "{\"at\": 16}"};
    unsigned ok = 0;

    hub_open(&h, true);
    hub_start(&h, 256u << 20);
    hub_welcome(&h, &w);
    hub_want(&h, BB_F_READY);
    for (;; ok++) {
        hub_deliver(&h, ok + 1, 1, BB_DELIVER_OP, 0);
        if (hub_result(&h).status != BB_OK)
            break;
        ck_assert_uint_lt(ok, 16);
    }
    hub_stop(&h);
    hub_close(&h);
}
END_TEST

/* The core is gone when the pipe closes: the host must not outlive it. */
START_TEST(the_life_line)
{
    struct hub h;
    int p[2], status = -1;
    pid_t pid;

    hub_open(&h, true);
    ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        char fd[16];

        fcntl(p[0], F_SETFD, 0);
        snprintf(fd, sizeof(fd), "%d", p[0]);
        execl(self, self, "host", "--endpoint", "erp", "--connect", h.address, "--workers", "1",
              "--fd", fd, (char *)NULL);
        _exit(99);
    }
    close(p[0]);
    ck_assert_int_eq(write(p[1], "0123456789abcdef", 16), 16);
    hub_want(&h, BB_F_HELLO);
    ck_assert(memcmp(h.f.hello.secret.ptr, "0123456789abcdef", 16) == 0);
    ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
    close(p[1]);
    for (uint64_t end = now_ms() + WAIT_MS; waitpid(pid, &status, WNOHANG) == 0;) {
        ck_assert_msg(now_ms() < end, "it outlives its core");
        poll(NULL, 0, 1);
    }
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    hub_close(&h);
}
END_TEST

START_TEST(a_host_inherits_no_descriptor_and_little_environment)
{
    struct hub h;
    struct welcome w = {.plugin = "count"};
    char path[64], buf[8192], link[512];
    int fd, leak;
    ssize_t n;

    setenv("BB_TEST_SECRET_OF_THE_CORE", "s3cret", 1);
    leak = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(leak, 0);
    hub_up(&h, true, &w);
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)bb_child_pid(h.child));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) { /* not dumpable: only root may look */
        n = read(fd, buf, sizeof(buf));
        ck_assert(n <= 0 || !memmem(buf, (size_t)n, "s3cret", 6));
        close(fd);
    }
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)bb_child_pid(h.child), leak);
    n = readlink(path, link, sizeof(link) - 1);
    if (n > 0) {
        link[n] = '\0';
        ck_assert_msg(strcmp(link, "/dev/null") != 0 || leak <= 2, "descriptor %d leaked", leak);
    }
    close(leak);
    hub_stop(&h);
    hub_close(&h);
}
END_TEST

static int host_main(int argc, char **argv)
{
    const char *v[4] = {NULL, NULL, NULL, NULL};
    static const char *const names[4] = {"--endpoint", "--connect", "--workers", "--fd"};

    for (int i = 2; i + 1 < argc; i += 2) {
        for (int k = 0; k < 4; k++) {
            if (strcmp(argv[i], names[k]) == 0)
                v[k] = argv[i + 1];
        }
    }
    if (!v[0] || !v[1] || !v[2] || !v[3])
        return 98;
    return bb_host_main(v[0], v[1], (uint32_t)atoi(v[2]), atoi(v[3]));
}

int main(int argc, char **argv)
{
    Suite *s;
    TCase *t;
    SRunner *r;
    ssize_t n;
    int failed;

    if (argc > 1 && strcmp(argv[1], "host") == 0)
        return host_main(argc, argv);
    n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n < 0)
        return EXIT_FAILURE;
    self[n] = '\0';
    s = suite_create("host");
    t = tcase_create("host");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, sink_in_a_thread);
    tcase_add_test(t, sink_in_a_process);
    tcase_add_test(t, sink_that_answers_from_its_own_thread);
    tcase_add_test(t, results_of_a_turn_share_a_frame);
    tcase_add_test(t, transform_runs_before_the_sink);
    tcase_add_test(t, transform_that_fails_rejects);
    tcase_add_test(t, probe);
    tcase_add_test(t, probe_without_the_extension);
    tcase_add_test(t, late_and_double_done);
    tcase_add_test(t, open_tokens_end_unknown_at_stop);
    tcase_add_test(t, cancel_during_a_blocking_call);
    tcase_add_test(t, deadline_before_the_hand_over);
    tcase_add_test(t, secrets_never_reach_the_log);
    tcase_add_test(t, start_that_fails_says_why_and_waits_for_stop);
    tcase_add_test(t, frames_of_another_session_and_noise);
    tcase_add_test(t, metrics_come_as_sums);
    tcase_add_loop_test(t, plugin_of_abi_0, 0, 2);
    tcase_add_test(t, credit_busy_and_resume);
    tcase_add_test(t, closed_intake_is_busy);
    tcase_add_test(t, flood_stays_within_credit);
    tcase_add_test(t, a_paced_source);
    tcase_add_test(t, crash_kill_restart);
    if (!SANITIZED) /* a sanitizer's shadow memory is far above any limit */
        tcase_add_test(t, leak_hits_its_limit);
    tcase_add_test(t, the_life_line);
    tcase_add_test(t, a_host_inherits_no_descriptor_and_little_environment);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
