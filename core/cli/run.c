/*
 * run.c - busbar run: configuration, journal, hub, index, admin API; signals; the service manager
 *
 * The main thread starts the parts in order, then only waits: for signals, for the hub to end by
 * itself, for the next sign of life to the watchdog, which it gives only while the hub turns.
 * Signals are blocked before the first thread is made, so that no other thread gets one.
 */
#define _GNU_SOURCE 1
#include <config.h>
#include "core/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include "core/admin/admin.h"

#define STOP_MS 10000
#define TURN_MS 500
#define BEAT_MAX_MS 5000 /* the hub turns at least every 500 ms */

struct core {
    struct bb_generation *generation;
    struct bb_journal *journal;
    struct bb_hub *hub;
    struct bb_index *index;
    struct bb_admin *admin;
    char program[4096];
    char *run_dir;
    sigset_t signals;
    int signal_fd;
    int64_t ping_every_ms; /* 0: no watchdog */
    bool stopped;          /* asked to end while it started */
    char *store;           /* the journal's file, by name, and which one it was at the start */
    struct stat store_was;
};

/* ---- the process ----------------------------------------------------------------------------- */
/* While the journal is opened, a mapped page that cannot be read: all that is left is to say so. The
 * handler is gone by then, so the same access ends the process as it would have. */
static void on_bus_error(int sig)
{
    static const char text[] = "busbar: error: the journal's file cannot be read: the disk fails, or "
                               "the file was cut short; \"busbar journal check\" says what is left\n";
    (void)sig;

    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        return;
}

static int process_prepare(struct core *c)
{
    struct sigaction bus = {.sa_handler = on_bus_error, .sa_flags = (int)SA_RESETHAND};
    struct rlimit none = {0, 0}, files;
    uint64_t watchdog_us = 0;
    ssize_t n;

    /* secrets are in memory: no core dump, no look from another process of the same user */
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        return bb_cli_fail("cannot turn off core dumps: %s", strerror(errno));
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files); /* the soft limit does if this fails */
    }
    /* an arena a thread would keep what each once needed; large messages reuse the heap */
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
    sigaction(SIGBUS, &bus, NULL);
    sigemptyset(&c->signals);
    sigaddset(&c->signals, SIGTERM);
    sigaddset(&c->signals, SIGINT);
    sigaddset(&c->signals, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &c->signals, NULL) != 0 ||
        (c->signal_fd = signalfd(-1, &c->signals, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return bb_cli_fail("cannot take signals: %s", strerror(errno));
    n = readlink("/proc/self/exe", c->program, sizeof(c->program) - 1);
    if (n <= 0)
        return bb_cli_fail("cannot find the program's own path: %s", strerror(errno));
    if (sd_watchdog_enabled(0, &watchdog_us) > 0)
        c->ping_every_ms = (int64_t)(watchdog_us / 2000u);
    return BB_EXIT_OK;
}

/* Where the hub's socket goes: --run-dir, systemd's, the system's for the system's state, else
 * beside the state, or under /tmp when that is too long for a socket's name. */
static int run_dir_choose(struct core *c, const struct bb_args *a)
{
    const char *env = getenv("RUNTIME_DIRECTORY");
    char temp[] = "/tmp/busbar-XXXXXX";

    if (a->run_dir)
        c->run_dir = strdup(a->run_dir);
    else if (env && *env == '/')
        c->run_dir = strdup(env);
    else if (strcmp(a->state, BB_STATEDIR) == 0)
        c->run_dir = strdup(BB_RUNDIR);
    else if (strlen(a->state) < 80)
        c->run_dir = bb_text("%s/run", a->state);
    else if (mkdtemp(temp))
        c->run_dir = strdup(temp);
    if (!c->run_dir)
        return bb_cli_fail("cannot make a folder for the hub's socket: %s", strerror(errno));
    if (bb_mkdirs(c->run_dir, 0700) < 0)
        return bb_cli_fail("cannot make %s: %s (choose another with --run-dir)", c->run_dir,
                           strerror(errno));
    return BB_EXIT_OK;
}

/* ---- the journal's file ---------------------------------------------------------------------- */
static int store_remember(struct core *c, const char *state)
{
    c->store = bb_text("%s/data.mdb", state);
    if (!c->store || stat(c->store, &c->store_was) < 0)
        return bb_cli_fail("cannot look at %s/data.mdb: %s", state, strerror(errno));
    return BB_EXIT_OK;
}

/* Whether the name still leads to the file that is written: else every acknowledgement is a lie. */
static bool store_gone(const struct core *c)
{
    struct stat now;

    if (stat(c->store, &now) < 0)
        return errno == ENOENT || errno == ENOTDIR;
    return now.st_dev != c->store_was.st_dev || now.st_ino != c->store_was.st_ino;
}

/* ---- signals --------------------------------------------------------------------------------- */
/* True when a signal asks for the end. */
static bool signal_taken(const struct core *c)
{
    struct signalfd_siginfo s;

    while (read(c->signal_fd, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
        if (s.ssi_signo == SIGHUP) {
            bb_logf(BB_LOG_WARN, "SIGHUP: a changed conf.d needs a restart; it was not read");
            continue;
        }
        bb_log_kv(BB_LOG_INFO, "stopping", "signal", s.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM",
                  NULL);
        return true;
    }
    return false;
}

/* While the hub's start takes long. */
static bool go_on(void *arg)
{
    struct core *c = arg;

    sd_notify(0, "EXTEND_TIMEOUT_USEC=60000000");
    c->stopped = signal_taken(c);
    return !c->stopped;
}

/* ---- start ----------------------------------------------------------------------------------- */
static int core_start(struct core *c, const struct bb_args *a)
{
    struct bb_diags diags = {0};
    struct bb_fault err = {0};
    const struct bb_journal_config *j;

    c->generation = bb_generation_load(a->conf, &diags);
    bb_diags_print(&diags, stderr);
    bb_diags_free(&diags);
    if (!c->generation)
        return bb_cli_fail("the configuration in %s has errors: nothing was started", a->conf);
    j = &c->generation->config->journal;
    c->journal = bb_journal_open(&(struct bb_journal_options){
        .dir = a->state, .map_size = j->map_size, .reserve = j->reserve,
        .retention_ms = j->retention_ms, .claims_window_ms = j->claims_window_ms,
        .claims_max = j->claims_max, .log = bb_log_sink, .arg = (void *)"journal"}, &err);
    if (!c->journal)
        return bb_cli_fail("%s", err.text);
    signal(SIGBUS, SIG_DFL); /* from here on the journal knows which faults are its file's */
    if (bb_journal_guard(c->journal) != 0)
        bb_logf(BB_LOG_WARN, "the journal's map was not found in /proc/self/maps: should its file "
                "become unreadable, the core ends without saying so");
    if (store_remember(c, a->state) != BB_EXIT_OK || run_dir_choose(c, a) != BB_EXIT_OK)
        return BB_EXIT_FAILED;
    c->hub = bb_hub_start(&(struct bb_hub_options){.generation = c->generation,
                                                   .journal = c->journal, .program = c->program,
                                                   .run_dir = c->run_dir, .go_on = go_on,
                                                   .arg = c}, &err);
    if (!c->hub && c->stopped) {
        bb_logf(BB_LOG_INFO, "%s", err.text);
        return BB_EXIT_OK;
    }
    if (!c->hub)
        return bb_cli_fail("%s", err.text);
    if (j->index && !(c->index = bb_index_start(c->journal, a->state, &err))) {
        /* a convenience: messages flow without it */
        bb_log_kv(BB_LOG_ERROR, "the index is off", "why", err.text, NULL);
    }
    c->admin = bb_admin_start(&(struct bb_admin_options){
        .hub = c->hub, .journal = c->journal, .index = c->index, .state_dir = a->state,
        .version = PACKAGE_VERSION, .max_message = j->max_message, .generation = c->generation}, &err);
    return c->admin ? BB_EXIT_OK : bb_cli_fail("%s", err.text);
}

/* ---- stop ------------------------------------------------------------------------------------ */
static void *second_signal(void *arg)
{
    int sig;

    if (sigwait(arg, &sig) != 0)
        return NULL;
    /* the journal is made for being killed at any moment; what is in flight is probed later */
    bb_logf(BB_LOG_WARN, "second signal: ending at once");
    _exit(BB_EXIT_FAILED);
}

/* 0, or -1: the journal did not come to a clean end. */
static int core_stop(struct core *c)
{
    int rc = 0;

    bb_admin_stop(&c->admin);
    if (c->hub)
        bb_hub_stop(&c->hub, STOP_MS);
    bb_index_stop(&c->index);
    if (c->journal)
        rc = bb_journal_close(&c->journal);
    bb_generation_free(&c->generation);
    free(c->run_dir);
    free(c->store);
    if (c->signal_fd >= 0)
        close(c->signal_fd);
    return rc;
}

/* ---- the wait -------------------------------------------------------------------------------- */
static void watchdog(const struct core *c, int64_t *next_ms, bool *late)
{
    int64_t now = bb_mono_ms(), age = now - bb_hub_beat(c->hub);

    if (age > BEAT_MAX_MS && !*late)
        bb_logf(BB_LOG_ERROR, "the hub has not turned for %lld ms", (long long)age);
    *late = age > BEAT_MAX_MS;
    if (!c->ping_every_ms || now < *next_ms || *late)
        return;
    sd_notify(0, "WATCHDOG=1");
    *next_ms = now + c->ping_every_ms;
}

static int core_wait(struct core *c)
{
    struct pollfd p = {.fd = c->signal_fd, .events = POLLIN};
    int64_t next_ms = 0;
    bool late = false;

    for (;;) {
        const char *failed = bb_hub_failed(c->hub);

        if (!failed)
            failed = bb_journal_failed(c->journal);
        if (failed)
            return bb_cli_fail("the core cannot go on: %s", failed);
        if (store_gone(c))
            return bb_cli_fail("the core cannot go on: %s was removed or replaced under it, so what "
                               "it accepts would be lost: put the folder back, or a backup of it",
                               c->store);
        watchdog(c, &next_ms, &late);
        if (poll(&p, 1, c->ping_every_ms && c->ping_every_ms < TURN_MS ? (int)c->ping_every_ms
                                                                      : TURN_MS) > 0 &&
            signal_taken(c))
            return BB_EXIT_OK;
    }
}

int bb_cmd_run(const struct bb_args *a)
{
    struct core c = {.signal_fd = -1};
    pthread_t thread;
    int rc = process_prepare(&c);

    if (rc == BB_EXIT_OK)
        rc = core_start(&c, a);
    if (rc == BB_EXIT_OK && !c.stopped) {
        const struct bb_config *conf = c.generation->config;
        char what[96];

        snprintf(what, sizeof(what), "%zu endpoint%s, %zu route%s", conf->n_endpoints,
                 conf->n_endpoints == 1 ? "" : "s", conf->n_routes,
                 conf->n_routes == 1 ? "" : "s");
        bb_logf(BB_LOG_INFO, "ready: busbar %s, %s, state in %s", PACKAGE_VERSION, what, a->state);
        sd_notifyf(0, "READY=1\nSTATUS=%s", what);
        rc = core_wait(&c);
    }
    sd_notify(0, "STOPPING=1");
    if (c.hub && pthread_create(&thread, NULL, second_signal, &c.signals) == 0)
        pthread_detach(thread);
    if (core_stop(&c) != 0)
        rc = BB_EXIT_FAILED;
    if (rc == BB_EXIT_OK)
        bb_logf(BB_LOG_INFO, "stopped");
    return rc;
}
