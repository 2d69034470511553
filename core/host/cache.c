/*
 * cache.c - answers of other endpoints that may serve again for a while
 *
 * A shelf for each endpoint and operation, shared by the instances of the host: a hash table of entries
 * by the request's bytes, and a list by use. An entry lives as long as its question's time to live said
 * when it was put; a shelf holds as many as its question says and at most SHELF_BYTES, all shelves
 * together ALL_BYTES. What does not fit is not remembered, which only costs a question.
 *
 * Thread: any, under one lock, held for a look-up and a copy. Ownership: entries own their bytes.
 * Invariant: every entry is in its shelf's table and list; the sums are those of the entries.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/host/internal.h"

#define SHELVES_MAX 256u
#define SHELF_BYTES (16u << 20)
#define ALL_BYTES (64u << 20)
#define BUCKETS 1024u
#define MS_NS 1000000u

struct entry {
    struct entry *chain, *newer, *older;
    uint64_t hash, expires;
    size_t key_len, len;
    uint8_t bytes[]; /* key, answer */
};
struct shelf {
    struct shelf *next;
    char *name; /* endpoint, NUL, operation, NUL */
    size_t name_len;
    struct entry *bucket[BUCKETS];
    struct entry *newest, *oldest;
    uint32_t n;
    size_t bytes;
};
struct bb_answers {
    pthread_mutex_t lock;
    struct shelf *shelves;
    uint32_t n_shelves;
    size_t bytes;
};

static uint64_t hash_of(struct bb_bytes key)
{
    const uint8_t *p = key.ptr;
    uint64_t h = 1469598103934665603u;

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h ^ h >> 29;
}

static size_t weight(const struct entry *e)
{
    return sizeof(*e) + e->key_len + e->len;
}

struct bb_answers *bb_answers_new(void)
{
    struct bb_answers *a = calloc(1, sizeof(*a));

    if (a && pthread_mutex_init(&a->lock, NULL) != 0) {
        free(a);
        return NULL;
    }
    return a;
}

static void unlist(struct shelf *s, struct entry *e)
{
    *(e->newer ? &e->newer->older : &s->newest) = e->older;
    *(e->older ? &e->older->newer : &s->oldest) = e->newer;
}

static void enlist(struct shelf *s, struct entry *e)
{
    e->newer = NULL;
    e->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
}

static void entry_drop(struct bb_answers *a, struct shelf *s, struct entry *e)
{
    struct entry **at = &s->bucket[e->hash % BUCKETS];

    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    unlist(s, e);
    s->n--;
    s->bytes -= weight(e);
    a->bytes -= weight(e);
    free(e);
}

void bb_answers_free(struct bb_answers *a)
{
    if (!a)
        return;
    while (a->shelves) {
        struct shelf *s = a->shelves;

        a->shelves = s->next;
        while (s->oldest)
            entry_drop(a, s, s->oldest);
        free(s->name);
        free(s);
    }
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static bool shelf_is(const struct shelf *s, const struct bb_question *q)
{
    size_t n = strlen(q->endpoint);

    return strcmp(s->name, q->endpoint) == 0 && strcmp(s->name + n + 1, q->op) == 0;
}

static struct shelf *shelf_of(struct bb_answers *a, const struct bb_question *q, bool make)
{
    size_t n = strlen(q->endpoint) + 1, m = strlen(q->op) + 1;
    struct shelf *s = a->shelves;

    while (s && !shelf_is(s, q))
        s = s->next;
    if (s || !make || a->n_shelves == SHELVES_MAX)
        return s;
    s = calloc(1, sizeof(*s));
    if (!s || !(s->name = malloc(n + m))) {
        free(s);
        return NULL;
    }
    memcpy(s->name, q->endpoint, n);
    memcpy(s->name + n, q->op, m);
    s->next = a->shelves;
    a->shelves = s;
    a->n_shelves++;
    return s;
}

static struct entry *entry_of(struct shelf *s, struct bb_bytes key, uint64_t hash)
{
    struct entry *e = s->bucket[hash % BUCKETS];

    while (e && (e->hash != hash || e->key_len != key.len || memcmp(e->bytes, key.ptr, key.len) != 0))
        e = e->chain;
    return e;
}

bool bb_answers_get(struct bb_answers *a, const struct bb_question *q, uint64_t now, struct bb_buf *out)
{
    struct entry *e = NULL;
    struct shelf *s;

    if (!q->ttl_ms || !q->max)
        return false;
    pthread_mutex_lock(&a->lock);
    s = shelf_of(a, q, false);
    if (s)
        e = entry_of(s, q->key, hash_of(q->key));
    if (e && e->expires <= now) {
        entry_drop(a, s, e);
        e = NULL;
    }
    if (e) {
        unlist(s, e);
        enlist(s, e);
        bb_put_raw(out, (struct bb_bytes){e->bytes + e->key_len, e->len});
    }
    pthread_mutex_unlock(&a->lock);
    return e != NULL;
}

static void put(struct bb_answers *a, struct shelf *s, const struct bb_question *q, struct entry *e)
{
    struct entry *old = entry_of(s, q->key, e->hash);

    if (old)
        entry_drop(a, s, old);
    while (s->oldest && (s->n >= q->max || s->bytes + weight(e) > SHELF_BYTES ||
                         a->bytes + weight(e) > ALL_BYTES))
        entry_drop(a, s, s->oldest);
    if (a->bytes + weight(e) > ALL_BYTES || weight(e) > SHELF_BYTES) {
        free(e);
        return;
    }
    e->chain = s->bucket[e->hash % BUCKETS];
    s->bucket[e->hash % BUCKETS] = e;
    enlist(s, e);
    s->n++;
    s->bytes += weight(e);
    a->bytes += weight(e);
}

void bb_answers_put(struct bb_answers *a, const struct bb_question *q, uint64_t now, struct bb_bytes answer)
{
    struct entry *e;
    struct shelf *s;

    if (!q->ttl_ms || !q->max || !(e = malloc(sizeof(*e) + q->key.len + answer.len)))
        return;
    e->hash = hash_of(q->key);
    e->expires = now + q->ttl_ms * MS_NS;
    e->key_len = q->key.len;
    e->len = answer.len;
    memcpy(e->bytes, q->key.ptr, q->key.len);
    memcpy(e->bytes + q->key.len, answer.ptr, answer.len);
    pthread_mutex_lock(&a->lock);
    s = shelf_of(a, q, true);
    if (s)
        put(a, s, q, e);
    else
        free(e);
    pthread_mutex_unlock(&a->lock);
}
