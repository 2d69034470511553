/*
 * check_endpoint.c - a connector's own keys against its manifest's schema
 *
 * Walks the endpoint's tree and the schema side by side, without running the connector, and
 * writes what create() gets: defaults filled in, durations as milliseconds, sizes as bytes,
 * relative paths made absolute, secrets as handles ("erp/auth/password"). Every fault is said at
 * the key or value itself. A default takes the same way as a written value, as a tree without
 * places; if it does not fit its own schema, the connector is named.
 *
 * Before the first word is said, every value that the schema calls secret is masked in the
 * source, so that a password written plainly is refused without being shown.
 */
#include "core/config/internal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 64

struct checking {
    struct bb_config *c;
    const struct bb_endpoint_config *e;
    const struct bb_ynode *name, *connector;
    struct bb_diags *d;
    struct bb_arena arena; /* trees of defaults, names for hints */
    char what[96];         /* 'endpoint "erp"' */
    char path[512];        /* auth.oauth2.scopes[1] */
    char pointer[512];     /* /auth/oauth2/scopes/1 */
    bool bad;
};
struct mark { /* lengths to go back to */
    size_t path, pointer;
};

static void check_value(struct checking *k, const struct bb_ynode *n, struct bb_bytes schema,
                        struct bb_buf *out, unsigned depth);

__attribute__((format(printf, 3, 4))) static void say(struct checking *k, const struct bb_ynode *n,
                                                      const char *fmt, ...)
{
    char text[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    k->bad = true;
    if (n->at->file)
        bb_diag_node(k->d, BB_SEV_ERROR, n, "%s: %s%s%s", k->what, k->path, *k->path ? ": " : "",
                     text);
    else
        bb_diag_node(k->d, BB_SEV_ERROR, k->connector,
                     "connector \"%s\" has a faulty schema: the default of \"%s\": %s",
                     k->e->connector, k->path, text);
}

/* Appends to path and pointer; index when name is NULL. What does not fit is cut. */
static struct mark enter(struct checking *k, const char *name, size_t index)
{
    struct mark m = {strlen(k->path), strlen(k->pointer)};
    size_t at = m.pointer;

    if (!name) {
        snprintf(k->path + m.path, sizeof(k->path) - m.path, "[%zu]", index);
        snprintf(k->pointer + at, sizeof(k->pointer) - at, "/%zu", index);
        return m;
    }
    snprintf(k->path + m.path, sizeof(k->path) - m.path, "%s%.60s", m.path ? "." : "", name);
    if (at + 3 < sizeof(k->pointer))
        k->pointer[at++] = '/';
    for (; *name && at + 3 < sizeof(k->pointer); name++) { /* RFC 6901 */
        if (*name == '~' || *name == '/') {
            k->pointer[at++] = '~';
            k->pointer[at++] = *name == '~' ? '0' : '1';
        } else {
            k->pointer[at++] = *name;
        }
    }
    k->pointer[at] = 0;
    return m;
}

static void leave(struct checking *k, struct mark m)
{
    k->path[m.path] = 0;
    k->pointer[m.pointer] = 0;
}

/* ---- scalars -------------------------------------------------------------------------------- */

static const char *types_noun(unsigned types, char out[96])
{
    static const char *const nouns[] = {"a text", "a whole number", "a number", "true or false",
                                        "a list", "a map",          "nothing"};
    size_t len = 0, i;

    out[0] = 0;
    if (types & BB_S_NUMBER)
        types &= ~BB_S_INTEGER;
    for (i = 0; i < 7; i++)
        if (types & 1u << i)
            len += (size_t)snprintf(out + len, 96 - len, "%s%s", len ? " or " : "", nouns[i]);
    return out;
}

/* The schema's type that n has, 0 when it has none of those allowed. A number without quotes is a
 * text where only a text will do: it is taken as written. A variable is a text, and a number or
 * truth value where only that will do. */
static unsigned type_of(const struct bb_ynode *n, unsigned allowed)
{
    static const unsigned of_core[] = {[BB_CORE_NULL] = BB_S_NULL,
                                       [BB_CORE_BOOL] = BB_S_BOOLEAN,
                                       [BB_CORE_INT] = BB_S_INTEGER,
                                       [BB_CORE_NUMBER] = BB_S_NUMBER,
                                       [BB_CORE_STR] = BB_S_STRING};
    unsigned t;

    if (!allowed)
        allowed = ~0u;
    if (n->kind == BB_Y_MAP)
        return allowed & BB_S_OBJECT;
    if (n->kind == BB_Y_SEQ)
        return allowed & BB_S_ARRAY;
    if ((n->quoted || n->expanded) && allowed & BB_S_STRING)
        return BB_S_STRING;
    if (n->quoted)
        return 0;
    t = of_core[bb_core_kind(n->text, n->len)];
    if (allowed & t)
        return t;
    if (t == BB_S_INTEGER && allowed & BB_S_NUMBER)
        return BB_S_NUMBER;
    if ((t == BB_S_INTEGER || t == BB_S_NUMBER) && allowed & BB_S_STRING)
        return BB_S_STRING;
    return 0;
}

static void check_range(struct checking *k, const struct bb_ynode *n, const struct bb_schema *s,
                        double v)
{
    char lo[32], hi[32];

    if ((!s->has_min || v >= s->min) && (!s->has_max || v <= s->max))
        return;
    snprintf(lo, sizeof(lo), "%.15g", s->min);
    snprintf(hi, sizeof(hi), "%.15g", s->max);
    if (s->format == BB_F_DURATION) {
        bb_format_duration(s->min > 0 ? (uint64_t)s->min : 0, lo);
        bb_format_duration(s->max > 0 && s->max < 9e18 ? (uint64_t)s->max : 0, hi);
    } else if (s->format == BB_F_SIZE) {
        bb_format_size(s->min > 0 ? (uint64_t)s->min : 0, lo);
        bb_format_size(s->max > 0 && s->max < 9e18 ? (uint64_t)s->max : 0, hi);
    }
    if (s->has_min && s->has_max)
        say(k, n, "\"%s\" is out of range: %s to %s", bb_ynode_shown(n).text, lo, hi);
    else
        say(k, n, "\"%s\" is out of range: at %s %s", bb_ynode_shown(n).text,
            s->has_min ? "least" : "most", s->has_min ? lo : hi);
}

static void check_duration(struct checking *k, const struct bb_ynode *n, const struct bb_schema *s,
                           struct bb_buf *out)
{
    struct bb_why why;
    uint64_t v = 0;
    bool plain = !n->file && !n->quoted; /* a default may be in the result's own unit */
    int rc = plain                        ? bb_value_uint(n->text, &v, &why)
             : s->format == BB_F_DURATION ? bb_value_duration(n->text, &v, &why)
                                          : bb_value_size(n->text, &v, &why);

    if (rc != 0)
        say(k, n, "\"%s\" %s", bb_ynode_shown(n).text, why.text);
    else
        check_range(k, n, s, (double)v);
    bb_put_uint(out, v);
}

/* "scheme:" and no blank; a password in it would end up in every log. */
static void check_uri(struct checking *k, const struct bb_ynode *n)
{
    size_t scheme = strspn(n->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789+.-"),
           i, end;
    const char *at;

    if (!scheme || n->text[scheme] != ':' || !n->text[scheme + 1]) {
        say(k, n, "\"%s\" is not a URI, such as https://host/path", bb_ynode_shown(n).text);
        return;
    }
    for (i = 0; i < n->len; i++)
        if ((unsigned char)n->text[i] <= ' ') {
            say(k, n, "a URI holds no blanks");
            return;
        }
    if (strncmp(n->text + scheme, "://", 3) != 0)
        return;
    scheme += 3;
    end = strcspn(n->text + scheme, "/?#");
    at = memchr(n->text + scheme, '@', end);
    if (at && memchr(n->text + scheme, ':', (size_t)(at - n->text) - scheme)) {
        if (n->file)
            bb_yfile_mask(n->file, n);
        say(k, n, "a URI may not hold a password: give it as a secret of its own");
    }
}

static void check_pointer(struct checking *k, const struct bb_ynode *n)
{
    const char *p = n->text;

    if (*p && *p != '/') {
        say(k, n, "\"%s\" is not a JSON pointer: it starts with \"/\"", bb_ynode_shown(n).text);
        return;
    }
    for (; (p = strchr(p, '~')); p++)
        if (p[1] != '0' && p[1] != '1') {
            say(k, n, "\"%s\" is not a JSON pointer: \"~\" is written ~0, \"/\" in a key ~1",
                bb_ynode_shown(n).text);
            return;
        }
}

static void put_path(struct checking *k, const struct bb_ynode *n, struct bb_buf *out)
{
    const struct bb_yfile *f = k->name->file; /* a default starts at the same folder */
    char path[PATH_MAX];
    int len;

    if (!n->len) {
        say(k, n, "an empty path");
        bb_put_nil(out);
        return;
    }
    len = snprintf(path, sizeof(path), "%s%s%s", n->text[0] == '/' ? "" : f->dir,
                   n->text[0] == '/' ? "" : "/", n->text);
    if (len < 0 || len >= (int)sizeof(path)) {
        say(k, n, "the path is too long");
        len = 0;
    }
    bb_put_str(out, path, (size_t)len);
}

static void check_string(struct checking *k, const struct bb_ynode *n, const struct bb_schema *s,
                         struct bb_buf *out)
{
    uint64_t chars = 0;
    uint32_t i;

    for (i = 0; i < n->len; i++)
        chars += ((unsigned char)n->text[i] & 0xc0) != 0x80;
    if (chars < s->min_length)
        say(k, n,
            chars ? "is shorter than %" PRIu64 " characters"
                  : "is empty: at least %" PRIu64 " character(s)",
            s->min_length);
    else if (chars > s->max_length)
        say(k, n, "is longer than %" PRIu64 " characters", s->max_length);
    else if (s->format == BB_F_URI)
        check_uri(k, n);
    else if (s->format == BB_F_POINTER)
        check_pointer(k, n);
    if (s->format == BB_F_PATH)
        put_path(k, n, out);
    else
        bb_put_str(out, n->text, n->len);
}

static void check_number(struct checking *k, const struct bb_ynode *n, const struct bb_schema *s,
                         struct bb_buf *out)
{
    size_t from = out->len;
    struct bb_why why;
    struct bb_tok t = {0};
    struct bb_cur c;

    if (bb_emit_number(out, n->text, n->len, &why) != 0) {
        say(k, n, "\"%s\" %s", bb_ynode_shown(n).text, why.text);
        return;
    }
    if (out->failed)
        return;
    c = bb_cur_of((struct bb_bytes){out->ptr + from, out->len - from});
    if (bb_cur_next(&c, &t) == 0)
        check_range(k, n, s,
                    t.kind == BB_T_INT    ? (double)t.i
                    : t.kind == BB_T_UINT ? (double)t.u
                                          : strtod(n->text, NULL));
}

/* ---- secrets, lists, maps ------------------------------------------------------------------- */

static void check_secret(struct checking *k, const struct bb_ynode *n, struct bb_buf *out)
{
    char handle[sizeof(k->pointer) + 64];

    snprintf(handle, sizeof(handle), "%s%s", k->e->name, k->pointer);
    if (bb_secret_read(k->c, k->e->name, handle, n, k->what, k->path, k->d) != 0)
        k->bad = true;
    bb_put_cstr(out, handle);
}

static void check_uints(struct checking *k, const struct bb_ynode *n, const struct bb_schema *s,
                        struct bb_buf *out)
{
    size_t i, count = n->kind == BB_Y_SEQ ? n->n : 1;
    const struct bb_ynode *x;
    struct bb_why why;
    struct mark m;
    uint64_t v;

    if (count < s->min_items || count > s->max_items)
        say(k, n, "holds %zu numbers, too %s", count, count < s->min_items ? "few" : "many");
    bb_put_array(out, (uint32_t)count);
    for (i = 0; i < count; i++) {
        x = n->kind == BB_Y_SEQ ? n->items[i] : n;
        m = enter(k, NULL, i);
        v = 0;
        if (x->kind == BB_Y_BAD)
            k->bad = true;
        else if (x->kind != BB_Y_SCALAR || x->quoted)
            say(k, x, "expected whole numbers, found %s", bb_ynode_noun(x));
        else if (bb_value_uint(x->text, &v, &why) != 0)
            say(k, x, "\"%s\" %s", bb_ynode_shown(x).text, why.text);
        else
            check_range(k, x, s, (double)v);
        leave(k, m);
        bb_put_uint(out, v);
    }
}

static void check_list(struct checking *k, const struct bb_ynode *n, const struct bb_schema *s,
                       struct bb_buf *out, unsigned depth)
{
    struct mark m;
    size_t i;

    if (n->n < s->min_items)
        say(k, n, "holds %zu values; at least %" PRIu64 " are needed", n->n, s->min_items);
    else if (n->n > s->max_items)
        say(k, n, "holds %zu values; at most %" PRIu64 " are allowed", n->n, s->max_items);
    bb_put_array(out, (uint32_t)n->n);
    for (i = 0; i < n->n; i++) {
        m = enter(k, NULL, i);
        check_value(k, n->items[i], s->items, out, depth + 1);
        leave(k, m);
    }
}

static void unknown_key(struct checking *k, const struct bb_ynode *key, struct bb_bytes props)
{
    struct bb_cur c = bb_cur_of(props);
    const char *names[KEYS_MAX];
    struct bb_tok t, name;
    struct bb_hint h = {""};
    size_t n = 0;
    uint32_t i;

    if (props.ptr && bb_cur_next(&c, &t) == 0) {
        for (i = 0; i < t.n && n < KEYS_MAX && bb_cur_next(&c, &name) == 0; i++) {
            names[n] = bb_arena_str(&k->arena, name.s.ptr, name.s.len);
            n += names[n] != NULL;
            if (bb_cur_skip(&c) != 0)
                break;
        }
        h = bb_hint_for(key->text, names, n);
    }
    k->bad = true;
    if (key->at->file)
        bb_diag_node(k->d, BB_SEV_ERROR, key, "%s: unknown key \"%s\"%s", k->what,
                     bb_ynode_shown(key).text, h.text);
    else
        say(k, key, "unknown key \"%s\"", bb_ynode_shown(key).text);
}

static bool is_required(const struct bb_schema *s, struct bb_bytes name)
{
    struct bb_cur c = bb_cur_of(s->required);
    struct bb_tok t, x;
    uint32_t i;

    if (!s->required.ptr || bb_cur_next(&c, &t) != 0)
        return false;
    for (i = 0; i < t.n && bb_cur_next(&c, &x) == 0; i++)
        if (x.s.len == name.len && memcmp(x.s.ptr, name.ptr, name.len) == 0)
            return true;
    return false;
}

/* Keys of the schema that n does not have: defaults are written, required ones are reported.
 * Counts what it writes; with out NULL it only counts. */
static uint32_t fill_absent(struct checking *k, const struct bb_ynode *n, const struct bb_schema *s,
                            struct bb_buf *out, unsigned depth)
{
    struct bb_cur c = bb_cur_of(s->properties);
    struct bb_tok map, key;
    struct bb_bytes v, text;
    struct bb_schema sub;
    struct bb_why why;
    struct bb_ynode *def;
    struct mark m;
    uint32_t i, count = 0;
    char name[128];

    if (!s->properties.ptr || bb_cur_next(&c, &map) != 0)
        return 0;
    for (i = 0; i < map.n; i++) {
        if (bb_cur_next(&c, &key) != 0 || bb_cur_value(&c, &v) != 0 ||
            bb_schema_read(v, &sub, &why) != 0)
            return count;
        snprintf(name, sizeof(name), "%.*s", key.s.len > 100 ? 100 : (int)key.s.len,
                 (const char *)key.s.ptr);
        if (bb_ynode_get(n, name))
            continue;
        count += sub.fallback.ptr != NULL;
        if (!out)
            continue;
        if (sub.fallback.ptr) {
            bb_put_str(out, key.s.ptr, key.s.len);
            m = enter(k, name, 0);
            def = bb_ynode_from(&k->arena, sub.fallback);
            if (def)
                check_value(k, def, v, out, depth + 1);
            else
                say(k, k->connector, "the schema's default cannot be used");
            leave(k, m);
        } else if (is_required(s, key.s)) {
            text = (struct bb_bytes){"", 0};
            if (sub.description.ptr)
                (void)bb_as_str(sub.description, &text);
            say(k, n, "\"%s\" is missing%s%.*s%s", name, text.len ? " (" : "",
                text.len > 120 ? 120 : (int)text.len, (const char *)text.ptr, text.len ? ")" : "");
        }
    }
    return count;
}

static void check_map(struct checking *k, const struct bb_ynode *n, const struct bb_schema *s,
                      struct bb_buf *out, unsigned depth)
{
    bool any = s->any_key || (!s->properties.ptr && !s->additional.ptr && !s->types);
    const struct bb_ypair *p;
    struct bb_bytes sub;
    struct mark m;
    size_t i;

    bb_put_map(out, (uint32_t)n->n + fill_absent(k, n, s, NULL, depth));
    for (i = 0; i < n->n; i++) {
        p = &n->pairs[i];
        sub = (struct bb_bytes){NULL, 0};
        bb_put_str(out, p->key->text, p->key->len);
        if (!s->properties.ptr || bb_map_get(s->properties, p->key->text, &sub) != 1) {
            sub = s->additional;
            if (!sub.ptr && !any) {
                unknown_key(k, p->key, s->properties);
                bb_put_nil(out);
                continue;
            }
        }
        m = enter(k, p->key->text, 0);
        check_value(k, p->value, sub, out, depth + 1);
        leave(k, m);
    }
    (void)fill_absent(k, n, s, out, depth);
}

/* ---- any value ------------------------------------------------------------------------------ */

static void check_enum(struct checking *k, const struct bb_ynode *n, const struct bb_schema *s,
                       struct bb_bytes got)
{
    struct bb_cur c = bb_cur_of(s->enums);
    const char *names[KEYS_MAX];
    char list[300] = "";
    struct bb_bytes v, text;
    struct bb_tok t;
    size_t count = 0, len = 0;
    uint32_t i;

    if (bb_cur_next(&c, &t) != 0)
        return;
    for (i = 0; i < t.n && bb_cur_value(&c, &v) == 0; i++) {
        if (v.len == got.len && memcmp(v.ptr, got.ptr, v.len) == 0)
            return;
        if (bb_as_str(v, &text) && count < KEYS_MAX &&
            (names[count] = bb_arena_str(&k->arena, text.ptr, text.len))) {
            if (len < sizeof(list))
                len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", count ? ", " : "",
                                        names[count]);
            count++;
        }
    }
    say(k, n, "\"%s\" is not allowed%s%s%s", bb_ynode_shown(n).text, count ? "; it is one of " : "",
        list, bb_hint_for(n->text, names, count).text);
}

static void check_typed(struct checking *k, const struct bb_ynode *n, const struct bb_schema *s,
                        struct bb_buf *out, unsigned depth)
{
    char noun[96];
    bool truth = false;

    switch (type_of(n, s->types)) {
    case BB_S_STRING:
        check_string(k, n, s, out);
        break;
    case BB_S_INTEGER:
    case BB_S_NUMBER:
        check_number(k, n, s, out);
        break;
    case BB_S_BOOLEAN:
        (void)bb_value_bool(n->text, &truth);
        bb_put_bool(out, truth);
        break;
    case BB_S_NULL:
        bb_put_nil(out);
        break;
    case BB_S_ARRAY:
        check_list(k, n, s, out, depth);
        break;
    case BB_S_OBJECT:
        check_map(k, n, s, out, depth);
        break;
    default:
        say(k, n, "expected %s, found %s", types_noun(s->types, noun), bb_ynode_noun(n));
        bb_put_nil(out);
        break;
    }
}

static void check_value(struct checking *k, const struct bb_ynode *n, struct bb_bytes schema,
                        struct bb_buf *out, unsigned depth)
{
    struct bb_schema s;
    struct bb_why why;
    size_t from = out->len;
    bool was_bad = k->bad;

    if (n->kind == BB_Y_BAD || depth > BB_CONF_DEPTH_MAX) {
        k->bad = true;
        bb_put_nil(out);
        return;
    }
    if (!schema.ptr) {
        if (bb_emit_node(out, n, k->what, k->d) != 0)
            k->bad = true;
        return;
    }
    if (bb_schema_read(schema, &s, &why) != 0) { /* cannot be: it was checked as a whole */
        k->bad = true;
        return;
    }
    k->bad = false;
    if (s.format == BB_F_SECRET)
        check_secret(k, n, out);
    else if (s.format == BB_F_UINT_LIST && n->kind != BB_Y_MAP && !bb_ynode_is_null(n))
        check_uints(k, n, &s, out);
    else if ((s.format == BB_F_DURATION || s.format == BB_F_SIZE) && n->kind == BB_Y_SCALAR &&
             !bb_ynode_is_null(n))
        check_duration(k, n, &s, out);
    else
        check_typed(k, n, &s, out, depth);
    if (!k->bad && s.enums.ptr && !out->failed)
        check_enum(k, n, &s, (struct bb_bytes){out->ptr + from, out->len - from});
    k->bad |= was_bad;
}

/* Masks every value that the schema calls secret, however it was written. */
static void mask_all(const struct bb_ynode *n)
{
    size_t i;

    if (n->kind == BB_Y_SCALAR)
        bb_yfile_mask(n->file, n);
    for (i = 0; i < n->n; i++)
        mask_all(n->kind == BB_Y_MAP ? n->pairs[i].value : n->items[i]);
}

/* Whether a secret stands among a schema's own keys, or anywhere below it. */
static bool holds_secret(struct bb_bytes schema, bool below, unsigned depth)
{
    struct bb_schema s, sub;
    struct bb_cur c;
    struct bb_tok map, key;
    struct bb_bytes v;
    struct bb_why why;
    uint32_t i;

    if (!schema.ptr || depth > BB_CONF_DEPTH_MAX || bb_schema_read(schema, &s, &why) != 0)
        return false;
    c = bb_cur_of(s.properties);
    if (s.properties.ptr && bb_cur_next(&c, &map) == 0)
        for (i = 0; i < map.n && bb_cur_next(&c, &key) == 0 && bb_cur_value(&c, &v) == 0; i++)
            if ((bb_schema_read(v, &sub, &why) == 0 && sub.format == BB_F_SECRET) ||
                (below && holds_secret(v, below, depth + 1)))
                return true;
    if (!below)
        return false;
    if (s.items.ptr && bb_schema_read(s.items, &sub, &why) == 0 && sub.format == BB_F_SECRET)
        return true;
    return holds_secret(s.items, below, depth + 1) || holds_secret(s.additional, below, depth + 1);
}

static void mask_secrets(const struct bb_ynode *n, struct bb_bytes schema)
{
    struct bb_schema s;
    struct bb_bytes sub;
    struct bb_why why;
    size_t i;

    if (!schema.ptr || bb_schema_read(schema, &s, &why) != 0)
        return;
    if (s.format == BB_F_SECRET) {
        if (!bb_secret_shape(n) || n->pairs[0].value->kind != BB_Y_SCALAR)
            mask_all(n);
        return;
    }
    if ((n->kind == BB_Y_SCALAR || (n->kind == BB_Y_SEQ && !s.items.ptr)) &&
        holds_secret(schema, true, 0))
        mask_all(n); /* "auth: hunter2": written a level too high */
    for (i = 0; i < n->n; i++) {
        if (n->kind == BB_Y_SEQ) {
            mask_secrets(n->items[i], s.items);
            continue;
        }
        sub = s.additional;
        if (s.properties.ptr && bb_map_get(s.properties, n->pairs[i].key->text, &sub) != 1 &&
            !sub.ptr && holds_secret(schema, false, 0))
            mask_all(n->pairs[i].value); /* "pasword: hunter2": a secret's misspelt key */
        mask_secrets(n->pairs[i].value, sub);
    }
}

int bb_config_check_endpoint(struct bb_config *c, const struct bb_endpoint_config *e,
                             struct bb_bytes schema, struct bb_buf *out, struct bb_diags *diags)
{
    struct bb_priv *p = c->priv;
    const struct bb_endpoint_nodes *nodes = NULL;
    struct bb_ynode none = {.kind = BB_Y_MAP, .text = ""};
    const struct bb_ynode *config;
    struct checking *k;
    struct bb_why why;
    size_t from = out->len, i;
    int rc = -1;

    for (i = 0; i < c->n_endpoints && !nodes; i++)
        if (strcmp(c->endpoints[i].name, e->name) == 0)
            nodes = &p->nodes[i];
    k = nodes ? calloc(1, sizeof(*k)) : NULL;
    if (!k) {
        bb_diag_plain(diags, BB_SEV_ERROR, NULL, "endpoint \"%s\": %s", e->name,
                      nodes ? "not enough memory" : "is not of this configuration");
        return -1;
    }
    k->c = c;
    k->e = e;
    k->d = diags;
    k->name = nodes->name;
    k->connector = nodes->connector;
    k->arena.max = BB_CONF_ARENA_MAX / 8;
    snprintf(k->what, sizeof(k->what), "endpoint \"%s\"", e->name);
    if (bb_schema_check(schema, k->pointer, sizeof(k->pointer), &why) != 0) {
        bb_diag_node(diags, BB_SEV_ERROR, k->connector,
                     "connector \"%s\" has a faulty schema at \"%s\": %s", e->connector, k->pointer,
                     why.text);
        goto done;
    }
    config = nodes->config && nodes->config->kind == BB_Y_MAP ? nodes->config : &none;
    none.at = nodes->config ? nodes->config->at : nodes->name;
    mask_secrets(config, schema);
    check_value(k, config, schema, out, 0);
    if (out->failed || k->arena.failed)
        bb_diag_node(diags, BB_SEV_ERROR, k->name, "%s: not enough memory", k->what);
    else if (!k->bad)
        rc = 0;
done:
    if (rc != 0 && !out->failed) { /* a password may have been written where a text belongs */
        if (out->len > from)
            explicit_bzero(out->ptr + from, out->len - from);
        out->len = from;
    }
    bb_arena_free(&k->arena);
    free(k);
    return rc;
}
