/*
 * main.c - the table of commands
 */
#include "core/cli/cli.h"

#include <signal.h>

#define WHERE (BB_O_CONF | BB_O_STATE)
#define PICK (BB_O_STATE | BB_O_ROUTE | BB_O_SEQ)
#define END {0}

static const struct bb_command quarantine[] = {
    {"list", "", "what waits for a person, and why", NULL,
     BB_O_STATE | BB_O_ROUTE | BB_O_FROM | BB_O_MAX | BB_O_JSON, 0, 0, bb_cmd_quarantine_list, NULL},
    {"show", "ROUTE/SEQ", "one delivery: message, history, how to mend it", NULL,
     PICK | BB_O_JSON, 0, 1, bb_cmd_quarantine_show, NULL},
    {"replay", "[ROUTE/SEQ]", "send again with today's mapping",
     "A delivery that later ones of its lane have overtaken is refused without --overtaken.",
     PICK | BB_O_ALL | BB_O_OVERTAKEN, 0, 1, bb_cmd_quarantine_replay, NULL},
    {"discard", "[ROUTE/SEQ]", "give up for good, on record", NULL, PICK | BB_O_ALL, 0, 1,
     bb_cmd_quarantine_discard, NULL},
    END};
static const struct bb_command hold[] = {
    {"list", "", "deliveries that hold their lane", NULL,
     BB_O_STATE | BB_O_ROUTE | BB_O_FROM | BB_O_MAX | BB_O_JSON, 0, 0, bb_cmd_hold_list, NULL},
    {"release", "[ROUTE/SEQ]", "try a held delivery again", NULL, PICK | BB_O_ALL, 0, 1,
     bb_cmd_hold_release, NULL},
    END};
static const struct bb_command journal[] = {
    {"check", "", "read everything and compare the books", NULL, BB_O_STATE | BB_O_JSON, 0, 0,
     bb_cmd_journal_check, NULL},
    {"export", "", "messages as JSON lines", NULL,
     BB_O_STATE | BB_O_FROM | BB_O_MAX | BB_O_OUTPUT, 0, 0, bb_cmd_journal_export, NULL},
    {"salvage", "", "export what a damaged journal still gives", NULL, BB_O_STATE | BB_O_OUTPUT, 0,
     0, bb_cmd_journal_salvage, NULL},
    {"backup", "FOLDER", "consistent copy, also while the core runs", NULL, BB_O_STATE, 1, 1,
     bb_cmd_journal_backup, NULL},
    END};
static const struct bb_command message[] = {
    {"encode", "[FILE]", "JSON event to canonical bytes", NULL, BB_O_DATA, 0, 1,
     bb_cmd_message_encode, NULL},
    {"decode", "[FILE]", "canonical bytes to a JSON event", NULL, BB_O_DATA, 0, 1,
     bb_cmd_message_decode, NULL},
    {"show", "[FILE]", "either of them, indented", NULL, BB_O_DATA, 0, 1, bb_cmd_message_show,
     NULL},
    END};
static const struct bb_command create[] = {
    {"connector", "NAME", "a connector's folder from the template, ready to build", NULL, BB_O_DIR,
     1, 1, bb_cmd_new_connector, NULL},
    END};

static const struct bb_command commands[] = {
    {"run", "", "run the core in the foreground",
     "SIGTERM and SIGINT stop it within 10 seconds, a second one at once.",
     WHERE | BB_O_RUN, 0, 0, bb_cmd_run, NULL},
    {"check", "", "check conf.d, all files in one go, without running a connector", NULL,
     BB_O_CONF | BB_O_JSON, 0, 0, bb_cmd_check, NULL},
    {"status", "", "endpoints, routes and the journal of the running core", NULL,
     BB_O_STATE | BB_O_JSON, 0, 0, bb_cmd_status, NULL},
    {"send", "FILE...", "hand in events as from an endpoint",
     "Each FILE (- for stdin) holds JSON events in CloudEvents form, one after the other.",
     BB_O_STATE | BB_O_ENDPOINT | BB_O_JSON, 1, -1, bb_cmd_send, NULL},
    {"trace", "ID", "every step of a message, by correlation id, event id or number", NULL,
     BB_O_STATE | BB_O_JSON, 1, 1, bb_cmd_trace, NULL},
    {"search", "", "find messages by business keys", NULL,
     BB_O_STATE | BB_O_JSON | BB_O_ITEM | BB_O_CHANGE | BB_O_PLANT | BB_O_TYPE | BB_O_ROUTE |
         BB_O_WHAT_STATE | BB_O_MAX, 0, 0, bb_cmd_search, NULL},
    {"plugins", "[inspect FILE]", "connectors that there are; one file's manifest",
     "No code of a plugin runs.", BB_O_CONF | BB_O_JSON, 0, 2, bb_cmd_plugins, NULL},
    {"quarantine", "COMMAND", "deliveries that wait for a person", NULL, 0, 0, 0, NULL, quarantine},
    {"hold", "COMMAND", "deliveries that hold their lane", NULL, 0, 0, 0, NULL, hold},
    {"pause", "NAME", "stop deliveries to an endpoint or on a route", NULL, BB_O_STATE, 1, 1,
     bb_cmd_pause, NULL},
    {"resume", "NAME", "go on with an endpoint or a route", NULL, BB_O_STATE, 1, 1, bb_cmd_resume,
     NULL},
    {"journal", "COMMAND", "check, export, salvage or back up the journal", NULL, 0, 0, 0, NULL,
     journal},
    {"message", "COMMAND", "canonical messages to and from JSON", NULL, 0, 0, 0, NULL, message},
    {"new", "COMMAND", "start a connector of your own", NULL, 0, 0, 0, NULL, create},
    {"host", "", "run one endpoint's instances; the core starts it", NULL,
     BB_O_ENDPOINT | BB_O_CONNECT | BB_O_WORKERS | BB_O_FD, 0, 0, bb_cmd_host, NULL},
    {"version", "", "version of the program and of the plugin ABI", NULL, BB_O_JSON, 0, 0,
     bb_cmd_version, NULL},
    END};

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error that the writer reports */
    return bb_cli_main(commands, argc, argv);
}
