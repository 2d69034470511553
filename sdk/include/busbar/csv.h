/*
 * csv.h - tables of text: RFC 4180 and its dialects, read from chunks of any size, and written
 *
 * The reader takes bytes as they come and gives one row at a time; a field, a quote or a UTF-8
 * character may be cut anywhere between two chunks. Lines end with CRLF or LF; a quoted field may
 * hold delimiters, line ends and doubled quotes. A byte order mark at the start is skipped, empty
 * lines are too. A quote inside a bare field, text after a closing quote, a CR without LF, NUL
 * bytes, bytes that are not UTF-8, and rows of another width than the first are errors that say
 * line, column of the table and byte. That is the default; what other programs write is declared
 * by options, never guessed. Text in another encoding goes through <busbar/recode.h> first.
 *
 * Thread: one reader, one thread. Memory: one row, bounded by row_max; freed by bb_csv_free().
 */
#ifndef BUSBAR_CSV_H
#define BUSBAR_CSV_H

#include <busbar/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* line_end: what the writer writes; the reader takes CRLF and LF for the first two. */
#define BB_CSV_CRLF 0
#define BB_CSV_LF 1
#define BB_CSV_CR 2 /* a CR alone ends a line, a LF is a character like others */
/* escape: how a quote gets into a quoted field. */
#define BB_CSV_DOUBLED 0
#define BB_CSV_BACKSLASH 1 /* what follows a backslash is taken as it is, in bare fields too */

struct bb_csv_options {   /* all zero: comma, quote, no header, the limits below */
    char delimiter;       /* ',' when 0; ASCII, not a control but tab; all four differ */
    char quote;           /* '"' when 0 */
    char comment;         /* lines that begin with it (trim: behind blanks) are passed over; 0: none */
    uint8_t no_quote;     /* there are no quoted fields: a quote is a character like others */
    uint8_t escape;       /* BB_CSV_DOUBLED or _BACKSLASH */
    uint8_t line_end;     /* BB_CSV_CRLF, _LF or _CR */
    uint8_t trim;         /* blanks and tabs around a field are no part of it, unless quoted */
    uint8_t header;       /* the first row names the columns: names not empty, none twice */
    uint8_t ragged;       /* rows may differ in width */
    uint32_t skip;        /* lines before the table, header included when names are given */
    uint32_t n_names;     /* names of the columns where the table has none; copied; not with header */
    const struct bb_bytes *names;
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
    uint32_t state, from; /* from: where an escape goes back to */
    uint32_t skipped;
    uint8_t end;                /* the byte that ends a line */
    uint8_t bare[256], in[256]; /* bytes at which a run of text stops, outside quotes and inside */
    uint64_t offset;    /* bytes taken so far */
    uint64_t next_line; /* line of the byte at offset */
    size_t field_from;  /* where the field begins in text */
    int quoted;         /* the field is a quoted one */
    int blank_after;    /* its closing quote has had a blank behind it */
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

/* Appends a row in the dialect of the options (NULL: the default). A field is quoted, or escaped
 * where no_quote, when it must be. -1, b as it was, when a field has NUL bytes or is not UTF-8,
 * cannot be written without quotes, or b has failed. */
int bb_csv_write(struct bb_buf *b, const struct bb_csv_options *o, const struct bb_bytes *fields,
                 uint32_t n, struct bb_fault *err);

/* A number as people write it, with sign as its decimal sign: "1234,50", "+5", "-,5", blanks
 * around. Appends it as an exact number, nil when the field is empty. -1 when it is none: no
 * grouping of thousands is guessed. */
int bb_csv_decimal(struct bb_bytes field, char sign, struct bb_buf *b, struct bb_fault *err);
/* The text of a canonical number with that decimal sign. */
void bb_csv_decimal_put(struct bb_buf *b, struct bb_bytes number, char sign);

#ifdef __cplusplus
}
#endif
#endif
