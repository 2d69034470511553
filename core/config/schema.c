/*
 * schema.c - a manifest's schema as keys, and a connector's config held against them
 *
 * The words of JSON Schema that a manifest may use are a table like conf.d's own, so a faulty
 * schema is reported like a faulty file. A word that asserts something we do not check (oneOf) is
 * refused, not ignored: a schema must never promise more than is done. The manifest may be
 * anything: depth is bounded by its msgpack's.
 *
 * Before the first word is said about a config, every value that the schema calls secret is masked
 * in the source, so that a password written plainly is refused without being shown.
 *
 * Thread: any, while the configuration is not shared. Memory: keys live as long as one check.
 */
#include "core/config/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct level { /* what one level of a schema says; nodes are worked on when all is read */
    struct bb_spec key;
    const struct bb_node *type, *properties, *required, *additional, *items, *names, *choices;
};

/* ---- the words ---------------------------------------------------------------------- */
/* clang-format off */
#define AT(m) .offset = offsetof(struct level, m), .size = sizeof(((struct level *)0)->m)
#define PART(n, t, m) .name = n, .types = t, .flags = BB_SPEC_NODE | BB_SPEC_OPEN, AT(m)
#define COUNT(n, m) {.name = n, .types = BB_TYPE_INT, .max = 1e15, AT(key.m)}
#define BOUND(n, m) {.name = n, .types = BB_TYPE_NUM, ANY_NUMBER, AT(key.m)}
#define NOTE(n) {.name = n, .flags = BB_SPEC_OPEN}
#define ANY_NUMBER .min = -HUGE_VAL, .max = HUGE_VAL
#define SCALAR (BB_TYPE_STR | BB_TYPE_INT | BB_TYPE_NUM | BB_TYPE_BOOL | BB_TYPE_NULL)

static const struct bb_choice types[] = {
    {"string", BB_TYPE_STR},   {"integer", BB_TYPE_INT}, {"number", BB_TYPE_NUM},
    {"boolean", BB_TYPE_BOOL}, {"array", BB_TYPE_LIST},  {"object", BB_TYPE_MAP},
    {"null", BB_TYPE_NULL},    {NULL, 0}};
static const struct bb_spec type_word = {.types = BB_TYPE_STR, .choices = types};
static const struct bb_spec text_word = {.types = BB_TYPE_STR};
static const struct bb_spec scalar_word = {.types = SCALAR, ANY_NUMBER};
static const struct bb_spec needed_words[] = {{.name = "required", .types = BB_TYPE_LIST, .min_n = 1,
                                               .flags = BB_SPEC_REQUIRED, .items = &text_word}};
static const struct bb_spec needed_word = {.types = BB_TYPE_MAP, .keys = needed_words, .n_keys = 1};

static const struct bb_spec words[] = {
    {PART("type", BB_TYPE_STR | BB_TYPE_LIST, type), .choices = types, .items = &type_word},
    {PART("required", BB_TYPE_LIST, required), .items = &text_word},
    {PART("enum", BB_TYPE_LIST, choices), .items = &scalar_word, .min_n = 1},
    {PART("anyOf", BB_TYPE_LIST, key.any_of), .items = &needed_word, .min_n = 1},
    {PART("properties", BB_TYPE_MAP, properties)},
    {PART("additionalProperties", BB_TYPE_MAP | BB_TYPE_BOOL, additional)},
    {PART("propertyNames", BB_TYPE_MAP, names)},
    {PART("items", BB_TYPE_MAP, items)},
    {PART("default", 0, key.fallback), ANY_NUMBER},
    {.name = "format", .types = BB_TYPE_STR, .choices = bb_formats, AT(key.format)},
    {.name = "pattern", .types = BB_TYPE_STR, AT(key.pattern)},
    {.name = "description", .types = BB_TYPE_STR, AT(key.text)},
    BOUND("minimum", min), BOUND("maximum", max),
    COUNT("minLength", min_len), COUNT("maxLength", max_len),
    COUNT("minItems", min_n), COUNT("maxItems", max_n),
    COUNT("minProperties", min_n), COUNT("maxProperties", max_n),
    NOTE("$schema"), NOTE("$id"), NOTE("$comment"), NOTE("title"), NOTE("examples"),
    NOTE("deprecated"),
};
static const struct bb_spec schema_word = {
    .types = BB_TYPE_MAP, .flags = BB_SPEC_NOTES, .keys = words, .n_keys = BB_COUNT(words)};
/* clang-format on */

/* ---- from nodes to keys ------------------------------------------------------------- */
static struct bb_spec *level_read(struct bb_read *x, const struct bb_node *n);

/* A part of a schema that is one itself; NULL when there is none. */
static struct bb_spec *part_read(struct bb_read *x, const struct bb_node *n, struct bb_spec *k)
{
    size_t len = bb_path_enter(x, n ? n->key->text : "", 0);
    struct bb_spec *part = n ? level_read(x, n) : NULL;

    x->path[len] = 0;
    if (part)
        k->secret |= part->secret;
    return part;
}

static const struct bb_choice *choices_read(struct bb_read *x, const struct bb_node *list)
{
    struct bb_choice *v = bb_arena_get(x->arena, (list->n + 1) * sizeof(*v));
    const struct bb_node *c;
    size_t i = 0;

    for (c = list->child; v && c; c = c->next)
        v[i++].name = c->text;
    return v;
}

static unsigned types_read(const struct bb_node *n)
{
    const struct bb_choice *c;
    const struct bb_node *one = n->kind == BB_LIST ? n->child : n;
    unsigned bits = 0;

    for (; one; one = one->next) {
        for (c = types; c->name; c++)
            bits |= strcmp(c->name, one->text) == 0 ? (unsigned)c->value : 0;
        if (n->kind != BB_LIST)
            break;
    }
    return bits;
}

/* properties, and a key of its own for what is required beyond them. */
static void properties_read(struct bb_read *x, struct bb_spec *k, const struct level *l)
{
    size_t max = (l->properties ? l->properties->n : 0) + (l->required ? l->required->n : 0), i;
    struct bb_spec *v = bb_arena_get(x->arena, max * sizeof(*v)), *one;
    size_t len = bb_path_enter(x, "properties", 0);
    const struct bb_node *c;

    for (c = v && l->properties ? l->properties->child : NULL; c; c = c->next)
        if ((one = part_read(x, c, k))) {
            v[k->n_keys] = *one;
            v[k->n_keys++].name = c->key->text;
        }
    x->path[len] = 0;
    for (c = v && l->required ? l->required->child : NULL; c; c = c->next) {
        for (i = 0; i < k->n_keys && strcmp(v[i].name, c->text) != 0; i++)
            ;
        if (i == k->n_keys) {
            v[k->n_keys] = k->more ? *k->more : bb_spec_any;
            v[k->n_keys++].name = c->text;
        }
        v[i].flags |= BB_SPEC_REQUIRED;
    }
    k->keys = v;
}

static struct bb_spec *level_read(struct bb_read *x, const struct bb_node *n)
{
    struct level *l = bb_arena_get(x->arena, sizeof(*l));
    struct bb_spec *k = &l->key, *names;
    const char *why;

    if (!l)
        return NULL;
    k->min = -HUGE_VAL;
    k->max = HUGE_VAL;
    bb_read(x, n, &schema_word, l, NULL);
    if (n->kind != BB_MAP || x->bad)
        return k;
    if (l->type)
        k->types = types_read(l->type);
    else if (k->format == BB_F_NONE && (l->properties || l->additional))
        k->types = BB_TYPE_MAP;
    else if (k->format == BB_F_NONE && l->items)
        k->types = BB_TYPE_LIST;
    if (l->choices)
        k->choices = choices_read(x, l->choices);
    k->secret = k->format == BB_F_SECRET;
    k->items = part_read(x, l->items, k);
    if ((k->names = names = part_read(x, l->names, k)))
        names->types = BB_TYPE_STR; /* of a key: 409 is a text */
    if (l->additional && l->additional->kind == BB_MAP)
        k->more = part_read(x, l->additional, k);
    else if (l->additional ? *l->additional->text == 't' : !l->properties && !k->types)
        k->flags |= BB_SPEC_OPEN;
    properties_read(x, k, l);
    if (k->format == BB_F_SECRET && k->fallback)
        bb_say(x, n, "a secret has no default");
    if (k->pattern && (why = bb_pattern_check(k->pattern, NULL)))
        bb_say(x, n, "\"%.60s\" %s", k->pattern, why);
    return k;
}

struct bb_spec *bb_schema_read(struct bb_read *x, struct bb_bytes schema)
{
    static const struct bb_node cut = {.text = ""};
    const struct bb_node *n = bb_node_from(x->arena, schema);
    struct bb_spec *k = n ? level_read(x, n) : NULL;

    if (!n)
        bb_say(x, &cut, "it cannot be read");
    return k;
}

/* ---- secrets ------------------------------------------------------------------------ */
static void mask_secrets(const struct bb_node *n, const struct bb_spec *k)
{
    const struct bb_node *c;
    const struct bb_spec *sub;
    bool own = false;
    size_t i;

    for (i = 0; i < k->n_keys; i++)
        own |= k->keys[i].format == BB_F_SECRET;
    if (k->format == BB_F_SECRET
            ? !bb_secret_shape(n)
            : k->secret && (n->kind == BB_SCALAR || (n->kind == BB_LIST && !k->items))) {
        bb_node_mask(n); /* not as a secret is given, or "auth: hunter2", a level too high */
        return;
    }
    for (c = k->format == BB_F_SECRET ? NULL : n->child; c; c = c->next) {
        sub = n->kind == BB_LIST ? k->items : k->more;
        for (i = 0; c->key && i < k->n_keys; i++)
            if (strcmp(k->keys[i].name, c->key->text) == 0)
                sub = &k->keys[i];
        if (sub)
            mask_secrets(c, sub);
        else if (own)
            bb_node_mask(c); /* "pasword: hunter2": a secret's misspelt key */
    }
}

/* body: the map that holds connector and config; noun and name: whose it is. */
static int config_check(struct bb_config *c, const char *noun, const char *name,
                        const struct bb_node *body, struct bb_bytes schema, struct bb_buf *out,
                        struct bb_diags *diags)
{
    struct bb_node none = {.kind = BB_MAP, .text = ""};
    const struct bb_node *config = bb_node_get(body, "config");
    struct bb_arena arena = {.max = BB_CONF_ARENA_MAX / 8};
    struct bb_read x = {
        .c = c, .d = diags, .arena = &arena, .connector = bb_node_get(body, "connector")};
    const struct bb_spec *k = bb_schema_read(&x, schema);
    size_t from = out->len;

    if (config && config->kind == BB_MAP)
        none = *config;
    else
        none.key = config ? config->key : body->key;
    none.file = body->file;
    if (!x.bad && k) {
        x.endpoint = body;
        snprintf(x.what, sizeof(x.what), "%s \"%s\"", noun, name);
        mask_secrets(&none, k);
        bb_read(&x, &none, k, NULL, out);
    }
    if (out->failed || arena.failed)
        bb_diag(diags, BB_SEV_ERROR, bb_at(body), "%s \"%s\": not enough memory", noun, name);
    x.bad |= out->failed || arena.failed;
    if (x.bad && !out->failed) { /* a password may have been written where a text belongs */
        if (out->len > from)
            explicit_bzero(out->ptr + from, out->len - from);
        out->len = from;
    }
    bb_arena_free(&arena);
    return x.bad ? -1 : 0;
}

int bb_config_check_endpoint(struct bb_config *c, const struct bb_endpoint_config *e,
                             struct bb_bytes schema, struct bb_buf *out, struct bb_diags *diags)
{
    return config_check(c, "endpoint", e->name, e->where.node, schema, out, diags);
}

int bb_config_check_step(struct bb_config *c, const char *route, struct bb_where where,
                         struct bb_bytes schema, struct bb_buf *out, struct bb_diags *diags)
{
    return config_check(c, "route", route, where.node, schema, out, diags);
}
