/*
 * load.h - bench-load's parts: options, one connection, the bodies it sends
 *
 * Thread: one. Each lane belongs to one connection, and a connection has one request open, so that
 * a lane's numbers leave in order; a request that failed is sent again unchanged before the next.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/bench/hist.h"

struct load_options {
    struct sockaddr_in to;
    char host[64], path[512];
    const char *header, *accepted, *prefix, *type, *source;
    uint32_t connections, batch, lanes, idle_ms;
    uint64_t messages; /* 0: no bound */
    double seconds, rate;
    size_t body; /* bytes of one event */
    bool retry, data_only;
};

struct load_conn {
    int fd; /* -1: not connected */
    uint32_t index;
    bool open;         /* a request is under way, or waits to be sent again */
    uint64_t next;     /* next number of this connection */
    uint64_t made;     /* requests of this connection */
    uint32_t n;        /* events in the request */
    uint64_t first;    /* number of the first of them */
    int64_t due_us;    /* when it should have left (rate) or left */
    int64_t again_us;  /* not before: connect or send */
    char *out;         /* head and body, kept for a repeat */
    size_t out_len, out_off, out_cap;
    char in[4096];
    size_t in_len;
};

/* Writes the request for c->n events from c->first on. 0 or -1. */
int load_request_make(const struct load_options *o, struct load_conn *c, int64_t at_us);
/* The id of one event. */
int load_id_write(const struct load_options *o, const struct load_conn *c, uint64_t number,
                  char *buf, size_t cap);

enum load_answer { LOAD_MORE, LOAD_ANSWER, LOAD_BAD };
/* Reads an answer at the buffer's start and takes it out of the buffer. */
enum load_answer load_answer_read(struct load_conn *c, int *status, int *retry_after_s, bool *close);

#endif
