/*
 * metrics.c - the status as Prometheus text
 *
 * A metric is a row of a table: where its number stands in the status, its name, kind and help.
 * Any thread, no state.
 */
#include "core/admin/internal.h"

#include <stdio.h>
#include <string.h>

struct metric {
    const char *key, *name, *kind, *help;
};
static const struct metric journal[] = {
    {"messages", "busbar_journal_messages", "gauge", "Messages in the journal"},
    {"accepted", "busbar_journal_accepted_total", "counter", "Messages accepted since the start"},
    {"duplicates", "busbar_journal_duplicates_total", "counter", "Messages that were held already"},
    {"conflicts", "busbar_journal_conflicts_total", "counter", "Same id with other content"},
    {"used_bytes", "busbar_journal_used_bytes", "gauge", "Bytes in use"},
    {"map_bytes", "busbar_journal_map_bytes", "gauge", "Most bytes it may use"},
    {"free_disk_bytes", "busbar_journal_free_disk_bytes", "gauge", "Free bytes of its disk"},
    {"commits", "busbar_journal_commits_total", "counter", "Commits"},
    {"commit_us_last", "busbar_journal_commit_last_microseconds", "gauge", "Time of the last commit"},
    {"commit_us_max", "busbar_journal_commit_max_microseconds", "gauge", "Longest commit"},
    {0}};
static const struct metric endpoints[] = {
    {"accepted", "busbar_endpoint_accepted_total", "counter", "Messages accepted from it"},
    {"in_flight", "busbar_endpoint_in_flight", "gauge", "Deliveries it has not answered"},
    {"busy", "busbar_endpoint_busy_total", "counter", "Submits refused for want of room"},
    {"restarts", "busbar_endpoint_restarts_total", "counter", "Times its host was started again"},
    {0}};
static const struct metric routes[] = {
    {"accepted", "busbar_route_accepted_total", "counter", "Messages matched"},
    {"waiting", "busbar_route_waiting", "gauge", "Deliveries not yet sent"},
    {"in_flight", "busbar_route_in_flight", "gauge", "Deliveries sent and not answered"},
    {"spilled", "busbar_route_spilled", "gauge", "Deliveries behind another of their lane"},
    {"retrying", "busbar_route_retrying", "gauge", "Deliveries that are tried again later"},
    {"probing", "busbar_route_probing", "gauge", "Deliveries whose outcome is asked for"},
    {"held", "busbar_route_held", "gauge", "Deliveries that hold their lane"},
    {"quarantined", "busbar_route_quarantined", "gauge", "Deliveries that wait for a person"},
    {"delivered", "busbar_route_delivered_total", "counter", "Delivered"},
    {"skipped", "busbar_route_skipped_total", "counter", "Skipped"},
    {"discarded", "busbar_route_discarded_total", "counter", "Discarded by a person"},
    {"attempts", "busbar_route_attempts_total", "counter", "Sends"},
    {"oldest_ms", "busbar_route_oldest_milliseconds", "gauge", "Age of the oldest pending delivery"},
    {"paused", "busbar_route_paused", "gauge", "1 while paused"},
    {"balanced", "busbar_route_balanced", "gauge", "1 while its books balance"},
    {0}};
static const struct metric unmatched[] = {
    {"quarantined", "busbar_unmatched_quarantined", "gauge", "Messages no route matched, waiting"},
    {"discarded", "busbar_unmatched_discarded_total", "counter", "Of these, discarded"},
    {0}};
static const struct metric index_lag[] = {
    {"messages_behind", "busbar_index_messages_behind", "gauge", "Messages not yet in the index"},
    {"events_behind", "busbar_index_events_behind", "gauge", "Events not yet in the index"},
    {0}};

static const struct {
    const char *key, *label; /* label: it is a list, one series a name */
    const struct metric *metrics;
} sections[] = {{"journal", NULL, journal},
                {"index", NULL, index_lag},
                {"unmatched", NULL, unmatched},
                {"endpoints", "endpoint", endpoints},
                {"routes", "route", routes}};

static void put(struct bb_buf *b, const char *s)
{
    bb_buf_put(b, s, strlen(s));
}

static void put_label(struct bb_buf *b, struct bb_bytes v)
{
    const char *p = v.ptr;

    for (size_t i = 0; i < v.len; i++) {
        if (p[i] == '"' || p[i] == '\\')
            bb_buf_put(b, "\\", 1);
        if (p[i] == '\n')
            put(b, "\\n");
        else
            bb_buf_put(b, p + i, 1);
    }
}

static void put_sample(struct bb_buf *out, const struct metric *m, const char *label,
                       struct bb_bytes map)
{
    struct bb_bytes v, name = {"", 0};
    char number[32];
    int64_t i;
    int flag;

    if (bb_map_get(map, m->key, &v) != 1)
        return;
    if (bb_as_bool(v, &flag))
        i = flag;
    else if (!bb_as_int(v, &i))
        return;
    put(out, m->name);
    if (label) {
        struct bb_bytes n;

        if (bb_map_get(map, "name", &n) == 1)
            bb_as_str(n, &name);
        put(out, "{");
        put(out, label);
        put(out, "=\"");
        put_label(out, name);
        put(out, "\"}");
    }
    snprintf(number, sizeof(number), " %lld\n", (long long)i);
    put(out, number);
}

static void put_metric(struct bb_buf *out, const struct metric *m, const char *label,
                       struct bb_bytes section)
{
    struct bb_cur c = bb_cur_of(section);
    struct bb_bytes item;
    struct bb_tok t;

    put(out, "# HELP ");
    put(out, m->name);
    put(out, " ");
    put(out, m->help);
    put(out, "\n# TYPE ");
    put(out, m->name);
    put(out, " ");
    put(out, m->kind);
    put(out, "\n");
    if (!label) {
        put_sample(out, m, NULL, section);
        return;
    }
    if (bb_cur_next(&c, &t) < 0 || t.kind != BB_T_ARRAY)
        return;
    while (t.n-- && bb_cur_value(&c, &item) == 0)
        put_sample(out, m, label, item);
}

void bb_admin_metrics(struct bb_bytes status, struct bb_buf *out)
{
    static const struct metric uptime = {"uptime_ms", "busbar_uptime_milliseconds", "gauge",
                                         "Time since the start"};
    struct bb_bytes section;

    put_metric(out, &uptime, NULL, status);
    for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
        if (bb_map_get(status, sections[i].key, &section) != 1)
            continue;
        for (const struct metric *m = sections[i].metrics; m->key; m++)
            put_metric(out, m, sections[i].label, section);
    }
}
