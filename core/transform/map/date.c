/*
 * date.c - the rules date and instant
 *
 * A pure date has no time of day and is never shifted. One that a client made an instant of, midnight in
 * its zone, is set right by saying that zone: it must be midnight there, or the zone is not the right one.
 * An instant becomes UTC, or UTC the local time of a zone; a pure date is no instant.
 *
 * Thread: any. Ownership: see map.h.
 */
#include "core/transform/map/map.h"

#include <stddef.h>

#define DAY 86400

struct date {
    struct bb_rule head;
    struct bb_path from, to;
    struct bb_pattern *parse, *format;
    struct bb_zone *zone, *to_zone;
    struct bb_bytes midnight; /* msgpack truth; ptr NULL: true */
    int optional;
};

/* The value as a text: a number is one too, 20260131 or 1767225600. */
static bb_status value_find(struct bb_work *w, const struct date *p, struct bb_moment *m, bool *there)
{
    const char *why;
    struct bb_bytes text;
    struct bb_tok t;
    char small[32];
    bb_status s;
    struct bb_span **from = bb_work_find(w, &p->from, !p->optional, &s);

    *there = from != NULL;
    if (!from)
        return s;
    if (!bb_span_scalar(*from, &t) || !bb_scalar_text(&t, small, &text) || t.kind == BB_T_BOOL) {
        *there = t.kind != BB_T_NIL || !p->optional;
        return *there ? bb_work_reject(w, "a date is needed, there is something else", &p->from) : BB_OK;
    }
    return bb_moment_read(p->parse, text, m, &why) == 0 ? BB_OK : bb_work_reject(w, why, &p->from);
}

static int64_t local_seconds(const struct bb_moment *m)
{
    return bb_days_of(m->year, m->month, m->day) * DAY + m->hour * 3600 + m->minute * 60 + m->second;
}

/* The instant as the clocks of a zone show it; false: outside the years 1 to 9999. */
static bool shift(struct bb_moment *m, int64_t utc, const struct bb_zone *zone)
{
    int32_t offset = zone ? bb_zone_offset(zone, utc) : 0;
    int64_t local = utc + offset, rest = (local % DAY + DAY) % DAY, days = (local - rest) / DAY;

    if (days < -719162 || days > 2932896)
        return false;
    bb_days_date(days, &m->year, &m->month, &m->day);
    m->hour = (int)(rest / 3600);
    m->minute = (int)(rest / 60 % 60);
    m->second = (int)(rest % 60);
    m->offset = offset;
    m->has_time = m->has_offset = true;
    return true;
}

static bb_status moment_put(struct bb_work *w, const struct date *p, const struct bb_moment *m)
{
    char text[128];
    size_t n = bb_moment_write(p->format, m, text);

    if (n == 0)
        return bb_work_reject(w, "the format asks for a time or an offset that is not there", &p->from);
    return bb_work_put_text(w, &p->to, text, n, &p->from);
}

static int date_check(struct bb_map_compile *m, struct bb_rule *r)
{
    struct date *p = (struct date *)r;
    int v;

    if (bb_to_default(m, &p->from, &p->to) != 0)
        return -1;
    if (bb_pattern_time(p->format))
        return bb_compile_say_at(m->c, "format", "a pure date has no time of day; for one there is the rule "
                                                 "instant");
    if (p->midnight.ptr && bb_as_bool(p->midnight, &v) != 1)
        return bb_compile_say_at(m->c, "midnight", "must be true or false");
    if (!p->zone && bb_pattern_time(p->parse))
        return bb_compile_say(m->c, "the pattern has a time of day: say the \"zone\" in which it is a date");
    return 0;
}

static bb_status date_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct date *p = (const struct date *)r;
    struct bb_moment m;
    int midnight = 1;
    bool there;
    bb_status s = value_find(w, p, &m, &there);

    if (s != BB_OK || !there)
        return s;
    if (m.has_time) {
        if (!p->zone)
            return bb_work_reject(w, "it has a time of day: say the zone in which it is a date", &p->from);
        if (m.has_offset && !shift(&m, local_seconds(&m) - m.offset, p->zone))
            return bb_work_reject(w, "the date is out of range", &p->from);
        if (p->midnight.ptr)
            (void)bb_as_bool(p->midnight, &midnight);
        if (midnight && (m.hour || m.minute || m.second || m.nano))
            return bb_work_reject(w, "it is not midnight in that zone, so it is no date there (midnight: "
                                     "false takes the day)", &p->from);
    }
    m.has_time = m.has_offset = false;
    return moment_put(w, p, &m);
}

static int instant_check(struct bb_map_compile *m, struct bb_rule *r)
{
    struct date *p = (struct date *)r;

    if (bb_to_default(m, &p->from, &p->to) != 0)
        return -1;
    if (bb_pattern_date(p->format))
        return bb_compile_say_at(m->c, "format", "an instant has a time of day: HH:mm:ss");
    if (bb_pattern_date(p->parse))
        return bb_compile_say_at(m->c, "parse", "an instant has a time of day; for a pure date there is the "
                                                "rule date");
    return 0;
}

static bb_status instant_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct date *p = (const struct date *)r;
    struct bb_moment m;
    int64_t utc;
    bool there;
    bb_status s = value_find(w, p, &m, &there);

    if (s != BB_OK || !there)
        return s;
    if (!m.has_time)
        return bb_work_reject(w, "it is a date without a time of day: a pure date is never shifted", &p->from);
    utc = local_seconds(&m) - m.offset;
    if (!m.has_offset && !p->zone)
        return bb_work_reject(w, "it has no offset: say its zone", &p->from);
    if (!m.has_offset && bb_zone_instant(p->zone, local_seconds(&m), &utc) != 0)
        return bb_work_reject(w, "the clocks of the zone jump over that time", &p->from);
    if (!shift(&m, utc, p->to_zone))
        return bb_work_reject(w, "the time is out of range", &p->from);
    return moment_put(w, p, &m);
}

static const struct bb_arg date_args[] = {
    {"from", &bb_arg_from, offsetof(struct date, from), true},
    {"to", &bb_arg_to, offsetof(struct date, to), false},
    {"parse", &bb_arg_pattern, offsetof(struct date, parse), false},
    {"format", &bb_arg_pattern, offsetof(struct date, format), false},
    {"zone", &bb_arg_zone, offsetof(struct date, zone), false},
    {"midnight", &bb_arg_value, offsetof(struct date, midnight), false},
    {"optional", &bb_arg_truth, offsetof(struct date, optional), false},
    {NULL, NULL, 0, false}};
static const struct bb_arg instant_args[] = {
    {"from", &bb_arg_from, offsetof(struct date, from), true},
    {"to", &bb_arg_to, offsetof(struct date, to), false},
    {"parse", &bb_arg_pattern, offsetof(struct date, parse), false},
    {"format", &bb_arg_pattern, offsetof(struct date, format), false},
    {"zone", &bb_arg_zone, offsetof(struct date, zone), false},
    {"to_zone", &bb_arg_zone, offsetof(struct date, to_zone), false},
    {"optional", &bb_arg_truth, offsetof(struct date, optional), false},
    {NULL, NULL, 0, false}};

const struct bb_rule_ops bb_rule_date = {
    .name = "date", .size = sizeof(struct date), .args = date_args, .check = date_check, .run = date_run};
const struct bb_rule_ops bb_rule_instant = {
    .name = "instant", .size = sizeof(struct date), .args = instant_args, .check = instant_check,
    .run = instant_run};
