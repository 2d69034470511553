/*
 * report.c - what did not hold, in words; faults; the run and its bounded memory
 *
 * An error's value is a scalar, cut short, or the size of a list or object: contents are never
 * shown, so a secret inside is not either. A scalar is not shown when a schema on the way to it
 * says writeOnly or password, when a property of such a name is on the way, or when such a schema
 * hangs on something that has no name.
 *
 * Scratch is one block that must not move while a check runs: when it is too small the check ends
 * with a fault of its own kind and is run again with more, up to the maximum.
 * Thread: the run's.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#define _GNU_SOURCE 1
#include "core/schema/internal.h"

#include <pcre2.h>
#include <stdarg.h>
#include <stdlib.h>

#define SCRATCH_FIRST 4096
#define SCRATCH_MAX ((size_t)16 << 20)
#define WORK 1000000
#define WORK_A_BYTE 64
#define TEXTS_MAX ((size_t)1 << 20)
#define MATCH_STEPS 50000
#define MATCH_DEPTH 2000
#define MATCH_HEAP_KB 1024
#define POINTER_TEXT_MAX 1000

/* ---- texts -------------------------------------------------------------------------------------- */
const char *bb_run_show(char *out, size_t cap, const uint8_t *p, const uint8_t *end)
{
    struct bb_cur c = {p, end};
    struct bb_tok t;
    char quoted[44];

    if (bb_cur_next(&c, &t) != 0)
        t.kind = BB_T_BAD;
    switch (t.kind) {
    case BB_T_NIL:
        snprintf(out, cap, "null");
        break;
    case BB_T_BOOL:
        snprintf(out, cap, "%s", t.i ? "true" : "false");
        break;
    case BB_T_INT:
        snprintf(out, cap, "%lld", (long long)t.i);
        break;
    case BB_T_UINT:
        snprintf(out, cap, "%llu", (unsigned long long)t.u);
        break;
    case BB_T_DECIMAL:
        snprintf(out, cap, "%s", bb_fault_quote(quoted, t.s.ptr, t.s.len));
        break;
    case BB_T_STR:
        snprintf(out, cap, "\"%s\"", bb_fault_quote(quoted, t.s.ptr, t.s.len));
        break;
    case BB_T_ARRAY:
        snprintf(out, cap, "an array of %u", t.n);
        break;
    case BB_T_MAP:
        snprintf(out, cap, "an object of %u", t.n);
        break;
    default:
        snprintf(out, cap, "?");
        break;
    }
    return out;
}

/* The pointer's text, written from its end. */
static char *pointer_text(struct bb_schema_run *r)
{
    char text[POINTER_TEXT_MAX], number[16];
    size_t at = sizeof(text), i;
    const struct bb_spath *s;
    bool cut = false;

    for (s = r->path; s && !cut; s = s->up) {
        const char *k = s->key.ptr;
        size_t n = s->key.len;
        if (!k) {
            n = (size_t)snprintf(number, sizeof(number), "%u", s->index);
            k = number;
        }
        if (n * 2 + 8 > at) {
            cut = true;
            break;
        }
        for (i = n; i--;) {
            bool esc = k[i] == '~' || k[i] == '/';
            text[--at] = k[i] == '~' ? '0' : k[i] == '/' ? '1' : k[i] ? k[i] : '?';
            if (esc)
                text[--at] = '~';
        }
        text[--at] = '/';
    }
    if (cut) {
        at -= 4;
        memcpy(text + at, "/...", 4);
    }
    return bb_sarena_text(&r->texts, text + at, sizeof(text) - at);
}

static bool secret(const struct bb_schema_run *r)
{
    const struct bb_spath *s;

    if (r->secret || r->s->all_secret)
        return true;
    for (s = r->s->has_secrets ? r->path : NULL; s; s = s->up)
        if (s->key.ptr && bb_stable_find(&r->s->secrets, s->key))
            return true;
    return false;
}

bool bb_run_fail(struct bb_schema_run *r, const struct bb_snode *n, const char *keyword,
                 const uint8_t *p, const char *fmt, ...)
{
    struct bb_schema_error *e;
    char text[512];
    va_list ap;

    if (!r->gather)
        return false;
    r->failed++;
    if (r->n_errors >= r->max_errors ||
        bb_grow(&r->errors, r->n_errors, &r->cap_errors, sizeof(*r->errors)) != 0)
        return true;
    e = &r->errors[r->n_errors++];
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    e->rule = bb_sarena_text(&r->texts, text, strlen(text));
    e->keyword = keyword;
    e->pointer = pointer_text(r);
    snprintf(text, sizeof(text), "%s%s%s", n->at, *keyword ? "/" : "", keyword);
    e->schema = bb_sarena_text(&r->texts, text, strlen(text));
    bb_run_show(text, sizeof(text), p, r->end);
    e->value = secret(r) ? "(not shown)" : bb_sarena_text(&r->texts, text, strlen(text));
    if (r->texts.failed)
        r->n_errors--;
    return true;
}

const void *bb_run_fault(struct bb_schema_run *r, const char *fmt, ...)
{
    va_list ap;

    if (!r->faulted) {
        va_start(ap, fmt);
        vsnprintf(r->fault, sizeof(r->fault), fmt, ap);
        va_end(ap);
    }
    r->faulted = true;
    return NULL;
}

bool bb_run_work(struct bb_schema_run *r, uint64_t steps)
{
    r->work -= (int64_t)steps;
    if (r->work > 0)
        return true;
    bb_run_fault(r, "checking takes too many steps: it was given up");
    return false;
}

void *bb_run_get(struct bb_schema_run *r, size_t n)
{
    uint8_t *p = r->scratch + r->scratch_used;

    n = (n + 15) & ~(size_t)15;
    if (n > r->scratch_cap - r->scratch_used) {
        if (!r->faulted)
            r->scratch_want = r->scratch_used + n;
        return (void *)(uintptr_t)bb_run_fault(
            r, "checking needs more than %zu bytes of memory: it was given up", r->scratch_max);
    }
    r->scratch_used += n;
    return memset(p, 0, n);
}

/* ---- a run -------------------------------------------------------------------------------------- */
struct bb_schema_run *bb_schema_run_new(size_t max)
{
    struct bb_schema_run *r = calloc(1, sizeof(*r));
    pcre2_match_context *context;

    if (!r)
        return NULL;
    r->scratch_max = max ? max : SCRATCH_MAX;
    r->scratch_cap = r->scratch_max < SCRATCH_FIRST ? r->scratch_max : SCRATCH_FIRST;
    r->scratch = malloc(r->scratch_cap);
    r->match = pcre2_match_data_create(1, NULL); /* only whether it matches is asked */
    r->context = context = pcre2_match_context_create(NULL);
    r->texts.max = TEXTS_MAX;
    if (!r->scratch || !r->match || !context) {
        bb_schema_run_free(&r);
        return NULL;
    }
    pcre2_set_match_limit(context, MATCH_STEPS);
    pcre2_set_depth_limit(context, MATCH_DEPTH);
    pcre2_set_heap_limit(context, MATCH_HEAP_KB);
    return r;
}

void bb_schema_run_free(struct bb_schema_run **run_p)
{
    struct bb_schema_run *r = *run_p;

    if (!r)
        return;
    *run_p = NULL;
    bb_sarena_free(&r->texts);
    free(r->errors);
    free(r->scratch);
    pcre2_match_data_free(r->match);
    pcre2_match_context_free(r->context);
    free(r);
}

void bb_schema_run_limit(struct bb_schema_run *run, uint64_t work)
{
    run->work_given = work < INT64_MAX / 2 ? work : INT64_MAX / 2;
}

static void texts_forget(struct bb_schema_run *r)
{
    bb_sarena_free(&r->texts);
    memset(&r->texts, 0, sizeof(r->texts));
    r->texts.max = TEXTS_MAX;
    r->n_errors = 0;
    r->failed = 0;
}

/* 1, 0, -1: one pass. */
static int pass(struct bb_schema_run *r, const struct bb_schema *s, struct bb_bytes value,
                bool gather)
{
    static const uint8_t nothing[1];
    const uint8_t *p = value.len ? value.ptr : nothing, *end;

    r->s = s;
    r->end = p + value.len;
    r->path = NULL;
    r->scope = NULL;
    r->frame = NULL;
    r->depth = r->secret = 0;
    r->faulted = false;
    r->scratch_used = r->scratch_want = 0;
    r->gather = gather;
    r->work = (int64_t)(r->work_given ? r->work_given : WORK) +
              (int64_t)value.len * WORK_A_BYTE;
    end = bb_node_check(r, s->root, p, NULL);
    if (end && end != r->end)
        bb_run_fault(r, "the bytes are no canonical value: %zu follow it", (size_t)(r->end - end));
    if (r->faulted)
        return -1;
    return end && !r->failed ? 1 : 0;
}

/* Room for what a pass asked for: doubled at least. */
static bool scratch_more(struct bb_schema_run *r)
{
    size_t want = r->scratch_cap * 2;
    uint8_t *p;

    if (!r->scratch_want || r->scratch_want > r->scratch_max)
        return false;
    want = want < r->scratch_want ? r->scratch_want : want;
    want = want > r->scratch_max ? r->scratch_max : want;
    p = malloc(want);
    if (!p)
        return false;
    free(r->scratch);
    r->scratch = p;
    r->scratch_cap = want;
    return true;
}

static int passes(struct bb_schema_run *r, const struct bb_schema *s, struct bb_bytes value,
                  bool gather)
{
    int rc;

    do {
        if (r->texts.total || r->n_errors)
            texts_forget(r);
        r->failed = 0;
        rc = pass(r, s, value, gather);
    } while (rc < 0 && scratch_more(r));
    return rc;
}

int bb_schema_valid(const struct bb_schema *schema, struct bb_bytes value,
                    struct bb_schema_run *run)
{
    return passes(run, schema, value, false);
}

int bb_schema_check(const struct bb_schema *schema, struct bb_bytes value,
                    struct bb_schema_run *run, size_t max)
{
    int rc = passes(run, schema, value, false);

    if (rc)
        return rc;
    run->max_errors = max ? max : BB_SCHEMA_ERRORS_MAX;
    return passes(run, schema, value, true);
}

const struct bb_schema_error *bb_schema_errors(const struct bb_schema_run *run, size_t *n,
                                               size_t *more)
{
    *n = run->n_errors;
    *more = run->failed - run->n_errors;
    return run->errors;
}

const char *bb_schema_fault(const struct bb_schema_run *run)
{
    return run->faulted ? run->fault : "";
}
