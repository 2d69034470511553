/*
 * hist.h - a histogram of microseconds in fixed memory, within 3% of the truth
 *
 * 32 steps to each power of two. Thread: one. Used by the load generators and the simulated plant.
 */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

struct bench_hist {
    uint64_t n, max, v[64 * 32];
};

static inline void bench_hist_add(struct bench_hist *h, uint64_t us)
{
    unsigned i = (unsigned)us;
    if (us >= 32) {
        unsigned exp = 58u - (unsigned)__builtin_clzll(us);
        i = (exp + 1) * 32 + ((us >> exp) & 31);
    }
    h->v[i]++;
    h->n++;
    if (us > h->max)
        h->max = us;
}

/* The value that a share q (0..1) of all stay at or below; 0 when there are none. */
static inline uint64_t bench_hist_at(const struct bench_hist *h, double q)
{
    uint64_t want = (uint64_t)((double)h->n * q), seen = 0;
    for (unsigned i = 0; i < 64 * 32; i++) {
        seen += h->v[i];
        if (h->v[i] && seen > want)
            return i < 32 ? i : (uint64_t)((i % 32) | 32u) << (i / 32 - 1);
    }
    return h->max;
}
#endif
