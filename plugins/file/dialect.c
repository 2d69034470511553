/*
 * dialect.c - the keys `csv` and `xml` and `delimiter`: how tables and documents are written
 *
 * Thread: [ctl], in create(). Ownership: what is kept are copies that dialect_free() frees; the
 * codecs' own checks decide what makes sense, so that there is one place that knows.
 */
#include "file.h"

#include <stdio.h>
#include <stdlib.h>

static int wrong(struct bb_error *err, const char *key, const char *why)
{
    bb_error_set(err, BB_E_CONFIG, "config.%s: %s", key, why);
    return -1;
}

/* One ASCII character at pointer, or none where that is allowed. */
static int sign_read(struct bb_bytes conf, const char *pointer, char *out, int *there,
                     struct bb_error *err)
{
    struct bb_bytes s = bb_conf_str(conf, pointer, NULL);
    *there = s.ptr != NULL;
    if (!s.ptr)
        return 0;
    *out = s.len ? *(const char *)s.ptr : 0;
    return s.len <= 1 ? 0 : wrong(err, pointer + 1, "must be one ASCII character");
}

static int names_read(struct bb_bytes conf, const char *pointer, struct bb_bytes *names, uint32_t *n,
                      struct bb_error *err)
{
    struct bb_bytes list, v, s;
    struct bb_iter it;
    if (!bb_conf_find(conf, pointer, &list))
        return 0;
    if (!bb_iter_of(list, &it) || it.map || it.n > NAMES_MAX)
        return wrong(err, pointer + 1, "must be a list of at most 1024 names");
    while (bb_iter_next(&it, NULL, &v)) {
        char *copy = bb_as_str(v, &s) && s.len ? bb_str_dup(s) : NULL;
        if (!copy)
            return wrong(err, pointer + 1, "must be a list of names, none of them empty");
        names[(*n)++] = bb_str(copy);
    }
    return 0;
}

static int words_read(struct bb_bytes conf, struct config *c, struct bb_error *err)
{
    struct bb_bytes escape = bb_conf_str(conf, "/csv/escape", "doubled");
    struct bb_bytes end = bb_conf_str(conf, "/csv/line_end", "crlf");
    if (bb_str_is(escape, "backslash"))
        c->csv.escape = BB_CSV_BACKSLASH;
    else if (!bb_str_is(escape, "doubled"))
        return wrong(err, "csv.escape", "must be doubled or backslash");
    if (bb_str_is(end, "lf"))
        c->csv.line_end = BB_CSV_LF;
    else if (bb_str_is(end, "cr"))
        c->csv.line_end = BB_CSV_CR;
    else if (!bb_str_is(end, "crlf"))
        return wrong(err, "csv.line_end", "must be crlf, lf or cr");
    return 0;
}

static int csv_read(struct bb_bytes conf, struct config *c, struct bb_error *err)
{
    struct bb_csv_options *o = &c->csv;
    struct bb_fault f;
    struct bb_csv probe;
    int64_t skip = bb_conf_int(conf, "/csv/skip", 0);
    char sign = '.';
    int there, rc;
    if (sign_read(conf, "/delimiter", &o->delimiter, &there, err) != 0)
        return -1;
    if (there && !o->delimiter)
        return wrong(err, "delimiter", "must be one ASCII character");
    if (sign_read(conf, "/csv/quote", &o->quote, &there, err) != 0)
        return -1;
    o->no_quote = there && !o->quote;
    if (sign_read(conf, "/csv/comment", &o->comment, &there, err) != 0 ||
        sign_read(conf, "/csv/decimal_sign", &sign, &there, err) != 0 || words_read(conf, c, err) != 0)
        return -1;
    if (sign != '.' && sign != ',')
        return wrong(err, "csv.decimal_sign", "must be \".\" or \",\"");
    c->decimal_sign = sign;
    if (skip < 0 || skip > 1000000)
        return wrong(err, "csv.skip", "must be 0 to 1000000 lines");
    o->skip = (uint32_t)skip;
    o->trim = bb_conf_bool(conf, "/csv/trim", 0) != 0;
    if (names_read(conf, "/csv/names", c->names, &o->n_names, err) != 0 ||
        names_read(conf, "/csv/decimals", c->decimals, &c->n_decimals, err) != 0)
        return -1;
    o->names = c->names;
    o->header = o->n_names == 0;
    o->field_max = o->row_max = c->max_record;
    c->encoding = bb_conf_dup(conf, "/csv/encoding", "UTF-8");
    if (!c->encoding || !bb_recode_known(bb_str(c->encoding)))
        return wrong(err, "csv.encoding", "must be UTF-8, ISO-8859-1, ISO-8859-15, windows-1252, "
                                          "UTF-16, UTF-16LE or UTF-16BE");
    rc = bb_csv_init(&probe, o, &f);
    bb_csv_free(&probe);
    return rc == 0 ? 0 : wrong(err, "csv", f.text);
}

/* A sink's mapping must say what stands around the records: found now, not at the first write. */
static int wrap_check(const struct config *c, struct bb_error *err)
{
    struct render probe;
    char text[200];
    int rc;
    if (c->content != CONTENT_XML)
        return 0;
    rc = render_open(&probe, c, text, sizeof text);
    render_close(&probe);
    return rc == 0 ? 0 : (bb_error_set(err, BB_E_CONFIG, "config.%s", text), -1);
}

int dialect_read(struct bb_bytes conf, struct config *c, struct bb_error *err)
{
    struct bb_bytes map = {NULL, 0};
    struct bb_fault f;
    char text[260];
    if (csv_read(conf, c, err) != 0)
        return -1;
    if (c->format != FORMAT_XML && c->content != CONTENT_XML)
        return 0;
    (void)bb_conf_find(conf, "/xml", &map);
    c->xml = bb_xml_map_new(map, &f);
    if (c->xml) {
        c->xml_record = bb_conf_dup(conf, "/xml/record", "");
        return c->xml_record ? wrap_check(c, err) : wrong(err, "xml.record", "out of memory");
    }
    snprintf(text, sizeof text, "xml.%s", f.text); /* the text begins with the key */
    bb_error_set(err, BB_E_CONFIG, "config.%s", text);
    return -1;
}

void dialect_free(struct config *c)
{
    for (uint32_t k = 0; k < c->csv.n_names; k++)
        free((void *)(uintptr_t)c->names[k].ptr);
    for (uint32_t k = 0; k < c->n_decimals; k++)
        free((void *)(uintptr_t)c->decimals[k].ptr);
    free(c->encoding);
    free(c->xml_record);
    bb_xml_map_free(&c->xml);
}
