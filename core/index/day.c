/*
 * day.c - one day's file of the index
 *
 * Thread: the index's. WAL and synchronous NORMAL: a crash keeps the file whole and at worst loses
 * the last batches, which the position in the same transaction makes it project again.
 */
#include "core/index/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] =
    "CREATE TABLE messages(seq INTEGER PRIMARY KEY, accepted_ms INTEGER NOT NULL, endpoint TEXT,"
    " id TEXT, source TEXT, type TEXT, item TEXT, plant TEXT, revision TEXT, change TEXT,"
    " correlation TEXT, conflict INTEGER);"
    "CREATE TABLE routes(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE deliveries(seq INTEGER NOT NULL, route INTEGER NOT NULL, state TEXT NOT NULL,"
    " state_ms INTEGER NOT NULL, PRIMARY KEY(seq, route)) WITHOUT ROWID;"
    "CREATE TABLE position(one INTEGER PRIMARY KEY CHECK(one = 1), seq INTEGER, eseq INTEGER,"
    " journal TEXT);"
    "CREATE INDEX messages_id ON messages(id) WHERE id IS NOT NULL;"
    "CREATE INDEX messages_item ON messages(item) WHERE item IS NOT NULL;"
    "CREATE INDEX messages_change ON messages(change) WHERE change IS NOT NULL;"
    "CREATE INDEX messages_correlation ON messages(correlation) WHERE correlation IS NOT NULL;"
    "CREATE INDEX deliveries_open ON deliveries(state) WHERE state <> 'delivered';"
    /* for people with an SQL tool */
    "CREATE VIEW trace AS SELECT m.seq, datetime(m.accepted_ms / 1000, 'unixepoch') AS accepted,"
    " m.endpoint, m.type, m.item, m.plant, m.revision, m.change, m.correlation, m.id,"
    " coalesce(r.name, d.route) AS route, d.state,"
    " datetime(d.state_ms / 1000, 'unixepoch') AS since"
    " FROM messages m LEFT JOIN deliveries d ON d.seq = m.seq LEFT JOIN routes r ON r.id = d.route;";

static const char *const texts[BB_Q_COUNT] = {
    [BB_Q_BEGIN] = "BEGIN IMMEDIATE",
    [BB_Q_COMMIT] = "COMMIT",
    [BB_Q_ROLLBACK] = "ROLLBACK",
    [BB_Q_MESSAGE] = "INSERT OR REPLACE INTO messages VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
    /* a second projection of the same message must not undo what its events said */
    [BB_Q_DELIVERY] = "INSERT OR IGNORE INTO deliveries VALUES(?2,?1,?3,?4)",
    [BB_Q_ONE] = "INSERT OR REPLACE INTO deliveries VALUES(?2,?1,?3,?4)",
    [BB_Q_STATE] = "UPDATE deliveries SET state=?, state_ms=? WHERE route=? AND seq>=? AND seq<?",
    [BB_Q_ROUTE] = "INSERT OR REPLACE INTO routes VALUES(?,?)",
    [BB_Q_POSITION] = "INSERT OR REPLACE INTO position VALUES(1,?,?,?)",
};

void bb_day_of(uint64_t wall_ms, char out[BB_DAY_NAME])
{
    char text[BB_TIME_TEXT];

    bb_time_text(wall_ms, text);
    snprintf(out, BB_DAY_NAME, "%.10s", text[0] == '-' ? "9999-12-31" : text);
}

bool bb_day_is(const char *file, char out[BB_DAY_NAME])
{
    static const char form[] = "0000-00-00.db";

    if (strlen(file) != sizeof(form) - 1)
        return false;
    for (size_t i = 0; form[i]; i++)
        if (form[i] == '0' ? file[i] < '0' || file[i] > '9' : file[i] != form[i])
            return false;
    snprintf(out, BB_DAY_NAME, "%.10s", file);
    return true;
}

static int failed(struct bb_day *d, int rc, struct bb_fault *err)
{
    int primary = rc & 0xff;

    bb_fail(err, "index %s: %s", d->name, d->db ? sqlite3_errmsg(d->db) : sqlite3_errstr(rc));
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ? 1 : -1;
}

/* The columns of the first row, 0 where there is none or null; and the text of column `text`. */
static int row_read(struct bb_day *d, const char *sql, int64_t *v, int n, char text[64],
                    struct bb_fault *err)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(d->db, sql, -1, &s, NULL);

    memset(v, 0, (size_t)n * sizeof(*v));
    text[0] = '\0';
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    for (int i = 0; rc == SQLITE_ROW && i < n; i++) {
        v[i] = sqlite3_column_int64(s, i);
        if (sqlite3_column_type(s, i) == SQLITE_TEXT)
            snprintf(text, 64, "%s", (const char *)sqlite3_column_text(s, i));
    }
    sqlite3_finalize(s);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : failed(d, rc, err);
}

/* A new file names its journal from its first commit on. */
static int tables_make(struct bb_day *d, const char *journal, struct bb_fault *err)
{
    char sql[128], text[64];
    int64_t v[2]; /* version, tables */
    int rc = row_read(d, "SELECT user_version, (SELECT count(*) FROM sqlite_master)"
                         " FROM pragma_user_version", v, 2, text, err);

    if (rc != 0 || v[0] == BB_INDEX_VERSION)
        return rc;
    if (v[1]) {
        bb_fail(err, "index %s: made by another version", d->name);
        return 1;
    }
    snprintf(sql, sizeof(sql), "INSERT INTO position VALUES(1,0,0,'%.32s');"
             "PRAGMA user_version=%d; COMMIT", journal, BB_INDEX_VERSION);
    if ((rc = sqlite3_exec(d->db, "BEGIN IMMEDIATE", NULL, NULL, NULL)) != SQLITE_OK ||
        (rc = sqlite3_exec(d->db, schema, NULL, NULL, NULL)) != SQLITE_OK ||
        (rc = sqlite3_exec(d->db, sql, NULL, NULL, NULL)) != SQLITE_OK)
        return failed(d, rc, err);
    return 0;
}

static int position_read(struct bb_day *d, const char *journal, struct bb_day_position *pos,
                         struct bb_fault *err)
{
    char text[64];
    int64_t v[4];
    int rc = row_read(d, "SELECT seq, eseq, (SELECT min(seq) FROM messages), journal FROM position",
                      v, 4, text, err);

    if (rc == 0 && strcmp(text, journal) != 0) { /* one made anew starts its numbers anew */
        bb_fail(err, "index %s: belongs to another journal", d->name);
        rc = 1;
    }
    *pos = (struct bb_day_position){(uint64_t)v[0], (uint64_t)v[1], (uint64_t)v[2]};
    return rc;
}

int bb_day_open(struct bb_day *d, const char *dir, const char *journal,
                struct bb_day_position *pos, struct bb_fault *err)
{
    char *path = bb_text("%s/%s.db", dir, d->name);
    int rc;

    if (!path)
        return bb_fail(err, "out of memory");
    rc = sqlite3_open_v2(path, &d->db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                             SQLITE_OPEN_NOFOLLOW, NULL);
    free(path);
    if (rc == SQLITE_OK) {
        sqlite3_extended_result_codes(d->db, 1);
        sqlite3_busy_timeout(d->db, 5000);
        rc = sqlite3_exec(d->db,
                          "PRAGMA page_size=16384; PRAGMA journal_mode=WAL;"
                          "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=2000;"
                          "PRAGMA cache_size=-8192; PRAGMA temp_store=MEMORY;"
                          "PRAGMA journal_size_limit=67108864", NULL, NULL, NULL);
    }
    rc = rc == SQLITE_OK ? tables_make(d, journal, err) : failed(d, rc, err);
    if (rc == 0)
        rc = position_read(d, journal, pos, err);
    for (int i = 0; rc == 0 && i < BB_Q_COUNT; i++)
        if (sqlite3_prepare_v3(d->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &d->q[i], NULL) !=
            SQLITE_OK)
            rc = failed(d, sqlite3_extended_errcode(d->db), err);
    if (rc)
        bb_day_close(d);
    d->routes = 0;
    return rc;
}

void bb_day_close(struct bb_day *d)
{
    for (int i = 0; i < BB_Q_COUNT; i++) {
        sqlite3_finalize(d->q[i]);
        d->q[i] = NULL;
    }
    sqlite3_close(d->db);
    d->db = NULL;
    d->in_transaction = false;
}

void bb_day_bind(struct bb_day *d, enum bb_day_sql q, const char *kinds, ...)
{
    const char *text;
    struct bb_bytes b;
    va_list ap;

    va_start(ap, kinds);
    for (int i = 1; *kinds; i++, kinds++) {
        if (*kinds == 'n') {
            sqlite3_bind_int64(d->q[q], i, (sqlite3_int64)va_arg(ap, uint64_t));
        } else if (*kinds == 's') {
            text = va_arg(ap, const char *);
            sqlite3_bind_text(d->q[q], i, text, -1, SQLITE_STATIC);
        } else {
            b = va_arg(ap, struct bb_bytes);
            sqlite3_bind_text(d->q[q], i, b.ptr, (int)b.len, SQLITE_STATIC);
        }
    }
    va_end(ap);
}

int bb_day_run(struct bb_day *d, enum bb_day_sql q, struct bb_fault *err)
{
    int rc = sqlite3_step(d->q[q]), result = 0;

    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        result = failed(d, rc, err);
    sqlite3_reset(d->q[q]);
    sqlite3_clear_bindings(d->q[q]); /* they point into what is the caller's */
    if (result == 0 && (q == BB_Q_BEGIN || q == BB_Q_COMMIT || q == BB_Q_ROLLBACK))
        d->in_transaction = q == BB_Q_BEGIN;
    return result;
}
