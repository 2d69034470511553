/*
 * text.c - the rules for texts: split, join, cast
 *
 * Thread: any. Ownership: new texts live in the level.
 */
#include "core/transform/map/map.h"

#include <stddef.h>
#include <string.h>
#include "sdk/lib/codec.h"

struct change { /* from one place to another, by a text */
    struct bb_rule head;
    struct bb_path from, to;
    char *by;
    int optional;
    uint32_t as;
};

/* ---- split ----------------------------------------------------------------------------------------- */
static const struct bb_arg split_args[] = {
    {"from", &bb_arg_from, offsetof(struct change, from), true},
    {"to", &bb_arg_to, offsetof(struct change, to), false},
    {"by", &bb_arg_text, offsetof(struct change, by), true},
    {"optional", &bb_arg_truth, offsetof(struct change, optional), false},
    {NULL, NULL, 0, false}};

static int split_check(struct bb_map_compile *m, struct bb_rule *r)
{
    struct change *p = (struct change *)r;

    if (bb_to_default(m, &p->from, &p->to) != 0)
        return -1;
    m->map->deepens = true;
    if (!*p->by)
        return bb_compile_say_at(m->c, "by", "must not be empty");
    if (p->to.root == BB_ROOT_ATTRIBUTES)
        return bb_compile_say_at(m->c, "to", "an attribute takes one value, not a list");
    return 0;
}

/* s without the blanks around it. */
static struct bb_bytes trimmed(const char *s, size_t n)
{
    while (n && (*s == ' ' || *s == '\t')) {
        s++;
        n--;
    }
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    return (struct bb_bytes){s, n};
}

static bb_status split_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct change *p = (const struct change *)r;
    size_t by = strlen(p->by);
    struct bb_span list = {0};
    struct bb_buf out;
    struct bb_tok t;
    const char *at, *end, *hit;
    uint32_t n = 0;
    bb_status s;
    struct bb_span **from = bb_work_find(w, &p->from, !p->optional, &s);

    if (!from)
        return s;
    if (!bb_span_scalar(*from, &t) || t.kind != BB_T_STR)
        return bb_work_reject(w, "a text is needed, there is something else", &p->from);
    bb_buf_init(&out, w->bytes_max);
    bb_buf_put(&out, "\0\0\0\0\0", BB_LIST_HEAD);
    for (at = t.s.ptr, end = at + t.s.len; t.s.len && at <= end; at = hit + by, n++) {
        struct bb_bytes part;

        hit = memmem(at, (size_t)(end - at), p->by, by);
        part = trimmed(at, (size_t)((hit ? hit : end) - at));
        bb_put_str(&out, part.ptr, part.len);
        if (!hit) {
            n++;
            break;
        }
    }
    s = bb_list_set(w, &p->to, &list, &out, n);
    return s == BB_OK ? bb_work_put(w, &p->to, &list, &p->from) : s;
}

const struct bb_rule_ops bb_rule_split = {
    .name = "split", .size = sizeof(struct change), .args = split_args, .check = split_check,
    .run = split_run};

/* ---- join ------------------------------------------------------------------------------------------ */
static int join_check(struct bb_map_compile *m, struct bb_rule *r)
{
    struct change *p = (struct change *)r;

    return bb_to_default(m, &p->from, &p->to);
}

static bb_status join_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct change *p = (const struct change *)r;
    struct bb_span *list;
    struct bb_bytes bytes, v, text;
    struct bb_buf out;
    struct bb_cur c;
    struct bb_tok t;
    char small[32];
    uint32_t n;
    bb_status s = bb_list_find(w, &p->from, p->optional, &list, &bytes);

    if (s != BB_OK || !list)
        return s;
    if (!bb_group_of(bytes, BB_T_ARRAY, &c, &n))
        return bb_work_reject(w, "the message's bytes are damaged", &p->from);
    bb_buf_init(&out, w->bytes_max);
    for (uint32_t k = 0; k < n && s == BB_OK; k++) {
        if (k)
            bb_buf_put(&out, p->by, strlen(p->by));
        if (bb_cur_value(&c, &v) != 0 || !bb_scalar_of(v, &t) || !bb_scalar_text(&t, small, &text))
            s = bb_work_reject(w, "an entry of the list is no text or number", &p->from);
        else
            bb_buf_put(&out, text.ptr, text.len);
    }
    if (s == BB_OK && out.failed)
        s = bb_work_reject(w, "the text is too large, or memory is short", &p->from);
    if (s == BB_OK)
        s = bb_work_put_text(w, &p->to, out.len ? (const char *)out.ptr : "", out.len, &p->from);
    bb_buf_free(&out);
    return s;
}

const struct bb_rule_ops bb_rule_join = {
    .name = "join", .size = sizeof(struct change), .args = split_args, .check = join_check,
    .run = join_run};

/* ---- cast ------------------------------------------------------------------------------------------ */
enum { AS_TEXT, AS_NUMBER, AS_TRUTH, AS_KINDS };
static const char *const as_names[AS_KINDS] = {"text", "number", "truth"};

static int as_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct bb_bytes s = {"", 0};

    (void)a;
    bb_as_str(v, &s);
    *(uint32_t *)member = bb_word_of(s, as_names, AS_KINDS);
    return *(uint32_t *)member < AS_KINDS ? 0 : bb_compile_unknown(m->c, "kind", s, as_names, AS_KINDS);
}
static const struct bb_arg_kind arg_as = {as_read, NULL, NULL};

static const struct bb_arg cast_args[] = {
    {"from", &bb_arg_from, offsetof(struct change, from), true},
    {"to", &bb_arg_to, offsetof(struct change, to), false},
    {"as", &arg_as, offsetof(struct change, as), true},
    {"optional", &bb_arg_truth, offsetof(struct change, optional), false},
    {NULL, NULL, 0, false}};

/* A text as a number in JSON's grammar; leading zeros, which SAP writes, and a plus are left out. */
static bb_status to_number(struct bb_work *w, const struct change *p, struct bb_bytes text)
{
    struct bb_bytes s = trimmed(text.ptr, text.len), v;
    const char *q = s.ptr;
    char small[64];
    size_t n = s.len, len = 0;

    if (n && (*q == '-' || *q == '+')) {
        if (*q == '-')
            small[len++] = '-';
        q++;
        n--;
    }
    while (n > 1 && *q == '0' && q[1] >= '0' && q[1] <= '9') {
        q++;
        n--;
    }
    if (n == 0 || len + n > sizeof small)
        return bb_work_reject(w, "not a number", &p->from);
    memcpy(small + len, q, n);
    if (bb_level_number(w->level, small, len + n, &v) != 0)
        return bb_work_reject(w, w->level->why, &p->from);
    return bb_work_put_value(w, &p->to, v, &p->from);
}

static bb_status to_truth(struct bb_work *w, const struct change *p, struct bb_bytes text)
{
    static const char *const words[] = {"true", "yes", "y", "X", "1", "false", "no", "n", "", "0"};
    uint32_t k = bb_word_of(trimmed(text.ptr, text.len), words, 10);

    if (k == 10)
        return bb_work_reject(w, "neither true, yes, y, X, 1 nor false, no, n, 0 or empty", &p->from);
    return bb_work_put_value(w, &p->to, (struct bb_bytes){k < 5 ? "\xc3" : "\xc2", 1}, &p->from);
}

static bb_status cast_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct change *p = (const struct change *)r;
    struct bb_bytes text;
    struct bb_span copy;
    struct bb_tok t;
    char small[32];
    bb_status s;
    struct bb_span **from = bb_work_find(w, &p->from, !p->optional, &s);

    if (!from)
        return s;
    if (!bb_span_scalar(*from, &t) || !bb_scalar_text(&t, small, &text))
        return bb_work_reject(w, "a text, a number or a truth value is needed, there is something else",
                              &p->from);
    if (p->as == AS_TEXT)
        return bb_work_put_text(w, &p->to, text.ptr, text.len, &p->from);
    if ((p->as == AS_NUMBER && bb_scalar_number(&t)) || (p->as == AS_TRUTH && t.kind == BB_T_BOOL)) {
        copy = **from; /* it is one already */
        return bb_work_put(w, &p->to, &copy, &p->from);
    }
    return p->as == AS_NUMBER ? to_number(w, p, text) : to_truth(w, p, text);
}

const struct bb_rule_ops bb_rule_cast = {
    .name = "cast", .size = sizeof(struct change), .args = cast_args, .check = join_check,
    .run = cast_run};
