/*
 * apply.c - running compiled rules on one message
 *
 * The message is seen as spans (internal.h); the rules move and replace spans; then the new message
 * is written, neighbours that stayed neighbours in one piece.
 *
 * Thread: any, each with its own buffer. Ownership: nothing is kept.
 * Invariant: out holds a whole message or, on any other status than OK, what it held before.
 */
#include "core/transform/internal.h"

#include <stdio.h>

#define TEXT_MAX 64 /* bytes of a number that becomes an attribute's text */

struct work {
    struct bb_spans pool;
    struct bb_span *attributes, *data;
    const struct bb_rule *rule;
    struct bb_fault *err;
    bool check_data; /* something with entries of its own moved: look at the depth */
};

static bb_status rejected(struct work *w, const char *why, const struct bb_path *at)
{
    bb_fail(w->err, "step %u (map) rule %u (%s): %s at %s", w->rule->step, w->rule->number,
            bb_rule_names[w->rule->op], why, at->pointer);
    return BB_E_REJECT;
}

static struct bb_span **root_of(struct work *w, const struct bb_path *path)
{
    return path->attributes ? &w->attributes : &w->data;
}

/* ---- rules ----------------------------------------------------------------------------------- */

/* Makes v, which comes from data, the text that an attribute holds; NULL or why it cannot be. The
 * text of a number lives in a span of the pool. */
static const char *attribute_text(struct work *w, const struct bb_path *to, struct bb_span *v)
{
    struct bb_cur c = bb_cur_of(v->value);
    struct bb_buf b;
    struct bb_tok t;
    char text[32];

    if (v->kind != BB_SPAN_LEAF || bb_cur_next(&c, &t) != 0)
        return "an attribute takes a string or a number, which it is not";
    if (t.kind == BB_T_STR && t.s.len > BB_ATTRIBUTE_MAX)
        return "more than 4096 bytes are too long for an attribute";
    if (t.kind == BB_T_STR && t.s.len == 0 && to->fixed)
        return "id, type and source cannot be empty";
    if (t.kind == BB_T_STR)
        return NULL;
    if (t.kind == BB_T_INT || t.kind == BB_T_UINT) {
        t.s.ptr = text;
        t.s.len = (size_t)(t.kind == BB_T_INT
                               ? snprintf(text, sizeof text, "%lld", (long long)t.i)
                               : snprintf(text, sizeof text, "%llu", (unsigned long long)t.u));
    } else if (t.kind != BB_T_DECIMAL || t.s.len > TEXT_MAX) {
        return "an attribute takes a string or a number, which it is not";
    }
    _Static_assert(sizeof(struct bb_span) >= TEXT_MAX + 2, "room for a number's text and its head");
    bb_buf_init(&b, sizeof(struct bb_span));
    b.ptr = (uint8_t *)bb_span_new(&w->pool);
    if (!b.ptr)
        return w->pool.why;
    b.cap = b.max; /* it never grows */
    bb_put_str(&b, t.s.ptr, t.s.len);
    v->value.ptr = b.ptr;
    v->value.len = b.len;
    return NULL;
}

/* Moves what v holds to the rule's target. */
static bb_status put_at(struct work *w, struct bb_span *v)
{
    const struct bb_path *to = &w->rule->to;
    const char *why = to->attributes ? attribute_text(w, to, v) : NULL;
    struct bb_span *target;

    if (why)
        return rejected(w, why, &w->rule->from);
    w->check_data |= !to->attributes && bb_span_type(v) >= BB_T_ARRAY;
    target = bb_span_make(&w->pool, *root_of(w, to), to);
    if (!target)
        return rejected(w, w->pool.why, to);
    bb_span_move(target, v);
    return BB_OK;
}

/* The link to what the rule is about: NULL when it is not there, and then *s is what that means. */
static struct bb_span **from_find(struct work *w, bool needed, bb_status *s)
{
    const struct bb_path *from = &w->rule->from;
    struct bb_span **link = bb_span_find(&w->pool, root_of(w, from), from);

    *s = BB_OK;
    if (!link && (w->pool.why || needed))
        *s = rejected(w, w->pool.why ? w->pool.why : "no value", from);
    return link;
}

static bb_status run_copy(struct work *w)
{
    struct bb_span copy = {0};
    bb_status s;
    struct bb_span **from = from_find(w, !w->rule->optional, &s);

    if (!from)
        return s;
    /* made before the target, which may lie inside it */
    if (bb_span_copy(&w->pool, &copy, *from) != 0)
        return rejected(w, w->pool.why, &w->rule->from);
    return put_at(w, &copy);
}

static bb_status run_rename(struct work *w)
{
    bb_status s;
    struct bb_span **from = from_find(w, !w->rule->optional, &s), *moved;

    if (!from)
        return s;
    moved = *from;
    *from = moved->next;
    return put_at(w, moved);
}

static bb_status run_constant(struct work *w)
{
    struct bb_span value = {.value = w->rule->value};

    return put_at(w, &value);
}

static bb_status run_drop(struct work *w)
{
    bb_status s;
    struct bb_span **from = from_find(w, false, &s);

    if (from)
        *from = (*from)->next;
    return s;
}

static bb_status (*const run[BB_RULES])(struct work *w) = {run_copy, run_rename, run_constant,
                                                           run_drop};

/* ---- writing --------------------------------------------------------------------------------- */

struct writer {
    struct bb_buf *out;
    const uint8_t *from; /* bytes not yet written */
    size_t len;
};

static void flush(struct writer *w)
{
    if (w->len)
        bb_buf_put(w->out, w->from, w->len);
    w->len = 0;
}

static void put(struct writer *w, struct bb_bytes b)
{
    if (!w->len || (const uint8_t *)b.ptr != w->from + w->len) {
        flush(w);
        w->from = b.ptr;
    }
    w->len += b.len;
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
    flush(w);
    (s->kind == BB_SPAN_MAP ? bb_put_map : bb_put_array)(w->out, bb_span_count(s));
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
    uint32_t attributes = bb_span_count(w->attributes);
    struct writer wr = {out, NULL, 0};
    size_t start = out->len, data_at;
    struct bb_bytes data;
    int deep;

    if (attributes > BB_ATTRIBUTES_MAX) {
        bb_fail(w->err, "the rules make %u attributes, %d are allowed", attributes,
                     BB_ATTRIBUTES_MAX);
        return BB_E_REJECT;
    }
    (void)bb_buf_room(out, hint + t->grows); /* a failure shows below */
    bb_put_array(out, 2);
    deep = span_write(&wr, w->attributes, 1);
    flush(&wr);
    data_at = out->len;
    deep |= span_write(&wr, w->data, 1);
    flush(&wr);
    if (!deep && !out->failed && w->check_data && t->deepens) {
        data.ptr = out->ptr + data_at;
        data.len = out->len - data_at;
        deep = bb_value_check(data, NULL);
    }
    if (!deep && !out->failed)
        return BB_OK;
    bb_fail(w->err, "the new message is %s",
                 out->failed ? "larger than the largest that is allowed, or memory is short"
                             : "nested deeper than 64 levels");
    out->len = start;
    return BB_E_REJECT;
}

bb_status bb_transform_apply(const struct bb_transform *t, struct bb_bytes whole, struct bb_buf *out,
                             struct bb_fault *err)
{
    struct bb_span attributes = {0}, data = {0};
    struct bb_cur c = bb_cur_of(whole);
    struct bb_fault unused;
    struct bb_tok tok;
    struct work w;
    bb_status s = BB_OK;

    w.err = err ? err : &unused;
    w.err->offset = 0;
    w.err->text[0] = '\0';
    w.attributes = &attributes;
    w.data = &data;
    w.check_data = false;
    bb_spans_init(&w.pool);
    if (bb_cur_next(&c, &tok) != 0 || tok.kind != BB_T_ARRAY || tok.n != 2 ||
        bb_cur_value(&c, &attributes.value) != 0 || bb_cur_value(&c, &data.value) != 0 ||
        c.p != c.end || bb_span_type(&attributes) != BB_T_MAP) {
        bb_fail(w.err, "not a message: [attributes, data] was expected");
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
