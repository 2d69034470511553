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
#include "core/admin/report.h"

#define BYTES(b) ((struct bb_bytes){(b).ptr, (b).len})

/* ---- the folder -------------------------------------------------------------------------------- */
struct folder {
    struct bb_view *view;
    struct bb_report report;
    struct bb_buf value;
};

static int folder_open(struct folder *f, const char *state)
{
    struct bb_fault err = {0};

    memset(f, 0, sizeof(*f));
    bb_buf_init(&f->value, BB_REPORT_BYTES);
    f->view = bb_view_open(state, &err);
    if (f->view && bb_report_begin(&f->report, f->view, &err) == 0)
        return BB_EXIT_OK;
    if (f->view)
        bb_view_close(&f->view);
    return bb_cli_fail("%s", err.text);
}

static void folder_close(struct folder *f)
{
    bb_report_end(&f->report);
    if (f->view)
        bb_view_close(&f->view);
    bb_buf_free(&f->value);
}

/* ---- list ---------------------------------------------------------------------------------------- */
static void put_list(struct bb_bytes value, bool held)
{
    static const char *const heads[] = {"DELIVERY", "SINCE", "TYPE", "ITEM", "PLANT", "ATTEMPTS",
                                        "NOTE", "REASON"};
    struct bb_walk w = bb_each(bb_field(value, "deliveries"));
    uint32_t n = w.left;
    struct bb_bytes d;
    struct bb_grid g;

    if (!n) {
        puts(held ? "nothing is held" : "nothing is in quarantine");
        return;
    }
    bb_grid_init(&g, 8, heads);
    while (bb_each_next(&w, &d)) {
        struct bb_bytes route = bb_field_str(d, "route");

        bb_grid_addf(&g, "%.*s/%lld", (int)route.len, (const char *)route.ptr,
                     (long long)bb_field_int(d, "seq"));
        bb_grid_add_bytes(&g, bb_field_str(d, "since"));
        bb_grid_add_bytes(&g, bb_field_str(d, "type"));
        bb_grid_add_bytes(&g, bb_field_str(d, "item"));
        bb_grid_add_bytes(&g, bb_field_str(d, "plant"));
        bb_grid_addf(&g, "%lld", (long long)bb_field_int(d, "attempts"));
        bb_grid_add(&g, bb_field_bool(d, "maybe_sent") ? "maybe applied"
                        : bb_field_bool(d, "overtaken") ? "overtaken" : "");
        bb_grid_add_bytes(&g, bb_field_str(d, "reason"));
    }
    bb_grid_print(&g, stdout);
    if (bb_field_int(value, "next"))
        printf("\nThere are more: --from %lld\n", (long long)bb_field_int(value, "next"));
    else
        printf("\n\"busbar quarantine show DELIVERY\" says all about one.\n");
}

static int list(const struct bb_args *a, bool held)
{
    struct bb_report_filter filter = {.route = a->route, .from_seq = a->from, .max = a->max,
                                      .held = held, .quarantined = !held};
    struct bb_fault err = {0};
    struct folder f;
    int rc = folder_open(&f, a->state);

    if (rc != BB_EXIT_OK)
        return rc;
    if (bb_report_open(&f.report, &filter, &f.value, &err) < 0)
        rc = bb_cli_fail("%s", err.text);
    else if (a->json)
        rc = bb_print_json(BYTES(f.value));
    else
        put_list(BYTES(f.value), held);
    folder_close(&f);
    return bb_print_end(rc);
}

int bb_cmd_quarantine_list(const struct bb_args *a)
{
    return list(a, false);
}

int bb_cmd_hold_list(const struct bb_args *a)
{
    return list(a, true);
}

/* ---- one delivery ----------------------------------------------------------------------------------- */
struct pick {
    char route[64];
    uint64_t seq;
};

/* ROUTE/SEQ, or --route and --seq. */
static int pick_read(const struct bb_args *a, struct pick *p)
{
    const char *slash = a->n ? strrchr(a->rest[0], '/') : NULL;

    if (slash && slash != a->rest[0] && slash - a->rest[0] < (ptrdiff_t)sizeof(p->route) &&
        bb_u64_parse(slash + 1, &p->seq) == 0) {
        snprintf(p->route, sizeof(p->route), "%.*s", (int)(slash - a->rest[0]), a->rest[0]);
        return BB_EXIT_OK;
    }
    if (!a->n && a->route && a->has_seq && strlen(a->route) < sizeof(p->route)) {
        snprintf(p->route, sizeof(p->route), "%s", a->route);
        p->seq = a->seq;
        return BB_EXIT_OK;
    }
    if (a->n)
        fprintf(stderr, "busbar: error: \"%s\" is not a delivery: it is ROUTE/SEQ, as the list "
                        "shows it\n", a->rest[0]);
    else
        fputs("busbar: error: say which delivery: ROUTE/SEQ, as the list shows it\n", stderr);
    return BB_EXIT_USAGE;
}

static bool text_starts(struct bb_bytes t, const char *with)
{
    size_t n = strlen(with);

    return t.len >= n && memcmp(t.ptr, with, n) == 0;
}

void bb_print_step(struct bb_bytes h, const char *indent)
{
    /* only these two go on at a time of their own; the row of an ended one still holds its last */
    struct bb_bytes state = bb_field_str(h, "state");
    bool again = text_starts(state, "retrying") || text_starts(state, "probing");
    struct bb_bytes d = bb_field(h, "detail"), text = bb_field_str(d, "text");
    struct bb_bytes reason = bb_field_str(d, "reason"), code = bb_field_str(d, "code");
    struct bb_bytes to = bb_field_str(d, "to"), who = bb_field_str(d, "who");
    char time[BB_TIME_TEXT];

    printf("%s", indent);
    bb_print_safe(stdout, bb_field_str(h, "at"));
    printf("  ");
    bb_print_safe(stdout, state);
    if (to.len) {
        fputs(text_starts(reason, "probe:") ? ", asked " : ", sent to ", stdout);
        bb_print_safe(stdout, to);
        printf(" (attempt %lld, %lld ms)", (long long)bb_field_int(d, "sends"),
               (long long)bb_field_int(d, "ms"));
    }
    if (reason.len) {
        printf(": ");
        bb_print_safe(stdout, reason);
    }
    if (who.len) {
        printf(" by ");
        bb_print_safe(stdout, who);
    }
    if (again && bb_field_int(d, "due") > 0)
        printf(", again at %s", bb_time_text((uint64_t)bb_field_int(d, "due"), time));
    putchar('\n');
    if (text.len || code.len) {
        printf("%s    ", indent);
        bb_print_safe(stdout, code);
        if (text.len && code.len)
            printf(": ");
        bb_print_safe(stdout, text);
        putchar('\n');
    }
}

static void put_delivery(struct bb_bytes v)
{
    struct bb_walk w = bb_each(bb_field(v, "history"));
    struct bb_bytes item, message = bb_field(v, "message"), text;
    struct bb_fault err;
    struct bb_buf json;

    printf("delivery   ");
    bb_print_safe(stdout, bb_field_str(v, "route"));
    printf("/%lld\nstate      ", (long long)bb_field_int(v, "seq"));
    bb_print_safe(stdout, bb_field_str(v, "state"));
    printf("%s%s\naccepted   ", bb_field_bool(v, "maybe_sent") ? ", may have been applied" : "",
           bb_field_bool(v, "overtaken") ? ", overtaken" : "");
    bb_print_safe(stdout, bb_field_str(v, "accepted"));
    printf(" from ");
    bb_print_safe(stdout, bb_field_str(v, "endpoint"));
    printf("\nattempts   %lld (%lld sent)\n", (long long)bb_field_int(v, "attempts"),
           (long long)bb_field_int(v, "sends"));
    if (w.left)
        puts("\nhistory");
    while (bb_each_next(&w, &item))
        bb_print_step(item, "  ");
    bb_buf_init(&json, BB_REPORT_BYTES * 4u);
    if (message.len > 1 && bb_json_write_pretty(message, &json, &err) == 0) {
        puts("\nmessage");
        fwrite(json.ptr, 1, json.len, stdout);
        putchar('\n');
    }
    bb_buf_free(&json);
    w = bb_each(bb_field(v, "mend"));
    if (w.left)
        puts("\nwhat to do");
    while (bb_each_next(&w, &item))
        if (bb_as_str(item, &text)) {
            printf("  - ");
            bb_print_safe(stdout, text);
            putchar('\n');
        }
}

int bb_cmd_quarantine_show(const struct bb_args *a)
{
    struct bb_fault err = {0};
    struct folder f;
    struct pick p;
    uint32_t route;
    int rc = pick_read(a, &p), found;

    if (rc != BB_EXIT_OK)
        return rc;
    rc = folder_open(&f, a->state);
    if (rc != BB_EXIT_OK)
        return rc;
    found = bb_report_route_id(&f.report, p.route, &route, &err) < 0
                ? -1 : bb_report_delivery(&f.report, route, p.seq, &f.value, &err);
    if (found < 0)
        rc = bb_cli_fail("%s", err.text);
    else if (!found)
        rc = bb_cli_fail("message %llu is not a delivery of route \"%s\"", (unsigned long long)p.seq,
                         p.route);
    else if (a->json)
        rc = bb_print_json(BYTES(f.value));
    else
        put_delivery(BYTES(f.value));
    folder_close(&f);
    return bb_print_end(rc);
}

/* ---- acting -------------------------------------------------------------------------------------------- */
struct act {
    const char *what, *done; /* path's last part; "replayed" */
    bool held, overtaken;
    struct bb_client *client;
    uint64_t ok, refused;
    struct bb_progress progress;
};

/* 0, or -1 when the core is not there. */
static int act_one(struct act *t, const char *route, uint64_t seq)
{
    struct bb_fault err = {0};
    struct bb_reply r;
    char *name = bb_client_escape(route);
    char *path = name ? bb_text("/v1/deliveries/%s/%llu/%s%s", name, (unsigned long long)seq,
                                t->what, t->overtaken ? "?overtaken=true" : "") : NULL;
    int rc = path ? bb_client_call(t->client, "POST", path, (struct bb_bytes){NULL, 0}, &r, &err)
                  : bb_fail(&err, "out of memory");

    free(name);
    free(path);
    if (rc < 0) {
        bb_cli_fail("%s", err.text);
        return -1;
    }
    if (r.status >= 400) {
        t->refused++;
        bb_cli_fail("%s/%llu: %s", route, (unsigned long long)seq, r.text);
    } else {
        bb_progress_to(&t->progress, ++t->ok);
    }
    bb_buf_free(&r.value);
    return 0;
}

static int act_page(struct act *t, struct bb_bytes value)
{
    struct bb_walk w = bb_each(bb_field(value, "deliveries"));
    struct bb_bytes d;

    while (bb_each_next(&w, &d)) {
        struct bb_bytes r = bb_field_str(d, "route");
        char route[64];

        snprintf(route, sizeof(route), "%.*s", (int)(r.len < 63 ? r.len : 63),
                 (const char *)r.ptr);
        if (act_one(t, route, (uint64_t)bb_field_int(d, "seq")) < 0)
            return -1;
    }
    return 0;
}

static int act_all(struct act *t, const struct bb_args *a)
{
    struct bb_report_filter filter = {.route = a->route, .max = BB_REPORT_MAX, .held = t->held,
                                      .quarantined = !t->held};
    struct bb_fault err = {0};
    struct folder f;
    int rc = folder_open(&f, a->state);

    if (rc != BB_EXIT_OK)
        return rc;
    do {
        bb_buf_reset(&f.value);
        if (bb_report_open(&f.report, &filter, &f.value, &err) < 0)
            rc = bb_cli_fail("%s", err.text);
        else if (act_page(t, BYTES(f.value)) < 0)
            rc = BB_EXIT_FAILED;
        filter.from_seq = (uint64_t)bb_field_int(BYTES(f.value), "next");
    } while (rc == BB_EXIT_OK && filter.from_seq);
    folder_close(&f);
    return rc;
}

static int act(const struct bb_args *a, const char *what, const char *done, bool held)
{
    struct act t = {.what = what, .done = done, .held = held, .overtaken = a->overtaken,
                    .progress = {.what = done}};
    struct bb_fault err = {0};
    struct pick p = {0};
    int rc = a->all && !a->n && !a->has_seq ? BB_EXIT_OK : pick_read(a, &p);

    if (rc != BB_EXIT_OK)
        return rc;
    t.client = bb_client_open(a->state, &err);
    if (!t.client)
        return bb_cli_fail("%s", err.text);
    if (*p.route)
        rc = act_one(&t, p.route, p.seq) < 0 ? BB_EXIT_FAILED : BB_EXIT_OK;
    else
        rc = act_all(&t, a);
    bb_progress_end(&t.progress);
    bb_client_close(&t.client);
    printf("%llu %s", (unsigned long long)t.ok, done);
    if (t.refused)
        printf(", %llu refused", (unsigned long long)t.refused);
    putchar('\n');
    return bb_print_end(rc == BB_EXIT_OK && t.refused ? BB_EXIT_FAILED : rc);
}

int bb_cmd_quarantine_replay(const struct bb_args *a)
{
    return act(a, "replay", "replayed", false);
}

int bb_cmd_quarantine_discard(const struct bb_args *a)
{
    return act(a, "discard", "discarded", false);
}

int bb_cmd_hold_release(const struct bb_args *a)
{
    return act(a, "release", "released", true);
}
