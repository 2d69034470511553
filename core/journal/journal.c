/*
 * journal.c - opening, closing, and what any thread may ask
 *
 * The folder's lock is a flock on <dir>/lock for as long as the journal is open; its text is the
 * holder's pid. Both threads start with every signal blocked.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#include "core/journal/internal.h"

#define TWO_METAS 8192 /* bytes: less than any store has */
#define RECOVER_US 1000000u /* a command that looks into the folder may be recovering it */

const struct bb_store *bb_journal_store(const struct bb_journal *j)
{
    return &j->store;
}

void bb_journal_say(struct bb_journal *j, int level, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    if (!j->o.log)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    j->o.log(j->o.arg, level, text);
}

/* ---- outboxes ------------------------------------------------------------------------------------ */
static int outbox_init(struct bb_outbox *b)
{
    pthread_mutex_init(&b->lock, NULL);
    b->tail = &b->head;
    b->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return b->fd < 0 ? -1 : 0;
}

void bb_outbox_put(struct bb_outbox *b, void *head, void **tail)
{
    static const uint64_t one = 1;
    bool wake;
    *tail = NULL;
    pthread_mutex_lock(&b->lock);
    *b->tail = head;
    b->tail = tail;
    wake = !b->signalled;
    b->signalled = true;
    pthread_mutex_unlock(&b->lock);
    if (wake)
        (void)!write(b->fd, &one, sizeof one); /* cannot fail: the counter is 0 or 1 */
}

void *bb_outbox_take(struct bb_outbox *b)
{
    uint64_t n;
    void *list;
    pthread_mutex_lock(&b->lock);
    list = b->head;
    b->head = NULL;
    b->tail = &b->head;
    /* signalled before the writer's write() reaches us: the wake-up that is late finds nothing */
    if (b->signalled && read(b->fd, &n, sizeof n) == (ssize_t)sizeof n)
        b->signalled = false;
    pthread_mutex_unlock(&b->lock);
    return list;
}

/* ---- opening --------------------------------------------------------------------------------------- */
/* 0, 1 when another process has it for longer than wait_us, -1 with err filled. */
static int folder_lock(const char *dir, int *fd, uint64_t wait_us, struct bb_fault *err)
{
    uint64_t end = bb_mono_us() + wait_us;
    char path[600], pid[32] = "";
    ssize_t n;
    int rc;
    snprintf(path, sizeof path, "%s/lock", dir);
    *fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd < 0)
        return bb_fail(err, "journal %s: cannot open its lock file: %s", dir, strerror(errno));
    while ((rc = flock(*fd, LOCK_EX | LOCK_NB)) != 0 && errno == EWOULDBLOCK && bb_mono_us() < end)
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    if (rc != 0) {
        if (errno != EWOULDBLOCK)
            return bb_fail(err, "journal %s: cannot lock it: %s", dir, strerror(errno));
        n = pread(*fd, pid, sizeof pid - 1, 0);
        pid[n > 0 ? n : 0] = 0;
        pid[strspn(pid, "0123456789")] = 0;
        bb_fail(err, "journal %s: in use by process %s: stop that core first", dir,
                *pid ? pid : "(unknown)");
        return 1;
    }
    n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(*fd, 0) != 0 || pwrite(*fd, pid, (size_t)n, 0) != n)
        return bb_fail(err, "journal %s: cannot write its lock file: %s", dir, strerror(errno));
    return 0;
}

/* With the lock held: the store as the last run left it, after a crash with the log done again. */
static int open_again(struct bb_store *s, struct bb_wal *l, const char *dir, uint64_t map_size,
                      struct bb_fault *err)
{
    char path[600];
    struct stat st;
    if (bb_wal_restore(l, err) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    if (!l->number && lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < TWO_METAS &&
        unlink(path) != 0) /* a crash while it was made: LMDB would take it for damage */
        return bb_fail(err, "journal: cannot remove %s, which was never finished: %s", path,
                       strerror(errno));
    if (bb_store_open(s, dir, map_size, l, err) == 0)
        return 0;
    if (!l->crashed)
        return -1;
    snprintf(path, sizeof path, "%s/reserve", dir); /* what a full disk lacks is held back there */
    if (unlink(path) == 0 && bb_store_open(s, dir, map_size, l, err) == 0)
        return 0;
    bb_wal_unrestore(l);
    return -1;
}

int bb_journal_recover(const char *dir, struct bb_fault *err)
{
    struct bb_store s = {0};
    struct bb_wal l;
    char path[600];
    int fd = -1, rc;
    snprintf(path, sizeof path, "%s/wal.0", dir);
    if (access(path, F_OK) != 0)
        return 0;
    rc = folder_lock(dir, &fd, 0, err);
    if (rc == 0) {
        bb_wal_init(&l, dir);
        rc = bb_wal_restore(&l, err);
        if (!rc && l.crashed)
            rc = bb_store_open(&s, dir, 0, &l, err);
        if (!rc && l.crashed) {
            int code = bb_wal_on(&l, &s);
            if (!code)
                code = bb_wal_off(&l, &s);
            rc = code ? bb_fail(err, "journal %s: cannot write: %s", dir, mdb_strerror(code)) : 0;
        }
        bb_wal_unpin(&l);
        bb_store_close(&s);
        bb_wal_free(&l);
    }
    if (fd >= 0)
        close(fd);
    if (rc == 1) /* what its core answered before is in the store by then */
        nanosleep(&(struct timespec){0, 2 * BB_SETTLE_MS * 1000000L}, NULL);
    return rc < 0 ? -1 : 0;
}

/* As large as pays, and no more than what the disk will not miss. */
static uint64_t log_size(const struct bb_journal *j)
{
    struct statvfs fs;
    uint64_t size = j->o.map_size / 64;
    if (j->o.wal_size)
        return j->o.wal_size;
    if (statvfs(j->dir, &fs) == 0 && size > (uint64_t)fs.f_bavail * fs.f_frsize / 32)
        size = (uint64_t)fs.f_bavail * fs.f_frsize / 32;
    size = size / BB_WAL_BLOCK * BB_WAL_BLOCK;
    return size < BB_WAL_MIN ? BB_WAL_MIN : size > BB_WAL_MAX ? BB_WAL_MAX : size;
}

static int log_start(struct bb_journal *j, struct bb_fault *err)
{
    int rc;
    memcpy(j->wal.id, j->store.id, sizeof j->wal.id);
    bb_wal_make(&j->wal, log_size(j));
    rc = bb_wal_on(&j->wal, &j->store);
    if (!rc && !j->wal.on && j->wal.crashed) /* the store is open without syncs */
        rc = ENOSPC;
    if (!rc && !j->wal.on)
        bb_journal_say(j, BB_LOG_WARN, "journal %s: no room for wal.0 and wal.1: each commit costs "
                       "two syncs until the next start", j->dir);
    return rc ? bb_fail(err, "journal %s: cannot begin its log: %s", j->dir, mdb_strerror(rc)) : 0;
}

static void sync_init(struct bb_journal *j)
{
    pthread_condattr_t a;
    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_mutex_init(&j->in.lock, NULL);
    pthread_cond_init(&j->in.wake, &a);
    pthread_cond_init(&j->in.named, &a);
    pthread_cond_init(&j->in.fresh, &a);
    pthread_mutex_init(&j->rd.lock, NULL);
    pthread_cond_init(&j->rd.wake, &a);
    pthread_mutex_init(&j->pub.lock, NULL);
    pthread_condattr_destroy(&a);
    j->in.tail = &j->in.head;
    j->rd.tail = &j->rd.head;
}

static int threads_start(struct bb_journal *j, struct bb_fault *err)
{
    sigset_t all, before;
    int rc;
    sigfillset(&all);
    sigdelset(&all, SIGBUS); /* blocked, these end the process before bb_journal_guard's word */
    sigdelset(&all, SIGSEGV);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = bb_rebuild_start(j);
    if (!rc)
        rc = pthread_create(&j->writer, NULL, bb_writer_main, j);
    j->writer_on = rc == 0;
    if (!rc)
        rc = bb_wal_thread_start(&j->wal);
    if (!rc) {
        rc = pthread_create(&j->reader, NULL, bb_reader_main, j);
        j->reader_on = rc == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc ? bb_fail(err, "journal %s: cannot start a thread: %s", j->dir, mdb_strerror(rc)) : 0;
}

struct bb_journal *bb_journal_open(const struct bb_journal_options *o, struct bb_fault *err)
{
    struct bb_journal *j = calloc(1, sizeof *j);
    if (!j) {
        bb_fail(err, "journal: no memory");
        return NULL;
    }
    j->o = *o;
    j->lock_fd = j->reserve_fd = j->out.fd = j->rout.fd = -1;
    sync_init(j);
    bb_wal_init(&j->wal, o->dir);
    if (strlen(o->dir) >= sizeof j->dir) {
        bb_fail(err, "journal: the state folder's name is longer than %zu", sizeof j->dir - 1);
        goto fail;
    }
    strcpy(j->dir, o->dir);
    j->o.dir = j->dir;
    if (bb_mkdirs(j->dir, 0700) != 0) {
        bb_fail(err, "journal %s: cannot create the folder: %s", j->dir, strerror(errno));
        goto fail;
    }
    if (outbox_init(&j->out) != 0 || outbox_init(&j->rout) != 0 ||
        !(j->pool = bb_arena_pool_new())) {
        bb_fail(err, "journal %s: %s", j->dir, strerror(errno));
        goto fail;
    }
    if (folder_lock(j->dir, &j->lock_fd, RECOVER_US, err) != 0 ||
        open_again(&j->store, &j->wal, j->dir, o->map_size, err) != 0 ||
        bb_journal_load(j, err) != 0 || log_start(j, err) != 0)
        goto fail;
    if (bb_reserve_make(j) != 0)
        bb_intake_close(j, "disk full: no room for the journal's reserve");
    bb_space_check(j, true);
    if (threads_start(j, err) != 0)
        goto fail;
    return j;
fail:
    bb_journal_close(&j);
    return NULL;
}

static void threads_stop(struct bb_journal *j)
{
    pthread_mutex_lock(&j->in.lock);
    j->in.stop = true;
    pthread_cond_signal(&j->in.wake);
    pthread_mutex_unlock(&j->in.lock);
    pthread_mutex_lock(&j->rd.lock);
    j->rd.stop = true;
    pthread_cond_signal(&j->rd.wake);
    pthread_mutex_unlock(&j->rd.lock);
    if (j->writer_on)
        pthread_join(j->writer, NULL);
    if (j->reader_on)
        pthread_join(j->reader, NULL);
    (void)bb_rebuild_end(j, true); /* when there never was a writer */
}

int bb_journal_close(struct bb_journal **jp)
{
    struct bb_journal *j = *jp;
    int rc;
    if (!j)
        return 0;
    *jp = NULL;
    threads_stop(j);
    rc = atomic_load(&j->failed) ? -1 : 0;
    if (j->wal.on && !rc) {
        rc = bb_wal_off(&j->wal, &j->store);
        if (rc) /* the next start does the log again */
            bb_journal_say(j, BB_LOG_ERROR, "journal %s: the last sync failed: %s", j->dir,
                           mdb_strerror(rc));
    }
    bb_wal_thread_stop(&j->wal);
    bb_wal_unpin(&j->wal);
    bb_store_close(&j->store);
    bb_wal_free(&j->wal);
    for (size_t i = 0; i < j->n_routes; i++)
        bb_wroute_free(j->routes[i]);
    for (size_t i = 0; i < j->pub.n; i++)
        free(j->pub.routes[i].window);
    free(j->routes);
    free(j->pub.routes);
    free(j->pub.names);
    bb_claims_free(&j->claims);
    free(j->win.records.p);
    free(j->claim_new.p);
    free(j->claim_gone.p);
    free(j->scratch.p);
    if (j->pool)
        bb_arena_pool_drop(j->pool);
    for (int i = 0; i < 2; i++) {
        struct bb_outbox *b = i ? &j->rout : &j->out;
        if (b->fd >= 0)
            close(b->fd);
        pthread_mutex_destroy(&b->lock);
    }
    if (j->reserve_fd >= 0)
        close(j->reserve_fd);
    if (j->lock_fd >= 0)
        close(j->lock_fd); /* and with it the lock */
    pthread_mutex_destroy(&j->in.lock);
    pthread_cond_destroy(&j->in.wake);
    pthread_cond_destroy(&j->in.named);
    pthread_cond_destroy(&j->in.fresh);
    pthread_mutex_destroy(&j->rd.lock);
    pthread_cond_destroy(&j->rd.wake);
    pthread_mutex_destroy(&j->pub.lock);
    free(j);
    return rc ? -1 : 0;
}

/* ---- posting and taking ------------------------------------------------------------------------------- */
void bb_journal_post(struct bb_journal *j, struct bb_op *op)
{
    bool wake;
    op->next = NULL;
    op->status = BB_OK;
    op->text[0] = 0;
    pthread_mutex_lock(&j->in.lock);
    *j->in.tail = op;
    j->in.tail = &op->next;
    wake = j->in.waiting;
    pthread_mutex_unlock(&j->in.lock);
    if (wake)
        pthread_cond_signal(&j->in.wake);
}

int bb_journal_fd(const struct bb_journal *j)
{
    return j->out.fd;
}

struct bb_op *bb_journal_take(struct bb_journal *j)
{
    return bb_outbox_take(&j->out);
}

void bb_journal_read(struct bb_journal *j, struct bb_read *r)
{
    r->next = NULL;
    pthread_mutex_lock(&j->rd.lock);
    *j->rd.tail = r;
    j->rd.tail = &r->next;
    pthread_mutex_unlock(&j->rd.lock);
    pthread_cond_signal(&j->rd.wake);
}

int bb_journal_read_fd(const struct bb_journal *j)
{
    return j->rout.fd;
}

struct bb_read *bb_journal_read_take(struct bb_journal *j)
{
    return bb_outbox_take(&j->rout);
}

/* ---- any thread ----------------------------------------------------------------------------------------- */
const uint8_t *bb_journal_id(const struct bb_journal *j)
{
    return j->store.id;
}

void bb_journal_fingerprint(const struct bb_journal *j, uint32_t endpoint, struct bb_bytes source,
                            struct bb_bytes id, uint8_t out[16])
{
    uint64_t len = source.len; /* so that ("a","bc") and ("ab","c") differ */
    struct bb_sip s;
    bb_sip_init(&s, j->store.key);
    bb_sip_put(&s, &endpoint, sizeof endpoint);
    bb_sip_put(&s, &len, sizeof len);
    bb_sip_put(&s, source.ptr, source.len);
    bb_sip_put(&s, id.ptr, id.len);
    bb_sip_end(&s, out);
    if (!bb_le64(out) && !bb_le64(out + 8))
        out[0] = 1; /* all zero means none */
}

static bool name_find(struct bb_journal *j, const char *name, uint32_t *id)
{
    bool found = false;
    pthread_mutex_lock(&j->pub.lock);
    for (size_t i = 0; i < j->pub.n_names && !found; i++)
        if (strcmp(j->pub.names[i], name) == 0) {
            *id = (uint32_t)i;
            found = true;
        }
    pthread_mutex_unlock(&j->pub.lock);
    return found;
}

int bb_journal_name_id(struct bb_journal *j, const char *name, uint32_t *id, struct bb_fault *err)
{
    bool done = false;
    struct bb_op op = {.kind = (enum bb_op_kind)BB_OP_NAME, .arg = &done};
    if (!*name || strlen(name) >= 64)
        return bb_fail(err, "journal: a name has 1 to 63 characters");
    if (name_find(j, name, id))
        return 0;
    op.route.name = name;
    bb_journal_post(j, &op);
    pthread_mutex_lock(&j->in.lock);
    while (!done)
        pthread_cond_wait(&j->in.named, &j->in.lock);
    pthread_mutex_unlock(&j->in.lock);
    if (op.status != BB_OK)
        return bb_fail(err, "journal: cannot note the name %s: %s", name, op.text);
    *id = op.route.id;
    return 0;
}

const char *bb_journal_intake(const struct bb_journal *j, uint32_t *retry_after_s)
{
    const char *why = atomic_load(&j->intake);
    if (retry_after_s)
        *retry_after_s = why ? 30 : 0;
    return why;
}

const char *bb_journal_failed(const struct bb_journal *j)
{
    return atomic_load(&j->failed);
}

void bb_journal_stats(const struct bb_journal *cj, struct bb_journal_stats *out)
{
    struct bb_journal *j = (struct bb_journal *)cj; /* only its lock changes */
    pthread_mutex_lock(&j->pub.lock);
    *out = j->pub.stats;
    pthread_mutex_unlock(&j->pub.lock);
}

int bb_journal_route(struct bb_journal *j, uint32_t id, struct bb_route_state *out)
{
    int rc = -1;
    pthread_mutex_lock(&j->pub.lock);
    if (id < j->pub.n && j->pub.routes[id].window) {
        *out = j->pub.routes[id].st;
        rc = 0;
    }
    pthread_mutex_unlock(&j->pub.lock);
    return rc;
}

int bb_journal_source_state(struct bb_journal *j, const char *key, struct bb_buf *value,
                            uint64_t *version)
{
    MDB_val k = {strlen(key), (void *)key}, v;
    MDB_txn *txn;
    int rc;
    bb_journal_fresh(j);
    rc = mdb_txn_begin(j->store.env, NULL, MDB_RDONLY, &txn);
    *version = 0;
    if (rc)
        return -1;
    rc = mdb_get(txn, j->store.dbi[BB_TAB_STATE], &k, &v);
    if (!rc && v.mv_size >= 8) {
        *version = bb_le64(v.mv_data);
        bb_buf_put(value, (uint8_t *)v.mv_data + 8, v.mv_size - 8);
    }
    mdb_txn_abort(txn);
    return rc == MDB_NOTFOUND ? 0 : rc || value->failed ? -1 : 0;
}
