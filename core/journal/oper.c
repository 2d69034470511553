/*
 * oper.c - operators, routes, source states, notes, names
 *
 * Thread: the writer. A refusal says what the operator can do instead.
 */
#include <errno.h>
#include "core/journal/internal.h"

/* ---- state: compare and set ------------------------------------------------------------------------ */
int bb_state_check(struct bb_journal *j, struct bb_op *op, const char *key, uint64_t expected,
                   struct bb_bytes value)
{
    MDB_val k = {strlen(key), (void *)key}, v;
    uint64_t have = 0;
    int rc;
    if (!k.mv_size || k.mv_size > 500 || value.len > 16u << 20) {
        bb_op_refuse(op, BB_E_REJECT, "state: its key has 1 to 500 bytes, its value at most 16 MiB");
        return 0;
    }
    rc = bb_get(j, BB_TAB_STATE, k, &v);
    if (rc && rc != MDB_NOTFOUND)
        return rc > 0 ? -rc : rc;
    if (!rc && v.mv_size >= 8)
        have = bb_le64(v.mv_data);
    if (have == expected)
        return 1;
    bb_op_refuse(op, BB_E_REJECT, "state version is %llu, not %llu", (unsigned long long)have,
                 (unsigned long long)expected);
    return 0;
}

int bb_state_put(struct bb_journal *j, const char *key, uint64_t version, struct bb_bytes value)
{
    MDB_val k = {strlen(key), (void *)key}, v = {8 + value.len, NULL};
    uint8_t *p = bb_new(j, BB_TAB_STATE, k, v.mv_size);
    if (!p)
        return ENOMEM;
    memcpy(p, &version, 8);
    if (value.len)
        memcpy(p + 8, value.ptr, value.len);
    v.mv_data = p;
    return mdb_put(j->txn, j->store.dbi[BB_TAB_STATE], &k, &v, 0);
}

int bb_op_state(struct bb_journal *j, struct bb_op *op)
{
    int rc = bb_state_check(j, op, op->state.key, op->state.expected, op->state.value);
    if (rc <= 0)
        return -rc;
    op->state.version = op->state.expected + 1;
    return bb_state_put(j, op->state.key, op->state.version, op->state.value);
}

int bb_op_note(struct bb_journal *j, struct bb_op *op)
{
    return bb_event_note(j, op->note.event);
}

int bb_op_name(struct bb_journal *j, struct bb_op *op)
{
    const char *name = op->route.name;
    struct bb_key kb;
    int rc;
    for (size_t i = 0; i < j->pub.n_names; i++) /* only this thread changes it */
        if (strcmp(j->pub.names[i], name) == 0) {
            op->route.id = (uint32_t)i;
            return 0;
        }
    op->route.id = j->m.next_name;
    bb_be32(kb.b, op->route.id);
    rc = bb_put(j, BB_TAB_NAME, (MDB_val){4, kb.b}, name, strlen(name));
    if (rc)
        return rc;
    j->m.next_name++;
    pthread_mutex_lock(&j->pub.lock);
    rc = bb_name_publish(j, op->route.id, name, strlen(name));
    pthread_mutex_unlock(&j->pub.lock);
    return rc;
}

/* ---- routes ------------------------------------------------------------------------------------------- */
static int route_remove(struct bb_journal *j, struct bb_op *op, struct bb_wroute *r)
{
    uint64_t pending, open;
    int rc;
    if (!r || r->s.removed) {
        bb_op_refuse(op, BB_E_REJECT, "no route %s", op->route.name);
        return 0;
    }
    pending = bb_route_pending(r->s.tail, r->s.counts);
    open = r->s.counts[BB_D_QUARANTINED];
    if (pending || open) {
        bb_op_refuse(op, BB_E_REJECT,
                     "route %s still has %llu pending and %llu quarantined: drain it, or discard them",
                     r->name, (unsigned long long)pending, (unsigned long long)open);
        return 0;
    }
    rc = bb_wroute_touch(j, r);
    r->s.removed = true;
    return rc ? rc : bb_join_end(j, r);
}

int bb_op_route(struct bb_journal *j, struct bb_op *op)
{
    const char *name = op->route.name;
    size_t len = strlen(name);
    struct bb_wroute *r = NULL;
    int rc;
    for (size_t i = 1; i < j->n_routes && !r; i++)
        if (j->routes[i] && strcmp(j->routes[i]->name, name) == 0)
            r = j->routes[i];
    if (!len || len >= sizeof r->name || strcmp(name, "unmatched") == 0) {
        bb_op_refuse(op, BB_E_REJECT, "a route's name has 1 to 63 characters and is not unmatched");
        return 0;
    }
    op->route.id = r ? r->id : 0;
    op->route.join = r ? r->s.join : 0;
    op->route.join_end = r ? r->s.join_end : 0;
    if (op->route.remove)
        return route_remove(j, op, r);
    if (r && !r->s.removed)
        return 0;
    if (!r) {
        r = bb_wroute_add(j, j->m.next_route, name, len);
        if (!r)
            return ENOMEM;
        op->route.id = j->m.next_route++;
        rc = op->route.oldest ? bb_join_begin(j, r) : 0;
        if (rc)
            return rc;
        op->route.join = r->s.join;
        op->route.join_end = r->s.join_end;
    }
    rc = bb_wroute_touch(j, r);
    r->s.removed = false;
    return rc;
}

/* ---- operators ------------------------------------------------------------------------------------------ */
static bool not_applied(int32_t status)
{
    return status == BB_E_RETRY || status == BB_E_DOWN || status == BB_E_CANCEL ||
           status == BB_E_REJECT || status == BB_E_UNSUP;
}

static bool may(struct bb_op *op, const struct bb_wroute *r, const struct bb_row *row)
{
    unsigned long long seq = op->oper.seq;
    if (op->oper.what == BB_OPER_RELEASE && row->state != BB_D_HELD)
        bb_op_refuse(op, BB_E_REJECT, "message %llu of route %s is quarantined, not held: replay it",
                     seq, r->name);
    else if (op->oper.what == BB_OPER_REPLAY && row->state != BB_D_QUARANTINED)
        bb_op_refuse(op, BB_E_REJECT, "message %llu of route %s is held, not quarantined: release it",
                     seq, r->name);
    else if (op->oper.what == BB_OPER_REPLAY && r->id == BB_ROUTE_UNMATCHED)
        bb_op_refuse(op, BB_E_REJECT, "message %llu went to no route: send it again once a route "
                     "matches (a conflict: with an id of its own), then discard it", seq);
    else if (op->oper.what == BB_OPER_REPLAY && row->flags & BB_ROW_OVERTAKEN &&
             !op->oper.overtaken_ok)
        bb_op_refuse(op, BB_E_REJECT, "message %llu of route %s was overtaken: later ones of its lane "
                     "went out, so it could undo them; --overtaken replays it all the same", seq,
                     r->name);
    else
        return true;
    return false;
}

/* A replayed delivery waits behind what its lane is doing, else it is due. */
static int replay(struct bb_journal *j, struct bb_wroute *r, uint64_t lane, uint64_t seq,
                  struct bb_row *row)
{
    struct bb_row h;
    uint64_t head;
    int rc = bb_lane_head(j, r, lane, &head, &h);
    row->state = BB_D_RETRYING;
    row->due_ms = j->now_ms;
    if (rc)
        return rc == MDB_NOTFOUND ? 0 : rc;
    row->state = BB_D_SPILLED;
    /* a head that is in flight, or that waits for one in the hub: woken by its settlement */
    if (head < seq || h.state == BB_D_INFLIGHT || (h.state == BB_D_SPILLED && !h.due_ms))
        row->due_ms = 0;
    return 0;
}

static int operator_event(struct bb_journal *j, const struct bb_op *op, enum bb_dstate to)
{
    static const char *const reason[] = {"released", "replayed", "discarded"};
    struct bb_buf b;
    int rc;
    bb_buf_init(&b, 4096);
    bb_put_map(&b, 2);
    bb_put_cstr(&b, "reason");
    bb_put_cstr(&b, reason[op->oper.what]);
    bb_put_cstr(&b, "who");
    bb_put_cstr(&b, op->oper.who ? op->oper.who : "");
    rc = b.failed ? ENOMEM
                  : bb_event_detail(j, op->oper.route, op->oper.seq, to,
                                    (struct bb_bytes){b.ptr, b.len});
    bb_buf_free(&b);
    return rc;
}

int bb_op_operator(struct bb_journal *j, struct bb_op *op)
{
    struct bb_wroute *r = bb_wroute_get(j, op->oper.route);
    struct bb_row old, row;
    struct bb_key kb;
    uint64_t lane, seq = op->oper.seq;
    MDB_val v;
    int rc = r && op->oper.what <= BB_OPER_DISCARD
                 ? bb_get(j, BB_TAB_OPEN, bb_key_of(&kb, r->id, 1, seq, 0, 0), &v)
                 : MDB_NOTFOUND;
    if (rc == MDB_NOTFOUND || (op->oper.who && strlen(op->oper.who) > 1024)) {
        bb_op_refuse(op, BB_E_REJECT, "message %llu of route %s is neither held nor quarantined",
                     (unsigned long long)seq, r ? r->name : "(unknown)");
        return 0;
    }
    if (rc)
        return rc;
    lane = bb_le64(v.mv_data);
    rc = bb_row_get(j, r->id, lane, seq, &old);
    if (rc)
        return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
    op->oper.row = row = old;
    if (!may(op, r, &old))
        return 0;
    if (op->oper.what == BB_OPER_DISCARD) {
        row.state = BB_D_DISCARDED;
        rc = bb_row_set(j, r, lane, seq, &old, NULL);
        r->s.counts[BB_D_DISCARDED]++;
    } else {
        row.attempts = 0;
        row.flags |= BB_ROW_RELEASED;
        row.state = BB_D_RETRYING;
        row.due_ms = j->now_ms;
        /* what was refused for good is not sent again: the message goes through today's transform */
        if (row.flags & BB_ROW_PARTIAL ||
            (row.last_status == BB_E_REJECT && !(row.flags & BB_ROW_MAYBE_SENT)))
            row.flags &= (uint8_t)~(BB_ROW_BODY | BB_ROW_PARTIAL);
        if (op->oper.what == BB_OPER_REPLAY) {
            rc = replay(j, r, lane, seq, &row);
            if (not_applied(old.last_status) && !(old.flags & BB_ROW_MAYBE_SENT)) {
                row.epoch++;
                row.flags &= (uint8_t)~BB_ROW_BODY;
            }
        }
        if (!rc)
            rc = bb_row_set(j, r, lane, seq, &old, &row);
    }
    op->oper.row = row;
    if (!rc)
        rc = operator_event(j, op, (enum bb_dstate)row.state);
    if (!rc && op->oper.what == BB_OPER_DISCARD && old.state == BB_D_HELD && lane)
        rc = bb_lane_wake(j, r, lane); /* it was what the lane waited for */
    return rc;
}
