/*
 * window.c - effectivity read and compared
 *
 * Thread: any.
 */
#include "core/transform/require/window.h"

#define DAY 86400

static int order(int64_t a, int32_t a_nano, int64_t b, int32_t b_nano)
{
    if (a != b)
        return a < b ? -1 : 1;
    return a_nano < b_nano ? -1 : a_nano > b_nano;
}

/* One end; *kind: 0 nothing so far, 1 days, 2 instants. */
static int end_read(struct bb_bytes map, const char *key, int *kind, int64_t *at, int32_t *nano,
                    const char **why)
{
    struct bb_bytes v, text;
    struct bb_moment m;
    int rc = bb_map_get(map, key, &v), is;

    *nano = 0;
    if (rc <= 0 || (v.len == 1 && *(const uint8_t *)v.ptr == 0xc0))
        return 0;
    if (bb_as_str(v, &text) != 1) {
        *why = "is no date";
        return -1;
    }
    if (bb_moment_read(NULL, text, &m, why) != 0)
        return -1;
    is = m.has_time ? 2 : 1;
    if (m.has_time && !m.has_offset) {
        *why = "has a time of day and no offset";
        return -1;
    }
    if (*kind && *kind != is) {
        *why = "is a day at one end and an instant at the other";
        return -1;
    }
    *kind = is;
    *at = bb_days_of(m.year, m.month, m.day);
    if (m.has_time) {
        *at = *at * DAY + m.hour * 3600 + m.minute * 60 + m.second - m.offset;
        *nano = m.nano;
    }
    return 1;
}

int bb_window_read(struct bb_bytes effectivity, struct bb_window *w, const char **why)
{
    struct bb_cur c;
    uint32_t n;
    int kind = 0, from, to;

    *w = (struct bb_window){.any = true, .from = INT64_MIN, .to = INT64_MAX};
    if (!effectivity.len || (effectivity.len == 1 && *(const uint8_t *)effectivity.ptr == 0xc0))
        return 0;
    if (!bb_group_of(effectivity, BB_T_MAP, &c, &n)) {
        *why = "is no map of from and to";
        return -1;
    }
    from = end_read(effectivity, "from", &kind, &w->from, &w->from_nano, why);
    if (from < 0)
        return -1;
    to = end_read(effectivity, "to", &kind, &w->to, &w->to_nano, why);
    if (to < 0)
        return -1;
    w->any = !from && !to;
    w->days = kind == 1;
    if (to && w->days)
        w->to++;
    if (from && to && order(w->from, w->from_nano, w->to, w->to_nano) >= 0) {
        *why = "ends before it begins";
        return -1;
    }
    return 0;
}

int bb_window_place(const struct bb_window *w, int64_t now_ns, const struct bb_zone *zone)
{
    int64_t now = now_ns / 1000000000;
    int32_t nano = (int32_t)(now_ns % 1000000000);

    if (nano < 0) {
        nano += 1000000000;
        now--;
    }
    if (w->days) {
        now += zone ? bb_zone_offset(zone, now) : 0;
        now = now / DAY - (now % DAY < 0);
        nano = 0;
    }
    if (order(now, nano, w->from, w->from_nano) < 0)
        return -1;
    return order(now, nano, w->to, w->to_nano) >= 0;
}

int bb_window_joins(const struct bb_window *before, const struct bb_window *next)
{
    return order(next->from, next->from_nano, before->to, before->to_nano);
}

int bb_window_order(const struct bb_window *a, const struct bb_window *b)
{
    return order(a->from, a->from_nano, b->from, b->from_nano);
}
