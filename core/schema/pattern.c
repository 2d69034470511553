/*
 * pattern.c - regular expressions of ECMA 262, run by PCRE2
 *
 * The two languages differ in places; the text is rewritten so that PCRE2 means what ECMA 262 says:
 *   $      the very end, not before a last newline             (an option of PCRE2)
 *   \d \w \b  ASCII                                            (PCRE2's default)
 *   \s \S  Unicode's spaces and U+FEFF too                     rewritten to a class
 *   .      all but LF, CR, U+2028, U+2029                      rewritten to a class
 *   \p{Letter}, \p{Script=Greek}: long names                   rewritten to PCRE2's short ones
 *   [ inside a class is itself                                 escaped, so no [:alpha:]
 *   \uXXXX, \u{...}, [], [^], \1 before its group              (options of PCRE2)
 *   \A \Z \Q \K (*...) (?R) (?i) and all else that only PCRE2 knows: refused
 * A match has a limit of steps, so that (a+)+$ costs a fault and not a minute.
 *
 * Thread: a compiled pattern is read-only; what a match needs belongs to the run.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/schema/internal.h"

#include <pcre2.h>
#include <stdio.h>

#define PATTERN_MAX 4096
#define REWRITTEN_MAX (PATTERN_MAX * 24)
#define SPACES "\\u{9}-\\u{d}\\u{20}\\u{a0}\\u{1680}\\u{2000}-\\u{200a}\\u{2028}\\u{2029}" \
    "\\u{202f}\\u{205f}\\u{3000}\\u{feff}"

struct rewrite {
    const char *s;
    size_t at, len;
    bool in_class;
    struct bb_buf out;
    const char *why;
};

static void put(struct rewrite *w, const char *text)
{
    bb_buf_put(&w->out, text, strlen(text));
}

static char peek(const struct rewrite *w, size_t ahead)
{
    return w->at + ahead < w->len ? w->s[w->at + ahead] : '\0';
}

static bool refuse(struct rewrite *w, const char *why)
{
    w->why = why;
    return false;
}

/* \p{Name}: at is at the p. */
static bool property_put(struct rewrite *w)
{
    static const struct {
        const char *name, *is;
    } names[] = {{"Letter", "L"}, {"digit", "Nd"}, {"Decimal_Number", "Nd"}, {"Number", "N"},
                 {"Uppercase_Letter", "Lu"}, {"Lowercase_Letter", "Ll"}, {"Alphabetic", "L"},
                 {"Titlecase_Letter", "Lt"}, {"Modifier_Letter", "Lm"}, {"Other_Letter", "Lo"},
                 {"Letter_Number", "Nl"}, {"Other_Number", "No"}, {"Mark", "M"}, {"punct", "P"},
                 {"Nonspacing_Mark", "Mn"}, {"Spacing_Mark", "Mc"}, {"Enclosing_Mark", "Me"},
                 {"Punctuation", "P"}, {"Symbol", "S"}, {"Math_Symbol", "Sm"}, {"Separator", "Z"},
                 {"Currency_Symbol", "Sc"}, {"Space_Separator", "Zs"}, {"Other", "C"},
                 {"Control", "Cc"}, {"cntrl", "Cc"}, {"Format", "Cf"}};
    const char *end, *name = w->s + w->at + 2;
    char text[64];
    size_t i, n;

    if (peek(w, 1) != '{' || !(end = memchr(name, '}', w->len - w->at - 2)))
        return refuse(w, "\\p and \\P take a property in braces, \\p{L}");
    n = (size_t)(end - name);
    for (i = 0; i < n; i++)
        if (name[i] == '=') { /* Script=Greek, General_Category=Lu */
            name += i + 1;
            n -= i + 1;
            break;
        }
    snprintf(text, sizeof(text), "%.*s", (int)(n < 60 ? n : 60), name);
    for (i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(text, names[i].name) == 0)
            snprintf(text, sizeof(text), "%s", names[i].is);
    put(w, w->s[w->at] == 'p' ? "\\p{" : "\\P{");
    put(w, text);
    put(w, "}");
    w->at = (size_t)(end - w->s) + 1;
    return true;
}

/* at is at a backslash. */
static bool escape_put(struct rewrite *w)
{
    char c = peek(w, 1), text[3] = {'\\', c, 0};

    w->at++;
    if (!c)
        return refuse(w, "nothing after the last backslash");
    if (c == 'p' || c == 'P')
        return property_put(w);
    if (c == 's') {
        put(w, w->in_class ? SPACES : "[" SPACES "]");
    } else if (c == 'S' && !w->in_class) {
        put(w, "[^" SPACES "]");
    } else if (c == 'c') {
        text[0] = peek(w, 1);
        if (!((text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'z'))
            return refuse(w, "\\c takes a letter");
        snprintf(text, sizeof(text), "%c", text[0]);
        put(w, "\\c");
        put(w, text);
        w->at++;
    } else if (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !strchr("dDwWSbBfnrtvxuk", c)) {
        return refuse(w, "there is no such escape in ECMA 262's expressions");
    } else {
        put(w, (unsigned char)c < 0x80 ? text : "");
        if ((unsigned char)c >= 0x80)
            return true; /* an escaped character of more bytes: itself */
    }
    w->at++;
    return true;
}

static bool group_put(struct rewrite *w)
{
    char a = peek(w, 2), b = peek(w, 3);

    if (peek(w, 1) == '*')
        return refuse(w, "nothing to repeat");
    if (peek(w, 1) == '?' && !strchr(":=!", a) && !(a == '<' && b != '\0'))
        return refuse(w, "a group begins with (?: (?= (?! (?<= (?<! or (?<name>");
    put(w, "(");
    w->at++;
    return true;
}

static bool one_put(struct rewrite *w)
{
    char c = w->s[w->at], text[2] = {c, 0};

    if (c == '\\')
        return escape_put(w);
    if (!w->in_class && c == '(')
        return group_put(w);
    if (!w->in_class && c == '.') {
        put(w, "[^\\n\\r\\u{2028}\\u{2029}]");
    } else if (w->in_class && c == '[') {
        put(w, "\\[");
    } else {
        if (c == '[') {
            w->in_class = true;
        } else if (c == ']' && w->in_class) {
            w->in_class = false;
        }
        bb_buf_put(&w->out, text, 1);
    }
    w->at++;
    return true;
}

int bb_spattern_compile(struct bb_spattern *p, struct bb_bytes text, size_t *offset, char why[200])
{
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_NEVER_BACKSLASH_C |
                       PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF;
    struct rewrite w = {.s = text.ptr, .len = text.len};
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    PCRE2_SIZE at = 0;
    int code = 0;

    bb_buf_init(&w.out, REWRITTEN_MAX);
    if (text.len > PATTERN_MAX)
        refuse(&w, "it is longer than 4096 bytes");
    else
        while (w.at < w.len && one_put(&w))
            ;
    *offset = w.at;
    if (w.why) {
        snprintf(why, 200, "%s", w.why);
    } else if (context && !w.out.failed) {
        pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
        p->code = pcre2_compile(w.out.ptr ? w.out.ptr : (PCRE2_SPTR) "", w.out.len, options, &code,
                                &at, context);
        if (p->code)
            pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); /* without it: slower, no more */
        else
            pcre2_get_error_message(code, (PCRE2_UCHAR *)why, 200);
        *offset = at < text.len ? at : text.len; /* of the rewritten text: near enough */
    } else {
        snprintf(why, 200, "not enough memory");
    }
    pcre2_compile_context_free(context);
    bb_buf_free(&w.out);
    return p->code ? 0 : -1;
}

void bb_spattern_free(struct bb_spattern *p)
{
    pcre2_code_free(p->code);
}

int bb_spattern_match(const struct bb_spattern *p, struct bb_bytes s, void *data, void *context)
{
    uint32_t options = bb_text_high(s.ptr, s.len) ? 0 : PCRE2_NO_UTF_CHECK;
    int rc = pcre2_match(p->code, s.ptr, s.len, 0, options, data, context);

    return rc >= 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : -1;
}
