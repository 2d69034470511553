/*
 * test_index.c - the index follows a real journal, survives deletion and damage
 *
 * Each test has a folder, a journal and an index of its own; waiting is polling with a deadline.
 */
#define _GNU_SOURCE 1
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/base/base.h"
#include "core/index/index.h"

#define DEADLINE_MS 20000

static char dir[64];
static struct bb_journal *journal;
static struct bb_index *idx;
static struct bb_fault err;
static uint32_t endpoint, route;

static void open_journal(void)
{
    journal = bb_journal_open(&(struct bb_journal_options){
        .dir = dir, .map_size = 1u << 30, .reserve = 1 << 20, .retention_ms = 86400000,
        .claims_window_ms = 86400000, .claims_max = 100000, .log = bb_log_sink}, &err);
    ck_assert_msg(journal != NULL, "%s", err.text);
}

static void start_index(void)
{
    idx = bb_index_start(journal, dir, &err);
    ck_assert_msg(idx != NULL, "%s", err.text);
}

/* Posts one operation and waits until it is committed. */
static void operation(struct bb_op *op)
{
    struct pollfd p = {.fd = bb_journal_fd(journal), .events = POLLIN};

    bb_journal_post(journal, op);
    for (struct bb_op *done = NULL; !done; done = bb_journal_take(journal))
        ck_assert_int_ge(poll(&p, 1, DEADLINE_MS), 1);
    ck_assert_msg(op->status == BB_OK, "%s", op->text);
}

static void setup(void)
{
    struct bb_op op = {.kind = BB_OP_ROUTE, .route = {.name = "to-erp"}};

    strcpy(dir, "/tmp/bb-index-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    open_journal();
    ck_assert_int_eq(bb_journal_name_id(journal, "plm", &endpoint, &err), 0);
    operation(&op);
    route = op.route.id;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)st;
    (void)flag;
    (void)f;
    return remove(path);
}

static void teardown(void)
{
    bb_index_stop(&idx);
    if (journal)
        bb_journal_close(&journal);
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Appends messages "m<first>" on; item "I<n % 10>", correlation "ECO-<n / 10>"; n_match 0 or 1. */
static uint64_t append(unsigned first, unsigned n, unsigned n_match)
{
    struct bb_append_msg *v = calloc(n, sizeof(*v));
    struct bb_match m = {.route = route};
    struct bb_buf *b = calloc(n, sizeof(*b));
    struct bb_op op = {.kind = BB_OP_APPEND};
    char id[32], item[32], correlation[32];
    uint64_t last;

    for (unsigned i = 0; i < n; i++) {
        struct bb_envelope e = {.specversion = {"1.0", 3}, .source = {"test", 4},
                                .type = {"mfg.item.changed", 16}, .plant = {"1000", 4},
                                .data = {"\xc0", 1}};

        e.id = (struct bb_bytes){id, (size_t)sprintf(id, "m%u", first + i)};
        e.item = (struct bb_bytes){item, (size_t)sprintf(item, "I%u", (first + i) % 10)};
        e.correlationid = (struct bb_bytes){correlation,
            (size_t)sprintf(correlation, "ECO-%u", (first + i) / 10)};
        bb_buf_init(&b[i], 4096);
        bb_envelope_put(&b[i], &e);
        v[i].whole = (struct bb_bytes){b[i].ptr, b[i].len};
        v[i].n_match = n_match;
    }
    op.append.endpoint = endpoint;
    op.append.msgs = v;
    op.append.n = n;
    op.append.matches = &m;
    op.append.n_matches = 1;
    operation(&op);
    last = v[n - 1].seq;
    for (unsigned i = 0; i < n; i++)
        bb_buf_free(&b[i]);
    free(b);
    free(v);
    return last;
}

static void settle(uint64_t ord, uint64_t seq, enum bb_settle_to to, bool detail)
{
    struct bb_settle s = {.route = route, .to = (uint8_t)to, .ord = ord, .seq = seq};
    struct bb_op op = {.kind = BB_OP_SETTLE};

    if (detail)
        s.event = (struct bb_bytes){"\x81\xa4text\xa3why", 10};
    op.settle.v = &s;
    op.settle.n = 1;
    operation(&op);
}

/* ---- looking ---------------------------------------------------------------------------------- */
struct seen {
    unsigned n;
    uint64_t seqs[64];
    char states[64][16], routes[64][32], endpoint[64];
};

static int on_hit(void *arg, const struct bb_hit *h)
{
    struct seen *s = arg;

    if (s->n < 64) {
        s->seqs[s->n] = h->seq;
        snprintf(s->states[s->n], 16, "%s", h->state);
        snprintf(s->routes[s->n], 32, "%s", h->route);
    }
    snprintf(s->endpoint, sizeof(s->endpoint), "%s", h->endpoint);
    s->n++;
    return 0;
}

static int search(const struct bb_search *q, struct seen *s)
{
    memset(s, 0, sizeof(*s));
    return bb_index_search(dir, q, on_hit, s, &err);
}

static void caught_up(void)
{
    int64_t end = bb_mono_ms() + DEADLINE_MS;
    uint64_t next = 0;
    struct bb_journal_stats st;
    struct timespec t = {0, 5000000};

    bb_journal_stats(journal, &st);
    while (bb_index_position(dir, &next) < 0 || next < st.next_seq) {
        ck_assert_msg(bb_mono_ms() < end, "the index stands at %llu", (unsigned long long)next);
        nanosleep(&t, NULL);
    }
}

static void state_is(uint64_t seq, const char *id, const char *state)
{
    int64_t end = bb_mono_ms() + DEADLINE_MS;
    struct timespec t = {0, 5000000};
    struct seen s;

    do {
        ck_assert_msg(bb_mono_ms() < end, "%s is %s, not %s", id, s.states[0], state);
        nanosleep(&t, NULL);
        search(&(struct bb_search){.id = id}, &s);
    } while (s.n != 1 || strcmp(s.states[0], state) != 0);
    ck_assert_uint_eq(s.seqs[0], seq);
}

static unsigned files(const char *with)
{
    char path[128];
    struct dirent *e;
    unsigned n = 0;
    DIR *d;

    snprintf(path, sizeof(path), "%s/index", dir);
    d = opendir(path);
    while (d && (e = readdir(d)))
        n += strstr(e->d_name, with) != NULL;
    if (d)
        closedir(d);
    return n;
}

static void each_file(const char *tail, void (*fn)(const char *))
{
    char path[512];
    struct dirent *e;
    DIR *d;

    snprintf(path, sizeof(path), "%s/index", dir);
    d = opendir(path);
    ck_assert_ptr_nonnull(d);
    while ((e = readdir(d)))
        if (strlen(e->d_name) > strlen(tail) &&
            strcmp(e->d_name + strlen(e->d_name) - strlen(tail), tail) == 0) {
            snprintf(path, sizeof(path), "%s/index/%s", dir, e->d_name);
            fn(path);
        }
    closedir(d);
}

/* ---- tests ------------------------------------------------------------------------------------- */
START_TEST(messages_are_found_by_their_keys)
{
    struct seen s;

    append(0, 100, 1);
    start_index();
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.correlation = "ECO-4"}, &s), 10);
    ck_assert_uint_gt(s.seqs[0], s.seqs[9]); /* newest first */
    ck_assert_str_eq(s.routes[0], "to-erp");
    ck_assert_str_eq(s.endpoint, "plm");
    ck_assert_int_eq(search(&(struct bb_search){.correlation = "ECO-4", .item = "I3"}, &s), 1);
    ck_assert_int_eq(search(&(struct bb_search){.item = "I3"}, &s), 10);
    ck_assert_int_eq(search(&(struct bb_search){.item = "I3", .max = 4}, &s), 4);
    ck_assert_int_eq(search(&(struct bb_search){.id = "m77"}, &s), 1);
    ck_assert_int_eq(search(&(struct bb_search){.state = "waiting", .max = 1000}, &s), 100);
    ck_assert_int_eq(search(&(struct bb_search){.route = "to-erp", .plant = "1000",
                                                .type = "mfg.item.changed", .max = 1000}, &s), 100);
    ck_assert_int_eq(search(&(struct bb_search){.item = "I3' OR 1=1 --"}, &s), 0);
    ck_assert_int_eq(search(&(struct bb_search){.route = "nowhere"}, &s), 0);
}
END_TEST

START_TEST(states_follow_the_events)
{
    uint64_t last = append(0, 4, 1);

    start_index();
    state_is(last, "m3", "waiting");
    settle(0, last - 3, BB_TO_DELIVERED, false);
    settle(1, last - 2, BB_TO_QUARANTINED, true);
    settle(2, last - 1, BB_TO_SKIPPED, true);
    state_is(last - 3, "m0", "delivered");
    state_is(last - 2, "m1", "quarantined");
    state_is(last - 1, "m2", "skipped");
    state_is(last, "m3", "waiting");
}
END_TEST

START_TEST(what_no_route_took_is_shown)
{
    struct seen s;

    append(0, 3, 0);
    start_index();
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.state = "quarantined"}, &s), 3);
    ck_assert_str_eq(s.routes[0], "unmatched");
}
END_TEST

START_TEST(it_goes_on_where_it_stopped)
{
    struct seen s;

    append(0, 50, 1);
    start_index();
    caught_up();
    bb_index_stop(&idx);
    append(50, 50, 1);
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 50);
    start_index();
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 100);
}
END_TEST

static void cut_off(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
}

START_TEST(deleted_it_is_built_again)
{
    uint64_t last = append(0, 60, 1);
    struct seen s;

    settle(0, last - 59, BB_TO_DELIVERED, false);
    start_index();
    state_is(last - 59, "m0", "delivered");
    bb_index_stop(&idx);
    each_file(".db", cut_off);
    each_file("-wal", cut_off);
    each_file("-shm", cut_off);
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 0);
    start_index();
    state_is(last - 59, "m0", "delivered");
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 60);
}
END_TEST

static void spoil(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)pwrite(fd, "this is no database", 19, 0), 19);
    close(fd);
}

START_TEST(a_damaged_file_is_set_aside)
{
    uint64_t last = append(0, 60, 1);
    struct seen s;

    settle(0, last - 59, BB_TO_QUARANTINED, true);
    start_index();
    state_is(last - 59, "m0", "quarantined");
    bb_index_stop(&idx);
    each_file(".db", spoil);
    start_index();
    state_is(last - 59, "m0", "quarantined");
    ck_assert_uint_ge(files("damaged-"), 1);
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 60);
}
END_TEST

START_TEST(another_journals_index_is_not_taken)
{
    struct seen s;
    char from[128], to[128];

    append(0, 60, 1);
    start_index();
    caught_up();
    bb_index_stop(&idx);
    bb_journal_close(&journal);
    snprintf(from, sizeof(from), "%s/index", dir);
    snprintf(to, sizeof(to), "%s-index", dir);
    ck_assert_int_eq(rename(from, to), 0);
    teardown();
    setup();
    snprintf(from, sizeof(from), "%s/index", dir);
    ck_assert_int_eq(rename(to, from), 0);
    append(0, 5, 1);
    start_index();
    caught_up();
    ck_assert_int_eq(search(&(struct bb_search){.max = 1000}, &s), 5);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("index");
    TCase *t = tcase_create("index");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, messages_are_found_by_their_keys);
    tcase_add_test(t, states_follow_the_events);
    tcase_add_test(t, what_no_route_took_is_shown);
    tcase_add_test(t, it_goes_on_where_it_stopped);
    tcase_add_test(t, deleted_it_is_built_again);
    tcase_add_test(t, a_damaged_file_is_set_aside);
    tcase_add_test(t, another_journals_index_is_not_taken);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
