/*
 * reader.c - the thread that looks things up for the hub
 *
 * Each request is one short read transaction; what it finds is copied into one arena, so nothing
 * points into the store afterwards and no transaction stays open. The arenas go round between the
 * reader and bb_journal_read_free; the pool outlives the journal until the last is back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/journal/internal.h"

#define POOL_KEEP 8u
#define POOL_KEEP_BYTES (4u << 20)

struct bb_arena {
    struct bb_arena *next;
    struct bb_arena_pool *pool;
    size_t cap;
    _Alignas(16) uint8_t data[];
};
struct bb_arena_pool {
    pthread_mutex_t lock;
    struct bb_arena *free;
    unsigned n_free, out; /* kept; with requests */
    bool closed;
};

struct bb_arena_pool *bb_arena_pool_new(void)
{
    struct bb_arena_pool *p = calloc(1, sizeof *p);
    if (p)
        pthread_mutex_init(&p->lock, NULL);
    return p;
}

static void pool_free(struct bb_arena_pool *p)
{
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void bb_arena_pool_drop(struct bb_arena_pool *p)
{
    struct bb_arena *a, *next;
    bool last;
    pthread_mutex_lock(&p->lock);
    p->closed = true;
    a = p->free;
    p->free = NULL;
    last = p->out == 0;
    pthread_mutex_unlock(&p->lock);
    for (; a; a = next) {
        next = a->next;
        free(a);
    }
    if (last)
        pool_free(p);
}

static struct bb_arena *arena_get(struct bb_arena_pool *p, size_t n)
{
    struct bb_arena *a = NULL, **at;
    pthread_mutex_lock(&p->lock);
    for (at = &p->free; *at && (*at)->cap < n; at = &(*at)->next)
        ;
    if (*at) {
        a = *at;
        *at = a->next;
        p->n_free--;
    }
    p->out++;
    pthread_mutex_unlock(&p->lock);
    if (a)
        return a;
    if (n < 64 << 10)
        n = 64 << 10;
    a = malloc(sizeof *a + n);
    if (!a) {
        pthread_mutex_lock(&p->lock);
        p->out--;
        pthread_mutex_unlock(&p->lock);
        return NULL;
    }
    a->pool = p;
    a->cap = n;
    return a;
}

void bb_journal_read_free(struct bb_read *r)
{
    struct bb_arena *a = r->arena;
    struct bb_arena_pool *p;
    bool last;
    if (!a)
        return;
    p = a->pool;
    r->arena = NULL;
    if (r->kind != BB_READ_ROWS)
        r->items = NULL;
    r->n = 0;
    pthread_mutex_lock(&p->lock);
    p->out--;
    if (!p->closed && p->n_free < POOL_KEEP && a->cap <= POOL_KEEP_BYTES) {
        a->next = p->free;
        p->free = a;
        p->n_free++;
        a = NULL;
    }
    last = p->closed && p->out == 0;
    pthread_mutex_unlock(&p->lock);
    free(a);
    if (last)
        pool_free(p);
}

/* ---- one request ------------------------------------------------------------------------------------ */
struct look {
    struct bb_journal *j;
    struct bb_read *r;
    MDB_txn *txn;
    struct bb_read_item *items; /* while it gathers; whole points into the store */
    size_t n, cap, bytes;
};

static MDB_dbi dbi(const struct look *k, enum bb_table t)
{
    return k->j->store.dbi[t];
}

/* What is not there leaves v empty; a table that cannot be read is an error. */
static int get(struct look *k, enum bb_table t, MDB_val *key, MDB_val *v)
{
    int rc = mdb_get(k->txn, dbi(k, t), key, v);
    if (rc)
        *v = (MDB_val){0, NULL};
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Finds the bytes of an item: the kept body, else the message. */
static int fetch(struct look *k, struct bb_read_item *it)
{
    MDB_val key = {8, &it->seq}, v;
    struct bb_envelope e;
    struct bb_record rec;
    struct bb_key kb;
    int rc;
    it->whole = it->attributes = (struct bb_bytes){NULL, 0};
    if (it->done)
        return 0;
    rc = get(k, BB_TAB_MSG, &key, &v);
    if (rc)
        return rc;
    it->bad = !v.mv_data || bb_record_read(&v, it->seq, &rec) != 0;
    if (!it->bad) {
        it->accept_ms = rec.accept_ms;
        it->whole = rec.whole;
    }
    if (it->row.flags & BB_ROW_BODY) {
        key = bb_key_of(&kb, k->r->route, 1, it->seq, 0, 0);
        rc = get(k, BB_TAB_BODY, &key, &v);
        if (rc)
            return rc;
        if (!it->bad && bb_envelope_read(it->whole, &e, NULL) == 0)
            it->attributes = e.attributes;
        it->bad = !v.mv_data;
        it->whole = (struct bb_bytes){v.mv_data, v.mv_size};
    }
    k->bytes += it->whole.len + it->attributes.len;
    return 0;
}

static bool full(const struct look *k)
{
    return k->n && (k->n >= k->r->max_items || k->bytes >= k->r->max_bytes);
}

static int add(struct look *k, const struct bb_read_item *it)
{
    if (k->n == k->cap) {
        size_t cap = k->cap ? k->cap * 2 : 256;
        struct bb_read_item *p = realloc(k->items, cap * sizeof *p);
        if (!p)
            return ENOMEM;
        k->items = p;
        k->cap = cap;
    }
    k->items[k->n] = *it;
    return fetch(k, &k->items[k->n++]);
}

/* Bit of the window: settled out of turn, as of the last commit. */
static bool is_done(const struct bb_pub_route *p, uint64_t ord)
{
    if (ord < p->st.frontier)
        return true;
    return ord - p->st.frontier < BB_WINDOW && p->window[ord % BB_WINDOW / 64] >> (ord % 64) & 1;
}

static void mark_done(struct look *k, struct bb_read_item *items, size_t n)
{
    struct bb_journal *j = k->j;
    pthread_mutex_lock(&j->pub.lock);
    if (k->r->route < j->pub.n && j->pub.routes[k->r->route].window)
        for (size_t i = 0; i < n; i++)
            items[i].done = is_done(&j->pub.routes[k->r->route], items[i].ord);
    pthread_mutex_unlock(&j->pub.lock);
}

#define FEED_STEP 256u

/* To the chunk that holds "from", or to the first after it. */
static int feed_seek(struct look *k, MDB_cursor *c, struct bb_key *kb, MDB_val *key, MDB_val *v)
{
    uint64_t ord = k->r->from;
    int rc;
    *key = bb_key_of(kb, k->r->route, 1, ord, 0, 0);
    rc = mdb_cursor_get(c, key, v, MDB_SET_RANGE);
    if (!rc && bb_key_in(key, k->r->route, 12) && bb_rd64((uint8_t *)key->mv_data + 4) == ord)
        return 0;
    if (rc && rc != MDB_NOTFOUND)
        return rc;
    rc = mdb_cursor_get(c, key, v, rc ? MDB_LAST : MDB_PREV);
    if (!rc && bb_key_in(key, k->r->route, 12))
        return 0;
    if (rc && rc != MDB_NOTFOUND)
        return rc;
    *key = bb_key_of(kb, k->r->route, 1, ord, 0, 0);
    return mdb_cursor_get(c, key, v, MDB_SET_RANGE);
}

static int feed(struct look *k, MDB_cursor *c)
{
    struct bb_read_item part[FEED_STEP];
    uint64_t ord = k->r->from;
    struct bb_key kb;
    MDB_val key, v;
    int rc = feed_seek(k, c, &kb, &key, &v);
    for (; !rc && bb_key_in(&key, k->r->route, 12); rc = mdb_cursor_get(c, &key, &v, MDB_NEXT)) {
        uint64_t first = bb_rd64((uint8_t *)key.mv_data + 4);
        uint64_t n = v.mv_size / sizeof(struct bb_rec_feed);
        if (first > ord) /* from is below the oldest chunk: all of that is settled */
            ord = first;
        while (ord - first < n) {
            uint64_t left = n - (ord - first), step = left < FEED_STEP ? left : FEED_STEP;
            for (uint64_t i = 0; i < step; i++) {
                struct bb_rec_feed e;
                memcpy(&e, (uint8_t *)v.mv_data + (ord - first + i) * sizeof e, sizeof e);
                part[i] = (struct bb_read_item){.ord = ord + i, .seq = e.seq, .lane = e.lane};
            }
            mark_done(k, part, step);
            for (uint64_t i = 0; i < step; i++, ord++) {
                if (full(k))
                    return 0;
                rc = add(k, &part[i]);
                if (rc)
                    return rc;
            }
        }
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int due(struct look *k, MDB_cursor *c, uint64_t low, uint64_t high)
{
    struct bb_key kb, rb;
    bool goes_on = low && k->r->after_ms;
    MDB_val key = goes_on ? bb_key_of(&kb, k->r->route, 3, k->r->after_ms, k->r->after_lane, k->r->after_seq + 1)
                          : bb_key_of(&kb, k->r->route, 3, low, 0, 0), v;
    int rc = mdb_cursor_get(c, &key, &v, MDB_SET_RANGE);
    for (; !rc && bb_key_in(&key, k->r->route, 28); rc = mdb_cursor_get(c, &key, &v, MDB_NEXT)) {
        const uint8_t *p = key.mv_data;
        struct bb_read_item it = {
            .ord = BB_ORD_NONE, .lane = bb_rd64(p + 12), .seq = bb_rd64(p + 20)};
        uint64_t at = bb_rd64(p + 4);
        MDB_val rk = bb_key_of(&rb, k->r->route, 2, it.lane, it.seq, 0);
        if (at > high || full(k)) {
            k->r->next_due_ms = at;
            return 0;
        }
        rc = get(k, BB_TAB_ROW, &rk, &v);
        if (!rc && v.mv_size != sizeof it.row)
            continue; /* the checker's to report */
        if (!rc) {
            memcpy(&it.row, v.mv_data, sizeof it.row);
            rc = add(k, &it);
        }
        if (rc)
            return rc;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

#define HEADS_LANES 4096u /* looked at in one transaction */

static int heads(struct look *k, MDB_cursor *c)
{
    uint64_t lane = k->r->from;
    struct bb_key kb;
    MDB_val key = bb_key_of(&kb, k->r->route, 2, lane, 0, 0), v;
    int rc = mdb_cursor_get(c, &key, &v, MDB_SET_RANGE);
    for (unsigned seen = 0; !rc && bb_key_in(&key, k->r->route, 20); seen++) {
        struct bb_read_item it = {.ord = BB_ORD_NONE, .done = 1}; /* done: no bytes are fetched */
        bool blocked = false;
        lane = bb_rd64((uint8_t *)key.mv_data + 4);
        if (full(k) || seen == HEADS_LANES) {
            k->r->next_lane = lane;
            return 0;
        }
        while (!rc && !blocked && bb_key_in(&key, k->r->route, 20) &&
               bb_rd64((uint8_t *)key.mv_data + 4) == lane) {
            if (v.mv_size == sizeof it.row)
                memcpy(&it.row, v.mv_data, sizeof it.row);
            it.seq = bb_rd64((uint8_t *)key.mv_data + 12);
            blocked = bb_row_blocks(&it.row);
            if (!blocked)
                rc = mdb_cursor_get(c, &key, &v, MDB_NEXT);
        }
        it.lane = lane;
        if (blocked && it.row.state == BB_D_SPILLED && !it.row.due_ms && add(k, &it) != 0)
            return ENOMEM;
        if (rc || lane == UINT64_MAX)
            break;
        key = bb_key_of(&kb, k->r->route, 2, lane + 1, 0, 0);
        rc = mdb_cursor_get(c, &key, &v, MDB_SET_RANGE);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int rows(struct look *k)
{
    int rc = 0;
    for (size_t i = 0; i < k->r->n && !rc; i++) {
        struct bb_read_item *it = &k->r->items[i];
        struct bb_key kb;
        MDB_val key = bb_key_of(&kb, k->r->route, 2, it->lane, it->seq, 0), v;
        it->ord = BB_ORD_NONE;
        it->bad = 0;
        it->done = i && k->r->max_bytes && k->bytes >= k->r->max_bytes;
        it->accept_ms = 0;
        memset(&it->row, 0, sizeof it->row);
        rc = get(k, BB_TAB_ROW, &key, &v);
        if (!rc && v.mv_size == sizeof it->row)
            memcpy(&it->row, v.mv_data, sizeof it->row);
        if (!rc)
            rc = fetch(k, it);
    }
    return rc;
}

/* To p, which is moved behind it. */
static uint8_t *copy_bytes(struct bb_bytes *b, uint8_t *p)
{
    if (!b->len)
        return p;
    memcpy(p, b->ptr, b->len);
    b->ptr = p;
    return p + b->len;
}

/* Out of the store into an arena of the request's own. */
static int copy_out(struct look *k)
{
    bool own = k->r->kind != BB_READ_ROWS;
    size_t n = own ? k->n : k->r->n, head = own ? n * sizeof *k->items : 0;
    struct bb_read_item *items = own ? k->items : k->r->items;
    struct bb_arena *a;
    uint8_t *p;
    if (!n)
        return 0;
    a = arena_get(k->j->pool, head + k->bytes);
    if (!a)
        return ENOMEM;
    if (own) {
        memcpy(a->data, items, head);
        items = k->r->items = (struct bb_read_item *)(void *)a->data;
        k->r->n = n;
    }
    p = a->data + head;
    for (size_t i = 0; i < n; i++) {
        p = copy_bytes(&items[i].whole, p);
        p = copy_bytes(&items[i].attributes, p);
    }
    k->r->arena = a;
    return 0;
}

static int look(struct look *k)
{
    static const enum bb_table table[] = {[BB_READ_FEED] = BB_TAB_FEED, [BB_READ_DUE] = BB_TAB_DUE,
                                          [BB_READ_ROWS] = BB_TAB_ROW,
                                          [BB_READ_INFLIGHT] = BB_TAB_DUE,
                                          [BB_READ_HEADS] = BB_TAB_ROW};
    MDB_cursor *c;
    int rc = mdb_cursor_open(k->txn, dbi(k, table[k->r->kind]), &c);
    if (rc)
        return rc;
    if (k->r->kind == BB_READ_FEED)
        rc = feed(k, c);
    else if (k->r->kind == BB_READ_DUE)
        rc = due(k, c, 1, k->r->from);
    else if (k->r->kind == BB_READ_INFLIGHT)
        rc = due(k, c, 0, 0);
    else if (k->r->kind == BB_READ_HEADS)
        rc = heads(k, c);
    else
        rc = rows(k);
    mdb_cursor_close(c);
    return rc ? rc : copy_out(k);
}

static void serve(struct look *k, struct bb_read *r)
{
    int rc;
    k->r = r;
    k->n = k->bytes = 0;
    r->arena = NULL;
    r->next_due_ms = 0;
    r->failed[0] = '\0';
    if (r->kind != BB_READ_ROWS) {
        r->items = NULL;
        r->n = 0;
    }
    bb_journal_fresh(k->j);
    rc = k->txn ? mdb_txn_renew(k->txn)
                : mdb_txn_begin(k->j->store.env, NULL, MDB_RDONLY, &k->txn);
    if (!rc) {
        rc = look(k);
        mdb_txn_reset(k->txn);
    }
    if (!rc)
        return;
    bb_journal_say(k->j, BB_LOG_ERROR, "journal %s: cannot read: %s", k->j->dir, mdb_strerror(rc));
    snprintf(r->failed, sizeof r->failed, "%s", mdb_strerror(rc));
    if (r->kind != BB_READ_ROWS)
        r->n = 0;
}

void *bb_reader_main(void *arg)
{
    struct bb_journal *j = arg;
    struct look k = {.j = j};
    for (;;) {
        struct bb_read *r;
        pthread_mutex_lock(&j->rd.lock);
        while (!j->rd.head && !j->rd.stop)
            pthread_cond_wait(&j->rd.wake, &j->rd.lock);
        r = j->rd.head;
        if (r && !(j->rd.head = r->next))
            j->rd.tail = &j->rd.head;
        pthread_mutex_unlock(&j->rd.lock);
        if (!r)
            break;
        serve(&k, r);
        bb_outbox_put(&j->rout, r, (void **)&r->next);
    }
    if (k.txn)
        mdb_txn_abort(k.txn);
    free(k.items);
    return NULL;
}
