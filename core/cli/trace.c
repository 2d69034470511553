/*
 * trace.c - busbar trace ID, busbar search
 *
 * Both read the state folder: the index for finding, the journal for what happened. They work with
 * the core down.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include "core/admin/report.h"
#include "core/index/index.h"

#define BYTES(b) ((struct bb_bytes){(b).ptr, (b).len})

static void put_pair(struct bb_bytes m, const char *key, const char *shown)
{
    struct bb_bytes v = bb_field_str(m, key);

    if (!v.len)
        return;
    printf("  %s ", shown);
    bb_print_safe(stdout, v);
}

static void put_route(struct bb_bytes r)
{
    struct bb_walk w = bb_each(bb_field(r, "history"));
    struct bb_bytes step, state = bb_field_str(r, "state");

    printf("  -> ");
    bb_print_safe(stdout, bb_field_str(r, "route"));
    printf(": ");
    bb_print_safe(stdout, state);
    if (state.len == 7 && memcmp(state.ptr, "spilled", 7) == 0)
        printf(", waits behind an earlier one of its lane");
    if (bb_field_str(r, "since").len) {
        printf(" at ");
        bb_print_safe(stdout, bb_field_str(r, "since"));
    }
    if (bb_field_bool(r, "maybe_sent"))
        printf(" (may have been applied)");
    if (bb_field_str(r, "due").len) {
        printf(", next step at ");
        bb_print_safe(stdout, bb_field_str(r, "due"));
    }
    putchar('\n');
    while (bb_each_next(&w, &step))
        bb_print_step(step, "       ");
}

static void put_message(struct bb_bytes m)
{
    struct bb_walk w = bb_each(bb_field(m, "routes"));
    struct bb_bytes r;

    bb_print_safe(stdout, bb_field_str(m, "accepted"));
    printf("  #%lld  ", (long long)bb_field_int(m, "seq"));
    bb_print_safe(stdout, bb_field_str(m, "type"));
    put_pair(m, "endpoint", "from");
    put_pair(m, "item", "item");
    put_pair(m, "revision", "revision");
    put_pair(m, "change", "change");
    put_pair(m, "plant", "plant");
    printf("%s%s\n", bb_field_bool(m, "conflict") ? "  CONFLICT: same id, other content" : "",
           bb_field_bool(m, "damaged") ? "  DAMAGED: its record cannot be read" : "");
    put_pair(m, "id", "   id");
    put_pair(m, "causationid", "caused by");
    putchar('\n');
    while (bb_each_next(&w, &r))
        put_route(r);
}

int bb_cmd_trace(const struct bb_args *a)
{
    struct bb_fault err = {0};
    struct bb_report report = {0};
    struct bb_view *view = bb_view_open(a->state, &err);
    struct bb_bytes item, text;
    struct bb_walk w;
    struct bb_buf value;
    int found, rc = BB_EXIT_OK;

    bb_buf_init(&value, BB_REPORT_BYTES);
    if (!view || bb_report_begin(&report, view, &err) < 0)
        found = -1;
    else
        found = bb_report_trace(&report, a->state, a->rest[0], &value, &err);
    if (found < 0) {
        rc = bb_cli_fail("%s", err.text);
    } else if (a->json) {
        rc = bb_print_json(BYTES(value));
        rc = found ? rc : BB_EXIT_FAILED;
    } else {
        w = bb_each(bb_field(BYTES(value), "notes"));
        while (bb_each_next(&w, &item))
            if (bb_as_str(item, &text)) {
                fputs("note: ", stderr);
                bb_print_safe(stderr, text);
                fputc('\n', stderr);
            }
        w = bb_each(bb_field(BYTES(value), "messages"));
        while (bb_each_next(&w, &item))
            put_message(item);
        if (!found)
            rc = bb_cli_fail("no message with correlation id, event id or number \"%s\"",
                             a->rest[0]);
    }
    bb_report_end(&report);
    if (view)
        bb_view_close(&view);
    bb_buf_free(&value);
    return bb_print_end(rc);
}

/* ---- search ------------------------------------------------------------------------------------------ */
struct search {
    struct bb_grid grid;
    struct bb_rows rows;
    bool json;
    size_t n;
};

static int on_hit(void *arg, const struct bb_hit *h)
{
    const struct { const char *key, *value; } texts[] = {
        {"id", h->id}, {"source", h->source}, {"type", h->type}, {"item", h->item},
        {"plant", h->plant}, {"revision", h->revision}, {"change", h->change},
        {"correlationid", h->correlation}, {"endpoint", h->endpoint}, {"route", h->route},
        {"state", h->state}};
    struct search *s = arg;
    char time[BB_TIME_TEXT];

    s->n++;
    if (s->json) {
        s->rows.n++;
        bb_put_map(&s->rows.b, 14);
        bb_put_cstr(&s->rows.b, "seq");
        bb_put_uint(&s->rows.b, h->seq);
        bb_report_time(&s->rows.b, "accepted", h->accept_ms);
        bb_report_time(&s->rows.b, "since", h->state_ms);
        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
            bb_report_text(&s->rows.b, texts[i].key, texts[i].value);
        return 0;
    }
    bb_grid_addf(&s->grid, "%llu", (unsigned long long)h->seq);
    bb_grid_add(&s->grid, bb_time_text(h->accept_ms, time));
    bb_grid_add(&s->grid, h->type);
    bb_grid_add(&s->grid, h->item);
    bb_grid_add(&s->grid, h->plant);
    bb_grid_add(&s->grid, h->change);
    bb_grid_add(&s->grid, h->correlation);
    bb_grid_add(&s->grid, h->route);
    bb_grid_add(&s->grid, h->state);
    return 0;
}

int bb_cmd_search(const struct bb_args *a)
{
    static const char *const heads[] = {"NUMBER", "ACCEPTED", "TYPE", "ITEM", "PLANT", "CHANGE",
                                        "CORRELATION", "ROUTE", "STATE"};
    struct bb_search keys = {.item = a->item, .plant = a->plant, .change = a->change,
                             .type = a->type, .route = a->route, .state = a->what_state,
                             .max = a->max ? (size_t)a->max : 100};
    struct search s = {.json = a->json};
    struct bb_fault err = {0};
    struct bb_buf out;
    int hits, rc = BB_EXIT_OK;

    if (keys.max > 100000)
        keys.max = 100000;
    bb_rows_begin(&s.rows);
    bb_grid_init(&s.grid, 9, heads);
    bb_buf_init(&out, BB_REPORT_BYTES);
    hits = bb_index_search(a->state, &keys, on_hit, &s, &err);
    bb_rows_end(&s.rows, &out);
    if (hits < 0)
        rc = bb_cli_fail("%s", err.text);
    else if (a->json)
        rc = bb_print_json(BYTES(out));
    else if (!hits)
        puts("nothing found in the index");
    else
        bb_grid_print(&s.grid, stdout);
    bb_grid_free(&s.grid);
    bb_buf_free(&out);
    return bb_print_end(rc);
}
