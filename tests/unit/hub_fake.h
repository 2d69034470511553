/*
 * hub_fake.h - a plant in shared memory, and hosts that speak the wire to a real hub
 *
 * The plant (what the target systems hold, what the source was told) lives in memory that survives
 * the core: the core runs in a process of its own and is killed at any moment. hub_fake.c defines
 * bb_child_*, so the hub starts these hosts instead of plugins.
 */
#ifndef HUB_FAKE_H
#define HUB_FAKE_H

#include <stdatomic.h>
#include <stdint.h>

#define PLANT_IDS 12000u
#define PLANT_LANES 24u
#define PLANT_ROUTES 4u
#define PLANT_BURST 400u /* most messages submitted and not acknowledged */

enum { PLAIN, LANED, HELD_LANES, SHARED }; /* the routes, by their index */

struct plant_cell { /* one delivery as its target sees it */
    _Atomic uint8_t applied; /* how often it took effect */
    _Atomic uint8_t maybe;   /* received, and not answered "surely not applied" */
    _Atomic uint8_t asked;   /* probes in a row that said no */
};
struct plant {
    struct plant_cell cell[PLANT_ROUTES][PLANT_IDS];
    _Atomic uint32_t last[PLANT_ROUTES][PLANT_LANES]; /* highest id received, +1 */
    _Atomic uint32_t open[PLANT_ROUTES][PLANT_LANES]; /* so many are with the sink */
    _Atomic uint32_t deaths, seen[PLANT_ROUTES][PLANT_LANES]; /* of cores and hosts; when one came last */
    _Atomic uint32_t ordered;                         /* the sinks take ordered batches */
    _Atomic uint32_t behind, cancelled;               /* so many came behind others, were not tried */
    _Atomic uint64_t seq[PLANT_IDS];                  /* acknowledged as */
    _Atomic uint32_t next_id, stop_at;                /* submitted up to; may go up to */
    _Atomic uint32_t calm;                            /* everything succeeds */
    _Atomic uint32_t stuck;                           /* so many messages of PLAIN get no answer */
    _Atomic uint32_t silent;                          /* no sink comes up */
    _Atomic uint32_t deliveries, redeliveries, probes, crashes, lost_answers, duplicates, retries;
    _Atomic int wrong;
    char text[400];
};
extern struct plant *plant;
extern unsigned plant_seed;
extern const char *const plant_lane_key[PLANT_ROUTES]; /* order_by, or NULL */

void plant_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint32_t plant_lane(uint32_t id);
/* Route numbers of the journal to indexes here; set once the hub has started. */
extern _Atomic uint32_t plant_route_id[PLANT_ROUTES];

#endif
