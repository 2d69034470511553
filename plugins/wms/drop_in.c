/*
 * drop_in.c - files of the warehouse as a source: one after the other, by name
 *
 *     idle -> file read and checked -> submit up to 500 rows -> acked -> next rows ... -> file to done/ -> idle
 *                                   -> bad: file to refused/, the reason in the log and in health
 *
 * A file is taken whole or not at all: totals and checksum are looked at before its first row is handed in. After a
 * crash it is read again; its rows have the same ids, so the endpoint's claims drop those that are held already.
 *
 * Thread: the instance's. Ownership: the instance owns it. Memory: one file, at most files.max, and its messages.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "drop.h"

#define COOKIE ((uint64_t)1 << 62)
#define ROWS_AT_ONCE 500

struct drop {
    bb_inst *i;
    char *in;
    int64_t interval_ms, due_ms;
    size_t max;
    char name[NAME_MAX + 1]; /* the file in hand, "" none */
    struct bb_buf text, messages, ends;
    size_t done, asked; /* rows that are committed; of the open submit */
    enum { FREE, ACK, ROOM } wait;
    int stopped;
    char trouble[240]; /* the last file that was refused */
};

bb_status drop_new(bb_inst *i, struct bb_bytes conf, struct drop **out, struct bb_error *err)
{
    struct drop *d;

    if (!bb_conf_str(conf, "/files/in", NULL).len || !(bb_instance_roles(&i->ctx) & BB_ROLE_SOURCE))
        return BB_OK;
    d = calloc(1, sizeof *d);
    if (!d || !(d->in = bb_conf_dup(conf, "/files/in", NULL))) {
        free(d);
        return bb_error_set(err, BB_E_RETRY, "out of memory");
    }
    d->i = i;
    d->interval_ms = bb_conf_int(conf, "/files/interval", 5000);
    d->max = (size_t)bb_conf_int(conf, "/files/max", 16 << 20);
    bb_buf_init(&d->text, d->max + 1);
    bb_buf_init(&d->messages, 256u << 20);
    bb_buf_init(&d->ends, 64u << 20);
    *out = d;
    return BB_OK;
}

void drop_free(struct drop **dp)
{
    struct drop *d = *dp;

    if (!d)
        return;
    bb_buf_free(&d->text);
    bb_buf_free(&d->messages);
    bb_buf_free(&d->ends);
    free(d->in);
    free(d);
    *dp = NULL;
}

uint32_t drop_before(struct drop *d, uint32_t timeout_ms)
{
    int64_t left;

    if (!d || d->stopped || d->wait != FREE)
        return timeout_ms;
    left = d->due_ms - bb_clock_ms();
    return left <= 0 ? 0 : left < (int64_t)timeout_ms ? (uint32_t)left : timeout_ms;
}

static void pause_begin(struct drop *d)
{
    d->due_ms = bb_clock_ms() + d->interval_ms;
}

static void file_end(struct drop *d, const char *sub)
{
    char from[4400], to[4400];

    snprintf(from, sizeof from, "%.2000s/%s", d->in, d->name);
    snprintf(to, sizeof to, "%.2000s/%s", d->in, sub);
    if (mkdir(to, 0750) != 0 && errno != EEXIST)
        bb_host_log(&d->i->ctx, BB_LOG_ERROR, "cannot make %.200s: see to files.in", to);
    snprintf(to, sizeof to, "%.2000s/%s/%s", d->in, sub, d->name);
    if (rename(from, to) != 0) {
        snprintf(d->trouble, sizeof d->trouble, "cannot move %.150s to %s/: see to files.in", d->name, sub);
        bb_host_log(&d->i->ctx, BB_LOG_ERROR, "%s", d->trouble);
        pause_begin(d);
    }
    d->name[0] = 0;
}

static void file_refuse(struct drop *d, const char *why)
{
    snprintf(d->trouble, sizeof d->trouble, "%.180s (now in refused/)", why);
    bb_host_log(&d->i->ctx, BB_LOG_ERROR, "%s", d->trouble);
    file_end(d, "refused");
}

/* The first name that ends with .csv; those that begin with a dot are being written. */
static int file_choose(struct drop *d)
{
    DIR *dir = opendir(d->in);
    struct dirent *e;

    if (!dir) {
        snprintf(d->trouble, sizeof d->trouble, "cannot look into %.120s: make it, or mend files.in", d->in);
        return 0;
    }
    d->name[0] = 0;
    while ((e = readdir(dir))) {
        size_t n = strlen(e->d_name);
        if (e->d_name[0] != '.' && n > 4 && strcmp(e->d_name + n - 4, ".csv") == 0 && drop_there(d->in, "", e->d_name) &&
            (!d->name[0] || strcmp(e->d_name, d->name) < 0))
            memcpy(d->name, e->d_name, n + 1);
    }
    closedir(dir);
    return d->name[0] != 0;
}

/* 0, -1 with a text in why. */
static int file_read(struct drop *d, char why[240])
{
    char path[4400];
    struct stat st;
    ssize_t n = -1;
    int fd;

    snprintf(path, sizeof path, "%.2000s/%s", d->in, d->name);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bb_buf_reset(&d->text);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= d->max) {
        uint8_t *to;
        while ((to = bb_buf_room(&d->text, 65536 < d->max - d->text.len + 1 ? 65536 : d->max - d->text.len + 1)) &&
               (n = read(fd, to, 65536 < d->max - d->text.len + 1 ? 65536 : d->max - d->text.len + 1)) > 0)
            d->text.len += (size_t)n;
    } else {
        errno = fd < 0 ? errno : EFBIG;
    }
    snprintf(why, 240, "%.120s: %s (files.max is %zu bytes)", d->name, strerror(errno), d->max);
    if (fd >= 0)
        close(fd);
    return n == 0 && d->text.len <= d->max ? 0 : -1;
}

static void file_begin(struct drop *d)
{
    char why[240];

    if (!file_choose(d)) {
        pause_begin(d);
        return;
    }
    bb_buf_reset(&d->messages);
    bb_buf_reset(&d->ends);
    d->done = 0;
    if (file_read(d, why) != 0 || drop_file_read(&d->i->conf, d->name, (struct bb_bytes){d->text.ptr, d->text.len},
                                                 &d->messages, &d->ends, why) != 0)
        file_refuse(d, why);
}

static size_t end_of(const struct drop *d, size_t row)
{
    size_t end = 0;

    if (row)
        memcpy(&end, d->ends.ptr + (row - 1) * sizeof end, sizeof end);
    return end;
}

static void rows_submit(struct drop *d)
{
    struct bb_bytes list[ROWS_AT_ONCE];
    struct bb_error err = bb_error_none();
    size_t rows = d->ends.len / sizeof(size_t);

    if (d->done == rows) {
        bb_host_log(&d->i->ctx, BB_LOG_INFO, "%s: %zu rows taken", d->name, rows);
        d->trouble[0] = 0;
        file_end(d, "done");
        return;
    }
    for (d->asked = 0; d->asked < ROWS_AT_ONCE && d->done + d->asked < rows; d->asked++) {
        size_t from = end_of(d, d->done + d->asked);
        list[d->asked] = (struct bb_bytes){d->messages.ptr + from, end_of(d, d->done + d->asked + 1) - from};
    }
    switch (d->i->ctx.api->submit(d->i->ctx.host, list, d->asked, NULL, COOKIE, &err)) {
    case BB_PENDING:
        d->wait = ACK;
        break;
    case BB_E_BUSY:
        d->wait = ROOM;
        break;
    case BB_E_REJECT:
        file_refuse(d, err.text);
        break;
    default: /* it stops, or no route takes from here: the file stays */
        pause_begin(d);
    }
}

void drop_after(struct drop *d)
{
    if (!d || d->stopped || d->wait != FREE || d->due_ms > bb_clock_ms())
        return;
    if (!d->name[0])
        file_begin(d);
    else
        rows_submit(d);
}

int drop_acked(struct drop *d, uint64_t cookie, bb_status s, const struct bb_receipt *r)
{
    (void)r;
    if (!d || cookie != COOKIE)
        return 0;
    d->wait = FREE;
    if (s == BB_OK)
        d->done += d->asked;
    else if (s == BB_E_REJECT)
        file_refuse(d, "the core refused its rows");
    else
        pause_begin(d);
    return 1;
}

void drop_resume(struct drop *d)
{
    if (d && d->wait == ROOM)
        d->wait = FREE;
}

void drop_stop(struct drop *d)
{
    if (d)
        d->stopped = 1;
}

bb_status drop_health(const struct drop *d, struct bb_error *why)
{
    return !d || !d->trouble[0] ? BB_OK : bb_error_set(why, BB_E_DOWN, "%s", d->trouble);
}
