/*
 * checkpoint.c - generations of the log: when one begins, and the sync behind it
 *
 * The writer begins the next generation at once and goes on; a thread syncs the data file and then
 * writes the head that makes the old generation needless. Only then may its file be written again,
 * and the pin that kept the checkpoint before be let go.
 * Threads: the writer, and "checkpoint" below; what both use is in l->ck, under its lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "core/journal/internal.h"

/* Pages that commits free stay unused until the next checkpoint: not too many of them. */
#define TURN_COMMITS 1024u
#define TURN_BYTES (64u << 20)
#define NUDGE_BYTES (1u << 20)
#define CACHE_KEPT ((off_t)512 << 20)

/* Synced pages of a backlog leave the page cache, but for the newest: else the file takes all memory,
 * and a page that is new to the cache costs much more to write than one that was there. */
static void cache_drop(struct bb_wal *l)
{
    off_t end = l->ck.data_end - CACHE_KEPT;

    if (end <= l->ck.dropped)
        return;
    (void)posix_fadvise(l->ck.data_fd, l->ck.dropped, end - l->ck.dropped, POSIX_FADV_DONTNEED);
    l->ck.dropped = end;
}

static void *checkpoint(void *arg)
{
    struct bb_wal *l = arg;

    pthread_mutex_lock(&l->ck.lock);
    while (!l->ck.stop) {
        int rc;
        if (!l->ck.busy && !l->ck.nudged) {
            pthread_cond_wait(&l->ck.wake, &l->ck.lock);
            continue;
        }
        if (!l->ck.busy) {
            int fd = l->ck.data_fd;
            l->ck.nudged = false;
            pthread_mutex_unlock(&l->ck.lock);
            (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* what fails, fdatasync says */
            pthread_mutex_lock(&l->ck.lock);
            continue;
        }
        pthread_mutex_unlock(&l->ck.lock);
        rc = fdatasync(l->ck.data_fd) == 0 ? 0 : errno;
        if (!rc)
            cache_drop(l);
        if (!rc)
            rc = bb_wal_head_put(l->ck.fd[l->ck.file], l->ck.head, l->ck.head_len);
        pthread_mutex_lock(&l->ck.lock);
        l->ck.rc = rc;
        l->ck.busy = false;
        pthread_cond_signal(&l->ck.done);
    }
    pthread_mutex_unlock(&l->ck.lock);
    return NULL;
}

int bb_wal_thread_start(struct bb_wal *l)
{
    char path[600];
    int rc = 0;

    for (unsigned i = 0; i < 2 && l->size && !rc; i++) {
        snprintf(path, sizeof path, "%s/wal.%u", l->dir, i);
        l->ck.fd[i] = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
        rc = l->ck.fd[i] < 0 ? errno : 0;
    }
    if (l->size && !rc)
        rc = pthread_create(&l->ck.thread, NULL, checkpoint, l);
    l->ck.running = l->size && rc == 0;
    return rc;
}

void bb_wal_thread_stop(struct bb_wal *l)
{
    if (!l->ck.running)
        return;
    pthread_mutex_lock(&l->ck.lock);
    l->ck.stop = true;
    pthread_cond_signal(&l->ck.wake);
    pthread_mutex_unlock(&l->ck.lock);
    pthread_join(l->ck.thread, NULL);
    l->ck.running = false;
}

static void pin_drop(MDB_txn **pin)
{
    if (*pin)
        mdb_txn_abort(*pin);
    *pin = NULL;
}

/* wait: until the checkpoint that is being made is there. 0: it is, or none is; EBUSY; or its error. */
static int tend(struct bb_wal *l, bool wait)
{
    bool busy;
    int rc;

    pthread_mutex_lock(&l->ck.lock);
    while (wait && l->ck.busy)
        pthread_cond_wait(&l->ck.done, &l->ck.lock);
    busy = l->ck.busy;
    rc = l->ck.rc;
    pthread_mutex_unlock(&l->ck.lock);
    if (busy || rc)
        return busy ? EBUSY : rc;
    if (l->pin_next) {
        pin_drop(&l->pin);
        l->pin = l->pin_next;
        l->pin_next = NULL;
    }
    return 0;
}

/* The head of the next generation, as of LMDB's last commit, which *pin then holds. */
static int head_make(struct bb_wal *l, struct bb_store *s, uint32_t flags, MDB_txn **pin,
                     uint8_t **head, size_t *len)
{
    struct bb_wal_head h = {.magic = BB_WAL_HEAD, .flags = flags, .gen = l->gen + 1,
                            .next = l->number};
    uint8_t *metas = NULL;
    MDB_envinfo info;
    MDB_stat st;
    int dead = 0, rc = mdb_env_info(s->env, &info);

    if (!rc)
        rc = mdb_env_stat(s->env, &st);
    if (!rc)
        rc = mdb_env_get_fd(s->env, &l->ck.data_fd);
    if (rc)
        return rc;
    h.psize = st.ms_psize;
    h.txn = info.me_last_txnid;
    memcpy(h.id, s->id, sizeof h.id);
    l->last_page = info.me_last_pgno;
    l->ck.data_end = (off_t)(info.me_last_pgno * st.ms_psize);
    metas = malloc(2 * (size_t)h.psize);
    rc = metas ? bb_wal_metas(l->ck.data_fd, h.psize, h.txn, metas) : ENOMEM;
    if (!rc)
        rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, pin);
    if (rc == MDB_READERS_FULL && mdb_reader_check(s->env, &dead) == 0 && dead) /* ended in mid-read */
        rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, pin);
    if (!rc) {
        *head = bb_wal_head_new(&h, metas, len);
        rc = *head ? 0 : ENOMEM;
        if (rc)
            pin_drop(pin);
    }
    free(metas);
    return rc;
}

/* The data file and then a head, here and now. */
static int head_now(struct bb_wal *l, struct bb_store *s, uint32_t flags, MDB_txn **pin)
{
    uint8_t *head = NULL;
    size_t len;
    int rc = head_make(l, s, flags, pin, &head, &len);

    if (!rc && fdatasync(l->ck.data_fd) != 0)
        rc = errno;
    if (!rc)
        rc = bb_wal_head_put(l->fd[(l->gen + 1) & 1], head, len);
    if (!rc) {
        l->gen++;
        l->at = l->start = 2 * len;
        l->commits = 0;
    }
    free(head);
    return rc;
}

int bb_wal_on(struct bb_wal *l, struct bb_store *s)
{
    MDB_txn *pin = NULL;
    int rc;

    if (!l->size || l->on)
        return 0;
    rc = head_now(l, s, 0, &pin);
    if (!rc)
        rc = mdb_env_set_flags(s->env, MDB_NOSYNC, 1);
    if (rc) {
        pin_drop(&pin);
        return rc;
    }
    pin_drop(&l->pin); /* recovery's */
    l->pin = pin;
    l->on = true;
    return 0;
}

int bb_wal_off(struct bb_wal *l, struct bb_store *s)
{
    MDB_txn *pin = NULL;
    int rc = tend(l, true);

    if (rc || !l->on)
        return rc;
    rc = head_now(l, s, BB_WAL_CLEAN, &pin);
    pin_drop(&pin);
    if (!rc)
        rc = mdb_env_set_flags(s->env, MDB_NOSYNC, 0);
    if (rc)
        return rc;
    pin_drop(&l->pin);
    l->on = false;
    return 0;
}

void bb_wal_unpin(struct bb_wal *l)
{
    pin_drop(&l->pin);
    pin_drop(&l->pin_next);
}

int bb_wal_turn(struct bb_wal *l, struct bb_store *s)
{
    uint8_t *head = NULL;
    size_t len = 0;
    int rc = tend(l, true);

    if (!rc)
        rc = head_make(l, s, 0, &l->pin_next, &head, &len);
    if (rc)
        return rc;
    l->gen++;
    l->at = l->start;
    l->commits = 0;
    pthread_mutex_lock(&l->ck.lock);
    free(l->ck.head);
    l->ck.head = head;
    l->ck.head_len = len;
    l->ck.file = l->gen & 1;
    l->ck.busy = true;
    pthread_cond_signal(&l->ck.wake);
    pthread_mutex_unlock(&l->ck.lock);
    return 0;
}

int bb_wal_room(const struct bb_wal *l)
{
    size_t whole = bb_wal_pad(l->rec.len);

    return whole > l->size - l->start ? BB_RC_TOO_BIG : l->at + whole > l->size ? BB_RC_TURN : 0;
}

void bb_wal_nudge(struct bb_wal *l, size_t n)
{
    l->unwritten += n;
    if (l->unwritten < NUDGE_BYTES)
        return;
    l->unwritten = 0;
    pthread_mutex_lock(&l->ck.lock);
    l->ck.nudged = true;
    pthread_cond_signal(&l->ck.wake);
    pthread_mutex_unlock(&l->ck.lock);
}

int bb_wal_tend(struct bb_wal *l, struct bb_store *s)
{
    MDB_envinfo info;
    MDB_stat st;
    int rc = l->on ? tend(l, false) : 0;

    if (rc || !l->on)
        return rc == EBUSY ? 0 : rc;
    if (l->commits < TURN_COMMITS &&
        (mdb_env_info(s->env, &info) != 0 || mdb_env_stat(s->env, &st) != 0 ||
         (info.me_last_pgno - l->last_page) * st.ms_psize < TURN_BYTES))
        return 0;
    return bb_wal_turn(l, s);
}

uint64_t bb_wal_pinned(const struct bb_wal *l)
{
    return l->on && l->pin ? mdb_txn_id(l->pin) : UINT64_MAX;
}
