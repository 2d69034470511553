/*
 * http.h - an HTTP client for connectors: many requests at once on one thread
 *
 * A client keeps a pool of connections to one system (HTTP/1.1, keep-alive) and ready-made handles;
 * it follows no redirect, asks for no compression and resends nothing by itself. What an answer
 * means for the message is a table, not code: bb_http_outcome(). Made for busbar.wait/1: the
 * plugin's wait() calls bb_http_wait(), so the instance's thread is the only one.
 *
 * Credentials go to the origin of `base` alone, never to another host that an answer named. OAuth2
 * (client credentials): all clients of a process that ask for the same token share one, which one
 * of them fetches; calls wait for it. A CSRF session (token and cookies together) is fetched before
 * the first write. Both are renewed once when the system says so (401; 403 with x-csrf-token:
 * Required), which asserts that the request was not applied, and the call is sent again.
 *
 *     call = bb_http_call_new(client, "POST", "/orders");
 *     bb_http_call_header(call, "Content-Type", bb_str("application/json"));
 *     bb_buf_put(&call->body, text, len);
 *     call->done = on_answer, call->arg = mine;
 *     if (bb_http_send(call) != 0) ...           the call is gone, done was not called
 *
 * Thread: a client and its calls belong to one thread. Memory: a call belongs to its client from
 * bb_http_call_new() on; what done() is shown lives until done() returns.
 * Links: a plugin that uses it needs libcurl (>= 7.88).
 */
#ifndef BUSBAR_HTTP_H
#define BUSBAR_HTTP_H

#include <busbar/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what an answer comes to -------------------------------------------------------------------- */
/* A code is an HTTP status (100 to 599) or one of these. The first four: nothing was sent. */
#define BB_HTTP_E_LOCAL 1001u     /* no memory, a URL that is none */
#define BB_HTTP_E_DNS 1002u       /* the name has no address */
#define BB_HTTP_E_CONNECT 1003u   /* refused, unreachable, no connection in time */
#define BB_HTTP_E_TLS 1004u       /* handshake failed: certificate, version, name */
#define BB_HTTP_E_TIMEOUT 1005u   /* sent, no whole answer in time */
#define BB_HTTP_E_BROKEN 1006u    /* sent, then the connection ended or the answer was garbled */
#define BB_HTTP_E_CANCELLED 1007u /* bb_http_cancel() */
#define BB_HTTP_E_AUTH 1008u      /* not sent: no OAuth2 token or no CSRF session could be had */

struct bb_http_rule { /* codes from..to; the first rule that holds the code decides */
    uint16_t from, to;
    bb_status once;  /* the request may not be repeated blindly */
    bb_status again; /* it may: GET, PUT, DELETE, or the system honours the idempotency key */
};
#define BB_HTTP_RULES_MAX 32
struct bb_http_outcomes { /* rules of the config's, before the built-in ones; zeroed: none */
    struct bb_http_rule v[BB_HTTP_RULES_MAX];
    size_t n;
};
/* The status for a code. own may be NULL. */
bb_status bb_http_outcome(const struct bb_http_outcomes *own, unsigned code, int repeatable);
/* Reads {"409": "ok", "5xx": "retry", "timeout": "unknown"}: keys are a status, a class, or
 * dns | connect | tls | timeout | broken | auth; values ok | retry | reject | down | unknown. A single
 * status goes before a class. 0, -1 with err. */
int bb_http_outcomes_read(struct bb_bytes conf, struct bb_http_outcomes *out, struct bb_error *err);
/* Retry-After (RFC 9110, 10.2.3): seconds or a date, as milliseconds from now_s (seconds since
 * 1970). 0 when it is neither or lies in the past; at most a day. */
uint32_t bb_http_retry_after(struct bb_bytes value, int64_t now_s);

/* ---- the client --------------------------------------------------------------------------------- */
struct bb_http_oauth { /* RFC 6749, 4.4; token_url NULL: none */
    const char *token_url, *client_id, *client_secret;
    const char *scope, *audience; /* NULL: not sent */
    int32_t in_body;              /* the client's id and secret as fields of the form, not as Basic */
};
struct bb_http_config { /* zero it, then set; strings are copied */
    const char *base;   /* put before a path that starts with "/", without user or password */
    const char *user, *password; /* Basic */
    const char *bearer;          /* or this token */
    struct bb_http_oauth oauth;  /* or one that is fetched */
    const char *csrf_path;       /* where to GET a session with x-csrf-token: Fetch; NULL: none */
    /* PEM files, looked at once a second: what changed is used for new connections, the old ones
     * are not used again. */
    const char *ca_file;         /* instead of the system's authorities */
    const char *cert_file, *key_file, *key_password; /* the client's own; key NULL: in cert_file */
    const char *cert_pem, *key_pem;                  /* or as texts, from secrets */
    const char *proxy;           /* NULL: none, whatever the environment says */
    const char *agent;           /* User-Agent, NULL: "busbar" */
    uint32_t connect_ms;         /* 0: 5,000 */
    uint32_t timeout_ms;         /* when a call gives none; 0: 30,000 */
    uint32_t connections;        /* most at once, 0: 64 */
    uint32_t pause_ms;           /* for a 429 or 503 without Retry-After; 0: 2,000 */
    size_t max_response;         /* bytes of a body, 0: 1 MiB */
    size_t max_headers;          /* bytes of all headers of an answer, 0: 64 KiB */
    size_t max_request;          /* bytes of a body, 0: 64 MiB */
    struct bb_http_outcomes outcomes;
};
struct bb_http;
/* NULL with err: no memory, a base that is no http(s) URL, a file that cannot be read. Opens no
 * connection. */
struct bb_http *bb_http_new(const struct bb_http_config *conf, struct bb_error *err);
/* The same from an endpoint's config: keys auth {basic, bearer, oauth2}, csrf, tls, proxy,
 * connect_timeout, timeout, connections, pause, max_response, outcomes, as docs/plugins.md has their
 * schema; secrets are asked of the host. more: base, agent and what else the connector wants, NULL
 * members are filled in. OK, or why not with err. */
bb_status bb_http_from_conf(const struct bb_ctx *ctx, struct bb_bytes conf,
                            const struct bb_http_config *more, struct bb_http **out,
                            struct bb_error *err);
/* Cancels what is open (done() is called), closes, sets *cp to NULL. */
void bb_http_free(struct bb_http **cp);
/* Sends, receives, calls done(); waits at most timeout_ms for that or for one of the n
 * descriptors, whose revents it sets. fds may be NULL with n 0. */
void bb_http_wait(struct bb_http *c, struct bb_pollfd *fds, size_t n, uint32_t timeout_ms);
uint32_t bb_http_open(const struct bb_http *c); /* calls that have no answer yet */

struct bb_http_answer {
    unsigned code;           /* status or BB_HTTP_E_* */
    bb_status outcome;       /* by the table */
    uint32_t retry_after_ms; /* with RETRY or DOWN: the system's wish, 0 none */
    int truncated;           /* the body went past max_response and was dropped */
    int32_t sent;            /* 0: surely not one byte of the request went out */
    struct bb_bytes body, type;
    const char *text;        /* one line for people, no secrets, "" with OK */
    void *easy;
};
struct bb_http_call {
    struct bb_buf url;   /* starts as base + path; may be added to */
    struct bb_buf body;
    uint32_t timeout_ms; /* for all of it, waiting for a token too; 0: the client's */
    size_t max_response; /* bytes of the answer's body, 0: the client's */
    int32_t repeatable;  /* starts as 1 for GET, HEAD, PUT, DELETE, OPTIONS */
    /* Called once, from wait(), cancel() or free(). May start new calls. */
    void (*done)(struct bb_http_call *call, const struct bb_http_answer *a);
    void *arg;
    uint64_t tag; /* yours too: a delivery's token, say */
};
/* path: "/..." behind base, a whole URL, or "". NULL without memory. */
struct bb_http_call *bb_http_call_new(struct bb_http *c, const char *method, const char *path);
/* -1: a name or value that cannot be a header (control characters), too many, no memory. */
int bb_http_call_header(struct bb_http_call *call, const char *name, struct bb_bytes value);
/* 0: done() will follow. -1: it could not be started (no memory, body or URL too long). The call
 * is the client's again. */
int bb_http_send(struct bb_http_call *call);
/* Ends it now: done() with BB_HTTP_E_CANCELLED, outcome CANCEL when nothing was sent, otherwise as
 * for BB_HTTP_E_BROKEN. */
void bb_http_cancel(struct bb_http_call *call);
/* Gives back a call that was not sent. */
void bb_http_call_drop(struct bb_http_call *call);
/* 1: the URL is at base's host, where credentials go; 0. */
int bb_http_is_home(const struct bb_http *c, const char *url);
/* The URL that was asked, inside done(). */
const char *bb_http_answer_url(const struct bb_http_answer *a);
/* A header of the answer, inside done(): 1 found, 0. */
int bb_http_answer_header(const struct bb_http_answer *a, const char *name, struct bb_bytes *out);
/* Fills err from the answer: text, retry_after_ms, the status as vendor_code. Returns its outcome. */
bb_status bb_http_answer_error(const struct bb_http_answer *a, struct bb_error *err);

/* Ends a delivery with what its answer comes to: done() with the outcome, the error, and with OK a JSON
 * body of at most 1 MiB as the reply. */
void bb_http_finish(const struct bb_ctx *ctx, bb_token t, const struct bb_http_answer *a);

/* ---- templates ------------------------------------------------------------------------------------ */
/* "/items/{item}/lots/{data:/lot}?key={key}": an attribute, {data:/pointer}, {key} or {short_key};
 * values are percent-encoded but for RFC 3986's unreserved characters. */
struct bb_http_template;
struct bb_http_template *bb_http_template_new(const char *text, struct bb_error *err);
void bb_http_template_free(struct bb_http_template **tp);
/* Appends it for one message. 0, or -1 with err (REJECT's text): the message lacks a value, or
 * one is no string or number. */
int bb_http_template_put(const struct bb_http_template *t, const struct bb_msg_view *m,
                         struct bb_buf *out, struct bb_error *err);
/* The same without percent-encoding, for a header's value. */
int bb_http_template_text(const struct bb_http_template *t, const struct bb_msg_view *m,
                          struct bb_buf *out, struct bb_error *err);

#ifdef __cplusplus
}
#endif
#endif
