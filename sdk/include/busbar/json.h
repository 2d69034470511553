/*
 * json.h - JSON to canonical msgpack and back, exactly
 *
 * The grammar is RFC 8259's, strictly: UTF-8 is checked, escapes are decoded (a lone surrogate is
 * an error), duplicate keys, trailing bytes, a byte order mark and depth past BB_DEPTH_MAX are
 * errors with their byte offset. An integer that fits int64 or uint64 becomes one; every other
 * number (also -0) keeps its text as a decimal and is written back as it was read; a decimal's
 * text is at most 4096 bytes, a JSON text 2 GiB. The same JSON always gives the same bytes.
 *
 * Thread: any. Memory: the bb_buf given and, for a map of more than 32 keys, 32 bytes a key while
 * it is read. Errors: 0, or -1 with err filled and b as it was.
 */
#ifndef BUSBAR_JSON_H
#define BUSBAR_JSON_H

#include <busbar/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One JSON text, whole, to one msgpack value appended to b. */
int bb_json_read(struct bb_bytes json, struct bb_buf *b, struct bb_fault *err);
/* One JSON value at the start of json; *used says how many bytes it took (for streams and
 * arrays read piece by piece). -1 with err->offset == json.len when more input could complete it;
 * a bare number that reaches the end may go on too: append a space when there is no more. */
int bb_json_read_prefix(struct bb_bytes json, size_t *used, struct bb_buf *b, struct bb_fault *err);
/* One msgpack value to compact JSON text appended to b. -1 on bytes that are not canonical (but
 * duplicate keys are not looked for: bb_value_check does). */
int bb_json_write(struct bb_bytes value, struct bb_buf *b, struct bb_fault *err);
/* The same, indented by two spaces for people. */
int bb_json_write_pretty(struct bb_bytes value, struct bb_buf *b, struct bb_fault *err);
/* A string as a quoted JSON string; bytes that are not UTF-8 become U+FFFD. */
void bb_json_write_str(struct bb_buf *b, const char *s, size_t len);

/* A CloudEvents 1.0 event in JSON structured mode to a whole canonical message and back. Context
 * attributes become attributes; "data" becomes data (nil when absent, and left out when nil); an
 * attribute that is null is absent; "data_base64" is refused. Offsets are those of the JSON.
 * Attribute values that are JSON integers or booleans stay integers or become "true"/"false". */
int bb_event_read(struct bb_bytes json, struct bb_buf *b, struct bb_fault *err);
int bb_event_write(struct bb_bytes whole, struct bb_buf *b, struct bb_fault *err);

#ifdef __cplusplus
}
#endif
#endif
