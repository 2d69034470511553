/*
 * file.h - what the files of the file connector share
 *
 * One instance is a source (a watched folder), a sink (a file that grows), or both. Everything runs
 * on the instance's own thread: the folder's inotify descriptor is waited for through busbar.wait/1.
 *
 * Ownership: the instance owns everything; config strings are copies.
 */
#ifndef FILE_FILE_H
#define FILE_FILE_H

#include <busbar/csv.h>
#include <busbar/json.h>
#include <busbar/plugin.h>
#include <busbar/recode.h>
#include <busbar/xml.h>
#include <stdbool.h>
#include <sys/types.h>

#define FORMAT_JSON 0
#define FORMAT_JSONL 1
#define FORMAT_CSV 2
#define FORMAT_EVENTS 3
#define FORMAT_XML 4
#define CONTENT_EVENT 0
#define CONTENT_DATA 1
#define CONTENT_CSV 2
#define CONTENT_XML 3

#define FIELDS 13      /* attributes that config may set */
#define COLUMNS_MAX 256
#define NAMES_MAX 1024   /* columns that a table may have */
#define STACK_MAX 32   /* segments of `records` */
#define NAME_LEN 256   /* a file's name and its NUL */

/* ---- config.c --------------------------------------------------------------------------------- */
struct field {       /* one attribute: constant text, or what the record has at pointer */
    char *text;      /* NULL: not constant */
    char *pointer;   /* NULL: not from the record */
    char *prefix;    /* before what pointer gives; "" */
};
struct column {
    char *name, *pointer;
};
struct config {
    /* source */
    char *directory, *pattern, *records;
    uint32_t format, batch;
    size_t max_record;
    bool skip_bad;
    int64_t retry_ms;
    struct bb_csv_options csv; /* names below */
    struct bb_bytes names[NAMES_MAX], decimals[NAMES_MAX]; /* end with a NUL */
    uint32_t n_decimals;
    char decimal_sign;
    char *encoding; /* of tables */
    struct bb_xml_map *xml;
    char *xml_record; /* its path; NULL: no XML */
    struct field fields[FIELDS];
    /* sink */
    char *path;
    uint32_t content, keys;
    bool array; /* one JSON array that is closed after each write, not lines */
    uint64_t rotate; /* bytes, 0: never */
    struct column columns[COLUMNS_MAX];
    uint32_t n_columns;
};
/* Reads and checks what the schema cannot say. 0, or -1 with err naming the key and the way out. */
int config_read(struct bb_bytes conf, uint32_t roles, struct config *c, struct bb_error *err);
void config_free(struct config *c);
extern const char *const field_names[FIELDS];
/* dialect.c: the keys csv, xml and delimiter. */
int dialect_read(struct bb_bytes conf, struct config *c, struct bb_error *err);
void dialect_free(struct config *c);
#define FIELD_ID 0
#define FIELD_SOURCE 1
#define FIELD_TYPE 2

/* ---- reader.c: records out of one open file, in bounded memory --------------------------------- */
struct place {       /* between two records */
    uint64_t offset; /* bytes */
    uint64_t record; /* how many came before */
    uint64_t line;   /* of offset, from 1 */
    char stack[STACK_MAX + 1]; /* json: the brackets open around the records, "{[" */
};
struct bad { /* why a record is not one */
    char text[256];
    uint64_t line, offset;
    bool go_on;  /* the record after it can be read */
    bool system; /* the file could not be read at all: errno's text, try again later */
};
struct reader {
    const struct config *c;
    int fd;
    struct place at; /* after the last record given */
    uint8_t *window; /* bytes [base, base + len) of the file; start: those used up */
    size_t start, len, cap;
    uint64_t base;
    bool eof, begun, ended;
    /* stream.c */
    struct bb_csv csv;
    bool csv_open;
    bool decimal[NAMES_MAX]; /* columns that are numbers */
    struct bb_xml *xml;
    struct bb_recode *recode;  /* NULL: the bytes are UTF-8 */
    struct bb_buf text;        /* recoded */
    struct bb_bytes chunk;
    size_t chunk_at;
    struct bb_fault undecoded; /* what is wrong behind the chunk; "" nothing */
};
/* from NULL: at the start. 0, -1 with bad. */
int reader_open(struct reader *r, const struct config *c, int fd, const struct place *from,
                struct bad *bad);
/* Appends the next record's value (events: the whole message) to b: 1, 0 at the end, -1 bad. */
int reader_next(struct reader *r, struct bb_buf *b, struct bad *bad);
void reader_close(struct reader *r);
/* json.c */
int reader_json_next(struct reader *r, struct bb_buf *b, struct bad *bad);
/* stream.c */
int stream_open(struct reader *r, struct bad *bad);
void stream_close(struct reader *r);
int stream_csv_next(struct reader *r, struct bb_buf *b, struct bad *bad);
int stream_xml_next(struct reader *r, struct bb_buf *b, struct bad *bad);
/* Helpers that they use. */
int reader_fill(struct reader *r, struct bad *bad); /* more bytes: 1, 0 end of file, -1 */
void reader_use(struct reader *r, size_t n);        /* n bytes are done with; counts lines */
int reader_bad(struct reader *r, struct bad *bad, size_t ahead, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- record.c ---------------------------------------------------------------------------------- */
struct origin {
    const char *endpoint, *file, *time; /* time: of the file, so that a re-read gives the same bytes */
};
/* Wraps a record's value into a message at the end of b: 0, -1 with why (which field). */
int record_message(const struct config *c, const struct origin *o, uint64_t record,
                   struct bb_bytes value, struct bb_buf *b, char *why, size_t cap);

/* ---- folder.c ---------------------------------------------------------------------------------- */
struct folder {
    int dir, done, failed; /* descriptors; -1 */
    int inotify;
    bool look;             /* something may have changed since the last look */
    bool told_odd;         /* odd entries were logged once */
    char (*names)[NAME_LEN]; /* the first ones in name order */
    uint32_t n, next;
    char after[NAME_LEN];    /* the window holds names behind this one */
};
#define FOLDER_WINDOW 128
/* Makes what is missing: 0, -1 with err. */
int folder_open(struct folder *f, const char *directory, struct bb_error *err);
void folder_close(struct folder *f);
/* Takes the notices from inotify. */
void folder_notices(struct folder *f);
/* The next name in order: 1, 0 none, -1 the folder cannot be read (errno). */
int folder_next(struct folder *f, const struct config *c, const struct bb_ctx *ctx, char *name);
#define TAKE_OK 0
#define TAKE_OPEN 1   /* someone still writes it */
#define TAKE_GONE 2
#define TAKE_DENIED 3 /* errno */
#define TAKE_LATER 4  /* errno: no descriptors, no memory */
int folder_take(struct folder *f, const char *name, int *fd);
/* Moves name to done/, or to failed/ beside NAME.error with text. Never overwrites. 0, -1 errno. */
int folder_done(struct folder *f, const char *name);
int folder_failed(struct folder *f, const char *name, const char *text);
/* A rename that never overwrites: name, or name with -2, -3 ... before its end. 0, -1 errno. */
int file_move(int from_dir, const char *name, int to_dir, const char *as, char *got, size_t cap);

/* ---- source.c ---------------------------------------------------------------------------------- */
struct source;
struct source *source_new(const struct bb_ctx *ctx, const struct config *c, const char *endpoint);
void source_free(struct source **sp);
bb_status source_start(struct source *s, struct bb_error *err);
void source_stop(struct source *s);
void source_acked(struct source *s, uint64_t cookie, bb_status st, const struct bb_receipt *r);
void source_resume(struct source *s);
int source_fd(const struct source *s);
/* Does what can be done now, a batch at most; ms until it wants to be called again (-1: when its
 * descriptor or the host wakes it). */
int64_t source_work(struct source *s);
bb_status source_health(const struct source *s, struct bb_error *why);

/* ---- render.c ---------------------------------------------------------------------------------- */
struct render {
    const struct config *c;
    struct bb_recode *recode;     /* tables in another encoding */
    struct bb_buf text, row, end; /* end: what the last line ends with */
    struct bb_buf head, tail;     /* around all records of the file: an array's brackets, XML's root */
    struct bb_bytes element;      /* XML: what a record's one key must be; NULL: anything */
    bool first;                   /* nothing of this write is rendered yet */
};
/* 0, -1 with why. */
int render_open(struct render *r, const struct config *c, char *why, size_t cap);
void render_close(struct render *r);
/* What comes before the first record of a write. 0, -1 no memory. */
int render_lead(struct render *r, struct bb_buf *out, bool fresh, bool open_line);
/* Appends one message: 0, -1 with f (or out failed) and out as it was. */
int render_message(struct render *r, struct bb_bytes whole, struct bb_buf *out, struct bb_fault *f);

/* wrap.c: head, tail and element of XML. 0, -1 with why. */
int wrap_open(struct render *r, char *why, size_t cap);

/* ---- sink.c ------------------------------------------------------------------------------------ */
struct sink;
struct sink *sink_new(const struct bb_ctx *ctx, const struct config *c);
void sink_free(struct sink **sp);
bb_status sink_start(struct sink *s, struct bb_error *err);
bb_status sink_health(struct sink *s, struct bb_error *why); /* as its last opening went, or the next */
/* Appends the n messages as one write, in order; stops at the first that cannot be rendered. Sets
 * status and err for each. */
void sink_write(struct sink *s, const bb_msg *const *m, size_t n, bb_status *status,
                struct bb_error *err);
bb_status sink_probe(struct sink *s, const bb_msg *m, struct bb_error *err);
/* keys.c: the index of what was written, PATH.keys */
struct keys_group { /* one write to the file */
    uint64_t inode, offset, length, hash;
    uint64_t version; /* of the line: KEYS_VERSION, or 0 where a build before the mark wrote it */
};
#define KEYS_VERSION 1 /* changes with keys_hash() and with the form of a line */
/* Appends a line for each key, synced: 0, -1 errno and the index as it was (or *broken). */
int keys_append(int fd, const struct keys_group *g, const struct bb_bytes *keys, size_t n,
                bool *broken);
/* The last group and where its lines begin: 1, 0 none, -1 errno (ENOTSUP: a newer build's line). */
int keys_last(int fd, struct keys_group *g, uint64_t *begin);
/* The group that key was written with: 1, 0 none, -1 errno. */
int keys_find(int fd, struct bb_bytes key, struct keys_group *g);
/* Lines in the index: -1 errno. */
int64_t keys_count(int fd);
/* Rewrites the index with its last `keep` lines at dir/name; *fd is the new one. 0, -1 errno. */
int keys_trim(int dir, const char *name, int *fd, uint64_t keep);
uint64_t keys_hash(const void *p, size_t n, uint64_t h); /* h: 0 to begin; n: 8s until the last */

#endif
