/*
 * out.c - what commands print: errors, tables, JSON, progress
 *
 * Main thread. Text that came from a message is never sent to the terminal as it is: control
 * characters become '?', so that a hostile value cannot move the cursor or fake a line.
 */
#define _GNU_SOURCE 1
#include "core/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CELL_MAX 96 /* characters shown of one cell */

int bb_cli_fail(const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    fputs("busbar: error: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return BB_EXIT_FAILED;
}

void bb_print_safe(FILE *out, struct bb_bytes text)
{
    const unsigned char *p = text.ptr;

    for (size_t i = 0; i < text.len; i++) {
        /* C1 controls are c2 80 .. c2 9f in UTF-8 */
        bool c1 = p[i] == 0xc2 && i + 1 < text.len && p[i + 1] < 0xa0;

        if (c1)
            i++;
        fputc(c1 || p[i] < 0x20 || p[i] == 0x7f ? '?' : p[i], out);
    }
}

int bb_print_json(struct bb_bytes value)
{
    struct bb_buf b;
    struct bb_fault err;
    int rc = BB_EXIT_FAILED;

    bb_buf_init(&b, 256u << 20);
    if ((isatty(STDOUT_FILENO) ? bb_json_write_pretty : bb_json_write)(value, &b, &err) < 0) {
        bb_cli_fail("cannot write the answer as JSON: %s", err.text);
    } else {
        fwrite(b.ptr, 1, b.len, stdout);
        fputc('\n', stdout);
        rc = BB_EXIT_OK;
    }
    bb_buf_free(&b);
    return rc;
}

int bb_print_end(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    return bb_cli_fail("cannot write to stdout: %s", strerror(errno));
}

void bb_grid_init(struct bb_grid *t, size_t cols, const char *const *heads)
{
    *t = (struct bb_grid){.cols = cols};
    for (size_t i = 0; i < cols; i++)
        bb_grid_add(t, heads[i]);
}

void bb_grid_add_bytes(struct bb_grid *t, struct bb_bytes cell)
{
    char *copy;

    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 64;
        char **v = reallocarray(t->cells, cap, sizeof(*v));

        if (!v)
            return;
        t->cells = v;
        t->cap = cap;
    }
    copy = strndup(cell.len ? cell.ptr : "", cell.len);
    if (copy)
        t->cells[t->n++] = copy;
}

void bb_grid_add(struct bb_grid *t, const char *cell)
{
    bb_grid_add_bytes(t, (struct bb_bytes){cell, strlen(cell)});
}

void bb_grid_addf(struct bb_grid *t, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    bb_grid_add(t, text);
}

void bb_grid_free(struct bb_grid *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->cells[i]);
    free(t->cells);
    *t = (struct bb_grid){0};
}

static size_t columns_of(const char *s)
{
    size_t n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n < CELL_MAX ? n : CELL_MAX;
}

/* Bytes of s that make at most CELL_MAX characters. */
static size_t bytes_of(const char *s)
{
    size_t n = 0, i = 0;

    for (; s[i]; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80 && n++ == CELL_MAX)
            break;
    return i;
}

void bb_grid_print(struct bb_grid *t, FILE *out)
{
    size_t width[32] = {0};

    for (size_t i = 0; i < t->n; i++) {
        size_t w = columns_of(t->cells[i]);

        if (w > width[i % t->cols])
            width[i % t->cols] = w;
    }
    for (size_t i = 0; i < t->n; i++) {
        size_t col = i % t->cols;
        bool last = col + 1 == t->cols;

        bb_print_safe(out, (struct bb_bytes){t->cells[i], bytes_of(t->cells[i])});
        if (last)
            fputc('\n', out);
        else
            fprintf(out, "%*s", (int)(width[col] - columns_of(t->cells[i]) + 2), "");
    }
    bb_grid_free(t);
}

void bb_progress_to(struct bb_progress *p, uint64_t done)
{
    p->done = done;
    if ((done & 0xff) || bb_mono_ms() < p->next_ms || !isatty(STDERR_FILENO))
        return;
    p->next_ms = bb_mono_ms() + 250;
    p->shown = true;
    fprintf(stderr, "\r%s: %llu", p->what, (unsigned long long)done);
}

void bb_progress_end(struct bb_progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r%s: %llu\n", p->what, (unsigned long long)p->done);
    p->shown = false;
}
