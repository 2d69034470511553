/*
 * read.c - the step require: what a message must be like before it goes on
 *
 *   schema: mfg.bom/1                     the data is as that schema says
 *   approval: released                    the state at /data/approval/state is that, or one of a list
 *   effectivity: current                  now lies in it (future: before it; not-past: one of the two)
 *   present: [/data/plant, ...]           there, and not null
 *   that: [{at: /data/qty, above: 0}]     the map's conditions
 *   each: {at: /data/lines, ...}          the same for the entries of a list: present, that, when;
 *                                         windows: those of one key have no gap and do not overlap;
 *                                         unique: no two entries have the same values there
 *
 * Everything is looked at, and all that does not hold is told, with its pointer. Then the delivery is
 * skipped or quarantined, as on_failure says: a route's require refuses nobody.
 *
 * Thread: apply on any. Ownership: a step owns its checks; a report lives for one apply.
 */
#include "core/transform/require/require.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const ways[] = {"current", "future", "not-past"};
#define WAYS (sizeof ways / sizeof ways[0])

/* ---- compile ------------------------------------------------------------------------------------- */
static bool is_list(struct bb_bytes v, struct bb_cur *cur, uint32_t *n)
{
    return bb_group_of(v, BB_T_ARRAY, cur, n);
}

/* One pointer or a list of them. */
static int paths_read(struct bb_compile *c, struct bb_bytes v, bool entry, struct bb_paths *out)
{
    struct bb_bytes one;
    struct bb_cur cur;
    uint32_t n;
    int rc = 0;

    out->v = calloc(BB_REQUIRE_MAX, sizeof *out->v);
    if (!out->v)
        return bb_compile_say(c, "out of memory");
    if (!is_list(v, &cur, &n)) {
        out->n = 1;
        return bb_ref_read(c, v, entry, out->v);
    }
    if (!n || n > BB_REQUIRE_MAX)
        return bb_compile_say(c, "a list of 1 to %d pointers", BB_REQUIRE_MAX);
    for (uint32_t k = 0; k < n; k++) {
        bb_compile_down_n(c, k);
        rc |= bb_cur_value(&cur, &one) == 0 ? bb_ref_read(c, one, entry, &out->v[out->n++])
                                            : bb_compile_say(c, "damaged configuration");
        bb_compile_up(c);
    }
    return rc ? -1 : 0;
}

static void paths_free(struct bb_paths *p)
{
    for (uint32_t k = 0; k < p->n; k++)
        bb_path_free(&p->v[k]);
    free(p->v);
}

static int conds_read(struct bb_compile *c, struct bb_bytes v, bool entry, struct bb_asks *asks)
{
    struct bb_bytes one;
    struct bb_cur cur;
    uint32_t n;
    int rc = 0;

    asks->that = calloc(BB_REQUIRE_MAX, sizeof(struct bb_cond *));
    if (!asks->that)
        return bb_compile_say(c, "out of memory");
    if (!is_list(v, &cur, &n)) {
        asks->n_that = 1;
        return bb_ref_cond_read(c, v, entry, &asks->that[0]);
    }
    if (!n || n > BB_REQUIRE_MAX)
        return bb_compile_say(c, "a list of 1 to %d conditions", BB_REQUIRE_MAX);
    for (uint32_t k = 0; k < n; k++) {
        bb_compile_down_n(c, k);
        rc |= bb_cur_value(&cur, &one) == 0
                  ? bb_ref_cond_read(c, one, entry, &asks->that[asks->n_that++])
                  : bb_compile_say(c, "damaged configuration");
        bb_compile_up(c);
    }
    return rc ? -1 : 0;
}

static void asks_free(struct bb_asks *a)
{
    paths_free(&a->present);
    for (uint32_t k = 0; k < a->n_that; k++)
        bb_cond_free(a->that[k]);
    free(a->that);
}

/* A pointer that the configuration may leave out. */
static int path_default(struct bb_compile *c, struct bb_path *p, bool entry, const char *pointer)
{
    struct bb_buf b;
    int rc;

    if (p->pointer)
        return 0;
    bb_buf_init(&b, 256);
    bb_put_cstr(&b, pointer);
    rc = bb_ref_read(c, (struct bb_bytes){b.ptr, b.len}, entry, p);
    bb_buf_free(&b);
    return rc;
}

static int states_read(struct bb_compile *c, struct bb_bytes v, struct bb_require *q)
{
    struct bb_bytes one, s;
    struct bb_cur cur;
    uint32_t n;
    bool fine = true;

    bb_buf_init(&q->states, 1u << 16);
    if (is_list(v, &cur, &n)) {
        for (uint32_t k = 0; k < n; k++)
            fine = fine && bb_cur_value(&cur, &one) == 0 && bb_as_str(one, &s) == 1;
        fine = fine && n;
    } else {
        fine = bb_as_str(v, &s) == 1;
        bb_put_array(&q->states, 1);
    }
    bb_put_raw(&q->states, v);
    return fine && !q->states.failed
               ? 0 : bb_compile_say(c, "expected a state such as released, or a list of states");
}

static int approval_read(struct bb_compile *c, struct bb_bytes v, struct bb_require *q)
{
    static const char *const names[] = {"at", "in"};
    struct bb_bytes key, val;
    struct bb_cur cur;
    uint32_t n;
    int rc = 0;

    q->ask_approval = true;
    if (!bb_group_of(v, BB_T_MAP, &cur, &n)) {
        rc = states_read(c, v, q);
        n = 0;
    }
    for (; n; n--) {
        if (bb_pair_next(&cur, &key, &val) != 0)
            return bb_compile_say(c, "damaged configuration");
        bb_compile_down(c, key);
        if (bb_bytes_are(key, "at") && !q->approval.pointer)
            rc |= bb_ref_read(c, val, false, &q->approval);
        else if (bb_bytes_are(key, "in") && !q->states.len)
            rc |= states_read(c, val, q);
        else
            rc |= bb_compile_unknown(c, "option", key, names, 2);
        bb_compile_up(c);
    }
    if (!rc && !q->states.len)
        rc = bb_compile_say(c, "approval needs in: the states that are fine");
    return rc ? -1 : path_default(c, &q->approval, false, "/data/approval/state");
}

static int way_read(struct bb_compile *c, struct bb_bytes v, struct bb_require *q)
{
    struct bb_bytes word = {"", 0};

    bb_as_str(v, &word);
    q->way = (enum bb_require_way)bb_word_of(word, ways, WAYS);
    return q->way < WAYS ? 0 : bb_compile_unknown(c, "way to be effective", word, ways, WAYS);
}

static int effectivity_read(struct bb_compile *c, struct bb_bytes v, struct bb_require *q)
{
    static const char *const names[] = {"at", "is", "zone"};
    static const struct bb_arg zone = {"zone", &bb_arg_zone, 0, false};
    struct bb_map map = {.grows = 0};
    struct bb_map_compile m = {.c = c, .map = &map};
    struct bb_bytes key, val;
    struct bb_cur cur;
    uint32_t n;
    int rc = 0;

    q->ask_effectivity = true;
    q->way = WAYS;
    if (!bb_group_of(v, BB_T_MAP, &cur, &n)) {
        rc = way_read(c, v, q);
        n = 0;
    }
    for (; n; n--) {
        if (bb_pair_next(&cur, &key, &val) != 0)
            return bb_compile_say(c, "damaged configuration");
        bb_compile_down(c, key);
        if (bb_bytes_are(key, "at") && !q->effectivity.pointer)
            rc |= bb_ref_read(c, val, false, &q->effectivity);
        else if (bb_bytes_are(key, "is") && q->way == WAYS)
            rc |= way_read(c, val, q);
        else if (bb_bytes_are(key, "zone") && !q->zone)
            rc |= bb_arg_zone.read(&m, &zone, val, &q->zone);
        else
            rc |= bb_compile_unknown(c, "option", key, names, 3);
        bb_compile_up(c);
    }
    if (!rc && q->way == WAYS)
        rc = bb_compile_say(c, "effectivity needs is: current, future or not-past");
    return rc ? -1 : path_default(c, &q->effectivity, false, "/data/effectivity");
}

static int windows_read(struct bb_compile *c, struct bb_bytes v, struct bb_each_entry *e)
{
    static const char *const names[] = {"at", "by", "gaps"}, *const gaps[] = {"refuse", "allow"};
    struct bb_bytes key, val, word;
    struct bb_cur cur;
    uint32_t n;
    int rc = 0;

    if (!bb_group_of(v, BB_T_MAP, &cur, &n))
        return bb_compile_say(c, "expected a map such as {by: ./position}");
    e->ask_windows = true;
    for (; n; n--) {
        if (bb_pair_next(&cur, &key, &val) != 0)
            return bb_compile_say(c, "damaged configuration");
        bb_compile_down(c, key);
        word = (struct bb_bytes){"", 0};
        if (bb_bytes_are(key, "at") && !e->window.pointer) {
            rc |= bb_ref_read(c, val, true, &e->window);
        } else if (bb_bytes_are(key, "by") && !e->by.n) {
            rc |= paths_read(c, val, true, &e->by);
        } else if (bb_bytes_are(key, "gaps")) {
            bb_as_str(val, &word);
            e->gaps = bb_bytes_are(word, "allow");
            if (!e->gaps && !bb_bytes_are(word, "refuse"))
                rc |= bb_compile_unknown(c, "way to deal with gaps", word, gaps, 2);
        } else {
            rc |= bb_compile_unknown(c, "option", key, names, 3);
        }
        bb_compile_up(c);
    }
    if (!rc && !e->by.n)
        rc = bb_compile_say(c, "windows needs by: what those that follow one another have in common");
    return rc ? -1 : path_default(c, &e->window, true, "./effectivity");
}

static int each_one_read(struct bb_compile *c, struct bb_bytes v, struct bb_each_entry *e)
{
    static const char *const names[] = {"at", "when", "present", "that", "windows", "unique"};
    struct bb_bytes key, val;
    struct bb_cur cur;
    uint32_t n, seen = 0;
    int rc = 0;

    if (!bb_group_of(v, BB_T_MAP, &cur, &n))
        return bb_compile_say(c, "expected a map such as {at: /data/lines, present: [./component]}");
    for (; n; n--) {
        uint32_t k;

        if (bb_pair_next(&cur, &key, &val) != 0)
            return bb_compile_say(c, "damaged configuration");
        k = bb_word_of(key, names, 6);
        bb_compile_down(c, key);
        if (seen & 1u << k)
            rc |= bb_compile_say(c, "given twice");
        else if (k == 0)
            rc |= bb_ref_read(c, val, false, &e->at);
        else if (k == 1)
            rc |= bb_ref_cond_read(c, val, true, &e->when);
        else if (k == 2)
            rc |= paths_read(c, val, true, &e->asks.present);
        else if (k == 3)
            rc |= conds_read(c, val, true, &e->asks);
        else if (k == 4)
            rc |= windows_read(c, val, e);
        else if (k == 5)
            rc |= paths_read(c, val, true, &e->unique);
        else
            rc |= bb_compile_unknown(c, "option", key, names, 6);
        seen |= k < 6 ? 1u << k : 0;
        bb_compile_up(c);
    }
    if (!rc && !(seen & 1))
        rc = bb_compile_say(c, "each needs at: the list whose entries are meant");
    if (!rc && !(seen & ~3u))
        rc = bb_compile_say(c, "each asks nothing of the entries: present, that, windows or unique");
    return rc ? -1 : 0;
}

static int each_read(struct bb_compile *c, struct bb_bytes v, struct bb_require *q)
{
    struct bb_bytes one;
    struct bb_cur cur;
    uint32_t n;
    int rc = 0;

    q->each = calloc(BB_REQUIRE_MAX, sizeof *q->each);
    if (!q->each)
        return bb_compile_say(c, "out of memory");
    if (!is_list(v, &cur, &n)) {
        q->n_each = 1;
        return each_one_read(c, v, &q->each[0]);
    }
    if (!n || n > BB_REQUIRE_MAX)
        return bb_compile_say(c, "a list of 1 to %d", BB_REQUIRE_MAX);
    for (uint32_t k = 0; k < n; k++) {
        bb_compile_down_n(c, k);
        rc |= bb_cur_value(&cur, &one) == 0 ? each_one_read(c, one, &q->each[q->n_each++])
                                            : bb_compile_say(c, "damaged configuration");
        bb_compile_up(c);
    }
    return rc ? -1 : 0;
}

static int failure_read(struct bb_compile *c, struct bb_bytes v, struct bb_require *q)
{
    static const char *const words[] = {"skip", "quarantine"};
    struct bb_bytes word = {"", 0};

    bb_as_str(v, &word);
    q->skip = bb_bytes_are(word, "skip");
    if (q->skip || bb_bytes_are(word, "quarantine"))
        return 0;
    if (bb_bytes_are(word, "refuse"))
        return bb_compile_say(c, "a route refuses nobody, its source has been answered: skip or quarantine");
    return bb_compile_unknown(c, "way to fail", word, words, 2);
}

enum option { O_SCHEMA, O_APPROVAL, O_EFFECTIVITY, O_PRESENT, O_THAT, O_EACH, O_ON_FAILURE, O_CLASS, OPTIONS };
static const char *const options[OPTIONS] = {"schema", "approval", "effectivity", "present", "that", "each",
                                             "on_failure", "class"};

static int option_read(struct bb_compile *c, enum option o, struct bb_bytes v, struct bb_require *q)
{
    switch (o) {
    case O_SCHEMA:
        return bb_require_schema_read(c, v, &q->schema);
    case O_APPROVAL:
        return approval_read(c, v, q);
    case O_EFFECTIVITY:
        return effectivity_read(c, v, q);
    case O_PRESENT:
        return paths_read(c, v, false, &q->asks.present);
    case O_THAT:
        return conds_read(c, v, false, &q->asks);
    case O_EACH:
        return each_read(c, v, q);
    case O_CLASS:
        return bb_ref_text_read(c, v, 40, &q->failure);
    default:
        return failure_read(c, v, q);
    }
}

static int require_compile(struct bb_compile *c, struct bb_bytes config, void **self)
{
    struct bb_require *q = *self = calloc(1, sizeof *q);
    struct bb_bytes key, val;
    struct bb_cur cur;
    uint32_t n, seen = 0;
    int rc = 0;

    if (!q)
        return bb_compile_say(c, "out of memory");
    if (!bb_group_of(config, BB_T_MAP, &cur, &n))
        return bb_compile_say(c, "require takes a map such as {approval: released, present: [/data/plant]}");
    for (; n; n--) {
        uint32_t o;

        if (bb_pair_next(&cur, &key, &val) != 0)
            return bb_compile_say(c, "damaged configuration");
        o = bb_word_of(key, options, OPTIONS);
        bb_compile_down(c, key);
        if (o == OPTIONS)
            rc |= bb_compile_unknown(c, "option", key, options, OPTIONS);
        else
            rc |= seen & 1u << o ? bb_compile_say(c, "given twice") : option_read(c, (enum option)o, val, q);
        seen |= 1u << o;
        bb_compile_up(c);
    }
    if (!rc && !(seen & ((1u << O_ON_FAILURE) - 1)))
        rc = bb_compile_say(c, "require asks for nothing");
    return rc ? -1 : 0;
}

static void require_free(void *self)
{
    struct bb_require *q = self;

    if (!q)
        return;
    bb_require_schema_free(q->schema);
    bb_path_free(&q->approval);
    bb_path_free(&q->effectivity);
    bb_buf_free(&q->states);
    bb_zone_free(q->zone);
    asks_free(&q->asks);
    for (uint32_t k = 0; k < q->n_each; k++) {
        bb_path_free(&q->each[k].at);
        bb_path_free(&q->each[k].window);
        bb_cond_free(q->each[k].when);
        paths_free(&q->each[k].by);
        paths_free(&q->each[k].unique);
        asks_free(&q->each[k].asks);
    }
    free(q->each);
    free(q->failure);
    free(q);
}

const struct bb_step_ops bb_step_require = {.name = "require", .pure = true, .checks = true, .compile = require_compile,
                                            .apply = bb_require_apply, .free = require_free};
