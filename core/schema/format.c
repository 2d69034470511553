/*
 * format.c - the formats that can be asserted
 *
 * A format says something of strings only. Dates are those of RFC 3339 (full-date: a day that there
 * is, any year of four digits), instants have a zone, a leap second is one only at 23:59:60 UTC.
 * Thread: any; no state.
 */
#include "core/schema/internal.h"

#include <arpa/inet.h>

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool hexa(char c)
{
    return digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* n digits at s, or -1. */
static int number(const char *s, size_t n)
{
    int v = 0;

    while (n--) {
        if (!digit(*s))
            return -1;
        v = v * 10 + (*s++ - '0');
    }
    return v;
}

/* ---- dates and times --------------------------------------------------------------------------- */
static bool is_date(const char *s, size_t len)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    bool leap;

    if (len != 10 || s[4] != '-' || s[7] != '-')
        return false;
    year = number(s, 4);
    month = number(s + 5, 2);
    day = number(s + 8, 2);
    if (year < 0 || month < 1 || month > 12 || day < 1)
        return false;
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap);
}

static bool is_time(const char *s, size_t len)
{
    int hour, minute, second, zone = 0;
    size_t at = 8;

    if (len < 9 || s[2] != ':' || s[5] != ':')
        return false;
    hour = number(s, 2);
    minute = number(s + 3, 2);
    second = number(s + 6, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    if (s[at] == '.') {
        size_t from = ++at;
        while (at < len && digit(s[at]))
            at++;
        if (at == from)
            return false;
    }
    if (at + 1 == len && (s[at] | 0x20) == 'z')
        return second < 60 || (hour == 23 && minute == 59);
    if (at + 6 != len || (s[at] != '+' && s[at] != '-') || s[at + 3] != ':')
        return false;
    if (number(s + at + 1, 2) < 0 || number(s + at + 1, 2) > 23 || number(s + at + 4, 2) < 0 ||
        number(s + at + 4, 2) > 59)
        return false;
    zone = number(s + at + 1, 2) * 60 + number(s + at + 4, 2);
    zone = hour * 60 + minute + (s[at] == '+' ? -zone : zone);
    return second < 60 || (zone + 1440) % 1440 == 23 * 60 + 59;
}

static bool is_date_time(const char *s, size_t len)
{
    return len > 11 && is_date(s, 10) && (s[10] | 0x20) == 't' && is_time(s + 11, len - 11);
}

/* Digits and one unit after the other, each right of those before it in units; none left out
 * between two of them. */
static bool units_in_order(const char **at, const char *end, const char *units)
{
    const char *s = *at, *unit = units - 1, *found, *from;
    bool any = false;

    while (s < end && *s != 'T') {
        for (from = s; s < end && digit(*s); s++)
            ;
        if (s == from || s == end || !(found = strchr(units, *s)) || found <= unit ||
            (any && found != unit + 1))
            return false;
        unit = found;
        any = true;
        s++;
    }
    *at = s;
    return any;
}

static bool is_duration(const char *s, size_t len)
{
    const char *end = s + len, *p = s + 1;

    if (len < 3 || *s != 'P' || memchr(s, '\0', len))
        return false;
    if (end[-1] == 'W')
        return units_in_order(&p, end, "W") && p == end;
    if (*p != 'T' && !units_in_order(&p, end, "YMD"))
        return false;
    if (p == end)
        return true;
    p++;
    return units_in_order(&p, end, "HMS") && p == end;
}

/* ---- identifiers -------------------------------------------------------------------------------- */
static bool is_uuid(const char *s, size_t len)
{
    size_t i;

    if (len != 36)
        return false;
    for (i = 0; i < len; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !hexa(s[i]))
            return false;
    return true;
}

static bool address(int family, const char *s, size_t len)
{
    char text[64];
    unsigned char out[16];

    if (len >= sizeof(text) || memchr(s, '\0', len))
        return false;
    memcpy(text, s, len);
    text[len] = '\0';
    return inet_pton(family, text, out) == 1;
}

static bool is_ipv4(const char *s, size_t len)
{
    return address(AF_INET, s, len);
}

static bool is_ipv6(const char *s, size_t len)
{
    return address(AF_INET6, s, len);
}

static bool chars(const char *s, size_t len, const char *set)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (s[i] == '%') {
            if (i + 2 >= len || !hexa(s[i + 1]) || !hexa(s[i + 2]))
                return false;
            i += 2;
        } else if (!letter(s[i]) && !digit(s[i]) && (!s[i] || !strchr(set, s[i]))) {
            return false;
        }
    }
    return true;
}

#define UNRESERVED "-._~!$&'()*+,;="

static bool authority(const char *s, size_t len)
{
    const char *at = memchr(s, '@', len), *close;
    size_t i;

    if (at) {
        if (!chars(s, (size_t)(at - s), UNRESERVED ":"))
            return false;
        len -= (size_t)(at + 1 - s);
        s = at + 1;
    }
    if (len && *s == '[') {
        close = memchr(s, ']', len);
        if (!close)
            return false;
        if (s[1] == 'v' ? !chars(s + 1, (size_t)(close - s) - 1, UNRESERVED ":")
                        : !is_ipv6(s + 1, (size_t)(close - s) - 1))
            return false;
        len -= (size_t)(close + 1 - s);
        s = close + 1;
    } else {
        for (i = 0; i < len && s[i] != ':'; i++)
            ;
        if (!chars(s, i, UNRESERVED))
            return false;
        s += i;
        len -= i;
    }
    for (i = 0; i < len; i++)
        if (i ? !digit(s[i]) : s[i] != ':')
            return false;
    return true;
}

static bool is_reference(const char *s, size_t len)
{
    const char *hash = memchr(s, '#', len), *ask, *slash;
    size_t n;

    if (hash) {
        n = len - (size_t)(hash + 1 - s);
        if (!chars(hash + 1, n, UNRESERVED ":@/?"))
            return false;
        len = (size_t)(hash - s);
    }
    ask = memchr(s, '?', len);
    if (ask) {
        if (!chars(ask + 1, len - (size_t)(ask + 1 - s), UNRESERVED ":@/?"))
            return false;
        len = (size_t)(ask - s);
    }
    if (len >= 2 && s[0] == '/' && s[1] == '/') {
        s += 2;
        len -= 2;
        slash = memchr(s, '/', len);
        n = slash ? (size_t)(slash - s) : len;
        if (!authority(s, n))
            return false;
        s += n;
        len -= n;
    }
    return chars(s, len, UNRESERVED ":@/");
}

/* Length of "scheme:", 0 when there is none. */
static size_t scheme(const char *s, size_t len)
{
    size_t i;

    if (!len || !letter(*s))
        return 0;
    for (i = 1; i < len && (letter(s[i]) || digit(s[i]) || strchr("+-.", s[i])) && s[i]; i++)
        ;
    return i < len && s[i] == ':' ? i + 1 : 0;
}

bool bb_sformat_uri(const char *s, size_t len)
{
    size_t n = scheme(s, len);

    return n && is_reference(s + n, len - n);
}

static bool is_uri_reference(const char *s, size_t len)
{
    size_t n = scheme(s, len), i;

    if (n)
        return is_reference(s + n, len - n);
    for (i = 0; i < len && !strchr("/?#", s[i]); i++)
        if (s[i] == ':')
            return false; /* "1a:b": neither a scheme nor a first segment */
    return is_reference(s, len);
}

static bool is_hostname(const char *s, size_t len)
{
    size_t i, label = 0;

    if (!len || len > 253)
        return false;
    for (i = 0; i < len; i++) {
        if (s[i] == '.') {
            if (!label || s[i - 1] == '-')
                return false;
            label = 0;
            continue;
        }
        if (!letter(s[i]) && !digit(s[i]) && !(s[i] == '-' && label))
            return false;
        if (++label > 63)
            return false;
        if (label == 4 && s[i] == '-' && s[i - 1] == '-' && (s[i - 3] | 0x20) != 'x')
            return false;
    }
    return label && s[len - 1] != '-';
}

static bool is_email(const char *s, size_t len)
{
    const char *at = memrchr(s, '@', len);
    size_t n = at ? (size_t)(at - s) : 0, i, rest = at ? len - n - 1 : 0;

    if (!n || n > 64 || !rest)
        return false;
    if (*s == '"') {
        if (n < 2 || s[n - 1] != '"')
            return false;
        for (i = 1; i + 1 < n; i++)
            if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] > 0x7e || s[i] == '"')
                return false;
    } else {
        for (i = 0; i < n; i++)
            if (s[i] == '.' ? !i || i + 1 == n || s[i - 1] == '.'
                            : !letter(s[i]) && !digit(s[i]) &&
                                  (!s[i] || !strchr("!#$%&'*+-/=?^_`{|}~", s[i])))
                return false;
    }
    if (at[1] == '[')
        return at[rest] == ']' &&
               (rest > 7 && memcmp(at + 2, "IPv6:", 5) == 0 ? is_ipv6(at + 7, rest - 7)
                                                            : is_ipv4(at + 2, rest - 2));
    return is_hostname(at + 1, rest);
}

static bool is_pointer(const char *s, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++)
        if (s[i] == '~' && (i + 1 == len || (s[i + 1] != '0' && s[i + 1] != '1')))
            return false;
    return !len || *s == '/';
}

static bool is_relative_pointer(const char *s, size_t len)
{
    size_t i;

    for (i = 0; i < len && digit(s[i]); i++)
        ;
    if (!i || (*s == '0' && i > 1))
        return false;
    return (i + 1 == len && s[i] == '#') || is_pointer(s + i, len - i);
}

static bool is_regex(const char *s, size_t len)
{
    struct bb_spattern p = {0};
    char why[200];
    size_t at;

    if (bb_spattern_compile(&p, (struct bb_bytes){s, len}, &at, why) != 0)
        return false;
    bb_spattern_free(&p);
    return true;
}

static bool is_decimal(const char *s, size_t len)
{
    struct bb_num n;
    const uint8_t *p = (const uint8_t *)s;

    return len && len <= BB_DECIMAL_MAX && bb_num_read(p, p + len, &n) != BB_NUM_BAD &&
           n.at == p + len;
}

/* ---- the table ---------------------------------------------------------------------------------- */
static const struct bb_sformat formats[] = {
    {"date", is_date, "is no date (as 2026-01-31)", false},
    {"date-time", is_date_time, "is no instant (as 2026-01-31T08:15:00Z)", false},
    {"time", is_time, "is no time with a zone (as 08:15:00Z)", false},
    {"duration", is_duration, "is no duration (as P1DT12H)", false},
    {"uri", bb_sformat_uri, "is no URI", false},
    {"uri-reference", is_uri_reference, "is no URI reference", false},
    {"uuid", is_uuid, "is no UUID", false},
    {"decimal", is_decimal, "is no decimal number (as 12.50)", true},
    {"email", is_email, "is no e-mail address", false},
    {"hostname", is_hostname, "is no host name", false},
    {"ipv4", is_ipv4, "is no IPv4 address", false},
    {"ipv6", is_ipv6, "is no IPv6 address", false},
    {"json-pointer", is_pointer, "is no JSON Pointer", false},
    {"relative-json-pointer", is_relative_pointer, "is no relative JSON Pointer", false},
    {"regex", is_regex, "is no regular expression", false},
    {"password", NULL, NULL, false},
    {"idn-email", NULL, NULL, false},
    {"idn-hostname", NULL, NULL, false},
    {"iri", NULL, NULL, false},
    {"iri-reference", NULL, NULL, false},
    {"uri-template", NULL, NULL, false},
};
#define N_FORMATS (sizeof(formats) / sizeof(*formats))

const struct bb_sformat *bb_sformat_find(struct bb_bytes name)
{
    size_t i;

    for (i = 0; i < N_FORMATS; i++)
        if (bb_bytes_are(name, formats[i].name))
            return &formats[i];
    return NULL;
}

const char *bb_sformat_nearest(const char *name)
{
    const char *names[N_FORMATS];
    size_t i;

    for (i = 0; i < N_FORMATS; i++)
        names[i] = formats[i].name;
    return bb_nearest(name, names, N_FORMATS);
}
