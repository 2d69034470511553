/*
 * sink.h - what sink.c and sink_conf.c share
 */
#ifndef BB_PLUGIN_HTTP_SINK_H
#define BB_PLUGIN_HTTP_SINK_H

#include "body.h"
#include "http.h"

#define BATCH_MAX 4096
#define HEADERS_MAX 24

struct header {
    char *name;
    struct bb_http_template *value;
};
struct job { /* one request */
    struct sink *sink;
    struct job *next, *prev;
    struct bb_http_call *call;
    int probe;
    size_t n, cap;
    bb_token *t;
    const bb_msg **m; /* referenced; only in a batch */
    bb_token one;
};
struct sink {
    bb_inst *inst;
    struct bb_http *client;
    struct bb_http_template *path, *probe_path;
    char *method, *probe_method, *content_type;
    struct header headers[HEADERS_MAX];
    size_t n_headers;
    enum body_form body;
    enum batch_form batch;
    size_t batch_max, batch_bytes; /* batch_max 0: one request a message */
    int idempotent;
    uint32_t timeout_ms;
    int64_t applied[16], not_applied[16];
    size_t n_applied, n_not_applied;
    struct job *open, *unused;
    struct bb_buf reply;
    bb_status last; /* outcome of the last request, for health() */
    char last_text[160];
};

#endif
