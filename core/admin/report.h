/*
 * report.h - what the journal says about deliveries, as msgpack values for JSON and tables
 *
 * One source for the HTTP API and for the CLI, which reads the state folder by itself and so works
 * beside a running core and without one. Thread: any, a view each; reads only. Bounded: a list is
 * cut at its maximum and says so.
 */
#ifndef BB_REPORT_H
#define BB_REPORT_H

#include "core/journal/journal.h"

#define BB_REPORT_MAX 1000u         /* deliveries in one list */
#define BB_REPORT_BYTES (64u << 20) /* of one answer */

enum bb_report_kind {
    BB_REPORT_QUARANTINE, /* {"deliveries": [{route, seq, state, since, reason, ..}], "next": seq} */
    BB_REPORT_HELD,       /* the same; next is nil at the end */
    BB_REPORT_DELIVERY,   /* one with its message, history and how to mend it */
    BB_REPORT_TRACE       /* every message with this correlation id, event id or number and what
                             became of it: {"id", "notes": [..], "messages": [{.., "routes": [..]}]} */
};
struct bb_query {
    enum bb_report_kind kind;
    const char *state_dir; /* TRACE: of the index */
    const char *route;     /* lists: NULL for all; DELIVERY */
    const char *id;        /* TRACE */
    uint64_t seq;          /* lists: where to begin; DELIVERY; TRACE without an id: this one */
    size_t max;            /* lists; 0: 100 */
};
/* 1; 0 when there is no such thing, and err says what; -1 with err. A trace that found nothing is
 * in out all the same. */
int bb_report(struct bb_view *view, const struct bb_query *q, struct bb_buf *out,
              struct bb_fault *err);

/* A message as a CloudEvent map: its attributes, then data. */
void bb_report_event(struct bb_bytes whole, struct bb_buf *out);

/* ---- an array or a map whose length is known at its end -------------------------------------- */
struct bb_rows {
    struct bb_buf b;
    uint32_t n;
};
static inline struct bb_bytes bb_bytes_of(const struct bb_buf *b)
{
    return (struct bb_bytes){b->ptr, b->len};
}
void bb_rows_begin(struct bb_rows *l);
struct bb_buf *bb_rows_item(struct bb_rows *l); /* to write one more item to */
struct bb_buf *bb_rows_pair(struct bb_rows *m, const char *key); /* to write its value to */
void bb_rows_text(struct bb_rows *m, const char *key, const char *value);
void bb_rows_number(struct bb_rows *m, const char *key, uint64_t v);
void bb_rows_flag(struct bb_rows *m, const char *key, bool v);
void bb_rows_time(struct bb_rows *m, const char *key, uint64_t ms); /* nil when 0 */
void bb_rows_end_array(struct bb_rows *l, struct bb_buf *out);      /* both write it and free */
void bb_rows_end_map(struct bb_rows *m, struct bb_buf *out);

/* ---- between report.c, delivery.c and trace.c ------------------------------------------------ */
struct bb_report_name { uint32_t id; char name[64]; };
struct bb_report {
    struct bb_view *view;
    struct bb_report_name *routes;
    size_t n, cap;
};
#define BB_REPORT_ROUTES 64
struct bb_report_message {
    bool found, bad, conflict;
    uint64_t accept_ms;
    char endpoint[64];
    uint32_t routes[BB_REPORT_ROUTES]; /* its matches, else BB_ROUTE_UNMATCHED */
    size_t n_routes;
    struct bb_rows *keys; /* gets the pairs of its keys; or NULL */
    struct bb_buf *event; /* gets the whole; or NULL */
};
void bb_report_message(struct bb_report *r, uint64_t seq, struct bb_report_message *m);
/* "unmatched" for BB_ROUTE_UNMATCHED; "route 7" in out when the name is gone. */
const char *bb_report_route(const struct bb_report *r, uint32_t id, char out[64]);
/* The route's number: 1; 0 with err naming the nearest. */
int bb_report_route_id(const struct bb_report *r, const char *name, uint32_t *id,
                       struct bb_fault *err);
struct bb_report_story { /* what happened to a delivery */
    struct bb_rows rows;
    uint64_t last_ms;
    char reason[512]; /* of the last: its text, or its reason; a rule's place stands at its end */
};
/* rows is to be ended or freed. */
void bb_report_history_read(struct bb_report *r, uint32_t route, uint64_t seq,
                            struct bb_report_story *h);
/* The pairs of a delivery's row, and its history. */
void bb_report_row(struct bb_rows *m, const struct bb_row *row);
void bb_report_history(struct bb_report *r, uint32_t route, uint64_t seq, struct bb_rows *m);
int bb_report_delivery(struct bb_report *r, const struct bb_query *q, struct bb_buf *out,
                       struct bb_fault *err);
int bb_report_trace(struct bb_report *r, const struct bb_query *q, struct bb_buf *out,
                    struct bb_fault *err);

#endif
