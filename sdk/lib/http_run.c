/*
 * http_run.c - calls on their way: held, queued, in curl, ended
 *
 * Calls above the number of connections wait in a queue of ours: curl would look at all that wait
 * whenever one ends. Those without a token or session are held before it.
 *
 * Thread: the client's one. Memory: see http_call.h. Invariant: done() is called outside of any
 * curl function, with the call out of the multi handle and of both lists, so it may do anything but free the
 * client.
 */
#include <stdio.h>
#include "http_call.h"

#define WAIT_FDS 16
#define HELD_LOOK_MS 100

/* With its credentials and the time that it has left. 0, -1. */
static int call_start(struct http_call *x)
{
    struct bb_http *c = x->client;
    int64_t left = x->until_ms - bb_clock_ms();

    http_tls_look(c);
    if (http_gate_headers(x) != 0 || http_tls_set(x) != 0)
        return -1;
    http_headers_link(x);
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
    http_call_put_back(x);
    return -1;
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
    http_call_put_back(x);
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
