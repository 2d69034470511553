/* odata_read.c - GET of entities and collections: $select, $expand, $orderby, paging, counts */
#include <stdlib.h>
#include <string.h>

#include "tools/plant/odata.h"

#define ROWS_MAX 5000

static char *base_url(struct odata_ctx *x)
{
    const char *host = plant_call_header(x->c, "host");
    return plant_mem_printf(&x->c->mem, "http://%s%s", *host ? host : "localhost", x->s->path);
}

/* Is the name in a comma list, alone or as the head of a path? *tail: what follows it, joined. */
static bool listed(struct odata_ctx *x, const char *list, const char *name, const char **tail)
{
    struct plant_buf b;
    size_t n = strlen(name);
    bool found = false;
    plant_buf_init(&b, &x->c->mem);
    for (const char *p = list; p && *p;) {
        size_t len = 0;
        for (int deep = 0; p[len] && (deep || p[len] != ','); len++)
            deep += p[len] == '(' ? 1 : p[len] == ')' ? -1 : 0;
        p += *p == ' ';
        if (strncmp(p, name, n) == 0 && (n == len || p[n] == '/' || p[n] == '(')) {
            found = true;
            if (p[n] == '/')
                plant_putf(&b, "%s%.*s", b.n ? "," : "", (int)(len - n - 1), p + n + 1);
            if (p[n] == '(' && strncmp(p + n, "($expand=", 9) == 0)
                plant_putf(&b, "%s%.*s", b.n ? "," : "", (int)(len - n - 10), p + n + 9);
        }
        p += len + (p[len] == ',');
    }
    if (tail)
        *tail = b.p;
    return found;
}

static void children_write(struct odata_ctx *x, struct plant_buf *b, const struct odata_row *r,
                           const struct odata_nav *nav, const char *expand, int depth)
{
    const struct odata_set *set = odata_set_find(x->s, nav->target);
    struct odata_row **rows = plant_mem_take(&x->c->mem, ROWS_MAX * sizeof *rows);
    int n = odata_rows(x, set, odata_child_where(x, r, nav), rows, nav->many ? ROWS_MAX : 1);
    bool v2 = x->s->version == 2;
    if (!nav->many && n == 0) {
        plant_puts(b, "null");
        return;
    }
    if (nav->many)
        plant_puts(b, v2 ? "{\"results\":[" : "[");
    for (int i = 0; i < n; i++) {
        if (i)
            plant_puts(b, ",");
        odata_row_write(x, b, rows[i], NULL, expand, depth + 1);
    }
    if (nav->many)
        plant_puts(b, v2 ? "]}" : "]");
}

void odata_row_write(struct odata_ctx *x, struct plant_buf *b, const struct odata_row *r, const char *select,
                     const char *expand, int depth)
{
    bool v2 = x->s->version == 2, any = false;
    const char *tail, *link = odata_link(x, r);
    plant_puts(b, "{");
    if (v2) {
        plant_putf(b, "\"__metadata\":{\"id\":\"%s/%s\",\"uri\":\"%s/%s\",\"type\":\"%s.%s\"", base_url(x), link,
                   base_url(x), link, x->s->name_space, r->set->type);
        any = true;
    }
    if (r->set->flags & ODATA_ETAG) {
        plant_puts(b, v2 ? ",\"etag\":" : "\"@odata.etag\":");
        plant_put_json(b, odata_etag(x, r));
        any = true;
    }
    if (v2)
        plant_puts(b, "}");
    for (int i = 0; i < r->set->n_props; i++) {
        if (select && *select && !listed(x, select, r->set->props[i].name, NULL))
            continue;
        plant_putf(b, "%s\"%s\":", any ? "," : "", r->set->props[i].name);
        odata_value_write(x, b, &r->set->props[i], r->v[i]);
        any = true;
    }
    for (int i = 0; i < r->set->n_navs; i++) {
        const struct odata_nav *nav = &r->set->navs[i];
        if (depth < ODATA_DEPTH && (listed(x, expand, nav->name, &tail) || r->fresh[i])) {
            plant_putf(b, "%s\"%s\":", any ? "," : "", nav->name);
            children_write(x, b, r, nav, listed(x, expand, nav->name, &tail) ? tail : "", depth);
            any = true;
        } else if (v2 && !(select && *select)) {
            plant_putf(b, ",\"%s\":{\"__deferred\":{\"uri\":\"%s/%s/%s\"}}", nav->name, base_url(x), link, nav->name);
        }
    }
    plant_puts(b, "}");
}

void odata_entity_answer(struct odata_ctx *x, int status, const struct odata_row *r, const char *select,
                         const char *expand)
{
    struct plant_buf b;
    plant_buf_init(&b, &x->c->mem);
    if (x->s->version == 2) {
        plant_puts(&b, "{\"d\":");
        odata_row_write(x, &b, r, select, expand, 0);
        plant_puts(&b, "}");
    } else {
        odata_row_write(x, &b, r, select, expand, 0);
        struct plant_buf whole;
        plant_buf_init(&whole, &x->c->mem);
        plant_putf(&whole, "{\"@odata.context\":\"$metadata#%s/$entity\"%s%s", r->set->name, b.n > 2 ? "," : "", b.p + 1);
        b = whole;
    }
    if (r->set->flags & ODATA_ETAG)
        plant_putf(&x->c->head, "ETag: %s\r\n", odata_etag(x, r));
    plant_call_answer(x->c, status, "application/json;charset=utf-8", b.p);
}

/* "A desc,B" with properties of the set only. NULL: failed. */
static char *order_sql(struct odata_ctx *x, const struct odata_set *set, const char *text)
{
    struct plant_buf b;
    plant_buf_init(&b, &x->c->mem);
    for (const char *p = text; p && *p;) {
        p += strspn(p, " ,");
        size_t n = strcspn(p, " ,");
        const struct odata_prop *prop = odata_prop_find(set, plant_mem_copy(&x->c->mem, p, n));
        if (!prop) {
            odata_fail(x, 400, "/IWBEP/CM_MGW_RT/022", NULL, "Property '%.*s' of $orderby is not known", (int)n, p);
            return NULL;
        }
        p += n + strspn(p + n, " ");
        bool down = strncmp(p, "desc", 4) == 0;
        plant_putf(&b, strchr("di", prop->type) ? "milli(%s)%s, " : "%s%s, ", prop->name, down ? " DESC" : "");
        p += strcspn(p, ",");
    }
    for (int i = 0, k = 0; i < set->n_props; i++) /* and the key, so that pages do not overlap */
        if (set->props[i].key)
            plant_putf(&b, "%s%s", k++ ? ", " : "", set->props[i].name);
    return b.p;
}

static int64_t number(struct odata_ctx *x, const char *name, int64_t otherwise)
{
    const char *s = plant_call_query(x->c, name);
    int64_t n = s ? strtoll(s, NULL, 10) : otherwise;
    return n < 0 ? 0 : n;
}

/* The query again with the token in it: absolute in V2, relative in V4. */
static void next_put(struct odata_ctx *x, struct plant_buf *b, int64_t at)
{
    bool v2 = x->s->version == 2;
    const char *rest = x->rest + (*x->rest == '/');
    plant_puts(b, v2 ? ",\"__next\":\"" : ",\"@odata.nextLink\":\"");
    if (v2)
        plant_putf(b, "%s/", base_url(x));
    plant_putf(b, "%s?", rest);
    for (const char *p = x->c->query; *p;) {
        size_t n = strcspn(p, "&");
        if (!memmem(p, n, "skiptoken", 9)) {
            plant_put(b, p, n);
            plant_puts(b, "&");
        }
        p += n + (p[n] == '&');
    }
    plant_putf(b, "%s=%lld\"", v2 ? "$skiptoken" : "%24skiptoken", (long long)at);
}

static void collection_read(struct odata_ctx *x, const struct odata_target *t)
{
    bool v2 = x->s->version == 2;
    const char *filter = plant_call_query(x->c, "$filter"), *count = plant_call_query(x->c, v2 ? "$inlinecount" : "$count");
    const char *where = t->where, *order = order_sql(x, t->set, plant_call_query(x->c, "$orderby"));
    const char *select = plant_call_query(x->c, "$select"), *expand = plant_call_query(x->c, "$expand");
    if (filter && *filter) {
        const char *sql = odata_filter_sql(x, t->set, filter);
        where = sql ? plant_mem_printf(&x->c->mem, "%s AND %s", where, sql) : NULL;
    }
    if (!where || !order)
        return;
    int64_t all = plant_db_int(x->c->db, plant_mem_printf(&x->c->mem, "SELECT count(*) FROM %s WHERE %s",
                                                          odata_table(t->set), where), 0);
    if (t->count) {
        plant_call_answer(x->c, 200, "text/plain", plant_mem_printf(&x->c->mem, "%lld", (long long)all));
        return;
    }
    int64_t page = plant_option_int(x->c, "page", 100), start = number(x, "$skip", 0);
    int64_t at = number(x, "$skiptoken", start), top = number(x, "$top", INT32_MAX);
    int64_t cap = plant_option_int(x->c, "top_cap", INT32_MAX);
    if (page < 1 || page > ROWS_MAX)
        page = ROWS_MAX;
    top = top < cap ? top : cap; /* a cap that nobody is told of */
    int64_t end = top < all - start ? start + top : all, left = end - at, n = left < page ? left : page;
    struct odata_row **rows = plant_mem_take(&x->c->mem, (size_t)page * sizeof *rows);
    int got = n < 1 ? 0 : odata_rows(x, t->set, plant_mem_printf(&x->c->mem, "%s ORDER BY %s LIMIT %lld OFFSET %lld",
                                                   where, order, (long long)n, (long long)at), rows, (int)n);
    struct plant_buf b;
    plant_buf_init(&b, &x->c->mem);
    plant_puts(&b, v2 ? "{\"d\":{" : "{");
    if (!v2)
        plant_putf(&b, "\"@odata.context\":\"$metadata#%s\",", t->set->name);
    if (count && (strcmp(count, "allpages") == 0 || strcmp(count, "true") == 0))
        plant_putf(&b, v2 ? "\"__count\":\"%lld\"," : "\"@odata.count\":%lld,", (long long)all);
    plant_puts(&b, v2 ? "\"results\":[" : "\"value\":[");
    for (int i = 0; i < got; i++) {
        if (i)
            plant_puts(&b, ",");
        odata_row_write(x, &b, rows[i], select, expand, 0);
    }
    plant_puts(&b, "]");
    if (at + got < end)
        next_put(x, &b, at + got);
    plant_puts(&b, v2 ? "}}" : "}");
    plant_call_answer(x->c, 200, "application/json;charset=utf-8", b.p);
}

void odata_read(struct odata_ctx *x)
{
    struct odata_target t;
    if (!odata_target_find(x, &t))
        return;
    if (t.row)
        odata_entity_answer(x, 200, t.row, plant_call_query(x->c, "$select"), plant_call_query(x->c, "$expand"));
    else
        collection_read(x, &t);
}
