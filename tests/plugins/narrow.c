/*
 * narrow.c - test-narrow: a sink that takes everything and whose manifest says that it carries
 * little of a BOM
 */

#include "tests/plugins/faults.h"
#include "tests/plugins/narrow-manifest.h"

static bb_status narrow_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    (void)i;
    (void)m;
    (void)t;
    (void)err;
    return BB_OK;
}

static const struct bb_connector narrow = {
    .size = sizeof(narrow),
    .id = "test-narrow",
    .create = fault_create,
    .start = fault_start,
    .stop = fault_stop,
    .destroy = fault_destroy,
    .deliver = narrow_deliver,
};
FAULT_MODULE(narrow);
