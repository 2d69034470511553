/*
 * test_hub_books.c - what the hub counts: messages of an endpoint, and the figures of its plugin
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/hub_rig.h"

static struct rig rig;

static void setup(void)
{
    rig_configure(&rig);
    rig_start(&rig);
}

static void teardown(void)
{
    rig_stop(&rig);
}

/* Submits one message and waits for its receipt: how many duplicates it names. */
static uint32_t submit(struct rig_host *h, const char *id, size_t size)
{
    struct bb_buf b, m = rig_message(id, "i", size);
    struct bb_w_acked a = {0};
    struct bb_frame f;
    zmq_msg_t ack;

    bb_buf_init(&b, 1u << 20);
    bb_put_submit(&b, h->session, 1, NULL, 1);
    bb_put_bin(&b, m.ptr, m.len);
    rig_send(h, &b);
    bb_buf_free(&m);
    rig_receive(h, BB_F_ACKED, &ack, &f);
    ck_assert_int_eq(bb_frame_next_acked(&f, &a), 1);
    ck_assert_int_eq(a.status, BB_OK);
    zmq_msg_close(&ack);
    return a.duplicates;
}

/* Each message counts once: as new, as held already, or as another one under a known id. */
START_TEST(accepted_duplicates_and_conflicts_are_three_figures)
{
    struct rig_host h = rig_up(&rig, "src");
    struct bb_buf m = rig_message("2", "i", 5);
    struct bb_ask a = {.kind = BB_ASK_SUBMIT, .endpoint = "src", .who = "test",
                       .body = {m.ptr, m.len}};

    ck_assert_uint_eq(submit(&h, "1", 10), 0);
    ck_assert_uint_eq(submit(&h, "2", 10), 0);
    ck_assert_uint_eq(submit(&h, "2", 10), 1);
    ck_assert_uint_eq(submit(&h, "1", 10), 1);
    ck_assert_uint_eq(submit(&h, "1", 10), 1);
    ck_assert_uint_eq(submit(&h, "1", 20), 0); /* another content: kept for a person */
    ck_assert_uint_eq(submit(&h, "3", 20), 0);
    rig_wait_status(&rig, "\"accepted\":3,\"duplicates\":3,\"conflicts\":1,");
    rig_wait_status(&rig, "\"accepted\":3,\"pending\":3,"); /* the route's */
    rig_wait_status(&rig, "\"unmatched\":{\"accepted\":1,\"pending\":0,");
    bb_buf_init(&a.out, 4096);
    ck_assert_int_eq(bb_hub_ask(rig.hub, &a, 10000), 0);
    bb_buf_put(&a.out, "", 1);
    ck_assert_ptr_nonnull(strstr((char *)a.out.ptr, "{\"accepted\":0,\"duplicates\":0,\"conflicts\":1,"));
    bb_buf_free(&a.out);
    bb_buf_free(&m);
    rig_wait_status(&rig, "\"accepted\":3,\"duplicates\":3,\"conflicts\":2,");
    rig_close(&h);
}
END_TEST

static void metric(struct rig_host *h, const char *const *names, uint32_t kind, double v)
{
    struct bb_list l;
    struct bb_buf b;

    bb_buf_init(&b, 65536);
    l = bb_list_begin(&b, BB_F_METRIC, h->session);
    for (; *names; names++)
        bb_list_metric(&b, &l, *names, kind, v);
    bb_list_end(&b, &l);
    rig_send(h, &b);
}

START_TEST(a_plugins_figures_are_kept_by_name)
{
    static const char *const pages[] = {"pages_read", NULL}, *const depth[] = {"depth", NULL};
    struct rig_host h = rig_up(&rig, "dst");

    metric(&h, pages, BB_METRIC_COUNTER, 3);
    metric(&h, pages, BB_METRIC_COUNTER, 4.5);
    metric(&h, depth, BB_METRIC_GAUGE, 9);
    metric(&h, depth, BB_METRIC_GAUGE, -2);
    rig_wait_status(&rig, "\"counters\":{\"pages_read\":7.5},\"gauges\":{\"depth\":-2}");
    metric(&h, pages, BB_METRIC_COUNTER, -1); /* a counter never falls */
    metric(&h, depth, BB_METRIC_COUNTER, 1);  /* nor does a gauge become one */
    rig_wait_status(&rig, "\"metrics_refused\":2,\"counters\":{\"pages_read\":7.5},\"gauges\":{\"depth\":-2}");
    rig_close(&h);
}
END_TEST

START_TEST(figures_are_few_and_their_names_plain)
{
    static const char *const bad[] = {"", "Upper", "9th", "a\"b", "a-b", "a\nb",
        "a123456789012345678901234567890123456789012345678901234567890123456789", NULL};
    struct rig_host h = rig_up(&rig, "dst");
    char *status;
    unsigned n = 0;

    metric(&h, bad, BB_METRIC_GAUGE, 1);
    rig_wait_status(&rig, "\"metrics_refused\":7,\"counters\":{},\"gauges\":{}");
    for (unsigned k = 0; k < 5; k++) {
        char text[20][16];
        const char *names[21] = {NULL};

        for (unsigned i = 0; i < 20; i++) {
            snprintf(text[i], sizeof text[i], "m_%u", k * 20 + i);
            names[i] = text[i];
        }
        metric(&h, names, BB_METRIC_GAUGE, 1);
    }
    rig_wait_status(&rig, "\"metrics_refused\":43,"); /* 7, and 100 less 64 */
    status = rig_status(&rig);
    for (const char *at = status; (at = strstr(at, "\"m_")); at++)
        n++;
    ck_assert_uint_eq(n, 64);
    free(status);
    rig_close(&h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hub-books");
    TCase *t = tcase_create("books");
    SRunner *run;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, accepted_duplicates_and_conflicts_are_three_figures);
    tcase_add_test(t, a_plugins_figures_are_kept_by_name);
    tcase_add_test(t, figures_are_few_and_their_names_plain);
    suite_add_tcase(s, t);
    run = srunner_create(s);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed ? 1 : 0;
}
