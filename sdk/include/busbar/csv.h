/*
 * csv.h - RFC 4180 tables, read from chunks of any size, and written
 *
 * The reader takes bytes as they come and gives one row at a time; a field, a quote or a UTF-8
 * character may be cut anywhere between two chunks. Lines end with CRLF or LF; a quoted field may
 * hold delimiters, line ends and doubled quotes. A byte order mark at the start is skipped, empty
 * lines are too. A quote inside a bare field, text after a closing quote, a CR without LF, NUL
 * bytes, bytes that are not UTF-8, and rows of another width than the first are errors that say
 * line, column of the table and byte.
 *
 * Thread: one reader, one thread. Memory: one row, bounded by row_max; freed by bb_csv_free().
 */
#ifndef BUSBAR_CSV_H
#define BUSBAR_CSV_H

#include <busbar/message.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bb_csv_options {   /* all zero: comma, no header, the limits below */
    char delimiter;       /* ',' when 0; not a quote, CR or LF; ASCII */
    uint8_t header;       /* the first row names the columns: names not empty, none twice */
    uint8_t ragged;       /* rows may differ in width */
    uint32_t columns_max; /* 1024 when 0 */
    size_t field_max;     /* bytes in a field, 1 MiB when 0 */
    size_t row_max;       /* bytes in a row's fields, 16 MiB when 0 */
};

struct bb_csv {       /* read line, row, columns and broken; the rest is the reader's own */
    uint64_t line;    /* where the row began, from 1; quoted line ends count */
    uint64_t row;     /* number of the row, from 1, without the header */
    uint32_t columns; /* fields in the row */
    int broken;       /* the last error leaves no way to go on */
    struct bb_csv_options options;
    uint32_t width; /* fields in every row, 0: not known yet */
    uint32_t state;
    uint64_t offset;    /* bytes taken so far */
    uint64_t next_line; /* line of the byte at offset */
    size_t field_from;  /* where the field begins in text */
    int quoted;         /* the field is a quoted one */
    int done;           /* the row was given: the next call begins another */
    struct bb_buf text; /* the row's fields, one after the other */
    struct bb_buf ends; /* their ends, size_t each */
    struct bb_buf names_text, names_ends;
    uint32_t names;
};

/* 0, or -1 when the options make no sense. */
int bb_csv_init(struct bb_csv *c, const struct bb_csv_options *options, struct bb_fault *err);
void bb_csv_free(struct bb_csv *c);
/* Takes bytes of chunk up to the end of a row; *used says how many. 1: a row is there, until the
 * next call; 0: all is used, more is needed; -1: err->offset counts from the start of the table,
 * and unless broken is set the next call goes on with the row after. */
int bb_csv_read(struct bb_csv *c, struct bb_bytes chunk, size_t *used, struct bb_fault *err);
/* There is no more input: 1 the last row (it had no line end), 0 nothing left, -1 an error. */
int bb_csv_end(struct bb_csv *c, struct bb_fault *err);
/* Field i of the row, from 0; ptr NULL when there is none. */
struct bb_bytes bb_csv_field(const struct bb_csv *c, uint32_t i);
/* The name of column i from the header; ptr NULL when there is none. */
struct bb_bytes bb_csv_name(const struct bb_csv *c, uint32_t i);
/* The column of that name, or -1. */
int bb_csv_column(const struct bb_csv *c, const char *name);

/* Appends a row that ends with CRLF. A field is quoted when it must be. -1, b as it was, when a
 * field has NUL bytes or is not UTF-8, or b has failed. */
int bb_csv_write(struct bb_buf *b, char delimiter, const struct bb_bytes *fields, uint32_t n,
                 struct bb_fault *err);

#ifdef __cplusplus
}
#endif
#endif
