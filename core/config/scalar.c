/*
 * scalar.c - one value without parts: its kind, its range, its look; kept in a struct or a buffer
 *
 * Thread: the reader's. Memory: texts go to the reader's arena.
 */
#include "core/config/internal.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum bb_unit bb_unit_of(const struct bb_spec *k)
{
    return k->format == BB_F_DURATION ? BB_UNIT_DURATION
           : k->format == BB_F_SIZE   ? BB_UNIT_SIZE
           : k->format == BB_F_RATE   ? BB_UNIT_RATE
                                      : BB_UNIT_NONE;
}

/* "a text or a list": types for people. */
static struct bb_hint nouns_of(unsigned types)
{
    static const char *const nouns[] = {"a text", "a whole number", "a number", "true or false",
                                        "a list", "a map",          "nothing"};
    struct bb_hint h = {""};
    size_t len = 0, i;

    types &= types & BB_TYPE_NUM ? ~BB_TYPE_INT : ~0u;
    for (i = 0; i < BB_COUNT(nouns); i++)
        if (types & 1u << i)
            len += (size_t)snprintf(h.text + len, sizeof(h.text) - len, "%s%s", len ? " or " : "",
                                    nouns[i]);
    return h;
}

void bb_say_kind(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k)
{
    static const char *const of_units[] = {NULL, "a duration such as 500ms, 2m or 3d",
                                           "a size such as 64KiB or 16MiB", "a rate such as 50/s"};

    bb_say(x, n, "expected %s, found %s",
           bb_unit_of(k) ? of_units[bb_unit_of(k)] : nouns_of(k->types).text,
           nouns_of(bb_node_type(n)).text);
}

/* The type that n has, 0 when it has none of those allowed. A number without quotes is a text where
 * only a text will do: it is taken as written. A variable is a text, and a number or truth value
 * where only that will do. */
unsigned bb_type_of(const struct bb_node *n, unsigned allowed)
{
    unsigned t;

    allowed = allowed ? allowed : ~0u;
    if (n->kind != BB_SCALAR)
        return allowed & (n->kind == BB_MAP ? BB_TYPE_MAP : BB_TYPE_LIST);
    if ((n->quoted || n->expanded) && allowed & BB_TYPE_STR)
        return BB_TYPE_STR;
    if (n->quoted && !n->expanded)
        return 0;
    t = bb_value_type(n->text);
    if (t == BB_TYPE_INT && !(allowed & BB_TYPE_INT))
        t = BB_TYPE_NUM;
    if (t == BB_TYPE_NUM && !(allowed & BB_TYPE_NUM))
        t = n->file ? BB_TYPE_STR : 0;
    return t & allowed;
}

static void check_range(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k,
                        double v)
{
    char lo[32], hi[32];

    if ((v >= k->min && v <= k->max) || (v == 0 && k->flags & BB_SPEC_ZERO))
        return;
    bb_value_format(k->min, bb_unit_of(k), lo);
    bb_value_format(k->max, bb_unit_of(k), hi);
    if (k->min > -HUGE_VAL && k->max < HUGE_VAL)
        bb_say(x, n, "\"%s\" is out of range: %s to %s%s", bb_node_shown(n).text, lo, hi,
               k->flags & BB_SPEC_ZERO ? ", or 0 for none" : "");
    else
        bb_say(x, n, "\"%s\" is out of range: at %s %s", bb_node_shown(n).text,
               v < k->min ? "least" : "most", v < k->min ? lo : hi);
}

/* A number, perhaps with a unit: its value; in b as it is to be handed over. */
static double read_number(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k,
                          struct bb_buf *b)
{
    enum bb_unit unit = n->file || n->quoted ? bb_unit_of(k) : BB_UNIT_NONE;
    const char *why;
    struct bb_tok t = {0};
    struct bb_cur c;
    double v = 0;

    if (unit == BB_UNIT_NONE) {
        why = bb_value_put(b, n->text);
        c = bb_cur_of((struct bb_bytes){b->ptr, b->len});
        if (!why && !b->failed && bb_cur_next(&c, &t) == 0)
            v = t.kind == BB_T_INT    ? (double)t.i
                : t.kind == BB_T_UINT ? (double)t.u
                                      : strtod(n->text, NULL);
        if (!why && b->failed)
            why = "is not a number that can be carried";
    } else {
        why = bb_value_read(n->text, unit, &v);
        bb_put_uint(b, why ? 0 : (uint64_t)v);
    }
    if (why && !k->types) /* nobody knows what it is: it may be a secret */
        bb_say(x, n, "this value %s", why);
    else if (why)
        bb_say(x, n, "\"%s\" %s", bb_node_shown(n).text, why);
    else
        check_range(x, n, k, v);
    return v;
}

static void check_text(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k)
{
    const char *why = NULL;
    uint64_t chars = 0;
    bool hide = false;
    uint32_t i;

    for (i = 0; i < n->len; i++)
        chars += ((unsigned char)n->text[i] & 0xc0) != 0x80;
    if (chars < k->min_len)
        bb_say(x, n,
               chars ? "is shorter than %" PRIu64 " characters"
                     : "is empty: at least %" PRIu64 " character(s)",
               k->min_len);
    else if (k->max_len && chars > k->max_len)
        bb_say(x, n, "is longer than %" PRIu64 " characters", k->max_len);
    else if (!(why = bb_format_check((enum bb_format)k->format, n->text, &hide)) && k->pattern)
        why = bb_pattern_check(k->pattern, n->text);
    if (hide)
        bb_node_mask(n);
    if (why)
        bb_say(x, n, hide ? "%s%s" : "\"%s\" %s%s%s%s", hide ? "" : bb_node_shown(n).text, why,
               k->text ? " (" : "", k->text ? k->text : "", k->text ? ")" : "");
}

static void read_text(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k,
                      char **to, struct bb_buf *buf)
{
    char path[PATH_MAX] = "";
    const char *text = n->text;

    check_text(x, n, k);
    if (k->format == BB_F_PATH) { /* a default starts at the configuration's folder too */
        if (bb_node_path(n, (n->file ? n : x->connector)->file->dir, path, sizeof(path)) != 0)
            bb_say(x, n, "the path is too long");
        text = path;
    }
    if (buf)
        bb_put_str(buf, text, strlen(text));
    else if (to)
        *to = bb_arena_str(x->arena, text, strlen(text));
}

/* The choice that n is, NULL when it is none (reported). */
static const struct bb_choice *choice_of(struct bb_read *x, const struct bb_node *n,
                                         const struct bb_spec *k)
{
    const struct bb_choice *c;
    char list[300] = "";
    size_t len = 0, count = 0;

    for (c = k->choices; c->name && strcmp(c->name, n->text) != 0; c++)
        count++;
    if (c->name && c->value < 0)
        bb_say(x, n, "\"%s\" is not supported by this version", c->name);
    if (c->name)
        return c->value < 0 ? NULL : c;
    for (c = k->choices; c->name && len < sizeof(list); c++)
        if (c->value >= 0)
            len +=
                (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "", c->name);
    bb_say(x, n, "\"%s\" is not allowed; it is one of %s%s", bb_node_shown(n).text, list,
           bb_hint(x, n->text, k->choices, count, sizeof(*k->choices)).text);
    return NULL;
}

static void store(const struct bb_spec *k, void *to, double v)
{
    if (k->types & BB_TYPE_NUM)
        *(double *)to = v;
    else if (k->size == sizeof(bool))
        *(bool *)to = v != 0;
    else if (k->size == sizeof(uint32_t))
        *(uint32_t *)to = (uint32_t)v;
    else
        *(uint64_t *)to = (uint64_t)v;
}

void bb_read_none(const struct bb_spec *k, void *to)
{
    size_t i;

    to = (char *)to + k->offset;
    if (k->choices || (k->size && k->types & (BB_TYPE_INT | BB_TYPE_BOOL)))
        store(k, to, k->initial);
    for (i = 0; i < k->n_keys; i++)
        bb_read_none(&k->keys[i], to);
}

void bb_read_scalar(struct bb_read *x, const struct bb_node *n, const struct bb_spec *k,
                    unsigned type, void *to, struct bb_buf *buf)
{
    const struct bb_choice *c = k->choices ? choice_of(x, n, k) : NULL;
    struct bb_buf number;
    double v = c ? c->value : 0;
    bool bad = x->bad;

    if (k->choices && (!c || !buf)) { /* a word that is a number in the struct, or no word at all */
        if (c && to)
            store(k, to, v);
        if (buf)
            bb_put_nil(buf);
    } else if (type & (BB_TYPE_INT | BB_TYPE_NUM)) {
        bb_buf_init(&number, 8192);
        x->bad = false; /* a value out of range may not fit the member either */
        v = read_number(x, n, k, &number);
        if (to && !x->bad)
            store(k, to, v);
        x->bad |= bad;
        if (buf)
            bb_buf_put(buf, number.ptr, number.len);
        bb_buf_free(&number);
    } else if (type == BB_TYPE_STR) {
        read_text(x, n, k, to, buf);
    } else if (type == BB_TYPE_BOOL) {
        v = n->text[0] == 't' || n->text[0] == 'T';
        if (to)
            store(k, to, v);
        if (buf)
            bb_put_bool(buf, v != 0);
    } else if (buf) {
        bb_put_nil(buf);
    }
}
