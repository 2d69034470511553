/*
 * value.c - canonical values to jq's and back: a number is the same there, or it does not get there
 *
 * Thread: any. Nesting is bounded as a message's is.
 */
#include "core/transform/jq/jq.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_MAX 9007199254740992.0

/* The shortest text that is this double. */
static void double_text(double d, char out[32])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, d);
        if (strtod(out, NULL) == d) /* the program never sets a locale */
            return;
    }
}

/* A number's text: as a number if it comes back the same, else as the step says. */
static jv number_in(struct bb_jq_way *w, struct bb_bytes text)
{
    char copy[64], back[32];
    double d;

    if (text.len < sizeof copy) {
        memcpy(copy, text.ptr, text.len);
        copy[text.len] = '\0';
        d = strtod(copy, NULL);
        double_text(d, back);
        if (isfinite(d) && strcmp(copy, back) == 0 && fabs(d) <= EXACT_MAX)
            return jv_number(d);
    }
    if (w->q->texts)
        return jv_string_sized(text.ptr, (int)text.len);
    snprintf(w->why, sizeof w->why, "%.*s would not be the same in jq; say numbers: text to have such a number "
                                    "as a text, or use map", (int)(text.len < 40 ? text.len : 40),
             (const char *)text.ptr);
    return jv_invalid();
}

static jv integer_in(struct bb_jq_way *w, const struct bb_tok *t)
{
    char text[24];
    int n;

    if (t->kind == BB_T_INT && fabs((double)t->i) < EXACT_MAX)
        return jv_number((double)t->i);
    n = t->kind == BB_T_INT ? snprintf(text, sizeof text, "%lld", (long long)t->i)
                            : snprintf(text, sizeof text, "%llu", (unsigned long long)t->u);
    if (w->q->texts)
        return jv_string_sized(text, n);
    snprintf(w->why, sizeof w->why, "%s is past what jq counts exactly; say numbers: text to have it as a text",
             text);
    return jv_invalid();
}

static jv members_in(struct bb_jq_way *w, struct bb_cur *c, const struct bb_tok *t, unsigned depth)
{
    jv to = t->kind == BB_T_MAP ? jv_object() : jv_array();
    struct bb_tok key;

    for (uint32_t i = 0; i < t->n && jv_get_kind(to) != JV_KIND_INVALID; i++) {
        jv k = jv_null(), v;

        if (t->kind == BB_T_MAP) {
            if (bb_cur_next(c, &key) != 0 || key.kind != BB_T_STR) {
                jv_free(to);
                return jv_invalid();
            }
            k = jv_string_sized(key.s.len ? key.s.ptr : "", (int)key.s.len);
        }
        v = bb_jq_in(w, c, depth + 1);
        if (!jv_is_valid(v)) {
            jv_free(v);
            jv_free(k);
            jv_free(to);
            return jv_invalid();
        }
        to = t->kind == BB_T_MAP ? jv_object_set(to, k, v) : jv_array_append(to, v);
    }
    return to;
}

jv bb_jq_in(struct bb_jq_way *w, struct bb_cur *c, unsigned depth)
{
    struct bb_tok t;

    if (depth > BB_DEPTH_MAX || bb_cur_next(c, &t) != 0) {
        snprintf(w->why, sizeof w->why, "damaged or too deep");
        return jv_invalid();
    }
    switch (t.kind) {
    case BB_T_NIL:
        return jv_null();
    case BB_T_BOOL:
        return t.i ? jv_true() : jv_false();
    case BB_T_INT:
    case BB_T_UINT:
        return integer_in(w, &t);
    case BB_T_STR:
        return jv_string_sized(t.s.len ? t.s.ptr : "", (int)t.s.len);
    case BB_T_DECIMAL:
        return number_in(w, t.s);
    case BB_T_ARRAY:
    case BB_T_MAP:
        return members_in(w, c, &t, depth);
    default:
        snprintf(w->why, sizeof w->why, "%s is nothing that jq knows", "a value of another kind");
        return jv_invalid();
    }
}

static int number_out(struct bb_jq_way *w, double d, struct bb_buf *out)
{
    char text[32];

    if (!isfinite(d) || fabs(d) > EXACT_MAX) {
        snprintf(w->why, sizeof w->why, isfinite(d) ? "%.17g came out: past 2^53 jq's integers are not exact"
                                                    : "%g came out, which is no number", d);
        return -1;
    }
    if (d == floor(d)) {
        bb_put_int(out, (int64_t)d);
        return 0;
    }
    double_text(d, text);
    bb_put_decimal(out, text, strlen(text));
    return 0;
}

static int string_out(jv v, struct bb_buf *out)
{
    bb_put_str(out, jv_string_value(v), (size_t)jv_string_length_bytes(jv_copy(v)));
    return 0;
}

/* v is consumed. */
int bb_jq_out(struct bb_jq_way *w, jv v, unsigned depth, struct bb_buf *out)
{
    int rc = 0, n;

    if (depth > BB_DEPTH_MAX) {
        snprintf(w->why, sizeof w->why, "what came out nests deeper than %d levels", BB_DEPTH_MAX);
        jv_free(v);
        return -1;
    }
    switch (jv_get_kind(v)) {
    case JV_KIND_NULL:
        bb_put_nil(out);
        break;
    case JV_KIND_FALSE:
    case JV_KIND_TRUE:
        bb_put_bool(out, jv_get_kind(v) == JV_KIND_TRUE);
        break;
    case JV_KIND_NUMBER:
        rc = number_out(w, jv_number_value(v), out);
        break;
    case JV_KIND_STRING:
        rc = string_out(v, out);
        break;
    case JV_KIND_ARRAY:
        n = jv_array_length(jv_copy(v));
        bb_put_array(out, (uint32_t)n);
        for (int i = 0; i < n && rc == 0 && !out->failed; i++)
            rc = bb_jq_out(w, jv_array_get(jv_copy(v), i), depth + 1, out);
        break;
    case JV_KIND_OBJECT:
        bb_put_map(out, (uint32_t)jv_object_length(jv_copy(v)));
        for (int i = jv_object_iter(v); rc == 0 && !out->failed && jv_object_iter_valid(v, i);
             i = jv_object_iter_next(v, i)) {
            jv key = jv_object_iter_key(v, i);

            string_out(key, out);
            jv_free(key);
            rc = bb_jq_out(w, jv_object_iter_value(v, i), depth + 1, out);
        }
        break;
    default:
        rc = -1;
    }
    jv_free(v);
    return rc;
}
