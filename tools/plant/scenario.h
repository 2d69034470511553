/*
 * scenario.h - drives running systems by their actions: stories with a name, and load
 *
 * A scenario is rows of scenarios[] (scenario.c): a system, an action of it, its JSON. Each call has the
 * scenario's correlation id, so that one trace shows all that came of it.
 */
#ifndef PLANT_SCENARIO_H
#define PLANT_SCENARIO_H

#include <stddef.h>
#include <stdint.h>

/* Both print a line a step or a sum, and return an exit code. */
int plant_scenario(const char *dir, const char *name);
/* Chooses among the actions of the systems that run by their weights, from the seed. */
int plant_load(const char *dir, const char *const *names, size_t n, double rate, unsigned seconds, uint64_t seed);

#endif
