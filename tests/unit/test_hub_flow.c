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

#include "core/base/base.h"
#include "core/hub/hub.h"
#include "tests/unit/hub_fake.h"

#define ROUNDS 40 /* at most; BUSBAR_TEST_ROUNDS says fewer */
#define DRAIN_MS 40000

struct core {
    struct bb_config config;
    struct bb_endpoint_config eps[3];
    struct bb_route_config routes[PLANT_ROUTES];
    struct bb_gen_endpoint gen_eps[3];
    struct bb_generation gen;
    struct bb_journal *journal;
    struct bb_hub *hub;
    unsigned rng;
    char dir[256], run[300];
};
static char top[128];

static unsigned dice(struct core *c, unsigned n)
{
    c->rng = c->rng * 1103515245u + 12345u;
    return (c->rng >> 8) % n;
}

static char *word(const char *s)
{
    return s ? strdup(s) : NULL;
}

static void configure(struct core *c)
{
    static const char *const names[] = {"src", "mes", "erp"};
    static const struct {
        const char *name, *to;
        enum bb_on_unknown unknown;
        enum bb_on_failure failure;
    } r[PLANT_ROUTES] = {
        [PLAIN] = {"plain", "mes", BB_UNKNOWN_PROBE, BB_FAIL_QUARANTINE},
        [LANED] = {"laned", "mes", BB_UNKNOWN_PROBE, BB_FAIL_QUARANTINE},
        [HELD_LANES] = {"held-lanes", "erp", BB_UNKNOWN_PROBE, BB_FAIL_HOLD_LANE},
        [SHARED] = {"shared", "erp", BB_UNKNOWN_RETRY, BB_FAIL_QUARANTINE},
    };

    for (size_t i = 0; i < 3; i++) {
        struct bb_endpoint_config *e = &c->eps[i];
        e->name = word(names[i]);
        e->connector = word("fake");
        e->isolation = BB_ISO_THREAD;
        e->workers = i == 1 ? 2 : 1;
        e->limit.in_flight = i == 1 ? 40 : 6;
        e->breaker = (struct bb_breaker){4, 5, 40};
        e->probe_after_ms = 8;
        e->timeout_ms = 3000;
        e->claims = true;
        e->batch_max = 64;
        e->is_source = i == 0;
        e->is_sink = i != 0;
        c->gen_eps[i].config = e;
        bb_buf_init(&c->gen_eps[i].plugin_config, 64);
        bb_put_map(&c->gen_eps[i].plugin_config, 0);
        snprintf(c->gen_eps[i].manifest.id, sizeof c->gen_eps[i].manifest.id, "fake");
    }
    for (size_t i = 0; i < PLANT_ROUTES; i++)
        c->routes[i] = (struct bb_route_config){
            .name = word(r[i].name), .from = word("src"), .to = word(r[i].to),
            .order_by = word(plant_lane_key[i]),
            .retry = {.attempts = 4, .exponential = true, .initial_ms = 2, .max_ms = 15,
                      .full_jitter = true, .retry_after_max_ms = 20},
            .on_unknown = r[i].unknown, .on_failure = r[i].failure};
    c->config = (struct bb_config){.endpoints = c->eps, .n_endpoints = 3, .routes = c->routes,
                                   .n_routes = PLANT_ROUTES,
                                   .journal = {.max_message = 1 << 20}};
    c->gen = (struct bb_generation){&c->config, c->gen_eps};
}

static void core_start(struct core *c)
{
    struct bb_fault err = {0};

    configure(c);
    snprintf(c->dir, sizeof c->dir, "%s/state", top);
    snprintf(c->run, sizeof c->run, "%s/run", top);
    for (int r = 0; r < (int)PLANT_ROUTES; r++)
        for (unsigned l = 0; l < PLANT_LANES; l++)
            atomic_store(&plant->open[r][l], 0);
    c->journal = bb_journal_open(&(struct bb_journal_options){
        .dir = c->dir, .map_size = 1u << 30, .reserve = 1 << 20, .retention_ms = 86400000,
        .claims_window_ms = 86400000, .claims_max = 1000000}, &err);
    if (!c->journal)
        plant_wrong("open: %s", err.text);
    /* routes get their numbers in the order of the first start, and keep them */
    for (unsigned i = 0; i < PLANT_ROUTES; i++)
        atomic_store(&plant_route_id[i], i + 1);
    c->hub = c->journal ? bb_hub_start(&(struct bb_hub_options){.generation = &c->gen,
                                                                .journal = c->journal,
                                                                .program = "/nowhere",
                                                                .run_dir = c->run}, &err)
                        : NULL;
    if (!c->hub) {
        plant_wrong("start: %s", err.text);
        _exit(1);
    }
}

static bb_status ask(struct core *c, enum bb_ask_kind kind, const char *route, uint64_t seq)
{
    struct bb_ask a = {.kind = kind, .route = route, .seq = seq, .who = "test"};

    bb_buf_init(&a.out, 1 << 20);
    if (bb_hub_ask(c->hub, &a, 20000) != 0) {
        plant_wrong("the hub does not answer: %s", a.text);
        a.status = BB_E_DOWN;
    } else if (kind == BB_ASK_STATUS) {
        bb_put_raw(&a.out, (struct bb_bytes){"", 1});
        if (strstr((char *)a.out.ptr, "\"balanced\":false"))
            plant_wrong("the books do not balance: %.300s", strstr((char *)a.out.ptr, "\"routes\""));
    }
    bb_buf_free(&a.out);
    return a.status;
}

/* ---- an operator ------------------------------------------------------------------------------------ */
struct pick {
    uint32_t route;
    uint64_t seq;
    struct bb_row row;
    unsigned n, at;
};

static int pick_row(void *arg, uint32_t route, uint64_t seq, uint64_t lane, const struct bb_row *row)
{
    struct pick *p = arg;

    (void)lane;
    *p = (struct pick){route, seq, *row, p->n + 1, p->at};
    return p->n > p->at;
}

/* Deals with one held or quarantined delivery; false when there is none. */
static bool operate(struct core *c)
{
    struct bb_view *v = bb_view_of(c->journal);
    struct pick p = {.at = dice(c, 20)};
    uint32_t which = dice(c, 2) ? HELD_LANES + 1 : PLAIN + 1;

    bb_view_open_rows(v, which, 0, 64, pick_row, &p);
    bb_view_close(&v);
    if (!p.n)
        return false;
    if (p.row.state == BB_D_HELD)
        ask(c, dice(c, 5) ? BB_ASK_RELEASE : BB_ASK_DISCARD, c->routes[p.route - 1].name, p.seq);
    else if (dice(c, 3) == 0)
        ask(c, BB_ASK_REPLAY, c->routes[p.route - 1].name, p.seq);
    return true;
}

/* A round: until it is killed from outside, or stops by itself. */
static void live(struct core *c, bool stops)
{
    int64_t end = bb_mono_ms() + 30 + dice(c, 250);

    core_start(c);
    while (!stops || bb_mono_ms() < end) {
        const char *route = c->routes[dice(c, PLANT_ROUTES)].name;

        usleep(1000 + dice(c, 8000));
        switch (dice(c, 8)) {
        case 0:
            ask(c, BB_ASK_PAUSE, route, 0);
            usleep(dice(c, 5000));
            ask(c, BB_ASK_RESUME, route, 0);
            break;
        case 1:
            ask(c, BB_ASK_STATUS, NULL, 0);
            break;
        default:
            operate(c);
        }
    }
    bb_hub_stop(&c->hub, dice(c, 2) ? 0 : 500);
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
        operate(c);
        ask(c, BB_ASK_STATUS, NULL, 0);
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
    snprintf(top, sizeof top, "%s/flow-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert(mkdtemp(top) != NULL);
    plant = mmap(NULL, sizeof *plant, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(plant != MAP_FAILED);
    c->rng = seed;
    return c;
}

static void plant_end(struct core *c)
{
    ck_assert_msg(!plant->wrong, "seed %u: %s (state kept in %s)", plant_seed, plant->text, top);
    nftw(top, wipe, 16, FTW_DEPTH | FTW_PHYS);
    munmap(plant, sizeof *plant);
    free(c);
}

static void plant_run(unsigned seed)
{
    struct core *c = plant_new(seed);
    const char *fewer = getenv("BUSBAR_TEST_ROUNDS");
    int rounds = fewer && atoi(fewer) > 0 && atoi(fewer) < ROUNDS ? atoi(fewer) : ROUNDS;

    for (int round = 0; round <= rounds && !plant->wrong; round++) {
        bool stops = round % 4 == 3, last = round == rounds;
        unsigned us = round % 2 ? dice(c, 40000) : dice(c, 280000);
        pid_t pid;
        int status;

        if (!last)
            atomic_fetch_add(&plant->stop_at, 50 + dice(c, PLANT_IDS / ROUNDS - 50));
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
                "crashed, %u answers lost, %u duplicates\n", seed, plant->stop_at, plant->deliveries,
                plant->redeliveries, plant->probes, plant->crashes, plant->lost_answers,
                plant->duplicates);
    if (!plant->wrong) { /* a test that throws nothing proves nothing */
        ck_assert_uint_gt(plant->redeliveries, 10);
        ck_assert_uint_gt(plant->probes, 10);
        ck_assert_uint_gt(plant->lost_answers, 10);
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
    plant_run(1u + (unsigned)_i);
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
    tcase_add_test(t, the_scan_follows_a_frontier_that_jumps);
    tcase_add_test(t, the_mark_stays_above_what_was_maybe_sent);
    suite_add_tcase(s, t);
    run = srunner_create(s);
    srunner_run_all(run, CK_NORMAL);
    failed = srunner_ntests_failed(run);
    srunner_free(run);
    return failed ? 1 : 0;
}
