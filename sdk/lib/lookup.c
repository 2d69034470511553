/*
 * lookup.c - finding a part of a value: by key, by RFC 6901 pointer, by kind
 *
 * A walk over tokens each time; nothing is unpacked or kept. The bytes need not have been
 * checked. Thread: any; no state, no memory.
 */
#include "codec.h"

/* One step of a pointer: its text, with ~0 and ~1 still in it. */
struct step {
    const char *p;
    size_t len;
};

static int step_is_key(struct step s, struct bb_bytes key)
{
    const char *k = key.ptr;
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++, n++) {
        char c = s.p[i];
        if (c == '~')
            c = s.p[++i] == '0' ? '~' : '/';
        if (n == key.len || k[n] != c)
            return 0;
    }
    return n == key.len;
}

/* An array's index: digits without a leading zero; "-" and all else is no element. */
static int step_index(struct step s, uint32_t count, uint32_t *index)
{
    uint64_t v = 0;

    if (!s.len || s.len > 10 || (s.p[0] == '0' && s.len > 1))
        return 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    if (v >= count)
        return 0;
    *index = (uint32_t)v;
    return 1;
}

static int map_step(struct bb_cur *c, uint32_t n, struct step s)
{
    struct bb_tok k;

    for (uint32_t i = 0; i < n; i++) {
        if (bb_cur_read(c, &k) != 0 || k.kind != BB_T_STR)
            return -1;
        if (step_is_key(s, k.s))
            return 1;
        if (bb_cur_skip(c) != 0)
            return -1;
    }
    return 0;
}

static int array_step(struct bb_cur *c, uint32_t n, struct step s)
{
    uint32_t index;

    if (!step_index(s, n, &index))
        return 0;
    while (index--)
        if (bb_cur_skip(c) != 0)
            return -1;
    return 1;
}

static int pointer_valid(const char *p)
{
    if (*p && *p != '/')
        return 0;
    for (; *p; p++)
        if (*p == '~' && p[1] != '0' && p[1] != '1')
            return 0;
    return 1;
}

int bb_pointer_get(struct bb_bytes value, const char *pointer, struct bb_bytes *out)
{
    struct bb_cur c = bb_cur_of(value);
    struct bb_tok t;
    int found = 1;

    if (!pointer_valid(pointer))
        return -1;
    while (*pointer && found == 1) {
        struct step s = {pointer + 1, strcspn(pointer + 1, "/")};
        pointer = s.p + s.len;
        if (bb_cur_read(&c, &t) != 0)
            return -1;
        if (t.kind == BB_T_MAP)
            found = map_step(&c, t.n, s);
        else if (t.kind == BB_T_ARRAY)
            found = array_step(&c, t.n, s);
        else
            found = 0;
    }
    if (found == 1 && bb_cur_value(&c, out) != 0)
        return -1;
    return found;
}

int bb_map_get(struct bb_bytes value, const char *key, struct bb_bytes *out)
{
    struct bb_cur c = bb_cur_of(value);
    struct bb_tok map, k;
    size_t len = strlen(key);

    if (bb_cur_read(&c, &map) != 0 || map.kind != BB_T_MAP)
        return -1;
    for (uint32_t i = 0; i < map.n; i++) {
        if (bb_cur_read(&c, &k) != 0 || k.kind != BB_T_STR)
            return -1;
        if (k.s.len == len && memcmp(k.s.ptr, key, len) == 0)
            return bb_cur_value(&c, out) == 0 ? 1 : -1;
        if (bb_cur_skip(&c) != 0)
            return -1;
    }
    return 0;
}

static int as_token(struct bb_bytes value, uint32_t kind, struct bb_tok *t)
{
    struct bb_cur c = bb_cur_of(value);
    return bb_cur_read(&c, t) == 0 && t->kind == kind;
}

int bb_as_str(struct bb_bytes value, struct bb_bytes *out)
{
    struct bb_tok t;
    if (!as_token(value, BB_T_STR, &t))
        return 0;
    *out = t.s;
    return 1;
}

int bb_as_int(struct bb_bytes value, int64_t *out)
{
    struct bb_tok t;
    if (!as_token(value, BB_T_INT, &t))
        return 0;
    *out = t.i;
    return 1;
}

int bb_as_bool(struct bb_bytes value, int *out)
{
    struct bb_tok t;
    if (!as_token(value, BB_T_BOOL, &t))
        return 0;
    *out = (int)t.i;
    return 1;
}
