/*
 * link.c - an instance's connection to the hub
 *
 * ipc://: the protocol of ZeroMQ spoken on the socket itself (core/wire/zmtp.h). Anything else,
 * inproc:// inside the core above all: a ZeroMQ DEALER. libzmq's descriptor is edge-triggered, so
 * it is asked for what it holds after the last send and before each wait.
 * Thread: the instance's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/host/internal.h"

#define LINGER_MS 1000
#define COPY_MAX (16u << 10) /* up to here a copy is cheaper than handing the buffer over */

static int bb_link_dealer(struct bb_link *l, void *zmq, const char *address, const char *id)
{
    int none = 0, linger = LINGER_MS;
    size_t size = sizeof(l->fd);

    l->sock = zmq_socket(zmq, ZMQ_DEALER);
    if (!l->sock)
        return -1;
    /* no high-water mark: what may be under way is bounded by credit, open tokens and log rate */
    if (zmq_setsockopt(l->sock, ZMQ_ROUTING_ID, id, strlen(id)) < 0 ||
        zmq_setsockopt(l->sock, ZMQ_SNDHWM, &none, sizeof(none)) < 0 ||
        zmq_setsockopt(l->sock, ZMQ_RCVHWM, &none, sizeof(none)) < 0 ||
        zmq_setsockopt(l->sock, ZMQ_LINGER, &linger, sizeof(linger)) < 0 ||
        zmq_connect(l->sock, address) < 0 ||
        zmq_getsockopt(l->sock, ZMQ_FD, &l->fd, &size) < 0)
        return -1;
    return 0;
}

int bb_link_open(struct bb_link *l, void *zmq, const char *address, const char *id)
{
    struct bb_fault why = {0, ""};

    if (strncmp(address, "ipc://", 6) != 0)
        return bb_link_dealer(l, zmq, address, id);
    l->direct = bb_zmtp_connect(address + 6, id, &why);
    if (!l->direct)
        fprintf(stderr, "busbar host: %s: %s\n", id, why.text);
    return l->direct ? 0 : -1;
}

void bb_link_close(struct bb_link *l)
{
    if (l->sock)
        zmq_close(l->sock);
    l->sock = NULL;
    bb_zmtp_close(&l->direct, LINGER_MS);
}

int bb_link_fd(const struct bb_link *l)
{
    return l->direct ? bb_zmtp_fd(l->direct) : l->fd;
}

bool bb_link_holds(struct bb_link *l)
{
    int events = 0;
    size_t size = sizeof(events);

    return l->sock && (zmq_getsockopt(l->sock, ZMQ_EVENTS, &events, &size) < 0 ||
                       (events & ZMQ_POLLIN));
}

int bb_link_recv(struct bb_link *l, zmq_msg_t *m)
{
    if (l->direct)
        return bb_zmtp_recv(l->direct, m);
    if (!l->sock)
        return -1;
    while (zmq_msg_recv(m, l->sock, ZMQ_DONTWAIT) < 0) {
        if (zmq_errno() != EINTR)
            return zmq_errno() == ETERM ? -1 : 0;
    }
    return 1;
}

static void bb_link_release(void *data, void *hint)
{
    (void)hint;
    free(data);
}

void bb_link_send(struct bb_link *l, struct bb_buf *b)
{
    zmq_msg_t m;

    if (b->failed || b->len == 0)
        return;
    if (l->direct) {
        bb_zmtp_send(l->direct, b->ptr, b->len);
        return;
    }
    if (b->len <= COPY_MAX) {
        zmq_send(l->sock, b->ptr, b->len, ZMQ_DONTWAIT);
        return;
    }
    if (zmq_msg_init_data(&m, b->ptr, b->len, bb_link_release, NULL) != 0)
        return;
    bb_buf_init(b, 0);
    if (zmq_msg_send(&m, l->sock, ZMQ_DONTWAIT) < 0)
        zmq_msg_close(&m);
}

int bb_link_flush(struct bb_link *l)
{
    return l->direct ? bb_zmtp_flush(l->direct) : 0;
}
