/*
 * csv.c - tables, row by row from chunks
 *
 *              other               delimiter, line end
 *     START --------> BARE ------------------------------> START (next field or row)
 *       | quote                    ^
 *       v        quote             | delimiter, line end
 *     QUOTED <-----------> CLOSING-+        CR anywhere outside quotes: CR, then LF must follow
 *
 * SKIP before the table and COMMENT in a line of it last to a line's end; ESCAPE is one byte after
 * a backslash, in START, BARE and QUOTED, where the dialect has it. Two tables say at which bytes
 * a run of plain text stops, so a dialect costs nothing but what it adds to them.
 *
 * A row's fields lie one after the other in one buffer, their ends in a second. After an error
 * that leaves the row's end known, the reader goes on behind it; after any other it is broken.
 * Thread: the owner's. Memory: the four buffers, each with a maximum.
 */
#include "codec.h"
#include <busbar/csv.h>
#include <stdlib.h>

enum { START, BARE, QUOTED, CLOSING, CR, SKIP, COMMENT, ESCAPE };

#define FIELD_MAX (1u << 20)
#define ROW_MAX (16u << 20)
#define COLUMNS_MAX 1024u

static void stops_set(struct bb_csv *c)
{
    const struct bb_csv_options *o = &c->options;

    c->end = o->line_end == BB_CSV_CR ? '\r' : '\n';
    c->bare[0] = c->in[0] = 1;
    c->bare[c->end] = c->in[c->end] = 1;
    c->bare['\r'] = 1;
    c->bare[(uint8_t)o->delimiter] = 1;
    if (!o->no_quote)
        c->bare[(uint8_t)o->quote] = c->in[(uint8_t)o->quote] = 1;
    if (o->escape)
        c->bare['\\'] = c->in['\\'] = 1;
}

static int names_take(struct bb_csv *c, struct bb_fault *err)
{
    for (uint32_t i = 0; i < c->options.n_names; i++) {
        const struct bb_bytes *s = &c->options.names[i];
        bb_buf_put(&c->names_text, s->ptr, s->len);
        bb_buf_put(&c->names_ends, &c->names_text.len, sizeof(c->names_text.len));
    }
    c->options.names = NULL;
    c->names = c->width = c->options.n_names;
    if (c->names_text.failed || c->names_ends.failed)
        return bb_fault_set(err, 0, "no memory for the names");
    return bb_csv_names_check(c, err);
}

int bb_csv_init(struct bb_csv *c, const struct bb_csv_options *options, struct bb_fault *err)
{
    struct bb_csv_options *o = &c->options;
    const char *wrong;

    memset(c, 0, sizeof(*c));
    if (options)
        *o = *options;
    o->delimiter = o->delimiter ? o->delimiter : ',';
    o->quote = o->quote ? o->quote : '"';
    o->field_max = o->field_max ? o->field_max : FIELD_MAX;
    o->row_max = o->row_max ? o->row_max : ROW_MAX;
    o->columns_max = o->columns_max ? o->columns_max : COLUMNS_MAX;
    c->next_line = 1;
    c->line = 1;
    c->state = o->skip ? SKIP : START;
    bb_buf_init(&c->text, o->row_max);
    bb_buf_init(&c->ends, (size_t)o->columns_max * sizeof(size_t));
    bb_buf_init(&c->names_text, o->row_max);
    bb_buf_init(&c->names_ends, c->ends.max);
    stops_set(c);
    wrong = bb_csv_options_wrong(o);
    c->broken = wrong != NULL;
    if (wrong)
        return bb_fault_set(err, 0, "%s", wrong);
    c->broken = o->n_names && names_take(c, err) != 0;
    return c->broken ? -1 : 0;
}

void bb_csv_free(struct bb_csv *c)
{
    bb_buf_free(&c->text);
    bb_buf_free(&c->ends);
    bb_buf_free(&c->names_text);
    bb_buf_free(&c->names_ends);
    c->columns = c->names = 0;
}

static int fault_at(const struct bb_csv *c, struct bb_fault *err, const char *text)
{
    return bb_fault_set(err, (size_t)c->offset, "line %llu, column %u: %s",
                        (unsigned long long)c->next_line, (unsigned)c->columns + 1, text);
}

static int fault_broken(struct bb_csv *c, struct bb_fault *err, const char *text)
{
    c->broken = 1;
    return fault_at(c, err, text);
}

static struct bb_bytes field_of(const struct bb_buf *text, const struct bb_buf *ends, uint32_t n,
                                uint32_t i)
{
    struct bb_bytes s = {NULL, 0};
    size_t from = 0, end;

    if (i >= n)
        return s;
    if (i)
        memcpy(&from, ends->ptr + (i - 1) * sizeof(from), sizeof(from));
    memcpy(&end, ends->ptr + i * sizeof(end), sizeof(end));
    s.ptr = end > from ? (const void *)(text->ptr + from) : "";
    s.len = end - from;
    return s;
}

struct bb_bytes bb_csv_field(const struct bb_csv *c, uint32_t i)
{
    return field_of(&c->text, &c->ends, c->columns, i);
}

struct bb_bytes bb_csv_name(const struct bb_csv *c, uint32_t i)
{
    return field_of(&c->names_text, &c->names_ends, c->names, i);
}

int bb_csv_column(const struct bb_csv *c, const char *name)
{
    size_t len = strlen(name);

    for (uint32_t i = 0; i < c->names; i++) {
        struct bb_bytes s = bb_csv_name(c, i);
        if (s.len == len && memcmp(s.ptr, name, len) == 0)
            return (int)i;
    }
    return -1;
}

static void row_reset(struct bb_csv *c)
{
    c->done = 0;
    bb_buf_reset(&c->text);
    bb_buf_reset(&c->ends);
    c->columns = 0;
    c->field_from = 0;
    c->quoted = c->blank_after = 0;
    c->state = START;
    c->line = c->next_line;
}

/* A limit's fault is at the first byte past it, wherever the chunks were cut. */
static int text_put(struct bb_csv *c, const uint8_t *p, size_t n, struct bb_fault *err)
{
    size_t field = c->options.field_max - (c->text.len - c->field_from);
    size_t row = c->options.row_max - c->text.len;

    if (n > field || n > row) {
        c->offset += field < row ? field : row;
        return fault_broken(c, err,
                            field <= row ? "the field is too long: is a closing quote missing?"
                                         : "the row is too long: is a closing quote missing?");
    }
    bb_buf_put(&c->text, p, n);
    return c->text.failed ? fault_broken(c, err, "no memory for the row") : 0;
}

static int is_blank(const struct bb_csv *c, uint8_t b)
{
    return b == ' ' || (b == '\t' && c->options.delimiter != '\t');
}

static int field_end(struct bb_csv *c, struct bb_fault *err)
{
    if (c->columns == c->options.columns_max)
        return fault_broken(c, err, "too many columns");
    if (c->options.trim && !c->quoted)
        while (c->text.len > c->field_from && is_blank(c, c->text.ptr[c->text.len - 1]))
            c->text.len--;
    bb_buf_put(&c->ends, &c->text.len, sizeof(c->text.len));
    if (c->ends.failed)
        return fault_broken(c, err, "no memory for the row");
    c->columns++;
    c->field_from = c->text.len;
    c->quoted = c->blank_after = 0;
    return 0;
}

/* ---- a whole row -------------------------------------------------------------------------------
 */

static int header_take(struct bb_csv *c, struct bb_fault *err)
{
    bb_buf_put(&c->names_text, c->text.ptr, c->text.len);
    bb_buf_put(&c->names_ends, c->ends.ptr, c->ends.len);
    if (c->names_text.failed || c->names_ends.failed)
        return fault_broken(c, err, "no memory for the header");
    c->names = c->width = c->columns;
    return bb_csv_names_check(c, err);
}

/* The row is complete: 1 to be given, 0 it was the header, -1 not good. */
static int row_end(struct bb_csv *c, struct bb_fault *err)
{
    for (uint32_t i = 0; i < c->columns; i++) {
        struct bb_bytes s = bb_csv_field(c, i);
        size_t good = bb_utf8_check(s.ptr, s.len);
        if (good == s.len)
            continue;
        c->broken = c->options.header && !c->names;
        c->row += !c->broken;
        return bb_fault_set(
            err, (size_t)c->offset, "line %llu, column %u: byte 0x%02x is not UTF-8",
            (unsigned long long)c->line, (unsigned)i + 1, ((const uint8_t *)s.ptr)[good]);
    }
    if (c->options.header && !c->names)
        return header_take(c, err);
    c->row++;
    if (!c->width)
        c->width = c->columns;
    if (c->columns != c->width && !c->options.ragged)
        return bb_fault_set(err, (size_t)c->offset,
                            "line %llu: %u fields, but the first row has %u",
                            (unsigned long long)c->line, (unsigned)c->columns, (unsigned)c->width);
    return 1;
}

/* ---- bytes --------------------------------------------------------------------------------------
 */

/* How many bytes from p on go into the field as they are. */
static size_t run_of(const struct bb_csv *c, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *q = p, *stops = c->state == QUOTED ? c->in : c->bare;

    if (c->state == START && ((c->options.trim && is_blank(c, *p)) ||
                              (c->options.comment && *p == (uint8_t)c->options.comment &&
                               !c->columns)))
        return 0;
    if (c->state == START || c->state == BARE || c->state == QUOTED)
        while (q < end && !stops[*q])
            q++;
    return (size_t)(q - p);
}

/* A byte of a line that is passed over. */
static void line_pass(struct bb_csv *c, uint8_t b)
{
    if (b != c->end)
        return;
    c->next_line++;
    if (c->state == SKIP)
        c->skipped++;
    if (c->state == COMMENT || c->skipped == c->options.skip)
        row_reset(c);
}

/* A line end outside quotes: as row_end(); 0 also for an empty line. */
static int line_end(struct bb_csv *c, struct bb_fault *err)
{
    int status = 0;

    if (c->columns || c->text.len || c->quoted) {
        if (field_end(c, err) != 0)
            return -1;
        status = row_end(c, err);
        c->done = status != 0;
    }
    c->next_line++;
    c->state = START;
    if (!c->done)
        row_reset(c);
    return status;
}

static int quoted_byte(struct bb_csv *c, uint8_t b, struct bb_fault *err)
{
    if (b == (uint8_t)c->options.quote) {
        c->state = CLOSING;
        return 0;
    }
    c->next_line++; /* a line end: run_of() stops there so that it is counted */
    return text_put(c, &b, 1, err);
}

static int quote_byte(struct bb_csv *c, struct bb_fault *err)
{
    if (c->state == BARE)
        return fault_broken(c, err, "a quote inside a field that does not begin with one");
    if (c->state == CLOSING && (c->options.escape || c->blank_after))
        return fault_broken(c, err, "text after a closing quote");
    if (c->state == CLOSING && text_put(c, (const uint8_t *)&c->options.quote, 1, err) != 0)
        return -1;
    c->quoted = 1;
    c->state = QUOTED;
    return 0;
}

static int escaped_byte(struct bb_csv *c, uint8_t b, struct bb_fault *err)
{
    c->state = c->from;
    c->next_line += b == c->end;
    return text_put(c, &b, 1, err);
}

/* One byte that run_of() stopped at: as row_end(). */
static int byte_take(struct bb_csv *c, uint8_t b, struct bb_fault *err)
{
    const struct bb_csv_options *o = &c->options;

    if (!b)
        return fault_broken(c, err, "a NUL byte: the table must be UTF-8 text");
    if (c->state == SKIP || c->state == COMMENT) {
        line_pass(c, b);
        return 0;
    }
    if (c->state == ESCAPE)
        return escaped_byte(c, b, err);
    if (b == '\\' && o->escape && (c->state != CLOSING && c->state != CR)) {
        c->from = c->state == QUOTED ? QUOTED : BARE;
        c->state = ESCAPE;
        return 0;
    }
    if (c->state == QUOTED)
        return quoted_byte(c, b, err);
    if (b == c->end)
        return line_end(c, err);
    if (c->state == CR)
        return fault_broken(c, err, "a CR without LF");
    if (b == (uint8_t)o->quote && !o->no_quote)
        return quote_byte(c, err);
    if (b == '\r') {
        c->state = CR;
        return 0;
    }
    if (b == (uint8_t)o->delimiter) {
        c->state = START;
        return field_end(c, err);
    }
    if (o->trim && is_blank(c, b)) {
        c->blank_after = c->state == CLOSING;
        return 0;
    }
    if (o->comment && b == (uint8_t)o->comment && c->state == START) {
        c->state = COMMENT;
        return 0;
    }
    return fault_broken(c, err, "text after a closing quote");
}

/* The byte order mark may come in pieces: its bytes are the first of a bare field until it is
 * whole. */
static void mark_skip(struct bb_csv *c)
{
    if (c->offset == 3 && c->state == BARE && c->text.len == 3 &&
        memcmp(c->text.ptr, "\xef\xbb\xbf", 3) == 0)
        row_reset(c);
}

int bb_csv_read(struct bb_csv *c, struct bb_bytes chunk, size_t *used, struct bb_fault *err)
{
    const uint8_t *p = chunk.ptr, *end = chunk.len ? p + chunk.len : p;
    int status = 0;

    *used = 0;
    if (c->broken)
        return bb_fault_set(err, (size_t)c->offset, "the table cannot be read on after an error");
    if (c->done)
        row_reset(c);
    while (p < end && status == 0) {
        size_t n = run_of(c, p, c->offset < 3 ? p + 1 : end);
        if (n) {
            status = text_put(c, p, n, err);
            if (c->state == START)
                c->state = BARE;
        } else {
            n = 1;
            status = byte_take(c, *p, err);
        }
        if (c->broken)
            break;
        c->offset += n;
        p += n;
        if (c->offset == 3)
            mark_skip(c);
    }
    *used = (size_t)(p - (const uint8_t *)chunk.ptr);
    return status;
}

int bb_csv_end(struct bb_csv *c, struct bb_fault *err)
{
    if (c->broken)
        return bb_fault_set(err, (size_t)c->offset, "the table cannot be read on after an error");
    if (c->done)
        row_reset(c);
    if (c->state == QUOTED)
        return fault_broken(c, err, "the table ends inside a quoted field");
    if (c->state == CR)
        return fault_broken(c, err, "a CR without LF");
    if (c->state == ESCAPE)
        return fault_broken(c, err, "the table ends after a backslash");
    if (c->state == SKIP || c->state == COMMENT)
        return 0;
    return line_end(c, err);
}
