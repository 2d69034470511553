/* db.c - see db.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plant/db.h"

static void die(sqlite3 *db, const char *what)
{
    fprintf(stderr, "plant: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

/* qty('1.25') + ...: SQL's own arithmetic would go through doubles. */
static void sql_milli(sqlite3_context *c, int n, sqlite3_value **v)
{
    int64_t milli;
    const char *s = (const char *)sqlite3_value_text(v[0]);
    (void)n;
    if (s && plant_qty_read(s, &milli))
        sqlite3_result_int64(c, milli);
    else
        sqlite3_result_null(c);
}

static void sql_qty(sqlite3_context *c, int n, sqlite3_value **v)
{
    char out[24];
    (void)n;
    plant_qty_write(sqlite3_value_int64(v[0]), out);
    sqlite3_result_text(c, out, -1, SQLITE_TRANSIENT);
}

sqlite3 *plant_db_open(const char *file)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(file, &db) != SQLITE_OK)
        die(db, file);
    sqlite3_busy_timeout(db, 10000);
    sqlite3_create_function(db, "milli", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, sql_milli, NULL, NULL);
    sqlite3_create_function(db, "qty", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, sql_qty, NULL, NULL);
    plant_db_script(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;");
    return db;
}

void plant_db_script(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(db, sql);
}

static sqlite3_stmt *ask(sqlite3 *db, const char *sql, int n, va_list a)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        die(db, sql);
    for (int i = 1; i <= n; i++)
        sqlite3_bind_text(st, i, va_arg(a, const char *), -1, SQLITE_TRANSIENT);
    return st;
}

sqlite3_stmt *plant_db_ask(sqlite3 *db, const char *sql, int n, ...)
{
    va_list a;
    va_start(a, n);
    sqlite3_stmt *st = ask(db, sql, n, a);
    va_end(a);
    return st;
}

bool plant_db_row(sqlite3_stmt **st)
{
    int rc = sqlite3_step(*st);
    if (rc == SQLITE_ROW)
        return true;
    if (rc != SQLITE_DONE && rc != SQLITE_CONSTRAINT)
        die(sqlite3_db_handle(*st), sqlite3_sql(*st));
    sqlite3_finalize(*st);
    *st = NULL;
    return false;
}

const char *plant_db_col(sqlite3_stmt *st, int i)
{
    const char *s = (const char *)sqlite3_column_text(st, i);
    return s ? s : "";
}

bool plant_db_do(sqlite3 *db, const char *sql, int n, ...)
{
    va_list a;
    va_start(a, n);
    sqlite3_stmt *st = ask(db, sql, n, a);
    va_end(a);
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        ;
    if (rc != SQLITE_DONE && (rc & 0xff) != SQLITE_CONSTRAINT)
        die(db, sql);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE;
}

char *plant_db_text(struct plant_mem *m, sqlite3 *db, const char *sql, int n, ...)
{
    va_list a;
    char *out = NULL;
    va_start(a, n);
    sqlite3_stmt *st = ask(db, sql, n, a);
    va_end(a);
    if (plant_db_row(&st)) {
        const char *s = (const char *)sqlite3_column_text(st, 0);
        out = s ? plant_mem_copy(m, s, strlen(s)) : NULL;
        sqlite3_finalize(st);
    }
    return out;
}

int64_t plant_db_int(sqlite3 *db, const char *sql, int n, ...)
{
    va_list a;
    int64_t out = 0;
    va_start(a, n);
    sqlite3_stmt *st = ask(db, sql, n, a);
    va_end(a);
    if (plant_db_row(&st)) {
        out = sqlite3_column_int64(st, 0);
        sqlite3_finalize(st);
    }
    return out;
}

bool plant_qty_read(const char *s, int64_t *milli)
{
    bool minus = *s == '-';
    int64_t n = 0;
    int after = -1, digits = 0;
    s += minus || *s == '+';
    for (; *s; s++) {
        if (*s == '.' && after < 0) {
            after = 0;
            continue;
        }
        if (*s < '0' || *s > '9' || digits > 14)
            return false;
        if (after >= 3) {
            if (*s != '0')
                return false; /* a fourth decimal has no place */
            continue;
        }
        n = n * 10 + (*s - '0');
        digits++;
        after += after >= 0;
    }
    for (after = after < 0 ? 0 : after; after < 3; after++)
        n *= 10;
    *milli = minus ? -n : n;
    return digits > 0;
}

void plant_qty_write(int64_t milli, char out[24])
{
    uint64_t u = milli < 0 ? (uint64_t)-milli : (uint64_t)milli;
    int n = snprintf(out, 24, "%s%llu.%03u", milli < 0 ? "-" : "", (unsigned long long)(u / 1000),
                     (unsigned)(u % 1000));
    while (n > 0 && out[n - 1] == '0')
        out[--n] = '\0';
    if (n > 0 && out[n - 1] == '.')
        out[n - 1] = '\0';
}
