/*
 * source.c - the webhook server's life: config, listening, running, stopping
 *
 * libmicrohttpd runs without a thread of its own, with its epoll descriptor inside our wait():
 * that costs least (docs/decisions/010-http-server-library.md), and needs no lock between a
 * request and the host's calls.
 *
 * Thread: the instance's. Ownership: see source.h. Invariant: once `quiet` is set no message is
 * submitted any more.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "source.h"

#define LINGER_MS 2000
#define BIND_AGAIN_MS 500
#define HELD_MAX (64u << 20) /* bytes of bodies being gathered, all requests together */

/* ---- config ------------------------------------------------------------------------------------ */
static int conf_read(struct source *s, struct bb_bytes conf)
{
    s->listen = bb_conf_dup(conf, "/listen", NULL);
    s->path = bb_conf_dup(conf, "/path", "/");
    s->port_file = bb_conf_dup(conf, "/port_file", NULL);
    s->records = bb_conf_dup(conf, "/records", NULL);
    if (asprintf(&s->default_source, "/busbar/%s", s->inst->who.endpoint) < 0)
        s->default_source = NULL;
    s->max_body = (uint64_t)bb_conf_int(conf, "/max_body", 1 << 20);
    s->max_headers = (uint32_t)bb_conf_int(conf, "/max_headers", 8192);
    s->max_connections = (uint32_t)bb_conf_int(conf, "/max_connections", 4096);
    s->per_ip = (uint32_t)bb_conf_int(conf, "/max_connections_per_ip", 0);
    s->timeout[PH_IDLE] = bb_conf_int(conf, "/idle_timeout", 60000);
    s->timeout[PH_BODY] = bb_conf_int(conf, "/request_timeout", 30000);
    s->timeout[PH_REPLY] = s->timeout[PH_BODY];
    s->timeout[PH_LINGER] = LINGER_MS;
    s->max_held = HELD_MAX > s->max_body ? HELD_MAX : s->max_body;
    return s->listen && s->path && s->default_source ? 0 : -1;
}

struct source *source_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err, bb_status *why)
{
    struct source *s = calloc(1, sizeof *s);

    *why = BB_E_RETRY;
    if (!s || (s->inst = i, s->listen_fd = s->epoll_fd = -1, conf_read(s, conf)) != 0) {
        bb_error_set(err, BB_E_RETRY, "out of memory");
        goto fail;
    }
    *why = BB_E_CONFIG;
    bb_buf_init(&s->out, s->max_body * 4 + (64u << 10));
    bb_buf_init(&s->refusal, 1u << 20);
    bb_buf_init(&s->tmp, s->max_body * 4 + (64u << 10));
    if (rules_read(s, conf, err) != 0 || guard_read(s, conf, err) != 0)
        goto fail;
    *why = BB_OK;
    return s;
fail:
    source_free(&s);
    return NULL;
}

void source_free(struct source **sp)
{
    struct source *s = *sp;
    char **texts[] = {&s->listen, &s->path, &s->port_file, &s->records, &s->default_source};

    if (!s)
        return;
    source_close(s);
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
        free(*texts[k]);
    for (size_t k = 0; k < s->n_rules; k++) {
        free(s->rules[k].value);
        free(s->rules[k].prefix);
    }
    guard_free(s);
    bb_buf_free(&s->out);
    bb_buf_free(&s->tmp);
    bb_buf_free(&s->refusal);
    free(s->parts);
    free(s);
    *sp = NULL;
}

/* ---- listening ------------------------------------------------------------------------------------ */
/* "127.0.0.1:8080", "[::1]:8080", ":8080" to an address: 0, -1. */
static int address_read(const char *text, struct addrinfo **out)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    char host[80] = "127.0.0.1";
    const char *colon = strrchr(text, ':'), *from = text;
    size_t n;

    if (!colon || !colon[1])
        return -1;
    n = (size_t)(colon - text);
    if (n >= 2 && *from == '[' && from[n - 1] == ']')
        from++, n -= 2;
    else if (memchr(from, ':', n))
        return -1; /* an IPv6 address without brackets */
    if (n >= sizeof host)
        return -1;
    if (n) {
        memcpy(host, from, n);
        host[n] = 0;
    }
    return getaddrinfo(host, colon + 1, &hints, out) == 0 ? 0 : -1;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;

    if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        return 0;
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                         : ((struct sockaddr_in *)&a)->sin_port);
}

/* A socket that listens, or -1 with errno; EINVAL: the text is no address. */
static int socket_open(const char *text)
{
    struct addrinfo *a;
    int fd, on = 1, saved;

    if (address_read(text, &a) != 0) {
        errno = EINVAL;
        return -1;
    }
    fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* sockets inherit it */
        if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, 1024) != 0) {
            saved = errno;
            close(fd);
            errno = saved;
            fd = -1;
        }
    }
    freeaddrinfo(a);
    return fd;
}

/* Writes the port beside, then renames: a reader sees all of it or nothing. */
static void port_tell(struct source *s, unsigned port)
{
    char name[4096], text[16];
    int n = snprintf(text, sizeof text, "%u\n", port), fd;

    bb_host_log(&s->inst->ctx, BB_LOG_INFO, "listening on %s, port %u", s->listen, port);
    if (!s->port_file ||
        snprintf(name, sizeof name, "%s.new", s->port_file) >= (int)sizeof name)
        return;
    fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int bad = fd < 0 || write(fd, text, (size_t)n) != n;
    if (fd >= 0)
        bad |= close(fd) != 0;
    if (bad || rename(name, s->port_file) != 0)
        bb_host_log(&s->inst->ctx, BB_LOG_WARN, "cannot write port_file %s: %s", s->port_file,
                    strerror(errno));
}

/* More connections than descriptors would end in accept() failing for good clients too. */
static uint32_t connections_fit(const struct source *s)
{
    struct rlimit l;
    uint32_t most = s->max_connections;

    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur != RLIM_INFINITY) {
        uint64_t room = l.rlim_cur > 128 ? l.rlim_cur - 64 : l.rlim_cur / 2;
        if (room < most) {
            bb_host_log(&s->inst->ctx, BB_LOG_WARN,
                        "max_connections is %u, but only %llu descriptors may be open: raise "
                        "LimitNOFILE; going on with %llu connections", most,
                        (unsigned long long)l.rlim_cur, (unsigned long long)room);
            most = (uint32_t)room;
        }
    }
    return most;
}

static void on_log(void *arg, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void on_log(void *arg, const char *fmt, va_list ap)
{
    struct source *s = arg;
    char line[256];

    vsnprintf(line, sizeof line, fmt, ap);
    line[strcspn(line, "\r\n")] = 0;
    bb_host_log(&s->inst->ctx, BB_LOG_DEBUG, "http server: %s", line);
}

static int daemon_start(struct source *s, int fd)
{
    const union MHD_DaemonInfo *i;
    size_t pool = s->max_headers * 2 < 16384 ? 16384 : s->max_headers * 2;

    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, request_on, s,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, s, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_NOTIFY_CONNECTION, conn_on, s, MHD_OPTION_NOTIFY_COMPLETED, request_over, s,
        MHD_OPTION_CONNECTION_LIMIT, connections_fit(s), MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        s->per_ip, MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool, MHD_OPTION_END);
    if (!s->daemon)
        return -1;
    i = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    s->epoll_fd = i ? i->epoll_fd : -1;
    s->listen_fd = fd;
    return s->epoll_fd < 0 ? -1 : 0;
}

bb_status source_start(struct source *s, struct bb_error *err)
{
    int fd;

    s->quiet = 0;
    s->bind_again_ms = 0;
    s->now_ms = bb_clock_ms();
    fd = socket_open(s->listen);
    if (fd < 0 && errno == EADDRINUSE) {
        /* while a configuration is exchanged, the instance before this one still has it */
        s->bind_again_ms = s->now_ms + BIND_AGAIN_MS;
        bb_host_log(&s->inst->ctx, BB_LOG_WARN, "%s is in use by another socket; trying again "
                                                "until it is free", s->listen);
        return BB_OK;
    }
    if (fd < 0)
        return errno == EINVAL
                   ? bb_error_set(err, BB_E_CONFIG, "listen: \"%s\" is no address: write "
                                                    "127.0.0.1:8080 or [::1]:8080", s->listen)
                   : bb_error_set(err, BB_E_CONFIG, "cannot listen on %s: %s", s->listen,
                                  strerror(errno));
    if (daemon_start(s, fd) != 0) {
        if (s->daemon)
            source_close(s);
        else
            close(fd);
        return bb_error_set(err, BB_E_RETRY, "the HTTP server did not start on %s", s->listen);
    }
    port_tell(s, port_of(fd));
    return BB_OK;
}

bb_status source_health(const struct source *s, struct bb_error *why)
{
    return s->bind_again_ms ? bb_error_set(why, BB_E_DOWN, "%s is in use by another socket",
                                           s->listen)
                            : BB_OK;
}

/* ---- running --------------------------------------------------------------------------------------- */
int source_fd(const struct source *s)
{
    return s->epoll_fd;
}

static void bind_again(struct source *s)
{
    struct bb_error e = bb_error_none();

    s->bind_again_ms = 0;
    if (source_start(s, &e) != BB_OK)
        bb_host_log(&s->inst->ctx, BB_LOG_ERROR, "%s", e.text);
}

uint32_t source_before(struct source *s, uint32_t timeout_ms)
{
    MHD_UNSIGNED_LONG_LONG ms;
    uint32_t next, parked;

    if (!s->daemon)
        return s->bind_again_ms && timeout_ms > BIND_AGAIN_MS ? BIND_AGAIN_MS : timeout_ms;
    parked = request_parked_expire(s);
    if (s->resumed) {
        s->resumed = 0;
        s->now_ms = bb_clock_ms();
        MHD_run(s->daemon);
    }
    if (MHD_get_timeout(s->daemon, &ms) == MHD_YES && ms < timeout_ms)
        timeout_ms = (uint32_t)ms;
    next = conn_expire(s);
    next = parked < next ? parked : next;
    return next < timeout_ms ? next : timeout_ms;
}

void source_after(struct source *s)
{
    s->now_ms = bb_clock_ms();
    if (s->daemon)
        MHD_run(s->daemon);
    else if (s->bind_again_ms && s->now_ms >= s->bind_again_ms && !s->quiet)
        bind_again(s);
}

void source_acked(struct source *s, uint64_t cookie, bb_status st, const struct bb_receipt *r)
{
    request_acked(s, cookie, st, r);
}

void source_resume(struct source *s)
{
    if (s->daemon)
        request_unpark(s);
}

/* ---- stopping --------------------------------------------------------------------------------------- */
void source_quiesce(struct source *s)
{
    s->quiet = 1;
    s->bind_again_ms = 0;
    if (s->daemon && s->listen_fd >= 0) {
        int fd = MHD_quiesce_daemon(s->daemon);
        if (fd >= 0)
            close(fd);
        s->listen_fd = -1;
    }
}

int source_waits(const struct source *s)
{
    return s->daemon && (s->waiting || s->resumed || s->list[PH_REPLY].first);
}

void source_close(struct source *s)
{
    if (!s->daemon)
        return;
    source_quiesce(s);
    request_refuse_all(s);
    MHD_run(s->daemon); /* resumes them */
    MHD_run(s->daemon); /* sends what goes out at once */
    MHD_stop_daemon(s->daemon);
    s->daemon = NULL;
    s->epoll_fd = -1;
    s->resumed = 0;
    request_free_all(s);
}
