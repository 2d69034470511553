/*
 * sink.c - a file that grows: each delivery, or each batch, is one write made durable
 *
 * Order of one write: the keys into PATH.keys, synced; the bytes into PATH, synced; OK. What fails is
 * cut off again, so RETRY means that nothing of it is there; when even that fails the answer is
 * UNKNOWN, and the next opening settles it. At each opening the last group of the index is compared
 * with the file: whole, or cut off in both. That is also what makes probe() exact.
 *
 * The index is locked: two sinks on one path do not mix. The file may be renamed by others at any
 * time (log rotation); the next write begins a new one.
 *
 * Thread: [ctl]. Ownership: the sink owns its descriptors.
 * Invariant: while ready, every group in the index is in the file.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OUT_MAX (256u << 20)

struct sink {
    struct bb_ctx ctx;
    const struct config *c;
    char base[NAME_LEN], index[NAME_LEN];
    int dir, fd, keys;
    uint64_t inode, size, lines;
    bool ready;
    bool open_line;            /* the file ends inside a line that is not ours */
    bool doubt;                /* whether the group below is written cannot be told */
    struct keys_group doubtful;
    struct bb_buf out;
    struct render render;
    char trouble[240]; /* why it cannot be written now, or "" */
    struct bb_bytes *batch_keys;
    size_t batch_cap;
};

struct sink *sink_new(const struct bb_ctx *ctx, const struct config *c)
{
    struct sink *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->ctx = *ctx;
    s->c = c;
    s->dir = s->fd = s->keys = -1;
    bb_buf_init(&s->out, OUT_MAX);
    return s;
}

static void files_close(struct sink *s)
{
    int *const fds[] = {&s->fd, &s->keys, &s->dir};
    for (size_t k = 0; k < 3; k++) {
        if (*fds[k] >= 0)
            close(*fds[k]);
        *fds[k] = -1;
    }
    s->ready = false;
}

void sink_free(struct sink **sp)
{
    struct sink *s = *sp;
    if (!s)
        return;
    files_close(s);
    bb_buf_free(&s->out);
    render_close(&s->render);
    free(s->batch_keys);
    free(s);
    *sp = NULL;
}

/* ---- opening and recovery ----------------------------------------------------------------------- */

static int data_open(struct sink *s)
{
    const struct bb_buf *end = &s->render.end;
    struct stat st;
    char last[16];
    int fresh = faccessat(s->dir, s->base, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
    s->fd = openat(s->dir, s->base, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0660);
    if (s->fd < 0 || fstat(s->fd, &st) != 0 || (fresh && fsync(s->dir) != 0))
        return -1;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    s->inode = (uint64_t)st.st_ino;
    s->size = (uint64_t)st.st_size;
    s->open_line = s->size > 0 &&
                   (s->size < end->len ||
                    (pread(s->fd, last, end->len, st.st_size - (off_t)end->len) ==
                         (ssize_t)end->len &&
                     memcmp(last, end->ptr, end->len) != 0));
    return 0;
}

/* Whether the file holds g whole. */
static int group_there(struct sink *s, const struct keys_group *g)
{
    char buf[65536];
    uint64_t at = 0, h = 0;
    if (s->size < g->offset + g->length)
        return 0;
    while (at < g->length) {
        size_t want = g->length - at < sizeof buf ? (size_t)(g->length - at) : sizeof buf;
        size_t have = 0;
        while (have < want) { /* the hash wants whole pieces */
            ssize_t n = pread(s->fd, buf + have, want - have, (off_t)(g->offset + at + have));
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return 0;
            have += (size_t)n;
        }
        h = keys_hash(buf, want, h);
        at += want;
    }
    return h == g->hash;
}

/* Where the next write begins: in front of an array's closing bracket, or a document's last tags. */
static uint64_t write_at(const struct sink *s)
{
    return s->size > 0 ? s->size - s->render.tail.len : s->size;
}

/* Cuts the file off where a write began, durably; a document is closed again. 0, -1 errno. */
static int cut_to(struct sink *s, uint64_t offset)
{
    size_t tail = offset > 0 ? s->render.tail.len : 0;
    if (ftruncate(s->fd, (off_t)offset) != 0 ||
        (tail && pwrite(s->fd, s->render.tail.ptr, tail, (off_t)offset) != (ssize_t)tail) ||
        fdatasync(s->fd) != 0)
        return -1;
    s->size = offset + tail;
    return 0;
}

/* Makes file and index agree about the last group. 0, -1 errno. */
static int recover(struct sink *s)
{
    struct keys_group g;
    uint64_t begin, was;
    int rc = keys_last(s->keys, &g, &begin);
    s->doubt = false;
    if (rc <= 0)
        return rc;
    if (g.inode != s->inode || s->size < g.offset) {
        /* the file was taken away or cut by someone after the last write: nobody can tell any more
         * whether that write was whole */
        s->doubt = true;
        s->doubtful = g;
        return 0;
    }
    if (group_there(s, &g))
        return 0;
    if (g.version < KEYS_VERSION && s->size >= g.offset + g.length) {
        /* as long as it should be, and that build's hash is another one: cutting would be a guess */
        s->doubt = true;
        s->doubtful = g;
        bb_host_log(&s->ctx, BB_LOG_WARN,
                    "%s.keys is of an older build: whether its last write, byte %" PRIu64 " to %" PRIu64
                    ", is whole cannot be told, so it is left as it is; look at the file's end. The "
                    "next write makes an entry of this build", s->c->path, g.offset, g.offset + g.length);
        return 0;
    }
    if (s->size > g.offset + g.length) {
        s->doubt = true;
        s->doubtful = g;
        bb_host_log(&s->ctx, BB_LOG_WARN, "%s was changed by someone else at byte %" PRIu64,
                    s->c->path, g.offset);
        return 0;
    }
    was = s->size;
    if (cut_to(s, g.offset) != 0 || ftruncate(s->keys, (off_t)begin) != 0 ||
        fdatasync(s->keys) != 0)
        return -1;
    bb_host_log(&s->ctx, BB_LOG_WARN, "%s: cut off %" PRIu64 " bytes of a write that was interrupted",
                s->c->path, was - g.offset);
    s->open_line = false;
    return 0;
}

static int bytes_there(struct sink *s, const struct bb_buf *want, uint64_t offset)
{
    char got[4096];
    const char *p = (const char *)want->ptr;
    for (size_t at = 0; at < want->len;) {
        size_t n = want->len - at < sizeof got ? want->len - at : sizeof got;
        if (pread(s->fd, got, n, (off_t)(offset + at)) != (ssize_t)n || memcmp(got, p + at, n) != 0)
            return 0;
        at += n;
    }
    return 1;
}

/* Whether the file begins and ends as a document that a write can go on with. */
static int document_closed(struct sink *s)
{
    const struct bb_buf *head = &s->render.head, *tail = &s->render.tail;
    return s->size == 0 || (s->size >= head->len + tail->len && bytes_there(s, head, 0) &&
                            bytes_there(s, tail, s->size - tail->len));
}

/* Opens what is not open. OK, or DOWN with err: nothing was written, and another message would fare no better. */
static bb_status files_open(struct sink *s, struct bb_error *err)
{
    const char *slash = strrchr(s->c->path, '/');
    const char *base = slash ? slash + 1 : s->c->path;
    char folder[4096];
    struct stat st;
    int64_t lines;
    bool whole = s->ready; /* then this life knows that its last write was whole */
    if (s->ready) {
        /* renamed or removed by someone: go on in a new one */
        if (fstatat(s->dir, s->base, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            (uint64_t)st.st_ino == s->inode && fstat(s->fd, &st) == 0) {
            if ((uint64_t)st.st_size == s->size)
                return BB_OK;
        }
        files_close(s);
    }
    if (!*base || strlen(base) > NAME_LEN - 16)
        return bb_error_set(err, BB_E_CONFIG, "config.path: %s names no file", s->c->path);
    snprintf(s->base, sizeof s->base, "%s", base);
    snprintf(s->index, sizeof s->index, "%.240s.keys", base);
    if (slash)
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - s->c->path) + (slash == s->c->path),
                 s->c->path);
    else
        snprintf(folder, sizeof folder, ".");
    s->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0) {
        bb_error_set(err, BB_E_DOWN, "cannot open the folder %s: %s", folder, strerror(errno));
        goto fail;
    }
    s->keys = openat(s->dir, s->index, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
    if (s->keys < 0) {
        bb_error_set(err, BB_E_DOWN, "cannot open %s.keys: %s", s->c->path, strerror(errno));
        goto fail;
    }
    if (flock(s->keys, LOCK_EX | LOCK_NB) != 0) {
        bb_error_set(err, BB_E_DOWN, "%s is written by another endpoint: give each its own path",
                     s->c->path);
        goto fail;
    }
    /* the one that is locked must still be the one that has the name (keys_trim renames) */
    struct stat named;
    if (fstat(s->keys, &st) != 0 || fstatat(s->dir, s->index, &named, 0) != 0 ||
        st.st_ino != named.st_ino) {
        bb_error_set(err, BB_E_DOWN, "%s.keys was replaced just now", s->c->path);
        goto fail;
    }
    if (data_open(s) != 0) {
        bb_error_set(err, BB_E_DOWN, "cannot open %s: %s", s->c->path,
                     errno == EINVAL ? "it is no plain file" : strerror(errno));
        goto fail;
    }
    lines = recover(s) == 0 ? keys_count(s->keys) : -1;
    if (lines < 0 && errno == ENOTSUP) {
        bb_error_set(err, BB_E_DOWN, "%s.keys is of a newer build of this connector: run that one, or "
                                      "move %s and its .keys away together", s->c->path, s->c->path);
        goto fail;
    }
    if (lines < 0) {
        bb_error_set(err, BB_E_DOWN, "cannot check the end of %s: %s", s->c->path, strerror(errno));
        goto fail;
    }
    if (!document_closed(s)) {
        bb_error_set(err, BB_E_DOWN, "%s does not begin and end as %s that was written here: move it away",
                     s->c->path, s->c->array ? "an array" : "an XML document with this xml mapping");
        goto fail;
    }
    s->lines = (uint64_t)lines;
    s->doubt = s->doubt && !whole;
    s->ready = true;
    return BB_OK;
fail:
    files_close(s);
    return BB_E_DOWN;
}

static bb_status ready(struct sink *s, struct bb_error *err)
{
    bb_status st = files_open(s, err);
    snprintf(s->trouble, sizeof s->trouble, "%s", st == BB_OK ? "" : err->text);
    return st;
}

bb_status sink_health(struct sink *s, struct bb_error *why)
{
    struct bb_error now = bb_error_none();

    if (s->trouble[0])
        (void)ready(s, &now); /* a delivery may not come for long */
    return s->trouble[0] ? bb_error_set(why, BB_E_DOWN, "%s", s->trouble) : BB_OK;
}

bb_status sink_start(struct sink *s, struct bb_error *err)
{
    struct bb_error why = bb_error_none();
    char text[200];
    bb_status st;
    render_close(&s->render);
    if (render_open(&s->render, s->c, text, sizeof text) != 0)
        return bb_error_set(err, BB_E_CONFIG, "config.%s", text);
    st = ready(s, &why);
    if (st == BB_E_CONFIG)
        return bb_error_set(err, st, "%s", why.text);
    if (st != BB_OK)
        bb_host_log(&s->ctx, BB_LOG_WARN, "%s", why.text);
    return BB_OK;
}

/* ---- rendering ---------------------------------------------------------------------------------- */

static bb_status render(struct sink *s, const struct bb_msg_view *v, struct bb_error *err)
{
    struct bb_fault f = {0, ""};
    if (render_message(&s->render, v->whole, &s->out, &f) == 0)
        return BB_OK;
    if (s->out.failed) {
        s->out.failed = 0;
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    }
    return bb_error_set(err, BB_E_REJECT, "cannot be written as %s: %s",
                        s->c->content == CONTENT_CSV   ? "CSV"
                        : s->c->content == CONTENT_XML ? "XML"
                                                       : "JSON",
                        f.text);
}

/* ---- writing ------------------------------------------------------------------------------------ */

static int rotate(struct sink *s, struct bb_error *err)
{
    char stamp[32], as[NAME_LEN + 40], got[NAME_LEN + 80];
    struct tm tm;
    time_t now = time(NULL);
    const char *dot = strrchr(s->base, '.');
    size_t stem = dot && dot != s->base ? (size_t)(dot - s->base) : strlen(s->base);
    gmtime_r(&now, &tm);
    if (strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm) == 0)
        stamp[0] = 0;
    snprintf(as, sizeof as, "%.*s-%s%s", (int)stem, s->base, stamp, s->base + stem);
    if (file_move(s->dir, s->base, s->dir, as, got, sizeof got) != 0 || fsync(s->dir) != 0) {
        bb_error_set(err, BB_E_RETRY, "cannot rename %s: %s", s->c->path, strerror(errno));
        return -1;
    }
    bb_host_log(&s->ctx, BB_LOG_INFO, "%s goes on in a new file; the full one is %s", s->c->path,
                got);
    close(s->fd);
    s->fd = -1;
    if (data_open(s) == 0)
        return 0;
    bb_error_set(err, BB_E_RETRY, "cannot open %s: %s", s->c->path, strerror(errno));
    files_close(s);
    return -1;
}

/* A full disk is no matter of this message: the endpoint pauses. */
static bb_status not_written(int why)
{
    return why == ENOSPC || why == EDQUOT ? BB_E_DOWN : BB_E_RETRY;
}

/* Writes s->out with the keys of what is in it. OK, RETRY or DOWN (nothing is there) or UNKNOWN. */
static bb_status group_write(struct sink *s, size_t n_keys, struct bb_error *err)
{
    uint64_t begin = write_at(s);
    struct keys_group g = {s->inode, begin, 0, 0, KEYS_VERSION};
    struct stat st;
    size_t at = 0;
    bool broken = false;
    int saved;
    bb_buf_put(&s->out, s->render.tail.ptr, s->render.tail.len);
    if (s->out.failed)
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    g.length = s->out.len;
    g.hash = keys_hash(s->out.ptr, s->out.len, 0);
    if (keys_append(s->keys, &g, s->batch_keys, n_keys, &broken) != 0) {
        saved = errno;
        if (broken)
            files_close(s);
        return bb_error_set(err, not_written(saved), "cannot write %s.keys: %s", s->c->path, strerror(saved));
    }
    while (at < s->out.len) {
        ssize_t w = pwrite(s->fd, s->out.ptr + at, s->out.len - at, (off_t)(begin + at));
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            break;
        at += (size_t)w;
    }
    if (at == s->out.len && fdatasync(s->fd) == 0) {
        s->size = begin + s->out.len;
        s->lines += n_keys;
        s->open_line = false;
        return BB_OK;
    }
    saved = errno;
    if (cut_to(s, begin) == 0 && fstat(s->fd, &st) == 0 && (uint64_t)st.st_size == s->size) {
        files_close(s); /* opening again takes the keys back */
        return bb_error_set(err, not_written(saved), "cannot write %s: %s", s->c->path, strerror(saved));
    }
    files_close(s);
    return bb_error_set(err, BB_E_UNKNOWN, "cannot write %s: %s; nor could it be cut back",
                        s->c->path, strerror(saved));
}

static int was_written(struct sink *s, struct bb_bytes key)
{
    struct keys_group g;
    int rc = keys_find(s->keys, key, &g);
    if (rc == 1 && s->doubt && g.inode == s->doubtful.inode && g.offset == s->doubtful.offset &&
        g.hash == s->doubtful.hash)
        return -1;
    return rc;
}

static void view_of(struct sink *s, const bb_msg *m, struct bb_msg_view *v)
{
    memset(v, 0, sizeof *v);
    v->size = (uint32_t)sizeof *v;
    s->ctx.api->msg_view(m, v);
}

static int batch_room(struct sink *s, size_t n)
{
    struct bb_bytes *more;
    if (n <= s->batch_cap)
        return 0;
    more = realloc(s->batch_keys, n * sizeof *more);
    if (!more)
        return -1;
    s->batch_keys = more;
    s->batch_cap = n;
    return 0;
}

/* What comes before the first record of this write. */
static int lead_put(struct sink *s)
{
    bb_buf_reset(&s->out);
    if (s->open_line)
        bb_host_log(&s->ctx, BB_LOG_WARN, "%s did not end with a line's end; one was added",
                    s->c->path);
    return render_lead(&s->render, &s->out, s->size == 0, s->open_line);
}

/* Renders from k on into the buffer until one fails; gives how many there are to write. */
static size_t render_all(struct sink *s, const bb_msg *const *m, size_t n, bb_status *status,
                         struct bb_error *err, size_t *keys)
{
    struct bb_msg_view v;
    size_t k;
    *keys = 0;
    for (k = 0; k < n; k++) {
        int there = 0;
        view_of(s, m[k], &v);
        if (v.flags & BB_MSG_REDELIVERY)
            there = was_written(s, v.key);
        if (there < 0) {
            status[k] = bb_error_set(&err[k], BB_E_UNKNOWN, "whether it was written before cannot "
                                                            "be told: %s was changed", s->c->path);
            break;
        }
        if (there == 1) {
            status[k] = BB_OK;
            continue;
        }
        status[k] = render(s, &v, &err[k]);
        if (status[k] != BB_OK)
            break;
        s->batch_keys[(*keys)++] = v.key;
        status[k] = BB_PENDING; /* until it is written */
    }
    for (size_t j = k + 1; j < n; j++)
        status[j] = bb_error_set(&err[j], BB_E_CANCEL, "one before it in the batch failed");
    return k;
}

void sink_write(struct sink *s, const bb_msg *const *m, size_t n, bb_status *status,
                struct bb_error *err)
{
    struct bb_error why = bb_error_none();
    bb_status st = batch_room(s, n) == 0 ? ready(s, &why)
                                         : bb_error_set(&why, BB_E_RETRY, "out of memory");
    size_t keys = 0, lead, upto = 0;
    if (st == BB_OK && lead_put(s) != 0)
        st = bb_error_set(&why, BB_E_RETRY, "out of memory");
    if (st != BB_OK) {
        for (size_t k = 0; k < n; k++)
            status[k] = bb_error_set(&err[k], st, "%s", why.text);
        return;
    }
    lead = s->out.len;
    upto = render_all(s, m, n, status, err, &keys);
    if (keys && s->c->rotate && s->size > 0 && s->size + s->out.len - lead > s->c->rotate) {
        st = rotate(s, &why) == 0 ? BB_OK : BB_E_RETRY;
        /* a new file begins in another way: render once more, what failed fails again */
        if (st == BB_OK && lead_put(s) != 0)
            st = bb_error_set(&why, BB_E_RETRY, "out of memory");
        if (st == BB_OK)
            upto = render_all(s, m, n, status, err, &keys);
    }
    if (keys && st == BB_OK)
        st = group_write(s, keys, &why);
    for (size_t k = 0; k < upto; k++)
        if (status[k] == BB_PENDING)
            status[k] = st == BB_OK ? BB_OK : bb_error_set(&err[k], st, "%s", why.text);
    if (st == BB_OK && s->lines > 2 * (uint64_t)s->c->keys) {
        if (keys_trim(s->dir, s->index, &s->keys, s->c->keys) == 0)
            s->lines = s->c->keys;
        else
            s->lines = 0; /* no room for it now: try after as many again */
    }
}

bb_status sink_probe(struct sink *s, const bb_msg *m, struct bb_error *err)
{
    struct bb_msg_view v;
    bb_status st = ready(s, err);
    int rc;
    if (st != BB_OK)
        return BB_E_RETRY;
    view_of(s, m, &v);
    rc = was_written(s, v.key);
    if (rc < 0)
        return bb_error_set(err, BB_E_RETRY, "cannot tell: %s or its index was changed or cannot "
                                             "be read", s->c->path);
    return rc == 1 ? BB_OK : BB_NOT_APPLIED;
}
