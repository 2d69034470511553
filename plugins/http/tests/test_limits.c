/*
 * test_limits.c - what hostile or unlucky clients must not do to a webhook server
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "ask.h"

#define CE "Content-Type: application/cloudevents+json\r\n"
#define MB (1024 * 1024)

static struct plant plant;
static struct answer a;
static const char event[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}";

/* What the process has in memory; nothing under TSan, whose shadow would be counted. */
static long rss_kib(void)
{
#ifdef __SANITIZE_THREAD__
    return 0;
#else
    FILE *f = fopen("/proc/self/statm", "r");
    long all = 0, rss = 0;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%ld %ld", &all, &rss), 2);
    fclose(f);
    return rss * (sysconf(_SC_PAGESIZE) / 1024);
#endif
}

static void say(int fd, const char *text)
{
    tell(&plant, fd, text, strlen(text));
}

/* 100 MB that nobody wants: refused at once by its length, and after max_body when chunked. */
static void flood(int chunked)
{
    static char piece[64 * 1024 + 16];
    char head[160];
    long before;
    int fd, n = 0;
    size_t sent = 0;

    plant_start(&plant, "");
    post(&plant, "/", CE, event, &a);
    before = rss_kib();
    fd = dial(&plant);
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: t\r\n" CE "%s\r\n\r\n",
             chunked ? "Transfer-Encoding: chunked" : "Content-Length: 104857600");
    say(fd, head);
    memset(piece, 'x', sizeof piece);
    if (chunked) {
        n = snprintf(piece, 16, "10000\r\n");
        memset(piece + n, 'x', 65536);
        memcpy(piece + n + 65536, "\r\n", 2);
        n += 65538;
    } else {
        n = 65536;
    }
    /* as a sender that does not listen: it goes on until the socket is closed */
    for (sent = 0; sent < 100u * MB; sent += (size_t)n) {
        ssize_t k = send(fd, piece, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (k != n)
            break;
        plant_turn(&plant, 1);
    }
    ck_assert_int_eq(hear(&plant, fd, &a), 0);
    ck_assert_uint_eq(a.status, 413);
    ck_assert_ptr_nonnull(strstr(a.head, "Connection: close"));
    ck_assert_int_lt(rss_kib() - before, 12 * 1024);
    ck_assert_int_eq(hear_end(&plant, fd, 5000), 1);
    close(fd);
    ck_assert_uint_eq(fake_host_submits(plant.host), 1);
    post(&plant, "/", CE, event, &a);
    ck_assert_uint_eq(a.status, 202);
    plant_end(&plant);
}
START_TEST(flood_length)
{
    flood(0);
}
END_TEST
START_TEST(flood_chunked)
{
    flood(1);
}
END_TEST

START_TEST(large_body)
{
    /* up to max_body is taken, also in many pieces and in chunks */
    char *body = malloc(900000 + 200), head[200];
    int fd, n;

    ck_assert_ptr_nonnull(body);
    plant_start(&plant, "");
    n = sprintf(body, "{\"specversion\":\"1.0\",\"id\":\"big\",\"source\":\"/s\",\"type\":\"t\",\"data\":\"");
    memset(body + n, 'y', 900000);
    strcpy(body + n + 900000, "\"}");
    post(&plant, "/", CE, body, &a);
    ck_assert_uint_eq(a.status, 202);
    fd = dial(&plant);
    say(fd, "POST / HTTP/1.1\r\nHost: t\r\n" CE "Transfer-Encoding: chunked\r\n\r\n");
    body[27] = 'B'; /* another id */
    for (size_t at = 0, len = strlen(body); at < len;) {
        size_t k = len - at > 70001 ? 70001 : len - at;
        snprintf(head, sizeof head, "%zx\r\n", k);
        say(fd, head);
        tell(&plant, fd, body + at, k);
        say(fd, "\r\n");
        at += k;
    }
    say(fd, "0\r\n\r\n");
    ck_assert_int_eq(hear(&plant, fd, &a), 0);
    ck_assert_uint_eq(a.status, 202);
    ck_assert_uint_eq(plant.journal.n, 2);
    close(fd);
    free(body);
    plant_end(&plant);
}
END_TEST

START_TEST(expect_continue)
{
    int fd;

    plant_start(&plant, "\"max_body\": 1000, ");
    fd = dial(&plant);
    say(fd, "POST / HTTP/1.1\r\nHost: t\r\n" CE "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
    ck_assert_int_eq(hear(&plant, fd, &a), 0);
    ck_assert_uint_eq(a.status, 413);
    close(fd);
    plant_end(&plant);
}
END_TEST

START_TEST(slowloris)
{
    static const char head[] = "POST / HTTP/1.1\r\nHost: t\r\nX-Slow: ";
    int fd, body, silent, ended = 0;
    int64_t start = bb_clock_ms(), next = start;

    plant_start(&plant, "\"idle_timeout\": 400, \"request_timeout\": 400, ");
    fd = dial(&plant);
    body = dial(&plant);
    silent = dial(&plant);
    say(fd, head);
    say(body, "POST / HTTP/1.1\r\nHost: t\r\n" CE "Content-Length: 100000\r\n\r\n");
    while (!ended && bb_clock_ms() - start < 5000) {
        char byte;
        /* a byte now and then keeps no connection */
        if (bb_clock_ms() >= next) {
            send(fd, "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            send(body, "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            next += 20;
        }
        plant_turn(&plant, 5);
        ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
        ended = n == 0 || (n < 0 && errno != EAGAIN);
    }
    ck_assert_int_eq(ended, 1);
    ck_assert_int_ge(bb_clock_ms() - start, 390);
    ck_assert_int_eq(hear_end(&plant, body, 2000), 1);
    ck_assert_int_eq(hear_end(&plant, silent, 2000), 1);
    close(fd);
    close(body);
    close(silent);
    post(&plant, "/", CE, event, &a);
    ck_assert_uint_eq(a.status, 202);
    plant_end(&plant);
}
END_TEST

#define IDLE 2000
START_TEST(idle_sockets)
{
    static int fds[IDLE];
    static int64_t took[200];
    struct rlimit l;
    int64_t worst = 0;
    long before;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &l), 0);
    if (l.rlim_max < 2 * IDLE + 200) {
        fprintf(stderr, "skipped: idle_sockets needs %d descriptors\n", 2 * IDLE + 200);
        return;
    }
    l.rlim_cur = l.rlim_max < 10000 ? l.rlim_max : 10000;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &l), 0);
    plant_start(&plant, "\"max_connections\": 4096, ");
    before = rss_kib();
    for (int k = 0; k < IDLE; k++) {
        fds[k] = dial(&plant);
        plant_turn(&plant, 0);
        if (k % 2)
            say(fds[k], "POST / HTTP/1.1\r\nHost:");
    }
    for (int k = 0; k < 200; k++) {
        char id[200];
        int64_t start = bb_clock_ms();
        snprintf(id, sizeof id, "{\"specversion\":\"1.0\",\"id\":\"%d\",\"source\":\"/s\",\"type\":\"t\"}", k);
        post(&plant, "/", CE, id, &a);
        ck_assert_uint_eq(a.status, 202);
        took[k] = bb_clock_ms() - start;
        worst = took[k] > worst ? took[k] : worst;
    }
    ck_assert_msg(worst < 500, "a good client waited %lld ms", (long long)worst);
    ck_assert_msg(rss_kib() - before < 100 * 1024, "%ld KiB for %d sockets", rss_kib() - before, IDLE);
    for (int k = 0; k < IDLE; k++)
        close(fds[k]);
    plant_end(&plant);
}
END_TEST

START_TEST(connection_cap)
{
    int fds[16], refused = 0;

    plant_start(&plant, "\"max_connections_per_ip\": 4, ");
    for (int k = 0; k < 16; k++)
        fds[k] = dial(&plant);
    for (int k = 0; k < 16; k++)
        refused += hear_end(&plant, fds[k], k < 4 ? 50 : 1000);
    ck_assert_int_eq(refused, 12);
    for (int k = 0; k < 16; k++)
        close(fds[k]);
    plant_end(&plant);
}
END_TEST

START_TEST(long_headers)
{
    char *head = malloc(100000);
    int fd, n;

    ck_assert_ptr_nonnull(head);
    plant_start(&plant, "");
    fd = dial(&plant);
    n = sprintf(head, "POST / HTTP/1.1\r\nHost: t\r\nX-Long: ");
    memset(head + n, 'a', 90000);
    memcpy(head + n + 90000, "\r\n\r\n", 5);
    say(fd, head);
    if (hear(&plant, fd, &a) == 0)
        ck_assert_uint_eq(a.status, 431);
    ck_assert_int_eq(hear_end(&plant, fd, 5000), 1);
    close(fd);
    free(head);
    plant_end(&plant);
}
END_TEST

START_TEST(stopping)
{
    char head[256];
    int fd, kept, parked;
    struct sockaddr_in to = {.sin_family = AF_INET};

    plant_start(&plant, "");
    kept = dial(&plant);
    fd = dial(&plant);
    plant.hold = 1;
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: t\r\n" CE "Content-Length: %zu\r\n\r\n%s",
             strlen(event), event);
    say(fd, head);
    while (!fake_host_pending(plant.host))
        plant_turn(&plant, 5);
    parked = dial(&plant);
    fake_host_busy(plant.host, 1);
    say(parked, head);
    while (fake_host_submits(plant.host) < 2)
        plant_turn(&plant, 5);
    /* nobody acknowledges: at the end of the budget the request is told so */
    ck_assert_int_eq(fake_host_stop(plant.host, 400), BB_OK);
    to.sin_port = htons((uint16_t)plant.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int again = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(again, (struct sockaddr *)&to, sizeof to), -1);
    close(again);
    fake_host_free(&plant.host);
    ssize_t n = recv(fd, a.head, sizeof a.head - 1, 0);
    ck_assert_int_gt(n, 0);
    a.head[n] = 0;
    ck_assert_ptr_nonnull(strstr(a.head, "HTTP/1.1 503"));
    ck_assert_ptr_nonnull(strstr(a.head, "Retry-After"));
    n = recv(parked, a.head, sizeof a.head - 1, 0);
    ck_assert_int_gt(n, 0);
    a.head[n] = 0;
    ck_assert_ptr_nonnull(strstr(a.head, "HTTP/1.1 503"));
    close(parked);
    ck_assert_int_eq(recv(kept, a.head, 1, 0), 0);
    close(fd);
    close(kept);
    plant_end(&plant);
}
END_TEST

/* An acknowledgement that comes after a restart is not taken for the one of a new request. */
START_TEST(start_again)
{
    struct bb_error err;
    char conf[16], head[256];
    int fd;

    plant_start(&plant, "");
    for (int k = 0; k < 3; k++) {
        ck_assert_int_eq(fake_host_stop(plant.host, 1000), BB_OK);
        ck_assert_int_eq(fake_host_start(plant.host, &err), BB_OK);
        plant_turn(&plant, 1);
    }
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: t\r\n" CE "Content-Length: %zu\r\n\r\n%s",
             strlen(event), event);
    plant.hold = 1;
    for (int k = 0; k < 2; k++) {
        snprintf(conf, sizeof conf, "%s", strrchr(fake_host_log_text(plant.host), ' ') + 1);
        plant.port = (unsigned)atoi(conf); /* each start picks a port; the log names it */
        fd = dial(&plant);
        say(fd, head);
        while (fake_host_pending(plant.host) <= (unsigned)k)
            plant_turn(&plant, 5);
        if (k)
            break;
        ck_assert_int_eq(fake_host_stop(plant.host, 200), BB_OK);
        ck_assert_int_eq(fake_host_start(plant.host, &err), BB_OK);
        close(fd);
    }
    ck_assert_int_eq(fake_host_ack(plant.host, BB_E_REJECT, "late"), BB_E_REJECT);
    plant.hold = 0;
    ck_assert_int_eq(hear(&plant, fd, &a), 0);
    ck_assert_uint_eq(a.status, 202);
    close(fd);
    plant_end(&plant);
}
END_TEST

/* While a configuration is exchanged, the next instance waits for the address of the one before. */
START_TEST(address_in_use)
{
    const struct bb_connector *c = bb_module_v1(BB_ABI)->connectors[0];
    const struct bb_ext_health *health;
    struct plant next;
    struct bb_error err;
    char conf[128];
    int64_t until;

    plant_start(&plant, "");
    memset(&next, 0, sizeof next);
    fake_journal_init(&next.journal);
    next.port = plant.port;
    snprintf(conf, sizeof conf, "{\"listen\": \"127.0.0.1:%u\"}", plant.port);
    next.host = fake_host_new(&next.journal, c, conf, BB_ROLE_SOURCE, &err);
    ck_assert_ptr_nonnull(next.host);
    ck_assert_int_eq(fake_host_start(next.host, &err), BB_OK);
    health = c->extension(fake_host_inst(next.host), BB_EXT_HEALTH);
    ck_assert_ptr_nonnull(health);
    ck_assert_int_eq(health->health(fake_host_inst(next.host), &err), BB_E_DOWN);
    plant_end(&plant);
    until = bb_clock_ms() + 5000;
    while (health->health(fake_host_inst(next.host), &err) != BB_OK) {
        plant_turn(&next, 50);
        ck_assert_int_lt(bb_clock_ms(), until);
    }
    post(&next, "/", CE, event, &a);
    ck_assert_uint_eq(a.status, 202);
    plant_end(&next);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http limits");
    TCase *t = tcase_create("limits");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_test(t, flood_length);
    tcase_add_test(t, flood_chunked);
    tcase_add_test(t, large_body);
    tcase_add_test(t, expect_continue);
    tcase_add_test(t, slowloris);
    tcase_add_test(t, idle_sockets);
    tcase_add_test(t, connection_cap);
    tcase_add_test(t, long_headers);
    tcase_add_test(t, stopping);
    tcase_add_test(t, start_again);
    tcase_add_test(t, address_in_use);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
