/*
 * arena.c - memory of one configuration
 *
 * Everything a configuration holds is given back at once, so nothing is freed on its own. The
 * total has a maximum: a hostile file ends in a diagnostic, not in the kernel's out-of-memory
 * killer. Chunks are wiped when freed, because ${VAR} may have brought in something private.
 */
#include "core/config/internal.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK (64u << 10)

struct bb_arena_chunk {
    struct bb_arena_chunk *next;
    size_t used, cap;
    _Alignas(16) unsigned char mem[];
};

void *bb_arena_get(struct bb_arena *a, size_t n)
{
    struct bb_arena_chunk *c = a->head;
    size_t cap;

    n = n ? (n + 15) & ~(size_t)15 : 16;
    if (!c || c->cap - c->used < n) {
        cap = n > CHUNK / 4 ? n : CHUNK;
        if (n > a->max || a->total > a->max - n || !(c = calloc(1, sizeof(*c) + cap))) {
            a->failed = true;
            return NULL;
        }
        c->cap = cap;
        a->total += cap;
        if (cap != CHUNK && a->head) { /* a large piece of its own: the open chunk stays in front */
            c->next = a->head->next;
            a->head->next = c;
        } else {
            c->next = a->head;
            a->head = c;
        }
    }
    c->used += n;
    return c->mem + c->used - n;
}

char *bb_arena_str(struct bb_arena *a, const char *s, size_t len)
{
    char *p = bb_arena_get(a, len + 1);

    if (p && len)
        memcpy(p, s, len);
    return p;
}

/* Doubles at powers of two, so that no capacity is kept. The old place stays until the end. */
void *bb_arena_grow(struct bb_arena *a, void *v, size_t n, size_t size)
{
    void *p;

    if (n & (n - 1))
        return v;
    if ((p = bb_arena_get(a, (n ? 2 * n : 1) * size)) && n)
        memcpy(p, v, n * size);
    return p;
}

void bb_arena_free(struct bb_arena *a)
{
    struct bb_arena_chunk *c, *next;

    for (c = a->head; c; c = next) {
        next = c->next;
        explicit_bzero(c->mem, c->used);
        free(c);
    }
    memset(a, 0, sizeof(*a));
}
