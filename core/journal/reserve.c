/*
 * reserve.c - room to finish: a preallocated file, and intake closed before it is needed
 *
 * LMDB copies pages to change them: on a full disk or in a full map nothing can even be deleted.
 * So a file of real blocks is held back, and intake closes while settlement still has room. Free
 * is what the disk and the map can still give, plus the store's own free pages, plus what an
 * aborted transaction left written behind the store's end. Thread: the writer's (the opener's
 * before it starts).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "core/journal/internal.h"

#define CHECK_OPEN_US 1000000u
#define CHECK_CLOSED_US 250000u
#define CHECK_BYTES (64u << 20)
#define LEAST (256u << 10)

static void path_of(const struct bb_journal *j, char path[600])
{
    snprintf(path, 600, "%s/reserve", j->dir);
}

int bb_reserve_make(struct bb_journal *j)
{
    off_t size = (off_t)j->o.reserve;
    char path[600];
    uint64_t *fill = NULL, x = 88172645463325252u;
    size_t block = 1 << 20;
    struct stat st;
    int fd = -1, rc;

    j->space.released = true;
    path_of(j, path);
    if (!size) {
        j->space.released = false;
        return 0;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && st.st_size == size && (off_t)st.st_blocks * 512 >= size)
        goto done;
    if (ftruncate(fd, 0) != 0)
        goto fail;
    rc = posix_fallocate(fd, 0, size);
    if (rc) {
        errno = rc;
        goto fail;
    }
    fill = malloc(block);
    if (!fill)
        goto fail;
    for (size_t i = 0; i < block / 8; i++) { /* nothing that a file system could compress away */
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        fill[i] = x;
    }
    for (off_t at = 0; at < size; at += (off_t)block) {
        size_t n = size - at < (off_t)block ? (size_t)(size - at) : block;
        if (lseek(fd, at, SEEK_SET) != at || bb_write_all(fd, fill, n) != 0)
            goto fail;
    }
    if (fdatasync(fd) != 0)
        goto fail;
done:
    free(fill);
    if (j->reserve_fd >= 0)
        close(j->reserve_fd);
    j->reserve_fd = fd;
    j->space.released = false;
    return 0;
fail:
    rc = errno;
    free(fill);
    close(fd);
    (void)unlink(path); /* half a reserve only takes room */
    errno = rc;
    return -1;
}

void bb_reserve_release(struct bb_journal *j)
{
    char path[600];
    int dead = 0;
    path_of(j, path);
    j->space.released = true;
    if (j->reserve_fd >= 0) {
        (void)!ftruncate(j->reserve_fd, 0);
        close(j->reserve_fd);
        j->reserve_fd = -1;
    }
    (void)unlink(path);
    (void)mdb_reader_check(j->store.env, &dead); /* a dead reader pins free pages */
}

void bb_intake_close(struct bb_journal *j, const char *why)
{
    if (atomic_load(&j->intake))
        return;
    atomic_store(&j->intake, why);
    bb_journal_say(j, BB_LOG_ERROR, "journal %s: intake closed: %s; deliveries go on", j->dir, why);
}

struct space { uint64_t disk, map, own; };

/* Blocks that the file has behind its last used page: the next pages go there. */
static uint64_t tail_blocks(struct bb_journal *j, uint64_t used)
{
    mdb_filehandle_t fd;
    struct stat st;
    uint64_t have;
    if (mdb_env_get_fd(j->store.env, &fd) != 0 || fstat(fd, &st) != 0)
        return 0;
    have = (uint64_t)st.st_blocks * 512;
    if (have > (uint64_t)st.st_size)
        have = (uint64_t)st.st_size;
    return have > used ? have - used : 0;
}

bool bb_disk_is_full(struct bb_journal *j)
{
    struct statvfs fs;
    return statvfs(j->dir, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < 1 << 20;
}

static int space_read(struct bb_journal *j, struct space *s)
{
    struct statvfs fs;
    MDB_envinfo info;
    MDB_stat st;
    MDB_txn *txn;
    uint64_t pages, used;
    int rc;
    if (statvfs(j->dir, &fs) != 0 || mdb_env_info(j->store.env, &info) != 0 ||
        mdb_env_stat(j->store.env, &st) != 0 ||
        mdb_txn_begin(j->store.env, NULL, MDB_RDONLY, &txn) != 0)
        return -1;
    rc = bb_store_free_pages(txn, bb_wal_pinned(&j->wal), &pages);
    mdb_txn_abort(txn);
    if (rc)
        return -1;
    used = (info.me_last_pgno + 1) * (uint64_t)st.ms_psize;
    s->own = pages * st.ms_psize;
    s->disk = (uint64_t)fs.f_bavail * fs.f_frsize + tail_blocks(j, used);
    s->map = info.me_mapsize > used ? info.me_mapsize - used : 0;
    pthread_mutex_lock(&j->pub.lock);
    j->pub.stats.used_bytes = used > s->own ? used - s->own : 0;
    j->pub.stats.map_bytes = info.me_mapsize;
    j->pub.stats.free_disk_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    pthread_mutex_unlock(&j->pub.lock);
    return 0;
}

static uint64_t reserve_of(const struct bb_journal *j)
{
    return j->o.reserve > LEAST ? j->o.reserve : LEAST;
}

static int look(struct bb_journal *j, struct space *s)
{
    if (space_read(j, s) != 0)
        return -1;
    j->space.room = (s->disk < s->map ? s->disk : s->map) + s->own;
    if (atomic_load(&j->intake) && j->space.room < reserve_of(j) / 2)
        j->space.tight = true;
    return 0;
}

void bb_space_look(struct bb_journal *j)
{
    struct space s;
    (void)look(j, &s);
}

int bb_space_afford(struct bb_journal *j, uint64_t bytes)
{
    uint64_t floor = reserve_of(j) / 4 > LEAST / 2 ? reserve_of(j) / 4 : LEAST / 2;
    if (!bytes || !atomic_load(&j->intake))
        return 0;
    if (bytes > 1024)
        bytes += 4096; /* whole pages */
    if (j->space.room < floor + bytes)
        return BB_RC_LATER;
    j->space.room -= bytes;
    if (j->space.room < reserve_of(j) / 2)
        j->space.tight = true;
    return 0;
}

void bb_space_check(struct bb_journal *j, bool now)
{
    const char *closed = atomic_load(&j->intake);
    uint64_t us = bb_mono_us(), reserve = reserve_of(j), room;
    uint64_t bytes = reserve / 4 < CHECK_BYTES ? reserve / 4 : CHECK_BYTES, next;
    struct space s;
    if (!now && us - j->space.checked_us < (closed ? CHECK_CLOSED_US : CHECK_OPEN_US) &&
        j->space.since < bytes)
        return;
    j->space.checked_us = us;
    next = j->space.since + bytes; /* what is about to be written, and until the next look */
    j->space.since = 0;
    if (look(j, &s) != 0)
        return;
    room = j->space.room;
    if (!closed && room < reserve + next && j->wal.on) { /* its pin may hold enough */
        if (bb_wal_yield(j) != 0 || look(j, &s) != 0)
            return;
        room = j->space.room;
    }
    if (!closed && room < reserve + next)
        bb_intake_close(j, s.disk < s.map
                               ? "disk full: the journal's file system has less free than the reserve"
                               : "disk full: the journal has nearly reached its map_size");
    if (!closed || room < 2 * reserve)
        return;
    if (j->space.released && bb_reserve_make(j) != 0)
        return;
    j->space.tight = false;
    atomic_store(&j->intake, NULL);
    bb_journal_say(j, BB_LOG_INFO, "journal %s: there is room again, intake is open", j->dir);
}
