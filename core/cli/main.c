/*
 * main.c - the table of commands
 */
#include "core/cli/cli.h"

#include <signal.h>

static const struct bb_command commands[] = {
    {"run", "", "csR", 0, 0, bb_cmd_run, 0, "run the core in the foreground",
     "SIGTERM and SIGINT stop it within 10 seconds, a second one at once."},
    {"check", "", "cJ", 0, 0, bb_cmd_check, 0,
     "check conf.d, all files in one go, without running a connector", NULL},
    {"test", "[FILE...]", "cOUG1QJ", 0, -1, bb_cmd_test, 0,
     "run route tests: the real core, played endpoints, a clock that jumps",
     "FILE is a YAML file of tests or a folder of them; without one it is tests/ in conf.d.\n"
     "Exit status: 0 all passed, 1 some failed, 2 a file or conf.d has errors."},
    {"explain", "[FILE]", "ceJ", 0, 1, bb_cmd_explain, 0,
     "which routes take a message, and why the others do not",
     "FILE (- for stdin) holds JSON events or canonical messages; conf.d alone is read."},
    {"status", "", "sJ", 0, 0, bb_cmd_status, 0,
     "endpoints, routes and the journal of the running core", NULL},
    {"send", "FILE...", "sce2J", 1, -1, bb_cmd_send, 0, "hand in events as from an endpoint",
     "Each FILE (- for stdin) holds JSON events in CloudEvents form, one after the other."},
    {"tap", "ROUTE [COND...]", "sc3L4MFnJ", 1, -1, bb_cmd_tap, 0,
     "live messages of a route, with secrets hidden",
     "Reads the journal beside the core, which does not notice. One that reads too slowly is told\n"
     "how many it missed. COND is POINTER=VALUE, like --where; all of them must hold."},
    {"trace", "ID", "sJ", 1, 1, bb_cmd_trace, 0,
     "every step of a message, by correlation id, event id or number", NULL},
    {"search", "", "sICPTrNnJ", 0, 0, bb_cmd_search, 0, "find messages by business keys", NULL},
    {"plugins", "[inspect FILE]", "cJ", 0, 2, bb_cmd_plugins, 0,
     "connectors that there are; one file's manifest", "No code of a plugin runs."},

    {"quarantine", "COMMAND", "", 0, 0, NULL, 0, "deliveries that wait for a person", NULL},
    {"quarantine list", "", "srFnJ", 0, 0, bb_cmd_open_list, BB_REPORT_QUARANTINE,
     "what waits for a person, and why", NULL},
    {"quarantine show", "ROUTE/SEQ", "srSJ", 0, 1, bb_cmd_open_show, 0,
     "one delivery: message, history, how to mend it", NULL},
    {"quarantine replay", "[ROUTE/SEQ]", "srSAV", 0, 1, bb_cmd_open_act, BB_ACT_REPLAY,
     "send again, by the mapping of the running core",
     "A delivery that later ones of its lane have overtaken is refused without --overtaken."},
    {"quarantine discard", "[ROUTE/SEQ]", "srSA", 0, 1, bb_cmd_open_act, BB_ACT_DISCARD,
     "give up for good, on record", NULL},

    {"hold", "COMMAND", "", 0, 0, NULL, 0, "deliveries that hold their lane", NULL},
    {"hold list", "", "srFnJ", 0, 0, bb_cmd_open_list, BB_REPORT_HELD,
     "deliveries that hold their lane", NULL},
    {"hold release", "[ROUTE/SEQ]", "srSA", 0, 1, bb_cmd_open_act, BB_ACT_RELEASE,
     "try a held delivery again", NULL},

    {"pause", "NAME", "s", 1, 1, bb_cmd_pause, BB_DO_PAUSE,
     "stop deliveries to an endpoint or on a route", NULL},
    {"resume", "NAME", "s", 1, 1, bb_cmd_pause, BB_DO_RESUME,
     "go on with an endpoint or a route", NULL},

    {"journal", "COMMAND", "", 0, 0, NULL, 0,
     "check, export, salvage or back up the journal", NULL},
    {"journal check", "", "sJ", 0, 0, bb_cmd_journal_check, 0,
     "read everything and compare the books", NULL},
    {"journal export", "", "sFno", 0, 0, bb_cmd_journal_export, 0, "messages as JSON lines", NULL},
    {"journal salvage", "", "so", 0, 0, bb_cmd_journal_salvage, 0,
     "export what a damaged journal still gives", NULL},
    {"journal backup", "FOLDER", "s", 1, 1, bb_cmd_journal_backup, 0,
     "consistent copy, also while the core runs", NULL},

    {"message", "COMMAND", "", 0, 0, NULL, 0, "canonical messages to and from JSON", NULL},
    {"message encode", "[FILE]", "D", 0, 1, bb_cmd_message, BB_DO_ENCODE,
     "JSON event to canonical bytes", NULL},
    {"message decode", "[FILE]", "D", 0, 1, bb_cmd_message, BB_DO_DECODE,
     "canonical bytes to a JSON event", NULL},
    {"message show", "[FILE]", "D", 0, 1, bb_cmd_message, BB_DO_SHOW, "either of them, indented",
     NULL},

    {"validate", "DOC...", "KEBYZnJ", 0, -1, bb_cmd_validate, 0,
     "check JSON documents against a JSON Schema (draft 2020-12)",
     "Each DOC (- for stdin) is one JSON value. References go to files below --remotes and nowhere\n"
     "else. With --batch there is a verdict a line for each case. Exit status: 0 all are valid,\n"
     "1 one is not, 2 the schema or the command is wrong."},

    {"new", "COMMAND", "", 0, 0, NULL, 0, "start a connector of your own", NULL},
    {"new connector", "NAME", "d", 1, 1, bb_cmd_new_connector, 0,
     "a connector's folder from the template, ready to build", NULL},
    {"host", "", "eHWX", 0, 0, bb_cmd_host, 0,
     "run one endpoint's instances; the core starts it", NULL},
    {"version", "", "J", 0, 0, bb_cmd_version, 0,
     "version of the program and of the plugin ABI", NULL},
    {0}};

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error that the writer reports */
    return bb_cli_main(commands, argc, argv);
}
