/*
 * arena.c - memory of a compiled schema, freed as a whole
 *
 * Chunks grow with what was taken already, so that a small schema takes little. Thread: the owner's.
 * Invariant: total <= max; after the first failure nothing is given.
 */
#include "core/schema/internal.h"

#include <stdlib.h>

#define CHUNK_MIN 4096u

struct bb_schunk {
    struct bb_schunk *next;
    uint64_t bytes[];
};

void *bb_sarena_get(struct bb_sarena *a, size_t n)
{
    size_t cap;
    struct bb_schunk *c;
    void *p;

    n = (n + 15) & ~(size_t)15;
    if (a->failed || n > a->max - a->total) {
        a->failed = true;
        return NULL;
    }
    if (n > a->cap - a->used) {
        cap = a->total < CHUNK_MIN ? CHUNK_MIN : a->total < (1u << 20) ? a->total : (1u << 20);
        cap = n > cap ? n : cap;
        c = calloc(1, sizeof(*c) + cap);
        if (!c) {
            a->failed = true;
            return NULL;
        }
        c->next = a->chunks;
        a->chunks = c;
        a->cap = cap;
        a->used = 0;
    }
    p = (uint8_t *)a->chunks->bytes + a->used;
    a->used += n;
    a->total += n;
    return p;
}

char *bb_sarena_text(struct bb_sarena *a, const void *s, size_t len)
{
    char *p = bb_sarena_get(a, len + 1);

    if (p && len)
        memcpy(p, s, len);
    return p;
}

void bb_sarena_free(struct bb_sarena *a)
{
    struct bb_schunk *c;

    while ((c = a->chunks)) {
        a->chunks = c->next;
        free(c);
    }
}
