/*
 * entity.c - whole entities: to JSON by $metadata, as a difference, as a key; and back (value.h)
 *
 * Thread: any. Memory: the buffers given. Depth: ENTITY_DEPTH navigations below each other.
 */
#include <busbar/decimal.h>
#include <busbar/json.h>
#include <busbar/web.h>
#include "value.h"

#define ENTITY_DEPTH 8

static int size(struct bb_bytes name)
{
    return name.len > 60 ? 60 : (int)name.len;
}

/* ---- out --------------------------------------------------------------------------------------------- */
static bb_status unknown(const struct edm_type *t, struct bb_bytes name, struct bb_error *err)
{
    return bb_error_set(err, BB_E_CONFIG, "the service's $metadata has no property %.*s in %s: give the service "
                                          "that has it (services), or take it out of the message",
                        size(name), (const char *)name.ptr, t->name);
}

static bb_status object_json(const struct edm *e, const struct edm_type *t, struct bb_bytes want, struct bb_buf *out,
                             int depth, struct bb_error *err);

static bb_status nav_json(const struct edm *e, const struct edm_nav *n, struct bb_bytes value, struct bb_buf *out,
                          int depth, struct bb_error *err)
{
    struct bb_iter it;
    struct bb_bytes one;
    bb_status st = BB_OK;
    int first = 1;

    if (!n->type || depth >= ENTITY_DEPTH || !bb_iter_of(value, &it))
        return bb_error_set(err, BB_E_REJECT, "%s: an entity or a list of them is wanted, at most %d deep", n->name,
                            ENTITY_DEPTH);
    if (it.map)
        return object_json(e, n->type, value, out, depth + 1, err);
    bb_buf_put(out, "[", 1);
    while (st == BB_OK && bb_iter_next(&it, NULL, &one)) {
        if (!first)
            bb_buf_put(out, ",", 1);
        first = 0;
        st = object_json(e, n->type, one, out, depth + 1, err);
    }
    bb_buf_put(out, "]", 1);
    return st;
}

static bb_status member_json(const struct edm *e, const struct edm_type *t, struct bb_bytes name,
                             struct bb_bytes value, struct bb_buf *out, int depth, struct bb_error *err)
{
    const struct edm_prop *p = edm_prop_find(t, name);
    const struct edm_nav *n = p ? NULL : edm_nav_find(t, name);

    if (!p && !n)
        return unknown(t, name, err);
    bb_json_write_str(out, name.ptr, name.len);
    bb_buf_put(out, ":", 1);
    if (p)
        return value_json(e, p, value, out, err) == 0 ? BB_OK : BB_E_REJECT;
    return nav_json(e, n, value, out, depth, err);
}

static bb_status object_json(const struct edm *e, const struct edm_type *t, struct bb_bytes want, struct bb_buf *out,
                             int depth, struct bb_error *err)
{
    struct bb_iter it;
    struct bb_bytes k, v;
    bb_status st = BB_OK;
    int first = 1;

    if (!bb_iter_of(want, &it) || !it.map)
        return bb_error_set(err, BB_E_REJECT, "%s: an object is wanted", t->name);
    bb_buf_put(out, "{", 1);
    while (st == BB_OK && bb_iter_next(&it, &k, &v)) {
        if (!first)
            bb_buf_put(out, ",", 1);
        first = 0;
        st = member_json(e, t, k, v, out, depth, err);
    }
    bb_buf_put(out, "}", 1);
    return st;
}

static bb_status difference_json(const struct edm *e, const struct edm_type *t, struct bb_bytes want,
                                 struct bb_bytes now, struct bb_buf *out, size_t *changes, struct bb_error *err)
{
    struct bb_iter it;
    struct bb_bytes k, v, has;
    char name[128];
    bb_status st = BB_OK;

    if (!bb_iter_of(want, &it) || !it.map)
        return bb_error_set(err, BB_E_REJECT, "%s: an object is wanted", t->name);
    bb_buf_put(out, "{", 1);
    while (st == BB_OK && bb_iter_next(&it, &k, &v)) {
        const struct edm_prop *p = edm_prop_find(t, k);
        if (!p && !edm_nav_find(t, k))
            return unknown(t, k, err);
        if (!p || p->key || bb_str_copy(k, name, sizeof name) != 0)
            continue;
        if (bb_map_get(now, name, &has) != 1)
            has = (struct bb_bytes){NULL, 0};
        if (value_same(p, v, has))
            continue;
        if ((*changes)++)
            bb_buf_put(out, ",", 1);
        st = member_json(e, t, k, v, out, 0, err);
    }
    bb_buf_put(out, "}", 1);
    return st;
}

bb_status entity_json(const struct edm *e, const struct edm_type *t, struct bb_bytes want, struct bb_bytes now,
                      struct bb_buf *out, size_t *changes, struct bb_error *err)
{
    bb_status st;

    *changes = now.len ? 0 : 1;
    st = now.len ? difference_json(e, t, want, now, out, changes, err) : object_json(e, t, want, out, 0, err);
    return st == BB_OK && out->failed ? bb_error_set(err, BB_E_REJECT, "the request is too long") : st;
}

bb_status key_put(const struct edm *e, const struct edm_set *s, struct bb_bytes entity, struct bb_buf *out,
                  struct bb_error *err)
{
    const struct edm_type *t = s->type;
    struct bb_buf text;
    struct bb_bytes v;
    size_t keys = 0, done = 0;
    bb_status st = BB_OK;

    for (size_t k = 0; k < t->n_props; k++)
        keys += (size_t)t->props[k].key;
    bb_buf_init(&text, 1024);
    bb_uri_put(out, bb_str(s->name));
    bb_buf_put(out, "(", 1);
    for (size_t k = 0; st == BB_OK && k < t->n_props; k++) {
        const struct edm_prop *p = &t->props[k];
        if (!p->key)
            continue;
        bb_buf_reset(&text);
        if (bb_map_get(entity, p->name, &v) != 1)
            v = (struct bb_bytes){"\xa0", 1}; /* an empty text is a key's usual absence */
        if (value_literal(e, p, v, &text, err) != 0) {
            st = BB_E_REJECT;
            break;
        }
        if (done++)
            bb_buf_put(out, ",", 1);
        if (keys > 1) {
            bb_uri_put(out, bb_str(p->name));
            bb_buf_put(out, "=", 1);
        }
        bb_uri_put_keep(out, (struct bb_bytes){text.ptr, text.len}, "'");
    }
    bb_buf_put(out, ")", 1);
    bb_buf_free(&text);
    return st;
}

/* ---- in ---------------------------------------------------------------------------------------------- */
static void moment_read(const struct edm_prop *p, struct bb_bytes s, struct bb_bytes raw, struct bb_buf *out)
{
    char text[48];
    int64_t ms;

    if (p->kind == EDM_TIME && bb_time_odata_read(s, &ms) == 0 && bb_date_iso_write(ms, text) == 0) {
        text[strlen(text) - 1] = 0;
        bb_put_cstr(out, text + 11);
    } else if (p->kind != EDM_TIME && bb_date_odata_read(s, &ms, NULL) == 0 && bb_date_iso_write(ms, text) == 0) {
        if (p->kind == EDM_DATETIME && ms % 86400000 == 0)
            text[10] = 0; /* V2 has no type for a day: its midnight is one */
        bb_put_cstr(out, text);
    } else {
        bb_put_raw(out, raw);
    }
}

static void value_read(const struct edm_prop *p, struct bb_bytes value, struct bb_buf *out)
{
    struct bb_bytes s;

    if (bb_as_str(value, &s) != 1) {
        bb_put_raw(out, value);
    } else if (p->kind >= EDM_INT && p->kind <= EDM_DOUBLE) {
        struct bb_decimal d;
        if (bb_decimal_parse(&d, s.ptr, s.len, NULL) == 0)
            bb_put_decimal(out, s.ptr, s.len);
        else
            bb_put_raw(out, value);
    } else if (p->kind >= EDM_DATETIME && p->kind <= EDM_TIME) {
        moment_read(p, s, value, out);
    } else {
        bb_put_raw(out, value);
    }
}

static int read_deep(const struct edm *e, const struct edm_type *t, struct bb_bytes json, struct bb_buf *out, int depth);

static void nav_read(const struct edm *e, const struct edm_nav *n, struct bb_bytes v, struct map_put *m, int depth)
{
    struct bb_bytes list = v, one;
    struct bb_iter it;
    struct map_put l;

    if (!n->type || depth >= ENTITY_DEPTH || bb_map_get(v, "__deferred", &one) == 1)
        return;
    if (bb_map_get(v, "results", &one) == 1)
        list = one;
    if (!bb_iter_of(list, &it))
        return;
    map_key(m, n->name);
    if (it.map) {
        read_deep(e, n->type, list, m->b, depth + 1);
        return;
    }
    l = list_open(m->b);
    while (bb_iter_next(&it, NULL, &one))
        l.n += read_deep(e, n->type, one, m->b, depth + 1) == 0;
    map_close(&l);
}

static int read_deep(const struct edm *e, const struct edm_type *t, struct bb_bytes json, struct bb_buf *out, int depth)
{
    struct bb_iter it;
    struct bb_bytes k, v;
    struct map_put m;

    if (!bb_iter_of(json, &it) || !it.map)
        return -1;
    m = map_open(out);
    while (bb_iter_next(&it, &k, &v)) {
        const struct edm_prop *p = edm_prop_find(t, k);
        const struct edm_nav *n = p ? NULL : edm_nav_find(t, k);
        if (p) {
            map_key(&m, p->name);
            value_read(p, v, out);
        } else if (n) {
            nav_read(e, n, v, &m, depth);
        }
    }
    map_close(&m);
    return out->failed ? -1 : 0;
}

int entity_read(const struct edm *e, const struct edm_type *t, struct bb_bytes json, struct bb_buf *out)
{
    return read_deep(e, t, json, out, 0);
}

struct bb_bytes entity_etag(struct bb_bytes json)
{
    struct bb_bytes v, s = {NULL, 0};

    if (bb_pointer_get(json, "/__metadata/etag", &v) == 1 || bb_map_get(json, "@odata.etag", &v) == 1)
        (void)bb_as_str(v, &s);
    return s;
}
