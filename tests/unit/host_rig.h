/*
 * host_rig.h - the hub's part, played by a test: a ROUTER, one host as a thread or as a process
 *
 * The test's program is also the host: `test_host_x host --endpoint ...` is what bb_child_start()
 * runs; rig_main() sees to that. Each function fails the test when what it waits for does not come.
 */
#ifndef HOST_RIG_H
#define HOST_RIG_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "core/host/host.h"
#include "core/wire/wire.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#define WAIT_MS 20000 /* a deadline for what should take milliseconds */

extern char rig_self[4096]; /* this program */

struct rig {
    void *zmq, *router;
    struct bb_child *child;
    char address[128], folder[64], peer[64];
    uint64_t session;
    zmq_msg_t in;
    struct bb_frame f;
    struct bb_buf out;
};
struct rig_welcome {
    const char *plugin, *config, *steps; /* steps: JSON of route 1 */
    uint64_t messages, bytes;
    uint32_t roles, batch;
};

uint64_t rig_now(void); /* ms */
void rig_open(struct rig *h, bool process);
void rig_start(struct rig *h, uint64_t memory_max);
void rig_close(struct rig *h);
bool rig_next(struct rig *h, uint32_t kind, uint64_t ms);
void rig_want(struct rig *h, uint32_t kind);
void rig_send(struct rig *h);
void rig_json(struct bb_buf *b, const char *text);
void rig_welcome(struct rig *h, const struct rig_welcome *w);
void rig_up(struct rig *h, bool process, const struct rig_welcome *w);
void rig_stop(struct rig *h);
void rig_message(struct bb_buf *b, unsigned n);
/* The same as a run: all but the first are behind the one before. */
void rig_deliver_run(struct rig *h, uint64_t first, unsigned n, uint32_t budget_ms);
void rig_deliver(struct rig *h, uint64_t first, unsigned n, uint32_t op, uint32_t budget_ms);
struct bb_w_result rig_result(struct rig *h);
bool rig_says(struct bb_bytes b, const char *text);
void rig_cancel(struct rig *h, uint64_t token);
void rig_acked(struct rig *h, uint64_t cookie, int32_t status);
/* main() of such a test; fill adds its tests. */
int rig_main(int argc, char **argv, void (*fill)(TCase *t));

#endif
