/*
 * shapes.c - values that need more than a table: match, transform, a connector's keys, folders
 *
 * Thread: the loader's. Memory: the arena.
 */
#include "core/config/internal.h"

#include <limits.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A manifest's id: wider than a name, because a vendor may want a dot in it. */
void bb_read_connector(struct bb_load *l, struct bb_ynode *v, void *to)
{
    struct bb_endpoint_config *e = to;

    if (v->kind != BB_Y_SCALAR || bb_ynode_is_null(v)) {
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: connector: expected a connector's id, found %s",
                     l->what, bb_ynode_noun(v));
        return;
    }
    if (v->len > 63 || strspn(v->text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != v->len ||
        v->text[0] < 'a' || v->text[0] > 'z') {
        bb_diag_node(l->d, BB_SEV_ERROR, v,
                     "%s: connector: \"%s\" is not a connector's id: a letter, then a-z, 0-9, "
                     "\"-\", \"_\" and \".\"",
                     l->what, bb_ynode_shown(v).text);
        return;
    }
    e->connector = bb_arena_str(&l->p->arena, v->text, v->len);
}

/* A tree as msgpack in the arena. */
static struct bb_bytes tree_bytes(struct bb_load *l, const struct bb_ynode *n)
{
    struct bb_bytes out = {NULL, 0};
    struct bb_buf b;

    bb_buf_init(&b, 4 * BB_CONF_FILE_MAX);
    if (bb_emit_node(&b, n, l->what, l->d) == 0 && b.failed)
        bb_diag_node(l->d, BB_SEV_ERROR, n, "%s: too large", l->what);
    else if (!b.failed && (out.ptr = bb_arena_str(&l->p->arena, (const char *)b.ptr, b.len)))
        out.len = b.len;
    bb_buf_free(&b);
    return out;
}

void bb_read_config(struct bb_load *l, struct bb_ynode *v, void *to)
{
    struct bb_endpoint_config *e = to;

    if (v->kind == BB_Y_SCALAR && bb_ynode_is_null(v))
        return; /* "config:" with every key in a comment */
    if (v->kind != BB_Y_MAP) {
        bb_diag_node(l->d, BB_SEV_ERROR, v,
                     "%s: config: expected a map of the connector's keys, found %s", l->what,
                     bb_ynode_noun(v));
        return;
    }
    e->config = tree_bytes(l, v);
    e->config_where = bb_ynode_where(v);
    bb_load_root(l, e->config_where, v);
}

/* Standard attributes, for "did you mean"; any other valid name may be matched too. */
static const char *const attributes[] = {
    "specversion",   "id",          "source",       "type",        "subject",
    "time",          "dataschema",  "partitionkey", "traceparent", "datacontenttype",
    "correlationid", "causationid", "plant",        "item",        "revision",
    "change"};

static bool is_standard(const char *name)
{
    size_t i;

    for (i = 0; i < COUNT(attributes); i++)
        if (strcmp(attributes[i], name) == 0)
            return true;
    return false;
}

void bb_attribute_hint(struct bb_load *l, const struct bb_ynode *n, const char *key)
{
    const char *near;

    if (is_standard(n->text) || !(near = bb_nearest(n->text, attributes, COUNT(attributes))))
        return;
    bb_diag_node(l->d, BB_SEV_WARNING, n,
                 "%s: %s: \"%s\" is no standard attribute (did you mean \"%s\"?)", l->what, key,
                 n->text, near);
}

static char *match_value(struct bb_load *l, const struct bb_ynode *v, const char *name)
{
    const char *star;

    if (v->kind == BB_Y_BAD)
        return NULL;
    if (v->kind != BB_Y_SCALAR || bb_ynode_is_null(v)) {
        bb_diag_node(l->d, BB_SEV_ERROR, v,
                     "%s: match.%s: expected a text or a list of texts, found %s", l->what, name,
                     bb_ynode_noun(v));
        return NULL;
    }
    star = strchr(v->text, '*');
    if (v->len == 0 || (star && star[1])) {
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: match.%s: %s", l->what, name,
                     v->len ? "\"*\" may only stand at the end: \"mfg.bom.*\""
                            : "an empty text matches nothing");
        return NULL;
    }
    return bb_arena_str(&l->p->arena, v->text, v->len); /* as written: 0010 stays 0010 */
}

static void read_rule(struct bb_load *l, const struct bb_ypair *p, struct bb_match_rule *r)
{
    struct bb_ynode *v = p->value;
    size_t i, n = v->kind == BB_Y_SEQ ? v->n : 1;

    if (!bb_value_is_attribute(p->key->text)) {
        bb_diag_node(l->d, BB_SEV_ERROR, p->key,
                     "%s: match: \"%s\" is not the name of an attribute: 1 to 20 of a-z and 0-9",
                     l->what, bb_ynode_shown(p->key).text);
        return;
    }
    bb_attribute_hint(l, p->key, "match");
    if (n == 0) {
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: match.%s: an empty list matches nothing", l->what,
                     p->key->text);
        return;
    }
    r->attribute = bb_arena_str(&l->p->arena, p->key->text, p->key->len);
    if (!(r->values = bb_arena_get(&l->p->arena, n * sizeof(*r->values))))
        return;
    for (i = 0; i < n; i++)
        if ((r->values[r->n] = match_value(l, v->kind == BB_Y_SEQ ? v->items[i] : v, p->key->text)))
            r->n++;
}

void bb_read_match(struct bb_load *l, struct bb_ynode *v, void *to)
{
    struct bb_route_config *r = to;
    size_t i;

    if (v->kind != BB_Y_MAP) {
        bb_diag_node(l->d, BB_SEV_ERROR, v,
                     "%s: match: expected a map of attributes and their values, found %s", l->what,
                     bb_ynode_noun(v));
        return;
    }
    if (!(r->match = bb_arena_get(&l->p->arena, (v->n + 1) * sizeof(*r->match))))
        return;
    for (i = 0; i < v->n; i++)
        if (!v->pairs[i].first)
            read_rule(l, &v->pairs[i], &r->match[r->n_match++]);
}

static void read_step(struct bb_load *l, struct bb_ynode *item, struct bb_route_config *r)
{
    struct bb_step_config *s = &r->steps[r->n_steps];
    struct bb_ypair *p = item->kind == BB_Y_MAP && item->n == 1 ? &item->pairs[0] : NULL;

    if (item->kind == BB_Y_BAD)
        return;
    if (!p) {
        bb_diag_node(l->d, BB_SEV_ERROR, item,
                     "%s: transform: a step is a map of one key, \"- kind: ...\"", l->what);
        return;
    }
    if (!bb_value_is_name(p->key->text)) {
        bb_diag_node(l->d, BB_SEV_ERROR, p->key, "%s: transform: \"%s\" is not a step's name",
                     l->what, bb_ynode_shown(p->key).text);
        return;
    }
    s->kind = bb_arena_str(&l->p->arena, p->key->text, p->key->len);
    s->config = tree_bytes(l, p->value);
    s->where = bb_ynode_where(p->key);
    bb_load_root(l, s->where, p->value);
    r->n_steps++;
}

void bb_read_transform(struct bb_load *l, struct bb_ynode *v, void *to)
{
    struct bb_route_config *r = to;
    size_t i;

    if (v->kind != BB_Y_SEQ) {
        bb_diag_node(l->d, BB_SEV_ERROR, v, "%s: transform: expected a list of steps, found %s",
                     l->what, bb_ynode_noun(v));
        return;
    }
    if (!(r->steps = bb_arena_get(&l->p->arena, (v->n + 1) * sizeof(*r->steps))))
        return;
    for (i = 0; i < v->n; i++)
        read_step(l, v->items[i], r);
}

void bb_read_path(struct bb_load *l, struct bb_ynode *v, void *to)
{
    struct bb_config *c = to;
    size_t i, n = 0, count = v->kind == BB_Y_SEQ ? v->n : 1;
    const struct bb_ynode *x;
    char path[PATH_MAX];

    if (!(c->plugin_path = bb_arena_get(&l->p->arena, (count + 1) * sizeof(char *))))
        return;
    for (i = 0; i < count; i++) {
        x = v->kind == BB_Y_SEQ ? v->items[i] : v;
        if (x->kind == BB_Y_BAD)
            continue;
        if (x->kind != BB_Y_SCALAR || bb_ynode_is_null(x) || !x->len) {
            bb_diag_node(l->d, BB_SEV_ERROR, x, "%s: path: expected a folder, found %s", l->what,
                         bb_ynode_noun(x));
            continue;
        }
        if (snprintf(path, sizeof(path), "%s%s%s", x->text[0] == '/' ? "" : x->file->dir,
                     x->text[0] == '/' ? "" : "/", x->text) >= (int)sizeof(path)) {
            bb_diag_node(l->d, BB_SEV_ERROR, x, "%s: path: too long", l->what);
            continue;
        }
        if ((c->plugin_path[n] = bb_arena_str(&l->p->arena, path, strlen(path))))
            n++;
    }
}
