/*
 * values.c - what people write for durations, sizes, rates and numbers
 *
 * Exact: digits and a fraction are counted in integers, never in floating point, so 0.1s is 100
 * milliseconds and 0.0001s is refused instead of rounded; results are whole numbers up to 2^53,
 * which a double holds. Pure functions, any thread.
 */
#include "core/config/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_MAX 9007199254740992.0 /* 2^53 */
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static const struct {
    struct {
        const char *name;
        uint64_t factor;
    } v[6];
    const char *none, *missing, *unknown;
} units[] = {
    [BB_UNIT_DURATION] =
        {{{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"w", 604800000}},
         "is not a duration; write 500ms, 30s, 2m, 1h or 3d",
         "has no unit; write 500ms, 30s, 2m, 1h or 3d",
         "has an unknown unit; units are ms, s, m, h, d and w"},
    [BB_UNIT_SIZE] = {{{"B", 1},
                       {"KiB", 1ull << 10},
                       {"MiB", 1ull << 20},
                       {"GiB", 1ull << 30},
                       {"TiB", 1ull << 40}},
                      "is not a size; write 65536, 64KiB, 16MiB or 2GiB",
                      NULL,
                      "has an unknown unit; units are B, KiB, MiB, GiB and TiB"},
    [BB_UNIT_RATE] = {{{"/s", 1}, {"/m", 60}, {"/h", 3600}, {"/d", 86400}},
                      "is not a rate; write 50/s, 10/m or 1000/h",
                      "has no unit; write 50/s, 10/m or 1000/h",
                      "has an unknown unit; units are /s, /m, /h and /d"},
};

/* The unit at *s, moved behind it: its factor, 0 when there is no such. */
static uint64_t unit_read(const char **s, enum bb_unit unit)
{
    size_t len = **s ? 1 + strspn(*s + 1, LETTERS) : 0, i;

    if (!len)
        return 1;
    for (i = 0; i < BB_COUNT(units[unit].v) && units[unit].v[i].name; i++)
        if (strlen(units[unit].v[i].name) == len && memcmp(units[unit].v[i].name, *s, len) == 0) {
            *s += len;
            return units[unit].v[i].factor;
        }
    return 0;
}

/* Adds digits[.digits] and their unit at *s, which is moved behind them. */
static const char *part_add(const char **s, enum bb_unit unit, double *sum)
{
    size_t whole = strspn(*s, DIGITS);
    size_t part = (*s)[whole] == '.' ? strspn(*s + whole + 1, DIGITS) : 0;
    uint64_t v = 0, factor;
    const char *p = *s;

    if (!whole || ((*s)[whole] == '.' && !part))
        return units[unit].none;
    for (*s += whole + part + (part > 0); p < *s; p++)
        if (*p != '.' && (__builtin_mul_overflow(v, 10u, &v) ||
                          __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v)))
            return "has too many digits";
    *s += unit == BB_UNIT_SIZE ? strspn(*s, " ") : 0;
    if (!**s && units[unit].missing)
        return units[unit].missing;
    if (!(factor = unit_read(s, unit)))
        return units[unit].unknown;
    if (unit == BB_UNIT_RATE) {
        for (*sum = (double)v / (double)factor; part; part--)
            *sum /= 10;
        return NULL;
    }
    if (__builtin_mul_overflow(v, factor, &v))
        return "is too large";
    for (; part; part--, v /= 10)
        if (v % 10)
            return "is too fine: not a whole number of the smallest unit";
    *sum += (double)v;
    return *sum > EXACT_MAX ? "is too large" : NULL;
}

const char *bb_value_read(const char *s, enum bb_unit unit, double *v)
{
    const char *why;

    *v = 0;
    if (unit == BB_UNIT_DURATION && strcmp(s, "0") == 0)
        return NULL;
    do
        why = part_add(&s, unit, v);
    while (!why && *s && unit == BB_UNIT_DURATION); /* 1h30m */
    return !why && *s ? units[unit].unknown : why;
}

char *bb_value_format(double v, enum bb_unit unit, char out[32])
{
    uint64_t u = v > 0 && v < EXACT_MAX ? (uint64_t)v : 0;
    size_t i = unit == BB_UNIT_DURATION ? 4 : 5; /* 7d, not 1w */

    if (unit == BB_UNIT_RATE)
        snprintf(out, 32, v < 1 ? "%.15g/d" : "%.15g/s", v < 1 ? v * 86400 : v);
    else if (unit == BB_UNIT_NONE || u == 0)
        snprintf(out, 32, "%.15g", v);
    else {
        while (i > 0 && (!units[unit].v[i].name || u % units[unit].v[i].factor))
            i--;
        snprintf(out, 32, "%" PRIu64 "%s", u / units[unit].v[i].factor, units[unit].v[i].name);
    }
    return out;
}

/* [-+]? (\.[0-9]+ | [0-9]+(\.[0-9]*)?) ([eE][-+]?[0-9]+)?, or .inf and .nan */
static bool is_number(const char *s)
{
    static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
    size_t i, before, after = 0;

    s += *s == '-' || *s == '+';
    for (i = 0; i < BB_COUNT(words); i++)
        if (strcmp(s, words[i]) == 0)
            return true;
    s += before = strspn(s, DIGITS);
    if (*s == '.')
        s += 1 + (after = strspn(s + 1, DIGITS));
    if (before + after && (*s == 'e' || *s == 'E')) {
        s += s[1] == '-' || s[1] == '+' ? 2 : 1;
        if (*s)
            s += strspn(s, DIGITS);
        else
            return false;
    }
    return before + after && !*s;
}

unsigned bb_value_type(const char *s)
{
    static const struct {
        const char *word;
        unsigned type;
    } words[] = {{"", BB_TYPE_NULL},      {"~", BB_TYPE_NULL},    {"null", BB_TYPE_NULL},
                 {"Null", BB_TYPE_NULL},  {"NULL", BB_TYPE_NULL}, {"true", BB_TYPE_BOOL},
                 {"True", BB_TYPE_BOOL},  {"TRUE", BB_TYPE_BOOL}, {"false", BB_TYPE_BOOL},
                 {"False", BB_TYPE_BOOL}, {"FALSE", BB_TYPE_BOOL}};
    const char *p = s + (*s == '-' || *s == '+');
    size_t i;

    for (i = 0; i < BB_COUNT(words); i++)
        if (strcmp(s, words[i].word) == 0)
            return words[i].type;
    if (s[0] == '0' && (s[1] == 'o' || s[1] == 'x') && s[2] &&
        !s[2 + strspn(s + 2, s[1] == 'o' ? "01234567" : DIGITS "abcdefABCDEF")])
        return BB_TYPE_INT;
    if (*p && !p[strspn(p, DIGITS)])
        return BB_TYPE_INT;
    return is_number(s) ? BB_TYPE_NUM : BB_TYPE_STR;
}

/* In JSON's grammar, which is narrower than YAML's: +.5 is 0.5, 1. is 1. A leading zero is refused,
 * because in a plant it is nearly always a code (0010) whose quotes were forgotten. */
const char *bb_value_put(struct bb_buf *b, const char *s)
{
    const char *p = s + (*s == '-' || *s == '+');
    char num[4096];
    size_t n = 0;
    uint64_t v;

    if (!(bb_value_type(s) & (BB_TYPE_INT | BB_TYPE_NUM)))
        return "is not a number";
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'o')) {
        v = strlen(p) > 18 ? UINT64_MAX : strtoull(p + 2, NULL, p[1] == 'x' ? 16 : 8);
        bb_put_uint(b, v);
        return strlen(p) > 18 ? "is too large" : NULL;
    }
    if (p[0] == '0' && p[1] >= '0' && p[1] <= '9')
        return "starts with a zero: put a code in quotes, drop the zero of a number";
    if (p[0] == '.' && (p[1] < '0' || p[1] > '9'))
        return "is not a number that can be carried";
    if (strlen(s) + 2 > sizeof(num))
        return "is too long for a number";
    if (*s == '-' && strcmp(p, "0") != 0)
        num[n++] = '-';
    if (*p == '.')
        num[n++] = '0';
    for (; *p; p++)
        if (*p != '.' || (p[1] >= '0' && p[1] <= '9'))
            num[n++] = *p;
    bb_put_decimal(b, num, n);
    return NULL;
}

const char *bb_config_duration(const char *text, uint64_t *ms)
{
    double v;
    const char *why = bb_value_read(text, BB_UNIT_DURATION, &v);

    *ms = why || v < 0 ? 0 : (uint64_t)v;
    return why;
}
