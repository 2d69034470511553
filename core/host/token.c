/*
 * token.c - the open deliveries of one instance
 *
 * A token is the hub's number; the table finds its slot by a hash, and a token that is not there is
 * late or was never given. Slots that wait to be handed over form a list in order of arrival.
 * Bounded by BB_TOKENS_MAX. Thread: the caller holds the host's lock.
 */
#include <stdlib.h>
#include <string.h>

#include "core/host/internal.h"

#define BB_TOKEN_BUCKETS 8192u

static uint32_t bb_token_bucket(uint64_t token)
{
    return (uint32_t)((token * UINT64_C(0x9e3779b97f4a7c15)) >> 51); /* 13 bits */
}

int bb_tokens_init(struct bb_tokens *t)
{
    memset(t, 0, sizeof(*t));
    t->free = t->first = t->last = BB_SLOT_NONE;
    t->bucket = malloc(BB_TOKEN_BUCKETS * sizeof(*t->bucket));
    if (!t->bucket)
        return -1;
    for (uint32_t i = 0; i < BB_TOKEN_BUCKETS; i++)
        t->bucket[i] = BB_SLOT_NONE;
    return 0;
}

void bb_tokens_free(struct bb_tokens *t)
{
    free(t->bucket);
    free(t->v);
    memset(t, 0, sizeof(*t));
}

uint32_t bb_tokens_find(const struct bb_tokens *t, uint64_t token)
{
    uint32_t i = t->bucket[bb_token_bucket(token)];

    while (i != BB_SLOT_NONE && t->v[i].token != token)
        i = t->v[i].chain;
    return i;
}

static uint32_t bb_tokens_slot(struct bb_tokens *t)
{
    uint32_t i = t->free, cap;
    struct bb_slot *v;

    if (i != BB_SLOT_NONE) {
        t->free = t->v[i].chain;
        return i;
    }
    if (t->n == t->cap) {
        if (t->cap >= BB_TOKENS_MAX)
            return BB_SLOT_NONE;
        cap = t->cap ? t->cap * 2 : 1024;
        v = realloc(t->v, cap * sizeof(*v));
        if (!v)
            return BB_SLOT_NONE;
        t->v = v;
        t->cap = cap;
    }
    return t->n++;
}

uint32_t bb_tokens_add(struct bb_tokens *t, uint64_t token, uint32_t op, struct bb_msg *m)
{
    uint32_t b = bb_token_bucket(token), i;

    if (bb_tokens_find(t, token) != BB_SLOT_NONE)
        return BB_SLOT_NONE;
    i = bb_tokens_slot(t);
    if (i == BB_SLOT_NONE)
        return i;
    t->v[i] = (struct bb_slot){.token = token, .msg = m, .chain = t->bucket[b], .prev = t->last,
                               .next = BB_SLOT_NONE, .op = op};
    t->bucket[b] = i;
    if (t->last != BB_SLOT_NONE)
        t->v[t->last].next = i;
    else
        t->first = i;
    t->last = i;
    t->open++;
    t->waiting++;
    return i;
}

void bb_tokens_hand(struct bb_tokens *t, uint32_t slot)
{
    struct bb_slot *s = &t->v[slot];

    if (s->handed)
        return;
    s->handed = true;
    t->waiting--;
    if (s->prev != BB_SLOT_NONE)
        t->v[s->prev].next = s->next;
    else
        t->first = s->next;
    if (s->next != BB_SLOT_NONE)
        t->v[s->next].prev = s->prev;
    else
        t->last = s->prev;
}

void bb_tokens_ends(struct bb_tokens *t, uint32_t slot, bb_status s)
{
    const struct bb_slot *e = &t->v[slot];

    if (!e->handed && s != BB_OK && s != BB_NOT_APPLIED && e->next != BB_SLOT_NONE &&
        t->v[e->next].behind)
        t->v[e->next].dropped = true;
}

void bb_tokens_remove(struct bb_tokens *t, uint32_t slot)
{
    struct bb_slot *s = &t->v[slot];
    uint32_t *at = &t->bucket[bb_token_bucket(s->token)];

    bb_tokens_hand(t, slot);
    while (*at != slot)
        at = &t->v[*at].chain;
    *at = s->chain;
    s->msg = NULL;
    s->chain = t->free;
    t->free = slot;
    t->open--;
}
