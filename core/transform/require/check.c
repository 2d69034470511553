/*
 * check.c - a message against a require: all that does not hold, each with its pointer
 *
 * The report is one line of text, at most BB_CHECK_SHOWN findings and BB_CHECK_BYTES bytes; the rest is
 * counted. Lists are lists.c's.
 *
 * Thread: any. Ownership: nothing is kept.
 */
#include "core/transform/require/require.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 64

/* The pointer in the message: ./qty of the third entry of /data/lines is /data/lines/2/qty. */
static void pointer_of(const struct bb_check *k, const struct bb_path *p, char *out, size_t cap)
{
    if (p->root == BB_ROOT_ENTRY && k->each)
        snprintf(out, cap, "%s/%u%s", k->each->at.pointer, k->entry, p->pointer + 1);
    else
        snprintf(out, cap, "%s", p->pointer);
}

/* Whether somebody hears of one more. */
static bool count(struct bb_check *k, const char *failure)
{
    if (!k->found++)
        k->failure = failure;
    k->kind = failure;
    return k->found <= BB_CHECK_SHOWN || k->a->run->found;
}

static void put(struct bb_check *k, const char *pointer, const char *why)
{
    int n;

    if (k->a->run->found)
        k->a->run->found(k->a->run->arg, pointer, k->kind, why);
    if (k->found > BB_CHECK_SHOWN)
        return;
    n = snprintf(k->text + k->len, sizeof k->text - k->len, "%s%s %s", k->len ? "; " : "", pointer, why);
    if (n > 0 && (size_t)n < sizeof k->text - k->len)
        k->len += (size_t)n;
    else
        k->text[k->len] = '\0'; /* no room for it: counted */
}

void bb_check_say(struct bb_check *k, const char *failure, const struct bb_path *at, const char *fmt, ...)
{
    char pointer[300], why[300];
    va_list ap;

    if (!count(k, failure))
        return;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    pointer_of(k, at, pointer, sizeof pointer);
    put(k, pointer, why);
}

/* bb_require_finding */
static void schema_say(void *arg, const char *at, const char *rule, const char *value)
{
    struct bb_check *k = arg;
    char pointer[300], why[400];

    if (!count(k, "schema"))
        return;
    snprintf(pointer, sizeof pointer, "/data%s", at);
    snprintf(why, sizeof why, *value ? "%.300s: %.80s" : "%.300s", rule, value);
    put(k, pointer, why);
}

static bool nil(struct bb_bytes v)
{
    return v.len == 1 && *(const uint8_t *)v.ptr == 0xc0;
}

/* ---- present, that --------------------------------------------------------------------------------- */
static void visit(void *arg, const struct bb_path *path, unsigned effect)
{
    const struct bb_path **first = arg;

    (void)effect;
    if (!*first)
        *first = path;
}

void bb_check_cond(struct bb_check *k, struct bb_cond *cond)
{
    const struct bb_path *at = NULL;
    char shown[VALUE_MAX] = "is not there";
    struct bb_bytes v;
    int rc = bb_ref_holds(cond, &k->m);

    if (rc > 0)
        return;
    bb_arg_cond.paths(&cond, visit, &at);
    if (bb_ref_get(at, &k->m, &v) == 1)
        bb_ref_show(v, shown, sizeof shown);
    if (rc < 0)
        bb_check_say(k, "condition", at, "cannot be compared: %s", shown);
    else
        bb_check_say(k, "condition", at, "does not meet the condition: %s", shown);
}

void bb_check_asks(struct bb_check *k, const struct bb_asks *asks)
{
    struct bb_bytes v;

    for (uint32_t i = 0; i < asks->present.n; i++)
        if (bb_ref_get(&asks->present.v[i], &k->m, &v) != 1 || nil(v))
            bb_check_say(k, "incomplete", &asks->present.v[i], "is missing");
    for (uint32_t i = 0; i < asks->n_that; i++)
        bb_check_cond(k, asks->that[i]);
}

/* ---- approval, effectivity -------------------------------------------------------------------------- */
static void states_show(struct bb_bytes states, char *out, size_t cap)
{
    struct bb_bytes one;
    struct bb_cur c;
    size_t len = 0;
    uint32_t n;

    out[0] = '\0';
    if (!bb_group_of(states, BB_T_ARRAY, &c, &n))
        return;
    for (uint32_t i = 0; i < n && bb_cur_value(&c, &one) == 0; i++) {
        char shown[VALUE_MAX];

        bb_ref_show(one, shown, sizeof shown);
        len += (size_t)snprintf(out + len, cap - len, "%s%s", i ? " or " : "", shown);
        if (len >= cap)
            return;
    }
}

static void approval_check(struct bb_check *k)
{
    const struct bb_bytes states = {k->q->states.ptr, k->q->states.len};
    char shown[VALUE_MAX], wanted[160];
    struct bb_bytes v, one;
    struct bb_tok a, b;
    struct bb_cur c;
    uint32_t n;
    int rc = bb_ref_get(&k->q->approval, &k->m, &v);

    states_show(states, wanted, sizeof wanted);
    if (rc != 1 || nil(v)) {
        bb_check_say(k, "approval", &k->q->approval, "is missing: %s is asked for", wanted);
        return;
    }
    for (bb_group_of(states, BB_T_ARRAY, &c, &n); n && bb_cur_value(&c, &one) == 0; n--)
        if (bb_scalar_of(v, &a) && bb_scalar_of(one, &b) && bb_scalar_equal(&a, &b))
            return;
    bb_ref_show(v, shown, sizeof shown);
    bb_check_say(k, "approval", &k->q->approval, "is %s, not %s", shown, wanted);
}

static void effectivity_check(struct bb_check *k)
{
    const struct bb_path *at = &k->q->effectivity;
    struct bb_bytes v = {NULL, 0};
    struct bb_window w;
    const char *why;
    int place;

    if (bb_ref_get(at, &k->m, &v) != 1)
        v.len = 0;
    if (bb_window_read(v, &w, &why) != 0) {
        bb_check_say(k, "effectivity", at, "%s", why);
        return;
    }
    place = bb_window_place(&w, bb_apply_now(k->a), k->q->zone);
    if (place > 0)
        bb_check_say(k, "effectivity", at, "is over");
    else if (place < 0 && k->q->way == BB_WAY_CURRENT)
        bb_check_say(k, "effectivity", at, "has not begun");
    else if (place == 0 && k->q->way == BB_WAY_FUTURE)
        bb_check_say(k, "effectivity", at, "has begun");
}

/* ---- the whole ----------------------------------------------------------------------------------------- */
static bb_status end(struct bb_check *k)
{
    struct bb_apply *a = k->a;
    char head[120], more[40] = "";
    uint32_t shown = k->found < BB_CHECK_SHOWN ? k->found : BB_CHECK_SHOWN;

    if (k->found > shown)
        snprintf(more, sizeof more, " and %u more", k->found - shown);
    snprintf(head, sizeof head, "step %u (require): ", a->step);
    bb_apply_reject(a, k->q->failure ? k->q->failure : k->failure, "%s%.150s%s", head, k->text, more);
    if (a->run->report) {
        bb_buf_reset(a->run->report);
        bb_buf_put(a->run->report, head, strlen(head));
        bb_buf_put(a->run->report, k->text, k->len);
        bb_buf_put(a->run->report, more, strlen(more));
    }
    a->run->quarantine = true;
    return k->q->skip ? BB_E_CANCEL : BB_E_REJECT;
}

bb_status bb_require_apply(const void *self, struct bb_apply *a, struct bb_bytes whole, struct bb_buf *out)
{
    struct bb_check k;
    bool failed;

    k.a = a;
    k.q = self;
    k.each = NULL;
    k.m.entry = (struct bb_bytes){NULL, 0};
    k.found = k.entry = 0;
    k.len = 0;
    k.text[0] = '\0';
    k.no_memory = false;
    if (bb_envelope_read(whole, &k.m.e, NULL) != 0)
        return bb_apply_reject(a, "mapping", "step %u (require): damaged message", a->step);
    if (k.q->schema && bb_require_schema_check(k.q->schema, k.m.e.data, BB_CHECK_SHOWN, schema_say, &k) != 0)
        k.no_memory = true;
    if (k.q->ask_approval)
        approval_check(&k);
    if (k.q->ask_effectivity)
        effectivity_check(&k);
    bb_check_asks(&k, &k.q->asks);
    for (uint32_t i = 0; i < k.q->n_each; i++)
        bb_check_each(&k, &k.q->each[i]);
    failed = k.found != 0;
    if (k.no_memory)
        return BB_E_RETRY;
    if (failed)
        return end(&k);
    (void)out;
    return BB_OK;
}
