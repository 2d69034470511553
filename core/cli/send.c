/*
 * send.c - busbar send: events into the running core as from an endpoint
 *
 * Events are read one at a time from the input, so JSON lines, a single event and pretty-printed
 * ones alike; each is its own request, answered after the commit. The first refusal ends it, and
 * says how many went in.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <stdlib.h>
#include <string.h>

struct job {
    const struct bb_args *args;
    struct bb_client *client;
    char *path;
    uint64_t sent;
    struct bb_progress progress;
};

static size_t blanks(const char *p, size_t len)
{
    size_t i = 0;

    while (i < len && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r' || p[i] == '\n'))
        i++;
    return i;
}

static int send_one(struct job *j, const char *name, size_t at, struct bb_bytes event)
{
    struct bb_fault err = {0};
    struct bb_reply r;
    int rc = BB_EXIT_OK;

    if (bb_client_call(j->client, "POST", j->path, event, &r, &err) < 0)
        return bb_cli_fail("%s:byte %zu: %s (%llu sent before)", name, at, err.text,
                           (unsigned long long)j->sent);
    if (r.status >= 400) {
        rc = bb_cli_fail("%s:byte %zu: %s (%llu sent before)", name, at, r.text,
                         (unsigned long long)j->sent);
    } else {
        j->sent++;
        if (j->args->json)
            rc = bb_print_json((struct bb_bytes){r.value.ptr, r.value.len});
        bb_progress_to(&j->progress, j->sent);
    }
    bb_buf_free(&r.value);
    return rc;
}

static int send_file(struct job *j, const char *path)
{
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    struct bb_fault err = {0};
    struct bb_buf in, scratch;
    size_t at, used;
    int rc = BB_EXIT_OK;

    if (bb_read_input(path, &in, &err) < 0)
        return bb_cli_fail("%s", err.text);
    bb_buf_init(&scratch, 2 * BB_INPUT_MAX);
    at = blanks((char *)in.ptr, in.len);
    while (rc == BB_EXIT_OK && at < in.len) {
        struct bb_bytes left = {in.ptr + at, in.len - at};

        bb_buf_reset(&scratch);
        if (bb_json_read_prefix(left, &used, &scratch, &err) < 0) {
            fprintf(stderr, "%s:byte %zu: error: %s\n", name, at + err.offset, err.text);
            rc = BB_EXIT_FAILED;
            break;
        }
        rc = send_one(j, name, at, (struct bb_bytes){left.ptr, used});
        at += used;
        at += blanks((char *)in.ptr + at, in.len - at);
    }
    bb_buf_free(&scratch);
    bb_buf_free(&in);
    return rc;
}

int bb_cmd_send(const struct bb_args *a)
{
    struct job j = {.args = a, .progress = {.what = "sent"}};
    struct bb_fault err = {0};
    int rc = BB_EXIT_OK;
    char *name;

    if (!a->endpoint) {
        fputs("busbar: error: say which endpoint the events come from: -e NAME\n", stderr);
        return BB_EXIT_USAGE;
    }
    name = bb_client_escape(a->endpoint);
    j.path = name ? bb_text("/v1/endpoints/%s/messages", name) : NULL;
    free(name);
    j.client = j.path ? bb_client_open(a->state, &err) : NULL;
    if (!j.client)
        rc = bb_cli_fail("%s", j.path ? err.text : "out of memory");
    for (int i = 0; rc == BB_EXIT_OK && i < a->n; i++)
        rc = send_file(&j, a->rest[i]);
    bb_progress_end(&j.progress);
    if (rc == BB_EXIT_OK && !a->json)
        printf("%llu sent\n", (unsigned long long)j.sent);
    bb_client_close(&j.client);
    free(j.path);
    return bb_print_end(rc);
}
