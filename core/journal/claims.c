/*
 * claims.c - fingerprint -> sequence number, in memory
 *
 * Open addressing with linear probing, at most 3/4 full; deletion shifts the followers back, so there
 * are no tombstones. The fingerprint is a keyed hash already: its first word is the place.
 *
 * Growth: a table of millions cannot be moved in one go without the writer standing still for most
 * of a second. The doubled table takes every new claim, and each addition moves a few slots of the
 * old one; until that is done a look-up asks both, the new one first. In the old table nothing is
 * shifted: a deleted slot is marked, so that the move neither skips nor revives anything.
 * Memory: large tables are mapped with huge pages asked for; first touch is what costs (100 ms for 50
 * MB), and a batch of claims touches every page of a new table at once. So the next table is made a
 * little before it is needed and touched by a thread that does nothing else.
 * Thread: the writer, but for that one.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "core/journal/internal.h"

#define DEAD UINT64_MAX  /* seq of a deleted slot of the old table */
#define MOVE_SLOTS 16u   /* of the old table, at each addition: it is empty long before the next growth */
#define MAP_FROM (2u << 20)

static size_t place(size_t cap, const uint8_t fp[16])
{
    return bb_le64(fp) & (cap - 1);
}

static bool same(const uint8_t a[16], const uint8_t b[16])
{
    return bb_le64(a) == bb_le64(b) && bb_le64(a + 8) == bb_le64(b + 8);
}

static struct bb_rec_claim *table_new(size_t cap)
{
    size_t n = cap * sizeof(struct bb_rec_claim);
    void *p;

    if (n < MAP_FROM)
        return calloc(cap, sizeof(struct bb_rec_claim));
    p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    madvise(p, n, MADV_HUGEPAGE);
    return p;
}

static void table_free(struct bb_rec_claim *t, size_t cap)
{
    size_t n = cap * sizeof *t;

    if (n < MAP_FROM)
        free(t);
    else if (t)
        munmap(t, n);
}

/* The slot that holds fp, or the empty one that ends the search. */
static struct bb_rec_claim *seek(struct bb_rec_claim *t, size_t cap, const uint8_t fp[16])
{
    size_t i = place(cap, fp);

    while (t[i].seq && !same(t[i].fingerprint, fp))
        i = (i + 1) & (cap - 1);
    return &t[i];
}

uint64_t bb_claims_get(const struct bb_claims *c, const uint8_t fp[16])
{
    uint64_t seq = c->cap ? seek(c->slot, c->cap, fp)->seq : 0;

    if (!seq && c->old)
        seq = seek(c->old, c->old_cap, fp)->seq;
    return seq == DEAD ? 0 : seq;
}

void bb_claims_prefetch(const struct bb_claims *c, const uint8_t fp[16])
{
    if (c->cap)
        __builtin_prefetch(&c->slot[place(c->cap, fp)]);
}

static void move_some(struct bb_claims *c, size_t slots)
{
    for (; slots && c->moved < c->old_cap; slots--, c->moved++) {
        const struct bb_rec_claim *e = &c->old[c->moved];
        struct bb_rec_claim *to;

        if (!e->seq || e->seq == DEAD)
            continue;
        to = seek(c->slot, c->cap, e->fingerprint);
        if (!to->seq) /* else it was claimed anew since */
            *to = *e;
    }
    if (c->old && c->moved == c->old_cap) {
        table_free(c->old, c->old_cap);
        c->old = NULL;
        c->old_cap = c->moved = 0;
    }
}

static void *touch(void *arg)
{
    struct bb_claims *c = arg;
    volatile char *p = (volatile char *)c->next.slot;

    for (size_t at = 0; at < c->next.cap * sizeof *c->next.slot; at += 4096)
        p[at] = 0; /* as it is */
    return NULL;
}

/* Not to be had: growth makes the table itself. */
static void prepare(struct bb_claims *c, size_t cap)
{
    sigset_t all, before;
    int rc;

    c->next.slot = table_new(cap);
    if (!c->next.slot)
        return;
    c->next.cap = cap;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&c->next.thread, NULL, touch, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc) {
        table_free(c->next.slot, cap);
        c->next.slot = NULL;
    }
}

static struct bb_rec_claim *next_take(struct bb_claims *c, size_t cap)
{
    struct bb_rec_claim *t = c->next.slot;

    if (!t)
        return NULL;
    pthread_join(c->next.thread, NULL);
    c->next.slot = NULL;
    if (c->next.cap == cap)
        return t;
    table_free(t, c->next.cap);
    return NULL;
}

static int grow(struct bb_claims *c, size_t cap)
{
    struct bb_rec_claim *t = next_take(c, cap);

    if (!t)
        t = table_new(cap);
    if (!t)
        return ENOMEM;
    move_some(c, SIZE_MAX);
    c->old = c->slot;
    c->old_cap = c->cap;
    c->moved = 0;
    c->slot = t;
    c->cap = cap;
    move_some(c, c->old_cap < 4096 ? SIZE_MAX : 0);
    return 0;
}

int bb_claims_expect(struct bb_claims *c, uint64_t n)
{
    size_t cap = 1024;

    while (cap * 3 / 4 < n && cap < (size_t)1 << 40)
        cap *= 2;
    return cap > c->cap ? grow(c, cap) : 0;
}

int bb_claims_add(struct bb_claims *c, const uint8_t fp[16], uint64_t seq)
{
    struct bb_rec_claim *e;
    bool was;

    if ((c->n + 1) * 4 > c->cap * 3 && grow(c, c->cap ? c->cap * 2 : 1024) != 0)
        return ENOMEM;
    if (!c->next.slot && c->cap * sizeof *e >= MAP_FROM && (c->n + 1) * 16 > c->cap * 11)
        prepare(c, c->cap * 2);
    move_some(c, MOVE_SLOTS);
    e = seek(c->slot, c->cap, fp);
    was = e->seq != 0;
    if (c->old) { /* what it stood for before must not come back when this one goes */
        struct bb_rec_claim *o = seek(c->old, c->old_cap, fp);
        was = was || (o->seq && o->seq != DEAD);
        o->seq = o->seq ? DEAD : 0;
    }
    c->n += !was;
    memcpy(e->fingerprint, fp, 16);
    e->seq = seq;
    return 0;
}

/* Takes a slot out of the new table, shifting back what probed past it. */
static void take_out(struct bb_claims *c, size_t i)
{
    size_t mask = c->cap - 1;

    for (size_t k = (i + 1) & mask; c->slot[k].seq; k = (k + 1) & mask) {
        size_t home = place(c->cap, c->slot[k].fingerprint);
        if (((k - home) & mask) >= ((k - i) & mask)) {
            c->slot[i] = c->slot[k];
            i = k;
        }
    }
    memset(&c->slot[i], 0, sizeof c->slot[i]);
}

void bb_claims_del(struct bb_claims *c, const uint8_t fp[16], uint64_t seq)
{
    struct bb_rec_claim *e, *o = NULL;
    bool gone = false;

    if (!c->cap)
        return;
    e = seek(c->slot, c->cap, fp);
    if (e->seq && e->seq != seq)
        return; /* claimed anew since */
    if (c->old) {
        o = seek(c->old, c->old_cap, fp);
        gone = o->seq == seq;
        if (gone)
            o->seq = DEAD;
    }
    if (e->seq == seq) {
        take_out(c, (size_t)(e - c->slot));
        gone = true;
    }
    c->n -= gone;
}

void bb_claims_free(struct bb_claims *c)
{
    (void)next_take(c, 0);
    table_free(c->slot, c->cap);
    table_free(c->old, c->old_cap);
    memset(c, 0, sizeof *c);
}
