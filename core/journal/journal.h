/*
 * journal.h - the durable record of every accepted message and of what became of it
 *
 * One writer thread owns the store. Every change is an operation (struct bb_op): posted by the
 * hub, applied in the order posted, atomic each, many to a commit, and handed back only after
 * that commit is on disk. While a commit syncs, the next operations gather: an idle system answers
 * within one commit, a busy one shares it. One reader thread serves the hub's look-ups, so the hub
 * never waits for a disk. Everybody else (index, admin, CLI) reads with bb_journal_view_*, short
 * transactions of their own, also from another process.
 *
 * Words: a delivery is (route, seq). A route's deliveries are numbered 0,1,2.. in journal order:
 * its ordinal. Feed: the route's ordinals with their seq and lane, written at append in chunks.
 *   frontier F  every ordinal below is accounted for: terminal, or it has a row
 *   mark D      an ordinal at or above was surely never handed to the sink
 *   tail T      the next ordinal
 * Ordinals in [F, min(D, F + BB_WINDOW)) that are done out of turn are bits in the route's window.
 * Row: the state of one delivery that left the plain path (spilled behind its lane, retrying, held,
 * quarantined ...), keyed (route, lane, seq), so that the first blocking row of a lane is its head.
 *
 * Failure: a full disk or map closes intake and keeps settling (reserve); a failed sync is final:
 * nothing in that commit is answered as done, bb_journal_failed() says why, and the process must
 * end. Errors: 0 or -1 with err filled.
 */
#ifndef BB_JOURNAL_H
#define BB_JOURNAL_H

#include <stdbool.h>
#include <busbar/message.h>

#define BB_WINDOW 32768u          /* most ordinals between F and the scan position */
#define BB_ROUTE_UNMATCHED 0u     /* pseudo-route: no route matched, or a conflict */
#define BB_ORD_NONE UINT64_MAX

struct bb_journal;

struct bb_journal_options {
    const char *dir;         /* the state folder; created 0700 */
    uint64_t map_size, reserve, retention_ms, claims_window_ms, claims_max; /* see config.h */
    uint64_t wal_size;       /* of each of the log's two files; 0: by the map and the disk */
    void (*log)(void *arg, int level, const char *text);
    void *arg;
};

/* States of a delivery. Pending: WAITING (in the feed, no row), SPILLED, INFLIGHT, RETRYING,
 * PROBING, HELD. Open: QUARANTINED. Terminal: DELIVERED, SKIPPED, DISCARDED. */
enum bb_dstate {
    BB_D_WAITING, BB_D_SPILLED, BB_D_INFLIGHT, BB_D_RETRYING, BB_D_PROBING, BB_D_HELD,
    BB_D_QUARANTINED, BB_D_DELIVERED, BB_D_SKIPPED, BB_D_DISCARDED, BB_D_STATES
};
extern const char *const bb_dstate_names[BB_D_STATES];

#define BB_ROW_MAYBE_SENT 1u   /* handed to the sink and not answered "surely not applied" */
#define BB_ROW_BODY 2u         /* a rendered body is kept: send it unchanged */
#define BB_ROW_OVERTAKEN 4u    /* a later delivery of its lane went out since */
#define BB_ROW_PROBED 8u       /* the last probe said not applied (probed once; twice before a retry) */
#define BB_ROW_PARTIAL 32u     /* the kept body is what a transform that failed had made: for people, it is never sent */
#define BB_ROW_RELEASED 16u    /* an operator released or replayed it: attempts count anew */
struct bb_row {
    uint8_t state;     /* enum bb_dstate */
    uint8_t flags;     /* BB_ROW_* */
    uint16_t epoch;    /* rises with an operator's replay */
    uint32_t attempts; /* sends that consumed an attempt */
    uint32_t sends;    /* all sends */
    int32_t last_status;
    uint64_t due_ms;   /* wall clock, RETRYING and PROBING */
    uint64_t sent_ms;  /* last handed to the sink */
};

/* ---- routes ---------------------------------------------------------------------------------- */
struct bb_route_state {
    uint32_t id;         /* never reused; the same name keeps its id */
    uint64_t frontier, mark, tail;
    uint64_t counts[BB_D_STATES]; /* WAITING and the feed's INFLIGHT are derived: see pending */
    uint64_t pending;    /* tail - open - terminal */
    uint64_t oldest_ms;  /* accept time of the oldest pending delivery, 0 when none */
    uint64_t due_min_ms; /* earliest due row, 0: none */
    bool joining;        /* not through with what was stored before it; bb_journal_route only */
};

/* ---- operations ------------------------------------------------------------------------------ */
enum bb_op_kind {
    BB_OP_APPEND, BB_OP_SETTLE, BB_OP_MARK, BB_OP_RESERVE, BB_OP_KICK, BB_OP_ROUTE, BB_OP_OPERATOR,
    BB_OP_STATE, BB_OP_JOIN, BB_OP_NOTE
};

struct bb_match { uint32_t route; uint32_t reserved; uint64_t lane; }; /* lane 0: no order */

struct bb_append_msg {
    struct bb_bytes whole;
    uint8_t claim[16];        /* fingerprint; all zero: no claim */
    uint32_t match, n_match;  /* into append.matches; none: quarantined under BB_ROUTE_UNMATCHED */
    const char *why;          /* then: because of that; NULL: no route matched. As long as the operation */
    /* results */
    uint64_t seq;             /* its sequence number (also of the one held already) */
    uint8_t duplicate;        /* held already, same bytes: not stored again */
    uint8_t conflict;         /* same id, other bytes: stored under BB_ROUTE_UNMATCHED */
};

enum bb_settle_to { /* what the delivery becomes */
    BB_TO_DELIVERED, BB_TO_SKIPPED, BB_TO_DISCARDED, /* terminal */
    BB_TO_SPILLED, BB_TO_RETRYING, BB_TO_PROBING, BB_TO_HELD, BB_TO_QUARANTINED, /* a row */
    BB_TO_INFLIGHT /* still in flight, but so long that the frontier must pass it: a row */
};
struct bb_more { uint64_t seq; struct bb_row row; /* as before the taking */ };
struct bb_settle {
    uint32_t route;
    uint8_t to;           /* enum bb_settle_to */
    uint8_t lane_in_flight; /* SPILLED: the lane has an unsettled delivery in the hub, so it is woken
                             by that one's settlement; 0: make it due now if it is its lane's head */
    uint8_t take_next;    /* terminal or QUARANTINED, or a row that is SPILLED again and whose lane is
                             not in flight: if the lane's next head is SPILLED, make it INFLIGHT and
                             return it in next; 0: make it due now instead */
    uint8_t has_next;     /* result */
    uint8_t renders;      /* the route's body is kept before its first send: who is taken or passed over
                             without a body is not sent yet */
    uint8_t keep_body;    /* not even a full disk lets it go: nothing is sent before it is kept */
    uint64_t ord;         /* feed ordinal, or BB_ORD_NONE when it has a row */
    uint64_t seq, lane;
    struct bb_row row;    /* the new row; state is set from "to" */
    struct bb_bytes body;  /* rendered body to keep, or empty */
    struct bb_bytes event; /* msgpack map with the attempt's detail; empty: a plain success, which
                              goes into the commit's ranges */
    uint64_t next_seq;    /* results */
    struct bb_row next_row;
    struct bb_more *more; /* with take_next: take up to max_more rows behind next, too, as long as they
                             are SPILLED and surely not sent; the poster's memory */
    uint32_t max_more, n_more; /* n_more: result */
    uint8_t parked;       /* the journal's while posted; 0 before: it has a row until there is room */
};
struct bb_join { uint64_t seq, lane; }; /* a stored message that a new route takes */
struct bb_mark { uint32_t route; uint64_t seq, lane; uint8_t ok; /* result: 0 if it changed meanwhile */
                 uint8_t behind; /* goes with the mark before it: of the same lane, the next there */
                 uint8_t renders; /* as of a settlement */
                 struct bb_row row; /* result: as marked */ };

enum bb_operator { BB_OPER_RELEASE, BB_OPER_REPLAY, BB_OPER_DISCARD };

struct bb_op {
    struct bb_op *next;  /* the journal's while posted */
    enum bb_op_kind kind;
    void *arg;           /* the poster's */
    int32_t status;      /* result: BB_OK, BB_E_BUSY (intake closed), BB_E_REJECT, BB_E_RETRY (failed) */
    char text[160];      /* result: why not */
    union {
        struct {
            uint32_t endpoint;       /* from bb_journal_name_id */
            struct bb_append_msg *msgs;
            size_t n;
            struct bb_match *matches;
            size_t n_matches;
            const char *state_key;   /* NULL: none */
            uint64_t state_expected;
            struct bb_bytes state;
            bool owed;               /* of children: settling's room is for them, too, they are not refused */
            uint64_t state_version;  /* result */
            uint64_t commit_ms;      /* result: accept time */
        } append;
        struct {
            struct bb_settle *v;
            size_t n;
            struct bb_op *children; /* NULL, or an APPEND, of which there is no other trace: done in this
                                       operation or not at all. n is 1 then, v[0] DELIVERED. BUSY:
                                       intake is closed, v[0] is as it was but for parked */
        } settle;
        struct { struct bb_mark *v; size_t n; } mark;      /* rows due: INFLIGHT + MAYBE_SENT */
        struct { uint32_t route; uint64_t mark; } reserve; /* set D (also down again: the hub alone knows
                                                      what it handed over) */
        struct { uint32_t route; uint64_t lane; } kick;    /* head SPILLED and not in flight: due now */
        struct {
            const char *name;
            bool remove;
            bool oldest;       /* a name that is new begins with the messages that are stored */
            uint32_t id;       /* results */
            uint64_t join, join_end; /* of these it has yet to look at [join, join_end); 0: at none */
        } route;                     /* register */
        struct { /* a piece of that: takes what v names, and goes on at next */
            uint32_t route;
            const struct bb_join *v; /* ascending, within [join, next); what names it already, a */
            size_t n;                /* conflict and what is damaged or gone are left out */
            uint64_t next;           /* UINT64_MAX: gives up the rest */
            size_t bytes;            /* of the messages in v */
            size_t taken;            /* result */
        } join;
        struct {
            enum bb_operator what;
            uint32_t route;
            uint64_t seq;
            bool overtaken_ok;       /* commutative, or the operator said so */
            const char *who;         /* goes into the event */
            struct bb_row row;       /* result */
            uint64_t lane;           /* result */
        } oper;
        struct { const char *key; uint64_t expected; struct bb_bytes value; uint64_t version; } state;
        struct { struct bb_bytes event; } note;            /* a record in the event stream */
    };
};

/* ---- life ------------------------------------------------------------------------------------ */
/* Opens or creates the store, takes the folder's lock (a second core is refused by name of its
 * pid), rebuilds the claims behind that: appends wait for it. */
struct bb_journal *bb_journal_open(const struct bb_journal_options *o, struct bb_fault *err);
/* Finishes what is posted, stops the threads, closes. -1: the journal had failed, or its last sync
 * did, which is said in the log; what was answered is in its log all the same. */
int bb_journal_close(struct bb_journal **jp);
/* From now on a page of the store's map that cannot be read (SIGBUS, SIGSEGV) ends this process with a
 * line on stderr. For the core's own process and its one journal. -1: the map was not found. */
int bb_journal_guard(const struct bb_journal *j);
/* 16 bytes that name this journal for ever, made at creation. */
const uint8_t *bb_journal_id(const struct bb_journal *j);
/* Small stable numbers for endpoints' names. */
int bb_journal_name_id(struct bb_journal *j, const char *name, uint32_t *id, struct bb_fault *err);
/* SipHash-2-4-128 over (endpoint, source, id) under the journal's own key. */
void bb_journal_fingerprint(const struct bb_journal *j, uint32_t endpoint, struct bb_bytes source,
                            struct bb_bytes id, uint8_t out[16]);

/* ---- the hub's side: one thread posts and takes ------------------------------------------------ */
void bb_journal_post(struct bb_journal *j, struct bb_op *op); /* op lives until taken */
int bb_journal_fd(const struct bb_journal *j);   /* readable when something can be taken */
struct bb_op *bb_journal_take(struct bb_journal *j); /* a list in order of commit, or NULL */

struct bb_read_item {
    uint64_t ord; /* BB_ORD_NONE for rows */
    uint64_t seq, lane, accept_ms;
    struct bb_row row;      /* zero for feed items */
    struct bb_bytes whole;  /* the message, or the kept body when row.flags has BB_ROW_BODY;
                               empty with bad set */
    struct bb_bytes attributes; /* the accepted message's, with a kept body; else empty */
    uint8_t bad;            /* record missing or its CRC wrong: quarantine the delivery */
    uint8_t done;           /* feed: already settled out of turn (window bit): skip it;
                               ROWS: not fetched, max_bytes had been reached */
};
enum bb_read_kind { BB_READ_FEED, BB_READ_DUE, BB_READ_ROWS, BB_READ_INFLIGHT, BB_READ_HEADS };
struct bb_read {
    struct bb_read *next;
    enum bb_read_kind kind;
    void *arg;
    uint32_t route;
    uint64_t from;         /* FEED: first ordinal; DUE: now in ms; HEADS: first lane */
    uint64_t after_ms, after_lane, after_seq; /* DUE: behind that row; 0: from the first */
    size_t max_items, max_bytes; /* at least one item is returned if there is one */
    struct bb_read_item *items; /* ROWS: seq and lane set by the caller. Else the reader's */
    size_t n;              /* result (ROWS: in and out) */
    uint64_t next_due_ms;  /* DUE: result, earliest that is later, 0 none */
    uint64_t next_lane;    /* HEADS: result, where to go on, 0 at the end */
    char failed[80];       /* result: empty, or why it could not be read: what items holds says nothing */
    void *arena;           /* the reader's memory behind items */
};
void bb_journal_read(struct bb_journal *j, struct bb_read *r); /* async; taken below */
struct bb_read *bb_journal_read_take(struct bb_journal *j);
int bb_journal_read_fd(const struct bb_journal *j);
void bb_journal_read_free(struct bb_read *r); /* frees items' memory, not r */

/* INFLIGHT reads rows that were in flight when the last run ended (once, at start). HEADS reads the
 * lanes whose first blocking row is SPILLED and not due, without bytes: who would have woken them may
 * have ended with the last run. */

/* ---- any thread -------------------------------------------------------------------------------- */
/* NULL when intake is open, else why it is closed. retry_after_s: a guess for the caller. */
const char *bb_journal_intake(const struct bb_journal *j, uint32_t *retry_after_s);
const char *bb_journal_failed(const struct bb_journal *j); /* NULL, or why the journal stopped */
struct bb_journal_stats {
    uint64_t messages, accepted, duplicates, conflicts, first_seq, next_seq, events;
    uint64_t used_bytes, map_bytes, free_disk_bytes, commits, claims, claims_bytes;
    uint64_t commit_us_last, commit_us_max;
};
void bb_journal_stats(const struct bb_journal *j, struct bb_journal_stats *out);
int bb_journal_route(struct bb_journal *j, uint32_t id, struct bb_route_state *out);
int bb_journal_source_state(struct bb_journal *j, const char *key, struct bb_buf *value,
                            uint64_t *version);

/* ---- views: short read transactions, also on a journal that another process has open ----------- */
struct bb_view;
struct bb_view *bb_view_open(const char *dir, struct bb_fault *err);      /* by folder */
struct bb_view *bb_view_of(struct bb_journal *j);     /* inside the core: sees what was answered */
struct bb_view *bb_view_behind(struct bb_journal *j); /* the same, some milliseconds behind, for free */
void bb_view_close(struct bb_view **vp);
/* Each call below is one short transaction; callbacks return 0 to go on. */
struct bb_record {
    uint64_t seq, accept_ms;
    uint32_t endpoint;
    bool conflict;
    struct bb_bytes whole;
    const struct bb_match *matches;
    size_t n_matches;
    bool bad; /* CRC */
};
int bb_view_message(struct bb_view *v, uint64_t seq, int (*fn)(void *, const struct bb_record *), void *arg);
int bb_view_messages(struct bb_view *v, uint64_t from, size_t max,
                     int (*fn)(void *, const struct bb_record *), void *arg);
struct bb_event {
    uint64_t eseq, time_ms;
    uint32_t route;
    bool range;             /* seqs [first, first+count) became to, plainly */
    uint8_t to;             /* enum bb_dstate */
    uint64_t first, count;  /* a detailed event has count 1 */
    struct bb_bytes detail; /* msgpack map, else empty */
};
int bb_view_events(struct bb_view *v, uint64_t from, size_t max,
                   int (*fn)(void *, const struct bb_event *), void *arg);
/* The detailed events of one delivery, oldest first (at most the last 256). */
int bb_view_history(struct bb_view *v, uint32_t route, uint64_t seq,
                    int (*fn)(void *, const struct bb_event *), void *arg);
/* The state of one delivery; DELIVERED for a terminal one whose kind only events know. 1, 0, -1. */
int bb_view_delivery(struct bb_view *v, uint32_t route, uint64_t seq, struct bb_row *row);
/* Held and quarantined deliveries of a route (UINT32_MAX: all), by seq, from a position on. */
int bb_view_open_rows(struct bb_view *v, uint32_t route, uint64_t from_seq, size_t max,
                      int (*fn)(void *, uint32_t route, uint64_t seq, uint64_t lane,
                                const struct bb_row *), void *arg);
/* Every row of a route, lane by lane: the hub counts them into its filter at start. */
int bb_view_rows(struct bb_view *v, uint32_t route,
                 int (*fn)(void *, uint64_t lane, uint64_t seq, const struct bb_row *), void *arg);
int bb_view_routes(struct bb_view *v, int (*fn)(void *, const char *name, const struct bb_route_state *),
                   void *arg);
/* The name behind an endpoint's number; "" when unknown. */
int bb_view_name(struct bb_view *v, uint32_t id, char out[64]);
int bb_view_body(struct bb_view *v, uint32_t route, uint64_t seq, struct bb_buf *out);

/* ---- tools on a folder --------------------------------------------------------------------------- */
struct bb_check_report {
    uint64_t messages, bad_records, events, rows, routes, unbalanced, dangling;
};
/* Reads everything: CRCs, every row and feed entry has its message, counters equal what is there.
 * say() gets a line for each finding and progress. 0 sound, 1 findings, -1 cannot read. */
int bb_journal_check(const char *dir, struct bb_check_report *r, void (*say)(void *, const char *),
                     void *arg, struct bb_fault *err);
/* A consistent copy into an empty folder while the core runs. */
int bb_journal_backup(const char *dir, const char *dest, struct bb_fault *err);
/* The same inside the core, which must not open its own folder: any thread. */
int bb_journal_backup_of(struct bb_journal *j, const char *dest, struct bb_fault *err);
/* Reads what a damaged store still gives, page by page without trusting its trees, and calls fn
 * for each message whose CRC holds. Returns how many, -1 when the file cannot be opened. *unread:
 * bytes that the disk did not give; they are passed over. */
int64_t bb_journal_salvage(const char *dir, int (*fn)(void *, const struct bb_record *), void *arg,
                           uint64_t *unread, struct bb_fault *err);

#endif
