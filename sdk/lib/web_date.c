/*
 * web_date.c - dates and times as systems write them, to milliseconds and back
 *
 * One scanner reads fixed numbers of digits; each format is its sequence. The calendar is the
 * proleptic Gregorian one, without leap seconds.
 *
 * Thread: any. Memory: none. Invariant: what a writer wrote, its reader reads as the same value.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <busbar/web.h>

#define DAY_MS 86400000
#define MS_FIRST (-62135596800000) /* 0001-01-01T00:00Z */
#define MS_LAST 253402300799999    /* 9999-12-31T23:59:59.999Z */

struct scan {
    const char *p, *end;
    int bad;
};

static struct scan scan_of(struct bb_bytes text)
{
    struct scan s = {text.ptr, text.ptr, text.ptr == NULL};

    if (text.len)
        s.end += text.len;
    return s;
}

/* Exactly n digits. */
static int digits(struct scan *s, int n)
{
    int v = 0;

    for (; n; n--) {
        if (s->p == s->end || *s->p < '0' || *s->p > '9') {
            s->bad = 1;
            return 0;
        }
        v = v * 10 + (*s->p++ - '0');
    }
    return v;
}

static int next_is(struct scan *s, char c)
{
    if (s->p == s->end || *s->p != c)
        return 0;
    s->p++;
    return 1;
}

static void must(struct scan *s, const char *text)
{
    size_t n = strlen(text);

    if ((size_t)(s->end - s->p) < n || strncasecmp(s->p, text, n) != 0)
        s->bad = 1;
    else
        s->p += n;
}

/* Days from 1970-01-01 (H. Hinnant's algorithm: years begin in March, eras have 400). */
static int64_t days_of(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct civil {
    int year, month, day, weekday, h, m, s, ms;
};

static struct civil civil_of(int64_t ms)
{
    struct civil c;
    int64_t days = ms / DAY_MS, rest = ms % DAY_MS;

    if (rest < 0) {
        rest += DAY_MS;
        days--;
    }
    c.weekday = (int)(((days + 4) % 7 + 7) % 7);
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
    c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
    c.year = (int)(yoe + era * 400 + (c.month <= 2));
    c.h = (int)(rest / 3600000);
    c.m = (int)(rest / 60000 % 60);
    c.s = (int)(rest / 1000 % 60);
    c.ms = (int)(rest % 1000);
    return c;
}

static int date_ok(int y, int m, int d)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

    return y >= 1 && m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1] + (m == 2 && leap);
}

/* A fraction after its point, in milliseconds; digits past the third must be zeros. */
static int fraction(struct scan *s)
{
    int v = 0, unit = 100, any = 0;

    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++, unit /= 10, any = 1) {
        if (!unit && *s->p != '0')
            s->bad = 1;
        v += (*s->p - '0') * unit;
    }
    s->bad |= !any;
    return v;
}

static int64_t clock_read(struct scan *s)
{
    int h = digits(s, 2), m, sec = 0, ms = 0;

    must(s, ":");
    m = digits(s, 2);
    if (next_is(s, ':')) {
        sec = digits(s, 2);
        if (next_is(s, '.'))
            ms = fraction(s);
    }
    s->bad |= h > 23 || m > 59 || sec > 59;
    return ((h * 60 + m) * 60 + sec) * INT64_C(1000) + ms;
}

/* ---- ISO ---------------------------------------------------------------------------------------- */
int bb_date_iso_read(struct bb_bytes text, int64_t *ms)
{
    struct scan s = scan_of(text);
    int y = digits(&s, 4), mo, d, sign;
    int64_t v = 0;

    must(&s, "-");
    mo = digits(&s, 2);
    must(&s, "-");
    d = digits(&s, 2);
    if (s.bad || !date_ok(y, mo, d))
        return -1;
    if (s.p < s.end) {
        if (*s.p != 'T' && *s.p != 't' && *s.p != ' ')
            return -1;
        s.p++;
        v = clock_read(&s);
        if (!s.bad && s.p < s.end && !next_is(&s, 'Z') && !next_is(&s, 'z')) {
            sign = next_is(&s, '-') ? 1 : -1;
            if (sign < 0)
                must(&s, "+");
            int h = digits(&s, 2);
            next_is(&s, ':');
            int m = digits(&s, 2);
            s.bad |= h > 23 || m > 59;
            v += sign * (h * 60 + m) * INT64_C(60000);
        }
    }
    v += days_of(y, mo, d) * DAY_MS;
    if (s.bad || s.p != s.end || v < MS_FIRST || v > MS_LAST)
        return -1;
    *ms = v;
    return 0;
}

int bb_date_iso_write(int64_t ms, char out[32])
{
    struct civil c;
    int n;

    out[0] = 0;
    if (ms < MS_FIRST || ms > MS_LAST)
        return -1;
    c = civil_of(ms);
    n = snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day, c.h, c.m, c.s);
    snprintf(out + n, 32 - (size_t)n, c.ms ? ".%03dZ" : "Z", c.ms);
    return 0;
}

/* ---- OData V2 ------------------------------------------------------------------------------------- */
int bb_date_odata_read(struct bb_bytes text, int64_t *ms, int *offset_minutes)
{
    struct scan s = scan_of(text);
    int64_t v = 0;
    int minus, n = 0, offset = 0, sign;

    must(&s, "/Date(");
    minus = next_is(&s, '-');
    for (; !s.bad && s.p < s.end && *s.p >= '0' && *s.p <= '9'; n++)
        if (n < 16)
            v = v * 10 + (*s.p++ - '0');
        else
            return -1;
    v = minus ? -v : v;
    sign = next_is(&s, '+') ? 1 : next_is(&s, '-') ? -1 : 0;
    if (sign)
        offset = sign * digits(&s, 4);
    must(&s, ")/");
    if (s.bad || !n || s.p != s.end || v < MS_FIRST || v > MS_LAST)
        return -1;
    *ms = v;
    if (offset_minutes)
        *offset_minutes = offset;
    return 0;
}

int bb_date_odata_write(int64_t ms, const char *zone, char out[48])
{
    out[0] = 0;
    if (ms < MS_FIRST || ms > MS_LAST || strlen(zone) > 8)
        return -1;
    snprintf(out, 48, "/Date(%lld%s)/", (long long)ms, zone);
    return 0;
}

int bb_time_odata_read(struct bb_bytes text, int64_t *ms)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'H', 3600000}, {'M', 60000}, {'S', 1000}};
    struct scan s = scan_of(text);
    int64_t v = 0, total = 0;
    size_t unit = 0;
    int any = 0, ms_part;

    must(&s, "P");
    if (next_is(&s, '0'))
        must(&s, "D");
    any = !s.bad && s.p > (const char *)text.ptr + 1;
    if (s.p < s.end)
        must(&s, "T");
    while (!s.bad && s.p < s.end) {
        int n = 0;
        for (v = 0; s.p < s.end && *s.p >= '0' && *s.p <= '9' && n < 6; n++)
            v = v * 10 + (*s.p++ - '0');
        ms_part = next_is(&s, '.') ? fraction(&s) : -1;
        while (unit < 3 && (s.p == s.end || *s.p != units[unit].unit))
            unit++;
        if (!n || unit == 3 || (ms_part >= 0 && units[unit].unit != 'S'))
            return -1;
        s.p++;
        total += v * units[unit++].ms + (ms_part > 0 ? ms_part : 0);
        any = 1;
    }
    if (s.bad || !any || total > DAY_MS || s.end[-1] == 'T')
        return -1;
    *ms = total;
    return 0;
}

int bb_time_odata_write(int64_t ms, char out[32])
{
    int n;

    out[0] = 0;
    if (ms < 0 || ms > DAY_MS)
        return -1;
    n = snprintf(out, 32, "PT%02dH%02dM%02d", (int)(ms / 3600000), (int)(ms / 60000 % 60),
                 (int)(ms / 1000 % 60));
    snprintf(out + n, 32 - (size_t)n, ms % 1000 ? ".%03dS" : "S", (int)(ms % 1000));
    return 0;
}

/* ---- HTTP ------------------------------------------------------------------------------------------ */
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static int month_read(struct scan *s)
{
    for (int k = 0; k < 12; k++)
        if (s->end - s->p >= 3 && strncasecmp(s->p, months[k], 3) == 0) {
            s->p += 3;
            return k + 1;
        }
    s->bad = 1;
    return 0;
}

static int64_t seconds_read(struct scan *s)
{
    int h = digits(s, 2), m, sec;

    must(s, ":");
    m = digits(s, 2);
    must(s, ":");
    sec = digits(s, 2);
    s->bad |= h > 23 || m > 59 || sec > 60;
    return (h * 60 + m) * 60 + sec;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" */
int bb_date_http_read(struct bb_bytes text, int64_t *out)
{
    struct scan s = scan_of(text);
    int y, m, d;
    int64_t v;

    while (s.p < s.end && ((*s.p | 32) >= 'a' && (*s.p | 32) <= 'z'))
        s.p++;
    if (next_is(&s, ',')) {
        must(&s, " ");
        d = digits(&s, 2);
        int dashes = next_is(&s, '-');
        if (!dashes)
            must(&s, " ");
        m = month_read(&s);
        must(&s, dashes ? "-" : " ");
        y = digits(&s, dashes ? 2 : 4);
        if (dashes)
            y += y < 70 ? 2000 : 1900;
        must(&s, " ");
        v = seconds_read(&s);
        must(&s, " GMT");
    } else {
        must(&s, " ");
        m = month_read(&s);
        must(&s, " ");
        d = next_is(&s, ' ') ? digits(&s, 1) : digits(&s, 2);
        must(&s, " ");
        v = seconds_read(&s);
        must(&s, " ");
        y = digits(&s, 4);
    }
    if (s.bad || s.p != s.end || !date_ok(y, m, d))
        return -1;
    *out = days_of(y, m, d) * 86400 + v;
    return 0;
}

int bb_date_http_write(int64_t seconds, char out[40])
{
    struct civil c;

    out[0] = 0;
    if (seconds < MS_FIRST / 1000 || seconds > MS_LAST / 1000)
        return -1;
    c = civil_of(seconds * 1000);
    snprintf(out, 40, "%s, %02d %s %04d %02d:%02d:%02d GMT", weekdays[c.weekday], c.day,
             months[c.month - 1], c.year, c.h, c.m, c.s);
    return 0;
}
