/*
 * wms.h - what the files of the wms connector share
 *
 * Out: an inventory movement becomes an EPCIS 2.0 event (event_out.c), is posted to the capture interface, and the
 * capture job decides (sink.c, fault.c). In: the event query is asked page by page; an event becomes one movement
 * for each thing that it names (event_in.c). Questions: query.c. xml.c turns events between the two forms; all
 * other files know the JSON form alone, as values. Files instead of calls: drop_*.c.
 *
 * Thread: the instance's own; there is no lock. Ownership: the instance owns client, feed, folder and its calls
 * (jobs); config is copied in create().
 */
#ifndef BB_PLUGIN_WMS_H
#define BB_PLUGIN_WMS_H

#include <busbar/http.h>
#include <busbar/poll.h>

#define WMS_THINGS_MAX 10000u /* of one event */
#define WMS_OWN_EVENT "urn:busbar:event:" /* the key behind it makes the eventID of what we capture */

struct wms_conf {
    char *base, *capture, *events, *snapshot, *bins; /* paths behind base */
    char *item, *location, *document;                /* what the system's URIs begin with */
    char *ns;                                        /* of its extensions in XML */
    char *plant, *storage;                           /* for movements and questions that name none, or NULL */
    char *out;                                       /* folder for files instead of captures, or NULL */
    char *source;                                    /* of the messages that we make */
    int xml;
    uint32_t timeout_ms;
};

struct job;
struct drop;
struct bb_inst {
    struct bb_ctx ctx;
    struct wms_conf conf;
    struct bb_bytes raw; /* the whole config */
    struct bb_http *client;
    struct bb_poll *poll; /* NULL: this instance is no source */
    struct drop *drop;    /* NULL: no files */
    struct job *jobs;
    int stopping;
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
void map_value(struct open *o, const char *key, struct bb_bytes data, const char *pointer); /* when there */
/* The number at a pointer as text, "" when there is none; cap 64. */
const char *number_text(struct bb_bytes data, const char *pointer, char out[64]);

/* ---- uri.c: items, places and documents as URIs ------------------------------------------------------- */
struct epc {
    struct bb_bytes item, lot, serial; /* point into the buffer given */
};
/* Our own form or a GS1 one; anything else is the item's number as a whole. */
void epc_read(const struct wms_conf *c, struct bb_bytes uri, struct bb_buf *texts, struct epc *out);
void epc_put(const struct wms_conf *c, const struct epc *e, struct bb_buf *out);
/* Writes {plant, storageLocation, bin} as a map; a foreign place is its bin. plant: what it says, else {NULL, 0}. */
void place_put(const struct wms_conf *c, struct bb_bytes uri, struct bb_buf *out, struct bb_buf *texts, struct bb_bytes *plant);
/* The URI of a location value; nothing and 0 when it has no plant. */
int place_uri(const struct wms_conf *c, struct bb_bytes location, struct bb_bytes plant, struct bb_buf *out);
void document_uri(const struct wms_conf *c, struct bb_bytes reference, struct bb_buf *out);
/* A bizTransaction's URI as id and line. */
void document_read(const struct wms_conf *c, struct bb_bytes uri, struct bb_buf *texts, struct bb_bytes *id,
                   struct bb_bytes *line);

/* ---- kind.c ------------------------------------------------------------------------------------------- */
/* The business step of a movement's kind, NULL: this connector does not send such. */
const char *kind_step(struct bb_bytes kind);
int kind_known(struct bb_bytes kind);

/* ---- event_out.c, event_in.c --------------------------------------------------------------------------- */
/* The event of a movement as a value. OK, or REJECT with err. */
bb_status event_put(const struct wms_conf *c, const struct bb_msg_view *v, struct bb_buf *out, struct bb_error *err);
/* A page of the query as {"records": [{id, recordTime, item, plant, data}]}: for bb_poll. 0, -1 with err. */
int page_read(void *arg, const struct bb_http_answer *a, struct bb_buf *out, struct bb_fault *err);
int record_message(void *arg, struct bb_bytes record, struct bb_buf *out, struct bb_error *err);
/* The records of one event, appended to a list. 0, -1 with err. */
int event_records(const struct wms_conf *c, struct bb_bytes event, struct open *list, struct bb_fault *err);

/* ---- xml.c ---------------------------------------------------------------------------------------------- */
/* A document with one event, for capture. */
void xml_document_put(const struct wms_conf *c, struct bb_bytes event, struct bb_buf *out);
/* The events of a document or an answer as an array of values. 0, -1 with err. */
int xml_events_read(const struct wms_conf *c, struct bb_bytes text, struct bb_buf *out, struct bb_fault *err);

/* ---- fault.c --------------------------------------------------------------------------------------------- */
extern const struct bb_http_outcomes wms_outcomes;
/* What a refusal comes to: from its code by the config's `faults`, else def. err gets code and text; where says
 * what was asked. */
bb_status fault_read(const struct bb_inst *i, bb_status def, struct bb_bytes problem, struct bb_error *err);
/* The same for an answer that is none of success. */
bb_status answer_fault(struct bb_inst *i, const struct bb_http_answer *a, struct bb_error *err);
bb_status faults_check(struct bb_bytes conf, struct bb_error *err);

/* ---- sink.c, query.c --------------------------------------------------------------------------------------- */
struct job { /* a token that is open */
    bb_inst *i;
    struct job *next, **back;
    struct bb_http_call *call; /* NULL: it waits until due_ms */
    bb_token t;
    int64_t due_ms, end_ms;
    uint32_t tries;
    char *url;              /* of the capture job */
    struct bb_buf event_id; /* whom a probe is about */
    void (*answer)(struct job *j, const struct bb_http_answer *a);
};
struct job *job_new(bb_inst *i, bb_token t, uint32_t budget_ms);
/* Asks; the answer goes to j->answer. 0, -1: out of memory, the job is still there. */
int job_ask(struct job *j, const char *method, const char *path, struct bb_buf *url_more, struct bb_buf *body);
void job_end(struct job *j, bb_status st, struct bb_buf *reply, const struct bb_error *err); /* and frees it */
void job_free(struct job *j);
bb_status sink_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err);
bb_status sink_probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err);
bb_status query_ask(bb_inst *i, const char *op, const bb_msg *m, bb_token t, struct bb_error *err);
uint32_t jobs_before(bb_inst *i, uint32_t timeout_ms);
void jobs_after(bb_inst *i);

#endif
