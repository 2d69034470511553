/*
 * move.c - the rules that move whole values: copy, rename, constant, default, drop
 *
 * Thread: any. Ownership: see map.h.
 */
#include "core/transform/map/map.h"

#include <stddef.h>

struct move { /* copy and rename; drop has only from */
    struct bb_rule head;
    struct bb_path from, to;
    int optional;
};
struct constant {
    struct bb_rule head;
    struct bb_path to;
    struct bb_bytes value;
};

/* ---- copy, rename -------------------------------------------------------------------------------- */
static const struct bb_arg copy_args[] = {
    {"from", &bb_arg_from, offsetof(struct move, from), true},
    {"to", &bb_arg_to, offsetof(struct move, to), true},
    {"optional", &bb_arg_truth, offsetof(struct move, optional), false},
    {NULL, NULL, 0, false}};
static const struct bb_arg rename_args[] = {
    {"from", &bb_arg_away, offsetof(struct move, from), true},
    {"to", &bb_arg_to, offsetof(struct move, to), true},
    {"optional", &bb_arg_truth, offsetof(struct move, optional), false},
    {NULL, NULL, 0, false}};

static int copy_check(struct bb_map_compile *m, struct bb_rule *r)
{
    const struct move *p = (const struct move *)r;

    m->map->deepens |= p->to.n > p->from.n || p->to.root != p->from.root;
    if (p->to.root == BB_ROOT_ATTRIBUTES && p->from.n == 0)
        return bb_compile_say_at(m->c, "from", "an attribute takes one value, not the whole of %s",
                                 p->from.pointer);
    return 0;
}

static int rename_check(struct bb_map_compile *m, struct bb_rule *r)
{
    const struct move *p = (const struct move *)r;

    m->map->deepens |= p->to.n > p->from.n || p->to.root != p->from.root;
    if (bb_path_within(&p->to, &p->from) && p->to.n > p->from.n)
        return bb_compile_say_at(m->c, "to", "%s lies inside %s, which is moved away", p->to.pointer,
                                 p->from.pointer);
    return 0;
}

static bb_status copy_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct move *p = (const struct move *)r;
    struct bb_span copy = {0};
    bb_status s;
    struct bb_span **from = bb_work_find(w, &p->from, !p->optional, &s);

    if (!from)
        return s;
    /* made before the target, which may lie inside it */
    if ((*from)->kind == BB_SPAN_LEAF)
        bb_span_move(&copy, *from);
    else if (bb_span_copy(w->level, &copy, *from) != 0)
        return bb_work_reject(w, w->level->why, &p->from);
    return bb_work_put(w, &p->to, &copy, &p->from);
}

static bb_status rename_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct move *p = (const struct move *)r;
    bb_status s;
    struct bb_span **from = bb_work_find(w, &p->from, !p->optional, &s), *moved;

    if (!from)
        return s;
    moved = *from;
    *from = moved->next;
    return bb_work_put(w, &p->to, moved, &p->from);
}

const struct bb_rule_ops bb_rule_copy = {
    .name = "copy", .size = sizeof(struct move), .args = copy_args, .check = copy_check,
    .run = copy_run};
const struct bb_rule_ops bb_rule_rename = {
    .name = "rename", .size = sizeof(struct move), .args = rename_args, .check = rename_check,
    .run = rename_run};

/* ---- drop ------------------------------------------------------------------------------------------ */
static const struct bb_arg drop_args[] = {
    {"at", &bb_arg_drop, offsetof(struct move, from), true}, {NULL, NULL, 0, false}};

static bb_status drop_run(struct bb_work *w, const struct bb_rule *r)
{
    bb_status s;
    struct bb_span **at = bb_work_find(w, &((const struct move *)r)->from, false, &s);

    if (at)
        *at = (*at)->next;
    return s;
}

const struct bb_rule_ops bb_rule_drop = {
    .name = "drop", .size = sizeof(struct move), .args = drop_args, .alone = "at", .run = drop_run};

/* ---- constant -------------------------------------------------------------------------------------- */
static const struct bb_arg constant_args[] = {
    {"to", &bb_arg_to, offsetof(struct constant, to), true},
    {"value", &bb_arg_value, offsetof(struct constant, value), true},
    {NULL, NULL, 0, false}};

static int constant_check(struct bb_map_compile *m, struct bb_rule *r)
{
    const struct constant *p = (const struct constant *)r;
    struct bb_bytes s;

    m->map->deepens |= p->to.n > 0; /* it may nest as deep as a message may */
    if (p->to.root != BB_ROOT_ATTRIBUTES)
        return 0;
    if (bb_as_str(p->value, &s) != 1)
        return bb_compile_say_at(m->c, "value", "an attribute's value is a string: put it in quotes");
    if (s.len > BB_ATTRIBUTE_MAX)
        return bb_compile_say_at(m->c, "value", "an attribute's value has at most %d bytes",
                                 BB_ATTRIBUTE_MAX);
    if (s.len == 0 && p->to.fixed)
        return bb_compile_say_at(m->c, "value", "%s cannot be empty", p->to.pointer);
    return 0;
}

static bb_status constant_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct constant *p = (const struct constant *)r;
    struct bb_span value = {0};

    bb_span_set(&value, p->value);
    return bb_work_put(w, &p->to, &value, &p->to);
}

const struct bb_rule_ops bb_rule_constant = {
    .name = "constant", .size = sizeof(struct constant), .args = constant_args,
    .check = constant_check, .run = constant_run};

/* ---- default --------------------------------------------------------------------------------------- */
static bb_status default_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct constant *p = (const struct constant *)r;
    bb_status s;
    struct bb_span **there = bb_work_find(w, &p->to, false, &s);

    if (s != BB_OK || (there && ((*there)->kind != BB_SPAN_LEAF || bb_span_type(*there) != BB_T_NIL)))
        return s;
    return constant_run(w, r);
}

static const struct bb_arg default_args[] = {
    {"to", &bb_arg_at, offsetof(struct constant, to), true},
    {"value", &bb_arg_value, offsetof(struct constant, value), true},
    {NULL, NULL, 0, false}};

const struct bb_rule_ops bb_rule_default = {
    .name = "default", .size = sizeof(struct constant), .args = default_args,
    .check = constant_check, .run = default_run};
