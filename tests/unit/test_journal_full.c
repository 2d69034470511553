/*
 * test_journal_full.c - retention, a full store, a full disk, a sync that fails
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
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
            rig_settle(&R, rig_plain(a, i, q[i], 0, i == 20 ? BB_TO_QUARANTINED : BB_TO_DELIVERED));
    until(pending_are_left);
    rig_settle(&R, rig_plain(a, 30, q[30], 0, BB_TO_DELIVERED));
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
        rig_settle(&R, rig_plain(a, i, i + 1, 0, BB_TO_DELIVERED));
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
        s = rig_plain(a, i, i + 1, 0, BB_TO_RETRYING);
        s.row = (struct bb_row){.flags = BB_ROW_BODY, .attempts = 1, .due_ms = 1u << 30};
        s.body = (struct bb_bytes){body, sizeof body};
        s.event = (struct bb_bytes){words, sizeof words};
        rig_settle(&R, s);
        row = rig_row(&R, a, 0, i + 1);
        ck_assert_int_eq(row.state, BB_D_RETRYING);
        ck_assert_int_eq(row.flags & BB_ROW_BODY, 0);
    }
    for (i = 0; i < 300; i++) {
        s = rig_plain(a, BB_ORD_NONE, 1 + i % n, 0, BB_TO_RETRYING);
        s.row = (struct bb_row){.attempts = (uint32_t)i, .due_ms = 1u << 30};
        s.event = (struct bb_bytes){words, sizeof words};
        rig_settle(&R, s);
    }
    for (i = 0; i < n; i++)
        rig_settle(&R, rig_plain(a, BB_ORD_NONE, i + 1, 0, BB_TO_DELIVERED));
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
    s[0] = rig_plain(a, 0, 1, LANE, BB_TO_RETRYING);
    s[0].row = (struct bb_row){.flags = BB_ROW_BODY | BB_ROW_MAYBE_SENT, .due_ms = 1u << 30};
    s[0].body = (struct bb_bytes){body, BODY};
    s[1] = rig_plain(a, 1, 2, LANE, BB_TO_SPILLED);
    for (int i = 0; i < 2; i++)
        op[i] = (struct bb_op){.kind = BB_OP_SETTLE, .settle = {.v = &s[i], .n = 1}};
    op[2] = (struct bb_op){.kind = BB_OP_KICK, .kick = {.route = a, .lane = LANE}};
    held_op = &op[0];
    behind_op = &op[2];
    for (int i = 0; i < 3; i++)
        bb_journal_post(R.j, &op[i]);
    for (uint64_t i = 2; i < n; i++) {
        other = rig_plain(a, i, i + 1, i % 2 ? 1000 + i : 0, BB_TO_DELIVERED);
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
    s = rig_plain(a, 0, 1, 0, BB_TO_PROBING);
    s.row = (struct bb_row){.flags = BB_ROW_BODY | BB_ROW_MAYBE_SENT, .due_ms = 1u << 30};
    s.body = (struct bb_bytes){body, BODY};
    bb_journal_post(R.j, &op);
    other = rig_plain(a, 1, 2, 0, BB_TO_DELIVERED);
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
        rig_settle(&R, rig_plain(a, i, i + 1, 0, i % 2 ? BB_TO_DELIVERED : BB_TO_QUARANTINED));
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

int main(void)
{
    Suite *s = suite_create("journal room");
    TCase *t = tcase_create("journal room");
    SRunner *r;
    int failed;
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, retention_spares_the_pending);
    tcase_add_loop_test(t, full_store_keeps_settling, 0, 2);
    tcase_add_test(t, full_store_keeps_failing);
    tcase_add_test(t, full_store_holds_one);
    tcase_add_test(t, full_store_closes);
    tcase_add_loop_test(t, full_disk_keeps_settling, 0, 2);
    tcase_add_test(t, failed_sync_is_final);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
