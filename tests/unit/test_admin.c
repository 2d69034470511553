/*
 * test_admin.c - the table of paths, decoding, problems, metrics, connections that say nothing
 */
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <busbar/json.h>
#include "core/admin/internal.h"

static struct bb_call call;

static const struct bb_path *match(const char *method, const char *url)
{
    memset(&call, 0, sizeof(call));
    return bb_admin_match(bb_admin_paths, method, url, &call);
}

START_TEST(every_path_is_found)
{
    static const struct { const char *method, *url, *pattern, *name; uint64_t seq; } cases[] = {
        {"GET", "/v1/status", "/v1/status", "", 0},
        {"GET", "/healthz", "/healthz", "", 0},
        {"POST", "/v1/endpoints/erp/messages", "/v1/endpoints/{endpoint}/messages", "erp", 0},
        {"POST", "/v1/routes/bom-to-erp/pause", "/v1/routes/{route}/pause", "bom-to-erp", 0},
        {"GET", "/v1/deliveries/r1/18446744073709551615", "/v1/deliveries/{route}/{seq}", "r1",
         UINT64_MAX},
        {"POST", "/v1/deliveries/r1/7/replay", "/v1/deliveries/{route}/{seq}/replay", "r1", 7},
        {"GET", "/v1/trace/ECO%204711%2Fa", "/v1/trace/{id}", "ECO 4711/a", 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct bb_path *p = match(cases[i].method, cases[i].url);

        ck_assert_msg(p != NULL, "%s", cases[i].url);
        ck_assert_str_eq(p->pattern, cases[i].pattern);
        ck_assert_str_eq(call.name, cases[i].name);
        ck_assert_uint_eq(call.seq, cases[i].seq);
        ck_assert_uint_eq(call.status, 200);
    }
}
END_TEST

START_TEST(wrong_paths_say_why)
{
    static const struct { const char *method, *url; unsigned status; } cases[] = {
        {"GET", "/", 404},
        {"GET", "", 404},
        {"GET", "//", 404},
        {"GET", "/v1", 404},
        {"GET", "/v1/status/", 404},
        {"GET", "/v1/status/x", 404},
        {"GET", "/v1/trace/", 404},
        {"POST", "/v1/endpoints//messages", 404},
        {"POST", "/v1/status", 405},
        {"DELETE", "/v1/deliveries/r/1", 405},
        {"GET", "/v1/deliveries/r/1/replay", 405},
        {"GET", "/v1/deliveries/r/x", 400},
        {"GET", "/v1/deliveries/r/18446744073709551616", 400},
        {"GET", "/v1/deliveries/r/-1", 400},
        {"GET", "/v1/trace/a%00b", 400},
        {"GET", "/v1/trace/a%2", 400},
        {"GET", "/v1/trace/%", 400},
        {"GET", "/v1/trace/%zz", 400},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ck_assert_msg(match(cases[i].method, cases[i].url) == NULL, "%s", cases[i].url);
        ck_assert_msg(call.status == cases[i].status, "%s: %u", cases[i].url, call.status);
    }
    match("POST", "/v1/status");
    ck_assert_str_eq(call.allow, "GET");
}
END_TEST

START_TEST(a_long_segment_is_refused)
{
    size_t n = BB_SEGMENT_MAX + 10;
    char *url = malloc(n + 16);

    memset(url, 'a', n);
    memcpy(url, "/v1/trace/", 10);
    url[n] = '\0';
    ck_assert_ptr_null(match("GET", url));
    ck_assert_uint_eq(call.status, 400);
    url[10 + BB_SEGMENT_MAX - 1] = '\0'; /* the longest that fits */
    ck_assert_ptr_nonnull(match("GET", url));
    free(url);
}
END_TEST

START_TEST(a_problem_is_json)
{
    struct bb_buf value;
    struct bb_bytes v, s;
    struct bb_fault err;
    int64_t status;

    memset(&call, 0, sizeof(call));
    bb_buf_init(&call.out, 1 << 16);
    bb_buf_init(&value, 1 << 16);
    bb_buf_put(&call.out, "half an answer", 14);
    bb_admin_problem(&call, 409, "route \"%s\"\n", "r");
    ck_assert_str_eq(call.type, "application/problem+json");
    ck_assert_int_eq(bb_json_read((struct bb_bytes){call.out.ptr, call.out.len}, &value, &err), 0);
    ck_assert_int_eq(bb_map_get((struct bb_bytes){value.ptr, value.len}, "status", &v), 1);
    ck_assert(bb_as_int(v, &status) && status == 409);
    ck_assert_int_eq(bb_map_get((struct bb_bytes){value.ptr, value.len}, "detail", &v), 1);
    ck_assert(bb_as_str(v, &s));
    ck_assert_mem_eq(s.ptr, "route \"r\"\n", 10);
    bb_buf_free(&value);
    bb_buf_free(&call.out);
}
END_TEST

START_TEST(status_becomes_metrics)
{
    static const char status[] =
        "{\"uptime_ms\":5,\"journal\":{\"messages\":12,\"intake\":\"open\"},"
        "\"routes\":[{\"name\":\"a\",\"delivered\":3,\"balanced\":true,\"paused\":false},"
        "{\"name\":\"b\\\"\\\\\",\"delivered\":4}],\"endpoints\":[],\"unmatched\":{}}";
    static const char *const lines[] = {
        "\nbusbar_journal_messages 12\n",
        "\n# TYPE busbar_route_delivered_total counter\n",
        "\nbusbar_route_delivered_total{route=\"a\"} 3\n",
        "\nbusbar_route_delivered_total{route=\"b\\\"\\\\\"} 4\n",
        "\nbusbar_route_balanced{route=\"a\"} 1\n",
        "\nbusbar_route_paused{route=\"a\"} 0\n",
    };
    struct bb_buf value, out;
    struct bb_fault err;

    bb_buf_init(&value, 1 << 16);
    bb_buf_init(&out, 1 << 20);
    ck_assert_int_eq(bb_json_read((struct bb_bytes){status, sizeof(status) - 1}, &value, &err), 0);
    bb_admin_metrics((struct bb_bytes){value.ptr, value.len}, &out);
    bb_buf_put(&out, "", 1);
    ck_assert(!out.failed);
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        ck_assert_msg(strstr((char *)out.ptr, lines[i]), "%s", lines[i]);
    bb_buf_free(&value);
    bb_buf_free(&out);
}
END_TEST

/* ---- the server ------------------------------------------------------------------------------ */
#define ANSWER_MS 20000

static char dir[32];
static struct bb_admin *server;

static void server_setup(void)
{
    struct bb_admin_options o = {.state_dir = dir, .version = "test", .max_message = 1 << 20};
    struct bb_fault err;

    strcpy(dir, "/tmp/bb-admin-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    server = bb_admin_start(&o, &err);
    ck_assert_msg(server != NULL, "%s", err.text);
}

static void server_teardown(void)
{
    bb_admin_stop(&server);
    ck_assert_int_eq(rmdir(dir), 0); /* the socket is gone */
}

static int client(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s/" BB_ADMIN_SOCKET, dir);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Waits for an answer that begins with text. */
static void answers(int fd, const char *text)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char got[512];
    ssize_t n;

    ck_assert_msg(poll(&p, 1, ANSWER_MS) == 1, "no answer");
    n = recv(fd, got, sizeof(got) - 1, 0);
    ck_assert_int_gt(n, 0);
    got[n] = '\0';
    ck_assert_msg(strstr(got, text) == got, "%s", got);
}

START_TEST(those_who_say_nothing_keep_nobody_out)
{
    int quiet[3 * BB_ADMIN_CONNECTIONS], half;

    for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++)
        quiet[i] = client();
    for (int i = 0; i < 3; i++) {
        int fd = client();

        say(fd, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
        answers(fd, "HTTP/1.1 404");
        close(fd);
    }
    half = client();
    say(half, "POST /v1/journal/backup HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{");
    for (int i = 0; i < 20; i++) { /* the quietest goes, not one that is speaking */
        close(client());
        say(half, i < 7 ? " " : "");
    }
    say(half, "}");
    answers(half, "HTTP/1.1 400");
    close(half);
    for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++)
        close(quiet[i]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("admin");
    TCase *t = tcase_create("admin");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, every_path_is_found);
    tcase_add_test(t, wrong_paths_say_why);
    tcase_add_test(t, a_long_segment_is_refused);
    tcase_add_test(t, a_problem_is_json);
    tcase_add_test(t, status_becomes_metrics);
    suite_add_tcase(s, t);
    t = tcase_create("server");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, server_setup, server_teardown);
    tcase_add_test(t, those_who_say_nothing_keep_nobody_out);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
