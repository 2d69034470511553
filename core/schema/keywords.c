/*
 * keywords.c - the keywords of draft 2020-12 as a table: which hold schemas, and how each is read
 *
 * A keyword's reader checks its value and puts it into the draft of the node; what depends on two
 * keywords waits for bb_draft_finish(). A wrong value is an error at its place.
 * Thread: the compilation's. Ownership: what the program keeps is copied into its arena.
 */
#include "core/schema/internal.h"

#include <busbar/decimal.h>

static struct bb_sarena *arena(struct bb_draft *d)
{
    return &d->b->s->arena;
}

static struct bb_bytes keep(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_bytes b = {bb_sarena_text(arena(d), v.ptr, v.len), v.len};

    if (!b.ptr)
        b = (struct bb_bytes){"", 0};
    return b;
}

static void wrong(struct bb_draft *d, const char *takes)
{
    char quoted[44];

    bb_draft_say(d, true, d->value, "\"%s\" takes %s",
                 bb_fault_quote(quoted, d->key_text.ptr, d->key_text.len), takes);
}

static uint32_t resource(const struct bb_draft *d)
{
    return d->b->made[d->at].resource;
}

/* The subschema that is a keyword's value, or a part of it. */
static struct bb_snode *child(struct bb_draft *d, struct bb_bytes v, struct bb_bytes *part,
                              bool same)
{
    char keyword[64];

    snprintf(keyword, sizeof(keyword), "%.*s", (int)d->key_text.len,
             (const char *)d->key_text.ptr);
    return bb_build_node(d->b, d, v.ptr, resource(d), same, bb_build_at(d, keyword, part));
}

/* Steps into a list or map of v; -1 when it is the other, said. */
static int enter(struct bb_draft *d, struct bb_bytes v, uint32_t kind, struct bb_cur *c,
                 uint32_t *n, const char *takes)
{
    struct bb_tok t;

    *c = bb_cur_of(v);
    if (bb_cur_next(c, &t) != 0 || t.kind != kind) {
        wrong(d, takes);
        return -1;
    }
    *n = t.n;
    return 0;
}

static const struct bb_snode **children(struct bb_draft *d, struct bb_bytes v, uint32_t *n,
                                        bool same)
{
    const struct bb_snode **list;
    struct bb_bytes one, part;
    struct bb_cur c;
    char number[16];
    uint32_t i;

    if (enter(d, v, BB_T_ARRAY, &c, n, "a list of schemas") != 0)
        return NULL;
    if (!*n)
        wrong(d, "at least one schema");
    list = bb_sarena_get(arena(d), (*n + 1) * sizeof(*list));
    for (i = 0; list && i < *n && bb_cur_value(&c, &one) == 0; i++) {
        part.ptr = number;
        part.len = (size_t)snprintf(number, sizeof(number), "%u", i);
        list[i] = child(d, one, &part, same);
    }
    return list;
}

/* ---- core ---------------------------------------------------------------------------------------- */
static void read_text(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_bytes s;

    if (!bb_as_str(v, &s))
        wrong(d, "a text");
}

static void read_bool(struct bb_draft *d, struct bb_bytes v)
{
    int on;

    if (!bb_as_bool(v, &on))
        wrong(d, "true or false");
}

static void read_list(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_cur c;
    uint32_t n;

    enter(d, v, BB_T_ARRAY, &c, &n, "a list");
}

static void read_anchor(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_bytes s;
    const char *p;
    size_t i;
    bool good = bb_as_str(v, &s) && s.len > 0;

    for (i = 0; good && i < s.len; i++) {
        p = (const char *)s.ptr + i;
        good = (*p | 0x20) >= 'a' && (*p | 0x20) <= 'z';
        good |= *p == '_' || (i && ((*p >= '0' && *p <= '9') || *p == '-' || *p == '.'));
    }
    if (!good)
        wrong(d, "a name: a letter or _, then letters, digits, - _ .");
}

static void read_ref(struct bb_draft *d, struct bb_bytes v)
{
    bool dynamic = d->key_text.len > 4; /* $dynamicRef */
    const struct bb_sanchor *anchor;
    struct bb_bytes ref;
    struct bb_snode *node;
    char why[200] = "", quoted[44], at[BB_URI_MAX + 64];
    const uint8_t *p;
    uint32_t to = BB_NO_RESOURCE;

    if (!bb_as_str(v, &ref)) {
        wrong(d, "a URI reference");
        return;
    }
    p = bb_library_find(&d->b->lib, resource(d), ref, &to, &anchor, why);
    if (!p) {
        bb_draft_say(d, true, d->value, "\"%s\" refers to nothing: %s",
                     bb_fault_quote(quoted, ref.ptr, ref.len), why);
        return;
    }
    snprintf(at, sizeof(at), "%s%.*s", *(const char *)ref.ptr == '#' && ref.len
                                           ? d->b->lib.resources[to].uri : "",
             (int)(ref.len < BB_URI_MAX ? ref.len : BB_URI_MAX), (const char *)ref.ptr);
    node = bb_build_node(d->b, d, p, to, true, bb_sarena_text(arena(d), at, strlen(at)));
    d->has |= BB_HAS_LOGIC;
    if (!dynamic) {
        d->logic.ref = node;
    } else {
        d->logic.dynamic = node;
        if (anchor && anchor->dynamic)
            d->logic.anchor = anchor->name;
    }
}

static void read_defs(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_cur c;
    struct bb_tok key;
    struct bb_bytes one;
    uint32_t n;

    if (enter(d, v, BB_T_MAP, &c, &n, "an object of schemas") != 0)
        return;
    while (n-- && bb_cur_next(&c, &key) == 0 && bb_cur_value(&c, &one) == 0)
        child(d, one, &key.s, false);
}

/* ---- applicators -------------------------------------------------------------------------------- */
static void read_logic(struct bb_draft *d, struct bb_bytes v)
{
    static const struct {
        const char *name;
        size_t at;
    } ones[] = {{"not", offsetof(struct bb_slogic, no)},
                {"if", offsetof(struct bb_slogic, cond)},
                {"then", offsetof(struct bb_slogic, then)},
                {"else", offsetof(struct bb_slogic, other)}};
    size_t i;

    for (i = 0; i < sizeof(ones) / sizeof(*ones); i++)
        if (bb_bytes_are(d->key_text, ones[i].name)) {
            const struct bb_snode *n = child(d, v, NULL, true);
            memcpy((char *)&d->logic + ones[i].at, &n, sizeof(n));
        }
    if (bb_bytes_are(d->key_text, "allOf"))
        d->logic.all = children(d, v, &d->logic.n_all, true);
    else if (bb_bytes_are(d->key_text, "anyOf"))
        d->logic.any = children(d, v, &d->logic.n_any, true);
    else if (bb_bytes_are(d->key_text, "oneOf"))
        d->logic.one = children(d, v, &d->logic.n_one, true);
    d->has |= BB_HAS_LOGIC;
}

static void read_array(struct bb_draft *d, struct bb_bytes v)
{
    if (bb_bytes_are(d->key_text, "prefixItems"))
        d->arr.prefix = children(d, v, &d->arr.n_prefix, false);
    else if (bb_bytes_are(d->key_text, "items"))
        d->arr.items = child(d, v, NULL, false);
    else if (bb_bytes_are(d->key_text, "contains"))
        d->arr.contains = child(d, v, NULL, false);
    else
        d->arr.unevaluated = child(d, v, NULL, false);
    d->has |= BB_HAS_ARR;
}

static void read_object(struct bb_draft *d, struct bb_bytes v)
{
    if (bb_bytes_are(d->key_text, "additionalProperties"))
        d->obj.additional = child(d, v, NULL, false);
    else if (bb_bytes_are(d->key_text, "propertyNames"))
        d->obj.names = child(d, v, NULL, false);
    else
        d->obj.unevaluated = child(d, v, NULL, false);
    d->has |= BB_HAS_OBJ;
}

static void read_properties(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_cur c;
    uint32_t n;

    if (enter(d, v, BB_T_MAP, &c, &n, "an object of schemas") == 0)
        d->properties = v;
    d->has |= BB_HAS_OBJ;
}

static const struct bb_spattern *pattern(struct bb_draft *d, struct bb_bytes text,
                                         const uint8_t *at)
{
    struct bb_spattern *p = bb_sarena_get(arena(d), sizeof(*p));
    char why[200], quoted[44];
    size_t offset;

    if (!p)
        return NULL;
    if (bb_spattern_compile(p, text, &offset, why) != 0) {
        bb_draft_say(d, true, at, "the pattern \"%s\" is wrong at its character %zu: %s",
                     bb_fault_quote(quoted, text.ptr, text.len), offset + 1, why);
        return NULL;
    }
    p->text = bb_sarena_text(arena(d), text.ptr, text.len);
    p->next = d->b->s->patterns;
    d->b->s->patterns = p;
    return p;
}

static void read_patterns(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_cur c;
    struct bb_tok key;
    struct bb_bytes one;
    const uint8_t *at;
    uint32_t n, i = 0;

    if (enter(d, v, BB_T_MAP, &c, &n, "an object of patterns and schemas") != 0)
        return;
    d->obj.patterns = bb_sarena_get(arena(d), (n + 1) * sizeof(*d->obj.patterns));
    for (; d->obj.patterns && i < n; i++) {
        at = c.p;
        if (bb_cur_next(&c, &key) != 0 || bb_cur_value(&c, &one) != 0)
            return;
        d->obj.patterns[i].pattern = pattern(d, key.s, at);
        d->obj.patterns[i].node = child(d, one, &key.s, false);
        d->obj.n_patterns++;
    }
    d->has |= BB_HAS_OBJ;
}

/* ---- what an object's members need of each other ------------------------------------------------ */
static struct bb_bytes *names_read(struct bb_draft *d, struct bb_bytes v, uint32_t *n)
{
    struct bb_bytes *names, one;
    struct bb_cur c;
    uint32_t i;

    if (enter(d, v, BB_T_ARRAY, &c, n, "a list of names") != 0)
        return NULL;
    names = bb_sarena_get(arena(d), (*n + 1) * sizeof(*names));
    for (i = 0; names && i < *n && bb_cur_value(&c, &one) == 0; i++) {
        if (!bb_as_str(one, &names[i])) {
            d->value = one.ptr;
            wrong(d, "a list of names");
            return NULL;
        }
        names[i] = keep(d, names[i]);
    }
    return names;
}

/* dependentRequired, dependentSchemas, and dependencies, which is either for each name. */
static void read_depends(struct bb_draft *d, struct bb_bytes v)
{
    bool lists = d->key_text.len != strlen("dependentSchemas"), both = d->key_text.len == 12;
    struct bb_sdepend *list;
    struct bb_cur c, in;
    struct bb_tok key, t;
    struct bb_bytes one;
    uint32_t n;

    if (enter(d, v, BB_T_MAP, &c, &n, "an object") != 0)
        return;
    list = bb_sarena_get(arena(d), (d->obj.n_depends + n + 1) * sizeof(*list));
    if (!list)
        return;
    if (d->obj.n_depends)
        memcpy(list, d->obj.depends, d->obj.n_depends * sizeof(*list));
    d->obj.depends = list;
    while (n-- && bb_cur_next(&c, &key) == 0 && bb_cur_value(&c, &one) == 0) {
        struct bb_sdepend *to = &list[d->obj.n_depends++];
        in = bb_cur_of(one);
        bb_cur_next(&in, &t);
        d->value = one.ptr;
        to->key = keep(d, key.s);
        if (both ? t.kind == BB_T_ARRAY : lists)
            to->names = names_read(d, one, &to->n);
        else
            to->node = child(d, one, &key.s, true);
    }
    d->has |= BB_HAS_OBJ;
}

static void read_required(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_cur c;
    uint32_t n;

    if (enter(d, v, BB_T_ARRAY, &c, &n, "a list of names") == 0)
        d->required = v;
    d->has |= BB_HAS_OBJ;
}

/* ---- counts, numbers ---------------------------------------------------------------------------- */
static void read_count(struct bb_draft *d, struct bb_bytes v)
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
        wrong(d, "a whole number from 0 on");
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

static void read_number(struct bb_draft *d, struct bb_bytes v)
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
        wrong(d, "a number");
        return;
    }
    kept = keep(d, v);
    for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        if (bb_bytes_are(d->key_text, numbers[i].name)) {
            memcpy((char *)&d->num + numbers[i].at, &kept, sizeof(kept));
            if (numbers[i].name[1] == 'u' && bb_decimal_sign(&number) <= 0)
                wrong(d, "a number above 0");
        }
    d->has |= BB_HAS_NUM;
}

static void read_unique(struct bb_draft *d, struct bb_bytes v)
{
    int on = 0;

    if (!bb_as_bool(v, &on))
        wrong(d, "true or false");
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
        wrong(d, "the name of a type, or a list of them");
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

static void read_type(struct bb_draft *d, struct bb_bytes v)
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
    return bb_sarena_text(arena(d), text, strlen(text));
}

static void read_enum(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_svalues *e = bb_sarena_get(arena(d), sizeof(*e));
    struct bb_bytes one, s;
    struct bb_cur c;
    uint32_t n, i;

    if (!e || enter(d, v, BB_T_ARRAY, &c, &n, "a list of values") != 0)
        return;
    if (n > BB_TABLE_MAX) {
        wrong(d, "at most 32000 values");
        return;
    }
    e->others = bb_sarena_get(arena(d), (n + 1) * sizeof(*e->others));
    e->strings = bb_sarena_get(arena(d), sizeof(*e->strings));
    if (e->strings)
        e->strings->v = bb_sarena_get(arena(d), (n + 1) * sizeof(*e->strings->v));
    if (!e->others || !e->strings || !e->strings->v)
        return;
    for (i = 0; i < n && bb_cur_value(&c, &one) == 0; i++)
        if (bb_as_str(one, &s)) {
            s = keep(d, s);
            e->strings->v[e->strings->n].key = s.ptr;
            e->strings->v[e->strings->n++].len = (uint32_t)s.len;
        } else {
            e->others[e->n++] = keep(d, one);
        }
    e->rule = values_text(d, v, n);
    if (bb_stable_build(e->strings, arena(d)) == 0)
        d->node->values = e;
}

static void read_const(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_svalues *e = bb_sarena_get(arena(d), sizeof(*e));
    char text[80];

    if (!e || !(e->others = bb_sarena_get(arena(d), sizeof(*e->others))))
        return;
    e->others[0] = keep(d, v);
    e->n = 1;
    e->single = true;
    bb_run_show(text, sizeof(text), v.ptr, (const uint8_t *)v.ptr + v.len);
    e->rule = bb_sarena_text(arena(d), text, strlen(text));
    d->node->constant = e;
}

static void read_pattern(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_bytes s;

    if (bb_as_str(v, &s))
        d->str.pattern = pattern(d, s, v.ptr);
    else
        wrong(d, "a regular expression");
    d->has |= BB_HAS_STR;
}

static void read_format(struct bb_draft *d, struct bb_bytes v)
{
    const struct bb_sformat *f;
    const char *near;
    char quoted[44];
    struct bb_bytes s;

    if (!bb_as_str(v, &s)) {
        wrong(d, "the name of a format");
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

static void read_write_only(struct bb_draft *d, struct bb_bytes v)
{
    int on = 0;

    read_bool(d, v);
    if (bb_as_bool(v, &on) && on)
        d->node->flags |= BB_NODE_SECRET;
}

/* ---- the table ---------------------------------------------------------------------------------- */
#define CORE BB_VOCAB_CORE
#define APPLY BB_VOCAB_APPLICATOR
#define VALID BB_VOCAB_VALIDATION
#define META BB_VOCAB_META
#define FORMAT (BB_VOCAB_FORMAT | BB_VOCAB_ASSERT)
#define CONTENT BB_VOCAB_CONTENT
static const struct bb_skeyword keywords[] = { /* by name */
    {"$anchor", CORE, 0, read_anchor},
    {"$comment", CORE, 0, read_text},
    {"$defs", CORE, BB_HOLDS_MAP, read_defs},
    {"$dynamicAnchor", CORE, 0, read_anchor},
    {"$dynamicRef", CORE, 0, read_ref},
    {"$id", CORE, 0, read_text},
    {"$ref", CORE, 0, read_ref},
    {"$schema", CORE, 0, read_text},
    {"$vocabulary", CORE, 0, NULL},
    {"additionalProperties", APPLY, BB_HOLDS_ONE, read_object},
    {"allOf", APPLY, BB_HOLDS_LIST, read_logic},
    {"anyOf", APPLY, BB_HOLDS_LIST, read_logic},
    {"const", VALID, 0, read_const},
    {"contains", APPLY, BB_HOLDS_ONE, read_array},
    {"contentEncoding", CONTENT, 0, read_text},
    {"contentMediaType", CONTENT, 0, read_text},
    {"contentSchema", CONTENT, BB_HOLDS_ONE, NULL},
    {"default", META, 0, NULL},
    {"definitions", CORE, BB_HOLDS_MAP, read_defs},
    {"dependencies", APPLY, BB_HOLDS_MIXED, read_depends},
    {"dependentRequired", VALID, 0, read_depends},
    {"dependentSchemas", APPLY, BB_HOLDS_MAP, read_depends},
    {"deprecated", META, 0, read_bool},
    {"description", META, 0, read_text},
    {"else", APPLY, BB_HOLDS_ONE, read_logic},
    {"enum", VALID, 0, read_enum},
    {"examples", META, 0, read_list},
    {"exclusiveMaximum", VALID, 0, read_number},
    {"exclusiveMinimum", VALID, 0, read_number},
    {"format", FORMAT, 0, read_format},
    {"if", APPLY, BB_HOLDS_ONE, read_logic},
    {"items", APPLY, BB_HOLDS_ONE, read_array},
    {"maxContains", VALID, 0, read_count},
    {"maxItems", VALID, 0, read_count},
    {"maxLength", VALID, 0, read_count},
    {"maxProperties", VALID, 0, read_count},
    {"maximum", VALID, 0, read_number},
    {"minContains", VALID, 0, read_count},
    {"minItems", VALID, 0, read_count},
    {"minLength", VALID, 0, read_count},
    {"minProperties", VALID, 0, read_count},
    {"minimum", VALID, 0, read_number},
    {"multipleOf", VALID, 0, read_number},
    {"not", APPLY, BB_HOLDS_ONE, read_logic},
    {"oneOf", APPLY, BB_HOLDS_LIST, read_logic},
    {"pattern", VALID, 0, read_pattern},
    {"patternProperties", APPLY, BB_HOLDS_MAP, read_patterns},
    {"prefixItems", APPLY, BB_HOLDS_LIST, read_array},
    {"properties", APPLY, BB_HOLDS_MAP, read_properties},
    {"propertyNames", APPLY, BB_HOLDS_ONE, read_object},
    {"readOnly", META, 0, read_bool},
    {"required", VALID, 0, read_required},
    {"then", APPLY, BB_HOLDS_ONE, read_logic},
    {"title", META, 0, read_text},
    {"type", VALID, 0, read_type},
    {"unevaluatedItems", BB_VOCAB_UNEVALUATED, BB_HOLDS_ONE, read_array},
    {"unevaluatedProperties", BB_VOCAB_UNEVALUATED, BB_HOLDS_ONE, read_object},
    {"uniqueItems", VALID, 0, read_unique},
    {"writeOnly", META, 0, read_write_only},
};
#define N_KEYWORDS (sizeof(keywords) / sizeof(*keywords))

const struct bb_skeyword *bb_skeyword_find(struct bb_bytes name)
{
    size_t lo = 0, hi = N_KEYWORDS, mid;
    int order;

    while (lo < hi) {
        mid = (lo + hi) / 2;
        order = strncmp(name.ptr, keywords[mid].name, name.len);
        if (!order)
            order = keywords[mid].name[name.len] ? -1 : 0;
        if (!order)
            return memchr(name.ptr, 0, name.len) ? NULL : &keywords[mid];
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const char *bb_skeyword_nearest(const char *name)
{
    const char *names[N_KEYWORDS];
    size_t i;

    for (i = 0; i < N_KEYWORDS; i++)
        names[i] = keywords[i].name;
    return bb_nearest(name, names, N_KEYWORDS);
}
