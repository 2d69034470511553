/*
 * http_call.h - what http_client.c and http_answer.c share; not installed
 *
 * Thread: the client's. A call is in exactly one of two lists of its client: free (ready-made, its
 * handle and buffers kept) or out (being filled, or sent and not answered).
 */
#ifndef BB_SDK_HTTP_CALL_H
#define BB_SDK_HTTP_CALL_H

#include <curl/curl.h>
#include <busbar/http.h>

#define HTTP_HEADERS_MAX 40
#define HTTP_HEAD_MAX 32768  /* bytes of all headers of a request */
#define HTTP_URL_MAX 8192
#define HTTP_KEEP_BYTES 4194304 /* a buffer larger than this is not kept for the next call */

struct http_call {
    struct bb_http_call pub; /* first: the public pointer is this one */
    struct bb_http *client;
    struct http_call *next, *prev;
    CURL *easy;
    char method[16];
    struct bb_buf head; /* header lines, each with its NUL */
    uint32_t at[HTTP_HEADERS_MAX];
    struct curl_slist list[HTTP_HEADERS_MAX];
    unsigned headers;
    struct bb_buf in; /* the answer's body */
    int truncated;
    enum { HTTP_IDLE, HTTP_QUEUED, HTTP_GOING } state; /* going: in the multi handle */
    struct http_call *behind; /* in the queue */
    int64_t until_ms;         /* when its time is over */
    unsigned tries; /* how often curl began to send it */
    char error[CURL_ERROR_SIZE];
    char text[240];
};

struct bb_http {
    struct bb_http_config conf; /* its strings are copies */
    char *strings[12];
    char *basic; /* what "Basic" is followed by: user and password in base64 */
    CURLM *multi;
    struct http_call *unused, *out;
    struct http_call *queue, **queue_end; /* all connections are busy; oldest first */
    unsigned n_unused, open, going;       /* open: queued and going */
    int dirty; /* calls were added, or may be, since curl last ran */
};

/* Fills a from a transfer that ended with rc (or was cancelled). */
void http_answer_make(struct http_call *x, CURLcode rc, int cancelled, struct bb_http_answer *a);

#endif
