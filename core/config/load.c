/*
 * load.c - conf.d as one configuration, or only diagnostics
 *
 * Order: read and parse every file, expand variables, report keys given twice, read the sections,
 * then look at all of it together. Every step goes on after a fault, so one run shows all of them.
 * Nothing half-built leaves: with one error the configuration is freed and NULL is returned.
 *
 * Thread: one loader at a time for a given diags; loaders share nothing. Memory: see internal.h.
 */
#include "core/config/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct section {
    const char *name;
    bool many;                                             /* may stand in several files */
    void (*load)(struct bb_load *l, struct bb_ynode *map); /* NULL: a later version's word */
};
static const struct section sections[] = {
    {"endpoints", true, bb_load_endpoints},
    {"routes", true, bb_load_routes},
    {"journal", false, bb_load_journal},
    {"plugins", false, bb_load_plugins},
    {"processes", true, NULL},
    {"reconciliations", true, NULL},
    {"policies", true, NULL},
};
#define N_SECTIONS (sizeof(sections) / sizeof(sections[0]))

void bb_load_root(struct bb_load *l, struct bb_where where, struct bb_ynode *node)
{
    struct bb_root *v =
        bb_arena_grow(&l->p->arena, l->p->roots, l->p->n_roots, &l->p->cap_roots, sizeof(*v));

    if (!v)
        return;
    l->p->roots = v;
    v[l->p->n_roots].where = where;
    v[l->p->n_roots++].node = node;
}

static int load_begin(struct bb_load *l, struct bb_diags *d)
{
    memset(l, 0, sizeof(*l));
    l->d = d;
    l->c = calloc(1, sizeof(*l->c));
    l->p = calloc(1, sizeof(*l->p));
    if (!l->c || !l->p) {
        free(l->c);
        free(l->p);
        bb_diag_plain(d, BB_SEV_ERROR, NULL, "not enough memory for the configuration");
        return -1;
    }
    l->c->priv = l->p;
    l->p->arena.max = BB_CONF_ARENA_MAX;
    bb_load_journal_defaults(&l->c->journal);
    return 0;
}

void bb_config_free(struct bb_config *c)
{
    struct bb_priv *p;

    if (!c)
        return;
    p = c->priv;
    bb_secrets_free(p->secrets);
    bb_arena_free(&p->arena);
    free(p);
    free(c);
}

static struct bb_yfile *file_new(struct bb_load *l)
{
    struct bb_yfile **v = bb_arena_grow(&l->p->arena, l->p->files, l->p->n_files, &l->p->cap_files,
                                        sizeof(struct bb_yfile *));
    struct bb_yfile *f = v ? bb_arena_get(&l->p->arena, sizeof(*f)) : NULL;

    if (!f)
        return NULL;
    l->p->files = v;
    return f;
}

/* Keys given twice, but for the names of endpoints and routes, which have words of their own. */
static void report_twice(struct bb_load *l, const struct bb_ynode *n, unsigned depth, bool names)
{
    const struct bb_ypair *p;
    struct bb_where w;
    size_t i;

    if (n->kind == BB_Y_SEQ)
        for (i = 0; i < n->n; i++)
            report_twice(l, n->items[i], depth + 1, false);
    if (n->kind != BB_Y_MAP)
        return;
    for (i = 0; i < n->n; i++) {
        p = &n->pairs[i];
        if (p->first && !names) {
            w = bb_ynode_where(p->first);
            bb_diag_node(l->d, BB_SEV_ERROR, p->key, "key \"%s\" is given twice; first at %s:%u:%u",
                         bb_ynode_shown(p->key).text, w.file, w.line, w.col);
        }
        report_twice(l, p->value, depth + 1,
                     depth == 0 && (strcmp(p->key->text, "endpoints") == 0 ||
                                    strcmp(p->key->text, "routes") == 0));
    }
}

static void unknown_section(struct bb_load *l, const struct bb_ynode *key)
{
    const char *names[N_SECTIONS];
    size_t i, n = 0;

    for (i = 0; i < N_SECTIONS; i++)
        if (sections[i].load)
            names[n++] = sections[i].name;
    bb_diag_node(l->d, BB_SEV_ERROR, key, "unknown section \"%s\"%s", bb_ynode_shown(key).text,
                 bb_hint_for(key->text, names, n).text);
}

static void load_section(struct bb_load *l, const struct section *s, struct bb_ypair *p)
{
    struct bb_ynode **once = s->load == bb_load_journal ? &l->journal_key : &l->plugins_key;
    struct bb_where w;

    if (!s->load) {
        bb_diag_node(l->d, BB_SEV_ERROR, p->key, "\"%s\" is not supported by this version",
                     s->name);
        return;
    }
    if (!s->many && *once) {
        w = bb_ynode_where(*once);
        bb_diag_node(l->d, BB_SEV_ERROR, p->key, "\"%s\" is defined twice; first at %s:%u:%u",
                     s->name, w.file, w.line, w.col);
        return;
    }
    if (!s->many)
        *once = p->key;
    if (p->value->kind == BB_Y_MAP)
        s->load(l, p->value);
    else if (p->value->kind != BB_Y_BAD && !bb_ynode_is_null(p->value))
        bb_diag_node(l->d, BB_SEV_ERROR, p->value, "%s: expected a map, found %s", s->name,
                     bb_ynode_noun(p->value));
}

/* The sections of one parsed file. */
static void load_file(struct bb_load *l, struct bb_yfile *f)
{
    struct bb_ynode *root = f->root;
    size_t i, k;

    if (!root || (root->kind == BB_Y_SCALAR && bb_ynode_is_null(root))) {
        bb_diag_plain(l->d, BB_SEV_WARNING, f->name, "the file is empty");
        return;
    }
    if (root->kind != BB_Y_MAP) {
        if (root->kind != BB_Y_BAD)
            bb_diag_node(l->d, BB_SEV_ERROR, root,
                         "expected sections (endpoints:, routes:, ...), found %s",
                         bb_ynode_noun(root));
        return;
    }
    bb_expand_tree(root, &l->p->arena, l->d);
    report_twice(l, root, 0, false);
    for (i = 0; i < root->n; i++) {
        if (root->pairs[i].first)
            continue;
        for (k = 0; k < N_SECTIONS; k++)
            if (strcmp(sections[k].name, root->pairs[i].key->text) == 0)
                break;
        if (k < N_SECTIONS)
            load_section(l, &sections[k], &root->pairs[i]);
        else
            unknown_section(l, root->pairs[i].key);
    }
}

/* Keeps a file that was read (its bytes serve later excerpts) and parses it. */
static void parse_file(struct bb_load *l, struct bb_yfile *f)
{
    l->p->files[l->p->n_files++] = f;
    if (bb_yaml_parse(f, &l->p->arena, l->d) != 0)
        l->broken = true;
}

static struct bb_config *load_end(struct bb_load *l, const char *place, size_t errors_before)
{
    size_t i;

    for (i = 0; i < l->p->n_files; i++)
        if (l->p->files[i]->parsed)
            load_file(l, l->p->files[i]);
    bb_load_cross(l);
    if (l->p->arena.failed)
        bb_diag_plain(l->d, BB_SEV_ERROR, NULL, "not enough memory for the configuration");
    else if (l->d->errors == errors_before && !l->c->n_endpoints)
        bb_diag_plain(l->d, BB_SEV_ERROR, place, "no endpoint is configured: nothing would run");
    if (l->d->errors == errors_before)
        return l->c;
    bb_config_free(l->c);
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n > m && strcmp(s + n - m, end) == 0;
}

/* The paths of dir's *.yaml in the arena, sorted; the number, or -1 (reported). */
static long list_files(struct bb_load *l, const char *dir, char ***out)
{
    DIR *h = opendir(dir);
    struct dirent *e;
    char **v = NULL, *path;
    size_t n = 0, cap = 0, len;
    long rc = -1;

    if (!h) {
        bb_diag_plain(l->d, BB_SEV_ERROR, dir, "cannot be read: %s", strerror(errno));
        return -1;
    }
    while (errno = 0, (e = readdir(h))) {
        if (e->d_name[0] == '.' || !(ends_in(e->d_name, ".yaml") || ends_in(e->d_name, ".yml")))
            continue;
        len = strlen(dir) + strlen(e->d_name) + 2;
        v = bb_arena_grow(&l->p->arena, v, n, &cap, sizeof(*v));
        path = v ? bb_arena_get(&l->p->arena, len) : NULL;
        if (!path)
            goto done;
        snprintf(path, len, "%s%s%s", dir, ends_in(dir, "/") ? "" : "/", e->d_name);
        if (!ends_in(path, ".yaml")) {
            bb_diag_plain(l->d, BB_SEV_WARNING, path, "is not read: the name has to end in .yaml");
            continue;
        }
        if (n == BB_CONF_FILES_MAX) {
            bb_diag_plain(l->d, BB_SEV_ERROR, dir, "more than %u files", BB_CONF_FILES_MAX);
            goto done;
        }
        v[n++] = path;
    }
    if (errno != 0) {
        bb_diag_plain(l->d, BB_SEV_ERROR, dir, "cannot be read: %s", strerror(errno));
        goto done;
    }
    if (n == 0) {
        bb_diag_plain(l->d, BB_SEV_ERROR, dir, "there is no *.yaml file in this folder");
        goto done;
    }
    qsort(v, n, sizeof(*v), by_name);
    *out = v;
    rc = (long)n;
done:
    closedir(h);
    return rc;
}

struct bb_config *bb_config_load(const char *dir, struct bb_diags *diags)
{
    struct bb_load *l = malloc(sizeof(*l)); /* too large for a small thread's stack */
    struct bb_config *c = NULL;
    struct bb_yfile *f;
    size_t before = diags->errors;
    char **names, *whole = NULL;
    long n, i;

    if (!l || load_begin(l, diags) != 0) {
        if (!l)
            bb_diag_plain(diags, BB_SEV_ERROR, dir, "not enough memory for the configuration");
        goto done;
    }
    n = list_files(l, dir, &names);
    if (n >= 0 && !(whole = realpath(dir, NULL)))
        bb_diag_plain(diags, BB_SEV_ERROR, dir, "cannot be read: %s", strerror(errno));
    for (i = 0; whole && i < n; i++) {
        if (!(f = file_new(l)))
            break;
        f->dir = bb_arena_str(&l->p->arena, whole, strlen(whole));
        if (!f->dir || bb_yaml_file(f, &l->p->arena, names[i], diags) != 0)
            l->broken = true;
        else
            parse_file(l, f);
    }
    if (n < 0 || !whole)
        bb_config_free(l->c);
    else
        c = load_end(l, dir, before);
done:
    free(whole);
    free(l);
    return c;
}

struct bb_config *bb_config_load_text(const char *name, const char *text, size_t len,
                                      struct bb_diags *diags)
{
    struct bb_load *l = malloc(sizeof(*l));
    struct bb_config *c = NULL;
    struct bb_yfile *f;
    size_t before = diags->errors;

    if (!l || load_begin(l, diags) != 0) {
        free(l);
        return NULL;
    }
    f = len <= BB_CONF_FILE_MAX ? file_new(l) : NULL;
    if (f && (f->dir = bb_arena_str(&l->p->arena, ".", 1)) &&
        bb_yaml_text(f, &l->p->arena, name, text, len) == 0) {
        parse_file(l, f);
        c = load_end(l, name, before);
    } else {
        bb_diag_plain(diags, BB_SEV_ERROR, name, "is too large");
        bb_config_free(l->c);
    }
    free(l);
    return c;
}

const struct bb_endpoint_config *bb_config_endpoint(const struct bb_config *c, const char *name)
{
    size_t i;

    for (i = 0; i < c->n_endpoints; i++)
        if (strcmp(c->endpoints[i].name, name) == 0)
            return &c->endpoints[i];
    return NULL;
}

/* The child that one step of a pointer names; *at: where to report it. */
static struct bb_ynode *child_at(struct bb_ynode *n, const char *step, struct bb_ynode **at)
{
    char *end;
    unsigned long k;
    size_t i;

    if (n->kind == BB_Y_MAP)
        for (i = 0; i < n->n; i++)
            if (strcmp(n->pairs[i].key->text, step) == 0) {
                *at = n->pairs[i].value->at;
                return n->pairs[i].value;
            }
    if (n->kind == BB_Y_SEQ && *step >= '0' && *step <= '9') {
        k = strtoul(step, &end, 10);
        if (!*end && k < n->n) {
            *at = n->items[k]->at;
            return n->items[k];
        }
    }
    return NULL;
}

struct bb_where bb_config_locate(const struct bb_config *c, struct bb_where root,
                                 const char *pointer)
{
    const struct bb_priv *p = c->priv;
    struct bb_ynode *n = NULL, *at = NULL;
    char step[256];
    size_t i, len;

    for (i = 0; i < p->n_roots && !n; i++)
        if (p->roots[i].where.line == root.line && p->roots[i].where.col == root.col && root.file &&
            strcmp(p->roots[i].where.file, root.file) == 0)
            n = p->roots[i].node;
    while (n && *pointer == '/') {
        for (pointer++, len = 0; *pointer && *pointer != '/'; pointer++) {
            if (len + 1 >= sizeof(step))
                return at ? bb_ynode_where(at) : root;
            if (pointer[0] == '~' && (pointer[1] == '0' || pointer[1] == '1'))
                step[len++] = *++pointer == '0' ? '~' : '/';
            else
                step[len++] = *pointer;
        }
        step[len] = 0;
        n = child_at(n, step, &at);
    }
    return at ? bb_ynode_where(at) : root;
}
