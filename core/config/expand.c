/*
 * expand.c - ${NAME} in values
 *
 * Runs on the parsed tree, so a variable can never add a key, a list item or YAML of any kind:
 * its value is a piece of one text. Keys are left alone. The tree keeps the place in the source
 * and diagnostics show the source's bytes, so a value is never printed. "$$" is a dollar sign; a
 * dollar before anything else stands for itself.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memmem */
#endif
#include "core/config/internal.h"

#include <stdlib.h>
#include <string.h>
#include "sdk/lib/codec.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"

/* At the very ${...} when it can be found in the source, else at the whole value. */
static struct bb_span place(const struct bb_node *n, const char *ref, size_t len)
{
    struct bb_span at = bb_at(n);
    const char *hit = at.f ? memmem(at.f->text + at.start, at.end - at.start, ref, len) : NULL;

    if (hit) {
        at.start = (uint32_t)(hit - at.f->text);
        at.end = at.start + (uint32_t)len;
    }
    return at;
}

/* The variable whose "${" is at *p, which is moved behind it: its value, NULL when reported. */
static const char *lookup(const struct bb_node *n, const char **p, struct bb_diags *d)
{
    const char *start = *p, *v, *wrong = NULL;
    char name[128];
    size_t len = strspn(start + 2, LETTERS);

    len += len ? strspn(start + 2 + len, LETTERS "0123456789") : 0;
    *p = start + 2 + len + (start[2 + len] == '}');
    if (len == 0 || len >= sizeof(name) || start[2 + len] != '}') {
        bb_diag(d, BB_SEV_ERROR, place(n, start, 2),
                "a variable is written ${NAME}, with letters, digits and _ (a dollar sign before "
                "a brace: $${)");
        return NULL;
    }
    memcpy(name, start + 2, len);
    name[len] = 0;
    v = getenv(name);
    if (!v)
        wrong = "set";
    else if (bb_utf8_check(v, strlen(v)) != strlen(v))
        wrong = "UTF-8";
    if (wrong)
        bb_diag(d, BB_SEV_ERROR, place(n, start, len + 3), "environment variable \"%s\" is not %s",
                name, wrong);
    return wrong ? NULL : v;
}

void bb_expand(struct bb_node *n, struct bb_arena *a, struct bb_diags *d)
{
    const char *p, *v;
    struct bb_buf b;

    if (!strchr(n->text, '$'))
        return;
    bb_buf_init(&b, BB_EXPANDED_MAX > n->len ? BB_EXPANDED_MAX : n->len);
    for (p = n->text; *p;) {
        if (p[0] == '$' && p[1] == '{') {
            n->expanded = true;
            if ((v = lookup(n, &p, d)))
                bb_buf_put(&b, v, strlen(v));
            else
                n->kind = BB_BAD;
        } else {
            bb_buf_put(&b, p, 1);
            p += p[0] == '$' && p[1] == '$' ? 2 : 1;
        }
    }
    if (b.failed) {
        bb_diag(d, BB_SEV_ERROR, bb_at(n), "a value may hold at most %u KiB after ${...}",
                BB_EXPANDED_MAX >> 10);
        n->kind = BB_BAD;
    }
    if (n->kind != BB_BAD && (v = bb_arena_str(a, (const char *)b.ptr, b.len))) {
        n->text = v;
        n->len = (uint32_t)b.len;
    }
    if (b.ptr)
        explicit_bzero(b.ptr, b.len);
    bb_buf_free(&b);
}
