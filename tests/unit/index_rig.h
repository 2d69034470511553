/*
 * index_rig.h - a folder, a journal and an index of a test's own
 *
 * To be included first, with _GNU_SOURCE.
 */
#ifndef INDEX_RIG_H
#define INDEX_RIG_H

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

#define DEADLINE_MS 60000 /* a sanitizer on a busy machine takes its time */

static char dir[64];
static struct bb_journal *journal;
static struct bb_index *idx;
static struct bb_fault err;
static uint32_t endpoint, route;

static inline void open_journal(void)
{
    journal = bb_journal_open(&(struct bb_journal_options){
        .dir = dir, .map_size = 1u << 30, .reserve = 1 << 20, .retention_ms = 86400000,
        .claims_window_ms = 86400000, .claims_max = 100000, .log = bb_log_sink}, &err);
    ck_assert_msg(journal != NULL, "%s", err.text);
}

static inline void start_index(void)
{
    idx = bb_index_start(journal, dir, &err);
    ck_assert_msg(idx != NULL, "%s", err.text);
}

/* Posts one operation and waits until it is committed. */
static inline void operation(struct bb_op *op)
{
    struct pollfd p = {.fd = bb_journal_fd(journal), .events = POLLIN};

    bb_journal_post(journal, op);
    for (struct bb_op *done = NULL; !done; done = bb_journal_take(journal))
        ck_assert_int_ge(poll(&p, 1, DEADLINE_MS), 1);
    ck_assert_msg(op->status == BB_OK, "%s", op->text);
}

static inline void make_dir(void)
{
    strcpy(dir, "/tmp/bb-index-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static inline void setup(void)
{
    struct bb_op op = {.kind = BB_OP_ROUTE, .route = {.name = "to-erp"}};

    if (!*dir)
        make_dir();
    open_journal();
    ck_assert_int_eq(bb_journal_name_id(journal, "plm", &endpoint, &err), 0);
    operation(&op);
    route = op.route.id;
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)st;
    (void)flag;
    (void)f;
    return remove(path);
}

static inline void teardown(void)
{
    bb_index_stop(&idx);
    if (journal)
        bb_journal_close(&journal);
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    *dir = '\0';
}

/* Appends messages "m<first>" on; item "I<n % 10>", correlation "ECO-<n / 10>"; n_match 0 or 1. */
static inline uint64_t append(unsigned first, unsigned n, unsigned n_match)
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

static inline void settle(uint64_t ord, uint64_t seq, enum bb_settle_to to, bool detail)
{
    struct bb_settle s = {.route = route, .to = (uint8_t)to, .ord = ord, .seq = seq};
    struct bb_op op = {.kind = BB_OP_SETTLE};

    if (detail)
        s.event = (struct bb_bytes){"\x81\xa4text\xa3why", 10};
    op.settle.v = &s;
    op.settle.n = 1;
    operation(&op);
}

/* ---- looking --------------------------------------------------------------------------------- */
struct seen {
    unsigned n;
    uint64_t seqs[64];
    char states[64][16], routes[64][32], endpoint[64];
};

static inline int on_hit(void *arg, const struct bb_hit *h)
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

static inline int search(const struct bb_search *q, struct seen *s)
{
    memset(s, 0, sizeof(*s));
    return bb_index_search(dir, q, on_hit, s, &err);
}

static inline void caught_up(void)
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

static inline void state_is(uint64_t seq, const char *id, const char *state)
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

static inline unsigned files(const char *with)
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

static inline void each_file(const char *tail, void (*fn)(const char *))
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

#endif
