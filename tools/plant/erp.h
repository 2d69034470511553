/*
 * erp.h - the simulated ERP's books: what was asked, what was applied, what was asked twice
 *
 * Thread: one. An item is one business record; a call carries one or many. "applied" means that the
 * item's effect was made; a key whose effect is made twice is a double, which --dedupe yes (what a
 * target with idempotency keys does) prevents and --dedupe no shows.
 */
#ifndef PLANT_ERP_H
#define PLANT_ERP_H

#include <stdio.h>

#include "tools/bench/hist.h"
#include "tools/plant/fault.h"
#include "tools/plant/store.h"

struct plant_options {
    const char *host, *port_file, *log_file;
    const char *lane, *seq, *key, *id, *latency; /* pointers into an item */
    const char *reject, *reject_value;           /* an item with that value there: 422 for good */
    uint16_t port;
    uint32_t late_ms, retry_after_s, probe_fault; /* percent of probes answered with 503 */
    bool dedupe, forget;
    size_t max_body;
};

struct plant_counts {
    uint64_t calls, items, applied, repeats, doubles, unmarked, refused, rejected, keyless;
    uint64_t violations, probes_applied, probes_not, probes_failed, bytes;
};

struct plant_erp {
    struct plant_options o;
    struct plant_faults faults;
    struct plant_counts n;
    struct plant_table keys, lanes;
    struct bench_hist latency;
    FILE *log;
};

/* The server's handler and its turn's end; arg is the struct plant_erp. */
void plant_erp_handle(void *arg, struct plant_conn *c, const struct plant_request *rq);
void plant_erp_sync(void *arg);
/* Reads the log of an earlier run, so that its keys are known. 0 or -1. */
int plant_erp_recall(struct plant_erp *e, const char *file);
/* The counts as JSON; returns the length. */
size_t plant_erp_summary(struct plant_erp *e, char *buf, size_t cap);

#endif
