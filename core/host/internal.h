/*
 * internal.h - what the files of core/host share
 *
 * One struct bb_host is one instance ("worker") of an endpoint: one thread, one DEALER, one bb_inst
 * of the plugin. The plugin knows it as its bb_host. Files: api.c is the table that the plugin
 * calls; submit.c credit and receipts; token.c open deliveries; message.c bb_msg; outbox.c frames
 * on their way out, logs and metrics; deliver.c transform and hand-over; instance.c the thread.
 *
 * Locking: `lock` guards every member named "under lock" below. It is never held while the plugin
 * runs or a socket is used, so any thread of the plugin may call any [any] function at any time.
 * Members without that word belong to the instance's thread.
 */
#ifndef BB_HOST_INTERNAL_H
#define BB_HOST_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <zmq.h>

#include "core/host/host.h"
#include "core/transform/transform.h"
#include "core/wire/wire.h"
#include "core/wire/zmtp.h"

#define BB_MANIFEST_MAX (1u << 20)
#define BB_HOST_MEMORY_ENV "BUSBAR_HOST_MEMORY" /* bytes; set by the core, read by the host */
#define BB_TOKENS_MAX 65536u      /* deliveries open at once in one instance */
#define BB_STATE_MAX 65536u       /* bytes of a source's state */
#define BB_REPLY_MAX (1u << 20)   /* bytes of a sink's reply */
#define BB_REFUSAL_MAX 65536u     /* bytes of what a refused submit() found */
#define BB_LOG_TEXT_MAX 4096u
#define BB_METRICS_MAX 64u
#define BB_HOST_NAME 80           /* of an endpoint, with BB_QUERY_HOST, and a NUL */
#define BB_ASK_AGAIN_MS 2000u     /* so much later it is asked again, when there was no answer */
#define BB_DELIVER_QUERY 2u       /* an operation beside those of DELIVER: a QUERY's */
#define BB_BATCH_CAP 1024u        /* most deliveries in one call, whatever WELCOME says */

int bb_host_fault(struct bb_fault *err, size_t offset, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
uint64_t bb_host_now(void); /* monotonic, nanoseconds */
/* A number of a map, at most max; def where it is absent. whose: for the text. */
int bb_host_uint(struct bb_bytes map, const char *whose, const char *key, uint64_t def,
                 uint64_t max, uint64_t *out, struct bb_fault *err);

/* ---- elf.c ---------------------------------------------------------------------------------- */
struct bb_elf_source {
    int (*read)(const struct bb_elf_source *s, uint64_t off, void *buf, size_t len);
    const void *memory;
    int fd;
    uint64_t size;
};
int bb_elf_manifest(const struct bb_elf_source *s, struct bb_bytes *out, struct bb_fault *err);

/* ---- load.c --------------------------------------------------------------------------------- */
struct bb_plugin {
    struct bb_manifest manifest;
    struct bb_connector c; /* as much as the plugin has, the rest zero */
};
/* Opens the .so at path, once and for the life of the process. 0, -1 with err. */
int bb_plugin_load(const char *path, struct bb_plugin *p, struct bb_fault *err);

/* ---- message.c: bb_msg ------------------------------------------------------------------------ */
struct bb_pool;
struct bb_inframe { /* a received frame, kept while something points into it */
    zmq_msg_t msg;
    atomic_uint refs;
    uint64_t arrived; /* monotonic */
    struct bb_pool *pool;
    struct bb_inframe *next; /* in the inbox or in the pool */
};
struct bb_msg {
    atomic_uint refs;
    struct bb_inframe *frame;
    struct bb_bytes whole; /* in frame, or in rendered */
    struct bb_bytes accepted; /* as the hub gave it, in frame: what was accepted, or a kept body; then */
    struct bb_bytes attributes; /* the accepted message's, in frame; empty where nobody needs them */
    struct bb_bytes key, short_key;
    struct bb_bytes query; /* a question's operation, in frame */
    uint64_t deadline; /* monotonic, UINT64_MAX none */
    uint32_t attempt, flags, route;
    bool has_body;          /* rendered holds what a transform made of it */
    struct bb_buf rendered; /* its memory stays with the pooled struct */
    char note[200];         /* what the transform wants on the record */
    struct bb_buf children; /* what it became, as bin values; n_children of them */
    uint32_t n_children;
    bool emitted;           /* it is not what it became, but what follows from it */
    struct bb_msg *next;
};
struct bb_pool *bb_pool_new(size_t max_message);
/* Frees it now, or when the last message that a plugin still holds comes back. How many it holds. */
unsigned bb_pool_end(struct bb_pool *p);
struct bb_inframe *bb_inframe_new(struct bb_pool *p); /* refs 1; NULL no memory */
void bb_inframe_unref(struct bb_inframe *f);
struct bb_msg *bb_msg_new(struct bb_inframe *f); /* refs 1 and a ref on f; NULL no memory */
void bb_msg_look(const bb_msg *m, struct bb_msg_view *out);
const bb_msg *bb_msg_hold(const bb_msg *m);
void bb_msg_drop(const bb_msg *m);

/* ---- token.c: open deliveries; all under the host's lock ---------------------------------------- */
#define BB_SLOT_NONE UINT32_MAX
struct bb_slot {
    uint64_t token;
    struct bb_msg *msg;      /* NULL: the slot is free */
    uint32_t chain;          /* next in the hash chain, or in the free list */
    uint32_t prev, next;     /* among those that wait to be handed over */
    uint32_t op;
    bool handed, cancelled;
    bool behind;  /* of the same lane as the one before it: both in one call, or this one not */
    bool dropped; /* behind one that ended otherwise than applied or skipped */
};
struct bb_tokens {
    struct bb_slot *v;
    uint32_t n, cap, free, open, waiting;
    uint32_t first, last; /* waiting to be handed over, in order of arrival */
    uint32_t *bucket;     /* BB_TOKEN_BUCKETS */
};
int bb_tokens_init(struct bb_tokens *t);
void bb_tokens_free(struct bb_tokens *t);
/* Adds at the end of the waiting: the slot, BB_SLOT_NONE when full or the token is open already. */
uint32_t bb_tokens_add(struct bb_tokens *t, uint64_t token, uint32_t op, struct bb_msg *m);
uint32_t bb_tokens_find(const struct bb_tokens *t, uint64_t token);
void bb_tokens_hand(struct bb_tokens *t, uint32_t slot); /* no longer waits */
/* It waits and ends so: whether the next of its lane may go on. */
void bb_tokens_ends(struct bb_tokens *t, uint32_t slot, bb_status s);
void bb_tokens_remove(struct bb_tokens *t, uint32_t slot);

/* ---- link.c: the connection to the hub -------------------------------------------------------------- */
struct bb_link {
    struct bb_zmtp *direct; /* a process's */
    void *sock;             /* else: a ZeroMQ socket, and its descriptor */
    int fd;
};
int bb_link_open(struct bb_link *l, void *zmq, const char *address, const char *id);
void bb_link_close(struct bb_link *l); /* the last frames get a second to leave */
int bb_link_fd(const struct bb_link *l); /* to poll for input; ask before each wait */
bool bb_link_holds(struct bb_link *l);   /* there is a frame that the descriptor may not show */
int bb_link_recv(struct bb_link *l, zmq_msg_t *m); /* 1, 0 none, -1 the hub is gone */
void bb_link_send(struct bb_link *l, struct bb_buf *frame); /* may take its memory */
int bb_link_flush(struct bb_link *l); /* 0, -1 the hub is gone */

/* ---- outbox.c ---------------------------------------------------------------------------------- */
struct bb_out { /* one frame on its way out */
    struct bb_out *next;
    struct bb_buf buf;
    struct bb_list list; /* of a RESULT that still takes items */
    bool open;
};
struct bb_outbox { /* under lock */
    struct bb_out *first, *last, *spare;
    unsigned n, n_spare;
    bool signalled; /* the eventfd has been written and not yet read */
};
struct bb_metric {
    char name[64];
    uint32_t kind;
    double v;
    bool dirty;
};

/* ---- submit.c ------------------------------------------------------------------------------------ */
struct bb_sent { /* a SUBMIT without its ACKED; the wire's cookie is its number */
    uint64_t cookie; /* the plugin's */
    uint64_t messages, bytes;
    void *state; /* a copy of the state in it, or NULL */
    size_t state_len;
    bool open;
};
struct bb_credit { /* under lock */
    uint64_t messages, bytes;             /* left */
    uint64_t grant_messages, grant_bytes; /* of all */
    struct bb_sent *ring;                 /* numbers base .. next-1, at number % cap */
    uint64_t base, next, cap, open;
    bool busy;   /* a submit was refused; stays until resume() */
    uint32_t deaf; /* submits since then */
    bool closed; /* the journal takes nothing */
    uint32_t retry_after_s;
    char why[160];
    void *state;
    size_t state_len;
    uint64_t state_version;
};

/* ---- the instance ---------------------------------------------------------------------------------- */
struct bb_route_steps {
    uint32_t number;
    struct bb_transform *steps; /* NULL: the message goes as it is */
    bool keep;                  /* not pure: the hub keeps what it made before it is sent */
};
struct bb_asking { /* the question that this instance's thread waits on */
    uint64_t id;   /* 0: none */
    bool answered;
    bb_status status;
    struct bb_buf *answer;
    struct bb_fault *err;
};
enum bb_phase { BB_PHASE_HELLO, BB_PHASE_RUN, BB_PHASE_STOP, BB_PHASE_END };

struct bb_host {
    struct bb_host_run *run;
    uint32_t worker;
    pthread_t thread;
    char endpoint[BB_HOST_NAME];
    struct bb_link link;
    int wake;
    uint64_t session;
    enum bb_phase phase;
    struct bb_plugin plugin;
    bb_inst *inst;
    bool started;
    int32_t ready; /* what READY said */
    const struct bb_ext_batch *batch;
    const struct bb_ext_probe *probe;
    const struct bb_ext_health *health;
    const struct bb_ext_query *query;
    const struct bb_ext_wait *wait;
    /* from WELCOME */
    uint32_t roles, workers, batch_max;
    size_t max_message;
    struct bb_bytes secrets; /* msgpack map, wiped at the end */
    struct bb_route_steps *routes;
    size_t n_routes;
    struct bb_step_plugin *step_plugins; /* those that have been created */
    struct bb_transform *accept; /* NULL: everything is accepted */
    struct bb_asking asking;
    uint64_t next_ask;
    /* frames in */
    struct bb_inframe *inbox, *inbox_last; /* those whose answer calls the plugin */
    struct bb_pool *pool, *first_pool;
    uint64_t refused_frames, call_started; /* call_started 0: no call of the plugin runs */
    uint64_t health_at, pumped_at, metrics_at, stop_deadline;
    bool readable; /* the link has something for pump */
    int32_t health_status;
    char health_text[240];
    bool abandoned; /* the plugin did not stop: threads of it may still use this */

    pthread_mutex_t lock;
    struct bb_tokens tokens;   /* under lock */
    struct bb_outbox out;      /* under lock */
    struct bb_credit credit;   /* under lock */
    struct bb_metric metrics[BB_METRICS_MAX]; /* under lock */
    unsigned n_metrics;        /* under lock */
    uint64_t late, breaches;   /* under lock: done() too late or twice; answers against the contract */
    double log_tokens;         /* under lock */
    uint64_t log_at, log_dropped; /* under lock */
    struct bb_buf refusal;     /* under lock: what the last refused submit() found */
    pthread_t refused_thread;  /* under lock: who made it */
    bool stopping;             /* under lock: STOP came */
    bool stopped;              /* under lock: the plugin called stopped() */
    bool closed;               /* under lock: nothing is taken any more */
};

extern const struct bb_host_api bb_host_table;
extern const struct bb_host_api bb_host_step_table; /* a transform's: it hands nothing in, ends nothing */
extern _Thread_local struct bb_host *bb_host_here; /* whose thread this is */

/* outbox.c; _locked: the caller holds the lock */
struct bb_out *bb_out_new_locked(struct bb_host *h, size_t room);
void bb_out_put_locked(struct bb_host *h, struct bb_out *o); /* queues and wakes */
void bb_out_drop(struct bb_out *o);
/* without: how it ends if there is no room for the messages that it became. */
void bb_out_result_locked(struct bb_host *h, const struct bb_w_result *r, bb_status without);
void bb_out_flush(struct bb_host *h);
void bb_out_free(struct bb_host *h);
void bb_out_log(struct bb_host *h, uint32_t level, struct bb_bytes text, struct bb_bytes attrs);
void bb_out_say(struct bb_host *h, uint32_t level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void bb_out_metrics(struct bb_host *h);
/* Puts asterisks in place of any secret's value in text. */
void bb_out_redact(const struct bb_host *h, char *text, size_t len);
/* A text of the plugin's as UTF-8 in out, NUL-terminated, cut to cap, without secrets. */
void bb_out_text(const struct bb_host *h, const char *in, size_t len, char *out, size_t cap);

/* submit.c */
bb_status bb_submit(bb_host *h, const struct bb_bytes *messages, size_t n,
                    const struct bb_state *state, uint64_t cookie, struct bb_error *err);
int bb_credit_init(struct bb_host *h, uint64_t messages, uint64_t bytes);
void bb_credit_free(struct bb_host *h);
void bb_credit_acked(struct bb_host *h, struct bb_frame *f);  /* calls the plugin */
void bb_credit_raise(struct bb_host *h, uint64_t messages, uint64_t bytes);
void bb_credit_intake(struct bb_host *h, const struct bb_frame *f);
void bb_credit_resume(struct bb_host *h);                     /* calls the plugin */

/* ask.c */
struct bb_asker { /* bb_transform_run's arg */
    struct bb_host *h;
    struct bb_msg *m; /* the delivery that is rendered */
};
bb_status bb_ask(void *asker, const struct bb_question *q, struct bb_buf *answer, struct bb_fault *err);
void bb_ask_answered(struct bb_host *h, struct bb_frame *f); /* ANSWER */

/* step.c: transforms of other connectors, steps of the routes to this endpoint */
struct bb_step_plugin;
bb_status bb_steps_start(struct bb_host *h, struct bb_error *err);
void bb_steps_stop(struct bb_host *h, uint32_t budget_ms);
/* bb_transform_run's plugin; arg: a struct bb_asker. */
bb_status bb_step_run(void *arg, const struct bb_plugin_step *p, struct bb_bytes whole, struct bb_buf *out,
                      struct bb_fault *err);

/* accept.c */
/* Every message against the endpoint's accept: BB_OK, or BB_E_REJECT with the first finding in err and
 * all of them kept for bb_accept_refusal(). Any thread. */
bb_status bb_accept_check(struct bb_host *h, const struct bb_bytes *messages, size_t n, struct bb_error *err);
bb_status bb_accept_refusal(struct bb_host *h, void *buf, size_t cap, size_t *len);

/* cache.c: answers of other endpoints, shared by the instances of a host. Any thread. */
struct bb_answers;
struct bb_answers *bb_answers_new(void);
void bb_answers_free(struct bb_answers *a);
/* Puts what is remembered and younger than its time to live into out: true. */
bool bb_answers_get(struct bb_answers *a, const struct bb_question *q, uint64_t now, struct bb_buf *out);
/* Remembers it, and forgets what was not asked for longest when there is no room. */
void bb_answers_put(struct bb_answers *a, const struct bb_question *q, uint64_t now, struct bb_bytes answer);

/* arrive.c */
void bb_deliver_asked(struct bb_host *h, struct bb_inframe *in, struct bb_frame *f); /* QUERY */
void bb_deliver_arrived(struct bb_host *h, struct bb_inframe *in, struct bb_frame *f);
/* deliver.c */
void bb_deliver_work(struct bb_host *h, uint64_t until); /* calls the plugin */
bool bb_deliver_waits(struct bb_host *h);
/* end.c */
/* Ends an open token; false when it is not open. reply and err may be NULL. */
bool bb_deliver_end(struct bb_host *h, bb_token t, bb_status s, const struct bb_bytes *reply,
                    const struct bb_error *err, bool by_plugin);
/* Ends every token: those never handed over RETRY, the others UNKNOWN; only_waiting: the former. */
void bb_deliver_end_all(struct bb_host *h, bool only_waiting, const char *text);

/* instance.c */
void *bb_host_thread(void *h);
/* Reads what has come without calling the plugin: a blocking call that asks cancelled() keeps the
 * instance answering. */
void bb_host_pump(struct bb_host *h);
void bb_host_unmark(struct bb_host *h); /* who puts a frame from now on wakes the thread again */
void bb_host_call_begin(struct bb_host *h);
void bb_host_call_end(struct bb_host *h);

/* welcome.c */
int bb_welcome_read(struct bb_host *h, struct bb_bytes map, struct bb_bytes *config,
                    struct bb_fault *err);
void bb_welcome_free(struct bb_host *h);

/* run.c */
struct bb_host_run {
    struct bb_host_spec spec;
    struct bb_answers *answers;
    char endpoint[BB_HOST_NAME], address[256];
    struct bb_host **v;
    bool *joined;
    uint32_t n;
    atomic_uint ended;
    int done_fd; /* readable once all have ended */
};
void bb_host_run_ended(struct bb_host_run *r); /* the thread's last word */

#endif
