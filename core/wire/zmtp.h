/*
 * zmtp.h - a DEALER on a Unix socket, without libzmq's thread
 *
 * libzmq moves bytes in an I/O thread of its own: a wake-up more for each turn, each way. A host
 * process has one connection and one thread that waits for it, so it speaks ZMTP 3.0 (RFC 23, with
 * the NULL mechanism) itself. The peer is any ROUTER.
 *
 * Thread: one. Ownership: what is sent is copied. Invariant: a frame is handed out whole or not at
 * all.
 */
#ifndef BB_ZMTP_H
#define BB_ZMTP_H

#include <stdbool.h>
#include <zmq.h>
#include <busbar/message.h>

struct bb_zmtp;
/* path: of the socket, "@name" an abstract one; id: the DEALER's routing id. NULL with err. */
struct bb_zmtp *bb_zmtp_connect(const char *path, const char *id, struct bb_fault *err);
/* What to poll for input; it changes while output is stuck, so ask before each wait. */
int bb_zmtp_fd(const struct bb_zmtp *z);
/* The next frame into m, which is initialised and empty: 1, 0 none yet, -1 the peer is gone or does
 * not speak the protocol. After a 0 wait for bb_zmtp_fd(). */
int bb_zmtp_recv(struct bb_zmtp *z, zmq_msg_t *m);
/* Queues one frame; 0, -1 no memory. */
int bb_zmtp_send(struct bb_zmtp *z, const void *frame, size_t len);
/* Sends what the socket takes: 0, -1 the peer is gone. */
int bb_zmtp_flush(struct bb_zmtp *z);
/* Waits at most linger_ms for the output to leave. */
void bb_zmtp_close(struct bb_zmtp **zp, int linger_ms);

#endif
