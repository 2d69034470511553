/*
 * step.c - the steps bom, bom_split, bom_merge, bom_diff and bom_apply
 *
 *   - bom: {usage: {from: engineering, to: manufacturing}, plant: "1000", boms:
 * /data/extensions/plm/boms, phantoms: explode, scale: 6, rounding: half-even, effectivity: check,
 * at: today, positions: {start: 10, step: 10, digits: 4, previous: /data/extensions/erp/bom}}
 *   - bom_split: {into: /data/boms}          - bom_merge: {boms: /data/boms}
 *   - bom_diff: {before: POINTER, after: POINTER, id: POINTER}
 *   - bom_apply: {bom: POINTER, change: POINTER, direction: forward | backward}
 *
 * The rules of `bom` run in the order above. What `boms` and `previous` point at is there for the
 * rules only and is left out of the message.
 *
 * Thread: as every step. Ownership: a compiled step owns its pointers.
 */
#include "core/transform/bom/bom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct key {
    const char *name;
    enum bom_text_at at;
    const char *const *words; /* one of these, NULL-ended */
    bool pointer, must;
};

static const char *const phantoms[] = {"keep", "explode", NULL};
static const char *const effects[] = {"keep", "check", NULL};
static const char *const directions[] = {"forward", "backward", NULL};
static const char *const usages[] = {"engineering",   "manufacturing", "service",
                                     "universal",     "sales",         "costing",
                                     "specification", "other",         NULL};
static const char *const roundings[] = {"half-even", "half-up", "half-down", "up",
                                        "down",      "ceiling", "floor",     NULL};

static const struct key bom_keys[] = {
    {"plant", BOM_AT_PLANT, NULL, false, false},
    {"boms", BOM_AT_BOMS, NULL, true, false},
    {"phantoms", BOM_AT_PHANTOMS, phantoms, false, false},
    {"rounding", BOM_AT_ROUNDING, roundings, false, false},
    {"effectivity", BOM_AT_EFFECT, effects, false, false},
    {"at", BOM_AT_AT, NULL, false, false},
};
static const struct key usage_keys[] = {{"from", BOM_AT_USAGE_FROM, usages, false, false},
                                        {"to", BOM_AT_USAGE_TO, usages, false, true}};
static const struct key number_keys[] = {{"previous", BOM_AT_PREVIOUS, NULL, true, false}};
static const struct key split_keys[] = {{"into", BOM_AT_INTO, NULL, true, false}};
static const struct key merge_keys[] = {{"boms", BOM_AT_BOMS, NULL, true, true}};
static const struct key diff_keys[] = {{"before", BOM_AT_BEFORE, NULL, true, true},
                                       {"after", BOM_AT_AFTER, NULL, true, true},
                                       {"id", BOM_AT_ID, NULL, true, false}};
static const struct key apply_keys[] = {{"bom", BOM_AT_BOM, NULL, true, true},
                                        {"change", BOM_AT_CHANGE, NULL, true, true},
                                        {"direction", BOM_AT_DIRECTION, directions, false, false}};

#define N(a) (sizeof(a) / sizeof *(a))

static void self_free(void *p)
{
    struct bom_step *s = p;

    for (int i = 0; s && i < BOM_TEXTS; i++)
        free(s->text[i]);
    free(s);
}

/* ---- compiling ------------------------------------------------------------------------------- */
static uint32_t count(const char *const *words)
{
    uint32_t n = 0;

    while (words[n])
        n++;
    return n;
}

static void text_key(struct bb_compile *c, struct bom_step *s, const struct key *k,
                     struct bb_bytes v)
{
    struct bb_bytes t;

    if (!bb_as_str(v, &t)) {
        bb_compile_say(c, "%s takes a text, not %s", k->name, bb_kind_of(v));
        return;
    }
    if (k->words && bb_word_of(t, k->words, count(k->words)) == count(k->words)) {
        bb_compile_unknown(c, k->name, t, k->words, count(k->words));
        return;
    }
    if (k->pointer &&
        !((t.len > 6 && memcmp(t.ptr, "/data/", 6) == 0) || bb_bytes_are(t, "/data"))) {
        bb_compile_say(c, "%s is a pointer that begins with /data", k->name);
        return;
    }
    free(s->text[k->at]);
    s->text[k->at] = strndup(t.ptr, t.len);
    if (!s->text[k->at])
        bb_compile_say(c, "out of memory");
}

/* others: told of keys that are not in the table; false when it is not its either. */
static void keys(struct bb_compile *c, struct bom_step *s, struct bb_bytes config,
                 const struct key *k, uint32_t n,
                 bool (*others)(struct bb_compile *, struct bom_step *, struct bb_bytes,
                                struct bb_bytes),
                 const char *const *other_names)
{
    const char *names[24];
    struct bb_bytes key, value;
    struct bb_cur cur;
    uint32_t pairs, all = 0;

    for (uint32_t i = 0; i < n; i++)
        names[all++] = k[i].name;
    for (; other_names && *other_names; other_names++)
        names[all++] = *other_names;
    if (!bb_group_of(config, BB_T_MAP, &cur, &pairs)) {
        bb_compile_say(c, "takes a map of keys, not %s", bb_kind_of(config));
        return;
    }
    for (uint32_t i = 0; i < pairs && bb_pair_next(&cur, &key, &value) == 0; i++) {
        uint32_t at = 0;

        bb_compile_down(c, key);
        while (at < n && !bb_bytes_are(key, k[at].name))
            at++;
        if (at < n)
            text_key(c, s, &k[at], value);
        else if (!others || !others(c, s, key, value))
            bb_compile_unknown(c, "key", key, names, all);
        bb_compile_up(c);
    }
    for (uint32_t i = 0; i < n; i++)
        if (k[i].must && bom_get(config, "").len && bb_map_get(config, k[i].name, &value) != 1)
            bb_compile_say(c, "needs the key \"%s\"", k[i].name);
}

static void number_key(struct bb_compile *c, struct bb_bytes v, const char *name, int64_t low,
                       int64_t high, int64_t *out)
{
    if (!bb_as_int(v, out) || *out < low || *out > high) {
        *out = low;
        bb_compile_say(c, "%s takes a whole number from %lld to %lld", name, (long long)low,
                       (long long)high);
    }
}

static bool positions_key(struct bb_compile *c, struct bom_step *s, struct bb_bytes key,
                          struct bb_bytes v)
{
    int64_t n;

    if (bb_bytes_are(key, "start")) {
        number_key(c, v, "start", 1, 999999999, &n);
        s->numbers.start = (uint32_t)n;
    } else if (bb_bytes_are(key, "step")) {
        number_key(c, v, "step", 1, 1000000, &n);
        s->numbers.step = (uint32_t)n;
    } else if (bb_bytes_are(key, "digits")) {
        number_key(c, v, "digits", 1, 9, &n);
        s->numbers.digits = (uint32_t)n;
    } else {
        return false;
    }
    return true;
}

static bool bom_key(struct bb_compile *c, struct bom_step *s, struct bb_bytes key,
                    struct bb_bytes v)
{
    static const char *const names[] = {"start", "step", "digits", NULL};
    int64_t n;

    if (bb_bytes_are(key, "usage")) {
        keys(c, s, v, usage_keys, N(usage_keys), NULL, NULL);
    } else if (bb_bytes_are(key, "positions")) {
        s->number = true;
        keys(c, s, v, number_keys, N(number_keys), positions_key, names);
    } else if (bb_bytes_are(key, "scale")) {
        number_key(c, v, "scale", 0, 30, &n);
        s->rounding.scale = (int)n;
    } else {
        return false;
    }
    return true;
}

static struct bom_step *self_new(struct bb_compile *c, void **out)
{
    struct bom_step *s = calloc(1, sizeof *s);

    *out = s;
    if (!s) {
        bb_compile_say(c, "out of memory");
        return NULL;
    }
    s->rounding = (struct bom_rounding){BB_SCALE_EXACT, BB_ROUND_HALF_EVEN};
    s->numbers = (struct bom_numbers){10, 10, 4};
    return s;
}

static int bom_compile(struct bb_compile *c, struct bb_bytes config, void **out)
{
    static const char *const names[] = {"usage", "positions", "scale", NULL};
    uint32_t before = c->mistakes;
    struct bom_step *s = self_new(c, out);

    if (!s)
        return -1;
    keys(c, s, config, bom_keys, N(bom_keys), bom_key, names);
    if (s->text[BOM_AT_ROUNDING])
        s->rounding.mode = bb_round_mode(s->text[BOM_AT_ROUNDING]);
    if (s->text[BOM_AT_ROUNDING] && s->rounding.scale == BB_SCALE_EXACT)
        bb_compile_say_at(c, "rounding", "rounding needs a scale: how many places are kept");
    if (s->text[BOM_AT_PHANTOMS] && strcmp(s->text[BOM_AT_PHANTOMS], "explode") == 0 &&
        !s->text[BOM_AT_BOMS])
        bb_compile_say_at(c, "phantoms",
                          "explode needs boms: where in the message the phantoms' BOMs are");
    if (s->text[BOM_AT_AT] && strcmp(s->text[BOM_AT_AT], "today") != 0) {
        struct bom_work w;
        struct bb_fault err;
        struct bb_transform_run run = {0};
        struct bb_apply a = {.run = &run, .err = &err};
        struct bom_doc none = {0};

        bom_work_init(&w, &a, "bom");
        if (!bom_effect_at(&w, &none,
                           (struct bb_bytes){s->text[BOM_AT_AT], strlen(s->text[BOM_AT_AT])}))
            bb_compile_say_at(c, "at", "at is \"today\" or a date such as \"2026-04-01\"");
    } else if (s->text[BOM_AT_AT]) {
        c->impure = true;
    }
    return c->mistakes > before ? -1 : 0;
}

static int plain_compile(struct bb_compile *c, struct bb_bytes config, void **out,
                         const struct key *k, uint32_t n)
{
    uint32_t before = c->mistakes;
    struct bom_step *s = self_new(c, out);

    if (s)
        keys(c, s, config, k, n, NULL, NULL);
    return c->mistakes > before ? -1 : 0;
}

static int split_compile(struct bb_compile *c, struct bb_bytes config, void **out)
{
    return plain_compile(c, config, out, split_keys, N(split_keys));
}
static int merge_compile(struct bb_compile *c, struct bb_bytes config, void **out)
{
    return plain_compile(c, config, out, merge_keys, N(merge_keys));
}
static int diff_compile(struct bb_compile *c, struct bb_bytes config, void **out)
{
    return plain_compile(c, config, out, diff_keys, N(diff_keys));
}
static int apply_compile(struct bb_compile *c, struct bb_bytes config, void **out)
{
    return plain_compile(c, config, out, apply_keys, N(apply_keys));
}

const struct bb_step_ops bb_step_bom = {
    .name = "bom", .pure = true, .compile = bom_compile, .apply = bom_run_rules, .free = self_free};
const struct bb_step_ops bb_step_bom_split = {.name = "bom_split",
                                              .pure = true,
                                              .compile = split_compile,
                                              .apply = bom_run_split,
                                              .free = self_free};
const struct bb_step_ops bb_step_bom_merge = {.name = "bom_merge",
                                              .pure = true,
                                              .compile = merge_compile,
                                              .apply = bom_run_merge,
                                              .free = self_free};
const struct bb_step_ops bb_step_bom_diff = {.name = "bom_diff",
                                             .pure = true,
                                             .compile = diff_compile,
                                             .apply = bom_run_diff,
                                             .free = self_free};
const struct bb_step_ops bb_step_bom_apply = {.name = "bom_apply",
                                              .pure = true,
                                              .compile = apply_compile,
                                              .apply = bom_run_apply,
                                              .free = self_free};
