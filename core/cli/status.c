/*
 * status.c - busbar status, pause, resume
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <stdlib.h>
#include <string.h>

#define BYTES(b) ((struct bb_bytes){(b).ptr, (b).len})

static void number(struct bb_grid *g, struct bb_bytes map, const char *key)
{
    bb_grid_addf(g, "%lld", (long long)bb_field_int(map, key));
}

static void put_endpoints(struct bb_bytes list)
{
    static const char *const heads[] = {"ENDPOINT", "CONNECTOR", "STATE", "IN FLIGHT", "ACCEPTED",
                                        "RESTARTS", "TEXT"};
    struct bb_walk w = bb_each(list);
    struct bb_bytes e;
    struct bb_grid g;

    bb_grid_init(&g, 7, heads);
    while (bb_each_next(&w, &e)) {
        bb_grid_add_bytes(&g, bb_field_str(e, "name"));
        bb_grid_add_bytes(&g, bb_field_str(e, "connector"));
        bb_grid_add_bytes(&g, bb_field_str(e, "state"));
        number(&g, e, "in_flight");
        number(&g, e, "accepted");
        number(&g, e, "restarts");
        bb_grid_add_bytes(&g, bb_field_str(e, "text"));
    }
    bb_grid_print(&g, stdout);
}

static void put_routes(struct bb_bytes list)
{
    static const char *const heads[] = {"ROUTE", "FROM", "TO", "WAITING", "IN FLIGHT", "RETRYING",
                                        "HELD", "QUARANTINED", "DELIVERED", "OLDEST", "NOTE"};
    struct bb_walk w = bb_each(list);
    char span[BB_TIME_TEXT];
    struct bb_bytes r;
    struct bb_grid g;

    bb_grid_init(&g, 11, heads);
    while (bb_each_next(&w, &r)) {
        int64_t oldest = bb_field_int(r, "oldest_ms");

        bb_grid_add_bytes(&g, bb_field_str(r, "name"));
        bb_grid_add_bytes(&g, bb_field_str(r, "from"));
        bb_grid_add_bytes(&g, bb_field_str(r, "to"));
        bb_grid_addf(&g, "%lld", (long long)(bb_field_int(r, "waiting") + bb_field_int(r, "spilled")));
        number(&g, r, "in_flight");
        bb_grid_addf(&g, "%lld",
                     (long long)(bb_field_int(r, "retrying") + bb_field_int(r, "probing")));
        number(&g, r, "held");
        number(&g, r, "quarantined");
        number(&g, r, "delivered");
        bb_grid_add(&g, oldest > 0 ? bb_span_text((uint64_t)oldest, span) : "-");
        bb_grid_add(&g, !bb_field_bool(r, "balanced") ? "books do not balance"
                        : bb_field_bool(r, "paused") ? "paused" : "");
    }
    bb_grid_print(&g, stdout);
}

static void put_journal(struct bb_bytes s)
{
    struct bb_bytes j = bb_field(s, "journal"), u = bb_field(s, "unmatched"), x = bb_field(s, "index");
    struct bb_bytes intake = bb_field_str(j, "intake");
    char used[BB_TIME_TEXT], map[BB_TIME_TEXT], up[BB_TIME_TEXT];

    printf("busbar ");
    bb_print_safe(stdout, bb_field_str(s, "version"));
    printf(", up %s\njournal: %lld messages, %s of %s, intake ",
           bb_span_text((uint64_t)bb_field_int(s, "uptime_ms"), up),
           (long long)bb_field_int(j, "messages"),
           bb_size_text((uint64_t)bb_field_int(j, "used_bytes"), used),
           bb_size_text((uint64_t)bb_field_int(j, "map_bytes"), map));
    if (intake.len != 4 || memcmp(intake.ptr, "open", 4) != 0)
        printf("CLOSED: ");
    bb_print_safe(stdout, intake);
    putchar('\n');
    if (bb_field_bool(x, "on") && bb_field_int(x, "messages_behind") > 10000)
        printf("index: %lld messages behind\n", (long long)bb_field_int(x, "messages_behind"));
    if (bb_field_int(u, "quarantined"))
        printf("unmatched: %lld messages that no route takes wait: busbar quarantine list "
               "--route unmatched\n", (long long)bb_field_int(u, "quarantined"));
    putchar('\n');
}

int bb_cmd_status(const struct bb_args *a)
{
    struct bb_buf value;
    int rc = bb_client_once(a->state, "GET", "/v1/status", &value);

    if (rc != BB_EXIT_OK)
        return rc;
    if (a->json) {
        rc = bb_print_json(BYTES(value));
    } else {
        put_journal(BYTES(value));
        put_endpoints(bb_field(BYTES(value), "endpoints"));
        putchar('\n');
        put_routes(bb_field(BYTES(value), "routes"));
    }
    bb_buf_free(&value);
    return bb_print_end(rc);
}

/* A name may be an endpoint's or a route's: the status knows which. */
static int pause_or_resume(const struct bb_args *a, const char *what)
{
    static const char *const kinds[] = {"endpoints", "routes"};
    const char *name = a->rest[0];
    const char *kind = NULL;
    struct bb_buf value;
    char *path;
    int rc = bb_client_once(a->state, "GET", "/v1/status", &value);

    if (rc != BB_EXIT_OK)
        return rc;
    for (size_t i = 0; i < 2; i++) {
        struct bb_walk w = bb_each(bb_field(BYTES(value), kinds[i]));
        struct bb_bytes item;

        while (bb_each_next(&w, &item)) {
            struct bb_bytes n = bb_field_str(item, "name");

            if (n.len == strlen(name) && memcmp(n.ptr, name, n.len) == 0) {
                if (kind && kind != kinds[i]) {
                    bb_buf_free(&value);
                    return bb_cli_fail("\"%s\" is an endpoint and a route: say endpoint/%s or "
                                       "route/%s", name, name, name);
                }
                kind = kinds[i];
            }
        }
    }
    bb_buf_free(&value);
    if (strncmp(name, "endpoint/", 9) == 0 || strncmp(name, "route/", 6) == 0) {
        kind = name[0] == 'e' ? "endpoints" : "routes";
        name = strchr(name, '/') + 1;
    }
    if (!kind)
        return bb_cli_fail("there is no endpoint or route \"%s\": see busbar status", name);
    name = bb_client_escape(name);
    path = name ? bb_text("/v1/%s/%s/%s", kind, name, what) : NULL;
    rc = path ? bb_client_once(a->state, "POST", path, NULL) : bb_cli_fail("out of memory");
    free(path);
    free((char *)name);
    if (rc == BB_EXIT_OK)
        printf("%s: %sd\n", a->rest[0], what);
    return bb_print_end(rc);
}

int bb_cmd_pause(const struct bb_args *a)
{
    return pause_or_resume(a, "pause");
}

int bb_cmd_resume(const struct bb_args *a)
{
    return pause_or_resume(a, "resume");
}
