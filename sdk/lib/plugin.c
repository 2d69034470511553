/*
 * plugin.c - the friendly layer of a connector: config, errors, log, drafts, durations
 *
 * Thread: any, no state. Memory: what bb_*_dup and bb_conf_keep return is the caller's. Config comes
 * from the host and is trusted to be msgpack no further than the cursor checks it.
 */
#include <busbar/plugin.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int bb_str_copy(struct bb_bytes b, char *buf, size_t cap)
{
    if (b.len >= cap || (b.len && memchr(b.ptr, 0, b.len)))
        return -1;
    if (b.len)
        memcpy(buf, b.ptr, b.len);
    buf[b.len] = 0;
    return 0;
}

char *bb_str_dup(struct bb_bytes b)
{
    char *s = malloc(b.len + 1);
    if (s && bb_str_copy(b, s, b.len + 1) != 0) {
        free(s);
        return NULL;
    }
    return s;
}

/* ---- config ---------------------------------------------------------------------------------- */

int bb_conf_find(struct bb_bytes conf, const char *pointer, struct bb_bytes *out)
{
    struct bb_bytes v;
    struct bb_cur c;
    struct bb_tok t;
    if (bb_pointer_get(conf, pointer, &v) != 1)
        return 0;
    c = bb_cur_of(v);
    if (bb_cur_next(&c, &t) != 0 || t.kind == BB_T_NIL)
        return 0;
    *out = v;
    return 1;
}

int64_t bb_conf_int(struct bb_bytes conf, const char *pointer, int64_t def)
{
    struct bb_bytes v;
    int64_t i;
    return bb_conf_find(conf, pointer, &v) && bb_as_int(v, &i) == 1 ? i : def;
}

int bb_conf_bool(struct bb_bytes conf, const char *pointer, int def)
{
    struct bb_bytes v;
    int i;
    return bb_conf_find(conf, pointer, &v) && bb_as_bool(v, &i) == 1 ? i : def;
}

struct bb_bytes bb_conf_str(struct bb_bytes conf, const char *pointer, const char *def)
{
    struct bb_bytes v, s;
    return bb_conf_find(conf, pointer, &v) && bb_as_str(v, &s) == 1 ? s : bb_str(def);
}

char *bb_conf_dup(struct bb_bytes conf, const char *pointer, const char *def)
{
    struct bb_bytes s = bb_conf_str(conf, pointer, def);
    return s.ptr ? bb_str_dup(s) : NULL;
}

int bb_conf_keep(struct bb_bytes conf, struct bb_bytes *out)
{
    void *p = malloc(conf.len ? conf.len : 1);
    if (!p)
        return -1;
    if (conf.len)
        memcpy(p, conf.ptr, conf.len);
    out->ptr = p;
    out->len = conf.len;
    return 0;
}

bb_status bb_conf_secret(const struct bb_ctx *ctx, struct bb_bytes conf, const char *pointer,
                         char *buf, size_t cap, size_t *len, struct bb_error *err)
{
    struct bb_bytes h = bb_conf_str(conf, pointer, NULL);
    char handle[256];
    bb_status s;
    *len = 0;
    if (!h.ptr)
        return bb_error_set(err, BB_E_UNSUP, "config has no secret at %s", pointer);
    if (bb_str_copy(h, handle, sizeof handle) != 0)
        return bb_error_set(err, BB_E_BUG, "config %s: not a secret's handle", pointer);
    s = ctx->api->secret(ctx->host, handle, buf, cap, len);
    if (s == BB_E_BUSY)
        return bb_error_set(err, s, "the secret at %s is longer than %zu bytes", pointer, cap - 1);
    if (s != BB_OK)
        return bb_error_set(err, s, "the host has no secret for %s; it must be declared with "
                                    "format \"secret\" in the manifest", pointer);
    return BB_OK;
}

int bb_iter_of(struct bb_bytes value, struct bb_iter *it)
{
    struct bb_tok t;
    it->cur = bb_cur_of(value);
    it->left = it->n = 0;
    it->map = 0;
    if (bb_cur_next(&it->cur, &t) != 0 || (t.kind != BB_T_ARRAY && t.kind != BB_T_MAP))
        return 0;
    it->map = t.kind == BB_T_MAP;
    it->left = it->n = t.n;
    return 1;
}

int bb_iter_next(struct bb_iter *it, struct bb_bytes *key, struct bb_bytes *value)
{
    struct bb_bytes k = {NULL, 0};
    if (it->left == 0)
        return 0;
    if (it->map) {
        struct bb_bytes kv;
        if (bb_cur_value(&it->cur, &kv) != 0 || bb_as_str(kv, &k) != 1)
            goto bad;
    }
    if (bb_cur_value(&it->cur, value) != 0)
        goto bad;
    if (key)
        *key = k;
    it->left--;
    return 1;
bad:
    it->left = 0;
    return 0;
}

/* ---- errors and log -------------------------------------------------------------------------- */

/* Bytes of s that fit into n without cutting a UTF-8 character in two. */
static size_t utf8_cut(const char *s, size_t n)
{
    size_t len = strlen(s);
    if (len <= n)
        return len;
    while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    return n;
}

__attribute__((format(printf, 2, 0))) static void
error_text(struct bb_error *err, const char *fmt, va_list ap)
{
    char line[1024];
    size_t n;
    if (!err || err->size < offsetof(struct bb_error, text) + sizeof err->text)
        return;
    vsnprintf(line, sizeof line, fmt, ap);
    n = utf8_cut(line, sizeof err->text - 1);
    memcpy(err->text, line, n);
    err->text[n] = 0;
}

bb_status bb_error_set(struct bb_error *err, bb_status code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    error_text(err, fmt, ap);
    va_end(ap);
    return code;
}

void bb_error_vendor(struct bb_error *err, const char *vendor_code)
{
    size_t n;
    if (!err || err->size < offsetof(struct bb_error, vendor_code) + sizeof err->vendor_code)
        return;
    n = utf8_cut(vendor_code, sizeof err->vendor_code - 1);
    memcpy(err->vendor_code, vendor_code, n);
    err->vendor_code[n] = 0;
}

void bb_host_log(const struct bb_ctx *ctx, uint32_t level, const char *fmt, ...)
{
    char line[2048];
    va_list ap;
    if (!BB_HAS(ctx->api, log))
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    ctx->api->log(ctx->host, level, line, utf8_cut(line, sizeof line - 1), NULL);
}

void bb_host_done(const struct bb_ctx *ctx, bb_token t, bb_status s, const char *fmt, ...)
{
    struct bb_error err = bb_error_none();
    va_list ap;
    if (fmt) {
        va_start(ap, fmt);
        error_text(&err, fmt, ap);
        va_end(ap);
    }
    ctx->api->done(ctx->host, t, s, NULL, fmt ? &err : NULL);
}

/* ---- messages -------------------------------------------------------------------------------- */

void bb_draft_init(struct bb_draft *d, const char *source, const char *type)
{
    memset(d, 0, sizeof *d);
    bb_id_make(d->id);
    bb_time_now(d->time);
    d->e.specversion = bb_str("1.0");
    d->e.id = bb_str(d->id);
    d->e.time = bb_str(d->time);
    d->e.source = bb_str(source);
    d->e.type = bb_str(type);
}

int bb_draft_put(struct bb_draft *d, struct bb_buf *b)
{
    static const uint8_t nil = 0xc0;
    if (!d->e.data.ptr) {
        d->e.data.ptr = &nil;
        d->e.data.len = 1;
    }
    bb_envelope_put(b, &d->e);
    return b->failed ? -1 : 0;
}

/* ---- time ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
#define UNITS (sizeof units / sizeof units[0])

int bb_duration_read(struct bb_bytes text, int64_t *ms)
{
    const char *p = text.ptr, *end = p + text.len;
    int64_t sum = 0;
    size_t next = 0; /* units must come from the largest to the smallest */
    if (text.len == 1 && *p == '0') {
        *ms = 0;
        return 0;
    }
    if (text.len == 0)
        return -1;
    while (p < end) {
        int64_t v = 0, part;
        size_t n = 0, u;
        if (*p < '0' || *p > '9')
            return -1;
        for (; p < end && *p >= '0' && *p <= '9'; p++)
            if (__builtin_mul_overflow(v, (int64_t)10, &v) ||
                __builtin_add_overflow(v, (int64_t)(*p - '0'), &v))
                return -1;
        while (p + n < end && (p[n] < '0' || p[n] > '9'))
            n++;
        for (u = next; u < UNITS; u++)
            if (strlen(units[u].name) == n && memcmp(units[u].name, p, n) == 0)
                break;
        if (u == UNITS || __builtin_mul_overflow(v, units[u].ms, &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return -1;
        next = u + 1;
        p += n;
    }
    *ms = sum;
    return 0;
}

void bb_duration_write(int64_t ms, char out[32])
{
    size_t n = 0;
    if (ms <= 0) {
        snprintf(out, 32, "0");
        return;
    }
    for (size_t u = 0; u < UNITS && n < 31; u++) {
        int64_t v = ms / units[u].ms;
        if (v == 0)
            continue;
        ms -= v * units[u].ms;
        n += (size_t)snprintf(out + n, 32 - n, "%lld%s", (long long)v, units[u].name);
    }
}

int64_t bb_clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t bb_backoff_ms(uint32_t n, int64_t first, int64_t max)
{
    struct timespec ts;
    uint64_t x;
    int64_t ms = first;
    for (uint32_t k = 1; k < n && ms > 0 && ms < max; k++)
        ms = ms > max / 2 ? max : ms * 2;
    if (ms > max)
        ms = max;
    if (ms < 2)
        return ms;
    /* spreading needs no good randomness, only that two processes differ */
    clock_gettime(CLOCK_MONOTONIC, &ts);
    x = (uint64_t)ts.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)&ts;
    x ^= x >> 29;
    return ms - (int64_t)(x % (uint64_t)(ms / 2 + 1));
}

uint32_t bb_instance_roles(const struct bb_ctx *ctx)
{
    const struct bb_ext_instance *e = ctx->api->extension(ctx->host, BB_EXT_INSTANCE);
    struct bb_instance who = {.size = sizeof who, .roles = BB_ROLE_SOURCE | BB_ROLE_SINK | BB_ROLE_QUERY};

    if (e && BB_HAS(e, describe))
        e->describe(ctx->host, &who);
    return who.roles;
}
