/*
 * load.c - conf.d as one configuration, or only diagnostics
 *
 * Order: read and parse every file, expand variables, report keys given twice, read the sections,
 * then look at all of it together. Every step goes on after a fault, so one run shows all of them.
 * Nothing half-built leaves: with one error the configuration is freed and NULL is returned.
 *
 * Thread: one loader at a time for a given diags; loaders share nothing. Memory: see internal.h.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* tdestroy */
#endif
#include "core/config/internal.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct loading {
    struct bb_read x;
    struct bb_load load;
    size_t before; /* errors that diags had */
};

static void nothing(void *p)
{
    (void)p;
}

static int begin(struct loading *l, struct bb_diags *d)
{
    struct owner {
        struct bb_config c;
        struct bb_priv p;
    } *o = calloc(1, sizeof(*o));

    if (!o) {
        bb_diag(d, BB_SEV_ERROR, BB_AT_NAME(NULL), "not enough memory for the configuration");
        return -1;
    }
    *l = (struct loading){.before = d->errors,
                          .x = {.d = d, .c = &o->c, .arena = &o->p.arena, .load = &l->load}};
    bb_read_none(&bb_spec_root, &o->c);
    o->c.priv = &o->p;
    o->p.arena.max = BB_CONF_ARENA_MAX;
    return 0;
}

void bb_config_free(struct bb_config *c)
{
    struct bb_priv *p = c ? c->priv : NULL;

    if (!c)
        return;
    bb_secrets_free(p->secrets);
    bb_arena_free(&p->arena);
    free(c);
}

void bb_load_prepare(struct bb_read *x, struct bb_node *n)
{
    struct bb_node *c;
    void *keys = NULL;

    if (n->kind == BB_SCALAR)
        bb_expand(n, x->arena, x->d);
    for (c = n->child; c; c = c->next) {
        c->again = c->key && !bb_name_take(x, &keys, c->key, "key");
        bb_load_prepare(x, c);
    }
    tdestroy(keys, nothing);
}

/* Which values in a connector's config are secret is known when its manifest is asked: until then
 * none of them is shown, because an excerpt shows all of its line. */
static void hide_configs(struct bb_file *f)
{
    struct bb_node *map = bb_node_get(f->root, "endpoints"), *e, *config;

    f->n_lasting = f->n_masks;
    for (e = map ? map->child : NULL; e; e = e->next)
        if ((config = bb_node_get(e, "config")))
            bb_node_mask(config);
}

/* The sections of one parsed file. */
static void load_file(struct bb_read *x, struct bb_file *f)
{
    struct bb_node *root = f->root, *c;

    hide_configs(f);
    if (!root || bb_node_is_null(root)) {
        bb_diag(x->d, BB_SEV_WARNING, BB_AT_NAME(f->name), "the file is empty");
        return;
    }
    bb_load_prepare(x, root);
    for (c = root->kind == BB_MAP ? root->child : NULL; c; c = c->next) {
        if (strcmp(c->key->text, "journal") != 0 && strcmp(c->key->text, "plugins") != 0)
            continue;
        c->again = c->again || !bb_name_take(x, &x->load->once, c->key, "section");
        if (*c->key->text == 'j')
            x->load->journal = c;
    }
    bb_read(x, root, &bb_spec_root, x->c, NULL);
}

/* Takes the bytes of one file: parses it, and keeps it for the sections. */
static void add_file(struct loading *l, const char *name, const char *dir, const char *text,
                     size_t len)
{
    struct bb_file *f = bb_file_new(l->x.arena, name, dir, text, len);
    struct bb_file **v = bb_arena_grow(l->x.arena, l->load.files, l->load.n_files, sizeof(*v));

    if (!f || !v)
        return;
    l->load.files = v;
    v[l->load.n_files++] = f;
    l->load.broken |= bb_yaml_parse(f, l->x.d) != 0;
}

static struct bb_config *end(struct loading *l, const char *place)
{
    struct bb_config *c = l->x.c;
    size_t i;

    for (i = 0; i < l->load.n_files; i++)
        if (l->load.files[i]->parsed)
            load_file(&l->x, l->load.files[i]);
    bb_load_cross(&l->x);
    tdestroy(l->load.endpoints, nothing);
    tdestroy(l->load.routes, nothing);
    tdestroy(l->load.ownership, nothing);
    tdestroy(l->load.once, nothing);
    if (l->x.arena->failed)
        bb_diag(l->x.d, BB_SEV_ERROR, BB_AT_NAME(NULL), "not enough memory for the configuration");
    else if (l->x.d->errors == l->before && !c->n_endpoints)
        bb_diag(l->x.d, BB_SEV_ERROR, BB_AT_NAME(place),
                "no endpoint is configured: nothing would run");
    for (i = 0; i < l->load.n_files; i++)
        l->load.files[i]->n_masks = l->load.files[i]->n_lasting;
    if (l->x.d->errors == l->before)
        return c;
    bb_config_free(c);
    return NULL;
}

/* ---- the folder --------------------------------------------------------------------- */
static bool ends_in(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);

    return n > m && strcmp(s + n - m, tail) == 0;
}

static int is_ours(const struct dirent *e)
{
    return e->d_name[0] != '.' && (ends_in(e->d_name, ".yaml") || ends_in(e->d_name, ".yml"));
}

static void read_one(struct loading *l, const char *path, const char *dir)
{
    struct bb_fault err;
    struct bb_buf b;
    struct stat st;

    if (!ends_in(path, ".yaml")) {
        bb_diag(l->x.d, BB_SEV_WARNING, BB_AT_NAME(path),
                "is not read: the name has to end in .yaml");
        return;
    }
    bb_buf_init(&b, BB_CONF_FILE_MAX + 1);
    if (bb_file_slurp(path, BB_CONF_FILE_MAX, &b, &st, &err) == 0) {
        add_file(l, path, dir, (const char *)b.ptr, b.len);
    } else {
        bb_diag(l->x.d, BB_SEV_ERROR, BB_AT_NAME(path), "cannot be read: %s", err.text);
        l->load.broken = true;
    }
    bb_buf_free(&b);
}

struct bb_config *bb_config_load(const char *dir, struct bb_diags *diags)
{
    struct loading l;
    struct dirent **v = NULL;
    char path[PATH_MAX], *whole = realpath(dir, NULL);
    int n = whole ? scandir(dir, &v, is_ours, alphasort) : -1, i, taken = 0;
    struct bb_config *c = NULL;

    if (n < 0) {
        bb_diag(diags, BB_SEV_ERROR, BB_AT_NAME(dir), "cannot be read: %s", strerror(errno));
    } else if (begin(&l, diags) == 0) {
        for (i = 0; i < n; i++) {
            snprintf(path, sizeof(path), "%s%s%s", dir, ends_in(dir, "/") ? "" : "/", v[i]->d_name);
            taken += ends_in(path, ".yaml");
            if (taken <= (int)BB_CONF_FILES_MAX)
                read_one(&l, path, whole);
        }
        if (taken == 0)
            bb_diag(diags, BB_SEV_ERROR, BB_AT_NAME(dir), "there is no *.yaml file in this folder");
        if (taken > (int)BB_CONF_FILES_MAX)
            bb_diag(diags, BB_SEV_ERROR, BB_AT_NAME(dir), "more than %u files", BB_CONF_FILES_MAX);
        c = end(&l, dir);
    }
    while (n > 0)
        free(v[--n]);
    free(v);
    free(whole);
    return c;
}

struct bb_config *bb_config_load_text(const char *name, const char *text, size_t len,
                                      struct bb_diags *diags)
{
    struct loading l;

    if (begin(&l, diags) != 0)
        return NULL;
    add_file(&l, name, ".", text, len);
    return end(&l, name);
}

const struct bb_endpoint_config *bb_config_endpoint(const struct bb_config *c, const char *name)
{
    size_t i;

    for (i = 0; i < c->n_endpoints; i++)
        if (strcmp(c->endpoints[i].name, name) == 0)
            return &c->endpoints[i];
    return NULL;
}
