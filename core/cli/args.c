/*
 * args.c - commands and options as tables; parsing, help, did-you-mean
 *
 * An option is known by one character, its id; a lower-case id is its short form too. getopt_long
 * is given those that the command names. Runs on the main thread, before anything else.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS_MAX 64
#define AT(f) offsetof(struct bb_args, f)

static const struct opt {
    char id;
    const char *name, *arg; /* no arg: a flag; "N": a number */
    size_t at;              /* in struct bb_args */
    const char *help;
} opts[] = {
    {'c', "conf", "DIR", AT(conf),
     "configuration folder (default $BUSBAR_CONF or " BB_CONFDIR ")"},
    {'s', "state", "DIR", AT(state), "state folder (default $BUSBAR_STATE or " BB_STATEDIR ")"},
    {'R', "run-dir", "DIR", AT(run_dir), "folder for the hub's socket"},
    {'e', "endpoint", "NAME", AT(endpoint), "endpoint"},
    {'r', "route", "NAME", AT(route), "only this route"},
    {'S', "seq", "N", AT(seq), "sequence number of the message"},
    {'F', "from", "N", AT(from), "start at this sequence number"},
    {'n', "max", "N", AT(max), "show at most N"},
    {'I', "item", "TEXT", AT(item), "messages of this item"},
    {'C', "change", "TEXT", AT(change), "messages of this change (ECO)"},
    {'P', "plant", "TEXT", AT(plant), "messages of this plant"},
    {'T', "type", "TEXT", AT(type), "messages of this type"},
    {'N', "in", "STATE", AT(what_state),
     "deliveries in this state (waiting, held, quarantined, delivered ...)"},
    {'A', "all", NULL, AT(all), "everything that the other options select"},
    {'V', "overtaken", NULL, AT(overtaken), "also when a later message of its lane went out since"},
    {'D', "data", NULL, AT(data), "any JSON value, without an envelope"},
    {'d', "dir", "DIR", AT(dir), "where to write (default: here)"},
    {'o', "output", "FILE", AT(output), "write to FILE, not to stdout"},
    {'H', "connect", "ADDRESS", AT(address), "the hub's address"},
    {'W', "workers", "N", AT(workers), "instances to run"},
    {'X', "fd", "N", AT(fd), "descriptor to read the secret from"},
    {'K', "schema", "FILE", AT(schema), "the JSON Schema"},
    {'E', "remotes", "DIR", AT(remotes), "folder of the schemas that it refers to"},
    {'B', "batch", NULL, AT(batch), "cases from stdin: a JSON array of {schema, document}"},
    {'Y', "formats", NULL, AT(formats), "\"format\" must hold, not only inform"},
    {'Z', "strict", NULL, AT(strict), "unknown keywords, formats and drafts are errors"},
    {'J', "json", NULL, AT(json), "JSON output, for programs"},
};
#define N_OPTS (sizeof(opts) / sizeof(*opts))

/* What a name is below a group ("" is the group of all), or NULL. */
static const char *below(const char *group, const char *name)
{
    size_t n = strlen(group);

    if (n && (strncmp(name, group, n) != 0 || name[n] != ' '))
        return NULL;
    name += n ? n + 1 : 0;
    return strchr(name, ' ') ? NULL : name;
}

static void help_list(const struct bb_command *all, const char *group, FILE *out)
{
    const char *name;

    fputs("\ncommands:\n", out);
    for (const struct bb_command *c = all; c->name; c++)
        if ((name = below(group, c->name)))
            fprintf(out, "  %-12s %-*s%s\n", name, *group ? 18 : 0, *group ? c->args : "",
                    c->summary);
}

static int help(const struct bb_command *all, const struct bb_command *c, FILE *out)
{
    if (!c) {
        fputs("usage: busbar COMMAND [options] [arguments]\n\n"
              "Connects PLM, ERP, MES, WMS and supplier systems: routes messages between the\n"
              "connectors that conf.d names, durably and in order.\n", out);
        help_list(all, "", out);
        fputs("\n\"busbar COMMAND --help\" says more.\n"
              "Exit status: 0 done, 1 failed, 2 wrong usage.\n", out);
        return bb_print_end(BB_EXIT_OK);
    }
    fprintf(out, "usage: busbar %s%s%s%s\n\n%s\n", c->name, *c->options ? " [options]" : "",
            *c->args ? " " : "", c->args, c->summary);
    if (c->help)
        fprintf(out, "\n%s\n", c->help);
    if (!c->run) {
        help_list(all, c->name, out);
        return bb_print_end(BB_EXIT_OK);
    }
    fputs("\noptions:\n", out);
    for (const struct opt *o = opts; o < opts + N_OPTS; o++)
        if (strchr(c->options, o->id))
            fprintf(out, "  %c%c%c --%-8s %-8s %s\n", islower(o->id) ? '-' : ' ',
                    islower(o->id) ? o->id : ' ', islower(o->id) ? ',' : ' ', o->name,
                    o->arg ? o->arg : "", o->help);
    fprintf(out, "  -h, --%-17s %s\n", "help", "this text");
    return bb_print_end(BB_EXIT_OK);
}

/* ---- options --------------------------------------------------------------------------------- */
static int value_set(const struct opt *o, const char *text, struct bb_args *a)
{
    void *at = (char *)a + o->at;

    if (!o->arg)
        *(bool *)at = true;
    else if (strcmp(o->arg, "N") != 0)
        *(const char **)at = text;
    else if (bb_u64_parse(text, at) < 0)
        return bb_cli_usage("--%s takes a whole number, not \"%s\"", o->name, text);
    return BB_EXIT_OK;
}

static int unknown(const char *what, const char *dashes, const char *word,
                   const char *const *names, size_t n)
{
    const char *near = bb_nearest(word, names, n);

    if (near)
        return bb_cli_usage("unknown %s \"%s%s\" (did you mean \"%s%s\"?)", what, dashes, word,
                            dashes, near);
    return bb_cli_usage("unknown %s \"%s%s\"", what, dashes, word);
}

static int unknown_option(const struct option *longs, const char *word)
{
    const char *names[N_OPTS + 1];
    char name[64];
    size_t n = 0;

    if (strncmp(word, "--", 2) != 0)
        return bb_cli_usage("unknown option \"%s\"", word);
    for (; longs->name; longs++)
        names[n++] = longs->name;
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    return unknown("option", "--", name, names, n);
}

static const char *or_env(const char *given, const char *name, const char *otherwise)
{
    const char *env = getenv(name);

    return given ? given : env && *env ? env : otherwise;
}

/* argv[0] is the command's last word. */
static int parse_and_run(const struct bb_command *all, const struct bb_command *c, int argc,
                         char **argv)
{
    struct bb_args a = {.command = c, .seq = BB_NO_SEQ};
    struct option longs[N_OPTS + 2] = {{"help", no_argument, NULL, 'h'}};
    char letters[2 * N_OPTS + 4] = ":h"; /* ':': a missing value is told from an unknown option */
    size_t n = 1, l = 2;
    int id, rc = BB_EXIT_OK;

    for (const struct opt *o = opts; o < opts + N_OPTS; o++) {
        if (!strchr(c->options, o->id))
            continue;
        longs[n++] = (struct option){o->name, o->arg != NULL, NULL, o->id};
        if (islower(o->id)) {
            letters[l++] = o->id;
            letters[l] = ':';
            l += o->arg != NULL;
        }
    }
    letters[l] = '\0';
    optind = 0; /* GNU: start over */
    opterr = 0;
    while (rc == BB_EXIT_OK && (id = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const struct opt *o = opts;

        if (id == 'h')
            return help(all, c, stdout);
        if (id == ':')
            return bb_cli_usage("option \"%s\" needs a value", argv[optind - 1]);
        while (o < opts + N_OPTS && o->id != id)
            o++;
        rc = o < opts + N_OPTS ? value_set(o, optarg, &a)
                               : unknown_option(longs, argv[optind > 1 ? optind - 1 : 1]);
    }
    if (rc != BB_EXIT_OK)
        return rc;
    a.rest = argv + optind;
    a.n = argc - optind;
    if (a.n < c->min)
        return bb_cli_usage("something is missing: busbar %s %s", c->name, c->args);
    if (c->max >= 0 && a.n > c->max)
        return bb_cli_usage("unexpected argument \"%s\"", a.rest[c->max]);
    a.conf = or_env(a.conf, "BUSBAR_CONF", BB_CONFDIR);
    a.state = or_env(a.state, "BUSBAR_STATE", BB_STATEDIR);
    return c->run(&a);
}

/* ---- commands -------------------------------------------------------------------------------- */
static const struct bb_command *find(const struct bb_command *all, const char *group,
                                     const char *word)
{
    const char *names[COMMANDS_MAX], *name;
    size_t n = 0;

    for (const struct bb_command *c = all; c->name && n < COMMANDS_MAX; c++) {
        if (!(name = below(group, c->name)))
            continue;
        if (strcmp(name, word) == 0)
            return c;
        names[n++] = name;
    }
    unknown("command", "", word, names, n);
    return NULL;
}

int bb_cli_main(const struct bb_command *commands, int argc, char **argv)
{
    const struct bb_command *c = NULL;
    bool asked = false; /* for help */

    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];

        if (!c && (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0))
            word = "version";
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
            asked = true;
            continue;
        }
        c = find(commands, c ? c->name : "", word);
        if (!c)
            return BB_EXIT_USAGE;
        if (c->run)
            return asked ? help(commands, c, stdout)
                         : parse_and_run(commands, c, argc - i, argv + i);
    }
    help(commands, c, asked ? stdout : stderr);
    return asked ? BB_EXIT_OK : BB_EXIT_USAGE;
}
