/*
 * cli.h - what the subcommands share: options as data, tables, the client of a running core
 *
 * One process runs one command on one thread and exits, so what it allocates lives until then
 * unless said. Every command returns an exit status: BB_EXIT_OK, BB_EXIT_FAILED, BB_EXIT_USAGE.
 */
#ifndef BB_CLI_H
#define BB_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <busbar/json.h>
#include "core/base/base.h"

#define BB_EXIT_OK 0
#define BB_EXIT_FAILED 1
#define BB_EXIT_USAGE 2

/* ---- args.c: options and commands as tables ---------------------------------------------------- */
struct bb_args { /* values of all options there are; a command reads the ones it takes */
    const char *conf, *state, *run_dir, *endpoint, *route, *dir, *output, *address, *connector;
    const char *item, *change, *plant, *type, *what_state;
    uint64_t seq, max, from, workers, fd;
    bool json, all, overtaken, data, has_seq, yes;
    char **rest; /* what is left: positional arguments */
    int n;
};
/* Bits: which options a command takes. Their names and texts are the table in args.c. */
enum {
    BB_O_CONF = 1 << 0, BB_O_STATE = 1 << 1, BB_O_JSON = 1 << 2, BB_O_ENDPOINT = 1 << 3,
    BB_O_ROUTE = 1 << 4, BB_O_SEQ = 1 << 5, BB_O_ALL = 1 << 6, BB_O_OVERTAKEN = 1 << 7,
    BB_O_DATA = 1 << 8, BB_O_DIR = 1 << 9, BB_O_OUTPUT = 1 << 10, BB_O_MAX = 1 << 11,
    BB_O_FROM = 1 << 12, BB_O_CONNECT = 1 << 13, BB_O_WORKERS = 1 << 14, BB_O_FD = 1 << 15,
    BB_O_RUN = 1 << 16, BB_O_ITEM = 1 << 17, BB_O_CHANGE = 1 << 18, BB_O_PLANT = 1 << 19,
    BB_O_TYPE = 1 << 20, BB_O_WHAT_STATE = 1 << 21
};
struct bb_command {
    const char *name;
    const char *args;    /* "[FILE]", for the help */
    const char *summary; /* one line */
    const char *help;    /* more, may be NULL */
    unsigned options;
    int min, max;        /* positional arguments; max -1: any number */
    int (*run)(const struct bb_args *a);
    const struct bb_command *subs; /* instead of run; ends with an empty name */
};
/* Finds the command in argv (argv[0] is the program), parses, runs. Returns the exit status. */
int bb_cli_main(const struct bb_command *commands, int argc, char **argv);
/* Only parses one command's own arguments (argv[0] its name): 0, else an exit status plus 1, said
 * on stderr; help was printed when it is BB_EXIT_OK + 1. */
int bb_args_parse(const struct bb_command *c, const char *path, int argc, char **argv,
                  struct bb_args *a);

/* ---- out.c: output ------------------------------------------------------------------------------ */
/* "busbar: error: ..." on stderr; returns BB_EXIT_FAILED. */
int bb_cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Adds text with control characters made visible, so that a message cannot steer the terminal. */
void bb_print_safe(FILE *out, struct bb_bytes text);
/* A value as JSON, indented on a terminal, else one line. 0 or BB_EXIT_FAILED. */
int bb_print_json(struct bb_bytes value);
/* One step of a delivery's history (a map from bb_report_history) as a line for people. */
void bb_print_step(struct bb_bytes step, const char *indent);
/* stdout was written in full: BB_EXIT_OK, else says so. */
int bb_print_end(int status);

struct bb_grid { /* cells are copied; widths fit the content */
    size_t cols, n, cap;
    char **cells;
};
void bb_grid_init(struct bb_grid *t, size_t cols, const char *const *heads);
void bb_grid_add(struct bb_grid *t, const char *cell);
void bb_grid_addf(struct bb_grid *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void bb_grid_add_bytes(struct bb_grid *t, struct bb_bytes cell);
void bb_grid_print(struct bb_grid *t, FILE *out); /* and frees it */
void bb_grid_free(struct bb_grid *t);

struct bb_progress { /* one line on stderr, rewritten a few times a second; silent off a terminal */
    const char *what;
    uint64_t done;
    int64_t next_ms;
    bool shown;
};
void bb_progress_to(struct bb_progress *p, uint64_t done);
void bb_progress_end(struct bb_progress *p);

/* ---- read.c: bounded input ------------------------------------------------------------------------ */
#define BB_INPUT_MAX (64u << 20)
/* Reads all of a file, "-" or NULL for stdin, into b (initialised here, to be freed): 0 or -1. */
int bb_read_input(const char *path, struct bb_buf *b, struct bb_fault *err);

/* Readers of a msgpack map's members, with what to use when it is not there. */
struct bb_bytes bb_field(struct bb_bytes map, const char *key);       /* empty when absent */
struct bb_bytes bb_field_str(struct bb_bytes map, const char *key);   /* "" */
int64_t bb_field_int(struct bb_bytes map, const char *key);           /* 0 */
bool bb_field_bool(struct bb_bytes map, const char *key);             /* false */
/* Walks an array: 1 and the next item, 0 at its end. Start with bb_each(array). */
struct bb_walk { struct bb_cur at; uint32_t left; };
struct bb_walk bb_each(struct bb_bytes array);
int bb_each_next(struct bb_walk *w, struct bb_bytes *item);

/* ---- client.c: HTTP to the running core over STATE/admin.sock -------------------------------------- */
struct bb_reply {
    long status;         /* HTTP */
    struct bb_buf value; /* the JSON answer as msgpack, empty when there is none */
    char text[240];      /* detail of a problem, when status is 400 or more */
};
struct bb_client;
struct bb_client *bb_client_open(const char *state, struct bb_fault *err);
/* 0 with *r filled (r->value to be freed), -1 when there was no answer. */
int bb_client_call(struct bb_client *c, const char *method, const char *path, struct bb_bytes body,
                   struct bb_reply *r, struct bb_fault *err);
/* A path segment with what is not plain percent-encoded; to be freed. */
char *bb_client_escape(const char *segment);
void bb_client_close(struct bb_client **cp);
/* One call that prints nothing but errors: BB_EXIT_*; value may be NULL. */
int bb_client_once(const char *state, const char *method, const char *path, struct bb_buf *value);

/* ---- the commands ---------------------------------------------------------------------------------- */
int bb_cmd_run(const struct bb_args *a);
int bb_cmd_check(const struct bb_args *a);
int bb_cmd_status(const struct bb_args *a);
int bb_cmd_send(const struct bb_args *a);
int bb_cmd_trace(const struct bb_args *a);
int bb_cmd_search(const struct bb_args *a);
int bb_cmd_plugins(const struct bb_args *a);
int bb_cmd_quarantine_list(const struct bb_args *a);
int bb_cmd_quarantine_show(const struct bb_args *a);
int bb_cmd_quarantine_replay(const struct bb_args *a);
int bb_cmd_quarantine_discard(const struct bb_args *a);
int bb_cmd_hold_list(const struct bb_args *a);
int bb_cmd_hold_release(const struct bb_args *a);
int bb_cmd_pause(const struct bb_args *a);
int bb_cmd_resume(const struct bb_args *a);
int bb_cmd_journal_check(const struct bb_args *a);
int bb_cmd_journal_export(const struct bb_args *a);
int bb_cmd_journal_salvage(const struct bb_args *a);
int bb_cmd_journal_backup(const struct bb_args *a);
int bb_cmd_message_encode(const struct bb_args *a);
int bb_cmd_message_decode(const struct bb_args *a);
int bb_cmd_message_show(const struct bb_args *a);
int bb_cmd_new_connector(const struct bb_args *a);
int bb_cmd_host(const struct bb_args *a);
int bb_cmd_version(const struct bb_args *a);

#endif
