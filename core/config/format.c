/*
 * format.c - what a text must look like: the formats and patterns that a key may name
 *
 * Each check says what is wrong behind the quoted value: `"ftp://h" is not ...`. Patterns come from
 * manifests, which may be anything: no repetition counts and no references back, so that neither
 * compiling nor matching one can take long or much memory. Pure functions, any thread.
 */
#include "core/config/internal.h"

#include <arpa/inet.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define PATTERN_MAX 256
#define MATCHED_MAX 4096

const struct bb_choice bb_formats[] = {{"duration", BB_F_DURATION}, {"size", BB_F_SIZE},
                                       {"secret", BB_F_SECRET},     {"pointer", BB_F_POINTER},
                                       {"uri", BB_F_URI},           {"http-url", BB_F_HTTP_URL},
                                       {"path", BB_F_PATH},         {"uint-list", BB_F_UINT_LIST},
                                       {"address", BB_F_ADDRESS},   {NULL, 0}};

static const char *check_pointer(const char *s)
{
    if (*s && *s != '/')
        return "is not a JSON pointer: it starts with \"/\"";
    for (; (s = strchr(s, '~')); s++)
        if (s[1] != '0' && s[1] != '1')
            return "is not a JSON pointer: \"~\" is written ~0, \"/\" in a key ~1";
    return NULL;
}

/* "scheme:" and no blank; a password in it would end up in every log. */
static const char *check_uri(const char *s, bool *hide)
{
    size_t scheme = strspn(s, LOWER UPPER DIGITS "+.-"), end;
    const char *at, *p;

    for (p = s; *p; p++)
        if ((unsigned char)*p <= ' ')
            return "is not a URI: it holds blanks";
    if (!scheme || s[scheme] != ':' || !s[scheme + 1])
        return "is not a URI, such as https://host/path";
    if (strncmp(s + scheme, "://", 3) != 0)
        return NULL;
    s += scheme + 3;
    end = strcspn(s, "/?#");
    at = memchr(s, '@', end);
    *hide = at && memchr(s, ':', (size_t)(at - s));
    return *hide ? "a URI may not hold a password: give it as a secret of its own" : NULL;
}

static const char *check_http_url(const char *s, bool *hide)
{
    const char *why = check_uri(s, hide);
    size_t n = strncasecmp(s, "http://", 7) == 0 ? 7 : strncasecmp(s, "https://", 8) == 0 ? 8 : 0;

    if (!why && (!n || strcspn(s + n, "/?#:") == 0))
        why = "is not a URL that begins with http:// or https:// and a host";
    return why;
}

/* "127.0.0.1:8080", "[::1]:8080", ":8080": numbers, because nothing is looked up. */
static const char *check_address(const char *s)
{
    static const char why[] = "is not an address: write 127.0.0.1:8080, [::1]:8080 or :8080";
    const char *colon = strrchr(s, ':');
    char host[80];
    unsigned char ip[16];
    size_t n = colon ? (size_t)(colon - s) : 0, digits;
    bool v6 = n >= 2 && s[0] == '[' && s[n - 1] == ']';

    if (!colon || n >= sizeof(host))
        return why;
    memcpy(host, s + v6, n - (v6 ? 2 : 0));
    host[n - (v6 ? 2 : 0)] = 0;
    digits = strspn(colon + 1, DIGITS);
    if ((n && inet_pton(v6 ? AF_INET6 : AF_INET, host, ip) != 1) || !digits || digits > 5 ||
        colon[1 + digits])
        return why;
    return strtoul(colon + 1, NULL, 10) > 65535 ? "is not an address: a port is at most 65535"
                                                : NULL;
}

static bool is_word(const char *s, size_t max, const char *first, const char *rest)
{
    size_t len = strlen(s);

    return len >= 1 && len <= max && strchr(first, *s) && strspn(s, rest) == len;
}

const char *bb_format_check(enum bb_format format, const char *text, bool *hide)
{
    switch (format) {
    case BB_F_POINTER:
        return check_pointer(text);
    case BB_F_URI:
        return check_uri(text, hide);
    case BB_F_HTTP_URL:
        return check_http_url(text, hide);
    case BB_F_ADDRESS:
        return check_address(text);
    case BB_F_PATH:
        return *text ? NULL : "is an empty path";
    case BB_F_NAME:
        return is_word(text, 63, LOWER, LOWER DIGITS "-")
                   ? NULL
                   : "is not a name: a letter, then up to 62 of a-z, 0-9 and -";
    case BB_F_ATTRIBUTE:
        return is_word(text, 20, LOWER DIGITS, LOWER DIGITS)
                   ? NULL
                   : "is not the name of an attribute: 1 to 20 of a-z and 0-9";
    case BB_F_PREFIX:
        if (!*text)
            return "matches nothing: it is empty";
        return text[strcspn(text, "*")] && text[strcspn(text, "*") + 1]
                   ? "is no prefix: \"*\" may only stand at the end: \"mfg.bom.*\""
                   : NULL;
    case BB_F_CONNECTOR: /* wider than a name, because a vendor may want a dot in it */
        return is_word(text, 63, LOWER, LOWER DIGITS "-_.")
                   ? NULL
                   : "is not a connector's id: a letter, then a-z, 0-9, \"-\", \"_\" and \".\"";
    default:
        return NULL;
    }
}

const char *bb_pattern_check(const char *pattern, const char *text)
{
    const char *why = NULL, *p;
    regex_t re;

    if (strlen(pattern) > PATTERN_MAX || strchr(pattern, '{'))
        return "is not a pattern: at most 256 bytes and no {}";
    for (p = pattern; (p = strchr(p, '\\')); p += 2)
        if (!p[1] || (p[1] >= '0' && p[1] <= '9'))
            return "is not a pattern: it refers back";
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return "is not a POSIX extended regular expression";
    if (text && (strlen(text) > MATCHED_MAX || regexec(&re, text, 0, NULL, 0) != 0))
        why = "is not as it has to be";
    regfree(&re);
    return why;
}
