/*
 * child.c - the core's side of a host: start, watch, kill
 *
 * Thread: the hub's. A host process is started with posix_spawn (never a fork that runs on), gets
 * one descriptor and a short list of environment variables, and is watched through a pidfd, so a
 * reused pid can never be hit. The secret's pipe stays open here: it is the host's life line.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/host/internal.h"

#define CHILD_FD 3   /* the secret's descriptor in the host */
#define CHILD_ENV 32
#define JOIN_MS 2000

struct bb_child {
    uint8_t secret[16];
    struct bb_host_run *run; /* threads */
    pid_t pid;               /* process, 0: threads */
    int pidfd, life;         /* process */
    bool ended;
    char how[96];
};

/* What a host inherits; the rest may hold secrets of other endpoints. */
static const char *const bb_child_keep[] = {
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY",
    "NO_PROXY", "MALLOC_ARENA_MAX", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS",
    "LSAN_OPTIONS", "LLVM_PROFILE_FILE", NULL};

static void bb_child_environment(char **env, char *store, size_t cap, uint64_t memory_max)
{
    size_t n = 0;

    for (size_t i = 0; environ && environ[i] && n < CHILD_ENV - 2; i++) {
        for (size_t k = 0; bb_child_keep[k]; k++) {
            size_t len = strlen(bb_child_keep[k]);

            if (strncmp(environ[i], bb_child_keep[k], len) == 0 && environ[i][len] == '=')
                env[n++] = environ[i];
        }
    }
    if (memory_max) {
        snprintf(store, cap, BB_HOST_MEMORY_ENV "=%llu", (unsigned long long)memory_max);
        env[n++] = store;
    }
    env[n] = NULL;
}

static int bb_child_spawn(struct bb_child *c, const struct bb_child_spec *s, int secret_fd)
{
    char workers[16], fd[16], memory[64], *env[CHILD_ENV];
    char *argv[] = {(char *)(uintptr_t)s->program, (char *)"host", (char *)"--endpoint",
                    (char *)(uintptr_t)s->endpoint, (char *)"--connect",
                    (char *)(uintptr_t)s->address, (char *)"--workers", workers, (char *)"--fd",
                    fd, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int e;

    snprintf(workers, sizeof(workers), "%u", s->workers);
    snprintf(fd, sizeof(fd), "%d", CHILD_FD);
    bb_child_environment(env, memory, sizeof(memory), s->memory_max);
    sigemptyset(&none);
    sigfillset(&all);
    e = posix_spawn_file_actions_init(&files);
    if (e != 0)
        return e;
    e = posix_spawnattr_init(&attr);
    if (e != 0) {
        posix_spawn_file_actions_destroy(&files);
        return e;
    }
    /* its own group: a Ctrl-C in the terminal is the core's to answer */
    if ((e = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                 POSIX_SPAWN_SETSIGDEF)) == 0 &&
        (e = posix_spawnattr_setpgroup(&attr, 0)) == 0 &&
        (e = posix_spawnattr_setsigmask(&attr, &none)) == 0 &&
        (e = posix_spawnattr_setsigdefault(&attr, &all)) == 0 &&
        (e = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) ==
            0 &&
        (e = posix_spawn_file_actions_adddup2(&files, secret_fd, CHILD_FD)) == 0)
        e = posix_spawn(&c->pid, s->program, &files, &attr, argv, env);
    if (e == 0 && s->nice) /* its threads, which it starts later, have it too */
        (void)setpriority(PRIO_PROCESS, (id_t)c->pid, s->nice);
    if (e == 0 && s->nice == 19) /* else the others wait for the end of its slice: some milliseconds */
        (void)sched_setscheduler(c->pid, SCHED_IDLE, &(struct sched_param){0});
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return e;
}

static int bb_child_process(struct bb_child *c, const struct bb_child_spec *s,
                            struct bb_fault *err)
{
    int p[2] = {-1, -1}, high, e;

    if (pipe2(p, O_CLOEXEC) < 0)
        return bb_host_fault(err, 0, "endpoint \"%s\": cannot make a pipe: %s", s->endpoint,
                             strerror(errno));
    c->life = p[1];
    /* dup2 onto itself would leave O_CLOEXEC set: the source must not be CHILD_FD */
    high = fcntl(p[0], F_DUPFD_CLOEXEC, CHILD_FD + 1);
    e = high < 0 ? errno : 0;
    close(p[0]);
    if (e == 0)
        e = bb_child_spawn(c, s, high);
    if (high >= 0)
        close(high);
    if (e != 0) {
        c->pid = 0;
        return bb_host_fault(err, 0, "endpoint \"%s\": cannot start %s host: %s", s->endpoint,
                             s->program, strerror(e));
    }
    c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    if (c->pidfd < 0 ||
        write(c->life, c->secret, sizeof(c->secret)) != (ssize_t)sizeof(c->secret)) {
        bb_host_fault(err, 0, "endpoint \"%s\": its host ended at once: %s", s->endpoint,
                      strerror(errno));
        kill(c->pid, SIGKILL); /* not yet waited for, so the pid is still its own */
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            ;
        c->pid = 0;
        return -1;
    }
    return 0;
}

struct bb_child *bb_child_start(const struct bb_child_spec *s, struct bb_fault *err)
{
    struct bb_child *c = calloc(1, sizeof(*c));

    if (!c) {
        bb_host_fault(err, 0, "out of memory");
        return NULL;
    }
    c->pidfd = c->life = -1;
    if (getrandom(c->secret, sizeof(c->secret), 0) != (ssize_t)sizeof(c->secret)) {
        bb_host_fault(err, 0, "no random numbers: %s", strerror(errno));
        goto fail;
    }
    if (s->program) {
        if (bb_child_process(c, s, err) < 0)
            goto fail;
    } else {
        struct bb_host_spec h = {.endpoint = s->endpoint, .address = s->address, .zmq = s->zmq,
                                 .workers = s->workers, .life_fd = -1,
                                 .rehearsal = s->rehearsal};

        memcpy(h.secret, c->secret, sizeof(h.secret));
        c->run = bb_host_run_start(&h, err);
        explicit_bzero(h.secret, sizeof(h.secret));
        if (!c->run)
            goto fail;
    }
    return c;
fail:
    c->ended = true;
    bb_child_free(&c);
    return NULL;
}

const uint8_t *bb_child_secret(const struct bb_child *c)
{
    return c->secret;
}

pid_t bb_child_pid(const struct bb_child *c)
{
    return c->pid;
}

int bb_child_fd(const struct bb_child *c)
{
    return c->pidfd;
}

static void bb_child_describe(struct bb_child *c, const siginfo_t *i)
{
    const char *name;

    if (i->si_code == CLD_EXITED) {
        snprintf(c->how, sizeof(c->how), "exited with status %d", i->si_status);
        return;
    }
    name = sigabbrev_np(i->si_status);
    snprintf(c->how, sizeof(c->how), "killed by signal %d (SIG%s)%s", i->si_status,
             name ? name : "?", i->si_code == CLD_DUMPED ? ", core dumped" : "");
}

bool bb_child_ended(struct bb_child *c, char *how, size_t cap)
{
    siginfo_t i;

    if (!c->ended && c->run && bb_host_run_done(c->run)) {
        bb_host_run_join(&c->run, JOIN_MS);
        c->ended = true;
        snprintf(c->how, sizeof(c->how), "its threads ended");
    } else if (!c->ended && c->pid) {
        memset(&i, 0, sizeof(i));
        if (waitid(P_PID, (id_t)c->pid, &i, WEXITED | WNOHANG) == 0 && i.si_pid == c->pid) {
            c->ended = true;
            bb_child_describe(c, &i);
        }
    }
    if (c->ended && how && cap)
        snprintf(how, cap, "%s", c->how);
    return c->ended;
}

void bb_child_kill(struct bb_child *c)
{
    if (c->ended || c->pidfd < 0)
        return; /* a thread cannot be killed without the core */
    syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
}

void bb_child_free(struct bb_child **cp)
{
    struct bb_child *c = *cp;

    if (!c)
        return;
    *cp = NULL;
    if (!c->ended && c->pid) {
        /* freed too early: no zombie and no orphan is left */
        bb_child_kill(c);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    if (c->run)
        bb_host_run_join(&c->run, JOIN_MS);
    if (c->pidfd >= 0)
        close(c->pidfd);
    if (c->life >= 0)
        close(c->life);
    explicit_bzero(c->secret, sizeof(c->secret));
    free(c);
}
