/*
 * leak.c - test-leak: a sink that loses `at` MiB of touched memory at each delivery
 */

#include "tests/plugins/faults.h"
#include "tests/plugins/leak-manifest.h"

static bb_status leak_deliver(bb_inst *i, const bb_msg *m, bb_token t, struct bb_error *err)
{
    size_t n = (size_t)i->at << 20;
    char *p = malloc(n);

    (void)m;
    (void)t;
    if (!p)
        return bb_error_set(err, BB_E_RETRY, "out of memory after %llu deliveries",
                            (unsigned long long)i->n);
    memset(p, 1, n);
    __asm__ volatile("" : : "r"(p) : "memory"); /* it is lost, not optimized away */
    i->n++;
    return BB_OK;
}

static const struct bb_connector leak = {
    .size = sizeof(leak), .id = "test-leak", .create = fault_create, .start = fault_start,
    .stop = fault_stop, .destroy = fault_destroy, .deliver = leak_deliver,
};
FAULT_MODULE(leak);
