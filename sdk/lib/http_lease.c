/*
 * http_lease.c - a CSRF session: token and cookies of one answer, used together
 *
 * Fetched by a GET with `x-csrf-token: Fetch`, by one call at a time; writes wait for it, reads carry
 * its cookies when it is there. All cookies of that answer, whatever their names, belong to it; what
 * later answers set is not mixed in. Refused once (403, x-csrf-token: Required): fetched anew. After a
 * fetch that failed there is none before a pause, which grows.
 *
 * Thread: the client's. Memory: the lease is the client's; token and cookies are wiped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include "http_call.h"

#define COOKIES_MAX 32
#define COOKIE_BYTES_MAX 16384
#define TOKEN_BYTES_MAX 4096

struct http_lease {
    struct bb_buf token, cookies; /* cookies: as the header has them, "a=1; b=2" */
    unsigned gen;                 /* rises with each that was got */
    int good, fetching;
    unsigned failures;
    int64_t again_ms;
    char why[200];
};

int http_lease_new(struct bb_http *c)
{
    if (!c->conf.csrf_path)
        return 0;
    c->lease = calloc(1, sizeof *c->lease);
    if (!c->lease)
        return -1;
    bb_buf_init(&c->lease->token, TOKEN_BYTES_MAX);
    bb_buf_init(&c->lease->cookies, COOKIE_BYTES_MAX);
    return 0;
}

static void empty(struct http_lease *l)
{
    if (l->token.ptr)
        explicit_bzero(l->token.ptr, l->token.cap);
    if (l->cookies.ptr)
        explicit_bzero(l->cookies.ptr, l->cookies.cap);
    bb_buf_reset(&l->token);
    bb_buf_reset(&l->cookies);
    l->good = 0;
}

void http_lease_free(struct bb_http *c)
{
    if (!c->lease)
        return;
    empty(c->lease);
    bb_buf_free(&c->lease->token);
    bb_buf_free(&c->lease->cookies);
    free(c->lease);
    c->lease = NULL;
}

/* ---- fetching ---------------------------------------------------------------------------------- */
/* "name=value" of a Set-Cookie line; one that is being deleted or is no cookie: nothing. */
static size_t cookie_len(const char *line)
{
    size_t n = strcspn(line, ";");
    const char *eq = memchr(line, '=', n);

    while (n && (line[n - 1] == ' ' || line[n - 1] == '\t'))
        n--;
    return eq && eq != line && !strcasestr(line + n, "max-age=0") ? n : 0;
}

static void cookies_take(struct http_lease *l, const struct bb_http_answer *a)
{
    struct curl_header *h;

    for (size_t k = 0; k < COOKIES_MAX &&
                       curl_easy_header(a->easy, "Set-Cookie", k, CURLH_HEADER, -1, &h) == CURLHE_OK; k++) {
        size_t n = cookie_len(h->value);
        if (n && l->cookies.len)
            bb_buf_put(&l->cookies, "; ", 2);
        bb_buf_put(&l->cookies, h->value, n);
    }
}

static void failed(struct http_lease *l, uint32_t wish_ms, const char *why)
{
    int64_t pause = wish_ms ? wish_ms : bb_backoff_ms(++l->failures, 1000, 60000);

    l->again_ms = bb_clock_ms() + pause;
    snprintf(l->why, sizeof l->why, "no CSRF session: %.180s", why);
}

static void on_lease(struct bb_http_call *call, const struct bb_http_answer *a)
{
    struct http_lease *l = ((struct http_call *)call)->client->lease;
    struct bb_bytes v;

    l->fetching = 0;
    if (a->code == BB_HTTP_E_CANCELLED)
        return;
    /* the token counts, not the status: some systems give it with a 404 or a 405 */
    if (a->code < 200 || a->code == 401 || a->code == 403 || a->code >= 500 || a->code == 429) {
        failed(l, a->retry_after_ms, a->text[0] ? a->text : "its path was refused");
        return;
    }
    if (!bb_http_answer_header(a, "x-csrf-token", &v) || !v.len || strcasecmp(v.ptr, "required") == 0) {
        failed(l, 0, a->outcome != BB_OK ? a->text
                                         : "the answer has no x-csrf-token: check the path for csrf");
        return;
    }
    empty(l);
    bb_buf_put(&l->token, v.ptr, v.len);
    cookies_take(l, a);
    if (l->token.failed || l->cookies.failed) {
        empty(l);
        failed(l, 0, "its token or cookies are too long");
        return;
    }
    l->good = 1;
    l->gen++;
    l->failures = 0;
}

static int fetch(struct bb_http *c)
{
    struct bb_http_call *call = bb_http_call_new(c, "GET", c->conf.csrf_path);

    if (!call)
        return -1;
    ((struct http_call *)call)->kind = HTTP_LEASE;
    bb_http_call_header(call, "x-csrf-token", bb_str("Fetch"));
    bb_http_call_header(call, "Accept", bb_str("*/*"));
    call->done = on_lease;
    c->lease->fetching = 1;
    if (bb_http_send(call) == 0)
        return 0;
    c->lease->fetching = 0;
    return -1;
}

/* ---- using ------------------------------------------------------------------------------------- */
enum http_pass http_lease_pass(struct http_call *x)
{
    struct http_lease *l = x->client->lease;
    int64_t now = bb_clock_ms();

    if (l->good)
        return PASS_GO;
    if (l->fetching)
        return PASS_HOLD;
    if (now >= l->again_ms) {
        if (fetch(x->client) == 0)
            return PASS_HOLD;
        failed(l, 0, "out of memory");
    }
    snprintf(x->text, sizeof x->text, "%s", l->why);
    x->refused_ms = l->again_ms > now ? (uint32_t)(l->again_ms - now) : 1;
    return PASS_REFUSED;
}

void http_lease_drop(struct http_call *x)
{
    struct http_lease *l = x->client->lease;

    if (l->good && x->lease_gen == l->gen)
        empty(l); /* another call may have renewed it already */
}

static void line_put(struct http_call *x, const char *name, const struct bb_buf *value)
{
    x->secret_at[x->secrets++] = (uint32_t)x->secret.len;
    bb_buf_put(&x->secret, name, strlen(name));
    bb_buf_put(&x->secret, value->ptr, value->len);
    bb_buf_put(&x->secret, "", 1);
}

int http_lease_put(struct http_call *x, int write)
{
    const struct http_lease *l = x->client->lease;

    if (!l->good)
        return 0;
    if (write)
        line_put(x, "x-csrf-token: ", &l->token);
    if (l->cookies.len)
        line_put(x, "Cookie: ", &l->cookies);
    x->lease_gen = l->gen;
    return x->secret.failed ? -1 : 0;
}
