/*
 * http_answer.c - one ended transfer as an answer: its code, its outcome, a line for people
 *
 * Thread: the client's. Memory: the answer points into its call and lives as long as done().
 */
#include <stdio.h>
#include <strings.h>
#include <time.h>
#include <busbar/json.h>
#include "http_call.h"

#define EXCERPT 100 /* bytes of an answer's body that a text may show */

/* What curl says happened before anything was sent; else the connection could not be made. */
static const struct {
    CURLcode rc;
    unsigned code;
} unsent[] = {
    {CURLE_UNSUPPORTED_PROTOCOL, BB_HTTP_E_LOCAL},   {CURLE_URL_MALFORMAT, BB_HTTP_E_LOCAL},
    {CURLE_OUT_OF_MEMORY, BB_HTTP_E_LOCAL},          {CURLE_COULDNT_RESOLVE_HOST, BB_HTTP_E_DNS},
    {CURLE_COULDNT_RESOLVE_PROXY, BB_HTTP_E_DNS},    {CURLE_SSL_CONNECT_ERROR, BB_HTTP_E_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, BB_HTTP_E_TLS}, {CURLE_SSL_CERTPROBLEM, BB_HTTP_E_TLS},
    {CURLE_SSL_CIPHER, BB_HTTP_E_TLS},               {CURLE_SSL_CACERT_BADFILE, BB_HTTP_E_TLS},
    {CURLE_SSL_ISSUER_ERROR, BB_HTTP_E_TLS},         {CURLE_SSL_PINNEDPUBKEYNOTMATCH, BB_HTTP_E_TLS},
};
static const char *const words[] = {
    [BB_HTTP_E_LOCAL - BB_HTTP_E_LOCAL] = "could not be sent",
    [BB_HTTP_E_DNS - BB_HTTP_E_LOCAL] = "host not found",
    [BB_HTTP_E_CONNECT - BB_HTTP_E_LOCAL] = "no connection",
    [BB_HTTP_E_TLS - BB_HTTP_E_LOCAL] = "TLS handshake failed",
    [BB_HTTP_E_TIMEOUT - BB_HTTP_E_LOCAL] = "sent, but no answer in time",
    [BB_HTTP_E_BROKEN - BB_HTTP_E_LOCAL] = "sent, but the answer was lost",
    [BB_HTTP_E_CANCELLED - BB_HTTP_E_LOCAL] = "cancelled",
    [BB_HTTP_E_AUTH - BB_HTTP_E_LOCAL] = "not sent",
};

static unsigned code_of(const struct http_call *x, CURLcode rc, int cancelled, long status)
{
    if (cancelled)
        return BB_HTTP_E_CANCELLED;
    if (x->refused)
        return BB_HTTP_E_AUTH;
    /* a body too long for us does not change what the status said */
    if (status >= 200 && (rc == CURLE_OK || x->truncated))
        return (unsigned)status;
    if (!status && http_tls_refused(x, rc, status))
        return BB_HTTP_E_TLS; /* an alert instead of an answer: it took nothing */
    if (x->tries && rc != CURLE_URL_MALFORMAT)
        return rc == CURLE_OPERATION_TIMEDOUT ? BB_HTTP_E_TIMEOUT : BB_HTTP_E_BROKEN;
    for (size_t k = 0; k < sizeof unsent / sizeof unsent[0]; k++)
        if (unsent[k].rc == rc)
            return unsent[k].code;
    return BB_HTTP_E_CONNECT;
}

int bb_http_answer_header(const struct bb_http_answer *a, const char *name, struct bb_bytes *out)
{
    struct curl_header *h;

    if (curl_easy_header(a->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
        return 0;
    *out = bb_str(h->value);
    return 1;
}

const char *bb_http_answer_url(const struct bb_http_answer *a)
{
    struct http_call *x = NULL;

    curl_easy_getinfo(a->easy, CURLINFO_PRIVATE, (char **)&x);
    return (const char *)x->pub.url.ptr;
}

/* The URL without its query, which may hold what nobody should read. */
static int url_shown(const struct http_call *x)
{
    int n = (int)strcspn((const char *)x->pub.url.ptr, "?#");
    return n > 90 ? 90 : n;
}

static size_t begins_with(const uint8_t *p, size_t left, const void *secret, size_t n)
{
    return n >= 4 && n <= left && memcmp(p, secret, n) == 0 ? n : 0;
}

/* The longest of a header line's values that p begins with: "Basic x", "a=1; b=2". */
static size_t value_at(const char *line, const uint8_t *p, size_t left)
{
    const char *end = line + strlen(line);
    size_t best = 0, n;

    for (const char *v = strchr(line, ':'); v && v < end; v += strcspn(v, " =;")) {
        v++;
        n = begins_with(p, left, v, strcspn(v, " ;")); /* with the "=" that base64 may end with */
        if (!n)
            n = begins_with(p, left, v, strcspn(v, "=;"));
        best = n > best ? n : best;
    }
    return best;
}

/* How long the credential at p is that we sent and were told back, 0: none. */
static size_t credential_at(const struct http_call *x, const uint8_t *p, size_t left)
{
    const struct bb_http *c = x->client;
    const char *const each[] = {c->basic,           c->conf.password,          c->conf.bearer,
                                c->conf.key_password, c->conf.oauth.client_secret, c->secret_form,
                                c->oauth_basic};
    size_t best = 0, n;

    for (size_t k = 0; k < sizeof each / sizeof each[0]; k++) {
        size_t len = each[k] ? strlen(each[k]) : 0;
        while (len && each[k][len - 1] == '=' && (each[k] == c->basic || each[k] == c->oauth_basic))
            len--; /* the padding may be missing where it is quoted */
        n = begins_with(p, left, each[k], len);
        best = n > best ? n : best;
    }
    for (unsigned k = 0; k < x->secrets; k++) {
        n = value_at((const char *)x->secret.ptr + x->secret_at[k], p, left);
        best = n > best ? n : best;
    }
    return best;
}

/* Printable bytes of the body's beginning, in one line. Credentials are looked for in the whole of
 * it: past the cut they would not be known any more. */
static void excerpt(const struct http_call *x, struct bb_bytes body, char out[EXCERPT + 1])
{
    const uint8_t *p = body.ptr;
    size_t n = 0, secret;

    for (size_t k = 0; k < body.len && n < EXCERPT; k++) {
        if ((secret = credential_at(x, p + k, body.len - k)) != 0) {
            for (size_t stars = 0; stars < 4 && n < EXCERPT; stars++)
                out[n++] = '*';
            k += secret - 1;
        } else if (p[k] <= ' ') {
            if (n && out[n - 1] != ' ')
                out[n++] = ' ';
        } else {
            out[n++] = p[k] < 0x7f ? (char)p[k] : '?';
        }
    }
    out[n] = 0;
}

static void text_make(struct http_call *x, const char *tls, struct bb_http_answer *a)
{
    char part[EXCERPT + 1];
    struct bb_bytes to;
    int n = url_shown(x);
    const char *url = (const char *)x->pub.url.ptr;

    if (a->code == BB_HTTP_E_AUTH)
        return; /* the gate has written it */
    if (a->code >= BB_HTTP_E_LOCAL) {
        snprintf(x->text, sizeof x->text, "%s %.*s: %s%s%s%s%.100s", x->method, n, url,
                 words[a->code - BB_HTTP_E_LOCAL], tls ? ": " : "", tls ? tls : "", x->error[0] ? ": " : "", x->error);
        return;
    }
    if (tls) {
        snprintf(x->text, sizeof x->text, "%s %.*s: answered %u: %s", x->method, n, url, a->code, tls);
        return;
    }
    if (a->code >= 300 && a->code < 400 && bb_http_answer_header(a, "Location", &to)) {
        snprintf(x->text, sizeof x->text,
                 "%s %.*s: answered %u and names \"%.*s\": put that address into the config",
                 x->method, n, url, a->code, (int)strcspn(to.ptr, "?#") > 80 ? 80
                 : (int)strcspn(to.ptr, "?#"), (const char *)to.ptr);
        return;
    }
    if (a->code == 403 && http_wants_session(x)) {
        snprintf(x->text, sizeof x->text, "%s %.*s: answered 403, x-csrf-token: Required: %s", x->method,
                 n, url, x->client->lease ? "the session that it gave was refused again: check whether "
                                            "cookies pass (a proxy?)"
                                          : "give csrf, the path to get a session from");
        return;
    }
    excerpt(x, a->body, part);
    snprintf(x->text, sizeof x->text, "%s %.*s: answered %u%s%s", x->method, n, url, a->code,
             a->code == 401 ? ": check auth: " : part[0] ? ": " : "", part);
}

static void wish_make(const struct http_call *x, struct bb_http_answer *a)
{
    struct bb_bytes v;

    if (a->code >= 400 && a->code < 600 && bb_http_answer_header(a, "Retry-After", &v))
        a->retry_after_ms = bb_http_retry_after(v, (int64_t)time(NULL));
    if (a->code == BB_HTTP_E_AUTH)
        a->retry_after_ms = x->refused_ms;
    if (!a->retry_after_ms && (a->code == 429 || a->code == 503))
        a->retry_after_ms = x->client->conf.pause_ms;
}

void http_answer_make(struct http_call *x, CURLcode rc, int cancelled, struct bb_http_answer *a)
{
    const char *type = NULL, *tls;
    long status = 0;

    memset(a, 0, sizeof *a);
    a->easy = x->easy;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    a->code = code_of(x, rc, cancelled, status);
    a->sent = x->tries > 0 && !x->refused && a->code != BB_HTTP_E_TLS;
    a->truncated = x->truncated;
    a->text = "";
    if (a->code < BB_HTTP_E_LOCAL) {
        curl_easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &type);
        a->type = bb_str(type);
        a->body = (struct bb_bytes){x->in.ptr, x->truncated ? 0 : x->in.len};
    }
    a->outcome = cancelled && !a->sent
                     ? BB_E_CANCEL
                     : bb_http_outcome(&x->client->conf.outcomes, a->code, x->pub.repeatable);
    tls = cancelled ? NULL : http_tls_refused(x, rc, status);
    if (!cancelled && (tls ? a->code == 400 : a->code == 403 && http_wants_session(x)))
        a->outcome = BB_E_DOWN; /* not about this message: all of them would be refused */
    if (a->outcome == BB_OK)
        return;
    if (a->outcome == BB_E_RETRY || a->outcome == BB_E_DOWN)
        wish_make(x, a);
    if (!tls && rc == CURLE_PEER_FAILED_VERIFICATION)
        tls = "check tls.ca, and the host's name in its certificate";
    text_make(x, tls, a);
    a->text = x->text;
}

bb_status bb_http_answer_error(const struct bb_http_answer *a, struct bb_error *err)
{
    char code[16];

    bb_error_set(err, a->outcome, "%s", a->text);
    if (!err)
        return a->outcome;
    err->retry_after_ms = a->retry_after_ms;
    if (a->code < BB_HTTP_E_LOCAL) {
        snprintf(code, sizeof code, "%u", a->code);
        bb_error_vendor(err, code);
    }
    return a->outcome;
}

void bb_http_finish(const struct bb_ctx *ctx, bb_token t, const struct bb_http_answer *a)
{
    struct bb_error err = bb_error_none();
    bb_status st = bb_http_answer_error(a, &err);
    struct bb_bytes reply;
    struct bb_buf b;

    bb_buf_init(&b, 1u << 20); /* the most that done() takes */
    int has = st == BB_OK && a->body.len && bb_json_read(a->body, &b, NULL) == 0;
    reply = (struct bb_bytes){b.ptr, b.len};
    ctx->api->done(ctx->host, t, st, has ? &reply : NULL, st == BB_OK ? NULL : &err);
    bb_buf_free(&b);
}
