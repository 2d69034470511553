/*
 * edm.c - EDMX to a description (edm.h)
 *
 * The text becomes one value by the SDK's XML reader, which knows no mapping here: names come as
 * "{namespace}local" and are compared by their local part, so that V2 with its five schema namespaces
 * and V4 need no table. Two passes: types and their properties, then what refers to types.
 *
 * Thread: the instance's. Memory: blocks of the description; the value goes when it is read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <busbar/plugin.h>
#include <busbar/xml.h>
#include "edm.h"

struct edm_block {
    struct edm_block *next;
};

static void *take(struct edm *e, size_t n, size_t size)
{
    struct edm_block *b = n > EDM_COUNT_MAX ? NULL : calloc(1, sizeof *b + n * size);

    if (!b)
        return NULL;
    b->next = e->blocks;
    e->blocks = b;
    return b + 1;
}

static const char *text_keep(struct edm *e, struct bb_bytes s)
{
    char *t = s.len < EDM_COUNT_MAX ? take(e, s.len + 1, 1) : NULL;

    if (t && s.len)
        memcpy(t, s.ptr, s.len);
    return t;
}

/* ---- walking elements ------------------------------------------------------------------------------ */
static struct bb_bytes local(struct bb_bytes name)
{
    const char *p = name.ptr;

    for (size_t k = name.len; k > 0; k--)
        if (p[k - 1] == '}' || p[k - 1] == ':' || p[k - 1] == '@')
            return (struct bb_bytes){p + k, name.len - k};
    return name;
}

/* "com.sap.API_X.A_ProductType", "Collection(ns.T)" to "A_ProductType", "T". */
static struct bb_bytes last_name(struct bb_bytes s)
{
    const char *p = s.ptr;

    while (s.len && p[s.len - 1] == ')')
        s.len--;
    for (size_t k = s.len; k > 0; k--)
        if (p[k - 1] == '.' || p[k - 1] == '/' || p[k - 1] == '(')
            return (struct bb_bytes){p + k, s.len - k};
    return s;
}

static struct bb_bytes attr(struct bb_bytes element, const char *name)
{
    struct bb_iter it;
    struct bb_bytes k, v, s = {NULL, 0};

    if (bb_iter_of(element, &it) && it.map)
        while (bb_iter_next(&it, &k, &v))
            if (k.len && *(const char *)k.ptr == '@' && bb_str_is(local(k), name))
                (void)bb_as_str(v, &s);
    return s;
}

static int64_t attr_int(struct bb_bytes element, const char *name)
{
    struct bb_bytes s = attr(element, name);
    char text[24];

    return bb_str_copy(s, text, sizeof text) == 0 && *text >= '0' && *text <= '9' ? strtoll(text, NULL, 10) : -1;
}

/* The children of one name, one after the other: an element that is there once is no array. */
struct walk {
    struct bb_iter in, many;
    const char *name;
    int in_many;
};
static struct walk walk_of(struct bb_bytes element, const char *name)
{
    struct walk w = {.name = name};

    if (!bb_iter_of(element, &w.in) || !w.in.map)
        w.in.left = 0;
    return w;
}

static int walk_next(struct walk *w, struct bb_bytes *out)
{
    struct bb_bytes k, v;

    while (w->in_many || w->in.left) {
        if (w->in_many) {
            if (bb_iter_next(&w->many, NULL, out))
                return 1;
            w->in_many = 0;
        } else if (!bb_iter_next(&w->in, &k, &v)) {
            return 0;
        } else if (k.len && *(const char *)k.ptr != '@' && bb_str_is(local(k), w->name)) {
            w->in_many = bb_iter_of(v, &w->many) && !w->many.map;
            if (!w->in_many) {
                *out = v;
                return 1;
            }
        }
    }
    return 0;
}

static size_t count(struct bb_bytes element, const char *name)
{
    struct walk w = walk_of(element, name);
    struct bb_bytes x;
    size_t n = 0;

    while (walk_next(&w, &x))
        n++;
    return n;
}

/* ---- properties ----------------------------------------------------------------------------------- */
static enum edm_kind kind_of(struct bb_bytes type)
{
    static const struct {
        const char *name;
        enum edm_kind kind;
    } rows[] = {{"Edm.String", EDM_STRING}, {"Edm.Guid", EDM_STRING}, {"Edm.Boolean", EDM_BOOL},
                {"Edm.Byte", EDM_INT}, {"Edm.SByte", EDM_INT}, {"Edm.Int16", EDM_INT}, {"Edm.Int32", EDM_INT},
                {"Edm.Int64", EDM_INT64}, {"Edm.Decimal", EDM_DECIMAL}, {"Edm.Double", EDM_DOUBLE},
                {"Edm.Single", EDM_DOUBLE}, {"Edm.DateTime", EDM_DATETIME}, {"Edm.DateTimeOffset", EDM_OFFSET},
                {"Edm.Date", EDM_DATE}, {"Edm.Time", EDM_TIME}, {"Edm.TimeOfDay", EDM_TIME}};

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        if (bb_str_is(type, rows[k].name))
            return rows[k].kind;
    return EDM_OTHER;
}

static int prop_read(struct edm *e, struct bb_bytes x, struct edm_prop *p)
{
    p->name = text_keep(e, attr(x, "Name"));
    p->kind = kind_of(attr(x, "Type"));
    p->length = attr_int(x, "MaxLength");
    p->precision = attr_int(x, "Precision");
    p->scale = attr_int(x, "Scale");
    return p->name ? 0 : -1;
}

static int type_read(struct edm *e, struct bb_bytes x, struct edm_type *t)
{
    struct walk w = walk_of(x, "Property"), keys = walk_of(x, "Key"), refs;
    struct bb_bytes v, ref;

    t->name = text_keep(e, attr(x, "Name"));
    t->props = take(e, count(x, "Property"), sizeof *t->props);
    if (!t->name || !t->props)
        return -1;
    while (walk_next(&w, &v)) {
        if (prop_read(e, v, &t->props[t->n_props++]) != 0)
            return -1;
        t->etag |= bb_str_is(attr(v, "ConcurrencyMode"), "Fixed");
    }
    if (!walk_next(&keys, &v))
        return 0;
    refs = walk_of(v, "PropertyRef");
    while (walk_next(&refs, &ref)) {
        const struct edm_prop *p = edm_prop_find(t, attr(ref, "Name"));
        if (p)
            t->props[p - t->props].key = 1;
    }
    return 0;
}

/* ---- what refers to types --------------------------------------------------------------------------- */
/* V2: the association's end of that role says type and number. */
static void association(struct edm *e, struct bb_bytes schema, struct bb_bytes nav, struct edm_nav *out)
{
    struct bb_bytes want = last_name(attr(nav, "Relationship")), role = attr(nav, "ToRole"), x, end;
    struct walk w = walk_of(schema, "Association"), ends;

    while (walk_next(&w, &x)) {
        struct bb_bytes name = attr(x, "Name");
        if (!name.ptr || name.len != want.len || memcmp(name.ptr, want.ptr, name.len) != 0)
            continue;
        ends = walk_of(x, "End");
        while (walk_next(&ends, &end)) {
            struct bb_bytes r = attr(end, "Role");
            if (r.len == role.len && r.len && memcmp(r.ptr, role.ptr, r.len) == 0) {
                out->type = edm_type_find(e, attr(end, "Type"));
                out->many = bb_str_is(attr(end, "Multiplicity"), "*");
            }
        }
    }
}

static int navs_read(struct edm *e, struct bb_bytes schema, struct bb_bytes x)
{
    const struct edm_type *found = edm_type_find(e, attr(x, "Name"));
    struct edm_type *t = found ? &e->types[found - e->types] : NULL;
    struct walk w = walk_of(x, "NavigationProperty");
    struct bb_bytes v;

    if (!t || t->navs)
        return 0;
    t->navs = take(e, count(x, "NavigationProperty"), sizeof *t->navs);
    if (!t->navs)
        return -1;
    while (walk_next(&w, &v)) {
        struct edm_nav *n = &t->navs[t->n_navs++];
        struct bb_bytes type = attr(v, "Type");
        n->name = text_keep(e, attr(v, "Name"));
        if (!n->name)
            return -1;
        if (type.len) {
            n->many = type.len > 11 && memcmp(type.ptr, "Collection(", 11) == 0;
            n->type = edm_type_find(e, type);
        } else {
            association(e, schema, v, n);
        }
    }
    return 0;
}

static int concurrency_noted(struct bb_bytes x)
{
    struct walk w = walk_of(x, "Annotation");
    struct bb_bytes v;

    while (walk_next(&w, &v))
        if (bb_str_is(last_name(attr(v, "Term")), "OptimisticConcurrency"))
            return 1;
    return 0;
}

static int container_read(struct edm *e, struct bb_bytes x)
{
    struct walk w = walk_of(x, "EntitySet"), f = walk_of(x, "FunctionImport"), p;
    struct bb_bytes v, par;

    e->sets = take(e, count(x, "EntitySet"), sizeof *e->sets);
    e->functions = take(e, count(x, "FunctionImport"), sizeof *e->functions);
    if (!e->sets || !e->functions)
        return -1;
    while (walk_next(&w, &v)) {
        struct edm_set *s = &e->sets[e->n_sets];
        s->name = text_keep(e, attr(v, "Name"));
        s->type = edm_type_find(e, attr(v, "EntityType"));
        if (!s->name)
            return -1;
        s->etag = concurrency_noted(v) || (s->type && s->type->etag);
        e->n_sets += s->type != NULL;
    }
    while (walk_next(&f, &v)) {
        struct edm_function *fn = &e->functions[e->n_functions++];
        struct bb_bytes method = attr(v, "HttpMethod");
        fn->name = text_keep(e, attr(v, "Name"));
        fn->method = method.len ? text_keep(e, method) : "GET";
        fn->params = take(e, count(v, "Parameter"), sizeof *fn->params);
        if (!fn->name || !fn->method || !fn->params)
            return -1;
        p = walk_of(v, "Parameter");
        while (walk_next(&p, &par))
            if (prop_read(e, par, &fn->params[fn->n_params++]) != 0)
                return -1;
    }
    return 0;
}

/* <Annotations Target="NS.Container/Set">: V4 services say their ETags there as well. */
static void annotations_read(struct edm *e, struct bb_bytes schema)
{
    struct walk w = walk_of(schema, "Annotations");
    struct bb_bytes v;

    while (walk_next(&w, &v)) {
        const struct edm_set *s = edm_set_find(e, last_name(attr(v, "Target")));
        if (s && concurrency_noted(v))
            e->sets[s - e->sets].etag = 1;
    }
}

/* ---- the document ------------------------------------------------------------------------------------ */
static int schemas_read(struct edm *e, struct bb_bytes services)
{
    struct walk w = walk_of(services, "Schema"), t;
    struct bb_bytes schema, x;
    size_t n = 0;

    while (walk_next(&w, &schema))
        n += count(schema, "EntityType");
    e->types = take(e, n, sizeof *e->types);
    if (!e->types)
        return -1;
    for (w = walk_of(services, "Schema"); walk_next(&w, &schema);)
        for (t = walk_of(schema, "EntityType"); walk_next(&t, &x);)
            if (type_read(e, x, &e->types[e->n_types++]) != 0)
                return -1;
    for (w = walk_of(services, "Schema"); walk_next(&w, &schema);)
        for (t = walk_of(schema, "EntityType"); walk_next(&t, &x);)
            if (navs_read(e, schema, x) != 0)
                return -1;
    for (w = walk_of(services, "Schema"); walk_next(&w, &schema);)
        for (t = walk_of(schema, "EntityContainer"); !e->sets && walk_next(&t, &x);)
            if (container_read(e, x) != 0)
                return -1;
    for (w = walk_of(services, "Schema"); walk_next(&w, &schema);)
        annotations_read(e, schema);
    return 0;
}

static int document_read(struct edm *e, struct bb_bytes value, struct bb_fault *err)
{
    struct bb_iter it;
    struct bb_bytes k, root, services;
    struct walk w;

    snprintf(err->text, sizeof err->text, "this is no EDMX document with an entity set");
    if (!bb_iter_of(value, &it) || !bb_iter_next(&it, &k, &root) || !bb_str_is(local(k), "Edmx"))
        return -1;
    struct bb_bytes version = attr(root, "Version");
    e->version = version.len && *(const char *)version.ptr == '4' ? 4 : 2;
    w = walk_of(root, "DataServices");
    if (!walk_next(&w, &services))
        return -1;
    if (schemas_read(e, services) != 0) {
        snprintf(err->text, sizeof err->text, "too much of something (more than %u), or no memory", EDM_COUNT_MAX);
        return -1;
    }
    return e->n_sets ? 0 : -1;
}

struct edm *edm_read(struct bb_bytes text, struct bb_fault *err)
{
    const struct bb_xml_limits limits = {.record_max = 4 * (size_t)EDM_TEXT_MAX};
    struct bb_xml_map *map = bb_xml_map_new((struct bb_bytes){"\x80", 1}, err);
    struct bb_xml *x = map ? bb_xml_new(map, &limits) : NULL;
    struct edm *e = calloc(1, sizeof *e);
    struct bb_xml_record r;
    size_t used;
    int got = -1;

    memset(err, 0, sizeof *err);
    if (x && e && text.len <= EDM_TEXT_MAX) {
        got = bb_xml_read(x, text, &used, &r, err);
        if (got == 0)
            got = bb_xml_end(x, &r, err);
        if (got == 0)
            snprintf(err->text, sizeof err->text, "it is empty or cut off");
    } else {
        snprintf(err->text, sizeof err->text, "more than %u bytes, or no memory", EDM_TEXT_MAX);
    }
    if (got != 1 || document_read(e, r.value, err) != 0)
        edm_free(&e);
    bb_xml_free(&x);
    bb_xml_map_free(&map);
    return e;
}

void edm_free(struct edm **ep)
{
    if (!*ep)
        return;
    while ((*ep)->blocks) {
        struct edm_block *b = (*ep)->blocks;
        (*ep)->blocks = b->next;
        free(b);
    }
    free(*ep);
    *ep = NULL;
}

/* ---- looking up -------------------------------------------------------------------------------------- */
const struct edm_set *edm_set_find(const struct edm *e, struct bb_bytes name)
{
    for (size_t k = 0; k < e->n_sets; k++)
        if (bb_str_is(name, e->sets[k].name))
            return &e->sets[k];
    return NULL;
}

const struct edm_type *edm_type_find(const struct edm *e, struct bb_bytes name)
{
    name = last_name(name);
    for (size_t k = 0; k < e->n_types; k++)
        if (bb_str_is(name, e->types[k].name))
            return &e->types[k];
    return NULL;
}

const struct edm_prop *edm_prop_find(const struct edm_type *t, struct bb_bytes name)
{
    for (size_t k = 0; k < t->n_props; k++)
        if (bb_str_is(name, t->props[k].name))
            return &t->props[k];
    return NULL;
}

const struct edm_nav *edm_nav_find(const struct edm_type *t, struct bb_bytes name)
{
    for (size_t k = 0; k < t->n_navs; k++)
        if (bb_str_is(name, t->navs[k].name))
            return &t->navs[k];
    return NULL;
}

const struct edm_function *edm_function_find(const struct edm *e, const char *name)
{
    for (size_t k = 0; k < e->n_functions; k++)
        if (strcmp(name, e->functions[k].name) == 0)
            return &e->functions[k];
    return NULL;
}
