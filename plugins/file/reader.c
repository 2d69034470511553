/*
 * reader.c - records out of one file, in bounded memory
 *
 * A window slides over the file; it holds one record at most (max_record, and a read's worth more).
 * After each record `at` is a place from which a later reader can go on: for jsonl, events and json
 * the byte offset, for csv and xml (stream.c) the number of records.
 *
 * Thread: [ctl]. Ownership: the reader owns its window; the descriptor is the caller's.
 */
#include "file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_SIZE 65536

int reader_bad(struct reader *r, struct bad *bad, size_t ahead, const char *fmt, ...)
{
    const uint8_t *p = r->window ? r->window + r->start : NULL;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(bad->text, sizeof bad->text, fmt, ap);
    va_end(ap);
    bad->offset = r->base + r->start + ahead;
    bad->line = r->at.line;
    for (size_t k = 0; k < ahead && k < r->len - r->start; k++)
        bad->line += p[k] == '\n';
    bad->go_on = bad->system = false;
    return -1;
}

int reader_fill(struct reader *r, struct bad *bad)
{
    ssize_t n;
    if (r->eof)
        return 0;
    if (r->start > 0 && (r->start >= r->len || r->cap - r->len < READ_SIZE / 2)) {
        memmove(r->window, r->window + r->start, r->len - r->start);
        r->base += r->start;
        r->len -= r->start;
        r->start = 0;
    }
    if (r->cap - r->len < READ_SIZE / 2) {
        size_t cap = r->cap ? r->cap * 2 : READ_SIZE;
        uint8_t *more = realloc(r->window, cap);
        if (!more) {
            reader_bad(r, bad, 0, "out of memory");
            bad->system = true;
            return -1;
        }
        r->window = more;
        r->cap = cap;
    }
    do
        n = pread(r->fd, r->window + r->len, r->cap - r->len, (off_t)(r->base + r->len));
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        reader_bad(r, bad, 0, "cannot be read: %s", strerror(errno));
        bad->system = true;
        return -1;
    }
    if (n == 0)
        r->eof = true;
    r->len += (size_t)n;
    return n > 0;
}

void reader_use(struct reader *r, size_t n)
{
    const uint8_t *p = r->window + r->start, *end = p + n;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        r->at.line++;
        p++;
    }
    r->start += n;
    r->at.offset = r->base + r->start;
}

int reader_open(struct reader *r, const struct config *c, int fd, const struct place *from,
                struct bad *bad)
{
    memset(r, 0, sizeof *r);
    r->c = c;
    r->fd = fd;
    r->at.line = 1;
    if (c->format == FORMAT_CSV || c->format == FORMAT_XML)
        return stream_open(r, bad); /* the source passes over what it has had */
    if (from) {
        r->at = *from;
        r->base = from->offset;
        r->begun = from->stack[0] != 0;
    }
    return 0;
}

void reader_close(struct reader *r)
{
    free(r->window);
    stream_close(r);
    memset(r, 0, sizeof *r);
    r->fd = -1;
}

/* ---- lines ------------------------------------------------------------------------------------ */

/* Passes over the rest of a line that is too long. */
static int line_skip(struct reader *r, struct bad *bad)
{
    for (;;) {
        const uint8_t *p = r->window + r->start;
        const uint8_t *nl = memchr(p, '\n', r->len - r->start);
        int rc;
        if (nl) {
            reader_use(r, (size_t)(nl - p) + 1);
            return 0;
        }
        reader_use(r, r->len - r->start);
        rc = reader_fill(r, bad);
        if (rc <= 0)
            return rc;
    }
}

/* 1 a line of *len bytes is in the window (and *end with its line end), 0 end, -1. */
static int line_next(struct reader *r, size_t *len, size_t *end, struct bad *bad)
{
    size_t looked = 0;
    for (;;) {
        const uint8_t *p = r->window ? r->window + r->start : NULL;
        size_t have = r->len - r->start;
        const uint8_t *nl = have > looked ? memchr(p + looked, '\n', have - looked) : NULL;
        int rc;
        *len = nl ? (size_t)(nl - p) : have;
        *end = nl ? *len + 1 : have;
        if (*len > r->c->max_record) {
            reader_bad(r, bad, 0, "the line is longer than max_record (%zu bytes)",
                       r->c->max_record);
            r->at.record++;
            if (r->c->skip_bad) {
                struct bad none;
                if (line_skip(r, &none) == 0)
                    bad->go_on = true;
            }
            return -1;
        }
        if (nl)
            return 1;
        looked = have;
        rc = reader_fill(r, bad);
        if (rc < 0)
            return -1;
        if (rc == 0)
            return have > 0;
    }
}

static int is_blank(const uint8_t *p, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (p[k] != ' ' && p[k] != '\t' && p[k] != '\r' && p[k] != '\n')
            return 0;
    return 1;
}

static int lines_next(struct reader *r, struct bb_buf *b, struct bad *bad)
{
    size_t len, end;
    struct bb_bytes line;
    struct bb_fault f = {0, ""};
    int rc;
    for (;;) {
        rc = line_next(r, &len, &end, bad);
        if (rc <= 0)
            return rc;
        line.ptr = r->window + r->start;
        line.len = len;
        if (!is_blank(line.ptr, len))
            break;
        reader_use(r, end);
    }
    rc = r->c->format == FORMAT_EVENTS ? bb_event_read(line, b, &f) : bb_json_read(line, b, &f);
    r->at.record++;
    if (rc != 0) {
        reader_bad(r, bad, f.offset, "%s", f.text);
        bad->go_on = true;
    }
    reader_use(r, end);
    return rc == 0 ? 1 : -1;
}

int reader_next(struct reader *r, struct bb_buf *b, struct bad *bad)
{
    if (r->c->format == FORMAT_CSV)
        return stream_csv_next(r, b, bad);
    if (r->c->format == FORMAT_XML)
        return stream_xml_next(r, b, bad);
    if (r->c->format == FORMAT_JSON)
        return reader_json_next(r, b, bad);
    return lines_next(r, b, bad);
}
