/*
 * carries.h - BOM features that a route would lose (semantic loss)
 */
#ifndef BB_HUB_CARRIES_H
#define BB_HUB_CARRIES_H

#include "core/config/config.h"
#include "core/host/host.h"

struct bb_features { /* features.json of the canonical model, as a value */
    struct bb_buf value;
    bool loaded, failed;
};
void bb_features_free(struct bb_features *f);
/* Compares what a BOM may say, what from may send and what to carries; reports what the route would
 * drop and does not waive. 1: step has the value of a bom_carries step that goes behind the route's
 * own; 0: nothing can be lost; -1: reported. */
int bb_carries_check(struct bb_features *f, const struct bb_route_config *r,
                     const struct bb_manifest *from, const struct bb_manifest *to,
                     struct bb_buf *step, struct bb_diags *d);

#endif
