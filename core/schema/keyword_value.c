/*
 * keyword_value.c - keywords that say something of one value: counts, ranges, types, given values,
 * patterns, formats
 *
 * Thread: the compilation's. Ownership: what the program keeps is copied into its arena; a pattern
 * belongs to the program.
 */
#include "core/schema/keyword.h"

#include <busbar/decimal.h>

/* ---- counts, numbers ---------------------------------------------------------------------------- */
void bb_skeyword_read_count(struct bb_draft *d, struct bb_bytes v)
{
    static const struct {
        const char *name;
        size_t at;
        unsigned has;
    } counts[] = {
        {"minLength", offsetof(struct bb_draft, str.min), BB_HAS_STR},
        {"maxLength", offsetof(struct bb_draft, str.max), BB_HAS_STR},
        {"minItems", offsetof(struct bb_draft, arr.min), BB_HAS_ARR},
        {"maxItems", offsetof(struct bb_draft, arr.max), BB_HAS_ARR},
        {"minContains", offsetof(struct bb_draft, arr.contains_min),
         BB_HAS_ARR | BB_HAS_CONTAINS_MIN},
        {"maxContains", offsetof(struct bb_draft, arr.contains_max), BB_HAS_ARR},
        {"minProperties", offsetof(struct bb_draft, obj.min), BB_HAS_OBJ},
        {"maxProperties", offsetof(struct bb_draft, obj.max), BB_HAS_OBJ},
    };
    struct bb_decimal number;
    uint32_t count;
    int64_t n;
    size_t i;

    if (bb_as_decimal(v, &number, NULL) != 1 || !bb_decimal_is_integer(&number) ||
        bb_decimal_sign(&number) < 0) {
        bb_skeyword_wrong(d, "a whole number from 0 on");
        return;
    }
    if (!bb_decimal_to_int(&number, &n) || n >= UINT32_MAX)
        n = UINT32_MAX - 1; /* no value has that many */
    count = (uint32_t)n;
    for (i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        if (bb_bytes_are(d->key_text, counts[i].name)) {
            /* absent is 0: a maximum is kept one higher */
            count += counts[i].name[1] == 'a';
            memcpy((char *)d + counts[i].at, &count, sizeof(count));
            d->has |= counts[i].has;
        }
}

void bb_skeyword_read_number(struct bb_draft *d, struct bb_bytes v)
{
    static const struct {
        const char *name;
        size_t at;
    } numbers[] = {
        {"minimum", offsetof(struct bb_snum, minimum)},
        {"maximum", offsetof(struct bb_snum, maximum)},
        {"exclusiveMinimum", offsetof(struct bb_snum, above)},
        {"exclusiveMaximum", offsetof(struct bb_snum, below)},
        {"multipleOf", offsetof(struct bb_snum, multiple)},
    };
    struct bb_decimal number;
    struct bb_bytes kept;
    size_t i;

    if (bb_as_decimal(v, &number, NULL) != 1) {
        bb_skeyword_wrong(d, "a number");
        return;
    }
    kept = bb_skeyword_keep(d, v);
    for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        if (bb_bytes_are(d->key_text, numbers[i].name)) {
            memcpy((char *)&d->num + numbers[i].at, &kept, sizeof(kept));
            if (numbers[i].name[1] == 'u' && bb_decimal_sign(&number) <= 0)
                bb_skeyword_wrong(d, "a number above 0");
        }
    d->has |= BB_HAS_NUM;
}

void bb_skeyword_read_unique(struct bb_draft *d, struct bb_bytes v)
{
    int on = 0;

    if (!bb_as_bool(v, &on))
        bb_skeyword_wrong(d, "true or false");
    d->arr.unique = on;
    d->has |= BB_HAS_ARR;
}

/* ---- types, values, texts ----------------------------------------------------------------------- */
static uint8_t type_of(struct bb_draft *d, struct bb_bytes v)
{
    static const struct {
        const char *name;
        uint8_t bits;
    } types[] = {{"null", BB_K_NULL}, {"boolean", BB_K_BOOL}, {"string", BB_K_STR},
                 {"array", BB_K_ARRAY}, {"object", BB_K_OBJECT}, {"integer", BB_K_INT},
                 {"number", BB_K_INT | BB_K_NUMBER}};
    const char *names[7], *near;
    char quoted[44];
    struct bb_bytes s;
    size_t i;

    if (!bb_as_str(v, &s)) {
        bb_skeyword_wrong(d, "the name of a type, or a list of them");
        return 0;
    }
    for (i = 0; i < 7; i++) {
        if (bb_bytes_are(s, types[i].name))
            return types[i].bits;
        names[i] = types[i].name;
    }
    bb_fault_quote(quoted, s.ptr, s.len);
    near = bb_nearest(quoted, names, 7);
    bb_draft_say(d, true, v.ptr,
                 "there is no type \"%s\"%s%s%s: null, boolean, object, array, number, integer or "
                 "string",
                 quoted, near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
    return 0;
}

void bb_skeyword_read_type(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_cur c = bb_cur_of(v);
    struct bb_bytes one;
    struct bb_tok t;
    uint8_t bits = 0;

    bb_cur_next(&c, &t);
    if (t.kind == BB_T_ARRAY)
        while (t.n-- && bb_cur_value(&c, &one) == 0)
            bits |= type_of(d, one);
    else
        bits = type_of(d, v);
    d->node->types = bits;
}

/* "\"a\", \"b\" or 3", cut short. */
static const char *values_text(struct bb_draft *d, struct bb_bytes list, uint32_t n)
{
    struct bb_cur c = bb_cur_of(list);
    char text[200], one[64];
    struct bb_tok t;
    size_t len = 0;
    uint32_t i;

    bb_cur_next(&c, &t);
    text[0] = '\0';
    for (i = 0; i < n; i++) {
        bb_run_show(one, sizeof(one), c.p, c.end);
        if (bb_cur_skip(&c) != 0 || len + strlen(one) + 16 > sizeof(text))
            break;
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
                                !i ? "" : i + 1 == n ? " or " : ", ", one);
    }
    if (i < n)
        snprintf(text + len, sizeof(text) - len, " ... (%u)", n);
    return bb_sarena_text(bb_skeyword_arena(d), text, strlen(text));
}

void bb_skeyword_read_enum(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_svalues *e = bb_sarena_get(bb_skeyword_arena(d), sizeof(*e));
    struct bb_bytes one, s;
    struct bb_cur c;
    uint32_t n, i;

    if (!e || bb_skeyword_enter(d, v, BB_T_ARRAY, &c, &n, "a list of values") != 0)
        return;
    if (n > BB_TABLE_MAX) {
        bb_skeyword_wrong(d, "at most 32000 values");
        return;
    }
    e->others = bb_sarena_get(bb_skeyword_arena(d), (n + 1) * sizeof(*e->others));
    e->strings = bb_sarena_get(bb_skeyword_arena(d), sizeof(*e->strings));
    if (e->strings)
        e->strings->v = bb_sarena_get(bb_skeyword_arena(d), (n + 1) * sizeof(*e->strings->v));
    if (!e->others || !e->strings || !e->strings->v)
        return;
    for (i = 0; i < n && bb_cur_value(&c, &one) == 0; i++)
        if (bb_as_str(one, &s)) {
            s = bb_skeyword_keep(d, s);
            e->strings->v[e->strings->n].key = s.ptr;
            e->strings->v[e->strings->n++].len = (uint32_t)s.len;
        } else {
            e->others[e->n++] = bb_skeyword_keep(d, one);
        }
    e->rule = values_text(d, v, n);
    if (bb_stable_build(e->strings, bb_skeyword_arena(d)) == 0)
        d->node->values = e;
}

void bb_skeyword_read_const(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_svalues *e = bb_sarena_get(bb_skeyword_arena(d), sizeof(*e));
    char text[80];

    if (!e || !(e->others = bb_sarena_get(bb_skeyword_arena(d), sizeof(*e->others))))
        return;
    e->others[0] = bb_skeyword_keep(d, v);
    e->n = 1;
    e->single = true;
    bb_run_show(text, sizeof(text), v.ptr, (const uint8_t *)v.ptr + v.len);
    e->rule = bb_sarena_text(bb_skeyword_arena(d), text, strlen(text));
    d->node->constant = e;
}

const struct bb_spattern *bb_skeyword_pattern(struct bb_draft *d, struct bb_bytes text,
                                              const uint8_t *at)
{
    struct bb_spattern *p = bb_sarena_get(bb_skeyword_arena(d), sizeof(*p));
    char why[200], quoted[44];
    size_t offset;

    if (!p)
        return NULL;
    if (bb_spattern_compile(p, text, &offset, why) != 0) {
        bb_draft_say(d, true, at, "the pattern \"%s\" is wrong at its character %zu: %s",
                     bb_fault_quote(quoted, text.ptr, text.len), offset + 1, why);
        return NULL;
    }
    p->text = bb_sarena_text(bb_skeyword_arena(d), text.ptr, text.len);
    p->next = d->b->s->patterns;
    d->b->s->patterns = p;
    return p;
}

void bb_skeyword_read_pattern(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_bytes s;

    if (bb_as_str(v, &s))
        d->str.pattern = bb_skeyword_pattern(d, s, v.ptr);
    else
        bb_skeyword_wrong(d, "a regular expression");
    d->has |= BB_HAS_STR;
}

void bb_skeyword_read_format(struct bb_draft *d, struct bb_bytes v)
{
    const struct bb_sformat *f;
    const char *near;
    char quoted[44];
    struct bb_bytes s;

    if (!bb_as_str(v, &s)) {
        bb_skeyword_wrong(d, "the name of a format");
        return;
    }
    if (bb_bytes_are(s, "password"))
        d->node->flags |= BB_NODE_SECRET;
    f = bb_sformat_find(s);
    if (!f) {
        near = bb_sformat_nearest(bb_fault_quote(quoted, s.ptr, s.len));
        bb_draft_say(d, d->b->options->strict, v.ptr, "unknown format \"%s\"%s%s%s", quoted,
                     near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        return;
    }
    if (!f->holds || !(d->b->options->formats || (d->vocab & BB_VOCAB_ASSERT)))
        return;
    d->str.format = f;
    d->has |= BB_HAS_STR;
}

void bb_skeyword_read_write_only(struct bb_draft *d, struct bb_bytes v)
{
    int on = 0;

    bb_skeyword_read_bool(d, v);
    if (bb_as_bool(v, &on) && on)
        d->node->flags |= BB_NODE_SECRET;
}
