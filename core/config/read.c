/*
 * read.c - the one reader: a node against what its key allows, into a struct or a msgpack map
 *
 * conf.d's own sections, a connector's config and a manifest's schema all come this way, so every
 * value is checked with the same care and every fault is worded alike, at the key or value itself.
 * One bad value never hides the next: reading goes on, bad says at the end that there was one.
 *
 * A schema's default takes the same way as a written value, as a node without a place; if it does
 * not fit, the connector is named.
 */
#include "core/config/internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#define HINTS_MAX 50u

const struct bb_spec bb_spec_any = {.min = -HUGE_VAL, .max = HUGE_VAL, .flags = BB_SPEC_OPEN};

void bb_say(struct bb_read *x, const struct bb_node *n, const char *fmt, ...)
{
    const char *sep = *x->path ? ": " : "";
    char text[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    x->bad = true;
    if (bb_node_place(n)->file)
        bb_diag(x->d, BB_SEV_ERROR, bb_at(n), "%s%s%s%s%s", x->what, *x->what ? ": " : "", x->path,
                sep, text);
    else
        bb_diag(x->d, BB_SEV_ERROR, bb_at(x->connector),
                "connector \"%s\" has a faulty schema: %s%s%s", bb_node_shown(x->connector).text,
                x->path, sep, text);
}

struct bb_hint bb_hint(struct bb_read *x, const char *name, const void *things, size_t n,
                       size_t stride)
{
    struct bb_hint h = {""};
    const char **names = x->hints++ < HINTS_MAX ? bb_arena_get(x->arena, n * sizeof(*names)) : NULL;
    const char *near;
    size_t i;

    for (i = 0; names && i < n; i++)
        names[i] = *(const char *const *)((const char *)things + i * stride);
    if (names && (near = bb_nearest(name, names, n)))
        snprintf(h.text, sizeof(h.text), " (did you mean \"%.63s\"?)", near);
    return h;
}

size_t bb_path_enter(struct bb_read *x, const char *name, size_t index)
{
    size_t len = strlen(x->path);

    if (name)
        snprintf(x->path + len, sizeof(x->path) - len, "%s%.60s", len ? "." : "", name);
    else
        snprintf(x->path + len, sizeof(x->path) - len, "[%zu]", index);
    return len;
}

/* ---- lists and maps ----------------------------------------------------------------- */
static void check_count(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k)
{
    if (n->n < k->min_n)
        bb_say(x, n, "holds %zu values; at least %" PRIu64 " are needed", n->n, k->min_n);
    else if (k->max_n && n->n > k->max_n)
        bb_say(x, n, "holds %zu values; at most %" PRIu64 " are allowed", n->n, k->max_n);
}

static void read_list(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k,
                      const struct bb_spec *item, struct bb_buf *buf)
{
    const struct bb_node *c;
    size_t len, i = 0;

    check_count(x, n, k);
    if (buf)
        bb_put_array(buf, (uint32_t)n->n);
    for (c = n->child; c; c = c->next) {
        len = bb_path_enter(x, NULL, i++);
        bb_read(x, c, item ? item : &bb_spec_any, NULL, buf);
        x->path[len] = 0;
    }
}

static void unknown_key(struct bb_read *x, const struct bb_node *key, const struct bb_spec *k)
{
    size_t i, j;

    for (i = 0; i < k->n_keys; i++) /* the right word, one level too high */
        for (j = 0; j < k->keys[i].n_keys; j++)
            if (strcmp(k->keys[i].keys[j].name, key->text) == 0) {
                bb_say(x, key, "unknown key \"%s\" (it belongs under \"%s\")",
                       bb_node_shown(key).text, k->keys[i].name);
                return;
            }
    bb_say(x, key, "unknown key \"%s\"%s", bb_node_shown(key).text,
           bb_hint(x, key->text, k->keys, k->n_keys, sizeof(*k->keys)).text);
}

static const struct bb_spec *key_find(const struct bb_spec *k, const char *name)
{
    size_t i;

    for (i = 0; i < k->n_keys; i++)
        if (strcmp(k->keys[i].name, name) == 0)
            return &k->keys[i];
    return NULL;
}

static void read_member(struct bb_read *x, const struct bb_node *c, const struct bb_spec *k,
                        void *to, struct bb_buf *buf)
{
    const struct bb_spec *sub = key_find(k, c->key->text);
    size_t len;

    if (c->again)
        return;
    if (buf)
        bb_put_str(buf, c->key->text, c->key->len);
    if (k->names)
        bb_read(x, c->key, k->names, NULL, NULL);
    sub = sub ? sub : k->more;
    if (sub && sub->flags & BB_SPEC_LATER)
        bb_say(x, c->key, "\"%s\" is not supported by this version", sub->name);
    else if (!sub && k->flags & BB_SPEC_NOTES && strncmp(c->key->text, "x-", 2) == 0)
        return;
    else if (!sub && !(k->flags & BB_SPEC_OPEN))
        unknown_key(x, c->key, k);
    else {
        len = bb_path_enter(x, c->key->text, 0);
        bb_read(x, c, sub ? sub : &bb_spec_any, to, buf);
        x->path[len] = 0;
        return;
    }
    if (buf)
        bb_put_nil(buf);
}

/* A key of k that is not given: its default, or a fault. */
static void read_absent(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k,
                        struct bb_buf *buf)
{
    size_t len;

    if (k->fallback && buf) {
        bb_put_str(buf, k->name, strlen(k->name));
        len = bb_path_enter(x, k->name, 0);
        bb_path_enter(x, "default", 0);
        bb_read(x, k->fallback, k, NULL, buf);
        x->path[len] = 0;
    } else if (k->flags & BB_SPEC_REQUIRED) {
        bb_say(x, n, "\"%s\" is missing%s%.120s%s", k->name, k->text ? " (" : "",
               k->text ? k->text : "", k->text ? ")" : "");
    }
}

/* At least one of the lists of keys has to be there as a whole. */
static void check_any_of(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k)
{
    const struct bb_node *list, *name;
    char text[300] = "";
    size_t len = 0;
    bool all;

    for (list = k->any_of->child; list; list = list->next) {
        name = bb_node_get(list, "required")->child;
        for (all = true; name; name = name->next) {
            all = all && bb_node_get(n, name->text);
            if (len < sizeof(text))
                len += (size_t)snprintf(text + len, sizeof(text) - len, "\"%s\"%s", name->text,
                                        name->next   ? " with "
                                        : list->next ? " or "
                                                     : "");
        }
        if (all)
            return;
    }
    bb_say(x, n, "%s is needed", text);
}

static void read_map(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k, void *to,
                     struct bb_buf *buf)
{
    const struct bb_node *c;
    size_t count = n->n, i;

    check_count(x, n, k);
    for (i = 0; i < k->n_keys; i++)
        count += k->keys[i].fallback && !bb_node_get(n, k->keys[i].name);
    if (buf)
        bb_put_map(buf, (uint32_t)count);
    for (c = n->child; c; c = c->next)
        read_member(x, c, k, to, buf);
    for (i = 0; i < k->n_keys; i++)
        if ((k->keys[i].fallback || k->keys[i].flags & BB_SPEC_REQUIRED) &&
            !bb_node_get(n, k->keys[i].name))
            read_absent(x, n, &k->keys[i], buf);
    if (k->any_of)
        check_any_of(x, n, k);
}

/* ---- any value ---------------------------------------------------------------------- */
static void read_secret(struct bb_read *x, const struct bb_node *n, struct bb_buf *buf)
{
    char handle[sizeof(x->path) + 70];

    snprintf(handle, sizeof(handle), "%s/%s", x->endpoint->key->text, x->path);
    bb_secret_read(x, n, handle);
    bb_put_cstr(buf, handle);
}

void bb_read(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k, void *to,
             struct bb_buf *buf)
{
    struct bb_spec number = {.types = BB_TYPE_INT, .min = k->min > 0 ? k->min : 0, .max = k->max};
    unsigned type = bb_type_of(n, k->types);

    if (to && k->size)
        to = (char *)to + k->offset;
    if (n->kind == BB_BAD)
        x->bad = true;
    if (n->kind == BB_BAD || (buf && buf->failed)) { /* a hostile default may grow without end */
        if (buf)
            bb_put_nil(buf);
        return;
    }
    if (k->format == BB_F_SECRET && x->endpoint && buf) {
        read_secret(x, n, buf);
        return;
    }
    if (k->format == BB_F_UINT_LIST && buf && !bb_node_is_null(n) && n->kind != BB_MAP) {
        if (n->kind == BB_SCALAR)
            bb_put_array(buf, 1);
        if (n->kind == BB_SCALAR)
            bb_read(x, n, &number, NULL, buf);
        else
            read_list(x, n, k, &number, buf);
        return;
    }
    if (bb_unit_of(k) && n->kind == BB_SCALAR && !bb_node_is_null(n))
        type = BB_TYPE_INT;
    if (!type) {
        bb_say_kind(x, n, k);
        if (buf)
            bb_put_nil(buf);
        return;
    }
    if (k->flags & BB_SPEC_NODE && to)
        *(const struct bb_node **)to = n;
    if (k->read && to)
        k->read(x, n, to);
    else if (type == BB_TYPE_MAP)
        read_map(x, n, k, to, buf);
    else if (type == BB_TYPE_LIST)
        read_list(x, n, k, k->items, buf);
    else
        bb_read_scalar(x, n, k, type, k->size && !(k->flags & BB_SPEC_NODE) ? to : NULL, buf);
}
