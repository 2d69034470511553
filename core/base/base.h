/*
 * base.h - log, time and a few small things that every part of the core needs
 *
 * Depends on nothing inside the project but the public status and log numbers. Thread: any.
 */
#ifndef BB_BASE_H
#define BB_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <busbar/connector.h> /* BB_LOG_ERROR .. BB_LOG_DEBUG */

struct bb_fault;

/* ---- log: lines on stderr ---------------------------------------------------------------------
 * "2026-01-31T08:15:00.123Z info text key=value", or a JSON object a line with BUSBAR_LOG=json.
 * BUSBAR_LOG_LEVEL: error, warn, info (default), debug. One write() a line, so that lines of
 * several processes do not mix; a line is cut at 4 KiB; control characters are escaped, so that
 * a plugin's or a peer's text cannot forge a line. Never give it a secret. */
void bb_logf(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* text, then pairs of key and value (const char *), then NULL. */
void bb_log_kv(int level, const char *text, ...) __attribute__((sentinel));
/* For the parts that take a log function: arg is a name shown as part=name, or NULL. */
void bb_log_sink(void *arg, int level, const char *text);
bool bb_log_on(int level);
/* "error", "warn", "info", "debug". */
const char *bb_log_level_name(int level);

/* ---- time ------------------------------------------------------------------------------------- */
int64_t bb_mono_ms(void);
uint64_t bb_mono_us(void);
uint64_t bb_wall_ms(void);
/* The axis of everything that is stored with a time and waited for: wall time as it was when first
 * asked, or the floor if that is later, and from then on the monotonic clock. A step of the wall
 * clock, either way, moves no retry and no retention; it is seen at the next start, and a step back
 * never puts new stamps before stored ones. */
uint64_t bb_axis_ms(void);
/* Before the first bb_axis_ms(): the newest stamp that is stored. Later calls change nothing. */
void bb_axis_floor(uint64_t ms);
/* The axis stands at ms from now on, until it is told the next: only for a rehearsal (core/rehearse),
 * where time goes from one event to the next. */
void bb_axis_hold(uint64_t ms);
/* "2026-01-31T08:15:00.123Z" and a NUL (25 bytes); out is returned. */
#define BB_TIME_TEXT 32
char *bb_time_text(uint64_t wall_ms, char out[BB_TIME_TEXT]);
/* "12 ms", "3.4 s", "5m 10s", "2h 3m", "4d 1h": for people. */
char *bb_span_text(uint64_t ms, char out[BB_TIME_TEXT]);
/* Bytes for people: "812 B", "3.4 MiB". */
char *bb_size_text(uint64_t bytes, char out[BB_TIME_TEXT]);

/* ---- small things ----------------------------------------------------------------------------- */
/* Fills err (may be NULL) at offset 0 and returns -1. */
int bb_fail(struct bb_fault *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A decimal number that is the whole of s: 0, or -1 (not one, too large). */
int bb_u64_parse(const char *s, uint64_t *out);
/* Whether the bytes are the text's, no more and no less. */
bool bb_bytes_are(struct bb_bytes b, const char *text);
/* Writes all of it, going on after EINTR and short writes: 0, or -1 with errno. */
int bb_write_all(int fd, const void *p, size_t n);
/* malloc()ed printf text, NULL without memory. */
char *bb_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The nearest of n names by edit distance, NULL when none is near: for "did you mean". */
const char *bb_nearest(const char *name, const char *const *names, size_t n);
/* mkdir -p with this mode for what is made: 0, or -1 with errno. */
int bb_mkdirs(const char *path, unsigned mode);

#endif
