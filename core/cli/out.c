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

#define CELL_MAX 96  /* characters shown of one cell */
#define LAST_MAX 240 /* of a row's last: nothing is beside it, and what to do stands at a text's end */
#define CELL_BYTES (4 * LAST_MAX + 1)
#define COLUMNS_MAX 32

static void say(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
static void say(const char *fmt, va_list ap)
{
    fflush(stdout);
    fputs("busbar: error: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

int bb_cli_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    return BB_EXIT_FAILED;
}

int bb_cli_usage(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    fputs("Add --help to see what it takes.\n", stderr);
    return BB_EXIT_USAGE;
}

void bb_print_text(FILE *out, const char *before, struct bb_bytes text)
{
    const unsigned char *p = text.ptr;

    if (text.len)
        fputs(before, out);
    for (size_t i = 0; i < text.len; i++) {
        /* C1 controls are c2 80 .. c2 9f in UTF-8 */
        bool c1 = p[i] == 0xc2 && i + 1 < text.len && p[i + 1] < 0xa0;

        if (c1)
            i++;
        fputc(c1 || p[i] < 0x20 || p[i] == 0x7f ? '?' : p[i], out);
    }
}

bool bb_print_field(const char *before, struct bb_bytes map, const char *key)
{
    struct bb_bytes v = bb_field_str(map, key);

    bb_print_text(stdout, before, v);
    return v.len > 0;
}

int bb_print_json(struct bb_bytes value, bool pretty)
{
    struct bb_buf b;
    struct bb_fault err;
    int rc = BB_EXIT_OK;

    bb_buf_init(&b, 256u << 20);
    pretty |= isatty(STDOUT_FILENO);
    if ((pretty ? bb_json_write_pretty : bb_json_write)(value, &b, &err) < 0)
        rc = bb_cli_fail("cannot write the answer as JSON: %s", err.text);
    else
        printf("%.*s\n", (int)b.len, (const char *)b.ptr);
    bb_buf_free(&b);
    return rc;
}

int bb_print_end(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno == EPIPE)
        return status ? status : BB_EXIT_FAILED; /* the reader had enough */
    return bb_cli_fail("cannot write to stdout: %s", strerror(errno));
}

/* ---- tables ---------------------------------------------------------------------------------- */
static void cell_text(const struct bb_column *c, struct bb_bytes row, char out[CELL_BYTES])
{
    struct bb_bytes v = c->key ? bb_field(row, c->key) : (struct bb_bytes){NULL, 0}, s;
    const char *plus = c->key ? strchr(c->key, '+') : NULL;
    char first[32];
    int64_t i;

    *out = '\0';
    if (c->text) {
        c->text(row, out, CELL_BYTES);
    } else if (plus) {
        snprintf(first, sizeof(first), "%.*s", (int)(plus - c->key), c->key);
        snprintf(out, CELL_BYTES, "%lld",
                 (long long)(bb_field_int(row, first) + bb_field_int(row, plus + 1)));
    } else if (v.len && bb_as_str(v, &s)) {
        snprintf(out, CELL_BYTES, "%.*s", (int)(s.len < CELL_BYTES ? s.len : CELL_BYTES),
                 (const char *)s.ptr);
    } else if (v.len && bb_as_int(v, &i)) {
        snprintf(out, CELL_BYTES, "%lld", (long long)i);
    }
}

/* How many characters s has, at most max; *bytes of them. */
static size_t width_of(const char *s, size_t max, size_t *bytes)
{
    size_t n = 0, i = 0;

    for (; s[i]; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80 && n++ == max)
            break;
    *bytes = i;
    return n < max ? n : max;
}

static void print_row(const struct bb_column *columns, size_t n, const size_t *width,
                      const struct bb_bytes *row)
{
    char text[CELL_BYTES];
    size_t bytes, w;

    for (size_t i = 0; i < n; i++) {
        if (row)
            cell_text(&columns[i], *row, text);
        else
            snprintf(text, sizeof(text), "%s", columns[i].head);
        w = width_of(text, i + 1 < n ? CELL_MAX : LAST_MAX, &bytes);
        bb_print_text(stdout, "", (struct bb_bytes){text, bytes});
        printf("%*s", i + 1 < n ? (int)(width[i] - w + 2) : 0, "");
    }
    putchar('\n');
}

void bb_print_table(const struct bb_column *columns, size_t n, struct bb_bytes rows)
{
    size_t width[COLUMNS_MAX], bytes, w;
    struct bb_walk walk = bb_each(rows);
    char text[CELL_BYTES];
    struct bb_bytes row;

    for (size_t i = 0; i < n; i++)
        width[i] = strlen(columns[i].head);
    while (bb_each_next(&walk, &row))
        for (size_t i = 0; i < n; i++) {
            cell_text(&columns[i], row, text);
            w = width_of(text, CELL_MAX, &bytes);
            width[i] = w > width[i] ? w : width[i];
        }
    print_row(columns, n, width, NULL);
    walk = bb_each(rows);
    while (bb_each_next(&walk, &row))
        print_row(columns, n, width, &row);
}

/* ---- progress -------------------------------------------------------------------------------- */
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
