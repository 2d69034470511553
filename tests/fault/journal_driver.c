/*
 * journal_driver.c - drives a journal through its real interface for the fault harnesses
 *
 *   journal_driver create DIR            opens, registers, closes
 *   journal_driver run DIR               appends --ops batches and settles each
 *   journal_driver full DIR              appends until it is refused, then settles it all; with
 *                                        --fill FILE fills the disk on the way and removes it after
 *   journal_driver flip DIR --bad TAG    turns a bit of that message's record around, in the file
 *   journal_driver verify DIR            reads acknowledgements from stdin and looks for each
 *
 * An acknowledgement is a line on stdout, written only after bb_journal_take gave the operation
 * back as done, one write() an operation:
 *   a TAG SEQ   appended        s TAG N   N messages settled        n ID NAME   a name noted
 *   p TAG N     their settlement is posted: written before
 * verify holds the journal to those lines and prints "violation: ..." for each that is not so.
 * --inject SPEC has strace(1) attached to the open journal, so that its calls are counted from
 * there on and not the opening's; "count" only writes them to --trace FILE.
 * Exit: 0 done, 1 violations or wrong use, 3 the journal failed and said so.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/base.h"
#include "tests/fault/journal_driver.h"

struct options opt = {.ops = 5, .batch = 3, .size = 200, .reserve = 1 << 20, .map = 1 << 30,
                      .pipeline = 1, .tag = 1};
struct bb_journal *journal;
uint32_t endpoint, routes[ROUTES];
static unsigned violations;
static pid_t tracer;

void violation(const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (violations++ < 20)
        printf("violation: %s\n", text);
}

_Noreturn void die(const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fprintf(stderr, "journal_driver: %s\n", text);
    exit(1);
}

/* One write: an acknowledgement is there whole or not at all. */
static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char said[1 << 16];
static size_t said_n;

static void say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    said_n += (size_t)vsnprintf(said + said_n, sizeof said - said_n, fmt, ap);
    va_end(ap);
    if (said_n >= sizeof said - 100)
        die("a batch is too large to be acknowledged in one write");
}

static void say_out(void)
{
    if (bb_write_all(STDOUT_FILENO, said, said_n) != 0)
        die("stdout: %s", strerror(errno));
    said_n = 0;
}

/* ---- the journal ------------------------------------------------------------------------------- */

static bool said_failed; /* by the journal's log: it may fail where no operation waits */

static void log_line(void *arg, int level, const char *text)
{
    (void)arg;
    said_failed = said_failed || strstr(text, "could not commit") || strstr(text, "the last sync failed");
    fprintf(stderr, "%s: %s\n", bb_log_level_name(level), text);
}

static struct bb_op *take_wait(void)
{
    struct pollfd p = {.fd = bb_journal_fd(journal), .events = POLLIN};
    struct bb_op *op = bb_journal_take(journal);
    int64_t end = bb_mono_ms() + 30000;

    while (!op && bb_mono_ms() < end) {
        poll(&p, 1, 100);
        op = bb_journal_take(journal);
    }
    if (!op) {
        violation("an operation was not answered within 30 s");
        exit(1);
    }
    return op;
}

struct bb_op *op_wait(struct bb_op *op)
{
    bb_journal_post(journal, op);
    if (take_wait() != op || op->next)
        die("another operation was answered");
    return op;
}

/* The journal says that it failed, or else it should: a refusal by RETRY means that. */
_Noreturn static void journal_gone(const char *text)
{
    int64_t end = bb_mono_ms() + 2000;

    while (!bb_journal_failed(journal) && bb_mono_ms() < end)
        poll(NULL, 0, 5);
    if (!bb_journal_failed(journal)) {
        violation("an operation failed (%s), and bb_journal_failed() says nothing", text);
        exit(1);
    }
    fprintf(stderr, "failed: %s\n", bb_journal_failed(journal));
    bb_journal_close(&journal); /* must end, too */
    exit(3);
}

static uint32_t name_register(const char *name)
{
    struct bb_fault err;
    uint32_t id;

    if (bb_journal_name_id(journal, name, &id, &err) != 0)
        journal_gone(err.text);
    say("n %u %s\n", id, name);
    say_out();
    return id;
}

void journal_start(void)
{
    static const char *const names[ROUTES] = {"ordered", "plain"};
    struct bb_journal_options o = {.dir = opt.dir, .map_size = opt.map, .reserve = opt.reserve, .wal_size = opt.wal,
                                   .retention_ms = 86400000, .claims_window_ms = 86400000,
                                   .claims_max = 1000000, .log = log_line};
    struct bb_fault err;

    journal = bb_journal_open(&o, &err);
    if (!journal) {
        fprintf(stderr, "open: %s\n", err.text);
        exit(3);
    }
    endpoint = name_register("first");
    for (int i = 0; i < ROUTES; i++) {
        struct bb_op op = {.kind = BB_OP_ROUTE, .route = {.name = names[i]}};

        op_wait(&op);
        if (op.status == BB_E_RETRY)
            journal_gone(op.text);
        if (op.status != BB_OK)
            die("route: %s", op.text);
        routes[i] = op.route.id;
    }
}

/* ---- strace on ourselves ------------------------------------------------------------------------- */

#define CALLS "pwrite64,pwritev,pwritev2,writev,fdatasync,fsync,msync,sync_file_range,ftruncate," \
              "fallocate,rename,renameat,unlink,unlinkat"

static bool traced(void)
{
    DIR *d = opendir("/proc/self/task");
    struct dirent *e;
    bool all = true;

    while (d && (e = readdir(d))) {
        char path[300], line[200];
        long pid = 0;
        FILE *f;

        if (!isdigit((unsigned char)*e->d_name))
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
        f = fopen(path, "re");
        while (f && fgets(line, sizeof line, f))
            if (sscanf(line, "TracerPid: %ld", &pid) == 1)
                break;
        if (f)
            fclose(f);
        all = all && pid > 0;
    }
    if (d)
        closedir(d);
    return d && all;
}

static void inject(void)
{
    char pid[32], spec[300];
    int64_t end = bb_mono_ms() + 10000;

    if (!opt.inject)
        return;
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    snprintf(spec, sizeof spec, "inject=%s", opt.inject);
    tracer = fork();
    if (tracer < 0)
        die("fork: %s", strerror(errno));
    if (tracer == 0) {
        const char *log = opt.trace ? opt.trace : "/dev/null";

        if (strcmp(opt.inject, "count") == 0)
            execlp("strace", "strace", "-qq", "-f", "-p", pid, "-o", log, "-e", "trace=" CALLS, NULL);
        else
            execlp("strace", "strace", "-qq", "-f", "-p", pid, "-o", log, "-e", "trace=" CALLS,
                   "-e", spec, NULL);
        _exit(127);
    }
    prctl(PR_SET_PTRACER, tracer, 0, 0, 0);
    while (!traced()) {
        if (bb_mono_ms() > end || waitpid(tracer, NULL, WNOHANG) == tracer)
            die("strace did not attach");
        poll(NULL, 0, 1);
    }
}

static void inject_end(void)
{
    if (tracer <= 0)
        return;
    kill(tracer, SIGINT); /* it detaches and writes its file */
    while (waitpid(tracer, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* ---- run ------------------------------------------------------------------------------------------- */

/* A refused append is posted again once intake is open, which it must be by itself. */
static void intake_wait(void)
{
    int64_t end = bb_mono_ms() + 30000;

    while (bb_journal_intake(journal, NULL) && bb_mono_ms() < end)
        poll(NULL, 0, 5);
    if (bb_journal_intake(journal, NULL)) {
        violation("intake stays closed: %s", bb_journal_intake(journal, NULL));
        exit(1);
    }
}

/* True: the batch was answered as done, and that is on stdout. */
static bool answered(struct batch *b)
{
    if (b->op.status == BB_E_BUSY && !b->settling)
        return false;
    if (b->op.status == BB_E_RETRY)
        journal_gone(b->op.text);
    if (b->op.status != BB_OK) {
        violation("%s of tag %" PRIu64 " was refused with %d: %s",
                  b->settling ? "settlement" : "append", b->tag, b->op.status, b->op.text);
        exit(1);
    }
    for (uint64_t i = 0; i < opt.batch && !b->settling; i++)
        say("a %" PRIu64 " %" PRIu64 "\n", b->tag + i, b->msgs[i].seq);
    if (b->settling)
        say("s %" PRIu64 " %" PRIu64 "\n", b->tag, opt.batch);
    say_out();
    return true;
}

static void settle_post(struct batch *b)
{
    say("p %" PRIu64 " %" PRIu64 "\n", b->tag, opt.batch);
    say_out();
    batch_settle(b);
}

static void run(void)
{
    struct batch *b = calloc(opt.pipeline, sizeof *b);
    uint64_t out = 0, left = opt.ops;

    if (!b)
        die("no memory");
    for (uint64_t i = 0; i < opt.pipeline; i++) {
        batch_new(&b[i]);
        if (!left)
            continue;
        b[i].tag = opt.tag;
        opt.tag += opt.batch;
        left--;
        out++;
        batch_append(&b[i]);
    }
    while (out) {
        struct bb_op *next, *op = take_wait();

        for (; op; op = next) {
            struct batch *p = op->arg;

            next = op->next;
            if (!answered(p)) {
                intake_wait();
                batch_append(p);
            } else if (!p->settling) {
                settle_post(p);
            } else if (left) {
                p->tag = opt.tag;
                opt.tag += opt.batch;
                left--;
                batch_append(p);
            } else {
                out--;
            }
        }
    }
    for (uint64_t i = 0; i < opt.pipeline; i++)
        batch_free(&b[i]);
    free(b);
}

/* ---- full: the disk is taken from under it ---------------------------------------------------------- */

static void disk_fill(void)
{
    int fd = open(opt.fill, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    off_t at = 0, step = 64 << 20;

    if (fd < 0)
        die("%s: %s", opt.fill, strerror(errno));
    while (step >= 512) {
        if (fallocate(fd, 0, at, step) == 0)
            at += step;
        else if (errno == ENOSPC)
            step /= 2;
        else
            die("%s: %s", opt.fill, strerror(errno));
    }
    close(fd);
}

static void full(void)
{
    struct batch *b = calloc(opt.ops, sizeof *b);
    uint64_t done = 0, n = 0;
    int64_t began;

    if (!b)
        die("no memory");
    for (; n < opt.ops; n++) {
        if (n == opt.ops / 4 && opt.fill)
            disk_fill();
        batch_new(&b[n]);
        b[n].tag = opt.tag + n * opt.batch;
        batch_append(&b[n]);
        take_wait();
        if (!answered(&b[n]))
            break;
    }
    if (n == opt.ops)
        violation("%" PRIu64 " batches were appended, and it never was full", n);
    if (!bb_journal_intake(journal, NULL))
        violation("an append was refused, but intake is said to be open");
    fprintf(stderr, "closed after %" PRIu64 " batches: %s\n", n, bb_journal_intake(journal, NULL));
    for (; done < n; done++) {
        settle_post(&b[done]);
        take_wait();
        answered(&b[done]);
    }
    fprintf(stderr, "settled while full: %" PRIu64 " batches\n", done);
    if (!bb_journal_intake(journal, NULL))
        violation("intake opened while there was no room");
    for (uint64_t i = 0; i <= n && i < opt.ops && !opt.fill; i++)
        batch_free(&b[i]);
    if (!opt.fill) {
        free(b);
        return;
    }
    began = bb_mono_ms();
    unlink(opt.fill);
    intake_wait();
    fprintf(stderr, "intake open again after %" PRId64 " ms\n", bb_mono_ms() - began);
    if (n < opt.ops) {
        batch_append(&b[n]);
        take_wait();
        if (!answered(&b[n]))
            violation("intake said to be open refuses");
        n++;
    }
    for (uint64_t i = 0; i < n; i++)
        batch_free(&b[i]);
    free(b);
}

/* ---- flip --------------------------------------------------------------------------------------------- */

/* Older copies of its page may lie in the file: all of them are changed. */
static void flip(void)
{
    char path[600], text[64];
    struct stat st;
    uint8_t *map, *p;
    size_t n, found = 0;
    int fd;

    snprintf(path, sizeof path, "%s/data.mdb", opt.dir);
    n = (size_t)snprintf(text, sizeof text, "tag-%08" PRIu64 ", part 00000000", opt.bad);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        die("%s: %s", path, strerror(errno));
    map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        die("%s: %s", path, strerror(errno));
    for (p = map; (p = memmem(p, (size_t)(map + st.st_size - p), text, n)); p += n, found++)
        p[n - 1] ^= 1u << opt.bad % 8;
    munmap(map, (size_t)st.st_size);
    close(fd);
    if (!found)
        die("tag %" PRIu64 " is not in %s", opt.bad, path);
}

/* ---- main ------------------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    size_t at;
    bool text;
} options[] = {
    {"--ops", offsetof(struct options, ops), false},
    {"--batch", offsetof(struct options, batch), false},
    {"--size", offsetof(struct options, size), false},
    {"--reserve", offsetof(struct options, reserve), false},
    {"--map", offsetof(struct options, map), false},
    {"--wal", offsetof(struct options, wal), false},
    {"--pipeline", offsetof(struct options, pipeline), false},
    {"--tag", offsetof(struct options, tag), false},
    {"--bad", offsetof(struct options, bad), false},
    {"--inject", offsetof(struct options, inject), true},
    {"--trace", offsetof(struct options, trace), true},
    {"--fill", offsetof(struct options, fill), true},
};

static void options_read(int argc, char **argv)
{
    for (int i = 3; i < argc; i += 2) {
        size_t k = 0, n = sizeof options / sizeof *options;

        while (k < n && strcmp(argv[i], options[k].name) != 0)
            k++;
        if (k == n || i + 1 == argc)
            die("%s: not an option, or its value is missing", argv[i]);
        if (options[k].text)
            *(const char **)(void *)((char *)&opt + options[k].at) = argv[i + 1];
        else if (bb_u64_parse(argv[i + 1], (uint64_t *)(void *)((char *)&opt + options[k].at)) != 0)
            die("%s: not a number: %s", argv[i], argv[i + 1]);
    }
    if (!opt.batch || opt.batch > 1000 || !opt.pipeline || !opt.tag)
        die("--batch 1 to 1000, --pipeline and --tag 1 or more");
}

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[1] : "";

    setvbuf(stdout, NULL, _IOLBF, 0);
    options_read(argc, argv);
    opt.dir = argv[2];
    if (strcmp(mode, "flip") == 0) {
        flip();
        return 0;
    }
    if (strcmp(mode, "verify") == 0) {
        verify();
        return violations != 0;
    }
    if (strcmp(mode, "create") != 0 && strcmp(mode, "run") != 0 && strcmp(mode, "full") != 0)
        die("usage: journal_driver create|run|full|flip|verify DIR [options]");
    journal_start();
    if (*mode != 'c') {
        char name[40];

        inject();
        snprintf(name, sizeof name, "name-%" PRIu64, opt.tag);
        name_register(name);
        *mode == 'r' ? run() : full();
    }
    bb_journal_close(&journal);
    inject_end();
    return violations ? 1 : said_failed ? 3 : 0;
}
