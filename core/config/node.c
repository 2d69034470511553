/*
 * node.c - what can be asked of a node, and a manifest's msgpack as nodes
 *
 * Thread: the loader's; a loaded tree may be read from any. Memory: the arena.
 */
#include "core/config/internal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool bb_node_is_null(const struct bb_node *n)
{
    return n->kind == BB_SCALAR && bb_node_type(n) == BB_TYPE_NULL;
}

struct bb_node *bb_node_get(const struct bb_node *map, const char *key)
{
    struct bb_node *c;

    for (c = map && map->kind == BB_MAP ? map->child : NULL; c; c = c->next)
        if (strcmp(c->key->text, key) == 0)
            return c;
    return NULL;
}

unsigned bb_node_type(const struct bb_node *n)
{
    if (n->kind == BB_LIST || n->kind == BB_MAP)
        return n->kind == BB_LIST ? BB_TYPE_LIST : BB_TYPE_MAP;
    return n->quoted || n->expanded ? BB_TYPE_STR : bb_value_type(n->text);
}

struct bb_shown bb_node_shown(const struct bb_node *n)
{
    struct bb_shown s = {""};
    const char *p = n->text;
    size_t len = n->len;

    if (n->file && n->kind == BB_SCALAR && n->end > n->start) { /* never an expanded value */
        p = n->file->text + n->start;
        len = n->end - n->start;
        if (n->quoted && len >= 2 && (*p == '"' || *p == '\'')) {
            p++;
            len -= 2;
        }
    }
    snprintf(s.text, sizeof(s.text), "%.*s%s", len > 60 ? 57 : (int)len, p, len > 60 ? "..." : "");
    return s;
}

const struct bb_node *bb_node_place(const struct bb_node *n)
{
    if (n->key && (n->kind != BB_SCALAR || bb_node_is_null(n)))
        return n->key;
    if (n->kind == BB_MAP && n->child) /* a block map's own mark underlines its neighbour */
        return n->child->key;
    return n;
}

struct bb_where bb_node_where(const struct bb_node *n)
{
    struct bb_where w = {.node = n};
    const struct bb_node *at = bb_node_place(n);

    w.file = at->file->name;
    bb_file_place(at->file, at->start, &w.line, &w.col);
    return w;
}

int bb_node_path(const struct bb_node *n, const char *dir, char *out, size_t cap)
{
    bool whole = n->text[0] == '/';

    int len = snprintf(out, cap, "%s%s%s", whole ? "" : dir, whole ? "" : "/", n->text);

    return len < (int)cap ? 0 : -1;
}

struct bb_where bb_config_locate(struct bb_where root, const char *pointer)
{
    const struct bb_node *n = root.node, *at = n;
    char step[256];
    size_t len, i;

    while (n && *pointer == '/') {
        for (pointer++, len = 0; *pointer && *pointer != '/' && len + 1 < sizeof(step); pointer++) {
            if (pointer[0] == '~' && (pointer[1] == '0' || pointer[1] == '1'))
                step[len++] = *++pointer == '0' ? '~' : '/';
            else
                step[len++] = *pointer;
        }
        step[len] = 0;
        if (n->kind == BB_LIST) {
            i = *step >= '0' && *step <= '9' ? strtoul(step, NULL, 10) : n->n;
            for (n = n->child; n && i; i--)
                n = n->next;
        } else {
            n = bb_node_get(n, step);
        }
        at = n ? n : at;
    }
    return at != root.node ? bb_node_where(at) : root;
}

/* ---- what is private ---------------------------------------------------------------- */
bool bb_config_sounds_secret(const char *name, size_t len)
{
    static const char *const places[] = {"url", "uri", "file", "path", "name", "endpoint"};
    static const char *const words[] = {"passw",      "passphrase", "secret",        "token",
                                        "credential", "private",    "apikey",        "api_key",
                                        "api-key",    "bearer",     "authorization", "whsec_",
                                        "pwd",        "kennwort",   "cookie",        "sessionid",
                                        "session_id", "session-id"};
    size_t i, k, w;

    for (i = 0; i < BB_COUNT(places); i++) {
        w = strlen(places[i]);
        if (len > w && strncasecmp(name + len - w, places[i], w) == 0)
            return false;
    }
    for (i = 0; i < BB_COUNT(words); i++)
        for (k = 0, w = strlen(words[i]); k + w <= len; k++)
            if (strncasecmp(name + k, words[i], w) == 0)
                return true;
    return false;
}

bool bb_sounds_secret(const struct bb_node *key)
{
    return bb_config_sounds_secret(key->text, key->len);
}

void bb_node_mask(const struct bb_node *n)
{
    struct bb_file *f = n->file;
    const struct bb_node *c;
    struct bb_mask *v;

    for (c = n->child; c; c = c->next)
        bb_node_mask(c);
    if (n->kind != BB_SCALAR || !f || n->end <= n->start)
        return;
    if (f->n_masks && f->masks[f->n_masks - 1].start == n->start)
        return;
    if (!(v = bb_arena_grow(f->arena, f->masks, f->n_masks, sizeof(*v))))
        return;
    f->masks = v;
    v[f->n_masks++] = (struct bb_mask){n->start, n->end};
}

/* ---- msgpack ------------------------------------------------------------------------ */
static struct bb_node *node_from(struct bb_arena *a, struct bb_cur *c, unsigned depth)
{
    struct bb_node *n = depth < BB_DEPTH_MAX ? bb_arena_get(a, sizeof(*n)) : NULL, **tail, *key;
    struct bb_tok t;
    char num[32] = "";

    if (!n || bb_cur_next(c, &t) != 0)
        return NULL;
    n->kind = t.kind == BB_T_ARRAY ? BB_LIST : t.kind == BB_T_MAP ? BB_MAP : BB_SCALAR;
    n->quoted = t.kind == BB_T_STR;
    if (t.kind == BB_T_INT)
        snprintf(num, sizeof(num), "%" PRId64, t.i);
    else if (t.kind == BB_T_UINT)
        snprintf(num, sizeof(num), "%" PRIu64, t.u);
    else if (t.kind == BB_T_BOOL)
        snprintf(num, sizeof(num), "%s", t.i ? "true" : "false");
    else if (t.kind == BB_T_BIN || t.kind == BB_T_FLOAT || t.kind == BB_T_EXT)
        return NULL;
    if (t.kind != BB_T_STR && t.kind != BB_T_DECIMAL)
        t.s = (struct bb_bytes){num, strlen(num)};
    n->len = (uint32_t)t.s.len;
    if (!(n->text = bb_arena_str(a, t.s.ptr, t.s.len)) || strlen(n->text) != n->len)
        return NULL;
    for (tail = &n->child; n->kind != BB_SCALAR && n->n < t.n; tail = &(*tail)->next, n->n++) {
        key = n->kind == BB_MAP ? node_from(a, c, depth + 1) : NULL;
        if (n->kind == BB_MAP && (!key || !key->quoted))
            return NULL;
        if (!(*tail = node_from(a, c, depth + 1)))
            return NULL;
        (*tail)->key = key;
    }
    return n;
}

struct bb_node *bb_node_from(struct bb_arena *a, struct bb_bytes value)
{
    struct bb_cur c = bb_cur_of(value);
    struct bb_node *n = node_from(a, &c, 0);

    return n && c.p == c.end ? n : NULL;
}
