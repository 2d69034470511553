/*
 * send.c - busbar send: events into the running core as from an endpoint
 *
 * Events are read one at a time from the input, so JSON lines, a single event and pretty-printed
 * ones alike; each is its own request, answered after the commit. The first refusal ends it, and
 * says how many went in.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <string.h>

struct job {
    const struct bb_args *a;
    struct bb_client client;
    uint64_t sent, duplicates, conflicts; /* the last two of the first */
    struct bb_progress progress;
};

static size_t blanks(const struct bb_buf *in, size_t at)
{
    while (at < in->len && in->ptr[at] && strchr(" \t\r\n", in->ptr[at]))
        at++;
    return at;
}

static int send_one(struct job *j, const char *name, size_t at, struct bb_bytes event)
{
    struct bb_fault err = {0};
    struct bb_buf receipt;
    int rc = BB_EXIT_OK;

    if (bb_client_call(&j->client, "POST", BB_PATH("endpoints", j->a->endpoint, "messages"), NULL,
                       event, &receipt, &err) != 0)
        return bb_cli_fail("%s:byte %zu: %s (%llu sent before)", name, at, err.text,
                           (unsigned long long)j->sent);
    bb_progress_to(&j->progress, ++j->sent);
    j->duplicates += (uint64_t)bb_field_int(bb_bytes_of(&receipt), "duplicates");
    j->conflicts += (uint64_t)bb_field_int(bb_bytes_of(&receipt), "conflicts");
    if (j->a->json)
        rc = bb_print_json(bb_bytes_of(&receipt), false);
    bb_buf_free(&receipt);
    return rc;
}

static int send_file(struct job *j, const char *path)
{
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    struct bb_fault err = {0};
    struct bb_buf in, scratch;
    size_t used;
    int rc = bb_read_input(path, &in);

    if (rc != BB_EXIT_OK)
        return rc;
    bb_buf_init(&scratch, 2 * BB_INPUT_MAX);
    for (size_t at = blanks(&in, 0); rc == BB_EXIT_OK && at < in.len; at = blanks(&in, at + used)) {
        struct bb_bytes left = {in.ptr + at, in.len - at};

        bb_buf_reset(&scratch);
        used = 0;
        if (bb_json_read_prefix(left, &used, &scratch, &err) == 0) {
            rc = send_one(j, name, at, (struct bb_bytes){left.ptr, used});
        } else {
            fprintf(stderr, "%s:byte %zu: error: %s\n", name, at + err.offset, err.text);
            rc = BB_EXIT_FAILED;
        }
    }
    bb_buf_free(&scratch);
    bb_buf_free(&in);
    return rc;
}

int bb_cmd_send(const struct bb_args *a)
{
    struct job j = {.a = a, .progress = {.what = "sent"}};
    int rc;

    if (a->dry_run)
        return bb_cmd_send_dry(a);
    if (!a->endpoint)
        return bb_cli_usage("say which endpoint the events come from: -e NAME");
    rc = bb_client_open(&j.client, a->state);
    if (rc != BB_EXIT_OK)
        return rc;
    for (int i = 0; rc == BB_EXIT_OK && i < a->n; i++)
        rc = send_file(&j, a->rest[i]);
    bb_progress_end(&j.progress);
    if (rc == BB_EXIT_OK && !a->json)
        printf("%llu sent", (unsigned long long)j.sent);
    if (rc == BB_EXIT_OK && !a->json && j.duplicates)
        printf(", %llu of them there already", (unsigned long long)j.duplicates);
    if (rc == BB_EXIT_OK && !a->json && j.conflicts)
        printf(", %llu of them quarantined: their ids are other messages' (busbar quarantine list)",
               (unsigned long long)j.conflicts);
    if (rc == BB_EXIT_OK && !a->json)
        putchar('\n');
    bb_client_close(&j.client);
    return bb_print_end(rc);
}
