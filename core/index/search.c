/*
 * search.c - looks into the day files, newest first
 *
 * Any thread or process; read-only connections of its own, beside the index thread or without one.
 */
#define _GNU_SOURCE 1
#include "core/index/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 4096

static const struct { /* in the order of the parameters */
    size_t at;
    const char *where;
} keys[] = {
    {offsetof(struct bb_search, correlation), " AND m.correlation = ?"},
    {offsetof(struct bb_search, item), " AND m.item = ?"},
    {offsetof(struct bb_search, plant), " AND m.plant = ?"},
    {offsetof(struct bb_search, change), " AND m.change = ?"},
    {offsetof(struct bb_search, type), " AND m.type = ?"},
    {offsetof(struct bb_search, route), " AND r.name = ?"},
    /* coalesce keeps the messages' order: most deliveries are delivered */
    {offsetof(struct bb_search, state), " AND coalesce(d.state, '') = ?"},
    {offsetof(struct bb_search, id), " AND m.id = ?"},
};
#define N_KEYS (sizeof(keys) / sizeof(*keys))

static const char *key_of(const struct bb_search *s, size_t i)
{
    return *(const char *const *)((const char *)s + keys[i].at);
}

static void query_text(const struct bb_search *s, char *out, size_t cap)
{
    size_t n = (size_t)snprintf(out, cap,
        "SELECT m.seq, m.accepted_ms, coalesce(d.state_ms, m.accepted_ms), m.id, m.source, m.type,"
        " m.item, m.plant, m.revision, m.change, m.correlation, m.endpoint,"
        " coalesce(r.name, CASE d.route WHEN 0 THEN 'unmatched' ELSE '' END), d.state"
        " FROM messages m LEFT JOIN deliveries d ON d.seq = m.seq"
        " LEFT JOIN routes r ON r.id = d.route WHERE 1");

    for (size_t i = 0; i < N_KEYS; i++) {
        const char *where = keys[i].where;

        if (!key_of(s, i))
            continue;
        if (keys[i].at == offsetof(struct bb_search, state) && strcmp(s->state, "delivered") != 0)
            where = " AND d.state = ? AND d.state <> 'delivered'"; /* as its partial index says */
        n += (size_t)snprintf(out + n, cap - n, "%s", where);
    }
    snprintf(out + n, cap - n, " ORDER BY m.seq DESC LIMIT ?");
}

static const char *text(sqlite3_stmt *s, int i)
{
    const unsigned char *t = sqlite3_column_text(s, i);

    return t ? (const char *)t : "";
}

/* Hits in one file, -1 with err. *more is cleared when fn wants no more. */
static int file_search(const char *path, const struct bb_search *s, size_t max,
                       int (*fn)(void *, const struct bb_hit *), void *arg, bool *more,
                       struct bb_fault *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    char sql[1536];
    int hits = 0, p = 1, rc;

    query_text(s, sql, sizeof(sql));
    rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(db, 2000);
        rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
        if (rc == SQLITE_ERROR && sqlite3_table_column_metadata(db, NULL, "messages", NULL, NULL,
                                                               NULL, NULL, NULL, NULL) != SQLITE_OK) {
            sqlite3_close(db); /* being made this moment: nothing in it yet */
            return 0;
        }
    }
    if (rc == SQLITE_OK) {
        for (size_t i = 0; i < N_KEYS; i++)
            if (key_of(s, i))
                sqlite3_bind_text(q, p++, key_of(s, i), -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, p, (sqlite3_int64)max);
        while (*more && (rc = sqlite3_step(q)) == SQLITE_ROW) {
            struct bb_hit h = {
                .seq = (uint64_t)sqlite3_column_int64(q, 0),
                .accept_ms = (uint64_t)sqlite3_column_int64(q, 1),
                .state_ms = (uint64_t)sqlite3_column_int64(q, 2),
                .id = text(q, 3), .source = text(q, 4), .type = text(q, 5), .item = text(q, 6),
                .plant = text(q, 7), .revision = text(q, 8), .change = text(q, 9),
                .correlation = text(q, 10), .endpoint = text(q, 11), .route = text(q, 12),
                .state = text(q, 13)};

            hits++;
            *more = fn(arg, &h) == 0;
        }
    }
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        hits = bb_fail(err, "cannot search %s: %s", path, db ? sqlite3_errmsg(db) : "no memory");
    sqlite3_finalize(q);
    sqlite3_close(db);
    return hits;
}

static int newest_first(const void *a, const void *b)
{
    return strcmp(b, a);
}

/* Names of the day files, newest first; how many, 0 when there is no index. */
static size_t files(const char *dir, char (*names)[BB_DAY_NAME])
{
    DIR *d = opendir(dir);
    struct dirent *e;
    size_t n = 0;

    while (d && n < FILES_MAX && (e = readdir(d)))
        n += bb_day_is(e->d_name, names[n]);
    if (d)
        closedir(d);
    qsort(names, n, sizeof(*names), newest_first);
    return n;
}

int bb_index_search(const char *state_dir, const struct bb_search *s,
                    int (*fn)(void *, const struct bb_hit *), void *arg, struct bb_fault *err)
{
    char(*names)[BB_DAY_NAME] = calloc(FILES_MAX, sizeof(*names));
    char *dir = bb_text("%s/index", state_dir);
    size_t max = s->max ? s->max : 100, n;
    bool more = true;
    int hits = 0;

    if (!names || !dir) {
        hits = bb_fail(err, "out of memory");
        goto end;
    }
    n = files(dir, names);
    for (size_t i = 0; i < n && more && hits >= 0 && (size_t)hits < max; i++) {
        char *path = bb_text("%s/%s.db", dir, names[i]);
        int found = path ? file_search(path, s, max - (size_t)hits, fn, arg, &more, err)
                         : bb_fail(err, "out of memory");

        hits = found < 0 ? -1 : hits + found;
        free(path);
    }
end:
    free(names);
    free(dir);
    return hits;
}

int bb_index_position(const char *state_dir, uint64_t *next_seq)
{
    char(*names)[BB_DAY_NAME] = calloc(FILES_MAX, sizeof(*names));
    char *dir = bb_text("%s/index", state_dir), *path = NULL;
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    int rc = -1;

    *next_seq = 0;
    if (names && dir && files(dir, names))
        path = bb_text("%s/%s.db", dir, names[0]);
    if (path && sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) ==
                    SQLITE_OK &&
        sqlite3_busy_timeout(db, 2000) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT seq FROM position", -1, &q, NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW) {
        *next_seq = (uint64_t)sqlite3_column_int64(q, 0);
        rc = 0;
    }
    sqlite3_finalize(q);
    sqlite3_close(db);
    free(path);
    free(dir);
    free(names);
    return rc;
}
