/*
 * hang.c - test-hang: a blocking sink that never comes back from the Nth delivery; with "heed" it
 * does when it is cancelled
 */
#include <unistd.h>

#include "tests/plugins/faults.h"
#include "tests/plugins/hang-manifest.h"

static bb_status hang_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    (void)m;
    (void)err;
    if (++i->n < i->at)
        return BB_OK;
    while (!i->heed || !i->ctx.api->cancelled(i->ctx.host, t))
        usleep(1000);
    return BB_E_CANCEL; /* nothing was sent */
}

static const struct bb_connector hang = {
    .size = sizeof(hang), .id = "test-hang", .create = fault_create, .start = fault_start,
    .stop = fault_stop, .destroy = fault_destroy, .deliver = hang_deliver,
};
FAULT_MODULE(hang);
