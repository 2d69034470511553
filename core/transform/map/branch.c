/*
 * branch.c - the rules that decide: when (then, else), skip, reject
 *
 * Thread: any. Ownership: see map.h.
 */
#include "core/transform/map/map.h"

#include <stddef.h>

struct when {
    struct bb_rule head;
    struct bb_cond *cond;
    struct bb_rules then, otherwise;
};
struct end { /* skip, reject */
    struct bb_rule head;
    char *why;
};

/* ---- when ------------------------------------------------------------------------------------------ */
static const struct bb_arg when_args[] = {
    {"if", &bb_arg_cond, offsetof(struct when, cond), true},
    {"then", &bb_arg_rules, offsetof(struct when, then), false},
    {"else", &bb_arg_rules, offsetof(struct when, otherwise), false},
    {NULL, NULL, 0, false}};

static int when_check(struct bb_map_compile *m, struct bb_rule *r)
{
    const struct when *p = (const struct when *)r;

    if (!p->then.n && !p->otherwise.n)
        return bb_compile_say(m->c, "when needs rules: \"then\", \"else\" or both");
    return 0;
}

static bb_status when_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct when *p = (const struct when *)r;
    bb_status s;
    int holds = bb_cond_holds(w, p->cond, &s);

    return holds < 0 ? s : bb_rules_run(w, holds ? &p->then : &p->otherwise);
}

const struct bb_rule_ops bb_rule_when = {
    .name = "when", .size = sizeof(struct when), .args = when_args, .check = when_check,
    .run = when_run};

/* ---- skip, reject ---------------------------------------------------------------------------------- */
static const struct bb_arg end_args[] = {
    {"why", &bb_arg_text, offsetof(struct end, why), true}, {NULL, NULL, 0, false}};

static bb_status skip_run(struct bb_work *w, const struct bb_rule *r)
{
    (void)bb_work_reject(w, ((const struct end *)r)->why, NULL);
    return BB_E_CANCEL;
}

static bb_status reject_run(struct bb_work *w, const struct bb_rule *r)
{
    return bb_work_reject(w, ((const struct end *)r)->why, NULL);
}

const struct bb_rule_ops bb_rule_skip = {
    .name = "skip", .size = sizeof(struct end), .args = end_args, .alone = "why", .run = skip_run};
const struct bb_rule_ops bb_rule_reject = {
    .name = "reject", .size = sizeof(struct end), .args = end_args, .alone = "why",
    .run = reject_run};
