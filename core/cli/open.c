/*
 * open.c - busbar quarantine and busbar hold: what waits for a person, and what to do with it
 *
 * Looking reads the journal's folder, so it works with the core down; acting needs the core, which
 * alone writes the journal. Acting on many goes in order of acceptance, one request each, and goes
 * on after a refusal, which is said and counted.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <stdlib.h>
#include <string.h>

/* ---- list ------------------------------------------------------------------------------------ */
static void delivery(struct bb_bytes d, char *out, size_t cap)
{
    struct bb_bytes route = bb_field_str(d, "route");

    snprintf(out, cap, "%.*s/%lld", (int)route.len, (const char *)route.ptr,
             (long long)bb_field_int(d, "seq"));
}

static void note(struct bb_bytes d, char *out, size_t cap)
{
    snprintf(out, cap, "%s", bb_field_bool(d, "maybe_sent") ? "maybe applied"
                             : bb_field_bool(d, "overtaken") ? "overtaken" : "");
}

static const struct bb_column columns[] = {
    {"DELIVERY", NULL, delivery}, {"SINCE", "since", NULL}, {"TYPE", "type", NULL},
    {"ITEM", "item", NULL}, {"PLANT", "plant", NULL}, {"ATTEMPTS", "attempts", NULL},
    {"NOTE", NULL, note}, {"REASON", "reason", NULL}};

int bb_cmd_open_list(const struct bb_args *a)
{
    struct bb_query q = {.kind = (enum bb_report_kind)a->command->what, .route = a->route,
                         .seq = a->from, .max = a->max};
    struct bb_bytes list;
    struct bb_buf value;
    int rc = bb_read_report(a, q, &value);

    list = bb_field(bb_bytes_of(&value), "deliveries");
    if (rc == BB_EXIT_OK && a->json) {
        rc = bb_print_json(bb_bytes_of(&value), false);
    } else if (rc == BB_EXIT_OK && !bb_each(list).left) {
        puts(q.kind == BB_REPORT_HELD ? "nothing is held" : "nothing is in quarantine");
    } else if (rc == BB_EXIT_OK) {
        int64_t next = bb_field_int(bb_bytes_of(&value), "next");

        BB_PRINT_TABLE(columns, list);
        if (next)
            printf("\nThere are more: --from %lld\n", (long long)next);
        else
            printf("\n\"busbar quarantine show DELIVERY\" says all about one.\n");
    }
    bb_buf_free(&value);
    return bb_print_end(rc);
}

/* ---- one delivery ---------------------------------------------------------------------------- */
struct pick {
    char route[64];
    uint64_t seq;
};

/* ROUTE/SEQ, or --route and --seq. */
static int pick_read(const struct bb_args *a, struct pick *p)
{
    const char *slash = a->n ? strrchr(a->rest[0], '/') : NULL;
    const char *route = a->n ? a->rest[0] : a->route;
    size_t len = slash ? (size_t)(slash - route) : route ? strlen(route) : 0;

    p->seq = a->seq;
    if (!a->n && (!route || a->seq == BB_NO_SEQ))
        return bb_cli_usage("say which delivery: ROUTE/SEQ, as the list shows it");
    if ((a->n && (!slash || bb_u64_parse(slash + 1, &p->seq) < 0)) || !len ||
        len >= sizeof(p->route))
        return bb_cli_usage("\"%s\" is not a delivery: it is ROUTE/SEQ, as the list shows it",
                            route);
    snprintf(p->route, sizeof(p->route), "%.*s", (int)len, route);
    return BB_EXIT_OK;
}

void bb_print_step(struct bb_bytes h, const char *indent)
{
    struct bb_bytes state = bb_field_str(h, "state"), d = bb_field(h, "detail");
    struct bb_bytes reason = bb_field_str(d, "reason");
    /* only these two go on at a time of their own; older journals have one in ended ones, too */
    bool again = bb_bytes_are(state, "retrying") || bb_bytes_are(state, "probing");
    bool asked = reason.len > 6 && memcmp(reason.ptr, "probe:", 6) == 0;
    char time[BB_TIME_TEXT];

    bb_print_field(indent, h, "at");
    bb_print_text(stdout, "  ", state);
    if (bb_print_field(asked ? ", asked " : ", sent to ", d, "to"))
        printf(" (attempt %lld, %lld ms)", (long long)bb_field_int(d, "sends"),
               (long long)bb_field_int(d, "ms"));
    bb_print_text(stdout, ": ", reason);
    bb_print_field(" by ", d, "who");
    if (again && bb_field_int(d, "due") > 0)
        printf(", again at %s", bb_time_text((uint64_t)bb_field_int(d, "due"), time));
    if (bb_field_str(d, "code").len || bb_field_str(d, "text").len) {
        printf("\n%s    ", indent);
        bb_print_field(bb_print_field("", d, "code") ? ": " : "", d, "text");
    }
    putchar('\n');
}

static void put_delivery(struct bb_bytes v)
{
    struct bb_walk w = bb_each(bb_field(v, "history"));
    struct bb_bytes item, text;

    bb_print_field("delivery   ", v, "route");
    printf("/%lld\n", (long long)bb_field_int(v, "seq"));
    bb_print_field("state      ", v, "state");
    printf("%s%s\n", bb_field_bool(v, "maybe_sent") ? ", may have been applied" : "",
           bb_field_bool(v, "overtaken") ? ", overtaken" : "");
    bb_print_field("accepted   ", v, "accepted");
    bb_print_field(" from ", v, "endpoint");
    printf("\nattempts   %lld (%lld sent)\n", (long long)bb_field_int(v, "attempts"),
           (long long)bb_field_int(v, "sends"));
    if (w.left)
        puts("\nhistory");
    while (bb_each_next(&w, &item))
        bb_print_step(item, "  ");
    if (bb_field(v, "message").len > 1) {
        puts("\nmessage");
        bb_print_json(bb_field(v, "message"), true);
    }
    w = bb_each(bb_field(v, "mend"));
    if (w.left)
        puts("\nwhat to do");
    while (bb_each_next(&w, &item))
        if (bb_as_str(item, &text)) {
            bb_print_text(stdout, "  - ", text);
            putchar('\n');
        }
}

int bb_cmd_open_show(const struct bb_args *a)
{
    struct bb_query q = {.kind = BB_REPORT_DELIVERY};
    struct bb_buf value;
    struct pick p;
    int rc = pick_read(a, &p);

    if (rc != BB_EXIT_OK)
        return rc;
    q.route = p.route;
    q.seq = p.seq;
    rc = bb_read_report(a, q, &value);
    if (rc == BB_EXIT_OK && a->json)
        rc = bb_print_json(bb_bytes_of(&value), false);
    else if (rc == BB_EXIT_OK)
        put_delivery(bb_bytes_of(&value));
    bb_buf_free(&value);
    return bb_print_end(rc);
}

/* ---- acting ---------------------------------------------------------------------------------- */
static const struct {
    const char *name, *done;
    enum bb_report_kind all; /* which list --all means */
} acts[] = {
    [BB_ACT_REPLAY] = {"replay", "replayed", BB_REPORT_QUARANTINE},
    [BB_ACT_DISCARD] = {"discard", "discarded", BB_REPORT_QUARANTINE},
    [BB_ACT_RELEASE] = {"release", "released", BB_REPORT_HELD},
};
struct act {
    const struct bb_args *a;
    struct bb_client client;
    uint64_t ok, refused;
    struct bb_progress progress;
};

/* BB_EXIT_FAILED when the core is not there; a refusal is only counted. */
static int act_one(struct act *t, const char *route, uint64_t seq)
{
    struct bb_fault err = {0};
    char number[24];
    int rc;

    snprintf(number, sizeof(number), "%llu", (unsigned long long)seq);
    rc = bb_client_call(&t->client, "POST",
                        BB_PATH("deliveries", route, number, acts[t->a->command->what].name),
                        t->a->overtaken ? "?overtaken=true" : NULL, (struct bb_bytes){NULL, 0},
                        NULL, &err);
    if (rc < 0)
        return bb_cli_fail("%s", err.text);
    if (rc == 0) {
        bb_progress_to(&t->progress, ++t->ok);
    } else {
        t->refused++;
        bb_cli_fail("%s/%s: %s", route, number, err.text);
    }
    return BB_EXIT_OK;
}

static int act_all(struct act *t)
{
    struct bb_query q = {.kind = acts[t->a->command->what].all, .route = t->a->route,
                         .max = BB_REPORT_MAX};
    struct bb_bytes d, name;
    struct bb_buf value;
    struct bb_walk w;
    char route[64];
    int rc;

    do {
        rc = bb_read_report(t->a, q, &value);
        w = bb_each(bb_field(bb_bytes_of(&value), "deliveries"));
        while (rc == BB_EXIT_OK && bb_each_next(&w, &d)) {
            name = bb_field_str(d, "route");
            snprintf(route, sizeof(route), "%.*s", (int)name.len, (const char *)name.ptr);
            rc = act_one(t, route, (uint64_t)bb_field_int(d, "seq"));
        }
        q.seq = (uint64_t)bb_field_int(bb_bytes_of(&value), "next");
        bb_buf_free(&value);
    } while (rc == BB_EXIT_OK && q.seq);
    return rc;
}

int bb_cmd_open_act(const struct bb_args *a)
{
    const char *done = acts[a->command->what].done;
    struct act t = {.a = a, .progress = {.what = done}};
    bool all = a->all && !a->n && a->seq == BB_NO_SEQ;
    struct pick p;
    int rc = all ? BB_EXIT_OK : pick_read(a, &p);

    if (rc == BB_EXIT_OK)
        rc = bb_client_open(&t.client, a->state);
    if (rc != BB_EXIT_OK)
        return rc;
    rc = all ? act_all(&t) : act_one(&t, p.route, p.seq);
    bb_progress_end(&t.progress);
    bb_client_close(&t.client);
    printf("%llu %s", (unsigned long long)t.ok, done);
    if (t.refused)
        printf(", %llu refused", (unsigned long long)t.refused);
    putchar('\n');
    return bb_print_end(rc == BB_EXIT_OK && t.refused ? BB_EXIT_FAILED : rc);
}
