/*
 * lint.c - what the rules of one list are to one another: lost writes, rules that can never match
 *
 * The list is gone through once with what is known for sure at each rule: what an earlier one wrote or
 * took away, whatever the message. Only what is certain is said; a rule with a condition makes what it
 * touches unknown. Lists inside rules are looked at by themselves.
 *
 * Thread: the compile's. Ownership: facts point into rules.
 */
#include "core/transform/map/map.h"

#include <stdlib.h>
#include <string.h>

struct fact { /* holds from a rule on, until something touches it */
    const struct bb_path *path;
    const struct bb_rule *rule;
    uint32_t index;        /* of the rule, from 0 */
    bool gone;             /* taken away; else written */
    bool dropped;          /* by drop: what is written inside it was not meant */
    bool read;             /* since it was written */
    struct bb_bytes value; /* of a constant; ptr NULL: not known */
};
struct lint {
    struct bb_map_compile *m;
    const struct bb_rule *rule;
    uint32_t index;
    const struct bb_arg *arg; /* the one that is looked at, NULL: the condition */
    bool certain;             /* the rule always does what it does */
    struct fact *facts;
    uint32_t n;
};

static bool is_certain(const struct bb_rule *r)
{
    if (r->when || r->ops == &bb_rule_when)
        return false;
    if (r->ops->maybe && r->ops->maybe(r))
        return false;
    for (const struct bb_arg *a = r->ops->args; a->name; a++)
        if (strcmp(a->name, "optional") == 0 && *(const int *)(const void *)((const char *)r + a->offset))
            return false;
    return true;
}

static bool appends(const struct bb_path *p)
{
    for (uint32_t k = 0; k < p->n; k++)
        if (p->segs[k].index == BB_INDEX_END)
            return true;
    return false;
}

static bool overlap(const struct bb_path *a, const struct bb_path *b)
{
    return bb_path_within(a, b) || bb_path_within(b, a);
}

static void forget(struct lint *l, uint32_t k)
{
    l->facts[k] = l->facts[--l->n];
}

/* A mistake at an argument of rule `index`: "/data/x" what "rule 3 (drop)" then. */
static void say(struct lint *l, uint32_t index, const struct bb_rule *r, const char *arg,
                const struct bb_path *path, const char *what, const struct bb_rule *other,
                const char *then)
{
    bb_compile_down_n(l->m->c, index);
    bb_compile_down(l->m->c, (struct bb_bytes){r->ops->name, strlen(r->ops->name)});
    bb_compile_say_at(l->m->c, arg, "%s %s rule %s (%s)%s", path->pointer, what, other->number,
                      other->ops->name, then);
    bb_compile_up(l->m->c);
    bb_compile_up(l->m->c);
}

/* The argument that a rule writes through, for the place. */
static const char *target_name(const struct bb_rule *r)
{
    for (const struct bb_arg *a = r->ops->args; a->name; a++)
        if (strcmp(a->name, "to") == 0 &&
            ((const struct bb_path *)(const void *)((const char *)r + a->offset))->pointer)
            return "to";
    return "at";
}

/* ---- reading --------------------------------------------------------------------------------------- */
static void reads(void *arg, const struct bb_path *path, unsigned effect)
{
    struct lint *l = arg;

    if (!(effect & (BB_READS | BB_REMOVES)))
        return;
    for (uint32_t k = 0; k < l->n; k++) {
        struct fact *f = &l->facts[k];

        f->read |= effect & BB_READS && overlap(path, f->path);
        if (f->gone && l->arg && l->rule->ops != &bb_rule_default && l->rule->ops != &bb_rule_when &&
            bb_path_within(path, f->path))
            say(l, l->index, l->rule, l->arg->name, path, "never has a value here:", f->rule,
                " took it away");
    }
}

/* ---- taking away ----------------------------------------------------------------------------------- */
static void fact_add(struct lint *l, const struct bb_path *path, bool gone)
{
    struct fact *f = &l->facts[l->n++];

    memset(f, 0, sizeof *f);
    f->path = path;
    f->rule = l->rule;
    f->index = l->index;
    f->gone = gone;
    f->dropped = gone && l->rule->ops == &bb_rule_drop;
    if (!gone && l->rule->ops == &bb_rule_constant)
        for (const struct bb_arg *a = l->rule->ops->args; a->name; a++)
            if (strcmp(a->name, "value") == 0)
                f->value = *(const struct bb_bytes *)(const void *)((const char *)l->rule + a->offset);
}

static void removes(void *arg, const struct bb_path *path, unsigned effect)
{
    struct lint *l = arg;

    if (!(effect & BB_REMOVES))
        return;
    for (uint32_t k = 0; k < l->n;) {
        struct fact *f = &l->facts[k];

        if (!f->gone && bb_path_within(f->path, path) && l->certain && l->rule->ops == &bb_rule_drop &&
            !f->read && f->rule != l->rule)
            say(l, f->index, f->rule, target_name(f->rule), f->path, "lies inside what", l->rule,
                " takes away, and nothing reads it before");
        if (overlap(f->path, path) && !(f->gone && !bb_path_within(f->path, path)))
            forget(l, k);
        else
            k++;
    }
    if (l->certain)
        fact_add(l, path, true);
}

/* ---- writing --------------------------------------------------------------------------------------- */
static void writes(void *arg, const struct bb_path *path, unsigned effect)
{
    struct lint *l = arg;

    if (!(effect & BB_WRITES) || appends(path))
        return;
    for (uint32_t k = 0; k < l->n;) {
        struct fact *f = &l->facts[k];
        bool inside = bb_path_within(path, f->path);

        if (!f->gone && bb_path_within(f->path, path) && l->certain && !f->read && f->rule != l->rule)
            say(l, l->index, l->rule, target_name(l->rule), path, "is written by", f->rule,
                " too, and nothing reads it between: one of them is lost");
        if (f->dropped && inside && path->n > f->path->n)
            say(l, l->index, l->rule, target_name(l->rule), path, "lies inside what", f->rule,
                " took away");
        if (overlap(f->path, path) && (f->gone || bb_path_within(f->path, path) || f->value.ptr))
            forget(l, k);
        else
            k++;
    }
    if (l->certain)
        fact_add(l, path, false);
}

/* ---- conditions ------------------------------------------------------------------------------------ */
static int known(void *arg, const struct bb_path *path, struct bb_bytes *value)
{
    const struct lint *l = arg;

    for (uint32_t k = 0; k < l->n; k++) {
        const struct fact *f = &l->facts[k];

        if (f->gone && bb_path_within(path, f->path))
            return 0;
        if (f->value.ptr && bb_path_within(path, f->path) && bb_path_within(f->path, path)) {
            *value = f->value;
            return 1;
        }
    }
    return -1;
}

static void cond_look(struct lint *l, const struct bb_cond *c, const char *arg)
{
    if (bb_cond_known(c, known, l) != 0)
        return;
    bb_compile_down_n(l->m->c, l->index);
    bb_compile_down(l->m->c, (struct bb_bytes){l->rule->ops->name, strlen(l->rule->ops->name)});
    bb_compile_say_at(l->m->c, arg, "this can never hold: rules before it say what is there");
    bb_compile_up(l->m->c);
    bb_compile_up(l->m->c);
}

static void rule_look(struct lint *l)
{
    const struct bb_rule *r = l->rule;

    l->certain = is_certain(r);
    l->arg = NULL;
    if (r->when) {
        cond_look(l, r->when, "when");
        bb_arg_cond.paths(&r->when, reads, l);
    }
    for (const struct bb_arg *a = r->ops->args; a->name; a++) {
        const char *member = (const char *)r + a->offset;

        l->arg = a;
        if (a->kind == &bb_arg_cond)
            cond_look(l, *(struct bb_cond *const *)(const void *)member, a->name);
        if (a->kind == &bb_arg_cond || a->kind == &bb_arg_rules || a->kind == &bb_arg_entry_cond ||
            a->kind == &bb_arg_entry_rules)
            l->arg = NULL;
        if (a->kind->paths)
            a->kind->paths(member, reads, l);
    }
    bb_rule_paths(r, removes, l);
    bb_rule_paths(r, writes, l);
}

static void count(void *arg, const struct bb_path *path, unsigned effect)
{
    (void)path;
    *(uint32_t *)arg += (effect & (BB_WRITES | BB_REMOVES)) != 0;
}

void bb_rules_lint(struct bb_map_compile *m, const struct bb_rules *r)
{
    struct lint l = {.m = m};
    uint32_t most = 1;

    for (const struct bb_rule *k = r->first; k; k = k->next)
        bb_rule_paths(k, count, &most);
    l.facts = calloc(2 * (size_t)most, sizeof *l.facts);
    if (!l.facts) {
        bb_compile_say(m->c, "out of memory");
        return;
    }
    for (l.rule = r->first; l.rule; l.rule = l.rule->next, l.index++)
        rule_look(&l);
    free(l.facts);
}
