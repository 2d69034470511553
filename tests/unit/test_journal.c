/*
 * test_journal.c - the journal's promises one by one, each on a store of its own
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include "core/journal/internal.h"
#include "tests/unit/journal_rig.h"

static struct rig R;

/* The program's own fdatasync stands before the C library's, for LMDB too. */
static atomic_int syncs_fail;
BB_EXPORT int fdatasync(int fd)
{
    if (atomic_load(&syncs_fail)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static void setup(void)
{
    rig_init(&R);
}

static void teardown(void)
{
    rig_end(&R);
}

static struct bb_settle plain(uint32_t route, uint64_t ord, uint64_t seq, uint64_t lane, int to)
{
    return (struct bb_settle){.route = route, .ord = ord, .seq = seq, .lane = lane,
                              .to = (uint8_t)to};
}

START_TEST(sums)
{
    uint8_t key[16], out[16], data[64];
    static const uint8_t want[16] = {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6,
                                     0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93};
    struct bb_sip s;
    for (int i = 0; i < 16; i++)
        key[i] = (uint8_t)i;
    for (int i = 0; i < 64; i++)
        data[i] = (uint8_t)i;
    bb_sip_init(&s, key); /* the reference vector for an empty input */
    bb_sip_end(&s, out);
    ck_assert_mem_eq(out, want, 16);
    ck_assert_uint_eq(bb_crc32c(0, "123456789", 9), 0xe3069283u);
    for (size_t cut = 0; cut <= 64; cut++) { /* pieces equal the whole */
        uint8_t whole[16];
        bb_sip_init(&s, key);
        bb_sip_put(&s, data, 64);
        bb_sip_end(&s, whole);
        bb_sip_init(&s, key);
        bb_sip_put(&s, data, cut);
        bb_sip_put(&s, data + cut, 64 - cut);
        bb_sip_end(&s, out);
        ck_assert_mem_eq(out, whole, 16);
        ck_assert_uint_eq(bb_crc32c(bb_crc32c(0, data, cut), data + cut, 64 - cut),
                          bb_crc32c(0, data, 64));
    }
}
END_TEST

START_TEST(append_read_reopen)
{
    uint32_t a = rig_route(&R, "a"), b = rig_route(&R, "b"), id1, id2;
    struct bb_match m[2] = {{.route = a, .lane = 7}, {.route = b}};
    struct bb_append_msg msg[3] = {{.match = 0, .n_match = 2}, {.match = 1, .n_match = 1}, {.n_match = 0}};
    struct bb_op op = {.kind = BB_OP_APPEND,
                       .append = {.endpoint = 3, .msgs = msg, .n = 3, .matches = m, .n_matches = 2}};
    struct bb_read rd = {.kind = BB_READ_FEED, .route = b, .max_items = 10, .max_bytes = 1 << 20};
    struct bb_buf buf[3];
    uint8_t jid[16];
    struct bb_fault err;
    struct stat st;
    for (int i = 0; i < 3; i++)
        msg[i].whole = rig_message(&buf[i], "id", NULL, i ? "one" : "zero", 3000 * (size_t)i);
    ck_assert_int_eq(rig_do(&R, &op), BB_OK);
    ck_assert_uint_eq(msg[0].seq, 1);
    ck_assert_uint_eq(msg[2].seq, 3);
    memcpy(jid, bb_journal_id(R.j), 16);
    ck_assert_int_eq(bb_journal_name_id(R.j, "erp", &id1, &err), 0);
    ck_assert_int_eq(bb_journal_name_id(R.j, "mes", &id2, &err), 0);
    ck_assert_uint_ne(id1, id2);
    for (int round = 0; round < 2; round++) {
        rig_read(&R, &rd);
        ck_assert_uint_eq(rd.n, 2);
        ck_assert_uint_eq(rd.items[1].seq, 2);
        ck_assert_uint_eq(rd.items[1].ord, 1);
        ck_assert(!rd.items[1].bad && !rd.items[1].done);
        ck_assert_uint_eq(rd.items[1].whole.len, msg[1].whole.len);
        ck_assert_mem_eq(rd.items[1].whole.ptr, msg[1].whole.ptr, msg[1].whole.len);
        bb_journal_read_free(&rd);
        ck_assert_uint_eq(rig_state(&R, BB_ROUTE_UNMATCHED).counts[BB_D_QUARANTINED], 1);
        ck_assert_uint_eq(rig_state(&R, a).pending, 1);
        ck_assert_uint_ne(rig_state(&R, a).oldest_ms, 0);
        rig_again(&R);
        ck_assert_mem_eq(jid, bb_journal_id(R.j), 16);
        ck_assert_uint_eq(rig_route(&R, "b"), b);
        ck_assert_int_eq(bb_journal_name_id(R.j, "erp", &id2, &err), 0);
        ck_assert_uint_eq(id1, id2);
    }
    rd.max_bytes = 1; /* at least one is returned */
    rig_read(&R, &rd);
    ck_assert_uint_eq(rd.n, 1);
    bb_journal_read_free(&rd);
    rd.from = 2;
    rig_read(&R, &rd);
    ck_assert_uint_eq(rd.n, 0);
    for (int i = 0; i < 3; i++)
        bb_buf_free(&buf[i]);
    ck_assert_int_eq(stat(R.dir, &st), 0);
    ck_assert_int_eq(st.st_mode & 077, 0);
}
END_TEST

START_TEST(second_core_refused)
{
    struct bb_fault err = {0};
    char pid[32];
    ck_assert_ptr_null(bb_journal_open(&R.o, &err));
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    ck_assert_msg(strstr(err.text, pid) != NULL, "%s", err.text);
}
END_TEST

START_TEST(newer_format_refused)
{
    struct bb_fault err = {0};
    struct bb_store s;
    uint32_t newer = BB_FORMAT + 1;
    MDB_val k = {6, (void *)"format"}, v = {4, &newer};
    MDB_txn *txn;
    bb_journal_close(&R.j);
    ck_assert_int_eq(bb_store_open(&s, R.dir, R.o.map_size, &(struct bb_wal){0}, &err), 0);
    ck_assert_int_eq(mdb_txn_begin(s.env, NULL, 0, &txn), 0);
    ck_assert_int_eq(mdb_put(txn, s.dbi[BB_TAB_META], &k, &v, 0), 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    bb_store_close(&s);
    ck_assert_ptr_null(bb_journal_open(&R.o, &err));
    ck_assert_msg(strstr(err.text, "format 3") && strstr(err.text, "format 2"), "%s", err.text);
}
END_TEST

START_TEST(claims_hold)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_append_msg m;
    struct bb_view *v;
    struct bb_journal_stats st;
    for (int round = 0; round < 2; round++) {
        rig_append_to(&R, a, 0, "x", "t1", "data", true, &m);
        ck_assert_int_eq(m.duplicate, round); /* after the reopen it is held already */
        ck_assert_uint_eq(m.seq, 1);
        rig_append_to(&R, a, 0, "x", "t2", "data", true, &m); /* another time: the same message */
        ck_assert_int_eq(m.duplicate, 1);
        rig_append_to(&R, a, 0, "x", NULL, "data", true, &m);
        ck_assert_int_eq(m.duplicate, 1);
        rig_append_to(&R, a, 0, "x", "t1", "other", true, &m);
        ck_assert_int_eq(m.duplicate, 0);
        ck_assert_int_eq(m.conflict, 1);
        ck_assert_uint_eq(m.seq, 2 + (uint64_t)round);
        rig_append_to(&R, a, 0, "x", "t1", "data", true, &m); /* the claim is still the first's */
        ck_assert_uint_eq(m.seq, 1);
        ck_assert_uint_eq(rig_state(&R, a).tail, 1);
        ck_assert_uint_eq(rig_state(&R, 0).counts[BB_D_QUARANTINED], 1 + (uint64_t)round);
        rig_again(&R);
    }
    bb_journal_stats(R.j, &st);
    v = bb_view_of(R.j);
    ck_assert_ptr_nonnull(v);
    bb_view_close(&v);
}
END_TEST

START_TEST(claims_within_one_operation)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_match match = {.route = a};
    struct bb_append_msg m[2] = {{.n_match = 1}, {.n_match = 1}};
    struct bb_op op = {.kind = BB_OP_APPEND,
                       .append = {.msgs = m, .n = 2, .matches = &match, .n_matches = 1}};
    struct bb_buf b;
    m[0].whole = m[1].whole = rig_message(&b, "y", NULL, "d", 0);
    memset(m[0].claim, 5, 16);
    memset(m[1].claim, 5, 16);
    ck_assert_int_eq(rig_do(&R, &op), BB_OK);
    ck_assert_int_eq(m[0].duplicate, 0);
    ck_assert_int_eq(m[1].duplicate, 1);
    ck_assert_uint_eq(m[1].seq, m[0].seq);
    bb_buf_free(&b);
}
END_TEST

START_TEST(claims_bounded)
{
    struct bb_journal_stats st;
    struct bb_append_msg m;
    uint32_t a;
    char id[16];
    bb_journal_close(&R.j);
    R.o.claims_max = 10;
    rig_open(&R);
    a = rig_route(&R, "a");
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof id, "%d", i);
        rig_append_to(&R, a, 0, id, NULL, "d", true, &m);
        ck_assert_int_eq(m.duplicate, 0);
    }
    bb_journal_stats(R.j, &st);
    ck_assert_uint_le(st.claims, 11);
    ck_assert_uint_ge(st.claims, 9);
    rig_append_to(&R, a, 0, "39", NULL, "d", true, &m);
    ck_assert_int_eq(m.duplicate, 1);
    rig_append_to(&R, a, 0, "0", NULL, "d", true, &m);
    ck_assert_int_eq(m.duplicate, 0); /* its claim is gone */
    rig_again(&R);
    rig_append_to(&R, a, 0, "39", NULL, "d", true, &m);
    ck_assert_int_eq(m.duplicate, 1);
}
END_TEST

START_TEST(claim_table)
{
    struct bb_claims c = {0};
    uint8_t fp[16];
    for (int phase = 0; phase < 2; phase++) {
        for (uint64_t i = 1; i < 20000; i++) {
            uint64_t h[2] = {i % 97 * 0x10001, i}; /* many meet in one place */
            memcpy(fp, h, 16);
            ck_assert_int_eq(bb_claims_add(&c, fp, i), 0);
        }
        for (uint64_t i = 1; i < 20000; i += 3) {
            uint64_t h[2] = {i % 97 * 0x10001, i};
            memcpy(fp, h, 16);
            bb_claims_del(&c, fp, i + 1); /* not its seq: stays */
            bb_claims_del(&c, fp, i);
        }
        for (uint64_t i = 1; i < 20000; i++) {
            uint64_t h[2] = {i % 97 * 0x10001, i};
            memcpy(fp, h, 16);
            ck_assert_uint_eq(bb_claims_get(&c, fp), i % 3 == 1 ? 0 : i);
        }
    }
    bb_claims_free(&c);
}
END_TEST

static void fp_of(uint64_t key, uint8_t fp[16])
{
    uint64_t h[2] = {key * 0x9e3779b97f4a7c15u, key};
    h[0] = key % 16 ? h[0] : key % 509 * 16; /* some meet in a few places */
    memcpy(fp, h, 16);
}

/* Against an array: growth, deletion and claiming anew while the old table is being moved. */
START_TEST(claim_table_model)
{
    enum { KEYS = 120000 };
    uint64_t *model = calloc(KEYS, sizeof *model), x = 88172645463325252u + (uint64_t)_i, seq = 0;
    size_t n = 0, moving = 0;
    struct bb_claims c = {0};
    uint8_t fp[16];
    ck_assert(model != NULL);
    for (int step = 0; step < 600000; step++) {
        uint64_t key, what;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        key = x % ((uint64_t)step / 4 + 10) % KEYS;
        what = x >> 40 & 15;
        fp_of(key, fp);
        moving += c.old != NULL;
        if (what < 9) {
            ck_assert_int_eq(bb_claims_add(&c, fp, ++seq), 0);
            n += !model[key];
            model[key] = seq;
        } else if (what < 12 && model[key]) {
            bb_claims_del(&c, fp, model[key]);
            model[key] = 0;
            n--;
        } else if (what < 13) {
            bb_claims_del(&c, fp, model[key] + 1); /* another's: stays */
        }
        ck_assert_uint_eq(bb_claims_get(&c, fp), model[key]);
        ck_assert_uint_eq(c.n, n);
        if (step % 50000 == 0 || (c.old && step % 5000 == 0))
            for (uint64_t k = 0; k < KEYS; k++) {
                fp_of(k, fp);
                ck_assert_msg(bb_claims_get(&c, fp) == model[k], "step %d, key %lu", step,
                              (unsigned long)k);
            }
    }
    ck_assert_uint_gt(moving, 1000);
    bb_claims_free(&c);
    free(model);
}
END_TEST

START_TEST(state_compare_and_set)
{
    struct bb_op op = {.kind = BB_OP_STATE, .state = {.key = "src", .value = {"one", 3}}};
    struct bb_append_msg m = {0};
    struct bb_op ap = {.kind = BB_OP_APPEND,
                       .append = {.msgs = &m, .n = 1, .state_key = "src", .state_expected = 7,
                                  .state = {"two", 3}}};
    struct bb_buf b, v;
    uint64_t version;
    ck_assert_int_eq(rig_do(&R, &op), BB_OK);
    ck_assert_uint_eq(op.state.version, 1);
    ck_assert_int_eq(rig_do(&R, &op), BB_E_REJECT);
    ck_assert_str_eq(op.text, "state version is 1, not 0");
    m.whole = rig_message(&b, "z", NULL, "d", 0);
    ck_assert_int_eq(rig_do(&R, &ap), BB_E_REJECT); /* the whole operation */
    ck_assert_uint_eq(rig_state(&R, 0).tail, 0);
    ap.append.state_expected = 1;
    ck_assert_int_eq(rig_do(&R, &ap), BB_OK);
    ck_assert_uint_eq(ap.append.state_version, 2);
    rig_again(&R);
    bb_buf_init(&v, 100);
    ck_assert_int_eq(bb_journal_source_state(R.j, "src", &v, &version), 0);
    ck_assert_uint_eq(version, 2);
    ck_assert_mem_eq(v.ptr, "two", 3);
    bb_buf_reset(&v);
    ck_assert_int_eq(bb_journal_source_state(R.j, "none", &v, &version), 0);
    ck_assert_uint_eq(version, 0);
    bb_buf_free(&v);
    bb_buf_free(&b);
}
END_TEST

START_TEST(window_out_of_turn)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_read rd = {.kind = BB_READ_FEED, .route = a, .max_items = 100, .max_bytes = 1 << 20};
    struct bb_settle twice[2];
    struct bb_op op = {.kind = BB_OP_SETTLE};
    for (int i = 0; i < 200; i++)
        rig_append(&R, a, 0, "m");
    rig_settle(&R, plain(a, 3, 4, 0, BB_TO_DELIVERED));
    rig_settle(&R, plain(a, 1, 2, 0, BB_TO_DELIVERED));
    ck_assert_uint_eq(rig_state(&R, a).frontier, 0);
    rig_again(&R);
    rig_read(&R, &rd);
    ck_assert_uint_eq(rd.n, 100);
    for (uint64_t i = 0; i < rd.n; i++)
        ck_assert_int_eq(rd.items[i].done, i == 1 || i == 3);
    bb_journal_read_free(&rd);
    twice[0] = plain(a, 1, 2, 0, BB_TO_DELIVERED);
    op.settle.v = twice;
    op.settle.n = 1;
    ck_assert_int_eq(rig_do(&R, &op), BB_E_REJECT); /* settled already */
    twice[0].ord = 200;
    ck_assert_int_eq(rig_do(&R, &op), BB_E_REJECT); /* past the tail */
    rig_settle(&R, plain(a, 0, 1, 0, BB_TO_DELIVERED));
    ck_assert_uint_eq(rig_state(&R, a).frontier, 2);
    twice[0] = twice[1] = plain(a, 2, 3, 0, BB_TO_SKIPPED);
    op.settle.n = 2;
    ck_assert_int_eq(rig_do(&R, &op), BB_OK); /* the second is ignored */
    ck_assert_uint_eq(rig_state(&R, a).frontier, 4);
    ck_assert_uint_eq(rig_state(&R, a).counts[BB_D_SKIPPED], 1);
    ck_assert_uint_eq(rig_state(&R, a).counts[BB_D_DELIVERED], 3);
    ck_assert_uint_eq(rig_state(&R, a).pending, 196);
    rd.from = 0; /* below the oldest chunk */
    rig_read(&R, &rd);
    ck_assert_uint_eq(rd.items[0].ord, 4);
    bb_journal_read_free(&rd);
}
END_TEST

START_TEST(lane_spills_and_goes_on)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_settle s;
    uint64_t q[6];
    for (int i = 0; i < 6; i++)
        q[i] = rig_append(&R, a, 9, "m");
    s = plain(a, 1, q[1], 9, BB_TO_SPILLED); /* 0 is in flight in the hub */
    s.lane_in_flight = 1;
    rig_settle(&R, s);
    s.ord = 2, s.seq = q[2];
    rig_settle(&R, s);
    ck_assert_uint_eq(rig_row(&R, a, 9, q[1]).due_ms, 0);
    ck_assert(!rig_mark(&R, a, 9, q[2])); /* not the head */
    s = plain(a, 0, q[0], 9, BB_TO_DELIVERED);
    s.take_next = 1;
    s = rig_settle(&R, s);
    ck_assert_int_eq(s.has_next, 1);
    ck_assert_uint_eq(s.next_seq, q[1]);
    ck_assert_int_eq(s.next_row.state, BB_D_INFLIGHT);
    ck_assert_uint_eq(s.next_row.sends, 1);
    ck_assert(s.next_row.flags & BB_ROW_MAYBE_SENT);
    rig_again(&R); /* the crash: it is found among those in flight */
    {
        struct bb_read rd = {.kind = BB_READ_INFLIGHT, .route = a, .max_items = 9,
                             .max_bytes = 1 << 20};
        rig_read(&R, &rd);
        ck_assert_uint_eq(rd.n, 1);
        ck_assert_uint_eq(rd.items[0].seq, q[1]);
        ck_assert_uint_ne(rd.items[0].whole.len, 0);
        bb_journal_read_free(&rd);
    }
    s = plain(a, BB_ORD_NONE, q[1], 9, BB_TO_RETRYING);
    s.row.due_ms = 12345;
    s.row.attempts = 1;
    s = rig_settle(&R, s);
    ck_assert_int_eq(rig_row(&R, a, 9, q[2]).state, BB_D_SPILLED);
    ck_assert_uint_eq(rig_row(&R, a, 9, q[2]).due_ms, 0);
    ck_assert_uint_eq(rig_state(&R, a).due_min_ms, 12345);
    {
        struct bb_read rd = {.kind = BB_READ_DUE, .route = a, .from = 12344, .max_items = 9,
                             .max_bytes = 1 << 20};
        rig_read(&R, &rd);
        ck_assert_uint_eq(rd.n, 0);
        ck_assert_uint_eq(rd.next_due_ms, 12345);
        rd.from = 12345;
        rig_read(&R, &rd);
        ck_assert_uint_eq(rd.n, 1);
        ck_assert_uint_eq(rd.items[0].row.attempts, 1);
        ck_assert_uint_eq(rd.next_due_ms, 0);
        bb_journal_read_free(&rd);
    }
    ck_assert(rig_mark(&R, a, 9, q[1]));
    ck_assert(!rig_mark(&R, a, 9, q[1])); /* it is in flight now */
    rig_settle(&R, plain(a, BB_ORD_NONE, q[1], 9, BB_TO_DELIVERED)); /* no take: the next is due */
    ck_assert_uint_ne(rig_row(&R, a, 9, q[2]).due_ms, 0);
    ck_assert(rig_mark(&R, a, 9, q[2]));
    rig_settle(&R, plain(a, BB_ORD_NONE, q[2], 9, BB_TO_DELIVERED));
    ck_assert_uint_eq(rig_state(&R, a).frontier, 3);
    s = plain(a, 3, q[3], 9, BB_TO_SPILLED); /* late: nothing of the lane is in flight any more */
    rig_settle(&R, s);
    ck_assert_uint_ne(rig_row(&R, a, 9, q[3]).due_ms, 0);
    s = plain(a, 4, q[4], 9, BB_TO_SPILLED);
    rig_settle(&R, s);
    ck_assert_uint_eq(rig_row(&R, a, 9, q[4]).due_ms, 0); /* not the head */
    ck_assert_uint_eq(rig_state(&R, a).counts[BB_D_SPILLED], 2);
}
END_TEST

START_TEST(kick_wakes_the_head)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_op kick = {.kind = BB_OP_KICK, .kick = {.route = a, .lane = 4}};
    struct bb_settle s;
    uint64_t q = rig_append(&R, a, 4, "m");
    s = plain(a, 0, q, 4, BB_TO_SPILLED);
    s.lane_in_flight = 1;
    rig_settle(&R, s);
    ck_assert_uint_eq(rig_state(&R, a).due_min_ms, 0);
    ck_assert_int_eq(rig_do(&R, &kick), BB_OK);
    ck_assert_uint_ne(rig_state(&R, a).due_min_ms, 0);
    ck_assert_uint_ne(rig_row(&R, a, 4, q).due_ms, 0);
}
END_TEST

static int count_event(void *arg, const struct bb_event *e)
{
    ck_assert(!e->range);
    (*(int *)arg)++;
    return 0;
}

START_TEST(held_released_discarded)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_settle s;
    struct bb_op op;
    struct bb_view *v;
    int n = 0;
    uint64_t q0 = rig_append(&R, a, 4, "m"), q1 = rig_append(&R, a, 4, "m");
    s = plain(a, 1, q1, 4, BB_TO_SPILLED);
    s.lane_in_flight = 1;
    rig_settle(&R, s);
    s = plain(a, 0, q0, 4, BB_TO_HELD);
    s.row.attempts = 5;
    s.event = (struct bb_bytes){"\x80", 1};
    s.body = (struct bb_bytes){"rendered", 8};
    rig_settle(&R, s);
    ck_assert_uint_eq(rig_row(&R, a, 4, q1).due_ms, 0); /* the lane stands */
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, a, q0, false, &op), BB_E_REJECT);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_RELEASE, a, q0, false, &op), BB_OK);
    ck_assert_int_eq(op.oper.row.state, BB_D_RETRYING);
    ck_assert_uint_eq(op.oper.row.attempts, 0);
    ck_assert(op.oper.row.flags & BB_ROW_RELEASED);
    {
        struct bb_read rd = {.kind = BB_READ_DUE, .route = a, .from = UINT64_MAX, .max_items = 9,
                             .max_bytes = 1 << 20};
        rig_read(&R, &rd);
        ck_assert_uint_eq(rd.n, 1);
        ck_assert_uint_eq(rd.items[0].whole.len, 8); /* the kept body, unchanged */
        ck_assert_mem_eq(rd.items[0].whole.ptr, "rendered", 8);
        bb_journal_read_free(&rd);
    }
    ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, a, q0, false, &op), BB_E_REJECT);
    ck_assert(rig_mark(&R, a, 4, q0));
    s = plain(a, BB_ORD_NONE, q0, 4, BB_TO_HELD);
    s.row = rig_row(&R, a, 4, q0);
    rig_settle(&R, s);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, a, q0, false, &op), BB_OK);
    ck_assert_int_eq(op.oper.row.state, BB_D_DISCARDED);
    ck_assert_uint_ne(rig_row(&R, a, 4, q1).due_ms, 0); /* and goes on */
    ck_assert_uint_eq(rig_state(&R, a).counts[BB_D_DISCARDED], 1);
    v = bb_view_of(R.j);
    ck_assert_int_eq(bb_view_history(v, a, q0, count_event, &n), 0);
    ck_assert_int_eq(n, 4); /* held, released, held, discarded */
    bb_view_close(&v);
}
END_TEST

START_TEST(replay_guards_order)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_settle s;
    struct bb_op op;
    uint64_t q[4];
    for (int i = 0; i < 4; i++)
        q[i] = rig_append(&R, a, 4, "m");
    s = plain(a, 0, q[0], 4, BB_TO_QUARANTINED);
    s.row.last_status = BB_E_REJECT;
    s.body = (struct bb_bytes){"b", 1};
    rig_settle(&R, s);
    ck_assert(!(rig_row(&R, a, 4, q[0]).flags & BB_ROW_OVERTAKEN));
    ck_assert_int_eq(rig_oper(&R, BB_OPER_RELEASE, a, q[0], false, &op), BB_E_REJECT);
    s = plain(a, 1, q[1], 4, BB_TO_HELD); /* it stands behind: nothing went out since */
    rig_settle(&R, s);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, a, q[0], false, &op), BB_OK);
    ck_assert_int_eq(op.oper.row.state, BB_D_SPILLED); /* the lane has a blocking row: it goes first */
    ck_assert_uint_ne(op.oper.row.due_ms, 0);
    ck_assert_uint_eq(op.oper.row.epoch, 1); /* surely not applied: a new key */
    ck_assert(!(op.oper.row.flags & BB_ROW_BODY));
    ck_assert(rig_mark(&R, a, 4, q[0]));
    s = plain(a, BB_ORD_NONE, q[0], 4, BB_TO_QUARANTINED);
    s.row = rig_row(&R, a, 4, q[0]);
    s.row.last_status = BB_E_UNKNOWN;
    rig_settle(&R, s);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, a, q[1], false, &op), BB_OK);
    rig_settle(&R, plain(a, 2, q[2], 4, BB_TO_DELIVERED)); /* now a later one went out */
    ck_assert(rig_row(&R, a, 4, q[0]).flags & BB_ROW_OVERTAKEN);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, a, q[0], false, &op), BB_E_REJECT);
    ck_assert_msg(strstr(op.text, "overtaken") != NULL, "%s", op.text);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, a, q[0], true, &op), BB_OK);
    ck_assert_int_eq(op.oper.row.state, BB_D_RETRYING);
    ck_assert_uint_eq(op.oper.row.epoch, 1); /* in doubt: the key stays */
}
END_TEST

START_TEST(replay_behind_one_in_flight)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_settle s;
    struct bb_op op;
    uint64_t q0 = rig_append(&R, a, 4, "m"), q1 = rig_append(&R, a, 4, "m");
    rig_settle(&R, plain(a, 0, q0, 4, BB_TO_QUARANTINED));
    rig_settle(&R, plain(a, 1, q1, 4, BB_TO_INFLIGHT));
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, a, q0, true, &op), BB_OK);
    ck_assert_uint_eq(op.oper.row.due_ms, 0); /* not two of a lane at once */
    s = plain(a, BB_ORD_NONE, q1, 4, BB_TO_RETRYING);
    s.row.due_ms = 5;
    rig_settle(&R, s);
    ck_assert_uint_ne(rig_row(&R, a, 4, q0).due_ms, 0); /* the older one's turn */
    ck_assert(!rig_mark(&R, a, 4, q1));
    ck_assert_uint_gt(rig_row(&R, a, 4, q1).due_ms, 5); /* put off, not read as due for ever */
    ck_assert(rig_mark(&R, a, 4, q0));
}
END_TEST

START_TEST(unmatched_is_not_replayed)
{
    struct bb_op op;
    uint64_t q = rig_append(&R, 0, 0, "m");
    ck_assert_int_eq(rig_oper(&R, BB_OPER_REPLAY, 0, q, false, &op), BB_E_REJECT);
    ck_assert_msg(strstr(op.text, "no route") != NULL, "%s", op.text);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, 0, q, false, &op), BB_OK);
    ck_assert_uint_eq(rig_state(&R, 0).counts[BB_D_QUARANTINED], 0);
    ck_assert_uint_eq(rig_state(&R, 0).counts[BB_D_DISCARDED], 1);
}
END_TEST

START_TEST(routes_are_removed_empty)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_op rm = {.kind = BB_OP_ROUTE, .route = {.name = "a", .remove = true}};
    struct bb_append_msg m;
    uint64_t q = rig_append(&R, a, 0, "m");
    ck_assert_int_eq(rig_do(&R, &rm), BB_E_REJECT);
    ck_assert_msg(strstr(rm.text, "1 pending") != NULL, "%s", rm.text);
    rig_settle(&R, plain(a, 0, q, 0, BB_TO_DELIVERED));
    ck_assert_int_eq(rig_do(&R, &rm), BB_OK);
    ck_assert_int_eq(rig_append_to(&R, a, 0, "n", NULL, "d", false, &m), BB_E_REJECT);
    rig_again(&R);
    ck_assert_uint_eq(rig_route(&R, "b"), a + 1); /* never given twice */
    ck_assert_uint_eq(rig_route(&R, "a"), a);
    ck_assert_uint_eq(rig_state(&R, a).tail, 1);
}
END_TEST

START_TEST(damaged_record_is_told)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_read rd = {.kind = BB_READ_FEED, .route = a, .max_items = 9, .max_bytes = 1 << 20};
    struct bb_fault err;
    struct bb_store s;
    uint64_t seq = rig_append(&R, a, 0, "m");
    uint8_t copy[4096];
    MDB_val k = {8, &seq}, v;
    MDB_txn *txn;
    bb_journal_close(&R.j);
    ck_assert_int_eq(bb_store_open(&s, R.dir, R.o.map_size, &(struct bb_wal){0}, &err), 0);
    ck_assert_int_eq(mdb_txn_begin(s.env, NULL, 0, &txn), 0);
    ck_assert_int_eq(mdb_get(txn, s.dbi[BB_TAB_MSG], &k, &v), 0);
    memcpy(copy, v.mv_data, v.mv_size);
    copy[v.mv_size - 1] ^= 1;
    v.mv_data = copy;
    ck_assert_int_eq(mdb_put(txn, s.dbi[BB_TAB_MSG], &k, &v, 0), 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    bb_store_close(&s);
    rig_open(&R);
    rig_read(&R, &rd);
    ck_assert_uint_eq(rd.n, 1);
    ck_assert_int_eq(rd.items[0].bad, 1);
    ck_assert_uint_eq(rd.items[0].whole.len, 0);
    bb_journal_read_free(&rd);
}
END_TEST

static void until(bool (*ok)(void))
{
    int64_t end = bb_mono_ms() + 20000;
    while (!ok()) {
        ck_assert_msg(bb_mono_ms() < end, "did not come about within 20 s");
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
}

static bool pending_are_left(void)
{
    struct bb_journal_stats st;
    bb_journal_stats(R.j, &st);
    return st.messages == 21; /* the quarantined one, and all from the frontier on */
}

static bool one_message_left(void)
{
    struct bb_journal_stats st;
    bb_journal_stats(R.j, &st);
    return st.messages == 1;
}

static bool nothing_left(void)
{
    struct bb_journal_stats st;
    bb_journal_stats(R.j, &st);
    return st.messages == 0 && st.events == 0;
}

START_TEST(retention_spares_the_pending)
{
    struct bb_journal_stats st;
    uint32_t a;
    uint64_t q[50];
    bb_journal_close(&R.j);
    R.o.retention_ms = 1;
    R.o.claims_window_ms = 1;
    rig_open(&R);
    a = rig_route(&R, "a");
    for (int i = 0; i < 50; i++)
        q[i] = rig_append(&R, a, 0, "m");
    for (uint64_t i = 0; i < 50; i++)
        if (i != 30)
            rig_settle(&R, plain(a, i, q[i], 0, i == 20 ? BB_TO_QUARANTINED : BB_TO_DELIVERED));
    until(pending_are_left);
    rig_settle(&R, plain(a, 30, q[30], 0, BB_TO_DELIVERED));
    until(one_message_left);
    bb_journal_stats(R.j, &st);
    ck_assert_uint_eq(st.first_seq, q[20]);
    ck_assert_uint_eq(rig_state(&R, a).counts[BB_D_DELIVERED], 49);
    ck_assert_int_eq(rig_row(&R, a, 0, q[20]).state, BB_D_QUARANTINED);
    ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, a, q[20], false, NULL), BB_OK);
    until(nothing_left);
    rig_again(&R);
    ck_assert_uint_eq(rig_append(&R, a, 0, "m"), q[49] + 1); /* numbers go on */
}
END_TEST

static bool intake_open(void)
{
    return bb_journal_intake(R.j, NULL) == NULL;
}

static uint64_t pad_lane;

static int32_t append_pad(uint32_t route, size_t pad, struct bb_op *out)
{
    struct bb_match match = {.route = route, .lane = pad_lane};
    struct bb_append_msg m = {.n_match = 1};
    struct bb_op op = {.kind = BB_OP_APPEND,
                       .append = {.msgs = &m, .n = 1, .matches = &match, .n_matches = 1}};
    struct bb_buf b;
    m.whole = rig_message(&b, "pad", NULL, "d", pad);
    rig_do(&R, &op);
    bb_buf_free(&b);
    *out = op;
    return op.status;
}

/* A full map: intake closes, settlement goes on, retention makes room, intake opens. A big message
 * steps over the early closing, so that the put itself fails. */
START_TEST(full_store_keeps_settling)
{
    static const size_t sizes[] = {100000, 6000000};
    struct bb_op op = {.status = 0};
    uint64_t n = 0;
    uint32_t a;
    bb_journal_close(&R.j);
    R.o.map_size = 16 << 20;
    R.o.reserve = 1 << 20;
    R.o.retention_ms = 1;
    rig_open(&R);
    a = rig_route(&R, "a");
    while (append_pad(a, sizes[_i], &op) == BB_OK)
        ck_assert_uint_lt(++n, 1000);
    ck_assert_int_eq(op.status, BB_E_BUSY);
    ck_assert_msg(strncmp(op.text, "disk full: ", 11) == 0, "%s", op.text);
    ck_assert_uint_ge(n, 1);
    ck_assert_ptr_nonnull(bb_journal_intake(R.j, NULL));
    ck_assert_uint_eq(rig_state(&R, a).tail, n);
    for (uint64_t i = 0; i < n; i++)
        rig_settle(&R, plain(a, i, i + 1, 0, BB_TO_DELIVERED));
    until(intake_open);
    ck_assert_int_eq(append_pad(a, 1000, &op), BB_OK);
    rig_again(&R);
    ck_assert_uint_eq(rig_state(&R, a).tail, n + 1);
    ck_assert_uint_eq(rig_state(&R, a).pending, 1);
}
END_TEST

/* A small full journal whose n messages are all of route a; the first two in a lane. */
static uint64_t fill_up(uint32_t *a, uint64_t lane, unsigned mib)
{
    struct bb_op op = {.status = 0};
    uint64_t n = 0;
    bb_journal_close(&R.j);
    R.o.map_size = (uint64_t)mib << 20;
    R.o.reserve = 1 << 20;
    R.o.retention_ms = 1;
    rig_open(&R);
    *a = rig_route(&R, "a");
    for (pad_lane = lane; append_pad(*a, 100000, &op) == BB_OK; pad_lane = n < 2 ? lane : 0)
        ck_assert_uint_lt(++n, 1000);
    ck_assert_uint_gt(n, 20);
    pad_lane = 0;
    return n;
}

/* Failures go on while intake is closed: their bodies must not use up what is left, nor must the
 * record of attempt after attempt. Nobody saw those bodies, so the transform may run again. */
START_TEST(full_store_keeps_failing)
{
    static uint8_t body[200000], words[8000];
    struct bb_settle s;
    struct bb_row row;
    uint32_t a;
    uint64_t n = fill_up(&a, 0, 16), i;
    for (i = 0; i < n; i++) {
        s = plain(a, i, i + 1, 0, BB_TO_RETRYING);
        s.row = (struct bb_row){.flags = BB_ROW_BODY, .attempts = 1, .due_ms = 1u << 30};
        s.body = (struct bb_bytes){body, sizeof body};
        s.event = (struct bb_bytes){words, sizeof words};
        rig_settle(&R, s);
        row = rig_row(&R, a, 0, i + 1);
        ck_assert_int_eq(row.state, BB_D_RETRYING);
        ck_assert_int_eq(row.flags & BB_ROW_BODY, 0);
    }
    for (i = 0; i < 300; i++) {
        s = plain(a, BB_ORD_NONE, 1 + i % n, 0, BB_TO_RETRYING);
        s.row = (struct bb_row){.attempts = (uint32_t)i, .due_ms = 1u << 30};
        s.event = (struct bb_bytes){words, sizeof words};
        rig_settle(&R, s);
    }
    for (i = 0; i < n; i++)
        rig_settle(&R, plain(a, BB_ORD_NONE, i + 1, 0, BB_TO_DELIVERED));
    until(intake_open);
    ck_assert_uint_eq(rig_state(&R, a).pending, 0);
}
END_TEST

static bool held_done, behind_done;
static const struct bb_op *held_op, *behind_op;

/* Posts one and waits for it; what was held before may come back meanwhile. */
static void do_beside(struct bb_op *op)
{
    bool done = false;
    bb_journal_post(R.j, op);
    while (!done) {
        struct bb_op *list = bb_journal_take(R.j);
        if (!list)
            rig_wait(bb_journal_fd(R.j));
        for (; list; list = list->next) {
            done = done || list == op;
            held_done = held_done || list == held_op;
            ck_assert(list != behind_op || held_done);
            behind_done = behind_done || list == behind_op;
        }
    }
    ck_assert_msg(op->status == BB_OK, "%s", op->text);
}

/* A body that may have been applied must be kept, and there is no room for it: it waits with what
 * follows in its lane, and everything else goes on; retention too, which makes the room. */
START_TEST(full_store_holds_one)
{
    enum { BODY = 1300000, LANE = 77 }; /* LMDB needs one run of free pages for it */
    uint8_t *body = calloc(1, BODY);
    uint32_t a;
    struct bb_read_item it = {.lane = LANE};
    struct bb_read rd = {.kind = BB_READ_ROWS, .items = &it, .n = 1};
    struct bb_settle s[2], other;
    struct bb_op op[3], beside;
    uint64_t n = fill_up(&a, LANE, 32);
    ck_assert(body != NULL);
    memset(body, 'b', BODY);
    s[0] = plain(a, 0, 1, LANE, BB_TO_RETRYING);
    s[0].row = (struct bb_row){.flags = BB_ROW_BODY | BB_ROW_MAYBE_SENT, .due_ms = 1u << 30};
    s[0].body = (struct bb_bytes){body, BODY};
    s[1] = plain(a, 1, 2, LANE, BB_TO_SPILLED);
    for (int i = 0; i < 2; i++)
        op[i] = (struct bb_op){.kind = BB_OP_SETTLE, .settle = {.v = &s[i], .n = 1}};
    op[2] = (struct bb_op){.kind = BB_OP_KICK, .kick = {.route = a, .lane = LANE}};
    held_op = &op[0];
    behind_op = &op[2];
    for (int i = 0; i < 3; i++)
        bb_journal_post(R.j, &op[i]);
    for (uint64_t i = 2; i < n; i++) {
        other = plain(a, i, i + 1, i % 2 ? 1000 + i : 0, BB_TO_DELIVERED);
        beside = (struct bb_op){.kind = BB_OP_SETTLE, .settle = {.v = &other, .n = 1}};
        do_beside(&beside);
        ck_assert(i > 2 || !held_done);
    }
    ck_assert(held_done || rig_row(&R, a, LANE, 1).state == BB_D_INFLIGHT);
    for (beside = (struct bb_op){.kind = BB_OP_KICK, .kick = {.route = a, .lane = 1}}; !behind_done;)
        do_beside(&beside); /* until retention has made room */
    it.seq = 1;
    rd.route = a;
    rig_read(&R, &rd);
    ck_assert_int_eq(it.row.state, BB_D_RETRYING);
    ck_assert_int_eq(it.row.flags, BB_ROW_BODY | BB_ROW_MAYBE_SENT);
    ck_assert_uint_eq(it.whole.len, BODY);
    ck_assert_int_eq(memcmp(it.whole.ptr, body, BODY), 0);
    bb_journal_read_free(&rd);
    ck_assert_int_eq(rig_row(&R, a, LANE, 2).state, BB_D_SPILLED);
    ck_assert_uint_eq(rig_state(&R, a).pending, 2);
    free(body);
}
END_TEST

/* Closing with something held ends it, unanswered as done. */
START_TEST(full_store_closes)
{
    enum { BODY = 14 << 20 };
    uint8_t *body = calloc(1, BODY);
    struct bb_settle s;
    struct bb_op op = {.kind = BB_OP_SETTLE, .settle = {.v = &s, .n = 1}}, beside;
    struct bb_settle other;
    uint32_t a;
    (void)fill_up(&a, 0, 16);
    ck_assert(body != NULL);
    s = plain(a, 0, 1, 0, BB_TO_PROBING);
    s.row = (struct bb_row){.flags = BB_ROW_BODY | BB_ROW_MAYBE_SENT, .due_ms = 1u << 30};
    s.body = (struct bb_bytes){body, BODY};
    bb_journal_post(R.j, &op);
    other = plain(a, 1, 2, 0, BB_TO_DELIVERED);
    beside = (struct bb_op){.kind = BB_OP_SETTLE, .settle = {.v = &other, .n = 1}};
    do_beside(&beside);
    bb_journal_close(&R.j);
    ck_assert_int_eq(op.status, BB_E_RETRY);
    ck_assert_ptr_nonnull(strstr(op.text, "full"));
    rig_open(&R);
    /* in flight, as a crash would have left it: no more and no less is known of it */
    ck_assert_uint_eq(rig_state(&R, a).frontier, 2);
    ck_assert_uint_eq(rig_state(&R, a).counts[BB_D_DELIVERED], 1);
    ck_assert_int_eq(rig_row(&R, a, 0, 1).state, BB_D_INFLIGHT);
    ck_assert_int_eq(rig_row(&R, a, 0, 1).flags, BB_ROW_MAYBE_SENT);
    free(body);
}
END_TEST

/* The same with a file system that is really full. Needs a mount of its own: as root, or in a user
 * namespace; where neither is allowed there is nothing to test with. */
START_TEST(full_disk_keeps_settling)
{
    struct bb_op op = {.status = 0};
    uint64_t n = 0;
    uint32_t a;
    bb_journal_close(&R.j);
    if ((unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", R.dir, "tmpfs", 0, "size=24m") != 0)
        return;
    R.o.reserve = 4 << 20;
    R.o.retention_ms = 1;
    rig_open(&R);
    a = rig_route(&R, "a");
    while (append_pad(a, _i ? 12000000 : 100000, &op) == BB_OK)
        ck_assert_uint_lt(++n, 1000);
    ck_assert_int_eq(op.status, BB_E_BUSY);
    ck_assert_msg(strstr(op.text, "file system") != NULL, "%s", op.text);
    ck_assert_uint_ge(n, 1);
    for (uint64_t i = 0; i < n; i++)
        rig_settle(&R, plain(a, i, i + 1, 0, i % 2 ? BB_TO_DELIVERED : BB_TO_QUARANTINED));
    ck_assert_uint_eq(rig_state(&R, a).pending, 0);
    for (uint64_t i = 0; i < n; i += 2)
        ck_assert_int_eq(rig_oper(&R, BB_OPER_DISCARD, a, i + 1, false, NULL), BB_OK);
    until(intake_open);
    ck_assert_int_eq(append_pad(a, 1000, &op), BB_OK);
    ck_assert_uint_eq(op.append.msgs ? rig_state(&R, a).tail : 0, n + 1);
    rig_again(&R);
    ck_assert_uint_eq(rig_state(&R, a).pending, 1);
    bb_journal_close(&R.j);
    ck_assert_int_eq(umount2(R.dir, MNT_DETACH), 0);
    rig_open(&R);
}
END_TEST

/* After a failed sync nobody knows what is on disk: nothing of it is answered as done, nothing is
 * tried again, and the store opens with what was committed before. */
START_TEST(failed_sync_is_final)
{
    uint32_t a = rig_route(&R, "a"), id;
    uint64_t first = rig_append(&R, a, 0, "m");
    struct bb_op op = {.status = 0};
    struct bb_fault err;
    atomic_store(&syncs_fail, 1);
    ck_assert_int_eq(append_pad(a, 10, &op), BB_E_RETRY);
    atomic_store(&syncs_fail, 0);
    ck_assert_uint_gt(strlen(op.text), 10);
    ck_assert_ptr_nonnull(bb_journal_failed(R.j));
    ck_assert_int_eq(append_pad(a, 10, &op), BB_E_RETRY);
    ck_assert_int_eq(bb_journal_name_id(R.j, "new", &id, &err), -1);
    ck_assert_uint_eq(rig_state(&R, a).tail, 1);
    rig_again(&R);
    ck_assert_ptr_null(bb_journal_failed(R.j));
    ck_assert_uint_eq(rig_state(&R, a).tail, 1);
    ck_assert_uint_eq(rig_append(&R, a, 0, "m"), first + 1);
}
END_TEST

START_TEST(many_share_a_commit)
{
    enum { N = 20000 };
    struct bb_op *ops = calloc(N, sizeof *ops);
    struct bb_append_msg *m = calloc(N, sizeof *m);
    uint32_t a = rig_route(&R, "a");
    struct bb_match match = {.route = a};
    struct bb_journal_stats st;
    struct bb_buf b;
    struct bb_bytes whole = rig_message(&b, "m", NULL, "d", 100);
    size_t done = 0;
    ck_assert(ops && m);
    for (size_t i = 0; i < N; i++) {
        m[i] = (struct bb_append_msg){.whole = whole, .n_match = 1};
        ops[i] = (struct bb_op){.kind = BB_OP_APPEND,
                                .append = {.msgs = &m[i], .n = 1, .matches = &match,
                                           .n_matches = 1}};
        bb_journal_post(R.j, &ops[i]);
    }
    while (done < N) {
        struct bb_op *list = bb_journal_take(R.j);
        for (; list; list = list->next, done++) {
            ck_assert_ptr_eq(list, &ops[done]); /* in the order posted */
            ck_assert_int_eq(list->status, BB_OK);
            ck_assert_uint_eq(m[done].seq, done + 1);
        }
        if (done < N)
            rig_wait(bb_journal_fd(R.j));
    }
    bb_journal_stats(R.j, &st);
    ck_assert_uint_lt(st.commits, N / 2);
    ck_assert_uint_eq(st.messages, N);
    free(ops);
    free(m);
    bb_buf_free(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal");
    TCase *t = tcase_create("journal");
    SRunner *r;
    int failed;
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, sums);
    tcase_add_test(t, append_read_reopen);
    tcase_add_test(t, second_core_refused);
    tcase_add_test(t, newer_format_refused);
    tcase_add_test(t, claims_hold);
    tcase_add_test(t, claims_within_one_operation);
    tcase_add_test(t, claims_bounded);
    tcase_add_test(t, claim_table);
    tcase_add_loop_test(t, claim_table_model, 0, 3);
    tcase_add_test(t, state_compare_and_set);
    tcase_add_test(t, window_out_of_turn);
    tcase_add_test(t, lane_spills_and_goes_on);
    tcase_add_test(t, kick_wakes_the_head);
    tcase_add_test(t, held_released_discarded);
    tcase_add_test(t, replay_guards_order);
    tcase_add_test(t, replay_behind_one_in_flight);
    tcase_add_test(t, unmatched_is_not_replayed);
    tcase_add_test(t, routes_are_removed_empty);
    tcase_add_test(t, damaged_record_is_told);
    tcase_add_test(t, retention_spares_the_pending);
    tcase_add_loop_test(t, full_store_keeps_settling, 0, 2);
    tcase_add_loop_test(t, full_disk_keeps_settling, 0, 2);
    tcase_add_test(t, full_store_keeps_failing);
    tcase_add_test(t, full_store_holds_one);
    tcase_add_test(t, full_store_closes);
    tcase_add_test(t, failed_sync_is_final);
    tcase_add_test(t, many_share_a_commit);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
