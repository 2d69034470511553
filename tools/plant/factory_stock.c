/* factory_stock.c - the factory's purchase and production orders, lots, serials and stock in bins */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/factory_make.h"

static void purchases_make(struct factory *f)
{
    for (int k = 0; k < 300; k++) {
        const char *po = plant_mem_printf(&f->mem, "45%08d", k + 1);
        int p = k % 3, supplier = (int)factory_roll(f, FACTORY_SUPPLIERS);
        plant_db_do(f->db, "INSERT INTO purchase_order VALUES(?1, ?2, ?3, ?4)", 4, po, factory_supplier(f, supplier),
                    factory_plants[p], plant_mem_printf(&f->mem, "2026-10-%02d", 1 + k % 28));
        for (int l = 1; l <= 1 + k % 3; l++) {
            int i = FACTORY_BOUGHT + (int)factory_roll(f, FACTORY_REFUSED - FACTORY_BOUGHT);
            char price[24];
            plant_qty_write((int64_t)(factory_roll(f, 50000) + 10) * 10, price);
            plant_db_do(f->db, "INSERT INTO po_line VALUES(?1, ?2, ?3, ?4, ?5, '0', ?6, ?7, '0001')", 7, po,
                        plant_mem_printf(&f->mem, "%05d", l * 10), factory_item(f, i),
                        plant_mem_printf(&f->mem, "%u", (1 + factory_roll(f, 40)) * 50), factory_unit(i),
                        plant_mem_printf(&f->mem, "2026-12-%02d", 1 + k % 28), price);
        }
    }
}

static void works_make(struct factory *f)
{
    static const char *const states[] = {"CRTD", "REL", "REL", "REL", "REL PCNF PDLV", "REL CNF DLV", "TECO", "CLSD"};
    for (int k = 0; k < 240; k++) {
        const char *wo = plant_mem_printf(&f->mem, "%07d", 1000001 + k);
        int i = (k * 5) % FACTORY_BOUGHT;
        if (factory_phantom(i)) /* a phantom has no orders */
            continue;
        plant_db_do(f->db, "INSERT INTO work_order SELECT ?1, item, plant, ?2, 'PC', ?3, ?4, ?5,"
                           " (SELECT revision FROM item WHERE item = ?6), bom, alternative FROM bom"
                           " WHERE item = ?6 AND usage = '1' AND alternative = '01'", 6, wo,
                    plant_mem_printf(&f->mem, "%u", 10 * (1 + factory_roll(f, 20))),
                    plant_mem_printf(&f->mem, "2026-11-%02d", 1 + k % 28),
                    plant_mem_printf(&f->mem, "2026-12-%02d", 1 + k % 28), states[k % 8], factory_item(f, i));
        plant_db_do(f->db,
                    "INSERT INTO wo_component SELECT w.wo, position, component,"
                    " qty(CASE fixed WHEN 'true' THEN milli(l.quantity)"
                    " ELSE milli(l.quantity) * milli(w.quantity) / milli(b.base) END), l.unit, operation, location"
                    " FROM work_order w JOIN bom b USING(bom, alternative) JOIN bom_line l USING(bom, alternative)"
                    " WHERE w.wo = ?1 AND category IN ('L','N','R') AND bulk IS NULL AND l.valid_from <= w.start"
                    " AND l.valid_to >= w.start", 1, wo);
    }
}

void factory_orders_make(struct factory *f)
{
    purchases_make(f);
    works_make(f);
}

static void put(struct factory *f, int i, int p, const char *place, const char *bin, const char *lot,
                const char *type, uint32_t milli)
{
    char qty[24];
    plant_qty_write(milli, qty);
    plant_db_do(f->db, "INSERT INTO stock VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", 8, factory_item(f, i),
                factory_plants[p], place, bin, lot, type, qty, factory_unit(i));
}

/* Pieces are whole; what is weighed has decimals. */
static uint32_t amount(struct factory *f, int i)
{
    uint32_t n = (factory_roll(f, 400) + 20) * 1000;
    return strcmp(factory_unit(i), "PC") == 0 ? n : n + factory_roll(f, 1000);
}

static void item_stock(struct factory *f, int i, int p)
{
    const char *lot = "", *bin = factory_bin(f, (int)factory_roll(f, 240));
    if (factory_lots(i)) {
        lot = plant_mem_printf(&f->mem, "L%d%05d", p + 1, i);
        plant_db_do(f->db, "INSERT INTO lot VALUES(?1, ?2, ?3, ?4, '2026-09-01', '2028-09-01')", 4,
                    factory_item(f, i), lot, factory_plants[p],
                    i >= FACTORY_BOUGHT ? factory_supplier(f, i % FACTORY_SUPPLIERS) : "");
    }
    put(f, i, p, "0001", bin, lot, "01", amount(f, i));
    if (i % 3 == 0)
        put(f, i, p, "0001", factory_bin(f, (int)factory_roll(f, 240)), lot, "02", amount(f, i));
    if (i % 17 == 0)
        put(f, i, p, "0001", bin, lot, "07", 5000);
    put(f, i, p, "0002", "", lot, "01", 50 * amount(f, i)); /* what the released orders need lies on the floor */
    if (i < FACTORY_ASSEMBLY && i % 5 == 0) {
        uint32_t n = 3 + factory_roll(f, 5);
        put(f, i, p, "0003", "", lot, "01", n * 1000);
        for (uint32_t k = 1; k <= n; k++)
            plant_db_do(f->db, "INSERT INTO serial VALUES(?1, ?2, ?3, '0003', '')", 3, factory_item(f, i),
                        plant_mem_printf(&f->mem, "%d%05d%03u", p + 1, i, k), factory_plants[p]);
    }
}

void factory_stock_make(struct factory *f)
{
    for (int i = 0; i < FACTORY_ITEMS; i++)
        if (!factory_phantom(i) && !(i >= FACTORY_REFUSED && i < FACTORY_REFUSED + 20))
            for (int p = 0; p < 3; p++)
                if (p == i % 3 || i % 4 == 1) /* most stock is at home */
                    item_stock(f, i, p);
}
