/*
 * test_hub_pace.c - deliveries that fail all the time do not have the store committed all the time
 *
 * A read of what is due makes the journal put what it has logged into LMDB. mdb_txn_commit() is this
 * program's own, and counts.
 */
#include <check.h>
#include <dlfcn.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tests/unit/hub_rig.h"

#define MESSAGES 20

static atomic_uint commits;
static struct rig rig;

int mdb_txn_commit(MDB_txn *txn)
{
    static int (*real)(MDB_txn *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "mdb_txn_commit");
    atomic_fetch_add(&commits, 1);
    return real(txn);
}

static void submit(struct rig_host *src, uint64_t n)
{
    char id[16];
    struct bb_buf b, m;

    snprintf(id, sizeof id, "%d", (int)n);
    m = rig_message(id, id, 100);
    bb_buf_init(&b, 4096);
    bb_put_submit(&b, src->session, n, NULL, 1);
    bb_put_bin(&b, m.ptr, m.len);
    rig_send(src, &b);
    bb_buf_free(&m);
}

/* Each delivery of the next frame is answered with "retry", an answer of its own. How many. */
static unsigned refuse(struct rig_host *dst)
{
    struct bb_w_deliver d;
    struct bb_frame f;
    zmq_msg_t in;
    unsigned n = 0;

    rig_receive(dst, BB_F_DELIVER, &in, &f);
    while (bb_frame_next_deliver(&f, &d) == 1) {
        struct bb_w_result r = {.token = d.token, .status = BB_E_RETRY};
        struct bb_list l;
        struct bb_buf b;

        bb_buf_init(&b, 4096);
        l = bb_list_begin(&b, BB_F_RESULT, dst->session);
        bb_list_result(&b, &l, &r);
        bb_list_end(&b, &l);
        rig_send(dst, &b);
        n++;
    }
    zmq_msg_close(&in);
    return n;
}

START_TEST(failures_are_looked_at_together)
{
    struct rig_host src, dst;
    unsigned n = 0, before, made;
    int64_t began, ms;

    rig_configure(&rig);
    rig.route.order_by = NULL;
    rig.route.retry.attempts = 1000000;
    rig.route.retry.initial_ms = rig.route.retry.max_ms = 20;
    rig.route.retry.full_jitter = true;
    rig_start(&rig);
    dst = rig_up(&rig, "dst");
    src = rig_up(&rig, "src");
    for (uint64_t i = 1; i <= MESSAGES; i++)
        submit(&src, i);
    before = atomic_load(&commits);
    began = bb_mono_ms();
    while (n < 20 * MESSAGES)
        n += refuse(&dst);
    ms = bb_mono_ms() - began;
    made = atomic_load(&commits) - before;
    /* 20 a second of its own, and 10 for what is due; some more at the beginning, for each message */
    ck_assert_uint_le(made, 3 * MESSAGES + (uint64_t)ms / 25);
    rig_close(&src);
    rig_close(&dst);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hub-pace");
    TCase *t = tcase_create("pace");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, failures_are_looked_at_together);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
