/*
 * cond.c - conditions: {at: /data/kind, equals: phantom}, all, any, not
 *
 * Several tests in one condition must all hold. What is not there meets no test but exists: false. A
 * comparison with something that is not a number rejects the message: it is neither above nor below.
 *
 * Thread: any. Ownership: a condition owns its tests and the conditions inside it.
 */
#include "core/transform/map/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEST_MAX 8

struct bb_cond {
    struct bb_cond *next, *inside; /* of a list */
    enum { COND_TESTS, COND_ALL, COND_ANY, COND_NOT } kind;
    struct bb_path at;
    struct bb_test *tests;
};

/* ---- reading ------------------------------------------------------------------------------------- */
static const char *const list_names[] = {"all", "any", "not"};
#define LISTS (sizeof list_names / sizeof list_names[0])

void bb_cond_free(struct bb_cond *c)
{
    while (c) {
        struct bb_cond *next = c->next;

        bb_cond_free(c->inside);
        while (c->tests) {
            struct bb_test *t = c->tests;

            c->tests = t->next;
            bb_test_free(t);
        }
        bb_path_free(&c->at);
        free(c);
        c = next;
    }
}

static int test_read(struct bb_map_compile *m, struct bb_cond *c, const struct bb_test_kind *kind,
                     struct bb_bytes v)
{
    static const struct bb_arg value_arg = {"value", &bb_arg_value, 0, true};
    struct bb_test *t = calloc(1, sizeof *t), **tail = &c->tests;
    const char *why;

    if (!t)
        return bb_compile_say(m->c, "out of memory");
    t->kind = kind;
    while (*tail)
        tail = &(*tail)->next;
    *tail = t;
    if (bb_arg_value.read(m, &value_arg, v, &t->value) != 0)
        return -1;
    why = kind->check(t);
    return why ? bb_compile_say(m->c, "%s %s", kind->name, why) : 0;
}

static struct bb_cond *cond_read(struct bb_map_compile *m, struct bb_bytes v, unsigned depth);

static int inside_read(struct bb_map_compile *m, struct bb_cond *c, struct bb_bytes v, unsigned depth)
{
    struct bb_cond **tail = &c->inside;
    struct bb_bytes one;
    struct bb_cur cur;
    uint32_t n;
    int rc = 0;

    if (c->kind == COND_NOT)
        return (c->inside = cond_read(m, v, depth + 1)) ? 0 : -1;
    if (!bb_group_of(v, BB_T_ARRAY, &cur, &n) || n == 0)
        return bb_compile_say(m->c, "takes a list of conditions, not empty");
    for (uint32_t k = 0; k < n; k++) {
        bb_compile_down_n(m->c, k);
        *tail = bb_cur_value(&cur, &one) == 0 ? cond_read(m, one, depth + 1) : NULL;
        rc |= *tail ? 0 : -1;
        tail = *tail ? &(*tail)->next : tail;
        bb_compile_up(m->c);
    }
    return rc;
}

/* One key of a condition. */
static int member_read(struct bb_map_compile *m, struct bb_cond *c, struct bb_bytes key,
                       struct bb_bytes v, unsigned depth)
{
    static const struct bb_arg at_arg = {"at", &bb_arg_from, 0, true};
    const char *names[BB_TESTS + LISTS + 1];
    uint32_t k, n = 0;

    names[n++] = "at";
    for (k = 0; k < BB_TESTS; k++)
        names[n++] = bb_tests[k].name;
    for (k = 0; k < LISTS; k++)
        names[n++] = list_names[k];
    k = bb_word_of(key, names, n);
    if (k == n)
        return bb_compile_unknown(m->c, "test", key, names, n);
    if (k == 0)
        return c->at.pointer ? bb_compile_say(m->c, "given twice")
                             : bb_arg_from.read(m, &at_arg, v, &c->at);
    if (k <= BB_TESTS)
        return test_read(m, c, &bb_tests[k - 1], v);
    if (c->kind != COND_TESTS)
        return bb_compile_say(m->c, "a condition has one of all, any, not");
    c->kind = COND_ALL + (k - 1 - BB_TESTS);
    return inside_read(m, c, v, depth);
}

static int cond_check(struct bb_map_compile *m, const struct bb_cond *c)
{
    const char *why;
    struct bb_tok t;

    if (c->kind != COND_TESTS)
        return c->tests || c->at.pointer
                   ? bb_compile_say(m->c, "%s stands alone: put the other tests into it",
                                    list_names[c->kind - COND_ALL]) : 0;
    if (!c->at.pointer)
        return bb_compile_say(m->c, "a condition needs \"at\", the pointer to what it looks at");
    if (!c->tests)
        return bb_compile_say(m->c, "a condition needs a test, such as equals, in or exists");
    for (const struct bb_test *x = c->tests; x; x = x->next)
        if (c->at.root == BB_ROOT_ATTRIBUTES && bb_test_equals(x) &&
            bb_scalar_of(x->value, &t) && t.kind != BB_T_STR)
            return bb_compile_say_at(m->c, "equals", "an attribute is a text: put the value in quotes, "
                                                     "or this can never hold");
    why = bb_tests_contradict(c->tests);
    return why ? bb_compile_say(m->c, "%s", why) : 0;
}

static struct bb_cond *cond_read(struct bb_map_compile *m, struct bb_bytes v, unsigned depth)
{
    struct bb_cond *c = calloc(1, sizeof *c);
    struct bb_bytes key, val;
    struct bb_cur cur;
    uint32_t n;
    int rc = 0;

    if (!c || depth > NEST_MAX || !bb_group_of(v, BB_T_MAP, &cur, &n)) {
        free(c);
        bb_compile_say(m->c, !c ? "out of memory"
                       : depth > NEST_MAX ? "conditions nest at most 8 levels deep"
                       : "a condition is a map, such as {at: /data/kind, equals: phantom}");
        return NULL;
    }
    for (; n; n--) {
        if (bb_pair_next(&cur, &key, &val) != 0) {
            rc = bb_compile_say(m->c, "damaged configuration");
            break;
        }
        bb_compile_down(m->c, key);
        rc |= member_read(m, c, key, val, depth);
        bb_compile_up(m->c);
    }
    if (rc == 0)
        rc = cond_check(m, c);
    if (rc == 0)
        return c;
    bb_cond_free(c);
    return NULL;
}

static int arg_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct bb_cond **c = member;

    (void)a;
    *c = cond_read(m, v, 1);
    return *c ? 0 : -1;
}

static void arg_free(void *member)
{
    bb_cond_free(*(struct bb_cond **)member);
}

static void arg_paths(const void *member, bb_path_visit visit, void *arg)
{
    for (const struct bb_cond *c = *(struct bb_cond *const *)member; c; c = c->next) {
        if (c->at.pointer)
            visit(arg, &c->at, BB_READS);
        if (c->inside)
            arg_paths(&c->inside, visit, arg);
    }
}
const struct bb_arg_kind bb_arg_cond = {arg_read, arg_free, arg_paths};

/* ---- asking -------------------------------------------------------------------------------------- */
static int tests_hold(const struct bb_cond *c, const struct bb_tok *s, const char **why)
{
    int r = 1;

    for (const struct bb_test *t = c->tests; t && r == 1; t = t->next)
        r = t->kind->holds(t, s, why);
    return r;
}

int bb_cond_holds(struct bb_work *w, const struct bb_cond *c, bb_status *s)
{
    const char *why = NULL;
    struct bb_span **link;
    struct bb_tok t = {.kind = BB_T_ARRAY}; /* a list or map is there, and equals nothing */
    int r;

    *s = BB_OK;
    if (c->kind == COND_TESTS) {
        link = bb_work_find(w, &c->at, false, s);
        if (*s != BB_OK)
            return -1;
        if (link && !bb_span_scalar(*link, &t))
            t.kind = BB_T_ARRAY;
        r = tests_hold(c, link ? &t : NULL, &why);
        if (r < 0)
            *s = bb_work_reject(w, why, &c->at);
        return r;
    }
    if (c->kind == COND_NOT) {
        r = bb_cond_holds(w, c->inside, s);
        return r < 0 ? r : !r;
    }
    for (const struct bb_cond *k = c->inside; k; k = k->next) {
        r = bb_cond_holds(w, k, s);
        if (r < 0 || r == (c->kind == COND_ANY))
            return r;
    }
    return c->kind == COND_ALL;
}

int bb_cond_known(const struct bb_cond *c, bb_cond_fact fact, void *arg)
{
    const char *why = NULL;
    struct bb_bytes v;
    struct bb_tok t;
    int r, all = 1;

    switch (c->kind) {
    case COND_TESTS:
        r = fact(arg, &c->at, &v);
        if (r < 0)
            return -1;
        if (r == 1 && !bb_scalar_of(v, &t))
            t.kind = BB_T_ARRAY;
        r = tests_hold(c, r == 1 ? &t : NULL, &why);
        return r;
    case COND_NOT:
        r = bb_cond_known(c->inside, fact, arg);
        return r < 0 ? r : !r;
    default:
        for (const struct bb_cond *k = c->inside; k; k = k->next) {
            r = bb_cond_known(k, fact, arg);
            if (r == (c->kind == COND_ANY))
                return r;
            if (r < 0)
                all = -1;
        }
        return all < 0 ? -1 : c->kind == COND_ALL;
    }
}
