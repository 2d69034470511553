/*
 * factory_make.h - between factory.c, factory_bom.c and factory_stock.c: the generator's own parts
 */
#ifndef PLANT_FACTORY_MAKE_H
#define PLANT_FACTORY_MAKE_H

#include "tools/plant/db.h"

/* the first number of each kind of item */
#define FACTORY_ASSEMBLY 150
#define FACTORY_BOUGHT 650
#define FACTORY_REFUSED 1940 /* 10 inactive, then 10 that plant 3000 does not have; in no BOM */
#define FACTORY_PACK 1970
#define FACTORY_ITEMS 2000
#define FACTORY_SUPPLIERS 40

struct factory {
    sqlite3 *db;
    struct plant_mem mem;
    uint64_t state;
};

extern const char *const factory_plants[];

uint32_t factory_roll(struct factory *f, uint32_t n); /* 0 to n - 1 */
const char *factory_item(struct factory *f, int i);
const char *factory_unit(int i);
const char *factory_bin(struct factory *f, int b);
const char *factory_supplier(struct factory *f, int s);

static inline bool factory_lots(int i)
{
    return i % 4 == 0;
}

static inline bool factory_phantom(int i)
{
    return i >= FACTORY_ASSEMBLY && i < FACTORY_BOUGHT && i % 25 == 7;
}

void factory_boms_make(struct factory *f);
void factory_orders_make(struct factory *f);
void factory_stock_make(struct factory *f);

#endif
