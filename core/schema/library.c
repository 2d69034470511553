/*
 * library.c - the documents of a compilation, their resources and anchors
 *
 * A document is the schema itself, a metaschema of the draft (meta.c), or a file of the folder that
 * the options name; nothing is ever fetched. Each is walked once along the keywords that hold
 * schemas, so an "$id" or "$anchor" inside an enum or an unknown keyword is none.
 *
 * Thread: the compilation's. Ownership: documents are freed with the library; what the program
 * keeps of them is copied. Invariant: a document's bytes do not move once it is there.
 */
#define _GNU_SOURCE 1
#include "core/schema/internal.h"

#include <stdlib.h>

#define METAS_MAX 8
#define DOCS_MAX 1000
#define RESOURCES_MAX 10000 /* they are searched one by one */

int bb_grow(void *v_p, size_t n, size_t *cap, size_t size)
{
    void **v = v_p, *more;
    size_t want = *cap ? *cap * 2 : 16;

    if (n < *cap)
        return 0;
    more = realloc(*v, want * size);
    if (!more)
        return -1;
    *v = more;
    *cap = want;
    return 0;
}

struct bb_bytes bb_sdoc_rest(const struct bb_sdoc *d, const uint8_t *p)
{
    struct bb_bytes b = {p, (size_t)(d->value.ptr + d->value.len - p)};

    return b;
}

void bb_library_free(struct bb_library *l)
{
    size_t i;

    for (i = 0; i < l->n_docs; i++) {
        bb_buf_free(&l->docs[i].text);
        bb_buf_free(&l->docs[i].value);
        free(l->docs[i].uri);
        free(l->docs[i].file);
    }
    free(l->docs);
    free(l->resources);
    free(l->anchors);
}

/* before, the value in quotes, after. */
static void say(struct bb_library *l, uint32_t doc, bool error, const uint8_t *p,
                const char *before, struct bb_bytes value, const char *after)
{
    const struct bb_sdoc *d = &l->docs[doc];
    char quoted[44];

    bb_note(l->notes, error, d->file, (struct bb_bytes){d->text.ptr, d->text.len},
            bb_place_of(d, p), "%s\"%s\"%s", before,
            bb_fault_quote(quoted, value.ptr, value.len), after);
}

/* ---- resources and anchors --------------------------------------------------------------------- */
static uint32_t resource_add(struct bb_library *l, const char *uri, const uint8_t *at, uint32_t doc,
                             uint32_t vocab)
{
    struct bb_sresource *r;

    if (l->n_resources == RESOURCES_MAX) {
        bb_note(l->notes, true, l->docs[doc].file, (struct bb_bytes){NULL, 0}, 0,
                "more than %d schemas with a URI of their own", RESOURCES_MAX);
        return BB_NO_RESOURCE;
    }
    if (bb_grow(&l->resources, l->n_resources, &l->cap_resources, sizeof(*r)) != 0)
        return BB_NO_RESOURCE;
    r = &l->resources[l->n_resources];
    r->uri = bb_sarena_text(l->arena, uri, strlen(uri));
    r->at = at;
    r->doc = doc;
    r->vocab = vocab;
    return r->uri ? (uint32_t)l->n_resources++ : BB_NO_RESOURCE;
}

uint32_t bb_library_root(const struct bb_library *l, const uint8_t *p)
{
    size_t i;

    for (i = 0; i < l->n_resources; i++)
        if (l->resources[i].at == p)
            return (uint32_t)i;
    return BB_NO_RESOURCE;
}

const struct bb_sanchor *bb_library_anchor(const struct bb_library *l, uint32_t resource,
                                           struct bb_bytes name)
{
    size_t i;

    for (i = 0; i < l->n_anchors; i++)
        if (l->anchors[i].resource == resource && l->anchors[i].len == name.len &&
            memcmp(l->anchors[i].name, name.ptr, name.len) == 0)
            return &l->anchors[i];
    return NULL;
}

static void anchor_add(struct bb_library *l, uint32_t resource, struct bb_bytes map,
                       const char *keyword, const uint8_t *at)
{
    const struct bb_sanchor *old;
    struct bb_sanchor *a;
    struct bb_bytes v, name;

    if (bb_map_get(map, keyword, &v) != 1 || !bb_as_str(v, &name))
        return;
    old = bb_library_anchor(l, resource, name);
    if (old && old->at == at) {
        l->anchors[old - l->anchors].dynamic |= keyword[1] == 'd';
        return;
    }
    if (old) {
        say(l, l->resources[resource].doc, true, v.ptr,
            "the anchor ", name, " is there twice in one schema resource");
        return;
    }
    if (l->n_anchors == RESOURCES_MAX) {
        say(l, l->resources[resource].doc, true, v.ptr, "too many anchors, from ", name, " on");
        return;
    }
    if (bb_grow(&l->anchors, l->n_anchors, &l->cap_anchors, sizeof(*a)) != 0)
        return;
    a = &l->anchors[l->n_anchors++];
    a->name = bb_sarena_text(l->arena, name.ptr, name.len);
    a->len = (uint32_t)name.len;
    a->resource = resource;
    a->at = at;
    a->dynamic = keyword[1] == 'd';
}

/* ---- dialects ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint32_t bit;
} vocabularies[] = {
    {"core", BB_VOCAB_CORE}, {"applicator", BB_VOCAB_APPLICATOR},
    {"unevaluated", BB_VOCAB_UNEVALUATED}, {"validation", BB_VOCAB_VALIDATION},
    {"meta-data", BB_VOCAB_META}, {"format-annotation", BB_VOCAB_FORMAT},
    {"format-assertion", BB_VOCAB_ASSERT}, {"content", BB_VOCAB_CONTENT},
};
#define VOCAB_URI "https://json-schema.org/draft/2020-12/vocab/"

static uint32_t vocab_bit(struct bb_bytes uri)
{
    size_t i, n = strlen(VOCAB_URI);

    if (uri.len <= n || memcmp(uri.ptr, VOCAB_URI, n) != 0)
        return 0;
    for (i = 0; i < sizeof(vocabularies) / sizeof(*vocabularies); i++)
        if (bb_bytes_are((struct bb_bytes){(const char *)uri.ptr + n, uri.len - n},
                         vocabularies[i].name))
            return vocabularies[i].bit;
    return 0;
}

/* What the metaschema of another dialect turns on; at: the "$schema" that names it. */
static uint32_t vocab_read(struct bb_library *l, uint32_t doc, const uint8_t *at, uint32_t meta)
{
    struct bb_bytes map = bb_sdoc_rest(&l->docs[l->resources[meta].doc], l->resources[meta].at), v;
    struct bb_cur c;
    struct bb_tok t, key;
    uint32_t vocab = BB_VOCAB_CORE, bit;
    int on;

    if (bb_map_get(map, "$vocabulary", &v) != 1)
        return BB_VOCAB_DRAFT;
    c = bb_cur_of(v);
    if (bb_cur_next(&c, &t) != 0 || t.kind != BB_T_MAP)
        return BB_VOCAB_DRAFT;
    while (t.n--) {
        if (bb_cur_next(&c, &key) != 0 || bb_cur_value(&c, &v) != 0)
            break;
        bit = vocab_bit(key.s);
        vocab |= bit;
        if (!bit && bb_as_bool(v, &on) && on)
            say(l, doc, true, at, "its metaschema needs the vocabulary ", key.s,
                ", which is not known");
    }
    return vocab;
}

static uint32_t vocab_of(struct bb_library *l, uint32_t doc, struct bb_bytes schema,
                         struct bb_bytes uri)
{
    const char *base = "json-schema.org/draft";
    char name[BB_URI_MAX], why[200];
    struct bb_bytes fragment;
    uint32_t meta;

    if (bb_uri_resolve("", uri, name, &fragment) != 0)
        return BB_VOCAB_DRAFT;
    if (strcmp(name, BB_SCHEMA_DRAFT) == 0 || l->metas >= METAS_MAX)
        return BB_VOCAB_DRAFT;
    if (strstr(name, base) && !strstr(name, "/2020-12/")) {
        say(l, doc, l->options->strict, schema.ptr,
            "", uri, " is another draft; it is read as " BB_SCHEMA_DRAFT);
        return BB_VOCAB_DRAFT;
    }
    l->metas++;
    meta = bb_library_resource(l, name, why);
    l->metas--;
    if (meta == BB_NO_RESOURCE) {
        say(l, doc, true, schema.ptr, "the metaschema ", uri, " is not there");
        return BB_VOCAB_DRAFT;
    }
    return vocab_read(l, doc, schema.ptr, meta);
}

/* ---- the walk ----------------------------------------------------------------------------------- */
static void walk(struct bb_library *l, uint32_t doc, const uint8_t *p, uint32_t resource);

static void walk_held(struct bb_library *l, uint32_t doc, struct bb_bytes v, unsigned holds,
                      uint32_t resource)
{
    struct bb_cur c = bb_cur_of(v);
    struct bb_tok t;
    uint32_t n;

    if (holds == BB_HOLDS_ONE) {
        walk(l, doc, v.ptr, resource);
        return;
    }
    if (bb_cur_next(&c, &t) != 0 || (t.kind != BB_T_MAP && t.kind != BB_T_ARRAY))
        return;
    if ((t.kind == BB_T_ARRAY) != (holds == BB_HOLDS_LIST))
        return;
    for (n = t.n; n--;) {
        if (t.kind == BB_T_MAP && bb_cur_skip(&c) != 0)
            return;
        walk(l, doc, c.p, resource);
        if (bb_cur_skip(&c) != 0)
            return;
    }
}

/* The schema at p gives itself a URI: a resource of its own. */
static uint32_t identify(struct bb_library *l, uint32_t doc, const uint8_t *p, struct bb_bytes id,
                         uint32_t resource)
{
    char uri[BB_URI_MAX];
    struct bb_bytes fragment, name;
    const char *base = l->resources[resource].uri;

    if (!bb_as_str(id, &name))
        return resource;
    if (bb_uri_resolve(base, name, uri, &fragment) != 0 || fragment.len) {
        say(l, doc, true, id.ptr, "\"$id\" ", name, " is no URI without a fragment");
        return resource;
    }
    if (l->resources[resource].at == p) { /* the document's root */
        l->resources[resource].uri = bb_sarena_text(l->arena, uri, strlen(uri));
        if (!l->resources[resource].uri)
            l->resources[resource].uri = "";
        if (strcmp(uri, base) != 0) /* it is found by the name it was asked for too */
            resource_add(l, base, p, doc, l->resources[resource].vocab);
        return resource;
    }
    return resource_add(l, uri, p, doc, l->resources[resource].vocab);
}

static void walk(struct bb_library *l, uint32_t doc, const uint8_t *p, uint32_t resource)
{
    struct bb_bytes map = bb_sdoc_rest(&l->docs[doc], p), v, uri;
    struct bb_cur c = bb_cur_of(map);
    struct bb_tok t, key;
    uint32_t vocab;

    if (bb_cur_next(&c, &t) != 0 || t.kind != BB_T_MAP)
        return;
    if (bb_map_get(map, "$id", &v) == 1)
        resource = identify(l, doc, p, v, resource);
    if (resource == BB_NO_RESOURCE)
        return;
    if (bb_map_get(map, "$schema", &v) == 1 && bb_as_str(v, &uri) &&
        l->resources[resource].at == p) {
        vocab = vocab_of(l, doc, v, uri);
        l->resources[resource].vocab = vocab;
    }
    anchor_add(l, resource, map, "$anchor", p);
    anchor_add(l, resource, map, "$dynamicAnchor", p);
    while (t.n--) {
        const struct bb_skeyword *k;
        if (bb_cur_next(&c, &key) != 0 || bb_cur_value(&c, &v) != 0)
            return;
        k = bb_skeyword_find(key.s);
        if (k && k->holds)
            walk_held(l, doc, v, k->holds, resource);
    }
}

uint32_t bb_library_add(struct bb_library *l, const char *uri, const char *file,
                        struct bb_bytes json, bool own)
{
    struct bb_sdoc *d;
    struct bb_fault err;
    uint32_t doc = (uint32_t)l->n_docs, resource;

    l->bytes += json.len;
    if (l->bytes > BB_SCHEMA_TEXT_MAX || l->n_docs >= DOCS_MAX) {
        bb_note(l->notes, true, file, (struct bb_bytes){NULL, 0}, 0,
                "with all it refers to the schema is larger than %u MiB or %d documents",
                BB_SCHEMA_TEXT_MAX >> 20, DOCS_MAX);
        return BB_NO_RESOURCE;
    }
    if (bb_grow(&l->docs, l->n_docs, &l->cap_docs, sizeof(*d)) != 0)
        return BB_NO_RESOURCE;
    d = &l->docs[l->n_docs++];
    memset(d, 0, sizeof(*d));
    d->uri = strdup(uri);
    d->file = strdup(file);
    d->own = own;
    bb_buf_init(&d->text, json.len + 1);
    bb_buf_init(&d->value, 2 * json.len + 64);
    bb_buf_put(&d->text, json.ptr, json.len);
    if (!d->uri || !d->file || d->text.failed)
        return BB_NO_RESOURCE;
    if (bb_json_read(json, &d->value, &err) != 0) {
        bb_note(l->notes, true, file, json, err.offset, "this is no JSON: %s", err.text);
        return BB_NO_RESOURCE;
    }
    resource = resource_add(l, uri, d->value.ptr, doc, BB_VOCAB_DRAFT);
    if (resource != BB_NO_RESOURCE)
        walk(l, doc, d->value.ptr, resource);
    return resource;
}
