/*
 * fault.c - what a refusal of the PLM comes to: by its code first, then by the status of HTTP
 *
 * Codes come as {"error": {"code", "message"}} (OData's shape, and that of many REST interfaces); the message may be a
 * text or {"value": ...}. The config's `faults` goes before all else. The README's fault table is this file in words.
 *
 * Thread: any.
 */
#include <stdio.h>
#include <busbar/json.h>
#include "plm.h"

/* Beside the SDK's table. A path that is not there is a mistake in the config, not in the message. */
const struct bb_http_outcomes plm_outcomes = {
    {{404, 405, BB_E_CONFIG, BB_E_CONFIG}, {423, 423, BB_E_RETRY, BB_E_RETRY}, {403, 403, BB_E_CONFIG, BB_E_CONFIG},
     {406, 406, BB_E_CONFIG, BB_E_CONFIG}, {415, 415, BB_E_CONFIG, BB_E_CONFIG}},
    5};

static const struct {
    const char *word;
    bb_status status;
} words[] = {{"retry", BB_E_RETRY}, {"reject", BB_E_REJECT}, {"down", BB_E_DOWN},
             {"config", BB_E_CONFIG}, {"unknown", BB_E_UNKNOWN}, {"ok", BB_OK}};

static int own_status(const bb_inst *i, struct bb_bytes code, bb_status *st)
{
    struct bb_bytes table, value, word;
    char name[128];

    if (!code.len || bb_conf_find(i->raw, "/faults", &table) != 1 || bb_str_copy(code, name, sizeof name) != 0 ||
        bb_map_get(table, name, &value) != 1 || bb_as_str(value, &word) != 1)
        return 0;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (bb_str_is(word, words[k].word))
            *st = words[k].status;
    return 1;
}

static bb_status refusal_read(const bb_inst *i, bb_status st, unsigned status, struct bb_bytes body, const char *what,
                              struct bb_error *err)
{
    struct bb_bytes code = bb_conf_str(body, "/error/code", NULL), text = bb_conf_str(body, "/error/message", NULL);
    char vendor[32];

    if (!text.len)
        text = bb_conf_str(body, "/error/message/value", NULL);
    if (!code.len)
        return st;
    if (!own_status(i, code, &st) && (status == 404 || status == 405))
        st = BB_E_REJECT; /* the PLM itself knows no such thing */
    snprintf(vendor, sizeof vendor, "%.*s", (int)(code.len < sizeof vendor ? code.len : sizeof vendor - 1), (const char *)code.ptr);
    bb_error_vendor(err, vendor);
    bb_error_set(err, st, "%s: the PLM says: %.*s", what, (int)(text.len > 130 ? 130 : text.len),
                 text.len ? (const char *)text.ptr : "");
    return st;
}

/* What a person can do, for the answers that are no message's fault. */
static void advice_add(bb_status st, unsigned code, struct bb_error *err)
{
    const char *what = code == 401 || code == 403 || code == BB_HTTP_E_AUTH ? "mend auth, or the user's rights"
                       : code == BB_HTTP_E_TLS ? "look at tls.ca and at the certificates' dates"
                       : code == 404 || code == 405 ? "mend base_url, style or paths" : NULL;
    size_t n = strlen(err->text), most = sizeof err->text - 1;

    if (!what || st == BB_E_REJECT)
        return;
    if (n > most - strlen(what) - 2)
        n = most - strlen(what) - 2;
    while (n && ((unsigned char)err->text[n] & 0xc0) == 0x80)
        n--;
    snprintf(err->text + n, sizeof err->text - n, "; %s", what);
}

bb_status answer_fault(bb_inst *i, const struct bb_http_answer *a, const char *what, struct bb_error *err)
{
    bb_status st = bb_http_answer_error(a, err);
    struct bb_buf body;

    bb_buf_init(&body, 1u << 20);
    if (a->code >= 400 && a->code < 600 && a->body.len && bb_json_read(a->body, &body, NULL) == 0)
        st = refusal_read(i, st, a->code, (struct bb_bytes){body.ptr, body.len}, what, err);
    bb_buf_free(&body);
    advice_add(st, a->code, err);
    return st;
}
