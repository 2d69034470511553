/*
 * source.h - what source.c and batch.c share: a watched folder, the file that is read, its batches
 */
#ifndef FILE_SOURCE_H
#define FILE_SOURCE_H

#include "file.h"

#include <sys/stat.h>

enum phase { IDLE, READING, SENT, HELD, AGAIN, FINISH, FAIL, STOPPED };

struct batch {
    struct bb_buf bytes, state; /* its messages; the place behind the last one, for the journal */
    struct bb_bytes *messages;  /* offsets into bytes, until it is complete */
    uint32_t n;
    bool complete; /* it may be sent; with n 0 the file had no more */
    bool last;     /* nothing comes after it */
    struct place end;
};

struct source {
    struct bb_ctx ctx;
    const struct config *c;
    char endpoint[64];
    struct folder folder;
    enum phase phase;
    int64_t again_ms, look_ms; /* when */
    unsigned failures;         /* in a row, for the backoff */
    char trouble[200];         /* what health says, "" when well */
    /* the file */
    char name[NAME_LEN], time[40];
    int fd;
    struct stat id;
    struct reader reader;
    uint64_t passed; /* records that the journal has already */
    uint64_t skipped;
    char why[16384]; /* for FAIL */
    char broken[160]; /* why it cannot be read on, which is the system's fault; or "" */
    /* one batch is out, and the next is read meanwhile */
    struct batch batch[2];
    unsigned filling;
    struct bb_buf value, state; /* a record; what the journal says */
    uint64_t cookie, version;
};

static inline struct batch *source_fills(struct source *s)
{
    return &s->batch[s->filling];
}

static inline struct batch *source_sent(struct source *s)
{
    return &s->batch[!s->filling];
}

/* ---- batch.c ----------------------------------------------------------------------------------- */
int batch_init(struct batch *b, const struct config *c);
void batch_free(struct batch *b);
void batch_reset(struct batch *b);
/* Reads on into the batch that is filled, a slice of records; complete says when that is enough. What
 * is wrong with a record is in s->why, behind the last batch; what is wrong with the system in s->broken. */
void batch_read(struct source *s);
/* s->why: the batch that was sent is refused, and by the endpoint's accept for all of this. */
void batch_refused(struct source *s, const char *why);
void batch_refusal_add(struct source *s);

#endif
