/*
 * test_rebuild.c - the claims are read behind the start: settlements go on, appends wait for them
 *
 * The thread that reads them is held where it asks for its first pages.
 */
#include <sys/mman.h>
#include <stdatomic.h>
#include "core/journal/internal.h"
#include "tests/unit/journal_rig.h"

static struct rig R;
static atomic_bool held;
static atomic_int asked;

BB_EXPORT int posix_madvise(void *at, size_t len, int advice)
{
    (void)at;
    (void)len;
    (void)advice;
    atomic_fetch_add(&asked, 1);
    while (atomic_load(&held))
        poll(NULL, 0, 1);
    return 0;
}

static void setup(void)
{
    rig_init(&R);
}

static void teardown(void)
{
    atomic_store(&held, false);
    rig_end(&R);
}

/* An append of a claimed message, posted and not waited for. */
struct sent {
    struct bb_match match;
    struct bb_append_msg msg;
    struct bb_op op;
    struct bb_buf b;
};

static void send_make(struct sent *s, uint32_t route, const char *id, size_t size)
{
    *s = (struct sent){.match = {.route = route}, .msg = {.n_match = 1}};
    s->msg.whole = rig_message(&s->b, id, NULL, "data", size);
    bb_journal_fingerprint(R.j, 1, (struct bb_bytes){"/test", 5}, (struct bb_bytes){id, strlen(id)},
                           s->msg.claim);
    s->op = (struct bb_op){.kind = BB_OP_APPEND,
                           .append = {.endpoint = 1, .msgs = &s->msg, .n = 1,
                                      .matches = &s->match, .n_matches = 1}};
}

static void send_of(struct sent *s, uint32_t route, const char *id, size_t size)
{
    send_make(s, route, id, size);
    bb_journal_post(R.j, &s->op);
}

static void send_again(struct sent *s, uint32_t route, const char *id)
{
    send_of(s, route, id, 0);
}

static uint64_t first_of(uint32_t route, const char *id)
{
    struct bb_append_msg m;

    ck_assert_int_eq(rig_append_to(&R, route, 0, id, NULL, "data", true, &m), BB_OK);
    return m.seq;
}

START_TEST(settlements_go_before)
{
    uint32_t route = rig_route(&R, "r");
    uint64_t seq = first_of(route, "one"), parent = first_of(route, "parent");
    struct sent twice, other, child;
    struct bb_op *done;
    struct bb_journal_stats st;
    struct bb_settle end = {.route = route, .to = BB_TO_DELIVERED, .seq = parent, .ord = 1};
    struct bb_op birth = {.kind = BB_OP_SETTLE, .settle = {.v = &end, .n = 1}};

    atomic_store(&held, true);
    rig_again(&R);
    send_again(&twice, route, "one");
    send_again(&other, route, "two");
    send_make(&child, route, "one", 0); /* a delivery became what is there already */
    birth.settle.children = &child.op;
    bb_journal_post(R.j, &birth);
    /* rig_do takes what is answered and sees that it is this one, and no append */
    rig_settle(&R, (struct bb_settle){.route = route, .to = BB_TO_DELIVERED, .seq = seq, .ord = 0});
    ck_assert_uint_eq(rig_state(&R, route).counts[BB_D_DELIVERED], 1);
    ck_assert_ptr_null(bb_journal_take(R.j));
    atomic_store(&held, false);
    while (!(done = bb_journal_take(R.j)))
        rig_wait(bb_journal_fd(R.j));
    ck_assert_ptr_eq(done, &twice.op);
    ck_assert_ptr_eq(done->next, &other.op);
    ck_assert_ptr_eq(done->next->next, &birth);
    ck_assert(birth.status == BB_OK && child.msg.duplicate);
    ck_assert_int_eq(twice.op.status, BB_OK);
    ck_assert(twice.msg.duplicate);
    ck_assert(!other.msg.duplicate);
    ck_assert_int_gt(atomic_load(&asked), 0);
    bb_journal_stats(R.j, &st);
    ck_assert_uint_eq(st.claims, 3);
    bb_buf_free(&twice.b);
    bb_buf_free(&child.b);
    bb_buf_free(&other.b);
}
END_TEST

/* What waits when it closes is done before. */
START_TEST(a_close_waits)
{
    uint32_t route = rig_route(&R, "r");
    struct sent other;

    first_of(route, "one");
    atomic_store(&held, true);
    rig_again(&R);
    send_again(&other, route, "two");
    atomic_store(&held, false);
    bb_journal_close(&R.j);
    rig_open(&R);
    ck_assert_uint_eq(rig_state(&R, route).tail, 2);
    bb_buf_free(&other.b);
}
END_TEST

/* Nothing waits: it does not stay for claims that nobody asks for. */
START_TEST(a_close_may_be_at_once)
{
    char id[24];

    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "id-%d", i);
        first_of(rig_route(&R, "r"), id);
    }
    rig_again(&R);
    rig_again(&R);
    ck_assert_int_eq(rig_append_to(&R, rig_route(&R, "r"), 0, "id-7", NULL, "data", true, NULL), BB_OK);
    ck_assert_uint_eq(rig_state(&R, rig_route(&R, "r")).tail, 100);
}
END_TEST

/* What waited is more than one transaction should hold. */
START_TEST(what_waited_goes_in_pieces)
{
    uint32_t route = rig_route(&R, "r");
    struct sent *many = calloc(40, sizeof *many);
    struct bb_op *done;
    struct bb_journal_stats before, st;
    uint64_t last = first_of(route, "one");
    char id[24];
    int got = 0;

    ck_assert_ptr_nonnull(many);
    atomic_store(&held, true);
    rig_again(&R);
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof id, "id-%d", i);
        send_of(&many[i], route, id, 1u << 20);
    }
    rig_settle(&R, (struct bb_settle){.route = route, .to = BB_TO_DELIVERED, .seq = last, .ord = 0});
    bb_journal_stats(R.j, &before);
    atomic_store(&held, false);
    while (got < 40) {
        rig_wait(bb_journal_fd(R.j));
        for (done = bb_journal_take(R.j); done; done = done->next, got++) {
            ck_assert_ptr_eq(done, &many[got].op); /* in their order */
            ck_assert_int_eq(done->status, BB_OK);
            ck_assert_uint_eq(many[got].msg.seq, ++last);
        }
    }
    bb_journal_stats(R.j, &st);
    ck_assert_uint_ge(st.commits - before.commits, 3);
    for (int i = 0; i < 40; i++)
        bb_buf_free(&many[i].b);
    free(many);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rebuild");
    TCase *t = tcase_create("claims");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, settlements_go_before);
    tcase_add_test(t, a_close_waits);
    tcase_add_test(t, a_close_may_be_at_once);
    tcase_add_test(t, what_waited_goes_in_pieces);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
