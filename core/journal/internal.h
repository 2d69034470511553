/*
 * internal.h - the journal's own parts: writer, reader, claims, space
 *
 * Threads: W the writer, R the reader, H the hub. What W alone uses has no lock. "pub" is what
 * others may know: changed by W after a commit, under pub.lock.
 *
 * Functions of the writer that return int give 0 or an LMDB/errno code that aborts the whole
 * transaction; a refusal of one operation is its status and leaves the transaction untouched.
 */
#ifndef BB_JOURNAL_INTERNAL_H
#define BB_JOURNAL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include "core/base/base.h"
#include "core/journal/wal.h"

#define BB_OP_NAME (BB_OP_NOTE + 1) /* bb_journal_name_id's, never seen by the hub */
#define BB_RC_LATER (-1)            /* aborts the transaction: this must wait for room */
#define BB_RC_FAILED (-2)           /* aborted, and the journal has failed */
#define BB_RC_TURN (-3)             /* ... the log's file is full: bb_txn_turn, and again */
#define BB_RC_TOO_BIG (-4)          /* ... no file of the log is large enough */

/* ---- claims: fingerprint -> seq (claims.c, W) -------------------------------------------------- */
struct bb_claims {
    struct bb_rec_claim *slot; /* open addressing; seq 0: empty */
    size_t cap, n;             /* n: claims in both tables */
    struct bb_rec_claim *old;  /* being moved from; NULL: none */
    size_t old_cap, moved;
    struct { /* the next table, whose memory a thread of its own touches first */
        struct bb_rec_claim *slot;
        size_t cap;
        pthread_t thread;
    } next;
};
uint64_t bb_claims_get(const struct bb_claims *c, const uint8_t fp[16]); /* 0: not there */
/* A look-up is a cache miss: ask for the line a little before. */
void bb_claims_prefetch(const struct bb_claims *c, const uint8_t fp[16]);
int bb_claims_expect(struct bb_claims *c, uint64_t n); /* room for n without growing: 0 or ENOMEM */
int bb_claims_add(struct bb_claims *c, const uint8_t fp[16], uint64_t seq); /* 0 or ENOMEM */
void bb_claims_del(struct bb_claims *c, const uint8_t fp[16], uint64_t seq);
void bb_claims_free(struct bb_claims *c);

/* ---- a route as the writer has it ---------------------------------------------------------------- */
struct bb_wstate { /* what a transaction may change and an abort gives back */
    bool removed;
    uint64_t frontier, mark, tail, frontier_seq;
    uint64_t counts[BB_D_STATES];
    uint32_t bits; /* set in window */
    uint64_t join, join_end; /* stored messages that it has yet to look at; join 0: none */
    uint64_t low; /* no blocking row's seq is lower: oldest.c */
    bool low_gone;
};
struct bb_wroute {
    uint32_t id;
    char name[64];
    struct bb_wstate s, saved;
    uint64_t *window;       /* BB_WINDOW_WORDS */
    uint64_t *saved_window; /* valid when saved.bits */
    bool touched;           /* saved holds the state before this transaction */
    bool due_changed;
    struct bb_vec feed;     /* entries appended in this transaction, from ordinal feed_first */
    uint64_t feed_first;
    struct bb_vec done[3];  /* u64 seqs plainly DELIVERED, SKIPPED, DISCARDED in it */
    uint64_t oldest_ms, due_min_ms;
    uint64_t oldest; /* the seq that oldest_ms is of, UINT64_MAX: none; 0: to be looked up */
};

/* Per lane, what a search need not look at again. Small, direct-mapped, dropped on any abort. */
struct bb_hint {
    uint32_t route;
    bool used;
    uint64_t lane;
    uint64_t low;  /* every row of the lane below is QUARANTINED */
    uint64_t over; /* ... and every QUARANTINED row below is marked OVERTAKEN */
};
#define BB_HINTS 1024u

struct bb_pub_route {
    char name[64];
    struct bb_route_state st;
    uint64_t *window;
};

struct bb_arena_pool;

struct bb_journal {
    struct bb_store store;
    struct bb_wal wal;
    struct bb_journal_options o;
    char dir[512];
    int lock_fd, reserve_fd;

    /* H -> W */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t wake, named, fresh;
        struct bb_op *head, **tail;
        bool stop, waiting;
        uint64_t logged, settled; /* records; those that LMDB's readers see */
        bool fresh_wanted, fresh_ended;
    } in;
    /* W -> H, R -> H */
    struct bb_outbox {
        pthread_mutex_t lock;
        void *head, **tail;
        int fd;
        bool signalled;
    } out, rout;
    /* H -> R */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t wake;
        struct bb_read *head, **tail;
        bool stop;
    } rd;
    pthread_t writer, reader;
    bool writer_on, reader_on;
    struct bb_arena_pool *pool;

    /* W */
    MDB_txn *txn; /* see txn.c */
    struct { struct bb_vec records; uint64_t since_us; } win;
    MDB_cursor *cur[BB_TABS];
    struct bb_wroute **routes; /* by id */
    size_t n_routes, cap_routes;
    struct bb_marks { /* rolled back as one */
        uint64_t next_seq, next_eseq;
        uint32_t next_route, next_name;
        struct bb_rec_counters counters;
    } m, m_saved;
    size_t n_routes_saved;
    uint64_t now_ms;
    struct { /* operations for which there was no room, in order; see hold.c */
        struct bb_op *head, **tail;
        size_t n;
        uint64_t tried_us;
        bool said, parking, again;
    } held;
    uint64_t wal_off_us; /* when there was no room with it */
    uint64_t wal_look_us; /* when its files were last seen to be there */
    struct bb_claims claims;
    struct {                  /* rebuild.c; done: in.lock */
        pthread_t thread;
        MDB_txn *txn;
        uint64_t next_seq;
        bool on, done;
        atomic_bool stop;
        int rc;
        struct bb_op *head, **tail; /* what waits for it */
    } rebuild;
    struct bb_vec claim_new;  /* struct bb_rec_claim of this transaction */
    struct bb_vec claim_gone; /* evicted in this transaction; leave the memory after it */
    struct bb_hint hints[BB_HINTS];
    struct bb_vec scratch;
    struct {
        uint64_t msg, next_us, started_us; /* scan position; when the next pass is */
        uint64_t again_us;                 /* not before: the last piece had no room */
        bool active, events;
        size_t piece; /* records; fewer after one that did not fit */
    } ret;
    struct {
        uint64_t checked_us, since; /* bytes appended since the check */
        bool released;              /* the reserve file is gone */
        bool tight;                 /* half of the reserve is used: attempts' events are left out */
        uint64_t room;              /* at the last look, less what was afforded since */
    } space;

    struct {
        pthread_mutex_t lock;
        struct bb_pub_route *routes;
        size_t n, cap;
        char (*names)[64]; /* by id */
        size_t n_names, cap_names;
        struct bb_journal_stats stats;
        char failed_text[200];
    } pub;
    _Atomic(const char *) intake, failed;
};

/* ---- journal.c, any thread ------------------------------------------------------------------------ */
const struct bb_store *bb_journal_store(const struct bb_journal *j);
void bb_journal_say(struct bb_journal *j, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void bb_outbox_put(struct bb_outbox *b, void *head, void **tail); /* a list linked by its first member */
void *bb_outbox_take(struct bb_outbox *b);

#define BB_SETTLE_MS 50 /* LMDB is no further behind the log */
/* Before another than the core looks into dir: does what a crash left, unless a core has it open:
 * then it waits until that has settled what it answered before. 0, or -1 with err filled. */
int bb_journal_recover(const char *dir, struct bb_fault *err);

/* ---- load.c: what is in the store into memory ------------------------------------------------------ */
int bb_journal_load(struct bb_journal *j, struct bb_fault *err);
struct bb_wroute *bb_wroute_add(struct bb_journal *j, uint32_t id, const char *name, size_t len);
void bb_wroute_free(struct bb_wroute *r);
/* pub <- W's state of a route; with pub.lock held. */
int bb_wroute_publish(struct bb_journal *j, const struct bb_wroute *r);
int bb_name_publish(struct bb_journal *j, uint32_t id, const char *name, size_t len);

/* ---- rebuild.c: the claims, behind the start -------------------------------------------------------- */
int bb_rebuild_start(struct bb_journal *j); /* before the writer: 0, or an errno or LMDB's code */
/* Of these operations those that may be done now. Once the claims are there, for which a stop waits,
 * the others stand in the queue again, before all else, and it is no stop yet. */
struct bb_op *bb_rebuild_sort(struct bb_journal *j, struct bb_op *list, bool *stop);
bool bb_rebuild_end(struct bb_journal *j, bool stop); /* false: it failed, and so has the journal */

/* ---- txn.c ----------------------------------------------------------------------------------------- */
int bb_txn_begin(struct bb_journal *j);
/* Before the commit: 0, ENOMEM, BB_RC_TURN, BB_RC_TOO_BIG. */
int bb_txn_room(struct bb_journal *j);
int bb_txn_commit(struct bb_journal *j); /* durable; not 0: bb_txn_abort follows */
void bb_txn_abort(struct bb_journal *j); /* memory as it was at the begin */
int bb_txn_turn(struct bb_journal *j);   /* 0 or BB_RC_FAILED */
/* What was logged becomes LMDB's, between transactions: 0 or BB_RC_FAILED. */
int bb_txn_settle(struct bb_journal *j);
bool bb_txn_settle_due(struct bb_journal *j);
int bb_txn_settle_ms(const struct bb_journal *j); /* until it is */
void bb_txn_fresh_end(struct bb_journal *j); /* nobody waits any more */
/* Waits until LMDB's readers see what was answered before the call. Any thread but W. */
void bb_journal_fresh(struct bb_journal *j);
bool bb_no_space(struct bb_journal *j, int rc);
void bb_no_room(struct bb_journal *j, int rc); /* gives the reserve up, closes intake */
/* What failed here is final, unless rc is 0: BB_RC_FAILED. */
int bb_final(struct bb_journal *j, int rc);

/* ---- writer.c --------------------------------------------------------------------------------------- */
void *bb_writer_main(void *j);
MDB_cursor *bb_cur(struct bb_journal *j, enum bb_table t, int *rc); /* this transaction's cursor */
/* Every change goes through these three: they note it for the log. */
int bb_put(struct bb_journal *j, enum bb_table t, MDB_val k, const void *p, size_t n);
int bb_del(struct bb_journal *j, enum bb_table t, MDB_val k); /* not there: 0 */
int bb_del_at(struct bb_journal *j, enum bb_table t, MDB_cursor *c, const MDB_val *k); /* where c is */
/* A value that is built in place: room for n bytes at k (NULL: no memory), then, filled, into the
 * store, behind every key that is there. */
uint8_t *bb_new(struct bb_journal *j, enum bb_table t, MDB_val k, size_t n);
int bb_new_put(struct bb_journal *j, enum bb_table t, MDB_val k, const uint8_t *p, size_t n);
int bb_get(struct bb_journal *j, enum bb_table t, MDB_val k, MDB_val *v);
void bb_op_refuse(struct bb_op *op, int32_t status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* NULL: unknown or removed. */
struct bb_wroute *bb_wroute_get(struct bb_journal *j, uint32_t id);
/* Before any change of r->s in a transaction. */
int bb_wroute_touch(struct bb_journal *j, struct bb_wroute *r);

/* What the statistics show of an open transaction; into pub once it is committed, with the routes
 * it touched. */
int bb_measure(struct bb_journal *j, struct bb_journal_stats *s);
void bb_publish(struct bb_journal *j, const struct bb_journal_stats *s);

/* The log is turned off, so that what its pin holds is free: 0, or the journal has failed. */
int bb_wal_yield(struct bb_journal *j);

/* ---- hold.c: operations that wait for room -------------------------------------------------------- */
/* Must op wait because one that is held comes before it? */
bool bb_hold_stops(const struct bb_journal *j, const struct bb_op *op);
void bb_hold_add(struct bb_journal *j, struct bb_op *op);
struct bb_op *bb_hold_take(struct bb_journal *j); /* all of them, in order */

/* ---- operations: append.c, settle.c, oper.c ------------------------------------------------------------ */
int bb_op_append(struct bb_journal *j, struct bb_op *op);
int bb_op_settle(struct bb_journal *j, struct bb_op *op);
int bb_op_mark(struct bb_journal *j, struct bb_op *op);
int bb_op_reserve(struct bb_journal *j, struct bb_op *op);
int bb_op_kick(struct bb_journal *j, struct bb_op *op);
int bb_op_route(struct bb_journal *j, struct bb_op *op);
int bb_op_operator(struct bb_journal *j, struct bb_op *op);
int bb_op_state(struct bb_journal *j, struct bb_op *op);
int bb_op_join(struct bb_journal *j, struct bb_op *op);
int bb_op_note(struct bb_journal *j, struct bb_op *op);
int bb_op_name(struct bb_journal *j, struct bb_op *op);
/* Compare and set. 1: done, *version set; 0: refused; else -code. */
int bb_state_check(struct bb_journal *j, struct bb_op *op, const char *key, uint64_t expected,
                   struct bb_bytes value);
int bb_state_put(struct bb_journal *j, const char *key, uint64_t version, struct bb_bytes value);
/* The route's next ordinal is this message. */
int bb_feed_put(struct bb_journal *j, uint64_t seq, const struct bb_match *m);
/* The end of a transaction: feed chunks, frontier, routes, claims, ranges, meta. */
int bb_flush(struct bb_journal *j);

/* ---- join.c: a new route takes what is stored ---------------------------------------------------- */
int bb_join_load(struct bb_journal *j, struct bb_wroute *r);
int bb_join_begin(struct bb_journal *j, struct bb_wroute *r);
int bb_join_end(struct bb_journal *j, struct bb_wroute *r);
/* May a route still take it? Then it stays. */
bool bb_join_wants(const struct bb_journal *j, uint64_t seq);

/* ---- rows.c ---------------------------------------------------------------------------------------------- */
int bb_row_get(struct bb_journal *j, uint32_t route, uint64_t lane, uint64_t seq, struct bb_row *row);
/* old NULL: none yet; new NULL: gone. Keeps due, open, body and the counts in step. */
int bb_row_set(struct bb_journal *j, struct bb_wroute *r, uint64_t lane, uint64_t seq,
               const struct bb_row *old, const struct bb_row *row);
/* First blocking row of a lane: 0, MDB_NOTFOUND. */
int bb_lane_head(struct bb_journal *j, struct bb_wroute *r, uint64_t lane, uint64_t *seq,
                 struct bb_row *row);
/* The head is SPILLED and not due: due now. */
int bb_lane_wake(struct bb_journal *j, struct bb_wroute *r, uint64_t lane);
/* seq of this lane went out: lower QUARANTINED rows are overtaken. */
int bb_lane_overtake(struct bb_journal *j, struct bb_wroute *r, uint64_t lane, uint64_t seq);
bool bb_row_blocks(const struct bb_row *row);

/* ---- oldest.c ---------------------------------------------------------------------------------------------- */
/* A row is now so; NULL: gone. */
void bb_oldest_row(struct bb_wroute *r, uint64_t seq, const struct bb_row *row);
int bb_oldest_load(struct bb_journal *j, struct bb_wroute *r);
int bb_oldest_flush(struct bb_journal *j, struct bb_wroute *r); /* r->oldest_ms */

/* ---- events.c ----------------------------------------------------------------------------------------------- */
int bb_event_detail(struct bb_journal *j, uint32_t route, uint64_t seq, enum bb_dstate to,
                    struct bb_bytes map);
int bb_event_ranges(struct bb_journal *j, uint32_t route, enum bb_dstate to, uint64_t *seqs, size_t n);
int bb_event_note(struct bb_journal *j, struct bb_bytes map);

/* ---- retain.c, reserve.c ---------------------------------------------------------------------------------------- */
int bb_retain(struct bb_journal *j); /* a bounded piece, inside the transaction */
bool bb_retain_due(struct bb_journal *j);
/* What a piece freed must be noted in one run of free pages, and a full store may have short ones
 * only: the next piece is smaller, and grows again. */
void bb_retain_went(struct bb_journal *j, bool well);
int bb_retain_claims(struct bb_journal *j, bool by_time);
int bb_reserve_make(struct bb_journal *j); /* 0, or -1 with errno */
void bb_reserve_release(struct bb_journal *j);
/* Closes and opens intake by what is free; between transactions. */
void bb_space_check(struct bb_journal *j, bool now);
void bb_space_look(struct bb_journal *j); /* what is free now; changes nothing else */
/* While intake is closed, before something that makes the store grow: 0, or BB_RC_LATER when that
 * would reach into what settling itself needs (LMDB copies pages even to delete). */
int bb_space_afford(struct bb_journal *j, uint64_t bytes);
bool bb_disk_is_full(struct bb_journal *j);
void bb_intake_close(struct bb_journal *j, const char *why);

/* ---- reader.c ------------------------------------------------------------------------------------------------------ */
void *bb_reader_main(void *j);
struct bb_arena_pool *bb_arena_pool_new(void);
void bb_arena_pool_drop(struct bb_arena_pool *p);

#endif
