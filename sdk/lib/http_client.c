/*
 * http_client.c - calls on one curl multi handle
 *
 * Easy handles are made once, set up once and reused; per call only what differs is set. Header
 * lists are nodes inside the call, so a request costs no allocation of ours in steady state.
 *
 * Calls above the number of connections wait in a queue of ours: curl would look at all that wait
 * whenever one ends.
 *
 * curl resends a request by itself when a connection that it had kept turns out to be closed. The
 * server may have done the work of the first copy, so the hook that runs before each sending lets
 * a second one pass only for a call that is repeatable; else the call ends as BROKEN.
 *
 * Thread: the client's one. Memory: see http_call.h. Invariant: done() is called outside of any
 * curl function, with the call out of the multi handle, so it may do anything but free the client.
 */
#include <stdlib.h>
#include <strings.h>
#include "http_call.h"

#define WAIT_FDS 16
#define HELD_LOOK_MS 100

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

/* ---- the client -------------------------------------------------------------------------------- */
static int conf_ok(const struct bb_http_config *f, struct bb_error *err)
{
    const char *host = NULL;

    if (f->base && strncasecmp(f->base, "http://", 7) == 0)
        host = f->base + 7;
    else if (f->base && strncasecmp(f->base, "https://", 8) == 0)
        host = f->base + 8;
    if (f->base && (!host || !*host || *host == '/')) {
        bb_error_set(err, BB_E_CONFIG, "the URL must begin with http:// or https:// and a host");
        return 0;
    }
    if (host && memchr(host, '@', strcspn(host, "/?#"))) {
        bb_error_set(err, BB_E_CONFIG, "the URL must not hold a user or password: give them as auth");
        return 0;
    }
    if (f->oauth.token_url && (!f->oauth.client_id || !f->oauth.client_secret ||
                               (strncasecmp(f->oauth.token_url, "https://", 8) != 0 &&
                                strncasecmp(f->oauth.token_url, "http://", 7) != 0))) {
        bb_error_set(err, BB_E_CONFIG, "OAuth2 needs a token_url with http:// or https://, client_id "
                                       "and client_secret");
        return 0;
    }
    if (f->csrf_path && (!f->base || *f->csrf_path != '/')) {
        bb_error_set(err, BB_E_CONFIG, "csrf: the path begins with \"/\" and is added to the URL");
        return 0;
    }
    return 1;
}

static int strings_copy(struct bb_http *c)
{
    const char **each[] = {&c->conf.base,      &c->conf.user,     &c->conf.password,
                           &c->conf.bearer,    &c->conf.ca_file,  &c->conf.cert_file,
                           &c->conf.key_file,  &c->conf.key_password, &c->conf.proxy,
                           &c->conf.agent,     &c->conf.csrf_path,    &c->conf.cert_pem,
                           &c->conf.key_pem,   &c->conf.oauth.token_url,
                           &c->conf.oauth.client_id, &c->conf.oauth.client_secret,
                           &c->conf.oauth.scope, &c->conf.oauth.audience};

    for (size_t k = 0; k < sizeof each / sizeof each[0]; k++) {
        if (!*each[k])
            continue;
        c->strings[k] = strdup(*each[k]);
        if (!c->strings[k])
            return -1;
        *each[k] = c->strings[k];
    }
    return 0;
}

/* Where base's host ends: what begins so may have our credentials. */
static size_t origin_of(const char *base)
{
    const char *host = base ? strstr(base, "://") + 3 : "";

    return base ? (size_t)(host - base) + strcspn(host, "/?#") : 0;
}

int bb_http_is_home(const struct bb_http *c, const char *url)
{
    return !c->origin || (strncasecmp(url, c->conf.base, c->origin) == 0 &&
                          (!url[c->origin] || strchr("/?#", url[c->origin])));
}

struct bb_http *bb_http_new(const struct bb_http_config *conf, struct bb_error *err)
{
    struct bb_http *c;

    if (!conf_ok(conf, err))
        return NULL;
    c = calloc(1, sizeof *c);
    if (!c)
        goto fail;
    c->conf = *conf;
    if (strings_copy(c) != 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        goto fail;
    c->origin = origin_of(c->conf.base);
    if (c->conf.user && !(c->basic = http_basic(c->conf.user, c->conf.password)))
        goto fail;
    if (http_tls_load(c, err) != 0) {
        bb_http_free(&c);
        return NULL;
    }
    c->conf.connect_ms = conf->connect_ms ? conf->connect_ms : 5000;
    c->conf.timeout_ms = conf->timeout_ms ? conf->timeout_ms : 30000;
    c->conf.connections = conf->connections ? conf->connections : 64;
    c->conf.pause_ms = conf->pause_ms ? conf->pause_ms : 2000;
    c->conf.max_response = conf->max_response ? conf->max_response : 1u << 20;
    c->conf.max_request = conf->max_request ? conf->max_request : 64u << 20;
    c->conf.max_headers = conf->max_headers ? conf->max_headers : 64u << 10;
    c->multi = curl_multi_init();
    if (!c->multi || http_oauth_join(c) != 0 || http_lease_new(c) != 0)
        goto fail;
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->conf.connections);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)c->conf.connections);
    curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return c;
fail:
    bb_error_set(err, BB_E_RETRY, "no memory for an HTTP client");
    bb_http_free(&c);
    return NULL;
}

static void text_free(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

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

void bb_http_free(struct bb_http **cp)
{
    struct bb_http *c = *cp;

    if (!c)
        return;
    while (c->out) {
        if (c->out->state != HTTP_IDLE)
            bb_http_cancel(&c->out->pub);
        else
            bb_http_call_drop(&c->out->pub);
    }
    while (c->unused) {
        struct http_call *x = c->unused;
        list_del(&c->unused, x);
        call_free(x);
    }
    http_lease_free(c);
    http_oauth_leave(c); /* from here on nobody wakes the multi handle */
    if (c->multi)
        curl_multi_cleanup(c->multi);
    for (size_t k = 0; k < sizeof c->strings / sizeof c->strings[0]; k++)
        text_free(&c->strings[k]); /* passwords among them */
    text_free(&c->basic);
    text_free(&c->oauth_basic);
    text_free(&c->secret_form);
    http_tls_free(c);
    free(c);
    *cp = NULL;
}

uint32_t bb_http_open(const struct bb_http *c)
{
    return c->open;
}

/* ---- calls --------------------------------------------------------------------------------------- */
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
static void call_put_back(struct http_call *x)
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

static void headers_link(struct http_call *x)
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

/* With its credentials and the time that it has left. 0, -1. */
static int call_start(struct http_call *x)
{
    struct bb_http *c = x->client;
    int64_t left = x->until_ms - bb_clock_ms();

    http_tls_look(c);
    if (http_gate_headers(x) != 0 || http_tls_set(x) != 0)
        return -1;
    headers_link(x);
    x->head_in = 0;
    if (curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->list) != CURLE_OK ||
        curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)(left > 1 ? left : 1)) != CURLE_OK ||
        curl_multi_add_handle(c->multi, x->easy) != CURLM_OK)
        return -1;
    x->state = HTTP_GOING;
    c->going++;
    c->dirty = 1;
    return 0;
}

static void list_put(struct http_list *l, struct http_call *x, int state)
{
    if (!l->first)
        l->end = &l->first;
    x->behind = NULL;
    *l->end = x;
    l->end = &x->behind;
    x->state = state;
}

static void list_take(struct http_list *l, struct http_call *x)
{
    struct http_call **at = &l->first;

    while (*at != x)
        at = &(*at)->behind;
    *at = x->behind;
    if (!*at)
        l->end = at;
    x->state = HTTP_IDLE;
}

/* Starts it, or puts it where it waits: 0, -1 with the call in neither list. */
static int call_go(struct http_call *x)
{
    struct bb_http *c = x->client;
    enum http_pass pass = http_gate(x);

    if (pass != PASS_GO) {
        x->refused = pass == PASS_REFUSED;
        list_put(&c->held, x, HTTP_HELD);
        c->dirty |= x->refused; /* done() comes from wait(), not from here */
        return 0;
    }
    if (x->kind == HTTP_USER && c->going >= c->conf.connections) {
        list_put(&c->queue, x, HTTP_QUEUED);
        return 0;
    }
    return call_start(x);
}

int bb_http_send(struct bb_http_call *call)
{
    struct http_call *x = (struct http_call *)call;
    struct bb_http *c = x->client;
    CURL *e = x->easy;
    int bad = 0, with_body = call->body.len || strcmp(x->method, "POST") == 0 ||
                             strcmp(x->method, "PUT") == 0 || strcmp(x->method, "PATCH") == 0;

    bb_buf_put(&call->url, "", 1);
    if (call->url.failed || call->body.failed || x->head.failed)
        goto fail;
    x->own = bb_http_is_home(c, (char *)call->url.ptr);
    x->in.max = call->max_response ? call->max_response : c->conf.max_response;
    bad |= curl_easy_setopt(e, CURLOPT_URL, (char *)call->url.ptr);
    if (with_body) {
        bad |= curl_easy_setopt(e, CURLOPT_POST, 1L);
        bad |= curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
        bad |= curl_easy_setopt(e, CURLOPT_POSTFIELDS, call->body.len ? (char *)call->body.ptr : "");
    } else {
        bad |= curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    }
    bad |= curl_easy_setopt(e, CURLOPT_NOBODY, strcmp(x->method, "HEAD") == 0 ? 1L : 0L);
    if (!with_body && strcmp(x->method, "HEAD") != 0)
        bad |= curl_easy_setopt(e, CURLOPT_HTTPGET, 1L); /* NOBODY 0 would leave it undefined */
    bad |= curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, x->method);
    if (bad)
        goto fail;
    x->until_ms = bb_clock_ms() + (call->timeout_ms ? call->timeout_ms : c->conf.timeout_ms);
    if (c->queue.first && x->kind == HTTP_USER)
        list_put(&c->queue, x, HTTP_QUEUED);
    else if (call_go(x) != 0)
        goto fail;
    c->open++;
    return 0;
fail:
    call_put_back(x);
    return -1;
}

int http_send_own(struct bb_http_call *call)
{
    return bb_http_send(call);
}

void bb_http_call_drop(struct bb_http_call *call)
{
    call_put_back((struct http_call *)call);
}

static void call_end(struct http_call *x, CURLcode rc, int cancelled)
{
    struct bb_http *c = x->client;
    struct bb_http_answer a;

    if (x->state == HTTP_GOING) {
        curl_multi_remove_handle(c->multi, x->easy);
        c->going--;
    } else if (x->state != HTTP_IDLE) {
        list_take(x->state == HTTP_HELD ? &c->held : &c->queue, x);
    }
    x->state = HTTP_IDLE;
    c->open--;
    c->dirty |= c->queue.first || c->held.first; /* the next may start */
    http_answer_make(x, rc, cancelled, &a);
    if (x->pub.done)
        x->pub.done(&x->pub, &a);
    call_put_back(x);
}

void bb_http_cancel(struct bb_http_call *call)
{
    call_end((struct http_call *)call, CURLE_OK, 1);
}

/* Those that waited take the places that became free, with the time that they have left. */
static void queue_run(struct bb_http *c)
{
    while (c->queue.first && c->going < c->conf.connections) {
        struct http_call *x = c->queue.first;

        if (x->until_ms <= bb_clock_ms()) {
            call_end(x, CURLE_OPERATION_TIMEDOUT, 0);
            continue;
        }
        list_take(&c->queue, x);
        if (call_go(x) != 0)
            call_end(x, CURLE_OUT_OF_MEMORY, 0);
    }
}

/* Those that wait for a token or a session, each once; what done() adds meanwhile comes next time. */
static void held_run(struct bb_http *c)
{
    unsigned n = 0;

    for (struct http_call *x = c->held.first; x; x = x->behind)
        n++;
    while (n-- && c->held.first) {
        struct http_call *x = c->held.first;
        list_take(&c->held, x);
        if (!x->refused && x->until_ms <= bb_clock_ms()) {
            x->refused = 1;
            x->refused_ms = 0;
            snprintf(x->text, sizeof x->text, "no OAuth2 token or CSRF session within the call's time");
        }
        if (x->refused || call_go(x) != 0)
            call_end(x, CURLE_OUT_OF_MEMORY, 0);
    }
}

/* Takes the call back out of curl, to be sent once more with a new token or session. 0, -1. */
static int call_again(struct http_call *x)
{
    curl_multi_remove_handle(x->client->multi, x->easy);
    x->client->going--;
    x->state = HTTP_IDLE;
    x->tries = 0; /* the refusal says that it was not applied */
    x->truncated = 0;
    x->error[0] = 0;
    bb_buf_reset(&x->in);
    return call_go(x);
}

/* ---- running ------------------------------------------------------------------------------------- */
/* How many calls ended. */
static unsigned run(struct bb_http *c)
{
    struct CURLMsg *m;
    unsigned ended = 0;
    int running, left;

    c->dirty = 0;
    curl_multi_perform(c->multi, &running);
    while ((m = curl_multi_info_read(c->multi, &left))) {
        struct http_call *x = NULL;
        CURLcode rc = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        if (!http_gate_again(x)) {
            call_end(x, rc, 0); /* m is gone after this */
            ended++;
        } else if (call_again(x) != 0) {
            call_end(x, CURLE_OUT_OF_MEMORY, 0);
        }
    }
    held_run(c);
    queue_run(c);
    return ended;
}

void bb_http_wait(struct bb_http *c, struct bb_pollfd *fds, size_t n, uint32_t timeout_ms)
{
    struct curl_waitfd w[WAIT_FDS];
    int ready = 0;

    if (n > WAIT_FDS) { /* the rest is looked at in turn */
        n = WAIT_FDS;
        timeout_ms = timeout_ms < 10 ? timeout_ms : 10;
    }
    for (size_t k = 0; k < n; k++) {
        w[k].fd = fds[k].fd;
        w[k].events = CURL_WAIT_POLLIN;
        w[k].revents = 0;
        fds[k].revents = 0;
    }
    if (c->dirty && run(c))
        timeout_ms = 0; /* done() gave the host something to do */
    if (timeout_ms > 60000)
        timeout_ms = 60000;
    if (c->held.first && timeout_ms > HELD_LOOK_MS)
        timeout_ms = HELD_LOOK_MS; /* their time may be over */
    curl_multi_poll(c->multi, w, (unsigned)n, c->dirty ? 0 : (int)timeout_ms, &ready);
    for (size_t k = 0; k < n; k++)
        fds[k].revents = w[k].revents ? BB_POLL_IN : 0;
    if (c->open)
        run(c);
}
