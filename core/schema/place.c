/*
 * place.c - line and column of what is wrong in a schema, and the list of notes
 *
 * A document is read to msgpack and only that is looked at; its tokens and those of the JSON text
 * come in the same order, so the place of the n-th of one is that of the n-th of the other. That is
 * looked for only when there is something to say.
 * Thread: the compilation's. Ownership: a note owns its texts.
 */
#define _GNU_SOURCE 1
#include "core/schema/internal.h"

#include <stdarg.h>
#include <stdlib.h>

size_t bb_place_of(const struct bb_sdoc *d, const uint8_t *p)
{
    struct bb_cur c = {d->value.ptr, d->value.ptr + d->value.len};
    const char *s = (const char *)d->text.ptr, *end = s + d->text.len, *at = s;
    struct bb_tok t;
    size_t n = 0;

    while (c.p < p && bb_cur_next(&c, &t) == 0)
        n++;
    for (; at < end; at++) {
        if (strchr(" \t\r\n,:]}", *at) && *at)
            continue;
        if (n-- == 0)
            return (size_t)(at - s);
        if (*at == '"') {
            for (at++; at < end && *at != '"'; at++)
                at += *at == '\\';
        } else if (*at != '{' && *at != '[') {
            while (at + 1 < end && !strchr(" \t\r\n,:]}", at[1]))
                at++;
        }
    }
    return d->text.len;
}

void bb_place_line(struct bb_bytes text, size_t offset, unsigned *line, unsigned *col)
{
    const char *s = text.ptr, *p = s, *nl;
    const char *at = s + (offset < text.len ? offset : text.len);

    for (*line = 1; p && (nl = memchr(p, '\n', (size_t)(at - p))); p = nl + 1)
        ++*line;
    *col = (unsigned)(at - p) + 1;
}

void bb_note(struct bb_schema_notes *notes, bool error, const char *file, struct bb_bytes text,
             size_t offset, const char *fmt, ...)
{
    struct bb_schema_note *v, *one;
    va_list ap;
    int n;

    notes->errors += error;
    if (notes->n >= BB_SCHEMA_NOTES_MAX ||
        !(v = realloc(notes->v, (notes->n + 1) * sizeof(*v)))) {
        notes->more++;
        return;
    }
    notes->v = v;
    one = &v[notes->n++];
    one->error = error;
    one->line = one->col = 0;
    if (text.ptr)
        bb_place_line(text, offset, &one->line, &one->col);
    one->file = strdup(file);
    va_start(ap, fmt);
    n = vasprintf(&one->text, fmt, ap);
    va_end(ap);
    if (n < 0)
        one->text = NULL;
}

void bb_schema_notes_free(struct bb_schema_notes *notes)
{
    size_t i;

    for (i = 0; i < notes->n; i++) {
        free(notes->v[i].file);
        free(notes->v[i].text);
    }
    free(notes->v);
    memset(notes, 0, sizeof(*notes));
}

void bb_schema_notes_print(const struct bb_schema_notes *notes, FILE *out)
{
    const struct bb_schema_note *one;

    for (one = notes->v; one < notes->v + notes->n; one++) {
        fprintf(out, "%s:", one->file ? one->file : "?");
        if (one->line)
            fprintf(out, "%u:%u:", one->line, one->col);
        fprintf(out, " %s: %s\n", one->error ? "error" : "warning",
                one->text ? one->text : "out of memory");
    }
    if (notes->more)
        fprintf(out, "and %zu more\n", notes->more);
}
