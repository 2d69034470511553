/*
 * window.h - when something holds: {from, to} of days or of instants, as the model's effectivity says
 *
 * from and to may be missing: open. As a date `to` is the last day at which it holds, as an instant the
 * first at which it no longer does. Days and instants are never compared: a day has no zone.
 *
 * Thread: any; nothing is kept.
 */
#ifndef BB_TRANSFORM_WINDOW_H
#define BB_TRANSFORM_WINDOW_H

#include "core/transform/map/map.h"

struct bb_window {
    bool days;         /* numbers of days since 1970, else seconds in UTC */
    bool any;          /* neither from nor to: it is both kinds */
    int64_t from, to;  /* to: the first at which it no longer holds */
    int32_t from_nano, to_nano;
};
/* Reads effectivity: 0, -1 with why. Nothing, null and {} hold always. */
int bb_window_read(struct bb_bytes effectivity, struct bb_window *w, const char **why);
/* Where now (UTC) is: -1 before it, 0 in it, 1 after it. The day is that of the zone; NULL: UTC. */
int bb_window_place(const struct bb_window *w, int64_t now_ns, const struct bb_zone *zone);
/* How the next window (that does not begin earlier) lies to the one before: 0 at its end, 1 behind a
 * gap, -1 it overlaps. */
int bb_window_joins(const struct bb_window *before, const struct bb_window *next);
/* By their beginning. */
int bb_window_order(const struct bb_window *a, const struct bb_window *b);

#endif
