/*
 * report.h - what the journal says about deliveries, as msgpack values for JSON and tables
 *
 * One source for the HTTP API and for the CLI, which reads the state folder by itself and so works
 * beside a running core and without one. Thread: one at a time a report; reads only. Bounded: a
 * list is cut at its maximum and says so. Returns 0 or -1 with err filled unless said.
 */
#ifndef BB_REPORT_H
#define BB_REPORT_H

#include "core/journal/journal.h"

#define BB_REPORT_MAX 1000u          /* deliveries in one list */
#define BB_REPORT_BYTES (64u << 20)  /* of one answer */

struct bb_report_name { uint32_t id; char name[64]; };
struct bb_report {
    struct bb_view *view; /* the caller's */
    struct bb_report_name *routes;
    size_t n, cap;
};
int bb_report_begin(struct bb_report *r, struct bb_view *view, struct bb_fault *err);
void bb_report_end(struct bb_report *r);
/* "unmatched" for BB_ROUTE_UNMATCHED; "route 7" in out when the name is gone. */
const char *bb_report_route(const struct bb_report *r, uint32_t id, char out[64]);
/* The route's number; -1 with err naming the nearest. */
int bb_report_route_id(const struct bb_report *r, const char *name, uint32_t *id,
                       struct bb_fault *err);

/* A message as a CloudEvent map: its attributes, then data. */
void bb_report_event(struct bb_bytes whole, struct bb_buf *out);

struct bb_report_filter {
    const char *route; /* NULL: all */
    uint64_t from_seq;
    size_t max;        /* 0: 100 */
    bool held, quarantined;
};
/* {"deliveries": [{route, seq, state, since, attempts, reason, id, type, item, ..}], "next": seq or nil} */
int bb_report_open(struct bb_report *r, const struct bb_report_filter *f, struct bb_buf *out,
                   struct bb_fault *err);
/* One delivery with message, history and how to mend it: 1; 0 not there; -1. */
int bb_report_delivery(struct bb_report *r, uint32_t route, uint64_t seq, struct bb_buf *out,
                       struct bb_fault *err);
/* Every message with this correlation id, event id or sequence number and what became of it:
 * {"id", "notes": [..], "messages": [{.., "routes": [{route, state, history}]}]}. 1, 0 none, -1. */
int bb_report_trace(struct bb_report *r, const char *state_dir, const char *id, struct bb_buf *out,
                    struct bb_fault *err);

/* ---- pieces of a report, shared by its two files ---- */
struct bb_rows { /* an array whose length is known at its end */
    struct bb_buf b;
    uint32_t n;
};
void bb_rows_begin(struct bb_rows *l);
void bb_rows_end(struct bb_rows *l, struct bb_buf *out); /* writes the array, frees */
void bb_report_text(struct bb_buf *b, const char *key, const char *value);
void bb_report_time(struct bb_buf *b, const char *key, uint64_t ms); /* nil when 0 */
/* key and the array of what happened to a delivery. */
void bb_report_history(struct bb_report *r, uint32_t route, uint64_t seq, struct bb_buf *out);

#endif
