/*
 * diag.c - findings with their place, line and caret
 *
 * The list is kept in order of file, line and column as it grows, so that whoever adds one more
 * later (a manifest's check) still gives the user one sorted page. It keeps at most
 * BB_CONF_DIAGS_MAX findings; errors counts all. What a user wrote is shown with control
 * characters replaced, so a file cannot steer a terminal.
 *
 * Thread: the list's owner. Memory: the list owns copies of everything.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* vasprintf */
#endif
#include "core/config/internal.h"

#include <busbar/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sdk/lib/codec.h"

/* Replaces control characters (C0 but tab, DEL, C1) and broken UTF-8 in place. */
static char *make_printable(char *s)
{
    uint8_t *p = (uint8_t *)s, *end = s ? p + strlen(s) : NULL;
    int n;

    for (; p != end; p += n) {
        n = *p < 0x80 ? 1 : bb_utf8_seq(p, end);
        if (n <= 0 || (*p < 0x20 && *p != '\t') || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0)) {
            *p = '?';
            n = 1;
        }
    }
    return s;
}

static int order(const struct bb_diag *a, const struct bb_diag *b)
{
    int r;

    if (!a->file || !b->file)
        return (a->file != NULL) - (b->file != NULL);
    if ((r = strcmp(a->file, b->file)) != 0)
        return r;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return a->col == b->col ? 0 : a->col < b->col ? -1 : 1;
}

static void diag_free(struct bb_diag *x)
{
    free(x->file);
    free(x->text);
    free(x->source);
}

/* Without memory the count still says that something is wrong. */
__attribute__((format(printf, 4, 0))) static void
diag_add(struct bb_diags *d, enum bb_severity s, struct bb_span at, const char *fmt, va_list ap)
{
    struct bb_diag x = {.severity = s, .width = 1}, *v;
    const char *name = at.f ? at.f->name : at.name;
    uint32_t i;
    size_t k;

    d->errors += s == BB_SEV_ERROR;
    if (d->n >= BB_CONF_DIAGS_MAX)
        return;
    if (at.f) {
        bb_file_place(at.f, at.start, &x.line, &x.col);
        x.source = make_printable(bb_file_excerpt(at.f, x.line));
        for (i = at.start + 1; i < at.end && i < at.f->len && at.f->text[i] != '\n'; i++)
            x.width += ((unsigned char)at.f->text[i] & 0xc0) != 0x80;
    }
    if (vasprintf(&x.text, fmt, ap) < 0)
        x.text = NULL;
    x.file = name ? make_printable(strdup(name)) : NULL;
    if (d->n == d->cap && (v = realloc(d->v, (2 * d->cap + 16) * sizeof(*v)))) {
        d->v = v;
        d->cap = 2 * d->cap + 16;
    }
    if (!make_printable(x.text) || (name && !x.file) || d->n == d->cap) {
        diag_free(&x);
        return;
    }
    for (k = d->n++; k > 0 && order(&d->v[k - 1], &x) > 0; k--)
        d->v[k] = d->v[k - 1];
    d->v[k] = x;
}

void bb_diag(struct bb_diags *d, enum bb_severity s, struct bb_span at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    diag_add(d, s, at, fmt, ap);
    va_end(ap);
}

struct bb_span bb_at(const struct bb_node *n)
{
    n = bb_node_place(n);
    if (n->kind == BB_SCALAR) /* a list or map shows where it starts, not all of it */
        return (struct bb_span){NULL, n->file, n->start, n->end};
    return (struct bb_span){NULL, n->file, n->start, n->start + 1};
}

void bb_config_diag(struct bb_diags *d, enum bb_severity s, struct bb_where w, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    diag_add(d, s, w.node ? bb_at(w.node) : BB_AT_NAME(w.file), fmt, ap);
    va_end(ap);
}

void bb_diags_free(struct bb_diags *d)
{
    size_t i;

    for (i = 0; i < d->n; i++)
        diag_free(&d->v[i]);
    free(d->v);
    memset(d, 0, sizeof(*d));
}

/* ---- for people, for programs ------------------------------------------------------- */
struct paint {
    const char *bold, *red, *yellow, *green, *off;
};

static void print_caret(const struct bb_diag *x, FILE *out, const struct paint *p)
{
    const char *s = x->source;
    unsigned i, col;

    fprintf(out, "%5u | %s\n      | ", x->line, s);
    for (col = 1; col < x->col && *s; col++) { /* a tab stays a tab: the caret stands below */
        fputc(*s == '\t' ? '\t' : ' ', out);
        for (s++; ((unsigned char)*s & 0xc0) == 0x80;)
            s++;
    }
    fprintf(out, "%s^", p->green);
    for (i = 1; i < x->width; i++)
        fputc('~', out);
    fprintf(out, "%s\n", p->off);
}

void bb_diags_print(const struct bb_diags *d, FILE *out)
{
    static const struct paint none = {"", "", "", "", ""};
    static const struct paint ansi = {"\033[1m", "\033[1;31m", "\033[1;33m", "\033[32m", "\033[0m"};
    const struct paint *p = isatty(fileno(out)) == 1 && !getenv("NO_COLOR") ? &ansi : &none;
    const struct bb_diag *x;
    size_t shown = 0, i;
    bool error;

    for (i = 0; i < d->n; i++) {
        x = &d->v[i];
        error = x->severity == BB_SEV_ERROR;
        shown += error;
        fprintf(out, "%s%s", p->bold, x->file ? x->file : "");
        if (x->line)
            fprintf(out, ":%u:%u", x->line, x->col);
        fprintf(out, "%s%s%s:%s %s\n", x->file ? ": " : "", error ? p->red : p->yellow,
                error ? "error" : "warning", p->off, x->text);
        if (x->source)
            print_caret(x, out, p);
    }
    if (d->errors > shown)
        fprintf(out, "and %zu more errors\n", d->errors - shown);
}

static void put_text(struct bb_buf *b, const char *s)
{
    bb_buf_put(b, s, strlen(s));
}

void bb_diags_print_json(const struct bb_diags *d, FILE *out)
{
    const struct bb_diag *x;
    struct bb_buf b;
    char text[80];
    size_t i;

    bb_buf_init(&b, 16u << 20);
    for (i = 0; i < d->n; i++) {
        x = &d->v[i];
        put_text(&b, i == 0 ? "{\"file\":" : ",{\"file\":");
        if (x->file)
            bb_json_write_str(&b, x->file, strlen(x->file));
        else
            put_text(&b, "null");
        snprintf(text, sizeof(text),
                 ",\"line\":%u,\"column\":%u,\"severity\":\"%s\",\"message\":", x->line, x->col,
                 x->severity == BB_SEV_ERROR ? "error" : "warning");
        put_text(&b, text);
        bb_json_write_str(&b, x->text, strlen(x->text));
        put_text(&b, "}");
    }
    fprintf(out, "{\"errors\":%zu,\"diagnostics\":[%.*s]}\n", d->errors, b.failed ? 0 : (int)b.len,
            b.len ? (const char *)b.ptr : "");
    bb_buf_free(&b);
}
