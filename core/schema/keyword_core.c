/*
 * keyword_core.c - what readers of keywords share, and the keywords that name, refer and remark
 *
 * Thread: the compilation's. Ownership: what the program keeps is copied into its arena.
 */
#include "core/schema/keyword.h"

struct bb_bytes bb_skeyword_keep(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_bytes b = {bb_sarena_text(bb_skeyword_arena(d), v.ptr, v.len), v.len};

    if (!b.ptr)
        b = (struct bb_bytes){"", 0};
    return b;
}

void bb_skeyword_wrong(struct bb_draft *d, const char *takes)
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
struct bb_snode *bb_skeyword_child(struct bb_draft *d, struct bb_bytes v, struct bb_bytes *part,
                                   bool same)
{
    char keyword[64];

    snprintf(keyword, sizeof(keyword), "%.*s", (int)d->key_text.len,
             (const char *)d->key_text.ptr);
    return bb_build_node(d->b, d, v.ptr, resource(d), same, bb_build_at(d, keyword, part));
}

/* Steps into a list or map of v; -1 when it is the other, said. */
int bb_skeyword_enter(struct bb_draft *d, struct bb_bytes v, uint32_t kind, struct bb_cur *c,
                      uint32_t *n, const char *takes)
{
    struct bb_tok t;

    *c = bb_cur_of(v);
    if (bb_cur_next(c, &t) != 0 || t.kind != kind) {
        bb_skeyword_wrong(d, takes);
        return -1;
    }
    *n = t.n;
    return 0;
}

const struct bb_snode **bb_skeyword_children(struct bb_draft *d, struct bb_bytes v, uint32_t *n,
                                             bool same)
{
    const struct bb_snode **list;
    struct bb_bytes one, part;
    struct bb_cur c;
    char number[16];
    uint32_t i;

    if (bb_skeyword_enter(d, v, BB_T_ARRAY, &c, n, "a list of schemas") != 0)
        return NULL;
    if (!*n)
        bb_skeyword_wrong(d, "at least one schema");
    list = bb_sarena_get(bb_skeyword_arena(d), (*n + 1) * sizeof(*list));
    for (i = 0; list && i < *n && bb_cur_value(&c, &one) == 0; i++) {
        part.ptr = number;
        part.len = (size_t)snprintf(number, sizeof(number), "%u", i);
        list[i] = bb_skeyword_child(d, one, &part, same);
    }
    return list;
}

/* ---- core ---------------------------------------------------------------------------------------- */
void bb_skeyword_read_text(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_bytes s;

    if (!bb_as_str(v, &s))
        bb_skeyword_wrong(d, "a text");
}

void bb_skeyword_read_bool(struct bb_draft *d, struct bb_bytes v)
{
    int on;

    if (!bb_as_bool(v, &on))
        bb_skeyword_wrong(d, "true or false");
}

void bb_skeyword_read_list(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_cur c;
    uint32_t n;

    bb_skeyword_enter(d, v, BB_T_ARRAY, &c, &n, "a list");
}

void bb_skeyword_read_anchor(struct bb_draft *d, struct bb_bytes v)
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
        bb_skeyword_wrong(d, "a name: a letter or _, then letters, digits, - _ .");
}

void bb_skeyword_read_ref(struct bb_draft *d, struct bb_bytes v)
{
    bool dynamic = d->key_text.len > 4; /* $dynamicRef */
    const struct bb_sanchor *anchor;
    struct bb_bytes ref;
    struct bb_snode *node;
    char why[200] = "", quoted[44], at[BB_URI_MAX + 64];
    const uint8_t *p;
    uint32_t to = BB_NO_RESOURCE;

    if (!bb_as_str(v, &ref)) {
        bb_skeyword_wrong(d, "a URI reference");
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
    node = bb_build_node(d->b, d, p, to, true, bb_sarena_text(bb_skeyword_arena(d), at, strlen(at)));
    d->has |= BB_HAS_LOGIC;
    if (!dynamic) {
        d->logic.ref = node;
    } else {
        d->logic.dynamic = node;
        if (anchor && anchor->dynamic)
            d->logic.anchor = anchor->name;
    }
}

void bb_skeyword_read_defs(struct bb_draft *d, struct bb_bytes v)
{
    struct bb_cur c;
    struct bb_tok key;
    struct bb_bytes one;
    uint32_t n;

    if (bb_skeyword_enter(d, v, BB_T_MAP, &c, &n, "an object of schemas") != 0)
        return;
    while (n-- && bb_cur_next(&c, &key) == 0 && bb_cur_value(&c, &one) == 0)
        bb_skeyword_child(d, one, &key.s, false);
}
