/* odata_value.c - values between JSON (V2, V4), URL literals and the inside texts of odata.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/plant/json.h"
#include "tools/plant/odata.h"

/* Digits kept as they are, zeros at the end dropped; false: no decimal, or too many digits. */
static bool decimal_read(struct plant_mem *m, const struct odata_prop *p, const char *s, char **out)
{
    char *d = plant_mem_take(m, strlen(s) + 2);
    size_t n = 0;
    int before = 0, after = -1;
    if (*s == '-')
        d[n++] = *s++;
    while (*s == '0' && s[1] >= '0' && s[1] <= '9')
        s++;
    for (; *s; s++) {
        if (*s == '.' && after < 0) {
            after = 0;
        } else if (*s < '0' || *s > '9') {
            return false;
        } else if (after >= 0) {
            after++;
        } else {
            before++;
        }
        d[n++] = *s;
    }
    if (before == 0 || after == 0)
        return false;
    while (after > 0 && d[n - 1] == '0') {
        n--;
        after--;
    }
    if (after == 0)
        n--;
    d[n] = '\0';
    if (strcmp(d, "-0") == 0)
        d = plant_mem_copy(m, "0", 1);
    *out = d;
    return after <= p->scale && before <= p->len - p->scale;
}

/* 2026-11-28, then what the type wants of T20:15:00Z. */
static bool iso_read(struct plant_mem *m, char type, const char *s, char **out)
{
    int y, mo, d, h = 0, mi = 0, sec = 0, n = 0;
    if (type == 't') {
        if (sscanf(s, "PT%dH%dM%dS", &h, &mi, &sec) != 3 && sscanf(s, "%d:%d:%d", &h, &mi, &sec) != 3)
            return false;
        *out = plant_mem_printf(m, "%02d:%02d:%02d", h, mi, sec);
        return h >= 0 && h < 24 && mi >= 0 && mi < 60 && sec >= 0 && sec < 60;
    }
    if (sscanf(s, "%4d-%2d-%2d%n", &y, &mo, &d, &n) != 3 || mo < 1 || mo > 12 || d < 1 || d > 31)
        return false;
    if (s[n] == 'T' && sscanf(s + n, "T%2d:%2d:%2d", &h, &mi, &sec) != 3)
        return false;
    if (s[n] != 'T' && s[n] != '\0')
        return false;
    *out = type == 'D' ? plant_mem_printf(m, "%04d-%02d-%02d", y, mo, d)
                       : plant_mem_printf(m, "%04d-%02d-%02dT%02d:%02d:%02dZ", y, mo, d, h, mi, sec);
    return true;
}

/* /Date(1767225600000)/ with or without an offset in minutes, which says nothing about the instant. */
static bool ticks_read(struct plant_mem *m, char type, const char *s, char **out)
{
    char *end, text[40];
    struct tm tm;
    long long ms = strtoll(s + 6, &end, 10);
    if (*end == '+' || *end == '-')
        strtol(end + 1, &end, 10);
    time_t t = (time_t)(ms / 1000 - (ms % 1000 < 0));
    if (strcmp(end, ")/") != 0 || ms > 253402300799999 || ms < -62135596800000 || !gmtime_r(&t, &tm))
        return false;
    strftime(text, sizeof text, type == 'D' ? "%Y-%m-%d" : "%Y-%m-%dT%H:%M:%SZ", &tm);
    *out = plant_mem_printf(m, "%s", text);
    return type != 't';
}

static bool text_read(struct odata_ctx *x, const struct odata_prop *p, char *s, bool quoted, char **out)
{
    struct plant_mem *m = &x->c->mem;
    char *end;
    switch (p->type) {
    case 's':
        *out = s;
        size_t n = 0;
        for (const char *q = s; *q; q++)
            n += (*q & 0xc0) != 0x80;
        return quoted && (!p->len || n <= (size_t)p->len);
    case 'd':
        return decimal_read(m, p, s, out);
    case 'b':
        *out = s;
        return !quoted && (strcmp(s, "true") == 0 || strcmp(s, "false") == 0);
    case 'i':
        *out = plant_mem_printf(m, "%ld", strtol(s, &end, 10));
        return *s && !*end;
    default:
        if (strncmp(s, "/Date(", 6) == 0)
            return ticks_read(m, p->type, s, out);
        return iso_read(m, p->type, s, out);
    }
}

bool odata_value_read(struct odata_ctx *x, const struct odata_prop *p, struct plant_text json, char **out)
{
    char *s = plant_json_text(&x->c->mem, json);
    *out = NULL;
    if (!s)
        return !p->key;
    if (json.p[0] == '{' || json.p[0] == '[')
        return false;
    return text_read(x, p, s, json.p[0] == '"', out);
}

bool odata_literal_read(struct odata_ctx *x, const struct odata_prop *p, const char *text, char **out)
{
    const char *q = strchr(text, '\'');
    size_t n = strlen(text);
    if (!q) {
        char *s = plant_mem_copy(&x->c->mem, text, n);
        if (n && strchr("MmLlDdFf", s[n - 1]) && strchr("di", p->type))
            s[n - 1] = '\0';
        return text_read(x, p, s, false, out);
    }
    char *s = plant_mem_take(&x->c->mem, n + 1);
    size_t k = 0;
    for (const char *r = q + 1; *r; r++) { /* '' inside is one quote */
        if (*r == '\'' && r[1] != '\'')
            return r[1] == '\0' && (q == text || p->type != 's') && text_read(x, p, s, true, out);
        r += *r == '\'';
        s[k++] = *r;
    }
    return false;
}

static int64_t ticks(const char *v)
{
    struct tm tm = {0};
    int y = 1970, mo = 1, d = 1, h = 0, mi = 0, s = 0;
    sscanf(v, "%d-%d-%dT%d:%d:%d", &y, &mo, &d, &h, &mi, &s);
    tm.tm_year = y - 1900;
    tm.tm_mon = mo - 1;
    tm.tm_mday = d;
    tm.tm_hour = h;
    tm.tm_min = mi;
    tm.tm_sec = s;
    return (int64_t)timegm(&tm) * 1000;
}

void odata_value_write(const struct odata_ctx *x, struct plant_buf *b, const struct odata_prop *p, const char *v)
{
    bool v2 = x->s->version == 2;
    if (!v)
        plant_puts(b, "null");
    else if (p->type == 'b' || p->type == 'i' || (p->type == 'd' && !v2))
        plant_puts(b, v);
    else if (v2 && p->type == 'D')
        plant_putf(b, "\"\\/Date(%lld)\\/\"", (long long)ticks(v));
    else if (v2 && p->type == 'T')
        plant_putf(b, "\"\\/Date(%lld+0000)\\/\"", (long long)ticks(v));
    else if (v2 && p->type == 't')
        plant_putf(b, "\"PT%.2sH%.2sM%.2sS\"", v, v + 3, v + 6);
    else
        plant_put_json(b, v);
}
