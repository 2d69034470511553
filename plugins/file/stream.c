/*
 * stream.c - formats that take bytes as they come: rows of a table, elements of an XML document
 *
 * Both codecs keep what is not complete themselves, so the window holds one chunk and never grows.
 * Neither can begin in the middle: a row means nothing without its header, an element nothing
 * without those around it. So a file that was interrupted is read again from its start, at the
 * codec's full speed, and the source passes over the records that were taken.
 *
 * Thread: [ctl]. Invariant: chunk[at..len) is what the codec has not had; with a recoder chunk is
 * its output, else the window.
 */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define CHUNK 65536

int stream_open(struct reader *r, struct bad *bad)
{
    struct bb_xml_limits limits = {.record_max = r->c->max_record};
    struct bb_fault f;
    r->window = malloc(CHUNK);
    r->cap = CHUNK;
    bb_buf_init(&r->text, 4 * CHUNK);
    if (!r->window)
        return reader_bad(r, bad, 0, "out of memory");
    if (r->c->format == FORMAT_XML) {
        r->xml = bb_xml_new(r->c->xml, &limits);
        return r->xml ? 0 : reader_bad(r, bad, 0, "out of memory");
    }
    r->csv_open = true;
    if (bb_csv_init(&r->csv, &r->c->csv, &f) != 0)
        return reader_bad(r, bad, 0, "%s", f.text);
    if (strcasecmp(r->c->encoding, "UTF-8") == 0)
        return 0; /* the table's own check is enough */
    r->recode = bb_recode_new(bb_str(r->c->encoding), 0, &f);
    return r->recode ? 0 : reader_bad(r, bad, 0, "%s", f.text);
}

void stream_close(struct reader *r)
{
    if (r->csv_open)
        bb_csv_free(&r->csv);
    bb_xml_free(&r->xml);
    bb_recode_free(&r->recode);
    bb_buf_free(&r->text);
}

/* The next chunk: 1, 0 at the end, -1. */
static int chunk_next(struct reader *r, struct bad *bad)
{
    struct bb_fault f;
    struct bb_bytes raw = {r->window, 0};
    ssize_t n;
    if (r->eof)
        return 0;
    do
        n = pread(r->fd, r->window, r->cap, (off_t)r->base);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        reader_bad(r, bad, 0, "cannot be read: %s", strerror(errno));
        bad->system = true;
        return -1;
    }
    r->eof = n == 0;
    raw.len = (size_t)n;
    r->base += raw.len;
    r->at.offset = r->base;
    r->chunk = raw;
    r->chunk_at = 0;
    if (!r->recode)
        return n > 0;
    bb_buf_reset(&r->text);
    if (bb_recode_put(r->recode, raw, r->eof, &r->text, &f) != 0) {
        /* rows before it are in text: they come first */
        if (!r->text.len)
            return reader_bad(r, bad, 0, "%s", f.text);
        r->undecoded = f;
        r->eof = true;
    }
    r->chunk.ptr = r->text.ptr;
    r->chunk.len = r->text.len;
    return r->text.len > 0 || !r->eof;
}

static void bad_at(struct bad *bad, const struct bb_fault *f, uint64_t line, bool go_on)
{
    snprintf(bad->text, sizeof bad->text, "%s", f->text);
    bad->offset = f->offset;
    bad->line = line;
    bad->go_on = go_on;
    bad->system = false;
}

/* ---- tables ------------------------------------------------------------------------------------ */

/* Which columns are numbers; known once there is a header. */
static int decimals_find(struct reader *r, struct bad *bad)
{
    const struct config *c = r->c;
    for (uint32_t k = 0; k < c->n_decimals; k++) {
        int i = bb_csv_column(&r->csv, c->decimals[k].ptr);
        if (i < 0 || i >= NAMES_MAX)
            return reader_bad(r, bad, 0, "csv.decimals: the table has no column \"%.100s\"",
                              (const char *)c->decimals[k].ptr);
        r->decimal[i] = true;
    }
    r->begun = true;
    return 0;
}

static int row_put(struct reader *r, struct bb_buf *b, struct bad *bad)
{
    struct bb_fault f;
    bb_put_map(b, r->csv.columns);
    for (uint32_t k = 0; k < r->csv.columns; k++) {
        struct bb_bytes name = bb_csv_name(&r->csv, k), v = bb_csv_field(&r->csv, k);
        bb_put_str(b, name.ptr, name.len);
        if (!r->decimal[k % NAMES_MAX]) {
            bb_put_str(b, v.ptr, v.len);
        } else if (bb_csv_decimal(v, r->c->decimal_sign, b, &f) != 0) {
            snprintf(bad->text, sizeof bad->text, "column %.*s: %.180s",
                     (int)(name.len < 60 ? name.len : 60), (const char *)name.ptr, f.text);
            bad->offset = r->csv.offset;
            bad->line = r->csv.line;
            bad->go_on = true;
            bad->system = false;
            return -1;
        }
    }
    return 1;
}

int stream_csv_next(struct reader *r, struct bb_buf *b, struct bad *bad)
{
    struct bb_fault f = {0, ""};
    size_t used;
    int rc = 0;
    while (rc == 0) {
        struct bb_bytes rest;
        if (r->chunk_at == r->chunk.len) {
            int more = r->undecoded.text[0] ? 0 : chunk_next(r, bad);
            if (more < 0)
                return -1;
            if (more == 0 && r->undecoded.text[0]) {
                bad_at(bad, &r->undecoded, r->csv.next_line, false);
                return -1;
            }
            if (more == 0) {
                if (r->ended)
                    return 0;
                r->ended = true;
                rc = bb_csv_end(&r->csv, &f);
                if (rc == 0)
                    return 0;
                break;
            }
        }
        rest.ptr = (const char *)r->chunk.ptr + r->chunk_at;
        rest.len = r->chunk.len - r->chunk_at;
        rc = bb_csv_read(&r->csv, rest, &used, &f);
        r->chunk_at += used;
    }
    r->at.record++;
    r->at.line = r->csv.line;
    if (rc < 0) {
        bad_at(bad, &f, r->csv.line, !r->csv.broken);
        return -1;
    }
    if (!r->begun && decimals_find(r, bad) != 0)
        return -1;
    return row_put(r, b, bad);
}

/* ---- XML --------------------------------------------------------------------------------------- */

int stream_xml_next(struct reader *r, struct bb_buf *b, struct bad *bad)
{
    struct bb_fault f = {0, ""};
    struct bb_xml_record rec = {.line = r->at.line};
    size_t used;
    int rc = 0;
    while (rc == 0) {
        struct bb_bytes rest;
        if (r->chunk_at == r->chunk.len && !r->ended) {
            int more = chunk_next(r, bad);
            if (more < 0)
                return -1;
            r->ended = more == 0;
        }
        if (r->ended) {
            rc = bb_xml_end(r->xml, &rec, &f);
            if (rc == 0)
                return 0;
            break;
        }
        rest.ptr = (const char *)r->chunk.ptr + r->chunk_at;
        rest.len = r->chunk.len - r->chunk_at;
        rc = bb_xml_read(r->xml, rest, &used, &rec, &f);
        r->chunk_at += used;
    }
    r->at.record++;
    if (rec.line)
        r->at.line = rec.line;
    if (rc == 1 && rec.value.len > b->max - b->len) {
        snprintf(f.text, sizeof f.text, "the record is larger than max_record (%zu bytes)",
                 r->c->max_record);
        rc = -1;
    }
    if (rc < 0) {
        bad_at(bad, &f, r->at.line, !bb_xml_broken(r->xml));
        return -1;
    }
    bb_put_raw(b, rec.value);
    return 1;
}
