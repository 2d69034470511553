/*
 * index.h - the searchable history: an SQLite projection of the journal
 *
 * A thread of its own follows both record streams behind the journal in large batches; it never
 * slows intake, may lag, and may be deleted and rebuilt at any time. One file a day of acceptance,
 * DIR/index/YYYY-MM-DD.db, for any SQL tool. Position is kept with the rows, in the same commit.
 */
#ifndef BB_INDEX_H
#define BB_INDEX_H

#include "core/journal/journal.h"

struct bb_index;
struct bb_index *bb_index_start(struct bb_journal *j, const char *state_dir, struct bb_fault *err);
void bb_index_stop(struct bb_index **ip);
/* How far behind: messages and events not yet projected. Any thread. */
void bb_index_lag(const struct bb_index *i, uint64_t *messages, uint64_t *events);

/* What a search gives, one row a delivery (route "" for a message without one). */
struct bb_hit {
    uint64_t seq, accept_ms, state_ms;
    const char *id, *source, *type, *item, *plant, *revision, *change, *correlation, *endpoint;
    const char *route, *state;
};
struct bb_search { /* NULL: any */
    const char *correlation, *item, *plant, *change, *type, *route, *state, *id;
    size_t max; /* newest first */
};
/* Opens the day files read-only; works beside a running core and without one. Hits, or -1. */
int bb_index_search(const char *state_dir, const struct bb_search *s,
                    int (*fn)(void *, const struct bb_hit *), void *arg, struct bb_fault *err);
/* The first sequence number that the files do not cover yet: 0, or -1 when there is no index. */
int bb_index_position(const char *state_dir, uint64_t *next_seq);

#endif
