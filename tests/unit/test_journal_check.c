/*
 * test_journal_check.c - check, on sound journals and on such that were damaged on purpose: through LMDB
 * itself, or in the file
 */
#include "tests/unit/journal_filled.h"

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

int main(void)
{
    Suite *s = suite_create("journal check");
    TCase *t = tcase_create("journal check");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, check_sound);
    tcase_add_loop_test(t, check_damage, 0, sizeof damages / sizeof *damages);
    tcase_add_test(t, check_due);
    tcase_add_test(t, damaged_record_alone);
    tcase_add_test(t, check_any_page);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
