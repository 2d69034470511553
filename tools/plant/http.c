/*
 * http.c - see http.h
 *
 * A connection's request stays in its input buffer until it is answered, so that a delayed one can
 * be handled again from the same bytes. Requests of one connection are answered in turn. Waiting
 * connections form a list in order of their time; one that the peer has left stays until its time.
 * An answer that is to come late or in drips stays in the output buffer and is let go by the same list.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/plant/http.h"

#define HEAD_MAX 65536u
#define IN_FIRST 8192u
#define KEEP_MAX (1u << 20) /* an idle connection keeps at most this much memory */
#define TURN 256
#define DRIP_MS 100

struct plant_conn {
    struct plant_server *s;
    int fd;
    char *in, *out;
    size_t in_len, in_cap, out_len, out_off, out_cap;
    bool dirty, hung, waiting, gone, close_after, continued;
    bool slow;            /* the answer leaves bit by bit: */
    size_t allow, chunk;  /* up to here by now, so much more each time */
    size_t last_body;     /* of the last answer */
    uint32_t note;
    int64_t due_ms;
    struct plant_conn *wait_prev, *wait_next, *prev, *next;
};

struct plant_server {
    struct plant_server_options o;
    int fd, ep;
    uint16_t port;
    size_t n_conns, n_dirty, cap_dirty;
    struct plant_conn **dirty;
    struct plant_conn *wait_head, *wait_tail, *conns;
};

static void conn_serve(struct plant_conn *c);

int64_t plant_now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool plant_text_is(struct plant_text t, const char *s)
{
    return t.n == strlen(s) && memcmp(t.p, s, t.n) == 0;
}

bool plant_header(const struct plant_request *rq, const char *name, struct plant_text *value)
{
    size_t len = strlen(name);
    const char *p = rq->head.p, *end = rq->head.p + rq->head.n;
    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        const char *stop = eol ? eol : end;
        if ((size_t)(stop - p) > len && p[len] == ':' && strncasecmp(p, name, len) == 0) {
            const char *v = p + len + 1;
            while (v < stop && (*v == ' ' || *v == '\t'))
                v++;
            while (stop > v && (stop[-1] == '\r' || stop[-1] == ' '))
                stop--;
            value->p = v;
            value->n = (size_t)(stop - v);
            return true;
        }
        p = eol ? eol + 1 : end;
    }
    return false;
}

/* ---- connections --------------------------------------------------------------------------- */

static int grow(char **buf, size_t *cap, size_t need)
{
    size_t n = *cap ? *cap : IN_FIRST;
    while (n < need)
        n *= 2;
    if (n == *cap)
        return 0;
    char *p = realloc(*buf, n);
    if (!p)
        return -1;
    *buf = p;
    *cap = n;
    return 0;
}

static void wait_unlink(struct plant_conn *c)
{
    struct plant_server *s = c->s;
    if (c->wait_prev)
        c->wait_prev->wait_next = c->wait_next;
    else
        s->wait_head = c->wait_next;
    if (c->wait_next)
        c->wait_next->wait_prev = c->wait_prev;
    else
        s->wait_tail = c->wait_prev;
    c->wait_prev = c->wait_next = NULL;
    c->waiting = false;
}

static void conn_free(struct plant_conn *c)
{
    struct plant_server *s = c->s;
    if (c->waiting)
        wait_unlink(c);
    if (c->dirty)
        for (size_t i = 0; i < s->n_dirty; i++)
            if (s->dirty[i] == c)
                s->dirty[i] = NULL;
    if (c->prev)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    if (c->fd >= 0)
        close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
    s->n_conns--;
}

/* The peer is gone: what waits is still worked off, the rest ends here. */
static void conn_leave(struct plant_conn *c)
{
    if (!c->waiting) {
        conn_free(c);
        return;
    }
    close(c->fd);
    c->fd = -1;
    c->gone = true;
}

static void mark_dirty(struct plant_conn *c)
{
    struct plant_server *s = c->s;
    if (c->dirty || c->gone)
        return;
    if (s->n_dirty == s->cap_dirty) {
        size_t cap = s->cap_dirty ? s->cap_dirty * 2 : 256;
        struct plant_conn **v = realloc(s->dirty, cap * sizeof *v);
        if (!v)
            return; /* the peer's own time-out ends it */
        s->dirty = v;
        s->cap_dirty = cap;
    }
    s->dirty[s->n_dirty++] = c;
    c->dirty = true;
}

static void put_out(struct plant_conn *c, const char *p, size_t n)
{
    if (grow(&c->out, &c->out_cap, c->out_len + n) < 0) {
        c->close_after = true;
        return;
    }
    memcpy(c->out + c->out_len, p, n);
    c->out_len += n;
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {{200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"},
                   {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"},
                   {404, "Not Found"}, {405, "Method Not Allowed"},
                   {411, "Length Required"}, {413, "Content Too Large"},
                   {409, "Conflict"}, {412, "Precondition Failed"}, {415, "Unsupported Media Type"},
                   {423, "Locked"}, {428, "Precondition Required"}, {501, "Not Implemented"},
                   {422, "Unprocessable Content"}, {429, "Too Many Requests"},
                   {500, "Internal Server Error"}, {502, "Bad Gateway"},
                   {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Status";
}

void plant_answer(struct plant_conn *c, int status, const char *type, const char *extra,
                  const char *body, size_t n)
{
    char head[4096], fixed[256] = "";
    if (c->gone)
        return;
    if (status != 204)
        snprintf(fixed, sizeof fixed, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, n);
    int len = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\n%s%s\r\n", status, reason(status),
                       fixed, extra);
    if (len < 0 || (size_t)len >= sizeof head) {
        c->close_after = true;
        return;
    }
    c->last_body = status == 204 ? 0 : n;
    put_out(c, head, (size_t)len);
    put_out(c, body, c->last_body);
    mark_dirty(c);
}

void plant_reply(struct plant_conn *c, int status, const char *extra, const char *body, size_t n)
{
    plant_answer(c, status, "application/json", extra, body, n);
}

void plant_cut(struct plant_conn *c)
{
    size_t half = (c->last_body + 1) / 2;
    if (c->gone || c->out_len - c->out_off < half)
        return;
    c->out_len -= half;
    c->close_after = true;
    c->hung = true;
}

void plant_slow(struct plant_conn *c, uint32_t ms, size_t chunk)
{
    if (c->gone || c->out_len == c->out_off)
        return;
    c->slow = true;
    c->allow = c->out_off;
    c->chunk = chunk ? chunk : SIZE_MAX;
    plant_wait(c, ms, 0);
}

void plant_reset(struct plant_conn *c)
{
    struct linger hard = {1, 0};
    if (c->gone)
        return;
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    c->close_after = true;
    c->hung = true; /* nothing more is read from it */
    c->out_len = c->out_off = 0;
    mark_dirty(c);
}

void plant_hang(struct plant_conn *c)
{
    c->hung = true;
}

void plant_wait(struct plant_conn *c, uint32_t ms, uint32_t note)
{
    struct plant_server *s = c->s;
    c->due_ms = plant_now_ms() + ms;
    c->note = note;
    struct plant_conn *at = s->wait_tail;
    while (at && at->due_ms > c->due_ms)
        at = at->wait_prev;
    c->wait_prev = at;
    c->wait_next = at ? at->wait_next : s->wait_head;
    if (at)
        at->wait_next = c;
    else
        s->wait_head = c;
    if (c->wait_next)
        c->wait_next->wait_prev = c;
    else
        s->wait_tail = c;
    c->waiting = true;
}

/* ---- requests ------------------------------------------------------------------------------ */

static bool parse_line(struct plant_text head, struct plant_request *rq)
{
    const char *eol = memchr(head.p, '\r', head.n);
    const char *sp = eol ? memchr(head.p, ' ', (size_t)(eol - head.p)) : NULL;
    const char *sp2 = sp ? memchr(sp + 1, ' ', (size_t)(eol - sp - 1)) : NULL;
    if (!sp2)
        return false;
    rq->method = (struct plant_text){head.p, (size_t)(sp - head.p)};
    rq->path = (struct plant_text){sp + 1, (size_t)(sp2 - sp - 1)};
    rq->head = (struct plant_text){eol + 2, head.n - (size_t)(eol + 2 - head.p)};
    return true;
}

static bool parse_length(const struct plant_request *rq, size_t *out)
{
    struct plant_text v;
    size_t n = 0;
    *out = 0;
    if (!plant_header(rq, "content-length", &v))
        return !plant_header(rq, "transfer-encoding", &v);
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9' || n > ((size_t)1 << 40))
            return false;
        n = n * 10 + (size_t)(v.p[i] - '0');
    }
    *out = n;
    return v.n > 0;
}

static void refuse(struct plant_conn *c, int status)
{
    plant_reply(c, status, "Connection: close\r\n", "", 0);
    c->close_after = true;
    c->hung = true;
}

/* Reads the request at the buffer's start: its whole length, 0 when more must come or it was
 * refused. */
static size_t parse(struct plant_conn *c, struct plant_request *rq)
{
    size_t body;
    struct plant_text v;
    memset(rq, 0, sizeof *rq);
    char *blank = c->in_len ? memmem(c->in, c->in_len, "\r\n\r\n", 4) : NULL;
    if (!blank) {
        if (c->in_len >= HEAD_MAX)
            refuse(c, 413);
        return 0;
    }
    size_t head = (size_t)(blank - c->in) + 4;
    if (!parse_line((struct plant_text){c->in, head - 2}, rq)) {
        refuse(c, 400);
        return 0;
    }
    if (!parse_length(rq, &body)) {
        refuse(c, 411);
        return 0;
    }
    if (body > c->s->o.max_body) {
        refuse(c, 413);
        return 0;
    }
    if (c->in_len < head + body) {
        if (!c->continued && plant_header(rq, "expect", &v)) {
            put_out(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
            mark_dirty(c);
            c->continued = true;
        }
        if (grow(&c->in, &c->in_cap, head + body) < 0)
            refuse(c, 413);
        return 0;
    }
    rq->body = (struct plant_text){c->in + head, body};
    return head + body;
}

/* Answers what is complete, until one waits. */
static void conn_serve(struct plant_conn *c)
{
    struct plant_request rq;
    struct plant_text v;
    while (!c->waiting && !c->hung && !c->close_after) {
        size_t n = parse(c, &rq);
        if (n == 0)
            return;
        rq.woken = c->note != 0;
        rq.note = c->note;
        c->note = 0;
        if (plant_header(&rq, "connection", &v) && v.n == 5 && strncasecmp(v.p, "close", 5) == 0)
            c->close_after = true;
        c->s->o.handle(c->s->o.arg, c, &rq);
        if (c->waiting && !c->slow) {
            c->close_after = false;
            return;
        }
        c->continued = false;
        memmove(c->in, c->in + n, c->in_len - n);
        c->in_len -= n;
        if (c->in_len == 0 && c->in_cap > KEEP_MAX) {
            free(c->in);
            c->in = NULL;
            c->in_cap = 0;
        }
        if (c->gone)
            return;
    }
}

/* to_end: the peer has closed its side, so its last byte must be read now (edge triggered). */
static void conn_read(struct plant_conn *c, bool to_end)
{
    for (;;) {
        if (c->in_cap - c->in_len < 4096 && grow(&c->in, &c->in_cap, c->in_len + 4096) < 0) {
            conn_leave(c);
            return;
        }
        if (c->in_len > c->s->o.max_body + HEAD_MAX) { /* pipelined past all reason */
            conn_leave(c);
            return;
        }
        size_t room = c->in_cap - c->in_len;
        ssize_t n = recv(c->fd, c->in + c->in_len, room, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n <= 0) {
            conn_leave(c);
            return;
        }
        c->in_len += (size_t)n;
        if ((size_t)n < room && !to_end)
            break;
    }
    conn_serve(c);
}

static void conn_flush(struct plant_conn *c)
{
    size_t end = c->slow && c->allow < c->out_len ? c->allow : c->out_len;
    while (c->out_off < end) {
        ssize_t n = send(c->fd, c->out + c->out_off, end - c->out_off, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return; /* EPOLLOUT goes on */
        if (n <= 0) {
            conn_leave(c);
            return;
        }
        c->out_off += (size_t)n;
    }
    if (c->slow)
        return;
    c->out_len = c->out_off = 0;
    if (c->close_after && !c->waiting)
        conn_free(c);
}

static void accept_all(struct plant_server *s)
{
    for (;;) {
        int one = 1;
        int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct plant_conn *c = calloc(1, sizeof *c);
        struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                 .data.ptr = c};
        if (!c || epoll_ctl(s->ep, EPOLL_CTL_ADD, fd, &ev) < 0) {
            free(c);
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->s = s;
        c->fd = fd;
        c->next = s->conns;
        if (s->conns)
            s->conns->prev = c;
        s->conns = c;
        s->n_conns++;
    }
}

/* Lets the next bit of a slow answer go; after the last one the connection serves on. */
static void slow_step(struct plant_conn *c)
{
    if (c->gone) {
        conn_free(c);
        return;
    }
    c->allow = c->chunk > c->out_len - c->allow ? c->out_len : c->allow + c->chunk;
    mark_dirty(c);
    if (c->allow < c->out_len) {
        plant_wait(c, DRIP_MS, 0);
        return;
    }
    c->slow = false;
    conn_serve(c);
}

static void wake_due(struct plant_server *s)
{
    int64_t now = plant_now_ms();
    while (s->wait_head && s->wait_head->due_ms <= now) {
        struct plant_conn *c = s->wait_head;
        wait_unlink(c);
        if (c->slow) {
            slow_step(c);
            continue;
        }
        conn_serve(c);
        if (c->gone && !c->waiting)
            conn_free(c);
    }
}

int plant_server_run(struct plant_server *s, const atomic_int *stop)
{
    struct epoll_event ev[TURN];
    while (!*stop) {
        int64_t wait = 200;
        if (s->wait_head) {
            int64_t left = s->wait_head->due_ms - plant_now_ms();
            wait = left < 0 ? 0 : left < wait ? left : wait;
        }
        int n = epoll_wait(s->ep, ev, TURN, (int)wait);
        if (n < 0 && errno != EINTR)
            return -1;
        for (int i = 0; i < n; i++) {
            struct plant_conn *c = ev[i].data.ptr;
            if (!c) {
                accept_all(s);
                continue;
            }
            if (ev[i].events & EPOLLOUT && c->out_len > c->out_off)
                mark_dirty(c);
            if (ev[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
                conn_read(c, ev[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
        }
        wake_due(s);
        if (s->o.before_send)
            s->o.before_send(s->o.arg);
        for (size_t i = 0; i < s->n_dirty; i++) {
            struct plant_conn *c = s->dirty[i];
            if (!c)
                continue;
            c->dirty = false;
            s->dirty[i] = NULL;
            conn_flush(c);
        }
        s->n_dirty = 0;
    }
    return 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

struct plant_server *plant_server_new(const struct plant_server_options *o)
{
    int one = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(o->port)};
    socklen_t len = sizeof a;
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    struct plant_server *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->o = *o;
    s->ep = -1;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || inet_pton(AF_INET, o->host, &a.sin_addr) != 1) {
        fprintf(stderr, "plant: \"%s\" is not an IPv4 address\n", o->host);
        goto fail;
    }
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(s->fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(s->fd, 1024) < 0 ||
        getsockname(s->fd, (struct sockaddr *)&a, &len) < 0) {
        fprintf(stderr, "plant: cannot listen on %s:%u: %s; choose another --port\n", o->host,
                o->port, strerror(errno));
        goto fail;
    }
    s->port = ntohs(a.sin_port);
    s->ep = epoll_create1(EPOLL_CLOEXEC);
    if (s->ep < 0 || epoll_ctl(s->ep, EPOLL_CTL_ADD, s->fd, &ev) < 0)
        goto fail;
    return s;
fail:
    plant_server_free(&s);
    return NULL;
}

uint16_t plant_server_port(const struct plant_server *s)
{
    return s->port;
}

size_t plant_server_connections(const struct plant_server *s)
{
    return s->n_conns;
}

void plant_server_free(struct plant_server **sp)
{
    struct plant_server *s = *sp;
    *sp = NULL;
    if (!s)
        return;
    while (s->conns)
        conn_free(s->conns);
    if (s->fd >= 0)
        close(s->fd);
    if (s->ep >= 0)
        close(s->ep);
    free(s->dirty);
    free(s);
}
