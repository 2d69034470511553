/*
 * compile.c - steps from the configuration to compiled rules
 *
 * Everything that can be wrong with a rule by itself is found here, with its place, so that
 * `busbar check` finds it and a message never does.
 *
 * Thread: any. Ownership: the transform owns its rules, they own their paths and values.
 */
#include "core/transform/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 5 /* /1/map/0/rename/from */

const char *const bb_rule_names[BB_RULES] = {"copy", "rename", "constant", "drop"};

struct place { /* where in steps; stays where it is when something is wrong */
    struct bb_bytes part[DEPTH];
    char numbers[DEPTH][12];
    uint32_t n;
    struct bb_fault *err;
};

static void down(struct place *at, struct bb_bytes name)
{
    at->part[at->n++] = name;
}

static void down_n(struct place *at, uint32_t n)
{
    char *text = at->numbers[at->n];

    down(at, (struct bb_bytes){text, (size_t)snprintf(text, sizeof at->numbers[0], "%u", n)});
}

static void up(struct place *at)
{
    at->n--;
}

static void place_text(const struct place *at, char *pointer, size_t cap)
{
    size_t len = 0;

    for (uint32_t k = 0; k < at->n && len + at->part[k].len + 2 <= cap; k++)
        len += (size_t)snprintf(pointer + len, cap - len, "/%.*s", (int)at->part[k].len,
                                (const char *)at->part[k].ptr);
}

/* Says that word is none of words, with the nearest one if it is near. */
static int unknown(struct place *at, const char *what, struct bb_bytes word,
                   const char *const *words, size_t n, const char *list)
{
    const char *near;
    char text[41];

    snprintf(text, sizeof text, "%.*s", (int)(word.len < 40 ? word.len : 40),
             (const char *)word.ptr);
    near = bb_nearest(text, words, n);
    if (near)
        return bb_fail(at->err, "unknown %s \"%s\"; did you mean \"%s\"?", what, text, near);
    return bb_fail(at->err, "unknown %s \"%s\"; there are %s", what, text, list);
}

static uint32_t index_of(struct bb_bytes word, const char *const *words, uint32_t n)
{
    uint32_t k = 0;

    while (k < n && !bb_bytes_are(word, words[k]))
        k++;
    return k;
}

static bool group_of(struct bb_bytes v, uint32_t kind, struct bb_cur *c, uint32_t *n)
{
    struct bb_tok t;

    *c = bb_cur_of(v);
    if (bb_cur_next(c, &t) != 0 || t.kind != kind)
        return false;
    *n = t.n;
    return true;
}

static int pair_next(struct bb_cur *c, struct bb_bytes *key, struct bb_bytes *value)
{
    struct bb_bytes k;

    return bb_cur_value(c, &k) == 0 && bb_as_str(k, key) && bb_cur_value(c, value) == 0 ? 0 : -1;
}

/* A map with one key, which is the name of something. */
static bool one_pair(struct bb_bytes v, struct bb_bytes *key, struct bb_bytes *value)
{
    struct bb_cur c;
    uint32_t n;

    return group_of(v, BB_T_MAP, &c, &n) && n == 1 && pair_next(&c, key, value) == 0;
}

/* ---- one rule -------------------------------------------------------------------------------- */
static int path_read(struct place *at, struct bb_bytes v, struct bb_path *path)
{
    struct bb_bytes s;

    if (bb_as_str(v, &s) != 1)
        return bb_fail(at->err, "must be a pointer such as /data/qty");
    return bb_path_compile(s, path, at->err);
}

static int target_check(struct place *at, const struct bb_path *to)
{
    if (to->attributes && to->n == 0)
        return bb_fail(at->err, "/attributes as a whole cannot be replaced; name one, "
                                "/attributes/plant");
    if (to->attributes && bb_bytes_are(to->segs[0].text, "specversion"))
        return bb_fail(at->err, "specversion is always 1.0 and cannot be set");
    return 0;
}

static int removal_check(struct place *at, const struct bb_path *p)
{
    if (p->n == 0)
        return bb_fail(at->err, "%s as a whole cannot be removed%s", p->pointer,
                       p->attributes ? "" : "; to empty it: constant: {to: /data, value: null}");
    if (p->fixed)
        return bb_fail(at->err, "%s cannot be removed: every message has id, type, source and "
                                "specversion", p->pointer);
    return 0;
}

static int value_keep(struct place *at, struct bb_bytes v, struct bb_bytes *out)
{
    void *p = malloc(v.len);

    if (!p)
        return bb_fail(at->err, "out of memory");
    memcpy(p, v.ptr, v.len);
    *out = (struct bb_bytes){p, v.len};
    return 0;
}

static int constant_check(struct place *at, const struct bb_rule *r)
{
    struct bb_bytes s;

    if (bb_value_check(r->value, at->err) != 0)
        return -1;
    if (!r->to.attributes)
        return 0;
    if (bb_as_str(r->value, &s) != 1)
        return bb_fail(at->err, "an attribute's value is a string: put it in quotes");
    if (s.len > BB_ATTRIBUTE_MAX)
        return bb_fail(at->err, "an attribute's value has at most %d bytes", BB_ATTRIBUTE_MAX);
    if (s.len == 0 && r->to.fixed)
        return bb_fail(at->err, "%s cannot be empty", r->to.pointer);
    return 0;
}

enum { ARG_FROM, ARG_TO, ARG_VALUE, ARG_OPTIONAL, ARGS };
static const char *const arg_names[ARGS] = {"from", "to", "value", "optional"};
#define BIT(arg) (1u << (arg))
static const struct {
    uint32_t takes, needs;
    const char *list;
} forms[] = {
    [BB_RULE_COPY] = {BIT(ARG_FROM) | BIT(ARG_TO) | BIT(ARG_OPTIONAL), BIT(ARG_FROM) | BIT(ARG_TO),
                      "from, to, optional"},
    [BB_RULE_RENAME] = {BIT(ARG_FROM) | BIT(ARG_TO) | BIT(ARG_OPTIONAL),
                        BIT(ARG_FROM) | BIT(ARG_TO), "from, to, optional"},
    [BB_RULE_CONSTANT] = {BIT(ARG_TO) | BIT(ARG_VALUE), BIT(ARG_TO) | BIT(ARG_VALUE), "to, value"},
};

static int arg_read(struct place *at, struct bb_rule *r, uint32_t arg, struct bb_bytes v)
{
    switch (arg) {
    case ARG_FROM:
        if (path_read(at, v, &r->from) != 0)
            return -1;
        return r->op == BB_RULE_RENAME ? removal_check(at, &r->from) : 0;
    case ARG_TO:
        return path_read(at, v, &r->to) != 0 ? -1 : target_check(at, &r->to);
    case ARG_VALUE:
        return value_keep(at, v, &r->value);
    default:
        return bb_as_bool(v, &r->optional) == 1 ? 0 : bb_fail(at->err, "must be true or false");
    }
}

static int unknown_option(struct place *at, const struct bb_rule *r, struct bb_bytes key)
{
    const char *names[ARGS];
    size_t n = 0;

    for (uint32_t k = 0; k < ARGS; k++)
        if (forms[r->op].takes & BIT(k))
            names[n++] = arg_names[k];
    return unknown(at, "option", key, names, n, forms[r->op].list);
}

static int args_read(struct place *at, struct bb_rule *r, struct bb_bytes v)
{
    const char *name = bb_rule_names[r->op];
    struct bb_cur c;
    struct bb_bytes key, val;
    uint32_t n, arg, seen = 0;

    if (!group_of(v, BB_T_MAP, &c, &n))
        return bb_fail(at->err, "%s takes a map: {%s}", name, forms[r->op].list);
    while (n--) {
        if (pair_next(&c, &key, &val) != 0)
            return bb_fail(at->err, "damaged configuration");
        down(at, key);
        arg = index_of(key, arg_names, ARGS);
        if (arg == ARGS || !(forms[r->op].takes & BIT(arg)))
            return unknown_option(at, r, key);
        if (seen & BIT(arg))
            return bb_fail(at->err, "given twice");
        seen |= BIT(arg);
        if (arg_read(at, r, arg, val) != 0)
            return -1;
        up(at);
    }
    for (arg = 0; arg < ARGS; arg++)
        if (forms[r->op].needs & ~seen & BIT(arg))
            return bb_fail(at->err, "%s needs \"%s\"", name, arg_names[arg]);
    return 0;
}

/* What the options are to one another. */
static int rule_check(struct place *at, const struct bb_rule *r)
{
    if (r->op == BB_RULE_CONSTANT && constant_check(at, r) != 0) {
        down(at, (struct bb_bytes){"value", 5});
        return -1;
    }
    if (r->op == BB_RULE_RENAME && bb_path_within(&r->to, &r->from) && r->to.n > r->from.n) {
        down(at, (struct bb_bytes){"to", 2});
        return bb_fail(at->err, "%s lies inside %s, which is moved away", r->to.pointer,
                       r->from.pointer);
    }
    if (r->op == BB_RULE_COPY && r->to.attributes && r->from.n == 0) {
        down(at, (struct bb_bytes){"from", 4});
        return bb_fail(at->err, "an attribute takes one value, not the whole of %s",
                       r->from.pointer);
    }
    return 0;
}

static int rule_read(struct place *at, struct bb_transform *t, struct bb_bytes v, struct bb_rule *r)
{
    struct bb_bytes key, val;

    if (!one_pair(v, &key, &val))
        return bb_fail(at->err, "a rule is one of copy, rename, constant, drop, such as "
                                "- drop: /data/internal");
    down(at, key);
    r->op = index_of(key, bb_rule_names, BB_RULES);
    if (r->op == BB_RULES)
        return unknown(at, "rule", key, bb_rule_names, BB_RULES, "copy, rename, constant, drop");
    if (r->op == BB_RULE_DROP)
        return path_read(at, val, &r->from) != 0 ? -1 : removal_check(at, &r->from);
    if (args_read(at, r, val) != 0 || rule_check(at, r) != 0)
        return -1;
    t->deepens |= r->to.n > r->from.n; /* a constant too: it may nest as deep as a message may */
    t->grows += r->value.len + 8;
    for (uint32_t k = 0; k < r->to.n; k++)
        t->grows += r->to.segs[k].raw.len;
    return 0;
}

/* ---- steps ----------------------------------------------------------------------------------- */
static struct bb_rule *rule_new(struct bb_transform *t)
{
    if (t->n == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 16;
        struct bb_rule *more = realloc(t->rules, cap * sizeof *more);

        if (!more)
            return NULL;
        t->rules = more;
        t->cap = cap;
    }
    memset(&t->rules[t->n], 0, sizeof *t->rules);
    return &t->rules[t->n++]; /* counted already: a rule read halfway is freed with the rest */
}

static int map_read(struct place *at, struct bb_transform *t, uint32_t step, struct bb_bytes v)
{
    struct bb_cur c;
    struct bb_bytes rule;
    struct bb_rule *r;
    uint32_t n;

    if (!group_of(v, BB_T_ARRAY, &c, &n))
        return bb_fail(at->err, "map takes a list of rules, such as "
                                "- rename: {from: /data/a, to: /data/b}");
    for (uint32_t k = 0; k < n; k++) {
        down_n(at, k);
        if (bb_cur_value(&c, &rule) != 0)
            return bb_fail(at->err, "damaged configuration");
        if (t->n == BB_RULES_MAX)
            return bb_fail(at->err, "a route has at most %d rules", BB_RULES_MAX);
        r = rule_new(t);
        if (!r)
            return bb_fail(at->err, "out of memory");
        r->step = step + 1;
        r->number = k + 1;
        if (rule_read(at, t, rule, r) != 0)
            return -1;
        up(at);
        up(at);
    }
    return 0;
}

static int steps_read(struct place *at, struct bb_transform *t, struct bb_bytes steps)
{
    static const char *const names[] = {"map"};
    struct bb_cur c;
    struct bb_bytes step, key, val;
    uint32_t n;

    if (!group_of(steps, BB_T_ARRAY, &c, &n))
        return bb_fail(at->err, "transform takes a list of steps, such as - map: [...]");
    for (uint32_t k = 0; k < n; k++) {
        down_n(at, k);
        if (bb_cur_value(&c, &step) != 0 || !one_pair(step, &key, &val))
            return bb_fail(at->err, "a step is a map with one key, such as - map: [...]");
        down(at, key);
        if (!bb_bytes_are(key, "map"))
            return unknown(at, "step", key, names, 1, "map");
        if (map_read(at, t, k, val) != 0)
            return -1;
        up(at);
        up(at);
    }
    return 0;
}

struct bb_transform *bb_transform_compile(struct bb_bytes steps, char *pointer, size_t cap,
                                          struct bb_fault *err)
{
    struct bb_fault unused;
    struct place at = {.err = err ? err : &unused};
    struct bb_transform *t;

    at.err->offset = 0;
    at.err->text[0] = '\0';
    if (cap)
        pointer[0] = '\0';
    if (steps.len == 0)
        return NULL;
    t = calloc(1, sizeof *t);
    if (!t) {
        bb_fail(err, "out of memory");
        return NULL;
    }
    if (steps_read(&at, t, steps) != 0) {
        place_text(&at, pointer, cap);
        bb_transform_free(&t);
    } else if (t->n == 0) {
        bb_transform_free(&t); /* an empty list is no transform: text stays "" */
    }
    return t;
}

void bb_transform_free(struct bb_transform **tp)
{
    struct bb_transform *t = *tp;

    if (!t)
        return;
    for (uint32_t k = 0; k < t->n; k++) {
        bb_path_free(&t->rules[k].from);
        bb_path_free(&t->rules[k].to);
        free((void *)(uintptr_t)t->rules[k].value.ptr);
    }
    free(t->rules);
    free(t);
    *tp = NULL;
}
