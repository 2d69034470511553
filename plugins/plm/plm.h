/*
 * plm.h - what the files of the plm connector share
 *
 * In: a notice ("change ECO-1 is another now", from the feed of this instance or from a webhook that the http connector
 * took) is a message like any other and comes back as a delivery; then the package is read from the PLM, whole: the
 * change, its items, its structures of many levels, page by page (pack.c, pack_read.c). What it comes to (change_in.c,
 * item_in.c, bom_in.c) is handed in before the delivery is OK, so that no crash loses a package, and what is read twice
 * is dropped by the endpoint's claims, because a message's id is its object, revision and digest. Out: a status of a
 * change (status.c).
 *
 * Thread: the instance's own; there is no lock. Ownership: the instance owns client, poll and its packs and posts
 * (all of them jobs); config is copied in create().
 */
#ifndef BB_PLUGIN_PLM_H
#define BB_PLUGIN_PLM_H

#include <busbar/http.h>
#include <busbar/poll.h>

#define PLM_NOTICE "plm.change.noticed" /* of the messages that the feed makes */

struct plm_conf {
    char *base;
    char *changes, *change, *item, *structure, *status, *probe; /* templates of paths, {number} and the like */
    char *source, *system;
    int odata; /* names in PascalCase, next links of OData, texts in URLs with quotes doubled */
    int64_t levels, page, lines_max;
    uint32_t timeout_ms;
};

struct job;
struct bb_inst {
    struct bb_ctx ctx;
    struct plm_conf conf;
    struct bb_bytes raw; /* the whole config */
    struct bb_http *client;
    struct bb_poll *poll; /* NULL: this instance asks no feed */
    struct job *jobs, **last_job; /* those that read take their turn in this order */
    int stopping;
    bb_status last; /* of the last call, for health() */
    char last_text[240];
};

/* ---- field.c: values of the PLM by our names, maps and lists whose length is not known before ----------- */
struct open {
    struct bb_buf *b;
    size_t at;
    uint32_t n;
};
struct open map_open(struct bb_buf *b);
struct open list_open(struct bb_buf *b);
void open_end(struct open *o);
void map_key(struct open *o, const char *key); /* its value follows */
void map_text(struct open *o, const char *key, struct bb_bytes text); /* nothing when empty */
void map_true(struct open *o, const char *key, int yes);
/* The member that the PLM has for our name ("names" in the config, else by its style): its value, or {NULL, 0}. */
struct bb_bytes field(const bb_inst *i, struct bb_bytes map, const char *name);
struct bb_bytes field_text(const bb_inst *i, struct bb_bytes map, const char *name); /* a text that is not empty */
int field_true(const bb_inst *i, struct bb_bytes map, const char *name);
/* A number, or a text that is one, as digits in out. 1 there, 0 not there, -1 there and no number. */
int field_number(const bb_inst *i, struct bb_bytes map, const char *name, char out[64]);
struct word {
    const char *theirs, *ours;
};
/* What a word of theirs means, {NULL, 0} when it is not in rows (ends with an empty one). */
struct bb_bytes word_in(const struct word *rows, struct bb_bytes theirs);
/* The UN/ECE code of their unit ("units" in the config, else the built-in ones); *same: theirs is the usual word for
 * it. 0, -1 with err. */
int unit_in(const bb_inst *i, struct bb_bytes theirs, struct bb_bytes *code, int *same, struct bb_error *err);
/* {value, unit} under key. digits may begin with a minus, which is dropped. 0, -1 with err. */
int quantity_put(const bb_inst *i, struct open *o, const char *key, const char *digits, struct bb_bytes unit,
                 struct bb_error *err);
/* A {key: {from, to, ...}}: what is left of validity, 9999-12-31 is no end. */
void validity_put(const bb_inst *i, struct open *o, struct bb_bytes map);

/* A path of the config with its {places} filled in; texts in the order number, item, revision, plant, alternative,
 * usage, reference. */
struct place {
    const char *name;
    struct bb_bytes text;
};
void path_put(const bb_inst *i, const char *path, const struct place *places, size_t n, struct bb_buf *out);

/* ---- messages: each appends a whole message ---------------------------------------------------------------- */
struct envelope {
    const char *kind; /* of the id: "bom/..." */
    struct bb_bytes type, item, revision, plant, change, correlation, time;
    struct bb_bytes id[5]; /* parts of the id, up to an empty one */
};
int message_put(const bb_inst *i, const struct envelope *e, struct bb_bytes data, struct bb_buf *out, struct bb_error *err);
int change_message(const bb_inst *i, struct bb_bytes package, struct bb_buf *out, struct bb_error *err);
int item_message(const bb_inst *i, struct bb_bytes item, struct bb_buf *out, struct bb_error *err);
/* One assembly: its header, and its lines in order. */
int bom_message(const bb_inst *i, struct bb_bytes header, const struct bb_bytes *lines, size_t n, struct bb_buf *out,
                struct bb_error *err);
/* A record of the feed, for bb_poll; arg is the instance. */
int notice_message(void *arg, struct bb_bytes record, struct bb_buf *out, struct bb_error *err);

/* ---- fault.c -------------------------------------------------------------------------------------------------- */
extern const struct bb_http_outcomes plm_outcomes;
/* What an answer that is none of success comes to, err filled with the PLM's code and text; what: whom it was about. */
bb_status answer_fault(bb_inst *i, const struct bb_http_answer *a, const char *what, struct bb_error *err);

/* ---- job.c: tokens that are open -------------------------------------------------------------------------------- */
struct job {
    bb_inst *i;
    struct job *next, **back;
    struct bb_http_call *call; /* on its way, or NULL */
    bb_token t;
    int64_t end_ms;
    struct pack *pack; /* of a job that reads */
    char what[96];     /* whom the call is about, for texts */
    char key[256];     /* of a status: its reference */
    char correlation[128];
    void (*answer)(struct job *j, const struct bb_http_answer *a);
};
struct job *job_new(bb_inst *i, bb_token t, uint32_t budget_ms);
/* Sends it; the answer goes to j->answer. 0, -1: out of memory, the job is still there. */
int job_ask(struct job *j, const char *method, const char *url, struct bb_bytes key, struct bb_buf *body);
void job_end(struct job *j, bb_status st, struct bb_buf *reply, const struct bb_error *err); /* and frees it */
void job_free(struct job *j);
bb_status sink_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err);
bb_status sink_probe(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err);

/* ---- pack.c, pack_read.c, structure.c ------------------------------------------------------------------------------------------ */
bb_status pack_deliver(bb_inst *i, const struct bb_msg_view *v, bb_token t, struct bb_error *err);
void pack_free(struct pack **pp);
void packs_run(bb_inst *i); /* begins with the next when none is at work; submits what had no room */
int pack_acked(bb_inst *i, uint64_t cookie, bb_status s, const struct bb_receipt *r);
void packs_resume(bb_inst *i);

/* A structure being read: pages of rows, then an assembly after the other, the deepest first. */
struct structure;
struct structure *structure_new(const bb_inst *i);
void structure_free(struct structure **sp);
/* Takes a page; *next: the link to the next one, points into the page, empty at the end. 0, -1 with err. */
int structure_page(struct structure *s, struct bb_bytes page, struct bb_bytes *next, struct bb_error *err);
/* Hands every assembly to put(), which returns 0 or -1 with err. */
int structure_each(struct structure *s, int (*put)(void *arg, struct bb_bytes header, const struct bb_bytes *lines, size_t n,
                                                   struct bb_error *err),
                   void *arg, struct bb_error *err);

/* ---- status.c ------------------------------------------------------------------------------------------------------- */
bb_status status_deliver(bb_inst *i, const struct bb_msg_view *v, bb_token t, struct bb_error *err);
bb_status status_probe(bb_inst *i, const struct bb_msg_view *v, bb_token t, struct bb_error *err);

#endif
