/*
 * fuzz_zmtp.c - any bytes from a ROUTER's side of the socket, in pieces
 *
 * The first byte says whether a sound greeting and READY go before the rest, and how large the
 * pieces are, so that a frame comes cut anywhere. What goes out meanwhile is read and thrown away.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/wire/zmtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int listening(char path[64])
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int n, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    n = snprintf(path, 64, "@busbar-fuzz-%ld", (long)getpid());
    memcpy(a.sun_path + 1, path + 1, (size_t)n - 1);
    if (fd < 0 ||
        bind(fd, (void *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)) !=
            0 ||
        listen(fd, 4) != 0)
        abort();
    return fd;
}

/* Reads what there is: 0, -1 the end. */
static int take(struct bb_zmtp *z, size_t *got)
{
    zmq_msg_t m;
    int rc;

    for (;;) {
        zmq_msg_init(&m);
        rc = bb_zmtp_recv(z, &m);
        *got += rc == 1 ? zmq_msg_size(&m) : 0;
        zmq_msg_close(&m);
        if (rc != 1)
            return rc;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t greeting[64] = {0xff, 0,    0, 0, 0,   0,   0,   0,
                                         0,    0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    static const uint8_t ready[] = "\4\x1c\5READY\xbSocket-Type\0\0\0\6ROUTER";
    static char path[64];
    static int listener = -1;
    struct bb_fault err;
    struct bb_zmtp *z;
    uint8_t all[4096 + 128], away[4096];
    size_t len = 0, piece, got = 0;
    int fd;

    if (size < 1 || size > 4096)
        return 0;
    if (listener < 0)
        listener = listening(path);
    if (data[0] & 1) {
        memcpy(all, greeting, sizeof greeting);
        memcpy(all + sizeof greeting, ready, sizeof ready - 1);
        len = sizeof greeting + sizeof ready - 1;
    }
    memcpy(all + len, data + 1, size - 1);
    len += size - 1;
    piece = data[0] >> 1 ? data[0] >> 1 : len + 1;
    z = bb_zmtp_connect(path, "fuzz", &err);
    if (!z)
        abort();
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        abort();
    for (size_t at = 0; at < len; at += piece) {
        if (send(fd, all + at, at + piece < len ? piece : len - at, MSG_NOSIGNAL) < 0 ||
            take(z, &got) != 0)
            break;
        (void)bb_zmtp_send(z, "answer", 6);
        (void)bb_zmtp_flush(z);
        while (recv(fd, away, sizeof away, 0) > 0)
            ;
    }
    if (got > len) /* nothing is handed out that did not come */
        abort();
    close(fd);
    bb_zmtp_close(&z, 0);
    return 0;
}
