/*
 * journal.c - busbar journal check | export | salvage | backup
 *
 * Works on the state folder, with the core running or not (salvage: not).
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define BATCH 1000u
#define NO_NAME UINT32_MAX

/* ---- check ----------------------------------------------------------------------------------- */
static void say(void *quiet, const char *text)
{
    if (!*(const bool *)quiet)
        fprintf(stderr, "%s\n", text);
}

int bb_cmd_journal_check(const struct bb_args *a)
{
    struct bb_check_report r = {0};
    struct bb_fault err = {0};
    bool quiet = a->json;
    int rc = bb_journal_check(a->state, &r, say, &quiet, &err);

    if (rc < 0)
        return bb_cli_fail("%s", err.text);
    printf(a->json ? "{\"sound\":%s,\"messages\":%" PRIu64 ",\"bad_records\":%" PRIu64
                     ",\"events\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"routes\":%" PRIu64
                     ",\"unbalanced\":%" PRIu64 ",\"dangling\":%" PRIu64 "}\n"
                   : "%s: %" PRIu64 " messages (%" PRIu64 " damaged), %" PRIu64 " events, %" PRIu64
                     " deliveries with a state of their own, %" PRIu64 " routes (%" PRIu64
                     " do not balance), %" PRIu64 " dangling\n",
           a->json ? rc ? "false" : "true" : rc ? "journal has findings" : "journal is sound",
           r.messages, r.bad_records, r.events, r.rows, r.routes, r.unbalanced, r.dangling);
    return bb_print_end(rc ? BB_EXIT_FAILED : BB_EXIT_OK);
}

/* ---- export and salvage ---------------------------------------------------------------------- */
struct export {
    FILE *out;
    uint64_t n, max, last, damaged;
    bool failed;
    uint32_t endpoint; /* whose name it is, NO_NAME while salvaging: its number is written then */
    char name[64];
    bool unnamed; /* stopped before a message of another endpoint, whose number is there now */
    struct bb_buf line;
    struct bb_progress progress;
};

static void put(struct bb_buf *b, const char *s)
{
    bb_buf_put(b, s, strlen(s));
}

/* {"seq":1,"accepted":"..","endpoint":"plm","event":{..}} */
static int export_one(void *arg, const struct bb_record *rec)
{
    struct export *x = arg;
    char text[160], time[BB_TIME_TEXT];

    x->unnamed = x->endpoint != NO_NAME && x->endpoint != rec->endpoint;
    if (x->unnamed) { /* a view is not asked from inside a call of its own */
        x->endpoint = rec->endpoint;
        return 1;
    }
    x->last = rec->seq;
    bb_buf_reset(&x->line);
    snprintf(text, sizeof(text), "{\"seq\":%" PRIu64 ",\"accepted\":\"%s\",\"endpoint\":", rec->seq,
             bb_time_text(rec->accept_ms, time));
    put(&x->line, text);
    if (x->endpoint != NO_NAME) {
        bb_json_write_str(&x->line, x->name, strlen(x->name));
    } else {
        snprintf(text, sizeof(text), "%" PRIu32, rec->endpoint);
        put(&x->line, text);
    }
    put(&x->line, ",\"event\":");
    if (rec->bad || bb_event_write(rec->whole, &x->line, NULL) < 0) {
        put(&x->line, "null");
        x->damaged++;
    }
    put(&x->line, "}\n");
    if (x->line.failed || fwrite(x->line.ptr, 1, x->line.len, x->out) != x->line.len)
        x->failed = true;
    bb_progress_to(&x->progress, ++x->n);
    return x->failed || (x->max && x->n >= x->max);
}

/* To FILE only when it does not exist: an export is often the last copy there is. */
static int export_open(struct export *x, const struct bb_args *a, const char *what)
{
    int fd;

    *x = (struct export){.out = stdout, .max = a->max, .endpoint = NO_NAME,
                         .progress = {.what = what}};
    bb_buf_init(&x->line, 512u << 20);
    if (!a->output)
        return BB_EXIT_OK;
    fd = open(a->output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    x->out = fd < 0 ? NULL : fdopen(fd, "w");
    if (x->out)
        return BB_EXIT_OK;
    bb_cli_fail("cannot make %s: %s", a->output, strerror(errno));
    if (fd >= 0)
        close(fd);
    return BB_EXIT_FAILED;
}

static int export_close(struct export *x, const struct bb_args *a, int rc)
{
    bool ok = fflush(x->out) == 0 && !ferror(x->out) && !x->failed &&
              (x->out == stdout || fsync(fileno(x->out)) == 0);

    if (x->out != stdout && fclose(x->out) != 0)
        ok = false;
    bb_progress_end(&x->progress);
    bb_buf_free(&x->line);
    if (!ok)
        rc = bb_cli_fail("cannot write %s: %s", a->output ? a->output : "to stdout",
                         strerror(errno));
    if (rc == BB_EXIT_OK && x->damaged)
        rc = bb_cli_fail("%" PRIu64 " of %" PRIu64 " messages are damaged: their event is null",
                         x->damaged, x->n);
    if (a->output)
        printf("%" PRIu64 " messages written to %s\n", x->n, a->output);
    return bb_print_end(rc);
}

int bb_cmd_journal_export(const struct bb_args *a)
{
    struct bb_fault err = {0};
    struct bb_view *view;
    struct export x;
    uint64_t from = a->from;
    int rc = export_open(&x, a, "exported");

    if (rc != BB_EXIT_OK)
        return rc;
    x.endpoint = NO_NAME - 1;
    view = bb_view_open(a->state, &err);
    if (!view)
        return export_close(&x, a, bb_cli_fail("%s", err.text));
    do {
        x.last = 0;
        if (bb_view_messages(view, from, BATCH, export_one, &x) < 0)
            rc = bb_cli_fail("cannot read the journal at message %" PRIu64
                             ": see \"busbar journal check\" and \"salvage\"", from);
        if (x.unnamed && bb_view_name(view, x.endpoint, x.name) < 0)
            x.name[0] = '\0';
        from = x.last ? x.last + 1 : from;
    } while (rc == BB_EXIT_OK && !x.failed && (!x.max || x.n < x.max) && (x.last || x.unnamed));
    bb_view_close(&view);
    return export_close(&x, a, rc);
}

int bb_cmd_journal_salvage(const struct bb_args *a)
{
    struct bb_fault err = {0};
    struct export x;
    uint64_t unread = 0;
    int rc = export_open(&x, a, "salvaged");

    if (rc != BB_EXIT_OK)
        return rc;
    if (bb_journal_salvage(a->state, export_one, &x, &unread, &err) < 0)
        rc = bb_cli_fail("%s", err.text);
    else if (!x.n)
        rc = bb_cli_fail("no message was found in %s/data.mdb, of which %" PRIu64 " bytes cannot be "
                         "read: it is no journal, or nothing is left of it", a->state, unread);
    else if (unread)
        rc = bb_cli_fail("%" PRIu64 " bytes of the journal's file cannot be read: what was in them "
                         "is not among the messages", unread);
    return export_close(&x, a, rc);
}

int bb_cmd_journal_backup(const struct bb_args *a)
{
    struct bb_fault err = {0};
    int64_t start = bb_mono_ms();
    char span[BB_TIME_TEXT];

    if (isatty(STDERR_FILENO))
        fprintf(stderr, "copying the journal ...\n");
    if (bb_journal_backup(a->state, a->rest[0], &err) < 0)
        return bb_cli_fail("%s", err.text);
    printf("copied to %s in %s\n", a->rest[0],
           bb_span_text((uint64_t)(bb_mono_ms() - start), span));
    return bb_print_end(BB_EXIT_OK);
}
