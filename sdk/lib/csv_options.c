/*
 * csv_options.c - whether a dialect and a header make sense
 *
 * Thread: any. Nothing is kept.
 */
#include "codec.h"
#include <stdlib.h>

static int sign_valid(char d)
{
    return (d >= ' ' && d < 0x7f) || d == '\t';
}

/* NULL, or what is wrong with the dialect. */
const char *bb_csv_options_wrong(const struct bb_csv_options *o)
{
    if (!sign_valid(o->delimiter) || o->delimiter == o->quote)
        return "the delimiter must be an ASCII character, no quote or line end";
    if (!sign_valid(o->quote) || o->quote == '\t')
        return "the quote must be an ASCII character, no line end";
    if (o->comment &&
        (!sign_valid(o->comment) || o->comment == o->delimiter || o->comment == o->quote))
        return "the comment's sign must be an ASCII character, no quote, delimiter or line end";
    if (o->escape > BB_CSV_BACKSLASH ||
        (o->escape && (o->delimiter == '\\' || o->quote == '\\' || o->comment == '\\')))
        return "a backslash cannot be the escape and something else too";
    if (o->line_end > BB_CSV_CR)
        return "the line end is CRLF, LF or CR";
    if (o->trim && (o->delimiter == ' ' || o->quote == ' '))
        return "blanks cannot be trimmed where a blank is the delimiter";
    if (o->n_names && (o->header || o->n_names > o->columns_max))
        return "names are given or read from the table, and at most as many as columns may be";
    return NULL;
}

static int name_order(const void *a, const void *b)
{
    const struct bb_bytes *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int d = memcmp(x->ptr, y->ptr, n);
    return d ? d : (x->len > y->len) - (x->len < y->len);
}

/* The names must not be empty, and none is there twice. */
int bb_csv_names_check(struct bb_csv *c, struct bb_fault *err)
{
    struct bb_bytes *all = calloc(c->names, sizeof(*all));
    char quoted[44];
    int status = -1;

    if (!all)
        {
        c->broken = 1;
        return bb_fault_set(err, (size_t)c->offset, "no memory for the header");
    }
    for (uint32_t i = 0; i < c->names; i++) {
        all[i] = bb_csv_name(c, i);
        if (!all[i].len) {
            bb_fault_set(err, (size_t)c->offset, "line %llu: column %u has no name in the header",
                         (unsigned long long)c->line, (unsigned)i + 1);
            goto fail;
        }
    }
    qsort(all, c->names, sizeof(*all), name_order);
    for (uint32_t i = 1; i < c->names; i++)
        if (name_order(&all[i - 1], &all[i]) == 0) {
            bb_fault_set(err, (size_t)c->offset, "line %llu: two columns are named \"%s\"",
                         (unsigned long long)c->line,
                         bb_fault_quote(quoted, all[i].ptr, all[i].len));
            goto fail;
        }
    status = 0;
fail:
    free(all);
    if (status != 0)
        c->broken = 1;
    return status;
}
