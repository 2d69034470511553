/*
 * process.c - `busbar host`: one endpoint's instances as a process of their own
 *
 * The core gives it one descriptor: 16 bytes of secret, then silence for as long as the core lives.
 * When that pipe closes the process ends at once, whatever the plugin does; PR_SET_PDEATHSIG does
 * the same should this thread be stuck. No core dump and no ptrace: the memory holds secrets.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/host/internal.h"

#define JOIN_MS 5000

static int bb_process_secret(int fd, uint8_t secret[16])
{
    size_t at = 0;

    while (at < 16) {
        ssize_t n = read(fd, secret + at, 16 - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        at += (size_t)n;
    }
    return 0;
}

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SHADOWED 1 /* a sanitizer's shadow memory is far above any limit */
#else
#define SHADOWED 0
#endif

/* RLIMIT_DATA counts what is really writable; RLIMIT_AS would count reserved address space too. */
static void bb_process_memory(void)
{
    const char *s = getenv(BB_HOST_MEMORY_ENV);
    unsigned long long v;
    struct rlimit r;
    char *end;

    if (!s)
        return;
    errno = 0;
    v = strtoull(s, &end, 10);
    if (errno == 0 && *end == '\0' && v > 0 && !SHADOWED) {
        r.rlim_cur = r.rlim_max = (rlim_t)v;
        if (setrlimit(RLIMIT_DATA, &r) < 0)
            fprintf(stderr, "busbar host: cannot limit memory to %llu bytes: %s\n", v,
                    strerror(errno));
    }
    unsetenv(BB_HOST_MEMORY_ENV);
}

static int bb_process_harden(int fd)
{
    static const struct rlimit none = {0, 0};
    struct sigaction ignore;
    int flags;

    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -1;
    flags = fcntl(fd, F_GETFD);
    if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
        return -1;
    memset(&ignore, 0, sizeof(ignore));
    ignore.sa_handler = SIG_IGN;
    /* the core stops its hosts; a signal to the whole group must not overtake it */
    sigaction(SIGINT, &ignore, NULL);
    sigaction(SIGTERM, &ignore, NULL);
    sigaction(SIGHUP, &ignore, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    return 0;
}

/* Until all instances have ended; the end of the life line ends everything. */
static void bb_process_wait(const struct bb_host_run *r, int life)
{
    while (!bb_host_run_done(r)) {
        struct pollfd fds[2] = {{life, POLLIN, 0}, {r->done_fd, POLLIN, 0}};
        char byte;

        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[0].revents && read(life, &byte, 1) <= 0)
            _exit(EXIT_SUCCESS);
    }
}

int bb_host_main(const char *endpoint, const char *address, uint32_t workers, int fd)
{
    struct bb_host_spec s = {.endpoint = endpoint, .address = address, .workers = workers,
                             .life_fd = fd};
    struct bb_host_run *r = NULL;
    struct bb_fault err = {0, ""};
    int rc = EXIT_FAILURE;

    if (bb_process_harden(fd) < 0) {
        fprintf(stderr, "busbar host: %s; it is started by the core, with --fd\n",
                strerror(errno));
        return EXIT_FAILURE;
    }
    if (bb_process_secret(fd, s.secret) < 0) {
        fprintf(stderr, "busbar host: no secret on descriptor %d: it is started by the core\n", fd);
        return EXIT_FAILURE;
    }
    bb_process_memory();
    s.zmq = zmq_ctx_new();
    if (!s.zmq) {
        fprintf(stderr, "busbar host: out of memory\n");
        goto out;
    }
    r = bb_host_run_start(&s, &err);
    explicit_bzero(s.secret, sizeof(s.secret));
    if (!r) {
        fprintf(stderr, "busbar host: %s\n", err.text);
        goto out;
    }
    bb_process_wait(r, fd);
    if (bb_host_run_join(&r, JOIN_MS) == 0)
        rc = EXIT_SUCCESS;
    zmq_ctx_term(s.zmq); /* waits until the last frames are on their way, for the linger's time */
    s.zmq = NULL;
out:
    explicit_bzero(s.secret, sizeof(s.secret));
    if (s.zmq)
        zmq_ctx_term(s.zmq);
    return rc;
}
