/* odata_path.c - where a path leads: SET, SET(keys), SET(keys)/NAV, .../$count */
#include <string.h>

#include "tools/plant/odata.h"

char *odata_child_where(struct odata_ctx *x, const struct odata_row *parent, const struct odata_nav *nav)
{
    struct plant_buf b;
    plant_buf_init(&b, &x->c->mem);
    for (int i = 0; i < nav->n; i++)
        plant_putf(&b, "%s%s = %s", i ? " AND " : "", nav->theirs[i],
                   odata_quote(&x->c->mem, odata_get(parent, nav->own[i])));
    return b.p;
}

/* The length of a literal or NAME=literal up to a comma outside quotes. */
static size_t part_length(const char *p)
{
    bool quoted = false;
    size_t n = 0;
    for (; p[n] && (quoted || p[n] != ','); n++)
        quoted ^= p[n] == '\'';
    return n;
}

/* 'x' or A='x',B='y' into SQL; every key property must be there. */
static char *keys_where(struct odata_ctx *x, const struct odata_set *set, const char *keys)
{
    struct plant_buf b;
    int n = 0, want = 0;
    plant_buf_init(&b, &x->c->mem);
    for (int i = 0; i < set->n_props; i++)
        want += set->props[i].key;
    for (const char *p = keys; *p;) {
        size_t len = part_length(p);
        char *one = plant_mem_copy(&x->c->mem, p, len), *eq = strchr(one, '='), *q = strchr(one, '\''), *v;
        const struct odata_prop *prop = NULL;
        if (eq && (!q || eq < q)) {
            *eq = '\0';
            prop = odata_prop_find(set, one);
            one = eq + 1;
        } else if (want == 1) {
            for (int i = 0; i < set->n_props && !prop; i++)
                prop = set->props[i].key ? &set->props[i] : NULL;
        }
        if (!prop || !prop->key || !odata_literal_read(x, prop, one, &v))
            return NULL;
        plant_putf(&b, "%s%s = %s", n++ ? " AND " : "", prop->name, odata_quote(&x->c->mem, v));
        p += len + (p[len] == ',');
    }
    return n == want ? b.p : NULL;
}

static bool not_found(struct odata_ctx *x, const char *what)
{
    if (x->s->version == 2)
        return odata_fail(x, 404, "/IWBEP/CM_MGW_RT/020", NULL, "Resource not found for segment '%s'", what);
    return odata_fail(x, 404, "/IWBEP/CM_V4_MED/014", NULL, "Resource not found: '%s'", what);
}

static bool segment_take(struct odata_ctx *x, struct odata_target *t, char *seg)
{
    char *open = strchr(seg, '('), *close = strrchr(seg, ')');
    if (open && (!close || close < open || close[1]))
        return odata_fail(x, 400, "/IWBEP/CM_MGW_RT/021", NULL, "Malformed key predicate in '%s'", seg);
    if (open) {
        *open = '\0';
        *close = '\0';
    }
    if (!t->set) {
        t->set = odata_set_find(x->s, seg);
        if (!t->set)
            return not_found(x, seg);
        t->where = "1";
    } else {
        t->parent = t->row;
        t->nav = t->row ? odata_nav_find(t->set, seg, NULL) : NULL;
        if (!t->nav)
            return not_found(x, seg);
        t->set = odata_set_find(x->s, t->nav->target);
        t->where = odata_child_where(x, t->row, t->nav);
        t->row = NULL;
    }
    if (!open && (!t->nav || t->nav->many))
        return true;
    char *keys = open ? keys_where(x, t->set, open + 1) : "1";
    if (!keys)
        return odata_fail(x, 400, "/IWBEP/CM_MGW_RT/021", NULL, "Invalid key predicate type or names for '%s'", seg);
    if (!odata_rows(x, t->set, plant_mem_printf(&x->c->mem, "%s AND %s", t->where, keys), &t->row, 1))
        return not_found(x, seg);
    return true;
}

bool odata_target_find(struct odata_ctx *x, struct odata_target *t)
{
    const char *p = x->rest + (*x->rest == '/');
    memset(t, 0, sizeof *t);
    for (int depth = 0; *p && depth < ODATA_DEPTH; depth++) {
        size_t n = strcspn(p, "/");
        char *seg = plant_url_decode(&x->c->mem, (struct plant_text){p, n}, false);
        p += n + (p[n] == '/');
        if (strcmp(seg, "$count") == 0 && t->set && !*p) {
            t->count = true;
            return true;
        }
        if (!segment_take(x, t, seg))
            return false;
    }
    return (t->set && !*p) || not_found(x, x->rest);
}
