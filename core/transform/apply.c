/*
 * apply.c - a message through the compiled steps, one after the other
 *
 * The last step that writes does so straight to out. Between several, messages stay in two buffers that
 * take turns; steps that only check leave them as they are.
 *
 * Thread: any. Ownership: nothing is kept.
 * Invariant: out holds a whole message behind what it held or, on any other status than OK, what it
 * held before (with keep_partial: also what the failed step was given).
 */
#include "core/transform/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

int64_t bb_apply_now(struct bb_apply *a)
{
    struct timespec ts;

    if (a->run->now_ns == 0) {
        clock_gettime(CLOCK_REALTIME, &ts);
        a->run->now_ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
    }
    return a->run->now_ns;
}

bb_status bb_apply_reject(struct bb_apply *a, const char *failure, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(a->err->text, sizeof a->err->text, fmt, ap);
    va_end(ap);
    a->err->offset = 0;
    a->run->failure = failure;
    return BB_E_REJECT;
}

bb_status bb_apply_child(struct bb_apply *a, struct bb_bytes whole)
{
    struct bb_fault why = {0};

    if (a->run->child && a->run->child(a->run->arg, whole, &why) != 0)
        return bb_apply_reject(a, "mapping", "step %u: %.160s", a->step, why.text);
    a->run->children++;
    return BB_OK;
}

bb_status bb_transform_apply(const struct bb_transform *t, struct bb_bytes whole, struct bb_buf *out,
                             struct bb_transform_run *run, struct bb_fault *err)
{
    struct bb_transform_run own_run = {0};
    struct bb_fault own_err;
    struct bb_apply a = {.run = run ? run : &own_run, .err = err ? err : &own_err, .original = whole};
    struct bb_buf between[2];
    size_t start = out->len;
    uint32_t turn = 0, last = t->n; /* last: that writes */
    bb_status s = BB_OK;

    a.err->offset = 0;
    a.err->text[0] = '\0';
    a.run->failure = NULL;
    a.run->note[0] = '\0';
    a.run->children = 0;
    a.run->quarantine = false;
    bb_buf_init(&between[0], out->max);
    bb_buf_init(&between[1], out->max);
    for (uint32_t k = 0; k < t->n; k++)
        last = t->steps[k].ops->checks ? last : k;
    for (uint32_t k = 0; k < t->n && s == BB_OK; k++) {
        const struct bb_step *step = &t->steps[k];
        struct bb_buf *to = k >= last ? out : &between[turn & 1];
        size_t from = to == out ? start : 0;

        if (to != out)
            bb_buf_reset(to);
        a.step = a.run->step = step->number;
        if (a.run->ran)
            a.run->ran(a.run->ran_arg, step->number, NULL);
        s = step->ops->apply(step->self, &a, whole, to);
        if (s != BB_OK || step->ops->checks || step->ops->splits)
            continue;
        whole = (struct bb_bytes){to->ptr + from, to->len - from};
        turn++;
    }
    if (s == BB_OK && last == t->n) /* nothing but checks */
        bb_put_raw(out, whole);
    if (s != BB_OK) {
        out->len = start;
        a.run->children = 0;
    }
    if (s == BB_E_REJECT && !a.run->failure)
        a.run->failure = "mapping";
    if (s == BB_E_REJECT && a.run->keep_partial) {
        if (whole.len && whole.ptr == out->ptr + start)
            out->len = start + whole.len; /* it is there already */
        else
            bb_put_raw(out, whole);
    }
    bb_buf_free(&between[0]);
    bb_buf_free(&between[1]);
    return s;
}

bb_status bb_transform_check(const struct bb_transform *t, struct bb_bytes whole,
                             struct bb_transform_run *run, struct bb_fault *err)
{
    struct bb_fault why;
    struct bb_apply a = {.run = run, .err = &why, .original = whole};
    bb_status s = BB_OK;
    struct bb_buf none;

    bb_buf_init(&none, 0);
    for (uint32_t k = 0; k < t->n; k++) {
        const struct bb_step *step = &t->steps[k];

        why = (struct bb_fault){0, ""};
        a.step = run->step = step->number;
        switch (step->ops->apply(step->self, &a, whole, &none)) {
        case BB_OK:
            continue;
        case BB_E_RETRY:
            *err = why;
            return BB_E_RETRY;
        default:
            if (s == BB_OK)
                *err = why;
            s = BB_E_REJECT;
        }
    }
    return s;
}
