/*
 * db.h - the plant's SQLite: one file a system, every value a text
 *
 * Thread: that of the connection. A statement that SQLite does not understand is a fault of the
 * simulator and ends it with the statement; a broken constraint is an answer, and returned.
 */
#ifndef PLANT_DB_H
#define PLANT_DB_H

#include <sqlite3.h>

#include "tools/plant/mem.h"

sqlite3 *plant_db_open(const char *file); /* WAL, no sync; exits with a line when it cannot */
void plant_db_script(sqlite3 *db, const char *sql);
/* n parameters, each a const char * (NULL: null). Step it and sqlite3_finalize() it. */
sqlite3_stmt *plant_db_ask(sqlite3 *db, const char *sql, int n, ...);
bool plant_db_do(sqlite3 *db, const char *sql, int n, ...); /* false: a constraint is in the way */
char *plant_db_text(struct plant_mem *m, sqlite3 *db, const char *sql, int n, ...); /* or NULL */
int64_t plant_db_int(sqlite3 *db, const char *sql, int n, ...); /* 0 when there is no row */
/* One row: a step, and the end of the statement when there is none. */
bool plant_db_row(sqlite3_stmt **st);
const char *plant_db_col(sqlite3_stmt *st, int i); /* "" for null */
/* Quantities: thousandths as an integer, so that books balance to the last digit. */
bool plant_qty_read(const char *s, int64_t *milli);
void plant_qty_write(int64_t milli, char out[24]); /* zeros at the end dropped */

#endif
