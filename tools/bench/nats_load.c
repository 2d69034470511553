/*
 * nats_load.c - publishes to a NATS JetStream stream and takes it out again, for comparison
 *
 * The part of the NATS protocol that this needs, over one blocking TCP connection each way: a
 * publisher with a window of unacknowledged messages, and a pull consumer that acknowledges each
 * message. Prints one JSON line. The peer is the bench's own server on loopback.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/bench/hist.h"

#define BUF (1u << 18)
#define FETCH 256

struct link { /* one connection */
    int fd;
    char in[BUF], out[BUF];
    size_t in_at, in_len, out_len;
};
struct bench {
    uint16_t port;
    uint64_t messages;
    uint32_t size, window;
    bool consume;
    struct bench_hist hist;
    uint64_t taken;
    int64_t taken_us;
};

static int64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void give_up(const char *what)
{
    fprintf(stderr, "nats-load: %s\n", what);
    exit(1);
}

static void flush(struct link *l)
{
    for (size_t at = 0; at < l->out_len;) {
        ssize_t n = send(l->fd, l->out + at, l->out_len - at, MSG_NOSIGNAL);
        if (n <= 0)
            give_up("the connection broke while sending");
        at += (size_t)n;
    }
    l->out_len = 0;
}

static void put(struct link *l, const void *p, size_t n)
{
    if (l->out_len + n > BUF)
        flush(l);
    if (n > BUF)
        give_up("a message is too long");
    memcpy(l->out + l->out_len, p, n);
    l->out_len += n;
}

static void putf(struct link *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void putf(struct link *l, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0 || n >= (int)sizeof text)
        give_up("a line is too long");
    put(l, text, (size_t)n);
}

static void fill(struct link *l)
{
    if (l->in_at > 0) {
        memmove(l->in, l->in + l->in_at, l->in_len - l->in_at);
        l->in_len -= l->in_at;
        l->in_at = 0;
    }
    if (l->in_len == BUF)
        give_up("the server's line is too long");
    ssize_t n = recv(l->fd, l->in + l->in_len, BUF - l->in_len, 0);
    if (n <= 0)
        give_up("the server closed the connection or did not answer in time");
    l->in_len += (size_t)n;
}

/* One line without its end, in the buffer until the next call. */
static char *line(struct link *l)
{
    for (;;) {
        char *end = memmem(l->in + l->in_at, l->in_len - l->in_at, "\r\n", 2);
        if (end) {
            char *start = l->in + l->in_at;
            *end = '\0';
            l->in_at = (size_t)(end - l->in) + 2;
            return start;
        }
        fill(l);
    }
}

struct message {
    char reply[160];
    char *payload;
    size_t len;
    bool status; /* headers only: "no messages", "request expired" */
};

/* Reads on until a message; answers PING. */
static void next(struct link *l, struct message *m)
{
    char subject[160], sid[16], a[160], b[32], c[32];
    for (;;) {
        char *s = line(l);
        if (strncmp(s, "PING", 4) == 0) {
            put(l, "PONG\r\n", 6);
            flush(l);
            continue;
        }
        if (strncmp(s, "-ERR", 4) == 0)
            give_up(s);
        bool head = s[0] == 'H';
        if (strncmp(s, "MSG ", 4) != 0 && strncmp(s, "HMSG ", 5) != 0)
            continue;
        int n = sscanf(s + (head ? 5 : 4), "%159s %15s %159s %31s %31s", subject, sid, a, b, c);
        int plain = head ? 4 : 3; /* without a reply subject */
        m->reply[0] = '\0';
        if (n > plain)
            snprintf(m->reply, sizeof m->reply, "%s", a);
        const char *last = n == 5 ? c : n == 4 ? b : a;
        m->len = strtoul(last, NULL, 10);
        m->status = head && n == plain;
        if (m->len + 2 > BUF)
            give_up("a message is too long");
        while (l->in_len - l->in_at < m->len + 2)
            fill(l);
        m->payload = l->in + l->in_at;
        l->in_at += m->len + 2;
        return;
    }
}

static struct link *link_new(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {30, 0};
    int one = 1;
    struct link *l = calloc(1, sizeof *l);
    if (!l)
        give_up("out of memory");
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&to, sizeof to) < 0)
        give_up("cannot connect: is the server running on that port?");
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    line(l); /* INFO */
    putf(l, "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\n");
    return l;
}

/* A JetStream request; ends the program when the answer is an error. */
static void request(struct link *l, const char *subject, const char *body)
{
    struct message m;
    putf(l, "SUB _INBOX.q 1\r\nUNSUB 1 1\r\nPUB %s _INBOX.q %zu\r\n%s\r\n", subject, strlen(body), body);
    flush(l);
    next(l, &m);
    if (m.status)
        give_up("nobody answers for JetStream: start the server with -js");
    if (memmem(m.payload, m.len, "\"error\"", 7)) {
        fprintf(stderr, "nats-load: %.*s\n", (int)m.len, m.payload);
        exit(1);
    }
}

static void publish(struct bench *b, struct link *l)
{
    int64_t *sent = calloc(b->window, sizeof *sent);
    char *body = malloc(b->size);
    struct message m;
    if (!sent || !body)
        give_up("out of memory");
    memset(body, 'x', b->size);
    putf(l, "SUB _INBOX.p.* 2\r\n");
    for (uint64_t out = 0, back = 0; back < b->messages;) {
        while (out < b->messages && out - back < b->window) {
            sent[out % b->window] = now_us();
            putf(l, "PUB bench.m _INBOX.p.%llu %u\r\n", (unsigned long long)out, b->size);
            put(l, body, b->size);
            put(l, "\r\n", 2);
            out++;
        }
        flush(l);
        next(l, &m);
        if (m.status || memmem(m.payload, m.len, "\"error\"", 7))
            give_up("a publish was refused");
        if (back + 1 == b->messages) { /* the last acknowledgement says how many are stored */
            m.payload[m.len] = '\0';
            char *seq = strstr(m.payload, "\"seq\":");
            if (!seq || strtoull(seq + 6, NULL, 10) != b->messages)
                give_up("the stream does not hold what was acknowledged");
        }
        bench_hist_add(&b->hist, (uint64_t)(now_us() - sent[back % b->window]));
        back++;
    }
    free(sent);
    free(body);
}

static void *consumer(void *arg)
{
    struct bench *b = arg;
    struct link *l = link_new(b->port);
    struct message m;
    uint32_t left = 0;
    putf(l, "SUB _INBOX.c 3\r\n");
    while (b->taken < b->messages) {
        if (left < FETCH / 2) {
            putf(l, "PUB $JS.API.CONSUMER.MSG.NEXT.BENCH.c _INBOX.c 34\r\n"
                    "{\"batch\":%d,\"expires\":5000000000}\r\n", FETCH);
            left += FETCH;
        }
        if (l->in_at == l->in_len || l->out_len > BUF / 2)
            flush(l);
        next(l, &m);
        if (m.status || !m.reply[0]) {
            left = 0;
            continue;
        }
        putf(l, "PUB %s 4\r\n+ACK\r\n", m.reply);
        left -= left > 0;
        b->taken++;
    }
    flush(l);
    b->taken_us = now_us();
    close(l->fd);
    free(l);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct bench b = {.messages = 200000, .size = 1024, .window = 256};
    static const struct option options[] = {
        {"port", 1, NULL, 'p'}, {"messages", 1, NULL, 'm'}, {"body-size", 1, NULL, 's'},
        {"window", 1, NULL, 'w'}, {"consume", 0, NULL, 'c'}, {NULL, 0, NULL, 0}};
    struct rusage ru;
    pthread_t t;
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (c) {
        case 'p': b.port = (uint16_t)atoi(optarg); break;
        case 'm': b.messages = strtoull(optarg, NULL, 10); break;
        case 's': b.size = (uint32_t)atoi(optarg); break;
        case 'w': b.window = (uint32_t)atoi(optarg); break;
        case 'c': b.consume = true; break;
        default: b.port = 0; optind = argc;
        }
    if (!b.port || !b.window || b.size + 64 > BUF || !b.messages) {
        fputs("nats-load --port N [--messages N] [--body-size N] [--window N] [--consume]\n", stderr);
        return 2;
    }
    struct link *l = link_new(b.port);
    request(l, "$JS.API.STREAM.CREATE.BENCH",
            "{\"name\":\"BENCH\",\"subjects\":[\"bench.>\"],\"storage\":\"file\",\"retention\":\"limits\"}");
    request(l, "$JS.API.CONSUMER.DURABLE.CREATE.BENCH.c",
            "{\"stream_name\":\"BENCH\",\"config\":{\"durable_name\":\"c\",\"ack_policy\":\"explicit\","
            "\"max_ack_pending\":4096}}");
    int64_t start = now_us();
    if (b.consume && pthread_create(&t, NULL, consumer, &b) != 0)
        give_up("no thread");
    publish(&b, l);
    int64_t published = now_us();
    if (b.consume)
        pthread_join(t, NULL);
    getrusage(RUSAGE_SELF, &ru);
    double cpu = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
                 (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
    double n = (double)b.messages;
    printf("{\"accepted_per_s\":%.0f,\"delivered_per_s\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
           "\"cpu_s\":%.2f}\n", n * 1e6 / (double)(published - start),
           b.consume ? n * 1e6 / (double)(b.taken_us - start) : 0.0,
           (double)bench_hist_at(&b.hist, 0.5) / 1e3, (double)bench_hist_at(&b.hist, 0.99) / 1e3, cpu);
    request(l, "$JS.API.STREAM.DELETE.BENCH", "");
    close(l->fd);
    free(l);
    return 0;
}
