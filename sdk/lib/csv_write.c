/*
 * csv_write.c - rows as text in a dialect, and numbers with another decimal sign
 *
 * What is written reads back the same in the same dialect: a field is quoted (or escaped) when
 * anything in it could be taken for something else. Thread: any. Nothing is kept.
 */
#include "codec.h"
#include <busbar/csv.h>

/* The dialect with its defaults filled in. */
struct dialect {
    char delimiter, quote, comment;
    int quotes, backslash, trim;
    const char *end;
    size_t end_len;
};

static struct dialect dialect_of(const struct bb_csv_options *o)
{
    static const struct bb_csv_options plain;
    struct dialect d;

    o = o ? o : &plain;
    d.delimiter = o->delimiter ? o->delimiter : ',';
    d.quote = o->quote ? o->quote : '"';
    d.comment = o->comment;
    d.quotes = !o->no_quote;
    d.backslash = o->escape == BB_CSV_BACKSLASH;
    d.trim = o->trim;
    d.end = o->line_end == BB_CSV_LF ? "\n" : o->line_end == BB_CSV_CR ? "\r" : "\r\n";
    d.end_len = strlen(d.end);
    return d;
}

static int is_special(const struct dialect *d, char c)
{
    return c == d->delimiter || c == '\r' || c == '\n' || (d->quotes && c == d->quote) ||
           (d->backslash && c == '\\');
}

static int is_edge(const struct dialect *d, char c)
{
    return d->trim && (c == ' ' || c == '\t');
}

static int must_quote(const struct dialect *d, const char *s, size_t len, int first)
{
    if (!len)
        return 0;
    if (is_edge(d, s[0]) || is_edge(d, s[len - 1]) || (first && d->comment && s[0] == d->comment))
        return 1;
    for (size_t i = 0; i < len; i++)
        if (is_special(d, s[i]))
            return 1;
    /* what could be taken for a byte order mark is quoted too */
    return len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0;
}

static void quoted_put(struct bb_buf *b, const struct dialect *d, const char *s, size_t len)
{
    bb_buf_put(b, &d->quote, 1);
    for (size_t i = 0, run = 0; i <= len; i++) {
        int odd = i < len && (s[i] == d->quote || (d->backslash && s[i] == '\\'));
        if (i < len && !odd)
            continue;
        bb_buf_put(b, s + run, i - run);
        if (odd)
            bb_buf_put(b, d->backslash ? "\\" : &d->quote, 1);
        run = i;
    }
    bb_buf_put(b, &d->quote, 1);
}

/* Without quotes: every character that could be something else behind a backslash. */
static void escaped_put(struct bb_buf *b, const struct dialect *d, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int edge = (i == 0 || i == len - 1) && (is_edge(d, s[i]) || s[i] == d->comment);
        if (is_special(d, s[i]) || edge || (i == 0 && s[i] == '\xef'))
            bb_buf_put(b, "\\", 1);
        bb_buf_put(b, &s[i], 1);
    }
}

int bb_csv_write(struct bb_buf *b, const struct bb_csv_options *o, const struct bb_bytes *fields,
                 uint32_t n, struct bb_fault *err)
{
    struct dialect d = dialect_of(o);
    size_t before = b->len;
    int failed = b->failed;

    for (uint32_t i = 0; i < n; i++) {
        struct bb_bytes s = fields[i];
        size_t good = s.len ? bb_utf8_check(s.ptr, s.len) : 0;
        /* a row of one empty field would be an empty line, which readers skip */
        int quote = must_quote(&d, s.ptr, s.len, i == 0) || (n == 1 && !s.len);
        if (good < s.len || (s.len && memchr(s.ptr, 0, s.len))) {
            bb_fault_set(err, i, "field %u is not UTF-8 text without NUL bytes", (unsigned)i + 1);
            goto fail;
        }
        if (i)
            bb_buf_put(b, &d.delimiter, 1);
        if (!quote) {
            bb_buf_put(b, s.ptr, s.len);
        } else if (d.quotes) {
            quoted_put(b, &d, s.ptr, s.len);
        } else if (d.backslash && s.len && !(d.trim && is_edge(&d, *(const char *)s.ptr))) {
            escaped_put(b, &d, s.ptr, s.len);
        } else {
            bb_fault_set(err, i, "field %u cannot be written without quotes", (unsigned)i + 1);
            goto fail;
        }
    }
    bb_buf_put(b, d.end, d.end_len);
    if (!b->failed)
        return 0;
    bb_fault_set(err, 0, "no memory, or the table is larger than %zu bytes", b->max);
fail:
    b->len = before;
    b->failed = failed;
    return -1;
}

/* ---- numbers -----------------------------------------------------------------------------------
 */

int bb_csv_decimal(struct bb_bytes field, char sign, struct bb_buf *b, struct bb_fault *err)
{
    const char *s = field.ptr, *end = field.len ? s + field.len : s;
    char text[BB_DECIMAL_MAX + 2], quoted[44];
    size_t n = 0, at = b->len;

    while (s < end && (*s == ' ' || *s == '\t'))
        s++;
    while (s < end && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (s == end) {
        bb_put_nil(b);
        return 0;
    }
    if (end - s >= BB_DECIMAL_MAX)
        goto bad;
    if (*s == '-')
        text[n++] = '-';
    if (*s == '-' || *s == '+')
        s++;
    if (s < end && (*s == '-' || *s == '+'))
        goto bad;
    while (s + 1 < end && s[0] == '0' && s[1] >= '0' && s[1] <= '9')
        s++; /* 007 */
    if (s < end && *s == sign)
        text[n++] = '0';
    for (; s < end; s++) {
        if (*s == '.' && sign != '.')
            goto bad;
        text[n++] = *s == sign ? '.' : *s;
    }
    bb_put_decimal(b, text, n);
    if (!b->failed)
        return 0;
    b->failed = 0;
    b->len = at;
bad:
    return bb_fault_set(err, 0, "\"%s\" is no number with \"%c\" as decimal sign and without "
                                "grouping",
                        bb_fault_quote(quoted, field.ptr, field.len), sign);
}

void bb_csv_decimal_put(struct bb_buf *b, struct bb_bytes number, char sign)
{
    const char *s = number.ptr, *dot = number.len ? memchr(s, '.', number.len) : NULL;
    size_t whole = dot ? (size_t)(dot - s) : number.len;

    bb_buf_put(b, s, whole);
    if (!dot)
        return;
    bb_buf_put(b, &sign, 1);
    bb_buf_put(b, dot + 1, number.len - whole - 1);
}
