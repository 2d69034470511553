/*
 * read.c - members of a test file's values, and mistakes shown where they stand
 *
 * Thread: one. Memory: a list of blocks that goes with the cases.
 */
#include "core/rehearse/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *bb_case_get(struct bb_case_reader *x, size_t n)
{
    struct bb_memory *m = calloc(1, sizeof(*m) + n);

    if (!m) {
        fprintf(stderr, "busbar: error: out of memory\n");
        exit(EXIT_FAILURE); /* a test run: nothing to save */
    }
    m->next = x->memory;
    x->memory = m;
    return m->bytes;
}

const char *bb_case_text(struct bb_case_reader *x, struct bb_bytes text)
{
    char *s = bb_case_get(x, text.len + 1);

    memcpy(s, text.ptr, text.len);
    return s;
}

void bb_case_say(struct bb_case_reader *x, const char *pointer, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    x->failed = true;
    bb_config_diag(x->d, BB_SEV_ERROR, bb_extras_where(x->files, x->file, pointer), "%s%s%s", x->what,
                   *x->what ? ": " : "", text);
}

unsigned bb_kind_of_value(struct bb_bytes v)
{
    struct bb_cur c = bb_cur_of(v);
    struct bb_tok t;

    return v.len && bb_cur_next(&c, &t) == 0 ? t.kind : BB_T_NIL;
}

struct bb_bytes bb_member(struct bb_bytes map, const char *key)
{
    struct bb_bytes v = {NULL, 0};

    return map.len && bb_map_get(map, key, &v) == 1 ? v : (struct bb_bytes){NULL, 0};
}

const char *bb_case_member(struct bb_case_reader *x, struct bb_bytes map, const char *key)
{
    struct bb_bytes v = bb_member(map, key), s;

    return v.len && bb_as_str(v, &s) ? bb_case_text(x, s) : NULL;
}

int64_t bb_member_int(struct bb_bytes map, const char *key, int64_t otherwise)
{
    struct bb_bytes v = bb_member(map, key);
    int64_t i;

    return v.len && bb_as_int(v, &i) ? i : otherwise;
}

/* ---- lists and maps ------------------------------------------------------------------------------ */
struct bb_items bb_items_of(struct bb_bytes v)
{
    struct bb_items w = {.cur = bb_cur_of(v)};
    struct bb_tok t;

    if (v.len && bb_cur_next(&w.cur, &t) == 0 && t.kind == BB_T_ARRAY) {
        w.left = t.n;
    } else if (v.len) {
        w.one = v;
        w.left = 1;
    }
    return w;
}

bool bb_items_next(struct bb_items *w, struct bb_bytes *item)
{
    if (!w->left)
        return false;
    w->left--;
    if (w->one.len)
        *item = w->one;
    else if (bb_cur_value(&w->cur, item) != 0)
        w->left = 0;
    return w->one.len || item->len;
}

struct bb_items bb_pairs_of(struct bb_bytes v)
{
    struct bb_items w = {.cur = bb_cur_of(v)};
    struct bb_tok t;

    if (v.len && bb_cur_next(&w.cur, &t) == 0 && t.kind == BB_T_MAP)
        w.left = t.n;
    return w;
}

bool bb_pairs_next(struct bb_items *w, struct bb_bytes *key, struct bb_bytes *value)
{
    struct bb_tok t;

    if (!w->left || bb_cur_next(&w->cur, &t) != 0 || t.kind != BB_T_STR ||
        bb_cur_value(&w->cur, value) != 0)
        return false;
    w->left--;
    *key = t.s;
    return true;
}

/* ---- keys ---------------------------------------------------------------------------------------- */
static void kinds_text(unsigned kinds, char *out, size_t cap)
{
    static const struct { unsigned kind; const char *text; } names[] = {
        {BB_T_STR, "a text"}, {BB_T_INT, "a whole number"}, {BB_T_ARRAY, "a list"}, {BB_T_MAP, "a map"}};
    size_t n = 0;

    *out = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (kinds & 1u << names[i].kind && n < cap)
            n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? " or " : "", names[i].text);
}

static const struct bb_case_key *key_of(const struct bb_case_key *keys, size_t n, struct bb_bytes name)
{
    for (size_t i = 0; i < n; i++)
        if (bb_bytes_are(name, keys[i].name))
            return &keys[i];
    return NULL;
}

static void key_unknown(struct bb_case_reader *x, const char *at, struct bb_bytes name,
                        const struct bb_case_key *keys, size_t n)
{
    const char *names[16], *near;

    for (size_t i = 0; i < n && i < 16; i++)
        names[i] = keys[i].name;
    near = bb_nearest(bb_case_text(x, name), names, n < 16 ? n : 16);
    if (near)
        bb_case_say(x, at, "unknown key \"%.*s\" (did you mean \"%s\"?)", (int)name.len,
                    (const char *)name.ptr, near);
    else
        bb_case_say(x, at, "unknown key \"%.*s\"", (int)name.len, (const char *)name.ptr);
}

bool bb_case_keys(struct bb_case_reader *x, struct bb_bytes v, const char *pointer,
                  const struct bb_case_key *keys, size_t n)
{
    struct bb_items w = bb_pairs_of(v);
    struct bb_bytes name, value;
    char at[512], kinds[80];
    bool failed = x->failed, good;

    if (bb_kind_of_value(v) != BB_T_MAP) {
        bb_case_say(x, pointer, "expected a map");
        return false;
    }
    x->failed = false;
    while (bb_pairs_next(&w, &name, &value)) {
        const struct bb_case_key *k = key_of(keys, n, name);

        snprintf(at, sizeof(at), "%s/%.*s", pointer, (int)(name.len < 80 ? name.len : 80),
                 (const char *)name.ptr);
        if (!k) {
            key_unknown(x, at, name, keys, n);
        } else if (k->kinds && !(k->kinds & 1u << bb_kind_of_value(value))) {
            kinds_text(k->kinds, kinds, sizeof(kinds));
            bb_case_say(x, at, "%s: expected %s", k->name, kinds);
        }
    }
    for (size_t i = 0; i < n; i++)
        if (keys[i].needed && !bb_member(v, keys[i].name).len)
            bb_case_say(x, pointer, "\"%s\" is missing", keys[i].name);
    good = !x->failed;
    x->failed |= failed;
    return good;
}
