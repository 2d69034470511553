/*
 * sap.h - what the files of this plugin share
 *
 * A job is a delivery, a probe or a question on its way: it waits for its service's $metadata, reads
 * what is there if its operation needs that, plans the requests that are missing, sends them (one, or a
 * $batch with one changeset) and ends. Planning is a pure difference between what the message wants and
 * what is there. So a probe is a read and a plan: nothing left to do means applied.
 *
 * Thread: the instance's alone. Ownership: the instance owns client, services and jobs; a job holds a
 * reference to its message until it ends. A request that was sent is never sent again by us.
 */
#ifndef BB_SAP_H
#define BB_SAP_H

#include <busbar/http.h>
#include "edm.h"
#include "value.h"

#define JOB_BODY_MAX (16u << 20)
#define JOB_REQUESTS_MAX 1000
#define JOB_PAGES_MAX 200

/* ---- faults.c: what an error means --------------------------------------------------------------------- */
#define FAULT_RULES_MAX 64
struct fault_rule {
    char code[40]; /* "M7/021"; "M7/" and a star: all that begin so */
    bb_status status;
};
struct faults {
    struct fault_rule v[FAULT_RULES_MAX]; /* the config's, before the built-in ones */
    size_t n;
};
int faults_read(struct bb_bytes conf, struct faults *out, struct bb_error *err);
/* The status for a vendor's code; 0 with *st, -1: no row. */
int fault_find(const struct faults *own, const char *code, bb_status *st);
/* An error body (V2, V4 or text) as err's code and text. 1: there was a code, 0: only text or nothing. */
int fault_body(struct bb_bytes body, struct bb_error *err);
/* What an answer that is no success means: fills err. etag: the request had If-Match. */
bb_status fault_judge(const struct faults *own, unsigned status, struct bb_bytes body, const struct bb_http_answer *a,
                      struct bb_error *err);

/* ---- service.c: paths and their descriptions ---------------------------------------------------------- */
struct job;
struct service {
    struct service *next;
    bb_inst *i;
    char *name, *path;
    int64_t again_ms; /* after a failure, not before */
    struct edm *edm; /* NULL: not read yet */
    struct bb_http_call *call;
    struct job *waiting; /* by job.behind */
    int64_t read_at_ms;  /* it is read again when a day has gone */
    uint32_t users;      /* jobs that hold on to edm: it is not read again meanwhile */
};
bb_status services_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err);
void services_free(bb_inst *i);
struct service *service_find(const bb_inst *i, struct bb_bytes name);
/* A link to the service, without scheme and host: a system behind a proxy names its own. Other links as they are. */
struct bb_bytes service_link(const struct service *s, struct bb_bytes link);
/* Has the description read if it is not there and nobody reads it; soon again after a failure. */
void service_load(struct service *s, bb_inst *i);
/* Calls job_go_on() now or when the description is there; ends the job when it cannot be had. */
void service_wait(struct service *s, struct job *j);

/* ---- job.c ------------------------------------------------------------------------------------------------ */
enum job_what { JOB_DELIVER, JOB_PROBE, JOB_QUERY };
struct request {
    const char *method;
    size_t path, body, body_len; /* in job.text; the path ends with NUL */
    int etag;
};
struct op;
struct ask;
struct job {
    bb_inst *i;
    struct job *next, *prev, *behind;
    enum job_what what;
    bb_token t;
    const bb_msg *m;
    struct bb_msg_view v;
    struct bb_envelope e;
    const struct op *op;
    const struct ask *ask;
    struct service *s;
    const struct edm_set *set; /* what is read and written */
    struct bb_http_call *call;
    int64_t until_ms;
    struct bb_buf want, now, text, notes, result, etag;
    struct request *rq;
    size_t n_rq, cap_rq;
    uint32_t n_now, n_notes;
    int pages, uses;
    const char *did;
    char boundary[64];
};
/* What a message type comes to. */
struct op {
    const char *type; /* a star at its end: all that begin so */
    const char *service, *set; /* NULL: the message says */
    int read_in_doubt; /* read only when it may have been sent before */
    /* job.want from the message; *path gets the request that reads what is there, or nothing. */
    bb_status (*prepare)(struct job *j, struct bb_buf *path, struct bb_error *err);
    /* job.now is a list of what was found: adds requests, or none. */
    bb_status (*plan)(struct job *j, struct bb_error *err);
};
/* A question: what to read, and the answer from all that was read. */
struct ask {
    const char *name, *service, *set;
    bb_status (*prepare)(struct job *j, struct bb_buf *path, struct bb_error *err);
    bb_status (*answer)(struct job *j, struct bb_buf *out, struct bb_error *err);
};
bb_status job_new(bb_inst *i, enum job_what what, const bb_msg *m, bb_token t, const struct ask *ask,
                  struct bb_error *err);
void job_go_on(struct job *j); /* its service is described */
void job_end(struct job *j, bb_status st, const struct bb_error *err);
/* What health() says from now on, when it is about the system and not about one message. */
void job_remember(bb_inst *i, bb_status st, const struct bb_error *err);
void job_cancel(bb_inst *i, bb_token t); /* 0: all */
/* Adds a request; path and body are copied. */
bb_status job_request(struct job *j, const char *method, struct bb_bytes path, struct bb_bytes body, int etag,
                      struct bb_error *err);
/* A whole entity with POST to its set, or what differs from now with PATCH to its key. */
bb_status job_write(struct job *j, const struct edm_set *s, struct bb_bytes want, struct bb_bytes now,
                    struct bb_error *err);
/* A POST of a V2 function import with parameters from a map. */
bb_status job_call(struct job *j, const char *name, struct bb_bytes params, int etag, struct bb_error *err);
struct bb_bytes job_now(const struct job *j, uint32_t k); /* {NULL, 0} past the end */
/* Appends " and Name eq literal" (without " and " at first) to a filter, percent-encoded. */
bb_status filter_put(const struct job *j, struct bb_buf *path, const char *name, struct bb_bytes text,
                     struct bb_error *err);
const struct edm_set *job_set(const struct job *j, const char *name, struct bb_error *err);

/* ---- batch.c ------------------------------------------------------------------------------------------------ */
void batch_write(struct job *j, struct bb_buf *out);
/* Judges a $batch's answer: OK, or the first failure with err. */
bb_status batch_read(struct job *j, const struct bb_http_answer *a, struct bb_error *err);
/* Keeps sap-message / sap-messages from header lines or an answer. */
void notes_take(struct job *j, struct bb_bytes value);

/* ---- the operations and questions: move.c, bom.c, item.c, order.c, raw.c, ask.c ----------------------------- */
struct move {
    const char *kind, *from, *to; /* stock types that tell rows of one kind apart; NULL: any */
    const char *type, *reverse, *code;
    char flow; /* '+': into stock, '-': out of it, '=': both */
};
#define SAP_MOVES 19
extern const struct move sap_moves[SAP_MOVES];
extern const struct op op_move, op_bom, op_item, op_order, op_entity;
const struct op *op_find(struct bb_bytes type);
const struct ask *ask_find(const char *name);
/* A pointer's text in the data, or {NULL, 0}; a number's or map's value, or {NULL, 0}. */
struct bb_bytes data_text(const struct job *j, const char *pointer);
struct bb_bytes data_value(const struct job *j, const char *pointer);
/* SAP's code for a quantity's unit; {NULL, 0} with err when there is none. */
struct bb_bytes unit_out(const bb_inst *i, struct bb_bytes quantity, struct bb_error *err);
/* {"value", "unit", "sourceUnit"} under key: nothing when the number is absent. */
void quantity_in(const bb_inst *i, struct map_put *m, const char *key, struct bb_bytes number, struct bb_bytes unit);

/* ---- model.c: entities as the model has them ---------------------------------------------------------------- */
void model_item(const bb_inst *i, struct bb_bytes entity, struct bb_buf *out);
void model_order(const bb_inst *i, struct bb_bytes entity, struct bb_buf *out);
void model_bom(const bb_inst *i, struct bb_bytes entity, struct bb_buf *out);
#define MOMENT "LastChangeDateTime" /* the feed's cursor; of a document's line the feed makes it */
void model_movement(const bb_inst *i, struct bb_bytes line, struct bb_buf *out); /* in move_in.c */
struct bb_bytes field(struct bb_bytes entity, const char *name); /* a text, {NULL, 0} when blank */
struct bb_bytes member(struct bb_bytes entity, const char *name); /* a value, {NULL, 0} when absent */
int flag(struct bb_bytes entity, const char *name);

/* ---- source.c ------------------------------------------------------------------------------------------------- */
struct bb_poll;
struct source;
bb_status source_new(bb_inst *i, struct bb_bytes conf, struct bb_error *err);
void source_free(bb_inst *i);
int source_ready(bb_inst *i); /* 1: there is one and its service is described; has that done */

struct bb_inst {
    struct bb_ctx ctx;
    struct bb_http *client;
    struct bb_bytes conf; /* a copy */
    struct faults faults;
    struct service *services;
    struct job *jobs;
    struct source *source;
    struct bb_poll *poll;
    int changes; /* BOMs change under their change numbers */
    int tunnel; /* V2: POST with X-HTTP-Method: MERGE */
    int feeding; /* the source has begun */
    int stopping;
    uint32_t timeout_ms;
    bb_status last; /* of the last job, for health */
    char last_text[240];
};

#endif
