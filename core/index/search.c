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

/* A query on a file, prepared: SQLITE_OK, else with err. Both are to be closed either way. */
static int query_open(const char *dir, const char *name, const char *sql, sqlite3 **db,
                      sqlite3_stmt **q, struct bb_fault *err)
{
    char *path = bb_text("%s/%s.db", dir, name);
    int rc = SQLITE_NOMEM;

    *db = NULL;
    *q = NULL;
    if (path)
        rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(*db, 2000);
        rc = sqlite3_prepare_v2(*db, sql, -1, q, NULL);
    }
    if (rc != SQLITE_OK)
        bb_fail(err, "cannot search %s: %s", path ? path : name,
                *db ? sqlite3_errmsg(*db) : "no memory");
    free(path);
    return rc;
}

/* Hits in one file, -1 with err. *more is cleared when fn wants no more. */
static int file_search(const char *dir, const char *name, const struct bb_search *s, size_t max,
                       int (*fn)(void *, const struct bb_hit *), void *arg, bool *more,
                       struct bb_fault *err)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    char sql[1536];
    int hits = 0, p = 1, rc;

    query_text(s, sql, sizeof(sql));
    rc = query_open(dir, name, sql, &db, &q, err);
    if (rc != SQLITE_OK) { /* or being made this moment: nothing in it yet */
        hits = rc == SQLITE_ERROR && sqlite3_table_column_metadata(db, NULL, "messages", NULL, NULL,
                                                                  NULL, NULL, NULL, NULL) != SQLITE_OK
                   ? 0 : -1;
        goto end;
    }
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
    if (*more && rc != SQLITE_DONE)
        hits = bb_fail(err, "cannot search %s/%s.db: %s", dir, name, sqlite3_errmsg(db));
end:
    sqlite3_finalize(q);
    sqlite3_close(db);
    return hits;
}

static int newest_first(const void *a, const void *b)
{
    return strcmp(b, a);
}

/* Names of the day files, newest first, to be freed; *n 0 when there is no index. */
static char (*files(const char *dir, size_t *n))[BB_DAY_NAME]
{
    char(*names)[BB_DAY_NAME] = calloc(FILES_MAX, sizeof(*names));
    DIR *d = names ? opendir(dir) : NULL;
    struct dirent *e;

    *n = 0;
    while (d && *n < FILES_MAX && (e = readdir(d)))
        *n += bb_day_is(e->d_name, names[*n]);
    if (d)
        closedir(d);
    if (*n)
        qsort(names, *n, sizeof(*names), newest_first);
    return names;
}

int bb_index_search(const char *state_dir, const struct bb_search *s,
                    int (*fn)(void *, const struct bb_hit *), void *arg, struct bb_fault *err)
{
    char *dir = bb_text("%s/index", state_dir);
    size_t max = s->max ? s->max : 100, n = 0;
    char(*names)[BB_DAY_NAME] = dir ? files(dir, &n) : NULL;
    int hits = names ? 0 : bb_fail(err, "out of memory"), found;
    bool more = true;

    for (size_t i = 0; i < n && more && hits >= 0 && (size_t)hits < max; i++) {
        found = file_search(dir, names[i], s, max - (size_t)hits, fn, arg, &more, err);
        hits = found < 0 ? -1 : hits + found;
    }
    free(names);
    free(dir);
    return hits;
}

int bb_index_position(const char *state_dir, uint64_t *next_seq)
{
    char *dir = bb_text("%s/index", state_dir);
    size_t n = 0;
    char(*names)[BB_DAY_NAME] = dir ? files(dir, &n) : NULL;
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    int rc = -1;

    *next_seq = 0;
    if (n && query_open(dir, names[0], "SELECT seq FROM position", &db, &q, NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW) {
        *next_seq = (uint64_t)sqlite3_column_int64(q, 0);
        rc = 0;
    }
    sqlite3_finalize(q);
    sqlite3_close(db);
    free(names);
    free(dir);
    return rc;
}
