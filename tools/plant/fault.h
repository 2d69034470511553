/*
 * fault.h - which call the simulated plant spoils, and how: chosen from a seed, so it can be repeated
 *
 * The choice for a call hangs on the seed, the item's key and how often that key has come, not on
 * the order in which calls arrive: the same job meets the same faults however it is scheduled.
 */
#ifndef PLANT_FAULT_H
#define PLANT_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plant_fault_kind {
    PLANT_OK,
    PLANT_STATUS, /* that HTTP status; 500, 502 and 504 leave open whether it was applied */
    PLANT_RESET,  /* the connection breaks, before or after applying */
    PLANT_LATE,   /* applied, the answer comes late */
    PLANT_SLOW,   /* applied late, then answered: a probe in between finds nothing */
    PLANT_HANG    /* no answer ever, applied or not */
};
struct plant_fault {
    enum plant_fault_kind kind;
    int status;
    uint32_t parts; /* of 10,000 calls */
    uint64_t met;
};
struct plant_faults {
    struct plant_fault v[16];
    size_t n;
    uint64_t seed;
};

/* Reads "500=10,429=2.5,reset=5,late=5,slow=1,hang=0": percents. 0, or -1 with a line on stderr;
 * the old set stays then. */
int plant_faults_read(struct plant_faults *f, const char *text);
/* The fault for this call or NULL; *applies says whether its effect is made all the same. */
struct plant_fault *plant_faults_pick(struct plant_faults *f, uint64_t what, uint32_t attempt,
                                      bool *applies);
void plant_fault_name(const struct plant_fault *f, char out[8]);

#endif
