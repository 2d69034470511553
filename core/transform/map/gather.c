/*
 * gather.c - the rule that makes one list of the lists inside a list's entries: gather
 *
 * Orders have lines and lines have schedules, positions have stocks: other systems want them flat, each
 * knowing where it lay. Everything is read as bytes where it is and copied once; no span is made. Only
 * the entry around (./) can be named here: what stands in the message is there for a for_each after it.
 *
 * Thread: any. Ownership: the new list belongs to the level it is written in; the message's bytes, to
 * which what is read points, outlive the rule.
 */
#include "core/transform/map/map.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "sdk/lib/codec.h"

#define WITH_MAX 16

struct with { /* members that each entry gets: their keys' bytes and where their values are */
    struct bb_buf keys[WITH_MAX];
    struct bb_path from[WITH_MAX];
    uint32_t n;
};

static int with_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct with *w = member;
    struct bb_bytes key, value;
    struct bb_cur c;
    uint32_t n;
    int rc = 0;

    if (!bb_group_of(v, BB_T_MAP, &c, &n) || n == 0 || n > WITH_MAX)
        return bb_compile_say(m->c, "takes a map of 1 to %d members, such as {order: ./number}", WITH_MAX);
    for (; n && rc == 0; n--) {
        if (bb_pair_next(&c, &key, &value) != 0)
            return bb_compile_say(m->c, "damaged configuration");
        bb_compile_down(m->c, key);
        bb_buf_init(&w->keys[w->n], key.len + 8);
        bb_put_str(&w->keys[w->n], key.ptr, (uint32_t)key.len);
        rc = bb_arg_entry_from.read(m, a, value, &w->from[w->n++]);
        if (rc == 0 && w->keys[w->n - 1].failed)
            rc = bb_compile_say(m->c, "out of memory");
        if (rc == 0 && w->from[w->n - 1].root != BB_ROOT_ENTRY)
            rc = bb_compile_say(m->c, "must be inside the entry around, such as \"./number\"");
        bb_compile_up(m->c);
    }
    return rc;
}

static void with_free(void *member)
{
    struct with *w = member;

    for (uint32_t k = 0; k < w->n; k++) {
        bb_buf_free(&w->keys[k]);
        bb_path_free(&w->from[k]);
    }
}
static const struct bb_arg_kind arg_with = {with_read, with_free, NULL};

struct gather {
    struct bb_rule head;
    struct bb_path at, each, to;
    struct with with;
    int optional;
};
static const struct bb_arg gather_args[] = {
    {"at", &bb_arg_from, offsetof(struct gather, at), true},
    {"each", &bb_arg_entry_from, offsetof(struct gather, each), true},
    {"to", &bb_arg_to, offsetof(struct gather, to), true},
    {"with", &arg_with, offsetof(struct gather, with), false},
    {"optional", &bb_arg_truth, offsetof(struct gather, optional), false},
    {NULL, NULL, 0, false}};

static int gather_check(struct bb_map_compile *m, struct bb_rule *r)
{
    const struct gather *p = (const struct gather *)r;

    m->map->deepens = true;
    if (p->to.root == BB_ROOT_ATTRIBUTES)
        return bb_compile_say_at(m->c, "to", "an attribute takes one value, not a list");
    if (p->each.root != BB_ROOT_ENTRY || p->each.n == 0)
        return bb_compile_say_at(m->c, "each", "must be inside the entry, such as \"./stocks\"");
    return 0;
}

/* The member of a map, by its key's text; keys are unique. */
static bool member_find(struct bb_bytes map, struct bb_bytes name, struct bb_bytes *out)
{
    struct bb_bytes key;
    struct bb_cur c;
    uint32_t n;

    if (!bb_group_of(map, BB_T_MAP, &c, &n))
        return false;
    for (; n && bb_pair_next(&c, &key, out) == 0; n--)
        if (key.len == name.len && memcmp(key.ptr, name.ptr, key.len) == 0)
            return true;
    return false;
}

/* What is at the path below v, in its bytes. */
static bool bytes_find(struct bb_bytes v, const struct bb_path *path, struct bb_bytes *out)
{
    struct bb_cur c;
    uint32_t n;

    for (uint32_t k = 0; k < path->n; k++) {
        if (bb_group_of(v, BB_T_ARRAY, &c, &n)) {
            if (path->segs[k].index >= n)
                return false;
            for (uint32_t i = 0; i <= path->segs[k].index; i++)
                if (bb_cur_value(&c, out) != 0)
                    return false;
        } else if (!member_find(v, path->segs[k].text, out)) {
            return false;
        }
        v = *out;
    }
    *out = v;
    return true;
}

/* One entry with what it gets: NULL, or why not. */
static const char *entry_write(const struct with *with, const struct bb_bytes *values, struct bb_bytes v, struct bb_buf *out)
{
    uint8_t head[BB_LIST_HEAD];
    uint32_t more = 0, n;
    struct bb_bytes name, there;
    struct bb_cur c;

    for (uint32_t k = 0; k < with->n; k++)
        more += values[k].ptr != NULL;
    if (!more) {
        bb_buf_put(out, v.ptr, v.len);
        return NULL;
    }
    if (!bb_group_of(v, BB_T_MAP, &c, &n))
        return "an entry is no map and cannot get members";
    for (uint32_t k = 0; k < with->n; k++)
        if (values[k].ptr && bb_as_str((struct bb_bytes){with->keys[k].ptr, with->keys[k].len}, &name) == 1 &&
            member_find(v, name, &there))
            return "an entry has a member already that it would get";
    bb_head_group(head, 1, n + more);
    bb_buf_put(out, head, bb_head_size(n + more));
    bb_buf_put(out, c.p, (size_t)(c.end - c.p));
    for (uint32_t k = 0; k < with->n; k++)
        if (values[k].ptr) {
            bb_buf_put(out, with->keys[k].ptr, with->keys[k].len);
            bb_buf_put(out, values[k].ptr, values[k].len);
        }
    return NULL;
}

/* The entries of one outer entry's list: NULL, or why not. */
static const char *inner_write(const struct gather *p, struct bb_bytes around, struct bb_buf *out, uint32_t *total)
{
    struct bb_bytes values[WITH_MAX] = {{NULL, 0}}, list, v;
    const char *why = NULL;
    struct bb_cur c;
    uint32_t n;

    if (!bytes_find(around, &p->each, &list))
        return NULL;
    if (!bb_group_of(list, BB_T_ARRAY, &c, &n))
        return "what lies inside an entry is no list";
    for (uint32_t k = 0; k < p->with.n; k++)
        if (!bytes_find(around, &p->with.from[k], &values[k]))
            values[k].ptr = NULL;
    for (; n && !why && !out->failed; n--, ++*total)
        why = bb_cur_value(&c, &v) == 0 ? entry_write(&p->with, values, v, out) : "the message's bytes are damaged";
    return why;
}

static bb_status gather_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct gather *p = (const struct gather *)r;
    struct bb_span *list, span = {0};
    struct bb_bytes bytes, around;
    const char *why = NULL;
    uint32_t n, total = 0;
    struct bb_buf out;
    struct bb_cur c;
    bb_status s = bb_list_find(w, &p->at, p->optional, &list, &bytes);

    if (s != BB_OK || !list)
        return s;
    if (!bb_group_of(bytes, BB_T_ARRAY, &c, &n))
        return bb_work_reject(w, "the message's bytes are damaged", &p->at);
    bb_buf_init(&out, w->bytes_max);
    bb_buf_put(&out, "\0\0\0\0\0", BB_LIST_HEAD);
    for (; n && !why && !out.failed; n--)
        why = bb_cur_value(&c, &around) == 0 ? inner_write(p, around, &out, &total) : "the message's bytes are damaged";
    if (why) {
        bb_buf_free(&out);
        return bb_work_reject(w, why, &p->at);
    }
    s = bb_list_set(w, &p->to, &span, &out, total);
    return s == BB_OK ? bb_work_put(w, &p->to, &span, &p->to) : s;
}

const struct bb_rule_ops bb_rule_gather = {
    .name = "gather", .size = sizeof(struct gather), .args = gather_args, .check = gather_check,
    .run = gather_run};
