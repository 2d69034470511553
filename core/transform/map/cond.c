/*
 * cond.c - conditions: {at: /data/kind, equals: phantom}, all, any, not
 *
 * Several tests in one condition must all hold. What is not there meets no test but exists: false. A
 * comparison with something that is not a number rejects the message: it is neither above nor below.
 *
 * Thread: any. Ownership: a condition owns its tests and the conditions inside it.
 */
#include "core/transform/map/map.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEST_MAX 8
#define PATTERN_MAX 256
#define MATCHED_MAX 4096 /* bytes of a text that a pattern looks at */

enum { NOT_HERE = -2 }; /* of a comparison: there is no value */

struct test {
    struct test *next;
    const struct test_kind *kind;
    struct bb_bytes value; /* msgpack, owned */
    regex_t pattern;
    bool compiled;
};
struct bb_cond {
    struct bb_cond *next, *inside; /* of a list */
    enum { COND_TESTS, COND_ALL, COND_ANY, COND_NOT } kind;
    struct bb_path at;
    struct test *tests;
};
struct test_kind {
    const char *name;
    /* What is wrong with the value, NULL. */
    const char *(*check)(struct test *t);
    /* 1 holds, 0 not, -1 with why. s NULL: there is no value. */
    int (*holds)(const struct test *t, const struct bb_tok *s, const char **why);
};

/* ---- tests --------------------------------------------------------------------------------------- */
static const char *scalar_check(struct test *t)
{
    struct bb_tok k;

    return bb_scalar_of(t->value, &k) ? NULL : "is compared with a text, a number, true, false or null";
}

static int equals(const struct test *t, const struct bb_tok *s, const char **why)
{
    struct bb_tok k;

    (void)why;
    return s && bb_scalar_of(t->value, &k) && bb_scalar_equal(s, &k);
}

static const char *list_check(struct test *t)
{
    struct bb_bytes v;
    struct bb_cur c;
    struct bb_tok k;
    uint32_t n;

    if (!bb_group_of(t->value, BB_T_ARRAY, &c, &n))
        return "takes a list of texts or numbers";
    if (n == 0)
        return "the list is empty: this can never hold";
    while (n--)
        if (bb_cur_value(&c, &v) != 0 || !bb_scalar_of(v, &k))
            return "takes a list of texts or numbers";
    return NULL;
}

static int in(const struct test *t, const struct bb_tok *s, const char **why)
{
    struct bb_bytes v;
    struct bb_cur c;
    struct bb_tok k;
    uint32_t n;

    (void)why;
    if (!s || !bb_group_of(t->value, BB_T_ARRAY, &c, &n))
        return 0;
    while (n--)
        if (bb_cur_value(&c, &v) != 0)
            return 0;
        else if (bb_scalar_of(v, &k) && bb_scalar_equal(s, &k))
            return 1;
    return 0;
}

static const char *truth_check(struct test *t)
{
    int v;

    return bb_as_bool(t->value, &v) == 1 ? NULL : "must be true or false";
}

static int exists(const struct test *t, const struct bb_tok *s, const char **why)
{
    int wanted = 0;

    (void)why;
    bb_as_bool(t->value, &wanted);
    return (s != NULL) == (wanted != 0);
}

static const char *text_check(struct test *t)
{
    struct bb_bytes s;

    return bb_as_str(t->value, &s) == 1 && s.len ? NULL : "must be a text, not empty";
}

static int prefix(const struct test *t, const struct bb_tok *s, const char **why)
{
    struct bb_bytes p;

    (void)why;
    return s && s->kind == BB_T_STR && bb_as_str(t->value, &p) == 1 && s->s.len >= p.len &&
           memcmp(s->s.ptr, p.ptr, p.len) == 0;
}

static const char *pattern_check(struct test *t)
{
    char text[PATTERN_MAX + 1];
    struct bb_bytes s;

    if (bb_as_str(t->value, &s) != 1 || s.len == 0 || s.len > PATTERN_MAX || memchr(s.ptr, 0, s.len))
        return "must be a regular expression of 1 to 256 bytes";
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    /* what makes a matcher slow beyond measure: counted repeats and references back */
    if (strpbrk(text, "{}"))
        return "a pattern has no {} here: write [0-9][0-9] for two digits";
    for (const char *p = strchr(text, '\\'); p; p = p[1] ? strchr(p + 2, '\\') : NULL)
        if (p[1] >= '0' && p[1] <= '9')
            return "a pattern has no references back";
    if (regcomp(&t->pattern, text, REG_EXTENDED | REG_NOSUB) != 0)
        return "is not a POSIX extended regular expression";
    t->compiled = true;
    return NULL;
}

static int matches(const struct test *t, const struct bb_tok *s, const char **why)
{
    char text[MATCHED_MAX + 1];

    if (!s || s->kind != BB_T_STR || memchr(s->s.ptr, 0, s->s.len))
        return 0;
    if (s->s.len > MATCHED_MAX) {
        *why = "more than 4096 bytes are too long for a pattern";
        return -1;
    }
    memcpy(text, s->s.ptr, s->s.len);
    text[s->s.len] = '\0';
    return regexec(&t->pattern, text, 0, NULL, 0) == 0;
}

static const char *number_check(struct test *t)
{
    struct bb_tok k;

    struct bb_decimal d;

    return bb_scalar_of(t->value, &k) && bb_scalar_decimal(&k, &d) == 0 ? NULL : "must be a number";
}

/* -2 no value, -1 with why, else 0 below, 1 equal, 2 above. */
static int compare(const struct test *t, const struct bb_tok *s, const char **why)
{
    struct bb_tok k;
    int order;

    if (!s)
        return NOT_HERE;
    if (!bb_scalar_of(t->value, &k) || bb_scalar_compare(s, &k, &order) != 0) {
        *why = "a number is needed for the comparison, there is something else";
        return -1;
    }
    return order + 1;
}

static int above(const struct test *t, const struct bb_tok *s, const char **why)
{
    int r = compare(t, s, why);

    return r == -1 ? -1 : r == 2;
}

static int at_least(const struct test *t, const struct bb_tok *s, const char **why)
{
    int r = compare(t, s, why);

    return r == -1 ? -1 : r >= 1;
}

static int below(const struct test *t, const struct bb_tok *s, const char **why)
{
    int r = compare(t, s, why);

    return r == -1 ? -1 : r == 0;
}

static int at_most(const struct test *t, const struct bb_tok *s, const char **why)
{
    int r = compare(t, s, why);

    return r == -1 ? -1 : r == 0 || r == 1;
}

static const struct test_kind tests[] = {
    {"equals", scalar_check, equals},   {"in", list_check, in},
    {"exists", truth_check, exists},    {"prefix", text_check, prefix},
    {"matches", pattern_check, matches}, {"above", number_check, above},
    {"at_least", number_check, at_least}, {"below", number_check, below},
    {"at_most", number_check, at_most}};
#define TESTS (sizeof tests / sizeof tests[0])

/* ---- reading ------------------------------------------------------------------------------------- */
static const char *const list_names[] = {"all", "any", "not"};
#define LISTS (sizeof list_names / sizeof list_names[0])

static void test_free(struct test *t)
{
    if (t->compiled)
        regfree(&t->pattern);
    free((void *)(uintptr_t)t->value.ptr);
    free(t);
}

void bb_cond_free(struct bb_cond *c)
{
    while (c) {
        struct bb_cond *next = c->next;

        bb_cond_free(c->inside);
        while (c->tests) {
            struct test *t = c->tests;

            c->tests = t->next;
            test_free(t);
        }
        bb_path_free(&c->at);
        free(c);
        c = next;
    }
}

static int test_read(struct bb_map_compile *m, struct bb_cond *c, const struct test_kind *kind,
                     struct bb_bytes v)
{
    static const struct bb_arg value_arg = {"value", &bb_arg_value, 0, true};
    struct test *t = calloc(1, sizeof *t), **tail = &c->tests;
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
    const char *names[TESTS + LISTS + 1];
    uint32_t k, n = 0;

    names[n++] = "at";
    for (k = 0; k < TESTS; k++)
        names[n++] = tests[k].name;
    for (k = 0; k < LISTS; k++)
        names[n++] = list_names[k];
    k = bb_word_of(key, names, n);
    if (k == n)
        return bb_compile_unknown(m->c, "test", key, names, n);
    if (k == 0)
        return c->at.pointer ? bb_compile_say(m->c, "given twice")
                             : bb_arg_from.read(m, &at_arg, v, &c->at);
    if (k <= TESTS)
        return test_read(m, c, &tests[k - 1], v);
    if (c->kind != COND_TESTS)
        return bb_compile_say(m->c, "a condition has one of all, any, not");
    c->kind = COND_ALL + (k - 1 - TESTS);
    return inside_read(m, c, v, depth);
}

/* What the tests of one condition are to one another: why they can never hold together. */
static const char *contradiction(const struct bb_cond *c)
{
    const char *why = NULL;

    for (const struct test *a = c->tests; a; a = a->next)
        for (const struct test *b = c->tests; b; b = b->next) {
            struct bb_tok t;
            int wanted = 1;

            if (a->kind->holds == exists && bb_as_bool(a->value, &wanted) == 1 && !wanted && a != b)
                return "what does not exist meets no other test: this can never hold";
            if (a->kind->holds == equals && a != b && bb_scalar_of(a->value, &t) &&
                b->kind->holds(b, &t, &why) != 1)
                return "the tests contradict one another: this can never hold";
            if ((a->kind->holds == above || a->kind->holds == at_least) &&
                (b->kind->holds == below || b->kind->holds == at_most) && bb_scalar_of(a->value, &t) &&
                b->kind->holds(b, &t, &why) != 1)
                return "the tests contradict one another: this can never hold";
        }
    return NULL;
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
    for (const struct test *x = c->tests; x; x = x->next)
        if (c->at.root == BB_ROOT_ATTRIBUTES && x->kind->holds == equals &&
            bb_scalar_of(x->value, &t) && t.kind != BB_T_STR)
            return bb_compile_say_at(m->c, "equals", "an attribute is a text: put the value in quotes, "
                                                     "or this can never hold");
    why = contradiction(c);
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

    for (const struct test *t = c->tests; t && r == 1; t = t->next)
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
