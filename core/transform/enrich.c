/*
 * enrich.c - the step that asks another endpoint and puts the answer into the message
 *
 *   enrich: {from: plm, query: item, with: {number: /data/item}, into: /data/master,
 *            timeout: 5s, cache: {ttl: 10m, max: 1000}, on_failure: retry}
 *
 * The request's data is a map of what `with` names. A failure is one of two: the question is refused for
 * good (the message then fails, or gets the default), or there is no answer now (on_failure says). The
 * answer may be another one tomorrow, so the step is not pure: what it made is kept before it is sent.
 *
 * Thread: compile() one at a time; apply() any, it may block in the run's ask().
 * Ownership: a compiled step owns its texts, paths and default.
 */
#include "core/transform/map/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <busbar/plugin.h> /* bb_duration_read() */

#define WITH_MAX 64
#define NAME_MAX_LEN 64 /* with its NUL, as in the manifest's queries */
#define TIMEOUT_MS 5000
#define TIMEOUT_MAX_MS 600000
#define TTL_MAX_MS (30ll * 86400000)
#define CACHE_MAX 100000
#define CACHE_DEFAULT 1000
#define REQUEST_MAX (1u << 20)

enum policy { ON_RETRY, ON_QUARANTINE, ON_DEFAULT };
struct with {
    char *name;
    struct bb_path path;
};
struct enrich {
    char from[NAME_MAX_LEN], op[NAME_MAX_LEN];
    struct with *with;
    uint32_t n;
    struct bb_path into;
    int64_t timeout_ms, ttl_ms;
    uint32_t max;
    enum policy policy;
    struct bb_bytes fallback;
};

/* ---- reading ------------------------------------------------------------------------------------------ */
static int name_read(struct bb_compile *c, struct bb_bytes v, char out[NAME_MAX_LEN], const char *what)
{
    struct bb_bytes s;

    if (bb_as_str(v, &s) != 1 || s.len == 0 || s.len >= NAME_MAX_LEN || memchr(s.ptr, 0, s.len))
        return bb_compile_say(c, "must be the name of %s", what);
    memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    return 0;
}

static int path_at(struct bb_compile *c, struct bb_bytes v, struct bb_path *path)
{
    struct bb_fault why = {0, ""};
    struct bb_bytes s;

    if (bb_as_str(v, &s) != 1)
        return bb_compile_say(c, "must be a pointer, such as /data/item, not %s", bb_kind_of(v));
    if (bb_path_compile(s, path, &why) != 0)
        return bb_compile_say(c, "%s", why.text);
    if (path->root == BB_ROOT_ENTRY)
        return bb_compile_say(c, "a pointer starts with /data or /attributes here, not \"%s\"", path->pointer);
    return 0;
}

static int with_read(struct bb_compile *c, struct bb_bytes v, struct enrich *e)
{
    struct bb_bytes key, val;
    struct bb_cur cur;
    uint32_t n;
    int rc = 0;

    if (!bb_group_of(v, BB_T_MAP, &cur, &n))
        return bb_compile_say(c, "takes a map of pointers, such as {number: /data/item}");
    if (n > WITH_MAX)
        return bb_compile_say(c, "at most %d values can be handed over", WITH_MAX);
    e->with = calloc(n + 1, sizeof *e->with);
    if (!e->with)
        return bb_compile_say(c, "out of memory");
    for (; n && bb_pair_next(&cur, &key, &val) == 0; n--) {
        struct with *w = &e->with[e->n++];

        w->name = bb_str_dup(key);
        bb_compile_down(c, key);
        rc |= w->name ? path_at(c, val, &w->path) : bb_compile_say(c, "must be a name without NUL");
        bb_compile_up(c);
    }
    return rc ? -1 : 0;
}

static int into_read(struct bb_compile *c, struct bb_bytes v, struct enrich *e)
{
    if (path_at(c, v, &e->into) != 0)
        return -1;
    if (e->into.root != BB_ROOT_DATA || e->into.n == 0)
        return bb_compile_say(c, "the answer goes below /data, such as /data/master, not to \"%s\"",
                              e->into.pointer);
    return 0;
}

static int span_read(struct bb_compile *c, struct bb_bytes v, int64_t max, int64_t *ms)
{
    struct bb_bytes s;
    char most[32];

    bb_duration_write(max, most);
    if (bb_as_str(v, &s) != 1 || bb_duration_read(s, ms) != 0 || *ms <= 0 || *ms > max)
        return bb_compile_say(c, "must be a time with its unit, such as 5s, at most %s", most);
    return 0;
}

static int timeout_read(struct bb_compile *c, struct bb_bytes v, struct enrich *e)
{
    return span_read(c, v, TIMEOUT_MAX_MS, &e->timeout_ms);
}

static int ttl_read(struct bb_compile *c, struct bb_bytes v, struct enrich *e)
{
    return span_read(c, v, TTL_MAX_MS, &e->ttl_ms);
}

static int max_read(struct bb_compile *c, struct bb_bytes v, struct enrich *e)
{
    int64_t n;

    if (bb_as_int(v, &n) != 1 || n < 1 || n > CACHE_MAX)
        return bb_compile_say(c, "must be a number of answers, 1 to %d", CACHE_MAX);
    e->max = (uint32_t)n;
    return 0;
}

static int from_read(struct bb_compile *c, struct bb_bytes v, struct enrich *e)
{
    return name_read(c, v, e->from, "an endpoint");
}

static int query_read(struct bb_compile *c, struct bb_bytes v, struct enrich *e)
{
    return name_read(c, v, e->op, "a query that the endpoint's connector lists");
}

static int failure_read(struct bb_compile *c, struct bb_bytes v, struct enrich *e)
{
    static const char *const words[] = {"retry", "quarantine"};
    struct bb_bytes s, key, val;
    uint32_t k;
    void *p;

    if (bb_as_str(v, &s) == 1) {
        k = bb_word_of(s, words, 2);
        if (k == 2)
            return bb_compile_unknown(c, "policy", s, words, 2);
        e->policy = k == 0 ? ON_RETRY : ON_QUARANTINE;
        return 0;
    }
    if (!bb_one_pair(v, &key, &val) || !bb_bytes_are(key, "default"))
        return bb_compile_say(c, "must be retry, quarantine, or {default: value}");
    if (bb_value_check(val, NULL) != 0)
        return bb_compile_say(c, "the default is no value that a message can hold");
    p = malloc(val.len);
    if (!p)
        return bb_compile_say(c, "out of memory");
    memcpy(p, val.ptr, val.len);
    e->fallback = (struct bb_bytes){p, val.len};
    e->policy = ON_DEFAULT;
    return 0;
}

static int cache_read(struct bb_compile *c, struct bb_bytes v, struct enrich *e);

struct option {
    const char *name;
    int (*read)(struct bb_compile *c, struct bb_bytes v, struct enrich *e);
    bool needed;
};
static const struct option options[] = {
    {"from", from_read, true},        {"query", query_read, true},   {"into", into_read, true},
    {"with", with_read, false},       {"timeout", timeout_read, false}, {"cache", cache_read, false},
    {"on_failure", failure_read, false}};
static const struct option cache_options[] = {{"ttl", ttl_read, true}, {"max", max_read, false}};
#define OPTIONS (sizeof options / sizeof options[0])
#define CACHE_OPTIONS (sizeof cache_options / sizeof cache_options[0])

static int options_read(struct bb_compile *c, struct bb_bytes v, struct enrich *e, const struct option *o,
                        uint32_t n_options, const char *what)
{
    const char *names[OPTIONS];
    struct bb_bytes key, val;
    uint32_t n, k, seen = 0;
    struct bb_cur cur;
    int rc = 0;

    if (!bb_group_of(v, BB_T_MAP, &cur, &n))
        return bb_compile_say(c, "%s", what);
    for (k = 0; k < n_options; k++)
        names[k] = o[k].name;
    for (; n && bb_pair_next(&cur, &key, &val) == 0; n--) {
        k = bb_word_of(key, names, n_options);
        bb_compile_down(c, key);
        if (k == n_options)
            rc |= bb_compile_unknown(c, "option", key, names, n_options);
        else if (seen & 1u << k)
            rc |= bb_compile_say(c, "given twice");
        else
            rc |= o[k].read(c, val, e);
        if (k < n_options)
            seen |= 1u << k;
        bb_compile_up(c);
    }
    for (k = 0; k < n_options; k++)
        if (o[k].needed && !(seen & 1u << k))
            rc = bb_compile_say(c, "\"%s\" is missing", o[k].name);
    return rc ? -1 : 0;
}

static int cache_read(struct bb_compile *c, struct bb_bytes v, struct enrich *e)
{
    e->max = CACHE_DEFAULT;
    return options_read(c, v, e, cache_options, CACHE_OPTIONS,
                        "takes {ttl: 10m, max: 1000}: how long an answer may serve again, and how many");
}

static void enrich_free(void *self)
{
    struct enrich *e = self;

    if (!e)
        return;
    for (uint32_t k = 0; k < e->n; k++) {
        free(e->with[k].name);
        bb_path_free(&e->with[k].path);
    }
    free(e->with);
    bb_path_free(&e->into);
    free((void *)(uintptr_t)e->fallback.ptr);
    free(e);
}

static int enrich_compile(struct bb_compile *c, struct bb_bytes config, void **self)
{
    struct enrich *e = calloc(1, sizeof *e);
    const char *key = "from";
    struct bb_fault why = {0, ""};

    *self = e;
    if (!e)
        return bb_compile_say(c, "out of memory");
    e->timeout_ms = TIMEOUT_MS;
    if (options_read(c, config, e, options, OPTIONS,
                     "enrich takes a map, such as {from: plm, query: item, with: {number: /data/item}, "
                     "into: /data/master}") != 0)
        return -1;
    if (c->source->query && c->source->query(c->source->arg, c->step, e->from, e->op, &key, &why) != 0)
        return bb_compile_say_at(c, key, "%s", why.text);
    return 0;
}

/* ---- one message ---------------------------------------------------------------------------------------- */
/* {name: value, ...} into data. */
static bb_status request_data(const struct enrich *e, struct bb_apply *a, const struct bb_envelope *env,
                              struct bb_buf *data)
{
    struct bb_bytes v;

    bb_put_map(data, e->n);
    for (uint32_t k = 0; k < e->n; k++) {
        const struct bb_path *p = &e->with[k].path;
        bool attribute = p->root == BB_ROOT_ATTRIBUTES;
        const char *rest = p->pointer + (attribute ? sizeof "/attributes" : sizeof "/data") - 1;

        if (bb_pointer_get(attribute ? env->attributes : env->data, rest, &v) != 1)
            return bb_apply_reject(a, "enrich", "step %u (enrich): no value at %s, which query \"%s\" is to get",
                                   a->step, p->pointer, e->op);
        bb_put_cstr(data, e->with[k].name);
        bb_put_raw(data, v);
    }
    if (data->failed)
        return bb_apply_reject(a, "enrich", "step %u (enrich): what query \"%s\" is to get is larger than %u bytes",
                               a->step, e->op, REQUEST_MAX);
    return BB_OK;
}

static bb_status failed(const struct enrich *e, struct bb_apply *a, bb_status s, const char *why)
{
    if (s == BB_E_REJECT || s == BB_E_UNSUP || e->policy == ON_QUARANTINE)
        return bb_apply_reject(a, "enrich", "step %u (enrich): endpoint \"%s\", query \"%s\": %s", a->step,
                               e->from, e->op, why);
    bb_fail(a->err, "step %u (enrich): endpoint \"%s\", query \"%s\": %s", a->step, e->from, e->op, why);
    return BB_E_RETRY;
}

static bb_status ask(const struct enrich *e, struct bb_apply *a, const struct bb_envelope *env,
                     struct bb_buf *answer)
{
    struct bb_envelope req = {.id = env->id, .source = env->source, .type = {e->op, strlen(e->op)},
                              .correlationid = env->correlationid, .traceparent = env->traceparent};
    struct bb_question q = {.endpoint = e->from, .op = e->op, .timeout_ms = (uint64_t)e->timeout_ms,
                            .ttl_ms = (uint64_t)e->ttl_ms, .max = e->max};
    struct bb_fault why = {0, "nobody can be asked here"};
    struct bb_buf data, whole;
    bb_status s;

    bb_buf_init(&data, REQUEST_MAX);
    bb_buf_init(&whole, REQUEST_MAX + BB_ATTRIBUTES_MAX * (size_t)BB_ATTRIBUTE_MAX);
    s = request_data(e, a, env, &data);
    if (s == BB_OK) {
        req.data = q.key = (struct bb_bytes){data.ptr, data.len};
        bb_envelope_put(&whole, &req);
        q.request = (struct bb_bytes){whole.ptr, whole.len};
        s = whole.failed || !a->run->ask ? BB_E_UNSUP : a->run->ask(a->run->arg, &q, answer, &why);
        if (s == BB_OK && answer->len == 1 && answer->ptr[0] == 0xc0) {
            s = BB_E_REJECT;
            bb_fail(&why, "it knows nothing of it");
        }
        if (s != BB_OK && e->policy == ON_DEFAULT) {
            bb_buf_reset(answer);
            bb_put_raw(answer, e->fallback);
            s = BB_OK;
        } else if (s != BB_OK) {
            s = failed(e, a, s, why.text);
        }
    }
    bb_buf_free(&data);
    bb_buf_free(&whole);
    return s;
}

/* The message with value at into. */
static bb_status put(const struct enrich *e, struct bb_apply *a, const struct bb_envelope *env,
                     struct bb_bytes value, struct bb_buf *out)
{
    struct bb_span data = {0}, *to;
    size_t start = out->len, data_at;
    const char *why = NULL;
    struct bb_level level;

    bb_level_init(&level, out->max);
    bb_span_set(&data, env->data);
    to = bb_span_make(&level, &data, &e->into);
    if (to) {
        bb_span_set(to, value);
        bb_put_array(out, 2);
        bb_put_raw(out, env->attributes);
        data_at = out->len;
        if (bb_span_write(&data, 1, out) != 0 ||
            (!out->failed &&
             bb_value_check((struct bb_bytes){out->ptr + data_at, out->len - data_at}, NULL) != 0))
            why = "the new message is nested deeper than 64 levels";
        if (out->failed)
            why = "the new message is larger than the largest that is allowed, or memory is short";
    } else {
        why = level.why;
    }
    bb_level_free(&level);
    if (!why)
        return BB_OK;
    out->len = start;
    return bb_apply_reject(a, "enrich", "step %u (enrich): %s at %s", a->step, why, e->into.pointer);
}

static bb_status enrich_apply(const void *self, struct bb_apply *a, struct bb_bytes whole,
                              struct bb_buf *out)
{
    const struct enrich *e = self;
    struct bb_fault why = {0, ""};
    struct bb_envelope env;
    struct bb_buf answer;
    bb_status s;

    if (bb_envelope_read(whole, &env, &why) != 0)
        return bb_apply_reject(a, "enrich", "step %u (enrich): %s", a->step, why.text);
    bb_buf_init(&answer, out->max);
    s = ask(e, a, &env, &answer);
    if (s == BB_OK)
        s = put(e, a, &env, (struct bb_bytes){answer.ptr, answer.len}, out);
    bb_buf_free(&answer);
    return s;
}

const struct bb_step_ops bb_step_enrich = {
    .name = "enrich", .pure = false, .compile = enrich_compile, .apply = enrich_apply, .free = enrich_free};
