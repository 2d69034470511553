/*
 * moment.c - dates and times as texts: iso, odata, epoch, and patterns such as dd.MM.yyyy HH:mm
 *
 * A pattern is read once into parts. Reading a text knows from the parts whether there is a time of day
 * and an offset; nothing is guessed: what a text does not say is not there.
 *
 * Thread: a compiled pattern is read-only. Ownership: a pattern is one block.
 */
#include "core/transform/map/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 32

enum part_kind {
    P_LITERAL, P_YEAR, P_MONTH, P_DAY, P_HOUR, P_MINUTE, P_SECOND, P_FRACTION, P_OFFSET
};
enum form { FORM_PATTERN, FORM_ISO, FORM_ODATA, FORM_EPOCH, FORM_EPOCH_MS };
static const char *const form_names[] = {"", "iso", "odata", "epoch", "epoch-ms"};

struct part {
    uint8_t kind, width; /* width: digits; of a literal: its byte */
};
struct bb_pattern {
    enum form form;
    uint32_t n;
    struct part parts[PARTS_MAX];
};

/* ---- patterns -------------------------------------------------------------------------------------- */
static const struct {
    char letter;
    uint8_t kind, max;
    const char *widths; /* allowed */
} letters[] = {{'y', P_YEAR, 4, "4"},     {'M', P_MONTH, 2, "12"},  {'d', P_DAY, 2, "12"},
               {'H', P_HOUR, 2, "12"},    {'m', P_MINUTE, 2, "2"},  {'s', P_SECOND, 2, "2"},
               {'S', P_FRACTION, 9, "123456789"}, {'X', P_OFFSET, 1, "1"}};
#define LETTERS (sizeof letters / sizeof letters[0])

static const char *part_add(struct bb_pattern *p, uint8_t kind, uint8_t width)
{
    if (p->n == PARTS_MAX)
        return "a pattern has at most 32 parts";
    p->parts[p->n++] = (struct part){kind, width};
    return NULL;
}

static const char *pattern_read(struct bb_pattern *p, const char *s, size_t len)
{
    const char *why = NULL, *end = s + len;
    bool quoted = false;

    while (s < end && !why) {
        size_t n = 1, k = 0;

        while (k < LETTERS && letters[k].letter != *s)
            k++;
        while (s + n < end && s[n] == *s)
            n++;
        if (*s == '\'') {
            quoted = !quoted;
            s++;
        } else if (quoted || (k == LETTERS && !((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z')))) {
            why = part_add(p, P_LITERAL, (uint8_t)*s++);
        } else if (k == LETTERS || n > 9 || !strchr(letters[k].widths, (int)('0' + n))) {
            why = "has a letter that means nothing here: yyyy, MM, dd, HH, mm, ss, SSS (fraction), X "
                  "(offset), other letters in 'quotes'; or iso, odata, epoch, epoch-ms";
        } else {
            why = part_add(p, letters[k].kind, (uint8_t)n);
            s += n;
        }
    }
    if (!why && (quoted || p->n == 0))
        why = quoted ? "has a quote that is not closed" : "is empty";
    return why;
}

static bool has(const struct bb_pattern *p, uint8_t kind)
{
    for (uint32_t k = 0; k < p->n; k++)
        if (p->parts[k].kind == kind)
            return true;
    return false;
}

bool bb_pattern_time(const struct bb_pattern *p)
{
    return p && (p->form > FORM_ISO || (p->form == FORM_PATTERN && has(p, P_HOUR)));
}

bool bb_pattern_date(const struct bb_pattern *p)
{
    return p && p->form == FORM_PATTERN && !has(p, P_HOUR);
}

static int arg_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    struct bb_pattern *p = calloc(1, sizeof *p);
    const char *why;
    struct bb_bytes s;

    (void)a;
    *(struct bb_pattern **)member = p;
    if (!p)
        return bb_compile_say(m->c, "out of memory");
    if (bb_as_str(v, &s) != 1)
        return bb_compile_say(m->c, "must be a pattern such as dd.MM.yyyy, or iso, odata, epoch, epoch-ms");
    p->form = bb_word_of(s, form_names + 1, 4) + 1;
    if (p->form <= FORM_EPOCH_MS)
        return 0;
    p->form = FORM_PATTERN;
    why = pattern_read(p, s.ptr, s.len);
    if (!why && !(has(p, P_YEAR) && has(p, P_MONTH) && has(p, P_DAY)))
        why = "needs a year, a month and a day: yyyy, MM, dd";
    if (!why && (has(p, P_MINUTE) || has(p, P_SECOND) || has(p, P_FRACTION) || has(p, P_OFFSET)) &&
        !has(p, P_HOUR))
        why = "has parts of a time of day without the hour, HH";
    return why ? bb_compile_say(m->c, "the pattern %s", why) : 0;
}

void bb_pattern_free(struct bb_pattern *p)
{
    free(p);
}

static void arg_free(void *member)
{
    free(*(struct bb_pattern **)member);
}
const struct bb_arg_kind bb_arg_pattern = {arg_read, arg_free, NULL};

/* ---- reading --------------------------------------------------------------------------------------- */
/* Digits at *p, at least min and at most max of them. */
static bool digits(const char **p, const char *end, int min, int max, int *out)
{
    int n = 0, v = 0;

    while (n < max && *p < end && **p >= '0' && **p <= '9') {
        v = v * 10 + (*(*p)++ - '0');
        n++;
    }
    *out = v;
    return n >= min;
}

static bool fraction(const char **p, const char *end, int min, int max, struct bb_moment *m)
{
    const char *from = *p;
    int v;

    if (!digits(p, end, min, max, &v))
        return false;
    m->digits = (uint8_t)(*p - from);
    m->nano = v;
    for (int n = m->digits; n < 9; n++)
        m->nano *= 10;
    return true;
}

/* Z, +09:00, +0900 */
static bool offset(const char **p, const char *end, struct bb_moment *m)
{
    int h, min;
    bool minus;

    if (*p == end)
        return false;
    m->has_offset = true;
    if (**p == 'Z' || **p == 'z') {
        (*p)++;
        return true;
    }
    if (**p != '+' && **p != '-')
        return false;
    minus = *(*p)++ == '-';
    if (!digits(p, end, 2, 2, &h))
        return false;
    *p += *p < end && **p == ':';
    if (!digits(p, end, 2, 2, &min) || h > 18 || min > 59)
        return false;
    m->offset = (h * 60 + min) * 60 * (minus ? -1 : 1);
    return true;
}

/* 2026-01-31, 2026-01-31T08:15[:00[.123]][Z|+09:00] */
static bool iso_read(const char *p, const char *end, struct bb_moment *m)
{
    if (!digits(&p, end, 4, 4, &m->year) || p == end || *p++ != '-' || !digits(&p, end, 2, 2, &m->month) ||
        p == end || *p++ != '-' || !digits(&p, end, 2, 2, &m->day))
        return false;
    if (p == end)
        return true;
    m->has_time = true;
    if ((*p != 'T' && *p != 't' && *p != ' ') || (p++, !digits(&p, end, 2, 2, &m->hour)) || p == end ||
        *p++ != ':' || !digits(&p, end, 2, 2, &m->minute))
        return false;
    if (p < end && *p == ':' && (p++, !digits(&p, end, 2, 2, &m->second)))
        return false;
    if (p < end && (*p == '.' || *p == ',') && (p++, !fraction(&p, end, 1, 9, m)))
        return false;
    return p == end || (offset(&p, end, m) && p == end);
}

static bool parts_read(const struct bb_pattern *t, const char *p, const char *end, struct bb_moment *m)
{
    int *const numbers[] = {NULL, &m->year, &m->month, &m->day, &m->hour, &m->minute, &m->second};

    for (uint32_t k = 0; k < t->n; k++) {
        const struct part *part = &t->parts[k];
        int width = part->width;

        if (part->kind == P_LITERAL) {
            if (p == end || (uint8_t)*p++ != part->width)
                return false;
        } else if (part->kind == P_FRACTION) {
            if (!fraction(&p, end, width, width, m))
                return false;
        } else if (part->kind == P_OFFSET) {
            if (!offset(&p, end, m))
                return false;
        } else if (!digits(&p, end, width, width == 1 ? 2 : width, numbers[part->kind])) {
            return false;
        }
        m->has_time |= part->kind == P_HOUR;
    }
    return p == end;
}

/* Seconds or milliseconds since 1970, a sign allowed. */
static bool epoch_read(const char *p, const char *end, int unit, struct bb_moment *m)
{
    int64_t v = 0, days, rest;
    bool minus = p < end && *p == '-';
    int n = 0;

    for (p += minus; p < end && *p >= '0' && *p <= '9' && n < 15; n++)
        v = v * 10 + (*p++ - '0');
    if (n == 0 || p != end)
        return false;
    v = minus ? -v : v;
    rest = v % unit < 0 ? v % unit + unit : v % unit;
    v = (v - rest) / unit;
    m->nano = (int32_t)(rest * (1000000000 / unit));
    m->digits = rest ? 3 : 0;
    rest = v % 86400 < 0 ? v % 86400 + 86400 : v % 86400;
    days = (v - rest) / 86400;
    if (days < -719162 || days > 2932896) /* 0001-01-01 to 9999-12-31 */
        return false;
    bb_days_date(days, &m->year, &m->month, &m->day);
    m->hour = (int)(rest / 3600);
    m->minute = (int)(rest / 60 % 60);
    m->second = (int)(rest % 60);
    m->has_time = m->has_offset = true;
    return true;
}

/* \/Date(1767225600000)\/ and /Date(1767225600000+0060)/: the offset, in minutes, changes no instant. */
static bool odata_read(const char *p, const char *end, struct bb_moment *m)
{
    static const char head[] = "/Date(", tail[] = ")/";
    const char *stop;

    if ((size_t)(end - p) < sizeof head + sizeof tail - 1 || memcmp(p, head, sizeof head - 1) != 0 ||
        memcmp(end - 2, tail, 2) != 0)
        return false;
    p += sizeof head - 1;
    end -= 2;
    for (stop = p + (*p == '-'); stop < end && *stop >= '0' && *stop <= '9';)
        stop++;
    if (stop != end && (end - stop != 5 || (*stop != '+' && *stop != '-')))
        return false;
    for (const char *q = stop + 1; q < end; q++)
        if (*q < '0' || *q > '9')
            return false;
    return epoch_read(p, stop, 1000, m);
}

int bb_moment_read(const struct bb_pattern *p, struct bb_bytes text, struct bb_moment *m, const char **why)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *s = text.ptr, *end = s + text.len;
    enum form form = p ? p->form : FORM_ISO;
    bool ok, leap;

    memset(m, 0, sizeof *m);
    ok = form == FORM_ISO ? iso_read(s, end, m)
         : form == FORM_ODATA ? odata_read(s, end, m)
         : form == FORM_PATTERN ? parts_read(p, s, end, m)
                                : epoch_read(s, end, form == FORM_EPOCH ? 1 : 1000, m);
    *why = "the text is not as the pattern says";
    if (!ok)
        return -1;
    leap = m->year % 4 == 0 && (m->year % 100 != 0 || m->year % 400 == 0);
    *why = "there is no such day or time";
    return m->year >= 1 && m->month >= 1 && m->month <= 12 && m->day >= 1 &&
                   m->day <= days[m->month - 1] + (m->month == 2 && leap) && m->hour < 24 &&
                   m->minute < 60 && m->second < 60
               ? 0 : -1;
}

/* ---- writing --------------------------------------------------------------------------------------- */
static size_t offset_write(int32_t seconds, char *out)
{
    int32_t minutes = (seconds < 0 ? -seconds : seconds) / 60;

    if (seconds == 0) {
        *out = 'Z';
        return 1;
    }
    return (size_t)snprintf(out, 16, "%c%02d:%02d", seconds < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static size_t fraction_write(int32_t nano, int digits, char *out)
{
    char text[16];

    snprintf(text, sizeof text, "%09d", nano);
    memcpy(out, text, (size_t)digits);
    return (size_t)digits;
}

static size_t iso_write(const struct bb_moment *m, char *out)
{
    size_t n = (size_t)snprintf(out, 64, "%04d-%02d-%02d", m->year, m->month, m->day);

    if (!m->has_time)
        return n;
    n += (size_t)snprintf(out + n, 32, "T%02d:%02d:%02d", m->hour, m->minute, m->second);
    if (m->digits) {
        out[n++] = '.';
        n += fraction_write(m->nano, m->digits, out + n);
    }
    return n + (m->has_offset ? offset_write(m->offset, out + n) : 0);
}

static size_t parts_write(const struct bb_pattern *t, const struct bb_moment *m, char *out)
{
    const int numbers[] = {0, m->year, m->month, m->day, m->hour, m->minute, m->second};
    size_t n = 0;

    for (uint32_t k = 0; k < t->n; k++) {
        const struct part *part = &t->parts[k];

        if (part->kind == P_LITERAL)
            out[n++] = (char)part->width;
        else if (part->kind == P_FRACTION)
            n += fraction_write(m->nano, part->width, out + n);
        else if (part->kind == P_OFFSET && !m->has_offset)
            return 0;
        else if (part->kind == P_OFFSET)
            n += offset_write(m->offset, out + n);
        else
            n += (size_t)snprintf(out + n, 16, "%0*d", part->width, numbers[part->kind]);
        if (n > 96 || (part->kind == P_HOUR && !m->has_time))
            return 0;
    }
    return n;
}

size_t bb_moment_write(const struct bb_pattern *p, const struct bb_moment *m, char out[128])
{
    enum form form = p ? p->form : FORM_ISO;
    int64_t seconds;

    if (form == FORM_ISO)
        return iso_write(m, out);
    if (form == FORM_PATTERN)
        return parts_write(p, m, out);
    if (!m->has_time || !m->has_offset)
        return 0;
    seconds = bb_days_of(m->year, m->month, m->day) * 86400 + m->hour * 3600 + m->minute * 60 + m->second -
              m->offset;
    if (form == FORM_EPOCH)
        return (size_t)snprintf(out, 128, "%lld", (long long)seconds);
    return (size_t)snprintf(out, 128, form == FORM_ODATA ? "/Date(%lld)/" : "%lld",
                            (long long)(seconds * 1000 + m->nano / 1000000));
}
