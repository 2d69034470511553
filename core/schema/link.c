/*
 * link.c - what is known once all nodes are there: short ways through the program
 *
 * References gone through: who refers to a node that is nothing but a $ref refers to its target,
 * unless a $dynamicRef could ask which resources were entered on the way.
 *
 * Swift nodes: most values are short texts and flags under a rule or two. For such a node it is
 * noted which test accepts a value at once (bb_node_swift()); what that does not accept is checked
 * in full, so it never decides that something does not hold.
 *
 * Watched names: "if", "then" and anyOf of an object mostly ask whether a few members are there and
 * what they hold. Such a node (sparse) gives each of its names a number, and the object's own node,
 * which walks all members anyway, notes where the members of those names are. A sparse node that
 * finds a note of all its names walks nothing. Numbers belong to the program: 64 of them.
 *
 * Thread: the compilation's. Invariant: nothing here changes what a check says; a name that got no
 * number, a mask that is not complete or a note that is not there mean a walk, no more.
 */
#include "core/schema/internal.h"

#include <stdlib.h>

#define SPARSE_NAMES 4 /* more than that in one node is no condition but a description */
#define ROUNDS 16
#define STEPS 32

/* ---- references --------------------------------------------------------------------------------- */
static bool only_ref(const struct bb_snode *n)
{
    const struct bb_slogic *l = n->logic;

    return l && l->ref && !l->dynamic && !l->n_all && !l->n_any && !l->n_one && !l->no && !l->cond &&
           n->types == BB_K_ALL && !n->num && !n->str && !n->arr && !n->obj && !n->values &&
           !n->constant && n->flags == (l->ref->flags & BB_NODE_SECRET);
}

static void through(const struct bb_snode **at)
{
    unsigned steps;

    for (steps = 0; *at && steps < STEPS && only_ref(*at); steps++)
        *at = (*at)->logic->ref;
}

static void list_through(const struct bb_snode **list, uint32_t n)
{
    while (n--)
        through(list++);
}

/* The parts lie in the arena, const to all but the compilation. */
#define MINE(type, part) ((type *)(uintptr_t)(part))

static void references_shorten(const struct bb_snode *n)
{
    struct bb_slogic *l = MINE(struct bb_slogic, n->logic);
    struct bb_sarr *a = MINE(struct bb_sarr, n->arr);
    uint32_t i;

    for (i = 0; n->obj && n->obj->keys && i < n->obj->keys->n; i++)
        through(&n->obj->keys->v[i].node);
    if (a) {
        list_through(a->prefix, a->n_prefix);
        through(&a->items);
    }
    if (!l)
        return;
    through(&l->ref);
    list_through(l->all, l->n_all);
    list_through(l->any, l->n_any);
    list_through(l->one, l->n_one);
    through(&l->cond);
    through(&l->then);
    through(&l->other);
}

/* ---- swift nodes -------------------------------------------------------------------------------- */
static uint8_t swift_kind(const struct bb_snode *n)
{
    if (n->flags & BB_NODE_NEVER || n->logic || n->constant)
        return BB_SWIFT_NONE;
    if (n->values)
        return n->types & BB_K_STR && !n->str ? BB_SWIFT_ENUM : BB_SWIFT_NONE;
    if (n->types & BB_K_STR)
        return n->str && n->str->pattern ? BB_SWIFT_NONE : BB_SWIFT_TEXT;
    return n->types & BB_K_BOOL ? BB_SWIFT_BOOL : BB_SWIFT_NONE;
}

/* Bytes that surely are at least min code points, in a text of one-byte length. */
static uint32_t bytes_for(uint32_t min)
{
    return min < 8 ? (min ? 4 * min - 3 : 0) : UINT32_MAX;
}

static void swift_mark(struct bb_snode *n)
{
    n->swift = swift_kind(n);
    if (n->swift != BB_SWIFT_TEXT)
        return;
    n->swift_max = UINT32_MAX;
    if (n->str) {
        n->swift_min = bytes_for(n->str->min);
        n->swift_max = n->str->max;
        n->swift_format = n->str->format;
    }
}

/* "if" a swift test of a text holds and nothing comes "then": so does all of it. */
static void swift_condition(struct bb_snode *n)
{
    const struct bb_slogic *l = n->logic;

    if (!l || !l->cond || l->then || l->cond->swift != BB_SWIFT_TEXT || l->ref || l->dynamic ||
        l->n_all || l->n_any || l->n_one || l->no || n->str || n->values || n->constant ||
        !(n->types & BB_K_STR) || n->flags & BB_NODE_NEVER)
        return;
    n->swift = BB_SWIFT_TEXT;
    n->swift_min = l->cond->swift_min;
    n->swift_max = l->cond->swift_max;
    n->swift_format = l->cond->swift_format;
}

/* ---- watched names ------------------------------------------------------------------------------ */
struct watch {
    struct bb_build *b;
    struct bb_bytes names[BB_WATCH_MAX];
    unsigned n;
    uint64_t *need, *below; /* by made: of the node itself, of those that look at its value */
    uint8_t *under;         /* an object's node looks at the value before it */
};

static bool sparse(const struct bb_snode *n)
{
    const struct bb_sobj *o = n->obj;

    return o && o->keys && o->keys->n <= SPARSE_NAMES && !o->n_late && !o->min &&
           o->max == UINT32_MAX && !o->n_patterns && !o->n_depends && !o->additional && !o->names &&
           !o->unevaluated;
}

/* The number of a name; -1: all are given away. */
static int number_of(struct watch *w, const struct bb_sentry *e)
{
    unsigned i;

    for (i = 0; i < w->n; i++)
        if (w->names[i].len == e->len && memcmp(w->names[i].ptr, e->key, e->len) == 0)
            return (int)i;
    if (w->n == BB_WATCH_MAX)
        return -1;
    w->names[w->n] = (struct bb_bytes){e->key, e->len};
    return (int)w->n++;
}

static void names_number(struct watch *w, size_t at)
{
    struct bb_sobj *o = MINE(struct bb_sobj, w->b->made[at].node->obj);
    uint64_t need = 0;
    uint32_t i;
    int id;

    for (i = 0; i < o->keys->n; i++) {
        id = number_of(w, &o->keys->v[i]);
        if (id < 0)
            return;
        o->keys->v[i].watch = (uint8_t)(id + 1);
        need |= (uint64_t)1 << id;
    }
    o->need = w->need[at] = need;
}

static void spread_down(struct watch *w)
{
    const struct bb_build *b = w->b;
    bool more = true;
    unsigned rounds;
    size_t i;

    for (rounds = 0; more && rounds < ROUNDS; rounds++)
        for (more = false, i = 0; i < b->n_edges; i++)
            if (!w->under[b->edges[i].to] &&
                (w->under[b->edges[i].from] || b->made[b->edges[i].from].node->obj)) {
                w->under[b->edges[i].to] = 1;
                more = true;
            }
}

static void spread_up(struct watch *w)
{
    const struct bb_build *b = w->b;
    bool more = true;
    unsigned rounds;
    uint64_t got;
    size_t i;

    for (rounds = 0; more && rounds < ROUNDS; rounds++)
        for (more = false, i = b->n_edges; i--;) {
            got = w->below[b->edges[i].to] | w->need[b->edges[i].to];
            more |= (got & ~w->below[b->edges[i].from]) != 0;
            w->below[b->edges[i].from] |= got;
        }
}

/* The object's table learns the names of mask that it has not. */
static void names_add(struct watch *w, struct bb_sobj *o, uint64_t mask)
{
    struct bb_sarena *arena = &w->b->s->arena;
    uint32_t n = o->keys ? o->keys->n : 0, max = n + (uint32_t)__builtin_popcountll(mask);
    struct bb_sentry *e, *v;
    struct bb_stable *t;
    unsigned id;

    if (max > BB_TABLE_MAX || arena->total > arena->max / 2)
        return; /* a short way never makes a schema too large */
    t = bb_sarena_get(arena, sizeof(*t));
    v = bb_sarena_get(arena, max * sizeof(*v));
    if (!t || !v)
        return;
    if (n)
        memcpy(v, o->keys->v, n * sizeof(*v));
    t->v = v;
    t->n = n;
    for (id = 0; id < w->n; id++) {
        if (!(mask >> id & 1))
            continue;
        for (e = v; e < v + n; e++)
            if (e->len == w->names[id].len && memcmp(e->key, w->names[id].ptr, e->len) == 0)
                break;
        if (e == v + n) {
            e = &v[t->n++];
            e->key = w->names[id].ptr;
            e->len = (uint32_t)w->names[id].len;
            e->bit = -1;
        }
        e->watch = (uint8_t)(id + 1);
    }
    if (bb_stable_build(t, arena) != 0)
        return;
    o->keys = t;
    o->watch = mask;
}

static void watch_link(struct bb_build *b)
{
    struct watch w = {.b = b};
    size_t i;

    w.need = calloc(2 * b->n_made + 1, sizeof(*w.need));
    w.under = calloc(b->n_made + 1, 1);
    if (w.need && w.under) {
        w.below = w.need + b->n_made;
        spread_down(&w);
        for (i = 0; i < b->n_made; i++)
            if (w.under[i] && sparse(b->made[i].node))
                names_number(&w, i);
        spread_up(&w);
        for (i = 0; i < b->n_made; i++)
            if (w.below[i] && b->made[i].node->obj)
                names_add(&w, MINE(struct bb_sobj, b->made[i].node->obj), w.below[i]);
        b->s->n_watch = w.n;
    } else {
        b->s->arena.failed = true;
    }
    free(w.need);
    free(w.under);
}

void bb_program_link(struct bb_build *b)
{
    bool dynamic = false;
    size_t i;

    for (i = 0; i < b->n_made; i++)
        dynamic |= b->made[i].node->logic && b->made[i].node->logic->anchor;
    for (i = 0; !dynamic && i < b->n_made; i++)
        references_shorten(b->made[i].node);
    for (i = 0; i < b->n_made; i++)
        swift_mark(b->made[i].node);
    for (i = 0; i < b->n_made; i++)
        swift_condition(b->made[i].node);
    watch_link(b);
}
