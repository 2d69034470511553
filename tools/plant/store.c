/* store.c - see store.h */
#include <stdlib.h>
#include <string.h>

#include "tools/plant/store.h"

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

void plant_hash(struct plant_text t, uint64_t h[2])
{
    uint64_t a = 0x9e3779b97f4a7c15u ^ t.n, b = 0xc2b2ae3d27d4eb4fu;
    for (size_t i = 0; i < t.n; i += 8) {
        uint64_t w = 0;
        memcpy(&w, t.p + i, t.n - i < 8 ? t.n - i : 8);
        a = mix(a ^ w);
        b = mix(b + w * 0x9fb21c651e98df25u) ^ a;
    }
    h[0] = a | 1; /* never the free slot */
    h[1] = mix(b);
}

static void *slot_find(const struct plant_table *t, const uint64_t h[2])
{
    for (size_t i = h[0] >> 1;; i++) {
        uint64_t *s = (uint64_t *)((char *)t->slots + (i & (t->cap - 1)) * t->width);
        if ((s[0] == h[0] && s[1] == h[1]) || s[0] == 0)
            return s;
    }
}

static int table_grow(struct plant_table *t)
{
    struct plant_table bigger = {NULL, t->n, t->cap ? t->cap * 2 : 1024, t->width};
    bigger.slots = calloc(bigger.cap, t->width);
    if (!bigger.slots)
        return -1;
    for (size_t i = 0; i < t->cap; i++) {
        uint64_t *s = (uint64_t *)((char *)t->slots + i * t->width);
        if (s[0])
            memcpy(slot_find(&bigger, s), s, t->width);
    }
    free(t->slots);
    *t = bigger;
    return 0;
}

static void *find(struct plant_table *t, const uint64_t h[2], bool make)
{
    if (make && t->n * 4 >= t->cap * 3 && table_grow(t) < 0)
        return NULL;
    if (t->cap == 0)
        return NULL;
    uint64_t *s = slot_find(t, h);
    if (s[0] == 0) {
        if (!make)
            return NULL;
        s[0] = h[0];
        s[1] = h[1];
        t->n++;
    }
    return s;
}

struct plant_key *plant_key_find(struct plant_table *t, const uint64_t h[2], bool make)
{
    t->width = sizeof(struct plant_key);
    return find(t, h, make);
}

struct plant_lane *plant_lane_find(struct plant_table *t, const uint64_t h[2], bool make)
{
    t->width = sizeof(struct plant_lane);
    return find(t, h, make);
}

void plant_table_free(struct plant_table *t)
{
    free(t->slots);
    memset(t, 0, sizeof *t);
}
