/*
 * journal_driver.h - what the driver's parts share; see journal_driver.c
 */
#ifndef JOURNAL_DRIVER_H
#define JOURNAL_DRIVER_H

#include "core/journal/journal.h"

#define ROUTES 2

struct options {
    const char *dir, *inject, *trace, *fill;
    uint64_t ops, batch, size, reserve, map, wal, pipeline, tag, bad;
};
extern struct options opt;
extern struct bb_journal *journal;
extern uint32_t endpoint, routes[ROUTES];

/* ---- journal_driver.c ---- */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void violation(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void journal_start(void);
struct bb_op *op_wait(struct bb_op *op); /* posts it and waits for it alone */

/* ---- journal_batch.c: messages by their tag, in batches ---- */
struct batch {
    struct bb_op op;
    uint64_t tag; /* of its first message */
    bool settling;
    struct bb_append_msg *msgs;
    struct bb_match *matches;
    struct bb_buf *bytes;
    struct bb_settle *settles;
};
void batch_new(struct batch *b);
void batch_free(struct batch *b);
void batch_append(struct batch *b); /* posts it */
void batch_settle(struct batch *b); /* posts it; not the second route's share that stays waiting */
void message_make(struct bb_buf *b, uint64_t tag);
enum bb_dstate message_state(int route, uint64_t tag); /* when it is settled */
bool message_waits(int route, uint64_t tag);           /* it never is */

/* ---- journal_verify.c ---- */
void verify(void);

#endif
