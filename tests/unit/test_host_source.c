/* test_host_source.c - a host and its source: credit, BUSY and resume, a closed intake, a flood, a
 * pace */
#include "tests/unit/host_rig.h"

#include <string.h>
#include <time.h>

START_TEST(credit_busy_and_resume)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "gen",
                            .roles = BB_ROLE_SOURCE,
                            .messages = 12,
                            .bytes = 1 << 20,
                            .config = "{\"count\": 100, \"batch\": 5, \"size\": 400}"};
    uint64_t cookies[64], got = 0, open = 0, acked = 0;

    rig_up(&h, false, &w);
    while (got < 100) {
        struct bb_bytes m;

        if (!rig_next(&h, BB_F_SUBMIT, open == acked ? WAIT_MS : 20)) {
            ck_assert_msg(open > acked, "it submits no more after %llu", (unsigned long long)got);
            rig_acked(&h, cookies[acked++ % 64], BB_OK);
            continue;
        }
        cookies[open++ % 64] = h.f.submit.cookie;
        while (bb_frame_next_message(&h.f, &m) == 1) {
            char id[32];

            snprintf(id, sizeof(id), "gen-%012llu", (unsigned long long)got++);
            ck_assert_int_eq(bb_message_check(m, NULL), 0);
            ck_assert_msg(rig_says(m, id), "message %s out of order", id);
        }
        /* 12 messages of credit: at most two submits of 5 may be out */
        ck_assert_uint_le(open - acked, 2);
    }
    ck_assert_uint_eq(got, 100);
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

START_TEST(closed_intake_is_busy)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "gen",
                            .roles = BB_ROLE_SOURCE,
                            .messages = 0,
                            .bytes = 0,
                            .config = "{\"count\": 10, \"batch\": 5}"};

    rig_open(&h, false);
    rig_start(&h, 0);
    rig_welcome(&h, &w);
    rig_want(&h, BB_F_READY);
    bb_put_intake(&h.out, h.session, false, 30, "disk full");
    rig_send(&h);
    bb_put_credit(&h.out, h.session, 100, 1 << 20);
    rig_send(&h);
    ck_assert(!rig_next(&h, BB_F_SUBMIT, 100));
    bb_put_intake(&h.out, h.session, true, 0, "");
    rig_send(&h);
    /* nothing was refused for lack of room but for the grant of 0, which is no room either */
    if (!rig_next(&h, BB_F_SUBMIT, 1000))
        ck_abort_msg("no submit after the intake opened");
    rig_stop(&h);
    rig_close(&h);
}
END_TEST

START_TEST(flood_stays_within_credit)
{
    struct rig h;
    struct rig_welcome w = {
        .plugin = "flood", .roles = BB_ROLE_SOURCE, .messages = 50, .bytes = 1 << 20};
    struct timespec a, b;
    unsigned n = 0;

    rig_up(&h, false, &w);
    while (rig_next(&h, BB_F_SUBMIT, n < 50 ? WAIT_MS : 200))
        n++;
    ck_assert_uint_eq(n, 50);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a); /* two threads that take no BUSY for an answer */
    ck_assert(!rig_next(&h, BB_F_SUBMIT, 500));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    ck_assert_int_lt((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000, 250);
    rig_stop(&h);
    rig_want(&h, BB_F_STOPPED);
    rig_close(&h);
}
END_TEST

START_TEST(a_paced_source)
{
    struct rig h;
    struct rig_welcome w = {.plugin = "gen",
                            .roles = BB_ROLE_SOURCE,
                            .messages = 1000,
                            .bytes = 1 << 20,
                            .config = "{\"count\": 20, \"rate\": 1000, \"size\": 400}"};
    unsigned n = 0;

    rig_up(&h, false, &w);
    while (n < 20) {
        rig_want(&h, BB_F_SUBMIT);
        n += h.f.n;
        rig_acked(&h, h.f.submit.cookie, BB_OK);
    }
    ck_assert_uint_eq(n, 20);
    rig_stop(&h);
    rig_want(&h, BB_F_STOPPED);
    rig_close(&h);
}
END_TEST

static void fill(TCase *t)
{
    tcase_add_test(t, credit_busy_and_resume);
    tcase_add_test(t, closed_intake_is_busy);
    tcase_add_test(t, flood_stays_within_credit);
    tcase_add_test(t, a_paced_source);
}

int main(int argc, char **argv)
{
    return rig_main(argc, argv, fill);
}
