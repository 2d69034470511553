/*
 * source.c - a watched folder as a source
 *
 *            name              batch            PENDING            OK
 *   IDLE ----------> READING ----------> (submit) ------> SENT -------> READING, FINISH or FAIL
 *    ^                  | nothing left     | BUSY -> HELD (resume) ...    REJECT -> FAIL
 *    |                  v                  | else -> AGAIN (timer) -> submit the same batch
 *    +------ FINISH (to done/) or FAIL (to failed/) <---+
 *
 * One batch is out at a time. With it goes the place behind its last record, compare and set: after
 * a crash the journal says how far the file was taken, and reading goes on there. What was submitted
 * and not yet committed is read again with the same ids.
 *
 * Thread: [ctl]. Ownership: the source owns the folder, the open file and the batch.
 * Invariant: a file leaves the folder only after all its records are committed, or with a text that
 * says what is wrong with it.
 */
#include "file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCH_BYTES (1u << 20)
#define SLICE 8192          /* records looked at in one go, taken or not */
#define LOOK_EVERY_MS 30000 /* where notices do not come (network file systems) */
#define TOLD_MAX 10         /* skipped records logged one by one, a file */

enum phase { IDLE, READING, SENT, HELD, AGAIN, FINISH, FAIL, STOPPED };

struct source {
    struct bb_ctx ctx;
    const struct config *c;
    char endpoint[64];
    struct folder folder;
    enum phase phase;
    int64_t again_ms, look_ms; /* when */
    unsigned failures;         /* in a row, for the backoff */
    char trouble[200];         /* what health says, "" when well */
    /* the file */
    char name[NAME_LEN], time[40];
    int fd;
    struct stat id;
    struct reader reader;
    uint64_t passed; /* records that the journal has already */
    uint64_t taken, skipped;
    char why[16384]; /* for FAIL */
    /* the batch */
    struct bb_buf bytes, value, state;
    struct bb_bytes *messages;
    uint32_t n;
    bool last; /* nothing comes after it */
    uint64_t cookie, version;
};

struct source *source_new(const struct bb_ctx *ctx, const struct config *c, const char *endpoint)
{
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->ctx = *ctx;
    s->c = c;
    snprintf(s->endpoint, sizeof s->endpoint, "%s", endpoint);
    s->fd = s->reader.fd = -1;
    s->folder.dir = s->folder.done = s->folder.failed = s->folder.inotify = -1;
    bb_buf_init(&s->bytes, c->max_record * 2 + 2 * (size_t)BATCH_BYTES);
    bb_buf_init(&s->value, c->max_record * 2 + 65536);
    bb_buf_init(&s->state, 65536);
    s->messages = calloc(c->batch, sizeof *s->messages);
    if (!s->messages)
        source_free(&s);
    return s;
}

static void file_close(struct source *s)
{
    reader_close(&s->reader);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->n = 0;
    bb_buf_reset(&s->bytes);
}

void source_free(struct source **sp)
{
    struct source *s = *sp;
    if (!s)
        return;
    file_close(s);
    folder_close(&s->folder);
    bb_buf_free(&s->bytes);
    bb_buf_free(&s->value);
    bb_buf_free(&s->state);
    free(s->messages);
    free(s);
    *sp = NULL;
}

int source_fd(const struct source *s)
{
    return s->folder.inotify;
}

static void later(struct source *s, enum phase phase, int64_t ms)
{
    s->phase = phase;
    s->again_ms = bb_clock_ms() + ms;
}

/* Something outside is wrong: say it once, try again with growing pauses. */
static void trouble(struct source *s, enum phase phase, const char *what, const char *why)
{
    char text[sizeof s->trouble];
    snprintf(text, sizeof text, "%.100s: %.80s", what, why);
    if (strcmp(text, s->trouble) != 0)
        bb_host_log(&s->ctx, BB_LOG_WARN, "%s; trying again", text);
    memcpy(s->trouble, text, sizeof text);
    s->failures++;
    later(s, phase, bb_backoff_ms(s->failures, s->c->retry_ms, 60000));
}

static void well(struct source *s)
{
    s->failures = 0;
    s->trouble[0] = 0;
}

/* ---- the state in the journal ------------------------------------------------------------------ */

static void state_put(struct source *s)
{
    const struct place *at = &s->reader.at;
    bb_buf_reset(&s->state);
    bb_put_map(&s->state, 8);
    bb_put_cstr(&s->state, "file");
    bb_put_str(&s->state, s->name, strlen(s->name));
    bb_put_cstr(&s->state, "inode");
    bb_put_uint(&s->state, (uint64_t)s->id.st_ino);
    bb_put_cstr(&s->state, "size");
    bb_put_uint(&s->state, (uint64_t)s->id.st_size);
    bb_put_cstr(&s->state, "mtime");
    bb_put_int(&s->state, (int64_t)s->id.st_mtim.tv_sec * 1000000000 + s->id.st_mtim.tv_nsec);
    bb_put_cstr(&s->state, "offset");
    bb_put_uint(&s->state, at->offset);
    bb_put_cstr(&s->state, "record");
    bb_put_uint(&s->state, at->record);
    bb_put_cstr(&s->state, "line");
    bb_put_uint(&s->state, at->line);
    bb_put_cstr(&s->state, "stack");
    bb_put_cstr(&s->state, at->stack);
}

static bb_status state_get(struct source *s)
{
    uint8_t *p;
    size_t len = 0;
    bb_status st;
    bb_buf_reset(&s->state);
    p = bb_buf_room(&s->state, 4096);
    if (!p)
        return BB_E_RETRY;
    st = s->ctx.api->state(s->ctx.host, p, 4096, &len, &s->version);
    if (st != BB_OK)
        return st;
    s->state.len = len <= 4096 ? len : 0;
    return BB_OK;
}

/* Where to go on in the file that is open: 1 and *at when the journal's state is of this very file. */
static int state_place(const struct source *s, struct place *at)
{
    struct bb_bytes conf = {s->state.ptr, s->state.len};
    struct bb_bytes name, stack;
    if (s->state.len == 0)
        return 0;
    name = bb_conf_str(conf, "/file", "");
    stack = bb_conf_str(conf, "/stack", "");
    memset(at, 0, sizeof *at);
    if (!bb_str_is(name, s->name) ||
        bb_conf_int(conf, "/inode", -1) != (int64_t)s->id.st_ino ||
        bb_conf_int(conf, "/size", -1) != (int64_t)s->id.st_size ||
        bb_conf_int(conf, "/mtime", -1) !=
            (int64_t)s->id.st_mtim.tv_sec * 1000000000 + s->id.st_mtim.tv_nsec)
        return 0;
    at->offset = (uint64_t)bb_conf_int(conf, "/offset", 0);
    at->record = (uint64_t)bb_conf_int(conf, "/record", 0);
    at->line = (uint64_t)bb_conf_int(conf, "/line", 1);
    return at->offset <= (uint64_t)s->id.st_size &&
           bb_str_copy(stack, at->stack, sizeof at->stack) == 0;
}

/* ---- a file begins ------------------------------------------------------------------------------ */

static void time_of(const struct stat *st, char out[40])
{
    struct tm tm;
    gmtime_r(&st->st_mtim.tv_sec, &tm);
    if (strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        out[0] = 0;
    snprintf(out + strlen(out), 40 - strlen(out), ".%09ldZ", st->st_mtim.tv_nsec);
}

static void fail_file(struct source *s, const char *why)
{
    snprintf(s->why, sizeof s->why,
             "%s: %s\n\nNo record of it was taken. Mend it and put it back into %s.\n", s->name, why,
             s->c->directory);
    s->phase = FAIL;
    s->again_ms = 0;
}

static void file_begin(struct source *s)
{
    struct place at;
    struct bad bad;
    int resumed;
    if (fstat(s->fd, &s->id) != 0) {
        trouble(s, IDLE, s->name, strerror(errno));
        s->folder.look = true;
        file_close(s);
        return;
    }
    time_of(&s->id, s->time);
    s->taken = s->skipped = s->passed = 0;
    s->last = false;
    if (state_get(s) != BB_OK) {
        trouble(s, IDLE, s->name, "the host does not give the state");
        s->folder.look = true;
        file_close(s);
        return;
    }
    resumed = state_place(s, &at);
    if (resumed) {
        s->passed = at.record;
        bb_host_log(&s->ctx, BB_LOG_INFO, "%s: going on after record %" PRIu64, s->name, at.record);
    }
    if (reader_open(&s->reader, s->c, s->fd, resumed ? &at : NULL, &bad) != 0) {
        fail_file(s, bad.text);
        return;
    }
    s->phase = READING;
}

/* 1 a file was begun (or is to be moved away), 0 nothing to do now. */
static int next_file(struct source *s)
{
    char why[128];
    int rc = folder_next(&s->folder, s->c, &s->ctx, s->name);
    if (rc <= 0) {
        if (rc < 0)
            trouble(s, IDLE, s->c->directory, strerror(errno));
        return 0;
    }
    switch (folder_take(&s->folder, s->name, &s->fd)) {
    case TAKE_OK:
        file_begin(s);
        return 1;
    case TAKE_OPEN: /* its close gives a notice; where there are none, look again soon */
        s->look_ms = bb_clock_ms() + 1000;
        return 1;
    case TAKE_DENIED:
        snprintf(why, sizeof why, "cannot be opened: %s", strerror(errno));
        fail_file(s, why);
        return 1;
    case TAKE_LATER:
        trouble(s, IDLE, s->name, strerror(errno));
        s->folder.look = true;
        return 0;
    default:
        return 1;
    }
}

/* ---- batches ------------------------------------------------------------------------------------ */

static void bad_text(struct source *s, uint64_t record, const struct bad *bad)
{
    snprintf(s->why, sizeof s->why,
             "%s: record %" PRIu64 ", line %" PRIu64 ", byte %" PRIu64 ": %s\n\n"
             "The records before it were taken. Mend the file and put it back under the same name "
             "into %s:\nrecords that were taken already are recognised by their ids and not taken "
             "twice.\nWith on_bad_record: skip a bad record is left out instead.\n",
             s->name, record, bad->line, bad->offset, bad->text, s->c->directory);
}

/* Wraps s->value, the record just read, into the batch. 0, -1 with bad. */
static int batch_add(struct source *s, const struct place *before, struct bad *bad)
{
    struct bb_bytes value = {s->value.ptr, s->value.len}, whole;
    struct origin o = {s->endpoint, s->name, s->time};
    struct bb_envelope e;
    struct bb_fault f = {0, ""};
    size_t at = s->bytes.len;
    int rc = 0;
    if (s->c->format == FORMAT_EVENTS) {
        bb_buf_put(&s->bytes, value.ptr, value.len);
    } else {
        rc = record_message(s->c, &o, s->reader.at.record, value, &s->bytes, bad->text,
                            sizeof bad->text);
    }
    whole.ptr = s->bytes.ptr + at;
    whole.len = s->bytes.len - at;
    if (rc == 0 && (s->bytes.failed || bb_envelope_read(whole, &e, &f) != 0)) {
        snprintf(bad->text, sizeof bad->text, "%s", s->bytes.failed ? "out of memory" : f.text);
        rc = -1;
    }
    if (rc != 0) {
        s->bytes.len = at;
        s->bytes.failed = 0;
        bad->line = s->c->format == FORMAT_CSV || s->c->format == FORMAT_XML ? s->reader.at.line
                                                                         : before->line;
        bad->offset = before->offset;
        bad->go_on = true;
        bad->system = false;
        return -1;
    }
    /* an offset for now: the buffer may move until the batch is complete */
    s->messages[s->n].ptr = (const void *)(uintptr_t)at;
    s->messages[s->n].len = whole.len;
    s->n++;
    return 0;
}

static void refused(struct source *s, const char *why)
{
    snprintf(s->why, sizeof s->why,
             "%s: the %u records up to record %" PRIu64 ", line %" PRIu64 " were refused: %s\n\n"
             "Records before them were taken. Mend the cause and put the file back under the same "
             "name\ninto %s: records that were taken already are not taken twice.\n",
             s->name, s->n, s->reader.at.record, s->reader.at.line, why, s->c->directory);
    later(s, FAIL, 0);
}

/* All that the endpoint's accept found in them, a line each, as far as there is room. */
static void refusal_add(struct source *s)
{
    const struct bb_ext_refusal *ext = s->ctx.api->extension(s->ctx.host, BB_EXT_REFUSAL);
    struct bb_bytes list, one, at, why;
    size_t len = 0, used = strlen(s->why);
    struct bb_cur c;
    struct bb_tok t;
    int64_t n;
    void *buf;

    if (!ext || !BB_HAS(ext, last) || ext->last(s->ctx.host, NULL, 0, &len) != BB_E_BUSY ||
        !(buf = malloc(len)))
        return;
    if (ext->last(s->ctx.host, buf, len, &len) == BB_OK &&
        bb_map_get((struct bb_bytes){buf, len}, "errors", &list) == 1) {
        c = bb_cur_of(list);
        for (uint32_t k = bb_cur_next(&c, &t) == 0 && t.kind == BB_T_ARRAY ? t.n : 0;
             k && bb_cur_value(&c, &one) == 0; k--) {
            if (bb_map_get(one, "message", &at) != 1 || bb_as_int(at, &n) != 1 ||
                bb_map_get(one, "pointer", &at) != 1 || bb_as_str(at, &at) != 1 ||
                bb_map_get(one, "text", &why) != 1 || bb_as_str(why, &why) != 1)
                continue;
            used += (size_t)snprintf(s->why + used, sizeof s->why - used, "%srecord %" PRId64 " of them: %.*s %.*s\n",
                                     k == t.n ? "\n" : "", n + 1, (int)at.len, (const char *)at.ptr, (int)why.len,
                                     (const char *)why.ptr);
            if (used >= sizeof s->why - 1)
                break;
        }
    }
    free(buf);
}

static void batch_send(struct source *s)
{
    struct bb_error err = bb_error_none();
    struct bb_state state = {sizeof state, 0, s->version, {NULL, 0}};
    bb_status st;
    state_put(s);
    state.value.ptr = s->state.ptr;
    state.value.len = s->state.len;
    s->cookie++;
    st = s->ctx.api->submit(s->ctx.host, s->messages, s->n, &state, s->cookie, &err);
    switch (st) {
    case BB_OK:
    case BB_PENDING:
        s->phase = SENT;
        break;
    case BB_E_BUSY:
        s->phase = HELD;
        break;
    case BB_E_REJECT:
        refused(s, err.text);
        refusal_add(s);
        break;
    default:
        trouble(s, AGAIN, "submit was refused", err.text);
        break;
    }
}

/* Reads until the batch is full, the file ends or a record is bad. */
static void batch_read(struct source *s)
{
    struct bad bad;
    bool failed = false;
    for (unsigned k = 0; k < SLICE && s->n < s->c->batch && s->bytes.len < BATCH_BYTES; k++) {
        struct place before = s->reader.at;
        int rc;
        bb_buf_reset(&s->value);
        rc = reader_next(&s->reader, &s->value, &bad);
        if (rc == 0) {
            s->last = true;
            break;
        }
        if (s->reader.at.record <= s->passed && rc == 1)
            continue;
        if (rc == 1 && s->value.failed) {
            snprintf(bad.text, sizeof bad.text, "out of memory");
            bad.system = true;
            rc = -1;
        } else if (rc == 1) {
            rc = batch_add(s, &before, &bad);
        }
        if (rc == 1 || rc == 0)
            continue;
        if (bad.system) {
            trouble(s, IDLE, s->name, bad.text);
            s->folder.look = true;
            file_close(s);
            return;
        }
        if (s->c->skip_bad && bad.go_on) {
            if (s->reader.at.record > s->passed && s->skipped++ < TOLD_MAX)
                bb_host_log(&s->ctx, BB_LOG_WARN,
                            "%s: record %" PRIu64 ", line %" PRIu64 " skipped: %s", s->name,
                            s->reader.at.record, bad.line, bad.text);
            continue;
        }
        bad_text(s, s->reader.at.record, &bad);
        s->reader.at = before; /* the state must not pass it */
        s->last = failed = true;
        break;
    }
    for (uint32_t k = 0; k < s->n && (s->last || s->n == s->c->batch ||
                                      s->bytes.len >= BATCH_BYTES); k++)
        s->messages[k].ptr = s->bytes.ptr + (uintptr_t)s->messages[k].ptr;
    if (!failed && s->last)
        s->why[0] = 0;
    if (s->n && (s->last || s->n == s->c->batch || s->bytes.len >= BATCH_BYTES))
        batch_send(s);
    else if (s->last)
        later(s, s->why[0] ? FAIL : FINISH, 0);
}

void source_acked(struct source *s, uint64_t cookie, bb_status st, const struct bb_receipt *r)
{
    struct bb_bytes text = {NULL, 0};
    uint64_t version = s->version;
    char why[256];
    if (s->phase != SENT || cookie != s->cookie)
        return;
    if (r && r->size >= offsetof(struct bb_receipt, error) + sizeof r->error)
        text = r->error;
    if (st == BB_OK) {
        well(s);
        s->version = r->state_version;
        s->taken += s->n;
        s->n = 0;
        bb_buf_reset(&s->bytes);
        later(s, !s->last ? READING : s->why[0] ? FAIL : FINISH, 0);
        return;
    }
    snprintf(why, sizeof why, "%.*s", (int)(text.len > 200 ? 200 : text.len),
             text.ptr ? (const char *)text.ptr : "");
    if (state_get(s) == BB_OK && s->version != version) {
        /* an earlier life of this source has committed more than we knew: start from there */
        file_close(s);
        s->folder.look = true;
        later(s, IDLE, 0);
        return;
    }
    if (st == BB_E_REJECT) {
        refused(s, why[0] ? why : "no reason given");
        return;
    }
    trouble(s, AGAIN, "the journal does not take records", why[0] ? why : "no reason given");
}

void source_resume(struct source *s)
{
    if (s->phase == HELD)
        later(s, AGAIN, 0);
}

/* ---- a file ends -------------------------------------------------------------------------------- */

static void finish(struct source *s)
{
    struct stat now;
    if (fstat(s->fd, &now) == 0 &&
        (now.st_size != s->id.st_size || now.st_mtim.tv_sec != s->id.st_mtim.tv_sec ||
         now.st_mtim.tv_nsec != s->id.st_mtim.tv_nsec)) {
        snprintf(s->why, sizeof s->why,
                 "%s: the file changed while it was read\n\nIts %" PRIu64 " records were taken as "
                 "they were found. Write files under another name, such as\n%s.tmp, and rename "
                 "them when they are complete.\n", s->name, s->reader.at.record, s->name);
        s->phase = FAIL;
        return;
    }
    if (folder_done(&s->folder, s->name) != 0) {
        trouble(s, FINISH, "cannot move the file to done/", strerror(errno));
        return;
    }
    well(s);
    bb_host_log(&s->ctx, BB_LOG_INFO, "%s: %" PRIu64 " records taken, %" PRIu64 " skipped", s->name,
                s->reader.at.record - s->skipped, s->skipped);
    if (!s->reader.at.record && s->c->format == FORMAT_XML) /* it may hold none; or another root, another namespace */
        bb_host_log(&s->ctx, BB_LOG_WARN, "%s: nothing in it is a record: is xml.record the path, with its namespaces?",
                    s->name);
    file_close(s);
    s->phase = IDLE;
}

static void fail(struct source *s)
{
    if (folder_failed(&s->folder, s->name, s->why) != 0) {
        trouble(s, FAIL, "cannot move the file to failed/", strerror(errno));
        return;
    }
    bb_host_log(&s->ctx, BB_LOG_ERROR, "moved to failed/: %.*s", (int)strcspn(s->why, "\n"), s->why);
    well(s);
    file_close(s);
    s->phase = IDLE;
}

/* ---- the door ----------------------------------------------------------------------------------- */

bb_status source_start(struct source *s, struct bb_error *err)
{
    if (folder_open(&s->folder, s->c->directory, err) != 0)
        return BB_E_CONFIG;
    s->phase = IDLE;
    s->again_ms = 0;
    s->look_ms = bb_clock_ms() + LOOK_EVERY_MS;
    return BB_OK;
}

void source_stop(struct source *s)
{
    file_close(s);
    folder_close(&s->folder);
    s->phase = STOPPED;
}

int64_t source_work(struct source *s)
{
    int64_t now = bb_clock_ms(), wait;
    enum phase before = s->phase;
    if (s->phase == STOPPED)
        return -1;
    folder_notices(&s->folder);
    if (now >= s->look_ms) {
        s->folder.look = true;
        s->look_ms = now + LOOK_EVERY_MS;
    }
    if (now < s->again_ms && s->phase != SENT && s->phase != HELD)
        return s->again_ms - now;
    switch (s->phase) {
    case IDLE:
        if (next_file(s))
            return 0;
        break;
    case READING:
        batch_read(s);
        break;
    case AGAIN:
        batch_send(s);
        break;
    case FINISH:
        finish(s);
        break;
    case FAIL:
        fail(s);
        break;
    default:
        break;
    }
    if (s->phase == SENT && before != SENT)
        return 0; /* what was submitted leaves when the host has its thread back */
    now = bb_clock_ms();
    wait = s->phase == SENT || s->phase == HELD ? -1 : s->again_ms > now ? s->again_ms - now : 0;
    if (s->phase == IDLE && wait == 0 && s->folder.next == s->folder.n &&
        s->folder.n < FOLDER_WINDOW && !s->folder.look)
        wait = s->look_ms > now ? s->look_ms - now : 0;
    return wait;
}

bb_status source_health(const struct source *s, struct bb_error *why)
{
    return s->trouble[0] ? bb_error_set(why, BB_E_DOWN, "%s", s->trouble) : BB_OK;
}
