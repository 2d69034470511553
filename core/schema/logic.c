/*
 * logic.c - subschemas that look at the same value: references, allOf, anyOf, oneOf, not, if
 *
 * A branch that may fail gets marks of its own, and they count only when it holds. When errors are
 * gathered, branches are still tried plainly; if none of anyOf or oneOf holds and only one of them
 * is for this kind of value, its errors are the ones that help, and they are gathered too.
 * Thread: the run's.
 */
#include "core/schema/internal.h"

/* A branch, tried: its end when it holds. Its marks are added to marks, if there are any. */
static const uint8_t *branch(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                             struct bb_smarks *marks)
{
    size_t scratch = r->scratch_used;
    struct bb_smarks own;
    const uint8_t *end;

    if (!marks)
        return bb_node_holds(r, n, p, NULL);
    if (!bb_marks_new(r, &own, marks->n))
        return NULL;
    end = bb_node_holds(r, n, p, &own);
    if (end)
        bb_marks_add(marks, &own);
    r->scratch_used = scratch;
    return end;
}

static unsigned kind_at(const uint8_t *p)
{
    uint8_t b = *p;

    if (b < 0x80 || b >= 0xe0)
        return BB_K_INT;
    if (b < 0xa0)
        return b < 0x90 ? BB_K_OBJECT : BB_K_ARRAY;
    if (b < 0xc0)
        return BB_K_STR;
    switch (bb_forms[b & 0x1f].kind) {
    case BB_T_NIL:
        return BB_K_NULL;
    case BB_T_BOOL:
        return BB_K_BOOL;
    case BB_T_STR:
        return BB_K_STR;
    case BB_T_ARRAY:
        return BB_K_ARRAY;
    case BB_T_MAP:
        return BB_K_OBJECT;
    default:
        return BB_K_INT | BB_K_NUMBER;
    }
}

/* Kinds that a node lets through, its references followed some steps. */
static unsigned kinds_of(const struct bb_snode *n)
{
    unsigned bits = n->types, steps;

    for (steps = 0; steps < 8 && n->logic && n->logic->ref; steps++) {
        n = n->logic->ref;
        bits &= n->types;
    }
    return n->flags & BB_NODE_NEVER ? 0 : bits;
}

/* Gathers the errors of the one branch that is for this kind of value. */
static bool closest(struct bb_schema_run *r, const struct bb_snode **list, uint32_t n,
                    const uint8_t *p)
{
    const struct bb_snode *one = NULL;
    unsigned kind = kind_at(p);
    uint32_t i, fit = 0;

    for (i = 0; r->gather && i < n; i++)
        if (kinds_of(list[i]) & kind) {
            one = list[i];
            fit++;
        }
    return fit != 1 || bb_node_check(r, one, p, NULL);
}

static bool any_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                      struct bb_smarks *marks, const uint8_t **end)
{
    const struct bb_slogic *l = n->logic;
    const uint8_t *at;
    bool holds = false;
    uint32_t i;

    for (i = 0; i < l->n_any && (!holds || marks); i++) {
        at = branch(r, l->any[i], p, marks);
        if (r->faulted)
            return false;
        if (at) {
            holds = true;
            *end = at;
        }
    }
    return holds || (bb_run_fail(r, n, "anyOf", p, "matches none of the %u alternatives",
                                 l->n_any) &&
                     closest(r, l->any, l->n_any, p));
}

static bool one_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                      struct bb_smarks *marks, const uint8_t **end)
{
    const struct bb_slogic *l = n->logic;
    const uint8_t *at;
    uint32_t i, first = 0, second = 0;

    for (i = 0; i < l->n_one && !second; i++) {
        at = branch(r, l->one[i], p, marks);
        if (r->faulted)
            return false;
        if (at && !first)
            first = i + 1;
        else if (at)
            second = i + 1;
        *end = at ? at : *end;
    }
    if (second)
        return bb_run_fail(r, n, "oneOf", p, "matches the alternatives %u and %u: only one may",
                           first - 1, second - 1);
    return first || (bb_run_fail(r, n, "oneOf", p, "matches none of the %u alternatives",
                                 l->n_one) &&
                     closest(r, l->one, l->n_one, p));
}

static bool if_check(struct bb_schema_run *r, const struct bb_slogic *l, const uint8_t *p,
                     struct bb_smarks *marks, const uint8_t **end)
{
    const uint8_t *at = branch(r, l->cond, p, marks);
    const struct bb_snode *next = at ? l->then : l->other;

    if (r->faulted)
        return false;
    *end = at ? at : *end;
    return !next || (*end = bb_node_check(r, next, p, marks));
}

/* The outermost resource that has the anchor decides. */
static const struct bb_snode *dynamic_find(struct bb_schema_run *r, const struct bb_slogic *l)
{
    const struct bb_snode *found = l->dynamic;
    const struct bb_sscope *at;
    size_t i;

    for (at = l->anchor ? r->scope : NULL; at; at = at->up) {
        if (!bb_run_work(r, r->s->n_dynamics))
            return found;
        for (i = 0; i < r->s->n_dynamics; i++)
            if (r->s->dynamics[i].resource == at->resource &&
                strcmp(r->s->dynamics[i].name, l->anchor) == 0)
                found = r->s->dynamics[i].node;
    }
    return found;
}

bool bb_logic_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                    struct bb_smarks *marks, const uint8_t **end)
{
    const struct bb_slogic *l = n->logic;
    uint32_t i;

    if (l->ref && !(*end = bb_node_check(r, l->ref, p, marks)))
        return false;
    if (l->dynamic && !(*end = bb_node_check(r, dynamic_find(r, l), p, marks)))
        return false;
    for (i = 0; i < l->n_all; i++)
        if (!(*end = bb_node_check(r, l->all[i], p, marks)))
            return false;
    if (l->n_any && !any_check(r, n, p, marks, end))
        return false;
    if (l->n_one && !one_check(r, n, p, marks, end))
        return false;
    if (l->no) {
        const uint8_t *at = bb_node_holds(r, l->no, p, NULL);
        if (r->faulted ||
            (at && !bb_run_fail(r, n, "not", p, "is of the kind that is excluded here")))
            return false;
    }
    return !l->cond || if_check(r, l, p, marks, end);
}
