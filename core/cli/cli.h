/*
 * cli.h - what the subcommands share: the command's arguments, output, the client of a running core
 *
 * One process runs one command on one thread and exits, so what it allocates lives until then
 * unless said. Every command returns an exit status: BB_EXIT_OK, BB_EXIT_FAILED, BB_EXIT_USAGE, and
 * has said on stderr why when it is not the first.
 */
#ifndef BB_CLI_H
#define BB_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <busbar/json.h>
#include "core/admin/report.h"
#include "core/base/base.h"

#define BB_EXIT_OK 0
#define BB_EXIT_FAILED 1
#define BB_EXIT_USAGE 2
#define BB_NO_SEQ UINT64_MAX
#define BB_INPUT_MAX (64u << 20)

/* ---- args.c: commands and options as tables -------------------------------------------------- */
struct bb_args { /* values of all options there are; a command reads the ones it takes */
    const struct bb_command *command;
    const char *conf, *state, *run_dir, *endpoint, *route, *dir, *output, *address;
    const char *item, *change, *plant, *type, *what_state, *schema, *remotes;
    uint64_t seq, max, from, workers, fd; /* seq: BB_NO_SEQ when not given */
    bool json, all, overtaken, data, batch, formats, strict;
    char **rest; /* what is left: positional arguments */
    int n;
};
struct bb_command { /* "quarantine", a group, has no run; "quarantine list" stands after it */
    const char *name;
    const char *args;    /* "[FILE]", for the help */
    const char *options; /* the ids of those it takes: the table in args.c */
    int min, max;        /* positional arguments; max -1: any number */
    int (*run)(const struct bb_args *a);
    int what;            /* which of those that run alike */
    const char *summary; /* one line */
    const char *help;    /* more, may be NULL */
};
/* Finds the command in argv (argv[0] is the program), parses, runs. Returns the exit status. */
int bb_cli_main(const struct bb_command *commands, int argc, char **argv);

/* ---- out.c: output --------------------------------------------------------------------------- */
/* "busbar: error: ..." on stderr; returns BB_EXIT_FAILED, the other BB_EXIT_USAGE. */
int bb_cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int bb_cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Text with control characters made visible, so that a message cannot steer the terminal; before
 * is printed first when there is any text. */
void bb_print_text(FILE *out, const char *before, struct bb_bytes text);
/* A string member in the same way; true when it was there and not empty. */
bool bb_print_field(const char *before, struct bb_bytes map, const char *key);
/* A value as JSON, indented on a terminal or when pretty, else one line. */
int bb_print_json(struct bb_bytes value, bool pretty);
/* One step of a delivery's history as a line for people. */
void bb_print_step(struct bb_bytes step, const char *indent);
/* stdout was written in full: status, else says so. */
int bb_print_end(int status);

struct bb_column { /* of a table of maps */
    const char *head;
    const char *key; /* a string or an integer; "a+b": a sum */
    void (*text)(struct bb_bytes row, char *out, size_t cap); /* instead of key, or NULL */
};
void bb_print_table(const struct bb_column *columns, size_t n, struct bb_bytes rows);
#define BB_PRINT_TABLE(columns, rows) \
    bb_print_table(columns, sizeof(columns) / sizeof(*(columns)), rows)

struct bb_progress { /* one line on stderr, rewritten a few times a second; silent off a terminal */
    const char *what;
    uint64_t done;
    int64_t next_ms;
    bool shown;
};
void bb_progress_to(struct bb_progress *p, uint64_t done);
void bb_progress_end(struct bb_progress *p);

/* ---- read.c: bounded input ------------------------------------------------------------------- */
/* Reads all of a file, "-" or NULL for stdin, into b (initialised here, to be freed). */
int bb_read_input(const char *path, struct bb_buf *b);
/* What the journal's folder says, to be freed; found or not: see bb_report(). */
int bb_read_report(const struct bb_args *a, struct bb_query q, struct bb_buf *value);

/* Readers of a msgpack map's members, with what to use when it is not there. */
struct bb_bytes bb_field(struct bb_bytes map, const char *key);     /* empty when absent */
struct bb_bytes bb_field_str(struct bb_bytes map, const char *key); /* "" */
int64_t bb_field_int(struct bb_bytes map, const char *key);         /* 0 */
bool bb_field_bool(struct bb_bytes map, const char *key);           /* false */
/* Walks an array: 1 and the next item, 0 at its end. Start with bb_each(array). */
struct bb_walk {
    struct bb_cur at;
    uint32_t left;
};
struct bb_walk bb_each(struct bb_bytes array);
int bb_each_next(struct bb_walk *w, struct bb_bytes *item);

/* ---- client.c: HTTP to the running core over STATE/admin.sock -------------------------------- */
struct bb_client {
    void *curl;
    const char *state;
    char address[128];
    int folder_fd;
    struct bb_buf in;
};
int bb_client_open(struct bb_client *c, const char *state);
void bb_client_close(struct bb_client *c);
/* /v1/ and the parts, escaped, then query as it is (or NULL). 0 with *value (may be NULL; to be
 * freed); 1 refused or -1 no answer, and err says why. */
#define BB_PATH(...) ((const char *const[]){__VA_ARGS__, NULL})
int bb_client_call(struct bb_client *c, const char *method, const char *const *parts,
                   const char *query, struct bb_bytes body, struct bb_buf *value,
                   struct bb_fault *err);
/* One call that prints nothing but errors. */
int bb_client_once(const char *state, const char *method, const char *const *parts,
                   struct bb_buf *value);

/* ---- the commands ---------------------------------------------------------------------------- */
int bb_cmd_run(const struct bb_args *a);
int bb_cmd_check(const struct bb_args *a);
int bb_cmd_status(const struct bb_args *a);
int bb_cmd_pause(const struct bb_args *a);
int bb_cmd_send(const struct bb_args *a);
int bb_cmd_trace(const struct bb_args *a);
int bb_cmd_search(const struct bb_args *a);
int bb_cmd_plugins(const struct bb_args *a);
int bb_cmd_open_list(const struct bb_args *a);
int bb_cmd_open_show(const struct bb_args *a);
int bb_cmd_open_act(const struct bb_args *a);
int bb_cmd_journal_check(const struct bb_args *a);
int bb_cmd_journal_export(const struct bb_args *a);
int bb_cmd_journal_salvage(const struct bb_args *a);
int bb_cmd_journal_backup(const struct bb_args *a);
int bb_cmd_message(const struct bb_args *a);
int bb_cmd_new_connector(const struct bb_args *a);
int bb_cmd_host(const struct bb_args *a);
int bb_cmd_validate(const struct bb_args *a);
int bb_cmd_version(const struct bb_args *a);

enum { BB_ACT_REPLAY, BB_ACT_DISCARD, BB_ACT_RELEASE }; /* bb_cmd_open_act */
enum { BB_DO_PAUSE, BB_DO_RESUME };                     /* bb_cmd_pause */
enum { BB_DO_ENCODE, BB_DO_DECODE, BB_DO_SHOW };        /* bb_cmd_message */

#endif
