/*
 * run.c - the map step: compiled rules on one message
 *
 * The message is seen as spans (map.h); the rules move and replace spans; then the new message is
 * written, neighbours that stayed neighbours in one piece.
 *
 * Thread: any, each with its own buffer. Ownership: nothing is kept.
 * Invariant: what is written is a whole message.
 */
#include "core/transform/map/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 64 /* bytes of a number that becomes an attribute's text */

bb_status bb_work_reject(struct bb_work *w, const char *why, const struct bb_path *at)
{
    char entry[120] = "";
    size_t n = 0;

    for (const struct bb_each *e = w->each; e && n < sizeof entry; e = e->around)
        n += (size_t)snprintf(entry + n, sizeof entry - n, " in entry %u of %.40s", e->n,
                              e->list->pointer);
    bb_fail(w->a->err, "step %u (map) rule %s (%s): %s%s%s%s", w->a->step, w->rule->number,
            w->rule->ops->name, why, at ? " at " : "", at ? at->pointer : "", entry);
    return BB_E_REJECT;
}

static struct bb_level *level_of(struct bb_work *w, const struct bb_path *path)
{
    return path->root == BB_ROOT_ENTRY ? w->level : w->message;
}

struct bb_span **bb_work_find(struct bb_work *w, const struct bb_path *path, bool needed,
                              bb_status *s)
{
    struct bb_level *l = level_of(w, path);
    struct bb_span **link = bb_span_find(l, &w->root[path->root], path);

    *s = BB_OK;
    if (!link && (l->why || needed))
        *s = bb_work_reject(w, l->why ? l->why : "no value", path);
    return link;
}

/* Makes v, which comes from data, the text that an attribute holds; NULL or why it cannot be. */
static const char *attribute_text(struct bb_work *w, const struct bb_path *to, struct bb_span *v)
{
    struct bb_cur c = bb_cur_of(bb_span_bytes(v));
    uint8_t *text;
    struct bb_tok t;
    struct bb_buf b;
    char number[32];

    if (v->kind != BB_SPAN_LEAF || bb_cur_next(&c, &t) != 0)
        return "an attribute takes a string or a number, which it is not";
    if (t.kind == BB_T_STR && t.s.len > BB_ATTRIBUTE_MAX)
        return "more than 4096 bytes are too long for an attribute";
    if (t.kind == BB_T_STR && t.s.len == 0 && to->fixed)
        return "id, type and source cannot be empty";
    if (t.kind == BB_T_STR)
        return NULL;
    if (t.kind == BB_T_INT || t.kind == BB_T_UINT) {
        t.s.ptr = number;
        t.s.len = (size_t)(t.kind == BB_T_INT
                               ? snprintf(number, sizeof number, "%lld", (long long)t.i)
                               : snprintf(number, sizeof number, "%llu", (unsigned long long)t.u));
    } else if (t.kind != BB_T_DECIMAL || t.s.len > TEXT_MAX) {
        return "an attribute takes a string or a number, which it is not";
    }
    text = bb_level_bytes(w->level, TEXT_MAX + 2);
    if (!text)
        return w->level->why;
    bb_buf_init(&b, TEXT_MAX + 2);
    b.ptr = text;
    b.cap = b.max; /* it never grows */
    bb_put_str(&b, t.s.ptr, t.s.len);
    bb_span_set(v, (struct bb_bytes){b.ptr, b.len});
    return NULL;
}

bb_status bb_work_put(struct bb_work *w, const struct bb_path *to, struct bb_span *v,
                      const struct bb_path *from)
{
    const char *why = to->root == BB_ROOT_ATTRIBUTES ? attribute_text(w, to, v) : NULL;
    struct bb_span *target;

    if (why)
        return bb_work_reject(w, why, from);
    w->check_data |= to->root != BB_ROOT_ATTRIBUTES && bb_span_type(v) >= BB_T_ARRAY;
    target = bb_span_make(level_of(w, to), w->root[to->root], to);
    if (!target)
        return bb_work_reject(w, level_of(w, to)->why, to);
    bb_span_move(target, v);
    return BB_OK;
}

bb_status bb_rules_run(struct bb_work *w, const struct bb_rules *rules)
{
    bb_status s = BB_OK;

    for (const struct bb_rule *r = rules->first; r && s == BB_OK; r = r->next) {
        w->rule = r;
        if (r->when) {
            int holds = bb_cond_holds(w, r->when, &s);

            if (holds != 1)
                continue;
        }
        s = r->ops->run(w, r);
    }
    return s;
}

/* ---- the step ------------------------------------------------------------------------------------ */
static bb_status message_write(struct bb_work *w, size_t hint, struct bb_buf *out)
{
    const struct bb_span *attributes = w->root[BB_ROOT_ATTRIBUTES], *data = w->root[BB_ROOT_DATA];
    uint32_t n = attributes->kind == BB_SPAN_MAP ? bb_span_count(attributes) : 0;
    size_t start = out->len, data_at;
    int deep;

    if (n > BB_ATTRIBUTES_MAX) {
        bb_fail(w->a->err, "step %u (map): the rules make %u attributes, %d are allowed", w->a->step, n,
                BB_ATTRIBUTES_MAX);
        return BB_E_REJECT;
    }
    (void)bb_buf_room(out, hint + w->map->grows); /* a failure shows below */
    bb_put_array(out, 2);
    deep = bb_span_write(attributes, 1, out);
    data_at = out->len;
    deep |= bb_span_write(data, 1, out);
    if (!deep && !out->failed && w->check_data && w->map->deepens)
        deep = bb_value_check((struct bb_bytes){out->ptr + data_at, out->len - data_at}, NULL);
    if (!deep && !out->failed)
        return BB_OK;
    bb_fail(w->a->err, "step %u (map): the new message is %s", w->a->step,
            out->failed ? "larger than the largest that is allowed, or memory is short"
                        : "nested deeper than 64 levels");
    out->len = start;
    return BB_E_REJECT;
}

static bb_status map_apply(const void *self, struct bb_apply *a, struct bb_bytes whole,
                           struct bb_buf *out)
{
    const struct bb_map *map = self;
    struct bb_work w = {.a = a, .map = map, .bytes_max = out->max};
    struct bb_span attributes = {0}, data = {0};
    struct bb_cur c = bb_cur_of(whole);
    struct bb_bytes first = {0}, second = {0};
    struct bb_level level;
    struct bb_tok tok;
    bb_status s;

    if (whole.len > UINT32_MAX || bb_cur_next(&c, &tok) != 0 || tok.kind != BB_T_ARRAY || tok.n != 2 ||
        bb_cur_value(&c, &first) != 0 || bb_cur_value(&c, &second) != 0 || c.p != c.end) {
        bb_fail(a->err, "not a message: [attributes, data] was expected");
        return BB_E_REJECT;
    }
    bb_span_set(&attributes, first);
    bb_span_set(&data, second);
    if (bb_span_type(&attributes) != BB_T_MAP) {
        bb_fail(a->err, "not a message: [attributes, data] was expected");
        return BB_E_REJECT;
    }
    bb_level_init(&level, out->max);
    w.message = w.level = &level;
    w.root[BB_ROOT_ATTRIBUTES] = &attributes;
    w.root[BB_ROOT_DATA] = &data;
    s = bb_rules_run(&w, &map->rules);
    if (s == BB_OK)
        s = message_write(&w, whole.len, out);
    bb_level_free(&level);
    for (uint32_t k = 0; k <= BB_RULES_NEST && w.spare[k]; k++) {
        bb_level_free(w.spare[k]);
        free(w.spare[k]);
    }
    return s;
}

static void map_free(void *self)
{
    bb_rules_free(&((struct bb_map *)self)->rules);
    free(self);
}

/* The rules of {file: maps/x.yaml}. */
static int map_file(struct bb_map_compile *m, struct bb_bytes name)
{
    struct bb_compile_place before;
    struct bb_bytes rules;
    const char *file;
    int rc;

    if (bb_compile_file(m->c, name, &rules, &file) != 0)
        return -1;
    before = bb_compile_enter(m->c, file);
    rc = bb_rules_read(m, rules, &m->map->rules);
    bb_compile_leave(m->c, before);
    return rc;
}

static int map_compile(struct bb_compile *c, struct bb_bytes config, void **self)
{
    static const char *const names[] = {"file"};
    struct bb_map_compile m = {.c = c, .map = calloc(1, sizeof *m.map)};
    struct bb_bytes key, val;
    struct bb_cur cur;
    uint32_t n;
    int rc;

    *self = m.map;
    if (!m.map)
        return bb_compile_say(c, "out of memory");
    if (bb_one_pair(config, &key, &val)) {
        bb_compile_down(c, key);
        rc = bb_bytes_are(key, "file") ? map_file(&m, val)
                                       : bb_compile_unknown(c, "option", key, names, 1);
        bb_compile_up(c);
    } else if (!bb_group_of(config, BB_T_ARRAY, &cur, &n)) {
        rc = bb_compile_say(c, "map takes a list of rules, such as "
                               "- rename: {from: /data/a, to: /data/b}, or {file: maps/x.yaml}");
    } else {
        rc = bb_rules_read(&m, config, &m.map->rules);
    }
    if (rc == 0 && m.map->rules.n == 0) { /* nothing to do */
        map_free(m.map);
        *self = NULL;
    }
    return rc;
}

const struct bb_step_ops bb_step_map = {
    .name = "map", .pure = true, .compile = map_compile, .apply = map_apply, .free = map_free};
