/*
 * append.c - new messages: claims, records, feeds; and the end of every transaction
 *
 * A message is written once, at the right end of its table. Feed entries and claims gather in
 * memory and go in as one value each at the end of the transaction. Thread: the writer.
 */
#include <errno.h>
#include <stdio.h>
#include "core/journal/internal.h"

#define CLAIM_CHUNK 4096u

static int check(struct bb_journal *j, struct bb_op *op)
{
    size_t bytes = 0;
    for (size_t i = 0; i < op->append.n; i++) {
        const struct bb_append_msg *m = &op->append.msgs[i];
        bb_claims_prefetch(&j->claims, m->claim);
        if (!m->whole.len || m->whole.len > BB_WHOLE_MAX - bytes ||
            m->n_match > BB_MATCHES_MAX ||
            m->match > op->append.n_matches || m->n_match > op->append.n_matches - m->match) {
            bb_op_refuse(op, BB_E_REJECT, "message %zu: empty, too long or matched beyond reason", i);
            return 0;
        }
        bytes += m->whole.len;
        for (uint32_t a = 0; a < m->n_match; a++) {
            const struct bb_match *t = &op->append.matches[m->match + a];
            if (t->route == BB_ROUTE_UNMATCHED || !bb_wroute_get(j, t->route)) {
                bb_op_refuse(op, BB_E_REJECT, "message %zu: no route has the number %u", i, t->route);
                return 0;
            }
            if (bb_wroute_get(j, t->route)->s.join) { /* it would come before older ones */
                bb_op_refuse(op, BB_E_REJECT, "message %zu: route %u takes older ones first", i, t->route);
                return 0;
            }
            for (uint32_t b = 0; b < a; b++)
                if (op->append.matches[m->match + b].route == t->route) {
                    bb_op_refuse(op, BB_E_REJECT, "message %zu: route %u matched twice", i, t->route);
                    return 0;
                }
        }
    }
    return 1;
}

static bool same_bytes(struct bb_bytes a, struct bb_bytes b)
{
    return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Attributes that a sender's retry may change. */
static bool volatile_name(struct bb_bytes s)
{
    return (s.len == 4 && memcmp(s.ptr, "time", 4) == 0) ||
           (s.len == 11 && memcmp(s.ptr, "traceparent", 11) == 0);
}

static bool find_attribute(struct bb_bytes map, struct bb_bytes name, struct bb_bytes *value)
{
    struct bb_cur c = bb_cur_of(map);
    struct bb_tok t;
    uint32_t n;
    if (bb_cur_next(&c, &t) != 0 || t.kind != BB_T_MAP)
        return false;
    for (n = t.n; n; n--) {
        if (bb_cur_next(&c, &t) != 0 || t.kind != BB_T_STR || bb_cur_value(&c, value) != 0)
            return false;
        if (same_bytes(t.s, name))
            return true;
    }
    return false;
}

/* Every lasting attribute of a is in b with the same value; *n counts them. */
static bool attributes_in(struct bb_bytes a, struct bb_bytes b, size_t *n)
{
    struct bb_cur c = bb_cur_of(a);
    struct bb_bytes va, vb;
    struct bb_tok t;
    uint32_t left;
    *n = 0;
    if (bb_cur_next(&c, &t) != 0 || t.kind != BB_T_MAP)
        return false;
    for (left = t.n; left; left--) {
        if (bb_cur_next(&c, &t) != 0 || t.kind != BB_T_STR || bb_cur_value(&c, &va) != 0)
            return false;
        if (volatile_name(t.s))
            continue;
        if (!find_attribute(b, t.s, &vb) || !same_bytes(va, vb))
            return false;
        (*n)++;
    }
    return true;
}

static bool same_message(struct bb_bytes a, struct bb_bytes b)
{
    struct bb_envelope ea, eb;
    size_t na, nb;
    if (same_bytes(a, b))
        return true;
    return bb_envelope_read(a, &ea, NULL) == 0 && bb_envelope_read(b, &eb, NULL) == 0 &&
           same_bytes(ea.data, eb.data) && attributes_in(ea.attributes, eb.attributes, &na) &&
           attributes_in(eb.attributes, ea.attributes, &nb) && na == nb;
}

/* 1: held is this message (or is gone, then its claim must do); 0: it is another; else a code < 0. */
static int held_same(struct bb_journal *j, uint64_t held, struct bb_bytes whole)
{
    struct bb_record rec;
    MDB_val v;
    int rc = bb_get(j, BB_TAB_MSG, (MDB_val){8, &held}, &v);
    if (rc == MDB_NOTFOUND)
        return 1;
    if (rc)
        return rc > 0 ? -rc : rc;
    if (bb_record_read(&v, held, &rec) != 0)
        return 1; /* damaged: nothing to compare with, and it is quarantined when it is read */
    return same_message(whole, rec.whole);
}

static int record_put(struct bb_journal *j, const struct bb_append_msg *m, uint32_t endpoint,
                      uint64_t seq, const struct bb_match *matches, uint16_t n)
{
    struct bb_rec_msg h = {.len = (uint32_t)m->whole.len,
                           .accept_ms = j->now_ms,
                           .endpoint = endpoint,
                           .n_matches = n,
                           .flags = m->conflict ? BB_REC_CONFLICT : 0,
                           .seq = seq};
    size_t len = sizeof h + n * sizeof *matches + m->whole.len;
    MDB_val k = {8, &seq};
    uint8_t *p = bb_new(j, BB_TAB_MSG, k, len);
    if (!p)
        return ENOMEM;
    memcpy(h.claim, m->claim, 16);
    memcpy(p, &h, sizeof h);
    memcpy(p + sizeof h, matches, n * sizeof *matches);
    memcpy(p + sizeof h + n * sizeof *matches, m->whole.ptr, m->whole.len);
    h.crc = bb_crc32c(0, p + 4, len - 4);
    memcpy(p, &h.crc, 4);
    return bb_new_put(j, BB_TAB_MSG, k, p, len);
}

static int unmatched(struct bb_journal *j, uint64_t seq, uint64_t conflict_with, const char *why)
{
    struct bb_row row = {.state = BB_D_QUARANTINED, .last_status = BB_E_REJECT};
    struct bb_wroute *r = j->routes[BB_ROUTE_UNMATCHED];
    struct bb_buf b;
    char text[400];
    bool told = conflict_with || why;
    int rc = bb_row_set(j, r, 0, seq, NULL, &row);
    if (rc)
        return rc;
    r->s.frontier = r->s.mark = ++r->s.tail;
    bb_buf_init(&b, 4096);
    bb_put_map(&b, told ? 3 : 1);
    bb_put_cstr(&b, "reason");
    bb_put_cstr(&b, conflict_with ? "conflict" : why ? "not its owner" : "no route matched");
    if (told) {
        if (conflict_with)
            snprintf(text, sizeof text, "same id as message %llu with another body",
                     (unsigned long long)conflict_with);
        else
            snprintf(text, sizeof text, "%s", why);
        bb_put_cstr(&b, "status");
        bb_put_cstr(&b, "reject");
        bb_put_cstr(&b, "text");
        bb_put_cstr(&b, text);
    }
    rc = b.failed ? ENOMEM
                  : bb_event_detail(j, r->id, seq, BB_D_QUARANTINED,
                                    (struct bb_bytes){b.ptr, b.len});
    bb_buf_free(&b);
    return rc;
}

int bb_feed_put(struct bb_journal *j, uint64_t seq, const struct bb_match *m)
{
    struct bb_wroute *r = bb_wroute_get(j, m->route);
    struct bb_rec_feed e = {seq, m->lane};
    int rc = bb_wroute_touch(j, r);
    if (!rc)
        rc = bb_vec_put(&r->feed, &e, sizeof e);
    if (!rc)
        r->s.tail++;
    return rc;
}

static int append_one(struct bb_journal *j, struct bb_op *op, struct bb_append_msg *m)
{
    static const struct bb_match none = {BB_ROUTE_UNMATCHED, 0, 0};
    const struct bb_match *matches = m->n_match ? op->append.matches + m->match : NULL;
    bool claim = bb_le64(m->claim) || bb_le64(m->claim + 8);
    uint64_t held = claim ? bb_claims_get(&j->claims, m->claim) : 0, seq;
    int rc = held ? held_same(j, held, m->whole) : 0;
    if (rc < 0)
        return -rc;
    m->duplicate = held && rc == 1;
    m->conflict = held && rc == 0;
    if (m->duplicate) {
        m->seq = held;
        j->m.counters.duplicates++;
        return 0;
    }
    m->seq = seq = j->m.next_seq++;
    j->m.counters.accepted++;
    j->m.counters.conflicts += m->conflict;
    if (m->conflict || !m->n_match) {
        rc = record_put(j, m, op->append.endpoint, seq, &none, 1);
        if (!rc)
            rc = unmatched(j, seq, m->conflict ? held : 0, m->why);
    } else {
        rc = record_put(j, m, op->append.endpoint, seq, matches, (uint16_t)m->n_match);
        for (uint32_t i = 0; i < m->n_match && !rc; i++)
            rc = bb_feed_put(j, seq, &matches[i]);
    }
    if (!rc && claim && !m->conflict) {
        struct bb_rec_claim e = {.seq = seq};
        memcpy(e.fingerprint, m->claim, 16);
        rc = bb_claims_add(&j->claims, e.fingerprint, seq);
        if (!rc && (rc = bb_vec_put(&j->claim_new, &e, sizeof e)) != 0)
            bb_claims_del(&j->claims, e.fingerprint, seq);
    }
    return rc;
}

int bb_op_append(struct bb_journal *j, struct bb_op *op)
{
    int rc = 0;
    op->append.commit_ms = j->now_ms;
    if (!check(j, op))
        return 0;
    if (op->append.state_key) {
        rc = bb_state_check(j, op, op->append.state_key, op->append.state_expected,
                            op->append.state);
        if (rc <= 0)
            return -rc;
        op->append.state_version = op->append.state_expected + 1;
        rc = bb_state_put(j, op->append.state_key, op->append.state_version, op->append.state);
    }
    for (size_t i = 0; i < op->append.n && !rc; i++)
        rc = append_one(j, op, &op->append.msgs[i]);
    return rc;
}

/* ---- the end of a transaction ------------------------------------------------------------------- */
static int flush_feed(struct bb_journal *j, struct bb_wroute *r)
{
    size_t n = r->feed.len / sizeof(struct bb_rec_feed);
    int rc = 0;
    for (size_t at = 0; at < n && !rc; at += BB_FEED_CHUNK) {
        size_t part = n - at < BB_FEED_CHUNK ? n - at : BB_FEED_CHUNK;
        struct bb_key kb;
        rc = bb_put(j, BB_TAB_FEED, bb_key_of(&kb, r->id, 1, r->feed_first + at, 0, 0),
                    r->feed.p + at * sizeof(struct bb_rec_feed), part * sizeof(struct bb_rec_feed));
    }
    return rc;
}

/* Drops the chunks that the frontier has passed and finds the message at the frontier. */
static int flush_frontier(struct bb_journal *j, struct bb_wroute *r)
{
    uint64_t F = r->s.frontier;
    struct bb_key kb;
    MDB_val k, v;
    int rc = 0;
    MDB_cursor *c = bb_cur(j, BB_TAB_FEED, &rc);
    if (rc)
        return rc;
    k = bb_key_of(&kb, r->id, 1, 0, 0, 0);
    for (rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE); !rc && bb_key_in(&k, r->id, 12);
         rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
        uint64_t first = bb_rd64((uint8_t *)k.mv_data + 4);
        uint64_t n = v.mv_size / sizeof(struct bb_rec_feed);
        if (first + n > F) {
            if (first > F)
                return MDB_CORRUPTED;
            r->s.frontier_seq =
                bb_le64((uint8_t *)v.mv_data + (F - first) * sizeof(struct bb_rec_feed));
            return 0;
        }
        rc = bb_del_at(j, BB_TAB_FEED, c, &k);
        if (rc)
            return rc;
    }
    return rc && rc != MDB_NOTFOUND ? rc : F < r->s.tail ? MDB_CORRUPTED : 0;
}

static int flush_due(struct bb_journal *j, struct bb_wroute *r)
{
    struct bb_key kb;
    MDB_val k, v;
    int rc = 0;
    MDB_cursor *c = bb_cur(j, BB_TAB_DUE, &rc);
    if (rc)
        return rc;
    k = bb_key_of(&kb, r->id, 3, 1, 0, 0);
    rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
    r->due_min_ms = !rc && bb_key_in(&k, r->id, 28) ? bb_rd64((uint8_t *)k.mv_data + 4) : 0;
    r->due_changed = rc && rc != MDB_NOTFOUND;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int flush_route(struct bb_journal *j, struct bb_wroute *r)
{
    static const enum bb_dstate ends[3] = {BB_D_DELIVERED, BB_D_SKIPPED, BB_D_DISCARDED};
    struct bb_rec_route rec = {.flags = r->s.removed ? BB_REC_REMOVED : 0,
                               .mark = r->s.mark,
                               .name_len = (uint16_t)strlen(r->name)};
    uint32_t words = r->s.bits ? BB_WINDOW_WORDS : 0;
    struct bb_key kb;
    int rc = flush_feed(j, r);
    if (!rc && (r->s.frontier != r->saved.frontier ||
                (r->saved.frontier == r->saved.tail && r->s.tail != r->saved.tail)))
        rc = flush_frontier(j, r);
    if (!rc)
        rc = bb_oldest_flush(j, r);
    if (!rc && r->due_changed)
        rc = flush_due(j, r);
    for (int i = 0; i < 3 && !rc; i++)
        if (r->done[i].len)
            rc = bb_event_ranges(j, r->id, ends[i], (uint64_t *)(void *)r->done[i].p,
                                 r->done[i].len / 8);
    if (rc)
        return rc;
    while (words && !r->window[words - 1])
        words--;
    rec.frontier = r->s.frontier;
    rec.tail = r->s.tail;
    rec.frontier_seq = r->s.frontier_seq;
    rec.window_words = words;
    memcpy(rec.counts, r->s.counts, sizeof rec.counts);
    j->scratch.len = 0;
    rc = bb_vec_put(&j->scratch, &rec, sizeof rec);
    if (!rc)
        rc = bb_vec_put(&j->scratch, r->name, rec.name_len);
    if (!rc)
        rc = bb_vec_put(&j->scratch, r->window, 8 * (size_t)words);
    bb_be32(kb.b, r->id);
    return rc ? rc : bb_put(j, BB_TAB_ROUTE, (MDB_val){4, kb.b}, j->scratch.p, j->scratch.len);
}

static int flush_claims(struct bb_journal *j)
{
    const struct bb_rec_claim *e = (const void *)j->claim_new.p;
    size_t n = j->claim_new.len / sizeof *e;
    int rc = 0;
    for (size_t at = 0; at < n && !rc; at += CLAIM_CHUNK) {
        size_t part = n - at < CLAIM_CHUNK ? n - at : CLAIM_CHUNK, len = 8 + part * sizeof *e;
        uint64_t first = e[at].seq;
        MDB_val k = {8, &first};
        uint8_t *p = bb_new(j, BB_TAB_CLAIM, k, len);
        if (!p)
            return ENOMEM;
        memcpy(p, &j->now_ms, 8);
        memcpy(p + 8, e + at, part * sizeof *e);
        rc = bb_new_put(j, BB_TAB_CLAIM, k, p, len);
    }
    return rc;
}

static int flush_meta(struct bb_journal *j)
{
    const struct { const char *name; const void *p, *was; size_t n; } t[] = {
        {"seq", &j->m.next_seq, &j->m_saved.next_seq, 8},
        {"eseq", &j->m.next_eseq, &j->m_saved.next_eseq, 8},
        {"route", &j->m.next_route, &j->m_saved.next_route, 4},
        {"name", &j->m.next_name, &j->m_saved.next_name, 4},
        {"counters", &j->m.counters, &j->m_saved.counters, sizeof j->m.counters}};
    int rc = 0;
    for (size_t i = 0; i < sizeof t / sizeof *t && !rc; i++)
        if (memcmp(t[i].p, t[i].was, t[i].n) != 0)
            rc = bb_put(j, BB_TAB_META, (MDB_val){strlen(t[i].name), (void *)t[i].name}, t[i].p,
                        t[i].n);
    return rc;
}

int bb_flush(struct bb_journal *j)
{
    int rc = 0;
    for (size_t i = 0; i < j->n_routes && !rc; i++)
        if (j->routes[i] && j->routes[i]->touched)
            rc = flush_route(j, j->routes[i]);
    if (!rc)
        rc = flush_claims(j);
    return rc ? rc : flush_meta(j);
}
