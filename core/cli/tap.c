/*
 * tap.c - busbar tap: live messages of a route
 *
 * Reads the journal's folder in short transactions, like `busbar trace`: the core does nothing for it
 * and cannot be slowed by it. What is behind by more than BEHIND_MAX is passed over and counted, so a
 * slow reader stays near the present and knows what it missed.
 *
 *   in   what was accepted and matched the route
 *   out  an attempt's or a delivery's outcome, with the message as it went out: the body that was kept
 *        with a retry, else what the route's transform of conf.d makes of it (a plain success keeps none);
 *        where that can say nothing of it, the message as it was accepted, and that it is this
 * Main thread.
 */
#define _GNU_SOURCE 1
#include "core/cli/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/hub/generation.h"
#include "core/transform/transform.h"

#define ROUND_MAX 500u     /* messages, and events, of one look */
#define BEHIND_MAX 10000u  /* further behind, it goes on near the end */
#define NEAR 1000u
#define NAP_MS 100
#define CONDITIONS_MAX 64

struct tap {
    const struct bb_args *a;
    struct bb_view *view;
    const char *route;
    uint32_t id;
    struct bb_transform *transform; /* NULL: as it is */
    bool guess; /* what it gave then is not what it would give now (enrich), or it may end the process (jq) */
    const char *conditions[CONDITIONS_MAX];
    size_t n_conditions;
    uint64_t next, next_event; /* to look at */
    uint64_t shown;
    bool full; /* so many as were asked for */
};

/* ---- one line ------------------------------------------------------------------------------------ */
static void show_json(bool accepted, const char *dir, uint64_t seq, uint64_t at_ms, const char *state,
                      struct bb_bytes detail, struct bb_bytes event)
{
    struct bb_rows m;
    struct bb_buf out;

    bb_rows_begin(&m);
    bb_rows_time(&m, "at", at_ms);
    bb_rows_text(&m, "dir", dir);
    bb_rows_number(&m, "seq", seq);
    if (state)
        bb_rows_text(&m, "state", state);
    if (detail.len)
        bb_put_str(bb_rows_pair(&m, "text"), detail.ptr, detail.len);
    if (accepted)
        bb_rows_flag(&m, "as_accepted", true);
    bb_put_raw(bb_rows_pair(&m, "event"), event);
    bb_buf_init(&out, BB_REPORT_BYTES);
    bb_rows_end_map(&m, &out);
    bb_print_json(bb_bytes_of(&out), false);
    bb_buf_free(&out);
}

/* accepted: what goes out is not known, whole is what came in */
static void show(struct tap *t, bool accepted, const char *dir, uint64_t seq, uint64_t at_ms, const char *state,
                 struct bb_bytes detail, struct bb_bytes whole)
{
    struct bb_buf event, masked;
    char time[BB_TIME_TEXT];

    bb_buf_init(&event, BB_REPORT_BYTES);
    bb_buf_init(&masked, BB_REPORT_BYTES);
    bb_report_event(whole, &event);
    if (!t->full && tap_where(bb_bytes_of(&event), t->conditions, t->n_conditions) &&
        tap_mask(bb_bytes_of(&event), t->a->mask, &masked) == 0) {
        if (t->a->json) {
            show_json(accepted, dir, seq, at_ms, state, detail, bb_bytes_of(&masked));
        } else {
            printf("%s %-3s %s/%llu%s%s", bb_time_text(at_ms, time), dir, t->route,
                   (unsigned long long)seq, state ? " " : "", state ? state : "");
            bb_print_text(stdout, ": ", detail);
            fputs(accepted ? " (as accepted)" : "", stdout);
            putchar(' ');
            bb_print_json(bb_bytes_of(&masked), false);
        }
        t->full = ++t->shown == t->a->max;
    }
    bb_buf_free(&event);
    bb_buf_free(&masked);
}

static void passed_over(const struct tap *t, uint64_t n, const char *what)
{
    (void)t;
    fflush(stdout);
    fprintf(stderr, "busbar: tap: %llu %s passed over: the reader is too slow\n", (unsigned long long)n, what);
}

/* ---- in ------------------------------------------------------------------------------------------ */
static bool takes(const struct tap *t, const struct bb_record *r)
{
    for (size_t i = 0; i < r->n_matches; i++)
        if (r->matches[i].route == t->id)
            return true;
    return false;
}

static int on_message(void *arg, const struct bb_record *r)
{
    struct tap *t = arg;

    t->next = r->seq + 1;
    if (!r->bad && !r->conflict && takes(t, r))
        show(t, false, "in", r->seq, r->accept_ms, NULL, (struct bb_bytes){"", 0}, r->whole);
    return t->full;
}

/* ---- out ----------------------------------------------------------------------------------------- */
struct outcome {
    struct tap *t;
    const struct bb_event *ev;
};

static int on_outcome(void *arg, const struct bb_record *r)
{
    struct outcome *o = arg;
    struct tap *t = o->t;
    struct bb_bytes text = bb_field_str(o->ev->detail, "text");
    struct bb_buf body;
    struct bb_fault why = {0};
    struct bb_bytes whole = r->whole;
    struct bb_transform_run run = {.now_ns = (int64_t)o->ev->time_ms * 1000000};

    if (r->bad || !takes(t, r))
        return 0;
    bb_buf_init(&body, BB_REPORT_BYTES);
    if ((bb_view_body(t->view, t->id, r->seq, &body) == 1 ||
         (t->transform && !t->guess && bb_transform_apply(t->transform, r->whole, &body, &run, &why) == BB_OK)) &&
        body.len) /* a step that makes others of a message leaves none */
        whole = bb_bytes_of(&body);
    text = text.len ? text : bb_field_str(o->ev->detail, "reason");
    show(t, t->transform && !body.len, "out", r->seq, o->ev->time_ms, o->ev->to < BB_D_STATES ? bb_dstate_names[o->ev->to] : "unknown", text, whole);
    bb_buf_free(&body);
    return t->full;
}

static int on_event(void *arg, const struct bb_event *ev)
{
    struct tap *t = arg;
    struct outcome o = {t, ev};

    t->next_event = ev->eseq + 1;
    if (ev->route != t->id)
        return 0;
    for (uint64_t i = 0; i < ev->count && !t->full; i++)
        if (ev->first + i >= t->a->from)
            bb_view_message(t->view, ev->first + i, on_outcome, &o);
    return t->full;
}

/* ---- where the journal ends ------------------------------------------------------------------------ */
static int seen_message(void *arg, const struct bb_record *r)
{
    *(uint64_t *)arg = r->seq;
    return 1;
}

static int seen_event(void *arg, const struct bb_event *ev)
{
    *(uint64_t *)arg = ev->eseq;
    return 1;
}

/* One more than the last number, by halving from what is known. */
static uint64_t end_of(struct bb_view *v, bool events, uint64_t low)
{
    uint64_t high = UINT64_C(1) << 62;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2, seen = 0;
        int rc = events ? bb_view_events(v, mid, 1, seen_event, &seen)
                        : bb_view_messages(v, mid, 1, seen_message, &seen);

        if (rc < 0)
            break;
        if (seen)
            low = seen + 1;
        else
            high = mid;
    }
    return low;
}

static void catch_up(struct tap *t)
{
    uint64_t end = end_of(t->view, false, t->next);

    if (t->a->in && end > t->next + BEHIND_MAX) {
        passed_over(t, end - NEAR - t->next, "messages");
        t->next = end - NEAR;
    }
    end = end_of(t->view, true, t->next_event);
    if (t->a->out && end > t->next_event + BEHIND_MAX) {
        passed_over(t, end - NEAR - t->next_event, "outcomes");
        t->next_event = end - NEAR;
    }
}

/* ---- the loop ------------------------------------------------------------------------------------ */
static int rounds(struct tap *t)
{
    static const struct timespec nap = {0, NAP_MS * 1000000L};
    uint64_t rounds = 0;

    while (!t->full) {
        uint64_t before = t->next + t->next_event;
        int rc = 0;

        if (t->a->in)
            rc = bb_view_messages(t->view, t->next, ROUND_MAX, on_message, t);
        if (rc >= 0 && t->a->out && !t->full)
            rc = bb_view_events(t->view, t->next_event, ROUND_MAX, on_event, t);
        if (rc < 0)
            return bb_cli_fail("the journal cannot be read any more");
        if (fflush(stdout) != 0 || ferror(stdout))
            return bb_print_end(BB_EXIT_OK);
        if (t->next + t->next_event == before)
            nanosleep(&nap, NULL);
        else if (++rounds % 8 == 0 && t->a->from == 0)
            catch_up(t);
    }
    return BB_EXIT_OK;
}

static int route_find(void *arg, const char *name, const struct bb_route_state *st)
{
    struct tap *t = arg;

    if (strcmp(name, t->route) == 0)
        t->id = st->id;
    return t->id != 0;
}

/* The transform of today's conf.d; without one of that name, messages are shown as they came. */
static int transform_load(struct tap *t)
{
    struct bb_diags d = {0};
    struct bb_generation *g = bb_generation_rehearse(t->a->conf, &d);
    struct bb_fault err = {0};
    int rc = BB_EXIT_OK;

    bb_diags_print(&d, stderr);
    bb_diags_free(&d);
    if (!g)
        return bb_cli_fail("--out needs the routes of conf.d (--conf): what went out is made anew");
    for (size_t i = 0; i < g->config->n_routes; i++)
        if (strcmp(g->config->routes[i].name, t->route) == 0)
            t->transform = bb_transform_compile(bb_generation_program(g, &g->config->routes[i]), NULL, &err);
    t->guess = t->transform && (!bb_transform_is_pure(t->transform) || bb_transform_is_foreign(t->transform));
    if (!t->transform && *err.text)
        rc = bb_cli_fail("route \"%s\": %s", t->route, err.text);
    bb_generation_free(&g);
    return rc;
}

static int conditions_read(struct tap *t, const char *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *wrong = tap_condition_check(v[i]);

        if (wrong)
            return bb_cli_usage("\"%s\": %s", v[i], wrong);
        if (t->n_conditions == CONDITIONS_MAX)
            return bb_cli_usage("more than %d conditions", CONDITIONS_MAX);
        t->conditions[t->n_conditions++] = v[i];
    }
    return BB_EXIT_OK;
}

int bb_cmd_tap(const struct bb_args *a)
{
    struct bb_args both = *a;
    struct tap t = {.a = &both, .route = a->rest[0], .next = a->from};
    struct bb_fault err = {0};
    int rc;

    both.in = a->in || !a->out;
    both.out = a->out || !a->in;
    rc = conditions_read(&t, &a->where, a->where != NULL);
    if (rc == BB_EXIT_OK)
        rc = conditions_read(&t, (const char *const *)(a->rest + 1), (size_t)a->n - 1);
    if (rc != BB_EXIT_OK)
        return rc;
    t.view = bb_view_open(a->state, &err);
    if (!t.view)
        return bb_cli_fail("%s", err.text);
    if (bb_view_routes(t.view, route_find, &t) < 0 || !t.id)
        rc = bb_cli_fail("the journal in %s knows no route \"%s\"", a->state, t.route);
    if (rc == BB_EXIT_OK && both.out)
        rc = transform_load(&t);
    if (rc == BB_EXIT_OK && !a->from) {
        t.next = end_of(t.view, false, 0);
        t.next_event = end_of(t.view, true, 0);
    }
    if (rc == BB_EXIT_OK)
        rc = rounds(&t);
    bb_transform_free(&t.transform);
    bb_view_close(&t.view);
    return bb_print_end(rc);
}
