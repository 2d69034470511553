/*
 * lanes.c - which lanes are busy
 *
 * Two structures: an exact open-addressing table of the lanes with an unsettled delivery in the hub
 * (bounded by what is in flight), and a fixed table that counts rows by a hash of their lane. A zero
 * there means that no row of that lane exists; anything else means "ask the disk": the item spills,
 * and the journal, which knows, makes it due if nothing stands before it.
 */
#include <stdlib.h>

#include "core/hub/internal.h"

static uint64_t lane_mix(uint32_t route, uint64_t lane)
{
    uint64_t x = lane ^ ((uint64_t)route * 0x9E3779B97F4A7C15u);

    x ^= x >> 31;
    x *= 0x7FB5D329728EA185u;
    x ^= x >> 27;
    x *= 0x81DADEF4BC2DD44Du;
    return x ^ (x >> 33);
}

int hub_lanes_init(struct hub_lanes *l)
{
    l->cap = 1024;
    l->n = 0;
    l->v = calloc(l->cap, sizeof *l->v);
    return l->v ? 0 : -1;
}

void hub_lanes_free(struct hub_lanes *l)
{
    free(l->v);
    l->v = NULL;
}

struct hub_lane *hub_lanes_find(struct hub_lanes *l, uint32_t route, uint64_t lane)
{
    for (size_t i = lane_mix(route, lane) & (l->cap - 1);; i = (i + 1) & (l->cap - 1)) {
        if (!l->v[i].route)
            return NULL;
        if (l->v[i].route == route + 1 && l->v[i].lane == lane)
            return &l->v[i];
    }
}

static int lanes_grow(struct hub_lanes *l)
{
    struct hub_lanes bigger = {calloc(l->cap * 2, sizeof *l->v), l->cap * 2, 0};

    if (!bigger.v)
        return -1;
    for (size_t i = 0; i < l->cap; i++)
        if (l->v[i].route) {
            struct hub_lane *to = hub_lanes_add(&bigger, l->v[i].route - 1, l->v[i].lane);
            to->late_spill = l->v[i].late_spill;
        }
    free(l->v);
    *l = bigger;
    return 0;
}

struct hub_lane *hub_lanes_add(struct hub_lanes *l, uint32_t route, uint64_t lane)
{
    if ((l->n + 1) * 2 > l->cap && lanes_grow(l) != 0 && l->n + 1 >= l->cap)
        abort(); /* no memory for a table of in-flight lanes: nothing can be kept in order */
    for (size_t i = lane_mix(route, lane) & (l->cap - 1);; i = (i + 1) & (l->cap - 1)) {
        if (!l->v[i].route) {
            l->v[i] = (struct hub_lane){route + 1, 0, lane};
            l->n++;
            return &l->v[i];
        }
        if (l->v[i].route == route + 1 && l->v[i].lane == lane)
            return &l->v[i];
    }
}

/* Backward-shift deletion: no tombstones, so look-ups stay short for ever. */
void hub_lanes_remove(struct hub_lanes *l, uint32_t route, uint64_t lane)
{
    struct hub_lane *at = hub_lanes_find(l, route, lane);

    if (!at)
        return;
    size_t hole = (size_t)(at - l->v), mask = l->cap - 1;
    for (size_t i = (hole + 1) & mask; l->v[i].route; i = (i + 1) & mask) {
        size_t home = lane_mix(l->v[i].route - 1, l->v[i].lane) & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            l->v[hole] = l->v[i];
            hole = i;
        }
    }
    l->v[hole].route = 0;
    l->n--;
}

uint32_t *hub_filter_at(struct hub_filter *f, uint32_t route, uint64_t lane)
{
    return &f->count[lane_mix(route, lane) >> (64 - HUB_FILTER_BITS)];
}
