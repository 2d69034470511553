/* json.c - see json.h */
#include <stdlib.h>
#include <string.h>

#include "tools/plant/json.h"

static const char *blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

static const char *string_end(const char *p, const char *end) /* p at the opening quote */
{
    p++;
    for (;;) {
        const char *q = memchr(p, '"', (size_t)(end - p));
        if (!q)
            return NULL;
        const char *esc = memchr(p, '\\', (size_t)(q - p));
        if (!esc)
            return q + 1;
        if (end - esc < 2)
            return NULL;
        p = esc + 2;
    }
}

const char *plant_json_skip(const char *p, const char *end, struct plant_text *value)
{
    size_t depth = 0;
    p = blanks(p, end);
    const char *start = p;
    while (p < end) {
        switch (*p) {
        case '"':
            p = string_end(p, end);
            if (!p)
                return NULL;
            break;
        case '{':
        case '[':
            depth++;
            p++;
            continue;
        case '}':
        case ']':
            if (depth == 0)
                return NULL;
            depth--;
            p++;
            break;
        case ',':
        case ':':
            if (depth == 0)
                return NULL;
            p++;
            continue;
        default:
            if (depth > 0) {
                p++;
                continue;
            }
            while (p < end && *p && !strchr(",:]}[{\" \t\r\n", *p))
                p++;
            if (p == start)
                return NULL;
        }
        if (depth == 0) {
            *value = (struct plant_text){start, (size_t)(p - start)};
            return p;
        }
    }
    return NULL;
}

static struct plant_text unquoted(struct plant_text v)
{
    if (v.n >= 2 && v.p[0] == '"')
        return (struct plant_text){v.p + 1, v.n - 2};
    return v;
}

/* Compares a key with a pointer's token, "~1" and "~0" decoded. */
static bool token_is(const char *tok, size_t n, struct plant_text key)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++, k++) {
        char c = tok[i];
        if (c == '~' && i + 1 < n)
            c = tok[++i] == '1' ? '/' : '~';
        if (k >= key.n || key.p[k] != c)
            return false;
    }
    return k == key.n;
}

static bool member(struct plant_text v, const char *tok, size_t n, struct plant_text *out)
{
    const char *p = v.p + 1, *end = v.p + v.n;
    bool map = v.p[0] == '{';
    char *num_end;
    unsigned long index = map ? 0 : strtoul(tok, &num_end, 10);
    for (unsigned long i = 0;; i++) {
        struct plant_text key = {NULL, 0}, value;
        p = blanks(p, end);
        if (p >= end || *p == '}' || *p == ']')
            return false;
        if (map) {
            p = plant_json_skip(p, end, &key);
            p = p ? blanks(p, end) : NULL;
            if (!p || p >= end || *p != ':')
                return false;
            p++;
        }
        p = plant_json_skip(p, end, &value);
        if (!p)
            return false;
        if (map ? token_is(tok, n, unquoted(key)) : i == index) {
            *out = value;
            return true;
        }
        p = blanks(p, end);
        if (p < end && *p == ',')
            p++;
    }
}

bool plant_json_find(struct plant_text json, const char *pointer, struct plant_text *out)
{
    struct plant_text v;
    if (!plant_json_skip(json.p, json.p + json.n, &v))
        return false;
    while (*pointer == '/') {
        const char *tok = ++pointer;
        while (*pointer && *pointer != '/')
            pointer++;
        if (v.n < 2 || (v.p[0] != '{' && v.p[0] != '[') ||
            !member(v, tok, (size_t)(pointer - tok), &v))
            return false;
    }
    *out = v;
    return *pointer == '\0';
}

bool plant_json_get(struct plant_text json, const char *pointer, struct plant_text *out)
{
    struct plant_text v;
    if (!plant_json_find(json, pointer, &v))
        return false;
    *out = unquoted(v);
    return true;
}

bool plant_members_of(struct plant_text json, struct plant_items *it)
{
    struct plant_text v;
    if (!plant_json_skip(json.p, json.p + json.n, &v) || v.p[0] != '{')
        return false;
    *it = (struct plant_items){.p = v.p + 1, .end = v.p + v.n};
    return true;
}

bool plant_members_next(struct plant_items *it, struct plant_text *key, struct plant_text *value)
{
    it->p = blanks(it->p, it->end);
    if (it->p < it->end && *it->p == ',')
        it->p = blanks(it->p + 1, it->end);
    if (it->p >= it->end || *it->p != '"')
        return false;
    const char *p = plant_json_skip(it->p, it->end, key);
    p = p ? blanks(p, it->end) : NULL;
    if (!p || p >= it->end || *p != ':' || !(p = plant_json_skip(p + 1, it->end, value)))
        return false;
    *key = unquoted(*key);
    it->p = p;
    return true;
}

void plant_items_of(struct plant_text body, bool lines, struct plant_items *it)
{
    it->end = body.p + body.n;
    it->p = blanks(body.p, it->end);
    it->kind = lines ? PLANT_LINES : it->p < it->end && *it->p == '[' ? PLANT_ARRAY : PLANT_ONE;
    if (it->kind == PLANT_ARRAY)
        it->p++;
}

bool plant_items_next(struct plant_items *it, struct plant_text *item)
{
    it->p = blanks(it->p, it->end);
    if (it->kind == PLANT_ARRAY && it->p < it->end && *it->p == ',')
        it->p = blanks(it->p + 1, it->end);
    if (it->p >= it->end || (it->kind == PLANT_ARRAY && *it->p == ']'))
        return false;
    const char *p = plant_json_skip(it->p, it->end, item);
    if (!p)
        return false;
    it->p = it->kind == PLANT_ONE ? it->end : p;
    return true;
}
