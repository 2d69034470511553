/* odata_model.c - see odata.h: descriptions into sets and tables, rows in and out of SQLite */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/odata.h"

static void die(const char *set, const char *what)
{
    fprintf(stderr, "plant: the description of %s: %s\n", set, what);
    exit(1);
}

static const char *word(const char *p, const char *stops, char *out, size_t cap, const char *set)
{
    size_t n = strcspn(p, stops);
    if (n >= cap)
        die(set, p);
    memcpy(out, p, n);
    out[n] = '\0';
    return p + n;
}

static void props_read(struct odata_set *s)
{
    const char *p = s->props_text;
    while (*(p += strspn(p, " "))) {
        if (s->n_props == ODATA_PROPS)
            die(s->name, "too many properties");
        struct odata_prop *q = &s->props[s->n_props++];
        q->key = *p == '*';
        p = word(p + q->key, ":", q->name, sizeof q->name, s->name);
        if (*p != ':' || !strchr("sdDTtbi", p[1]))
            die(s->name, p);
        q->type = p[1];
        char *end;
        q->len = (int)strtol(p + 2, &end, 10);
        if (*end == '.')
            q->scale = (int)strtol(end + 1, &end, 10);
        p = end;
    }
}

static void navs_read(struct odata_set *s)
{
    const char *p = s->navs_text ? s->navs_text : "";
    while (*(p += strspn(p, " "))) {
        if (s->n_navs == ODATA_NAVS)
            die(s->name, "too many navigations");
        struct odata_nav *v = &s->navs[s->n_navs++];
        p = word(p, "!>-", v->name, sizeof v->name, s->name);
        v->owns = *p == '!';
        p += v->owns;
        v->many = *p == '>';
        p = word(p + 1, "(", v->target, sizeof v->target, s->name);
        while (*p != ')') {
            if (!*p || v->n == 8)
                die(s->name, v->name);
            p = word(p + 1, "=,)", v->own[v->n], 48, s->name);
            memcpy(v->theirs[v->n], v->own[v->n], sizeof v->own[v->n]);
            if (*p == '=')
                p = word(p + 1, ",)", v->theirs[v->n], 48, s->name);
            v->n++;
        }
        p++;
    }
}

const char *odata_table(const struct odata_set *set)
{
    return set->table ? set->table : set->type;
}

void odata_service_make(struct odata_service *s, sqlite3 *db)
{
    struct plant_mem m = {0};
    for (struct odata_set *t = s->sets; t->name; t++) {
        struct plant_buf b, keys;
        if (t->n_props == 0) {
            props_read(t);
            navs_read(t);
        }
        if (t->table)
            continue;
        plant_buf_init(&b, &m);
        plant_buf_init(&keys, &m);
        plant_putf(&b, "CREATE TABLE IF NOT EXISTS %s(", t->type);
        for (int i = 0; i < t->n_props; i++) {
            plant_putf(&b, "%s TEXT, ", t->props[i].name);
            if (t->props[i].key)
                plant_putf(&keys, "%s%s", keys.n ? ", " : "", t->props[i].name);
        }
        plant_putf(&b, "_v INTEGER DEFAULT 1, PRIMARY KEY(%s)) WITHOUT ROWID", keys.p);
        plant_db_script(db, b.p);
    }
    plant_mem_free(&m);
}

const struct odata_set *odata_set_find(const struct odata_service *s, const char *name)
{
    for (const struct odata_set *t = s->sets; t->name; t++)
        if (strcmp(t->name, name) == 0)
            return t;
    return NULL;
}

const struct odata_prop *odata_prop_find(const struct odata_set *set, const char *name)
{
    for (int i = 0; i < set->n_props; i++)
        if (strcmp(set->props[i].name, name) == 0)
            return &set->props[i];
    return NULL;
}

const struct odata_nav *odata_nav_find(const struct odata_set *set, const char *name, int *index)
{
    for (int i = 0; i < set->n_navs; i++)
        if (strcmp(set->navs[i].name, name) == 0) {
            if (index)
                *index = i;
            return &set->navs[i];
        }
    return NULL;
}

/* ---- rows ------------------------------------------------------------------------------------- */

static int prop_index(const struct odata_row *r, const char *prop)
{
    const struct odata_prop *p = odata_prop_find(r->set, prop);
    if (!p)
        die(r->set->name, prop);
    return (int)(p - r->set->props);
}

const char *odata_get(const struct odata_row *r, const char *prop)
{
    const char *v = r->v[prop_index(r, prop)];
    return v ? v : "";
}

void odata_put(struct odata_row *r, const char *prop, const char *value)
{
    r->v[prop_index(r, prop)] = (char *)value;
}

bool odata_is(const struct odata_row *r, const char *prop, const char *value)
{
    return strcmp(odata_get(r, prop), value) == 0;
}

int64_t odata_qty(const struct odata_row *r, const char *prop)
{
    int64_t milli;
    return plant_qty_read(odata_get(r, prop), &milli) ? milli : 0;
}

char *odata_quote(struct plant_mem *m, const char *s)
{
    struct plant_buf b;
    plant_buf_init(&b, m);
    plant_puts(&b, "'");
    for (; *s; s++)
        plant_put(&b, *s == '\'' ? "''" : s, *s == '\'' ? 2 : 1);
    plant_puts(&b, "'");
    return b.p;
}

int odata_rows(struct odata_ctx *x, const struct odata_set *set, const char *where, struct odata_row **out, int max)
{
    struct plant_buf b;
    int n = 0;
    plant_buf_init(&b, &x->c->mem);
    plant_puts(&b, "SELECT _v");
    for (int i = 0; i < set->n_props; i++)
        plant_putf(&b, ", %s", set->props[i].name);
    plant_putf(&b, " FROM %s WHERE %s", odata_table(set), where);
    sqlite3_stmt *st = plant_db_ask(x->c->db, b.p, 0);
    while (plant_db_row(&st)) {
        if (n == max) {
            sqlite3_finalize(st);
            break;
        }
        struct odata_row *r = out[n++] = plant_mem_take(&x->c->mem, sizeof *r);
        r->set = set;
        r->version = sqlite3_column_int64(st, 0);
        for (int i = 0; i < set->n_props; i++) {
            const char *s = (const char *)sqlite3_column_text(st, i + 1);
            r->v[i] = s ? plant_mem_copy(&x->c->mem, s, strlen(s)) : NULL;
        }
    }
    return n;
}

struct odata_row *odata_row_by(struct odata_ctx *x, const char *set, const char *where)
{
    struct odata_row *r = NULL;
    return odata_rows(x, odata_set_find(x->s, set), where, &r, 1) ? r : NULL;
}

char *odata_key_where(struct odata_ctx *x, const struct odata_row *r)
{
    struct plant_buf b;
    plant_buf_init(&b, &x->c->mem);
    for (int i = 0; i < r->set->n_props; i++)
        if (r->set->props[i].key)
            plant_putf(&b, "%s%s = %s", b.n ? " AND " : "", r->set->props[i].name,
                       odata_quote(&x->c->mem, r->v[i] ? r->v[i] : ""));
    return b.p;
}

static const char *initial(char type)
{
    return type == 's' ? "" : type == 'b' ? "false" : type == 't' ? "00:00:00" : strchr("di", type) ? "0" : NULL;
}

bool odata_insert(struct odata_ctx *x, struct odata_row *r)
{
    struct plant_buf b, v;
    plant_buf_init(&b, &x->c->mem);
    plant_buf_init(&v, &x->c->mem);
    for (int i = 0; i < r->set->n_props; i++) {
        if (!r->v[i])
            r->v[i] = (char *)initial(r->set->props[i].type);
        plant_putf(&b, "%s%s", i ? ", " : "", r->set->props[i].name);
        plant_putf(&v, "%s%s", i ? ", " : "", r->v[i] ? odata_quote(&x->c->mem, r->v[i]) : "NULL");
    }
    r->version = 1;
    return plant_db_do(x->c->db, plant_mem_printf(&x->c->mem, "INSERT INTO %s(%s) VALUES(%s)", odata_table(r->set),
                                                  b.p, v.p), 0);
}

void odata_store(struct odata_ctx *x, struct odata_row *r)
{
    struct plant_buf b;
    plant_buf_init(&b, &x->c->mem);
    plant_putf(&b, "UPDATE %s SET _v = %lld", odata_table(r->set), (long long)++r->version);
    for (int i = 0; i < r->set->n_props; i++)
        if (!r->set->props[i].key)
            plant_putf(&b, ", %s = %s", r->set->props[i].name,
                       r->v[i] ? odata_quote(&x->c->mem, r->v[i]) : "NULL");
    plant_putf(&b, " WHERE %s", odata_key_where(x, r));
    plant_db_do(x->c->db, b.p, 0);
}

char *odata_etag(struct odata_ctx *x, const struct odata_row *r)
{
    const char *at = r->set->changed ? odata_get(r, r->set->changed) : "";
    return plant_mem_printf(&x->c->mem, "W/\"'%s.%lld'\"", at, (long long)r->version);
}

char *odata_link(struct odata_ctx *x, const struct odata_row *r)
{
    struct plant_buf b;
    int keys = 0, n = 0;
    plant_buf_init(&b, &x->c->mem);
    plant_putf(&b, "%s(", r->set->name);
    for (int i = 0; i < r->set->n_props; i++)
        keys += r->set->props[i].key;
    for (int i = 0; i < r->set->n_props; i++) {
        if (!r->set->props[i].key)
            continue;
        if (keys > 1)
            plant_putf(&b, "%s%s=", n ? "," : "", r->set->props[i].name);
        n++;
        plant_puts(&b, "'");
        for (const char *p = r->v[i] ? r->v[i] : ""; *p; p++) {
            char one[2] = {*p, 0};
            if (*p == '\'')
                plant_puts(&b, "''");
            else if (strchr("(),=;", *p))
                plant_putf(&b, "%%%02X", (unsigned char)*p);
            else
                plant_put_url(&b, one);
        }
        plant_puts(&b, "'");
    }
    plant_puts(&b, ")");
    return b.p;
}

void odata_params_read(struct odata_set *s)
{
    props_read(s);
}
