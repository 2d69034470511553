/*
 * keys.c - is a key in its map twice?
 *
 * The keys of all maps that are open lie on one stack, a map's own at its top. Up to
 * BB_KEYS_PAIRWISE keys are compared as they come; a larger map is merge-sorted when it closes:
 * n log n for any keys that anyone can choose, and no secret seed, hence no state.
 * Memory: 16 bytes a key of an open map, as much again while a large one is sorted; it starts on
 * the caller's stack. Thread: the owner's.
 */
#include "codec.h"
#include <stdlib.h>

void bb_keys_free(struct bb_keys *k)
{
    if (k->v != k->small)
        free(k->v);
    bb_keys_init(k);
}

static int keys_room(struct bb_keys *k, size_t n)
{
    size_t cap = k->cap;
    struct bb_key *v;

    while (cap < n)
        cap *= 2;
    if (cap == k->cap)
        return 0;
    v = realloc(k->v == k->small ? NULL : k->v, cap * sizeof(*v));
    if (!v)
        return -1;
    if (k->v == k->small)
        memcpy(v, k->small, k->n * sizeof(*v));
    k->v = v;
    k->cap = cap;
    return 0;
}

struct bb_bytes bb_key_bytes(const uint8_t *p)
{
    struct bb_bytes s;
    unsigned wide = 0;

    if (*p >= 0xa0 && *p <= 0xbf) {
        s.len = *p & 0x1f;
    } else {
        wide = 1u << (*p - 0xd9);
        s.len = (size_t)bb_be_get(p + 1, wide);
    }
    s.ptr = p + 1 + wide;
    return s;
}

static int key_order(const uint8_t *base, const struct bb_key *a, const struct bb_key *b)
{
    struct bb_bytes x, y;

    if (a->sig != b->sig)
        return a->sig < b->sig ? -1 : 1;
    x = bb_key_bytes(base + a->at);
    y = bb_key_bytes(base + b->at);
    if (x.len != y.len)
        return x.len < y.len ? -1 : 1;
    return memcmp(x.ptr, y.ptr, x.len);
}

int bb_keys_add(struct bb_keys *k, const uint8_t *base, size_t first, uint32_t at, uint32_t src)
{
    struct bb_key key = {bb_key_mark(bb_key_bytes(base + at)), at, src};

    if (k->n == k->cap && keys_room(k, k->n + 1) != 0)
        return -1;
    k->v[k->n] = key;
    if (k->n - first < BB_KEYS_PAIRWISE)
        for (size_t i = first; i < k->n; i++)
            if (k->v[i].sig == key.sig && key_order(base, &k->v[i], &key) == 0)
                return 1;
    k->n++;
    return 0;
}

static void merge(const uint8_t *base, const struct bb_key *a, size_t n, size_t m,
                  struct bb_key *out)
{
    const struct bb_key *b = a + n, *a_end = b, *b_end = b + m;

    while (a < a_end && b < b_end)
        *out++ = key_order(base, a, b) <= 0 ? *a++ : *b++;
    memcpy(out, a, (size_t)(a_end - a) * sizeof(*a));
    memcpy(out + (a_end - a), b, (size_t)(b_end - b) * sizeof(*b));
}

/* Stable: of equal keys the one that came first stays first. Returns the sorted of the two. */
static struct bb_key *sort(const uint8_t *base, struct bb_key *v, struct bb_key *spare, size_t n)
{
    for (size_t width = 1; width < n; width *= 2) {
        struct bb_key *t = v;
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t a = n - i < width ? n - i : width;
            size_t b = n - i - a < width ? n - i - a : width;
            merge(base, v + i, a, b, spare + i);
        }
        v = spare;
        spare = t;
    }
    return v;
}

int bb_keys_close(struct bb_keys *k, const uint8_t *base, size_t first, struct bb_key *dup)
{
    size_t n = k->n - first;
    int found = 0;
    struct bb_key *v;

    if (n > BB_KEYS_PAIRWISE) {
        if (keys_room(k, k->n + n) != 0)
            return -1;
        v = sort(base, k->v + first, k->v + k->n, n);
        for (size_t i = 1; i < n; i++)
            if (key_order(base, &v[i - 1], &v[i]) == 0 && (!found || v[i].src < dup->src)) {
                *dup = v[i];
                found = 1;
            }
    }
    k->n = first;
    return found;
}

int bb_keys_fault(struct bb_fault *err, const uint8_t *base, struct bb_key dup)
{
    struct bb_bytes s = bb_key_bytes(base + dup.at);
    char name[44];

    return bb_fault_set(err, dup.src, "duplicate key \"%s\": a key may stand in a map once",
                        bb_fault_quote(name, s.ptr, s.len));
}
