/*
 * source.h - what the files of the webhook server share
 *
 * A request's life:
 *
 *   headers -> BODY --(complete, submit PENDING)--> WAIT --acked()--> REPLY -> (next request)
 *                |------------(refused)-------------------------------> REPLY
 *                |--(submit BUSY)--> parked in WAIT until resume(), 2 s at most
 *                `--(too long)--> LINGER: answered on the bare socket, the rest is thrown away
 *
 * In WAIT the connection is suspended. Each connection is in at most one of the deadline lists,
 * which are in order of time because each has one fixed time-out.
 */
#ifndef BB_PLUGIN_HTTP_SOURCE_H
#define BB_PLUGIN_HTTP_SOURCE_H

#include <microhttpd.h>
#include <openssl/evp.h>
#include "http.h"

#define PROBLEMS_MAX 20
#define SECRETS_MAX 8
#define RULES_MAX 24
#define HEADER_VALUE_MAX 4096

enum phase { PH_IDLE, PH_BODY, PH_REPLY, PH_LINGER, PHASES, PH_WAIT = PHASES, PH_CUT };

struct conn { /* one socket */
    struct source *source;
    struct MHD_Connection *mhd;
    int fd;
    enum phase phase;
    int64_t since_ms;
    struct conn *prev, *next; /* in its phase's list */
};
struct conn_list {
    struct conn *first, *last;
};

enum request_state { RQ_READING, RQ_PARKED, RQ_WAITING, RQ_ANSWER, RQ_GONE };
enum content { CT_NONE, CT_JSON, CT_EVENT, CT_BATCH, CT_BINARY };
struct request {
    uint32_t slot, generation; /* the cookie of its submit() */
    enum request_state state;
    enum content content;
    struct conn *conn; /* NULL: the client has gone */
    struct bb_buf body;
    uint64_t length; /* Content-Length, UINT64_MAX: chunked */
    size_t messages;
    int unprotected; /* an id was made here */
    struct MHD_Response *response;
    unsigned status;
    struct request *next; /* among the free, or the parked */
    int64_t parked_ms;
};

enum rule_kind { RULE_CONSTANT, RULE_POINTER, RULE_HEADER };
struct rule { /* one attribute of a plain JSON body's envelope */
    char name[24];
    enum rule_kind kind;
    char *value, *prefix;
};

struct source {
    bb_inst *inst;
    struct MHD_Daemon *daemon;
    int listen_fd, epoll_fd, quiet;
    int64_t bind_again_ms; /* the address was in use: when to try again, 0 not */
    int64_t now_ms;
    /* config */
    char *listen, *path, *port_file, *records, *default_source;
    uint64_t max_body;
    uint32_t max_headers, max_connections, per_ip;
    int64_t timeout[PHASES];
    struct rule rules[RULES_MAX];
    size_t n_rules;
    char *bearer, *basic; /* the whole Authorization value expected */
    uint8_t *secrets[SECRETS_MAX];
    size_t secret_len[SECRETS_MAX], n_secrets;
    int64_t tolerance_s;
    EVP_MAC *mac;
    /* state */
    struct conn_list list[PHASES];
    struct request **slots;
    uint32_t n_slots, cap_slots;
    struct request *unused, *parked, **parked_end; /* parked: the oldest first */
    uint32_t generation;    /* of the last request */
    uint32_t waiting, open; /* requests suspended; sockets */
    int resumed;            /* MHD has to run before the next wait */
    size_t held, max_held;  /* bytes of bodies being gathered */
    struct bb_buf out, tmp; /* the messages of one request; scratch */
    struct bb_buf refusal;  /* what the last refused one was told (busbar.refusal/1) */
    struct bb_bytes *parts; /* where they are in out */
    size_t cap_parts;
};

/* ---- what is wrong with a request --------------------------------------------------------------- */
struct problems {
    unsigned status; /* 0: nothing */
    char detail[320];
    size_t n, more;  /* of the list; more: not shown */
    char list[PROBLEMS_MAX][224];
    int retry_after_s;
    struct bb_bytes errors; /* msgpack list of what was refused, in place of list; s->refusal's bytes */
    int64_t errors_more;
};
void problem_set(struct problems *p, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void problem_add(struct problems *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- answer.c ------------------------------------------------------------------------------------- */
/* application/problem+json; NULL without memory. */
struct MHD_Response *answer_problem(struct source *s, const struct problems *p);
struct MHD_Response *answer_receipt(struct source *s, const struct request *r,
                                    const struct bb_receipt *got);
/* Writes the answer on the socket itself, for a body that will not be read. */
void answer_bare(struct source *s, int fd, const struct problems *p);

/* ---- messages.c ------------------------------------------------------------------------------------ */
/* Body and headers to canonical messages in s->out, s->parts, r->messages. 0, -1 with p. */
int messages_make(struct source *s, struct request *r, struct bb_bytes body, struct problems *p);
/* Reads `envelope:` from the config. */
int rules_read(struct source *s, struct bb_bytes conf, struct bb_error *err);
const char *request_header(const struct request *r, const char *name);

/* ---- guard.c ------------------------------------------------------------------------------------------ */
int guard_read(struct source *s, struct bb_bytes conf, struct bb_error *err);
void guard_free(struct source *s);
/* Authorization; before the body. 0, -1 with p (401). */
int guard_auth(struct source *s, const struct request *r, struct problems *p);
/* The webhook's signature over the body. 0, -1 with p (401). */
int guard_signature(struct source *s, const struct request *r, struct bb_bytes body,
                    struct problems *p);

/* ---- request.c ------------------------------------------------------------------------------------------ */
enum MHD_Result request_on(void *arg, struct MHD_Connection *mhd, const char *url,
                           const char *method, const char *version, const char *data,
                           size_t *size, void **slot);
void request_over(void *arg, struct MHD_Connection *mhd, void **slot,
                  enum MHD_RequestTerminationCode why);
void request_acked(struct source *s, uint64_t cookie, bb_status st, const struct bb_receipt *got);
void request_refuse_all(struct source *s); /* those that wait: 503 */
void request_unpark(struct source *s);     /* the host has room again */
/* Refuses those parked for too long. Milliseconds to the next, or UINT32_MAX. */
uint32_t request_parked_expire(struct source *s);
void request_free_all(struct source *s);

/* ---- conn.c ----------------------------------------------------------------------------------------------- */
void conn_on(void *arg, struct MHD_Connection *mhd, void **slot,
             enum MHD_ConnectionNotificationCode what);
struct conn *conn_of(struct MHD_Connection *mhd);
void conn_phase(struct conn *c, enum phase p);
/* Cuts those past their time. Milliseconds to the next, or UINT32_MAX. */
uint32_t conn_expire(struct source *s);

#endif
