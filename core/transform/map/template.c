/*
 * template.c - the rule template: a text with values in it, "{/data/item}-{/data/rev|pad:3:0}"
 *
 * Behind a pointer come filters, each with its arguments behind colons; they work on the piece that
 * the pointer gave. "{{" is a brace.
 *
 * Thread: any. Ownership: a template owns its pieces.
 */
#include "core/transform/map/map.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECES_MAX 64
#define FILTERS_MAX 8
#define WIDTH_MAX 256

struct filter_kind;
struct filter {
    const struct filter_kind *kind;
    uint32_t n[2]; /* numbers */
    char text[64]; /* the last argument, or the only one */
};
struct piece {
    struct piece *next;
    char *literal; /* or, when NULL, what is at path */
    struct bb_path path;
    struct filter filters[FILTERS_MAX];
    uint32_t n_filters;
    const char *otherwise; /* instead of no value; NULL: there has to be one */
};
struct pieces {
    struct piece *first;
};
struct template {
    struct bb_rule head;
    struct bb_path to;
    struct pieces pieces;
    int optional;
};
struct filter_kind {
    const char *name;
    const char *args; /* n a number, c a character, t a text */
    void (*run)(const struct filter *f, struct bb_buf *b, size_t start);
};

/* ---- filters: on what b holds from start on ------------------------------------------------------- */
static bool is_tail(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

static size_t characters(const struct bb_buf *b, size_t start)
{
    size_t n = 0;

    for (size_t k = start; k < b->len; k++)
        n += !is_tail(b->ptr[k]);
    return n;
}

static void upper(const struct filter *f, struct bb_buf *b, size_t start)
{
    (void)f;
    for (size_t k = start; k < b->len; k++)
        b->ptr[k] = (uint8_t)(b->ptr[k] >= 'a' && b->ptr[k] <= 'z' ? b->ptr[k] - 32 : b->ptr[k]);
}

static void lower(const struct filter *f, struct bb_buf *b, size_t start)
{
    (void)f;
    for (size_t k = start; k < b->len; k++)
        b->ptr[k] = (uint8_t)(b->ptr[k] >= 'A' && b->ptr[k] <= 'Z' ? b->ptr[k] + 32 : b->ptr[k]);
}

static void keep(struct bb_buf *b, size_t start, size_t from, size_t to)
{
    memmove(b->ptr + start, b->ptr + from, to - from);
    b->len = start + (to - from);
}

static void trim(const struct filter *f, struct bb_buf *b, size_t start)
{
    size_t from = start, to = b->len;

    (void)f;
    while (from < to && b->ptr[from] <= ' ')
        from++;
    while (to > from && b->ptr[to - 1] <= ' ')
        to--;
    keep(b, start, from, to);
}

/* Leading characters, but never the last one: 0000 is 0. */
static void strip(const struct filter *f, struct bb_buf *b, size_t start)
{
    size_t from = start;

    while (from + 1 < b->len && b->ptr[from] == (uint8_t)f->text[0])
        from++;
    keep(b, start, from, b->len);
}

static void cut(const struct filter *f, struct bb_buf *b, size_t start)
{
    size_t from = b->len, to = b->len, n = 0;

    for (size_t k = start; k < b->len; k++) {
        if (is_tail(b->ptr[k]))
            continue;
        if (n == f->n[0])
            from = k;
        if (n++ == (size_t)f->n[0] + f->n[1]) {
            to = k;
            break;
        }
    }
    keep(b, start, from, to);
}

static void padright(const struct filter *f, struct bb_buf *b, size_t start)
{
    for (size_t n = characters(b, start); n < f->n[0]; n++)
        bb_buf_put(b, f->text, 1);
}

static void pad(const struct filter *f, struct bb_buf *b, size_t start)
{
    size_t n = characters(b, start), more = n < f->n[0] ? f->n[0] - n : 0;

    if (!more || !bb_buf_room(b, more))
        return;
    memmove(b->ptr + start + more, b->ptr + start, b->len - start);
    memset(b->ptr + start, f->text[0], more);
    b->len += more;
}

/* What stands for no value: nothing to do when there is one. */
static void otherwise(const struct filter *f, struct bb_buf *b, size_t start)
{
    (void)f;
    (void)b;
    (void)start;
}

static const struct filter_kind kinds[] = {
    {"pad", "nc", pad},   {"padright", "nc", padright}, {"cut", "nn", cut},
    {"upper", "", upper}, {"lower", "", lower},         {"trim", "", trim},
    {"strip", "c", strip}, {"or", "t", otherwise}};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* ---- reading --------------------------------------------------------------------------------------- */
static const char *filter_read(struct filter *f, const char *s, size_t len)
{
    const char *end = s + len, *colon;
    uint32_t k = 0, n = 0;

    colon = memchr(s, ':', len);
    len = colon ? (size_t)(colon - s) : len;
    while (k < KINDS && (strlen(kinds[k].name) != len || memcmp(kinds[k].name, s, len) != 0))
        k++;
    if (k == KINDS)
        return "unknown filter; there are pad, padright, cut, upper, lower, trim, strip, or";
    f->kind = &kinds[k];
    for (const char *a = kinds[k].args; *a; a++) {
        if (!colon)
            return "a filter lacks an argument: |pad:10:0, |padright:10:_, |cut:0:5, |strip:0, |or:none";
        s = colon + 1;
        colon = *a == 't' ? NULL : memchr(s, ':', (size_t)(end - s));
        len = (size_t)((colon ? colon : end) - s);
        if (*a == 'n') {
            char *stop;
            unsigned long v;

            snprintf(f->text, sizeof f->text, "%.*s", (int)(len < 20 ? len : 20), s);
            v = strtoul(f->text, &stop, 10);
            if (len == 0 || *stop || f->text[0] < '0' || f->text[0] > '9' || v > WIDTH_MAX)
                return "a filter's number is a whole one, at most 256";
            f->n[n++] = (uint32_t)v;
        } else if (len >= sizeof f->text || (*a == 'c' && len != 1)) {
            return "a filter's character is one ASCII character, its text at most 63 bytes";
        } else {
            memcpy(f->text, s, len);
            f->text[len] = '\0';
        }
    }
    return colon ? "a filter has too many arguments" : NULL;
}

static struct piece *piece_new(struct pieces *p)
{
    struct piece **tail = &p->first;

    while (*tail)
        tail = &(*tail)->next;
    return *tail = calloc(1, sizeof **tail);
}

/* What is between braces. */
static int value_read(struct bb_map_compile *m, struct pieces *p, const char *s, size_t len)
{
    static const struct bb_arg from = {"text", &bb_arg_from, 0, true};
    struct piece *piece = piece_new(p);
    const char *end = s + len, *bar = memchr(s, '|', len), *why;
    struct bb_bytes v;
    struct bb_buf b;
    int rc;

    if (!piece)
        return bb_compile_say(m->c, "out of memory");
    bb_buf_init(&b, 1u << 16);
    bb_put_str(&b, s, (size_t)((bar ? bar : end) - s));
    v = (struct bb_bytes){b.ptr, b.len};
    rc = b.failed ? bb_compile_say(m->c, "the pointer is too long")
                  : bb_arg_from.read(m, &from, v, &piece->path);
    bb_buf_free(&b);
    while (rc == 0 && bar) {
        struct filter *f = &piece->filters[piece->n_filters];
        const char *next;

        s = bar + 1;
        next = memchr(s, '|', (size_t)(end - s));
        if (piece->n_filters++ == FILTERS_MAX - 1)
            return bb_compile_say(m->c, "at most %d filters", FILTERS_MAX - 1);
        why = filter_read(f, s, (size_t)((next ? next : end) - s));
        if (why)
            return bb_compile_say(m->c, "%s", why);
        if (f->kind->run == otherwise)
            piece->otherwise = f->text;
        bar = next;
    }
    return rc;
}

static int literal_read(struct bb_map_compile *m, struct pieces *p, const char *s, size_t len)
{
    struct piece *piece = len ? piece_new(p) : NULL;

    if (!len)
        return 0;
    if (piece)
        piece->literal = strndup(s, len);
    m->map->grows += len;
    return piece && piece->literal ? 0 : bb_compile_say(m->c, "out of memory");
}

static int pieces_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct pieces *p = member;
    const char *s, *end, *brace;
    struct bb_bytes text;
    uint32_t n = 0;
    int rc = 0;

    (void)a;
    if (bb_as_str(v, &text) != 1 || memchr(text.ptr, 0, text.len))
        return bb_compile_say(m->c, "must be a text such as \"{/data/item}-{/data/revision}\"");
    for (s = text.ptr, end = s + text.len; s < end && rc == 0; n++) {
        if (n == PIECES_MAX)
            return bb_compile_say(m->c, "a template has at most %d parts", PIECES_MAX);
        brace = memchr(s, '{', (size_t)(end - s));
        rc = literal_read(m, p, s, (size_t)((brace ? brace : end) - s));
        if (!brace || rc != 0)
            break;
        s = brace + 1;
        if (s < end && *s == '{') {
            rc = literal_read(m, p, s++, 1);
            continue;
        }
        brace = memchr(s, '}', (size_t)(end - s));
        if (!brace)
            return bb_compile_say(m->c, "a brace is not closed; a brace itself is written {{");
        rc = value_read(m, p, s, (size_t)(brace - s));
        s = brace + 1;
    }
    return rc;
}

static void pieces_free(void *member)
{
    struct pieces *p = member;

    while (p->first) {
        struct piece *next = p->first->next;

        free(p->first->literal);
        bb_path_free(&p->first->path);
        free(p->first);
        p->first = next;
    }
}

static void pieces_paths(const void *member, bb_path_visit visit, void *arg)
{
    for (const struct piece *p = ((const struct pieces *)member)->first; p; p = p->next)
        if (p->path.pointer)
            visit(arg, &p->path, BB_READS);
}
static const struct bb_arg_kind arg_pieces = {pieces_read, pieces_free, pieces_paths};

/* ---- the rule -------------------------------------------------------------------------------------- */
static const struct bb_arg template_args[] = {
    {"to", &bb_arg_to, offsetof(struct template, to), true},
    {"text", &arg_pieces, offsetof(struct template, pieces), true},
    {"optional", &bb_arg_truth, offsetof(struct template, optional), false},
    {NULL, NULL, 0, false}};

/* 1 done, 0 there is no value, -1 with *s. */
static int piece_run(struct bb_work *w, const struct piece *p, struct bb_buf *b, bb_status *s)
{
    size_t start = b->len;
    struct bb_bytes text;
    struct bb_tok t;
    char small[32];
    struct bb_span **link;

    if (p->literal) {
        bb_buf_put(b, p->literal, strlen(p->literal));
        return 1;
    }
    link = bb_work_find(w, &p->path, false, s);
    if (*s != BB_OK)
        return -1;
    if (!link || (bb_span_scalar(*link, &t) && t.kind == BB_T_NIL)) {
        if (!p->otherwise)
            return 0;
        bb_buf_put(b, p->otherwise, strlen(p->otherwise));
    } else if (!bb_span_scalar(*link, &t) || !bb_scalar_text(&t, small, &text)) {
        *s = bb_work_reject(w, "a text or a number is needed, there is something else", &p->path);
        return -1;
    } else {
        bb_buf_put(b, text.ptr, text.len);
    }
    for (uint32_t k = 0; k < p->n_filters && !b->failed; k++)
        p->filters[k].kind->run(&p->filters[k], b, start);
    return 1;
}

static bb_status template_run(struct bb_work *w, const struct bb_rule *r)
{
    const struct template *p = (const struct template *)r;
    bb_status s = BB_OK;
    struct bb_buf b;
    int rc = 1;

    bb_buf_init(&b, w->bytes_max);
    for (const struct piece *k = p->pieces.first; k && rc == 1; k = k->next) {
        rc = piece_run(w, k, &b, &s);
        if (rc == 0 && !p->optional)
            s = bb_work_reject(w, "no value", &k->path);
    }
    if (rc == 1)
        s = b.failed ? bb_work_reject(w, "the text is too large, or memory is short", &p->to)
                     : bb_work_put_text(w, &p->to, b.len ? (const char *)b.ptr : "", b.len, &p->to);
    bb_buf_free(&b);
    return s;
}

const struct bb_rule_ops bb_rule_template = {
    .name = "template", .size = sizeof(struct template), .args = template_args,
    .run = template_run};
