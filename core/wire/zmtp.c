/*
 * zmtp.c - a DEALER on a Unix socket; see zmtp.h
 *
 *   greeting 64 bytes, each way -> READY, each way -> frames: flags, length (1 or 8 bytes), body
 *
 * Input is read in large pieces and cut into frames; one that is larger than a piece is read where
 * it will lie. A read that gave less than was asked for has emptied the socket: no second one.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/wire/zmtp.h"

#define GREETING 64u
#define HEAD_MAX 9u
#define IN_CAP (64u << 10)
#define COPY_MAX (16u << 10)   /* a larger frame is sent from where it lies */
#define OUT_KEEP (256u << 10)  /* a larger buffer is given back */
#define FRAME_MAX (1ull << 30) /* as the hub's ROUTER has it */
#define F_MORE 1u
#define F_LONG 2u
#define F_COMMAND 4u

struct bb_zmtp {
    int fd, stuck_fd; /* stuck_fd: an epoll descriptor for input and output; -1 never needed */
    bool greeted, ready, stuck; /* ready: the peer's READY has come */
    uint8_t *in;
    size_t at, len; /* in[at] .. in[len - 1] is not looked at yet */
    bool known;     /* a frame has come; what goes before it holds secrets, and so does it */
    bool dry;       /* the last read emptied the socket */
    bool filling;   /* big is being read */
    zmq_msg_t big;
    size_t big_got;
    bool big_command;
    struct bb_buf out;
    size_t sent; /* of out */
};

/* ---- output ----------------------------------------------------------------------------------- */
static size_t head_make(uint8_t head[HEAD_MAX], unsigned flags, size_t len)
{
    if (len < 256) {
        head[0] = (uint8_t)flags;
        head[1] = (uint8_t)len;
        return 2;
    }
    head[0] = (uint8_t)(flags | F_LONG);
    for (int i = 0; i < 8; i++)
        head[1 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
    return HEAD_MAX;
}

/* Output is stuck, or no longer: poll() for input alone would not see that it may go on. */
static int stuck_set(struct bb_zmtp *z, bool stuck)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT};

    if (stuck && z->stuck_fd < 0) {
        z->stuck_fd = epoll_create1(EPOLL_CLOEXEC);
        if (z->stuck_fd < 0 || epoll_ctl(z->stuck_fd, EPOLL_CTL_ADD, z->fd, &e) != 0)
            return -1;
    }
    z->stuck = stuck;
    return 0;
}

static void out_empty(struct bb_zmtp *z)
{
    if (!z->known && z->out.len)
        explicit_bzero(z->out.ptr, z->out.len);
    if (z->out.cap > OUT_KEEP)
        bb_buf_free(&z->out);
    bb_buf_reset(&z->out);
    z->sent = 0;
}

static int out_send(struct bb_zmtp *z)
{
    while (z->sent < z->out.len) {
        ssize_t n = send(z->fd, z->out.ptr + z->sent, z->out.len - z->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return z->stuck ? 0 : stuck_set(z, true);
        if (n < 0)
            return -1;
        z->sent += (size_t)n;
    }
    out_empty(z);
    return z->stuck ? stuck_set(z, false) : 0;
}

int bb_zmtp_flush(struct bb_zmtp *z)
{
    return z->ready ? out_send(z) : 0; /* libzmq takes no frame before it has said READY itself */
}

static int out_put(struct bb_zmtp *z, const void *p, size_t n)
{
    bb_buf_put(&z->out, p, n);
    return z->out.failed ? -1 : 0;
}

int bb_zmtp_send(struct bb_zmtp *z, const void *frame, size_t len)
{
    uint8_t head[HEAD_MAX];
    struct iovec v[2] = {{head, head_make(head, 0, len)}, {(void *)(uintptr_t)frame, len}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
    size_t gone = 0;
    ssize_t n;

    if (len > COPY_MAX && z->ready && !z->stuck && bb_zmtp_flush(z) == 0 && !z->out.len) {
        while ((n = sendmsg(z->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 && errno == EINTR)
            ;
        gone = n > 0 ? (size_t)n : 0;
        if (gone == v[0].iov_len + len)
            return 0;
    }
    if (!bb_buf_room(&z->out, v[0].iov_len + len - gone)) {
        z->out.failed = 0; /* the frames before it must not be lost */
        return -1;
    }
    if (gone < v[0].iov_len) {
        out_put(z, head + gone, v[0].iov_len - gone);
        gone = v[0].iov_len;
    }
    return out_put(z, (const uint8_t *)frame + (gone - v[0].iov_len), len + v[0].iov_len - gone);
}

/* ---- input ------------------------------------------------------------------------------------ */
/* 1: n bytes or fewer came, got says; 0 none there; -1 the end. */
static int pull(struct bb_zmtp *z, void *to, size_t n, size_t *got)
{
    ssize_t r;

    if (z->dry) {
        z->dry = false;
        return 0;
    }
    while ((r = recv(z->fd, to, n, MSG_DONTWAIT)) < 0 && errno == EINTR)
        ;
    if (r < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    if (r == 0)
        return -1;
    z->dry = (size_t)r < n;
    *got = (size_t)r;
    return 1;
}

static int greeting_check(struct bb_zmtp *z)
{
    const uint8_t *g = z->in + z->at;

    z->at += GREETING;
    z->greeted = true;
    return g[0] == 0xff && g[9] == 0x7f && g[10] >= 3 && memcmp(g + 12, "NULL", 5) == 0 ? 0 : -1;
}

/* A command of the peer's: 0, -1 it refuses us. Those that are not known mean nothing. */
static int command(struct bb_zmtp *z, const uint8_t *p, size_t n)
{
    if (n >= 6 && memcmp(p, "\5ERROR", 6) == 0)
        return -1;
    if (n < 6 || memcmp(p, "\5READY", 6) != 0)
        return 0;
    z->ready = true;
    return bb_zmtp_flush(z);
}

/* Cuts one frame off the input: 1 m has it, 0 more input is needed, 2 look again, -1 malformed. */
static int frame_cut(struct bb_zmtp *z, zmq_msg_t *m)
{
    const uint8_t *p = z->in + z->at;
    size_t have = z->len - z->at, head = 2;
    uint64_t n = 0;

    if (have < 2)
        return 0;
    if (p[0] & F_LONG) {
        head = HEAD_MAX;
        if (have < head)
            return 0;
        for (int i = 0; i < 8; i++)
            n = n << 8 | p[1 + i];
    } else {
        n = p[1];
    }
    if (n > FRAME_MAX)
        return -1;
    if (have < head + n && head + n <= IN_CAP)
        return 0;
    z->at += head;
    have -= head;
    z->big_command = p[0] & F_COMMAND;
    if (have >= n) {
        z->at += n;
        if (z->big_command)
            return command(z, p + head, n) == 0 ? 2 : -1;
        if (zmq_msg_init_size(m, n) != 0)
            return -1;
        memcpy(zmq_msg_data(m), p + head, n);
        if (!z->known)
            explicit_bzero(z->in + z->at - n, n);
        z->known = true;
        return 1;
    }
    if (zmq_msg_init_size(&z->big, n) != 0)
        return -1;
    memcpy(zmq_msg_data(&z->big), p + head, have);
    if (!z->known)
        explicit_bzero(z->in + z->at, have);
    z->big_got = have;
    z->at = z->len;
    z->filling = true;
    return 2;
}

/* The rest of a large frame, as frame_cut(). */
static int big_fill(struct bb_zmtp *z, zmq_msg_t *m)
{
    size_t all = zmq_msg_size(&z->big), got = 0;
    int rc = pull(z, (uint8_t *)zmq_msg_data(&z->big) + z->big_got, all - z->big_got, &got);

    if (rc <= 0)
        return rc;
    z->big_got += got;
    if (z->big_got < all)
        return 2;
    z->filling = false;
    if (z->big_command) {
        zmq_msg_close(&z->big);
        return 2;
    }
    z->known = true;
    zmq_msg_move(m, &z->big);
    zmq_msg_close(&z->big);
    return 1;
}

int bb_zmtp_recv(struct bb_zmtp *z, zmq_msg_t *m)
{
    for (;;) {
        size_t got = 0;
        int rc;

        if (z->filling) {
            if ((rc = big_fill(z, m)) != 2)
                return rc;
            continue;
        }
        if (!z->greeted && z->len - z->at >= GREETING && greeting_check(z) != 0)
            return -1;
        if (z->greeted && (rc = frame_cut(z, m)) != 0) {
            if (rc != 2)
                return rc;
            continue;
        }
        if (z->at) {
            memmove(z->in, z->in + z->at, z->len - z->at);
            z->len -= z->at;
            z->at = 0;
        }
        if ((rc = pull(z, z->in + z->len, IN_CAP - z->len, &got)) <= 0)
            return rc;
        z->len += got;
    }
}

/* ---- life ------------------------------------------------------------------------------------- */
static void property_put(struct bb_buf *b, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);
    uint8_t len[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    uint8_t short_len = (uint8_t)n;

    bb_buf_put(b, &short_len, 1);
    bb_buf_put(b, name, n);
    bb_buf_put(b, len, sizeof len);
    bb_buf_put(b, value, v);
}

/* The peer's half is not waited for: ours is the same whatever it says. */
static int hello_put(struct bb_zmtp *z, const char *id)
{
    uint8_t greeting[GREETING] = {0xff, [9] = 0x7f, [10] = 3, [12] = 'N', 'U', 'L', 'L'};
    uint8_t head[HEAD_MAX];
    struct bb_buf b;
    int rc;

    bb_buf_init(&b, 4096);
    bb_buf_put(&b, "\5READY", 6);
    property_put(&b, "Socket-Type", "DEALER");
    property_put(&b, "Identity", id);
    rc = b.failed || out_put(z, greeting, sizeof greeting) != 0 ||
         out_put(z, head, head_make(head, F_COMMAND, b.len)) != 0 || out_put(z, b.ptr, b.len) != 0;
    bb_buf_free(&b);
    return rc ? -1 : out_send(z);
}

struct bb_zmtp *bb_zmtp_connect(const char *path, const char *id, struct bb_fault *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct bb_zmtp *z = calloc(1, sizeof *z);
    size_t n = strlen(path);

    if (!z)
        goto memory;
    z->fd = z->stuck_fd = -1;
    bb_buf_init(&z->out, SIZE_MAX / 2);
    z->in = malloc(IN_CAP);
    if (!z->in)
        goto memory;
    if (n >= sizeof a.sun_path) {
        bb_fail(err, "a socket's path holds at most %zu characters: %.60s", sizeof a.sun_path - 1,
                path);
        goto fail;
    }
    memcpy(a.sun_path, path, n);
    if (*path == '@')
        a.sun_path[0] = 0;
    z->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (z->fd < 0 ||
        connect(z->fd, (struct sockaddr *)&a,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (*path != '@'))) != 0 ||
        hello_put(z, id) != 0) {
        bb_fail(err, "%s: %s", path, strerror(errno));
        goto fail;
    }
    return z;
memory:
    bb_fail(err, "out of memory");
fail:
    bb_zmtp_close(&z, 0);
    return NULL;
}

int bb_zmtp_fd(const struct bb_zmtp *z)
{
    return z->stuck ? z->stuck_fd : z->fd;
}

void bb_zmtp_close(struct bb_zmtp **zp, int linger_ms)
{
    struct bb_zmtp *z = *zp;
    int64_t until = bb_mono_ms() + linger_ms, left;

    if (!z)
        return;
    *zp = NULL;
    while (z->ready && z->sent < z->out.len && (left = until - bb_mono_ms()) > 0 &&
           bb_zmtp_flush(z) == 0 && z->out.len) {
        struct pollfd p = {.fd = z->fd, .events = POLLOUT};
        poll(&p, 1, (int)left);
    }
    if (z->filling)
        zmq_msg_close(&z->big);
    if (z->stuck_fd >= 0)
        close(z->stuck_fd);
    if (z->fd >= 0)
        close(z->fd);
    bb_buf_free(&z->out);
    free(z->in);
    free(z);
}
