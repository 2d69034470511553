/*
 * faults.c - what an error of the system means for the message: by its code, then by HTTP
 *
 * HTTP statuses of such systems vary (a lock is 400 or 423, a duplicate 400 or 500), so a code's row goes
 * first: the config's (errors), then the rows here. Only then the status decides. A row's RETRY asserts
 * that nothing was applied: an error body with a code says that the call was rolled back. The shapes: V4
 * {error: {code, message, target, details}}, V2 {error: {code, message: {value}, innererror: {errordetails:
 * [{code, message}]}}} with the inner message a text or an object, and plain text.
 *
 * Thread: any. Memory: what a body's value takes, at most FAULT_BODY_MAX.
 */
#include <stdio.h>
#include <busbar/json.h>
#include "sap.h"

#define FAULT_BODY_MAX (256u << 10)

static const struct fault_rule builtin[] = {
    {"M3/024", BB_E_RETRY},  /* material locked by a user */
    {"BOM206", BB_E_RETRY},  /* BOM locked */
    {"BOM/206", BB_E_RETRY},
    {"M3/897", BB_E_RETRY},  /* plant data locked */
    {"CO/469", BB_E_RETRY},  /* order locked */
    {"MC/601", BB_E_RETRY},  /* object requested is locked */
    {"M7/021", BB_E_REJECT}, /* deficit of stock: a person must look */
    {"M7/053", BB_E_REJECT}, /* period closed */
    {"SQL/*", BB_E_REJECT},  /* the database says duplicate key, with a 500 */
    {"BOM/046", BB_E_REJECT},
    {"/IWBEP/CM_MGW_RT/038", BB_E_RETRY}, /* stale ETag: read again */
    {"/IWBEP/CM_V4_RT/002", BB_E_RETRY},
    {"/IWFND/MED/170", BB_E_CONFIG},      /* no such service */
    {"/IWFND/CM_MGW/096", BB_E_CONFIG},
};
static const struct {
    const char *name;
    bb_status status;
} words[] = {{"retry", BB_E_RETRY}, {"reject", BB_E_REJECT}, {"down", BB_E_DOWN},
             {"config", BB_E_CONFIG}, {"unknown", BB_E_UNKNOWN}};

int faults_read(struct bb_bytes conf, struct faults *out, struct bb_error *err)
{
    struct bb_iter it;
    struct bb_bytes map, k, v, s;

    if (!bb_conf_find(conf, "/errors", &map) || !bb_iter_of(map, &it))
        return 0;
    while (bb_iter_next(&it, &k, &v)) {
        struct fault_rule *r = &out->v[out->n];
        size_t w = 0;
        if (out->n == FAULT_RULES_MAX || bb_str_copy(k, r->code, sizeof r->code) != 0 || bb_as_str(v, &s) != 1) {
            bb_error_set(err, BB_E_CONFIG, "errors: at most %d codes of 39 characters with a word each", FAULT_RULES_MAX);
            return -1;
        }
        while (w < sizeof words / sizeof words[0] && !bb_str_is(s, words[w].name))
            w++;
        if (w == sizeof words / sizeof words[0]) {
            bb_error_set(err, BB_E_CONFIG, "errors: %s: retry, reject, down, config or unknown", r->code);
            return -1;
        }
        r->status = words[w].status;
        out->n++;
    }
    return 0;
}

static int row_fits(const struct fault_rule *r, const char *code)
{
    size_t n = strlen(r->code);

    return n && r->code[n - 1] == '*' ? strncmp(r->code, code, n - 1) == 0 : strcmp(r->code, code) == 0;
}

int fault_find(const struct faults *own, const char *code, bb_status *st)
{
    for (size_t k = 0; own && k < own->n; k++)
        if (row_fits(&own->v[k], code)) {
            *st = own->v[k].status;
            return 0;
        }
    for (size_t k = 0; k < sizeof builtin / sizeof builtin[0]; k++)
        if (row_fits(&builtin[k], code)) {
            *st = builtin[k].status;
            return 0;
        }
    return -1;
}

/* A text, or an object with "value" (V2 nests it so, some gateways once more). */
static int words_of(struct bb_bytes v, struct bb_bytes *out)
{
    struct bb_bytes in;

    for (int k = 0; k < 3; k++) {
        if (bb_as_str(v, out) == 1)
            return 1;
        if (bb_map_get(v, "value", &in) != 1)
            return 0;
        v = in;
    }
    return 0;
}

/* The first detail that says another code than the outer one: gateways wrap the real one. */
static void detail_of(struct bb_bytes error, struct bb_bytes *code, struct bb_bytes *text)
{
    struct bb_bytes list, one, v, s;
    struct bb_iter it;

    if (bb_pointer_get(error, "/innererror/errordetails", &list) != 1 && bb_map_get(error, "details", &list) != 1)
        return;
    if (!bb_iter_of(list, &it))
        return;
    while (bb_iter_next(&it, NULL, &one)) {
        if (bb_map_get(one, "code", &v) != 1 || bb_as_str(v, &s) != 1 || !s.len)
            continue;
        if (code->len && !(code->len > 7 && memcmp(code->ptr, "/IWBEP/", 7) == 0))
            return; /* the outer code is the application's own */
        *code = s;
        if (bb_map_get(one, "message", &v) == 1)
            (void)words_of(v, text);
        return;
    }
}

static void plain_text(struct bb_bytes body, struct bb_error *err)
{
    char line[160];
    size_t n = 0;

    for (size_t k = 0; k < body.len && n + 1 < sizeof line; k++) {
        uint8_t c = ((const uint8_t *)body.ptr)[k];
        if (c < ' ' || c >= 0x7f)
            c = ' ';
        if (c != ' ' || (n && line[n - 1] != ' '))
            line[n++] = (char)c;
    }
    line[n] = 0;
    bb_error_set(err, BB_E_REJECT, "%s", line);
}

int fault_body(struct bb_bytes body, struct bb_error *err)
{
    struct bb_bytes whole, error, v, code = {NULL, 0}, text = {NULL, 0};
    struct bb_buf b;
    char keep[32];

    bb_buf_init(&b, FAULT_BODY_MAX);
    if (!body.len || bb_json_read(body, &b, NULL) != 0) {
        bb_buf_free(&b);
        plain_text(body, err);
        return 0;
    }
    whole = (struct bb_bytes){b.ptr, b.len};
    if (bb_map_get(whole, "error", &error) == 1) {
        if (bb_map_get(error, "code", &v) == 1)
            (void)bb_as_str(v, &code);
        if (bb_map_get(error, "message", &v) == 1)
            (void)words_of(v, &text);
        detail_of(error, &code, &text);
    }
    bb_error_set(err, BB_E_REJECT, "%.*s", text.len > 200 ? 200 : (int)text.len, text.len ? (const char *)text.ptr : "");
    snprintf(keep, sizeof keep, "%.*s", (int)(code.len > 31 ? 31 : code.len), code.len ? (const char *)code.ptr : "");
    bb_error_vendor(err, keep);
    bb_buf_free(&b);
    return code.len > 0;
}

bb_status fault_judge(const struct faults *own, unsigned status, struct bb_bytes body, const struct bb_http_answer *a,
                      struct bb_error *err)
{
    struct bb_error said = bb_error_none();
    bb_status st = a && a->code == status ? a->outcome : bb_http_outcome(NULL, status, 0);
    int has_code = fault_body(body, &said);

    if (status >= BB_HTTP_E_LOCAL || (!has_code && !said.text[0])) {
        if (a)
            return bb_http_answer_error(a, err);
        bb_error_set(err, st, "answered %u", status);
        return st;
    }
    if (status == 423 || status == 412)
        st = BB_E_RETRY;
    if (has_code && fault_find(own, said.vendor_code, &st) != 0 && status >= 500 && status != 503)
        st = BB_E_UNKNOWN; /* a code nobody knows: whether it was rolled back, only a look can tell */
    if (!has_code) {
        if (a)
            (void)bb_http_answer_error(a, err);
        return st;
    }
    bb_error_set(err, st, "%s (HTTP %u)", said.text, status);
    bb_error_vendor(err, said.vendor_code);
    if (err && a)
        err->retry_after_ms = a->retry_after_ms;
    return st;
}
