/*
 * apart.c - a case in a process of its own
 *
 * A step may run code that is not ours: jq's library, a connector's transform. That may crash or never end, and
 * must cost its own case, not the verdicts of the others. So each case runs in a child; its result comes back
 * through a pipe. A child that dies, or is silent for too long, is a case that could not be run.
 *
 *   child -> parent: struct answer, the counts of the coverage, the result
 *
 * Thread: the caller's, in a process that has no other: a child of fork() has only one, and makes its own.
 * What a child leaves in memory (its journal) is removed here, also when a signal ends all of it.
 */
#define _GNU_SOURCE 1
#include "core/rehearse/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define SILENCE_MS 240000 /* a case has three questions to the core, of a minute each */
#define RESULT_MAX (1u << 30)

struct answer {
    int rc;
    struct bb_fault err;
    size_t counts, result; /* bytes that follow */
};

/* ---- the child ------------------------------------------------------------------------------------- */
static void all_write(int fd, const void *from, size_t n)
{
    const char *p = from;

    while (n) {
        ssize_t w = write(fd, p, n);

        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            _exit(1); /* nobody listens any more */
        p += w;
        n -= (size_t)w;
    }
}

static void run(int fd, const struct bb_generation *g, const struct bb_case *c, struct bb_coverage *cov)
{
    const struct bb_coverage_item *v;
    struct answer a = {0};
    struct bb_buf result;

    bb_buf_init(&result, RESULT_MAX);
    a.rc = bb_rehearse(g, c, cov, &result, &a.err);
    a.result = a.rc == 0 ? result.len : 0;
    a.counts = cov ? bb_coverage_items(cov, &v) * sizeof(v->ran) : 0;
    all_write(fd, &a, sizeof(a));
    for (size_t i = 0; i < a.counts / sizeof(v->ran); i++)
        all_write(fd, &v[i].ran, sizeof(v->ran));
    all_write(fd, result.ptr, a.result);
}

/* ---- the parent ------------------------------------------------------------------------------------ */
static sigset_t ending_signals(void)
{
    sigset_t s;

    sigemptyset(&s);
    sigaddset(&s, SIGINT);
    sigaddset(&s, SIGTERM);
    sigaddset(&s, SIGHUP);
    return s;
}

static void end_child(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    bb_stage_wipe(child);
}

/* Everything that the child says, up to its end. 0, or -1 with err: it was ended. */
static int listen_to(pid_t child, int fd, int signals, struct bb_buf *in, struct bb_fault *err)
{
    struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    struct signalfd_siginfo got;
    uint8_t *room;
    ssize_t n = 1;
    int rc;

    while (n > 0) {
        rc = poll(p, 2, SILENCE_MS);
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc <= 0) {
            end_child(child);
            return bb_fail(err, "it does not end: a step that goes round for ever?");
        }
        if (p[1].revents && read(signals, &got, sizeof(got)) == sizeof(got)) {
            end_child(child);
            _exit(128 + (int)got.ssi_signo);
        }
        if (!p[0].revents)
            continue;
        room = bb_buf_room(in, 65536);
        n = room ? read(fd, room, 65536) : -1;
        in->len += n > 0 ? (size_t)n : 0;
    }
    if (n == 0)
        return 0;
    end_child(child);
    return bb_fail(err, "its result cannot be read: %s", in->failed ? "it is too large" : strerror(errno));
}

static int answer_read(const struct bb_buf *in, int status, struct bb_coverage *cov, struct bb_buf *result,
                       struct bb_fault *err)
{
    struct answer a;
    uint64_t ran;

    if (WIFSIGNALED(status))
        return bb_fail(err, "a step ended its process (%s): in jq, or in a connector's transform",
                       strsignal(WTERMSIG(status)));
    if (in->len < sizeof(a))
        return bb_fail(err, "its process ended without a result (status %d)", WEXITSTATUS(status));
    memcpy(&a, in->ptr, sizeof(a));
    if (in->len != sizeof(a) + a.counts + a.result)
        return bb_fail(err, "its process ended in the middle of its result");
    for (size_t i = 0; i < a.counts / sizeof(ran); i++) {
        memcpy(&ran, in->ptr + sizeof(a) + i * sizeof(ran), sizeof(ran));
        bb_coverage_set(cov, i, ran);
    }
    bb_buf_put(result, in->ptr + sizeof(a) + a.counts, a.result);
    *err = a.err;
    return a.rc;
}

int bb_rehearse_apart(const struct bb_generation *g, const struct bb_case *c, struct bb_coverage *cov,
                      struct bb_buf *result, struct bb_fault *err)
{
    sigset_t ending = ending_signals(), before;
    pid_t parent = getpid(), child = -1;
    int fd[2] = {-1, -1}, signals, status = 0, rc = -1;
    struct bb_buf in;

    sigprocmask(SIG_BLOCK, &ending, &before);
    signals = signalfd(-1, &ending, SFD_CLOEXEC);
    bb_buf_init(&in, RESULT_MAX);
    if (signals < 0 || pipe2(fd, O_CLOEXEC) != 0 || (child = fork()) < 0)
        bb_fail(err, "no process for it: %s", strerror(errno));
    if (child == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            run(fd[1], g, c, cov);
        _exit(0);
    }
    if (fd[1] >= 0)
        close(fd[1]);
    if (child > 0 && listen_to(child, fd[0], signals, &in, err) == 0) {
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
        bb_stage_wipe(child);
        rc = answer_read(&in, status, cov, result, err);
    }
    if (fd[0] >= 0)
        close(fd[0]);
    if (signals >= 0)
        close(signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    bb_buf_free(&in);
    return rc;
}
