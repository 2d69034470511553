/*
 * trace.c - busbar trace ID, busbar search
 *
 * Both read the state folder: the index for finding, the journal for what happened. They work with
 * the core down.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <string.h>
#include "core/index/index.h"

#define SEARCH_MAX 100000u

static void put_route(struct bb_bytes r)
{
    struct bb_walk w = bb_each(bb_field(r, "history"));
    struct bb_bytes step;

    bb_print_field("  -> ", r, "route");
    bb_print_field(": ", r, "state");
    if (bb_bytes_are(bb_field_str(r, "state"), "spilled"))
        printf(", waits behind an earlier one of its lane");
    bb_print_field(" at ", r, "since");
    if (bb_field_bool(r, "maybe_sent"))
        printf(" (may have been applied)");
    bb_print_field(", next step at ", r, "due");
    putchar('\n');
    while (bb_each_next(&w, &step))
        bb_print_step(step, "       ");
}

static void put_message(struct bb_bytes m)
{
    struct bb_walk w = bb_each(bb_field(m, "routes"));
    struct bb_bytes r;

    bb_print_field("", m, "accepted");
    printf("  #%lld", (long long)bb_field_int(m, "seq"));
    bb_print_field("  ", m, "type");
    bb_print_field("  from ", m, "endpoint");
    bb_print_field("  item ", m, "item");
    bb_print_field("  revision ", m, "revision");
    bb_print_field("  change ", m, "change");
    bb_print_field("  plant ", m, "plant");
    printf("%s%s\n", bb_field_bool(m, "conflict") ? "  CONFLICT: same id, other content" : "",
           bb_field_bool(m, "damaged") ? "  DAMAGED: its record cannot be read" : "");
    bb_print_field("     id ", m, "id");
    bb_print_field("  caused by ", m, "causationid");
    putchar('\n');
    while (bb_each_next(&w, &r))
        put_route(r);
}

int bb_cmd_trace(const struct bb_args *a)
{
    struct bb_query q = {.kind = BB_REPORT_TRACE, .id = a->rest[0]};
    struct bb_buf value;
    int rc = bb_read_report(a, q, &value);
    struct bb_walk notes = bb_each(bb_field(bb_bytes_of(&value), "notes"));
    struct bb_walk messages = bb_each(bb_field(bb_bytes_of(&value), "messages"));
    struct bb_bytes item, text;

    if (a->json) { /* also when nothing was found */
        if (value.len && bb_print_json(bb_bytes_of(&value), false) != BB_EXIT_OK)
            rc = BB_EXIT_FAILED;
        goto end;
    }
    while (bb_each_next(&notes, &item))
        if (bb_as_str(item, &text)) {
            bb_print_text(stderr, "note: ", text);
            fputc('\n', stderr);
        }
    while (bb_each_next(&messages, &item))
        put_message(item);
end:
    bb_buf_free(&value);
    return bb_print_end(rc);
}

/* ---- search ---------------------------------------------------------------------------------- */
static const struct bb_column columns[] = {
    {"NUMBER", "seq", NULL}, {"ACCEPTED", "accepted", NULL}, {"TYPE", "type", NULL},
    {"ITEM", "item", NULL}, {"PLANT", "plant", NULL}, {"CHANGE", "change", NULL},
    {"CORRELATION", "correlationid", NULL}, {"ROUTE", "route", NULL}, {"STATE", "state", NULL}};

static int on_hit(void *arg, const struct bb_hit *h)
{
    const struct { const char *key, *value; } texts[] = {
        {"id", h->id}, {"source", h->source}, {"type", h->type}, {"item", h->item},
        {"plant", h->plant}, {"revision", h->revision}, {"change", h->change},
        {"correlationid", h->correlation}, {"endpoint", h->endpoint}, {"route", h->route},
        {"state", h->state}};
    struct bb_rows *hits = arg, one;

    bb_rows_begin(&one);
    bb_rows_number(&one, "seq", h->seq);
    bb_rows_time(&one, "accepted", h->accept_ms);
    bb_rows_time(&one, "since", h->state_ms);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        bb_rows_text(&one, texts[i].key, texts[i].value);
    bb_rows_end_map(&one, bb_rows_item(hits));
    return 0;
}

static int state_check(const char *state)
{
    const char *near;

    for (size_t i = 0; state && i < BB_D_STATES; i++)
        if (strcmp(state, bb_dstate_names[i]) == 0)
            return BB_EXIT_OK;
    near = state ? bb_nearest(state, bb_dstate_names, BB_D_STATES) : NULL;
    return !state ? BB_EXIT_OK
           : near ? bb_cli_usage("no delivery is ever \"%s\" (did you mean \"%s\"?)", state, near)
                  : bb_cli_usage("no delivery is ever \"%s\"", state);
}

int bb_cmd_search(const struct bb_args *a)
{
    struct bb_search keys = {.item = a->item, .plant = a->plant, .change = a->change,
                             .type = a->type, .route = a->route, .state = a->what_state,
                             .max = a->max > SEARCH_MAX ? SEARCH_MAX : (size_t)a->max};
    struct bb_fault err = {0};
    struct bb_rows rows;
    struct bb_buf out;
    int hits, rc = state_check(a->what_state);

    if (rc != BB_EXIT_OK)
        return rc;
    bb_rows_begin(&rows);
    bb_buf_init(&out, BB_REPORT_BYTES);
    hits = bb_index_search(a->state, &keys, on_hit, &rows, &err);
    bb_rows_end_array(&rows, &out);
    if (hits < 0)
        rc = bb_cli_fail("%s", err.text);
    else if (out.failed)
        rc = bb_cli_fail("too much was found: ask for less with --max");
    else if (a->json)
        rc = bb_print_json(bb_bytes_of(&out), false);
    else if (!hits)
        puts("nothing found in the index");
    else
        BB_PRINT_TABLE(columns, bb_bytes_of(&out));
    bb_buf_free(&out);
    return bb_print_end(rc);
}
