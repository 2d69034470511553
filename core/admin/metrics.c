/*
 * metrics.c - the status as Prometheus text
 *
 * A metric is a row of a table: where its number stands in the status, its name, kind and help.
 * Any thread, no state.
 */
#include "core/admin/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct metric { /* a name that ends in _total is a counter's */
    const char *key, *name, *help;
};
static const struct metric journal[] = {
    {"messages", "busbar_journal_messages", "Messages in the journal"},
    {"accepted", "busbar_journal_accepted_total", "Messages accepted since the start"},
    {"duplicates", "busbar_journal_duplicates_total", "Messages that were held already"},
    {"conflicts", "busbar_journal_conflicts_total", "Same id with other content"},
    {"used_bytes", "busbar_journal_used_bytes", "Bytes in use"},
    {"map_bytes", "busbar_journal_map_bytes", "Most bytes it may use"},
    {"free_disk_bytes", "busbar_journal_free_disk_bytes", "Free bytes of its disk"},
    {"commits", "busbar_journal_commits_total", "Commits"},
    {"commit_us_last", "busbar_journal_commit_last_microseconds", "Time of the last commit"},
    {"commit_us_max", "busbar_journal_commit_max_microseconds", "Longest commit"},
    {0}};
static const struct metric endpoints[] = {
    {"accepted", "busbar_endpoint_accepted_total", "Messages accepted from it"},
    {"duplicates", "busbar_endpoint_duplicates_total", "Its messages that were held already"},
    {"conflicts", "busbar_endpoint_conflicts_total", "Its messages with a known id and other content"},
    {"echoes", "busbar_endpoint_echoes_total", "Its messages that reported effects of Busbar's own"},
    {"in_flight", "busbar_endpoint_in_flight", "Deliveries it has not answered"},
    {"busy", "busbar_endpoint_busy_total", "Submits refused for want of room"},
    {"restarts", "busbar_endpoint_restarts_total", "Times its host was started again"},
    {0}};
static const struct metric routes[] = {
    {"accepted", "busbar_route_accepted_total", "Messages matched"},
    {"waiting", "busbar_route_waiting", "Deliveries not yet sent"},
    {"in_flight", "busbar_route_in_flight", "Deliveries sent and not answered"},
    {"spilled", "busbar_route_spilled", "Deliveries behind another of their lane"},
    {"retrying", "busbar_route_retrying", "Deliveries that are tried again later"},
    {"probing", "busbar_route_probing", "Deliveries whose outcome is asked for"},
    {"held", "busbar_route_held", "Deliveries that hold their lane"},
    {"quarantined", "busbar_route_quarantined", "Deliveries that wait for a person"},
    {"delivered", "busbar_route_delivered_total", "Delivered"},
    {"skipped", "busbar_route_skipped_total", "Skipped"},
    {"discarded", "busbar_route_discarded_total", "Discarded by a person"},
    {"attempts", "busbar_route_attempts_total", "Sends"},
    {"oldest_ms", "busbar_route_oldest_milliseconds", "Age of the oldest pending delivery"},
    {"paused", "busbar_route_paused", "1 while paused"},
    {"balanced", "busbar_route_balanced", "1 while its books balance"},
    {0}};
static const struct metric unmatched[] = {
    {"quarantined", "busbar_unmatched_quarantined", "Messages no route matched, waiting"},
    {"discarded", "busbar_unmatched_discarded_total", "Of these, discarded"},
    {0}};
static const struct metric index_lag[] = {
    {"messages_behind", "busbar_index_messages_behind", "Messages not yet in the index"},
    {"events_behind", "busbar_index_events_behind", "Events not yet in the index"},
    {0}};

static const struct {
    const char *key, *label; /* label: it is a list, one series a name */
    const struct metric *metrics;
} sections[] = {{"journal", NULL, journal},
                {"index", NULL, index_lag},
                {"unmatched", NULL, unmatched},
                {"endpoints", "endpoint", endpoints},
                {"routes", "route", routes}};

static void put(struct bb_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct bb_buf *b, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(text))
        b->failed = 1;
    else
        bb_buf_put(b, text, (size_t)n);
}

static void put_label(struct bb_buf *b, const char *label, struct bb_bytes map)
{
    struct bb_bytes v, name = {"", 0};

    if (bb_map_get(map, "name", &v) == 1)
        bb_as_str(v, &name);
    put(b, "{%s=\"", label);
    for (const char *p = name.ptr, *end = p + name.len; p < end; p++)
        put(b, "%s%c", *p == '"' || *p == '\\' || *p == '\n' ? "\\" : "", *p == '\n' ? 'n' : *p);
    put(b, "\"}");
}

static void put_sample(struct bb_buf *out, const struct metric *m, const char *label,
                       struct bb_bytes map)
{
    struct bb_bytes v;
    int64_t i;
    int flag;

    if (bb_map_get(map, m->key, &v) != 1)
        return;
    if (bb_as_bool(v, &flag))
        i = flag;
    else if (!bb_as_int(v, &i))
        return;
    put(out, "%s", m->name);
    if (label)
        put_label(out, label, map);
    put(out, " %lld\n", (long long)i);
}

static void put_metric(struct bb_buf *out, const struct metric *m, const char *label,
                       struct bb_bytes section)
{
    struct bb_cur c = bb_cur_of(section);
    size_t n = strlen(m->name);
    struct bb_bytes item;
    struct bb_tok t;

    put(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
        n > 6 && strcmp(m->name + n - 6, "_total") == 0 ? "counter" : "gauge");
    if (!label)
        put_sample(out, m, NULL, section);
    else if (bb_cur_next(&c, &t) == 0 && t.kind == BB_T_ARRAY)
        while (t.n-- && bb_cur_value(&c, &item) == 0)
            put_sample(out, m, label, item);
}

void bb_admin_metrics(struct bb_bytes status, struct bb_buf *out)
{
    static const struct metric uptime = {"uptime_ms", "busbar_uptime_milliseconds",
                                         "Time since the start"};
    struct bb_bytes section;

    put_metric(out, &uptime, NULL, status);
    for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
        if (bb_map_get(status, sections[i].key, &section) == 1)
            for (const struct metric *m = sections[i].metrics; m->key; m++)
                put_metric(out, m, sections[i].label, section);
}
