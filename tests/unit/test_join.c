/*
 * test_join.c - stored messages join a route: once, noted, and kept by retention for it
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

static uint32_t route_oldest(const char *name)
{
    struct bb_op op = {.kind = BB_OP_ROUTE, .route = {.name = name, .oldest = true}};

    ck_assert_msg(rig_do(&R, &op) == BB_OK, "%s", op.text);
    return op.route.id;
}

static uint64_t joined(const char *name)
{
    uint64_t through;

    ck_assert_int_eq(bb_journal_joined(R.j, name, &through), 0);
    return through;
}

static int32_t join(uint32_t route, const struct bb_join *v, size_t n, uint64_t through)
{
    struct bb_op op = {.kind = BB_OP_JOIN, .join = {route, v, n, through}};

    return rig_do(&R, &op);
}

static void delivered(uint32_t route, uint64_t ord, uint64_t seq)
{
    rig_settle(&R, (struct bb_settle){.route = route, .to = BB_TO_DELIVERED, .ord = ord, .seq = seq});
}

/* A pass of retention comes each second. */
static void until_messages(uint64_t n)
{
    struct bb_journal_stats st = {0};
    int64_t end = bb_mono_ms() + 20000;

    do {
        poll(NULL, 0, 20);
        bb_journal_stats(R.j, &st);
    } while (st.messages != n && bb_mono_ms() < end);
    ck_assert_uint_eq(st.messages, n);
}

static int two_matches(void *arg, const struct bb_record *rec)
{
    uint32_t route = *(uint32_t *)arg;

    ck_assert(!rec->bad);
    ck_assert_uint_eq(rec->n_matches, 2);
    ck_assert_uint_eq(rec->matches[1].route, route);
    ck_assert_uint_eq(rec->matches[1].lane, 7);
    return 0;
}

START_TEST(what_joins_is_kept)
{
    uint32_t a = rig_route(&R, "a"), b;
    uint64_t seq[4];
    struct bb_join v[3];
    struct bb_view *view;

    for (int i = 0; i < 4; i++) {
        seq[i] = rig_append(&R, a, 0, "m");
        delivered(a, (uint64_t)i, seq[i]);
        if (i < 3)
            v[i] = (struct bb_join){seq[i], 7};
    }
    b = route_oldest("b");
    ck_assert_uint_eq(joined("b"), 0);
    ck_assert_int_eq(join(b, v, 2, seq[1]), BB_OK);
    ck_assert_uint_eq(joined("b"), seq[1]);
    ck_assert_int_eq(join(b, v, 3, UINT64_MAX), BB_OK); /* the first two are in already */
    ck_assert_uint_eq(joined("b"), UINT64_MAX);
    ck_assert_uint_eq(rig_state(&R, b).tail, 3);
    ck_assert_uint_eq(rig_state(&R, b).pending, 3);
    view = bb_view_of(R.j);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(bb_view_message(view, seq[i], two_matches, &b), 1);
    bb_view_close(&view);
    R.o.retention_ms = 1;
    rig_again(&R);
    until_messages(3); /* the fourth goes, what b waits for stays */
    for (uint64_t i = 0; i < 3; i++)
        delivered(b, i, seq[i]);
    until_messages(0);
}
END_TEST

START_TEST(who_may_join)
{
    struct bb_join none = {99, 0};
    uint32_t a = rig_route(&R, "a");

    ck_assert_uint_eq(joined("a"), UINT64_MAX); /* it began when it was made */
    ck_assert_uint_eq(route_oldest("a"), a);    /* and does not begin again */
    ck_assert_uint_eq(joined("a"), UINT64_MAX);
    ck_assert_int_eq(join(a + 1, NULL, 0, 1), BB_E_REJECT);
    ck_assert_int_eq(join(route_oldest("b"), &none, 1, 99), BB_OK); /* gone: passed over */
    ck_assert_uint_eq(rig_state(&R, a + 1).tail, 0);
    rig_again(&R);
    ck_assert_uint_eq(joined("b"), 99);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("join");
    TCase *t = tcase_create("join");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, what_joins_is_kept);
    tcase_add_test(t, who_may_join);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
