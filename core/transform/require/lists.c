/*
 * lists.c - what require asks of a list's entries, each by itself and compared with one another
 *
 * Those that are compared are sorted by the texts of their key, and then by the beginning of their window.
 *
 * Thread: any. Ownership: keys and windows are allocated for the check and freed with it.
 */
#include "core/transform/require/require.h"

#include <stdlib.h>
#include <string.h>

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
static bool key_put(struct bb_check *k, struct keeps *s, const struct bb_paths *by, struct kept *e)
{
    e->key = s->keys.len;
    for (uint32_t i = 0; i < by->n; i++) {
        struct bb_bytes v, text;
        struct bb_tok t;
        char small[32];

        if (bb_ref_get(&by->v[i], &k->m, &v) != 1 || !bb_scalar_of(v, &t) ||
            !bb_scalar_text(&t, small, &text)) {
            bb_check_say(k, "incomplete", &by->v[i], "is missing or no text or number");
            return false;
        }
        bb_put_str(&s->keys, text.ptr, text.len);
    }
    e->len = s->keys.len - e->key;
    return true;
}

static void unique_check(struct bb_check *k, struct keeps *s)
{
    for (uint32_t i = 1; i < s->n; i++)
        if (key_order(&s->v[i - 1], &s->v[i]) == 0) {
            k->entry = s->v[i].entry;
            bb_check_say(k, "incomplete", &k->each->unique.v[0], "is the same as in entry %u", s->v[i - 1].entry);
        }
}

static void windows_check(struct bb_check *k, struct keeps *s)
{
    for (uint32_t i = 1; i < s->n; i++) {
        const struct kept *a = &s->v[i - 1], *b = &s->v[i];
        int joins;

        if (key_order(a, b) != 0)
            continue;
        k->entry = b->entry;
        if (!a->w.any && !b->w.any && a->w.days != b->w.days) {
            bb_check_say(k, "effectivity", &k->each->window, "is in days and that of entry %u is not, or the other "
                                                    "way round", a->entry);
            continue;
        }
        joins = bb_window_joins(&a->w, &b->w);
        if (joins < 0)
            bb_check_say(k, "effectivity", &k->each->window, "overlaps that of entry %u", a->entry);
        else if (joins > 0 && !k->each->gaps)
            bb_check_say(k, "effectivity", &k->each->window, "leaves a gap behind that of entry %u", a->entry);
    }
}

/* An entry into the list of those that are compared with one another. */
static void keep(struct bb_check *k, struct keeps *s, const struct bb_paths *by, bool window)
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
            bb_check_say(k, "effectivity", &k->each->window, "%s", why);
            return;
        }
    }
    s->n++;
}

static void keeps_compare(struct bb_check *k, struct keeps *s, void (*compare)(struct bb_check *, struct keeps *))
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

void bb_check_each(struct bb_check *k, const struct bb_each_entry *e)
{
    struct keeps unique = {0}, windows = {0};
    struct bb_bytes list;
    struct bb_cur c;
    uint32_t n;

    k->each = NULL;
    if (bb_ref_get(&e->at, &k->m, &list) != 1 || !bb_group_of(list, BB_T_ARRAY, &c, &n)) {
        bb_check_say(k, "incomplete", &e->at, "is no list");
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
            bb_check_cond(k, e->when);
        if (rc <= 0)
            continue;
        bb_check_asks(k, &e->asks);
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
