/*
 * store.h - what the simulated ERP remembers: idempotency keys and the last number of each lane
 *
 * Keys and lanes are kept as 128-bit hashes in open-addressed tables: 32 bytes a key, whatever its
 * length. Thread: one. The tables only grow; with --forget the caller does not use them.
 */
#ifndef PLANT_STORE_H
#define PLANT_STORE_H

#include "tools/plant/http.h"

struct plant_key {
    uint64_t h[2];     /* 0, 0: free slot */
    uint32_t attempts; /* arrivals with this key */
    uint32_t applied;  /* times its effect was made */
};
struct plant_lane {
    uint64_t h[2];
    uint64_t keyh; /* the key that was applied last */
    int64_t last;  /* its sequence number */
};
struct plant_table {
    void *slots;
    size_t n, cap, width;
};

void plant_hash(struct plant_text t, uint64_t h[2]);
/* The entry of that hash, made new (zero) when absent and make is set; NULL: not there, no memory. */
struct plant_key *plant_key_find(struct plant_table *t, const uint64_t h[2], bool make);
struct plant_lane *plant_lane_find(struct plant_table *t, const uint64_t h[2], bool make);
void plant_table_free(struct plant_table *t);

#endif
