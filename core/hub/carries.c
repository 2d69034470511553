/*
 * carries.c - BOM features that a route would lose: found at check, guarded at run time
 *
 * A sink whose manifest lists bom_features carries those of a BOM and no others. A route that may
 * bring it BOMs must waive each other feature that its source may send, by name, with an owner and
 * a last day; what is not waived is an error here, and what a message uses all the same is rejected
 * by the step that this puts behind the route's own (core/transform/bom/carries.c).
 *
 * The features and where a BOM shows them are data of the canonical model, features.json in the
 * folders of schemas ($BUSBAR_SCHEMA_PATH, then where Busbar is installed).
 *
 * Thread: the loader's.
 */
#include "core/hub/carries.h"
#include "core/hub/generation_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <busbar/json.h>
#include "core/base/base.h"

#define FILE_MAX (1u << 20)

void bb_features_free(struct bb_features *f)
{
    if (f->loaded)
        bb_buf_free(&f->value);
    *f = (struct bb_features){.loaded = false};
}

/* features.json in a folder of the path, a colon between two; NULL: in none. */
static FILE *open_in(const char *folders, char *path, size_t cap)
{
    while (folders && *folders) {
        size_t n = strcspn(folders, ":");
        FILE *f;

        snprintf(path, cap, "%.*s/features.json", (int)n, folders);
        f = n ? fopen(path, "re") : NULL;
        if (f)
            return f;
        folders += n + (folders[n] == ':');
    }
    return NULL;
}

static bool load(struct bb_features *f, struct bb_diags *d)
{
    char path[4096];
    struct bb_fault err;
    struct bb_buf text;
    FILE *in;
    size_t n;

    if (f->loaded || f->failed)
        return f->loaded;
    f->failed = true;
    in = open_in(getenv("BUSBAR_SCHEMA_PATH"), path, sizeof path);
    if (!in)
        in = open_in(BB_DATADIR "/schemas", path, sizeof path);
    if (!in) {
        bb_config_diag(
            d, BB_SEV_ERROR, (struct bb_where){.file = path},
            "the canonical model's features cannot be read: %s: install Busbar whole, or name the "
            "folder of its schemas in BUSBAR_SCHEMA_PATH",
            strerror(errno));
        return false;
    }
    bb_buf_init(&text, FILE_MAX);
    bb_buf_init(&f->value, FILE_MAX);
    while (bb_buf_room(&text, 4096) && (n = fread(text.ptr + text.len, 1, 4096, in)) > 0)
        text.len += n;
    fclose(in);
    if (text.failed || bb_json_read((struct bb_bytes){text.ptr, text.len}, &f->value, &err) != 0)
        bb_config_diag(d, BB_SEV_ERROR, (struct bb_where){.file = path}, "at byte %zu: %s",
                       text.failed ? text.len : err.offset,
                       text.failed ? "it is too large" : err.text);
    else
        f->loaded = true;
    bb_buf_free(&text);
    if (!f->loaded)
        bb_buf_free(&f->value);
    return f->loaded;
}

/* ---- lists -------------------------------------------------------------------------------------
 */
/* "effectivity" says "effectivity.date", too. */
static bool says(const char *said, size_t len, struct bb_bytes name)
{
    return name.len >= len && memcmp(name.ptr, said, len) == 0 &&
           (name.len == len || ((const char *)name.ptr)[len] == '.');
}

static bool lists(const struct bb_manifest *m, struct bb_bytes name, bool without)
{
    struct bb_bytes list, v, t;
    struct bb_cur c;
    struct bb_tok tok;

    if (!m || bb_map_get(m->raw, "bom_features", &list) != 1)
        return without;
    c = bb_cur_of(list);
    if (bb_cur_next(&c, &tok) != 0 || tok.kind != BB_T_ARRAY)
        return without;
    while (tok.n-- && bb_cur_value(&c, &v) == 0)
        if (bb_as_str(v, &t) && (bb_bytes_are(t, "*") || says(t.ptr, t.len, name)))
            return true;
    return false;
}

/* May the route's match let messages of types with this beginning through? */
static bool lets(const struct bb_route_config *r, const char *prefix)
{
    for (size_t i = 0; i < r->n_match; i++) {
        bool some = false;

        if (strcmp(r->match[i].attribute, "type") != 0)
            continue;
        for (size_t k = 0; k < r->match[i].n; k++) {
            const char *v = r->match[i].values[k];
            size_t n = strlen(v), p = strlen(prefix);

            n -= n && v[n - 1] == '*';
            some |= strncmp(v, prefix, n < p ? n : p) == 0 && (n >= p || v[n] == '*');
        }
        if (!some)
            return false;
    }
    return true;
}

/* What the route's own steps take out for certain. */
static bool taken_out(const struct bb_route_config *r, struct bb_bytes name)
{
    struct bb_bytes v, t;

    for (size_t i = 0; i < r->n_steps; i++) {
        if (strcmp(r->steps[i].kind, "bom") != 0)
            continue;
        if (bb_bytes_are(name, "phantom") && bb_pointer_get(r->steps[i].config, "/phantoms", &v) == 1 &&
            bb_as_str(v, &t) && bb_bytes_are(t, "explode"))
            return true;
        if (bb_bytes_are(name, "usage") && bb_pointer_get(r->steps[i].config, "/usage/to", &v) == 1 &&
            bb_as_str(v, &t) && (bb_bytes_are(t, "manufacturing") || bb_bytes_are(t, "universal")))
            return true;
    }
    return false;
}

static const struct bb_waiver *waiver_of(const struct bb_route_config *r, struct bb_bytes name)
{
    for (size_t i = 0; i < r->n_waive; i++)
        if (r->waive[i].feature && says(r->waive[i].feature, strlen(r->waive[i].feature), name))
            return &r->waive[i];
    return NULL;
}

static bool ended(const struct bb_waiver *w)
{
    time_t now = time(NULL);
    struct tm tm;
    char day[16];

    return gmtime_r(&now, &tm) && strftime(day, sizeof day, "%Y-%m-%d", &tm) &&
           strcmp(w->until, day) < 0;
}

/* ---- the step
 * ------------------------------------------------------------------------------------ */
/* A use with the places of each schema in the types' own words. */
static void put_uses(struct bb_buf *b, struct bb_bytes features, struct bb_bytes feature)
{
    static const struct {
        const char *type, *schema;
    } kinds[] = {{"mfg.bom.", "mfg.bom~11"}, {"mfg.change.", "mfg.change~11"}};
    struct bb_bytes uses, use, place, pointer, base, in, not ;
    struct bb_buf out;
    struct bb_cur c;
    struct bb_tok t = {.n = 0};
    uint32_t n = 0;
    char text[512];

    bb_buf_init(&out, FILE_MAX);
    c = bb_cur_of(bb_map_get(feature, "uses", &uses) == 1 ? uses : (struct bb_bytes){NULL, 0});
    if (bb_cur_next(&c, &t) != 0)
        t.n = 0;
    while (t.n-- && bb_cur_value(&c, &use) == 0)
        for (size_t k = 0; k < 2; k++) {
            bool has_in = bb_map_get(use, "in", &in) == 1,
                 has_not = bb_map_get(use, "not", &not ) == 1;

            if (bb_map_get(use, "place", &place) != 1 || !bb_as_str(place, &place) ||
                bb_map_get(use, "pointer", &pointer) != 1 || !bb_as_str(pointer, &pointer))
                continue;
            snprintf(text, sizeof text, "/places/%.*s/%s", (int)place.len, (const char *)place.ptr,
                     kinds[k].schema);
            if (bb_pointer_get(features, text, &base) != 1 || !bb_as_str(base, &base))
                continue;
            snprintf(text, sizeof text, "%.*s%.*s", (int)base.len, (const char *)base.ptr,
                     (int)pointer.len, (const char *)pointer.ptr);
            bb_put_map(&out, 2u + has_in + has_not);
            bb_put_cstr(&out, "type");
            bb_put_cstr(&out, kinds[k].type);
            bb_put_cstr(&out, "pointer");
            bb_put_cstr(&out, text);
            if (has_in) {
                bb_put_cstr(&out, "in");
                bb_put_raw(&out, in);
            }
            if (has_not) {
                bb_put_cstr(&out, "not");
                bb_put_raw(&out, not );
            }
            n++;
        }
    bb_put_cstr(b, "uses");
    bb_put_array(b, n);
    bb_put_raw(b, (struct bb_bytes){out.ptr, out.len});
    b->failed |= out.failed;
    bb_buf_free(&out);
}

static void put_feature(struct bb_buf *b, struct bb_bytes features, struct bb_bytes feature,
                        struct bb_bytes name, const struct bb_waiver *w)
{
    bb_put_map(b, w ? 4 : 2);
    bb_put_cstr(b, "name");
    bb_put_str(b, name.ptr, name.len);
    put_uses(b, features, feature);
    if (!w)
        return;
    bb_put_cstr(b, "owner");
    bb_put_cstr(b, w->owner);
    bb_put_cstr(b, "until");
    bb_put_cstr(b, w->until);
}

/* Waivers of what is no feature: a name that is written wrong would waive nothing. */
static void waivers_check(const struct bb_route_config *r, const char *const *names, size_t n,
                          struct bb_diags *d)
{
    for (size_t i = 0; i < r->n_waive; i++) {
        const struct bb_waiver *w = &r->waive[i];
        const char *near;
        char at[64];
        bool known = false;

        if (!w->feature || !w->until)
            continue; /* has been said */
        for (size_t k = 0; k < n; k++)
            known |=
                says(w->feature, strlen(w->feature), (struct bb_bytes){names[k], strlen(names[k])});
        near = known ? NULL : bb_nearest(w->feature, names, n);
        snprintf(at, sizeof at, "/waive/%zu/%s", i, known ? "until" : "feature");
        if (!known)
            bb_config_diag(
                d, BB_SEV_ERROR, bb_config_locate(r->where, at),
                near ? "route \"%s\": waive: there is no BOM feature \"%s\" (did you mean \"%s\"?)"
                     : "route \"%s\": waive: there is no BOM feature \"%s\"",
                r->name, w->feature, near);
        else if (ended(w))
            bb_config_diag(d, BB_SEV_ERROR, bb_config_locate(r->where, at),
                           "route \"%s\": the waiver of \"%s\" by %s ended on %s: renew it, or "
                           "take the feature "
                           "out",
                           r->name, w->feature, w->owner, w->until);
    }
}

#define FEATURES_MAX 128

int bb_carries_check(struct bb_features *f, const struct bb_route_config *r,
                     const struct bb_manifest *from, const struct bb_manifest *to,
                     struct bb_buf *step, struct bb_diags *d)
{
    struct bb_bytes all, feature, name, features;
    char *names[FEATURES_MAX + 1] = {NULL};
    struct bb_buf list;
    struct bb_cur c;
    struct bb_tok t;
    char missing[600] = "";
    size_t n = 0, before = d->errors;
    uint32_t lost = 0;

    if (gen_ends_in_split(r))
        return 0; /* the sink gets none of it: what it becomes is routed anew */
    if (!r->n_waive && (lists(to, (struct bb_bytes){"*", 1}, true) ||
                        (!lets(r, "mfg.bom.") && !lets(r, "mfg.change."))))
        return 0;
    if (!load(f, d))
        return -1;
    features = (struct bb_bytes){f->value.ptr, f->value.len};
    if (bb_map_get(features, "features", &all) != 1)
        return -1;
    bb_buf_init(&list, FILE_MAX);
    c = bb_cur_of(all);
    if (bb_cur_next(&c, &t) != 0 || t.kind != BB_T_ARRAY)
        t.n = 0;
    while (t.n-- && bb_cur_value(&c, &feature) == 0 && n < FEATURES_MAX) {
        const struct bb_waiver *w;

        if (bb_map_get(feature, "name", &name) != 1 || !bb_as_str(name, &name))
            continue;
        names[n] = strndup(name.ptr, name.len);
        n += names[n] != NULL;
        if (lists(to, name, true) || bb_bytes_are(name, "basic"))
            continue;
        w = waiver_of(r, name);
        put_feature(&list, features, feature, name, w);
        lost++;
        if (!w && lists(from, name, true) && !taken_out(r, name) &&
            (lets(r, "mfg.bom.") || lets(r, "mfg.change."))) {
            size_t len = strlen(missing);

            snprintf(missing + len, sizeof missing - len, "%s%.*s", len ? ", " : "", (int)name.len,
                     (const char *)name.ptr);
        }
    }
    waivers_check(r, (const char *const *)names, n, d);
    if (missing[0])
        bb_config_diag(d, BB_SEV_ERROR, bb_config_locate(r->where, "/to"),
                       "route \"%s\": endpoint \"%s\" cannot carry what a BOM from \"%s\" may say: "
                       "%s; take it out, "
                       "or waive it by name: waive: [{feature: ..., owner: ..., until: ...}]",
                       r->name, r->to, r->from, missing);
    bb_put_map(step, 1);
    bb_put_cstr(step, "features");
    bb_put_array(step, lost);
    bb_put_raw(step, (struct bb_bytes){list.ptr, list.len});
    step->failed |= list.failed;
    bb_buf_free(&list);
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    return d->errors > before ? -1 : lost ? 1 : 0;
}
