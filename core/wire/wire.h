/*
 * wire.h - frames between the hub and its hosts (docs/protocol.md)
 *
 * Frames are built into a bb_buf and read in place from a received zmq message; nothing is kept.
 * Reading is bounds-checked: a host process is not trusted. Thread: any.
 */
#ifndef BB_WIRE_H
#define BB_WIRE_H

#include <stdbool.h>
#include <busbar/message.h>

#define BB_WIRE_VERSION 0
#define BB_WIRE_INPROC "inproc://busbar-hub"
#define BB_WIRE_BATCH_MAX 4096 /* items in one frame */
#define BB_WIRE_CHILDREN_MAX 16384 /* messages that one delivery became */

enum bb_frame_kind {
    BB_F_HELLO = 1, BB_F_READY, BB_F_SUBMIT, BB_F_RESULT, BB_F_ALIVE, BB_F_LOG, BB_F_STOPPED,
    BB_F_METRIC, BB_F_ASK,
    BB_F_WELCOME = 65, BB_F_DELIVER, BB_F_ACKED, BB_F_CREDIT, BB_F_CANCEL, BB_F_STOP, BB_F_PING,
    BB_F_INTAKE, BB_F_QUERY, BB_F_ANSWER
};
/* A RESULT's status beside bb_status: not sent yet; its body is to be kept, then it comes again. */
#define BB_WIRE_RENDERED 3
#define BB_DELIVER_OP 0u
#define BB_DELIVER_PROBE 1u
#define BB_DELIVER_REDELIVERY 1u
#define BB_DELIVER_BEHIND 4u /* of the same lane as the item before it: only after that was applied */
#define BB_DELIVER_RENDERED 2u
#define BB_ERROR_QUARANTINE 1u /* it goes there, whatever the route says of failures */
#define BB_ERROR_UNASKED 2u    /* the host's own: the plugin was not given it */

/* An item of a list inside a frame, read one at a time with bb_frame_next_*(). */
struct bb_w_deliver {
    uint64_t token;
    uint32_t op, route, attempt, flags, budget_ms;
    struct bb_bytes key, short_key, whole;
    struct bb_bytes attributes; /* the accepted message's, a map; empty: as in whole */
};
struct bb_w_result {
    uint64_t token;
    int32_t status;
    struct bb_bytes reply;       /* empty ptr: nil */
    bool has_error;
    struct bb_bytes vendor_code, text;
    uint32_t retry_after_ms, error_flags; /* BB_ERROR_*; part of the error */
    struct bb_bytes body;        /* empty ptr: nil */
    struct bb_bytes children;    /* n_children bin values, one after the other: what it became */
    uint32_t n_children;
};
/* A question to an endpoint: ASK on its way to the hub, QUERY on its way to who answers it. */
struct bb_w_query {
    uint64_t token; /* ASK: the asker's own number */
    struct bb_bytes endpoint, op, request; /* QUERY: endpoint is "" */
    uint32_t budget_ms;
};
struct bb_w_acked {
    uint64_t cookie, first, last, state_version;
    int32_t status;
    uint32_t duplicates;
    struct bb_bytes text;
};

/* The head of any frame, and its own members; list: a cursor at the first item, n items. */
struct bb_frame {
    uint32_t kind;
    uint64_t session;
    union {
        struct { uint32_t protocol, worker; int64_t pid; struct bb_bytes endpoint, secret, info; } hello;
        struct { int32_t status; struct bb_bytes text; } ready;
        struct { uint64_t cookie, state_expected; bool has_state; struct bb_bytes state; } submit;
        struct { uint32_t busy_ms; int32_t status; struct bb_bytes text; } alive;
        struct { uint32_t level; struct bb_bytes text, attrs; } log;
        struct { struct bb_bytes map; } welcome;
        struct { uint64_t messages, bytes; } credit;
        struct { uint32_t budget_ms; } stop;
        struct { bool open; uint32_t retry_after_s; struct bb_bytes text; } intake;
    };
    struct bb_cur list;
    uint32_t n;
};
/* Reads a frame's head; its list is checked item by item as it is read. 0, -1 err says what. */
int bb_frame_read(struct bb_bytes bytes, struct bb_frame *f, struct bb_fault *err);
/* Next item: 1 read, 0 no more, -1 malformed. */
int bb_frame_next_deliver(struct bb_frame *f, struct bb_w_deliver *out);
int bb_frame_next_result(struct bb_frame *f, struct bb_w_result *out); /* RESULT, ANSWER */
int bb_frame_next_query(struct bb_frame *f, struct bb_w_query *out);   /* ASK, QUERY */
/* Of a result's children, from bb_cur_of(children): false when there are no more. */
bool bb_result_next_child(struct bb_cur *c, struct bb_bytes *whole);
int bb_frame_next_acked(struct bb_frame *f, struct bb_w_acked *out);
int bb_frame_next_message(struct bb_frame *f, struct bb_bytes *out); /* SUBMIT */
int bb_frame_next_token(struct bb_frame *f, uint64_t *out);          /* CANCEL */
int bb_frame_next_metric(struct bb_frame *f, struct bb_bytes *name, uint32_t *kind, double *v);

/* Writers. Lists: *_begin() with a count that is patched by _end(); items between. A list's count
 * is always written as array32, so that it can be patched. */
void bb_put_hello(struct bb_buf *b, const char *endpoint, uint32_t worker, struct bb_bytes secret,
                  int64_t pid, struct bb_bytes info);
void bb_put_ready(struct bb_buf *b, uint64_t session, int32_t status, const char *text);
/* nil state when state is NULL; then n messages follow by bb_put_bin(). */
void bb_put_submit(struct bb_buf *b, uint64_t session, uint64_t cookie, const struct bb_state *state,
                   uint32_t n);
void bb_put_alive(struct bb_buf *b, uint64_t session, uint32_t busy_ms, int32_t status, const char *text);
void bb_put_log(struct bb_buf *b, uint64_t session, uint32_t level, struct bb_bytes text,
                struct bb_bytes attrs);
void bb_put_stopped(struct bb_buf *b, uint64_t session);
void bb_put_welcome(struct bb_buf *b, uint64_t session, struct bb_bytes map);
void bb_put_credit(struct bb_buf *b, uint64_t session, uint64_t messages, uint64_t bytes);
void bb_put_stop(struct bb_buf *b, uint64_t session, uint32_t budget_ms);
void bb_put_ping(struct bb_buf *b, uint64_t session);
void bb_put_intake(struct bb_buf *b, uint64_t session, bool open, uint32_t retry_after_s, const char *text);

struct bb_list { size_t at; uint32_t n; }; /* where the count stands */
struct bb_list bb_list_begin(struct bb_buf *b, uint32_t kind, uint64_t session); /* RESULT DELIVER ACKED CANCEL METRIC ASK QUERY ANSWER */
void bb_list_end(struct bb_buf *b, const struct bb_list *l);
void bb_list_deliver(struct bb_buf *b, struct bb_list *l, const struct bb_w_deliver *d);
void bb_list_result(struct bb_buf *b, struct bb_list *l, const struct bb_w_result *r);
void bb_list_query(struct bb_buf *b, struct bb_list *l, const struct bb_w_query *q);
void bb_list_acked(struct bb_buf *b, struct bb_list *l, const struct bb_w_acked *a);
void bb_list_token(struct bb_buf *b, struct bb_list *l, uint64_t token);
void bb_list_metric(struct bb_buf *b, struct bb_list *l, const char *name, uint32_t kind, double v);

#endif
