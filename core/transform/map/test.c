/*
 * test.c - the tests of a condition, by table
 *
 * Thread: any; a pattern is compiled once and only read. Ownership: a test owns its value and pattern.
 */
#include "core/transform/map/test.h"

#include <stdlib.h>
#include <string.h>

#define PATTERN_MAX 256
#define MATCHED_MAX 4096 /* bytes of a text that a pattern looks at */

enum { NOT_HERE = -2 }; /* of a comparison: there is no value */

static const char *scalar_check(struct bb_test *t)
{
    struct bb_tok k;

    return bb_scalar_of(t->value, &k) ? NULL : "is compared with a text, a number, true, false or null";
}

static int equals(const struct bb_test *t, const struct bb_tok *s, const char **why)
{
    struct bb_tok k;

    (void)why;
    return s && bb_scalar_of(t->value, &k) && bb_scalar_equal(s, &k);
}

static const char *list_check(struct bb_test *t)
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

static int in(const struct bb_test *t, const struct bb_tok *s, const char **why)
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

static const char *truth_check(struct bb_test *t)
{
    int v;

    return bb_as_bool(t->value, &v) == 1 ? NULL : "must be true or false";
}

static int exists(const struct bb_test *t, const struct bb_tok *s, const char **why)
{
    int wanted = 0;

    (void)why;
    bb_as_bool(t->value, &wanted);
    return (s != NULL) == (wanted != 0);
}

static const char *text_check(struct bb_test *t)
{
    struct bb_bytes s;

    return bb_as_str(t->value, &s) == 1 && s.len ? NULL : "must be a text, not empty";
}

static int prefix(const struct bb_test *t, const struct bb_tok *s, const char **why)
{
    struct bb_bytes p;

    (void)why;
    return s && s->kind == BB_T_STR && bb_as_str(t->value, &p) == 1 && s->s.len >= p.len &&
           memcmp(s->s.ptr, p.ptr, p.len) == 0;
}

static const char *pattern_check(struct bb_test *t)
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

static int matches(const struct bb_test *t, const struct bb_tok *s, const char **why)
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

static const char *number_check(struct bb_test *t)
{
    struct bb_tok k;

    struct bb_decimal d;

    return bb_scalar_of(t->value, &k) && bb_scalar_decimal(&k, &d) == 0 ? NULL : "must be a number";
}

/* -2 no value, -1 with why, else 0 below, 1 equal, 2 above. */
static int compare(const struct bb_test *t, const struct bb_tok *s, const char **why)
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

static int above(const struct bb_test *t, const struct bb_tok *s, const char **why)
{
    int r = compare(t, s, why);

    return r == -1 ? -1 : r == 2;
}

static int at_least(const struct bb_test *t, const struct bb_tok *s, const char **why)
{
    int r = compare(t, s, why);

    return r == -1 ? -1 : r >= 1;
}

static int below(const struct bb_test *t, const struct bb_tok *s, const char **why)
{
    int r = compare(t, s, why);

    return r == -1 ? -1 : r == 0;
}

static int at_most(const struct bb_test *t, const struct bb_tok *s, const char **why)
{
    int r = compare(t, s, why);

    return r == -1 ? -1 : r == 0 || r == 1;
}

const struct bb_test_kind bb_tests[BB_TESTS] = {
    {"equals", scalar_check, equals},   {"in", list_check, in},
    {"exists", truth_check, exists},    {"prefix", text_check, prefix},
    {"matches", pattern_check, matches}, {"above", number_check, above},
    {"at_least", number_check, at_least}, {"below", number_check, below},
    {"at_most", number_check, at_most}};

/* ---- together ------------------------------------------------------------------------------------ */
const char *bb_tests_contradict(const struct bb_test *first)
{
    const char *why = NULL;

    for (const struct bb_test *a = first; a; a = a->next)
        for (const struct bb_test *b = first; b; b = b->next) {
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

bool bb_test_equals(const struct bb_test *t)
{
    return t->kind->holds == equals;
}

void bb_test_free(struct bb_test *t)
{
    if (t->compiled)
        regfree(&t->pattern);
    free((void *)(uintptr_t)t->value.ptr);
    free(t);
}
