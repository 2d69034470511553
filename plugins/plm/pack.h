/*
 * pack.h - a package on its way in: between pack.c and pack_read.c
 *
 *     WAITS -> READS change -> READS item, structure page ... -> SENT (500 messages at most at once) -> OK
 *              PAUSES: the same call again, 5 times           FULL: the journal has no room, until resume()
 *
 * Thread: the instance's. Ownership: a pack belongs to its job. Invariant: one call or one submit on its way.
 */
#ifndef BB_PLUGIN_PLM_PACK_H
#define BB_PLUGIN_PLM_PACK_H

#include "plm.h"

struct pack {
    struct job *j;
    char *number;
    enum { PACK_WAITS, PACK_READS, PACK_PAUSES, PACK_SENT, PACK_FULL } state;
    unsigned tries;               /* of the call in url */
    struct bb_buf url;            /* that was asked last */
    uint64_t cookie;
    int64_t due_ms;
    struct bb_buf package, page;  /* values */
    struct bb_iter all, affected; /* in package */
    int pass;                     /* over it: items, structures, items that end */
    struct structure *structure;  /* that is being read */
    struct bb_buf messages, ends; /* ends: size_t each */
    size_t at, n_sent;            /* handed in, on its way */
    unsigned duplicates;
};

/* Each ends the job, and the pack with it. */
void pack_fail(struct pack *p, bb_status st, const struct bb_error *err);
void pack_refuse(struct pack *p, bb_status st, const char *text);
void pack_submit(struct pack *p); /* the next messages */
/* pack_read.c: asks for the change; asks once more for what was asked last. */
void pack_read(struct pack *p);
void pack_read_again(struct pack *p);

#endif
