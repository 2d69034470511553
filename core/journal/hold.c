/*
 * hold.c - operations that found no room, and who must wait behind them
 *
 * On a full disk an operation that does not fit even alone (a delivery's kept body, mostly) waits
 * here and is tried again, while the others go on. What touches the same lane, or the same delivery
 * where there is no lane, waits behind it: their order is what a lane promises; only a spill behind
 * one that has its row is as good before as after. All else may go ahead: ordinals of one route may
 * be settled in any order, and the hub counts only what was answered. Appends never get here: intake
 * is closed then. Thread: the writer.
 */
#include "core/journal/internal.h"

struct place { uint32_t route; uint64_t lane, seq; };

/* The i-th delivery that an operation touches. */
static bool place_at(const struct bb_op *op, size_t i, struct place *p)
{
    if (op->kind == BB_OP_SETTLE && i < op->settle.n) {
        const struct bb_settle *s = &op->settle.v[i];
        *p = (struct place){s->route, s->lane, s->seq};
    } else if (op->kind == BB_OP_MARK && i < op->mark.n) {
        const struct bb_mark *m = &op->mark.v[i];
        *p = (struct place){m->route, m->lane, m->seq};
    } else if (op->kind == BB_OP_KICK && i == 0) {
        *p = (struct place){op->kick.route, op->kick.lane, 0};
    } else {
        return false;
    }
    return true;
}

static bool touches(const struct bb_op *op, uint32_t route, const struct place *at)
{
    struct place p;
    for (size_t i = 0; place_at(op, i, &p); i++)
        if (p.route == route &&
            (!at || (p.lane == at->lane && (p.lane || p.seq == at->seq))))
            return true;
    return false;
}

static bool has_rows(const struct bb_op *op)
{
    for (size_t i = 0; op->kind == BB_OP_SETTLE && i < op->settle.n; i++)
        if (op->settle.v[i].ord != BB_ORD_NONE && !op->settle.v[i].parked)
            return false;
    return true;
}

static bool spills(const struct bb_op *op, size_t i)
{
    return op->kind == BB_OP_SETTLE && op->settle.v[i].to == BB_TO_SPILLED &&
           op->settle.v[i].ord != BB_ORD_NONE;
}

static bool stops(const struct bb_op *held, const struct bb_op *op)
{
    struct place p;
    if (held->kind == BB_OP_OPERATOR || op->kind == BB_OP_OPERATOR) { /* its lane is not known yet */
        const struct bb_op *oper = held->kind == BB_OP_OPERATOR ? held : op;
        const struct bb_op *other = oper == held ? op : held;
        return other->kind == BB_OP_OPERATOR ? other->oper.route == oper->oper.route
                                             : touches(other, oper->oper.route, NULL);
    }
    if (held->kind == op->kind) {
        if (op->kind == BB_OP_RESERVE)
            return held->reserve.route == op->reserve.route;
        if (op->kind == BB_OP_ROUTE || op->kind == BB_OP_STATE || op->kind == BB_OP_NOTE)
            return true;
    }
    for (size_t i = 0; place_at(op, i, &p); i++)
        if (touches(held, p.route, &p) && !(spills(op, i) && has_rows(held)))
            return true;
    return false;
}

bool bb_hold_stops(const struct bb_journal *j, const struct bb_op *op)
{
    for (const struct bb_op *h = j->held.head; h; h = h->next)
        if (stops(h, op))
            return true;
    return false;
}

void bb_hold_add(struct bb_journal *j, struct bb_op *op)
{
    if (!j->held.head)
        j->held.tail = &j->held.head;
    *j->held.tail = op;
    j->held.tail = &op->next;
    op->next = NULL;
    j->held.n++;
}

struct bb_op *bb_hold_take(struct bb_journal *j)
{
    struct bb_op *list = j->held.head;
    j->held.head = NULL;
    j->held.n = 0;
    return list;
}
