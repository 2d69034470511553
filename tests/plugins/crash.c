/*
 * crash.c - test-crash: a sink that dies of a segmentation fault at the Nth delivery
 */

#include "tests/plugins/faults.h"
#include "tests/plugins/crash-manifest.h"

static bb_status crash_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    volatile int *volatile nowhere = NULL;

    (void)m;
    (void)t;
    (void)err;
    if (++i->n == i->at)
        *nowhere = 1;
    return BB_OK;
}

static const struct bb_connector crash = {
    .size = sizeof(crash), .id = "test-crash", .create = fault_create, .start = fault_start,
    .stop = fault_stop, .destroy = fault_destroy, .deliver = crash_deliver,
};
FAULT_MODULE(crash);
