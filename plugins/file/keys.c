/*
 * keys.c - the index of what a sink wrote: a line for each delivery, PATH.keys
 *
 * INODE OFFSET LENGTH VERSION:HASH KEY, the first of the one write that the delivery was part of.
 * Lines without VERSION: are of builds whose hash was another one, or none that can be told. The
 * lines are made durable before the write itself. So every group but the last is surely written, and
 * whether the last one is can be told from the file: it is as long and its bytes have that hash.
 * A line without its end (a crash while the index grew) does not count and is cut off.
 *
 * Thread: [ctl]. Ownership: descriptors are the caller's.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct view {
    char *p;
    size_t len; /* up to the last line's end */
    size_t size;
};

static int view_open(int fd, struct view *v)
{
    struct stat st;
    memset(v, 0, sizeof *v);
    if (fstat(fd, &st) != 0)
        return -1;
    if (st.st_size == 0)
        return 0;
    v->size = (size_t)st.st_size;
    v->p = mmap(NULL, v->size, PROT_READ, MAP_SHARED, fd, 0);
    if (v->p == MAP_FAILED) {
        v->p = NULL;
        return -1;
    }
    v->len = v->size;
    while (v->len > 0 && v->p[v->len - 1] != '\n')
        v->len--;
    return 0;
}

static void view_close(struct view *v)
{
    if (v->p)
        munmap(v->p, v->size);
}

/* Where the line that ends before end begins. */
static size_t line_begin(const struct view *v, size_t end)
{
    size_t k = end - 1;
    while (k > 0 && v->p[k - 1] != '\n')
        k--;
    return k;
}

static int number(const char **p, const char *end, int base, char stop, uint64_t *out)
{
    uint64_t x = 0;
    const char *start = *p;
    for (; *p < end && **p != stop; (*p)++) {
        char c = **p;
        unsigned d = c >= '0' && c <= '9' ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;
        if (d >= (unsigned)base || *p - start > 20)
            return -1;
        x = x * (unsigned)base + d;
    }
    if (*p == start || *p == end)
        return -1;
    (*p)++;
    *out = x;
    return 0;
}

static int line_read(const struct view *v, size_t begin, struct keys_group *g)
{
    const char *p = v->p + begin, *end = v->p + v->len;
    const char *word;
    if (number(&p, end, 10, ' ', &g->inode) != 0 || number(&p, end, 10, ' ', &g->offset) != 0 ||
        number(&p, end, 10, ' ', &g->length) != 0)
        return -1;
    word = p;
    g->hash = 0;
    if (number(&p, end, 10, ':', &g->version) != 0) {
        p = word;
        g->version = 0;
    }
    return g->version > KEYS_VERSION ? 0 : number(&p, end, 16, ' ', &g->hash);
}

static int group_same(const struct keys_group *a, const struct keys_group *b)
{
    return a->inode == b->inode && a->offset == b->offset && a->length == b->length &&
           a->hash == b->hash && a->version == b->version;
}

/* Against accidents, not against people. Eight bytes at a time: the hash of a whole is the hash of
 * its pieces, one after the other, if all but the last are multiples of eight. Who changes this
 * changes KEYS_VERSION too. */
uint64_t keys_hash(const void *data, size_t n, uint64_t h)
{
    const uint8_t *p = data;
    uint64_t w;
    h = h ? h : 0xcbf29ce484222325u;
    for (; n >= sizeof w; n -= sizeof w, p += sizeof w) {
        memcpy(&w, p, sizeof w);
        h = (h ^ w) * 0x9fb21c651e98df25u;
        h ^= h >> 32;
    }
    if (!n)
        return h;
    for (w = n; n > 0; n--)
        w = w << 8 | *p++;
    h = (h ^ w) * 0x9fb21c651e98df25u;
    return h ^ h >> 29;
}

/* A key as one word without blanks. */
static void key_put(struct bb_buf *b, struct bb_bytes key)
{
    static const char hex[] = "0123456789abcdef";
    const uint8_t *p = key.ptr, *end = key.len ? p + key.len : p, *run = p;
    for (; p < end; p++) {
        char e[3] = {'%', hex[*p >> 4], hex[*p & 15]};
        if (*p > ' ' && *p < 0x7f && *p != '%')
            continue;
        bb_buf_put(b, run, (size_t)(p - run));
        bb_buf_put(b, e, 3);
        run = p + 1;
    }
    bb_buf_put(b, run, (size_t)(end - run));
}

int keys_append(int fd, const struct keys_group *g, const struct bb_bytes *keys, size_t n,
                bool *broken)
{
    struct bb_buf b;
    struct stat st;
    size_t at = 0;
    char head[120];
    int rc = -1, saved;
    int len = snprintf(head, sizeof head, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 ":%" PRIx64 " ",
                       g->inode, g->offset, g->length, g->version, g->hash);
    bb_buf_init(&b, 1 << 26);
    for (size_t k = 0; k < n; k++) {
        bb_buf_put(&b, head, (size_t)len);
        key_put(&b, keys[k]);
        bb_buf_put(&b, "\n", 1);
    }
    errno = ENOMEM;
    if (b.failed || fstat(fd, &st) != 0)
        goto out;
    while (at < b.len) {
        ssize_t w = pwrite(fd, b.ptr + at, b.len - at, st.st_size + (off_t)at);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            break;
        at += (size_t)w;
    }
    if (at == b.len && fdatasync(fd) == 0) {
        rc = 0;
        goto out;
    }
    saved = errno;
    if (ftruncate(fd, st.st_size) != 0 || fdatasync(fd) != 0)
        *broken = true;
    errno = saved;
out:
    bb_buf_free(&b);
    return rc;
}

int keys_last(int fd, struct keys_group *g, uint64_t *begin)
{
    struct view v;
    struct keys_group before;
    size_t at;
    int rc = 0;
    if (view_open(fd, &v) != 0)
        return -1;
    if (v.len > 0) {
        at = line_begin(&v, v.len);
        rc = line_read(&v, at, g) == 0;
        if (rc && g->version > KEYS_VERSION) {
            view_close(&v); /* and nothing is cut: its rules are not known here */
            errno = ENOTSUP;
            return -1;
        }
        if (rc) {
            while (at > 0) {
                size_t up = line_begin(&v, at);
                if (line_read(&v, up, &before) != 0 || !group_same(&before, g))
                    break;
                at = up;
            }
            *begin = at;
        }
    }
    at = v.len;
    if (v.size > v.len && ftruncate(fd, (off_t)at) != 0)
        rc = -1;
    view_close(&v);
    return rc;
}

int keys_find(int fd, struct bb_bytes key, struct keys_group *g)
{
    struct bb_buf want;
    struct view v;
    int rc = 0;
    const char *p, *hit;
    bb_buf_init(&want, 65536);
    bb_buf_put(&want, " ", 1);
    key_put(&want, key);
    bb_buf_put(&want, "\n", 1);
    if (want.failed || view_open(fd, &v) != 0) {
        bb_buf_free(&want);
        return -1;
    }
    for (p = v.p; v.len && (hit = memmem(p, v.len - (size_t)(p - v.p), want.ptr, want.len)) != NULL;
         p = hit + 1)
        if (line_read(&v, line_begin(&v, (size_t)(hit - v.p) + 1), g) == 0)
            rc = 1;
    view_close(&v);
    bb_buf_free(&want);
    return rc;
}

int64_t keys_count(int fd)
{
    struct view v;
    int64_t n = 0;
    if (view_open(fd, &v) != 0)
        return -1;
    for (size_t k = 0; k < v.len; k++)
        n += v.p[k] == '\n';
    view_close(&v);
    return n;
}

int keys_trim(int dir, const char *name, int *fd, uint64_t keep)
{
    char temp[NAME_LEN + 32];
    struct view v;
    size_t at, done = 0;
    int new_fd = -1, rc = -1;
    if (view_open(*fd, &v) != 0)
        return -1;
    at = v.len;
    for (uint64_t k = 0; k < keep && at > 0; k++)
        at = line_begin(&v, at);
    snprintf(temp, sizeof temp, "%.250s.new", name);
    new_fd = openat(dir, temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0660);
    if (new_fd < 0 || flock(new_fd, LOCK_EX | LOCK_NB) != 0)
        goto out;
    while (at + done < v.len) {
        ssize_t n = write(new_fd, v.p + at + done, v.len - at - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            goto out;
        done += (size_t)n;
    }
    if (fsync(new_fd) != 0 || renameat(dir, temp, dir, name) != 0 || fsync(dir) != 0)
        goto out;
    close(*fd);
    *fd = new_fd;
    new_fd = -1;
    rc = 0;
out:
    if (new_fd >= 0)
        close(new_fd);
    view_close(&v);
    return rc;
}
