/*
 * writer.c - the thread that owns the store: gathers operations, commits them, hands them back
 *
 * While one commit syncs the next operations gather, so a busy journal shares its syncs and an
 * idle one answers within one commit (txn.c). Nothing is handed back before the commit that holds it
 * returned. A transaction that cannot be finished is aborted and memory goes back to what it was
 * at its begin:
 *   no space (disk, map)   intake closes, the reserve is given up, the same operations again
 *                          without the appends and what else can be left out; then in smaller
 *                          pieces; one that does not fit alone is held (hold.c), the others go on
 *   anything else          the journal has failed for good. Nothing is synced twice: after a
 *                          failed fsync nobody knows what is on disk
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "core/journal/internal.h"

#define TXN_MESSAGES 8192u
#define TXN_BYTES (16u << 20)
#define WAIT_MS 1000
#define WAIT_CLOSED_MS 250
#define WAL_OFF_US 1000000u
#define WAL_LOOK_US 1000000u
#define HELD_MAX 1024u /* more than that held: nothing goes ahead any more */

void bb_op_refuse(struct bb_op *op, int32_t status, const char *fmt, ...)
{
    va_list ap;
    op->status = status;
    va_start(ap, fmt);
    vsnprintf(op->text, sizeof op->text, fmt, ap);
    va_end(ap);
}

struct bb_wroute *bb_wroute_get(struct bb_journal *j, uint32_t id)
{
    return id < j->n_routes && j->routes[id] && !j->routes[id]->s.removed ? j->routes[id] : NULL;
}

int bb_wroute_touch(struct bb_journal *j, struct bb_wroute *r)
{
    (void)j;
    if (r->touched)
        return 0;
    r->touched = true;
    r->saved = r->s;
    if (r->s.bits)
        memcpy(r->saved_window, r->window, BB_WINDOW_WORDS * 8);
    r->feed_first = r->s.tail;
    r->feed.len = 0;
    for (int i = 0; i < 3; i++)
        r->done[i].len = 0;
    return 0;
}

/* ---- one transaction ---------------------------------------------------------------------------- */
static int (*const apply[])(struct bb_journal *, struct bb_op *) = {
    [BB_OP_APPEND] = bb_op_append,     [BB_OP_SETTLE] = bb_op_settle,
    [BB_OP_MARK] = bb_op_mark,         [BB_OP_RESERVE] = bb_op_reserve,
    [BB_OP_KICK] = bb_op_kick,         [BB_OP_ROUTE] = bb_op_route,
    [BB_OP_OPERATOR] = bb_op_operator, [BB_OP_STATE] = bb_op_state,
    [BB_OP_JOIN] = bb_op_join,         [BB_OP_NOTE] = bb_op_note,
    [BB_OP_NAME] = bb_op_name};

/* While intake is closed these are refused. */
static bool wants_intake(const struct bb_journal *j, const struct bb_op *op)
{
    return op->kind == BB_OP_APPEND || (op->kind == BB_OP_JOIN && op->join.n) ||
           (op->kind == BB_OP_SETTLE && op->settle.children && !op->settle.children->append.owed &&
            !j->held.parking);
}

static int apply_all(struct bb_journal *j, struct bb_op *list)
{
    int rc = 0;
    for (struct bb_op *op = list; op && !rc; op = op->next) {
        const char *closed = atomic_load(&j->intake);
        if (op->next && op->next->kind == BB_OP_APPEND && op->next->append.n)
            bb_claims_prefetch(&j->claims, op->next->append.msgs[0].claim);
        op->status = BB_OK;
        op->text[0] = 0;
        if (closed && wants_intake(j, op))
            bb_op_refuse(op, BB_E_BUSY, "%s", closed);
        else if ((unsigned)op->kind >= sizeof apply / sizeof *apply)
            bb_op_refuse(op, BB_E_REJECT, "no such operation");
        else
            rc = apply[op->kind](j, op);
    }
    return rc;
}

/* What the statistics show of this transaction, taken while it is open. */
int bb_measure(struct bb_journal *j, struct bb_journal_stats *s)
{
    MDB_val k, v;
    MDB_stat st;
    int rc = 0;
    MDB_cursor *c = bb_cur(j, BB_TAB_MSG, &rc);
    if (!rc)
        rc = mdb_stat(j->txn, j->store.dbi[BB_TAB_MSG], &st);
    s->messages = rc ? 0 : st.ms_entries;
    if (!rc)
        rc = mdb_stat(j->txn, j->store.dbi[BB_TAB_EVENT], &st);
    s->events = rc ? 0 : st.ms_entries;
    if (!rc)
        rc = mdb_cursor_get(c, &k, &v, MDB_FIRST);
    s->first_seq = rc ? 0 : bb_le64(k.mv_data);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

void bb_publish(struct bb_journal *j, const struct bb_journal_stats *s)
{
    struct bb_journal_stats *p = &j->pub.stats;
    const struct bb_rec_claim *e = (const void *)j->claim_gone.p;
    for (size_t i = 0; i < j->claim_gone.len / sizeof *e; i++)
        bb_claims_del(&j->claims, e[i].fingerprint, e[i].seq);
    pthread_mutex_lock(&j->pub.lock);
    for (size_t i = 0; i < j->n_routes; i++) {
        struct bb_wroute *r = j->routes[i];
        if (!r || !r->touched)
            continue;
        r->touched = false;
        if (bb_wroute_publish(j, r) != 0)
            bb_journal_say(j, BB_LOG_ERROR, "journal: no memory to show the state of route %s",
                           r->name);
    }
    p->messages = s->messages;
    p->events = s->events;
    p->first_seq = s->first_seq;
    p->next_seq = j->m.next_seq;
    p->accepted = j->m.counters.accepted;
    p->duplicates = j->m.counters.duplicates;
    p->conflicts = j->m.counters.conflicts;
    p->claims = j->rebuild.on ? 0 : j->claims.n;
    p->claims_bytes = j->rebuild.on ? 0 : (j->claims.cap + j->claims.old_cap) * sizeof(struct bb_rec_claim);
    if (s->commits) {
        p->commits += s->commits;
        p->commit_us_last = s->commit_us_last;
        if (s->commit_us_last > p->commit_us_max)
            p->commit_us_max = s->commit_us_last;
    }
    pthread_mutex_unlock(&j->pub.lock);
}

/* Hands the list to the hub; the names' askers wait for themselves. */
static void answer(struct bb_journal *j, struct bb_op *list)
{
    struct bb_op *head = NULL, **tail = &head, *next;
    for (struct bb_op *op = list; op; op = next) {
        next = op->next;
        if ((unsigned)op->kind != BB_OP_NAME) {
            *tail = op;
            tail = &op->next;
            continue;
        }
        pthread_mutex_lock(&j->in.lock);
        *(bool *)op->arg = true;
        pthread_cond_broadcast(&j->in.named);
        pthread_mutex_unlock(&j->in.lock);
    }
    if (head)
        bb_outbox_put(&j->out, head, (void **)tail);
}

static void fail_all(struct bb_journal *j, struct bb_op *list, const char *why)
{
    for (struct bb_op *op = list; op; op = op->next)
        bb_op_refuse(op, BB_E_RETRY, "%s", why);
    answer(j, list);
}

/* 0 committed, else the code; the transaction is gone either way. */
static int attempt(struct bb_journal *j, struct bb_op *list, bool retain, bool *answered)
{
    struct bb_journal_stats s = {0};
    uint64_t t0 = bb_mono_us();
    int rc = bb_txn_begin(j);
    if (!rc)
        rc = apply_all(j, list);
    if (!rc && retain)
        rc = bb_retain(j);
    if (!rc)
        rc = bb_retain_claims(j, false);
    if (!rc)
        rc = bb_flush(j);
    if (!rc)
        rc = bb_measure(j, &s);
    if (!rc)
        rc = bb_txn_room(j);
    if (rc) {
        bb_txn_abort(j);
        return rc;
    }
#ifdef BB_JOURNAL_ACK_EARLY /* only in programs that show that the kill tests can fail */
    if (list && list->kind == BB_OP_APPEND) { /* what else there is needs the commit at once */
        answer(j, list);
        *answered = true;
        nanosleep(&(struct timespec){0, 5000000}, NULL); /* the answer is out before the crash is */
    }
#else
    (void)answered;
#endif
    rc = bb_txn_commit(j);
    if (rc) {
        bb_txn_abort(j);
        return rc;
    }
    s.commits = list != NULL;
    s.commit_us_last = bb_mono_us() - t0;
    bb_publish(j, &s);
    return 0;
}

static bool stopping(struct bb_journal *j)
{
    bool s;
    pthread_mutex_lock(&j->in.lock);
    s = j->in.stop;
    pthread_mutex_unlock(&j->in.lock);
    return s;
}

/* 0: committed, 1: no room, 2: not out of what settling needs, -1: the journal has failed. */
static int try(struct bb_journal *j, struct bb_op *list, bool retain, bool *answered)
{
    int rc;
    if (atomic_load(&j->failed)) /* between two transactions: nothing is answered as done any more */
        return -1;
    rc = attempt(j, list, retain, answered);
    if (rc == BB_RC_TURN)
        rc = bb_txn_turn(j) != 0 ? BB_RC_FAILED : attempt(j, list, retain, answered);
    /* too long for a file of the log; or pages are free, but pinned until the next checkpoint */
    if (j->wal.on && !*answered && (rc == BB_RC_TOO_BIG || bb_no_space(j, rc))) {
        if (bb_wal_yield(j) != 0)
            return -1;
        rc = attempt(j, list, retain, answered);
    }
    if (rc == 0 || rc == BB_RC_LATER)
        return rc ? 2 : 0;
    if (rc == BB_RC_FAILED)
        return -1;
    if (!bb_no_space(j, rc))
        return bb_final(j, rc) ? -1 : 0;
    if (j->held.again) /* it may lack one long run of pages: no reason to close for others */
        return 1;
    bb_no_room(j, rc);
    return 1;
}

/* Cuts the first n operations that need not wait off the list; who must is held. */
static struct bb_op *cut(struct bb_journal *j, struct bb_op **list, size_t n, size_t *got)
{
    struct bb_op *part = NULL, **tail = &part, *op;
    *got = 0;
    while (*got < n && (op = *list) != NULL) {
        *list = op->next;
        op->next = NULL;
        if (j->held.n && bb_hold_stops(j, op)) {
            bb_hold_add(j, op);
            continue;
        }
        *tail = op;
        tail = &op->next;
        ++*got;
    }
    return part;
}

static void join(struct bb_op *part, struct bb_op **list)
{
    struct bb_op **tail = &part;
    while (*tail)
        tail = &(*tail)->next;
    *tail = *list;
    *list = part;
}

/* Holds one for which there is no room. */
static void hold(struct bb_journal *j, struct bb_op *op)
{
    bool answered = false;
    if (!j->held.said)
        bb_journal_say(j, BB_LOG_ERROR, "journal %s: no room left even for what became of a "
                       "delivery: it waits, others go on", j->dir);
    j->held.said = true;
    if (op->kind == BB_OP_SETTLE && !op->settle.v[0].parked) {
        j->held.parking = true;
        if (try(j, op, false, &answered) == 0)
            for (size_t i = 0; i < op->settle.n; i++)
                op->settle.v[i].parked = op->settle.v[i].ord != BB_ORD_NONE;
        j->held.parking = false;
    }
    bb_hold_add(j, op);
}

/* Smaller and smaller pieces, in order, while there is no room. */
static void pieces(struct bb_journal *j, struct bb_op *list, size_t size)
{
    struct bb_op *part;
    size_t n;
    bool answered = false;
    while ((part = cut(j, &list, size, &n)) != NULL) {
        int rc = try(j, part, false, &answered);
        if (answered) { /* by BB_JOURNAL_ACK_EARLY */
            answered = false;
        } else if (rc == 0) {
            answer(j, part);
            size = size > 1 ? n * 2 : 1;
        } else if (rc < 0) {
            join(part, &list);
            fail_all(j, list, j->pub.failed_text);
            return;
        } else if (n > 1) {
            join(part, &list);
            size = n / 2;
        } else {
            hold(j, part);
        }
    }
}

/* LMDB uses the pages that a commit freed only after one more commit: when nothing else commits,
 * the room that retention made would never come. */
static void turn_over(struct bb_journal *j)
{
    int rc = bb_txn_begin(j);
    if (!rc)
        rc = bb_put(j, BB_TAB_META, (MDB_val){3, "seq"}, &j->m.next_seq, 8);
    if (!rc)
        rc = bb_txn_commit(j);
    if (!rc)
        return;
    bb_txn_abort(j);
    if (rc != BB_RC_FAILED && !bb_no_space(j, rc))
        (void)bb_final(j, rc);
}

/* Were it not seen, a crash would find nothing where the last commits were written. LMDB stands for
 * itself from here on; the file that is left would be half a log to the next start. */
static void wal_look(struct bb_journal *j)
{
    uint64_t now = bb_mono_us();
    if (!j->wal.on || now - j->wal_look_us < WAL_LOOK_US)
        return;
    j->wal_look_us = now;
    if (!bb_wal_removed(&j->wal))
        return;
    bb_journal_say(j, BB_LOG_ERROR, "journal %s: wal.0 or wal.1 was removed under the running core: it goes on "
                   "without a log, slower, until it is started again", j->dir);
    if (bb_wal_yield(j) != 0)
        return;
    j->wal.size = 0;
    bb_wal_unlink(&j->wal);
}

/* The log is off where room is short, and on again a while after. */
static void wal_again(struct bb_journal *j)
{
    wal_look(j);
    if (j->wal.on && atomic_load(&j->intake))
        (void)bb_wal_yield(j);
    if (j->wal.on || !j->wal.size || j->held.n || atomic_load(&j->intake) ||
        bb_mono_us() - j->wal_off_us < WAL_OFF_US)
        return;
    (void)bb_final(j, bb_wal_on(&j->wal, &j->store));
}

static void held_again(struct bb_journal *j)
{
    j->held.tried_us = bb_mono_us();
    if (!j->held.n)
        return;
    bb_space_look(j);
    j->held.again = true;
    pieces(j, bb_hold_take(j), 1);
    j->held.again = false;
    j->held.said = j->held.n != 0;
    if (j->held.n && !atomic_load(&j->failed))
        turn_over(j);
}

static void run(struct bb_journal *j, struct bb_op *list)
{
    bool answered = false, retain = bb_retain_due(j);
    size_t n;
    list = cut(j, &list, SIZE_MAX, &n);
    if (!list && !retain)
        return;
    for (int tries = 0; tries < 3; tries++) {
        bool piece = retain && tries % 2 == 0;
        int rc = try(j, list, piece, &answered);
        if (piece)
            bb_retain_went(j, rc == 0);
        if (answered) /* by BB_JOURNAL_ACK_EARLY: their poster has them again */
            return;
        if (rc == 0) {
            answer(j, list);
            return;
        }
        if (rc < 0) {
            fail_all(j, list, j->pub.failed_text);
            return;
        }
        if (rc == 2)
            break;
        if (tries > 0)
            j->space.tight = true;
    }
    if (list)
        pieces(j, list, n > 1 ? n / 2 : 1);
    else
        j->ret.again_us = bb_mono_us() + WAIT_CLOSED_MS * 1000u;
}

/* ---- gathering -------------------------------------------------------------------------------------- */
static void cost(const struct bb_op *op, size_t *n, size_t *bytes)
{
    (*n)++;
    if (op->kind == BB_OP_APPEND) {
        *n += op->append.n;
        for (size_t i = 0; i < op->append.n; i++)
            *bytes += op->append.msgs[i].whole.len;
    } else if (op->kind == BB_OP_SETTLE) {
        *n += op->settle.n / 4;
        for (size_t i = 0; i < op->settle.n; i++)
            *bytes += op->settle.v[i].body.len + op->settle.v[i].event.len;
        if (op->settle.children)
            cost(op->settle.children, n, bytes);
    } else if (op->kind == BB_OP_MARK) {
        *n += op->mark.n / 4;
    } else if (op->kind == BB_OP_JOIN) {
        *n += op->join.n;
        *bytes += op->join.bytes;
    }
}

/* The next operations, in order, as many as one transaction should hold; waits for the first. */
static struct bb_op *gather(struct bb_journal *j, int wait_ms, bool *stop)
{
    struct bb_op *list = NULL, **tail = &list;
    size_t n = 0, bytes = 0;
    size_t most = j->wal.on && j->wal.size / 2 < TXN_BYTES ? (size_t)j->wal.size / 2 : TXN_BYTES;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)(wait_ms % 1000) * 1000000L;
    t.tv_sec += wait_ms / 1000 + t.tv_nsec / 1000000000L;
    t.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&j->in.lock);
    j->in.waiting = true;
    while (!j->in.head && !j->in.stop && !j->in.fresh_wanted && !(j->rebuild.on && j->rebuild.done) &&
           wait_ms > 0)
        if (pthread_cond_timedwait(&j->in.wake, &j->in.lock, &t) == ETIMEDOUT)
            break;
    j->in.waiting = false;
    while (j->in.head && n < TXN_MESSAGES && bytes < most) {
        struct bb_op *op = j->in.head;
        size_t more = 0, b = 0;
        cost(op, &more, &b);
        if (list && (n + more > TXN_MESSAGES || bytes + b > most))
            break;
        n += more;
        bytes += b;
        j->in.head = op->next;
        *tail = op;
        tail = &op->next;
    }
    *tail = NULL;
    if (!j->in.head)
        j->in.tail = &j->in.head;
    *stop = j->in.stop && !j->in.head;
    pthread_mutex_unlock(&j->in.lock);
    j->space.since += bytes;
    return list;
}

/* Before anything new, so that room which came free is theirs first. */
static void held_turn(struct bb_journal *j)
{
    if (j->held.n && bb_mono_us() - j->held.tried_us >= WAIT_CLOSED_MS * 1000u)
        held_again(j);
    while (j->held.n >= HELD_MAX && !stopping(j) && !atomic_load(&j->failed)) {
        nanosleep(&(struct timespec){0, WAIT_CLOSED_MS * 1000000L}, NULL);
        run(j, NULL); /* retention may make room */
        held_again(j);
    }
}

void *bb_writer_main(void *arg)
{
    struct bb_journal *j = arg;
    bool stop = false;
    while (!stop) {
        int wait = atomic_load(&j->intake) || j->held.n ? WAIT_CLOSED_MS : WAIT_MS;
        int soon = bb_txn_settle_ms(j);
        struct bb_op *list;
        held_turn(j);
        if (!atomic_load(&j->failed) && bb_retain_due(j))
            wait = 0;
        list = gather(j, soon < wait ? soon : wait, &stop);
        list = bb_rebuild_sort(j, list, &stop);
        if (!atomic_load(&j->failed) && bb_txn_settle_due(j))
            (void)bb_txn_settle(j);
        if (atomic_load(&j->failed)) {
            bb_txn_fresh_end(j);
            fail_all(j, bb_hold_take(j), j->pub.failed_text);
            fail_all(j, list, j->pub.failed_text);
            continue;
        }
        bb_space_check(j, false);
        wal_again(j);
        if (list || (!stop && bb_retain_due(j)))
            run(j, list);
    }
    (void)bb_rebuild_end(j, true);
    if (!atomic_load(&j->failed))
        held_again(j);
    if (!atomic_load(&j->failed))
        (void)bb_txn_settle(j);
    bb_txn_fresh_end(j);
    fail_all(j, bb_hold_take(j), atomic_load(&j->failed)
                                     ? j->pub.failed_text
                                     : "the journal was closed while its disk was full");
    return NULL;
}
