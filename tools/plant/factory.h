/*
 * factory.h - the seeded factory: plants, items, BOMs, suppliers, orders, lots and stock, made from a number
 *
 * The same seed makes the same content, byte for byte. It goes into DIR/factory.db; each system copies
 * what it would know from there (its kind's seed), so that all five start in agreement.
 */
#ifndef PLANT_FACTORY_H
#define PLANT_FACTORY_H

#include "tools/plant/db.h"

/* Makes DIR/factory.db unless it is there. */
void plant_factory_make(const char *dir, uint64_t seed);

#endif
