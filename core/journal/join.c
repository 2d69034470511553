/*
 * join.c - a new route takes messages that were stored before it was there (start: oldest)
 *
 * With its registration a route gets the range of messages to look at, up to the next new one. Who
 * knows its rules (the hub) looks at them in order and posts pieces: each names what the route
 * takes and how far that came. A piece is one transaction: feed entries, the records that name the
 * route from then on (retention asks the record who still waits for it), and the position, kept as
 * the state "join/" and the route's name. So a crash loses a piece or keeps it whole. Until the
 * route is through, retention passes over what it has not seen, and it gets nothing newer: its feed
 * ascends.
 *
 * Thread: the writer, and the opener's to load.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/journal/internal.h"

struct position {
    uint64_t next, end;
};

static MDB_val key_of(const struct bb_wroute *r, char key[80])
{
    int n = snprintf(key, 80, "join/%s", r->name);
    return (MDB_val){(size_t)n, key};
}

int bb_join_load(struct bb_journal *j, struct bb_wroute *r)
{
    struct position at;
    char key[80];
    MDB_val v;
    int rc = bb_get(j, BB_TAB_STATE, key_of(r, key), &v);
    if (rc)
        return rc == MDB_NOTFOUND ? 0 : rc;
    if (v.mv_size != 8 + sizeof at) /* after the version */
        return MDB_CORRUPTED;
    memcpy(&at, (uint8_t *)v.mv_data + 8, sizeof at);
    r->s.join = at.next;
    r->s.join_end = at.end;
    return 0;
}

static int position_put(struct bb_journal *j, struct bb_wroute *r, uint64_t next, uint64_t end)
{
    struct position at = {next, end};
    char key[80];
    int rc = bb_wroute_touch(j, r);
    if (rc)
        return rc;
    r->s.join = next < end ? next : 0;
    r->s.join_end = next < end ? end : 0;
    key_of(r, key);
    return next < end ? bb_state_put(j, key, 1, (struct bb_bytes){&at, sizeof at})
                      : bb_del(j, BB_TAB_STATE, key_of(r, key));
}

int bb_join_begin(struct bb_journal *j, struct bb_wroute *r)
{
    return position_put(j, r, 1, j->m.next_seq);
}

int bb_join_end(struct bb_journal *j, struct bb_wroute *r)
{
    return r->s.join ? position_put(j, r, 0, 0) : 0;
}

bool bb_join_wants(const struct bb_journal *j, uint64_t seq)
{
    for (size_t i = 0; i < j->n_routes; i++) {
        const struct bb_wroute *r = j->routes[i];
        if (r && r->s.join && seq >= r->s.join && seq < r->s.join_end)
            return true;
    }
    return false;
}

static bool check(struct bb_op *op, const struct bb_wroute *r)
{
    uint64_t low = r ? r->s.join : 0;
    if (!low) {
        bb_op_refuse(op, BB_E_REJECT, "route %u takes no older messages", op->join.route);
        return false;
    }
    if (op->join.next == UINT64_MAX && !op->join.n)
        return true;
    if (op->join.next <= low || op->join.next > r->s.join_end) {
        bb_op_refuse(op, BB_E_REJECT, "route %s is at message %llu, not past %llu", r->name,
                     (unsigned long long)low, (unsigned long long)op->join.next);
        return false;
    }
    for (size_t i = 0; i < op->join.n; i++) {
        if (op->join.v[i].seq < low || op->join.v[i].seq >= op->join.next) {
            bb_op_refuse(op, BB_E_REJECT, "route %s: message %llu is out of turn", r->name,
                         (unsigned long long)op->join.v[i].seq);
            return false;
        }
        low = op->join.v[i].seq + 1;
    }
    return true;
}

static bool names(const struct bb_record *rec, uint32_t route)
{
    for (size_t i = 0; i < rec->n_matches; i++) {
        struct bb_match m;
        memcpy(&m, (const uint8_t *)rec->matches + i * sizeof m, sizeof m); /* unaligned */
        if (m.route == route)
            return true;
    }
    return false;
}

/* The same record with one match more. */
static int record_put(struct bb_journal *j, const MDB_val *was, uint64_t seq,
                      const struct bb_match *m)
{
    MDB_val k = {8, &seq}, v = {was->mv_size + sizeof *m, NULL};
    const uint8_t *from = was->mv_data; /* in its page: nothing is written before it is copied */
    struct bb_rec_msg h;
    size_t at;
    uint8_t *p = bb_new(j, BB_TAB_MSG, k, v.mv_size);
    if (!p)
        return ENOMEM;
    memcpy(&h, from, sizeof h);
    at = sizeof h + h.n_matches * sizeof *m;
    h.n_matches++;
    memcpy(p, &h, sizeof h);
    memcpy(p + sizeof h, from + sizeof h, at - sizeof h);
    memcpy(p + at, m, sizeof *m);
    memcpy(p + at + sizeof *m, from + at, was->mv_size - at);
    h.crc = bb_crc32c(0, p + 4, v.mv_size - 4);
    memcpy(p, &h.crc, 4);
    v.mv_data = p;
    return mdb_put(j->txn, j->store.dbi[BB_TAB_MSG], &k, &v, 0);
}

static int take(struct bb_journal *j, struct bb_wroute *r, const struct bb_join *it, bool *taken)
{
    struct bb_match m = {.route = r->id, .lane = it->lane};
    uint64_t seq = it->seq;
    struct bb_record rec;
    MDB_val v;
    int rc = bb_get(j, BB_TAB_MSG, (MDB_val){8, &seq}, &v);
    *taken = false;
    if (rc)
        return rc == MDB_NOTFOUND ? 0 : rc;
    if (bb_record_read(&v, seq, &rec) != 0 || rec.conflict || names(&rec, r->id) ||
        rec.n_matches >= BB_MATCHES_MAX)
        return 0;
    *taken = true;
    rc = record_put(j, &v, seq, &m);
    return rc ? rc : bb_feed_put(j, seq, &m);
}

int bb_op_join(struct bb_journal *j, struct bb_op *op)
{
    struct bb_wroute *r = bb_wroute_get(j, op->join.route);
    struct bb_vec seqs = {0};
    bool taken;
    int rc;
    op->join.taken = 0;
    if (!check(op, r))
        return 0;
    rc = bb_vec_room(&seqs, op->join.n * sizeof op->join.v->seq);
    for (size_t i = 0; i < op->join.n && !rc; i++) {
        rc = take(j, r, &op->join.v[i], &taken);
        if (!rc && taken)
            rc = bb_vec_put(&seqs, &op->join.v[i].seq, sizeof op->join.v->seq);
    }
    op->join.taken = seqs.len / sizeof op->join.v->seq;
    if (!rc && op->join.taken) /* for who follows the events and is past these messages */
        rc = bb_event_ranges(j, r->id, BB_D_WAITING, (uint64_t *)(void *)seqs.p, op->join.taken);
    free(seqs.p);
    return rc ? rc : position_put(j, r, op->join.next, r->s.join_end);
}
