/*
 * deliver.h - what arrive.c, end.c and deliver.c share of a delivery's way through a host
 *
 *   DELIVER -> waiting -> (transform) -> handed -> ended, one RESULT
 *                 |            |            |
 *            RETRY, CANCEL  REJECT, skip,  the plugin's status
 *                           rendered, became others
 *
 * arrive.c puts it into the table of tokens, deliver.c renders it and hands it over, end.c ends it.
 */
#ifndef BB_HOST_DELIVER_H
#define BB_HOST_DELIVER_H

#include <string.h>

#include "core/host/internal.h"

#define BB_REPORT_MAX 4096 /* bytes of what a transform may say */
#define BB_BEHIND "one before it in its lane was not delivered"

/* What a transform says of a message it does not let go on. */
struct bb_ending {
    const char *failure; /* its class, or NULL */
    bool quarantine;
    bool later; /* nothing is known now: it is asked again in a while */
    struct bb_fault why;
    struct bb_buf report; /* when there is more to say than why holds */
    struct bb_bytes partial; /* what the steps before the one that failed made; in the message */
};

/* Not by the plugin: it was never given it. */
void bb_deliver_end_here(struct bb_host *h, bb_token t, bb_status s, const struct bb_ending *e);
void bb_deliver_end_text(struct bb_host *h, bb_token t, bb_status s, const char *text);
/* May an operation end so? Anything else breaks the contract and becomes UNKNOWN. */
bool bb_answer_ok(uint32_t op, bb_status s);
/* NULL: the route has none. */
const struct bb_route_steps *bb_route_steps_of(const struct bb_host *h, uint32_t route);

static inline struct bb_bytes bb_text(const char *s)
{
    struct bb_bytes b = {s, strlen(s)};

    return b;
}

#endif
