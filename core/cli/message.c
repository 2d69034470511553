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

#define OUTPUT_MAX (512u << 20) /* JSON text can be longer than its message */

/* Canonical bytes begin with an array's head, JSON with white space or a bracket. */
static bool is_json(struct bb_bytes in)
{
    return in.len && strchr(" \t\r\n{[", *(const char *)in.ptr) && *(const char *)in.ptr;
}

/* --data: any value instead of a message. mid: for what lies between. */
static int convert(const struct bb_args *a, struct bb_bytes in, struct bb_buf *mid,
                   struct bb_buf *out, struct bb_fault *err)
{
    int what = a->command->what;
    bool to_bytes = what == BB_DO_ENCODE || (what == BB_DO_SHOW && is_json(in));
    struct bb_buf *first = what == BB_DO_ENCODE ? out : mid;

    if (to_bytes) {
        if ((a->data ? bb_json_read : bb_event_read)(in, first, err) < 0)
            return -1;
        in = bb_bytes_of(first);
    } else if ((a->data ? bb_value_check : bb_message_check)(in, err) < 0) {
        return -1;
    }
    if (what == BB_DO_ENCODE)
        return 0;
    if (what == BB_DO_DECODE)
        return (a->data ? bb_json_write : bb_event_write)(in, out, err);
    if (a->data)
        return bb_json_write_pretty(in, out, err);
    bb_report_event(in, out);
    bb_buf_reset(mid);
    bb_buf_put(mid, out->ptr, out->len);
    bb_buf_reset(out);
    return bb_json_write_pretty(bb_bytes_of(mid), out, err);
}

int bb_cmd_message(const struct bb_args *a)
{
    const char *path = a->n ? a->rest[0] : "-";
    struct bb_fault err = {0};
    struct bb_buf in, mid, out;
    int rc = bb_read_input(path, &in);

    if (rc != BB_EXIT_OK)
        return rc;
    bb_buf_init(&mid, OUTPUT_MAX);
    bb_buf_init(&out, OUTPUT_MAX);
    if (convert(a, bb_bytes_of(&in), &mid, &out, &err) < 0) {
        fprintf(stderr, "%s:byte %zu: error: %s\n", strcmp(path, "-") == 0 ? "stdin" : path,
                err.offset, err.text);
        rc = BB_EXIT_FAILED;
    } else {
        if (a->command->what != BB_DO_ENCODE)
            bb_buf_put(&out, "\n", 1);
        if (out.failed)
            rc = bb_cli_fail("the result is too large");
        else if (bb_write_all(STDOUT_FILENO, out.ptr, out.len) < 0)
            rc = bb_cli_fail("cannot write to stdout: %s", strerror(errno));
    }
    bb_buf_free(&in);
    bb_buf_free(&mid);
    bb_buf_free(&out);
    return rc;
}
