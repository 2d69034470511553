/*
 * journal_bench.c - what the journal costs: messages appended and settled a second, CPU a million
 *
 *   journal_bench DIR [append|settle|bare] [messages] [bytes] [batch]
 * append  operations of one message each, with a claim and one match; "batch" of them are kept
 *         posted, so that a commit holds about that many
 * settle  the same messages appended in bulk first (not counted), then settled plainly in order
 * bare    the same bytes straight into LMDB, "batch" to a commit: the floor
 * CPU is the whole process's: writer, reader and the posting thread.
 */
#include <lmdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "core/base/base.h"
#include "core/journal/journal.h"

struct bench {
    const char *dir;
    size_t messages, bytes, batch;
    uint8_t *data;
    uint64_t us, cpu_us;
};

static uint64_t cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void clock_start(struct bench *b)
{
    b->us = bb_mono_us();
    b->cpu_us = cpu_us();
}

static void clock_stop(struct bench *b, const char *what)
{
    double s = (double)(bb_mono_us() - b->us) / 1e6, c = (double)(cpu_us() - b->cpu_us) / 1e6;
    printf("%-7s %zu messages of %zu B, batch %zu: %.0f/s, %.2f CPU-s per million\n", what,
           b->messages, b->bytes, b->batch, (double)b->messages / s, c * 1e6 / (double)b->messages);
}

static struct bb_op *take(struct bb_journal *j)
{
    struct bb_op *list;
    while (!(list = bb_journal_take(j))) {
        struct pollfd p = {.fd = bb_journal_fd(j), .events = POLLIN};
        (void)poll(&p, 1, 1000);
    }
    return list;
}

struct slot {
    struct bb_op op;
    struct bb_append_msg m;
    struct bb_match match;
};

static int append(struct bench *b, struct bb_journal *j, uint32_t route, bool claims)
{
    struct slot *s = calloc(b->batch, sizeof *s);
    size_t posted = 0, done = 0;
    int rc = s ? 0 : -1;
    for (size_t i = 0; s && i < b->batch && posted < b->messages; i++, posted++) {
        s[i].match.route = route;
        s[i].m = (struct bb_append_msg){.whole = {b->data, b->bytes}, .n_match = 1};
        s[i].op = (struct bb_op){.kind = BB_OP_APPEND,
                                 .arg = &s[i],
                                 .append = {.endpoint = 1, .msgs = &s[i].m, .n = 1,
                                            .matches = &s[i].match, .n_matches = 1}};
        if (claims)
            bb_journal_fingerprint(j, 1, (struct bb_bytes){"bench", 5},
                                   (struct bb_bytes){&posted, sizeof posted}, s[i].m.claim);
        bb_journal_post(j, &s[i].op);
    }
    while (rc == 0 && done < b->messages) {
        struct bb_op *op = take(j), *next;
        for (; op; op = next) {
            struct slot *at = op->arg;
            next = op->next;
            done++;
            if (op->status != BB_OK) {
                fprintf(stderr, "append: %s\n", op->text);
                rc = -1;
            }
            if (posted == b->messages)
                continue;
            posted++;
            if (claims)
                bb_journal_fingerprint(j, 1, (struct bb_bytes){"bench", 5},
                                       (struct bb_bytes){&posted, sizeof posted}, at->m.claim);
            bb_journal_post(j, op);
        }
    }
    free(s);
    return rc;
}

static int settle(struct bench *b, struct bb_journal *j, uint32_t route)
{
    struct bb_settle *v = calloc(b->batch, sizeof *v);
    int rc = v ? 0 : -1;
    for (size_t at = 0; rc == 0 && at < b->messages; at += b->batch) {
        size_t n = b->messages - at < b->batch ? b->messages - at : b->batch;
        struct bb_op op = {.kind = BB_OP_SETTLE, .settle = {.v = v, .n = n}};
        for (size_t i = 0; i < n; i++)
            v[i] = (struct bb_settle){.route = route, .to = BB_TO_DELIVERED, .ord = at + i,
                                      .seq = at + i + 1, .lane = at + i};
        bb_journal_post(j, &op);
        (void)take(j);
        if (op.status != BB_OK) {
            fprintf(stderr, "settle: %s\n", op.text);
            rc = -1;
        }
    }
    free(v);
    return rc;
}

static int with_journal(struct bench *b, bool settling)
{
    struct bb_journal_options o = {.dir = b->dir, .map_size = 64ull << 30, .reserve = 64 << 20,
                                   .retention_ms = 86400000, .claims_window_ms = 86400000,
                                   .claims_max = 5000000, .log = bb_log_sink};
    struct bb_op op = {.kind = BB_OP_ROUTE, .route = {.name = "bench"}};
    struct bb_fault err = {0};
    struct bb_journal *j = bb_journal_open(&o, &err);
    struct bb_journal_stats st;
    int rc;
    if (!j) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    bb_journal_post(j, &op);
    (void)take(j);
    clock_start(b);
    rc = append(b, j, op.route.id, !settling);
    if (rc == 0 && settling) {
        clock_start(b);
        rc = settle(b, j, op.route.id);
    }
    if (rc == 0)
        clock_stop(b, settling ? "settle" : "append");
    bb_journal_stats(j, &st);
    printf("        %llu commits, longest %llu us, store %llu MiB\n",
           (unsigned long long)st.commits, (unsigned long long)st.commit_us_max,
           (unsigned long long)st.used_bytes >> 20);
    bb_journal_close(&j);
    return rc;
}

static int bare(struct bench *b)
{
    MDB_env *env = NULL;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_cursor *c;
    uint64_t seq = 0;
    int rc = bb_mkdirs(b->dir, 0700);
    if (!rc)
        rc = mdb_env_create(&env);
    if (!rc)
        rc = mdb_env_set_mapsize(env, 64ull << 30);
    if (!rc)
        rc = mdb_env_open(env, b->dir, 0, 0600);
    clock_start(b);
    while (!rc && seq < b->messages) {
        rc = mdb_txn_begin(env, NULL, 0, &txn);
        if (!rc)
            rc = mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi);
        if (!rc)
            rc = mdb_cursor_open(txn, dbi, &c);
        for (size_t i = 0; !rc && i < b->batch; i++, seq++) {
            MDB_val k = {8, &seq}, v = {b->bytes, b->data};
            rc = mdb_cursor_put(c, &k, &v, MDB_APPEND);
        }
        if (!rc)
            rc = mdb_txn_commit(txn);
    }
    if (rc)
        fprintf(stderr, "bare: %s\n", mdb_strerror(rc));
    else
        clock_stop(b, "bare");
    mdb_env_close(env);
    return rc;
}

int main(int argc, char **argv)
{
    struct bench b = {.messages = 1000000, .bytes = 1024, .batch = 256};
    const char *what = argc > 2 ? argv[2] : "append";
    uint64_t n[3] = {0};
    int rc;
    for (int i = 3; i < argc && i < 6; i++)
        if (bb_u64_parse(argv[i], &n[i - 3]) != 0 || !n[i - 3])
            argc = 0;
    if (argc < 2 || argc > 6) {
        fprintf(stderr, "usage: %s EMPTY_DIR [append|settle|bare] [messages] [bytes] [batch]\n",
                argv[0]);
        return 2;
    }
    b.dir = argv[1];
    b.messages = n[0] ? n[0] : b.messages;
    b.bytes = n[1] ? n[1] : b.bytes;
    b.batch = n[2] ? n[2] : b.batch;
    b.data = calloc(1, b.bytes);
    if (!b.data)
        return 1;
    memset(b.data, 'x', b.bytes);
    rc = strcmp(what, "bare") == 0 ? bare(&b) : with_journal(&b, strcmp(what, "settle") == 0);
    free(b.data);
    return rc != 0;
}
