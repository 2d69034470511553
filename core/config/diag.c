/*
 * diag.c - findings with their place, line and caret
 *
 * The list is kept in order of file, line and column as it grows, so that whoever adds one more
 * later (a manifest's check) still gives the user one sorted page. It keeps at most
 * BB_CONF_DIAGS_MAX findings; errors counts all. What a user wrote is shown with control
 * characters replaced, so a file cannot steer a terminal, and bytes marked as secret are starred.
 *
 * Thread: the list's owner. Memory: the list owns copies of everything.
 */
#include "core/config/internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOURCE_MAX 1000u /* longer lines are shown without an excerpt */
#define TEXT_MAX 1000u

/* Replaces control characters (C0 but tab, DEL, C1) and broken UTF-8 in place. */
static void make_printable(char *s)
{
    unsigned char *p = (unsigned char *)s;
    unsigned need, i;

    while (*p) {
        need = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : (*p & 0xf0) == 0xe0 ? 2 : 3;
        if (need == 3 && (*p & 0xf8) != 0xf0)
            need = 9;
        for (i = 1; need < 9 && i <= need; i++)
            if ((p[i] & 0xc0) != 0x80)
                need = 9;
        if (need == 9 || (*p < 0x20 && *p != '\t') || *p == 0x7f) {
            *p++ = '?';
        } else if (*p == 0xc2 && p[1] < 0xa0) {
            p[0] = p[1] = '?';
            p += 2;
        } else {
            p += need + 1;
        }
    }
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

/* Takes x's source; file is copied. Without memory the count still says that something is wrong. */
__attribute__((format(printf, 4, 0))) static void
diag_add(struct bb_diags *d, struct bb_diag x, const char *file, const char *fmt, va_list ap)
{
    char text[TEXT_MAX];
    size_t i, cap;
    struct bb_diag *v;

    if (x.severity == BB_SEV_ERROR)
        d->errors++;
    if (d->n >= BB_CONF_DIAGS_MAX)
        goto fail;
    vsnprintf(text, sizeof(text), fmt, ap);
    x.text = strdup(text);
    x.file = file ? strdup(file) : NULL;
    if (!x.text || (file && !x.file))
        goto fail;
    make_printable(x.text);
    if (x.file)
        make_printable(x.file);
    if (d->n == d->cap) {
        cap = d->cap ? d->cap * 2 : 16;
        if (!(v = realloc(d->v, cap * sizeof(*v))))
            goto fail;
        d->v = v;
        d->cap = cap;
    }
    for (i = d->n; i > 0 && order(&d->v[i - 1], &x) > 0; i--)
        d->v[i] = d->v[i - 1];
    d->v[i] = x;
    d->n++;
    return;
fail:
    diag_free(&x);
}

/* The line that holds pos, without what is secret; NULL when it cannot be shown. */
static char *excerpt(const struct bb_yfile *f, unsigned line)
{
    uint32_t start = f->lines[line - 1];
    uint32_t end = line < f->n_lines ? f->lines[line] : f->len, i, from, to;
    size_t k;
    char *s;

    while (end > start && (f->text[end - 1] == '\n' || f->text[end - 1] == '\r'))
        end--;
    if (end - start > SOURCE_MAX)
        return NULL;
    if (!f->parsed && bb_text_sounds_secret(f->text + start, end - start))
        return NULL; /* no tree yet that says which bytes these are */
    if (!(s = malloc(end - start + 1)))
        return NULL;
    memcpy(s, f->text + start, end - start);
    s[end - start] = 0;
    for (i = 0; i < end - start; i++)
        if (!s[i])
            s[i] = '?';
    for (k = 0; k < f->n_masks; k++) {
        from = f->masks[k].start > start ? f->masks[k].start : start;
        to = f->masks[k].end < end ? f->masks[k].end : end;
        for (i = from; i < to; i++)
            s[i - start] = '*';
    }
    make_printable(s);
    return s;
}

static struct bb_diag diag_at(enum bb_severity s, const struct bb_yfile *f, uint32_t start,
                              uint32_t end)
{
    struct bb_diag x = {.severity = s};
    uint32_t line_end, i;

    bb_yfile_place(f, start, &x.line, &x.col);
    x.source = excerpt(f, x.line);
    line_end = x.line < f->n_lines ? f->lines[x.line] - 1 : f->len;
    for (i = start; i < end && i < line_end; i++)
        x.width += ((unsigned char)f->text[i] & 0xc0) != 0x80;
    if (!x.width)
        x.width = 1;
    return x;
}

void bb_diag_bytes(struct bb_diags *d, enum bb_severity s, struct bb_yfile *f, uint32_t start,
                   uint32_t end, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    diag_add(d, diag_at(s, f, start, end), f->name, fmt, ap);
    va_end(ap);
}

void bb_diag_node(struct bb_diags *d, enum bb_severity s, const struct bb_ynode *n, const char *fmt,
                  ...)
{
    const struct bb_ynode *at = n->at;
    struct bb_diag x = {.severity = s};
    va_list ap;

    if (at->file) /* a list or map shows where it starts, not all of it */
        x = diag_at(s, at->file, at->start, at->kind == BB_Y_SCALAR ? at->end : at->start + 1);
    va_start(ap, fmt);
    diag_add(d, x, at->file ? at->file->name : NULL, fmt, ap);
    va_end(ap);
}

void bb_diag_plain(struct bb_diags *d, enum bb_severity s, const char *name, const char *fmt, ...)
{
    struct bb_diag x = {.severity = s};
    va_list ap;

    va_start(ap, fmt);
    diag_add(d, x, name, fmt, ap);
    va_end(ap);
}

/* How far the word at pos goes: to its quote, or to what ends a plain scalar. */
static uint32_t word_end(const struct bb_yfile *f, uint32_t pos)
{
    uint32_t i = pos;
    char q = pos < f->len ? f->text[pos] : 0;

    if (q == '"' || q == '\'') {
        for (i++; i < f->len && f->text[i] != q && f->text[i] != '\n';)
            i++;
        return i + 1;
    }
    while (i < f->len && !strchr(",]}\r\n", f->text[i]) &&
           !(f->text[i] == ':' && (i + 1 == f->len || strchr(" \r\n", f->text[i + 1]))) &&
           !(f->text[i] == ' ' && i + 1 < f->len && f->text[i + 1] == '#'))
        i++;
    return i;
}

void bb_config_diag(const struct bb_config *c, struct bb_diags *d, enum bb_severity s,
                    struct bb_where w, const char *fmt, ...)
{
    const struct bb_priv *p = c ? c->priv : NULL;
    struct bb_diag x = {.severity = s, .line = w.line, .col = w.col};
    const struct bb_yfile *f = NULL;
    uint32_t pos;
    unsigned col;
    size_t i;
    va_list ap;

    for (i = 0; p && w.file && i < p->n_files && !f; i++)
        if (strcmp(p->files[i]->name, w.file) == 0)
            f = p->files[i];
    if (f && w.line && w.line <= f->n_lines) {
        pos = f->lines[w.line - 1];
        for (col = 1; col < w.col && pos < f->len && f->text[pos] != '\n'; col++)
            for (pos++; pos < f->len && ((unsigned char)f->text[pos] & 0xc0) == 0x80;)
                pos++;
        x = diag_at(s, f, pos, word_end(f, pos));
    }
    va_start(ap, fmt);
    diag_add(d, x, w.file, fmt, ap);
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
    size_t i, shown = 0;

    for (i = 0; i < d->n; i++) {
        x = &d->v[i];
        shown += x->severity == BB_SEV_ERROR;
        fputs(p->bold, out);
        if (x->file && x->line)
            fprintf(out, "%s:%u:%u: ", x->file, x->line, x->col);
        else if (x->file)
            fprintf(out, "%s: ", x->file);
        fprintf(out, "%s%s:%s %s\n", x->severity == BB_SEV_ERROR ? p->red : p->yellow,
                x->severity == BB_SEV_ERROR ? "error" : "warning", p->off, x->text);
        if (x->source && x->line)
            print_caret(x, out, p);
    }
    if (d->errors > shown)
        fprintf(out, "and %zu more errors\n", d->errors - shown);
}

static void print_json_str(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', out);
        if (*s == '\t')
            fputs("\\t", out);
        else
            fputc(*s, out);
    }
    fputc('"', out);
}

void bb_diags_print_json(const struct bb_diags *d, FILE *out)
{
    const struct bb_diag *x;
    size_t i;

    fprintf(out, "{\"errors\":%zu,\"diagnostics\":[", d->errors);
    for (i = 0; i < d->n; i++) {
        x = &d->v[i];
        fputs(i ? ",{\"file\":" : "{\"file\":", out);
        if (x->file)
            print_json_str(out, x->file);
        else
            fputs("null", out);
        fprintf(out, ",\"line\":%u,\"column\":%u,\"severity\":\"%s\",\"message\":", x->line, x->col,
                x->severity == BB_SEV_ERROR ? "error" : "warning");
        print_json_str(out, x->text);
        fputc('}', out);
    }
    fputs("]}\n", out);
}
