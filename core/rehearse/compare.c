/*
 * compare.c - what a case expects against what became of its messages
 *
 * Only what an expectation names is looked at, but deliveries are all there is: one too many or too few
 * is a difference. Values are compared as values: the order of a map's members does not matter, and
 * 1.50, "1.50" and 1.5 are three things. Recursion ends at the canonical depth.
 */
#include "core/rehearse/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHAT_MAX 1024

struct comparing {
    bb_difference_fn *fn;
    void *arg;
    size_t delivery, found;
};

static void differ(struct comparing *x, const char *what, struct bb_bytes expected, struct bb_bytes got)
{
    x->found++;
    if (x->fn)
        x->fn(x->arg, x->delivery, what, expected, got);
}

static bool same_bytes(struct bb_bytes a, struct bb_bytes b)
{
    return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Appends "/name", escaped; what to cut it back to. */
static size_t what_down(char *what, struct bb_bytes name)
{
    size_t before = strlen(what), n = before;
    const char *p = name.ptr;

    if (n + 1 < WHAT_MAX)
        what[n++] = '/';
    for (size_t i = 0; i < name.len && n + 3 < WHAT_MAX; i++) {
        if (p[i] == '~' || p[i] == '/') {
            what[n++] = '~';
            what[n++] = p[i] == '~' ? '0' : '1';
        } else {
            what[n++] = p[i];
        }
    }
    what[n] = '\0';
    return before;
}

static void values(struct comparing *x, char *what, struct bb_bytes a, struct bb_bytes b);

static void maps(struct comparing *x, char *what, struct bb_bytes a, struct bb_bytes b)
{
    struct bb_items w = bb_pairs_of(a);
    struct bb_bytes k, v, other;
    char key[WHAT_MAX];
    size_t cut;

    for (int side = 0; side < 2; side++) {
        w = bb_pairs_of(side ? b : a);
        while (bb_pairs_next(&w, &k, &v)) {
            snprintf(key, sizeof(key), "%.*s", (int)(k.len < WHAT_MAX - 1 ? k.len : WHAT_MAX - 1),
                     (const char *)k.ptr);
            other = bb_member(side ? a : b, key);
            cut = what_down(what, k);
            if (!side && other.len)
                values(x, what, v, other);
            else if (!other.len)
                differ(x, what, side ? other : v, side ? v : other);
            what[cut] = '\0';
        }
    }
}

static void lists(struct comparing *x, char *what, struct bb_bytes a, struct bb_bytes b)
{
    struct bb_items wa = bb_items_of(a), wb = bb_items_of(b);
    struct bb_bytes va, vb;
    char number[24];
    size_t cut;

    for (size_t i = 0; wa.left || wb.left; i++) {
        va = vb = (struct bb_bytes){NULL, 0};
        bb_items_next(&wa, &va);
        bb_items_next(&wb, &vb);
        cut = what_down(what, (struct bb_bytes){number, (size_t)snprintf(number, sizeof(number), "%zu", i)});
        if (va.len && vb.len)
            values(x, what, va, vb);
        else
            differ(x, what, va, vb);
        what[cut] = '\0';
    }
}

static void values(struct comparing *x, char *what, struct bb_bytes a, struct bb_bytes b)
{
    unsigned kind = bb_kind_of_value(a);

    if (same_bytes(a, b))
        return;
    if (kind != bb_kind_of_value(b))
        differ(x, what, a, b);
    else if (kind == BB_T_MAP)
        maps(x, what, a, b);
    else if (kind == BB_T_ARRAY)
        lists(x, what, a, b);
    else
        differ(x, what, a, b);
}

bool bb_values_same(struct bb_bytes a, struct bb_bytes b)
{
    struct comparing x = {.fn = NULL};
    char what[WHAT_MAX] = "";

    values(&x, what, a, b);
    return x.found == 0;
}

/* ---- one delivery -------------------------------------------------------------------------------- */
static struct bb_bytes at_pointer(struct bb_bytes event, struct bb_bytes pointer)
{
    struct bb_bytes v = {NULL, 0};
    char text[WHAT_MAX];

    snprintf(text, sizeof(text), "%.*s", (int)(pointer.len < WHAT_MAX - 1 ? pointer.len : WHAT_MAX - 1),
             (const char *)pointer.ptr);
    return event.len && bb_pointer_get(event, text, &v) == 1 ? v : (struct bb_bytes){NULL, 0};
}

static void fields(struct comparing *x, struct bb_bytes e, struct bb_bytes sent)
{
    struct bb_items w = bb_pairs_of(bb_member(e, "fields"));
    struct bb_bytes pointer, v, got, none = {NULL, 0};
    char what[WHAT_MAX];

    while (bb_pairs_next(&w, &pointer, &v)) {
        snprintf(what, sizeof(what), "%.*s", (int)(pointer.len < 500 ? pointer.len : 500),
                 (const char *)pointer.ptr);
        got = at_pointer(sent, pointer);
        if (got.len)
            values(x, what, v, got);
        else
            differ(x, what, v, none);
    }
    for (w = bb_items_of(bb_member(e, "absent")); bb_items_next(&w, &v);) {
        if (!bb_as_str(v, &pointer) || !(got = at_pointer(sent, pointer)).len)
            continue;
        snprintf(what, sizeof(what), "%.*s", (int)(pointer.len < 500 ? pointer.len : 500),
                 (const char *)pointer.ptr);
        differ(x, what, none, got);
    }
}

/* An error is expected by a part of its text. */
static bool text_holds(struct bb_bytes got, struct bb_bytes part)
{
    struct bb_bytes g, p;

    return got.len && bb_as_str(got, &g) && bb_as_str(part, &p) &&
           (!p.len || memmem(g.ptr, g.len, p.ptr, p.len));
}

static void delivery(struct comparing *x, struct bb_bytes e, struct bb_bytes got)
{
    static const char *const plain[] = {"message", "route", "state", "history", "sends", "probes", "sent"};
    struct bb_bytes want, is;
    char what[WHAT_MAX];

    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
        want = bb_member(e, plain[i]);
        is = bb_member(got, plain[i]);
        snprintf(what, sizeof(what), "%s", strcmp(plain[i], "sent") == 0 ? "" : plain[i]);
        if (want.len && is.len)
            values(x, what, want, is);
        else if (want.len)
            differ(x, plain[i], want, is);
    }
    want = bb_member(e, "error");
    is = bb_member(got, "error");
    if (want.len && !text_holds(is, want))
        differ(x, "error", want, is);
    fields(x, e, bb_member(got, "sent"));
}

size_t bb_results_compare(struct bb_bytes expect, struct bb_bytes result, bb_difference_fn *fn, void *arg)
{
    struct comparing x = {.fn = fn, .arg = arg};
    struct bb_items we = bb_items_of(expect), wr = bb_items_of(result);
    struct bb_bytes e, r;

    while (we.left || wr.left) {
        x.delivery++;
        e = r = (struct bb_bytes){NULL, 0};
        bb_items_next(&we, &e);
        bb_items_next(&wr, &r);
        if (e.len && r.len)
            delivery(&x, e, r);
        else
            differ(&x, "", e, r);
    }
    return x.found;
}

/* ---- what would have to be expected --------------------------------------------------------------- */
static void take(struct bb_rows *m, const char *key, struct bb_bytes v)
{
    if (v.len)
        bb_put_raw(bb_rows_pair(m, key), v);
}

static void fields_again(struct bb_bytes e, struct bb_bytes sent, struct bb_rows *m)
{
    struct bb_items w = bb_pairs_of(bb_member(e, "fields"));
    struct bb_bytes pointer, v;
    struct bb_rows there, one;
    char key[WHAT_MAX];

    bb_rows_begin(&there);
    bb_rows_begin(&one);
    while (bb_pairs_next(&w, &pointer, &v)) {
        snprintf(key, sizeof(key), "%.*s", (int)(pointer.len < 1000 ? pointer.len : 1000),
                 (const char *)pointer.ptr);
        v = at_pointer(sent, pointer);
        take(&there, key, v);
        if (!v.len) /* what was looked at is looked at further on */
            bb_put_str(bb_rows_item(&one), pointer.ptr, pointer.len);
    }
    if (there.n)
        bb_rows_end_map(&there, bb_rows_pair(m, "fields"));
    else
        bb_buf_free(&there.b);
    for (w = bb_items_of(bb_member(e, "absent")); bb_items_next(&w, &v);)
        if (bb_as_str(v, &pointer) && !at_pointer(sent, pointer).len)
            bb_put_raw(bb_rows_item(&one), v);
    if (one.n)
        bb_rows_end_array(&one, bb_rows_pair(m, "absent"));
    else
        bb_buf_free(&one.b);
}

void bb_results_expect(struct bb_bytes expect, struct bb_bytes result, struct bb_buf *out)
{
    static const char *const plain[] = {"message", "route", "state", "error", "history", "sends", "probes",
                                        "sent"};
    static const char *const usual[] = {"route", "state", "error", "sent"};
    struct bb_items we = bb_items_of(expect), wr = bb_items_of(result);
    struct bb_bytes e, r, old;
    struct bb_rows all, m;

    bb_rows_begin(&all);
    while (bb_items_next(&wr, &r)) {
        e = (struct bb_bytes){NULL, 0};
        bb_items_next(&we, &e);
        bb_rows_begin(&m);
        for (size_t i = 0; e.len && i < sizeof(plain) / sizeof(*plain); i++) {
            old = bb_member(e, plain[i]);
            if (old.len && strcmp(plain[i], "error") == 0 && text_holds(bb_member(r, "error"), old))
                take(&m, plain[i], old); /* the part that was chosen still holds */
            else if (old.len || strcmp(plain[i], "state") == 0 || strcmp(plain[i], "error") == 0)
                take(&m, plain[i], bb_member(r, plain[i]));
        }
        for (size_t i = 0; !e.len && i < sizeof(usual) / sizeof(*usual); i++)
            take(&m, usual[i], bb_member(r, usual[i]));
        if (e.len)
            fields_again(e, bb_member(r, "sent"), &m);
        bb_rows_end_map(&m, bb_rows_item(&all));
    }
    bb_rows_end_array(&all, out);
}
