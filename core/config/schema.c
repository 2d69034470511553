/*
 * schema.c - a connector's schema, read level by level from the manifest's msgpack
 *
 * The manifest comes from a file that may be anything, so every word is checked for its kind and
 * the depth is bounded. A word of JSON Schema that asserts something we do not check (oneOf,
 * pattern) is refused, not ignored: a schema must never promise more than is done. Words that
 * only explain, and x- words, are allowed.
 *
 * Thread: any. Memory: points into the manifest.
 */
#include "core/config/internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct word {
    const char *name;
    unsigned value;
};
static const struct word types[] = {{"string", BB_S_STRING}, {"integer", BB_S_INTEGER},
                                    {"number", BB_S_NUMBER}, {"boolean", BB_S_BOOLEAN},
                                    {"array", BB_S_ARRAY},   {"object", BB_S_OBJECT},
                                    {"null", BB_S_NULL}};
static const struct word formats[] = {
    {"duration", BB_F_DURATION},  {"size", BB_F_SIZE}, {"secret", BB_F_SECRET},
    {"pointer", BB_F_POINTER},    {"uri", BB_F_URI},   {"path", BB_F_PATH},
    {"uint-list", BB_F_UINT_LIST}};

__attribute__((format(printf, 2, 3))) static int fail(struct bb_why *why, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why->text, sizeof(why->text), fmt, ap);
    va_end(ap);
    return -1;
}

static bool bytes_are(struct bb_bytes b, const char *s)
{
    return b.len == strlen(s) && memcmp(b.ptr, s, b.len) == 0;
}

static unsigned word_value(const struct word *w, size_t n, struct bb_bytes text)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (bytes_are(text, w[i].name))
            return w[i].value;
    return 0;
}

static int token_of(struct bb_bytes v, struct bb_tok *t)
{
    struct bb_cur c = bb_cur_of(v);

    return bb_cur_next(&c, t);
}

static int read_types(struct bb_schema *s, struct bb_bytes v, struct bb_why *why)
{
    struct bb_cur c = bb_cur_of(v);
    struct bb_tok t;
    uint32_t left = 1;
    unsigned bit;

    if (bb_cur_next(&c, &t) != 0)
        return fail(why, "is cut short");
    if (t.kind == BB_T_ARRAY && t.n > 0 && t.n <= COUNT(types)) {
        left = t.n;
        if (bb_cur_next(&c, &t) != 0)
            return fail(why, "is cut short");
    }
    for (;;) {
        bit = t.kind == BB_T_STR ? word_value(types, COUNT(types), t.s) : 0;
        if (!bit)
            return fail(why, "\"type\" is not a type or a list of types");
        s->types |= bit;
        if (--left == 0)
            return 0;
        if (bb_cur_next(&c, &t) != 0)
            return fail(why, "is cut short");
    }
}

static int read_format(struct bb_schema *s, struct bb_bytes v, struct bb_why *why)
{
    struct bb_bytes text;

    if (!bb_as_str(v, &text) || !(s->format = word_value(formats, COUNT(formats), text)))
        return fail(why, "\"format\" is none of duration, size, secret, pointer, uri, path and "
                         "uint-list");
    return 0;
}

static int read_additional(struct bb_schema *s, struct bb_bytes v, struct bb_why *why)
{
    struct bb_tok t;

    if (token_of(v, &t) != 0 || (t.kind != BB_T_BOOL && t.kind != BB_T_MAP))
        return fail(why, "\"additionalProperties\" is neither true, false nor a schema");
    if (t.kind == BB_T_MAP)
        s->additional = v;
    else
        s->any_key = t.i != 0;
    return 0;
}

static int read_bound(struct bb_bytes v, const char *name, bool *has, double *out,
                      struct bb_why *why)
{
    struct bb_tok t;
    char num[64];

    if (token_of(v, &t) != 0)
        return fail(why, "is cut short");
    *has = true;
    if (t.kind == BB_T_INT) {
        *out = (double)t.i;
    } else if (t.kind == BB_T_UINT) {
        *out = (double)t.u;
    } else if (t.kind == BB_T_DECIMAL && t.s.len < sizeof(num)) {
        memcpy(num, t.s.ptr, t.s.len);
        num[t.s.len] = 0;
        *out = strtod(num, NULL);
    } else {
        return fail(why, "\"%s\" is not a number", name);
    }
    return 0;
}

static int read_count(struct bb_bytes v, const char *name, uint64_t *out, struct bb_why *why)
{
    int64_t i;

    if (!bb_as_int(v, &i) || i < 0)
        return fail(why, "\"%s\" is not a whole number from 0", name);
    *out = (uint64_t)i;
    return 0;
}

static int read_kind(struct bb_bytes v, const char *name, uint32_t kind, struct bb_bytes *out,
                     struct bb_why *why)
{
    struct bb_tok t;

    if (token_of(v, &t) != 0 || t.kind != kind)
        return fail(why, "\"%s\" is not %s", name,
                    kind == BB_T_MAP     ? "a map"
                    : kind == BB_T_ARRAY ? "a list"
                                         : "a text");
    *out = v;
    return 0;
}

/* One word of a schema and its value. */
static int read_word(struct bb_schema *s, struct bb_bytes k, struct bb_bytes v, struct bb_why *why)
{
    static const char *const silent[] = {"$schema",  "$id",        "$comment", "title",
                                         "examples", "deprecated", "default"};
    static const struct {
        const char *name;
        uint32_t kind;
        size_t at;
    } parts[] = {{"properties", BB_T_MAP, offsetof(struct bb_schema, properties)},
                 {"required", BB_T_ARRAY, offsetof(struct bb_schema, required)},
                 {"items", BB_T_MAP, offsetof(struct bb_schema, items)},
                 {"enum", BB_T_ARRAY, offsetof(struct bb_schema, enums)},
                 {"description", BB_T_STR, offsetof(struct bb_schema, description)}};
    static const struct {
        const char *name;
        size_t at;
    } counts[] = {{"minLength", offsetof(struct bb_schema, min_length)},
                  {"maxLength", offsetof(struct bb_schema, max_length)},
                  {"minItems", offsetof(struct bb_schema, min_items)},
                  {"maxItems", offsetof(struct bb_schema, max_items)}};
    size_t i;

    for (i = 0; i < COUNT(parts); i++)
        if (bytes_are(k, parts[i].name))
            return read_kind(v, parts[i].name, parts[i].kind,
                             (struct bb_bytes *)((char *)s + parts[i].at), why);
    for (i = 0; i < COUNT(counts); i++)
        if (bytes_are(k, counts[i].name))
            return read_count(v, counts[i].name, (uint64_t *)((char *)s + counts[i].at), why);
    if (bytes_are(k, "default"))
        s->fallback = v;
    if (bytes_are(k, "type"))
        return read_types(s, v, why);
    if (bytes_are(k, "format"))
        return read_format(s, v, why);
    if (bytes_are(k, "additionalProperties"))
        return read_additional(s, v, why);
    if (bytes_are(k, "minimum"))
        return read_bound(v, "minimum", &s->has_min, &s->min, why);
    if (bytes_are(k, "maximum"))
        return read_bound(v, "maximum", &s->has_max, &s->max, why);
    for (i = 0; i < COUNT(silent); i++)
        if (bytes_are(k, silent[i]))
            return 0;
    if (k.len > 2 && memcmp(k.ptr, "x-", 2) == 0)
        return 0;
    return fail(why, "the word \"%.*s\" is not supported", k.len > 40 ? 40 : (int)k.len,
                (const char *)k.ptr);
}

int bb_schema_read(struct bb_bytes value, struct bb_schema *s, struct bb_why *why)
{
    struct bb_cur c = bb_cur_of(value);
    struct bb_tok map, key;
    struct bb_bytes v;
    uint32_t i;

    memset(s, 0, sizeof(*s));
    s->max_length = s->max_items = UINT64_MAX;
    if (bb_cur_next(&c, &map) != 0 || map.kind != BB_T_MAP)
        return fail(why, "is not a map");
    for (i = 0; i < map.n; i++) {
        if (bb_cur_next(&c, &key) != 0 || key.kind != BB_T_STR || bb_cur_value(&c, &v) != 0)
            return fail(why, "is cut short or has a key that is no text");
        if (read_word(s, key.s, v, why) != 0)
            return -1;
    }
    if (s->format == BB_F_SECRET && s->fallback.ptr)
        return fail(why, "a secret has no default");
    if (!s->types && (s->properties.ptr || s->additional.ptr) && s->format == BB_F_NONE)
        s->types = BB_S_OBJECT;
    if (!s->types && s->items.ptr && s->format == BB_F_NONE)
        s->types = BB_S_ARRAY;
    return 0;
}

static int check_level(struct bb_bytes value, char *pointer, size_t len, size_t cap, unsigned depth,
                       struct bb_why *why);

static int check_child(struct bb_bytes v, const char *step, size_t step_len, char *pointer,
                       size_t len, size_t cap, unsigned depth, struct bb_why *why)
{
    int n = snprintf(pointer + len, cap - len, "/%.*s", step_len > 63 ? 63 : (int)step_len, step);

    if (n < 0 || (size_t)n >= cap - len)
        return fail(why, "is nested too deep");
    if (check_level(v, pointer, len + (size_t)n, cap, depth + 1, why) != 0)
        return -1;
    pointer[len] = 0;
    return 0;
}

static int check_texts(struct bb_bytes list, struct bb_why *why)
{
    struct bb_cur c = bb_cur_of(list);
    struct bb_tok t;
    uint32_t i, n;

    if (bb_cur_next(&c, &t) != 0)
        return fail(why, "is cut short");
    for (i = 0, n = t.n; i < n; i++)
        if (bb_cur_next(&c, &t) != 0 || t.kind != BB_T_STR)
            return fail(why, "\"required\" is not a list of texts");
    return 0;
}

static int check_level(struct bb_bytes value, char *pointer, size_t len, size_t cap, unsigned depth,
                       struct bb_why *why)
{
    struct bb_schema s;
    struct bb_cur c;
    struct bb_tok map, key;
    struct bb_bytes v;
    uint32_t i;

    if (depth >= BB_CONF_DEPTH_MAX)
        return fail(why, "is nested too deep");
    if (bb_schema_read(value, &s, why) != 0)
        return -1;
    if (s.required.ptr && check_texts(s.required, why) != 0)
        return -1;
    if (s.properties.ptr) {
        c = bb_cur_of(s.properties);
        if (bb_cur_next(&c, &map) != 0)
            return fail(why, "is cut short");
        for (i = 0; i < map.n; i++) {
            if (bb_cur_next(&c, &key) != 0 || key.kind != BB_T_STR || bb_cur_value(&c, &v) != 0)
                return fail(why, "\"properties\" is cut short or has a key that is no text");
            if (check_child(v, key.s.ptr, key.s.len, pointer, len, cap, depth, why) != 0)
                return -1;
        }
    }
    if (s.items.ptr && check_child(s.items, "items", 5, pointer, len, cap, depth, why) != 0)
        return -1;
    if (s.additional.ptr)
        return check_child(s.additional, "additionalProperties", 20, pointer, len, cap, depth, why);
    return 0;
}

int bb_schema_check(struct bb_bytes value, char *pointer, size_t cap, struct bb_why *why)
{
    pointer[0] = 0;
    return check_level(value, pointer, 0, cap, 0, why);
}
