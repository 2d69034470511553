/*
 * compile.c - steps from the configuration to compiled rules
 *
 * Everything that can be wrong with a rule by itself is found here, with its place, so that
 * `busbar check` finds it and a message never does.
 *
 * Thread: any. Ownership: the transform owns its rules, they own their paths and values.
 */
#include "core/transform/rule.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const bb_rule_names[4] = {"copy", "rename", "constant", "drop"};

struct place { /* where in steps: kept up as the walk goes down */
    char *pointer;
    size_t cap, len;
    struct bb_fault *err;
};

static size_t place_down(struct place *at, const char *name, size_t len)
{
    size_t was = at->len;
    if (at->cap && at->len + len + 2 <= at->cap) {
        at->pointer[at->len++] = '/';
        memcpy(at->pointer + at->len, name, len);
        at->len += len;
        at->pointer[at->len] = 0;
    }
    return was;
}

static size_t place_down_n(struct place *at, uint32_t n)
{
    char text[16];
    int len = snprintf(text, sizeof text, "%u", n);
    return place_down(at, text, (size_t)len);
}

static void place_up(struct place *at, size_t was)
{
    at->len = was;
    if (at->cap)
        at->pointer[was] = 0;
}

__attribute__((format(printf, 2, 3))) static int wrong(struct place *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(at->err->text, sizeof at->err->text, fmt, ap);
    va_end(ap);
    return -1;
}

/* Edits (insert, delete, replace) between a and b, both short; 99 when one is too long to matter. */
static unsigned distance(struct bb_bytes a, const char *b)
{
    unsigned row[24], n = (unsigned)strlen(b);
    const char *s = a.ptr;
    if (a.len > 20 || n > 20)
        return 99;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            unsigned best = corner + (s[i - 1] != b[j - 1]);
            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

/* Says that word is none of words, with the nearest one if it is near. */
static int unknown(struct place *at, const char *what, struct bb_bytes word,
                   const char *const *words, size_t n, const char *list)
{
    const char *near = NULL;
    unsigned best = 3;
    for (size_t k = 0; k < n; k++) {
        unsigned d = distance(word, words[k]);
        if (d < best && d < strlen(words[k])) {
            best = d;
            near = words[k];
        }
    }
    if (near)
        return wrong(at, "unknown %s \"%.*s\"; did you mean \"%s\"?", what,
                     (int)(word.len > 40 ? 40 : word.len), (const char *)word.ptr, near);
    return wrong(at, "unknown %s \"%.*s\"; there are %s", what,
                 (int)(word.len > 40 ? 40 : word.len), (const char *)word.ptr, list);
}

static int group_of(struct bb_bytes v, uint32_t kind, struct bb_cur *c, uint32_t *n)
{
    struct bb_tok t;
    *c = bb_cur_of(v);
    if (bb_cur_next(c, &t) != 0 || t.kind != kind)
        return 0;
    *n = t.n;
    return 1;
}

static int pair_next(struct bb_cur *c, struct bb_bytes *key, struct bb_bytes *value)
{
    struct bb_bytes k;
    return bb_cur_value(c, &k) == 0 && bb_as_str(k, key) == 1 && bb_cur_value(c, value) == 0 ? 0 : -1;
}

/* ---- one rule -------------------------------------------------------------------------------- */

static int is_fixed_attribute(const struct bb_path *p)
{
    static const char *const names[] = {"id", "type", "source", "specversion"};
    if (!p->attributes || p->n != 1)
        return 0;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (p->segs[0].text.len == strlen(names[k]) &&
            memcmp(p->segs[0].text.ptr, names[k], p->segs[0].text.len) == 0)
            return 1;
    return 0;
}

static int path_read(struct place *at, struct bb_bytes v, struct bb_path *path)
{
    struct bb_bytes s;
    if (bb_as_str(v, &s) != 1)
        return wrong(at, "must be a pointer such as /data/qty");
    return bb_path_compile(s, path, at->err);
}

static int target_check(struct place *at, const struct bb_path *to)
{
    if (to->attributes && to->n == 0)
        return wrong(at, "/attributes as a whole cannot be replaced; name one, /attributes/plant");
    if (to->attributes && to->segs[0].text.len == 11 &&
        memcmp(to->segs[0].text.ptr, "specversion", 11) == 0)
        return wrong(at, "specversion is always 1.0 and cannot be set");
    return 0;
}

static int removal_check(struct place *at, const struct bb_path *p)
{
    if (p->n == 0)
        return wrong(at, "%s as a whole cannot be removed%s", p->pointer,
                     p->attributes ? "" : "; to empty it: constant: {to: /data, value: null}");
    if (is_fixed_attribute(p))
        return wrong(at, "%s cannot be removed: every message has id, type, source and specversion",
                     p->pointer);
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
        return wrong(at, "an attribute's value is a string: put it in quotes");
    if (s.len > BB_ATTRIBUTE_MAX)
        return wrong(at, "an attribute's value has at most %d bytes", BB_ATTRIBUTE_MAX);
    if (s.len == 0 && is_fixed_attribute(&r->to))
        return wrong(at, "%s cannot be empty", r->to.pointer);
    return 0;
}

static int value_keep(struct place *at, struct bb_bytes v, struct bb_bytes *out)
{
    void *p = malloc(v.len);
    if (!p)
        return wrong(at, "out of memory");
    memcpy(p, v.ptr, v.len);
    out->ptr = p;
    out->len = v.len;
    return 0;
}

#define ARG_FROM 1u
#define ARG_TO 2u
#define ARG_VALUE 4u
#define ARG_OPTIONAL 8u
static const struct {
    uint32_t takes, needs;
    const char *list;
} forms[4] = {
    {ARG_FROM | ARG_TO | ARG_OPTIONAL, ARG_FROM | ARG_TO, "from, to, optional"},
    {ARG_FROM | ARG_TO | ARG_OPTIONAL, ARG_FROM | ARG_TO, "from, to, optional"},
    {ARG_TO | ARG_VALUE, ARG_TO | ARG_VALUE, "to, value"},
    {0, 0, ""},
};
static const char *const arg_names[] = {"from", "to", "value", "optional"};

static int arg_read(struct place *at, struct bb_rule *r, uint32_t arg, struct bb_bytes v)
{
    switch (1u << arg) {
    case ARG_FROM:
        if (path_read(at, v, &r->from) != 0)
            return -1;
        return r->op == BB_RULE_RENAME ? removal_check(at, &r->from) : 0;
    case ARG_TO:
        return path_read(at, v, &r->to) != 0 ? -1 : target_check(at, &r->to);
    case ARG_VALUE:
        return value_keep(at, v, &r->value);
    default:
        return bb_as_bool(v, &r->optional) == 1 ? 0 : wrong(at, "must be true or false");
    }
}

static int unknown_option(struct place *at, const struct bb_rule *r, struct bb_bytes key)
{
    const char *names[4];
    size_t n = 0;
    for (uint32_t k = 0; k < 4; k++)
        if (forms[r->op].takes >> k & 1u)
            names[n++] = arg_names[k];
    return unknown(at, "option", key, names, n, forms[r->op].list);
}

static int args_read(struct place *at, struct bb_rule *r, struct bb_bytes v)
{
    struct bb_cur c;
    struct bb_bytes key, val;
    uint32_t n, arg, seen = 0;
    const char *name = bb_rule_names[r->op];
    if (!group_of(v, BB_T_MAP, &c, &n))
        return wrong(at, "%s takes a map: {%s}", name, forms[r->op].list);
    for (uint32_t k = 0; k < n; k++) {
        size_t was;
        if (pair_next(&c, &key, &val) != 0)
            return wrong(at, "damaged configuration");
        was = place_down(at, key.ptr, key.len);
        for (arg = 0; arg < 4; arg++)
            if (key.len == strlen(arg_names[arg]) && memcmp(key.ptr, arg_names[arg], key.len) == 0)
                break;
        if (arg == 4 || !(forms[r->op].takes >> arg & 1u))
            return unknown_option(at, r, key);
        if (seen >> arg & 1u)
            return wrong(at, "given twice");
        seen |= 1u << arg;
        if (arg_read(at, r, arg, val) != 0)
            return -1;
        place_up(at, was);
    }
    for (arg = 0; arg < 4; arg++)
        if (forms[r->op].needs & ~seen & 1u << arg)
            return wrong(at, "%s needs \"%s\"", name, arg_names[arg]);
    return 0;
}

static int rule_check(struct place *at, struct bb_transform *t, const struct bb_rule *r)
{
    size_t was;
    if (r->op == BB_RULE_CONSTANT) {
        was = place_down(at, "value", 5);
        if (constant_check(at, r) != 0)
            return -1;
        place_up(at, was);
    }
    if (r->op == BB_RULE_RENAME && bb_path_within(&r->to, &r->from) && r->to.n > r->from.n) {
        place_down(at, "to", 2);
        return wrong(at, "%s lies inside %s, which is moved away", r->to.pointer, r->from.pointer);
    }
    if (r->op == BB_RULE_COPY && r->to.attributes && r->from.n == 0) {
        place_down(at, "from", 4);
        return wrong(at, "an attribute takes one value, not the whole of %s", r->from.pointer);
    }
    if ((r->op == BB_RULE_COPY || r->op == BB_RULE_RENAME) && r->to.n > r->from.n)
        t->deepens = 1;
    /* constants too: 60 levels of them under a long pointer are too many */
    if (r->op == BB_RULE_CONSTANT && r->to.n > 0)
        t->deepens = 1;
    t->grows += r->value.len + 8;
    for (uint32_t k = 0; k < r->to.n; k++)
        t->grows += r->to.segs[k].raw.len;
    return 0;
}

static void rule_free(struct bb_rule *r)
{
    bb_path_free(&r->from);
    bb_path_free(&r->to);
    free((void *)(uintptr_t)r->value.ptr);
}

static int rule_read(struct place *at, struct bb_transform *t, struct bb_bytes v, struct bb_rule *r)
{
    struct bb_cur c;
    struct bb_bytes key, val;
    uint32_t n;
    if (!group_of(v, BB_T_MAP, &c, &n) || n != 1 || pair_next(&c, &key, &val) != 0)
        return wrong(at, "a rule is one of copy, rename, constant, drop, "
                         "such as - drop: /data/internal");
    place_down(at, key.ptr, key.len);
    for (r->op = 0; r->op < 4; r->op++)
        if (key.len == strlen(bb_rule_names[r->op]) &&
            memcmp(key.ptr, bb_rule_names[r->op], key.len) == 0)
            break;
    if (r->op == 4)
        return unknown(at, "rule", key, bb_rule_names, 4, "copy, rename, constant, drop");
    if (r->op == BB_RULE_DROP)
        return path_read(at, val, &r->from) != 0 ? -1 : removal_check(at, &r->from);
    return args_read(at, r, val) != 0 ? -1 : rule_check(at, t, r);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static int map_read(struct place *at, struct bb_transform *t, uint32_t step, struct bb_bytes v)
{
    struct bb_cur c;
    struct bb_bytes rule;
    uint32_t n;
    if (!group_of(v, BB_T_ARRAY, &c, &n))
        return wrong(at, "map takes a list of rules, such as - rename: {from: /data/a, to: /data/b}");
    for (uint32_t k = 0; k < n; k++) {
        size_t was = place_down_n(at, k);
        struct bb_rule *r;
        if (bb_cur_value(&c, &rule) != 0)
            return wrong(at, "damaged configuration");
        if (t->n == BB_RULES_MAX)
            return wrong(at, "a route has at most %d rules", BB_RULES_MAX);
        if (t->n == t->cap) {
            uint32_t cap = t->cap ? t->cap * 2 : 16;
            struct bb_rule *more = realloc(t->rules, cap * sizeof *more);
            if (!more)
                return wrong(at, "out of memory");
            t->rules = more;
            t->cap = cap;
        }
        r = &t->rules[t->n];
        memset(r, 0, sizeof *r);
        r->step = step + 1;
        r->number = k + 1;
        t->n++; /* counted first: a rule read halfway is freed with the rest */
        if (rule_read(at, t, rule, r) != 0)
            return -1;
        place_up(at, was);
    }
    return 0;
}

static int steps_read(struct place *at, struct bb_transform *t, struct bb_bytes steps)
{
    static const char *const names[] = {"map"};
    struct bb_cur c, m;
    struct bb_bytes step, key, val;
    uint32_t n, one;
    if (!group_of(steps, BB_T_ARRAY, &c, &n))
        return wrong(at, "transform takes a list of steps, such as - map: [...]");
    for (uint32_t k = 0; k < n; k++) {
        size_t was = place_down_n(at, k);
        if (bb_cur_value(&c, &step) != 0)
            return wrong(at, "damaged configuration");
        if (!group_of(step, BB_T_MAP, &m, &one) || one != 1 || pair_next(&m, &key, &val) != 0)
            return wrong(at, "a step is a map with one key, such as - map: [...]");
        place_down(at, key.ptr, key.len);
        if (key.len != 3 || memcmp(key.ptr, "map", 3) != 0)
            return unknown(at, "step", key, names, 1, "map");
        if (map_read(at, t, k, val) != 0)
            return -1;
        place_up(at, was);
    }
    return 0;
}

struct bb_transform *bb_transform_compile(struct bb_bytes steps, char *pointer, size_t cap,
                                          struct bb_fault *err)
{
    struct bb_fault unused;
    struct place at = {pointer, cap, 0, err ? err : &unused};
    struct bb_transform *t;
    at.err->offset = 0;
    at.err->text[0] = 0;
    if (cap)
        pointer[0] = 0;
    if (steps.len == 0)
        return NULL;
    t = calloc(1, sizeof *t);
    if (!t) {
        wrong(&at, "out of memory");
        return NULL;
    }
    if (steps_read(&at, t, steps) != 0)
        bb_transform_free(&t);
    else if (t->n == 0)
        bb_transform_free(&t); /* an empty list is no transform: text stays "" */
    return t;
}

void bb_transform_free(struct bb_transform **tp)
{
    struct bb_transform *t = *tp;
    if (!t)
        return;
    for (uint32_t k = 0; k < t->n; k++)
        rule_free(&t->rules[k]);
    free(t->rules);
    free(t);
    *tp = NULL;
}
