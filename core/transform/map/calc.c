/*
 * calc.c - the rules scale and round: exact arithmetic on one number
 *
 * Nothing is rounded that the rule does not say: scale without places is exact or fails.
 *
 * Thread: any. Ownership: see map.h.
 */
#include "core/transform/map/map.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct calc {
    struct bb_rule head;
    struct bb_path from, to;
    struct bb_decimal *by, *per;
    int64_t places; /* plus one, 0: exact */
    int rounding;   /* plus one */
    int optional;
};

/* ---- arguments ------------------------------------------------------------------------------------- */
static int decimal_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct bb_decimal *d = malloc(sizeof *d);
    struct bb_fault why = {0, ""};

    (void)a;
    *(struct bb_decimal **)member = d;
    if (!d)
        return bb_compile_say(m->c, "out of memory");
    switch (bb_as_decimal(v, d, &why)) {
    case 1:
        return 0;
    case 0:
        return bb_compile_say(m->c, "must be a number, not %s", bb_kind_of(v));
    default:
        return bb_compile_say(m->c, "%s", why.text);
    }
}

static void decimal_free(void *member)
{
    free(*(void **)member);
}
static const struct bb_arg_kind arg_decimal = {decimal_read, decimal_free, NULL};

static int rounding_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    const char *names[8];
    struct bb_bytes s = {"", 0};
    uint32_t n = 0, k;

    (void)a;
    while (n < 8 && bb_round_name((int)n)) {
        names[n] = bb_round_name((int)n);
        n++;
    }
    bb_as_str(v, &s);
    k = bb_word_of(s, names, n);
    *(int *)member = (int)k + 1;
    return k < n ? 0 : bb_compile_unknown(m->c, "rounding", s, names, n);
}
const struct bb_arg_kind bb_arg_rounding = {rounding_read, NULL, NULL};

static int calc_check(struct bb_map_compile *m, struct bb_rule *r)
{
    struct calc *p = (struct calc *)r;

    m->map->grows += 32;
    if (p->places > 1001)
        return bb_compile_say_at(m->c, "places", "at most 1000");
    if (p->rounding && !p->places)
        return bb_compile_say_at(m->c, "rounding", "to how many \"places\"?");
    return bb_to_default(m, &p->from, &p->to);
}

static int scale_check(struct bb_map_compile *m, struct bb_rule *r)
{
    struct calc *p = (struct calc *)r;

    if (!p->by && !p->per)
        return bb_compile_say(m->c, "scale needs \"by\" (times), \"per\" (divided by), or both");
    if (p->per && bb_decimal_sign(p->per) == 0)
        return bb_compile_say_at(m->c, "per", "nothing can be divided by 0");
    return calc_check(m, r);
}

/* ---- running --------------------------------------------------------------------------------------- */
bb_status bb_work_put_decimal(struct bb_work *w, const struct bb_path *to, const struct bb_decimal *d,
                              const struct bb_path *from)
{
    char text[BB_DECIMAL_TEXT];
    struct bb_bytes v;

    if (bb_level_number(w->level, text, bb_decimal_format(d, text), &v) != 0)
        return bb_work_reject(w, w->level->why, to);
    return bb_work_put_value(w, to, v, from);
}

static bb_status calc_run(struct bb_work *w, const struct bb_rule *r)
{
    static const struct bb_decimal one = {.n = 1, .limb = {1}};
    const struct calc *p = (const struct calc *)r;
    int places = p->places ? (int)p->places - 1 : BB_SCALE_EXACT;
    int rounding = p->rounding ? p->rounding - 1 : BB_ROUND_HALF_EVEN;
    struct bb_decimal d, out;
    struct bb_fault why = {0, ""};
    struct bb_tok t;
    bb_status s;
    struct bb_span **from = bb_work_find(w, &p->from, !p->optional, &s);
    int rc;

    if (!from)
        return s;
    if (!bb_span_scalar(*from, &t) || bb_scalar_decimal(&t, &d) != 0) {
        if (t.kind == BB_T_NIL && p->optional)
            return BB_OK;
        return bb_work_reject(w, "a number is needed, there is something else", &p->from);
    }
    if (p->by || p->per)
        rc = bb_decimal_scale(&out, &d, p->by ? p->by : &one, p->per ? p->per : &one, places, rounding, &why);
    else
        rc = bb_decimal_round(&out, &d, places, rounding, &why);
    return rc == 0 ? bb_work_put_decimal(w, &p->to, &out, &p->from) : bb_work_reject(w, why.text, &p->from);
}

static const struct bb_arg scale_args[] = {
    {"from", &bb_arg_from, offsetof(struct calc, from), true},
    {"to", &bb_arg_to, offsetof(struct calc, to), false},
    {"by", &arg_decimal, offsetof(struct calc, by), false},
    {"per", &arg_decimal, offsetof(struct calc, per), false},
    {"places", &bb_arg_whole, offsetof(struct calc, places), false},
    {"rounding", &bb_arg_rounding, offsetof(struct calc, rounding), false},
    {"optional", &bb_arg_truth, offsetof(struct calc, optional), false},
    {NULL, NULL, 0, false}};
static const struct bb_arg round_args[] = {
    {"from", &bb_arg_from, offsetof(struct calc, from), true},
    {"to", &bb_arg_to, offsetof(struct calc, to), false},
    {"places", &bb_arg_whole, offsetof(struct calc, places), true},
    {"rounding", &bb_arg_rounding, offsetof(struct calc, rounding), false},
    {"optional", &bb_arg_truth, offsetof(struct calc, optional), false},
    {NULL, NULL, 0, false}};

const struct bb_rule_ops bb_rule_scale = {
    .name = "scale", .size = sizeof(struct calc), .args = scale_args, .check = scale_check, .run = calc_run};
const struct bb_rule_ops bb_rule_round = {
    .name = "round", .size = sizeof(struct calc), .args = round_args, .check = calc_check, .run = calc_run};
