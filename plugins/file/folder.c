/*
 * folder.c - the watched folder: which file is next, whether it is finished, and where it goes
 *
 * inotify only says that it is time to look; what is there is read from the folder itself, so a lost
 * notice, a restart or a network file system cost time and no file. A window of the first names in
 * order is kept, whatever the folder holds. Whether someone still writes a file is asked of the
 * kernel (a read lease is refused while a writer has it open); where leases are not to be had, a file
 * counts as finished when it has not changed for two seconds.
 *
 * Thread: [ctl]. Ownership: the folder owns its descriptors.
 * Invariants: names are sorted; nothing is ever overwritten in done/ or failed/.
 */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_MS 2000

static int sub_open(int dir, const char *name)
{
    if (mkdirat(dir, name, 0770) != 0 && errno != EEXIST)
        return -1;
    return openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int folder_open(struct folder *f, const char *directory, struct bb_error *err)
{
    f->dir = f->done = f->failed = f->inotify = -1;
    f->look = true;
    f->told_odd = false;
    f->n = f->next = 0;
    f->after[0] = 0;
    f->names = malloc(FOLDER_WINDOW * sizeof *f->names);
    if (!f->names) {
        bb_error_set(err, BB_E_RETRY, "out of memory");
        goto fail;
    }
    if (mkdir(directory, 0770) != 0 && errno != EEXIST) {
        bb_error_set(err, BB_E_CONFIG, "cannot make the folder %s: %s", directory, strerror(errno));
        goto fail;
    }
    f->dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->dir < 0) {
        bb_error_set(err, BB_E_CONFIG, "cannot open the folder %s: %s", directory, strerror(errno));
        goto fail;
    }
    f->done = sub_open(f->dir, "done");
    f->failed = f->done < 0 ? -1 : sub_open(f->dir, "failed");
    if (f->failed < 0) {
        bb_error_set(err, BB_E_CONFIG,
                     "cannot make or open %s/%s: %s; this user must be able to write there",
                     directory, f->done < 0 ? "done" : "failed", strerror(errno));
        goto fail;
    }
    f->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (f->inotify < 0 || inotify_add_watch(f->inotify, directory,
                                            IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
        bb_error_set(err, BB_E_CONFIG,
                     "cannot watch %s: %s; see fs.inotify.max_user_watches and _instances",
                     directory, strerror(errno));
        goto fail;
    }
    return 0;
fail:
    folder_close(f);
    return -1;
}

void folder_close(struct folder *f)
{
    int *const fds[] = {&f->dir, &f->done, &f->failed, &f->inotify};
    for (size_t k = 0; k < sizeof fds / sizeof fds[0]; k++) {
        if (*fds[k] >= 0)
            close(*fds[k]);
        *fds[k] = -1;
    }
    free(f->names);
    f->names = NULL;
    f->n = f->next = 0;
}

void folder_notices(struct folder *f)
{
    char buf[4096] __attribute__((aligned(8)));
    while (read(f->inotify, buf, sizeof buf) > 0)
        f->look = true;
}

/* Keeps name among the first ones, in order. */
static void window_put(struct folder *f, const char *name)
{
    uint32_t lo = 0, hi = f->n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (strcmp(f->names[mid], name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == FOLDER_WINDOW)
        return;
    if (f->n == FOLDER_WINDOW)
        f->n--;
    memmove(&f->names[lo + 1], &f->names[lo], (f->n - lo) * sizeof f->names[0]);
    memcpy(f->names[lo], name, strlen(name) + 1);
    f->n++;
}

static int wanted(const struct config *c, const char *name)
{
    size_t n = strlen(name);
    return name[0] != '.' && n < NAME_LEN && !(n > 4 && strcmp(name + n - 4, ".tmp") == 0) &&
           fnmatch(c->pattern, name, FNM_PERIOD) == 0;
}

static int look(struct folder *f, const struct config *c, const struct bb_ctx *ctx)
{
    int fd = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    int rc = 0;
    f->n = f->next = 0;
    if (!d) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    errno = 0;
    while ((e = readdir(d)) != NULL) {
        unsigned char type = e->d_type;
        struct stat st;
        if (!wanted(c, e->d_name) || strcmp(e->d_name, f->after) <= 0)
            continue;
        if (type == DT_UNKNOWN && fstatat(f->dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            type = S_ISREG(st.st_mode) ? DT_REG : S_ISDIR(st.st_mode) ? DT_DIR : DT_LNK;
        if (type == DT_REG) {
            window_put(f, e->d_name);
        } else if (type != DT_DIR && !f->told_odd) {
            f->told_odd = true;
            bb_host_log(ctx, BB_LOG_WARN,
                        "%s/%s is a link or no plain file and is left alone, as others would be; "
                        "copy its content here", c->directory, e->d_name);
        }
        errno = 0;
    }
    if (errno != 0)
        rc = -1;
    closedir(d);
    return rc;
}

int folder_next(struct folder *f, const struct config *c, const struct bb_ctx *ctx, char *name)
{
    if (f->next == f->n) {
        if (f->n == FOLDER_WINDOW) { /* there may be names behind the window */
            memcpy(f->after, f->names[f->n - 1], NAME_LEN);
        } else if (f->look) { /* a new pass from the first name on */
            f->after[0] = 0;
            f->look = false;
        } else {
            return 0;
        }
        if (look(f, c, ctx) != 0) {
            f->look = true;
            return -1;
        }
        if (f->n == 0)
            return 0;
    }
    memcpy(name, f->names[f->next], strlen(f->names[f->next]) + 1);
    f->next++;
    return 1;
}

/* Whether someone has fd's file open for writing: 1, 0, -1 the kernel cannot say. */
static int is_written(int fd)
{
    /* should a writer come while the lease is held, the signal must be one that is ignored */
    if (fcntl(fd, F_SETSIG, SIGURG) != 0)
        return -1;
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
        return errno == EAGAIN || errno == EBUSY ? 1 : -1;
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    return 0;
}

int folder_take(struct folder *f, const char *name, int *fd)
{
    struct stat st;
    struct timespec now;
    int written;
    *fd = openat(f->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        switch (errno) {
        case ENOENT:
        case ELOOP:
            return TAKE_GONE;
        case EWOULDBLOCK: /* another's lease */
        case EMFILE:
        case ENFILE:
        case ENOMEM:
        case EIO:
            return TAKE_LATER;
        default:
            return TAKE_DENIED;
        }
    if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(*fd);
        return TAKE_GONE;
    }
    written = is_written(*fd);
    if (written < 0) {
        clock_gettime(CLOCK_REALTIME, &now);
        written = (now.tv_sec - st.st_mtim.tv_sec) * 1000 +
                      (now.tv_nsec - st.st_mtim.tv_nsec) / 1000000 < SETTLE_MS &&
                  now.tv_sec >= st.st_mtim.tv_sec;
    }
    if (written) {
        close(*fd);
        return TAKE_OPEN;
    }
    return TAKE_OK;
}

int file_move(int from_dir, const char *name, int to_dir, const char *as, char *got, size_t cap)
{
    const char *dot = strrchr(as, '.');
    size_t stem = dot && dot != as ? (size_t)(dot - as) : strlen(as);
    for (unsigned k = 1; k < 100000; k++) {
        if (k == 1)
            snprintf(got, cap, "%s", as);
        else /* a long stem gives way to the number */
            snprintf(got, cap, "%.*s-%u%.*s", (int)(stem > 200 ? 200 : stem), as, k, 40, as + stem);
        if (renameat2(from_dir, name, to_dir, got, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno == EINVAL || errno == ENOSYS) { /* a file system without NOREPLACE */
            if (faccessat(to_dir, got, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                errno = EEXIST;
            else if (renameat(from_dir, name, to_dir, got) == 0)
                return 0;
        }
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

static int dirs_sync(int a, int b)
{
    return fsync(a) == 0 && fsync(b) == 0 ? 0 : -1;
}

int folder_done(struct folder *f, const char *name)
{
    char got[NAME_LEN + 64];
    if (file_move(f->dir, name, f->done, name, got, sizeof got) != 0)
        return errno == ENOENT ? 0 : -1;
    return dirs_sync(f->done, f->dir);
}

int folder_failed(struct folder *f, const char *name, const char *text)
{
    char got[NAME_LEN + 64], note[NAME_LEN + 80];
    size_t len = strlen(text), at = 0;
    int fd;
    if (file_move(f->dir, name, f->failed, name, got, sizeof got) != 0)
        return errno == ENOENT ? 0 : -1;
    snprintf(note, sizeof note, "%s.error", got);
    fd = openat(f->failed, note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0660);
    while (fd >= 0 && at < len) {
        ssize_t n = write(fd, text + at, len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    /* the file has moved in any case: should its note be lost, the log still says why */
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    (void)dirs_sync(f->failed, f->dir);
    return 0;
}
