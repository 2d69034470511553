/*
 * test_journal.c - the journal's store: what is appended is read again, by one core and in one format;
 * source states, damaged records, one commit for many
 */
#include <sys/stat.h>
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
    tcase_add_test(t, state_compare_and_set);
    tcase_add_test(t, damaged_record_is_told);
    tcase_add_test(t, many_share_a_commit);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
