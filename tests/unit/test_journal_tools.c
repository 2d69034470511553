/*
 * test_journal_tools.c - views, check, backup and salvage, on journals that the writer made and on
 * such that were damaged on purpose: through LMDB itself, or in the file
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "core/journal/wal.h"
#include "tests/unit/journal_rig.h"

#define N 24u /* messages of the filled journal */

static uint32_t lanes, plain;

static void settle(struct rig *r, uint32_t route, uint64_t seq, uint64_t lane, enum bb_settle_to to)
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
static void fill(struct rig *r)
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

/* ---- views ------------------------------------------------------------------------------------------- */

struct seen {
    unsigned n, bad, ranges, details, notes, stop_at;
    uint64_t last, covered[BB_D_STATES];
};

static int see_message(void *arg, const struct bb_record *m)
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

START_TEST(view_messages)
{
    struct rig r;
    struct bb_view *v;
    struct bb_fault err;
    struct seen s = {0};

    rig_init(&r);
    fill(&r);
    v = bb_view_open(r.dir, &err); /* beside the writer */
    ck_assert_msg(v != NULL, "%s", err.text);
    ck_assert_int_eq(bb_view_messages(v, 1, SIZE_MAX, see_message, &s), 0);
    ck_assert_uint_eq(s.n, N + 1);
    ck_assert_uint_eq(s.bad, 0);
    s = (struct seen){0};
    ck_assert_int_eq(bb_view_messages(v, 5, 3, see_message, &s), 0);
    ck_assert_uint_eq(s.n, 3);
    ck_assert_uint_eq(s.last, 7);
    s = (struct seen){.stop_at = 2};
    ck_assert_int_eq(bb_view_messages(v, 0, SIZE_MAX, see_message, &s), 77);
    ck_assert_uint_eq(s.n, 2);
    s = (struct seen){0};
    ck_assert_int_eq(bb_view_message(v, 7, see_message, &s), 1);
    ck_assert_int_eq(bb_view_message(v, 999, see_message, &s), 0);
    ck_assert_uint_eq(s.n, 1);
    /* what is appended later is seen by the same view */
    ck_assert_int_eq(rig_append_to(&r, plain, 0, "later", NULL, "later", false, NULL), BB_OK);
    for (uint64_t end = bb_mono_us() + 10000000; s.n < 2 && bb_mono_us() < end;)
        ck_assert_int_eq(bb_view_messages(v, N + 2, 9, see_message, &s), 0);
    ck_assert_uint_eq(s.n, 2);
    bb_view_close(&v);
    ck_assert_ptr_null(v);
    rig_end(&r);
}
END_TEST

static int see_event(void *arg, const struct bb_event *e)
{
    struct seen *s = arg;

    s->n++;
    s->ranges += e->range;
    s->notes += e->count == 0;
    s->details += !e->range && e->count == 1;
    s->last = e->eseq;
    if (e->count) {
        ck_assert_uint_ge(e->first, 1);
        ck_assert_uint_le(e->first + e->count, N + 2);
        s->covered[e->to] += e->count;
    }
    if (!e->range)
        ck_assert_uint_gt(e->detail.len, 0);
    return s->n == s->stop_at ? 77 : 0;
}

START_TEST(view_events)
{
    struct rig r;
    struct bb_view *v;
    struct seen s = {0};
    uint64_t from;

    rig_init(&r);
    fill(&r);
    v = bb_view_of(r.j);
    ck_assert_int_eq(bb_view_events(v, 0, SIZE_MAX, see_event, &s), 0);
    ck_assert_uint_eq(s.notes, 1);
    ck_assert_uint_eq(s.ranges, 3);  /* each its own commit */
    ck_assert_uint_eq(s.details, 8); /* 7 of lanes, 1 unmatched */
    ck_assert_uint_eq(s.covered[BB_D_DELIVERED], 3);
    ck_assert_uint_eq(s.covered[BB_D_QUARANTINED], 3);
    ck_assert_uint_eq(s.covered[BB_D_SKIPPED], 1);
    ck_assert_uint_eq(s.covered[BB_D_DISCARDED], 1);
    from = s.last;
    s = (struct seen){0};
    ck_assert_int_eq(bb_view_events(v, from, SIZE_MAX, see_event, &s), 0);
    ck_assert_uint_eq(s.n, 1);
    s = (struct seen){.stop_at = 3};
    ck_assert_int_eq(bb_view_events(v, 0, SIZE_MAX, see_event, &s), 77);
    s = (struct seen){0};
    ck_assert_int_eq(bb_view_events(v, 0, 4, see_event, &s), 0);
    ck_assert_uint_eq(s.n, 4);
    bb_view_close(&v);
    rig_end(&r);
}
END_TEST

START_TEST(view_history)
{
    struct rig r;
    struct bb_view *v;
    struct seen s = {0};
    struct bb_row row = {.state = BB_D_RETRYING};

    rig_init(&r);
    fill(&r);
    for (int i = 0; i < 300; i++) { /* more than are kept in view */
        struct bb_settle t = {.route = lanes, .to = BB_TO_RETRYING, .ord = BB_ORD_NONE, .seq = 2,
                              .lane = 2, .row = row, .event = {"\x80", 1}};
        struct bb_op op = {.kind = BB_OP_SETTLE, .settle = {.v = &t, .n = 1}};
        ck_assert_int_eq(rig_do(&r, &op), BB_OK);
    }
    v = bb_view_of(r.j);
    ck_assert_int_eq(bb_view_history(v, lanes, 2, see_event, &s), 0);
    ck_assert_uint_eq(s.n, 256);
    ck_assert_uint_eq(s.covered[BB_D_RETRYING], 256);
    s = (struct seen){0};
    ck_assert_int_eq(bb_view_history(v, lanes, 3, see_event, &s), 0);
    ck_assert_uint_eq(s.n, 1);
    ck_assert_uint_eq(s.covered[BB_D_HELD], 1);
    s = (struct seen){0};
    ck_assert_int_eq(bb_view_history(v, lanes, 1, see_event, &s), 0); /* plain: none */
    ck_assert_int_eq(bb_view_history(v, plain, 999, see_event, &s), 0);
    ck_assert_int_eq(bb_view_history(v, 77, 2, see_event, &s), 0);
    ck_assert_uint_eq(s.n, 0);
    bb_view_close(&v);
    rig_end(&r);
}
END_TEST

START_TEST(view_delivery)
{
    static const uint8_t want[] = {[1] = BB_D_DELIVERED, [2] = BB_D_RETRYING,    [3] = BB_D_HELD,
                                   [4] = BB_D_SKIPPED,   [5] = BB_D_QUARANTINED, [6] = BB_D_DISCARDED,
                                   [7] = BB_D_PROBING,   [8] = BB_D_QUARANTINED, [9] = BB_D_WAITING};
    struct rig r;
    struct bb_view *v;
    struct bb_row row;
    struct bb_buf body;
    char name[64];

    rig_init(&r);
    fill(&r);
    v = bb_view_of(r.j);
    for (uint64_t seq = 1; seq < sizeof want; seq++) {
        ck_assert_int_eq(bb_view_delivery(v, lanes, seq, &row), 1);
        ck_assert_msg(row.state == want[seq], "message %d is %s", (int)seq, bb_dstate_names[row.state]);
        ck_assert_int_eq(bb_view_delivery(v, plain, seq, &row), 1);
        ck_assert_uint_eq(row.state, seq == 1 || seq == 5 ? BB_D_DELIVERED : BB_D_WAITING);
    }
    ck_assert_int_eq(bb_view_delivery(v, BB_ROUTE_UNMATCHED, N + 1, &row), 1);
    ck_assert_uint_eq(row.state, BB_D_QUARANTINED);
    ck_assert_int_eq(bb_view_delivery(v, lanes, N + 1, &row), 0);
    ck_assert_int_eq(bb_view_delivery(v, lanes, 999, &row), 0);
    bb_buf_init(&body, 1000);
    ck_assert_int_eq(bb_view_body(v, lanes, 2, &body), 1);
    ck_assert_uint_eq(body.len, 4);
    ck_assert_mem_eq(body.ptr, "kept", 4);
    ck_assert_int_eq(bb_view_body(v, lanes, 3, &body), 0);
    bb_buf_free(&body);
    ck_assert_int_eq(bb_view_name(v, 1, name), 0);
    ck_assert_str_eq(name, "erp");
    ck_assert_int_eq(bb_view_name(v, 9, name), 0);
    ck_assert_str_eq(name, "");
    bb_view_close(&v);
    rig_end(&r);
}
END_TEST

struct listed { unsigned n; uint32_t route[64]; uint64_t seq[64], lane[64]; uint8_t state[64]; };

static int list_open(void *arg, uint32_t route, uint64_t seq, uint64_t lane, const struct bb_row *row)
{
    struct listed *l = arg;

    ck_assert_uint_lt(l->n, 64);
    l->route[l->n] = route;
    l->lane[l->n] = lane;
    l->state[l->n] = row->state;
    l->seq[l->n++] = seq;
    return 0;
}

static int list_row(void *arg, uint64_t lane, uint64_t seq, const struct bb_row *row)
{
    return list_open(arg, 0, seq, lane, row);
}

static int list_route(void *arg, const char *name, const struct bb_route_state *st)
{
    unsigned *n = arg;
    static const char *const names[] = {"unmatched", "lanes", "plain"};
    static const uint64_t pending[] = {0, N - 5, N - 2}, frontier[] = {1, 8, 1};

    ck_assert_uint_lt(*n, 3);
    ck_assert_str_eq(name, names[*n]);
    ck_assert_uint_eq(st->pending, pending[*n]);
    ck_assert_uint_eq(st->frontier, frontier[*n]);
    (*n)++;
    return 0;
}

START_TEST(view_rows_and_routes)
{
    struct rig r;
    struct bb_view *v;
    struct listed l = {0};
    unsigned n = 0;

    rig_init(&r);
    fill(&r);
    v = bb_view_of(r.j);
    ck_assert_int_eq(bb_view_open_rows(v, lanes, 0, SIZE_MAX, list_open, &l), 0);
    ck_assert_uint_eq(l.n, 3);
    ck_assert_uint_eq(l.seq[0], 3);
    ck_assert_uint_eq(l.lane[0], 3);
    ck_assert_uint_eq(l.state[0], BB_D_HELD);
    ck_assert_uint_eq(l.seq[2], 8);
    l.n = 0;
    ck_assert_int_eq(bb_view_open_rows(v, lanes, 4, 1, list_open, &l), 0);
    ck_assert_uint_eq(l.n, 1);
    ck_assert_uint_eq(l.seq[0], 5);
    l.n = 0;
    ck_assert_int_eq(bb_view_open_rows(v, UINT32_MAX, 0, SIZE_MAX, list_open, &l), 0);
    ck_assert_uint_eq(l.n, 4);
    ck_assert_uint_eq(l.route[0], BB_ROUTE_UNMATCHED);
    ck_assert_uint_eq(l.seq[0], N + 1);
    l.n = 0;
    ck_assert_int_eq(bb_view_open_rows(v, plain, 0, SIZE_MAX, list_open, &l), 0);
    ck_assert_int_eq(bb_view_rows(v, plain, list_row, &l), 0);
    ck_assert_uint_eq(l.n, 0);
    ck_assert_int_eq(bb_view_rows(v, lanes, list_row, &l), 0);
    ck_assert_uint_eq(l.n, 5);
    ck_assert_uint_eq(l.seq[0], 2);
    ck_assert_uint_eq(l.state[0], BB_D_RETRYING);
    ck_assert_int_eq(bb_view_routes(v, list_route, &n), 0);
    ck_assert_uint_eq(n, 3);
    bb_view_close(&v);
    rig_end(&r);
}
END_TEST

START_TEST(view_refuses)
{
    struct rig r;
    struct bb_fault err = {0};
    char path[128];
    int fd;

    ck_assert_ptr_null(bb_view_open("/nonexistent/journal", &err));
    ck_assert(strstr(err.text, "/nonexistent/journal") != NULL);
    rig_init(&r);
    bb_journal_close(&r.j);
    snprintf(path, sizeof path, "%s/data.mdb", r.dir);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    ck_assert_int_eq(write(fd, "no journal", 10), 10);
    close(fd);
    ck_assert_ptr_null(bb_view_open(r.dir, &err));
    ck_assert(strstr(err.text, r.dir) != NULL);
    rig_end(&r);
}
END_TEST

/* ---- check ---------------------------------------------------------------------------------------------- */

static char found[4000];

static void take_line(void *arg, const char *text)
{
    (void)arg;
    if (strlen(found) + strlen(text) + 2 < sizeof found)
        strcat(strcat(found, text), "\n");
}

static int checked(struct rig *r, struct bb_check_report *rep)
{
    struct bb_fault err = {0};
    int rc;

    *found = '\0';
    rc = bb_journal_check(r->dir, rep, take_line, NULL, &err);
    ck_assert_msg(rc >= 0, "%s", err.text);
    return rc;
}

START_TEST(check_sound)
{
    struct bb_check_report rep;
    struct rig r;

    rig_init(&r);
    ck_assert_int_eq(checked(&r, &rep), 0); /* an empty one, in use */
    fill(&r);
    ck_assert_msg(checked(&r, &rep) == 0, "%s", found);
    ck_assert_uint_eq(rep.messages, N + 1);
    ck_assert_uint_eq(rep.events, 12);
    ck_assert_uint_eq(rep.rows, 6);
    ck_assert_uint_eq(rep.routes, 3);
    ck_assert_str_eq(found, "");
    rig_end(&r);
}
END_TEST

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

static void damage(struct rig *r, const struct damage *d)
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

START_TEST(check_damage)
{
    const struct damage *d = &damages[_i];
    struct bb_check_report rep;
    struct rig r;

    rig_init(&r);
    fill(&r);
    bb_journal_close(&r.j);
    damage(&r, d);
    ck_assert_msg(checked(&r, &rep) == 1, "damage %d was not found", _i);
    ck_assert_msg(strstr(found, d->says) != NULL, "damage %d: \"%s\" is not in:\n%s", _i, d->says, found);
    ck_assert_msg(rep.bad_records == d->bad && rep.unbalanced == d->unbalanced &&
                      rep.dangling == d->dangling,
                  "damage %d: %d bad, %d unbalanced, %d dangling:\n%s", _i, (int)rep.bad_records,
                  (int)rep.unbalanced, (int)rep.dangling, found);
    rig_end(&r);
}
END_TEST

static int first_due(const struct bb_store *s, MDB_txn *txn, bool del, MDB_val *k)
{
    MDB_cursor *c;
    MDB_val v;
    int rc = mdb_cursor_open(txn, s->dbi[BB_TAB_DUE], &c);

    if (!rc)
        rc = mdb_cursor_get(c, k, &v, MDB_FIRST);
    if (!rc && del)
        rc = mdb_cursor_del(c, 0);
    if (!rc)
        mdb_cursor_close(c);
    return rc;
}

START_TEST(check_due)
{
    struct bb_check_report rep;
    struct bb_store s;
    struct bb_fault err;
    MDB_txn *txn;
    MDB_val k;
    struct rig r;

    rig_init(&r);
    fill(&r);
    bb_journal_close(&r.j);
    ck_assert_int_eq(bb_store_open(&s, r.dir, 1u << 30, &(struct bb_wal){0}, &err), 0);
    ck_assert_int_eq(mdb_txn_begin(s.env, NULL, 0, &txn), 0);
    ck_assert_int_eq(first_due(&s, txn, true, &k), 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    bb_store_close(&s);
    ck_assert_int_eq(checked(&r, &rep), 1);
    ck_assert_uint_eq(rep.dangling, 1);
    ck_assert_ptr_nonnull(strstr(found, "would wait for ever"));
    rig_end(&r);
}
END_TEST

/* What a damaged record does to the rest, in the running journal: it is bad, the others flow. */
START_TEST(damaged_record_alone)
{
    struct bb_read rd = {.kind = BB_READ_FEED, .max_items = 1000, .max_bytes = 1 << 20};
    struct bb_view *v;
    struct seen s = {0};
    struct bb_row row;
    struct rig r;

    rig_init(&r);
    fill(&r);
    bb_journal_close(&r.j);
    damage(&r, &damages[0]);
    rig_open(&r);
    rd.route = plain;
    rig_read(&r, &rd);
    ck_assert_uint_eq(rd.n, N - 1); /* the first is settled, and its chunk gone */
    for (size_t i = 0; i < rd.n; i++) {
        ck_assert_uint_eq(rd.items[i].bad, rd.items[i].seq == 9);
        ck_assert_uint_eq(rd.items[i].whole.len == 0, rd.items[i].seq == 9 || rd.items[i].done);
    }
    bb_journal_read_free(&rd);
    v = bb_view_of(r.j);
    ck_assert_int_eq(bb_view_messages(v, 0, SIZE_MAX, see_message, &s), 0);
    ck_assert_uint_eq(s.n, N + 1);
    ck_assert_uint_eq(s.bad, 1);
    settle(&r, lanes, 9, 9, BB_TO_QUARANTINED);
    ck_assert_int_eq(bb_view_delivery(v, lanes, 9, &row), 1);
    ck_assert_uint_eq(row.state, BB_D_QUARANTINED);
    bb_view_close(&v);
    rig_end(&r);
}
END_TEST

/* ---- backup --------------------------------------------------------------------------------------------- */

static void *back_up(void *arg)
{
    struct rig *r = arg;
    char dest[160];
    struct bb_fault err = {0};

    snprintf(dest, sizeof dest, "%s/copy", r->dir);
    return bb_journal_backup(r->dir, dest, &err) == 0 ? NULL : strdup(err.text);
}

/* Of a journal that is being written: what had been acknowledged before it is in it, it is sound, and
 * a core can go on from it. */
START_TEST(backup_running)
{
    struct bb_check_report rep;
    struct bb_fault err = {0};
    struct seen s = {0};
    struct rig r, copy;
    struct bb_view *v;
    pthread_t t;
    uint64_t before;
    void *why;
    char text[32];

    rig_init(&r);
    fill(&r);
    before = N + 1;
    ck_assert_int_eq(pthread_create(&t, NULL, back_up, &r), 0);
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "during-%d", i);
        rig_append(&r, plain, 0, text);
    }
    pthread_join(t, &why);
    ck_assert_msg(why == NULL, "%s", (char *)why);
    copy = r;
    snprintf(copy.dir, sizeof copy.dir, "%.50s/copy", r.dir);
    ck_assert_msg(checked(&copy, &rep) == 0, "%s", found);
    ck_assert_uint_ge(rep.messages, before);
    rig_open(&copy);
    ck_assert_mem_eq(bb_journal_id(copy.j), bb_journal_id(r.j), 16);
    ck_assert_uint_eq(rig_append(&copy, plain, 0, "next"), rep.messages + 1);
    v = bb_view_of(copy.j);
    ck_assert_int_eq(bb_view_messages(v, 0, N, see_message, &s), 0);
    ck_assert_uint_eq(s.n, N);
    bb_view_close(&v);
    /* neither into a folder that holds something, nor of what is no journal */
    ck_assert_int_eq(bb_journal_backup(r.dir, copy.dir, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "empty"));
    rig_end(&copy);
    ck_assert_int_eq(bb_journal_backup("/nonexistent/journal", copy.dir, &err), -1);
    ck_assert_int_eq(bb_journal_backup(r.dir, "/nonexistent/a/b", &err), -1);
    (void)rmdir(copy.dir);
    rig_end(&r);
}
END_TEST

/* ---- salvage ---------------------------------------------------------------------------------------------- */

static int see_salvaged(void *arg, const struct bb_record *m)
{
    struct seen *s = arg;

    ck_assert_uint_eq(s->covered[0] >> m->seq & 1, 0); /* each once, in any order */
    s->covered[0] |= 1ull << m->seq;
    s->last = 0;
    return see_message(arg, m);
}

static uint64_t unread;

static int64_t salvage(const struct rig *r, struct seen *s)
{
    struct bb_fault err = {0};
    int64_t n;

    memset(s, 0, sizeof *s);
    n = bb_journal_salvage(r->dir, see_salvaged, s, &unread, &err);
    ck_assert_msg(n >= 0, "%s", err.text);
    return n;
}

static void overwrite(const struct rig *r, off_t from, off_t to)
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

/* By LMDB's own word, the pages that its trees have above their leaves. */
static void roots_overwrite(const struct rig *r)
{
    char path[128];
    uint8_t page[4096];
    struct stat st;
    int fd, hit = 0;

    snprintf(path, sizeof path, "%s/data.mdb", r->dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    for (off_t at = 2 * 4096; at + 4096 <= st.st_size; at += 4096) {
        uint16_t flags;
        ck_assert_int_eq(pread(fd, page, sizeof page, at), sizeof page);
        memcpy(&flags, page + 10, 2);
        if (bb_le64(page) == (uint64_t)at / 4096 && flags & 1) { /* P_BRANCH */
            overwrite(r, at, at + 4096);
            hit++;
        }
    }
    close(fd);
    ck_assert_int_gt(hit, 0);
}

START_TEST(salvage_without_trees)
{
    struct bb_check_report rep;
    struct bb_fault err = {0};
    struct bb_view *v;
    struct seen s;
    struct rig r;

    rig_init(&r);
    ck_assert_int_eq(salvage(&r, &s), 0); /* nothing in it */
    fill(&r);
    bb_journal_close(&r.j);
    ck_assert_int_eq(salvage(&r, &s), N + 1); /* a sound one gives everything, each once */
    overwrite(&r, 0, 2 * 4096);
    roots_overwrite(&r);
    v = bb_view_open(r.dir, &err);
    ck_assert_ptr_null(v);
    ck_assert_int_eq(bb_journal_check(r.dir, &rep, NULL, NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, r.dir));
    ck_assert_int_eq(salvage(&r, &s), N + 1);
    ck_assert_uint_eq(s.n, N + 1);
    ck_assert_uint_eq(s.bad, 0);
    rig_end(&r);
}
END_TEST

/* Every page in turn is filled with nonsense: check must say something each time, or find the page
 * to be a free one, and stay alive; and salvage loses at most what was on it. */
START_TEST(check_any_page)
{
    struct bb_check_report rep;
    struct bb_fault err = {0};
    struct seen s;
    struct rig r;
    struct stat st;
    char path[128];
    uint8_t page[4096];
    int fd, noticed = 0;

    rig_init(&r);
    fill(&r);
    bb_journal_close(&r.j);
    snprintf(path, sizeof path, "%s/data.mdb", r.dir);
    ck_assert_int_eq(stat(path, &st), 0);
    for (off_t at = 0; at + 4096 <= st.st_size; at += 4096) {
        int rc;
        fd = open(path, O_RDWR | O_CLOEXEC);
        ck_assert_int_eq(pread(fd, page, sizeof page, at), sizeof page);
        overwrite(&r, at, at + 4096);
        rc = bb_journal_check(r.dir, &rep, NULL, NULL, &err);
        if (rc < 0)
            ck_assert_msg(strstr(err.text, r.dir) != NULL, "%s", err.text);
        noticed += rc != 0;
        ck_assert_int_ge(salvage(&r, &s), 10);
        ck_assert_int_eq(pwrite(fd, page, sizeof page, at), sizeof page);
        close(fd);
    }
    ck_assert_int_gt(noticed, 10);
    ck_assert_int_eq(bb_journal_check(r.dir, &rep, NULL, NULL, &err), 0);
    rig_end(&r);
}
END_TEST

static int stop_soon(void *arg, const struct bb_record *m)
{
    unsigned *n = arg;
    (void)m;
    return ++*n == 3;
}

START_TEST(salvage_damaged)
{
    struct bb_fault err = {0};
    struct seen s;
    struct rig r;
    char path[128];
    unsigned n = 0;

    rig_init(&r);
    fill(&r);
    bb_journal_close(&r.j);
    damage(&r, &damages[0]); /* message 9; an older page may still hold it whole */
    ck_assert_int_ge(salvage(&r, &s), N);
    ck_assert_int_le(salvage(&r, &s), N + 1);
    ck_assert_int_ge(bb_journal_salvage(r.dir, stop_soon, &n, &unread, &err), 2);
    ck_assert_uint_eq(n, 3);
    snprintf(path, sizeof path, "%s/data.mdb", r.dir);
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_int_eq(bb_journal_salvage(r.dir, stop_soon, &n, &unread, &err), -1);
    ck_assert_int_eq(bb_journal_salvage("/nonexistent/journal", stop_soon, &n, &unread, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/journal"));
    rig_end(&r);
}
END_TEST

/* Every read of this part of a file fails, as a disk's bad block does. */
static off_t bad_from, bad_to;

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    if (bad_to && at < bad_to && at + (off_t)n > bad_from) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pread64, fd, to, n, at);
}

/* The last block of the store's file that is all of a message's filling. */
static off_t last_filled(struct rig *r)
{
    char path[128], block[4096];
    off_t at;
    int fd;

    snprintf(path, sizeof path, "%s/data.mdb", r->dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    for (at = lseek(fd, 0, SEEK_END) / 4096 * 4096; at > 0; at -= 4096) {
        size_t i = 0;
        if (pread(fd, block, sizeof block, at) == sizeof block)
            while (i < sizeof block && block[i] == 'x')
                i++;
        if (i == sizeof block)
            break;
    }
    close(fd);
    ck_assert_int_gt(at, 0);
    return at;
}

static size_t wholes;

static int see_whole(void *arg, const struct bb_record *m)
{
    (void)arg;
    wholes += m->whole.len;
    return 0;
}

/* Records across the window's edges, one longer than it, and blocks that cannot be read. */
START_TEST(salvage_windows)
{
    enum { SMALL = 40, BIG = 9000000, PAD = 300001 };
    struct bb_match match = {.lane = 1};
    struct bb_append_msg m = {.n_match = 1};
    struct bb_op op = {.kind = BB_OP_APPEND,
                       .append = {.msgs = &m, .n = 1, .matches = &match, .n_matches = 1}};
    struct bb_fault err = {0};
    size_t all = 0;
    struct rig r;
    int64_t n;

    rig_init(&r);
    match.route = rig_route(&r, "a");
    for (int i = 0; i < SMALL + 2; i++) {
        struct bb_buf b;
        m.whole = rig_message(&b, "x", NULL, "d", i % SMALL ? PAD : BIG);
        all += m.whole.len;
        ck_assert_int_eq(rig_do(&r, &op), BB_OK);
        bb_buf_free(&b);
    }
    bb_journal_close(&r.j);
    for (int i = 0; i < 2; i++) { /* the log has some of them too */
        char path[128];
        snprintf(path, sizeof path, "%s/wal.%d", r.dir, i);
        ck_assert_int_eq(unlink(path), 0);
    }
    wholes = 0;
    ck_assert_int_eq(bb_journal_salvage(r.dir, see_whole, NULL, &unread, &err), SMALL + 2);
    ck_assert_uint_eq(wholes, all);
    ck_assert_uint_eq(unread, 0);
    bad_from = last_filled(&r) - 4096;
    bad_to = bad_from + 2 * 4096;
    wholes = 0;
    n = bb_journal_salvage(r.dir, see_whole, NULL, &unread, &err);
    bad_from = bad_to = 0;
    ck_assert_int_ge(n, SMALL);
    ck_assert_int_lt(n, SMALL + 2);
    ck_assert_uint_eq(unread, 2 * 4096);
    ck_assert_uint_ge(wholes, all - 2 * (PAD + 200));
    rig_end(&r);
}
END_TEST

/* ---- the guard ------------------------------------------------------------------------------------ */

/* 0: the journal's file is cut off, 1: some other file is, 2: somebody sends the signal. */
static void guarded(struct rig *r, const char *path, int how)
{
    struct bb_read rd = {.kind = BB_READ_FEED, .max_items = 100, .max_bytes = 1 << 20};
    volatile const char *p;
    int fd;

    rig_open(r);
    rd.route = plain;
    if (bb_journal_guard(r->j) != 0)
        _exit(9);
    if (how == 2)
        raise(SIGBUS);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ftruncate(fd, 4096) != 0)
        _exit(10);
    if (how == 0) /* the journal's own thread meets the missing pages */
        rig_read(r, &rd);
    p = mmap(NULL, 65536, PROT_READ, MAP_SHARED, fd, 0);
    _exit(p[40000] ? 11 : 12);
}

START_TEST(guard_speaks)
{
    struct rlimit none = {0, 0};
    char path[160], text[2000] = "", *word;
    int pipes[2], status;
    ssize_t n;
    struct rig r;
    pid_t pid;

    rig_init(&r);
    fill(&r);
    bb_journal_close(&r.j);
    snprintf(path, sizeof path, "%s/%s", r.dir, _i ? "reserve" : "data.mdb");
    ck_assert_int_eq(pipe(pipes), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGBUS, SIG_DFL);
        dup2(pipes[1], STDERR_FILENO);
        guarded(&r, path, _i);
    }
    close(pipes[1]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    n = read(pipes[0], text, sizeof text - 1);
    close(pipes[0]);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "status %x, %zd: %s", status, n,
                  text);
    word = strstr(text, "`busbar journal check`");
    if (_i == 0) {
        ck_assert_ptr_nonnull(strstr(text, r.dir));
        ck_assert_ptr_nonnull(word);
        ck_assert_ptr_null(strstr(word + 1, "`busbar journal check`")); /* once */
    } else {
        ck_assert_ptr_null(word);
    }
    rig_end(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal's tools");
    TCase *t = tcase_create("views");
    SRunner *run;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, view_messages);
    tcase_add_test(t, view_events);
    tcase_add_test(t, view_history);
    tcase_add_test(t, view_delivery);
    tcase_add_test(t, view_rows_and_routes);
    tcase_add_test(t, view_refuses);
    suite_add_tcase(suite, t);
    t = tcase_create("check");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, check_sound);
    tcase_add_loop_test(t, check_damage, 0, sizeof damages / sizeof *damages);
    tcase_add_test(t, check_due);
    tcase_add_test(t, damaged_record_alone);
    suite_add_tcase(suite, t);
    t = tcase_create("backup and salvage");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, backup_running);
    tcase_add_test(t, salvage_without_trees);
    tcase_add_test(t, salvage_damaged);
    tcase_add_test(t, salvage_windows);
    tcase_add_loop_test(t, guard_speaks, 0, 3);
    tcase_add_test(t, check_any_page);
    suite_add_tcase(suite, t);
    run = srunner_create(suite);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed != 0;
}
