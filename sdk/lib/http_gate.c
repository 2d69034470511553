/*
 * http_gate.c - may a call start now, with which credentials, and is it sent again
 *
 * What a refusal for want of a token or session asserts: the request was not looked at. So the call
 * is sent once more with a new one, whatever its method; a second refusal is its answer.
 *
 * Thread: the client's. Memory: x->secret is the call's, wiped when it ends.
 */
#include <strings.h>
#include <busbar/web.h>
#include "http_call.h"

char *http_basic(const char *user, const char *password)
{
    struct bb_buf b;
    char *text = NULL;

    bb_buf_init(&b, 1u << 17);
    if (bb_basic_put(&b, bb_str(user), bb_str(password)) == 0)
        text = bb_str_dup((struct bb_bytes){b.ptr + 6, b.len - 6}); /* without "Basic " */
    if (b.ptr)
        explicit_bzero(b.ptr, b.cap);
    bb_buf_free(&b);
    return text;
}

static int is_write(const struct http_call *x)
{
    return strcmp(x->method, "GET") != 0 && strcmp(x->method, "HEAD") != 0 &&
           strcmp(x->method, "OPTIONS") != 0;
}

enum http_pass http_gate(struct http_call *x)
{
    struct bb_http *c = x->client;
    enum http_pass pass = PASS_GO;

    if (x->kind == HTTP_TOKEN || !x->own)
        return PASS_GO;
    if (c->token)
        pass = http_oauth_pass(x);
    if (pass == PASS_GO && c->lease && x->kind == HTTP_USER && is_write(x))
        pass = http_lease_pass(x);
    return pass;
}

static void line_begin(struct http_call *x, const char *name)
{
    x->secret_at[x->secrets++] = (uint32_t)x->secret.len;
    bb_buf_put(&x->secret, name, strlen(name));
}

static void authorization(struct http_call *x, const char *scheme, const void *value, size_t len)
{
    line_begin(x, "Authorization: ");
    bb_buf_put(&x->secret, scheme, strlen(scheme));
    bb_buf_put(&x->secret, value, len);
    bb_buf_put(&x->secret, "", 1);
}

int http_gate_headers(struct http_call *x)
{
    struct bb_http *c = x->client;

    x->secrets = 0;
    bb_buf_reset(&x->secret);
    if (x->kind == HTTP_TOKEN) {
        if (!c->conf.oauth.in_body)
            authorization(x, "Basic ", c->oauth_basic, strlen(c->oauth_basic));
        return x->secret.failed ? -1 : 0;
    }
    if (!x->own)
        return 0;
    if (c->basic) {
        authorization(x, "Basic ", c->basic, strlen(c->basic));
    } else if (c->conf.bearer) {
        authorization(x, "Bearer ", c->conf.bearer, strlen(c->conf.bearer));
    } else if (c->token) {
        authorization(x, "Bearer ", c->bearer.ptr, c->bearer.len);
        x->token_gen = c->bearer_gen;
    }
    if (c->lease && x->kind == HTTP_USER && http_lease_put(x, is_write(x)) != 0)
        return -1;
    return x->secret.failed ? -1 : 0;
}

int http_wants_session(const struct http_call *x)
{
    struct bb_http_answer a = {.easy = x->easy};
    struct bb_bytes v;
    long status = 0;

    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    return status == 403 && bb_http_answer_header(&a, "x-csrf-token", &v) && v.len == 8 &&
           strncasecmp(v.ptr, "required", 8) == 0;
}

int http_gate_again(struct http_call *x)
{
    struct bb_http *c = x->client;
    long status = 0;

    if (x->kind == HTTP_TOKEN || !x->own)
        return 0;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    if (c->token && status >= 100) {
        http_oauth_used(x, status != 401);
        if (status == 401 && !x->token_again)
            return x->token_again = 1;
    }
    if (c->lease && x->kind == HTTP_USER && http_wants_session(x)) {
        http_lease_drop(x);
        if (!x->lease_again)
            return x->lease_again = 1;
    }
    return 0;
}
