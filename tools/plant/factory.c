/*
 * factory.c - see factory.h: plants, items, suppliers, changes, orders and stock
 *
 * Items by number: 150 finished goods, 500 assemblies (some phantom), 1,320 bought parts, 30 packings.
 * An item's home is plant (number mod 3). What it is made of has a higher number and the same home, so
 * no BOM has a cycle. The last bought parts are there to be refused: 10 inactive, 10 not extended to
 * plant 3000.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/plant/factory.h"
#include "tools/plant/factory_make.h"

static const char schema[] =
    "CREATE TABLE plant(plant TEXT PRIMARY KEY, name TEXT, country TEXT, tz TEXT);"
    "CREATE TABLE location(plant TEXT, location TEXT, name TEXT, use TEXT, PRIMARY KEY(plant, location));"
    "CREATE TABLE bin(plant TEXT, location TEXT, bin TEXT, PRIMARY KEY(plant, location, bin));"
    "CREATE TABLE item(item TEXT PRIMARY KEY, text TEXT, type TEXT, unit TEXT, grp TEXT, weight TEXT,"
    " status TEXT, revision TEXT, lots TEXT, serials TEXT, procurement TEXT, phantom TEXT, home TEXT);"
    "CREATE TABLE item_unit(item TEXT, unit TEXT, num TEXT, den TEXT, PRIMARY KEY(item, unit));"
    "CREATE TABLE item_plant(item TEXT, plant TEXT, procurement TEXT, mrp TEXT, location TEXT,"
    " PRIMARY KEY(item, plant));"
    "CREATE TABLE bom(bom TEXT, alternative TEXT, item TEXT, plant TEXT, usage TEXT, status TEXT, base TEXT,"
    " unit TEXT, valid_from TEXT, valid_to TEXT, change TEXT, lot_from TEXT, lot_to TEXT, text TEXT,"
    " PRIMARY KEY(bom, alternative));"
    "CREATE INDEX bom_item ON bom(item, plant);"
    "CREATE TABLE bom_line(bom TEXT, alternative TEXT, node TEXT, position TEXT, category TEXT, component TEXT,"
    " quantity TEXT, unit TEXT, fixed TEXT, scrap TEXT, op_scrap TEXT, net_scrap TEXT, alt_group TEXT,"
    " alt_priority TEXT, alt_strategy TEXT, alt_share TEXT, disc_group TEXT, follow_group TEXT, co_product TEXT,"
    " bulk TEXT, special TEXT, explosion TEXT, location TEXT, valid_from TEXT, valid_to TEXT, change TEXT,"
    " change_to TEXT, sort TEXT, text TEXT, document TEXT, size1 TEXT, operation TEXT,"
    " PRIMARY KEY(bom, alternative, node));"
    "CREATE TABLE bom_sub(bom TEXT, alternative TEXT, node TEXT, seq TEXT, designator TEXT, quantity TEXT,"
    " PRIMARY KEY(bom, alternative, node, seq));"
    "CREATE TABLE operation(item TEXT, plant TEXT, operation TEXT, work_center TEXT, text TEXT, setup TEXT,"
    " run TEXT, PRIMARY KEY(item, plant, operation));"
    "CREATE TABLE change(change TEXT PRIMARY KEY, status TEXT, valid_from TEXT, text TEXT, release TEXT);"
    "CREATE TABLE supplier(supplier TEXT PRIMARY KEY, name TEXT, country TEXT);"
    "CREATE TABLE approved(item TEXT, plant TEXT, supplier TEXT, supplier_item TEXT, valid_from TEXT,"
    " valid_to TEXT, price TEXT, lead_days TEXT, PRIMARY KEY(item, plant, supplier));"
    "CREATE TABLE purchase_order(po TEXT PRIMARY KEY, supplier TEXT, plant TEXT, date TEXT);"
    "CREATE TABLE po_line(po TEXT, line TEXT, item TEXT, quantity TEXT, unit TEXT, received TEXT, due TEXT,"
    " price TEXT, location TEXT, PRIMARY KEY(po, line));"
    "CREATE TABLE work_order(wo TEXT PRIMARY KEY, item TEXT, plant TEXT, quantity TEXT, unit TEXT, start TEXT,"
    " finish TEXT, status TEXT, revision TEXT, bom TEXT, alternative TEXT);"
    "CREATE TABLE wo_component(wo TEXT, line TEXT, item TEXT, quantity TEXT, unit TEXT, operation TEXT,"
    " location TEXT, PRIMARY KEY(wo, line));"
    "CREATE TABLE lot(item TEXT, lot TEXT, plant TEXT, supplier TEXT, made TEXT, expires TEXT,"
    " PRIMARY KEY(item, lot));"
    "CREATE TABLE serial(item TEXT, serial TEXT, plant TEXT, location TEXT, bin TEXT, PRIMARY KEY(item, serial));"
    "CREATE TABLE stock(item TEXT, plant TEXT, location TEXT, bin TEXT, lot TEXT, stock_type TEXT, quantity TEXT,"
    " unit TEXT, PRIMARY KEY(item, plant, location, bin, lot, stock_type));";

const char *const factory_plants[] = {"1000", "2000", "3000"};

uint32_t factory_roll(struct factory *f, uint32_t n)
{
    uint64_t x = f->state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((x ^ (x >> 31)) >> 11) % n;
}

const char *factory_item(struct factory *f, int i)
{
    const char *prefix = i < FACTORY_ASSEMBLY ? "FG" : i < FACTORY_BOUGHT ? "SA" : i < FACTORY_PACK ? "RM" : "PK";
    return plant_mem_printf(&f->mem, "%s-%05d", prefix, 10000 + i);
}

const char *factory_unit(int i)
{
    return i < FACTORY_BOUGHT || i % 10 < 7 ? "PC" : i % 10 == 7 ? "KG" : i % 10 == 8 ? "M" : "L";
}

static void plants_make(struct factory *f)
{
    static const char *const rows[][4] = {{"1000", "Plant Augsburg", "DE", "Europe/Berlin"},
                                          {"2000", "Plant Peoria", "US", "America/Chicago"},
                                          {"3000", "Plant Suzhou", "CN", "Asia/Shanghai"}};
    static const char *const places[][3] = {{"0001", "Warehouse", "warehouse"},
                                            {"0002", "Shop floor", "production"},
                                            {"0003", "Finished goods", "shipping"}};
    for (int p = 0; p < 3; p++) {
        plant_db_do(f->db, "INSERT INTO plant VALUES(?1, ?2, ?3, ?4)", 4, rows[p][0], rows[p][1], rows[p][2],
                    rows[p][3]);
        for (int l = 0; l < 3; l++)
            plant_db_do(f->db, "INSERT INTO location VALUES(?1, ?2, ?3, ?4)", 4, rows[p][0], places[l][0],
                        places[l][1], places[l][2]);
        for (int b = 0; b < 240; b++)
            plant_db_do(f->db, "INSERT INTO bin VALUES(?1, '0001', ?2)", 2, rows[p][0], factory_bin(f, b));
    }
}

const char *factory_bin(struct factory *f, int b)
{
    return plant_mem_printf(&f->mem, "A%02d-%02d-%d", b / 24 + 1, b % 24 / 4 + 1, b % 4 + 1);
}

static void items_make(struct factory *f)
{
    static const char *const what[] = {"Pump", "Valve", "Gear", "Housing", "Shaft", "Controller", "Bracket",
                                       "Seal", "Bearing", "Cable", "Sensor", "Plate", "Screw", "Spring"};
    static const char *const which[] = {"left", "right", "DN 25", "DN 40", "M8 × 30", "24 V", "type A", "coated"};
    for (int i = 0; i < FACTORY_ITEMS; i++) {
        const char *item = factory_item(f, i), *unit = factory_unit(i);
        bool made = i < FACTORY_BOUGHT, inactive = i >= FACTORY_REFUSED && i < FACTORY_REFUSED + 10;
        char weight[24];
        plant_qty_write(factory_roll(f, 9000) + 5, weight);
        plant_db_do(f->db, "INSERT INTO item VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)", 13,
                    item, plant_mem_printf(&f->mem, "%s %s", what[i % 14], which[factory_roll(f, 8)]),
                    i < FACTORY_ASSEMBLY ? "FERT" : made ? "HALB" : i < FACTORY_PACK ? "ROH" : "VERP", unit,
                    plant_mem_printf(&f->mem, "G%03d", i % 14), weight, inactive ? "inactive" : "active",
                    plant_mem_printf(&f->mem, "%c", 'A' + (char)factory_roll(f, 4)), factory_lots(i) ? "1" : "",
                    i < FACTORY_ASSEMBLY && i % 5 == 0 ? "1" : "", made ? "make" : "buy",
                    factory_phantom(i) ? "1" : "", factory_plants[i % 3]);
        plant_db_do(f->db, "INSERT INTO item_unit VALUES(?1, ?2, '1', '1')", 2, item, unit);
        if (i % 6 == 0) /* a box, and for what is weighed a thing that does not come out even */
            plant_db_do(f->db, "INSERT INTO item_unit VALUES(?1, ?2, ?3, ?4)", 4, item, made ? "BX" : "CR",
                        made ? "12" : "1000", made ? "1" : "3");
        for (int p = 0; p < 3; p++)
            if (p != 2 || i < FACTORY_REFUSED + 10 || i >= FACTORY_REFUSED + 20)
                plant_db_do(f->db, "INSERT INTO item_plant VALUES(?1, ?2, ?3, ?4, ?5)", 5, item, factory_plants[p],
                            made ? "E" : "F", "PD", made ? "0002" : "0001");
    }
}

static void suppliers_make(struct factory *f)
{
    static const char *const land[] = {"DE", "US", "CN", "IT", "PL", "MX"};
    for (int s = 0; s < FACTORY_SUPPLIERS; s++)
        plant_db_do(f->db, "INSERT INTO supplier VALUES(?1, ?2, ?3)", 3, factory_supplier(f, s),
                    plant_mem_printf(&f->mem, "Supplier %02d %s", s + 1, s % 2 ? "GmbH" : "Ltd"), land[s % 6]);
    for (int i = FACTORY_BOUGHT; i < FACTORY_ITEMS; i++)
        for (int p = 0; p < 3; p++)
            for (uint32_t k = 0, n = 1 + factory_roll(f, 2), s = factory_roll(f, FACTORY_SUPPLIERS); k < n; k++) {
                char price[24];
                plant_qty_write((int64_t)(factory_roll(f, 50000) + 10) * 10, price);
                plant_db_do(f->db, "INSERT INTO approved VALUES(?1, ?2, ?3, ?4, '2025-01-01', ?5, ?6, ?7)", 7,
                            factory_item(f, i), factory_plants[p],
                            factory_supplier(f, (int)(s + k) % FACTORY_SUPPLIERS),
                            plant_mem_printf(&f->mem, "V%u-%d", s, i),
                            factory_roll(f, 50) ? "9999-12-31" : "2026-06-30", price,
                            plant_mem_printf(&f->mem, "%u", 3 + factory_roll(f, 40)));
            }
}

const char *factory_supplier(struct factory *f, int s)
{
    return plant_mem_printf(&f->mem, "%d", 17300001 + s);
}

static void changes_make(struct factory *f)
{
    static const char *const what[] = {"Seal material", "Second source for sensor", "Shorter cable", "New firmware",
                                       "Obsolete bearing"};
    for (int i = 0; i < 30; i++)
        plant_db_do(f->db, "INSERT INTO change VALUES(?1, ?2, ?3, ?4, ?5)", 5,
                    plant_mem_printf(&f->mem, "ECO-%04d", 4700 + i), i < 20 ? "released" : "open",
                    plant_mem_printf(&f->mem, "2026-%02d-01", 1 + i % 12), what[i % 5], i < 20 ? "01" : "");
}

void plant_factory_make(const char *dir, uint64_t seed)
{
    struct factory f = {.state = seed * 0x9e3779b97f4a7c15u + 1};
    const char *file = plant_mem_printf(&f.mem, "%s/factory.db", dir);
    const char *fresh = plant_mem_printf(&f.mem, "%s/factory.new", dir);
    if (access(file, F_OK) == 0)
        goto out;
    unlink(fresh);
    f.db = plant_db_open(fresh);
    plant_db_script(f.db, "PRAGMA journal_mode = MEMORY; BEGIN");
    plant_db_script(f.db, schema);
    plants_make(&f);
    items_make(&f);
    suppliers_make(&f);
    changes_make(&f);
    factory_boms_make(&f);
    factory_orders_make(&f);
    factory_stock_make(&f);
    plant_db_script(f.db, "COMMIT");
    sqlite3_close(f.db);
    if (rename(fresh, file) != 0)
        perror(file);
out:
    plant_mem_free(&f.mem);
}
