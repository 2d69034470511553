/*
 * policy.h - what the configuration says of messages as they come in: matching, and who owns what
 *
 * Reads the envelope, and of the data only what an ownership's `fields` name. A route matches when every
 * attribute that it names has one of the values given for it; so does an ownership.
 *
 * Thread: any; compiled things are immutable. Ownership: what is compiled points into the configuration.
 */
#ifndef BB_POLICY_H
#define BB_POLICY_H

#include <busbar/message.h>
#include "core/config/config.h"

/* ---- match.c --------------------------------------------------------------------------------------- */
struct bb_matcher_rule {
    size_t offset; /* of the attribute in struct bb_envelope, or SIZE_MAX: by name */
    const struct bb_match_rule *rule;
};
struct bb_matcher {
    struct bb_matcher_rule *rules;
    size_t n;
    size_t order_offset;  /* like rules' offset */
    const char *order_by; /* NULL: no order */
};
int bb_matcher_init(struct bb_matcher *m, const struct bb_match_rule *rules, size_t n, const char *order_by);
void bb_matcher_free(struct bb_matcher *m);
bool bb_matcher_test(const struct bb_matcher *m, const struct bb_envelope *e);
uint64_t bb_matcher_lane(const struct bb_matcher *m, const struct bb_envelope *e);
/* Whether the route takes such a message that comes from its endpoint. 1; 0 with the first rule that
 * does not hold and what was found there (ptr NULL: no such attribute); -1 no memory. */
int bb_route_match(const struct bb_route_config *r, const struct bb_envelope *e,
                   const struct bb_match_rule **miss, struct bb_bytes *found);
/* May it take messages with that value, for all that the value says? */
bool bb_route_may_match(const struct bb_route_config *r, const char *attribute, const char *value);

/* ---- ownership.c ------------------------------------------------------------------------------------- */
struct bb_owners;
struct bb_owned { /* what such a message is told */
    const struct bb_ownership *rule;
    char text[400]; /* 'ownership "stock": only "wms" may say this (conf.d/plant.yaml:7)', for people here */
    char brief[260]; /* the same without the place, for the sender */
};
int bb_owners_new(const struct bb_config *c, struct bb_owners **out); /* *out NULL: there are no rules; 0, -1 no memory */
void bb_owners_free(struct bb_owners **op);
/* The first rule by which that endpoint may not say this; NULL: it may. */
const struct bb_owned *bb_owners_foreign(const struct bb_owners *o, const char *endpoint, const struct bb_envelope *e);

#endif
