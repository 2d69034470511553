/*
 * fault.c - what a refusal of the warehouse comes to: by its code first, then by the status of HTTP
 *
 * Codes come in RFC 7807 problems, as EPCIS 2.0 wants: "code" where there is one, else the exception's name from
 * "type". The config's `faults` goes before the table here. The README's fault table is this file in words.
 *
 * Thread: any.
 */
#include <stdio.h>
#include <string.h>
#include <busbar/json.h>
#include "wms.h"

/* Beside the SDK's table. A path that is not there is a mistake in the config, not in the message. */
const struct bb_http_outcomes wms_outcomes = {
    {{404, 405, BB_E_CONFIG, BB_E_CONFIG}, {410, 410, BB_E_REJECT, BB_E_REJECT}, {423, 423, BB_E_RETRY, BB_E_RETRY},
     {403, 403, BB_E_CONFIG, BB_E_CONFIG}, {415, 415, BB_E_CONFIG, BB_E_CONFIG}, {406, 406, BB_E_CONFIG, BB_E_CONFIG}},
    6};

static const struct {
    const char *code;
    bb_status status;
} codes[] = {{"ValidationException", BB_E_REJECT},
             {"DuplicateNameException", BB_E_REJECT},
             {"CaptureLimitExceededException", BB_E_REJECT},
             {"UnsupportedMediaTypeException", BB_E_CONFIG},
             {"NotAcceptableException", BB_E_CONFIG},
             {"SecurityException", BB_E_DOWN},
             {"ResourceAlreadyExistsException", BB_E_REJECT}};

static const struct {
    const char *word;
    bb_status status;
} words[] = {{"retry", BB_E_RETRY}, {"reject", BB_E_REJECT}, {"down", BB_E_DOWN},
             {"config", BB_E_CONFIG}, {"unknown", BB_E_UNKNOWN}, {"ok", BB_OK}};

static bb_status word_status(struct bb_bytes word, bb_status otherwise)
{
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (bb_str_is(word, words[k].word))
            return words[k].status;
    return otherwise;
}

static bb_status code_status(const struct bb_inst *i, struct bb_bytes code, bb_status otherwise)
{
    struct bb_bytes table, key, value, word;
    struct bb_iter it;

    if (bb_conf_find(i->raw, "/faults", &table) == 1 && bb_iter_of(table, &it))
        while (bb_iter_next(&it, &key, &value))
            if (code.len && key.len == code.len && memcmp(key.ptr, code.ptr, key.len) == 0 && bb_as_str(value, &word) == 1)
                return word_status(word, otherwise);
    for (size_t k = 0; k < sizeof codes / sizeof *codes; k++)
        if (bb_str_is(code, codes[k].code))
            return codes[k].status;
    return otherwise;
}

bb_status fault_read(const struct bb_inst *i, bb_status def, struct bb_bytes problem, struct bb_error *err)
{
    struct bb_bytes code = bb_conf_str(problem, "/code", NULL), type = bb_conf_str(problem, "/type", NULL);
    struct bb_bytes text = bb_conf_str(problem, "/detail", NULL);
    char vendor[32];

    if (!text.len)
        text = bb_conf_str(problem, "/title", NULL);
    if (!code.len && type.len) {
        const char *colon = memrchr(type.ptr, ':', type.len);
        code = colon ? (struct bb_bytes){colon + 1, type.len - (size_t)(colon + 1 - (const char *)type.ptr)} : type;
    }
    if (code.len) {
        snprintf(vendor, sizeof vendor, "%.*s", (int)(code.len < sizeof vendor ? code.len : sizeof vendor - 1),
                 (const char *)code.ptr);
        bb_error_vendor(err, vendor);
    }
    def = code_status(i, code, def);
    if (text.len)
        bb_error_set(err, def, "the warehouse says %.*s: %.*s", (int)(code.len > 40 ? 40 : code.len),
                     code.len ? (const char *)code.ptr : "", (int)(text.len > 150 ? 150 : text.len), (const char *)text.ptr);
    return def;
}

/* What a person can do, for the answers that are no message's fault. */
static void advice_add(bb_status st, unsigned code, struct bb_error *err)
{
    const char *what = code == 401 || code == 403 || code == BB_HTTP_E_AUTH ? "mend auth, or the user's rights"
                       : code == BB_HTTP_E_TLS ? "look at tls.ca and at the certificates' dates"
                       : code == 404 || code == 405 ? "mend base_url or paths"
                       : code == 415 || code == 406 ? "mend format (json or xml)" : NULL;
    size_t n = strlen(err->text), room = sizeof err->text - 1;

    if (!what || st == BB_E_REJECT)
        return;
    if (n > room - strlen(what) - 2)
        n = room - strlen(what) - 2;
    while (n && ((unsigned char)err->text[n] & 0xc0) == 0x80)
        n--;
    snprintf(err->text + n, sizeof err->text - n, "; %s", what);
}

bb_status answer_fault(struct bb_inst *i, const struct bb_http_answer *a, struct bb_error *err)
{
    bb_status st = bb_http_answer_error(a, err);
    struct bb_buf problem;

    bb_buf_init(&problem, 1u << 20);
    if (a->code >= 400 && a->code < 600 && a->body.len && bb_json_read(a->body, &problem, NULL) == 0)
        st = fault_read(i, st, (struct bb_bytes){problem.ptr, problem.len}, err);
    bb_buf_free(&problem);
    advice_add(st, a->code, err);
    return st;
}
