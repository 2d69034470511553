/*
 * xml_map.c - a declared XML mapping, from config to paths
 *
 * Thread: any; a mapping does not change once it is made. Ownership: it copies all that it keeps.
 * Invariants: a path has 1 to XML_STEPS_MAX steps (the record's may have none); only a last step is
 * an attribute; a prefix is there once.
 */
#include "xml_map.h"
#include <busbar/plugin.h>
#include <stdlib.h>

/* ---- paths -------------------------------------------------------------------------------------
 */

static char *text_keep(const char *s, size_t len)
{
    char *copy = malloc(len + 1);

    if (!copy)
        return NULL;
    memcpy(copy, s, len);
    copy[len] = 0;
    return copy;
}

static void path_free(struct xml_path *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        free(p->steps[i]);
    free(p->steps);
    memset(p, 0, sizeof(*p));
}

/* The end of the step at s: slashes inside {uri} do not count. */
static const char *step_end(const char *s, const char *end)
{
    int inside = 0;

    for (; s < end && (inside || *s != '/'); s++) {
        if (*s == '{')
            inside = 1;
        else if (*s == '}')
            inside = 0;
    }
    return s;
}

static int path_read(struct bb_bytes text, struct xml_path *p, const char *key,
                     struct bb_fault *err)
{
    const char *s = text.ptr, *end = s + text.len;

    if (!text.len || *s != '/' || memchr(s, 0, text.len))
        return bb_fault_set(err, 0, "%s: a path begins with \"/\", as in /Order/Line", key);
    s++;
    if (s < end && *s == '/') {
        p->deep = 1;
        s++;
    }
    p->steps = calloc(XML_STEPS_MAX, sizeof(*p->steps));
    if (!p->steps)
        return bb_fault_set(err, 0, "%s: no memory", key);
    for (;;) {
        const char *stop = step_end(s, end);
        if (stop == s)
            return bb_fault_set(err, 0, "%s: a path has an empty step", key);
        if (*s == '@' && (stop == s + 1 || stop != end))
            return bb_fault_set(err, 0, "%s: an attribute is a path's last step, as in /Line/@no",
                                key);
        if (p->n == XML_STEPS_MAX)
            return bb_fault_set(err, 0, "%s: a path of more than %d steps", key, XML_STEPS_MAX);
        p->steps[p->n] = text_keep(s, (size_t)(stop - s));
        if (!p->steps[p->n])
            return bb_fault_set(err, 0, "%s: no memory", key);
        p->n++;
        if (stop == end)
            return 0;
        s = stop + 1;
    }
}

static int step_matches(const char *step, struct bb_bytes key)
{
    const char *k = key.ptr;
    size_t len = strlen(step);

    if (len == 1 && step[0] == '*')
        return key.len && k[0] != '@';
    return len == key.len && memcmp(step, k, len) == 0;
}

int bb_xml_path_matches(const struct xml_path *p, const struct xml_chain *at)
{
    for (uint32_t i = p->n; i > 0; i--, at = at->up)
        if (!at || !step_matches(p->steps[i - 1], at->key))
            return 0;
    return p->deep || !at;
}

uint32_t bb_xml_rules(const struct bb_xml_map *m, const struct xml_chain *at,
                      const struct xml_rule **order)
{
    uint32_t flags = 0;

    if (order)
        *order = NULL;
    for (uint32_t i = 0; i < m->n_rules; i++) {
        const struct xml_rule *r = &m->rules[i];
        if (!bb_xml_path_matches(&r->path, at))
            continue;
        /* of two types the first one stands */
        flags |= (flags & XML_TYPES) ? r->flags & ~XML_TYPES : r->flags;
        if (order && r->n_order && !*order)
            *order = r;
    }
    return flags;
}

/* ---- namespaces --------------------------------------------------------------------------------
 */

const char *bb_xml_prefix(const struct bb_xml_map *m, const char *uri)
{
    for (uint32_t i = 0; i < m->n_spaces; i++)
        if (strcmp(m->spaces[i].uri, uri) == 0)
            return m->spaces[i].prefix;
    return NULL;
}

const char *bb_xml_uri(const struct bb_xml_map *m, struct bb_bytes prefix)
{
    for (uint32_t i = 0; i < m->n_spaces; i++) {
        const char *p = m->spaces[i].prefix;
        if (strlen(p) == prefix.len && memcmp(p, prefix.ptr, prefix.len) == 0)
            return m->spaces[i].uri;
    }
    return NULL;
}

static int space_add(struct bb_xml_map *m, struct bb_bytes prefix, struct bb_bytes uri,
                     uint32_t known)
{
    struct xml_space *s = &m->spaces[m->n_spaces];

    s->prefix = text_keep(prefix.ptr, prefix.len);
    s->uri = text_keep(uri.ptr, uri.len);
    s->known = known;
    m->n_spaces++; /* freed also when only half is there */
    return s->prefix && s->uri ? 0 : -1;
}

static int prefix_good(struct bb_bytes p)
{
    const char *s = p.ptr;

    for (size_t i = 0; i < p.len; i++) {
        int letter = (s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z';
        int later = i && ((s[i] >= '0' && s[i] <= '9') || s[i] == '-' || s[i] == '.');
        if (!letter && s[i] != '_' && !later)
            return 0;
    }
    return !(p.len >= 3 && strncasecmp(s, "xml", 3) == 0) &&
           !(p.len >= 4 && memcmp(s, "bbns", 4) == 0);
}

static int spaces_read(struct bb_xml_map *m, struct bb_bytes config, struct bb_fault *err)
{
    struct bb_bytes list, prefix, v, uri;
    struct bb_iter it = {0};
    int there = bb_conf_find(config, "/namespaces", &list);

    if (there && (!bb_iter_of(list, &it) || !it.map))
        return bb_fault_set(err, 0, "namespaces: a map from prefixes to URIs is expected");
    m->spaces = calloc((size_t)(there ? it.n : 0) + 2, sizeof(*m->spaces));
    if (!m->spaces)
        return bb_fault_set(err, 0, "namespaces: no memory");
    while (there && bb_iter_next(&it, &prefix, &v)) {
        if (!bb_as_str(v, &uri) || !uri.len || memchr(uri.ptr, 0, uri.len))
            return bb_fault_set(err, 0, "namespaces: a URI must be a text, not empty");
        if (!prefix_good(prefix))
            return bb_fault_set(err, 0,
                                "namespaces: a prefix is letters, digits, \"_\", \"-\", \".\", begins "
                                "with a letter and not with xml or bbns");
        if (space_add(m, prefix, uri, 0) != 0)
            return bb_fault_set(err, 0, "namespaces: no memory");
    }
    if (space_add(m, (struct bb_bytes){"xml", 3}, (struct bb_bytes){XML_URI, strlen(XML_URI)}, 1))
        return bb_fault_set(err, 0, "namespaces: no memory");
    if (!bb_xml_uri(m, (struct bb_bytes){"xsi", 3}) &&
        space_add(m, (struct bb_bytes){"xsi", 3}, (struct bb_bytes){XSI_URI, strlen(XSI_URI)}, 1))
        return bb_fault_set(err, 0, "namespaces: no memory");
    return 0;
}

/* ---- rules -------------------------------------------------------------------------------------
 */

/* Room for one more rule with that path. */
static struct xml_rule *rule_add(struct bb_xml_map *m, struct bb_bytes path, const char *key,
                                 struct bb_fault *err)
{
    struct xml_rule *r;

    if (m->n_rules == XML_RULES_MAX) {
        bb_fault_set(err, 0, "%s: more than %d paths in all", key, XML_RULES_MAX);
        return NULL;
    }
    r = &m->rules[m->n_rules++];
    return path_read(path, &r->path, key, err) == 0 ? r : NULL;
}

static int list_read(struct bb_xml_map *m, struct bb_bytes config, const char *pointer,
                     uint32_t flags, struct bb_fault *err)
{
    const char *key = pointer + 1;
    struct bb_bytes list, v, path;
    struct bb_iter it;
    struct xml_rule *r;

    if (!bb_conf_find(config, pointer, &list))
        return 0;
    if (!bb_iter_of(list, &it) || it.map)
        return bb_fault_set(err, 0, "%s: a list of paths is expected", key);
    while (bb_iter_next(&it, NULL, &v)) {
        if (!bb_as_str(v, &path))
            return bb_fault_set(err, 0, "%s: a list of paths is expected", key);
        r = rule_add(m, path, key, err);
        if (!r)
            return -1;
        if (r->path.steps[r->path.n - 1][0] == '@')
            return bb_fault_set(err, 0, "%s: an attribute cannot be one of them", key);
        r->flags = flags;
    }
    return 0;
}

static int types_read(struct bb_xml_map *m, struct bb_bytes config, struct bb_fault *err)
{
    static const struct {
        const char *name;
        uint32_t flags;
    } types[] = {{"integer", XML_INTEGER},
                 {"decimal", XML_DECIMAL},
                 {"boolean", XML_BOOLEAN},
                 {"date", XML_DATE}};
    struct bb_bytes list, path, v, name;
    struct bb_iter it;

    if (!bb_conf_find(config, "/types", &list))
        return 0;
    if (!bb_iter_of(list, &it) || !it.map)
        return bb_fault_set(err, 0, "types: a map from paths to types is expected");
    while (bb_iter_next(&it, &path, &v)) {
        struct xml_rule *r = rule_add(m, path, "types", err);
        if (!r)
            return -1;
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
            if (bb_as_str(v, &name) && bb_str_is(name, types[i].name))
                r->flags = types[i].flags;
        if (!r->flags)
            return bb_fault_set(err, 0, "types: a type is integer, decimal, boolean or date");
    }
    return 0;
}

static int order_read(struct bb_xml_map *m, struct bb_bytes config, struct bb_fault *err)
{
    struct bb_bytes list, path, v, name;
    struct bb_iter it, names;

    if (!bb_conf_find(config, "/order", &list))
        return 0;
    if (!bb_iter_of(list, &it) || !it.map)
        return bb_fault_set(err, 0, "order: a map from paths to lists of names is expected");
    while (bb_iter_next(&it, &path, &v)) {
        struct xml_rule *r = rule_add(m, path, "order", err);
        if (!r)
            return -1;
        if (!bb_iter_of(v, &names) || names.map || !names.n || names.n > XML_RULES_MAX)
            return bb_fault_set(err, 0, "order: a list of 1 to %d names is expected",
                                XML_RULES_MAX);
        r->order = calloc(names.n, sizeof(*r->order));
        while (r->order && bb_iter_next(&names, NULL, &v)) {
            if (!bb_as_str(v, &name) || !name.len || memchr(name.ptr, 0, name.len))
                return bb_fault_set(err, 0, "order: a name must be a text, not empty");
            r->order[r->n_order] = text_keep(name.ptr, name.len);
            if (!r->order[r->n_order++])
                return bb_fault_set(err, 0, "order: no memory");
        }
        if (!r->order)
            return bb_fault_set(err, 0, "order: no memory");
    }
    return 0;
}

/* ---- the door ----------------------------------------------------------------------------------
 */

static int keys_known(struct bb_bytes config, struct bb_fault *err)
{
    static const char *const keys[] = {"record", "namespaces", "arrays", "ordered",
                                       "mixed",  "types",      "order"};
    struct bb_iter it;
    struct bb_bytes key, v;
    char quoted[44];

    if (!bb_iter_of(config, &it) || !it.map)
        return bb_fault_set(err, 0, "a map is expected");
    while (bb_iter_next(&it, &key, &v)) {
        size_t i = 0, n = sizeof(keys) / sizeof(keys[0]);
        while (i < n && !bb_str_is(key, keys[i]))
            i++;
        if (i == n)
            return bb_fault_set(err, 0,
                                "%s: is not known; record, namespaces, arrays, ordered, mixed, "
                                "types and order are",
                                bb_fault_quote(quoted, key.ptr, key.len));
    }
    return 0;
}

struct bb_xml_map *bb_xml_map_new(struct bb_bytes config, struct bb_fault *err)
{
    struct bb_xml_map *m = calloc(1, sizeof(*m));
    struct bb_bytes record, v;

    if (!m || !(m->rules = calloc(XML_RULES_MAX, sizeof(*m->rules)))) {
        bb_fault_set(err, 0, "no memory for the mapping");
        goto fail;
    }
    if (config.len && keys_known(config, err) != 0)
        goto fail;
    if (config.len && bb_conf_find(config, "/record", &v)) {
        if (!bb_as_str(v, &record)) {
            bb_fault_set(err, 0, "record: a path is expected, as in /Orders/Order");
            goto fail;
        }
        if (record.len && path_read(record, &m->record, "record", err) != 0)
            goto fail;
        if (m->record.deep || (m->record.n && m->record.steps[m->record.n - 1][0] == '@')) {
            bb_fault_set(err, 0, "record: the path leads from the root to elements, without \"//\"");
            goto fail;
        }
    }
    if (spaces_read(m, config, err) != 0)
        goto fail;
    if (config.len && (list_read(m, config, "/arrays", XML_ARRAY, err) != 0 ||
                       list_read(m, config, "/ordered", XML_ORDERED, err) != 0 ||
                       list_read(m, config, "/mixed", XML_MIXED, err) != 0 ||
                       types_read(m, config, err) != 0 || order_read(m, config, err) != 0))
        goto fail;
    return m;
fail:
    bb_xml_map_free(&m);
    return NULL;
}

void bb_xml_map_free(struct bb_xml_map **mp)
{
    struct bb_xml_map *m = *mp;

    if (!m)
        return;
    path_free(&m->record);
    for (uint32_t i = 0; i < m->n_rules; i++) {
        path_free(&m->rules[i].path);
        for (uint32_t k = 0; k < m->rules[i].n_order; k++)
            free(m->rules[i].order[k]);
        free(m->rules[i].order);
    }
    free(m->rules);
    for (uint32_t i = 0; i < m->n_spaces; i++) {
        free(m->spaces[i].prefix);
        free(m->spaces[i].uri);
    }
    free(m->spaces);
    free(m);
    *mp = NULL;
}
