/*
 * late.c - test-late: a sink that ends each token `at` times and the one before once more
 */

#include "tests/plugins/faults.h"
#include "tests/plugins/late-manifest.h"

static bb_status late_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    (void)m;
    (void)err;
    for (uint64_t k = 0; k < i->at; k++)
        i->ctx.api->done(i->ctx.host, t, BB_OK, NULL, NULL);
    if (i->last)
        i->ctx.api->done(i->ctx.host, i->last, BB_E_REJECT, NULL, NULL);
    i->ctx.api->done(i->ctx.host, t + 1, BB_E_REJECT, NULL, NULL); /* not yet given */
    i->last = t;
    return BB_E_REJECT; /* too late as well: done() has said OK */
}

static const struct bb_connector late = {
    .size = sizeof(late), .id = "test-late", .create = fault_create, .start = fault_start,
    .stop = fault_stop, .destroy = fault_destroy, .deliver = late_deliver,
};
FAULT_MODULE(late);
