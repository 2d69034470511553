/*
 * fuzz_csv.c - any table in any chunks
 *
 * The first byte chooses delimiter, header and the size of the chunks, the second the dialect.
 * Asserted: chunks of any size give the same rows and the same end; each row that was read is
 * written and read back the same in its dialect; limits hold.
 */
#include <busbar/csv.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)
#define FIELD_MAX 64
#define ROW_MAX 256
#define COLUMNS_MAX 16

struct result {
    struct bb_buf rows; /* each field as length and bytes */
    int status;         /* of the last call */
    size_t offset;
    uint64_t row;
};

static void row_check(const struct bb_csv *c)
{
    struct bb_bytes fields[COLUMNS_MAX];
    struct bb_csv_options o = c->options;
    struct bb_buf b;
    struct bb_csv again;
    struct bb_fault err;
    struct bb_bytes text;
    size_t used;

    MUST(c->columns >= 1 && c->columns <= COLUMNS_MAX);
    for (uint32_t i = 0; i < c->columns; i++)
        fields[i] = bb_csv_field(c, i);
    bb_buf_init(&b, 1u << 20);
    o.header = 0;
    o.ragged = 1;
    o.skip = 0;
    if (bb_csv_write(&b, &o, fields, c->columns, &err) != 0) {
        MUST(o.no_quote && b.len == 0); /* some rows need quotes */
        bb_buf_free(&b);
        return;
    }
    text.ptr = b.ptr;
    text.len = b.len;
    MUST(bb_csv_init(&again, &o, &err) == 0);
    MUST(bb_csv_read(&again, text, &used, &err) == 1 && used == b.len);
    MUST(again.columns == c->columns);
    for (uint32_t i = 0; i < c->columns; i++) {
        struct bb_bytes s = bb_csv_field(&again, i);
        MUST(s.len == fields[i].len && s.len <= FIELD_MAX);
        MUST(memcmp(s.ptr, fields[i].ptr, s.len) == 0);
    }
    bb_csv_free(&again);
    bb_buf_free(&b);
}

static void row_note(struct result *r, const struct bb_csv *c, int status)
{
    bb_buf_put(&r->rows, &status, sizeof(status));
    if (status != 1)
        return;
    row_check(c);
    for (uint32_t i = 0; i < c->columns; i++) {
        struct bb_bytes s = bb_csv_field(c, i);
        bb_buf_put(&r->rows, &s.len, sizeof(s.len));
        bb_buf_put(&r->rows, s.ptr, s.len);
    }
}

static void table_read(struct result *r, const struct bb_csv_options *o, const uint8_t *p,
                       size_t size, size_t step)
{
    struct bb_csv c;
    struct bb_fault err;
    size_t at = 0;

    memset(&err, 0, sizeof(err));
    bb_buf_init(&r->rows, 1u << 26);
    MUST(bb_csv_init(&c, o, &err) == 0);
    while (at < size && !c.broken) {
        struct bb_bytes chunk = {p + at, size - at < step ? size - at : step};
        size_t used;
        r->status = bb_csv_read(&c, chunk, &used, &err);
        MUST(used <= chunk.len && (used || c.broken));
        MUST(r->status != 0 || used == chunk.len);
        at += used;
        if (r->status)
            row_note(r, &c, r->status);
    }
    r->status = bb_csv_end(&c, &err);
    if (r->status)
        row_note(r, &c, r->status);
    MUST(c.text.len <= ROW_MAX);
    r->offset = r->status < 0 ? err.offset : 0;
    r->row = c.row;
    bb_csv_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bb_csv_options o = {
        .field_max = FIELD_MAX, .row_max = ROW_MAX, .columns_max = COLUMNS_MAX};
    struct result a, b;

    if (size < 2)
        return 0;
    o.delimiter = ",;\t|"[data[0] & 3];
    o.header = data[0] >> 2 & 1;
    o.ragged = data[0] >> 3 & 1;
    o.quote = data[1] & 1 ? '\'' : 0;
    o.no_quote = data[1] >> 1 & 1;
    o.escape = data[1] >> 2 & 1;
    o.line_end = (uint8_t)((data[1] >> 3 & 3) % 3);
    o.comment = data[1] & 32 ? '#' : 0;
    o.trim = data[1] >> 6 & 1;
    o.skip = data[1] >> 7;
    table_read(&a, &o, data + 2, size - 2, size);
    table_read(&b, &o, data + 2, size - 2, 1 + (data[0] >> 4));
    MUST(a.status == b.status && a.row == b.row && a.offset == b.offset);
    MUST(a.rows.len == b.rows.len);
    MUST(!a.rows.len || memcmp(a.rows.ptr, b.rows.ptr, a.rows.len) == 0);
    bb_buf_free(&a.rows);
    bb_buf_free(&b.rows);
    return 0;
}
