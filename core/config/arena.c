/*
 * arena.c - memory of one configuration, and a set of names in it
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
    void *p;

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
    p = c->mem + c->used;
    c->used += n;
    return p;
}

char *bb_arena_str(struct bb_arena *a, const char *s, size_t len)
{
    char *p = bb_arena_get(a, len + 1);

    if (p && len)
        memcpy(p, s, len);
    return p;
}

/* Room for one more of n elements: v or its larger copy. The old place stays until the end. */
void *bb_arena_grow(struct bb_arena *a, void *v, size_t n, size_t *cap, size_t size)
{
    size_t want = *cap ? *cap * 2 : 4;
    void *p;

    if (n < *cap)
        return v;
    if (!(p = bb_arena_get(a, want * size)))
        return NULL;
    if (n)
        memcpy(p, v, n * size);
    *cap = want;
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

static size_t name_hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

static struct bb_name *name_slot(struct bb_name *v, size_t cap, const char *name)
{
    size_t i = name_hash(name) & (cap - 1);

    while (v[i].name && strcmp(v[i].name, name) != 0)
        i = (i + 1) & (cap - 1);
    return &v[i];
}

void *bb_names_get(const struct bb_names *s, const char *name)
{
    return s->cap ? name_slot(s->v, s->cap, name)->value : NULL;
}

void *bb_names_add(struct bb_names *s, struct bb_arena *a, const char *name, void *value)
{
    struct bb_name *slot, *bigger;
    size_t cap = s->cap ? s->cap * 2 : 16, i;

    if ((s->n + 1) * 2 > s->cap) {
        if (!(bigger = bb_arena_get(a, cap * sizeof(*bigger))))
            return NULL;
        for (i = 0; i < s->cap; i++)
            if (s->v[i].name)
                *name_slot(bigger, cap, s->v[i].name) = s->v[i];
        s->v = bigger;
        s->cap = cap;
    }
    slot = name_slot(s->v, s->cap, name);
    if (slot->name)
        return slot->value;
    slot->name = name;
    slot->value = value;
    s->n++;
    return NULL;
}
