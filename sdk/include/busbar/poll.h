/*
 * poll.h - a source that asks: pages of a feed, one by one, with a durable cursor
 *
 * A round begins with the cursor that is stored, follows `next` to the last page and ends. Each page
 * is submitted together with the place reached (cursor, the highest value seen, the next page), as one
 * operation: after a crash the round goes on where the journal stands, and what comes twice
 * is dropped by the endpoint's claims, because a record's message has the same id each time. The
 * cursor moves at the end of a round only, so a feed need not be sorted. A next page that the system does not
 * know any more sends the round back to its cursor.
 *
 * Errors wait: Retry-After if the system says so, else a pause that doubles to backoff_max. A page
 * that cannot be read, or that the host refuses, holds the feed there (nothing is skipped), says why in
 * health and log, and is asked for again after the pause.
 *
 *     create:  bb_poll_new(&conf, &poll, err)         start:  bb_poll_start(poll, err)
 *     wait:    timeout = bb_poll_before(poll, timeout); bb_http_wait(client, ...); bb_poll_after(poll);
 *     acked:   bb_poll_acked(poll, cookie, status, receipt)     resume: bb_poll_resume(poll)
 *     stop:    bb_poll_stop(poll)                     destroy: bb_poll_free(&poll), then the client
 *
 * Thread: the client's. Memory: one page of max_page bytes, and what it comes to as values; at most
 * max_messages messages at once.
 */
#ifndef BUSBAR_POLL_H
#define BUSBAR_POLL_H

#include <busbar/http.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BB_POLL_CURSOR_MAX 4096

#define BB_NEXT_NONE 0    /* every answer is the last page */
#define BB_NEXT_POINTER 1 /* a link in the body */
#define BB_NEXT_LINK 2    /* the header Link with rel=next */
#define BB_NEXT_ODATA 3   /* @odata.nextLink, or V2's __next */

struct bb_poll_conf { /* zero it, then set; all is copied but ctx, client, arg and the functions' */
    const struct bb_ctx *ctx;
    struct bb_http *client;
    const char *url;     /* "/path?query" behind the client's base; {cursor} in it is replaced */
    const char *records; /* pointer to the array; "" the whole body is it */
    int next;            /* BB_NEXT_* */
    const char *next_pointer;
    const char *cursor_pointer; /* in a record, or in the page with cursor_of_page; NULL: no cursor */
    const char *cursor_param;   /* query parameter; NULL: {cursor} stands in url */
    const char *cursor_start;   /* its first value; NULL: none, the parameter is left out */
    int cursor_of_page;
    int64_t interval_ms;    /* from the end of a round to the next; 0: 60,000 */
    uint32_t jitter;        /* percent of it, either way, at random; most 100 */
    int64_t backoff_max_ms; /* 0: 300,000 */
    size_t max_messages;    /* in one submit, 0: 500, most 4096 */
    size_t max_page;        /* bytes of an answer, 0: 8 MiB */
    /* Appends the message for one record (a value) of a page. 1 done, 0 not wanted, -1 with err. */
    int (*message)(void *arg, struct bb_bytes record, struct bb_buf *out, struct bb_error *err);
    /* Adds headers and the like to a request; NULL: nothing. */
    void (*request)(void *arg, struct bb_http_call *call);
    /* The body as a value; NULL: it is JSON. 0, -1 with err. */
    int (*body)(void *arg, const struct bb_http_answer *a, struct bb_buf *out, struct bb_fault *err);
    void *arg;
};

struct bb_poll;
/* Reads `poll: {url, interval, jitter, records, next, cursor, ...}` into conf; its texts belong to the
 * caller as one block, *texts, to be freed after bb_poll_new(). OK, or why not. */
bb_status bb_poll_conf_read(struct bb_bytes poll, struct bb_poll_conf *conf, char **texts,
                            struct bb_error *err);
/* The poll of an endpoint's config, key `poll`; more has ctx, client, message and the like. *out is NULL,
 * with OK, when there is no such key or the routes do not use this instance as their source: every
 * function below then does nothing. */
bb_status bb_poll_from_conf(struct bb_bytes conf, const struct bb_poll_conf *more, struct bb_poll **out,
                            struct bb_error *err);
/* OK, CONFIG or RETRY with err. Sends nothing. */
bb_status bb_poll_new(const struct bb_poll_conf *conf, struct bb_poll **out, struct bb_error *err);
void bb_poll_free(struct bb_poll **pp); /* cancels its request */
/* Reads the stored state; the first request follows at once. OK, or why not. */
bb_status bb_poll_start(struct bb_poll *p, struct bb_error *err);
/* How long wait() may wait at most. */
uint32_t bb_poll_before(struct bb_poll *p, uint32_t timeout_ms);
/* Does what is due. */
void bb_poll_after(struct bb_poll *p);
/* 1: the cookie was of this poll, 0. */
int bb_poll_acked(struct bb_poll *p, uint64_t cookie, bb_status s, const struct bb_receipt *r);
void bb_poll_resume(struct bb_poll *p);
/* Ends the request at once; nothing is submitted any more. What was submitted is committed whole or not. */
void bb_poll_stop(struct bb_poll *p);
bb_status bb_poll_health(const struct bb_poll *p, struct bb_error *why);

#ifdef __cplusplus
}
#endif
#endif
