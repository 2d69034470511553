/*
 * messages.h - what messages.c and events.c share
 */
#ifndef BB_PLUGIN_HTTP_MESSAGES_H
#define BB_PLUGIN_HTTP_MESSAGES_H

#include "source.h"

/* Notes the message that begins at out + at and ends with it. 0, -1 with p. */
int part_add(struct source *s, struct request *r, size_t at, struct problems *p);
/* A body, or element nth of many, that could not be read as f says: 400 when it is no JSON, else 422
 * with a line in the list. shift: where json begins in the body. */
void body_fault(struct source *s, struct bb_bytes json, size_t shift, size_t nth, int many,
                const struct bb_fault *f, struct problems *p);
/* One plain JSON record by the envelope's rules into s->out, noted as a part of r. -1: no memory; what
 * is wrong with the record is in p. r->conn may be NULL: no headers. */
int record_make(struct source *s, struct request *r, struct bb_bytes record, size_t nth, int many,
                struct problems *p);
int event_make(struct source *s, struct request *r, struct bb_bytes body, struct problems *p);
int batch_make(struct source *s, struct request *r, struct bb_bytes body, struct problems *p);
static inline const char *space_skip(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        p++;
    return p;
}

#endif
