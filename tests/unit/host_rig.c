/* host_rig.c - the hub's part, played by a test; see host_rig.h */
#include "tests/unit/host_rig.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <busbar/json.h>

char rig_self[4096];

static const char *plugins(void)
{
    const char *p = getenv("BB_TEST_PLUGINS");

    return p ? p : TEST_PLUGINS;
}

uint64_t rig_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void rig_open(struct rig *h, bool process)
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

void rig_start(struct rig *h, uint64_t memory_max)
{
    struct bb_child_spec s = {.program = h->folder[0] ? rig_self : NULL,
                              .endpoint = "erp",
                              .address = h->address,
                              .zmq = h->zmq,
                              .workers = 1,
                              .memory_max = memory_max};
    struct bb_fault err = {0, ""};

    h->child = bb_child_start(&s, &err);
    ck_assert_msg(h->child != NULL, "%s", err.text);
}

void rig_close(struct rig *h)
{
    char how[96];

    for (uint64_t end = rig_now() + WAIT_MS; h->child && !bb_child_ended(h->child, how, 96);) {
        ck_assert_msg(rig_now() < end, "the host does not end");
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
bool rig_next(struct rig *h, uint32_t kind, uint64_t ms)
{
    uint64_t end = rig_now() + ms;

    for (;;) {
        zmq_pollitem_t p = {h->router, 0, ZMQ_POLLIN, 0};
        uint64_t now = rig_now();
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

void rig_want(struct rig *h, uint32_t kind)
{
    ck_assert_msg(rig_next(h, kind, WAIT_MS), "no frame of kind %u came", kind);
}

void rig_send(struct rig *h)
{
    ck_assert(!h->out.failed);
    ck_assert_int_ge(zmq_send(h->router, "erp/0", 5, ZMQ_SNDMORE), 0);
    ck_assert_int_ge(zmq_send(h->router, h->out.ptr, h->out.len, 0), 0);
    bb_buf_reset(&h->out);
}

void rig_json(struct bb_buf *b, const char *text)
{
    struct bb_bytes in = {text, strlen(text)};

    bb_buf_init(b, 1 << 20);
    ck_assert_int_eq(bb_json_read(in, b, NULL), 0);
}

void rig_welcome(struct rig *h, const struct rig_welcome *w)
{
    struct bb_buf map, v;
    char path[4096];

    rig_want(h, BB_F_HELLO);
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
    rig_json(&v, w->config ? w->config : "{}");
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
        rig_json(&v, w->steps);
        bb_put_uint(&map, 1);
        bb_put_bin(&map, v.ptr, v.len);
        bb_buf_free(&v);
    }
    bb_put_cstr(&map, "batch");
    bb_put_uint(&map, w->batch ? w->batch : 64);
    ck_assert(!map.failed);
    h->session++;
    bb_put_welcome(&h->out, h->session, (struct bb_bytes){map.ptr, map.len});
    rig_send(h);
    bb_buf_free(&map);
}

void rig_up(struct rig *h, bool process, const struct rig_welcome *w)
{
    rig_open(h, process);
    rig_start(h, 0);
    rig_welcome(h, w);
    if (!(w->roles & BB_ROLE_SOURCE)) {
        rig_want(h, BB_F_READY);
        ck_assert_msg(h->f.ready.status == 0, "not ready: %.*s", (int)h->f.ready.text.len,
                      (const char *)h->f.ready.text.ptr);
    }
}

void rig_stop(struct rig *h)
{
    bb_put_stop(&h->out, h->session, 5000);
    rig_send(h);
}

void rig_message(struct bb_buf *b, unsigned n)
{
    char text[300];

    snprintf(text, sizeof(text),
             "[{\"specversion\":\"1.0\",\"id\":\"m-%u\",\"source\":\"/t\",\"type\":\"mfg.t\","
             "\"item\":\"i\"},{\"n\":%u,\"qty\":1.50}]",
             n, n);
    rig_json(b, text);
}

/* n deliveries with tokens first.., on route 1, in one frame. */
static void deliver(struct rig *h, uint64_t first, unsigned n, uint32_t op, uint32_t budget_ms,
                    uint32_t flags)
{
    struct bb_list l = bb_list_begin(&h->out, BB_F_DELIVER, h->session);

    for (unsigned i = 0; i < n; i++) {
        struct bb_w_deliver d = {
            .token = first + i, .op = op, .route = 1, .attempt = 1, .budget_ms = budget_ms,
            .flags = i ? flags : 0};
        char key[32];
        struct bb_buf m;

        snprintf(key, sizeof(key), "key-%u", (unsigned)(first + i));
        rig_message(&m, i);
        d.key = d.short_key = (struct bb_bytes){key, strlen(key)};
        d.whole = (struct bb_bytes){m.ptr, m.len};
        bb_list_deliver(&h->out, &l, &d);
        bb_buf_free(&m);
    }
    bb_list_end(&h->out, &l);
    rig_send(h);
}

void rig_deliver(struct rig *h, uint64_t first, unsigned n, uint32_t op, uint32_t budget_ms)
{
    deliver(h, first, n, op, budget_ms, 0);
}

void rig_deliver_run(struct rig *h, uint64_t first, unsigned n, uint32_t budget_ms)
{
    deliver(h, first, n, BB_DELIVER_OP, budget_ms, BB_DELIVER_BEHIND);
}

/* The next result, from whatever frame it comes in. */
struct bb_w_result rig_result(struct rig *h)
{
    struct bb_w_result r;
    int rc = 0;

    while (h->f.kind != BB_F_RESULT || (rc = bb_frame_next_result(&h->f, &r)) == 0)
        rig_want(h, BB_F_RESULT);
    ck_assert_int_eq(rc, 1);
    return r;
}

bool rig_says(struct bb_bytes b, const char *text)
{
    return b.ptr && memmem(b.ptr, b.len, text, strlen(text)) != NULL;
}

void rig_cancel(struct rig *h, uint64_t token)
{
    struct bb_list l = bb_list_begin(&h->out, BB_F_CANCEL, h->session);

    bb_list_token(&h->out, &l, token);
    bb_list_end(&h->out, &l);
    rig_send(h);
}

void rig_acked(struct rig *h, uint64_t cookie, int32_t status)
{
    struct bb_list l = bb_list_begin(&h->out, BB_F_ACKED, h->session);
    struct bb_w_acked a = {.cookie = cookie, .status = status};

    bb_list_acked(&h->out, &l, &a);
    bb_list_end(&h->out, &l);
    rig_send(h);
}

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

int rig_main(int argc, char **argv, void (*fill)(TCase *t))
{
    Suite *s;
    TCase *t;
    SRunner *r;
    ssize_t n;
    int failed;

    if (argc > 1 && strcmp(argv[1], "host") == 0)
        return host_main(argc, argv);
    n = readlink("/proc/self/exe", rig_self, sizeof(rig_self) - 1);
    if (n < 0)
        return EXIT_FAILURE;
    rig_self[n] = '\0';
    s = suite_create("host");
    t = tcase_create("host");
    tcase_set_timeout(t, 60);
    fill(t);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
