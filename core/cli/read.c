/*
 * read.c - bounded input, the journal's folder, and short readers of msgpack maps
 *
 * Main thread; nothing kept.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <errno.h>
#include <string.h>

int bb_read_input(const char *path, struct bb_buf *b)
{
    bool from_stdin = !path || strcmp(path, "-") == 0;
    FILE *in = from_stdin ? stdin : fopen(path, "re");
    int rc = BB_EXIT_OK;
    size_t n = 1;
    uint8_t *p;

    bb_buf_init(b, BB_INPUT_MAX + 65536);
    if (!in)
        return bb_cli_fail("cannot open %s: %s", path, strerror(errno));
    while (n && b->len <= BB_INPUT_MAX && (p = bb_buf_room(b, 65536))) {
        n = fread(p, 1, 65536, in);
        b->len += n;
    }
    path = from_stdin ? "stdin" : path;
    if (ferror(in))
        rc = bb_cli_fail("cannot read %s: %s", path, strerror(errno));
    else if (b->len > BB_INPUT_MAX)
        rc = bb_cli_fail("%s is larger than 64 MiB", path);
    else if (b->failed)
        rc = bb_cli_fail("out of memory");
    if (!from_stdin)
        fclose(in);
    if (rc != BB_EXIT_OK)
        bb_buf_free(b);
    return rc;
}

int bb_read_report(const struct bb_args *a, struct bb_query q, struct bb_buf *value)
{
    struct bb_fault err = {0};
    struct bb_view *view = bb_view_open(a->state, &err);
    int rc = -1;

    bb_buf_init(value, BB_REPORT_BYTES);
    q.state_dir = a->state;
    if (view) {
        rc = bb_report(view, &q, value, &err);
        bb_view_close(&view);
    }
    return rc > 0 ? BB_EXIT_OK : bb_cli_fail("%s", err.text);
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
