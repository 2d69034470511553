/*
 * message.c - busbar message encode | decode | show
 *
 * Works on one message, without a core: to try a mapping, to look into an export, to make test
 * data. Errors name the byte of the input.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "core/admin/report.h"

#define OUTPUT_MAX (512u << 20) /* JSON text can be longer than its message */

struct job {
    const char *name; /* of the input, for errors */
    struct bb_buf in, out;
    struct bb_fault err;
};

static int open_job(struct job *j, const struct bb_args *a)
{
    const char *path = a->n ? a->rest[0] : "-";

    memset(j, 0, sizeof(*j));
    j->name = strcmp(path, "-") == 0 ? "stdin" : path;
    bb_buf_init(&j->out, OUTPUT_MAX);
    if (bb_read_input(path, &j->in, &j->err) < 0)
        return bb_cli_fail("%s", j->err.text);
    return BB_EXIT_OK;
}

static int close_job(struct job *j, int converted, bool line)
{
    int rc = BB_EXIT_OK;

    if (converted < 0) {
        fprintf(stderr, "%s:byte %zu: error: %s\n", j->name, j->err.offset, j->err.text);
        rc = BB_EXIT_FAILED;
    } else if (j->out.failed) {
        rc = bb_cli_fail("the result is too large");
    } else {
        if (line)
            bb_buf_put(&j->out, "\n", 1);
        if (bb_write_all(STDOUT_FILENO, j->out.ptr, j->out.len) < 0)
            rc = bb_cli_fail("cannot write to stdout: %s", strerror(errno));
    }
    bb_buf_free(&j->in);
    bb_buf_free(&j->out);
    return rc;
}

static struct bb_bytes input_of(const struct job *j)
{
    return (struct bb_bytes){j->in.ptr, j->in.len};
}

int bb_cmd_message_encode(const struct bb_args *a)
{
    struct job j;
    int rc = open_job(&j, a);

    if (rc)
        return rc;
    rc = (a->data ? bb_json_read : bb_event_read)(input_of(&j), &j.out, &j.err);
    return close_job(&j, rc, false);
}

int bb_cmd_message_decode(const struct bb_args *a)
{
    struct job j;
    int rc = open_job(&j, a);

    if (rc)
        return rc;
    rc = (a->data ? bb_value_check : bb_message_check)(input_of(&j), &j.err);
    if (rc == 0)
        rc = (a->data ? bb_json_write : bb_event_write)(input_of(&j), &j.out, &j.err);
    return close_job(&j, rc, true);
}

/* Canonical bytes begin with an array's head, JSON with white space or a bracket. */
static bool is_json(struct bb_bytes in)
{
    const unsigned char *p = in.ptr;
    size_t i = 0;

    while (i < in.len && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r' || p[i] == '\n'))
        i++;
    return i < in.len && (p[i] == '{' || p[i] == '[' || i > 0);
}

int bb_cmd_message_show(const struct bb_args *a)
{
    struct bb_buf whole, event;
    struct bb_bytes value;
    struct job j;
    int rc = open_job(&j, a);

    if (rc)
        return rc;
    bb_buf_init(&whole, OUTPUT_MAX);
    bb_buf_init(&event, OUTPUT_MAX);
    value = input_of(&j);
    if (is_json(value)) {
        rc = (a->data ? bb_json_read : bb_event_read)(value, &whole, &j.err);
        value = (struct bb_bytes){whole.ptr, whole.len};
    } else {
        rc = (a->data ? bb_value_check : bb_message_check)(value, &j.err);
    }
    if (rc == 0 && !a->data) {
        bb_report_event(value, &event);
        value = (struct bb_bytes){event.ptr, event.len};
    }
    if (rc == 0)
        rc = bb_json_write_pretty(value, &j.out, &j.err);
    rc = close_job(&j, rc, true);
    bb_buf_free(&whole);
    bb_buf_free(&event);
    return rc;
}
