/*
 * hub_core.h - a core on a plant's side: its configuration, its journal and hub, an operator
 *
 * For test_hub_flow, whose child process is this core. Its state lies in core_top.
 */
#ifndef HUB_CORE_H
#define HUB_CORE_H

#include "core/base/base.h"
#include "core/hub/hub.h"
#include "tests/unit/hub_fake.h"

struct core {
    struct bb_config config;
    struct bb_endpoint_config eps[3];
    struct bb_route_config routes[PLANT_ROUTES];
    struct bb_gen_endpoint gen_eps[3];
    struct bb_generation gen;
    struct bb_journal *journal;
    struct bb_hub *hub;
    unsigned rng;
    char dir[256], run[300];
};
extern char core_top[128]; /* the test's folder */

unsigned core_dice(struct core *c, unsigned n);
/* Opens the journal, starts the hub; ends the process when it cannot. */
void core_start(struct core *c);
bb_status core_ask(struct core *c, enum bb_ask_kind kind, const char *route, uint64_t seq);
/* Deals with one held or quarantined delivery; false when there is none. */
bool core_operate(struct core *c);

#endif
