/*
 * arg.c - the arguments that several rules take: pointers, values, texts, numbers, rules, conditions
 *
 * Each kind reads its value from the configuration into a member of the rule, with every mistake said at
 * its place, frees it, and shows the pointers in it to lint.c.
 *
 * Thread: any. Ownership: what a kind reads belongs to the rule.
 */
#include "core/transform/map/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void one_path(const void *member, bb_path_visit visit, void *arg, unsigned effect)
{
    const struct bb_path *p = member;

    if (p->pointer)
        visit(arg, p, effect);
}

static int from_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    (void)a;
    return path_read(m, v, member);
}

static void from_paths(const void *member, bb_path_visit visit, void *arg)
{
    one_path(member, visit, arg, BB_READS);
}
const struct bb_arg_kind bb_arg_from = {from_read, path_free, from_paths};

/* Whether the rules here may change what is at p. */
static int change_check(struct bb_map_compile *m, const struct bb_path *p)
{
    if (m->entry && p->root != BB_ROOT_ENTRY)
        return bb_compile_say(m->c, "the rules inside for_each change the entry alone, such as "
                                    "\"./qty\"; %s can only be read here", p->pointer);
    return 0;
}

static int target_check(struct bb_map_compile *m, const struct bb_path *to)
{
    if (change_check(m, to) != 0)
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

static int to_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    (void)a;
    return path_read(m, v, member) != 0 ? -1 : target_check(m, member);
}

static void to_paths(const void *member, bb_path_visit visit, void *arg)
{
    one_path(member, visit, arg, BB_WRITES);
}
const struct bb_arg_kind bb_arg_to = {to_read, path_free, to_paths};

/* What a rule changes where it is. */
static void at_paths(const void *member, bb_path_visit visit, void *arg)
{
    one_path(member, visit, arg, BB_READS | BB_WRITES);
}
const struct bb_arg_kind bb_arg_at = {to_read, path_free, at_paths};

int bb_to_default(struct bb_map_compile *m, const struct bb_path *from, struct bb_path *to)
{
    struct bb_fault why = {0, ""};

    if (to->pointer)
        return 0;
    if (bb_path_compile((struct bb_bytes){from->pointer, strlen(from->pointer)}, to, &why) != 0)
        return bb_compile_say(m->c, "%s", why.text);
    return target_check(m, to);
}

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

static void away_paths(const void *member, bb_path_visit visit, void *arg)
{
    one_path(member, visit, arg, BB_READS | BB_REMOVES);
}
const struct bb_arg_kind bb_arg_away = {away_read, path_free, away_paths};

/* The same, and nobody looks at it. */
static void drop_paths(const void *member, bb_path_visit visit, void *arg)
{
    one_path(member, visit, arg, BB_REMOVES);
}
const struct bb_arg_kind bb_arg_drop = {away_read, path_free, drop_paths};

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
const struct bb_arg_kind bb_arg_value = {value_read, value_free, NULL};

static int truth_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    (void)a;
    return bb_as_bool(v, member) == 1 ? 0 : bb_compile_say(m->c, "must be true or false");
}
const struct bb_arg_kind bb_arg_truth = {truth_read, NULL, NULL};

static int text_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct bb_bytes s;

    (void)a;
    if (bb_as_str(v, &s) != 1 || memchr(s.ptr, 0, s.len))
        return bb_compile_say(m->c, "must be a text, not %s: put it in quotes", bb_kind_of(v));
    *(char **)member = strndup(s.ptr, s.len);
    m->map->grows += s.len;
    return *(char **)member ? 0 : bb_compile_say(m->c, "out of memory");
}

static void text_free(void *member)
{
    free(*(char **)member);
}
const struct bb_arg_kind bb_arg_text = {text_read, text_free, NULL};

/* Kept plus one: 0 is "not given". */
static int whole_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    int64_t i;

    (void)a;
    if (bb_as_int(v, &i) != 1 || i < 0 || i > 1000000000)
        return bb_compile_say(m->c, "must be a whole number from 0 to 1000000000");
    *(int64_t *)member = i + 1;
    return 0;
}
const struct bb_arg_kind bb_arg_whole = {whole_read, NULL, NULL};

/* ---- rules and conditions inside rules ----------------------------------------------------------- */
static int rules_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    const char *number = m->number;
    char branch[32];
    int rc;

    if (strcmp(a->name, "else") == 0) {
        snprintf(branch, sizeof branch, "%s.else", number);
        m->number = branch;
    }
    rc = bb_rules_read(m, v, member);
    m->number = number;
    return rc;
}

static void rules_free(void *member)
{
    bb_rules_free(member);
}

static void rules_paths(const void *member, bb_path_visit visit, void *arg)
{
    const struct bb_rules *r = member;

    for (const struct bb_rule *k = r->first; k; k = k->next)
        bb_rule_paths(k, visit, arg);
}
const struct bb_arg_kind bb_arg_rules = {rules_read, rules_free, rules_paths};

/* reads as kind does, with pointers into the entry of a list allowed */
static int entry_read(struct bb_map_compile *m, const struct bb_arg_kind *kind, const struct bb_arg *a,
                      struct bb_bytes v, void *member)
{
    bool entry = m->entry;
    int rc;

    m->entry = true;
    rc = kind->read(m, a, v, member);
    m->entry = entry;
    return rc;
}

static int entry_rules_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v,
                            void *member)
{
    return entry_read(m, &bb_arg_rules, a, v, member);
}

struct outside { /* of a visit: the entry's own pointers mean nothing outside */
    bb_path_visit visit;
    void *arg;
};

static void outside_visit(void *arg, const struct bb_path *path, unsigned effect)
{
    const struct outside *o = arg;

    if (path->root != BB_ROOT_ENTRY)
        o->visit(o->arg, path, effect);
}

static void entry_rules_paths(const void *member, bb_path_visit visit, void *arg)
{
    struct outside o = {visit, arg};

    rules_paths(member, outside_visit, &o);
}
const struct bb_arg_kind bb_arg_entry_rules = {entry_rules_read, rules_free, entry_rules_paths};

static int entry_cond_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v,
                           void *member)
{
    return entry_read(m, &bb_arg_cond, a, v, member);
}

static void entry_cond_free(void *member)
{
    bb_arg_cond.free(member);
}

static void entry_cond_paths(const void *member, bb_path_visit visit, void *arg)
{
    struct outside o = {visit, arg};

    bb_arg_cond.paths(member, outside_visit, &o);
}
const struct bb_arg_kind bb_arg_entry_cond = {entry_cond_read, entry_cond_free, entry_cond_paths};

static int entry_from_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v,
                           void *member)
{
    return entry_read(m, &bb_arg_from, a, v, member);
}
const struct bb_arg_kind bb_arg_entry_from = {entry_from_read, path_free, NULL};

static int entry_to_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v,
                         void *member)
{
    return entry_read(m, &bb_arg_to, a, v, member);
}
const struct bb_arg_kind bb_arg_entry_to = {entry_to_read, path_free, NULL};
