/*
 * args.c - commands and options as tables; parsing, help, did-you-mean
 *
 * getopt_long is given what the command's bits select from the one table of options. Runs on the
 * main thread, before anything else; getopt's globals are its only state.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "core/config/config.h" /* bb_nearest */

enum opt_kind { FLAG, TEXT, NUMBER };

struct opt {
    unsigned bit;
    char letter; /* or 0 */
    const char *name, *arg;
    enum opt_kind kind;
    size_t at, has; /* offsets in struct bb_args; has 0: none */
    const char *help;
};
#define AT(f) offsetof(struct bb_args, f)

static const struct opt opts[] = {
    {BB_O_CONF, 'c', "conf", "DIR", TEXT, AT(conf), 0,
     "configuration folder (default $BUSBAR_CONF or " BB_CONFDIR ")"},
    {BB_O_STATE, 's', "state", "DIR", TEXT, AT(state), 0,
     "state folder (default $BUSBAR_STATE or " BB_STATEDIR ")"},
    {BB_O_RUN, 0, "run-dir", "DIR", TEXT, AT(run_dir), 0, "folder for the hub's socket"},
    {BB_O_ENDPOINT, 'e', "endpoint", "NAME", TEXT, AT(endpoint), 0, "endpoint"},
    {BB_O_ROUTE, 'r', "route", "NAME", TEXT, AT(route), 0, "only this route"},
    {BB_O_SEQ, 0, "seq", "N", NUMBER, AT(seq), AT(has_seq), "sequence number of the message"},
    {BB_O_FROM, 0, "from", "N", NUMBER, AT(from), 0, "start at this sequence number"},
    {BB_O_MAX, 'n', "max", "N", NUMBER, AT(max), 0, "show at most N"},
    {BB_O_ITEM, 0, "item", "TEXT", TEXT, AT(item), 0, "messages of this item"},
    {BB_O_CHANGE, 0, "change", "TEXT", TEXT, AT(change), 0, "messages of this change (ECO)"},
    {BB_O_PLANT, 0, "plant", "TEXT", TEXT, AT(plant), 0, "messages of this plant"},
    {BB_O_TYPE, 0, "type", "TEXT", TEXT, AT(type), 0, "messages of this type"},
    {BB_O_WHAT_STATE, 0, "in", "STATE", TEXT, AT(what_state), 0,
     "deliveries in this state (waiting, held, quarantined, delivered ...)"},
    {BB_O_ALL, 0, "all", NULL, FLAG, AT(all), 0, "everything that the other options select"},
    {BB_O_OVERTAKEN, 0, "overtaken", NULL, FLAG, AT(overtaken), 0,
     "also when a later message of its lane went out since"},
    {BB_O_DATA, 0, "data", NULL, FLAG, AT(data), 0, "any JSON value, without an envelope"},
    {BB_O_DIR, 'd', "dir", "DIR", TEXT, AT(dir), 0, "where to write (default: here)"},
    {BB_O_OUTPUT, 'o', "output", "FILE", TEXT, AT(output), 0, "write to FILE, not to stdout"},
    {BB_O_CONNECT, 0, "connect", "ADDRESS", TEXT, AT(address), 0, "the hub's address"},
    {BB_O_WORKERS, 0, "workers", "N", NUMBER, AT(workers), 0, "instances to run"},
    {BB_O_FD, 0, "fd", "FD", NUMBER, AT(fd), 0, "descriptor to read the secret from"},
    {BB_O_JSON, 0, "json", NULL, FLAG, AT(json), 0, "JSON output, for programs"},
};
#define N_OPTS (sizeof(opts) / sizeof(*opts))
#define ID_HELP 1000
#define ID_OPT 1001 /* + index in opts */

static const char *first_line_of(const char *s)
{
    return s ? s : "";
}

static void help_command(const struct bb_command *c, const char *path, FILE *out)
{
    fprintf(out, "usage: %s%s%s%s\n\n%s\n", path, c->options ? " [options]" : "",
            *first_line_of(c->args) ? " " : "", first_line_of(c->args), c->summary);
    if (c->help)
        fprintf(out, "\n%s\n", c->help);
    if (c->subs) {
        fputs("\ncommands:\n", out);
        for (const struct bb_command *s = c->subs; s->name; s++)
            fprintf(out, "  %-10s %-18s %s\n", s->name, s->args, s->summary);
        return;
    }
    fputs("\noptions:\n", out);
    for (size_t i = 0; i < N_OPTS; i++) {
        char left[64];

        if (!(c->options & opts[i].bit))
            continue;
        snprintf(left, sizeof(left), "%c%c%s --%s %s", opts[i].letter ? '-' : ' ',
                 opts[i].letter ? opts[i].letter : ' ', opts[i].letter ? "," : " ", opts[i].name,
                 first_line_of(opts[i].arg));
        fprintf(out, "  %-24s %s\n", left, opts[i].help);
    }
    fprintf(out, "  -h, --help %13s %s\n", "", "this text");
}

static void help_all(const struct bb_command *commands, FILE *out)
{
    fputs("usage: busbar COMMAND [options] [arguments]\n\n"
          "Connects PLM, ERP, MES, WMS and supplier systems: routes messages between the\n"
          "connectors that conf.d names, durably and in order.\n\ncommands:\n", out);
    for (const struct bb_command *c = commands; c->name; c++)
        fprintf(out, "  %-12s %s\n", c->name, c->summary);
    fputs("\n\"busbar COMMAND --help\" says more. Exit status: 0 done, 1 failed, 2 wrong usage.\n",
          out);
}

static int usage(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int usage(const char *path, const char *fmt, ...)
{
    va_list ap;

    fputs("busbar: error: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nTry \"%s --help\".\n", path);
    return BB_EXIT_USAGE;
}

static int value_set(const struct opt *o, const char *path, const char *text, struct bb_args *a)
{
    char *base = (char *)a;

    switch (o->kind) {
    case FLAG:
        *(bool *)(base + o->at) = true;
        break;
    case TEXT:
        *(const char **)(base + o->at) = text;
        break;
    case NUMBER:
        if (bb_u64_parse(text, (uint64_t *)(base + o->at)) < 0)
            return usage(path, "--%s takes a whole number, not \"%s\"", o->name, text) + 1;
        break;
    }
    if (o->has)
        *(bool *)(base + o->has) = true;
    return 0;
}

static int unknown_option(const struct bb_command *c, const char *path, const char *word)
{
    const char *names[N_OPTS + 1];
    char name[64];
    const char *near = NULL;
    size_t n = 0;

    for (size_t i = 0; i < N_OPTS; i++)
        if (c->options & opts[i].bit)
            names[n++] = opts[i].name;
    names[n++] = "help";
    if (strncmp(word, "--", 2) == 0) {
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
        near = bb_nearest(name, names, n);
    }
    if (near)
        return usage(path, "unknown option \"%s\" (did you mean \"--%s\"?)", word, near) + 1;
    return usage(path, "unknown option \"%s\"", word) + 1;
}

/* getopt's own tables for this command; letters starts with ':' so that a missing value is told
 * from an unknown option. */
static void getopt_tables(const struct bb_command *c, struct option *longs, char *letters)
{
    size_t n = 0, l = 0;

    letters[l++] = ':';
    letters[l++] = 'h';
    longs[n++] = (struct option){"help", no_argument, NULL, ID_HELP};
    for (size_t i = 0; i < N_OPTS; i++) {
        if (!(c->options & opts[i].bit))
            continue;
        longs[n++] = (struct option){opts[i].name,
                                     opts[i].kind == FLAG ? no_argument : required_argument, NULL,
                                     ID_OPT + (int)i};
        if (!opts[i].letter)
            continue;
        letters[l++] = opts[i].letter;
        if (opts[i].kind != FLAG)
            letters[l++] = ':';
    }
    letters[l] = '\0';
    longs[n] = (struct option){NULL, 0, NULL, 0};
}

static const struct opt *opt_of(int id)
{
    if (id >= ID_OPT && id < ID_OPT + (int)N_OPTS)
        return &opts[id - ID_OPT];
    for (size_t i = 0; i < N_OPTS; i++)
        if (opts[i].letter && opts[i].letter == id)
            return &opts[i];
    return NULL;
}

static const char *or_env(const char *given, const char *name, const char *otherwise)
{
    const char *env = getenv(name);

    return given ? given : env && *env ? env : otherwise;
}

int bb_args_parse(const struct bb_command *c, const char *path, int argc, char **argv,
                  struct bb_args *a)
{
    struct option longs[N_OPTS + 2];
    char letters[2 * N_OPTS + 4];
    const struct opt *o;
    int id, rc;

    memset(a, 0, sizeof(*a));
    getopt_tables(c, longs, letters);
    optind = 0; /* GNU: start over */
    opterr = 0;
    while ((id = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (id == ID_HELP || id == 'h') {
            help_command(c, path, stdout);
            return bb_print_end(BB_EXIT_OK) + 1;
        }
        if (id == ':')
            return usage(path, "option \"%s\" needs a value", argv[optind - 1]) + 1;
        o = id == '?' ? NULL : opt_of(id);
        if (!o)
            return unknown_option(c, path, argv[optind > 1 ? optind - 1 : 1]);
        if ((rc = value_set(o, path, optarg, a)) != 0)
            return rc;
    }
    a->rest = argv + optind;
    a->n = argc - optind;
    if (a->n < c->min)
        return usage(path, "something is missing: %s %s", path, c->args) + 1;
    if (c->max >= 0 && a->n > c->max)
        return usage(path, "unexpected argument \"%s\"", a->rest[c->max]) + 1;
    a->conf = or_env(a->conf, "BUSBAR_CONF", BB_CONFDIR);
    a->state = or_env(a->state, "BUSBAR_STATE", BB_STATEDIR);
    return 0;
}

static int unknown_command(const struct bb_command *list, const char *path, const char *word)
{
    const char *names[64];
    const char *near;
    size_t n = 0;

    for (const struct bb_command *c = list; c->name && n < 64; c++)
        names[n++] = c->name;
    near = bb_nearest(word, names, n);
    if (near)
        return usage(path, "unknown command \"%s\" (did you mean \"%s\"?)", word, near);
    return usage(path, "unknown command \"%s\"", word);
}

static const struct bb_command *find(const struct bb_command *list, const char *name)
{
    for (; list->name; list++)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

static bool is_help(const char *s)
{
    return strcmp(s, "--help") == 0 || strcmp(s, "-h") == 0 || strcmp(s, "help") == 0;
}

int bb_cli_main(const struct bb_command *commands, int argc, char **argv)
{
    static char version[] = "version";
    char path[128] = "busbar";
    const struct bb_command *c = NULL, *list = commands;
    struct bb_args a;
    int i = 1, rc;

    if (argc > 2 && strcmp(argv[1], "help") == 0) { /* help X: X --help, at its first level */
        c = find(commands, argv[2]);
        snprintf(path, sizeof(path), "busbar %s", argv[2]);
        if (!c)
            return unknown_command(commands, "busbar", argv[2]);
        help_command(c, path, stdout);
        return bb_print_end(BB_EXIT_OK);
    }
    for (; list; i++) {
        if (i >= argc) {
            if (!c)
                help_all(commands, stderr);
            else
                help_command(c, path, stderr);
            return BB_EXIT_USAGE;
        }
        if (is_help(argv[i])) {
            if (c)
                help_command(c, path, stdout);
            else
                help_all(commands, stdout);
            return bb_print_end(BB_EXIT_OK);
        }
        if (!c && (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0))
            argv[i] = version;
        c = find(list, argv[i]);
        if (!c)
            return unknown_command(list, path, argv[i]);
        snprintf(path + strlen(path), sizeof(path) - strlen(path), " %s", c->name);
        list = c->subs;
    }
    rc = bb_args_parse(c, path, argc - i + 1, argv + i - 1, &a);
    return rc ? rc - 1 : c->run(&a);
}
