/*
 * salvage.c - what a damaged store still gives
 *
 * Trusts no tree, no meta page and no length: it looks at every second byte of the file for
 * something that is a message's record: plausible lengths, and a CRC-32C over exactly that many
 * bytes that holds. LMDB stores a value's bytes in one piece, in a leaf page or in a run of
 * overflow pages, so a record that is whole in the file is found. A page that was freed may still
 * hold an older copy of a record: the copies are the same, since a message never changes.
 *
 * The file is read, not mapped: what the disk does not give is passed over, block by block, and
 * counted. A value that does not fit a page begins behind its first page's header and nowhere else,
 * so a long record is looked for only there, where the page also bears its own number: contents made
 * to look like records cost little. Memory: a window, one record, and 16 to 32 bytes a message
 * found, for telling copies apart. The log (wal.h) is read by its records, of whatever generation:
 * what was committed last may be there alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/journal/internal.h"

#define WINDOW (4u << 20)
#define BLOCK 4096u
#define SHORT_MAX 65536u /* no page is larger */
#define PAGE_HEAD 16u

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

struct file {
    int fd;
    uint64_t size, at; /* of the file; of the window in it */
    uint64_t unread, unread_to; /* bytes the disk did not give; those below are counted */
    uint8_t *win;
    size_t len;
    uint8_t *big; /* one record that is longer than the window's rest */
    size_t big_cap;
};

/* What cannot be read is zeros. */
static void read_at(struct file *f, uint8_t *to, size_t n, uint64_t at)
{
    for (size_t got = 0; got < n;) {
        size_t part = n - got;
        ssize_t r = pread(f->fd, to + got, part, (off_t)(at + got));
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0) { /* up to the block's end there may be some that can be read */
            size_t block = BLOCK - (size_t)((at + got) % BLOCK);
            part = part < block ? part : block;
            r = r < 0 && part < n - got ? pread(f->fd, to + got, part, (off_t)(at + got)) : -1;
        }
        if (r <= 0) {
            memset(to + got, 0, part);
            if (at + got + part > f->unread_to) {
                f->unread += part;
                f->unread_to = at + got + part;
            }
            r = (ssize_t)part;
        }
        got += (size_t)r;
    }
}

static void window_to(struct file *f, uint64_t at)
{
    uint64_t left = f->size - at;
    f->at = at;
    f->len = left < WINDOW ? (size_t)left : WINDOW;
    read_at(f, f->win, f->len, at);
}

/* The length that the head at p promises, or 0. Cheap tests: most places are none. */
static size_t promised(const uint8_t *p)
{
    struct bb_rec_msg h;

    memcpy(&h, p, sizeof h);
    if (h.flags & ~BB_REC_CONFLICT || h.n_matches > BB_MATCHES_MAX || h.len < 4 ||
        h.len > BB_WHOLE_MAX || h.seq == 0 || h.endpoint > 1u << 20)
        return 0;
    return sizeof h + h.n_matches * sizeof(struct bb_match) + h.len;
}

static bool crc_holds(const uint8_t *p, size_t n)
{
    uint32_t crc;
    memcpy(&crc, p, 4);
    return bb_crc32c(0, p + 4, n - 4) == crc;
}

/* Does a run of overflow pages begin right before "at"? Its page number times a page's size is
 * where it lies. */
static bool behind_page_head(struct file *f, uint64_t at)
{
    uint8_t head[PAGE_HEAD];
    uint64_t number, page = at - PAGE_HEAD;

    if (at % BLOCK != PAGE_HEAD)
        return false;
    if (page >= f->at)
        memcpy(head, f->win + (page - f->at), sizeof head);
    else
        read_at(f, head, sizeof head, page);
    number = bb_le64(head);
    return number && page % number == 0 && page / number <= SHORT_MAX &&
           (page / number & (page / number - 1)) == 0;
}

/* The record at "at", which lies in the window: its bytes, or NULL. -1 in *rc: no memory. */
static const uint8_t *record_at(struct file *f, uint64_t at, size_t *n, int *rc)
{
    const uint8_t *p = f->win + (at - f->at);

    *n = promised(p);
    if (!*n || *n > f->size - at || (*n > SHORT_MAX && !behind_page_head(f, at)))
        return NULL;
    if (*n <= f->len - (size_t)(at - f->at))
        return crc_holds(p, *n) ? p : NULL;
    if (*n > f->big_cap) {
        uint8_t *more = realloc(f->big, *n);
        if (!more) {
            *rc = -1;
            return NULL;
        }
        f->big = more;
        f->big_cap = *n;
    }
    read_at(f, f->big, *n, at);
    return crc_holds(f->big, *n) ? f->big : NULL;
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

struct finds {
    struct seen seen;
    int64_t n;
    int (*fn)(void *, const struct bb_record *);
    void *arg;
};

/* 0, 1 the caller has enough, -1 no memory. */
static int find(struct finds *t, const uint8_t *p, size_t n)
{
    struct bb_rec_msg h;
    int was, rc;

    memcpy(&h, p, sizeof h);
    was = seen_before(&t->seen, h.seq);
    rc = was < 0 ? -1 : was == 0 && give(p, n, t->fn, t->arg) != 0;
    t->n += was == 0 && rc == 0;
    return rc;
}

/* What was committed and may not have reached the store's file yet. */
static int find_in_log(void *arg, const uint8_t *p, size_t n)
{
    return n >= sizeof(struct bb_rec_msg) && promised(p) == n && crc_holds(p, n) ? find(arg, p, n) : 0;
}

static int scan(struct file *f, struct finds *t)
{
    uint64_t at = 0;
    int rc = 0;

    window_to(f, 0);
    while (!rc && at + sizeof(struct bb_rec_msg) < f->size) {
        const uint8_t *p;
        size_t n;

        if (at < f->at || at + sizeof(struct bb_rec_msg) > f->at + f->len)
            window_to(f, at);
        p = record_at(f, at, &n, &rc);
        if (!p) {
            at += 2;
            continue;
        }
        rc = find(t, p, n);
        at += n & ~(size_t)1;
    }
    return rc;
}

int64_t bb_journal_salvage(const char *dir, int (*fn)(void *, const struct bb_record *), void *arg,
                           uint64_t *unread, struct bb_fault *err)
{
    struct finds finds = {.fn = fn, .arg = arg};
    struct file f = {.fd = -1};
    struct stat st = {0};
    char path[4200];
    int64_t found = -1;
    int rc;

    *unread = 0;
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    f.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f.fd < 0 || fstat(f.fd, &st) != 0 || st.st_size == 0) {
        bb_fail(err, "salvage: %s: %s", path, f.fd < 0 ? strerror(errno) : "empty");
        goto out;
    }
    f.size = (uint64_t)st.st_size;
    f.win = malloc(WINDOW);
    if (!f.win) {
        bb_fail(err, "salvage: no memory");
        goto out;
    }
    (void)posix_fadvise(f.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    rc = scan(&f, &finds);
    if (!rc)
        rc = bb_wal_messages(dir, find_in_log, &finds);
    *unread = f.unread;
    if (rc < 0 || rc == ENOMEM)
        bb_fail(err, "salvage: no memory after %lld messages", (long long)finds.n);
    else
        found = finds.n;
    free(finds.seen.slot);
out:
    free(f.win);
    free(f.big);
    if (f.fd >= 0)
        close(f.fd);
    return found;
}
