/*
 * units_all.c - every unit of Rec 20, there and back
 *
 * On standard input: the codes of the published list that are alive, a line each. Each must be
 * known, and each must convert to itself. Each with an exact factor is converted to its SI base by
 * its numbers and back, and to every other unit of its dimension by bb_unit_convert() and back;
 * what comes back must be the very same text. One line of figures at the end; 1 when something
 * was not so.
 */
#include <busbar/units.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bad;
static unsigned long pairs;

static void complain(const char *a, const char *b, const char *what)
{
    printf("%s %s: %s\n", a, b, what);
    bad++;
}

/* 12.345 times n: a quantity whose quotient by n has an end. */
static void quantity_of(struct bb_decimal *q, uint64_t n)
{
    struct bb_decimal m;

    bb_decimal_parse(q, "12.345", 6, NULL);
    bb_decimal_set_uint(&m, n);
    bb_decimal_multiply(q, q, &m, NULL);
}

static void base_check(const struct bb_unit *u)
{
    struct bb_decimal q, num, den, base;

    quantity_of(&q, u->den);
    bb_decimal_set_uint(&num, u->num);
    bb_decimal_set_uint(&den, u->den);
    num.scale = u->exponent < 0 ? (uint32_t)-u->exponent : 0;
    den.scale = u->exponent > 0 ? (uint32_t)u->exponent : 0;
    if (bb_decimal_scale(&base, &q, &num, &den, BB_SCALE_EXACT, 0, NULL) != 0 ||
        bb_decimal_scale(&base, &base, &den, &num, BB_SCALE_EXACT, 0, NULL) != 0 ||
        bb_decimal_compare(&base, &q) != 0)
        complain(u->code, u->dimension, "is not the same from its base");
}

/* u to v and back. 1 when there is such a way. */
static int pair_check(const struct bb_unit *u, const struct bb_unit *v)
{
    struct bb_decimal q, m, there, back;
    struct bb_fault err;

    quantity_of(&q, u->den); /* and its quotient by v's factor must have an end too */
    bb_decimal_set_uint(&m, v->num);
    if (u->point) { /* its distance from absolute zero is what is multiplied */
        bb_decimal_parse(&there, u->point, strlen(u->point), &err);
        bb_decimal_subtract(&q, &q, &there, &err);
    }
    if ((!u->point && bb_decimal_multiply(&q, &q, &m, &err) != 0) ||
        bb_unit_convert(&there, &q, u->code, v->code, NULL, &err) != 0 ||
        bb_unit_convert(&back, &there, v->code, u->code, NULL, &err) != 0) {
        complain(u->code, v->code, err.text);
        return 0;
    }
    if (bb_decimal_compare(&q, &back) != 0)
        complain(u->code, v->code, "comes back as something else");
    pairs++;
    return 1;
}

static void itself_check(const struct bb_unit *u)
{
    struct bb_decimal q, out;
    struct bb_fault err;

    bb_decimal_parse(&q, "7.50", 4, NULL);
    if (bb_unit_convert(&out, &q, u->code, u->code, NULL, &err) != 0 ||
        bb_decimal_compare(&q, &out) != 0)
        complain(u->code, u->code, "does not convert to itself");
}

int main(void)
{
    unsigned alive = 0, exact = 0, linked = 0, by_status[4] = {0};
    const struct bb_unit *u, *v;
    struct bb_fault err;
    char line[64];

    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\r\n")] = 0;
        if (bb_unit_get(line, strlen(line), BB_SCHEME_REC20, &u, &err) != 0) {
            complain(line, "", err.text);
            continue;
        }
        int others = 0;
        alive++;
        by_status[u->status]++;
        itself_check(u);
        if (u->status != BB_UNIT_EXACT)
            continue;
        exact++;
        base_check(u);
        for (size_t i = 0; (v = bb_unit_at(i)) != NULL; i++)
            if (v != u && v->status == BB_UNIT_EXACT && strcmp(u->dimension, v->dimension) == 0)
                others += pair_check(u, v);
        linked += others > 0;
    }
    printf(
        "%u units alive: %u go to their base and back exactly, %u of them to %lu others of their "
        "dimension and back; only to themselves: %u with no factor, %u with a rounded one, %u "
        "with a wrong one\n",
        alive, exact, linked, pairs, by_status[BB_UNIT_ALONE], by_status[BB_UNIT_ROUNDED],
        by_status[BB_UNIT_CONTRADICTED]);
    return bad || !alive;
}
