/*
 * rule.c - rules from the configuration: tables of arguments, and those that several rules take
 *
 * A rule is a row of the table below; its arguments are a table in the file of the rule. Everything
 * that can be wrong with a rule by itself is found here or in its check(), with its place, so that
 * `busbar check` finds it and a message never does.
 *
 * Thread: any. Ownership: a list owns its rules, a rule what its arguments made.
 */
#include "core/transform/map/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct bb_rule_ops *const kinds[] = {&bb_rule_copy, &bb_rule_rename, &bb_rule_constant,
                                                  &bb_rule_drop};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* ---- arguments that many rules take ------------------------------------------------------------ */
static int path_read(struct bb_map_compile *m, struct bb_bytes v, struct bb_path *path)
{
    struct bb_fault why = {0, ""};
    struct bb_bytes s;

    if (bb_as_str(v, &s) != 1)
        return bb_compile_say(m->c, "must be a pointer such as /data/qty, not %s", bb_kind_of(v));
    if (bb_path_compile(s, path, &why) != 0)
        return bb_compile_say(m->c, "%s", why.text);
    if (path->root == BB_ROOT_ENTRY && !m->entry)
        return bb_compile_say(m->c, "\"%s\" is for rules inside for_each; here pointers start with "
                                    "/data or /attributes", path->pointer);
    return 0;
}

static void path_free(void *member)
{
    bb_path_free(member);
}

static int from_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    (void)a;
    return path_read(m, v, member);
}
const struct bb_arg_kind bb_arg_from = {from_read, path_free};

/* Whether the rules here may change what is at p. */
static int change_check(struct bb_map_compile *m, const struct bb_path *p)
{
    if (m->entry && p->root != BB_ROOT_ENTRY)
        return bb_compile_say(m->c, "the rules inside for_each change the entry alone: \"./qty\"; %s "
                                    "can only be read here", p->pointer);
    return 0;
}

static int to_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct bb_path *to = member;

    (void)a;
    if (path_read(m, v, to) != 0 || change_check(m, to) != 0)
        return -1;
    if (to->root == BB_ROOT_ATTRIBUTES && to->n == 0)
        return bb_compile_say(m->c, "/attributes as a whole cannot be replaced; name one, "
                                    "/attributes/plant");
    if (to->root == BB_ROOT_ATTRIBUTES && bb_bytes_are(to->segs[0].text, "specversion"))
        return bb_compile_say(m->c, "specversion is always 1.0 and cannot be set");
    m->map->grows += 8;
    for (uint32_t k = 0; k < to->n; k++)
        m->map->grows += to->segs[k].raw.len;
    return 0;
}
const struct bb_arg_kind bb_arg_to = {to_read, path_free};

static int away_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct bb_path *p = member;

    (void)a;
    if (path_read(m, v, p) != 0 || change_check(m, p) != 0)
        return -1;
    if (p->n == 0)
        return bb_compile_say(m->c, "%s as a whole cannot be removed%s", p->pointer,
                              p->root != BB_ROOT_DATA ? ""
                              : "; to empty it: constant: {to: /data, value: null}");
    if (p->fixed)
        return bb_compile_say(m->c, "%s cannot be removed: every message has id, type, source and "
                                    "specversion", p->pointer);
    return 0;
}
const struct bb_arg_kind bb_arg_away = {away_read, path_free};

static int value_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct bb_bytes *out = member;
    struct bb_fault why = {0, ""};
    void *p;

    (void)a;
    if (bb_value_check(v, &why) != 0)
        return bb_compile_say(m->c, "%s", why.text);
    p = malloc(v.len);
    if (!p)
        return bb_compile_say(m->c, "out of memory");
    memcpy(p, v.ptr, v.len);
    *out = (struct bb_bytes){p, v.len};
    m->map->grows += v.len;
    return 0;
}

static void value_free(void *member)
{
    free((void *)(uintptr_t)((struct bb_bytes *)member)->ptr);
}
const struct bb_arg_kind bb_arg_value = {value_read, value_free};

static int truth_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    (void)a;
    return bb_as_bool(v, member) == 1 ? 0 : bb_compile_say(m->c, "must be true or false");
}
const struct bb_arg_kind bb_arg_truth = {truth_read, NULL};

/* ---- one rule ---------------------------------------------------------------------------------- */
static void rule_free(struct bb_rule *r)
{
    for (const struct bb_arg *a = r->ops->args; a->name; a++)
        if (a->kind->free)
            a->kind->free((char *)r + a->offset);
    free(r);
}

static const struct bb_arg *arg_find(const struct bb_rule_ops *ops, struct bb_bytes key)
{
    for (const struct bb_arg *a = ops->args; a->name; a++)
        if (bb_bytes_are(key, a->name))
            return a;
    return NULL;
}

static uint32_t arg_names(const struct bb_rule_ops *ops, const char *names[BB_ARGS_MAX])
{
    uint32_t n = 0;

    for (const struct bb_arg *a = ops->args; a->name && n < BB_ARGS_MAX; a++)
        names[n++] = a->name;
    return n;
}

static int args_read(struct bb_map_compile *m, struct bb_rule *r, struct bb_bytes v)
{
    const char *names[BB_ARGS_MAX];
    const struct bb_arg *a;
    struct bb_bytes key, val;
    struct bb_cur cur;
    uint32_t n, seen = 0;
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
        if (!a)
            rc |= bb_compile_unknown(m->c, "option", key, names, arg_names(r->ops, names));
        else if (seen & 1u << (a - r->ops->args))
            rc |= bb_compile_say(m->c, "given twice");
        else
            rc |= a->kind->read(m, a, val, (char *)r + a->offset);
        if (a)
            seen |= 1u << (a - r->ops->args);
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
