/*
 * file.c - a file's bytes, its lines, and what of a line may be shown
 *
 * Opens with O_NONBLOCK and looks at the descriptor, not the name, so a fifo or a device in
 * conf.d is refused instead of waited for.
 *
 * An excerpt never shows bytes that are masked. Until the file is parsed nobody knows which bytes
 * are a secret: then a line is shown only up to its first key that is not one of conf.d's own, and
 * stars stand for the rest.
 */
#include "core/config/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXCERPT_MAX 1000u /* longer lines are not shown */
#define SYNTAX ":{}[],\"'&*!|>#%@`"

int bb_file_slurp(const char *path, size_t max, struct bb_buf *out, struct stat *st,
                  struct bb_fault *err)
{
    uint8_t *p = bb_buf_room(out, max + 1); /* at once: no copy of a secret is left behind */
    size_t n = 0;
    ssize_t r = 1;
    int rc = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, st) != 0)
        bb_fail(err, "%s", strerror(errno));
    else if (!S_ISREG(st->st_mode))
        bb_fail(err, S_ISDIR(st->st_mode) ? "it is a folder" : "it is not a regular file");
    else if (!p)
        bb_fail(err, "not enough memory");
    else
        rc = 0;
    while (rc == 0 && r != 0) {
        r = read(fd, p + n, max + 1 - n);
        n += r > 0 ? (size_t)r : 0;
        if (r < 0 && errno != EINTR)
            rc = bb_fail(err, "%s", strerror(errno));
        else if (n > max)
            rc = bb_fail(err, "it is larger than %zu KiB", max >> 10);
    }
    out->len += n;
    if (fd >= 0)
        close(fd);
    return rc;
}

struct bb_file *bb_file_new(struct bb_arena *a, const char *name, const char *dir, const char *text,
                            size_t len)
{
    struct bb_file *f = bb_arena_get(a, sizeof(*f));
    size_t i;

    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark is no column */
        text += 3;
        len -= 3;
    }
    if (!f)
        return NULL;
    f->arena = a;
    f->len = (uint32_t)len;
    f->name = bb_arena_str(a, name, strlen(name));
    f->dir = bb_arena_str(a, dir, strlen(dir));
    f->text = bb_arena_str(a, text, len);
    for (i = 0, f->n_lines = 1; i < len; i++)
        f->n_lines += text[i] == '\n';
    f->lines = bb_arena_get(a, f->n_lines * sizeof(*f->lines));
    if (!f->name || !f->dir || !f->text || !f->lines)
        return NULL;
    for (i = 0, f->n_lines = 1; i < len; i++)
        if (text[i] == '\n')
            f->lines[f->n_lines++] = (uint32_t)i + 1;
    return f;
}

static bool is_tail(char c) /* a byte inside a UTF-8 character */
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

void bb_file_place(const struct bb_file *f, uint32_t pos, unsigned *line, unsigned *col)
{
    size_t lo = 0, hi = f->n_lines, mid;
    uint32_t i;

    while (hi - lo > 1) {
        mid = lo + (hi - lo) / 2;
        if (f->lines[mid] <= pos)
            lo = mid;
        else
            hi = mid;
    }
    *line = (unsigned)lo + 1;
    *col = 1;
    for (i = f->lines[lo]; i < pos && i < f->len; i++)
        *col += !is_tail(f->text[i]);
}

uint32_t bb_file_pos(const struct bb_file *f, unsigned line, unsigned col)
{
    uint32_t pos;

    if (line < 1 || line > f->n_lines)
        return f->len;
    for (pos = f->lines[line - 1]; col > 1 && pos < f->len && f->text[pos] != '\n'; col--)
        for (pos++; pos < f->len && is_tail(f->text[pos]);)
            pos++;
    return pos;
}

/* How much of an unparsed line may be shown: up to the value of the first key that is not one of
 * conf.d's own; of a line that does not begin with a key, nothing. */
static size_t harmless(const char *s)
{
    size_t at = strspn(s, " -"), n;

    for (;;) {
        n = strcspn(s + at, " \t" SYNTAX);
        if (n == 0 || s[at + n] != ':')
            return at;
        if (!bb_spec_known(s + at, n))
            return at + n + 1;
        at += n + 1;
        at += strspn(s + at, " ");
        at += strcspn(s + at, SYNTAX); /* a known key's value: one plain word, or braces */
        at += strspn(s + at, " ,{");
    }
}

char *bb_file_excerpt(const struct bb_file *f, unsigned line)
{
    uint32_t start = f->lines[line - 1], end = line < f->n_lines ? f->lines[line] : f->len;
    uint32_t i, from, to;
    size_t k, n = 0;
    char *s, *hide;

    while (end > start && (f->text[end - 1] == '\n' || f->text[end - 1] == '\r'))
        end--;
    if (end - start > EXCERPT_MAX || !(s = calloc(2, end - start + 1)))
        return NULL;
    hide = s + (end - start + 1);
    for (i = start; i < end; i++)
        s[i - start] = f->text[i] ? f->text[i] : '?';
    if (!f->parsed)
        for (k = harmless(s); k < end - start; k++)
            hide[k] = s[k] != ' ';
    for (k = 0; k < f->n_masks; k++) {
        from = f->masks[k].start > start ? f->masks[k].start : start;
        to = f->masks[k].end < end ? f->masks[k].end : end;
        for (i = from; i < to; i++)
            hide[i - start] = 1;
    }
    for (k = 0; k < end - start; k++) /* one star a character: the caret counts them */
        if (!hide[k] || !is_tail(s[k]))
            s[n++] = (char)(hide[k] ? '*' : s[k]);
    s[n] = 0;
    return s;
}
