/*
 * view.c - reading the journal beside its writer: the index, the admin, the CLI
 *
 * Each call is one short transaction: a reader that stays keeps the writer from reusing pages. So
 * the callbacks that may take their time get batches: lists copy a bounded number of items out,
 * close the transaction, and only then call. Thread: one a view at a time; a view of another
 * process's journal opens the store read-only.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/journal/internal.h"

struct bb_view {
    struct bb_store own;          /* env NULL when it is the core's */
    const struct bb_store *store;
    struct bb_journal *fresh;     /* whose answered operations must be seen; NULL: what is there */
};

struct bb_view *bb_view_open(const char *dir, struct bb_fault *err)
{
    struct bb_view *v = calloc(1, sizeof *v);

    if (!v) {
        bb_fail(err, "no memory");
        return NULL;
    }
    if (bb_journal_recover(dir, err) != 0 || bb_store_open(&v->own, dir, 0, NULL, err) != 0) {
        free(v);
        return NULL;
    }
    v->store = &v->own;
    return v;
}

struct bb_view *bb_view_of(struct bb_journal *j)
{
    struct bb_view *v = bb_view_behind(j);

    if (v)
        v->fresh = j;
    return v;
}

struct bb_view *bb_view_behind(struct bb_journal *j)
{
    struct bb_view *v = calloc(1, sizeof *v);

    if (v)
        v->store = bb_journal_store(j);
    return v;
}

void bb_view_close(struct bb_view **vp)
{
    if (!*vp)
        return;
    bb_store_close(&(*vp)->own);
    free(*vp);
    *vp = NULL;
}

static MDB_txn *begin(struct bb_view *v)
{
    MDB_txn *txn;

    if (v->fresh)
        bb_journal_fresh(v->fresh);
    return mdb_txn_begin(v->store->env, NULL, MDB_RDONLY, &txn) == 0 ? txn : NULL;
}

/* A transaction and a cursor on one table, positioned at the first key at or after k. */
struct walk {
    MDB_txn *txn;
    MDB_cursor *cur;
    MDB_val k, v;
    int rc;
};

static int walk_open(struct bb_view *v, enum bb_table t, MDB_val k, struct walk *w)
{
    w->cur = NULL;
    w->txn = begin(v);
    if (!w->txn)
        return -1;
    if (mdb_cursor_open(w->txn, v->store->dbi[t], &w->cur) != 0) {
        mdb_txn_abort(w->txn);
        return -1;
    }
    w->k = k;
    w->rc = mdb_cursor_get(w->cur, &w->k, &w->v, k.mv_size ? MDB_SET_RANGE : MDB_FIRST);
    return 0;
}

static void walk_next(struct walk *w)
{
    w->rc = mdb_cursor_get(w->cur, &w->k, &w->v, MDB_NEXT);
}

static int walk_close(struct walk *w)
{
    int rc = w->rc;

    mdb_cursor_close(w->cur);
    mdb_txn_abort(w->txn);
    return rc == 0 || rc == MDB_NOTFOUND ? 0 : -1;
}

static int get(struct bb_view *v, MDB_txn *txn, enum bb_table t, MDB_val k, MDB_val *out)
{
    return mdb_get(txn, v->store->dbi[t], &k, out);
}

/* ---- messages --------------------------------------------------------------------------------------- */

/* Matches and bytes are copied: the callback sees aligned memory and no open transaction. */
static bool record_copy(struct bb_vec *to, struct bb_record *r)
{
    size_t at = to->len;

    while (to->len % 8)
        if (bb_vec_put(to, "", 1) != 0)
            return false;
    at = to->len;
    if ((r->n_matches && bb_vec_put(to, r->matches, r->n_matches * sizeof *r->matches) != 0) ||
        (r->whole.len && bb_vec_put(to, r->whole.ptr, r->whole.len) != 0))
        return false;
    r->matches = (void *)(uintptr_t)at; /* offsets, until the vector stops moving */
    r->whole.ptr = (void *)(uintptr_t)(at + r->n_matches * sizeof *r->matches);
    return true;
}

static void record_place(const struct bb_vec *in, struct bb_record *r)
{
    r->matches = (const void *)(in->p + (uintptr_t)r->matches);
    r->whole.ptr = in->p + (uintptr_t)r->whole.ptr;
}

int bb_view_messages(struct bb_view *v, uint64_t from, size_t max,
                     int (*fn)(void *, const struct bb_record *), void *arg)
{
    enum { BATCH = 256, BYTES = 4 << 20 };
    struct bb_record rec[BATCH];
    struct bb_vec bytes = {0};
    int rc = 0;

    while (max && rc == 0) {
        struct walk w;
        size_t n = 0;

        bytes.len = 0;
        if (walk_open(v, BB_TAB_MSG, (MDB_val){sizeof from, &from}, &w) != 0) {
            rc = -1;
            break;
        }
        for (; w.rc == 0 && n < BATCH && n < max && bytes.len < BYTES; walk_next(&w)) {
            uint64_t seq = bb_le64(w.k.mv_data);
            memset(&rec[n], 0, sizeof rec[n]);
            bb_record_read(&w.v, seq, &rec[n]);
            rec[n].seq = seq;
            if (!record_copy(&bytes, &rec[n])) {
                w.rc = ENOMEM;
                break;
            }
            n++;
        }
        bool end = w.rc != 0;
        if (walk_close(&w) != 0)
            rc = -1;
        for (size_t i = 0; i < n && rc == 0; i++) {
            record_place(&bytes, &rec[i]);
            rc = fn(arg, &rec[i]);
        }
        max -= n;
        if (n)
            from = rec[n - 1].seq + 1;
        if (end || !n)
            break;
    }
    free(bytes.p);
    return rc;
}

struct only {
    uint64_t seq;
    int (*fn)(void *, const struct bb_record *);
    void *arg;
    int found;
};

static int only_that(void *arg, const struct bb_record *r)
{
    struct only *o = arg;

    if (r->seq != o->seq)
        return 0;
    o->found = 1;
    return o->fn(o->arg, r);
}

int bb_view_message(struct bb_view *v, uint64_t seq, int (*fn)(void *, const struct bb_record *),
                    void *arg)
{
    struct only o = {seq, fn, arg, 0};
    int rc = bb_view_messages(v, seq, 1, only_that, &o);

    return rc ? rc : o.found;
}

/* ---- events ------------------------------------------------------------------------------------------ */

/* Calls fn for the one event, or for each range of it. */
static int event_give(uint64_t eseq, const MDB_val *val, int (*fn)(void *, const struct bb_event *),
                      void *arg)
{
    struct bb_rec_event head;
    struct bb_bytes rest;
    struct bb_event e = {.eseq = eseq};

    if (bb_rec_event_read(val, &head, &rest) != 0)
        return 0; /* damaged: check and the log name it; the stream goes on */
    e.time_ms = head.time_ms;
    e.route = head.route;
    e.to = head.to;
    e.count = 1;
    if (head.kind == BB_EV_NOTE) {
        e.detail = rest;
        e.count = 0;
        return fn(arg, &e);
    }
    if (head.kind == BB_EV_DETAIL && rest.len >= 8) {
        e.first = bb_le64(rest.ptr);
        e.detail = (struct bb_bytes){(const uint8_t *)rest.ptr + 8, rest.len - 8};
        return fn(arg, &e);
    }
    e.range = true;
    for (size_t at = 0; at + sizeof(struct bb_rec_range) <= rest.len; at += sizeof(struct bb_rec_range)) {
        e.first = bb_le64((const uint8_t *)rest.ptr + at);
        e.count = bb_le64((const uint8_t *)rest.ptr + at + 8);
        int rc = fn(arg, &e);
        if (rc)
            return rc;
    }
    return 0;
}

struct copied { /* an event's value, copied */
    uint64_t eseq;
    size_t at, len;
};

static int events_give(const struct copied *c, size_t n, const struct bb_vec *bytes,
                       int (*fn)(void *, const struct bb_event *), void *arg)
{
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        MDB_val val = {c[i].len, bytes->p + c[i].at};
        rc = event_give(c[i].eseq, &val, fn, arg);
    }
    return rc;
}

int bb_view_events(struct bb_view *v, uint64_t from, size_t max,
                   int (*fn)(void *, const struct bb_event *), void *arg)
{
    enum { BATCH = 1024, BYTES = 4 << 20 };
    struct copied *c = malloc(BATCH * sizeof *c);
    struct bb_vec bytes = {0};
    int rc = c ? 0 : -1;

    while (max && rc == 0) {
        struct walk w;
        size_t n = 0;

        bytes.len = 0;
        if (walk_open(v, BB_TAB_EVENT, (MDB_val){sizeof from, &from}, &w) != 0) {
            rc = -1;
            break;
        }
        for (; w.rc == 0 && n < BATCH && n < max && bytes.len < BYTES; walk_next(&w)) {
            c[n] = (struct copied){bb_le64(w.k.mv_data), bytes.len, w.v.mv_size};
            if (bb_vec_put(&bytes, w.v.mv_data, w.v.mv_size) != 0) {
                w.rc = ENOMEM;
                break;
            }
            n++;
        }
        bool end = w.rc != 0;
        if (walk_close(&w) != 0)
            rc = -1;
        if (rc == 0)
            rc = events_give(c, n, &bytes, fn, arg);
        max -= n;
        if (n)
            from = c[n - 1].eseq + 1;
        if (end || !n)
            break;
    }
    free(c);
    free(bytes.p);
    return rc;
}

int bb_view_history(struct bb_view *v, uint32_t route, uint64_t seq,
                    int (*fn)(void *, const struct bb_event *), void *arg)
{
    enum { LAST = 256 };
    struct copied c[LAST];
    struct bb_vec bytes = {0};
    struct bb_key key, past;
    MDB_val k = bb_key_of(&key, route, 2, seq, 0, 0), end = bb_key_of(&past, route, 2, seq + 1, 0, 0);
    uint64_t eseq[LAST];
    size_t n = 0, got = 0;
    struct walk w;
    int rc;

    if (walk_open(v, BB_TAB_HIST, end, &w) != 0)
        return -1;
    /* backwards from the end of this delivery's entries: the last ones are kept */
    w.rc = mdb_cursor_get(w.cur, &w.k, &w.v, w.rc == 0 ? MDB_PREV : MDB_LAST);
    while (w.rc == 0 && n < LAST && w.k.mv_size == 20 && memcmp(w.k.mv_data, k.mv_data, 12) == 0) {
        eseq[n++] = bb_rd64((const uint8_t *)w.k.mv_data + 12);
        w.rc = mdb_cursor_get(w.cur, &w.k, &w.v, MDB_PREV);
    }
    while (n) {
        MDB_val val;
        uint64_t e = eseq[--n];
        if (get(v, w.txn, BB_TAB_EVENT, (MDB_val){sizeof e, &e}, &val) != 0)
            continue;
        c[got] = (struct copied){e, bytes.len, val.mv_size};
        if (bb_vec_put(&bytes, val.mv_data, val.mv_size) == 0)
            got++;
    }
    rc = walk_close(&w);
    if (rc == 0)
        rc = events_give(c, got, &bytes, fn, arg);
    free(bytes.p);
    return rc;
}

/* ---- deliveries ------------------------------------------------------------------------------------------ */

/* The lane of a delivery: from the list of open ones, else from its message's own record, even a
 * damaged one: a wrong lane finds no row. */
static bool lane_of(struct bb_view *v, MDB_txn *txn, uint32_t route, uint64_t seq, uint64_t *lane)
{
    struct bb_rec_msg head;
    struct bb_match m;
    struct bb_key key;
    MDB_val val;

    if (get(v, txn, BB_TAB_OPEN, bb_key_of(&key, route, 1, seq, 0, 0), &val) == 0 && val.mv_size == 8) {
        *lane = bb_le64(val.mv_data);
        return true;
    }
    if (get(v, txn, BB_TAB_MSG, (MDB_val){sizeof seq, &seq}, &val) != 0 ||
        bb_record_head(&val, &head) != 0)
        return false;
    for (size_t i = 0; i < head.n_matches; i++) {
        memcpy(&m, (const uint8_t *)val.mv_data + sizeof head + i * sizeof m, sizeof m);
        if (m.route == route) {
            *lane = m.lane;
            return true;
        }
    }
    return false;
}

/* Is it in the feed and not settled out of turn? Looks through the route's window at most: what is
 * beyond waits for certain. */
static bool waits(struct bb_view *v, MDB_txn *txn, uint32_t route, uint64_t seq)
{
    struct bb_key key;
    struct bb_rec_route rec;
    struct bb_bytes name;
    const uint8_t *words;
    MDB_cursor *cur;
    MDB_val k, val;
    bool waiting = true;

    if (get(v, txn, BB_TAB_ROUTE, bb_key_of(&key, route, 0, 0, 0, 0), &val) != 0 ||
        bb_route_read(&val, &rec, &name, &words) != 0 || rec.frontier == rec.tail ||
        seq < rec.frontier_seq)
        return false;
    if (!rec.window_words || mdb_cursor_open(txn, v->store->dbi[BB_TAB_FEED], &cur) != 0)
        return true;
    k = bb_key_of(&key, route, 1, 0, 0, 0);
    for (int rc = mdb_cursor_get(cur, &k, &val, MDB_SET_RANGE); rc == 0 && bb_key_in(&k, route, 12);
         rc = mdb_cursor_get(cur, &k, &val, MDB_NEXT)) {
        uint64_t ord = bb_rd64((const uint8_t *)k.mv_data + 4);
        const uint8_t *e = val.mv_data, *end = e + val.mv_size / sizeof(struct bb_rec_feed) *
                                                       sizeof(struct bb_rec_feed);

        if (ord >= rec.frontier + BB_WINDOW || e == end || bb_le64(e) > seq)
            break;
        for (; e < end && bb_le64(e) != seq; e += sizeof(struct bb_rec_feed))
            ord++;
        if (e == end)
            continue;
        uint64_t at = ord % BB_WINDOW;
        waiting = ord >= rec.frontier &&
                  (ord >= rec.frontier + BB_WINDOW || at / 64 >= rec.window_words ||
                   !(bb_le64(words + at / 64 * 8) >> at % 64 & 1));
        break;
    }
    mdb_cursor_close(cur);
    return waiting;
}

/* Without a row a delivery is still in the feed, or terminal: how, its last detailed event says, and
 * where it has none it was delivered, or its end stands in a range of the events. */
static uint8_t state_without_row(struct bb_view *v, MDB_txn *txn, uint32_t route, uint64_t seq)
{
    struct bb_rec_event head;
    struct bb_bytes rest;
    struct bb_key key;
    MDB_cursor *cur;
    MDB_val k, val;
    uint64_t eseq;
    uint8_t state = BB_D_DELIVERED;
    int rc;

    if (waits(v, txn, route, seq))
        return BB_D_WAITING;
    if (mdb_cursor_open(txn, v->store->dbi[BB_TAB_HIST], &cur) != 0)
        return state;
    k = bb_key_of(&key, route, 2, seq, UINT64_MAX, 0);
    rc = mdb_cursor_get(cur, &k, &val, MDB_SET_RANGE);
    rc = mdb_cursor_get(cur, &k, &val, rc == 0 ? MDB_PREV : MDB_LAST);
    if (rc == 0 && bb_key_in(&k, route, 20) && bb_rd64((const uint8_t *)k.mv_data + 4) == seq) {
        eseq = bb_rd64((const uint8_t *)k.mv_data + 12);
        if (get(v, txn, BB_TAB_EVENT, (MDB_val){sizeof eseq, &eseq}, &val) == 0 &&
            bb_rec_event_read(&val, &head, &rest) == 0 && head.to > BB_D_DELIVERED &&
            head.to < BB_D_STATES)
            state = head.to;
    }
    mdb_cursor_close(cur);
    return state;
}

int bb_view_delivery(struct bb_view *v, uint32_t route, uint64_t seq, struct bb_row *row)
{
    MDB_txn *txn = begin(v);
    struct bb_key key;
    uint64_t lane;
    MDB_val val;
    int found = 0;

    if (!txn)
        return -1;
    memset(row, 0, sizeof *row);
    if (lane_of(v, txn, route, seq, &lane)) {
        found = 1;
        if (get(v, txn, BB_TAB_ROW, bb_key_of(&key, route, 2, lane, seq, 0), &val) == 0 &&
            val.mv_size == sizeof *row)
            memcpy(row, val.mv_data, sizeof *row);
        else
            row->state = state_without_row(v, txn, route, seq);
    }
    mdb_txn_abort(txn);
    return found;
}

struct open_row {
    uint32_t route;
    uint64_t seq, lane;
    struct bb_row row;
};

static size_t open_batch(struct bb_view *v, uint32_t route, uint32_t from_route, uint64_t from_seq,
                         struct open_row *out, size_t most, int *rc)
{
    struct bb_key key, rk;
    struct walk w;
    size_t n = 0;

    if (walk_open(v, BB_TAB_OPEN, bb_key_of(&key, from_route, 1, from_seq, 0, 0), &w) != 0) {
        *rc = -1;
        return 0;
    }
    for (; w.rc == 0 && n < most; walk_next(&w)) {
        struct open_row *o = &out[n];
        MDB_val val;

        o->route = bb_rd32(w.k.mv_data);
        o->seq = bb_rd64((const uint8_t *)w.k.mv_data + 4);
        if (route != UINT32_MAX && o->route != route)
            break;
        if (w.v.mv_size != 8)
            continue;
        o->lane = bb_le64(w.v.mv_data);
        if (get(v, w.txn, BB_TAB_ROW, bb_key_of(&rk, o->route, 2, o->lane, o->seq, 0), &val) != 0 ||
            val.mv_size != sizeof o->row)
            continue;
        memcpy(&o->row, val.mv_data, sizeof o->row);
        n++;
    }
    if (walk_close(&w) != 0)
        *rc = -1;
    return n;
}

int bb_view_open_rows(struct bb_view *v, uint32_t route, uint64_t from_seq, size_t max,
                      int (*fn)(void *, uint32_t route, uint64_t seq, uint64_t lane,
                                const struct bb_row *),
                      void *arg)
{
    enum { BATCH = 256 };
    struct open_row rows[BATCH];
    uint32_t at = route == UINT32_MAX ? 0 : route;
    int rc = 0;

    while (max && rc == 0) {
        size_t n = open_batch(v, route, at, from_seq, rows, max < BATCH ? max : BATCH, &rc);

        for (size_t i = 0; i < n && rc == 0; i++)
            rc = fn(arg, rows[i].route, rows[i].seq, rows[i].lane, &rows[i].row);
        if (n < BATCH)
            break;
        max -= n;
        at = rows[n - 1].route;
        from_seq = rows[n - 1].seq + 1;
    }
    return rc;
}

int bb_view_rows(struct bb_view *v, uint32_t route,
                 int (*fn)(void *, uint64_t lane, uint64_t seq, const struct bb_row *), void *arg)
{
    struct bb_key key;
    struct walk w;
    struct bb_row row;
    int rc = 0;

    if (walk_open(v, BB_TAB_ROW, bb_key_of(&key, route, 2, 0, 0, 0), &w) != 0)
        return -1;
    for (; w.rc == 0 && rc == 0 && bb_key_in(&w.k, route, 20); walk_next(&w)) {
        if (w.v.mv_size != sizeof row)
            continue;
        memcpy(&row, w.v.mv_data, sizeof row);
        rc = fn(arg, bb_rd64((const uint8_t *)w.k.mv_data + 4),
                bb_rd64((const uint8_t *)w.k.mv_data + 12), &row);
    }
    return walk_close(&w) != 0 ? -1 : rc;
}

int bb_view_routes(struct bb_view *v, int (*fn)(void *, const char *name, const struct bb_route_state *),
                   void *arg)
{
    struct walk w;
    int rc = 0;

    if (walk_open(v, BB_TAB_ROUTE, (MDB_val){0, NULL}, &w) != 0)
        return -1;
    for (; w.rc == 0 && rc == 0; walk_next(&w)) {
        struct bb_rec_route rec;
        struct bb_bytes name;
        const uint8_t *words;
        struct bb_route_state st = {0};
        char text[64];

        if (w.k.mv_size != 4 || bb_route_read(&w.v, &rec, &name, &words) != 0 ||
            rec.flags & BB_REC_REMOVED || name.len >= sizeof text)
            continue;
        memcpy(text, name.ptr, name.len);
        text[name.len] = '\0';
        st.id = bb_rd32(w.k.mv_data);
        st.frontier = rec.frontier;
        st.mark = rec.mark;
        st.tail = rec.tail;
        memcpy(st.counts, rec.counts, sizeof st.counts);
        st.pending = bb_route_pending(rec.tail, rec.counts);
        rc = fn(arg, text, &st);
    }
    return walk_close(&w) != 0 ? -1 : rc;
}

int bb_view_name(struct bb_view *v, uint32_t id, char out[64])
{
    MDB_txn *txn = begin(v);
    struct bb_key key;
    MDB_val val;

    out[0] = '\0';
    if (!txn)
        return -1;
    if (get(v, txn, BB_TAB_NAME, bb_key_of(&key, id, 0, 0, 0, 0), &val) == 0 && val.mv_size < 64) {
        memcpy(out, val.mv_data, val.mv_size);
        out[val.mv_size] = '\0';
    }
    mdb_txn_abort(txn);
    return 0;
}

int bb_view_body(struct bb_view *v, uint32_t route, uint64_t seq, struct bb_buf *out)
{
    MDB_txn *txn = begin(v);
    struct bb_key key;
    MDB_val val;
    int found = 0;

    if (!txn)
        return -1;
    if (get(v, txn, BB_TAB_BODY, bb_key_of(&key, route, 1, seq, 0, 0), &val) == 0) {
        bb_buf_put(out, val.mv_data, val.mv_size);
        found = 1;
    }
    mdb_txn_abort(txn);
    return found;
}
