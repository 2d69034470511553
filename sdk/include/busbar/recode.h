/*
 * recode.h - text in another encoding to UTF-8 and back, from chunks of any size
 *
 * Encodings: UTF-8, ISO-8859-1, ISO-8859-15, windows-1252, UTF-16LE, UTF-16BE, UTF-16 (its byte
 * order mark says which; little-endian without one, and written that way with one). A byte order
 * mark at the start is no part of the text. Bytes that are no character, and characters that the
 * encoding has not, are errors: nothing is replaced.
 *
 * Thread: one, each. Memory: iconv's own and a few bytes.
 */
#ifndef BUSBAR_RECODE_H
#define BUSBAR_RECODE_H

#include <busbar/message.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bb_recode;
/* 1 when the name, in upper or lower case, is one of the encodings above. */
int bb_recode_known(struct bb_bytes name);
/* from an encoding to UTF-8, or with write from UTF-8 to it. NULL with err: the name is not known,
 * or no memory. */
struct bb_recode *bb_recode_new(struct bb_bytes name, int write, struct bb_fault *err);
void bb_recode_free(struct bb_recode **r);
/* Appends chunk in the other encoding; a character may be cut between two chunks. last: there is
 * no more, and then it begins anew. -1: err->offset counts bytes given since the beginning. */
int bb_recode_put(struct bb_recode *r, struct bb_bytes chunk, int last, struct bb_buf *b,
                  struct bb_fault *err);
/* Bytes that a file in this encoding begins with ("" but for UTF-16), and those of a line's end. */
struct bb_bytes bb_recode_mark(const struct bb_recode *r);

#ifdef __cplusplus
}
#endif
#endif
