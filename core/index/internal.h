/*
 * internal.h - what the index's files share
 *
 * A day file (struct bb_day) is one SQLite database, used by the index thread only; searches open
 * their own read-only connections.
 */
#ifndef BB_INDEX_INTERNAL_H
#define BB_INDEX_INTERNAL_H

#include <sqlite3.h>
#include "core/base/base.h"
#include "core/index/index.h"

#define BB_INDEX_VERSION 1 /* of the tables: another number is rebuilt */
#define BB_DAY_NAME 16     /* "2026-01-31" */

enum bb_day_sql { /* prepared once a file */
    BB_Q_BEGIN, BB_Q_COMMIT, BB_Q_ROLLBACK, BB_Q_MESSAGE, BB_Q_DELIVERY, BB_Q_ONE, BB_Q_STATE,
    BB_Q_ROUTE, BB_Q_POSITION, BB_Q_COUNT
};
struct bb_day {
    char name[BB_DAY_NAME];
    uint64_t first_seq; /* lowest in the file; files' ranges follow one another */
    sqlite3 *db;        /* NULL: closed */
    sqlite3_stmt *q[BB_Q_COUNT];
    bool in_transaction;
    size_t routes;      /* how many of the routes' names it has */
    uint64_t used;      /* turn of the last use, to close the oldest */
};
struct bb_day_position { uint64_t seq, eseq, first_seq; }; /* first_seq 0: no message in it */

/* journal: its id in hex. pos: as the file has it. 0; -1 with err; 1 when the file is damaged, of
 * another version or of another journal, and must be set aside. */
int bb_day_open(struct bb_day *d, const char *dir, const char *journal,
                struct bb_day_position *pos, struct bb_fault *err);
void bb_day_close(struct bb_day *d);
/* One prepared step with its bindings reset: 0, -1, 1 as above. */
int bb_day_run(struct bb_day *d, enum bb_day_sql q, struct bb_fault *err);
/* Binds what the letters of kinds say to parameters 1 and on: n a uint64_t, s a text or NULL, b a
 * struct bb_bytes (ptr NULL: null); they live until the step is run. */
void bb_day_bind(struct bb_day *d, enum bb_day_sql q, const char *kinds, ...);
void bb_day_of(uint64_t wall_ms, char out[BB_DAY_NAME]);
bool bb_day_is(const char *file, char out[BB_DAY_NAME]); /* "2026-01-31.db" */

#endif
