/*
 * internal.h - a request and the table that says who answers it
 */
#ifndef BB_ADMIN_INTERNAL_H
#define BB_ADMIN_INTERNAL_H

#include "core/admin/admin.h"
#include "core/admin/report.h"
#include "core/base/base.h"

#define BB_SEGMENT_MAX 512 /* bytes of one decoded part of a path, with its NUL */

struct bb_path;
struct bb_call { /* one request; lives on its connection's thread */
    const struct bb_admin_options *o;
    int64_t started_ms; /* the server */
    const struct bb_path *path; /* NULL: status says what is wrong with it */
    /* from the path, decoded */
    char name[BB_SEGMENT_MAX]; /* {endpoint}, {route}, {id} */
    uint64_t seq;              /* {seq} */
    /* from the query; empty or 0 when absent */
    char route[64];
    uint64_t from, max;
    bool overtaken;
    struct bb_buf body;
    bool too_large; /* the body was; it is not kept */
    bool packed;    /* the body is canonical bytes, not JSON */
    char who[32];   /* "uid 0" */
    /* the answer */
    unsigned status;
    const char *type; /* content type */
    unsigned retry_after_s;
    const char *allow; /* with 405 */
    struct bb_buf out;
};
struct bb_path {
    const char *method, *pattern;
    void (*answer)(struct bb_call *c, int what);
    int what; /* which of those that are answered alike */
};
extern const struct bb_path bb_admin_paths[]; /* ends with an empty method */

/* Finds who answers; fills c's parts of the path. NULL: c->status is 404, 405 (c->allow) or 400. */
const struct bb_path *bb_admin_match(const struct bb_path *table, const char *method,
                                     const char *url, struct bb_call *c);
/* A listening socket, or -1. */
int bb_admin_listen(const char *address, struct bb_fault *err);
/* Percent-decoding into out: 0, or -1 (bad escape, a NUL, too long). */
int bb_admin_decode(const char *in, size_t len, char *out, size_t cap);
/* An RFC 9457 problem as the answer. */
void bb_admin_problem(struct bb_call *c, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Prometheus text from the status value (msgpack). */
void bb_admin_metrics(struct bb_bytes status, struct bb_buf *out);

#endif
