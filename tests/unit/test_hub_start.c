/*
 * test_hub_start.c - the hub's start: what it cannot read it does not guess
 *
 * mdb_txn_begin() and mdb_txn_renew() are this program's own: told so, they fail for the journal's
 * reader.
 */
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/hub_rig.h"

static _Atomic bool reads_fail;
static pthread_t main_thread;
static struct rig rig;

int mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn)
{
    static int (*real)(MDB_env *, MDB_txn *, unsigned, MDB_txn **);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "mdb_txn_begin");
    if (atomic_load(&reads_fail) && flags & MDB_RDONLY && !pthread_equal(pthread_self(), main_thread))
        return EIO;
    return real(env, parent, flags, txn);
}

int mdb_txn_renew(MDB_txn *txn)
{
    static int (*real)(MDB_txn *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "mdb_txn_renew");
    return atomic_load(&reads_fail) ? EIO : real(txn);
}

/* A hub that ends by itself leaves behind what the journal still has of it: the process ends too. */
BB_EXPORT const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:hub_thread";
}

static void setup(void)
{
    main_thread = pthread_self();
    rig_configure(&rig);
}

static void teardown(void)
{
    rig_stop(&rig);
}

START_TEST(a_failed_look_at_what_was_in_flight_ends_the_core)
{
    int64_t until = bb_mono_ms() + 10000;

    atomic_store(&reads_fail, true);
    rig_start(&rig);
    while (!bb_hub_failed(rig.hub)) {
        ck_assert_int_lt(bb_mono_ms(), until);
        usleep(1000);
    }
    ck_assert_ptr_nonnull(strstr(bb_hub_failed(rig.hub), "route \"to-dst\": its deliveries cannot be read"));
    ck_assert_ptr_nonnull(strstr(bb_hub_failed(rig.hub), strerror(EIO)));
    ck_assert_ptr_nonnull(strstr(bb_hub_failed(rig.hub), "busbar journal check"));
    ck_assert_ptr_null(bb_journal_failed(rig.journal));
}
END_TEST

/* Later, too: a route's next deliveries that cannot be read are not the end of its feed. */
START_TEST(a_failed_look_at_the_feed_ends_the_core)
{
    struct bb_buf m = rig_message("1", "i", 10), b;
    int64_t until = bb_mono_ms() + 10000;
    struct rig_host src;
    struct bb_frame f;
    zmq_msg_t ack;

    rig_start(&rig);
    src = rig_up(&rig, "src");
    bb_buf_init(&b, 65536);
    bb_put_submit(&b, src.session, 1, NULL, 1);
    bb_put_bin(&b, m.ptr, m.len);
    rig_send(&src, &b);
    bb_buf_free(&m);
    rig_receive(&src, BB_F_ACKED, &ack, &f);
    zmq_msg_close(&ack);
    rig_close(&src);
    bb_hub_stop(&rig.hub, 0);
    bb_journal_close(&rig.journal);
    zmq_ctx_term(rig.zmq);
    rig_start(&rig); /* again: now the message must be read back for the sink */
    rig_wait_status(&rig, "\"waiting\":1");
    struct rig_host dst = rig_connect(&rig, "dst");
    rig_hello(&dst, "dst", rig_secret("dst"));
    rig_receive(&dst, BB_F_WELCOME, &ack, &f);
    atomic_store(&reads_fail, true);
    bb_buf_init(&b, 1024);
    bb_put_ready(&b, f.session, BB_OK, "");
    zmq_msg_close(&ack);
    rig_send(&dst, &b);
    while (!bb_hub_failed(rig.hub)) {
        ck_assert_int_lt(bb_mono_ms(), until);
        usleep(1000);
    }
    ck_assert_ptr_nonnull(strstr(bb_hub_failed(rig.hub), "route \"to-dst\": its deliveries cannot be read"));
    rig_close(&dst);
}
END_TEST

/* Another's operation that ends first: its answer is not the route's registration. */
START_TEST(the_start_takes_its_own_answers_only)
{
    static struct bb_op note = {.kind = BB_OP_NOTE};
    static const uint8_t nothing = 0x80;
    struct bb_journal_stats before, now;
    int64_t until = bb_mono_ms() + 10000;
    struct bb_fault err = {0};

    rig_start(&rig);
    bb_hub_stop(&rig.hub, 0);
    bb_journal_stats(rig.journal, &before);
    note.note.event = (struct bb_bytes){&nothing, 1};
    bb_journal_post(rig.journal, &note);
    do /* alone, so that it is not taken together with another */
        bb_journal_stats(rig.journal, &now);
    while (now.commits == before.commits && bb_mono_ms() < until);
    ck_assert_msg(rig_hub(&rig, &err) == 0, "%s", err.text);
    rig_wait_status(&rig, "\"to\":\"dst\",\"id\":1,");
}
END_TEST

/* Under AddressSanitizer: nothing is left behind. */
START_TEST(a_start_that_fails_says_why_and_leaves_nothing)
{
    struct bb_fault err = {0};
    char *to = rig.route.to;

    rig_start(&rig);
    bb_hub_stop(&rig.hub, 0);
    memset(rig.run + strlen(rig.run), 'x', 120);
    ck_assert_int_eq(rig_hub(&rig, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "107 characters"));
    rig.route.to = rig.eps[0].connector; /* no endpoint's name */
    ck_assert_int_eq(rig_hub(&rig, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "an endpoint that is not there"));
    rig.route.to = to;
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hub-start");
    TCase *t = tcase_create("start");
    SRunner *run;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_failed_look_at_what_was_in_flight_ends_the_core);
    tcase_add_test(t, a_failed_look_at_the_feed_ends_the_core);
    tcase_add_test(t, the_start_takes_its_own_answers_only);
    tcase_add_test(t, a_start_that_fails_says_why_and_leaves_nothing);
    suite_add_tcase(s, t);
    run = srunner_create(s);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed ? 1 : 0;
}
