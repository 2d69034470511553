/*
 * lookup.c - the rule lookup: a value by its key in a table
 *
 * Thread: any. Ownership: see map.h and table.h.
 */
#include "core/transform/map/table.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MISS_REJECT, MISS_SKIP, MISS_KEEP, MISS_NOTHING, MISSES };
static const char *const miss_names[MISSES] = {"reject", "skip", "keep", "nothing"};

struct froms {
    struct bb_path v[BB_KEYS_MAX];
    uint32_t n;
};
struct lookup {
    struct bb_rule head;
    struct froms from;
    struct bb_path to;
    struct bb_bytes otherwise; /* "default" */
    uint32_t on_miss; /* plus one */
    int optional;
    struct bb_table table;
};

/* ---- arguments ------------------------------------------------------------------------------------- */
static int froms_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct froms *f = member;
    struct bb_bytes one;
    struct bb_cur c;
    uint32_t n;
    int rc = 0;

    if (!bb_group_of(v, BB_T_ARRAY, &c, &n)) {
        f->n = 1;
        return bb_arg_from.read(m, a, v, &f->v[0]);
    }
    if (n == 0 || n > BB_KEYS_MAX)
        return bb_compile_say(m->c, "takes a pointer or 1 to %d of them", BB_KEYS_MAX);
    for (uint32_t k = 0; k < n; k++) {
        bb_compile_down_n(m->c, k);
        rc |= bb_cur_value(&c, &one) == 0 ? bb_arg_from.read(m, a, one, &f->v[f->n++]) : -1;
        bb_compile_up(m->c);
    }
    return rc;
}

static void froms_free(void *member)
{
    struct froms *f = member;

    for (uint32_t k = 0; k < f->n; k++)
        bb_path_free(&f->v[k]);
}

static void froms_paths(const void *member, bb_path_visit visit, void *arg)
{
    const struct froms *f = member;

    for (uint32_t k = 0; k < f->n; k++)
        visit(arg, &f->v[k], BB_READS);
}
static const struct bb_arg_kind arg_froms = {froms_read, froms_free, froms_paths};

static int miss_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct bb_bytes s = {"", 0};
    uint32_t k;

    (void)a;
    bb_as_str(v, &s);
    k = bb_word_of(s, miss_names, MISSES);
    *(uint32_t *)member = k + 1;
    return k < MISSES ? 0 : bb_compile_unknown(m->c, "word", s, miss_names, MISSES);
}
static const struct bb_arg_kind arg_miss = {miss_read, NULL, NULL};

static const struct bb_arg lookup_args[] = {
    {"from", &arg_froms, offsetof(struct lookup, from), true},
    {"to", &bb_arg_to, offsetof(struct lookup, to), false},
    {"table", &bb_arg_table, offsetof(struct lookup, table.source), true},
    {"key", &bb_arg_columns, offsetof(struct lookup, table.key), false},
    {"value", &bb_arg_columns, offsetof(struct lookup, table.column), false},
    {"on_miss", &arg_miss, offsetof(struct lookup, on_miss), false},
    {"default", &bb_arg_value, offsetof(struct lookup, otherwise), false},
    {"optional", &bb_arg_truth, offsetof(struct lookup, optional), false},
    {NULL, NULL, 0, false}};

static int lookup_check(struct bb_map_compile *m, struct bb_rule *r)
{
    struct lookup *p = (struct lookup *)r;
    int rc;

    if (p->otherwise.ptr && p->on_miss)
        return bb_compile_say_at(m->c, "default", "on_miss says what happens already: one of the two");
    if (p->from.n == 1 && bb_to_default(m, &p->from.v[0], &p->to) != 0)
        return -1;
    if (!p->to.pointer)
        return bb_compile_say(m->c, "lookup with several keys needs \"to\"");
    if (p->on_miss == MISS_KEEP + 1 && p->from.n > 1)
        return bb_compile_say_at(m->c, "on_miss", "several keys cannot be kept as one value");
    rc = bb_table_compile(m, &p->table);
    if (rc == 0 && p->table.key.n && p->table.key.n != p->from.n)
        rc = bb_compile_say(m->c, "%u pointers in \"from\" and %u columns in \"key\"", p->from.n, p->table.key.n);
    m->map->deepens = true;
    m->map->grows += 64;
    return rc;
}

/* ---- looking up ------------------------------------------------------------------------------------ */
static bb_status missed(struct bb_work *w, const struct lookup *p, const struct bb_table_key *key)
{
    char why[100];

    switch (p->on_miss ? p->on_miss - 1 : p->otherwise.ptr ? MISSES : MISS_REJECT) {
    case MISSES:
        return bb_work_put_value(w, &p->to, p->otherwise, &p->from.v[0]);
    case MISS_NOTHING:
        return BB_OK;
    case MISS_KEEP: {
        struct bb_span copy = {0};
        bb_status s;
        struct bb_span **link = bb_work_find(w, &p->from.v[0], true, &s);

        if (!link)
            return s;
        bb_span_move(&copy, *link);
        return bb_work_put(w, &p->to, &copy, &p->from.v[0]);
    }
    default:
        break;
    }
    snprintf(why, sizeof why, "\"%.*s\" is not in the table",
             key->len < 4 ? 0 : (int)(key->len - 4 < 40 ? key->len - 4 : 40), (const char *)key->bytes + 4);
    (void)bb_work_reject(w, why, &p->from.v[0]);
    return p->on_miss == MISS_SKIP + 1 ? BB_E_CANCEL : BB_E_REJECT;
}

static bb_status lookup_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct lookup *p = (const struct lookup *)r;
    struct bb_bytes value;
    struct bb_table_key key;
    bool long_key = false;
    bb_status s;

    key.len = 0;
    for (uint32_t k = 0; k < p->from.n; k++) {
        struct bb_tok t;
        struct bb_span **link = bb_work_find(w, &p->from.v[k], !p->optional, &s);

        if (!link)
            return s;
        if (bb_span_scalar(*link, &t) && t.kind == BB_T_NIL && p->optional)
            return BB_OK;
        if (!bb_span_scalar(*link, &t) || t.kind == BB_T_NIL)
            return bb_work_reject(w, "a text or a number is needed, there is something else",
                                  &p->from.v[k]);
        long_key |= !bb_table_key_add(&key, &t);
    }
    if (long_key || !bb_table_get(&p->table, &key, &value))
        return missed(w, p, &key);
    return bb_work_put_value(w, &p->to, value, &p->from.v[0]);
}

static void lookup_free(struct bb_rule *r)
{
    bb_table_free(&((struct lookup *)r)->table);
}

static bool lookup_maybe(const struct bb_rule *r)
{
    return ((const struct lookup *)r)->on_miss == MISS_NOTHING + 1;
}

const struct bb_rule_ops bb_rule_lookup = {
    .name = "lookup", .size = sizeof(struct lookup), .args = lookup_args, .check = lookup_check,
    .run = lookup_run, .free = lookup_free, .maybe = lookup_maybe};
