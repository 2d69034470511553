/*
 * wal.c - the log's files: heads, records, and doing them again after a crash
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/journal/internal.h"

#define REPLAY_TXN (8u << 20) /* bytes of records in one transaction */

void bb_wal_init(struct bb_wal *l, const char *dir)
{
    memset(l, 0, sizeof *l);
    snprintf(l->dir, sizeof l->dir, "%s", dir);
    l->fd[0] = l->fd[1] = l->ck.data_fd = l->ck.fd[0] = l->ck.fd[1] = -1;
    pthread_mutex_init(&l->ck.lock, NULL);
    pthread_cond_init(&l->ck.wake, NULL);
    pthread_cond_init(&l->ck.done, NULL);
}

void bb_wal_free(struct bb_wal *l)
{
    for (int i = 0; i < 2; i++) {
        if (l->fd[i] >= 0)
            close(l->fd[i]);
        if (l->ck.fd[i] >= 0)
            close(l->ck.fd[i]);
    }
    free(l->rec.p);
    free(l->before);
    free(l->ck.head);
    pthread_mutex_destroy(&l->ck.lock);
    pthread_cond_destroy(&l->ck.wake);
    pthread_cond_destroy(&l->ck.done);
}

static void path_of(const char *dir, unsigned i, const char *suffix, char path[600])
{
    snprintf(path, 600, "%s/wal.%u%s", dir, i, suffix);
}

bool bb_wal_removed(const struct bb_wal *l)
{
    struct stat st;

    for (int i = 0; i < 2; i++)
        if (l->fd[i] >= 0 && !l->made[i] && (fstat(l->fd[i], &st) != 0 || st.st_nlink == 0))
            return true;
    return false;
}

void bb_wal_unlink(struct bb_wal *l)
{
    char path[600];

    for (unsigned i = 0; i < 2; i++) {
        path_of(l->dir, i, "", path);
        (void)unlink(path);
    }
}

int bb_wal_put(int fd, const void *p, size_t n, uint64_t at)
{
    while (n) {
        ssize_t w = pwrite(fd, p, n, (off_t)at);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return errno;
        p = (const uint8_t *)p + w;
        at += (uint64_t)w;
        n -= (size_t)w;
    }
    return 0;
}

/* ---- heads ---------------------------------------------------------------------------------------- */
static uint32_t head_sum(const uint8_t *p, uint32_t psize)
{
    return bb_crc32c(0, p + 8, sizeof(struct bb_wal_head) - 8 + 2 * (size_t)psize);
}

static size_t head_len(uint32_t psize)
{
    return bb_wal_pad(sizeof(struct bb_wal_head) + 2 * (size_t)psize);
}

uint64_t bb_wal_start(uint32_t psize)
{
    return 2 * head_len(psize);
}

uint8_t *bb_wal_head_new(const struct bb_wal_head *h, const uint8_t *metas, size_t *len)
{
    uint8_t *p;
    uint32_t crc;

    *len = head_len(h->psize);
    p = calloc(1, *len);
    if (!p)
        return NULL;
    memcpy(p, h, sizeof *h);
    if (metas)
        memcpy(p + sizeof *h, metas, 2 * (size_t)h->psize);
    crc = head_sum(p, h->psize);
    memcpy(p + 4, &crc, sizeof crc);
    return p;
}

int bb_wal_head_put(int fd, const uint8_t *head, size_t len)
{
    int rc = bb_wal_put(fd, head, len, 0);

    if (!rc && fdatasync(fd) != 0)
        rc = errno;
    if (!rc)
        rc = bb_wal_put(fd, head, len, len);
    return rc || fdatasync(fd) == 0 ? rc : errno;
}

/* The head at "at" of wal.i, NULL if there is none that holds. */
static uint8_t *head_at(int fd, unsigned i, uint64_t at)
{
    struct bb_wal_head h;
    uint8_t *p;
    size_t len;

    if (pread(fd, &h, sizeof h, (off_t)at) != sizeof h || h.magic != BB_WAL_HEAD ||
        (h.gen & 1) != i || h.psize < 512 || h.psize > 65536 || h.psize & (h.psize - 1))
        return NULL;
    len = head_len(h.psize);
    p = malloc(len);
    if (p && pread(fd, p, len, (off_t)at) == (ssize_t)len && memcmp(p, &h, sizeof h) == 0 &&
        head_sum(p, h.psize) == h.crc)
        return p;
    free(p);
    return NULL;
}

/* The first was written before the second: where it holds it is at least as new. */
static uint8_t *head_read(int fd, unsigned i)
{
    uint8_t *p = head_at(fd, i, 0);

    for (uint32_t psize = 512; !p && psize <= 65536; psize *= 2)
        p = head_at(fd, i, head_len(psize));
    return p;
}

static int open_files(struct bb_wal *l, struct bb_fault *err)
{
    struct stat st;
    char path[600];

    for (unsigned i = 0; i < 2; i++) {
        path_of(l->dir, i, "", path);
        l->fd[i] = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
        if (l->fd[i] < 0 && errno != ENOENT)
            return bb_fail(err, "journal: cannot open %s: %s", path, strerror(errno));
        if (l->fd[i] < 0 || fstat(l->fd[i], &st) != 0)
            st.st_size = 0;
        if (i == 0 || (uint64_t)st.st_size < l->size)
            l->size = (uint64_t)st.st_size;
    }
    return 0;
}

/* ---- meta pages ------------------------------------------------------------------------------------- */
/* Of LMDB's data format 1: a page head of 16 bytes, the magic, and the transaction's number behind
 * version, address, map size, two tables and the last page. */
static uint64_t meta_txn(const uint8_t *page)
{
    uint32_t magic;

    memcpy(&magic, page + 16, sizeof magic);
    return magic == 0xBEEFC0DE ? bb_le64(page + 144) : 0;
}

int bb_wal_metas(int data_fd, uint32_t psize, uint64_t txn, uint8_t *metas)
{
    ssize_t n = pread(data_fd, metas, 2 * (size_t)psize, 0);

    if (n != 2 * (ssize_t)psize)
        return n < 0 ? errno : EIO;
    return meta_txn(metas + (txn & 1) * psize) == txn ? 0 : MDB_CORRUPTED;
}

static int metas_back(struct bb_wal *l, const struct bb_wal_head *h, const uint8_t *metas,
                      struct bb_fault *err)
{
    uint8_t now[2 * 65536];
    size_t len = 2 * (size_t)h->psize;
    char path[600];
    int fd, lock = -1, rc = -1;
    struct stat st;

    snprintf(path, sizeof path, "%s/data.mdb", l->dir);
    fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || pread(fd, now, len, 0) != (ssize_t)len) {
        bb_fail(err, "journal: cannot read %s, to which wal.0 and wal.1 belong: %s", path,
                fd < 0 ? strerror(errno) : "it is cut short");
        goto out;
    }
    if (meta_txn(now) < h->txn && meta_txn(now + h->psize) < h->txn) {
        bb_fail(err, "journal %s: data.mdb is older than wal.0 and wal.1: if a backup was put back, "
                "remove these two (they belong to the store that it replaced)", l->dir);
        goto out;
    }
    l->before = malloc(len);
    if (!l->before) {
        bb_fail(err, "journal %s: out of memory", l->dir);
        goto out;
    }
    memcpy(l->before, now, len);
    l->before_len = len;
    memcpy(l->id, h->id, sizeof l->id);
    if (pwrite(fd, metas, len, 0) != (ssize_t)len) {
        bb_fail(err, "journal: cannot write %s: %s", path, strerror(errno));
        goto out;
    }
    /* LMDB keeps the number of the last transaction in there */
    snprintf(path, sizeof path, "%s/lock.mdb", l->dir);
    if (unlink(path) != 0 && errno != ENOENT) {
        bb_fail(err, "journal: cannot remove %s: %s", path, strerror(errno));
        goto out;
    }
    /* made anew for the store's owner, whoever looks into it first */
    lock = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock < 0 || fstat(fd, &st) != 0 ||
        (st.st_uid != geteuid() && fchown(lock, st.st_uid, st.st_gid) != 0)) {
        bb_fail(err, "journal: cannot make %s: %s", path, strerror(errno));
        goto out;
    }
    rc = 0;
out:
    if (lock >= 0)
        close(lock);
    if (fd >= 0)
        close(fd);
    return rc;
}

void bb_wal_unrestore(struct bb_wal *l)
{
    char path[600];
    int fd;

    snprintf(path, sizeof path, "%s/data.mdb", l->dir);
    fd = l->before ? open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)bb_wal_put(fd, l->before, l->before_len, 0);
        close(fd);
    }
}

static bool being_made(const struct bb_wal *l, unsigned i)
{
    char path[600];

    path_of(l->dir, i, ".new", path);
    return access(path, F_OK) == 0;
}

int bb_wal_restore(struct bb_wal *l, struct bb_fault *err)
{
    uint8_t *head[2] = {NULL, NULL}, *best;
    static const uint8_t nobody[16]; /* in the first heads of older versions */
    struct bb_wal_head h[2] = {0};
    int rc = -1, b;

    if (open_files(l, err) != 0)
        goto out;
    for (int i = 0; i < 2; i++) {
        head[i] = l->fd[i] < 0 ? NULL : head_read(l->fd[i], (unsigned)i);
        if (head[i])
            memcpy(&h[i], head[i], sizeof h[i]);
    }
    b = head[1] && (!head[0] || h[1].gen > h[0].gen);
    best = head[b];
    for (int i = 0; i < 2; i++)
        if (l->fd[i] >= 0 && !head[i]) {
            bb_fail(err, "journal %s: the head of wal.%d is damaged, and what LMDB's file holds is not "
                    "known: `busbar journal salvage` exports what reads", l->dir, i);
            goto out;
        }
    if (best) {
        l->gen = h[b].gen;
        l->number = h[b].next;
    }
    if (best && l->fd[!b] < 0 && !being_made(l, !b)) {
        bb_fail(err, "journal %s: wal.%d is missing, and the last that was accepted may be in it: put it "
                "back; `busbar journal salvage` exports what reads", l->dir, !b);
        goto out;
    }
    if (best && head[!b] && !(h[b].flags & BB_WAL_CLEAN) && memcmp(h[0].id, h[1].id, sizeof h[0].id) != 0 &&
        memcmp(h[!b].id, nobody, sizeof nobody) != 0) {
        bb_fail(err, "journal %s: wal.0 and wal.1 are of two journals: put back the one that was there; "
                "`busbar journal salvage` exports what reads", l->dir);
        goto out;
    }
    if (best && !(h[b].flags & BB_WAL_CLEAN)) {
        l->crashed = true;
        l->start = bb_wal_start(h[b].psize);
        if (metas_back(l, &h[b], best + sizeof h[b], err) != 0)
            goto out;
    }
    rc = 0;
out:
    free(head[0]);
    free(head[1]);
    return rc;
}

/* ---- records ---------------------------------------------------------------------------------------- */
/* The record at "at" of a file into l->rec: 1, 0 none that holds, else -errno. */
static int rec_read(struct bb_wal *l, int fd, uint64_t at, struct bb_wal_rec *h)
{
    ssize_t n;

    n = at + sizeof *h > l->size ? 0 : pread(fd, h, sizeof *h, (off_t)at);
    if (n < 0)
        return -errno;
    if (n != sizeof *h || h->magic != BB_WAL_REC || h->len > l->size - at - sizeof *h)
        return 0;
    l->rec.len = 0;
    if (bb_vec_room(&l->rec, sizeof *h + (size_t)h->len) != 0)
        return -ENOMEM;
    n = pread(fd, l->rec.p, sizeof *h + (size_t)h->len, (off_t)at);
    if (n != (ssize_t)(sizeof *h + h->len))
        return n < 0 ? -errno : 0;
    memcpy(h, l->rec.p, sizeof *h);
    return bb_crc32c(0, l->rec.p + 8, (size_t)n - 8) == h->crc;
}

/* A record is written when the one before it is on disk: a whole one behind the end is no crash's
 * work. 0, or EBADMSG. */
static int end_check(struct bb_wal *l, uint64_t number)
{
    for (unsigned i = 0; i < 2; i++)
        for (uint64_t at = l->start; l->fd[i] >= 0 && at < l->size; at += BB_WAL_BLOCK) {
            struct bb_wal_rec h;
            if (pread(l->fd[i], &h, sizeof h, (off_t)at) == sizeof h && h.magic == BB_WAL_REC &&
                (h.gen == l->gen || h.gen == l->gen + 1) && h.number > number &&
                rec_read(l, l->fd[i], at, &h) == 1)
                return EBADMSG;
        }
    return 0;
}

struct replay { MDB_txn *txn; size_t bytes; };

static int replay_one(struct bb_wal *l, struct bb_store *s, const struct bb_wal_rec *h,
                      struct replay *r)
{
    int rc = r->txn ? 0 : mdb_txn_begin(s->env, NULL, 0, &r->txn);

    if (!rc)
        rc = bb_redo_apply(l->rec.p + sizeof *h, (size_t)h->len, s, r->txn);
    r->bytes += (size_t)h->len;
    if (!rc && r->bytes >= REPLAY_TXN) {
        rc = mdb_txn_commit(r->txn);
        *r = (struct replay){0};
    }
    return rc;
}

static int replay_all(struct bb_wal *l, struct bb_store *s)
{
    struct replay r = {0};
    uint64_t number = l->number;
    int rc = 0;

    for (uint64_t gen = l->gen; gen < l->gen + 2 && !rc; gen++) {
        int fd = l->fd[gen & 1];
        uint64_t at = l->start;
        struct bb_wal_rec h;
        while (fd >= 0 && !rc && (rc = rec_read(l, fd, at, &h)) == 1 && h.gen == gen &&
               h.number == number) {
            rc = replay_one(l, s, &h, &r);
            at += bb_wal_pad(sizeof h + (size_t)h.len);
            number++;
        }
        rc = rc == 1 ? 0 : rc;
    }
    if (!rc)
        rc = end_check(l, number);
    if (!rc && r.txn)
        rc = mdb_txn_commit(r.txn);
    else if (r.txn)
        mdb_txn_abort(r.txn);
    if (rc)
        return rc < 0 && rc > -4096 ? -rc : rc; /* LMDB's own codes are far below */
    l->number = number;
    return 0;
}

int bb_wal_replay(struct bb_wal *l, struct bb_store *s)
{
    int rc;

    free(l->before); /* it is the store's own log */
    l->before = NULL;
    rc = replay_all(l, s);
    if (!rc)
        l->gen += 2; /* the next head goes where the newest one is not */
    return rc;
}

static const uint8_t zeros[BB_WAL_BLOCK];

int bb_wal_write(struct bb_wal *l)
{
    struct bb_wal_rec h = {.magic = BB_WAL_REC, .gen = l->gen, .number = l->number};
    size_t len = l->rec.len, whole = bb_wal_pad(len);
    int rc;

    if (bb_vec_room(&l->rec, whole - len) != 0)
        return ENOMEM;
    memset(l->rec.p + len, 0, whole - len);
    h.len = len - sizeof h;
    memcpy(l->rec.p, &h, sizeof h);
    h.crc = bb_crc32c(0, l->rec.p + 8, len - 8);
    memcpy(l->rec.p + 4, &h.crc, sizeof h.crc);
    rc = bb_wal_put(l->fd[l->gen & 1], l->rec.p, whole, l->at);
    if (rc)
        return rc;
    if (fdatasync(l->fd[l->gen & 1]) != 0) {
        rc = errno; /* not to be found at the next start, if that can still be had */
        (void)bb_wal_put(l->fd[l->gen & 1], zeros, sizeof zeros, l->at);
        return -rc;
    }
    l->body_len = len - sizeof h;
    l->at += whole;
    l->number++;
    return 0;
}

/* ---- making the files --------------------------------------------------------------------------------- */
/* Zeros from "from" on, on disk: syncing a block that is there costs half. */
static int fill(int fd, uint64_t from, uint64_t to)
{
    size_t n = 1u << 20;
    uint8_t *p = calloc(1, n);
    int rc = p ? 0 : ENOMEM;

    for (; !rc && from < to; from += n) {
        n = to - from < n ? (size_t)(to - from) : n;
        rc = bb_wal_put(fd, p, n, from);
    }
    free(p);
    return rc || fdatasync(fd) == 0 ? rc : errno;
}

/* Under the name ".new", with a head. */
static int create(struct bb_wal *l, unsigned i, uint64_t size)
{
    struct bb_wal_head h = {.magic = BB_WAL_HEAD, .flags = BB_WAL_CLEAN, .psize = 4096, .gen = i};
    char temp[600];
    uint8_t *head;
    size_t len;
    int fd, rc;

    memcpy(h.id, l->id, sizeof h.id);
    path_of(l->dir, i, ".new", temp);
    fd = open(temp, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    head = bb_wal_head_new(&h, NULL, &len);
    rc = head ? bb_wal_head_put(fd, head, len) : ENOMEM;
    free(head);
    if (!rc)
        rc = fill(fd, 2 * len, size);
    if (rc) {
        close(fd);
        (void)unlink(temp);
        return rc;
    }
    l->fd[i] = fd;
    l->made[i] = true;
    return 0;
}

/* Both new files are complete before one of them has its name: a crash in between leaves the other's
 * ".new", by which the next start knows that nothing is missing. */
static int name(struct bb_wal *l)
{
    char path[600], temp[600];
    int rc = 0;

    for (unsigned i = 0; i < 2 && !rc; i++) {
        path_of(l->dir, i, "", path);
        path_of(l->dir, i, ".new", temp);
        if (l->made[i] && rename(temp, path) != 0)
            rc = errno;
        l->made[i] = l->made[i] && rc;
    }
    return rc;
}

static void unmake(struct bb_wal *l)
{
    char temp[600];

    for (unsigned i = 0; i < 2; i++) {
        if (!l->made[i])
            continue;
        path_of(l->dir, i, ".new", temp);
        (void)unlink(temp);
        close(l->fd[i]);
        l->fd[i] = -1;
        l->made[i] = false;
    }
}

static int grow(int fd, uint64_t size)
{
    struct stat st;
    int rc;

    if (fstat(fd, &st) != 0)
        return errno;
    if ((uint64_t)st.st_size >= size)
        return 0;
    rc = fill(fd, (uint64_t)st.st_size, size);
    if (rc && ftruncate(fd, st.st_size) != 0)
        return errno;
    return rc;
}

static int dir_sync(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

    if (fd < 0)
        return -1;
    rc = fsync(fd);
    close(fd);
    return rc;
}

void bb_wal_make(struct bb_wal *l, uint64_t size)
{
    int rc = ENOSPC;

    for (; (rc == ENOSPC || rc == EDQUOT) && size >= BB_WAL_LEAST && l->size < size; size /= 2) {
        rc = 0;
        for (unsigned i = 0; i < 2 && !rc; i++)
            rc = l->fd[i] < 0 ? create(l, i, size) : grow(l->fd[i], size);
        if (!rc)
            rc = name(l);
        if (!rc)
            l->size = size;
        else
            unmake(l);
    }
    if (rc == 0 && dir_sync(l->dir) != 0)
        l->size = 0;
}

/* ---- for salvage ---------------------------------------------------------------------------------------- */
static int messages_of(const uint8_t *p, size_t n, int (*fn)(void *, const uint8_t *, size_t),
                       void *arg)
{
    struct bb_wal_change c;
    int rc = 0;

    while (!rc && n >= sizeof c) {
        memcpy(&c, p, sizeof c);
        if (c.key + (size_t)c.value > n - sizeof c)
            break;
        if (c.table == BB_TAB_MSG && !c.del)
            rc = fn(arg, p + sizeof c + c.key, c.value);
        p += sizeof c + c.key + c.value;
        n -= sizeof c + c.key + c.value;
    }
    return rc;
}

int bb_wal_messages(const char *dir, int (*fn)(void *, const uint8_t *rec, size_t n), void *arg)
{
    struct bb_wal l;
    int rc = 0;

    bb_wal_init(&l, dir);
    (void)open_files(&l, NULL);
    for (unsigned i = 0; i < 2 && !rc; i++) {
        struct stat st;
        if (l.fd[i] < 0 || fstat(l.fd[i], &st) != 0)
            continue;
        l.size = (uint64_t)st.st_size;
        for (uint64_t at = 0; at < l.size && !rc;) {
            struct bb_wal_rec h;
            int got = rec_read(&l, l.fd[i], at, &h);
            at += got == 1 ? bb_wal_pad(sizeof h + (size_t)h.len) : BB_WAL_BLOCK;
            rc = got < 0 ? -got : 0;
            if (got == 1)
                rc = messages_of(l.rec.p + sizeof h, (size_t)h.len, fn, arg);
        }
    }
    bb_wal_free(&l);
    return rc;
}
