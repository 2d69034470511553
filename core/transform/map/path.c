/*
 * path.c - JSON pointers of rules, compiled
 *
 * Thread: any. Ownership: a path owns one block with its text and its segments' bytes, and one with
 * the segments. Invariant: a compiled path starts at /data, /attributes or ".", an attribute has one
 * segment with a valid name.
 */
#include "core/transform/map/map.h"

#include <stdlib.h>
#include <string.h>

static uint32_t array_index(struct bb_bytes s)
{
    const char *p = s.ptr;
    uint32_t v = 0;

    if (bb_bytes_are(s, "-"))
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

static bool attribute_name(struct bb_bytes s)
{
    const char *p = s.ptr;

    for (size_t k = 0; k < s.len; k++)
        if (!((p[k] >= 'a' && p[k] <= 'z') || (p[k] >= '0' && p[k] <= '9')))
            return false;
    return s.len >= 1 && s.len <= 20;
}

static bool is_fixed(struct bb_bytes name)
{
    return bb_bytes_are(name, "id") || bb_bytes_are(name, "type") || bb_bytes_are(name, "source") ||
           bb_bytes_are(name, "specversion");
}

static bool starts(struct bb_bytes s, const char *word)
{
    size_t n = strlen(word);

    return s.len >= n && memcmp(s.ptr, word, n) == 0 &&
           (s.len == n || ((const char *)s.ptr)[n] == '/');
}

/* Unescapes one segment into b as a msgpack string; -1 on a bad escape. Its places are offsets: the
 * buffer may move until the last segment is in. */
static int segment_put(struct bb_buf *b, const char *p, size_t len, struct bb_seg *seg)
{
    char text[BB_POINTER_BYTES] = "";
    size_t n = 0, start = b->len;

    for (size_t k = 0; k < len; k++) {
        text[n] = p[k];
        if (p[k] == '~') {
            if (++k == len || (p[k] != '0' && p[k] != '1'))
                return -1;
            text[n] = p[k] == '0' ? '~' : '/';
        }
        n++;
    }
    bb_put_str(b, text, n);
    seg->raw.ptr = (const void *)(uintptr_t)start;
    seg->raw.len = b->len - start;
    seg->text.len = n;
    seg->sig = bb_key_sig(text, n);
    return 0;
}

/* What follows the pointer's root, which is told; NULL: it has none. */
static const char *root_read(struct bb_bytes s, struct bb_path *path)
{
    static const struct {
        const char *word;
        enum bb_root root;
    } roots[] = {{"/data", BB_ROOT_DATA}, {"/attributes", BB_ROOT_ATTRIBUTES}, {".", BB_ROOT_ENTRY}};

    for (size_t k = 0; k < sizeof roots / sizeof roots[0]; k++) {
        if (starts(s, roots[k].word)) {
            path->root = roots[k].root;
            return (const char *)s.ptr + strlen(roots[k].word);
        }
    }
    return NULL;
}

int bb_path_compile(struct bb_bytes pointer, struct bb_path *path, struct bb_fault *err)
{
    const char *p, *end = (const char *)pointer.ptr + pointer.len, *why = NULL;
    struct bb_buf b;

    memset(path, 0, sizeof *path);
    p = root_read(pointer, path);
    bb_buf_init(&b, 65536);
    bb_buf_put(&b, pointer.ptr, pointer.len);
    bb_buf_put(&b, "", 1);
    path->segs = calloc(BB_POINTER_MAX, sizeof *path->segs);
    if (!p)
        why = "a pointer starts with /data or /attributes";
    else if (pointer.len > BB_POINTER_BYTES || memchr(pointer.ptr, 0, pointer.len))
        why = "a pointer has at most 4096 bytes and no NUL";
    while (!why && path->segs && p < end) {
        const char *slash = memchr(p + 1, '/', (size_t)(end - p) - 1);
        size_t len = (size_t)((slash ? slash : end) - p) - 1;

        if (path->n == BB_POINTER_MAX)
            why = "a pointer has at most 32 segments";
        else if (segment_put(&b, p + 1, len, &path->segs[path->n++]) != 0)
            why = "\"~\" is written ~0 and \"/\" in a name ~1";
        p += 1 + len;
    }
    for (uint32_t k = 0; !why && !b.failed && k < path->n; k++) {
        struct bb_seg *s = &path->segs[k];

        s->raw.ptr = b.ptr + (uintptr_t)s->raw.ptr;
        s->text.ptr = (const uint8_t *)s->raw.ptr + (s->raw.len - s->text.len);
        s->index = array_index(s->text);
        path->fixed = path->root == BB_ROOT_ATTRIBUTES && is_fixed(s->text);
        if (path->root == BB_ROOT_ATTRIBUTES && (k || !attribute_name(s->text)))
            why = "an attribute is /attributes/ and one name of a-z and 0-9, 1 to 20 long";
    }
    path->pointer = (char *)b.ptr;
    if (!why && path->segs && !b.failed)
        return 0;
    bb_path_free(path);
    return why ? bb_fail(err, "%s, not \"%.*s\"", why, (int)(pointer.len > 80 ? 80 : pointer.len),
                         (const char *)pointer.ptr)
               : bb_fail(err, "out of memory");
}

void bb_path_free(struct bb_path *path)
{
    free(path->segs);
    free(path->pointer);
    memset(path, 0, sizeof *path);
}

bool bb_path_within(const struct bb_path *inner, const struct bb_path *outer)
{
    if (inner->root != outer->root || inner->n < outer->n)
        return false;
    for (uint32_t k = 0; k < outer->n; k++)
        if (inner->segs[k].text.len != outer->segs[k].text.len ||
            memcmp(inner->segs[k].text.ptr, outer->segs[k].text.ptr, outer->segs[k].text.len) != 0)
            return false;
    return true;
}
