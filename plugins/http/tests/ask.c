/*
 * ask.c - a webhook's sender on a bare socket; see ask.h
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "ask.h"

void plant_start(struct plant *p, const char *more)
{
    char conf[4096], file[] = "/tmp/busbar-http-XXXXXX", text[16] = "";
    struct bb_error err;
    FILE *f;
    int fd = mkstemp(file);

    ck_assert_int_ge(fd, 0);
    close(fd);
    memset(p, 0, sizeof *p);
    fake_journal_init(&p->journal);
    snprintf(conf, sizeof conf, "{%s\"listen\": \"127.0.0.1:0\", \"port_file\": \"%s\"}", more, file);
    p->host = fake_host_new(&p->journal, bb_module_v1(BB_ABI)->connectors[0], conf, BB_ROLE_SOURCE,
                            &err);
    ck_assert_msg(p->host != NULL, "%s", err.text);
    ck_assert_msg(fake_host_start(p->host, &err) == BB_OK, "%s", err.text);
    f = fopen(file, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    fclose(f);
    unlink(file);
    p->port = (unsigned)atoi(text);
    ck_assert_uint_gt(p->port, 0);
}

void plant_end(struct plant *p)
{
    if (p->host)
        ck_assert_int_eq(fake_host_stop(p->host, 2000), BB_OK);
    fake_host_free(&p->host);
    fake_journal_free(&p->journal);
}

void plant_turn(struct plant *p, uint32_t ms)
{
    fake_host_pump(p->host, ms);
    while (!p->hold && fake_host_pending(p->host))
        fake_host_ack(p->host, p->ack, p->ack_text);
}

int dial(const struct plant *p)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)p->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_msg(connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "connect: %s", strerror(errno));
    return fd;
}

void tell(struct plant *p, int fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    int64_t until = bb_clock_ms() + WAIT_MS;

    while (n) {
        ssize_t k = send(fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (k > 0) {
            at += k;
            n -= (size_t)k;
        } else if (k < 0 && errno != EAGAIN) {
            return; /* the server does not want the rest: the answer says why */
        }
        plant_turn(p, n ? 5 : 0);
        ck_assert_msg(bb_clock_ms() < until, "the server does not read");
    }
}

int hear(struct plant *p, int fd, struct answer *a)
{
    int64_t until = bb_clock_ms() + WAIT_MS;
    size_t n = 0, want = 0;
    char *end, *v;

    memset(a, 0, sizeof *a);
    for (;;) { /* byte by byte: what follows belongs to the next answer */
        ssize_t k = recv(fd, want ? a->body + n : a->head + n, 1, MSG_DONTWAIT);
        if (k == 0 || (k < 0 && errno != EAGAIN))
            return -1;
        if (k < 0) {
            plant_turn(p, 5);
            ck_assert_msg(bb_clock_ms() < until, "no answer");
            continue;
        }
        n++;
        if (want) {
            if (n == want)
                return 0;
            continue;
        }
        ck_assert_uint_lt(n, sizeof a->head - 1);
        end = strstr(a->head, "\r\n\r\n");
        if (!end)
            continue;
        ck_assert_int_eq(sscanf(a->head, "HTTP/1.1 %u", &a->status), 1);
        v = strcasestr(a->head, "\r\nContent-Length:");
        want = v ? (size_t)atoi(v + 17) : 0;
        ck_assert_uint_lt(want, sizeof a->body);
        n = 0;
        if (!want || a->status == 100) {
            if (a->status != 100)
                return 0;
            memset(a, 0, sizeof *a); /* 100 Continue: the answer comes after it */
            want = 0;
        }
    }
}

int hear_end(struct plant *p, int fd, uint32_t ms)
{
    int64_t until = bb_clock_ms() + ms;
    char buf[4096];

    while (bb_clock_ms() < until) {
        ssize_t k = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
        if (k == 0 || (k < 0 && errno != EAGAIN))
            return 1;
        plant_turn(p, 5);
    }
    return 0;
}

void post(struct plant *p, const char *path, const char *headers, const char *body,
          struct answer *a)
{
    char head[4096];
    int fd = dial(p), n = snprintf(head, sizeof head,
                                   "POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: %zu\r\n%s\r\n",
                                   path, strlen(body), headers);

    tell(p, fd, head, (size_t)n);
    tell(p, fd, body, strlen(body));
    ck_assert_int_eq(hear(p, fd, a), 0);
    close(fd);
}
