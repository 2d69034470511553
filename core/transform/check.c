/*
 * check.c - a message against a require: all that does not hold, each with its pointer
 *
 * The report is one line of text, at most SHOWN_MAX findings and REPORT_MAX bytes; the rest is counted.
 *
 * Thread: any. Ownership: what lists need (windows, keys) is allocated for the check and freed with it.
 */
#include "core/transform/require.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 20
#define REPORT_MAX 4000
#define VALUE_MAX 64

struct check {
    struct bb_apply *a;
    const struct bb_require *q;
    struct bb_ref_message m;
    const struct bb_each_entry *each; /* whose entries are looked at */
    uint32_t entry;                   /* from 0 */
    uint32_t found;
    const char *failure; /* of the first */
    const char *kind;    /* of the one at hand */
    char text[REPORT_MAX];
    size_t len;
    bool no_memory;
};

/* The pointer in the message: ./qty of the third entry of /data/lines is /data/lines/2/qty. */
static void pointer_of(const struct check *k, const struct bb_path *p, char *out, size_t cap)
{
    if (p->root == BB_ROOT_ENTRY && k->each)
        snprintf(out, cap, "%s/%u%s", k->each->at.pointer, k->entry, p->pointer + 1);
    else
        snprintf(out, cap, "%s", p->pointer);
}

static void say(struct check *k, const char *failure, const struct bb_path *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Whether somebody hears of one more. */
static bool count(struct check *k, const char *failure)
{
    if (!k->found++)
        k->failure = failure;
    k->kind = failure;
    return k->found <= SHOWN_MAX || k->a->run->found;
}

static void put(struct check *k, const char *pointer, const char *why)
{
    int n;

    if (k->a->run->found)
        k->a->run->found(k->a->run->arg, pointer, k->kind, why);
    if (k->found > SHOWN_MAX)
        return;
    n = snprintf(k->text + k->len, sizeof k->text - k->len, "%s%s %s", k->len ? "; " : "", pointer, why);
    if (n > 0 && (size_t)n < sizeof k->text - k->len)
        k->len += (size_t)n;
    else
        k->text[k->len] = '\0'; /* no room for it: counted */
}

static void say(struct check *k, const char *failure, const struct bb_path *at, const char *fmt, ...)
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
    struct check *k = arg;
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

static void cond_check(struct check *k, struct bb_cond *cond)
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
        say(k, "condition", at, "cannot be compared: %s", shown);
    else
        say(k, "condition", at, "does not meet the condition: %s", shown);
}

static void asks_check(struct check *k, const struct bb_asks *asks)
{
    struct bb_bytes v;

    for (uint32_t i = 0; i < asks->present.n; i++)
        if (bb_ref_get(&asks->present.v[i], &k->m, &v) != 1 || nil(v))
            say(k, "incomplete", &asks->present.v[i], "is missing");
    for (uint32_t i = 0; i < asks->n_that; i++)
        cond_check(k, asks->that[i]);
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

static void approval_check(struct check *k)
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
        say(k, "approval", &k->q->approval, "is missing: %s is asked for", wanted);
        return;
    }
    for (bb_group_of(states, BB_T_ARRAY, &c, &n); n && bb_cur_value(&c, &one) == 0; n--)
        if (bb_scalar_of(v, &a) && bb_scalar_of(one, &b) && bb_scalar_equal(&a, &b))
            return;
    bb_ref_show(v, shown, sizeof shown);
    say(k, "approval", &k->q->approval, "is %s, not %s", shown, wanted);
}

static void effectivity_check(struct check *k)
{
    const struct bb_path *at = &k->q->effectivity;
    struct bb_bytes v = {NULL, 0};
    struct bb_window w;
    const char *why;
    int place;

    if (bb_ref_get(at, &k->m, &v) != 1)
        v.len = 0;
    if (bb_window_read(v, &w, &why) != 0) {
        say(k, "effectivity", at, "%s", why);
        return;
    }
    place = bb_window_place(&w, bb_apply_now(k->a), k->q->zone);
    if (place > 0)
        say(k, "effectivity", at, "is over");
    else if (place < 0 && k->q->way == BB_WAY_CURRENT)
        say(k, "effectivity", at, "has not begun");
    else if (place == 0 && k->q->way == BB_WAY_FUTURE)
        say(k, "effectivity", at, "has begun");
}

/* ---- lists ------------------------------------------------------------------------------------------ */
struct kept { /* an entry: where the values of its key lie in the keys' bytes, and its window */
    size_t key, len;
    uint32_t entry;
    struct bb_window w;
};
struct keeps {
    struct kept *v;
    uint32_t n;
    struct bb_buf keys;
};
static _Thread_local const uint8_t *sort_keys; /* qsort() has no argument */

static int key_order(const struct kept *a, const struct kept *b)
{
    size_t n = a->len < b->len ? a->len : b->len;
    int r = n ? memcmp(sort_keys + a->key, sort_keys + b->key, n) : 0;

    return r ? r : a->len < b->len ? -1 : a->len > b->len;
}

static int kept_order(const void *x, const void *y)
{
    const struct kept *a = x, *b = y;
    int r = key_order(a, b);

    if (!r)
        r = bb_window_order(&a->w, &b->w);
    return r ? r : a->entry < b->entry ? -1 : 1;
}

/* Texts and numbers as text, so that 10 and 10.0 are two, and 10 in any width is one. */
static bool key_put(struct check *k, struct keeps *s, const struct bb_paths *by, struct kept *e)
{
    e->key = s->keys.len;
    for (uint32_t i = 0; i < by->n; i++) {
        struct bb_bytes v, text;
        struct bb_tok t;
        char small[32];

        if (bb_ref_get(&by->v[i], &k->m, &v) != 1 || !bb_scalar_of(v, &t) ||
            !bb_scalar_text(&t, small, &text)) {
            say(k, "incomplete", &by->v[i], "is missing or no text or number");
            return false;
        }
        bb_put_str(&s->keys, text.ptr, text.len);
    }
    e->len = s->keys.len - e->key;
    return true;
}

static void unique_check(struct check *k, struct keeps *s)
{
    for (uint32_t i = 1; i < s->n; i++)
        if (key_order(&s->v[i - 1], &s->v[i]) == 0) {
            k->entry = s->v[i].entry;
            say(k, "incomplete", &k->each->unique.v[0], "is the same as in entry %u", s->v[i - 1].entry);
        }
}

static void windows_check(struct check *k, struct keeps *s)
{
    for (uint32_t i = 1; i < s->n; i++) {
        const struct kept *a = &s->v[i - 1], *b = &s->v[i];
        int joins;

        if (key_order(a, b) != 0)
            continue;
        k->entry = b->entry;
        if (!a->w.any && !b->w.any && a->w.days != b->w.days) {
            say(k, "effectivity", &k->each->window, "is in days and that of entry %u is not, or the other "
                                                    "way round", a->entry);
            continue;
        }
        joins = bb_window_joins(&a->w, &b->w);
        if (joins < 0)
            say(k, "effectivity", &k->each->window, "overlaps that of entry %u", a->entry);
        else if (joins > 0 && !k->each->gaps)
            say(k, "effectivity", &k->each->window, "leaves a gap behind that of entry %u", a->entry);
    }
}

/* An entry into the list of those that are compared with one another. */
static void keep(struct check *k, struct keeps *s, const struct bb_paths *by, bool window)
{
    struct kept *e = &s->v[s->n];
    struct bb_bytes v = {NULL, 0};
    const char *why;

    *e = (struct kept){.entry = k->entry};
    if (!key_put(k, s, by, e))
        return;
    if (window) {
        if (bb_ref_get(&k->each->window, &k->m, &v) != 1)
            v.len = 0;
        if (bb_window_read(v, &e->w, &why) != 0) {
            say(k, "effectivity", &k->each->window, "%s", why);
            return;
        }
    }
    s->n++;
}

static void keeps_compare(struct check *k, struct keeps *s, void (*compare)(struct check *, struct keeps *))
{
    if (s->keys.failed) {
        k->no_memory = true;
    } else if (s->n > 1) {
        sort_keys = s->keys.ptr;
        qsort(s->v, s->n, sizeof *s->v, kept_order);
        compare(k, s);
    }
    free(s->v);
    bb_buf_free(&s->keys);
}

static void each_check(struct check *k, const struct bb_each_entry *e)
{
    struct keeps unique = {0}, windows = {0};
    struct bb_bytes list;
    struct bb_cur c;
    uint32_t n;

    k->each = NULL;
    if (bb_ref_get(&e->at, &k->m, &list) != 1 || !bb_group_of(list, BB_T_ARRAY, &c, &n)) {
        say(k, "incomplete", &e->at, "is no list");
        return;
    }
    k->each = e;
    bb_buf_init(&unique.keys, 2 * list.len + 64);
    bb_buf_init(&windows.keys, 2 * list.len + 64);
    unique.v = e->unique.n && n ? malloc(n * sizeof *unique.v) : NULL;
    windows.v = e->ask_windows && n ? malloc(n * sizeof *windows.v) : NULL;
    if ((e->unique.n && n && !unique.v) || (e->ask_windows && n && !windows.v)) {
        k->no_memory = true;
        n = 0;
    }
    for (k->entry = 0; k->entry < n && bb_cur_value(&c, &k->m.entry) == 0; k->entry++) {
        int rc = bb_ref_holds(e->when, &k->m);

        if (rc < 0)
            cond_check(k, e->when);
        if (rc <= 0)
            continue;
        asks_check(k, &e->asks);
        if (e->unique.n)
            keep(k, &unique, &e->unique, false);
        if (e->ask_windows)
            keep(k, &windows, &e->by, true);
    }
    keeps_compare(k, &unique, unique_check);
    keeps_compare(k, &windows, windows_check);
    k->each = NULL;
    k->m.entry.len = 0;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */
static bb_status end(struct check *k)
{
    struct bb_apply *a = k->a;
    char head[120], more[40] = "";
    uint32_t shown = k->found < SHOWN_MAX ? k->found : SHOWN_MAX;

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
    struct check k;
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
    if (k.q->schema && bb_require_schema_check(k.q->schema, k.m.e.data, SHOWN_MAX, schema_say, &k) != 0)
        k.no_memory = true;
    if (k.q->ask_approval)
        approval_check(&k);
    if (k.q->ask_effectivity)
        effectivity_check(&k);
    asks_check(&k, &k.q->asks);
    for (uint32_t i = 0; i < k.q->n_each; i++)
        each_check(&k, &k.q->each[i]);
    failed = k.found != 0;
    if (k.no_memory)
        return BB_E_RETRY;
    if (failed)
        return end(&k);
    (void)out;
    return BB_OK;
}
