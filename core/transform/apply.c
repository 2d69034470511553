/*
 * apply.c - running compiled rules on one message
 *
 * The message is seen as spans (span.h); the rules move and replace spans; then the new message is
 * written, neighbours that stayed neighbours in one piece.
 *
 * Thread: any, each with its own buffer. Ownership: nothing is kept.
 * Invariant: out holds a whole message or, on any other status than OK, what it held before.
 */
#include "core/transform/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
    struct bb_spans pool;
    struct bb_span attributes, data;
    const struct bb_rule *rule;
    struct bb_fault *err;
    int check_data; /* something with entries of its own moved: look at the depth */
};

static bb_status rejected(struct work *w, const char *why, const char *pointer)
{
    snprintf(w->err->text, sizeof w->err->text, "step %u (map) rule %u (%s): %s%s%s", w->rule->step,
             w->rule->number, bb_rule_names[w->rule->op], why, pointer ? " at " : "",
             pointer ? pointer : "");
    return BB_E_REJECT;
}

static struct bb_span *root_of(struct work *w, const struct bb_path *path)
{
    return path->attributes ? &w->attributes : &w->data;
}

/* ---- attributes take text --------------------------------------------------------------------- */

/* Makes v, which comes from data, the text that an attribute holds; NULL or why it cannot be. The
 * text of a number lives in a span of the pool. */
static const char *attribute_text(struct work *w, const struct bb_path *to, struct bb_bytes *v)
{
    static const char *const never_empty[] = {"id", "type", "source"};
    struct bb_cur c = bb_cur_of(*v);
    struct bb_tok t;
    char text[32];
    if (bb_cur_next(&c, &t) != 0)
        return "the message's bytes are damaged";
    if (t.kind == BB_T_INT || t.kind == BB_T_UINT) {
        t.s.len = (size_t)(t.kind == BB_T_INT
                               ? snprintf(text, sizeof text, "%lld", (long long)t.i)
                               : snprintf(text, sizeof text, "%llu", (unsigned long long)t.u));
        t.s.ptr = text;
    } else if (t.kind == BB_T_STR) {
        if (t.s.len > BB_ATTRIBUTE_MAX)
            return "more than 4096 bytes are too long for an attribute";
        for (size_t k = 0; k < 3 && t.s.len == 0; k++)
            if (to->segs[0].text.len == strlen(never_empty[k]) &&
                memcmp(to->segs[0].text.ptr, never_empty[k], to->segs[0].text.len) == 0)
                return "id, type and source cannot be empty";
        return NULL;
    } else if (t.kind != BB_T_DECIMAL || t.s.len > 64) {
        return "an attribute takes a string or a number, which it is not";
    }
    uint8_t *slot = (uint8_t *)bb_span_new(&w->pool);
    if (!slot)
        return w->pool.why;
    /* a span is larger than any such text and its head */
    _Static_assert(sizeof(struct bb_span) >= 64 + 2, "room for a number's text");
    size_t n = 0;
    if (t.s.len < 32) {
        slot[n++] = (uint8_t)(0xa0 | t.s.len);
    } else {
        slot[n++] = 0xd9;
        slot[n++] = (uint8_t)t.s.len;
    }
    memcpy(slot + n, t.s.ptr, t.s.len);
    v->ptr = slot;
    v->len = n + t.s.len;
    return NULL;
}

/* ---- rules ------------------------------------------------------------------------------------ */

/* Puts what `from` holds at the rule's target. */
static bb_status put_at(struct work *w, const struct bb_span *from)
{
    const struct bb_path *to = &w->rule->to;
    struct bb_span held = *from, *target;
    uint32_t type = bb_span_type(from);
    if (to->attributes) {
        const char *why;
        if (held.kind != BB_SPAN_LEAF)
            return rejected(w, "an attribute takes a string or a number, which it is not",
                            w->rule->from.pointer);
        why = attribute_text(w, to, &held.value);
        if (why)
            return rejected(w, why, w->rule->from.pointer);
    } else if (type == BB_T_MAP || type == BB_T_ARRAY) {
        w->check_data = 1;
    }
    /* making the target may split the map that is copied: held keeps what it was */
    target = bb_span_make(&w->pool, root_of(w, to), to);
    if (!target)
        return rejected(w, w->pool.why, to->pointer);
    if (bb_span_copy(&w->pool, target, held.kind == BB_SPAN_LEAF ? &held : from) != 0)
        return rejected(w, w->pool.why, to->pointer);
    return BB_OK;
}

static bb_status run_copy(struct work *w)
{
    const struct bb_rule *r = w->rule;
    struct bb_span *from = bb_span_find(&w->pool, root_of(w, &r->from), &r->from, NULL), copy;
    if (!from) {
        if (w->pool.why)
            return rejected(w, w->pool.why, r->from.pointer);
        return r->optional ? BB_OK : rejected(w, "no value", r->from.pointer);
    }
    if (from->kind != BB_SPAN_LEAF && bb_path_within(&r->to, &r->from)) {
        /* into itself: the copy is of what it was before the target was made */
        memset(&copy, 0, sizeof copy);
        if (bb_span_copy(&w->pool, &copy, from) != 0)
            return rejected(w, w->pool.why, r->from.pointer);
        return put_at(w, &copy);
    }
    return put_at(w, from);
}

static bb_status run_rename(struct work *w)
{
    const struct bb_rule *r = w->rule;
    struct bb_span *parent = NULL, held;
    struct bb_span *from = bb_span_find(&w->pool, root_of(w, &r->from), &r->from, &parent);
    if (!from) {
        if (w->pool.why)
            return rejected(w, w->pool.why, r->from.pointer);
        return r->optional ? BB_OK : rejected(w, "no value", r->from.pointer);
    }
    held = *from;
    bb_span_unlink(parent, from);
    return put_at(w, &held);
}

static bb_status run_constant(struct work *w)
{
    struct bb_span value;
    struct bb_span *target = bb_span_make(&w->pool, root_of(w, &w->rule->to), &w->rule->to);
    if (!target)
        return rejected(w, w->pool.why, w->rule->to.pointer);
    memset(&value, 0, sizeof value);
    value.value = w->rule->value;
    w->check_data |= !w->rule->to.attributes && bb_span_type(&value) >= BB_T_ARRAY;
    return bb_span_copy(&w->pool, target, &value) == 0
               ? BB_OK
               : rejected(w, w->pool.why, w->rule->to.pointer);
}

static bb_status run_drop(struct work *w)
{
    const struct bb_rule *r = w->rule;
    struct bb_span *parent = NULL;
    struct bb_span *s = bb_span_find(&w->pool, root_of(w, &r->from), &r->from, &parent);
    if (s)
        bb_span_unlink(parent, s);
    else if (w->pool.why)
        return rejected(w, w->pool.why, r->from.pointer);
    return BB_OK;
}

static bb_status (*const run[4])(struct work *w) = {run_copy, run_rename, run_constant, run_drop};

/* ---- writing ----------------------------------------------------------------------------------- */

struct writer {
    struct bb_buf *out;
    const uint8_t *from; /* bytes not yet written */
    size_t len;
};

static void put(struct writer *w, struct bb_bytes b)
{
    if (w->len && (const uint8_t *)b.ptr == w->from + w->len) {
        w->len += b.len;
        return;
    }
    if (w->len)
        bb_buf_put(w->out, w->from, w->len);
    w->from = b.ptr;
    w->len = b.len;
}

static void put_head(struct writer *w, int map, uint32_t n)
{
    if (w->len)
        bb_buf_put(w->out, w->from, w->len);
    w->len = 0;
    if (map)
        bb_put_map(w->out, n);
    else
        bb_put_array(w->out, n);
}

/* 0, -1 when it nests too deep. */
static int span_write(struct writer *w, const struct bb_span *s, unsigned depth)
{
    if (s->kind == BB_SPAN_LEAF || s->kind == BB_SPAN_RUN) {
        put(w, s->value);
        return 0;
    }
    if (depth > BB_DEPTH_MAX)
        return -1;
    put_head(w, s->kind == BB_SPAN_MAP, s->count);
    for (const struct bb_span *e = s->child; e; e = e->next) {
        if (e->raw.ptr)
            put(w, e->raw);
        if (span_write(w, e, depth + 1) != 0)
            return -1;
    }
    return 0;
}

static bb_status message_write(struct work *w, const struct bb_transform *t, size_t hint,
                               struct bb_buf *out)
{
    size_t start = out->len, data_at;
    struct writer wr = {out, NULL, 0};
    struct bb_bytes data;
    int deep = 0;
    if (w->attributes.kind == BB_SPAN_MAP && w->attributes.count > BB_ATTRIBUTES_MAX) {
        snprintf(w->err->text, sizeof w->err->text, "the rules make %u attributes, %d are allowed",
                 w->attributes.count, BB_ATTRIBUTES_MAX);
        return BB_E_REJECT;
    }
    (void)bb_buf_room(out, hint + t->grows); /* a failure shows below */
    bb_put_array(out, 2);
    deep |= span_write(&wr, &w->attributes, 1);
    if (wr.len)
        bb_buf_put(out, wr.from, wr.len);
    wr.len = 0;
    data_at = out->len;
    deep |= span_write(&wr, &w->data, 1);
    if (wr.len)
        bb_buf_put(out, wr.from, wr.len);
    if (!deep && !out->failed && w->check_data && t->deepens) {
        data.ptr = out->ptr + data_at;
        data.len = out->len - data_at;
        deep = bb_value_check(data, NULL);
    }
    if (deep || out->failed) {
        snprintf(w->err->text, sizeof w->err->text, "the new message is %s",
                 out->failed ? "larger than the largest that is allowed, or memory is short"
                             : "nested deeper than 64 levels");
        out->len = start;
        return BB_E_REJECT;
    }
    return BB_OK;
}

bb_status bb_transform_apply(const struct bb_transform *t, struct bb_bytes whole, struct bb_buf *out,
                             struct bb_fault *err)
{
    struct bb_fault unused;
    struct bb_cur c = bb_cur_of(whole);
    struct bb_tok tok;
    struct work w;
    bb_status s = BB_OK;
    w.err = err ? err : &unused;
    w.err->offset = 0;
    w.err->text[0] = 0;
    w.check_data = 0;
    memset(&w.attributes, 0, sizeof w.attributes);
    memset(&w.data, 0, sizeof w.data);
    bb_spans_init(&w.pool);
    if (bb_cur_next(&c, &tok) != 0 || tok.kind != BB_T_ARRAY || tok.n != 2 ||
        bb_span_read(&c, &w.attributes) != 0 || bb_span_read(&c, &w.data) != 0 ||
        c.p != c.end || bb_span_type(&w.attributes) != BB_T_MAP) {
        snprintf(w.err->text, sizeof w.err->text, "not a message: [attributes, data] was expected");
        return BB_E_REJECT;
    }
    for (uint32_t k = 0; k < t->n && s == BB_OK; k++) {
        w.rule = &t->rules[k];
        s = run[w.rule->op](&w);
    }
    if (s == BB_OK)
        s = message_write(&w, t, whole.len, out);
    bb_spans_free(&w.pool);
    return s;
}
