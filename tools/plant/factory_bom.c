/*
 * factory_bom.c - the factory's BOMs and routings: a table of line shapes holds every feature of the model
 *
 * A BOM takes its first lines as assemblies (more levels) and then bought parts; each bought line takes
 * the next shape, so that every shape comes up some eighty times in the factory.
 */
#include <stdio.h>
#include <string.h>

#include "tools/plant/factory_make.h"

struct shape {
    const char *category, *quantity, *fixed, *scrap, *op_scrap, *net, *group, *priority, *strategy, *share;
    const char *disc, *follow, *co, *bulk, *special, *explosion, *from, *to, *change, *change_to;
};

#define OPEN_FROM "2025-01-01"
#define OPEN_TO "9999-12-31"
#define PLAIN .from = OPEN_FROM, .to = OPEN_TO

static const struct shape shapes[] = {
    {.category = "L", .quantity = "1", PLAIN},
    {.category = "L", .quantity = "4", PLAIN, .scrap = "2.5"},
    {.category = "L", .quantity = "2.125", PLAIN, .op_scrap = "1.25", .net = "true"},
    {.category = "L", .quantity = "0.005", PLAIN, .bulk = "true"},
    {.category = "L", .quantity = "1", PLAIN, .fixed = "true"},
    {.category = "L", .quantity = "3", PLAIN, .group = "A1", .priority = "01", .strategy = "2", .share = "70"},
    {.category = "L", .quantity = "3", PLAIN, .group = "A1", .priority = "02", .strategy = "2", .share = "30"},
    {.category = "L", .quantity = "2", .from = OPEN_FROM, .to = "2026-12-31", .change = "ECO-4701",
     .change_to = "ECO-4711", .disc = "D1"},
    {.category = "L", .quantity = "2", .from = "2027-01-01", .to = OPEN_TO, .change = "ECO-4711", .follow = "D1"},
    {.category = "L", .quantity = "-1", PLAIN, .co = "true"},
    {.category = "L", .quantity = "-0.125", PLAIN},
    {.category = "N", .quantity = "1", PLAIN},
    {.category = "R", .quantity = "6", PLAIN},
    {.category = "T", PLAIN},
    {.category = "D", .quantity = "1", PLAIN},
};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

struct bom {
    const char *id, *alternative, *plant;
    int line, shape;
};

static void designators_make(struct factory *f, const struct bom *b, const char *node)
{
    for (int k = 1; k <= 4; k++)
        plant_db_do(f->db, "INSERT INTO bom_sub VALUES(?1, ?2, ?3, ?4, ?5, '1')", 5, b->id, b->alternative, node,
                    plant_mem_printf(&f->mem, "%04d", k), plant_mem_printf(&f->mem, "R%d", b->line * 10 + k));
}

static void line_make(struct factory *f, struct bom *b, int item, const struct shape *s)
{
    const char *node = plant_mem_printf(&f->mem, "%08d", ++b->line);
    bool goods = strchr("LNR", s->category[0]) != NULL;
    plant_db_do(f->db,
                "INSERT INTO bom_line VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
                " ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32)", 32,
                b->id, b->alternative, node, plant_mem_printf(&f->mem, "%04d", b->line * 10), s->category,
                goods ? factory_item(f, item) : "", s->quantity ? s->quantity : "0",
                goods ? factory_unit(item) : s->quantity ? "PC" : "", s->fixed, s->scrap, s->op_scrap, s->net,
                s->group, s->priority, s->strategy, s->share, s->disc, s->follow, s->co, s->bulk, s->special,
                s->explosion, "0002", s->from, s->to, s->change, s->change_to,
                plant_mem_printf(&f->mem, "S%02d", b->line), goods ? "" : "See the work instruction",
                s->category[0] == 'D' ? plant_mem_printf(&f->mem, "DRW-%05d", 40000 + item) : "",
                s->category[0] == 'R' ? "120.5" : "", b->line % 2 ? "0010" : "0020");
    if (strcmp(s->quantity ? s->quantity : "", "4") == 0)
        designators_make(f, b, node);
}

/* The k-th item after i of the same home, among those from first to last. */
static int other(int i, int k, int first, int last)
{
    int n = (last - first) / 3;
    int at = first + (((i * 7 + k) % n) + n) % n * 3;
    while (at % 3 != i % 3)
        at++;
    return at < last ? at : at - 3;
}

static void lines_make(struct factory *f, struct bom *b, int i)
{
    static const struct shape assembly = {.category = "L", .quantity = "1", PLAIN};
    static const struct shape phantom = {.category = "L", .quantity = "1", PLAIN, .special = "50", .explosion = "01"};
    int below = i < FACTORY_ASSEMBLY ? 3 : i < 450 ? 2 : 0, last = -1;
    for (int k = 0; k < below; k++) {
        int first = i < FACTORY_ASSEMBLY ? FACTORY_ASSEMBLY : i + 1;
        int c = other(i, k * 5 + 1, first, FACTORY_BOUGHT);
        if (c <= i || c == last)
            continue;
        line_make(f, b, c, factory_phantom(c) ? &phantom : &assembly);
        last = c;
    }
    for (int k = 0, n = 4 + (int)factory_roll(f, 4); k < n; k++) {
        const struct shape *s = &shapes[b->shape % SHAPES];
        line_make(f, b, other(i * 11, k + (int)factory_roll(f, 3) * 40, FACTORY_BOUGHT, FACTORY_REFUSED), s);
        b->shape++;
        if (s->group && s->priority[1] == '1') /* a group stays together, and so does a succession */
            n++;
        if (s->disc)
            n++;
    }
}

static void bom_make(struct factory *f, int i, int number, const char *alternative, const char *usage, int plant,
                     int *shape)
{
    struct bom b = {.id = plant_mem_printf(&f->mem, "%08d", number), .alternative = alternative,
                    .plant = factory_plants[plant], .shape = *shape};
    bool hundred = i % 9 == 4, second = strcmp(alternative, "02") == 0;
    plant_db_do(f->db, "INSERT INTO bom VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 'PC', ?8, ?9, ?10, ?11, ?12, ?13)", 13,
                b.id, alternative, factory_item(f, i), b.plant, usage, i % 40 == 39 ? "3" : "1",
                hundred ? "100" : "1", OPEN_FROM, OPEN_TO, i % 40 == 39 ? "ECO-4702" : "",
                second ? "500" : "0", second ? "99999" : "0",
                second ? "for large orders" : usage[0] == '2' ? "engineering" : "");
    lines_make(f, &b, i);
    *shape = b.shape;
}

static void routing_make(struct factory *f, int i, int plant)
{
    static const char *const steps[][3] = {{"0010", "SAW", "Cut"}, {"0020", "ASSY", "Assemble"},
                                           {"0030", "TEST", "Test"}};
    for (int k = 0; k < 3; k++)
        plant_db_do(f->db, "INSERT INTO operation VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", 7, factory_item(f, i),
                    factory_plants[plant], steps[k][0],
                    plant_mem_printf(&f->mem, "%s%d", steps[k][1], 1 + i % 4), steps[k][2],
                    plant_mem_printf(&f->mem, "%u", 5 + factory_roll(f, 30)),
                    plant_mem_printf(&f->mem, "%u.%u", 1 + factory_roll(f, 9), factory_roll(f, 10)));
}

void factory_boms_make(struct factory *f)
{
    int number = 1, shape = 0;
    for (int i = 0; i < FACTORY_BOUGHT; i++) {
        bom_make(f, i, number, "01", "1", i % 3, &shape);
        routing_make(f, i, i % 3);
        if (i % 12 == 5)
            bom_make(f, i, number, "02", "1", i % 3, &shape);
        number++;
        if (i % 30 == 11)
            bom_make(f, i, number++, "01", "2", i % 3, &shape);
    }
}
