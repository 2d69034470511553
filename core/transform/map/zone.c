/*
 * zone.c - time zones: fixed offsets and the zones of the tz database (RFC 8536)
 *
 * The C library knows one zone at a time for the whole process, so it is of no use here. The core reads
 * the zone's file as it does a table, and its rules travel in the program: two machines with other
 * versions of the database give the same bytes.
 *
 * Thread: a compiled zone is read-only. Ownership: a zone is one block.
 */
#include "core/transform/map/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sdk/lib/codec.h"

#define CHANGES_MAX 4096
#define DAY 86400

struct day { /* of a change every year */
    char kind; /* M month.week.day, J day without February 29, or 0 day from 0 */
    int month, week, day;
    int32_t time;
};
struct bb_zone {
    int32_t first;  /* before any change */
    bool has_rule, has_summer;
    int32_t winter, summer; /* after the last change: the rule's */
    struct day from, to;    /* summer */
    uint32_t n;
    struct {
        int64_t at;
        int32_t offset;
    } changes[];
};

/* ---- days ------------------------------------------------------------------------------------------ */
int64_t bb_days_of(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
    int64_t in_era = y - era * 400, in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

void bb_days_date(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, in_era = z - era * 146097;
    int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * y + y / 4 - y / 100), m = (5 * in_year + 2) / 153;

    *day = (int)(in_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

/* ---- the rule for the years after the last change: CET-1CEST,M3.5.0,M10.5.0/3 ------------------- */
static bool name_skip(const char **p)
{
    const char *s = *p;

    if (*s == '<') {
        s = strchr(s, '>');
        *p = s ? s + 1 : *p;
        return s != NULL;
    }
    while ((*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z'))
        s++;
    if (s - *p < 3)
        return false;
    *p = s;
    return true;
}

static bool number_read(const char **p, int max, int *out)
{
    int v = 0;

    if (**p < '0' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; (*p)++)
        if ((v = v * 10 + (**p - '0')) > max)
            return false;
    *out = v;
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool clock_read(const char **p, int32_t *out)
{
    int h, m = 0, s = 0;
    bool minus = **p == '-';

    *p += **p == '-' || **p == '+';
    if (!number_read(p, 167, &h))
        return false;
    if (**p == ':' && (++*p, !number_read(p, 59, &m)))
        return false;
    if (**p == ':' && (++*p, !number_read(p, 59, &s)))
        return false;
    *out = (h * 60 + m) * 60 + s;
    *out = minus ? -*out : *out;
    return true;
}

static bool day_read(const char **p, struct day *d)
{
    if (*(*p)++ != ',')
        return false;
    d->kind = **p == 'M' || **p == 'J' ? *(*p)++ : 0;
    d->time = 2 * 3600;
    if (d->kind == 'M') {
        if (!number_read(p, 12, &d->month) || d->month < 1 || *(*p)++ != '.' ||
            !number_read(p, 5, &d->week) || d->week < 1 || *(*p)++ != '.' || !number_read(p, 6, &d->day))
            return false;
    } else if (!number_read(p, 365, &d->day)) {
        return false;
    }
    return **p != '/' || (++*p, clock_read(p, &d->time));
}

static bool rule_read(struct bb_zone *z, const char *p)
{
    if (!*p)
        return true; /* none: the last change holds for good */
    if (!name_skip(&p) || !clock_read(&p, &z->winter))
        return false;
    z->winter = -z->winter;
    z->has_rule = true;
    if (!*p)
        return true;
    z->has_summer = true;
    z->summer = z->winter + 3600;
    if (!name_skip(&p) || (*p && *p != ',' && (!clock_read(&p, &z->summer) || (z->summer = -z->summer, 0))))
        return false;
    return day_read(&p, &z->from) && day_read(&p, &z->to) && !*p;
}

/* Seconds since 1970, local, of a rule's day in that year. */
static int64_t day_local(const struct day *d, int year)
{
    int64_t first;

    if (d->kind == 'M') {
        int64_t next = d->month == 12 ? bb_days_of(year + 1, 1, 1) : bb_days_of(year, d->month + 1, 1);
        int weekday;

        first = bb_days_of(year, d->month, 1);
        weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
        first += (d->day - weekday + 7) % 7 + (int64_t)(d->week - 1) * 7;
        while (first >= next)
            first -= 7;
    } else {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        first = bb_days_of(year, 1, 1) + d->day;
        first -= d->kind == 'J' && !(leap && d->day >= 60);
    }
    return first * DAY + d->time;
}

static int32_t rule_offset(const struct bb_zone *z, int64_t utc)
{
    int64_t days = (utc + z->winter) / DAY - ((utc + z->winter) % DAY < 0), from, to;
    int year, month, day;
    bool in;

    if (!z->has_summer)
        return z->winter;
    bb_days_date(days, &year, &month, &day);
    from = day_local(&z->from, year) - z->winter;
    to = day_local(&z->to, year) - z->summer;
    in = from < to ? utc >= from && utc < to : utc >= from || utc < to;
    return in ? z->summer : z->winter;
}

/* ---- asking ------------------------------------------------------------------------------------------ */
int32_t bb_zone_offset(const struct bb_zone *z, int64_t utc)
{
    uint32_t lo = 0, hi = z->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (z->changes[mid].at <= utc)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == z->n && z->has_rule)
        return rule_offset(z, utc);
    return lo ? z->changes[lo - 1].offset : z->first;
}

int bb_zone_instant(const struct bb_zone *z, int64_t local, int64_t *utc)
{
    /* the offset is one of those a day before and a day after */
    int32_t one = bb_zone_offset(z, local - DAY), two = bb_zone_offset(z, local + DAY);
    int64_t a = local - (one > two ? one : two), b = local - (one > two ? two : one);

    if (bb_zone_offset(z, a) == local - a) {
        *utc = a;
        return 0;
    }
    *utc = b;
    return bb_zone_offset(z, b) == local - b ? 0 : -1;
}

/* ---- reading ----------------------------------------------------------------------------------------- */
/* A TZif file's 64-bit part: NULL with why. */
static struct bb_zone *file_read(struct bb_bytes f, const char **why)
{
    const uint8_t *p = f.ptr, *end = p + f.len, *types, *index;
    uint32_t isut, isstd, leap, times, kinds, chars;
    char footer[128] = "";
    struct bb_zone *z;
    size_t first;

    *why = "is not a zone file of version 2 or later";
    if (f.len < 88 || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        return NULL;
    for (int part = 0; part < 2; part++) { /* the 32-bit part is skipped */
        size_t wide = part ? 8 : 4;

        if (end - p < 44 || memcmp(p, "TZif", 4) != 0)
            return NULL;
        isut = (uint32_t)bb_be_get(p + 20, 4);
        isstd = (uint32_t)bb_be_get(p + 24, 4);
        leap = (uint32_t)bb_be_get(p + 28, 4);
        times = (uint32_t)bb_be_get(p + 32, 4);
        kinds = (uint32_t)bb_be_get(p + 36, 4);
        chars = (uint32_t)bb_be_get(p + 40, 4);
        if (isut > 256 || isstd > 256 || leap > 1024 || times > CHANGES_MAX || kinds > 256 || kinds == 0 ||
            chars > 4096)
            return NULL;
        first = times * (wide + 1) + (size_t)kinds * 6 + chars + leap * (wide + 4) + isstd + isut;
        if ((size_t)(end - p) < 44 + first)
            return NULL;
        p += 44 + (part ? 0 : first);
    }
    index = p + (size_t)times * 8;
    types = index + times;
    end = (const uint8_t *)f.ptr + f.len;
    z = calloc(1, sizeof *z + times * sizeof z->changes[0]);
    *why = "out of memory";
    if (!z)
        return NULL;
    z->first = (int32_t)bb_be_get(types, 4);
    for (uint32_t k = 0; k < times; k++) {
        z->changes[k].at = (int64_t)bb_be_get(p + 8 * (size_t)k, 8);
        z->changes[k].offset = index[k] < kinds ? (int32_t)bb_be_get(types + 6 * (size_t)index[k], 4) : 0;
    }
    z->n = times;
    p += first;
    *why = "has a rule for later years that is not understood";
    if (end - p >= 2 && *p == '\n' && end[-1] == '\n' && (size_t)(end - p) - 2 < sizeof footer)
        memcpy(footer, p + 1, (size_t)(end - p) - 2);
    if (rule_read(z, footer))
        return z;
    free(z);
    return NULL;
}

/* "+09:00", "-0330", "Z": 0, -1. */
static int fixed_read(struct bb_bytes s, int32_t *offset)
{
    const char *p = s.ptr;
    int d[4], n = 0;

    *offset = 0;
    if (bb_bytes_are(s, "UTC") || bb_bytes_are(s, "Z") || bb_bytes_are(s, "utc"))
        return 0;
    if (s.len < 5 || s.len > 6 || (*p != '+' && *p != '-') || (s.len == 6 && p[3] != ':'))
        return -1;
    for (size_t k = 1; k < s.len; k++) {
        if (k == 3 && s.len == 6)
            continue;
        if (p[k] < '0' || p[k] > '9')
            return -1;
        d[n++] = p[k] - '0';
    }
    if (d[0] * 10 + d[1] > 18 || d[2] > 5)
        return -1;
    *offset = ((d[0] * 10 + d[1]) * 60 + d[2] * 10 + d[3]) * 60;
    *offset = *p == '-' ? -*offset : *offset;
    return 0;
}

struct bb_zone *bb_zone_new(struct bb_map_compile *m, struct bb_bytes name)
{
    struct bb_bytes s, value, bytes;
    struct bb_zone *z;
    const char *kept, *why;
    struct bb_buf b;
    struct bb_cur c;
    struct bb_tok t;
    int32_t offset;
    char text[80];
    int rc;

    if (bb_as_str(name, &s) != 1 || s.len == 0 || s.len > 64) {
        bb_compile_say(m->c, "must be a zone: UTC, +09:00 or a name such as Europe/Berlin");
        return NULL;
    }
    if (fixed_read(s, &offset) == 0) {
        z = calloc(1, sizeof *z);
        if (z)
            z->first = offset;
        else
            bb_compile_say(m->c, "out of memory");
        return z;
    }
    bb_buf_init(&b, 128);
    rc = snprintf(text, sizeof text, "zone:%.*s", (int)s.len, (const char *)s.ptr);
    bb_put_str(&b, text, (size_t)rc);
    rc = bb_compile_file(m->c, (struct bb_bytes){b.ptr, b.len}, &value, &kept);
    bb_buf_free(&b);
    if (rc != 0)
        return NULL;
    c = bb_cur_of(value);
    bytes = bb_cur_next(&c, &t) == 0 && t.kind == BB_T_BIN ? t.s : (struct bb_bytes){"", 0};
    z = file_read(bytes, &why);
    if (!z)
        bb_compile_say(m->c, "the zone \"%.*s\" %s", (int)s.len, (const char *)s.ptr, why);
    return z;
}

void bb_zone_free(struct bb_zone *z)
{
    free(z);
}

static int arg_read(struct bb_map_compile *m, const struct bb_arg *a, struct bb_bytes v, void *member)
{
    (void)a;
    *(struct bb_zone **)member = bb_zone_new(m, v);
    return *(struct bb_zone **)member ? 0 : -1;
}

static void arg_free(void *member)
{
    bb_zone_free(*(struct bb_zone **)member);
}
const struct bb_arg_kind bb_arg_zone = {arg_read, arg_free, NULL};
