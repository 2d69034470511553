/*
 * ask.h - a webhook's sender on a bare socket, beside an instance that the same thread drives
 *
 * Every wait pumps the instance and lets the fake host answer as `ack` says, so no thread and no
 * sleep is needed. All waits have a deadline and fail the test past it.
 */
#ifndef BB_TEST_HTTP_ASK_H
#define BB_TEST_HTTP_ASK_H

#include <check.h>
#include "tests/plugins/fakehost.h"

#define WAIT_MS 10000

struct plant { /* a source under test */
    struct fake_journal journal;
    struct fake_host *host;
    unsigned port;
    int hold;          /* do not acknowledge */
    bb_status ack;     /* what acked() says */
    const char *ack_text;
};
/* Starts an instance on a free port; more: further config, "\"path\": \"/x\", " or "". */
void plant_start(struct plant *p, const char *more);
void plant_end(struct plant *p); /* stop and free, unless done already */
void plant_turn(struct plant *p, uint32_t ms);

struct answer {
    unsigned status;
    char head[4096], body[8192];
};
int dial(const struct plant *p); /* a connected socket */
void tell(struct plant *p, int fd, const void *bytes, size_t n);
/* The next whole answer on fd. 0, or -1 when the connection ended first. */
int hear(struct plant *p, int fd, struct answer *a);
/* 1 when the connection ends within ms, else 0; bytes before the end are thrown away. */
int hear_end(struct plant *p, int fd, uint32_t ms);
/* One POST on a connection of its own. headers: whole lines, each with \r\n. */
void post(struct plant *p, const char *path, const char *headers, const char *body,
          struct answer *a);

#endif
