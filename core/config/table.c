/*
 * table.c - reads one map into a struct by a table of keys
 *
 * A key is data: its name, kind, place in the struct and range. That gives every section the same
 * wording and the same care for places, and `unknown key` can say what was meant. One bad value
 * never hides the next: reading goes on, the count of errors decides at the end.
 */
#include "core/config/internal.h"

#include <inttypes.h>
#include <string.h>

#define KEYS_MAX 40

static const struct bb_key *key_find(const struct bb_table *t, const char *name)
{
    size_t i;

    for (i = 0; i < t->n; i++)
        if (strcmp(t->keys[i].name, name) == 0)
            return &t->keys[i];
    return NULL;
}

static void unknown_key(struct bb_load *l, const struct bb_table *t, const struct bb_ynode *key)
{
    const char *names[KEYS_MAX];
    const struct bb_table *sub;
    size_t i, n = 0;

    for (i = 0; i < t->n; i++) { /* the right word, one level too high */
        sub = t->keys[i].kind == BB_K_TABLE ? t->keys[i].more : NULL;
        if (sub && key_find(sub, key->text)) {
            bb_diag_node(l->d, BB_SEV_ERROR, key,
                         "%s: unknown key \"%.60s\" (it belongs under \"%s\")", l->what, key->text,
                         t->keys[i].name);
            return;
        }
        if (t->keys[i].kind != BB_K_RESERVED && n < KEYS_MAX)
            names[n++] = t->keys[i].name;
    }
    bb_diag_node(l->d, BB_SEV_ERROR, key, "%s: unknown key \"%.60s\"%s", l->what, key->text,
                 bb_hint_for(key->text, names, n).text);
}

static const char *expected(const struct bb_key *k)
{
    static const char *const text[] = {
        [BB_K_NAME] = "a name",
        [BB_K_ATTRIBUTE] = "the name of an attribute",
        [BB_K_BOOL] = "true or false",
        [BB_K_U32] = "a whole number",
        [BB_K_U64] = "a whole number",
        [BB_K_DURATION] = "a duration such as 500ms, 2m or 3d",
        [BB_K_SIZE] = "a size such as 64KiB or 16MiB",
        [BB_K_RATE] = "a rate such as 50/s",
        [BB_K_ENUM] = "a word",
        [BB_K_CHOICE] = "a word",
        [BB_K_TABLE] = "a map",
        [BB_K_READ] = "a value",
        [BB_K_RESERVED] = "nothing",
    };

    return text[k->kind];
}

/* "a, b or c" of what may be said today. */
static void choices_list(const struct bb_choice *c, char *out, size_t cap, const char **names,
                         size_t *n)
{
    size_t len = 0, i, last = 0;

    *n = 0;
    for (i = 0; c[i].name; i++)
        if (c[i].value >= 0)
            last = i;
    for (i = 0; c[i].name && len < cap; i++) {
        if (c[i].value < 0)
            continue;
        len += (size_t)snprintf(out + len, cap - len, "%s%s",
                                *n == 0     ? ""
                                : i == last ? " or "
                                            : ", ",
                                c[i].name);
        if (*n < KEYS_MAX)
            names[(*n)++] = c[i].name;
    }
}

static void read_choice(struct bb_load *l, const struct bb_key *k, const struct bb_ynode *v,
                        void *to)
{
    const struct bb_choice *c = k->more;
    const char *names[KEYS_MAX];
    char list[200];
    size_t i, n;

    for (i = 0; c[i].name; i++) {
        if (strcmp(c[i].name, v->text) != 0)
            continue;
        if (c[i].value < 0)
            bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: %s%s: \"%s\" is not supported by this version",
                         l->what, l->prefix, k->name, c[i].name);
        else if (k->kind == BB_K_CHOICE)
            *(bool *)to = c[i].value != 0;
        else
            *(int *)to = c[i].value;
        return;
    }
    choices_list(c, list, sizeof(list), names, &n);
    bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: %s%s: \"%s\" is not %s%s", l->what, l->prefix, k->name,
                 bb_ynode_shown(v).text, list, bb_hint_for(v->text, names, n).text);
}

static void read_name(struct bb_load *l, const struct bb_key *k, const struct bb_ynode *v, void *to)
{
    bool attribute = k->kind == BB_K_ATTRIBUTE;

    if (attribute ? !bb_value_is_attribute(v->text) : !bb_value_is_name(v->text)) {
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: %s%s: \"%s\" is not %s", l->what, l->prefix,
                     k->name, bb_ynode_shown(v).text,
                     attribute ? "the name of an attribute: 1 to 20 of a-z and 0-9"
                               : "a name: a letter, then up to 62 of a-z, 0-9 and -");
        return;
    }
    *(char **)to = bb_arena_str(&l->p->arena, v->text, v->len);
}

static void format_value(const struct bb_key *k, uint64_t v, char out[32])
{
    if (k->kind == BB_K_DURATION)
        bb_format_duration(v, out);
    else if (k->kind == BB_K_SIZE)
        bb_format_size(v, out);
    else
        snprintf(out, 32, "%" PRIu64, v);
}

static void read_number(struct bb_load *l, const struct bb_key *k, const struct bb_ynode *v,
                        void *to)
{
    struct bb_why why;
    uint64_t u = 0;
    char lo[32], hi[32];
    int rc = k->kind == BB_K_DURATION ? bb_value_duration(v->text, &u, &why)
             : k->kind == BB_K_SIZE   ? bb_value_size(v->text, &u, &why)
                                      : bb_value_uint(v->text, &u, &why);

    if (rc != 0) {
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: %s%s: \"%s\" %s", l->what, l->prefix, k->name,
                     bb_ynode_shown(v).text, why.text);
        return;
    }
    if ((u < k->min || u > k->max) && !(u == 0 && k->flags & BB_KEY_ZERO)) {
        format_value(k, k->min, lo);
        format_value(k, k->max, hi);
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: %s%s: \"%s\" is out of range: %s to %s%s", l->what,
                     l->prefix, k->name, bb_ynode_shown(v).text, lo, hi,
                     k->flags & BB_KEY_ZERO ? ", or 0 for none" : "");
        return;
    }
    if (k->kind == BB_K_U32)
        *(uint32_t *)to = (uint32_t)u;
    else
        *(uint64_t *)to = u;
}

static void read_rate(struct bb_load *l, const struct bb_key *k, const struct bb_ynode *v, void *to)
{
    struct bb_why why;
    double rate;

    if (bb_value_rate(v->text, &rate, &why) != 0)
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: %s%s: \"%s\" %s", l->what, l->prefix, k->name,
                     bb_ynode_shown(v).text, why.text);
    else if (rate > 1e6 || rate < 1.0 / 86400)
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: %s%s: \"%s\" is out of range: 1/d to 1000000/s",
                     l->what, l->prefix, k->name, bb_ynode_shown(v).text);
    else
        *(double *)to = rate;
}

static void read_bool(struct bb_load *l, const struct bb_key *k, const struct bb_ynode *v, void *to)
{
    if (v->quoted || bb_value_bool(v->text, to) != 0)
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: %s%s: \"%s\" is not true or false%s", l->what,
                     l->prefix, k->name, bb_ynode_shown(v).text, v->quoted ? " (no quotes)" : "");
}

static void read_value(struct bb_load *l, const struct bb_key *k, struct bb_ynode *v, void *base)
{
    void *to = (char *)base + k->offset;

    if (v->kind == BB_Y_BAD)
        return;
    if (k->kind == BB_K_READ) {
        k->read(l, v, base);
        return;
    }
    if (k->kind == BB_K_TABLE ? v->kind != BB_Y_MAP
                              : v->kind != BB_Y_SCALAR || bb_ynode_is_null(v)) {
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: %s%s: expected %s, found %s", l->what, l->prefix,
                     k->name, expected(k), bb_ynode_noun(v));
        return;
    }
    switch (k->kind) {
    case BB_K_NAME:
    case BB_K_ATTRIBUTE:
        read_name(l, k, v, to);
        break;
    case BB_K_BOOL:
        read_bool(l, k, v, to);
        break;
    case BB_K_RATE:
        read_rate(l, k, v, to);
        break;
    case BB_K_ENUM:
    case BB_K_CHOICE:
        read_choice(l, k, v, to);
        break;
    case BB_K_TABLE:
        break;
    default:
        read_number(l, k, v, to);
        break;
    }
}

void bb_table_read(struct bb_load *l, const struct bb_table *t, const struct bb_ynode *map,
                   const struct bb_ynode *at, const char *prefix, void *base)
{
    const struct bb_key *k;
    struct bb_ynode *v;
    char inner[sizeof(l->prefix)];
    size_t i;

    for (i = 0; i < map->n; i++) {
        if (map->pairs[i].first)
            continue; /* a key given twice is reported once, by its second place */
        snprintf(l->prefix, sizeof(l->prefix), "%s", prefix);
        v = map->pairs[i].value;
        k = key_find(t, map->pairs[i].key->text);
        if (!k) {
            unknown_key(l, t, map->pairs[i].key);
        } else if (k->kind == BB_K_RESERVED) {
            bb_diag_node(l->d, BB_SEV_ERROR, map->pairs[i].key,
                         "%s: \"%s\" is not supported by this version", l->what, k->name);
        } else if (k->kind == BB_K_TABLE && v->kind == BB_Y_MAP) {
            snprintf(inner, sizeof(inner), "%s%s.", prefix, k->name);
            bb_table_read(l, k->more, v, v, inner, (char *)base + k->offset);
        } else {
            read_value(l, k, v, base);
        }
    }
    for (i = 0; i < t->n; i++)
        if (t->keys[i].flags & BB_KEY_REQUIRED && !bb_ynode_get(map, t->keys[i].name))
            bb_diag_node(l->d, BB_SEV_ERROR, at, "%s: \"%s%s\" is missing: %s is required", l->what,
                         prefix, t->keys[i].name, expected(&t->keys[i]));
}
