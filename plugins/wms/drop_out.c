/*
 * drop_out.c - a delivery as a file: written beside, synced, renamed
 *
 * The name is made of the idempotency key, so a file that is there (waiting, or in done/) says that the message was
 * handed over, and nothing is written twice. What the warehouse put into refused/ counts as not handed over: a replay
 * writes it again.
 *
 * Thread: the instance's; it blocks for as long as the disk takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "drop.h"

int drop_there(const char *folder, const char *sub, const char *name)
{
    char path[4400];
    struct stat st;

    return snprintf(path, sizeof path, "%s/%s%s", folder, sub, name) < (int)sizeof path && lstat(path, &st) == 0 &&
           S_ISREG(st.st_mode);
}

static void name_make(const struct bb_msg_view *v, char name[64])
{
    snprintf(name, 64, "mv-%.*s.csv", (int)(v->short_key.len < 40 ? v->short_key.len : 40), (const char *)v->short_key.ptr);
}

static int all_write(int fd, const struct bb_buf *b)
{
    size_t done = 0;

    while (done < b->len) {
        ssize_t n = write(fd, b->ptr + done, b->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        done += (size_t)n;
    }
    return fsync(fd);
}

static bb_status trouble(struct bb_error *err, const char *what, const char *path)
{
    int e = errno;
    bb_status st = e == EACCES || e == EROFS || e == ENOTDIR ? BB_E_CONFIG : BB_E_DOWN;
    char vendor[32];

    snprintf(vendor, sizeof vendor, "errno %d", e);
    bb_error_vendor(err, vendor);
    return bb_error_set(err, st, "%s %.120s: %s: see to files.out", what, path, strerror(e));
}

bb_status drop_deliver(bb_inst *i, const struct bb_msg_view *v, struct bb_error *err)
{
    char name[64], path[4400], hidden[4400];
    const char *dir = i->conf.out;
    struct bb_buf text;
    bb_status st;
    int fd, folder;

    name_make(v, name);
    if (drop_there(dir, "", name) || drop_there(dir, "done/", name))
        return BB_OK;
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path ||
        snprintf(hidden, sizeof hidden, "%s/.%s.new", dir, name) >= (int)sizeof hidden)
        return bb_error_set(err, BB_E_CONFIG, "files.out: the path is too long");
    bb_buf_init(&text, 16u << 20);
    st = drop_file_put(&i->conf, v, &text, err);
    if (st != BB_OK)
        goto out;
    fd = open(hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        st = trouble(err, "cannot write", hidden);
        goto out;
    }
    if (all_write(fd, &text) != 0)
        st = trouble(err, "cannot write", hidden);
    if (close(fd) != 0 && st == BB_OK)
        st = trouble(err, "cannot write", hidden);
    if (st == BB_OK && rename(hidden, path) != 0)
        st = trouble(err, "cannot rename to", path);
    if (st != BB_OK) {
        unlink(hidden);
        goto out;
    }
    folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fsync(folder) != 0) /* it is there; whether it stays there the probe will see */
        st = bb_error_set(err, BB_E_UNKNOWN, "cannot sync folder %.150s: %s", dir, strerror(errno));
    if (folder >= 0)
        close(folder);
out:
    bb_buf_free(&text);
    return st;
}

bb_status drop_probe(bb_inst *i, const struct bb_msg_view *v, struct bb_error *err)
{
    char name[64];

    name_make(v, name);
    if (access(i->conf.out, R_OK | X_OK) != 0)
        return bb_error_set(err, BB_E_RETRY, "cannot look into %.150s: %s: see to files.out", i->conf.out, strerror(errno));
    return drop_there(i->conf.out, "", name) || drop_there(i->conf.out, "done/", name) ? BB_OK : BB_NOT_APPLIED;
}
