/*
 * ref.c - pointers and conditions looked up in a message's bytes, without cutting it into spans
 *
 * Thread: any. Ownership: nothing is kept.
 */
#include "core/transform/ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 40 /* characters of a value in an error */

int bb_ref_read(struct bb_compile *c, struct bb_bytes v, bool entry, struct bb_path *path)
{
    struct bb_fault why = {0, ""};
    struct bb_bytes s;

    if (bb_as_str(v, &s) != 1)
        return bb_compile_say(c, "expected a pointer such as /data/lines, not %s", bb_kind_of(v));
    if (bb_path_compile(s, path, &why) != 0)
        return bb_compile_say(c, "%s", why.text);
    if (path->root != BB_ROOT_ENTRY || entry)
        return 0;
    bb_compile_say(c, "\"%.80s\" is for the entries of a list; here pointers start with /data or /attributes",
                   path->pointer);
    bb_path_free(path);
    return -1;
}

int bb_ref_cond_read(struct bb_compile *c, struct bb_bytes v, bool entry, struct bb_cond **cond)
{
    static const struct bb_arg arg = {"when", &bb_arg_cond, 0, false};
    struct bb_map map = {.grows = 0};
    struct bb_map_compile m = {.c = c, .map = &map, .entry = entry};

    return bb_arg_cond.read(&m, &arg, v, cond);
}

int bb_ref_text_read(struct bb_compile *c, struct bb_bytes v, size_t max, char **out)
{
    struct bb_bytes s;

    if (bb_as_str(v, &s) != 1 || !s.len || s.len > max || memchr(s.ptr, 0, s.len))
        return bb_compile_say(c, "expected a text of 1 to %zu bytes, not %s", max,
                              bb_as_str(v, &s) ? "that one" : bb_kind_of(v));
    *out = strndup(s.ptr, s.len);
    return *out ? 0 : bb_compile_say(c, "out of memory");
}

int bb_ref_get(const struct bb_path *path, const struct bb_ref_message *m, struct bb_bytes *out)
{
    static const size_t roots[] = {[BB_ROOT_DATA] = sizeof "/data" - 1,
                                   [BB_ROOT_ATTRIBUTES] = sizeof "/attributes" - 1, [BB_ROOT_ENTRY] = 1};
    const char *rest = path->pointer + roots[path->root];

    switch (path->root) {
    case BB_ROOT_ATTRIBUTES:
        return bb_pointer_get(m->e.attributes, rest, out);
    case BB_ROOT_ENTRY:
        return m->entry.len ? bb_pointer_get(m->entry, rest, out) : 0;
    default:
        return bb_pointer_get(m->e.data, rest, out);
    }
}

static int fact(void *arg, const struct bb_path *path, struct bb_bytes *value)
{
    return bb_ref_get(path, arg, value);
}

int bb_ref_holds(const struct bb_cond *cond, const struct bb_ref_message *m)
{
    return cond ? bb_cond_known(cond, fact, (void *)(uintptr_t)m) : 1;
}

void bb_ref_show(struct bb_bytes v, char *out, size_t cap)
{
    struct bb_bytes s = {NULL, 0};
    struct bb_tok t;
    char small[32];
    size_t n;

    if (!bb_scalar_of(v, &t)) {
        snprintf(out, cap, "%s", bb_kind_of(v));
        return;
    }
    if (!bb_scalar_text(&t, small, &s))
        s = (struct bb_bytes){"null", 4};
    n = s.len < SHOWN ? s.len : SHOWN;
    while (n && n < s.len && ((const uint8_t *)s.ptr)[n] >> 6 == 2)
        n--; /* not inside a character */
    snprintf(out, cap, t.kind == BB_T_STR ? "\"%.*s%s\"" : "%.*s%s", (int)n, n ? (const char *)s.ptr : "",
             n < s.len ? "..." : "");
}

int64_t bb_ref_generation(const struct bb_envelope *e)
{
    struct bb_bytes v;
    int64_t n = 0;

    if (bb_map_get(e->attributes, "generation", &v) != 1 || !bb_as_int(v, &n) || n < 0)
        return 0;
    return n < BB_GENERATIONS_MAX ? n : BB_GENERATIONS_MAX;
}
