/*
 * clock.c - the two clocks and their texts
 *
 * Monotonic time for every wait and deadline, wall time only for what is stored or shown. Any thread.
 */
#include "core/base/base.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t bb_mono_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

int64_t bb_mono_ms(void)
{
    return (int64_t)(bb_mono_us() / 1000u);
}

uint64_t bb_wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static _Atomic uint64_t axis_offset; /* axis minus monotonic; 0: not fixed yet */

static _Atomic uint64_t axis_held; /* where it stands in a rehearsal; 0: it goes */

static uint64_t axis_fix(uint64_t floor)
{
    uint64_t none = 0, wall = bb_wall_ms(), from = wall > floor ? wall : floor;
    uint64_t offset = from - bb_mono_us() / 1000u;

    if (atomic_compare_exchange_strong(&axis_offset, &none, offset))
        return offset;
    return none;
}

uint64_t bb_axis_ms(void)
{
    uint64_t offset = atomic_load_explicit(&axis_offset, memory_order_relaxed);
    uint64_t held = atomic_load_explicit(&axis_held, memory_order_relaxed);

    if (held)
        return held;
    return bb_mono_us() / 1000u + (offset ? offset : axis_fix(0));
}

void bb_axis_hold(uint64_t ms)
{
    atomic_store(&axis_held, ms);
}

void bb_axis_floor(uint64_t ms)
{
    if (!atomic_load(&axis_offset))
        axis_fix(ms);
}

char *bb_time_text(uint64_t wall_ms, char out[BB_TIME_TEXT])
{
    time_t s = (time_t)(wall_ms / 1000u);
    struct tm tm;

    /* a stored number can be anything: years past 9999 do not fit the form */
    if (wall_ms > UINT64_C(253402300799999) || !gmtime_r(&s, &tm)) {
        strcpy(out, "-");
        return out;
    }
    snprintf(out, BB_TIME_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(tm.tm_year + 1900) % 10000u, (unsigned)(tm.tm_mon + 1) % 100u,
             (unsigned)tm.tm_mday % 100u, (unsigned)tm.tm_hour % 100u, (unsigned)tm.tm_min % 100u,
             (unsigned)tm.tm_sec % 100u, (unsigned)(wall_ms % 1000u));
    return out;
}

char *bb_span_text(uint64_t ms, char out[BB_TIME_TEXT])
{
    uint64_t s = ms / 1000u;

    if (ms < 1000)
        snprintf(out, BB_TIME_TEXT, "%u ms", (unsigned)ms);
    else if (s < 60)
        snprintf(out, BB_TIME_TEXT, "%u.%u s", (unsigned)s, (unsigned)(ms % 1000u / 100u));
    else if (s < 3600)
        snprintf(out, BB_TIME_TEXT, "%um %us", (unsigned)(s / 60), (unsigned)(s % 60));
    else if (s < 86400)
        snprintf(out, BB_TIME_TEXT, "%uh %um", (unsigned)(s / 3600), (unsigned)(s % 3600 / 60));
    else
        snprintf(out, BB_TIME_TEXT, "%llud %uh", (unsigned long long)(s / 86400),
                 (unsigned)(s % 86400 / 3600));
    return out;
}

char *bb_size_text(uint64_t bytes, char out[BB_TIME_TEXT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double v = (double)bytes;
    size_t u = 0;

    while (v >= 1024 && u + 1 < sizeof(units) / sizeof(*units)) {
        v /= 1024;
        u++;
    }
    snprintf(out, BB_TIME_TEXT, u ? "%.1f %s" : "%.0f %s", v, units[u]);
    return out;
}
