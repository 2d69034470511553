/*
 * prune.c - the rule that takes away what says nothing: prune
 *
 * Systems send every column they have; the model has no null and no empty text. Members that are
 * null, "", [] or {} go, at any depth below the place, and with them a map or list that holds nothing
 * any more. Entries of a list stay whatever they are, because their places may mean something.
 *
 * The value is written anew in one pass: a group's head is five bytes until its members are counted,
 * then it moves up. Depth is bounded by what a message may have.
 *
 * Thread: any. Ownership: the new value belongs to the level of the old one.
 */
#include "core/transform/map/map.h"

#include <stddef.h>
#include <string.h>
#include "sdk/lib/codec.h"

#define DEPTH_MAX 64 /* of a message */

struct prune {
    struct bb_rule head;
    struct bb_path at;
    int optional;
};
static const struct bb_arg prune_args[] = {
    {"at", &bb_arg_at, offsetof(struct prune, at), true},
    {"optional", &bb_arg_truth, offsetof(struct prune, optional), false},
    {NULL, NULL, 0, false}};

/* null, "", [] or {}, as their one byte */
static bool says_nothing(const struct bb_buf *out, size_t from)
{
    uint8_t b = out->len == from + 1 ? out->ptr[from] : 0;

    return b == 0xc0 || b == 0xa0 || b == 0x90 || b == 0x80;
}

static int value_write(struct bb_bytes v, unsigned depth, struct bb_buf *out);

/* The members of a group behind its head: how many stayed, -1 on bad bytes. */
static int64_t members_write(struct bb_cur *c, uint32_t n, bool map, unsigned depth, struct bb_buf *out)
{
    int64_t kept = 0;

    for (; n && !out->failed; n--) {
        struct bb_bytes key = {NULL, 0}, v;
        size_t start = out->len, value;

        if ((map && bb_cur_value(c, &key) != 0) || bb_cur_value(c, &v) != 0)
            return -1;
        bb_buf_put(out, key.ptr, key.len);
        value = out->len;
        if (value_write(v, depth, out) != 0)
            return -1;
        if (map && !out->failed && says_nothing(out, value))
            out->len = start;
        else
            kept++;
    }
    return kept;
}

static int value_write(struct bb_bytes v, unsigned depth, struct bb_buf *out)
{
    bool map = true;
    size_t start = out->len;
    struct bb_bytes text;
    struct bb_cur c;
    unsigned head;
    int64_t kept;
    uint32_t n;

    if (!bb_group_of(v, BB_T_MAP, &c, &n)) {
        map = false;
        if (!bb_group_of(v, BB_T_ARRAY, &c, &n)) {
            if (bb_as_str(v, &text) == 1 && text.len == 0)
                bb_buf_put(out, "\xa0", 1); /* however it was written */
            else
                bb_buf_put(out, v.ptr, v.len);
            return 0;
        }
    }
    if (depth == DEPTH_MAX)
        return -1;
    bb_buf_put(out, "\0\0\0\0\0", BB_LIST_HEAD);
    kept = members_write(&c, n, map, depth + 1, out);
    if (kept < 0 || out->failed)
        return kept < 0 ? -1 : 0;
    head = bb_head_size((uint32_t)kept);
    bb_head_group(out->ptr + start, map, (uint32_t)kept);
    memmove(out->ptr + start + head, out->ptr + start + BB_LIST_HEAD, out->len - start - BB_LIST_HEAD);
    out->len -= BB_LIST_HEAD - head;
    return 0;
}

/* The span's value in out: 0, -1 damaged or too deep. */
static int span_prune(const struct bb_span *s, size_t max, struct bb_buf *out)
{
    struct bb_buf whole;
    int rc;

    if (s->kind == BB_SPAN_LEAF)
        return value_write(bb_span_bytes(s), 0, out);
    bb_buf_init(&whole, max); /* rules changed it: as bytes first */
    rc = bb_span_write(s, 1, &whole) == 0 && !whole.failed
             ? value_write((struct bb_bytes){whole.ptr, whole.len}, 0, out)
             : -1;
    bb_buf_free(&whole);
    return rc;
}

static bb_status prune_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct prune *p = (const struct prune *)r;
    struct bb_level *l = p->at.root == BB_ROOT_ENTRY ? w->level : w->message;
    struct bb_buf out;
    bb_status s;
    struct bb_span **at = bb_work_find(w, &p->at, !p->optional, &s);

    if (!at)
        return s;
    bb_buf_init(&out, w->bytes_max);
    if (span_prune(*at, w->bytes_max, &out) != 0 || out.failed) {
        bb_buf_free(&out);
        return bb_work_reject(w, "the value is damaged, too large or nested too deep", &p->at);
    }
    if (bb_level_keep(l, out.ptr, out.len) != 0)
        return bb_work_reject(w, l->why, &p->at);
    bb_span_set(*at, (struct bb_bytes){out.ptr, out.len});
    return BB_OK;
}

static int prune_check(struct bb_map_compile *m, struct bb_rule *r)
{
    const struct prune *p = (const struct prune *)r;

    if (p->at.root == BB_ROOT_ATTRIBUTES)
        return bb_compile_say_at(m->c, "at", "prune goes over what is in /data; drop takes an attribute away");
    return 0;
}

static bool prune_maybe(const struct bb_rule *r)
{
    (void)r;
    return true;
}

const struct bb_rule_ops bb_rule_prune = {
    .name = "prune", .size = sizeof(struct prune), .args = prune_args, .alone = "at",
    .check = prune_check, .run = prune_run, .maybe = prune_maybe};
