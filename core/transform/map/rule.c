/*
 * rule.c - rules from the configuration, by the tables of their arguments
 *
 * A rule is a row of the table below; its arguments are a table in the file of the rule. Everything
 * that can be wrong with a rule by itself is found here or in its check(), with its place, so that
 * `busbar check` finds it and a message never does.
 *
 * Thread: any. Ownership: a list owns its rules, a rule what its arguments made.
 */
#include "core/transform/map/map.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The table of rules: a new one is a row here. */
static const struct bb_rule_ops *const kinds[] = {
    &bb_rule_copy,   &bb_rule_rename, &bb_rule_constant, &bb_rule_default, &bb_rule_drop,
    &bb_rule_when,   &bb_rule_skip,   &bb_rule_reject,   &bb_rule_for_each, &bb_rule_filter,
    &bb_rule_number, &bb_rule_sort,   &bb_rule_merge,    &bb_rule_split,   &bb_rule_join,
    &bb_rule_template, &bb_rule_cast, &bb_rule_lookup,   &bb_rule_date,    &bb_rule_instant,
    &bb_rule_scale,  &bb_rule_round,  &bb_rule_convert, &bb_rule_prune,
    &bb_rule_gather};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* ---- pointers in it ----------------------------------------------------------------------------- */
void bb_rule_paths(const struct bb_rule *r, bb_path_visit visit, void *arg)
{
    if (r->when)
        bb_arg_cond.paths(&r->when, visit, arg);
    for (const struct bb_arg *a = r->ops->args; a->name; a++)
        if (a->kind->paths)
            a->kind->paths((const char *)r + a->offset, visit, arg);
}

/* ---- one rule ---------------------------------------------------------------------------------- */
static void rule_free(struct bb_rule *r)
{
    for (const struct bb_arg *a = r->ops->args; a->name; a++)
        if (a->kind->free)
            a->kind->free((char *)r + a->offset);
    if (r->ops->free)
        r->ops->free(r);
    bb_cond_free(r->when);
    free(r);
}

/* What every rule takes. */
static const struct bb_arg when_arg = {"when", &bb_arg_cond, offsetof(struct bb_rule, when), false};
#define WHEN_BIT 31

static const struct bb_arg *arg_find(const struct bb_rule_ops *ops, struct bb_bytes key)
{
    if (bb_bytes_are(key, "when") && ops != &bb_rule_when)
        return &when_arg;
    for (const struct bb_arg *a = ops->args; a->name; a++)
        if (bb_bytes_are(key, a->name))
            return a;
    return NULL;
}

static uint32_t arg_names(const struct bb_rule_ops *ops, const char *names[BB_ARGS_MAX + 1])
{
    uint32_t n = 0;

    for (const struct bb_arg *a = ops->args; a->name && n < BB_ARGS_MAX; a++)
        names[n++] = a->name;
    if (ops != &bb_rule_when)
        names[n++] = "when";
    return n;
}

static int args_read(struct bb_map_compile *m, struct bb_rule *r, struct bb_bytes v)
{
    const char *names[BB_ARGS_MAX + 1];
    const struct bb_arg *a;
    struct bb_bytes key, val;
    struct bb_cur cur;
    uint32_t n, bit, seen = 0;
    int rc = 0;

    if (!bb_group_of(v, BB_T_MAP, &cur, &n)) {
        char list[300] = "";
        size_t len = 0;

        for (a = r->ops->args; a->name && len < sizeof list; a++)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "", a->name);
        return bb_compile_say(m->c, "%s takes a map: {%s}", r->ops->name, list);
    }
    for (; n; n--) {
        if (bb_pair_next(&cur, &key, &val) != 0)
            return bb_compile_say(m->c, "damaged configuration");
        bb_compile_down(m->c, key);
        a = arg_find(r->ops, key);
        bit = a == &when_arg ? WHEN_BIT : a ? (uint32_t)(a - r->ops->args) : 0;
        if (!a)
            rc |= bb_compile_unknown(m->c, "option", key, names, arg_names(r->ops, names));
        else if (seen & 1u << bit)
            rc |= bb_compile_say(m->c, "given twice");
        else
            rc |= a->kind->read(m, a, val, (char *)r + a->offset);
        seen |= a ? 1u << bit : 0;
        bb_compile_up(m->c);
    }
    for (a = r->ops->args; a->name && rc == 0; a++)
        if (a->needed && !(seen & 1u << (a - r->ops->args)))
            rc = bb_compile_say(m->c, "%s needs \"%s\"", r->ops->name, a->name);
    return rc ? -1 : 0;
}

/* A value that is no map where the rule knows what it stands for. */
static int alone_read(struct bb_map_compile *m, struct bb_rule *r, struct bb_bytes v)
{
    const struct bb_arg *a =
        arg_find(r->ops, (struct bb_bytes){r->ops->alone, strlen(r->ops->alone)});

    return a->kind->read(m, a, v, (char *)r + a->offset);
}

static struct bb_rule *rule_new(struct bb_map_compile *m, const struct bb_rule_ops *ops,
                                struct bb_rules *list)
{
    struct bb_rule *r = calloc(1, ops->size);

    if (!r) {
        bb_compile_say(m->c, "out of memory");
        return NULL;
    }
    r->ops = ops;
    *list->last = r; /* in the list already: a rule read halfway is freed with the rest */
    list->last = &r->next;
    list->n++;
    return r;
}

static void rule_read(struct bb_map_compile *m, struct bb_bytes v, uint32_t number,
                      struct bb_rules *list)
{
    const char *names[KINDS], *around = m->number;
    struct bb_bytes key, val;
    struct bb_cur cur;
    struct bb_rule *r;
    uint32_t k, n;
    int rc;

    for (k = 0; k < KINDS; k++)
        names[k] = kinds[k]->name;
    if (!bb_one_pair(v, &key, &val)) {
        bb_compile_say(m->c, "a rule is a map with one key, such as - drop: /data/internal");
        return;
    }
    bb_compile_down(m->c, key);
    k = bb_word_of(key, names, KINDS);
    if (k == KINDS)
        bb_compile_unknown(m->c, "rule", key, names, KINDS);
    else if (m->n_rules++ == BB_RULES_MAX)
        bb_compile_say(m->c, "a map has at most %d rules", BB_RULES_MAX);
    r = k < KINDS && m->n_rules <= BB_RULES_MAX ? rule_new(m, kinds[k], list) : NULL;
    if (r) {
        snprintf(r->number, sizeof r->number, "%s%s%u", around ? around : "", around ? "." : "", number);
        m->number = r->number;
        if (m->c->rule)
            m->c->rule(m->c->rule_arg, m->c->step, r->number, r->ops->name);
        rc = r->ops->alone && !bb_group_of(val, BB_T_MAP, &cur, &n) ? alone_read(m, r, val)
                                                                   : args_read(m, r, val);
        if (rc == 0 && r->ops->check)
            r->ops->check(m, r);
        m->number = around;
    }
    bb_compile_up(m->c);
}

int bb_rules_read(struct bb_map_compile *m, struct bb_bytes list, struct bb_rules *r)
{
    uint32_t mistakes = m->c->mistakes, n;
    struct bb_bytes rule;
    struct bb_cur cur;

    r->first = NULL;
    r->last = &r->first;
    if (!bb_group_of(list, BB_T_ARRAY, &cur, &n))
        return bb_compile_say(m->c, "expected a list of rules, such as "
                                    "- rename: {from: /data/a, to: /data/b}");
    if (m->nest == BB_RULES_NEST)
        return bb_compile_say(m->c, "rules nest at most %d levels deep", BB_RULES_NEST);
    m->nest++;
    for (uint32_t k = 0; k < n && m->n_rules <= BB_RULES_MAX; k++) {
        bb_compile_down_n(m->c, k);
        if (bb_cur_value(&cur, &rule) == 0)
            rule_read(m, rule, k + 1, r);
        bb_compile_up(m->c);
    }
    m->nest--;
    if (m->c->mistakes == mistakes)
        bb_rules_lint(m, r);
    return m->c->mistakes > mistakes ? -1 : 0;
}

void bb_rules_free(struct bb_rules *r)
{
    while (r->first) {
        struct bb_rule *next = r->first->next;

        rule_free(r->first);
        r->first = next;
    }
}
