/*
 * inject.c - preloaded: the Nth write-side call on a file below a folder fails, or is the last
 *
 * Counted is every call of the first process (its children do not inherit this) that can change
 * what is on disk below $INJECT_DIR: writes, syncs, sizes, names. $INJECT_LOG gets "N CALL FILE" a
 * call, and "hit ..." for the one that was met, so that a run can be counted first and then hit
 * call by call. $INJECT_AT is the N, $INJECT_KIND one of kill    SIGKILL in place of the call torn
 * half of a write's bytes, then SIGKILL eio     EIO                                 enospc  ENOSPC,
 * for $INJECT_FOR calls that take room sync    EIO from this and every later sync Before each, that
 * thread waits $INJECT_WAIT ms: whatever the others then do without it, a slow disk would have let
 * them do. Wrapped is what the C library offers, called directly by the core and the libraries it
 * uses; core-sweep.sh holds the count against what the kernel saw. Threads: all; the state is
 * atomic.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#pragma GCC visibility push(default)

enum kind { COUNT, KILL, TORN, EIO_ONCE, NOSPC, SYNC };
enum does { WRITES = 1, SYNCS = 2, NAMES = 4, GROWS = 8 }; /* what a call is */

static enum kind kind;
static char dir[PATH_MAX];
static size_t dir_len;
static int log_fd = -1;
static unsigned long at, lasting = 1, wait_ms;
static atomic_ulong calls;

/* A line of one write: the lines of all threads are whole. */
static void say(const char *text, unsigned long n, const char *call, const char *file)
{
    char line[PATH_MAX + 80];
    int len = snprintf(line, sizeof line, "%s%lu %s %s\n", text, n, call, file);
    if (log_fd >= 0 && len > 0)
        syscall(SYS_write, log_fd, line, (size_t)len);
}

__attribute__((constructor)) static void inject_start(void)
{
    static const char *const kinds[] = {"count", "kill", "torn", "eio", "enospc", "sync"};
    const char *d = getenv("INJECT_DIR"), *k = getenv("INJECT_KIND"), *n = getenv("INJECT_AT"),
               *f = getenv("INJECT_FOR"), *l = getenv("INJECT_LOG"), *w = getenv("INJECT_WAIT");
    if (d) {
        dir_len = strlen(d);
        memcpy(dir, d, dir_len < sizeof dir ? dir_len : 0);
    }
    for (size_t i = 0; k && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(k, kinds[i]) == 0)
            kind = (enum kind)i;
    at = n ? strtoul(n, NULL, 10) : 0;
    lasting = f ? strtoul(f, NULL, 10) : 1;
    wait_ms = w ? strtoul(w, NULL, 10) : 0;
    if (l)
        log_fd =
            (int)syscall(SYS_openat, AT_FDCWD, l, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    unsetenv("LD_PRELOAD");
}

/* The file's name below the folder, or NULL: not one of ours. */
static const char *below(const char *path)
{
    if (!dir_len || strncmp(path, dir, dir_len) != 0 || (path[dir_len] != '/' && path[dir_len]))
        return NULL;
    return path[dir_len] ? path + dir_len + 1 : ".";
}

static const char *below_fd(int fd, char buf[PATH_MAX])
{
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, link, buf, (size_t)PATH_MAX - 1);
    if (n <= 0)
        return NULL;
    buf[n] = '\0';
    return below(buf);
}

static const char *below_at(int fd, const char *path, char buf[PATH_MAX])
{
    char base[PATH_MAX];
    if (path[0] == '/')
        return below(path);
    if (fd == AT_FDCWD ? !getcwd(base, sizeof base) : !below_fd(fd, base))
        return NULL;
    if (snprintf(buf, PATH_MAX, "%s/%s", base, path) >= PATH_MAX)
        return NULL;
    return below(buf);
}

static void hit(unsigned long n, const char *call, const char *file)
{
    struct timespec ts = {(time_t)(wait_ms / 1000), (long)(wait_ms % 1000 * 1000000)};
    say("hit ", n, call, file);
    nanosleep(&ts, NULL);
}

_Noreturn static void end(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

/* One call on a file of ours is about to be made. True: it is not, and errno says why. For a write
 * that is to be torn, *torn is set and the caller ends the process after half of it. */
static bool met(const char *call, const char *file, int does, bool *torn)
{
    int keep = errno, error = EIO;
    unsigned long n = atomic_fetch_add(&calls, 1) + 1;
    bool here = at && n == at, on = at && n >= at;
    say("", n, call, file);
    errno = keep;
    switch (kind) {
    case COUNT:
        return false;
    case KILL:
    case TORN:
        if (!here)
            return false;
        hit(n, call, file);
        if (kind == KILL || !torn)
            end();
        *torn = true;
        return false;
    case EIO_ONCE:
        on = here;
        break;
    case NOSPC:
        on = on && n < at + lasting && does & GROWS;
        error = ENOSPC;
        break;
    case SYNC:
        on = on && does & SYNCS;
        break;
    }
    if (on)
        hit(n, call, file);
    errno = on ? error : keep;
    return on;
}

#define NEXT(name)                                                                                 \
    static __typeof__(name) *next;                                                                 \
    if (!next)                                                                                     \
    *(void **)&next = dlsym(RTLD_NEXT, #name)
#define ON_FD(name, fd, does, torn)                                                                \
    char buf[PATH_MAX];                                                                            \
    const char *file = below_fd(fd, buf);                                                          \
    bool fails = file && met(name, file, does, torn)

/* ---- writes
 * --------------------------------------------------------------------------------------- */
static ssize_t torn_end(int fd, const void *p, size_t n, off_t off)
{
    if (off < 0)
        syscall(SYS_write, fd, p, n / 2);
    else
        syscall(SYS_pwrite64, fd, p, n / 2, off);
    end();
}

ssize_t write(int fd, const void *p, size_t n)
{
    NEXT(write);
    bool torn = false;
    ON_FD("write", fd, WRITES | GROWS, &torn);
    return fails ? -1 : torn ? torn_end(fd, p, n, -1) : next(fd, p, n);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t off)
{
    NEXT(pwrite);
    bool torn = false;
    ON_FD("pwrite", fd, WRITES | GROWS, &torn);
    return fails ? -1 : torn ? torn_end(fd, p, n, off) : next(fd, p, n, off);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t off)
{
    return pwrite(fd, p, n, off);
}

/* Half of a vector: the first element, or half of it when there is no other. */
static ssize_t torn_end_v(int fd, const struct iovec *v, int n, off_t off)
{
    return torn_end(fd, v->iov_base, n > 1 ? v->iov_len * 2 : v->iov_len, off);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    NEXT(writev);
    bool torn = false;
    ON_FD("writev", fd, WRITES | GROWS, &torn);
    return fails ? -1 : torn ? torn_end_v(fd, v, n, -1) : next(fd, v, n);
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t off)
{
    NEXT(pwritev);
    bool torn = false;
    ON_FD("pwritev", fd, WRITES | GROWS, &torn);
    return fails ? -1 : torn ? torn_end_v(fd, v, n, off) : next(fd, v, n, off);
}

ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t off)
{
    return pwritev(fd, v, n, off);
}

ssize_t pwritev2(int fd, const struct iovec *v, int n, off_t off, int flags)
{
    NEXT(pwritev2);
    bool torn = false;
    ON_FD("pwritev2", fd, WRITES | GROWS, &torn);
    return fails ? -1 : torn ? torn_end_v(fd, v, n, off) : next(fd, v, n, off, flags);
}

/* ---- syncs
 * ---------------------------------------------------------------------------------------- */
int fdatasync(int fd)
{
    NEXT(fdatasync);
    ON_FD("fdatasync", fd, SYNCS, NULL);
    return fails ? -1 : next(fd);
}

int fsync(int fd)
{
    NEXT(fsync);
    ON_FD("fsync", fd, SYNCS, NULL);
    return fails ? -1 : next(fd);
}

int sync_file_range(int fd, off64_t from, off64_t n, unsigned flags)
{
    NEXT(sync_file_range);
    ON_FD("sync_file_range", fd, SYNCS, NULL);
    return fails ? -1 : next(fd, from, n, flags);
}

int msync(void *p, size_t n, int flags) /* which file it maps is not looked up: all are ours */
{
    NEXT(msync);
    return met("msync", "?", SYNCS, NULL) ? -1 : next(p, n, flags);
}

/* ---- sizes
 * ---------------------------------------------------------------------------------------- */
int ftruncate(int fd, off_t n)
{
    NEXT(ftruncate);
    ON_FD("ftruncate", fd, WRITES, NULL);
    return fails ? -1 : next(fd, n);
}

int ftruncate64(int fd, off64_t n)
{
    return ftruncate(fd, n);
}

int fallocate(int fd, int mode, off_t off, off_t n)
{
    NEXT(fallocate);
    ON_FD("fallocate", fd, WRITES | GROWS, NULL);
    return fails ? -1 : next(fd, mode, off, n);
}

int fallocate64(int fd, int mode, off64_t off, off64_t n)
{
    return fallocate(fd, mode, off, n);
}

int posix_fallocate(int fd, off_t off, off_t n) /* returns its error */
{
    NEXT(posix_fallocate);
    ON_FD("posix_fallocate", fd, WRITES | GROWS, NULL);
    return fails ? errno : next(fd, off, n);
}

int posix_fallocate64(int fd, off64_t off, off64_t n)
{
    return posix_fallocate(fd, off, n);
}

/* ---- names
 * ---------------------------------------------------------------------------------------- */
static int open_any(int fd, const char *path, int flags, mode_t mode)
{
    char buf[PATH_MAX];
    const char *file = flags & (O_CREAT | O_TRUNC) ? below_at(fd, path, buf) : NULL;
    if (file && met("openat", file, NAMES | GROWS, NULL))
        return -1;
    return (int)syscall(SYS_openat, fd, path, flags, mode);
}

#define MODE_OF(flags)                                                                             \
    mode_t mode = 0;                                                                               \
    if ((flags)&O_CREAT || ((flags)&O_TMPFILE) == O_TMPFILE) {                                     \
        va_list ap;                                                                                \
        va_start(ap, flags);                                                                       \
        mode = va_arg(ap, mode_t);                                                                 \
        va_end(ap);                                                                                \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(AT_FDCWD, path, flags, mode);
}

int openat(int fd, const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(fd, path, flags, mode);
}

int openat64(int fd, const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(fd, path, flags, mode);
}

#define ON_PATH(name, fd, path, does)                                                              \
    char buf[PATH_MAX];                                                                            \
    const char *file = below_at(fd, path, buf);                                                    \
    bool fails = file && met(name, file, does, NULL)

int rename(const char *from, const char *to)
{
    NEXT(rename);
    ON_PATH("rename", AT_FDCWD, to, NAMES);
    return fails ? -1 : next(from, to);
}

int renameat(int ffd, const char *from, int tfd, const char *to)
{
    NEXT(renameat);
    ON_PATH("renameat", tfd, to, NAMES);
    return fails ? -1 : next(ffd, from, tfd, to);
}

int renameat2(int ffd, const char *from, int tfd, const char *to, unsigned flags)
{
    NEXT(renameat2);
    ON_PATH("renameat2", tfd, to, NAMES);
    return fails ? -1 : next(ffd, from, tfd, to, flags);
}

int link(const char *from, const char *to)
{
    NEXT(link);
    ON_PATH("link", AT_FDCWD, to, NAMES);
    return fails ? -1 : next(from, to);
}

int unlink(const char *path)
{
    NEXT(unlink);
    ON_PATH("unlink", AT_FDCWD, path, NAMES);
    return fails ? -1 : next(path);
}

int unlinkat(int fd, const char *path, int flags)
{
    NEXT(unlinkat);
    ON_PATH("unlinkat", fd, path, NAMES);
    return fails ? -1 : next(fd, path, flags);
}

int mkdir(const char *path, mode_t mode)
{
    NEXT(mkdir);
    ON_PATH("mkdir", AT_FDCWD, path, NAMES | GROWS);
    return fails ? -1 : next(path, mode);
}

int mkdirat(int fd, const char *path, mode_t mode)
{
    NEXT(mkdirat);
    ON_PATH("mkdirat", fd, path, NAMES | GROWS);
    return fails ? -1 : next(fd, path, mode);
}
