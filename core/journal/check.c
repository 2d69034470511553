/*
 * check.c - reads everything and counts it again
 *
 * One read transaction over the whole store, so that what is compared belongs together; on a running
 * core it keeps pages from being reused for as long as it takes, which is said in the manual.
 * Memory: one route's counters at a time, nothing by message.
 *
 * LMDB trusts its pages: on a damaged one it ends the process, or reads past it. So a child does the
 * reading and tells its findings through a pipe; how it ended is one of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/journal/internal.h"

#define FINDINGS_MAX 200 /* lines; the counts go on */

struct checker {
    struct bb_store s;
    MDB_txn *txn;
    struct bb_check_report *r;
    void (*say)(void *, const char *);
    void *arg;
    unsigned said;
};

static void note(struct checker *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(struct checker *c, const char *fmt, ...)
{
    char text[300];
    va_list ap;

    if (!c->say || c->said++ > FINDINGS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    c->say(c->arg, c->said > FINDINGS_MAX ? "more findings are counted, not shown" : text);
}

static bool there(struct checker *c, enum bb_table t, MDB_val k)
{
    MDB_val v;

    return mdb_get(c->txn, c->s.dbi[t], &k, &v) == 0;
}

/* Calls fn for each entry of a table from k on, until it returns other than 0. */
static int each(struct checker *c, enum bb_table t, MDB_val k,
                int (*fn)(struct checker *, const MDB_val *k, const MDB_val *v, void *arg), void *arg)
{
    MDB_cursor *cur;
    MDB_val v;
    int rc = mdb_cursor_open(c->txn, c->s.dbi[t], &cur), stop = 0;

    if (rc)
        return rc;
    rc = mdb_cursor_get(cur, &k, &v, k.mv_size ? MDB_SET_RANGE : MDB_FIRST);
    while (rc == 0 && !stop) {
        stop = fn(c, &k, &v, arg);
        rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT);
    }
    mdb_cursor_close(cur);
    return rc == MDB_NOTFOUND || stop ? 0 : rc;
}

static int one_message(struct checker *c, const MDB_val *k, const MDB_val *v, void *arg)
{
    struct bb_record rec = {0};
    uint64_t seq = bb_le64(k->mv_data);

    (void)arg;
    c->r->messages++;
    if (c->r->messages % 1000000 == 0 && c->say) {
        char text[64];
        snprintf(text, sizeof text, "%" PRIu64 " messages read", c->r->messages);
        c->say(c->arg, text);
    }
    if (bb_record_read(v, seq, &rec) != 0) {
        c->r->bad_records++;
        note(c, "message %" PRIu64 ": its record is damaged (CRC or length)", seq);
    }
    return 0;
}

static int one_event(struct checker *c, const MDB_val *k, const MDB_val *v, void *arg)
{
    struct bb_rec_event e;
    struct bb_bytes rest;
    struct bb_key key;
    uint64_t eseq = bb_le64(k->mv_data), seq;

    (void)arg;
    c->r->events++;
    if (bb_rec_event_read(v, &e, &rest) != 0) {
        c->r->bad_records++;
        note(c, "event %" PRIu64 ": its record is damaged (CRC or length)", eseq);
    } else if (e.kind == BB_EV_DETAIL) {
        seq = bb_le64(rest.ptr);
        if (!there(c, BB_TAB_HIST, bb_key_of(&key, e.route, 2, seq, eseq, 0))) {
            c->r->dangling++;
            note(c, "event %" PRIu64 " is not in the history of message %" PRIu64, eseq, seq);
        }
    }
    return 0;
}

static int one_history(struct checker *c, const MDB_val *k, const MDB_val *v, void *arg)
{
    const uint8_t *p = k->mv_data;
    uint64_t eseq = k->mv_size == 20 ? bb_rd64(p + 12) : 0;

    (void)v;
    (void)arg;
    if (!there(c, BB_TAB_EVENT, (MDB_val){sizeof eseq, &eseq})) {
        c->r->dangling++;
        note(c, "the history of message %" PRIu64 " names event %" PRIu64 ", which is not there",
             k->mv_size == 20 ? bb_rd64(p + 4) : 0, eseq);
    }
    return 0;
}

static bool row_of(struct checker *c, uint32_t route, uint64_t lane, uint64_t seq, struct bb_row *row)
{
    struct bb_key key;
    MDB_val k = bb_key_of(&key, route, 2, lane, seq, 0), v;

    if (mdb_get(c->txn, c->s.dbi[BB_TAB_ROW], &k, &v) != 0 || v.mv_size != sizeof *row)
        return false;
    memcpy(row, v.mv_data, sizeof *row);
    return true;
}

static int one_due(struct checker *c, const MDB_val *k, const MDB_val *v, void *arg)
{
    const uint8_t *p = k->mv_data;
    struct bb_row row;
    uint64_t due;

    (void)v;
    (void)arg;
    if (k->mv_size != 28 || !row_of(c, bb_rd32(p), bb_rd64(p + 12), bb_rd64(p + 20), &row) ||
        !bb_row_due(&row, &due) || due != bb_rd64(p + 4)) {
        c->r->dangling++;
        note(c, "a due entry of route %u has no row that is due then", k->mv_size >= 4 ? bb_rd32(p) : 0);
    }
    return 0;
}

static int one_open(struct checker *c, const MDB_val *k, const MDB_val *v, void *arg)
{
    const uint8_t *p = k->mv_data;
    struct bb_row row;

    (void)arg;
    if (k->mv_size != 12 || v->mv_size != 8 ||
        !row_of(c, bb_rd32(p), bb_le64(v->mv_data), bb_rd64(p + 4), &row) ||
        (row.state != BB_D_HELD && row.state != BB_D_QUARANTINED)) {
        c->r->dangling++;
        note(c, "message %" PRIu64 " is listed as open and is not", k->mv_size == 12 ? bb_rd64(p + 4) : 0);
    }
    return 0;
}

/* ---- one route: rows, feed and window against its counters --------------------------------------- */

struct books {
    uint32_t id;
    char name[64];
    struct bb_rec_route rec;
    uint64_t window[BB_WINDOW_WORDS];
    uint64_t rows[BB_D_STATES];
    uint64_t feed;       /* entries at or above the frontier */
    uint64_t feed_done;  /* of those, settled out of turn */
    uint64_t rows_ahead; /* rows of ordinals at or above the frontier: counted by their bits */
    uint64_t next_ord;
};

static int one_row(struct checker *c, const MDB_val *k, const MDB_val *v, void *arg)
{
    struct books *b = arg;
    struct bb_row row;
    struct bb_key key;
    uint64_t lane, seq, due;

    if (!bb_key_in(k, b->id, 20))
        return 1;
    lane = bb_rd64((const uint8_t *)k->mv_data + 4);
    seq = bb_rd64((const uint8_t *)k->mv_data + 12);
    c->r->rows++;
    if (v->mv_size != sizeof row) {
        c->r->bad_records++;
        note(c, "route \"%s\": the row of message %" PRIu64 " has a wrong size", b->name, seq);
        return 0;
    }
    memcpy(&row, v->mv_data, sizeof row);
    if (row.state >= BB_D_STATES) {
        c->r->bad_records++;
        note(c, "route \"%s\": the row of message %" PRIu64 " has no known state", b->name, seq);
        return 0;
    }
    b->rows[row.state]++;
    if (!there(c, BB_TAB_MSG, (MDB_val){sizeof seq, &seq})) {
        c->r->dangling++;
        note(c, "route \"%s\": row without its message %" PRIu64, b->name, seq);
    }
    if (bb_row_due(&row, &due) &&
        !there(c, BB_TAB_DUE, bb_key_of(&key, b->id, 3, due, lane, seq))) {
        c->r->dangling++;
        note(c, "route \"%s\": message %" PRIu64 " (%s) has no due entry: it would wait for ever",
             b->name, seq, bb_dstate_names[row.state]);
    }
    if (row.flags & BB_ROW_BODY && !there(c, BB_TAB_BODY, bb_key_of(&key, b->id, 1, seq, 0, 0))) {
        c->r->dangling++;
        note(c, "route \"%s\": message %" PRIu64 " has lost its kept body", b->name, seq);
    }
    if ((row.state == BB_D_HELD || row.state == BB_D_QUARANTINED) &&
        !there(c, BB_TAB_OPEN, bb_key_of(&key, b->id, 1, seq, 0, 0))) {
        c->r->dangling++;
        note(c, "route \"%s\": message %" PRIu64 " (%s) is not listed as open", b->name, seq,
             bb_dstate_names[row.state]);
    }
    return 0;
}

/* Retention keeps a message for the routes that its record names, and for no other. */
static void waits_check(struct checker *c, const struct books *b, uint64_t seq)
{
    MDB_val k = {sizeof seq, &seq}, v;
    struct bb_rec_msg h;
    struct bb_match m = {.route = ~b->id};

    if (mdb_get(c->txn, c->s.dbi[BB_TAB_MSG], &k, &v) != 0) {
        c->r->dangling++;
        note(c, "route \"%s\": message %" PRIu64 " waits in the feed and is not there", b->name, seq);
        return;
    }
    if (bb_record_head(&v, &h) != 0)
        return; /* said when the messages were read */
    for (size_t i = 0; i < h.n_matches && m.route != b->id; i++)
        memcpy(&m, (const uint8_t *)v.mv_data + sizeof h + i * sizeof m, sizeof m);
    if (m.route == b->id)
        return;
    c->r->dangling++;
    note(c, "route \"%s\": message %" PRIu64 " waits in the feed and its record does not name the route",
         b->name, seq);
}

static int one_chunk(struct checker *c, const MDB_val *k, const MDB_val *v, void *arg)
{
    struct books *b = arg;
    uint64_t first;
    size_t n = v->mv_size / sizeof(struct bb_rec_feed);

    if (!bb_key_in(k, b->id, 12))
        return 1;
    first = bb_rd64((const uint8_t *)k->mv_data + 4);
    if (b->next_ord != UINT64_MAX && first != b->next_ord) {
        c->r->dangling++;
        note(c, "route \"%s\": its feed has a gap at ordinal %" PRIu64, b->name, b->next_ord);
    }
    b->next_ord = first + n;
    for (size_t i = 0; i < n; i++) {
        uint64_t ord = first + i, seq = bb_le64((const uint8_t *)v->mv_data + i * sizeof(struct bb_rec_feed));
        if (ord < b->rec.frontier)
            continue;
        b->feed++;
        if (ord < b->rec.frontier + BB_WINDOW &&
            b->window[ord % BB_WINDOW / 64] & 1ull << ord % 64) {
            b->feed_done++;
        } else {
            waits_check(c, b, seq);
        }
    }
    return 0;
}

static void books_compare(struct checker *c, const struct books *b)
{
    uint64_t rows = 0, terminal, accounted;
    bool wrong = false;

    for (int i = BB_D_SPILLED; i <= BB_D_QUARANTINED; i++) {
        rows += b->rows[i];
        if (b->rows[i] != b->rec.counts[i]) {
            wrong = true;
            note(c, "route \"%s\": %" PRIu64 " rows are %s, its books say %" PRIu64, b->name,
                 b->rows[i], bb_dstate_names[i], b->rec.counts[i]);
        }
    }
    terminal = b->rec.counts[BB_D_DELIVERED] + b->rec.counts[BB_D_SKIPPED] +
               b->rec.counts[BB_D_DISCARDED];
    accounted = b->rec.frontier + b->feed_done;
    if (rows + terminal != accounted) {
        wrong = true;
        note(c, "route \"%s\": %" PRIu64 " accounted for, but %" PRIu64 " terminal and %" PRIu64 " rows",
             b->name, accounted, terminal, rows);
    }
    if (b->rec.frontier + b->feed != b->rec.tail) {
        wrong = true;
        note(c, "route \"%s\": frontier %" PRIu64 " and %" PRIu64 " in the feed do not make tail %" PRIu64,
             b->name, b->rec.frontier, b->feed, b->rec.tail);
    }
    c->r->unbalanced += wrong;
}

static int one_route(struct checker *c, const MDB_val *k, const MDB_val *v, void *arg)
{
    struct books *b = calloc(1, sizeof *b);
    struct bb_bytes name;
    const uint8_t *words;
    struct bb_key key;
    int *rc = arg;

    if (!b) {
        *rc = ENOMEM;
        return 1;
    }
    c->r->routes++;
    b->next_ord = UINT64_MAX;
    if (k->mv_size != 4 || bb_route_read(v, &b->rec, &name, &words) != 0 || name.len >= sizeof b->name) {
        c->r->bad_records++;
        note(c, "a route's record is damaged");
        free(b);
        return 0;
    }
    b->id = bb_rd32(k->mv_data);
    memcpy(b->name, name.ptr, name.len);
    memcpy(b->window, words, b->rec.window_words * 8);
    *rc = each(c, BB_TAB_ROW, bb_key_of(&key, b->id, 2, 0, 0, 0), one_row, b);
    if (!*rc)
        *rc = each(c, BB_TAB_FEED, bb_key_of(&key, b->id, 1, 0, 0, 0), one_chunk, b);
    if (!*rc)
        books_compare(c, b);
    free(b);
    return *rc != 0;
}

static const struct {
    enum bb_table table;
    int (*fn)(struct checker *, const MDB_val *k, const MDB_val *v, void *arg);
} passes[] = {{BB_TAB_MSG, one_message},  {BB_TAB_EVENT, one_event}, {BB_TAB_HIST, one_history},
              {BB_TAB_ROUTE, one_route}, {BB_TAB_DUE, one_due},     {BB_TAB_OPEN, one_open}};

/* The child's: reads it all. */
static int check_here(const char *dir, struct checker *c, struct bb_fault *err)
{
    int rc, sub = 0;

    if (bb_journal_recover(dir, err) != 0 || bb_store_open(&c->s, dir, 0, NULL, err) != 0)
        return -1;
    rc = mdb_txn_begin(c->s.env, NULL, MDB_RDONLY, &c->txn);
    if (!rc) {
        for (size_t i = 0; i < sizeof passes / sizeof *passes && !rc && !sub; i++)
            rc = each(c, passes[i].table, (MDB_val){0, NULL}, passes[i].fn, &sub);
        mdb_txn_abort(c->txn);
    }
    bb_store_close(&c->s);
    if (rc || sub)
        return bb_fail(err, "journal %s: cannot be read to its end: %s; `busbar journal salvage` "
                       "exports what reads", dir, mdb_strerror(rc ? rc : sub));
    return c->r->bad_records || c->r->unbalanced || c->r->dangling ? 1 : 0;
}

/* ---- between the two: lines, then the verdict --------------------------------------------------- */

struct verdict {
    int rc;
    struct bb_check_report report;
    struct bb_fault err;
};
struct told { /* always this long, so that a pipe takes each whole */
    bool last;
    union {
        char line[300];
        struct verdict verdict;
    };
};
_Static_assert(sizeof(struct told) <= 4096, "one atomic write to a pipe");

static void tell_line(void *arg, const char *text)
{
    struct told t = {.last = false};

    snprintf(t.line, sizeof t.line, "%s", text);
    (void)!write(*(int *)arg, &t, sizeof t); /* nobody listens any more: SIGPIPE ends us */
}

_Noreturn static void child(const char *dir, int fd, bool lines)
{
    struct told t = {.last = true};
    struct verdict *v = &t.verdict;
    struct checker c = {.r = &v->report, .say = lines ? tell_line : NULL, .arg = &fd};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGPIPE, SIG_DFL);
    v->rc = check_here(dir, &c, &v->err);
    _exit(write(fd, &t, sizeof t) == sizeof t ? 0 : 1);
}

/* 0 and the verdict, or -1: the child ended before it had one. */
static int listen_to(int fd, struct verdict *v, void (*say)(void *, const char *), void *arg)
{
    struct told t;
    ssize_t n;

    while ((n = read(fd, &t, sizeof t)) > 0 || (n < 0 && errno == EINTR)) {
        if (n != sizeof t)
            continue;
        if (t.last) {
            *v = t.verdict;
            return 0;
        }
        t.line[sizeof t.line - 1] = '\0';
        say(arg, t.line);
    }
    return -1;
}

int bb_journal_check(const char *dir, struct bb_check_report *r, void (*say)(void *, const char *),
                     void *arg, struct bb_fault *err)
{
    struct verdict v;
    int fd[2], status = 0, rc;
    pid_t pid;

    memset(r, 0, sizeof *r);
    if (pipe2(fd, O_CLOEXEC) != 0)
        return bb_fail(err, "journal %s: %s", dir, strerror(errno));
    pid = fork();
    if (pid == 0) {
        close(fd[0]);
        child(dir, fd[1], say != NULL);
    }
    close(fd[1]);
    rc = pid < 0 ? -1 : listen_to(fd[0], &v, say, arg);
    close(fd[0]);
    if (pid < 0)
        return bb_fail(err, "journal %s: cannot start a process to read it: %s", dir, strerror(errno));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (rc != 0)
        return bb_fail(err, "journal %s: a page of its store is damaged: reading it ended with %s; "
                       "`busbar journal salvage` exports what reads",
                       dir, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "an error");
    *r = v.report;
    if (v.rc < 0 && err)
        *err = v.err;
    return v.rc;
}
