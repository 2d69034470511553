/*
 * load.c - bench-load: posts events over kept-alive connections and counts what was accepted
 *
 * Only a 2xx counts. With --accepted each id is written to the file before it is counted, so that
 * after a crash of the receiver the file holds nothing that was not answered. With --retry a failed
 * request is sent again, the same bytes, until it is accepted or the time is up. With --rate the
 * latency counts from when a request was due, so that a stall is not hidden by sending less.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/bench/load.h"

#define AGAIN_US 20000 /* after a failure; a Retry-After is followed up to LONGEST_US */
#define LONGEST_US 250000

static volatile sig_atomic_t stop_now;

struct load {
    struct load_options o;
    struct load_conn *conns;
    int ep, accepted_fd;
    uint32_t open;        /* connections with a request under way */
    uint64_t taken, good; /* numbers given out, events accepted */
    uint64_t requests, broken, by_status[600];
    uint32_t waiting; /* connections with again_us set */
    int64_t start_us, end_us;
    struct bench_hist hist;
};

static void on_signal(int sig)
{
    (void)sig;
    stop_now = 1;
}

static int64_t now_us(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void conn_drop(struct load *l, struct load_conn *c, int64_t now)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->in_len = 0;
    c->out_off = 0;
    c->again_us = now + AGAIN_US;
    if (c->open && !l->o.retry) {
        c->open = false;
        l->open--;
    }
}

static void conn_send(struct load *l, struct load_conn *c)
{
    while (c->out_off < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
            return;
        if (n <= 0) {
            l->broken++;
            conn_drop(l, c, now_us(CLOCK_MONOTONIC));
            return;
        }
        c->out_off += (size_t)n;
    }
}

static int conn_connect(struct load *l, struct load_conn *c, int64_t now)
{
    int one = 1;
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    c->again_us = 0;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return -1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if ((connect(c->fd, (struct sockaddr *)&l->o.to, sizeof l->o.to) < 0 && errno != EINPROGRESS) ||
        epoll_ctl(l->ep, EPOLL_CTL_ADD, c->fd, &ev) < 0)
        conn_drop(l, c, now);
    return 0;
}

/* When its next request is due: each connection has its own turn in the rate, so that one which is
 * always answered first does not take the others', and with them most of the load in its few lanes. */
static int64_t conn_due(const struct load *l, const struct load_conn *c)
{
    double turn = (double)c->made * l->o.connections + c->index;

    return l->start_us + (int64_t)(turn * l->o.batch * 1e6 / l->o.rate);
}

/* Gives the connection its next request if there is one and it is due. */
static bool conn_fill(struct load *l, struct load_conn *c, int64_t now)
{
    uint32_t n = l->o.batch;
    if (l->o.messages && l->taken + n > l->o.messages)
        n = (uint32_t)(l->o.messages - l->taken);
    if (n == 0 || now >= l->end_us || stop_now)
        return false;
    c->due_us = now;
    if (l->o.rate > 0) {
        c->due_us = conn_due(l, c);
        if (c->due_us > now)
            return false;
    }
    c->n = n;
    c->first = c->next;
    if (load_request_make(&l->o, c, now_us(CLOCK_REALTIME)) < 0)
        return false;
    c->next += n;
    c->made++;
    l->taken += n;
    c->open = true;
    l->open++;
    return true;
}

static int accepted_write(struct load *l, struct load_conn *c)
{
    char buf[65536], *p = buf;
    for (uint32_t i = 0; i < c->n; i++) {
        if ((size_t)(buf + sizeof buf - p) < 256) {
            if (write(l->accepted_fd, buf, (size_t)(p - buf)) != p - buf)
                return -1;
            p = buf;
        }
        p += load_id_write(&l->o, c, c->first + i, p, 200);
        *p++ = '\n';
    }
    return write(l->accepted_fd, buf, (size_t)(p - buf)) == p - buf ? 0 : -1;
}

static int conn_answered(struct load *l, struct load_conn *c, int status, int retry_s, int64_t now)
{
    l->requests++;
    l->by_status[status > 0 && status < 600 ? status : 0]++;
    if (status >= 200 && status < 300) {
        if (l->accepted_fd >= 0 && accepted_write(l, c) < 0) {
            fprintf(stderr, "bench-load: cannot write %s: %s\n", l->o.accepted, strerror(errno));
            return -1;
        }
        l->good += c->n;
        bench_hist_add(&l->hist, (uint64_t)(now - c->due_us));
        c->open = false;
        l->open--;
        return 0;
    }
    if (!l->o.retry || (status < 500 && status != 429)) {
        c->open = false;
        l->open--;
        return 0;
    }
    int64_t wait = (int64_t)retry_s * 1000000;
    c->again_us = now + (wait < AGAIN_US ? AGAIN_US : wait > LONGEST_US ? LONGEST_US : wait);
    c->out_off = 0;
    return 0;
}

static int conn_read(struct load *l, struct load_conn *c, bool to_end)
{
    int status, retry_s;
    for (;;) {
        bool last = false;
        ssize_t n = recv(c->fd, c->in + c->in_len, sizeof c->in - c->in_len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return 0;
        int64_t now = now_us(CLOCK_MONOTONIC);
        if (n <= 0) {
            l->broken += c->open;
            conn_drop(l, c, now);
            return 0;
        }
        c->in_len += (size_t)n;
        enum load_answer a = load_answer_read(c, &status, &retry_s, &last);
        if (a == LOAD_BAD || (a == LOAD_ANSWER && !c->open)) {
            l->broken++;
            conn_drop(l, c, now);
            return 0;
        }
        if (a == LOAD_MORE)
            continue;
        if (conn_answered(l, c, status, retry_s, now) < 0)
            return -1;
        if (last) {
            conn_drop(l, c, now);
            return 0;
        }
        if (!c->open && conn_fill(l, c, now))
            conn_send(l, c);
        if (c->fd < 0 || !to_end)
            return 0;
    }
}

/* Everything that is not an answer: connects, repeats, what became due. Returns the wait in us. */
static int64_t turn(struct load *l, int64_t now)
{
    int64_t wait = 200000, next = 1000;
    for (uint32_t i = 0; i < l->o.connections; i++) {
        struct load_conn *c = &l->conns[i];
        if (c->again_us > now) {
            wait = 5000;
            continue;
        }
        if (c->fd < 0 && (c->open || now < l->end_us) && conn_connect(l, c, now) < 0)
            continue;
        if (c->again_us && c->fd >= 0) {
            c->again_us = 0;
            if (c->open)
                conn_send(l, c);
        }
        if (!c->open && c->fd >= 0 && conn_fill(l, c, now))
            conn_send(l, c);
        else if (!c->open && l->o.rate > 0 && conn_due(l, c) - now < next)
            next = conn_due(l, c) - now;
    }
    if (l->o.rate > 0) /* until the next is due: a wait in whole ms would count as latency */
        wait = next < 20 ? 20 : next;
    return wait;
}

static int run(struct load *l)
{
    struct epoll_event ev[256];
    int64_t swept = 0, wait = 0;
    for (;;) {
        int64_t now = now_us(CLOCK_MONOTONIC);
        bool over = stop_now || now >= l->end_us || (l->o.messages && l->taken >= l->o.messages);
        if (over && (l->open == 0 || stop_now ||
                     (now >= l->end_us && (now > l->end_us + 5000000 || l->o.retry))))
            return 0;
        if (now - swept >= (l->o.rate > 0 ? 20 : 5000)) {
            wait = turn(l, now);
            swept = now;
        }
        struct timespec ts = {wait / 1000000, wait % 1000000 * 1000};
        int n = epoll_pwait2(l->ep, ev, 256, &ts, NULL);
        if (n < 0 && errno != EINTR)
            return -1;
        for (int i = 0; i < n; i++) {
            struct load_conn *c = ev[i].data.ptr;
            bool end = ev[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
            if (c->fd >= 0 && ev[i].events & EPOLLOUT && c->open && c->out_off < c->out_len &&
                c->again_us == 0)
                conn_send(l, c);
            if (c->fd >= 0 && (end || ev[i].events & EPOLLIN) && conn_read(l, c, end) < 0)
                return -1;
        }
    }
}

static void report(const struct load *l)
{
    struct rusage ru;
    double took = (double)(now_us(CLOCK_MONOTONIC) - l->start_us) / 1e6;
    getrusage(RUSAGE_SELF, &ru);
    double cpu = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
                 (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
    printf("{\"accepted\":%llu,\"seconds\":%.3f,\"accepted_per_s\":%.0f,\"requests\":%llu,"
           "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"cpu_s\":%.2f,\"broken\":%llu,"
           "\"unanswered\":%u,\"status\":{",
           (unsigned long long)l->good, took, (double)l->good / took,
           (unsigned long long)l->requests, (double)bench_hist_at(&l->hist, 0.5) / 1e3,
           (double)bench_hist_at(&l->hist, 0.99) / 1e3, (double)l->hist.max / 1e3, cpu,
           (unsigned long long)l->broken, l->open);
    const char *comma = "";
    for (int i = 0; i < 600; i++)
        if (l->by_status[i]) {
            printf("%s\"%d\":%llu", comma, i, (unsigned long long)l->by_status[i]);
            comma = ",";
        }
    printf("}}\n");
}

static const char usage[] =
    "bench-load --url http://A.B.C.D:PORT/PATH [options]\n"
    "  --connections N (32)   --messages N | --seconds S   --rate R (events a second)\n"
    "  --body-size BYTES (1024, of one event)   --batch K (events in a body)   --items M (lanes)\n"
    "  --prefix TEXT (of the ids)  --type T  --source S  --data (no envelope)  --header 'N: V'\n"
    "  --retry (send again until accepted)   --accepted FILE (ids that were answered with 2xx)\n"
    "Prints one JSON line. Exit 0 when all that was sent was accepted, 1 else.\n";

enum {
    O_URL = 256,
    O_CONNS,
    O_MESSAGES,
    O_SECONDS,
    O_RATE,
    O_BODY,
    O_BATCH,
    O_ITEMS,
    O_PREFIX,
    O_TYPE,
    O_SOURCE,
    O_DATA,
    O_HEADER,
    O_RETRY,
    O_ACCEPTED,
    O_HELP
};
static const struct option options[] = {{"url", 1, NULL, O_URL},
                                        {"connections", 1, NULL, O_CONNS},
                                        {"messages", 1, NULL, O_MESSAGES},
                                        {"seconds", 1, NULL, O_SECONDS},
                                        {"rate", 1, NULL, O_RATE},
                                        {"body-size", 1, NULL, O_BODY},
                                        {"batch", 1, NULL, O_BATCH},
                                        {"items", 1, NULL, O_ITEMS},
                                        {"prefix", 1, NULL, O_PREFIX},
                                        {"type", 1, NULL, O_TYPE},
                                        {"source", 1, NULL, O_SOURCE},
                                        {"data", 0, NULL, O_DATA},
                                        {"header", 1, NULL, O_HEADER},
                                        {"retry", 0, NULL, O_RETRY},
                                        {"accepted", 1, NULL, O_ACCEPTED},
                                        {"help", 0, NULL, O_HELP},
                                        {NULL, 0, NULL, 0}};

static int url_read(struct load_options *o, const char *url)
{
    char host[48] = "";
    int port = 80, used = 0;
    if (sscanf(url, "http://%47[0-9.]:%d%n", host, &port, &used) < 2 || port < 1 || port > 65535)
        return -1;
    o->to.sin_family = AF_INET;
    o->to.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, host, &o->to.sin_addr) != 1)
        return -1;
    snprintf(o->host, sizeof o->host, "%s:%d", host, port);
    snprintf(o->path, sizeof o->path, "%s", url[used] ? url + used : "/");
    return 0;
}

static int option_set(struct load_options *o, int c, const char *v)
{
    switch (c) {
    case O_URL:
        return url_read(o, v);
    case O_CONNS:
        o->connections = (uint32_t)atoi(v);
        return o->connections ? 0 : -1;
    case O_MESSAGES:
        o->messages = strtoull(v, NULL, 10);
        return 0;
    case O_SECONDS:
        o->seconds = strtod(v, NULL);
        return 0;
    case O_RATE:
        o->rate = strtod(v, NULL);
        return 0;
    case O_BODY:
        o->body = strtoull(v, NULL, 10);
        return o->body <= (64u << 20) ? 0 : -1;
    case O_BATCH:
        o->batch = (uint32_t)atoi(v);
        return o->batch ? 0 : -1;
    case O_ITEMS:
        o->lanes = (uint32_t)atoi(v);
        return o->lanes ? 0 : -1;
    case O_PREFIX:
        o->prefix = v;
        return strlen(v) < 64 ? 0 : -1;
    case O_TYPE:
        o->type = v;
        return 0;
    case O_SOURCE:
        o->source = v;
        return 0;
    case O_DATA:
        o->data_only = true;
        return 0;
    case O_HEADER:
        o->header = v;
        return strlen(v) < 600 ? 0 : -1;
    case O_RETRY:
        o->retry = true;
        return 0;
    case O_ACCEPTED:
        o->accepted = v;
        return 0;
    default:
        return -1;
    }
}

int main(int argc, char **argv)
{
    static struct load l;
    struct sigaction sa = {.sa_handler = on_signal};
    int c, rc = 1;
    l.o = (struct load_options){.connections = 32,
                                .batch = 1,
                                .lanes = 1000,
                                .body = 1024,
                                .prefix = "m",
                                .type = "mfg.bench.event",
                                .source = "/bench"};
    l.accepted_fd = l.ep = -1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (option_set(&l.o, c, optarg) < 0) {
            fputs(usage, c == O_HELP ? stdout : stderr);
            return c == O_HELP ? 0 : 2;
        }
    if (!l.o.to.sin_port || (!l.o.messages && l.o.seconds <= 0)) {
        fputs(usage, stderr);
        return 2;
    }
    if (l.o.lanes < l.o.connections) /* a lane belongs to one connection */
        l.o.connections = l.o.lanes;
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    l.conns = calloc(l.o.connections, sizeof *l.conns);
    l.ep = epoll_create1(EPOLL_CLOEXEC);
    if (!l.conns || l.ep < 0)
        goto out;
    if (l.o.accepted) {
        l.accepted_fd = open(l.o.accepted, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (l.accepted_fd < 0) {
            fprintf(stderr, "bench-load: cannot write %s: %s\n", l.o.accepted, strerror(errno));
            goto out;
        }
    }
    for (uint32_t i = 0; i < l.o.connections; i++) {
        l.conns[i].fd = -1;
        l.conns[i].index = i;
    }
    l.start_us = now_us(CLOCK_MONOTONIC);
    l.end_us = l.o.seconds > 0 ? l.start_us + (int64_t)(l.o.seconds * 1e6) : INT64_MAX / 2;
    rc = run(&l) < 0;
    report(&l);
    if (l.good < l.taken)
        rc = 1;
out:
    for (uint32_t i = 0; l.conns && i < l.o.connections; i++)
        free(l.conns[i].out);
    free(l.conns);
    return rc;
}
