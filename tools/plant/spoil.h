/*
 * spoil.h - the faults of a plant's system: rules that PUT /control/faults sets
 *
 * A rule names a fault, how often (percent), at most how many times (count), and which calls
 * (method, match: a part of the path). Whether a call meets one hangs on the seed, the call's bytes
 * and how often those have come, not on the order of arrival: the same job meets the same faults
 * however it is scheduled.
 */
#ifndef PLANT_SPOIL_H
#define PLANT_SPOIL_H

#include "tools/plant/mem.h"
#include "tools/plant/store.h"

enum plant_spoil_kind {
    SPOIL_NONE,
    SPOIL_LATENCY,      /* the call is handled ms later: with more than the caller's patience, an
                           effect that lands after it was asked for */
    SPOIL_STATUS,       /* that status; after: with the effect made */
    SPOIL_RESET,        /* the connection breaks; after: with the effect made */
    SPOIL_LATE,         /* effect at once, answer ms later */
    SPOIL_LOCK,         /* locked by another user */
    SPOIL_TOKEN,        /* every access token is void: 401 */
    SPOIL_CSRF,         /* every CSRF session is lost */
    SPOIL_ETAG,         /* 412 as if somebody had been faster */
    SPOIL_TRUNCATE,     /* half the body, then the end */
    SPOIL_DRIP,         /* chunk bytes ten times a second */
    SPOIL_DOWN          /* every connection is reset, until the rule goes */
};

struct plant_spoil {
    enum plant_spoil_kind kind;
    int status;
    uint32_t parts; /* of 10,000 calls */
    uint32_t ms, chunk;
    int64_t count;  /* how many more; -1: without end */
    bool after;
    char retry_after[40]; /* with 429 and 503: seconds, "date:SECONDS" for an HTTP date, "" for none */
    char method[8], match[96];
    uint64_t met;
};
struct plant_spoils {
    struct plant_spoil v[32];
    size_t n;
    uint64_t seed;
    struct plant_table seen;
};

/* Reads {"seed":1,"rules":[{"fault":"429","percent":10}]}; false with *why. The old set stays then. */
bool plant_spoils_read(struct plant_spoils *s, struct plant_text json, struct plant_mem *m, const char **why);
void plant_spoils_show(const struct plant_spoils *s, struct plant_buf *out);
/* The rule this call meets, or NULL. */
struct plant_spoil *plant_spoils_pick(struct plant_spoils *s, const struct plant_request *rq);
const char *plant_spoil_name(enum plant_spoil_kind kind);

#endif
