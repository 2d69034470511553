/*
 * test_hub_flow.c - a real hub on a real journal, killed again and again under a hostile plant
 *
 * The core runs in a child process; the plant (see hub_fake.h) outlives it in shared memory. Each
 * round ends with SIGKILL or a stop at a random moment. In the last round the plant is calm, what
 * is held is released or discarded, and everything must drain. Checked on the way: order within a
 * lane, one open delivery a lane, redeliveries marked, no doubled effect where it can be probed,
 * books that balance. Checked at the end: each acknowledged message took effect on each route, or is
 * quarantined or discarded there; nothing is pending; the store is sound.
 */
#include <check.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/hub_core.h"

#define ROUNDS 40 /* at most; BUSBAR_TEST_ROUNDS says fewer */
#define DRAIN_MS 40000

/* A round: until it is killed from outside, or stops by itself. */
static void live(struct core *c, bool stops)
{
    int64_t end = bb_mono_ms() + 30 + core_dice(c, 250);

    core_start(c);
    while (!stops || bb_mono_ms() < end) {
        const char *route = c->routes[core_dice(c, PLANT_ROUTES)].name;

        usleep(1000 + core_dice(c, 8000));
        switch (core_dice(c, 8)) {
        case 0:
            core_ask(c, BB_ASK_PAUSE, route, 0);
            usleep(core_dice(c, 5000));
            core_ask(c, BB_ASK_RESUME, route, 0);
            break;
        case 1:
            core_ask(c, BB_ASK_STATUS, NULL, 0);
            break;
        default:
            core_operate(c);
        }
    }
    bb_hub_stop(&c->hub, core_dice(c, 2) ? 0 : 500);
    bb_journal_close(&c->journal);
}

/* ---- the end ------------------------------------------------------------------------------------------ */
static bool drained(struct core *c)
{
    uint32_t all = atomic_load(&plant->stop_at);

    for (uint32_t id = 0; id < all; id++)
        if (!atomic_load(&plant->seq[id]))
            return false;
    for (unsigned r = 0; r < PLANT_ROUTES; r++) {
        struct bb_route_state s;
        if (bb_journal_route(c->journal, r + 1, &s) != 0 || s.tail != all || s.pending)
            return false;
    }
    return true;
}

static void pending_say(struct core *c)
{
    char text[300] = "";

    for (unsigned r = 0; r < PLANT_ROUTES; r++) {
        struct bb_route_state s = {0};
        size_t n = strlen(text);
        bb_journal_route(c->journal, r + 1, &s);
        snprintf(text + n, sizeof text - n, " %s: F%u D%u T%u s%u i%u r%u p%u h%u;", c->routes[r].name,
                 (unsigned)s.frontier, (unsigned)s.mark, (unsigned)s.tail, (unsigned)s.counts[1],
                 (unsigned)s.counts[2], (unsigned)s.counts[3], (unsigned)s.counts[4],
                 (unsigned)s.counts[5]);
    }
    plant_wrong("not drained:%s", text);
}

static void books(struct core *c)
{
    struct bb_view *v = bb_view_of(c->journal);
    uint32_t all = atomic_load(&plant->stop_at);

    for (unsigned r = 0; r < PLANT_ROUTES; r++) {
        struct bb_route_state s = {0};
        uint64_t without = 0, quarantined = 0;

        bb_journal_route(c->journal, r + 1, &s);
        for (uint32_t id = 0; id < all; id++) {
            struct bb_row row = {0};
            if (bb_view_delivery(v, r + 1, plant->seq[id], &row) != 1)
                plant_wrong("route %u: message %u is nowhere", r, id);
            if (row.state == BB_D_QUARANTINED)
                quarantined++;
            else if (!plant->cell[r][id].applied)
                without++;
        }
        if (without != s.counts[BB_D_DISCARDED] || quarantined != s.counts[BB_D_QUARANTINED])
            plant_wrong("route %u: %u without effect but %u discarded, %u quarantined but %u counted", r,
                        (unsigned)without, (unsigned)s.counts[BB_D_DISCARDED], (unsigned)quarantined,
                        (unsigned)s.counts[BB_D_QUARANTINED]);
    }
    bb_view_close(&v);
}

static void say_finding(void *arg, const char *text)
{
    (void)arg;
    if (getenv("BUSBAR_TEST_VERBOSE"))
        fprintf(stderr, "%s\n", text);
}

static void last_round(struct core *c)
{
    struct bb_check_report rep;
    struct bb_fault err = {0};
    int64_t until = bb_mono_ms() + DRAIN_MS;

    atomic_store(&plant->calm, 1);
    core_start(c);
    while (!drained(c) && bb_mono_ms() < until && !plant->wrong) {
        core_operate(c);
        core_ask(c, BB_ASK_STATUS, NULL, 0);
        usleep(2000);
    }
    if (!drained(c))
        pending_say(c);
    else
        books(c);
    bb_hub_stop(&c->hub, 2000);
    bb_journal_close(&c->journal);
    if (bb_journal_check(c->dir, &rep, say_finding, NULL, &err) != 0)
        plant_wrong("the journal's check has findings %s", err.text);
}

static int wipe(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(path);
}

static struct core *plant_new(unsigned seed)
{
    const char *tmp = getenv("TMPDIR");
    struct core *c = calloc(1, sizeof *c);

    plant_seed = seed;
    snprintf(core_top, sizeof core_top, "%s/flow-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert(mkdtemp(core_top) != NULL);
    plant = mmap(NULL, sizeof *plant, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(plant != MAP_FAILED);
    c->rng = seed;
    return c;
}

static void plant_end(struct core *c)
{
    ck_assert_msg(!plant->wrong, "seed %u: %s (state kept in %s)", plant_seed, plant->text, core_top);
    nftw(core_top, wipe, 16, FTW_DEPTH | FTW_PHYS);
    munmap(plant, sizeof *plant);
    free(c);
}

static void plant_run(unsigned seed, bool ordered)
{
    struct core *c = plant_new(seed);
    const char *fewer = getenv("BUSBAR_TEST_ROUNDS");
    int rounds = fewer && atoi(fewer) > 0 && atoi(fewer) < ROUNDS ? atoi(fewer) : ROUNDS;

    plant->ordered = ordered;
    for (int round = 0; round <= rounds && !plant->wrong; round++) {
        bool stops = round % 4 == 3, last = round == rounds;
        unsigned us = round % 2 ? core_dice(c, 40000) : core_dice(c, 280000);
        pid_t pid;
        int status;

        if (!last)
            atomic_fetch_add(&plant->stop_at, 50 + core_dice(c, PLANT_IDS / ROUNDS - 50));
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            c->rng += (unsigned)round * 7919u;
            if (last)
                last_round(c);
            else
                live(c, stops);
            _exit(0);
        }
        if (!last && !stops) {
            usleep(us);
            kill(pid, SIGKILL);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        if (last || stops)
            ck_assert_msg(WIFEXITED(status), "seed %u round %d: the core died of signal %d", seed,
                          round, WTERMSIG(status));
    }
    if (getenv("BUSBAR_TEST_VERBOSE"))
        fprintf(stderr, "seed %u: %u messages, %u deliveries, %u marked again, %u probes, %u hosts "
                "crashed, %u answers lost, %u duplicates, %u in batches, %u of them not tried\n", seed, plant->stop_at, plant->deliveries,
                plant->redeliveries, plant->probes, plant->crashes, plant->lost_answers,
                plant->duplicates, plant->behind, plant->cancelled);
    if (!plant->wrong) { /* a test that throws nothing proves nothing */
        unsigned some = 10u * (unsigned)rounds / ROUNDS;

        ck_assert_uint_gt(plant->redeliveries, some);
        ck_assert_uint_gt(plant->probes, some);
        ck_assert_uint_gt(plant->lost_answers, some);
        if (ordered)
            ck_assert_uint_gt(plant->cancelled, some);
    }
    plant_end(c);
}

/* One delivery without an answer at the frontier, thousands settled behind it, a kill: settling the
 * one drops the feed that the scan has not looked at yet. */
START_TEST(the_scan_follows_a_frontier_that_jumps)
{
    struct core *c = plant_new(1);
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        atomic_store(&plant->calm, 1);
        atomic_store(&plant->stuck, 1);
        atomic_store(&plant->stop_at, 3000);
        core_start(c);
        for (;;) {
            struct bb_route_state s;
            if (bb_journal_route(c->journal, PLAIN + 1, &s) == 0 && s.counts[BB_D_DELIVERED] == 2999)
                _exit(0); /* the host, too, ends without a word */
            usleep(1000);
        }
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    atomic_store(&plant->stuck, 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        atomic_store(&plant->stop_at, 4000);
        last_round(c);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    if (!plant->wrong)
        ck_assert_uint_ge(plant->probes, 1);
    plant_end(c);
}
END_TEST

/* Deliveries without an answer, a kill, and a sink that does not come up: the mark says "maybe sent"
 * until each of them has its row, for the next kill may come at any moment. */
START_TEST(the_mark_stays_above_what_was_maybe_sent)
{
    enum { N = 30 };
    struct core *c = plant_new(1);
    struct bb_route_state s;
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        atomic_store(&plant->calm, 1);
        atomic_store(&plant->stuck, N);
        atomic_store(&plant->stop_at, N);
        core_start(c);
        while (plant->deliveries < N * PLANT_ROUTES)
            usleep(1000);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int64_t until = bb_mono_ms() + 10000;

        atomic_store(&plant->silent, 1);
        core_start(c);
        for (;;) {
            if (bb_journal_route(c->journal, PLAIN + 1, &s) != 0 || bb_mono_ms() > until)
                plant_wrong("no row for what was maybe sent");
            if (s.counts[BB_D_PROBING] == N || plant->wrong)
                _exit(0);
            if (s.mark < N)
                plant_wrong("mark %u, but only %u of %u have a row", (unsigned)s.mark,
                            (unsigned)s.counts[BB_D_PROBING], N);
        }
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    atomic_store(&plant->silent, 0);
    atomic_store(&plant->stuck, 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        last_round(c);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    plant_end(c);
}
END_TEST

START_TEST(nothing_is_lost_doubled_or_passed_under_kills)
{
    plant_run(1u + (unsigned)_i, false);
}
END_TEST

START_TEST(nor_where_a_lane_goes_out_in_batches)
{
    plant_run(1001u + (unsigned)_i, true);
}
END_TEST

int main(void)
{
    const char *seeds = getenv("BUSBAR_TEST_SEEDS");
    Suite *s = suite_create("hub-flow");
    TCase *t = tcase_create("kills");
    SRunner *run;
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, nothing_is_lost_doubled_or_passed_under_kills, 0, seeds ? atoi(seeds) : 1);
    tcase_add_loop_test(t, nor_where_a_lane_goes_out_in_batches, 0, seeds ? atoi(seeds) : 1);
    tcase_add_test(t, the_scan_follows_a_frontier_that_jumps);
    tcase_add_test(t, the_mark_stays_above_what_was_maybe_sent);
    suite_add_tcase(s, t);
    run = srunner_create(s);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed ? 1 : 0;
}
