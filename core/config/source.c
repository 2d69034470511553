/*
 * source.c - a file's bytes and its lines
 *
 * Opens with O_NONBLOCK and looks at the descriptor, not the name, so a fifo or a device in
 * conf.d is refused instead of waited for. Reads at most BB_CONF_FILE_MAX bytes, whatever the
 * size was when it was asked.
 */
#include "core/config/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

size_t bb_utf8_fault(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    unsigned need, min, v, k;
    size_t i;

    for (i = 0; i < len; i += k) {
        need = p[i] < 0x80 ? 0 : (p[i] & 0xe0) == 0xc0 ? 1 : (p[i] & 0xf0) == 0xe0 ? 2 : 3;
        if (p[i] == 0 || (need == 3 && (p[i] & 0xf8) != 0xf0) || need >= len - i)
            return i;
        min = need == 0 ? 0 : need == 1 ? 0x80 : need == 2 ? 0x800 : 0x10000;
        v = need == 0 ? p[i] : p[i] & (0x3fu >> need);
        for (k = 1; k <= need; k++) {
            if ((p[i + k] & 0xc0) != 0x80)
                return i;
            v = v << 6 | (p[i + k] & 0x3fu);
        }
        if (v < min || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
            return i;
    }
    return len;
}

int bb_yaml_text(struct bb_yfile *f, struct bb_arena *a, const char *name, const char *text,
                 size_t len)
{
    size_t i, n = 1;

    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark is no column */
        text += 3;
        len -= 3;
    }
    f->arena = a;
    f->len = (uint32_t)len;
    f->name = bb_arena_str(a, name, strlen(name));
    f->text = bb_arena_str(a, text, len);
    if (!f->name || !f->text)
        return -1;
    for (i = 0; i < len; i++)
        n += text[i] == '\n';
    if (!(f->lines = bb_arena_get(a, n * sizeof(*f->lines))))
        return -1;
    for (i = 0, n = 1; i < len; i++)
        if (text[i] == '\n')
            f->lines[n++] = (uint32_t)i + 1;
    f->n_lines = n;
    return 0;
}

void bb_yfile_place(const struct bb_yfile *f, uint32_t pos, unsigned *line, unsigned *col)
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
        *col += ((unsigned char)f->text[i] & 0xc0) != 0x80;
}

struct bb_where bb_ynode_where(const struct bb_ynode *n)
{
    struct bb_where w = {NULL, 0, 0};

    if (n->at->file) {
        w.file = n->at->file->name;
        bb_yfile_place(n->at->file, n->at->start, &w.line, &w.col);
    }
    return w;
}

/* Fills buf from fd; the bytes read, or -1. */
static ssize_t read_all(int fd, char *buf, size_t cap)
{
    size_t n = 0;
    ssize_t r;

    while (n < cap) {
        r = read(fd, buf + n, cap - n);
        if (r == 0)
            break;
        if (r < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        n += (size_t)r;
    }
    return (ssize_t)n;
}

int bb_yaml_file(struct bb_yfile *f, struct bb_arena *a, const char *name, struct bb_diags *d)
{
    struct stat st;
    char *buf;
    ssize_t n;
    int rc = -1;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &st) != 0) {
        bb_diag_plain(d, BB_SEV_ERROR, name, "cannot be read: %s", strerror(errno));
        goto done;
    }
    if (!S_ISREG(st.st_mode)) {
        bb_diag_plain(d, BB_SEV_ERROR, name, "is %s: a file was expected",
                      S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
        goto done;
    }
    if (st.st_size > (off_t)BB_CONF_FILE_MAX) {
        bb_diag_plain(d, BB_SEV_ERROR, name, "is larger than %u MiB: split it",
                      BB_CONF_FILE_MAX >> 20);
        goto done;
    }
    /* it may have grown since: one byte more than what was asked shows that */
    if (!(buf = bb_arena_get(a, (size_t)st.st_size + 1))) {
        bb_diag_plain(d, BB_SEV_ERROR, name, "not enough memory to read this file");
        goto done;
    }
    n = read_all(fd, buf, (size_t)st.st_size + 1);
    if (n < 0)
        bb_diag_plain(d, BB_SEV_ERROR, name, "cannot be read: %s", strerror(errno));
    else if (n > st.st_size)
        bb_diag_plain(d, BB_SEV_ERROR, name, "changed while it was read: try again");
    else if (bb_yaml_text(f, a, name, buf, (size_t)n) != 0)
        bb_diag_plain(d, BB_SEV_ERROR, name, "not enough memory to read this file");
    else
        rc = 0;
done:
    if (fd >= 0)
        close(fd);
    return rc;
}
