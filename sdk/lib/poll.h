/*
 * poll.h - what poll.c and poll_page.c share; not installed
 *
 *   IDLE --due--> ASKING --page--> READY --submit--> SENT --acked OK--> READY, or the page's end:
 *    ^ ^             |               ^  |BUSY          |                  next page: ASKING
 *    | `---error-----'               |  `-> FULL ------' BUSY, RETRY      no more:   IDLE
 *    |                                `------- resume(), or a pause
 *    `---- refused: the pause, then the page is asked for again
 *
 * Thread: the client's. Ownership: the poll owns its texts, the page and the place. Invariant: `place` is
 * what the journal has, `then` what it will have when the submit on its way is committed.
 */
#ifndef BB_SDK_POLL_H
#define BB_SDK_POLL_H

#include <busbar/poll.h>

struct place { /* where a feed stands; each a text, empty: none */
    struct bb_buf cursor, seen, next;
};
enum poll_state { POLL_STOPPED, POLL_IDLE, POLL_ASKING, POLL_READY, POLL_SENT, POLL_FULL };
struct bb_poll {
    struct bb_poll_conf conf;
    char *texts; /* conf's, one after the other */
    enum poll_state state;
    int64_t due_ms;
    unsigned failures;
    struct bb_http_call *call;
    struct place place, then;
    uint64_t version;
    struct bb_buf url;            /* of the page */
    struct bb_buf page;           /* the answer as a value */
    struct bb_iter records;       /* in page */
    struct bb_buf messages;       /* of the submit on its way */
    struct bb_bytes *parts;       /* where they are */
    size_t n_parts;
    int last;                     /* that submit ends the page */
    int asked_next;               /* the request was for a next page */
    struct bb_buf state_bytes;
    bb_status health;
    char why[200];
};

/* ---- poll_page.c ------------------------------------------------------------------------------------ */
/* The URL to ask at into p->url: 0, -1 with err. */
int poll_url(struct bb_poll *p, struct bb_error *err);
/* Reads an answer: p->page, p->records, p->then.next, and then.seen for a page's cursor. 0, -1 with err. */
int poll_page(struct bb_poll *p, const struct bb_http_answer *a, struct bb_error *err);
/* Takes a record's cursor into p->then.seen: 0, -1 with err. */
int poll_seen(struct bb_poll *p, struct bb_bytes record, struct bb_error *err);
void place_copy(struct place *to, const struct place *from);
void place_write(const struct place *place, struct bb_buf *out);
int place_read(struct bb_bytes state, struct place *place); /* 0, -1 */

#endif
