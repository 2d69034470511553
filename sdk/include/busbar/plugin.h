/*
 * plugin.h - the friendly layer of a connector: config, errors, log, drafts of messages, durations
 *
 * All of it is static and hidden in the plugin; nothing here is part of the binary contract, so it
 * may change with the SDK while old binaries go on loading.
 *
 * Thread: any; no function keeps state. Memory: only what a comment says is yours to free.
 * Config is the msgpack map that create() was given, borrowed there: keep a copy with
 * bb_conf_keep(). Places in it are named by JSON pointer, "/auth/user"; "" is the whole.
 */
#ifndef BUSBAR_PLUGIN_H
#define BUSBAR_PLUGIN_H

#include <string.h>
#include <busbar/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The host's handle and its table, kept together: what create() was given. */
struct bb_ctx {
    bb_host *host;
    const struct bb_host_api *api;
};

/* ---- byte strings ---------------------------------------------------------------------------- */
static inline struct bb_bytes bb_str(const char *s) /* NULL gives {NULL, 0} */
{
    struct bb_bytes b = {s, s ? strlen(s) : 0};
    return b;
}
static inline int bb_str_is(struct bb_bytes b, const char *s) /* 1 equal, 0 not */
{
    return b.ptr && b.len == strlen(s) && memcmp(b.ptr, s, b.len) == 0;
}
/* Copies b into buf and ends it with NUL: 0, or -1 when it is too long or holds a NUL. */
int bb_str_copy(struct bb_bytes b, char *buf, size_t cap);
/* A NUL-terminated copy; yours to free. NULL when out of memory or b holds a NUL. */
char *bb_str_dup(struct bb_bytes b);

/* ---- config ---------------------------------------------------------------------------------- */
/* 1 there and not null (*out its msgpack value, points into conf), else 0. */
int bb_conf_find(struct bb_bytes conf, const char *pointer, struct bb_bytes *out);
/* The value there, or def when it is absent or of another kind (the host has checked the kind). */
int64_t bb_conf_int(struct bb_bytes conf, const char *pointer, int64_t def);
int bb_conf_bool(struct bb_bytes conf, const char *pointer, int def);
/* A string, points into conf or is def; not NUL-terminated. def may be NULL: {NULL, 0}. */
struct bb_bytes bb_conf_str(struct bb_bytes conf, const char *pointer, const char *def);
/* The same as a NUL-terminated copy, yours to free. NULL when there is none and def is NULL, when
 * it holds a NUL, or out of memory. */
char *bb_conf_dup(struct bb_bytes conf, const char *pointer, const char *def);
/* A copy of the whole map for the instance's life; free its ptr. 0, -1 out of memory. */
int bb_conf_keep(struct bb_bytes conf, struct bb_bytes *out);
/* The secret's value behind the handle at pointer, NUL-terminated in buf, *len set. UNSUP when the
 * config has none there. err (may be NULL) never holds the value. */
bb_status bb_conf_secret(const struct bb_ctx *ctx, struct bb_bytes conf, const char *pointer,
                         char *buf, size_t cap, size_t *len, struct bb_error *err);

/* Walks an array or a map: if (bb_iter_of(v, &it)) while (bb_iter_next(&it, &key, &value)) ... */
struct bb_iter {
    struct bb_cur cur;
    uint32_t left; /* elements or pairs not yet given */
    uint32_t n;    /* of all */
    int map;
};
/* 1 value is an array or a map, else 0. */
int bb_iter_of(struct bb_bytes value, struct bb_iter *it);
/* 1 gives the next (key is {NULL, 0} in an array; key may be NULL), 0 at the end or on bad bytes. */
int bb_iter_next(struct bb_iter *it, struct bb_bytes *key, struct bb_bytes *value);

/* ---- errors and log -------------------------------------------------------------------------- */
/* Fills err's text (cut at a character's border when too long) and returns code, so that a call can
 * say `return bb_error_set(err, BB_E_REJECT, "no plant %s", plant)`. err may be NULL. */
bb_status bb_error_set(struct bb_error *err, bb_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The system's own code beside the text, "M7/021". */
void bb_error_vendor(struct bb_error *err, const char *vendor_code);
/* A fresh, empty one. */
static inline struct bb_error bb_error_none(void)
{
    struct bb_error e;
    memset(&e, 0, sizeof e);
    e.size = (uint32_t)sizeof e;
    return e;
}
/* One line to the host's log; level is BB_LOG_*. Never give it a secret. */
void bb_host_log(const struct bb_ctx *ctx, uint32_t level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* done() with a text; err text only when fmt is not NULL. */
void bb_host_done(const struct bb_ctx *ctx, bb_token t, bb_status s, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* What the routes use this instance for (BB_ROLE_*); all of them where the host does not say. */
uint32_t bb_instance_roles(const struct bb_ctx *ctx);

/* ---- messages -------------------------------------------------------------------------------- */
/* An envelope with what every message needs: specversion, an id that sorts by time, time now,
 * source and type. Set more members of e, then e.data (msgpack), then bb_draft_put(). Its members
 * point into the draft: do not copy or move it. source and type are borrowed. */
struct bb_draft {
    struct bb_envelope e;
    char id[40], time[40];
};
void bb_draft_init(struct bb_draft *d, const char *source, const char *type);
/* Writes the whole message; data absent becomes nil. 0, or -1 when b failed. */
int bb_draft_put(struct bb_draft *d, struct bb_buf *b);

/* ---- time ------------------------------------------------------------------------------------ */
/* "500ms", "2m", "1h30m", "3d", "0" to milliseconds: 0, or -1 when it is not a duration. */
int bb_duration_read(struct bb_bytes text, int64_t *ms);
/* The shortest such text, "1h30m", with its NUL. */
void bb_duration_write(int64_t ms, char out[32]);
/* Milliseconds of a clock that never jumps. */
int64_t bb_clock_ms(void);
/* How long to wait before try n (1, 2, ...): first doubled each time, at most max, of which a
 * random half is taken off so that many do not come at once. */
int64_t bb_backoff_ms(uint32_t n, int64_t first, int64_t max);

#ifdef __cplusplus
}
#endif
#endif
