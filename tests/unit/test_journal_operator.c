/*
 * test_journal_operator.c - what a replay and a release do to the key and the kept body
 *
 * The key changes only for what was surely not sent; a body that was refused for good, or that a
 * transform left half made, is not sent again.
 */
#include "core/journal/internal.h"
#include "tests/unit/journal_rig.h"

static const struct {
    enum bb_settle_to to;
    enum bb_operator what;
    uint8_t flags;
    int32_t status;
    uint32_t epoch; /* and the body, after it */
    bool body;
} cases[] = {
    /* the answer was lost, and then the target was down, could not be asked, or did not answer */
    {BB_TO_QUARANTINED, BB_OPER_REPLAY, BB_ROW_MAYBE_SENT | BB_ROW_BODY, BB_E_DOWN, 0, true},
    {BB_TO_QUARANTINED, BB_OPER_REPLAY, BB_ROW_MAYBE_SENT | BB_ROW_BODY, BB_E_UNSUP, 0, true},
    {BB_TO_QUARANTINED, BB_OPER_REPLAY, BB_ROW_MAYBE_SENT | BB_ROW_BODY, BB_E_UNKNOWN, 0, true},
    {BB_TO_QUARANTINED, BB_OPER_REPLAY, BB_ROW_BODY, BB_E_DOWN, 1, false},
    {BB_TO_HELD, BB_OPER_RELEASE, BB_ROW_BODY, BB_E_REJECT, 0, false},
    {BB_TO_HELD, BB_OPER_RELEASE, BB_ROW_BODY | BB_ROW_PARTIAL, BB_E_REJECT, 0, false},
    {BB_TO_HELD, BB_OPER_RELEASE, BB_ROW_BODY, BB_E_RETRY, 0, true},
};

START_TEST(key_and_body)
{
    struct rig r;
    struct bb_append_msg m;
    struct bb_settle s = {.to = (uint8_t)cases[_i].to,
                          .lane = 5,
                          .row = {.flags = cases[_i].flags, .sends = 1, .attempts = 1, .last_status = cases[_i].status},
                          .body = {"body", 4}};
    struct bb_op op;

    rig_init(&r);
    s.route = rig_route(&r, "a");
    rig_append_to(&r, s.route, 5, "1", NULL, "data", false, &m);
    s.seq = m.seq;
    rig_settle(&r, s);
    rig_oper(&r, cases[_i].what, s.route, m.seq, true, &op);
    ck_assert_msg(op.status == BB_OK, "%s", op.text);
    ck_assert_uint_eq(op.oper.row.epoch, cases[_i].epoch);
    ck_assert_int_eq(!!(op.oper.row.flags & BB_ROW_BODY), cases[_i].body);
    ck_assert_uint_eq(op.oper.row.flags & BB_ROW_PARTIAL, 0);
    ck_assert_uint_eq(op.oper.row.flags & BB_ROW_MAYBE_SENT, cases[_i].flags & BB_ROW_MAYBE_SENT);
    rig_end(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal_operator");
    TCase *t = tcase_create("operator");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, key_and_body, 0, sizeof cases / sizeof *cases);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
