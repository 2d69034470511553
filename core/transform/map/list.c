/*
 * list.c - the rules that go over a list entry by entry: for_each, filter, number
 *
 * The list is read as bytes, one entry at a time, and written anew behind it; an entry's spans and
 * bytes are gone when it is written. So a list of any length takes its own size once more and no
 * span. Rules inside change the entry ("./qty") and may read the message.
 *
 * Thread: any. Ownership: the new list belongs to the level of the old one.
 */
#include "core/transform/map/map.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sdk/lib/codec.h"

bb_status bb_list_find(struct bb_work *w, const struct bb_path *path, bool optional,
                       struct bb_span **list, struct bb_bytes *bytes)
{
    struct bb_level *l = path->root == BB_ROOT_ENTRY ? w->level : w->message;
    struct bb_buf b;
    bb_status s;
    struct bb_span **link = bb_work_find(w, path, !optional, &s);

    *list = link ? *link : NULL; /* the span stays where it is, the link may not */
    if (!link)
        return s;
    if (bb_span_type(*list) != BB_T_ARRAY)
        return bb_work_reject(w, "a list is needed, there is something else", path);
    *bytes = bb_span_bytes(*list);
    if ((*list)->kind == BB_SPAN_LEAF)
        return BB_OK;
    bb_buf_init(&b, w->bytes_max); /* rules changed it: as bytes again */
    if (bb_span_write(*list, 1, &b) != 0 || b.failed) {
        bb_buf_free(&b);
        return bb_work_reject(w, "the list is too large or nested too deep", path);
    }
    *bytes = (struct bb_bytes){b.ptr, b.len};
    return bb_level_keep(l, b.ptr, b.len) == 0 ? BB_OK : bb_work_reject(w, l->why, path);
}

bb_status bb_list_set(struct bb_work *w, const struct bb_path *path, struct bb_span *list,
                      struct bb_buf *out, uint32_t n)
{
    struct bb_level *l = path->root == BB_ROOT_ENTRY ? w->level : w->message;
    unsigned head = bb_head_size(n);

    if (out->failed) {
        bb_buf_free(out);
        return bb_work_reject(w, "the new list is larger than the largest message that is allowed, or "
                                 "memory is short", path);
    }
    if (bb_level_keep(l, out->ptr, out->len) != 0)
        return bb_work_reject(w, l->why, path);
    bb_head_group(out->ptr + BB_LIST_HEAD - head, 0, n);
    bb_span_set(list, (struct bb_bytes){out->ptr + BB_LIST_HEAD - head, out->len - BB_LIST_HEAD + head});
    w->check_data = true;
    return BB_OK;
}

/* The level for entries one deeper than here; NULL: no memory. */
static struct bb_level *entry_level(struct bb_work *w)
{
    struct bb_level **l = &w->spare[w->depth];

    if (!*l) {
        *l = malloc(sizeof **l);
        if (*l)
            bb_level_init(*l, w->bytes_max);
    }
    return *l;
}

struct entry { /* what is done with each */
    bb_status (*run)(struct bb_work *w, const struct bb_rule *r, uint32_t n, bool *keep);
    const struct bb_path *at;
    bool optional;
};

/* Runs on every entry of bytes and writes those that are kept to out: how many, in *kept. */
static bb_status entries_run(struct bb_work *w, const struct bb_rule *r, const struct entry *e,
                             struct bb_bytes bytes, struct bb_buf *out, uint32_t *kept)
{
    struct bb_each each = {.around = w->each, .list = e->at};
    struct bb_level *level = entry_level(w), *outer = w->level;
    struct bb_span *root = w->root[BB_ROOT_ENTRY], entry;
    struct bb_bytes v;
    struct bb_cur c;
    bb_status s = BB_OK;
    uint32_t n;

    if (!level || !bb_group_of(bytes, BB_T_ARRAY, &c, &n))
        return bb_work_reject(w, level ? "the message's bytes are damaged" : "out of memory", e->at);
    w->depth++;
    w->each = &each;
    for (uint32_t k = 0; k < n && s == BB_OK && !out->failed; k++) {
        bool keep = true;

        each.n = k + 1;
        w->rule = r;
        if (bb_cur_value(&c, &v) != 0) {
            s = bb_work_reject(w, "the message's bytes are damaged", NULL);
            break;
        }
        memset(&entry, 0, sizeof entry);
        bb_span_set(&entry, v);
        w->level = level;
        w->root[BB_ROOT_ENTRY] = &entry;
        s = e->run(w, r, k, &keep);
        if (s == BB_OK && keep) {
            ++*kept;
            if (bb_span_write(&entry, 1, out) != 0)
                s = bb_work_reject(w, "the entry is nested deeper than 64 levels", NULL);
        }
        w->level = outer;
        w->root[BB_ROOT_ENTRY] = root;
        bb_level_reset(level);
    }
    w->depth--;
    w->each = each.around;
    w->rule = r;
    return s;
}

static bb_status list_run(struct bb_work *w, const struct bb_rule *r, const struct entry *e)
{
    struct bb_span *list;
    struct bb_bytes bytes;
    struct bb_buf out;
    uint32_t kept = 0;
    bb_status s = bb_list_find(w, e->at, e->optional, &list, &bytes);

    if (s != BB_OK || !list)
        return s;
    bb_buf_init(&out, w->bytes_max);
    (void)bb_buf_room(&out, bytes.len + 64); /* a failure shows at the end */
    bb_buf_put(&out, "\0\0\0\0\0", BB_LIST_HEAD);
    s = entries_run(w, r, e, bytes, &out, &kept);
    if (s == BB_OK)
        return bb_list_set(w, e->at, list, &out, kept);
    bb_buf_free(&out);
    return s;
}

/* ---- for_each -------------------------------------------------------------------------------------- */
struct for_each {
    struct bb_rule head;
    struct bb_path at;
    struct bb_rules rules;
    struct bb_cond *where;
    int optional;
};
static const struct bb_arg for_each_args[] = {
    {"at", &bb_arg_at, offsetof(struct for_each, at), true},
    {"where", &bb_arg_entry_cond, offsetof(struct for_each, where), false},
    {"do", &bb_arg_entry_rules, offsetof(struct for_each, rules), true},
    {"optional", &bb_arg_truth, offsetof(struct for_each, optional), false},
    {NULL, NULL, 0, false}};

static bb_status for_each_entry(struct bb_work *w, const struct bb_rule *r, uint32_t n, bool *keep)
{
    const struct for_each *p = (const struct for_each *)r;
    bb_status s = BB_OK;

    (void)n;
    (void)keep;
    if (p->where && bb_cond_holds(w, p->where, &s) != 1)
        return s;
    return bb_rules_run(w, &p->rules);
}

static bb_status for_each_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct for_each *p = (const struct for_each *)r;

    return list_run(w, r, &(struct entry){for_each_entry, &p->at, p->optional});
}

const struct bb_rule_ops bb_rule_for_each = {
    .name = "for_each", .size = sizeof(struct for_each), .args = for_each_args,
    .run = for_each_run};

/* ---- filter ---------------------------------------------------------------------------------------- */
struct filter {
    struct bb_rule head;
    struct bb_path at;
    struct bb_cond *keep, *drop;
    int optional;
};
static const struct bb_arg filter_args[] = {
    {"at", &bb_arg_at, offsetof(struct filter, at), true},
    {"keep", &bb_arg_entry_cond, offsetof(struct filter, keep), false},
    {"drop", &bb_arg_entry_cond, offsetof(struct filter, drop), false},
    {"optional", &bb_arg_truth, offsetof(struct filter, optional), false},
    {NULL, NULL, 0, false}};

static int filter_check(struct bb_map_compile *m, struct bb_rule *r)
{
    const struct filter *p = (const struct filter *)r;

    if (!p->keep == !p->drop)
        return bb_compile_say(m->c, "filter takes one condition: \"keep\" or \"drop\"");
    return 0;
}

static bb_status filter_entry(struct bb_work *w, const struct bb_rule *r, uint32_t n, bool *keep)
{
    const struct filter *p = (const struct filter *)r;
    bb_status s;
    int holds = bb_cond_holds(w, p->keep ? p->keep : p->drop, &s);

    (void)n;
    *keep = holds == (p->keep != NULL);
    return s;
}

static bb_status filter_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct filter *p = (const struct filter *)r;

    return list_run(w, r, &(struct entry){filter_entry, &p->at, p->optional});
}

const struct bb_rule_ops bb_rule_filter = {
    .name = "filter", .size = sizeof(struct filter), .args = filter_args, .check = filter_check,
    .run = filter_run};

/* ---- number ---------------------------------------------------------------------------------------- */
struct number {
    struct bb_rule head;
    struct bb_path at, to;
    int64_t start, step, width;
    int optional;
};
static const struct bb_arg number_args[] = {
    {"at", &bb_arg_at, offsetof(struct number, at), true},
    {"to", &bb_arg_entry_to, offsetof(struct number, to), true},
    {"start", &bb_arg_whole, offsetof(struct number, start), false},
    {"step", &bb_arg_whole, offsetof(struct number, step), false},
    {"width", &bb_arg_whole, offsetof(struct number, width), false},
    {"optional", &bb_arg_truth, offsetof(struct number, optional), false},
    {NULL, NULL, 0, false}};

static int number_check(struct bb_map_compile *m, struct bb_rule *r)
{
    struct number *p = (struct number *)r;

    p->step = p->step ? p->step - 1 : 1;
    p->start = p->start ? p->start - 1 : p->step; /* 10, 20, 30 by step: 10 alone */
    p->width = p->width ? p->width - 1 : 0;
    if (p->width > 18)
        return bb_compile_say_at(m->c, "width", "at most 18 digits");
    if (p->to.root != BB_ROOT_ENTRY || p->to.n == 0)
        return bb_compile_say_at(m->c, "to", "must be inside the entry, such as \"./position\"");
    return 0;
}

static bb_status number_entry(struct bb_work *w, const struct bb_rule *r, uint32_t n, bool *keep)
{
    const struct number *p = (const struct number *)r;
    int64_t v = p->start + (int64_t)n * p->step;
    struct bb_bytes value;
    char text[32];
    int len;

    (void)keep;
    len = snprintf(text, sizeof text, "%0*lld", (int)p->width, (long long)v);
    if (p->width)
        return bb_work_put_text(w, &p->to, text, (size_t)len, &p->to);
    if (bb_level_number(w->level, text, (size_t)len, &value) != 0)
        return bb_work_reject(w, w->level->why, &p->to);
    return bb_work_put_value(w, &p->to, value, &p->to);
}

static bb_status number_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct number *p = (const struct number *)r;

    return list_run(w, r, &(struct entry){number_entry, &p->at, p->optional});
}

const struct bb_rule_ops bb_rule_number = {
    .name = "number", .size = sizeof(struct number), .args = number_args, .check = number_check,
    .run = number_run};
