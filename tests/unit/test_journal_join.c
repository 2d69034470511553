/*
 * test_journal_join.c - a new route takes what is stored, piece by piece, over ends of the journal
 */
#include "core/journal/internal.h"
#include "tests/unit/journal_rig.h"

static struct rig R;

static void setup(void)
{
    rig_init(&R);
}

static void teardown(void)
{
    rig_end(&R);
}

static struct bb_op route_op(const char *name, bool oldest)
{
    struct bb_op op = {.kind = BB_OP_ROUTE, .route = {.name = name, .oldest = oldest}};
    ck_assert_msg(rig_do(&R, &op) == BB_OK, "%s", op.text);
    return op;
}

/* How many it took; the piece's status must be this. */
static size_t piece(uint32_t route, const struct bb_join *v, size_t n, uint64_t next, int32_t status)
{
    struct bb_op op = {.kind = BB_OP_JOIN, .join = {.route = route, .v = v, .n = n, .next = next}};
    ck_assert_msg(rig_do(&R, &op) == status, "%d: %s", op.status, op.text);
    return op.join.taken;
}

static void settle(uint32_t route, uint64_t ord, uint64_t seq)
{
    rig_settle(&R, (struct bb_settle){.route = route, .ord = ord, .seq = seq, .to = BB_TO_DELIVERED});
}

/* The route's feed as "seq:lane ..." */
static void feed_is(uint32_t route, const char *want)
{
    struct bb_read rd = {.kind = BB_READ_FEED, .route = route, .max_items = 99, .max_bytes = 1 << 20};
    char text[200] = "";
    rig_read(&R, &rd);
    for (size_t i = 0; i < rd.n; i++) {
        size_t at = strlen(text);
        ck_assert_int_eq(rd.items[i].bad, 0);
        ck_assert_uint_gt(rd.items[i].whole.len, 0);
        snprintf(text + at, sizeof text - at, "%s%d:%d", at ? " " : "", (int)rd.items[i].seq,
                 (int)rd.items[i].lane);
    }
    bb_journal_read_free(&rd);
    ck_assert_str_eq(text, want);
}

static int routes_of(void *arg, const struct bb_record *rec)
{
    char *text = arg;
    ck_assert(!rec->bad);
    for (size_t i = 0; i < rec->n_matches; i++)
        sprintf(text + strlen(text), "%s%u:%d", i ? " " : "", rec->matches[i].route,
                (int)rec->matches[i].lane);
    return 0;
}

static void record_is(uint64_t seq, const char *want)
{
    struct bb_view *v = bb_view_of(R.j);
    char text[100] = "";
    ck_assert_int_eq(bb_view_message(v, seq, routes_of, text), 1);
    bb_view_close(&v);
    ck_assert_str_eq(text, want);
}

static char found[2000];
static void take_line(void *arg, const char *text)
{
    (void)arg;
    snprintf(found + strlen(found), sizeof found - strlen(found), "%s\n", text);
}

/* Closes the journal, and it is sound, but for so many bad records. */
static void sound(uint64_t bad)
{
    struct bb_check_report rep;
    struct bb_fault err = {0};
    *found = '\0';
    bb_journal_close(&R.j);
    ck_assert_msg(bb_journal_check(R.dir, &rep, take_line, NULL, &err) >= 0, "%s", err.text);
    ck_assert_msg(rep.bad_records == bad && !rep.unbalanced && !rep.dangling, "%s", found);
}

/* 1, 2: of route a; 3: of none; 4: in conflict with 2; 5: of a. */
static uint32_t fill(void)
{
    uint32_t a = rig_route(&R, "a");
    struct bb_append_msg m;
    ck_assert_uint_eq(rig_append(&R, a, 7, "m1"), 1);
    ck_assert_int_eq(rig_append_to(&R, a, 8, "m2", NULL, "data", true, NULL), BB_OK);
    ck_assert_int_eq(rig_append_to(&R, 0, 0, "m3", NULL, "data", false, NULL), BB_OK);
    ck_assert_int_eq(rig_append_to(&R, a, 8, "m2", NULL, "other", true, &m), BB_OK);
    ck_assert_int_eq(m.conflict, 1);
    ck_assert_uint_eq(rig_append(&R, a, 7, "m5"), 5);
    return a;
}

START_TEST(it_goes_on_after_each_piece)
{
    static const struct bb_join first[] = {{1, 21}, {2, 22}}, rest[] = {{3, 21}, {4, 22}, {5, 23}};
    uint32_t a = fill(), b;
    struct bb_op op = route_op("b", true);
    b = op.route.id;
    ck_assert_uint_eq(op.route.join, 1);
    ck_assert_uint_eq(op.route.join_end, 6);
    rig_again(&R); /* begun, though no piece came */
    op = route_op("b", false);
    ck_assert_uint_eq(op.route.join, 1);
    ck_assert_uint_eq(piece(b, first, 2, 3, BB_OK), 2);
    rig_again(&R);
    op = route_op("b", true);
    ck_assert_uint_eq(op.route.join, 3);
    ck_assert_uint_eq(op.route.join_end, 6);
    ck_assert_uint_eq(rig_state(&R, b).tail, 2);
    ck_assert_int_eq(rig_append_to(&R, b, 1, "new", NULL, "data", false, NULL), BB_E_REJECT);
    ck_assert_uint_eq(piece(b, rest, 3, 6, BB_OK), 2);
    ck_assert_uint_eq(rig_append(&R, b, 21, "new"), 6);
    feed_is(b, "1:21 2:22 3:21 5:23 6:21");
    feed_is(a, "1:7 2:8 5:7");
    record_is(1, "1:7 2:21");
    record_is(3, "0:0 2:21");
    record_is(4, "0:0");
    ck_assert_int_eq(rig_row(&R, 0, 0, 3).state, BB_D_QUARANTINED); /* a delivery of its own */
    ck_assert_uint_eq(rig_state(&R, b).pending, 5);
    sound(0);
    rig_open(&R);
    ck_assert_uint_eq(route_op("b", true).route.join, 0);
    feed_is(b, "1:21 2:22 3:21 5:23 6:21");
}
END_TEST

START_TEST(only_a_new_route_begins_with_the_oldest)
{
    uint32_t a = fill();
    static const struct bb_join one[] = {{1, 0}};
    ck_assert_uint_eq(route_op("a", true).route.join, 0);
    ck_assert_uint_eq(route_op("c", false).route.join, 0);
    ck_assert_uint_eq(route_op("c", true).route.join, 0);
    piece(a, one, 1, 2, BB_E_REJECT);
    piece(99, one, 1, 2, BB_E_REJECT);
    feed_is(a, "1:7 2:8 5:7");
}
END_TEST

START_TEST(with_nothing_stored_there_is_nothing_to_do)
{
    struct bb_op op = route_op("b", true);
    ck_assert_uint_eq(op.route.join, 0);
    ck_assert_uint_eq(rig_append(&R, op.route.id, 0, "m"), 1);
    sound(0);
    rig_open(&R);
}
END_TEST

START_TEST(a_piece_out_of_turn_changes_nothing)
{
    static const struct bb_join twice[] = {{2, 0}, {2, 0}}, back[] = {{2, 0}, {1, 0}}, one[] = {{1, 0}},
                                two[] = {{2, 0}};
    struct bb_op op;
    uint32_t b;
    fill();
    op = route_op("b", true);
    b = op.route.id;
    piece(b, twice, 2, 4, BB_E_REJECT);
    piece(b, back, 2, 4, BB_E_REJECT);
    piece(b, two, 1, 2, BB_E_REJECT); /* it would be looked at again */
    piece(b, NULL, 0, 1, BB_E_REJECT);
    piece(b, NULL, 0, 7, BB_E_REJECT);
    ck_assert_uint_eq(piece(b, two, 1, 3, BB_OK), 1);
    piece(b, one, 1, 4, BB_E_REJECT); /* passed */
    piece(b, two, 1, 3, BB_E_REJECT); /* the same again */
    feed_is(b, "2:0");
    sound(0);
    rig_open(&R);
}
END_TEST

static void kept(uint64_t n)
{
    int64_t end = bb_mono_ms() + 20000;
    struct bb_journal_stats st;
    do {
        ck_assert_msg(bb_mono_ms() < end, "%d messages, not %d", (int)st.messages, (int)n);
        nanosleep(&(struct timespec){0, 5000000}, NULL);
        bb_journal_stats(R.j, &st);
    } while (st.messages != n);
}

/* All are done and too old, but a new route has not looked at them; then they wait for it. Message 6
 * shows that retention was there: it goes while the older stay. */
START_TEST(retention_waits_for_it)
{
    static const struct bb_join v[] = {{1, 0}, {5, 0}};
    struct bb_op op;
    uint32_t a;
    a = fill();
    op = route_op("b", true);
    for (uint64_t i = 0; i < 3; i++)
        settle(a, i, i < 2 ? i + 1 : 5);
    rig_oper(&R, BB_OPER_DISCARD, 0, 3, false, NULL);
    rig_oper(&R, BB_OPER_DISCARD, 0, 4, false, NULL);
    bb_journal_close(&R.j);
    R.o.retention_ms = 1;
    rig_open(&R);
    settle(a, 3, rig_append(&R, a, 0, "m6"));
    kept(5);
    ck_assert_uint_eq(piece(op.route.id, v, 1, 3, BB_OK), 1);
    kept(4); /* 2 is passed */
    ck_assert_uint_eq(piece(op.route.id, v + 1, 1, 6, BB_OK), 1);
    kept(2); /* 1 and 5 are its own */
    settle(op.route.id, 0, 1);
    kept(1);
    settle(op.route.id, 1, 5);
    kept(0);
}
END_TEST

START_TEST(a_route_taken_out_keeps_nothing_back)
{
    struct bb_op rm = {.kind = BB_OP_ROUTE, .route = {.name = "b", .remove = true}};
    fill();
    route_op("b", true);
    ck_assert_int_eq(rig_do(&R, &rm), BB_OK);
    ck_assert(!bb_join_wants(R.j, 1));
    rig_again(&R);
    ck_assert(!bb_join_wants(R.j, 1));
    ck_assert_uint_eq(route_op("b", true).route.join, 0);
}
END_TEST

/* Batches of messages of some 400 bytes until so much is used, or no more is taken: how many. */
static uint64_t fill_up(uint32_t a, uint64_t used)
{
    enum { BATCH = 500 };
    static struct bb_append_msg msg[BATCH];
    struct bb_match m = {.route = a};
    struct bb_op op = {.kind = BB_OP_APPEND,
                       .append = {.endpoint = 1, .msgs = msg, .n = BATCH, .matches = &m, .n_matches = 1}};
    struct bb_journal_stats st = {0};
    struct bb_buf b;
    uint64_t n = 0;
    struct bb_bytes whole = rig_message(&b, "pad", NULL, "d", 300);
    for (size_t i = 0; i < BATCH; i++)
        msg[i] = (struct bb_append_msg){.whole = whole, .n_match = 1};
    for (; st.used_bytes < used && rig_do(&R, &op) == BB_OK; bb_journal_stats(R.j, &st))
        n += BATCH;
    bb_buf_free(&b);
    return n;
}

static void small_store(void)
{
    bb_journal_close(&R.j);
    R.o.map_size = 16 << 20;
    rig_open(&R);
}

/* Records that grow split their pages: there is not room for all. Up to there it is sound, and with
 * more room it goes on. */
START_TEST(without_room_it_waits_for_some)
{
    static struct bb_join v[500];
    uint64_t n, at = 1, taken = 0;
    uint32_t b;
    small_store();
    n = fill_up(rig_route(&R, "a"), 10u << 20);
    b = route_op("b", true).route.id;
    for (int round = 0; round < 2; round++) {
        struct bb_op op = {.kind = BB_OP_JOIN, .join = {.route = b, .v = v, .n = 500, .next = at + 500}};
        for (; at <= n; at = op.join.next, op.join.next += 500) {
            for (uint64_t i = 0; i < 500; i++)
                v[i].seq = at + i;
            if (rig_do(&R, &op) != BB_OK)
                break;
            taken += op.join.taken;
        }
        ck_assert_uint_eq(taken, at - 1);
        ck_assert_uint_eq(rig_state(&R, b).tail, taken);
        if (round == 0) {
            ck_assert_int_eq(op.status, BB_E_BUSY);
            ck_assert_uint_le(at, n);
        }
        sound(0);
        R.o.map_size = 1u << 30;
        rig_open(&R);
    }
    ck_assert_uint_eq(taken, n);
    ck_assert(!rig_state(&R, b).joining);
}
END_TEST

START_TEST(it_can_be_given_up_in_a_full_store)
{
    static const struct bb_join one[] = {{1, 0}};
    uint32_t a, b;
    small_store();
    a = rig_route(&R, "a");
    fill_up(a, UINT64_MAX);
    ck_assert_ptr_nonnull(bb_journal_intake(R.j, NULL));
    b = route_op("b", true).route.id;
    ck_assert(bb_join_wants(R.j, 1));
    piece(b, one, 1, 2, BB_E_BUSY);
    ck_assert(rig_state(&R, b).joining);
    piece(b, NULL, 0, UINT64_MAX, BB_OK);
    ck_assert(!rig_state(&R, b).joining);
    ck_assert(!bb_join_wants(R.j, 1));
    sound(0);
    rig_open(&R);
    ck_assert_uint_eq(route_op("b", true).route.join, 0);
}
END_TEST

/* The message's last byte, or its match list: check must see both. */
static void record_spoil(uint64_t seq, bool list)
{
    struct bb_fault err;
    struct bb_store s;
    uint8_t copy[4096];
    uint32_t crc;
    MDB_val k = {8, &seq}, v;
    MDB_txn *txn;
    bb_journal_close(&R.j);
    ck_assert_int_eq(bb_store_open(&s, R.dir, R.o.map_size, &(struct bb_wal){0}, &err), 0);
    ck_assert_int_eq(mdb_txn_begin(s.env, NULL, 0, &txn), 0);
    ck_assert_int_eq(mdb_get(txn, s.dbi[BB_TAB_MSG], &k, &v), 0);
    memcpy(copy, v.mv_data, v.mv_size);
    copy[list ? sizeof(struct bb_rec_msg) + sizeof(struct bb_match) : v.mv_size - 1] ^= 0x40;
    crc = bb_crc32c(0, copy + 4, v.mv_size - 4);
    if (list)
        memcpy(copy, &crc, 4);
    v.mv_data = copy;
    ck_assert_int_eq(mdb_put(txn, s.dbi[BB_TAB_MSG], &k, &v, 0), 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    bb_store_close(&s);
}

START_TEST(a_damaged_record_is_passed_over)
{
    static const struct bb_join v[] = {{1, 0}, {2, 0}, {5, 0}};
    uint32_t b;
    fill();
    b = route_op("b", true).route.id;
    record_spoil(2, false);
    rig_open(&R);
    ck_assert_uint_eq(piece(b, v, 3, 6, BB_OK), 2);
    feed_is(b, "1:0 5:0");
    sound(1);
    rig_open(&R);
}
END_TEST

START_TEST(check_sees_a_record_that_forgot_its_route)
{
    static const struct bb_join v[] = {{5, 0}};
    struct bb_check_report rep;
    struct bb_fault err = {0};
    fill();
    piece(route_op("b", true).route.id, v, 1, 6, BB_OK);
    record_spoil(5, true);
    *found = '\0';
    ck_assert_int_eq(bb_journal_check(R.dir, &rep, take_line, NULL, &err), 1);
    ck_assert_uint_eq(rep.dangling, 1);
    ck_assert_ptr_nonnull(strstr(found, "route \"b\": message 5 waits in the feed and its record does not "
                                        "name the route"));
    rig_open(&R);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal-join");
    TCase *t = tcase_create("join");
    SRunner *run;
    int failed;
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, it_goes_on_after_each_piece);
    tcase_add_test(t, only_a_new_route_begins_with_the_oldest);
    tcase_add_test(t, with_nothing_stored_there_is_nothing_to_do);
    tcase_add_test(t, a_piece_out_of_turn_changes_nothing);
    tcase_add_test(t, retention_waits_for_it);
    tcase_add_test(t, a_route_taken_out_keeps_nothing_back);
    tcase_add_test(t, without_room_it_waits_for_some);
    tcase_add_test(t, it_can_be_given_up_in_a_full_store);
    tcase_add_test(t, a_damaged_record_is_passed_over);
    tcase_add_test(t, check_sees_a_record_that_forgot_its_route);
    suite_add_tcase(s, t);
    run = srunner_create(s);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed ? 1 : 0;
}
