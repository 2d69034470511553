/*
 * table.c - the names of a node's properties in a table that finds each in one step
 *
 * The names are known when the schema is compiled, so the factor that spreads them best over the
 * slots is looked for then: most tables have no two names in one slot. What is left is probed.
 * Thread: one while it is built, any after that. Invariant: at least half the slots are empty, so
 * that a probe ends.
 */
#include "core/schema/internal.h"

#define FACTORS 48

static bool same(const struct bb_sentry *e, struct bb_bytes key)
{
    return e->len == key.len && memcmp(e->key, key.ptr, key.len) == 0;
}

/* Names beyond the slot they should have. */
static uint32_t place(struct bb_stable *t)
{
    uint32_t i, at, late = 0;

    memset(t->slots, 0, ((size_t)t->mask + 1) * sizeof(*t->slots));
    for (i = 0; i < t->n; i++) {
        struct bb_bytes key = {t->v[i].key, t->v[i].len};
        at = bb_stable_slot(t, t->v[i].mark, key.len);
        for (; t->slots[at] && !same(&t->v[t->slots[at] - 1], key); at = (at + 1) & t->mask)
            late++;
        if (!t->slots[at])
            t->slots[at] = (uint16_t)(i + 1);
    }
    return late;
}

int bb_stable_build(struct bb_stable *t, struct bb_sarena *arena)
{
    uint32_t bits = 1, i, late, best_late = UINT32_MAX;
    uint64_t factor = 0x9e3779b97f4a7c15u, best = factor;

    while ((1u << bits) < 4 * t->n)
        bits++;
    for (i = 0; i < t->n; i++)
        t->v[i].mark = bb_smark_of((struct bb_bytes){t->v[i].key, t->v[i].len});
    t->mask = (1u << bits) - 1;
    t->shift = 64 - bits;
    t->slots = bb_sarena_get(arena, ((size_t)t->mask + 1) * sizeof(*t->slots));
    if (!t->slots)
        return -1;
    for (i = 0; i < FACTORS && best_late; i++) {
        t->factor = factor;
        late = place(t);
        if (late < best_late) {
            best_late = late;
            best = factor;
        }
        factor = factor * 0xd1342543de82ef95u + 0x9e3779b97f4a7c15u;
        factor |= 1;
    }
    t->factor = best;
    place(t);
    return 0;
}
