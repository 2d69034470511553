/*
 * message.h - reading and building canonical messages
 *
 * A canonical message is a msgpack array of two, [attributes, data], the same bytes in memory, on
 * the wire and in the journal. attributes: a map from names to strings (or integers) with the
 * CloudEvents 1.0 names plus plant, item, revision, change. data: any value. A number that is
 * neither an int64 nor a uint64 is an ext type BB_EXT_DECIMAL that holds its JSON source text, so
 * 1.50 and 1.5 stay two things; floats, bin and other ext types are not canonical.
 *
 * The cursor reads msgpack in place and never past its end; nothing here allocates but bb_buf and,
 * for a map of more than 32 keys, the search for a duplicate (32 bytes a key, freed at once).
 * Thread: any; no function keeps state. Errors: 0 or -1 with err filled (err may be NULL).
 */
#ifndef BUSBAR_MESSAGE_H
#define BUSBAR_MESSAGE_H

#include <busbar/connector.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BB_EXT_DECIMAL 1      /* msgpack ext type: a number's source text, ASCII, RFC 8259 grammar */
#define BB_DEPTH_MAX 64       /* nesting of arrays and maps, a message's own array counted */
#define BB_ATTRIBUTES_MAX 64  /* entries in attributes */
#define BB_ATTRIBUTE_MAX 4096 /* bytes in one attribute's value */

/* What went wrong and at which byte of the input. */
struct bb_fault {
    size_t offset;
    char text[200]; /* "duplicate key \"id\"" */
};

/* ---- a growing buffer; its maximum is set once ------------------------------------------- */
struct bb_buf {
    uint8_t *ptr;
    size_t len, cap, max;
    int failed; /* sticky: no memory or past max; later writes do nothing */
};
void bb_buf_init(struct bb_buf *b, size_t max);
void bb_buf_free(struct bb_buf *b);
void bb_buf_reset(struct bb_buf *b); /* keeps the memory, clears failed */
/* Makes room for n more bytes; NULL when failed. The caller adds to len what it wrote. */
uint8_t *bb_buf_room(struct bb_buf *b, size_t n);
void bb_buf_put(struct bb_buf *b, const void *p, size_t n);

/* ---- building ------------------------------------------------------------------------------ */
void bb_put_nil(struct bb_buf *b);
void bb_put_bool(struct bb_buf *b, int v);
void bb_put_int(struct bb_buf *b, int64_t v);
void bb_put_uint(struct bb_buf *b, uint64_t v);
void bb_put_str(struct bb_buf *b, const char *s, size_t len);
void bb_put_cstr(struct bb_buf *b, const char *s);
void bb_put_bin(struct bb_buf *b, const void *p, size_t len); /* wire frames, never in a message */
/* A number by its text: an integer that fits becomes one. Fails b when text is not a number. */
void bb_put_decimal(struct bb_buf *b, const char *text, size_t len);
void bb_put_array(struct bb_buf *b, uint32_t n);
void bb_put_map(struct bb_buf *b, uint32_t n);
void bb_put_raw(struct bb_buf *b, struct bb_bytes value); /* bytes that are msgpack already */

/* ---- the cursor ------------------------------------------------------------------------------ */
/* BB_T_BIN and BB_T_FLOAT can be read (other people's frames) but are not canonical. */
#define BB_T_NIL 0
#define BB_T_BOOL 1
#define BB_T_INT 2  /* fits int64: i */
#define BB_T_UINT 3 /* above INT64_MAX: u */
#define BB_T_STR 4
#define BB_T_BIN 5
#define BB_T_DECIMAL 6 /* ext 1 */
#define BB_T_ARRAY 7   /* n elements follow */
#define BB_T_MAP 8     /* n pairs follow */
#define BB_T_FLOAT 9
#define BB_T_EXT 10 /* any other ext: i is its type */

struct bb_cur {
    const uint8_t *p, *end;
};
struct bb_tok {
    uint32_t kind;
    uint32_t n; /* elements or pairs */
    int64_t i;
    uint64_t u;
    double f;
    struct bb_bytes s; /* str, bin, decimal text, ext payload: points into the input */
};
static inline struct bb_cur bb_cur_of(struct bb_bytes b)
{
    struct bb_cur c = {(const uint8_t *)b.ptr, (const uint8_t *)b.ptr};
    if (b.len)
        c.end += b.len;
    return c;
}
/* Reads one token. 0, or -1 at the end, on a truncated token or on a count that the bytes left
 * cannot hold. */
int bb_cur_next(struct bb_cur *c, struct bb_tok *t);
/* Skips one whole value, however deep; 0 or -1. Constant stack. */
int bb_cur_skip(struct bb_cur *c);
/* Skips one whole value and gives its bytes. */
int bb_cur_value(struct bb_cur *c, struct bb_bytes *value);
/* Finds key in the map that starts at value: 1 found (*out its value), 0 not there, -1 not a map. */
int bb_map_get(struct bb_bytes value, const char *key, struct bb_bytes *out);
/* RFC 6901 pointer on a value: 1 found, 0 not there, -1 bad pointer or bad bytes. "" is the whole. */
int bb_pointer_get(struct bb_bytes value, const char *pointer, struct bb_bytes *out);
/* Typed readers of a single value: 1 read, 0 another kind. */
int bb_as_str(struct bb_bytes value, struct bb_bytes *out);
int bb_as_int(struct bb_bytes value, int64_t *out);
int bb_as_bool(struct bb_bytes value, int *out);

/* ---- the envelope ---------------------------------------------------------------------------- */
struct bb_envelope { /* absent attributes have ptr NULL; all point into the message */
    struct bb_bytes specversion, id, source, type, subject, time, dataschema, datacontenttype;
    struct bb_bytes partitionkey, traceparent, correlationid, causationid;
    struct bb_bytes plant, item, revision, change;
    struct bb_bytes attributes; /* the whole map */
    struct bb_bytes data;
};
/* Reads the envelope: array of two, attributes a map of valid names ([a-z0-9]{1,20}, not "data")
 * without duplicates, values strings (UTF-8, nothing below U+0020) or integers, the names above
 * strings; specversion "1.0", id, source and type present and not empty. Looks at data only as far as its end: it must be one value that
 * ends the bytes. */
int bb_envelope_read(struct bb_bytes whole, struct bb_envelope *e, struct bb_fault *err);
/* Any attribute by name (a string): 1, 0. */
int bb_envelope_get(const struct bb_envelope *e, const char *name, struct bb_bytes *out);
/* Writes [attributes, data] from e's members (attributes ignored). No specversion: "1.0"; no data:
 * nil. Fails b when data is not one value. */
void bb_envelope_put(struct bb_buf *b, const struct bb_envelope *e);

/* Checks every byte of one value: canonical kinds only, UTF-8, decimals' grammar, depth, string
 * keys, no duplicate key in a map, no decimal that an integer could hold, nothing after it. Heads
 * wider than needed are allowed. */
int bb_value_check(struct bb_bytes value, struct bb_fault *err);
/* bb_envelope_read and bb_value_check of data in one pass. */
int bb_message_check(struct bb_bytes whole, struct bb_fault *err);

/* An id that sorts by time (UUIDv7, 36 characters and a NUL). */
void bb_id_make(char out[37]);
/* Now as RFC 3339 with nanoseconds, "2026-01-31T08:15:00.123456789Z" and a NUL. */
void bb_time_now(char out[40]);

#ifdef __cplusplus
}
#endif
#endif
