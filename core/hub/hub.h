/*
 * hub.h - the router: takes messages in, matches, keeps lanes, dispatches, retries
 *
 * One thread. It never waits for a disk or a peer, never parses a message's data and knows nothing
 * of a connector. Everybody else talks to it by bb_hub_ask(), which waits for the hub's next turn.
 */
#ifndef BB_HUB_H
#define BB_HUB_H

#include "core/hub/generation.h"
#include "core/journal/journal.h"

struct bb_hub;

struct bb_hub_options {
    const struct bb_generation *generation; /* outlives the hub */
    struct bb_journal *journal;             /* outlives the hub; the hub alone posts to it */
    const char *program; /* path of this program, for `busbar host` */
    const char *run_dir; /* for hub.sock; made 0700 */
    bool (*go_on)(void *arg); /* asked now and then while a start takes long: false ends it; or NULL */
    void *arg;
    const struct bb_rehearsal *rehearsal; /* outlives the hub; or NULL */
};
struct bb_hub *bb_hub_start(const struct bb_hub_options *o, struct bb_fault *err);
/* Sources stop first, then what is in flight may end within budget_ms, then the hosts; what is left
 * is UNKNOWN at the next start. Returns when the thread has ended. */
void bb_hub_stop(struct bb_hub **hp, uint32_t budget_ms);
/* NULL while it runs, else why it ended by itself (the journal failed). Any thread. */
const char *bb_hub_failed(const struct bb_hub *h);
/* Monotonic ms of the hub's last turn: a watchdog's evidence of life. It turns at least each 500 ms. */
int64_t bb_hub_beat(const struct bb_hub *h);

enum bb_ask_kind {
    BB_ASK_STATUS,   /* out: JSON, see docs */
    BB_ASK_SUBMIT,   /* endpoint, body: whole message; answered after the commit: JSON receipt */
    BB_ASK_PAUSE,    /* endpoint or route by name */
    BB_ASK_RESUME,
    BB_ASK_RELEASE,  /* route, seq: a held delivery is tried again */
    BB_ASK_REPLAY,   /* route, seq (quarantined), overtaken */
    BB_ASK_DISCARD,  /* route, seq (held or quarantined) */
    BB_ASK_REST      /* in a rehearsal: answered when nothing more happens by itself. Until then time
                        goes from event to event, as far as until_ms (axis); BUSY: there is more
                        after that, RETRY: it did not come to rest (text says what moves) */
};
struct bb_ask {
    enum bb_ask_kind kind;
    const char *endpoint, *route; /* names; either */
    uint64_t seq;
    uint64_t until_ms;
    bool overtaken;
    const char *who;        /* for the record: "uid 0" */
    struct bb_bytes body;
    struct bb_buf out;      /* caller's, JSON */
    bb_status status;       /* OK; REJECT: refused; BUSY: intake closed; UNSUP: no such name */
    char text[200];
    struct bb_ask *next;    /* the hub's */
    int done;
};
/* Waits at most timeout_ms; 0, or -1 when the hub has ended or did not answer in time. Any thread. */
int bb_hub_ask(struct bb_hub *h, struct bb_ask *a, uint32_t timeout_ms);

#endif
