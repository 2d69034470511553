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
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BATCH_MESSAGES 20000u
#define BATCH_EVENTS 20000u
#define TURN_MS 300          /* then it commits */
#define IDLE_MS 100          /* wait for new work, so that it comes in batches */
#define OPEN_MAX_DAYS 4u
#define NAMES_MAX 65536u
#define FAILED_WAIT_MS 5000
#define NO_NAME UINT32_MAX
#define NO_EVENT UINT64_MAX

struct bb_index {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;                /* under lock */
    struct bb_journal *journal;
    struct bb_view *view;
    char *dir;
    char journal_id[33];
    struct bb_day *days;      /* by first_seq */
    size_t n, cap;
    uint64_t turn;
    _Atomic uint64_t next_seq, next_eseq;
    char (*endpoints)[64];    /* by number */
    size_t n_endpoints;
    struct { uint32_t id; char name[64]; } *routes;
    size_t n_routes;
    unsigned routes_edition;
    /* of the turn */
    uint32_t missing;         /* endpoint whose name must be looked up first */
    bool new_route;
    uint64_t eseq;            /* event being projected */
    uint64_t taken;
    int64_t until_ms;
    size_t bad;               /* file that failed with 1 */
    int status;
    struct bb_fault err;
};

/* ---- files ------------------------------------------------------------------------------------ */
static struct bb_day *day_insert(struct bb_index *x, size_t at, const char *name, uint64_t first)
{
    if (x->n == x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 16;
        struct bb_day *v = reallocarray(x->days, cap, sizeof(*v));

        if (!v)
            return NULL;
        x->days = v;
        x->cap = cap;
    }
    memmove(&x->days[at + 1], &x->days[at], (x->n - at) * sizeof(*x->days));
    x->n++;
    x->days[at] = (struct bb_day){.first_seq = first};
    snprintf(x->days[at].name, BB_DAY_NAME, "%s", name);
    return &x->days[at];
}

static void day_forget(struct bb_index *x, size_t at)
{
    bb_day_close(&x->days[at]);
    x->n--;
    memmove(&x->days[at], &x->days[at + 1], (x->n - at) * sizeof(*x->days));
}

static void day_files(struct bb_index *x, const char *name, const char *to)
{
    static const char *const tails[] = {"", "-wal", "-shm"};

    for (size_t i = 0; i < 3; i++) {
        char *from = bb_text("%s/%s.db%s", x->dir, name, tails[i]);
        char *dest = to ? bb_text("%s/%s.%s%s", x->dir, name, to, tails[i]) : NULL;

        if (from && (to ? dest && rename(from, dest) : unlink(from)) < 0 && errno != ENOENT)
            bb_logf(BB_LOG_WARN, "index: cannot remove %s: %s", from, strerror(errno));
        free(from);
        free(dest);
    }
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

static int note(struct bb_index *x, struct bb_day *d, int rc)
{
    if (rc) {
        x->status = rc;
        x->bad = (size_t)(d - x->days);
    }
    return rc;
}

static void close_oldest(struct bb_index *x)
{
    struct bb_day *oldest = NULL;
    size_t open = 0;

    for (size_t i = 0; i < x->n; i++) {
        struct bb_day *d = &x->days[i];

        open += d->db != NULL;
        if (d->db && !d->in_transaction && (!oldest || d->used < oldest->used))
            oldest = d;
    }
    if (open >= OPEN_MAX_DAYS && oldest)
        bb_day_close(oldest);
}

static int put_position(struct bb_index *x, struct bb_day *d, uint64_t seq, uint64_t eseq)
{
    sqlite3_bind_int64(d->q[BB_Q_POSITION], 1, (sqlite3_int64)seq);
    sqlite3_bind_int64(d->q[BB_Q_POSITION], 2, (sqlite3_int64)eseq);
    sqlite3_bind_text(d->q[BB_Q_POSITION], 3, x->journal_id, -1, SQLITE_STATIC);
    return note(x, d, bb_day_run(d, BB_Q_POSITION, &x->err));
}

/* Open, and inside a transaction. */
static int day_use(struct bb_index *x, struct bb_day *d)
{
    bool fresh = false;
    int rc;

    d->used = x->turn;
    if (!d->db) {
        close_oldest(x);
        if ((rc = note(x, d, bb_day_open(d, x->dir, x->journal_id, &x->err))) != 0)
            return rc;
        d->routes = 0;
        fresh = true;
    }
    if (!d->in_transaction && (rc = note(x, d, bb_day_run(d, BB_Q_BEGIN, &x->err))) != 0)
        return rc;
    if (fresh) {
        uint64_t seq, eseq, first;

        rc = note(x, d, bb_day_position(d, &seq, &eseq, &first, &x->err));
        if (rc == 0 && !first && !seq) /* names its journal from the first commit on */
            rc = put_position(x, d, 0, 0);
        return rc;
    }
    return 0;
}

/* ---- messages ---------------------------------------------------------------------------------- */
static void bind(sqlite3_stmt *s, int i, struct bb_bytes v)
{
    if (v.ptr)
        sqlite3_bind_text(s, i, v.ptr, (int)v.len, SQLITE_STATIC);
    else
        sqlite3_bind_null(s, i);
}

static int put_delivery(struct bb_index *x, struct bb_day *d, enum bb_day_sql q, uint32_t route,
                        uint64_t seq, unsigned state, uint64_t ms)
{
    sqlite3_stmt *s = d->q[q];

    sqlite3_bind_int64(s, 1, route);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)seq);
    sqlite3_bind_text(s, 3, state < BB_D_STATES ? bb_dstate_names[state] : "?", -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 4, (sqlite3_int64)ms);
    return note(x, d, bb_day_run(d, q, &x->err));
}

static bool route_known(const struct bb_index *x, uint32_t id)
{
    for (size_t i = 0; i < x->n_routes; i++)
        if (x->routes[i].id == id)
            return true;
    return id == BB_ROUTE_UNMATCHED;
}

static int put_message(struct bb_index *x, struct bb_day *d, const struct bb_record *rec)
{
    struct bb_envelope e = {0};
    sqlite3_stmt *s = d->q[BB_Q_MESSAGE];
    const char *endpoint = rec->endpoint < x->n_endpoints ? x->endpoints[rec->endpoint] : "";
    int i = 4, rc;

    if (rec->bad || bb_envelope_read(rec->whole, &e, NULL) < 0)
        e = (struct bb_envelope){0};
    sqlite3_bind_int64(s, 1, (sqlite3_int64)rec->seq);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)rec->accept_ms);
    bind(s, 3, (struct bb_bytes){endpoint, strlen(endpoint)});
    bind(s, i++, e.id);
    bind(s, i++, e.source);
    bind(s, i++, e.type);
    bind(s, i++, e.item);
    bind(s, i++, e.plant);
    bind(s, i++, e.revision);
    bind(s, i++, e.change);
    bind(s, i++, e.correlationid);
    sqlite3_bind_int(s, i, rec->conflict);
    rc = note(x, d, bb_day_run(d, BB_Q_MESSAGE, &x->err));
    sqlite3_clear_bindings(s); /* they point into the record */
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

    if (rec->endpoint < NAMES_MAX &&
        (rec->endpoint >= x->n_endpoints || !*x->endpoints[rec->endpoint])) {
        x->missing = rec->endpoint; /* the view cannot be asked from inside a call of its own */
        return 1;
    }
    d = day_for(x, rec->seq, rec->accept_ms);
    if (!d) {
        x->status = bb_fail(&x->err, "out of memory");
        return 1;
    }
    if (day_use(x, d) || put_message(x, d, rec))
        return 1;
    atomic_store(&x->next_seq, rec->seq + 1);
    x->taken++;
    return bb_mono_ms() >= x->until_ms;
}

static int learn_endpoint(struct bb_index *x, uint32_t id)
{
    if (id >= x->n_endpoints) {
        size_t n = id + 16u;
        char(*v)[64] = reallocarray(x->endpoints, n, sizeof(*v));

        if (!v)
            return bb_fail(&x->err, "out of memory");
        memset(v + x->n_endpoints, 0, (n - x->n_endpoints) * sizeof(*v));
        x->endpoints = v;
        x->n_endpoints = n;
    }
    if (bb_view_name(x->view, id, x->endpoints[id]) < 0 || !*x->endpoints[id])
        snprintf(x->endpoints[id], 64, "endpoint %u", id);
    return 0;
}

static int on_route(void *arg, const char *name, const struct bb_route_state *s)
{
    struct bb_index *x = arg;
    void *v;

    if (route_known(x, s->id) || x->n_routes == NAMES_MAX)
        return 0;
    v = reallocarray(x->routes, x->n_routes + 1, sizeof(*x->routes));
    if (!v)
        return 1;
    x->routes = v;
    x->routes[x->n_routes].id = s->id;
    snprintf(x->routes[x->n_routes++].name, 64, "%s", name);
    x->routes_edition++;
    return 0;
}

/* ---- events --------------------------------------------------------------------------------------- */
static int put_range(struct bb_index *x, struct bb_day *d, const struct bb_event *ev, uint64_t from,
                     uint64_t to)
{
    sqlite3_stmt *s = d->q[BB_Q_STATE];

    sqlite3_bind_text(s, 1, ev->to < BB_D_STATES ? bb_dstate_names[ev->to] : "?", -1,
                      SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)ev->time_ms);
    sqlite3_bind_int64(s, 3, ev->route);
    sqlite3_bind_int64(s, 4, (sqlite3_int64)from);
    sqlite3_bind_int64(s, 5, (sqlite3_int64)to);
    return note(x, d, bb_day_run(d, BB_Q_STATE, &x->err));
}

/* Routes that began with older messages have deliveries which those messages do not name. */
static int put_missing(struct bb_index *x, struct bb_day *d, const struct bb_event *ev,
                       uint64_t from, uint64_t to)
{
    int rc = 0;

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
        struct bb_day *d = &x->days[i];

        if (from >= to)
            continue;
        if (day_use(x, d) || put_range(x, d, ev, from, to))
            return 1;
        if ((uint64_t)sqlite3_changes(d->db) != to - from && put_missing(x, d, ev, from, to))
            return 1;
    }
    x->taken++;
    return 0;
}

/* ---- a turn ------------------------------------------------------------------------------------------ */
static int put_routes(struct bb_index *x, struct bb_day *d)
{
    for (size_t i = 0; i < x->n_routes && d->routes != x->routes_edition; i++) {
        sqlite3_bind_int64(d->q[BB_Q_ROUTE], 1, x->routes[i].id);
        sqlite3_bind_text(d->q[BB_Q_ROUTE], 2, x->routes[i].name, -1, SQLITE_STATIC);
        if (note(x, d, bb_day_run(d, BB_Q_ROUTE, &x->err)))
            return x->status;
    }
    d->routes = x->routes_edition;
    return 0;
}

static int commit(struct bb_index *x)
{
    struct bb_day *head = x->n ? &x->days[x->n - 1] : NULL;

    if (!head)
        return 0;
    for (size_t i = 0; i + 1 < x->n; i++) {
        struct bb_day *d = &x->days[i];

        if (d->in_transaction && (put_routes(x, d) || note(x, d, bb_day_run(d, BB_Q_COMMIT, &x->err))))
            return x->status;
    }
    if (day_use(x, head) || put_routes(x, head) ||
        put_position(x, head, atomic_load(&x->next_seq), atomic_load(&x->next_eseq)))
        return x->status;
    return note(x, head, bb_day_run(head, BB_Q_COMMIT, &x->err));
}

static void rollback(struct bb_index *x)
{
    struct bb_fault ignored;

    for (size_t i = 0; i < x->n; i++) {
        if (!x->days[i].in_transaction)
            continue;
        /* a rollback that fails leaves the file to its next opening */
        if (bb_day_run(&x->days[i], BB_Q_ROLLBACK, &ignored))
            bb_day_close(&x->days[i]);
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
            x->status = learn_endpoint(x, x->missing);
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
    return x->status || !x->taken ? x->status : commit(x);
}

/* Files whose messages the journal has let go. */
static void retire(struct bb_index *x)
{
    struct bb_journal_stats s;

    bb_journal_stats(x->journal, &s);
    while (x->n > 1 && x->days[1].first_seq <= s.first_seq) {
        char name[BB_DAY_NAME];

        snprintf(name, sizeof(name), "%s", x->days[0].name);
        day_forget(x, 0);
        day_files(x, name, NULL);
        bb_log_kv(BB_LOG_INFO, "index: a day is past retention", "day", name, NULL);
    }
}

static void set_aside(struct bb_index *x, size_t at)
{
    char name[BB_DAY_NAME], tail[48];

    snprintf(name, sizeof(name), "%s", x->days[at].name);
    snprintf(tail, sizeof(tail), "damaged-%llu", (unsigned long long)bb_wall_ms());
    day_forget(x, at);
    day_files(x, name, tail);
    bb_log_kv(BB_LOG_ERROR, "index: a file cannot be used and was set aside; building it again",
              "day", name, "why", x->err.text, "now", tail, NULL);
}

/* ---- start ----------------------------------------------------------------------------------------------- */
static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct bb_day *)a)->name, ((const struct bb_day *)b)->name);
}

/* The files there are, their ranges, and the newest one's position. */
static int load(struct bb_index *x, struct bb_fault *err)
{
    DIR *dir = opendir(x->dir);
    char name[BB_DAY_NAME];
    struct dirent *e;
    bool rewind = false;
    uint64_t seq = 0, eseq = 0;

    if (!dir)
        return bb_fail(err, "cannot read %s: %s", x->dir, strerror(errno));
    while ((e = readdir(dir)))
        if (bb_day_is(e->d_name, name) && !day_insert(x, x->n, name, 0)) {
            closedir(dir);
            return bb_fail(err, "out of memory");
        }
    closedir(dir);
    if (x->n)
        qsort(x->days, x->n, sizeof(*x->days), by_name);
    for (size_t i = 0; i < x->n;) {
        struct bb_day *d = &x->days[i];
        int rc = bb_day_open(d, x->dir, x->journal_id, &x->err);

        if (rc == 0)
            rc = bb_day_position(d, &seq, &eseq, &d->first_seq, &x->err);
        if (rc < 0) {
            *err = x->err;
            return -1;
        }
        if (rc > 0 || !d->first_seq) { /* damaged, or empty after a crash */
            rewind |= rc > 0;
            if (rc > 0) {
                set_aside(x, i);
            } else {
                snprintf(name, sizeof(name), "%s", d->name);
                day_forget(x, i);
                day_files(x, name, NULL);
            }
            continue;
        }
        bb_day_close(d);
        atomic_store(&x->next_seq, seq);
        atomic_store(&x->next_eseq, eseq);
        i++;
    }
    if (rewind || !x->n) {
        atomic_store(&x->next_seq, 0);
        atomic_store(&x->next_eseq, 0);
    }
    return 0;
}

static void pause_ms(struct bb_index *x, unsigned ms, bool *stop)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000u;
    t.tv_nsec += (long)(ms % 1000u) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&x->lock);
    while (ms && !x->stop && pthread_cond_timedwait(&x->wake, &x->lock, &t) == 0)
        ;
    *stop = x->stop;
    pthread_mutex_unlock(&x->lock);
}

static void *thread(void *arg)
{
    struct bb_index *x = arg;
    int64_t retire_ms = 0;
    unsigned wait = 0, failures = 0;
    bool stop = false;

    pthread_setname_np(pthread_self(), "busbar-index");
    setpriority(PRIO_PROCESS, (id_t)gettid(), 10); /* never in the way of intake */
    for (;;) {
        uint64_t seq = atomic_load(&x->next_seq), eseq = atomic_load(&x->next_eseq);
        int64_t begun;
        int rc;

        pause_ms(x, wait, &stop);
        if (stop)
            break;
        begun = bb_mono_ms();
        rc = turn(x);
        /* cut short by its limits: there is more */
        wait = x->taken >= BATCH_MESSAGES / 2 || bb_mono_ms() - begun >= TURN_MS ? 0 : IDLE_MS;
        if (rc) {
            rollback(x);
            atomic_store(&x->next_seq, rc > 0 ? 0 : seq);
            atomic_store(&x->next_eseq, rc > 0 ? 0 : eseq);
            wait = FAILED_WAIT_MS;
            if (rc > 0)
                set_aside(x, x->bad);
            else if (failures++ % 60 == 0)
                bb_log_kv(BB_LOG_ERROR, "index: stands still, tried again", "why", x->err.text, NULL);
            if (rc > 0)
                wait = IDLE_MS;
            continue;
        }
        failures = 0;
        if (bb_mono_ms() >= retire_ms) {
            retire(x);
            retire_ms = bb_mono_ms() + 10000;
        }
    }
    return NULL;
}

static void index_free(struct bb_index *x)
{
    while (x->n)
        day_forget(x, x->n - 1);
    if (x->view)
        bb_view_close(&x->view);
    free(x->days);
    free(x->endpoints);
    free(x->routes);
    free(x->dir);
    pthread_cond_destroy(&x->wake);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

struct bb_index *bb_index_start(struct bb_journal *j, const char *state_dir, struct bb_fault *err)
{
    struct bb_index *x = calloc(1, sizeof(*x));
    pthread_condattr_t attr;
    const uint8_t *id = bb_journal_id(j);
    int rc;

    if (!x) {
        bb_fail(err, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&x->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&x->wake, &attr);
    pthread_condattr_destroy(&attr);
    x->journal = j;
    for (size_t i = 0; i < 16; i++)
        snprintf(x->journal_id + 2 * i, 3, "%02x", id[i]);
    x->dir = bb_text("%s/index", state_dir);
    x->view = bb_view_of(j);
    if (!x->dir || !x->view)
        bb_fail(err, "out of memory");
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
    pthread_mutex_lock(&x->lock);
    x->stop = true;
    pthread_cond_signal(&x->wake);
    pthread_mutex_unlock(&x->lock);
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
