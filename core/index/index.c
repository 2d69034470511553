/*
 * index.c - follows the journal and writes the day files
 *
 * One thread, of low priority. A turn takes a bounded batch of messages and then of events, whose
 * messages must be there already, and commits: first older files, the newest with the position
 * last. Projecting something twice changes nothing, so a crash between two commits, or a rewind
 * after damage, only costs time.
 *
 * Files hold consecutive ranges of numbers: a message goes to the file of the range it falls into,
 * or opens the file of its day, so a clock that steps back does not scatter them.
 */
#define _GNU_SOURCE 1
#include "core/index/internal.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define BATCH_MESSAGES 20000u
#define BATCH_EVENTS 20000u
#define TURN_MS 300          /* then it commits */
#define IDLE_MS 100          /* wait for new work, so that it comes in batches */
#define OPEN_MAX_DAYS 4u
#define NAMES_MAX 65536u
#define FAILED_WAIT_MS 5000
#define RETIRE_MS 10000
#define NO_NAME UINT32_MAX
#define NO_EVENT UINT64_MAX

struct names {
    struct name { uint32_t id; char text[64]; } *v;
    size_t n;
};
struct bb_index {
    pthread_t thread;
    int stop_fd; /* readable: end */
    struct bb_journal *journal;
    struct bb_view *view;
    char *dir;
    char journal_id[33];
    struct bb_day *days; /* by first_seq */
    size_t n;
    uint64_t turn;
    _Atomic uint64_t next_seq, next_eseq;
    struct names endpoints, routes;
    /* of the turn */
    uint32_t missing; /* endpoint whose name must be looked up first */
    bool new_route;
    uint64_t eseq;    /* event being projected */
    uint64_t taken;
    int64_t until_ms;
    size_t bad;       /* file that failed with 1 */
    int status;
    struct bb_fault err;
};

/* ---- names ----------------------------------------------------------------------------------- */
static const char *name_of(const struct names *l, uint32_t id)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].id == id)
            return l->v[i].text;
    return NULL;
}

static int name_add(struct names *l, uint32_t id, const char *text)
{
    struct name *v = reallocarray(l->v, l->n + 1, sizeof(*v));

    if (!v)
        return -1;
    l->v = v;
    v[l->n].id = id;
    snprintf(v[l->n++].text, sizeof(v->text), "%s", text);
    return 0;
}

static int endpoint_learn(struct bb_index *x, uint32_t id)
{
    char name[64];

    if (bb_view_name(x->view, id, name) < 0 || !*name)
        snprintf(name, sizeof(name), "endpoint %u", id);
    return name_add(&x->endpoints, id, name) < 0 ? bb_fail(&x->err, "out of memory") : 0;
}

static int on_route(void *arg, const char *name, const struct bb_route_state *s)
{
    struct bb_index *x = arg;

    if (name_of(&x->routes, s->id) || x->routes.n == NAMES_MAX)
        return 0;
    return name_add(&x->routes, s->id, name) < 0;
}

/* ---- files ----------------------------------------------------------------------------------- */
static struct bb_day *day_insert(struct bb_index *x, size_t at, const char *name, uint64_t first)
{
    struct bb_day *v = reallocarray(x->days, x->n + 1, sizeof(*v));

    if (!v)
        return NULL;
    x->days = v;
    memmove(&v[at + 1], &v[at], (x->n++ - at) * sizeof(*v));
    v[at] = (struct bb_day){.first_seq = first};
    snprintf(v[at].name, BB_DAY_NAME, "%s", name);
    return &v[at];
}

/* Takes the file out of the index: renamed when there is a new tail, else removed. */
static void day_remove(struct bb_index *x, size_t at, const char *tail)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char name[BB_DAY_NAME];

    snprintf(name, sizeof(name), "%s", x->days[at].name);
    bb_day_close(&x->days[at]);
    x->n--;
    memmove(&x->days[at], &x->days[at + 1], (x->n - at) * sizeof(*x->days));
    for (size_t i = 0; i < 3; i++) {
        char *from = bb_text("%s/%s.db%s", x->dir, name, tails[i]);
        char *to = tail ? bb_text("%s/%s.%s%s", x->dir, name, tail, tails[i]) : NULL;

        if (from && (tail ? to && rename(from, to) : unlink(from)) < 0 && errno != ENOENT)
            bb_logf(BB_LOG_WARN, "index: cannot remove %s: %s", from, strerror(errno));
        free(from);
        free(to);
    }
}

static void set_aside(struct bb_index *x, size_t at)
{
    char name[BB_DAY_NAME], tail[48];

    snprintf(name, sizeof(name), "%s", x->days[at].name);
    snprintf(tail, sizeof(tail), "damaged-%llu", (unsigned long long)bb_wall_ms());
    day_remove(x, at, tail);
    bb_log_kv(BB_LOG_ERROR, "index: a file cannot be used and was set aside; building it again",
              "day", name, "why", x->err.text, "now", tail, NULL);
}

/* The file for a message; NULL without memory. */
static struct bb_day *day_for(struct bb_index *x, uint64_t seq, uint64_t accept_ms)
{
    char name[BB_DAY_NAME];
    size_t at = x->n; /* files that begin at or below seq */

    while (at && x->days[at - 1].first_seq > seq)
        at--;
    bb_day_of(accept_ms, name);
    if (at && strcmp(name, x->days[at - 1].name) <= 0)
        return &x->days[at - 1];
    if (at < x->n && strcmp(name, x->days[at].name) >= 0) {
        x->days[at].first_seq = seq;
        return &x->days[at];
    }
    return day_insert(x, at, name, seq);
}

/* What a call on a file gave; 0 goes on. */
static int note(struct bb_index *x, struct bb_day *d, int rc)
{
    if (rc) {
        x->status = rc;
        x->bad = (size_t)(d - x->days);
    }
    return rc;
}

static int run(struct bb_index *x, struct bb_day *d, enum bb_day_sql q)
{
    return note(x, d, bb_day_run(d, q, &x->err));
}

static void close_oldest(struct bb_index *x)
{
    struct bb_day *oldest = NULL;
    size_t open = 0;

    for (struct bb_day *d = x->days; d < x->days + x->n; d++) {
        open += d->db != NULL;
        if (d->db && !d->in_transaction && (!oldest || d->used < oldest->used))
            oldest = d;
    }
    if (open >= OPEN_MAX_DAYS && oldest)
        bb_day_close(oldest);
}

/* Open, and inside a transaction. */
static int day_use(struct bb_index *x, struct bb_day *d)
{
    struct bb_day_position pos;

    d->used = x->turn;
    if (!d->db) {
        close_oldest(x);
        if (note(x, d, bb_day_open(d, x->dir, x->journal_id, &pos, &x->err)))
            return x->status;
    }
    return d->in_transaction ? 0 : run(x, d, BB_Q_BEGIN);
}

/* ---- messages -------------------------------------------------------------------------------- */
static const char *state_name(unsigned state)
{
    return state < BB_D_STATES ? bb_dstate_names[state] : "?";
}

static int put_delivery(struct bb_index *x, struct bb_day *d, enum bb_day_sql q, uint32_t route,
                        uint64_t seq, unsigned state, uint64_t ms)
{
    bb_day_bind(d, q, "nnsn", (uint64_t)route, seq, state_name(state), ms);
    return run(x, d, q);
}

static bool route_known(const struct bb_index *x, uint32_t id)
{
    return id == BB_ROUTE_UNMATCHED || name_of(&x->routes, id);
}

static int put_message(struct bb_index *x, struct bb_day *d, const struct bb_record *rec)
{
    const char *endpoint = name_of(&x->endpoints, rec->endpoint);
    struct bb_envelope e = {0};
    int rc;

    if (rec->bad || bb_envelope_read(rec->whole, &e, NULL) < 0)
        e = (struct bb_envelope){0};
    bb_day_bind(d, BB_Q_MESSAGE, "nnsbbbbbbbbn", rec->seq, rec->accept_ms, endpoint ? endpoint : "",
                e.id, e.source, e.type, e.item, e.plant, e.revision, e.change, e.correlationid,
                (uint64_t)rec->conflict);
    rc = run(x, d, BB_Q_MESSAGE);
    for (size_t m = 0; rc == 0 && m < rec->n_matches; m++) {
        x->new_route |= !route_known(x, rec->matches[m].route);
        rc = put_delivery(x, d, BB_Q_DELIVERY, rec->matches[m].route, rec->seq, BB_D_WAITING,
                          rec->accept_ms);
    }
    if (rc == 0 && !rec->n_matches)
        rc = put_delivery(x, d, BB_Q_DELIVERY, BB_ROUTE_UNMATCHED, rec->seq, BB_D_QUARANTINED,
                          rec->accept_ms);
    return rc;
}

static int on_message(void *arg, const struct bb_record *rec)
{
    struct bb_index *x = arg;
    struct bb_day *d;

    if (x->endpoints.n < NAMES_MAX && !name_of(&x->endpoints, rec->endpoint)) {
        x->missing = rec->endpoint; /* the view cannot be asked from inside a call of its own */
        return 1;
    }
    d = day_for(x, rec->seq, rec->accept_ms);
    if (!d)
        x->status = bb_fail(&x->err, "out of memory");
    if (!d || day_use(x, d) || put_message(x, d, rec))
        return 1;
    atomic_store(&x->next_seq, rec->seq + 1);
    x->taken++;
    return bb_mono_ms() >= x->until_ms;
}

/* ---- events ---------------------------------------------------------------------------------- */
/* The part of an event's range that is in one file. */
static int put_part(struct bb_index *x, struct bb_day *d, const struct bb_event *ev, uint64_t from,
                    uint64_t to)
{
    int rc = day_use(x, d);

    if (rc)
        return rc;
    bb_day_bind(d, BB_Q_STATE, "snnnn", state_name(ev->to), ev->time_ms, (uint64_t)ev->route, from,
                to);
    rc = run(x, d, BB_Q_STATE);
    if (rc || (uint64_t)sqlite3_changes(d->db) == to - from)
        return rc;
    /* routes that began with older messages have deliveries which those messages do not name */
    for (; from < to && rc == 0; from++)
        rc = put_delivery(x, d, BB_Q_ONE, ev->route, from, ev->to, ev->time_ms);
    return rc;
}

/* An event may come as several ranges of one number: the position moves past it only with the next
 * number, or at the end of the batch. */
static int on_event(void *arg, const struct bb_event *ev)
{
    struct bb_index *x = arg;
    uint64_t end = ev->first + ev->count;

    if (ev->eseq != x->eseq) {
        x->eseq = ev->eseq;
        atomic_store(&x->next_eseq, ev->eseq);
        if (bb_mono_ms() >= x->until_ms)
            return 1;
    }
    if (end > atomic_load(&x->next_seq))
        return 1; /* its messages come first */
    x->new_route |= !route_known(x, ev->route);
    for (size_t i = 0; i < x->n && ev->first && x->days[i].first_seq < end; i++) {
        uint64_t from = x->days[i].first_seq > ev->first ? x->days[i].first_seq : ev->first;
        uint64_t to = i + 1 < x->n && x->days[i + 1].first_seq < end ? x->days[i + 1].first_seq
                                                                     : end;

        if (from < to && put_part(x, &x->days[i], ev, from, to))
            return 1;
    }
    x->taken++;
    return 0;
}

/* ---- a turn ---------------------------------------------------------------------------------- */
/* The names of routes that it does not have yet, the position where one is due, and the commit. */
static int day_commit(struct bb_index *x, struct bb_day *d, bool position)
{
    for (; d->routes < x->routes.n; d->routes++) {
        const struct name *r = &x->routes.v[d->routes];

        bb_day_bind(d, BB_Q_ROUTE, "ns", (uint64_t)r->id, r->text);
        if (run(x, d, BB_Q_ROUTE))
            return x->status;
    }
    if (position) {
        bb_day_bind(d, BB_Q_POSITION, "nns", atomic_load(&x->next_seq), atomic_load(&x->next_eseq),
                    x->journal_id);
        if (run(x, d, BB_Q_POSITION))
            return x->status;
    }
    return run(x, d, BB_Q_COMMIT);
}

static int commit(struct bb_index *x)
{
    struct bb_day *head = x->days + x->n - 1;

    for (struct bb_day *d = x->days; d < head; d++)
        if (d->in_transaction && day_commit(x, d, false))
            return x->status;
    return day_use(x, head) ? x->status : day_commit(x, head, true);
}

static void rollback(struct bb_index *x)
{
    struct bb_fault ignored;

    for (struct bb_day *d = x->days; d < x->days + x->n; d++) {
        d->routes = 0; /* those that were written may be undone */
        if (d->in_transaction && bb_day_run(d, BB_Q_ROLLBACK, &ignored))
            bb_day_close(d); /* which leaves it to its next opening */
    }
}

/* One batch: 0, with x->taken; -1 to be tried later; 1 a file is to be set aside. */
static int turn(struct bb_index *x)
{
    x->turn++;
    x->taken = 0;
    x->status = 0;
    x->new_route = x->turn == 1;
    x->until_ms = bb_mono_ms() + TURN_MS;
    do {
        x->missing = NO_NAME;
        if (bb_view_messages(x->view, atomic_load(&x->next_seq), BATCH_MESSAGES, on_message, x) < 0 &&
            !x->status)
            x->status = bb_fail(&x->err, "cannot read the journal's messages");
        if (!x->status && x->missing != NO_NAME)
            x->status = endpoint_learn(x, x->missing);
    } while (!x->status && x->missing != NO_NAME && bb_mono_ms() < x->until_ms);
    x->until_ms = bb_mono_ms() + TURN_MS;
    x->eseq = NO_EVENT;
    if (!x->status) {
        int rc = bb_view_events(x->view, atomic_load(&x->next_eseq), BATCH_EVENTS, on_event, x);

        if (rc < 0 && !x->status)
            x->status = bb_fail(&x->err, "cannot read the journal's events");
        if (rc == 0 && x->eseq != NO_EVENT)
            atomic_store(&x->next_eseq, x->eseq + 1);
    }
    if (!x->status && x->new_route)
        bb_view_routes(x->view, on_route, x);
    return x->status || !x->taken || !x->n ? x->status : commit(x);
}

/* Files whose messages the journal has let go. */
static void retire(struct bb_index *x)
{
    struct bb_journal_stats s;

    bb_journal_stats(x->journal, &s);
    while (x->n > 1 && x->days[1].first_seq <= s.first_seq) {
        bb_log_kv(BB_LOG_INFO, "index: a day is past retention", "day", x->days[0].name, NULL);
        day_remove(x, 0, NULL);
    }
}

/* How long to wait after it, in ms. */
static int turn_whole(struct bb_index *x, unsigned *failures)
{
    uint64_t seq = atomic_load(&x->next_seq), eseq = atomic_load(&x->next_eseq);
    int64_t begun = bb_mono_ms();
    int rc = turn(x);

    if (rc == 0) {
        *failures = 0;
        /* cut short by its limits: there is more */
        return x->taken >= BATCH_MESSAGES / 2 || bb_mono_ms() - begun >= TURN_MS ? 0 : IDLE_MS;
    }
    rollback(x);
    atomic_store(&x->next_seq, rc > 0 ? 0 : seq);
    atomic_store(&x->next_eseq, rc > 0 ? 0 : eseq);
    if (rc > 0) {
        set_aside(x, x->bad);
        return IDLE_MS;
    }
    if ((*failures)++ % 60 == 0)
        bb_log_kv(BB_LOG_ERROR, "index: stands still, tried again", "why", x->err.text, NULL);
    return FAILED_WAIT_MS;
}

static void *thread(void *arg)
{
    struct bb_index *x = arg;
    struct pollfd stop = {.fd = x->stop_fd, .events = POLLIN};
    int64_t retire_ms = 0;
    unsigned failures = 0;

    pthread_setname_np(pthread_self(), "busbar-index");
    setpriority(PRIO_PROCESS, (id_t)gettid(), 10); /* never in the way of intake */
    for (int wait = 0; poll(&stop, 1, wait) <= 0; wait = turn_whole(x, &failures))
        if (!failures && bb_mono_ms() >= retire_ms) {
            retire(x);
            retire_ms = bb_mono_ms() + RETIRE_MS;
        }
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */
static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct bb_day *)a)->name, ((const struct bb_day *)b)->name);
}

static int list(struct bb_index *x, struct bb_fault *err)
{
    DIR *dir = opendir(x->dir);
    char name[BB_DAY_NAME];
    struct dirent *e;
    int rc = 0;

    if (!dir)
        return bb_fail(err, "cannot read %s: %s", x->dir, strerror(errno));
    while (rc == 0 && (e = readdir(dir)))
        if (bb_day_is(e->d_name, name) && !day_insert(x, x->n, name, 0))
            rc = bb_fail(err, "out of memory");
    closedir(dir);
    if (x->n)
        qsort(x->days, x->n, sizeof(*x->days), by_name);
    return rc;
}

/* The files there are, their ranges, and the newest one's position. */
static int load(struct bb_index *x, struct bb_fault *err)
{
    struct bb_day_position pos = {0};
    bool rewind = false;

    if (list(x, err) < 0)
        return -1;
    for (size_t i = 0; i < x->n;) {
        struct bb_day *d = &x->days[i];
        int rc = bb_day_open(d, x->dir, x->journal_id, &pos, &x->err);

        if (rc < 0) {
            *err = x->err;
            return -1;
        }
        if (rc > 0) {
            set_aside(x, i);
            rewind = true;
        } else if (!pos.first_seq) { /* empty after a crash */
            day_remove(x, i, NULL);
        } else {
            bb_day_close(d);
            d->first_seq = pos.first_seq;
            atomic_store(&x->next_seq, pos.seq);
            atomic_store(&x->next_eseq, pos.eseq);
            i++;
        }
    }
    if (rewind) {
        atomic_store(&x->next_seq, 0);
        atomic_store(&x->next_eseq, 0);
    }
    return 0;
}

static void index_free(struct bb_index *x)
{
    while (x->n)
        bb_day_close(&x->days[--x->n]);
    if (x->view)
        bb_view_close(&x->view);
    if (x->stop_fd >= 0)
        close(x->stop_fd);
    free(x->days);
    free(x->endpoints.v);
    free(x->routes.v);
    free(x->dir);
    free(x);
}

struct bb_index *bb_index_start(struct bb_journal *j, const char *state_dir, struct bb_fault *err)
{
    struct bb_index *x = calloc(1, sizeof(*x));
    const uint8_t *id = bb_journal_id(j);
    int rc;

    if (!x) {
        bb_fail(err, "out of memory");
        return NULL;
    }
    x->journal = j;
    for (size_t i = 0; i < 16; i++)
        snprintf(x->journal_id + 2 * i, 3, "%02x", id[i]);
    x->dir = bb_text("%s/index", state_dir);
    x->view = bb_view_behind(j);
    x->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (!x->dir || !x->view || x->stop_fd < 0)
        bb_fail(err, "out of memory or descriptors");
    else if (bb_mkdirs(x->dir, 0700) < 0)
        bb_fail(err, "cannot make %s: %s", x->dir, strerror(errno));
    else if (load(x, err) == 0) {
        rc = pthread_create(&x->thread, NULL, thread, x);
        if (rc == 0)
            return x;
        bb_fail(err, "cannot start the index's thread: %s", strerror(rc));
    }
    index_free(x);
    return NULL;
}

void bb_index_stop(struct bb_index **ip)
{
    struct bb_index *x = *ip;

    if (!x)
        return;
    *ip = NULL;
    eventfd_write(x->stop_fd, 1);
    pthread_join(x->thread, NULL);
    index_free(x);
}

void bb_index_lag(const struct bb_index *i, uint64_t *messages, uint64_t *events)
{
    struct bb_journal_stats s;
    uint64_t seq = atomic_load(&((struct bb_index *)i)->next_seq);
    uint64_t eseq = atomic_load(&((struct bb_index *)i)->next_eseq);

    bb_journal_stats(i->journal, &s);
    if (seq < s.first_seq)
        seq = s.first_seq;
    *messages = s.next_seq > seq ? s.next_seq - seq : 0;
    *events = s.events > eseq ? s.events - eseq : 0;
}
