/*
 * claims.c - fingerprint -> sequence number, in memory
 *
 * Open addressing with linear probing, at most 3/4 full, doubled as it grows; deletion shifts the
 * followers back, so there are no tombstones. The fingerprint is a keyed hash already: its first
 * word is the place. Thread: the writer.
 */
#include <errno.h>
#include <stdlib.h>
#include "core/journal/internal.h"

static size_t place(const struct bb_claims *c, const uint8_t fp[16])
{
    return bb_le64(fp) & (c->cap - 1);
}

static bool same(const uint8_t a[16], const uint8_t b[16])
{
    return bb_le64(a) == bb_le64(b) && bb_le64(a + 8) == bb_le64(b + 8);
}

uint64_t bb_claims_get(const struct bb_claims *c, const uint8_t fp[16])
{
    if (!c->cap)
        return 0;
    for (size_t i = place(c, fp);; i = (i + 1) & (c->cap - 1)) {
        if (!c->slot[i].seq)
            return 0;
        if (same(c->slot[i].fingerprint, fp))
            return c->slot[i].seq;
    }
}

void bb_claims_prefetch(const struct bb_claims *c, const uint8_t fp[16])
{
    if (c->cap)
        __builtin_prefetch(&c->slot[place(c, fp)]);
}

static void insert(struct bb_claims *c, const struct bb_rec_claim *e)
{
    size_t i = place(c, e->fingerprint);
    while (c->slot[i].seq && !same(c->slot[i].fingerprint, e->fingerprint))
        i = (i + 1) & (c->cap - 1);
    c->n += c->slot[i].seq == 0;
    c->slot[i] = *e;
}

int bb_claims_add(struct bb_claims *c, const uint8_t fp[16], uint64_t seq)
{
    struct bb_rec_claim e = {.seq = seq};
    memcpy(e.fingerprint, fp, 16);
    if ((c->n + 1) * 4 > c->cap * 3) {
        struct bb_claims g = {.cap = c->cap ? c->cap * 2 : 1024};
        g.slot = calloc(g.cap, sizeof *g.slot);
        if (!g.slot)
            return ENOMEM;
        for (size_t i = 0; i < c->cap; i++)
            if (c->slot[i].seq)
                insert(&g, &c->slot[i]);
        free(c->slot);
        *c = g;
    }
    insert(c, &e);
    return 0;
}

void bb_claims_del(struct bb_claims *c, const uint8_t fp[16], uint64_t seq)
{
    size_t mask = c->cap - 1, i, k;
    if (!c->cap)
        return;
    for (i = place(c, fp); !same(c->slot[i].fingerprint, fp); i = (i + 1) & mask)
        if (!c->slot[i].seq)
            return;
    if (c->slot[i].seq != seq)
        return; /* claimed anew since */
    for (k = (i + 1) & mask; c->slot[k].seq; k = (k + 1) & mask) {
        size_t home = place(c, c->slot[k].fingerprint);
        if (((k - home) & mask) >= ((k - i) & mask)) {
            c->slot[i] = c->slot[k];
            i = k;
        }
    }
    memset(&c->slot[i], 0, sizeof c->slot[i]);
    c->n--;
}

void bb_claims_free(struct bb_claims *c)
{
    free(c->slot);
    memset(c, 0, sizeof *c);
}
