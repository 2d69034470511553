/*
 * explain.c - busbar explain, and busbar send --dry-run: which routes take a message, why the others do
 * not, and what each would send
 *
 * Reads conf.d alone: no core, no plugin, no secret. Matching and transform are the core's own. What a
 * running core would do is only known from the configuration that it runs with, which may be older.
 * Main thread.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/hub/hub.h"
#include "core/policy/policy.h"
#include "core/rehearse/rehearse.h"
#include "core/transform/transform.h"

struct explain {
    const struct bb_args *a;
    const struct bb_generation *g;
    struct bb_owners *owners;
    const char *name;  /* of the input */
    bool dry;          /* what the routes would send, instead of why */
    struct bb_rows all; /* --json */
    size_t messages, failed;
};

/* ---- why not ------------------------------------------------------------------------------------- */
static void wanted_text(const struct bb_match_rule *rule, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < rule->n && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s\"%s\"", i ? " or " : "", rule->values[i]);
}

static void put_miss(const struct bb_match_rule *miss, struct bb_bytes found)
{
    char wanted[400];

    wanted_text(miss, wanted, sizeof(wanted));
    printf("no: %s is ", miss->attribute);
    if (found.ptr)
        bb_print_text(stdout, "\"", found);
    printf("%s, wanted %s\n", found.ptr ? "\"" : "not there", wanted);
}

static void row_miss(const struct bb_match_rule *miss, struct bb_bytes found, struct bb_rows *m)
{
    struct bb_rows values, one;

    bb_rows_begin(&one);
    bb_rows_begin(&values);
    bb_rows_text(&one, "attribute", miss->attribute);
    for (size_t i = 0; i < miss->n; i++)
        bb_put_cstr(bb_rows_item(&values), miss->values[i]);
    bb_rows_end_array(&values, bb_rows_pair(&one, "wanted"));
    if (found.ptr)
        bb_put_str(bb_rows_pair(&one, "found"), found.ptr, found.len);
    bb_rows_end_map(&one, bb_rows_pair(m, "miss"));
}

/* ---- what it would send -------------------------------------------------------------------------- */
static int on_child(void *arg, struct bb_bytes whole, struct bb_fault *err)
{
    (void)err;
    bb_report_event(whole, bb_rows_item(arg));
    return 0;
}

/* Messages that the step made of it: they go into the journal, each for whoever takes it. */
static void put_made(struct explain *x, struct bb_rows *made, struct bb_rows *m)
{
    uint32_t n = made->n;
    struct bb_buf list;

    bb_buf_init(&list, BB_REPORT_BYTES);
    bb_rows_text(m, "outcome", "split");
    bb_rows_end_array(made, &list);
    bb_put_raw(bb_rows_pair(m, "made"), bb_bytes_of(&list));
    if (!x->a->json) {
        printf("becomes %u message%s:\n", n, n == 1 ? "" : "s");
        bb_print_json(bb_bytes_of(&list), true);
    }
    bb_buf_free(&list);
}

static void put_sent(struct explain *x, const struct bb_route_config *r, struct bb_bytes whole,
                     struct bb_rows *m)
{
    struct bb_transform *t = bb_transform_compile(bb_generation_program(x->g, r), NULL, NULL);
    struct bb_rows made;
    struct bb_transform_run run = {.child = on_child, .arg = &made};
    struct bb_fault err = {0};
    struct bb_buf out, event;
    bb_status s = BB_OK;

    bb_rows_begin(&made);
    bb_buf_init(&out, x->g->config->journal.max_message);
    bb_buf_init(&event, BB_REPORT_BYTES);
    if (t)
        s = bb_transform_apply(t, whole, &out, &run, &err);
    if (s == BB_OK && run.children) {
        put_made(x, &made, m);
        bb_transform_free(&t);
        bb_buf_free(&out);
        return;
    }
    bb_buf_free(&made.b);
    if (s == BB_OK && out.failed)
        s = bb_fail(&err, "the transformed message is larger than max_message") ? BB_E_REJECT : s;
    bb_rows_text(m, "outcome", s == BB_OK ? "send" : s == BB_E_CANCEL ? "skip" : "fail");
    if (s == BB_OK)
        bb_report_event(t ? bb_bytes_of(&out) : whole, &event);
    else
        bb_rows_text(m, "error", err.text);
    if (s == BB_OK)
        bb_put_raw(bb_rows_pair(m, "sent"), bb_bytes_of(&event));
    x->failed += s != BB_OK && s != BB_E_CANCEL;
    if (!x->a->json) {
        printf(s == BB_OK ? "to %s:\n" : s == BB_E_CANCEL ? "skipped, nothing to %s: %s\n"
                                                         : "to %s: error: %s\n", r->to, err.text);
        if (s == BB_OK)
            bb_print_json(bb_bytes_of(&event), true);
    }
    bb_transform_free(&t);
    bb_buf_free(&out);
    bb_buf_free(&event);
}

/* ---- one message --------------------------------------------------------------------------------- */
/* True when the route takes it. */
static bool route_explain(struct explain *x, const struct bb_route_config *r, struct bb_bytes whole,
                          const struct bb_envelope *e, struct bb_rows *routes)
{
    const struct bb_match_rule *miss = NULL;
    struct bb_bytes found = {NULL, 0};
    bool from = !x->a->endpoint || strcmp(r->from, x->a->endpoint) == 0;
    bool takes = from && bb_route_match(r, e, &miss, &found) == 1;
    struct bb_rows one;

    if (x->dry && !takes)
        return false;
    bb_rows_begin(&one);
    bb_rows_text(&one, "route", r->name);
    bb_rows_text(&one, "from", r->from);
    bb_rows_text(&one, "to", r->to);
    bb_rows_flag(&one, "takes", takes);
    if (!x->a->json)
        printf("  route %s, from %s%s", r->name, r->from, x->dry ? " " : ": ");
    if (miss)
        row_miss(miss, found, &one);
    if (x->dry)
        put_sent(x, r, whole, &one);
    else if (x->a->json)
        ;
    else if (!from)
        printf("no: the message comes from %s\n", x->a->endpoint);
    else if (miss)
        put_miss(miss, found);
    else
        printf("yes, to %s%s\n", r->to, r->paused ? " (the route is paused)" : "");
    bb_rows_end_map(&one, bb_rows_item(routes));
    return takes;
}

static void unmatched_say(const struct explain *x)
{
    static const char *const what[] = {
        [BB_UNMATCHED_QUARANTINE] = "it would be quarantined",
        [BB_UNMATCHED_REFUSE] = "its sender would be refused",
        [BB_UNMATCHED_SKIP] = "it would be skipped"};
    const struct bb_endpoint_config *e =
        x->a->endpoint ? bb_config_endpoint(x->g->config, x->a->endpoint) : NULL;

    printf("  no route takes it%s%s\n", e ? ": " : "", e ? what[e->unmatched] : "");
}

struct refusal { /* what an endpoint's `accept` says against a message */
    struct bb_rows all;
    bool quiet;
};

static void on_finding(void *arg, const char *pointer, const char *code, const char *text)
{
    struct refusal *f = arg;
    struct bb_rows one;

    bb_rows_begin(&one);
    bb_rows_text(&one, "pointer", pointer);
    bb_rows_text(&one, "code", code);
    bb_rows_text(&one, "text", text);
    bb_rows_end_map(&one, bb_rows_item(&f->all));
    if (f->quiet)
        return;
    fputs("  it would not be accepted: ", stdout);
    bb_print_text(stdout, "", (struct bb_bytes){pointer, strlen(pointer)});
    bb_print_text(stdout, *pointer ? " " : "", (struct bb_bytes){text, strlen(text)});
    putchar('\n');
}

/* Whether the endpoint takes such a message in at all. */
static bool is_accepted(struct explain *x, struct bb_bytes whole, struct bb_rows *m)
{
    const struct bb_transform *t = x->a->endpoint ? bb_generation_accept(x->g, x->a->endpoint) : NULL;
    struct refusal f = {.quiet = x->a->json};
    struct bb_transform_run run = {.found = on_finding, .arg = &f};
    struct bb_fault why = {0, ""};
    bool yes;

    bb_rows_begin(&f.all);
    yes = !t || bb_transform_check(t, whole, &run, &why) == BB_OK;
    if (!yes && !f.all.n) /* a step that does not say where */
        on_finding(&f, "", "", why.text);
    if (yes)
        bb_buf_free(&f.all.b);
    else
        bb_rows_end_array(&f.all, bb_rows_pair(m, "not_accepted"));
    x->failed += !yes && x->dry;
    return yes;
}

static int message_explain(void *arg, size_t offset, struct bb_bytes whole, struct bb_fault *err)
{
    struct explain *x = arg;
    const struct bb_config *c = x->g->config;
    struct bb_envelope e;
    const struct bb_owned *owned;
    struct bb_rows one, routes;
    size_t taken = 0;
    bool in;

    (void)offset;
    if (bb_envelope_read(whole, &e, err) != 0)
        return -1;
    x->messages++;
    bb_rows_begin(&one);
    bb_rows_begin(&routes);
    if (!x->a->json) {
        bb_print_text(stdout, "message ", e.id);
        bb_print_text(stdout, ", ", e.type);
        putchar('\n');
    }
    owned = x->a->endpoint ? bb_owners_foreign(x->owners, x->a->endpoint, &e) : NULL;
    if (owned && !x->a->json)
        printf("  %s by %s\n", owned->rule->foreign == BB_FOREIGN_REFUSE ? "it would be refused" : "it would be quarantined",
               owned->text);
    if (owned)
        bb_rows_text(&one, "foreign", owned->text);
    x->failed += owned && x->dry;
    in = is_accepted(x, whole, &one) && !owned;
    for (size_t i = 0; i < c->n_routes && in; i++)
        if (!x->a->route || strcmp(c->routes[i].name, x->a->route) == 0)
            taken += route_explain(x, &c->routes[i], whole, &e, &routes);
    if (!taken && in && !x->a->json)
        unmatched_say(x);
    bb_put_str(bb_rows_pair(&one, "id"), e.id.ptr, e.id.len);
    bb_put_str(bb_rows_pair(&one, "type"), e.type.ptr, e.type.len);
    bb_rows_end_array(&routes, bb_rows_pair(&one, "routes"));
    bb_rows_end_map(&one, bb_rows_item(&x->all));
    return 0;
}

static int file_explain(struct explain *x, const char *path)
{
    struct bb_fault err = {0};
    struct bb_buf in;
    int rc = bb_read_input(path, &in);

    if (rc != BB_EXIT_OK)
        return rc;
    x->name = strcmp(path, "-") == 0 ? "stdin" : path;
    if (bb_input_each(bb_bytes_of(&in), message_explain, x, &err) != 0)
        rc = bb_cli_fail("%s:byte %zu: %s", x->name, err.offset, err.text);
    bb_buf_free(&in);
    return rc;
}

static int run(const struct bb_args *a, bool dry)
{
    static char standard[] = "-";
    struct explain x = {.a = a, .dry = dry};
    struct bb_diags d = {0};
    struct bb_generation *g = bb_generation_rehearse(a->conf, &d);
    struct bb_buf out;
    int rc = g ? BB_EXIT_OK : bb_cli_fail("the configuration in %s has errors", a->conf);

    bb_diags_print(&d, stderr);
    bb_diags_free(&d);
    x.g = g;
    if (g && bb_owners_new(g->config, &x.owners) != 0)
        rc = bb_cli_fail("out of memory");
    bb_rows_begin(&x.all);
    if (g && a->endpoint && !bb_config_endpoint(g->config, a->endpoint))
        rc = bb_cli_usage("conf.d has no endpoint \"%s\"", a->endpoint);
    for (int i = 0; rc == BB_EXIT_OK && i < (a->n ? a->n : 1); i++)
        rc = file_explain(&x, a->n ? a->rest[i] : standard);
    bb_buf_init(&out, 4 * BB_REPORT_BYTES);
    bb_rows_end_array(&x.all, &out);
    if (rc == BB_EXIT_OK && a->json)
        rc = bb_print_json(bb_bytes_of(&out), false);
    bb_buf_free(&out);
    if (rc == BB_EXIT_OK && x.failed)
        rc = BB_EXIT_FAILED;
    if (rc == BB_EXIT_OK && !x.messages)
        rc = bb_cli_fail("the input holds no message");
    bb_owners_free(&x.owners);
    bb_generation_free(&g);
    return bb_print_end(rc);
}

int bb_cmd_explain(const struct bb_args *a)
{
    return run(a, false);
}

int bb_cmd_send_dry(const struct bb_args *a)
{
    pid_t child;
    int status = 0;

    if (!a->endpoint)
        return bb_cli_usage("say which endpoint the events come from: -e NAME");
    child = fork(); /* what is not ours (jq, a connector's transform) may end its process */
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setvbuf(stdout, NULL, _IOLBF, 0); /* what was said before is said */
    }
    if (child <= 0)
        return run(a, true);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFSIGNALED(status) ? bb_cli_fail("a step ended the process (%s): in jq, or in a connector's transform",
                                             strsignal(WTERMSIG(status)))
                               : WEXITSTATUS(status);
}
