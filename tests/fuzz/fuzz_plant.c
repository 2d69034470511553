/*
 * fuzz_plant.c - any request to the simulated plant: OData paths, filters, batches, JSON, XML
 *
 * The input is a request as text: its line, headers, a blank line, a body; its first byte chooses the
 * system. Each runs in a transaction that is taken back, so that inputs do not hang on one another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/plant/factory.h"
#include "tools/plant/kit.h"
#include "tools/plant/systems.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct plant_kind *const kinds[] = {PLANT_SYSTEMS};
#define KINDS (sizeof kinds / sizeof *kinds)
static struct plant_system systems[KINDS];
static char dir[] = "/tmp/fuzz-plant.XXXXXX";

static void clean(void)
{
    static const char *const ends[] = {".db", ".db-wal", ".db-shm"};
    char file[128];
    for (size_t i = 0; i <= KINDS; i++) {
        if (i < KINDS && systems[i].db)
            plant_system_close(&systems[i]);
        for (size_t k = 0; k < 3; k++) {
            snprintf(file, sizeof file, "%s/%s%s", dir, i < KINDS && kinds[i] ? kinds[i]->name : "factory", ends[k]);
            unlink(file);
        }
    }
    rmdir(dir);
}

static void start(void)
{
    if (!mkdtemp(dir))
        exit(1);
    plant_factory_make(dir, 1);
    for (size_t i = 0; i < KINDS; i++) {
        if (!kinds[i])
            continue;
        plant_system_open(&systems[i], kinds[i], dir);
        plant_db_script(systems[i].db, "INSERT INTO options VALUES('auth', 'off'), ('csrf', 'off')");
    }
    atexit(clean);
}

static struct plant_text upto(struct plant_text *rest, const char *mark)
{
    const char *p = memmem(rest->p, rest->n, mark, strlen(mark));
    struct plant_text out = {rest->p, p ? (size_t)(p - rest->p) : rest->n};
    size_t skip = p ? out.n + strlen(mark) : rest->n;
    *rest = (struct plant_text){rest->p + skip, rest->n - skip};
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!systems[0].db)
        start();
    if (size < 2)
        return 0;
    struct plant_system *s = &systems[data[0] % KINDS];
    struct plant_text rest = {(const char *)data + 1, size - 1};
    struct plant_request rq = {0};
    struct plant_call c;
    if (!s->db)
        s = &systems[0];
    rq.method = upto(&rest, " ");
    rq.path = upto(&rest, "\r\n");
    rq.head = upto(&rest, "\r\n\r\n");
    rq.body = rest;
    plant_db_script(s->db, "BEGIN");
    plant_system_call(s, &rq, &c);
    plant_mem_free(&c.mem);
    plant_db_script(s->db, "ROLLBACK");
    return 0;
}
