/*
 * journal_rig.h - a journal in a folder of its own, and operations done one at a time
 */
#ifndef JOURNAL_RIG_H
#define JOURNAL_RIG_H

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/base.h"
#include "core/journal/journal.h"

struct rig {
    char dir[64];
    struct bb_journal_options o;
    struct bb_journal *j;
};

static inline void rig_open(struct rig *r)
{
    struct bb_fault err = {0};
    r->o.dir = r->dir;
    r->j = bb_journal_open(&r->o, &err);
    ck_assert_msg(r->j != NULL, "%s", err.text);
}

static inline void rig_init(struct rig *r)
{
    const char *tmp = getenv("TMPDIR");
    memset(r, 0, sizeof *r);
    snprintf(r->dir, sizeof r->dir, "%s/journal-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert(mkdtemp(r->dir) != NULL);
    r->o = (struct bb_journal_options){.map_size = 1u << 30,
                                       .reserve = 1 << 20,
                                       .retention_ms = 3600000,
                                       .claims_window_ms = 3600000,
                                       .claims_max = 1000000};
    rig_open(r);
}

static inline void rig_again(struct rig *r)
{
    bb_journal_close(&r->j);
    rig_open(r);
}

static inline void rig_end(struct rig *r)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "lock", "reserve", "wal.0", "wal.1"};
    char path[128];
    bb_journal_close(&r->j);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", r->dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(r->dir);
}

static inline void rig_wait(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ck_assert_msg(poll(&p, 1, 20000) == 1, "the journal did not answer within 20 s");
}

/* Posts one operation and waits for it. */
static inline int32_t rig_do(struct rig *r, struct bb_op *op)
{
    struct bb_op *done;
    bb_journal_post(r->j, op);
    while (!(done = bb_journal_take(r->j)))
        rig_wait(bb_journal_fd(r->j));
    ck_assert_ptr_eq(done, op);
    ck_assert_ptr_null(done->next);
    return op->status;
}

static inline void rig_read(struct rig *r, struct bb_read *rd)
{
    struct bb_read *done;
    bb_journal_read(r->j, rd);
    while (!(done = bb_journal_read_take(r->j)))
        rig_wait(bb_journal_read_fd(r->j));
    ck_assert_ptr_eq(done, rd);
}

static inline uint32_t rig_route(struct rig *r, const char *name)
{
    struct bb_op op = {.kind = BB_OP_ROUTE, .route = {.name = name}};
    ck_assert_msg(rig_do(r, &op) == BB_OK, "%s", op.text);
    return op.route.id;
}

/* A canonical message; b's memory is the caller's to free. */
static inline struct bb_bytes rig_message(struct bb_buf *b, const char *id, const char *time,
                                          const char *data, size_t pad)
{
    bb_buf_init(b, 32 << 20);
    bb_put_array(b, 2);
    bb_put_map(b, time ? 5 : 4);
    if (time) {
        bb_put_cstr(b, "time");
        bb_put_cstr(b, time);
    }
    bb_put_cstr(b, "specversion");
    bb_put_cstr(b, "1.0");
    bb_put_cstr(b, "id");
    bb_put_cstr(b, id);
    bb_put_cstr(b, "source");
    bb_put_cstr(b, "/test");
    bb_put_cstr(b, "type");
    bb_put_cstr(b, "test.event");
    bb_put_array(b, 2);
    bb_put_cstr(b, data);
    if (pad) {
        char *p = malloc(pad);
        ck_assert(p != NULL);
        memset(p, 'x', pad);
        bb_put_str(b, p, pad);
        free(p);
    } else {
        bb_put_nil(b);
    }
    ck_assert(!b->failed);
    return (struct bb_bytes){b->ptr, b->len};
}

/* Appends one message to one route (0: unmatched); claim of id when claimed. */
static inline int32_t rig_append_to(struct rig *r, uint32_t route, uint64_t lane, const char *id,
                                    const char *time, const char *data, bool claimed,
                                    struct bb_append_msg *out)
{
    struct bb_match m = {.route = route, .lane = lane};
    struct bb_append_msg msg = {.n_match = route ? 1 : 0};
    struct bb_op op = {.kind = BB_OP_APPEND,
                       .append = {.endpoint = 1, .msgs = &msg, .n = 1, .matches = &m, .n_matches = 1}};
    struct bb_buf b;
    msg.whole = rig_message(&b, id, time, data, 0);
    if (claimed)
        bb_journal_fingerprint(r->j, 1, (struct bb_bytes){"/test", 5},
                               (struct bb_bytes){id, strlen(id)}, msg.claim);
    rig_do(r, &op);
    bb_buf_free(&b);
    if (out)
        *out = msg;
    return op.status;
}

static inline uint64_t rig_append(struct rig *r, uint32_t route, uint64_t lane, const char *id)
{
    struct bb_append_msg m;
    ck_assert_int_eq(rig_append_to(r, route, lane, id, NULL, "data", false, &m), BB_OK);
    return m.seq;
}

/* A settlement with nothing else to it. */
static inline struct bb_settle rig_plain(uint32_t route, uint64_t ord, uint64_t seq, uint64_t lane, int to)
{
    return (struct bb_settle){.route = route, .ord = ord, .seq = seq, .lane = lane, .to = (uint8_t)to};
}

static inline struct bb_settle rig_settle(struct rig *r, struct bb_settle s)
{
    struct bb_op op = {.kind = BB_OP_SETTLE, .settle = {.v = &s, .n = 1}};
    ck_assert_msg(rig_do(r, &op) == BB_OK, "%s", op.text);
    return s;
}

static inline struct bb_route_state rig_state(struct rig *r, uint32_t route)
{
    struct bb_route_state st;
    ck_assert_int_eq(bb_journal_route(r->j, route, &st), 0);
    return st;
}

/* The row as the store has it; state WAITING: none. */
static inline struct bb_row rig_row(struct rig *r, uint32_t route, uint64_t lane, uint64_t seq)
{
    struct bb_read_item it = {.seq = seq, .lane = lane};
    struct bb_read rd = {.kind = BB_READ_ROWS, .route = route, .items = &it, .n = 1};
    rig_read(r, &rd);
    bb_journal_read_free(&rd);
    return it.row;
}

static inline bool rig_mark(struct rig *r, uint32_t route, uint64_t lane, uint64_t seq)
{
    struct bb_mark m = {.route = route, .seq = seq, .lane = lane};
    struct bb_op op = {.kind = BB_OP_MARK, .mark = {.v = &m, .n = 1}};
    ck_assert_int_eq(rig_do(r, &op), BB_OK);
    return m.ok;
}

static inline int32_t rig_oper(struct rig *r, enum bb_operator what, uint32_t route, uint64_t seq,
                               bool overtaken_ok, struct bb_op *out)
{
    struct bb_op op = {.kind = BB_OP_OPERATOR,
                       .oper = {.what = what, .route = route, .seq = seq,
                                .overtaken_ok = overtaken_ok, .who = "tester"}};
    rig_do(r, &op);
    if (out)
        *out = op;
    return op.status;
}

#endif
