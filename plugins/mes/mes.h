/*
 * mes.h - what the files of the mes connector share
 *
 * Out: a message becomes a B2MML 7 transaction (bod.c has the table, bill.c, routing.c and order.c write the
 * nouns), is posted, and its ConfirmBOD decides (sink.c, confirm.c). In: a feed of operations performances,
 * each segment a production report (performance.c). Questions: query.c. Everything runs on the instance's
 * thread; there is no lock.
 *
 * Ownership: the instance owns client, poll and mappings; config is copied in create().
 */
#ifndef BB_PLUGIN_MES_H
#define BB_PLUGIN_MES_H

#include <busbar/http.h>
#include <busbar/poll.h>
#include <busbar/xml.h>

#define MES_NS "http://www.mesa.org/xml/B2MML"
#define MES_DOCUMENT_MAX (32u << 20) /* bytes of one transaction */
#define MES_LINES_MAX 20000u

struct mes_conf {
    char *base, *post, *confirmations, *orders, *bills, *performances;
    char *plant;   /* for messages that name none; "": refused */
    char *zone;    /* "+01:00" or "Z": of instants without one */
    char *source;  /* of the messages that we make */
    int scheme;    /* BB_SCHEME_* of the system's unit codes */
    uint32_t timeout_ms;
};

struct bb_inst {
    struct bb_ctx ctx;
    struct mes_conf conf;
    struct bb_http *client;
    struct bb_poll *poll; /* NULL: this instance does not receive */
    struct bb_xml_map *confirm_map, *performance_map, *order_map, *bill_map;
    int stopping;
    int64_t stop_at_ms;
    struct bb_buf reply, tmp;
    struct job *jobs;
    bb_status last; /* outcome of the last call, for health() */
    char last_text[200];
};

/* ---- xml.c: elements out; what XML cannot hold makes `bad` --------------------------------------- */
struct xml {
    struct bb_buf *b;
    int bad;
};
void xml_open(struct xml *x, const char *name);
void xml_close(struct xml *x, const char *name);
void xml_put(struct xml *x, const char *name, struct bb_bytes text); /* nothing when there is none */
void xml_attr_put(struct xml *x, const char *name, const char *attr, const char *value, struct bb_bytes text);

/* ---- values of a tree that bb_xml_read() gave ----------------------------------------------------- */
/* The text at a pointer, also where the element has attributes or is the first of several; or none. */
struct bb_bytes tree_text(struct bb_bytes value, const char *pointer);
/* Walks the elements at a pointer, one or several. */
struct tree_iter {
    struct bb_bytes one;
    struct bb_iter it;
    int many;
};
void tree_walk(struct bb_bytes value, const char *pointer, struct tree_iter *w);
int tree_next(struct tree_iter *w, struct bb_bytes *out);
/* Reads a whole document into b (its root's value). 0, -1 with err. */
int tree_read(const struct bb_xml_map *map, struct bb_bytes text, struct bb_buf *b, struct bb_fault *err);

/* ---- maps and lists whose length is not known before ---------------------------------------------- */
struct open { /* of what is being written */
    struct bb_buf *b;
    size_t at;
    uint32_t n;
};
struct open map_open(struct bb_buf *b);
struct open list_open(struct bb_buf *b);
void open_end(struct open *o);
void map_key(struct open *o, const char *key); /* the value follows */
void map_text(struct open *o, const char *key, struct bb_bytes text); /* nothing when empty */

/* ---- bod.c ------------------------------------------------------------------------------------------ */
struct bod { /* one transaction being written */
    const struct mes_conf *conf;
    const struct bb_msg_view *v;
    struct bb_envelope e;
    struct xml x;
    struct bb_bytes plant;
    const char *verb;
    struct bb_error *err;
};
/* Writes the transaction for a message into b. OK, or REJECT with err. */
bb_status bod_make(const struct mes_conf *conf, const struct bb_msg_view *v, struct bb_buf *b, struct bb_error *err);
void bod_scope(struct bod *d);
/* A quantity {value, unit, sourceUnit} as Quantity; nothing when there is none. */
void bod_quantity(struct bod *d, struct bb_bytes value, const char *pointer);
/* A date or instant as xsd:dateTime: a date is the midnight that begins it, in the plant's own time. */
void bod_time(struct bod *d, const char *name, struct bb_bytes value, const char *pointer);
/* bill.c, routing.c, order.c: the noun. OK, or REJECT with d->err. */
bb_status bill_put(struct bod *d);
bb_status routing_put(struct bod *d);
bb_status order_put(struct bod *d);

/* ---- confirm.c: what an answer comes to -------------------------------------------------------------- */
/* The status for a delivery, err filled; with OK i->reply holds the reply, or is empty. */
bb_status confirm_read(bb_inst *i, const struct bb_http_answer *a, struct bb_error *err);
extern const struct bb_http_outcomes mes_outcomes;

/* ---- sink.c, query.c --------------------------------------------------------------------------------- */
struct job { /* one call whose token is open */
    bb_inst *i;
    struct job *next, **back;
    struct bb_http_call *call;
    bb_token t;
    void (*answer)(struct job *j, const struct bb_http_answer *a);
};
/* A call for a token, path behind base_url; NULL without memory. */
struct job *job_new(bb_inst *i, bb_token t, const char *method, const char *path);
/* PENDING, or RETRY with err; the job is gone then. */
bb_status job_send(struct job *j, uint32_t budget_ms, struct bb_error *err);
void job_drop(struct job *j);
bb_status sink_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err);
bb_status sink_probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err);
bb_status query_ask(bb_inst *i, const char *op, const bb_msg *m, bb_token t, struct bb_error *err);

/* ---- performance.c ------------------------------------------------------------------------------------ */
/* Functions of bb_poll_conf: the page's reports, then one message each. */
int performance_body(void *arg, const struct bb_http_answer *a, struct bb_buf *out, struct bb_fault *err);
int performance_message(void *arg, struct bb_bytes record, struct bb_buf *out, struct bb_error *err);
/* report.c: the data of one segment's report appended to out. 0, -1 with err: it cannot be read. */
struct report {
    const struct mes_conf *conf;
    struct bb_bytes performance, response, segment;
    struct bb_bytes id, item, plant; /* id is given; item and plant are found */
};
int report_put(struct report *r, struct bb_buf *out, struct bb_error *err);

#endif
