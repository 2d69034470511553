/*
 * fault.c - what a portal's answer comes to: its own code first, then the status of HTTP, then a 997 in the body
 *
 * Codes come in RFC 9457 problems ("code", "detail") or in the lists that other portals use (errors[0].code, .message). The
 * config's `faults` goes before the table of statuses here. A path that is not there is a mistake in the config, but a 404
 * with the portal's own code says that it does not know the partner. The README's fault table is this file in words.
 *
 * Thread: any.
 */
#include <stdio.h>
#include <stdlib.h>
#include <busbar/json.h>
#include "portal.h"

/* Beside the SDK's table. 409: by the draft of the Idempotency-Key header the first request is still being worked on. */
const struct bb_http_outcomes portal_outcomes = {
    {{404, 405, BB_E_CONFIG, BB_E_CONFIG}, {403, 403, BB_E_CONFIG, BB_E_CONFIG}, {406, 406, BB_E_CONFIG, BB_E_CONFIG},
     {409, 409, BB_E_UNKNOWN, BB_E_RETRY}, {415, 415, BB_E_CONFIG, BB_E_CONFIG}, {423, 423, BB_E_RETRY, BB_E_RETRY}},
    6};

static const struct {
    const char *word;
    bb_status status;
} words[] = {{"retry", BB_E_RETRY}, {"reject", BB_E_REJECT}, {"down", BB_E_DOWN},
             {"config", BB_E_CONFIG}, {"unknown", BB_E_UNKNOWN}, {"ok", BB_OK}};

static const struct {
    unsigned code;
    const char *what;
} hints[] = {{401, "mend auth: the portal refuses our client, token or signature"},
             {403, "the client may not do that at the portal: ask for its rights"},
             {404, "mend base_url or paths: nothing is there"},
             {405, "mend base_url or paths: this path takes no such request"},
             {406, "mend formats: the portal wants another form"},
             {415, "mend formats: the portal wants another form"},
             {BB_HTTP_E_AUTH, "mend auth: no token could be had"},
             {BB_HTTP_E_TLS, "look at tls.ca and at the certificates' dates"}};

static struct bb_bytes first_of(struct bb_bytes value, const char *const *pointers)
{
    struct bb_bytes s = {NULL, 0};

    for (; *pointers && !s.len; pointers++)
        s = bb_conf_str(value, *pointers, NULL);
    return s;
}

static const char *const code_at[] = {"/code", "/errors/0/code", "/error/code", NULL};
static const char *const text_at[] = {"/detail", "/errors/0/message", "/error/message/value", "/message", "/error_description",
                                      "/title", NULL};

static bb_status code_status(const struct bb_inst *i, struct bb_bytes code, bb_status otherwise)
{
    struct bb_bytes table, key, value, word;
    struct bb_iter it;

    if (code.len && bb_conf_find(i->raw, "/faults", &table) == 1 && bb_iter_of(table, &it))
        while (bb_iter_next(&it, &key, &value))
            if (key.len == code.len && memcmp(key.ptr, code.ptr, key.len) == 0 && bb_as_str(value, &word) == 1)
                for (size_t k = 0; k < sizeof words / sizeof *words; k++)
                    if (bb_str_is(word, words[k].word))
                        return words[k].status;
    return otherwise;
}

static void vendor_put(struct bb_error *err, struct bb_bytes code)
{
    char vendor[32];

    if (!code.len)
        return;
    snprintf(vendor, sizeof vendor, "%.*s", (int)(code.len < sizeof vendor ? code.len : sizeof vendor - 1), (const char *)code.ptr);
    bb_error_vendor(err, vendor);
}

/* The end of a problem's type, where it has no code: "https://portal.example/errors#CLOSED" is CLOSED. */
static struct bb_bytes type_code(struct bb_bytes body)
{
    struct bb_bytes type = bb_conf_str(body, "/type", NULL);
    const char *p = type.ptr;
    size_t from = type.len;

    while (from && p[from - 1] != '#' && p[from - 1] != '/' && p[from - 1] != ':')
        from--;
    return bb_str_is(type, "about:blank") || !type.len ? (struct bb_bytes){NULL, 0} : (struct bb_bytes){p + from, type.len - from};
}

/* A refusal in JSON. Its own code makes a 404 or 405 one about the message, not about the path. */
static bb_status problem_take(struct bb_inst *i, const struct bb_http_answer *a, bb_status st, struct bb_bytes body,
                              struct bb_error *err)
{
    struct bb_bytes code = first_of(body, code_at), text = first_of(body, text_at);

    if (code.len && st == BB_E_CONFIG && (a->code == 404 || a->code == 405))
        st = BB_E_REJECT;
    if (!code.len)
        code = type_code(body); /* for the record; it says nothing of whether the path is right */
    st = code_status(i, code, st);
    vendor_put(err, code);
    if (text.len)
        bb_error_set(err, st, "the portal says %.*s%s%.*s", (int)(code.len > 40 ? 40 : code.len), code.len ? (const char *)code.ptr : "",
                     code.len ? ": " : "", (int)(text.len > 150 ? 150 : text.len), (const char *)text.ptr);
    return st;
}

/* What a person can do, for the answers that are no message's fault; the portal's words, or the cause, in front. */
static void hint_add(bb_status st, unsigned code, struct bb_error *err)
{
    char was[sizeof err->text];
    const char *cause;

    for (size_t k = 0; k < sizeof hints / sizeof *hints; k++)
        if (hints[k].code == code && st != BB_E_REJECT) {
            memcpy(was, err->text, sizeof was);
            cause = strncmp(was, "the portal says", 15) != 0 && strstr(was, ": ") ? strstr(was, ": ") + 2 : was;
            bb_error_set(err, st, "%s (%.130s)", hints[k].what, cause);
        }
}

/* ---- X12 --------------------------------------------------------------------------------------------------------- */
static int is_x12(const struct bb_http_answer *a)
{
    return (a->type.len >= strlen(PORTAL_X12) && memcmp(a->type.ptr, PORTAL_X12, strlen(PORTAL_X12)) == 0) ||
           (a->body.len > 3 && memcmp(a->body.ptr, "ISA", 3) == 0);
}

/* The 997 in data: accepted is OK and the reply; anything else but "with errors" is a refusal. */
static bb_status ack_judge(struct bb_bytes data, uint32_t control, struct bb_error *err)
{
    struct bb_bytes outcome = bb_conf_str(data, "/outcome", ""), code = bb_conf_str(data, "/sets/0/code", "");
    char group[16], want[16], vendor[32];

    snprintf(want, sizeof want, "%u", control);
    if (bb_str_copy(bb_conf_str(data, "/group", NULL), group, sizeof group) != 0 || strtoul(group, NULL, 10) != control)
        return bb_error_set(err, BB_E_UNKNOWN, "the portal's 997 is about another group (%.15s) than ours (%s)", group, want);
    if (bb_str_is(outcome, "accepted") || bb_str_is(outcome, "accepted-with-errors"))
        return BB_OK;
    snprintf(vendor, sizeof vendor, "997/%s%.*s", code.len ? "AK5/" : "R", (int)(code.len > 8 ? 8 : code.len), (const char *)code.ptr);
    bb_error_vendor(err, vendor);
    return bb_error_set(err, BB_E_REJECT, "the partner's translator refuses our X12: %.*s, AK5 code %.*s", (int)outcome.len,
                        (const char *)outcome.ptr, (int)(code.len > 8 ? 8 : code.len), code.len ? (const char *)code.ptr : "-");
}

static bb_status ack_read(const struct bb_http_answer *a, const struct portal_conf *c, uint32_t control, struct bb_buf *reply,
                          struct bb_error *err)
{
    struct x12_set *sets = calloc(X12_SETS_MAX, sizeof *sets);
    struct bb_fault f = {0, "it has no 997"};
    struct found found;
    uint32_t n = 0;
    bb_status st = BB_E_UNKNOWN;

    if (!sets)
        return bb_error_set(err, BB_E_UNKNOWN, "out of memory while the 997 was read");
    if (x12_read(a->body, sets, &n, &f) == 0 && n == 1 && bb_str_is(sets->id, "997") && !sets->code &&
        x12_ack_get(c, sets, reply, &found, &f) == 0 && !reply->failed)
        st = ack_judge((struct bb_bytes){reply->ptr, reply->len}, control, err);
    else
        bb_error_set(err, st, "HTTP %u with X12 that is no 997 to read: %.150s", a->code, f.text);
    free(sets);
    if (st != BB_OK)
        bb_buf_reset(reply);
    return st;
}

/* X12 was taken without a 997, which will come by the feed: the group's number tells whose it is. */
static void group_put(struct bb_buf *reply, uint32_t control, struct bb_bytes body)
{
    struct open m = map_open(reply);
    char text[16];

    snprintf(text, sizeof text, "%u", control);
    map_text(&m, "group", bb_str(text));
    if (body.len) {
        map_key(&m, "answer");
        bb_put_raw(reply, body);
    }
    open_end(&m);
}

/* ---- answers ------------------------------------------------------------------------------------------------------- */
int answer_own(const struct bb_http_answer *a)
{
    struct bb_buf v;
    int own;

    bb_buf_init(&v, 1u << 20);
    own = a->code >= 400 && a->code < 500 && a->body.len && bb_json_read(a->body, &v, NULL) == 0 &&
          first_of((struct bb_bytes){v.ptr, v.len}, code_at).len > 0;
    bb_buf_free(&v);
    return own;
}

bb_status answer_read(struct bb_inst *i, const struct bb_http_answer *a, const char *set, uint32_t control, struct bb_buf *reply,
                      struct bb_error *err)
{
    bb_status st = bb_http_answer_error(a, err);
    struct bb_buf v;
    struct bb_bytes body = {NULL, 0};

    if (set && strcmp(set, "830") == 0 && is_x12(a) && a->code >= 200 && a->code < 500) {
        bb_status ack = ack_read(a, &i->conf, control, reply, err);
        return st == BB_OK || ack == BB_E_REJECT ? ack : st;
    }
    bb_buf_init(&v, 1u << 20);
    if (a->code >= 200 && a->code < 600 && a->body.len && bb_json_read(a->body, &v, NULL) == 0)
        body = (struct bb_bytes){v.ptr, v.len};
    if (st == BB_OK && body.len && bb_str_is(bb_conf_str(body, "/status", ""), "rejected"))
        st = problem_take(i, a, BB_E_REJECT, body, err);
    else if (st == BB_OK && set && strcmp(set, "830") == 0)
        group_put(reply, control, body);
    else if (st == BB_OK && body.len)
        bb_put_raw(reply, body);
    else if (st != BB_OK && body.len)
        st = problem_take(i, a, st, body, err);
    bb_buf_free(&v);
    if (st != BB_OK)
        hint_add(st, a->code, err);
    return st;
}
