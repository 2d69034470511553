/*
 * http_call.h - what the files of the HTTP client share; not installed
 *
 * A call's way:
 *
 *   IDLE --send--> HELD (no token or session yet) --> QUEUED (no connection free) --> GOING --> done()
 *                    ^                                                                   |
 *                    `---- once: 401, or 403 that asks for a CSRF session ---------------'
 *
 * Thread: the client's; only what http_oauth.c shares between clients is locked. A call is in
 * exactly one of two lists of its client: free (ready-made, its handle and buffers kept) or out
 * (being filled, or sent and not answered). Invariant: credentials stand in `secret` alone, made
 * when the call starts and wiped when it ends.
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
    enum { HTTP_USER, HTTP_TOKEN, HTTP_LEASE } kind; /* the last two are the client's own */
    int own;              /* goes to base's origin: may carry credentials */
    struct bb_buf secret; /* header lines with credentials, each with its NUL */
    uint32_t secret_at[3];
    unsigned secrets;
    unsigned token_gen, lease_gen;   /* what it was last sent with */
    int token_again, lease_again;    /* was renewed for it once */
    int refused;                     /* no token or session: text says why */
    uint32_t refused_ms;             /* when to come again, 0 not known */
    unsigned tls_gen;                /* of the certificates that its handle has */
    size_t head_in;                  /* bytes of the answer's headers */
    struct bb_buf in; /* the answer's body */
    int truncated;
    enum { HTTP_IDLE, HTTP_HELD, HTTP_QUEUED, HTTP_GOING } state; /* going: in the multi handle */
    struct http_call *behind; /* in the queue */
    int64_t until_ms;         /* when its time is over */
    unsigned tries; /* how often curl began to send it */
    char error[CURL_ERROR_SIZE];
    char text[240];
};

struct http_list { /* calls by `behind`, oldest first */
    struct http_call *first, **end;
};
struct http_pem { /* one PEM file or text */
    const char *path;
    struct bb_buf text;
    int64_t mtime_ns, size;
    uint64_t ino;
};
enum { PEM_CA, PEM_CERT, PEM_KEY, PEMS };
struct http_token; /* http_oauth.c: shared with other clients */
struct http_lease;
struct bb_http {
    struct bb_http_config conf; /* its strings are copies */
    char *strings[20];
    char *basic;       /* what "Basic" is followed by: user and password in base64 */
    char *secret_form; /* the OAuth2 client's secret, percent-encoded, as it is sent */
    char *oauth_basic;
    struct http_pem pem[PEMS];
    int64_t pem_look_ms; /* when to look at the files again */
    unsigned pem_gen;
    struct http_token *token;
    struct bb_http *token_next; /* among those that share it */
    struct bb_buf bearer;       /* a copy of the token, for the client's thread */
    unsigned bearer_gen;
    struct http_lease *lease;
    CURLM *multi;
    struct http_call *unused, *out;
    struct http_list held, queue;   /* queue: all connections are busy */
    unsigned n_unused, open, going; /* open: held, queued and going */
    int dirty; /* calls were added, or may be, since curl last ran */
};

/* ---- http_call.c ---------------------------------------------------------------------------------- */
void http_call_put_back(struct http_call *x); /* ready for the next */
void http_calls_free(struct bb_http *c);      /* those that are ready */
void http_headers_link(struct http_call *x);  /* x->list from head and secret */

/* ---- http_gate.c: may a call start, and with which credentials ------------------------------------ */
enum http_pass { PASS_GO, PASS_HOLD, PASS_REFUSED };
enum http_pass http_gate(struct http_call *x); /* REFUSED: x->text and refused_ms are set */
/* Writes x->secret. 0, -1 without memory. */
int http_gate_headers(struct http_call *x);
/* The answer says that token or session ran out and it is to be sent again: 1, 0. */
int http_gate_again(struct http_call *x);
/* The answer that has come wants a CSRF session: 1, 0. */
int http_wants_session(const struct http_call *x);
/* Base64 with padding, NUL at the end; free() it. NULL without memory. */
char *http_basic(const char *user, const char *password);

/* ---- http_oauth.c ------------------------------------------------------------------------------------ */
int http_oauth_join(struct bb_http *c);
void http_oauth_leave(struct bb_http *c);
enum http_pass http_oauth_pass(struct http_call *x);
void http_oauth_used(struct http_call *x, int accepted); /* an answer to a call with a token */

/* ---- http_lease.c ------------------------------------------------------------------------------------ */
int http_lease_new(struct bb_http *c);
void http_lease_free(struct bb_http *c);
enum http_pass http_lease_pass(struct http_call *x);
void http_lease_drop(struct http_call *x);          /* its session was refused */
int http_lease_put(struct http_call *x, int write); /* lines into x->secret: 0, -1 */

/* ---- http_tls.c -------------------------------------------------------------------------------------- */
int http_tls_load(struct bb_http *c, struct bb_error *err);
void http_tls_look(struct bb_http *c);     /* reads again what changed */
int http_tls_set(struct http_call *x);     /* the handle gets the certificates: 0, -1 */
void http_tls_free(struct bb_http *c);
/* The peer refuses our certificate, or the way it is spoken to: not about this request, which it did not take.
 * What to check, or NULL. status: 0 without an answer. */
const char *http_tls_refused(const struct http_call *x, CURLcode rc, long status);

/* Fills a from a transfer that ended with rc (or was cancelled). */
void http_answer_make(struct http_call *x, CURLcode rc, int cancelled, struct bb_http_answer *a);

#endif
