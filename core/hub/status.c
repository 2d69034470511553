/*
 * status.c - one snapshot of everything, as JSON
 *
 * Written in the hub's turn from what is in memory and the journal's published counters: no disk.
 * Each route says whether its books balance: accepted = pending + open + terminal, counted by the
 * journal state by state, against the deliveries it has numbered.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <busbar/json.h>

#include "core/hub/internal.h"

static void put(struct bb_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct bb_buf *b, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n > 0)
        bb_buf_put(b, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void put_string(struct bb_buf *b, const char *key, const char *value)
{
    put(b, "\"%s\":", key);
    bb_json_write_str(b, value, strlen(value));
    put(b, ",");
}

static void put_journal(struct bb_hub *h, struct bb_buf *b)
{
    struct bb_journal_stats s = {0};
    uint32_t after = 0;
    const char *closed = bb_journal_intake(h->journal, &after);

    bb_journal_stats(h->journal, &s);
    put(b, "\"journal\":{");
    put_string(b, "intake", closed ? closed : "open");
    put(b, "\"messages\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"duplicates\":%" PRIu64
           ",\"conflicts\":%" PRIu64 ",\"first_seq\":%" PRIu64 ",\"next_seq\":%" PRIu64 ",",
        s.messages, s.accepted, s.duplicates, s.conflicts, s.first_seq, s.next_seq);
    put(b, "\"events\":%" PRIu64 ",\"used_bytes\":%" PRIu64 ",\"map_bytes\":%" PRIu64
           ",\"free_disk_bytes\":%" PRIu64 ",\"commits\":%" PRIu64 ",\"claims\":%" PRIu64
           ",\"claims_bytes\":%" PRIu64 ",\"commit_us_last\":%" PRIu64 ",\"commit_us_max\":%" PRIu64 "},",
        s.events, s.used_bytes, s.map_bytes, s.free_disk_bytes, s.commits, s.claims,
        s.claims_bytes, s.commit_us_last, s.commit_us_max);
}

static void put_metrics(struct bb_buf *b, const struct hub_endpoint *e, const char *key, uint32_t kind)
{
    const char *before = "";

    put(b, "\"%s\":{", key);
    for (uint32_t i = 0; i < e->n_metrics; i++)
        if (e->metrics[i].kind == kind) {
            put(b, "%s\"%s\":%.15g", before, e->metrics[i].name, hub_metric_value(e, &e->metrics[i]));
            before = ",";
        }
    put(b, "},");
}

static void put_endpoint(struct bb_hub *h, struct bb_buf *b, const struct hub_endpoint *e)
{
    int64_t wake = hub_endpoint_wake(h, e);
    const char *state = e->paused                    ? "paused"
                        : e->state == EP_UP && wake ? "waiting"
                                                     : hub_ep_state_names[e->state];

    put(b, "{");
    put_string(b, "name", e->name);
    put_string(b, "connector", e->gen->config->connector);
    put_string(b, "isolation", e->gen->config->isolation == BB_ISO_PROCESS ? "process" : "thread");
    put_string(b, "state", state);
    put_string(b, "text", e->text);
    put(b, "\"workers\":%u,\"pid\":%d,\"restarts\":%u,\"in_flight\":%u,\"accepted\":%" PRIu64
           ",\"duplicates\":%" PRIu64 ",\"conflicts\":%" PRIu64 ",\"skipped\":%" PRIu64
           ",\"echoes\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"busy\":%" PRIu64 ",",
        e->workers, e->child ? (int)bb_child_pid(e->child) : 0, e->restarts, e->in_flight,
        e->accepted, e->duplicates, e->conflicts, e->skipped, e->echoes, e->refused, e->busy);
    put(b, "\"metrics_refused\":%" PRIu64 ",", e->metrics_refused);
    put_metrics(b, e, "counters", BB_METRIC_COUNTER);
    put_metrics(b, e, "gauges", BB_METRIC_GAUGE);
    put(b, "\"breaker\":\"%s\",\"wakes_in_ms\":%" PRId64 "}", e->open_until ? "open" : "closed",
        wake > h->now ? wake - h->now : 0);
}

static void put_counts(struct bb_buf *b, const struct bb_route_state *s, uint64_t flying)
{
    uint64_t rows = 0, pending, open = s->counts[BB_D_QUARANTINED];
    uint64_t terminal = s->counts[BB_D_DELIVERED] + s->counts[BB_D_SKIPPED] + s->counts[BB_D_DISCARDED];

    for (int i = BB_D_SPILLED; i <= BB_D_HELD; i++)
        rows += s->counts[i];
    pending = s->tail - open - terminal;
    uint64_t feed = pending - rows; /* neither settled nor a row: still in the feed */
    put(b, "\"accepted\":%" PRIu64 ",\"pending\":%" PRIu64 ",\"waiting\":%" PRIu64
           ",\"in_flight\":%" PRIu64 ",",
        s->tail, pending, feed > flying ? feed - flying : 0, flying + s->counts[BB_D_INFLIGHT]);
    for (int i = BB_D_SPILLED; i < BB_D_STATES; i++)
        if (i != BB_D_INFLIGHT)
            put(b, "\"%s\":%" PRIu64 ",", bb_dstate_names[i], s->counts[i]);
    put(b, "\"balanced\":%s", s->tail >= open + terminal + rows && s->frontier <= s->tail ? "true" : "false");
}

static uint64_t flying_from_feed(const struct hub_route *r)
{
    uint64_t n = 0;

    for (const struct hub_flight *f = r->to->oldest; f; f = f->next)
        n += f->route == r && f->ord != BB_ORD_NONE;
    return n;
}

static void put_route(struct bb_hub *h, struct bb_buf *b, const struct hub_route *r)
{
    struct bb_route_state s;

    put(b, "{");
    put_string(b, "name", r->config->name);
    put_string(b, "from", r->config->from);
    put_string(b, "to", r->config->to);
    put(b, "\"id\":%u,\"paused\":%s,\"lacks_room\":%s,\"attempts\":%" PRIu64 ",", r->id, r->paused ? "true" : "false",
        hub_route_lacks_room(h, r) ? "true" : "false", r->attempts);
    if (bb_journal_route(h->journal, r->id, &s) == 0) {
        put(b, "\"oldest_ms\":%" PRIu64 ",",
            s.oldest_ms && h->wall > s.oldest_ms ? h->wall - s.oldest_ms : 0);
        put_counts(b, &s, flying_from_feed(r));
    } else {
        put(b, "\"balanced\":false");
    }
    put(b, "}");
}

struct removed {
    struct bb_buf *b;
    unsigned n;
};

static void put_removed(void *arg, const char *name, const struct bb_route_state *s)
{
    struct removed *r = arg;

    put(r->b, r->n++ ? ",{" : "{");
    put_string(r->b, "name", name);
    put_counts(r->b, s, 0);
    put(r->b, "}");
}

void hub_status_write(struct bb_hub *h, struct bb_buf *b)
{
    struct bb_route_state s;

    put(b, "{\"frames_bad\":%" PRIu64 ",\"frames_stale\":%" PRIu64 ",\"frames_noise\":%" PRIu64
           ",\"tokens_stale\":%" PRIu64 ",",
        h->frames_bad, h->frames_stale, h->frames_noise, h->tokens_stale);
    put(b, "\"questions\":{\"asked\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"open\":%u},", h->queries_asked,
        h->queries_failed, h->n_queries);
    put_journal(h, b);
    put(b, "\"endpoints\":[");
    for (size_t i = 0; i < h->n_eps; i++) {
        if (i)
            put(b, ",");
        put_endpoint(h, b, &h->eps[i]);
    }
    put(b, "],\"routes\":[");
    for (size_t i = 0; i < h->n_routes; i++) {
        if (i)
            put(b, ",");
        put_route(h, b, &h->routes[i]);
    }
    put(b, "],\"removed\":[");
    hub_removed_each(h, put_removed, &(struct removed){b, 0});
    put(b, "],\"unmatched\":{");
    if (bb_journal_route(h->journal, BB_ROUTE_UNMATCHED, &s) == 0)
        put_counts(b, &s, 0);
    put(b, "}}");
}
