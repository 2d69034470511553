/*
 * http.h - the simulated plant's HTTP/1.1 server: one thread, epoll, keep-alive
 *
 * Deliberately shares no code with Busbar: a fault in Busbar's own HTTP or JSON must not be able to
 * hide behind the same fault here. The handler is called once per request and answers it by exactly
 * one of plant_reply(), plant_reset(), plant_hang() or plant_wait(); after plant_wait() it is called
 * again, with woken set and the same request, also when the caller has gone away meanwhile: a real
 * system finishes what it began.
 */
#ifndef PLANT_HTTP_H
#define PLANT_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plant_text { /* borrowed bytes, not terminated */
    const char *p;
    size_t n;
};

struct plant_request {
    struct plant_text method, path, head, body; /* head: all header lines */
    bool woken;    /* plant_wait() ended */
    uint32_t note; /* what plant_wait() was given */
};

struct plant_server;
struct plant_conn;

struct plant_server_options {
    const char *host; /* an IPv4 address */
    uint16_t port;    /* 0: any free one */
    size_t max_body;
    void (*handle)(void *arg, struct plant_conn *c, const struct plant_request *rq);
    void (*before_send)(void *arg); /* each turn, before its answers leave; may be NULL */
    void *arg;
};

/* NULL with a line on stderr when the port cannot be had. */
struct plant_server *plant_server_new(const struct plant_server_options *o);
uint16_t plant_server_port(const struct plant_server *s);
/* Serves until *stop is not zero (looked at each 200 ms and after a signal). 0 or -1. */
int plant_server_run(struct plant_server *s, const atomic_int *stop);
void plant_server_free(struct plant_server **sp);
size_t plant_server_connections(const struct plant_server *s);

/* extra: further header lines, each with its CRLF, or "". */
void plant_reply(struct plant_conn *c, int status, const char *extra, const char *body, size_t n);
void plant_answer(struct plant_conn *c, int status, const char *type, const char *extra,
                  const char *body, size_t n); /* the same with a media type */
/* What may follow an answer: its body ends half way and the connection closes; it leaves after ms,
 * chunk bytes ten times a second (0: all at once). */
void plant_cut(struct plant_conn *c);
void plant_slow(struct plant_conn *c, uint32_t ms, size_t chunk);
void plant_reset(struct plant_conn *c);                          /* RST, no answer */
void plant_hang(struct plant_conn *c);                           /* never answers */
void plant_wait(struct plant_conn *c, uint32_t ms, uint32_t note); /* calls the handler again */

/* A header's value, name in lower case; false when it is not there. */
bool plant_header(const struct plant_request *rq, const char *name, struct plant_text *value);
bool plant_text_is(struct plant_text t, const char *s);
int64_t plant_now_ms(void); /* monotonic */

#endif
