/*
 * values.c - what people write for durations, sizes, rates and numbers
 *
 * Exact: digits and a fraction are counted in integers, never in floating point, so 0.1s is 100
 * milliseconds and 0.0001s is refused instead of rounded. Pure functions, any thread.
 */
#include "core/config/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};
static const struct unit durations[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {"w", 604800000}};
static const struct unit sizes[] = {
    {"B", 1}, {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {"TiB", 1ull << 40}};
static const struct unit rates[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

__attribute__((format(printf, 2, 3))) static int fail(struct bb_why *why, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why->text, sizeof(why->text), fmt, ap);
    va_end(ap);
    return -1;
}

/* digits[.digits] at *s: value = mantissa / 10^scale. */
static int number_read(const char **s, uint64_t *mantissa, unsigned *scale)
{
    const char *p = *s, *start = p;
    bool point = false;

    *mantissa = 0;
    *scale = 0;
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && !point && p > start); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        if (*mantissa > (UINT64_MAX - 9) / 10 || (point && *scale == 12))
            return -1;
        *mantissa = *mantissa * 10 + (uint64_t)(*p - '0');
        *scale += point;
    }
    if (p == start || p[-1] == '.')
        return -1;
    *s = p;
    return 0;
}

/* The unit at *s, moved past it: letters only, the whole word. */
static const struct unit *unit_read(const char **s, const struct unit *u, size_t n)
{
    size_t len = strspn(*s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), i;

    for (i = 0; i < n; i++)
        if (strlen(u[i].name) == len && memcmp(u[i].name, *s, len) == 0) {
            *s += len;
            return &u[i];
        }
    return NULL;
}

/* mantissa / 10^scale * factor when that is whole and fits. */
static int scale_exact(uint64_t mantissa, unsigned scale, uint64_t factor, uint64_t *out)
{
    uint64_t v;

    if (__builtin_mul_overflow(mantissa, factor, &v))
        return -1;
    for (; scale; scale--, v /= 10)
        if (v % 10)
            return -1;
    *out = v;
    return 0;
}

int bb_value_duration(const char *s, uint64_t *ms, struct bb_why *why)
{
    const struct unit *u;
    uint64_t mantissa, v, sum = 0;
    unsigned scale;

    if (strcmp(s, "0") == 0) {
        *ms = 0;
        return 0;
    }
    do {
        if (number_read(&s, &mantissa, &scale) != 0)
            return fail(why, "is not a duration; write 500ms, 30s, 2m, 1h or 3d");
        if (!*s)
            return fail(why, "has no unit; write 500ms, 30s, 2m, 1h or 3d");
        if (!(u = unit_read(&s, durations, COUNT(durations))))
            return fail(why, "has an unknown unit; units are ms, s, m, h, d and w");
        if (scale_exact(mantissa, scale, u->factor, &v) != 0)
            return fail(why, "is finer than a millisecond or too long");
        if (__builtin_add_overflow(sum, v, &sum) || sum > INT64_MAX)
            return fail(why, "is too long");
    } while (*s);
    *ms = sum;
    return 0;
}

int bb_value_size(const char *s, uint64_t *bytes, struct bb_why *why)
{
    const struct unit *u = &sizes[0];
    uint64_t mantissa;
    unsigned scale;

    if (number_read(&s, &mantissa, &scale) != 0)
        return fail(why, "is not a size; write 65536, 64KiB, 16MiB or 2GiB");
    while (*s == ' ')
        s++;
    if (*s && (!(u = unit_read(&s, sizes, COUNT(sizes))) || *s))
        return fail(why, "has an unknown unit; units are B, KiB, MiB, GiB and TiB");
    if (scale_exact(mantissa, scale, u->factor, bytes) != 0 || *bytes > INT64_MAX)
        return fail(why, "is not a whole number of bytes or too large");
    return 0;
}

int bb_value_rate(const char *s, double *per_second, struct bb_why *why)
{
    const struct unit *u;
    uint64_t mantissa;
    unsigned scale;
    double v;

    if (number_read(&s, &mantissa, &scale) != 0)
        return fail(why, "is not a rate; write 50/s, 10/m or 1000/h");
    if (!*s)
        return fail(why, "has no unit; write 50/s, 10/m or 1000/h");
    if (*s++ != '/' || !(u = unit_read(&s, rates, COUNT(rates))) || *s)
        return fail(why, "has an unknown unit; units are /s, /m, /h and /d");
    for (v = (double)mantissa; scale; scale--)
        v /= 10;
    *per_second = v / (double)u->factor;
    return 0;
}

int bb_value_uint(const char *s, uint64_t *v, struct bb_why *why)
{
    if (!*s || strspn(s, "0123456789") != strlen(s))
        return fail(why, "is not a whole number");
    if (*s == '0' && s[1])
        return fail(why, "starts with a zero; drop it");
    for (*v = 0; *s; s++)
        if (__builtin_mul_overflow(*v, 10u, v) ||
            __builtin_add_overflow(*v, (uint64_t)(*s - '0'), v))
            return fail(why, "is too large");
    return 0;
}

int bb_value_bool(const char *s, bool *v)
{
    static const char *const words[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    size_t i;

    for (i = 0; i < COUNT(words); i++)
        if (strcmp(s, words[i]) == 0) {
            *v = i < 3;
            return 0;
        }
    return -1;
}

static void format_units(uint64_t v, const struct unit *u, size_t n, const char *zero, char out[32])
{
    size_t i;

    for (i = n - 1; i > 0 && (v < u[i].factor || v % u[i].factor != 0); i--)
        ;
    if (v == 0)
        snprintf(out, 32, "%s", zero);
    else
        snprintf(out, 32, "%" PRIu64 "%s", v / u[i].factor, u[i].name);
}

void bb_format_duration(uint64_t ms, char out[32])
{
    format_units(ms, durations, COUNT(durations) - 1, "0", out); /* 7d, not 1w */
}

void bb_format_size(uint64_t bytes, char out[32])
{
    format_units(bytes, sizes, COUNT(sizes), "0", out);
}

bool bb_value_is_name(const char *s)
{
    size_t len = strlen(s);

    return len >= 1 && len <= 63 && *s >= 'a' && *s <= 'z' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

bool bb_value_is_attribute(const char *s)
{
    size_t len = strlen(s);

    return len >= 1 && len <= 20 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789") == len;
}

/* [-+]? (\.[0-9]+ | [0-9]+(\.[0-9]*)?) ([eE][-+]?[0-9]+)?, or .inf and .nan */
static bool is_number(const char *s, const char *end)
{
    const char *p;
    size_t before = 0, after = 0, digits = 0;

    if (s < end && (*s == '-' || *s == '+'))
        s++;
    if (end - s == 4 &&
        (memcmp(s, ".inf", 4) == 0 || memcmp(s, ".Inf", 4) == 0 || memcmp(s, ".INF", 4) == 0 ||
         memcmp(s, ".nan", 4) == 0 || memcmp(s, ".NaN", 4) == 0 || memcmp(s, ".NAN", 4) == 0))
        return true;
    for (p = s; p < end && *p >= '0' && *p <= '9'; p++)
        before++;
    if (p < end && *p == '.')
        for (p++; p < end && *p >= '0' && *p <= '9'; p++)
            after++;
    if (!before && !after)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        for (; p < end && *p >= '0' && *p <= '9'; p++)
            digits++;
        if (!digits)
            return false;
    }
    return p == end;
}

enum bb_core bb_core_kind(const char *s, size_t len)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    const char *end = s + len, *p = s;
    bool b;
    size_t i;

    for (i = 0; i < COUNT(nulls); i++)
        if (strlen(nulls[i]) == len && memcmp(nulls[i], s, len) == 0)
            return BB_CORE_NULL;
    if (len <= 5 && bb_value_bool(s, &b) == 0)
        return BB_CORE_BOOL;
    if (len > 2 && s[0] == '0' && s[1] == 'o' && strspn(s + 2, "01234567") == len - 2)
        return BB_CORE_INT;
    if (len > 2 && s[0] == '0' && s[1] == 'x' && strspn(s + 2, "0123456789abcdefABCDEF") == len - 2)
        return BB_CORE_INT;
    if (*p == '-' || *p == '+')
        p++;
    if (p < end && strspn(p, "0123456789") == (size_t)(end - p))
        return BB_CORE_INT;
    return is_number(s, end) ? BB_CORE_NUMBER : BB_CORE_STR;
}
