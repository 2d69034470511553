/*
 * portal.h - what the files of the portal connector share
 *
 * Out: forecasts, change notices and acknowledgements of X12 become a post for one partner (kind.c, x12_forecast.c,
 * x12_ack.c), signed where the portal wants it (sign.c), and its answer decides (sink.c, fault.c). In: the portal's
 * feed is asked page by page; each entry is a ship notice, a commitment, a quality event or a 997, as JSON in the
 * model's shape or as X12 (feed.c, x12_ship.c, x12_commit.c, x12_ack.c).
 *
 * Thread: the instance's own; there is no lock. Ownership: the instance owns client, feed and calls (jobs); config is
 * copied in create().
 */
#ifndef BB_PLUGIN_PORTAL_H
#define BB_PLUGIN_PORTAL_H

#include <busbar/http.h>
#include <busbar/poll.h>
#include "x12.h"

#define PORTAL_X12 "application/edi-x12"
#define PORTAL_ACKNOWLEDGE "mfg.portal.acknowledge"     /* a 997 that we owe */
#define PORTAL_ACKNOWLEDGED "mfg.portal.acknowledged"   /* one that came */
#define PORTAL_UNREADABLE "mfg.portal.unreadable"
#define PORTAL_SECRET_MAX 256u

struct portal_conf {
    char *base, *forecasts, *changes, *acknowledgements, *submissions, *messages; /* paths behind base */
    char *partner; /* for messages that name none, or NULL */
    char *source;  /* of the messages that we make */
    char *zone;    /* of X12's times */
    char *sender, *sender_qualifier, *receiver_qualifier, *usage;
    char *key_header; /* of api_key */
    int forecast_x12, acknowledge, idempotent;
    uint32_t timeout_ms;
};

struct job;
struct bb_inst {
    struct bb_ctx ctx;
    struct portal_conf conf;
    struct bb_bytes raw; /* the whole config */
    struct bb_http *client;
    struct bb_poll *poll; /* NULL: this instance is no source */
    struct job *jobs;
    unsigned char secret[PORTAL_SECRET_MAX]; /* of signatures */
    size_t secret_len;                       /* 0: we do not sign */
    char api_key[PORTAL_SECRET_MAX];         /* "": none */
    int stopping;
    int64_t stop_at_ms;
    bb_status last; /* of the last call, for health() */
    char last_text[240];
};

/* ---- value.c: maps and lists whose length is not known before ---------------------------------------- */
struct open {
    struct bb_buf *b;
    size_t at;
    uint32_t n;
};
struct open map_open(struct bb_buf *b);
struct open list_open(struct bb_buf *b);
void open_end(struct open *o);
void map_key(struct open *o, const char *key);                        /* its value follows */
void map_text(struct open *o, const char *key, struct bb_bytes text); /* nothing when empty */
void map_int(struct open *o, const char *key, int64_t v);
void map_decimal(struct open *o, const char *key, const char *json); /* a number by its text */
/* {key: {"id": id}}, or nothing */
void map_id(struct open *o, const char *key, struct bb_bytes id);
/* {key: {value, unit}} */
void map_quantity(struct open *o, const char *key, const char *number, const char *unit);
/* The number at a pointer as text, "" when there is none. */
const char *number_text(struct bb_bytes data, const char *pointer, char out[64]);
/* May it stand in an attribute? */
int text_clean(struct bb_bytes s);

/* ---- kind.c -------------------------------------------------------------------------------------------- */
struct post { /* one message as a request */
    const struct portal_conf *conf;
    const struct bb_msg_view *v;
    struct bb_envelope e;
    struct bb_bytes partner;
    const char *media;
    const char *set; /* X12: which, else NULL */
    struct bb_buf *url, *body;
    struct bb_error *err;
};
/* Fills partner and media and writes URL and body. OK, or REJECT with err. */
bb_status post_make(struct post *p);
/* Appends path, where {partner} and {key} stand for theirs, percent-encoded. */
void path_put(struct bb_buf *b, const char *path, struct bb_bytes partner, struct bb_bytes key);

/* ---- X12 out: the body. OK, or REJECT with p->err ------------------------------------------------------------- */
bb_status x12_forecast_put(struct post *p); /* x12_forecast.c: 830 */
bb_status x12_ack_put(struct post *p);      /* x12_ack.c: 997 */
/* A beginning for both: the envelope, or REJECT. */
bb_status x12_post_begin(struct post *p, struct x12_out *o, struct x12_envelope *e, const char *function, const char *set);
bb_status x12_post_end(struct post *p, struct x12_out *o, const struct x12_envelope *e);

/* ---- X12 in: one set as the data of a message. 0, -1 with err ------------------------------------------------- */
struct found { /* beside the data; all point into the text */
    const char *type;
    struct bb_bytes id, item, plant, order;
};
int x12_ship_get(const struct portal_conf *c, const struct x12_set *set, struct bb_buf *out, struct found *f,
                 struct bb_fault *err);
int x12_commit_get(const struct portal_conf *c, const struct x12_set *set, struct bb_buf *out, struct found *f,
                   struct bb_fault *err);
int x12_ack_get(const struct portal_conf *c, const struct x12_set *set, struct bb_buf *out, struct found *f,
                struct bb_fault *err);
/* The reader for a set's number; NULL: none. */
typedef int x12_get(const struct portal_conf *, const struct x12_set *, struct bb_buf *, struct found *, struct bb_fault *);
x12_get *x12_reader(struct bb_bytes set);
/* The ids in pairs of qualifier and value from element k on, as an itemRef under key. 0: none of them is known. */
int x12_item_put(struct open *o, const char *key, const struct x12_seg *s, uint32_t k, struct bb_bytes *id);
/* value and unit in elements k and k + 1 as a quantity under key; nothing when k is empty. 0, -1 with err. */
int x12_quantity_put(struct open *o, const char *key, const struct x12_seg *s, uint32_t k, struct bb_fault *err);

/* ---- feed.c ----------------------------------------------------------------------------------------------------- */
/* Functions of bb_poll_conf: the page's entries as records, then one message each. */
int feed_body(void *arg, const struct bb_http_answer *a, struct bb_buf *out, struct bb_fault *err);
int feed_message(void *arg, struct bb_bytes record, struct bb_buf *out, struct bb_error *err);
/* The records of one entry appended to a list: {cursor, id, type, item, plant, subject, correlation, data}. 0, -1 with err:
 * it has no place in the feed. */
int entry_records(const struct portal_conf *c, struct bb_bytes entry, struct open *list, struct bb_fault *err);

/* ---- fault.c ---------------------------------------------------------------------------------------------------- */
extern const struct bb_http_outcomes portal_outcomes;
/* What an answer to a post comes to, err filled; with OK reply is filled or empty. set: the X12 set that was sent. */
bb_status answer_read(struct bb_inst *i, const struct bb_http_answer *a, const char *set, uint32_t control,
                      struct bb_buf *reply, struct bb_error *err);
/* 1: the answer is a refusal in the portal's own words, not one of something between. */
int answer_own(const struct bb_http_answer *a);
bb_status faults_check(struct bb_bytes conf, struct bb_error *err);

/* ---- sign.c ------------------------------------------------------------------------------------------------------- */
bb_status sign_read(bb_inst *i, struct bb_bytes conf, struct bb_error *err);
/* Adds the header of api_key, where there is one. 0, -1. */
int key_put(const bb_inst *i, struct bb_http_call *call);
/* Adds webhook-id, webhook-timestamp and webhook-signature. 0, -1. */
int sign_put(const bb_inst *i, struct bb_http_call *call, struct bb_bytes id, int64_t now_s);

/* ---- sink.c ------------------------------------------------------------------------------------------------------- */
struct job { /* one call whose token is open */
    bb_inst *i;
    struct job *next, **back;
    struct bb_http_call *call;
    bb_token t;
    const char *set;  /* X12 that was sent, else NULL */
    uint32_t control; /* its group's number */
    void (*answer)(struct job *j, const struct bb_http_answer *a);
};
bb_status sink_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err);
bb_status sink_probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err);

#endif
