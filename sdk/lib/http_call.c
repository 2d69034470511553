/*
 * http_call.c - one call: its handle, its buffers, its headers
 *
 * Easy handles are made once, set up once and reused; per call only what differs is set. Header
 * lists are nodes inside the call, so a request costs no allocation of ours in steady state.
 *
 * curl resends a request by itself when a connection that it had kept turns out to be closed. The
 * server may have done the work of the first copy, so the hook that runs before each sending lets
 * a second one pass only for a call that is repeatable; else the call ends as BROKEN.
 *
 * Thread: the client's one. Memory: see http_call.h; what held credentials is wiped.
 */
#include <stdlib.h>
#include "http_call.h"

static void list_add(struct http_call **head, struct http_call *x)
{
    x->prev = NULL;
    x->next = *head;
    if (*head)
        (*head)->prev = x;
    *head = x;
}

static void list_del(struct http_call **head, struct http_call *x)
{
    if (x->prev)
        x->prev->next = x->next;
    else
        *head = x->next;
    if (x->next)
        x->next->prev = x->prev;
}

/* ---- curl's hooks ------------------------------------------------------------------------------ */
static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct http_call *x = arg;

    if (x->in.len + size * n > x->in.max) {
        x->truncated = 1;
        return 0; /* ends the transfer: the status is known, the rest is not wanted */
    }
    bb_buf_put(&x->in, data, size * n);
    return x->in.failed ? 0 : size * n;
}

/* curl keeps every header: an answer of nothing else would fill the memory. */
static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    struct http_call *x = arg;
    (void)data;

    x->head_in += size * n;
    return x->head_in > x->client->conf.max_headers ? 0 : size * n;
}

static int on_send(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct http_call *x = arg;
    (void)ip, (void)local_ip, (void)port, (void)local_port;

    return x->tries++ && !x->pub.repeatable ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* ---- handles ------------------------------------------------------------------------------------- */
static void call_free(struct http_call *x)
{
    if (x->easy)
        curl_easy_cleanup(x->easy);
    bb_buf_free(&x->pub.url);
    bb_buf_free(&x->pub.body);
    bb_buf_free(&x->head);
    bb_buf_free(&x->secret);
    bb_buf_free(&x->in);
    free(x);
}

void http_calls_free(struct bb_http *c)
{
    while (c->unused) {
        struct http_call *x = c->unused;
        list_del(&c->unused, x);
        call_free(x);
    }
}

static int easy_setup(struct http_call *x)
{
    const struct bb_http_config *f = &x->client->conf;
    CURL *e = x->easy;
    int bad = 0;

    bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_PRIVATE, x);
    bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->error);
    bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
    bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
    bad |= curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_send);
    bad |= curl_easy_setopt(e, CURLOPT_PREREQDATA, x);
    bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)f->connect_ms);
    bad |= curl_easy_setopt(e, CURLOPT_USERAGENT, f->agent ? f->agent : "busbar");
    bad |= curl_easy_setopt(e, CURLOPT_PROXY, f->proxy ? f->proxy : "");
    if (f->key_password)
        bad |= curl_easy_setopt(e, CURLOPT_KEYPASSWD, f->key_password);
    bad |= curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    return bad ? -1 : 0;
}

static struct http_call *call_make(struct bb_http *c)
{
    struct http_call *x = calloc(1, sizeof *x);

    if (!x)
        return NULL;
    x->client = c;
    bb_buf_init(&x->pub.url, HTTP_URL_MAX);
    bb_buf_init(&x->pub.body, c->conf.max_request);
    bb_buf_init(&x->head, HTTP_HEAD_MAX);
    bb_buf_init(&x->secret, HTTP_HEAD_MAX);
    bb_buf_init(&x->in, c->conf.max_response);
    x->easy = curl_easy_init();
    if (!x->easy || easy_setup(x) != 0) {
        call_free(x);
        return NULL;
    }
    return x;
}

static void buf_renew(struct bb_buf *b)
{
    if (b->cap > HTTP_KEEP_BYTES)
        bb_buf_free(b);
    bb_buf_reset(b);
}

/* Back to the client, ready for the next. */
void http_call_put_back(struct http_call *x)
{
    struct bb_http *c = x->client;

    list_del(&c->out, x);
    if (c->n_unused >= c->conf.connections * 4) {
        call_free(x);
        return;
    }
    if (x->secret.ptr)
        explicit_bzero(x->secret.ptr, x->secret.cap);
    if (x->kind != HTTP_USER) { /* a secret going out, a token coming in */
        if (x->pub.body.ptr)
            explicit_bzero(x->pub.body.ptr, x->pub.body.cap);
        if (x->in.ptr)
            explicit_bzero(x->in.ptr, x->in.cap);
    }
    buf_renew(&x->pub.url);
    buf_renew(&x->pub.body);
    buf_renew(&x->head);
    buf_renew(&x->in);
    list_add(&c->unused, x);
    c->n_unused++;
}

static int is_repeatable(const char *method)
{
    static const char *const safe[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};

    for (size_t k = 0; k < sizeof safe / sizeof safe[0]; k++)
        if (strcmp(method, safe[k]) == 0)
            return 1;
    return 0;
}

struct bb_http_call *bb_http_call_new(struct bb_http *c, const char *method, const char *path)
{
    struct http_call *x = c->unused;

    if (x) {
        list_del(&c->unused, x);
        c->n_unused--;
    } else if (!(x = call_make(c))) {
        return NULL;
    }
    list_add(&c->out, x);
    snprintf(x->method, sizeof x->method, "%s", method);
    x->headers = 0;
    x->truncated = 0;
    x->state = HTTP_IDLE;
    x->tries = 0;
    x->kind = HTTP_USER;
    x->secrets = 0;
    x->token_gen = x->lease_gen = 0;
    x->token_again = x->lease_again = x->refused = 0;
    x->error[0] = x->text[0] = 0;
    x->pub.timeout_ms = 0;
    x->pub.max_response = 0;
    x->pub.repeatable = is_repeatable(x->method);
    x->pub.done = NULL;
    x->pub.arg = NULL;
    x->pub.tag = 0;
    if (c->conf.base && (*path == '/' || !*path))
        bb_buf_put(&x->pub.url, c->conf.base, strlen(c->conf.base));
    bb_buf_put(&x->pub.url, path, strlen(path));
    return &x->pub;
}

int bb_http_call_header(struct bb_http_call *call, const char *name, struct bb_bytes value)
{
    struct http_call *x = (struct http_call *)call;
    const uint8_t *p = value.ptr;

    if (x->headers == HTTP_HEADERS_MAX - 1 || !*name)
        return -1;
    for (const char *s = name; *s; s++)
        if (*s <= ' ' || *s == ':' || (uint8_t)*s >= 0x7f)
            return -1;
    for (size_t k = 0; k < value.len; k++)
        if ((p[k] < ' ' && p[k] != '\t') || p[k] == 0x7f)
            return -1;
    x->at[x->headers++] = (uint32_t)x->head.len;
    bb_buf_put(&x->head, name, strlen(name));
    if (value.len) {
        bb_buf_put(&x->head, ": ", 2);
        bb_buf_put(&x->head, value.ptr, value.len);
        bb_buf_put(&x->head, "", 1);
    } else {
        bb_buf_put(&x->head, ";", 2); /* curl's way to send a header without a value */
    }
    return x->head.failed ? -1 : 0;
}
void http_headers_link(struct http_call *x)
{
    static char no_expect[] = "Expect:"; /* 100-continue would cost a round trip or a second */
    unsigned n = x->headers;

    for (unsigned k = 0; k < n; k++) {
        x->list[k].data = (char *)x->head.ptr + x->at[k];
        x->list[k].next = &x->list[k + 1];
    }
    for (unsigned k = 0; k < x->secrets; k++, n++) {
        x->list[n].data = (char *)x->secret.ptr + x->secret_at[k];
        x->list[n].next = &x->list[n + 1];
    }
    x->list[n].data = no_expect;
    x->list[n].next = NULL;
}

void bb_http_call_drop(struct bb_http_call *call)
{
    http_call_put_back((struct http_call *)call);
}
