/*
 * level.c - the memory of a message's, or an entry's, spans and of what rules compute for it
 *
 * The first block of both lies in the level itself, so that most messages need no more. A level is used
 * again for the next entry of a list.
 *
 * Thread: one apply. Ownership: the level owns all of it until it is reset or freed.
 */
#include "core/transform/map/map.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_TIMES 16 /* lists made anew may together take that many times the largest message */

/* Without touching most of it: a level is 12 KiB and most messages need a fraction. */
void bb_level_init(struct bb_level *l, size_t bytes_max)
{
    l->blocks = &l->first;
    l->first.next = NULL;
    l->used = l->total = 0;
    l->why = NULL;
    l->more = NULL;
    l->kept = NULL;
    l->kept_bytes = 0;
    l->bytes_used = 0;
    l->bytes_max = bytes_max;
}

static void blocks_free(struct bb_level *l)
{
    for (; l->kept; l->kept = l->kept->next) /* the nodes are in the bytes, which go last */
        free(l->kept->p);
    l->kept_bytes = 0;
    while (l->blocks != &l->first) {
        struct bb_span_block *next = l->blocks->next;

        free(l->blocks);
        l->blocks = next;
    }
    while (l->more) {
        struct bb_byte_block *next = l->more->next;

        free(l->more);
        l->more = next;
    }
}

void bb_level_reset(struct bb_level *l)
{
    blocks_free(l);
    l->used = l->total = 0;
    l->why = NULL;
    l->bytes_used = 0;
}

void bb_level_free(struct bb_level *l)
{
    blocks_free(l);
}

uint8_t *bb_level_bytes(struct bb_level *l, size_t n)
{
    struct bb_byte_block *b = l->more;
    size_t cap;

    n = (n + 15) & ~(size_t)15; /* so that anything may lie there */
    if (n > l->bytes_max - l->bytes_used) {
        l->why = "the rules make more than the largest message that is allowed";
        return NULL;
    }
    if (!b && n <= BB_BYTES_LOCAL - l->bytes_used) {
        l->bytes_used += n;
        return l->first_bytes + l->bytes_used - n;
    }
    if (!b || n > b->cap - b->used) {
        cap = b && b->cap < (1u << 16) ? b->cap * 2 : 4096;
        cap = cap < n ? n : cap;
        b = malloc(sizeof *b + cap);
        if (!b) {
            l->why = "out of memory";
            return NULL;
        }
        b->next = l->more;
        b->used = 0;
        b->cap = cap;
        l->more = b;
    }
    l->bytes_used += n;
    b->used += n;
    return b->bytes + b->used - n;
}

int bb_level_keep(struct bb_level *l, void *p, size_t size)
{
    struct bb_kept *k;

    if (size > KEPT_TIMES * l->bytes_max - l->kept_bytes) {
        l->why = "the rules make new lists too many times";
        free(p);
        return -1;
    }
    k = (struct bb_kept *)(void *)bb_level_bytes(l, sizeof *k);
    if (!k) {
        free(p);
        return -1;
    }
    l->kept_bytes += size;
    k->p = p;
    k->next = l->kept;
    l->kept = k;
    return 0;
}

struct bb_span *bb_span_raw(struct bb_level *l)
{
    if (l->used == BB_SPAN_LOCAL) {
        struct bb_span_block *b;

        if (l->total >= BB_SPANS_MAX) {
            l->why = "the rules copy the message into itself too many times";
            return NULL;
        }
        b = malloc(sizeof *b);
        if (!b) {
            l->why = "out of memory";
            return NULL;
        }
        b->next = l->blocks;
        l->blocks = b;
        l->total += l->used;
        l->used = 0;
    }
    return &l->blocks->spans[l->used++];
}

struct bb_span *bb_span_new(struct bb_level *l)
{
    struct bb_span *s = bb_span_raw(l);

    if (s)
        memset(s, 0, sizeof *s);
    return s;
}
