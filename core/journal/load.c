/*
 * load.c - from the store into memory at open, and the copies that other threads see
 *
 * Thread: the opener's, before the writer starts; bb_wroute_publish and bb_name_publish later the
 * writer's. Routes lie in an array by their number, which is never given twice.
 */
#include <errno.h>
#include <stdlib.h>
#include "core/journal/internal.h"

static int grow(void **p, size_t *cap, size_t need, size_t size)
{
    size_t n = *cap ? *cap : 16;
    uint8_t *q;
    if (need <= *cap)
        return 0;
    while (n < need)
        n *= 2;
    q = realloc(*p, n * size);
    if (!q)
        return ENOMEM;
    memset(q + *cap * size, 0, (n - *cap) * size);
    *p = q;
    *cap = n;
    return 0;
}

struct bb_wroute *bb_wroute_add(struct bb_journal *j, uint32_t id, const char *name, size_t len)
{
    struct bb_wroute *r = calloc(1, sizeof *r);
    if (!r || len >= sizeof r->name || id < j->n_routes ||
        grow((void **)&j->routes, &j->cap_routes, (size_t)id + 1, sizeof *j->routes) != 0)
        goto fail;
    r->window = calloc(BB_WINDOW_WORDS, 8);
    r->saved_window = calloc(BB_WINDOW_WORDS, 8);
    if (!r->window || !r->saved_window)
        goto fail;
    r->id = id;
    r->s.low = UINT64_MAX;
    memcpy(r->name, name, len);
    while (j->n_routes < id)
        j->routes[j->n_routes++] = NULL;
    j->routes[j->n_routes++] = r;
    return r;
fail:
    bb_wroute_free(r);
    return NULL;
}

void bb_wroute_free(struct bb_wroute *r)
{
    if (!r)
        return;
    free(r->window);
    free(r->saved_window);
    free(r->feed.p);
    for (int i = 0; i < 3; i++)
        free(r->done[i].p);
    free(r);
}

int bb_wroute_publish(struct bb_journal *j, const struct bb_wroute *r)
{
    struct bb_pub_route *p;
    int rc = grow((void **)&j->pub.routes, &j->pub.cap, (size_t)r->id + 1, sizeof *p);
    if (rc)
        return rc;
    if (j->pub.n <= r->id)
        j->pub.n = (size_t)r->id + 1;
    p = &j->pub.routes[r->id];
    if (!p->window && !(p->window = calloc(BB_WINDOW_WORDS, 8)))
        return ENOMEM;
    memcpy(p->name, r->name, sizeof p->name);
    memcpy(p->window, r->window, BB_WINDOW_WORDS * 8);
    p->st = (struct bb_route_state){.id = r->id,
                                    .frontier = r->s.frontier,
                                    .mark = r->s.mark,
                                    .tail = r->s.tail,
                                    .pending = bb_route_pending(r->s.tail, r->s.counts),
                                    .oldest_ms = r->oldest_ms,
                                    .due_min_ms = r->due_min_ms,
                                    .joining = r->s.join != 0};
    memcpy(p->st.counts, r->s.counts, sizeof p->st.counts);
    return 0;
}

int bb_name_publish(struct bb_journal *j, uint32_t id, const char *name, size_t len)
{
    int rc = grow((void **)&j->pub.names, &j->pub.cap_names, (size_t)id + 1, 64);
    if (rc || len >= 64)
        return rc ? rc : EINVAL;
    memcpy(j->pub.names[id], name, len);
    j->pub.names[id][len] = 0;
    if (j->pub.n_names <= id)
        j->pub.n_names = (size_t)id + 1;
    return 0;
}

static int load_meta(struct bb_journal *j)
{
    struct { const char *name; void *p; size_t n; } t[] = {
        {"seq", &j->m.next_seq, 8},     {"eseq", &j->m.next_eseq, 8},
        {"route", &j->m.next_route, 4}, {"name", &j->m.next_name, 4},
        {"counters", &j->m.counters, sizeof j->m.counters}};
    j->m.next_seq = j->m.next_eseq = j->m.next_route = j->m.next_name = 1;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        MDB_val k = {strlen(t[i].name), (void *)t[i].name}, v;
        int rc = bb_get(j, BB_TAB_META, k, &v);
        if (!rc && v.mv_size != t[i].n)
            return MDB_CORRUPTED;
        if (rc && rc != MDB_NOTFOUND)
            return rc;
        if (!rc)
            memcpy(t[i].p, v.mv_data, t[i].n);
    }
    return 0;
}

static int load_routes(struct bb_journal *j)
{
    MDB_val k, v;
    int rc = 0;
    MDB_cursor *c = bb_cur(j, BB_TAB_ROUTE, &rc);
    while (!rc && (rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
        struct bb_rec_route rec;
        struct bb_bytes name;
        const uint8_t *words;
        struct bb_wroute *r;
        if (k.mv_size != 4 || bb_route_read(&v, &rec, &name, &words) != 0)
            return MDB_CORRUPTED;
        r = bb_wroute_add(j, bb_rd32(k.mv_data), name.ptr, name.len);
        if (!r)
            return ENOMEM;
        r->s = (struct bb_wstate){.removed = rec.flags & BB_REC_REMOVED,
                                  .frontier = rec.frontier,
                                  .mark = rec.mark,
                                  .tail = rec.tail,
                                  .frontier_seq = rec.frontier_seq,
                                  .low = UINT64_MAX};
        memcpy(r->s.counts, rec.counts, sizeof rec.counts);
        memcpy(r->window, words, 8 * (size_t)rec.window_words);
        for (size_t i = 0; i < BB_WINDOW_WORDS; i++)
            r->s.bits += (uint32_t)__builtin_popcountll(r->window[i]);
        r->due_changed = true;
        rc = bb_join_load(j, r);
        if (!rc)
            rc = bb_oldest_load(j, r);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int load_names(struct bb_journal *j)
{
    MDB_val k, v;
    int rc = 0;
    MDB_cursor *c = bb_cur(j, BB_TAB_NAME, &rc);
    while (!rc && (rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0)
        if (k.mv_size != 4 || bb_name_publish(j, bb_rd32(k.mv_data), v.mv_data, v.mv_size) != 0)
            return MDB_CORRUPTED;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* No new stamp before a stored one, whatever the wall clock says now: due times would lie ahead by
 * as much as it was set back. */
static int load_axis(struct bb_journal *j)
{
    MDB_val k, v;
    struct bb_rec_msg m;
    struct bb_rec_event e;
    struct bb_bytes rest;
    uint64_t newest = 0;
    int rc = 0;
    MDB_cursor *c = bb_cur(j, BB_TAB_MSG, &rc);
    if (!rc && (rc = mdb_cursor_get(c, &k, &v, MDB_LAST)) == 0 && bb_record_head(&v, &m) == 0)
        newest = m.accept_ms;
    if (rc && rc != MDB_NOTFOUND)
        return rc;
    rc = 0;
    c = bb_cur(j, BB_TAB_EVENT, &rc);
    if (!rc && (rc = mdb_cursor_get(c, &k, &v, MDB_LAST)) == 0 &&
        bb_rec_event_read(&v, &e, &rest) == 0 && e.time_ms > newest)
        newest = e.time_ms;
    if (newest < UINT64_C(253402300800000)) /* a stamp past the year 9999 is damage */
        bb_axis_floor(newest);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int bb_journal_load(struct bb_journal *j, struct bb_fault *err)
{
    struct bb_journal_stats stats = {0};
    int rc = mdb_txn_begin(j->store.env, NULL, 0, &j->txn);
    if (rc)
        goto fail;
    rc = load_axis(j);
    j->now_ms = bb_axis_ms();
    if (!rc)
        rc = load_meta(j);
    if (!rc)
        rc = load_routes(j);
    if (!rc)
        rc = load_names(j);
    if (!rc && !j->n_routes) {
        struct bb_wroute *r = bb_wroute_add(j, BB_ROUTE_UNMATCHED, "unmatched", 9);
        rc = r ? bb_wroute_touch(j, r) : ENOMEM;
    }
    for (size_t i = 0; i < j->n_routes && !rc; i++)
        if (j->routes[i])
            rc = bb_wroute_touch(j, j->routes[i]);
    if (!rc)
        rc = bb_flush(j); /* makes what is missing, and finds each route's oldest and next due */
    if (!rc)
        rc = bb_measure(j, &stats);
    if (rc)
        goto fail;
    memset(j->cur, 0, sizeof j->cur);
    rc = mdb_txn_commit(j->txn);
    j->txn = NULL;
    if (rc)
        goto fail;
    bb_publish(j, &stats);
    return 0;
fail:
    if (j->txn)
        mdb_txn_abort(j->txn);
    j->txn = NULL;
    return bb_fail(err, "journal %s: cannot read it: %s", j->dir, mdb_strerror(rc));
}
