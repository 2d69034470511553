/*
 * jq.c - the step jq: a program of jq's on the message's data, or on the whole message
 *
 * For odd shapes; a map is exact and a hundred times faster. The library is libjq, whose numbers are
 * doubles: one that would not come back with the same text does not reach it (numbers: refuse), or does
 * as a text (numbers: text); it is never changed. What comes out is as the program made it.
 *
 * The program sees nothing but its input: a head in front of it takes input, env, now, debug, halt and
 * their like from it, and it stands in parentheses, where import and include are none. libjq knows no
 * time limit and ends the process when memory is out; so does a program without an end, for whom the
 * host's watchdog comes. Therefore the core takes this step only where the sink has a process of its own.
 *
 * Thread: apply on any: each run takes a compiled program of its own from the step's list.
 * Ownership: a step owns its programs.
 */
#include "core/transform/jq/jq.h"

#include <stdio.h>
#include <string.h>

#define INPUT_MAX (4u << 20) /* bytes of the message: jq needs many times that */
#define VALUES_MAX 16384u    /* that a program may give with collect */

static bb_status fail(struct bb_apply *a, const char *why)
{
    return bb_apply_reject(a, "mapping", "step %u (jq): %.160s", a->step, *why ? why : "out of memory");
}

/* The program's own error(...) */
static bb_status program_failed(struct bb_apply *a, jv invalid)
{
    jv msg = jv_invalid_get_msg(invalid);
    char text[BB_JQ_TEXT_MAX] = "the program failed";
    bb_status s;

    if (jv_get_kind(msg) != JV_KIND_STRING)
        msg = jv_dump_string(msg, 0);
    snprintf(text, sizeof text, "%s", jv_string_value(msg));
    jv_free(msg);
    s = fail(a, text);
    return s;
}

/* All that the program gives, one after the other: BB_OK with how many. */
static bb_status run(struct bb_apply *a, struct bb_jq_way *w, jq_state *jq, struct bb_buf *values, uint32_t *n)
{
    uint32_t most = w->q->collect ? VALUES_MAX : 1;
    jv v = jq_next(jq);

    for (*n = 0; jv_is_valid(v); v = jq_next(jq)) {
        if (*n == most) {
            jv_free(v);
            return fail(a, w->q->collect ? "the program gives more than 16384 values"
                                         : "the program gives several values: with collect: true they become "
                                           "a list, which split can take apart");
        }
        ++*n;
        if (bb_jq_out(w, v, 3, values) != 0)
            return fail(a, w->why);
        if (values->failed)
            return fail(a, "what the program gives is too large");
    }
    if (jv_invalid_has_msg(jv_copy(v)))
        return program_failed(a, v);
    jv_free(v);
    return BB_OK;
}

/* [attributes, value], or what the program made of a whole message. */
static bb_status message_put(struct bb_apply *a, const struct bb_jq *q, const struct bb_envelope *e,
                             struct bb_bytes values, uint32_t n, struct bb_buf *out)
{
    struct bb_fault bad = {0};
    struct bb_bytes attributes = e->attributes, data = values;
    size_t from = out->len;

    if (q->whole) {
        if (q->collect || bb_map_get(values, "attributes", &attributes) != 1 ||
            bb_map_get(values, "data", &data) != 1)
            return fail(a, "with input: message the program gives {attributes, data}");
    }
    bb_put_array(out, 2);
    bb_put_raw(out, attributes);
    if (q->collect)
        bb_put_array(out, n);
    bb_put_raw(out, data);
    if (!out->failed &&
        bb_message_check((struct bb_bytes){out->ptr + from, out->len - from}, &bad) != 0) {
        char why[BB_JQ_TEXT_MAX];

        snprintf(why, sizeof why, "what the program gives is no message: %.110s", bad.text);
        return fail(a, why);
    }
    return BB_OK;
}

static jv input_make(struct bb_jq_way *w, const struct bb_envelope *e)
{
    struct bb_cur c = bb_cur_of(e->data), attributes = bb_cur_of(e->attributes);
    jv data = bb_jq_in(w, &c, 2), all;

    if (!w->q->whole || !jv_is_valid(data))
        return data;
    all = bb_jq_in(w, &attributes, 2);
    if (!jv_is_valid(all)) {
        jv_free(data);
        return all;
    }
    return jv_object_set(jv_object_set(jv_object(), jv_string("attributes"), all), jv_string("data"), data);
}

static bb_status jq_apply(const void *self, struct bb_apply *a, struct bb_bytes whole, struct bb_buf *out)
{
    struct bb_jq *q = (struct bb_jq *)(uintptr_t)self; /* but for the list of idle programs it is only read */
    struct bb_jq_way w = {.q = q};
    struct bb_envelope e;
    struct bb_buf values;
    struct bb_jq_program *p;
    uint32_t n = 0;
    bb_status s;
    jv in;

    if (whole.len > INPUT_MAX)
        return fail(a, "a message of more than 4 MiB is too much for jq: use map");
    if (bb_envelope_read(whole, &e, NULL) != 0)
        return fail(a, "damaged message");
    in = input_make(&w, &e);
    if (!jv_is_valid(in)) {
        jv_free(in);
        return *w.why ? fail(a, w.why) : BB_E_RETRY;
    }
    p = bb_jq_take(q);
    if (!p) {
        jv_free(in);
        return BB_E_RETRY;
    }
    bb_buf_init(&values, out->max);
    jq_start(p->jq, in, 0);
    s = run(a, &w, p->jq, &values, &n);
    jq_start(p->jq, jv_null(), 0); /* lets go of what the run still holds */
    bb_jq_give(q, p);
    if (s == BB_OK && !n && !q->collect) {
        bb_fail(a->err, "step %u (jq): the program gives nothing", a->step);
        s = BB_E_CANCEL;
    } else if (s == BB_OK) {
        s = message_put(a, q, &e, (struct bb_bytes){values.ptr, values.len}, n, out);
    }
    bb_buf_free(&values);
    return s;
}

const struct bb_step_ops bb_step_jq = {.name = "jq", .pure = true, .foreign = true,
                                       .compile = bb_jq_compile, .apply = jq_apply, .free = bb_jq_free};
