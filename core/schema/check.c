/*
 * check.c - one node over one value: kind, number, text, given values, and then its other parts
 *
 * The same code runs in two ways. Plain: the first thing that does not hold ends it, with NULL all
 * the way up. Gathering: what does not hold is noted and the check goes on; NULL is a fault then.
 * Marks, the children of the value that some subschema has looked at, are kept only where an
 * unevaluatedItems or unevaluatedProperties asks for them.
 *
 * Thread: the run's. Invariant: whatever way bb_node_check() ends, depth, scope, frame, scratch and
 * secret are as they were.
 */
#include "core/schema/internal.h"

#include <busbar/decimal.h>

static const uint8_t kinds[] = { /* BB_T_... to BB_K_...; 0: not in a canonical value */
    [BB_T_NIL] = BB_K_NULL,  [BB_T_BOOL] = BB_K_BOOL, [BB_T_INT] = BB_K_INT,
    [BB_T_UINT] = BB_K_INT,  [BB_T_STR] = BB_K_STR,   [BB_T_DECIMAL] = BB_K_NUMBER,
    [BB_T_ARRAY] = BB_K_ARRAY, [BB_T_MAP] = BB_K_OBJECT, [BB_T_BIN] = 0,
    [BB_T_FLOAT] = 0, [BB_T_EXT] = 0};

static const char *kinds_text(unsigned bits, char out[96])
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{BB_K_NULL, "null"}, {BB_K_BOOL, "boolean"}, {BB_K_STR, "string"},
                 {BB_K_ARRAY, "array"}, {BB_K_OBJECT, "object"}, {BB_K_INT, "integer"}};
    size_t i, n = 0;

    *out = '\0';
    for (i = 0; i < 6; i++)
        if (bits & names[i].bit)
            n += (size_t)snprintf(out + n, 96 - n, "%s%s", n ? " or " : "",
                                  names[i].bit == BB_K_INT && bits & BB_K_NUMBER ? "number"
                                                                                 : names[i].name);
    return out;
}

static bool type_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                       const uint8_t *end, unsigned kind)
{
    char text[96];

    if (n->types & kind)
        return true;
    if (kind == BB_K_NUMBER && (n->types & BB_K_INT) &&
        bb_number_is_integer((struct bb_bytes){p, (size_t)(end - p)}) == 1)
        return true;
    bb_run_fail(r, n, "type", p, "must be %s", kinds_text(n->types, text));
    return false;
}

/* ---- numbers ------------------------------------------------------------------------------------ */
static bool bound(struct bb_schema_run *r, const struct bb_snode *n, struct bb_bytes v,
                  struct bb_bytes than, int sign, bool equal, const char *keyword,
                  const char *rule)
{
    char text[64];
    int order;

    if (!than.len)
        return true;
    if (bb_number_compare(v, than, &order) != 0) {
        bb_run_fault(r, "a number is past the limits of exact arithmetic");
        return false;
    }
    if (order * sign > 0 || (equal && order == 0))
        return true;
    bb_run_show(text, sizeof(text), than.ptr, (const uint8_t *)than.ptr + than.len);
    return bb_run_fail(r, n, keyword, v.ptr, "must be %s %s", rule, text);
}

static bool number_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                         const uint8_t *end, const struct bb_tok *t)
{
    const struct bb_snum *num = n->num;
    struct bb_bytes v = {p, (size_t)(end - p)};
    char text[64];
    int holds;

    if (num->plain && t->kind == BB_T_INT && t->i >= num->min && t->i <= num->max)
        return true;
    if (!bound(r, n, v, num->minimum, 1, true, "minimum", "at least") ||
        !bound(r, n, v, num->maximum, -1, true, "maximum", "at most") ||
        !bound(r, n, v, num->above, 1, false, "exclusiveMinimum", "more than") ||
        !bound(r, n, v, num->below, -1, false, "exclusiveMaximum", "less than"))
        return false;
    if (!num->multiple.len)
        return true;
    holds = bb_number_is_multiple(v, num->multiple);
    if (holds < 0) {
        bb_run_fault(r, "a number is past the limits of exact arithmetic");
        return false;
    }
    bb_run_show(text, sizeof(text), num->multiple.ptr,
                (const uint8_t *)num->multiple.ptr + num->multiple.len);
    return holds || bb_run_fail(r, n, "multipleOf", p, "must be a multiple of %s", text);
}

/* ---- texts -------------------------------------------------------------------------------------- */
static size_t code_points(struct bb_bytes s)
{
    const uint8_t *p = s.ptr;
    size_t i, n = 0;

    for (i = 0; i < s.len; i++)
        n += (p[i] & 0xc0) != 0x80;
    return n;
}

static bool pattern_check(struct bb_schema_run *r, const struct bb_spattern *pattern,
                          struct bb_bytes s, bool *holds)
{
    int rc;

    if (!bb_run_work(r, 16 + s.len))
        return false;
    rc = bb_spattern_match(pattern, s, r->match, r->context);
    if (rc < 0)
        bb_run_fault(r, "the pattern \"%.80s\" takes too many steps on a text of %zu bytes",
                     pattern->text, s.len);
    *holds = rc == 1;
    return rc >= 0;
}

bool bb_run_pattern(struct bb_schema_run *r, const struct bb_spattern *pattern, struct bb_bytes s,
                    bool *holds)
{
    return pattern_check(r, pattern, s, holds);
}

static bool string_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                         struct bb_bytes s)
{
    const struct bb_sstr *str = n->str;
    size_t points;
    bool holds;

    /* bytes are at least as many as code points and at most four times as many */
    if (s.len > str->max || s.len / 4 < str->min) {
        points = code_points(s);
        if (points > str->max &&
            !bb_run_fail(r, n, "maxLength", p, "is %zu characters long: at most %u", points,
                         str->max))
            return false;
        if (points < str->min &&
            !bb_run_fail(r, n, "minLength", p, "is %zu characters long: at least %u", points,
                         str->min))
            return false;
    }
    if (str->pattern) {
        if (!pattern_check(r, str->pattern, s, &holds))
            return false;
        if (!holds &&
            !bb_run_fail(r, n, "pattern", p, "must match %.150s", str->pattern->text))
            return false;
    }
    return !str->format || str->format->holds(s.ptr, s.len) ||
           bb_run_fail(r, n, "format", p, "%s", str->format->rule);
}

/* ---- given values ------------------------------------------------------------------------------- */
static bool values_check(struct bb_schema_run *r, const struct bb_snode *n,
                         const struct bb_svalues *e, const uint8_t *p, const uint8_t *end,
                         const struct bb_tok *t)
{
    struct bb_bytes v = {p, (size_t)(end - p)};
    uint32_t i;
    int equal;

    if (t->kind == BB_T_STR && e->strings) {
        if (bb_stable_find(e->strings, t->s))
            return true;
    } else {
        for (i = 0; i < e->n; i++) {
            equal = bb_values_equal(r, v, e->others[i]);
            if (equal)
                return equal > 0;
        }
    }
    return bb_run_fail(r, n, e->single ? "const" : "enum", p, "must be %s%s",
                       e->single ? "" : "one of ", e->rule);
}

/* ---- the node ----------------------------------------------------------------------------------- */
struct visit { /* of one node */
    struct bb_cur c; /* after the value's first token */
    struct bb_tok t;
    const uint8_t *end; /* of the value, NULL: not known yet */
};

static bool end_find(struct bb_schema_run *r, const uint8_t *p, struct visit *v)
{
    struct bb_cur c = {p, r->end};

    if (v->end)
        return true;
    if (bb_cur_skip(&c) != 0) {
        bb_run_fault(r, "the bytes are no canonical value");
        return false;
    }
    v->end = c.p;
    return true;
}

static bool parts_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                        struct visit *v, struct bb_smarks *marks)
{
    switch (v->t.kind) {
    case BB_T_ARRAY:
        if (n->arr && !(v->end = bb_array_check(r, n, p, v->c, v->t.n, marks)))
            return false;
        break;
    case BB_T_MAP:
        if (n->obj && !(v->end = bb_object_check(r, n, p, v->c, v->t.n, marks)))
            return false;
        break;
    case BB_T_STR:
        v->end = v->c.p;
        if (n->str && !string_check(r, n, p, v->t.s))
            return false;
        break;
    default:
        v->end = v->c.p;
        if (n->num && v->t.kind != BB_T_NIL && v->t.kind != BB_T_BOOL &&
            !number_check(r, n, p, v->end, &v->t))
            return false;
        break;
    }
    if (n->values &&
        (!end_find(r, p, v) || !values_check(r, n, n->values, p, v->end, &v->t)))
        return false;
    if (n->constant &&
        (!end_find(r, p, v) || !values_check(r, n, n->constant, p, v->end, &v->t)))
        return false;
    return (!n->logic || bb_logic_check(r, n, p, marks, &v->end)) && end_find(r, p, v);
}

static bool has_unevaluated(const struct bb_snode *n, uint32_t kind)
{
    return (kind == BB_T_ARRAY && n->arr && n->arr->unevaluated) ||
           (kind == BB_T_MAP && n->obj && n->obj->unevaluated);
}

/* With marks of its own, which those around it get when it holds. */
static bool unevaluated_visit(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                              struct visit *v, struct bb_smarks *marks)
{
    struct bb_smarks own;

    if (!bb_marks_new(r, &own, v->t.n) || !parts_check(r, n, p, v, &own) ||
        !bb_unevaluated_check(r, n, p, &own))
        return false;
    if (marks)
        bb_marks_add(marks, &own);
    return true;
}

static bool visit(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                  struct visit *v, struct bb_smarks *marks)
{
    v->c.p = p;
    v->c.end = r->end;
    v->end = NULL;
    if (bb_cur_read(&v->c, &v->t) != 0 || !kinds[v->t.kind]) {
        bb_run_fault(r, "the bytes are no canonical value");
        return false;
    }
    if (n->flags & BB_NODE_NEVER)
        return bb_run_fail(r, n, "", p, "no value is allowed here") && end_find(r, p, v);
    if (n->types != BB_K_ALL && !type_check(r, n, p, v->c.p, kinds[v->t.kind]))
        return r->gather && !r->faulted && end_find(r, p, v);
    if ((n->flags & BB_NODE_UNEVALUATED) && has_unevaluated(n, v->t.kind))
        return unevaluated_visit(r, n, p, v, marks);
    return parts_check(r, n, p, v, marks);
}

const uint8_t *bb_node_check(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                             struct bb_smarks *marks)
{
    struct bb_sscope scope = {r->scope, n->resource};
    const struct bb_sframe *frame = r->frame;
    size_t scratch = r->scratch_used;
    struct visit v;
    bool holds;

    if (r->work-- <= 0)
        return bb_run_fault(r, "checking takes too many steps: it was given up");
    if (++r->depth > BB_RUN_DEPTH) {
        r->depth--;
        return bb_run_fault(r, "schemas are nested deeper than %d at one value", BB_RUN_DEPTH);
    }
    if (!scope.up || scope.up->resource != n->resource)
        r->scope = &scope;
    r->secret += n->flags & BB_NODE_SECRET;
    holds = visit(r, n, p, &v, marks) && !r->faulted;
    r->secret -= n->flags & BB_NODE_SECRET;
    r->scope = scope.up;
    r->frame = frame;
    r->scratch_used = scratch;
    r->depth--;
    return holds ? v.end : NULL;
}

const uint8_t *bb_node_holds(struct bb_schema_run *r, const struct bb_snode *n, const uint8_t *p,
                             struct bb_smarks *marks)
{
    bool gather = r->gather;
    const uint8_t *end;

    r->gather = false;
    end = bb_node_check(r, n, p, marks);
    r->gather = gather;
    return end;
}
