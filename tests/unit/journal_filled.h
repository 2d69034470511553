/*
 * journal_filled.h - a journal with some of everything in it, what must be seen of it, and damage done to it
 */
#ifndef JOURNAL_FILLED_H
#define JOURNAL_FILLED_H

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include "core/journal/wal.h"
#include "tests/unit/journal_rig.h"

#define N 24u /* messages of the filled journal */

static uint32_t lanes, plain;

static inline void settle(struct rig *r, uint32_t route, uint64_t seq, uint64_t lane, enum bb_settle_to to)
{
    static const char detail[] = "\x81\xa6reason\xa4test";
    struct bb_settle s = {.route = route, .to = (uint8_t)to, .ord = seq - 1, .seq = seq, .lane = lane};
    struct bb_op op = {.kind = BB_OP_SETTLE, .settle = {.v = &s, .n = 1}};

    s.row.due_ms = bb_wall_ms() + 3600000;
    if (to != BB_TO_DELIVERED)
        s.event = (struct bb_bytes){detail, sizeof detail - 1};
    if (to == BB_TO_RETRYING)
        s.body = (struct bb_bytes){"kept", 4};
    ck_assert_msg(rig_do(r, &op) == BB_OK, "%s", op.text);
}

/* N messages "m1".. to both routes, the lane of each its number; of each kind of end some; one message
 * that no route matched. Sequence numbers are 1 to N + 1. */
static inline void fill(struct rig *r)
{
    static const enum bb_settle_to to[] = {
        [1] = BB_TO_DELIVERED, [2] = BB_TO_RETRYING,    [3] = BB_TO_HELD,
        [4] = BB_TO_SKIPPED,   [5] = BB_TO_QUARANTINED, [6] = BB_TO_DISCARDED,
        [7] = BB_TO_PROBING,   [8] = BB_TO_QUARANTINED};
    uint32_t id;

    ck_assert_int_eq(bb_journal_name_id(r->j, "erp", &id, NULL), 0);
    ck_assert_uint_eq(id, 1);
    lanes = rig_route(r, "lanes");
    plain = rig_route(r, "plain");
    for (uint64_t i = 1; i <= N; i++) {
        struct bb_match m[2] = {{lanes, 0, i}, {plain, 0, 0}};
        struct bb_append_msg msg = {.n_match = 2};
        struct bb_op op = {.kind = BB_OP_APPEND,
                           .append = {.endpoint = 1, .msgs = &msg, .n = 1, .matches = m, .n_matches = 2}};
        struct bb_buf b;
        char text[32];

        snprintf(text, sizeof text, "m%" PRIu64, i);
        msg.whole = rig_message(&b, text, NULL, text, i == 7 ? 20000 : 300);
        ck_assert_int_eq(rig_do(r, &op), BB_OK);
        ck_assert_uint_eq(msg.seq, i);
        bb_buf_free(&b);
    }
    ck_assert_int_eq(rig_append_to(r, 0, 0, "lost", NULL, "lost", false, NULL), BB_OK);
    for (uint64_t seq = 1; seq < sizeof to / sizeof *to; seq++)
        settle(r, lanes, seq, seq, to[seq]);
    settle(r, plain, 1, 0, BB_TO_DELIVERED);
    settle(r, plain, 5, 0, BB_TO_DELIVERED); /* out of turn: a bit of the window */
    struct bb_op note = {.kind = BB_OP_NOTE, .note = {{"\x80", 1}}};
    ck_assert_int_eq(rig_do(r, &note), BB_OK);
}

struct seen {
    unsigned n, bad, ranges, details, notes, stop_at;
    uint64_t last, covered[BB_D_STATES];
};

static inline int see_message(void *arg, const struct bb_record *m)
{
    struct seen *s = arg;
    struct bb_envelope e;
    char text[32];

    ck_assert_uint_gt(m->seq, s->last);
    s->last = m->seq;
    s->n++;
    s->bad += m->bad;
    if (!m->bad && m->seq <= N) {
        snprintf(text, sizeof text, "m%" PRIu64, m->seq);
        ck_assert_int_eq(bb_envelope_read(m->whole, &e, NULL), 0);
        ck_assert_mem_eq(e.id.ptr, text, e.id.len);
        ck_assert_uint_eq(m->n_matches, 2);
        ck_assert_uint_eq((uintptr_t)m->matches % 8, 0);
        ck_assert_uint_eq(m->matches[0].route, lanes);
        ck_assert_uint_eq(m->matches[0].lane, m->seq);
        ck_assert_uint_eq(m->matches[1].route, plain);
        ck_assert_uint_eq(m->endpoint, 1);
        ck_assert_uint_gt(m->accept_ms, 0);
    }
    return s->n == s->stop_at ? 77 : 0;
}

static char found[4000];

static inline void take_line(void *arg, const char *text)
{
    (void)arg;
    if (strlen(found) + strlen(text) + 2 < sizeof found)
        strcat(strcat(found, text), "\n");
}

static inline int checked(struct rig *r, struct bb_check_report *rep)
{
    struct bb_fault err = {0};
    int rc;

    *found = '\0';
    rc = bb_journal_check(r->dir, rep, take_line, NULL, &err);
    ck_assert_msg(rc >= 0, "%s", err.text);
    return rc;
}

/* A change made behind the journal's back. */
enum hit { FLIP_FIRST, FLIP_LAST, CUT, GONE, COUNT };
static const struct damage {
    enum bb_table table;
    enum hit hit;
    bool route_key;      /* the key is lanes' number, ahead of a and b */
    int numbers;
    uint64_t a, b;       /* a lone 64-bit key when !route_key */
    uint64_t bad, unbalanced, dangling;
    const char *says;
} damages[] = {
    {BB_TAB_MSG, FLIP_LAST, false, 0, 9, 0, 1, 0, 0, "message 9: its record is damaged"},
    {BB_TAB_MSG, FLIP_LAST, false, 0, 7, 0, 1, 0, 0, "message 7: its record is damaged"},
    {BB_TAB_MSG, FLIP_FIRST, false, 0, 9, 0, 1, 0, 0, "message 9"},
    {BB_TAB_MSG, CUT, false, 0, 9, 0, 1, 0, 0, "message 9"},
    {BB_TAB_MSG, GONE, false, 0, 9, 0, 0, 0, 2, "message 9 waits in the feed and is not there"},
    {BB_TAB_MSG, GONE, false, 0, 3, 0, 0, 0, 2, "row without its message 3"},
    {BB_TAB_EVENT, FLIP_LAST, false, 0, 2, 0, 1, 0, 0, "event 2: its record is damaged"},
    {BB_TAB_EVENT, CUT, false, 0, 2, 0, 1, 0, 0, "event 2: its record is damaged"},
    {BB_TAB_ROW, GONE, true, 2, 2, 2, 0, 1, 1, "0 rows are retrying, its books say 1"},
    {BB_TAB_ROW, CUT, true, 2, 2, 2, 1, 1, 1, "the row of message 2 has a wrong size"},
    {BB_TAB_ROW, FLIP_FIRST, true, 2, 2, 2, 0, 1, 2, "rows are"},
    {BB_TAB_OPEN, GONE, true, 1, 3, 0, 0, 0, 1, "message 3 (held) is not listed as open"},
    {BB_TAB_OPEN, GONE, true, 1, 5, 0, 0, 0, 1, "message 5 (quarantined) is not listed as open"},
    {BB_TAB_BODY, GONE, true, 1, 2, 0, 0, 0, 1, "message 2 has lost its kept body"},
    {BB_TAB_FEED, GONE, true, 1, 10, 0, 0, 1, 1, "its feed has a gap"},
    {BB_TAB_FEED, GONE, true, 1, N - 1, 0, 0, 1, 0, "do not make tail"},
    {BB_TAB_FEED, CUT, true, 1, 10, 0, 0, 1, 1, "its feed has a gap"},
    {BB_TAB_HIST, GONE, true, 2, 3, 4, 0, 0, 1, "event 4 is not in the history of message 3"},
    {BB_TAB_EVENT, GONE, false, 0, 4, 0, 0, 0, 1, "names event 4, which is not there"},
    {BB_TAB_ROUTE, CUT, true, 0, 0, 0, 1, 0, 0, "a route's record is damaged"},
    {BB_TAB_ROUTE, COUNT, true, 0, 0, 0, 0, 1, 0, "accounted for"},
};

static inline void damage(struct rig *r, const struct damage *d)
{
    struct bb_store s;
    struct bb_fault err;
    struct bb_key kb;
    MDB_txn *txn;
    MDB_val k = {8, (void *)(uintptr_t)&d->a}, v, nv;
    uint8_t *copy;

    ck_assert_msg(bb_store_open(&s, r->dir, 1u << 30, &(struct bb_wal){0}, &err) == 0, "%s", err.text);
    ck_assert_int_eq(mdb_txn_begin(s.env, NULL, 0, &txn), 0);
    if (d->route_key)
        k = bb_key_of(&kb, lanes, d->numbers, d->a, d->b, 0);
    ck_assert_int_eq(mdb_get(txn, s.dbi[d->table], &k, &v), 0);
    copy = malloc(v.mv_size + 1);
    ck_assert(copy != NULL);
    memcpy(copy, v.mv_data, v.mv_size);
    nv = (MDB_val){v.mv_size, copy};
    if (d->hit == FLIP_FIRST)
        copy[0] ^= 1;
    else if (d->hit == FLIP_LAST)
        copy[v.mv_size - 1] ^= 0x10;
    else if (d->hit == CUT)
        nv.mv_size = v.mv_size / 2;
    else if (d->hit == COUNT)
        copy[offsetof(struct bb_rec_route, counts) + 8 * BB_D_DELIVERED]++;
    ck_assert_int_eq(mdb_del(txn, s.dbi[d->table], &k, NULL), 0);
    if (d->hit != GONE)
        ck_assert_int_eq(mdb_put(txn, s.dbi[d->table], &k, &nv, 0), 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    free(copy);
    bb_store_close(&s);
}

static inline int see_salvaged(void *arg, const struct bb_record *m)
{
    struct seen *s = arg;

    ck_assert_uint_eq(s->covered[0] >> m->seq & 1, 0); /* each once, in any order */
    s->covered[0] |= 1ull << m->seq;
    s->last = 0;
    return see_message(arg, m);
}

static uint64_t unread;

static inline int64_t salvage(const struct rig *r, struct seen *s)
{
    struct bb_fault err = {0};
    int64_t n;

    memset(s, 0, sizeof *s);
    n = bb_journal_salvage(r->dir, see_salvaged, s, &unread, &err);
    ck_assert_msg(n >= 0, "%s", err.text);
    return n;
}

static inline void overwrite(const struct rig *r, off_t from, off_t to)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/data.mdb", r->dir);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    for (; from < to; from += 8)
        ck_assert_int_eq(pwrite(fd, "\xde\xad\xbe\xef\xde\xad\xbe\xef", 8, from), 8);
    close(fd);
}

#endif
