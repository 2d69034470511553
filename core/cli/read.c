/*
 * read.c - bounded input, and short readers of msgpack maps
 *
 * Main thread; nothing kept.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int bb_read_input(const char *path, struct bb_buf *b, struct bb_fault *err)
{
    bool from_stdin = !path || strcmp(path, "-") == 0;
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int rc = -1;

    bb_buf_init(b, BB_INPUT_MAX + 1);
    if (fd < 0)
        return bb_fail(err, "cannot open %s: %s", path, strerror(errno));
    for (;;) {
        size_t room = BB_INPUT_MAX + 1 - b->len;
        uint8_t *p = bb_buf_room(b, room < 65536 ? room : 65536);
        ssize_t n;

        if (!p) {
            bb_fail(err, "out of memory");
            break;
        }
        n = read(fd, p, room < 65536 ? room : 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            bb_fail(err, "cannot read %s: %s", from_stdin ? "stdin" : path, strerror(errno));
            break;
        }
        if (n == 0) {
            rc = 0;
            break;
        }
        b->len += (size_t)n;
        if (b->len > BB_INPUT_MAX) {
            bb_fail(err, "%s is larger than 64 MiB", from_stdin ? "stdin" : path);
            break;
        }
    }
    if (!from_stdin)
        close(fd);
    if (rc < 0)
        bb_buf_free(b);
    return rc;
}

struct bb_bytes bb_field(struct bb_bytes map, const char *key)
{
    struct bb_bytes v = {NULL, 0};

    return map.len && bb_map_get(map, key, &v) == 1 ? v : (struct bb_bytes){NULL, 0};
}

struct bb_bytes bb_field_str(struct bb_bytes map, const char *key)
{
    struct bb_bytes v = bb_field(map, key), s;

    return v.len && bb_as_str(v, &s) ? s : (struct bb_bytes){"", 0};
}

int64_t bb_field_int(struct bb_bytes map, const char *key)
{
    struct bb_bytes v = bb_field(map, key);
    int64_t i;

    return v.len && bb_as_int(v, &i) ? i : 0;
}

bool bb_field_bool(struct bb_bytes map, const char *key)
{
    struct bb_bytes v = bb_field(map, key);
    int b;

    return v.len && bb_as_bool(v, &b) && b;
}

struct bb_walk bb_each(struct bb_bytes array)
{
    struct bb_walk w = {bb_cur_of(array), 0};
    struct bb_tok t;

    if (array.len && bb_cur_next(&w.at, &t) == 0 && t.kind == BB_T_ARRAY)
        w.left = t.n;
    return w;
}

int bb_each_next(struct bb_walk *w, struct bb_bytes *item)
{
    if (!w->left || bb_cur_value(&w->at, item) < 0)
        return 0;
    w->left--;
    return 1;
}
