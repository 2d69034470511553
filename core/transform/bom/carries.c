/*
 * carries.c - the last step before a sink that cannot carry all that a BOM can say
 *
 * The core puts it behind a route's own steps when the sink's manifest names the BOM features that
 * it carries; nobody writes it. A message that uses another one ends as rejected, so that nothing
 * is dropped without a word, unless the route waives that feature by name and the waiver has not
 * ended: then the message goes through and what it loses is noted on the delivery.
 *
 * Config: {features: [{name, owner, until, uses: [{type: "mfg.bom.", pointer: "/lines/x/phantom"
 * with an asterisk for x, in: [...], not: [...]}]}]}; without owner and until it is not waived.
 *
 * Thread: as every step. Ownership: a compiled step owns a copy of its configuration.
 */
#include "core/transform/bom/bom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES_MAX 128u
#define LEVELS_MAX 16u /* keys in a pointer */

struct carries {
    void *config;
    size_t len;
};

static int compile(struct bb_compile *c, struct bb_bytes config, void **out)
{
    struct carries *s = calloc(1, sizeof *s);
    struct bb_bytes list = bom_get(config, "/features");
    struct bb_cur cur;
    uint32_t n;

    *out = s;
    if (!list.len || !bb_group_of(list, BB_T_ARRAY, &cur, &n) || n > FEATURES_MAX)
        return bb_compile_say(c, "is put here by the core and not written by hand");
    if (s)
        s->config = malloc(config.len);
    if (!s || !s->config)
        return bb_compile_say(c, "out of memory");
    memcpy(s->config, config.ptr, s->len = config.len);
    return 0;
}

static void destroy(void *self)
{
    struct carries *s = self;

    if (s)
        free(s->config);
    free(s);
}

/* ---- does a message use it? --------------------------------------------------------------------
 */
static bool among(struct bb_bytes list, struct bb_bytes v)
{
    struct bb_bytes one;
    struct bb_cur c;
    uint32_t n;
    int order;

    if (!list.len || !bb_group_of(list, BB_T_ARRAY, &c, &n))
        return false;
    while (n-- && bb_cur_value(&c, &one) == 0)
        if (bom_same(one, v) || (bb_number_compare(one, v, &order) == 0 && order == 0))
            return true;
    return false;
}

static bool counts(struct bb_bytes use, struct bb_bytes v)
{
    struct bb_cur c = bb_cur_of(v);
    struct bb_bytes in = bom_get(use, "/in"), not = bom_get(use, "/not");
    struct bb_tok t;

    if (bb_cur_next(&c, &t) != 0 || t.kind == BB_T_NIL || (t.kind == BB_T_BOOL && !t.i) ||
        ((t.kind == BB_T_ARRAY || t.kind == BB_T_MAP) && !t.n))
        return false;
    return (!in.len || among(in, v)) && (!not .len || !among(not, v));
}

static bool walk(struct bb_bytes use, struct bb_bytes v, const char *at, uint32_t level)
{
    const char *end = *at ? strchrnul(at + 1, '/') : at;
    size_t len = *at ? (size_t)(end - at - 1) : 0;
    struct bb_bytes one;
    struct bb_cur c;
    char key[128];
    uint32_t n;

    if (!*at)
        return counts(use, v);
    if (level == LEVELS_MAX || len >= sizeof key)
        return false;
    memcpy(key, at + 1, len);
    key[len] = '\0';
    if (strcmp(key, "*") != 0)
        return bb_map_get(v, key, &one) == 1 && walk(use, one, end, level + 1);
    if (!bb_group_of(v, BB_T_ARRAY, &c, &n))
        return false;
    while (n-- && bb_cur_value(&c, &one) == 0)
        if (walk(use, one, end, level + 1))
            return true;
    return false;
}

static bool uses(struct bb_bytes feature, struct bb_bytes type, struct bb_bytes data)
{
    struct bb_bytes list = bom_get(feature, "/uses"), use;
    struct bb_cur c;
    uint32_t n;
    char pointer[256];

    if (!list.len || !bb_group_of(list, BB_T_ARRAY, &c, &n))
        return false;
    while (n-- && bb_cur_value(&c, &use) == 0) {
        struct bb_bytes of = bom_text(use, "/type"), p = bom_text(use, "/pointer");

        if (p.len >= sizeof pointer || of.len > type.len || memcmp(of.ptr, type.ptr, of.len) != 0)
            continue;
        memcpy(pointer, p.ptr, p.len);
        pointer[p.len] = '\0';
        if (walk(use, data, pointer, 0))
            return true;
    }
    return false;
}

/* ---- running --------------------------------------------------------------------------------- */
static bool ended(struct bom_work *w, struct bb_bytes until)
{
    int64_t day;

    return !bom_day_read(until, &day) || bb_apply_now(w->a) / 1000000000 / 86400 > day;
}

static bool note(struct bb_apply *a, struct bb_bytes name, struct bb_bytes owner)
{
    char *text = a->run->note;
    size_t len = strlen(text), cap = sizeof a->run->note;

    snprintf(text + len, cap - len, "%s%.*s (waived by %.*s)",
             len ? ", " : "not carried over: ", (int)(name.len < 40 ? name.len : 40),
             (const char *)name.ptr, (int)(owner.len < 40 ? owner.len : 40),
             (const char *)owner.ptr);
    return true;
}

static bb_status run(const void *self, struct bb_apply *a, struct bb_bytes whole,
                     struct bb_buf *out)
{
    const struct carries *s = self;
    struct bb_bytes list = bom_get((struct bb_bytes){s->config, s->len}, "/features"), feature;
    struct bb_bytes type = bom_text(whole, "/0/type"), data = bom_get(whole, "/1");
    struct bom_work w;
    struct bb_cur c;
    uint32_t n = 0;

    bom_work_init(&w, a, "bom_carries");
    if (!bb_group_of(list, BB_T_ARRAY, &c, &n))
        n = 0;
    while (n-- && bb_cur_value(&c, &feature) == 0 && !w.failed) {
        struct bb_bytes name = bom_text(feature, "/name"), owner = bom_text(feature, "/owner");
        struct bb_bytes until = bom_text(feature, "/until");

        if (!uses(feature, type, data))
            continue;
        if (!owner.len)
            bom_fail(&w,
                     "the sink cannot carry %.*s, which this BOM uses: take it out, or waive it",
                     (int)name.len, (const char *)name.ptr);
        else if (ended(&w, until))
            bom_fail(&w, "the sink cannot carry %.*s; %.*s's waiver of it ended on %.*s",
                     (int)name.len, (const char *)name.ptr, (int)owner.len, (const char *)owner.ptr,
                     (int)until.len, (const char *)until.ptr);
        else
            note(a, name, owner);
    }
    bom_work_free(&w);
    (void)out;
    return w.failed ? BB_E_REJECT : BB_OK;
}

/* Pure, though a waiver ends: what goes on is always the same bytes. */
const struct bb_step_ops bb_step_bom_carries = {.name = "bom_carries",
                                                .pure = true,
                                                .checks = true,
                                                .compile = compile,
                                                .apply = run,
                                                .free = destroy};
