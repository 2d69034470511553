/*
 * status.c - busbar status, pause, resume
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <string.h>

static void oldest(struct bb_bytes r, char *out, size_t cap)
{
    int64_t ms = bb_field_int(r, "oldest_ms");
    char span[BB_TIME_TEXT];

    snprintf(out, cap, "%s", ms > 0 ? bb_span_text((uint64_t)ms, span) : "-");
}

static void note(struct bb_bytes r, char *out, size_t cap)
{
    snprintf(out, cap, "%s", !bb_field_bool(r, "balanced") ? "books do not balance"
                             : bb_field_bool(r, "paused") ? "paused"
                             : bb_field_bool(r, "lacks_room") ? "waits until intake is open" : "");
}

static const struct bb_column endpoints[] = {
    {"ENDPOINT", "name", NULL}, {"CONNECTOR", "connector", NULL}, {"STATE", "state", NULL},
    {"IN FLIGHT", "in_flight", NULL}, {"ACCEPTED", "accepted", NULL},
    {"RESTARTS", "restarts", NULL}, {"TEXT", "text", NULL}};
static const struct bb_column routes[] = {
    {"ROUTE", "name", NULL}, {"FROM", "from", NULL}, {"TO", "to", NULL},
    {"WAITING", "waiting+spilled", NULL}, {"IN FLIGHT", "in_flight", NULL},
    {"RETRYING", "retrying+probing", NULL}, {"HELD", "held", NULL},
    {"QUARANTINED", "quarantined", NULL}, {"DELIVERED", "delivered", NULL},
    {"OLDEST", NULL, oldest}, {"NOTE", NULL, note}};

static void put_journal(struct bb_bytes s)
{
    struct bb_bytes j = bb_field(s, "journal"), x = bb_field(s, "index");
    struct bb_bytes intake = bb_field_str(j, "intake");
    char used[BB_TIME_TEXT], map[BB_TIME_TEXT], up[BB_TIME_TEXT];

    bb_print_field("busbar ", s, "version");
    printf(", up %s\njournal: %lld messages, %s of %s, intake ",
           bb_span_text((uint64_t)bb_field_int(s, "uptime_ms"), up),
           (long long)bb_field_int(j, "messages"),
           bb_size_text((uint64_t)bb_field_int(j, "used_bytes"), used),
           bb_size_text((uint64_t)bb_field_int(j, "map_bytes"), map));
    bb_print_text(stdout, bb_bytes_are(intake, "open") ? "" : "CLOSED: ", intake);
    putchar('\n');
    if (bb_field_bool(x, "on") && bb_field_int(x, "messages_behind") > 10000)
        printf("index: %lld messages behind\n", (long long)bb_field_int(x, "messages_behind"));
    if (bb_field_int(bb_field(s, "unmatched"), "quarantined"))
        printf("unmatched: %lld messages that no route takes wait: busbar quarantine list "
               "--route unmatched\n",
               (long long)bb_field_int(bb_field(s, "unmatched"), "quarantined"));
    putchar('\n');
}

int bb_cmd_status(const struct bb_args *a)
{
    struct bb_buf value;
    int rc = bb_client_once(a->state, "GET", BB_PATH("status"), &value);

    if (rc != BB_EXIT_OK)
        return rc;
    if (a->json) {
        rc = bb_print_json(bb_bytes_of(&value), false);
    } else {
        put_journal(bb_bytes_of(&value));
        BB_PRINT_TABLE(endpoints, bb_field(bb_bytes_of(&value), "endpoints"));
        putchar('\n');
        BB_PRINT_TABLE(routes, bb_field(bb_bytes_of(&value), "routes"));
    }
    bb_buf_free(&value);
    return bb_print_end(rc);
}

static bool is_named(struct bb_bytes list, const char *name)
{
    struct bb_walk w = bb_each(list);
    struct bb_bytes item;

    while (bb_each_next(&w, &item))
        if (bb_bytes_are(bb_field_str(item, "name"), name))
            return true;
    return false;
}

/* A name may be an endpoint's or a route's: the status knows which. */
int bb_cmd_pause(const struct bb_args *a)
{
    const char *what = a->command->what == BB_DO_PAUSE ? "pause" : "resume", *name = a->rest[0];
    bool endpoint = strncmp(name, "endpoint/", 9) == 0, route = strncmp(name, "route/", 6) == 0;
    struct bb_buf value;
    int rc;

    if (endpoint || route) {
        name = strchr(name, '/') + 1;
    } else {
        rc = bb_client_once(a->state, "GET", BB_PATH("status"), &value);
        if (rc != BB_EXIT_OK)
            return rc;
        endpoint = is_named(bb_field(bb_bytes_of(&value), "endpoints"), name);
        route = is_named(bb_field(bb_bytes_of(&value), "routes"), name);
        bb_buf_free(&value);
    }
    if (endpoint && route)
        return bb_cli_fail("\"%s\" is an endpoint and a route: say endpoint/%s or route/%s", name,
                           name, name);
    if (!endpoint && !route)
        return bb_cli_fail("there is no endpoint or route \"%s\": see busbar status", name);
    rc = bb_client_once(a->state, "POST", BB_PATH(endpoint ? "endpoints" : "routes", name, what),
                        NULL);
    if (rc == BB_EXIT_OK)
        printf("%s: %sd\n", a->rest[0], what);
    return bb_print_end(rc);
}
