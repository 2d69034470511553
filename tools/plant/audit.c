/* audit.c - see audit.h: the first system (the ERP) against each other one, then effects made twice */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/plant/audit.h"
#include "tools/plant/db.h"

#define LINES_MAX 200

/* Rows of x within the scope of both that y has not, or has with another value. */
static const char compare_sql[] =
    "WITH a AS (SELECT x.* FROM one.audit x WHERE EXISTS (SELECT 1 FROM two.audit_scope s WHERE s.kind = x.kind"
    "  AND (s.plant = '*' OR s.plant = x.plant) AND x.key LIKE s.like)),"
    " b AS (SELECT y.* FROM two.audit y WHERE EXISTS (SELECT 1 FROM one.audit_scope s WHERE s.kind = y.kind"
    "  AND (s.plant = '*' OR s.plant = y.plant) AND y.key LIKE s.like))"
    " SELECT a.kind, a.plant, a.key, a.value, b.value FROM a LEFT JOIN b USING(kind, plant, key)"
    "  WHERE b.value IS NOT a.value"
    " UNION ALL SELECT b.kind, b.plant, b.key, NULL, b.value FROM b LEFT JOIN a USING(kind, plant, key)"
    "  WHERE a.value IS NULL ORDER BY 1, 2, 3";

static long pair_compare(sqlite3 *db, const char *one, const char *two)
{
    long n = 0;
    sqlite3_stmt *st = plant_db_ask(db, compare_sql, 0);
    while (plant_db_row(&st)) {
        const char *a = (const char *)sqlite3_column_text(st, 3), *b = (const char *)sqlite3_column_text(st, 4);
        if (n++ < LINES_MAX)
            printf("%s %s %s: %s has %s, %s has %s\n", plant_db_col(st, 0), plant_db_col(st, 1), plant_db_col(st, 2),
                   one, a ? a : "nothing", two, b ? b : "nothing");
    }
    return n;
}

int plant_audit(const char *dir, const char *const *names, size_t n)
{
    struct plant_mem m = {0};
    sqlite3 *db = plant_db_open(":memory:");
    long differ = 0, doubles = 0, rows = 0;
    for (size_t i = 0; i < n; i++) {
        const char *file = plant_mem_printf(&m, "%s/%s.db", dir, names[i]);
        if (access(file, R_OK) != 0) {
            fprintf(stderr, "plant: %s is not there: `plant seed --dir %s` makes it\n", file, dir);
            return 2;
        }
        plant_db_do(db, i == 0 ? "ATTACH ?1 AS one" : "ATTACH ?1 AS two", 1, file);
        const char *side = i == 0 ? "one" : "two";
        rows += plant_db_int(db, plant_mem_printf(&m, "SELECT count(*) FROM %s.audit", side), 0);
        long d = plant_db_int(db, plant_mem_printf(&m, "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n"
                                                       " FROM %s.effects WHERE key != '' GROUP BY kind, key)", side), 0);
        if (d)
            printf("%s: %ld effects made twice\n", names[i], d);
        doubles += d;
        if (i == 0)
            continue;
        differ += pair_compare(db, names[0], names[i]);
        plant_db_script(db, "DETACH two");
    }
    if (differ > LINES_MAX)
        printf("... and more\n");
    printf("audit: %zu systems, %ld rows, %ld differ, %ld doubles\n", n, rows, differ, doubles);
    sqlite3_close(db);
    plant_mem_free(&m);
    return differ || doubles;
}
