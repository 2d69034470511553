/*
 * order.c - the rules that put lists in order or together: sort, merge
 *
 * sort finds every entry's keys once; they and the entries stay where they are in the message, only
 * their places are sorted. Entries with equal keys keep their order. Numbers come before texts, what
 * has no key comes last; texts are compared by their bytes.
 *
 * Thread: any. Ownership: the new list belongs to the level of the old one.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* qsort_r */
#endif
#include "core/transform/map/map.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 8
#define LISTS_MAX 16

struct paths { /* one or several pointers */
    struct bb_path v[LISTS_MAX];
    uint32_t n;
};

static int paths_read(struct bb_map_compile *m, const struct bb_arg_kind *kind, const struct bb_arg *a,
                      struct bb_bytes v, struct paths *p, uint32_t max)
{
    struct bb_bytes one;
    struct bb_cur c;
    uint32_t n;
    int rc = 0;

    if (!bb_group_of(v, BB_T_ARRAY, &c, &n)) {
        p->n = 1;
        return kind->read(m, a, v, &p->v[0]);
    }
    if (n == 0 || n > max)
        return bb_compile_say(m->c, "takes 1 to %u pointers", max);
    for (uint32_t k = 0; k < n; k++) {
        bb_compile_down_n(m->c, k);
        rc |= bb_cur_value(&c, &one) == 0 ? kind->read(m, a, one, &p->v[p->n++]) : -1;
        bb_compile_up(m->c);
    }
    return rc;
}

static void paths_free(void *member)
{
    struct paths *p = member;

    for (uint32_t k = 0; k < p->n; k++)
        bb_path_free(&p->v[k]);
}

static void paths_visit(const void *member, bb_path_visit visit, void *arg)
{
    const struct paths *p = member;

    for (uint32_t k = 0; k < p->n; k++)
        if (p->v[k].pointer)
            visit(arg, &p->v[k], BB_READS);
}

static int keys_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    return paths_read(m, &bb_arg_entry_from, a, v, member, KEYS_MAX);
}
static const struct bb_arg_kind arg_keys = {keys_read, paths_free, NULL};

static int lists_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    return paths_read(m, &bb_arg_from, a, v, member, LISTS_MAX);
}
static const struct bb_arg_kind arg_lists = {lists_read, paths_free, paths_visit};

/* ---- sort ------------------------------------------------------------------------------------------ */
struct sort {
    struct bb_rule head;
    struct bb_path at;
    struct paths by;
    int descending, optional;
};
static const struct bb_arg sort_args[] = {
    {"at", &bb_arg_at, offsetof(struct sort, at), true},
    {"by", &arg_keys, offsetof(struct sort, by), true},
    {"descending", &bb_arg_truth, offsetof(struct sort, descending), false},
    {"optional", &bb_arg_truth, offsetof(struct sort, optional), false},
    {NULL, NULL, 0, false}};

struct item {
    struct bb_bytes entry;
    uint32_t n; /* its place before */
    const struct bb_bytes *keys; /* ptr NULL: it has none */
};

static int sort_check(struct bb_map_compile *m, struct bb_rule *r)
{
    const struct sort *p = (const struct sort *)r;

    for (uint32_t k = 0; k < p->by.n; k++)
        if (p->by.v[k].root != BB_ROOT_ENTRY)
            return bb_compile_say_at(m->c, "by", "must be inside the entry, such as \"./position\"");
    return 0;
}

/* Numbers, texts, anything else, nothing. */
static int rank_of(struct bb_bytes v, struct bb_tok *t)
{
    int order;

    if (!v.ptr || !bb_scalar_of(v, t))
        return v.ptr ? 2 : 3;
    return bb_scalar_number(t) && bb_scalar_compare(t, t, &order) == 0 ? 0 : t->kind == BB_T_STR ? 1 : 2;
}

static int key_compare(struct bb_bytes a, struct bb_bytes b)
{
    struct bb_tok x, y;
    int i = rank_of(a, &x), k = rank_of(b, &y), r;

    if (i != k || i > 1)
        return (i > k) - (i < k);
    if (i == 0)
        return bb_scalar_compare(&x, &y, &r) == 0 ? r : 0;
    r = memcmp(x.s.ptr, y.s.ptr, x.s.len < y.s.len ? x.s.len : y.s.len);
    return r ? r : (x.s.len > y.s.len) - (x.s.len < y.s.len);
}

static int item_compare(const void *a, const void *b, void *arg)
{
    const struct sort *p = arg;
    const struct item *x = a, *y = b;
    int r = 0;

    for (uint32_t k = 0; k < p->by.n && r == 0; k++)
        r = key_compare(x->keys[k], y->keys[k]);
    if (r && p->descending)
        return -r;
    return r ? r : (x->n > y->n) - (x->n < y->n);
}

/* Entries and keys of n entries at c: 0, -1 damaged. */
static int items_read(const struct sort *p, struct bb_cur *c, uint32_t n, struct item *items,
                      struct bb_bytes *keys)
{
    struct bb_level *l = malloc(sizeof *l);
    int rc = l ? 0 : -1;

    if (l)
        bb_level_init(l, 0); /* nothing is made */
    for (uint32_t k = 0; rc == 0 && k < n; k++, keys += p->by.n) {
        struct bb_span entry = {0}, *root = &entry;

        items[k].n = k;
        items[k].keys = keys;
        rc = bb_cur_value(c, &items[k].entry);
        for (uint32_t i = 0; rc == 0 && i < p->by.n; i++) {
            struct bb_span **found;

            bb_span_set(&entry, items[k].entry);
            found = bb_span_find(l, &root, &p->by.v[i]);
            keys[i] = found ? bb_span_bytes(*found) : (struct bb_bytes){NULL, 0};
            rc = l->why ? -1 : 0;
            bb_level_reset(l);
        }
    }
    if (l)
        bb_level_free(l);
    free(l);
    return rc;
}

static bb_status sort_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct sort *p = (const struct sort *)r;
    struct bb_bytes bytes, *keys;
    struct bb_span *list;
    struct item *items;
    struct bb_buf out;
    struct bb_cur c;
    uint32_t n;
    bb_status s = bb_list_find(w, &p->at, p->optional, &list, &bytes);

    if (s != BB_OK || !list)
        return s;
    if (!bb_group_of(bytes, BB_T_ARRAY, &c, &n))
        return bb_work_reject(w, "the message's bytes are damaged", &p->at);
    items = calloc(n + 1, sizeof *items);
    keys = calloc((size_t)n * p->by.n + 1, sizeof *keys);
    bb_buf_init(&out, w->bytes_max);
    bb_buf_put(&out, "\0\0\0\0\0", BB_LIST_HEAD);
    if (!items || !keys || items_read(p, &c, n, items, keys) != 0) {
        bb_buf_free(&out);
        s = bb_work_reject(w, "the list cannot be read, or memory is short", &p->at);
    } else {
        qsort_r(items, n, sizeof *items, item_compare, (void *)(uintptr_t)p);
        (void)bb_buf_room(&out, bytes.len);
        for (uint32_t k = 0; k < n; k++)
            bb_put_raw(&out, items[k].entry);
        s = bb_list_set(w, &p->at, list, &out, n);
    }
    free(items);
    free(keys);
    return s;
}

const struct bb_rule_ops bb_rule_sort = {
    .name = "sort", .size = sizeof(struct sort), .args = sort_args, .check = sort_check,
    .run = sort_run};

/* ---- merge ----------------------------------------------------------------------------------------- */
struct merge {
    struct bb_rule head;
    struct paths from;
    struct bb_path to;
    int optional;
};
static const struct bb_arg merge_args[] = {
    {"from", &arg_lists, offsetof(struct merge, from), true},
    {"to", &bb_arg_to, offsetof(struct merge, to), true},
    {"optional", &bb_arg_truth, offsetof(struct merge, optional), false},
    {NULL, NULL, 0, false}};

static bb_status merge_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct merge *p = (const struct merge *)r;
    struct bb_span *list, span = {0};
    struct bb_bytes bytes;
    struct bb_buf out;
    struct bb_cur c;
    uint32_t n, total = 0;
    bb_status s = BB_OK;

    bb_buf_init(&out, w->bytes_max);
    bb_buf_put(&out, "\0\0\0\0\0", BB_LIST_HEAD);
    for (uint32_t k = 0; k < p->from.n && s == BB_OK; k++) {
        s = bb_list_find(w, &p->from.v[k], p->optional, &list, &bytes);
        if (s != BB_OK || !list)
            continue;
        if (!bb_group_of(bytes, BB_T_ARRAY, &c, &n))
            s = bb_work_reject(w, "the message's bytes are damaged", &p->from.v[k]);
        else
            bb_buf_put(&out, c.p, (size_t)(c.end - c.p));
        total += s == BB_OK ? n : 0;
    }
    if (s != BB_OK) {
        bb_buf_free(&out);
        return s;
    }
    s = bb_list_set(w, &p->to, &span, &out, total);
    return s == BB_OK ? bb_work_put(w, &p->to, &span, &p->to) : s;
}

static int merge_check(struct bb_map_compile *m, struct bb_rule *r)
{
    const struct merge *p = (const struct merge *)r;

    m->map->deepens = true;
    if (p->to.root == BB_ROOT_ATTRIBUTES)
        return bb_compile_say_at(m->c, "to", "an attribute takes one value, not a list");
    return 0;
}

const struct bb_rule_ops bb_rule_merge = {
    .name = "merge", .size = sizeof(struct merge), .args = merge_args, .check = merge_check,
    .run = merge_run};
