/*
 * test_journal_claims.c - claims: what is a duplicate, what a conflict, their bounds, their table
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

int main(void)
{
    Suite *s = suite_create("journal claims");
    TCase *t = tcase_create("journal claims");
    SRunner *r;
    int failed;
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, claims_hold);
    tcase_add_test(t, claims_within_one_operation);
    tcase_add_test(t, claims_bounded);
    tcase_add_test(t, claim_table);
    tcase_add_loop_test(t, claim_table_model, 0, 3);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
