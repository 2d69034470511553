/*
 * keyword_apply.c - keywords that hold subschemas, and what an object's members need of each other
 *
 * Thread: the compilation's. Invariant: a subschema that looks at the same value as the node's is
 * said to ("same"), so that circles are found.
 */
#include "core/schema/keyword.h"

/* ---- applicators -------------------------------------------------------------------------------- */
void bb_skeyword_read_logic(struct bb_draft *d, struct bb_bytes v)
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
            const struct bb_snode *n = bb_skeyword_child(d, v, NULL, true);
            memcpy((char *)&d->logic + ones[i].at, &n, sizeof(n));
        }
    if (bb_bytes_are(d->key_text, "allOf"))
        d->logic.all = bb_skeyword_children(d, v, &d->logic.n_all, true);
    else if (bb_bytes_are(d->key_text, "anyOf"))
        d->logic.any = bb_skeyword_children(d, v, &d->logic.n_any, true);
    else if (bb_bytes_are(d->key_text, "oneOf"))
        d->logic.one = bb_skeyword_children(d, v, &d->logic.n_one, true);
    d->has |= BB_HAS_LOGIC;
}

void bb_skeyword_read_array(struct bb_draft *d, struct bb_bytes v)
{
    if (bb_bytes_are(d->key_text, "prefixItems"))
        d->arr.prefix = bb_skeyword_children(d, v, &d->arr.n_prefix, false);
    else if (bb_bytes_are(d->key_text, "items"))
        d->arr.items = bb_skeyword_child(d, v, NULL, false);
    else if (bb_bytes_are(d->key_text, "contains"))
        d->arr.contains = bb_skeyword_child(d, v, NULL, false);
    else
        d->arr.unevaluated = bb_skeyword_child(d, v, NULL, false);
    d->has |= BB_HAS_ARR;
}

void bb_skeyword_read_object(struct bb_draft *d, struct bb_bytes v)
{
    if (bb_bytes_are(d->key_text, "additionalProperties"))
        d->obj.additional = bb_skeyword_child(d, v, NULL, false);
    else if (bb_bytes_are(d->key_text, "propertyNames"))
        d->obj.names = bb_skeyword_child(d, v, NULL, false);
    else
        d->obj.unevaluated = bb_skeyword_child(d, v, NULL, false);
    d->has |= BB_HAS_OBJ;
}

void bb_skeyword_read_properties(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_cur c;
    uint32_t n;

    if (bb_skeyword_enter(d, v, BB_T_MAP, &c, &n, "an object of schemas") == 0)
        d->properties = v;
    d->has |= BB_HAS_OBJ;
}

void bb_skeyword_read_patterns(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_cur c;
    struct bb_tok key;
    struct bb_bytes one;
    const uint8_t *at;
    uint32_t n, i = 0;

    if (bb_skeyword_enter(d, v, BB_T_MAP, &c, &n, "an object of patterns and schemas") != 0)
        return;
    d->obj.patterns = bb_sarena_get(bb_skeyword_arena(d), (n + 1) * sizeof(*d->obj.patterns));
    for (; d->obj.patterns && i < n; i++) {
        at = c.p;
        if (bb_cur_next(&c, &key) != 0 || bb_cur_value(&c, &one) != 0)
            return;
        d->obj.patterns[i].pattern = bb_skeyword_pattern(d, key.s, at);
        d->obj.patterns[i].node = bb_skeyword_child(d, one, &key.s, false);
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

    if (bb_skeyword_enter(d, v, BB_T_ARRAY, &c, n, "a list of names") != 0)
        return NULL;
    names = bb_sarena_get(bb_skeyword_arena(d), (*n + 1) * sizeof(*names));
    for (i = 0; names && i < *n && bb_cur_value(&c, &one) == 0; i++) {
        if (!bb_as_str(one, &names[i])) {
            d->value = one.ptr;
            bb_skeyword_wrong(d, "a list of names");
            return NULL;
        }
        names[i] = bb_skeyword_keep(d, names[i]);
    }
    return names;
}

/* dependentRequired, dependentSchemas, and dependencies, which is either for each name. */
void bb_skeyword_read_depends(struct bb_draft *d, struct bb_bytes v)
{
    bool lists = d->key_text.len != strlen("dependentSchemas"), both = d->key_text.len == 12;
    struct bb_sdepend *list;
    struct bb_cur c, in;
    struct bb_tok key, t;
    struct bb_bytes one;
    uint32_t n;

    if (bb_skeyword_enter(d, v, BB_T_MAP, &c, &n, "an object") != 0)
        return;
    list = bb_sarena_get(bb_skeyword_arena(d), (d->obj.n_depends + n + 1) * sizeof(*list));
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
        to->key = bb_skeyword_keep(d, key.s);
        if (both ? t.kind == BB_T_ARRAY : lists)
            to->names = names_read(d, one, &to->n);
        else
            to->node = bb_skeyword_child(d, one, &key.s, true);
    }
    d->has |= BB_HAS_OBJ;
}

void bb_skeyword_read_required(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_cur c;
    uint32_t n;

    if (bb_skeyword_enter(d, v, BB_T_ARRAY, &c, &n, "a list of names") == 0)
        d->required = v;
    d->has |= BB_HAS_OBJ;
}
