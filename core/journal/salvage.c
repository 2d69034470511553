/*
 * salvage.c - what a damaged store still gives
 *
 * Trusts no tree, no meta page and no length: it looks at every second byte of the file for
 * something that is a message's record: plausible lengths, and a CRC-32C over exactly that many
 * bytes that holds. LMDB stores a value's bytes in one piece, in a leaf page or in a run of
 * overflow pages, so a record that is whole in the file is found. A page that was freed may still
 * hold an older copy of a record: the copies are the same, since a message never changes. Memory: 16
 * to 32 bytes a message found, for telling copies apart.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/journal/internal.h"

#define WHOLE_MAX (64u << 20)
#define MATCHES_MAX 4096u

struct seen { /* a set of sequence numbers, open addressing; 0 is no number */
    uint64_t *slot;
    size_t cap, n;
};

static size_t seen_slot(const struct seen *s, uint64_t seq)
{
    size_t i = (size_t)(seq * 0x9E3779B97F4A7C15u >> 20) & (s->cap - 1);

    while (s->slot[i] && s->slot[i] != seq)
        i = (i + 1) & (s->cap - 1);
    return i;
}

/* 1 it was there, 0 it is now, -1 no memory. */
static int seen_before(struct seen *s, uint64_t seq)
{
    size_t i;

    if ((s->n + 1) * 2 > s->cap) {
        struct seen more = {NULL, s->cap ? s->cap * 2 : 4096, s->n};
        more.slot = calloc(more.cap, sizeof *more.slot);
        if (!more.slot)
            return -1;
        for (size_t k = 0; k < s->cap; k++)
            if (s->slot[k])
                more.slot[seen_slot(&more, s->slot[k])] = s->slot[k];
        free(s->slot);
        *s = more;
    }
    i = seen_slot(s, seq);
    if (s->slot[i])
        return 1;
    s->slot[i] = seq;
    s->n++;
    return 0;
}

/* The length of the record that begins at p, or 0. Cheap tests first: most places are none. */
static size_t record_at(const uint8_t *p, size_t left)
{
    struct bb_rec_msg h;
    size_t n;

    if (left < sizeof h + 4)
        return 0;
    memcpy(&h, p, sizeof h);
    if (h.flags & ~BB_REC_CONFLICT || h.n_matches > MATCHES_MAX || h.len < 4 || h.len > WHOLE_MAX ||
        h.seq == 0 || h.endpoint > 1u << 20)
        return 0;
    n = sizeof h + h.n_matches * sizeof(struct bb_match) + h.len;
    if (n > left || bb_crc32c(0, p + 4, n - 4) != h.crc)
        return 0;
    return n;
}

static int give(const uint8_t *p, size_t n, int (*fn)(void *, const struct bb_record *), void *arg)
{
    struct bb_rec_msg h;
    struct bb_record r = {0};
    struct bb_match *m;
    int rc;

    memcpy(&h, p, sizeof h);
    m = malloc((h.n_matches ? h.n_matches : 1) * sizeof *m);
    if (!m)
        return ENOMEM;
    memcpy(m, p + sizeof h, h.n_matches * sizeof *m);
    r.seq = h.seq;
    r.accept_ms = h.accept_ms;
    r.endpoint = h.endpoint;
    r.conflict = h.flags & BB_REC_CONFLICT;
    r.matches = m;
    r.n_matches = h.n_matches;
    r.whole.ptr = p + sizeof h + h.n_matches * sizeof *m;
    r.whole.len = n - sizeof h - h.n_matches * sizeof *m;
    rc = fn(arg, &r);
    free(m);
    return rc;
}

int64_t bb_journal_salvage(const char *dir, int (*fn)(void *, const struct bb_record *), void *arg,
                           struct bb_fault *err)
{
    struct seen seen = {0};
    struct stat st;
    char path[4200];
    const uint8_t *map;
    int64_t found = 0;
    int fd;

    snprintf(path, sizeof path, "%s/data.mdb", dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) {
        bb_fail(err, "salvage: %s: %s", path, fd < 0 ? strerror(errno) : "empty");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED) {
        bb_fail(err, "salvage: %s: %s", path, strerror(errno));
        return -1;
    }
    madvise((void *)(uintptr_t)map, (size_t)st.st_size, MADV_SEQUENTIAL);
    for (size_t at = 0; at + sizeof(struct bb_rec_msg) < (size_t)st.st_size; at += 2) {
        size_t n = record_at(map + at, (size_t)st.st_size - at);
        struct bb_rec_msg h;

        if (!n)
            continue;
        memcpy(&h, map + at, sizeof h);
        int was = seen_before(&seen, h.seq);
        if (was < 0 || (was == 0 && give(map + at, n, fn, arg) != 0)) {
            if (was < 0)
                found = bb_fail(err, "salvage: no memory after %lld messages", (long long)found);
            break;
        }
        found += was == 0;
        at += (n & ~(size_t)1) - 2;
    }
    free(seen.slot);
    munmap((void *)(uintptr_t)map, (size_t)st.st_size);
    return found;
}
