/*
 * xml_names.c - the paths of a document: each name in its place, with its key and its rules
 *
 * libxml2's dictionary gives one address to one name, so that a name is found by a hash of
 * addresses and of the name around it; the mapping is asked once for each. The hash is no secret:
 * a document can choose addresses no better than by chance.
 *
 * Thread: the reader's. Ownership: names and keys live as long as the reader.
 */
#include "xml_read.h"
#include <stdlib.h>

static uint32_t hash_of(uint32_t up, const void *local, const void *uri, uint32_t kind)
{
    uint64_t h = (uint64_t)(uintptr_t)local * 0x9e3779b97f4a7c15u;

    h ^= h >> 29;
    h = (h + (uint64_t)(uintptr_t)uri) * 0xbf58476d1ce4e5b9u;
    h ^= h >> 32;
    h = (h + up * 2u + kind) * 0x94d049bb133111ebu;
    return (uint32_t)(h >> 32);
}

static int index_grow(struct bb_xml *x)
{
    uint32_t cap = x->index_cap ? x->index_cap * 2 : 256, *v = malloc(cap * sizeof(*v));

    if (!v)
        return -1;
    memset(v, 0xff, cap * sizeof(*v));
    for (uint32_t i = 0; i < x->t.n_names; i++) {
        const struct xml_name *n = &x->t.names[i];
        uint32_t at = hash_of(n->up, n->local, n->uri, n->kind) & (cap - 1);
        while (v[at] != XML_NONE)
            at = (at + 1) & (cap - 1);
        v[at] = i;
    }
    free(x->index);
    x->index = v;
    x->index_cap = cap;
    return 0;
}

/* Writes the key of a new name. 0, -1 when it is too long. */
static int key_make(struct bb_xml *x, struct xml_name *n)
{
    struct bb_buf *k = &x->t.keys;
    const char *uri = n->uri, *prefix = uri ? bb_xml_prefix(x->map, uri) : NULL;

    n->key = k->len;
    if (n->kind == XML_ATTRIBUTE)
        bb_buf_put(k, "@", 1);
    if (prefix && *prefix) {
        bb_buf_put(k, prefix, strlen(prefix));
        bb_buf_put(k, ":", 1);
    } else if (uri && !prefix) {
        bb_buf_put(k, "{", 1);
        bb_buf_put(k, uri, strlen(uri));
        bb_buf_put(k, "}", 1);
    } else if (uri ? n->kind == XML_ATTRIBUTE : n->kind == XML_ELEMENT && x->default_space) {
        /* a name in no namespace beside a default one; an attribute never has the default one */
        bb_buf_put(k, "{", 1);
        bb_buf_put(k, uri ? uri : "", uri ? strlen(uri) : 0);
        bb_buf_put(k, "}", 1);
    }
    bb_buf_put(k, n->local, strlen(n->local));
    n->key_len = (uint32_t)(k->len - n->key);
    return n->key_len > x->limits.name_max ? -1 : 0;
}

/* Whether the name is the record's element, and what the mapping says of it. */
static void rules_find(struct bb_xml *x, struct xml_name *n)
{
    struct xml_chain chain[BB_XML_DEPTH_MAX + 2];
    const struct xml_name *at = n, *all = x->t.names;
    uint32_t k = 0;

    for (; k < BB_XML_DEPTH_MAX + 2; k++) {
        chain[k].key.ptr = x->t.keys.ptr + at->key;
        chain[k].key.len = at->key_len;
        chain[k].up = NULL;
        if (k)
            chain[k - 1].up = &chain[k];
        if (at->up == XML_NONE || (n->in_record && at->is_record))
            break;
        at = &all[at->up];
    }
    if (n->in_record)
        n->flags = bb_xml_rules(x->map, chain, NULL);
    else if (n->kind == XML_ELEMENT && bb_xml_path_matches(&x->record_path, chain))
        n->is_record = 1;
}

static uint32_t name_new(struct bb_xml *x, uint32_t up, const void *local, const void *uri,
                         uint32_t kind)
{
    struct xml_tree *t = &x->t;
    struct xml_name *n;

    if (t->n_names == x->limits.paths_max) {
        bb_xml_stop(x, "too many different names on different paths");
        return XML_NONE;
    }
    if (t->n_names == t->names_cap) {
        uint32_t cap = t->names_cap ? t->names_cap * 2 : 128;
        n = realloc(t->names, cap * sizeof(*n));
        if (!n) {
            bb_xml_stop(x, "no memory for a name");
            return XML_NONE;
        }
        t->names = n;
        t->names_cap = cap;
    }
    n = &t->names[t->n_names];
    memset(n, 0, sizeof(*n));
    n->local = local;
    n->uri = uri;
    n->up = up;
    n->kind = kind;
    n->owner = UINT64_MAX;
    if (key_make(x, n) != 0 || t->keys.failed) {
        bb_xml_stop(x, t->keys.failed ? "no memory for a name" : "a name is too long");
        return XML_NONE;
    }
    if (up == XML_NONE && !x->record_path.n)
        n->is_record = 1;
    n->in_record = up != XML_NONE && (t->names[up].in_record || t->names[up].is_record);
    if (!n->is_record)
        rules_find(x, n);
    if (n->is_record) { /* it has rules too: a path of its own name alone */
        n->in_record = 1;
        rules_find(x, n);
    }
    return t->n_names++;
}

uint32_t bb_xml_name(struct bb_xml *x, uint32_t up, const void *local, const void *uri,
                        uint32_t kind)
{
    uint32_t at;

    if (x->t.n_names * 2 >= x->index_cap && index_grow(x) != 0) {
        bb_xml_stop(x, "no memory for a name");
        return XML_NONE;
    }
    at = hash_of(up, local, uri, kind) & (x->index_cap - 1);
    for (; x->index[at] != XML_NONE; at = (at + 1) & (x->index_cap - 1)) {
        const struct xml_name *n = &x->t.names[x->index[at]];
        if (n->local == local && n->uri == uri && n->up == up && n->kind == kind)
            return x->index[at];
    }
    x->index[at] = name_new(x, up, local, uri, kind);
    return x->index[at];
}

