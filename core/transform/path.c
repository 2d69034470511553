/*
 * path.c - JSON pointers of rules, compiled
 *
 * Thread: any. Ownership: a path owns one block with its text and its segments' bytes, and one with
 * the segments. Invariant: a compiled path starts at /data or /attributes, an attribute has one
 * segment with a valid name.
 */
#include "core/transform/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int path_error(struct bb_fault *err, const char *why, struct bb_bytes pointer)
{
    snprintf(err->text, sizeof err->text, "%s, not \"%.*s\"", why,
             (int)(pointer.len > 80 ? 80 : pointer.len), (const char *)pointer.ptr);
    return -1;
}

static uint32_t array_index(struct bb_bytes s)
{
    const char *p = s.ptr;
    uint32_t v = 0;
    if (s.len == 1 && *p == '-')
        return BB_INDEX_END;
    if (s.len == 0 || s.len > 9 || (s.len > 1 && *p == '0'))
        return BB_NO_INDEX;
    for (size_t k = 0; k < s.len; k++) {
        if (p[k] < '0' || p[k] > '9')
            return BB_NO_INDEX;
        v = v * 10 + (uint32_t)(p[k] - '0');
    }
    return v;
}

static int attribute_name(struct bb_bytes s)
{
    const char *p = s.ptr;
    for (size_t k = 0; k < s.len; k++)
        if (!((p[k] >= 'a' && p[k] <= 'z') || (p[k] >= '0' && p[k] <= '9')))
            return 0;
    return s.len >= 1 && s.len <= 20;
}

static int starts(struct bb_bytes s, const char *word)
{
    size_t n = strlen(word);
    return s.len >= n && memcmp(s.ptr, word, n) == 0 &&
           (s.len == n || ((const char *)s.ptr)[n] == '/');
}

/* Unescapes one segment into b as a msgpack string; -1 on a bad escape. */
static int segment_put(struct bb_buf *b, const char *p, size_t len, struct bb_seg *seg)
{
    size_t n = 0, start = b->len;
    char *text = malloc(len + 1);
    if (!text)
        return -1;
    for (size_t k = 0; k < len; k++) {
        if (p[k] != '~') {
            text[n++] = p[k];
        } else if (k + 1 < len && (p[k + 1] == '0' || p[k + 1] == '1')) {
            text[n++] = p[++k] == '0' ? '~' : '/';
        } else {
            free(text);
            return -1;
        }
    }
    bb_put_str(b, text, n);
    free(text);
    /* offsets for now: the buffer may move until the last segment is in */
    seg->raw.ptr = (const void *)(uintptr_t)start;
    seg->raw.len = b->len - start;
    seg->text.len = n;
    return b->failed ? -1 : 0;
}

int bb_path_compile(struct bb_bytes pointer, struct bb_path *path, struct bb_fault *err)
{
    const char *p = pointer.ptr, *end = p + pointer.len;
    struct bb_buf b;
    size_t skip;
    memset(path, 0, sizeof *path);
    bb_buf_init(&b, 65536);
    path->attributes = starts(pointer, "/attributes");
    if (!path->attributes && !starts(pointer, "/data"))
        return path_error(err, "a pointer starts with /data or /attributes", pointer);
    skip = path->attributes ? strlen("/attributes") : strlen("/data");
    if (pointer.len > 4096 || memchr(p, 0, pointer.len))
        return path_error(err, "a pointer has at most 4096 bytes and no NUL", pointer);
    bb_buf_put(&b, p, pointer.len);
    bb_buf_put(&b, "", 1);
    path->segs = calloc(BB_POINTER_MAX, sizeof *path->segs);
    if (!path->segs || b.failed)
        goto memory;
    for (p += skip; p < end;) {
        const char *slash = memchr(p + 1, '/', (size_t)(end - p) - 1);
        size_t len = (size_t)((slash ? slash : end) - p) - 1;
        if (path->n == BB_POINTER_MAX) {
            path_error(err, "a pointer has at most 32 segments", pointer);
            goto fail;
        }
        if (segment_put(&b, p + 1, len, &path->segs[path->n++]) != 0) {
            path_error(err, "\"~\" is written ~0 and \"/\" in a name ~1", pointer);
            goto fail;
        }
        p += 1 + len;
    }
    for (uint32_t k = 0; k < path->n; k++) {
        struct bb_seg *s = &path->segs[k];
        s->raw.ptr = b.ptr + (uintptr_t)s->raw.ptr;
        s->text.ptr = (const uint8_t *)s->raw.ptr + (s->raw.len - s->text.len);
        s->index = array_index(s->text);
    }
    if (path->attributes && (path->n > 1 || (path->n == 1 && !attribute_name(path->segs[0].text)))) {
        path_error(err, "an attribute is /attributes/ and one name of a-z and 0-9, 1 to 20 long",
                   pointer);
        goto fail;
    }
    path->pointer = (char *)b.ptr;
    return 0;
memory:
    snprintf(err->text, sizeof err->text, "out of memory");
fail:
    bb_buf_free(&b);
    free(path->segs);
    memset(path, 0, sizeof *path);
    return -1;
}

void bb_path_free(struct bb_path *path)
{
    free(path->segs);
    free(path->pointer);
    memset(path, 0, sizeof *path);
}

int bb_path_within(const struct bb_path *inner, const struct bb_path *outer)
{
    if (inner->attributes != outer->attributes || inner->n < outer->n)
        return 0;
    for (uint32_t k = 0; k < outer->n; k++)
        if (inner->segs[k].text.len != outer->segs[k].text.len ||
            memcmp(inner->segs[k].text.ptr, outer->segs[k].text.ptr, outer->segs[k].text.len) != 0)
            return 0;
    return 1;
}
