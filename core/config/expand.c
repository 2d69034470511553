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

static bool name_char(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

/* Reports at the very ${...} when it can be found in the source, else at the whole value. */
static void report(struct bb_diags *d, struct bb_ynode *n, const char *ref, size_t len,
                   const char *before, const char *name, const char *after)
{
    struct bb_yfile *f = n->file;
    const char *hit = NULL;
    uint32_t pos;

    if (f && n->end > n->start)
        hit = memmem(f->text + n->start, n->end - n->start, ref, len);
    if (hit) {
        pos = (uint32_t)(hit - f->text);
        bb_diag_bytes(d, BB_SEV_ERROR, f, pos, pos + (uint32_t)len, "%s%s%s", before, name, after);
    } else {
        bb_diag_node(d, BB_SEV_ERROR, n, "%s%s%s", before, name, after);
    }
}

/* One ${NAME} at p (behind the brace): its value, NULL when reported. *end: behind it. */
static const char *lookup(struct bb_ynode *n, const char *p, const char **end, struct bb_diags *d)
{
    const char *start = p - 2, *v;
    char name[128];
    size_t len;

    while (name_char(*p, p == start + 2))
        p++;
    len = (size_t)(p - start) - 2;
    *end = *p == '}' ? p + 1 : p;
    if (*p != '}' || len == 0 || len >= sizeof(name)) {
        report(d, n, start, 2,
               "a variable is written ${NAME}, with letters, digits and _ "
               "(a dollar sign before a brace: $${)",
               "", "");
        return NULL;
    }
    memcpy(name, start + 2, len);
    name[len] = 0;
    v = getenv(name);
    if (!v)
        report(d, n, start, len + 3, "environment variable \"", name, "\" is not set");
    else if (bb_utf8_fault(v, strlen(v)) != strlen(v))
        report(d, n, start, len + 3, "environment variable \"", name, "\" is not UTF-8");
    else
        return v;
    return NULL;
}

static void expand_text(struct bb_ynode *n, struct bb_arena *a, struct bb_diags *d)
{
    const char *p, *v;
    struct bb_buf b;
    bool ok = true, dollar = false, used = false;

    if (!n->len || !strchr(n->text, '$'))
        return;
    bb_buf_init(&b, BB_EXPANDED_MAX > n->len ? BB_EXPANDED_MAX : n->len);
    for (p = n->text; *p;) {
        if (p[0] == '$' && p[1] == '$') {
            bb_buf_put(&b, p, 1);
            p += 2;
            dollar = true;
        } else if (p[0] == '$' && p[1] == '{') {
            v = lookup(n, p + 2, &p, d);
            used = true;
            ok &= v != NULL;
            if (v)
                bb_buf_put(&b, v, strlen(v));
        } else {
            bb_buf_put(&b, p++, 1);
        }
    }
    if (ok && b.failed) {
        bb_diag_node(d, BB_SEV_ERROR, n, "a value may hold at most %u KiB after ${...}",
                     BB_EXPANDED_MAX >> 10);
        ok = false;
    }
    if (!ok) {
        n->kind = BB_Y_BAD;
    } else if (used || dollar) {
        v = bb_arena_str(a, (const char *)b.ptr, b.len);
        if (v) {
            n->text = v;
            n->len = (uint32_t)b.len;
        }
        n->expanded |= used;
    }
    if (b.ptr)
        explicit_bzero(b.ptr, b.len);
    bb_buf_free(&b);
}

void bb_expand_tree(struct bb_ynode *n, struct bb_arena *a, struct bb_diags *d)
{
    size_t i;

    switch (n->kind) {
    case BB_Y_SCALAR:
        expand_text(n, a, d);
        break;
    case BB_Y_SEQ:
        for (i = 0; i < n->n; i++)
            bb_expand_tree(n->items[i], a, d);
        break;
    case BB_Y_MAP:
        for (i = 0; i < n->n; i++)
            bb_expand_tree(n->pairs[i].value, a, d);
        break;
    default:
        break;
    }
}
