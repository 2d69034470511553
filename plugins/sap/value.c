/*
 * value.c - single values to JSON and to literals, and back (value.h)
 *
 * One row for each kind and direction; what a kind cannot hold is refused with the property's name, for
 * a value that was cut or rounded on the way to an ERP is found weeks later.
 *
 * Thread: any. Memory: the buffers given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <busbar/decimal.h>
#include <busbar/json.h>
#include <busbar/web.h>
#include "value.h"

/* ---- maps ------------------------------------------------------------------------------------------- */
static struct map_put head_open(struct bb_buf *b, uint8_t mark)
{
    const uint8_t head[5] = {mark, 0, 0, 0, 0};
    struct map_put m = {.b = b, .at = b->len};

    bb_buf_put(b, head, sizeof head);
    return m;
}

struct map_put map_open(struct bb_buf *b)
{
    return head_open(b, 0xdf);
}

struct map_put list_open(struct bb_buf *b)
{
    return head_open(b, 0xdd);
}

void map_close(struct map_put *m)
{
    if (m->b->failed)
        return;
    for (int k = 0; k < 4; k++)
        m->b->ptr[m->at + 1 + (size_t)k] = (uint8_t)(m->n >> (24 - 8 * k));
}

void map_key(struct map_put *m, const char *key)
{
    bb_put_cstr(m->b, key);
    m->n++;
}

void map_text(struct map_put *m, const char *key, struct bb_bytes text)
{
    if (!text.len)
        return;
    map_key(m, key);
    bb_put_str(m->b, text.ptr, text.len);
}

void map_value(struct map_put *m, const char *key, struct bb_bytes value)
{
    if (!value.len)
        return;
    map_key(m, key);
    bb_put_raw(m->b, value);
}

/* ---- kinds ------------------------------------------------------------------------------------------- */
static int refuse(struct bb_error *err, const struct edm_prop *p, const char *why)
{
    bb_error_set(err, BB_E_REJECT, "%s: %s", p->name, why);
    return -1;
}

static size_t characters(struct bb_bytes s)
{
    size_t n = 0;

    for (size_t k = 0; k < s.len; k++)
        n += (((const uint8_t *)s.ptr)[k] & 0xc0) != 0x80;
    return n;
}

/* A text, or an integer's digits. */
static int text_of(const struct edm_prop *p, struct bb_bytes value, char small[24], struct bb_bytes *out,
                   struct bb_error *err)
{
    int64_t i;
    char why[80];

    if (bb_as_int(value, &i) == 1) {
        *out = (struct bb_bytes){small, (size_t)snprintf(small, 24, "%lld", (long long)i)};
    } else if (bb_as_str(value, out) != 1) {
        return refuse(err, p, "a text is wanted");
    }
    if (p->length < 0 || characters(*out) <= (size_t)p->length)
        return 0;
    snprintf(why, sizeof why, "%zu characters, the system takes %lld", characters(*out), (long long)p->length);
    return refuse(err, p, why);
}

/* A number, also one in a text, exactly; trailing zeros of its places dropped. */
static int number_of(struct bb_bytes value, struct bb_decimal *d)
{
    struct bb_bytes s;

    if (bb_as_decimal(value, d, NULL) == 1 ||
        (bb_as_str(value, &s) == 1 && bb_decimal_parse(d, s.ptr, s.len, NULL) == 0)) {
        bb_decimal_trim(d);
        return 0;
    }
    return -1;
}

static int decimal_text(const struct edm_prop *p, struct bb_bytes value, char out[BB_DECIMAL_TEXT],
                        struct bb_error *err)
{
    struct bb_decimal d;
    char why[120];
    size_t digits = 0;

    if (number_of(value, &d) != 0)
        return refuse(err, p, "a number is wanted");
    bb_decimal_format(&d, out);
    for (const char *c = out; *c && *c != '.'; c++)
        digits += *c >= '0' && *c <= '9' && !(digits == 0 && *c == '0');
    int64_t scale = p->kind != EDM_DECIMAL ? 0 : p->scale;
    if (p->kind == EDM_DOUBLE || ((scale < 0 || d.scale <= (uint64_t)scale) &&
                                  (p->precision < 0 || p->kind != EDM_DECIMAL ||
                                   (int64_t)digits <= p->precision - (scale < 0 ? 0 : scale))))
        return 0;
    snprintf(why, sizeof why, "%.40s does not fit %lld digits of which %lld places; nothing is rounded here", out,
             (long long)p->precision, (long long)scale);
    return refuse(err, p, why);
}

static int instant_of(const struct edm_prop *p, struct bb_bytes value, int64_t *ms, struct bb_error *err)
{
    struct bb_bytes s;

    if (bb_as_str(value, &s) == 1 && bb_date_iso_read(s, ms) == 0)
        return 0;
    return refuse(err, p, "a date such as 2026-01-31 or 2026-01-31T08:15:00Z is wanted, not finer than milliseconds");
}

static int day_ms_of(struct bb_bytes s, int64_t *ms)
{
    char iso[48];

    if (bb_time_odata_read(s, ms) == 0)
        return 0;
    snprintf(iso, sizeof iso, "1970-01-01T%.*sZ", s.len > 20 ? 20 : (int)s.len, (const char *)s.ptr);
    return bb_date_iso_read(bb_str(iso), ms);
}

/* The text of a date or time in the service's own form, without quotes. */
static int moment_text(const struct edm *e, const struct edm_prop *p, struct bb_bytes value, int literal,
                       char out[48], struct bb_error *err)
{
    struct bb_bytes s;
    int64_t ms;

    if (p->kind == EDM_TIME) {
        if (bb_as_str(value, &s) != 1 || day_ms_of(s, &ms) != 0)
            return refuse(err, p, "a time such as 08:30:00 is wanted");
        if (e->version == 2)
            return bb_time_odata_write(ms, out) == 0 ? 0 : refuse(err, p, "not within a day");
        bb_date_iso_write(ms, out);
        out[strlen(out) - 1] = 0;
        memmove(out, out + 11, strlen(out + 11) + 1);
        return 0;
    }
    if (instant_of(p, value, &ms, err) != 0)
        return -1;
    if (e->version == 2 && !literal)
        return bb_date_odata_write(ms, p->kind == EDM_OFFSET ? "+0000" : "", out) == 0 ? 0
                                                                                        : refuse(err, p, "no such year");
    if (bb_date_iso_write(ms, out) != 0)
        return refuse(err, p, "no such year");
    if (p->kind == EDM_DATE)
        out[10] = 0;
    else if (p->kind == EDM_DATETIME)
        out[strlen(out) - 1] = 0; /* datetime'...' has no zone */
    return 0;
}

int value_json(const struct edm *e, const struct edm_prop *p, struct bb_bytes value, struct bb_buf *out,
               struct bb_error *err)
{
    char small[48], number[BB_DECIMAL_TEXT];
    struct bb_cur c = bb_cur_of(value);
    struct bb_bytes s;
    struct bb_tok t;
    int b;

    if (bb_cur_next(&c, &t) != 0)
        return refuse(err, p, "no value");
    if (t.kind == BB_T_NIL) {
        bb_buf_put(out, "null", 4);
        return 0;
    }
    switch (p->kind) {
    case EDM_STRING:
        if (text_of(p, value, small, &s, err) != 0)
            return -1;
        bb_json_write_str(out, s.ptr, s.len);
        return 0;
    case EDM_BOOL:
        if (bb_as_bool(value, &b) != 1)
            return refuse(err, p, "true or false is wanted");
        bb_buf_put(out, b ? "true" : "false", b ? 4 : 5);
        return 0;
    case EDM_DATETIME: case EDM_OFFSET: case EDM_DATE: case EDM_TIME:
        if (moment_text(e, p, value, 0, small, err) != 0)
            return -1;
        bb_json_write_str(out, small, strlen(small));
        return 0;
    case EDM_INT: case EDM_INT64: case EDM_DECIMAL: case EDM_DOUBLE:
        if (decimal_text(p, value, number, err) != 0)
            return -1;
        if (e->version == 2 && p->kind != EDM_INT)
            bb_json_write_str(out, number, strlen(number));
        else
            bb_buf_put(out, number, strlen(number));
        return 0;
    default:
        return bb_json_write(value, out, NULL) == 0 ? 0 : refuse(err, p, "a value that JSON has not");
    }
}

int value_literal(const struct edm *e, const struct edm_prop *p, struct bb_bytes value, struct bb_buf *out,
                  struct bb_error *err)
{
    static const char *const prefix[] = {[EDM_DATETIME] = "datetime'", [EDM_OFFSET] = "datetimeoffset'",
                                         [EDM_TIME] = "time'", [EDM_OTHER] = NULL};
    char small[48], number[BB_DECIMAL_TEXT];
    struct bb_bytes s;

    if (p->kind == EDM_STRING || p->kind == EDM_OTHER) {
        if (text_of(p, value, small, &s, err) != 0)
            return -1;
        bb_buf_put(out, "'", 1);
        for (size_t k = 0; k < s.len; k++) {
            bb_buf_put(out, (const char *)s.ptr + k, 1);
            if (((const char *)s.ptr)[k] == '\'')
                bb_buf_put(out, "'", 1);
        }
        bb_buf_put(out, "'", 1);
        return 0;
    }
    if (p->kind == EDM_BOOL)
        return value_json(e, p, value, out, err);
    if (p->kind >= EDM_DATETIME && p->kind <= EDM_TIME) {
        if (moment_text(e, p, value, 1, small, err) != 0)
            return -1;
        if (e->version == 2 && prefix[p->kind])
            bb_buf_put(out, prefix[p->kind], strlen(prefix[p->kind]));
        bb_buf_put(out, small, strlen(small));
        if (e->version == 2)
            bb_buf_put(out, "'", 1);
        return 0;
    }
    if (decimal_text(p, value, number, err) != 0)
        return -1;
    bb_buf_put(out, number, strlen(number));
    if (e->version == 2 && p->kind != EDM_INT)
        bb_buf_put(out, p->kind == EDM_INT64 ? "L" : p->kind == EDM_DECIMAL ? "M" : "d", 1);
    return 0;
}

/* ---- comparing --------------------------------------------------------------------------------------- */
/* Absent, and what the system shows for it: "", false, a number of 0. */
static int is_blank(const struct edm_prop *p, struct bb_bytes v)
{
    struct bb_cur c = bb_cur_of(v);
    struct bb_decimal d;
    struct bb_tok t;

    if (p->kind >= EDM_INT && p->kind <= EDM_DOUBLE && v.len && number_of(v, &d) == 0)
        return bb_decimal_sign(&d) == 0;
    return bb_cur_next(&c, &t) != 0 || t.kind == BB_T_NIL || (t.kind == BB_T_STR && t.s.len == 0) ||
           (t.kind == BB_T_BOOL && !t.i);
}

int value_same(const struct edm_prop *p, struct bb_bytes a, struct bb_bytes b)
{
    struct bb_decimal x, y;
    struct bb_bytes s, t;
    int64_t m, n;

    if (is_blank(p, a) || is_blank(p, b))
        return is_blank(p, a) && is_blank(p, b);
    if (number_of(a, &x) == 0 && number_of(b, &y) == 0 && p->kind != EDM_STRING)
        return bb_decimal_compare(&x, &y) == 0;
    if (bb_as_str(a, &s) == 1 && bb_as_str(b, &t) == 1) {
        if (p->kind >= EDM_DATETIME && p->kind <= EDM_DATE && bb_date_iso_read(s, &m) == 0 &&
            bb_date_iso_read(t, &n) == 0)
            return m == n;
        if (p->kind == EDM_TIME && day_ms_of(s, &m) == 0 && day_ms_of(t, &n) == 0)
            return m == n;
        return s.len == t.len && memcmp(s.ptr, t.ptr, s.len) == 0;
    }
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}
