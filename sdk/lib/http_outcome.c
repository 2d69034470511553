/*
 * http_outcome.c - what an HTTP answer means for the message: one table
 *
 * The rule behind the rows: RETRY and DOWN assert that the request was surely not applied. After
 * the request went out, only an answer that says so may give them; a lost answer or a server that
 * failed midway is UNKNOWN, unless sending the same again does no harm.
 *
 * Thread: any. Memory: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <busbar/http.h>
#include <busbar/web.h>

#define RETRY_AFTER_MAX_MS 86400000u

static const struct bb_http_rule builtin[] = {
    {200, 299, BB_OK, BB_OK},
    /* a redirect is not followed: the address in the config is wrong for every message */
    {300, 399, BB_E_DOWN, BB_E_DOWN},
    /* no credentials, or ones that ran out: every message would be refused */
    {401, 401, BB_E_DOWN, BB_E_DOWN},
    {407, 407, BB_E_DOWN, BB_E_DOWN},
    /* the server did not get or did not take the whole request */
    {408, 408, BB_E_RETRY, BB_E_RETRY},
    {421, 421, BB_E_RETRY, BB_E_RETRY},
    {425, 425, BB_E_RETRY, BB_E_RETRY},
    {429, 429, BB_E_RETRY, BB_E_RETRY},
    /* 403, 404, 409, 412, 413, 422, 428 and the rest: this message is refused */
    {400, 499, BB_E_REJECT, BB_E_REJECT},
    {501, 501, BB_E_REJECT, BB_E_REJECT},
    {503, 503, BB_E_RETRY, BB_E_RETRY},
    {505, 505, BB_E_REJECT, BB_E_REJECT},
    {500, 599, BB_E_UNKNOWN, BB_E_RETRY},
    {BB_HTTP_E_LOCAL, BB_HTTP_E_LOCAL, BB_E_RETRY, BB_E_RETRY},
    {BB_HTTP_E_DNS, BB_HTTP_E_TLS, BB_E_DOWN, BB_E_DOWN},
    {BB_HTTP_E_TIMEOUT, BB_HTTP_E_CANCELLED, BB_E_UNKNOWN, BB_E_RETRY},
    {BB_HTTP_E_AUTH, BB_HTTP_E_AUTH, BB_E_DOWN, BB_E_DOWN},
    {0, UINT16_MAX, BB_E_UNKNOWN, BB_E_UNKNOWN},
};

static const struct {
    const char *name;
    uint16_t code;
} causes[] = {
    {"dns", BB_HTTP_E_DNS},         {"connect", BB_HTTP_E_CONNECT}, {"tls", BB_HTTP_E_TLS},
    {"timeout", BB_HTTP_E_TIMEOUT}, {"broken", BB_HTTP_E_BROKEN},   {"auth", BB_HTTP_E_AUTH},
};
static const struct {
    const char *name;
    bb_status status;
} results[] = {
    {"ok", BB_OK},          {"retry", BB_E_RETRY},     {"reject", BB_E_REJECT},
    {"down", BB_E_DOWN},    {"unknown", BB_E_UNKNOWN},
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

bb_status bb_http_outcome(const struct bb_http_outcomes *own, unsigned code, int repeatable)
{
    const struct bb_http_rule *r;

    for (size_t k = 0; own && k < own->n; k++) {
        r = &own->v[k];
        if (code >= r->from && code <= r->to)
            return repeatable ? r->again : r->once;
    }
    for (r = builtin; code < r->from || code > r->to;)
        r++; /* the last row holds every code */
    return repeatable ? r->again : r->once;
}

/* "409", "5xx" or a cause's name to a range: 0, -1. */
static int range_read(struct bb_bytes key, struct bb_http_rule *r)
{
    const char *p = key.ptr;

    for (size_t k = 0; k < COUNT(causes); k++)
        if (bb_str_is(key, causes[k].name)) {
            r->from = r->to = causes[k].code;
            return 0;
        }
    if (key.len != 3 || p[0] < '1' || p[0] > '5')
        return -1;
    if (strncasecmp(p + 1, "xx", 2) == 0) {
        r->from = (uint16_t)((p[0] - '0') * 100);
        r->to = (uint16_t)(r->from + 99);
        return 0;
    }
    if (p[1] < '0' || p[1] > '9' || p[2] < '0' || p[2] > '9')
        return -1;
    r->from = r->to = (uint16_t)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
    return 0;
}

static int rule_read(struct bb_bytes key, struct bb_bytes value, struct bb_http_rule *r)
{
    struct bb_bytes word;

    if (range_read(key, r) != 0 || bb_as_str(value, &word) != 1)
        return -1;
    for (size_t k = 0; k < COUNT(results); k++)
        if (bb_str_is(word, results[k].name)) {
            r->once = r->again = results[k].status;
            return 0;
        }
    return -1;
}

int bb_http_outcomes_read(struct bb_bytes conf, struct bb_http_outcomes *out, struct bb_error *err)
{
    struct bb_iter it;
    struct bb_bytes key, value;
    struct bb_http_rule r;

    out->n = 0;
    if (!bb_iter_of(conf, &it) || !it.map || it.n > BB_HTTP_RULES_MAX) {
        bb_error_set(err, BB_E_CONFIG, "outcomes: a map of at most %d entries, such as "
                                       "{\"409\": ok, \"5xx\": retry}", BB_HTTP_RULES_MAX);
        return -1;
    }
    while (bb_iter_next(&it, &key, &value)) {
        if (rule_read(key, value, &r) != 0) {
            bb_error_set(err, BB_E_CONFIG,
                         "outcomes: \"%.*s\": a key is a status (\"409\"), a class (\"5xx\") or "
                         "dns, connect, tls, timeout, broken, auth; a value is ok, retry, "
                         "reject, down or unknown", (int)(key.len > 40 ? 40 : key.len), (const char *)key.ptr);
            return -1;
        }
        /* single codes first: they are exceptions to their class */
        size_t at = out->n++;
        if (r.from == r.to && at) {
            memmove(out->v + 1, out->v, at * sizeof(r));
            at = 0;
        }
        out->v[at] = r;
    }
    return 0;
}

uint32_t bb_http_retry_after(struct bb_bytes value, int64_t now_s)
{
    char text[64];
    const char *p = value.ptr;
    uint64_t ms;
    size_t n = value.len, k = 0;

    while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
        n--;
    while (n && (*p == ' ' || *p == '\t'))
        p++, n--;
    if (!n || n >= sizeof text)
        return 0;
    memcpy(text, p, n);
    text[n] = 0;
    for (ms = 0; k < n && text[k] >= '0' && text[k] <= '9'; k++)
        if (ms <= RETRY_AFTER_MAX_MS)
            ms = ms * 10 + (uint64_t)(text[k] - '0');
    if (k == n) {
        ms = ms > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : ms * 1000;
    } else {
        int64_t when;
        if (bb_date_http_read(bb_str(text), &when) != 0 || when <= now_s)
            return 0;
        ms = (uint64_t)(when - now_s);
        ms = ms > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : ms * 1000;
    }
    return (uint32_t)ms;
}
