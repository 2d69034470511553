/*
 * internal.h - the hub's own structures; only files of core/hub include it
 *
 * All of it belongs to the hub's thread, but for the asks' mailbox. A flight is a delivery between
 * dispatch and the commit of its settlement; memory is bounded by what may be in flight, never by
 * what waits: that stays in the journal, behind each route's scan position and in its rows.
 */
#ifndef BB_HUB_INTERNAL_H
#define BB_HUB_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <zmq.h>

#include "core/base/base.h"
#include "core/hub/hub.h"
#include "core/policy/policy.h"
#include "core/wire/wire.h"

#define HUB_GRANT_MESSAGES 4096u
#define HUB_GRANT_BYTES (16u << 20)
#define HUB_SETTLES 512 /* settlements in one operation */
#define HUB_FRAME_SOFT (256u << 10) /* a deliver frame is sent when it grows past this */
#define HUB_FLIGHT_BYTES (32u << 20) /* in flight to one endpoint, beside the first message */
#define HUB_READ_BYTES (2u << 20) /* of messages in one look-up */
#define HUB_RUN_MAX 256u /* deliveries of one lane in one batch */
#define HUB_RUN_BYTES (1u << 20) /* of them together, beside the first */
#define HUB_TICK_MS 20

/* ---- lanes (lanes.c) ------------------------------------------------------------------------- */
struct hub_lane { /* a lane with an unsettled delivery in the hub; lane 0 has none */
    uint32_t route; /* index into hub->routes, +1; 0: free slot */
    uint32_t late_spill; /* something spilled behind it that its settlement may not have seen */
    uint64_t lane;
};
struct hub_lanes {
    struct hub_lane *v;
    size_t cap, n;
};
#define HUB_FILTER_BITS 20
struct hub_filter { /* rows by lane, counted in a fixed table: 0 means surely none */
    uint32_t *count;
};
int hub_lanes_init(struct hub_lanes *l);
void hub_lanes_free(struct hub_lanes *l);
struct hub_lane *hub_lanes_find(struct hub_lanes *l, uint32_t route, uint64_t lane);
struct hub_lane *hub_lanes_add(struct hub_lanes *l, uint32_t route, uint64_t lane);
void hub_lanes_remove(struct hub_lanes *l, uint32_t route, uint64_t lane);
uint32_t *hub_filter_at(struct hub_filter *f, uint32_t route, uint64_t lane);

/* ---- endpoints and their instances ------------------------------------------------------------- */
enum hub_ep_state { EP_DOWN, EP_STARTING, EP_UP, EP_FAILED, EP_STOPPING, EP_STOPPED };
extern const char *const hub_ep_state_names[];

struct hub_route;
struct hub_flight;
struct hub_endpoint;

struct hub_bucket { /* so many a second; full at the start */
    double left;
    int64_t at;
};
bool hub_bucket_take(struct hub_bucket *b, int64_t now, double n, double rate, double burst);
struct hub_gate { /* of those that ask in vain one goes a period (gate.c) */
    uint32_t failed, ms; /* in a row; the period */
    int64_t at;          /* the next goes */
};
struct hub_share { /* of one turn's frames */
    size_t turn, bytes, last; /* last: the bytes of the frame at hand */
    uint32_t frames;
};
struct hub_peer { /* one instance */
    struct hub_endpoint *ep;
    uint32_t worker;
    char identity[80];
    uint64_t session; /* 0: no HELLO yet */
    bool up, stopped;
    bool unwell; /* its plugin said so last: the endpoint's text is that */
    uint32_t in_flight;
    uint64_t submitted, submitted_bytes; /* and not acknowledged; the credit's use */
    int64_t heard_ms, pinged_ms;
    uint32_t pings; /* without an answer */
    bool said_ready;
    bool cut; /* broke the protocol: nothing of it is read any more */
    struct hub_share share;
    struct hub_bucket lines, noise, metrics, refusals;
    uint32_t asks; /* of its questions, without an answer yet */
    uint64_t lines_dropped, lines_said;
    int64_t said_ms;
    struct bb_buf out; /* DELIVER being built */
    struct bb_list list;
    bool building;
    struct bb_buf acks; /* ACKED being built */
    struct bb_list ack_list;
    bool acking;
};
#define HUB_METRICS 64u /* of one endpoint */
#define HUB_METRIC_NAME 64u
struct hub_metric {
    char name[HUB_METRIC_NAME]; /* [a-z][a-z0-9_]* */
    uint32_t kind;              /* BB_METRIC_* */
    double *of;                 /* by worker */
};
struct hub_endpoint {
    const struct bb_gen_endpoint *gen;
    const char *name;
    uint32_t id; /* in the journal */
    bool query;  /* its host answers questions, and takes no deliveries */
    uint32_t queries; /* open there */
    char query_name[80];
    enum hub_ep_state state;
    char text[256];
    struct bb_child *child;
    struct hub_peer *peers;
    uint32_t workers;
    int64_t restart_at, started_at;
    uint32_t backoff_ms, restarts;
    bool killed;
    struct hub_metric *metrics;
    uint32_t n_metrics;
    uint64_t metrics_refused; /* figures with a bad name, past the table's end, or that cannot be */
    /* as a source */
    struct hub_route **routes;
    size_t n_routes;
    uint64_t accepted, duplicates, conflicts, skipped, echoes; /* messages; each is in one of them */
    uint64_t refused, busy;                            /* submits */
    /* as a sink */
    uint32_t in_flight;
    size_t bytes;    /* of messages in flight */
    uint32_t taking; /* room promised to lanes' next deliveries that are being fetched */
    double tokens; /* of the rate limit */
    int64_t refilled_us;
    bool paused;          /* by an operator */
    int64_t paused_until; /* Retry-After; monotonic ms */
    uint32_t failures;    /* in a row */
    int64_t open_until;   /* breaker; 0 closed */
    uint32_t open_ms;     /* the last opening's length */
    struct hub_flight *oldest, *newest; /* by deadline: all have the same time-out */
};

/* ---- routes --------------------------------------------------------------------------------------- */
struct hub_route {
    const struct bb_route_config *config;
    uint32_t index; /* in hub->routes */
    uint32_t id;    /* in the journal */
    struct hub_endpoint *from, *to;
    struct bb_matcher matcher;
    bool paused;
    bool impure; /* its body is kept before the first send */
    bool emits;  /* a message follows each delivery, with its result */
    bool splits; /* its last step makes messages of a delivery: the sink's plugin never sees one */
    bool renders; /* either: what goes to its host without a body is sent to nobody there */
    struct hub_gate fresh, waiting; /* impure: of the feed, of rows */
    uint32_t ahead; /* impure: at its host to be rendered, or rendered and not sent yet */
    uint64_t scan, tail; /* next ordinal to look at; next to be assigned */
    uint64_t frontier;
    uint64_t mark, mark_asked; /* committed, posted */
    uint32_t lowered;          /* how often it was lowered: a raise from before counts no more */
    uint64_t recover;    /* ordinals below were maybe sent by an earlier run */
    uint64_t *window;    /* settled bits, BB_WINDOW of them, by ordinal modulo */
    bool reading;        /* a feed read is under way */
    struct bb_read *feed; /* feed items read and not all offered yet */
    size_t feed_at;
    uint32_t spills_out; /* spills posted and not committed */
    enum { DUE_IDLE, DUE_READING, DUE_MARKING } due;
    uint64_t due_next_ms; /* wall clock; 0: none known */
    uint64_t due_read_ms; /* of the last read of what is due */
    struct hub_sweep { /* over rows due by `upto` whose lanes are busy: the next read goes on behind `ms`.. */
        uint64_t upto, ms, lane, seq;
        uint32_t room; /* rows that may be taken now */
    } sweep;               /* upto 0: the next read begins with the first */
    bool recovered;       /* rows in flight at the last end have been dealt with */
    enum { HEADS_TO_DO, HEADS_READING, HEADS_DONE } heads; /* lanes that an earlier run left asleep */
    uint64_t rows_to; /* the newest message of theirs; 0: the scan is past it, nothing older hides in the feed */
    uint64_t heads_from;
    uint64_t attempts, marked_at_ms;
    int64_t lowered_ms;
    uint32_t run_max; /* rows of a lane taken at once; 1 unless the sink takes ordered batches */
};

/* ---- flights ----------------------------------------------------------------------------------------- */
struct hub_flight {
    struct hub_flight *next, *prev; /* endpoint's deadline list, or the free list */
    uint32_t slot, gen;
    struct hub_route *route;
    struct hub_peer *peer;
    uint64_t ord, seq, lane, accept_ms;
    struct bb_row row;   /* as dispatched */
    size_t bytes;
    uint32_t op;         /* BB_DELIVER_OP or _PROBE */
    int64_t deadline;    /* monotonic ms */
    int64_t sent;
    bool cancelled, settling;
    struct hub_batch *batch; /* its lane's others that were sent with it, or NULL */
    uint32_t at;             /* its place among them */
};

/* A question of one host to another endpoint's query host (query.c). */
#define HUB_QUERIES 1024u   /* open at once */
#define HUB_QUERIES_OF 256u /* to one endpoint */
#define HUB_ASKS 64u        /* of one instance */
struct hub_query {
    struct hub_query *next; /* free */
    uint32_t gen;
    bool open, late; /* late: the asker has been told that there was no answer */
    struct hub_peer *asker, *worker;
    uint64_t asker_session, id; /* id: the asker's number */
    int64_t deadline;
};

/* Deliveries of one lane that went out together. Their answers wait for each other and are settled
 * in the lane's order; the lane is free when the last of them is. */
struct hub_kept { /* an answer, with bytes of its own */
    struct bb_w_result w;
    void *bytes[4];
};
struct hub_batch {
    struct hub_batch *next, *prev; /* in the hub's list */
    uint32_t n, answered, unposted, unsettled;
    struct hub_flight *flight[HUB_RUN_MAX];
    struct hub_kept kept[]; /* n */
};

struct hub_settle_op {
    struct bb_op op;
    struct bb_settle v[HUB_SETTLES];
    struct hub_flight *flight[HUB_SETTLES];
    void *owned[HUB_SETTLES][2];      /* body and event bytes */
    bool release_lane[HUB_SETTLES];   /* the lane is ours without a flight: free it */
    struct hub_settle_op *next_free;
};

struct bb_hub {
    struct bb_op *refused, **refused_tail; /* intakes whose refusal is told later (intake.c) */
    const struct bb_generation *gen;
    struct bb_owners *owners; /* NULL: everybody may say everything */
    struct hub_bucket foreign_said, conflicts_said;
    struct bb_journal *journal;
    char program[4096], run_dir[4096], address[4200];
    bool (*go_on)(void *arg);
    void *go_on_arg;
    const struct bb_rehearsal *rehearsal; /* or NULL */
    struct bb_ask *rest;                  /* who waits for all to come to rest */
    int64_t rest_until;                   /* real: by then it has, or something is wrong */
    void *zmq, *router;
    pthread_t thread;
    struct hub_endpoint *eps;
    size_t n_eps;
    struct hub_route *routes;
    size_t n_routes;
    struct hub_lanes lanes;
    struct hub_filter filter;
    struct hub_flight **flights; /* by slot, in blocks that never move */
    size_t n_flights;
    struct hub_flight *free_flights;
    struct hub_batch *batches;
    struct hub_query *queries, *free_queries; /* HUB_QUERIES of them */
    uint32_t n_queries;                       /* open */
    uint64_t queries_asked, queries_failed;
    bool asked_settled; /* every query host has been up, or failed, once */
    struct hub_settle_op *settling; /* being filled */
    bool settle_urgent;  /* something waits for its commit: a lane, an operator */
    int64_t settle_since; /* when the first of it came */
    struct hub_settle_op *free_settles;
    uint64_t next_session;
    uint8_t short_tag[4];
    char tag[9];
    int64_t now;      /* monotonic ms, once a turn */
    uint64_t wall;    /* bb_axis_ms(), once a turn */
    uint64_t rng;
    uint32_t ops_out; /* operations posted and not taken */
    int64_t tick_at;
    size_t turns;
    bool intake_open;
    enum { HUB_RUN, HUB_STOP_SOURCES, HUB_DRAIN, HUB_STOP_SINKS, HUB_END } phase;
    int64_t phase_until;
    uint64_t frames_bad, frames_stale, frames_noise, tokens_stale;
    struct hub_share strangers; /* who is no instance of ours */
    /* other threads */
    pthread_mutex_t lock;
    pthread_cond_t answered;
    struct bb_ask *asks, *asks_last;
    bool gone; /* the thread touches no ask any more */
    int wake_fd;
    atomic_int stop_budget; /* < 0: run on */
    atomic_int_fast64_t beat;
    atomic_bool ended;
    char failed[200];
};

/* hub.c */
/* p, or the end of the process: without memory a delivery on its way could be lost in silence. */
void *hub_must(void *p);
void hub_post(struct bb_hub *h, struct bb_op *op);
/* frames.c */
int hub_frames_open(struct bb_hub *h, struct bb_fault *err);
void hub_frames(struct bb_hub *h); /* a turn's */
/* May the core's log get one more line of this peer's making? */
bool hub_peer_line(struct bb_hub *h, struct hub_peer *p);
/* May it send figures again? Once a second is enough. */
bool hub_peer_metric(struct bb_hub *h, struct hub_peer *p);
/* The frame at hand, or so many items of it, answers nothing: who goes on so is cut. */
void hub_peer_noise(struct bb_hub *h, struct hub_peer *p, uint32_t items);
void hub_peer_cut(struct bb_hub *h, struct hub_peer *p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void hub_peer_dropped_say(struct bb_hub *h, struct hub_peer *p);
/* metric.c */
void hub_metrics_take(struct bb_hub *h, struct hub_peer *p, struct bb_frame *f);
double hub_metric_value(const struct hub_endpoint *e, const struct hub_metric *m);
void hub_metrics_host_ended(struct hub_endpoint *e);
void hub_metrics_free(struct hub_endpoint *e);
/* flight.c */
struct hub_flight *hub_flight_new(struct bb_hub *h);
struct hub_flight *hub_flight_of(struct bb_hub *h, uint64_t token);
uint64_t hub_flight_token(const struct hub_flight *f);
void hub_flight_free(struct bb_hub *h, struct hub_flight *f);
void hub_flight_open(struct hub_endpoint *e, struct hub_flight *f);   /* joins the deadline list */
void hub_flight_close(struct hub_endpoint *e, struct hub_flight *f);  /* leaves it */
/* Is it at its host only to be rendered, so that it has surely not been sent? */
bool hub_renders(const struct hub_route *r, const struct bb_row *row);
bool hub_flight_renders(const struct hub_flight *f);
/* query.c */
int hub_queries_init(struct bb_hub *h);
void hub_queries_free(struct bb_hub *h);
void hub_query_ask(struct bb_hub *h, struct hub_peer *p, struct bb_frame *f);     /* ASK */
void hub_query_results(struct bb_hub *h, struct hub_peer *p, struct bb_frame *f); /* RESULT */
void hub_query_host_ended(struct bb_hub *h, struct hub_endpoint *e);
void hub_queries_tick(struct bb_hub *h);
/* Is one that the route asks still on its way up for the first time? */
bool hub_query_hosts_start(struct bb_hub *h, const struct hub_route *r);
/* batch.c */
struct hub_batch *hub_batch_new(struct bb_hub *h, size_t n); /* NULL: no memory */
void hub_batch_free(struct bb_hub *h, struct hub_batch *b);
void hub_batch_join(struct hub_batch *b, struct hub_flight *f);
/* One of the batch is answered; the last answer settles all of them. */
void hub_batch_answer(struct bb_hub *h, struct hub_flight *f, const struct bb_w_result *w);
/* The settlement of one is on disk: is it the last? */
bool hub_batch_settled(struct bb_hub *h, struct hub_flight *f);
/* peer.c */
int hub_peers_init(struct bb_hub *h);
bool hub_peer_is_source(const struct hub_peer *p);
void hub_peer_receive(struct bb_hub *h, struct hub_peer *p, struct bb_frame *f);
struct hub_peer *hub_peer_find(struct bb_hub *h, const void *identity, size_t len);
bool hub_peer_hello(struct bb_hub *h, struct hub_peer *p, const struct bb_frame *f);
int hub_peer_send(struct bb_hub *h, struct hub_peer *p, struct bb_buf *frame);
void hub_peers_flush(struct bb_hub *h);
void hub_peer_ack(struct bb_hub *h, struct hub_peer *p, const struct bb_w_acked *a);
void hub_endpoint_tick(struct bb_hub *h, struct hub_endpoint *e);
void hub_endpoint_stop(struct bb_hub *h, struct hub_endpoint *e, uint32_t budget_ms);
void hub_endpoint_lost(struct bb_hub *h, struct hub_endpoint *e, const char *why);
void hub_intake_announce(struct bb_hub *h);
/* limit.c */
uint32_t hub_endpoint_cap(const struct hub_endpoint *e);              /* most that it has at once */
bool hub_route_lacks_room(const struct bb_hub *h, const struct hub_route *r); /* it waits for intake to open */
uint32_t hub_route_room(struct bb_hub *h, const struct hub_route *r); /* the same of a route */
uint32_t hub_endpoint_room(struct bb_hub *h, struct hub_endpoint *e); /* deliveries it may get now */
void hub_endpoint_took(struct hub_endpoint *e);                       /* one was dispatched */
void hub_endpoint_ok(struct hub_endpoint *e);
void hub_endpoint_failure(struct bb_hub *h, struct hub_endpoint *e, const char *why); /* down, unknown */
void hub_endpoint_pause(struct bb_hub *h, struct hub_endpoint *e, uint32_t ms);
int64_t hub_endpoint_wake(const struct bb_hub *h, const struct hub_endpoint *e); /* when it may have room; 0 unknown */
/* key.c */
#define HUB_KEY_MAX 64
size_t hub_key_long(const struct bb_hub *h, uint32_t route, uint64_t seq, uint32_t epoch, char out[HUB_KEY_MAX]);
void hub_key_short(const struct bb_hub *h, uint32_t route, uint64_t seq, uint32_t epoch, char out[17]);
/* Does it hold, where the endpoint's `echo` says, a key that a delivery to that endpoint had? */
bool hub_is_echo(const struct bb_hub *h, const struct hub_endpoint *e, const struct bb_envelope *env);
/* gate.c */
bool hub_gate_open(const struct bb_hub *h, const struct hub_gate *g); /* may one be rendered now? */
void hub_gate_took(const struct bb_hub *h, struct hub_gate *g);       /* one is */
uint32_t hub_gate_wait(const struct bb_hub *h, const struct hub_gate *g); /* ms until the next may; 0: now */
void hub_gate_failed(const struct bb_hub *h, struct hub_gate *g, uint32_t retry_ms); /* no answer */
void hub_gate_rendered(struct hub_gate *g);
/* intake.c */
void hub_intake_submit(struct bb_hub *h, struct hub_peer *p, struct bb_frame *f, zmq_msg_t *frame);
void hub_intake_ask(struct bb_hub *h, struct bb_ask *a);
void hub_intake_done(struct bb_hub *h, struct bb_op *op);
/* The append of what a delivery became (owed: of what follows from one that was applied, and is stored
 * in any case); NULL: it cannot be, why says so. And once it was done, or not. */
struct bb_op *hub_intake_children(struct bb_hub *h, struct hub_endpoint *from,
                                  const struct bb_w_result *w, bool owed, char why[160]);
void hub_intake_children_done(struct bb_hub *h, struct bb_op *op, bool stored);
void hub_intake_tick(struct bb_hub *h); /* tells what could not be told at once */
void hub_intake_end(struct bb_hub *h);
/* route.c: the feed */
struct bb_read *hub_read_new(struct hub_route *r, enum bb_read_kind kind, uint64_t from,
                             size_t max_items, size_t max_bytes);
void hub_read_free(struct bb_read *rd);
void hub_route_damaged(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it);
/* rows.c: what left the plain path */
void hub_rows_due(struct bb_hub *h, struct hub_route *r, uint32_t room);
void hub_rows_heads(struct bb_hub *h, struct hub_route *r);
void hub_rows_recover(struct bb_hub *h, struct hub_route *r);
void hub_rows_read_done(struct bb_hub *h, struct bb_read *rd);
void hub_rows_read_drop(struct bb_read *rd); /* of any kind: the hub is about to end */
/* route.c, mark.c, rows.c, setup.c */
int hub_routes_init(struct bb_hub *h, struct bb_fault *err);
void hub_route_pump(struct bb_hub *h, struct hub_route *r);
bool hub_route_caught_up(const struct hub_route *r);
/* Offers one item to the route's sink: true when the item is dealt with. */
bool hub_route_offer(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it);
void hub_route_read_done(struct bb_hub *h, struct bb_read *rd);
void hub_route_mark_done(struct bb_hub *h, struct bb_op *op);
void hub_route_account(struct hub_route *r, uint64_t ord);
/* Is it rendered, and was never sent? It counts in `ahead`, until it is or never will be. */
bool hub_route_is_ahead(const struct bb_row *row);
void hub_route_goes_out(struct hub_route *r, const struct bb_row *row);
void hub_route_reserve(struct bb_hub *h, struct hub_route *r);
void hub_route_reserve_done(struct bb_op *op);
/* Wakes the lane's head if it sleeps. */
void hub_route_kick(struct bb_hub *h, struct hub_route *r, uint64_t lane);
/* The lane has nothing in the hub any more; wake: no row stands for what was there, so what spilled
 * behind it meanwhile must be woken. */
void hub_route_lane_free(struct bb_hub *h, struct hub_route *r, uint64_t lane, bool wake);
void hub_route_due(struct hub_route *r, uint64_t due_ms);
void hub_route_retry(const struct bb_hub *h, struct hub_route *r, uint64_t due_ms); /* what has failed */
/* So many rows of a lane at once, as far as the sink takes them. */
void hub_route_run_max(struct hub_route *r, uint32_t n);
/* Fetches rows that settlements took for their lanes; items[i].row as before the taking. */
void hub_route_fetch(struct bb_hub *h, struct hub_route *r, struct bb_read_item *items, size_t n);
struct hub_route *hub_route_by_id(struct bb_hub *h, uint32_t id);
/* join.c: before the hub's thread runs. Matches the stored messages [from, end) and takes what fits. */
int hub_route_join(struct bb_hub *h, struct hub_route *r, struct bb_view *v, uint64_t from, uint64_t end,
                   struct bb_fault *err);
/* Routes that were taken out of conf.d half way would keep the rest from retention for ever. */
void hub_joins_give_up(struct bb_hub *h, struct bb_view *v);
/* changed.c: before the hub's thread runs */
void hub_start_op(struct bb_hub *h, struct bb_op *op); /* posts and waits */
int hub_route_unchanged(struct bb_hub *h, struct hub_route *r, struct bb_fault *err);
void hub_removed_say(struct bb_hub *h);
/* Calls fn for each route of the journal that conf.d has no more and that has deliveries left. */
void hub_removed_each(struct bb_hub *h, void (*fn)(void *, const char *, const struct bb_route_state *),
                      void *arg);
/* dispatch.c */
void hub_dispatch(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it,
                  const struct bb_row *row, uint32_t op);
/* Rows of one lane in their order, in one batch: how many it could send, from the first. */
size_t hub_dispatch_run(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *items,
                        size_t n, uint32_t op);
/* settle.c */
/* Adds a settlement to the operation being filled; f may be NULL. The row starts as the flight's.
 * Never fails: without memory for an operation the process ends, for nothing could be kept. */
struct bb_settle *hub_settle(struct bb_hub *h, struct hub_route *r, struct hub_flight *f,
                             enum bb_settle_to to, uint64_t ord, uint64_t seq, uint64_t lane);
void hub_settle_event(struct bb_hub *h, struct bb_settle *s, const char *reason, int32_t status,
                      struct bb_bytes code, struct bb_bytes text, struct bb_bytes reply);
/* The row was taken or marked but not sent: back to wait until at, its lane freed. */
void hub_settle_put_back(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it,
                         uint64_t at);
/* The row was taken behind another one that was not sent: it waits for that again. */
void hub_settle_wait_again(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it);
void hub_settle_body(struct bb_hub *h, struct bb_settle *s, struct bb_bytes body);
/* What was settled last, the only one of its operation, became these messages. Posts it. */
void hub_settle_children(struct bb_hub *h, struct bb_op *children);
void hub_settle_flush(struct bb_hub *h);
/* At a turn's end: posts what gathered if it is urgent, large or old. */
void hub_settle_turn(struct bb_hub *h);
void hub_settle_done(struct bb_hub *h, struct bb_op *op);
/* outcome.c */
void hub_outcome(struct bb_hub *h, struct hub_flight *f, const struct bb_w_result *w);
/* One of a batch, in its turn. failed: one before it in the lane was neither applied nor skipped;
 * overtaken: one after it may have been applied; not_before: no earlier than that does it go again,
 * and then when it does. */
void hub_outcome_member(struct bb_hub *h, struct hub_flight *f, const struct bb_w_result *w,
                        bool failed, bool overtaken, uint64_t *not_before);
/* A delivery that was maybe sent and has no flight: from recovery. */
void hub_outcome_recovered(struct bb_hub *h, struct hub_route *r, const struct bb_read_item *it);
/* rehearse.c */
void hub_rest_ask(struct bb_hub *h, struct bb_ask *a);
/* At a turn's end: answers who waits for rest, or lets time go to the next event. */
void hub_rest_turn(struct bb_hub *h);
/* ask.c, status.c */
void hub_ask_serve(struct bb_hub *h, struct bb_ask *a);
void hub_ask_done(struct bb_hub *h, struct bb_op *op);
void hub_ask_answer(struct bb_hub *h, struct bb_ask *a, bb_status s, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void hub_status_write(struct bb_hub *h, struct bb_buf *out);

#endif
