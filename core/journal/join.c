/*
 * join.c - what is stored already becomes deliveries of a route that is new
 *
 * Retention keeps a message for the routes that its record names, so a message that joins gets the
 * route into its record, in the operation that puts it into the route's feed and notes how far that
 * has come: a crash leaves all of it or nothing, and the next start goes on behind it. A message
 * that was in quarantine because no route matched stays there, too: that is for a person to end.
 * Thread: the writer; bb_journal_joined any.
 */
#include <errno.h>
#include <stdio.h>
#include "core/journal/internal.h"

static void key_of(char key[100], const char *route)
{
    snprintf(key, 100, "start/%s", route);
}

static int through_put(struct bb_journal *j, const char *route, uint64_t through)
{
    char key[100];

    key_of(key, route);
    return bb_state_put(j, key, 1, (struct bb_bytes){&through, sizeof through});
}

int bb_join_begin(struct bb_journal *j, const struct bb_wroute *r, bool oldest)
{
    return through_put(j, r->name, oldest ? 0 : UINT64_MAX);
}

int bb_journal_joined(struct bb_journal *j, const char *route, uint64_t *through)
{
    struct bb_buf value;
    uint64_t version = 0;
    char key[100];
    int rc;

    key_of(key, route);
    *through = UINT64_MAX; /* a route of before there were such keys */
    bb_buf_init(&value, 64);
    rc = bb_journal_source_state(j, key, &value, &version);
    if (rc == 0 && version && value.len == sizeof *through)
        memcpy(through, value.ptr, sizeof *through);
    bb_buf_free(&value);
    return rc;
}

/* Its record with one match more: 0, -1 it names the route already or cannot be read, or a code. */
static int name_in_record(struct bb_journal *j, uint64_t seq, const struct bb_match *m)
{
    struct bb_record rec;
    struct bb_rec_msg h;
    MDB_val k = {8, &seq}, v;
    size_t matches;
    uint8_t *p;
    int rc = bb_get(j, BB_TAB_MSG, k, &v);

    if (rc == MDB_NOTFOUND) /* retention was faster: it was older than that */
        return -1;
    if (rc)
        return rc;
    if (bb_record_read(&v, seq, &rec) != 0 || rec.n_matches >= BB_MATCHES_MAX)
        return -1;
    for (size_t i = 0; i < rec.n_matches; i++) { /* they lie in the page as they fell */
        struct bb_match have;
        memcpy(&have, (const uint8_t *)rec.matches + i * sizeof have, sizeof have);
        if (have.route == m->route)
            return -1;
    }
    memcpy(&h, v.mv_data, sizeof h);
    h.n_matches++;
    matches = rec.n_matches * sizeof *m;
    j->scratch.len = 0;
    rc = bb_vec_room(&j->scratch, v.mv_size + sizeof *m);
    if (rc)
        return rc;
    p = j->scratch.p;
    memcpy(p, &h, sizeof h);
    memcpy(p + sizeof h, rec.matches, matches);
    memcpy(p + sizeof h + matches, m, sizeof *m);
    memcpy(p + sizeof h + matches + sizeof *m, rec.whole.ptr, rec.whole.len);
    h.crc = bb_crc32c(0, p + 4, v.mv_size + sizeof *m - 4);
    memcpy(p, &h.crc, 4);
    return bb_put(j, BB_TAB_MSG, k, p, v.mv_size + sizeof *m);
}

int bb_op_join(struct bb_journal *j, struct bb_op *op)
{
    struct bb_wroute *r = bb_wroute_get(j, op->join.route);
    const char *closed = atomic_load(&j->intake);
    int rc = 0;

    if (!r || closed) {
        bb_op_refuse(op, r ? BB_E_BUSY : BB_E_REJECT, "%s", r ? closed : "no such route");
        return 0;
    }
    for (size_t i = 0; i < op->join.n; i++) {
        struct bb_match m = {.route = r->id, .lane = op->join.v[i].lane};

        rc = name_in_record(j, op->join.v[i].seq, &m);
        if (rc == 0)
            rc = bb_feed_put(j, op->join.v[i].seq, &m);
        if (rc > 0 || rc < -1)
            return rc;
    }
    return through_put(j, r->name, op->join.through);
}
