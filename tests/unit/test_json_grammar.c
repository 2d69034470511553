/*
 * test_json_grammar.c - all short texts of an alphabet, read, and judged by the grammar itself
 *
 * The recogniser here is RFC 8259's ABNF, a function a production, with no speed in mind and no
 * line in common with the reader. For each alphabet every text up to a length goes through both:
 * the reader accepts exactly what the productions derive. None of these texts is long enough to
 * name a member twice, to nest too deep or to be too long a number.
 */
#include "json_rig.h"
#include <stdbool.h>

/* ---- the grammar: each returns the end of what it derives from p on, or NULL
 * ------------------------ */
typedef const unsigned char *text_at;
static text_at value(text_at p, text_at end);

static text_at ws(text_at p, text_at end)
{
    while (p < end && (*p == 0x20 || *p == 0x09 || *p == 0x0a || *p == 0x0d))
        p++;
    return p;
}

static text_at one(text_at p, text_at end, const char *any)
{
    return p && p < end && *p && strchr(any, *p) ? p + 1 : NULL;
}

static text_at structural(text_at p, text_at end, const char *c) /* ws, the character, ws */
{
    p = p ? one(ws(p, end), end, c) : NULL;
    return p ? ws(p, end) : NULL;
}

static text_at digits(text_at p, text_at end) /* 1*DIGIT */
{
    text_at q = one(p, end, "0123456789");
    for (text_at more = q; more; more = one(more, end, "0123456789"))
        q = more;
    return q;
}

static text_at number(text_at p, text_at end) /* [ minus ] int [ frac ] [ exp ] */
{
    text_at q = one(p, end, "-");
    p = q ? q : p;
    q = one(p, end, "0");
    if (!q)
        q = one(p, end, "123456789") ? digits(p, end) : NULL;
    if (!q)
        return NULL;
    if ((p = one(q, end, ".")) && (p = digits(p, end)))
        q = p;
    if ((p = one(q, end, "eE"))) {
        text_at sign = one(p, end, "+-");
        p = digits(sign ? sign : p, end);
        q = p ? p : q;
    }
    return q;
}

static text_at hex4(text_at p, text_at end, unsigned *v)
{
    *v = 0;
    for (int i = 0; i < 4; i++) {
        static const char set[] = "0123456789abcdef0123456789ABCDEF";
        if (!p || p >= end || !*p || !strchr(set, *p))
            return NULL;
        *v = *v * 16 + (unsigned)(strchr(set, *p++) - set) % 16;
    }
    return p;
}

static text_at escape(text_at p, text_at end) /* what follows the reverse solidus */
{
    unsigned high, low;
    text_at q = one(p, end, "\"\\/bfnrt");
    if (q)
        return q;
    p = hex4(one(p, end, "u"), end, &high);
    if (!p || high < 0xd800 || high > 0xdfff)
        return p;
    if (high >
        0xdbff) /* section 7: beyond the first plane as a pair; half of one is no character */
        return NULL;
    p = hex4(one(one(p, end, "\\"), end, "u"), end, &low);
    return p && low >= 0xdc00 && low <= 0xdfff ? p : NULL;
}

static text_at utf8(text_at p, text_at end) /* one character: RFC 3629, section 4 */
{
    static const struct {
        unsigned char from, to, second_from, second_to;
        int tail;
    } rows[] = {
        {0x00, 0x7f, 0, 0, 0},       {0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2},
        {0xe1, 0xec, 0x80, 0xbf, 2}, {0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2},
        {0xf0, 0xf0, 0x90, 0xbf, 3}, {0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3}};
    for (int i = 0; i < COUNT(rows); i++) {
        if (*p < rows[i].from || *p > rows[i].to)
            continue;
        if (end - p <= rows[i].tail)
            return NULL;
        for (int k = 1; k <= rows[i].tail; k++)
            if (p[k] < (k == 1 ? rows[i].second_from : 0x80) ||
                p[k] > (k == 1 ? rows[i].second_to : 0xbf))
                return NULL;
        return p + 1 + rows[i].tail;
    }
    return NULL;
}

static text_at string(text_at p, text_at end)
{
    for (p = one(p, end, "\""); p && p < end && *p != '"';) {
        if (*p == '\\')
            p = escape(p + 1, end);
        else
            p = *p < 0x20 ? NULL : utf8(p, end);
    }
    return one(p, end, "\"");
}

static text_at members(text_at p, text_at end, bool object)
{
    text_at q = structural(p, end, object ? "{" : "["), close;
    if (!q)
        return NULL;
    if ((close = one(q, end, object ? "}" : "]")))
        return close;
    do {
        if (object)
            q = structural(string(q, end), end, ":");
        q = q ? value(q, end) : NULL;
        if (!q)
            return NULL;
        if ((close = one(ws(q, end), end, object ? "}" : "]")))
            return close;
    } while ((q = structural(q, end, ",")));
    return NULL;
}

static text_at value(text_at p, text_at end)
{
    static const char *const names[] = {"false", "null", "true"};
    for (int i = 0; i < COUNT(names); i++)
        if ((size_t)(end - p) >= strlen(names[i]) && memcmp(p, names[i], strlen(names[i])) == 0)
            return p + strlen(names[i]);
    if (p < end && (*p == '{' || *p == '['))
        return members(p, end, *p == '{');
    return p < end && *p == '"' ? string(p, end) : number(p, end);
}

static bool is_json(const unsigned char *p, size_t n) /* JSON-text = ws value ws */
{
    text_at q = value(ws(p, p + n), p + n);
    return q && ws(q, p + n) == p + n;
}

/* ---- every text of an alphabet
 * ----------------------------------------------------------------------- */
struct alphabet {
    const char *name, *before, *after; /* what stands around each text */
    const char *letters;
    size_t n;
    int longest;
};
#define LETTERS(s) s, sizeof(s) - 1
static const struct alphabet alphabets[] = {
    {"structure", "", "", LETTERS("[]{},:\"0 "), 6},
    {"structure in an array", "[", "]", LETTERS("[]{},:\"0"), 6},
    {"members", "{\"member\":0,\"", "}", LETTERS("a\",: {}0"), 6},
    {"numbers", "", "", LETTERS("-+.0e1E"), 7},
    {"numbers in an array", "[", "]", LETTERS("-.0e9+,"), 6},
    {"literals", "", "", LETTERS("truefalsn "), 5},
    {"literals in an object", "{\"k\":tr", "}", LETTERS("ue, lT0"), 5},
    {"blanks", "", "",
     LETTERS("\t\n\v\f\r \0\x1f\x7f\x85\xa0"
             "7[]"),
     4},
    {"strings", "\"", "\"", LETTERS("\"\\u0nD8/ \x01\x1f"), 5},
    {"escapes", "\"\\u", "\"", LETTERS("0dDfFg\"\\ "), 5},
    {"second halves", "\"\\uD8ab\\", "\"", LETTERS("uUdDcCF09"), 5},
    {"UTF-8", "\"", "\"",
     LETTERS("\x20\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3"
             "\xf4\xf5\xff"),
     4},
    {"UTF-8 cut off", "\"", "", LETTERS("\"\x80\x90\xa0\xbf\xc2\xe0\xed\xf0\xf4"), 5},
};

START_TEST(all_texts)
{
    const struct alphabet *a = &alphabets[_i];
    size_t pre = strlen(a->before), post = strlen(a->after), good = 0, bad = 0;

    for (int len = 0; len <= a->longest; len++) {
        size_t at[8] = {0}, n = pre + (size_t)len + post;
        unsigned char *s =
            malloc(n ? n : 1); /* no byte behind it: a sanitizer sees a read past it */
        ck_assert_ptr_nonnull(s);
        memcpy(s, a->before, pre);
        memcpy(s + pre + len, a->after, post);
        for (;;) {
            for (int i = 0; i < len; i++)
                s[pre + (size_t)i] = (unsigned char)a->letters[at[i]];
            bool should = is_json(s, n);
            bb_buf_reset(&out);
            if ((bb_json_read((struct bb_bytes){s, n}, &out, &fault) == 0) != should)
                ck_abort_msg("%s: \"%.*s\" %s", a->name, (int)n, (char *)s,
                             should ? fault.text : "was accepted");
            good += should;
            bad += !should;
            int i = 0;
            while (i < len && ++at[i] == a->n)
                at[i++] = 0;
            if (i == len)
                break;
        }
        free(s);
    }
    ck_assert_uint_gt(good,
                      0); /* an alphabet that makes no good texts, or no bad ones, shows nothing */
    ck_assert_uint_gt(bad, 0);
    if (getenv("BUSBAR_TEST_VERBOSE"))
        fprintf(stderr, "%s: %zu texts derived, %zu not\n", a->name, good, bad);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("grammar");

    tcase_add_loop_test(t, all_texts, 0, COUNT(alphabets));
    return run_case(t);
}
